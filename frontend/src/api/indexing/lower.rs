//! Parsed indices as primitives: slices, dynamic slices, gathers and scatters, with the dimension numbers that JAX gives them.

use super::check;
use super::parse::{Parsed, Part, Places, parse};
use super::{Indices, Options};
use crate::api::dtypes::{promote, result_type_of};
use crate::api::{numpy as jnp, warn};
use crate::ir::{Array, DType, numpy_name};
use crate::lax::rules::refuse;
use crate::lax::{
    self, Gather, GatherDimensionNumbers, GatherScatterMode, ScatterDimensionNumbers, ScatterKind,
    ScatterParams,
};

/// The elements at these indices.
#[track_caller]
pub(super) fn read(x: &Array, indices: &Indices, options: &Options) -> Array {
    let parsed = parse(indices, x.shape());
    check::check(&parsed, options);
    let slices = parsed.truth_dims.is_empty() && options.mode != Some(GatherScatterMode::FillOrDrop);
    if slices && let Some(plan) = Slices::fixed(&parsed, options) {
        return plan.read_static(x);
    }
    if slices
        && options.wrap_negative_indices
        && let Some(plan) = Slices::moving(&parsed)
    {
        return plan.read_dynamic(x);
    }
    let plan = Windows::new(&parsed, options);
    let x = lax::expand_dims(x, &parsed.truth_dims);
    if plan.shape.contains(&0) {
        return lax::full(&plan.shape, 0, x.dtype());
    }
    let mut out = x.clone();
    if plan.indices.size() > 0 {
        let params = Gather {
            dimension_numbers: plan.numbers,
            slice_sizes: plan.window,
            indices_are_sorted: options.indices_are_sorted || plan.basic,
            unique_indices: options.unique_indices || plan.basic,
            mode: options.mode.unwrap_or(GatherScatterMode::PromiseInBounds),
            fill_value: options.fill_value.filter(|_| options.mode == Some(GatherScatterMode::FillOrDrop)),
        };
        out = lax::gather_with(&x, &plan.indices, params);
    }
    lax::expand_dims(&reversed(out, &plan.reversed), &plan.new_dims)
}

/// The array with its elements at these indices combined with `values`.
#[track_caller]
pub(super) fn update(
    kind: ScatterKind,
    x: &Array,
    indices: &Indices,
    options: &Options,
    values: Array,
) -> Array {
    let parsed = parse(indices, x.shape());
    check::check(&parsed, options);
    let (dtype, weak_type) = (x.dtype(), x.weak_type());
    let types = [(dtype, weak_type), (values.dtype(), values.weak_type())];
    if let Ok((met, _)) = result_type_of(types.into_iter())
        && met != dtype
    {
        let (from, to) = (numpy_name(values.dtype()), numpy_name(dtype));
        warn::warn(format!(
            "an indexed update converts values of {from} to the array's {to}, which cannot hold them all"
        ));
    }
    let plan = Windows::new(&parsed, options);
    if plan.shape.contains(&0) {
        return x.clone();
    }
    let [x, values]: [Array; 2] =
        promote(&[x.clone(), values]).try_into().unwrap_or_else(|_| unreachable!("two went in"));
    let values = jnp::broadcast_to(values, &plan.shape);
    let values = reversed(lax::squeeze(&values, &plan.new_dims), &plan.reversed);
    let params = ScatterParams {
        kind,
        dimension_numbers: ScatterDimensionNumbers {
            update_window_dims: plan.numbers.offset_dims,
            inserted_window_dims: plan.numbers.collapsed_slice_dims,
            scatter_dims_to_operand_dims: plan.numbers.start_index_map,
            ..Default::default()
        },
        indices_are_sorted: options.indices_are_sorted || plan.basic,
        unique_indices: options.unique_indices || plan.basic,
        mode: options.mode.unwrap_or(GatherScatterMode::FillOrDrop),
    };
    let x = lax::expand_dims(&x, &parsed.truth_dims);
    let out = lax::scatter_with(&x, &plan.indices, &values, params);
    lax::convert_weakly(&lax::squeeze(&out, &parsed.truth_dims), dtype, weak_type)
}

#[track_caller]
fn reversed(x: Array, dims: &[usize]) -> Array {
    if dims.is_empty() { x } else { lax::rev(&x, dims) }
}

/// The dtype of indices into an array of that shape.
fn index_dtype(shape: &[usize]) -> DType {
    if shape.iter().any(|&d| d > i32::MAX as usize) { DType::I64 } else { DType::I32 }
}

/// A read of one place or one slice along every axis.
#[derive(Default)]
struct Slices {
    starts: Vec<Array>,
    sizes: Vec<usize>,
    limits: Vec<usize>,
    strides: Vec<usize>,
    reversed: Vec<usize>,
    squeezed: Vec<usize>,
    new_dims: Vec<usize>,
    /// Whether every axis is taken whole.
    whole: bool,
}

impl Slices {
    /// The read, if nothing is traced and what is out of bounds may be moved inside.
    #[track_caller]
    fn fixed(parsed: &Parsed, options: &Options) -> Option<Slices> {
        let clip = options.mode == Some(GatherScatterMode::Clip);
        let mut out = Slices { whole: true, ..Default::default() };
        for part in &parsed.parts {
            match part {
                Part::NewAxis => out.new_axis(),
                Part::Slice { axis, slice } => {
                    let (n, step) = (parsed.shape[*axis], slice.step.unsigned_abs() as usize);
                    let (start, limit) = if slice.step > 0 {
                        (slice.start, slice.start.max(slice.stop))
                    } else if slice.size == 0 {
                        (0, 0)
                    } else {
                        (slice.start + (slice.size as i64 - 1) * slice.step, slice.start + 1)
                    };
                    if slice.step < 0 {
                        out.reversed.push(*axis);
                    }
                    out.whole &= (start, limit as usize, step) == (0, n, 1);
                    out.push(start, limit as usize, step);
                }
                Part::At { axis, places: Places::Int(i) } => {
                    let n = non_empty(parsed, *axis) as i64;
                    let from_start = if *i < 0 && options.wrap_negative_indices { *i + n } else { *i };
                    if !clip && !(0..n).contains(&from_start) {
                        return None;
                    }
                    let start = from_start.clamp(0, n - 1);
                    out.squeezed.push(*axis);
                    out.whole = false;
                    out.push(start, start as usize + 1, 1);
                }
                Part::At { .. } => return None,
            }
        }
        Some(out)
    }

    /// The read, if every axis has one place, traced or not, or a slice without gaps.
    #[track_caller]
    fn moving(parsed: &Parsed) -> Option<Slices> {
        let mut out = Slices { whole: true, ..Default::default() };
        for part in &parsed.parts {
            match part {
                Part::NewAxis => out.new_axis(),
                Part::Slice { axis, slice } if slice.step.abs() == 1 => {
                    let start = if slice.step > 0 { slice.start } else { slice.stop + 1 };
                    if slice.step < 0 {
                        out.reversed.push(*axis);
                    }
                    out.whole &= slice.step > 0 && slice.size == parsed.shape[*axis];
                    out.push(start, start as usize + slice.size, 1);
                }
                Part::At { axis, places } if places.rank() == 0 => {
                    non_empty(parsed, *axis);
                    out.squeezed.push(*axis);
                    out.whole = false;
                    out.push(0, 1, 1);
                    *out.starts.last_mut().expect("just pushed") = match places {
                        Places::Int(i) => index_scalar(*i, &parsed.shape),
                        Places::Host { values, .. } => index_scalar(values[0], &parsed.shape),
                        Places::Array(array) => lax::convert_element_type(array, index_dtype(&parsed.shape)),
                    };
                }
                _ => return None,
            }
        }
        Some(out)
    }

    fn push(&mut self, start: i64, limit: usize, step: usize) {
        self.starts.push(Array::scalar(start, DType::I32, false));
        self.sizes.push(limit - start as usize);
        self.limits.push(limit);
        self.strides.push(step);
    }

    fn new_axis(&mut self) {
        self.new_dims.push(self.starts.len() - self.squeezed.len() + self.new_dims.len());
    }

    #[track_caller]
    fn read_static(self, x: &Array) -> Array {
        let strides = self.strides.iter().any(|&s| s != 1).then_some(&self.strides[..]);
        let starts: Vec<usize> = self.limits.iter().zip(&self.sizes).map(|(l, s)| l - s).collect();
        let out = if self.whole { x.clone() } else { lax::slice(x, &starts, &self.limits, strides) };
        self.finish(out)
    }

    #[track_caller]
    fn read_dynamic(self, x: &Array) -> Array {
        let out = if self.whole { x.clone() } else { lax::dynamic_slice(x, &self.starts, &self.sizes) };
        self.finish(out)
    }

    #[track_caller]
    fn finish(self, out: Array) -> Array {
        let out = lax::squeeze(&reversed(out, &self.reversed), &self.squeezed);
        lax::expand_dims(&out, &self.new_dims)
    }
}

/// An index as a scalar; what does not fit is as far outside as it can be.
fn index_scalar(i: i64, shape: &[usize]) -> Array {
    match index_dtype(shape) {
        DType::I32 => Array::scalar(i.clamp(i32::MIN as i64 + 1, i32::MAX as i64), DType::I32, false),
        other => Array::scalar(i, other, false),
    }
}

/// The size of an axis in which there is something to read.
#[track_caller]
fn non_empty(parsed: &Parsed, axis: usize) -> usize {
    match parsed.shape[axis] {
        0 => refuse!("index" => "the index is out of bounds for axis {axis} with size 0"),
        n => n,
    }
}

/// A gather, and the scatter that writes what it reads.
struct Windows {
    /// What is read, with new dimensions of size 1.
    shape: Vec<usize>,
    /// What is read at one index.
    window: Vec<usize>,
    /// `int[…, n]`.
    indices: Array,
    numbers: GatherDimensionNumbers,
    /// Dimensions of what is read, without new ones, that go backwards.
    reversed: Vec<usize>,
    new_dims: Vec<usize>,
    /// Whether there are only slices and scalars, so that no place is read twice.
    basic: bool,
}

impl Windows {
    #[track_caller]
    fn new(parsed: &Parsed, options: &Options) -> Windows {
        let _line = crate::trace::keep_line();
        let dtype = index_dtype(&parsed.shape);
        let is_array = |part: &&Part| matches!(part, Part::At { places, .. } if places.rank() > 0);
        let basic = !parsed.parts.iter().any(|part| is_array(&part));
        let first = parsed.parts.iter().position(|part| matches!(part, Part::At { .. }));
        let mut out = Windows {
            shape: vec![],
            window: vec![],
            indices: Array::scalar(0, dtype, false),
            numbers: GatherDimensionNumbers::default(),
            reversed: vec![],
            new_dims: vec![],
            basic,
        };
        // Components of the indices with the dimension of the indices at which each begins, and the dimensions so far.
        let mut components: Vec<(Array, usize)> = vec![];
        let mut index_shape: Vec<usize> = vec![];
        // Dimensions of what is read, new ones aside.
        let mut dim = 0;
        for (position, part) in parsed.parts.iter().enumerate() {
            let here = if parsed.contiguous { Some(position) == first } else { position == 0 };
            if !basic && here {
                let (axes, arrays) = advanced(parsed, options, dtype);
                let shape = arrays[0].shape().to_vec();
                components.extend(arrays.into_iter().map(|a| (a, index_shape.len())));
                out.numbers.start_index_map.extend(&axes);
                out.numbers.collapsed_slice_dims.extend(&axes);
                dim += shape.len();
                index_shape.extend(&shape);
                out.shape.extend(shape);
            }
            match part {
                Part::NewAxis => {
                    out.new_dims.push(out.shape.len());
                    out.shape.push(1);
                }
                Part::At { axis, places } => {
                    out.window.push(1);
                    if basic {
                        non_empty(parsed, *axis);
                        components
                            .push((wrapped(places, parsed.shape[*axis], options, dtype), index_shape.len()));
                        out.numbers.collapsed_slice_dims.push(*axis);
                        out.numbers.start_index_map.push(*axis);
                    }
                }
                Part::Slice { axis, slice } => {
                    out.shape.push(slice.size);
                    if slice.step == 1 {
                        if slice.size != parsed.shape[*axis] {
                            components.push((Array::scalar(slice.start, dtype, false), index_shape.len()));
                            out.numbers.start_index_map.push(*axis);
                        }
                        out.window.push(slice.size);
                        out.numbers.offset_dims.push(dim);
                    } else {
                        let scalar = |v: i64| Array::scalar(v, dtype, false);
                        let steps = lax::mul(&scalar(slice.step), &lax::iota(dtype, slice.size));
                        let mut places = lax::add(&scalar(slice.start), &steps);
                        if slice.step < 0 {
                            out.reversed.push(dim);
                            places = lax::rev(&places, &[0]);
                        }
                        out.window.push(1);
                        components.push((places, index_shape.len()));
                        out.numbers.start_index_map.push(*axis);
                        out.numbers.collapsed_slice_dims.push(*axis);
                        index_shape.push(slice.size);
                    }
                    dim += 1;
                }
            }
        }
        out.numbers.collapsed_slice_dims.sort_unstable();
        out.indices = if let [(only, _)] = &components[..] {
            lax::expand_dims(only, &[only.ndim()])
        } else if components.is_empty() {
            lax::full(&[0], 0, dtype)
        } else {
            let last = index_shape.len();
            index_shape.push(1);
            let spread = |(a, at): &(Array, usize)| {
                lax::broadcast_in_dim(a, &index_shape, &(*at..at + a.ndim()).collect::<Vec<_>>())
            };
            lax::concatenate(&components.iter().map(spread).collect::<Vec<_>>(), last)
        };
        out
    }
}

/// The axes that integers and arrays index, and the indices, of one shape.
#[track_caller]
fn advanced(parsed: &Parsed, options: &Options, dtype: DType) -> (Vec<usize>, Vec<Array>) {
    let _line = crate::trace::keep_line();
    let pairs = parsed.parts.iter().filter_map(|part| match part {
        Part::At { axis, places } => Some((*axis, wrapped(places, parsed.shape[*axis], options, dtype))),
        _ => None,
    });
    let (axes, arrays): (Vec<usize>, Vec<Array>) = pairs.unzip();
    let shapes: Vec<&[usize]> = arrays.iter().map(Array::shape).collect();
    let shape = jnp::broadcast_shape("index", &shapes);
    let arrays = arrays.iter().map(|a| jnp::broadcast_to(a, &shape)).collect();
    (axes, arrays)
}

/// Places counted from the start, as an array.
#[track_caller]
fn wrapped(places: &Places, size: usize, options: &Options, dtype: DType) -> Array {
    let wrap = options.wrap_negative_indices;
    let from_start = |i: i64| if i < 0 && wrap { i.saturating_add(size as i64) } else { i };
    match places {
        Places::Int(i) => index_scalar(from_start(*i), &[size]),
        Places::Host { values, shape } => {
            let values: Vec<i64> = values.iter().map(|&i| from_start(i)).collect();
            if dtype == DType::I64 {
                return Array::from_slice(&values, shape);
            }
            let values: Vec<i32> =
                values.iter().map(|&i| i.clamp(i32::MIN as i64, i32::MAX as i64) as i32).collect();
            Array::from_slice(&values, shape)
        }
        Places::Array(array) => {
            // Narrow integers cannot hold the size.
            let narrow = array.dtype().bits() < dtype.bits();
            let array = if narrow { lax::convert_element_type(array, dtype) } else { array.clone() };
            if !array.dtype().is_signed() || !wrap {
                return lax::convert_element_type(&array, dtype);
            }
            let scalar = |v: i64| Array::scalar(v, array.dtype(), false);
            let negative = lax::lt(&array, &scalar(0));
            let sum = lax::add(&array, &scalar(size as i64));
            lax::convert_element_type(&lax::select(&negative, &sum, &array), dtype)
        }
    }
}
