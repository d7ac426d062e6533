//! Spherical harmonics.

use super::floats;
use crate::api::control::fori_loop;
use crate::api::numpy::{self as jnp, IntoArray};
use crate::ir::{Array, DType};
use crate::lax::{self, rules::refuse};

/// The spherical harmonics `Yₙᵐ` of degree `n` and order `m` at the polar angle `theta` (from 0 to π) and the azimuth `phi`; no degree may
/// exceed `n_max`: `i32[…], i32[…], f32[…], f32[…] → c64[…]`.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::special};
/// // √(3/4π) cos θ
/// let (n, m, theta) = (Array::from([1]), Array::from([0]), Array::from([0.0f32]));
/// let y = special::sph_harm_y(&n, &m, &theta, Array::from([0.0f32]), 1);
/// assert_eq!(y.round_to(4).to_string(), "[0.4886+0.j]");
/// ```
///
/// # Panics
/// If `n` or `m` do not hold integers.
#[track_caller]
pub fn sph_harm_y(
    n: impl IntoArray,
    m: impl IntoArray,
    theta: impl IntoArray,
    phi: impl IntoArray,
    n_max: usize,
) -> Array {
    let (n, m) = (n.into_array(), m.into_array());
    if !n.dtype().is_integer() || !m.dtype().is_integer() {
        refuse!("sph_harm_y" => "degrees and orders must be integers, got {} and {}", n.aval(), m.aval())
    }
    let [theta, phi] = floats([theta.into_array(), phi.into_array()]);
    let shape = jnp::broadcast_shapes(&[n.shape(), m.shape(), theta.shape(), phi.shape()]);
    let wide = |x: &Array| jnp::broadcast_to(x, &shape);
    let whole = |x: &Array| lax::convert_element_type(&wide(x), DType::I32);
    let (n, signed, theta, phi) = (whole(&n), whole(&m), wide(&theta), wide(&phi));
    let m = lax::abs(&signed);
    let (x, sine) = (lax::cos(&theta), lax::abs(&lax::sin(&theta)));
    let float = |x: &Array| lax::convert_element_type(x, theta.dtype());
    let along = |k: &Array| lax::broadcast_in_dim(k, &shape, &[]);
    // Pₘᵐ, factor by factor.
    let start = lax::full_like(&theta, 0.5 / std::f64::consts::PI.sqrt());
    let (count, orders) = (n_max as i64 + 1, m.clone());
    let diagonal = fori_loop(
        1,
        count,
        |k: Array, p: Array| {
            let k = lax::convert_element_type(&k, DType::I32);
            let factor = lax::neg(&lax::sqrt(&(1.0 + 0.5 / float(&along(&k)))));
            lax::select(&lax::le(&along(&k), &orders), &(&p * factor * &sine), &p)
        },
        start,
    );
    // From there one degree after the other, up to n.
    let square = |x: &Array| lax::square(&float(x));
    let zero = lax::full_like(&theta, 0);
    let (_, value) = fori_loop(
        1,
        count,
        |l: Array, (before, now): (Array, Array)| {
            let l = along(&lax::convert_element_type(&l, DType::I32));
            let inside = lax::and(&lax::gt(&l, &m), &lax::le(&l, &n));
            let (l2, m2) = (square(&l), square(&m));
            let below = square(&(&l - 1));
            // Elements that stay as they are divide by one.
            let ones = lax::full_like(&l2, 1);
            let gap = lax::select(&inside, &(&l2 - &m2), &ones);
            let far = lax::and(&inside, &lax::gt(&below, &m2));
            let d0 = lax::sqrt(&lax::select(&inside, &((4.0 * &l2 - 1.0) / &gap), &ones));
            let quotient = (2.0 * float(&l) + 1.0) * (&below - &m2) / ((2.0 * float(&l) - 3.0) * &gap);
            let d1 = lax::select(&far, &lax::sqrt(&lax::select(&far, &quotient, &ones)), &zero);
            let next = d0 * &x * &now - d1 * &before;
            (lax::select(&inside, &now, &before), lax::select(&inside, &next, &now))
        },
        (zero.clone(), diagonal),
    );
    let value = lax::select(&lax::gt(&m, &n), &zero, &value);
    let angle = float(&m) * phi;
    let harmonic = lax::complex(&(&value * lax::cos(&angle)), &(&value * lax::sin(&angle)));
    // Y₋ₘ is (−1)ᵐ conj(Yₘ).
    let odd = lax::eq(&lax::rem(&m, &lax::full_like(&m, 2)), &lax::full_like(&m, 1));
    let mirrored = lax::conj(&harmonic);
    let mirrored = lax::select(&odd, &lax::neg(&mirrored), &mirrored);
    lax::select(&lax::lt(&signed, &lax::full_like(&m, 0)), &mirrored, &harmonic)
}
