//! Primitives that move elements without computing: broadcast_in_dim, reshape, transpose.

use jacinth_lowering::ops::shape as hlo;
use smallvec::{SmallVec, smallvec};

use super::elementwise::python_shape;
use super::reduce_sum;
use crate::error::{Error, Result};
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, Scalar, Shape, ShardingRule, Tangents, Value, Values,
};
use crate::trace::bind1;

/// The operand stretched into an array of shape `shape`; its dimension `i` becomes dimension `dims[i]`.
///
/// # Panics
/// If a dimension of the operand is neither one nor the size of its place, or `dims` does not ascend.
#[track_caller]
pub fn broadcast_in_dim(operand: &Array, shape: &[usize], dims: &[usize]) -> Array {
    if operand.shape() == shape
        && dims.iter().enumerate().all(|(i, &d)| i == d)
        && operand.ndim() == dims.len()
    {
        return operand.clone();
    }
    let prim = BroadcastInDim { shape: shape.into(), broadcast_dimensions: dims.into() };
    bind1(Prim::new(prim), std::slice::from_ref(operand))
}

/// The operand with new leading dimensions of those sizes.
#[track_caller]
pub fn broadcast(operand: &Array, sizes: &[usize]) -> Array {
    let shape: Shape = sizes.iter().chain(operand.shape()).copied().collect();
    let dims: Shape = (sizes.len()..shape.len()).collect();
    broadcast_in_dim(operand, &shape, &dims)
}

/// The operand with new dimensions of size one, at these positions of the result.
#[track_caller]
pub fn expand_dims(operand: &Array, dims: &[usize]) -> Array {
    let rank = operand.ndim() + dims.len();
    let mut sizes = operand.shape().iter();
    let mut kept = Shape::new();
    let shape: Shape = (0..rank)
        .map(|i| {
            if dims.contains(&i) {
                return 1;
            }
            kept.push(i);
            *sizes.next().expect("as many places as dimensions")
        })
        .collect();
    broadcast_in_dim(operand, &shape, &kept)
}

/// An array of that shape and dtype, every element of which is `value`.
#[track_caller]
pub fn full(shape: &[usize], value: impl Into<Scalar>, dtype: DType) -> Array {
    broadcast_in_dim(&Array::scalar(value, dtype, false), shape, &[])
}

/// Zeros of that type.
#[track_caller]
pub fn zeros_like(aval: &Aval) -> Array {
    full(&aval.shape, false, aval.dtype)
}

/// See [`broadcast_in_dim`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct BroadcastInDim {
    /// The shape of the result.
    pub shape: Shape,
    /// The place of each of the operand's dimensions in the result.
    pub broadcast_dimensions: Shape,
}

impl Primitive for BroadcastInDim {
    fn name(&self) -> &'static str {
        "broadcast_in_dim"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        if !self.broadcast_dimensions.is_empty() {
            params.tuple("broadcast_dimensions", &self.broadcast_dimensions);
        }
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let (x, dims) = (args[0], &self.broadcast_dimensions);
        let error = |message: String| Err(Error::operands("broadcast_in_dim", message));
        if dims.len() != x.rank() {
            return error(format!(
                "broadcast_dimensions {dims:?} must name a place for each dimension of {x}"
            ));
        }
        if dims.windows(2).any(|w| w[0] >= w[1]) || dims.iter().any(|&d| d >= self.shape.len()) {
            return error(format!(
                "broadcast_dimensions {dims:?} must ascend and lie below {}",
                self.shape.len()
            ));
        }
        for (i, &d) in dims.iter().enumerate() {
            if x.shape[i] != 1 && x.shape[i] != self.shape[d] {
                let (from, to) = (python_shape(&x.shape), python_shape(&self.shape));
                return error(format!("shape {from} cannot be stretched to {to} along dimensions {dims:?}"));
            }
        }
        Ok(smallvec![x.with_shape(self.shape.iter().copied())])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        let mut rule = ShardingRule::elementwise(args, outs);
        rule.operands[0] = self
            .broadcast_dimensions
            .iter()
            .zip(&args[0].shape)
            .map(|(&d, &size)| (size != 1).then_some(d as u32))
            .collect();
        rule
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let dims = self.broadcast_dimensions.iter().map(|&d| d as i64).collect();
        Ok(smallvec![cx.op_as(hlo::BroadcastInDim { broadcast_dimensions: dims }, args, &outs[0])?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let apply = |x: &Array| bind1(Prim::new(self.clone()), std::slice::from_ref(x));
        (smallvec![apply(&primals[0])], smallvec![tangents[0].as_ref().map(apply)])
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let ct = cts[0].as_ref().map(|ct| {
            let aval = args[0].aval();
            let stretched: Shape = (0..self.shape.len())
                .filter(|i| match self.broadcast_dimensions.iter().position(|d| d == i) {
                    Some(from) => aval.shape[from] != self.shape[*i],
                    None => true,
                })
                .collect();
            let sum = if stretched.is_empty() { ct.clone() } else { reduce_sum(ct, &stretched) };
            reshape(&sum, &aval.shape)
        });
        Linear::Cotangents(smallvec![ct])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        let x = moveaxis(&args[0], dims[0].expect("the operand is mapped"), 0);
        let shape: Shape = std::iter::once(x.shape()[0]).chain(self.shape.iter().copied()).collect();
        let places: Shape =
            std::iter::once(0).chain(self.broadcast_dimensions.iter().map(|d| d + 1)).collect();
        (smallvec![broadcast_in_dim(&x, &shape, &places)], smallvec![Some(0)])
    }

    fn samples() -> Vec<Sample> {
        let sample = |from: &[usize], shape: &[usize], dims: &[usize]| {
            let prim = BroadcastInDim { shape: shape.into(), broadcast_dimensions: dims.into() };
            Sample::new(Prim::new(prim), [SampleArg::f32(from.iter().copied())])
        };
        vec![
            sample(&[], &[2, 3], &[]),
            sample(&[3], &[2, 3], &[1]),
            sample(&[2, 1], &[4, 2, 3], &[1, 2]),
            sample(&[0], &[2, 0], &[1]),
        ]
    }
}

/// The operand's elements, in row-major order, in an array of another shape of the same size.
///
/// # Panics
/// If the sizes differ.
#[track_caller]
pub fn reshape(operand: &Array, shape: &[usize]) -> Array {
    if operand.shape() == shape {
        return operand.clone();
    }
    bind1(Prim::new(Reshape { new_sizes: shape.into() }), std::slice::from_ref(operand))
}

/// See [`reshape`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Reshape {
    /// The shape of the result.
    pub new_sizes: Shape,
}

impl Primitive for Reshape {
    fn name(&self) -> &'static str {
        "reshape"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.none("dimensions");
        params.tuple("new_sizes", &self.new_sizes);
        params.none("sharding");
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let size: usize = self.new_sizes.iter().product();
        if size != args[0].size() {
            let (from, to) = (python_shape(&args[0].shape), python_shape(&self.new_sizes));
            let message = format!("total size of new array must be unchanged, got {to} for {from}");
            return Err(Error::operands("reshape", message));
        }
        Ok(smallvec![args[0].with_shape(self.new_sizes.iter().copied())])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::replicated(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        Ok(smallvec![cx.op_as(hlo::Reshape, args, &outs[0])?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let apply = |x: &Array| bind1(Prim::new(self.clone()), std::slice::from_ref(x));
        (smallvec![apply(&primals[0])], smallvec![tangents[0].as_ref().map(apply)])
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let shape = &args[0].aval().shape;
        Linear::Cotangents(smallvec![cts[0].as_ref().map(|ct| reshape(ct, shape))])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        let x = moveaxis(&args[0], dims[0].expect("the operand is mapped"), 0);
        let shape: Shape = std::iter::once(x.shape()[0]).chain(self.new_sizes.iter().copied()).collect();
        (smallvec![reshape(&x, &shape)], smallvec![Some(0)])
    }

    fn samples() -> Vec<Sample> {
        let sample = |from: &[usize], to: &[usize]| {
            Sample::new(Prim::new(Reshape { new_sizes: to.into() }), [SampleArg::f32(from.iter().copied())])
        };
        vec![sample(&[2, 3], &[6]), sample(&[6], &[3, 2]), sample(&[1], &[]), sample(&[0, 3], &[0])]
    }
}

/// The operand with its dimensions permuted: dimension `permutation[i]` becomes dimension `i`.
///
/// # Panics
/// If `permutation` is not one of the operand's dimensions.
#[track_caller]
pub fn transpose(operand: &Array, permutation: &[usize]) -> Array {
    if permutation.len() == operand.ndim() && permutation.iter().enumerate().all(|(i, &p)| i == p) {
        return operand.clone();
    }
    bind1(Prim::new(Transpose { permutation: permutation.into() }), std::slice::from_ref(operand))
}

/// The operand with dimension `from` moved to position `to`, the others in order.
#[track_caller]
pub fn moveaxis(operand: &Array, from: usize, to: usize) -> Array {
    let mut permutation: SmallVec<[usize; 4]> = (0..operand.ndim()).filter(|&i| i != from).collect();
    permutation.insert(to, from);
    transpose(operand, &permutation)
}

/// See [`transpose`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Transpose {
    /// Which of the operand's dimensions each dimension of the result is.
    pub permutation: Shape,
}

impl Primitive for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.tuple("permutation", &self.permutation);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let x = args[0];
        let mut seen = self.permutation.clone();
        seen.sort_unstable();
        if seen.len() != x.rank() || seen.iter().enumerate().any(|(i, &p)| i != p) {
            let permutation = python_shape(&self.permutation);
            return Err(Error::operands(
                "transpose",
                format!("{permutation} is no permutation of the dimensions of {x}"),
            ));
        }
        Ok(smallvec![x.with_shape(self.permutation.iter().map(|&p| x.shape[p]))])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        let mut rule = ShardingRule::elementwise(args, outs);
        rule.results[0] = self.permutation.iter().map(|&p| rule.operands[0][p]).collect();
        rule
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], _: &[Aval]) -> Result<Values> {
        let permutation = self.permutation.iter().map(|&d| d as i64).collect();
        Ok(smallvec![cx.op(hlo::Transpose { permutation }, args)?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let apply = |x: &Array| transpose(x, &self.permutation);
        (smallvec![apply(&primals[0])], smallvec![tangents[0].as_ref().map(apply)])
    }

    fn transpose(&self, cts: &[Option<Array>], _: &[Operand]) -> Linear {
        let mut inverse: Shape = smallvec![0; self.permutation.len()];
        self.permutation.iter().enumerate().for_each(|(i, &p)| inverse[p] = i);
        Linear::Cotangents(smallvec![cts[0].as_ref().map(|ct| transpose(ct, &inverse))])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        let dim = dims[0].expect("the operand is mapped");
        let others = self.permutation.iter().map(|&p| p + (p >= dim) as usize);
        let permutation: Shape = std::iter::once(dim).chain(others).collect();
        (smallvec![transpose(&args[0], &permutation)], smallvec![Some(0)])
    }

    fn samples() -> Vec<Sample> {
        let sample = |shape: &[usize], permutation: &[usize]| {
            let prim = Transpose { permutation: permutation.into() };
            Sample::new(Prim::new(prim), [SampleArg::f32(shape.iter().copied())])
        };
        vec![sample(&[2, 3], &[1, 0]), sample(&[2, 3, 4], &[2, 0, 1]), sample(&[0, 3], &[1, 0])]
    }
}
