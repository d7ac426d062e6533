//! The FFI extension (version 3): handlers of custom calls, registered by the host. They are called by `kernels/custom_call`.

use pjrt_sys::ffi::XLA_FFI_Handler;
use pjrt_sys::*;

use super::guard::entries;
use crate::kernels::custom_call;
use crate::{Error, Result};

/// The extension; `next` follows it in the chain.
pub(super) const fn extension(next: *mut PJRT_Extension_Base) -> PJRT_FFI_Extension {
    PJRT_FFI_Extension {
        base: PJRT_Extension_Base {
            struct_size: PJRT_FFI_Extension_STRUCT_SIZE,
            type_: PJRT_Extension_Type_FFI,
            next,
        },
        type_register: Some(type_register),
        user_data_add: Some(user_data_add),
        register_handler: Some(register_handler),
    }
}

/// The platforms whose handlers are this plugin's: the names that XLA has for the CPU.
const PLATFORMS: [&str; 2] = ["cpu", "host"];

fn unimplemented<T>(what: &str) -> Result<T> {
    Err(Error::unimplemented(format!(
        "{what} of the FFI are not supported: a handler gets attributes and buffers"
    )))
}

entries! {
    /// `PJRT_FFI_Type_Register`.
    type_register(args: PJRT_FFI_Type_Register_Args) {
        let _ = &args;
        unimplemented("types")
    }

    /// `PJRT_FFI_UserData_Add`.
    user_data_add(args: PJRT_FFI_UserData_Add_Args) {
        let _ = &args;
        unimplemented("user data")
    }

    /// `PJRT_FFI_Register_Handler`: for all clients of this process.
    register_handler(args: PJRT_FFI_Register_Handler_Args) {
        let target = args.text("target_name", args.target_name, args.target_name_size)?;
        let platform = args.text("platform_name", args.platform_name, args.platform_name_size)?;
        if !PLATFORMS.contains(&platform.to_ascii_lowercase().as_str()) {
            return Err(Error::invalid(format!("handlers of platform {platform:?}: this one is \"cpu\"")));
        }
        if target.is_empty() || args.handler.is_null() {
            return Err(Error::invalid("a handler must have a target and a function"));
        }
        // SAFETY: the caller passes the address of a handler, which it keeps until the process ends.
        unsafe {
            let handler = std::mem::transmute::<*mut std::ffi::c_void, XLA_FFI_Handler>(args.handler);
            custom_call::register(target, handler)?;
        }
        Ok(())
    }
}
