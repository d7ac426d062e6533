//! Order: sort of several arrays by the first of them, and top_k.
//!
//! The order of floats is total, as in JAX: NaN last, whatever its sign, and −0 equal to 0. Complex numbers are ordered by real part, then
//! imaginary part.

use crate::error::Result;
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, Scalar, ShardingRule, Tangents, Value, Values,
};
use crate::trace::bind;
use jacinth_lowering::ops::{elementwise as el, sort as ops};
use smallvec::smallvec;

use super::gather::{Gather, GatherDimensionNumbers, GatherScatterMode, aval_of, gather_with};
use super::rules::{all_at_front, ensure, refuse, show};
use super::shape::{broadcasted_iota, expand_dims, moveaxis, zeros_like};

/// The elements along `dimension` in ascending order, NaN last. Equal elements keep their order; JAX's `is_stable` is [`sort_many`]'s.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([3.0f32, f32::NAN, -1.0, 2.0]);
/// assert_eq!(lax::sort(&x, 0).to_string(), "[-1.  2.  3. nan]");
/// ```
///
/// # Panics
/// If the operand has no such dimension.
#[track_caller]
pub fn sort(operand: &Array, dimension: usize) -> Array {
    sort_many(std::slice::from_ref(operand), dimension, true, 1).swap_remove(0)
}

/// The positions along `dimension` of the elements in ascending order, as `i32`; equal elements keep their order.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([[30, 10, 20], [1, 1, 0]]);
/// assert_eq!(lax::argsort(&x, 1).to_string(), "[[1 2 0]\n [2 0 1]]");
/// ```
///
/// # Panics
/// If the operand has no such dimension.
#[track_caller]
pub fn argsort(operand: &Array, dimension: usize) -> Array {
    let positions = broadcasted_iota(DType::I32, operand.shape(), dimension);
    sort_many(&[operand.clone(), positions], dimension, true, 1).swap_remove(1)
}

/// All operands reordered along `dimension` so that the first `num_keys` of them, compared one after the other, ascend.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// // By the first, then by the second.
/// let (x, y) = (Array::from([2, 1, 2]), Array::from([5, 6, 4]));
/// let out = lax::sort_many(&[x, y], 0, true, 2);
/// assert_eq!((out[0].to_vec::<i32>(), out[1].to_vec::<i32>()), (vec![1, 2, 2], vec![6, 4, 5]));
/// ```
///
/// # Panics
/// If the shapes differ, `dimension` is not one of theirs, or `num_keys` is zero or more than there are operands.
#[track_caller]
pub fn sort_many(operands: &[Array], dimension: usize, is_stable: bool, num_keys: usize) -> Vec<Array> {
    bind(Prim::new(Sort { dimension, is_stable, num_keys }), operands).into_vec()
}

/// The `k` largest elements along the last dimension in descending order, and their positions as `i32`.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let (largest, at) = lax::top_k(&Array::from([[3, 9, 4], [8, 1, 7]]), 2);
/// assert_eq!(largest.to_string(), "[[9 4]\n [8 7]]");
/// assert_eq!(at.to_string(), "[[1 2]\n [0 2]]");
/// ```
///
/// # Panics
/// If the operand is a scalar or complex, or `k` exceeds its last dimension.
#[track_caller]
pub fn top_k(operand: &Array, k: usize) -> (Array, Array) {
    let axis = operand
        .ndim()
        .checked_sub(1)
        .unwrap_or_else(|| refuse!("top_k" => "the operand must have a dimension, got {}", operand.aval()));
    let mut outs = bind(Prim::new(TopK { k, axis }), std::slice::from_ref(operand));
    let positions = outs.pop().expect("two results");
    (outs.pop().expect("two results"), positions)
}

/// [`top_k`] along another dimension.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let (largest, _) = lax::top_k_along(&Array::from([[3, 9], [8, 1], [5, 5]]), 2, 0);
/// assert_eq!(largest.to_string(), "[[8 9]\n [5 5]]");
/// ```
///
/// # Panics
/// If the operand has no such dimension or is complex, or `k` exceeds it.
#[track_caller]
pub fn top_k_along(operand: &Array, k: usize, axis: usize) -> (Array, Array) {
    let Some(last) = operand.ndim().checked_sub(1).filter(|&last| axis <= last) else {
        refuse!("top_k" => "axis {axis} is none of an array of {} dimensions", operand.ndim())
    };
    let (values, positions) = top_k(&moveaxis(operand, axis, last), k);
    (moveaxis(&values, last, axis), moveaxis(&positions, last, axis))
}

/// `sort`; see [`sort_many`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sort {
    /// The dimension that is sorted.
    pub dimension: usize,
    /// Whether equal elements keep their order.
    pub is_stable: bool,
    /// How many operands are compared.
    pub num_keys: usize,
}

/// A value in which equal keys have equal bits: −0 becomes 0, every NaN the same.
fn canonical(cx: &mut LowerCx<'_>, x: Value) -> Result<Value> {
    let aval = aval_of(cx, x)?;
    let float = Some(el::CompareType::Float);
    let zero = cx.constant(0.0, &aval)?;
    let is_zero = cx.op(el::Compare { direction: el::Direction::Eq, compare_type: float }, &[x, zero])?;
    let nonzero = cx.op(el::Select, &[is_zero, zero, x])?;
    let is_nan = cx.op(el::Compare { direction: el::Direction::Ne, compare_type: float }, &[x, x])?;
    let nan = cx.constant(Scalar::Float(f64::NAN), &aval)?;
    cx.op(el::Select, &[is_nan, nan, nonzero])
}

/// The real keys by which two values are compared, most significant first.
fn keys(cx: &mut LowerCx<'_>, x: Value) -> Result<Values> {
    let aval = aval_of(cx, x)?;
    if aval.dtype.is_complex() {
        let (re, im) = (cx.op(el::Unary::Real, &[x])?, cx.op(el::Unary::Imag, &[x])?);
        return Ok(smallvec![canonical(cx, re)?, canonical(cx, im)?]);
    }
    Ok(smallvec![if aval.dtype.is_float() { canonical(cx, x)? } else { x }])
}

fn compare_type(dtype: DType) -> el::CompareType {
    if dtype.is_float() {
        el::CompareType::TotalOrder
    } else if dtype.is_signed() {
        el::CompareType::Signed
    } else {
        el::CompareType::Unsigned
    }
}

impl Primitive for Sort {
    fn name(&self) -> &'static str {
        "sort"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.show("dimension", self.dimension);
        params.flag("is_stable", self.is_stable);
        params.show("num_keys", self.num_keys);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        ensure!(
            args.windows(2).all(|w| w[0].shape == w[1].shape),
            "sort" => "operands must have the same shape, got {}",
            args.iter().map(|a| show(&a.shape)).collect::<Vec<_>>().join(", ")
        );
        ensure!(
            (1..=args.len()).contains(&self.num_keys),
            "sort" => "num_keys must be at least 1 and at most the number of operands, got {} for {}",
            self.num_keys,
            args.len()
        );
        ensure!(
            self.dimension < args[0].rank(),
            "sort" => "dimension {} is out of bounds for shape {}",
            self.dimension,
            show(&args[0].shape)
        );
        Ok(args.iter().map(|a| (*a).clone()).collect())
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        let mut rule = ShardingRule::elementwise(args, outs);
        for factors in rule.operands.iter_mut().chain(&mut rule.results) {
            factors[self.dimension] = None;
        }
        rule
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let pairs: Vec<Aval> =
            outs.iter().flat_map(|a| [Aval::scalar(a.dtype, false), Aval::scalar(a.dtype, false)]).collect();
        let body = cx.block(&pairs, |cx, args| {
            let (mut lhs, mut rhs) = (Values::new(), Values::new());
            for pair in args.chunks_exact(2).take(self.num_keys) {
                lhs.extend(keys(cx, pair[0])?);
                rhs.extend(keys(cx, pair[1])?);
            }
            // Least significant first: x < y, or x = y and the rest decides.
            let mut less = None;
            for (&x, &y) in lhs.iter().zip(&rhs).rev() {
                let compare_type = Some(compare_type(aval_of(cx, x)?.dtype));
                let below = cx.op(el::Compare { direction: el::Direction::Lt, compare_type }, &[x, y])?;
                less = Some(match less {
                    None => below,
                    Some(rest) => {
                        let same =
                            cx.op(el::Compare { direction: el::Direction::Eq, compare_type }, &[x, y])?;
                        let rest = cx.op(el::Binary::And, &[same, rest])?;
                        cx.op(el::Binary::Or, &[below, rest])?
                    }
                });
            }
            Ok(smallvec![less.expect("there is at least one key")])
        })?;
        let op = ops::Sort { dimension: self.dimension as i64, is_stable: self.is_stable };
        Ok(cx.builder.op_full(op.into(), args, vec![body], None, Default::default())?)
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        if tangents.iter().all(Option::is_none) {
            let outs = sort_many(primals, self.dimension, self.is_stable, self.num_keys);
            let zeros = outs.iter().map(|_| None).collect();
            return (outs.into(), zeros);
        }
        let mut args = primals.to_vec();
        args.push(broadcasted_iota(DType::I32, primals[0].shape(), self.dimension));
        let mut outs = sort_many(&args, self.dimension, self.is_stable, self.num_keys);
        let positions = outs.pop().expect("the positions");
        let tangents =
            tangents.iter().map(|t| t.as_ref().map(|t| take_along(t, &positions, self.dimension))).collect();
        (outs.into(), tangents)
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let args = all_at_front(args, dims, axis);
        let outs = sort_many(&args, self.dimension + 1, self.is_stable, self.num_keys);
        let dims = outs.iter().map(|_| Some(0)).collect();
        (outs.into(), dims)
    }

    fn samples() -> Vec<Sample> {
        let f32s =
            |shape: &[usize], values: &[f64]| SampleArg::values(shape.iter().copied(), DType::F32, values);
        let sort = |dimension, num_keys| Prim::new(Sort { dimension, is_stable: true, num_keys });
        let distinct = [0.5, -1.0, 3.0, 2.0, -2.5, 1.5];
        let keys = SampleArg::values([6], DType::I32, [1.0, 0.0, 1.0, 0.0, 2.0, 1.0]);
        vec![
            Sample::new(sort(0, 1), [f32s(&[6], &distinct)]),
            Sample::new(sort(1, 1), [f32s(&[2, 3], &distinct)]),
            Sample::new(sort(0, 1), [f32s(&[2, 3], &distinct), SampleArg::f32([2, 3])]),
            Sample::new(sort(0, 2), [keys, f32s(&[6], &distinct)]).not_differentiable(),
            Sample::new(sort(0, 1), [f32s(&[0], &distinct)]),
        ]
    }
}

/// The elements of `x` at `positions` along `dimension`, both of one shape.
#[track_caller]
fn take_along(x: &Array, positions: &Array, dimension: usize) -> Array {
    if positions.size() == 0 {
        return zeros_like(&x.aval().with_shape(positions.shape().iter().copied()));
    }
    let others: Vec<usize> = (0..x.ndim()).filter(|&d| d != dimension).collect();
    // Positions in the order of the other dimensions, then the sorted one, then the index vector.
    let indices = expand_dims(&moveaxis(positions, dimension, x.ndim() - 1), &[x.ndim()]);
    let read = gather_with(
        x,
        &indices,
        Gather {
            dimension_numbers: GatherDimensionNumbers {
                offset_dims: vec![],
                collapsed_slice_dims: vec![dimension],
                start_index_map: vec![dimension],
                operand_batching_dims: others.clone(),
                start_indices_batching_dims: (0..others.len()).collect(),
            },
            slice_sizes: vec![1; x.ndim()],
            indices_are_sorted: false,
            unique_indices: true,
            mode: GatherScatterMode::PromiseInBounds,
            fill_value: None,
        },
    );
    moveaxis(&read, x.ndim() - 1, dimension)
}

/// `top_k`; see the function of that name. `axis` is the last dimension.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TopK {
    /// How many.
    pub k: usize,
    /// The last dimension, as JAX prints it.
    pub axis: usize,
}

impl Primitive for TopK {
    fn name(&self) -> &'static str {
        "top_k"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.show("axis", self.axis);
        params.show("k", self.k);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let operand = args[0];
        ensure!(
            operand.shape.last().is_some_and(|&n| self.k <= n),
            "top_k" => "k must not exceed the last dimension, got k {} for shape {}",
            self.k,
            show(&operand.shape)
        );
        ensure!(!operand.dtype.is_complex(), "top_k" => "complex numbers have no largest, got {operand}");
        let mut shape = operand.shape.clone();
        shape[self.axis] = self.k;
        Ok(smallvec![operand.with_shape(shape.iter().copied()), Aval::new(shape, DType::I32)])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        let mut rule = ShardingRule::elementwise(args, outs);
        for factors in rule.operands.iter_mut().chain(&mut rule.results) {
            factors[self.axis] = None;
        }
        rule
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], _: &[Aval]) -> Result<Values> {
        Ok(cx.builder.op_full(
            ops::TopK { k: self.k as i64 }.into(),
            args,
            vec![],
            None,
            Default::default(),
        )?)
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let (values, positions) = top_k(&primals[0], self.k);
        let tangent = tangents[0].as_ref().map(|t| take_along(t, &positions, self.axis));
        (smallvec![values, positions], smallvec![tangent, None])
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        let operand = moveaxis(&args[0], dims[0].expect("the operand is mapped"), 0);
        let (values, positions) = top_k(&operand, self.k);
        (smallvec![values, positions], smallvec![Some(0), Some(0)])
    }

    fn samples() -> Vec<Sample> {
        let values = [0.5, -1.0, 3.0, 2.0, -2.5, 1.5];
        let sample = |shape: &[usize], k: usize| {
            let prim = TopK { k, axis: shape.len() - 1 };
            Sample::new(Prim::new(prim), [SampleArg::values(shape.iter().copied(), DType::F32, values)])
        };
        vec![sample(&[6], 3), sample(&[2, 3], 1), sample(&[4], 0)]
    }
}
