//! Functions of this process that programs call while they run, through the plugin's FFI.
//!
//! One handler stands behind all of them; which function is meant is a number among the call's attributes. A function lives as long as
//! somebody holds its [`Callback`], as the primitive that calls it does, and so whoever keeps the program. Its arrays live on a
//! client of the embedded plugin that runs nothing else, and so do the operations that it applies to them: the device
//! that waits for the function is not asked for anything.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Weak};

use jacinth_pjrt::ElementType;
use jacinth_pjrt::ffi::{Call, Handler};
use parking_lot::{Mutex, RwLock};
use rustc_hash::{FxHashMap, FxHashSet};

use super::transfer::{element_type, upload};
use super::{Backend, to_bytes, with_backend};
use crate::error::{Error, Result};
use crate::ir::{Array, Aval, DType, Repr};

/// The custom calls' target.
pub(crate) const TARGET: &str = "jacinth_callback";
/// How a module's text calls it.
pub(super) const CALL: &str = "custom_call @jacinth_callback(";
/// The attribute that says which function is called.
pub(crate) const INDEX: &str = "index";
/// The attribute that says that the last operand and the last result are there to keep calls in order.
pub(crate) const ORDERED: &str = "ordered";

type Fun = Box<dyn Fn(&[Array]) -> Result<Vec<Array>> + Send + Sync>;

/// A function that programs may call.
pub(crate) struct Callback {
    index: u64,
    name: &'static str,
    fun: Fun,
}

static CALLBACKS: LazyLock<RwLock<FxHashMap<u64, Weak<Callback>>>> = LazyLock::new(RwLock::default);

impl Callback {
    /// A function under a new number; `name` is for messages.
    pub(crate) fn new(name: &'static str, fun: Fun) -> Arc<Callback> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let index = NEXT.fetch_add(1, Ordering::Relaxed);
        let callback = Arc::new(Callback { index, name, fun });
        CALLBACKS.write().insert(index, Arc::downgrade(&callback));
        callback
    }

    /// The number by which programs know it.
    pub(crate) fn index(&self) -> u64 {
        self.index
    }

    /// What the function is called in messages.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Calls the function here and now.
    pub(crate) fn call(&self, args: &[Array]) -> Result<Vec<Array>> {
        (self.fun)(args)
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        CALLBACKS.write().remove(&self.index);
    }
}

/// Identity.
impl PartialEq for Callback {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index
    }
}

impl Eq for Callback {}

impl Hash for Callback {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.index.hash(state);
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Callback({} of index {})", self.name, self.index)
    }
}

/// Makes sure that programs of that backend can call back.
///
/// # Errors
/// Where its plugin has no FFI extension, or its device is no CPU: a handler reads host memory.
pub(super) fn prepare(backend: &Backend) -> Result<()> {
    static READY: Mutex<Option<FxHashSet<String>>> = Mutex::new(None);
    let plugin = backend.client().plugin();
    // The embedded plugin goes by its own name.
    if !matches!(backend.platform(), "cpu" | "jacinth") {
        return Err(Error::unsupported(format!(
            "callbacks from inside a program run on CPU plugins only so far, and this one is {backend:?}"
        )));
    }
    let mut ready = READY.lock();
    let ready = ready.get_or_insert_default();
    let key = format!("{} {:?}", plugin.name(), plugin.origin());
    if !ready.contains(&key) {
        plugin.register_handler::<Dispatch>(TARGET, "Host")?;
        ready.insert(key);
    }
    Ok(())
}

/// The backend of callbacks' arrays.
fn host() -> Result<Backend> {
    static HOST: Mutex<Option<Backend>> = Mutex::new(None);
    let mut host = HOST.lock();
    if host.is_none() {
        *host = Some(Backend::new("embedded")?);
    }
    Ok(host.clone().expect("set above"))
}

/// The handler of [`TARGET`].
struct Dispatch;

impl Handler for Dispatch {
    fn call(call: &mut Call<'_>) -> Result<(), String> {
        let index = call.int_attribute(INDEX).ok_or("the call does not say which function it means")?;
        let callback = u64::try_from(index).ok().and_then(|index| CALLBACKS.read().get(&index)?.upgrade());
        let callback = callback.ok_or("the function that the program calls is gone")?;
        let ordered = usize::from(call.int_attribute(ORDERED) == Some(1));
        let host = host().map_err(|e| e.to_string())?;
        let mut args = Vec::with_capacity(call.num_args());
        for i in 0..call.num_args() - ordered.min(call.num_args()) {
            let arg = call.arg(i)?;
            let aval = Aval::new(arg.dims.iter().map(|&d| d as usize), dtype(arg.element_type)?);
            let array = upload(&host, aval, arg.bytes).map_err(|e| e.to_string())?;
            args.push(Array(Repr::Device(array)));
        }
        let outs = with_backend(&host, || callback.call(&args)).map_err(|e| e.to_string())?;
        let num_results = call.num_results() - ordered.min(call.num_results());
        if outs.len() != num_results {
            let (name, n) = (callback.name, outs.len());
            return Err(format!("{name} gave {n} results, {num_results} were announced"));
        }
        for (i, out) in outs.iter().enumerate() {
            let bytes = to_bytes(out).map_err(|e| e.to_string())?;
            let result = call.result(i)?;
            if bytes.len() != result.bytes.len() {
                let name = callback.name;
                return Err(format!("{name}: result {i} is {:?}, not as was announced", out.aval()));
            }
            result.bytes.copy_from_slice(&bytes);
        }
        if ordered == 1 && call.num_results() > num_results {
            call.result(num_results)?.bytes.fill(0);
        }
        Ok(())
    }
}

fn dtype(element: ElementType) -> Result<DType, String> {
    let found = DType::ALL.iter().copied().find(|&dtype| element_type(dtype).is_ok_and(|e| e == element));
    found.ok_or_else(|| format!("arrays of {element} are not supported"))
}
