//! `PJRT_Error`: the plugin's error in a box.

use pjrt_sys::*;

use super::guard::{Args, Opaque, give, guard, opaque};
use crate::{Code, Error, Result};

opaque! { PJRT_Error => Error; }

/// Boxes an error for the caller, who destroys it.
#[cold]
pub(super) fn into_raw(error: Error) -> *mut PJRT_Error {
    give(error)
}

/// An error from a code and message that the caller gives; code 0 is none.
pub(super) fn from_caller<A>(
    args: &Args<'_, A>,
    code: PJRT_Error_Code,
    message: *const std::ffi::c_char,
    size: usize,
) -> Result<Option<Error>> {
    if code == PJRT_Error_Code_OK {
        return Ok(None);
    }
    let message = String::from_utf8_lossy(args.bytes("error_message", message, size)?).into_owned();
    let code = if code > PJRT_Error_Code_UNAUTHENTICATED { Code::Unknown as u32 } else { code };
    Ok(Some(Error { code, message }))
}

/// `PJRT_Error_Destroy`; null is allowed.
pub(super) unsafe extern "C" fn destroy(args: *mut PJRT_Error_Destroy_Args) {
    // SAFETY: as for every entry: the caller passes a block as the header says.
    let refused = unsafe {
        guard(args, PJRT_Error_Destroy_Args::STRUCT_SIZE, |args| {
            if !args.error.is_null() {
                drop(args.take(args.error)?);
            }
            Ok(())
        })
    };
    discard(refused);
}

/// `PJRT_Error_Message`; the text lives as long as the error.
pub(super) unsafe extern "C" fn message(args: *mut PJRT_Error_Message_Args) {
    // SAFETY: as above.
    let refused = unsafe {
        guard(args, PJRT_Error_Message_Args::STRUCT_SIZE, |mut args| {
            let message = args.maybe(args.error).map_or("", |error| error.message.as_str());
            args.message = message.as_ptr().cast();
            args.message_size = message.len();
            Ok(())
        })
    };
    discard(refused);
}

/// `PJRT_Error_GetCode`.
pub(super) unsafe extern "C" fn get_code(args: *mut PJRT_Error_GetCode_Args) -> *mut PJRT_Error {
    // SAFETY: as above.
    unsafe {
        guard(args, PJRT_Error_GetCode_Args::STRUCT_SIZE, |mut args| {
            args.code = args.get(args.error)?.code;
            Ok(())
        })
    }
}

/// Two of the table's functions cannot return an error; theirs is dropped.
fn discard(error: *mut PJRT_Error) {
    if !error.is_null() {
        // SAFETY: `guard` has just boxed it, and nobody else has seen it.
        drop(unsafe { Box::from_raw(error.cast::<<PJRT_Error as Opaque>::Object>()) });
    }
}
