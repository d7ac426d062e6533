//! Special functions of real numbers in `f64`: those that neither the standard library nor `libm` has.

use std::f64::consts::PI;

/// `ln |Γ(x)|`; infinite at zero and the negative integers.
pub(crate) fn lgamma(x: f64) -> f64 {
    if x.is_infinite() {
        return f64::INFINITY;
    }
    libm::lgamma(x)
}

/// `Γ'(x) / Γ(x)`; NaN at zero and the negative integers.
pub(crate) fn digamma(x: f64) -> f64 {
    if x <= 0.0 && x == x.floor() {
        return f64::NAN;
    }
    if x < 0.0 {
        // ψ(1 − x) − π / tan(πx), the angle reduced first.
        let fraction = x - x.round();
        return digamma(1.0 - x) - PI / (PI * fraction).tan();
    }
    // The root near 1.4616 in two parts, where the sum below would cancel.
    const ROOT: f64 = 1.461_632_144_968_362_2;
    const ROOT_LOW: f64 = 9.549_995_429_965_697e-17;
    if (x - ROOT).abs() < 0.05 {
        let d = (x - ROOT) - ROOT_LOW;
        // Taylor's series about the root: (−1)^(n+1) ζ(n + 1, root) dⁿ.
        let mut sum = 0.0;
        for n in (1..=14).rev() {
            let sign = if n % 2 == 1 { 1.0 } else { -1.0 };
            sum = sum * d + sign * zeta(f64::from(n) + 1.0, ROOT);
        }
        return sum * d;
    }
    let (mut x, mut sum) = (x, 0.0);
    while x < 10.0 {
        sum += 1.0 / x;
        x += 1.0;
    }
    // The asymptotic series with Bernoulli numbers B₂ₖ / 2k.
    const TERMS: [f64; 8] = [
        1.0 / 12.0,
        -1.0 / 120.0,
        1.0 / 252.0,
        -1.0 / 240.0,
        1.0 / 132.0,
        -691.0 / 32760.0,
        1.0 / 12.0,
        -3617.0 / 8160.0,
    ];
    let inverse = 1.0 / (x * x);
    let series = TERMS.iter().rev().fold(0.0, |sum, term| (sum + term) * inverse);
    x.ln() - 0.5 / x - series - sum
}

/// `Σ (q + n)^(−x)` over `n ≥ 0`, by Euler and Maclaurin's formula.
pub(crate) fn zeta(x: f64, q: f64) -> f64 {
    if x.is_nan() || q.is_nan() || x < 1.0 {
        return f64::NAN;
    }
    if x == 1.0 {
        return f64::INFINITY;
    }
    if q <= 0.0 {
        if q == q.floor() {
            return if x == x.floor() && x % 2.0 == 0.0 { f64::INFINITY } else { f64::NAN };
        }
        if x != x.floor() {
            return f64::NAN;
        }
    }
    let mut sum = 0.0;
    let mut a = q;
    let mut n = 0;
    while n < 12 || a <= 12.0 {
        sum += a.powf(-x);
        a += 1.0;
        n += 1;
    }
    let power = a.powf(-x);
    sum += power * a / (x - 1.0) + 0.5 * power;
    // B₂ₖ / (2k)!, times the rising factorial of x.
    const BERNOULLI: [f64; 12] = [
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
    ];
    let mut term = power * x / a / 2.0;
    for (k, bernoulli) in BERNOULLI.iter().enumerate() {
        sum += bernoulli * term;
        let m = 2.0 * k as f64 + 1.0;
        term *= (x + m) * (x + m + 1.0) / (a * a * (m + 2.0) * (m + 3.0));
    }
    sum
}

/// The `n`-th derivative of `digamma`; NaN unless `n` is a whole number.
pub(crate) fn polygamma(n: f64, x: f64) -> f64 {
    if n == 0.0 {
        return digamma(x);
    }
    if n.is_nan() || n < 0.0 || n != n.floor() {
        return f64::NAN;
    }
    let sign = if n % 2.0 == 0.0 { -1.0 } else { 1.0 };
    sign * (lgamma(n + 1.0)).exp() * zeta(n + 1.0, x)
}

/// The `x` with `erf(x) = y`.
pub(crate) fn erf_inv(y: f64) -> f64 {
    if y.is_nan() || y.abs() > 1.0 {
        return f64::NAN;
    }
    if y.abs() == 1.0 {
        return f64::INFINITY.copysign(y);
    }
    if y.abs() < 1e-9 {
        return y * (PI.sqrt() / 2.0);
    }
    // Winitzki's approximation, then Halley's steps on erf or, near one, on its complement.
    let tail = (1.0 - y.abs()) * (1.0 + y.abs());
    let log = tail.ln();
    let c = 2.0 / (PI * 0.147) + log / 2.0;
    let mut x = ((c * c - log / 0.147).sqrt() - c).sqrt();
    let complement = 1.0 - y.abs();
    for _ in 0..4 {
        let error = match y.abs() > 0.5 {
            true => complement - libm::erfc(x),
            false => libm::erf(x) - y.abs(),
        };
        let slope = 2.0 / PI.sqrt() * (-x * x).exp();
        let step = error / slope;
        x -= step / (1.0 + x * step);
    }
    x.copysign(y)
}

/// `e^(−|x|) I₁(x)`.
pub(crate) fn bessel_i1e(x: f64) -> f64 {
    let a = x.abs();
    if a.is_infinite() {
        return 0f64.copysign(x);
    }
    let value = if a < 30.0 {
        // Σ (a/2)^(2k+1) / (k! (k+1)!), all terms positive.
        let quarter = a * a / 4.0;
        let (mut term, mut sum, mut k) = (a / 2.0, 0.0, 0.0);
        while term > sum * 1e-18 {
            sum += term;
            k += 1.0;
            term *= quarter / (k * (k + 1.0));
        }
        sum * (-a).exp()
    } else {
        // The asymptotic series with μ = 4.
        let (mut term, mut sum) = (1.0, 0.0);
        for k in 1..60 {
            sum += term;
            let odd = f64::from(2 * k - 1);
            let next = term * -(4.0 - odd * odd) / (f64::from(k) * 8.0 * a);
            if next.abs() >= f64::abs(term) || next.abs() < 1e-18 {
                break;
            }
            term = next;
        }
        sum / (2.0 * PI * a).sqrt()
    };
    value.copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        // Near a root (digamma's lies at 1.46) only the absolute error is small.
        assert!((a - b).abs() <= 4e-15 * b.abs().max(0.1), "{a} instead of {b}");
    }

    /// Values of Abramowitz and Stegun's tables, to double precision.
    #[test]
    fn known_values() {
        close(digamma(1.0), -0.577_215_664_901_532_9);
        close(digamma(0.5), -1.963_510_026_021_423_5);
        close(digamma(-0.5), 0.036_489_973_978_576_52);
        close(zeta(2.0, 1.0), PI * PI / 6.0);
        close(polygamma(1.0, 1.0), PI * PI / 6.0);
        close(erf_inv(0.5), 0.476_936_276_204_469_9);
        close(erf_inv(-0.999_999), -3.458_910_737_275_499);
        close(bessel_i1e(1.0), 0.207_910_415_349_708_45);
        close(bessel_i1e(40.0), 0.062_482_229_074_442_06);
    }

    #[test]
    fn poles_and_nan() {
        assert!(
            digamma(-3.0).is_nan()
                && digamma(0.0).is_nan()
                && digamma(f64::NEG_INFINITY).is_nan()
                && zeta(0.5, 1.0).is_nan()
                && erf_inv(1.5).is_nan()
        );
        assert_eq!(lgamma(0.0), f64::INFINITY);
        assert_eq!(erf_inv(-1.0), f64::NEG_INFINITY);
    }
}
