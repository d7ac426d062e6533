//! Writes at computed indices: scatter, and its variants that add, multiply, or take the smaller or larger.
//!
//! The variants are one primitive with a kind; each kind prints under JAX's name for it. Writes out of bounds are dropped, or moved
//! inside in mode clip. Reads at computed indices are in `gather`.

use std::sync::{Arc, OnceLock};

use crate::error::Result;
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Jaxpr, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values, numpy_name,
};
use crate::trace::stage;
use jacinth_lowering::ops::{elementwise as el, gather as ops};
use smallvec::smallvec;

use super::binary::{add, div, max, min, mul, sub};
use super::compare::eq;
use super::convert::convert_element_type;
use super::gather::{
    Fill, Gather, GatherDimensionNumbers, GatherScatterMode, aval_of, gather_with, spread, vector,
};
use super::rules::{
    at_front, batched, bind1, distinct, ensure, instantiate, refuse, same_dtypes, show, sizes,
};
use super::select::select;
use super::shape::{broadcast_in_dim, broadcasted_iota, full, full_like, reshape};
use super::traced::while_loop;
use crate::transform::{batch, move_to};

/// How a scatter writes.
///
/// Invariants: every list is of dimensions of the array that its name says; `update_window_dims`, `inserted_window_dims` and
/// `operand_batching_dims` are sorted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct ScatterDimensionNumbers {
    /// Update dimensions that index into a window.
    pub update_window_dims: Vec<usize>,
    /// Operand dimensions of window size 1 that updates lack.
    pub inserted_window_dims: Vec<usize>,
    /// The operand dimension of each component of an index.
    pub scatter_dims_to_operand_dims: Vec<usize>,
    /// Operand dimensions that are paired with dimensions of the indices.
    pub operand_batching_dims: Vec<usize>,
    /// The dimensions of the indices with which they are paired.
    pub scatter_indices_batching_dims: Vec<usize>,
}

/// What a scatter does with the old value and the update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScatterKind {
    /// Takes the update; which one, where several meet, is undefined.
    Set,
    /// Their sum.
    Add,
    /// Old value minus update.
    Sub,
    /// Their product.
    Mul,
    /// The smaller.
    Min,
    /// The larger.
    Max,
}

/// Everything a scatter is told beside its operands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ScatterParams {
    /// What happens where an update meets the old value.
    pub kind: ScatterKind,
    /// How.
    pub dimension_numbers: ScatterDimensionNumbers,
    /// Whether the indices are promised to be sorted.
    pub indices_are_sorted: bool,
    /// Whether the indices are promised to be distinct.
    pub unique_indices: bool,
    /// What happens to indices out of bounds.
    pub mode: GatherScatterMode,
}

macro_rules! scatters {
    ($($(#[$doc:meta])* $name:ident $kind:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// `indices` is `int[…, n]`, where `n` is the length of `scatter_dims_to_operand_dims`; updates have the dimensions of `indices`
        /// but the last, and the windows' at `update_window_dims`.
        ///
        /// # Panics
        /// If the dimension numbers do not fit the operands.
        #[track_caller]
        pub fn $name(
            operand: &Array,
            indices: &Array,
            updates: &Array,
            dimension_numbers: ScatterDimensionNumbers,
            mode: GatherScatterMode,
        ) -> Array {
            let (indices_are_sorted, unique_indices) = (false, false);
            let kind = ScatterKind::$kind;
            scatter_with(operand, indices, updates, ScatterParams { kind, dimension_numbers, indices_are_sorted, unique_indices, mode })
        }
    )*};
}

scatters! {
    /// The operand with `updates` written over windows at computed indices.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// # use jacinth_frontend::lax::{GatherScatterMode, ScatterDimensionNumbers};
    /// let numbers = ScatterDimensionNumbers {
    ///     inserted_window_dims: vec![0],
    ///     scatter_dims_to_operand_dims: vec![0],
    ///     ..Default::default()
    /// };
    /// let (at, updates) = (Array::from([[3], [1]]), Array::from([7, 8]));
    /// let x = lax::scatter(&Array::from([0, 0, 0, 0]), &at, &updates, numbers, GatherScatterMode::Clip);
    /// assert_eq!(x.to_vec::<i32>(), [0, 8, 0, 7]);
    /// ```
    scatter Set;
    /// The operand with `updates` added to windows at computed indices.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// # use jacinth_frontend::lax::{GatherScatterMode, ScatterDimensionNumbers};
    /// # let (inserted_window_dims, scatter_dims_to_operand_dims) = (vec![0], vec![0]);
    /// # let numbers = ScatterDimensionNumbers { inserted_window_dims, scatter_dims_to_operand_dims, ..Default::default() };
    /// // With the dimension numbers of [`scatter`]'s example; updates of the same place add up.
    /// let (at, updates) = (Array::from([[1], [1], [9]]), Array::from([10, 20, 30]));
    /// let x = lax::scatter_add(&Array::from([1, 2, 3]), &at, &updates, numbers, GatherScatterMode::FillOrDrop);
    /// assert_eq!(x.to_vec::<i32>(), [1, 32, 3]);
    /// ```
    scatter_add Add;
    /// The operand with `updates` subtracted from windows at computed indices.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// # use jacinth_frontend::lax::{GatherScatterMode, ScatterDimensionNumbers};
    /// # let (inserted_window_dims, scatter_dims_to_operand_dims) = (vec![0], vec![0]);
    /// # let numbers = ScatterDimensionNumbers { inserted_window_dims, scatter_dims_to_operand_dims, ..Default::default() };
    /// let (at, updates) = (Array::from([[0], [2]]), Array::from([5, 5]));
    /// let x = lax::scatter_sub(&Array::from([1, 2, 3]), &at, &updates, numbers, GatherScatterMode::Clip);
    /// assert_eq!(x.to_vec::<i32>(), [-4, 2, -2]);
    /// ```
    scatter_sub Sub;
    /// The operand with windows at computed indices multiplied by `updates`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// # use jacinth_frontend::lax::{GatherScatterMode, ScatterDimensionNumbers};
    /// # let (inserted_window_dims, scatter_dims_to_operand_dims) = (vec![0], vec![0]);
    /// # let numbers = ScatterDimensionNumbers { inserted_window_dims, scatter_dims_to_operand_dims, ..Default::default() };
    /// let (at, updates) = (Array::from([[0], [0]]), Array::from([2, 3]));
    /// let x = lax::scatter_mul(&Array::from([1, 2, 3]), &at, &updates, numbers, GatherScatterMode::Clip);
    /// assert_eq!(x.to_vec::<i32>(), [6, 2, 3]);
    /// ```
    scatter_mul Mul;
    /// The smaller of the operand and `updates` in windows at computed indices.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// # use jacinth_frontend::lax::{GatherScatterMode, ScatterDimensionNumbers};
    /// # let (inserted_window_dims, scatter_dims_to_operand_dims) = (vec![0], vec![0]);
    /// # let numbers = ScatterDimensionNumbers { inserted_window_dims, scatter_dims_to_operand_dims, ..Default::default() };
    /// let (at, updates) = (Array::from([[0], [2]]), Array::from([2, 2]));
    /// let x = lax::scatter_min(&Array::from([1, 2, 3]), &at, &updates, numbers, GatherScatterMode::Clip);
    /// assert_eq!(x.to_vec::<i32>(), [1, 2, 2]);
    /// ```
    scatter_min Min;
    /// The larger of the operand and `updates` in windows at computed indices.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// # use jacinth_frontend::lax::{GatherScatterMode, ScatterDimensionNumbers};
    /// # let (inserted_window_dims, scatter_dims_to_operand_dims) = (vec![0], vec![0]);
    /// # let numbers = ScatterDimensionNumbers { inserted_window_dims, scatter_dims_to_operand_dims, ..Default::default() };
    /// let (at, updates) = (Array::from([[0], [2]]), Array::from([2, 2]));
    /// let x = lax::scatter_max(&Array::from([1, 2, 3]), &at, &updates, numbers, GatherScatterMode::Clip);
    /// assert_eq!(x.to_vec::<i32>(), [2, 2, 3]);
    /// ```
    scatter_max Max;
}

/// The operand with windows at computed indices replaced by `func` of what stood there, element by element; where several meet it is
/// applied as often.
///
/// `update_shape` is the shape that updates would have; see [`scatter`]. It has no derivative.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// # use jacinth_frontend::lax::{GatherScatterMode, ScatterDimensionNumbers};
/// # let (inserted_window_dims, scatter_dims_to_operand_dims) = (vec![0], vec![0]);
/// # let numbers = ScatterDimensionNumbers { inserted_window_dims, scatter_dims_to_operand_dims, ..Default::default() };
/// let (x, at) = (Array::from([1.0f32, 2.0, 3.0]), Array::from([[1], [2], [2]]));
/// let x = lax::scatter_apply(&x, &at, |x| 10.0 * x, numbers, &[3], GatherScatterMode::Clip);
/// assert_eq!(x.to_vec::<f32>(), [1.0, 20.0, 300.0]);
/// ```
///
/// # Panics
/// If the dimension numbers do not fit the operand, or `func` of a scalar is not such a scalar.
#[track_caller]
pub fn scatter_apply(
    operand: &Array,
    indices: &Array,
    func: impl Fn(&Array) -> Array,
    dimension_numbers: ScatterDimensionNumbers,
    update_shape: &[usize],
    mode: GatherScatterMode,
) -> Array {
    let count = |value: i64, shape: &[usize]| full(shape, value, DType::I32);
    let hits =
        scatter_add(&count(0, operand.shape()), indices, &count(1, update_shape), dimension_numbers, mode);
    let size = operand.size();
    let (flat, hits) = (reshape(operand, &[size]), reshape(&hits, &[size]));
    let at = crate::trace::here();
    let applied = |x: &Array| {
        let each = |args: Vec<Array>| vec![func(&args[0])];
        let (outs, dims) = batch(each, std::slice::from_ref(x), &[Some(0)], AxisInfo::new(size, None), at);
        let out = move_to(&super::KIT, &outs[0], dims[0], 0, size);
        if !out.aval().same_type(x.aval()) {
            refuse!("scatter_apply" => "the function must keep the type {}, it gives {}", x.aval(), out.aval())
        }
        out
    };
    let most = super::reduce_max(&hits, &[0]);
    let turn = |carry: &[Array]| {
        let wanted = super::lt(&broadcast_in_dim(&carry[0], &[size], &[]), &hits);
        vec![add(&carry[0], &count(1, &[])), select(&wanted, &applied(&carry[1]), &carry[1])]
    };
    let done = while_loop(|carry| super::lt(&carry[0], &most), turn, vec![count(0, &[]), flat]);
    reshape(&done[1], operand.shape())
}

/// [`scatter`] with every parameter: what happens to old values, and what is promised of the indices.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// # use jacinth_frontend::lax::{GatherScatterMode, ScatterDimensionNumbers, ScatterKind, ScatterParams};
/// # let (inserted_window_dims, scatter_dims_to_operand_dims) = (vec![0], vec![0]);
/// # let numbers = ScatterDimensionNumbers { inserted_window_dims, scatter_dims_to_operand_dims, ..Default::default() };
/// let params = ScatterParams {
///     kind: ScatterKind::Add,
///     dimension_numbers: numbers,
///     indices_are_sorted: true,
///     unique_indices: true,
///     mode: GatherScatterMode::PromiseInBounds,
/// };
/// let (at, updates) = (Array::from([[0], [2]]), Array::from([10, 20]));
/// assert_eq!(lax::scatter_with(&Array::from([1, 2, 3]), &at, &updates, params).to_vec::<i32>(), [11, 2, 23]);
/// ```
///
/// # Panics
/// As [`scatter`].
#[track_caller]
pub fn scatter_with(operand: &Array, indices: &Array, updates: &Array, params: ScatterParams) -> Array {
    let prim = Scatter { params, dtype: operand.dtype() };
    bind1(Prim::new(prim), &[operand.clone(), indices.clone(), updates.clone()])
}

/// The primitive of [`scatter`] and its variants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scatter {
    /// Everything it is told.
    pub params: ScatterParams,
    /// The operand's dtype, in which the jaxpr that combines is printed.
    pub dtype: DType,
}

impl ScatterKind {
    fn op(self) -> Option<el::Binary> {
        match self {
            ScatterKind::Set => None,
            ScatterKind::Add => Some(el::Binary::Add),
            ScatterKind::Sub => Some(el::Binary::Subtract),
            ScatterKind::Mul => Some(el::Binary::Multiply),
            ScatterKind::Min => Some(el::Binary::Minimum),
            ScatterKind::Max => Some(el::Binary::Maximum),
        }
    }

    /// The jaxpr that combines an old value with an update, as JAX prints it.
    fn update_jaxpr(self, dtype: DType) -> Option<&'static Arc<Jaxpr>> {
        const KINDS: usize = 6;
        const DTYPES: usize = DType::ALL.len();
        static TABLE: [[OnceLock<Arc<Jaxpr>>; DTYPES]; KINDS] =
            [const { [const { OnceLock::new() }; DTYPES] }; KINDS];
        let apply: fn(&Array, &Array) -> Array = match self {
            ScatterKind::Set => return None,
            ScatterKind::Add => add,
            ScatterKind::Sub => sub,
            ScatterKind::Mul => mul,
            ScatterKind::Min => min,
            ScatterKind::Max => max,
        };
        let scalar = Aval::scalar(dtype, false);
        Some(TABLE[self as usize][dtype as usize].get_or_init(|| {
            let here = std::panic::Location::caller();
            stage("update", &[scalar.clone(), scalar], here, |args| vec![apply(&args[0], &args[1])]).jaxpr
        }))
    }
}

impl ScatterParams {
    /// The gather that reads what this scatter writes.
    fn reader(&self, operand: &Aval, updates: &Aval) -> Gather {
        let d = &self.dimension_numbers;
        let mut window = d.update_window_dims.iter();
        let size = |i: usize| {
            if d.inserted_window_dims.contains(&i) || d.operand_batching_dims.contains(&i) {
                1
            } else {
                updates.shape[*window.next().expect("a window dimension for every other dimension")]
            }
        };
        Gather {
            slice_sizes: (0..operand.rank()).map(size).collect(),
            dimension_numbers: GatherDimensionNumbers {
                offset_dims: d.update_window_dims.clone(),
                collapsed_slice_dims: d.inserted_window_dims.clone(),
                start_index_map: d.scatter_dims_to_operand_dims.clone(),
                operand_batching_dims: d.operand_batching_dims.clone(),
                start_indices_batching_dims: d.scatter_indices_batching_dims.clone(),
            },
            indices_are_sorted: self.indices_are_sorted,
            unique_indices: self.unique_indices,
            mode: self.mode,
            fill_value: Some(Fill::new(0.0)),
        }
    }

    fn with_kind(&self, kind: ScatterKind) -> Self {
        ScatterParams { kind, ..self.clone() }
    }

    /// Value and tangent where one update wins and the rest are lost: every write gets a number, and only the tangent of the number that
    /// is read back counts.
    fn jvp_of_winner(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Array, Array) {
        let (operand, indices, updates) = (&primals[0], &primals[1], &primals[2]);
        let out = scatter_with(operand, indices, updates, self.clone());
        let (g_operand, g_updates) =
            (instantiate(&tangents[0], operand.aval()), instantiate(&tangents[2], updates.aval()));
        let set = self.with_kind(ScatterKind::Set);
        if self.unique_indices {
            return (out, scatter_with(&g_operand, indices, &g_updates, set));
        }
        // Numbers from 1 on, one for each element of the updates, in a width that holds them exactly.
        let number = |n: usize| Array::scalar(n as i64, DType::UI32, false);
        let ids = reshape(&broadcasted_iota(DType::UI32, &[updates.size()], 0), updates.shape());
        let ids = add(&ids, &broadcast_in_dim(&number(1), updates.shape(), &[]));
        let won = scatter_with(&full(operand.shape(), 0, DType::UI32), indices, &ids, set);
        let read = gather_with(&won, indices, self.reader(won.aval(), updates.aval()));
        let g_updates = select(&eq(&ids, &read), &g_updates, &full_like(&g_updates, 0.0));
        let untouched = eq(&won, &broadcast_in_dim(&number(0), operand.shape(), &[]));
        let g_operand = select(&untouched, &g_operand, &full_like(&g_operand, 0.0));
        (out, scatter_with(&g_operand, indices, &g_updates, self.with_kind(ScatterKind::Add)))
    }

    /// Value and tangent of the smaller or larger: the tangent is shared evenly among all that equal the result.
    fn jvp_of_extremum(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Array, Array) {
        let (operand, indices, updates) = (&primals[0], &primals[1], &primals[2]);
        let out = scatter_with(operand, indices, updates, self.clone());
        let (g_operand, g_updates) =
            (instantiate(&tangents[0], operand.aval()), instantiate(&tangents[2], updates.aval()));
        let sum = self.with_kind(ScatterKind::Add);
        let reader = self.reader(operand.aval(), updates.aval());
        let read = |x: &Array| gather_with(x, indices, reader.clone());
        let as_number = |pred: &Array| convert_element_type(pred, operand.dtype());
        let kept = as_number(&eq(operand, &out));
        let reached = as_number(&eq(updates, &read(&out)));
        let count = scatter_with(&kept, indices, &reached, sum.clone());
        let share = |mask: &Array, g: &Array, count: &Array| mul(mask, &div(g, count));
        // Where nothing reaches the result (NaN), nothing is divided by zero.
        let count = max(&count, &full_like(&count, 1.0));
        let tangent = scatter_with(
            &share(&kept, &g_operand, &count),
            indices,
            &share(&reached, &g_updates, &max(&read(&count), &full_like(updates, 1.0))),
            sum,
        );
        (out, tangent)
    }

    /// Value and tangent of a product.
    fn jvp_of_product(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Array, Array) {
        let (operand, indices, updates) = (&primals[0], &primals[1], &primals[2]);
        let out = scatter_with(operand, indices, updates, self.clone());
        let mut tangent = tangents[0].as_ref().map(|g| scatter_with(g, indices, updates, self.clone()));
        if let Some(g) = &tangents[2] {
            if !self.unique_indices {
                panic!("scatter_mul: the derivative with respect to the updates needs unique_indices");
            }
            let by_update = mul(
                operand,
                &scatter_with(&full_like(operand, 0.0), indices, g, self.with_kind(ScatterKind::Add)),
            );
            tangent = Some(tangent.map_or(by_update.clone(), |t| add(&t, &by_update)));
        }
        (out, tangent.expect("one tangent is not zero"))
    }
}

/// Numbers for the components of an index, spread to the shape of the indices.
fn along_indices(cx: &mut LowerCx<'_>, values: &[i64], indices: &Aval) -> Result<Value> {
    let values = vector(cx, values, indices.dtype)?;
    spread(cx, values, &indices.shape, &[indices.rank() as i64 - 1])
}

impl Primitive for Scatter {
    fn name(&self) -> &'static str {
        match self.params.kind {
            ScatterKind::Set => "scatter",
            ScatterKind::Add => "scatter-add",
            ScatterKind::Sub => "scatter-sub",
            ScatterKind::Mul => "scatter-mul",
            ScatterKind::Min => "scatter-min",
            ScatterKind::Max => "scatter-max",
        }
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        let d = &self.params.dimension_numbers;
        params.show(
            "dimension_numbers",
            format_args!(
                "ScatterDimensionNumbers(update_window_dims={}, inserted_window_dims={}, scatter_dims_to_operand_dims={}, \
                 operand_batching_dims={}, scatter_indices_batching_dims={})",
                show(&d.update_window_dims),
                show(&d.inserted_window_dims),
                show(&d.scatter_dims_to_operand_dims),
                show(&d.operand_batching_dims),
                show(&d.scatter_indices_batching_dims)
            ),
        );
        params.flag("indices_are_sorted", self.params.indices_are_sorted);
        params.show("mode", self.params.mode.name());
        params.flag("unique_indices", self.params.unique_indices);
        params.show("update_consts", "()");
        match self.params.kind.update_jaxpr(self.dtype) {
            Some(jaxpr) => params.jaxpr("update_jaxpr", jaxpr),
            None => params.none("update_jaxpr"),
        }
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let (operand, indices, updates, d) = (args[0], args[1], args[2], &self.params.dimension_numbers);
        same_dtypes(self.name(), &[operand, updates])?;
        ensure!(
            self.params.kind != ScatterKind::Sub || !operand.dtype.is_boolean(),
            self.name() => "booleans cannot be subtracted"
        );
        ensure!(
            indices.dtype.is_integer(),
            self.name() => "indices must be integers, got {}",
            numpy_name(indices.dtype)
        );
        ensure!(
            indices.shape.last() == Some(&d.scatter_dims_to_operand_dims.len()),
            self.name() => "the last dimension of indices of shape {} must be the length of scatter_dims_to_operand_dims {}",
            show(&indices.shape),
            show(&d.scatter_dims_to_operand_dims)
        );
        let gone: Vec<usize> =
            d.inserted_window_dims.iter().chain(&d.operand_batching_dims).copied().collect();
        ensure!(
            distinct(&gone) && gone.iter().all(|&i| i < operand.rank()),
            self.name() => "inserted_window_dims {} and operand_batching_dims {} must be distinct dimensions of an operand of shape {}",
            show(&d.inserted_window_dims),
            show(&d.operand_batching_dims),
            show(&operand.shape)
        );
        ensure!(
            distinct(&d.scatter_dims_to_operand_dims) && d.scatter_dims_to_operand_dims.iter().all(|&i| i < operand.rank()),
            self.name() => "scatter_dims_to_operand_dims {} must be distinct dimensions of an operand of shape {}",
            show(&d.scatter_dims_to_operand_dims),
            show(&operand.shape)
        );
        ensure!(
            d.operand_batching_dims.len() == d.scatter_indices_batching_dims.len()
                && d.operand_batching_dims.iter().zip(&d.scatter_indices_batching_dims).all(|(&o, &i)| {
                    i + 1 < indices.rank() && operand.shape[o] == indices.shape[i]
                }),
            self.name() => "operand_batching_dims {} and scatter_indices_batching_dims {} must pair dimensions of the same size",
            show(&d.operand_batching_dims),
            show(&d.scatter_indices_batching_dims)
        );
        let windows: Vec<usize> = (0..operand.rank()).filter(|i| !gone.contains(i)).collect();
        let expected = windows.len() + indices.rank() - 1;
        ensure!(
            updates.rank() == expected
                && d.update_window_dims.len() == windows.len()
                && d.update_window_dims.is_sorted()
                && distinct(&d.update_window_dims)
                && d.update_window_dims.iter().all(|&i| i < expected),
            self.name() => "updates must have {expected} dimensions, {} of them windows' at update_window_dims {}, got shape {}",
            windows.len(),
            show(&d.update_window_dims),
            show(&updates.shape)
        );
        let batch: Vec<usize> =
            (0..expected).filter(|i| !d.update_window_dims.contains(i)).map(|i| updates.shape[i]).collect();
        ensure!(
            batch[..] == indices.shape[..indices.rank() - 1]
                && windows.iter().zip(&d.update_window_dims).all(|(&o, &u)| updates.shape[u] <= operand.shape[o]),
            self.name() => "updates of shape {} do not fit indices of shape {} and an operand of shape {}",
            show(&updates.shape),
            show(&indices.shape),
            show(&operand.shape)
        );
        Ok(smallvec![operand.strong()])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        // Window dimensions taken whole correspond in operand, updates and result.
        let mut rule = ShardingRule::replicated(args, outs);
        let d = &self.params.dimension_numbers;
        let mut window = d.update_window_dims.iter();
        for i in 0..args[0].rank() {
            if d.inserted_window_dims.contains(&i) || d.operand_batching_dims.contains(&i) {
                continue;
            }
            let Some(&u) = window.next() else { break };
            if args[2].shape[u] == args[0].shape[i] && !d.scatter_dims_to_operand_dims.contains(&i) {
                let factor = Some(i as u32);
                (rule.operands[0][i], rule.operands[2][u], rule.results[0][i]) = (factor, factor, factor);
            }
        }
        rule
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let (p, d) = (&self.params, &self.params.dimension_numbers);
        let (operand, indices, updates) =
            (aval_of(cx, args[0])?, aval_of(cx, args[1])?, aval_of(cx, args[2])?);
        let mut index = args[1];
        let window = p.reader(&operand, &updates).slice_sizes;
        let to = &d.scatter_dims_to_operand_dims;
        let upper: Vec<i64> = to.iter().map(|&i| operand.shape[i] as i64 - window[i] as i64).collect();
        match p.mode {
            GatherScatterMode::Clip => {
                let upper = along_indices(cx, &upper, &indices)?;
                let zero = cx.constant(0.0, &Aval::scalar(indices.dtype, false))?;
                index = cx.op(el::Clamp, &[zero, index, upper])?;
            }
            // A window that is not wholly inside is dropped as a whole; the operation itself would write the part that is.
            GatherScatterMode::FillOrDrop if to.iter().any(|&i| window[i] > 1) => {
                let mut indices = indices.clone();
                if indices.dtype.bits() < 32 {
                    indices = Aval::new(indices.shape.iter().copied(), DType::I32);
                    index = cx.op_as(el::Convert, &[index], &indices)?;
                }
                let signed = indices.dtype.is_signed();
                let kind = Some(if signed { el::CompareType::Signed } else { el::CompareType::Unsigned });
                let compare = |direction| el::Compare { direction, compare_type: kind };
                let upper = along_indices(cx, &upper, &indices)?;
                let zero = cx.constant(0.0, &indices)?;
                let beyond: Vec<i64> = to.iter().map(|&i| operand.shape[i] as i64).collect();
                let beyond = along_indices(cx, &beyond, &indices)?;
                let above = cx.op(compare(el::Direction::Ge), &[index, zero])?;
                let below = cx.op(compare(el::Direction::Le), &[index, upper])?;
                let inside = cx.op(el::Binary::And, &[above, below])?;
                index = cx.op(el::Select, &[inside, index, beyond])?;
            }
            _ => {}
        }
        let scalar = Aval::scalar(outs[0].dtype, false);
        let body = cx.block(&[scalar.clone(), scalar], |cx, args| {
            Ok(smallvec![match p.kind.op() {
                Some(op) => cx.op(op, args)?,
                None => args[1],
            }])
        })?;
        let op = ops::Scatter {
            dimension_numbers: ops::ScatterDimensionNumbers {
                update_window_dims: sizes(&d.update_window_dims),
                inserted_window_dims: sizes(&d.inserted_window_dims),
                input_batching_dims: sizes(&d.operand_batching_dims),
                scatter_indices_batching_dims: sizes(&d.scatter_indices_batching_dims),
                scatter_dims_to_operand_dims: sizes(&d.scatter_dims_to_operand_dims),
                index_vector_dim: indices.rank() as i64 - 1,
            },
            indices_are_sorted: p.indices_are_sorted,
            unique_indices: p.unique_indices,
        };
        Ok(cx.builder.op_full(op.into(), &[args[0], index, args[2]], vec![body], None, Default::default())?)
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let p = &self.params;
        let (out, tangent) = match p.kind {
            ScatterKind::Set => p.jvp_of_winner(primals, tangents),
            ScatterKind::Mul => p.jvp_of_product(primals, tangents),
            ScatterKind::Min | ScatterKind::Max => p.jvp_of_extremum(primals, tangents),
            ScatterKind::Add | ScatterKind::Sub => {
                let apply = |x: &Array, u: &Array| scatter_with(x, &primals[1], u, p.clone());
                let (x, u) = (
                    instantiate(&tangents[0], primals[0].aval()),
                    instantiate(&tangents[2], primals[2].aval()),
                );
                (apply(&primals[0], &primals[2]), apply(&x, &u))
            }
        };
        (smallvec![out], smallvec![Some(tangent)])
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let p = &self.params;
        let mut out: Tangents = smallvec![None; 3];
        let Some(ct) = &cts[0] else { return Linear::Cotangents(out) };
        let (operand, updates) = (&args[0], &args[2]);
        let read = || gather_with(ct, args[1].known(), p.reader(operand.aval(), updates.aval()));
        match p.kind {
            ScatterKind::Add | ScatterKind::Sub => {
                out[0] = operand.is_linear().then(|| ct.clone());
                out[2] = updates
                    .is_linear()
                    .then(|| if p.kind == ScatterKind::Sub { super::unary::neg(&read()) } else { read() });
            }
            ScatterKind::Set if p.unique_indices => {
                out[0] = operand.is_linear().then(|| {
                    let zeros = full(&updates.aval().shape, 0.0, ct.dtype());
                    scatter_with(ct, args[1].known(), &zeros, p.clone())
                });
                out[2] = updates.is_linear().then(read);
            }
            ScatterKind::Mul if !updates.is_linear() => {
                out[0] = Some(scatter_with(ct, args[1].known(), updates.known(), p.clone()));
            }
            _ => return Linear::No,
        }
        Linear::Cotangents(out)
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let (p, d) = (&self.params, &self.params.dimension_numbers);
        let up = |dims: &[usize]| dims.iter().map(|&i| i + 1).collect::<Vec<_>>();
        let zero_and =
            |dims: &[usize]| std::iter::once(0).chain(dims.iter().map(|&i| i + 1)).collect::<Vec<_>>();
        let operand = at_front(&args[0], dims[0], axis.size);
        let updates = at_front(&args[2], dims[2], axis.size);
        let (indices, numbers) = match dims[1] {
            None => (
                args[1].clone(),
                ScatterDimensionNumbers {
                    update_window_dims: zero_and(&d.update_window_dims),
                    inserted_window_dims: up(&d.inserted_window_dims),
                    scatter_dims_to_operand_dims: up(&d.scatter_dims_to_operand_dims),
                    operand_batching_dims: up(&d.operand_batching_dims),
                    scatter_indices_batching_dims: d.scatter_indices_batching_dims.clone(),
                },
            ),
            mapped => (
                at_front(&args[1], mapped, axis.size),
                ScatterDimensionNumbers {
                    update_window_dims: up(&d.update_window_dims),
                    inserted_window_dims: up(&d.inserted_window_dims),
                    scatter_dims_to_operand_dims: up(&d.scatter_dims_to_operand_dims),
                    operand_batching_dims: zero_and(&d.operand_batching_dims),
                    scatter_indices_batching_dims: zero_and(&d.scatter_indices_batching_dims),
                },
            ),
        };
        let params = ScatterParams { dimension_numbers: numbers, ..p.clone() };
        batched(scatter_with(&operand, &indices, &updates, params), 0)
    }

    fn samples() -> Vec<Sample> {
        let sample = |kind, unique: bool, index: &[f64]| {
            let dimension_numbers = ScatterDimensionNumbers {
                update_window_dims: vec![1],
                inserted_window_dims: vec![0],
                scatter_dims_to_operand_dims: vec![0],
                ..Default::default()
            };
            let params = ScatterParams {
                kind,
                dimension_numbers,
                indices_are_sorted: false,
                unique_indices: unique,
                mode: GatherScatterMode::FillOrDrop,
            };
            let indices = SampleArg::values([index.len(), 1], DType::I32, index);
            let count = index.len();
            Sample::of(move |dtype| {
                let prim = Scatter { params: params.clone(), dtype };
                let updates = SampleArg::range([count, 3], dtype, 0.5, 2.0);
                let args = [SampleArg::wide([4, 3], dtype), indices.clone(), updates];
                let mut sample = Sample::new(Prim::new(prim), args);
                sample.differentiable = true;
                sample
            })
        };
        vec![
            sample(ScatterKind::Set, false, &[2.0, 0.0]),
            sample(ScatterKind::Set, true, &[3.0, 9.0]),
            sample(ScatterKind::Add, false, &[2.0, 2.0, 0.0]),
            sample(ScatterKind::Add, false, &[-1.0, 4.0]),
            sample(ScatterKind::Sub, false, &[1.0, 1.0]),
            sample(ScatterKind::Mul, true, &[1.0, 3.0]),
            sample(ScatterKind::Min, false, &[2.0, 2.0, 0.0]),
            sample(ScatterKind::Max, false, &[2.0, 1.0]),
        ]
    }
}
