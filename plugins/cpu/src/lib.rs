//! The embedded CPU plugin: a StableHLO compiler in Rust behind the PJRT C ABI.

pub mod compile;
pub mod executable;
pub mod kernels;
pub mod memory;
pub mod pool;
