//! Reads at computed indices: gather.
//!
//! An index is a vector along the last dimension of `indices`. What happens to indices out of bounds is the mode's business:
//! clamped, filled, or promised not to occur. Writes at computed indices are in `scatter`.

use crate::error::Result;
use crate::ir::scalar_bytes;
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, Scalar, ShardingRule, Tangents, Value, Values, numpy_name,
};
use jacinth_lowering::ops::{constant, elementwise as el, gather as ops, reduce, shape as shape_ops};
use jacinth_lowering::{Literal, TensorType};
use smallvec::smallvec;

use super::rules::{at_front, batched, bind1, distinct, ensure, show, sizes};
use super::scatter::{ScatterDimensionNumbers, ScatterKind, ScatterParams, scatter_with};
use super::shape::{moveaxis, zeros_like};

/// How a gather reads.
///
/// Invariants: every list is of dimensions of the array that its name says; `offset_dims`, `collapsed_slice_dims` and
/// `operand_batching_dims` are sorted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct GatherDimensionNumbers {
    /// Result dimensions that index into a slice.
    pub offset_dims: Vec<usize>,
    /// Operand dimensions of slice size 1 that the result lacks.
    pub collapsed_slice_dims: Vec<usize>,
    /// The operand dimension of each component of an index.
    pub start_index_map: Vec<usize>,
    /// Operand dimensions that are paired with dimensions of the indices.
    pub operand_batching_dims: Vec<usize>,
    /// The dimensions of the indices with which they are paired.
    pub start_indices_batching_dims: Vec<usize>,
}

/// What happens to indices out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GatherScatterMode {
    /// Reads and writes are moved to the nearest place inside.
    Clip,
    /// Reads give a fill value, writes are dropped.
    FillOrDrop,
    /// The caller promises that there are none.
    PromiseInBounds,
}

impl GatherScatterMode {
    /// The name that jaxprs print.
    pub(crate) fn name(self) -> &'static str {
        match self {
            GatherScatterMode::Clip => "GatherScatterMode.CLIP",
            GatherScatterMode::FillOrDrop => "GatherScatterMode.FILL_OR_DROP",
            GatherScatterMode::PromiseInBounds => "GatherScatterMode.PROMISE_IN_BOUNDS",
        }
    }
}

/// Slices of `operand` of sizes `slice_sizes`, one at each index of `indices` (`int[…, n]`, where `n` is the length of
/// `start_index_map`).
///
/// In mode [`GatherScatterMode::FillOrDrop`], slices that are not wholly inside are NaN, or the smallest (signed) or largest (unsigned) integer.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// # use jacinth_frontend::lax::{GatherDimensionNumbers, GatherScatterMode};
/// let (x, rows) = (Array::from([[1, 2], [3, 4], [5, 6]]), Array::from([[2], [0]]));
/// let numbers = GatherDimensionNumbers {
///     offset_dims: vec![1],
///     collapsed_slice_dims: vec![0],
///     start_index_map: vec![0],
///     ..Default::default()
/// };
/// let y = lax::gather(&x, &rows, numbers, &[1, 2], GatherScatterMode::Clip);
/// assert_eq!(y.to_string(), "[[5 6]\n [1 2]]");
/// ```
///
/// # Panics
/// If the dimension numbers do not fit the operands.
#[track_caller]
pub fn gather(
    operand: &Array,
    indices: &Array,
    dimension_numbers: GatherDimensionNumbers,
    slice_sizes: &[usize],
    mode: GatherScatterMode,
) -> Array {
    let prim = Gather {
        dimension_numbers,
        slice_sizes: slice_sizes.to_vec(),
        indices_are_sorted: false,
        unique_indices: false,
        mode,
        fill_value: None,
    };
    gather_with(operand, indices, prim)
}

/// [`gather`] with every parameter: what is promised of the indices, and what fills places out of bounds.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// # use jacinth_frontend::lax::{Fill, Gather, GatherDimensionNumbers, GatherScatterMode};
/// # let (collapsed_slice_dims, start_index_map) = (vec![0], vec![0]);
/// # let dimension_numbers = GatherDimensionNumbers { collapsed_slice_dims, start_index_map, ..Default::default() };
/// let params = Gather {
///     dimension_numbers, // of single elements
///     slice_sizes: vec![1],
///     indices_are_sorted: true,
///     unique_indices: true,
///     mode: GatherScatterMode::FillOrDrop,
///     fill_value: Some(Fill::new(-1.0)),
/// };
/// let y = lax::gather_with(&Array::from([10, 20, 30]), &Array::from([[1], [7]]), params);
/// assert_eq!(y.to_vec::<i32>(), [20, -1]);
/// ```
///
/// # Panics
/// As [`gather`].
#[track_caller]
pub fn gather_with(operand: &Array, indices: &Array, params: Gather) -> Array {
    bind1(Prim::new(params), &[operand.clone(), indices.clone()])
}

/// `gather`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gather {
    /// How.
    pub dimension_numbers: GatherDimensionNumbers,
    /// The size of each slice.
    pub slice_sizes: Vec<usize>,
    /// Whether the indices are promised to be sorted.
    pub indices_are_sorted: bool,
    /// Whether the indices are promised to be distinct.
    pub unique_indices: bool,
    /// What happens to indices out of bounds.
    pub mode: GatherScatterMode,
    /// What [`GatherScatterMode::FillOrDrop`] fills with, instead of the default.
    pub fill_value: Option<Fill>,
}

/// A fill value that can be compared and hashed: the bits of a double.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fill(u64);

impl Fill {
    /// That number.
    ///
    /// ```
    /// # use jacinth_frontend::lax::Fill;
    /// assert_ne!(Fill::new(0.0), Fill::new(-0.0));
    /// ```
    pub fn new(value: f64) -> Self {
        Fill(value.to_bits())
    }

    fn value(self) -> f64 {
        f64::from_bits(self.0)
    }
}

/// What reads out of bounds give where nothing else was said.
fn default_fill(dtype: DType) -> Scalar {
    if dtype.is_signed() {
        Scalar::Int(-1i64 << (dtype.bits() - 1))
    } else if dtype.is_unsigned() {
        Scalar::UInt(u64::MAX >> (64 - dtype.bits()))
    } else if dtype.is_boolean() {
        Scalar::Bool(true)
    } else {
        Scalar::Float(f64::NAN)
    }
}

impl Gather {
    /// Result dimensions that index into `indices`.
    fn batch_dims(&self, out_rank: usize) -> Vec<usize> {
        (0..out_rank).filter(|d| !self.dimension_numbers.offset_dims.contains(d)).collect()
    }

    fn hlo(&self, index_rank: usize) -> ops::Gather {
        let d = &self.dimension_numbers;
        ops::Gather {
            dimension_numbers: ops::GatherDimensionNumbers {
                offset_dims: sizes(&d.offset_dims),
                collapsed_slice_dims: sizes(&d.collapsed_slice_dims),
                operand_batching_dims: sizes(&d.operand_batching_dims),
                start_indices_batching_dims: sizes(&d.start_indices_batching_dims),
                start_index_map: sizes(&d.start_index_map),
                index_vector_dim: index_rank as i64 - 1,
            },
            slice_sizes: sizes(&self.slice_sizes),
            indices_are_sorted: self.indices_are_sorted,
        }
    }

    /// Which slices lie wholly inside, as booleans of the result's shape.
    fn in_bounds(&self, cx: &mut LowerCx<'_>, args: &[Value], out: &Aval) -> Result<Value> {
        let (operand, indices) = (aval_of(cx, args[0])?, aval_of(cx, args[1])?);
        let upper: Vec<i64> = self
            .dimension_numbers
            .start_index_map
            .iter()
            .map(|&d| operand.shape[d] as i64 - self.slice_sizes[d] as i64)
            .collect();
        let last = indices.rank() as i64 - 1;
        let upper = vector(cx, &upper, indices.dtype)?;
        let upper = spread(cx, upper, &indices.shape, &[last])?;
        let zero = cx.constant(0.0, &Aval::scalar(indices.dtype, false))?;
        let zero = spread(cx, zero, &indices.shape, &[])?;
        let compare_type =
            Some(if indices.dtype.is_signed() { el::CompareType::Signed } else { el::CompareType::Unsigned });
        let above = cx.op(el::Compare { direction: el::Direction::Ge, compare_type }, &[args[1], zero])?;
        let below = cx.op(el::Compare { direction: el::Direction::Le, compare_type }, &[args[1], upper])?;
        let inside = cx.op(el::Binary::And, &[above, below])?;
        let boolean = Aval::scalar(DType::I1, false);
        let yes = cx.constant(1.0, &boolean)?;
        let and =
            cx.block(&[boolean.clone(), boolean], |cx, args| Ok(smallvec![cx.op(el::Binary::And, args)?]))?;
        let op = reduce::Reduce { dimensions: smallvec![last] };
        let inside = cx.builder.op_full(op.into(), &[inside, yes], vec![and], None, Default::default())?[0];
        let batch: Vec<i64> = self.batch_dims(out.rank()).iter().map(|&d| d as i64).collect();
        spread(cx, inside, &out.shape, &batch)
    }
}

/// The aval of a value of the module.
pub(super) fn aval_of(cx: &LowerCx<'_>, value: Value) -> Result<Aval> {
    let ty = cx.tensor(value)?;
    Ok(Aval::new(ty.shape.iter().map(|&d| d as usize), ty.element))
}

/// A constant vector of integers of that dtype.
pub(super) fn vector(cx: &mut LowerCx<'_>, values: &[i64], dtype: DType) -> Result<Value> {
    let mut bytes = Vec::with_capacity(values.len() * dtype.byte_width());
    for &value in values {
        bytes.extend(scalar_bytes(Scalar::Int(value), dtype)?);
    }
    let ty = TensorType::new([values.len() as i64], dtype);
    cx.op(constant::Constant { value: Literal::from_bytes(ty, bytes)? }, &[])
}

/// The value broadcast to `shape`, its dimension `i` becoming dimension `dims[i]`.
pub(super) fn spread(cx: &mut LowerCx<'_>, value: Value, shape: &[usize], dims: &[i64]) -> Result<Value> {
    let out = aval_of(cx, value)?.with_shape(shape.iter().copied());
    cx.op_as(shape_ops::BroadcastInDim { broadcast_dimensions: dims.into() }, &[value], &out)
}

impl Primitive for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        let d = &self.dimension_numbers;
        params.show(
            "dimension_numbers",
            format_args!(
                "GatherDimensionNumbers(offset_dims={}, collapsed_slice_dims={}, start_index_map={}, \
                 operand_batching_dims={}, start_indices_batching_dims={})",
                show(&d.offset_dims),
                show(&d.collapsed_slice_dims),
                show(&d.start_index_map),
                show(&d.operand_batching_dims),
                show(&d.start_indices_batching_dims)
            ),
        );
        match self.fill_value {
            Some(fill) => params.show("fill_value", fill.value()),
            None => params.none("fill_value"),
        }
        params.flag("indices_are_sorted", self.indices_are_sorted);
        params.show("mode", self.mode.name());
        params.tuple("slice_sizes", &self.slice_sizes);
        params.flag("unique_indices", self.unique_indices);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let (operand, indices, d) = (args[0], args[1], &self.dimension_numbers);
        ensure!(
            indices.dtype.is_integer(),
            "gather" => "indices must be integers, got {}",
            numpy_name(indices.dtype)
        );
        ensure!(
            indices.shape.last() == Some(&d.start_index_map.len()),
            "gather" => "the last dimension of indices of shape {} must be the length of start_index_map {}",
            show(&indices.shape),
            show(&d.start_index_map)
        );
        ensure!(
            self.slice_sizes.len() == operand.rank()
                && self.slice_sizes.iter().zip(&operand.shape).all(|(s, d)| s <= d),
            "gather" => "slice_sizes must not exceed the operand's shape, got slice_sizes {} for shape {}",
            show(&self.slice_sizes),
            show(&operand.shape)
        );
        let gone: Vec<usize> =
            d.collapsed_slice_dims.iter().chain(&d.operand_batching_dims).copied().collect();
        ensure!(
            distinct(&gone) && gone.iter().all(|&i| i < operand.rank() && self.slice_sizes[i] <= 1),
            "gather" => "collapsed_slice_dims {} and operand_batching_dims {} must be distinct dimensions of slice size 1, \
             got slice_sizes {}",
            show(&d.collapsed_slice_dims),
            show(&d.operand_batching_dims),
            show(&self.slice_sizes)
        );
        ensure!(
            distinct(&d.start_index_map) && d.start_index_map.iter().all(|&i| i < operand.rank()),
            "gather" => "start_index_map {} must be distinct dimensions of an operand of shape {}",
            show(&d.start_index_map),
            show(&operand.shape)
        );
        ensure!(
            d.operand_batching_dims.len() == d.start_indices_batching_dims.len()
                && d.operand_batching_dims.iter().zip(&d.start_indices_batching_dims).all(|(&o, &i)| {
                    i + 1 < indices.rank() && operand.shape[o] == indices.shape[i]
                }),
            "gather" => "operand_batching_dims {} of shape {} and start_indices_batching_dims {} of shape {} must pair \
             dimensions of the same size",
            show(&d.operand_batching_dims),
            show(&operand.shape),
            show(&d.start_indices_batching_dims),
            show(&indices.shape)
        );
        let offsets: Vec<usize> =
            (0..operand.rank()).filter(|i| !gone.contains(i)).map(|i| self.slice_sizes[i]).collect();
        let rank = offsets.len() + indices.rank() - 1;
        ensure!(
            d.offset_dims.len() == offsets.len() && d.offset_dims.is_sorted() && distinct(&d.offset_dims)
                && d.offset_dims.iter().all(|&i| i < rank),
            "gather" => "offset_dims {} must be {} sorted dimensions below {rank}",
            show(&d.offset_dims),
            offsets.len()
        );
        let (mut offset, mut batch) = (offsets.iter(), indices.shape[..indices.rank() - 1].iter());
        let size = |i: usize| if d.offset_dims.contains(&i) { offset.next() } else { batch.next() };
        let shape: Vec<usize> = (0..rank).map(size).map(|s| *s.expect("counted above")).collect();
        Ok(smallvec![operand.with_shape(shape)])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        // Dimensions of the indices correspond to the result's batch dimensions.
        let mut rule = ShardingRule::replicated(args, outs);
        for (i, &d) in self.batch_dims(outs[0].rank()).iter().enumerate() {
            (rule.operands[1][i], rule.results[0][d]) = (Some(i as u32), Some(i as u32));
        }
        let d = &self.dimension_numbers;
        for (&o, &i) in d.operand_batching_dims.iter().zip(&d.start_indices_batching_dims) {
            rule.operands[0][o] = Some(i as u32);
        }
        rule
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let index_rank = aval_of(cx, args[1])?.rank();
        if self.mode != GatherScatterMode::FillOrDrop {
            return Ok(smallvec![cx.op(self.hlo(index_rank), args)?]);
        }
        let out = &outs[0];
        let inside = self.in_bounds(cx, args, out)?;
        let read = cx.op(self.hlo(index_rank), args)?;
        let fill = self.fill_value.map_or_else(|| default_fill(out.dtype), |f| Scalar::Float(f.value()));
        let fill = cx.constant(fill, &Aval::scalar(out.dtype, false))?;
        let fill = spread(cx, fill, &out.shape, &[])?;
        Ok(smallvec![cx.op(el::Select, &[inside, read, fill])?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let out = gather_with(&primals[0], &primals[1], self.clone());
        let tangent = tangents[0].as_ref().map(|t| {
            gather_with(t, &primals[1], Gather { fill_value: Some(Fill::new(0.0)), ..self.clone() })
        });
        (smallvec![out], smallvec![tangent])
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let (operand, d) = (args[0].aval(), &self.dimension_numbers);
        let spread = |ct: &Array| {
            let zeros = zeros_like(operand);
            scatter_with(
                &zeros,
                args[1].known(),
                ct,
                ScatterParams {
                    kind: ScatterKind::Add,
                    dimension_numbers: ScatterDimensionNumbers {
                        update_window_dims: d.offset_dims.clone(),
                        inserted_window_dims: d.collapsed_slice_dims.clone(),
                        scatter_dims_to_operand_dims: d.start_index_map.clone(),
                        operand_batching_dims: d.operand_batching_dims.clone(),
                        scatter_indices_batching_dims: d.start_indices_batching_dims.clone(),
                    },
                    indices_are_sorted: self.indices_are_sorted,
                    unique_indices: self.unique_indices,
                    mode: self.mode,
                },
            )
        };
        Linear::Cotangents(smallvec![cts[0].as_ref().map(spread), None])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let d = &self.dimension_numbers;
        let up = |dims: &[usize]| dims.iter().map(|&i| i + 1).collect::<Vec<_>>();
        let zero_and =
            |dims: &[usize]| std::iter::once(0).chain(dims.iter().map(|&i| i + 1)).collect::<Vec<_>>();
        let sized =
            |size: usize| std::iter::once(size).chain(self.slice_sizes.iter().copied()).collect::<Vec<_>>();
        let (operand, indices, numbers, slice_sizes);
        match (dims[0], dims[1]) {
            (Some(from), None) => {
                (operand, indices) = (moveaxis(&args[0], from, 0), args[1].clone());
                slice_sizes = sized(axis.size);
                numbers = GatherDimensionNumbers {
                    offset_dims: zero_and(&d.offset_dims),
                    collapsed_slice_dims: up(&d.collapsed_slice_dims),
                    start_index_map: up(&d.start_index_map),
                    operand_batching_dims: up(&d.operand_batching_dims),
                    start_indices_batching_dims: d.start_indices_batching_dims.clone(),
                };
            }
            (None, _) => {
                (operand, indices) = (args[0].clone(), at_front(&args[1], dims[1], axis.size));
                slice_sizes = self.slice_sizes.clone();
                numbers = GatherDimensionNumbers {
                    offset_dims: up(&d.offset_dims),
                    start_indices_batching_dims: up(&d.start_indices_batching_dims),
                    ..d.clone()
                };
            }
            (Some(from), Some(to)) => {
                (operand, indices) = (moveaxis(&args[0], from, 0), moveaxis(&args[1], to, 0));
                slice_sizes = sized(axis.size.min(1));
                numbers = GatherDimensionNumbers {
                    offset_dims: up(&d.offset_dims),
                    collapsed_slice_dims: up(&d.collapsed_slice_dims),
                    start_index_map: up(&d.start_index_map),
                    operand_batching_dims: zero_and(&d.operand_batching_dims),
                    start_indices_batching_dims: zero_and(&d.start_indices_batching_dims),
                };
            }
        }
        // Mapped indices into a shared array may repeat across the map.
        let own = dims[1].is_none();
        let params = Gather {
            dimension_numbers: numbers,
            slice_sizes,
            indices_are_sorted: self.indices_are_sorted && (own || dims[0].is_some()),
            unique_indices: self.unique_indices && (own || dims[0].is_some()),
            ..self.clone()
        };
        batched(gather_with(&operand, &indices, params), 0)
    }

    fn samples() -> Vec<Sample> {
        let sample =
            |operand: &[usize], (index_shape, index): (&[usize], &[f64]), numbers, slice: &[usize], mode| {
                let prim = Gather {
                    dimension_numbers: numbers,
                    slice_sizes: slice.to_vec(),
                    indices_are_sorted: false,
                    unique_indices: false,
                    mode,
                    fill_value: None,
                };
                let index = SampleArg::values(index_shape.iter().copied(), DType::I32, index);
                let mut sample =
                    Sample::new(Prim::new(prim), [SampleArg::f32(operand.iter().copied()), index]);
                sample.differentiable = true;
                sample
            };
        let rows = || GatherDimensionNumbers {
            offset_dims: vec![1],
            collapsed_slice_dims: vec![0],
            start_index_map: vec![0],
            ..Default::default()
        };
        let elements = GatherDimensionNumbers {
            collapsed_slice_dims: vec![0, 1],
            start_index_map: vec![0, 1],
            ..Default::default()
        };
        let windows =
            GatherDimensionNumbers { offset_dims: vec![0], start_index_map: vec![0], ..Default::default() };
        let paired = GatherDimensionNumbers {
            collapsed_slice_dims: vec![1],
            start_index_map: vec![1],
            operand_batching_dims: vec![0],
            start_indices_batching_dims: vec![0],
            ..Default::default()
        };
        vec![
            sample(&[4, 3], (&[2, 1], &[3.0, 1.0]), rows(), &[1, 3], GatherScatterMode::PromiseInBounds),
            sample(&[4, 3], (&[3, 1], &[3.0, 9.0, 3.0]), rows(), &[1, 3], GatherScatterMode::Clip),
            sample(&[4, 3], (&[2, 2], &[0.0, 2.0, 1.0, 1.0]), elements, &[1, 1], GatherScatterMode::Clip),
            sample(&[6], (&[2, 1], &[1.0, 3.0]), windows, &[3], GatherScatterMode::PromiseInBounds),
            sample(&[2, 3], (&[2, 1], &[2.0, 0.0]), paired, &[1, 1], GatherScatterMode::PromiseInBounds),
        ]
    }
}
