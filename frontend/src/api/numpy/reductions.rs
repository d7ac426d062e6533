//! Functions over axes: sums, means, extrema, and what is built on them.
//!
//! Sums of booleans and narrow integers are taken in the default integer, sums of 16-bit floats in single precision. Of no
//! elements: the sum is 0, the product 1, the mean NaN; extrema are refused.

use super::take::one_axis;
use super::{Axis, IntoArray, canonical, reshape, ufuncs::truth, where_};
use crate::api::dtypes::{default_int, inexact, promote_inexact};
use crate::ir::{Array, DType};
use crate::lax::{self, rules::refuse};

/// What is left of an array after a reduction, with reduced dimensions of size 1 where they are kept.
#[track_caller]
fn restore(out: Array, axis: &Axis, rank: usize, axes: &[usize]) -> Array {
    if !axis.keepdims {
        return out;
    }
    debug_assert_eq!(out.ndim() + axes.len(), rank);
    lax::expand_dims(&out, axes)
}

/// The dtype in which an integer or boolean is summed.
fn wide(dtype: DType) -> DType {
    let default = default_int();
    if dtype.is_boolean() || dtype.is_signed() && dtype.bits() < default.bits() {
        default
    } else if dtype.is_unsigned() && dtype.bits() < default.bits() {
        if default == DType::I64 { DType::UI64 } else { DType::UI32 }
    } else {
        dtype
    }
}

/// Sixteen-bit floats are summed in single precision.
#[track_caller]
fn upcast(x: &Array) -> Array {
    match x.dtype() {
        DType::F16 | DType::BF16 => lax::convert_element_type(x, DType::F32),
        _ => x.clone(),
    }
}

/// A reduction that is passed on; it does not see who called, and its errors must name the user's line nevertheless.
type Reduce = fn(&Array, &[usize]) -> Array;

#[track_caller]
fn reduced(f: Reduce, x: &Array, axes: &[usize]) -> Array {
    let _line = crate::trace::keep_line();
    f(x, axes)
}

#[track_caller]
fn accumulate(name: &'static str, x: Array, axis: Axis, f: Reduce) -> Array {
    let axes = axis.resolve(name, x.ndim());
    let dtype = if x.dtype().is_boolean() || x.dtype().is_integer() { wide(x.dtype()) } else { x.dtype() };
    let x = if dtype == x.dtype() { x } else { lax::convert_element_type(&x, dtype) };
    let out = lax::convert_weakly(&reduced(f, &upcast(&x), &axes), dtype, x.weak_type());
    restore(out, &axis, x.ndim(), &axes)
}

/// The sum over axes. Booleans and narrow integers are summed as default integers.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2, 3], [4, 5, 6]]);
/// assert_eq!(jnp::sum(&x, 0).to_vec::<i32>(), [5, 7, 9]);
/// assert_eq!(jnp::sum(&x, jnp::keepdims(1)).to_string(), "[[ 6]\n [15]]");
/// assert_eq!(jnp::sum(x.gt(2), ()).item::<i32>(), 4);
/// ```
///
/// # Panics
/// If an axis is out of bounds or named twice.
#[track_caller]
pub fn sum(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    accumulate("sum", x.into_array(), axis.into(), lax::reduce_sum)
}

/// The product over axes. Booleans and narrow integers are multiplied as default integers.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2, 3], [4, 5, 6]]);
/// assert_eq!(jnp::prod(&x, 1).to_vec::<i32>(), [6, 120]);
/// ```
///
/// # Panics
/// If an axis is out of bounds or named twice.
#[track_caller]
pub fn prod(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    accumulate("prod", x.into_array(), axis.into(), lax::reduce_prod)
}

#[track_caller]
fn extremum(name: &'static str, x: Array, axis: Axis, f: Reduce) -> Array {
    let axes = axis.resolve(name, x.ndim());
    if axes.iter().any(|&a| x.shape()[a] == 0) {
        refuse!(name => "zero-size array has no {name}imum, got shape {}", lax::rules::show(x.shape()))
    }
    restore(reduced(f, &x, &axes), &axis, x.ndim(), &axes)
}

/// The largest element over axes; NaN if there is one. [`maximum`](super::maximum) compares two arrays.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 7], [5, 2]]);
/// assert_eq!(jnp::max(&x, ()).item::<i32>(), 7);
/// assert_eq!(jnp::max(&x, 0).to_vec::<i32>(), [5, 7]);
/// ```
///
/// # Panics
/// If there is no element; [`max_where`] takes a least one.
#[track_caller]
pub fn max(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    extremum("max", x.into_array(), axis.into(), lax::reduce_max)
}

/// The smallest element over axes; NaN if there is one. [`minimum`](super::minimum) compares two arrays.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1.0f32, 7.0], [f32::NAN, 2.0]]);
/// assert_eq!(jnp::min(&x, 1).to_string(), "[ 1. nan]");
/// ```
///
/// # Panics
/// If there is no element; [`min_where`] takes a greatest one.
#[track_caller]
pub fn min(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    extremum("min", x.into_array(), axis.into(), lax::reduce_min)
}

/// The largest element over axes: NumPy's other name of [`max`].
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::amax(Array::from([[1, 7], [5, 2]]), -1).to_vec::<i32>(), [7, 5]);
/// ```
///
/// # Panics
/// As [`max`].
#[track_caller]
pub fn amax(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    max(x, axis)
}

/// The smallest element over axes: NumPy's other name of [`min`].
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::amin(Array::from([[1, 7], [5, 2]]), -1).to_vec::<i32>(), [1, 2]);
/// ```
///
/// # Panics
/// As [`min`].
#[track_caller]
pub fn amin(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    min(x, axis)
}

/// The largest minus the smallest element over axes ("peak to peak").
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::ptp(Array::from([[1, 7], [5, 2]]), 1).to_vec::<i32>(), [6, 3]);
/// ```
///
/// # Panics
/// If there is no element, or of booleans.
#[track_caller]
pub fn ptp(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let (x, axis) = (x.into_array(), axis.into());
    lax::sub(&max(&x, axis.clone()), &min(&x, axis))
}

/// Whether all elements over axes are nonzero; true of none.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 0], [2, 3]]);
/// assert_eq!(jnp::all(&x, 1).to_vec::<bool>(), [false, true]);
/// ```
#[track_caller]
pub fn all(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let (x, axis) = (truth(x.into_array()), axis.into());
    let axes = axis.resolve("all", x.ndim());
    restore(lax::reduce_and(&x, &axes), &axis, x.ndim(), &axes)
}

/// Whether an element over axes is nonzero; false of none.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[0, 0], [0, 3]]);
/// assert_eq!(jnp::any(&x, 0).to_vec::<bool>(), [false, true]);
/// assert!(jnp::any(x.gt(2), ()).item::<bool>());
/// ```
#[track_caller]
pub fn any(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let (x, axis) = (truth(x.into_array()), axis.into());
    let axes = axis.resolve("any", x.ndim());
    restore(lax::reduce_or(&x, &axes), &axis, x.ndim(), &axes)
}

/// How many elements over axes are nonzero.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1.5f32, 0.0], [2.0, 3.0]]);
/// assert_eq!(jnp::count_nonzero(&x, 1).to_vec::<i32>(), [1, 2]);
/// ```
#[track_caller]
pub fn count_nonzero(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    sum(truth(x.into_array()), axis)
}

#[track_caller]
fn arg_extremum(
    name: &'static str,
    x: impl IntoArray,
    axis: Axis,
    f: impl Fn(&Array, usize, DType) -> Array,
) -> Array {
    let x = x.into_array();
    let rank = x.ndim();
    // A function that is passed on does not see who called.
    let _line = crate::trace::keep_line();
    if axis.axes.is_none() {
        let flat = lax::reshape(&x, &[x.size()]);
        let out = f(&flat, 0, default_int());
        return if axis.keepdims { reshape(&out, vec![1i64; rank]) } else { out };
    }
    let axes = axis.resolve(name, rank);
    let [one] = axes[..] else { refuse!(name => "takes one axis or all, got {}", lax::rules::show(&axes)) };
    restore(f(&x, one, default_int()), &axis, rank, &axes)
}

/// The index of the first largest element, or of the first NaN, along an axis; of the raveled array for `()`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 7, 7], [9, 5, 2]]);
/// assert_eq!(jnp::argmax(&x, 1).to_vec::<i32>(), [1, 0]);
/// assert_eq!(jnp::argmax(&x, ()).item::<i32>(), 3);
/// ```
///
/// # Panics
/// If there is no element, or several axes are given.
#[track_caller]
pub fn argmax(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    arg_extremum("argmax", x, axis.into(), lax::argmax)
}

/// The index of the first smallest element, or of the first NaN, along an axis; of the raveled array for `()`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[3.0f32, 1.0], [f32::NAN, 0.0]]);
/// assert_eq!(jnp::argmin(&x, 1).to_vec::<i32>(), [1, 0]);
/// ```
///
/// # Panics
/// If there is no element, or several axes are given.
#[track_caller]
pub fn argmin(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    arg_extremum("argmin", x, axis.into(), lax::argmin)
}

/// How many elements a reduction over axes takes together.
fn count(x: &Array, axes: &[usize]) -> f64 {
    axes.iter().map(|&a| x.shape()[a]).product::<usize>() as f64
}

/// The mean over axes, as a floating number; NaN of no elements.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2], [3, 6]]);
/// assert_eq!(jnp::mean(&x, ()).item::<f32>(), 3.0);
/// assert_eq!(jnp::mean(&x, 0).to_vec::<f32>(), [2.0, 4.0]);
/// ```
#[track_caller]
pub fn mean(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    mean_of(x.into_array(), axis.into())
}

#[track_caller]
fn mean_of(x: Array, axis: Axis) -> Array {
    let axes = axis.resolve("mean", x.ndim());
    let dtype = inexact(x.dtype());
    let wide = upcast(&lax::convert_weakly(&x, dtype, x.weak_type()));
    let total = restore(lax::reduce_sum(&wide, &axes), &axis, x.ndim(), &axes);
    let mean = lax::div(&total, &Array::scalar(count(&x, &axes), wide.dtype(), false));
    lax::convert_element_type(&mean, dtype)
}

/// The mean over axes: the same as [`mean`]. [`average_weights`](super::average_weights) takes JAX's `weights`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::average(Array::from([[1, 2], [3, 6]]), 1).to_vec::<f32>(), [1.5, 4.5]);
/// ```
#[track_caller]
pub fn average(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    mean(x, axis)
}

/// The variance over axes: the mean squared distance from the mean, real of complex numbers too.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 3], [2, 6]]);
/// assert_eq!(jnp::var(&x, 1).to_vec::<f32>(), [1.0, 4.0]);
/// ```
#[track_caller]
pub fn var(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    var_ddof(x, axis, 0)
}

/// The variance over axes with `n - ddof` in the denominator; NaN where that is not positive.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1, 2, 3]);
/// assert_eq!(jnp::var_ddof(&x, (), 1).item::<f32>(), 1.0);
/// ```
#[track_caller]
pub fn var_ddof(x: impl IntoArray, axis: impl Into<Axis>, ddof: i64) -> Array {
    let (x, axis) = (promote_inexact(&[x.into_array()]).remove(0), axis.into());
    let axes = axis.resolve("var", x.ndim());
    let wide = upcast(&x);
    let scalar = |value: f64| Array::scalar(value, wide.dtype().real(), false);
    let n = count(&x, &axes);
    let total = lax::expand_dims(&lax::reduce_sum(&wide, &axes), &axes);
    let mean = lax::div(&total, &lax::convert_element_type(&scalar(n), wide.dtype()));
    let centred = lax::sub(&wide, &mean);
    let squares = if wide.dtype().is_complex() {
        lax::real(&lax::mul(&centred, &lax::conj(&centred)))
    } else {
        lax::square(&centred)
    };
    let n = n - ddof as f64;
    let total = restore(lax::reduce_sum(&squares, &axes), &axis, x.ndim(), &axes);
    let out = if n > 0.0 { lax::div(&total, &scalar(n)) } else { lax::full_like(&total, f64::NAN) };
    lax::convert_element_type(&out, x.dtype().real())
}

/// The standard deviation over axes: the root of the variance.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 3], [2, 6]]);
/// assert_eq!(jnp::std(&x, 1).to_vec::<f32>(), [1.0, 2.0]);
/// ```
#[track_caller]
pub fn std(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    lax::sqrt(&var(x, axis))
}

/// The standard deviation over axes with `n - ddof` in the denominator; see [`var_ddof`].
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([0, 2, 2, 4]);
/// assert_eq!(jnp::std_ddof(&x, (), 1).round_to(3).item::<f32>(), 1.633);
/// ```
#[track_caller]
pub fn std_ddof(x: impl IntoArray, axis: impl Into<Axis>, ddof: i64) -> Array {
    lax::sqrt(&var_ddof(x, axis, ddof))
}

/// The sum over axes of what is not NaN; 0 where nothing is left.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1.0f32, f32::NAN], [2.0, 3.0]]);
/// assert_eq!(jnp::nansum(&x, 1).to_vec::<f32>(), [1.0, 5.0]);
/// ```
#[track_caller]
pub fn nansum(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    sum(without_nan(x.into_array(), 0.0), axis)
}

/// The product over axes of what is not NaN; 1 where nothing is left.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[2.0f32, f32::NAN], [2.0, 3.0]]);
/// assert_eq!(jnp::nanprod(&x, 0).to_vec::<f32>(), [4.0, 3.0]);
/// ```
#[track_caller]
pub fn nanprod(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    prod(without_nan(x.into_array(), 1.0), axis)
}

/// The largest over axes of what is not NaN; NaN where nothing is left.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1.0f32, f32::NAN], [f32::NAN, f32::NAN]]);
/// assert_eq!(jnp::nanmax(&x, 1).to_string(), "[ 1. nan]");
/// ```
///
/// # Panics
/// If there is no element.
#[track_caller]
pub fn nanmax(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let _line = crate::trace::keep_line();
    nan_extremum(x.into_array(), axis.into(), f64::NEG_INFINITY, |x, axis| max(x, axis))
}

/// The smallest over axes of what is not NaN; NaN where nothing is left.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([f32::NAN, 3.0, 2.0]);
/// assert_eq!(jnp::nanmin(&x, ()).item::<f32>(), 2.0);
/// ```
///
/// # Panics
/// If there is no element.
#[track_caller]
pub fn nanmin(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let _line = crate::trace::keep_line();
    nan_extremum(x.into_array(), axis.into(), f64::INFINITY, |x, axis| min(x, axis))
}

/// The mean over axes of what is not NaN; NaN where nothing is left.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1.0f32, f32::NAN], [2.0, 4.0]]);
/// assert_eq!(jnp::nanmean(&x, 1).to_vec::<f32>(), [1.0, 3.0]);
/// ```
#[track_caller]
pub fn nanmean(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let (x, axis) = (x.into_array(), axis.into());
    if !x.dtype().is_float() {
        return mean(x, axis);
    }
    let count = sum(lax::eq(&x, &x), axis.clone());
    let total = nansum(&x, axis);
    lax::div(&total, &lax::convert_element_type(&count, total.dtype()))
}

#[track_caller]
fn without_nan(x: Array, instead: f64) -> Array {
    if x.dtype().is_float() { where_(lax::ne(&x, &x), instead, &x) } else { x }
}

#[track_caller]
fn nan_extremum(x: Array, axis: Axis, worst: f64, f: impl Fn(Array, Axis) -> Array) -> Array {
    let _line = crate::trace::keep_line();
    if !x.dtype().is_float() {
        return f(x, axis);
    }
    let nothing = all(lax::ne(&x, &x), axis.clone());
    where_(nothing, f64::NAN, f(without_nan(x, worst), axis))
}

/// The running sum along an axis, of the raveled array for `()`, in its dtype; booleans are counted as default integers.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2], [3, 4]]);
/// assert_eq!(jnp::cumsum(&x, 1).to_string(), "[[1 3]\n [3 7]]");
/// assert_eq!(jnp::cumsum(&x, ()).to_vec::<i32>(), [1, 3, 6, 10]);
/// ```
///
/// # Panics
/// If several axes are given.
#[track_caller]
pub fn cumsum(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    run("cumsum", x.into_array(), &axis.into(), lax::cumsum)
}

/// The running product along an axis, of the raveled array for `()`, in its dtype.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2], [3, 4]]);
/// assert_eq!(jnp::cumprod(&x, 0).to_string(), "[[1 2]\n [3 8]]");
/// ```
///
/// # Panics
/// If several axes are given.
#[track_caller]
pub fn cumprod(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    run("cumprod", x.into_array(), &axis.into(), lax::cumprod)
}

#[track_caller]
fn run(name: &'static str, x: Array, axis: &Axis, f: fn(&Array, usize, bool) -> Array) -> Array {
    let (x, axis) = one_axis(name, x, axis);
    let dtype = if x.dtype().is_boolean() { default_int() } else { x.dtype() };
    let x = lax::convert_weakly(&x, dtype, x.weak_type());
    let _line = crate::trace::keep_line();
    f(&x, axis, false)
}

/// Whether all elements are close, as one boolean; see [`isclose`](super::isclose).
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1.0f32, 2.0]);
/// assert!(jnp::allclose(&x * 1.000001, &x).item::<bool>());
/// ```
///
/// # Panics
/// If the shapes do not broadcast.
#[track_caller]
pub fn allclose(x: impl IntoArray, y: impl IntoArray) -> Array {
    all(super::isclose(x, y), ())
}

/// [`allclose`] with tolerances: `|x - y| ≤ atol + rtol · |y|`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1.0f32, 2.0]);
/// assert!(jnp::allclose_with(&x + 0.01, &x, 0.0, 0.02).item::<bool>());
/// assert!(!jnp::allclose_with(&x + 0.01, &x, 0.0, 0.001).item::<bool>());
/// ```
///
/// # Panics
/// If the shapes do not broadcast.
#[track_caller]
pub fn allclose_with(x: impl IntoArray, y: impl IntoArray, rtol: f64, atol: f64) -> Array {
    all(super::isclose_with(x, y, rtol, atol), ())
}

/// [`allclose_with`], NaN being close to NaN.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1.0f32, f32::NAN]);
/// assert!(!jnp::allclose(&x, &x).item::<bool>());
/// assert!(jnp::allclose_equal_nan(&x, &x, 1e-5, 1e-8).item::<bool>());
/// ```
///
/// # Panics
/// If the shapes do not broadcast.
#[track_caller]
pub fn allclose_equal_nan(x: impl IntoArray, y: impl IntoArray, rtol: f64, atol: f64) -> Array {
    all(super::isclose_equal_nan(x, y, rtol, atol), ())
}

/// Whether shapes and all elements are equal, as one boolean.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1, 1]);
/// assert!(jnp::array_equal(&x, Array::from([1.0f32, 1.0])).item::<bool>());
/// assert!(!jnp::array_equal(&x, 1).item::<bool>());
/// ```
#[track_caller]
pub fn array_equal(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = (x.into_array(), y.into_array());
    if x.shape() != y.shape() {
        return Array::scalar(false, DType::I1, false);
    }
    all(super::equal(x, y), ())
}

/// [`array_equal`], NaN being equal to NaN.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1.0f32, f32::NAN]);
/// assert!(!jnp::array_equal(&x, &x).item::<bool>());
/// assert!(jnp::array_equal_nan(&x, &x).item::<bool>());
/// ```
#[track_caller]
pub fn array_equal_nan(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = (x.into_array(), y.into_array());
    if x.shape() != y.shape() {
        return Array::scalar(false, DType::I1, false);
    }
    let both_nan = super::logical_and(super::isnan(&x), super::isnan(&y));
    all(super::logical_or(super::equal(x, y), both_nan), ())
}

/// Whether the shapes broadcast and all elements are equal then, as one boolean.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert!(jnp::array_equiv(Array::from([[1, 2], [1, 2]]), Array::from([1, 2])).item::<bool>());
/// assert!(!jnp::array_equiv(Array::from([1, 2, 3]), Array::from([1, 2])).item::<bool>());
/// ```
#[track_caller]
pub fn array_equiv(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = (x.into_array(), y.into_array());
    let fits = x.shape().iter().rev().zip(y.shape().iter().rev()).all(|(a, b)| a == b || *a == 1 || *b == 1);
    if !fits {
        return Array::scalar(false, DType::I1, false);
    }
    all(super::equal(x, y), ())
}

/// The running sum along an axis; with `include_initial` it begins with 0 and has one element more.
///
/// Narrow integers are summed as default integers, unlike by [`cumsum`].
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1, 2, 3]);
/// assert_eq!(jnp::cumulative_sum(&x, 0, true).to_vec::<i32>(), [0, 1, 3, 6]);
/// ```
///
/// # Panics
/// If the axis is out of bounds.
#[track_caller]
pub fn cumulative_sum(x: impl IntoArray, axis: i64, include_initial: bool) -> Array {
    let _line = crate::trace::keep_line();
    running(x.into_array(), axis, include_initial, 0, |x, axis| cumsum(x, axis))
}

/// The running product along an axis; with `include_initial` it begins with 1 and has one element more.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[2, 3], [4, 5]]);
/// assert_eq!(jnp::cumulative_prod(&x, 1, true).to_string(), "[[ 1  2  6]\n [ 1  4 20]]");
/// ```
///
/// # Panics
/// If the axis is out of bounds.
#[track_caller]
pub fn cumulative_prod(x: impl IntoArray, axis: i64, include_initial: bool) -> Array {
    let _line = crate::trace::keep_line();
    running(x.into_array(), axis, include_initial, 1, |x, axis| cumprod(x, axis))
}

#[track_caller]
fn running(
    x: Array,
    axis: i64,
    include_initial: bool,
    initial: i64,
    f: impl Fn(Array, i64) -> Array,
) -> Array {
    let axis = canonical("cumulative_sum", axis, x.ndim());
    // Narrow integers are taken in the default integer, unlike by `cumsum`.
    let dtype = if x.dtype().is_boolean() || x.dtype().is_integer() { wide(x.dtype()) } else { x.dtype() };
    let out = f(lax::convert_element_type(&x, dtype), axis as i64);
    if !include_initial {
        return out;
    }
    let mut shape = out.shape().to_vec();
    shape[axis] = 1;
    lax::concatenate(&[lax::full(&shape, initial, dtype), out], axis)
}

/// Reductions of the elements where a mask is nonzero.
macro_rules! masked {
    ($($(#[$doc:meta])* $name:ident = $function:ident or $instead:expr;)*) => {$(
        $(#[$doc])*
        #[track_caller]
        pub fn $name(x: impl IntoArray, axis: impl Into<Axis>, mask: impl IntoArray) -> Array {
            $function(where_(mask, x, $instead), axis)
        }
    )*};
}

masked! {
    /// The sum over axes of the elements where the mask, which broadcasts to the array, is nonzero: JAX's `sum` with `where`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([[1, -2], [3, 4]]);
    /// assert_eq!(jnp::sum_where(&x, 1, x.gt(0)).to_vec::<i32>(), [1, 7]);
    /// ```
    sum_where = sum or 0;
    /// The product over axes of the elements where the mask, which broadcasts to the array, is nonzero: JAX's `prod` with `where`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([[2, 0], [3, 4]]);
    /// assert_eq!(jnp::prod_where(&x, (), x.not_equal(0)).item::<i32>(), 24);
    /// ```
    prod_where = prod or 1;
    /// Whether all elements over axes where the mask is nonzero are: JAX's `all` with `where`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([[1, 0], [0, 4]]);
    /// assert_eq!(jnp::all_where(&x, 1, Array::from([true, false])).to_vec::<bool>(), [true, false]);
    /// ```
    all_where = all or true;
    /// Whether an element over axes where the mask is nonzero is: JAX's `any` with `where`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([[1, 0], [0, 4]]);
    /// assert_eq!(jnp::any_where(&x, 1, Array::from([true, false])).to_vec::<bool>(), [true, false]);
    /// ```
    any_where = any or false;
}

/// The mean over axes of the elements where the mask is nonzero; NaN where there is none. JAX's `mean` with `where`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 3], [5, 100]]);
/// assert_eq!(jnp::mean_where(&x, 1, x.lt(50)).to_vec::<f32>(), [2.0, 5.0]);
/// ```
///
/// # Panics
/// If the mask does not broadcast to the array.
#[track_caller]
pub fn mean_where(x: impl IntoArray, axis: impl Into<Axis>, mask: impl IntoArray) -> Array {
    let (x, axis) = (promote_inexact(&[x.into_array()]).remove(0), axis.into());
    let mask = super::broadcast_to(truth(mask.into_array()), x.shape());
    let count = sum(&mask, axis.clone());
    let wide = upcast(&x);
    let total = sum(where_(&mask, &wide, 0), axis);
    lax::convert_element_type(&lax::div(&total, &lax::convert_element_type(&count, total.dtype())), x.dtype())
}

/// The variance over axes of the elements where the mask is nonzero, with their number minus `ddof` in the denominator.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1, 3, 100]);
/// assert_eq!(jnp::var_where(&x, (), x.lt(50), 0).item::<f32>(), 1.0);
/// ```
///
/// # Panics
/// If the mask does not broadcast to the array.
#[track_caller]
pub fn var_where(x: impl IntoArray, axis: impl Into<Axis>, mask: impl IntoArray, ddof: i64) -> Array {
    let (x, axis) = (promote_inexact(&[x.into_array()]).remove(0), axis.into());
    let mask = super::broadcast_to(truth(mask.into_array()), x.shape());
    let wide = upcast(&x);
    let mean = mean_where(&wide, super::keepdims(axis.clone()), &mask);
    let centred = super::subtract(&wide, mean);
    let squares = if wide.dtype().is_complex() {
        lax::real(&lax::mul(&centred, &lax::conj(&centred)))
    } else {
        lax::square(&centred)
    };
    let total = sum_where(squares, axis.clone(), &mask);
    let count = lax::convert_element_type(&sum(&mask, axis), total.dtype());
    let rest = super::subtract(count, ddof);
    let out = where_(rest.gt(0), lax::div(&total, &rest), f64::NAN);
    lax::convert_element_type(&out, x.dtype().real())
}

/// The standard deviation over axes of the elements where the mask is nonzero; see [`var_where`].
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([2, 6, 100]);
/// assert_eq!(jnp::std_where(&x, (), x.lt(50), 0).item::<f32>(), 2.0);
/// ```
///
/// # Panics
/// If the mask does not broadcast to the array.
#[track_caller]
pub fn std_where(x: impl IntoArray, axis: impl Into<Axis>, mask: impl IntoArray, ddof: i64) -> Array {
    lax::sqrt(&var_where(x, axis, mask, ddof))
}

/// The largest over axes of `initial` and the elements where the mask is nonzero: JAX's `max` with `initial` and `where`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 90], [70, 80]]);
/// assert_eq!(jnp::max_where(&x, 1, x.lt(50), 0).to_vec::<i32>(), [1, 0]);
/// ```
///
/// # Panics
/// If there is no element.
#[track_caller]
pub fn max_where(
    x: impl IntoArray,
    axis: impl Into<Axis>,
    mask: impl IntoArray,
    initial: impl IntoArray,
) -> Array {
    let (x, initial, axis) = (x.into_array(), initial.into_array(), axis.into());
    super::maximum(&initial, max(where_(mask, &x, &initial), axis))
}

/// The smallest over axes of `initial` and the elements where the mask is nonzero: JAX's `min` with `initial` and `where`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 90], [70, 80]]);
/// assert_eq!(jnp::min_where(&x, 1, x.gt(50), 99).to_vec::<i32>(), [90, 70]);
/// ```
///
/// # Panics
/// If there is no element.
#[track_caller]
pub fn min_where(
    x: impl IntoArray,
    axis: impl Into<Axis>,
    mask: impl IntoArray,
    initial: impl IntoArray,
) -> Array {
    let (x, initial, axis) = (x.into_array(), initial.into_array(), axis.into());
    super::minimum(&initial, min(where_(mask, &x, &initial), axis))
}
