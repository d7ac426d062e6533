//! The embedded CPU plugin as a shared library, so that any PJRT host can load it.
//!
//! `PJRT_NAMES_AND_LIBRARY_PATHS=jacinth:/path/libjacinth_cpu_pjrt.so JAX_PLATFORMS=jacinth,cpu` is all that JAX needs.
//! Nothing else is here: the plugin is `jacinth-cpu`.

use pjrt_sys::PJRT_Api;

/// The plugin's function table, as every PJRT plugin gives it.
#[unsafe(no_mangle)]
pub extern "C" fn GetPjrtApi() -> *const PJRT_Api {
    jacinth_cpu::pjrt_api().get()
}
