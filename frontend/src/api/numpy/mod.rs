//! `jax.numpy`: NumPy's functions on arrays, with promotion, broadcasting and axes counted from the end.
//!
//! Functions take arrays, references or Rust numbers. Unlike in JAX no function is a nested `jit` of its own: its operations
//! stand in the jaxpr directly. Axes are given as `0`, `-1`, `[0, 1]`, `()` for all, and [`keepdims`] of these.
//!
//! Required arguments come in JAX's order. What is optional in JAX is another function, whose name says which: `f_of` takes a
//! dtype (`zeros_of`), `f_where` a mask (`sum_where`), `f_size` the size of a result that otherwise depends on values
//! (`nonzero_size`), `f_mode` and `f_method` what they are called there, `f_with` all that is left (`histogram_with`).

mod arrangement;
mod calculus;
mod creation;
mod dtype_names;
mod einsum;
mod elementary;
pub mod fft;
mod files;
mod functional;
mod index_tricks;
pub mod linalg;
mod polynomials;
mod products;
mod reductions;
mod shape;
mod signal;
mod sorting;
mod statistics;
mod take;
#[cfg(test)]
mod tests;
pub mod ufunc;
mod ufuncs;

pub use super::array::{IntoArray, IntoArrays};
pub use super::array_display::{
    PrintOptions, array_repr, array_str, get_printoptions, printoptions, set_printoptions,
};
pub use super::dtype_info::{FInfo, IInfo, Kind, can_cast, finfo, iinfo, isdtype, issubdtype};
pub use super::dtypes::{promote_types, result_type};
pub use super::indexing::NewAxis;
pub use super::scipy::special::i0;
pub(crate) use crate::lax::broadcast_shape;
pub use arrangement::*;
pub use calculus::*;
pub use creation::*;
pub use dtype_names::*;
pub use einsum::{einsum, einsum_path};
pub use elementary::*;
pub use files::*;
pub use functional::*;
pub use index_tricks::*;
pub use polynomials::*;
pub use products::*;
pub use reductions::*;
pub use shape::*;
pub use signal::*;
pub use sorting::*;
pub use statistics::*;
pub use take::*;
pub use ufunc::frompyfunc;
pub use ufuncs::*;

/// JAX's names of the macro that writes indices.
pub use crate::{s as index_exp, s as s_};

use crate::config::rank_promotion_is_forbidden;
use crate::ir::Array;
use crate::lax::{self, rules::refuse};
use smallvec::SmallVec;

/// The ratio of a circle's circumference to its diameter.
pub const PI: f64 = std::f64::consts::PI;
/// The base of the natural logarithm.
pub const E: f64 = std::f64::consts::E;
/// Positive infinity.
pub const INF: f64 = f64::INFINITY;
/// Not a number.
pub const NAN: f64 = f64::NAN;
/// The limit of the harmonic series minus the logarithm.
pub const EULER_GAMMA: f64 = 0.577_215_664_901_532_9;

/// Axes of an array: all of them, or some, counted from the end where negative; and whether reduced ones stay with size 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    axes: Option<SmallVec<[i64; 4]>>,
    keepdims: bool,
}

/// The same axes; those reduced stay as dimensions of size 1, so that the result broadcasts to the operand.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1.0f32, 3.0], [2.0, 2.0]]);
/// let shares = &x / jnp::sum(&x, jnp::keepdims(1));
/// assert_eq!(shares.to_string(), "[[0.25 0.75]\n [0.5  0.5 ]]");
/// ```
pub fn keepdims(axis: impl Into<Axis>) -> Axis {
    Axis { keepdims: true, ..axis.into() }
}

impl Axis {
    /// The axes of an array of that rank, as given; `name` is the function's in errors.
    #[track_caller]
    pub(crate) fn resolve(&self, name: &'static str, rank: usize) -> Vec<usize> {
        let Some(axes) = &self.axes else { return (0..rank).collect() };
        let out = canonical_all(name, axes, rank);
        if !lax::rules::distinct(&out) {
            refuse!(name => "axes {axes:?} name a dimension twice")
        }
        out
    }
}

/// Axes counted from the start.
#[track_caller]
pub(crate) fn canonical_all(name: &'static str, axes: &[i64], rank: usize) -> Vec<usize> {
    // No closure: it would hide the line of the caller.
    let mut out = Vec::with_capacity(axes.len());
    for &axis in axes {
        out.push(canonical(name, axis, rank));
    }
    out
}

/// An axis counted from the start.
#[track_caller]
pub(crate) fn canonical(name: &'static str, axis: i64, rank: usize) -> usize {
    let from_start = if axis < 0 { axis + rank as i64 } else { axis };
    if !(0..rank as i64).contains(&from_start) {
        refuse!(name => "axis {axis} is out of bounds for an array of {rank} dimensions")
    }
    from_start as usize
}

impl From<()> for Axis {
    fn from(_: ()) -> Axis {
        Axis { axes: None, keepdims: false }
    }
}

impl From<Option<i64>> for Axis {
    fn from(axis: Option<i64>) -> Axis {
        Axis { axes: axis.map(|a| SmallVec::from_slice(&[a])), keepdims: false }
    }
}

macro_rules! axis_from {
    ($($T:ty),*) => {$(
        impl From<$T> for Axis {
            fn from(axis: $T) -> Axis {
                Axis { axes: Some(SmallVec::from_slice(&[axis as i64])), keepdims: false }
            }
        }

        impl<const N: usize> From<[$T; N]> for Axis {
            fn from(axes: [$T; N]) -> Axis {
                Axis { axes: Some(axes.iter().map(|&a| a as i64).collect()), keepdims: false }
            }
        }

        impl From<&[$T]> for Axis {
            fn from(axes: &[$T]) -> Axis {
                Axis { axes: Some(axes.iter().map(|&a| a as i64).collect()), keepdims: false }
            }
        }

        impl From<Vec<$T>> for Axis {
            fn from(axes: Vec<$T>) -> Axis {
                axes.as_slice().into()
            }
        }
    )*};
}

axis_from!(i32, i64, usize);

/// A size, or -1 where a function may find it out.
pub trait Dim: Copy {
    /// The size.
    fn dim(self) -> i64;
}

/// What says a shape: `()`, a size, a tuple, an array, a slice or a `Vec` of sizes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a shape",
    label = "expected `()`, a size, or a list of sizes"
)]
pub trait IntoShape {
    /// The sizes.
    fn into_shape(self) -> SmallVec<[i64; 4]>;
}

macro_rules! dims {
    ($($T:ty),*) => {$(
        impl Dim for $T {
            fn dim(self) -> i64 {
                self as i64
            }
        }

        impl IntoShape for $T {
            fn into_shape(self) -> SmallVec<[i64; 4]> {
                SmallVec::from_slice(&[self as i64])
            }
        }
    )*};
}

dims!(i32, i64, usize, u32);

impl<T: Dim, const N: usize> IntoShape for [T; N] {
    fn into_shape(self) -> SmallVec<[i64; 4]> {
        self.iter().map(|d| d.dim()).collect()
    }
}

impl<T: Dim, const N: usize> IntoShape for &[T; N] {
    fn into_shape(self) -> SmallVec<[i64; 4]> {
        self.iter().map(|d| d.dim()).collect()
    }
}

impl<T: Dim> IntoShape for &[T] {
    fn into_shape(self) -> SmallVec<[i64; 4]> {
        self.iter().map(|d| d.dim()).collect()
    }
}

impl<T: Dim> IntoShape for Vec<T> {
    fn into_shape(self) -> SmallVec<[i64; 4]> {
        self.as_slice().into_shape()
    }
}

impl<T: Dim> IntoShape for &Vec<T> {
    fn into_shape(self) -> SmallVec<[i64; 4]> {
        self.as_slice().into_shape()
    }
}

impl IntoShape for () {
    fn into_shape(self) -> SmallVec<[i64; 4]> {
        SmallVec::new()
    }
}

macro_rules! tuple_shapes {
    ($($($T:ident $i:tt),+;)*) => {$(
        impl<$($T: Dim),+> IntoShape for ($($T,)+) {
            fn into_shape(self) -> SmallVec<[i64; 4]> {
                SmallVec::from_slice(&[$(self.$i.dim()),+])
            }
        }
    )*};
}

tuple_shapes! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, E 4;
    A 0, B 1, C 2, D 3, E 4, F 5;
}

/// A shape none of whose sizes is negative.
#[track_caller]
pub(crate) fn exact_shape(name: &'static str, shape: impl IntoShape) -> Vec<usize> {
    not_negative(name, &shape.into_shape())
}

#[track_caller]
fn not_negative(name: &'static str, shape: &[i64]) -> Vec<usize> {
    if shape.iter().any(|&d| d < 0) {
        refuse!(name => "sizes must not be negative, got {}", lax::rules::show(shape))
    }
    shape.iter().map(|&d| d as usize).collect()
}

/// Operands of one rank: dimensions of size 1 go before those of lower rank; scalars stay scalars.
#[track_caller]
pub(crate) fn promote_shapes(mut arrays: Vec<Array>) -> Vec<Array> {
    let rank = arrays.iter().map(Array::ndim).max().unwrap_or(0);
    if rank_promotion_is_forbidden() && arrays.iter().any(|x| x.ndim() > 0 && x.ndim() < rank) {
        let shapes: Vec<String> = arrays.iter().map(|x| lax::rules::show(x.shape())).collect();
        refuse!("numpy" => "promotion of ranks is forbidden, and shapes {} are of different ones", shapes.join(", "))
    }
    for x in &mut arrays {
        if x.ndim() > 0 && x.ndim() < rank {
            *x = lax::expand_dims(x, &(0..rank - x.ndim()).collect::<Vec<_>>());
        }
    }
    arrays
}
