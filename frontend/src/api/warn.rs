//! Warnings: what is not an error but probably not meant, said once per line of the user's program.
//!
//! They go to standard error, or to a function that [`set_warning_hook`] sets.

use crate::ir::Source;
use crate::trace::here;
use parking_lot::{Mutex, RwLock};
use rustc_hash::FxHashSet;
use std::fmt;
use std::sync::LazyLock;

/// What is said, and of which line.
///
/// ```no_run
/// # use jacinth_frontend::{Warning, set_warning_hook};
/// set_warning_hook(|Warning { message, source }: &Warning| eprintln!("{}: {message}", source.file()));
/// ```
#[derive(Clone, Debug)]
pub struct Warning {
    /// A sentence without its full stop.
    pub message: String,
    /// The user's line.
    pub source: Source,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.message, self.source)
    }
}

type Hook = Box<dyn Fn(&Warning) + Send + Sync>;

static HOOK: RwLock<Option<Hook>> = RwLock::new(None);
static SAID: LazyLock<Mutex<FxHashSet<(Source, String)>>> = LazyLock::new(Mutex::default);

/// Sends warnings to `hook` instead of standard error, from now on and from every thread.
///
/// ```no_run
/// # use jacinth_frontend::{Array, DType, set_warning_hook};
/// // Warnings become panics, in tests for example.
/// set_warning_hook(|warning| panic!("{warning}"));
/// Array::from([1.0f32]).astype(DType::F64); // float64 was asked for, but 64-bit dtypes are switched off
/// ```
pub fn set_warning_hook(hook: impl Fn(&Warning) + Send + Sync + 'static) {
    *HOOK.write() = Some(Box::new(hook));
}

/// Warns of the caller's line, the first time that it says so.
#[track_caller]
pub(crate) fn warn(message: String) {
    warn_at(here(), message);
}

/// Warns of that line, the first time that it says so.
pub(crate) fn warn_at(source: Source, message: String) {
    if !SAID.lock().insert((source, message.clone())) {
        return;
    }
    let warning = Warning { message, source };
    match &*HOOK.read() {
        Some(hook) => hook(&warning),
        None => eprintln!("warning: {warning}"),
    }
}
