//! Which dtype the operands of an operation meet in: JAX's promotion lattice with weak types.
//!
//! A weak type comes from a Rust number and gives way: `f32 + 1` stays `f32`, `i32 + 1.0` becomes the default float. The lattice:
//! bool < weak integer < integers < weak float < floats < weak complex < complex, where a float of its own takes in
//! every integer without growing.

use crate::config::{dtype_promotion_is_strict, x64_enabled};
use crate::error::{Error, Result};
use crate::ir::{Array, DType, numpy_name};
use crate::lax::convert_weakly;

/// The dtype in the width that is switched on: 64-bit dtypes become 32-bit ones unless x64 is enabled.
///
/// ```
/// # use jacinth_frontend::{DType, config, dtypes::canonicalize_dtype};
/// assert_eq!(config::with_x64(false, || canonicalize_dtype(DType::F64)), DType::F32);
/// assert_eq!(config::with_x64(true, || canonicalize_dtype(DType::F64)), DType::F64);
/// ```
pub fn canonicalize_dtype(dtype: DType) -> DType {
    if x64_enabled() {
        return dtype;
    }
    match dtype {
        DType::I64 => DType::I32,
        DType::UI64 => DType::UI32,
        DType::F64 => DType::F32,
        DType::C128 => DType::C64,
        other => other,
    }
}

/// [`canonicalize_dtype`] of a dtype that the user named: warns, once per line, where it is not what they get.
#[track_caller]
pub(crate) fn requested(dtype: DType) -> DType {
    let given = canonicalize_dtype(dtype);
    if given != dtype {
        let (asked, given) = (numpy_name(dtype), numpy_name(given));
        super::warn::warn(format!(
            "{asked} was asked for, but 64-bit dtypes are switched off, so the array is {given}; set \
             JACINTH_ENABLE_X64=1 or call config::enable_x64(true)"
        ));
    }
    given
}

/// The dtype of a float that nobody chose.
///
/// ```
/// # use jacinth_frontend::{DType, config, dtypes::default_float};
/// assert_eq!(config::with_x64(true, default_float), DType::F64);
/// ```
pub fn default_float() -> DType {
    canonicalize_dtype(DType::F64)
}

/// The dtype of an integer that nobody chose.
///
/// ```
/// # use jacinth_frontend::{DType, config, dtypes::default_int};
/// assert_eq!(config::with_x64(false, default_int), DType::I32);
/// ```
pub fn default_int() -> DType {
    canonicalize_dtype(DType::I64)
}

pub(crate) fn default_complex() -> DType {
    canonicalize_dtype(DType::C128)
}

/// The dtype in which two strong dtypes meet.
///
/// ```
/// # use jacinth_frontend::{DType, dtypes::promote_types};
/// assert_eq!(promote_types(DType::I64, DType::F16).unwrap(), DType::F16); // unlike NumPy's float64
/// assert_eq!(promote_types(DType::BF16, DType::F16).unwrap(), DType::F32);
/// assert!(promote_types(DType::F8E5M2, DType::F32).is_err());
/// ```
///
/// # Errors
/// For narrow floats (8 bits and fewer), which meet nothing but themselves.
pub fn promote_types(a: DType, b: DType) -> Result<DType> {
    Ok(join(Node::of(a, false), Node::of(b, false))?.dtype())
}

/// The dtype in which arrays meet, and whether it is weak.
///
/// JAX's takes dtypes too and gives the dtype alone.
///
/// ```
/// # use jacinth_frontend::{Array, DType, dtypes::result_type, numpy as jnp};
/// let x = jnp::ones_of([2], DType::BF16);
/// assert_eq!(result_type(&[x, Array::from(2.5)]).unwrap(), (DType::BF16, false));
/// assert_eq!(result_type(&[Array::from(1), Array::from(2.5)]).unwrap(), (DType::F32, true));
/// ```
///
/// # Errors
/// As [`promote_types`].
pub fn result_type(arrays: &[Array]) -> Result<(DType, bool)> {
    let types = arrays.iter().map(|a| (a.dtype(), a.weak_type()));
    result_type_of(types)
}

pub(crate) fn result_type_of(types: impl Iterator<Item = (DType, bool)> + Clone) -> Result<(DType, bool)> {
    let mut all = types.clone();
    let Some(first) = all.next() else { return Ok((default_float(), true)) };
    if all.all(|t| t.0 == first.0) {
        return Ok((canonicalize_dtype(first.0), types.clone().all(|t| t.1)));
    }
    // If all are weak they meet as strong ones do, and stay weak.
    let weak = types.clone().all(|t| t.1);
    if dtype_promotion_is_strict() {
        check_strict(types.clone())?;
    }
    let mut node = Node::Bool;
    for (dtype, is_weak) in types {
        node = join(node, Node::of(dtype, is_weak && !weak))?;
    }
    let weak = weak || matches!(node, Node::WeakInt | Node::WeakFloat | Node::WeakComplex);
    Ok((canonicalize_dtype(node.dtype()), weak && node != Node::Bool))
}

/// Refuses what strict promotion does not allow: different dtypes, and numbers that are not of the arrays' kind.
fn check_strict(types: impl Iterator<Item = (DType, bool)> + Clone) -> Result<()> {
    let rank = |dtype: DType| {
        (dtype.is_integer() as u8) + 2 * (dtype.is_float() as u8) + 3 * (dtype.is_complex() as u8)
    };
    let strong = types.clone().find(|(_, weak)| !weak).map(|(dtype, _)| dtype);
    let fits = |(dtype, weak): (DType, bool)| match strong {
        Some(strong) if weak => rank(dtype) <= rank(strong) && !strong.is_boolean(),
        Some(strong) => dtype == strong,
        None => true,
    };
    if types.clone().all(fits) {
        return Ok(());
    }
    let names = types.map(|(dtype, weak)| format!("{}{}", numpy_name(dtype), if weak { "*" } else { "" }));
    let names = names.collect::<Vec<_>>().join(", ");
    Err(Error::argument(format!(
        "strict promotion of dtypes is switched on, and {names} are not of one dtype; convert them with `astype`"
    )))
}

/// Converts arrays to the dtype in which they meet.
#[track_caller]
pub(crate) fn promote(arrays: &[Array]) -> Vec<Array> {
    promote_to(arrays, |dtype| dtype)
}

/// Converts arrays to the floating or complex dtype in which they meet.
#[track_caller]
pub(crate) fn promote_inexact(arrays: &[Array]) -> Vec<Array> {
    promote_to(arrays, inexact)
}

/// [`promote`] of two arrays, which are not copied where they stay as they are.
#[track_caller]
pub(crate) fn promote_pair(x: Array, y: Array) -> (Array, Array) {
    pair_to(x, y, |dtype| dtype)
}

/// [`promote_inexact`] of two arrays, which are not copied where they stay as they are.
#[track_caller]
pub(crate) fn promote_pair_inexact(x: Array, y: Array) -> (Array, Array) {
    pair_to(x, y, inexact)
}

#[track_caller]
fn pair_to(x: Array, y: Array, of: fn(DType) -> DType) -> (Array, Array) {
    let _line = crate::trace::keep_line();
    let types = [(x.dtype(), x.weak_type()), (y.dtype(), y.weak_type())];
    let (dtype, weak) = met(result_type_of(types.into_iter()));
    let dtype = of(dtype);
    let [x, y] = [x, y].map(|a| match (a.dtype(), a.weak_type()) == (dtype, weak) {
        true => a,
        false => convert_weakly(&a, dtype, weak),
    });
    (x, y)
}

/// The dtype itself if it is floating or complex, else the default float.
pub(crate) fn inexact(dtype: DType) -> DType {
    if dtype.is_float() || dtype.is_complex() { dtype } else { default_float() }
}

#[track_caller]
fn promote_to(arrays: &[Array], of: impl Fn(DType) -> DType) -> Vec<Array> {
    let _line = crate::trace::keep_line();
    let (dtype, weak) = met(result_type(arrays));
    let dtype = of(dtype);
    arrays.iter().map(|a| convert_weakly(a, dtype, weak)).collect()
}

/// Raises what keeps dtypes from meeting, at the caller's line.
#[track_caller]
fn met(types: Result<(DType, bool)>) -> (DType, bool) {
    match types {
        Ok(met) => met,
        Err(error) => error.at(crate::trace::here()).raise(),
    }
}

/// A place in the lattice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Bool,
    WeakInt,
    Int(DType),
    WeakFloat,
    Float(DType),
    WeakComplex,
    Complex(DType),
}

impl Node {
    fn of(dtype: DType, weak: bool) -> Node {
        match (dtype, weak) {
            (d, _) if d.is_boolean() => Node::Bool,
            (d, true) if d.is_integer() => Node::WeakInt,
            (d, true) if d.is_float() => Node::WeakFloat,
            (_, true) => Node::WeakComplex,
            (d, false) if d.is_integer() => Node::Int(d),
            (d, false) if d.is_float() => Node::Float(d),
            (d, false) => Node::Complex(d),
        }
    }

    fn dtype(self) -> DType {
        match self {
            Node::Bool => DType::I1,
            Node::WeakInt => default_int(),
            Node::WeakFloat => default_float(),
            Node::WeakComplex => default_complex(),
            Node::Int(d) | Node::Float(d) | Node::Complex(d) => d,
        }
    }

    fn level(self) -> u8 {
        match self {
            Node::Bool => 0,
            Node::WeakInt => 1,
            Node::Int(_) => 2,
            Node::WeakFloat => 3,
            Node::Float(_) => 4,
            Node::WeakComplex => 5,
            Node::Complex(_) => 6,
        }
    }
}

/// The least place above both.
fn join(a: Node, b: Node) -> Result<Node> {
    let (low, high) = if a.level() <= b.level() { (a, b) } else { (b, a) };
    Ok(match (low, high) {
        _ if low == high => high,
        // Integers of 2 and 4 bits meet booleans and weak integers only, floats of 8 bits and fewer nothing above them.
        (Node::Int(a), _) if a.bits() < 8 => return Err(apart(a, high.dtype())),
        (_, Node::Int(b)) if b.bits() < 8 && low.level() > 1 => return Err(apart(low.dtype(), b)),
        (Node::Float(a), Node::WeakComplex | Node::Complex(_)) if a.bits() < 16 => {
            return Err(apart(a, high.dtype()));
        }
        (Node::Int(a), Node::Int(b)) => join_ints(a, b),
        (Node::Float(a), Node::Float(b)) => Node::Float(join_floats(a, b)?),
        (Node::Float(a), Node::WeakComplex) => {
            Node::Complex(join_floats(a, DType::F32)?.complex().unwrap_or(DType::C64))
        }
        (Node::Float(a), Node::Complex(b)) => {
            Node::Complex(join_floats(a, b.real())?.complex().expect("f32 or f64"))
        }
        (Node::Complex(_), Node::Complex(_)) => Node::Complex(DType::C128),
        // Everything else lies below without changing what is above.
        _ => high,
    })
}

fn join_ints(a: DType, b: DType) -> Node {
    if a.is_signed() == b.is_signed() {
        return Node::Int(if a.bits() >= b.bits() { a } else { b });
    }
    let (signed, unsigned) = if a.is_signed() { (a, b) } else { (b, a) };
    if signed.bits() > unsigned.bits() {
        return Node::Int(signed);
    }
    match unsigned.bits() {
        8 => Node::Int(DType::I16),
        16 => Node::Int(DType::I32),
        32 => Node::Int(DType::I64),
        _ => Node::WeakFloat,
    }
}

fn apart(a: DType, b: DType) -> Error {
    let (a, b) = (numpy_name(a), numpy_name(b));
    Error::operands("promotion", format!("{a} and {b} have no implicit common dtype; convert one explicitly"))
}

fn join_floats(a: DType, b: DType) -> Result<DType> {
    if a == b {
        return Ok(a);
    }
    if a.bits() < 16 || b.bits() < 16 {
        return Err(apart(a, b));
    }
    Ok(match (a.bits(), b.bits()) {
        (16, 16) => DType::F32,
        (x, y) if x > y => a,
        _ => b,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strong_types_meet_as_in_jax() {
        use DType::*;
        let cases = [
            (I1, UI8, UI8),
            (UI8, I8, I16),
            (UI8, I32, I32),
            (UI32, I32, I64),
            (UI16, UI32, UI32),
            (I64, BF16, BF16),
            (F16, BF16, F32),
            (F16, I32, F16),
            (F32, F64, F64),
            (F32, C64, C64),
            (F64, C64, C128),
            (I32, C64, C64),
        ];
        for (a, b, met) in cases {
            assert_eq!(promote_types(a, b).unwrap(), met, "{a} {b}");
            assert_eq!(promote_types(b, a).unwrap(), met, "{b} {a}");
        }
        let error = promote_types(F8E5M2, F32).unwrap_err().to_string();
        assert_eq!(
            error,
            "promotion: float8_e5m2 and float32 have no implicit common dtype; convert one explicitly"
        );
    }

    /// Every pair of dtypes, weak ones too, as JAX joins them; `tests/golden/promotion.py` writes the table.
    #[test]
    fn every_pair_meets_as_in_jax() {
        let parse = |name: &str, x64: bool| {
            let weak = name.strip_suffix('*');
            let wide = match (weak, x64) {
                (Some("int"), true) => "int64",
                (Some("int"), false) => "int32",
                (Some("float"), true) => "float64",
                (Some("float"), false) => "float32",
                (Some("complex"), true) => "complex128",
                (Some("complex"), false) => "complex64",
                (Some(other), _) => other,
                (None, _) => name,
            };
            let dtype = DType::ALL.iter().copied().find(|d| numpy_name(*d) == wide).expect("a dtype");
            (dtype, weak.is_some())
        };
        let table = include_str!("../../tests/golden/data/promotion.txt");
        assert!(table.lines().count() > 900);
        for line in table.lines() {
            let [x64, a, b, met] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let x64 = x64 == "1";
            crate::config::with_x64(x64, || {
                let found = result_type_of([parse(a, x64), parse(b, x64)].into_iter());
                let expected = (met != "!").then(|| parse(met, x64));
                assert_eq!(found.ok(), expected, "{line}");
            });
        }
    }

    #[test]
    fn weak_types_give_way() {
        use DType::*;
        let met = |types: &[(DType, bool)]| result_type_of(types.iter().copied()).unwrap();
        assert_eq!(met(&[(BF16, false), (F32, true)]), (BF16, false));
        assert_eq!(met(&[(I32, false), (F32, true)]), (F32, true));
        assert_eq!(met(&[(I8, false), (I32, true)]), (I8, false));
        assert_eq!(met(&[(I1, false), (I32, true)]), (I32, true));
        assert_eq!(met(&[(I32, true), (F32, true)]), (F32, true));
        assert_eq!(met(&[(F16, false), (C64, true)]), (C64, false));
        assert_eq!(met(&[(UI64, false), (I64, false)]), (F32, true));
        assert_eq!(met(&[(I1, false), (I1, false)]), (I1, false));
    }
}
