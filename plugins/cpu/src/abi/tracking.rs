//! `PJRT_AsyncTrackingEvent` and `PJRT_ExecuteContext`: objects that callers make and pass around, of which this plugin keeps no
//! more than that they exist.

use super::guard::{entries, give, opaque};

opaque! {
    PJRT_AsyncTrackingEvent => TrackingEvent;
    PJRT_ExecuteContext => ExecuteContext;
}

/// Asynchronous work of the caller that a device should know of.
#[derive(Debug)]
pub(super) struct TrackingEvent {
    _description: String,
}

/// User data for custom calls, of which there are none.
#[derive(Debug)]
pub(super) struct ExecuteContext {
    /// A box needs something to point to.
    _token: u8,
}

entries! {
    /// `PJRT_Device_CreateAsyncTrackingEvent`.
    create_tracking_event(args: PJRT_Device_CreateAsyncTrackingEvent_Args) {
        args.get(args.device)?;
        let description = args.text("description", args.description, args.description_size)?.to_owned();
        args.event = give(TrackingEvent { _description: description });
        Ok(())
    }

    /// `PJRT_AsyncTrackingEvent_Destroy`; null is allowed.
    destroy_tracking_event(args: PJRT_AsyncTrackingEvent_Destroy_Args) {
        if !args.event.is_null() {
            drop(args.take(args.event)?);
        }
        Ok(())
    }

    /// `PJRT_ExecuteContext_Create`.
    create_context(args: PJRT_ExecuteContext_Create_Args) {
        args.context = give(ExecuteContext { _token: 0 });
        Ok(())
    }

    /// `PJRT_ExecuteContext_Destroy`; null is allowed.
    destroy_context(args: PJRT_ExecuteContext_Destroy_Args) {
        if !args.context.is_null() {
            drop(args.take(args.context)?);
        }
        Ok(())
    }
}
