//! Order.

use super::rules::{arity, check_same_shape, check_scalar_region, named};
use super::{Context, EvalContext, OpDef};
use crate::attribute::{Attribute, Attributes};
use crate::eval::Datum;
use crate::eval::index::{self, Elements, Indices};
use crate::{DYNAMIC, ElementType, Error, Literal, Result, TensorType, Types};

/// `stablehlo.sort(inputs…)` with a region that compares.
#[derive(Clone, PartialEq, Debug)]
pub struct Sort {
    /// The dimension that is sorted.
    pub dimension: i64,
    /// Whether equal elements keep their order.
    pub is_stable: bool,
}

/// `chlo.top_k(operand)`: the `k` largest along the last dimension, and their `i32` indices.
#[derive(Clone, PartialEq, Debug)]
pub struct TopK {
    /// How many.
    pub k: i64,
}

impl OpDef for Sort {
    named!("stablehlo.sort");

    fn attributes(&self) -> Attributes {
        let mut out = Attributes::new();
        out.set("dimension", Attribute::int(self.dimension));
        out.set("is_stable", Attribute::Bool(self.is_stable));
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        Ok(Sort {
            dimension: attributes.take_optional_int("sort", "dimension")?.unwrap_or(-1),
            is_stable: attributes.take_bool("sort", "is_stable", false)?,
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let op = "sort";
        let inputs: Vec<&TensorType> =
            (0..cx.operands.len()).map(|i| cx.tensor(op, i)).collect::<Result<_>>()?;
        let Some(first) = inputs.first() else {
            return Err(Error::constraint("sort_c1", "sort: there must be at least one input".to_string()));
        };
        check_same_shape("sort_c3", op, &inputs)?;
        let rank = first.rank() as i64;
        let span = rank.max(1);
        if !(-span..span).contains(&self.dimension) {
            let d = self.dimension;
            return Err(Error::constraint(
                "sort_c4",
                format!("{op}: dimension {d} must lie in -{rank}..{rank} for {first}"),
            ));
        }
        let args: Vec<ElementType> = inputs.iter().flat_map(|ty| [ty.element, ty.element]).collect();
        check_scalar_region("sort_c5", op, cx, 0, &args, &[ElementType::I1])?;
        Ok(Some(inputs.into_iter().map(|ty| ty.clone().into()).collect()))
    }

    /// Always stable, whatever is asked for.
    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let op = "sort";
        let inputs: Vec<&Literal> =
            (0..cx.operands.len()).map(|i| cx.tensor(op, i)).collect::<Result<_>>()?;
        let shape = &inputs[0].ty().shape;
        let rank = shape.len() as i64;
        if rank == 0 {
            return Ok(cx.operands.to_vec());
        }
        let dimension = if self.dimension < 0 { self.dimension + rank } else { self.dimension } as usize;
        let strides = index::strides(shape);
        let (length, step) = (shape[dimension] as usize, strides[dimension] as usize);
        let mut outer = shape.clone();
        outer[dimension] = outer[dimension].min(1);
        let mut out: Vec<Elements> = inputs.iter().map(|input| Elements::of(input)).collect();
        let mut slices = Indices::new(&outer);
        while let Some(index) = slices.next() {
            let base = index::offset(index, &strides);
            let positions: Vec<usize> = (0..length).map(|i| base + i * step).collect();
            let sorted = merge_sort(&positions, &mut |&a, &b| {
                let args = inputs.iter().flat_map(|x| [index::scalar_at(x, a), index::scalar_at(x, b)]);
                let less = cx.evaluator.run_tensors(&cx.regions[0], args)?;
                Ok(less[0].element(0)[0] != 0)
            })?;
            for (&to, &from) in positions.iter().zip(&sorted) {
                for (out, input) in out.iter_mut().zip(&inputs) {
                    out.set(to, input.element(from));
                }
            }
        }
        Ok(out.into_iter().map(|out| out.finish().into()).collect())
    }
}

/// Sorts by a comparison that may fail and need not be an order: it ends whatever the comparison says. Equal items keep their order.
pub(crate) fn merge_sort<T: Clone>(
    items: &[T],
    less: &mut impl FnMut(&T, &T) -> Result<bool>,
) -> Result<Vec<T>> {
    if items.len() < 2 {
        return Ok(items.to_vec());
    }
    let (left, right) = items.split_at(items.len() / 2);
    let (left, right) = (merge_sort(left, less)?, merge_sort(right, less)?);
    let mut merged = Vec::with_capacity(items.len());
    let (mut i, mut j) = (0, 0);
    while i < left.len() && j < right.len() {
        if less(&right[j], &left[i])? {
            merged.push(right[j].clone());
            j += 1;
        } else {
            merged.push(left[i].clone());
            i += 1;
        }
    }
    merged.extend_from_slice(&left[i..]);
    merged.extend_from_slice(&right[j..]);
    Ok(merged)
}

impl OpDef for TopK {
    named!("chlo.top_k");

    fn attributes(&self) -> Attributes {
        let mut out = Attributes::new();
        out.set("k", Attribute::int(self.k));
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        Ok(TopK { k: attributes.take_int("top_k", "k")? })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        arity("top_k", cx, 1, 0)?;
        let operand = cx.tensor("top_k", 0)?;
        let k = self.k;
        match operand.shape.last() {
            None => Err(Error::verify(format!("top_k: the operand must have a dimension, got {operand}"))),
            Some(&last) if k < 0 || (last != DYNAMIC && k > last) => {
                Err(Error::verify(format!("top_k: k = {k} must lie in 0..={last} for {operand}")))
            }
            Some(_) if operand.element.is_complex() => {
                Err(Error::verify(format!("top_k: the operand must have an order, got {operand}")))
            }
            Some(_) => {
                let mut values = operand.clone();
                *values.shape.last_mut().expect("matched above") = k;
                let indices = values.with_element(ElementType::I32);
                Ok(Some(smallvec::smallvec![values.into(), indices.into()]))
            }
        }
    }

    /// Values in descending order, of equal ones the first; NaN is larger than all.
    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let operand = cx.tensor("top_k", 0)?;
        let ty = operand.ty();
        let last = *ty.shape.last().expect("checked by infer") as usize;
        let keys = order_keys(operand)?;
        let mut out = ty.clone();
        *out.shape.last_mut().expect("checked by infer") = self.k;
        let mut values = Elements::zeros(&out)?;
        let mut indices = Vec::new();
        let rows = operand.len().checked_div(last).unwrap_or(0);
        for row in 0..rows {
            let mut positions: Vec<usize> = (row * last..(row + 1) * last).collect();
            positions.sort_by(|&a, &b| keys[b].cmp(&keys[a]));
            for &position in &positions[..self.k as usize] {
                values.set(indices.len(), operand.element(position));
                indices.push((position - row * last) as i32);
            }
        }
        let indices = Literal::new(out.shape.iter().copied(), &indices)?;
        Ok(vec![values.finish().into(), indices.into()])
    }
}

/// A key for each element of a literal of numbers: keys compare as the numbers do in the total order of IEEE 754.
fn order_keys(literal: &Literal) -> Result<Vec<i64>> {
    let ty = literal.ty();
    let bits = ty.element.bits() as u32;
    // ui64 is the one type whose values do not fit: its top bit is turned instead.
    let unsigned = TensorType { shape: ty.shape.clone(), element: ElementType::I64 };
    if ty.element == ElementType::UI64 {
        let wide = literal.to_vec::<u64>().expect("its type");
        return Ok(wide.into_iter().map(|x| (x ^ (1 << 63)) as i64).collect());
    }
    if !ty.element.is_float() {
        return index::ints(literal);
    }
    let same_bits = match ty.element.byte_width() {
        1 => ElementType::I8,
        2 => ElementType::I16,
        4 => ElementType::I32,
        _ => unsigned.element,
    };
    let raw = index::ints(&Literal::from_bytes(ty.with_element(same_bits), literal.to_bytes())?)?;
    let sign = 1i64 << (bits - 1);
    let magnitude = sign.wrapping_sub(1);
    Ok(raw.into_iter().map(|x| if x & sign != 0 { !(x & magnitude) } else { x & magnitude }).collect())
}
