//! Rectangular parts: static slices, and dynamic slices read and written.

use super::rules::{all_tensors, inferred, named, plain, tensors};
use super::{Context, EvalContext, OpDef};
use crate::attribute::{Attribute, Attributes};
use crate::eval::Datum;
use crate::eval::index::{self, Elements, Indices};
use crate::{DYNAMIC, Error, Result, Shape, TensorType, Types};

/// `stablehlo.slice`.
#[derive(Clone, PartialEq, Debug)]
pub struct Slice {
    /// First index of each dimension.
    pub start_indices: Shape,
    /// One past the last index of each dimension.
    pub limit_indices: Shape,
    /// Step of each dimension.
    pub strides: Shape,
}

impl OpDef for Slice {
    named!("stablehlo.slice");

    fn attributes(&self) -> Attributes {
        Attributes(vec![
            ("limit_indices".into(), Attribute::ints(&self.limit_indices)),
            ("start_indices".into(), Attribute::ints(&self.start_indices)),
            ("strides".into(), Attribute::ints(&self.strides)),
        ])
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        Ok(Slice {
            start_indices: attributes.take_ints("slice", "start_indices")?,
            limit_indices: attributes.take_ints("slice", "limit_indices")?,
            strides: attributes.take_ints("slice", "strides")?,
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let [operand] = tensors("slice", cx)?;
        let (start, limit, strides) = (&self.start_indices, &self.limit_indices, &self.strides);
        if [start, limit, strides].iter().any(|v| v.len() != operand.rank()) {
            return Err(Error::constraint(
                "slice_c2",
                format!("slice: start {start:?}, limit {limit:?}, strides {strides:?} for {operand}"),
            ));
        }
        if strides.iter().any(|&s| s <= 0) {
            return Err(Error::constraint(
                "slice_c4",
                format!("slice: strides {strides:?} are not positive"),
            ));
        }
        let mut shape = Shape::new();
        for d in 0..operand.rank() {
            let size = operand.shape[d];
            if start[d] < 0 || start[d] > limit[d] || (size != DYNAMIC && limit[d] > size) {
                return Err(Error::constraint(
                    "slice_c3",
                    format!("slice: dimension {d} of {operand} has no part {}:{}", start[d], limit[d]),
                ));
            }
            let span = limit[d] - start[d];
            shape.push(span / strides[d] + i64::from(span % strides[d] != 0));
        }
        inferred(TensorType { shape, element: operand.element })
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let operand = cx.tensor("slice", 0)?;
        let strides = index::strides(&operand.ty().shape);
        let value = index::pick(cx.result("slice", 0)?, operand, |at| {
            (0..at.len()).map(|d| (self.start_indices[d] + at[d] * self.strides[d]) * strides[d]).sum::<i64>()
                as usize
        })?;
        Ok(vec![value.into()])
    }
}

/// `stablehlo.dynamic_slice(operand, start…)`: start indices are clamped so that the slice lies inside.
#[derive(Clone, PartialEq, Debug)]
pub struct DynamicSlice {
    /// The size of the slice.
    pub slice_sizes: Shape,
}

impl OpDef for DynamicSlice {
    named!("stablehlo.dynamic_slice");

    fn attributes(&self) -> Attributes {
        Attributes(vec![("slice_sizes".into(), Attribute::ints(&self.slice_sizes))])
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        Ok(DynamicSlice { slice_sizes: attributes.take_ints("dynamic_slice", "slice_sizes")? })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let inputs = all_tensors("dynamic_slice", cx)?;
        let Some((&operand, starts)) = inputs.split_first() else {
            return Err(Error::verify("dynamic_slice: there is no operand"));
        };
        if starts.len() != operand.rank() || self.slice_sizes.len() != operand.rank() {
            return Err(Error::constraint(
                "dynamic_slice_c2",
                format!(
                    "dynamic_slice: {} start indices and sizes {:?} for {operand}",
                    starts.len(),
                    self.slice_sizes
                ),
            ));
        }
        start_indices("dynamic_slice", "dynamic_slice_c3", starts)?;
        for (d, (&size, &of)) in self.slice_sizes.iter().zip(&operand.shape).enumerate() {
            if size < 0 || (of != DYNAMIC && size > of) {
                return Err(Error::constraint(
                    "dynamic_slice_c4",
                    format!("dynamic_slice: dimension {d} of {operand} has no part of size {size}"),
                ));
            }
        }
        inferred(TensorType { shape: self.slice_sizes.clone(), element: operand.element })
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let operand = cx.tensor("dynamic_slice", 0)?;
        let ty = TensorType { shape: self.slice_sizes.clone(), element: operand.ty().element };
        let start = clamped_start(cx, "dynamic_slice", 1, &operand.ty().shape, &ty.shape)?;
        let strides = index::strides(&operand.ty().shape);
        let base = index::offset(&start, &strides);
        Ok(vec![index::pick(&ty, operand, |at| base + index::offset(at, &strides))?.into()])
    }
}

/// `stablehlo.dynamic_update_slice(operand, update, start…)`: start indices are clamped.
#[derive(Clone, PartialEq, Debug)]
pub struct DynamicUpdateSlice;

impl OpDef for DynamicUpdateSlice {
    plain!("stablehlo.dynamic_update_slice");

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let inputs = all_tensors("dynamic_update_slice", cx)?;
        let [operand, update, starts @ ..] = &inputs[..] else {
            return Err(Error::verify("dynamic_update_slice: operand and update are missing"));
        };
        if update.element != operand.element {
            return Err(Error::constraint(
                "dynamic_update_slice_c2",
                format!("dynamic_update_slice: operand is {operand}, update is {update}"),
            ));
        }
        if update.rank() != operand.rank() {
            return Err(Error::constraint(
                "dynamic_update_slice_c3",
                format!("dynamic_update_slice: operand is {operand}, update is {update}"),
            ));
        }
        if starts.len() != operand.rank() {
            return Err(Error::constraint(
                "dynamic_update_slice_c4",
                format!("dynamic_update_slice: {} start indices for {operand}", starts.len()),
            ));
        }
        start_indices("dynamic_update_slice", "dynamic_update_slice_c5", starts)?;
        for (d, (&size, &of)) in update.shape.iter().zip(&operand.shape).enumerate() {
            if size != DYNAMIC && of != DYNAMIC && size > of {
                return Err(Error::constraint(
                    "dynamic_update_slice_c6",
                    format!(
                        "dynamic_update_slice: dimension {d} of the update {update} exceeds that of {operand}"
                    ),
                ));
            }
        }
        inferred((*operand).clone())
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let op = "dynamic_update_slice";
        let (operand, update) = (cx.tensor(op, 0)?, cx.tensor(op, 1)?);
        let start = clamped_start(cx, op, 2, &operand.ty().shape, &update.ty().shape)?;
        let strides = index::strides(&operand.ty().shape);
        let base = index::offset(&start, &strides);
        let mut out = Elements::of(operand);
        let mut indices = Indices::new(&update.ty().shape);
        let mut position = 0;
        while let Some(at) = indices.next() {
            out.set(base + index::offset(at, &strides), update.element(position));
            position += 1;
        }
        Ok(vec![out.finish().into()])
    }
}

/// Start indices are integer scalars of one type.
fn start_indices(op: &str, label: &'static str, starts: &[&TensorType]) -> Result<()> {
    for (i, start) in starts.iter().enumerate() {
        if start.rank() != 0 || !start.element.is_integer() {
            return Err(Error::verify(format!(
                "{op}: start index {i} must be an integer scalar, got {start}"
            )));
        }
        if *start != starts[0] {
            let message = format!("{op}: start index 0 is {}, start index {i} is {start}", starts[0]);
            return Err(Error::constraint(label, message));
        }
    }
    Ok(())
}

/// The start indices, which are the operands from `first` on, moved so that a slice of `sizes` lies within `shape`.
fn clamped_start(
    cx: &EvalContext<'_, '_>,
    op: &str,
    first: usize,
    shape: &[i64],
    sizes: &[i64],
) -> Result<Shape> {
    (0..shape.len())
        .map(|d| Ok(index::int_at(cx.tensor(op, first + d)?, 0)?.clamp(0, shape[d] - sizes[d])))
        .collect()
}
