//! Operations that move elements without looking at them.

use super::rules::{all_tensors, in_range, inferred, join, named, plain, result, tensors, unique};
use super::{Context, EvalContext, OpDef};
use crate::attribute::{Attribute, Attributes};
use crate::eval::Datum;
use crate::eval::index::{self, Elements, Indices};
use crate::types::fits;
use crate::{DYNAMIC, Error, Literal, Result, Shape, TensorType, Type, Types};

/// `stablehlo.broadcast_in_dim`: operand dimension `i` becomes result dimension `broadcast_dimensions[i]`.
#[derive(Clone, PartialEq, Debug)]
pub struct BroadcastInDim {
    /// The result dimension of each operand dimension.
    pub broadcast_dimensions: Shape,
}

impl OpDef for BroadcastInDim {
    named!("stablehlo.broadcast_in_dim");

    fn attributes(&self) -> Attributes {
        Attributes(vec![("broadcast_dimensions".into(), Attribute::ints(&self.broadcast_dimensions))])
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let broadcast_dimensions = attributes.take_ints("broadcast_in_dim", "broadcast_dimensions")?;
        Ok(BroadcastInDim { broadcast_dimensions })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let [operand] = tensors("broadcast_in_dim", cx)?;
        let dims = &self.broadcast_dimensions;
        if dims.len() != operand.rank() {
            return Err(Error::constraint(
                "broadcast_in_dim_c2",
                format!("broadcast_in_dim: {} dimensions given for {operand}", dims.len()),
            ));
        }
        if !unique(dims) {
            return Err(Error::constraint(
                "broadcast_in_dim_c4",
                format!("broadcast_in_dim: dimensions {dims:?} are not unique"),
            ));
        }
        Ok(None)
    }

    fn verify(&self, cx: &Context<'_>, results: &[Type]) -> Result<()> {
        let [operand] = tensors("broadcast_in_dim", cx)?;
        let result = result("broadcast_in_dim", results)?;
        broadcast("broadcast_in_dim", operand, &self.broadcast_dimensions, result)
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let operand = cx.tensor("broadcast_in_dim", 0)?;
        let value = broadcasted(operand, &self.broadcast_dimensions, cx.result("broadcast_in_dim", 0)?)?;
        Ok(vec![value.into()])
    }
}

/// The constraints of broadcasts between operand and result.
pub(super) fn broadcast(op: &str, operand: &TensorType, dims: &[i64], result: &TensorType) -> Result<()> {
    if operand.element != result.element {
        let message = format!("{op}: element types of {operand} and {result} differ");
        return Err(Error::constraint("broadcast_in_dim_c1", message));
    }
    if !in_range(dims, result.rank()) {
        let message = format!("{op}: dimensions {dims:?} are not all dimensions of {result}");
        return Err(Error::constraint("broadcast_in_dim_c3", message));
    }
    for (i, &d) in dims.iter().enumerate() {
        let (from, to) = (operand.shape[i], result.shape[d as usize]);
        if from != 1 && !fits(from, to) {
            let message = format!(
                "{op}: operand dimension {i} of size {from} cannot become result dimension {d} of size {to} ({operand} to \
                 {result})"
            );
            return Err(Error::constraint("broadcast_in_dim_c5", message));
        }
    }
    Ok(())
}

/// `stablehlo.reshape`: the same elements in row-major order.
#[derive(Clone, PartialEq, Debug)]
pub struct Reshape;

impl OpDef for Reshape {
    plain!("stablehlo.reshape");

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        tensors::<1>("reshape", cx)?;
        Ok(None)
    }

    fn verify(&self, cx: &Context<'_>, results: &[Type]) -> Result<()> {
        let [operand] = tensors("reshape", cx)?;
        let result = result("reshape", results)?;
        if operand.element != result.element {
            let message = format!("reshape: element types of {operand} and {result} differ");
            return Err(Error::constraint("reshape_c1", message));
        }
        if !result.is_static() {
            return Err(Error::verify(format!("reshape: the result {result} must be static")));
        }
        match (operand.num_elements(), result.num_elements()) {
            (Some(from), Some(to)) if from != to => Err(Error::constraint(
                "reshape_c2",
                format!("reshape: {operand} has {from} elements, {result} has {to}"),
            )),
            (_, None) => Err(Error::verify(format!("reshape: {result} is too large"))),
            _ => Ok(()),
        }
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        Ok(vec![cx.tensor("reshape", 0)?.reshape(cx.result("reshape", 0)?.clone())?.into()])
    }
}

/// `stablehlo.transpose`: result dimension `i` is operand dimension `permutation[i]`.
#[derive(Clone, PartialEq, Debug)]
pub struct Transpose {
    /// The operand dimension of each result dimension.
    pub permutation: Shape,
}

impl OpDef for Transpose {
    named!("stablehlo.transpose");

    fn attributes(&self) -> Attributes {
        Attributes(vec![("permutation".into(), Attribute::ints(&self.permutation))])
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        Ok(Transpose { permutation: attributes.take_ints("transpose", "permutation")? })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let [operand] = tensors("transpose", cx)?;
        let permutation = &self.permutation;
        if permutation.len() != operand.rank()
            || !in_range(permutation, operand.rank())
            || !unique(permutation)
        {
            return Err(Error::constraint(
                "transpose_c2",
                format!("transpose: {permutation:?} is not a permutation of the dimensions of {operand}"),
            ));
        }
        inferred(TensorType::new(permutation.iter().map(|&d| operand.shape[d as usize]), operand.element))
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let operand = cx.tensor("transpose", 0)?;
        let strides = index::strides(&operand.ty().shape);
        let value = index::pick(cx.result("transpose", 0)?, operand, |at| {
            at.iter().zip(&self.permutation).map(|(&i, &d)| i * strides[d as usize]).sum::<i64>() as usize
        })?;
        Ok(vec![value.into()])
    }
}

/// `stablehlo.concatenate`.
#[derive(Clone, PartialEq, Debug)]
pub struct Concatenate {
    /// The dimension along which operands follow each other.
    pub dimension: i64,
}

impl OpDef for Concatenate {
    named!("stablehlo.concatenate");

    fn attributes(&self) -> Attributes {
        Attributes(vec![("dimension".into(), Attribute::int(self.dimension))])
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        Ok(Concatenate { dimension: attributes.take_int("concatenate", "dimension")? })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let inputs = all_tensors("concatenate", cx)?;
        let Some((&first, rest)) = inputs.split_first() else {
            return Err(Error::constraint("concatenate_c3", "concatenate: there are no inputs"));
        };
        if self.dimension < 0 || self.dimension >= first.rank() as i64 {
            return Err(Error::constraint(
                "concatenate_c4",
                format!("concatenate: dimension {} is not one of {first}", self.dimension),
            ));
        }
        let d = self.dimension as usize;
        let mut shape = first.shape.clone();
        for (i, input) in rest.iter().enumerate() {
            if input.element != first.element {
                return Err(Error::constraint(
                    "concatenate_c1",
                    format!("concatenate: input 0 is {first}, input {} is {input}", i + 1),
                ));
            }
            let mut same = input.shape.clone();
            if same.len() == shape.len() {
                same[d] = shape[d];
            }
            let Some(mut joined) = join(&shape, &same) else {
                return Err(Error::constraint(
                    "concatenate_c2",
                    format!(
                        "concatenate: input 0 is {first}, input {} is {input}, which differ outside dimension {d}",
                        i + 1
                    ),
                ));
            };
            joined[d] = match (shape[d], input.shape[d]) {
                (DYNAMIC, _) | (_, DYNAMIC) => DYNAMIC,
                (a, b) => {
                    a.checked_add(b).ok_or_else(|| Error::verify("concatenate: the result is too large"))?
                }
            };
            shape = joined;
        }
        inferred(TensorType { shape, element: first.element })
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let ty = cx.result("concatenate", 0)?;
        let d = self.dimension as usize;
        let strides = index::strides(&ty.shape);
        let mut out = Elements::zeros(ty)?;
        let mut start = 0;
        for i in 0..cx.operands.len() {
            let part = cx.tensor("concatenate", i)?;
            let mut indices = Indices::new(&part.ty().shape);
            let mut position = 0;
            while let Some(at) = indices.next() {
                out.set(start + index::offset(at, &strides), part.element(position));
                position += 1;
            }
            start += (part.ty().shape[d] * strides[d]) as usize;
        }
        Ok(vec![out.finish().into()])
    }
}

/// `stablehlo.pad(operand, padding_value)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Pad {
    /// Padding before each dimension; negative removes.
    pub edge_padding_low: Shape,
    /// Padding after each dimension; negative removes.
    pub edge_padding_high: Shape,
    /// Padding between elements of each dimension.
    pub interior_padding: Shape,
}

impl OpDef for Pad {
    named!("stablehlo.pad");

    fn attributes(&self) -> Attributes {
        Attributes(vec![
            ("edge_padding_high".into(), Attribute::ints(&self.edge_padding_high)),
            ("edge_padding_low".into(), Attribute::ints(&self.edge_padding_low)),
            ("interior_padding".into(), Attribute::ints(&self.interior_padding)),
        ])
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        Ok(Pad {
            edge_padding_low: attributes.take_ints("pad", "edge_padding_low")?,
            edge_padding_high: attributes.take_ints("pad", "edge_padding_high")?,
            interior_padding: attributes.take_ints("pad", "interior_padding")?,
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let [operand, value] = tensors("pad", cx)?;
        if operand.element != value.element {
            return Err(Error::constraint(
                "pad_c1",
                format!("pad: operand is {operand}, padding value is {value}"),
            ));
        }
        if value.rank() != 0 {
            return Err(Error::verify(format!("pad: the padding value must be a scalar, got {value}")));
        }
        let (low, high, interior) = (&self.edge_padding_low, &self.edge_padding_high, &self.interior_padding);
        if [low, high, interior].iter().any(|p| p.len() != operand.rank()) {
            return Err(Error::constraint(
                "pad_c2",
                format!("pad: low {low:?}, high {high:?}, interior {interior:?} for {operand}"),
            ));
        }
        if interior.iter().any(|&p| p < 0) {
            return Err(Error::constraint("pad_c3", format!("pad: interior {interior:?} is negative")));
        }
        let shape = padded_shape(&operand.shape, low, high, interior).ok_or_else(|| {
            Error::constraint(
                "pad_c4",
                format!("pad: low {low:?}, high {high:?}, interior {interior:?} leave no shape of {operand}"),
            )
        })?;
        inferred(TensorType { shape, element: operand.element })
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let (operand, padding) = (cx.tensor("pad", 0)?, cx.tensor("pad", 1)?);
        let ty = cx.result("pad", 0)?;
        Ok(vec![padded(operand, padding, ty, &self.edge_padding_low, &self.interior_padding)?.into()])
    }
}

/// The shape after padding; `None` where a size is negative or overflows.
pub(super) fn padded_shape(shape: &[i64], low: &[i64], high: &[i64], interior: &[i64]) -> Option<Shape> {
    (0..shape.len())
        .map(|i| {
            if shape[i] == DYNAMIC {
                return Some(DYNAMIC);
            }
            let gaps = interior[i].checked_mul((shape[i] - 1).max(0))?;
            let size = shape[i].checked_add(gaps)?.checked_add(low[i])?.checked_add(high[i])?;
            (size >= 0).then_some(size)
        })
        .collect()
}

/// `stablehlo.reverse`.
#[derive(Clone, PartialEq, Debug)]
pub struct Reverse {
    /// The dimensions that are reversed.
    pub dimensions: Shape,
}

impl OpDef for Reverse {
    named!("stablehlo.reverse");

    fn attributes(&self) -> Attributes {
        Attributes(vec![("dimensions".into(), Attribute::ints(&self.dimensions))])
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        Ok(Reverse { dimensions: attributes.take_ints("reverse", "dimensions")? })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let [operand] = tensors("reverse", cx)?;
        if !unique(&self.dimensions) {
            return Err(Error::constraint(
                "reverse_c2",
                format!("reverse: dimensions {:?} are not unique", self.dimensions),
            ));
        }
        if !in_range(&self.dimensions, operand.rank()) {
            return Err(Error::constraint(
                "reverse_c3",
                format!("reverse: {:?} are not all dimensions of {operand}", self.dimensions),
            ));
        }
        inferred(operand.clone())
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let operand = cx.tensor("reverse", 0)?;
        let shape = &operand.ty().shape;
        let strides = index::strides(shape);
        let value = index::pick(operand.ty(), operand, |at| {
            let along = |d: usize| match self.dimensions.contains(&(d as i64)) {
                true => shape[d] - 1 - at[d],
                false => at[d],
            };
            (0..at.len()).map(|d| along(d) * strides[d]).sum::<i64>() as usize
        })?;
        Ok(vec![value.into()])
    }
}

/// The operand along the result's dimensions `dims`, repeated along the others and where it has size 1.
pub(super) fn broadcasted(operand: &Literal, dims: &[i64], ty: &TensorType) -> Result<Literal> {
    if let Some(element) = operand.as_splat() {
        return Literal::splat_bytes(ty.clone(), element);
    }
    let shape = &operand.ty().shape;
    let strides = index::strides(shape);
    index::pick(ty, operand, |at| {
        let along = |(i, &d): (usize, &i64)| if shape[i] == 1 { 0 } else { at[d as usize] * strides[i] };
        dims.iter().enumerate().map(along).sum::<i64>() as usize
    })
}

/// The operand's elements `interior + 1` apart, the first at `low`, among padding; what falls outside is dropped.
pub(super) fn padded(
    operand: &Literal,
    padding: &Literal,
    ty: &TensorType,
    low: &[i64],
    interior: &[i64],
) -> Result<Literal> {
    let mut out = Elements::of(&Literal::splat_bytes(ty.clone(), padding.element(0))?);
    let strides = index::strides(&ty.shape);
    let mut indices = Indices::new(&operand.ty().shape);
    let mut position = 0;
    while let Some(at) = indices.next() {
        let to: Shape = (0..at.len())
            .map(|d| at[d].saturating_mul(interior[d].saturating_add(1)).saturating_add(low[d]))
            .collect();
        if index::in_bounds(&to, &ty.shape) {
            out.set(index::offset(&to, &strides), operand.element(position));
        }
        position += 1;
    }
    Ok(out.finish())
}
