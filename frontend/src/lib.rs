//! Tracing and transformations: jit, grad, vmap, pytrees, arrays, lax and numpy.

// The derive writes `::jacinth::tree`; inside this crate that is this crate.
extern crate self as jacinth;

pub mod api;
pub mod trace;

pub use api::tree;
