//! Operations whose shape is an operand.
//!
//! What a static operation demands of its attributes, these demand of operands: the verifier checks what the types tell, the
//! reference evaluation the rest.

use super::constant::counted;
use super::conv::{ConvDimensionNumbers, Convolution};
use super::dot::Precision;
use super::gather::GatherDimensionNumbers;
use super::rules::{in_range, inferred, named, plain, result, tensors, unique};
use super::shape::{broadcast, broadcasted, padded, padded_shape};
use super::{Context, EvalContext, OpDef};
use crate::attribute::{Attribute, Attributes};
use crate::eval::{Datum, index};
use crate::types::fits;
use crate::{DYNAMIC, ElementType, Error, Literal, Result, Shape, TensorType, Type, Types};

/// `stablehlo.get_dimension_size(operand)`: an `i32`.
#[derive(Clone, PartialEq, Debug)]
pub struct GetDimensionSize {
    /// Which dimension.
    pub dimension: i64,
}

impl OpDef for GetDimensionSize {
    named!("stablehlo.get_dimension_size");

    fn attributes(&self) -> Attributes {
        Attributes(vec![("dimension".into(), Attribute::int(self.dimension))])
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        Ok(GetDimensionSize { dimension: attributes.take_int("get_dimension_size", "dimension")? })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let [operand] = tensors("get_dimension_size", cx)?;
        if !in_range(&[self.dimension], operand.rank()) {
            return Err(Error::constraint(
                "get_dimension_size_c1",
                format!("get_dimension_size: dimension {} is not one of {operand}", self.dimension),
            ));
        }
        inferred(TensorType::scalar(ElementType::I32))
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let size = cx.tensor("get_dimension_size", 0)?.ty().shape[self.dimension as usize];
        let size = i32::try_from(size)
            .map_err(|_| Error::eval(format!("get_dimension_size: {size} does not fit in i32")))?;
        Ok(vec![Literal::scalar(size).into()])
    }
}

/// `stablehlo.set_dimension_size(operand, size)`.
#[derive(Clone, PartialEq, Debug)]
pub struct SetDimensionSize {
    /// Which dimension.
    pub dimension: i64,
}

impl OpDef for SetDimensionSize {
    named!("stablehlo.set_dimension_size");

    fn attributes(&self) -> Attributes {
        Attributes(vec![("dimension".into(), Attribute::int(self.dimension))])
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        Ok(SetDimensionSize { dimension: attributes.take_int("set_dimension_size", "dimension")? })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let [operand, size] = tensors("set_dimension_size", cx)?;
        if !in_range(&[self.dimension], operand.rank()) {
            return Err(Error::verify(format!(
                "set_dimension_size: dimension {} is not one of {operand}",
                self.dimension
            )));
        }
        if *size != TensorType::scalar(ElementType::I32) {
            return Err(Error::verify(format!(
                "set_dimension_size: the size must be tensor<i32>, got {size}"
            )));
        }
        let mut ty = operand.clone();
        ty.shape[self.dimension as usize] = DYNAMIC;
        inferred(ty)
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let operand = cx.tensor("set_dimension_size", 0)?;
        let size = index::int_at(cx.tensor("set_dimension_size", 1)?, 0)?;
        let ty = operand.ty();
        let d = self.dimension as usize;
        if !(0..=ty.shape[d]).contains(&size) {
            return Err(Error::eval(format!(
                "set_dimension_size: {ty} has no {size} entries of dimension {d}"
            )));
        }
        let mut part = ty.clone();
        part.shape[d] = size;
        let strides = index::strides(&ty.shape);
        Ok(vec![index::pick(&part, operand, |at| index::offset(at, &strides))?.into()])
    }
}

/// A shape given as an operand must be a vector of integers, as long as the result's rank.
fn shape_operand(op: &str, label: &'static str, shape: &TensorType, result: &TensorType) -> Result<()> {
    if shape.rank() != 1 || !shape.element.is_integer() {
        return Err(Error::verify(format!("{op}: a shape must be a vector of integers, got {shape}")));
    }
    if !fits(shape.shape[0], result.rank() as i64) {
        return Err(Error::constraint(label, format!("{op}: the shape is {shape}, the result {result}")));
    }
    Ok(())
}

/// The type of that element type whose shape an operand says.
fn type_of(op: &str, shape: &Literal, element: ElementType) -> Result<TensorType> {
    let ty = TensorType::new(index::ints(shape)?, element);
    match ty.shape.iter().any(|&d| d < 0) || ty.byte_size().is_none() {
        true => Err(Error::eval(format!("{op}: {:?} is not a shape", ty.shape))),
        false => Ok(ty),
    }
}

/// `stablehlo.dynamic_reshape(operand, output_shape)`.
#[derive(Clone, PartialEq, Debug)]
pub struct DynamicReshape;

impl OpDef for DynamicReshape {
    plain!("stablehlo.dynamic_reshape");

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        tensors::<2>("dynamic_reshape", cx)?;
        Ok(None)
    }

    fn verify(&self, cx: &Context<'_>, results: &[Type]) -> Result<()> {
        let [operand, shape] = tensors("dynamic_reshape", cx)?;
        let result = result("dynamic_reshape", results)?;
        if operand.element != result.element {
            let message = format!("dynamic_reshape: element types of {operand} and {result} differ");
            return Err(Error::constraint("dynamic_reshape_c1", message));
        }
        if let (Some(from), Some(to)) = (operand.num_elements(), result.num_elements())
            && from != to
        {
            let message = format!("dynamic_reshape: {operand} has {from} elements, {result} has {to}");
            return Err(Error::constraint("dynamic_reshape_c2", message));
        }
        shape_operand("dynamic_reshape", "dynamic_reshape_c4", shape, result)
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let operand = cx.tensor("dynamic_reshape", 0)?;
        let ty = type_of("dynamic_reshape", cx.tensor("dynamic_reshape", 1)?, operand.ty().element)?;
        Ok(vec![operand.reshape(ty).map_err(|e| Error::eval(e.message))?.into()])
    }
}

/// `stablehlo.dynamic_broadcast_in_dim(operand, output_dimensions)`.
#[derive(Clone, PartialEq, Debug)]
pub struct DynamicBroadcastInDim {
    /// The result dimension of each operand dimension.
    pub broadcast_dimensions: Shape,
    /// Operand dimensions known to expand.
    pub known_expanding_dimensions: Option<Shape>,
    /// Operand dimensions known not to expand.
    pub known_nonexpanding_dimensions: Option<Shape>,
}

impl OpDef for DynamicBroadcastInDim {
    named!("stablehlo.dynamic_broadcast_in_dim");

    fn attributes(&self) -> Attributes {
        let mut attributes = Attributes::new();
        attributes.set("broadcast_dimensions", Attribute::ints(&self.broadcast_dimensions));
        if let Some(dims) = &self.known_expanding_dimensions {
            attributes.set("known_expanding_dimensions", Attribute::ints(dims));
        }
        if let Some(dims) = &self.known_nonexpanding_dimensions {
            attributes.set("known_nonexpanding_dimensions", Attribute::ints(dims));
        }
        attributes
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let op = "dynamic_broadcast_in_dim";
        Ok(DynamicBroadcastInDim {
            broadcast_dimensions: attributes.take_ints(op, "broadcast_dimensions")?,
            known_expanding_dimensions: attributes.take_optional_ints(op, "known_expanding_dimensions")?,
            known_nonexpanding_dimensions: attributes
                .take_optional_ints(op, "known_nonexpanding_dimensions")?,
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let op = "dynamic_broadcast_in_dim";
        let [operand, _] = tensors(op, cx)?;
        let dims = &self.broadcast_dimensions;
        if dims.len() != operand.rank() {
            return Err(Error::constraint(
                "dynamic_broadcast_in_dim_c2",
                format!("{op}: {} dimensions given for {operand}", dims.len()),
            ));
        }
        if !unique(dims) {
            return Err(Error::constraint(
                "dynamic_broadcast_in_dim_c4",
                format!("{op}: dimensions {dims:?} are not unique"),
            ));
        }
        let expanding = self.known_expanding_dimensions.as_deref().unwrap_or_default();
        let nonexpanding = self.known_nonexpanding_dimensions.as_deref().unwrap_or_default();
        if !unique(&[expanding, nonexpanding].concat()) {
            return Err(Error::constraint(
                "dynamic_broadcast_in_dim_c8",
                format!("{op}: {expanding:?} are known to expand and {nonexpanding:?} not to"),
            ));
        }
        for (label, dims) in
            [("dynamic_broadcast_in_dim_c9", expanding), ("dynamic_broadcast_in_dim_c10", nonexpanding)]
        {
            if !in_range(dims, operand.rank()) {
                let message = format!("{op}: {dims:?} are not all dimensions of {operand}");
                return Err(Error::constraint(label, message));
            }
        }
        Ok(None)
    }

    fn verify(&self, cx: &Context<'_>, results: &[Type]) -> Result<()> {
        let op = "dynamic_broadcast_in_dim";
        let [operand, shape] = tensors(op, cx)?;
        let result = result(op, results)?;
        broadcast(op, operand, &self.broadcast_dimensions, result)?;
        shape_operand(op, "dynamic_broadcast_in_dim_c7", shape, result)
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let op = "dynamic_broadcast_in_dim";
        let operand = cx.tensor(op, 0)?;
        let ty = type_of(op, cx.tensor(op, 1)?, operand.ty().element)?;
        broadcast(op, operand.ty(), &self.broadcast_dimensions, &ty).map_err(|e| Error::eval(e.message))?;
        Ok(vec![broadcasted(operand, &self.broadcast_dimensions, &ty)?.into()])
    }
}

/// `stablehlo.dynamic_iota(output_shape)`.
#[derive(Clone, PartialEq, Debug)]
pub struct DynamicIota {
    /// The dimension whose index counts.
    pub iota_dimension: i64,
}

impl OpDef for DynamicIota {
    named!("stablehlo.dynamic_iota");

    fn attributes(&self) -> Attributes {
        Attributes(vec![("iota_dimension".into(), Attribute::int(self.iota_dimension))])
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        Ok(DynamicIota { iota_dimension: attributes.take_int("dynamic_iota", "iota_dimension")? })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        tensors::<1>("dynamic_iota", cx)?;
        Ok(None)
    }

    fn verify(&self, cx: &Context<'_>, results: &[Type]) -> Result<()> {
        let [shape] = tensors("dynamic_iota", cx)?;
        let result = result("dynamic_iota", results)?;
        if !in_range(&[self.iota_dimension], result.rank()) {
            return Err(Error::constraint(
                "dynamic_iota_c1",
                format!("dynamic_iota: dimension {} is not one of {result}", self.iota_dimension),
            ));
        }
        shape_operand("dynamic_iota", "dynamic_iota_c2", shape, result)
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let element = cx.result("dynamic_iota", 0)?.element;
        let ty = type_of("dynamic_iota", cx.tensor("dynamic_iota", 0)?, element)?;
        if !in_range(&[self.iota_dimension], ty.rank()) {
            return Err(Error::eval(format!("dynamic_iota: {ty} has no dimension {}", self.iota_dimension)));
        }
        Ok(vec![counted(&ty, self.iota_dimension as usize)?.into()])
    }
}

/// `stablehlo.dynamic_pad(operand, padding_value, low, high, interior)`.
#[derive(Clone, PartialEq, Debug)]
pub struct DynamicPad;

impl OpDef for DynamicPad {
    plain!("stablehlo.dynamic_pad");

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let [operand, value, low, high, interior] = tensors("dynamic_pad", cx)?;
        if operand.element != value.element || value.rank() != 0 {
            return Err(Error::constraint(
                "dynamic_pad_c1",
                format!("dynamic_pad: operand is {operand}, padding value is {value}"),
            ));
        }
        for list in [low, high, interior] {
            if list.rank() != 1 || !list.element.is_integer() || !fits(list.shape[0], operand.rank() as i64) {
                return Err(Error::constraint(
                    "dynamic_pad_c2",
                    format!("dynamic_pad: low {low}, high {high}, interior {interior} for {operand}"),
                ));
            }
        }
        inferred(TensorType::new(operand.shape.iter().map(|_| DYNAMIC), operand.element))
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let op = "dynamic_pad";
        let (operand, value) = (cx.tensor(op, 0)?, cx.tensor(op, 1)?);
        let [low, high, interior] = [2, 3, 4].map(|i| cx.tensor(op, i).and_then(index::ints));
        let (low, high, interior) = (low?, high?, interior?);
        let shape = &operand.ty().shape;
        let all = [&low, &high, &interior].iter().all(|list| list.len() == shape.len());
        let shape = match all && interior.iter().all(|&i| i >= 0) {
            true => padded_shape(shape, &low, &high, &interior),
            false => None,
        };
        let shape = shape.ok_or_else(|| {
            let ty = operand.ty();
            Error::eval(format!(
                "{op}: low {low:?}, high {high:?}, interior {interior:?} leave no shape of {ty}"
            ))
        })?;
        let ty = TensorType { shape, element: operand.ty().element };
        Ok(vec![padded(operand, value, &ty, &low, &interior)?.into()])
    }
}

/// `stablehlo.dynamic_gather(operand, start_indices, slice_sizes)`.
#[derive(Clone, PartialEq, Debug)]
pub struct DynamicGather {
    /// How.
    pub dimension_numbers: GatherDimensionNumbers,
    /// Whether the indices are promised to be sorted.
    pub indices_are_sorted: bool,
}

impl OpDef for DynamicGather {
    named!("stablehlo.dynamic_gather");

    fn attributes(&self) -> Attributes {
        Attributes(vec![
            ("dimension_numbers".into(), self.dimension_numbers.attribute()),
            ("indices_are_sorted".into(), Attribute::Bool(self.indices_are_sorted)),
        ])
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        Ok(DynamicGather {
            dimension_numbers: GatherDimensionNumbers::take("dynamic_gather", attributes)?,
            indices_are_sorted: attributes.take_bool("dynamic_gather", "indices_are_sorted", false)?,
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let [operand, indices, sizes] = tensors("dynamic_gather", cx)?;
        if sizes.rank() != 1 || !sizes.element.is_integer() || !fits(sizes.shape[0], operand.rank() as i64) {
            return Err(Error::constraint(
                "dynamic_gather_c11",
                format!("dynamic_gather: slice sizes are {sizes}, the operand is {operand}"),
            ));
        }
        let unknown: Shape = operand.shape.iter().map(|_| DYNAMIC).collect();
        inferred(self.dimension_numbers.result_type("dynamic_gather", operand, indices, &unknown)?)
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let op = "dynamic_gather";
        let (operand, indices) = (cx.tensor(op, 0)?, cx.tensor(op, 1)?);
        let sizes = index::ints(cx.tensor(op, 2)?)?;
        let value = self.dimension_numbers.evaluate(op, operand, indices, &sizes);
        Ok(vec![value.map_err(|e| Error::eval(e.message))?.into()])
    }
}

/// `stablehlo.dynamic_conv(lhs, rhs, padding)`.
#[derive(Clone, PartialEq, Debug)]
pub struct DynamicConv {
    /// What each dimension is.
    pub dimension_numbers: ConvDimensionNumbers,
    /// Step of the window; empty means ones.
    pub window_strides: Shape,
    /// Dilation of the input; empty means ones.
    pub lhs_dilation: Shape,
    /// Dilation of the kernel; empty means ones.
    pub rhs_dilation: Shape,
    /// Which spatial dimensions of the window are reversed; empty means none.
    pub window_reversal: Vec<bool>,
    /// Groups of features.
    pub feature_group_count: i64,
    /// Groups of batches.
    pub batch_group_count: i64,
    /// Precision of each side; empty means default.
    pub precision_config: Vec<Precision>,
}

impl DynamicConv {
    /// The same convolution with that padding.
    fn with_padding(&self, padding: Vec<(i64, i64)>) -> Convolution {
        Convolution {
            dimension_numbers: self.dimension_numbers.clone(),
            window_strides: self.window_strides.clone(),
            padding,
            lhs_dilation: self.lhs_dilation.clone(),
            rhs_dilation: self.rhs_dilation.clone(),
            window_reversal: self.window_reversal.clone(),
            feature_group_count: self.feature_group_count,
            batch_group_count: self.batch_group_count,
            precision_config: self.precision_config.clone(),
        }
    }
}

impl OpDef for DynamicConv {
    named!("stablehlo.dynamic_conv");

    fn attributes(&self) -> Attributes {
        self.with_padding(Vec::new()).attributes()
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        // The static operation's attribute of padding has no say here.
        attributes.take("padding");
        let conv = Convolution::from_attributes("stablehlo.convolution", attributes)?;
        Ok(DynamicConv {
            dimension_numbers: conv.dimension_numbers,
            window_strides: conv.window_strides,
            lhs_dilation: conv.lhs_dilation,
            rhs_dilation: conv.rhs_dilation,
            window_reversal: conv.window_reversal,
            feature_group_count: conv.feature_group_count,
            batch_group_count: conv.batch_group_count,
            precision_config: conv.precision_config,
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let [lhs, rhs, padding] = tensors("dynamic_conv", cx)?;
        // Padding changes spatial sizes only.
        self.with_padding(Vec::new()).result_shape(lhs, rhs)?;
        let spatial = lhs.rank() as i64 - 2;
        let fitting = padding.rank() == 2 && fits(padding.shape[0], spatial) && fits(padding.shape[1], 2);
        if !fitting || !padding.element.is_integer() {
            return Err(Error::constraint(
                "dynamic_conv_c4",
                format!("dynamic_conv: padding is {padding} for {spatial} spatial dimensions"),
            ));
        }
        Ok(None)
    }

    fn verify(&self, cx: &Context<'_>, results: &[Type]) -> Result<()> {
        let [lhs, rhs, _] = tensors("dynamic_conv", cx)?;
        let result = result("dynamic_conv", results)?;
        let d = &self.dimension_numbers;
        let shape = self.with_padding(Vec::new()).result_shape(lhs, rhs)?;
        let same = |at: i64| fits(shape[at as usize], result.shape[at as usize]);
        if result.rank() != shape.len()
            || !same(d.output_batch_dimension)
            || !same(d.output_feature_dimension)
        {
            return Err(Error::constraint(
                "dynamic_conv_c25",
                format!("dynamic_conv: the result is {result}, lhs is {lhs}, rhs is {rhs}"),
            ));
        }
        Ok(())
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let op = "dynamic_conv";
        let (lhs, rhs) = (cx.tensor(op, 0)?, cx.tensor(op, 1)?);
        let padding = index::ints(cx.tensor(op, 2)?)?.chunks_exact(2).map(|p| (p[0], p[1])).collect();
        let element = cx.result(op, 0)?.element;
        let value = self.with_padding(padding).evaluate(cx.evaluator, lhs, rhs, element);
        Ok(vec![value.map_err(|e| Error::eval(e.message))?.into()])
    }
}
