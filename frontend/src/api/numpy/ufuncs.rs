//! Functions element by element.

use super::{IntoArray, broadcast_shape, broadcast_to, promote_shapes};
use crate::api::custom::custom_jvp;
use crate::api::dtypes::{
    canonicalize_dtype, default_int, inexact, promote_inexact, promote_pair, promote_pair_inexact, requested,
};
use crate::ir::{Array, DType};
use crate::lax::{self, rules::refuse};
use std::f64::consts::PI;

/// Element by element on the floating or complex dtype of the operand.
macro_rules! inexact_unary {
    ($($(#[$doc:meta])* $name:ident = $function:path;)*) => {$(
        $(#[$doc])*
        #[track_caller]
        pub fn $name(x: impl IntoArray) -> Array {
            $function(&in_inexact(x.into_array()))
        }
    )*};
}

inexact_unary! {
    /// `eˣ`, as a floating number of integers too.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::exp(Array::from([0, 1])).round_to(4).to_vec::<f32>(), [1.0, 2.7183]);
    /// ```
    exp = lax::exp;
    /// `2ˣ`, as a floating number of integers too.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::exp2(Array::from([-1, 0, 3])).round_to(4).to_vec::<f32>(), [0.5, 1.0, 8.0]);
    /// ```
    exp2 = lax::exp2;
    /// `eˣ - 1`, exact near zero, where `exp(x) - 1` has lost its digits.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from(1e-10f32);
    /// assert_eq!((jnp::expm1(&x) / &x).item::<f32>(), 1.0);
    /// assert_eq!((jnp::exp(&x) - 1.0).item::<f32>(), 0.0);
    /// ```
    expm1 = lax::expm1;
    /// The natural logarithm; -∞ of zero, NaN of negative real numbers.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([1.0f32, 2.0, 0.0, -1.0]);
    /// assert_eq!(jnp::log(&x).round_to(4).to_string(), "[0.     0.6931   -inf    nan]");
    /// ```
    log = lax::log;
    /// `log(1 + x)`, exact near zero, where `1 + x` has lost its digits.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from(1e-10f32);
    /// assert_eq!((jnp::log1p(&x) / &x).item::<f32>(), 1.0);
    /// assert_eq!(jnp::log(1.0 + &x).item::<f32>(), 0.0);
    /// ```
    log1p = lax::log1p;
    /// The square root, as a floating number of integers too; NaN of negative real numbers.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::sqrt(Array::from([4, 9, -1])).to_string(), "[ 2.  3. nan]");
    /// ```
    sqrt = lax::sqrt;
    /// The sine of an angle in radians.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let turns = Array::from([0.0f32, 0.25, 0.75]);
    /// assert_eq!(jnp::sin(2.0 * jnp::PI * turns).round_to(4).to_vec::<f32>(), [0.0, 1.0, -1.0]);
    /// ```
    sin = lax::sin;
    /// The cosine of an angle in radians.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let turns = Array::from([0.0f32, 0.5, 1.0]);
    /// assert_eq!(jnp::cos(2.0 * jnp::PI * turns).round_to(4).to_vec::<f32>(), [1.0, -1.0, 1.0]);
    /// ```
    cos = lax::cos;
    /// The tangent of an angle in radians.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// assert_eq!(jnp::tan(jnp::PI / 4.0).round_to(4).item::<f32>(), 1.0);
    /// ```
    tan = lax::tan;
    /// The inverse of the sine, in radians between -π/2 and π/2; NaN of real numbers beyond ±1.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([0.5f32, 1.0, 2.0]);
    /// assert_eq!(jnp::rad2deg(jnp::arcsin(&x)).round_to(3).to_string(), "[30. 90. nan]");
    /// ```
    arcsin = lax::asin;
    /// The inverse of the cosine, in radians between 0 and π; NaN of real numbers beyond ±1.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([0.5f32, -1.0]);
    /// assert_eq!(jnp::rad2deg(jnp::arccos(&x)).round_to(3).to_vec::<f32>(), [60.0, 180.0]);
    /// ```
    arccos = lax::acos;
    /// The inverse of the tangent, in radians between -π/2 and π/2; [`arctan2`] knows the quadrant.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([1.0f32, f32::NEG_INFINITY]);
    /// assert_eq!(jnp::rad2deg(jnp::arctan(&x)).round_to(3).to_vec::<f32>(), [45.0, -90.0]);
    /// ```
    arctan = lax::atan;
    /// The hyperbolic sine: `(eˣ - e⁻ˣ) / 2`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::sinh(Array::from([0.0f32, 1.0])).round_to(4).to_vec::<f32>(), [0.0, 1.1752]);
    /// ```
    sinh = lax::sinh;
    /// The hyperbolic cosine: `(eˣ + e⁻ˣ) / 2`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([-1.0f32, 2.0]);
    /// let one = jnp::square(jnp::cosh(&x)) - jnp::square(jnp::sinh(&x));
    /// assert_eq!(one.round_to(4).to_vec::<f32>(), [1.0, 1.0]);
    /// ```
    cosh = lax::cosh;
    /// The hyperbolic tangent, between -1 and 1.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::tanh(Array::from([-50.0f32, 0.0, 0.5])).round_to(4).to_vec::<f32>(), [-1.0, 0.0, 0.4621]);
    /// ```
    tanh = lax::tanh;
    /// The inverse of the hyperbolic sine.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([-2.0f32, 0.0, 3.0]);
    /// assert_eq!(jnp::arcsinh(jnp::sinh(&x)).round_to(4).to_vec::<f32>(), [-2.0, 0.0, 3.0]);
    /// ```
    arcsinh = lax::asinh;
    /// The inverse of the hyperbolic cosine; NaN of real numbers below 1.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([1.0f32, 2.0, 0.5]);
    /// assert_eq!(jnp::arccosh(&x).round_to(4).to_string(), "[0.    1.317   nan]");
    /// ```
    arccosh = lax::acosh;
    /// The inverse of the hyperbolic tangent; infinite at ±1, NaN of real numbers beyond.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([0.5f32, 1.0]);
    /// assert_eq!(jnp::arctanh(&x).round_to(4).to_vec::<f32>(), [0.5493, f32::INFINITY]);
    /// ```
    arctanh = lax::atanh;
}

/// The operand in the floating or complex dtype that it has or becomes.
#[track_caller]
fn in_inexact(x: Array) -> Array {
    if inexact(canonicalize_dtype(x.dtype())) == x.dtype() { x } else { promote_inexact(&[x]).remove(0) }
}

/// The base-2 logarithm, as a floating number.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::log2(Array::from([1, 8])).round_to(4).to_vec::<f32>(), [0.0, 3.0]);
/// ```
#[track_caller]
pub fn log2(x: impl IntoArray) -> Array {
    let x = &promote_inexact(&[x.into_array()])[0];
    lax::div(&lax::log(x), &lax::log(&like(x, 2.0)))
}

/// The base-10 logarithm, as a floating number.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::log10(Array::from([1, 1000])).round_to(4).to_vec::<f32>(), [0.0, 3.0]);
/// ```
#[track_caller]
pub fn log10(x: impl IntoArray) -> Array {
    let x = &promote_inexact(&[x.into_array()])[0];
    lax::div(&lax::log(x), &lax::log(&like(x, 10.0)))
}

/// The largest whole number not above each element; integers stay as they are.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::floor(Array::from([1.7f32, -1.2])).to_vec::<f32>(), [1.0, -2.0]);
/// ```
///
/// # Panics
/// Of complex numbers.
#[track_caller]
pub fn floor(x: impl IntoArray) -> Array {
    let x = x.into_array();
    if is_whole(&x) { x } else { lax::floor(&x) }
}

/// The smallest whole number not below each element; integers stay as they are.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::ceil(Array::from([1.2f32, -1.7])).to_vec::<f32>(), [2.0, -1.0]);
/// ```
///
/// # Panics
/// Of complex numbers.
#[track_caller]
pub fn ceil(x: impl IntoArray) -> Array {
    let x = x.into_array();
    if is_whole(&x) { x } else { lax::ceil(&x) }
}

/// The nearest whole number, halves to even; integers stay as they are. [`round_to`](super::round_to) takes decimals.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::round(Array::from([0.5f32, 1.5, 2.5, -1.7])).to_vec::<f32>(), [0.0, 2.0, 2.0, -2.0]);
/// ```
#[track_caller]
pub fn round(x: impl IntoArray) -> Array {
    super::round_to(x, 0)
}

/// The whole part: rounded towards zero; integers stay as they are.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::trunc(Array::from([1.7f32, -1.7])).to_vec::<f32>(), [1.0, -1.0]);
/// ```
///
/// # Panics
/// Of complex numbers.
#[track_caller]
pub fn trunc(x: impl IntoArray) -> Array {
    let x = x.into_array();
    if is_whole(&x) {
        return x;
    }
    lax::select(&lax::lt(&x, &like(&x, 0.0)), &lax::ceil(&x), &lax::floor(&x))
}

/// Whether the dtype has whole numbers only.
fn is_whole(x: &Array) -> bool {
    x.dtype().is_integer() || x.dtype().is_boolean()
}

/// `-x`: what the operator does.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::negative(Array::from([1, -2])).to_vec::<i32>(), [-1, 2]);
/// ```
///
/// # Panics
/// Of booleans.
#[track_caller]
pub fn negative(x: impl IntoArray) -> Array {
    lax::neg(&x.into_array())
}

/// `x` as it is.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::positive(Array::from([1, -2])).to_vec::<i32>(), [1, -2]);
/// ```
pub fn positive(x: impl IntoArray) -> Array {
    x.into_array()
}

/// `|x|`, of complex numbers the real length; unsigned integers and booleans stay as they are.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// # use num_complex::Complex32;
/// assert_eq!(jnp::abs(Array::from([-3, 2])).to_vec::<i32>(), [3, 2]);
/// assert_eq!(jnp::abs(Array::from([Complex32::new(3.0, -4.0)])).to_vec::<f32>(), [5.0]);
/// ```
#[track_caller]
pub fn abs(x: impl IntoArray) -> Array {
    let x = x.into_array();
    if x.dtype().is_boolean() || x.dtype().is_unsigned() { x } else { lax::abs(&x) }
}

/// `|x|`: NumPy's longer name of [`abs`].
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::absolute(Array::from([-1.5f32, 0.5])).to_vec::<f32>(), [1.5, 0.5]);
/// ```
#[track_caller]
pub fn absolute(x: impl IntoArray) -> Array {
    abs(x)
}

/// `-1`, `0` or `1` with the sign of `x`, in its dtype; of complex numbers `x / |x|`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::sign(Array::from([-2.5f32, 0.0, 7.0])).to_vec::<f32>(), [-1.0, 0.0, 1.0]);
/// ```
#[track_caller]
pub fn sign(x: impl IntoArray) -> Array {
    let x = x.into_array();
    if x.dtype().is_unsigned() || x.dtype().is_boolean() {
        return lax::convert_element_type(&truth(x.clone()), x.dtype());
    }
    lax::sign(&x)
}

/// `x²`; booleans become integers.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::square(Array::from([-3, 2])).to_vec::<i32>(), [9, 4]);
/// ```
#[track_caller]
pub fn square(x: impl IntoArray) -> Array {
    lax::square(&as_number(x.into_array()))
}

/// `1 / x`, as a floating number of integers too.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::reciprocal(Array::from([2, 4, 0])).to_vec::<f32>(), [0.5, 0.25, f32::INFINITY]);
/// ```
#[track_caller]
pub fn reciprocal(x: impl IntoArray) -> Array {
    lax::integer_pow(&promote_inexact(&[x.into_array()])[0], -1)
}

/// Degrees as radians.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::deg2rad(Array::from([0, 180])).round_to(4).to_vec::<f32>(), [0.0, 3.1416]);
/// ```
#[track_caller]
pub fn deg2rad(x: impl IntoArray) -> Array {
    let x = &promote_inexact(&[x.into_array()])[0];
    lax::mul(x, &like(x, PI / 180.0))
}

/// Radians as degrees.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::rad2deg(jnp::PI).round_to(3).item::<f32>(), 180.0);
/// ```
#[track_caller]
pub fn rad2deg(x: impl IntoArray) -> Array {
    let x = &promote_inexact(&[x.into_array()])[0];
    lax::mul(x, &like(x, 180.0 / PI))
}

/// Whether each element is not a number.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::isnan(Array::from([0.0f32, f32::NAN, f32::INFINITY])).to_vec::<bool>(), [false, true, false]);
/// ```
#[track_caller]
pub fn isnan(x: impl IntoArray) -> Array {
    let x = x.into_array();
    lax::ne(&x, &x)
}

/// Whether each element is infinite; of complex numbers, whether a part is.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::isinf(Array::from([0.0f32, f32::NAN, f32::NEG_INFINITY])).to_vec::<bool>(), [false, false, true]);
/// ```
#[track_caller]
pub fn isinf(x: impl IntoArray) -> Array {
    let x = x.into_array();
    if x.dtype().is_complex() {
        lax::or(&isinf(lax::real(&x)), &isinf(lax::imag(&x)))
    } else if x.dtype().is_float() {
        lax::eq(&lax::abs(&x), &like(&x, f64::INFINITY))
    } else {
        lax::full(x.shape(), false, DType::I1)
    }
}

/// Whether each element is neither infinite nor not a number.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::isfinite(Array::from([0.0f32, f32::NAN, f32::INFINITY])).to_vec::<bool>(), [true, false, false]);
/// ```
#[track_caller]
pub fn isfinite(x: impl IntoArray) -> Array {
    let x = x.into_array();
    if x.dtype().is_complex() {
        lax::and(&lax::is_finite(&lax::real(&x)), &lax::is_finite(&lax::imag(&x)))
    } else if x.dtype().is_float() {
        lax::is_finite(&x)
    } else {
        lax::full(x.shape(), true, DType::I1)
    }
}

/// NaN as 0, infinities as the largest and lowest finite numbers; [`nan_to_num_with`](super::nan_to_num_with) puts others.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1.5f32, f32::NAN, f32::INFINITY]);
/// assert_eq!(jnp::nan_to_num(&x).to_vec::<f32>(), [1.5, 0.0, f32::MAX]);
/// ```
#[track_caller]
pub fn nan_to_num(x: impl IntoArray) -> Array {
    super::nan_to_num_with(x, 0.0, None, None)
}

/// The complex conjugate; real numbers stay as they are.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// # use num_complex::Complex32;
/// let z = Array::from([Complex32::new(1.0, 2.0)]);
/// assert_eq!(jnp::conj(&z).to_string(), "[1.-2.j]");
/// ```
#[track_caller]
pub fn conj(x: impl IntoArray) -> Array {
    let x = x.into_array();
    if x.dtype().is_complex() { lax::conj(&x) } else { x }
}

/// The real part, as a real number; real numbers stay as they are.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// # use num_complex::Complex32;
/// let z = Array::from([Complex32::new(1.0, 2.0)]);
/// assert_eq!(jnp::real(&z).to_vec::<f32>(), [1.0]);
/// ```
#[track_caller]
pub fn real(x: impl IntoArray) -> Array {
    let x = x.into_array();
    if x.dtype().is_complex() { lax::real(&x) } else { x }
}

/// The imaginary part, as a real number; zero of real numbers.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// # use num_complex::Complex32;
/// let z = Array::from([Complex32::new(1.0, 2.0)]);
/// assert_eq!(jnp::imag(&z).to_vec::<f32>(), [2.0]);
/// assert_eq!(jnp::imag(Array::from([5])).to_vec::<i32>(), [0]);
/// ```
#[track_caller]
pub fn imag(x: impl IntoArray) -> Array {
    let x = x.into_array();
    if x.dtype().is_complex() { lax::imag(&x) } else { lax::full_like(&x, 0) }
}

/// A scalar in the dtype of `x`.
pub(crate) fn like(x: &Array, value: f64) -> Array {
    Array::scalar(value, x.dtype(), false)
}

/// Both in the dtype and the rank in which they meet.
#[track_caller]
fn meet(x: Array, y: Array) -> (Array, Array) {
    meet_ranks(promote_pair(x, y))
}

/// The elements as numbers: booleans as the default integer.
#[track_caller]
pub(super) fn as_number(x: Array) -> Array {
    if x.dtype().is_boolean() { lax::convert_element_type(&x, default_int()) } else { x }
}

/// Both as numbers, in the dtype and the rank in which they meet.
#[track_caller]
fn meet_numbers(x: Array, y: Array) -> (Array, Array) {
    let (x, y) = meet(x, y);
    (as_number(x), as_number(y))
}

/// Both in the floating or complex dtype and the rank in which they meet.
#[track_caller]
pub(super) fn meet_inexact(x: Array, y: Array) -> (Array, Array) {
    meet_ranks(promote_pair_inexact(x, y))
}

#[track_caller]
fn meet_ranks((x, y): (Array, Array)) -> (Array, Array) {
    if x.ndim() == y.ndim() || x.ndim() == 0 || y.ndim() == 0 {
        return (x, y);
    }
    pair(promote_shapes(vec![x, y]))
}

pub(super) fn pair(arrays: Vec<Array>) -> (Array, Array) {
    let [x, y]: [Array; 2] = arrays.try_into().unwrap_or_else(|_| unreachable!("two went in"));
    (x, y)
}

macro_rules! binary {
    ($($(#[$doc:meta])* $name:ident = $meet:ident $function:path;)*) => {$(
        $(#[$doc])*
        #[track_caller]
        pub fn $name(x: impl IntoArray, y: impl IntoArray) -> Array {
            #[track_caller]
            fn on_arrays(x: Array, y: Array) -> Array {
                let (x, y) = $meet(x, y);
                $function(&x, &y)
            }
            on_arrays(x.into_array(), y.into_array())
        }
    )*};
}

binary! {
    /// `x + y`, in the dtype in which both meet, their shapes broadcast; logical or for booleans.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let (column, row) = (Array::from([[10], [20]]), Array::from([1.5f32, 2.5]));
    /// assert_eq!(jnp::add(&column, &row).to_string(), "[[11.5 12.5]\n [21.5 22.5]]");
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast, or the dtypes do not meet.
    add = meet lax::add;
    /// `x - y`, in the dtype in which both meet, their shapes broadcast.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::subtract(Array::from([5, 7]), 2).to_vec::<i32>(), [3, 5]);
    /// ```
    ///
    /// # Panics
    /// As [`add`], or of booleans.
    subtract = meet lax::sub;
    /// `x · y`, in the dtype in which both meet, their shapes broadcast; logical and for booleans.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([1, 2, 3]);
    /// assert_eq!(jnp::multiply(&x, 0.5).to_vec::<f32>(), [0.5, 1.0, 1.5]);
    /// assert_eq!(jnp::multiply(&x, Array::from([true, false, true])).to_vec::<i32>(), [1, 0, 3]);
    /// ```
    ///
    /// # Panics
    /// As [`add`].
    multiply = meet lax::mul;
    /// `x / y` as a floating number, of integers too: the same as [`divide`].
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::true_divide(3, Array::from([2, 4])).to_vec::<f32>(), [1.5, 0.75]);
    /// ```
    ///
    /// # Panics
    /// As [`add`].
    true_divide = meet_inexact lax::div;
    /// `x / y` as a floating number, of integers too: what the operator does. [`floor_divide`] divides integers.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::divide(Array::from([7, 1]), Array::from([2, 0])).to_vec::<f32>(), [3.5, f32::INFINITY]);
    /// ```
    ///
    /// # Panics
    /// As [`add`].
    divide = meet_inexact lax::div;
    /// The larger of two, element by element; NaN if one is. [`max`](super::max) reduces one array.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([1.0f32, 5.0, f32::NAN]);
    /// assert_eq!(jnp::maximum(&x, 3).to_string(), "[ 3.  5. nan]");
    /// ```
    ///
    /// # Panics
    /// As [`add`].
    maximum = meet lax::max;
    /// The smaller of two, element by element; NaN if one is. [`min`](super::min) reduces one array.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let (column, row) = (Array::from([[1], [3]]), Array::from([2, 4]));
    /// assert_eq!(jnp::minimum(&column, &row).to_string(), "[[1 1]\n [2 3]]");
    /// ```
    ///
    /// # Panics
    /// As [`add`].
    minimum = meet lax::min;
    /// The angle, in radians between -π and π, of the point with ordinate `x` (JAX: `x1`) and abscissa `y` (`x2`).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let (y, x) = (Array::from([1.0f32, 1.0, -1.0]), Array::from([1.0f32, -1.0, -1.0]));
    /// assert_eq!(jnp::rad2deg(jnp::arctan2(&y, &x)).round_to(3).to_vec::<f32>(), [45.0, 135.0, -135.0]);
    /// ```
    ///
    /// # Panics
    /// As [`add`].
    arctan2 = meet_inexact lax::atan2;
    /// The next number after `x` towards `y` that the dtype can express.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let next = jnp::nextafter(Array::from([1.0f32, 1.0]), Array::from([2.0f32, 0.0]));
    /// assert_eq!((next - 1.0).to_vec::<f32>(), [f32::EPSILON, -f32::EPSILON / 2.0]);
    /// ```
    ///
    /// # Panics
    /// As [`add`], or of complex numbers.
    nextafter = meet_inexact lax::nextafter;
    /// Whether two are equal, element by element; NaN equals nothing.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([1.0f32, 2.0, f32::NAN]);
    /// assert_eq!(jnp::equal(&x, &x).to_vec::<bool>(), [true, true, false]);
    /// ```
    ///
    /// # Panics
    /// As [`add`].
    equal = meet lax::eq;
    /// Whether two differ, element by element; NaN differs from everything.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::not_equal(Array::from([1, 2, 3]), 2).to_vec::<bool>(), [true, false, true]);
    /// ```
    ///
    /// # Panics
    /// As [`add`].
    not_equal = meet lax::ne;
    /// Whether `x < y`, element by element.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::less(Array::from([1, 2, 3]), 2).to_vec::<bool>(), [true, false, false]);
    /// ```
    ///
    /// # Panics
    /// As [`add`].
    less = meet lax::lt;
    /// Whether `x ≤ y`, element by element.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::less_equal(Array::from([1, 2, 3]), 2.5).to_vec::<bool>(), [true, true, false]);
    /// ```
    ///
    /// # Panics
    /// As [`add`].
    less_equal = meet lax::le;
    /// Whether `x > y`, element by element.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([1.0f32, 3.0, f32::NAN]);
    /// assert_eq!(jnp::greater(&x, 2).to_vec::<bool>(), [false, true, false]);
    /// ```
    ///
    /// # Panics
    /// As [`add`].
    greater = meet lax::gt;
    /// Whether `x ≥ y`, element by element.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let (column, row) = (Array::from([[1], [2]]), Array::from([1, 2]));
    /// assert_eq!(jnp::greater_equal(&column, &row).to_string(), "[[ True False]\n [ True  True]]");
    /// ```
    ///
    /// # Panics
    /// As [`add`].
    greater_equal = meet lax::ge;
    /// The bits that both have; for booleans logical and.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::bitwise_and(Array::from([0b1100, 0b1010]), 0b0110).to_vec::<i32>(), [0b0100, 0b0010]);
    /// ```
    ///
    /// # Panics
    /// As [`add`], or of floating numbers.
    bitwise_and = meet lax::and;
    /// The bits that one of both has; for booleans logical or.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::bitwise_or(Array::from([0b1100]), 0b0110).to_vec::<i32>(), [0b1110]);
    /// ```
    ///
    /// # Panics
    /// As [`add`], or of floating numbers.
    bitwise_or = meet lax::or;
    /// The bits that exactly one of both has; for booleans exclusive or.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::bitwise_xor(Array::from([0b1100]), 0b0110).to_vec::<i32>(), [0b1010]);
    /// assert_eq!(jnp::bitwise_xor(Array::from([true, true]), Array::from([true, false])).to_vec::<bool>(), [false, true]);
    /// ```
    ///
    /// # Panics
    /// As [`add`], or of floating numbers.
    bitwise_xor = meet lax::xor;
    /// `x` shifted left by `y` bits, zeros moving in: `x · 2ʸ`; booleans become integers.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::left_shift(1, Array::from([0, 3, 10])).to_vec::<i32>(), [1, 8, 1024]);
    /// ```
    ///
    /// # Panics
    /// As [`add`], or of floating numbers.
    left_shift = meet_numbers lax::shift_left;
    /// `x` to the power of `y`, as a floating number of integers too.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::float_power(Array::from([2, 4]), -1).to_vec::<f32>(), [0.5, 0.25]);
    /// ```
    ///
    /// # Panics
    /// As [`add`].
    float_power = meet_inexact lax::pow;
}

/// Every bit turned over; for booleans logical not: what the operator `!` does.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::bitwise_not(Array::from([0, 5])).to_vec::<i32>(), [-1, -6]);
/// assert_eq!(jnp::bitwise_not(Array::from([0b1010u8])).to_vec::<u8>(), [0b11110101]);
/// ```
///
/// # Panics
/// Of floating numbers.
#[track_caller]
pub fn bitwise_not(x: impl IntoArray) -> Array {
    lax::not(&x.into_array())
}

/// `x` shifted right by `y` bits: copies of the sign move in, zeros for unsigned integers.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::right_shift(Array::from([20, -20]), 2).to_vec::<i32>(), [5, -5]);
/// ```
///
/// # Panics
/// As [`add`], or of floating numbers.
#[track_caller]
pub fn right_shift(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = meet_numbers(x.into_array(), y.into_array());
    if x.dtype().is_unsigned() {
        lax::shift_right_logical(&x, &y)
    } else {
        lax::shift_right_arithmetic(&x, &y)
    }
}

/// Whether nonzero.
#[track_caller]
pub(crate) fn truth(x: Array) -> Array {
    if x.dtype().is_boolean() { x } else { lax::ne(&x, &Array::scalar(0, x.dtype(), false)) }
}

/// Whether both are nonzero, element by element.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::logical_and(Array::from([0, 1, 2]), Array::from([5, 0, 5])).to_vec::<bool>(), [false, false, true]);
/// ```
///
/// # Panics
/// As [`add`].
#[track_caller]
pub fn logical_and(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = meet(x.into_array(), y.into_array());
    lax::and(&truth(x), &truth(y))
}

/// Whether one of both is nonzero, element by element.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1, 5, 9]);
/// assert_eq!(jnp::logical_or(x.lt(3), x.gt(7)).to_vec::<bool>(), [true, false, true]);
/// ```
///
/// # Panics
/// As [`add`].
#[track_caller]
pub fn logical_or(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = meet(x.into_array(), y.into_array());
    lax::or(&truth(x), &truth(y))
}

/// Whether exactly one of both is nonzero, element by element.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::logical_xor(Array::from([0, 1, 2]), 1).to_vec::<bool>(), [true, false, false]);
/// ```
///
/// # Panics
/// As [`add`].
#[track_caller]
pub fn logical_xor(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = meet(x.into_array(), y.into_array());
    lax::xor(&truth(x), &truth(y))
}

/// Whether each element is zero.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::logical_not(Array::from([0.0f32, 0.5])).to_vec::<bool>(), [true, false]);
/// ```
#[track_caller]
pub fn logical_not(x: impl IntoArray) -> Array {
    lax::not(&truth(x.into_array()))
}

/// `x` to the power of `y`: a whole Rust number is done by multiplication, integers by repeated squaring.
///
/// Of integers it is an integer, else in the floating dtype in which both meet.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::power(Array::from([2, 3]), 4).to_vec::<i32>(), [16, 81]);
/// assert_eq!(jnp::power(4.0, Array::from([0.5f32, -1.0])).to_vec::<f32>(), [2.0, 0.25]);
/// ```
///
/// # Panics
/// As [`add`], or of an integer to a negative Rust number.
#[track_caller]
pub fn power(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = (x.into_array(), y.into_array());
    if let Some(exponent) = y.as_literal().filter(|l| l.aval().weak_type).and_then(|l| l.value().to_i64()) {
        // An integer to a negative power is refused, as in JAX.
        if let Ok(exponent) = i32::try_from(exponent) {
            return lax::integer_pow(&as_number(x), exponent);
        }
    }
    let integers = |a: &Array| a.dtype().is_integer() || a.dtype().is_boolean();
    if integers(&x) && integers(&y) {
        let (x, y) = meet_numbers(x, y);
        return integer_power(&x, &y);
    }
    let (x, y) = meet_inexact(x, y);
    lax::pow(&x, &y)
}

/// Repeated squaring, one round for each bit that an exponent without overflow can have.
#[track_caller]
fn integer_power(x: &Array, y: &Array) -> Array {
    let int = |value: i64| Array::scalar(value, x.dtype(), false);
    let undefined = lax::and(&lax::eq(x, &int(0)), &lax::ne(y, &int(0)));
    let mut acc = where_(undefined, int(0), int(1));
    let (mut base, mut rest) = (x.clone(), y.clone());
    for _ in 0..6 {
        let odd = lax::ne(&lax::and(&rest, &int(1)), &int(0));
        acc = where_(odd, lax::mul(&acc, &base), &acc);
        base = lax::mul(&base, &base);
        rest = lax::shift_right_logical(&rest, &int(1));
    }
    acc
}

/// The largest whole number not above `x / y`; an integer of integers.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([7, -7]);
/// assert_eq!(jnp::floor_divide(&x, 2).to_vec::<i32>(), [3, -4]);
/// assert_eq!(jnp::floor_divide(&x, 2.0).to_vec::<f32>(), [3.0, -4.0]);
/// ```
///
/// # Panics
/// As [`add`], or of complex numbers.
#[track_caller]
pub fn floor_divide(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = meet_numbers(x.into_array(), y.into_array());
    let dtype = x.dtype();
    if dtype.is_unsigned() {
        return lax::div(&x, &y);
    }
    if dtype.is_signed() {
        let quotient = lax::div(&x, &y);
        let signs = lax::ne(&lax::sign(&x), &lax::sign(&y));
        let inexact = lax::ne(&lax::rem(&x, &y), &Array::scalar(0, dtype, false));
        let below = lax::sub(&quotient, &Array::scalar(1, dtype, false));
        return where_(lax::and(&signs, &inexact), below, quotient);
    }
    if dtype.is_complex() {
        refuse!("floor_divide" => "complex numbers are not ordered, got {}", crate::ir::numpy_name(dtype))
    }
    float_divmod(&x, &y).0
}

/// `x - y · ⌊x / y⌋`: the remainder with the sign of `y`; where `y` is zero, 0 of integers and NaN of floats.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::remainder(Array::from([7, -7, 5]), Array::from([3, 3, -3])).to_vec::<i32>(), [1, 2, -1]);
/// ```
///
/// # Panics
/// As [`add`], or of complex numbers.
#[track_caller]
pub fn remainder(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = meet_numbers(x.into_array(), y.into_array());
    let dtype = x.dtype();
    let zero = Array::scalar(0, dtype, false);
    let y =
        if dtype.is_integer() { where_(lax::eq(&y, &zero), Array::scalar(1, dtype, false), &y) } else { y };
    let truncated = lax::rem(&x, &y);
    let nonzero = lax::ne(&truncated, &zero);
    let signs = lax::ne(&lax::lt(&truncated, &zero), &lax::lt(&y, &zero));
    where_(lax::and(&signs, &nonzero), lax::add(&truncated, &y), truncated)
}

/// `x - y · ⌊x / y⌋`: the same as [`remainder`]. JAX's `mod`, which is a keyword of Rust.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::mod_(Array::from([-0.5f32, 4.5]), 2.0).to_vec::<f32>(), [1.5, 0.5]);
/// ```
///
/// # Panics
/// As [`remainder`].
#[track_caller]
pub fn mod_(x: impl IntoArray, y: impl IntoArray) -> Array {
    remainder(x, y)
}

/// The remainder with the sign of `x`: that of the operator `%` in Rust and C.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::fmod(Array::from([7, -7, 5]), Array::from([3, 3, -3])).to_vec::<i32>(), [1, -1, 2]);
/// ```
///
/// # Panics
/// As [`remainder`].
#[track_caller]
pub fn fmod(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, mut y) = meet_numbers(x.into_array(), y.into_array());
    if y.dtype().is_integer() {
        let zero = Array::scalar(0, y.dtype(), false);
        y = where_(lax::eq(&y, &zero), Array::scalar(1, y.dtype(), false), &y);
    }
    lax::rem(&x, &y)
}

/// [`floor_divide`] and [`remainder`] at once.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (hours, minutes) = jnp::divmod(Array::from([135, 59]), 60);
/// assert_eq!((hours.to_vec::<i32>(), minutes.to_vec::<i32>()), (vec![2, 0], vec![15, 59]));
/// ```
///
/// # Panics
/// As [`remainder`].
#[track_caller]
pub fn divmod(x: impl IntoArray, y: impl IntoArray) -> (Array, Array) {
    let (x, y) = meet_numbers(x.into_array(), y.into_array());
    if x.dtype().is_float() { float_divmod(&x, &y) } else { (floor_divide(&x, &y), remainder(&x, &y)) }
}

#[track_caller]
fn float_divmod(x: &Array, y: &Array) -> (Array, Array) {
    let zero = like(x, 0.0);
    let remainder = lax::rem(x, y);
    let whole = where_(lax::eq(y, &zero), x, lax::sub(x, &remainder));
    let quotient = lax::div(&whole, y);
    let signs = lax::ne(&lax::sign(y), &lax::sign(&remainder));
    let adjust = lax::and(&lax::ne(&remainder, &zero), &signs);
    let remainder_out = where_(&adjust, lax::add(&remainder, y), &remainder);
    let quotient = where_(&adjust, lax::sub(&quotient, &like(x, 1.0)), quotient);
    (lax::round(&quotient, lax::RoundingMethod::AwayFromZero), remainder_out)
}

/// `√(x² + y²)` without overflow on the way, as a floating number.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::hypot(Array::from([3.0f32, 3e30]), Array::from([4.0f32, 4e30])).to_vec::<f32>(), [5.0, 5e30]);
/// ```
///
/// # Panics
/// As [`add`], or of complex numbers.
#[track_caller]
pub fn hypot(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = meet_inexact(x.into_array(), y.into_array());
    if x.dtype().is_complex() {
        refuse!("hypot" => "complex numbers are not supported, got {}", crate::ir::numpy_name(x.dtype()))
    }
    let (x, y) = (lax::abs(&x), lax::abs(&y));
    let infinite = lax::or(&isinf(&x), &isinf(&y));
    let (large, small) = (lax::max(&x, &y), lax::min(&x, &y));
    let zero = lax::eq(&large, &like(&large, 0.0));
    let ratio = lax::div(&small, &where_(&zero, 1.0, &large));
    let root = lax::sqrt(&lax::add(&like(&ratio, 1.0), &lax::square(&ratio)));
    let out = where_(&zero, &large, lax::mul(&large, &root));
    where_(infinite, f64::INFINITY, out)
}

/// `log(eˣ + eʸ)` without overflow on the way; of complex numbers, with an imaginary part between -π and π.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([0.0f32, 1000.0]);
/// assert_eq!(jnp::logaddexp(&x, &x).round_to(3).to_vec::<f32>(), [0.693, 1000.693]);
/// ```
///
/// # Panics
/// As [`add`].
#[track_caller]
pub fn logaddexp(x: impl IntoArray, y: impl IntoArray) -> Array {
    let _line = crate::trace::keep_line();
    fn logaddexp(x: &Array, y: &Array) -> Array {
        log_of_sum(x, y, PI, |x| lax::log1p(&lax::exp(x)))
    }
    fn _logaddexp_jvp((x, y): (Array, Array), (dx, dy): (Array, Array)) -> (Array, Array) {
        let out = log_add_exp(&x, &y);
        let tangent = slopes_of_sum([&x, &y], [&dx, &dy], &out, lax::exp);
        (out, tangent)
    }
    fn log_add_exp(x: &Array, y: &Array) -> Array {
        custom_jvp(logaddexp).defjvp(_logaddexp_jvp)(x, y)
    }
    let (x, y) = meet_inexact(x.into_array(), y.into_array());
    log_add_exp(&x, &y)
}

/// The larger plus `rest` of minus the distance; the imaginary part of complex numbers goes between `-half` and `half`.
pub(super) fn log_of_sum(x: &Array, y: &Array, half: f64, rest: impl Fn(&Array) -> Array) -> Array {
    let larger = lax::max(x, y);
    if x.dtype().is_complex() {
        let delta = lax::sub(&lax::add(x, y), &lax::mul(&larger, &like(&larger, 2.0)));
        let out = lax::add(&larger, &rest(&delta));
        let imag = remainder(lax::imag(&out) + half, 2.0 * half) - half;
        return lax::complex(&lax::real(&out), &imag);
    }
    let delta = lax::sub(x, y);
    let sum = lax::add(&larger, &rest(&lax::neg(&lax::abs(&delta))));
    lax::select(&isnan(&delta), &lax::add(x, y), &sum)
}

/// Each tangent times the part that its operand has in the sum; infinities stand for no part.
pub(super) fn slopes_of_sum(
    [x, y]: [&Array; 2],
    [dx, dy]: [&Array; 2],
    out: &Array,
    exp: impl Fn(&Array) -> Array,
) -> Array {
    let finite = |x: &Array| {
        let real = if x.dtype().is_complex() { lax::real(x) } else { x.clone() };
        lax::select(&lax::eq(&real, &like(&real, f64::INFINITY)), &lax::full_like(x, 0), x)
    };
    let term = |x: &Array, t: &Array| lax::mul(t, &exp(&lax::sub(&finite(x), &finite(out))));
    lax::add(&term(x, dx), &term(y, dy))
}

/// The magnitude of `x` with the sign of `y`, that of `-0.0` too; a floating number.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::copysign(Array::from([1, -2]), Array::from([-0.0f32, 5.0])).to_vec::<f32>(), [-1.0, 2.0]);
/// ```
///
/// # Panics
/// As [`add`], or of complex numbers.
#[track_caller]
pub fn copysign(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = meet_inexact(x.into_array(), y.into_array());
    where_(signbit(&y), lax::neg(&lax::abs(&x)), lax::abs(&x))
}

/// Whether the sign bit is set, of `-0.0` too.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::signbit(Array::from([1.0f32, -1.0, 0.0, -0.0])).to_vec::<bool>(), [false, true, false, true]);
/// ```
///
/// # Panics
/// Of complex numbers.
#[track_caller]
pub fn signbit(x: impl IntoArray) -> Array {
    let x = x.into_array();
    if !x.dtype().is_float() {
        return lax::lt(&x, &Array::scalar(0, x.dtype(), false));
    }
    let bits = match x.dtype().bits() {
        8 => DType::I8,
        16 => DType::I16,
        32 => DType::I32,
        _ => DType::I64,
    };
    let x = lax::bitcast_convert_type(&x, bits);
    lax::lt(&x, &Array::scalar(0, bits, false))
}

/// 0 below zero, 1 above, and `y` at zero; a floating number.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::heaviside(Array::from([-2.0f32, 0.0, 3.0]), 0.5).to_vec::<f32>(), [0.0, 0.5, 1.0]);
/// ```
///
/// # Panics
/// As [`add`], or of complex numbers.
#[track_caller]
pub fn heaviside(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = meet_inexact(x.into_array(), y.into_array());
    let zero = like(&x, 0.0);
    let step = where_(lax::lt(&x, &zero), 0.0, where_(lax::gt(&x, &zero), 1.0, &y));
    where_(isnan(&x), &x, step)
}

/// `sin(πx) / πx`, and 1 at zero, where derivatives of every order are those of the power series.
///
/// ```
/// # use jacinth_frontend::{Array, grad, numpy as jnp};
/// let x = Array::from([0.0f32, 0.5, 1.0]);
/// assert_eq!(jnp::sinc(&x).round_to(4).to_vec::<f32>(), [1.0, 0.6366, 0.0]);
/// let curvature = grad(grad(|x: &Array| jnp::sinc(x)));
/// assert_eq!(curvature(&Array::from(0.0f32)).round_to(3).item::<f32>(), -3.29);
/// ```
#[track_caller]
pub fn sinc(x: impl IntoArray) -> Array {
    let x = promote_inexact(&[x.into_array()]).remove(0);
    let zero = lax::eq(&x, &like(&x, 0.0));
    let scaled = lax::mul(&x, &like(&x, PI));
    let safe = where_(&zero, 1.0, &scaled);
    where_(zero, sinc_at_zero(0, &scaled), lax::div(&lax::sin(&safe), &safe))
}

/// The derivative of that order of `sin(x) / x` at zero, as a function of `x` whose derivative is the next one.
#[track_caller]
fn sinc_at_zero(order: i32, x: &Array) -> Array {
    let _line = crate::trace::keep_line();
    let value = if order % 2 == 0 { (-1f64).powi(order / 2) / f64::from(order + 1) } else { 0.0 };
    custom_jvp(move |x: &Array| lax::add(&lax::mul(x, &like(x, 0.0)), &like(x, value)))
        .defjvp(move |(x,), (t,)| (sinc_at_zero(order, &x), lax::mul(&sinc_at_zero(order + 1, &x), &t)))(x)
}

/// `x` where `condition` is nonzero, `y` elsewhere; all three broadcast. JAX's `where`, which is a keyword of Rust.
///
/// JAX's `where` with one argument is [`nonzero`](super::nonzero).
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, -2], [-3, 4]]);
/// assert_eq!(jnp::where_(x.gt(0), &x, 0).to_string(), "[[1 0]\n [0 4]]");
/// ```
///
/// # Panics
/// If the shapes do not broadcast, or the dtypes do not meet.
#[track_caller]
pub fn where_(condition: impl IntoArray, x: impl IntoArray, y: impl IntoArray) -> Array {
    choose(condition.into_array(), x.into_array(), y.into_array())
}

#[track_caller]
fn choose(condition: Array, x: Array, y: Array) -> Array {
    let condition = truth(condition);
    let (x, y) = promote_pair(x, y);
    let shape = broadcast_shape("where", &[condition.shape(), x.shape(), y.shape()]);
    let condition = if condition.ndim() == 0 { condition } else { broadcast_to(&condition, &shape) };
    lax::select(&condition, &broadcast_to(x, &shape), &broadcast_to(y, &shape))
}

/// For every element the first of the choices whose condition is nonzero; `default`, in JAX 0 if not given, where none is.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1, 5, 9]);
/// let out = jnp::select(&[x.lt(3), x.lt(7)], &[-&x, &x * 10], 0);
/// assert_eq!(out.to_vec::<i32>(), [-1, 50, 0]);
/// ```
///
/// # Panics
/// If there are not as many conditions as choices, or none.
#[track_caller]
pub fn select(conditions: &[Array], choices: &[Array], default: impl IntoArray) -> Array {
    let _line = crate::trace::keep_line();
    if conditions.len() != choices.len() || conditions.is_empty() {
        let (c, v) = (conditions.len(), choices.len());
        refuse!("select" => "there must be as many conditions as choices and at least one, got {c} and {v}")
    }
    conditions.iter().zip(choices).rev().fold(default.into_array(), |rest, (c, v)| where_(c, v, rest))
}

/// Limited to `min ..= max`: JAX's bounds that are `None` are infinite ones here.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([-5, 3, 50]);
/// assert_eq!(jnp::clip(&x, 0, 9).to_vec::<i32>(), [0, 3, 9]);
/// assert_eq!(jnp::clip(&x, 0, Array::from([9, 2, 9])).to_vec::<i32>(), [0, 2, 9]);
/// ```
///
/// # Panics
/// If the shapes do not broadcast, or of complex numbers.
#[track_caller]
pub fn clip(x: impl IntoArray, min: impl IntoArray, max: impl IntoArray) -> Array {
    let (x, min, max) = (x.into_array(), min.into_array(), max.into_array());
    if let Some(x) = [&x, &min, &max].into_iter().find(|x| x.dtype().is_complex()) {
        refuse!("clip" => "complex numbers are not ordered, got {}", crate::ir::numpy_name(x.dtype()))
    }
    minimum(max, maximum(min, x))
}

/// Whether `|x - y| ≤ 1e-8 + 1e-5 · |y|`, or both are the same infinity; [`isclose_with`] takes the tolerances.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1.0f32, 1.0, f32::INFINITY]);
/// let y = Array::from([1.000001f32, 1.001, f32::INFINITY]);
/// assert_eq!(jnp::isclose(&x, &y).to_vec::<bool>(), [true, false, true]);
/// ```
///
/// # Panics
/// As [`add`].
#[track_caller]
pub fn isclose(x: impl IntoArray, y: impl IntoArray) -> Array {
    isclose_with(x, y, 1e-5, 1e-8)
}

/// Whether `|x - y| ≤ atol + rtol · |y|`, or both are the same infinity.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, y) = (Array::from([100.0f32, 1.0]), Array::from([101.0f32, 2.0]));
/// assert_eq!(jnp::isclose_with(&x, &y, 0.1, 0.0).to_vec::<bool>(), [true, false]);
/// ```
///
/// # Panics
/// As [`add`].
#[track_caller]
pub fn isclose_with(x: impl IntoArray, y: impl IntoArray, rtol: f64, atol: f64) -> Array {
    let (x, y) = meet_inexact(x.into_array(), y.into_array());
    let real = |value: f64| Array::scalar(value, y.dtype().real(), false);
    let allowed = lax::add(&real(atol), &lax::mul(&real(rtol), &lax::abs(&y)));
    let near = lax::le(&lax::abs(&lax::sub(&x, &y)), &allowed);
    lax::or(&lax::eq(&x, &y), &lax::and(&isfinite(&y), &near))
}

/// [`isclose_with`], NaN being close to NaN.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1.0f32, f32::NAN]);
/// assert_eq!(jnp::isclose(&x, &x).to_vec::<bool>(), [true, false]);
/// assert_eq!(jnp::isclose_equal_nan(&x, &x, 1e-5, 1e-8).to_vec::<bool>(), [true, true]);
/// ```
///
/// # Panics
/// As [`add`].
#[track_caller]
pub fn isclose_equal_nan(x: impl IntoArray, y: impl IntoArray, rtol: f64, atol: f64) -> Array {
    let (x, y) = meet_inexact(x.into_array(), y.into_array());
    let both_nan = logical_and(isnan(&x), isnan(&y));
    logical_or(isclose_with(x, y, rtol, atol), both_nan)
}

/// The elements as another dtype; 64-bit dtypes become 32-bit ones unless x64 is enabled.
///
/// Floats become integers by cutting off, numbers booleans by being nonzero.
///
/// ```
/// # use jacinth_frontend::{Array, DType, numpy as jnp};
/// let x = Array::from([1.7f32, 0.0, -1.7]);
/// assert_eq!(jnp::astype(&x, DType::I32).to_vec::<i32>(), [1, 0, -1]);
/// assert_eq!(jnp::astype(&x, DType::I1).to_vec::<bool>(), [true, false, true]);
/// ```
#[track_caller]
pub fn astype(x: impl IntoArray, dtype: DType) -> Array {
    lax::convert_element_type(&x.into_array(), requested(dtype))
}
