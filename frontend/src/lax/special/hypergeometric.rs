//! Hypergeometric functions by their series, and by the transformations of Cephes where those do not converge.

use super::super::traced::{E, choose, while_loop};
use super::super::{and, is_finite};
use super::{any, limits};
use crate::ir::Array;

/// More terms than these are not added.
const TERMS: f64 = 250.0;

/// `start` and the terms after it, of which each is the one before times `ratio(k)`; a term counts `weight(k)` times. An element is done
/// when its next term changes nothing.
fn sum_terms(start: &E, first: &E, enabled: &E, weight: impl Fn(&E) -> E, ratio: impl Fn(&E) -> E) -> E {
    let epsilon = limits(start).epsilon;
    let open = |enabled: &E, sum: &E, term: &E| enabled.and(term.abs().gt(sum.abs() * epsilon)).0;
    let body = |state: &[Array]| {
        let [k, open_now, sum, term] = super::gamma::unwrap::<4>(state);
        let next_sum = choose(&open_now, &(&sum + &term * weight(&k)), &sum);
        let next_term = choose(&open_now, &(&term * ratio(&k)), &term);
        vec![(&k + 1.0).0, open(&open_now, &next_sum, &next_term), next_sum.0, next_term.0]
    };
    let init = vec![start.lit(1.0).0, open(enabled, start, first), start.0.clone(), first.0.clone()];
    let more = |state: &[Array]| and(&E(state[0].clone()).lt(TERMS).0, &any(&state[1]));
    E(while_loop(more, body, init).swap_remove(2))
}

fn one(k: &E) -> E {
    k.lit(1.0)
}

fn everywhere(x: &E) -> E {
    x.eq(x).or(x.ne(x))
}

/// The gamma function; infinite at its poles.
fn gamma(x: &E) -> E {
    let floor = x.floor();
    let odd = (&floor * 0.5).floor().ne(&floor * 0.5);
    let size = x.lgamma().exp();
    choose(&x.lt(0.0).and(&odd), &-&size, size)
}

/// `₁F₁(a; b; x)`: the series where it converges soon, an asymptotic one far out; of what is far below zero by Kummer's transformation.
pub(super) fn confluent(a: &E, b: &E, x: &E) -> E {
    let mirrored = x.lt(-10.0);
    let (a1, z) = (choose(&mirrored, &(b - a), a), choose(&mirrored, &-x, x));
    let near = z.lt(100.0);
    let (inside, outside) = (choose(&near, &z, 0.0), choose(&near, &z.full(1e3), &z));
    let series = sum_terms(&z.full(1.0), &(&a1 / b * &inside), &near, one, |k| {
        (&a1 + k) / (b + k) * &inside / (k + 1.0)
    });
    let first = (b - &a1) * (1.0 - &a1) / &outside;
    let tail = sum_terms(&z.full(1.0), &first, &near.not(), one, |k| {
        (b - &a1 + k) * (1.0 - &a1 + k) / (k + 1.0) / &outside
    });
    // The exponential comes last, with the factor of the transformation, so that neither overflows alone.
    let power = E(super::super::pow(&outside.0, &(&a1 - b).0));
    let far = gamma(b) / gamma(&a1) * power * tail;
    let exponent = choose(&mirrored, x, 0.0) + choose(&near, &z.full(0.0), &z);
    let value = choose(&near, &series, far) * exponent.exp();
    let value = choose(&b.eq(0.0), &x.full(f64::INFINITY), value);
    let value = choose(&a.eq(b), &x.exp(), value);
    choose(&a.eq(0.0), &x.full(1.0), value)
}

/// The derivative of [`confluent`] in `a`, or in `b`.
pub(super) fn confluent_slope(a: &E, b: &E, x: &E, in_b: bool) -> E {
    let slope = |k: &E| {
        if in_b { b.digamma() - (b + k).digamma() } else { (a + k).digamma() - a.digamma() }
    };
    sum_terms(&x.full(0.0), &(a / b * x), &everywhere(x), slope, |k| (a + k) / (b + k) * x / (k + 1.0))
}

/// Whether a number is whole, but for rounding.
fn whole(x: &E) -> E {
    let nearest = (x + 0.5).floor();
    (x - nearest).abs().lt(50.0 * limits(x).epsilon)
}

/// `₂F₁(a, b; c; x)` for `x` below one.
pub(super) fn gauss(a: &E, b: &E, c: &E, x: &E) -> E {
    let (s, d) = (1.0 - x, c - a - b);
    let (ca, cb) = (c - a, c - b);
    let trivial = x.eq(0.0).or(a.eq(0.0).or(b.eq(0.0)).and(c.ne(0.0)));
    let pole = c.eq(0.0).or(c.lt(0.0).and(c.eq(c.floor())));
    let eulers = d.le(-1.0).and(whole(&d).not().and(s.lt(0.0)).not());
    let at_one = x.eq(1.0);
    let above = x.gt(1.0);
    let power = |base: &E, exponent: &E| E(super::super::pow(&base.0, &exponent.0));
    // Elements that another piece answers are kept out of the series.
    let used = trivial.or(&pole).not().and(x.lt(1.0).or(&eulers));
    let series = series_of(&choose(&eulers, &ca, a), &choose(&eulers, &cb, b), c, &choose(&used, x, 0.0));
    let infinite = x.full(f64::INFINITY);
    let limit = gamma(c) * gamma(&d) / (gamma(&ca) * gamma(&cb));
    let out = choose(&at_one, &limit, &series);
    let out = choose(&above, &infinite, out);
    let out = choose(&x.lt(1.0).and(a.eq(c)), &power(&s, &-b), out);
    let out = choose(&x.lt(1.0).and(b.eq(c)), &power(&s, &-a), out);
    let out = choose(&d.le(0.0).and(&at_one), &infinite, out);
    let out = choose(&eulers, &(power(&s, &d) * &series), out);
    let out = choose(&pole, &infinite, out);
    choose(&trivial, &x.full(1.0), out)
}

/// The series; a finite one of a negative whole parameter, and by powers of `1 − x` where `x` is near one and `c − a − b` whole.
fn series_of(a: &E, b: &E, c: &E, x: &E) -> E {
    let d = c - a - b;
    let finite = a.le(0.0).and(whole(a)).or(b.le(0.0).and(whole(b)));
    let near_one = x.gt(0.9).and(finite.not()).and(whole(&d));
    let plain = finite.or(&near_one).not();
    let series = sum_terms(&x.full(0.0), &x.full(1.0), &plain, one, |k| {
        (a + k - 1.0) * (b + k - 1.0) / (c + k - 1.0) / k * x
    });
    let out = choose(&finite, &finite_series(a, b, c, x, &finite), series);
    choose(&near_one, &about_one(a, b, c, x, &near_one), out)
}

/// The sum of as many terms as the negative whole parameter allows.
fn finite_series(a: &E, b: &E, c: &E, x: &E, enabled: &E) -> E {
    let c_ends_first = c.eq(c.floor()).and(c.le(0.0)).and(c.gt(b));
    let exchange = b.lt(a).and(whole(b)).and(c_ends_first.not());
    let (a, b) = (choose(&exchange, b, a), choose(&exchange, a, b));
    let count = choose(enabled, &a.abs(), 0.0);
    let body = |state: &[Array]| {
        let [i, _, sum, term] = super::gamma::unwrap::<4>(state);
        let inside = i.le(&count);
        let factor = -(&count - &i + 1.0) / (c + &i - 1.0) * (&b + &i - 1.0) / &i * x;
        let term = choose(&inside, &(&term * factor), 0.0);
        let sum = sum + &term;
        let goes_on = (&i + 1.0).le(&count).and(E(is_finite(&sum.0))).and(term.ne(0.0));
        vec![(&i + 1.0).0, any(&goes_on.0), sum.0, term.0]
    };
    let ones = x.full(1.0);
    let some = any(&count.ge(1.0).0);
    let out = while_loop(|state| state[1].clone(), body, vec![x.lit(1.0).0, some, ones.0.clone(), ones.0]);
    E(out[2].clone())
}

/// The expansion in powers of `1 − x` where `c − a − b` is whole (DLMF 15.8.10).
fn about_one(a: &E, b: &E, c: &E, x: &E, enabled: &E) -> E {
    let d = c - a - b;
    let rd = (&d + 0.5).floor();
    let up = rd.ge(0.0);
    let zero = d.full(0.0);
    let s = choose(enabled, &(1.0 - x), 0.05);
    let (e, d1, d2) = (choose(&up, &d, -&d), choose(&up, &d, &zero), choose(&up, &zero, &d));
    let (a1, b1) = (a + &d1, b + &d1);
    let log = s.log();
    let digammas =
        |t: &E| (t + 1.0).digamma() + (t + 1.0 + &e).digamma() - (t + &a1).digamma() - (t + &b1).digamma();
    let first = (digammas(&zero) - &log) / gamma(&(&e + 1.0));
    let p = &a1 * &b1 * &s / gamma(&(&e + 2.0));
    let epsilon = limits(x).epsilon;
    let body = |state: &[Array]| {
        let [t, open, y, p] = super::gamma::unwrap::<4>(state);
        let q = &p * (digammas(&t) - &log);
        let next = choose(&open, &(&y + &q), &y);
        let p = &p * &s * (&a1 + &t) / (&t + 1.0) * (&b1 + &t) / (&t + 1.0 + &e);
        let still = open.and(q.abs().ge(next.abs() * epsilon));
        vec![(&t + 1.0).0, still.0, next.0, p.0]
    };
    let more = |state: &[Array]| and(&E(state[0].clone()).lt(TERMS).0, &any(&state[1]));
    let init = vec![x.lit(1.0).0, enabled.0.clone(), first.0, p.0];
    let y = E(while_loop(more, body, init).swap_remove(2));
    // The finite sum before the logarithm's part.
    let count = choose(enabled, &rd.abs(), 0.0);
    let body = |state: &[Array]| {
        let [t, _, p, sum] = super::gamma::unwrap::<4>(state);
        let inside = (&t + 1.0).lt(&count);
        let factor = &s * (a + &t + &d2) * (b + &t + &d2) / (1.0 - &e + &t) / (&t + 1.0);
        let p = choose(&inside, &(&p * factor), &p);
        let sum = choose(&inside, &(&sum + &p), &sum);
        let goes_on = (&t + 2.0).lt(&count).and(E(is_finite(&sum.0)));
        vec![(&t + 1.0).0, any(&goes_on.0), p.0, sum.0]
    };
    let ones = x.full(1.0);
    let some = any(&count.gt(1.0).0);
    let init = vec![x.lit(0.0).0, some, ones.0.clone(), ones.0];
    let finite = E(while_loop(|state| state[1].clone(), body, init).swap_remove(3));
    let gamma_c = gamma(c);
    let y1 = finite * gamma(&e) * &gamma_c / (gamma(&a1) * gamma(&b1));
    let odd = (rd.abs() * 0.5).floor().ne(rd.abs() * 0.5);
    let y2 = y.clone() * &gamma_c / (gamma(&(a + &d2)) * gamma(&(b + &d2)));
    let y2 = choose(&odd, &-&y2, y2);
    let q = E(super::super::pow(&s.0, &rd.0));
    let shifted = choose(&rd.gt(0.0), &(&y2 * &q + &y1), &y2 + &y1 * &q);
    choose(&rd.eq(0.0), &(y * gamma_c / (gamma(a) * gamma(b))), shifted)
}

/// Which parameter [`gauss`] is differentiated in.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Parameter {
    A,
    B,
    C,
}

/// The derivative of [`gauss`] in a parameter, by its series.
pub(super) fn gauss_slope(args: &[E], parameter: Parameter) -> E {
    let [a, b, c, x] = args else { unreachable!("four operands") };
    let slope = |k: &E| match parameter {
        Parameter::A => (a + k).digamma() - a.digamma(),
        Parameter::B => (b + k).digamma() - b.digamma(),
        Parameter::C => c.digamma() - (c + k).digamma(),
    };
    sum_terms(&x.full(0.0), &(a * b / c * x), &everywhere(x), slope, |k| {
        (a + k) * (b + k) / (c + k) / (k + 1.0) * x
    })
}
