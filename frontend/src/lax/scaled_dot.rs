//! `scaled_dot`: the product of narrow numbers that share scales block by block.
//!
//! It is its definition: operands and scales in bfloat16, each scale repeated over its block, then an ordinary product. JAX marks the same
//! operations as one that XLA may replace on an accelerator.

use super::binary::mul;
use super::convert::convert_element_type;
use super::dot::{DotDimensionNumbers, dot_general};
use super::rules::{refuse, show};
use super::shape::{broadcast_in_dim, reshape};
use crate::ir::{Array, DType};

/// The product of operands whose elements are multiplied by scales, one for each block along the contracting dimensions:
/// `(lhs · lhs_scale) × (rhs · rhs_scale)`, in bfloat16 with the result in that dtype, or in `preferred_element_type`.
///
/// A scale has its operand's rank; along a contracting dimension it has one element for each block of at least two. An absent scale is
/// one. Without dimension numbers, matrices are multiplied, or with three dimensions batches of them. Unlike JAX's it can be
/// differentiated.
///
/// ```
/// # use jacinth_frontend::{Array, DType, lax};
/// let (lhs, rhs) = (Array::from([[1.0f32, 2.0, 3.0, 4.0]]), Array::from([[1.0f32], [1.0], [1.0], [1.0]]));
/// // Blocks of two: half of the first, twice the second.
/// let scale = Array::from([[0.5f32, 2.0]]);
/// let y = lax::scaled_dot(&lhs, &rhs, Some(&scale), None, None, Some(DType::F32));
/// assert_eq!(y.to_string(), "[[15.5]]");
/// ```
///
/// # Panics
/// If the ranks differ, a scale does not fit its operand, or the dimensions do not fit the operands.
#[track_caller]
pub fn scaled_dot(
    lhs: &Array,
    rhs: &Array,
    lhs_scale: Option<&Array>,
    rhs_scale: Option<&Array>,
    dimension_numbers: Option<DotDimensionNumbers>,
    preferred_element_type: Option<DType>,
) -> Array {
    let numbers = match (dimension_numbers, lhs.ndim()) {
        (Some(numbers), _) => numbers,
        (None, 2) => DotDimensionNumbers::new((&[1], &[0]), (&[], &[])),
        (None, 3) => DotDimensionNumbers::new((&[2], &[1]), (&[0], &[0])),
        (None, rank) => {
            refuse!("scaled_dot" => "operands of {rank} dimensions need dimension numbers")
        }
    };
    let lhs = scaled("lhs", lhs, lhs_scale, &numbers.lhs_contracting);
    let rhs = scaled("rhs", rhs, rhs_scale, &numbers.rhs_contracting);
    dot_general(&lhs, &rhs, numbers, None, Some(preferred_element_type.unwrap_or(DType::BF16)))
}

/// An operand times its scale, in bfloat16.
#[track_caller]
fn scaled(side: &str, operand: &Array, scale: Option<&Array>, contracting: &[usize]) -> Array {
    let narrow = |x: &Array| convert_element_type(x, DType::BF16);
    let Some(scale) = scale else { return narrow(operand) };
    let (shape, scales) = (operand.shape(), scale.shape());
    let fits = |(d, (&size, &count)): (usize, (&usize, &usize))| {
        if contracting.contains(&d) {
            count > 0 && size % count == 0 && size / count >= 2
        } else {
            size == count
        }
    };
    if shape.len() != scales.len() || !shape.iter().zip(scales).enumerate().all(fits) {
        let (shape, scales) = (show(shape), show(scales));
        refuse!("scaled_dot" =>
            "the scale of {side} must have its shape, with one element for each block of two or more along contracting dimensions; \
             got shapes {shape} and {scales}")
    }
    let scale = contracting.iter().fold(narrow(scale), |scale, &d| repeated(&scale, d, shape[d]));
    mul(&narrow(operand), &scale)
}

/// Each element repeated along a dimension, which then has that size.
fn repeated(x: &Array, dimension: usize, size: usize) -> Array {
    let mut shape = x.shape().to_vec();
    shape.insert(dimension + 1, size / shape[dimension]);
    let kept: Vec<usize> = (0..shape.len()).filter(|&d| d != dimension + 1).collect();
    let spread = broadcast_in_dim(x, &shape, &kept);
    shape.remove(dimension + 1);
    shape[dimension] = size;
    reshape(&spread, &shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{jit, numpy as jnp};

    /// The numbers are what JAX 0.10.2 gives.
    #[test]
    fn each_block_has_its_scale_as_in_jax() {
        let lhs = ((jnp::arange(16.0) - 7.0) / 4.0).reshape((2, 8));
        let rhs = (jnp::arange(24.0) % 5.0 - 2.0).reshape((8, 3));
        let lhs_scale = Array::from([[1.0f32, 0.5], [2.0, 0.25]]);
        let rhs_scale =
            Array::from([[1.0f32, 2.0, 0.5], [0.25, 1.0, 4.0], [2.0, 2.0, 1.0], [0.5, 0.125, 3.0]]);
        let expected = [2.75f32, -0.78125, 0.5, -0.90625, -1.015625, -3.5];
        let single = Some(DType::F32);
        let both = |l: &Array, r: &Array| scaled_dot(l, r, Some(&lhs_scale), Some(&rhs_scale), None, single);
        assert_eq!(both(&lhs, &rhs).to_vec::<f32>(), expected);
        assert_eq!(jit(both)(&lhs, &rhs).to_vec::<f32>(), expected);
        assert_eq!(scaled_dot(&lhs, &rhs, Some(&lhs_scale), None, None, None).dtype(), DType::BF16);
        let none = scaled_dot(&lhs, &rhs, None, None, None, single);
        assert_eq!(none.to_vec::<f32>(), [2.0, 0.0, 1.75, -2.0, 2.0, -0.25]);
        let pair = |a: Array, b: Array| jnp::stack(&[a, b], 0);
        let (lhs, rhs) = (pair(lhs.clone(), &lhs * -2.0), pair(rhs.clone(), &rhs + 1.0));
        let scale = pair(lhs_scale.clone(), &lhs_scale * 2.0);
        let batches = scaled_dot(&lhs, &rhs, Some(&scale), None, None, single);
        let expected =
            [1.625f32, 0.375, 2.25, 1.6875, -1.6875, -2.25, 18.5, 23.5, 16.0, -33.25, -19.75, -17.5];
        assert_eq!(batches.to_vec::<f32>(), expected);
    }

    #[test]
    fn scales_that_do_not_fit_are_refused() {
        let (lhs, rhs) = (jnp::ones([2, 8]), jnp::ones([8, 3]));
        for shape in [&[2, 3][..], &[2, 8], &[1, 2], &[2]] {
            let call = jit(|scale: &Array| scaled_dot(&lhs, &rhs, Some(scale), None, None, None));
            let error = call.try_call((&jnp::ones(shape),)).unwrap_err().to_string();
            assert!(error.contains("the scale of lhs"), "{error}");
        }
    }
}
