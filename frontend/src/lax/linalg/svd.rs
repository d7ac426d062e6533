//! Singular values, by one-sided Jacobi rotations of the triangular factor.
//!
//! The columns of `r` (of a QR factorisation) are rotated in pairs until all are orthogonal: `r v = u diag(s)`. Small singular values
//! come out with high relative accuracy (Demmel and Veselić, SIAM J. Matrix Anal. Appl. 13, 1992). A last QR factorisation of
//! the rotated columns completes `u` where singular values are zero.

use smallvec::smallvec;

use super::Factorisation;
use super::eigh::{pair_anew, phase, rotation};
use super::matrix::*;
use super::qr::{geqrf, householder_product, qr};
use crate::error::{Error, Result};
use crate::ir::{Array, Arrays, Aval, DType, Params, Prim, Sample, SampleArg, Tangents};
use crate::lax::traced::{E, call_sample, choose, fori_loop, while_loop};
use crate::lax::{
    add, argsort, broadcast_in_dim, mul, neg, pad, reduce_max, reduce_sum, scalar_like, slice_in_dim,
};
use crate::trace::{bind, here};

/// More sweeps than any matrix needs.
const SWEEPS: i64 = 30;

/// `(u, s, vh)` with `x = u diag(s) vh`, singular values descending: `f32[…, m, n] → f32[…, m, k], f32[…, k], f32[…, k, n]` with
/// `k = min(m, n)`; with `full_matrices` `u` and `vh` are square.
///
/// ```
/// # use jacinth_frontend::{Array, lax::linalg};
/// let (u, s, vh) = linalg::svd(&Array::from([[3.0f32, 0.0], [0.0, -2.0], [0.0, 0.0]]), false);
/// assert_eq!((u.shape(), vh.shape()), (&[3, 2][..], &[2, 2][..]));
/// assert_eq!(s.round_to(4).to_string(), "[3. 2.]");
/// ```
///
/// # Panics
/// If the operand has no two dimensions, or is not of 32 or 64 bit floating-point or complex numbers.
#[track_caller]
pub fn svd(x: &Array, full_matrices: bool) -> (Array, Array, Array) {
    let outs = bind(Prim::new(Svd { full_matrices, compute_uv: true }), std::slice::from_ref(x)).into_vec();
    let [s, u, vh] = <[Array; 3]>::try_from(outs).expect("three results");
    (u, s, vh)
}

/// The singular values alone, descending: `f32[…, m, n] → f32[…, min(m, n)]`. JAX says it as `svd(x, compute_uv=False)`.
///
/// ```
/// # use jacinth_frontend::{Array, lax::linalg};
/// let s = linalg::svdvals(&Array::from([[0.0f32, 4.0], [3.0, 0.0]]));
/// assert_eq!(s.round_to(4).to_string(), "[4. 3.]");
/// ```
///
/// # Panics
/// As [`svd`].
#[track_caller]
pub fn svdvals(x: &Array) -> Array {
    let prim = Svd { full_matrices: false, compute_uv: false };
    bind(Prim::new(prim), std::slice::from_ref(x)).remove(0)
}

/// See [`svd`]; the results are `s`, `u`, `vh`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Svd {
    /// Whether `u` and `vh` are square.
    pub full_matrices: bool,
    /// Whether there are `u` and `vh`.
    pub compute_uv: bool,
}

impl Factorisation for Svd {
    const NAME: &'static str = "svd";
    const RANKS: &'static [usize] = &[2];

    fn show_params<'a>(&'a self, params: &mut Params<'a>) {
        params.none("algorithm");
        params.flag("compute_uv", self.compute_uv);
        params.flag("full_matrices", self.full_matrices);
        params.none("subset_by_index");
    }

    fn results(&self, args: &[&Aval]) -> Result<Vec<Aval>> {
        let a = args[0];
        let (m, n) = (a.shape[0], a.shape[1]);
        let k = m.min(n);
        let mut out = vec![Aval::new([k], a.dtype.real())];
        if self.compute_uv {
            let (rows, columns) = if self.full_matrices { (m, n) } else { (k, k) };
            out.extend([Aval::new([m, rows], a.dtype), Aval::new([columns, n], a.dtype)]);
        }
        Ok(out)
    }

    fn compute(&self, args: &[Array]) -> Vec<Array> {
        let a = &args[0];
        let (m, n) = sizes_of(a);
        let (u, s, v) = if m >= n {
            tall(a, self.full_matrices, self.compute_uv)
        } else {
            let (v, s, u) = tall(&adjoint(a), self.full_matrices, self.compute_uv);
            (u, s, v)
        };
        if self.compute_uv { vec![s, u, adjoint(&v)] } else { vec![s] }
    }

    fn differentiate(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let a = &primals[0];
        let da = tangents[0].as_ref().expect("the tangent is not zero");
        let (m, n) = sizes_of(a);
        if self.compute_uv && self.full_matrices && m != n {
            Error::unsupported("svd: no derivative of full_matrices of a matrix that is not square")
                .at(here())
                .raise()
        }
        let (u, s, vh) = svd(a, false);
        let (uh, v) = (adjoint(&u), adjoint(&vh));
        let ds_matrix = mm(&mm(&uh, da), &v);
        let ds = real_of(&diagonal_of(&ds_matrix));
        if !self.compute_uv {
            return (smallvec![s], smallvec![Some(ds)]);
        }
        let wide = real_of(&ds_matrix);
        let (row, column) = (E(as_rows(&s, &wide)), E(as_columns(&s, &wide)));
        let eye = E(eye_like(&wide));
        let f = 1.0 / ((&row + &column) * (&row - &column) + &eye) - &eye;
        let complexify = |x: &E| E(cast_to(&x.0, a.dtype()));
        let ds_e = E(ds_matrix.clone());
        let hermitian = |x: &E| x + E(adjoint(&x.0));
        let dss = complexify(&row) * &ds_e;
        let sds = complexify(&column) * &ds_e;
        let zero = column.eq(0.0);
        let inverse = choose(&zero, &column.full(0.0), 1.0 / choose(&zero, &column.full(1.0), &column));
        let skew = (&ds_e - E(adjoint(&ds_matrix))) * 0.5 * complexify(&(inverse * &eye));
        let f = complexify(&f);
        let mut du = mm(&u, &(&f * hermitian(&dss) + skew).0);
        let mut dv = mm(&v, &(&f * hermitian(&sds)).0);
        let divided = |x: Array| {
            let s = cast_to(&as_rows(&s, &real_of(&x)), a.dtype());
            (E(x) / E(s)).0
        };
        let outside = |x: &Array, basis: &Array| add(x, &neg(&mm(basis, &mm(&adjoint(basis), x))));
        if m > n {
            du = add(&du, &divided(outside(&mm(da, &v), &u)));
        }
        if n > m {
            dv = add(&dv, &divided(outside(&mm(&adjoint(da), &u), &v)));
        }
        (smallvec![s, u, vh], smallvec![Some(ds), Some(du), Some(adjoint(&dv))])
    }

    fn examples() -> Vec<Sample> {
        let well = [3.0, 0.5, 0.25, 0.5, 1.5, -0.25, 0.25, -0.25, 5.0, 0.75, -0.5, 0.3, 2.0];
        let arg = move |shape: &[usize], dtype| SampleArg::values(shape.iter().copied(), dtype, well);
        let sample = |shape: &[usize]| {
            let shape = shape.to_vec();
            Sample::of(move |dtype| {
                call_sample("svd", &[arg(&shape, dtype)], |a| {
                    // Vectors are known up to a common factor of magnitude one.
                    let (u, s, vh) = svd(&a[0], false);
                    let weights = mul(&s, &s);
                    let weighted = mul(&u, &as_rows(&cast_to(&weights, u.dtype()), &u));
                    vec![s, mm(&weighted, &vh)]
                })
            })
        };
        let values = Prim::new(Svd { full_matrices: false, compute_uv: false });
        vec![
            sample(&[3, 3]),
            sample(&[4, 2]),
            sample(&[2, 3]),
            sample(&[2, 2, 2]),
            Sample::new(values, [arg(&[3, 3], DType::F32)]),
        ]
    }
}

/// `u`, `s` and `v` of a matrix with at least as many rows as columns.
fn tall(a: &Array, full_matrices: bool, vectors: bool) -> (Array, Array, Array) {
    let (m, n) = sizes_of(a);
    if n == 0 {
        let u = eye(a.dtype(), m, if full_matrices { m } else { 0 });
        return (u, real_of(&crate::lax::full(&[0], 0, a.dtype())), eye(a.dtype(), 0, 0));
    }
    let (q, r) = qr(a, full_matrices);
    let (w, v) = orthogonalise(&rows(&r, 0, n));
    let lengths = norms(&w);
    let order = argsort(&neg(&lengths), 0);
    let s = neg(&crate::lax::sort(&neg(&lengths), 0));
    if !vectors {
        return (q, s, v);
    }
    let sorted = |x: &Array| mt(&take_rows(&mt(x), &order));
    let (w, v) = (sorted(&w), sorted(&v));
    // Orthogonal columns are their own q up to signs, which r's diagonal has.
    let (reflections, taus) = geqrf(&w);
    let basis = householder_product(&reflections, &taus);
    let (signs, _) = phase(&diagonal_of(&reflections));
    let mut inner = mul(&basis, &as_rows(&cast_to(&signs.0, a.dtype()), &basis));
    let extra = sizes_of(&q).1 - n;
    if extra > 0 {
        // Beyond the columns of a, u is q's own.
        let (zero, k) = (scalar_like(a, 0), n as i64);
        let corner = pad(&inner, &zero, &[(0, extra as i64, 0), (0, extra as i64, 0)]);
        let rest = pad(&eye(a.dtype(), extra, extra), &zero, &[(k, 0, 0), (k, 0, 0)]);
        inner = add(&corner, &rest);
    }
    (mm(&q, &inner), s, v)
}

/// The lengths of columns, without overflow.
fn norms(w: &Array) -> Array {
    let magnitude = E(crate::lax::abs(w));
    let largest = E(reduce_max(&magnitude.0, &[0]));
    let scale = choose(&largest.gt(0.0), &largest, 1.0);
    let scaled = magnitude / E(as_rows(&scale.0, &real_of(w)));
    (E(reduce_sum(&scaled.square().0, &[0])).sqrt() * scale).0
}

/// `w = r v` with orthogonal columns, and the unitary `v`.
fn orthogonalise(r: &Array) -> (Array, Array) {
    let n = sizes_of(r).1;
    if n < 2 {
        return (r.clone(), eye(r.dtype(), n, n));
    }
    // Scaled to a largest element of one, so that squares neither overflow nor vanish.
    let largest = E(reduce_max(&crate::lax::abs(r), &[0, 1]));
    let scale = cast_to(&choose(&largest.gt(0.0), &largest, 1.0).0, r.dtype());
    let scaled = (E(r.clone()) / E(broadcast_in_dim(&scale, r.shape(), &[]))).0;
    let even = n + n % 2;
    let config = [(0, 0, 0), (0, (even - n) as i64, 0)];
    let w = pad(&scaled, &scalar_like(r, 0), &config);
    let v = eye(r.dtype(), n, even);
    let real = r.dtype().real();
    let tolerance = epsilon(r.dtype()) * (n as f64).sqrt();
    let count = Array::scalar(0, DType::I32, false);
    let worst = Array::scalar(f64::INFINITY, real, false);
    let out = while_loop(
        |state| {
            let more = crate::lax::lt(&state[0], &scalar_like(&state[0], SWEEPS));
            crate::lax::and(&more, &E(state[1].clone()).gt(tolerance).0)
        },
        |state| {
            let init = vec![Array::scalar(0, real, false), state[2].clone(), state[3].clone()];
            let mut swept = fori_loop(0, even - 1, |_, s| round(&s[0], &s[1], &s[2]), init);
            swept.insert(0, add(&state[0], &scalar_like(&state[0], 1)));
            swept
        },
        vec![count, worst, w, v],
    );
    let first = |x: &Array| columns(x, 0, n);
    let w = first(&out[2]);
    (mul(&w, &broadcast_in_dim(&scale, w.shape(), &[])), first(&out[3]))
}

/// One round: all pairs of columns (`i`, `i + n/2`) made orthogonal, then paired anew; with the largest cosine that a pair had.
fn round(worst: &Array, w: &Array, v: &Array) -> Vec<Array> {
    let h = sizes_of(w).1 / 2;
    let half = |x: &Array, from: usize| slice_in_dim(x, from as i64, Some((from + h) as i64), 1, 1);
    let (top, bottom) = (half(w, 0), half(w, h));
    let sum = |x: &Array| reduce_sum(x, &[0]);
    let (p, q) = (E(sum(&squares(&top))), E(sum(&squares(&bottom))));
    let (unit, size) = phase(&sum(&mul(&conj_of(&top), &bottom)));
    // A pair of which one is as good as zero is orthogonal.
    let both = p.sqrt() * q.sqrt();
    let none = both.le(f32::MIN_POSITIVE as f64);
    let size = choose(&none, &size.full(0.0), &size);
    let cosine = &size / choose(&none, &both.full(1.0), &both);
    let worst = E(worst.clone()).max(E(reduce_max(&cosine.0, &[0])));
    let (c, s) = rotation(&p, &q, &size);
    let conjugate = conj_of(&unit.0);
    let turn = |x: &Array| {
        let (top, bottom) = (half(x, 0), half(x, h));
        let wide = |f: &Array| E(broadcast_in_dim(&cast_to(f, x.dtype()), top.shape(), &[1]));
        let (c, s) = (wide(&c.0), wide(&s.0));
        let (top, bottom) = (E(top.clone()), E(bottom.clone()) * wide(&conjugate));
        let (first, second) = (&c * &top - &s * &bottom, &s * &top + &c * &bottom);
        pair_anew(&first.0, &second.0, 1)
    };
    vec![worst.0, turn(w), turn(v)]
}
