//! Elements as numbers: one element of any type read as an integer, a float or a complex number, and one written back,
//! rounded once.
//!
//! Owns the formats of the small floats. Reading is exact: every integer fits in `i128`, every float in `f64`.

use half::{bf16, f16};
use num_complex::Complex;

use crate::{ElementType, Kind};

/// The value of one element.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Scalar {
    /// A boolean (0 or 1) or an integer.
    Int(i128),
    /// A float.
    Float(f64),
    /// A complex number.
    Complex(Complex<f64>),
}

/// Reads an element from its bytes in native order.
///
/// ```
/// # use jacinth_lowering::{ElementType, element::{Scalar, read}};
/// assert_eq!(read(ElementType::I8, &[0xff]), Scalar::Int(-1));
/// ```
pub fn read(element: ElementType, bytes: &[u8]) -> Scalar {
    match element.kind() {
        Kind::Boolean => Scalar::Int((bytes[0] != 0).into()),
        Kind::Signed => {
            let unused = 128 - 8 * bytes.len() as u32;
            Scalar::Int(((raw_bits(bytes) as i128) << unused) >> unused)
        }
        Kind::Unsigned => Scalar::Int(raw_bits(bytes) as i128),
        Kind::Float => Scalar::Float(decode(element, raw_bits(bytes) as u64)),
        Kind::Complex => {
            let (re, im) = bytes.split_at(bytes.len() / 2);
            let part = |bytes| decode(element.real(), raw_bits(bytes) as u64);
            Scalar::Complex(Complex::new(part(re), part(im)))
        }
    }
}

/// Appends the element of a type whose value is nearest: integers wrap around, floats are rounded to nearest even and
/// overflow as their format says, a float becomes the integer towards zero and saturates (NaN becomes zero), anything but zero
/// becomes true, and a complex number becomes its real part.
///
/// ```
/// # use jacinth_lowering::{ElementType, element::{Scalar, write}};
/// let mut bytes = Vec::new();
/// write(ElementType::UI8, Scalar::Int(257), &mut bytes); // wraps around
/// write(ElementType::I8, Scalar::Float(1e9), &mut bytes); // saturates
/// assert_eq!(bytes, [1, 127]);
/// ```
pub fn write(element: ElementType, value: Scalar, out: &mut Vec<u8>) {
    match element.kind() {
        Kind::Boolean => out.push(match value {
            Scalar::Int(i) => (i != 0).into(),
            Scalar::Float(x) => (x != 0.0).into(),
            // As to every type without one, the imaginary part is dropped.
            Scalar::Complex(z) => (z.re != 0.0).into(),
        }),
        Kind::Signed | Kind::Unsigned => {
            let int = match value {
                Scalar::Int(i) => i,
                Scalar::Float(x) => saturate(element, x),
                Scalar::Complex(z) => saturate(element, z.re),
            };
            let int = wrap(element, int);
            push_bits(int as u128, element.byte_width(), out);
        }
        Kind::Float => {
            let bits = match value {
                Scalar::Int(i) => encode(element, to_float(i, element)),
                Scalar::Float(x) => encode(element, x),
                Scalar::Complex(z) => encode(element, z.re),
            };
            push_bits(bits.into(), element.byte_width(), out);
        }
        Kind::Complex => {
            let part = element.real();
            let (re, im) = match value {
                Scalar::Int(i) => (to_float(i, part), 0.0),
                Scalar::Float(x) => (x, 0.0),
                Scalar::Complex(z) => (z.re, z.im),
            };
            push_bits(encode(part, re).into(), part.byte_width(), out);
            push_bits(encode(part, im).into(), part.byte_width(), out);
        }
    }
}

/// The integer modulo 2ⁿ that an integer element type of n bits holds.
pub fn wrap(element: ElementType, value: i128) -> i128 {
    let unused = 128 - element.bits() as u32;
    match element.kind() {
        Kind::Signed => (value << unused) >> unused,
        _ => (((value as u128) << unused) >> unused) as i128,
    }
}

/// The smallest and largest value of an integer element type.
///
/// ```
/// # use jacinth_lowering::{ElementType, element::int_range};
/// assert_eq!((int_range(ElementType::I4), int_range(ElementType::UI2)), ((-8, 7), (0, 3)));
/// ```
pub fn int_range(element: ElementType) -> (i128, i128) {
    let bits = element.bits() as u32;
    match element.kind() {
        Kind::Signed => (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1),
        _ => (0, (1i128 << bits) - 1),
    }
}

/// Towards zero, clamped to what the element type holds; NaN is zero.
fn saturate(element: ElementType, x: f64) -> i128 {
    let (min, max) = int_range(element);
    (x as i128).clamp(min, max)
}

/// An integer as a float that rounds to the nearest of `element` when encoded: beyond 2⁵³ the last bit of the float is set if
/// anything was lost, so that the second rounding sees which way to go.
fn to_float(i: i128, element: ElementType) -> f64 {
    let nearest = i as f64;
    if element == ElementType::F64 || i.unsigned_abs() < 1 << 53 {
        return nearest;
    }
    let lost = nearest.abs() as u128;
    let magnitude = i.unsigned_abs();
    if lost == magnitude {
        return nearest;
    }
    let below = if lost > magnitude { f64::from_bits(nearest.abs().to_bits() - 1) } else { nearest.abs() };
    f64::from_bits(below.to_bits() | 1).copysign(nearest)
}

fn raw_bits(bytes: &[u8]) -> u128 {
    let mut wide = [0u8; 16];
    match cfg!(target_endian = "little") {
        true => wide[..bytes.len()].copy_from_slice(bytes),
        false => wide[16 - bytes.len()..].copy_from_slice(bytes),
    }
    u128::from_ne_bytes(wide)
}

/// Appends the low bytes of `bits` in native order.
pub(crate) fn push_bits(bits: u128, width: usize, out: &mut Vec<u8>) {
    match cfg!(target_endian = "little") {
        true => out.extend_from_slice(&bits.to_le_bytes()[..width]),
        false => out.extend_from_slice(&bits.to_be_bytes()[16 - width..]),
    }
}

/// What the codes of a float format beyond the finite ones mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Special {
    /// IEEE 754: the largest exponent is for infinities and NaN.
    Ieee,
    /// One NaN of all ones per sign, no infinity.
    Fn,
    /// One NaN where minus zero would be, no infinity.
    Fnuz,
    /// Finite numbers only.
    Finite,
    /// Powers of two, unsigned, without zero; all ones is NaN.
    PowersOfTwo,
}

struct Format {
    exponent_bits: u32,
    mantissa_bits: u32,
    bias: i32,
    special: Special,
}

fn format(element: ElementType) -> Format {
    use ElementType::*;
    let (exponent_bits, mantissa_bits, bias, special) = match element {
        F4E2M1FN => (2, 1, 1, Special::Finite),
        F6E2M3FN => (2, 3, 1, Special::Finite),
        F6E3M2FN => (3, 2, 3, Special::Finite),
        F8E3M4 => (3, 4, 3, Special::Ieee),
        F8E4M3 => (4, 3, 7, Special::Ieee),
        F8E4M3FN => (4, 3, 7, Special::Fn),
        F8E4M3FNUZ => (4, 3, 8, Special::Fnuz),
        F8E4M3B11FNUZ => (4, 3, 11, Special::Fnuz),
        F8E5M2 => (5, 2, 15, Special::Ieee),
        F8E5M2FNUZ => (5, 2, 16, Special::Fnuz),
        F8E8M0FNU => (8, 0, 127, Special::PowersOfTwo),
        BF16 => (8, 7, 127, Special::Ieee),
        F16 => (5, 10, 15, Special::Ieee),
        F32 => (8, 23, 127, Special::Ieee),
        _ => (11, 52, 1023, Special::Ieee),
    };
    Format { exponent_bits, mantissa_bits, bias, special }
}

/// Bits of a float type's significand, the implicit one included.
pub fn significand_bits(element: ElementType) -> u32 {
    format(element.real()).mantissa_bits + 1
}

/// The value of a float's bits.
///
/// ```
/// # use jacinth_lowering::{ElementType, element::decode};
/// assert_eq!((decode(ElementType::F16, 0x3c00), decode(ElementType::F8E4M3FN, 0x7e)), (1.0, 448.0));
/// ```
pub fn decode(element: ElementType, bits: u64) -> f64 {
    match element {
        ElementType::F64 => return f64::from_bits(bits),
        ElementType::F32 => return f32::from_bits(bits as u32).into(),
        ElementType::F16 => return f16::from_bits(bits as u16).to_f64(),
        ElementType::BF16 => return bf16::from_bits(bits as u16).to_f64(),
        _ => {}
    }
    let Format { exponent_bits: e, mantissa_bits: m, bias, special } = format(element);
    if special == Special::PowersOfTwo {
        return if bits & 0xff == 0xff { f64::NAN } else { power_of_two((bits & 0xff) as i32 - bias) };
    }
    let negative = bits >> (e + m) & 1 == 1;
    let magnitude = bits & ((1 << (e + m)) - 1);
    let (exponent, mantissa) = (magnitude >> m, magnitude & ((1 << m) - 1));
    let top = (1 << e) - 1;
    let value = match special {
        Special::Ieee if exponent == top && mantissa == 0 => f64::INFINITY,
        Special::Ieee if exponent == top => f64::NAN,
        Special::Fn if magnitude == (1 << (e + m)) - 1 => f64::NAN,
        Special::Fnuz if negative && magnitude == 0 => return f64::NAN,
        _ if exponent == 0 => mantissa as f64 * power_of_two(1 - bias - m as i32),
        _ => (mantissa | 1 << m) as f64 * power_of_two(exponent as i32 - bias - m as i32),
    };
    if negative { -value } else { value }
}

/// The bits of the float of that type nearest to `x`, ties to even; what is too large becomes infinity, NaN where the format has no
/// infinity, and the largest number where it has neither.
///
/// ```
/// # use jacinth_lowering::{ElementType, element::{decode, encode}};
/// assert_eq!(decode(ElementType::BF16, encode(ElementType::BF16, 1.003)), 1.0);
/// assert!(decode(ElementType::F8E4M3FN, encode(ElementType::F8E4M3FN, 1e9)).is_nan()); // it has no infinity
/// ```
pub fn encode(element: ElementType, x: f64) -> u64 {
    match element {
        ElementType::F64 => return x.to_bits(),
        ElementType::F32 => return (x as f32).to_bits().into(),
        ElementType::F16 => return f16::from_f64(x).to_bits().into(),
        ElementType::BF16 => return bf16::from_f64(x).to_bits().into(),
        _ => {}
    }
    let Format { exponent_bits: e, mantissa_bits: m, bias, special } = format(element);
    let sign = u64::from(x.is_sign_negative()) << (e + m);
    let ones = (1u64 << (e + m)) - 1;
    let nan = match special {
        Special::Ieee => sign | ones ^ (ones >> (e + 1)),
        Special::Fn => sign | ones,
        Special::Fnuz => 1 << (e + m),
        Special::Finite => 1 << (e + m),
        Special::PowersOfTwo => 0xff,
    };
    if x.is_nan() || (special == Special::PowersOfTwo && x < 0.0) {
        return nan;
    }
    let infinity = match special {
        Special::Ieee => sign | (ones ^ ((1 << m) - 1)),
        Special::Finite => sign | ones,
        _ => nan,
    };
    if x.is_infinite() {
        return infinity;
    }
    let a = x.abs();
    let least = 1 - bias;
    if special == Special::PowersOfTwo {
        if a == 0.0 {
            return 0;
        }
        let exponent = exponent_of(a).max(-bias);
        // Halfway is one and a half; ties go to the even code.
        let fraction = a / power_of_two(exponent);
        let code = (exponent + bias) as u64;
        let code = code + u64::from(fraction > 1.5 || (fraction == 1.5 && code & 1 == 1));
        return code.min(0xff);
    }
    let exponent = if a == 0.0 { least } else { exponent_of(a).max(least) };
    let scaled = a * power_of_two(m as i32 - exponent);
    let code = (((exponent - least) as u64) << m) + scaled.round_ties_even() as u64;
    let largest = match special {
        Special::Ieee => (ones ^ ((1 << m) - 1)) - 1,
        Special::Fn => ones - 1,
        _ => ones,
    };
    match code {
        0 if special == Special::Fnuz => 0,
        _ if code > largest => infinity,
        _ => sign | code,
    }
}

/// ⌊log₂ a⌋ for a positive finite number; not less than −1023.
fn exponent_of(a: f64) -> i32 {
    (a.to_bits() >> 52) as i32 - 1023
}

/// 2ⁿ for exponents of normal numbers.
fn power_of_two(n: i32) -> f64 {
    f64::from_bits(((n + 1023).clamp(1, 2046) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small_floats() -> impl Iterator<Item = ElementType> {
        ElementType::ALL.iter().copied().filter(|ty| ty.is_float() && ty.bits() <= 16)
    }

    #[test]
    fn every_small_float_decodes_and_encodes_to_itself() {
        for ty in small_floats() {
            for bits in 0..1u64 << ty.bits() {
                let value = decode(ty, bits);
                if !value.is_nan() {
                    assert_eq!(encode(ty, value), bits, "{ty} {bits:#x} {value}");
                }
            }
        }
    }

    #[test]
    fn between_two_floats_the_nearest_or_the_even_is_chosen() {
        for ty in small_floats().filter(|ty| ty.bits() <= 8) {
            let mut values: Vec<f64> =
                (0..1u64 << ty.bits()).map(|bits| decode(ty, bits)).filter(|v| v.is_finite()).collect();
            values.sort_by(f64::total_cmp);
            values.dedup();
            for pair in values.windows(2) {
                let middle = (pair[0] + pair[1]) / 2.0;
                let at = |x| decode(ty, encode(ty, x));
                assert_eq!(at(middle - (middle - pair[0]) / 8.0), pair[0], "{ty} {pair:?}");
                assert_eq!(at(middle + (pair[1] - middle) / 8.0), pair[1], "{ty} {pair:?}");
                let even = encode(ty, middle);
                assert!(even & 1 == 0, "{ty} {pair:?}");
            }
        }
    }

    #[test]
    fn what_is_too_large_becomes_what_the_format_has() {
        use ElementType::*;
        assert_eq!(decode(F8E4M3FN, encode(F8E4M3FN, 448.0)), 448.0);
        assert!(decode(F8E4M3FN, encode(F8E4M3FN, 1e9)).is_nan());
        assert_eq!(decode(F8E5M2, encode(F8E5M2, -1e9)), f64::NEG_INFINITY);
        assert_eq!(decode(F4E2M1FN, encode(F4E2M1FN, 1e9)), 6.0);
        assert!(decode(F8E5M2FNUZ, encode(F8E5M2FNUZ, f64::INFINITY)).is_nan());
    }

    #[test]
    fn integers_wrap_and_floats_saturate() {
        let convert = |element, value| {
            let mut out = Vec::new();
            write(element, value, &mut out);
            read(element, &out)
        };
        assert_eq!(convert(ElementType::I4, Scalar::Int(9)), Scalar::Int(-7));
        assert_eq!(convert(ElementType::UI2, Scalar::Int(-1)), Scalar::Int(3));
        assert_eq!(convert(ElementType::I8, Scalar::Float(1e9)), Scalar::Int(127));
        assert_eq!(convert(ElementType::UI64, Scalar::Float(f64::NAN)), Scalar::Int(0));
        // 2^54 + 2^30 + 1 lies just above halfway between two f32.
        let above = (1i128 << 54) + (1 << 30) + 1;
        assert_eq!(
            convert(ElementType::F32, Scalar::Int(above)),
            Scalar::Float(((1i64 << 54) + (1 << 31)) as f64)
        );
    }
}
