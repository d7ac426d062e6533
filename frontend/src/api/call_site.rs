//! Where a handle is called: the user's line, although a call through `dyn Fn` does not tell it.
//!
//! A handle is called through its `Deref`, which runs at the line of the call, before the arguments are evaluated, and notes it here; the
//! function object takes the newest note of its handle. So `f(f(x))` finds both lines, and a note whose call never came
//! (`let g = &*f;`) costs nothing: the oldest are forgotten. While a call runs its line is kept for what binds an operation of its own.

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::sync::Arc;

use crate::ir::Source;
use crate::trace::current_source;

/// More open notes than any nesting of calls in arguments has.
const MAX_NOTES: usize = 32;

thread_local! {
    static NOTES: RefCell<Vec<(usize, Source)>> = const { RefCell::new(Vec::new()) };
    /// The line of the innermost call that runs.
    static RUNNING: Cell<Option<Source>> = const { Cell::new(None) };
}

/// Notes that the handle is about to be called by this function's caller.
#[track_caller]
#[inline]
pub(crate) fn note<T: ?Sized>(handle: &Arc<T>) {
    let source = Location::caller();
    NOTES.with_borrow_mut(|notes| {
        if notes.len() == MAX_NOTES {
            notes.remove(0);
        }
        notes.push((id(handle), source));
    });
}

/// The line of the handle's call that is beginning, if it was noted.
#[inline]
pub(crate) fn take<T: ?Sized>(handle: &Arc<T>) -> Option<Source> {
    NOTES.with_borrow_mut(|notes| {
        let at = notes.iter().rposition(|(id_of, _)| *id_of == id(handle))?;
        Some(notes.remove(at).1)
    })
}

/// Runs what a handle that was called at that line stands for; without a line, as a part of the call around it.
pub(crate) fn within<R>(at: Option<Source>, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<Source>);
    impl Drop for Restore {
        fn drop(&mut self) {
            RUNNING.set(self.0);
        }
    }
    let _restore = Restore(RUNNING.get());
    if at.is_some() {
        RUNNING.set(at);
    }
    f()
}

/// The line of what a function with rules of its own binds: the trace's, else that of the innermost call that runs, else the one at
/// which the function was made.
pub(crate) fn line(made_at: Source) -> Source {
    current_source(RUNNING.get().unwrap_or(made_at))
}

fn id<T: ?Sized>(handle: &Arc<T>) -> usize {
    Arc::as_ptr(handle).cast::<()>() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_note_of_a_handle_is_taken_first() {
        let (f, g) = (Arc::new(1), Arc::new(2));
        assert_eq!(take(&f), None);
        note(&f);
        note(&g);
        note(&f);
        let (last, first) = (take(&f).unwrap(), take(&f).unwrap());
        assert!(last.line() > first.line() && take(&f).is_none() && take(&g).is_some());
        (0..2 * MAX_NOTES).for_each(|_| note(&f));
        assert_eq!((0..2 * MAX_NOTES).filter(|_| take(&f).is_some()).count(), MAX_NOTES);
    }
}
