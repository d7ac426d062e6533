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
    crate::trace::with_trace(crate::trace::current(), Some(crate::trace::here()), || f(x, axes))
}

#[track_caller]
fn accumulate(name: &'static str, x: Array, axis: Axis, f: Reduce) -> Array {
    let axes = axis.resolve(name, x.ndim());
    let dtype = if x.dtype().is_boolean() || x.dtype().is_integer() { wide(x.dtype()) } else { x.dtype() };
    let x = if dtype == x.dtype() { x } else { lax::convert_element_type(&x, dtype) };
    let out = lax::convert_weakly(&reduced(f, &upcast(&x), &axes), dtype, x.weak_type());
    restore(out, &axis, x.ndim(), &axes)
}

/// The sum over axes.
#[track_caller]
pub fn sum(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    accumulate("sum", x.into_array(), axis.into(), lax::reduce_sum)
}

/// The product over axes.
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

/// The largest element over axes; NaN if there is one.
#[track_caller]
pub fn max(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    extremum("max", x.into_array(), axis.into(), lax::reduce_max)
}

/// The smallest element over axes; NaN if there is one.
#[track_caller]
pub fn min(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    extremum("min", x.into_array(), axis.into(), lax::reduce_min)
}

/// The largest element over axes; NaN if there is one.
#[track_caller]
pub fn amax(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    max(x, axis)
}

/// The smallest element over axes; NaN if there is one.
#[track_caller]
pub fn amin(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    min(x, axis)
}

/// The largest minus the smallest element over axes.
#[track_caller]
pub fn ptp(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let (x, axis) = (x.into_array(), axis.into());
    lax::sub(&max(&x, axis.clone()), &min(&x, axis))
}

/// Whether all elements over axes are nonzero.
#[track_caller]
pub fn all(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let (x, axis) = (truth(x.into_array()), axis.into());
    let axes = axis.resolve("all", x.ndim());
    restore(lax::reduce_and(&x, &axes), &axis, x.ndim(), &axes)
}

/// Whether an element over axes is nonzero.
#[track_caller]
pub fn any(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let (x, axis) = (truth(x.into_array()), axis.into());
    let axes = axis.resolve("any", x.ndim());
    restore(lax::reduce_or(&x, &axes), &axis, x.ndim(), &axes)
}

/// How many elements over axes are nonzero.
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
    // A function that is passed on does not see who called; its errors must name the user's line nevertheless.
    let source = crate::trace::here();
    let f = |x: &Array, axis: usize, dtype: DType| {
        crate::trace::with_trace(crate::trace::current(), Some(source), || f(x, axis, dtype))
    };
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
#[track_caller]
pub fn argmax(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    arg_extremum("argmax", x, axis.into(), lax::argmax)
}

/// The index of the first smallest element, or of the first NaN, along an axis; of the raveled array for `()`.
#[track_caller]
pub fn argmin(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    arg_extremum("argmin", x, axis.into(), lax::argmin)
}

/// How many elements a reduction over axes takes together.
fn count(x: &Array, axes: &[usize]) -> f64 {
    axes.iter().map(|&a| x.shape()[a]).product::<usize>() as f64
}

/// The mean over axes, as a floating number.
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

/// The mean over axes; with weights, the weighted one is `sum(x · w) / sum(w)`.
#[track_caller]
pub fn average(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    mean(x, axis)
}

/// The variance over axes: the mean squared distance from the mean.
#[track_caller]
pub fn var(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    var_ddof(x, axis, 0)
}

/// The variance over axes with `n - ddof` in the denominator.
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
#[track_caller]
pub fn std(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    lax::sqrt(&var(x, axis))
}

/// The standard deviation over axes with `n - ddof` in the denominator.
#[track_caller]
pub fn std_ddof(x: impl IntoArray, axis: impl Into<Axis>, ddof: i64) -> Array {
    lax::sqrt(&var_ddof(x, axis, ddof))
}

/// The sum over axes of what is not NaN.
#[track_caller]
pub fn nansum(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    sum(without_nan(x.into_array(), 0.0), axis)
}

/// The product over axes of what is not NaN.
#[track_caller]
pub fn nanprod(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    prod(without_nan(x.into_array(), 1.0), axis)
}

/// The largest over axes of what is not NaN; NaN where nothing is left.
#[track_caller]
pub fn nanmax(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    nan_extremum(x.into_array(), axis.into(), f64::NEG_INFINITY, |x, axis| max(x, axis))
}

/// The smallest over axes of what is not NaN; NaN where nothing is left.
#[track_caller]
pub fn nanmin(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    nan_extremum(x.into_array(), axis.into(), f64::INFINITY, |x, axis| min(x, axis))
}

/// The mean over axes of what is not NaN.
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
    if !x.dtype().is_float() {
        return f(x, axis);
    }
    let nothing = all(lax::ne(&x, &x), axis.clone());
    where_(nothing, f64::NAN, f(without_nan(x, worst), axis))
}

/// The running sum along an axis, of the raveled array for `()`.
#[track_caller]
pub fn cumsum(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    run("cumsum", x.into_array(), &axis.into(), lax::cumsum)
}

/// The running product along an axis, of the raveled array for `()`.
#[track_caller]
pub fn cumprod(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    run("cumprod", x.into_array(), &axis.into(), lax::cumprod)
}

#[track_caller]
fn run(name: &'static str, x: Array, axis: &Axis, f: fn(&Array, usize, bool) -> Array) -> Array {
    let (x, axis) = one_axis(name, x, axis);
    let dtype = if x.dtype().is_boolean() { default_int() } else { x.dtype() };
    let x = lax::convert_weakly(&x, dtype, x.weak_type());
    crate::trace::with_trace(crate::trace::current(), Some(crate::trace::here()), || f(&x, axis, false))
}

/// Whether all elements are close; see [`super::isclose`].
#[track_caller]
pub fn allclose(x: impl IntoArray, y: impl IntoArray) -> Array {
    all(super::isclose(x, y), ())
}

/// [`allclose`] with tolerances.
#[track_caller]
pub fn allclose_with(x: impl IntoArray, y: impl IntoArray, rtol: f64, atol: f64) -> Array {
    all(super::isclose_with(x, y, rtol, atol), ())
}

/// [`allclose_with`], NaN being close to NaN.
#[track_caller]
pub fn allclose_equal_nan(x: impl IntoArray, y: impl IntoArray, rtol: f64, atol: f64) -> Array {
    all(super::isclose_equal_nan(x, y, rtol, atol), ())
}

/// Whether shapes and all elements are equal.
#[track_caller]
pub fn array_equal(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = (x.into_array(), y.into_array());
    if x.shape() != y.shape() {
        return Array::scalar(false, DType::I1, false);
    }
    all(super::equal(x, y), ())
}

/// [`array_equal`], NaN being equal to NaN.
#[track_caller]
pub fn array_equal_nan(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = (x.into_array(), y.into_array());
    if x.shape() != y.shape() {
        return Array::scalar(false, DType::I1, false);
    }
    let both_nan = super::logical_and(super::isnan(&x), super::isnan(&y));
    all(super::logical_or(super::equal(x, y), both_nan), ())
}

/// Whether the shapes broadcast and all elements are equal then.
#[track_caller]
pub fn array_equiv(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = (x.into_array(), y.into_array());
    let fits = x.shape().iter().rev().zip(y.shape().iter().rev()).all(|(a, b)| a == b || *a == 1 || *b == 1);
    if !fits {
        return Array::scalar(false, DType::I1, false);
    }
    all(super::equal(x, y), ())
}

/// The running sum along an axis; with `include_initial` it begins with 0.
#[track_caller]
pub fn cumulative_sum(x: impl IntoArray, axis: i64, include_initial: bool) -> Array {
    running(x.into_array(), axis, include_initial, 0, |x, axis| cumsum(x, axis))
}

/// The running product along an axis; with `include_initial` it begins with 1.
#[track_caller]
pub fn cumulative_prod(x: impl IntoArray, axis: i64, include_initial: bool) -> Array {
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
    /// The sum over axes of the elements where the mask is nonzero.
    sum_where = sum or 0;
    /// The product over axes of the elements where the mask is nonzero.
    prod_where = prod or 1;
    /// Whether all elements over axes where the mask is nonzero are.
    all_where = all or true;
    /// Whether an element over axes where the mask is nonzero is.
    any_where = any or false;
}

/// The mean over axes of the elements where the mask is nonzero.
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
#[track_caller]
pub fn std_where(x: impl IntoArray, axis: impl Into<Axis>, mask: impl IntoArray, ddof: i64) -> Array {
    lax::sqrt(&var_where(x, axis, mask, ddof))
}

/// The largest over axes of `initial` and the elements where the mask is nonzero.
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

/// The smallest over axes of `initial` and the elements where the mask is nonzero.
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
