//! Products of narrow numbers that share scales block by block.
//!
//! JAX hands `scaled_matmul` to cuDNN and refuses it everywhere else; here it is the formula of its documentation, on every plugin.
//! Deliberately absent: `scaled_dot_general` and its configurations, which quantise for cuDNN's formats.

use crate::api::numpy::{self as jnp, IntoArray};
use crate::ir::{Array, DType};
use crate::lax::{self, DotDimensionNumbers, rules::refuse, rules::show};

/// The products of matrices whose elements are multiplied by scales, one for each block along the summed dimension:
/// `[b, m, k] × [b, n, k] × [b, m, k/block] × [b, n, k/block] → f32[b, m, n]`.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let (a, b) = (Array::from([[[1.0f32, 2.0, 3.0]]]), Array::from([[[4.0f32, 5.0, 6.0]]]));
/// let scales = Array::from([[[0.5f32]]]);
/// assert_eq!(nn::scaled_matmul(&a, &b, &scales, &scales).to_vec::<f32>(), [8.0]);
/// ```
///
/// # Panics
/// If the arrays do not have three dimensions, or these do not fit.
#[track_caller]
pub fn scaled_matmul(
    lhs: impl IntoArray,
    rhs: impl IntoArray,
    lhs_scales: impl IntoArray,
    rhs_scales: impl IntoArray,
) -> Array {
    scaled_matmul_of(lhs, rhs, lhs_scales, rhs_scales, DType::F32)
}

/// [`scaled_matmul`] whose result, summed in single precision, has that dtype.
///
/// ```
/// # use jacinth_frontend::{DType, nn, numpy as jnp};
/// let ones = jnp::ones([1, 2, 4]);
/// let scales = jnp::full([1, 2, 1], 0.5);
/// let y = nn::scaled_matmul_of(&ones, &ones, &scales, &scales, DType::BF16);
/// assert_eq!((y.dtype(), y.to_string()), (DType::BF16, "[[[1 1]\n  [1 1]]]".into()));
/// ```
///
/// # Panics
/// As [`scaled_matmul`].
#[track_caller]
pub fn scaled_matmul_of(
    lhs: impl IntoArray,
    rhs: impl IntoArray,
    lhs_scales: impl IntoArray,
    rhs_scales: impl IntoArray,
    preferred_element_type: DType,
) -> Array {
    let (lhs, rhs) = (lhs.into_array(), rhs.into_array());
    let (lhs_scales, rhs_scales) = (lhs_scales.into_array(), rhs_scales.into_array());
    let all = [&lhs, &rhs, &lhs_scales, &rhs_scales];
    if let Some(x) = all.iter().find(|x| x.ndim() != 3) {
        refuse!("scaled_matmul" => "takes arrays of three dimensions, got shape {}", show(x.shape()))
    }
    let [b, _, k] = sizes(&lhs);
    if [sizes(&rhs)[0], sizes(&rhs)[2]] != [b, k] {
        let (a, b) = (show(lhs.shape()), show(rhs.shape()));
        refuse!("scaled_matmul" => "the first and the last dimensions of both operands must agree, got shapes {a} and {b}")
    }
    let scaled = |x: &Array, scales: &Array| {
        let ([b, m, k], [scales_b, scales_m, blocks]) = (sizes(x), sizes(scales));
        if [scales_b, scales_m] != [b, m] || blocks == 0 || k % blocks != 0 {
            let (a, b) = (show(x.shape()), show(scales.shape()));
            refuse!("scaled_matmul" => "there must be a scale for each block of the last dimension, got shapes {a} and {b}")
        }
        let single = |x: &Array| lax::convert_element_type(x, DType::F32);
        let blocked = lax::reshape(&single(x), &[b, m, blocks, k / blocks]);
        let product = jnp::multiply(blocked, lax::expand_dims(&single(scales), &[3]));
        lax::reshape(&product, &[b, m, k])
    };
    let dimensions = DotDimensionNumbers::new((&[2], &[2]), (&[0], &[0]));
    let (lhs, rhs) = (scaled(&lhs, &lhs_scales), scaled(&rhs, &rhs_scales));
    let out = lax::dot_general(&lhs, &rhs, dimensions, None, None);
    jnp::astype(out, preferred_element_type)
}

fn sizes(x: &Array) -> [usize; 3] {
    x.shape().try_into().expect("three dimensions were checked")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_block_has_its_scale() {
        let (a, b) = (jnp::arange(12.0).reshape((1, 2, 6)), jnp::ones((1, 3, 6)));
        let a8 = jnp::astype(&a, DType::F8E4M3FN);
        let scales = Array::from([[[1.0f32, 0.5], [2.0, 0.25]]]);
        let found = scaled_matmul(&a8, &b, &scales, jnp::ones((1, 3, 3)));
        // 0+1+2 + (3+4+5)/2, and 2·(6+7+8) + (9+10+11)/4.
        assert_eq!(found.to_vec::<f32>(), [9.0, 9.0, 9.0, 49.5, 49.5, 49.5]);
        assert_eq!(scaled_matmul_of(&a, &b, &scales, jnp::ones((1, 3, 1)), DType::BF16).dtype(), DType::BF16);
    }

    #[test]
    fn shapes_must_fit() {
        let ones = |shape: [usize; 3]| jnp::ones(shape);
        let wrong = [
            [[1, 2, 6], [1, 3, 5], [1, 2, 1], [1, 3, 1]],
            [[1, 2, 6], [1, 3, 6], [1, 2, 4], [1, 3, 1]],
            [[1, 2, 6], [1, 3, 6], [1, 3, 2], [1, 3, 2]],
        ];
        for [a, b, c, d] in wrong {
            let call = || scaled_matmul(ones(a), ones(b), ones(c), ones(d));
            let error = crate::error::boundary(call).unwrap_err().to_string();
            assert!(error.starts_with("scaled_matmul: "), "{error}");
        }
    }
}
