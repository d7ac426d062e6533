//! Logarithms of products, probabilities and sums.

use super::{float, floats};
use crate::api::custom::custom_jvp;
use crate::api::nn::scaled_sums;
use crate::api::numpy::{self as jnp, Axis, IntoArray};
use crate::ir::Array;
use crate::lax;

/// The logarithm of the odds `x / (1 - x)`.
#[track_caller]
pub fn logit(x: impl IntoArray) -> Array {
    let f = custom_jvp(|x: &Array| lax::log(&(x / (1.0 - x))))
        .defjvp(|(x,): (Array,), (t,): (Array,)| (logit(&x), t / (&x * (1.0 - &x))));
    f(&float(x))
}

/// The logarithm of the magnitude of `Σ b · e^x` over axes, without overflow, and the sign of the sum; of complex numbers its phase.
#[track_caller]
pub fn logsumexp_sign(x: impl IntoArray, axis: impl Into<Axis>, b: impl IntoArray) -> (Array, Array) {
    let (sums, shift) = scaled_sums(x.into_array(), axis.into(), Some(b.into_array()));
    let sign = lax::sign(&sums);
    (lax::add(&lax::log(&lax::abs(&sums)), &shift), sign)
}

/// `x log(y)`, zero where `x` is zero.
#[track_caller]
pub fn xlogy(x: impl IntoArray, y: impl IntoArray) -> Array {
    let [x, y] = floats([x.into_array(), y.into_array()]);
    let f = custom_jvp(|x: &Array, y: &Array| product(x, y, lax::log)).defjvp(
        |(x, y): (Array, Array), (s, t): (Array, Array)| (xlogy(&x, &y), s * lax::log(&y) + t * &x / &y),
    );
    f(&x, &y)
}

/// `x log(1 + y)`, zero where `x` is zero.
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

/// The entropy `-x log(x)`; −∞ of negative numbers.
#[track_caller]
pub fn entr(x: impl IntoArray) -> Array {
    let x = float(x);
    lax::select(&x.lt(0.0), &lax::full_like(&x, f64::NEG_INFINITY), &lax::neg(&xlogx(&x)))
}

/// The relative entropy `p log(p / q)`; zero where `p` is zero, infinite where one is negative or `q` alone is zero.
#[track_caller]
pub fn rel_entr(p: impl IntoArray, q: impl IntoArray) -> Array {
    let [p, q] = floats([p.into_array(), q.into_array()]);
    let positive = jnp::logical_and(p.gt(0.0), q.gt(0.0));
    let zero = jnp::logical_and(jnp::equal(&p, 0.0), q.ge(0.0));
    let (safe_p, safe_q) = (jnp::where_(&positive, &p, 1.0), jnp::where_(&positive, &q, 1.0));
    let value = xlogx(&safe_p) - xlogy(&safe_p, &safe_q);
    jnp::where_(positive, value, jnp::where_(zero, 0.0, f64::INFINITY))
}

/// The Kullback-Leibler divergence `p log(p / q) - p + q`.
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

/// Box and Cox's transformation `(x^λ - 1) / λ`, the logarithm for `λ = 0`.
#[track_caller]
pub fn boxcox(x: impl IntoArray, lmbda: impl IntoArray) -> Array {
    let [x, lmbda] = floats([x.into_array(), lmbda.into_array()]);
    transformed(lax::log(&x), &lmbda)
}

/// [`boxcox`] of `1 + x`.
#[track_caller]
pub fn boxcox1p(x: impl IntoArray, lmbda: impl IntoArray) -> Array {
    let [x, lmbda] = floats([x.into_array(), lmbda.into_array()]);
    transformed(lax::log1p(&x), &lmbda)
}
