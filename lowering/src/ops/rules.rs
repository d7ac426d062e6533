//! The vocabulary in which operations state their constraints: arity, tensors, shapes that may be partly dynamic.

use super::Context;
use crate::attribute::Attributes;
use crate::types::fits;
use crate::{Error, Result, Shape, TensorType, Type};

/// Exactly `N` tensor operands and no regions.
pub(crate) fn tensors<'a, const N: usize>(op: &str, cx: &Context<'a>) -> Result<[&'a TensorType; N]> {
    arity(op, cx, N, 0)?;
    let mut out = [None; N];
    for (i, slot) in out.iter_mut().enumerate() {
        *slot = Some(cx.tensor(op, i)?);
    }
    Ok(out.map(|ty| ty.expect("all are set")))
}

/// Any number of tensor operands and no regions.
pub(crate) fn all_tensors<'a>(op: &str, cx: &Context<'a>) -> Result<Vec<&'a TensorType>> {
    arity(op, cx, cx.operands.len(), 0)?;
    (0..cx.operands.len()).map(|i| cx.tensor(op, i)).collect()
}

/// Exactly that many operands and regions.
pub(crate) fn arity(op: &str, cx: &Context<'_>, operands: usize, regions: usize) -> Result<()> {
    if cx.operands.len() != operands {
        return Err(Error::verify(format!("{op}: expected {operands} operands, got {}", cx.operands.len())));
    }
    if cx.regions.len() != regions {
        return Err(Error::verify(format!("{op}: expected {regions} regions, got {}", cx.regions.len())));
    }
    Ok(())
}

/// The single result, which must be a tensor.
pub(crate) fn result<'a>(op: &str, results: &'a [Type]) -> Result<&'a TensorType> {
    match results {
        [Type::Tensor(ty)] => Ok(ty),
        [other] => Err(Error::verify(format!("{op}: the result must be a tensor, got {other}"))),
        _ => Err(Error::verify(format!("{op}: expected one result, got {}", results.len()))),
    }
}

/// One result of that type.
pub(crate) fn inferred(ty: impl Into<Type>) -> Result<Option<Vec<Type>>> {
    Ok(Some(vec![ty.into()]))
}

/// Two shapes that are equal where both are known, joined; `None` if they are not.
pub(crate) fn join(a: &[i64], b: &[i64]) -> Option<Shape> {
    (a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| fits(a, b)))
        .then(|| a.iter().zip(b).map(|(&a, &b)| if a == crate::DYNAMIC { b } else { a }).collect())
}

/// Whether every dimension is one of a tensor of that rank.
pub(crate) fn in_range(dims: &[i64], rank: usize) -> bool {
    dims.iter().all(|&d| 0 <= d && d < rank as i64)
}

/// Whether no dimension is named twice.
pub(crate) fn unique(dims: &[i64]) -> bool {
    dims.iter().enumerate().all(|(i, d)| !dims[..i].contains(d))
}

/// No attributes, for operations without any.
pub(crate) fn no_attributes() -> Attributes {
    Attributes::new()
}

/// The name and attribute items of an [`super::OpDef`] that has none of the latter.
macro_rules! plain {
    ($name:literal) => {
        const NAMES: &'static [&'static str] = &[$name];
        fn name(&self) -> &'static str {
            $name
        }
        fn attributes(&self) -> $crate::Attributes {
            $crate::ops::rules::no_attributes()
        }
        fn from_attributes(_: &str, _: &mut $crate::Attributes) -> $crate::Result<Self> {
            Ok(Self)
        }
    };
}
pub(crate) use plain;

/// The name items of an [`super::OpDef`] with one name.
macro_rules! named {
    ($name:literal) => {
        const NAMES: &'static [&'static str] = &[$name];
        fn name(&self) -> &'static str {
            $name
        }
    };
}
pub(crate) use named;
