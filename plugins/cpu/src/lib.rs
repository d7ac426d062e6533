//! The embedded CPU plugin: a StableHLO compiler in Rust behind the PJRT C ABI.
//!
//! The walk: abi (one file per PJRT object) → parse and verify (lowering) → compile (simplify, fuse, assign, schedule) →
//! kernels, run on a thread pool over buffers of a caching allocator.
//!
//! Needs only `lowering` and `pjrt/sys`. Deliberately absent: everything of the frontend; the plugin runs modules that
//! others wrote, and is driven through exactly the C ABI that any other plugin is.

mod abi;
pub mod collectives;
pub mod compile;
mod error;
pub mod executable;
pub mod kernels;
pub mod memory;
pub mod pool;
pub mod simd;

pub use error::{Code, Error, Result};
use pjrt_sys::StaticApi;

/// The plugin's function table, PJRT C API 0.90, for hosts in the same process.
///
/// `plugins/cpu-dylib` exports the same table as `GetPjrtApi`. Client options and environment variables are described at
/// `PJRT_Client_Create`: `cpu_device_count` (default 1), `memory_limit_bytes`, `num_threads`.
pub fn pjrt_api() -> StaticApi {
    // SAFETY: the table's functions keep the header's contract: each goes through the guard, and all of them may be called
    // from any thread.
    unsafe { StaticApi::new(abi::table()) }
}
