//! Reading and writing an operation's fields as attributes, one function for each form that occurs in text.
//!
//! Readers take the attribute out of the list and accept every spelling that StableHLO has had for it (a dense array or a dense
//! tensor); writers give the newest one.

use smallvec::SmallVec;

use crate::attribute::{Attribute, Attributes};
use crate::{ElementType, Error, Literal, Result, Shape, TensorType};

/// `array<i64: 1, 2>`.
pub(crate) fn int_array(values: &[i64]) -> Attribute {
    Attribute::DenseArray(ElementType::I64, values.to_vec())
}

/// `array<i1: true>`.
pub(crate) fn bool_array(values: &[bool]) -> Attribute {
    Attribute::DenseArray(ElementType::I1, values.iter().map(|&b| b.into()).collect())
}

/// `1 : i64`.
pub(crate) fn int(value: i64) -> Attribute {
    Attribute::Int(value, ElementType::I64)
}

/// `dense<[[0, 1]]> : tensor<1x2xi64>`.
pub(crate) fn int_matrix(rows: usize, columns: usize, values: &[i64]) -> Attribute {
    let literal = Literal::new([rows as i64, columns as i64], values).expect("rows × columns values");
    Attribute::Dense(literal)
}

/// `dense<[[1, 2]]> : tensor<1x2xi64>` of a padding.
pub(crate) fn padding(pairs: &[(i64, i64)]) -> Attribute {
    let values: Vec<i64> = pairs.iter().flat_map(|&(low, high)| [low, high]).collect();
    int_matrix(pairs.len(), 2, &values)
}

/// `[0, 1]` inside a structure.
pub(crate) fn int_list(values: &[i64]) -> Attribute {
    Attribute::Array(values.iter().map(|&v| int(v)).collect())
}

/// `#stablehlo<precision DEFAULT>`.
pub(crate) fn enumeration(name: &str, value: &str) -> Attribute {
    Attribute::Enum(name.to_owned(), value.to_owned())
}

/// A list of integers in any form; `None` if there is no such attribute.
pub(crate) fn take_ints(op: &str, attributes: &mut Attributes, name: &str) -> Result<Option<Shape>> {
    let Some(attribute) = attributes.take(name) else { return Ok(None) };
    match ints_of(&attribute) {
        Some(values) => Ok(Some(values)),
        None => Err(wrong(op, name, "a list of integers")),
    }
}

/// A list of integers that must be there.
pub(crate) fn need_ints(op: &str, attributes: &mut Attributes, name: &str) -> Result<Shape> {
    take_ints(op, attributes, name)?.ok_or_else(|| missing(op, name))
}

/// A list of booleans; empty if there is no such attribute.
pub(crate) fn take_bools(op: &str, attributes: &mut Attributes, name: &str) -> Result<Vec<bool>> {
    match attributes.take(name) {
        None => Ok(Vec::new()),
        Some(Attribute::Array(values)) => values
            .iter()
            .map(|v| match v {
                Attribute::Bool(b) => Ok(*b),
                Attribute::Int(i, _) => Ok(*i != 0),
                _ => Err(wrong(op, name, "a list of booleans")),
            })
            .collect(),
        Some(attribute) => match ints_of(&attribute) {
            Some(values) => Ok(values.iter().map(|&v| v != 0).collect()),
            None => Err(wrong(op, name, "a list of booleans")),
        },
    }
}

/// An integer; `None` if there is no such attribute.
pub(crate) fn take_int(op: &str, attributes: &mut Attributes, name: &str) -> Result<Option<i64>> {
    match attributes.take(name) {
        None => Ok(None),
        Some(Attribute::Int(value, _)) => Ok(Some(value)),
        Some(_) => Err(wrong(op, name, "an integer")),
    }
}

/// An integer that must be there.
pub(crate) fn need_int(op: &str, attributes: &mut Attributes, name: &str) -> Result<i64> {
    take_int(op, attributes, name)?.ok_or_else(|| missing(op, name))
}

/// A boolean (`true`, `false`, or a unit's presence); `None` if there is no such attribute.
pub(crate) fn take_bool(op: &str, attributes: &mut Attributes, name: &str) -> Result<Option<bool>> {
    match attributes.take(name) {
        None => Ok(None),
        Some(Attribute::Bool(value)) => Ok(Some(value)),
        Some(Attribute::Unit) => Ok(Some(true)),
        Some(Attribute::Int(value, ElementType::I1)) => Ok(Some(value != 0)),
        Some(_) => Err(wrong(op, name, "a boolean")),
    }
}

/// A float that must be there.
pub(crate) fn need_float(op: &str, attributes: &mut Attributes, name: &str) -> Result<f64> {
    match attributes.take(name) {
        None => Err(missing(op, name)),
        Some(Attribute::Float(value, _)) => Ok(value),
        Some(Attribute::Int(value, _)) => Ok(value as f64),
        Some(_) => Err(wrong(op, name, "a float")),
    }
}

/// An enumeration's value among `table`; `None` if there is no such attribute.
pub(crate) fn take_enum<T: Copy>(
    op: &str,
    attributes: &mut Attributes,
    name: &str,
    table: &[(T, &str)],
) -> Result<Option<T>> {
    attributes.take(name).map(|attribute| enum_of(op, name, &attribute, table)).transpose()
}

/// The value of an enumeration's attribute.
pub(crate) fn enum_of<T: Copy>(
    op: &str,
    name: &str,
    attribute: &Attribute,
    table: &[(T, &str)],
) -> Result<T> {
    let value = match attribute {
        Attribute::Enum(_, value) | Attribute::String(value) => value,
        _ => return Err(wrong(op, name, "an enumeration's value")),
    };
    table.iter().find(|row| row.1 == value).map(|row| row.0).ok_or_else(|| {
        let known: Vec<&str> = table.iter().map(|row| row.1).collect();
        Error::verify(format!("{op}: {name} is {value}, expected one of {}", known.join(", ")))
    })
}

/// The spelling of an enumeration's value.
pub(crate) fn enum_name<T: PartialEq>(value: &T, table: &'static [(T, &'static str)]) -> &'static str {
    table.iter().find(|row| row.0 == *value).expect("every value is in its table").1
}

/// The fields of `#stablehlo.NAME<…>`; `None` if there is no such attribute.
pub(crate) fn take_struct(op: &str, attributes: &mut Attributes, name: &str) -> Result<Option<Attributes>> {
    match attributes.take(name) {
        None => Ok(None),
        Some(Attribute::Struct(_, fields)) => Ok(Some(fields)),
        Some(_) => Err(wrong(op, name, "a structure")),
    }
}

/// Pairs of integers, from an n×2 tensor; `None` if there is no such attribute.
pub(crate) fn take_pairs(
    op: &str,
    attributes: &mut Attributes,
    name: &str,
) -> Result<Option<Vec<(i64, i64)>>> {
    match attributes.take(name) {
        None => Ok(None),
        Some(Attribute::Dense(literal))
            if matches!(literal.ty().shape[..], [_, 2]) || literal.ty().num_elements() == Some(0) =>
        {
            let values = literal.to_vec::<i64>().ok_or_else(|| wrong(op, name, "a tensor of i64"))?;
            Ok(Some(values.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()))
        }
        Some(_) => Err(wrong(op, name, "an n×2 tensor of i64")),
    }
}

/// The integers of a list in any form.
pub(crate) fn ints_of(attribute: &Attribute) -> Option<Shape> {
    match attribute {
        Attribute::DenseArray(_, values) => Some(SmallVec::from_slice(values)),
        Attribute::Array(values) => values
            .iter()
            .map(|v| match v {
                Attribute::Int(value, _) => Some(*value),
                _ => None,
            })
            .collect(),
        Attribute::Dense(literal) if literal.ty().rank() <= 1 => match literal.ty().element {
            ElementType::I1 => {
                literal.to_vec::<bool>().map(|values| values.iter().map(|&b| b.into()).collect())
            }
            ElementType::I32 => {
                literal.to_vec::<i32>().map(|values| values.iter().map(|&i| i.into()).collect())
            }
            _ => literal.to_vec::<i64>().map(SmallVec::from_vec),
        },
        _ => None,
    }
}

/// An attribute that must be there is not.
pub(crate) fn missing(op: &str, name: &str) -> Error {
    Error::verify(format!("{op}: attribute {name} is missing"))
}

/// An attribute has the wrong form.
pub(crate) fn wrong(op: &str, name: &str, wanted: &str) -> Error {
    Error::verify(format!("{op}: attribute {name} must be {wanted}"))
}

// What the constraints of several families ask.

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

/// That two sizes agree, where a dynamic one agrees with any.
pub(crate) fn sizes_agree(a: i64, b: i64) -> bool {
    a == b || a == crate::DYNAMIC || b == crate::DYNAMIC
}

/// That two shapes agree, where dynamic sizes agree with any.
pub(crate) fn shapes_agree(a: &[i64], b: &[i64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| sizes_agree(a, b))
}

/// That a region takes and returns what it must: `args` and `results` are scalars of those element types.
pub(crate) fn check_scalar_region(
    label: &'static str,
    op: &str,
    cx: &super::Context<'_>,
    region: usize,
    args: &[ElementType],
    results: &[ElementType],
) -> Result<()> {
    let scalars = |types: &[ElementType]| -> String {
        types.iter().map(|&e| TensorType::scalar(e).to_string()).collect::<Vec<_>>().join(", ")
    };
    let is = |ty: &crate::Type, &element: &ElementType| {
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
    cx: &super::Context<'_>,
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
    cx: &super::Context<'a>,
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

/// That there are as many operands as the operation takes.
pub(crate) fn check_operand_count(op: &str, cx: &super::Context<'_>, wanted: usize) -> Result<()> {
    match cx.operands.len() {
        got if got == wanted => Ok(()),
        got => Err(Error::verify(format!("{op}: expected {wanted} operands, got {got}"))),
    }
}

/// That the only result has a shape.
pub(crate) fn check_result_shape(
    label: &'static str,
    op: &str,
    results: &[crate::Type],
    shape: &[i64],
) -> Result<()> {
    match results {
        [crate::Type::Tensor(ty)] if shapes_agree(&ty.shape, shape) => Ok(()),
        [crate::Type::Tensor(ty)] => {
            let wanted = TensorType::new(shape.iter().copied(), ty.element);
            Err(Error::constraint(label, format!("{op}: the result must be {wanted}, is declared {ty}")))
        }
        _ => Err(Error::verify(format!("{op}: expected one tensor as result, got {results:?}"))),
    }
}
