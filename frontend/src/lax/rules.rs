//! Pieces that rules of several families share: linear jvps, moving mapped dimensions, sentences about shapes.
//!
//! Knows the rules' vocabulary only; a piece that one family alone needs stands in that family.

use crate::ir::{Array, Arrays, Aval, AxisInfo, BatchDims, Prim, Tangents};
use crate::trace::bind;
pub(crate) use crate::trace::bind1;
use smallvec::smallvec;

use super::shape::{broadcast_in_dim, moveaxis, zeros_like};

/// Returns an error of an operation, made from a sentence's end, unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $operation:expr => $($sentence:tt)+) => {
        if !$condition {
            return Err($crate::error::Error::operands($operation, format!($($sentence)+)));
        }
    };
}

/// Raises an error of an operation at the user's line.
macro_rules! refuse {
    ($operation:expr => $($sentence:tt)+) => {
        $crate::error::Error::operands($operation, format!($($sentence)+))
            .at($crate::trace::current_source(std::panic::Location::caller()))
            .raise()
    };
}
pub(crate) use {ensure, refuse};

/// Numbers as a shape is written: `(2, 3)`.
pub(crate) fn show<T: std::fmt::Display>(values: &[T]) -> String {
    let parts: Vec<String> = values.iter().map(T::to_string).collect();
    if let [part] = &parts[..] { format!("({part},)") } else { format!("({})", parts.join(", ")) }
}

/// Dimension numbers as the module writes them.
pub(crate) fn sizes(dims: &[usize]) -> jacinth_lowering::Shape {
    dims.iter().map(|&d| d as i64).collect()
}

/// The jvp of a primitive that is linear in all its operands at once; zero tangents become zeros.
pub(crate) fn linear_jvp(prim: Prim, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
    let outs = bind(prim.clone(), primals);
    let tangents: Vec<Array> = primals.iter().zip(tangents).map(|(p, t)| instantiate(t, p.aval())).collect();
    let out_tangents = bind(prim, &tangents).into_iter().map(Some).collect();
    (outs, out_tangents)
}

/// The jvp of a primitive whose derivative is zero everywhere.
pub(crate) fn zero_jvp(prim: Prim, primals: &[Array]) -> (Arrays, Tangents) {
    let outs = bind(prim, primals);
    let tangents = outs.iter().map(|_| None).collect();
    (outs, tangents)
}

/// A tangent or cotangent as an array.
pub(crate) fn instantiate(tangent: &Option<Array>, aval: &Aval) -> Array {
    tangent.clone().unwrap_or_else(|| zeros_like(aval))
}

/// `x` with its mapped dimension first; an array that is not mapped is repeated.
#[track_caller]
pub(crate) fn at_front(x: &Array, dim: Option<usize>, size: usize) -> Array {
    match dim {
        Some(dim) => moveaxis(x, dim, 0),
        None => {
            let shape: Vec<usize> = std::iter::once(size).chain(x.shape().iter().copied()).collect();
            broadcast_in_dim(x, &shape, &(1..=x.ndim()).collect::<Vec<_>>())
        }
    }
}

/// All operands with the mapped dimension first.
#[track_caller]
pub(crate) fn all_at_front(args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> Vec<Array> {
    args.iter().zip(dims).map(|(x, &dim)| at_front(x, dim, axis.size)).collect()
}

/// Dimension numbers of the unmapped array as they are in the mapped one.
pub(crate) fn bump(dims: &[usize], mapped: usize) -> Vec<usize> {
    dims.iter().map(|&d| d + (d >= mapped) as usize).collect()
}

/// One result mapped at `dim`.
pub(crate) fn batched(out: Array, dim: usize) -> (Arrays, BatchDims) {
    (smallvec![out], smallvec![Some(dim)])
}

/// The dimensions below `rank` that are not in `removed`, in order.
pub(crate) fn remaining(rank: usize, removed: &[usize]) -> Vec<usize> {
    (0..rank).filter(|d| !removed.contains(d)).collect()
}

/// Whether no dimension stands twice.
pub(crate) fn distinct(dims: &[usize]) -> bool {
    dims.iter().enumerate().all(|(i, d)| !dims[..i].contains(d))
}

/// Refuses operands whose dtypes differ.
pub(crate) fn same_dtypes(name: &'static str, args: &[&Aval]) -> crate::error::Result<()> {
    let names = || args.iter().map(|a| crate::ir::numpy_name(a.dtype)).collect::<Vec<_>>().join(", ");
    ensure!(
        args.windows(2).all(|w| w[0].dtype == w[1].dtype),
        name => "operands must have the same dtype, got {}",
        names()
    );
    Ok(())
}
