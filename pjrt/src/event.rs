//! An event: something that a plugin will finish, waited for, polled, awaited or called back.
//!
//! Dropping an event before it is ready is always allowed; what it stood for goes on. An event owns no client, and a
//! callback runs on a thread of the plugin: [`in_callback`] tells the client's destructor to go elsewhere.

use crate::api::take_error;
use crate::error::{Error, Result};
use crate::plugin::Plugin;
use pjrt_sys as sys;
use std::cell::Cell;
use std::ffi::c_void;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// The completion of asynchronous work; awaiting it (`event.await`) gives the work's result.
///
/// ```
/// # use jacinth_pjrt::Buffer;
/// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
/// # let device = client.addressable_devices().remove(0);
/// let buffer = Buffer::from_slice(&[1.0f32], &[1], &device)?;
/// let event = buffer.ready_event()?;
/// event.wait()?; // or `event.await`
/// assert!(event.is_ready()?);
/// # Ok::<(), jacinth_pjrt::Error>(())
/// ```
pub struct Event {
    plugin: Plugin,
    /// Null for work that was done when the plugin answered.
    raw: *mut sys::PJRT_Event,
}

// SAFETY: PJRT events may be used and destroyed from any thread.
unsafe impl Send for Event {}
// SAFETY: as above.
unsafe impl Sync for Event {}

impl Event {
    /// Takes an event that the plugin gave; null means that the work is done already.
    ///
    /// # Safety
    /// `raw` is null or a live event of `plugin` that nobody else destroys.
    #[inline]
    pub(crate) unsafe fn from_raw(plugin: Plugin, raw: *mut sys::PJRT_Event) -> Event {
        Event { plugin, raw }
    }

    /// Whether the work is done, well or not.
    pub fn is_ready(&self) -> Result<bool> {
        if self.raw.is_null() {
            return Ok(true);
        }
        let args = call!(self.plugin.table(), PJRT_Event_IsReady { event: self.raw })?;
        Ok(args.is_ready)
    }

    /// Blocks until the work is done, and gives its error if it failed.
    pub fn wait(&self) -> Result<()> {
        if self.raw.is_null() {
            return Ok(());
        }
        call!(self.plugin.table(), PJRT_Event_Await { event: self.raw }).map(|_| ())
    }

    /// Calls `f` once when the work is done: at once on this thread if it is done already, else on a thread of the plugin.
    ///
    /// `f` should be short and must not wait for other work of the plugin; a panic in it is caught and dropped. If the plugin
    /// refuses to register it, the work is waited for on this thread, `f` is dropped uncalled, and the refusal is the error.
    ///
    /// ```
    /// # use jacinth_pjrt::Buffer;
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let device = client.addressable_devices().remove(0);
    /// let (send, received) = std::sync::mpsc::channel();
    /// let buffer = Buffer::from_slice(&[1.0f32], &[1], &device)?;
    /// buffer.ready_event()?.on_ready(move |result| send.send(result).unwrap())?;
    /// assert_eq!(received.recv().unwrap(), Ok(()));
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn on_ready(self, f: impl FnOnce(Result<()>) + Send + 'static) -> Result<()> {
        self.try_on_ready(f).map_err(|(error, event, _)| {
            // Its own failure adds nothing to the refusal.
            let _ = event.wait();
            error
        })
    }

    /// [`on_ready`](Event::on_ready); a refusal gives everything back at once.
    pub(crate) fn try_on_ready<F>(self, f: F) -> Result<(), (Error, Event, F)>
    where
        F: FnOnce(Result<()>) + Send + 'static,
    {
        if self.raw.is_null() {
            f(Ok(()));
            return Ok(());
        }
        let (plugin, raw) = (self.plugin, self.raw);
        // The callback destroys the event, on whichever thread it runs.
        register(raw, Registered { plugin, event: Some(self), f }).map_err(|(error, registered)| {
            let Registered { plugin, event, f } = *registered;
            (error, event.unwrap_or(Event { plugin, raw: ptr::null_mut() }), f)
        })
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        if !self.raw.is_null() {
            // An event that cannot be destroyed is leaked.
            let _ = call!(self.plugin.table(), PJRT_Event_Destroy { event: self.raw });
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("ready", &self.is_ready().unwrap_or(false)).finish()
    }
}

struct Registered<F> {
    plugin: Plugin,
    event: Option<Event>,
    f: F,
}

/// Registers a callback with the plugin; a refusal gives the callback back.
fn register<F: FnOnce(Result<()>) + Send + 'static>(
    event: *mut sys::PJRT_Event,
    registered: Registered<F>,
) -> Result<(), (Error, Box<Registered<F>>)> {
    let plugin = registered.plugin;
    let user_arg = Box::into_raw(Box::new(registered));
    let called = call!(
        plugin.table(),
        PJRT_Event_OnReady {
            event: event,
            callback: Some(trampoline::<F>),
            user_arg: user_arg.cast::<c_void>(),
        }
    );
    match called {
        Ok(_) => Ok(()),
        // SAFETY: a plugin that refuses the registration does not call the callback, so the box is still ours.
        Err(error) => Err((error, unsafe { Box::from_raw(user_arg) })),
    }
}

/// Runs a registered callback once, and frees it and the error.
///
/// # Safety
/// Called once by the plugin, with the `user_arg` of [`register`] and an error that becomes ours, or null.
unsafe extern "C" fn trampoline<F: FnOnce(Result<()>)>(error: *mut sys::PJRT_Error, user_arg: *mut c_void) {
    // SAFETY: `user_arg` is the box that `register` gave away, and this is the one call with it.
    let Registered { plugin, event, f } = *unsafe { Box::from_raw(user_arg.cast::<Registered<F>>()) };
    let result = if error.is_null() {
        Ok(())
    } else {
        // SAFETY: the error of a callback belongs to the callee.
        Err(unsafe { take_error(plugin.table(), error, "PJRT_Event_OnReady") })
    };
    let outer = IN_CALLBACK.replace(true);
    // A panic must not cross into the plugin; nothing of the closure is used after it.
    let _ = catch_unwind(AssertUnwindSafe(move || f(result)));
    drop(event);
    IN_CALLBACK.set(outer);
}

thread_local! {
    static IN_CALLBACK: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside a callback from a plugin.
pub(crate) fn in_callback() -> bool {
    // While the thread is ending its locals are gone; it is then not in a callback of ours.
    IN_CALLBACK.try_with(Cell::get).unwrap_or(false)
}

impl IntoFuture for Event {
    type Output = Result<()>;
    type IntoFuture = EventFuture;

    fn into_future(self) -> EventFuture {
        EventFuture { event: self, shared: None }
    }
}

/// An [`Event`] as a future; it needs no particular executor.
#[derive(Debug)]
pub struct EventFuture {
    event: Event,
    shared: Option<Arc<Mutex<Shared>>>,
}

#[derive(Debug, Default)]
struct Shared {
    result: Option<Result<()>>,
    waker: Option<Waker>,
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl EventFuture {
    /// The event that is awaited.
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// The event again.
    pub fn into_event(self) -> Event {
        self.event
    }
}

impl Future for EventFuture {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        if self.shared.is_none() {
            match self.event.is_ready() {
                // Done: waiting returns at once, with the result.
                Ok(true) => return Poll::Ready(self.event.wait()),
                Ok(false) => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
            let shared = Arc::new(Mutex::new(Shared::default()));
            let theirs = Arc::clone(&shared);
            let f = move |result| {
                let mut shared = lock(&theirs);
                shared.result = Some(result);
                let waker = shared.waker.take();
                drop(shared);
                if let Some(waker) = waker {
                    waker.wake();
                }
            };
            let (plugin, raw) = (self.event.plugin, self.event.raw);
            if let Err((error, _)) = register(raw, Registered { plugin, event: None, f }) {
                return Poll::Ready(Err(error));
            }
            self.shared = Some(shared);
        }
        let Some(shared) = &self.shared else { return Poll::Pending };
        let mut shared = lock(shared);
        match &shared.result {
            Some(result) => Poll::Ready(result.clone()),
            None => {
                shared.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
