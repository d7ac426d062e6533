//! Samples made with factorisations of matrices.

use super::continuous::normal_body;
use super::key::AnyKey;
use super::sampler::{check_shape, float_dtype, jitted};
use crate::api::dtypes::{default_float, promote_inexact};
use crate::api::numpy::{self as jnp, IntoArray, IntoShape, exact_shape};
use crate::ir::{Array, DType};
use crate::lax::{self, linalg, rules::refuse, rules::show};

/// Normal vectors of that mean (`[…, n]`) and covariance (`[…, n, n]`), in the dtype in which these meet: `[shape…, n]`.
///
/// The shape is that of the batch, to which the parameters' other dimensions broadcast.
///
/// ```
/// # use jacinth_frontend::{Array, random};
/// let (mean, cov) = (Array::from([10.0f32, -10.0]), Array::from([[1.0f32, 0.5], [0.5, 1.0]]));
/// let x = random::multivariate_normal(random::key(0), &mean, &cov, 2);
/// assert_eq!(x.round_to(3).to_string(), "[[ 11.623  -7.435]\n [  9.566 -10.285]]");
/// ```
///
/// # Panics
/// As [`multivariate_normal_with`].
#[track_caller]
pub fn multivariate_normal(
    key: impl AnyKey,
    mean: impl IntoArray,
    cov: impl IntoArray,
    shape: impl IntoShape,
) -> Array {
    let (mean, cov) = (mean.into_array(), cov.into_array());
    let dtype = promote_inexact(&[mean.clone(), cov.clone()])[0].dtype();
    multivariate_normal_with(key, mean, cov, shape, dtype, "cholesky")
}

/// [`multivariate_normal`] in that dtype, the covariance's factor computed by `cholesky`, `eigh` or `svd`; the last two accept singular
/// matrices.
///
/// ```
/// # use jacinth_frontend::{DType, numpy as jnp, random};
/// // A singular covariance: both components are the same number.
/// let (mean, cov) = (jnp::zeros(2), jnp::ones([2, 2]));
/// let x = random::multivariate_normal_with(random::key(0), &mean, &cov, 4, DType::F32, "eigh");
/// assert!(jnp::ptp(&x, -1).max().item::<f32>() < 1e-3);
/// ```
///
/// # Panics
/// If the covariance is not square or of another size than the mean, the parameters do not broadcast to the shape, the dtype is
/// no float of 16 to 64 bits, or the method is another.
#[track_caller]
pub fn multivariate_normal_with(
    key: impl AnyKey,
    mean: impl IntoArray,
    cov: impl IntoArray,
    shape: impl IntoShape,
    dtype: DType,
    method: &str,
) -> Array {
    let name = "multivariate_normal";
    let (shape, dtype) = (exact_shape(name, shape), float_dtype(name, dtype));
    let (mean, cov) = (mean.into_array(), cov.into_array());
    let (Some((&n, means)), [covs @ .., rows, columns]) = (mean.shape().split_last(), cov.shape()) else {
        refuse!(name => "the mean must have a dimension and the covariance two, got {} and {}", mean.aval(), cov.aval())
    };
    if [*rows, *columns] != [n, n] {
        refuse!(name => "the covariance of vectors of size {n} must be a matrix of that size, got shape {}", show(cov.shape()))
    }
    if !matches!(method, "cholesky" | "eigh" | "svd") {
        refuse!(name => "method must be `cholesky`, `eigh` or `svd`, got `{method}`")
    }
    check_shape(name, &shape, &[means, covs]);
    let key = key.into_key().single(name);
    jitted("_multivariate_normal", &[&key, &mean, &cov], (&shape, dtype, method), |x| {
        let mut promoted = promote_inexact(&[x[1].clone(), x[2].clone()]).into_iter();
        let (mean, cov) = (promoted.next().expect("two"), promoted.next().expect("two"));
        let columns = |vectors: Array, values: Array| vectors * jnp::expand_dims(jnp::sqrt(values), -2);
        let factor = match method {
            "svd" => {
                let (u, s, _) = linalg::svd(&cov, true);
                columns(u, s)
            }
            "eigh" => {
                let (v, w) = linalg::eigh(&cov);
                columns(v, w)
            }
            _ => linalg::cholesky(&cov),
        };
        let mut vectors = shape.clone();
        vectors.push(n);
        let normal = jnp::expand_dims(normal_body(&x[0], &vectors, dtype), -1);
        let spread = jnp::squeeze(jnp::matmul(factor, normal), -1);
        jnp::add(mean, spread)
    })
}

/// Orthogonal matrices, even over all of them (by Haar's measure): `[shape…, n, n]`. From the QR factorisation of a normal matrix
/// (Mezzadri, Notices AMS 54, 2007).
///
/// ```
/// # use jacinth_frontend::random;
/// let q = random::orthogonal(random::key(0), 3, ());
/// assert_eq!(q.matmul(q.mT()).round_to(3).abs().to_string(), "[[1. 0. 0.]\n [0. 1. 0.]\n [0. 0. 1.]]");
/// ```
#[track_caller]
pub fn orthogonal(key: impl AnyKey, n: usize, shape: impl IntoShape) -> Array {
    orthogonal_with(key, n, shape, default_float(), n)
}

/// Matrices with orthonormal rows or columns, whichever are fewer, in that dtype: `[shape…, n, m]`.
///
/// ```
/// # use jacinth_frontend::{DType, random};
/// let q = random::orthogonal_with(random::key(0), 2, (), DType::F32, 3);
/// assert_eq!((q.shape(), q.matmul(q.mT()).round_to(3).trace().item::<f32>()), (&[2, 3][..], 2.0));
/// ```
///
/// # Panics
/// If the dtype is no float of 32 or 64 bits.
#[track_caller]
pub fn orthogonal_with(key: impl AnyKey, n: usize, shape: impl IntoShape, dtype: DType, m: usize) -> Array {
    let (mut shape, dtype) = (exact_shape("orthogonal", shape), float_dtype("orthogonal", dtype));
    let key = key.into_key().single("orthogonal");
    shape.extend([n.max(m), n.min(m)]);
    jitted("_orthogonal", &[&key], (&shape, dtype, n < m), |x| {
        let (q, r) = linalg::qr(&normal_body(&x[0], &shape, dtype), false);
        // The signs make the factorisation unique, and with it the distribution even.
        let rank = r.ndim();
        let on_diagonal = lax::eq(
            &lax::broadcasted_iota(DType::I32, r.shape(), rank - 2),
            &lax::broadcasted_iota(DType::I32, r.shape(), rank - 1),
        );
        let diagonal = jnp::sum(jnp::where_(on_diagonal, &r, 0.0), -2);
        let q = q * jnp::expand_dims(lax::sign(&diagonal), -2);
        if n < m { jnp::matrix_transpose(q) } else { q }
    })
}
