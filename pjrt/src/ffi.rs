//! Handlers in Rust for custom calls: XLA's typed FFI, through the plugin's FFI extension.
//!
//! A [`Handler`] is a type, since the C side knows only the address of a function; what a call is about stands in its attributes.
//! Invariants: a handler's panic never leaves this file, it becomes the call's error; a [`Call`] lives no longer than the call.

use std::any::Any;
use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use pjrt_sys::ffi::*;
use pjrt_sys::{self as sys, AbiStruct};

use crate::api::{invoke, slice, text};
use crate::element_type::ElementType;
use crate::error::{Error, ErrorCode, Result};
use crate::plugin::{ExtensionType, Plugin};

/// What runs when a program reaches a custom call of the name it was registered for.
///
/// ```
/// # use jacinth_pjrt::{Plugin, ffi::{Call, Handler}};
/// struct Negate;
/// impl Handler for Negate {
///     fn call(call: &mut Call<'_>) -> Result<(), String> {
///         let flipped: Vec<u8> = call.arg(0)?.bytes.iter().map(|byte| !byte).collect();
///         call.result(0)?.bytes.copy_from_slice(&flipped);
///         Ok(())
///     }
/// }
/// let plugin = Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?;
/// plugin.register_handler::<Negate>("docs.negate", "Host")?;
/// # Ok::<(), jacinth_pjrt::Error>(())
/// ```
pub trait Handler: 'static {
    /// Reads the arguments and writes every result; the error is a sentence that becomes the execution's.
    fn call(call: &mut Call<'_>) -> Result<(), String>;
}

/// One call of a handler.
///
/// ```
/// # use jacinth_pjrt::ffi::Call;
/// // A handler's body: fails unless the call has one argument of the kind that its attribute asks for.
/// fn check(call: &Call<'_>) -> Result<(), String> {
///     let rank = call.int_attribute("rank").ok_or("an integer `rank` is needed")?;
///     match (call.num_args(), call.num_results(), call.text_attribute("mode").as_deref()) {
///         (1, 1, None | Some("fast")) if call.arg(0)?.dims.len() as i64 == rank => Ok(()),
///         other => Err(format!("not one argument of rank {rank}: {other:?}")),
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Call<'a> {
    frame: &'a XLA_FFI_CallFrame,
    args: &'a [*mut XLA_FFI_Buffer],
    rets: &'a [*mut XLA_FFI_Buffer],
}

/// An argument of a call.
#[derive(Clone, Copy, Debug)]
pub struct Argument<'c> {
    /// Its element type.
    pub element_type: ElementType,
    /// Its shape.
    pub dims: &'c [i64],
    /// Its elements, dense and row-major.
    pub bytes: &'c [u8],
}

/// A result of a call, to be written.
#[derive(Debug)]
pub struct ResultMut<'c> {
    /// Its element type.
    pub element_type: ElementType,
    /// Its shape.
    pub dims: &'c [i64],
    /// Where its elements go, dense and row-major.
    pub bytes: &'c mut [u8],
}

impl Call<'_> {
    /// How many arguments there are.
    pub fn num_args(&self) -> usize {
        self.args.len()
    }

    /// How many results there are.
    pub fn num_results(&self) -> usize {
        self.rets.len()
    }

    /// Argument `i`; an error if there is none, or if its type has no buffers here.
    pub fn arg(&self, i: usize) -> Result<Argument<'_>, String> {
        let buffer = self.args.get(i).ok_or_else(|| format!("the call has no argument {i}"))?;
        let (element_type, dims, data, len) = parts(buffer)?;
        // SAFETY: the buffer has that many bytes, and is only read during the call.
        let bytes = unsafe { slice(data.cast_const(), len) };
        Ok(Argument { element_type, dims, bytes })
    }

    /// Result `i`, to be written; an error if there is none, or if its type has no buffers here.
    pub fn result(&mut self, i: usize) -> Result<ResultMut<'_>, String> {
        let buffer = self.rets.get(i).ok_or_else(|| format!("the call has no result {i}"))?;
        let (element_type, dims, data, len) = parts(buffer)?;
        let bytes: &mut [u8] = match len {
            0 => &mut [],
            // SAFETY: the buffer has that many bytes, is the call's to write, and `&mut self` lends one result at a time.
            _ => unsafe { std::slice::from_raw_parts_mut(data, len) },
        };
        Ok(ResultMut { element_type, dims, bytes })
    }

    /// The integer attribute of that name, of whatever width.
    pub fn int_attribute(&self, name: &str) -> Option<i64> {
        let (kind, attribute) = self.attribute(name)?;
        if kind != XLA_FFI_ATTR_SCALAR {
            return None;
        }
        // SAFETY: an attribute of that kind is such a struct, whose value is a number of its type.
        unsafe {
            let XLA_FFI_Scalar { dtype, value } = attribute.cast::<XLA_FFI_Scalar>().read();
            Some(match dtype {
                XLA_FFI_PRED | XLA_FFI_U8 => value.cast::<u8>().read().into(),
                XLA_FFI_S8 => value.cast::<i8>().read().into(),
                XLA_FFI_S16 => value.cast::<i16>().read().into(),
                XLA_FFI_U16 => value.cast::<u16>().read().into(),
                XLA_FFI_S32 => value.cast::<i32>().read().into(),
                XLA_FFI_U32 => value.cast::<u32>().read().into(),
                XLA_FFI_S64 => value.cast::<i64>().read(),
                XLA_FFI_U64 => i64::try_from(value.cast::<u64>().read()).ok()?,
                _ => return None,
            })
        }
    }

    /// The text attribute of that name.
    pub fn text_attribute(&self, name: &str) -> Option<String> {
        let (kind, attribute) = self.attribute(name)?;
        // SAFETY: an attribute of that kind is such a struct, whose bytes are readable.
        (kind == XLA_FFI_ATTR_STRING).then(|| unsafe {
            let span = attribute.cast::<XLA_FFI_ByteSpan>().read();
            text(span.ptr, span.len).into_owned()
        })
    }

    fn attribute(&self, name: &str) -> Option<(XLA_FFI_AttrType, *mut std::ffi::c_void)> {
        let attrs = &self.frame.attrs;
        let count = usize::try_from(attrs.size).unwrap_or(0);
        // SAFETY: the frame's lists have `size` entries each, live during the call.
        let (names, types, values) =
            unsafe { (slice(attrs.names, count), slice(attrs.types, count), slice(attrs.attrs, count)) };
        let found = names.iter().position(|&span| {
            // SAFETY: names are live spans.
            let span = unsafe { span.read() };
            // SAFETY: as above.
            unsafe { slice(span.ptr.cast::<u8>(), span.len) == name.as_bytes() }
        })?;
        Some((*types.get(found)?, *values.get(found)?))
    }
}

/// Type, shape, place and number of bytes of a buffer of the frame.
fn parts<'c>(buffer: &*mut XLA_FFI_Buffer) -> Result<(ElementType, &'c [i64], *mut u8, usize), String> {
    // SAFETY: the frame's buffers are live during the call, and `Call` does not outlive it.
    let buffer = unsafe { &**buffer };
    let number = buffer.dtype;
    let element_type = element_type(number)
        .ok_or_else(|| format!("buffers of element type number {number} are not supported"))?;
    // SAFETY: a buffer has `rank` dimensions.
    let dims = unsafe { slice(buffer.dims.cast_const(), usize::try_from(buffer.rank).unwrap_or(0)) };
    let count = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(usize::try_from(d).ok()?));
    let len = count.and_then(|n| n.checked_mul(element_type.host_bytes()));
    let len = len.ok_or_else(|| format!("a buffer of shape {dims:?} has no size"))?;
    if buffer.data.is_null() && len > 0 {
        return Err(format!("a buffer of shape {dims:?} has no data"));
    }
    Ok((element_type, dims, buffer.data.cast(), len))
}

fn element_type(dtype: XLA_FFI_DataType) -> Option<ElementType> {
    Some(match dtype {
        XLA_FFI_PRED => ElementType::Pred,
        XLA_FFI_S8 => ElementType::S8,
        XLA_FFI_S16 => ElementType::S16,
        XLA_FFI_S32 => ElementType::S32,
        XLA_FFI_S64 => ElementType::S64,
        XLA_FFI_U8 => ElementType::U8,
        XLA_FFI_U16 => ElementType::U16,
        XLA_FFI_U32 => ElementType::U32,
        XLA_FFI_U64 => ElementType::U64,
        XLA_FFI_F16 => ElementType::F16,
        XLA_FFI_F32 => ElementType::F32,
        XLA_FFI_F64 => ElementType::F64,
        XLA_FFI_BF16 => ElementType::Bf16,
        XLA_FFI_C64 => ElementType::C64,
        XLA_FFI_C128 => ElementType::C128,
        XLA_FFI_S2 => ElementType::S2,
        XLA_FFI_S4 => ElementType::S4,
        XLA_FFI_U2 => ElementType::U2,
        XLA_FFI_U4 => ElementType::U4,
        XLA_FFI_F8E5M2 => ElementType::F8E5M2,
        XLA_FFI_F8E3M4 => ElementType::F8E3M4,
        XLA_FFI_F8E4M3 => ElementType::F8E4M3,
        XLA_FFI_F8E4M3FN => ElementType::F8E4M3Fn,
        XLA_FFI_F8E4M3B11FNUZ => ElementType::F8E4M3B11Fnuz,
        XLA_FFI_F8E5M2FNUZ => ElementType::F8E5M2Fnuz,
        XLA_FFI_F8E4M3FNUZ => ElementType::F8E4M3Fnuz,
        XLA_FFI_F4E2M1FN => ElementType::F4E2M1Fn,
        XLA_FFI_F8E8M0FNU => ElementType::F8E8M0Fnu,
        _ => return None,
    })
}

impl Plugin {
    /// Whether handlers can be registered: the plugin has the FFI extension.
    ///
    /// ```
    /// # use jacinth_pjrt::Plugin;
    /// assert!(Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.has_ffi());
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn has_ffi(&self) -> bool {
        self.ffi().is_some()
    }

    fn ffi(&self) -> Option<&'static sys::PJRT_FFI_Extension> {
        let extension = self.extension(ExtensionType::FFI)?;
        if extension.struct_size < sys::PJRT_FFI_Extension_STRUCT_SIZE {
            return None;
        }
        // SAFETY: an extension of that kind and size is this struct, alive until the process ends.
        Some(unsafe { extension.base.cast::<sys::PJRT_FFI_Extension>().as_ref() })
    }

    /// Registers a handler for custom calls of that target on that platform (`Host` for CPU, `CUDA`), as `api_version = 4` asks for.
    ///
    /// Errors: the plugin has no FFI extension, or refuses (the target has another handler, the FFI has another version).
    pub fn register_handler<H: Handler>(&self, target: &str, platform: &str) -> Result<()> {
        const F: &str = "Plugin::register_handler";
        let register = self.ffi().and_then(|ffi| ffi.register_handler);
        if register.is_none() {
            let message = format!(
                "the plugin {} has no FFI extension, so programs cannot call back into the process from inside",
                self.name()
            );
            return Err(Error::new(ErrorCode::Unimplemented, F, message));
        }
        let handler: XLA_FFI_Handler = trampoline::<H>;
        let mut args = sys::PJRT_FFI_Register_Handler_Args::new();
        args.target_name = target.as_ptr().cast();
        args.target_name_size = target.len();
        args.handler = handler as *mut std::ffi::c_void;
        args.platform_name = platform.as_ptr().cast();
        args.platform_name_size = platform.len();
        // SAFETY: the function is of this plugin's extension, and names and handler outlive the call (the handler is static).
        unsafe { invoke(self.table(), register, "PJRT_FFI_Register_Handler", &mut args) }
    }
}

/// The C function that stands for a handler.
unsafe extern "C" fn trampoline<H: Handler>(frame: *mut XLA_FFI_CallFrame) -> *mut XLA_FFI_Error {
    if frame.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: the caller of a handler gives a frame that lives through the call.
    let frame = unsafe { &*frame };
    // SAFETY: as above, with its extensions.
    if unsafe { describe(frame) } || frame.stage != XLA_FFI_STAGE_EXECUTE {
        return ptr::null_mut();
    }
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let buffers = |values: &XLA_FFI_Values| -> Result<&[*mut XLA_FFI_Buffer], String> {
            let count = usize::try_from(values.size).unwrap_or(0);
            // SAFETY: the frame's lists have `size` entries each, live during the call.
            let (types, pointers) = unsafe {
                (slice(values.types.cast_const(), count), slice(values.values.cast_const(), count))
            };
            match types.iter().all(|&kind| kind == XLA_FFI_BUFFER) && types.len() == pointers.len() {
                // SAFETY: a value of the kind buffer is a pointer to one; only the pointee's type changes.
                true => Ok(unsafe { slice(pointers.as_ptr().cast::<*mut XLA_FFI_Buffer>(), pointers.len()) }),
                false => Err("the call has operands that are no buffers".to_owned()),
            }
        };
        H::call(&mut Call { frame, args: buffers(&frame.args)?, rets: buffers(&frame.rets)? })
    }));
    let message = match outcome {
        Ok(Ok(())) => return ptr::null_mut(),
        Ok(Err(message)) => message,
        Err(panic) => format!("a callback panicked: {}", panic_message(&*panic)),
    };
    // SAFETY: as above.
    unsafe { make_error(frame, &message) }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

/// Answers the plugin's question for the handler's version, if that is what the call is.
///
/// # Safety
/// The frame's pointers are valid.
unsafe fn describe(frame: &XLA_FFI_CallFrame) -> bool {
    let mut extension = frame.extension_start;
    while !extension.is_null() {
        // SAFETY: extensions are a chain of live headers.
        let base = unsafe { extension.read() };
        if base.type_ == XLA_FFI_EXTENSION_METADATA {
            // What is used here has been the same since 0.0, so an older plugin is answered with its own version.
            // SAFETY: the api, if given, begins with its size and its version.
            let theirs = unsafe { frame.api.as_ref() }
                .map(|api| (api.api_version.major_version, api.api_version.minor_version));
            let minor = match theirs {
                Some((XLA_FFI_API_MAJOR, minor)) => minor.min(XLA_FFI_API_MINOR),
                _ => XLA_FFI_API_MINOR,
            };
            // SAFETY: an extension of that kind is this struct, whose metadata are ours to fill.
            unsafe {
                let metadata = (*extension.cast::<XLA_FFI_Metadata_Extension>()).metadata;
                (*metadata).api_version.major_version = XLA_FFI_API_MAJOR;
                (*metadata).api_version.minor_version = minor;
                (*metadata).traits = 0;
            }
            return true;
        }
        extension = base.next;
    }
    false
}

/// An error of the plugin with that message.
///
/// # Safety
/// The frame's api is null or valid.
unsafe fn make_error(frame: &XLA_FFI_CallFrame, message: &str) -> *mut XLA_FFI_Error {
    // SAFETY: as the caller promises.
    let create = unsafe { frame.api.as_ref() }.and_then(|api| api.XLA_FFI_Error_Create);
    let Some(create) = create else { return ptr::null_mut() };
    let message = CString::new(message.replace('\0', " ")).expect("without null bytes");
    let mut args = XLA_FFI_Error_Create_Args {
        struct_size: std::mem::offset_of!(XLA_FFI_Error_Create_Args, errc) + size_of::<XLA_FFI_Error_Code>(),
        extension_start: ptr::null_mut(),
        message: message.as_ptr(),
        errc: XLA_FFI_ERROR_INTERNAL,
    };
    // SAFETY: the block says its size, and the message outlives the call.
    unsafe { create(&mut args) }
}
