//! Products of arrays: dot_general.

use crate::config;
use crate::error::Result;
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values, numpy_name,
};
use jacinth_lowering::ops::{dot as ops, elementwise};
use smallvec::{SmallVec, smallvec};

pub use jacinth_lowering::ops::dot::Precision;

use super::binary::add_any;
use super::convert::convert_weakly;
use super::rules::{batched, bind1, bump, distinct, ensure, remaining, show};
use super::shape::transpose;

/// Which dimensions of the two sides a product pairs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DotDimensionNumbers {
    /// Dimensions summed over, pairwise.
    pub lhs_contracting: Vec<usize>,
    /// Those of the right side.
    pub rhs_contracting: Vec<usize>,
    /// Dimensions that run in step, pairwise, and come first in the result.
    pub lhs_batch: Vec<usize>,
    /// Those of the right side.
    pub rhs_batch: Vec<usize>,
}

impl DotDimensionNumbers {
    /// `contracting` and `batch`, each the dimensions of the left and of the right side.
    ///
    /// ```
    /// use jacinth_frontend::lax::DotDimensionNumbers;
    /// // Matrices side by side: the last dimension with the last but one, batches in step.
    /// let numbers = DotDimensionNumbers::new((&[2], &[1]), (&[0], &[0]));
    /// assert_eq!((numbers.lhs_contracting, numbers.rhs_batch), (vec![2], vec![0]));
    /// ```
    pub fn new(contracting: (&[usize], &[usize]), batch: (&[usize], &[usize])) -> DotDimensionNumbers {
        DotDimensionNumbers {
            lhs_contracting: contracting.0.to_vec(),
            rhs_contracting: contracting.1.to_vec(),
            lhs_batch: batch.0.to_vec(),
            rhs_batch: batch.1.to_vec(),
        }
    }

    fn lhs_free(&self, rank: usize) -> Vec<usize> {
        remaining(rank, &[&self.lhs_contracting[..], &self.lhs_batch].concat())
    }

    fn rhs_free(&self, rank: usize) -> Vec<usize> {
        remaining(rank, &[&self.rhs_contracting[..], &self.rhs_batch].concat())
    }

    fn swapped(&self) -> DotDimensionNumbers {
        let DotDimensionNumbers { lhs_contracting, rhs_contracting, lhs_batch, rhs_batch } = self.clone();
        DotDimensionNumbers {
            lhs_contracting: rhs_contracting,
            rhs_contracting: lhs_contracting,
            lhs_batch: rhs_batch,
            rhs_batch: lhs_batch,
        }
    }

    /// The numbers with one more dimension mapped, and which dimension of the result that is.
    fn batched(
        &self,
        ranks: (usize, usize),
        dims: (Option<usize>, Option<usize>),
    ) -> (DotDimensionNumbers, usize) {
        let bump_lhs = |d: usize| (bump(&self.lhs_contracting, d), bump(&self.lhs_batch, d));
        let bump_rhs = |d: usize| (bump(&self.rhs_contracting, d), bump(&self.rhs_batch, d));
        let mut out = self.clone();
        if let Some(l) = dims.0 {
            (out.lhs_contracting, out.lhs_batch) = bump_lhs(l);
        }
        if let Some(r) = dims.1 {
            (out.rhs_contracting, out.rhs_batch) = bump_rhs(r);
        }
        let mapped = match dims {
            (Some(l), Some(r)) => {
                out.lhs_batch.insert(0, l);
                out.rhs_batch.insert(0, r);
                0
            }
            (Some(l), None) => {
                let free = out.lhs_free(ranks.0);
                self.lhs_batch.len() + free.iter().filter(|&&d| d < l).count()
            }
            (None, Some(r)) => {
                let free = out.rhs_free(ranks.1);
                ranks.0 - self.lhs_contracting.len() + free.iter().filter(|&&d| d < r).count()
            }
            (None, None) => unreachable!("one side is mapped"),
        };
        (out, mapped)
    }
}

/// The product summed over paired dimensions: `lhs[batch, m, k] × rhs[batch, k, n] → [batch, m, n]`, in any arrangement.
///
/// The result has the dtype `preferred_element_type`, or else the operands'.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// # use jacinth_frontend::lax::DotDimensionNumbers;
/// let (x, y) = (Array::from([[1, 2], [3, 4]]), Array::from([[1, 10], [1, 1]]));
/// // Rows with rows of the same number.
/// let numbers = DotDimensionNumbers::new((&[1], &[1]), (&[0], &[0]));
/// assert_eq!(lax::dot_general(&x, &y, numbers, None, None).to_vec::<i32>(), [21, 7]);
/// ```
///
/// # Panics
/// If dimensions repeat or are out of bounds, their numbers or sizes or the dtypes differ, or `preferred_element_type` is narrower than these.
#[track_caller]
pub fn dot_general(
    lhs: &Array,
    rhs: &Array,
    dimension_numbers: DotDimensionNumbers,
    precision: Option<Precision>,
    preferred_element_type: Option<DType>,
) -> Array {
    let precision = precision.or_else(default_precision).map(|p| (p, p));
    bind1(
        Prim::new(DotGeneral { dimension_numbers, precision, preferred_element_type }),
        &[lhs.clone(), rhs.clone()],
    )
}

/// Runs `f` with that precision for all products and convolutions on this thread that say none: `jax.default_matmul_precision`.
///
/// `None` leaves it to the plugin. It makes a difference on accelerators, which otherwise round what they multiply.
///
/// ```
/// # use jacinth_frontend::{Array, lax, make_jaxpr, numpy as jnp};
/// # use jacinth_frontend::lax::Precision;
/// let x = jnp::ones([2, 2]);
/// let text = lax::with_default_matmul_precision(Some(Precision::Highest), || {
///     make_jaxpr(|x: &Array| jnp::matmul(x, x))(&x).unwrap().to_string()
/// });
/// assert!(text.contains("precision=(Precision.HIGHEST, Precision.HIGHEST)"));
/// ```
pub fn with_default_matmul_precision<R>(precision: Option<Precision>, f: impl FnOnce() -> R) -> R {
    let number = match precision {
        None => 0,
        Some(Precision::Default) => 1,
        Some(Precision::High) => 2,
        Some(Precision::Highest) => 3,
    };
    config::with_precision(number, f)
}

/// The precision of products that say none, if one was set.
pub(crate) fn default_precision() -> Option<Precision> {
    [None, Some(Precision::Default), Some(Precision::High), Some(Precision::Highest)]
        [config::precision() as usize]
}

/// The name that jaxprs print.
pub(crate) fn precision_name(precision: Precision) -> &'static str {
    match precision {
        Precision::Default => "Precision.DEFAULT",
        Precision::High => "Precision.HIGH",
        Precision::Highest => "Precision.HIGHEST",
    }
}

/// `dot_general`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DotGeneral {
    /// Which dimensions are paired.
    pub dimension_numbers: DotDimensionNumbers,
    /// With which precision each side is taken.
    pub precision: Option<(Precision, Precision)>,
    /// The dtype of the result, if it is not the operands'.
    pub preferred_element_type: Option<DType>,
}

impl Primitive for DotGeneral {
    fn name(&self) -> &'static str {
        "dot_general"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        let n = &self.dimension_numbers;
        let show = |pair: (&[usize], &[usize])| format!("({:?}, {:?})", pair.0, pair.1);
        params.show(
            "dimension_numbers",
            format!(
                "({}, {})",
                show((&n.lhs_contracting, &n.rhs_contracting)),
                show((&n.lhs_batch, &n.rhs_batch))
            ),
        );
        if let Some((lhs, rhs)) = self.precision {
            params.tuple("precision", [precision_name(lhs), precision_name(rhs)]);
        }
        if let Some(dtype) = self.preferred_element_type {
            params.dtype("preferred_element_type", dtype);
        }
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let (lhs, rhs, n) = (args[0], args[1], &self.dimension_numbers);
        for (side, aval, contracting, batch) in
            [("lhs", lhs, &n.lhs_contracting, &n.lhs_batch), ("rhs", rhs, &n.rhs_contracting, &n.rhs_batch)]
        {
            let all = [&contracting[..], batch].concat();
            ensure!(
                distinct(&all) && all.iter().all(|&d| d < aval.rank()),
                "dot_general" => "contracting dimensions {} and batch dimensions {} must be distinct dimensions of the \
                 {side}, whose shape is {}",
                show(contracting),
                show(batch),
                show(&aval.shape)
            );
        }
        for (what, left, right) in
            [("contracting", &n.lhs_contracting, &n.rhs_contracting), ("batch", &n.lhs_batch, &n.rhs_batch)]
        {
            ensure!(
                left.len() == right.len(),
                "dot_general" => "there must be as many {what} dimensions of lhs as of rhs, got {} and {}",
                show(left),
                show(right)
            );
            for (&l, &r) in left.iter().zip(right) {
                ensure!(
                    lhs.shape[l] == rhs.shape[r],
                    "dot_general" => "{what} sizes differ: lhs dim {l} is {}, rhs dim {r} is {}; the shapes are {} and {}",
                    lhs.shape[l],
                    rhs.shape[r],
                    show(&lhs.shape),
                    show(&rhs.shape)
                );
            }
        }
        let dtype = self.result_dtype(lhs.dtype, rhs.dtype)?;
        let free = n.lhs_free(lhs.rank()).into_iter().map(|d| lhs.shape[d]);
        let free = free.chain(n.rhs_free(rhs.rank()).into_iter().map(|d| rhs.shape[d]));
        let shape = n.lhs_batch.iter().map(|&d| lhs.shape[d]).chain(free);
        let weak_type = lhs.weak_type && rhs.weak_type && self.preferred_element_type.is_none();
        Ok(smallvec![Aval::with_weak_type(shape, dtype, weak_type)])
    }

    fn sharding(&self, args: &[&Aval], _: &[Aval]) -> ShardingRule {
        let (lhs, rhs, n) = (args[0], args[1], &self.dimension_numbers);
        let mut left: Vec<Option<u32>> = (0..lhs.rank() as u32).map(Some).collect();
        let mut right: Vec<Option<u32>> =
            (0..rhs.rank() as u32).map(|d| Some(d + lhs.rank() as u32)).collect();
        for (&l, &r) in
            n.lhs_contracting.iter().zip(&n.rhs_contracting).chain(n.lhs_batch.iter().zip(&n.rhs_batch))
        {
            right[r] = left[l];
        }
        let result = n.lhs_batch.iter().map(|&d| left[d]);
        let result = result.chain(n.lhs_free(lhs.rank()).into_iter().map(|d| left[d]));
        let result = result.chain(n.rhs_free(rhs.rank()).into_iter().map(|d| right[d])).collect();
        for (factors, aval) in [(&mut left, lhs), (&mut right, rhs)] {
            factors.iter_mut().zip(&aval.shape).filter(|(_, d)| **d == 1).for_each(|(f, _)| *f = None);
        }
        ShardingRule { operands: vec![left, right], results: vec![result] }
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let n = &self.dimension_numbers;
        let sizes = |dims: &[usize]| -> jacinth_lowering::Shape { dims.iter().map(|&d| d as i64).collect() };
        let precision = self.precision.unwrap_or_default();
        let op = ops::DotGeneral {
            dimension_numbers: ops::DotDimensionNumbers {
                lhs_batching_dimensions: sizes(&n.lhs_batch),
                rhs_batching_dimensions: sizes(&n.rhs_batch),
                lhs_contracting_dimensions: sizes(&n.lhs_contracting),
                rhs_contracting_dimensions: sizes(&n.rhs_contracting),
            },
            precision_config: vec![precision.0, precision.1],
            algorithm: None,
        };
        // Both sides are brought to one dtype, which the operation asks for.
        let mut sides: SmallVec<[Value; 2]> = args.into();
        let (l, r) = (cx.tensor(args[0])?.clone(), cx.tensor(args[1])?.clone());
        if l.element != r.element {
            for (side, ty) in sides.iter_mut().zip([l, r]) {
                if ty.element != outs[0].dtype {
                    let aval = Aval::new(ty.shape.iter().map(|&d| d as usize), outs[0].dtype);
                    *side = cx.op_as(elementwise::Convert, &[*side], &aval)?;
                }
            }
        }
        Ok(smallvec![cx.op_as(op, &sides, &outs[0])?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let dot = |lhs: &Array, rhs: &Array| bind1(Prim::new(self.clone()), &[lhs.clone(), rhs.clone()]);
        let out = dot(&primals[0], &primals[1]);
        let left = tangents[0].as_ref().map(|t| dot(t, &primals[1]));
        let right = tangents[1].as_ref().map(|t| dot(&primals[0], t));
        let tangent = match (left, right) {
            (Some(left), Some(right)) => Some(add_any(&left, &right)),
            (left, right) => left.or(right),
        };
        (smallvec![out], smallvec![tangent])
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let Some(ct) = &cts[0] else { return Linear::Cotangents(smallvec![None, None]) };
        let mut out: Tangents = smallvec![None, None];
        if args[0].is_linear() {
            out[0] = Some(self.transpose_lhs(ct, args[0].aval(), args[1].known(), false));
        } else {
            let swapped = DotGeneral { dimension_numbers: self.dimension_numbers.swapped(), ..self.clone() };
            out[1] = Some(swapped.transpose_lhs(ct, args[1].aval(), args[0].known(), true));
        }
        Linear::Cotangents(out)
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        let ranks = (args[0].ndim(), args[1].ndim());
        let (dimension_numbers, mapped) = self.dimension_numbers.batched(ranks, (dims[0], dims[1]));
        batched(bind1(Prim::new(DotGeneral { dimension_numbers, ..self.clone() }), args), mapped)
    }

    fn samples() -> Vec<Sample> {
        let sample =
            |lhs: &[usize], rhs: &[usize], contracting: (&[usize], &[usize]), batch: (&[usize], &[usize])| {
                let dimension_numbers = DotDimensionNumbers::new(contracting, batch);
                let (lhs, rhs) = (lhs.to_vec(), rhs.to_vec());
                Sample::of(move |dtype| {
                    let prim = DotGeneral {
                        dimension_numbers: dimension_numbers.clone(),
                        precision: None,
                        preferred_element_type: Some(dtype),
                    };
                    Sample::new(Prim::new(prim), [&lhs, &rhs].map(|s| SampleArg::wide(s.clone(), dtype)))
                })
            };
        vec![
            sample(&[3], &[3], (&[0], &[0]), (&[], &[])),
            sample(&[2, 3], &[3, 4], (&[1], &[0]), (&[], &[])),
            sample(&[3, 2], &[4, 3], (&[0], &[1]), (&[], &[])),
            sample(&[2, 3, 4], &[2, 4, 5], (&[2], &[1]), (&[0], &[0])),
            sample(&[4, 2, 3], &[3, 4, 2], (&[2, 0], &[0, 1]), (&[1], &[2])),
            sample(&[2], &[3], (&[], &[]), (&[], &[])),
            sample(&[2, 0], &[0, 3], (&[1], &[0]), (&[], &[])),
        ]
    }
}

impl DotGeneral {
    fn result_dtype(&self, lhs: DType, rhs: DType) -> Result<DType> {
        // Mixed operands are allowed where one dtype is the richer: complex before real, wider before narrower.
        let rank = |d: DType| (d.is_complex(), d.is_float(), d.real().bits(), !d.is_unsigned());
        let natural = match rank(lhs).cmp(&rank(rhs)) {
            std::cmp::Ordering::Greater => lhs,
            std::cmp::Ordering::Less => rhs,
            std::cmp::Ordering::Equal => {
                ensure!(
                    lhs == rhs,
                    "dot_general" => "operands must have the same dtype, got {}, {}",
                    numpy_name(lhs),
                    numpy_name(rhs)
                );
                lhs
            }
        };
        let Some(preferred) = self.preferred_element_type.filter(|&p| p != natural) else {
            return Ok(natural);
        };
        ensure!(
            natural.is_float() || preferred.bits() >= natural.bits(),
            "dot_general" => "preferred_element_type {} is narrower than the operands' dtype {}",
            numpy_name(preferred),
            numpy_name(natural)
        );
        Ok(preferred)
    }

    /// The cotangent of the left side `x`; `swapped` if it is the right side of the product that gave `ct`.
    fn transpose_lhs(&self, ct: &Array, x: &Aval, y: &Array, swapped: bool) -> Array {
        let n = &self.dimension_numbers;
        let (x_kept, y_kept) = (n.lhs_free(x.rank()), n.rhs_free(y.ndim()));
        let batch = n.lhs_batch.len();
        // The result's dimensions: batch, then the free ones of the first side, then of the second.
        let first_of_y = if swapped { batch } else { batch + x_kept.len() };
        let ct_y: Vec<usize> = (first_of_y..first_of_y + y_kept.len()).collect();
        let ct_batch: Vec<usize> = (0..batch).collect();
        let numbers = DotDimensionNumbers::new((&ct_y, &y_kept), (&ct_batch, &n.rhs_batch));
        let prim = DotGeneral { dimension_numbers: numbers, ..self.clone() };
        let out = bind1(Prim::new(prim), &[ct.clone(), y.clone()]);
        // Contracted dimensions come in the order in which y has them.
        let mut pairs: Vec<(usize, usize)> =
            n.rhs_contracting.iter().copied().zip(n.lhs_contracting.iter().copied()).collect();
        pairs.sort_unstable();
        let order = n.lhs_batch.iter().copied().chain(x_kept).chain(pairs.into_iter().map(|(_, x)| x));
        let mut permutation = vec![0; x.rank()];
        for (position, dim) in order.enumerate() {
            permutation[dim] = position;
        }
        convert_weakly(&transpose(&out, &permutation), x.dtype, x.weak_type)
    }
}
