//! `jax.random`: keys, and samples that are the same digits as JAX's.
//!
//! The generator is JAX's default, `threefry2x32`, partitionable ([`crate::config::threefry_partitionable`] brings the legacy one
//! back). Bits, integers and uniform floats equal those of jax 0.10.2 bit for bit; where a logarithm or another transcendental
//! function is involved, samples differ by what the plugins' functions differ.
//!
//! A key is consumed by what uses it: samplers take it by value and [`Key`] is not `Copy`, so that using a key twice does not compile.
//! [`split`] makes new ones; [`clone`] says that the same numbers are wanted again.
//!
//! ```
//! use jacinth_frontend::{Array, random};
//!
//! let key = random::key(0);
//! let [key, subkey] = random::split(key);
//! assert_eq!(random::uniform(subkey, ()).item::<f32>(), 0.0072938204);
//! let x: Array = random::normal(key, [2, 3]);
//! # assert_eq!(x.shape(), [2, 3]);
//! ```
//!
//! A second use of a key is an error of the Rust compiler:
//!
//! ```compile_fail,E0382
//! use jacinth_frontend::random;
//!
//! let key = random::key(0);
//! let x = random::normal(key, 3);
//! let y = random::uniform(key, 3); // value used here after move
//! ```
//!
//! Functions are named as in JAX and take their arguments in its order. What is optional there is told apart by the name: `uniform(key, shape)`
//! is of the default float dtype, `uniform_of(key, shape, dtype)` of another, `uniform_with(…)` says everything. Where JAX takes the
//! parameters' shape if none is given, pass it: `gamma(key, &a, a.shape())`. Each sampler is one jitted function, traced once per shape and dtype.
//! Deliberately absent: the generators `rbg` and `unsafe_rbg`.

mod arrange;
mod bits;
mod continuous;
mod discrete;
mod gamma;
mod key;
mod linear;
mod sampler;

pub use arrange::*;
pub use bits::*;
pub use continuous::*;
pub use discrete::*;
pub use gamma::*;
pub use key::*;
pub use linear::*;
