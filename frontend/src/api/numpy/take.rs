//! Functions that read, write and make indices: take, put, nonzero and their kin.
//!
//! What has a shape that depends on values (`nonzero`, `argwhere`, `extract`, `compress`) needs concrete values; its `_size` twin
//! takes the size and works on traced ones, padding with a fill value.

use super::{
    Axis, IntoArray, IntoShape, broadcast_arrays, broadcast_to, exact_shape, ravel, ufuncs::truth, where_,
};
use crate::api::dtypes::{default_int, promote};
use crate::api::indexing::{Index, Indices, IntoIndex, IntoMode};
use crate::error::OrRaise;
use crate::ir::{Array, DType, numpy_name};
use crate::lax::rules::{refuse, show};
use crate::lax::{self, Gather, GatherDimensionNumbers};
use crate::runtime::to_bytes;
use crate::trace::{concrete, here};
use jacinth_lowering::element;

/// An integer constant in the default integer.
fn int(value: i64) -> Array {
    Array::scalar(value, default_int(), false)
}

/// Indices of which the one at `axis` is `index` and those before it take everything.
fn along(axis: usize, index: impl IntoIndex) -> Indices {
    Indices::new((0..axis).map(|_| (..).into_index()).chain([index.into_index()]))
}

/// The elements of a concrete array as integers; `advice` says what to do where it is traced.
#[track_caller]
pub(crate) fn host(x: &Array, needed: &'static str, advice: &'static str) -> Vec<i64> {
    let bytes = concrete(x, needed, advice, here()).and_then(to_bytes).or_raise();
    let number = |chunk: &[u8]| match element::read(x.dtype(), chunk) {
        element::Scalar::Int(i) => i64::try_from(i).unwrap_or(i64::MAX),
        element::Scalar::Float(v) => (v != 0.0) as i64,
        element::Scalar::Complex(z) => (z.re != 0.0 || z.im != 0.0) as i64,
    };
    bytes.chunks_exact(x.dtype().byte_width()).map(number).collect()
}

/// Host integers in the default integer.
fn integers(values: &[i64]) -> Array {
    Array::from_slice(values, values.len())
}

/// One axis, or the first of the raveled array for `()`.
#[track_caller]
pub(crate) fn one_axis(name: &'static str, x: Array, axis: &Axis) -> (Array, usize) {
    match &axis.axes {
        None => (ravel(x), 0),
        Some(_) => match axis.resolve(name, x.ndim())[..] {
            [one] => (x, one),
            ref axes => refuse!(name => "takes one axis or (), got {}", show(axes)),
        },
    }
}

/// The elements at indices along an axis, or of the raveled array for `()`; NaN (integers: the limits) out of bounds.
///
/// The indices' dimensions take the place of the axis; negative ones count from the end.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1.0f32, 2.0], [3.0, 4.0]]);
/// assert_eq!(jnp::take(&x, Array::from([1, 0, -1]), 1).to_string(), "[[2. 1. 2.]\n [4. 3. 4.]]");
/// assert_eq!(jnp::take(&x, Array::from([3, 4]), ()).to_string(), "[ 4. nan]");
/// ```
///
/// # Panics
/// If the indices are no integers, or several axes are given.
#[track_caller]
pub fn take(x: impl IntoArray, indices: impl IntoArray, axis: impl Into<Axis>) -> Array {
    take_mode(x, indices, axis, "fill")
}

/// [`take`] with a mode: `"fill"`, `"clip"` (negative indices too are moved to 0), `"wrap"`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, i) = (Array::from([10, 20, 30]), Array::from([-1, 1, 5]));
/// assert_eq!(jnp::take_mode(&x, &i, 0, "clip").to_vec::<i32>(), [10, 20, 30]);
/// assert_eq!(jnp::take_mode(&x, &i, 0, "wrap").to_vec::<i32>(), [30, 20, 30]);
/// ```
///
/// # Panics
/// As [`take`], or if the mode is another word.
#[track_caller]
pub fn take_mode(x: impl IntoArray, indices: impl IntoArray, axis: impl Into<Axis>, mode: &str) -> Array {
    let (x, axis) = one_axis("take", x.into_array(), &axis.into());
    let indices = indices.into_array();
    if !indices.dtype().is_integer() {
        refuse!("take" => "indices must be integers, got {}", numpy_name(indices.dtype()))
    }
    match mode {
        "wrap" => {
            let size = Array::scalar(x.shape()[axis] as i64, indices.dtype(), false);
            x.at(along(axis, super::remainder(indices, size))).mode("promise_in_bounds").get()
        }
        "clip" => x.at(along(axis, indices)).mode("clip").wrap_negative_indices(false).get(),
        other => x.at(along(axis, indices)).mode(other).get(),
    }
}

/// For every index the element of its row along an axis: `x[i, indices[i, j]]`; NaN (integers: the limits) out of bounds.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[3, 1, 2], [6, 5, 4]]);
/// let smallest = jnp::argmin(&x, jnp::keepdims(1));
/// assert_eq!(jnp::take_along_axis(&x, &smallest, 1).to_string(), "[[1]\n [4]]");
/// ```
///
/// # Panics
/// If the indices are no integers, or do not broadcast to the array beside the axis.
#[track_caller]
pub fn take_along_axis(x: impl IntoArray, indices: impl IntoArray, axis: impl Into<Axis>) -> Array {
    take_along_axis_mode(x, indices, axis, "fill")
}

/// [`take_along_axis`] with a mode: `"fill"`, `"clip"`, `"promise_in_bounds"`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, i) = (Array::from([[3, 1], [6, 5]]), Array::from([[9], [0]]));
/// assert_eq!(jnp::take_along_axis_mode(&x, &i, 1, "clip").to_string(), "[[1]\n [6]]");
/// ```
///
/// # Panics
/// As [`take_along_axis`], or if the mode is another word.
#[track_caller]
pub fn take_along_axis_mode(
    x: impl IntoArray,
    indices: impl IntoArray,
    axis: impl Into<Axis>,
    mode: impl IntoMode,
) -> Array {
    let (x, axis) = one_axis("take_along_axis", x.into_array(), &axis.into());
    let indices = indices.into_array();
    if indices.ndim() != x.ndim() || !indices.dtype().is_integer() {
        let (i, x) = (indices.aval(), x.aval());
        refuse!("take_along_axis" => "indices must be integers of as many dimensions as the array, got {i} for {x}")
    }
    let fits = |d: usize| {
        d == axis || x.shape()[d] == indices.shape()[d] || x.shape()[d] == 1 || indices.shape()[d] == 1
    };
    if let Some(d) = (0..x.ndim()).find(|&d| !fits(d)) {
        let (a, b) = (show(x.shape()), show(indices.shape()));
        refuse!("take_along_axis" => "shapes {a} and {b} do not broadcast in dimension {d}")
    }
    let scalar = |v: usize| Array::scalar(v as i64, indices.dtype(), false);
    let indices = if indices.dtype().is_signed() {
        lax::select(&lax::lt(&indices, &scalar(0)), &lax::add(&indices, &scalar(x.shape()[axis])), &indices)
    } else {
        indices
    };
    let (mut numbers, mut sizes) = (GatherDimensionNumbers::default(), vec![]);
    let (mut gone, mut index_shape) = (vec![], vec![]);
    // Dimensions of the array without those of size 1 that the indices stretch, and of the indices without whole ones.
    let (mut dim, mut index_dim) = (0, 0);
    for d in 0..x.ndim() {
        let (n, m) = (x.shape()[d], indices.shape()[d]);
        if d == axis {
            sizes.push(1);
            numbers.start_index_map.push(dim);
            numbers.collapsed_slice_dims.push(dim);
        } else if m == 1 {
            numbers.offset_dims.push(d);
            sizes.push(n);
            dim += 1;
            continue;
        } else if n == 1 {
            gone.push(d);
            index_shape.push(m);
            index_dim += 1;
            continue;
        } else {
            sizes.push(n.min(1));
            numbers.operand_batching_dims.push(dim);
            numbers.start_indices_batching_dims.push(index_dim);
        }
        index_shape.push(m);
        dim += 1;
        index_dim += 1;
    }
    index_shape.push(1);
    if x.shape()[axis] == 0 {
        let shape: Vec<usize> = (0..x.ndim())
            .map(|d| if d == axis { indices.shape()[d] } else { x.shape()[d].max(indices.shape()[d]) })
            .collect();
        if shape.contains(&0) {
            return lax::full(&shape, 0, x.dtype());
        }
        refuse!("take_along_axis" => "nothing can be taken from dimension {axis} of size 0")
    }
    let params = Gather {
        dimension_numbers: numbers,
        slice_sizes: sizes,
        indices_are_sorted: false,
        unique_indices: false,
        mode: mode.into_mode(),
        fill_value: None,
    };
    lax::gather_with(&lax::squeeze(&x, &gone), &lax::reshape(&indices, &index_shape), params)
}

/// The array with `values`, repeated as needed, at indices of the raveled array; those out of bounds are dropped.
///
/// ```
/// # use jacinth_frontend::{Array, DType, numpy as jnp};
/// let x = jnp::zeros_of([2, 2], DType::I32);
/// assert_eq!(jnp::put(&x, Array::from([0, -1, 7]), Array::from([5, 6, 7])).to_string(), "[[5 0]\n [0 6]]");
/// ```
///
/// # Panics
/// If there are indices but no values.
#[track_caller]
pub fn put(x: impl IntoArray, indices: impl IntoArray, values: impl IntoArray) -> Array {
    put_mode(x, indices, values, "drop")
}

/// [`put`] with a mode: `"drop"`, `"clip"`, `"wrap"`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([0, 0, 0]);
/// assert_eq!(jnp::put_mode(&x, Array::from([4]), 9, "wrap").to_vec::<i32>(), [0, 9, 0]);
/// assert_eq!(jnp::put_mode(&x, Array::from([4]), 9, "clip").to_vec::<i32>(), [0, 0, 9]);
/// ```
///
/// # Panics
/// As [`put`], or if the mode is another word.
#[track_caller]
pub fn put_mode(x: impl IntoArray, indices: impl IntoArray, values: impl IntoArray, mode: &str) -> Array {
    let (x, indices) = (x.into_array(), ravel(indices));
    if indices.size() == 0 {
        return x;
    }
    let values = tiled(&values.into_array(), indices.size());
    let size = Array::scalar(x.size() as i64, indices.dtype(), false);
    let (indices, mode) = match mode {
        "wrap" => (super::remainder(indices, size), "drop"),
        "clip" => (super::clip(indices, 0, x.size() as i64 - 1), "drop"),
        other => (indices, other),
    };
    ravel(&x).at(indices).mode(mode).set(values).reshape(x.shape())
}

/// The elements, over and over, as many as `size`.
#[track_caller]
fn tiled(x: &Array, size: usize) -> Array {
    let x = ravel(x);
    if x.size() == 0 {
        refuse!("put" => "there are no values to put")
    }
    let times = size.div_ceil(x.size());
    let x = if times > 1 { lax::tile(&x, &[times]) } else { x };
    lax::slice_in_dim(&x, 0, Some(size as i64), 1, 0)
}

/// The array with `values` at an index for every row along an axis: `x[i, indices[i, j]] = values[i, j]`.
///
/// JAX's `inplace=False`: arrays do not change.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[3, 1, 2], [6, 5, 4]]);
/// let largest = jnp::argmax(&x, jnp::keepdims(1));
/// assert_eq!(jnp::put_along_axis(&x, &largest, 0, 1).to_string(), "[[0 1 2]\n [0 5 4]]");
/// ```
///
/// # Panics
/// If the indices have not as many dimensions as the array, or the values do not broadcast to them.
#[track_caller]
pub fn put_along_axis(
    x: impl IntoArray,
    indices: impl IntoArray,
    values: impl IntoArray,
    axis: impl Into<Axis>,
) -> Array {
    let _line = crate::trace::keep_line();
    let x = x.into_array();
    let (flat, axis) = one_axis("put_along_axis", x.clone(), &axis.into());
    let indices = indices.into_array();
    if indices.ndim() != flat.ndim() {
        let (i, x) = (indices.aval(), flat.aval());
        refuse!("put_along_axis" => "indices must have as many dimensions as the array, got {i} for {x}")
    }
    let values = broadcast_to(values, indices.shape());
    let rank = flat.ndim();
    let place = |d: usize| {
        if d == axis {
            return Index::Array(indices.clone());
        }
        let mut shape = vec![1; rank];
        shape[d] = flat.shape()[d];
        Index::Array(lax::broadcasted_iota(default_int(), &shape, d))
    };
    flat.at(Indices::new((0..rank).map(place))).set(values).reshape(x.shape())
}

/// The indices of the elements that are nonzero, one array per dimension; the array must be concrete.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[0, 7], [8, 0]]);
/// let places = jnp::nonzero(&x);
/// assert_eq!((places[0].to_vec::<i32>(), places[1].to_vec::<i32>()), (vec![0, 1], vec![1, 0]));
/// ```
///
/// # Panics
/// If the array is traced; in traced code use [`nonzero_size`].
#[track_caller]
pub fn nonzero(x: impl IntoArray) -> Vec<Array> {
    let x = super::atleast_1d(x);
    let advice = "its size depends on the values: give one with nonzero_size";
    let values = host(&x, "what has nonzero elements", advice);
    let mut places = vec![Vec::new(); x.ndim()];
    for (mut at, _) in values.iter().enumerate().filter(|(_, v)| **v != 0) {
        for (axis, &size) in x.shape().iter().enumerate().rev() {
            places[axis].push((at % size) as i64);
            at /= size;
        }
    }
    places.iter().map(|p| integers(p)).collect()
}

/// The indices of the first `size` elements that are nonzero, one array per dimension; `fill_value` where there are fewer.
///
/// ```
/// # use jacinth_frontend::{Array, jit, numpy as jnp};
/// let f = jit(|x: &Array| jnp::nonzero_size(x, 3, -1));
/// assert_eq!(f(&Array::from([0, 7, 0, 8]))[0].to_vec::<i32>(), [1, 3, -1]);
/// ```
#[track_caller]
pub fn nonzero_size(x: impl IntoArray, size: usize, fill_value: i64) -> Vec<Array> {
    let _line = crate::trace::keep_line();
    let x = super::atleast_1d(x);
    let mask = ravel(truth(x.clone()));
    let flat = positions(&mask, size);
    let found = lax::convert_element_type(&lax::lt(&flat, &int(x.size() as i64)), DType::I1);
    let mut stride = x.size();
    let place = |&n: &usize| {
        stride /= n.max(1);
        let place = lax::rem(&lax::div(&flat, &int(stride.max(1) as i64)), &int(n.max(1) as i64));
        where_(&found, place, int(fill_value))
    };
    x.shape().iter().map(place).collect()
}

/// The positions of the first `size` truths of a vector, then its length.
#[track_caller]
pub(crate) fn positions(mask: &Array, size: usize) -> Array {
    let n = mask.size();
    let rank = super::cumsum(lax::convert_element_type(mask, default_int()), 0);
    let slot = where_(mask, lax::sub(&rank, &int(1)), int(size as i64));
    let empty = lax::full(&[size], n as i64, default_int());
    if n == 0 || size == 0 {
        return empty;
    }
    empty.at(slot).mode("drop").wrap_negative_indices(false).set(lax::iota(default_int(), n))
}

/// The indices of the elements that are nonzero, one row each: `[count, rank]`; the array must be concrete.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::argwhere(Array::from([[0, 7], [8, 9]])).to_string(), "[[0 1]\n [1 0]\n [1 1]]");
/// ```
///
/// # Panics
/// If the array is traced; in traced code use [`argwhere_size`].
#[track_caller]
pub fn argwhere(x: impl IntoArray) -> Array {
    let x = x.into_array();
    if x.ndim() == 0 {
        let rows = nonzero(&x)[0].size();
        return lax::full(&[rows, 0], 0, default_int());
    }
    lax::stack(&nonzero(x), 1)
}

/// [`argwhere`] of the first `size` elements that are nonzero; `fill_value` where there are fewer.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::argwhere_size(Array::from([[0, 7], [0, 0]]), 2, 9).to_string(), "[[0 1]\n [9 9]]");
/// ```
#[track_caller]
pub fn argwhere_size(x: impl IntoArray, size: usize, fill_value: i64) -> Array {
    let x = x.into_array();
    if x.ndim() == 0 {
        return lax::full(&[size, 0], 0, default_int());
    }
    lax::stack(&nonzero_size(x, size, fill_value), 1)
}

/// The indices of the elements of the raveled array that are nonzero; the array must be concrete.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::flatnonzero(Array::from([[0, 7], [8, 0]])).to_vec::<i32>(), [1, 2]);
/// ```
///
/// # Panics
/// If the array is traced; in traced code use [`flatnonzero_size`].
#[track_caller]
pub fn flatnonzero(x: impl IntoArray) -> Array {
    nonzero(ravel(x)).swap_remove(0)
}

/// [`flatnonzero`] of the first `size` elements that are nonzero; `fill_value` where there are fewer.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::flatnonzero_size(Array::from([[0, 7], [8, 0]]), 3, 99).to_vec::<i32>(), [1, 2, 99]);
/// ```
#[track_caller]
pub fn flatnonzero_size(x: impl IntoArray, size: usize, fill_value: i64) -> Array {
    nonzero_size(ravel(x), size, fill_value).swap_remove(0)
}

/// The elements where the condition, which must be concrete, is nonzero, in one dimension.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2], [3, 4]]);
/// assert_eq!(jnp::extract(x.gt(1), &x).to_vec::<i32>(), [2, 3, 4]);
/// ```
///
/// # Panics
/// If the condition is traced; in traced code use [`extract_size`].
#[track_caller]
pub fn extract(condition: impl IntoArray, x: impl IntoArray) -> Array {
    compress(ravel(condition), ravel(x), 0)
}

/// The first `size` elements where the condition is nonzero; `fill_value` where there are fewer.
///
/// ```
/// # use jacinth_frontend::{Array, jit, numpy as jnp};
/// let f = jit(|x: &Array| jnp::extract_size(x.gt(2), x, 3, 0));
/// assert_eq!(f(&Array::from([1, 2, 3, 4])).to_vec::<i32>(), [3, 4, 0]);
/// ```
#[track_caller]
pub fn extract_size(
    condition: impl IntoArray,
    x: impl IntoArray,
    size: usize,
    fill_value: impl IntoArray,
) -> Array {
    let (condition, x) = (ravel(truth(condition.into_array())), ravel(x));
    let n = condition.size().min(x.size());
    let condition = lax::slice_in_dim(&condition, 0, Some(n as i64), 1, 0);
    let at = positions(&condition, size);
    let found = lax::lt(&at, &int(n as i64));
    let fill = lax::convert_element_type(&fill_value.into_array(), x.dtype());
    where_(found, x.at(at).mode("clip").get(), fill)
}

/// The slices along an axis (of the raveled array for `()`) where the condition, which must be concrete, is nonzero.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2], [3, 4], [5, 6]]);
/// assert_eq!(jnp::compress(Array::from([true, false, true]), &x, 0).to_string(), "[[1 2]\n [5 6]]");
/// ```
///
/// # Panics
/// If the condition is traced, or true beyond the array.
#[track_caller]
pub fn compress(condition: impl IntoArray, x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let condition = condition.into_array();
    let advice =
        "the size of the result depends on it: use extract_size, or jnp::where_ with three arguments";
    let mask: Vec<bool> = host(&condition, "a condition", advice).iter().map(|&v| v != 0).collect();
    compress_along(&x.into_array(), &mask, axis)
}

/// [`compress`] by a host condition.
#[track_caller]
pub(crate) fn compress_along(x: &Array, condition: &[bool], axis: impl Into<Axis>) -> Array {
    let (x, axis) = one_axis("compress", x.clone(), &axis.into());
    let n = x.shape()[axis];
    if condition.iter().skip(n).any(|&c| c) {
        refuse!("compress" => "the condition names slice {} of a dimension of size {n}", condition.len() - 1)
    }
    let kept: Vec<i64> =
        condition.iter().take(n).enumerate().filter(|(_, c)| **c).map(|(i, _)| i as i64).collect();
    x.get(along(axis, kept))
}

/// For every index, which must be concrete and in bounds, the element of that choice.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (zeros, tens) = (Array::from([1, 2, 3]), Array::from([10, 20, 30]));
/// assert_eq!(jnp::choose(Array::from([0, 1, 0]), &[zeros, tens]).to_vec::<i32>(), [1, 20, 3]);
/// ```
///
/// # Panics
/// If an index is out of bounds or traced, or the shapes do not broadcast; in traced code use [`choose_mode`].
#[track_caller]
pub fn choose(x: impl IntoArray, choices: &[Array]) -> Array {
    let x = x.into_array();
    let advice = "whether it is in bounds is not known: say what happens where it is not with choose_mode";
    if let Some(i) = host(&x, "an index", advice).into_iter().find(|i| !(0..choices.len() as i64).contains(i))
    {
        refuse!("choose" => "index {i} is out of bounds for {} choices", choices.len())
    }
    choose_mode(x, choices, "clip")
}

/// [`choose`] with a mode for what is out of bounds: `"clip"` or `"wrap"`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let choices = [Array::from(7), Array::from(8)];
/// assert_eq!(jnp::choose_mode(Array::from([0, 1, 2]), &choices, "wrap").to_vec::<i32>(), [7, 8, 7]);
/// ```
///
/// # Panics
/// If there is no choice, the mode is another word, or the shapes do not broadcast.
#[track_caller]
pub fn choose_mode(x: impl IntoArray, choices: &[Array], mode: &str) -> Array {
    let x = x.into_array();
    if choices.is_empty() {
        refuse!("choose" => "there must be at least one choice")
    }
    let last = choices.len() as i64 - 1;
    let x = match mode {
        "clip" => super::clip(x, 0, last),
        "wrap" => super::remainder(x, last + 1),
        other => refuse!("choose" => "the mode must be \"clip\" or \"wrap\", got \"{other}\""),
    };
    let mut all = promote(choices);
    all.push(x);
    let mut all = broadcast_arrays(&all);
    let x = all.pop().expect("pushed above");
    let stacked = lax::stack(&all, 0);
    let picked = take_along_axis_mode(stacked, lax::expand_dims(&x, &[0]), 0, "clip");
    lax::squeeze(&picked, &[0])
}

/// The values of functions on the elements where their conditions are nonzero (the last one wins), `default` elsewhere.
///
/// Every function is computed on the whole array; the result has its dtype.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([-2, 0, 3]);
/// let (minus, tenfold) = (|x: &Array| -x, |x: &Array| x * 10);
/// let y = jnp::piecewise(&x, &[x.lt(0), x.gt(0)], &[&minus, &tenfold], 7);
/// assert_eq!(y.to_vec::<i32>(), [2, 7, 30]);
/// ```
///
/// # Panics
/// If there are not as many conditions as functions.
#[track_caller]
pub fn piecewise(
    x: impl IntoArray,
    conditions: &[Array],
    functions: &[&dyn Fn(&Array) -> Array],
    default: impl IntoArray,
) -> Array {
    let x = x.into_array();
    if conditions.len() != functions.len() {
        let (c, f) = (conditions.len(), functions.len());
        refuse!("piecewise" => "there must be as many conditions as functions, got {c} and {f}")
    }
    let mut out = broadcast_to(lax::convert_element_type(&default.into_array(), x.dtype()), x.shape());
    for (condition, f) in conditions.iter().zip(functions) {
        out = where_(condition, lax::convert_element_type(&f(&x), x.dtype()), out);
    }
    out
}

/// The array with `values`, over and over, where the mask is nonzero.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1, 2, 3, 4]);
/// assert_eq!(jnp::place(&x, x.gt(1), Array::from([70, 80])).to_vec::<i32>(), [1, 70, 80, 70]);
/// ```
///
/// # Panics
/// If array and mask have different sizes, or there is no value.
#[track_caller]
pub fn place(x: impl IntoArray, mask: impl IntoArray, values: impl IntoArray) -> Array {
    let (x, mask) = (x.into_array(), truth(mask.into_array()));
    if x.size() != mask.size() {
        let (a, b) = (show(x.shape()), show(mask.shape()));
        refuse!("place" => "array and mask must have the same size, got shapes {a} and {b}")
    }
    if x.size() == 0 {
        return x;
    }
    let at = positions(&ravel(mask), x.size());
    let values = tiled(&values.into_array(), x.size());
    ravel(&x).at(at).mode("drop").set(values).reshape(x.shape())
}

/// Index arrays that together name every combination of the given ones; concrete masks name their truths.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = jnp::arange(9).reshape([3, 3]);
/// let at = jnp::ix_(&[Array::from([0, 2]), Array::from([true, true, false])]);
/// assert_eq!(x.get((&at[0], &at[1])).to_string(), "[[0 1]\n [6 7]]");
/// ```
///
/// # Panics
/// If an array has other than one dimension, or a mask is traced.
#[track_caller]
pub fn ix_(indices: &[Array]) -> Vec<Array> {
    let _line = crate::trace::keep_line();
    let rank = indices.len();
    let one = |(d, x): (usize, &Array)| {
        if x.ndim() != 1 {
            refuse!("ix_" => "takes arrays of one dimension, got shape {}", show(x.shape()))
        }
        let x = if x.dtype().is_boolean() { flatnonzero(x) } else { x.clone() };
        let mut shape = vec![1; rank];
        shape[d] = x.size();
        lax::reshape(&x, &shape)
    };
    indices.iter().enumerate().map(one).collect()
}

/// The coordinates of every place of an array of that shape: `i32[rank, …shape]`.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let at = jnp::indices([2, 3]);
/// assert_eq!(at.get(0).to_string(), "[[0 0 0]\n [1 1 1]]");
/// assert_eq!(at.get(1).to_string(), "[[0 1 2]\n [0 1 2]]");
/// ```
///
/// # Panics
/// If a size is negative.
#[track_caller]
pub fn indices(dimensions: impl IntoShape) -> Array {
    let _line = crate::trace::keep_line();
    let shape = exact_shape("indices", dimensions);
    let all: Vec<Array> = (0..shape.len()).map(|d| lax::broadcasted_iota(default_int(), &shape, d)).collect();
    if all.is_empty() { lax::full(&[0], 0, default_int()) } else { lax::stack(&all, 0) }
}

/// The indices of the main diagonal of an array of `ndim` dimensions of size `n`: an array for each of them.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let at = jnp::diag_indices(2, 2);
/// let x = jnp::zeros([2, 2]).at((&at[0], &at[1])).set(5.0);
/// assert_eq!(x.to_string(), "[[5. 0.]\n [0. 5.]]");
/// ```
#[track_caller]
pub fn diag_indices(n: usize, ndim: usize) -> Vec<Array> {
    vec![lax::iota(default_int(), n); ndim]
}

/// [`diag_indices`] of an array whose dimensions are all of one size.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let at = jnp::diag_indices_from(jnp::zeros([3, 3]));
/// assert_eq!((at.len(), at[0].to_vec::<i32>()), (2, vec![0, 1, 2]));
/// ```
///
/// # Panics
/// If there are fewer than two dimensions, or their sizes differ.
#[track_caller]
pub fn diag_indices_from(x: impl IntoArray) -> Vec<Array> {
    let x = x.into_array();
    let n = x.shape().first().copied().unwrap_or(0);
    if x.ndim() < 2 || x.shape().iter().any(|&d| d != n) {
        refuse!("diag_indices_from" => "takes an array of two or more dimensions of one size, got shape {}", show(x.shape()))
    }
    diag_indices(n, x.ndim())
}

fn triangle_indices(n: usize, m: usize, inside: impl Fn(i64, i64) -> bool) -> (Array, Array) {
    let all = (0..n as i64).flat_map(|i| (0..m as i64).map(move |j| (i, j)));
    let (rows, columns): (Vec<i64>, Vec<i64>) = all.filter(|&(i, j)| inside(i, j)).unzip();
    (integers(&rows), integers(&columns))
}

/// The indices (rows, columns) of the places on and below the `k`-th diagonal of an `n × m` matrix.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let (rows, columns) = jnp::tril_indices(2, 0, 3);
/// assert_eq!((rows.to_vec::<i32>(), columns.to_vec::<i32>()), (vec![0, 1, 1], vec![0, 0, 1]));
/// ```
pub fn tril_indices(n: usize, k: i64, m: usize) -> (Array, Array) {
    triangle_indices(n, m, |i, j| j <= i + k)
}

/// The indices (rows, columns) of the places on and above the `k`-th diagonal of an `n × m` matrix.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let (rows, columns) = jnp::triu_indices(3, 1, 3);
/// assert_eq!((rows.to_vec::<i32>(), columns.to_vec::<i32>()), (vec![0, 0, 1], vec![1, 2, 2]));
/// ```
pub fn triu_indices(n: usize, k: i64, m: usize) -> (Array, Array) {
    triangle_indices(n, m, |i, j| j >= i + k)
}

#[track_caller]
fn matrix_shape(name: &'static str, x: &Array) -> (usize, usize) {
    match x.shape() {
        [n, m] => (*n, *m),
        shape => refuse!(name => "takes a matrix, got shape {}", show(shape)),
    }
}

/// [`tril_indices`] of a matrix.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2], [3, 4]]);
/// let (rows, columns) = jnp::tril_indices_from(&x, 0);
/// assert_eq!(x.get((&rows, &columns)).to_vec::<i32>(), [1, 3, 4]);
/// ```
///
/// # Panics
/// If the array is no matrix.
#[track_caller]
pub fn tril_indices_from(x: impl IntoArray, k: i64) -> (Array, Array) {
    let (n, m) = matrix_shape("tril_indices_from", &x.into_array());
    tril_indices(n, k, m)
}

/// [`triu_indices`] of a matrix.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2], [3, 4]]);
/// let (rows, columns) = jnp::triu_indices_from(&x, 0);
/// assert_eq!(x.get((&rows, &columns)).to_vec::<i32>(), [1, 2, 4]);
/// ```
///
/// # Panics
/// If the array is no matrix.
#[track_caller]
pub fn triu_indices_from(x: impl IntoArray, k: i64) -> (Array, Array) {
    let (n, m) = matrix_shape("triu_indices_from", &x.into_array());
    triu_indices(n, k, m)
}

/// The indices of the places of an `n × n` matrix that a function of the matrix of ones, and of `k`, leaves nonzero.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (rows, columns) = jnp::mask_indices(2, |x: &Array, k| jnp::triu(x, k), 0);
/// assert_eq!((rows.to_vec::<i32>(), columns.to_vec::<i32>()), (vec![0, 0, 1], vec![0, 1, 1]));
/// ```
#[track_caller]
pub fn mask_indices(n: usize, mask_func: impl Fn(&Array, i64) -> Array, k: i64) -> (Array, Array) {
    let mut both = nonzero(mask_func(&super::ones((n, n)), k));
    let columns = both.pop().expect("a matrix has two dimensions");
    (both.pop().expect("a matrix has two dimensions"), columns)
}

/// The coordinates, in an array of that shape, of indices of the raveled array; those out of bounds are moved inside.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[3, 9, 1], [2, 5, 4]]);
/// let at = jnp::unravel_index(jnp::argmax(&x, ()), x.shape());
/// assert_eq!((at[0].item::<i32>(), at[1].item::<i32>()), (0, 1));
/// ```
///
/// # Panics
/// If a size is negative.
#[track_caller]
pub fn unravel_index(indices: impl IntoArray, shape: impl IntoShape) -> Vec<Array> {
    let _line = crate::trace::keep_line();
    let (mut rest, shape) = (indices.into_array(), exact_shape("unravel_index", shape));
    let mut out = vec![];
    for &n in shape.iter().rev() {
        let (above, place) = super::divmod(&rest, n as i64);
        out.push((place, n));
        rest = above;
    }
    let (above, below) = (super::greater(&rest, 0), super::less(&rest, -1));
    let inside = |(place, n): (Array, usize)| where_(&above, n as i64 - 1, where_(&below, 0, place));
    out.into_iter().rev().map(inside).collect()
}

/// The indices in the raveled array of coordinates in an array of that shape; they must be concrete and in bounds.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (rows, columns) = (Array::from([0, 1]), Array::from([2, 0]));
/// assert_eq!(jnp::ravel_multi_index(&[rows, columns], [2, 3]).to_vec::<i32>(), [2, 3]);
/// ```
///
/// # Panics
/// If there is not an integer array for every dimension, or a coordinate is out of bounds or traced.
#[track_caller]
pub fn ravel_multi_index(multi_index: &[Array], dims: impl IntoShape) -> Array {
    let shape = exact_shape("ravel_multi_index", dims);
    let advice =
        "whether it is in bounds is not known: say what happens where it is not with ravel_multi_index_mode";
    for (x, &n) in multi_index.iter().zip(&shape) {
        if let Some(i) = host(x, "an index", advice).into_iter().find(|i| !(0..n as i64).contains(i)) {
            refuse!("ravel_multi_index" => "coordinate {i} is out of bounds for a dimension of size {n}")
        }
    }
    ravel_multi_index_mode(multi_index, shape, "clip")
}

/// [`ravel_multi_index`] with a mode for what is out of bounds: `"clip"` or `"wrap"`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let at = [Array::from([5, -1]), Array::from([0, 4])];
/// assert_eq!(jnp::ravel_multi_index_mode(&at, [2, 3], "clip").to_vec::<i32>(), [3, 2]);
/// assert_eq!(jnp::ravel_multi_index_mode(&at, [2, 3], "wrap").to_vec::<i32>(), [3, 4]);
/// ```
///
/// # Panics
/// If there is not an integer array for every dimension, or the mode is another word.
#[track_caller]
pub fn ravel_multi_index_mode(multi_index: &[Array], dims: impl IntoShape, mode: &str) -> Array {
    let _line = crate::trace::keep_line();
    let shape = exact_shape("ravel_multi_index", dims);
    if multi_index.len() != shape.len() || shape.is_empty() {
        let (n, m) = (multi_index.len(), shape.len());
        refuse!("ravel_multi_index" => "there must be an index for every dimension, got {n} for {m} dimensions")
    }
    let place = |x: &Array, n: i64| match mode {
        "clip" => super::clip(x, 0, n - 1),
        "wrap" => super::remainder(x, n),
        other => refuse!("ravel_multi_index" => "the mode must be \"clip\" or \"wrap\", got \"{other}\""),
    };
    let mut stride = 1;
    let mut out: Option<Array> = None;
    for (x, &n) in multi_index.iter().zip(&shape).rev() {
        if !x.dtype().is_integer() {
            refuse!("ravel_multi_index" => "indices must be integers, got {}", numpy_name(x.dtype()))
        }
        let term = super::multiply(place(x, n as i64), stride);
        out = Some(out.map_or(term.clone(), |sum| super::add(sum, term)));
        stride *= n as i64;
    }
    out.expect("there is a dimension")
}

/// The array with `value`, over and over, on its main diagonal. JAX's `inplace=False`: arrays do not change.
///
/// ```
/// # use jacinth_frontend::{DType, numpy as jnp};
/// let x = jnp::zeros_of([2, 3], DType::I32);
/// assert_eq!(jnp::fill_diagonal(&x, 7).to_string(), "[[7 0 0]\n [0 7 0]]");
/// ```
///
/// # Panics
/// If there are fewer than two dimensions, or more whose sizes differ.
#[track_caller]
pub fn fill_diagonal(x: impl IntoArray, value: impl IntoArray) -> Array {
    let (x, value) = (x.into_array(), value.into_array());
    let n = x.shape().iter().copied().min().unwrap_or(0);
    if x.ndim() < 2 || (x.ndim() > 2 && x.shape().iter().any(|&d| d != n)) {
        refuse!("fill_diagonal" => "takes a matrix, or an array of dimensions of one size, got shape {}", show(x.shape()))
    }
    if n == 0 {
        return x;
    }
    let value = if value.ndim() == 0 { value } else { tiled(&value, n) };
    x.at(Indices::new(diag_indices(n, x.ndim()).into_iter().map(Index::Array))).set(value)
}
