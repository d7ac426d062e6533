//! XLA's typed FFI, the C ABI through which a plugin calls a handler that stands behind a custom call (`xla/ffi/api/c_api.h`, API
//! version 0.3), as far as handlers and their callers need it.
//!
//! The header is not among PJRT's, so these declarations are written by hand, with a layout assertion for each struct. As there, a
//! struct's size stops at its last field, and enumerations are integers with constants.

#![allow(non_camel_case_types, non_snake_case, missing_docs)]

use core::ffi::{c_char, c_int, c_uint, c_void};

pub const XLA_FFI_API_MAJOR: c_int = 0;
pub const XLA_FFI_API_MINOR: c_int = 3;

pub type XLA_FFI_Extension_Type = c_uint;
pub const XLA_FFI_EXTENSION_METADATA: XLA_FFI_Extension_Type = 1;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct XLA_FFI_Extension_Base {
    pub struct_size: usize,
    pub type_: XLA_FFI_Extension_Type,
    pub next: *mut XLA_FFI_Extension_Base,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct XLA_FFI_Api_Version {
    pub struct_size: usize,
    pub extension_start: *mut XLA_FFI_Extension_Base,
    pub major_version: c_int,
    pub minor_version: c_int,
}

/// An error; made by the plugin's `XLA_FFI_Error_Create`, destroyed by whom it is given to.
#[repr(C)]
#[derive(Debug)]
pub struct XLA_FFI_Error {
    _unused: [u8; 0],
}

pub type XLA_FFI_Error_Code = c_uint;
pub const XLA_FFI_ERROR_INVALID_ARGUMENT: XLA_FFI_Error_Code = 3;
pub const XLA_FFI_ERROR_UNIMPLEMENTED: XLA_FFI_Error_Code = 12;
pub const XLA_FFI_ERROR_INTERNAL: XLA_FFI_Error_Code = 13;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct XLA_FFI_Error_Create_Args {
    pub struct_size: usize,
    pub extension_start: *mut XLA_FFI_Extension_Base,
    pub message: *const c_char,
    pub errc: XLA_FFI_Error_Code,
}
pub type XLA_FFI_Error_Create =
    Option<unsafe extern "C" fn(args: *mut XLA_FFI_Error_Create_Args) -> *mut XLA_FFI_Error>;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct XLA_FFI_Error_GetMessage_Args {
    pub struct_size: usize,
    pub extension_start: *mut XLA_FFI_Extension_Base,
    pub error: *mut XLA_FFI_Error,
    pub message: *const c_char,
}
pub type XLA_FFI_Error_GetMessage = Option<unsafe extern "C" fn(args: *mut XLA_FFI_Error_GetMessage_Args)>;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct XLA_FFI_Error_Destroy_Args {
    pub struct_size: usize,
    pub extension_start: *mut XLA_FFI_Extension_Base,
    pub error: *mut XLA_FFI_Error,
}
pub type XLA_FFI_Error_Destroy = Option<unsafe extern "C" fn(args: *mut XLA_FFI_Error_Destroy_Args)>;

/// Element types are numbered as XLA's `PrimitiveType` is.
pub type XLA_FFI_DataType = c_uint;

/// Name of every element type that has buffers, with its number.
macro_rules! data_types {
    ($($name:ident = $value:literal;)*) => {$(
        pub const $name: XLA_FFI_DataType = $value;
    )*};
}

data_types! {
    XLA_FFI_PRED = 1;
    XLA_FFI_S2 = 26;
    XLA_FFI_S4 = 21;
    XLA_FFI_S8 = 2;
    XLA_FFI_S16 = 3;
    XLA_FFI_S32 = 4;
    XLA_FFI_S64 = 5;
    XLA_FFI_U2 = 27;
    XLA_FFI_U4 = 22;
    XLA_FFI_U8 = 6;
    XLA_FFI_U16 = 7;
    XLA_FFI_U32 = 8;
    XLA_FFI_U64 = 9;
    XLA_FFI_F16 = 10;
    XLA_FFI_F32 = 11;
    XLA_FFI_F64 = 12;
    XLA_FFI_BF16 = 16;
    XLA_FFI_C64 = 15;
    XLA_FFI_C128 = 18;
    XLA_FFI_TOKEN = 17;
    XLA_FFI_F8E5M2 = 19;
    XLA_FFI_F8E3M4 = 29;
    XLA_FFI_F8E4M3 = 28;
    XLA_FFI_F8E4M3FN = 20;
    XLA_FFI_F8E4M3B11FNUZ = 23;
    XLA_FFI_F8E5M2FNUZ = 24;
    XLA_FFI_F8E4M3FNUZ = 25;
    XLA_FFI_F4E2M1FN = 32;
    XLA_FFI_F8E8M0FNU = 33;
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct XLA_FFI_Buffer {
    pub struct_size: usize,
    pub extension_start: *mut XLA_FFI_Extension_Base,
    pub dtype: XLA_FFI_DataType,
    pub data: *mut c_void,
    pub rank: i64,
    pub dims: *mut i64,
}

/// The only kind of argument and of result.
pub const XLA_FFI_BUFFER: c_uint = 1;

pub type XLA_FFI_AttrType = c_uint;
pub const XLA_FFI_ATTR_ARRAY: XLA_FFI_AttrType = 1;
pub const XLA_FFI_ATTR_DICTIONARY: XLA_FFI_AttrType = 2;
pub const XLA_FFI_ATTR_SCALAR: XLA_FFI_AttrType = 3;
pub const XLA_FFI_ATTR_STRING: XLA_FFI_AttrType = 4;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct XLA_FFI_ByteSpan {
    pub ptr: *const c_char,
    pub len: usize,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct XLA_FFI_Scalar {
    pub dtype: XLA_FFI_DataType,
    pub value: *mut c_void,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct XLA_FFI_Array {
    pub dtype: XLA_FFI_DataType,
    pub size: usize,
    pub data: *mut c_void,
}

pub type XLA_FFI_ExecutionStage = c_uint;
pub const XLA_FFI_STAGE_INSTANTIATE: XLA_FFI_ExecutionStage = 0;
pub const XLA_FFI_STAGE_PREPARE: XLA_FFI_ExecutionStage = 1;
pub const XLA_FFI_STAGE_INITIALIZE: XLA_FFI_ExecutionStage = 2;
pub const XLA_FFI_STAGE_EXECUTE: XLA_FFI_ExecutionStage = 3;

/// Arguments or results: of each its kind, and a pointer to it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct XLA_FFI_Values {
    pub struct_size: usize,
    pub extension_start: *mut XLA_FFI_Extension_Base,
    pub size: i64,
    pub types: *mut c_uint,
    pub values: *mut *mut c_void,
}

/// Attributes in the order of their names.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct XLA_FFI_Attrs {
    pub struct_size: usize,
    pub extension_start: *mut XLA_FFI_Extension_Base,
    pub size: i64,
    pub types: *mut XLA_FFI_AttrType,
    pub names: *mut *mut XLA_FFI_ByteSpan,
    pub attrs: *mut *mut c_void,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct XLA_FFI_CallFrame {
    pub struct_size: usize,
    pub extension_start: *mut XLA_FFI_Extension_Base,
    pub api: *const XLA_FFI_Api,
    pub ctx: *mut c_void,
    pub stage: XLA_FFI_ExecutionStage,
    pub args: XLA_FFI_Values,
    pub rets: XLA_FFI_Values,
    pub attrs: XLA_FFI_Attrs,
    pub future: *mut c_void,
}

/// The size that the header defines: `future` does not count.
pub const XLA_FFI_CALL_FRAME_STRUCT_SIZE: usize = core::mem::offset_of!(XLA_FFI_CallFrame, future);

/// What stands behind a custom call.
pub type XLA_FFI_Handler = unsafe extern "C" fn(frame: *mut XLA_FFI_CallFrame) -> *mut XLA_FFI_Error;

/// What a handler says of itself when it is called with an [`XLA_FFI_Metadata_Extension`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct XLA_FFI_Metadata {
    pub struct_size: usize,
    pub api_version: XLA_FFI_Api_Version,
    pub traits: u32,
    pub state_type_id: i64,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct XLA_FFI_Metadata_Extension {
    pub extension_base: XLA_FFI_Extension_Base,
    pub metadata: *mut XLA_FFI_Metadata,
}

/// The plugin's side: its version, and the functions that handlers may call. Those behind `XLA_FFI_Error_Destroy` are not declared,
/// since nothing here calls them.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct XLA_FFI_Api {
    pub struct_size: usize,
    pub extension_start: *mut XLA_FFI_Extension_Base,
    pub api_version: XLA_FFI_Api_Version,
    pub internal_api: *const c_void,
    pub XLA_FFI_Error_Create: XLA_FFI_Error_Create,
    pub XLA_FFI_Error_GetMessage: XLA_FFI_Error_GetMessage,
    pub XLA_FFI_Error_Destroy: XLA_FFI_Error_Destroy,
    /// Handler_Register, Stream_Get, Type_Register, ExecutionContext_Get, State_Set, State_Get, DeviceMemory_Allocate,
    /// DeviceMemory_Free, ThreadPool_Schedule, ThreadPool_NumThreads, Future_Create, Future_SetAvailable, Future_SetError,
    /// RunId_Get, DeviceOrdinal_Get.
    pub others: [*const c_void; 15],
}

const _: () = {
    assert!(size_of::<XLA_FFI_Extension_Base>() == 24);
    assert!(size_of::<XLA_FFI_Api_Version>() == 24);
    assert!(core::mem::offset_of!(XLA_FFI_Error_Create_Args, errc) == 24);
    assert!(size_of::<XLA_FFI_Error_GetMessage_Args>() == 32);
    assert!(size_of::<XLA_FFI_Error_Destroy_Args>() == 24);
    assert!(size_of::<XLA_FFI_Buffer>() == 48 && core::mem::offset_of!(XLA_FFI_Buffer, data) == 24);
    assert!(size_of::<XLA_FFI_ByteSpan>() == 16);
    assert!(size_of::<XLA_FFI_Scalar>() == 16 && core::mem::offset_of!(XLA_FFI_Scalar, value) == 8);
    assert!(size_of::<XLA_FFI_Array>() == 24);
    assert!(size_of::<XLA_FFI_Values>() == 40);
    assert!(size_of::<XLA_FFI_Attrs>() == 48);
    assert!(core::mem::offset_of!(XLA_FFI_CallFrame, args) == 40);
    assert!(XLA_FFI_CALL_FRAME_STRUCT_SIZE == 168);
    assert!(core::mem::offset_of!(XLA_FFI_Metadata, traits) == 32);
    assert!(size_of::<XLA_FFI_Metadata_Extension>() == 32);
    assert!(core::mem::offset_of!(XLA_FFI_Api, XLA_FFI_Error_Create) == 48);
    assert!(size_of::<XLA_FFI_Api>() == 48 + 18 * 8);
};
