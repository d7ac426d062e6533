//! Reductions: reduce_sum.

use jacinth_lowering::ops::{elementwise, reduce as hlo};
use smallvec::{SmallVec, smallvec};

use super::{Accepts, broadcast_in_dim};
use crate::error::{Error, Result};
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, Linear, LowerCx, Operand, Params, Prim, Primitive,
    Sample, SampleArg, Shape, ShardingRule, Tangents, Value, Values,
};
use crate::trace::bind1;

/// The sum over the dimensions `axes`; zero where they are empty.
///
/// # Panics
/// If an axis repeats or is not one of the operand's.
#[track_caller]
pub fn reduce_sum(operand: &Array, axes: &[usize]) -> Array {
    bind1(Prim::new(ReduceSum { axes: axes.into() }), std::slice::from_ref(operand))
}

/// See [`reduce_sum`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ReduceSum {
    /// The dimensions that vanish.
    pub axes: Shape,
}

impl Primitive for ReduceSum {
    fn name(&self) -> &'static str {
        "reduce_sum"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.tuple("axes", &self.axes);
        params.none("out_sharding");
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        Accepts::NUMERIC.check("reduce_sum", args[0].dtype)?;
        Ok(smallvec![args[0].with_shape(reduced_shape("reduce_sum", args[0], &self.axes)?)])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        let mut rule = ShardingRule::elementwise(args, outs);
        rule.results[0] = kept(args[0].rank(), &self.axes).iter().map(|&i| rule.operands[0][i]).collect();
        rule
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let scalar = Aval::scalar(outs[0].dtype, false);
        let zero = cx.constant(0.0, &scalar)?;
        let body = cx.block(&[scalar.clone(), scalar], |cx, args| {
            Ok(smallvec![cx.op(elementwise::Binary::Add, args)?])
        })?;
        let dimensions = self.axes.iter().map(|&d| d as i64).collect();
        let op = hlo::Reduce { dimensions };
        Ok(cx.builder.op_full(op.into(), &[args[0], zero], vec![body], None, Default::default())?)
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let apply = |x: &Array| reduce_sum(x, &self.axes);
        (smallvec![apply(&primals[0])], smallvec![tangents[0].as_ref().map(apply)])
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let aval = args[0].aval();
        let ct = cts[0].as_ref().map(|ct| broadcast_in_dim(ct, &aval.shape, &kept(aval.rank(), &self.axes)));
        Linear::Cotangents(smallvec![ct])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        let (axes, dim) = batched_axes(&self.axes, dims[0].expect("the operand is mapped"));
        (smallvec![reduce_sum(&args[0], &axes)], smallvec![Some(dim)])
    }

    fn samples() -> Vec<Sample> {
        let sample = |shape: &[usize], axes: &[usize]| {
            Sample::new(Prim::new(ReduceSum { axes: axes.into() }), [SampleArg::f32(shape.iter().copied())])
        };
        vec![
            sample(&[2, 3], &[0]),
            sample(&[2, 3, 4], &[0, 2]),
            sample(&[2, 3], &[0, 1]),
            sample(&[0, 3], &[0]),
        ]
    }
}

/// The dimensions that remain.
pub(crate) fn kept(rank: usize, axes: &[usize]) -> Shape {
    (0..rank).filter(|i| !axes.contains(i)).collect()
}

/// The shape that remains, or a sentence about the axes.
pub(crate) fn reduced_shape(operation: &'static str, x: &Aval, axes: &[usize]) -> Result<Shape> {
    let mut seen: SmallVec<[usize; 4]> = axes.into();
    seen.sort_unstable();
    seen.dedup();
    if seen.len() != axes.len() || seen.last().is_some_and(|&a| a >= x.rank()) {
        return Err(Error::operands(operation, format!("axes {axes:?} must be distinct dimensions of {x}")));
    }
    Ok(kept(x.rank(), axes).iter().map(|&i| x.shape[i]).collect())
}

/// The axes of a reduction of an operand mapped over `dim`, and where the mapped dimension goes.
pub(crate) fn batched_axes(axes: &[usize], dim: usize) -> (Shape, usize) {
    let axes: Shape = axes.iter().map(|&a| a + (a >= dim) as usize).collect();
    let before = axes.iter().filter(|&&a| a < dim).count();
    (axes, dim - before)
}
