//! Backends: a plugin's client and the device on which programs run.

use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use jacinth_pjrt::{Client, ClientOptions, Device};
use parking_lot::{Mutex, RwLock};

use crate::error::{Error, Result};
use crate::ir::BackendId;

/// A plugin's client with the device on which programs run.
///
/// Cheap to clone. The process's default is `jacinth_plugins`' (`JACINTH_PLATFORMS`, else an accelerator that is present, else the
/// embedded CPU plugin), chosen at first use; [`set_platform`] changes it, [`with_backend`] overrides it for a closure.
///
/// ```
/// # use jacinth_frontend::{Backend, numpy as jnp, with_backend};
/// let embedded = Backend::new("embedded").unwrap();
/// let x = with_backend(&embedded, || jnp::ones([2]) + 1.0);
/// assert_eq!((embedded.platform(), x.device().unwrap().id()), ("jacinth", embedded.device().id()));
/// ```
#[derive(Clone)]
pub struct Backend(Arc<Inner>);

struct Inner {
    id: BackendId,
    client: Client,
    device: Device,
}

static DEFAULT: RwLock<Option<Backend>> = RwLock::new(None);

/// The number of the next backend.
static NEXT: AtomicU32 = AtomicU32::new(1);

/// Every backend that somebody holds.
static KNOWN: Mutex<Vec<Weak<Inner>>> = Mutex::new(Vec::new());

thread_local! {
    static OVERRIDE: RefCell<Option<Backend>> = const { RefCell::new(None) };
}

/// Makes the plugin of that name (`embedded`, `xla-cpu`, `cuda`, `tpu`) or path the process's default.
///
/// Arrays that exist stay where they are, and are copied when a program takes them.
///
/// ```no_run
/// # use jacinth_frontend::set_platform;
/// set_platform("cuda")?;
/// # Ok::<(), jacinth_frontend::Error>(())
/// ```
///
/// # Errors
/// If it is not found or does not start; the message says what was looked at.
pub fn set_platform(spec: &str) -> Result<()> {
    let backend = Backend::new(spec)?;
    *DEFAULT.write() = Some(backend);
    Ok(())
}

/// Runs `f` with everything that it does on this thread placed on that backend.
///
/// ```
/// # use jacinth_frontend::{Backend, default_backend, with_backend};
/// let embedded = Backend::new("embedded").unwrap();
/// assert_eq!(with_backend(&embedded, default_backend), "jacinth");
/// ```
pub fn with_backend<R>(backend: &Backend, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<Backend>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let previous = self.0.take();
            OVERRIDE.with(|o| o.replace(previous));
        }
    }
    let _restore = Restore(OVERRIDE.with(|o| o.replace(Some(backend.clone()))));
    f()
}

impl Backend {
    /// The first device of the plugin of that name or path.
    ///
    /// ```
    /// # use jacinth_frontend::Backend;
    /// let error = Backend::new("abacus").unwrap_err();
    /// assert!(error.to_string().contains("abacus"));
    /// ```
    ///
    /// # Errors
    /// If it is not found or does not start; the message says what was looked at.
    pub fn new(spec: &str) -> Result<Backend> {
        let plugin = jacinth_plugins::resolve(spec).map_err(|e| Error::runtime(e.to_string()))?;
        Backend::of_client(plugin.client(&ClientOptions::default())?)
    }

    /// The first device of a client.
    ///
    /// ```
    /// # use jacinth_frontend::Backend;
    /// let plugin = jacinth_plugins::embedded().unwrap();
    /// let client = plugin.client(&Default::default()).unwrap();
    /// assert_eq!(Backend::of_client(client).unwrap().platform(), "jacinth");
    /// ```
    ///
    /// # Errors
    /// If the client has no device of this process.
    pub fn of_client(client: Client) -> Result<Backend> {
        let device = client.addressable_devices().into_iter().next();
        let device = device.ok_or_else(|| {
            Error::runtime(format!("the plugin `{}` has no device in this process", client.platform_name()))
        })?;
        Backend::of_device(&device)
    }

    /// The backend of a device: always the same one, as long as somebody holds it.
    ///
    /// ```
    /// # use jacinth_frontend::{Backend, devices};
    /// let backend = Backend::of_device(devices()[0].handle()).unwrap();
    /// assert_eq!(backend.device().id(), devices()[0].id());
    /// ```
    ///
    /// # Errors
    /// If the device belongs to another process.
    pub fn of_device(device: &Device) -> Result<Backend> {
        if !device.is_addressable() {
            return Err(Error::argument(format!("{device} belongs to another process")));
        }
        let mut known = KNOWN.lock();
        known.retain(|backend| backend.strong_count() > 0);
        let found = known.iter().filter_map(Weak::upgrade).find(|inner| inner.device == *device);
        let inner = found.unwrap_or_else(|| {
            let id = NEXT.fetch_add(1, Ordering::Relaxed);
            let inner = Arc::new(Inner { id, client: device.client(), device: device.clone() });
            known.push(Arc::downgrade(&inner));
            inner
        });
        Ok(Backend(inner))
    }

    /// The backend on which this thread's programs run now.
    ///
    /// ```
    /// # use jacinth_frontend::{Backend, default_backend};
    /// assert_eq!(Backend::current().unwrap().platform(), default_backend());
    /// ```
    ///
    /// # Errors
    /// If no plugin starts.
    pub fn current() -> Result<Backend> {
        if let Some(backend) = OVERRIDE.with(|o| o.borrow().clone()) {
            return Ok(backend);
        }
        if let Some(backend) = &*DEFAULT.read() {
            return Ok(backend.clone());
        }
        let mut default = DEFAULT.write();
        if default.is_none() {
            let client = jacinth_plugins::default_client(&ClientOptions::default());
            *default = Some(Backend::of_client(client.map_err(|e| Error::runtime(e.to_string()))?)?);
        }
        Ok(default.clone().expect("set above"))
    }

    /// The id of the current backend without counting a reference; `None` if none was chosen yet.
    pub(crate) fn current_id() -> Option<BackendId> {
        OVERRIDE
            .with(|o| o.borrow().as_ref().map(Backend::id))
            .or_else(|| DEFAULT.read().as_ref().map(Backend::id))
    }

    /// The backend's number.
    pub(crate) fn id(&self) -> BackendId {
        self.0.id
    }

    /// The client.
    ///
    /// ```
    /// # use jacinth_frontend::Backend;
    /// assert!(!Backend::current().unwrap().client().devices().is_empty());
    /// ```
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// The device.
    ///
    /// ```
    /// # use jacinth_frontend::Backend;
    /// assert!(Backend::current().unwrap().device().is_addressable());
    /// ```
    pub fn device(&self) -> &Device {
        &self.0.device
    }

    /// The platform's name, `cpu`.
    ///
    /// ```
    /// # use jacinth_frontend::Backend;
    /// assert_eq!(Backend::new("embedded").unwrap().platform(), "jacinth");
    /// ```
    pub fn platform(&self) -> &str {
        self.0.client.platform_name()
    }
}

/// The platform of this thread's programs by JAX's name: the embedded plugin's is `cpu`, like XLA's.
///
/// # Errors
/// If no plugin starts.
pub(crate) fn current_platform() -> Result<String> {
    let backend = Backend::current()?;
    Ok(match backend.platform() {
        "jacinth" => "cpu".to_owned(),
        other => other.to_owned(),
    })
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Backend({} of plugin {})", self.platform(), self.0.client.plugin().name())
    }
}
