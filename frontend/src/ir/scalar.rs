//! Host scalars: the numbers that appear in jaxprs as literals.
//!
//! Invariant: a [`Literal`]'s value is already representable in its dtype (a float literal of dtype `f32` has been
//! rounded to single precision, an integer wrapped to its width), so equal literals print and lower equally.

use std::fmt;
use std::hash::{Hash, Hasher};

use half::{bf16, f16};

use super::aval::{Aval, DType};

/// A number without a width.
#[derive(Clone, Copy, Debug)]
pub enum Scalar {
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    UInt(u64),
    /// A floating point number.
    Float(f64),
    /// A complex number, real part first.
    Complex(f64, f64),
}

impl Scalar {
    /// The value converted to `dtype` as XLA's `convert` does: integers wrap, floats round to nearest even.
    pub fn cast(self, dtype: DType) -> Scalar {
        if dtype.is_boolean() {
            return Scalar::Bool(self.is_nonzero());
        }
        if dtype.is_complex() {
            let (re, im) = match self {
                Scalar::Complex(re, im) => (re, im),
                other => (other.to_f64(), 0.0),
            };
            return Scalar::Complex(round_to(re, dtype.real()), round_to(im, dtype.real()));
        }
        if dtype.is_float() {
            return Scalar::Float(round_to(self.to_f64(), dtype));
        }
        let bits = dtype.bits() as u32;
        let wide: i128 = match self {
            Scalar::Bool(b) => b as i128,
            Scalar::Int(v) => v as i128,
            Scalar::UInt(v) => v as i128,
            Scalar::Float(v) | Scalar::Complex(v, _) if dtype.is_signed() => {
                let limit = 1i128 << (bits - 1);
                (v as i128).clamp(-limit, limit - 1)
            }
            Scalar::Float(v) | Scalar::Complex(v, _) => (v as i128).clamp(0, (1i128 << bits) - 1),
        };
        let low = wide & ((1i128 << bits) - 1);
        if dtype.is_signed() {
            let sign = 1i128 << (bits - 1);
            Scalar::Int((if low & sign != 0 { low - (1i128 << bits) } else { low }) as i64)
        } else {
            Scalar::UInt(low as u64)
        }
    }

    /// The value as a double; a complex number gives its real part.
    pub fn to_f64(self) -> f64 {
        match self {
            Scalar::Bool(b) => b as u8 as f64,
            Scalar::Int(v) => v as f64,
            Scalar::UInt(v) => v as f64,
            Scalar::Float(v) | Scalar::Complex(v, _) => v,
        }
    }

    /// The value as an integer, if it is one.
    pub fn to_i64(self) -> Option<i64> {
        match self {
            Scalar::Bool(b) => Some(b as i64),
            Scalar::Int(v) => Some(v),
            Scalar::UInt(v) => i64::try_from(v).ok(),
            Scalar::Float(_) | Scalar::Complex(..) => None,
        }
    }

    /// Whether the value differs from zero.
    pub fn is_nonzero(self) -> bool {
        match self {
            Scalar::Bool(b) => b,
            Scalar::Int(v) => v != 0,
            Scalar::UInt(v) => v != 0,
            Scalar::Float(v) => v != 0.0,
            Scalar::Complex(re, im) => re != 0.0 || im != 0.0,
        }
    }

    fn bits(self) -> (u8, u64, u64) {
        match self {
            Scalar::Bool(b) => (0, b as u64, 0),
            Scalar::Int(v) => (1, v as u64, 0),
            Scalar::UInt(v) => (2, v, 0),
            Scalar::Float(v) => (3, v.to_bits(), 0),
            Scalar::Complex(re, im) => (4, re.to_bits(), im.to_bits()),
        }
    }
}

/// Equality of bits: `NaN` equals itself, `0.0` differs from `-0.0`.
impl PartialEq for Scalar {
    fn eq(&self, other: &Self) -> bool {
        self.bits() == other.bits()
    }
}

impl Eq for Scalar {}

impl Hash for Scalar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bits().hash(state);
    }
}

impl From<bool> for Scalar {
    fn from(v: bool) -> Self {
        Scalar::Bool(v)
    }
}

macro_rules! scalar_from {
    ($($ty:ty => $variant:ident($wide:ty)),* $(,)?) => {$(
        impl From<$ty> for Scalar {
            fn from(v: $ty) -> Self {
                Scalar::$variant(<$wide>::from(v))
            }
        }
    )*};
}

scalar_from!(i8 => Int(i64), i16 => Int(i64), i32 => Int(i64), i64 => Int(i64), u8 => UInt(u64), u16 => UInt(u64),
    u32 => UInt(u64), u64 => UInt(u64), f32 => Float(f64), f64 => Float(f64), f16 => Float(f64), bf16 => Float(f64));

/// A scalar constant of a jaxpr, printed `2.0:f32[]`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Literal {
    value: Scalar,
    aval: Aval,
}

impl Literal {
    /// A literal of that dtype; the value is converted to it.
    pub fn new(value: impl Into<Scalar>, dtype: DType, weak_type: bool) -> Self {
        Literal { value: value.into().cast(dtype), aval: Aval::scalar(dtype, weak_type) }
    }

    /// The number.
    pub fn value(&self) -> Scalar {
        self.value
    }

    /// Its rank-0 aval.
    pub fn aval(&self) -> &Aval {
        &self.aval
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Scalar::Bool(true) => f.write_str("True")?,
            Scalar::Bool(false) => f.write_str("False")?,
            Scalar::Int(v) => write!(f, "{v}")?,
            Scalar::UInt(v) => write!(f, "{v}")?,
            Scalar::Float(v) => f.write_str(&python_float(v, self.aval.dtype))?,
            Scalar::Complex(re, im) => {
                let part = self.aval.dtype.real();
                let strip = |s: String| s.strip_suffix(".0").map(str::to_owned).unwrap_or(s);
                let (re_text, im_text) = (strip(python_float(re, part)), strip(python_float(im, part)));
                let sign = if im.is_sign_negative() && !im.is_nan() { "" } else { "+" };
                if re == 0.0 && re.is_sign_positive() {
                    write!(f, "{im_text}j")?;
                } else {
                    write!(f, "({re_text}{sign}{im_text}j)")?;
                }
            }
        }
        write!(f, ":{}", self.aval)
    }
}

impl fmt::Debug for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A float as Python's `repr` of a NumPy scalar of that dtype writes it: shortest digits that round-trip.
fn python_float(v: f64, dtype: DType) -> String {
    if v.is_nan() {
        return "nan".into();
    }
    if v.is_infinite() {
        return if v > 0.0 { "inf".into() } else { "-inf".into() };
    }
    // Shortest digits in the type's own precision, as `d.ddde±x`.
    let scientific = if dtype == DType::F64 { format!("{v:e}") } else { format!("{:e}", v as f32) };
    let (mantissa, exponent) = scientific.split_once('e').expect("{:e} writes an exponent");
    let exponent: i32 = exponent.parse().expect("{:e} writes an integer exponent");
    if (-4..16).contains(&exponent) {
        let plain = if dtype == DType::F64 { format!("{v}") } else { format!("{}", v as f32) };
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

fn round_to(v: f64, dtype: DType) -> f64 {
    match dtype {
        DType::F32 => v as f32 as f64,
        DType::F16 => f16::from_f64(v).to_f64(),
        DType::BF16 => bf16::from_f64(v).to_f64(),
        _ => v,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_print_as_jax_prints_them() {
        let cases: [(Scalar, DType, &str); 10] = [
            (2.0.into(), DType::F32, "2.0:f32[]"),
            (0.1.into(), DType::F32, "0.1:f32[]"),
            ((1.0 / 3.0).into(), DType::F32, "0.33333334:f32[]"),
            (1e20.into(), DType::F32, "1e+20:f32[]"),
            (1e-7.into(), DType::F64, "1e-07:f64[]"),
            (f64::NEG_INFINITY.into(), DType::F32, "-inf:f32[]"),
            (true.into(), DType::I1, "True:bool[]"),
            (300i32.into(), DType::UI8, "44:u8[]"),
            (200i32.into(), DType::I8, "-56:i8[]"),
            (Scalar::Complex(0.0, 2.0), DType::C64, "2j:c64[]"),
        ];
        for (value, dtype, text) in cases {
            assert_eq!(Literal::new(value, dtype, false).to_string(), text);
        }
    }

    #[test]
    fn casts_wrap_integers_and_saturate_floats() {
        assert_eq!(Scalar::Int(-1).cast(DType::UI32), Scalar::UInt(u32::MAX as u64));
        assert_eq!(Scalar::Float(1e30).cast(DType::I32), Scalar::Int(i32::MAX as i64));
        assert_eq!(Scalar::Float(2.7).cast(DType::I32), Scalar::Int(2));
        assert_eq!(Scalar::Float(0.5).cast(DType::I1), Scalar::Bool(true));
        assert_eq!(Scalar::UInt(u64::MAX).cast(DType::I64), Scalar::Int(-1));
    }
}
