#![doc = include_str!("../README.md")]
//!
//! # This crate
//!
//! A facade: everything is defined on the floors below and only named here. [`prelude`] is what programs start with; [`numpy`],
//! [`nn`], [`lax`] and [`tree`] are modules of functions under JAX's names.

pub use jacinth_frontend::*;

/// `jax.lax`: the primitives as functions of arrays, and control flow over closures and pytrees.
pub mod lax {
    pub use jacinth_frontend::api::composite::*;
    pub use jacinth_frontend::api::control::*;
    pub use jacinth_frontend::api::solve::*;
    pub use jacinth_frontend::lax::*;
}

/// What programs start with: `use jacinth::prelude::*;`.
///
/// Besides the transformations and [`Array`] it names the modules `jnp` (also `numpy`), `lax`, `nn`, `random`, `tree`, `debug`, and the derive of
/// [`Pytree`](macro@jacinth_frontend::tree::Pytree).
pub mod prelude {
    pub use crate::lax;
    pub use jacinth_frontend::api::control::{cond, fori_loop, scan, switch, while_loop};
    pub use jacinth_frontend::numpy as jnp;
    pub use jacinth_frontend::tree::{Pytree, Static};
    pub use jacinth_frontend::{
        Array, DType, Ellipsis, NewAxis, checkify, debug, grad, hessian, jacfwd, jacrev, jit, jvp, linearize,
        make_jaxpr, nn, numpy, random, s, tree, value_and_grad, vjp, vmap,
    };
    pub use jacinth_frontend::{
        ShapeDtypeStruct, argnums, checkpoint, custom_gradient, custom_jvp, custom_vjp, eval_shape, jacobian,
        linear_transpose, remat,
    };
}
