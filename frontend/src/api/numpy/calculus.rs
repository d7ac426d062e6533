//! Differences, integrals, interpolation, polynomials and window functions.

use super::signal::convolve;
use super::{IntoArray, canonical, concatenate, ravel, searchsorted_side, where_};
use crate::api::dtypes::{default_float, promote, promote_inexact};
use crate::ir::{Array, DType};
use crate::lax;
use crate::lax::rules::{refuse, show};
use std::f64::consts::PI;

fn scalar(x: &Array, value: f64) -> Array {
    Array::scalar(value, x.dtype(), false)
}

/// [`diff`](super::diff) done `n` times; every time there is one element less.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let squares = Array::from([0, 1, 4, 9, 16]);
/// assert_eq!(jnp::diff_n(&squares, 2, 0).to_vec::<i32>(), [2, 2, 2]);
/// ```
///
/// # Panics
/// If the axis is out of bounds.
#[track_caller]
pub fn diff_n(x: impl IntoArray, n: usize, axis: i64) -> Array {
    let _line = crate::trace::keep_line();
    (0..n).fold(x.into_array(), |x, _| super::diff(x, axis))
}

/// Differences of neighbours in the raveled array, between what is put before and after them; in the array's dtype.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2], [4, 7]]);
/// let end = Array::from(-1);
/// assert_eq!(jnp::ediff1d(&x, Some(&end), None).to_vec::<i32>(), [1, 2, 3, -1]);
/// ```
#[track_caller]
pub fn ediff1d(x: impl IntoArray, to_end: Option<&Array>, to_begin: Option<&Array>) -> Array {
    let x = ravel(x);
    let cast = |y: &Array| lax::convert_element_type(&ravel(y), x.dtype());
    let mut parts: Vec<Array> = to_begin.map(cast).into_iter().collect();
    parts.push(super::diff(&x, 0));
    parts.extend(to_end.map(cast));
    lax::concatenate(&parts, 0)
}

/// The slope along an axis: central differences inside, one-sided ones at the ends; of the array's shape, as a floating number.
///
/// `spacing` is the distance of neighbours, or a vector of all places along the axis.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1.0f32, 2.0, 4.0, 7.0]);
/// assert_eq!(jnp::gradient_axis(&x, 0.5, 0).to_vec::<f32>(), [2.0, 3.0, 5.0, 6.0]);
/// ```
///
/// # Panics
/// If there are fewer than 2 elements along the axis, or `spacing` is neither a number nor a vector as long as the axis.
#[track_caller]
pub fn gradient_axis(x: impl IntoArray, spacing: impl IntoArray, axis: i64) -> Array {
    let _line = crate::trace::keep_line();
    // First by itself: a distance that is a Rust number must not make the result weak.
    let x = promote_inexact(&[x.into_array()]).remove(0);
    let both = promote_inexact(&[x, spacing.into_array()]);
    let (x, h) = (&both[0], &both[1]);
    let axis = canonical("gradient", axis, x.ndim());
    let n = x.shape()[axis] as i64;
    if n < 2 {
        refuse!("gradient" => "there must be at least 2 elements along axis {axis}, got shape {}", show(x.shape()))
    }
    let part = |x: &Array, a: i64, b: i64| lax::slice_in_dim(x, a, Some(b), 1, axis);
    let first = super::subtract(part(x, 1, 2), part(x, 0, 1));
    let last = super::subtract(part(x, n - 1, n), part(x, n - 2, n - 1));
    let parts = match h.ndim() {
        0 => {
            let inner = super::subtract(part(x, 2, n), part(x, 0, n - 2));
            let inner = super::divide(super::multiply(inner, 0.5), h);
            [super::divide(first, h), inner, super::divide(last, h)]
        }
        1 if h.size() as i64 == n => {
            let mut shape = vec![1; x.ndim()];
            shape[axis] = n as usize;
            let h = lax::reshape(h, &shape);
            let steps = super::subtract(part(&h, 1, n), part(&h, 0, n - 1));
            let (dx1, dx2) = (part(&steps, 0, n - 2), part(&steps, 1, n - 1));
            let sum = &dx1 + &dx2;
            let a = -&dx2 / (&dx1 * &sum);
            let b = (&dx2 - &dx1) / (&dx1 * &dx2);
            let c = &dx1 / (&dx2 * &sum);
            let inner = a * part(x, 0, n - 2) + b * part(x, 1, n - 1) + c * part(x, 2, n);
            [super::divide(first, part(&steps, 0, 1)), inner, super::divide(last, part(&steps, n - 2, n - 1))]
        }
        _ => refuse!(
            "gradient" => "the spacing must be a number or a vector of {n} places, got shape {}", show(h.shape())
        ),
    };
    lax::concatenate(&parts, axis)
}

/// The slopes along all axes at distance 1, an array per axis; [`gradient_axis`] takes one axis and a distance.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1.0f32, 2.0, 4.0], [3.0, 6.0, 12.0]]);
/// let slopes = jnp::gradient(&x);
/// assert_eq!(slopes[0].to_string(), "[[2. 4. 8.]\n [2. 4. 8.]]");
/// assert_eq!(slopes[1].to_string(), "[[1.  1.5 2. ]\n [3.  4.5 6. ]]");
/// ```
///
/// # Panics
/// If there are fewer than 2 elements along an axis.
#[track_caller]
pub fn gradient(x: impl IntoArray) -> Vec<Array> {
    let _line = crate::trace::keep_line();
    let x = x.into_array();
    (0..x.ndim()).map(|axis| gradient_axis(&x, 1.0, axis as i64)).collect()
}

/// The integral along an axis by trapezoids of width `dx`, as a floating number; [`trapezoid_x`] takes places.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let y = Array::from([1, 2, 4]);
/// assert_eq!(jnp::trapezoid(&y, 2.0, 0).item::<f32>(), 9.0);
/// ```
#[track_caller]
pub fn trapezoid(y: impl IntoArray, dx: f64, axis: i64) -> Array {
    let y = promote_inexact(&[y.into_array()]).remove(0);
    let axis = canonical("trapezoid", axis, y.ndim());
    if y.shape()[axis] == 0 {
        return super::sum(y, axis);
    }
    let (first, last) = (lax::index_in_dim(&y, 0, axis, false), lax::index_in_dim(&y, -1, axis, false));
    let ends = super::multiply(0.5, super::add(first, last));
    super::multiply(dx, super::subtract(super::sum(y, axis), ends))
}

/// The integral along an axis by trapezoids between the places `x`: a vector, or an array like `y`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, y) = (Array::from([0.0f32, 1.0, 4.0]), Array::from([1.0f32, 3.0, 5.0]));
/// assert_eq!(jnp::trapezoid_x(&y, &x, 0).item::<f32>(), 14.0);
/// ```
#[track_caller]
pub fn trapezoid_x(y: impl IntoArray, x: impl IntoArray, axis: i64) -> Array {
    let _line = crate::trace::keep_line();
    let both = promote_inexact(&[y.into_array(), x.into_array()]);
    let (y, x) = (&both[0], &both[1]);
    let axis = canonical("trapezoid", axis, y.ndim());
    let last = |v: &Array| lax::moveaxis(v, axis, v.ndim() - 1);
    let dx = if x.ndim() == 1 { super::diff(x, 0) } else { last(&super::diff(x, axis as i64)) };
    let y = last(y);
    let n = y.shape()[y.ndim() - 1] as i64;
    let part = |a: i64, b: i64| lax::slice_in_dim(&y, a, Some(b), 1, y.ndim() - 1);
    let sums = super::multiply(dx, super::add(part(1, n), part(0, n - 1)));
    super::multiply(0.5, super::sum(sums, -1))
}

/// What [`interp_with`] gives outside of the places that it knows.
#[derive(Clone, Debug, Default)]
pub enum Outside {
    /// The value at the nearest place.
    #[default]
    Nearest,
    /// This value.
    Value(Array),
    /// The line through the two nearest places.
    Extrapolate,
}

/// The value at `x` of the lines through the points `(xp, fp)`, `xp` ascending; outside, the value at the nearest place.
///
/// The result has the shape of `x`. [`interp_with`] says what there is outside, [`interp_period`] repeats.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (xp, fp) = (Array::from([1.0f32, 2.0, 4.0]), Array::from([10.0f32, 20.0, 0.0]));
/// let x = Array::from([0.0f32, 1.5, 3.0]);
/// assert_eq!(jnp::interp(&x, &xp, &fp).to_vec::<f32>(), [10.0, 15.0, 10.0]);
/// ```
///
/// # Panics
/// If `xp` and `fp` are not vectors of one size, or are empty.
#[track_caller]
pub fn interp(x: impl IntoArray, xp: impl IntoArray, fp: impl IntoArray) -> Array {
    interp_with(x, xp, fp, Outside::Nearest, Outside::Nearest)
}

/// [`interp`], saying what there is to the left and to the right.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// # use jnp::Outside;
/// let (xp, fp) = (Array::from([0.0f32, 1.0]), Array::from([0.0f32, 2.0]));
/// let x = Array::from([-1.0f32, 0.5, 3.0]);
/// let y = jnp::interp_with(&x, &xp, &fp, Outside::Value((-9.0).into()), Outside::Extrapolate);
/// assert_eq!(y.to_vec::<f32>(), [-9.0, 1.0, 6.0]);
/// ```
///
/// # Panics
/// As [`interp`].
#[track_caller]
pub fn interp_with(
    x: impl IntoArray,
    xp: impl IntoArray,
    fp: impl IntoArray,
    left: Outside,
    right: Outside,
) -> Array {
    let _line = crate::trace::keep_line();
    let (xp, fp) = (xp.into_array(), promote_inexact(&[fp.into_array()]).remove(0));
    if xp.ndim() != 1 || xp.shape() != fp.shape() || xp.size() == 0 {
        let (a, b) = (show(xp.shape()), show(fp.shape()));
        refuse!("interp" => "xp and fp must be vectors of one size, got shapes {a} and {b}")
    }
    let both = promote_inexact(&[x.into_array(), xp]);
    let (x, xp) = (&both[0], &both[1]);
    if x.dtype().is_complex() {
        refuse!("interp" => "places must be real numbers, got {}", x.aval())
    }
    let n = xp.size() as i64;
    let i = super::clip(searchsorted_side(xp, x, "right"), 1, (n - 1).max(1));
    let below = super::subtract(&i, 1);
    let (f0, x0) = (fp.get(&below), xp.get(&below));
    let df = super::subtract(fp.get(&i), &f0);
    let dx = super::subtract(xp.get(&i), &x0);
    let delta = super::subtract(x, &x0);
    let info = crate::api::dtype_info::finfo(xp.dtype()).map_or(0.0, |f| f.eps * f.eps);
    let flat = super::less_equal(super::abs(&dx), info);
    let slope = super::multiply(super::divide(delta, where_(&flat, 1, dx)), df);
    let mut out = where_(&flat, &f0, super::add(&f0, slope));
    let mut outside = |place: Outside, beyond: Array, edge: Array| {
        let value = match place {
            Outside::Extrapolate => return,
            Outside::Nearest => edge,
            Outside::Value(value) => value,
        };
        out = where_(beyond, value, &out);
    };
    outside(left, super::less(x, xp.get(0)), fp.get(0));
    outside(right, super::greater(x, xp.get(-1)), fp.get(-1));
    out
}

/// [`interp`] of a function that repeats after that period; `xp` may stand in any order.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (hour, light) = (Array::from([18.0f32, 6.0]), Array::from([0.0f32, 12.0]));
/// let x = Array::from([12.0f32, 21.0, 48.0]);
/// assert_eq!(jnp::interp_period(&x, &hour, &light, 24.0).to_vec::<f32>(), [6.0, 3.0, 6.0]);
/// ```
///
/// # Panics
/// As [`interp`], or if the period is zero or no number.
#[track_caller]
pub fn interp_period(x: impl IntoArray, xp: impl IntoArray, fp: impl IntoArray, period: f64) -> Array {
    let _line = crate::trace::keep_line();
    if !period.is_finite() || period == 0.0 {
        refuse!("interp" => "the period must be a number other than zero, got {period}")
    }
    let (period, fp) = (period.abs(), fp.into_array());
    let (x, xp) = (super::remainder(x, period), super::remainder(xp, period));
    let order = super::argsort(&xp, 0);
    let (xp, fp) = (xp.get(&order), fp.get(&order));
    // One place more on each side, a period away.
    let end = |x: &Array, i: i64| lax::expand_dims(&x.get(i), &[0]);
    let xp =
        super::concatenate(super::promote_all(&[end(&xp, -1) - period, xp.clone(), end(&xp, 0) + period]), 0);
    let fp = super::concatenate(&[end(&fp, -1), fp.clone(), end(&fp, 0)], 0);
    interp(x, xp, fp)
}

/// Jumps of more than π along an axis taken back by whole turns of 2π.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let angle = Array::from([3.0f32, -3.0, -2.5]);
/// assert_eq!(jnp::unwrap(&angle, 0).round_to(4).to_vec::<f32>(), [3.0, 3.2832, 3.7832]);
/// ```
#[track_caller]
pub fn unwrap(x: impl IntoArray, axis: i64) -> Array {
    unwrap_period(x, axis, 2.0 * PI)
}

/// [`unwrap`] with a period: jumps of more than half of it are taken back by whole periods.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let hour = Array::from([22, 23, 1, 4]);
/// assert_eq!(jnp::unwrap_period(&hour, 0, 24).to_vec::<i32>(), [22, 23, 25, 28]);
/// ```
#[track_caller]
pub fn unwrap_period(x: impl IntoArray, axis: i64, period: impl IntoArray) -> Array {
    let both = promote(&[x.into_array(), period.into_array()]);
    let (x, period) = (&both[0], &both[1]);
    let axis = canonical("unwrap", axis, x.ndim());
    if x.shape()[axis] == 0 {
        return x.clone();
    }
    let half = super::divide(period, 2);
    let interval = if x.dtype().is_integer() { super::floor_divide(period, 2) } else { half.clone() };
    let steps = super::diff(x, axis as i64);
    let folded = super::subtract(super::remainder(super::add(&steps, &interval), period), &interval);
    let at_edge =
        super::logical_and(super::equal(&folded, super::negative(&interval)), super::greater(&steps, 0));
    let folded = where_(at_edge, &interval, folded);
    let correction = where_(super::less(super::abs(&steps), half), 0, super::subtract(folded, steps));
    let first = lax::slice_in_dim(x, 0, Some(1), 1, axis);
    let rest = super::add(lax::slice_in_dim(x, 1, None, 1, axis), super::cumsum(correction, axis as i64));
    concatenate(&[first, rest], axis as i64)
}

/// The value at `x` of the polynomial whose coefficients stand highest power first; of the shape of `x`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let p = Array::from([2, 0, 1]);
/// assert_eq!(jnp::polyval(&p, Array::from([0, 1, 3])).to_vec::<i32>(), [1, 3, 19]);
/// ```
///
/// # Panics
/// If `p` has no dimension.
#[track_caller]
pub fn polyval(p: impl IntoArray, x: impl IntoArray) -> Array {
    let _line = crate::trace::keep_line();
    let both = promote(&[p.into_array(), x.into_array()]);
    let (p, x) = (&both[0], &both[1]);
    if p.ndim() == 0 {
        refuse!("polyval" => "coefficients must have a dimension, got a scalar")
    }
    let start = lax::full(x.shape(), 0, x.dtype());
    (0..p.shape()[0])
        .fold(start, |y, i| super::add(super::multiply(y, x), lax::index_in_dim(p, i as i64, 0, false)))
}

/// The coefficients, highest power first, of the polynomial with these zeros: `f32[n] → f32[n + 1]`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let p = jnp::poly(Array::from([1.0f32, -2.0]));
/// assert_eq!(p.to_vec::<f32>(), [1.0, 1.0, -2.0]);
/// ```
///
/// # Panics
/// If the zeros are no vector; JAX takes the eigenvalues of a matrix too.
#[track_caller]
pub fn poly(zeros: impl IntoArray) -> Array {
    let _line = crate::trace::keep_line();
    let zeros = super::atleast_1d(promote_inexact(&[zeros.into_array()]).remove(0));
    if zeros.ndim() != 1 {
        refuse!("poly" => "takes a vector of zeros, got shape {}", show(zeros.shape()))
    }
    let one = lax::full(&[1], 1, zeros.dtype());
    if zeros.size() == 0 {
        return lax::full(&[], 1, zeros.dtype());
    }
    (0..zeros.size()).fold(one.clone(), |p, k| {
        let root = lax::slice_in_dim(&zeros, k as i64, Some(k as i64 + 1), 1, 0);
        convolve(p, lax::concatenate(&[one.clone(), lax::neg(&root)], 0), "full")
    })
}

/// The sum of two polynomials, given by their coefficients, highest power first.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (a, b) = (Array::from([1, 2, 3]), Array::from([10, 20]));
/// assert_eq!(jnp::polyadd(&a, &b).to_vec::<i32>(), [1, 12, 23]);
/// ```
#[track_caller]
pub fn polyadd(a: impl IntoArray, b: impl IntoArray) -> Array {
    let both = promote(&[super::atleast_1d(a), super::atleast_1d(b)]);
    let (long, short) =
        if both[0].size() >= both[1].size() { (&both[0], &both[1]) } else { (&both[1], &both[0]) };
    let missing = (long.size() - short.size()) as i64;
    lax::add(long, &lax::pad(short, &scalar(short, 0.0), &[(missing, 0, 0)]))
}

/// The difference of two polynomials, given by their coefficients, highest power first.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (a, b) = (Array::from([1, 2, 3]), Array::from([10, 20]));
/// assert_eq!(jnp::polysub(&a, &b).to_vec::<i32>(), [1, -8, -17]);
/// ```
#[track_caller]
pub fn polysub(a: impl IntoArray, b: impl IntoArray) -> Array {
    let both = promote(&[a.into_array(), b.into_array()]);
    polyadd(&both[0], super::negative(&both[1]))
}

/// The product of two polynomials, as floating numbers: `f32[m], f32[n] → f32[m + n - 1]`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (a, b) = (Array::from([1, 2]), Array::from([1, -2]));
/// assert_eq!(jnp::polymul(&a, &b).to_vec::<f32>(), [1.0, 0.0, -4.0]);
/// ```
#[track_caller]
pub fn polymul(a: impl IntoArray, b: impl IntoArray) -> Array {
    let both = promote_inexact(&[super::atleast_1d(a), super::atleast_1d(b)]);
    let or_zero = |x: &Array| if x.size() == 0 { lax::full(&[1], 0, x.dtype()) } else { x.clone() };
    convolve(or_zero(&both[0]), or_zero(&both[1]), "full")
}

/// Quotient and remainder of two polynomials, as floating numbers; the remainder keeps leading zeros.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (u, v) = (Array::from([1.0f32, 3.0, 5.0]), Array::from([1.0f32, 1.0]));
/// let (quotient, remainder) = jnp::polydiv(&u, &v);
/// assert_eq!((quotient.to_vec::<f32>(), remainder.to_vec::<f32>()), (vec![1.0, 2.0], vec![0.0, 0.0, 3.0]));
/// ```
///
/// # Panics
/// If the divisor has no coefficients.
#[track_caller]
pub fn polydiv(u: impl IntoArray, v: impl IntoArray) -> (Array, Array) {
    let both = promote_inexact(&[super::atleast_1d(u), super::atleast_1d(v)]);
    let (mut u, v) = (both[0].clone(), &both[1]);
    let (m, n) = (u.size() as i64, v.size() as i64);
    if n == 0 {
        refuse!("polydiv" => "the divisor has no coefficients")
    }
    if m < n {
        return (lax::full(&[1], 0, u.dtype()), u);
    }
    let scale = super::divide(1.0, v.get(0));
    let mut quotient = vec![];
    for k in 0..=m - n {
        let digit = super::multiply(&scale, u.get(k));
        let taken = super::multiply(&digit, v);
        u = u.at(k..k + n).add(super::negative(taken));
        quotient.push(lax::reshape(&digit, &[1]));
    }
    (lax::concatenate(&quotient, 0), u)
}

/// The `m`-th derivative of a polynomial: `f32[n] → f32[n - m]`, as floating numbers.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let p = Array::from([1.0f32, 2.0, 3.0]);
/// assert_eq!(jnp::polyder(&p, 1).to_vec::<f32>(), [2.0, 2.0]);
/// ```
#[track_caller]
pub fn polyder(p: impl IntoArray, m: usize) -> Array {
    let p = super::atleast_1d(promote_inexact(&[p.into_array()]).remove(0));
    let n = p.size();
    if m == 0 {
        return p;
    }
    if n <= m {
        return lax::full(&[0], 0, p.dtype());
    }
    // The power that stands at each place that is left, times those below it.
    let factor = |place: usize| (0..m).map(|k| (n - 1 - place - k) as f64).product::<f64>();
    let factors: Vec<f64> = (0..n - m).map(factor).collect();
    lax::mul(&lax::slice_in_dim(&p, 0, Some((n - m) as i64), 1, 0), &constants(&factors, p.dtype()))
}

/// The polynomial integrated `m` times: `f32[n] → f32[n + m]`. `k` is every constant, or a vector of them.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let p = Array::from([3.0f32, 2.0]);
/// assert_eq!(jnp::polyint(&p, 1, 7).to_vec::<f32>(), [1.5, 2.0, 7.0]);
/// ```
///
/// # Panics
/// If `k` is neither one number nor `m` of them.
#[track_caller]
pub fn polyint(p: impl IntoArray, m: usize, k: impl IntoArray) -> Array {
    let both = promote_inexact(&[super::atleast_1d(p), k.into_array()]);
    let (p, k) = (&both[0], &both[1]);
    let k = super::broadcast_to(k, m);
    let size = p.size() + m;
    let divisor =
        |place: usize| (0..m).map(|j| ((size - 1 - place) as f64 - j as f64).max(1.0)).product::<f64>();
    let divisors: Vec<f64> = (0..size).map(divisor).collect();
    lax::div(&lax::concatenate(&[p.clone(), k], 0), &constants(&divisors, p.dtype()))
}

/// Host doubles as a vector of a dtype.
#[track_caller]
fn constants(values: &[f64], dtype: DType) -> Array {
    lax::convert_element_type(&Array::from_slice(values, values.len()), dtype)
}

/// The powers `n - 1` to `0` of every number as a row; with `increasing`, `0` to `n - 1`: `f32[m] → f32[m, n]`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1, 2, 3]);
/// assert_eq!(jnp::vander(&x, 3, false).to_string(), "[[1 1 1]\n [4 2 1]\n [9 3 1]]");
/// ```
///
/// # Panics
/// If `x` is no vector.
#[track_caller]
pub fn vander(x: impl IntoArray, n: usize, increasing: bool) -> Array {
    let x = x.into_array();
    if x.ndim() != 1 {
        refuse!("vander" => "takes a vector, got shape {}", show(x.shape()))
    }
    let powers = lax::iota(x.dtype(), n);
    let powers = if increasing { powers } else { super::subtract(n as i64 - 1, powers) };
    super::power(lax::expand_dims(&x, &[1]), lax::expand_dims(&powers, &[0]))
}

/// `0, 1, …` of the default float.
#[track_caller]
fn counted(n: usize) -> Array {
    lax::iota(default_float(), n)
}

/// A window of `n` values of a function of the place; one value for windows of one.
#[track_caller]
fn window(n: usize, f: impl Fn(&Array, f64) -> Array) -> Array {
    if n <= 1 {
        return lax::full(&[n], 1, default_float());
    }
    f(&counted(n), n as f64 - 1.0)
}

/// The cosine of `turns` whole turns over the window.
#[track_caller]
fn cosine(place: &Array, last: f64, turns: f64) -> Array {
    super::cos(super::divide(super::multiply(2.0 * PI * turns, place), last))
}

/// The window of `n` values that rises and falls in straight lines.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::bartlett(5).to_vec::<f32>(), [0.0, 0.5, 1.0, 0.5, 0.0]);
/// ```
#[track_caller]
pub fn bartlett(n: usize) -> Array {
    let _line = crate::trace::keep_line();
    window(n, |place, last| 1.0 - super::abs(2.0 * place - last) / last)
}

/// Blackman's window of `n` values: a sum of three cosines.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::blackman(5).round_to(2).to_vec::<f32>(), [0.0, 0.34, 1.0, 0.34, 0.0]);
/// ```
#[track_caller]
pub fn blackman(n: usize) -> Array {
    let _line = crate::trace::keep_line();
    window(n, |place, last| 0.08 * cosine(place, last, 2.0) - 0.5 * cosine(place, last, 1.0) + 0.42)
}

/// Hamming's window of `n` values: a raised cosine that does not reach zero.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::hamming(5).round_to(2).to_vec::<f32>(), [0.08, 0.54, 1.0, 0.54, 0.08]);
/// ```
#[track_caller]
pub fn hamming(n: usize) -> Array {
    let _line = crate::trace::keep_line();
    window(n, |place, last| 0.54 - 0.46 * cosine(place, last, 1.0))
}

/// Von Hann's window of `n` values: a raised cosine that begins and ends with zero.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::hanning(5).round_to(2).to_vec::<f32>(), [0.0, 0.5, 1.0, 0.5, 0.0]);
/// ```
#[track_caller]
pub fn hanning(n: usize) -> Array {
    let _line = crate::trace::keep_line();
    window(n, |place, last| 0.5 * (1.0 - cosine(place, last, 1.0)))
}

/// Kaiser's window of `n` values, made of the Bessel function [`i0`](super::i0); the larger `beta`, the narrower it is.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::kaiser(5, 0.0).to_vec::<f32>(), [1.0; 5]);
/// assert_eq!(jnp::kaiser(5, 4.0).round_to(2).to_vec::<f32>(), [0.09, 0.63, 1.0, 0.63, 0.09]);
/// ```
#[track_caller]
pub fn kaiser(n: usize, beta: f64) -> Array {
    let _line = crate::trace::keep_line();
    window(n, |place, last| {
        let offset = super::square(super::divide(2.0 * place - last, last));
        let height = super::i0(beta * lax::sqrt(&(1.0 - offset)));
        super::divide(height, super::i0(lax::full(&[], beta, default_float())))
    })
}
