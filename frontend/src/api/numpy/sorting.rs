//! Order: sorting, searching in what is sorted, sets.
//!
//! NaN is the largest number, as in NumPy. Functions whose result's size depends on values need concrete arrays; their `_size`
//! twins take the size. Sets are of one dimension.

use super::take::{one_axis, positions};
use super::{Axis, IntoArray, canonical, ravel, ufuncs::truth, where_};
use crate::api::control::fori_loop;
use crate::api::dtypes::{default_int, promote};
use crate::ir::{Array, DType};
use crate::lax;
use crate::lax::rules::{refuse, show};

fn int(value: i64) -> Array {
    Array::scalar(value, default_int(), false)
}

/// The elements along an axis, or of the raveled array for `()`, in ascending order; NaN comes last.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[3, 1, 2], [6, 5, 4]]);
/// assert_eq!(jnp::sort(&x, -1).to_string(), "[[1 2 3]\n [4 5 6]]");
/// assert_eq!(jnp::sort(&x, ()).to_vec::<i32>(), [1, 2, 3, 4, 5, 6]);
/// ```
///
/// # Panics
/// If several axes are given, or one is out of bounds.
#[track_caller]
pub fn sort(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let (x, axis) = one_axis("sort", super::atleast_1d(x), &axis.into());
    lax::sort(&x, axis)
}

/// [`sort`] in descending order: JAX's `sort` with `descending=True`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::sort_descending(Array::from([3, 1, 2]), 0).to_vec::<i32>(), [3, 2, 1]);
/// ```
///
/// # Panics
/// As [`sort`].
#[track_caller]
pub fn sort_descending(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let (x, axis) = one_axis("sort", super::atleast_1d(x), &axis.into());
    lax::rev(&lax::sort(&x, axis), &[axis])
}

/// The positions of the elements along an axis, or in the raveled array for `()`, in ascending order; equal ones keep theirs.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([30, 10, 20, 10]);
/// let order = jnp::argsort(&x, 0);
/// assert_eq!(order.to_vec::<i32>(), [1, 3, 2, 0]);
/// assert_eq!(jnp::take(&x, &order, 0).to_vec::<i32>(), [10, 10, 20, 30]);
/// ```
///
/// # Panics
/// As [`sort`].
#[track_caller]
pub fn argsort(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let (x, axis) = one_axis("argsort", super::atleast_1d(x), &axis.into());
    lax::convert_element_type(&lax::argsort(&x, axis), default_int())
}

/// [`argsort`] in descending order; equal elements keep their order.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::argsort_descending(Array::from([30, 10, 20, 10]), 0).to_vec::<i32>(), [0, 2, 1, 3]);
/// ```
///
/// # Panics
/// As [`sort`].
#[track_caller]
pub fn argsort_descending(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let (x, axis) = one_axis("argsort", super::atleast_1d(x), &axis.into());
    let n = x.shape()[axis] as i64;
    let backwards = lax::convert_element_type(&lax::argsort(&lax::rev(&x, &[axis]), axis), default_int());
    lax::rev(&lax::sub(&int(n - 1), &backwards), &[axis])
}

/// Complex numbers in ascending order of real, then imaginary parts, in one dimension; real numbers become complex.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// # use num_complex::Complex32;
/// let z = Array::from([Complex32::new(2.0, 0.0), Complex32::new(1.0, 5.0), Complex32::new(1.0, -5.0)]);
/// assert_eq!(jnp::imag(jnp::sort_complex(&z)).to_vec::<f32>(), [-5.0, 5.0, 0.0]);
/// ```
#[track_caller]
pub fn sort_complex(x: impl IntoArray) -> Array {
    let x = sort(x, ());
    if x.dtype().is_complex() {
        return x;
    }
    let real = &crate::api::dtypes::promote_inexact(&[x])[0];
    let complex = real.dtype().complex().unwrap_or(DType::C64);
    lax::convert_element_type(real, complex)
}

/// The positions along an axis that put the last key in ascending order, equal ones by the key before it, and so on.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (first_name, surname) = (Array::from([2, 1, 3]), Array::from([7, 7, 5]));
/// assert_eq!(jnp::lexsort(&[first_name, surname], -1).to_vec::<i32>(), [2, 1, 0]);
/// ```
///
/// # Panics
/// If there is no key, or the keys have different shapes.
#[track_caller]
pub fn lexsort(keys: &[Array], axis: i64) -> Array {
    let Some(first) = keys.first() else { refuse!("lexsort" => "there must be at least one key") };
    if keys.iter().any(|k| k.shape() != first.shape()) {
        let shapes: Vec<String> = keys.iter().map(|k| show(k.shape())).collect();
        refuse!("lexsort" => "keys must have the same shape, got {}", shapes.join(", "))
    }
    if first.ndim() == 0 {
        return int(0);
    }
    let axis = canonical("lexsort", axis, first.ndim());
    let mut operands: Vec<Array> = keys.iter().rev().cloned().collect();
    operands.push(lax::broadcasted_iota(default_int(), first.shape(), axis));
    lax::sort_many(&operands, axis, true, keys.len()).pop().expect("as many as operands")
}

/// An array whose largest elements `-x` has first, for unsigned integers too.
#[track_caller]
fn negated(x: &Array) -> Array {
    if x.dtype().is_unsigned() { lax::not(x) } else { lax::neg(x) }
}

#[track_caller]
fn partition_axis(name: &'static str, x: Array, kth: i64, axis: i64) -> (Array, usize, usize) {
    if x.dtype().is_complex() {
        refuse!(name => "complex numbers are not supported")
    }
    let axis = canonical(name, axis, x.ndim());
    let kth = canonical(name, kth, x.shape()[axis]);
    (super::swapaxes(x, axis as i64, -1), kth, axis)
}

/// The elements along an axis with the `kth` smallest in its place: smaller ones before it ascending, larger ones after it
/// descending.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([5, 1, 4, 2, 3]);
/// assert_eq!(jnp::partition(&x, 2, 0).to_vec::<i32>(), [1, 2, 3, 5, 4]);
/// ```
///
/// # Panics
/// If `kth` or the axis is out of bounds, or of complex numbers.
#[track_caller]
pub fn partition(x: impl IntoArray, kth: i64, axis: i64) -> Array {
    let (x, kth, axis) = partition_axis("partition", x.into_array(), kth, axis);
    let last = x.ndim() - 1;
    let bottom = negated(&lax::top_k(&negated(&x), kth + 1).0);
    let top = lax::top_k(&x, x.shape()[last] - kth - 1).0;
    super::swapaxes(lax::concatenate(&[bottom, top], last), -1, axis as i64)
}

/// The positions along an axis that put the `kth` smallest element in its place, smaller ones before it.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([5, 1, 4, 2, 3]);
/// assert_eq!(jnp::argpartition(&x, 1, 0).get(..2).to_vec::<i32>(), [1, 3]);
/// ```
///
/// # Panics
/// As [`partition`].
#[track_caller]
pub fn argpartition(x: impl IntoArray, kth: i64, axis: i64) -> Array {
    let (x, kth, axis) = partition_axis("argpartition", x.into_array(), kth, axis);
    let last = x.ndim() - 1;
    let bottom = lax::top_k(&negated(&x), kth + 1).1;
    let ones = lax::full(x.shape(), 1.0, DType::F32);
    let proxy = super::put_along_axis(ones, &bottom, 0.0, last as i64);
    let top = lax::top_k(&proxy, x.shape()[last] - kth - 1).1;
    super::swapaxes(lax::concatenate(&[bottom, top], last), -1, axis as i64)
}

/// Whether `a` stands before `b`, NaN being the largest number; with `or_equal`, or is equal to it.
#[track_caller]
fn before(a: &Array, b: &Array, or_equal: bool) -> Array {
    let plain = if or_equal { super::less_equal(a, b) } else { super::less(a, b) };
    if !a.dtype().is_float() {
        return plain;
    }
    let (a_nan, b_nan) = (lax::ne(a, a), lax::ne(b, b));
    let nan = if or_equal { b_nan } else { super::logical_and(super::logical_not(a_nan), b_nan) };
    super::logical_or(plain, nan)
}

/// The positions at which values belong into a sorted vector, before equal elements: `i32` of the shape of `values`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let sorted = Array::from([10, 20, 20, 30]);
/// assert_eq!(jnp::searchsorted(&sorted, Array::from([20, 5, 25])).to_vec::<i32>(), [1, 0, 3]);
/// ```
///
/// # Panics
/// If `sorted` is no vector.
#[track_caller]
pub fn searchsorted(sorted: impl IntoArray, values: impl IntoArray) -> Array {
    searchsorted_side(sorted, values, "left")
}

/// [`searchsorted`], before (`"left"`) or after (`"right"`) equal elements.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let sorted = Array::from([10, 20, 20, 30]);
/// assert_eq!(jnp::searchsorted_side(&sorted, 20, "right").item::<i32>(), 3);
/// ```
///
/// # Panics
/// If `sorted` is no vector, or the side another word.
#[track_caller]
pub fn searchsorted_side(sorted: impl IntoArray, values: impl IntoArray, side: &str) -> Array {
    let _line = crate::trace::keep_line();
    let or_equal = match side {
        "left" => false,
        "right" => true,
        other => refuse!("searchsorted" => "the side must be \"left\" or \"right\", got \"{other}\""),
    };
    let both = promote(&[sorted.into_array(), values.into_array()]);
    let (sorted, values) = (&both[0], &both[1]);
    if sorted.ndim() != 1 {
        refuse!("searchsorted" => "takes a sorted vector, got shape {}", show(sorted.shape()))
    }
    let n = sorted.size();
    // With x64 too, as in JAX.
    let index = if n < i32::MAX as usize { DType::I32 } else { default_int() };
    // Whether an element stands before the place of a value.
    let goes_left = |element: &Array, value: &Array| {
        if or_equal { before(element, value, true) } else { before(element, value, false) }
    };
    if n * values.size() <= 1 << 16 {
        let column = lax::expand_dims(values, &[values.ndim()]);
        let passed = goes_left(sorted, &column);
        return lax::reduce_sum(&lax::convert_element_type(&passed, index), &[values.ndim()]);
    }
    let rounds = n.ilog2() as i64 + 1;
    let start =
        (lax::full(values.shape(), 0, default_int()), lax::full(values.shape(), n as i64, default_int()));
    let halve = |_: Array, (low, high): (Array, Array)| {
        let middle = lax::div(&lax::add(&low, &high), &int(2));
        let passed = goes_left(&sorted.get(&middle), values);
        let open = lax::lt(&low, &high);
        let up = lax::and(&open, &passed);
        let down = lax::and(&open, &lax::not(&passed));
        (lax::select(&up, &lax::add(&middle, &int(1)), &low), lax::select(&down, &middle, &high))
    };
    lax::convert_element_type(&fori_loop(0, rounds, halve, start).0, index)
}

/// The number of the bin in which each element lies, of bins whose borders ascend or descend; a border belongs to the bin above
/// it, or with `right` below it. 0 is before the first border.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, bins) = (Array::from([0.5f32, 1.0, 9.0]), Array::from([1.0f32, 2.0]));
/// assert_eq!(jnp::digitize(&x, &bins, false).to_vec::<i32>(), [0, 1, 2]);
/// assert_eq!(jnp::digitize(&x, &bins, true).to_vec::<i32>(), [0, 0, 2]);
/// ```
///
/// # Panics
/// If `bins` is no vector.
#[track_caller]
pub fn digitize(x: impl IntoArray, bins: impl IntoArray, right: bool) -> Array {
    let (x, bins) = (x.into_array(), bins.into_array());
    if bins.ndim() != 1 {
        refuse!("digitize" => "bins must be a vector, got shape {}", show(bins.shape()))
    }
    let n = bins.size() as i64;
    if n == 0 {
        return lax::full(x.shape(), 0, DType::I32);
    }
    let side = if right { "left" } else { "right" };
    let ascending = super::greater_equal(bins.get(-1), bins.get(0));
    let up = searchsorted_side(&bins, &x, side);
    let down = super::subtract(n, searchsorted_side(lax::rev(&bins, &[0]), &x, side));
    where_(ascending, up, down)
}

/// The distinct elements of an array, with what [`unique_all`] says of them.
#[derive(Clone, Debug)]
pub struct Unique {
    /// The distinct elements in ascending order.
    pub values: Array,
    /// The position of each one's first occurrence in the raveled array.
    pub indices: Array,
    /// For every element of the array the position of its value, in the array's shape.
    pub inverse_indices: Array,
    /// How often each one occurs.
    pub counts: Array,
}

/// The elements in ascending order, their positions, and which ones are first of their kind; NaNs are all one, or all distinct.
#[track_caller]
fn runs(x: &Array, equal_nan: bool) -> (Array, Array, Array) {
    let n = x.size();
    let mut both = lax::sort_many(&[x.clone(), lax::iota(default_int(), n)], 0, true, 1);
    let places = both.pop().expect("two");
    let sorted = both.pop().expect("two");
    if n == 0 {
        return (sorted, places, lax::full(&[0], true, DType::I1));
    }
    let (high, low) =
        (lax::slice_in_dim(&sorted, 1, None, 1, 0), lax::slice_in_dim(&sorted, 0, Some(n as i64 - 1), 1, 0));
    let mut differ = lax::ne(&high, &low);
    if equal_nan && (sorted.dtype().is_float() || sorted.dtype().is_complex()) {
        let both_nan = lax::and(&lax::ne(&high, &high), &lax::ne(&low, &low));
        differ = lax::and(&differ, &lax::not(&both_nan));
    }
    (sorted, places, lax::concatenate(&[lax::full(&[1], true, DType::I1), differ], 0))
}

#[track_caller]
fn distinct(x: impl IntoArray, equal_nan: bool) -> Array {
    let (sorted, _, first) = runs(&ravel(x), equal_nan);
    super::compress(first, sorted, 0)
}

/// The distinct elements in ascending order, all NaNs being one; the array must be concrete.
///
/// [`unique_size`] is for traced arrays, [`unique_all`] has JAX's `return_…`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[3, 1], [1, 2]]);
/// assert_eq!(jnp::unique(&x).to_vec::<i32>(), [1, 2, 3]);
/// ```
///
/// # Panics
/// If the array is traced.
#[track_caller]
pub fn unique(x: impl IntoArray) -> Array {
    distinct(x, true)
}

/// The first `size` distinct elements in ascending order; where there are fewer, the fill value, or the smallest for `None`.
///
/// ```
/// # use jacinth_frontend::{Array, jit, numpy as jnp};
/// let f = jit(|x: &Array| jnp::unique_size(x, 4, Some(Array::from(-1))));
/// assert_eq!(f(&Array::from([3, 1, 1, 2])).to_vec::<i32>(), [1, 2, 3, -1]);
/// ```
#[track_caller]
pub fn unique_size(x: impl IntoArray, size: usize, fill_value: Option<Array>) -> Array {
    described(x.into_array(), size, fill_value, true).values
}

/// The distinct elements, every NaN being its own, where each is first, which one each element is, and how often each occurs; the
/// array must be concrete.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let all = jnp::unique_all(Array::from([30, 10, 30]));
/// assert_eq!((all.values.to_vec::<i32>(), all.counts.to_vec::<i32>()), (vec![10, 30], vec![1, 2]));
/// assert_eq!((all.indices.to_vec::<i32>(), all.inverse_indices.to_vec::<i32>()), (vec![1, 0], vec![1, 0, 1]));
/// ```
///
/// # Panics
/// If the array is traced.
#[track_caller]
pub fn unique_all(x: impl IntoArray) -> Unique {
    let x = x.into_array();
    let (_, _, first) = runs(&ravel(&x), false);
    let size = super::nonzero(first)[0].size();
    unique_all_size(x, size, None)
}

/// [`unique_all`] of the first `size` distinct elements, for traced arrays; what there is not occurs 0 times.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let all = jnp::unique_all_size(Array::from([30, 10, 30]), 3, None);
/// assert_eq!((all.values.to_vec::<i32>(), all.counts.to_vec::<i32>()), (vec![10, 30, 10], vec![1, 2, 0]));
/// ```
#[track_caller]
pub fn unique_all_size(x: impl IntoArray, size: usize, fill_value: Option<Array>) -> Unique {
    described(x.into_array(), size, fill_value, false)
}

#[track_caller]
fn described(x: Array, size: usize, fill_value: Option<Array>, equal_nan: bool) -> Unique {
    let _line = crate::trace::keep_line();
    let flat = ravel(&x);
    let n = flat.size();
    let (sorted, places, first) = runs(&flat, equal_nan);
    if n == 0 {
        let fill = fill_value.unwrap_or_else(|| Array::scalar(0, x.dtype(), false));
        let none = lax::full(&[size], 0, default_int());
        return Unique {
            values: super::full_of(size, fill, x.dtype()),
            indices: none.clone(),
            inverse_indices: lax::full(x.shape(), 0, default_int()),
            counts: none,
        };
    }
    let at = positions(&first, size);
    let found = lax::lt(&at, &int(n as i64));
    let place = where_(&found, &at, int(0));
    let fill = fill_value.map_or_else(|| sorted.get(0), |f| lax::convert_element_type(&f, x.dtype()));
    let rank = lax::sub(&super::cumsum(lax::convert_element_type(&first, default_int()), 0), &int(1));
    let inverse = lax::full(&[n], 0, default_int()).at(&places).unique_indices(true).set(rank);
    // A run ends where the next begins.
    let next = lax::slice_in_dim(&positions(&first, size + 1), 1, None, 1, 0);
    Unique {
        values: where_(&found, sorted.get(&place), fill),
        indices: places.get(&place),
        inverse_indices: inverse.reshape(x.shape()),
        counts: where_(&found, lax::sub(&next, &at), int(0)),
    }
}

/// The distinct elements, every NaN being its own; the array must be concrete.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([f32::NAN, 1.0, f32::NAN]);
/// assert_eq!(jnp::unique_values(&x).to_string(), "[ 1. nan nan]");
/// assert_eq!(jnp::unique(&x).to_string(), "[ 1. nan]");
/// ```
///
/// # Panics
/// If the array is traced.
#[track_caller]
pub fn unique_values(x: impl IntoArray) -> Array {
    distinct(x, false)
}

/// The distinct elements and how often each occurs; the array must be concrete.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (values, counts) = jnp::unique_counts(Array::from([2, 1, 2, 2]));
/// assert_eq!((values.to_vec::<i32>(), counts.to_vec::<i32>()), (vec![1, 2], vec![1, 3]));
/// ```
///
/// # Panics
/// If the array is traced.
#[track_caller]
pub fn unique_counts(x: impl IntoArray) -> (Array, Array) {
    let all = unique_all(x);
    (all.values, all.counts)
}

/// The distinct elements and which one each element is, in the array's shape; the array must be concrete.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([30, 10, 30]);
/// let (values, inverse) = jnp::unique_inverse(&x);
/// assert_eq!(values.get(&inverse).to_vec::<i32>(), x.to_vec::<i32>());
/// ```
///
/// # Panics
/// If the array is traced.
#[track_caller]
pub fn unique_inverse(x: impl IntoArray) -> (Array, Array) {
    let all = unique_all(x);
    (all.values, all.inverse_indices)
}

/// Two vectors one after the other.
#[track_caller]
fn joined(x: impl IntoArray, y: impl IntoArray) -> Array {
    super::concatenate(&[ravel(x), ravel(y)], 0)
}

/// The distinct elements of both, in ascending order; the arrays must be concrete.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::union1d(Array::from([3, 1]), Array::from([2, 3])).to_vec::<i32>(), [1, 2, 3]);
/// ```
///
/// # Panics
/// If an array is traced.
#[track_caller]
pub fn union1d(x: impl IntoArray, y: impl IntoArray) -> Array {
    unique(joined(x, y))
}

/// The first `size` distinct elements of both; where there are fewer, the fill value, or the smallest for `None`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let out = jnp::union1d_size(Array::from([3, 1]), Array::from([2, 3]), 5, Some(Array::from(0)));
/// assert_eq!(out.to_vec::<i32>(), [1, 2, 3, 0, 0]);
/// ```
#[track_caller]
pub fn union1d_size(x: impl IntoArray, y: impl IntoArray, size: usize, fill_value: Option<Array>) -> Array {
    unique_size(joined(x, y), size, fill_value)
}

/// The distinct elements that are in both, in ascending order; the arrays must be concrete.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::intersect1d(Array::from([3, 1, 1]), Array::from([1, 2, 3])).to_vec::<i32>(), [1, 3]);
/// ```
///
/// # Panics
/// If an array is traced.
#[track_caller]
pub fn intersect1d(x: impl IntoArray, y: impl IntoArray) -> Array {
    let both = promote(&[unique(x), unique(y)]);
    super::compress(isin(&both[0], &both[1]), &both[0], 0)
}

/// The distinct elements of the first that are not in the second, in ascending order; the arrays must be concrete.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::setdiff1d(Array::from([5, 3, 1, 5]), Array::from([1, 2])).to_vec::<i32>(), [3, 5]);
/// ```
///
/// # Panics
/// If an array is traced.
#[track_caller]
pub fn setdiff1d(x: impl IntoArray, y: impl IntoArray) -> Array {
    let x = unique(x);
    super::compress(lax::not(&isin(&x, y)), &x, 0)
}

/// The distinct elements that are in exactly one of both, in ascending order; the arrays must be concrete.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::setxor1d(Array::from([1, 2, 3]), Array::from([3, 4])).to_vec::<i32>(), [1, 2, 4]);
/// ```
///
/// # Panics
/// If an array is traced.
#[track_caller]
pub fn setxor1d(x: impl IntoArray, y: impl IntoArray) -> Array {
    let both = promote(&[unique(x), unique(y)]);
    let only = |a: &Array, b: &Array| super::compress(lax::not(&isin(a, b)), a, 0);
    lax::sort(&joined(only(&both[0], &both[1]), only(&both[1], &both[0])), 0)
}

/// The first `size` distinct elements of the first that are not in the second; the fill value where there are fewer.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let out = jnp::setdiff1d_size(Array::from([5, 3, 1, 5]), Array::from([1, 2]), 3, -1);
/// assert_eq!(out.to_vec::<i32>(), [3, 5, -1]);
/// ```
#[track_caller]
pub fn setdiff1d_size(
    x: impl IntoArray,
    y: impl IntoArray,
    size: usize,
    fill_value: impl IntoArray,
) -> Array {
    let _line = crate::trace::keep_line();
    let x = ravel(x);
    select_distinct(&x, |sorted| lax::not(&isin(sorted, y)), size, fill_value)
}

/// The first `size` distinct elements that are in both; the fill value where there are fewer.
///
/// ```
/// # use jacinth_frontend::{Array, jit, numpy as jnp};
/// let f = jit(|x: &Array, y: &Array| jnp::intersect1d_size(x, y, 3, 0));
/// assert_eq!(f(&Array::from([3, 1, 1]), &Array::from([1, 2, 3])).to_vec::<i32>(), [1, 3, 0]);
/// ```
#[track_caller]
pub fn intersect1d_size(
    x: impl IntoArray,
    y: impl IntoArray,
    size: usize,
    fill_value: impl IntoArray,
) -> Array {
    let _line = crate::trace::keep_line();
    let both = promote(&[ravel(x), ravel(y)]);
    select_distinct(&both[0], |sorted| isin(sorted, &both[1]), size, fill_value)
}

/// The first `size` distinct elements that are in exactly one of both; the fill value where there are fewer.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let out = jnp::setxor1d_size(Array::from([1, 2, 3]), Array::from([3, 4]), 4, 0);
/// assert_eq!(out.to_vec::<i32>(), [1, 2, 4, 0]);
/// ```
#[track_caller]
pub fn setxor1d_size(x: impl IntoArray, y: impl IntoArray, size: usize, fill_value: impl IntoArray) -> Array {
    let _line = crate::trace::keep_line();
    let both = promote(&[ravel(x), ravel(y)]);
    let one = |sorted: &Array| lax::xor(&isin(sorted, &both[0]), &isin(sorted, &both[1]));
    select_distinct(&joined(&both[0], &both[1]), one, size, fill_value)
}

/// The first `size` distinct elements of a vector for which a condition holds.
#[track_caller]
fn select_distinct(
    x: &Array,
    condition: impl FnOnce(&Array) -> Array,
    size: usize,
    fill_value: impl IntoArray,
) -> Array {
    let (sorted, _, first) = runs(x, true);
    let chosen = lax::and(&first, &truth(condition(&sorted)));
    super::extract_size(chosen, sorted, size, fill_value)
}

/// Whether each element is among others: booleans in the shape of `elements`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2], [3, 4]]);
/// assert_eq!(jnp::isin(&x, Array::from([2, 3, 9])).to_string(), "[[False  True]\n [ True False]]");
/// ```
#[track_caller]
pub fn isin(elements: impl IntoArray, test_elements: impl IntoArray) -> Array {
    let both = promote(&[elements.into_array(), ravel(test_elements)]);
    let (x, among) = (&both[0], &both[1]);
    if x.size() == 0 || among.size() == 0 {
        return lax::full(x.shape(), false, DType::I1);
    }
    super::any(super::equal(lax::expand_dims(x, &[x.ndim()]), among), -1)
}
