//! `jax.scipy.special`: gamma, beta and zeta functions, error functions and the normal distribution, exponential integrals, Bessel functions,
//! entropies.
//!
//! Integers are computed as floats; operands are broadcast. Deliberately absent: `lpmn`, which SciPy has dropped.

mod complex;
mod entropy;
mod gamma;
mod harmonics;

pub use crate::api::nn::{log_softmax, logsumexp, logsumexp_weights, softmax};
pub use complex::wofz;
pub use entropy::{boxcox, boxcox1p, entr, kl_div, logit, logsumexp_sign, rel_entr, xlog1py, xlogy};
pub use gamma::{
    bernoulli, beta, betaln, comb, comb_repetition, factorial, gamma, gammasgn, loggamma, multigammaln, poch,
    polygamma, zeta,
};
pub use harmonics::sph_harm_y;

use crate::api::dtypes::promote_inexact;
use crate::api::numpy::{self as jnp, IntoArray, promote_shapes};
use crate::ir::Array;
use crate::lax::{self, rules::refuse, special};

/// A float.
#[track_caller]
fn float(x: impl IntoArray) -> Array {
    promote_inexact(&[x.into_array()]).remove(0)
}

/// Floats of one dtype and rank.
#[track_caller]
fn floats<const N: usize>(arrays: [Array; N]) -> [Array; N] {
    let both = promote_shapes(promote_inexact(&arrays));
    <[Array; N]>::try_from(both).expect("as many as there were")
}

macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident = $function:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// # Panics
        /// If `x` is complex and the function is not defined there.
        #[track_caller]
        pub fn $name(x: impl IntoArray) -> Array {
            $function(&float(x))
        }
    )*};
}

unary! {
    /// The logarithm of the absolute value of the gamma function.
    gammaln = lax::lgamma;
    /// The derivative of [`gammaln`].
    digamma = lax::digamma;
    /// The error function.
    erf = lax::erf;
    /// The complementary error function `1 - erf(x)`.
    erfc = lax::erfc;
    /// The inverse of [`erf`] on (−1, 1).
    erfinv = lax::erf_inv;
    /// The scaled complementary error function `exp(x²) erfc(x)`.
    erfcx = |x: &Array| if x.dtype().is_complex() { complex::erfcx(x) } else { special::erfcx(x) };
    /// Dawson's integral.
    dawsn = special::dawsn;
    /// The logistic function `1 / (1 + e⁻ˣ)`.
    expit = lax::logistic;
    /// The exponential integral `Ei(x)`.
    expi = special::expi;
    /// Spence's function, the dilogarithm of `1 - x`.
    spence = special::spence;
    /// The modified Bessel function of order zero, scaled by `e^{-|x|}`.
    i0e = lax::bessel_i0e;
    /// The modified Bessel function of order one, scaled by `e^{-|x|}`.
    i1e = lax::bessel_i1e;
    /// The modified Bessel function of order zero.
    i0 = |x: &Array| lax::mul(&lax::exp(&lax::abs(x)), &lax::bessel_i0e(x));
    /// The modified Bessel function of order one.
    i1 = |x: &Array| lax::mul(&lax::exp(&lax::abs(x)), &lax::bessel_i1e(x));
    /// The distribution function of the normal distribution.
    ndtr = special::ndtr;
    /// The inverse of [`ndtr`] on (0, 1).
    ndtri = special::ndtri;
    /// The logarithm of [`ndtr`], accurate far below zero.
    log_ndtr = special::log_ndtr;
    /// The exponential integral `E₁(x)`.
    exp1 = |x: &Array| special::expn(&lax::full_like(x, 1), x);
}

/// The generalised exponential integral `Eₙ(x)`.
#[track_caller]
pub fn expn(n: impl IntoArray, x: impl IntoArray) -> Array {
    let [n, x] = floats([n.into_array(), x.into_array()]);
    special::expn(&n, &x)
}

/// The integrals of `sin(t) / t` from 0 to `x`, and of `cos(t) / t` from infinity.
#[track_caller]
pub fn sici(x: impl IntoArray) -> (Array, Array) {
    let x = float(x);
    (special::si(&x), special::ci(&x))
}

/// The integrals of `sin(π t² / 2)` and `cos(π t² / 2)` from 0 to `x`.
#[track_caller]
pub fn fresnel(x: impl IntoArray) -> (Array, Array) {
    let x = float(x);
    (special::fresnel_s(&x), special::fresnel_c(&x))
}

/// Owen's T function, the probability of `X > h` and `0 < Y < a X` for independent normal `X` and `Y`.
#[track_caller]
pub fn owens_t(h: impl IntoArray, a: impl IntoArray) -> Array {
    let [h, a] = floats([h.into_array(), a.into_array()]);
    special::owens_t(&h, &a)
}

/// The confluent hypergeometric function `₁F₁(a; b; x)`.
#[track_caller]
pub fn hyp1f1(a: impl IntoArray, b: impl IntoArray, x: impl IntoArray) -> Array {
    let [a, b, x] = floats([a.into_array(), b.into_array(), x.into_array()]);
    special::hyp1f1(&a, &b, &x)
}

/// Gauss's hypergeometric function `₂F₁(a, b; c; x)`, infinite for most `x` above one.
#[track_caller]
pub fn hyp2f1(a: impl IntoArray, b: impl IntoArray, c: impl IntoArray, x: impl IntoArray) -> Array {
    let [a, b, c, x] = floats([a.into_array(), b.into_array(), c.into_array(), x.into_array()]);
    special::hyp2f1(&a, &b, &c, &x)
}

/// The regularised lower incomplete gamma function `P(a, x)`.
#[track_caller]
pub fn gammainc(a: impl IntoArray, x: impl IntoArray) -> Array {
    let [a, x] = floats([a.into_array(), x.into_array()]);
    lax::igamma(&a, &x)
}

/// The regularised upper incomplete gamma function `Q(a, x)`.
#[track_caller]
pub fn gammaincc(a: impl IntoArray, x: impl IntoArray) -> Array {
    let [a, x] = floats([a.into_array(), x.into_array()]);
    lax::igammac(&a, &x)
}

/// The regularised incomplete beta function `I_x(a, b)`, differentiable in `x`.
#[track_caller]
pub fn betainc(a: impl IntoArray, b: impl IntoArray, x: impl IntoArray) -> Array {
    let [a, b, x] = floats([a.into_array(), b.into_array(), x.into_array()]);
    lax::betainc(&a, &b, &x)
}

/// The Bessel functions of the first kind of orders 0 to `v`, by backward recurrence over `n_iter` orders (JAX's default is 50):
/// `f32[…] → f32[v + 1, …]`.
#[track_caller]
pub fn bessel_jn(z: impl IntoArray, v: usize, n_iter: usize) -> Array {
    let z = float(z);
    if z.dtype().is_complex() || v > n_iter {
        refuse!("bessel_jn" => "takes real arrays and an order up to n_iter, got {} and order {v} of {n_iter}", z.aval())
    }
    let (mut f0, mut f1) = (lax::full_like(&z, 0), lax::full_like(&z, 1e-16));
    let mut sum = lax::full_like(&z, 0);
    let mut values = Vec::new();
    let mut f = f0.clone();
    for k in (0..=n_iter).rev() {
        f = 2.0 * (k as f64 + 1.0) * &f1 / &z - &f0;
        if k % 2 == 0 {
            sum += 2.0 * &f;
        }
        (f0, f1) = (f1, f.clone());
        if k <= v {
            values.push(f.clone());
        }
    }
    let norm = sum - f;
    values.reverse();
    let scaled: Vec<Array> = values.iter().map(|f| f / &norm).collect();
    jnp::stack(&scaled, 0)
}
