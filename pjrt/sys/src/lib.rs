//! The PJRT C ABI as Rust declarations, API version 0.90 (128 functions), generated and committed.
//!
//! Owns the layouts and the constants of `pjrt_c_api.h` and of the C extension headers beside it (FFI, Layouts,
//! MemoryDescriptions, PhaseCompile, Profiler, Stream, TpuTopology), named as the headers name them, with a layout
//! assertion for every struct. Enumerations are integers with constants, since a newer plugin may send values that
//! this header does not know. Functions are `Option<unsafe extern "C" fn(..)>`.
//!
//! **Sizes.** A PJRT struct's size ends at its last field, without tail padding: it is `X_STRUCT_SIZE`, also found as
//! [`AbiStruct::STRUCT_SIZE`], never `size_of::<X>()`.
//!
//! Deliberately absent: logic, and the headers' documentation. `jacinth-pjrt` is the safe layer.
//!
//! To regenerate: `PJRT_HEADER=.../xla/pjrt/c/pjrt_c_api.h cargo build -p jacinth-pjrt-sys --features bindgen`
//! (needs libclang), then `cargo fmt`.

#[cfg(not(target_pointer_width = "64"))]
compile_error!("the PJRT C ABI is declared here for 64-bit targets only");

#[allow(non_camel_case_types, non_snake_case, non_upper_case_globals)]
#[allow(missing_debug_implementations, clippy::all)]
mod bindings;

pub mod ffi;

pub use bindings::*;

/// A struct of the ABI that begins with its own size: an argument block, an option block or the api table.
///
/// # Safety
/// Only this crate implements it, for `repr(C)` structs whose first field is `struct_size: usize` and for which the
/// all-zero bit pattern is a value.
pub unsafe trait AbiStruct: Copy {
    /// The C name, as plugins use it in their messages.
    const NAME: &'static str;
    /// The size in bytes that the header defines: up to the end of the last field, without tail padding.
    const STRUCT_SIZE: usize;

    /// The struct with every field zero, null or absent, but for its own size.
    fn new() -> Self;
}

/// A PJRT api table that is linked into this process, with the promise that it may be called.
#[derive(Clone, Copy, Debug)]
pub struct StaticApi(&'static PJRT_Api);

impl StaticApi {
    /// # Safety
    /// The functions of `api` keep the contract of the PJRT header, from any thread, until the process ends.
    pub const unsafe fn new(api: &'static PJRT_Api) -> StaticApi {
        StaticApi(api)
    }

    /// The table.
    pub const fn get(self) -> &'static PJRT_Api {
        self.0
    }
}

// SAFETY: the table is immutable and its functions may be called from any thread, as `new` was promised.
unsafe impl Send for StaticApi {}
// SAFETY: as above.
unsafe impl Sync for StaticApi {}

macro_rules! abi_structs {
    ($($name:ident = $size:ident,)*) => {$(
        const _: () = assert!($size <= size_of::<$name>() && size_of::<$name>() - $size < align_of::<$name>());
        // SAFETY: generated from a `repr(C)` struct of integers, pointers and optional functions whose first field
        // is `struct_size: usize`.
        unsafe impl crate::AbiStruct for $name {
            const NAME: &'static str = stringify!($name);
            const STRUCT_SIZE: usize = $size;

            #[inline]
            fn new() -> Self {
                // SAFETY: every field is an integer, a float, a bool, a pointer or an optional function: zero is a value.
                let mut new: Self = unsafe { core::mem::zeroed() };
                new.struct_size = $size;
                new
            }
        }
    )*};
}
pub(crate) use abi_structs;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_stop_at_the_last_field() {
        assert_eq!(PJRT_Error_GetCode_Args_STRUCT_SIZE, 28);
        assert_eq!(size_of::<PJRT_Error_GetCode_Args>(), 32);
        assert_eq!(PJRT_Error_GetCode_Args::STRUCT_SIZE, 28);
        assert_eq!(PJRT_Event_IsReady_Args::STRUCT_SIZE, 25);
    }

    #[test]
    fn the_table_holds_the_128_functions_of_0_90() {
        assert_eq!((PJRT_API_MAJOR, PJRT_API_MINOR), (0, 90));
        let head = size_of::<usize>() * 2 + size_of::<PJRT_Api_Version>();
        assert_eq!((PJRT_Api_STRUCT_SIZE - head) / size_of::<usize>(), 128);
    }

    #[test]
    fn a_new_block_is_zero_but_for_its_size() {
        let args = PJRT_Client_Create_Args::new();
        assert_eq!(args.struct_size, PJRT_Client_Create_Args_STRUCT_SIZE);
        assert!(args.client.is_null() && args.kv_get_callback.is_none() && args.num_options == 0);
    }
}
