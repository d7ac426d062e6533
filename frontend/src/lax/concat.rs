//! Arrays put beside each other and taken apart: concatenate, pad, stack, unstack, split, tile.
//!
//! All are linear in all their operands at once, so one jvp serves them all.

use crate::error::Result;
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values,
};
use crate::trace::bind;
use jacinth_lowering::Shape as Sizes;
use jacinth_lowering::ops::{shape as ops, slice as slice_ops};
use smallvec::{SmallVec, smallvec};

use super::binary::sub;
use super::elementwise::scalar_like;
use super::reduce::reduce_sum;
use super::rules::{all_at_front, batched, bind1, ensure, instantiate, linear_jvp, same_dtypes, show};
use super::select::select;
use super::shape::{broadcast, broadcast_in_dim, full, reshape};
use super::slice::{slice, slice_in_dim};

/// The operands one after the other along `dimension`; their other dimensions agree.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let (x, y) = (Array::from([[1, 2]]), Array::from([[3, 4], [5, 6]]));
/// assert_eq!(lax::concatenate(&[x, y], 0).to_string(), "[[1 2]\n [3 4]\n [5 6]]");
/// ```
///
/// # Panics
/// If there are no operands, their dtypes or other dimensions differ, or they have no such dimension.
#[track_caller]
pub fn concatenate(operands: &[Array], dimension: usize) -> Array {
    if let [operand] = operands {
        return operand.clone();
    }
    bind1(Prim::new(Concatenate { dimension }), operands)
}

/// Pads each dimension by `(low, high, interior)` elements; negative edges remove elements.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let (x, zero) = (Array::from([1, 2, 3]), Array::from(0));
/// assert_eq!(lax::pad(&x, &zero, &[(2, 0, 1)]).to_vec::<i32>(), [0, 0, 1, 0, 2, 0, 3]);
/// assert_eq!(lax::pad(&x, &zero, &[(-1, 1, 0)]).to_vec::<i32>(), [2, 3, 0]);
/// ```
///
/// # Panics
/// If there is not one entry for each dimension, an interior is negative, the padding value is no scalar of the operand's dtype, or a dimension
/// would have a negative size.
#[track_caller]
pub fn pad(operand: &Array, padding_value: &Array, padding_config: &[(i64, i64, i64)]) -> Array {
    bind1(
        Prim::new(Pad { padding_config: padding_config.to_vec() }),
        &[operand.clone(), padding_value.clone()],
    )
}

/// The operands, all of one shape, along a new dimension `axis`.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = lax::stack(&[Array::from([1, 2]), Array::from([3, 4])], 1);
/// assert_eq!(x.to_string(), "[[1 3]\n [2 4]]");
/// ```
///
/// # Panics
/// If there are no operands, their shapes or dtypes differ, or `axis` is out of bounds.
#[track_caller]
pub fn stack(operands: &[Array], axis: usize) -> Array {
    bind1(Prim::new(Stack { axis }), operands)
}

/// The slices of an array along `axis`, which disappears.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let columns = lax::unstack(&Array::from([[1, 2], [3, 4]]), 1);
/// assert_eq!(columns[1].to_vec::<i32>(), [2, 4]);
/// ```
///
/// # Panics
/// If `axis` is no dimension of the operand.
#[track_caller]
pub fn unstack(operand: &Array, axis: usize) -> Vec<Array> {
    bind(Prim::new(Unstack { axis }), std::slice::from_ref(operand)).into_vec()
}

/// Consecutive parts of those sizes along `axis`; the sizes add up to the dimension's.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let parts = lax::split(&Array::from([1, 2, 3, 4, 5]), &[2, 3], 0);
/// assert_eq!(parts[1].to_vec::<i32>(), [3, 4, 5]);
/// ```
///
/// # Panics
/// If the sizes add up to another number, or `axis` is no dimension of the operand.
#[track_caller]
pub fn split(operand: &Array, sizes: &[usize], axis: usize) -> Vec<Array> {
    bind(Prim::new(Split { sizes: sizes.to_vec(), axis }), std::slice::from_ref(operand)).into_vec()
}

/// The operand repeated `reps[i]` times along each dimension `i`.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = lax::tile(&Array::from([[1, 2]]), &[2, 2]);
/// assert_eq!(x.to_string(), "[[1 2 1 2]\n [1 2 1 2]]");
/// ```
///
/// # Panics
/// If there is not one number for each dimension.
#[track_caller]
pub fn tile(operand: &Array, reps: &[usize]) -> Array {
    bind1(Prim::new(Tile { reps: reps.to_vec() }), std::slice::from_ref(operand))
}

/// `concatenate`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Concatenate {
    /// The dimension along which operands stand.
    pub dimension: usize,
}

impl Primitive for Concatenate {
    fn name(&self) -> &'static str {
        "concatenate"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.show("dimension", self.dimension);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let dim = self.dimension;
        let shapes = || args.iter().map(|a| show(&a.shape)).collect::<Vec<_>>().join(", ");
        ensure!(!args.is_empty(), "concatenate" => "expected at least one operand, got none");
        same_dtypes("concatenate", args)?;
        ensure!(
            args.iter().all(|a| a.rank() == args[0].rank()),
            "concatenate" => "operands must have the same number of dimensions, got shapes {}",
            shapes()
        );
        ensure!(
            dim < args[0].rank(),
            "concatenate" => "dimension {dim} is out of bounds for shapes {}",
            shapes()
        );
        let agree =
            |a: &Aval| a.shape.iter().zip(&args[0].shape).enumerate().all(|(d, (x, y))| d == dim || x == y);
        ensure!(
            args.iter().all(|a| agree(a)),
            "concatenate" => "shapes may differ only in the dimension being concatenated, {dim}; got {}",
            shapes()
        );
        let mut shape = args[0].shape.clone();
        shape[dim] = args.iter().map(|a| a.shape[dim]).sum();
        Ok(smallvec![Aval::with_weak_type(shape, args[0].dtype, args.iter().all(|a| a.weak_type))])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        all_but(self.dimension, args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], _: &[Aval]) -> Result<Values> {
        Ok(smallvec![cx.op(ops::Concatenate { dimension: self.dimension as i64 }, args)?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        linear_jvp(Prim::new(self.clone()), primals, tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let Some(ct) = &cts[0] else { return Linear::Cotangents(args.iter().map(|_| None).collect()) };
        let mut start = 0;
        let pieces = args.iter().map(|arg| {
            let from = start;
            start += arg.aval().shape[self.dimension];
            arg.is_linear().then(|| slice_in_dim(ct, from as i64, Some(start as i64), 1, self.dimension))
        });
        Linear::Cotangents(pieces.collect())
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        batched(concatenate(&all_at_front(args, dims, axis), self.dimension + 1), 0)
    }

    fn samples() -> Vec<Sample> {
        let sample = |shapes: &[&[usize]], dimension: usize| {
            let args = shapes.iter().map(|s| SampleArg::f32(s.iter().copied()));
            Sample::new(Prim::new(Concatenate { dimension }), args)
        };
        vec![
            sample(&[&[2], &[3]], 0),
            sample(&[&[2, 1], &[2, 3], &[2, 2]], 1),
            sample(&[&[0, 2], &[3, 2]], 0),
        ]
    }
}

/// Every dimension but one corresponds; that one is whole.
fn all_but(dim: usize, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
    let factors = |aval: &Aval| -> Vec<Option<u32>> {
        aval.shape.iter().enumerate().map(|(i, &n)| (i != dim && n != 1).then_some(i as u32)).collect()
    };
    ShardingRule {
        operands: args.iter().map(|a| factors(a)).collect(),
        results: outs.iter().map(factors).collect(),
    }
}

/// `pad`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pad {
    /// For each dimension how many elements come before, behind, and between.
    pub padding_config: Vec<(i64, i64, i64)>,
}

impl Pad {
    fn show(&self) -> String {
        show(&self.padding_config.iter().map(|(l, h, i)| show(&[l, h, i])).collect::<Vec<_>>())
    }

    fn out_shape(&self, shape: &[usize]) -> Vec<i64> {
        let size = |(&n, &(low, high, interior)): (&usize, &(i64, i64, i64))| {
            low + high + n as i64 + (n as i64 - 1).max(0) * interior
        };
        shape.iter().zip(&self.padding_config).map(size).collect()
    }
}

impl Primitive for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.show("padding_config", self.show());
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let (operand, value) = (args[0], args[1]);
        same_dtypes("pad", args)?;
        ensure!(
            value.rank() == 0,
            "pad" => "padding_value must be a scalar, got one of shape {}",
            show(&value.shape)
        );
        ensure!(
            self.padding_config.len() == operand.rank(),
            "pad" => "padding_config {} must have one entry for each dimension of the operand of shape {}",
            self.show(),
            show(&operand.shape)
        );
        ensure!(
            self.padding_config.iter().all(|c| c.2 >= 0),
            "pad" => "interior padding must not be negative, got padding_config {}",
            self.show()
        );
        let shape = self.out_shape(&operand.shape);
        ensure!(
            shape.iter().all(|&d| d >= 0),
            "pad" => "a dimension would have a negative size: operand shape {}, padding_config {}",
            show(&operand.shape),
            self.show()
        );
        let weak_type = operand.weak_type && value.weak_type;
        Ok(smallvec![Aval::with_weak_type(shape.into_iter().map(|d| d as usize), operand.dtype, weak_type)])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        let still = |d: usize| self.padding_config[d] == (0, 0, 0) && args[0].shape[d] != 1;
        let factors: Vec<Option<u32>> = (0..outs[0].rank()).map(|d| still(d).then_some(d as u32)).collect();
        ShardingRule { operands: vec![factors.clone(), vec![]], results: vec![factors] }
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], _: &[Aval]) -> Result<Values> {
        let op = ops::Pad {
            edge_padding_low: self.padding_config.iter().map(|c| c.0).collect(),
            edge_padding_high: self.padding_config.iter().map(|c| c.1).collect(),
            interior_padding: self.padding_config.iter().map(|c| c.2).collect(),
        };
        Ok(smallvec![cx.op(op, args)?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        // The padding's tangent stays a scalar literal where it is zero.
        let outs = bind(Prim::new(self.clone()), primals);
        let operand = instantiate(&tangents[0], primals[0].aval());
        let value = tangents[1].clone().unwrap_or_else(|| Array::scalar(0.0, operand.dtype(), false));
        (outs, smallvec![Some(pad(&operand, &value, &self.padding_config))])
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let Some(ct) = &cts[0] else { return Linear::Cotangents(smallvec![None, None]) };
        let negated: Vec<(i64, i64, i64)> =
            self.padding_config.iter().map(|&(l, h, _)| (-l, -h, 0)).collect();
        let strides: Vec<usize> = self.padding_config.iter().map(|c| c.2 as usize + 1).collect();
        let operand = || {
            let unpadded = pad(ct, &Array::scalar(0.0, ct.dtype(), false), &negated);
            let limits = unpadded.shape().to_vec();
            slice(&unpadded, &vec![0; limits.len()], &limits, Some(&strides))
        };
        let total = |x: &Array| reduce_sum(x, &(0..x.ndim()).collect::<Vec<_>>());
        let operand_ct = args[0].is_linear().then(operand);
        // What did not come from the operand came from the padding.
        let value_ct =
            args[1].is_linear().then(|| sub(&total(ct), &total(&operand_ct.clone().unwrap_or_else(operand))));
        Linear::Cotangents(smallvec![operand_ct, value_ct])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let (operand, mapped) = match dims[0] {
            Some(dim) => (args[0].clone(), dim),
            None => (broadcast(&args[0], &[axis.size]), 0),
        };
        let mut config = self.padding_config.clone();
        config.insert(mapped, (0, 0, 0));
        if dims[1].is_none() {
            return batched(pad(&operand, &args[1], &config), mapped);
        }
        // Every slice has padding of its own: pad with zeros, then put the value where nothing came from the operand.
        let x = pad(&operand, &scalar_like(&operand, 0.0), &config);
        let inside = full(operand.shape(), true, DType::I1);
        let mask = pad(&inside, &Array::scalar(false, DType::I1, false), &config);
        let value = broadcast_in_dim(&args[1], x.shape(), &[mapped]);
        batched(select(&mask, &x, &value), mapped)
    }

    fn samples() -> Vec<Sample> {
        let sample = |shape: &[usize], config: &[(i64, i64, i64)]| {
            let prim = Pad { padding_config: config.to_vec() };
            Sample::new(Prim::new(prim), [SampleArg::f32(shape.iter().copied()), SampleArg::f32([])])
        };
        vec![
            sample(&[3], &[(1, 2, 0)]),
            sample(&[2, 3], &[(0, 0, 1), (-1, 1, 0)]),
            sample(&[3], &[(-1, -1, 2)]),
            sample(&[0], &[(2, 0, 0)]),
        ]
    }
}

/// `stack`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stack {
    /// Where the new dimension stands.
    pub axis: usize,
}

impl Primitive for Stack {
    fn name(&self) -> &'static str {
        "stack"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.show("axis", self.axis);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        ensure!(!args.is_empty(), "stack" => "expected at least one operand, got none");
        same_dtypes("stack", args)?;
        ensure!(
            args.iter().all(|a| a.shape == args[0].shape),
            "stack" => "all operands must have the same shape, got {}",
            args.iter().map(|a| show(&a.shape)).collect::<Vec<_>>().join(", ")
        );
        ensure!(
            self.axis <= args[0].rank(),
            "stack" => "axis {} is out of bounds for operands of shape {}",
            self.axis,
            show(&args[0].shape)
        );
        let mut shape = args[0].shape.clone();
        shape.insert(self.axis, args.len());
        Ok(smallvec![Aval::with_weak_type(shape, args[0].dtype, args.iter().all(|a| a.weak_type))])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        split_off(self.axis, args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let mut shape = outs[0].shape.clone();
        shape[self.axis] = 1;
        let expanded = outs[0].with_shape(shape);
        let kept: Sizes = (0..outs[0].rank()).filter(|&d| d != self.axis).map(|d| d as i64).collect();
        let parts: Vec<Value> = args
            .iter()
            .map(|&x| cx.op_as(ops::BroadcastInDim { broadcast_dimensions: kept.clone() }, &[x], &expanded))
            .collect::<Result<_>>()?;
        Ok(smallvec![cx.op(ops::Concatenate { dimension: self.axis as i64 }, &parts)?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        linear_jvp(Prim::new(self.clone()), primals, tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let Some(ct) = &cts[0] else { return Linear::Cotangents(args.iter().map(|_| None).collect()) };
        let parts = unstack(ct, self.axis);
        Linear::Cotangents(
            parts.into_iter().zip(args).map(|(part, a)| a.is_linear().then_some(part)).collect(),
        )
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        if let Some(mapped) = dims[0]
            && dims.iter().all(|&d| d == Some(mapped))
        {
            let (axis, mapped) =
                if self.axis <= mapped { (self.axis, mapped + 1) } else { (self.axis + 1, mapped) };
            return batched(stack(args, axis), mapped);
        }
        batched(stack(&all_at_front(args, dims, axis), self.axis + 1), 0)
    }

    fn samples() -> Vec<Sample> {
        let sample = |count: usize, shape: &[usize], axis: usize| {
            let args = (0..count).map(|_| SampleArg::f32(shape.iter().copied()));
            Sample::new(Prim::new(Stack { axis }), args)
        };
        vec![sample(2, &[3], 0), sample(3, &[2, 3], 1), sample(2, &[2], 1), sample(1, &[], 0)]
    }
}

/// Dimension `axis` stands in the larger arrays only and is whole there; the others correspond.
fn split_off(axis: usize, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
    let largest = args.iter().copied().chain(outs).map(Aval::rank).max().unwrap_or(0);
    let factors = |aval: &Aval| -> Vec<Option<u32>> {
        let full = aval.rank() == largest;
        let number = |d: usize| match d {
            d if full && d == axis => None,
            d if full && d > axis => Some(d as u32 - 1),
            d => Some(d as u32),
        };
        (0..aval.rank()).map(|d| number(d).filter(|_| aval.shape[d] != 1)).collect()
    };
    ShardingRule {
        operands: args.iter().map(|a| factors(a)).collect(),
        results: outs.iter().map(factors).collect(),
    }
}

/// `unstack`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unstack {
    /// The dimension that disappears.
    pub axis: usize,
}

impl Primitive for Unstack {
    fn name(&self) -> &'static str {
        "unstack"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.show("axis", self.axis);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let operand = args[0];
        ensure!(
            self.axis < operand.rank(),
            "unstack" => "axis {} is out of bounds for an operand of shape {}",
            self.axis,
            show(&operand.shape)
        );
        let mut shape = operand.shape.clone();
        let count = shape.remove(self.axis);
        Ok((0..count).map(|_| operand.with_shape(shape.iter().copied())).collect())
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        split_off(self.axis, args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let Some(first) = outs.first() else { return Ok(Values::new()) };
        let mut shape: Vec<usize> = first.shape.to_vec();
        shape.insert(self.axis, outs.len());
        outs.iter()
            .enumerate()
            .map(|(i, out)| {
                let part = cx.op(slice_one(&shape, self.axis, i, i + 1), args)?;
                cx.op_as(ops::Reshape, &[part], out)
            })
            .collect()
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        linear_jvp(Prim::new(self.clone()), primals, tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        if cts.iter().all(Option::is_none) {
            return Linear::Cotangents(smallvec![None]);
        }
        let mut shape = args[0].aval().shape.clone();
        shape.remove(self.axis);
        let part = args[0].aval().with_shape(shape);
        let parts: Vec<Array> = cts.iter().map(|ct| instantiate(ct, &part)).collect();
        Linear::Cotangents(smallvec![Some(stack(&parts, self.axis))])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        let mapped = dims[0].expect("the one operand is mapped");
        let axis = self.axis + (self.axis >= mapped) as usize;
        let outs: Arrays = unstack(&args[0], axis).into();
        let dims = outs.iter().map(|_| Some(mapped - (axis < mapped) as usize)).collect();
        (outs, dims)
    }

    fn samples() -> Vec<Sample> {
        let sample = |shape: &[usize], axis: usize| {
            Sample::new(Prim::new(Unstack { axis }), [SampleArg::f32(shape.iter().copied())])
        };
        vec![sample(&[3], 0), sample(&[2, 3], 0), sample(&[2, 3, 2], 1), sample(&[2, 3], 1)]
    }
}

/// The slice `start..limit` of one dimension.
fn slice_one(shape: &[usize], axis: usize, start: usize, limit: usize) -> slice_ops::Slice {
    let mut starts: Sizes = SmallVec::from_elem(0, shape.len());
    let mut limits: Sizes = shape.iter().map(|&d| d as i64).collect();
    (starts[axis], limits[axis]) = (start as i64, limit as i64);
    slice_ops::Slice {
        start_indices: starts,
        limit_indices: limits,
        strides: SmallVec::from_elem(1, shape.len()),
    }
}

/// `split`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Split {
    /// The sizes of the parts.
    pub sizes: Vec<usize>,
    /// The dimension that is split.
    pub axis: usize,
}

impl Primitive for Split {
    fn name(&self) -> &'static str {
        "split"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.show("axis", self.axis);
        params.tuple("sizes", &self.sizes);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let operand = args[0];
        ensure!(
            self.axis < operand.rank(),
            "split" => "axis {} is out of bounds for an operand of shape {}",
            self.axis,
            show(&operand.shape)
        );
        ensure!(
            self.sizes.iter().sum::<usize>() == operand.shape[self.axis],
            "split" => "the sizes {} must add up to dimension {} of the operand of shape {}",
            show(&self.sizes),
            self.axis,
            show(&operand.shape)
        );
        let part = |&size: &usize| {
            let mut shape = operand.shape.clone();
            shape[self.axis] = size;
            operand.with_shape(shape)
        };
        Ok(self.sizes.iter().map(part).collect())
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        all_but(self.axis, args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let mut start = 0;
        outs.iter()
            .map(|out| {
                let limit = start + out.shape[self.axis];
                let part = cx.op(slice_one(&out.shape, self.axis, start, limit), args)?;
                start = limit;
                Ok(part)
            })
            .collect()
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        linear_jvp(Prim::new(self.clone()), primals, tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        if cts.iter().all(Option::is_none) {
            return Linear::Cotangents(smallvec![None]);
        }
        let aval = args[0].aval();
        let part = |(ct, &size): (&Option<Array>, &usize)| {
            let mut shape = aval.shape.clone();
            shape[self.axis] = size;
            instantiate(ct, &aval.with_shape(shape))
        };
        let parts: Vec<Array> = cts.iter().zip(&self.sizes).map(part).collect();
        Linear::Cotangents(smallvec![Some(concatenate(&parts, self.axis))])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        let mapped = dims[0].expect("the one operand is mapped");
        let outs: Arrays = split(&args[0], &self.sizes, self.axis + (self.axis >= mapped) as usize).into();
        let dims = outs.iter().map(|_| Some(mapped)).collect();
        (outs, dims)
    }

    fn samples() -> Vec<Sample> {
        let sample = |shape: &[usize], sizes: &[usize], axis: usize| {
            let prim = Split { sizes: sizes.to_vec(), axis };
            Sample::new(Prim::new(prim), [SampleArg::f32(shape.iter().copied())])
        };
        vec![sample(&[5], &[2, 3], 0), sample(&[2, 4], &[1, 0, 3], 1)]
    }
}

/// `tile`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tile {
    /// How often each dimension is repeated.
    pub reps: Vec<usize>,
}

impl Tile {
    /// Repetitions and sizes in turns: the shape in which a tiled array is a broadcast one.
    fn paired(&self, shape: &[usize]) -> Vec<usize> {
        self.reps.iter().zip(shape).flat_map(|(&r, &d)| [r, d]).collect()
    }
}

impl Primitive for Tile {
    fn name(&self) -> &'static str {
        "tile"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.tuple("reps", &self.reps);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        ensure!(
            args[0].rank() == self.reps.len(),
            "tile" => "reps {} must have one entry for each dimension of the operand of shape {}",
            show(&self.reps),
            show(&args[0].shape)
        );
        Ok(smallvec![args[0].with_shape(args[0].shape.iter().zip(&self.reps).map(|(d, r)| d * r))])
    }

    fn sharding(&self, args: &[&Aval], _: &[Aval]) -> ShardingRule {
        let still = |d: usize| self.reps[d] == 1 && args[0].shape[d] != 1;
        let factors: Vec<Option<u32>> = (0..args[0].rank()).map(|d| still(d).then_some(d as u32)).collect();
        ShardingRule { operands: vec![factors.clone()], results: vec![factors] }
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let out = &outs[0];
        let operand: Vec<usize> = cx.tensor(args[0])?.shape.iter().map(|&d| d as usize).collect();
        let expanded: Vec<usize> = operand.iter().flat_map(|&d| [1, d]).collect();
        let x = cx.op_as(ops::Reshape, args, &out.with_shape(expanded))?;
        let paired = out.with_shape(self.paired(&operand));
        let dims: Sizes = (0..2 * operand.len() as i64).collect();
        let x = cx.op_as(ops::BroadcastInDim { broadcast_dimensions: dims }, &[x], &paired)?;
        Ok(smallvec![cx.op_as(ops::Reshape, &[x], out)?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        linear_jvp(Prim::new(self.clone()), primals, tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let shape = &args[0].aval().shape;
        let unsum = |ct: &Array| {
            let paired = reshape(ct, &self.paired(shape));
            reduce_sum(&paired, &(0..shape.len()).map(|i| 2 * i).collect::<Vec<_>>())
        };
        Linear::Cotangents(smallvec![cts[0].as_ref().map(unsum)])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        let mapped = dims[0].expect("the one operand is mapped");
        let mut reps = self.reps.clone();
        reps.insert(mapped, 1);
        batched(tile(&args[0], &reps), mapped)
    }

    fn samples() -> Vec<Sample> {
        let sample = |shape: &[usize], reps: &[usize]| {
            Sample::new(Prim::new(Tile { reps: reps.to_vec() }), [SampleArg::f32(shape.iter().copied())])
        };
        vec![sample(&[3], &[2]), sample(&[2, 3], &[1, 2]), sample(&[2], &[0])]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_may_be_negative_and_interior() {
        let pad = Pad { padding_config: vec![(1, 1, 0), (0, -1, 2)] };
        assert_eq!(pad.out_shape(&[3, 4]), [5, 9]);
        assert_eq!(Pad { padding_config: vec![(0, 0, 3)] }.out_shape(&[0]), [0]);
    }
}
