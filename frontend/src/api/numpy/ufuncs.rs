//! Functions element by element.

use super::{IntoArray, broadcast_shape, broadcast_to, promote_shapes};
use crate::api::custom::custom_jvp;
use crate::api::dtypes::{
    canonicalize_dtype, inexact, promote_inexact, promote_pair, promote_pair_inexact, requested,
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
    /// `eˣ`.
    exp = lax::exp;
    /// `2ˣ`.
    exp2 = lax::exp2;
    /// `eˣ - 1`, exact near zero.
    expm1 = lax::expm1;
    /// The natural logarithm.
    log = lax::log;
    /// `log(1 + x)`, exact near zero.
    log1p = lax::log1p;
    /// The square root.
    sqrt = lax::sqrt;
    /// The sine, in radians.
    sin = lax::sin;
    /// The cosine, in radians.
    cos = lax::cos;
    /// The tangent, in radians.
    tan = lax::tan;
    /// The inverse of the sine.
    arcsin = lax::asin;
    /// The inverse of the cosine.
    arccos = lax::acos;
    /// The inverse of the tangent.
    arctan = lax::atan;
    /// The hyperbolic sine.
    sinh = lax::sinh;
    /// The hyperbolic cosine.
    cosh = lax::cosh;
    /// The hyperbolic tangent.
    tanh = lax::tanh;
    /// The inverse of the hyperbolic sine.
    arcsinh = lax::asinh;
    /// The inverse of the hyperbolic cosine.
    arccosh = lax::acosh;
    /// The inverse of the hyperbolic tangent.
    arctanh = lax::atanh;
}

/// The operand in the floating or complex dtype that it has or becomes.
#[track_caller]
fn in_inexact(x: Array) -> Array {
    if inexact(canonicalize_dtype(x.dtype())) == x.dtype() { x } else { promote_inexact(&[x]).remove(0) }
}

/// The base-2 logarithm.
#[track_caller]
pub fn log2(x: impl IntoArray) -> Array {
    let x = &promote_inexact(&[x.into_array()])[0];
    lax::div(&lax::log(x), &lax::log(&like(x, 2.0)))
}

/// The base-10 logarithm.
#[track_caller]
pub fn log10(x: impl IntoArray) -> Array {
    let x = &promote_inexact(&[x.into_array()])[0];
    lax::div(&lax::log(x), &lax::log(&like(x, 10.0)))
}

/// The nearest whole number below; integers stay as they are.
#[track_caller]
pub fn floor(x: impl IntoArray) -> Array {
    whole(x.into_array(), lax::floor)
}

/// The nearest whole number above; integers stay as they are.
#[track_caller]
pub fn ceil(x: impl IntoArray) -> Array {
    whole(x.into_array(), lax::ceil)
}

/// The nearest whole number, halves to even; integers stay as they are.
#[track_caller]
pub fn round(x: impl IntoArray) -> Array {
    super::round_to(x, 0)
}

/// The whole part; integers stay as they are.
#[track_caller]
pub fn trunc(x: impl IntoArray) -> Array {
    whole(x.into_array(), |x| lax::select(&lax::lt(x, &like(x, 0.0)), &lax::ceil(x), &lax::floor(x)))
}

#[track_caller]
fn whole(x: Array, f: impl Fn(&Array) -> Array) -> Array {
    if x.dtype().is_float() { f(&x) } else { x }
}

/// `-x`.
#[track_caller]
pub fn negative(x: impl IntoArray) -> Array {
    lax::neg(&x.into_array())
}

/// `x`.
pub fn positive(x: impl IntoArray) -> Array {
    x.into_array()
}

/// `|x|`; unsigned integers and booleans stay as they are.
#[track_caller]
pub fn abs(x: impl IntoArray) -> Array {
    let x = x.into_array();
    if x.dtype().is_boolean() || x.dtype().is_unsigned() { x } else { lax::abs(&x) }
}

/// `|x|`.
#[track_caller]
pub fn absolute(x: impl IntoArray) -> Array {
    abs(x)
}

/// `-1`, `0` or `1` with the sign of `x`.
#[track_caller]
pub fn sign(x: impl IntoArray) -> Array {
    let x = x.into_array();
    if x.dtype().is_unsigned() || x.dtype().is_boolean() {
        return lax::convert_element_type(&truth(x.clone()), x.dtype());
    }
    lax::sign(&x)
}

/// `x²`.
#[track_caller]
pub fn square(x: impl IntoArray) -> Array {
    lax::square(&x.into_array())
}

/// `1 / x`.
#[track_caller]
pub fn reciprocal(x: impl IntoArray) -> Array {
    lax::integer_pow(&promote_inexact(&[x.into_array()])[0], -1)
}

/// Radians of degrees.
#[track_caller]
pub fn deg2rad(x: impl IntoArray) -> Array {
    let x = &promote_inexact(&[x.into_array()])[0];
    lax::mul(x, &like(x, PI / 180.0))
}

/// Degrees of radians.
#[track_caller]
pub fn rad2deg(x: impl IntoArray) -> Array {
    let x = &promote_inexact(&[x.into_array()])[0];
    lax::mul(x, &like(x, 180.0 / PI))
}

/// Whether the element is not a number.
#[track_caller]
pub fn isnan(x: impl IntoArray) -> Array {
    let x = x.into_array();
    lax::ne(&x, &x)
}

/// Whether the element is infinite.
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

/// Whether the element is neither infinite nor not a number.
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

/// NaN as 0, infinities as the largest and lowest finite numbers.
#[track_caller]
pub fn nan_to_num(x: impl IntoArray) -> Array {
    super::nan_to_num_with(x, 0.0, None, None)
}

/// The complex conjugate.
#[track_caller]
pub fn conj(x: impl IntoArray) -> Array {
    let x = x.into_array();
    if x.dtype().is_complex() { lax::conj(&x) } else { x }
}

/// The real part.
#[track_caller]
pub fn real(x: impl IntoArray) -> Array {
    let x = x.into_array();
    if x.dtype().is_complex() { lax::real(&x) } else { x }
}

/// The imaginary part.
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
    /// `x + y`; logical or for booleans.
    add = meet lax::add;
    /// `x - y`.
    subtract = meet lax::sub;
    /// `x · y`; logical and for booleans.
    multiply = meet lax::mul;
    /// `x / y` as a floating number, of integers too.
    true_divide = meet_inexact lax::div;
    /// `x / y` as a floating number, of integers too.
    divide = meet_inexact lax::div;
    /// The larger; NaN if one is.
    maximum = meet lax::max;
    /// The smaller; NaN if one is.
    minimum = meet lax::min;
    /// The angle of the point with ordinate `x` and abscissa `y`.
    arctan2 = meet_inexact lax::atan2;
    /// The next number after `x` towards `y`.
    nextafter = meet_inexact lax::nextafter;
    /// Whether equal.
    equal = meet lax::eq;
    /// Whether different.
    not_equal = meet lax::ne;
    /// Whether less.
    less = meet lax::lt;
    /// Whether less or equal.
    less_equal = meet lax::le;
    /// Whether greater.
    greater = meet lax::gt;
    /// Whether greater or equal.
    greater_equal = meet lax::ge;
    /// Bitwise, for booleans logical, and.
    bitwise_and = meet lax::and;
    /// Bitwise, for booleans logical, or.
    bitwise_or = meet lax::or;
    /// Bitwise, for booleans logical, exclusive or.
    bitwise_xor = meet lax::xor;
    /// `x` shifted left by `y` bits.
    left_shift = meet lax::shift_left;
    /// `x` to the power of `y`, as a floating number.
    float_power = meet_inexact lax::pow;
}

/// Bitwise, for booleans logical, not.
#[track_caller]
pub fn bitwise_not(x: impl IntoArray) -> Array {
    lax::not(&x.into_array())
}

/// `x` shifted right by `y` bits: copies of the sign move in, zeros for unsigned integers.
#[track_caller]
pub fn right_shift(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = meet(x.into_array(), y.into_array());
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

/// Whether both are nonzero.
#[track_caller]
pub fn logical_and(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = meet(x.into_array(), y.into_array());
    lax::and(&truth(x), &truth(y))
}

/// Whether one is nonzero.
#[track_caller]
pub fn logical_or(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = meet(x.into_array(), y.into_array());
    lax::or(&truth(x), &truth(y))
}

/// Whether exactly one is nonzero.
#[track_caller]
pub fn logical_xor(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = meet(x.into_array(), y.into_array());
    lax::xor(&truth(x), &truth(y))
}

/// Whether zero.
#[track_caller]
pub fn logical_not(x: impl IntoArray) -> Array {
    lax::not(&truth(x.into_array()))
}

/// `x` to the power of `y`: a whole Rust number is done by multiplication, integers by repeated squaring.
#[track_caller]
pub fn power(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = (x.into_array(), y.into_array());
    if let Some(exponent) = y.as_literal().filter(|l| l.aval().weak_type).and_then(|l| l.value().to_i64()) {
        // An integer to a negative power is refused, as in JAX.
        if !x.dtype().is_boolean()
            && let Ok(exponent) = i32::try_from(exponent)
        {
            return lax::integer_pow(&x, exponent);
        }
    }
    let integers = |a: &Array| a.dtype().is_integer() || a.dtype().is_boolean();
    if integers(&x) && integers(&y) {
        let (x, y) = meet(x, y);
        return integer_power(&x, &y);
    }
    let (x, y) = meet_inexact(x, y);
    lax::pow(&x, &y)
}

/// Repeated squaring, one round for each bit that an exponent without overflow can have.
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
#[track_caller]
pub fn floor_divide(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = meet(x.into_array(), y.into_array());
    let dtype = x.dtype();
    if dtype.is_boolean() || dtype.is_unsigned() {
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

/// `x - y · ⌊x / y⌋`: the remainder with the sign of `y`; `x` where an integer `y` is zero.
#[track_caller]
pub fn remainder(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = meet(x.into_array(), y.into_array());
    let dtype = x.dtype();
    let zero = Array::scalar(0, dtype, false);
    let y =
        if dtype.is_integer() { where_(lax::eq(&y, &zero), Array::scalar(1, dtype, false), &y) } else { y };
    let truncated = lax::rem(&x, &y);
    let nonzero = lax::ne(&truncated, &zero);
    let signs = lax::ne(&lax::lt(&truncated, &zero), &lax::lt(&y, &zero));
    where_(lax::and(&signs, &nonzero), lax::add(&truncated, &y), truncated)
}

/// `x - y · ⌊x / y⌋`: the remainder with the sign of `y`.
#[track_caller]
pub fn mod_(x: impl IntoArray, y: impl IntoArray) -> Array {
    remainder(x, y)
}

/// The remainder with the sign of `x`.
#[track_caller]
pub fn fmod(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, mut y) = meet(x.into_array(), y.into_array());
    if y.dtype().is_integer() {
        let zero = Array::scalar(0, y.dtype(), false);
        y = where_(lax::eq(&y, &zero), Array::scalar(1, y.dtype(), false), &y);
    }
    lax::rem(&x, &y)
}

/// [`floor_divide`] and [`remainder`].
#[track_caller]
pub fn divmod(x: impl IntoArray, y: impl IntoArray) -> (Array, Array) {
    let (x, y) = meet(x.into_array(), y.into_array());
    if x.dtype().is_float() { float_divmod(&x, &y) } else { (floor_divide(&x, &y), remainder(&x, &y)) }
}

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

/// `√(x² + y²)` without overflow on the way.
#[track_caller]
pub fn hypot(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = meet_inexact(x.into_array(), y.into_array());
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
#[track_caller]
pub fn logaddexp(x: impl IntoArray, y: impl IntoArray) -> Array {
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

/// The magnitude of `x` with the sign of `y`.
#[track_caller]
pub fn copysign(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = meet_inexact(x.into_array(), y.into_array());
    where_(signbit(&y), lax::neg(&lax::abs(&x)), lax::abs(&x))
}

/// Whether the sign bit is set, of `-0.0` too.
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

/// 0 below zero, 1 above, and `y` at zero.
#[track_caller]
pub fn heaviside(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = meet_inexact(x.into_array(), y.into_array());
    let zero = like(&x, 0.0);
    let step = where_(lax::lt(&x, &zero), 0.0, where_(lax::gt(&x, &zero), 1.0, &y));
    where_(isnan(&x), &x, step)
}

/// `sin(πx) / πx`, and 1 at zero, where derivatives of every order are those of the power series.
#[track_caller]
pub fn sinc(x: impl IntoArray) -> Array {
    let x = promote_inexact(&[x.into_array()]).remove(0);
    let zero = lax::eq(&x, &like(&x, 0.0));
    let scaled = lax::mul(&x, &like(&x, PI));
    let safe = where_(&zero, 1.0, &scaled);
    where_(zero, sinc_at_zero(0, &scaled), lax::div(&lax::sin(&safe), &safe))
}

/// The derivative of that order of `sin(x) / x` at zero, as a function of `x` whose derivative is the next one.
fn sinc_at_zero(order: i32, x: &Array) -> Array {
    let value = if order % 2 == 0 { (-1f64).powi(order / 2) / f64::from(order + 1) } else { 0.0 };
    custom_jvp(move |x: &Array| lax::add(&lax::mul(x, &like(x, 0.0)), &like(x, value)))
        .defjvp(move |(x,), (t,)| (sinc_at_zero(order, &x), lax::mul(&sinc_at_zero(order + 1, &x), &t)))(x)
}

/// `x` where `condition` is nonzero, `y` elsewhere.
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

/// The first choice whose condition is nonzero, 0 where none is.
#[track_caller]
pub fn select(conditions: &[Array], choices: &[Array], default: impl IntoArray) -> Array {
    if conditions.len() != choices.len() || conditions.is_empty() {
        let (c, v) = (conditions.len(), choices.len());
        refuse!("select" => "there must be as many conditions as choices and at least one, got {c} and {v}")
    }
    conditions.iter().zip(choices).rev().fold(default.into_array(), |rest, (c, v)| where_(c, v, rest))
}

/// Limited to `min ..= max`.
#[track_caller]
pub fn clip(x: impl IntoArray, min: impl IntoArray, max: impl IntoArray) -> Array {
    minimum(max, maximum(min, x))
}

/// Whether `|x - y| ≤ 1e-8 + 1e-5 · |y|`, or both are the same infinity.
#[track_caller]
pub fn isclose(x: impl IntoArray, y: impl IntoArray) -> Array {
    isclose_with(x, y, 1e-5, 1e-8)
}

/// Whether `|x - y| ≤ atol + rtol · |y|`, or both are the same infinity.
#[track_caller]
pub fn isclose_with(x: impl IntoArray, y: impl IntoArray, rtol: f64, atol: f64) -> Array {
    let (x, y) = meet_inexact(x.into_array(), y.into_array());
    let real = |value: f64| Array::scalar(value, y.dtype().real(), false);
    let allowed = lax::add(&real(atol), &lax::mul(&real(rtol), &lax::abs(&y)));
    let near = lax::le(&lax::abs(&lax::sub(&x, &y)), &allowed);
    lax::or(&lax::eq(&x, &y), &lax::and(&isfinite(&y), &near))
}

/// [`isclose_with`], NaN being close to NaN.
#[track_caller]
pub fn isclose_equal_nan(x: impl IntoArray, y: impl IntoArray, rtol: f64, atol: f64) -> Array {
    let (x, y) = meet_inexact(x.into_array(), y.into_array());
    let both_nan = logical_and(isnan(&x), isnan(&y));
    logical_or(isclose_with(x, y, rtol, atol), both_nan)
}

/// The elements as another dtype; 64-bit dtypes become 32-bit ones unless x64 is enabled.
#[track_caller]
pub fn astype(x: impl IntoArray, dtype: DType) -> Array {
    lax::convert_element_type(&x.into_array(), requested(dtype))
}
