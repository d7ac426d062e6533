//! Switches: of the process, and of a thread for the time of a closure.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// A switch with a value for the process and, where one is set, a value for the thread.
struct Switch {
    process: OnceLock<AtomicBool>,
    variable: &'static str,
}

static X64: Switch = Switch { process: OnceLock::new(), variable: "JACINTH_ENABLE_X64" };
static CHECK_INDEX: Switch = Switch { process: OnceLock::new(), variable: "JACINTH_CHECK_INDEX" };

thread_local! {
    static X64_HERE: Cell<Option<bool>> = const { Cell::new(None) };
    static CHECK_INDEX_HERE: Cell<Option<bool>> = const { Cell::new(None) };
}

impl Switch {
    fn process(&self) -> &AtomicBool {
        self.process.get_or_init(|| {
            let on = std::env::var(self.variable).is_ok_and(|v| matches!(&*v, "1" | "true" | "True"));
            AtomicBool::new(on)
        })
    }

    fn get(&self, here: Option<bool>) -> bool {
        here.unwrap_or_else(|| self.process().load(Ordering::Relaxed))
    }
}

/// Runs `f` with a thread's value of a switch, and puts the old one back, after a panic too.
fn scoped<R>(cell: &'static std::thread::LocalKey<Cell<Option<bool>>>, on: bool, f: impl FnOnce() -> R) -> R {
    struct Restore(&'static std::thread::LocalKey<Cell<Option<bool>>>, Option<bool>);
    impl Drop for Restore {
        fn drop(&mut self) {
            self.0.set(self.1);
        }
    }
    let _restore = Restore(cell, cell.replace(Some(on)));
    f()
}

/// Says whether 64-bit dtypes are kept (`true`) or become 32-bit ones, the default; as `JACINTH_ENABLE_X64` does.
pub fn enable_x64(on: bool) {
    X64.process().store(on, Ordering::Relaxed);
}

/// [`enable_x64`] for this thread while `f` runs.
pub fn with_x64<R>(on: bool, f: impl FnOnce() -> R) -> R {
    scoped(&X64_HERE, on, f)
}

/// Whether 64-bit dtypes are kept.
pub fn x64_enabled() -> bool {
    X64.get(X64_HERE.get())
}

/// Says whether concrete indices out of bounds are errors; as `JACINTH_CHECK_INDEX` does.
///
/// By default reads are moved inside and updates dropped, as in JAX. Traced indices are checked by
/// [`checkify`](super::indexing::checkify), with this switch or without.
pub fn check_index(on: bool) {
    CHECK_INDEX.process().store(on, Ordering::Relaxed);
}

/// [`check_index`] for this thread while `f` runs.
pub fn with_check_index<R>(on: bool, f: impl FnOnce() -> R) -> R {
    scoped(&CHECK_INDEX_HERE, on, f)
}

/// Whether concrete indices out of bounds are errors.
pub fn index_checked() -> bool {
    CHECK_INDEX.get(CHECK_INDEX_HERE.get())
}
