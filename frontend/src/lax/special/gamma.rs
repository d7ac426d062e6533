//! Incomplete gamma and beta functions, by the series and continued fractions of Cephes and of NIST DLMF 8.9 and 8.17.

use super::super::elementwise::scalar_like;
use super::super::traced::{E, choose, while_loop};
use super::super::{convert_element_type, rem};
use super::{any, is_nan, limits};
use crate::ir::{Array, DType};

/// What an incomplete gamma function is evaluated for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Mode {
    Value,
    /// The derivative in `a`.
    Derivative,
    /// The derivative in `a` of a sample at `x`.
    Sample,
}

/// `P(a, x)`, or `Q(a, x)` if `upper`: a series where `x` is small, a continued fraction of the complement where it is large.
pub(super) fn incomplete_gamma(a: &E, x: &E, upper: bool) -> E {
    let (a_zero, x_zero) = (a.eq(0.0), x.eq(0.0));
    let infinite = x.eq(f64::INFINITY);
    let outside = x.lt(0.0).or(a.lt(0.0)).or(a_zero.and(&x_zero)).or(is_nan(a)).or(is_nan(x));
    let log_scale = a * x.log() - x - a.lgamma();
    let underflow = log_scale.lt(-limits(x).max.ln());
    let scale = log_scale.exp();
    let by_fraction = if upper { x.lt(1.0).or(x.lt(a)).not() } else { x.ge(1.0).and(x.gt(a)) };
    let edge = if upper { &a_zero } else { &x_zero };
    let enabled = edge.or(&outside).or(&underflow).or(&infinite).not();
    let fraction = gamma_fraction(&scale, x, a, &enabled.and(&by_fraction), Mode::Value);
    let series = gamma_series(&scale, x, a, &enabled.and(by_fraction.not()), Mode::Value);
    let out = if upper {
        choose(&by_fraction, &fraction, 1.0 - series)
    } else {
        choose(&by_fraction, &(1.0 - fraction), series)
    };
    let (zero, one) = (a.full(0.0), a.full(1.0));
    let out = if upper {
        choose(&infinite.or(&a_zero), &zero, out)
    } else {
        choose(&infinite, &one, choose(&x_zero, &zero, out))
    };
    choose(&outside, &a.full(f64::NAN), out)
}

/// The derivatives in `a`.
pub(super) fn gamma_derivative(a: &E, x: &E, mode: Mode) -> E {
    let x_zero = x.eq(0.0);
    let outside = x.lt(0.0).or(a.le(0.0)).or(is_nan(a)).or(is_nan(x));
    let log_scale = a * x.log() - x - a.lgamma();
    let underflow = log_scale.lt(-limits(x).max.ln());
    let scale = log_scale.exp();
    let by_fraction = x.gt(1.0).and(x.gt(a));
    let enabled = x_zero.or(&outside).or(&underflow).not();
    let fraction = gamma_fraction(&scale, x, a, &enabled.and(&by_fraction), mode);
    let series = gamma_series(&scale, x, a, &enabled.and(by_fraction.not()), mode);
    let out = choose(&by_fraction, &-fraction, series);
    let out = choose(&x_zero, &a.full(0.0), out);
    choose(&outside, &a.full(f64::NAN), out)
}

pub(super) fn unwrap<const N: usize>(state: &[Array]) -> [E; N] {
    std::array::from_fn(|i| E(state[i].clone()))
}

/// New values where an element has not converged, the old ones elsewhere.
fn advance(enabled: &E, new: &[E], old: &[E]) -> Vec<Array> {
    new.iter().zip(old).map(|(new, old)| choose(enabled, new, old).0).collect()
}

/// The series `xᵃ e⁻ˣ / Γ(a + 1) · Σ xⁿ / ((a + 1) … (a + n))`, and its derivative term by term.
fn gamma_series(scale: &E, x: &E, a: &E, enabled: &E, mode: Mode) -> E {
    let epsilon = limits(x).epsilon;
    let body = |state: &[Array]| {
        let enabled = E(state[0].clone());
        let old: [E; 5] = unwrap(&state[1..]);
        let [r, c, ans, dc, dans] = &old;
        let r = r + 1.0;
        let dc = dc * (x / &r) - (c * x) / (&r * &r);
        let dans = dans + &dc;
        let c = c * (x / &r);
        let ans = ans + &c;
        let change = if mode == Mode::Value { &c / &ans } else { (&dc / &dans).abs() };
        let mut next = vec![enabled.and(change.gt(epsilon)).0];
        next.extend(advance(&enabled, &[r, c, ans, dc, dans], &old));
        next
    };
    let (zero, one) = (a.full(0.0).0, a.full(1.0).0);
    let init = vec![enabled.0.clone(), a.0.clone(), one.clone(), one, zero.clone(), zero];
    let out = while_loop(|state| any(&state[0]), body, init);
    let (ans, dans) = (E(out[3].clone()), E(out[5].clone()));
    if mode == Mode::Value {
        return ans * scale / a;
    }
    let dlog = x.log() - (a + 1.0).digamma();
    match mode {
        Mode::Derivative => scale * (ans * dlog + dans) / a,
        _ => -(dans + ans * dlog) * x / a,
    }
}

/// The continued fraction of `Q(a, x)`, by recurrence of numerators and denominators, and its derivative.
fn gamma_fraction(scale: &E, x: &E, a: &E, enabled: &E, mode: Mode) -> E {
    const STEPS: f64 = 2000.0;
    let epsilon = limits(x).epsilon;
    let body = |state: &[Array]| {
        let (enabled, count) = (E(state[0].clone()), E(state[1].clone()));
        let old: [E; 12] = unwrap(&state[2..]);
        let [ans, y, z, p1, q1, p2, q2, dp2, dq2, dp1, dq1, dans] = &old;
        let count = &count + 1.0;
        let (y, z) = (y + 1.0, z + 2.0);
        let yc = &y * &count;
        let p = p1 * &z - p2 * &yc;
        let q = q1 * &z - q2 * &yc;
        let nonzero = q.ne(0.0);
        let r = &p / &q;
        let change = choose(&nonzero, &((ans - &r) / &r).abs(), 1.0);
        let next = choose(&nonzero, &r, ans);
        let dp = dp1 * &z - p1 - dp2 * &yc + p2 * &count;
        let dq = dq1 * &z - q1 - dq2 * &yc + q2 * &count;
        let dnext = choose(&nonzero, &((&dp - &next * &dq) / &q), dans);
        let dchange = choose(&nonzero, &(&dnext - dans).abs(), 1.0);
        let rescale = p.abs().gt(1.0 / epsilon);
        let fit = |v: &E| choose(&rescale, &(v * epsilon), v);
        let change = if mode == Mode::Value { change } else { dchange };
        let mut out = vec![enabled.and(change.gt(epsilon)).0, count.0];
        let new =
            [next, y, z, fit(&p), fit(&q), fit(p1), fit(q1), fit(dp1), fit(dq1), fit(&dp), fit(&dq), dnext];
        out.extend(advance(&enabled, &new, &old));
        out
    };
    let y = 1.0 - a;
    let z = x + &y + 1.0;
    let (p1, q1) = (x + 1.0, &z * x);
    let ans = &p1 / &q1;
    let (zero, one) = (x.full(0.0), x.full(1.0));
    let dq1 = -x;
    let dans = (&zero - &ans * &dq1) / &q1;
    let count = x.lit(0.0);
    let init = [enabled, &count, &ans, &y, &z, &p1, &q1, &one, x, &zero, &zero, &zero, &dq1, &dans];
    let more = |state: &[Array]| {
        let count = E(state[1].clone());
        super::super::and(&count.lt(STEPS).0, &any(&state[0]))
    };
    let out = while_loop(more, body, init.map(|x| x.0.clone()).into());
    let (ans, dans) = (E(out[2].clone()), E(out[13].clone()));
    if mode == Mode::Value {
        return ans * scale;
    }
    let dlog = x.log() - a.digamma();
    match mode {
        Mode::Derivative => scale * (ans * dlog + dans),
        _ => -(dans + ans * dlog) * x,
    }
}

/// `I_x(a, b)` by its continued fraction (DLMF 8.17.22), of the mirrored arguments where that converges faster.
pub(super) fn incomplete_beta(a: &E, b: &E, x: &E) -> E {
    let a_zero = a.eq(0.0).or(b.eq(f64::INFINITY));
    let b_zero = b.eq(0.0).or(a.eq(f64::INFINITY));
    let (x_zero, x_one) = (x.eq(0.0), x.eq(1.0));
    let is_zero = b_zero.and(x_one.not()).or(a_zero.and(&x_zero));
    let is_one = a_zero.and(x_zero.not()).or(b_zero.and(&x_one));
    let outside = a.lt(0.0).or(b.lt(0.0)).or(x.lt(0.0)).or(x.gt(1.0));
    let outside = outside.or(a_zero.and(&b_zero)).or(is_nan(a)).or(is_nan(b)).or(is_nan(x));
    let fast = x.lt((a + 1.0) / (a + b + 2.0));
    let (a, b, x) = (choose(&fast, a, b), choose(&fast, b, a), choose(&fast, x, 1.0 - x));
    let fraction = beta_fraction(&a, &b, &x);
    // a Γ(a) is Γ(a + 1), which is one for a near zero.
    let rest = b.lgamma() - (&a + &b).lgamma();
    let tail = (-&x).log1p() * &b;
    let near_zero = a.lt(2.0 * limits(&a).tiny);
    let usual = (x.log() * &a + &tail - (a.lgamma() + &rest)).exp() / &a;
    let factor = choose(&near_zero, &(tail - rest).exp(), usual);
    let out = fraction * factor;
    let out = choose(&fast, &out, 1.0 - &out);
    let out = choose(&is_zero, &out.full(0.0), out);
    let out = choose(&is_one, &out.full(1.0), out);
    choose(&outside, &out.full(f64::NAN), out)
}

/// The continued fraction by the modified Lentz algorithm (Thompson and Barnett, 1986).
fn beta_fraction(a: &E, b: &E, x: &E) -> E {
    let small = limits(x).epsilon / 2.0;
    let steps = if x.0.dtype() == DType::F64 { 600 } else { 200 };
    let int = |v: i64| Array::scalar(v, DType::I32, false);
    let away = |v: E| choose(&v.abs().lt(small), &v.full(small), &v);
    let body = |state: &[Array]| {
        let i = &state[0];
        let [open, c, d, h] = unwrap::<4>(&state[1..]);
        let before = super::super::sub(i, &int(1));
        let m = E(convert_element_type(&super::super::div(&before, &int(2)), x.0.dtype()));
        let at = |flag: Array| E(flag);
        let first = at(super::super::eq(i, &int(1)));
        let even = at(super::super::eq(&rem(i, &int(2)), &int(0)));
        let m_zero = at(super::super::eq(&m.0, &scalar_like(&m.0, 0.0)));
        let twice = a + &m * 2.0;
        let start = -((a + b) * x) / (a + 1.0);
        let later = -((a + &m) * (a + b + &m) * x) / (&twice * (&twice + 1.0));
        let even_term = choose(&m_zero, &start, later);
        let odd_term = &m * (b - &m) * x / ((&twice - 1.0) * &twice);
        let term = choose(&even, &even_term, odd_term);
        let term = choose(&first, &term.full(1.0), term);
        let c = away(&term / &c + 1.0);
        let d = 1.0 / away(&term * &d + 1.0);
        let delta = &c * &d;
        // What has converged stays: rounded factors beside one would add up while others go on.
        let h = choose(&open, &(&h * &delta), &h);
        let open = open.and((&delta - 1.0).abs().gt(2.0 * small));
        vec![super::super::add(i, &int(1)), open.0, c.0, d.0, h.0]
    };
    let start = x.full(small);
    let init = vec![int(1), start.eq(&start).0, start.0.clone(), x.full(0.0).0, start.0];
    let more =
        |state: &[Array]| super::super::and(&super::super::lt(&state[0], &int(steps)), &any(&state[1]));
    E(while_loop(more, body, init).swap_remove(4))
}
