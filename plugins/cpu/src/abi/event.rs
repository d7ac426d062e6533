//! `PJRT_Event`, and the signal underneath: something that will be ready, perhaps with an error.
//!
//! Invariants: a signal is set once; what waits for it runs on the thread that sets it, with no lock held. An event that
//! was ready when it was made costs no allocation: they are all one static object.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::{Condvar, Mutex};
use pjrt_sys::*;

use super::error;
use super::guard::{entries, give, opaque};
use super::queue::Jobs;
use crate::{Code, Error, Result};

opaque! { PJRT_Event => Event; }

/// What a caller holds.
#[derive(Debug)]
pub(super) enum Event {
    /// Was ready from the start.
    Ready,
    /// Had failed from the start.
    Failed(Error),
    /// Becomes ready.
    Pending(Arc<Signal>),
}

static READY: Event = Event::Ready;

impl Event {
    /// An event that is ready.
    pub(super) fn ready() -> *mut PJRT_Event {
        (&raw const READY).cast_mut().cast()
    }

    /// An event that is ready, with this outcome.
    pub(super) fn done(outcome: Result<()>) -> *mut PJRT_Event {
        match outcome {
            Ok(()) => Event::ready(),
            Err(error) => give(Event::Failed(error)),
        }
    }

    /// An event that is ready when the signal is.
    pub(super) fn of(signal: Arc<Signal>) -> *mut PJRT_Event {
        give(Event::Pending(signal))
    }

    fn outcome(&self) -> Option<Result<()>> {
        match self {
            Event::Ready => Some(Ok(())),
            Event::Failed(error) => Some(Err(error.clone())),
            Event::Pending(signal) => signal.outcome(),
        }
    }
}

type Waiter = Box<dyn FnOnce(&Result<()>) + Send>;

/// Something that becomes ready, once.
pub(super) struct Signal {
    state: AtomicU8,
    inner: Mutex<Inner>,
    changed: Condvar,
    /// The queue whose job will set it, if one will.
    jobs: Option<Arc<Jobs>>,
}

#[derive(Default)]
struct Inner {
    error: Option<Error>,
    waiters: Vec<Waiter>,
    sleepers: usize,
}

const PENDING: u8 = 0;
const DONE: u8 = 1;
const FAILED: u8 = 2;

impl Signal {
    /// A signal that is not ready.
    pub(super) fn new() -> Signal {
        Signal { state: AtomicU8::new(PENDING), inner: Mutex::default(), changed: Condvar::new(), jobs: None }
    }

    /// A signal that a job of this queue will set: who waits for it helps the queue along.
    pub(super) fn of_job(jobs: Arc<Jobs>) -> Signal {
        Signal { jobs: Some(jobs), ..Signal::new() }
    }

    /// Makes it ready and runs what waits for it; `false` if it was ready already.
    pub(super) fn set(&self, outcome: Result<()>) -> bool {
        let waiters = {
            let mut inner = self.inner.lock();
            if self.is_ready() {
                return false;
            }
            let state = if outcome.is_ok() { DONE } else { FAILED };
            inner.error = outcome.as_ref().err().cloned();
            self.state.store(state, Ordering::Release);
            if inner.sleepers > 0 {
                self.changed.notify_all();
            }
            std::mem::take(&mut inner.waiters)
        };
        for waiter in waiters {
            waiter(&outcome);
        }
        true
    }

    /// Whether it is ready.
    #[inline]
    pub(super) fn is_ready(&self) -> bool {
        self.state.load(Ordering::Acquire) != PENDING
    }

    /// How it went, if it is ready.
    pub(super) fn outcome(&self) -> Option<Result<()>> {
        match self.state.load(Ordering::Acquire) {
            PENDING => None,
            DONE => Some(Ok(())),
            _ => Some(Err(self.inner.lock().error.clone().expect("a failed signal has its error"))),
        }
    }

    /// Waits until it is ready.
    pub(super) fn wait(&self) -> Result<()> {
        if let Some(jobs) = &self.jobs
            && !self.is_ready()
        {
            jobs.help(&|| self.is_ready());
        }
        // Short work ends sooner than this thread could go to sleep and come back.
        for _ in 0..200 {
            if self.is_ready() {
                break;
            }
            std::hint::spin_loop();
        }
        if !self.is_ready() {
            let mut inner = self.inner.lock();
            inner.sleepers += 1;
            while !self.is_ready() {
                self.changed.wait(&mut inner);
            }
            inner.sleepers -= 1;
        }
        self.outcome().expect("it is ready")
    }

    /// Runs `waiter` when it is ready: now, on this thread, if it is.
    pub(super) fn on_ready(&self, waiter: impl FnOnce(&Result<()>) + Send + 'static) {
        let mut inner = self.inner.lock();
        if !self.is_ready() {
            inner.waiters.push(Box::new(waiter));
            return;
        }
        drop(inner);
        waiter(&self.outcome().expect("it is ready"));
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signal").field(&self.outcome()).finish()
    }
}

/// A caller's callback and its argument.
struct Callback(unsafe extern "C" fn(*mut PJRT_Error, *mut std::ffi::c_void), *mut std::ffi::c_void);

// SAFETY: the header lets the plugin call back on any thread.
unsafe impl Send for Callback {}

impl Callback {
    fn call(self, outcome: &Result<()>) {
        let error = outcome.as_ref().err().map_or(std::ptr::null_mut(), |e| error::into_raw(e.clone()));
        // SAFETY: the caller gave us the function with this argument, to be called once.
        unsafe { (self.0)(error, self.1) }
    }
}

entries! {
    /// `PJRT_Event_Destroy`: what waits for the event still runs.
    destroy(args: PJRT_Event_Destroy_Args) {
        if !args.event.is_null() && args.event != Event::ready() {
            drop(args.take(args.event)?);
        }
        Ok(())
    }

    /// `PJRT_Event_IsReady`.
    is_ready(args: PJRT_Event_IsReady_Args) {
        args.is_ready = match args.get(args.event)? {
            Event::Pending(signal) => signal.is_ready(),
            _ => true,
        };
        Ok(())
    }

    /// `PJRT_Event_Error`: the error of an event that is ready.
    error(args: PJRT_Event_Error_Args) {
        args.get(args.event)?.outcome().unwrap_or_else(|| {
            Err(Error::new(Code::FailedPrecondition, "the event is not ready, so its error is not known"))
        })
    }

    /// `PJRT_Event_Await`: waits, and gives the event's error.
    await_(args: PJRT_Event_Await_Args) {
        match args.get(args.event)? {
            Event::Ready => Ok(()),
            Event::Failed(error) => Err(error.clone()),
            Event::Pending(signal) => signal.wait(),
        }
    }

    /// `PJRT_Event_OnReady`: calls back once, at once if the event is ready. The callback owns its error.
    on_ready(args: PJRT_Event_OnReady_Args) {
        let function = args.callback.ok_or_else(|| Error::invalid("the callback is null"))?;
        let callback = Callback(function, args.user_arg);
        match args.get(args.event)? {
            Event::Ready => callback.call(&Ok(())),
            Event::Failed(error) => callback.call(&Err(error.clone())),
            Event::Pending(signal) => signal.on_ready(move |outcome| callback.call(outcome)),
        }
        Ok(())
    }

    /// `PJRT_Event_Create`: an event that the caller will set.
    create(args: PJRT_Event_Create_Args) {
        args.event = Event::of(Arc::new(Signal::new()));
        Ok(())
    }

    /// `PJRT_Event_Set`.
    set(args: PJRT_Event_Set_Args) {
        let outcome = error::from_caller(&args, args.error_code, args.error_message, args.error_message_size)?;
        let set = match args.get(args.event)? {
            Event::Pending(signal) => signal.set(outcome.map_or(Ok(()), Err)),
            _ => false,
        };
        if set { Ok(()) } else { Err(Error::new(Code::FailedPrecondition, "the event was set before")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn a_signal_is_set_once_and_tells_everyone() {
        let signal = Arc::new(Signal::new());
        let told = Arc::new(AtomicUsize::new(0));
        let tell = |told: &Arc<AtomicUsize>| {
            let told = told.clone();
            move |outcome: &Result<()>| {
                assert_eq!(outcome.as_ref().unwrap_err().message, "lost");
                told.fetch_add(1, Ordering::Relaxed);
            }
        };
        signal.on_ready(tell(&told));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| signal.wait());
            assert!(signal.set(Err(Error::internal("lost"))));
            assert!(!signal.set(Ok(())));
            assert_eq!(waiting.join().unwrap().unwrap_err().message, "lost");
        });
        signal.on_ready(tell(&told));
        assert_eq!(told.load(Ordering::Relaxed), 2);
    }
}
