//! Norms of vectors and matrices.

use super::super::{Axis, IntoArray, abs, sum};
use super::{inv, svdvals};
use crate::api::dtypes::promote_inexact;
use crate::ir::Array;
use crate::lax::{self, linalg::squares, rules::refuse, rules::show};

/// Which norm: `()` for the default, a number, `f64::INFINITY`, or the name `"fro"` or `"nuc"`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NormOrd {
    /// The Euclidean length; of matrices Frobenius'.
    Default,
    /// The `p`-norm; of matrices the one induced by it, for ±1, ±2 and ±∞.
    P(f64),
    /// The root of the sum of squares of a matrix.
    Fro,
    /// The sum of singular values.
    Nuc,
}

impl From<()> for NormOrd {
    fn from((): ()) -> NormOrd {
        NormOrd::Default
    }
}

impl From<f64> for NormOrd {
    fn from(p: f64) -> NormOrd {
        NormOrd::P(p)
    }
}

impl From<i32> for NormOrd {
    fn from(p: i32) -> NormOrd {
        NormOrd::P(p.into())
    }
}

impl From<&str> for NormOrd {
    #[track_caller]
    fn from(name: &str) -> NormOrd {
        match name {
            "fro" | "f" => NormOrd::Fro,
            "nuc" => NormOrd::Nuc,
            _ => refuse!("norm" => "the order must be a number, \"fro\" or \"nuc\", got \"{name}\""),
        }
    }
}

/// The norm over one axis (of vectors), two axes (of matrices), or all elements; [`keepdims`](super::super::keepdims) keeps the axes.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[3.0f32, 4.0], [0.0, -5.0]]);
/// assert_eq!(jnp::linalg::norm(&x, (), 1).to_vec::<f32>(), [5.0, 5.0]);
/// assert_eq!(jnp::linalg::norm(&x, 1, 1).to_vec::<f32>(), [7.0, 5.0]);
/// assert_eq!(jnp::linalg::norm(&x, f64::INFINITY, [0, 1]).item::<f32>(), 7.0);
/// ```
///
/// # Panics
/// If the order is none of that kind, or the number of axes is neither one nor two.
#[track_caller]
pub fn norm(x: impl IntoArray, ord: impl Into<NormOrd>, axis: impl Into<Axis>) -> Array {
    let (x, ord, axis) = (float(x), ord.into(), axis.into());
    let axes = axis.resolve("norm", x.ndim());
    if axis.axes.is_none() && ord == NormOrd::Default {
        return euclidean(&x, axis);
    }
    match axes[..] {
        [_] => vector_norm(x, axis, ord),
        [row, column] => over(&x, ord, axis, row, column),
        _ => {
            refuse!("norm" => "takes one axis of vectors or two of matrices, got {axes:?} of shape {}", show(x.shape()))
        }
    }
}

#[track_caller]
fn float(x: impl IntoArray) -> Array {
    promote_inexact(&[x.into_array()]).remove(0)
}

#[track_caller]
fn euclidean(x: &Array, axis: Axis) -> Array {
    lax::sqrt(&sum(squares(x), axis))
}

/// The `ord`-norm over an axis, or over all elements as one vector.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[3, -4], [0, 2]]);
/// assert_eq!(jnp::linalg::vector_norm(&x, 1, ()).to_vec::<f32>(), [5.0, 2.0]);
/// assert_eq!(jnp::linalg::vector_norm(&x, (), f64::INFINITY).item::<f32>(), 4.0);
/// ```
///
/// # Panics
/// If the order is one of matrices.
#[track_caller]
pub fn vector_norm(x: impl IntoArray, axis: impl Into<Axis>, ord: impl Into<NormOrd>) -> Array {
    let (x, axis) = (float(x), axis.into());
    let p = match ord.into() {
        NormOrd::Default => 2.0,
        NormOrd::P(p) => p,
        other => refuse!("norm" => "{other:?} is no norm of vectors"),
    };
    if p == 2.0 {
        return euclidean(&x, axis);
    }
    let size = abs(&x);
    if p == f64::INFINITY {
        // Of no elements it is zero.
        return if size.size() == 0 { sum(size, axis) } else { super::super::max(size, axis) };
    }
    if p == f64::NEG_INFINITY {
        return super::super::min(size, axis);
    }
    if p == 0.0 {
        let nonzero = lax::ne(&x, &Array::scalar(0, x.dtype(), false));
        return sum(lax::convert_element_type(&nonzero, size.dtype()), axis);
    }
    if p == 1.0 {
        return sum(size, axis);
    }
    let lit = |v: f64| Array::scalar(v, size.dtype(), false);
    lax::pow(&sum(lax::pow(&size, &lit(p)), axis), &lit(1.0 / p))
}

/// The norm of matrices in the last two dimensions, Frobenius' for `()`: `f32[…, m, n] → f32[…]`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, -2], [3, 4]]);
/// assert_eq!(jnp::linalg::matrix_norm(&x, 1).item::<f32>(), 6.0);
/// assert_eq!(jnp::linalg::matrix_norm(&x, "fro").round_to(3).item::<f32>(), 5.477);
/// ```
///
/// # Panics
/// If there are fewer than two dimensions, or the order is none of matrices.
#[track_caller]
pub fn matrix_norm(x: impl IntoArray, ord: impl Into<NormOrd>) -> Array {
    norm(x, ord, [-2, -1])
}

#[track_caller]
fn over(x: &Array, ord: NormOrd, axis: Axis, row: usize, column: usize) -> Array {
    let _line = crate::trace::keep_line();
    let keepdims = axis.keepdims;
    let p = match ord {
        NormOrd::Default | NormOrd::Fro => return euclidean(x, axis),
        NormOrd::Nuc => None,
        NormOrd::P(p) if [1.0, 2.0, f64::INFINITY].contains(&p.abs()) => Some(p),
        NormOrd::P(p) => {
            refuse!("norm" => "{p} is no order of a norm of matrices; those are ±1, ±2, ±∞, \"fro\" and \"nuc\"")
        }
    };
    let restore = |out: Array| {
        let mut axes = [row, column];
        axes.sort_unstable();
        if keepdims { lax::expand_dims(&out, &axes) } else { out }
    };
    let extreme = |x: Array, axis: usize, largest: bool| match (largest, x.shape()[axis]) {
        (true, 0) => sum(x, axis),
        (true, _) => super::super::max(x, axis),
        (false, _) => super::super::min(x, axis),
    };
    match p {
        Some(p) if p.abs() != 2.0 => {
            // Sums over one axis, the extreme one over the other.
            let (summed, other) = if p.abs() == 1.0 { (row, column) } else { (column, row) };
            let sums = sum(abs(x), summed);
            restore(extreme(sums, other - (summed < other) as usize, p > 0.0))
        }
        p => {
            let rank = x.ndim() as i64;
            let moved = super::super::moveaxis(x, [row as i64, column as i64], [rank - 2, rank - 1]);
            let s = svdvals(moved);
            let last = s.ndim() - 1;
            restore(match p {
                None => sum(s, last),
                Some(p) => extreme(s, last, p > 0.0),
            })
        }
    }
}

/// The condition number in a norm: that of a matrix times that of its inverse; by default the ratio of its extreme singular values.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 0], [0, 100]]);
/// assert_eq!(jnp::linalg::cond(&x, ()).round_to(2).item::<f32>(), 100.0);
/// ```
///
/// # Panics
/// If the matrices are empty, or for a norm other than the default and ±2 not square.
#[track_caller]
pub fn cond(x: impl IntoArray, p: impl Into<NormOrd>) -> Array {
    let _line = crate::trace::keep_line();
    let (x, p) = (super::matrix("cond", x), p.into());
    let (m, n) = lax::linalg::sizes_of(&x);
    if m == 0 || n == 0 {
        refuse!("cond" => "takes matrices that are not empty, got shape {}", show(x.shape()))
    }
    let ratio = |s: Array, first: i64, second: i64| {
        let at = |i| lax::index_in_dim(&s, i, s.ndim() - 1, false);
        lax::div(&at(first), &at(second))
    };
    let out = match p {
        NormOrd::Default | NormOrd::P(2.0) => return ratio(svdvals(x), 0, -1),
        NormOrd::P(-2.0) => ratio(svdvals(&x), -1, 0),
        p => {
            if m != n {
                refuse!("cond" => "takes square matrices for this norm, got shape {}", show(x.shape()))
            }
            lax::mul(&matrix_norm(&x, p), &matrix_norm(inv(&x), p))
        }
    };
    // NaN where the matrix has none is infinity.
    let not_number = |x: &Array| lax::ne(x, x);
    let own = super::super::any(not_number(&x), [-2, -1]);
    let infinite = lax::and(&not_number(&out), &lax::not(&own));
    lax::select(&infinite, &lax::full_like(&out, f64::INFINITY), &out)
}
