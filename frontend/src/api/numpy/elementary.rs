//! More functions element by element: bits and parts of numbers, whole number theory, tests of numbers, and second names.

use super::take::one_axis;
use super::{
    Axis, IntoArray, broadcast_arrays, isnan, real,
    ufuncs::{like, log_of_sum, meet_inexact, pair, slopes_of_sum},
    where_,
};
use crate::api::control::while_loop;
use crate::api::custom::custom_jvp;
use crate::api::dtype_info::{FInfo, finfo};
use crate::api::dtypes::{default_float, promote, promote_inexact};
use crate::ir::{Array, DType, numpy_name};
use crate::lax;
use crate::lax::rules::refuse;
use std::f64::consts::{LN_2, PI};

/// Second names: NumPy's and the array API's.
macro_rules! aliases {
    ($($(#[$doc:meta])* $name:ident($($arg:ident),+) = $function:ident;)*) => {$(
        $(#[$doc])*
        #[track_caller]
        pub fn $name($($arg: impl IntoArray),+) -> Array {
            super::$function($($arg),+)
        }
    )*};
}

aliases! {
    /// The inverse of the cosine: the array API's name of [`arccos`](super::arccos).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::acos(Array::from([1.0f32, 0.0])).round_to(4).to_vec::<f32>(), [0.0, 1.5708]);
    /// ```
    acos(x) = arccos;
    /// The inverse of the hyperbolic cosine: the array API's name of [`arccosh`](super::arccosh).
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// assert_eq!(jnp::acosh(2.0).round_to(4).item::<f32>(), 1.317);
    /// ```
    acosh(x) = arccosh;
    /// The inverse of the sine: the array API's name of [`arcsin`](super::arcsin).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::asin(Array::from([-1, 0])).round_to(4).to_vec::<f32>(), [-1.5708, 0.0]);
    /// ```
    asin(x) = arcsin;
    /// The inverse of the hyperbolic sine: the array API's name of [`arcsinh`](super::arcsinh).
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// assert_eq!(jnp::asinh(1.0).round_to(4).item::<f32>(), 0.8814);
    /// ```
    asinh(x) = arcsinh;
    /// The inverse of the tangent: the array API's name of [`arctan`](super::arctan).
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// assert_eq!(jnp::degrees(jnp::atan(1.0)).round_to(3).item::<f32>(), 45.0);
    /// ```
    atan(x) = arctan;
    /// The inverse of the hyperbolic tangent: the array API's name of [`arctanh`](super::arctanh).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::atanh(Array::from([0.0f32, 0.5])).round_to(4).to_vec::<f32>(), [0.0, 0.5493]);
    /// ```
    atanh(x) = arctanh;
    /// The angle of the point with ordinate `y` and abscissa `x`: the array API's name of [`arctan2`](super::arctan2).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::atan2(1.0, Array::from([1.0f32, -1.0])).round_to(4).to_vec::<f32>(), [0.7854, 2.3562]);
    /// ```
    atan2(y, x) = arctan2;
    /// `x` to the power of `y`: the array API's name of [`power`](super::power).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::pow(2, Array::from([0, 1, 10])).to_vec::<i32>(), [1, 2, 1024]);
    /// ```
    pow(x, y) = power;
    /// Every bit turned over, for booleans logical not: NumPy's other name of [`bitwise_not`](super::bitwise_not).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::invert(Array::from([true, false])).to_vec::<bool>(), [false, true]);
    /// ```
    invert(x) = bitwise_not;
    /// Every bit turned over, for booleans logical not: the array API's name of [`bitwise_not`](super::bitwise_not).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::bitwise_invert(Array::from([0u8, 255])).to_vec::<u8>(), [255, 0]);
    /// ```
    bitwise_invert(x) = bitwise_not;
    /// `x` shifted left by `y` bits: the array API's name of [`left_shift`](super::left_shift).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::bitwise_left_shift(Array::from([1, 3]), 4).to_vec::<i32>(), [16, 48]);
    /// ```
    bitwise_left_shift(x, y) = left_shift;
    /// `x` shifted right by `y` bits: the array API's name of [`right_shift`](super::right_shift).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::bitwise_right_shift(Array::from([16, 48]), Array::from([4, 1])).to_vec::<i32>(), [1, 24]);
    /// ```
    bitwise_right_shift(x, y) = right_shift;
    /// The complex conjugate: the longer name of [`conj`](super::conj).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// # use num_complex::Complex32;
    /// assert_eq!(jnp::conjugate(Array::from(Complex32::new(0.0, 1.0))).item::<Complex32>().im, -1.0);
    /// ```
    conjugate(x) = conj;
    /// Radians as degrees: the other name of [`rad2deg`](super::rad2deg).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::degrees(Array::from([0.0, jnp::PI / 2.0])).round_to(3).to_string(), "[ 0. 90.]");
    /// ```
    degrees(x) = rad2deg;
    /// Degrees as radians: the other name of [`deg2rad`](super::deg2rad).
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// assert_eq!(jnp::radians(90).round_to(4).item::<f32>(), 1.5708);
    /// ```
    radians(x) = deg2rad;
}

/// The nearest whole number, halves to even, as a floating number of integers too, unlike of [`round`](super::round).
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::rint(Array::from([1.4f32, 2.5, 3.5])).to_vec::<f32>(), [1.0, 2.0, 4.0]);
/// assert_eq!(jnp::rint(Array::from([7])).to_vec::<f32>(), [7.0]);
/// ```
#[track_caller]
pub fn rint(x: impl IntoArray) -> Array {
    super::round(promote_inexact(&[x.into_array()]).remove(0))
}

/// The real cube root, as a floating number; negative numbers have one.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::cbrt(Array::from([8, -27])).round_to(4).to_vec::<f32>(), [2.0, -3.0]);
/// ```
///
/// # Panics
/// Of complex numbers.
#[track_caller]
pub fn cbrt(x: impl IntoArray) -> Array {
    lax::cbrt(&promote_inexact(&[x.into_array()])[0])
}

/// `|x|` of real numbers, as a floating number of integers too.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::fabs(Array::from([-2, 3])).to_vec::<f32>(), [2.0, 3.0]);
/// ```
///
/// # Panics
/// Of complex numbers.
#[track_caller]
pub fn fabs(x: impl IntoArray) -> Array {
    let x = promote_inexact(&[x.into_array()]).remove(0);
    if x.dtype().is_complex() {
        refuse!("fabs" => "complex numbers are not supported, got {}", numpy_name(x.dtype()))
    }
    lax::abs(&x)
}

/// Rounded to that many decimal places, halves to even; negative ones round tens and hundreds of floats. JAX's `round` with `decimals`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::round_to(Array::from([1.234f32, 5.678]), 1).to_vec::<f32>(), [1.2, 5.7]);
/// assert_eq!(jnp::round_to(Array::from([149.0f32, 250.0]), -2).to_vec::<f32>(), [100.0, 200.0]);
/// ```
///
/// # Panics
/// Of integers with negative `decimals`.
#[track_caller]
pub fn round_to(x: impl IntoArray, decimals: i32) -> Array {
    let _line = crate::trace::keep_line();
    let x = x.into_array();
    let dtype = x.dtype();
    if dtype.is_complex() {
        return lax::complex(&round_to(lax::real(&x), decimals), &round_to(lax::imag(&x), decimals));
    }
    if !dtype.is_float() {
        if decimals < 0 {
            refuse!("round" => "integers cannot be rounded to tens, got decimals={decimals}")
        }
        return x;
    }
    let to_even = |x: &Array| lax::round(x, lax::RoundingMethod::ToNearestEven);
    if decimals == 0 {
        return to_even(&x);
    }
    let wide = match dtype {
        DType::F16 => lax::convert_element_type(&x, DType::F32),
        _ => x,
    };
    let factor = like(&wide, 10f64.powi(decimals));
    lax::convert_element_type(&lax::div(&to_even(&lax::mul(&wide, &factor)), &factor), dtype)
}

/// Rounded to that many decimal places, halves to even: NumPy's other name of [`round_to`].
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::around(Array::from([0.125f32, 0.375]), 2).to_vec::<f32>(), [0.12, 0.38]);
/// ```
///
/// # Panics
/// As [`round_to`].
#[track_caller]
pub fn around(x: impl IntoArray, decimals: i32) -> Array {
    round_to(x, decimals)
}

/// `log2(2ˣ + 2ʸ)` without overflow on the way, as a floating number.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::logaddexp2(Array::from([3.0f32, 500.0]), Array::from([3.0f32, 500.0])).to_vec::<f32>(), [4.0, 501.0]);
/// ```
///
/// # Panics
/// If the shapes do not broadcast.
#[track_caller]
pub fn logaddexp2(x: impl IntoArray, y: impl IntoArray) -> Array {
    let _line = crate::trace::keep_line();
    fn logaddexp2(x: &Array, y: &Array) -> Array {
        let per_bit = like(x, 1.0 / LN_2);
        log_of_sum(x, y, PI / LN_2, |x| lax::mul(&per_bit, &lax::log1p(&lax::exp2(x))))
    }
    fn _logaddexp2_jvp((x, y): (Array, Array), (dx, dy): (Array, Array)) -> (Array, Array) {
        let out = log_add_exp(&x, &y);
        let tangent = slopes_of_sum([&x, &y], [&dx, &dy], &out, lax::exp2);
        (out, tangent)
    }
    fn log_add_exp(x: &Array, y: &Array) -> Array {
        custom_jvp(logaddexp2).defjvp(_logaddexp2_jvp)(x, y)
    }
    let (x, y) = meet_inexact(x.into_array(), y.into_array());
    log_add_exp(&x, &y)
}

/// The larger of two; the other one where one is NaN, unlike of [`maximum`](super::maximum).
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, y) = (Array::from([1.0f32, f32::NAN]), Array::from([2.0f32, 3.0]));
/// assert_eq!(jnp::fmax(&x, &y).to_vec::<f32>(), [2.0, 3.0]);
/// ```
///
/// # Panics
/// If the shapes do not broadcast, or of complex numbers.
#[track_caller]
pub fn fmax(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = (x.into_array(), y.into_array());
    where_(super::logical_or(super::greater(&x, &y), isnan(&y)), x, y)
}

/// The smaller of two; the other one where one is NaN, unlike of [`minimum`](super::minimum).
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, y) = (Array::from([1.0f32, f32::NAN]), Array::from([2.0f32, 3.0]));
/// assert_eq!(jnp::fmin(&x, &y).to_vec::<f32>(), [1.0, 3.0]);
/// ```
///
/// # Panics
/// If the shapes do not broadcast, or of complex numbers.
#[track_caller]
pub fn fmin(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = (x.into_array(), y.into_array());
    where_(super::logical_or(super::less(&x, &y), isnan(&y)), x, y)
}

#[track_caller]
fn is_infinity(name: &'static str, x: Array, infinity: f64) -> Array {
    if x.dtype().is_complex() {
        refuse!(name => "complex numbers are not supported, got {}", numpy_name(x.dtype()))
    }
    if x.dtype().is_float() {
        lax::eq(&x, &like(&x, infinity))
    } else {
        lax::full(x.shape(), false, DType::I1)
    }
}

/// Whether each element is +∞.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::isposinf(Array::from([f32::INFINITY, f32::NEG_INFINITY])).to_vec::<bool>(), [true, false]);
/// ```
///
/// # Panics
/// Of complex numbers.
#[track_caller]
pub fn isposinf(x: impl IntoArray) -> Array {
    is_infinity("isposinf", x.into_array(), f64::INFINITY)
}

/// Whether each element is -∞.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::isneginf(Array::from([f32::INFINITY, f32::NEG_INFINITY])).to_vec::<bool>(), [false, true]);
/// ```
///
/// # Panics
/// Of complex numbers.
#[track_caller]
pub fn isneginf(x: impl IntoArray) -> Array {
    is_infinity("isneginf", x.into_array(), f64::NEG_INFINITY)
}

/// Whether the imaginary part of each element is zero; true of all real numbers.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// # use num_complex::Complex32;
/// let z = Array::from([Complex32::new(1.0, 0.0), Complex32::new(1.0, 2.0)]);
/// assert_eq!(jnp::isreal(&z).to_vec::<bool>(), [true, false]);
/// ```
#[track_caller]
pub fn isreal(x: impl IntoArray) -> Array {
    let x = x.into_array();
    super::equal(super::imag(&x), 0)
}

/// Whether the imaginary part of each element is not zero.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// # use num_complex::Complex32;
/// let z = Array::from([Complex32::new(1.0, 0.0), Complex32::new(1.0, 2.0)]);
/// assert_eq!(jnp::iscomplex(&z).to_vec::<bool>(), [false, true]);
/// ```
#[track_caller]
pub fn iscomplex(x: impl IntoArray) -> Array {
    let x = x.into_array();
    super::not_equal(super::imag(&x), 0)
}

/// Whether the dtype is real; of a traced array too, because it does not depend on values.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// # use num_complex::Complex32;
/// assert!(jnp::isrealobj(Array::from([1, 2])));
/// assert!(!jnp::isrealobj(Array::from([Complex32::new(1.0, 0.0)])));
/// ```
pub fn isrealobj(x: impl IntoArray) -> bool {
    !x.into_array().dtype().is_complex()
}

/// Whether the dtype is complex, whatever the values are.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// # use num_complex::Complex32;
/// assert!(jnp::iscomplexobj(Array::from([Complex32::new(1.0, 0.0)])));
/// ```
pub fn iscomplexobj(x: impl IntoArray) -> bool {
    x.into_array().dtype().is_complex()
}

/// Whether the array has no dimensions, as Rust numbers have none.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert!(jnp::isscalar(3.5) && !jnp::isscalar(Array::from([3.5])));
/// ```
pub fn isscalar(x: impl IntoArray) -> bool {
    x.into_array().ndim() == 0
}

/// Whether there is a dimension to go along.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert!(jnp::iterable(Array::from([1, 2])) && !jnp::iterable(1));
/// ```
pub fn iterable(x: impl IntoArray) -> bool {
    x.into_array().ndim() > 0
}

/// The number of dimensions.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::ndim(Array::from([[1, 2, 3]])), 2);
/// ```
pub fn ndim(x: impl IntoArray) -> usize {
    x.into_array().ndim()
}

/// The sizes of the dimensions.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::shape(Array::from([[1, 2, 3]])), [1, 3]);
/// ```
pub fn shape(x: impl IntoArray) -> Vec<usize> {
    x.into_array().shape().to_vec()
}

/// The number of elements.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::size(jnp::zeros([2, 3])), 6);
/// ```
pub fn size(x: impl IntoArray) -> usize {
    x.into_array().size()
}

/// The angle of a complex number, in radians between -π and π; of real numbers 0 or π.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// # use num_complex::Complex32;
/// let z = Array::from([Complex32::new(0.0, 2.0), Complex32::new(-1.0, 0.0)]);
/// assert_eq!(jnp::angle(&z).round_to(4).to_vec::<f32>(), [1.5708, 3.1416]);
/// ```
#[track_caller]
pub fn angle(x: impl IntoArray) -> Array {
    let x = x.into_array();
    let (re, im) = (real(&x), super::imag(&x));
    if re.dtype().is_float() && !(x.dtype().is_float() && x.ndim() == 0) {
        return lax::atan2(&im, &re);
    }
    let float = |v: &Array| lax::convert_element_type(v, default_float());
    lax::atan2(&float(&im), &float(&re))
}

/// [`nan_to_num`](super::nan_to_num) with the numbers to put for NaN, +∞ and -∞; for `None` the limits of the dtype.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
/// assert_eq!(jnp::nan_to_num_with(&x, -1.0, Some(99.0), None).to_vec::<f32>(), [-1.0, 99.0, f32::MIN]);
/// ```
#[track_caller]
pub fn nan_to_num_with(x: impl IntoArray, nan: f64, posinf: Option<f64>, neginf: Option<f64>) -> Array {
    let _line = crate::trace::keep_line();
    let x = x.into_array();
    if x.dtype().is_complex() {
        let part = |v: Array| nan_to_num_with(v, nan, posinf, neginf);
        return lax::complex(&part(lax::real(&x)), &part(lax::imag(&x)));
    }
    if !x.dtype().is_float() {
        return x;
    }
    let largest = crate::api::dtype_info::largest(x.dtype());
    let out = where_(isnan(&x), like(&x, nan), &x);
    let out = where_(isposinf(&x), like(&x, posinf.unwrap_or(largest)), out);
    where_(isneginf(&x), like(&x, neginf.unwrap_or(-largest)), out)
}

/// The part behind the point and the whole part, both with the sign of `x`, as floating numbers.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (behind, whole) = jnp::modf(Array::from([3.25f32, -1.5]));
/// assert_eq!((behind.to_vec::<f32>(), whole.to_vec::<f32>()), (vec![0.25, -0.5], vec![3.0, -1.0]));
/// ```
///
/// # Panics
/// Of complex numbers.
#[track_caller]
pub fn modf(x: impl IntoArray) -> (Array, Array) {
    let x = promote_inexact(&[x.into_array()]).remove(0);
    let whole = lax::select(&lax::ge(&x, &like(&x, 0.0)), &lax::floor(&x), &lax::ceil(&x));
    (lax::sub(&x, &whole), whole)
}

fn signed(bits: usize) -> DType {
    match bits {
        8 => DType::I8,
        16 => DType::I16,
        32 => DType::I32,
        _ => DType::I64,
    }
}

/// `(m, e)` with `x = m · 2ᵉ` and `0.5 ≤ |m| < 1`; zero, infinities and NaN as they are, with `e = 0`. `e` is of `i32`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (m, e) = jnp::frexp(Array::from([6.0f32, -0.25, 0.0]));
/// assert_eq!((m.to_vec::<f32>(), e.to_vec::<i32>()), (vec![0.75, -0.5, 0.0], vec![3, -1, 0]));
/// ```
///
/// # Panics
/// Of complex numbers.
#[track_caller]
pub fn frexp(x: impl IntoArray) -> (Array, Array) {
    let _line = crate::trace::keep_line();
    let x = promote_inexact(&[x.into_array()]).remove(0);
    if x.dtype().is_complex() {
        refuse!("frexp" => "complex numbers are not supported")
    }
    let Ok(info) = finfo(x.dtype()) else { refuse!("frexp" => "{} is not supported", numpy_name(x.dtype())) };
    fn _frexp_jvp((x,): (Array,), (t,): (Array,)) -> ((Array, Array), (Array, Array)) {
        let (m, e) = frexp(x);
        let slope = lax::exp2(&lax::neg(&lax::convert_element_type(&e, t.dtype())));
        let zeros = lax::full_like(&e, 0);
        ((m, e), (t * slope, zeros))
    }
    custom_jvp(move |x: &Array| split_exponent(x, info)).defjvp(_frexp_jvp)(&x)
}

/// [`frexp`] by the bits of the number.
fn split_exponent(x: &Array, info: FInfo) -> (Array, Array) {
    let int = signed(info.bits);
    let number = |v: i64| Array::scalar(v, int, false);
    let (mask, bias) = ((1i64 << info.nexp) - 1, 1 - i64::from(info.minexp));
    // Subnormal numbers are scaled up first.
    let small = lax::lt(&lax::abs(x), &like(x, info.tiny));
    let scaled = where_(&small, lax::mul(x, &like(x, 2f64.powi(info.nmant))), x);
    let bits = lax::bitcast_convert_type(&scaled, int);
    let shift = where_(&small, number(-i64::from(info.nmant)), number(0));
    let exponent = lax::and(&lax::shift_right_arithmetic(&bits, &number(info.nmant.into())), &number(mask));
    let exponent = lax::add(&shift, &lax::sub(&exponent, &number(bias - 1)));
    let kept = lax::and(&bits, &number(!(mask << info.nmant)));
    let mantissa = lax::or(&kept, &number((bias - 1) << info.nmant));
    let mantissa = lax::bitcast_convert_type(&mantissa, x.dtype());
    let special = super::logical_or(lax::not(&super::isfinite(x)), lax::eq(x, &like(x, 0.0)));
    let exponent = where_(&special, number(0), exponent);
    (where_(&special, x, mantissa), lax::convert_element_type(&exponent, DType::I32))
}

/// `x · 2ᵉ`, as a floating number: the inverse of [`frexp`].
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::ldexp(Array::from([0.75f32, -0.5]), Array::from([3, -1])).to_vec::<f32>(), [6.0, -0.25]);
/// ```
///
/// # Panics
/// If `x` is complex, or the exponent is not whole.
#[track_caller]
pub fn ldexp(x: impl IntoArray, exponent: impl IntoArray) -> Array {
    let (x, exponent) = (promote_inexact(&[x.into_array()]).remove(0), exponent.into_array());
    if x.dtype().is_complex() || !(exponent.dtype().is_integer() || exponent.dtype().is_boolean()) {
        let (a, b) = (numpy_name(x.dtype()), numpy_name(exponent.dtype()));
        refuse!("ldexp" => "takes real numbers and whole exponents, got {a} and {b}")
    }
    let exponent = lax::convert_element_type(&exponent, x.dtype());
    // Split off, so that the largest exponents do not overflow on the way.
    let (m, e) = frexp(&x);
    let e = super::add(lax::convert_element_type(&e, x.dtype()), &exponent);
    let positive = super::greater(&e, 0);
    let m = where_(&positive, super::multiply(&m, 2), m);
    let e = where_(&positive, super::subtract(&e, 1), e);
    let out = super::multiply(m, super::power(like(&x, 2.0), e));
    where_(super::logical_or(super::isinf(&x), super::equal(&x, 0)), &x, out)
}

/// The distance to the next number away from zero that the dtype can express; with the sign of `x`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::spacing(Array::from([1.0f32, -2.0])).to_vec::<f32>(), [f32::EPSILON, -2.0 * f32::EPSILON]);
/// ```
///
/// # Panics
/// Of complex numbers.
#[track_caller]
pub fn spacing(x: impl IntoArray) -> Array {
    let x = promote_inexact(&[x.into_array()]).remove(0);
    let Ok(info) = finfo(x.dtype()) else {
        refuse!("spacing" => "{} is not supported", numpy_name(x.dtype()))
    };
    if x.dtype().is_complex() {
        refuse!("spacing" => "complex numbers are not supported")
    }
    let infinity = like(&x, f64::INFINITY);
    if x.dtype() == DType::F16 {
        return lax::sub(&lax::nextafter(&x, &infinity), &x);
    }
    let out = lax::sub(&lax::nextafter(&x, &super::copysign(infinity, &x)), &x);
    let least = super::copysign(like(&x, info.smallest_subnormal), &x);
    where_(lax::eq(&out, &like(&x, 0.0)), least, out)
}

/// How many bits of the magnitude are set, as `u8`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::bitwise_count(Array::from([0, 7, -8, 255])).to_vec::<u8>(), [0, 3, 1, 8]);
/// ```
///
/// # Panics
/// If the elements are no integers.
#[track_caller]
pub fn bitwise_count(x: impl IntoArray) -> Array {
    let x = super::ufuncs::as_number(super::abs(x));
    if !x.dtype().is_integer() {
        refuse!("bitwise_count" => "takes integers, got {}", numpy_name(x.dtype()))
    }
    lax::convert_element_type(&lax::population_count(&x), DType::UI8)
}

#[track_caller]
fn whole_numbers(name: &'static str, x: impl IntoArray, y: impl IntoArray) -> (Array, Array) {
    let (x, y) = pair(promote(&[x.into_array(), y.into_array()]));
    if !x.dtype().is_integer() {
        refuse!(name => "takes integers, got {}", numpy_name(x.dtype()))
    }
    pair(broadcast_arrays(&[super::abs(x), super::abs(y)]))
}

/// The greatest common divisor of integers, element by element; of zero and a number, that number.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::gcd(Array::from([12, 0, -9]), Array::from([18, 5, 6])).to_vec::<i32>(), [6, 5, 3]);
/// ```
///
/// # Panics
/// If an operand is not of integers, or the shapes do not broadcast.
#[track_caller]
pub fn gcd(x: impl IntoArray, y: impl IntoArray) -> Array {
    let start = whole_numbers("gcd", x, y);
    let zero = Array::scalar(0, start.0.dtype(), false);
    let any = |(_, y): (Array, Array)| super::any(lax::ne(&y, &zero), ());
    // Euclid: where the smaller one is zero the larger one is the result.
    let step = |(x, y): (Array, Array)| {
        let open = lax::ne(&y, &zero);
        let divisor = lax::select(&open, &y, &lax::full_like(&y, 1));
        let rest = lax::select(&open, &lax::rem(&x, &divisor), &lax::full_like(&y, 0));
        let x = lax::select(&open, &y, &x);
        (lax::max(&x, &rest), lax::min(&x, &rest))
    };
    while_loop(any, step, start).0
}

/// The least common multiple of integers, element by element; 0 where one is 0.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::lcm(Array::from([4, 0]), 6).to_vec::<i32>(), [12, 0]);
/// ```
///
/// # Panics
/// If an operand is not of integers, or the shapes do not broadcast.
#[track_caller]
pub fn lcm(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = whole_numbers("lcm", x, y);
    let divisor = gcd(&x, &y);
    let zero = Array::scalar(0, x.dtype(), false);
    let nothing = lax::eq(&divisor, &zero);
    let safe = where_(&nothing, 1, &divisor);
    where_(nothing, &zero, super::multiply(x, lax::div(&y, &safe)))
}

/// The weights of eight bits, the highest first or (`"little"`) last.
#[track_caller]
fn bit_places(name: &'static str, bitorder: &str) -> Array {
    let places: Vec<u8> = match bitorder {
        "big" => (0..8).rev().collect(),
        "little" => (0..8).collect(),
        other => refuse!(name => "the bit order must be \"big\" or \"little\", got \"{other}\""),
    };
    Array::from_slice(&places, 8)
}

/// Eight elements along an axis (of the raveled array for `()`) as the bits of a byte, the first being the highest (`"big"`) or the
/// lowest (`"little"`); what is nonzero is 1, zeros are added at the end: `[n] → u8[⌈n / 8⌉]`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let bits = Array::from([0, 0, 0, 0, 0, 1, 0, 1, 1]);
/// assert_eq!(jnp::packbits(&bits, 0, "big").to_vec::<u8>(), [5, 128]);
/// assert_eq!(jnp::packbits(&bits, 0, "little").to_vec::<u8>(), [160, 1]);
/// ```
///
/// # Panics
/// Of floating numbers, or if the bit order is another word.
#[track_caller]
pub fn packbits(x: impl IntoArray, axis: impl Into<Axis>, bitorder: &str) -> Array {
    let (x, axis) = one_axis("packbits", x.into_array(), &axis.into());
    if !x.dtype().is_integer() && !x.dtype().is_boolean() {
        refuse!("packbits" => "takes integers or booleans, got {}", numpy_name(x.dtype()))
    }
    let places = bit_places("packbits", bitorder);
    let last = x.ndim() - 1;
    let bits = lax::convert_element_type(&super::ufuncs::truth(x), DType::UI8);
    let bits = lax::moveaxis(&bits, axis, last);
    let n = bits.shape()[last];
    let mut config = vec![(0, 0, 0); last + 1];
    config[last].1 = (n.next_multiple_of(8) - n) as i64;
    let bits = lax::pad(&bits, &Array::scalar(0, DType::UI8, false), &config);
    let mut shape = bits.shape().to_vec();
    shape[last] = n.div_ceil(8);
    shape.push(8);
    let bits = super::left_shift(lax::reshape(&bits, &shape), places);
    let bytes = lax::convert_element_type(&super::sum(bits, -1), DType::UI8);
    lax::moveaxis(&bytes, last, axis)
}

/// The bits of bytes along an axis (of the raveled array for `()`) as elements: `u8[n] → u8[8 n]`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::unpackbits(Array::from([5u8]), 0, "big").to_vec::<u8>(), [0, 0, 0, 0, 0, 1, 0, 1]);
/// ```
///
/// # Panics
/// If the dtype is not `u8`, or the bit order another word.
#[track_caller]
pub fn unpackbits(x: impl IntoArray, axis: impl Into<Axis>, bitorder: &str) -> Array {
    let (x, axis) = one_axis("unpackbits", x.into_array(), &axis.into());
    if x.dtype() != DType::UI8 {
        refuse!("unpackbits" => "takes uint8, got {}", numpy_name(x.dtype()))
    }
    let places = bit_places("unpackbits", bitorder);
    let last = x.ndim() - 1;
    let x = lax::moveaxis(&x, axis, last);
    let bits = super::right_shift(lax::expand_dims(&x, &[last + 1]), places);
    let bits = super::bitwise_and(bits, Array::scalar(1, DType::UI8, false));
    let mut shape = x.shape().to_vec();
    shape[last] *= 8;
    lax::moveaxis(&lax::reshape(&bits, &shape), last, axis)
}
