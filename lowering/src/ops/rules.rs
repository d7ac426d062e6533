//! The vocabulary in which operations state their constraints: arity, tensors, shapes that may be partly dynamic.

use super::Context;
pub(crate) use crate::types::fits;
use crate::{ElementType, Error, Result, Shape, TensorType, Type, Types};

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
pub(crate) fn inferred(ty: impl Into<Type>) -> Result<Option<Types>> {
    Ok(Some(smallvec::smallvec![ty.into()]))
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

/// That the values of `list` lie in `0..rank`, once each.
pub(crate) fn check_dims(label: &'static str, op: &str, what: &str, list: &[i64], rank: usize) -> Result<()> {
    check_dims_twice(label, label, op, what, list, rank)
}

/// As [`check_dims`], where the range and the uniqueness have labels of their own.
pub(crate) fn check_dims_twice(
    label: &'static str,
    unique: &'static str,
    op: &str,
    what: &str,
    list: &[i64],
    rank: usize,
) -> Result<()> {
    for (i, &d) in list.iter().enumerate() {
        if d < 0 || d >= rank as i64 {
            return Err(Error::constraint(label, format!("{op}: {what} {list:?} must lie in 0..{rank}")));
        }
        if list[..i].contains(&d) {
            return Err(Error::constraint(unique, format!("{op}: {what} {list:?} must be unique")));
        }
    }
    Ok(())
}

/// That two shapes agree, where dynamic sizes agree with any.
pub(crate) fn shapes_agree(a: &[i64], b: &[i64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| fits(a, b))
}

/// That a region takes and returns what it must: `args` and `results` are scalars of those element types.
pub(crate) fn check_scalar_region(
    label: &'static str,
    op: &str,
    cx: &Context<'_>,
    region: usize,
    args: &[ElementType],
    results: &[ElementType],
) -> Result<()> {
    let scalars = |types: &[ElementType]| -> String {
        types.iter().map(|&e| TensorType::scalar(e).to_string()).collect::<Vec<_>>().join(", ")
    };
    let is = |ty: &Type, &element: &ElementType| {
        ty.as_tensor().is_some_and(|ty| ty.rank() == 0 && ty.element == element)
    };
    let Some(block) = cx.regions.get(region) else {
        return Err(Error::verify(format!("{op}: region {region} is missing")));
    };
    let good_args =
        block.args.len() == args.len() && cx.region_args(region).zip(args).all(|(ty, e)| is(ty, e));
    let good_results = block.results.len() == results.len()
        && cx.region_results(region).zip(results).all(|(ty, e)| is(ty, e));
    if good_args && good_results {
        return Ok(());
    }
    let list = |types: Vec<String>| types.join(", ");
    let got_args = list(cx.region_args(region).map(ToString::to_string).collect());
    let got_results = list(cx.region_results(region).map(ToString::to_string).collect());
    Err(Error::constraint(
        label,
        format!(
            "{op}: its region must have type ({}) -> ({}), got ({got_args}) -> ({got_results})",
            scalars(args),
            scalars(results)
        ),
    ))
}

/// Whether numbers of one element type may be widened to another: the same kind, no fewer bits.
pub(crate) fn is_promotable(from: ElementType, to: ElementType) -> bool {
    from.kind() == to.kind() && from.bits() <= to.bits()
}

/// Checks a region that reduces values of the element types `inputs` and returns the types in which it does: it must take
/// two scalars of each and return one, where each may be wider than its input.
pub(crate) fn check_reducer(
    label: &'static str,
    op: &str,
    cx: &Context<'_>,
    region: usize,
    inputs: &[ElementType],
) -> Result<Vec<ElementType>> {
    if cx.regions.get(region).is_none() {
        return Err(Error::verify(format!("{op}: region {region} is missing")));
    }
    let returned: Vec<ElementType> =
        cx.region_results(region).filter_map(|ty| ty.as_tensor()).map(|ty| ty.element).collect();
    let promotable = returned.len() == inputs.len()
        && inputs.iter().zip(&returned).all(|(&input, &output)| is_promotable(input, output));
    let accumulators: &[ElementType] = if promotable { &returned } else { inputs };
    let args = [accumulators, accumulators].concat();
    check_scalar_region(label, op, cx, region, &args, accumulators)?;
    Ok(returned)
}

/// The first half of an operation's operands and the second, as tensors, as `(inputs…, init_values…)` are.
pub(crate) fn halves<'a>(
    label: &'static str,
    op: &str,
    cx: &Context<'a>,
) -> Result<(Vec<&'a TensorType>, Vec<&'a TensorType>)> {
    let n = cx.operands.len();
    if n == 0 || n % 2 == 1 {
        return Err(Error::constraint(
            label,
            format!("{op}: there must be as many init values as inputs, and at least one; got {n} operands"),
        ));
    }
    let all: Vec<&TensorType> = (0..n).map(|i| cx.tensor(op, i)).collect::<Result<_>>()?;
    Ok((all[..n / 2].to_vec(), all[n / 2..].to_vec()))
}

/// That all of several tensors have one shape.
pub(crate) fn check_same_shape(label: &'static str, op: &str, types: &[&TensorType]) -> Result<()> {
    match types.iter().find(|ty| !shapes_agree(&ty.shape, &types[0].shape)) {
        None => Ok(()),
        Some(other) => {
            Err(Error::constraint(label, format!("{op}: shapes differ: {} and {other}", types[0])))
        }
    }
}

/// That initial values are scalars of their inputs' element types.
pub(crate) fn check_inits(
    label: &'static str,
    op: &str,
    inputs: &[&TensorType],
    inits: &[&TensorType],
) -> Result<()> {
    for (i, (input, init)) in inputs.iter().zip(inits).enumerate() {
        if init.rank() != 0 || init.element != input.element {
            return Err(Error::constraint(
                label,
                format!(
                    "{op}: init value {i} of input {input} must be tensor<{}>, got {init}",
                    input.element
                ),
            ));
        }
    }
    Ok(())
}

/// That the only result has a shape.
pub(crate) fn check_result_shape(
    label: &'static str,
    op: &str,
    results: &[Type],
    shape: &[i64],
) -> Result<()> {
    match results {
        [Type::Tensor(ty)] if shapes_agree(&ty.shape, shape) => Ok(()),
        [Type::Tensor(ty)] => {
            let wanted = TensorType::new(shape.iter().copied(), ty.element);
            Err(Error::constraint(label, format!("{op}: the result must be {wanted}, is declared {ty}")))
        }
        _ => Err(Error::verify(format!("{op}: expected one tensor as result, got {results:?}"))),
    }
}

/// The name and attribute items of an [`super::OpDef`] that has none of the latter.
macro_rules! plain {
    ($name:literal) => {
        const NAMES: &'static [&'static str] = &[$name];
        fn name(&self) -> &'static str {
            $name
        }
        fn attributes(&self) -> $crate::Attributes {
            $crate::Attributes::new()
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
