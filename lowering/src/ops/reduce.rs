//! Reductions along whole dimensions, and `map`.

use super::rules::{
    check_dims_twice, check_inits, check_reducer, check_same_shape, check_scalar_region, halves, named,
};
use super::{Context, EvalContext, OpDef};
use crate::attribute::{Attribute, Attributes};
use crate::eval::Datum;
use crate::eval::index::{self, Elements, Indices};
use crate::{ElementType, Error, Literal, Result, Shape, TensorType, Type, Types};

/// `stablehlo.reduce(inputs…, init_values…)` with a region.
#[derive(Clone, PartialEq, Debug)]
pub struct Reduce {
    /// The dimensions that disappear.
    pub dimensions: Shape,
}

/// `stablehlo.map(inputs…)`: a region applied to each element.
#[derive(Clone, PartialEq, Debug)]
pub struct Map {
    /// All dimensions in order.
    pub dimensions: Shape,
}

impl OpDef for Reduce {
    named!("stablehlo.reduce");

    fn attributes(&self) -> Attributes {
        let mut out = Attributes::new();
        out.set("dimensions", Attribute::ints(&self.dimensions));
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        Ok(Reduce { dimensions: attributes.take_ints("reduce", "dimensions")? })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let op = "reduce";
        let (inputs, inits) = halves("reduce_c3", op, cx)?;
        check_same_shape("reduce_c1", op, &inputs)?;
        check_inits("reduce_c2", op, &inputs, &inits)?;
        let rank = inputs[0].rank();
        check_dims_twice("reduce_c4", "reduce_c5", op, "dimensions", &self.dimensions, rank)?;
        let elements: Vec<ElementType> = inputs.iter().map(|ty| ty.element).collect();
        let accumulators = check_reducer("reduce_c6", op, cx, 0, &elements)?;
        let shape = self.kept(&inputs[0].shape);
        Ok(Some(
            accumulators
                .into_iter()
                .map(|e| TensorType { shape: shape.clone(), element: e }.into())
                .collect(),
        ))
    }

    /// Each result begins as its initial value and takes the elements in lexicographic order.
    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let op = "reduce";
        let n = cx.operands.len() / 2;
        let shape = self.kept(&cx.tensor(op, 0)?.ty().shape);
        let mut inputs = Vec::with_capacity(n);
        let mut results = Vec::with_capacity(n);
        for i in 0..n {
            let element = cx.result(op, i)?.element;
            inputs.push(cx.evaluator.convert(cx.tensor(op, i)?, element)?);
            let init = cx.evaluator.convert(cx.tensor(op, n + i)?, element)?;
            let ty = TensorType { shape: shape.clone(), element };
            results.push(Elements::of(&Literal::splat_bytes(ty, init.element(0))?));
        }
        let strides = index::strides(&shape);
        let mut all = Indices::new(&inputs[0].ty().shape);
        let mut position = 0;
        while let Some(index) = all.next() {
            let target = index::offset(&self.kept(index), &strides);
            let args: Vec<Literal> = results.iter().map(|r| r.scalar(target)).collect();
            let new = inputs.iter().map(|input| index::scalar_at(input, position));
            let values = cx.evaluator.run_tensors(&cx.regions[0], args.into_iter().chain(new))?;
            for (result, value) in results.iter_mut().zip(values) {
                result.set(target, value.element(0));
            }
            position += 1;
        }
        Ok(results.into_iter().map(|r| r.finish().into()).collect())
    }
}

impl Reduce {
    /// What belongs to the dimensions that stay, of something that there is one of for each dimension.
    fn kept(&self, all: &[i64]) -> Shape {
        let stays = |d: usize| !self.dimensions.contains(&(d as i64));
        all.iter().enumerate().filter(|&(d, _)| stays(d)).map(|(_, &x)| x).collect()
    }
}

impl OpDef for Map {
    named!("stablehlo.map");

    fn attributes(&self) -> Attributes {
        let mut out = Attributes::new();
        out.set("dimensions", Attribute::ints(&self.dimensions));
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        Ok(Map { dimensions: attributes.take_ints("map", "dimensions")? })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let op = "map";
        let inputs: Vec<&TensorType> =
            (0..cx.operands.len()).map(|i| cx.tensor(op, i)).collect::<Result<_>>()?;
        let Some(first) = inputs.first() else {
            return Err(Error::constraint("map_c2", "map: there must be at least one input".to_string()));
        };
        check_same_shape("map_c1", op, &inputs)?;
        if !self.dimensions.iter().copied().eq(0..first.rank() as i64) {
            return Err(Error::constraint(
                "map_c3",
                format!("{op}: dimensions {:?} must be all dimensions of {first} in order", self.dimensions),
            ));
        }
        let elements: Vec<ElementType> = inputs.iter().map(|ty| ty.element).collect();
        let result = cx
            .regions
            .first()
            .filter(|block| block.results.len() == 1)
            .and_then(|_| cx.region_results(0).next())
            .and_then(Type::as_tensor)
            .map(|ty| ty.element)
            .ok_or_else(|| {
                Error::constraint("map_c4", "map: its region must return one scalar tensor".to_string())
            })?;
        check_scalar_region("map_c4", op, cx, 0, &elements, &[result])?;
        Ok(Some(smallvec::smallvec![first.with_element(result).into()]))
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let op = "map";
        let inputs: Vec<&Literal> =
            (0..cx.operands.len()).map(|i| cx.tensor(op, i)).collect::<Result<_>>()?;
        let ty = inputs[0].ty().with_element(cx.result(op, 0)?.element);
        let mut out = Elements::zeros(&ty)?;
        for position in 0..inputs[0].len() {
            let args = inputs.iter().map(|input| index::scalar_at(input, position));
            let values = cx.evaluator.run_tensors(&cx.regions[0], args)?;
            out.set(position, values[0].element(0));
        }
        Ok(vec![out.finish().into()])
    }
}
