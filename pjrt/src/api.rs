//! How this crate calls through a plugin's table: the `call!` macro, error conversion, borrowed text and slices.
//!
//! Invariant: every raw handle that this crate stores came from the plugin whose table it is used with, and is live
//! for as long as the value that stores it. `call!` relies on it.

use crate::error::{Error, ErrorCode, Result};
use pjrt_sys as sys;
use std::borrow::Cow;
use std::ffi::c_char;

/// A function of the table that may fail.
pub(crate) type Function<A> = Option<unsafe extern "C" fn(*mut A) -> *mut sys::PJRT_Error>;

/// Calls a function of a plugin's table with the named fields set, and gives back the argument block with its outputs.
///
/// `call!(table, PJRT_Client_Devices { client: raw })?.num_devices`
///
/// The fields must keep the invariant of this module: live handles of the same plugin, and pointers that stay valid
/// through the call.
macro_rules! call {
    ($table:expr, $function:ident { $($field:ident: $value:expr),* $(,)? }) => {{
        let table: &pjrt_sys::PJRT_Api = $table;
        #[allow(unused_mut)]
        let mut args = $crate::api::args_of(table.$function);
        $(args.$field = $value;)*
        // SAFETY: the handles are live and of this table's plugin (the module's invariant), the pointers among the
        // fields outlive the call, and `args` says its own size.
        match unsafe { $crate::api::invoke(table, table.$function, stringify!($function), &mut args) } {
            Ok(()) => Ok(args),
            Err(error) => Err(error),
        }
    }};
}

/// An empty argument block of the function's own type.
#[inline]
pub(crate) fn args_of<A: sys::AbiStruct>(_: Function<A>) -> A {
    A::new()
}

/// Calls `function` if the plugin has it, and turns its error into ours.
///
/// # Safety
/// `function` comes from `table`, and the handles and pointers in `args` are valid for it.
#[inline]
pub(crate) unsafe fn invoke<A>(
    table: &sys::PJRT_Api,
    function: Function<A>,
    name: &'static str,
    args: &mut A,
) -> Result<()> {
    let Some(function) = function else { return Err(absent(table, name)) };
    // SAFETY: the caller vouches for the arguments.
    let error = unsafe { function(args) };
    if error.is_null() {
        Ok(())
    } else {
        // SAFETY: a non-null result is an error of this plugin that we own.
        Err(unsafe { take_error(table, error, name) })
    }
}

#[cold]
fn absent(table: &sys::PJRT_Api, name: &'static str) -> Error {
    let version = table.pjrt_api_version;
    Error::new(
        ErrorCode::Unimplemented,
        name,
        format!(
            "the plugin's table (PJRT {}.{}) does not have this function",
            version.major_version, version.minor_version
        ),
    )
}

/// Reads a plugin's error and frees it.
///
/// # Safety
/// `error` is a live error of the plugin, owned by the caller, and is not used afterwards.
#[cold]
pub(crate) unsafe fn take_error(
    table: &sys::PJRT_Api,
    error: *mut sys::PJRT_Error,
    function: &'static str,
) -> Error {
    use sys::AbiStruct;
    let mut code = ErrorCode::Unknown;
    if let Some(get_code) = table.PJRT_Error_GetCode {
        let mut args = sys::PJRT_Error_GetCode_Args { error, ..AbiStruct::new() };
        // SAFETY: `error` is live.
        let second = unsafe { get_code(&mut args) };
        if second.is_null() {
            code = ErrorCode::from_raw(args.code);
        } else {
            destroy_error(table, second);
        }
    }
    let mut message = String::new();
    if let Some(get_message) = table.PJRT_Error_Message {
        let mut args = sys::PJRT_Error_Message_Args { error, ..AbiStruct::new() };
        // SAFETY: `error` is live; the message lives as long as it, and is copied before it is destroyed.
        unsafe {
            get_message(&mut args);
            message = text(args.message, args.message_size).into_owned();
        }
    }
    destroy_error(table, error);
    Error { code, message, function }
}

fn destroy_error(table: &sys::PJRT_Api, error: *mut sys::PJRT_Error) {
    if let Some(destroy) = table.PJRT_Error_Destroy {
        let mut args = sys::PJRT_Error_Destroy_Args { error, ..sys::AbiStruct::new() };
        // SAFETY: the error is owned here and not used again.
        unsafe { destroy(&mut args) }
    }
}

/// Text that a plugin lends; null reads as empty, and bytes that are not UTF-8 are replaced.
///
/// # Safety
/// `pointer` is null or points at `size` readable bytes for as long as the result is used.
pub(crate) unsafe fn text<'a>(pointer: *const c_char, size: usize) -> Cow<'a, str> {
    // SAFETY: as the caller promises; `c_char` and `u8` have one layout.
    String::from_utf8_lossy(unsafe { slice(pointer.cast::<u8>(), size) })
}

/// A slice that a plugin lends; null or an empty size reads as empty.
///
/// # Safety
/// `pointer` is null or points at `len` readable, initialised values for as long as the result is used.
pub(crate) unsafe fn slice<'a, T>(pointer: *const T, len: usize) -> &'a [T] {
    if pointer.is_null() || len == 0 {
        &[]
    } else {
        // SAFETY: as the caller promises.
        unsafe { std::slice::from_raw_parts(pointer, len) }
    }
}
