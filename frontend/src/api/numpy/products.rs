//! Products of arrays.

use super::{Axis, IntoArray, canonical};
use crate::api::dtypes::result_type;
use crate::ir::{Array, DType};
use crate::lax::{self, DotDimensionNumbers, Precision, rules::refuse};

/// A product in the dtype in which the operands meet.
#[track_caller]
pub(super) fn product(
    x: &Array,
    y: &Array,
    numbers: DotDimensionNumbers,
    precision: Option<Precision>,
) -> Array {
    let (dtype, _) = met(x, y);
    lax::dot_general(x, y, numbers, precision, Some(dtype))
}

/// The dtype in which two arrays meet.
#[track_caller]
fn met(x: &Array, y: &Array) -> (DType, bool) {
    match result_type(&[x.clone(), y.clone()]) {
        Ok(met) => met,
        Err(error) => error.at(crate::trace::current_source(std::panic::Location::caller())).raise(),
    }
}

/// NumPy's dot product: `x[…, k] × y[…, k, n]` summed over `k`, all other dimensions side by side; with a scalar the product.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let m = Array::from([[1, 2], [3, 4]]);
/// assert_eq!(jnp::dot(&m, Array::from([10, 1])).to_vec::<i32>(), [12, 34]);
/// assert_eq!(jnp::dot(jnp::ones([2, 3]), jnp::ones([5, 3, 4])).shape(), [2, 5, 4]);
/// ```
///
/// # Panics
/// If the sizes to sum over differ, or the dtypes do not meet.
#[track_caller]
pub fn dot(x: impl IntoArray, y: impl IntoArray) -> Array {
    dot_precision(x, y, None)
}

/// [`dot`] with a precision, which matters where the hardware multiplies in fewer bits than the dtype has.
///
/// ```
/// # use jacinth_frontend::{Array, lax, numpy as jnp};
/// # use lax::Precision;
/// let x = Array::from([1.0f32, 2.0]);
/// assert_eq!(jnp::dot_precision(&x, &x, Some(Precision::Highest)).item::<f32>(), 5.0);
/// ```
///
/// # Panics
/// As [`dot`].
#[track_caller]
pub fn dot_precision(x: impl IntoArray, y: impl IntoArray, precision: Option<Precision>) -> Array {
    dot_arrays(x.into_array(), y.into_array(), precision)
}

#[track_caller]
fn dot_arrays(x: Array, y: Array, precision: Option<Precision>) -> Array {
    let (x_dims, y_dims): (Vec<usize>, Vec<usize>) = if x.ndim() == 0 || y.ndim() == 0 {
        (vec![], vec![])
    } else {
        (vec![x.ndim() - 1], vec![y.ndim().saturating_sub(2)])
    };
    let (x, y) = same_kind(x, y);
    product(&x, &y, DotDimensionNumbers::new((&x_dims, &y_dims), (&[], &[])), precision)
}

/// Operands of a product may differ in dtype; only weak ones are converted.
#[track_caller]
pub(super) fn same_kind(x: Array, y: Array) -> (Array, Array) {
    let (dtype, _) = met(&x, &y);
    let fit = |a: Array| if a.weak_type() { lax::convert_element_type(&a, dtype) } else { a };
    let (x, y) = (fit(x), fit(y));
    // Booleans have no sums.
    let number = |a: Array| if a.dtype().is_boolean() { lax::convert_element_type(&a, dtype) } else { a };
    (number(x), number(y))
}

/// The matrix product: `x[…, m, k] × y[…, k, n] → […, m, n]`, leading dimensions broadcast; vectors have no second dimension.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (a, b) = (Array::from([[1, 2], [3, 4]]), Array::from([[0, 1], [1, 0]]));
/// assert_eq!(jnp::matmul(&a, &b).to_string(), "[[2 1]\n [4 3]]");
/// assert_eq!(jnp::matmul(jnp::ones([5, 2, 3]), jnp::ones([3, 4])).shape(), [5, 2, 4]);
/// ```
///
/// # Panics
/// Of scalars, or if the sizes to sum over differ, leading dimensions do not broadcast, or the dtypes do not meet.
#[track_caller]
pub fn matmul(x: impl IntoArray, y: impl IntoArray) -> Array {
    matmul_precision(x, y, None)
}

/// [`matmul`] with a precision, which matters where the hardware multiplies in fewer bits than the dtype has.
///
/// ```
/// # use jacinth_frontend::{lax, numpy as jnp};
/// # use lax::Precision;
/// let product = jnp::matmul_precision(jnp::eye(2), jnp::ones([2, 1]), Some(Precision::High));
/// assert_eq!(product.to_string(), "[[1.]\n [1.]]");
/// ```
///
/// # Panics
/// As [`matmul`].
#[track_caller]
pub fn matmul_precision(x: impl IntoArray, y: impl IntoArray, precision: Option<Precision>) -> Array {
    matmul_arrays(x.into_array(), y.into_array(), precision)
}

#[track_caller]
fn matmul_arrays(x: Array, y: Array, precision: Option<Precision>) -> Array {
    let (x, y) = same_kind(x, y);
    if x.ndim() == 0 || y.ndim() == 0 {
        let (a, b) = (lax::rules::show(x.shape()), lax::rules::show(y.shape()));
        refuse!("matmul" => "operands must have at least one dimension, got shapes {a} and {b}")
    }
    let (x_vector, y_vector) = (x.ndim() == 1, y.ndim() == 1);
    let k = (x.shape()[x.ndim() - 1], y.shape()[y.ndim().saturating_sub(2)]);
    if k.0 != k.1 {
        let (a, b) = (lax::rules::show(x.shape()), lax::rules::show(y.shape()));
        refuse!("matmul" => "contracting sizes differ: {} and {}, of shapes {a} and {b}", k.0, k.1)
    }
    let x_lead = x.shape()[..x.ndim().saturating_sub(2)].to_vec();
    let y_lead = y.shape()[..y.ndim().saturating_sub(2)].to_vec();
    let lead = super::broadcast_shape("matmul", &[&x_lead, &y_lead]);
    // Leading dimensions are batch dimensions where both have them, free where only one has; those of size 1 that the other
    // stretches go.
    let (mut x_batch, mut y_batch, mut x_gone, mut y_gone) = (vec![], vec![], vec![], vec![]);
    let (mut from_batch, mut from_x, mut from_y) = (vec![], vec![], vec![]);
    let rank = lead.len();
    for (d, &size) in lead.iter().enumerate() {
        let x_dim = d.checked_sub(rank - x_lead.len());
        let y_dim = d.checked_sub(rank - y_lead.len());
        match (x_dim, y_dim) {
            (Some(i), Some(j)) if x_lead[i] == y_lead[j] => {
                x_batch.push(i);
                y_batch.push(j);
                from_batch.push(d);
            }
            (Some(i), Some(j)) if x_lead[i] == 1 && size != 1 => {
                x_gone.push(i);
                debug_assert_eq!(y_lead[j], size);
                from_y.push(d);
            }
            (Some(_), Some(j)) => {
                y_gone.push(j);
                from_x.push(d);
            }
            (Some(_), None) => from_x.push(d),
            (None, Some(_)) => from_y.push(d),
            (None, None) => unreachable!("a leading dimension belongs to one side"),
        }
    }
    let (x, y) = (lax::squeeze(&x, &x_gone), lax::squeeze(&y, &y_gone));
    let renumber = |dims: &[usize], gone: &[usize]| -> Vec<usize> {
        dims.iter().map(|d| d - gone.iter().filter(|g| *g < d).count()).collect()
    };
    let (x_batch, y_batch) = (renumber(&x_batch, &x_gone), renumber(&y_batch, &y_gone));
    let contracting = ([x.ndim() - 1], [y.ndim().saturating_sub(2)]);
    let numbers = DotDimensionNumbers::new((&contracting.0, &contracting.1), (&x_batch, &y_batch));
    let out = product(&x, &y, numbers, precision);
    // The product has: batch, x's leading, m, y's leading, n.
    let mut places = from_batch;
    places.extend(from_x);
    if !x_vector {
        places.push(rank);
    }
    places.extend(from_y);
    if !y_vector {
        places.push(rank + 1);
    }
    let mut permutation: Vec<usize> = (0..places.len()).collect();
    permutation.sort_by_key(|&i| places[i]);
    lax::transpose(&out, &permutation)
}

/// The sum of the products of all elements of two raveled arrays; complex numbers of the first are conjugated.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2], [3, 4]]);
/// assert_eq!(jnp::vdot(&x, &x).item::<i32>(), 30);
/// ```
///
/// # Panics
/// If they have different sizes.
#[track_caller]
pub fn vdot(x: impl IntoArray, y: impl IntoArray) -> Array {
    let x = super::conj(x);
    dot(super::ravel(x), super::ravel(y))
}

/// The product summed over the last dimension of both: `x[…, k] × y[…, k]`, other dimensions side by side; of a scalar the product.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, y) = (Array::from([[1, 2], [3, 4]]), Array::from([10, 1]));
/// assert_eq!(jnp::inner(&x, &y).to_vec::<i32>(), [12, 34]);
/// ```
///
/// # Panics
/// If the last dimensions differ.
#[track_caller]
pub fn inner(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = (x.into_array(), y.into_array());
    if x.ndim() == 0 || y.ndim() == 0 {
        return super::multiply(x, y);
    }
    let dims = ([x.ndim() as i64 - 1], [y.ndim() as i64 - 1]);
    tensordot(x, y, dims.0, dims.1)
}

/// All products of an element of one (raveled) with an element of the other: `x[m] × y[n] → [m, n]`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let table = jnp::outer(Array::from([1, 2]), Array::from([3, 4, 5]));
/// assert_eq!(table.to_string(), "[[ 3  4  5]\n [ 6  8 10]]");
/// ```
#[track_caller]
pub fn outer(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = (super::ravel(x), super::ravel(y));
    super::multiply(lax::expand_dims(&x, &[1]), lax::expand_dims(&y, &[0]))
}

/// The product summed over pairs of dimensions, the other ones side by side, those of `x` first.
///
/// JAX's `axes` is one number or two lists; here they are two arguments, and the number `n` is `-n..` and `..n` written out.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let (x, y) = (jnp::ones([2, 3, 4]), jnp::ones([4, 3, 5]));
/// let out = jnp::tensordot(&x, &y, [1, 2], [1, 0]);
/// assert_eq!((out.shape(), out.get((0, 0)).item::<f32>()), (&[2, 5][..], 12.0));
/// ```
///
/// # Panics
/// If there are not as many axes of both, or paired dimensions differ in size.
#[track_caller]
pub fn tensordot(
    x: impl IntoArray,
    y: impl IntoArray,
    x_axes: impl Into<Axis>,
    y_axes: impl Into<Axis>,
) -> Array {
    let (x, y) = same_kind(x.into_array(), y.into_array());
    let (a, b) = (x_axes.into().resolve("tensordot", x.ndim()), y_axes.into().resolve("tensordot", y.ndim()));
    product(&x, &y, DotDimensionNumbers::new((&a, &b), (&[], &[])), None)
}

/// The Kronecker product: every element of the first times the whole of the second, as blocks.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let out = jnp::kron(Array::from([[1, 0], [0, 2]]), Array::from([[1, 1]]));
/// assert_eq!(out.to_string(), "[[1 1 0 0]\n [0 0 2 2]]");
/// ```
#[track_caller]
pub fn kron(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = (x.into_array(), y.into_array());
    let rank = x.ndim().max(y.ndim());
    let widen = |x: &Array| lax::expand_dims(x, &(0..rank - x.ndim()).collect::<Vec<_>>());
    let (x, y) = (widen(&x), widen(&y));
    let x_spread = lax::expand_dims(&x, &(0..rank).map(|i| 2 * i + 1).collect::<Vec<_>>());
    let y_spread = lax::expand_dims(&y, &(0..rank).map(|i| 2 * i).collect::<Vec<_>>());
    let shape: Vec<usize> = x.shape().iter().zip(y.shape()).map(|(a, b)| a * b).collect();
    lax::reshape(&super::multiply(x_spread, y_spread), &shape)
}

/// The Euclidean (Frobenius) length over axes, as a floating number; [`linalg::norm`](super::linalg::norm) knows other norms.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[3, 4], [5, 12]]);
/// assert_eq!(jnp::norm(&x, 1).to_vec::<f32>(), [5.0, 13.0]);
/// ```
#[track_caller]
pub fn norm(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let x = crate::api::dtypes::promote_inexact(&[x.into_array()]).remove(0);
    let squares =
        if x.dtype().is_complex() { lax::real(&lax::mul(&x, &lax::conj(&x))) } else { lax::mul(&x, &x) };
    lax::sqrt(&super::sum(squares, axis))
}

/// The cross product of vectors of two or three numbers along an axis; of two vectors of two, a number.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, y) = (Array::from([1, 0, 0]), Array::from([0, 1, 0]));
/// assert_eq!(jnp::cross(&x, &y, -1).to_vec::<i32>(), [0, 0, 1]);
/// assert_eq!(jnp::cross(Array::from([1, 2]), Array::from([3, 4]), -1).item::<i32>(), -2);
/// ```
///
/// # Panics
/// If there are other than two or three numbers along the axis.
#[track_caller]
pub fn cross(x: impl IntoArray, y: impl IntoArray, axis: i64) -> Array {
    let _line = crate::trace::keep_line();
    let (x, y) = (x.into_array(), y.into_array());
    let last = |v: &Array| {
        let axis = canonical("cross", axis, v.ndim());
        let v = lax::moveaxis(v, axis, v.ndim() - 1);
        let n = v.shape()[v.ndim() - 1];
        if n != 2 && n != 3 {
            refuse!("cross" => "takes vectors of two or three numbers, got shape {}", lax::rules::show(v.shape()))
        }
        (v, n)
    };
    let ((x, n), (y, m)) = (last(&x), last(&y));
    let part = |v: &Array, n: usize, i: usize| {
        let first = lax::index_in_dim(v, i.min(n - 1) as i64, v.ndim() - 1, false);
        if i < n { first } else { lax::full_like(&first, 0) }
    };
    let component = |i: usize, j: usize| {
        let (a, b) = (part(&x, n, i), part(&y, m, j));
        let (c, d) = (part(&x, n, j), part(&y, m, i));
        super::subtract(super::multiply(a, b), super::multiply(c, d))
    };
    if n == 2 && m == 2 {
        return component(0, 1);
    }
    let all = lax::stack(&[component(1, 2), component(2, 0), component(0, 1)], 0);
    super::moveaxis(all, 0, axis)
}

/// The product over the last dimension of both, the others broadcast; complex numbers of the first are conjugated.
///
/// [`linalg::vecdot`](super::linalg::vecdot) takes an axis.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, y) = (Array::from([[1, 2], [3, 4]]), Array::from([10, 1]));
/// assert_eq!(jnp::vecdot(&x, &y).to_vec::<i32>(), [12, 34]);
/// ```
///
/// # Panics
/// As [`matmul`].
#[track_caller]
pub fn vecdot(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = same_kind(super::conj(x), y.into_array());
    let row = lax::expand_dims(&x, &[x.ndim().saturating_sub(1)]);
    let column = lax::expand_dims(&y, &[y.ndim()]);
    super::squeeze(matmul(row, column), [-1, -2])
}

/// Matrices times vectors: `x[…, m, k] × y[…, k] → […, m]`, leading dimensions broadcast.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (m, v) = (Array::from([[1, 2], [3, 4]]), Array::from([[1, 0], [0, 1], [1, 1]]));
/// assert_eq!(jnp::matvec(&m, &v).to_string(), "[[1 3]\n [2 4]\n [3 7]]");
/// ```
///
/// # Panics
/// As [`matmul`].
#[track_caller]
pub fn matvec(x: impl IntoArray, y: impl IntoArray) -> Array {
    let y = y.into_array();
    super::squeeze(matmul(x, lax::expand_dims(&y, &[y.ndim()])), -1)
}

/// Vectors times matrices: `x[…, k] × y[…, k, n] → […, n]`; complex numbers of the vectors are conjugated.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (v, m) = (Array::from([10, 1]), Array::from([[1, 2], [3, 4]]));
/// assert_eq!(jnp::vecmat(&v, &m).to_vec::<i32>(), [13, 24]);
/// ```
///
/// # Panics
/// As [`matmul`].
#[track_caller]
pub fn vecmat(x: impl IntoArray, y: impl IntoArray) -> Array {
    let x = super::conj(x);
    super::squeeze(matmul(lax::expand_dims(&x, &[x.ndim().saturating_sub(1)]), y), -2)
}
