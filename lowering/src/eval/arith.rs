//! The elementwise operations on single elements, as the specification defines them.
//!
//! Floats narrower than `f64` are computed in `f64` and rounded once when they are written, which for the basic operations
//! gives the correctly rounded result. Integers are computed exactly and wrap when they are written.

use num_complex::Complex;

use super::{complex, special};
use crate::element::{self, Scalar};
use crate::ops::OpDef;
use crate::ops::elementwise::{Binary, CompareType, Direction, Unary};
use crate::{ElementType, Error, Kind, Result};

/// One operand: `x` is an element of type `element`.
pub(crate) fn unary(op: Unary, element: ElementType, x: Scalar) -> Result<Scalar> {
    match x {
        Scalar::Int(x) => int_unary(op, element, x),
        Scalar::Float(x) => float_unary(op, element, x),
        Scalar::Complex(z) => complex_unary(op, z),
    }
    .ok_or_else(|| Error::verify(format!("{}: not defined for elements of type {element}", op.name())))
}

/// Two operands of type `element`.
pub(crate) fn binary(op: Binary, element: ElementType, x: Scalar, y: Scalar) -> Result<Scalar> {
    match (x, y) {
        (Scalar::Int(x), Scalar::Int(y)) if element.is_boolean() => boolean_binary(op, x, y),
        (Scalar::Int(x), Scalar::Int(y)) => int_binary(op, element, x, y),
        (Scalar::Float(x), Scalar::Float(y)) => float_binary(op, element, x, y),
        (Scalar::Complex(x), Scalar::Complex(y)) => complex_binary(op, x, y),
        _ => None,
    }
    .ok_or_else(|| Error::verify(format!("{}: not defined for elements of type {element}", op.name())))
}

fn int_unary(op: Unary, element: ElementType, x: i128) -> Option<Scalar> {
    let bits = element.bits() as u32;
    let raw = (x as u128) & (u128::MAX >> (128 - bits));
    let boolean = element.is_boolean();
    Some(Scalar::Int(match op {
        Unary::Abs => x.abs(),
        Unary::CountLeadingZeros => (raw.leading_zeros() - (128 - bits)).into(),
        Unary::Negate => -x,
        Unary::Not if boolean => 1 - x,
        Unary::Not => !x,
        Unary::Popcnt => raw.count_ones().into(),
        Unary::Sign => x.signum(),
        Unary::Square => x.wrapping_mul(x),
        Unary::Real | Unary::Conj => x,
        Unary::IsFinite => 1,
        Unary::IsInf | Unary::IsNegInf | Unary::IsPosInf => 0,
        _ => return None,
    }))
}

/// A unary function of one real number, for kernels of functions too rare for one of their own; NaN where it has no real value.
pub fn scalar_float(op: Unary, x: f64) -> f64 {
    match float_unary(op, ElementType::F64, x) {
        Some(Scalar::Float(y)) => y,
        _ => f64::NAN,
    }
}

/// As [`scalar_float`], of one complex number.
pub fn scalar_complex(op: Unary, z: Complex<f64>) -> Complex<f64> {
    match complex_unary(op, z) {
        Some(Scalar::Complex(y)) => y,
        _ => Complex::new(f64::NAN, f64::NAN),
    }
}

fn float_unary(op: Unary, element: ElementType, x: f64) -> Option<Scalar> {
    let truth = |b: bool| Some(Scalar::Int(b.into()));
    Some(Scalar::Float(match op {
        Unary::Abs => x.abs(),
        Unary::Cbrt => x.cbrt(),
        Unary::Ceil => x.ceil(),
        Unary::Cosine => x.cos(),
        Unary::Exponential => x.exp(),
        Unary::ExponentialMinusOne => x.exp_m1(),
        Unary::Floor => x.floor(),
        Unary::Imag => 0.0,
        Unary::IsFinite => return truth(x.is_finite()),
        Unary::Log => x.ln(),
        Unary::LogPlusOne => x.ln_1p(),
        Unary::Logistic => 1.0 / (1.0 + (-x).exp()),
        Unary::Negate => -x,
        Unary::Real | Unary::Conj => x,
        Unary::RoundNearestAfz => x.round(),
        Unary::RoundNearestEven => x.round_ties_even(),
        Unary::Rsqrt => 1.0 / x.sqrt(),
        Unary::Sign if x == 0.0 || x.is_nan() => x,
        Unary::Sign => x.signum(),
        Unary::Sine => x.sin(),
        Unary::Sqrt => x.sqrt(),
        Unary::Tan => x.tan(),
        Unary::Tanh => x.tanh(),
        Unary::Acos => x.acos(),
        Unary::Acosh if x < 1.0 => f64::NAN,
        Unary::Acosh => libm::acosh(x),
        Unary::Asin => x.asin(),
        Unary::Asinh => libm::asinh(x),
        Unary::Atan => x.atan(),
        Unary::Atanh => libm::atanh(x),
        Unary::BesselI1e => special::bessel_i1e(x),
        Unary::Cosh => x.cosh(),
        Unary::Digamma => special::digamma(x),
        Unary::Erf => libm::erf(x),
        Unary::ErfInv => special::erf_inv(x),
        Unary::Erfc => libm::erfc(x),
        Unary::IsInf => return truth(x.is_infinite()),
        Unary::IsNegInf => return truth(x == f64::NEG_INFINITY),
        Unary::IsPosInf => return truth(x == f64::INFINITY),
        Unary::Lgamma => special::lgamma(x),
        Unary::Sinh => x.sinh(),
        Unary::Square => x * x,
        Unary::CountLeadingZeros | Unary::Not | Unary::Popcnt => {
            let _ = element;
            return None;
        }
    }))
}

fn complex_unary(op: Unary, z: Complex<f64>) -> Option<Scalar> {
    Some(Scalar::Complex(match op {
        Unary::Abs => return Some(Scalar::Float(z.re.hypot(z.im))),
        Unary::Real => return Some(Scalar::Float(z.re)),
        Unary::Imag => return Some(Scalar::Float(z.im)),
        Unary::IsFinite => return Some(Scalar::Int((z.re.is_finite() && z.im.is_finite()).into())),
        Unary::Cbrt => complex::cbrt(z),
        Unary::Cosine => complex::cosh(Complex::new(-z.im, z.re)),
        Unary::Exponential => complex::exp(z),
        Unary::ExponentialMinusOne => complex::expm1(z),
        Unary::Log => complex::log(z),
        Unary::LogPlusOne => complex::log1p(z),
        Unary::Logistic => complex::divide(Complex::new(1.0, 0.0), complex::exp(-z) + 1.0),
        Unary::Negate => -z,
        Unary::Conj => z.conj(),
        Unary::Rsqrt => complex::rsqrt(z),
        Unary::Sign => complex::sign(z),
        Unary::Sine => complex::times_minus_i(complex::sinh(complex::times_i(z))),
        Unary::Sqrt => complex::sqrt(z),
        Unary::Tan => complex::times_minus_i(complex::tanh(complex::times_i(z))),
        Unary::Tanh => complex::tanh(z),
        Unary::Acos => complex::acos(z),
        Unary::Acosh => complex::acosh(z),
        Unary::Asin => complex::asin(z),
        Unary::Asinh => complex::times_minus_i(complex::asin(complex::times_i(z))),
        Unary::Atan => complex::times_minus_i(complex::atanh(complex::times_i(z))),
        Unary::Atanh => complex::atanh(z),
        Unary::Cosh => complex::cosh(z),
        Unary::Sinh => complex::sinh(z),
        Unary::Square => complex::square(z),
        _ => return None,
    }))
}

fn boolean_binary(op: Binary, x: i128, y: i128) -> Option<Scalar> {
    Some(Scalar::Int(match op {
        Binary::Add | Binary::Or | Binary::Maximum => x | y,
        Binary::Multiply | Binary::And | Binary::Minimum => x & y,
        Binary::Xor | Binary::Subtract => x ^ y,
        _ => return None,
    }))
}

fn int_binary(op: Binary, element: ElementType, x: i128, y: i128) -> Option<Scalar> {
    let bits = element.bits() as u32;
    let raw = (x as u128) & (u128::MAX >> (128 - bits));
    // A shift by the width or more, and by a negative amount, shifts everything out.
    let amount = u32::try_from(y).ok().filter(|&amount| amount < bits);
    Some(Scalar::Int(match op {
        Binary::Add => x + y,
        Binary::And => x & y,
        // By zero: all bits set; the smallest by −1 wraps to itself when written.
        Binary::Divide if y == 0 => -1,
        Binary::Divide => x / y,
        Binary::Maximum => x.max(y),
        Binary::Minimum => x.min(y),
        Binary::Multiply => x.wrapping_mul(y),
        Binary::Or => x | y,
        Binary::Power => int_power(element, x, y),
        Binary::Remainder if y == 0 => x,
        Binary::Remainder => x % y,
        Binary::ShiftLeft => amount.map_or(0, |amount| (raw << amount) as i128),
        Binary::ShiftRightArithmetic => {
            let signed = ((raw << (128 - bits)) as i128) >> (128 - bits);
            signed >> amount.unwrap_or(bits - 1)
        }
        Binary::ShiftRightLogical => amount.map_or(0, |amount| (raw >> amount) as i128),
        Binary::Subtract => x - y,
        Binary::Xor => x ^ y,
        Binary::Mulhi => (x * y) >> bits,
        _ => return None,
    }))
}

/// Powers modulo 2ⁿ; a negative exponent gives the reciprocal rounded towards zero.
fn int_power(element: ElementType, base: i128, exponent: i128) -> i128 {
    if exponent < 0 {
        return match base {
            1 => 1,
            -1 if exponent % 2 == 0 => 1,
            -1 => -1,
            _ => 0,
        };
    }
    let (mut result, mut square, mut left) = (1i128, base, exponent);
    while left > 0 {
        if left & 1 == 1 {
            result = element::wrap(element, result.wrapping_mul(square));
        }
        square = element::wrap(element, square.wrapping_mul(square));
        left >>= 1;
    }
    result
}

fn float_binary(op: Binary, element: ElementType, x: f64, y: f64) -> Option<Scalar> {
    Some(Scalar::Float(match op {
        Binary::Add => x + y,
        Binary::Atan2 => x.atan2(y),
        Binary::Complex => return Some(Scalar::Complex(Complex::new(x, y))),
        Binary::Divide => x / y,
        Binary::Maximum => maximum(x, y),
        Binary::Minimum => -maximum(-x, -y),
        Binary::Multiply => x * y,
        Binary::Power => x.powf(y),
        Binary::Remainder => x % y,
        Binary::Subtract => x - y,
        Binary::NextAfter => next_after(element, x, y),
        Binary::Polygamma => special::polygamma(x, y),
        Binary::Zeta => special::zeta(x, y),
        _ => return None,
    }))
}

/// The larger; NaN if either is, and +0 is larger than −0.
fn maximum(x: f64, y: f64) -> f64 {
    if x.is_nan() || y.is_nan() {
        return f64::NAN;
    }
    if x == y { if x.is_sign_negative() { y } else { x } } else { x.max(y) }
}

/// The next number of that type after `x` towards `y`.
fn next_after(element: ElementType, x: f64, y: f64) -> f64 {
    if x.is_nan() || y.is_nan() {
        return f64::NAN;
    }
    if x == y {
        return y;
    }
    let sign = 1u64 << (element.bits() - 1);
    let bits = element::encode(element, x);
    let next = match bits & !sign {
        0 => (if y < 0.0 { sign } else { 0 }) | 1,
        // Away from zero is one code up, whatever the sign.
        _ if (y > x) == (x > 0.0) => bits + 1,
        _ => bits - 1,
    };
    element::decode(element, next)
}

fn complex_binary(op: Binary, x: Complex<f64>, y: Complex<f64>) -> Option<Scalar> {
    let larger = |x: Complex<f64>, y: Complex<f64>| (x.re, x.im) >= (y.re, y.im);
    Some(Scalar::Complex(match op {
        Binary::Add => x + y,
        Binary::Atan2 => complex::atan2(x, y),
        Binary::Divide => complex::divide(x, y),
        Binary::Maximum => {
            if larger(x, y) {
                x
            } else {
                y
            }
        }
        Binary::Minimum => {
            if larger(x, y) {
                y
            } else {
                x
            }
        }
        Binary::Multiply => complex::multiply(x, y),
        Binary::Power => complex::power(x, y),
        Binary::Subtract => x - y,
        _ => return None,
    }))
}

/// Whether two elements stand in a relation. `raw` gives the elements' bits for the total order of floats.
pub(crate) fn compare(
    direction: Direction,
    order: CompareType,
    element: ElementType,
    x: &[u8],
    y: &[u8],
) -> bool {
    let (a, b) = (element::read(element, x), element::read(element, y));
    let ordering = match (a, b) {
        (Scalar::Int(a), Scalar::Int(b)) => Some(a.cmp(&b)),
        (Scalar::Float(_), Scalar::Float(_)) if order == CompareType::TotalOrder => {
            Some(total_order(element, x).cmp(&total_order(element, y)))
        }
        (Scalar::Float(a), Scalar::Float(b)) => a.partial_cmp(&b),
        (Scalar::Complex(a), Scalar::Complex(b)) => {
            (a.re, a.im).partial_cmp(&(b.re, b.im)).filter(|_| !a.im.is_nan() && !b.im.is_nan())
        }
        _ => None,
    };
    match direction {
        Direction::Eq => ordering.is_some_and(|o| o.is_eq()),
        Direction::Ne => !ordering.is_some_and(|o| o.is_eq()),
        Direction::Ge => ordering.is_some_and(|o| o.is_ge()),
        Direction::Gt => ordering.is_some_and(|o| o.is_gt()),
        Direction::Le => ordering.is_some_and(|o| o.is_le()),
        Direction::Lt => ordering.is_some_and(|o| o.is_lt()),
    }
}

/// An integer that orders as the total order of a float's bits does.
fn total_order(element: ElementType, bytes: &[u8]) -> i128 {
    let bits = raw(element, bytes) as i128;
    let sign = 1i128 << (element.bits() - 1);
    if bits & sign == 0 { bits } else { -1 - (bits & (sign - 1)) }
}

/// An element's bits, the unused ones of a sub-byte type cleared.
pub(crate) fn raw(element: ElementType, bytes: &[u8]) -> u128 {
    let mut wide = [0u8; 16];
    match cfg!(target_endian = "little") {
        true => wide[..bytes.len()].copy_from_slice(bytes),
        false => wide[16 - bytes.len()..].copy_from_slice(bytes),
    }
    u128::from_ne_bytes(wide) & (u128::MAX >> (128 - element.bits()))
}

/// Appends the element that has those bits.
pub(crate) fn push_raw(element: ElementType, bits: u128, out: &mut Vec<u8>) {
    match element.kind() {
        Kind::Signed | Kind::Unsigned | Kind::Boolean => {
            element::write(element, Scalar::Int(bits as i128), out)
        }
        _ => element::push_bits(bits, element.byte_width(), out),
    }
}

/// Rounds to a float of so many exponent and mantissa bits, ties to even; what is too large becomes infinity and what
/// is too small becomes zero.
pub(crate) fn reduce_precision(x: f64, exponent_bits: i32, mantissa_bits: i32) -> f64 {
    if x == 0.0 || !x.is_finite() {
        // A format without a mantissa has no NaN.
        return if x.is_nan() && mantissa_bits == 0 { f64::INFINITY.copysign(x) } else { x };
    }
    let mantissa_bits = mantissa_bits.min(52) as u32;
    let dropped = 52 - mantissa_bits;
    let bits = x.abs().to_bits();
    let kept = match dropped {
        0 => bits,
        _ => {
            let half = 1u64 << (dropped - 1);
            let odd = bits >> dropped & 1;
            (bits + half - 1 + odd) >> dropped << dropped
        }
    };
    let bias = (1i64 << (exponent_bits.clamp(1, 11) - 1)) - 1;
    let exponent = (kept >> 52) as i64 - 1023;
    let magnitude = if exponent > bias {
        f64::INFINITY
    } else if exponent < 1 - bias {
        0.0
    } else {
        f64::from_bits(kept)
    };
    magnitude.copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(op: Binary, element: ElementType, x: i128, y: i128) -> i128 {
        match binary(op, element, Scalar::Int(x), Scalar::Int(y)).unwrap() {
            Scalar::Int(i) => element::wrap(element, i),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn integers_follow_the_specification_at_the_edges() {
        use ElementType::{I8, UI8};
        assert_eq!(int(Binary::Divide, I8, 5, 0), -1);
        assert_eq!(int(Binary::Divide, UI8, 5, 0), 255);
        assert_eq!(int(Binary::Divide, I8, -128, -1), -128);
        assert_eq!(int(Binary::Remainder, I8, 5, 0), 5);
        assert_eq!(int(Binary::Remainder, I8, -128, -1), 0);
        assert_eq!(int(Binary::Remainder, I8, -7, 3), -1);
        assert_eq!(int(Binary::ShiftLeft, I8, 1, 8), 0);
        assert_eq!(int(Binary::ShiftRightArithmetic, I8, -1, 100), -1);
        assert_eq!(int(Binary::ShiftRightLogical, I8, -1, 4), 15);
        assert_eq!(int(Binary::Power, I8, -1, -3), -1);
        assert_eq!(int(Binary::Power, I8, 2, 7), -128);
        assert_eq!(int(Binary::Mulhi, UI8, 255, 255), 254);
        assert_eq!(int(Binary::Mulhi, I8, -128, 127), -64);
    }

    #[test]
    fn maximum_orders_zeros_and_keeps_nan() {
        assert!(maximum(f64::NAN, 1.0).is_nan() && maximum(1.0, f64::NAN).is_nan());
        assert!(maximum(-0.0, 0.0).is_sign_positive() && maximum(0.0, -0.0).is_sign_positive());
    }

    #[test]
    fn precision_is_reduced_to_nearest_even() {
        // bf16 keeps 8 and 7 bits.
        for x in [1.0f32, 1.0 + 1.0 / 256.0, 1.0 + 3.0 / 256.0, 3.4e38, -1e-40, 0.1] {
            let expected = half::bf16::from_f32(x).to_f64();
            let expected = if expected.abs() < f32::MIN_POSITIVE.into() { 0.0 } else { expected };
            assert_eq!(reduce_precision(x.into(), 8, 7), expected, "{x}");
        }
        assert_eq!(reduce_precision(65520.0, 5, 10), f64::INFINITY);
    }

    #[test]
    fn next_after_steps_through_codes() {
        use ElementType::F16;
        assert_eq!(next_after(F16, 0.0, 1.0), 2f64.powi(-24));
        assert_eq!(next_after(F16, 0.0, -1.0), -(2f64.powi(-24)));
        assert_eq!(next_after(F16, 1.0, 2.0), 1.0 + 2f64.powi(-10));
        assert_eq!(next_after(F16, -1.0, 0.0), -1.0 + 2f64.powi(-11));
        assert_eq!(next_after(F16, 65504.0, f64::INFINITY), f64::INFINITY);
    }
}
