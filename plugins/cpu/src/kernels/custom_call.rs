//! Custom calls of `api_version = 4`: XLA's typed FFI, with handlers that the process has registered through the table's extension.
//!
//! A handler is called with a frame of the layout that XLA's own plugins use, so one handler serves all. Invariants: handlers are
//! known before a program that names them is compiled; what a frame points to lives until the handler returns.

use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::LazyLock;

use jacinth_lowering::ops::custom::CustomCall as Op;
use jacinth_lowering::{Attribute, ElementType, TensorType};
use parking_lot::RwLock;
use pjrt_sys::ffi::*;
use rustc_hash::FxHashMap;

use super::{Builder, Built, Cost, Kernel, KernelContext};
use crate::error::{Error, Result};

static HANDLERS: LazyLock<RwLock<FxHashMap<String, XLA_FFI_Handler>>> = LazyLock::new(RwLock::default);

/// Registers a handler; one of another FFI version is refused, and another one than the target has already.
///
/// # Safety
/// `handler` keeps the contract of XLA's FFI, from any thread, until the process ends.
pub(crate) unsafe fn register(target: &str, handler: XLA_FFI_Handler) -> Result<()> {
    // SAFETY: as the caller promises.
    let (major, minor) = unsafe { version(handler) }?;
    if major != XLA_FFI_API_MAJOR || minor > XLA_FFI_API_MINOR {
        return Err(Error::unimplemented(format!(
            "the handler of @{target} speaks FFI {major}.{minor}, this plugin {XLA_FFI_API_MAJOR}.{XLA_FFI_API_MINOR}"
        )));
    }
    let mut handlers = HANDLERS.write();
    match handlers.get(target) {
        Some(&known) if !std::ptr::fn_addr_eq(known, handler) => {
            Err(Error::invalid(format!("the target @{target} has another handler already")))
        }
        _ => {
            handlers.insert(target.to_owned(), handler);
            Ok(())
        }
    }
}

/// Asks a handler for its version.
///
/// # Safety
/// As [`register`].
unsafe fn version(handler: XLA_FFI_Handler) -> Result<(i32, i32)> {
    let mut metadata = XLA_FFI_Metadata {
        struct_size: std::mem::offset_of!(XLA_FFI_Metadata, state_type_id),
        api_version: XLA_FFI_Api_Version {
            struct_size: size_of::<XLA_FFI_Api_Version>(),
            extension_start: std::ptr::null_mut(),
            major_version: -1,
            minor_version: -1,
        },
        traits: 0,
        state_type_id: 0,
    };
    let mut extension = XLA_FFI_Metadata_Extension {
        extension_base: XLA_FFI_Extension_Base {
            struct_size: size_of::<XLA_FFI_Metadata_Extension>(),
            type_: XLA_FFI_EXTENSION_METADATA,
            next: std::ptr::null_mut(),
        },
        metadata: &raw mut metadata,
    };
    let mut frame = Frame::default().abi(XLA_FFI_STAGE_EXECUTE);
    frame.extension_start = (&raw mut extension).cast();
    // SAFETY: the frame is whole, and the caller vouches for the handler.
    unsafe { call(handler, &mut frame) }.map_err(Error::invalid)?;
    Ok((metadata.api_version.major_version, metadata.api_version.minor_version))
}

pub(super) fn custom_call(op: &Op, b: &Builder<'_>) -> Built {
    if op.api_version != 4 {
        return Ok(None);
    }
    let target = &op.call_target_name;
    let Some(handler) = HANDLERS.read().get(target).copied() else {
        return Err(Error::unimplemented(format!(
            "custom_call: no handler is registered for the target @{target}"
        )));
    };
    let mut attributes = match &op.backend_config {
        None => Vec::new(),
        Some(Attribute::Dict(fields)) => fields
            .iter()
            .map(|(name, value)| Ok((name.to_owned(), attribute(target, name, value)?)))
            .collect::<Result<_>>()?,
        Some(Attribute::String(text)) if text.is_empty() => Vec::new(),
        Some(_) => {
            return Err(Error::unimplemented(format!(
                "custom_call: @{target} is of api version 4, so its backend_config must be a dictionary"
            )));
        }
    };
    attributes.sort_by(|a: &(String, Value), b| a.0.cmp(&b.0));
    for ty in b.operands.iter().chain(b.results) {
        data_type(ty.element)?;
    }
    let (operands, results) = (b.operands.to_vec(), b.results.to_vec());
    Ok(Some(Box::new(CustomCall { target: target.clone(), handler, attributes, operands, results })))
}

#[derive(Debug)]
struct CustomCall {
    target: String,
    handler: XLA_FFI_Handler,
    attributes: Vec<(String, Value)>,
    operands: Vec<TensorType>,
    results: Vec<TensorType>,
}

/// An attribute's value.
#[derive(Clone, Debug)]
enum Value {
    /// A number's bytes, in native order at the front.
    Scalar(XLA_FFI_DataType, [u8; 8]),
    Text(String),
    /// Integers of 64 bits.
    Array(Vec<i64>),
}

fn attribute(target: &str, name: &str, value: &Attribute) -> Result<Value> {
    let scalar = |element: ElementType, bytes: &[u8]| -> Result<Value> {
        let mut wide = [0; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        Ok(Value::Scalar(data_type(element)?, wide))
    };
    let scalar_of = |element: ElementType, value: jacinth_lowering::element::Scalar| {
        let mut bytes = Vec::new();
        jacinth_lowering::element::write(element, value, &mut bytes);
        scalar(element, &bytes)
    };
    match value {
        Attribute::Bool(value) => scalar(ElementType::I1, &[(*value).into()]),
        Attribute::Int(value, element) => {
            scalar_of(*element, jacinth_lowering::element::Scalar::Int((*value).into()))
        }
        Attribute::Float(value, element) => {
            scalar_of(*element, jacinth_lowering::element::Scalar::Float(*value))
        }
        Attribute::String(text) => Ok(Value::Text(text.clone())),
        Attribute::DenseArray(ElementType::I64, values) => Ok(Value::Array(values.clone())),
        _ => Err(Error::unimplemented(format!(
            "custom_call: attribute {name} of @{target} must be a number, a text or a list of i64"
        ))),
    }
}

impl Kernel for CustomCall {
    unsafe fn run(&self, _: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        let mut frame = Frame::default();
        for (ty, &data) in self.operands.iter().zip(inputs) {
            frame.args.push(buffer(ty, data.cast_mut())?);
        }
        for (ty, &data) in self.results.iter().zip(outputs) {
            frame.rets.push(buffer(ty, data)?);
        }
        for (name, value) in &self.attributes {
            frame.attribute(name, value);
        }
        // SAFETY: the frame is whole; its buffers are the kernel's own; `register`'s caller vouched for the handler.
        unsafe { call(self.handler, &mut frame.abi(XLA_FFI_STAGE_EXECUTE)) }
            .map_err(|message| Error::internal(format!("custom_call: @{}: {message}", self.target)))
    }

    fn cost(&self) -> Cost {
        // Nobody knows what a handler does: enough that it does not run on the caller's thread.
        Cost::new(100_000_000, &self.operands, &self.results)
    }
}

/// What a frame points to.
#[derive(Default)]
struct Frame {
    args: Vec<XLA_FFI_Buffer>,
    rets: Vec<XLA_FFI_Buffer>,
    names: Vec<XLA_FFI_ByteSpan>,
    values: Vec<AttributeValue>,
    arg_pointers: Vec<*mut c_void>,
    ret_pointers: Vec<*mut c_void>,
    kinds: Vec<u32>,
    attribute_kinds: Vec<XLA_FFI_AttrType>,
    name_pointers: Vec<*mut XLA_FFI_ByteSpan>,
    value_pointers: Vec<*mut c_void>,
}

#[derive(Clone, Copy)]
enum AttributeValue {
    Scalar(XLA_FFI_Scalar),
    Text(XLA_FFI_ByteSpan),
    Array(XLA_FFI_Array),
}

impl Frame {
    /// Adds an attribute, which must live as long as the frame.
    fn attribute(&mut self, name: &str, value: &Value) {
        let span = |text: &str| XLA_FFI_ByteSpan { ptr: text.as_ptr().cast(), len: text.len() };
        self.names.push(span(name));
        self.values.push(match value {
            Value::Scalar(dtype, bytes) => AttributeValue::Scalar(XLA_FFI_Scalar {
                dtype: *dtype,
                value: bytes.as_ptr().cast_mut().cast(),
            }),
            Value::Text(text) => AttributeValue::Text(span(text)),
            Value::Array(values) => AttributeValue::Array(XLA_FFI_Array {
                dtype: XLA_FFI_S64,
                size: values.len(),
                data: values.as_ptr().cast_mut().cast(),
            }),
        });
    }

    /// The frame as the ABI has it, which points into `self`.
    fn abi(&mut self, stage: XLA_FFI_ExecutionStage) -> XLA_FFI_CallFrame {
        self.arg_pointers = self.args.iter_mut().map(|b| (&raw mut *b).cast()).collect();
        self.ret_pointers = self.rets.iter_mut().map(|b| (&raw mut *b).cast()).collect();
        self.kinds = vec![XLA_FFI_BUFFER; self.args.len().max(self.rets.len())];
        self.name_pointers = self.names.iter_mut().map(|s| &raw mut *s).collect();
        self.attribute_kinds.clear();
        self.value_pointers.clear();
        for value in &mut self.values {
            let (kind, pointer) = match value {
                AttributeValue::Scalar(scalar) => (XLA_FFI_ATTR_SCALAR, (&raw mut *scalar).cast()),
                AttributeValue::Text(text) => (XLA_FFI_ATTR_STRING, (&raw mut *text).cast()),
                AttributeValue::Array(array) => (XLA_FFI_ATTR_ARRAY, (&raw mut *array).cast()),
            };
            self.attribute_kinds.push(kind);
            self.value_pointers.push(pointer);
        }
        let kinds = self.kinds.as_mut_ptr();
        let values = |pointers: &mut Vec<*mut c_void>| XLA_FFI_Values {
            struct_size: size_of::<XLA_FFI_Values>(),
            extension_start: std::ptr::null_mut(),
            size: pointers.len() as i64,
            types: kinds,
            values: pointers.as_mut_ptr(),
        };
        XLA_FFI_CallFrame {
            struct_size: XLA_FFI_CALL_FRAME_STRUCT_SIZE,
            extension_start: std::ptr::null_mut(),
            api: &raw const API.0,
            ctx: std::ptr::null_mut(),
            stage,
            args: values(&mut self.arg_pointers),
            rets: values(&mut self.ret_pointers),
            attrs: XLA_FFI_Attrs {
                struct_size: size_of::<XLA_FFI_Attrs>(),
                extension_start: std::ptr::null_mut(),
                size: self.names.len() as i64,
                types: self.attribute_kinds.as_mut_ptr(),
                names: self.name_pointers.as_mut_ptr(),
                attrs: self.value_pointers.as_mut_ptr(),
            },
            future: std::ptr::null_mut(),
        }
    }
}

fn buffer(ty: &TensorType, data: *mut u8) -> Result<XLA_FFI_Buffer> {
    Ok(XLA_FFI_Buffer {
        struct_size: size_of::<XLA_FFI_Buffer>(),
        extension_start: std::ptr::null_mut(),
        dtype: data_type(ty.element)?,
        data: data.cast(),
        rank: ty.rank() as i64,
        dims: ty.shape.as_ptr().cast_mut(),
    })
}

/// XLA's number of an element type.
fn data_type(element: ElementType) -> Result<XLA_FFI_DataType> {
    Ok(match element {
        ElementType::I1 => XLA_FFI_PRED,
        ElementType::I2 => XLA_FFI_S2,
        ElementType::I4 => XLA_FFI_S4,
        ElementType::I8 => XLA_FFI_S8,
        ElementType::I16 => XLA_FFI_S16,
        ElementType::I32 => XLA_FFI_S32,
        ElementType::I64 => XLA_FFI_S64,
        ElementType::UI2 => XLA_FFI_U2,
        ElementType::UI4 => XLA_FFI_U4,
        ElementType::UI8 => XLA_FFI_U8,
        ElementType::UI16 => XLA_FFI_U16,
        ElementType::UI32 => XLA_FFI_U32,
        ElementType::UI64 => XLA_FFI_U64,
        ElementType::BF16 => XLA_FFI_BF16,
        ElementType::F16 => XLA_FFI_F16,
        ElementType::F32 => XLA_FFI_F32,
        ElementType::F64 => XLA_FFI_F64,
        ElementType::C64 => XLA_FFI_C64,
        ElementType::C128 => XLA_FFI_C128,
        ElementType::F8E3M4 => XLA_FFI_F8E3M4,
        ElementType::F8E4M3 => XLA_FFI_F8E4M3,
        ElementType::F8E4M3FN => XLA_FFI_F8E4M3FN,
        ElementType::F8E4M3FNUZ => XLA_FFI_F8E4M3FNUZ,
        ElementType::F8E4M3B11FNUZ => XLA_FFI_F8E4M3B11FNUZ,
        ElementType::F8E5M2 => XLA_FFI_F8E5M2,
        ElementType::F8E5M2FNUZ => XLA_FFI_F8E5M2FNUZ,
        ElementType::F8E8M0FNU => XLA_FFI_F8E8M0FNU,
        ElementType::F4E2M1FN => XLA_FFI_F4E2M1FN,
        ElementType::F6E2M3FN | ElementType::F6E3M2FN => {
            return Err(Error::unimplemented(format!(
                "custom_call: buffers of {element} cannot be passed on"
            )));
        }
    })
}

/// Calls a handler; its error as a sentence.
///
/// # Safety
/// The frame is whole, and the handler keeps the contract of XLA's FFI.
unsafe fn call(handler: XLA_FFI_Handler, frame: &mut XLA_FFI_CallFrame) -> std::result::Result<(), String> {
    // SAFETY: as the caller promises.
    let error = unsafe { handler(frame) };
    if error.is_null() {
        return match frame.future.is_null() {
            true => Ok(()),
            false => Err("handlers that end later are not supported".to_owned()),
        };
    }
    // SAFETY: errors are made by `error_create` alone, and the one returned is ours.
    let error = unsafe { Box::from_raw(error.cast::<HandlerError>()) };
    Err(error.message.to_string_lossy().into_owned())
}

/// What stands behind an `XLA_FFI_Error`.
struct HandlerError {
    message: CString,
}

unsafe extern "C" fn error_create(args: *mut XLA_FFI_Error_Create_Args) -> *mut XLA_FFI_Error {
    // SAFETY: the handler passes null or a block whose message is null or ends with a null byte.
    let message = unsafe {
        args.as_ref()
            .map_or(std::ptr::null(), |args| args.message)
            .as_ref()
            .map(|m: &c_char| CStr::from_ptr(m))
    };
    new_error(message.unwrap_or(c"an error without a message").to_owned())
}

fn new_error(message: CString) -> *mut XLA_FFI_Error {
    Box::into_raw(Box::new(HandlerError { message })).cast()
}

unsafe extern "C" fn error_get_message(args: *mut XLA_FFI_Error_GetMessage_Args) {
    // SAFETY: the handler passes null or a block with a live error of ours.
    unsafe {
        if let Some(args) = args.as_mut()
            && let Some(error) = args.error.cast::<HandlerError>().as_ref()
        {
            args.message = error.message.as_ptr();
        }
    }
}

unsafe extern "C" fn error_destroy(args: *mut XLA_FFI_Error_Destroy_Args) {
    // SAFETY: the handler passes null or a block with an error of ours that it does not use again.
    unsafe {
        if let Some(args) = args.as_ref()
            && !args.error.is_null()
        {
            drop(Box::from_raw(args.error.cast::<HandlerError>()));
        }
    }
}

/// Stands in the table for what this plugin has nothing to offer for: streams, device memory, states, futures.
unsafe extern "C" fn unsupported(_: *mut c_void) -> *mut XLA_FFI_Error {
    new_error(c"this plugin does not offer this function of XLA's FFI".to_owned())
}

/// The functions that handlers may call.
struct Api(XLA_FFI_Api);

// SAFETY: the table is never changed, and its functions may be called from any thread.
unsafe impl Sync for Api {}

static API: Api = Api(XLA_FFI_Api {
    struct_size: size_of::<XLA_FFI_Api>(),
    extension_start: std::ptr::null_mut(),
    api_version: XLA_FFI_Api_Version {
        struct_size: size_of::<XLA_FFI_Api_Version>(),
        extension_start: std::ptr::null_mut(),
        major_version: XLA_FFI_API_MAJOR,
        minor_version: XLA_FFI_API_MINOR,
    },
    internal_api: std::ptr::null(),
    XLA_FFI_Error_Create: Some(error_create),
    XLA_FFI_Error_GetMessage: Some(error_get_message),
    XLA_FFI_Error_Destroy: Some(error_destroy),
    others: [unsupported as *const c_void; 15],
});
