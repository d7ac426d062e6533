//! The embedded CPU plugin: a StableHLO compiler in Rust behind the PJRT C ABI.
//!
//! The walk: abi (one file per PJRT object) → parse and verify (lowering) → compile (simplify, fuse, assign, schedule) →
//! kernels, run on a thread pool over buffers of a caching allocator.
//!
//! Needs only `lowering` and `pjrt/sys`. Deliberately absent: everything of the frontend; the plugin runs modules that
//! others wrote, and is driven through exactly the C ABI that any other plugin is.

pub mod collectives;
mod error;
pub mod kernels;

pub use error::{Code, Error, Result};
