//! Statistics: quantiles, histograms, covariance, and reductions that skip NaN or take weights.

use super::take::one_axis;
use super::{Axis, IntoArray, broadcast_to, keepdims, ravel, searchsorted_side, where_};
use crate::api::dtypes::{default_int, promote_inexact};
use crate::ir::{Array, DType};
use crate::lax;
use crate::lax::rules::{refuse, show};

#[track_caller]
fn nan(x: &Array) -> Array {
    if x.dtype().is_float() || x.dtype().is_complex() {
        lax::ne(x, x)
    } else {
        lax::full(x.shape(), false, DType::I1)
    }
}

/// The `q`-quantile (or quantiles: the first dimension) over axes, between neighbours in proportion; NaN if there is one.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1.0f32, 2.0, 4.0], [10.0, 20.0, 40.0]]);
/// assert_eq!(jnp::quantile(&x, 0.75, 1).to_vec::<f32>(), [3.0, 30.0]);
/// assert_eq!(jnp::quantile(&x, Array::from([0.0f32, 1.0]), 1).to_string(), "[[ 1. 10.]\n [ 4. 40.]]");
/// ```
///
/// # Panics
/// If there is no element, `q` has more than one dimension, or of complex numbers.
#[track_caller]
pub fn quantile(x: impl IntoArray, q: impl IntoArray, axis: impl Into<Axis>) -> Array {
    quantile_method(x, q, axis, "linear")
}

/// [`quantile`] with a method: `"linear"`, `"lower"`, `"higher"`, `"midpoint"`, `"nearest"`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1.0f32, 2.0, 4.0]);
/// assert_eq!(jnp::quantile_method(&x, 0.7, (), "lower").item::<f32>(), 2.0);
/// assert_eq!(jnp::quantile_method(&x, 0.7, (), "midpoint").item::<f32>(), 3.0);
/// ```
///
/// # Panics
/// As [`quantile`], or if the method is another word.
#[track_caller]
pub fn quantile_method(x: impl IntoArray, q: impl IntoArray, axis: impl Into<Axis>, method: &str) -> Array {
    quantiles(x.into_array(), q.into_array(), axis.into(), method, false)
}

/// [`quantile`] of what is not NaN.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1.0f32, f32::NAN, 3.0]);
/// assert_eq!(jnp::nanquantile(&x, 0.25, ()).item::<f32>(), 1.5);
/// ```
///
/// # Panics
/// As [`quantile`].
#[track_caller]
pub fn nanquantile(x: impl IntoArray, q: impl IntoArray, axis: impl Into<Axis>) -> Array {
    quantiles(x.into_array(), q.into_array(), axis.into(), "linear", true)
}

/// [`quantile_method`] of what is not NaN.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1.0f32, f32::NAN, 3.0]);
/// assert_eq!(jnp::nanquantile_method(&x, 0.25, (), "higher").item::<f32>(), 3.0);
/// ```
///
/// # Panics
/// As [`quantile_method`].
#[track_caller]
pub fn nanquantile_method(
    x: impl IntoArray,
    q: impl IntoArray,
    axis: impl Into<Axis>,
    method: &str,
) -> Array {
    quantiles(x.into_array(), q.into_array(), axis.into(), method, true)
}

/// [`quantile`] with `q` in percent.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([0, 10, 20]);
/// assert_eq!(jnp::percentile(&x, Array::from([25, 50]), ()).to_vec::<f32>(), [5.0, 10.0]);
/// ```
///
/// # Panics
/// As [`quantile`].
#[track_caller]
pub fn percentile(x: impl IntoArray, q: impl IntoArray, axis: impl Into<Axis>) -> Array {
    quantile(x, super::divide(q, 100), axis)
}

/// [`quantile_method`] with `q` in percent.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::percentile_method(Array::from([0, 10, 20]), 30, (), "nearest").item::<f32>(), 10.0);
/// ```
///
/// # Panics
/// As [`quantile_method`].
#[track_caller]
pub fn percentile_method(x: impl IntoArray, q: impl IntoArray, axis: impl Into<Axis>, method: &str) -> Array {
    quantile_method(x, super::divide(q, 100), axis, method)
}

/// [`nanquantile`] with `q` in percent.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[0.0f32, 10.0], [f32::NAN, 4.0]]);
/// assert_eq!(jnp::nanpercentile(&x, 50, 1).to_vec::<f32>(), [5.0, 4.0]);
/// ```
///
/// # Panics
/// As [`quantile`].
#[track_caller]
pub fn nanpercentile(x: impl IntoArray, q: impl IntoArray, axis: impl Into<Axis>) -> Array {
    nanquantile(x, super::divide(q, 100), axis)
}

/// [`nanquantile_method`] with `q` in percent.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([0.0f32, f32::NAN, 10.0]);
/// assert_eq!(jnp::nanpercentile_method(&x, 50, (), "lower").item::<f32>(), 0.0);
/// ```
///
/// # Panics
/// As [`quantile_method`].
#[track_caller]
pub fn nanpercentile_method(
    x: impl IntoArray,
    q: impl IntoArray,
    axis: impl Into<Axis>,
    method: &str,
) -> Array {
    nanquantile_method(x, super::divide(q, 100), axis, method)
}

/// The middle element over axes in ascending order, or the mean of the two in the middle; NaN if there is one.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[3, 1, 2], [60, 40, 50]]);
/// assert_eq!(jnp::median(&x, 1).to_vec::<f32>(), [2.0, 50.0]);
/// assert_eq!(jnp::median(&x, ()).item::<f32>(), 21.5);
/// ```
///
/// # Panics
/// If there is no element, or of complex numbers.
#[track_caller]
pub fn median(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    quantiles(x.into_array(), 0.5.into_array(), axis.into(), "midpoint", false)
}

/// [`median`] of what is not NaN.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([f32::NAN, 1.0, 2.0, 9.0]);
/// assert_eq!(jnp::nanmedian(&x, ()).item::<f32>(), 2.0);
/// ```
///
/// # Panics
/// As [`median`].
#[track_caller]
pub fn nanmedian(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    quantiles(x.into_array(), 0.5.into_array(), axis.into(), "midpoint", true)
}

#[track_caller]
fn quantiles(x: Array, q: Array, axis: Axis, method: &str, skip_nan: bool) -> Array {
    let _line = crate::trace::keep_line();
    let (x, q) = (promote_inexact(&[x]).remove(0), promote_inexact(&[q]).remove(0));
    if x.dtype().is_complex() || q.ndim() > 1 {
        let (a, b) = (x.aval(), q.aval());
        refuse!("quantile" => "takes real numbers and at most a vector of quantiles, got {a} and {b}")
    }
    let axes = axis.resolve("quantile", x.ndim());
    // The reduced dimensions become the first one.
    let kept = lax::rules::remaining(x.ndim(), &axes);
    let order: Vec<usize> = axes.iter().chain(&kept).copied().collect();
    let rest: Vec<usize> = kept.iter().map(|&d| x.shape()[d]).collect();
    let n: usize = axes.iter().map(|&d| x.shape()[d]).product();
    if n == 0 {
        refuse!("quantile" => "there is no quantile of nothing, got shape {}", show(x.shape()))
    }
    let flat_shape: Vec<usize> = [n].into_iter().chain(rest.iter().copied()).collect();
    let flat = lax::reshape(&lax::transpose(&x, &order), &flat_shape);
    let real = |v: f64| Array::scalar(v, q.dtype(), false);
    // Quantiles stand before the dimensions that are left.
    let out_rank = q.ndim() + rest.len();
    let wide_q = lax::expand_dims(&q, &(q.ndim()..out_rank).collect::<Vec<_>>());
    let (sorted, last) = if skip_nan {
        let present = lax::convert_element_type(&lax::not(&nan(&flat)), q.dtype());
        let last = super::subtract(super::sum(present, 0), real(1.0));
        (lax::sort(&flat, 0), lax::expand_dims(&last, &(0..q.ndim()).collect::<Vec<_>>()))
    } else {
        let spoiled = super::any(nan(&flat), keepdims(0));
        (lax::sort(&where_(spoiled, f64::NAN, &flat), 0), real(n as f64 - 1.0))
    };
    let at = super::multiply(wide_q, &last);
    let (low, high) = (lax::floor(&at), lax::ceil(&at));
    let high_weight = lax::sub(&at, &low);
    let low_weight = lax::sub(&real(1.0), &high_weight);
    let pick = |place: &Array| {
        let inside = super::maximum(0.0, super::minimum(place, &last));
        let place = lax::convert_element_type(&inside, default_int());
        let shape: Vec<usize> = q.shape().iter().chain(&rest).copied().collect();
        let place = broadcast_to(place, &shape);
        let rows = if q.ndim() == 0 { lax::expand_dims(&place, &[0]) } else { place };
        let taken = super::take_along_axis_mode(&sorted, rows, 0, "promise_in_bounds");
        if q.ndim() == 0 { lax::squeeze(&taken, &[0]) } else { taken }
    };
    let (low_value, high_value) = (pick(&low), pick(&high));
    let out = match method {
        "linear" => {
            let wide = |v: &Array| lax::convert_element_type(v, q.dtype());
            super::add(
                super::multiply(wide(&low_value), low_weight),
                super::multiply(wide(&high_value), high_weight),
            )
        }
        "lower" => low_value,
        "higher" => high_value,
        "nearest" => where_(super::less_equal(high_weight, 0.5), low_value, high_value),
        "midpoint" => super::multiply(super::add(low_value, high_value), 0.5),
        other => refuse!(
            "quantile" => "the method must be linear, lower, higher, midpoint or nearest, got \"{other}\""
        ),
    };
    let out = lax::convert_element_type(&out, x.dtype());
    if axis.keepdims {
        lax::expand_dims(&out, &axes.iter().map(|d| d + q.ndim()).collect::<Vec<_>>())
    } else {
        out
    }
}

/// The weighted mean over axes: `sum(x · w) / sum(w)`; weights of one dimension belong to the one axis.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2], [3, 8]]);
/// let w = Array::from([3, 1]);
/// assert_eq!(jnp::average_weights(&x, 1, &w).to_vec::<f32>(), [1.25, 4.25]);
/// ```
///
/// # Panics
/// If the weights have neither the array's shape nor that of one axis.
#[track_caller]
pub fn average_weights(x: impl IntoArray, axis: impl Into<Axis>, weights: impl IntoArray) -> Array {
    let both = promote_inexact(&[x.into_array(), weights.into_array()]);
    let (x, mut weights, axis) = (&both[0], both[1].clone(), axis.into());
    if weights.shape() != x.shape() {
        let axes = axis.resolve("average", x.ndim());
        let [one] = axes[..] else {
            let (a, b) = (show(x.shape()), show(weights.shape()));
            refuse!("average" => "weights of another shape need one axis, got shapes {a} and {b}")
        };
        if weights.shape() != [x.shape()[one]] {
            let (a, b) = (show(x.shape()), show(weights.shape()));
            refuse!("average" => "weights of shape {b} do not fit axis {one} of shape {a}")
        }
        weights = lax::broadcast_in_dim(&weights, x.shape(), &[one]);
    }
    let total = super::sum(&weights, axis.clone());
    lax::div(&super::sum(lax::mul(x, &weights), axis), &total)
}

/// The variance over axes of what is not NaN, with `n - ddof` in the denominator; NaN where that is not positive.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1.0f32, f32::NAN, 3.0]);
/// assert_eq!(jnp::nanvar_ddof(&x, (), 1).item::<f32>(), 2.0);
/// ```
#[track_caller]
pub fn nanvar_ddof(x: impl IntoArray, axis: impl Into<Axis>, ddof: i64) -> Array {
    let (x, axis) = (promote_inexact(&[x.into_array()]).remove(0), axis.into());
    let dtype = x.dtype();
    let wide = match dtype {
        DType::F16 | DType::BF16 => lax::convert_element_type(&x, DType::F32),
        _ => x,
    };
    let absent = nan(&wide);
    let mean = super::nanmean(&wide, keepdims(axis.clone()));
    let centred = where_(&absent, 0, super::subtract(&wide, mean));
    let squares = if wide.dtype().is_complex() {
        lax::real(&lax::mul(&centred, &lax::conj(&centred)))
    } else {
        lax::square(&centred)
    };
    let count = super::sum(lax::not(&absent), axis.clone());
    let rest = super::subtract(count, ddof);
    let total = super::sum(squares, axis);
    let out = super::divide(&total, lax::convert_element_type(&rest, total.dtype()));
    let out = where_(super::less_equal(rest, 0), f64::NAN, out);
    lax::convert_element_type(&out, dtype.real())
}

/// The variance over axes of what is not NaN.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1.0f32, f32::NAN, 3.0], [5.0, 5.0, 5.0]]);
/// assert_eq!(jnp::nanvar(&x, 1).to_vec::<f32>(), [1.0, 0.0]);
/// ```
#[track_caller]
pub fn nanvar(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    nanvar_ddof(x, axis, 0)
}

/// The standard deviation over axes of what is not NaN.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([2.0f32, f32::NAN, 6.0]);
/// assert_eq!(jnp::nanstd(&x, ()).item::<f32>(), 2.0);
/// ```
#[track_caller]
pub fn nanstd(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    lax::sqrt(&nanvar(x, axis))
}

#[track_caller]
fn nan_arg(x: Array, axis: Axis, worst: f64, f: impl Fn(Array, Axis) -> Array) -> Array {
    let _line = crate::trace::keep_line();
    if !x.dtype().is_float() {
        return f(x, axis);
    }
    let absent = nan(&x);
    let nothing = match axis.axes {
        None => super::all(&absent, if axis.keepdims { keepdims(()) } else { ().into() }),
        Some(_) => super::all(&absent, axis.clone()),
    };
    where_(nothing, -1, f(where_(absent, worst, &x), axis))
}

/// The index of the first largest element along an axis that is not NaN; -1 where all are.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[f32::NAN, 1.0, 3.0], [f32::NAN, f32::NAN, f32::NAN]]);
/// assert_eq!(jnp::nanargmax(&x, 1).to_vec::<i32>(), [2, -1]);
/// ```
///
/// # Panics
/// If there is no element, or several axes are given.
#[track_caller]
pub fn nanargmax(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let _line = crate::trace::keep_line();
    nan_arg(x.into_array(), axis.into(), f64::NEG_INFINITY, |x, axis| super::argmax(x, axis))
}

/// The index of the first smallest element along an axis that is not NaN; -1 where all are.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([f32::NAN, 3.0, 1.0]);
/// assert_eq!(jnp::nanargmin(&x, ()).item::<i32>(), 2);
/// ```
///
/// # Panics
/// If there is no element, or several axes are given.
#[track_caller]
pub fn nanargmin(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let _line = crate::trace::keep_line();
    nan_arg(x.into_array(), axis.into(), f64::INFINITY, |x, axis| super::argmin(x, axis))
}

/// The running sum along an axis, of the raveled array for `()`, NaN counting as 0.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1.0f32, f32::NAN, 2.0]);
/// assert_eq!(jnp::nancumsum(&x, 0).to_vec::<f32>(), [1.0, 1.0, 3.0]);
/// ```
///
/// # Panics
/// If several axes are given.
#[track_caller]
pub fn nancumsum(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let x = x.into_array();
    let (x, axis) = one_axis("nancumsum", x, &axis.into());
    super::cumsum(where_(nan(&x), 0, &x), axis as i64)
}

/// The running product along an axis, of the raveled array for `()`, NaN counting as 1.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[2.0f32, f32::NAN], [4.0, 3.0]]);
/// assert_eq!(jnp::nancumprod(&x, 1).to_string(), "[[ 2.  2.]\n [ 4. 12.]]");
/// ```
///
/// # Panics
/// If several axes are given.
#[track_caller]
pub fn nancumprod(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let x = x.into_array();
    let (x, axis) = one_axis("nancumprod", x, &axis.into());
    super::cumprod(where_(nan(&x), 1, &x), axis as i64)
}

/// How often each number below the largest one and itself occurs; the array must be concrete.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::bincount(Array::from([1, 3, 1, 0])).to_vec::<i32>(), [1, 2, 0, 1]);
/// ```
///
/// # Panics
/// If the array is no vector of integers, or is traced; in traced code use [`bincount_length`].
#[track_caller]
pub fn bincount(x: impl IntoArray) -> Array {
    let x = x.into_array();
    let advice = "the size of the result depends on it: give one with bincount_length";
    let longest =
        super::take::host(&x, "a largest number", advice).into_iter().max().map_or(0, |m| m.max(0) + 1);
    bincount_length(x, longest as usize, None)
}

/// How often each number below `length` occurs, or the sum of its weights; negative numbers count as 0, larger ones not at all.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, w) = (Array::from([1, 3, 1, 7]), Array::from([0.5f32, 1.0, 0.25, 9.0]));
/// assert_eq!(jnp::bincount_length(&x, 4, Some(&w)).to_vec::<f32>(), [0.0, 0.75, 0.0, 1.0]);
/// ```
///
/// # Panics
/// If the array is no vector of integers, or the weights have another shape.
#[track_caller]
pub fn bincount_length(x: impl IntoArray, length: usize, weights: Option<&Array>) -> Array {
    let x = x.into_array();
    let x = if x.dtype().is_boolean() { lax::convert_element_type(&x, DType::I32) } else { x };
    if x.ndim() != 1 || !x.dtype().is_integer() {
        refuse!("bincount" => "takes a vector of integers, got {}", x.aval())
    }
    let one = Array::scalar(1, default_int(), false);
    let weights = weights.unwrap_or(&one);
    if weights.ndim() != 0 && weights.shape() != x.shape() {
        let (a, b) = (show(x.shape()), show(weights.shape()));
        refuse!("bincount" => "weights must have the shape of the numbers, got {a} and {b}")
    }
    lax::full(&[length], 0, weights.dtype()).at(super::maximum(x, 0)).mode("drop").add(weights)
}

/// The borders of bins, or how many there are.
#[derive(Clone, Debug)]
pub enum Bins {
    /// That many of one width between the smallest and the largest element.
    Count(usize),
    /// Between these borders.
    Edges(Array),
}

impl From<usize> for Bins {
    fn from(count: usize) -> Bins {
        Bins::Count(count)
    }
}

impl From<i32> for Bins {
    fn from(count: i32) -> Bins {
        Bins::Count(count.max(0) as usize)
    }
}

impl From<Array> for Bins {
    fn from(edges: Array) -> Bins {
        Bins::Edges(edges)
    }
}

impl From<&Array> for Bins {
    fn from(edges: &Array) -> Bins {
        Bins::Edges(edges.clone())
    }
}

/// What [`histogram_with`] is told beside the bins.
#[derive(Clone, Debug, Default)]
pub struct HistogramOptions {
    /// Where the first bin begins and the last ends, instead of at the smallest and the largest element.
    pub range: Option<(f64, f64)>,
    /// What each element counts.
    pub weights: Option<Array>,
    /// Whether counts are divided so that the area is 1.
    pub density: bool,
}

/// The borders of the bins of [`histogram`]: one more than there are bins.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1.0f32, 2.0, 5.0]);
/// assert_eq!(jnp::histogram_bin_edges(&x, 4, None).to_vec::<f32>(), [1.0, 2.0, 3.0, 4.0, 5.0]);
/// assert_eq!(jnp::histogram_bin_edges(&x, 2, Some((0.0, 10.0))).to_vec::<f32>(), [0.0, 5.0, 10.0]);
/// ```
#[track_caller]
pub fn histogram_bin_edges(x: impl IntoArray, bins: impl Into<Bins>, range: Option<(f64, f64)>) -> Array {
    let x = promote_inexact(&[x.into_array()]).remove(0);
    let count = match bins.into() {
        Bins::Edges(edges) => return lax::convert_element_type(&edges, x.dtype()),
        Bins::Count(count) => count,
    };
    let (low, high) = match range {
        Some((low, high)) => {
            let scalar = |v: f64| Array::scalar(v, x.dtype(), false);
            (scalar(low), scalar(high))
        }
        None if x.size() == 0 => {
            let scalar = |v: f64| Array::scalar(v, x.dtype(), false);
            (scalar(0.0), scalar(1.0))
        }
        None => (super::min(&x, ()), super::max(&x, ())),
    };
    let flat = super::equal(&low, &high);
    let low_end = where_(&flat, super::subtract(&low, 0.5), &low);
    let high_end = where_(&flat, super::add(&high, 0.5), &high);
    super::linspace(low_end, high_end, count + 1)
}

/// How many elements lie in each bin, and the bins' borders; the last border belongs to the last bin.
///
/// `bins` is their number or their borders; counts are floating numbers.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([0.0f32, 1.0, 1.5, 4.0]);
/// let (counts, edges) = jnp::histogram(&x, 2);
/// assert_eq!((counts.to_vec::<f32>(), edges.to_vec::<f32>()), (vec![3.0, 1.0], vec![0.0, 2.0, 4.0]));
/// assert_eq!(jnp::histogram(&x, Array::from([1.0f32, 2.0])).0.to_vec::<f32>(), [2.0]);
/// ```
#[track_caller]
pub fn histogram(x: impl IntoArray, bins: impl Into<Bins>) -> (Array, Array) {
    histogram_with(x, bins, HistogramOptions::default())
}

/// [`histogram`] with range, weights, density.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// # use jnp::HistogramOptions;
/// let options = HistogramOptions { range: Some((0.0, 4.0)), density: true, ..Default::default() };
/// let (density, _) = jnp::histogram_with(Array::from([0.5f32, 1.0, 3.0, 1.0]), 2, options);
/// assert_eq!(density.to_vec::<f32>(), [0.375, 0.125]);
/// ```
///
/// # Panics
/// If the weights have another shape than the array.
#[track_caller]
pub fn histogram_with(x: impl IntoArray, bins: impl Into<Bins>, options: HistogramOptions) -> (Array, Array) {
    let x = x.into_array();
    let (x, weights) = match options.weights {
        None => {
            let x = promote_inexact(&[x]).remove(0);
            let ones = super::ones_like(&x);
            (x, ones)
        }
        Some(weights) => {
            if weights.shape() != x.shape() {
                let (a, b) = (show(x.shape()), show(weights.shape()));
                refuse!("histogram" => "weights must have the shape of the array, got {a} and {b}")
            }
            let mut both = promote_inexact(&[x, weights]);
            let weights = both.pop().expect("two");
            (both.pop().expect("two"), weights)
        }
    };
    let (x, weights) = (ravel(x), ravel(weights));
    let edges = histogram_bin_edges(&x, bins, options.range);
    let n = edges.size() as i64;
    let bin = searchsorted_side(&edges, &x, "right");
    let bin = where_(super::equal(&x, edges.get(-1)), n - 1, bin);
    let mut counts = lax::full(&[n as usize], 0, weights.dtype()).at(bin).add(weights).get(1..);
    if options.density {
        let total = super::sum(&counts, ());
        counts = super::divide(super::divide(&counts, super::diff(&edges, 0)), total);
    }
    (counts, edges)
}

/// How many points (rows of `f32[n, d]`) lie in each bin of every dimension, and the bins' borders.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let points = Array::from([[0.0f32, 0.0], [0.2, 0.9], [1.0, 1.0]]);
/// let (counts, edges) = jnp::histogramdd(&points, &[2.into(), 2.into()]);
/// assert_eq!(counts.to_string(), "[[1 1]\n [0 1]]");
/// assert_eq!(edges[0].to_vec::<f32>(), [0.0, 0.5, 1.0]);
/// ```
///
/// # Panics
/// If the points are no matrix with a column for each of the bins.
#[track_caller]
pub fn histogramdd(points: impl IntoArray, bins: &[Bins]) -> (Array, Vec<Array>) {
    let points = promote_inexact(&[points.into_array()]).remove(0);
    if points.ndim() != 2 || points.shape()[1] != bins.len() || bins.is_empty() {
        let shape = show(points.shape());
        refuse!("histogramdd" => "takes a matrix with a column for each of the {} bins, got shape {shape}", bins.len())
    }
    let (mut places, mut borders) = (vec![], vec![]);
    for (d, bins) in bins.iter().enumerate() {
        let column = lax::index_in_dim(&points, d as i64, 1, false);
        let edges = histogram_bin_edges(&column, bins.clone(), None);
        let bin = searchsorted_side(&edges, &column, "right");
        let at_end = super::equal(&column, edges.get(-1));
        places.push(super::subtract(bin, lax::convert_element_type(&at_end, default_int())));
        borders.push(edges);
    }
    let shape: Vec<usize> = borders.iter().map(|e| e.size() + 1).collect();
    let flat = super::ravel_multi_index_mode(&places, &shape, "clip");
    let all = bincount_length(flat, shape.iter().product(), None).reshape(&shape);
    let limits: Vec<usize> = shape.iter().map(|n| n - 1).collect();
    (lax::slice(&all, &vec![1; shape.len()], &limits, None), borders)
}

/// How many points `(x, y)` lie in each bin of a plane, and the bins' borders along both.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, y) = (Array::from([0.0f32, 0.2, 1.0]), Array::from([0.0f32, 0.9, 1.0]));
/// let (counts, x_edges, _) = jnp::histogram2d(&x, &y, 2);
/// assert_eq!(counts.to_string(), "[[1 1]\n [0 1]]");
/// assert_eq!(x_edges.to_vec::<f32>(), [0.0, 0.5, 1.0]);
/// ```
///
/// # Panics
/// If `x` and `y` have different sizes.
#[track_caller]
pub fn histogram2d(x: impl IntoArray, y: impl IntoArray, bins: impl Into<Bins>) -> (Array, Array, Array) {
    let bins = bins.into();
    let points = super::stack(&[ravel(x), ravel(y)], 1);
    let (counts, mut borders) = histogramdd(points, &[bins.clone(), bins]);
    let y_edges = borders.pop().expect("two");
    (counts, borders.pop().expect("two"), y_edges)
}

/// What [`cov_with`] is told.
#[derive(Clone, Debug)]
pub struct CovOptions {
    /// More variables, of the same observations.
    pub y: Option<Array>,
    /// Whether rows are variables and columns observations.
    pub rowvar: bool,
    /// What is subtracted from the number of observations in the denominator.
    pub ddof: i64,
    /// How often each observation counts.
    pub fweights: Option<Array>,
    /// How much each observation weighs.
    pub aweights: Option<Array>,
}

impl Default for CovOptions {
    fn default() -> CovOptions {
        CovOptions { y: None, rowvar: true, ddof: 1, fweights: None, aweights: None }
    }
}

/// The covariance of variables (rows), from observations (columns): `[m, n] → [m, m]`; of a vector, its variance.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2, 3], [6, 4, 2]]);
/// assert_eq!(jnp::cov(&x).to_string(), "[[ 1. -2.]\n [-2.  4.]]");
/// ```
///
/// # Panics
/// If there are more than two dimensions.
#[track_caller]
pub fn cov(x: impl IntoArray) -> Array {
    cov_with(x, CovOptions::default())
}

/// [`cov`] with options: more variables, columns as variables, weights, another denominator.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// # use jnp::CovOptions;
/// let x = Array::from([[1, 6], [2, 4], [3, 2]]);
/// let options = CovOptions { rowvar: false, ddof: 0, ..Default::default() };
/// assert_eq!((jnp::cov_with(&x, options) * 3.0).round_to(4).to_string(), "[[ 2. -4.]\n [-4.  8.]]");
/// ```
///
/// # Panics
/// If there are more than two dimensions.
#[track_caller]
pub fn cov_with(x: impl IntoArray, options: CovOptions) -> Array {
    let _line = crate::trace::keep_line();
    let given: Vec<Array> = [Some(x.into_array()), options.y].into_iter().flatten().collect();
    let rows = promote_inexact(&given).into_iter().enumerate().map(|(i, x)| {
        if x.ndim() > 2 {
            refuse!("cov" => "takes a vector or a matrix, got shape {}", show(x.shape()))
        }
        // One observation of many variables can only be the first.
        let columns = if i == 0 { x.ndim() == 2 } else { x.ndim() == 2 && x.shape()[0] != 1 };
        let x = super::atleast_2d(x);
        if !options.rowvar && columns { x.t() } else { x }
    });
    let x = super::concatenate(rows.collect::<Vec<_>>(), 0);
    let n = x.shape()[1] as f64;
    let real = |v: f64| Array::scalar(v, x.dtype().real(), false);
    let weights = match (&options.fweights, &options.aweights) {
        (None, None) => None,
        (Some(w), None) | (None, Some(w)) => Some(lax::convert_element_type(w, x.dtype().real())),
        (Some(f), Some(a)) => Some(lax::convert_element_type(&super::multiply(f, a), x.dtype().real())),
    };
    let mean = match &weights {
        None => super::mean(&x, keepdims(1)),
        Some(w) => {
            let sums = super::sum(super::multiply(&x, w), keepdims(1));
            super::divide(sums, super::sum(w, ()))
        }
    };
    let centred = super::subtract(&x, mean);
    let other = super::conj(match &weights {
        None => centred.clone(),
        Some(w) => super::multiply(&centred, w),
    });
    let ddof = options.ddof as f64;
    let denominator = match (&weights, &options.aweights) {
        (None, _) => real(n - ddof),
        (Some(w), _) if options.ddof == 0 => super::sum(w, ()),
        (Some(w), None) => super::subtract(super::sum(w, ()), ddof),
        (Some(w), Some(a)) => {
            let total = super::sum(w, ());
            let squares = super::sum(super::multiply(w, a), ());
            super::subtract(&total, super::divide(super::multiply(ddof, squares), &total))
        }
    };
    let products = super::dot(centred, other.t());
    super::squeeze(super::divide(products, denominator), ())
}

/// The correlation of variables (rows), from observations (columns): `[m, n] → [m, m]`, between -1 and 1.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2, 3], [6, 4, 2]]);
/// assert_eq!(jnp::corrcoef(&x).round_to(4).to_string(), "[[ 1. -1.]\n [-1.  1.]]");
/// ```
///
/// # Panics
/// If there are more than two dimensions.
#[track_caller]
pub fn corrcoef(x: impl IntoArray) -> Array {
    corrcoef_with(x, None, true)
}

/// [`corrcoef`] with more variables, or with columns as variables.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, y) = (Array::from([1, 2, 3]), Array::from([10, 20, 30]));
/// assert_eq!(jnp::corrcoef_with(&x, Some(y), true).round_to(4).to_string(), "[[1. 1.]\n [1. 1.]]");
/// ```
///
/// # Panics
/// If there are more than two dimensions.
#[track_caller]
pub fn corrcoef_with(x: impl IntoArray, y: Option<Array>, rowvar: bool) -> Array {
    let c = cov_with(x, CovOptions { y, rowvar, ..Default::default() });
    if c.ndim() == 0 {
        return super::divide(&c, &c);
    }
    let deviation = lax::sqrt(&super::real(super::diagonal(&c, 0)));
    let c = super::divide(&c, lax::expand_dims(&deviation, &[1]));
    let c = super::divide(&c, lax::expand_dims(&deviation, &[0]));
    if !c.dtype().is_complex() {
        return super::clip(c, -1.0, 1.0);
    }
    lax::complex(&super::clip(lax::real(&c), -1.0, 1.0), &super::clip(lax::imag(&c), -1.0, 1.0))
}
