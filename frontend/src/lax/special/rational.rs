//! Functions of one variable by approximations on pieces of the line: Chebyshev series, quotients of polynomials, asymptotic series; and
//! the generalised exponential integral, by the series and the continued fraction of Cephes.

use super::super::traced::{E, choose, while_loop};
use super::tables::*;
use super::{any, is_nan, limits};
use crate::ir::DType;

pub(super) const EULER: f64 = 0.577_215_664_901_532_9;

/// A polynomial, highest power first.
pub(super) fn polynomial(x: &E, coefficients: &[f64]) -> E {
    coefficients.iter().fold(x.full(0.0), |sum, &c| sum * x + c)
}

pub(super) fn quotient(x: &E, (numerator, denominator): Rational) -> E {
    polynomial(x, numerator) / polynomial(x, denominator)
}

/// The sum of a Chebyshev series, halved at its constant term, by Clenshaw's recurrence.
fn chebyshev(x: &E, coefficients: &[f64]) -> E {
    let (mut b0, mut b1, mut b2) = (x.full(0.0), x.full(0.0), x.full(0.0));
    for &c in coefficients {
        (b2, b1) = (b1, b0);
        b0 = x * &b1 - &b2 + c;
    }
    (b0 - b2) * 0.5
}

/// Chebyshev coefficients (Cephes) of `e^{-x} I₀(x)` on `[0, 8]` and of `√x e^{-x} I₀(x)` beyond; single precision needs the last ones.
const I0E_NEAR: [f64; 30] = [
    -4.41534164647933937950E-18,
    3.33079451882223809783E-17,
    -2.43127984654795469359E-16,
    1.71539128555513303061E-15,
    -1.16853328779934516808E-14,
    7.67618549860493561688E-14,
    -4.85644678311192946090E-13,
    2.95505266312963983461E-12,
    -1.72682629144155570723E-11,
    9.67580903537323691224E-11,
    -5.18979560163526290666E-10,
    2.65982372468238665035E-9,
    -1.30002500998624804212E-8,
    6.04699502254191894932E-8,
    -2.67079385394061173391E-7,
    1.11738753912010371815E-6,
    -4.41673835845875056359E-6,
    1.64484480707288970893E-5,
    -5.75419501008210370398E-5,
    1.88502885095841655729E-4,
    -5.76375574538582365885E-4,
    1.63947561694133579842E-3,
    -4.32430999505057594430E-3,
    1.05464603945949983183E-2,
    -2.37374148058994688156E-2,
    4.93052842396707084878E-2,
    -9.49010970480476444210E-2,
    1.71620901522208775349E-1,
    -3.04682672343198398683E-1,
    6.76795274409476084995E-1,
];
const I0E_FAR: [f64; 25] = [
    -7.23318048787475395456E-18,
    -4.83050448594418207126E-18,
    4.46562142029675999901E-17,
    3.46122286769746109310E-17,
    -2.82762398051658348494E-16,
    -3.42548561967721913462E-16,
    1.77256013305652638360E-15,
    3.81168066935262242075E-15,
    -9.55484669882830764870E-15,
    -4.15056934728722208663E-14,
    1.54008621752140982691E-14,
    3.85277838274214270114E-13,
    7.18012445138366623367E-13,
    -1.79417853150680611778E-12,
    -1.32158118404477131188E-11,
    -3.14991652796324136454E-11,
    1.18891471078464383424E-11,
    4.94060238822496958910E-10,
    3.39623202570838634515E-9,
    2.26666899049817806459E-8,
    2.04891858946906374183E-7,
    2.89137052083475648297E-6,
    6.88975834691682398426E-5,
    3.36911647825569408990E-3,
    8.04490411014108831608E-1,
];

pub(super) fn i0e(x: &E) -> E {
    let x = x.abs();
    let double = x.0.dtype() == DType::F64;
    let (near, far) = if double { (&I0E_NEAR[..], &I0E_FAR[..]) } else { (&I0E_NEAR[12..], &I0E_FAR[18..]) };
    let inside = chebyshev(&(&x * 0.5 - 2.0), near);
    let outside = chebyshev(&(32.0 / &x - 2.0), far) / x.sqrt();
    choose(&x.le(8.0), &inside, &outside)
}

/// `Ei(x)`, by a piece for each doubling of `x`; `-E₁(-x)` for negative `x`.
pub(super) fn expi(x: &E) -> E {
    let near = x * quotient(x, EXPI_1) + EULER + x.log();
    let piece = |table| {
        let w = 1.0 / x;
        x.exp() * &w * (&w * quotient(&w, table) + 1.0)
    };
    let far = [EXPI_2, EXPI_3, EXPI_4, EXPI_5, EXPI_6];
    let mut out = piece(EXPI_7);
    for (i, table) in far.into_iter().enumerate().rev() {
        out = choose(&x.le((4u64 << i) as f64), &piece(table), out);
    }
    let positive = choose(&x.le(2.0), &near, out);
    let negative = x.lt(0.0);
    // The other side is kept out of its loops.
    let mirrored = choose(&negative, &-x, 1.0);
    let one = x.full(1.0);
    choose(&negative, &-expn(&one, &mirrored), positive)
}

/// `Eₙ(x)`.
pub(super) fn expn(n: &E, x: &E) -> E {
    let invalid = n.lt(0.0).or(x.lt(0.0)).or(is_nan(n)).or(is_nan(x));
    let x_zero = x.eq(0.0);
    let special = invalid.or(&x_zero).or(n.eq(0.0)).or(n.ge(5000.0)).or(x.eq(f64::INFINITY));
    let by_fraction = x.gt(1.0).and(special.not());
    let by_series = x.le(1.0).and(special.not());
    // Elements that another piece computes are replaced by harmless ones.
    let (two, half) = (x.full(2.0), x.full(0.5));
    let fraction = expn_fraction(&choose(&by_fraction, n, 1.0), &choose(&by_fraction, x, two));
    let series = expn_series(&choose(&by_series, n, 1.0), &choose(&by_series, x, half));
    let n_safe = choose(&n.eq(1.0), &n.full(2.0), n);
    let at_zero = choose(&n.lt(2.0), &x.full(f64::INFINITY), 1.0 / (n_safe - 1.0));
    let out = choose(&by_fraction, &fraction, series);
    let out = choose(&n.ge(5000.0), &expn_large(n, x), out);
    let out = choose(&n.eq(0.0), &((-x).exp() / x), out);
    let out = choose(&x.eq(f64::INFINITY), &x.full(0.0), out);
    let out = choose(&x_zero, &at_zero, out);
    choose(&invalid, &x.full(f64::NAN), out)
}

/// The power series, with `ψ(n)` by its recurrence.
fn expn_series(n: &E, x: &E) -> E {
    let epsilon = limits(x).epsilon;
    // ψ(n) − log x; the counter runs to the largest order.
    let start = -x.log() - EULER;
    let psi = while_loop(
        |s| any(&E(s[0].clone()).lt(n).0),
        |s| {
            let (i, psi) = (E(s[0].clone()), E(s[1].clone()));
            let open = i.lt(n);
            vec![choose(&open, &(&i + 1.0), &i).0, choose(&open, &(&psi + 1.0 / &i), &psi).0]
        },
        vec![x.full(1.0).0, start.0],
    );
    let first = n.eq(1.0);
    let divisor = choose(&first, &n.full(2.0), n);
    let ans = choose(&first, &n.full(0.0), 1.0 / (1.0 - divisor));
    let out = while_loop(
        |s| any(&s[0]),
        |s| {
            let enabled = E(s[0].clone());
            let [xk, yk, pk, ans] = [1, 2, 3, 4].map(|i| E(s[i].clone()));
            let (k, p) = (&xk + 1.0, &pk + 1.0);
            let y = &yk * (-x / &k);
            let nonzero = p.ne(0.0);
            let safe = choose(&nonzero, &p, 1.0);
            let term = choose(&nonzero, &(&y / safe), y.full(0.0));
            let sum = &ans + term;
            let change = choose(&sum.ne(0.0), &(&y / &sum).abs(), 1.0);
            let keep = |new: &E, old: &E| choose(&enabled, new, old).0;
            vec![
                enabled.and(change.gt(epsilon)).0,
                keep(&k, &xk),
                keep(&y, &yk),
                keep(&p, &pk),
                keep(&sum, &ans),
            ]
        },
        vec![x.gt(0.0).0, x.full(0.0).0, x.full(1.0).0, (1.0 - n).0, ans.0],
    );
    let (psi, ans) = (E(psi[1].clone()), E(out[4].clone()));
    // (−x)ⁿ⁻¹ of a whole power.
    let power = n - 1.0;
    let odd = (&power - (&power * 0.5).floor() * 2.0).ne(0.0);
    let magnitude = choose(&power.eq(0.0), &x.full(1.0), x.pow(&power));
    let signed = choose(&odd, &-&magnitude, &magnitude);
    signed * psi / n.lgamma().exp() - ans
}

/// The continued fraction, by recurrence of numerators and denominators.
fn expn_fraction(n: &E, x: &E) -> E {
    const BIG: f64 = 1.441_151_880_758_558_7e17;
    let epsilon = limits(x).epsilon;
    let one = x.full(1.0);
    let ans = 1.0 / (x + n);
    let q1 = x + n;
    let out = while_loop(
        |s| any(&s[0]),
        |s| {
            let (enabled, k) = (E(s[0].clone()), E(s[1].clone()));
            let [p2, q2, p1, q1, ans] = [2, 3, 4, 5, 6].map(|i| E(s[i].clone()));
            let k = k + 1.0;
            let half = &k * 0.5;
            let odd = (&half - half.floor()).ne(0.0);
            let y = choose(&odd, &one, x);
            let xk = choose(&odd, &(n + (&k - 1.0) * 0.5), &half);
            let p = &p1 * &y + &p2 * &xk;
            let q = &q1 * &y + &q2 * &xk;
            let nonzero = q.ne(0.0);
            let r = choose(&nonzero, &(&p / &q), &ans);
            let change = choose(&nonzero, &((&ans - &r) / &r).abs(), 1.0);
            let big = p.abs().gt(BIG);
            let fit = |v: &E| choose(&big, &(v / BIG), v);
            let keep = |new: &E, old: &E| choose(&enabled, new, old).0;
            vec![
                enabled.and(change.gt(epsilon)).0,
                k.0,
                keep(&fit(&p1), &p2),
                keep(&fit(&q1), &q2),
                keep(&fit(&p), &p1),
                keep(&fit(&q), &q1),
                keep(&r, &ans),
            ]
        },
        vec![x.gt(0.0).0, x.lit(1.0).0, one.0.clone(), x.0.clone(), one.0.clone(), q1.0, ans.0],
    );
    E(out[6].clone()) * (-x).exp()
}

/// The asymptotic expansion for large orders.
fn expn_large(n: &E, x: &E) -> E {
    let xk = x + n;
    let yk = 1.0 / (&xk * &xk);
    let ans = &yk * n * (6.0 * x * x - 8.0 * n * x + n * n);
    let ans = &yk * (ans + n * (n - 2.0 * x));
    let ans = &yk * (ans + n);
    (ans + 1.0) * (-x).exp() / xk
}

/// `Li₂(1 − x)`, from an approximation on `[0.5, 1.5]` and the identities of the dilogarithm.
pub(super) fn spence(x: &E) -> E {
    const SIXTH: f64 = std::f64::consts::PI * std::f64::consts::PI / 6.0;
    let above_two = x.gt(2.0);
    let y = choose(&above_two, &(1.0 / x), x);
    let (large, small) = (y.gt(1.5), y.lt(0.5));
    let inverted = above_two.or(&large);
    let w = choose(&large, &(1.0 / &y - 1.0), choose(&small, &-&y, &y - 1.0));
    let p = -&w * quotient(&w, SPENCE);
    let mirrored = SIXTH - y.log() * (1.0 - &y).log() - &p;
    let p = choose(&small, &mirrored, p);
    let out = choose(&inverted, &(y.log().square() * -0.5 - &p), p);
    let out = choose(&x.eq(0.0), &x.full(SIXTH), out);
    let out = choose(&x.eq(1.0), &x.full(0.0), out);
    choose(&x.lt(0.0), &x.full(f64::NAN), out)
}

/// `log(x) / (1 − x)`, −1 at one.
pub(super) fn spence_slope(x: &E) -> E {
    let one = x.eq(1.0);
    let safe = choose(&one, &x.full(2.0), x);
    choose(&one, &x.full(-1.0), safe.log() / (1.0 - &safe))
}

/// The quantile of the normal distribution at `p`.
pub(super) fn ndtri(p: &E) -> E {
    let edge = (-2f64).exp();
    let upper = p.gt(1.0 - edge);
    let tail = choose(&upper, &(1.0 - p), p);
    let tail = choose(&tail.eq(0.0), &tail.full(0.5), &tail);
    let w = &tail - 0.5;
    let ww = w.square();
    let middle = (&w + &w * &ww * quotient(&ww, NDTRI_0)) * -std::f64::consts::TAU.sqrt();
    let z = (tail.log() * -2.0).sqrt();
    let first = &z - z.log() / &z;
    let inverse = 1.0 / &z;
    let near = &first - quotient(&inverse, NDTRI_1) / &z;
    let far = &first - quotient(&inverse, NDTRI_2) / &z;
    let x = choose(&tail.gt(edge), &middle, choose(&z.ge(8.0), &far, near));
    let x = choose(&upper, &x, -&x);
    let x = choose(&p.eq(1.0), &x.full(f64::INFINITY), x);
    choose(&p.eq(0.0), &x.full(f64::NEG_INFINITY), x)
}

/// The logarithm of the distribution function: of the function itself in the middle, by expansions outside.
pub(super) fn log_ndtr(x: &E) -> E {
    let double = x.0.dtype() == DType::F64;
    let (lower, upper) = if double { (-20.0, 8.0) } else { (-10.0, 5.0) };
    let above = x.gt(upper);
    let middle = ndtr(&choose(&above, &-x, x.max(lower)));
    let low = x.min(lower);
    let square = low.square();
    let scale = &square * -0.5 - (-&low).log() - 0.5 * std::f64::consts::TAU.ln();
    // 1 − 1/x² + 3/x⁴ − 15/x⁶.
    let r = 1.0 / &square;
    let series = 1.0 - &r * (1.0 - &r * (3.0 - &r * 15.0));
    let below = scale + series.log();
    choose(&above, &-&middle, choose(&x.gt(lower), &middle.log(), below))
}

/// The distribution function of the normal distribution.
pub(super) fn ndtr(x: &E) -> E {
    let half_root = std::f64::consts::FRAC_1_SQRT_2;
    let w = x * half_root;
    let z = w.abs();
    let tail = E(super::super::erfc(&z.0));
    let outside = choose(&w.gt(0.0), &(2.0 - &tail), tail);
    choose(&z.lt(half_root), &(E(super::super::erf(&w.0)) + 1.0), outside) * 0.5
}

/// Dawson's integral, by quotients in `x²` and in `1 / x²`.
pub(super) fn dawsn(x: &E) -> E {
    let size = x.abs();
    let square = size.square();
    let (near, middle) = (size.lt(3.25), size.lt(6.25));
    let t = 1.0 / choose(&near, &square.full(1.0), &square);
    let safe = choose(&near, &size.full(1.0), &size);
    let outside = |table| 0.5 / &safe * (&t * quotient(&t, table) + 1.0);
    let bounded = choose(&near, &square, 1.0);
    let inside = &size * quotient(&bounded, DAWSN_0);
    let out = choose(&near, &inside, choose(&middle, &outside(DAWSN_1), outside(DAWSN_2)));
    E(super::super::sign(&x.0)) * out
}

/// `exp(x²) erfc(x)`: the product where it does not overflow, its asymptotic series beyond.
pub(super) fn erfcx(x: &E) -> E {
    const SERIES: [f64; 9] =
        [7918.06640625, -1055.7421875, 162.421875, -29.53125, 6.5625, -1.875, 0.75, -0.5, 1.0];
    let terms = if x.0.dtype() == DType::F64 { 9 } else { 5 };
    let large = x.gt(limits(x).max.ln().sqrt());
    let safe = choose(&large, &x.full(1.0), x);
    let direct = safe.square().exp() * E(super::super::erfc(&safe.0));
    let t = 1.0 / x.square();
    let series = polynomial(&t, &SERIES[9 - terms..]) / (x * std::f64::consts::PI.sqrt());
    choose(&large, &series, direct)
}
