//! Backends: a plugin's client and the device on which programs run.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use jacinth_pjrt::{Client, ClientOptions, Device};
use parking_lot::RwLock;

use crate::error::{Error, Result};
use crate::ir::BackendId;

/// A plugin's client with the device on which programs run.
///
/// Cheap to clone. The process's default is `jacinth_plugins`' (`JACINTH_PLATFORMS`, else an accelerator that is present, else the
/// embedded CPU plugin), chosen at first use; [`set_platform`] changes it, [`with_backend`] overrides it for a closure.
#[derive(Clone)]
pub struct Backend(Arc<Inner>);

struct Inner {
    id: BackendId,
    client: Client,
    device: Device,
}

static DEFAULT: RwLock<Option<Backend>> = RwLock::new(None);

thread_local! {
    static OVERRIDE: RefCell<Option<Backend>> = const { RefCell::new(None) };
}

/// Makes the plugin of that name (`embedded`, `xla-cpu`, `cuda`, `tpu`) or path the process's default.
///
/// # Errors
/// If it is not found or does not start; the message says what was looked at.
pub fn set_platform(spec: &str) -> Result<()> {
    let backend = Backend::new(spec)?;
    *DEFAULT.write() = Some(backend);
    Ok(())
}

/// Runs `f` with everything that it does on this thread placed on that backend.
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
    /// # Errors
    /// If it is not found or does not start; the message says what was looked at.
    pub fn new(spec: &str) -> Result<Backend> {
        let plugin = jacinth_plugins::resolve(spec).map_err(|e| Error::runtime(e.to_string()))?;
        Backend::of_client(plugin.client(&ClientOptions::default())?)
    }

    /// The first device of a client.
    ///
    /// # Errors
    /// If the client has no device of this process.
    pub fn of_client(client: Client) -> Result<Backend> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let device = client.addressable_devices().into_iter().next();
        let device = device.ok_or_else(|| {
            Error::runtime(format!("the plugin `{}` has no device in this process", client.platform_name()))
        })?;
        Ok(Backend(Arc::new(Inner { id: NEXT.fetch_add(1, Ordering::Relaxed), client, device })))
    }

    /// The backend on which this thread's programs run now.
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
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.0.device
    }

    /// The platform's name, `cpu`.
    pub fn platform(&self) -> &str {
        self.0.client.platform_name()
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Backend({} of plugin {})", self.platform(), self.0.client.plugin().name())
    }
}
