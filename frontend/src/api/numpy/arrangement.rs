//! Functions that put arrays together and take them apart: append, insert, delete, the split and stack families, block, padding.

use super::take::one_axis;
use super::{
    Axis, IntoArray, IntoArrays, IntoShape, broadcast_to, canonical, concatenate, exact_shape, keepdims,
    ravel, split_at, swapaxes,
};
use crate::api::dtypes::default_int;
use crate::api::indexing::{Index, IntoIndex};
use crate::ir::{Array, DType};
use crate::lax;
use crate::lax::rules::{refuse, show};

/// Arrays one after the other along an axis: the array API's name of [`concatenate`].
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, y) = (Array::from([[1, 2]]), Array::from([[3, 4], [5, 6]]));
/// assert_eq!(jnp::concat([&x, &y], 0).to_string(), "[[1 2]\n [3 4]\n [5 6]]");
/// ```
///
/// # Panics
/// As [`concatenate`].
#[track_caller]
pub fn concat(arrays: impl IntoArrays, axis: i64) -> Array {
    concatenate(arrays, axis)
}

/// Arrays one after the other along the third dimension; those of one or two dimensions get it, as [`atleast_3d`] does.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (left, right) = (Array::from([1, 2]), Array::from([3, 4]));
/// let sound = jnp::dstack([&left, &right]);
/// assert_eq!(sound.shape(), [1, 2, 2]);
/// assert_eq!(sound.to_vec::<i32>(), [1, 3, 2, 4]);
/// ```
///
/// # Panics
/// If there is no array, or they do not fit.
#[track_caller]
pub fn dstack(arrays: impl IntoArrays) -> Array {
    let _line = crate::trace::keep_line();
    concatenate(arrays.into_arrays().iter().map(|x| atleast_3d(x)).collect::<Vec<_>>(), 2)
}

/// The array with at least three dimensions: `[n]` becomes `[1, n, 1]`, `[m, n]` becomes `[m, n, 1]`.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::atleast_3d(jnp::zeros(4)).shape(), [1, 4, 1]);
/// assert_eq!(jnp::atleast_3d(jnp::zeros([2, 3])).shape(), [2, 3, 1]);
/// ```
#[track_caller]
pub fn atleast_3d(x: impl IntoArray) -> Array {
    let x = x.into_array();
    match x.ndim() {
        0 => lax::expand_dims(&x, &[0, 1, 2]),
        1 => lax::expand_dims(&x, &[0, 2]),
        2 => lax::expand_dims(&x, &[2]),
        _ => x,
    }
}

/// The array with `values` after it along an axis; for `()` both are raveled first.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2], [3, 4]]);
/// assert_eq!(jnp::append(&x, Array::from([[5, 6]]), 0).to_string(), "[[1 2]\n [3 4]\n [5 6]]");
/// assert_eq!(jnp::append(&x, 7.5, ()).to_vec::<f32>(), [1.0, 2.0, 3.0, 4.0, 7.5]);
/// ```
///
/// # Panics
/// If array and `values` have other sizes than each other in a dimension beside that axis.
#[track_caller]
pub fn append(x: impl IntoArray, values: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let axis = axis.into();
    match axis.axes {
        None => concatenate(&[ravel(x), ravel(values)], 0),
        Some(_) => {
            let (x, axis) = one_axis("append", x.into_array(), &axis);
            concatenate(&[x, values.into_array()], axis as i64)
        }
    }
}

/// The array with `values` put before the places `positions` along an axis; for `()` the array is raveled first.
///
/// Positions are those of the array given, negative ones count from its end, and the result has its dtype. They must be host
/// integers or concrete, because they decide the result's shape.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2], [3, 4]]);
/// assert_eq!(jnp::insert(&x, 1, 9, 1).to_string(), "[[1 9 2]\n [3 9 4]]");
/// assert_eq!(jnp::insert(&x, [0, 4], Array::from([8, 9]), ()).to_vec::<i32>(), [8, 1, 2, 3, 4, 9]);
/// ```
///
/// # Panics
/// If a position is out of bounds, no integer, or traced; or `values` do not broadcast.
#[track_caller]
pub fn insert(
    x: impl IntoArray,
    positions: impl IntoIndex,
    values: impl IntoArray,
    axis: impl Into<Axis>,
) -> Array {
    let (x, axis) = one_axis("insert", x.into_array(), &axis.into());
    let n = x.shape()[axis] as i64;
    let (mut places, scalar) = host_places("insert", positions.into_index(), n);
    let mut values = lax::convert_element_type(&values.into_array(), x.dtype());
    while values.ndim() < x.ndim() {
        values = lax::expand_dims(&values, &[0]);
    }
    if scalar {
        values = super::moveaxis(values, 0, axis as i64);
        places = vec![places[0]; values.shape()[axis]];
    } else if places.len() == 1 && values.shape()[axis] > 1 {
        places = vec![places[0]; values.shape()[axis]];
    }
    if let Some(i) = places.iter().find(|i| !(-n..=n).contains(i)) {
        refuse!("insert" => "position {i} is out of bounds for axis {axis} with size {n}")
    }
    let mut shape = x.shape().to_vec();
    shape[axis] = places.len();
    let values = broadcast_to(values, &shape);
    // Values in the order of their places, each a slice; the array's pieces between them.
    let mut order: Vec<(i64, usize)> =
        places.iter().enumerate().map(|(k, &i)| (if i < 0 { i + n } else { i }, k)).collect();
    order.sort_unstable();
    let (mut parts, mut done) = (vec![], 0);
    for (place, k) in order {
        if place > done {
            parts.push(lax::slice_in_dim(&x, done, Some(place), 1, axis));
            done = place;
        }
        parts.push(lax::slice_in_dim(&values, k as i64, Some(k as i64 + 1), 1, axis));
    }
    parts.push(lax::slice_in_dim(&x, done, Some(n), 1, axis));
    lax::concatenate(&parts, axis)
}

/// The array without the places `positions` (host integers, a slice, or a mask) along an axis; for `()` the array is raveled first.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2, 3], [4, 5, 6]]);
/// assert_eq!(jnp::delete(&x, -1, 1).to_string(), "[[1 2]\n [4 5]]");
/// assert_eq!(jnp::delete(&x, 1..4, ()).to_vec::<i32>(), [1, 5, 6]);
/// ```
///
/// # Panics
/// If a position is out of bounds, no integer, or traced.
#[track_caller]
pub fn delete(x: impl IntoArray, positions: impl IntoIndex, axis: impl Into<Axis>) -> Array {
    let (x, axis) = one_axis("delete", x.into_array(), &axis.into());
    let n = x.shape()[axis];
    let (places, _) = host_places("delete", positions.into_index(), n as i64);
    let mut kept = vec![true; n];
    for i in places {
        let from_start = if i < 0 { i + n as i64 } else { i };
        let Some(place) = usize::try_from(from_start).ok().and_then(|i| kept.get_mut(i)) else {
            refuse!("delete" => "position {i} is out of bounds for axis {axis} with size {n}")
        };
        *place = false;
    }
    super::take::compress_along(&x, &kept, axis)
}

/// The places that an index names on an axis of size `n`, and whether it is one integer.
#[track_caller]
fn host_places(name: &'static str, index: Index, n: i64) -> (Vec<i64>, bool) {
    let advice = "the result's shape depends on it: give host integers";
    match index {
        Index::Int(i) => (vec![i], true),
        Index::Ints { values, .. } => (values, false),
        Index::Slice(slice) => {
            let slice = crate::api::indexing::resolve(&slice, n as usize);
            ((0..slice.size as i64).map(|k| slice.start + k * slice.step).collect(), false)
        }
        Index::Mask { values, .. } => (truths(&values), false),
        Index::Array(x) if x.dtype().is_boolean() => {
            let mask: Vec<bool> = super::take::host(&x, "a mask", advice).iter().map(|&v| v != 0).collect();
            (truths(&mask), false)
        }
        Index::Array(x) if x.dtype().is_integer() => {
            (super::take::host(&x, "a position", advice), x.ndim() == 0)
        }
        _ => refuse!(name => "positions must be an integer, a slice, a list or a mask"),
    }
}

fn truths(mask: &[bool]) -> Vec<i64> {
    mask.iter().enumerate().filter(|(_, m)| **m).map(|(i, _)| i as i64).collect()
}

/// As many parts along an axis as `sections` says; where they cannot be equal, the first ones are one larger.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let parts = jnp::array_split(jnp::arange(5), 3, 0);
/// assert_eq!(parts.iter().map(|p| p.to_string()).collect::<Vec<_>>(), ["[0 1]", "[2 3]", "[4]"]);
/// ```
///
/// # Panics
/// If `sections` is 0.
#[track_caller]
pub fn array_split(x: impl IntoArray, sections: usize, axis: i64) -> Vec<Array> {
    let x = x.into_array();
    let axis = canonical("array_split", axis, x.ndim());
    if sections == 0 {
        refuse!("array_split" => "there must be at least one part")
    }
    let (size, larger) = (x.shape()[axis] / sections, x.shape()[axis] % sections);
    let sizes: Vec<usize> = (0..sections).map(|i| size + (i < larger) as usize).collect();
    lax::split(&x, &sizes, axis)
}

/// Equal parts along the first dimension.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let halves = jnp::vsplit(Array::from([[1, 2], [3, 4]]), 2);
/// assert_eq!(halves[1].to_string(), "[[3 4]]");
/// ```
///
/// # Panics
/// As [`split`](super::split).
#[track_caller]
pub fn vsplit(x: impl IntoArray, sections: usize) -> Vec<Array> {
    super::split(x, sections, 0)
}

/// Equal parts along the second dimension; of a vector along its only one.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let columns = jnp::hsplit(Array::from([[1, 2], [3, 4]]), 2);
/// assert_eq!(columns[1].to_string(), "[[2]\n [4]]");
/// ```
///
/// # Panics
/// As [`split`](super::split).
#[track_caller]
pub fn hsplit(x: impl IntoArray, sections: usize) -> Vec<Array> {
    let x = x.into_array();
    let axis = if x.ndim() == 1 { 0 } else { 1 };
    super::split(x, sections, axis)
}

/// Equal parts along the third dimension.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let channels = jnp::dsplit(jnp::zeros([4, 5, 3]), 3);
/// assert_eq!((channels.len(), channels[0].shape()), (3, &[4, 5, 1][..]));
/// ```
///
/// # Panics
/// As [`split`](super::split).
#[track_caller]
pub fn dsplit(x: impl IntoArray, sections: usize) -> Vec<Array> {
    super::split(x, sections, 2)
}

/// Parts along an axis that end where `indices` say, and the rest: JAX's `array_split` with indices, the same as [`split_at`].
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let parts = jnp::array_split_at(jnp::arange(6), &[1, 4], 0);
/// assert_eq!(parts.iter().map(|p| p.to_string()).collect::<Vec<_>>(), ["[0]", "[1 2 3]", "[4 5]"]);
/// ```
#[track_caller]
pub fn array_split_at(x: impl IntoArray, indices: &[usize], axis: i64) -> Vec<Array> {
    split_at(x, indices, axis)
}

/// A matrix of blocks: those of a row side by side, rows below each other. JAX takes any nesting, this two levels of it.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (a, b) = (jnp::eye(2), jnp::zeros([2, 1]));
/// let (c, d) = (jnp::ones([1, 2]), Array::from([[9.0f32]]));
/// assert_eq!(jnp::block(&[&[a, b], &[c, d]]).to_string(), "[[1. 0. 0.]\n [0. 1. 0.]\n [1. 1. 9.]]");
/// ```
///
/// # Panics
/// If a row is empty, or blocks do not fit.
#[track_caller]
pub fn block(rows: &[&[Array]]) -> Array {
    let _line = crate::trace::keep_line();
    let rank = rows.iter().flat_map(|row| row.iter()).map(Array::ndim).max().unwrap_or(0).max(2);
    let widen = |x: &Array| lax::expand_dims(x, &(0..rank - x.ndim()).collect::<Vec<_>>());
    let row = |row: &&[Array]| concatenate(row.iter().map(widen).collect::<Vec<_>>(), rank as i64 - 1);
    concatenate(rows.iter().map(row).collect::<Vec<_>>(), rank as i64 - 2)
}

/// The order of rows (the first dimension) reversed.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::flipud(Array::from([[1, 2], [3, 4]])).to_string(), "[[3 4]\n [1 2]]");
/// ```
///
/// # Panics
/// If there is no dimension.
#[track_caller]
pub fn flipud(x: impl IntoArray) -> Array {
    super::flip(x, 0)
}

/// The order of columns (the second dimension) reversed.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::fliplr(Array::from([[1, 2], [3, 4]])).to_string(), "[[2 1]\n [4 3]]");
/// ```
///
/// # Panics
/// If there are fewer than two dimensions.
#[track_caller]
pub fn fliplr(x: impl IntoArray) -> Array {
    super::flip(x, 1)
}

/// The array turned `k` times by 90 degrees from the first of two axes towards the second; JAX's defaults are `1` and `(0, 1)`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2], [3, 4]]);
/// assert_eq!(jnp::rot90(&x, 1, (0, 1)).to_string(), "[[2 4]\n [1 3]]");
/// assert_eq!(jnp::rot90(&x, -1, (0, 1)).to_string(), "[[3 1]\n [4 2]]");
/// ```
///
/// # Panics
/// If the axes are the same or out of bounds.
#[track_caller]
pub fn rot90(x: impl IntoArray, k: i64, axes: (i64, i64)) -> Array {
    let _line = crate::trace::keep_line();
    let x = x.into_array();
    let (a, b) = (canonical("rot90", axes.0, x.ndim()), canonical("rot90", axes.1, x.ndim()));
    if a == b {
        refuse!("rot90" => "the axes must differ, got {axes:?}")
    }
    let turned = |x: &Array| swapaxes(x, a as i64, b as i64);
    match k.rem_euclid(4) {
        0 => x,
        1 => turned(&lax::rev(&x, &[b])),
        2 => lax::rev(&x, &[a, b]),
        _ => lax::rev(&turned(&x), &[b]),
    }
}

/// The dimension `axis` moved to stand before the one that is `start` now; [`moveaxis`](super::moveaxis) is easier to read.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::rollaxis(jnp::zeros([2, 3, 4]), 2, 0).shape(), [4, 2, 3]);
/// assert_eq!(jnp::rollaxis(jnp::zeros([2, 3, 4]), 0, 3).shape(), [3, 4, 2]);
/// ```
///
/// # Panics
/// If `axis` or `start` is out of bounds.
#[track_caller]
pub fn rollaxis(x: impl IntoArray, axis: i64, start: i64) -> Array {
    let x = x.into_array();
    let rank = x.ndim() as i64;
    let axis = canonical("rollaxis", axis, x.ndim()) as i64;
    if !(-rank..=rank).contains(&start) {
        refuse!("rollaxis" => "start {start} is out of bounds for an array of {rank} dimensions")
    }
    let start = if start < 0 { start + rank } else { start };
    super::moveaxis(x, axis, if start > axis { start - 1 } else { start })
}

/// Elements shifted along axes, by as many places as `shift` says of each; those that leave come in again at the other end.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2, 3], [4, 5, 6]]);
/// assert_eq!(jnp::roll_axes(&x, &[1, -1], &[0, 1]).to_string(), "[[5 6 4]\n [2 3 1]]");
/// ```
///
/// # Panics
/// If there are not as many shifts as axes.
#[track_caller]
pub fn roll_axes(x: impl IntoArray, shift: &[i64], axes: &[i64]) -> Array {
    let _line = crate::trace::keep_line();
    if shift.len() != axes.len() {
        refuse!("roll" => "there must be a shift for every axis, got {} for {}", shift.len(), axes.len())
    }
    shift.iter().zip(axes).fold(x.into_array(), |x, (&shift, &axis)| super::roll(x, shift, axis))
}

/// Elements shifted along an axis, or in the raveled array for `()`, by a number of places that may be traced.
///
/// ```
/// # use jacinth_frontend::{Array, jit, numpy as jnp};
/// let turn = jit(|x: &Array, shift: &Array| jnp::roll_dynamic(x, shift, 0));
/// assert_eq!(turn(&Array::from([1, 2, 3, 4]), &Array::from(-1)).to_vec::<i32>(), [2, 3, 4, 1]);
/// ```
#[track_caller]
pub fn roll_dynamic(x: impl IntoArray, shift: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let x = x.into_array();
    let (flat, axis) = one_axis("roll", x.clone(), &axis.into());
    let n = flat.shape()[axis];
    if n == 0 {
        return x;
    }
    let shift = super::remainder(shift, n as i64);
    let twice = lax::concatenate(&[flat.clone(), flat.clone()], axis);
    let start = super::subtract(n as i64, shift);
    lax::dynamic_slice_in_dim(&twice, &start, n, axis).reshape(x.shape())
}

/// The elements over and over in that shape, or only the first ones; zeros of nothing.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1, 2, 3]);
/// assert_eq!(jnp::resize(&x, [2, 4]).to_string(), "[[1 2 3 1]\n [2 3 1 2]]");
/// ```
///
/// # Panics
/// If a size is negative.
#[track_caller]
pub fn resize(x: impl IntoArray, shape: impl IntoShape) -> Array {
    let (x, shape) = (ravel(x), exact_shape("resize", shape));
    let size: usize = shape.iter().product();
    if x.size() == 0 || size == 0 {
        return lax::full(&shape, 0, x.dtype());
    }
    let times = size.div_ceil(x.size());
    let x = if times > 1 { lax::tile(&x, &[times]) } else { x };
    lax::reshape(&lax::slice_in_dim(&x, 0, Some(size as i64), 1, 0), &shape)
}

/// A vector without the zeros at its front (`"f"`), its back (`"b"`) or both (`"fb"`); it must be concrete.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([0, 0, 1, 0, 2, 0]);
/// assert_eq!(jnp::trim_zeros(&x, "fb").to_vec::<i32>(), [1, 0, 2]);
/// assert_eq!(jnp::trim_zeros(&x, "f").to_vec::<i32>(), [1, 0, 2, 0]);
/// ```
///
/// # Panics
/// If the array is no vector, or is traced.
#[track_caller]
pub fn trim_zeros(x: impl IntoArray, trim: &str) -> Array {
    let x = x.into_array();
    if x.ndim() != 1 {
        refuse!("trim_zeros" => "takes a vector, got shape {}", show(x.shape()))
    }
    let values = super::take::host(&x, "what is zero", "the size of the result depends on it");
    let front = values.iter().take_while(|&&v| v == 0).count();
    let back = values.iter().rev().take_while(|&&v| v == 0).count();
    let n = values.len();
    let start = if trim.to_ascii_lowercase().contains('f') { front } else { 0 };
    let stop = if trim.to_ascii_lowercase().contains('b') { (n - back).max(start) } else { n };
    lax::slice_in_dim(&x, start as i64, Some(stop as i64), 1, 0)
}

/// Every element along an axis (of the raveled array for `()`) repeated as often as `repeats` says of it.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2], [3, 4]]);
/// assert_eq!(jnp::repeat_each(&x, &[2, 1], 0).to_string(), "[[1 2]\n [1 2]\n [3 4]]");
/// ```
///
/// # Panics
/// If there are not as many numbers as elements along the axis.
#[track_caller]
pub fn repeat_each(x: impl IntoArray, repeats: &[usize], axis: impl Into<Axis>) -> Array {
    let (x, axis) = one_axis("repeat", x.into_array(), &axis.into());
    if repeats.len() != x.shape()[axis] {
        let (n, m) = (repeats.len(), x.shape()[axis]);
        refuse!("repeat" => "there must be a number for every element, got {n} for {m}")
    }
    let places: Vec<i64> =
        repeats.iter().enumerate().flat_map(|(i, &n)| std::iter::repeat_n(i as i64, n)).collect();
    super::take_mode(&x, Array::from_slice(&places, places.len()), axis, "promise_in_bounds")
}

/// [`repeat_each`] of numbers that may be traced, cut off or filled with the last element at a total length.
///
/// ```
/// # use jacinth_frontend::{Array, jit, numpy as jnp};
/// let spread = jit(|x: &Array, times: &Array| jnp::repeat_total(x, times, 0, 5));
/// let (x, times) = (Array::from([7, 8]), Array::from([1, 3]));
/// assert_eq!(spread(&x, &times).to_vec::<i32>(), [7, 8, 8, 8, 8]);
/// ```
///
/// # Panics
/// If `repeats` do not broadcast to the elements along the axis.
#[track_caller]
pub fn repeat_total(
    x: impl IntoArray,
    repeats: impl IntoArray,
    axis: impl Into<Axis>,
    total_repeat_length: usize,
) -> Array {
    let (x, axis) = one_axis("repeat", x.into_array(), &axis.into());
    let n = x.shape()[axis];
    let repeats = broadcast_to(repeats, n);
    if n == 0 {
        return super::repeat(x, 0, axis);
    }
    // Each element's first place counts one up.
    let first = lax::sub(&super::cumsum(&repeats, 0), &repeats);
    let starts = lax::full(&[total_repeat_length], 0, default_int()).at(first).mode("drop").add(1);
    let one = Array::scalar(1, default_int(), false);
    super::take_mode(&x, lax::sub(&super::cumsum(starts, 0), &one), axis, "clip")
}

/// How [`pad_with`] fills.
#[derive(Clone, Debug)]
pub enum PadMode {
    /// With a value.
    Constant(f64),
    /// With the element at the edge.
    Edge,
    /// With the array over and over.
    Wrap,
    /// With the array's mirror image, without its edge; odd: reflected through the edge.
    Reflect {
        /// Whether values are reflected too.
        odd: bool,
    },
    /// With the array's mirror image; odd: reflected through the edge.
    Symmetric {
        /// Whether values are reflected too.
        odd: bool,
    },
    /// With a ramp from the edge to a value.
    LinearRamp(f64),
    /// With the largest element along the axis, of as many at the edge, or of all.
    Maximum(Option<usize>),
    /// With the smallest.
    Minimum(Option<usize>),
    /// With the mean.
    Mean(Option<usize>),
    /// With the median.
    Median(Option<usize>),
    /// With zeros.
    Empty,
}

/// The array with `(before, after)` elements added in each dimension, as the mode says; later dimensions see the earlier ones'.
///
/// JAX's `pad` with a `mode`; [`pad`](super::pad) fills with a constant.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// # use jnp::PadMode;
/// let x = Array::from([1, 2, 3]);
/// assert_eq!(jnp::pad_with(&x, &[(2, 1)], PadMode::Edge).to_vec::<i32>(), [1, 1, 1, 2, 3, 3]);
/// assert_eq!(jnp::pad_with(&x, &[(2, 1)], PadMode::Reflect { odd: false }).to_vec::<i32>(), [3, 2, 1, 2, 3, 2]);
/// ```
///
/// # Panics
/// If there is not a pair for each dimension, or one of size 0 is to be filled with its own elements.
#[track_caller]
pub fn pad_with(x: impl IntoArray, widths: &[(usize, usize)], mode: PadMode) -> Array {
    let x = x.into_array();
    if widths.len() != x.ndim() {
        refuse!("pad" => "there must be a pair for each of {} dimensions, got {}", x.ndim(), widths.len())
    }
    if let PadMode::Constant(value) = mode {
        return super::pad(x, widths, value);
    }
    if let PadMode::Empty = mode {
        return super::pad(x, widths, 0);
    }
    let mut out = x;
    for (axis, &(before, after)) in widths.iter().enumerate() {
        if (before, after) == (0, 0) {
            continue;
        }
        if out.shape()[axis] == 0 {
            refuse!("pad" => "dimension {axis} of size 0 can be padded with a constant only")
        }
        out = pad_axis(&out, axis, before, after, &mode);
    }
    out
}

#[track_caller]
fn pad_axis(x: &Array, axis: usize, before: usize, after: usize, mode: &PadMode) -> Array {
    let _line = crate::trace::keep_line();
    let n = x.shape()[axis];
    let part = |a: usize, b: usize| lax::slice_in_dim(x, a as i64, Some(b as i64), 1, axis);
    let spread = |edge: Array, count: usize| super::repeat(edge, count, axis);
    let statistic = |length: &Option<usize>, f: &dyn Fn(Array) -> Array| {
        let length = length.unwrap_or(n).min(n);
        if length == 0 {
            refuse!("pad" => "there is no statistic of 0 elements")
        }
        let of = |piece: Array| {
            let value = f(piece);
            let value = if x.dtype().is_integer() { super::round(value) } else { value };
            lax::convert_element_type(&value, x.dtype())
        };
        let (low, high) = (of(part(0, length)), of(part(n - length, n)));
        lax::concatenate(&[spread(low, before), x.clone(), spread(high, after)], axis)
    };
    let along = keepdims(axis);
    match mode {
        PadMode::Edge => {
            let (low, high) = (spread(part(0, 1), before), spread(part(n - 1, n), after));
            lax::concatenate(&[low, x.clone(), high], axis)
        }
        PadMode::Wrap => {
            let mut parts = vec![];
            if !before.is_multiple_of(n) {
                parts.push(part(n - before % n, n));
            }
            parts.extend(std::iter::repeat_n(x.clone(), before / n + after / n + 1));
            if !after.is_multiple_of(n) {
                parts.push(part(0, after % n));
            }
            lax::concatenate(&parts, axis)
        }
        PadMode::Reflect { odd } => {
            mirrored(&mirrored(x, axis, before, true, 1, *odd), axis, after, false, 1, *odd)
        }
        PadMode::Symmetric { odd } => {
            mirrored(&mirrored(x, axis, before, true, 0, *odd), axis, after, false, 0, *odd)
        }
        PadMode::LinearRamp(end) => {
            let ramp = |edge: Array, count: usize| {
                let edge = lax::squeeze(&edge, &[axis]);
                let dtype =
                    if x.dtype().is_integer() { crate::api::dtypes::default_float() } else { x.dtype() };
                let edge = lax::convert_element_type(&edge, dtype);
                let line = super::linspace_endpoint(Array::scalar(*end, dtype, false), edge, count, false);
                let line = if x.dtype().is_integer() { super::floor(line) } else { line };
                lax::moveaxis(&lax::convert_element_type(&line, x.dtype()), 0, axis)
            };
            let (low, high) = (ramp(part(0, 1), before), ramp(part(n - 1, n), after));
            lax::concatenate(&[low, x.clone(), lax::rev(&high, &[axis])], axis)
        }
        PadMode::Maximum(length) => statistic(length, &|x| super::max(x, along.clone())),
        PadMode::Minimum(length) => statistic(length, &|x| super::min(x, along.clone())),
        PadMode::Mean(length) => statistic(length, &|x| super::mean(x, along.clone())),
        PadMode::Median(length) => statistic(length, &|x| super::median(x, along.clone())),
        PadMode::Constant(_) | PadMode::Empty => unreachable!("done for all dimensions at once"),
    }
}

/// The array with mirror images of the whole of it on one side, as many as it takes.
#[track_caller]
fn mirrored(x: &Array, axis: usize, mut count: usize, before: bool, offset: usize, odd: bool) -> Array {
    let _line = crate::trace::keep_line();
    let n = x.shape()[axis];
    let offset = if n > 1 { offset } else { 0 };
    let part = |x: &Array, a: usize, b: usize| lax::slice_in_dim(x, a as i64, Some(b as i64), 1, axis);
    let edge_of = |x: &Array| {
        let last = x.shape()[axis];
        if before { part(x, 0, 1) } else { part(x, last - 1, last) }
    };
    let (mut out, mut edge) = (x.clone(), edge_of(x));
    while count > 0 {
        let step = count.min(n - offset);
        count -= step;
        let size = out.shape()[axis];
        let piece = if before {
            part(&out, offset, offset + step)
        } else {
            part(&out, size - step - offset, size - offset)
        };
        let mut piece = lax::rev(&piece, &[axis]);
        if odd {
            piece = super::subtract(super::multiply(2, &edge), piece);
            if n > 1 {
                edge = edge_of(&piece);
            }
        }
        out = if before {
            lax::concatenate(&[piece, out], axis)
        } else {
            lax::concatenate(&[out, piece], axis)
        };
    }
    out
}

/// The same bits as another dtype; one of another width stretches or shrinks the last dimension.
#[track_caller]
pub(crate) fn view(x: impl IntoArray, dtype: DType) -> Array {
    let x = x.into_array();
    // A boolean is a byte.
    let x = if x.dtype().is_boolean() { lax::convert_element_type(&x, DType::UI8) } else { x };
    let byte = if dtype.is_boolean() { DType::UI8 } else { dtype };
    let (from, to) = (x.dtype().bits(), byte.bits());
    let rank = x.ndim();
    let out = if from == to {
        if x.dtype() == byte { x } else { lax::bitcast_convert_type(&x, byte) }
    } else {
        let last = x.shape().last().copied().unwrap_or(0);
        if rank == 0 || (from < to && last * from % to != 0) {
            let (a, b) = (x.aval(), crate::ir::numpy_name(dtype));
            refuse!("view" => "{a} cannot be viewed as {b}: the last dimension has no whole number of elements")
        }
        let mut shape = x.shape().to_vec();
        shape[rank - 1] = last * from / to;
        if from > to {
            lax::reshape(&lax::bitcast_convert_type(&x, byte), &shape)
        } else {
            let mut grouped = shape.clone();
            grouped.push(to / from);
            lax::bitcast_convert_type(&lax::reshape(&x, &grouped), byte)
        }
    };
    if dtype.is_boolean() { lax::convert_element_type(&out, DType::I1) } else { out }
}
