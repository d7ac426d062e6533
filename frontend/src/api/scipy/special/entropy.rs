//! Logarithms of products, probabilities and sums.

use super::{float, floats};
use crate::api::custom::custom_jvp;
use crate::api::nn::scaled_sums;
use crate::api::numpy::{self as jnp, Axis, IntoArray};
use crate::ir::Array;
use crate::lax;

/// The logarithm of the odds, `log(x / (1 - x))`: the inverse of [`expit`](super::expit).
///
/// ```
/// # use jacinth_frontend::{Array, scipy::special};
/// let p = Array::from([0.5f32, 0.9, 1.0]);
/// assert_eq!(special::logit(&p).round_to(4).to_string(), "[0.     2.1972    inf]");
/// ```
#[track_caller]
pub fn logit(x: impl IntoArray) -> Array {
    let f = custom_jvp(|x: &Array| lax::log(&(x / (1.0 - x))))
        .defjvp(|(x,): (Array,), (t,): (Array,)| (logit(&x), t / (&x * (1.0 - &x))));
    f(&float(x))
}

/// The logarithm of the magnitude of `Σ b · e^x` over axes, without overflow, and the sign of the sum; of complex numbers its phase. JAX
/// says it as `logsumexp(x, b=b, return_sign=True)`.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::special};
/// let (x, b) = (Array::from([1000.0f32, 1000.0]), Array::from([1.0f32, -3.0]));
/// let (log, sign) = special::logsumexp_sign(&x, (), &b);
/// assert_eq!((log.round_to(2).to_string(), sign.item::<f32>()), ("1000.69".into(), -1.0));
/// ```
///
/// # Panics
/// If there is no such axis, or the weights do not fit.
#[track_caller]
pub fn logsumexp_sign(x: impl IntoArray, axis: impl Into<Axis>, b: impl IntoArray) -> (Array, Array) {
    let (sums, shift) = scaled_sums(x.into_array(), axis.into(), Some(b.into_array()));
    let sign = lax::sign(&sums);
    (lax::add(&lax::log(&lax::abs(&sums)), &shift), sign)
}

/// `x log(y)`, zero where `x` is zero; operands are broadcast.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::special};
/// let y = special::xlogy(Array::from([0.0f32, 2.0]), Array::from([0.0f32, 1.0]));
/// assert_eq!(y.to_vec::<f32>(), [0.0, 0.0]);
/// ```
#[track_caller]
pub fn xlogy(x: impl IntoArray, y: impl IntoArray) -> Array {
    let [x, y] = floats([x.into_array(), y.into_array()]);
    let f = custom_jvp(|x: &Array, y: &Array| product(x, y, lax::log)).defjvp(
        |(x, y): (Array, Array), (s, t): (Array, Array)| (xlogy(&x, &y), s * lax::log(&y) + t * &x / &y),
    );
    f(&x, &y)
}

/// `x log(1 + y)`, zero where `x` is zero; operands are broadcast.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::special};
/// let y = special::xlog1py(Array::from([0.0f32, 2.0]), Array::from([-1.0f32, 1.0]));
/// assert_eq!(y.round_to(4).to_string(), "[0.     1.3863]");
/// ```
#[track_caller]
pub fn xlog1py(x: impl IntoArray, y: impl IntoArray) -> Array {
    let [x, y] = floats([x.into_array(), y.into_array()]);
    let f = custom_jvp(|x: &Array, y: &Array| product(x, y, lax::log1p)).defjvp(
        |(x, y): (Array, Array), (s, t): (Array, Array)| {
            (xlog1py(&x, &y), s * lax::log1p(&y) + t * &x / (1.0 + &y))
        },
    );
    f(&x, &y)
}

fn product(x: &Array, y: &Array, log: fn(&Array) -> Array) -> Array {
    let counts = jnp::logical_or(jnp::not_equal(x, 0.0), lax::ne(y, y));
    jnp::where_(counts, x * log(y), 0.0)
}

/// `x log(x)`, zero at zero.
fn xlogx(x: &Array) -> Array {
    let f = custom_jvp(|x: &Array| product(x, x, lax::log))
        .defjvp(|(x,): (Array,), (t,): (Array,)| (xlogx(&x), t * (lax::log(&x) + 1.0)));
    f(x)
}

/// The entropy `-x log(x)`; zero of zero, −∞ of negative numbers.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::special};
/// let x = Array::from([0.5f32, -1.0]);
/// assert_eq!(special::entr(&x).round_to(4).to_string(), "[0.3466   -inf]");
/// ```
#[track_caller]
pub fn entr(x: impl IntoArray) -> Array {
    let x = float(x);
    lax::select(&x.lt(0.0), &lax::full_like(&x, f64::NEG_INFINITY), &lax::neg(&xlogx(&x)))
}

/// The relative entropy `p log(p / q)`; zero where `p` is zero, infinite where one is negative or `q` alone is zero.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::special};
/// let (p, q) = (Array::from([0.0f32, 0.5, 0.5]), Array::from([0.0f32, 0.25, 0.0]));
/// assert_eq!(special::rel_entr(&p, &q).round_to(4).to_string(), "[0.     0.3466    inf]");
/// ```
#[track_caller]
pub fn rel_entr(p: impl IntoArray, q: impl IntoArray) -> Array {
    let [p, q] = floats([p.into_array(), q.into_array()]);
    let positive = jnp::logical_and(p.gt(0.0), q.gt(0.0));
    let zero = jnp::logical_and(jnp::equal(&p, 0.0), q.ge(0.0));
    let (safe_p, safe_q) = (jnp::where_(&positive, &p, 1.0), jnp::where_(&positive, &q, 1.0));
    let value = xlogx(&safe_p) - xlogy(&safe_p, &safe_q);
    jnp::where_(positive, value, jnp::where_(zero, 0.0, f64::INFINITY))
}

/// The elements of the Kullback-Leibler divergence, `p log(p / q) - p + q`; [`rel_entr`] leaves out what sums to zero.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::special};
/// let (p, q) = (Array::from([0.5f32, 0.0]), Array::from([0.25f32, 1.0]));
/// assert_eq!(special::kl_div(&p, &q).round_to(4).to_string(), "[0.0966 1.    ]");
/// ```
#[track_caller]
pub fn kl_div(p: impl IntoArray, q: impl IntoArray) -> Array {
    let [p, q] = floats([p.into_array(), q.into_array()]);
    rel_entr(&p, &q) - &p + &q
}

#[track_caller]
fn transformed(log: Array, lmbda: &Array) -> Array {
    let zero = jnp::equal(lmbda, 0.0);
    let safe = jnp::where_(&zero, 1.0, lmbda);
    jnp::where_(zero, &log, lax::expm1(&(&safe * &log)) / &safe)
}

/// Box and Cox's transformation `(x^λ - 1) / λ`, the logarithm for `λ = 0`; of positive numbers.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::special};
/// let y = special::boxcox(4.0, Array::from([0.5f32, 0.0]));
/// assert_eq!(y.round_to(4).to_string(), "[2.     1.3863]");
/// ```
#[track_caller]
pub fn boxcox(x: impl IntoArray, lmbda: impl IntoArray) -> Array {
    let [x, lmbda] = floats([x.into_array(), lmbda.into_array()]);
    transformed(lax::log(&x), &lmbda)
}

/// [`boxcox`] of `1 + x`, accurate near zero.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::special};
/// let y = special::boxcox1p(Array::from([3.0f32, 0.0]), 0.5);
/// assert_eq!(y.round_to(4).to_string(), "[2. 0.]");
/// ```
#[track_caller]
pub fn boxcox1p(x: impl IntoArray, lmbda: impl IntoArray) -> Array {
    let [x, lmbda] = floats([x.into_array(), lmbda.into_array()]);
    transformed(lax::log1p(&x), &lmbda)
}
