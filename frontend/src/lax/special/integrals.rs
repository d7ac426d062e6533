//! Integrals of the sine, of the cosine, of their squares' arguments, and of the normal density over a wedge.

use super::super::traced::{E, choose};
use super::is_nan;
use super::rational::{polynomial, quotient};
use super::tables::*;
use crate::ir::DType;

const PI: f64 = std::f64::consts::PI;

/// `Si(x)` and `Ci(x)` for not negative `x`: quotients up to 4, auxiliary functions beyond.
fn sine_and_cosine_integrals(x: &E) -> (E, E) {
    let (near, far) = (x.le(4.0), x.gt(1e9));
    let square = x.square();
    let si_near = x * quotient(&square, SI_NEAR);
    let ci_near = super::rational::EULER + x.log() + &square * quotient(&square, CI_NEAR);
    let ci_near = choose(&x.eq(0.0), &x.full(f64::NEG_INFINITY), ci_near);
    let (s, c) = (x.sin(), x.cos());
    let z = 1.0 / &square;
    let below = x.lt(8.0);
    let f = choose(&below, &quotient(&z, SICI_F4), quotient(&z, SICI_F8)) / x;
    let g = &z * choose(&below, &quotient(&z, SICI_G4), quotient(&z, SICI_G8));
    let si = PI / 2.0 - &f * &c - &g * &s;
    let ci = &f * &s - &g * &c;
    let infinite = x.eq(f64::INFINITY);
    let si_far = choose(&infinite, &x.full(PI / 2.0), PI / 2.0 - &c / x);
    let ci_far = choose(&infinite, &x.full(0.0), &s / x);
    let pick =
        |near_value: &E, middle: E, far_value: &E| choose(&near, near_value, choose(&far, far_value, middle));
    (pick(&si_near, si, &si_far), pick(&ci_near, ci, &ci_far))
}

pub(super) fn sine_integral(x: &E) -> E {
    let sign = E(super::super::sign(&x.0));
    sign * sine_and_cosine_integrals(&x.abs()).0
}

pub(super) fn cosine_integral(x: &E) -> E {
    let value = sine_and_cosine_integrals(&x.abs()).1;
    choose(&x.eq(f64::NEG_INFINITY), &x.full(f64::NAN), value)
}

/// `sin(π x² / 2)` and `cos(π x² / 2)`, of which the argument is reduced before it is multiplied.
pub(super) fn half_square_turn(x: &E) -> (E, E) {
    let x = x.abs();
    let modulo = |v: &E| E(super::super::rem(&v.0, &v.full(2.0).0));
    let s = modulo(&x);
    let r = modulo(&(&s * (&x - &s * 0.5)));
    let at = |shift: f64| ((&r - shift) * PI).sin();
    let sine = choose(&r.lt(0.5), &at(0.0), choose(&r.gt(1.5), &at(2.0), -at(1.0)));
    let cosine = choose(&r.lt(1.0), &-at(0.5), at(1.5));
    let cosine = choose(&r.eq(0.5), &r.full(0.0), cosine);
    (sine, cosine)
}

/// The integrals of `sin(π t² / 2)` and `cos(π t² / 2)` from 0 to `x` (Cephes).
pub(super) fn fresnel(signed: &E) -> (E, E) {
    let double = signed.0.dtype() == DType::F64;
    let x = signed.abs();
    let square = x.square();
    let t = square.square();
    let (s_near, c_near) = if double {
        (quotient(&t, FRESNEL_S), quotient(&t, FRESNEL_C))
    } else {
        (polynomial(&t, FRESNEL_S_SINGLE), polynomial(&t, FRESNEL_C_SINGLE))
    };
    let (s_near, c_near) = (&x * &square * s_near, &x * c_near);
    let (sine, cosine) = half_square_turn(&x);
    let area = &square * PI;
    let u = 1.0 / area.square();
    let (f, g) = if double {
        (quotient(&u, FRESNEL_F), quotient(&u, FRESNEL_G))
    } else {
        (polynomial(&u, FRESNEL_F_SINGLE), polynomial(&u, FRESNEL_G_SINGLE))
    };
    let (f, g) = (1.0 - &u * f, g / area);
    let circumference = &x * PI;
    let c = (&f * &sine - &g * &cosine) / &circumference + 0.5;
    let s = 0.5 - (&f * &cosine + &g * &sine) / &circumference;
    let far = x.gt(36974.0);
    let (c_far, s_far) = if double {
        (&sine / &circumference + 0.5, 0.5 - &cosine / &circumference)
    } else {
        (x.full(0.5), x.full(0.5))
    };
    let near = square.lt(2.5625);
    let infinite = x.eq(f64::INFINITY);
    let negative = signed.lt(0.0);
    let pick = |near_value: &E, middle: &E, far_value: &E| {
        let value = choose(&near, near_value, choose(&far, far_value, middle));
        let value = choose(&infinite, &x.full(0.5), value);
        choose(&negative, &-&value, value)
    };
    (pick(&s_near, &s, &s_far), pick(&c_near, &c, &c_far))
}

/// Owen's T function: by 13 points of quadrature for `a` up to one (Patefield and Tandy, J. Stat. Soft. 5, 2000), by symmetries beyond.
pub(super) fn owens_t(h: &E, a: &E) -> E {
    const ROOT: f64 = std::f64::consts::FRAC_1_SQRT_2;
    let erf = |x: &E| E(super::super::erf(&x.0));
    let erfc = |x: &E| E(super::super::erfc(&x.0));
    let outside = is_nan(a).or(is_nan(h));
    let (h, sign, a) = (h.abs(), E(super::super::sign(&a.0)), a.abs());
    let steep = a.gt(1.0);
    let product = &a * &h;
    let slope = choose(&steep, &(1.0 / &a), &a);
    let height = choose(&steep, &product, &h);
    let (slope2, exponent) = (slope.square(), height.square() * -0.5);
    let points = OWENS_T_POINTS.iter().zip(OWENS_T_WEIGHTS);
    let sum = points.fold(h.full(0.0), |sum, (&point, &weight)| {
        let r = &slope2 * point + 1.0;
        sum + (&exponent * &r).exp() / r * weight
    });
    let value = &slope * sum;
    let arc = E(super::super::atan(&slope.0)) / (2.0 * PI);
    let value = choose(&height.eq(0.0), &arc, value);
    let scaled = &height * ROOT;
    let at_one = erfc(&-&scaled) * erfc(&scaled) * 0.125;
    let value = choose(&slope.eq(1.0), &at_one, value);
    let (near, far) = (&h * ROOT, &product * ROOT);
    let small = 0.25 - erf(&near) * erf(&far) * 0.25 - &value;
    let (tail_near, tail_far) = (erfc(&near), erfc(&far));
    let large = (&tail_near + &tail_far - &tail_near * &tail_far) * 0.25 - &value;
    let mirrored = choose(&product.le(0.67), &small, large);
    let value = sign * choose(&steep, &mirrored, value);
    choose(&outside, &value.full(f64::NAN), value)
}
