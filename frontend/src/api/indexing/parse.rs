//! Indices in the light of a shape: which axis each one takes, ellipses and masks written out.

use super::{Index, Indices, Slice};
use crate::error::OrRaise;
use crate::ir::{Array, numpy_name};
use crate::lax::rules::{refuse, show};
use crate::runtime::to_bytes;
use crate::trace::{concrete, here};
use jacinth_lowering::element;

/// The indices of an array of `shape`, every axis of which is taken by one part.
pub(super) struct Parsed {
    /// The array's shape, with a dimension of size 1 for every scalar truth value.
    pub shape: Vec<usize>,
    /// Where those dimensions stand.
    pub truth_dims: Vec<usize>,
    pub parts: Vec<Part>,
    /// Whether the integers and arrays among the indices stand side by side.
    pub contiguous: bool,
}

/// One index with the axis that it takes.
pub(super) enum Part {
    NewAxis,
    Slice { axis: usize, slice: Resolved },
    At { axis: usize, places: Places },
}

/// A slice of an axis of known size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resolved {
    pub start: i64,
    pub stop: i64,
    pub step: i64,
    /// How many places it takes.
    pub size: usize,
}

/// Places along an axis; negative ones count from the end.
#[derive(Clone)]
pub(super) enum Places {
    Int(i64),
    Host { values: Vec<i64>, shape: Vec<usize> },
    Array(Array),
}

impl Places {
    pub(super) fn rank(&self) -> usize {
        match self {
            Places::Int(_) => 0,
            Places::Host { shape, .. } => shape.len(),
            Places::Array(array) => array.ndim(),
        }
    }
}

/// What one index of the user's becomes.
enum Step {
    NewAxis,
    Ellipsis,
    Slice(Slice),
    At(Places),
    /// Places given by a mask of rank `of`; all parts of one mask broadcast together.
    Masked(Vec<Places>),
    Truth(bool),
}

#[track_caller]
pub(super) fn parse(indices: &Indices, shape: &[usize]) -> Parsed {
    let consumed: Vec<usize> = indices.0.iter().map(consumes).collect();
    let total: usize = consumed.iter().sum();
    if indices.0.iter().filter(|i| matches!(i, Index::Ellipsis)).count() > 1 {
        refuse!("index" => "there can be only one ellipsis among the indices")
    }
    if total > shape.len() {
        refuse!("index" => "too many indices: an array of shape {} has {} dimensions, but {total} were indexed", show(shape), shape.len())
    }
    let left = shape.len() - total;
    let mut axis = 0;
    let mut steps = Vec::new();
    for (index, &count) in indices.0.iter().zip(&consumed) {
        let step = step(index, &shape[axis..axis + count]);
        axis += if matches!(step, Step::Ellipsis) { left } else { count };
        steps.push(step);
    }
    if !steps.iter().any(|s| matches!(s, Step::Ellipsis)) {
        steps.push(Step::Ellipsis);
    }
    // A position among the indices for each place, with masks written out.
    let mut position = 0;
    let mut advanced = Vec::new();
    let mut parsed = Parsed { shape: vec![], truth_dims: vec![], parts: vec![], contiguous: true };
    let mut rest = shape.iter().copied();
    for step in steps {
        let mut take = |parsed: &mut Parsed| {
            let size = rest.next().expect("as many axes as were counted");
            parsed.shape.push(size);
            (parsed.shape.len() - 1, size)
        };
        match step {
            Step::NewAxis => parsed.parts.push(Part::NewAxis),
            Step::Ellipsis => {
                for _ in 0..left {
                    let (axis, size) = take(&mut parsed);
                    parsed.parts.push(Part::Slice { axis, slice: resolve(&Slice::FULL, size) });
                }
            }
            Step::Slice(slice) => {
                let (axis, size) = take(&mut parsed);
                parsed.parts.push(Part::Slice { axis, slice: resolve(&slice, size) });
            }
            Step::At(places) => {
                let (axis, _) = take(&mut parsed);
                advanced.push(position);
                parsed.parts.push(Part::At { axis, places });
            }
            Step::Masked(all) => {
                for places in all {
                    let (axis, _) = take(&mut parsed);
                    advanced.push(position);
                    position += 1;
                    parsed.parts.push(Part::At { axis, places });
                }
                position -= 1;
            }
            Step::Truth(yes) => {
                parsed.shape.push(1);
                let axis = parsed.shape.len() - 1;
                parsed.truth_dims.push(axis);
                advanced.push(position);
                let values = if yes { vec![0] } else { vec![] };
                let shape = vec![values.len()];
                parsed.parts.push(Part::At { axis, places: Places::Host { values, shape } });
            }
        }
        position += 1;
    }
    parsed.contiguous = advanced.windows(2).all(|w| w[1] == w[0] + 1);
    parsed
}

/// How many axes an index takes.
fn consumes(index: &Index) -> usize {
    match index {
        Index::NewAxis | Index::Ellipsis => 0,
        Index::Int(_) | Index::Slice(_) | Index::Ints { .. } => 1,
        Index::Mask { shape, .. } => shape.len(),
        Index::Array(array) if array.dtype().is_boolean() => array.ndim(),
        Index::Array(_) => 1,
    }
}

#[track_caller]
fn step(index: &Index, shape: &[usize]) -> Step {
    match index {
        Index::NewAxis => Step::NewAxis,
        Index::Ellipsis => Step::Ellipsis,
        Index::Int(i) => Step::At(Places::Int(*i)),
        Index::Slice(slice) => {
            if slice.step == 0 {
                refuse!("index" => "the step of a slice must not be zero")
            }
            Step::Slice(*slice)
        }
        Index::Ints { values, shape } => {
            Step::At(Places::Host { values: values.clone(), shape: shape.clone() })
        }
        Index::Mask { values, shape: mask } => masked(values, mask, shape),
        Index::Array(array) if array.dtype().is_boolean() => {
            let values: Vec<bool> = host_integers(array).iter().map(|&b| b != 0).collect();
            masked(&values, array.shape(), shape)
        }
        Index::Array(array) if array.dtype().is_integer() => match array.as_literal() {
            Some(literal) => Step::At(Places::Int(literal.value().to_i64().unwrap_or(i64::MAX))),
            None => Step::At(Places::Array(array.clone())),
        },
        Index::Array(array) => refuse!(
            "index" => "an index must be of integers or booleans, got {}", numpy_name(array.dtype())
        ),
    }
}

/// The places where a mask over some axes is true.
#[track_caller]
fn masked(values: &[bool], mask: &[usize], shape: &[usize]) -> Step {
    if mask.is_empty() {
        return Step::Truth(values[0]);
    }
    if mask.iter().zip(shape).any(|(&m, &s)| m != s && m != 0) {
        refuse!("index" => "a boolean index of shape {} does not match the dimensions {} that it indexes", show(mask), show(shape))
    }
    let mut places = vec![Vec::new(); mask.len()];
    for (mut at, _) in values.iter().enumerate().filter(|(_, yes)| **yes) {
        for (axis, &size) in mask.iter().enumerate().rev() {
            places[axis].push((at % size) as i64);
            at /= size;
        }
    }
    let part = |values: Vec<i64>| {
        let shape = vec![values.len()];
        Places::Host { values, shape }
    };
    Step::Masked(places.into_iter().map(part).collect())
}

/// A slice as Python's `slice.indices` gives it.
pub(crate) fn resolve(slice: &Slice, size: usize) -> Resolved {
    let (n, step) = (size as i64, slice.step);
    let (low, high) = if step > 0 { (0, n) } else { (-1, n - 1) };
    let place = |i: i64| if i < 0 { (i + n).max(low) } else { i.min(high) };
    let start = slice.start.map_or(if step > 0 { low } else { high }, place);
    let after = if step > 0 { high } else { low };
    let stop = match slice.stop {
        None => after,
        // One further in the step's direction; beyond the last place, or before the first, there is no number for it.
        Some(stop) if slice.inclusive => {
            let beyond = if step > 0 { stop == -1 } else { stop == 0 };
            if beyond { after } else { place(stop + step.signum()) }
        }
        Some(stop) => place(stop),
    };
    let distance = if step > 0 { stop - start } else { start - stop };
    let size = if distance > 0 { (distance as u64).div_ceil(step.unsigned_abs()) as usize } else { 0 };
    Resolved { start, stop, step, size }
}

/// The integers or truth values of a concrete array.
#[track_caller]
pub(super) fn host_integers(array: &Array) -> Vec<i64> {
    let advice = "a mask must be known while tracing, because the result's shape depends on it: use jnp::where_ with three \
                  arguments, or jnp::nonzero with a size";
    let bytes = concrete(array, "an index", advice, here()).and_then(to_bytes).or_raise();
    let number = |chunk: &[u8]| match element::read(array.dtype(), chunk) {
        element::Scalar::Int(i) => i64::try_from(i).unwrap_or(i64::MAX),
        _ => unreachable!("an index is of integers or booleans"),
    };
    bytes.chunks_exact(array.dtype().byte_width()).map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_pythons() {
        // start, stop, step and length of range(*slice(a, b, c).indices(n)) in Python.
        let cases = [
            ((None, None, 1), 5, (0, 5, 5)),
            ((Some(1), None, 2), 5, (1, 5, 2)),
            ((None, Some(-1), 1), 5, (0, 4, 4)),
            ((None, None, -1), 5, (4, -1, 5)),
            ((Some(4), Some(1), -2), 5, (4, 1, 2)),
            ((Some(-2), None, -3), 5, (3, -1, 2)),
            ((Some(7), Some(9), 1), 5, (5, 5, 0)),
            ((Some(-9), Some(2), 1), 5, (0, 2, 2)),
            ((Some(3), Some(1), 1), 5, (3, 1, 0)),
            ((None, None, -1), 0, (-1, -1, 0)),
        ];
        for ((start, stop, step), n, (a, b, size)) in cases {
            let found = resolve(&Slice { start, stop, inclusive: false, step }, n);
            assert_eq!(
                (found.start, found.stop, found.size),
                (a, b, size),
                "{start:?}:{stop:?}:{step} of {n}"
            );
        }
        let through =
            |stop, step| resolve(&Slice { start: None, stop: Some(stop), inclusive: true, step }, 5).size;
        assert_eq!((through(2, 1), through(-1, 1), through(0, -1), through(3, -1)), (3, 5, 5, 2));
    }
}
