//! `associative_scan`: all partial results of an associative operation, in logarithmic depth.

use super::tree::{self, Pytree, TreeDef, keystr};
use crate::error::Error;
use crate::ir::{Array, DType, Source};
use crate::lax::{add, concatenate, or, pad, rev, slice_in_dim};
use crate::trace::here;

/// For every `i` the first `i + 1` slices of `elems` along `axis` combined by `f`; from the last to the first with `reverse`.
///
/// `f(a, b)` must be associative and work on whole arrays: it is given several slices at once and combines corresponding ones. A
/// negative `axis` counts from the end.
///
/// ```
/// # use jacinth_frontend::{Array, api::control::associative_scan};
/// let sums = associative_scan(|a: Array, b: Array| a + b, &Array::from([1, 2, 3, 4]), false, 0);
/// assert_eq!(sums.to_vec::<i32>(), [1, 3, 6, 10]);
/// let (larger, turned) = (|a: Array, b: Array| a.maximum(b), Array::from([1, 4, 2]));
/// assert_eq!(associative_scan(larger, &turned, true, 0).to_vec::<i32>(), [4, 4, 2]);
/// ```
///
/// # Panics
/// If there is no array, sizes along `axis` differ, or `f` changes structure, shapes or dtypes; the message names the leaf.
#[track_caller]
pub fn associative_scan<T: Pytree>(f: impl Fn(T, T) -> T, elems: &T, reverse: bool, axis: i64) -> T {
    let at = here();
    let (leaves, def) = tree::flatten(elems);
    let (axes, length) = axes_of(at, &leaves, &def, axis);
    let turned = |xs: Vec<Array>| -> Vec<Array> {
        if reverse { xs.iter().zip(&axes).map(|(x, &axis)| rev(x, &[axis])).collect() } else { xs }
    };
    let combine = |a: Vec<Array>, b: Vec<Array>| -> Vec<Array> {
        let shapes: Vec<_> = a.iter().map(|x| x.aval().clone()).collect();
        let (found, found_def) = tree::flatten(&f(tree::unflatten(&def, a), tree::unflatten(&def, b)));
        if let Some(d) = def.differences(&found_def).first() {
            refuse(
                at,
                format!(
                    "f must keep the structure, but elems{} is {}, then {}",
                    keystr(&d.path),
                    d.before,
                    d.after
                ),
            );
        }
        let changed = shapes.iter().zip(&found).zip(def.paths()).find(|((a, b), _)| !a.same_type(b.aval()));
        if let Some(((a, b), path)) = changed {
            refuse(
                at,
                format!(
                    "f must keep shapes and dtypes, but elems{} is {a}, then {}",
                    keystr(&path),
                    b.aval()
                ),
            );
        }
        found
    };
    let elems = turned(leaves);
    tree::unflatten(&def, turned(scan(&elems, &axes, length, &combine)))
}

/// Slices `start`, `start + stride`, … to before `limit` of every array.
fn every(xs: &[Array], axes: &[usize], start: i64, limit: Option<i64>, stride: usize) -> Vec<Array> {
    xs.iter().zip(axes).map(|(x, &axis)| slice_in_dim(x, start, limit, stride, axis)).collect()
}

fn scan(
    elems: &[Array],
    axes: &[usize],
    length: usize,
    combine: &dyn Fn(Vec<Array>, Vec<Array>) -> Vec<Array>,
) -> Vec<Array> {
    if length < 2 {
        return elems.to_vec();
    }
    // Neighbours combined are the elements of a scan of half the length, which gives the results at odd places.
    let pairs = combine(every(elems, axes, 0, Some(-1), 2), every(elems, axes, 1, None, 2));
    let odd = scan(&pairs, axes, length / 2, combine);
    // The others are one element further than the one before them.
    let before = if length.is_multiple_of(2) { every(&odd, axes, 0, Some(-1), 1) } else { odd.clone() };
    let even = combine(before, every(elems, axes, 2, None, 2));
    let first = every(elems, axes, 0, Some(1), 1);
    let join = |((first, rest), axis): ((Array, Array), &usize)| concatenate(&[first, rest], *axis);
    let even = first.into_iter().zip(even).zip(axes).map(join);
    even.zip(&odd).zip(axes).map(|((even, odd), &axis)| interleave(&even, odd, axis)).collect()
}

/// `a[0], b[0], a[1], …` along `axis`; `a` may have one more.
fn interleave(a: &Array, b: &Array, axis: usize) -> Array {
    let equal = a.shape()[axis] == b.shape()[axis];
    let spread = |x: &Array, low: i64, high: bool| {
        let mut config = vec![(0, 0, 0); x.ndim()];
        config[axis] = (low, high as i64, 1);
        pad(x, &Array::scalar(0, x.dtype(), false), &config)
    };
    let (a, b) = (spread(a, 0, equal), spread(b, 1, !equal));
    if a.dtype() == DType::I1 { or(&a, &b) } else { add(&a, &b) }
}

fn axes_of(at: Source, leaves: &[Array], def: &TreeDef, axis: i64) -> (Vec<usize>, usize) {
    let mut length = None;
    let axes = leaves
        .iter()
        .zip(def.paths())
        .map(|(x, path)| {
            let found = if axis < 0 { axis + x.ndim() as i64 } else { axis };
            let found = usize::try_from(found).ok().filter(|&d| d < x.ndim()).unwrap_or_else(|| {
                refuse(at, format!("elems{} is {}, which has no axis {axis}", keystr(&path), x.aval()))
            });
            let size = x.shape()[found];
            let first = *length.get_or_insert(size);
            if first != size {
                refuse(
                    at,
                    format!(
                        "sizes along axis {axis} differ: the first is {first}, elems{} has {size}",
                        keystr(&path)
                    ),
                );
            }
            found
        })
        .collect();
    match length {
        Some(length) => (axes, length),
        None => refuse(at, "there is no array to scan over".into()),
    }
}

fn refuse(at: Source, message: String) -> ! {
    Error::operands("associative_scan", message).at(at).raise()
}
