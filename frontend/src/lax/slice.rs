//! Rectangular parts: slice, dynamic_slice, dynamic_update_slice, and the conveniences over one dimension.
//!
//! Dynamic start indices that are negative count from the end, and all are clamped so that the part lies inside, as in JAX.

use crate::error::Result;
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values, numpy_name,
};
use jacinth_lowering::ops::slice as ops;
use smallvec::smallvec;

use super::binary::add;
use super::compare::lt;
use super::concat::{concatenate, pad};
use super::convert::convert_element_type;
use super::elementwise::scalar_like;
use super::gather::{Gather, GatherDimensionNumbers, GatherScatterMode};
use super::rules::{
    at_front, batched, bind1, ensure, instantiate, linear_jvp, refuse, same_dtypes, show, sizes,
};
use super::scatter::{Scatter, ScatterDimensionNumbers, ScatterKind, ScatterParams};
use super::select::select;
use super::shape::{broadcast_in_dim, squeeze, zeros_like};

/// The elements from `start_indices` to before `limit_indices`, every `strides[i]`-th.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([0, 1, 2, 3, 4, 5]);
/// assert_eq!(lax::slice(&x, &[1], &[6], Some(&[2])).to_vec::<i32>(), [1, 3, 5]);
/// ```
///
/// # Panics
/// If there is not one entry for each dimension, a limit exceeds the shape or is below its start, or a stride is zero.
#[track_caller]
pub fn slice(
    operand: &Array,
    start_indices: &[usize],
    limit_indices: &[usize],
    strides: Option<&[usize]>,
) -> Array {
    let prim = Slice {
        start_indices: start_indices.to_vec(),
        limit_indices: limit_indices.to_vec(),
        strides: strides.map(<[usize]>::to_vec),
    };
    bind1(Prim::new(prim), std::slice::from_ref(operand))
}

/// [`slice()`] along one dimension; negative indices count from the end, `None` is the end.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([[1, 2, 3], [4, 5, 6]]);
/// assert_eq!(lax::slice_in_dim(&x, -2, None, 1, 1).to_string(), "[[2 3]\n [5 6]]");
/// ```
///
/// # Panics
/// If the operand has no dimension `axis`, or as [`slice()`].
#[track_caller]
pub fn slice_in_dim(operand: &Array, start: i64, limit: Option<i64>, stride: usize, axis: usize) -> Array {
    check_axis("slice_in_dim", operand, axis);
    let mut starts = vec![0; operand.ndim()];
    let mut limits = operand.shape().to_vec();
    let size = limits[axis] as i64;
    let from_end = |i: i64| if i < 0 { i + size } else { i };
    let (start, limit) = (from_end(start), from_end(limit.unwrap_or(size)));
    if start < 0 || limit < 0 {
        refuse!("slice_in_dim" => "indices {start} and {limit} lie before the start of a dimension of size {size}");
    }
    (starts[axis], limits[axis]) = (start as usize, limit as usize);
    let mut strides = vec![1; operand.ndim()];
    strides[axis] = stride;
    slice(operand, &starts, &limits, Some(&strides))
}

/// The slice at one index of a dimension, which disappears unless `keepdims`; a negative index counts from the end.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([[1, 2, 3], [4, 5, 6]]);
/// assert_eq!(lax::index_in_dim(&x, -1, 1, false).to_vec::<i32>(), [3, 6]);
/// assert_eq!(lax::index_in_dim(&x, 0, 0, true).shape(), [1, 3]);
/// ```
///
/// # Panics
/// If the operand has no dimension `axis`, or the index is out of bounds.
#[track_caller]
pub fn index_in_dim(operand: &Array, index: i64, axis: usize, keepdims: bool) -> Array {
    check_axis("index_in_dim", operand, axis);
    let size = operand.shape()[axis] as i64;
    let start = if index < 0 { index + size } else { index };
    if !(0..size).contains(&start) {
        refuse!("index_in_dim" => "index {index} is out of bounds for axis {axis} with size {size}");
    }
    let part = slice_in_dim(operand, start, Some(start + 1), 1, axis);
    if keepdims { part } else { squeeze(&part, &[axis]) }
}

/// The part of sizes `slice_sizes` that starts at scalar indices known only when the program runs. Negative indices count from the end, and
/// all are moved so far that the part lies inside.
///
/// ```
/// # use jacinth_frontend::{Array, jit, lax};
/// let f = jit(|x: &Array, at: &Array| lax::dynamic_slice(x, &[at.clone()], &[2]));
/// let x = Array::from([1, 2, 3, 4]);
/// assert_eq!(f(&x, &Array::from(1)).to_vec::<i32>(), [2, 3]);
/// assert_eq!(f(&x, &Array::from(9)).to_vec::<i32>(), [3, 4]);
/// ```
///
/// # Panics
/// If there is not one scalar integer and one size for each dimension, or a size exceeds the operand's.
#[track_caller]
pub fn dynamic_slice(operand: &Array, start_indices: &[Array], slice_sizes: &[usize]) -> Array {
    let mut args = vec![operand.clone()];
    args.extend(normalise(operand, start_indices));
    bind1(Prim::new(DynamicSlice { slice_sizes: slice_sizes.to_vec() }), &args)
}

/// [`dynamic_slice`] along one dimension, of the others the whole.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([[1, 2, 3], [4, 5, 6]]);
/// let y = lax::dynamic_slice_in_dim(&x, &Array::from(1), 2, 1);
/// assert_eq!(y.to_string(), "[[2 3]\n [5 6]]");
/// ```
///
/// # Panics
/// If the operand has no dimension `axis`, or as [`dynamic_slice`].
#[track_caller]
pub fn dynamic_slice_in_dim(operand: &Array, start_index: &Array, slice_size: usize, axis: usize) -> Array {
    check_axis("dynamic_slice_in_dim", operand, axis);
    let (starts, mut sizes) = (starts_in_dim(operand, start_index, axis), operand.shape().to_vec());
    sizes[axis] = slice_size;
    dynamic_slice(operand, &starts, &sizes)
}

/// The slice at one index, known only when the program runs, of a dimension, which disappears unless `keepdims`.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([[1, 2], [3, 4], [5, 6]]);
/// assert_eq!(lax::dynamic_index_in_dim(&x, &Array::from(2), 0, false).to_vec::<i32>(), [5, 6]);
/// ```
///
/// # Panics
/// As [`dynamic_slice_in_dim`].
#[track_caller]
pub fn dynamic_index_in_dim(operand: &Array, index: &Array, axis: usize, keepdims: bool) -> Array {
    let part = dynamic_slice_in_dim(operand, index, 1, axis);
    if keepdims { part } else { squeeze(&part, &[axis]) }
}

/// The operand with `update` in place of the part that starts at scalar indices known only when the program runs. Negative indices count from
/// the end, and all are moved so far that the update lies inside.
///
/// ```
/// # use jacinth_frontend::{Array, jit, lax};
/// let f = jit(|x: &Array, at: &Array| lax::dynamic_update_slice(x, &Array::from([7, 8]), &[at.clone()]));
/// assert_eq!(f(&Array::from([1, 2, 3]), &Array::from(1)).to_vec::<i32>(), [1, 7, 8]);
/// assert_eq!(f(&Array::from([1, 2, 3]), &Array::from(2)).to_vec::<i32>(), [1, 7, 8]);
/// ```
///
/// # Panics
/// If there is not one scalar integer for each dimension, dtypes differ, or the update has another rank or exceeds the operand's shape.
#[track_caller]
pub fn dynamic_update_slice(operand: &Array, update: &Array, start_indices: &[Array]) -> Array {
    let mut args = vec![operand.clone(), update.clone()];
    args.extend(normalise(operand, start_indices));
    bind1(Prim::new(DynamicUpdateSlice), &args)
}

/// [`dynamic_update_slice`] along one dimension, from the start of the others.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let (x, row) = (Array::from([[1, 2], [3, 4]]), Array::from([[7, 8]]));
/// let y = lax::dynamic_update_slice_in_dim(&x, &row, &Array::from(1), 0);
/// assert_eq!(y.to_string(), "[[1 2]\n [7 8]]");
/// ```
///
/// # Panics
/// If the operand has no dimension `axis`, or as [`dynamic_update_slice`].
#[track_caller]
pub fn dynamic_update_slice_in_dim(
    operand: &Array,
    update: &Array,
    start_index: &Array,
    axis: usize,
) -> Array {
    check_axis("dynamic_update_slice_in_dim", operand, axis);
    dynamic_update_slice(operand, update, &starts_in_dim(operand, start_index, axis))
}

/// [`dynamic_update_slice`] of one slice of a dimension; the update may lack that dimension.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([[1, 2], [3, 4]]);
/// let y = lax::dynamic_update_index_in_dim(&x, &Array::from([7, 8]), &Array::from(0), 1);
/// assert_eq!(y.to_string(), "[[7 2]\n [8 4]]");
/// ```
///
/// # Panics
/// As [`dynamic_update_slice_in_dim`].
#[track_caller]
pub fn dynamic_update_index_in_dim(operand: &Array, update: &Array, index: &Array, axis: usize) -> Array {
    if update.ndim() == operand.ndim() {
        return dynamic_update_slice_in_dim(operand, update, index, axis);
    }
    dynamic_update_slice_in_dim(operand, &super::shape::expand_dims(update, &[axis]), index, axis)
}

/// Refuses an axis that the operand has not.
#[track_caller]
fn check_axis(name: &'static str, operand: &Array, axis: usize) {
    if axis >= operand.ndim() {
        refuse!(name => "axis {axis} is out of bounds for an array of {} dimensions", operand.ndim())
    }
}

fn starts_in_dim(operand: &Array, start_index: &Array, axis: usize) -> Vec<Array> {
    let mut starts = vec![scalar_like(start_index, 0); operand.ndim()];
    starts[axis] = start_index.clone();
    starts
}

/// Start indices of one dtype, counted from the start.
#[track_caller]
fn normalise(operand: &Array, start_indices: &[Array]) -> Vec<Array> {
    let _line = crate::trace::keep_line();
    // Host scalars take the dtype of the first index that is not one.
    let dtype = start_indices
        .iter()
        .find(|i| i.as_literal().is_none())
        .or(start_indices.first())
        .map_or(DType::I32, Array::dtype);
    let from_start = |(index, &size): (&Array, &usize)| {
        if let Some(literal) = index.as_literal()
            && let Some(i) = literal.value().to_i64()
        {
            return Array::scalar(if i < 0 { i + size as i64 } else { i }, dtype, false);
        }
        let index =
            if index.as_literal().is_some() { convert_element_type(index, dtype) } else { index.clone() };
        if !index.dtype().is_signed() || index.ndim() != 0 {
            return index; // Unsigned indices cannot be negative; the rest is refused by the primitive.
        }
        let negative = lt(&index, &Array::scalar(0, index.dtype(), false));
        let wrapped = add(&index, &Array::scalar(size as i64, index.dtype(), false));
        select(&negative, &wrapped, &index)
    };
    start_indices
        .iter()
        .zip(operand.shape())
        .map(from_start)
        .chain(start_indices.iter().skip(operand.ndim()).cloned())
        .collect()
}

/// `slice`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slice {
    /// Where the part begins.
    pub start_indices: Vec<usize>,
    /// Where it ends; the limit is outside.
    pub limit_indices: Vec<usize>,
    /// The distance of elements that stay; ones where not given.
    pub strides: Option<Vec<usize>>,
}

impl Slice {
    fn strides(&self) -> Vec<usize> {
        self.strides.clone().unwrap_or_else(|| vec![1; self.start_indices.len()])
    }
}

impl Primitive for Slice {
    fn name(&self) -> &'static str {
        "slice"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.tuple("limit_indices", &self.limit_indices);
        params.tuple("start_indices", &self.start_indices);
        match &self.strides {
            Some(strides) => params.tuple("strides", strides),
            None => params.none("strides"),
        }
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let (shape, start, limit, strides) =
            (&args[0].shape, &self.start_indices, &self.limit_indices, self.strides());
        ensure!(
            start.len() == shape.len() && limit.len() == shape.len() && strides.len() == shape.len(),
            "slice" => "start_indices {}, limit_indices {} and strides {} must have one entry for each dimension of the \
             operand of shape {}",
            show(start),
            show(limit),
            show(&strides),
            show(shape)
        );
        ensure!(
            limit.iter().zip(shape).all(|(l, d)| l <= d),
            "slice" => "limit_indices must not exceed the operand's shape, got limit_indices {} for shape {}",
            show(limit),
            show(shape)
        );
        ensure!(
            start.iter().zip(limit).all(|(s, l)| s <= l),
            "slice" => "start_indices must not exceed limit_indices, got start_indices {} and limit_indices {}",
            show(start),
            show(limit)
        );
        ensure!(strides.iter().all(|&s| s > 0), "slice" => "strides must be positive, got {}", show(&strides));
        let size = |d: usize| (limit[d] - start[d]).div_ceil(strides[d]);
        Ok(smallvec![args[0].with_shape((0..shape.len()).map(size))])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        whole_dims(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], _: &[Aval]) -> Result<Values> {
        let op = ops::Slice {
            start_indices: sizes(&self.start_indices),
            limit_indices: sizes(&self.limit_indices),
            strides: sizes(&self.strides()),
        };
        Ok(smallvec![cx.op(op, args)?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        linear_jvp(Prim::new(self.clone()), primals, tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let shape = &args[0].aval().shape;
        let strides = self.strides();
        let spread = |ct: &Array| {
            let config = |d: usize| {
                let (start, limit, stride) = (self.start_indices[d], self.limit_indices[d], strides[d]);
                // The limit that the last element taken implies.
                let taken = ct.shape()[d];
                let limit = if self.strides.is_none() || stride == 1 {
                    limit
                } else if taken == 0 {
                    start
                } else {
                    start + (taken - 1) * stride + 1
                };
                (start as i64, shape[d] as i64 - limit as i64, stride as i64 - 1)
            };
            let config: Vec<(i64, i64, i64)> = (0..shape.len()).map(config).collect();
            pad(ct, &Array::scalar(0.0, ct.dtype(), false), &config)
        };
        Linear::Cotangents(smallvec![cts[0].as_ref().map(spread)])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let mapped = dims[0].expect("the one operand is mapped");
        let insert = |values: &[usize], value: usize| {
            let mut values = values.to_vec();
            values.insert(mapped, value);
            values
        };
        let strides = self.strides.as_ref().map(|s| insert(s, 1));
        let (start, limit) = (insert(&self.start_indices, 0), insert(&self.limit_indices, axis.size));
        batched(slice(&args[0], &start, &limit, strides.as_deref()), mapped)
    }

    fn samples() -> Vec<Sample> {
        let sample = |shape: &[usize], start: &[usize], limit: &[usize], strides: Option<&[usize]>| {
            let prim = Slice {
                start_indices: start.to_vec(),
                limit_indices: limit.to_vec(),
                strides: strides.map(<[usize]>::to_vec),
            };
            Sample::new(Prim::new(prim), [SampleArg::f32(shape.iter().copied())])
        };
        vec![
            sample(&[5], &[1], &[4], None),
            sample(&[7], &[1], &[7], Some(&[3])),
            sample(&[4, 6], &[0, 1], &[4, 6], Some(&[2, 4])),
            sample(&[3], &[2], &[2], Some(&[2])),
            sample(&[2, 3], &[1, 0], &[2, 3], Some(&[1, 1])),
        ]
    }
}

/// Dimensions taken whole correspond.
fn whole_dims(args: &[&Aval], outs: &[Aval]) -> ShardingRule {
    let (operand, out) = (args[0], &outs[0]);
    let factor = |d: usize| (operand.shape[d] == out.shape[d] && operand.shape[d] != 1).then_some(d as u32);
    let factors: Vec<Option<u32>> = (0..operand.rank()).map(factor).collect();
    let mut operands = vec![factors.clone()];
    operands.extend(args[1..].iter().map(|a| vec![None; a.rank()]));
    ShardingRule { operands, results: vec![factors] }
}

/// Refuses start indices that are not scalars of one integer dtype.
fn check_indices(name: &'static str, operand: &Aval, indices: &[&Aval]) -> Result<()> {
    ensure!(
        indices.len() == operand.rank(),
        name => "there must be one start index for each dimension of the operand of shape {}, got {}",
        show(&operand.shape),
        indices.len()
    );
    ensure!(
        indices.iter().all(|i| i.rank() == 0),
        name => "start indices must be scalars, got shapes {}",
        indices.iter().map(|i| show(&i.shape)).collect::<Vec<_>>().join(", ")
    );
    ensure!(
        indices.iter().all(|i| i.dtype.is_integer() && i.dtype == indices[0].dtype),
        name => "start indices must be integers of the same dtype, got {}",
        indices.iter().map(|i| numpy_name(i.dtype)).collect::<Vec<_>>().join(", ")
    );
    Ok(())
}

/// Scalar start indices of which some are mapped as one array of index vectors, mapped over dimension 0.
fn index_vectors(starts: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> Array {
    let column = |(start, dim): (&Array, &Option<usize>)| {
        let dims: &[usize] = if dim.is_some() { &[0] } else { &[] };
        broadcast_in_dim(start, &[axis.size, 1], dims)
    };
    concatenate(&starts.iter().zip(dims).map(column).collect::<Vec<_>>(), 1)
}

/// `dynamic_slice`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DynamicSlice {
    /// The shape of the part.
    pub slice_sizes: Vec<usize>,
}

impl Primitive for DynamicSlice {
    fn name(&self) -> &'static str {
        "dynamic_slice"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.tuple("slice_sizes", &self.slice_sizes);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let operand = args[0];
        check_indices("dynamic_slice", operand, &args[1..])?;
        ensure!(
            self.slice_sizes.len() == operand.rank() && self.slice_sizes.iter().zip(&operand.shape).all(|(s, d)| s <= d),
            "dynamic_slice" => "slice_sizes must not exceed the operand's shape, got slice_sizes {} for shape {}",
            show(&self.slice_sizes),
            show(&operand.shape)
        );
        Ok(smallvec![operand.with_shape(self.slice_sizes.iter().copied())])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        whole_dims(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], _: &[Aval]) -> Result<Values> {
        Ok(smallvec![cx.op(ops::DynamicSlice { slice_sizes: sizes(&self.slice_sizes) }, args)?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let apply = |operand: &Array| {
            let mut args = primals.to_vec();
            args[0] = operand.clone();
            bind1(Prim::new(self.clone()), &args)
        };
        (smallvec![apply(&primals[0])], smallvec![tangents[0].as_ref().map(apply)])
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let operand = args[0].aval();
        let put = |ct: &Array| {
            let mut all = vec![zeros_like(operand), ct.clone()];
            all.extend(args[1..].iter().map(|i| i.known().clone()));
            bind1(Prim::new(DynamicUpdateSlice), &all)
        };
        let mut out: Tangents = smallvec![cts[0].as_ref().map(put)];
        out.resize(args.len(), None);
        Linear::Cotangents(out)
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        if dims[1..].iter().any(Option::is_some) {
            // Slices that start in different places are a gather.
            let every: Vec<usize> = (0..self.slice_sizes.len()).collect();
            let gather = Gather {
                dimension_numbers: GatherDimensionNumbers {
                    offset_dims: every.clone(),
                    start_index_map: every,
                    ..Default::default()
                },
                slice_sizes: self.slice_sizes.clone(),
                indices_are_sorted: true,
                unique_indices: true,
                mode: GatherScatterMode::Clip,
                fill_value: None,
            };
            let indices = index_vectors(&args[1..], &dims[1..], axis);
            return gather.batch(&[args[0].clone(), indices], &[dims[0], Some(0)], axis);
        }
        let mapped = dims[0].expect("the operand is mapped where no index is");
        let mut slice_sizes = self.slice_sizes.clone();
        slice_sizes.insert(mapped, axis.size);
        let mut all = args.to_vec();
        let zero = Array::scalar(0, args.get(1).map_or(DType::I32, Array::dtype), false);
        all.insert(1 + mapped, zero);
        batched(bind1(Prim::new(DynamicSlice { slice_sizes }), &all), mapped)
    }

    fn samples() -> Vec<Sample> {
        let sample = |shape: &[usize], sizes: &[usize], starts: &[f64]| {
            let mut args = vec![SampleArg::f32(shape.iter().copied())];
            args.extend(starts.iter().map(|&s| SampleArg::values([], DType::I32, [s])));
            let mut sample = Sample::new(Prim::new(DynamicSlice { slice_sizes: sizes.to_vec() }), args);
            sample.differentiable = true;
            sample
        };
        vec![sample(&[5], &[2], &[1.0]), sample(&[5], &[2], &[9.0]), sample(&[3, 4], &[2, 4], &[1.0, -3.0])]
    }
}

/// `dynamic_update_slice`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DynamicUpdateSlice;

impl Primitive for DynamicUpdateSlice {
    fn name(&self) -> &'static str {
        "dynamic_update_slice"
    }

    fn params<'a>(&'a self, _: &mut Params<'a>) {}

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let (operand, update) = (args[0], args[1]);
        same_dtypes("dynamic_update_slice", &args[..2])?;
        ensure!(
            operand.rank() == update.rank() && update.shape.iter().zip(&operand.shape).all(|(u, d)| u <= d),
            "dynamic_update_slice" => "the update must have the operand's rank and not exceed its shape, got update shape {} \
             for operand shape {}",
            show(&update.shape),
            show(&operand.shape)
        );
        check_indices("dynamic_update_slice", operand, &args[2..])?;
        Ok(smallvec![operand.clone()])
    }

    fn sharding(&self, args: &[&Aval], _: &[Aval]) -> ShardingRule {
        let mut rule = whole_dims(&[args[0]], &[args[1].clone()]);
        rule.operands.push(rule.results[0].clone());
        rule.operands.extend(args[2..].iter().map(|_| vec![]));
        rule
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], _: &[Aval]) -> Result<Values> {
        Ok(smallvec![cx.op(ops::DynamicUpdateSlice, args)?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let out = bind1(Prim::new(DynamicUpdateSlice), primals);
        let mut args = primals.to_vec();
        args[0] = instantiate(&tangents[0], primals[0].aval());
        args[1] = instantiate(&tangents[1], primals[1].aval());
        (smallvec![out], smallvec![Some(bind1(Prim::new(DynamicUpdateSlice), &args))])
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let mut out: Tangents = smallvec![None; args.len()];
        let Some(ct) = &cts[0] else { return Linear::Cotangents(out) };
        let indices: Vec<Array> = args[2..].iter().map(|i| i.known().clone()).collect();
        let update = args[1].aval();
        let with = |first: &[Array]| first.iter().chain(&indices).cloned().collect::<Vec<_>>();
        if args[0].is_linear() {
            let zeros = zeros_like(update);
            out[0] = Some(bind1(Prim::new(DynamicUpdateSlice), &with(&[ct.clone(), zeros])));
        }
        if args[1].is_linear() {
            let prim = DynamicSlice { slice_sizes: update.shape.to_vec() };
            out[1] = Some(bind1(Prim::new(prim), &with(std::slice::from_ref(ct))));
        }
        Linear::Cotangents(out)
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        if dims[2..].iter().any(Option::is_some) {
            // Updates that start in different places are a scatter.
            let every: Vec<usize> = (0..args.len() - 2).collect();
            let params = ScatterParams {
                kind: ScatterKind::Set,
                dimension_numbers: ScatterDimensionNumbers {
                    update_window_dims: every.clone(),
                    scatter_dims_to_operand_dims: every,
                    ..Default::default()
                },
                indices_are_sorted: true,
                unique_indices: true,
                mode: GatherScatterMode::Clip,
            };
            let scatter = Scatter { params, dtype: args[0].dtype() };
            let indices = index_vectors(&args[2..], &dims[2..], axis);
            return scatter.batch(
                &[args[0].clone(), indices, args[1].clone()],
                &[dims[0], Some(0), dims[1]],
                axis,
            );
        }
        let mut all = vec![at_front(&args[0], dims[0], axis.size), at_front(&args[1], dims[1], axis.size)];
        all.push(Array::scalar(0, args.get(2).map_or(DType::I32, Array::dtype), false));
        all.extend(args[2..].iter().cloned());
        batched(bind1(Prim::new(DynamicUpdateSlice), &all), 0)
    }

    fn samples() -> Vec<Sample> {
        let sample = |shape: &[usize], update: &[usize], starts: &[f64]| {
            let mut args =
                vec![SampleArg::f32(shape.iter().copied()), SampleArg::f32(update.iter().copied())];
            args.extend(starts.iter().map(|&s| SampleArg::values([], DType::I32, [s])));
            let mut sample = Sample::new(Prim::new(DynamicUpdateSlice), args);
            sample.differentiable = true;
            sample
        };
        vec![sample(&[5], &[2], &[1.0]), sample(&[5], &[2], &[9.0]), sample(&[3, 4], &[2, 3], &[1.0, 0.0])]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::boundary;

    #[test]
    fn an_axis_that_is_not_there_is_named() {
        let (x, i) = (Array::from([1, 2]), Array::from(0));
        let calls: [(&str, &dyn Fn() -> Array); 4] = [
            ("slice_in_dim", &|| slice_in_dim(&x, 0, None, 1, 1)),
            ("index_in_dim", &|| index_in_dim(&x, 0, 1, true)),
            ("dynamic_slice_in_dim", &|| dynamic_index_in_dim(&x, &i, 1, true)),
            ("dynamic_update_slice_in_dim", &|| dynamic_update_slice_in_dim(&x, &x, &i, 1)),
        ];
        for (name, call) in calls {
            let error = boundary(call).unwrap_err().to_string();
            let expected = format!("{name}: axis 1 is out of bounds for an array of 1 dimensions");
            assert!(error.starts_with(&expected), "{error}");
        }
    }
}
