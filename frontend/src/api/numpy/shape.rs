//! Functions that rearrange arrays.

use super::{Axis, IntoArray, IntoArrays, IntoShape, broadcast_shape, canonical, canonical_all, exact_shape};
use crate::api::dtypes::{default_int, promote};
use crate::ir::{Array, DType};
use crate::lax::{self, rules::refuse};

/// The same elements in row-major order under another shape; one size may be -1, which is found out.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let x = jnp::arange(6);
/// assert_eq!(jnp::reshape(&x, [2, -1]).to_string(), "[[0 1 2]\n [3 4 5]]");
/// ```
///
/// # Panics
/// If the shape has another size, or more than one -1.
#[track_caller]
pub fn reshape(x: impl IntoArray, shape: impl IntoShape) -> Array {
    reshape_array(&x.into_array(), &shape.into_shape())
}

#[track_caller]
fn reshape_array(x: &Array, shape: &[i64]) -> Array {
    let unknown = shape.iter().filter(|&&d| d < 0).count();
    if unknown > 1 || shape.iter().any(|&d| d < -1) {
        refuse!("reshape" => "at most one size may be -1 and none else negative, got {}", lax::rules::show(shape))
    }
    let known: usize = shape.iter().filter(|&&d| d >= 0).map(|&d| d as usize).product();
    if unknown == 1 && (known == 0 || !x.size().is_multiple_of(known)) {
        let (from, to) = (lax::rules::show(x.shape()), lax::rules::show(shape));
        refuse!("reshape" => "cannot reshape an array of shape {from} (size {}) into shape {to}", x.size())
    }
    let shape: Vec<usize> =
        shape.iter().map(|&d| if d < 0 { x.size() / known } else { d as usize }).collect();
    lax::reshape(x, &shape)
}

/// The elements in one dimension, in row-major order.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::ravel(Array::from([[1, 2], [3, 4]])).to_vec::<i32>(), [1, 2, 3, 4]);
/// ```
#[track_caller]
pub fn ravel(x: impl IntoArray) -> Array {
    let x = x.into_array();
    lax::reshape(&x, &[x.size()])
}

/// The dimensions in another order, or reversed for `()`: the array API's name of [`transpose`].
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::permute_dims(jnp::zeros([2, 3, 4]), [2, 0, 1]).shape(), [4, 2, 3]);
/// ```
///
/// # Panics
/// As [`transpose`].
#[track_caller]
pub fn permute_dims(x: impl IntoArray, axes: impl IntoShape) -> Array {
    let (x, axes) = (x.into_array(), axes.into_shape());
    if axes.is_empty() {
        return matrix_or_reversed(x);
    }
    let permutation = canonical_all("transpose", &axes, x.ndim());
    lax::transpose(&x, &permutation)
}

/// The dimensions in another order: those of `axes`, which may count from the end, or reversed for `()`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2, 3], [4, 5, 6]]);
/// assert_eq!(jnp::transpose(&x, ()).to_string(), "[[1 4]\n [2 5]\n [3 6]]");
/// assert_eq!(jnp::transpose(jnp::zeros([2, 3, 4]), [1, 0, -1]).shape(), [3, 2, 4]);
/// ```
///
/// # Panics
/// If the axes are no permutation of the dimensions.
#[track_caller]
pub fn transpose(x: impl IntoArray, axes: impl IntoShape) -> Array {
    permute_dims(x, axes)
}

/// The dimensions in reverse order.
#[track_caller]
pub(crate) fn matrix_or_reversed(x: impl IntoArray) -> Array {
    let x = x.into_array();
    lax::transpose(&x, &(0..x.ndim()).rev().collect::<Vec<_>>())
}

/// The last two dimensions exchanged: every matrix transposed.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::matrix_transpose(jnp::zeros([5, 2, 3])).shape(), [5, 3, 2]);
/// ```
///
/// # Panics
/// If there are fewer than two dimensions.
#[track_caller]
pub fn matrix_transpose(x: impl IntoArray) -> Array {
    swapaxes(x, -1, -2)
}

/// Two dimensions exchanged.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::swapaxes(jnp::zeros([2, 3, 4]), 0, -1).shape(), [4, 3, 2]);
/// ```
///
/// # Panics
/// If an axis is out of bounds.
#[track_caller]
pub fn swapaxes(x: impl IntoArray, axis1: i64, axis2: i64) -> Array {
    let x = x.into_array();
    let (a, b) = (canonical("swapaxes", axis1, x.ndim()), canonical("swapaxes", axis2, x.ndim()));
    let mut permutation: Vec<usize> = (0..x.ndim()).collect();
    permutation.swap(a, b);
    lax::transpose(&x, &permutation)
}

/// Dimensions moved to other places; the others keep their order.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let images = jnp::zeros([8, 3, 32, 16]);
/// assert_eq!(jnp::moveaxis(&images, 1, -1).shape(), [8, 32, 16, 3]);
/// assert_eq!(jnp::moveaxis(&images, [2, 3], [0, 1]).shape(), [32, 16, 8, 3]);
/// ```
///
/// # Panics
/// If there are not as many sources as destinations, or one is out of bounds or named twice.
#[track_caller]
pub fn moveaxis(x: impl IntoArray, source: impl Into<Axis>, destination: impl Into<Axis>) -> Array {
    let x = x.into_array();
    let source = source.into().resolve("moveaxis", x.ndim());
    let destination = destination.into().resolve("moveaxis", x.ndim());
    if source.len() != destination.len() {
        let (s, d) = (lax::rules::show(&source), lax::rules::show(&destination));
        refuse!("moveaxis" => "there must be as many sources as destinations, got {s} and {d}")
    }
    let mut permutation = lax::rules::remaining(x.ndim(), &source);
    let mut pairs: Vec<(usize, usize)> = destination.into_iter().zip(source).collect();
    pairs.sort_unstable();
    for (to, from) in pairs {
        permutation.insert(to, from);
    }
    lax::transpose(&x, &permutation)
}

/// Without dimensions of size 1: all of them for `()`, or those named.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let x = jnp::zeros([1, 3, 1]);
/// assert_eq!(jnp::squeeze(&x, ()).shape(), [3]);
/// assert_eq!(jnp::squeeze(&x, -1).shape(), [1, 3]);
/// ```
///
/// # Panics
/// If a dimension that is named has another size.
#[track_caller]
pub fn squeeze(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let (x, axis) = (x.into_array(), axis.into());
    let axes = match axis.axes {
        None => (0..x.ndim()).filter(|&d| x.shape()[d] == 1).collect(),
        Some(_) => axis.resolve("squeeze", x.ndim()),
    };
    lax::squeeze(&x, &axes)
}

/// With new dimensions of size 1, which stand at `axis` of the result.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let x = jnp::zeros([2, 3]);
/// assert_eq!(jnp::expand_dims(&x, 1).shape(), [2, 1, 3]);
/// assert_eq!(jnp::expand_dims(&x, [0, -1]).shape(), [1, 2, 3, 1]);
/// ```
///
/// # Panics
/// If an axis is out of bounds or named twice.
#[track_caller]
pub fn expand_dims(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let (x, axis) = (x.into_array(), axis.into());
    let added = axis.axes.as_ref().map_or(0, |a| a.len());
    if added == 0 {
        return x;
    }
    lax::expand_dims(&x, &axis.resolve("expand_dims", x.ndim() + added))
}

/// Stretched to a shape as NumPy broadcasts: dimensions of size 1 are repeated, missing ones stand in front.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let column = Array::from([[1], [2]]);
/// assert_eq!(jnp::broadcast_to(&column, [2, 3]).to_string(), "[[1 1 1]\n [2 2 2]]");
/// ```
///
/// # Panics
/// If the shape does not fit.
#[track_caller]
pub fn broadcast_to(x: impl IntoArray, shape: impl IntoShape) -> Array {
    stretch(x.into_array(), &exact_shape("broadcast_to", shape))
}

#[track_caller]
fn stretch(x: Array, shape: &[usize]) -> Array {
    if x.shape() == shape {
        return x;
    }
    let lead = shape.len().checked_sub(x.ndim());
    let fits = |lead: usize| x.shape().iter().zip(&shape[lead..]).all(|(&a, &b)| a == b || a == 1);
    let Some(lead) = lead.filter(|&lead| fits(lead)) else {
        let (from, to) = (lax::rules::show(x.shape()), lax::rules::show(shape));
        refuse!("broadcast_to" => "shape {from} cannot be broadcast to {to}")
    };
    lax::broadcast_in_dim(&x, shape, &(lead..shape.len()).collect::<Vec<_>>())
}

/// Arrays stretched to the shape that NumPy broadcasts them to.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let out = jnp::broadcast_arrays([&Array::from([[1], [2]]), &Array::from([7, 8])]);
/// assert_eq!(out[1].to_string(), "[[7 8]\n [7 8]]");
/// ```
///
/// # Panics
/// If the shapes do not broadcast.
#[track_caller]
pub fn broadcast_arrays(arrays: impl IntoArrays) -> Vec<Array> {
    let _line = crate::trace::keep_line();
    let arrays = arrays.into_arrays();
    let shapes: Vec<&[usize]> = arrays.iter().map(Array::shape).collect();
    let shape = broadcast_shape("broadcast_arrays", &shapes);
    arrays.iter().map(|x| broadcast_to(x, &shape)).collect()
}

/// Arrays one after the other along an axis, in the dtype in which they meet.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, y) = (Array::from([[1, 2]]), Array::from([[0.5f32, 1.5]]));
/// assert_eq!(jnp::concatenate([&x, &x], 1).to_string(), "[[1 2 1 2]]");
/// assert_eq!(jnp::concatenate([&x, &y], 0).to_string(), "[[1.  2. ]\n [0.5 1.5]]");
/// ```
///
/// # Panics
/// If there is no array, their ranks or other sizes differ, or their dtypes do not meet.
#[track_caller]
pub fn concatenate(arrays: impl IntoArrays, axis: i64) -> Array {
    let arrays = arrays.into_arrays();
    let Some(first) = arrays.first() else {
        refuse!("concatenate" => "there must be at least one array, got none")
    };
    lax::concatenate(&promote(&arrays), canonical("concatenate", axis, first.ndim()))
}

/// Arrays of one shape along a new axis, in the dtype in which they meet.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, y) = (Array::from([1, 2]), Array::from([3, 4]));
/// assert_eq!(jnp::stack([&x, &y], 0).to_string(), "[[1 2]\n [3 4]]");
/// assert_eq!(jnp::stack([&x, &y], -1).to_string(), "[[1 3]\n [2 4]]");
/// ```
///
/// # Panics
/// If there is no array, or the shapes differ.
#[track_caller]
pub fn stack(arrays: impl IntoArrays, axis: i64) -> Array {
    let arrays = arrays.into_arrays();
    let Some(first) = arrays.first() else {
        refuse!("stack" => "there must be at least one array, got none")
    };
    lax::stack(&promote(&arrays), canonical("stack", axis, first.ndim() + 1))
}

/// The slices of an array along an axis, which they lack: the inverse of [`stack`].
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let columns = jnp::unstack(Array::from([[1, 2], [3, 4]]), 1);
/// assert_eq!(columns[0].to_vec::<i32>(), [1, 3]);
/// ```
///
/// # Panics
/// If the axis is out of bounds.
#[track_caller]
pub fn unstack(x: impl IntoArray, axis: i64) -> Vec<Array> {
    let x = x.into_array();
    let axis = canonical("unstack", axis, x.ndim());
    lax::unstack(&x, axis)
}

/// Rows below each other: one-dimensional arrays become rows.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let out = jnp::vstack([&Array::from([1, 2]), &Array::from([[3, 4], [5, 6]])]);
/// assert_eq!(out.to_string(), "[[1 2]\n [3 4]\n [5 6]]");
/// ```
///
/// # Panics
/// As [`concatenate`].
#[track_caller]
pub fn vstack(arrays: impl IntoArrays) -> Array {
    let arrays = arrays.into_arrays();
    concatenate(arrays.iter().map(|x| atleast_2d(x)).collect::<Vec<_>>(), 0)
}

/// Columns beside each other: one-dimensional arrays one after the other.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::hstack([&Array::from([1, 2]), &Array::from([3])]).to_vec::<i32>(), [1, 2, 3]);
/// let out = jnp::hstack([&Array::from([[1], [2]]), &Array::from([[3], [4]])]);
/// assert_eq!(out.to_string(), "[[1 3]\n [2 4]]");
/// ```
///
/// # Panics
/// As [`concatenate`].
#[track_caller]
pub fn hstack(arrays: impl IntoArrays) -> Array {
    let arrays = arrays.into_arrays();
    let arrays: Vec<Array> = arrays.iter().map(|x| atleast_1d(x)).collect();
    let axis = if arrays.first().is_some_and(|x| x.ndim() == 1) { 0 } else { 1 };
    concatenate(&arrays, axis)
}

/// One-dimensional arrays as the columns of a matrix; matrices as they are.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let out = jnp::column_stack([&Array::from([1, 2]), &Array::from([3, 4])]);
/// assert_eq!(out.to_string(), "[[1 3]\n [2 4]]");
/// ```
///
/// # Panics
/// As [`concatenate`].
#[track_caller]
pub fn column_stack(arrays: impl IntoArrays) -> Array {
    let _line = crate::trace::keep_line();
    let arrays = arrays.into_arrays();
    let column = |x: &Array| if x.ndim() < 2 { matrix_or_reversed(atleast_2d(x)) } else { x.clone() };
    concatenate(arrays.iter().map(column).collect::<Vec<_>>(), 1)
}

/// The array with at least one dimension: a scalar becomes `[1]`.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::atleast_1d(3.0).shape(), [1]);
/// ```
#[track_caller]
pub fn atleast_1d(x: impl IntoArray) -> Array {
    let x = x.into_array();
    if x.ndim() == 0 { lax::expand_dims(&x, &[0]) } else { x }
}

/// The array with at least two dimensions; new ones come first: `[n]` becomes `[1, n]`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::atleast_2d(Array::from([1, 2, 3])).shape(), [1, 3]);
/// ```
#[track_caller]
pub fn atleast_2d(x: impl IntoArray) -> Array {
    let x = x.into_array();
    lax::expand_dims(&x, &(0..2usize.saturating_sub(x.ndim())).collect::<Vec<_>>())
}

/// Equal parts along an axis; [`split_at`] takes places, [`array_split`](super::array_split) makes parts that are not equal.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let parts = jnp::split(jnp::arange(6), 3, 0);
/// assert_eq!(parts[2].to_vec::<i32>(), [4, 5]);
/// ```
///
/// # Panics
/// If the dimension cannot be divided into that many parts.
#[track_caller]
pub fn split(x: impl IntoArray, sections: usize, axis: i64) -> Vec<Array> {
    let x = x.into_array();
    let axis = canonical("split", axis, x.ndim());
    let n = x.shape()[axis];
    if sections == 0 || !n.is_multiple_of(sections) {
        refuse!("split" => "a dimension of size {n} has no {sections} equal parts")
    }
    lax::split(&x, &vec![n / sections; sections], axis)
}

/// Parts along an axis that end where `indices` say, and the rest: JAX's `split` with indices.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let parts = jnp::split_at(jnp::arange(5), &[1, 3], 0);
/// assert_eq!(parts.iter().map(|p| p.to_string()).collect::<Vec<_>>(), ["[0]", "[1 2]", "[3 4]"]);
/// ```
///
/// # Panics
/// If the axis is out of bounds.
#[track_caller]
pub fn split_at(x: impl IntoArray, indices: &[usize], axis: i64) -> Vec<Array> {
    let x = x.into_array();
    let axis = canonical("split_at", axis, x.ndim());
    let n = x.shape()[axis];
    let ends: Vec<usize> = indices.iter().map(|&i| i.min(n)).chain([n]).collect();
    let mut start = 0;
    let sizes = ends.into_iter().map(|end| {
        let size = end.saturating_sub(start);
        start = start.max(end);
        size
    });
    lax::split(&x, &sizes.collect::<Vec<_>>(), axis)
}

/// The order of elements reversed along axes; along all for `()`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2], [3, 4]]);
/// assert_eq!(jnp::flip(&x, 1).to_string(), "[[2 1]\n [4 3]]");
/// assert_eq!(jnp::flip(&x, ()).to_string(), "[[4 3]\n [2 1]]");
/// ```
///
/// # Panics
/// If an axis is out of bounds.
#[track_caller]
pub fn flip(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let x = x.into_array();
    let axes = axis.into().resolve("flip", x.ndim());
    lax::rev(&x, &axes)
}

/// Elements shifted along an axis by `shift` places; those that leave come in again at the other end.
///
/// [`roll_axes`](super::roll_axes) takes several axes, [`roll_dynamic`](super::roll_dynamic) a traced number and JAX's `axis=None`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2, 3], [4, 5, 6]]);
/// assert_eq!(jnp::roll(&x, 1, 1).to_string(), "[[3 1 2]\n [6 4 5]]");
/// ```
///
/// # Panics
/// If the axis is out of bounds.
#[track_caller]
pub fn roll(x: impl IntoArray, shift: i64, axis: i64) -> Array {
    let x = x.into_array();
    let axis = canonical("roll", axis, x.ndim());
    let n = x.shape()[axis] as i64;
    if n == 0 || shift.rem_euclid(n) == 0 {
        return x;
    }
    let at = n - shift.rem_euclid(n);
    let (front, back) =
        (lax::slice_in_dim(&x, 0, Some(at), 1, axis), lax::slice_in_dim(&x, at, None, 1, axis));
    lax::concatenate(&[back, front], axis)
}

/// The array repeated along its dimensions, as often as `reps` says of each; further dimensions stand in front.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2]]);
/// assert_eq!(jnp::tile(&x, [2, 2]).to_string(), "[[1 2 1 2]\n [1 2 1 2]]");
/// assert_eq!(jnp::tile(&x, 2).to_string(), "[[1 2 1 2]]");
/// ```
///
/// # Panics
/// If a number is negative.
#[track_caller]
pub fn tile(x: impl IntoArray, reps: impl IntoShape) -> Array {
    let (x, mut reps) = (x.into_array(), exact_shape("tile", reps));
    let rank = x.ndim().max(reps.len());
    reps.splice(0..0, std::iter::repeat_n(1, rank - reps.len()));
    let x = lax::expand_dims(&x, &(0..rank - x.ndim()).collect::<Vec<_>>());
    lax::tile(&x, &reps)
}

/// Every element repeated along an axis; of the raveled array for `()`.
///
/// [`repeat_each`](super::repeat_each) takes a number for each element, [`repeat_total`](super::repeat_total) traced ones.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2], [3, 4]]);
/// assert_eq!(jnp::repeat(&x, 2, 0).to_string(), "[[1 2]\n [1 2]\n [3 4]\n [3 4]]");
/// assert_eq!(jnp::repeat(&x, 2, ()).to_vec::<i32>(), [1, 1, 2, 2, 3, 3, 4, 4]);
/// ```
///
/// # Panics
/// If several axes are given.
#[track_caller]
pub fn repeat(x: impl IntoArray, repeats: usize, axis: impl Into<Axis>) -> Array {
    let (x, axis) = (x.into_array(), axis.into());
    let (x, axis) = match &axis.axes {
        None => (ravel(x), 0),
        Some(_) => {
            let axes = axis.resolve("repeat", x.ndim());
            let [one] = axes[..] else {
                refuse!("repeat" => "takes one axis or all, got {}", lax::rules::show(&axes))
            };
            (x, one)
        }
    };
    let mut shape = x.shape().to_vec();
    shape.insert(axis + 1, repeats);
    let dims: Vec<usize> = (0..shape.len()).filter(|&d| d != axis + 1).collect();
    let spread = lax::broadcast_in_dim(&x, &shape, &dims);
    let mut out = x.shape().to_vec();
    out[axis] *= repeats;
    lax::reshape(&spread, &out)
}

/// A constant around the array: `(before, after)` elements in each dimension. [`pad_with`](super::pad_with) takes JAX's other modes.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2], [3, 4]]);
/// assert_eq!(jnp::pad(&x, &[(1, 0), (0, 2)], 9).to_string(), "[[9 9 9 9]\n [1 2 9 9]\n [3 4 9 9]]");
/// ```
///
/// # Panics
/// If there is not a pair for each dimension, or `value` is no scalar.
#[track_caller]
pub fn pad(x: impl IntoArray, widths: &[(usize, usize)], value: impl IntoArray) -> Array {
    let x = x.into_array();
    let config: Vec<(i64, i64, i64)> = widths.iter().map(|&(l, h)| (l as i64, h as i64, 0)).collect();
    let value = lax::convert_element_type(&value.into_array(), x.dtype());
    lax::pad(&x, &value, &config)
}

/// Differences of neighbours along an axis, one less than elements; of booleans whether they differ.
///
/// [`diff_n`](super::diff_n) takes JAX's `n`, [`diff_with`] what stands before and after.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 4, 9], [0, 5, 3]]);
/// assert_eq!(jnp::diff(&x, -1).to_string(), "[[ 3  5]\n [ 5 -2]]");
/// ```
///
/// # Panics
/// If the axis is out of bounds.
#[track_caller]
pub fn diff(x: impl IntoArray, axis: i64) -> Array {
    let _line = crate::trace::keep_line();
    let x = x.into_array();
    let axis = canonical("diff", axis, x.ndim());
    let n = x.shape()[axis];
    let part = |from: usize, to: usize| {
        let (mut starts, mut limits) = (vec![0; x.ndim()], x.shape().to_vec());
        (starts[axis], limits[axis]) = (from, to);
        lax::slice(&x, &starts, &limits, None)
    };
    let (high, low) = (part(1.min(n), n), part(0, n.saturating_sub(1)));
    if x.dtype().is_boolean() { lax::ne(&high, &low) } else { lax::sub(&high, &low) }
}

/// Differences of neighbours along an axis taken `n` times, of the array between what is put before and after it; numbers are stretched.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1, 4, 9]);
/// let start = Array::from(0);
/// assert_eq!(jnp::diff_with(&x, 1, 0, Some(&start), None).to_vec::<i32>(), [1, 3, 5]);
/// ```
///
/// # Panics
/// If the axis is out of bounds, or what is put does not fit.
#[track_caller]
pub fn diff_with(
    x: impl IntoArray,
    n: usize,
    axis: i64,
    prepend: Option<&Array>,
    append: Option<&Array>,
) -> Array {
    let _line = crate::trace::keep_line();
    let x = x.into_array();
    let place = canonical("diff", axis, x.ndim());
    let mut edge = x.shape().to_vec();
    edge[place] = 1;
    let wide = |e: &Array| if e.ndim() == 0 { broadcast_to(e, &edge) } else { e.clone() };
    let parts: Vec<Array> =
        [prepend.map(wide), Some(x.clone()), append.map(wide)].into_iter().flatten().collect();
    super::diff_n(concatenate(&parts, axis), n, axis)
}

/// Whether the column is not beyond the `k`-th diagonal, for a matrix of that shape.
#[track_caller]
fn below_diagonal(rows: usize, columns: usize, k: i64) -> Array {
    let int = default_int();
    let row = lax::broadcasted_iota(int, &[rows, columns], 0);
    let column = lax::broadcasted_iota(int, &[rows, columns], 1);
    lax::ge(&lax::add(&row, &Array::scalar(k, int, false)), &column)
}

/// The `rows × columns` matrix with ones on and below the `k`-th diagonal, of the default float.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::tri(2, 3, 0).to_string(), "[[1. 0. 0.]\n [1. 1. 0.]]");
/// ```
#[track_caller]
pub fn tri(rows: usize, columns: usize, k: i64) -> Array {
    lax::convert_element_type(&below_diagonal(rows, columns, k), crate::api::dtypes::default_float())
}

/// The matrices in the last two dimensions with zeros above the `k`-th diagonal.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2], [3, 4]]);
/// assert_eq!(jnp::tril(&x, 0).to_string(), "[[1 0]\n [3 4]]");
/// assert_eq!(jnp::tril(&x, -1).to_string(), "[[0 0]\n [3 0]]");
/// ```
///
/// # Panics
/// If there are fewer than two dimensions.
#[track_caller]
pub fn tril(x: impl IntoArray, k: i64) -> Array {
    let _line = crate::trace::keep_line();
    triangle("tril", x.into_array(), |rows, columns, x, zeros| {
        let mask = mask_like(x, below_diagonal(rows, columns, k));
        lax::select(&mask, x, zeros)
    })
}

/// The matrices in the last two dimensions with zeros below the `k`-th diagonal.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2], [3, 4]]);
/// assert_eq!(jnp::triu(&x, 0).to_string(), "[[1 2]\n [0 4]]");
/// ```
///
/// # Panics
/// If there are fewer than two dimensions.
#[track_caller]
pub fn triu(x: impl IntoArray, k: i64) -> Array {
    let _line = crate::trace::keep_line();
    triangle("triu", x.into_array(), |rows, columns, x, zeros| {
        let mask = mask_like(x, below_diagonal(rows, columns, k - 1));
        lax::select(&mask, zeros, x)
    })
}

#[track_caller]
fn triangle(name: &'static str, x: Array, f: impl Fn(usize, usize, &Array, &Array) -> Array) -> Array {
    let [.., rows, columns] = *x.shape() else {
        refuse!(name => "takes an array of at least two dimensions, got shape {}", lax::rules::show(x.shape()))
    };
    f(rows, columns, &x, &lax::full_like(&x, 0))
}

#[track_caller]
fn mask_like(x: &Array, mask: Array) -> Array {
    lax::broadcast(&mask, &x.shape()[..x.ndim() - 2])
}

/// A matrix with the elements of the raveled array on its `k`-th diagonal, zeros elsewhere.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::diagflat(Array::from([1, 2]), 1).to_string(), "[[0 1 0]\n [0 0 2]\n [0 0 0]]");
/// ```
#[track_caller]
pub fn diagflat(x: impl IntoArray, k: i64) -> Array {
    let x = ravel(x);
    let n = x.shape()[0] + k.unsigned_abs() as usize;
    let padded = lax::pad(&x, &Array::scalar(0, x.dtype(), false), &[(k.max(0), (-k).max(0), 0)]);
    let mask = super::eye_mask(n, n, k);
    super::where_(mask, lax::expand_dims(&padded, &[0]), Array::scalar(0, x.dtype(), false))
}

/// The `k`-th diagonal of the first two dimensions, as the last one; [`diagonal_axes`] takes other dimensions.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2, 3], [4, 5, 6]]);
/// assert_eq!(jnp::diagonal(&x, 0).to_vec::<i32>(), [1, 5]);
/// assert_eq!(jnp::diagonal(&x, 1).to_vec::<i32>(), [2, 6]);
/// ```
///
/// # Panics
/// If there are fewer than two dimensions.
#[track_caller]
pub fn diagonal(x: impl IntoArray, k: i64) -> Array {
    diagonal_axes(x, k, 0, 1)
}

/// The `k`-th diagonal of the matrices along two axes, as the last dimension.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let x = jnp::arange(8).reshape([2, 2, 2]);
/// assert_eq!(jnp::diagonal_axes(&x, 0, 1, 2).to_string(), "[[0 3]\n [4 7]]");
/// ```
///
/// # Panics
/// If there are fewer than two dimensions, or both axes are the same.
#[track_caller]
pub fn diagonal_axes(x: impl IntoArray, k: i64, axis1: i64, axis2: i64) -> Array {
    let x = x.into_array();
    if x.ndim() < 2 {
        refuse!("diagonal" => "takes an array of at least two dimensions, got shape {}", lax::rules::show(x.shape()))
    }
    diagonal_of_last(moveaxis(x, [axis1, axis2], [-2i64, -1]), k)
}

/// The `k`-th diagonal of the last two dimensions.
#[track_caller]
pub(crate) fn diagonal_of_last(x: impl IntoArray, k: i64) -> Array {
    let x = x.into_array();
    let [.., rows, columns] = *x.shape() else {
        refuse!("diagonal" => "takes an array of at least two dimensions, got shape {}", lax::rules::show(x.shape()))
    };
    // The part of the matrix whose main diagonal it is; then only that diagonal is left to sum.
    let (top, left) = ((-k).max(0) as usize, k.max(0) as usize);
    let n = rows.saturating_sub(top).min(columns.saturating_sub(left));
    let mut starts = vec![0; x.ndim()];
    let mut limits = x.shape().to_vec();
    let rank = x.ndim();
    (starts[rank - 2], starts[rank - 1]) = (top.min(rows), left.min(columns));
    (limits[rank - 2], limits[rank - 1]) = (starts[rank - 2] + n, starts[rank - 1] + n);
    let square = lax::slice(&x, &starts, &limits, None);
    let mask = mask_like(&square, super::eye_mask(n, n, 0));
    let zeros = lax::full_like(&square, 0);
    let kept = lax::select(&mask, &square, &zeros);
    if x.dtype() == DType::I1 {
        return lax::reduce_or(&kept, &[rank - 1]);
    }
    lax::reduce_sum(&kept, &[rank - 1])
}

/// A matrix with a vector on its `k`-th diagonal, or the `k`-th diagonal of a matrix.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2], [3, 4]]);
/// assert_eq!(jnp::diag(&x, 0).to_vec::<i32>(), [1, 4]);
/// assert_eq!(jnp::diag(jnp::diag(&x, 0), 0).to_string(), "[[1 0]\n [0 4]]");
/// ```
///
/// # Panics
/// If the array has other than one or two dimensions.
#[track_caller]
pub fn diag(x: impl IntoArray, k: i64) -> Array {
    let x = x.into_array();
    match x.ndim() {
        1 => diagflat(x, k),
        2 => diagonal(x, k),
        rank => refuse!("diag" => "takes a vector or a matrix, got an array of {rank} dimensions"),
    }
}

/// The sum of the main diagonal of the first two dimensions; [`trace_axes`] takes other diagonals and dimensions.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::trace(Array::from([[1, 2], [3, 4]])).item::<i32>(), 5);
/// ```
///
/// # Panics
/// If there are fewer than two dimensions.
#[track_caller]
pub fn trace(x: impl IntoArray) -> Array {
    trace_axes(x, 0, 0, 1)
}

/// The sum of the `k`-th diagonal of the matrices along two axes.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let x = jnp::arange(8).reshape([2, 2, 2]);
/// assert_eq!(jnp::trace_axes(&x, 0, 1, 2).to_vec::<i32>(), [3, 11]);
/// ```
///
/// # Panics
/// As [`diagonal_axes`].
#[track_caller]
pub fn trace_axes(x: impl IntoArray, k: i64, axis1: i64, axis2: i64) -> Array {
    super::sum(diagonal_axes(x, k, axis1, axis2), -1)
}

/// Grids of coordinates in Cartesian order: `x[m], y[n] → [n, m], [n, m]`, the first varies along columns.
///
/// [`meshgrid_many`] takes any number of vectors and JAX's `indexing`, [`meshgrid_sparse`] is JAX's `sparse=True`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, y) = jnp::meshgrid(Array::from([1, 2, 3]), Array::from([10, 20]));
/// assert_eq!((&x + &y).to_string(), "[[11 12 13]\n [21 22 23]]");
/// ```
#[track_caller]
pub fn meshgrid(x: impl IntoArray, y: impl IntoArray) -> (Array, Array) {
    let (x, y) = (ravel(x), ravel(y));
    let shape = [y.size(), x.size()];
    (lax::broadcast_in_dim(&x, &shape, &[1]), lax::broadcast_in_dim(&y, &shape, &[0]))
}

/// [`meshgrid`] of any number of vectors; with `indexing` `"ij"` the first varies along the first dimension, with `"xy"` the
/// first two are exchanged.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let grids = jnp::meshgrid_many(&[jnp::arange(2), jnp::arange(3)], "ij");
/// assert_eq!(grids[0].to_string(), "[[0 0 0]\n [1 1 1]]");
/// ```
///
/// # Panics
/// If the indexing is another word.
#[track_caller]
pub fn meshgrid_many(vectors: &[Array], indexing: &str) -> Vec<Array> {
    let _line = crate::trace::keep_line();
    let exchange = match indexing {
        "xy" => vectors.len() >= 2,
        "ij" => false,
        other => refuse!("meshgrid" => "the indexing must be \"xy\" or \"ij\", got \"{other}\""),
    };
    let axis = |d: usize| if exchange && d < 2 { 1 - d } else { d };
    let mut shape = vec![0; vectors.len()];
    let flat: Vec<Array> = vectors.iter().map(|v| ravel(v)).collect();
    flat.iter().enumerate().for_each(|(d, v)| shape[axis(d)] = v.size());
    flat.iter().enumerate().map(|(d, v)| lax::broadcast_in_dim(v, &shape, &[axis(d)])).collect()
}

/// [`meshgrid_many`] without stretching: each of size 1 in all dimensions but its own.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let grids = jnp::meshgrid_sparse(&[jnp::arange(2), jnp::arange(3)], "ij");
/// assert_eq!((grids[0].shape(), grids[1].shape()), (&[2, 1][..], &[1, 3][..]));
/// ```
///
/// # Panics
/// If the indexing is another word.
#[track_caller]
pub fn meshgrid_sparse(vectors: &[Array], indexing: &str) -> Vec<Array> {
    let _line = crate::trace::keep_line();
    let full = meshgrid_many(vectors, indexing);
    // One vector's dimension is the one along which it varies, the others are left at their first place.
    let exchange = indexing == "xy" && vectors.len() >= 2;
    let own = |d: usize| if exchange && d < 2 { 1 - d } else { d };
    let thin = |(d, v): (usize, &Array)| {
        let mut shape = vec![1; full[d].ndim()];
        shape[own(d)] = v.size();
        lax::reshape(&ravel(v), &shape)
    };
    vectors.iter().enumerate().map(thin).collect()
}

/// The shape to which NumPy broadcasts several.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::broadcast_shapes(&[&[2, 1], &[3], &[1, 1, 1]]), [1, 2, 3]);
/// ```
///
/// # Panics
/// If they do not broadcast.
#[track_caller]
pub fn broadcast_shapes(shapes: &[&[usize]]) -> Vec<usize> {
    broadcast_shape("broadcast_shapes", shapes)
}

/// All in the dtype in which they meet.
#[track_caller]
pub(crate) fn promote_all(arrays: &[Array]) -> Vec<Array> {
    promote(arrays)
}
