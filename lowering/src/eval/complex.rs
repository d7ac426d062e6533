//! Elementary functions of complex numbers in `f64`, accurate near branch points and without needless overflow.
//!
//! Sources: W. Kahan, Branch cuts for complex elementary functions (1987); T. E. Hull, T. F. Fairgrieve and P. T. P. Tang,
//! Implementing the complex arcsine and arccosine functions using exception handling (1997).

use num_complex::Complex;

type C = Complex<f64>;

/// `i z`, without rounding or the sign errors of a product.
pub(crate) fn times_i(z: C) -> C {
    C::new(-z.im, z.re)
}

/// `−i z`.
pub(crate) fn times_minus_i(z: C) -> C {
    C::new(z.im, -z.re)
}

/// The product by its definition.
pub(crate) fn multiply(x: C, y: C) -> C {
    C::new(x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re)
}

/// `z²`, its real part without cancellation.
pub(crate) fn square(z: C) -> C {
    // Where the sum overflows the difference is still zero.
    let re = if z.re.abs() == z.im.abs() && z.re.is_finite() { 0.0 } else { (z.re - z.im) * (z.re + z.im) };
    // Doubled at the end: twice a part may be too large where their product is not.
    let half = z.re * z.im;
    C::new(re, half + half)
}

/// The quotient, scaled so that only a result that is too large overflows; infinities and zeros as in C's Annex G.
pub(crate) fn divide(x: C, y: C) -> C {
    let scale = exponent(y.re.abs().max(y.im.abs()));
    let (c, d) = (ldexp(y.re, -scale), ldexp(y.im, -scale));
    let norm = c * c + d * d;
    let re = ldexp((x.re * c + x.im * d) / norm, -scale);
    let im = ldexp((x.im * c - x.re * d) / norm, -scale);
    if re.is_nan() && im.is_nan() {
        let unit = |v: f64| if v.is_infinite() { 1f64 } else { 0.0 }.copysign(v);
        if norm == 0.0 && !(x.re.is_nan() && x.im.is_nan()) {
            let infinite = f64::INFINITY.copysign(y.re);
            return C::new(infinite * x.re, infinite * x.im);
        }
        if (x.re.is_infinite() || x.im.is_infinite()) && y.re.is_finite() && y.im.is_finite() {
            let (a, b) = (unit(x.re), unit(x.im));
            return C::new(f64::INFINITY * (a * y.re + b * y.im), f64::INFINITY * (b * y.re - a * y.im));
        }
        if (y.re.is_infinite() || y.im.is_infinite()) && x.re.is_finite() && x.im.is_finite() {
            let (c, d) = (unit(y.re), unit(y.im));
            return C::new(0.0 * (x.re * c + x.im * d), 0.0 * (x.im * c - x.re * d));
        }
    }
    C::new(re, im)
}

/// The exponent of a number's power of two; 0 for zero, infinity and NaN.
fn exponent(x: f64) -> i32 {
    if x == 0.0 || !x.is_finite() { 0 } else { libm::ilogb(x) }
}

fn ldexp(x: f64, n: i32) -> f64 {
    libm::scalbn(x, n)
}

/// `z / |z|`, and 0 of 0.
pub(crate) fn sign(z: C) -> C {
    let abs = z.re.hypot(z.im);
    if abs == 0.0 { C::new(0.0, 0.0) } else { C::new(z.re / abs, z.im / abs) }
}

/// `e^z`.
pub(crate) fn exp(z: C) -> C {
    if z.im == 0.0 {
        return C::new(z.re.exp(), z.im);
    }
    if z.re == f64::NEG_INFINITY {
        return C::new(0.0, 0.0);
    }
    if z.re == f64::INFINITY && !z.im.is_finite() {
        return C::new(f64::INFINITY, f64::NAN);
    }
    let (s, c) = z.im.sin_cos();
    if z.re > 709.0 {
        // In two steps, because the first alone may overflow.
        let half = (z.re / 2.0).exp();
        return C::new(half * c * half, half * s * half);
    }
    let e = z.re.exp();
    C::new(e * c, e * s)
}

/// `e^z − 1`.
pub(crate) fn expm1(z: C) -> C {
    if z.im == 0.0 {
        return C::new(z.re.exp_m1(), z.im);
    }
    if !z.re.is_finite() || z.re > 40.0 {
        return exp(z) - if z.re.is_finite() { 1.0 } else { 0.0 };
    }
    let (s, c) = z.im.sin_cos();
    // cos y − 1 without cancellation.
    let half = (z.im / 2.0).sin();
    let (e, e_low) = (z.re.exp_m1(), -2.0 * half * half);
    // e·c + (c − 1), with the product's rounding error.
    let product = e * c;
    let error = e.mul_add(c, -product);
    let (sum, rest) = two_sum(product, e_low);
    C::new(sum + (rest + error), z.re.exp() * s)
}

fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let other = sum - a;
    (sum, (a - (sum - other)) + (b - other))
}

fn two_product(a: f64, b: f64) -> (f64, f64) {
    let product = a * b;
    (product, a.mul_add(b, -product))
}

/// `ln |1 + x + iy|`.
fn log_abs1p(x: f64, y: f64) -> f64 {
    // |1 + z|² − 1 = x(2 + x) + y², summed with its errors.
    let (a, a_low) = two_product(x, x);
    let (b, b_low) = two_product(y, y);
    let (s, s_low) = two_sum(2.0 * x, b);
    let (t, t_low) = two_sum(s, a);
    0.5 * (t + (t_low + s_low + a_low + b_low)).ln_1p()
}

/// `ln |z|`.
fn log_abs(z: C) -> f64 {
    let (large, small) = (z.re.abs().max(z.im.abs()), z.re.abs().min(z.im.abs()));
    if large.is_infinite() {
        return f64::INFINITY;
    }
    if large == 0.0 {
        return f64::NEG_INFINITY;
    }
    let ratio = small / large;
    if (0.5..=2.0).contains(&large) {
        // Near the unit circle: |z|² − 1 with its errors.
        return log_abs1p(large - 1.0, small);
    }
    large.ln() + 0.5 * (ratio * ratio).ln_1p()
}

/// The principal logarithm.
pub(crate) fn log(z: C) -> C {
    let abs = if z.re.is_nan() || z.im.is_nan() {
        if z.re.is_infinite() || z.im.is_infinite() { f64::INFINITY } else { f64::NAN }
    } else {
        log_abs(z)
    };
    C::new(abs, z.im.atan2(z.re))
}

/// `log(1 + z)`.
pub(crate) fn log1p(z: C) -> C {
    let large = z.re.abs().max(z.im.abs());
    let im = z.im.atan2(1.0 + z.re);
    if large > 1e8 || large.is_nan() {
        return C::new(log(C::new(z.re + 1.0, z.im)).re, im);
    }
    if z.im == 0.0 && z.re >= -1.0 {
        return C::new(z.re.ln_1p(), im);
    }
    let re = match (z.re + 1.0).abs().max(z.im.abs()) {
        near if near < 0.5 => log_abs(C::new(1.0 + z.re, z.im)),
        _ => log_abs1p(z.re, z.im),
    };
    C::new(re, im)
}

/// The principal square root (Kahan's CSQRT).
pub(crate) fn sqrt(z: C) -> C {
    let (x, y) = (z.re, z.im);
    if x == 0.0 && y == 0.0 {
        return C::new(0.0, y);
    }
    if y.is_infinite() {
        return C::new(f64::INFINITY, y);
    }
    if x.is_infinite() && !y.is_nan() {
        return match x > 0.0 {
            true => C::new(x, 0f64.copysign(y)),
            false => C::new(0.0, f64::INFINITY.copysign(y)),
        };
    }
    if x.is_nan() || y.is_nan() {
        return match x == f64::INFINITY {
            true => C::new(x, y),
            false if x == f64::NEG_INFINITY => C::new(y, f64::INFINITY),
            false => C::new(f64::NAN, f64::NAN),
        };
    }
    if y == 0.0 {
        let root = x.abs().sqrt();
        return if x >= 0.0 { C::new(root, y) } else { C::new(0.0, root.copysign(y)) };
    }
    // By an even power of two, so that neither the square nor the sum overflows or vanishes.
    let scale = exponent(x.abs().max(y.abs())) / 2 * 2;
    let (sx, sy) = (ldexp(x, -scale), ldexp(y, -scale));
    let t = ((sx.abs() + sx.hypot(sy)) / 2.0).sqrt();
    let t = ldexp(t, scale / 2);
    let other = y.abs() / t / 2.0;
    if x >= 0.0 { C::new(t, other.copysign(y)) } else { C::new(other, t.copysign(y)) }
}

/// `1 / √z`.
pub(crate) fn rsqrt(z: C) -> C {
    if z.re == 0.0 && z.im == 0.0 {
        return C::new(f64::INFINITY, f64::NAN);
    }
    if (z.re.is_infinite() || z.im.is_infinite()) && !z.re.is_nan() && !z.im.is_nan() {
        return C::new(0.0, -0f64.copysign(z.im));
    }
    divide(C::new(1.0, 0.0), sqrt(z))
}

/// The principal cube root.
pub(crate) fn cbrt(z: C) -> C {
    let abs = z.re.hypot(z.im).cbrt();
    let (s, c) = (z.im.atan2(z.re) / 3.0).sin_cos();
    C::new(abs * c, abs * s)
}

/// `x^y` with the principal logarithm; `0^0` is 1.
pub(crate) fn power(x: C, y: C) -> C {
    if y.re == 0.0 && y.im == 0.0 {
        return C::new(1.0, 0.0);
    }
    if x.re == 0.0 && x.im == 0.0 {
        return if y.re > 0.0 && y.im == 0.0 { C::new(0.0, 0.0) } else { exp(multiply(y, log(x))) };
    }
    let log = log(x);
    // |x|^c · e^(−d·arg) with the angle d·ln|x| + c·arg.
    let abs = x.re.hypot(x.im).powf(y.re) * (-y.im * log.im).exp();
    let (s, c) = (y.im * log.re + y.re * log.im).sin_cos();
    C::new(abs * c, abs * s)
}

/// `−i log((x + iy) / √(x² + y²))` of `y` and `x`.
pub(crate) fn atan2(y: C, x: C) -> C {
    let norm = sqrt(multiply(x, x) + multiply(y, y));
    times_minus_i(log(divide(x + times_i(y), norm)))
}

/// Hyperbolic sine.
pub(crate) fn sinh(z: C) -> C {
    let (s, c) = z.im.sin_cos();
    if z.im == 0.0 {
        return C::new(z.re.sinh(), z.im);
    }
    if z.re == 0.0 {
        return C::new(z.re.copysign(z.re * c), s);
    }
    if z.re.abs() > 709.0 {
        let half = (z.re.abs() / 2.0).exp();
        return C::new((half * 0.5 * c * half).copysign_product(z.re), half * 0.5 * s * half);
    }
    C::new(z.re.sinh() * c, z.re.cosh() * s)
}

/// Hyperbolic cosine.
pub(crate) fn cosh(z: C) -> C {
    let (s, c) = z.im.sin_cos();
    if z.im == 0.0 || z.re == 0.0 {
        return C::new(
            z.re.cosh() * c,
            if z.re == 0.0 || z.im == 0.0 { z.re * z.im } else { z.re.sinh() * s },
        );
    }
    if z.re.abs() > 709.0 {
        let half = (z.re.abs() / 2.0).exp();
        return C::new(half * 0.5 * c * half, (half * 0.5 * s * half).copysign_product(z.re));
    }
    C::new(z.re.cosh() * c, z.re.sinh() * s)
}

trait CopysignProduct {
    /// The number with its sign turned if the other is negative.
    fn copysign_product(self, other: f64) -> f64;
}

impl CopysignProduct for f64 {
    fn copysign_product(self, other: f64) -> f64 {
        if other.is_sign_negative() { -self } else { self }
    }
}

/// Hyperbolic tangent (Kahan's CTANH).
pub(crate) fn tanh(z: C) -> C {
    let (x, y) = (z.re, z.im);
    if x.abs() > 22.0 {
        let im = match y.is_finite() {
            // sin y cos y = sin(2y) / 2.
            true => 4.0 * y.sin() * y.cos() * (-x.abs()).exp() * (-x.abs()).exp(),
            false => 0f64.copysign(y),
        };
        return C::new(1f64.copysign(x), im);
    }
    if y == 0.0 {
        return C::new(x.tanh(), y);
    }
    if x == 0.0 {
        return C::new(x, y.tan());
    }
    let t = y.tan();
    let beta = 1.0 + t * t;
    let s = x.sinh();
    let rho = (1.0 + s * s).sqrt();
    if t.is_infinite() {
        return C::new(rho / s, 1.0 / t);
    }
    let d = 1.0 + beta * s * s;
    C::new(beta * rho * s / d, t / d)
}

/// The pieces that arcsine and arccosine share, for `x, y ≥ 0`: the arcsine's and arccosine's real parts and the common imaginary one.
fn arc(x: f64, y: f64) -> (f64, f64, f64) {
    const A_CROSS: f64 = 10.0;
    const B_CROSS: f64 = 0.6417;
    let huge = f64::MAX.sqrt() / 8.0;
    let tiny = f64::MIN_POSITIVE.sqrt() * 4.0;
    if x.is_infinite() || y.is_infinite() || x > huge || y > huge {
        let angle = x.atan2(y);
        let im = match x.is_infinite() || y.is_infinite() {
            true => f64::INFINITY,
            false => {
                let (large, small) = (x.max(y), x.min(y));
                let ratio = small / large;
                std::f64::consts::LN_2 + large.ln() + 0.5 * (ratio * ratio).ln_1p()
            }
        };
        return (angle, y.atan2(x), im);
    }
    if y < tiny {
        // So near the real line that the squares vanish.
        if x < 1.0 {
            let root = ((1.0 - x) * (1.0 + x)).sqrt();
            return (x.asin(), x.acos(), y / root);
        }
        let im = match y == 0.0 && x == 1.0 {
            true => 0.0,
            false if x == 1.0 => y.sqrt(),
            false => ((x - 1.0) + ((x - 1.0) * (x + 1.0)).sqrt()).ln_1p(),
        };
        if x == 1.0 {
            return (std::f64::consts::FRAC_PI_2 - y.sqrt(), y.sqrt(), im);
        }
        let root = ((x - 1.0) * (x + 1.0)).sqrt();
        return (std::f64::consts::FRAC_PI_2, y / root, im);
    }
    let (r, s) = ((x + 1.0).hypot(y), (x - 1.0).hypot(y));
    let a = (r + s) / 2.0;
    let b = x / a;
    let (asin, acos) = if b <= B_CROSS {
        (b.asin(), b.acos())
    } else {
        let apx = a + x;
        let root = match x <= 1.0 {
            true => (0.5 * apx * (y * y / (r + x + 1.0) + (s + (1.0 - x)))).sqrt(),
            false => y * (0.5 * (apx / (r + x + 1.0) + apx / (s + (x - 1.0)))).sqrt(),
        };
        ((x / root).atan(), (root / x).atan())
    };
    let im = if a <= A_CROSS {
        let am1 = match x < 1.0 {
            true => 0.5 * (y * y / (r + (x + 1.0)) + y * y / (s + (1.0 - x))),
            false => 0.5 * (y * y / (r + (x + 1.0)) + (s + (x - 1.0))),
        };
        (am1 + (am1 * (a + 1.0)).sqrt()).ln_1p()
    } else {
        (a + (a * a - 1.0).sqrt()).ln()
    };
    (asin, acos, im)
}

/// Arcsine.
pub(crate) fn asin(z: C) -> C {
    if z.re.is_nan() || z.im.is_nan() {
        return match () {
            () if z.im.is_infinite() => C::new(f64::NAN, z.im),
            () if z.re.is_infinite() => C::new(f64::NAN, f64::INFINITY),
            () if z.re == 0.0 => C::new(z.re, f64::NAN),
            () => C::new(f64::NAN, f64::NAN),
        };
    }
    let (re, _, im) = arc(z.re.abs(), z.im.abs());
    C::new(re.copysign(z.re), im.copysign(z.im))
}

/// Arccosine.
pub(crate) fn acos(z: C) -> C {
    if z.re.is_nan() || z.im.is_nan() {
        return match () {
            () if z.im.is_infinite() => C::new(f64::NAN, -z.im),
            () if z.re.is_infinite() => C::new(f64::NAN, f64::INFINITY),
            () if z.re == 0.0 => C::new(std::f64::consts::FRAC_PI_2, f64::NAN),
            () => C::new(f64::NAN, f64::NAN),
        };
    }
    let (_, re, im) = arc(z.re.abs(), z.im.abs());
    let re = if z.re.is_sign_negative() { std::f64::consts::PI - re } else { re };
    C::new(re, -im.copysign(z.im))
}

/// Inverse hyperbolic cosine: `±i acos z`, with a real part that is not negative.
pub(crate) fn acosh(z: C) -> C {
    let w = acos(z);
    if w.im.is_nan() {
        return C::new(f64::NAN, w.re);
    }
    match z.im.is_sign_negative() {
        true => C::new(w.im.abs(), -w.re),
        false => C::new(w.im.abs(), w.re),
    }
}

/// Inverse hyperbolic tangent.
pub(crate) fn atanh(z: C) -> C {
    let (x, y) = (z.re.abs(), z.im.abs());
    if x.is_nan() || y.is_nan() {
        return match () {
            () if x.is_infinite() => C::new(0f64.copysign(z.re), f64::NAN),
            () if y.is_infinite() => C::new(0f64.copysign(z.re), std::f64::consts::FRAC_PI_2.copysign(z.im)),
            () if x == 0.0 => C::new(z.re, f64::NAN),
            () => C::new(f64::NAN, f64::NAN),
        };
    }
    let half_pi = std::f64::consts::FRAC_PI_2;
    let huge = f64::MAX.sqrt() / 4.0;
    if x > huge || y > huge {
        // Of 1/z; only its real part is left of the hyperbolic part.
        let re = match x.is_infinite() || y.is_infinite() {
            true => 0.0,
            false => divide(C::new(1.0, 0.0), C::new(x, y)).re,
        };
        return C::new(re.copysign(z.re), half_pi.copysign(z.im));
    }
    if x == 1.0 && y == 0.0 {
        return C::new(f64::INFINITY.copysign(z.re), z.im);
    }
    let near = 1.0 - x;
    // ((1 + x)² + y²) / ((1 − x)² + y²) = 1 + 4x / ((1 − x)² + y²)
    let re = match x == 1.0 {
        true => (2.0f64.ln() - y.ln()) + 0.5 * (y * y / 4.0).ln_1p(),
        false => 0.25 * (4.0 * x / (near * near + y * y)).ln_1p(),
    };
    let im = match y == 0.0 {
        true if x > 1.0 => half_pi,
        true => 0.0,
        false => {
            // 1 − x² − y², with the error of y².
            let (p, e) = two_product(y, y);
            let first = near * (1.0 + x);
            0.5 * (2.0 * y).atan2((first - p) - e)
        }
    };
    C::new(re.copysign(z.re), im.copysign(z.im))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: C, b: C) {
        let error = (a - b).norm() / b.norm().max(f64::MIN_POSITIVE);
        assert!(error < 1e-14, "{a} instead of {b}");
    }

    #[test]
    fn functions_invert_each_other() {
        for &(x, y) in &[(0.3, 0.4), (-2.0, 1e-3), (1.5, -7.0), (1e-5, -1e-9), (-0.999, 0.001)] {
            let z = C::new(x, y);
            close(square(sqrt(z)), z);
            close(exp(log(z)), z);
            close(expm1(log1p(z)), z);
            close(tanh(atanh(z)), z);
            // Near its roots the hyperbolic cosine is known to absolute precision only.
            let far = C::new(10.0, 0.0);
            close(cosh(acosh(z)) + far, z + far);
            close(times_minus_i(sinh(times_i(asin(z)))), z);
            close(cosh(times_i(acos(z))) + far, z + far);
            close(divide(multiply(z, C::new(2.0, -3.0)), C::new(2.0, -3.0)), z);
        }
    }

    #[test]
    fn large_numbers_do_not_overflow_on_the_way() {
        let big = C::new(1e300, 1e300);
        close(divide(big, big), C::new(1.0, 0.0));
        close(square(sqrt(big)), big);
        assert!(log(big).re.is_finite() && asin(big).im.is_finite());
    }

    #[test]
    fn cuts_follow_the_sign_of_zero() {
        assert_eq!(sqrt(C::new(-4.0, -0.0)), C::new(0.0, -2.0));
        assert!(log(C::new(-1.0, -0.0)).im < 0.0);
        assert!(acosh(C::new(-2.0, -0.0)).im < 0.0);
    }
}
