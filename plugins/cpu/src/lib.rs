//! The embedded CPU plugin: a StableHLO compiler in Rust behind the PJRT C ABI.

pub mod kernels;
