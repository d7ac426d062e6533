//! Functions built on the logarithm of the gamma function.

use super::{complex, float, floats};
use crate::api::custom::custom_jvp;
use crate::api::numpy::{self as jnp, IntoArray};
use crate::ir::{Array, DType};
use crate::lax::{self, rules::refuse};

/// The sign of the gamma function; NaN at negative whole numbers.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::special};
/// let x = Array::from([1.5f32, -0.5, -1.5, -1.0]);
/// assert_eq!(special::gammasgn(&x).to_string(), "[ 1. -1.  1. nan]");
/// ```
///
/// # Panics
/// If `x` is complex.
#[track_caller]
pub fn gammasgn(x: impl IntoArray) -> Array {
    let x = float(x);
    if x.dtype().is_complex() {
        refuse!("gammasgn" => "takes real arrays, got {}", x.aval())
    }
    let floor = lax::floor(&x);
    let negative = x.lt(0.0);
    let odd = jnp::not_equal(jnp::mod_(&floor, 2.0), 0.0);
    let minus_zero = lax::and(&jnp::equal(&x, 0.0), &jnp::signbit(&x));
    let pole = lax::or(&lax::and(&negative, &lax::eq(&x, &floor)), &lax::ne(&x, &x));
    let minus = lax::or(&lax::and(&negative, &odd), &minus_zero);
    let full = |v: f64| lax::full_like(&x, v);
    lax::select(&pole, &full(f64::NAN), &lax::select(&minus, &full(-1.0), &full(1.0)))
}

/// The gamma function `Γ(x)`, of complex numbers too; by the exponential of [`gammaln`](super::gammaln), of complex numbers by Lanczos'
/// approximation.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::special};
/// let x = Array::from([5.0f32, 0.5, -0.5]);
/// assert_eq!(special::gamma(&x).round_to(3).to_string(), "[24.     1.772 -3.545]");
/// ```
#[track_caller]
pub fn gamma(x: impl IntoArray) -> Array {
    let x = float(x);
    if x.dtype().is_complex() {
        return complex::gamma(&x);
    }
    lax::mul(&gammasgn(&x), &lax::exp(&lax::lgamma(&x)))
}

/// The logarithm of the gamma function: of real numbers NaN where that is not positive, of complex ones its analytic branch.
///
/// ```
/// # use jacinth_frontend::{Array, lax, scipy::special};
/// let x = Array::from([5.0f32, -0.5]);
/// assert_eq!(special::loggamma(&x).round_to(4).to_string(), "[3.1781    nan]");
/// let z = lax::complex(&Array::from(1.0), &Array::from(1.0));
/// assert_eq!(special::loggamma(&z).round_to(4).to_string(), "(-0.6509-0.3016j)");
/// ```
#[track_caller]
pub fn loggamma(x: impl IntoArray) -> Array {
    let x = float(x);
    if x.dtype().is_complex() {
        return complex::loggamma(&x);
    }
    lax::select(&x.gt(0.0), &lax::lgamma(&x), &lax::full_like(&x, f64::NAN))
}

/// `n!`, in floats, by the gamma function; zero of negative numbers.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::special};
/// let x = Array::from([0, 5, -1]);
/// assert_eq!(special::factorial(&x).round_to(2).to_vec::<f32>(), [1.0, 120.0, 0.0]);
/// ```
///
/// # Panics
/// If `n` is complex.
#[track_caller]
pub fn factorial(n: impl IntoArray) -> Array {
    let n = float(n);
    lax::select(&n.lt(0.0), &lax::full_like(&n, 0), &lax::exp(&lax::lgamma(&(&n + 1.0))))
}

/// `n` over `k`, in floats; zero outside of `0 ≤ k ≤ n`.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::special};
/// let y = special::comb(5, Array::from([0, 2, 6]));
/// assert_eq!(y.round_to(3).to_vec::<f32>(), [1.0, 10.0, 0.0]);
/// ```
///
/// # Panics
/// If an operand is complex.
#[track_caller]
pub fn comb(n: impl IntoArray, k: impl IntoArray) -> Array {
    let [n, k] = floats([n.into_array(), k.into_array()]);
    let inside = jnp::logical_and(jnp::less_equal(&k, &n), jnp::logical_and(n.ge(0.0), k.ge(0.0)));
    let (n, k) = (jnp::where_(&inside, &n, 0.0), jnp::where_(&inside, &k, 0.0));
    let log = lax::lgamma(&(&n + 1.0)) - lax::lgamma(&(&k + 1.0)) - lax::lgamma(&(&n + 1.0 - &k));
    jnp::where_(&inside, lax::exp(&log), 0.0)
}

/// In how many ways `k` are chosen of `n` where each may be chosen again, in floats. JAX says it as `comb(n, k, repetition=True)`.
///
/// ```
/// # use jacinth_frontend::scipy::special;
/// assert_eq!(special::comb_repetition(5, 2).round_to(3).item::<f32>(), 15.0);
/// ```
///
/// # Panics
/// If an operand is complex.
#[track_caller]
pub fn comb_repetition(n: impl IntoArray, k: impl IntoArray) -> Array {
    let [n, k] = floats([n.into_array(), k.into_array()]);
    let none = jnp::logical_and(jnp::equal(&k, 0.0), n.ge(0.0));
    jnp::where_(none, 1.0, comb(&n + &k - 1.0, &k))
}

/// The logarithm of the absolute value of the beta function, `log |Γ(a) Γ(b) / Γ(a + b)|`; for large arguments by the asymptotic series of
/// Didonato and Morris (ACM Trans. Math. Softw. 18, 1992).
///
/// ```
/// # use jacinth_frontend::scipy::special;
/// // B(2, 3) = 1 / 12
/// assert_eq!(special::betaln(2.0, 3.0).round_to(4).to_string(), "-2.4849");
/// ```
///
/// # Panics
/// If an operand is complex.
#[track_caller]
pub fn betaln(a: impl IntoArray, b: impl IntoArray) -> Array {
    let [a, b] = floats([a.into_array(), b.into_array()]);
    let (a, b) = (jnp::minimum(&a, &b), jnp::maximum(&a, &b));
    let usual = lax::lgamma(&a) + (lax::lgamma(&b) - lax::lgamma(&(&a + &b)));
    jnp::where_(b.lt(8.0), usual, lax::lgamma(&a) + gamma_quotient(&a, &b))
}

/// `log(Γ(b) / Γ(a + b))` for `b` of at least 8 (Didonato and Morris, ACM TOMS 708).
fn gamma_quotient(a: &Array, b: &Array) -> Array {
    const C: [f64; 6] = [
        0.833333333333333e-01,
        -0.277777777760991e-02,
        0.793650666825390e-03,
        -0.595202931351870e-03,
        0.837308034031215e-03,
        -0.165322962780713e-02,
    ];
    let h = a / b;
    let x = &h / (1.0 + &h);
    let x2 = &x * &x;
    // s[k] = (1 − x^{2k+1}) / (1 − x).
    let mut s = vec![lax::full_like(&x, 1)];
    for k in 0..5 {
        s.push(1.0 + (&x + &x2 * &s[k]));
    }
    let t = jnp::square(1.0 / b);
    let mut w = C[5] * &s[5];
    for k in (0..5).rev() {
        w = w * &t + C[k] * &s[k];
    }
    let w = w * (&x / b);
    let u = (b + (a - 0.5)) * lax::log1p(&h);
    let v = a * (lax::log(b) - 1.0);
    jnp::where_(jnp::less_equal(&u, &v), (&w - &v) - &u, (&w - &u) - &v)
}

/// The beta function `Γ(a) Γ(b) / Γ(a + b)`.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::special};
/// let y = special::beta(Array::from([2.0f32, -0.5]), Array::from([3.0f32, 1.5]));
/// assert_eq!(y.round_to(4).to_string(), "[ 0.0833 -3.1416]");
/// ```
///
/// # Panics
/// If an operand is complex.
#[track_caller]
pub fn beta(a: impl IntoArray, b: impl IntoArray) -> Array {
    let [a, b] = floats([a.into_array(), b.into_array()]);
    let sign = gammasgn(&a) * gammasgn(&b) * gammasgn(&a + &b);
    sign * lax::exp(&betaln(&a, &b))
}

/// The logarithm of the gamma function of `d` dimensions, `d (d - 1)/4 · log π + Σ log |Γ(a - i/2)|` over `i` below `d`.
///
/// ```
/// # use jacinth_frontend::scipy::special;
/// assert_eq!(special::multigammaln(3.0, 2).round_to(4).to_string(), "1.5502");
/// ```
///
/// # Panics
/// If `a` is complex.
#[track_caller]
pub fn multigammaln(a: impl IntoArray, d: usize) -> Array {
    let a = float(a);
    let constant = 0.25 * (d * d.saturating_sub(1)) as f64 * std::f64::consts::PI.ln();
    let start = lax::full_like(&a, constant);
    (0..d).fold(start, |sum, i| sum + lax::lgamma(&(&a - i as f64 / 2.0)))
}

/// The rising factorial `Γ(z + m) / Γ(z)`, also named Pochhammer's symbol `(z)ₘ`.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::special};
/// // 1 · 2 · 3 · 4 and 0.5 · 1.5
/// let y = special::poch(Array::from([1.0f32, 0.5]), Array::from([4.0f32, 2.0]));
/// assert_eq!(y.round_to(3).to_string(), "[24.    0.75]");
/// ```
#[track_caller]
pub fn poch(z: impl IntoArray, m: impl IntoArray) -> Array {
    let [z, m] = floats([z.into_array(), m.into_array()]);
    jnp::where_(jnp::equal(&m, 0.0), 1.0, gamma(&z + &m) / gamma(&z))
}

/// The `n`-th derivative of the digamma function, for whole `n`.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::special};
/// // -γ, π²/6, -2 ζ(3)
/// let y = special::polygamma(Array::from([0, 1, 2]), 1.0);
/// assert_eq!(y.round_to(4).to_string(), "[-0.5772  1.6449 -2.4041]");
/// ```
///
/// # Panics
/// If `n` does not hold integers.
#[track_caller]
pub fn polygamma(n: impl IntoArray, x: impl IntoArray) -> Array {
    let n = n.into_array();
    if !n.dtype().is_integer() {
        refuse!("polygamma" => "the order must be an integer, got {}", n.aval())
    }
    let [n, x] = floats([n, x.into_array()]);
    lax::polygamma(&n, &x)
}

/// The Hurwitz zeta function, the sum of `(q + k)⁻ˣ` over `k = 0, 1, …`, for `x` above 1; with `q = 1` it is Riemann's. Differentiable in both.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::special};
/// // π²/6, and that without the terms 1 and 1/4.
/// let y = special::zeta(2.0, Array::from([1.0f32, 3.0]));
/// assert_eq!(y.round_to(4).to_string(), "[1.6449 0.3949]");
/// ```
///
/// # Panics
/// If an operand is complex.
#[track_caller]
pub fn zeta(x: impl IntoArray, q: impl IntoArray) -> Array {
    let [x, q] = floats([x.into_array(), q.into_array()]);
    let f = custom_jvp(|x: &Array, q: &Array| lax::zeta(x, q)).defjvp(
        |(x, q): (Array, Array), (s, t): (Array, Array)| {
            let (_, slope) =
                crate::api::jvp(|x: &Array, q: &Array| zeta_expansion(x, q), (x.clone(), q.clone()), (s, t));
            (zeta(&x, &q), slope)
        },
    );
    f(&x, &q)
}

/// The first terms of [`zeta`], and the rest by Euler and Maclaurin's formula.
fn zeta_expansion(s: &Array, a: &Array) -> Array {
    // Bernoulli's numbers of even index.
    const B: [f64; 16] = [
        1.0 / 6.0,
        -1.0 / 30.0,
        1.0 / 42.0,
        -1.0 / 30.0,
        5.0 / 66.0,
        -691.0 / 2730.0,
        7.0 / 6.0,
        -3617.0 / 510.0,
        43867.0 / 798.0,
        -174611.0 / 330.0,
        854513.0 / 138.0,
        -236364091.0 / 2730.0,
        8553103.0 / 6.0,
        -23749461029.0 / 870.0,
        8615841276005.0 / 14322.0,
        -7709321041217.0 / 510.0,
    ];
    let count = if s.dtype() == DType::F64 { 16 } else { 8 };
    let minus_s = lax::neg(s);
    let power = |k: usize| jnp::power(a + k as f64, &minus_s);
    let head = (1..count).fold(power(0), |sum, k| sum + power(k));
    let edge = a + count as f64;
    let integral = jnp::power(&edge, 1.0 - s) / (s - 1.0);
    let mut product = s / &edge;
    let mut factorial = 2.0;
    let mut tail = &product * (B[0] / factorial);
    for (j, b) in B.iter().enumerate().take(count).skip(1) {
        let m = 2.0 * j as f64;
        product = product * ((s + (m - 1.0)) / &edge) * ((s + m) / &edge);
        factorial *= (m + 1.0) * (m + 2.0);
        tail += &product * (b / factorial);
    }
    head + integral + jnp::power(&edge, &minus_s) * (tail + 0.5)
}

/// Bernoulli's numbers from the 0-th to the `n`-th, as floats of the default dtype: `f32[n + 1]`.
///
/// ```
/// # use jacinth_frontend::scipy::special;
/// let b = special::bernoulli(6);
/// assert_eq!(b.round_to(3).to_string(), "[ 1.    -0.5    0.167  0.    -0.033  0.     0.024]");
/// ```
#[track_caller]
pub fn bernoulli(n: usize) -> Array {
    let mut values = vec![1.0, -0.5, 1.0 / 6.0];
    values.truncate(n + 1);
    values.resize(n + 1, 0.0);
    let pi2 = std::f64::consts::PI.powi(2);
    let mut q = 1.0 / pi2;
    for m in (4..=n).step_by(2) {
        let m_f = m as f64;
        q *= -(m_f - 1.0) * m_f / 4.0 / pi2;
        let tail: f64 = (2..50).map(|k| (k as f64).powi(-(m as i32))).sum();
        values[m] = q * (1.0 + tail);
    }
    Array::from_slice(&values, [n + 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bernoullis_numbers_have_the_precision_of_the_default_float() {
        assert_eq!(bernoulli(4).dtype(), DType::F32);
        crate::config::with_x64(true, || {
            let b = bernoulli(20).to_vec::<f64>();
            assert!((b[20] / (-174611.0 / 330.0) - 1.0).abs() < 1e-13);
        });
    }
}
