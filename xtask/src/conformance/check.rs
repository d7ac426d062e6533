//! How a result is compared with the one expected: exactly, by distance in units of the last place, or by absolute difference.

use jacinth_lowering::{ElementType, Kind, element};
use serde_json::Value;

use crate::Failure;

/// How a result is compared.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Check {
    /// `==` for every element: NaN equals nothing, −0 equals 0.
    Exact,
    /// At most so many representable numbers apart; NaN equals NaN.
    Ulp(f64),
    /// `|a − b|` at most so much; NaN equals NaN, an infinity itself.
    Abs(f64),
}

impl Check {
    /// Reads `{"kind": "ulp", "tol": 3}`.
    pub(super) fn read(value: &Value) -> Result<Check, Failure> {
        let tolerance = value["tol"].as_f64();
        match (value["kind"].as_str(), tolerance) {
            (Some("exact"), _) => Ok(Check::Exact),
            (Some("ulp"), Some(tolerance)) => Ok(Check::Ulp(tolerance)),
            (Some("abs"), Some(tolerance)) => Ok(Check::Abs(tolerance)),
            _ => Err(format!("the index has the check {value}").into()),
        }
    }

    /// What differs, if anything; complex numbers are compared part by part.
    pub(super) fn difference(self, ty: ElementType, actual: &[u8], expected: &[u8]) -> Option<String> {
        let part = ty.real();
        let width = part.byte_width();
        let (mut differ, mut first, mut worst) = (0usize, None, 0f64);
        for (i, (a, e)) in actual.chunks_exact(width).zip(expected.chunks_exact(width)).enumerate() {
            let distance = self.distance(part, a, e);
            if distance.is_nan() || distance > 0.0 {
                differ += 1;
                first.get_or_insert(i);
                worst = if distance.is_nan() { f64::INFINITY } else { worst.max(distance) };
            }
        }
        let first = first?;
        let show = |bytes: &[u8]| show(part, &bytes[first * width..(first + 1) * width]);
        let count = expected.len() / width;
        Some(format!(
            "{differ} of {count} differ beyond {self:?}, by {worst:e} at most; number {first} is {}, expected {}",
            show(actual),
            show(expected)
        ))
    }

    /// How far beyond the tolerance two numbers are; 0 within it.
    fn distance(self, ty: ElementType, a: &[u8], e: &[u8]) -> f64 {
        if !matches!(ty.kind(), Kind::Float) {
            let (a, e) = (integer(ty, a), integer(ty, e));
            let beyond = a.abs_diff(e) as f64;
            return match self {
                Check::Exact => beyond,
                Check::Ulp(tolerance) | Check::Abs(tolerance) if beyond <= tolerance => 0.0,
                _ => beyond,
            };
        }
        let (x, y) = (element::decode(ty, bits(a)), element::decode(ty, bits(e)));
        match self {
            Check::Exact if x == y => 0.0,
            Check::Exact => {
                if x.is_nan() || y.is_nan() {
                    f64::INFINITY
                } else {
                    (x - y).abs()
                }
            }
            _ if x == y || (x.is_nan() && y.is_nan()) => 0.0,
            Check::Abs(_) if !x.is_finite() || !y.is_finite() => f64::INFINITY,
            Check::Ulp(tolerance) => {
                // As upstream counts it: infinities and NaN are this far from everything else.
                let ulp = if x.is_finite() && y.is_finite() { ulp(a, e) } else { (1u64 << 63) as f64 };
                if ulp <= tolerance { 0.0 } else { ulp }
            }
            Check::Abs(tolerance) => {
                if (x - y).abs() <= tolerance {
                    0.0
                } else {
                    (x - y).abs()
                }
            }
        }
    }
}

/// How many representable numbers lie between two finite floats.
fn ulp(a: &[u8], e: &[u8]) -> f64 {
    let top = 1u64 << (a.len() * 8 - 1);
    let (a, e) = (bits(a), bits(e));
    let (x, y) = (a & !top, e & !top);
    if a & top == e & top { x.abs_diff(y) as f64 } else { x as f64 + y as f64 }
}

fn bits(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |bits, &b| bits << 8 | u64::from(b))
}

fn integer(ty: ElementType, bytes: &[u8]) -> i128 {
    let bits = bits(bytes);
    if !ty.is_signed() {
        return i128::from(bits);
    }
    let unused = 64 - bytes.len() as u32 * 8;
    i128::from(((bits << unused) as i64) >> unused)
}

fn show(ty: ElementType, bytes: &[u8]) -> String {
    match ty.kind() {
        Kind::Float => format!("{:e}", element::decode(ty, bits(bytes))),
        _ => integer(ty, bytes).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f32s(check: Check, a: f32, e: f32) -> bool {
        check.difference(ElementType::F32, &a.to_le_bytes(), &e.to_le_bytes()).is_none()
    }

    #[test]
    fn exact_is_equality_of_numbers() {
        assert!(f32s(Check::Exact, 0.0, -0.0));
        assert!(!f32s(Check::Exact, f32::NAN, f32::NAN));
        assert!(!f32s(Check::Exact, 1.0, 1.0 + f32::EPSILON));
        assert!(Check::Exact.difference(ElementType::I8, &[0xff], &[0xfe]).is_some());
    }

    #[test]
    fn ulps_count_representable_numbers() {
        assert!(f32s(Check::Ulp(1.0), 1.0, 1.0 + f32::EPSILON));
        assert!(!f32s(Check::Ulp(1.0), 1.0, 1.0 + 2.0 * f32::EPSILON));
        assert!(f32s(Check::Ulp(2.0), f32::from_bits(1), -f32::from_bits(1)));
        assert!(f32s(Check::Ulp(0.0), f32::NAN, -f32::NAN));
        assert!(!f32s(Check::Ulp(1e18), f32::INFINITY, f32::MAX));
        assert!(f32s(Check::Ulp(1e20), f32::INFINITY, f32::MAX));
    }

    #[test]
    fn absolute_differences_know_infinities() {
        assert!(f32s(Check::Abs(0.1), 1.0, 1.05));
        assert!(!f32s(Check::Abs(0.1), 1.0, 1.2));
        assert!(f32s(Check::Abs(0.0), f32::INFINITY, f32::INFINITY));
        assert!(!f32s(Check::Abs(1.0), f32::INFINITY, f32::NEG_INFINITY));
        assert!(!f32s(Check::Abs(1.0), f32::NAN, 1.0));
    }

    #[test]
    fn complex_numbers_are_compared_by_parts() {
        let bytes = |re: f32, im: f32| [re.to_le_bytes(), im.to_le_bytes()].concat();
        let difference =
            Check::Abs(0.1).difference(ElementType::C64, &bytes(1.0, 2.0), &bytes(1.0, 3.0)).unwrap();
        assert!(
            difference.starts_with("1 of 2 differ") && difference.contains("number 1 is 2e0"),
            "{difference}"
        );
    }
}
