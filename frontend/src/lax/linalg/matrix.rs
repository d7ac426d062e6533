//! Small words about matrices in the last two dimensions, for rules and programs.

use crate::ir::{Array, DType};
use crate::lax::rules::{refuse, show};
use crate::lax::traced::{E, choose};
use crate::lax::{
    DotDimensionNumbers, GatherDimensionNumbers, GatherScatterMode, Precision, abs, add, broadcast_in_dim,
    broadcasted_iota, complex, conj, convert_element_type, dot_general, eq, expand_dims, full, gather, ge,
    lt, mul, real, reduce_max, reduce_sum, scalar_like, select, slice_in_dim, transpose, zeros_like,
};

/// Rows and columns.
pub(crate) fn sizes_of(x: &Array) -> (usize, usize) {
    let rank = x.ndim();
    (x.shape()[rank - 2], x.shape()[rank - 1])
}

/// Refuses operands without rows and columns.
#[track_caller]
pub(crate) fn check_matrices(name: &'static str, operands: &[&Array]) {
    if let Some(x) = operands.iter().find(|x| x.ndim() < 2) {
        refuse!(name => "operands must have at least 2 dimensions, got shape {}", show(x.shape()))
    }
}

/// The transposed matrix.
#[track_caller]
pub(crate) fn mt(x: &Array) -> Array {
    let rank = x.ndim();
    let mut permutation: Vec<usize> = (0..rank).collect();
    permutation.swap(rank - 2, rank - 1);
    transpose(x, &permutation)
}

/// The complex conjugate; a real array itself.
#[track_caller]
pub(crate) fn conj_of(x: &Array) -> Array {
    if x.dtype().is_complex() { conj(x) } else { x.clone() }
}

/// The real part; a real array itself.
pub(crate) fn real_of(x: &Array) -> Array {
    if x.dtype().is_complex() { real(x) } else { x.clone() }
}

/// A real array as one of that dtype.
#[track_caller]
pub(crate) fn cast_to(x: &Array, dtype: DType) -> Array {
    if dtype.is_complex() && !x.dtype().is_complex() {
        return complex(x, &scalar_like(x, 0.0));
    }
    convert_element_type(x, dtype)
}

/// The conjugate transpose.
#[track_caller]
pub(crate) fn adjoint(x: &Array) -> Array {
    conj_of(&mt(x))
}

/// The products of matrices of two batches of the same leading dimensions, in full precision.
#[track_caller]
pub(crate) fn mm(x: &Array, y: &Array) -> Array {
    let rank = x.ndim();
    let batch: Vec<usize> = (0..rank - 2).collect();
    let numbers = DotDimensionNumbers::new((&[rank - 1], &[rank - 2]), (&batch, &batch));
    dot_general(x, y, numbers, Some(Precision::Highest), None)
}

/// The row and column of every element.
#[track_caller]
fn indices(x: &Array) -> (Array, Array) {
    let rank = x.ndim();
    let shape = x.shape();
    (broadcasted_iota(DType::I32, shape, rank - 2), broadcasted_iota(DType::I32, shape, rank - 1))
}

/// Where the column exceeds the row by less than `k`, or by at least.
#[track_caller]
fn below(x: &Array, k: i64) -> Array {
    let (row, column) = indices(x);
    lt(&column, &add(&row, &Array::scalar(k, DType::I32, false)))
}

/// The part on and below the `k`-th diagonal.
#[track_caller]
pub(crate) fn tril(x: &Array, k: i64) -> Array {
    select(&below(x, k + 1), x, &zeros_like(x.aval()))
}

/// The part on and above the `k`-th diagonal.
#[track_caller]
pub(crate) fn triu(x: &Array, k: i64) -> Array {
    select(&below(x, k), &zeros_like(x.aval()), x)
}

/// Ones on the diagonal of an array of that shape and dtype.
#[track_caller]
pub(crate) fn eye_like(x: &Array) -> Array {
    let (row, column) = indices(x);
    convert_element_type(&eq(&row, &column), x.dtype())
}

/// The identity.
pub(crate) fn eye(dtype: DType, rows: usize, columns: usize) -> Array {
    eye_like(&full(&[rows, columns], 0, dtype))
}

/// The diagonal.
#[track_caller]
pub(crate) fn diagonal_of(x: &Array) -> Array {
    let (m, n) = sizes_of(x);
    let (rank, k) = (x.ndim(), m.min(n));
    let x = rows(&columns(x, 0, k), 0, k);
    let (row, column) = indices(&x);
    reduce_sum(&select(&eq(&row, &column), &x, &zeros_like(x.aval())), &[rank - 1])
}

/// Vectors as the rows of an array: `[…, n] → […, 1, n]`, stretched to the shape of `like`.
#[track_caller]
pub(crate) fn as_rows(v: &Array, like: &Array) -> Array {
    let rank = like.ndim();
    let dims: Vec<usize> = (0..rank - 2).chain([rank - 1]).collect();
    broadcast_in_dim(v, like.shape(), &dims)
}

/// Vectors as the columns of an array, stretched to the shape of `like`.
#[track_caller]
pub(crate) fn as_columns(v: &Array, like: &Array) -> Array {
    let dims: Vec<usize> = (0..like.ndim() - 1).collect();
    broadcast_in_dim(v, like.shape(), &dims)
}

/// Some rows.
#[track_caller]
pub(crate) fn rows(x: &Array, from: usize, to: usize) -> Array {
    if (from, to) == (0, sizes_of(x).0) {
        return x.clone();
    }
    slice_in_dim(x, from as i64, Some(to as i64), 1, x.ndim() - 2)
}

/// Some columns.
#[track_caller]
pub(crate) fn columns(x: &Array, from: usize, to: usize) -> Array {
    if (from, to) == (0, sizes_of(x).1) {
        return x.clone();
    }
    slice_in_dim(x, from as i64, Some(to as i64), 1, x.ndim() - 1)
}

/// The rows of one matrix in the order of `order`.
#[track_caller]
pub(crate) fn take_rows(x: &Array, order: &Array) -> Array {
    if x.size() == 0 {
        return full(
            &[order.size()].iter().chain(&x.shape()[1..]).copied().collect::<Vec<_>>(),
            0,
            x.dtype(),
        );
    }
    let numbers = GatherDimensionNumbers {
        offset_dims: (1..x.ndim()).collect(),
        collapsed_slice_dims: vec![0],
        start_index_map: vec![0],
        ..Default::default()
    };
    let mut sizes = x.shape().to_vec();
    sizes[0] = 1;
    gather(x, &expand_dims(order, &[1]), numbers, &sizes, GatherScatterMode::PromiseInBounds)
}

/// The rows of every matrix of a batch in the order that the batch of `order` gives.
#[track_caller]
pub(crate) fn take_rows_each(x: &Array, order: &Array) -> Array {
    let lead = x.ndim() - 2;
    if x.size() == 0 {
        return full(
            &order.shape().iter().chain(&x.shape()[lead + 1..]).copied().collect::<Vec<_>>(),
            0,
            x.dtype(),
        );
    }
    let numbers = GatherDimensionNumbers {
        offset_dims: vec![lead + 1],
        collapsed_slice_dims: vec![lead],
        start_index_map: vec![lead],
        operand_batching_dims: (0..lead).collect(),
        start_indices_batching_dims: (0..lead).collect(),
    };
    let mut sizes = vec![1; x.ndim()];
    sizes[lead + 1] = x.shape()[lead + 1];
    gather(x, &expand_dims(order, &[lead + 1]), numbers, &sizes, GatherScatterMode::PromiseInBounds)
}

/// Half the sum of the matrix and its adjoint.
#[track_caller]
pub(crate) fn symmetrize(x: &Array) -> Array {
    (E(add(x, &adjoint(x))) / 2.0).0
}

/// The squares of the magnitudes, real.
#[track_caller]
pub(crate) fn squares(x: &Array) -> Array {
    if x.dtype().is_complex() {
        let (re, im) = (real(x), crate::lax::imag(x));
        return add(&mul(&re, &re), &mul(&im, &im));
    }
    mul(x, x)
}

/// Whether places come after an index.
pub(crate) fn after(places: &Array, index: &Array) -> Array {
    ge(places, &add(index, &scalar_like(index, 1)))
}

/// The distance from one to the next larger number of a real dtype.
pub(crate) fn epsilon(dtype: DType) -> f64 {
    if dtype.real() == DType::F64 { f64::EPSILON } else { f32::EPSILON as f64 }
}

/// The matrix divided by a number so that squares of its elements neither overflow nor vanish, and that number: one, unless the matrix
/// is extreme.
pub(crate) fn tamed(a: &Array) -> (Array, E) {
    let smallest = if a.dtype().real() == DType::F64 { f64::MIN_POSITIVE } else { f32::MIN_POSITIVE as f64 };
    let least = smallest.sqrt() / epsilon(a.dtype());
    let largest = E(reduce_max(&abs(a), &(0..a.ndim()).collect::<Vec<_>>()));
    let extreme = largest.lt(least).or(largest.gt(1.0 / least)).and(largest.ne(0.0));
    let scale = choose(&extreme, &largest, 1.0);
    ((E(a.clone()) / spread(&scale, a)).0, scale)
}

/// What [`tamed`] gave, or what was made of it, multiplied by the number again.
pub(crate) fn wild(a: &Array, scale: &E) -> Array {
    (E(a.clone()) * spread(scale, a)).0
}

fn spread(scale: &E, a: &Array) -> E {
    E(broadcast_in_dim(&cast_to(&scale.0, a.dtype()), a.shape(), &[]))
}
