//! The frontend's only door to PJRT: which plugin and device, buffers to and from the host, compiled programs.
//!
//! Owns the default [`Backend`] and its override, and the cache of compiled modules. Invariant: everything here speaks of
//! concrete arrays; a tracer never comes this far.

mod backend;
pub(crate) mod callback;
mod optimized;
mod program;
mod transfer;

pub(crate) use backend::current_platform;
pub use backend::{Backend, set_platform, with_backend};
pub(crate) use optimized::optimized_text;
pub(crate) use program::{Outputs, Program, clear_compiled};
pub(crate) use transfer::{from_bytes, on_backend, to_bytes};

use crate::error::Error;

impl From<jacinth_pjrt::Error> for Error {
    fn from(error: jacinth_pjrt::Error) -> Self {
        Error::runtime(error.to_string())
    }
}
