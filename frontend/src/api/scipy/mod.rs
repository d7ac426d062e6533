//! `jax.scipy`: linear algebra and special functions by SciPy's names.

pub mod linalg;
pub mod special;
