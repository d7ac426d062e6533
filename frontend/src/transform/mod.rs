//! Transformations of functions and of jaxprs: forward mode, partial evaluation, transposition, vectorisation, dead code.
//!
//! Owns the machinery only: the traces, and the jaxpr-to-jaxpr forms that rules of primitives with jaxprs are written with, each
//! memoised on its jaxpr. It never imports lax; the four operations that the machinery itself must insert come in a [`Kit`].

mod backward;
mod batch;
mod dce;
mod jvp;
mod partial_eval;
mod remat;

pub(crate) use backward::{backward_pass, transpose_jaxpr};
pub(crate) use batch::{batch, batch_jaxpr, move_to};
pub(crate) use dce::{dce_closed, dce_jaxpr};
pub(crate) use jvp::{jvp, jvp_jaxpr};
pub(crate) use partial_eval::{SplitJaxpr, consts_to_invars, linearize, negate, partial_eval_jaxpr, pick};

pub(crate) use remat::{RematSplit, producers, remat_jaxpr};

use crate::ir::{Array, Aval};

/// The operations that transformations insert by themselves.
pub(crate) struct Kit {
    /// Zeros of a type.
    pub(crate) zeros: fn(&Aval) -> Array,
    /// The sum of two tangents or cotangents.
    pub(crate) add: fn(&Array, &Array) -> Array,
    /// The array repeated along a new dimension of that size at that place.
    pub(crate) repeat: fn(&Array, size: usize, at: usize) -> Array,
    /// The array with a dimension moved.
    pub(crate) moveaxis: fn(&Array, from: usize, to: usize) -> Array,
}

/// Whether values of this type have tangents: floating point and complex ones do.
pub(crate) fn has_tangent(aval: &Aval) -> bool {
    aval.dtype.is_float() || aval.dtype.is_complex()
}
