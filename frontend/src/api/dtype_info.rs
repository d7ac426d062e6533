//! Facts about dtypes: limits, kinds, and what may be cast to what. Sources: ml_dtypes and NumPy as jax.numpy shows them.

use crate::error::{Error, Result};
use crate::ir::{DType, numpy_name};
use jacinth_lowering::element;

/// The limits of a floating dtype, as doubles; of a complex one, those of its parts.
///
/// ```
/// # use jacinth_frontend::{DType, numpy as jnp};
/// let half = jnp::finfo(DType::F16).unwrap();
/// assert_eq!((half.bits, half.nexp, half.nmant, half.precision), (16, 5, 10, 3));
/// assert_eq!((half.max, half.min, half.eps), (65504.0, -65504.0, 0.0009765625));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FInfo {
    /// The dtype.
    pub dtype: DType,
    /// Its width.
    pub bits: usize,
    /// The distance from 1 to the next larger number.
    pub eps: f64,
    /// The distance from 1 to the next smaller number.
    pub epsneg: f64,
    /// The largest finite number.
    pub max: f64,
    /// The lowest finite number.
    pub min: f64,
    /// The smallest positive normal number.
    pub tiny: f64,
    /// The same.
    pub smallest_normal: f64,
    /// The smallest positive number.
    pub smallest_subnormal: f64,
    /// Bits of the mantissa, without the hidden one.
    pub nmant: i32,
    /// Bits of the exponent.
    pub nexp: i32,
    /// The power of two that overflows.
    pub maxexp: i32,
    /// The lowest power of two of a normal number.
    pub minexp: i32,
    /// Decimal digits that every number keeps.
    pub precision: i32,
    /// `10^-precision`, rounded to the dtype.
    pub resolution: f64,
}

/// The limits of a floating or complex dtype.
///
/// ```
/// # use jacinth_frontend::{DType, numpy as jnp};
/// assert_eq!(jnp::finfo(DType::F32).unwrap().eps, f64::from(f32::EPSILON));
/// assert_eq!(jnp::finfo(DType::I32).unwrap_err().to_string(), "finfo: int32 is no floating dtype");
/// ```
///
/// # Errors
/// For other dtypes.
pub fn finfo(dtype: DType) -> Result<FInfo> {
    let dtype = if dtype.is_complex() { dtype.real() } else { dtype };
    // Exponent bits, mantissa bits, lowest normal power of two, power of two that overflows, largest number.
    let (nexp, nmant, minexp, maxexp, max) = match dtype {
        DType::F16 => (5, 10, -14, 16, 65504.0),
        DType::BF16 => (8, 7, -126, 128, f64::from(half::bf16::MAX)),
        DType::F32 => (8, 23, -126, 128, f64::from(f32::MAX)),
        DType::F64 => (11, 52, -1022, 1024, f64::MAX),
        DType::F8E5M2 => (5, 2, -14, 16, 57344.0),
        DType::F8E4M3FN => (4, 3, -6, 9, 448.0),
        DType::F8E4M3 => (4, 3, -6, 8, 240.0),
        DType::F8E3M4 => (3, 4, -2, 4, 15.5),
        DType::F8E4M3B11FNUZ => (4, 3, -10, 5, 30.0),
        DType::F8E4M3FNUZ => (4, 3, -7, 8, 240.0),
        DType::F8E5M2FNUZ => (5, 2, -15, 16, 57344.0),
        DType::F8E8M0FNU => (8, 0, -127, 128, 2f64.powi(127)),
        DType::F4E2M1FN => (2, 1, 0, 3, 6.0),
        DType::F6E2M3FN => (2, 3, 0, 3, 7.5),
        DType::F6E3M2FN => (3, 2, -2, 5, 28.0),
        other => {
            let name = numpy_name(other);
            return Err(Error::argument(format!("finfo: {name} is no floating dtype")));
        }
    };
    let (tiny, eps) = (2f64.powi(minexp), 2f64.powi(-nmant));
    let narrow = dtype.bits() < 8;
    let digits = f64::from(nmant) * 2f64.log10();
    let precision = if narrow { 0 } else { digits.floor().max(1.0) as i32 };
    Ok(FInfo {
        dtype,
        bits: dtype.bits(),
        eps,
        // Where numbers below one are subnormal they are no nearer to each other than those above.
        epsneg: if minexp >= 0 { eps } else { eps / 2.0 },
        max,
        min: if dtype == DType::F8E8M0FNU { tiny } else { -max },
        tiny,
        smallest_normal: tiny,
        smallest_subnormal: tiny * eps,
        nmant,
        nexp,
        maxexp,
        minexp,
        precision,
        resolution: element::decode(dtype, element::encode(dtype, 10f64.powi(-precision))),
    })
}

/// The limits of an integer dtype.
///
/// ```
/// # use jacinth_frontend::{DType, numpy as jnp};
/// let info = jnp::iinfo(DType::UI64).unwrap();
/// assert_eq!((info.bits, info.min, info.max), (64, 0, u64::MAX as i128));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IInfo {
    /// The dtype.
    pub dtype: DType,
    /// Its width.
    pub bits: usize,
    /// The largest number.
    pub max: i128,
    /// The lowest number.
    pub min: i128,
}

/// The limits of an integer dtype.
///
/// ```
/// # use jacinth_frontend::{DType, numpy as jnp};
/// assert_eq!(jnp::iinfo(DType::I8).unwrap().max, 127);
/// assert!(jnp::iinfo(DType::I1).is_err());
/// ```
///
/// # Errors
/// For other dtypes.
pub fn iinfo(dtype: DType) -> Result<IInfo> {
    if !dtype.is_integer() {
        return Err(Error::argument(format!("iinfo: {} is no integer dtype", numpy_name(dtype))));
    }
    let bits = dtype.bits();
    let (min, max) = if dtype.is_signed() {
        (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
    } else {
        (0, (1i128 << bits) - 1)
    };
    Ok(IInfo { dtype, bits, max, min })
}

/// A node of NumPy's tree of dtypes.
///
/// ```
/// # use jacinth_frontend::{DType, numpy as jnp};
/// use jnp::Kind;
/// assert!(jnp::issubdtype(DType::BF16, Kind::Floating) && jnp::issubdtype(DType::C64, Kind::Inexact));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Everything.
    Generic,
    /// All but booleans.
    Number,
    /// Signed and unsigned.
    Integer,
    /// Signed.
    SignedInteger,
    /// Unsigned.
    UnsignedInteger,
    /// Floating and complex.
    Inexact,
    /// Floating.
    Floating,
    /// Complex.
    ComplexFloating,
    /// Booleans.
    Bool,
    /// Of no fixed size; no dtype here is.
    Flexible,
    /// Characters; no dtype here is.
    Character,
    /// Python's objects; no dtype here is.
    Object,
}

/// What [`issubdtype`] compares with: a [`Kind`] or a dtype.
pub trait KindOrDType {
    /// Whether the dtype belongs to it.
    fn has(self, dtype: DType) -> bool;
}

impl KindOrDType for DType {
    fn has(self, dtype: DType) -> bool {
        self == dtype
    }
}

impl KindOrDType for Kind {
    fn has(self, dtype: DType) -> bool {
        match self {
            Kind::Generic => true,
            Kind::Number => !dtype.is_boolean(),
            Kind::Integer => dtype.is_integer(),
            Kind::SignedInteger => dtype.is_signed(),
            Kind::UnsignedInteger => dtype.is_unsigned(),
            Kind::Inexact => dtype.is_float() || dtype.is_complex(),
            Kind::Floating => dtype.is_float(),
            Kind::ComplexFloating => dtype.is_complex(),
            Kind::Bool => dtype.is_boolean(),
            Kind::Flexible | Kind::Character | Kind::Object => false,
        }
    }
}

/// Whether a dtype belongs to a kind, or is a dtype.
///
/// ```
/// # use jacinth_frontend::{DType, numpy as jnp};
/// use jnp::Kind;
/// assert!(jnp::issubdtype(DType::UI8, Kind::Integer) && !jnp::issubdtype(DType::I1, Kind::Number));
/// assert!(jnp::issubdtype(DType::F32, DType::F32)); // or of a dtype
/// ```
pub fn issubdtype(dtype: DType, kind: impl KindOrDType) -> bool {
    kind.has(dtype)
}

/// Whether a dtype is of a kind of the array API: `"bool"`, `"signed integer"`, `"unsigned integer"`, `"integral"`,
/// `"real floating"`, `"complex floating"`, `"numeric"`.
///
/// ```
/// # use jacinth_frontend::{DType, numpy as jnp};
/// assert!(jnp::isdtype(DType::F16, "real floating").unwrap());
/// assert!(jnp::isdtype(DType::F16, "real").is_err());
/// ```
///
/// # Errors
/// If there is no such kind.
pub fn isdtype(dtype: DType, kind: &str) -> Result<bool> {
    let kind = match kind {
        "bool" => Kind::Bool,
        "signed integer" => Kind::SignedInteger,
        "unsigned integer" => Kind::UnsignedInteger,
        "integral" => Kind::Integer,
        "real floating" => Kind::Floating,
        "complex floating" => Kind::ComplexFloating,
        "numeric" => Kind::Number,
        other => return Err(Error::argument(format!("isdtype: there is no kind \"{other}\""))),
    };
    Ok(kind.has(dtype))
}

/// Whether every value of `from` is one of `to`.
///
/// ```
/// # use jacinth_frontend::{DType, numpy as jnp};
/// assert!(jnp::can_cast(DType::I16, DType::F32));
/// assert!(!jnp::can_cast(DType::I32, DType::F32)); // 32 bits do not fit 24
/// ```
pub fn can_cast(from: DType, to: DType) -> bool {
    if from == to || from.is_boolean() {
        return true;
    }
    let significant = |dtype: DType| match dtype.real() {
        DType::F64 => 53,
        DType::F32 => 24,
        DType::BF16 => 8,
        DType::F16 => 11,
        _ => 0,
    };
    if from.is_integer() && to.is_integer() {
        let (a, b) = (from.bits(), to.bits());
        return if from.is_unsigned() == to.is_unsigned() { a <= b } else { from.is_unsigned() && a < b };
    }
    if to.is_boolean() || to.is_integer() {
        return false;
    }
    if from.is_integer() {
        // NumPy counts 64-bit integers into doubles.
        let digits = from.bits() - from.is_signed() as usize;
        return digits <= significant(to) || to.real() == DType::F64;
    }
    if from.is_complex() && !to.is_complex() {
        return false;
    }
    match (from.real(), to.real()) {
        (DType::BF16, DType::F16) | (DType::F16, DType::BF16) => false,
        (a, b) => a.bits() <= b.bits() && (a == b || a.bits() < b.bits()),
    }
}

/// The largest finite number of a floating dtype as a double.
pub(crate) fn largest(dtype: DType) -> f64 {
    finfo(dtype).map_or(f64::MAX, |info| info.max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use DType::*;

    #[test]
    fn casts_are_jaxs() {
        // Rows: from; columns: to; as jax.numpy.can_cast says.
        let dtypes = [I1, I8, I16, I32, I64, UI8, UI16, UI32, UI64, BF16, F16, F32, F64, C64, C128];
        let rows = [
            "111111111111111",
            "011110000111111",
            "001110000001111",
            "000110000000101",
            "000010000000101",
            "001111111111111",
            "000110111001111",
            "000010011000101",
            "000000001000101",
            "000000000101111",
            "000000000011111",
            "000000000001111",
            "000000000000101",
            "000000000000011",
            "000000000000001",
        ];
        for (from, row) in dtypes.into_iter().zip(rows) {
            for (to, bit) in dtypes.into_iter().zip(row.chars()) {
                assert_eq!(can_cast(from, to), bit == '1', "{from} to {to}");
            }
        }
    }

    #[test]
    fn limits() {
        let half = finfo(F16).unwrap();
        assert_eq!((half.eps, half.epsneg, half.tiny), (0.0009765625, 0.00048828125, 6.103515625e-05));
        assert_eq!((half.smallest_subnormal, half.precision), (5.960464477539063e-08, 3));
        let brain = finfo(BF16).unwrap();
        assert_eq!((brain.max, brain.smallest_subnormal), (3.3895313892515355e+38, 9.183549615799121e-41));
        let single = finfo(C64).unwrap();
        assert_eq!((single.dtype, single.eps, single.precision), (F32, f64::from(f32::EPSILON), 6));
        assert_eq!(finfo(F64).unwrap().smallest_subnormal, 5e-324);
        let eight = finfo(F8E4M3B11FNUZ).unwrap();
        assert_eq!((eight.max, eight.smallest_subnormal, eight.precision), (30.0, 0.0001220703125, 1));
        assert_eq!(finfo(I32).unwrap_err().to_string(), "finfo: int32 is no floating dtype");
        assert_eq!((iinfo(UI64).unwrap().max, iinfo(I8).unwrap().min), (u64::MAX as i128, -128));
        assert_eq!(iinfo(F32).unwrap_err().to_string(), "iinfo: float32 is no integer dtype");
        assert!(issubdtype(BF16, Kind::Inexact) && issubdtype(I8, I8) && !issubdtype(I1, Kind::Number));
        assert!(isdtype(UI8, "integral").unwrap() && isdtype(UI8, "whole").is_err());
    }
}
