//! Reads and writes at computed indices.

use super::rules::{arity, check_dims, check_reducer, check_same_shape, fits, named, shapes_agree};
use super::{Context, EvalContext, OpDef};
use crate::attribute::{Attribute, Attributes};
use crate::eval::Datum;
use crate::eval::index::{self, Elements, Index, Indices};
use crate::{DYNAMIC, ElementType, Error, Literal, Result, Shape, TensorType, Types};

/// How a gather reads (the fields of `#stablehlo.gather`).
#[derive(Clone, PartialEq, Debug)]
pub struct GatherDimensionNumbers {
    /// Result dimensions that index into a slice.
    pub offset_dims: Shape,
    /// Operand dimensions of slice size 1 that are dropped.
    pub collapsed_slice_dims: Shape,
    /// Operand dimensions that are batched.
    pub operand_batching_dims: Shape,
    /// Index dimensions that are batched.
    pub start_indices_batching_dims: Shape,
    /// The operand dimension of each component of an index.
    pub start_index_map: Shape,
    /// The dimension of `start_indices` that holds an index.
    pub index_vector_dim: i64,
}

/// How a scatter writes (the fields of `#stablehlo.scatter`).
#[derive(Clone, PartialEq, Debug)]
pub struct ScatterDimensionNumbers {
    /// Update dimensions that index into a window.
    pub update_window_dims: Shape,
    /// Operand dimensions of window size 1 that updates lack.
    pub inserted_window_dims: Shape,
    /// Operand dimensions that are batched.
    pub input_batching_dims: Shape,
    /// Index dimensions that are batched.
    pub scatter_indices_batching_dims: Shape,
    /// The operand dimension of each component of an index.
    pub scatter_dims_to_operand_dims: Shape,
    /// The dimension of `scatter_indices` that holds an index.
    pub index_vector_dim: i64,
}

/// `stablehlo.gather(operand, start_indices)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Gather {
    /// How.
    pub dimension_numbers: GatherDimensionNumbers,
    /// The size of each slice.
    pub slice_sizes: Shape,
    /// Whether the indices are promised to be sorted.
    pub indices_are_sorted: bool,
}

/// `stablehlo.scatter(inputs…, scatter_indices, updates…)` with a region that combines; updates out of bounds are dropped.
#[derive(Clone, PartialEq, Debug)]
pub struct Scatter {
    /// How.
    pub dimension_numbers: ScatterDimensionNumbers,
    /// Whether the indices are promised to be sorted.
    pub indices_are_sorted: bool,
    /// Whether the indices are promised to be unique.
    pub unique_indices: bool,
}

/// The checks that gather and scatter share, on one set of names: `window` are gather's offset dimensions and scatter's update window
/// dimensions, `dropped` collapsed and inserted ones.
struct Indexing<'a> {
    op: &'static str,
    operand: &'a TensorType,
    indices: &'a TensorType,
    window: &'a [i64],
    dropped: &'a [i64],
    operand_batching: &'a [i64],
    indices_batching: &'a [i64],
    index_map: &'a [i64],
    index_vector_dim: i64,
    labels: &'static Labels,
}

/// The specification's labels of the same constraint in gather and in scatter.
struct Labels {
    rank: &'static str,
    index_vector_dim: &'static str,
    map_size: &'static str,
    window_order: &'static str,
    window_range: &'static str,
    dropped_unique: &'static str,
    dropped_order: &'static str,
    dropped_range: &'static str,
    batching_order: &'static str,
    batching_range: &'static str,
    indices_batching_unique: &'static str,
    indices_batching_range: &'static str,
    indices_batching_vector: &'static str,
    batching_count: &'static str,
    batching_sizes: &'static str,
    map_unique: &'static str,
    map_range: &'static str,
}

const GATHER: Labels = Labels {
    rank: "gather_c1",
    index_vector_dim: "gather_c2",
    map_size: "gather_c3",
    window_order: "gather_c4",
    window_range: "gather_c5",
    dropped_unique: "gather_c6",
    dropped_order: "gather_c7",
    dropped_range: "gather_c8",
    batching_order: "gather_c10",
    batching_range: "gather_c11",
    indices_batching_unique: "gather_c13",
    indices_batching_range: "gather_c14",
    indices_batching_vector: "gather_c15",
    batching_count: "gather_c16",
    batching_sizes: "gather_c17",
    map_unique: "gather_c18",
    map_range: "gather_c19",
};

const SCATTER: Labels = Labels {
    rank: "scatter_c2",
    index_vector_dim: "scatter_c22",
    map_size: "scatter_c19",
    window_order: "scatter_c7",
    window_range: "scatter_c8",
    dropped_unique: "scatter_c9",
    dropped_order: "scatter_c10",
    dropped_range: "scatter_c11",
    batching_order: "scatter_c12",
    batching_range: "scatter_c13",
    indices_batching_unique: "scatter_c14",
    indices_batching_range: "scatter_c15",
    indices_batching_vector: "scatter_c16",
    batching_count: "scatter_c17",
    batching_sizes: "scatter_c18",
    map_unique: "scatter_c20",
    map_range: "scatter_c21",
};

impl Indexing<'_> {
    /// Checks everything that does not involve slice sizes; `result_rank` is the rank of gather's result or scatter's updates.
    fn check(&self, result_rank: usize) -> Result<()> {
        let Indexing { op, operand, indices, .. } = *self;
        let l = self.labels;
        let fail = |label: &'static str, message: String| {
            Err(Error::constraint(label, format!("{op}: {message}; operand {operand}, indices {indices}")))
        };
        if !indices.element.is_integer() {
            return Err(Error::verify(format!("{op}: the indices must be integers, got {indices}")));
        }
        if !(0..=indices.rank() as i64).contains(&self.index_vector_dim) {
            let (d, rank) = (self.index_vector_dim, indices.rank());
            return fail(l.index_vector_dim, format!("index_vector_dim {d} must lie in 0..={rank}"));
        }
        sorted(l.window_order, op, "window dimensions", self.window)?;
        check_dims(l.window_range, op, "window dimensions", self.window, result_rank)?;
        let dropped = [self.dropped, self.operand_batching].concat();
        unique(l.dropped_unique, op, "dropped and batching dimensions", &dropped)?;
        sorted(l.dropped_order, op, "dropped dimensions", self.dropped)?;
        check_dims(l.dropped_range, op, "dropped dimensions", self.dropped, operand.rank())?;
        sorted(l.batching_order, op, "batching dimensions", self.operand_batching)?;
        check_dims(l.batching_range, op, "batching dimensions", self.operand_batching, operand.rank())?;
        if operand.rank() != self.window.len() + dropped.len() {
            let (w, d, b) = (self.window.len(), self.dropped.len(), self.operand_batching.len());
            return fail(
                l.rank,
                format!(
                    "the operand's rank {} must be {w} window + {d} dropped + {b} batching dimensions",
                    operand.rank()
                ),
            );
        }
        unique(l.indices_batching_unique, op, "batching dimensions of the indices", self.indices_batching)?;
        check_dims(
            l.indices_batching_range,
            op,
            "batching dimensions of the indices",
            self.indices_batching,
            indices.rank(),
        )?;
        if self.indices_batching.contains(&self.index_vector_dim) {
            let d = self.index_vector_dim;
            return fail(l.indices_batching_vector, format!("index_vector_dim {d} must not be batched"));
        }
        if self.operand_batching.len() != self.indices_batching.len() {
            let (m, n) = (self.operand_batching.len(), self.indices_batching.len());
            return fail(
                l.batching_count,
                format!("the operand has {m} batching dimensions, the indices have {n}"),
            );
        }
        for (&d, &i) in self.operand_batching.iter().zip(self.indices_batching) {
            let (m, n) = (operand.shape[d as usize], indices.shape[i as usize]);
            if !fits(m, n) {
                return fail(
                    l.batching_sizes,
                    format!("batching sizes differ: operand dim {d} is {m}, indices dim {i} is {n}"),
                );
            }
        }
        let components = indices.shape.get(self.index_vector_dim as usize).copied().unwrap_or(1);
        if !fits(components, self.index_map.len() as i64) {
            let n = self.index_map.len();
            return fail(
                l.map_size,
                format!("an index has {components} components, {n} operand dimensions are named"),
            );
        }
        let mapped = [self.index_map, self.operand_batching].concat();
        unique(l.map_unique, op, "indexed and batching dimensions", &mapped)?;
        check_dims(l.map_range, op, "indexed dimensions", self.index_map, operand.rank())
    }

    /// The sizes of the indices' dimensions but the one that holds an index.
    fn batch_sizes(&self) -> Shape {
        let d = self.index_vector_dim as usize;
        self.indices.shape.iter().enumerate().filter(|&(i, _)| i != d).map(|(_, &n)| n).collect()
    }

    /// The operand dimensions that a window spans, in order.
    fn window_operand_dims(&self) -> Shape {
        (0..self.operand.rank() as i64)
            .filter(|d| !self.dropped.contains(d) && !self.operand_batching.contains(d))
            .collect()
    }

    /// Puts `batch` at the dimensions that are not window dimensions and `window` at those that are.
    fn combine(&self, batch: &[i64], window: &[i64]) -> Shape {
        let (mut batch, mut window) = (batch.iter(), window.iter());
        (0..(batch.len() + window.len()) as i64)
            .map(|d| {
                let from = if self.window.contains(&d) { &mut window } else { &mut batch };
                *from.next().expect("as many dimensions as sizes")
            })
            .collect()
    }

    /// Where in the operand the element stands that `index` (into gather's result or scatter's updates) means, without
    /// clamping: the start, and what is added to it.
    fn locate(&self, indices: &Literal, index: &[i64]) -> Result<(Index, Index)> {
        let batch: Index =
            (0..index.len()).filter(|&d| !self.window.contains(&(d as i64))).map(|d| index[d]).collect();
        let vector = self.index_vector_dim as usize;
        let strides = index::strides(&self.indices.shape);
        let mut start: Index = smallvec::smallvec![0; self.operand.rank()];
        for (component, &d) in self.index_map.iter().enumerate() {
            let mut at = batch.clone();
            if vector < self.indices.rank() {
                at.insert(vector, component as i64);
            }
            start[d as usize] = index::int_at(indices, index::offset(&at, &strides))?;
        }
        let mut offset: Index = smallvec::smallvec![0; self.operand.rank()];
        for (&d, &i) in self.operand_batching.iter().zip(self.indices_batching) {
            offset[d as usize] = batch[(i - i64::from(i >= self.index_vector_dim)) as usize];
        }
        for (&d, &w) in self.window_operand_dims().iter().zip(self.window) {
            offset[d as usize] = index[w as usize];
        }
        Ok((start, offset))
    }
}

fn sorted(label: &'static str, op: &str, what: &str, dims: &[i64]) -> Result<()> {
    match dims.is_sorted_by(|a, b| a < b) {
        true => Ok(()),
        false => Err(Error::constraint(label, format!("{op}: {what} {dims:?} must be unique and sorted"))),
    }
}

fn unique(label: &'static str, op: &str, what: &str, dims: &[i64]) -> Result<()> {
    match (1..dims.len()).any(|i| dims[..i].contains(&dims[i])) {
        false => Ok(()),
        true => Err(Error::constraint(label, format!("{op}: {what} {dims:?} must be unique"))),
    }
}

impl GatherDimensionNumbers {
    fn indexing<'a>(
        &'a self,
        op: &'static str,
        operand: &'a TensorType,
        indices: &'a TensorType,
    ) -> Indexing<'a> {
        Indexing {
            op,
            operand,
            indices,
            window: &self.offset_dims,
            dropped: &self.collapsed_slice_dims,
            operand_batching: &self.operand_batching_dims,
            indices_batching: &self.start_indices_batching_dims,
            index_map: &self.start_index_map,
            index_vector_dim: self.index_vector_dim,
            labels: &GATHER,
        }
    }

    /// The result's type on operands that pass every check of `gather`; sizes in `slice_sizes` may be dynamic.
    pub(crate) fn result_type(
        &self,
        op: &'static str,
        operand: &TensorType,
        indices: &TensorType,
        slice_sizes: &[i64],
    ) -> Result<TensorType> {
        let indexing = self.indexing(op, operand, indices);
        let vector = usize::from((self.index_vector_dim as usize) < indices.rank());
        indexing.check((indices.rank() + self.offset_dims.len()).saturating_sub(vector))?;
        if slice_sizes.len() != operand.rank() {
            return Err(Error::constraint(
                "gather_c20",
                format!(
                    "{op}: slice_sizes {slice_sizes:?} must have as many entries as {operand} dimensions"
                ),
            ));
        }
        for (label, dims) in
            [("gather_c9", &self.collapsed_slice_dims), ("gather_c12", &self.operand_batching_dims)]
        {
            if let Some(&d) = dims.iter().find(|&&d| slice_sizes[d as usize] > 1) {
                let size = slice_sizes[d as usize];
                return Err(Error::constraint(
                    label,
                    format!("{op}: the slice size of dropped dim {d} must be at most 1, is {size}"),
                ));
            }
        }
        for (d, (&slice, &size)) in slice_sizes.iter().zip(&operand.shape).enumerate() {
            if slice != DYNAMIC && (slice < 0 || (size != DYNAMIC && slice > size)) {
                return Err(Error::constraint(
                    "gather_c21",
                    format!("{op}: slice size {slice} of dim {d} must lie in 0..={size}"),
                ));
            }
        }
        let window: Shape = indexing.window_operand_dims().iter().map(|&d| slice_sizes[d as usize]).collect();
        Ok(TensorType { shape: indexing.combine(&indexing.batch_sizes(), &window), element: operand.element })
    }

    /// Reads the slices; starts are clamped so that every slice lies in the operand.
    pub(crate) fn evaluate(
        &self,
        op: &'static str,
        operand: &Literal,
        indices: &Literal,
        slice_sizes: &[i64],
    ) -> Result<Literal> {
        let ty = self.result_type(op, operand.ty(), indices.ty(), slice_sizes)?;
        let indexing = self.indexing(op, operand.ty(), indices.ty());
        let strides = index::strides(&operand.ty().shape);
        let mut out = Elements::zeros(&ty)?;
        let mut all = Indices::new(&ty.shape);
        let mut position = 0;
        while let Some(index) = all.next() {
            let (mut at, offset) = indexing.locate(indices, index)?;
            for (d, at) in at.iter_mut().enumerate() {
                *at = (*at).clamp(0, operand.ty().shape[d] - slice_sizes[d]) + offset[d];
            }
            out.set(position, operand.element(index::offset(&at, &strides)));
            position += 1;
        }
        Ok(out.finish())
    }

    pub(crate) fn attribute(&self) -> Attribute {
        structure(
            "gather",
            [
                ("offset_dims", &self.offset_dims),
                ("collapsed_slice_dims", &self.collapsed_slice_dims),
                ("operand_batching_dims", &self.operand_batching_dims),
                ("start_indices_batching_dims", &self.start_indices_batching_dims),
                ("start_index_map", &self.start_index_map),
            ],
            self.index_vector_dim,
        )
    }

    pub(crate) fn take(op: &str, attributes: &mut Attributes) -> Result<Self> {
        let mut fields = attributes.take_struct(op, "dimension_numbers")?;
        let mut dims = |name| Ok::<_, Error>(fields.take_optional_ints(op, name)?.unwrap_or_default());
        Ok(GatherDimensionNumbers {
            offset_dims: dims("offset_dims")?,
            collapsed_slice_dims: dims("collapsed_slice_dims")?,
            operand_batching_dims: dims("operand_batching_dims")?,
            start_indices_batching_dims: dims("start_indices_batching_dims")?,
            start_index_map: dims("start_index_map")?,
            index_vector_dim: fields.take_optional_int(op, "index_vector_dim")?.unwrap_or(0),
        })
    }
}

/// `#stablehlo.NAME<…>` with the lists that are not empty and an index vector dimension that is not 0.
fn structure(name: &str, lists: [(&str, &Shape); 5], index_vector_dim: i64) -> Attribute {
    let mut fields = Attributes::new();
    for (name, dims) in lists {
        if !dims.is_empty() {
            fields.set(name, Attribute::list(dims));
        }
    }
    if index_vector_dim != 0 {
        fields.set("index_vector_dim", Attribute::int(index_vector_dim));
    }
    Attribute::Struct(name.to_owned(), fields)
}

impl OpDef for Gather {
    named!("stablehlo.gather");

    fn attributes(&self) -> Attributes {
        let mut out = Attributes::new();
        out.set("dimension_numbers", self.dimension_numbers.attribute());
        out.set("indices_are_sorted", Attribute::Bool(self.indices_are_sorted));
        out.set("slice_sizes", Attribute::ints(&self.slice_sizes));
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        Ok(Gather {
            dimension_numbers: GatherDimensionNumbers::take("gather", attributes)?,
            slice_sizes: attributes.take_ints("gather", "slice_sizes")?,
            indices_are_sorted: attributes.take_bool("gather", "indices_are_sorted", false)?,
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        arity("gather", cx, 2, 0)?;
        let (operand, indices) = (cx.tensor("gather", 0)?, cx.tensor("gather", 1)?);
        let ty = self.dimension_numbers.result_type("gather", operand, indices, &self.slice_sizes)?;
        Ok(Some(smallvec::smallvec![ty.into()]))
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let (operand, indices) = (cx.tensor("gather", 0)?, cx.tensor("gather", 1)?);
        Ok(vec![self.dimension_numbers.evaluate("gather", operand, indices, &self.slice_sizes)?.into()])
    }
}

impl Scatter {
    fn indexing<'a>(&'a self, input: &'a TensorType, indices: &'a TensorType) -> Indexing<'a> {
        let d = &self.dimension_numbers;
        Indexing {
            op: "scatter",
            operand: input,
            indices,
            window: &d.update_window_dims,
            dropped: &d.inserted_window_dims,
            operand_batching: &d.input_batching_dims,
            indices_batching: &d.scatter_indices_batching_dims,
            index_map: &d.scatter_dims_to_operand_dims,
            index_vector_dim: d.index_vector_dim,
            labels: &SCATTER,
        }
    }
}

impl OpDef for Scatter {
    named!("stablehlo.scatter");

    fn attributes(&self) -> Attributes {
        let d = &self.dimension_numbers;
        let mut out = Attributes::new();
        out.set("indices_are_sorted", Attribute::Bool(self.indices_are_sorted));
        let numbers = structure(
            "scatter",
            [
                ("update_window_dims", &d.update_window_dims),
                ("inserted_window_dims", &d.inserted_window_dims),
                ("input_batching_dims", &d.input_batching_dims),
                ("scatter_indices_batching_dims", &d.scatter_indices_batching_dims),
                ("scatter_dims_to_operand_dims", &d.scatter_dims_to_operand_dims),
            ],
            d.index_vector_dim,
        );
        out.set("scatter_dimension_numbers", numbers);
        out.set("unique_indices", Attribute::Bool(self.unique_indices));
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let op = "scatter";
        let mut fields = attributes.take_struct(op, "scatter_dimension_numbers")?;
        let mut dims = |name| Ok::<_, Error>(fields.take_optional_ints(op, name)?.unwrap_or_default());
        let dimension_numbers = ScatterDimensionNumbers {
            update_window_dims: dims("update_window_dims")?,
            inserted_window_dims: dims("inserted_window_dims")?,
            input_batching_dims: dims("input_batching_dims")?,
            scatter_indices_batching_dims: dims("scatter_indices_batching_dims")?,
            scatter_dims_to_operand_dims: dims("scatter_dims_to_operand_dims")?,
            index_vector_dim: fields.take_optional_int(op, "index_vector_dim")?.unwrap_or(0),
        };
        Ok(Scatter {
            dimension_numbers,
            indices_are_sorted: attributes.take_bool(op, "indices_are_sorted", false)?,
            unique_indices: attributes.take_bool(op, "unique_indices", false)?,
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let op = "scatter";
        let count = cx.operands.len();
        if count < 3 || count.is_multiple_of(2) {
            return Err(Error::constraint(
                "scatter_c5",
                format!("{op}: expected n inputs, indices and n updates with n ≥ 1; got {count} operands"),
            ));
        }
        let n = count / 2;
        let tensors: Vec<&TensorType> = (0..count).map(|i| cx.tensor(op, i)).collect::<Result<_>>()?;
        let (inputs, indices, updates) = (&tensors[..n], tensors[n], &tensors[n + 1..]);
        check_same_shape("scatter_c1", op, inputs)?;
        check_same_shape("scatter_c3", op, updates)?;
        let indexing = self.indexing(inputs[0], indices);
        indexing.check(updates[0].rank())?;
        let batch = indexing.batch_sizes();
        let window: Shape = indexing.window.iter().map(|&d| updates[0].shape[d as usize]).collect();
        let fits = window.iter().zip(&indexing.window_operand_dims()).all(|(&w, &d)| {
            let size = inputs[0].shape[d as usize];
            w == DYNAMIC || size == DYNAMIC || w <= size
        });
        if updates[0].rank() != batch.len() + window.len()
            || !fits
            || !shapes_agree(&updates[0].shape, &indexing.combine(&batch, &window))
        {
            return Err(Error::constraint(
                "scatter_c4",
                format!(
                    "{op}: updates {} do not fit: indices {indices} say {batch:?} windows, each within input {}",
                    updates[0], inputs[0]
                ),
            ));
        }
        for (input, update) in inputs.iter().zip(updates) {
            if input.element != update.element {
                return Err(Error::constraint(
                    "scatter_c6",
                    format!("{op}: element types differ: input {input}, update {update}"),
                ));
            }
        }
        let elements: Vec<ElementType> = inputs.iter().map(|ty| ty.element).collect();
        let accumulators = check_reducer("scatter_c23", op, cx, 0, &elements)?;
        Ok(Some(inputs.iter().zip(accumulators).map(|(ty, e)| ty.with_element(e).into()).collect()))
    }

    /// Updates are applied in the lexicographic order of their index.
    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let op = "scatter";
        let n = cx.operands.len() / 2;
        let indices = cx.tensor(op, n)?;
        let mut results = Vec::with_capacity(n);
        let mut updates = Vec::with_capacity(n);
        for i in 0..n {
            let element = cx.result(op, i)?.element;
            results.push(Elements::of(&cx.evaluator.convert(cx.tensor(op, i)?, element)?));
            updates.push(cx.evaluator.convert(cx.tensor(op, n + 1 + i)?, element)?);
        }
        let shape = cx.tensor(op, 0)?.ty().shape.clone();
        let input = cx.tensor(op, 0)?.ty();
        let indexing = self.indexing(input, indices.ty());
        let strides = index::strides(&shape);
        let mut all = Indices::new(&updates[0].ty().shape);
        let mut position = 0;
        while let Some(index) = all.next() {
            let (mut at, offset) = indexing.locate(indices, index)?;
            at.iter_mut().zip(&offset).for_each(|(at, o)| *at = at.saturating_add(*o));
            if index::in_bounds(&at, &shape) {
                let target = index::offset(&at, &strides);
                let args = results.iter().map(|r| r.scalar(target)).collect::<Vec<_>>();
                let new = updates.iter().map(|u| index::scalar_at(u, position));
                let values = cx.evaluator.run_tensors(&cx.regions[0], args.into_iter().chain(new))?;
                for (result, value) in results.iter_mut().zip(values) {
                    result.set(target, value.element(0));
                }
            }
            position += 1;
        }
        Ok(results.into_iter().map(|r| r.finish().into()).collect())
    }
}
