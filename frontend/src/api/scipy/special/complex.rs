//! Functions of complex numbers.

use super::float;
use crate::api::custom::custom_jvp;
use crate::api::numpy::{self as jnp, IntoArray};
use crate::ir::Array;
use crate::lax;

const PI: f64 = std::f64::consts::PI;

/// Lanczos' approximation of the gamma function (Numerical Recipes, g = 7).
const LANCZOS: [f64; 9] = [
    0.99999999999980993,
    676.5203681218851,
    -1259.1392167224028,
    771.32342877765313,
    -176.61502916214059,
    12.507343278686905,
    -0.13857109526572012,
    9.9843695780195716e-6,
    1.5056327351493116e-7,
];

fn complex(re: f64, im: f64, like: &Array) -> Array {
    let part = lax::real(like);
    lax::complex(&lax::full_like(&part, re), &lax::full_like(&part, im))
}

/// The logarithm of the gamma function to the right of 1/2.
fn lanczos(z: &Array) -> Array {
    let z = z - 1.0;
    let start = complex(LANCZOS[0], 0.0, &z);
    let sum = (1..9).fold(start, |sum, k| sum + LANCZOS[k] / (&z + k as f64));
    let t = &z + 7.5;
    (&z + 0.5) * lax::log(&t) - &t + lax::log(&sum) + 0.5 * (2.0 * PI).ln()
}

/// The logarithm of the gamma function that is analytic everywhere but on the negative real axis; NaN at the poles.
pub(super) fn loggamma(z: &Array) -> Array {
    let (re, im) = (lax::real(z), lax::imag(z));
    let whole = jnp::logical_and(jnp::equal(&im, 0.0), jnp::equal(&re, lax::floor(&re)));
    let pole = jnp::logical_or(jnp::logical_and(whole, jnp::less_equal(&re, 0.0)), jnp::isnan(z));
    let safe = jnp::where_(&pole, complex(1.0, 0.0, z), z);
    let left = jnp::less(lax::real(&safe), 0.5);
    let right = lanczos(&jnp::where_(&left, 1.0 - &safe, &safe));
    // Reflection: log(π) − log(sin(π z)) − loggamma(1 − z). In the upper half plane sin(π z) is (i/2) e^{−iπz} (1 − e^{2πiz}), of which the
    // logarithm has no jumps there; the lower half is its mirror image.
    let lower = jnp::less(lax::imag(&safe), 0.0);
    let up = jnp::where_(&left, jnp::where_(&lower, lax::conj(&safe), &safe), complex(0.5, 0.0, z));
    let (re, im) = (lax::real(&up), lax::imag(&up));
    let nearest = lax::stop_gradient(&lax::floor(&(&re + 0.5)));
    let turn = lax::complex(&(&im * (-2.0 * PI)), &((&re - nearest) * (2.0 * PI)));
    let rest = lax::log(&lax::neg(&lax::expm1(&turn)));
    let log_sine = lax::complex(&(&im * PI - 2f64.ln()), &(PI / 2.0 - &re * PI)) + rest;
    let log_sine = jnp::where_(&lower, lax::conj(&log_sine), &log_sine);
    let value = jnp::where_(&left, PI.ln() - log_sine - &right, &right);
    jnp::where_(&pole, complex(f64::NAN, f64::NAN, z), value)
}

/// The gamma function.
pub(super) fn gamma(z: &Array) -> Array {
    lax::exp(&loggamma(z))
}

/// Coefficients, highest power first, of Weideman's rational approximation of the Faddeeva function (SIAM J. Numer. Anal. 31, 1994), and
/// the length in it.
const FADDEEVA: [f64; 32] = [
    -1.3034426067909105e-12,
    3.741183837373847e-12,
    8.030427700497756e-12,
    -2.154359355749088e-11,
    -5.544244996323793e-11,
    1.165824698850374e-10,
    4.1537441121999766e-10,
    -5.231020211492061e-10,
    -3.2080151339721323e-09,
    8.124886421653591e-10,
    2.3797556530014025e-08,
    2.2930438438915445e-08,
    -1.4813078929137642e-07,
    -4.1840763750512053e-07,
    4.2558331397138446e-07,
    4.401531731283225e-06,
    6.821031944357515e-06,
    -2.1409619201999998e-05,
    -0.0001307544925457942,
    -0.00024532980270038237,
    0.00039259136070109705,
    0.004519541105349309,
    0.0190061557848455,
    0.05730440352983728,
    0.14060716226893755,
    0.2954445107150874,
    0.5460139720639338,
    0.9019254893648001,
    1.345544169234545,
    1.8256696296324815,
    2.2635372999002676,
    2.5722534081245696,
];
const FADDEEVA_LENGTH: f64 = 4.756828460010884;

/// `i z`.
fn turned(z: &Array) -> Array {
    lax::complex(&lax::neg(&lax::imag(z)), &lax::real(z))
}

/// The Faddeeva function where the imaginary part is not negative.
fn upper_half(z: &Array) -> Array {
    let iz = turned(z);
    let divisor = FADDEEVA_LENGTH - &iz;
    let ratio = (FADDEEVA_LENGTH + &iz) / &divisor;
    let sum = FADDEEVA.iter().fold(lax::full_like(z, 0), |sum, &c| sum * &ratio + c);
    2.0 * sum / (&divisor * &divisor) + (1.0 / PI.sqrt()) / &divisor
}

fn faddeeva(z: &Array) -> Array {
    let upper = jnp::greater_equal(lax::imag(z), 0.0);
    let w = upper_half(&lax::select(&upper, z, &lax::neg(z)));
    lax::select(&upper, &w, &(2.0 * lax::exp(&lax::neg(&(z * z))) - &w))
}

/// The Faddeeva function `exp(-z²) erfc(-i z)`: `c64[…] → c64[…]`; of real numbers too.
///
/// ```
/// # use jacinth_frontend::{Array, lax, scipy::special};
/// let z = lax::complex(&Array::from([0.0f32, 1.0]), &Array::from([1.0f32, 0.0]));
/// assert_eq!(special::wofz(&z).round_to(4).to_string(), "[0.4276+0.j     0.3679+0.6072j]");
/// ```
#[track_caller]
pub fn wofz(z: impl IntoArray) -> Array {
    let z = float(z);
    let z = if z.dtype().is_complex() { z } else { lax::complex(&z, &lax::full_like(&z, 0)) };
    let f = custom_jvp(|z: &Array| faddeeva(z)).defjvp(|(z,): (Array,), (t,): (Array,)| {
        let w = wofz(&z);
        let slope = complex(0.0, 2.0 / PI.sqrt(), &z) - 2.0 * &z * &w;
        (w, t * slope)
    });
    f(&z)
}

/// `exp(z²) erfc(z)`.
pub(super) fn erfcx(z: &Array) -> Array {
    wofz(turned(z))
}
