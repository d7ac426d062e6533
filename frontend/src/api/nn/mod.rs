//! `jax.nn`: activations, softmax and its kin, one_hot, attention.
//!
//! Unlike in JAX no function is a nested `jit` of its own. Derivatives are those of the formulas, which are written so that they
//! stay finite; where JAX gives a function a rule of its own (`custom_jvp`), so do we.

mod attention;
pub mod initializers;
mod scaled;

pub use super::numpy::tanh;
pub use attention::{AttentionOptions, dot_product_attention, dot_product_attention_with};
pub use scaled::{scaled_matmul, scaled_matmul_of};

use super::custom::{ArgumentJvp, custom_jvp};
use super::dtypes::{default_float, promote_inexact};
use super::numpy::{self as jnp, Axis, IntoArray, keepdims};
use crate::ir::{Array, DType};
use crate::lax;

/// `max(x, 0)`, with derivative 0 at 0.
///
/// ```
/// # use jacinth_frontend::{Array, grad, nn};
/// let slope = grad(|x: &Array| nn::relu(x).sum());
/// assert_eq!(slope(&Array::from([-1.0f32, 0.0, 2.0])).to_vec::<f32>(), [0.0, 0.0, 1.0]);
/// ```
#[track_caller]
pub fn relu(x: impl IntoArray) -> Array {
    fn relu(x: &Array) -> Array {
        jnp::maximum(x, 0)
    }
    let slope: ArgumentJvp = |t, _, x| where_inside(&x[0].gt(0), t);
    custom_jvp(relu).defjvps([Some(slope)])(&x.into_array())
}

/// The tangent where the mask says so, zero elsewhere.
fn where_inside(mask: &Array, tangent: &Array) -> Array {
    lax::select(mask, tangent, &lax::full_like(tangent, 0))
}

/// `min(max(x, 0), 6)`, with derivative 0 at 0 and at 6.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([-1.0f32, 2.5, 9.0]);
/// assert_eq!(nn::relu6(&x).to_vec::<f32>(), [0.0, 2.5, 6.0]);
/// ```
#[track_caller]
pub fn relu6(x: impl IntoArray) -> Array {
    fn relu6(x: &Array) -> Array {
        jnp::minimum(jnp::maximum(x, 0), 6.0)
    }
    let slope: ArgumentJvp = |t, _, x| where_inside(&lax::and(&x[0].gt(0), &x[0].lt(6)), t);
    custom_jvp(relu6).defjvps([Some(slope)])(&x.into_array())
}

/// The logistic function `1 / (1 + e⁻ˣ)`, between 0 and 1.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([-2.0f32, 0.0, 1.5]);
/// assert_eq!(nn::sigmoid(&x).round_to(4).to_string(), "[0.1192 0.5    0.8176]");
/// ```
#[track_caller]
pub fn sigmoid(x: impl IntoArray) -> Array {
    lax::logistic(&promote_inexact(&[x.into_array()])[0])
}

/// `log(1 + eˣ)`, without overflow: a smooth [`relu`].
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([-2.0f32, 0.0, 1000.0]);
/// assert_eq!(nn::softplus(&x).round_to(4).to_string(), "[1.269e-01 6.931e-01 1.000e+03]");
/// ```
#[track_caller]
pub fn softplus(x: impl IntoArray) -> Array {
    jnp::logaddexp(x, 0.0)
}

/// `x / (1 + |x|)`, between −1 and 1.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// assert_eq!(nn::soft_sign(Array::from([-3.0f32, 0.0, 1.0])).to_vec::<f32>(), [-0.75, 0.0, 0.5]);
/// ```
#[track_caller]
pub fn soft_sign(x: impl IntoArray) -> Array {
    let x = x.into_array();
    &x / (jnp::abs(&x) + 1.0)
}

/// `x · sigmoid(x)`, the sigmoid linear unit.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([-2.0f32, 0.0, 1.5]);
/// assert_eq!(nn::silu(&x).round_to(4).to_string(), "[-0.2384  0.      1.2264]");
/// ```
#[track_caller]
pub fn silu(x: impl IntoArray) -> Array {
    let x = promote_inexact(&[x.into_array()]).remove(0);
    lax::mul(&x, &lax::logistic(&x))
}

/// Another name of [`silu`].
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([-2.0f32, 1.5]);
/// assert_eq!(nn::swish(&x).to_vec::<f32>(), nn::silu(&x).to_vec::<f32>());
/// ```
#[track_caller]
pub fn swish(x: impl IntoArray) -> Array {
    silu(x)
}

/// `log(sigmoid(x))`, which stays finite where the sigmoid is zero.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([-1000.0f32, 0.0]);
/// assert_eq!(nn::log_sigmoid(&x).round_to(4).to_string(), "[-1.000e+03 -6.931e-01]");
/// ```
#[track_caller]
pub fn log_sigmoid(x: impl IntoArray) -> Array {
    lax::neg(&softplus(lax::neg(&x.into_array())))
}

/// `x` above 0, `negative_slope · x` elsewhere; JAX's default is 0.01.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([-2.0f32, 3.0]);
/// assert_eq!(nn::leaky_relu(&x, 0.25).to_vec::<f32>(), [-0.5, 3.0]);
/// ```
#[track_caller]
pub fn leaky_relu(x: impl IntoArray, negative_slope: f64) -> Array {
    let x = promote_inexact(&[x.into_array()]).remove(0);
    jnp::where_(x.ge(0.0), &x, negative_slope * &x)
}

/// The exponential linear unit: `x` above 0, `alpha · (eˣ - 1)` elsewhere (Clevert, Unterthiner and Hochreiter, ICLR 2016).
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([-2.0f32, 0.0, 1.5]);
/// assert_eq!(nn::elu(&x, 1.0).round_to(4).to_string(), "[-0.8647  0.      1.5   ]");
/// ```
#[track_caller]
pub fn elu(x: impl IntoArray, alpha: f64) -> Array {
    let x = promote_inexact(&[x.into_array()]).remove(0);
    let safe = jnp::where_(x.gt(0.0), 0.0, &x);
    jnp::where_(x.gt(0.0), &x, alpha * jnp::expm1(safe))
}

/// The scaled exponential linear unit, `1.0507 · elu(x, 1.6733)`, through which mean 0 and variance 1 are kept (Klambauer et al., NeurIPS 2017).
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([-2.0f32, 0.0, 1.0]);
/// assert_eq!(nn::selu(&x).round_to(4).to_string(), "[-1.5202  0.      1.0507]");
/// ```
#[track_caller]
pub fn selu(x: impl IntoArray) -> Array {
    1.0507009873554805 * elu(x, 1.6732632423543772)
}

/// The continuously differentiable [`elu`]: `max(0, x) + min(0, alpha · (e^(x/alpha) - 1))`.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([-2.0f32, 0.0, 1.5]);
/// assert_eq!(nn::celu(&x, 2.0).round_to(4).to_string(), "[-1.2642  0.      1.5   ]");
/// ```
#[track_caller]
pub fn celu(x: impl IntoArray, alpha: f64) -> Array {
    let x = promote_inexact(&[x.into_array()]).remove(0);
    jnp::maximum(&x, 0.0) + alpha * jnp::expm1(jnp::minimum(&x, 0.0) / alpha)
}

/// `x` times the probability that a normal number is below it, by the approximation with tanh
/// (Hendrycks and Gimpel, arXiv 1606.08415). JAX says it as `gelu(x, approximate=True)`, its default.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([-2.0f32, -0.5, 1.5]);
/// assert_eq!(nn::gelu(&x).round_to(4).to_string(), "[-0.0454 -0.1543  1.3996]");
/// ```
#[track_caller]
pub fn gelu(x: impl IntoArray) -> Array {
    let x = promote_inexact(&[x.into_array()]).remove(0);
    let inner = std::f64::consts::FRAC_2_PI.sqrt() * (&x + 0.044715 * jnp::power(&x, 3));
    &x * (0.5 * (1.0 + jnp::tanh(inner)))
}

/// [`gelu`] by the error function, without approximation; JAX says it as `gelu(x, approximate=False)`.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([-2.0f32, -0.5, 1.5]);
/// assert_eq!(nn::gelu_exact(&x).round_to(4).to_string(), "[-0.0455 -0.1543  1.3998]");
/// ```
#[track_caller]
pub fn gelu_exact(x: impl IntoArray) -> Array {
    let x = promote_inexact(&[x.into_array()]).remove(0);
    0.5 * &x * lax::erfc(&(-&x * std::f64::consts::FRAC_1_SQRT_2))
}

/// `x` limited to -1 … 1.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([-2.0f32, -0.5, 1.5]);
/// assert_eq!(nn::hard_tanh(&x).to_vec::<f32>(), [-1.0, -0.5, 1.0]);
/// ```
#[track_caller]
pub fn hard_tanh(x: impl IntoArray) -> Array {
    let x = x.into_array();
    jnp::where_(x.gt(1.0), 1, jnp::where_(x.lt(-1.0), -1, &x))
}

/// `relu6(x + 3) / 6`: 0 up to −3, 1 from 3, a line between.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([-3.0f32, 0.0, 1.5]);
/// assert_eq!(nn::hard_sigmoid(&x).to_vec::<f32>(), [0.0, 0.5, 0.75]);
/// ```
#[track_caller]
pub fn hard_sigmoid(x: impl IntoArray) -> Array {
    relu6(x.into_array() + 3.0) / 6.0
}

/// `x · hard_sigmoid(x)`.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([-3.0f32, 0.0, 1.5]);
/// assert_eq!(nn::hard_silu(&x).to_string(), "[-0.     0.     1.125]");
/// ```
#[track_caller]
pub fn hard_silu(x: impl IntoArray) -> Array {
    let x = x.into_array();
    &x * hard_sigmoid(&x)
}

/// `x · tanh(softplus(x))` (Misra, BMVC 2020).
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([-2.0f32, 0.0, 1.5]);
/// assert_eq!(nn::mish(&x).round_to(4).to_string(), "[-0.2525  0.      1.4034]");
/// ```
#[track_caller]
pub fn mish(x: impl IntoArray) -> Array {
    let x = x.into_array();
    &x * jnp::tanh(softplus(&x))
}

/// The argument itself.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// assert_eq!(nn::identity(Array::from([1, 2])).to_vec::<i32>(), [1, 2]);
/// ```
pub fn identity(x: impl IntoArray) -> Array {
    x.into_array()
}

/// Another name of [`hard_silu`].
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([1.5f32, 4.0]);
/// assert_eq!(nn::hard_swish(&x).to_vec::<f32>(), [1.125, 4.0]);
/// ```
#[track_caller]
pub fn hard_swish(x: impl IntoArray) -> Array {
    hard_silu(x)
}

/// 0 up to -1, `x` from 1, and `(x + 1)² / 4` between.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([-2.0f32, 0.0, 3.0]);
/// assert_eq!(nn::sparse_plus(&x).to_vec::<f32>(), [0.0, 0.25, 3.0]);
/// ```
#[track_caller]
pub fn sparse_plus(x: impl IntoArray) -> Array {
    let x = promote_inexact(&[x.into_array()]).remove(0);
    let between = jnp::square(&x + 1.0) / 4.0;
    jnp::where_(x.le(-1.0), 0.0, jnp::where_(x.ge(1.0), &x, between))
}

/// `(x + 1) / 2` limited to 0 … 1: the derivative of [`sparse_plus`].
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([-2.0f32, 0.5, 3.0]);
/// assert_eq!(nn::sparse_sigmoid(&x).to_vec::<f32>(), [0.0, 0.75, 1.0]);
/// ```
#[track_caller]
pub fn sparse_sigmoid(x: impl IntoArray) -> Array {
    let x = promote_inexact(&[x.into_array()]).remove(0);
    0.5 * jnp::clip(&x + 1.0, 0.0, 2.0)
}

/// `(x + √(x² + b)) / 2`, a smooth [`relu`] without exponentials; JAX's default of `b` is 4.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([0.0f32, 1.5]);
/// assert_eq!(nn::squareplus(&x, 4.0).to_vec::<f32>(), [1.0, 2.0]);
/// ```
#[track_caller]
pub fn squareplus(x: impl IntoArray, b: impl IntoArray) -> Array {
    let both = promote_inexact(&[x.into_array(), b.into_array()]);
    let (x, b) = (&both[0], &both[1]);
    (x + jnp::sqrt(jnp::square(x) + b)) / 2.0
}

/// `log(1 - e⁻ˣ)` of positive numbers, exact near zero and far from it (Mächler, R package Rmpfr, 2012).
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([1e-4f32, 1.0]);
/// assert_eq!(nn::log1mexp(&x).round_to(3).to_string(), "[-9.21  -0.459]");
/// ```
#[track_caller]
pub fn log1mexp(x: impl IntoArray) -> Array {
    fn log1mexp(x: &Array) -> Array {
        let near = jnp::log(-jnp::expm1(-x));
        jnp::where_(x.lt(std::f64::consts::LN_2), near, jnp::log1p(-jnp::exp(-x)))
    }
    let slope: ArgumentJvp = |t, _, x| lax::div(t, &lax::expm1(&x[0]));
    custom_jvp(log1mexp).defjvps([Some(slope)])(&promote_inexact(&[x.into_array()])[0])
}

/// The gated linear unit: one half along an axis times the sigmoid of the other (Dauphin et al., ICML 2017). JAX's default axis is −1.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([2.0f32, 4.0, 0.0, 100.0]);
/// assert_eq!(nn::glu(&x, -1).to_vec::<f32>(), [1.0, 4.0]);
/// ```
///
/// # Panics
/// If the size along the axis is odd, or there is no such axis.
#[track_caller]
pub fn glu(x: impl IntoArray, axis: i64) -> Array {
    let parts = jnp::split(x, 2, axis);
    &parts[0] * sigmoid(&parts[1])
}

/// `e^x / Σ e^x` along axes, without overflow: positive numbers whose sum is 1. JAX's default axis is −1.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([[0.0f32, 0.0], [1000.0, 0.0]]);
/// assert_eq!(nn::softmax(&x, -1).to_string(), "[[0.5 0.5]\n [1.  0. ]]");
/// ```
///
/// # Panics
/// If there is no such axis.
#[track_caller]
pub fn softmax(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    softmax_of(x.into_array(), axis.into())
}

#[track_caller]
fn softmax_of(x: Array, axis: Axis) -> Array {
    let x = promote_inexact(&[x]).remove(0);
    let unnormalised = lax::exp(&lax::sub(&x, &lax::stop_gradient(&largest(&x, &axis))));
    lax::div(&unnormalised, &jnp::sum(&unnormalised, keepdims(axis)))
}

/// `log(softmax(x))` along axes, without overflow: `x - log Σ e^x`. JAX's default axis is −1.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([1000.0f32, 0.0]);
/// assert_eq!(nn::log_softmax(&x, -1).to_vec::<f32>(), [0.0, -1000.0]);
/// ```
///
/// # Panics
/// If there is no such axis.
#[track_caller]
pub fn log_softmax(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    log_softmax_of(x.into_array(), axis.into())
}

#[track_caller]
fn log_softmax_of(x: Array, axis: Axis) -> Array {
    let x = promote_inexact(&[x]).remove(0);
    let shifted = lax::sub(&x, &lax::stop_gradient(&largest(&x, &axis)));
    lax::sub(&shifted, &lax::log(&jnp::sum(lax::exp(&shifted), keepdims(axis))))
}

/// The largest element along axes, kept; -∞ of nothing.
#[track_caller]
fn largest(x: &Array, axis: &Axis) -> Array {
    let axes = axis.resolve("softmax", x.ndim());
    let max = lax::max(&Array::scalar(f64::NEG_INFINITY, x.dtype(), false), &lax::reduce_max(x, &axes));
    lax::expand_dims(&max, &axes)
}

/// [`softmax`] of the elements where the mask is nonzero; 0 elsewhere, everywhere if it is zero.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let (x, mask) = (Array::from([1.0f32, 1.0, 9.0]), Array::from([true, true, false]));
/// assert_eq!(nn::softmax_where(&x, -1, &mask).to_vec::<f32>(), [0.5, 0.5, 0.0]);
/// ```
///
/// # Panics
/// If there is no such axis, or the mask does not fit.
#[track_caller]
pub fn softmax_where(x: impl IntoArray, axis: impl Into<Axis>, mask: impl IntoArray) -> Array {
    let (x, axis, mask) = (promote_inexact(&[x.into_array()]).remove(0), axis.into(), mask.into_array());
    let inside = jnp::where_(&mask, &x, f64::NEG_INFINITY);
    let largest = largest(&inside, &axis);
    let finite = jnp::where_(lax::is_finite(&largest), &largest, 0.0);
    let unnormalised = lax::exp(&lax::sub(&inside, &lax::stop_gradient(&finite)));
    let sums = jnp::sum(&unnormalised, keepdims(axis));
    let safe = jnp::where_(sums.equal(0.0), 1.0, &sums);
    jnp::where_(mask, lax::div(&unnormalised, &safe), 0.0)
}

/// [`log_softmax`] of the elements where the mask is nonzero; -∞ elsewhere.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let (x, mask) = (Array::from([1.0f32, 1.0, 9.0]), Array::from([true, true, false]));
/// let y = nn::log_softmax_where(&x, -1, &mask);
/// assert_eq!(y.round_to(4).to_string(), "[-0.6931 -0.6931    -inf]");
/// ```
///
/// # Panics
/// If there is no such axis, or the mask does not fit.
#[track_caller]
pub fn log_softmax_where(x: impl IntoArray, axis: impl Into<Axis>, mask: impl IntoArray) -> Array {
    let (x, axis, mask) = (promote_inexact(&[x.into_array()]).remove(0), axis.into(), mask.into_array());
    let inside = jnp::where_(&mask, &x, f64::NEG_INFINITY);
    let largest = lax::stop_gradient(&largest(&inside, &axis));
    let shifted = jnp::where_(&mask, lax::sub(&x, &largest), 0.0);
    let unnormalised = jnp::where_(&mask, lax::exp(&shifted), 0.0);
    let sums = lax::log(&jnp::sum(unnormalised, keepdims(axis)));
    jnp::where_(mask, lax::sub(&shifted, &sums), f64::NEG_INFINITY)
}

/// `log` of the mean of `e^x` over axes, without overflow.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// assert_eq!(nn::logmeanexp(Array::from([1000.0f32, 1000.0]), ()).item::<f32>(), 1000.0);
/// ```
///
/// # Panics
/// If there is no such axis.
#[track_caller]
pub fn logmeanexp(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let (x, axis) = (promote_inexact(&[x.into_array()]).remove(0), axis.into());
    let count: usize = axis.resolve("logmeanexp", x.ndim()).iter().map(|&d| x.shape()[d]).product();
    logsumexp(x, axis) - (count as f64).ln()
}

/// `Σ b · e^x` over axes, divided by the exponential of a shift that keeps it from overflowing; and the shift.
#[track_caller]
pub(crate) fn scaled_sums(x: Array, axis: Axis, b: Option<Array>) -> (Array, Array) {
    let mut both = promote_inexact(&std::iter::once(x).chain(b).collect::<Vec<_>>());
    if both.len() == 2 {
        let shape = jnp::broadcast_shapes(&[both[0].shape(), both[1].shape()]);
        both.iter_mut().for_each(|x| *x = jnp::broadcast_to(&*x, &shape));
        // What counts nothing must not be the largest.
        both[0] = jnp::where_(both[1].equal(0.0), f64::NEG_INFINITY, &both[0]);
    }
    let x = &both[0];
    let size = if x.dtype().is_complex() { lax::real(x) } else { x.clone() };
    let max = largest(&size, &axis);
    let max = lax::stop_gradient(&lax::select(&lax::is_finite(&max), &max, &lax::full_like(&max, 0)));
    let terms = lax::exp(&(x - &max));
    let sums = jnp::sum(if both.len() == 2 { &both[1] * terms } else { terms }, axis);
    let max = lax::reshape(&max, sums.shape());
    (sums, max)
}

/// `log Σ b · e^x` over axes, without overflow; NaN where the sum is negative. JAX says it as `logsumexp(x, b=b)`.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([0.0f32, 0.0]);
/// let y = nn::logsumexp_weights(&x, (), Array::from([3.0f32, -2.0]));
/// assert_eq!(y.item::<f32>(), 0.0);
/// ```
///
/// # Panics
/// If there is no such axis, or the weights do not fit.
#[track_caller]
pub fn logsumexp_weights(x: impl IntoArray, axis: impl Into<Axis>, b: impl IntoArray) -> Array {
    let (sums, shift) = scaled_sums(x.into_array(), axis.into(), Some(b.into_array()));
    lax::log(&sums) + shift
}

/// `log Σ e^x` over axes, without overflow; −∞ of nothing.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([[0.0f32, 0.0], [1000.0, f32::NEG_INFINITY]]);
/// assert_eq!(nn::logsumexp(&x, 1).round_to(4).to_string(), "[6.931e-01 1.000e+03]");
/// ```
///
/// # Panics
/// If there is no such axis.
#[track_caller]
pub fn logsumexp(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let (sums, shift) = scaled_sums(x.into_array(), axis.into(), None);
    lax::log(&sums) + shift
}

/// Mean 0 and variance 1 along axes: `(x - mean) / √(variance + 10⁻⁵)`. JAX takes the axis −1 by default.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = Array::from([1.0f32, 2.0, 3.0]);
/// assert_eq!(nn::standardize(&x, -1).round_to(3).to_string(), "[-1.225  0.     1.225]");
/// ```
///
/// # Panics
/// If there is no such axis.
#[track_caller]
pub fn standardize(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let (x, axis) = (promote_inexact(&[x.into_array()]).remove(0), keepdims(axis));
    let mean = jnp::mean(&x, axis.clone());
    let variance = jnp::mean(lax::square(&x), axis) - lax::square(&mean);
    (&x - &mean) * lax::rsqrt(&(variance + 1e-5))
}

/// Indices as rows with a 1 at the index: `i32[…] → f32[…, num_classes]`; out of range, no 1.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// let x = nn::one_hot(Array::from([1, 0, 5]), 3);
/// assert_eq!(x.to_string(), "[[0. 1. 0.]\n [1. 0. 0.]\n [0. 0. 0.]]");
/// ```
#[track_caller]
pub fn one_hot(x: impl IntoArray, num_classes: usize) -> Array {
    one_hot_of(x, num_classes, default_float())
}

/// [`one_hot`] of that dtype.
///
/// ```
/// # use jacinth_frontend::{Array, DType, nn};
/// let x = nn::one_hot_of(Array::from([1, 0]), 2, DType::I32);
/// assert_eq!(x.to_string(), "[[0 1]\n [1 0]]");
/// ```
#[track_caller]
pub fn one_hot_of(x: impl IntoArray, num_classes: usize, dtype: DType) -> Array {
    let x = x.into_array();
    let rank = x.ndim();
    let mut shape = vec![1; rank + 1];
    shape[rank] = num_classes;
    let column = lax::expand_dims(&x, &[rank]);
    let classes = lax::broadcasted_iota(x.dtype(), &shape, rank);
    lax::convert_element_type(&lax::eq(&column, &classes), dtype)
}
