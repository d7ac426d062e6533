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
            let _line = crate::trace::keep_line();
            $function(&float(x))
        }
    )*};
}

unary! {
    /// The logarithm of the absolute value of the gamma function, `log |Γ(x)|`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// // Γ(5) = 24, Γ(1/2) = √π
    /// let x = Array::from([1.0f32, 5.0, 0.5]);
    /// assert_eq!(special::gammaln(&x).round_to(4).to_string(), "[0.     3.1781 0.5724]");
    /// ```
    gammaln = lax::lgamma;
    /// The derivative of [`gammaln`], `Γ'(x) / Γ(x)`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// let x = Array::from([1.0f32, 2.0]);
    /// assert_eq!(special::digamma(&x).round_to(4).to_string(), "[-0.5772  0.4228]");
    /// ```
    digamma = lax::digamma;
    /// The error function, `2/√π ∫₀ˣ e^(-t²) dt`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// let x = Array::from([-1.0f32, 0.0, 1.0]);
    /// assert_eq!(special::erf(&x).round_to(4).to_string(), "[-0.8427  0.      0.8427]");
    /// ```
    erf = lax::erf;
    /// The complementary error function `1 - erf(x)`, accurate where that is tiny.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// let x = Array::from([0.0f32, 1.0, 2.0]);
    /// assert_eq!(special::erfc(&x).round_to(4).to_string(), "[1.     0.1573 0.0047]");
    /// ```
    erfc = lax::erfc;
    /// The inverse of [`erf`] on (−1, 1); infinite at ±1.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// let x = Array::from([0.0f32, 0.8427008, 1.0]);
    /// assert_eq!(special::erfinv(&x).round_to(4).to_string(), "[ 0.  1. inf]");
    /// ```
    erfinv = lax::erf_inv;
    /// The scaled complementary error function `exp(x²) erfc(x)`, of complex numbers too.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// let x = Array::from([0.0f32, 1.0, 20.0]);
    /// assert_eq!(special::erfcx(&x).round_to(4).to_string(), "[1.     0.4276 0.0282]");
    /// ```
    erfcx = |x: &Array| if x.dtype().is_complex() { complex::erfcx(x) } else { special::erfcx(x) };
    /// Dawson's integral, `exp(-x²) ∫₀ˣ exp(t²) dt`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// let x = Array::from([0.0f32, 1.0, 10.0]);
    /// assert_eq!(special::dawsn(&x).round_to(4).to_string(), "[0.     0.5381 0.0503]");
    /// ```
    dawsn = special::dawsn;
    /// The logistic function `1 / (1 + e⁻ˣ)`, the inverse of [`logit`].
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// let x = Array::from([0.0f32, 2.0]);
    /// assert_eq!(special::expit(&x).round_to(4).to_string(), "[0.5    0.8808]");
    /// ```
    expit = lax::logistic;
    /// The exponential integral `Ei(x)`, the principal value of `∫ eᵗ/t dt` from −∞ to `x`; by rational approximations, as in the Cephes
    /// library.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// let x = Array::from([1.0f32, -1.0]);
    /// assert_eq!(special::expi(&x).round_to(4).to_string(), "[ 1.8951 -0.2194]");
    /// ```
    expi = special::expi;
    /// Spence's function `∫₁ˣ log(t) / (1 - t) dt`, the dilogarithm of `1 - x`; NaN below 0.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// // π²/6, 0, -π²/12
    /// let x = Array::from([0.0f32, 1.0, 2.0]);
    /// assert_eq!(special::spence(&x).round_to(4).to_string(), "[ 1.6449  0.     -0.8225]");
    /// ```
    spence = special::spence;
    /// The modified Bessel function of order zero, scaled: `e^{-|x|} I₀(x)`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// let x = Array::from([0.0f32, 1.0, 2.0]);
    /// assert_eq!(special::i0e(&x).round_to(4).to_string(), "[1.     0.4658 0.3085]");
    /// ```
    i0e = lax::bessel_i0e;
    /// The modified Bessel function of order one, scaled: `e^{-|x|} I₁(x)`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// let x = Array::from([0.0f32, 1.0, 2.0]);
    /// assert_eq!(special::i1e(&x).round_to(4).to_string(), "[0.     0.2079 0.2153]");
    /// ```
    i1e = lax::bessel_i1e;
    /// The modified Bessel function of order zero, `I₀(x)`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// let x = Array::from([0.0f32, 1.0, 2.0]);
    /// assert_eq!(special::i0(&x).round_to(4).to_string(), "[1.     1.2661 2.2796]");
    /// ```
    i0 = |x: &Array| lax::mul(&lax::exp(&lax::abs(x)), &lax::bessel_i0e(x));
    /// The modified Bessel function of order one, `I₁(x)`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// let x = Array::from([0.0f32, 1.0, 2.0]);
    /// assert_eq!(special::i1(&x).round_to(4).to_string(), "[0.     0.5652 1.5906]");
    /// ```
    i1 = |x: &Array| lax::mul(&lax::exp(&lax::abs(x)), &lax::bessel_i1e(x));
    /// The distribution function of the normal distribution, `(1 + erf(x / √2)) / 2`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// let x = Array::from([-1.0f32, 0.0, 1.0]);
    /// assert_eq!(special::ndtr(&x).round_to(4).to_string(), "[0.1587 0.5    0.8413]");
    /// ```
    ndtr = special::ndtr;
    /// The inverse of [`ndtr`] on (0, 1), infinite at the ends; by rational approximations, as in the Cephes library.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// let p = Array::from([0.025f32, 0.5, 0.975]);
    /// assert_eq!(special::ndtri(&p).round_to(3).to_string(), "[-1.96  0.    1.96]");
    /// ```
    ndtri = special::ndtri;
    /// The logarithm of [`ndtr`], accurate far below zero.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// // The probability itself would be zero.
    /// let x = Array::from([-20.0f32, 0.0]);
    /// assert_eq!(special::log_ndtr(&x).round_to(2).to_string(), "[-203.92   -0.69]");
    /// ```
    log_ndtr = special::log_ndtr;
    /// The exponential integral `E₁(x)`, that is `∫ e⁻ᵗ/t dt` from `x` to infinity.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// let x = Array::from([0.5f32, 1.0, 2.0]);
    /// assert_eq!(special::exp1(&x).round_to(4).to_string(), "[0.5598 0.2194 0.0489]");
    /// ```
    exp1 = |x: &Array| special::expn(&lax::full_like(x, 1), x);
}

/// Functions of several operands, which are broadcast.
macro_rules! several {
    ($($(#[$doc:meta])* $name:ident($($arg:ident),+) = $function:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// # Panics
        /// If an operand is complex, or shapes do not fit.
        #[track_caller]
        pub fn $name($($arg: impl IntoArray),+) -> Array {
            let [$($arg),+] = floats([$($arg.into_array()),+]);
            $function($(&$arg),+)
        }
    )*};
}

several! {
    /// The generalised exponential integral `Eₙ(x)`, that is `∫ e⁻ˣᵗ/tⁿ dt` from 1 to infinity, for whole `n`; differentiable in `x`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// let y = special::expn(Array::from([1, 2, 3]), 1.0);
    /// assert_eq!(y.round_to(4).to_string(), "[0.2194 0.1485 0.1097]");
    /// ```
    expn(n, x) = special::expn;
    /// Owen's T function, the probability of `X > h` and `0 < Y < a X` for independent normal `X` and `Y`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// let y = special::owens_t(Array::from([0.0f32, 1.0]), 1.0);
    /// assert_eq!(y.round_to(4).to_string(), "[0.125  0.0667]");
    /// ```
    owens_t(h, a) = special::owens_t;
    /// The confluent hypergeometric function `₁F₁(a; b; x)`, the sum of `(a)ₖ/(b)ₖ · xᵏ/k!`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// // ₁F₁(1; 2; x) = (eˣ - 1) / x
    /// let y = special::hyp1f1(1.0, 2.0, Array::from([0.0f32, 1.0]));
    /// assert_eq!(y.round_to(4).to_string(), "[1.     1.7183]");
    /// ```
    hyp1f1(a, b, x) = special::hyp1f1;
    /// Gauss's hypergeometric function `₂F₁(a, b; c; x)`, the sum of `(a)ₖ (b)ₖ/(c)ₖ · xᵏ/k!` continued; infinite for most `x` above one.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// // ₂F₁(1, 1; 2; x) = -log(1 - x) / x
    /// let y = special::hyp2f1(1.0, 1.0, 2.0, Array::from([0.0f32, 0.5]));
    /// assert_eq!(y.round_to(4).to_string(), "[1.     1.3863]");
    /// ```
    hyp2f1(a, b, c, x) = special::hyp2f1;
    /// The regularised lower incomplete gamma function `P(a, x) = 1/Γ(a) ∫₀ˣ tᵃ⁻¹ e⁻ᵗ dt`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// // P(1, x) = 1 - e⁻ˣ
    /// let y = special::gammainc(1.0, Array::from([1.0f32, 2.0]));
    /// assert_eq!(y.round_to(4).to_string(), "[0.6321 0.8647]");
    /// ```
    gammainc(a, x) = lax::igamma;
    /// The regularised upper incomplete gamma function `Q(a, x) = 1 - P(a, x)`; see [`gammainc`].
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// let y = special::gammaincc(1.0, Array::from([1.0f32, 2.0]));
    /// assert_eq!(y.round_to(4).to_string(), "[0.3679 0.1353]");
    /// ```
    gammaincc(a, x) = lax::igammac;
    /// The regularised incomplete beta function `I_x(a, b) = 1/B(a, b) ∫₀ˣ tᵃ⁻¹ (1 - t)ᵇ⁻¹ dt`, differentiable in `x`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, scipy::special};
    /// let y = special::betainc(2.0, 3.0, Array::from([0.25f32, 0.5]));
    /// assert_eq!(y.round_to(4).to_string(), "[0.2617 0.6875]");
    /// ```
    betainc(a, b, x) = lax::betainc;
}

/// The sine integral `∫ sin(t)/t dt` from 0 to `x`, and the cosine integral, that of `cos(t)/t` from infinity.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::special};
/// let (si, ci) = special::sici(Array::from([1.0f32, 100.0]));
/// assert_eq!(si.round_to(4).to_string(), "[0.9461 1.5622]");
/// assert_eq!(ci.round_to(4).to_string(), "[ 0.3374 -0.0051]");
/// ```
#[track_caller]
pub fn sici(x: impl IntoArray) -> (Array, Array) {
    let x = float(x);
    (special::si(&x), special::ci(&x))
}

/// Fresnel's integrals of `sin(π t² / 2)` and `cos(π t² / 2)` from 0 to `x`.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::special};
/// let (s, c) = special::fresnel(Array::from([1.0f32, -1.0, 100.0]));
/// assert_eq!(s.round_to(3).to_string(), "[ 0.438 -0.438  0.497]");
/// assert_eq!(c.round_to(3).to_string(), "[ 0.78 -0.78  0.5 ]");
/// ```
#[track_caller]
pub fn fresnel(x: impl IntoArray) -> (Array, Array) {
    let x = float(x);
    (special::fresnel_s(&x), special::fresnel_c(&x))
}

/// The Bessel functions of the first kind of orders 0 to `v`, by backward recurrence over `n_iter` orders (JAX's default is 50): `f32[…] →
/// f32[v + 1, …]`. As in JAX, NaN for small `z`, where that many orders overflow.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::special};
/// let y = special::bessel_jn(Array::from([5.0f32]), 1, 50);
/// assert_eq!(y.round_to(4).to_string(), "[[-0.1776]\n [-0.3276]]");
/// ```
///
/// # Panics
/// If `z` is complex, or `v` exceeds `n_iter`.
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
