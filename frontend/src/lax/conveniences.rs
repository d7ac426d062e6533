//! Operators of `jax.lax` that are others in a particular form: products without dimension numbers, names of bitwise operations, approximate
//! extrema (which are exact here), collapsed dimensions.

use super::binary::{and, div, mul, or, xor};
use super::compare::{ge, lt};
use super::convert::convert_element_type;
use super::cumulative::cumsum;
use super::dot::{DotDimensionNumbers, Precision, dot_general};
use super::elementwise::scalar_like;
use super::rules::{refuse, show};
use super::shape::{broadcast_in_dim, broadcasted_iota, expand_dims, reshape};
use super::sort::{sort_many, top_k};
use super::unary::{neg, not};
use super::{select, sub};
use crate::ir::{Array, DType, Scalar};

/// The products of matrices of two batches: `f32[…, m, k] × f32[…, k, n] → f32[…, m, n]`.
///
/// # Panics
/// If ranks differ or are below two, or shapes do not fit.
#[track_caller]
pub fn batch_matmul(lhs: &Array, rhs: &Array, precision: Option<Precision>) -> Array {
    let rank = lhs.ndim();
    if rank < 2 || rhs.ndim() != rank {
        let (a, b) = (show(lhs.shape()), show(rhs.shape()));
        refuse!("batch_matmul" => "operands must have the same rank of at least 2, got shapes {a} and {b}")
    }
    let batch: Vec<usize> = (0..rank - 2).collect();
    let numbers = DotDimensionNumbers::new((&[rank - 1], &[rank - 2]), (&batch, &batch));
    dot_general(lhs, rhs, numbers, precision, None)
}

/// The product of vectors or matrices, over the last dimension of the left and the first of the right.
///
/// # Panics
/// If an operand has not one or two dimensions, or sizes differ.
#[track_caller]
pub fn dot(lhs: &Array, rhs: &Array, precision: Option<Precision>) -> Array {
    if !matches!(lhs.ndim(), 1 | 2) || !matches!(rhs.ndim(), 1 | 2) {
        let (a, b) = (show(lhs.shape()), show(rhs.shape()));
        refuse!("dot" => "takes vectors and matrices, got shapes {a} and {b}")
    }
    let numbers = DotDimensionNumbers::new((&[lhs.ndim() - 1], &[0]), (&[], &[]));
    dot_general(lhs, rhs, numbers, precision, None)
}

/// Rows times the matrix of their group: `f32[m, k] × f32[g, k, n] → f32[m, n]`, where the first `group_sizes[0]` rows are of the first group, and so
/// on; rows beyond all groups give zero.
///
/// # Panics
/// If shapes do not fit.
#[track_caller]
pub fn ragged_dot(lhs: &Array, rhs: &Array, group_sizes: &Array, precision: Option<Precision>) -> Array {
    let fits = lhs.ndim() == 2
        && rhs.ndim() == 3
        && lhs.shape()[1] == rhs.shape()[1]
        && group_sizes.shape() == &rhs.shape()[..1]
        && group_sizes.dtype().is_integer();
    if !fits {
        let (a, b, c) = (lhs.aval(), rhs.aval(), group_sizes.aval());
        refuse!("ragged_dot" => "takes [m, k], [g, k, n] and integers [g], got {a}, {b} and {c}")
    }
    let (m, k, groups) = (lhs.shape()[0], lhs.shape()[1], rhs.shape()[0]);
    let sizes = convert_element_type(group_sizes, DType::I32);
    let ends = cumsum(&sizes, 0, false);
    let shape = [groups, m, k];
    let wide = |x: &Array| broadcast_in_dim(x, &shape, &[0]);
    let row = broadcasted_iota(DType::I32, &shape, 1);
    let own = and(&ge(&row, &wide(&sub(&ends, &sizes))), &lt(&row, &wide(&ends)));
    let spread = broadcast_in_dim(lhs, &shape, &[1, 2]);
    let zero = super::zeros_like(spread.aval());
    let numbers = DotDimensionNumbers::new((&[0, 2], &[0, 1]), (&[], &[]));
    dot_general(&select(&own, &spread, &zero), rhs, numbers, precision, None)
}

/// Dimensions `start` to before `stop` made one.
///
/// # Panics
/// If they are no range of dimensions.
#[track_caller]
pub fn collapse(operand: &Array, start_dimension: usize, stop_dimension: usize) -> Array {
    let shape = operand.shape();
    if start_dimension > stop_dimension || stop_dimension > shape.len() {
        refuse!("collapse" => "dimensions {start_dimension} to {stop_dimension} are none of shape {}", show(shape))
    }
    let middle = shape[start_dimension..stop_dimension].iter().product();
    let sizes: Vec<usize> = shape[..start_dimension]
        .iter()
        .copied()
        .chain((start_dimension < stop_dimension).then_some(middle))
        .chain(shape[stop_dimension..].iter().copied())
        .collect();
    reshape(operand, &sizes)
}

/// The operand with dimensions of size 1 before its own, up to that rank.
#[track_caller]
pub fn broadcast_to_rank(x: &Array, rank: usize) -> Array {
    if x.ndim() > rank {
        refuse!("broadcast_to_rank" => "an array of shape {} has more than {rank} dimensions", show(x.shape()))
    }
    expand_dims(x, &(0..rank - x.ndim()).collect::<Vec<_>>())
}

/// The largest `k` elements along the last dimension and their positions; exact on every plugin.
#[track_caller]
pub fn approx_max_k(operand: &Array, k: usize) -> (Array, Array) {
    top_k(operand, k)
}

/// The smallest `k` elements along the last dimension, ascending, and their positions; exact on every plugin.
#[track_caller]
pub fn approx_min_k(operand: &Array, k: usize) -> (Array, Array) {
    let (values, positions) = top_k(&neg(operand), k);
    (neg(&values), positions)
}

/// Keys in ascending order along `dimension`, and values in the order of their keys; equal keys keep their order.
#[track_caller]
pub fn sort_key_val(keys: &Array, values: &Array, dimension: usize) -> (Array, Array) {
    let mut out = sort_many(&[keys.clone(), values.clone()], dimension, true, 1);
    let values = out.pop().expect("two operands");
    (out.pop().expect("two operands"), values)
}

/// `1 / x`.
#[track_caller]
pub fn reciprocal(x: &Array) -> Array {
    div(&scalar_like(x, 1), x)
}

/// [`and`].
#[track_caller]
pub fn bitwise_and(x: &Array, y: &Array) -> Array {
    and(x, y)
}

/// [`or`].
#[track_caller]
pub fn bitwise_or(x: &Array, y: &Array) -> Array {
    or(x, y)
}

/// [`xor`].
#[track_caller]
pub fn bitwise_xor(x: &Array, y: &Array) -> Array {
    xor(x, y)
}

/// [`not`].
#[track_caller]
pub fn bitwise_not(x: &Array) -> Array {
    not(x)
}

/// The upper half of the product of two 32-bit integers.
///
/// # Panics
/// If the operands are not 32-bit integers of one dtype.
#[track_caller]
pub fn mulhi(x: &Array, y: &Array) -> Array {
    let (dtype, wide) = match x.dtype() {
        DType::UI32 => (DType::UI32, DType::UI64),
        DType::I32 => (DType::I32, DType::I64),
        _ => refuse!("mulhi" => "takes 32-bit integers, got {}", x.aval()),
    };
    let product = mul(&convert_element_type(x, wide), &convert_element_type(y, wide));
    let shift = Array::scalar(Scalar::Int(32), wide, false);
    let high = if dtype == DType::UI32 {
        super::shift_right_logical(&product, &shift)
    } else {
        super::shift_right_arithmetic(&product, &shift)
    };
    convert_element_type(&high, dtype)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f32s(values: &[f32], shape: &[usize]) -> Array {
        Array::from_slice(values, shape)
    }

    #[test]
    fn ragged_products_take_the_matrix_of_their_group() {
        let lhs = f32s(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], &[4, 2]);
        let rhs = f32s(&[1.0, 10.0, 100.0, 1000.0], &[2, 2, 1]);
        let sizes = Array::from_slice(&[1i32, 2], [2]);
        let out = ragged_dot(&lhs, &rhs, &sizes, None);
        assert_eq!(out.to_vec::<f32>(), [21.0, 4300.0, 6500.0, 0.0]);
    }

    #[test]
    fn other_names_of_other_operations() {
        let x = f32s(&[3.0, 1.0, 2.0], &[3]);
        let (least, at) = approx_min_k(&x, 2);
        assert_eq!((least.to_vec::<f32>(), at.to_vec::<i32>()), (vec![1.0, 2.0], vec![1, 2]));
        let (keys, values) = sort_key_val(&x, &f32s(&[0.0, 1.0, 2.0], &[3]), 0);
        assert_eq!(
            (keys.to_vec::<f32>(), values.to_vec::<f32>()),
            (vec![1.0, 2.0, 3.0], vec![1.0, 2.0, 0.0])
        );
        assert_eq!(collapse(&f32s(&[0.0; 24], &[2, 3, 4]), 1, 3).shape(), [2, 12]);
        assert_eq!(collapse(&f32s(&[0.0; 6], &[2, 3]), 1, 1).shape(), [2, 3]);
        assert_eq!(dot(&x, &x, None).to_vec::<f32>(), [14.0]);
        assert_eq!(reciprocal(&x).to_vec::<f32>()[1], 1.0);
        assert_eq!(broadcast_to_rank(&x, 3).shape(), [1, 1, 3]);
    }
}
