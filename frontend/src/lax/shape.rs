//! Arrays seen under another shape: broadcast_in_dim, reshape, transpose, squeeze, rev, iota.
//!
//! All are linear, so one jvp serves them all. `expand_dims` is broadcast_in_dim, as in JAX.

use crate::error::Result;
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, Scalar, ShardingRule, Tangents, Value, Values,
};
use jacinth_lowering::ops::{constant, shape as ops};
use smallvec::smallvec;

use super::reduce::reduce_sum;
use super::rules::{
    batched, bind1, bump, distinct, ensure, linear_jvp, refuse, remaining, show, sizes, zero_jvp,
};

/// Broadcasts to `shape`: operand dimension `i` becomes result dimension `broadcast_dimensions[i]`, repeated where its
/// size is 1; the other dimensions are new.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let column = lax::broadcast_in_dim(&Array::from([1, 2]), &[2, 3], &[0]);
/// assert_eq!(column.to_string(), "[[1 1 1]\n [2 2 2]]");
/// ```
///
/// # Panics
/// If there is not one dimension for each of the operand's, they repeat or are out of bounds, or sizes do not fit.
#[track_caller]
pub fn broadcast_in_dim(operand: &Array, shape: &[usize], broadcast_dimensions: &[usize]) -> Array {
    if operand.shape() == shape
        && broadcast_dimensions.len() == shape.len()
        && broadcast_dimensions.iter().enumerate().all(|(i, &d)| i == d)
    {
        return operand.clone();
    }
    let prim = BroadcastInDim { shape: shape.to_vec(), broadcast_dimensions: broadcast_dimensions.to_vec() };
    bind1(Prim::new(prim), std::slice::from_ref(operand))
}

/// Puts new dimensions of the given sizes before the operand's.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// assert_eq!(lax::broadcast(&Array::from([1, 2]), &[2]).to_string(), "[[1 2]\n [1 2]]");
/// ```
#[track_caller]
pub fn broadcast(operand: &Array, sizes: &[usize]) -> Array {
    if sizes.is_empty() {
        return operand.clone();
    }
    let shape: Vec<usize> = sizes.iter().chain(operand.shape()).copied().collect();
    broadcast_in_dim(operand, &shape, &(sizes.len()..shape.len()).collect::<Vec<_>>())
}

/// Inserts dimensions of size 1 so that they stand at `dimensions` of the result.
///
/// ```
/// # use jacinth_frontend::{lax, numpy as jnp};
/// assert_eq!(lax::expand_dims(&jnp::zeros([2, 3]), &[0, 2]).shape(), [1, 2, 1, 3]);
/// ```
///
/// # Panics
/// If dimensions repeat or are not below the rank of the result.
#[track_caller]
pub fn expand_dims(operand: &Array, dimensions: &[usize]) -> Array {
    if dimensions.is_empty() {
        return operand.clone();
    }
    let rank = operand.ndim() + dimensions.len();
    if !distinct(dimensions) || dimensions.iter().any(|&d| d >= rank) {
        refuse!("expand_dims" => "dimensions {} must be distinct and below the result's rank {rank}",
            show(dimensions)
        );
    }
    let kept = remaining(rank, dimensions);
    let mut shape = vec![1; rank];
    for (&d, &size) in kept.iter().zip(operand.shape()) {
        shape[d] = size;
    }
    broadcast_in_dim(operand, &shape, &kept)
}

/// An array all of whose elements are that number.
///
/// ```
/// # use jacinth_frontend::{DType, lax};
/// assert_eq!(lax::full(&[2, 2], 7, DType::I32).to_string(), "[[7 7]\n [7 7]]");
/// ```
#[track_caller]
pub fn full(shape: &[usize], value: impl Into<Scalar>, dtype: DType) -> Array {
    broadcast_in_dim(&Array::scalar(value, dtype, false), shape, &[])
}

/// An array of the shape and dtype of another, all of whose elements are that number.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([1.5f32, 2.5]);
/// assert_eq!(lax::full_like(&x, 9).to_vec::<f32>(), [9.0, 9.0]);
/// ```
#[track_caller]
pub fn full_like(x: &Array, value: impl Into<Scalar>) -> Array {
    let aval = x.aval();
    broadcast_in_dim(&Array::scalar(value, aval.dtype, aval.weak_type), &aval.shape, &[])
}

/// Zeros of that type; of an array `x`, `zeros_like(x.aval())`.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([[1, 2], [3, 4]]);
/// assert_eq!(lax::zeros_like(x.aval()).to_string(), "[[0 0]\n [0 0]]");
/// ```
#[track_caller]
pub fn zeros_like(aval: &Aval) -> Array {
    full(&aval.shape, 0, aval.dtype)
}

/// The operand with dimension `from` moved to `to`.
///
/// ```
/// # use jacinth_frontend::{lax, numpy as jnp};
/// assert_eq!(lax::moveaxis(&jnp::zeros([2, 3, 4]), 0, 2).shape(), [3, 4, 2]);
/// ```
///
/// # Panics
/// If one is no dimension of the operand.
#[track_caller]
pub fn moveaxis(operand: &Array, from: usize, to: usize) -> Array {
    if from == to {
        return operand.clone();
    }
    if from.max(to) >= operand.ndim() {
        refuse!("moveaxis" => "dimensions {from} and {to} must be those of an array of shape {}", show(operand.shape()));
    }
    let mut permutation: Vec<usize> = (0..operand.ndim()).filter(|&d| d != from).collect();
    permutation.insert(to, from);
    transpose(operand, &permutation)
}

/// The same elements in row-major order under another shape of the same size.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = lax::reshape(&Array::from([1, 2, 3, 4, 5, 6]), &[2, 3]);
/// assert_eq!(x.to_string(), "[[1 2 3]\n [4 5 6]]");
/// ```
///
/// # Panics
/// If the sizes differ.
#[track_caller]
pub fn reshape(operand: &Array, new_sizes: &[usize]) -> Array {
    if operand.ndim() > 0 && operand.shape() == new_sizes {
        return operand.clone();
    }
    bind1(Prim::new(Reshape { new_sizes: new_sizes.to_vec() }), std::slice::from_ref(operand))
}

/// Dimension `i` of the result is dimension `permutation[i]` of the operand.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([[1, 2, 3], [4, 5, 6]]);
/// assert_eq!(lax::transpose(&x, &[1, 0]).to_string(), "[[1 4]\n [2 5]\n [3 6]]");
/// ```
///
/// # Panics
/// If `permutation` is none of the operand's dimensions.
#[track_caller]
pub fn transpose(operand: &Array, permutation: &[usize]) -> Array {
    if permutation.len() == operand.ndim() && permutation.iter().enumerate().all(|(i, &p)| i == p) {
        return operand.clone();
    }
    bind1(Prim::new(Transpose { permutation: permutation.to_vec() }), std::slice::from_ref(operand))
}

/// Removes dimensions of size 1.
///
/// ```
/// # use jacinth_frontend::{lax, numpy as jnp};
/// assert_eq!(lax::squeeze(&jnp::zeros([1, 3, 1]), &[0]).shape(), [3, 1]);
/// ```
///
/// # Panics
/// If dimensions repeat, are out of bounds, or have another size.
#[track_caller]
pub fn squeeze(operand: &Array, dimensions: &[usize]) -> Array {
    if dimensions.is_empty() {
        return operand.clone();
    }
    let mut dimensions = dimensions.to_vec();
    dimensions.sort_unstable();
    bind1(Prim::new(Squeeze { dimensions }), std::slice::from_ref(operand))
}

/// Reverses the order of elements along dimensions.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([[1, 2], [3, 4]]);
/// assert_eq!(lax::rev(&x, &[0, 1]).to_string(), "[[4 3]\n [2 1]]");
/// ```
///
/// # Panics
/// If dimensions repeat or are out of bounds.
#[track_caller]
pub fn rev(operand: &Array, dimensions: &[usize]) -> Array {
    bind1(Prim::new(Rev { dimensions: dimensions.to_vec() }), std::slice::from_ref(operand))
}

/// `0, 1, 2, …` as `dtype[size]`.
///
/// ```
/// # use jacinth_frontend::{DType, lax};
/// assert_eq!(lax::iota(DType::F32, 3).to_vec::<f32>(), [0.0, 1.0, 2.0]);
/// ```
///
/// # Panics
/// If the dtype is boolean.
#[track_caller]
pub fn iota(dtype: DType, size: usize) -> Array {
    broadcasted_iota(dtype, &[size], 0)
}

/// An array of that shape in which every element is its index along `dimension`.
///
/// ```
/// # use jacinth_frontend::{DType, lax};
/// let columns = lax::broadcasted_iota(DType::I32, &[2, 3], 1);
/// assert_eq!(columns.to_string(), "[[0 1 2]\n [0 1 2]]");
/// ```
///
/// # Panics
/// If the dtype is boolean, or the shape has no such dimension.
#[track_caller]
pub fn broadcasted_iota(dtype: DType, shape: &[usize], dimension: usize) -> Array {
    bind1(Prim::new(Iota { dtype, shape: shape.to_vec(), dimension }), &[])
}

/// `broadcast_in_dim`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BroadcastInDim {
    /// The shape of the result.
    pub shape: Vec<usize>,
    /// The dimension of the result that each of the operand's becomes.
    pub broadcast_dimensions: Vec<usize>,
}

impl Primitive for BroadcastInDim {
    fn name(&self) -> &'static str {
        "broadcast_in_dim"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        // The shape is the result's; the dimensions go without saying where there are none.
        if !self.broadcast_dimensions.is_empty() {
            params.tuple("broadcast_dimensions", &self.broadcast_dimensions);
        }
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let (operand, shape, dims) = (args[0], &self.shape, &self.broadcast_dimensions);
        ensure!(
            dims.len() == operand.rank(),
            "broadcast_in_dim" => "broadcast_dimensions {} must have one entry for each of the operand's {} dimensions",
            show(dims),
            operand.rank()
        );
        ensure!(
            dims.iter().all(|&d| d < shape.len()) && distinct(dims),
            "broadcast_in_dim" => "broadcast_dimensions {} must be distinct dimensions of the target shape {}",
            show(dims),
            show(shape)
        );
        ensure!(
            operand.shape.iter().zip(dims).all(|(&n, &d)| n == 1 || n == shape[d]),
            "broadcast_in_dim" => "operand dimension sizes must be 1 or equal to those of the target shape; got operand of \
             shape {}, target shape {}, broadcast_dimensions {}",
            show(&operand.shape),
            show(shape),
            show(dims)
        );
        Ok(smallvec![operand.with_shape(shape.iter().copied())])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        let out = &outs[0];
        let operand = args[0].shape.iter().zip(&self.broadcast_dimensions);
        ShardingRule {
            operands: vec![
                operand.map(|(&n, &d)| (n == out.shape[d] && n != 1).then_some(d as u32)).collect(),
            ],
            results: vec![(0..out.rank()).map(|d| (out.shape[d] != 1).then_some(d as u32)).collect()],
        }
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let op = ops::BroadcastInDim { broadcast_dimensions: sizes(&self.broadcast_dimensions) };
        Ok(smallvec![cx.op_as(op, args, &outs[0])?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        linear_jvp(Prim::new(self.clone()), primals, tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let operand = args[0].aval();
        let units: Vec<usize> = (0..operand.rank()).filter(|&i| operand.shape[i] == 1).collect();
        let kept: Vec<usize> = (0..operand.rank()).filter(|i| !units.contains(i)).collect();
        let kept: Vec<usize> = kept.into_iter().map(|i| self.broadcast_dimensions[i]).collect();
        let axes = remaining(self.shape.len(), &kept);
        // The summed array keeps the order of the result's dimensions; the operand's may be another.
        let unsum = |ct: &Array| {
            let summed = if axes.is_empty() { ct.clone() } else { reduce_sum(ct, &axes) };
            let mut order: Vec<usize> = (0..kept.len()).collect();
            order.sort_by_key(|&i| kept[i]);
            let mut inverse = vec![0; kept.len()];
            for (position, &i) in order.iter().enumerate() {
                inverse[i] = position;
            }
            expand_dims(&transpose(&summed, &inverse), &units)
        };
        Linear::Cotangents(smallvec![cts[0].as_ref().map(unsum)])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let mapped = dims[0].expect("the one operand is mapped");
        let operand = moveaxis(&args[0], mapped, 0);
        let shape: Vec<usize> = std::iter::once(axis.size).chain(self.shape.iter().copied()).collect();
        let dims: Vec<usize> =
            std::iter::once(0).chain(self.broadcast_dimensions.iter().map(|d| d + 1)).collect();
        batched(broadcast_in_dim(&operand, &shape, &dims), 0)
    }

    fn samples() -> Vec<Sample> {
        let sample = |operand: &[usize], shape: &[usize], dims: &[usize]| {
            let prim = BroadcastInDim { shape: shape.to_vec(), broadcast_dimensions: dims.to_vec() };
            Sample::new(Prim::new(prim), [SampleArg::f32(operand.iter().copied())])
        };
        vec![
            sample(&[], &[2, 3], &[]),
            sample(&[3], &[2, 3], &[1]),
            sample(&[2, 1], &[2, 3], &[0, 1]),
            sample(&[3, 2], &[2, 4, 3], &[2, 0]),
            sample(&[1, 3], &[2, 1, 3], &[1, 2]),
            sample(&[0], &[2, 0], &[1]),
        ]
    }
}

/// `reshape`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reshape {
    /// The shape of the result.
    pub new_sizes: Vec<usize>,
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
        let operand = args[0];
        ensure!(
            operand.size() == self.new_sizes.iter().product::<usize>(),
            "reshape" => "the total size must not change: operand shape {} has {} elements, new shape {} has {}",
            show(&operand.shape),
            operand.size(),
            show(&self.new_sizes),
            self.new_sizes.iter().product::<usize>()
        );
        Ok(smallvec![operand.with_shape(self.new_sizes.iter().copied())])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        // Dimensions that stay as they are, from the front and from the back.
        let (a, b) = (&args[0].shape, &outs[0].shape);
        let front = a.iter().zip(b.iter()).take_while(|(x, y)| x == y).count();
        let back = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
        let back = back.min(a.len() - front).min(b.len() - front);
        let factors = |shape: &[usize]| -> Vec<Option<u32>> {
            let rank = shape.len();
            let factor = |d: usize| match d {
                d if d < front => Some(d as u32),
                d if d >= rank - back => Some((front + rank - 1 - d) as u32),
                _ => None,
            };
            (0..rank).map(|d| factor(d).filter(|_| shape[d] != 1)).collect()
        };
        ShardingRule { operands: vec![factors(a)], results: vec![factors(b)] }
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        Ok(smallvec![cx.op_as(ops::Reshape, args, &outs[0])?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        linear_jvp(Prim::new(self.clone()), primals, tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        Linear::Cotangents(smallvec![cts[0].as_ref().map(|ct| reshape(ct, &args[0].aval().shape))])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let operand = moveaxis(&args[0], dims[0].expect("the one operand is mapped"), 0);
        let new_sizes: Vec<usize> =
            std::iter::once(axis.size).chain(self.new_sizes.iter().copied()).collect();
        batched(reshape(&operand, &new_sizes), 0)
    }

    fn samples() -> Vec<Sample> {
        let sample = |operand: &[usize], new_sizes: &[usize]| {
            let prim = Reshape { new_sizes: new_sizes.to_vec() };
            Sample::new(Prim::new(prim), [SampleArg::f32(operand.iter().copied())])
        };
        vec![
            sample(&[2, 3], &[3, 2]),
            sample(&[2, 3], &[6]),
            sample(&[], &[1, 1]),
            sample(&[1], &[]),
            sample(&[0, 3], &[3, 0]),
        ]
    }
}

/// `transpose`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Transpose {
    /// The dimension of the operand that each of the result is.
    pub permutation: Vec<usize>,
}

impl Primitive for Transpose {
    fn name(&self) -> &'static str {
        "transpose"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.tuple("permutation", &self.permutation);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let (operand, permutation) = (args[0], &self.permutation);
        ensure!(
            permutation.len() == operand.rank()
                && distinct(permutation)
                && permutation.iter().all(|&p| p < operand.rank()),
            "transpose" => "permutation {} is not a permutation of the dimensions of the operand of shape {}",
            show(permutation),
            show(&operand.shape)
        );
        Ok(smallvec![operand.with_shape(permutation.iter().map(|&p| operand.shape[p]))])
    }

    fn sharding(&self, args: &[&Aval], _: &[Aval]) -> ShardingRule {
        let factor = |d: usize| (args[0].shape[d] != 1).then_some(d as u32);
        ShardingRule {
            operands: vec![(0..args[0].rank()).map(factor).collect()],
            results: vec![self.permutation.iter().map(|&p| factor(p)).collect()],
        }
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], _: &[Aval]) -> Result<Values> {
        Ok(smallvec![cx.op(ops::Transpose { permutation: sizes(&self.permutation) }, args)?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        linear_jvp(Prim::new(self.clone()), primals, tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], _: &[Operand]) -> Linear {
        let mut inverse = vec![0; self.permutation.len()];
        for (i, &p) in self.permutation.iter().enumerate() {
            inverse[p] = i;
        }
        Linear::Cotangents(smallvec![cts[0].as_ref().map(|ct| transpose(ct, &inverse))])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        let mapped = dims[0].expect("the one operand is mapped");
        let permutation: Vec<usize> =
            std::iter::once(mapped).chain(bump(&self.permutation, mapped)).collect();
        batched(transpose(&args[0], &permutation), 0)
    }

    fn samples() -> Vec<Sample> {
        let sample = |operand: &[usize], permutation: &[usize]| {
            let prim = Transpose { permutation: permutation.to_vec() };
            Sample::new(Prim::new(prim), [SampleArg::f32(operand.iter().copied())])
        };
        vec![sample(&[2, 3], &[1, 0]), sample(&[2, 3, 4], &[2, 0, 1]), sample(&[0, 2], &[1, 0])]
    }
}

/// `squeeze`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Squeeze {
    /// The dimensions that disappear.
    pub dimensions: Vec<usize>,
}

impl Primitive for Squeeze {
    fn name(&self) -> &'static str {
        "squeeze"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.tuple("dimensions", &self.dimensions);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let (operand, dims) = (args[0], &self.dimensions);
        ensure!(
            distinct(dims) && dims.iter().all(|&d| d < operand.rank()),
            "squeeze" => "dimensions {} must be distinct dimensions of the operand of shape {}",
            show(dims),
            show(&operand.shape)
        );
        ensure!(
            dims.iter().all(|&d| operand.shape[d] == 1),
            "squeeze" => "only dimensions of size 1 can be removed, got shape {} and dimensions {}",
            show(&operand.shape),
            show(dims)
        );
        Ok(smallvec![
            operand.with_shape(remaining(operand.rank(), dims).into_iter().map(|d| operand.shape[d]))
        ])
    }

    fn sharding(&self, args: &[&Aval], _: &[Aval]) -> ShardingRule {
        let factor = |d: usize| (args[0].shape[d] != 1).then_some(d as u32);
        ShardingRule {
            operands: vec![(0..args[0].rank()).map(factor).collect()],
            results: vec![remaining(args[0].rank(), &self.dimensions).into_iter().map(factor).collect()],
        }
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        Ok(smallvec![cx.op_as(ops::Reshape, args, &outs[0])?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        linear_jvp(Prim::new(self.clone()), primals, tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::Cotangents(smallvec![cts[0].as_ref().map(|ct| expand_dims(ct, &self.dimensions))])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        let operand = moveaxis(&args[0], dims[0].expect("the one operand is mapped"), 0);
        let dimensions: Vec<usize> = self.dimensions.iter().map(|d| d + 1).collect();
        batched(squeeze(&operand, &dimensions), 0)
    }

    fn samples() -> Vec<Sample> {
        let sample = |operand: &[usize], dimensions: &[usize]| {
            let prim = Squeeze { dimensions: dimensions.to_vec() };
            Sample::new(Prim::new(prim), [SampleArg::f32(operand.iter().copied())])
        };
        vec![sample(&[1, 3], &[0]), sample(&[2, 1, 3, 1], &[1, 3]), sample(&[1], &[0])]
    }
}

/// `rev`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rev {
    /// The dimensions that are reversed.
    pub dimensions: Vec<usize>,
}

impl Primitive for Rev {
    fn name(&self) -> &'static str {
        "rev"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.tuple("dimensions", &self.dimensions);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        ensure!(
            distinct(&self.dimensions) && self.dimensions.iter().all(|&d| d < args[0].rank()),
            "rev" => "dimensions {} must be distinct dimensions of the operand of shape {}",
            show(&self.dimensions),
            show(&args[0].shape)
        );
        Ok(smallvec![args[0].clone()])
    }

    fn sharding(&self, args: &[&Aval], _: &[Aval]) -> ShardingRule {
        let whole = |d: usize| self.dimensions.contains(&d) || args[0].shape[d] == 1;
        let factors: Vec<Option<u32>> =
            (0..args[0].rank()).map(|d| (!whole(d)).then_some(d as u32)).collect();
        ShardingRule { operands: vec![factors.clone()], results: vec![factors] }
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], _: &[Aval]) -> Result<Values> {
        Ok(smallvec![cx.op(ops::Reverse { dimensions: sizes(&self.dimensions) }, args)?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        linear_jvp(Prim::new(self.clone()), primals, tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::Cotangents(smallvec![cts[0].as_ref().map(|ct| rev(ct, &self.dimensions))])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        let mapped = dims[0].expect("the one operand is mapped");
        batched(rev(&args[0], &bump(&self.dimensions, mapped)), mapped)
    }

    fn samples() -> Vec<Sample> {
        let sample = |operand: &[usize], dimensions: &[usize]| {
            let prim = Rev { dimensions: dimensions.to_vec() };
            Sample::new(Prim::new(prim), [SampleArg::f32(operand.iter().copied())])
        };
        vec![sample(&[3], &[0]), sample(&[2, 3], &[1]), sample(&[2, 3], &[0, 1]), sample(&[2], &[])]
    }
}

/// `iota`; see [`broadcasted_iota`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Iota {
    /// The dtype of the indices.
    pub dtype: DType,
    /// The shape of the result.
    pub shape: Vec<usize>,
    /// The dimension that is counted.
    pub dimension: usize,
}

impl Primitive for Iota {
    fn name(&self) -> &'static str {
        "iota"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.show("dimension", self.dimension);
        params.dtype("dtype", self.dtype);
        params.tuple("shape", &self.shape);
        params.none("sharding");
    }

    fn abstract_eval(&self, _: &[&Aval]) -> Result<Avals> {
        ensure!(
            !self.dtype.is_boolean(),
            "iota" => "the dtype must be a number's, got {}",
            crate::ir::numpy_name(self.dtype)
        );
        ensure!(
            self.dimension < self.shape.len(),
            "iota" => "dimension {} is not one of the shape {}",
            self.dimension,
            show(&self.shape)
        );
        Ok(smallvec![Aval::new(self.shape.iter().copied(), self.dtype)])
    }

    fn sharding(&self, _: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::elementwise(&[], outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        Ok(smallvec![cx.op_as(constant::Iota { iota_dimension: self.dimension as i64 }, args, &outs[0])?])
    }

    fn jvp(&self, primals: &[Array], _: &[Option<Array>]) -> (Arrays, Tangents) {
        zero_jvp(Prim::new(self.clone()), primals)
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    fn batch(&self, args: &[Array], _: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        (crate::trace::bind(Prim::new(self.clone()), args), smallvec![None])
    }

    fn samples() -> Vec<Sample> {
        let sample = |dtype: DType, shape: &[usize], dimension: usize| {
            Sample::new(Prim::new(Iota { dtype, shape: shape.to_vec(), dimension }), [])
        };
        vec![sample(DType::I32, &[4], 0), sample(DType::F32, &[2, 3], 1), sample(DType::UI8, &[0], 0)]
    }
}
