//! The Schur decomposition by the QR algorithm: of real matrices with two shifts at once (Francis, Computer Journal 4, 1961; Golub and Van
//! Loan, Matrix Computations, 7.5), of complex ones with Wilkinson's.
//!
//! One loop runs until all eigenvalues are apart. Each of its rounds takes an eigenvalue (or, of a real matrix, a pair) off the end of
//! the block it works on where one has come loose, and else chases a bulge down that block. A round reads and writes a few rows and
//! columns only, at places known when the program runs.

use super::hessenberg::{hessenberg, hessenberg_factors};
use super::matrix::*;
use super::qr::reflector;
use super::{Factorisation, square, unsupported_derivative};
use crate::error::Result;
use crate::ir::{Array, Arrays, Aval, DType, Params, Prim, Sample, SampleArg, Tangents};
use crate::lax::traced::{E, call_sample, choose, while_loop};
use crate::lax::{
    add, and, broadcast_in_dim, concatenate, dynamic_index_in_dim, dynamic_slice, dynamic_update_slice, eq,
    ge, gt, imag, iota, le, lt, max, or, pad, real, reduce_max, reshape, scalar_like, select, slice, sub,
    zeros_like,
};
use crate::trace::bind;

/// `(t, z)` with `x = z t zᴴ`: `z` unitary and `t` upper triangular; of a real matrix `t` is real too, with blocks of two rows on its
/// diagonal for pairs of complex eigenvalues: `f32[…, n, n] → f32[…, n, n], f32[…, n, n]`. NaN where the iteration does not end.
///
/// ```
/// # use jacinth_frontend::{Array, lax::linalg};
/// let x = Array::from([[1.0f32, 2.0], [3.0, 4.0]]);
/// let (t, z) = linalg::schur(&x);
/// assert_eq!(z.matmul(&t).matmul(z.mT()).round_to(4).to_string(), "[[1. 2.]\n [3. 4.]]");
/// ```
///
/// # Panics
/// If the matrices are not square, or not of 32 or 64 bit floating-point or complex numbers.
#[track_caller]
pub fn schur(x: &Array) -> (Array, Array) {
    let mut outs = bind(Prim::new(Schur), std::slice::from_ref(x));
    let z = outs.pop().expect("two results");
    (outs.pop().expect("two results"), z)
}

/// See [`schur`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Schur;

impl Factorisation for Schur {
    const NAME: &'static str = "schur";
    const RANKS: &'static [usize] = &[2];

    fn show_params<'a>(&'a self, params: &mut Params<'a>) {
        params.flag("compute_schur_vectors", true);
        params.flag("sort_eig_vals", false);
        params.none("select_callable");
    }

    fn results(&self, args: &[&Aval]) -> Result<Vec<Aval>> {
        square(Self::NAME, args[0])?;
        Ok(vec![args[0].clone(); 2])
    }

    fn compute(&self, args: &[Array]) -> Vec<Array> {
        let a = &args[0];
        let n = sizes_of(a).0;
        if n < 2 {
            return vec![a.clone(), eye_like(a)];
        }
        let (a, scale) = tamed(a);
        let (packed, taus) = hessenberg(&a);
        let (h, q) = hessenberg_factors(&packed, &taus);
        let (t, z) = iterate(&h, &q);
        vec![wild(&t, &scale), z]
    }

    fn differentiate(&self, _: &[Array], _: &[Option<Array>]) -> (Arrays, Tangents) {
        unsupported_derivative(Self::NAME)
    }

    fn examples() -> Vec<Sample> {
        let values = [1.0, -2.0, 0.5, 2.0, 0.3, -0.7, 0.4, 1.2, 1.9, 0.6, -1.1];
        let sample = |shape: &[usize], dtype| {
            // The decomposition is not unique; the matrix put together again is.
            call_sample("schur", &[SampleArg::values(shape.iter().copied(), dtype, values)], |a| {
                let (t, z) = schur(&a[0]);
                vec![mm(&mm(&z, &t), &adjoint(&z))]
            })
            .not_differentiable()
        };
        vec![sample(&[4, 4], DType::F32), sample(&[2, 3, 3], DType::F32), sample(&[3, 3], DType::C64)]
    }
}

fn int(value: i64) -> Array {
    Array::scalar(value, DType::I32, false)
}

fn plus(x: &Array, value: i64) -> Array {
    add(x, &int(value))
}

/// One element, at a place known when the program runs.
fn at(a: &Array, row: &Array, column: &Array) -> E {
    E(reshape(&dynamic_slice(a, &[row.clone(), column.clone()], &[1, 1]), &[]))
}

/// Magnitudes, cheaply: those of real and imaginary parts added up.
fn taxicab(x: &Array) -> E {
    if x.dtype().is_complex() { E(real(x)).abs() + E(imag(x)).abs() } else { E(x.clone()).abs() }
}

/// `√(x² + y²)` of real numbers without overflow on the way.
fn length(x: &E, y: &E) -> E {
    let largest = x.abs().max(y.abs());
    let unit = choose(&largest.eq(0.0), &largest.full(1.0), &largest);
    ((x / &unit).square() + (y / &unit).square()).sqrt() * largest
}

/// How many rows a reflection of the bulge touches.
fn width(dtype: DType) -> usize {
    if dtype.is_complex() { 2 } else { 3 }
}

/// The similarity by a small unitary matrix at rows and columns from `k`: `pᴴ h p`, and `z p`.
fn turn(h: &Array, z: &Array, p: &Array, k: &Array) -> (Array, Array) {
    let (size, count) = (sizes_of(h).0, sizes_of(p).0);
    let zero = int(0);
    let rows = dynamic_slice(h, &[k.clone(), zero.clone()], &[count, size]);
    let h = dynamic_update_slice(h, &mm(&adjoint(p), &rows), &[k.clone(), zero.clone()]);
    let right = |x: &Array| {
        let columns = dynamic_slice(x, &[zero.clone(), k.clone()], &[sizes_of(x).0, count]);
        dynamic_update_slice(x, &mm(&columns, p), &[zero.clone(), k.clone()])
    };
    (right(&h), right(z))
}

/// The triangular form of a Hessenberg matrix `h`, and `q` times what takes it there.
fn iterate(h: &Array, q: &Array) -> (Array, Array) {
    let n = sizes_of(h).0;
    let wide = width(h.dtype());
    // Rows and columns of zeros at the end, so that a reflection may stand over the edge.
    let extra = wide as i64 - 1;
    let grown = |x: &Array, below: i64| pad(x, &scalar_like(x, 0), &[(0, below, 0), (0, extra, 0)]);
    let limit = 30 * n.max(10) as i64;
    let init = vec![int(n as i64 - 1), int(0), int(0), grown(h, extra), grown(q, 0)];
    let out = while_loop(
        |state| and(&gt(&state[0], &int(0)), &lt(&state[1], &int(limit))),
        |state| round(state, n),
        init,
    );
    // Whole rows and columns of NaN where it did not end; of NaN no eigenvalue ever comes loose.
    let failed = broadcast_in_dim(&gt(&out[0], &int(0)), h.shape(), &[]);
    let part = |x: &Array| {
        let x = slice(x, &[0, 0], &[n, n], None);
        select(&failed, &(E(zeros_like(x.aval())) + f64::NAN).0, &x)
    };
    (part(&out[3]), part(&out[4]))
}

/// One round on the block that ends at `hi`: `[hi, rounds, rounds without success, h, z]`.
fn round(state: &[Array], n: usize) -> Vec<Array> {
    let (hi, rounds, tries) = (&state[0], &state[1], &state[2]);
    let (h, z) = (&state[3], &state[4]);
    let complex = h.dtype().is_complex();
    // Elements of the subdiagonal that are nothing beside their neighbours become zero.
    let main = slice(h, &[0, 0], &[n, n], None);
    let diagonal = taxicab(&diagonal_of(&main));
    let under = taxicab(&diagonal_of(&slice(h, &[1, 0], &[n, n - 1], None)));
    let before = |x: &E, from: usize| E(slice(&x.0, &[from], &[from + n - 1], None));
    let around = before(&diagonal, 0) + before(&diagonal, 1);
    let norm = E(reduce_max(&taxicab(&main).0, &[0, 1]));
    let around = choose(&around.eq(0.0), &norm, &around);
    let negligible = under.le(&around * epsilon(h.dtype())).0;
    let first = Array::scalar(true, DType::I1, false);
    let negligible = concatenate(&[broadcast_in_dim(&first, &[1], &[]), negligible], 0);
    let places = iota(DType::I32, n);
    let loose = and(&negligible, &le(&places, hi));
    let lo = reduce_max(&select(&loose, &places, &zeros_like(places.aval())), &[0]);
    let size = sizes_of(h).0;
    let grown = pad(&loose, &Array::scalar(false, DType::I1, false), &[(0, (size - n) as i64, 0)]);
    let index = |d| crate::lax::broadcasted_iota(DType::I32, h.shape(), d);
    let below = eq(&index(0), &plus(&index(1), 1));
    let cleared = and(&below, &broadcast_in_dim(&grown, h.shape(), &[0]));
    let h = select(&cleared, &zeros_like(h.aval()), h);
    let left = sub(hi, &lo);
    let (single, pair) = (eq(&left, &int(0)), eq(&left, &int(1)));
    let done = if complex { single.clone() } else { or(&single, &pair) };
    // A pair of a real matrix is brought to its final form.
    let (h, z) = if complex { (h, z.clone()) } else { standardise(&h, z, hi, &pair) };
    let (h, z) = chase(&h, &z, &lo, &select(&done, &lo, hi), tries);
    let step = if complex { int(1) } else { select(&pair, &int(2), &int(1)) };
    let hi = select(&done, &sub(hi, &step), hi);
    let tries = select(&done, &int(0), &plus(tries, 1));
    vec![hi, plus(rounds, 1), tries, h, z]
}

/// A bulge made at `lo` by the shifts of the end of the block, and chased to `hi`.
fn chase(h: &Array, z: &Array, lo: &Array, hi: &Array, tries: &Array) -> (Array, Array) {
    let wide = width(h.dtype());
    let dtype = h.dtype();
    let start = first_column(h, lo, hi, tries);
    let small = iota(DType::I32, wide);
    let (is_first, later) = (eq(&small, &int(0)), gt(&small, &int(0)));
    let out = while_loop(
        |state| lt(&state[0], hi),
        |state| {
            let (k, h, z) = (&state[0], &state[1], &state[2]);
            let previous = max(&sub(k, &int(1)), &int(0));
            let column = reshape(&dynamic_slice(h, &[k.clone(), previous.clone()], &[wide, 1]), &[wide]);
            let at_start = eq(k, lo);
            let same = |flag: &Array| broadcast_in_dim(flag, &[wide], &[]);
            let inside = le(&add(&small, k), hi);
            let column = select(&same(&at_start), &start, &column);
            let column = select(&inside, &column, &zeros_like(column.aval()));
            let (v, tau, beta) = reflector(&column, &is_first, &later);
            let outer = E(broadcast_in_dim(&v, &[wide, wide], &[0]))
                * E(conj_of(&broadcast_in_dim(&v, &[wide, wide], &[1])));
            let p = (E(eye(dtype, wide, wide)) - outer * E(tau)).0;
            let (h, z) = turn(h, z, &p, k);
            // What has been reflected to zero is zero.
            let exact = select(&is_first, &broadcast_in_dim(&beta, &[wide], &[]), &zeros_like(column.aval()));
            let place = [k.clone(), previous];
            let there = reshape(&dynamic_slice(&h, &place, &[wide, 1]), &[wide]);
            let kept = select(&same(&at_start), &there, &exact);
            let h = dynamic_update_slice(&h, &reshape(&kept, &[wide, 1]), &place);
            vec![plus(k, 1), h, z]
        },
        vec![lo.clone(), h.clone(), z.clone()],
    );
    (out[1].clone(), out[2].clone())
}

/// The first column of the shifted matrix, or of its product with two shifts, in the rows from `lo`.
fn first_column(h: &Array, lo: &Array, hi: &Array, tries: &Array) -> Array {
    let dtype = h.dtype();
    let last = max(&sub(hi, &int(1)), &int(0));
    let corner = |i: &Array, j: &Array| at(h, i, j);
    let (a, b, c, d) = (corner(&last, &last), corner(&last, hi), corner(hi, &last), corner(hi, hi));
    // Every tenth time without success the shifts are others, so that cycles end.
    let ten = eq(&crate::lax::rem(&plus(tries, 1), &int(10)), &int(0));
    let ten = E(ten);
    let (row1, row2) = (plus(lo, 1), plus(lo, 2));
    let (h00, h10) = (corner(lo, lo), corner(&row1, lo));
    if dtype.is_complex() {
        let half = (&a - &d) * 0.5;
        let root = (half.square() + &b * &c).sqrt();
        let middle = (&a + &d) * 0.5;
        let (one, two) = (&middle + &root, &middle - &root);
        let distance = |x: &E| taxicab(&(x - &d).0);
        let shift = choose(&distance(&one).lt(distance(&two)), &one, two);
        let other = &d + E(cast_to(&(taxicab(&c.0) * 0.75).0, dtype));
        let shift = choose(&ten, &other, shift);
        let column = [(h00 - shift).0, h10.0];
        return concatenate(&column.map(|x| reshape(&x, &[1])), 0);
    }
    let nearby = taxicab(&c.0) + taxicab(&corner(&last, &max(&sub(&last, &int(1)), &int(0))).0);
    let sum = choose(&ten, &(&nearby * 1.5), &a + &d);
    let product = choose(&ten, &nearby.square(), &a * &d - &b * &c);
    let (h01, h11) = (corner(lo, &row1), corner(&row1, &row1));
    let h21 = corner(&row2, &row1);
    let x = &h00 * (&h00 - &sum) + &h01 * &h10 + product;
    let y = &h10 * (&h00 + &h11 - &sum);
    let w = h10 * h21;
    concatenate(&[x, y, w].map(|x| reshape(&x.0, &[1])), 0)
}

/// The two rows that end at `hi`, turned so that they are triangular if their eigenvalues are real, and else have equal elements on the
/// diagonal (LAPACK's `lanv2`).
fn standardise(h: &Array, z: &Array, hi: &Array, pair: &Array) -> (Array, Array) {
    let k = max(&sub(hi, &int(1)), &int(0));
    let (a, b, c, d) = (at(h, &k, &k), at(h, &k, hi), at(h, hi, &k), at(h, hi, hi));
    let one = a.lit(1.0);
    let zero = a.lit(0.0);
    let size = |x: &E| x.abs();
    let signed = |x: &E| choose(&x.lt(0.0), &-&one, &one);
    let p = (&a - &d) * 0.5;
    let (largest, least) = (size(&b).max(size(&c)), size(&b).min(size(&c)) * signed(&b) * signed(&c));
    let scale = size(&p).max(&largest);
    let scale = choose(&scale.eq(0.0), &one, scale);
    let discriminant = &p / &scale * &p + &largest / &scale * &least;
    let are_real = discriminant.ge(4.0 * epsilon(h.dtype()));
    // Real eigenvalues: the rotation by the eigenvector (z, c).
    let root = choose(&are_real, &discriminant, &zero).sqrt() * scale.sqrt();
    let w = &p + signed(&p) * root;
    let both = length(&w, &c);
    let both = choose(&both.eq(0.0), &one, both);
    let (cs_real, sn_real) = (&w / &both, &c / &both);
    // Complex ones: the rotation that makes the diagonal equal.
    let sigma = &b + &c;
    let tau = length(&sigma, &(&p * 2.0));
    // It is equal already, and the two off the diagonal are opposite.
    let at_angle_zero = tau.eq(0.0);
    let tau = choose(&at_angle_zero, &one, tau);
    let cs_pair = choose(&at_angle_zero, &one, ((sigma.abs() / &tau + 1.0) * 0.5).sqrt());
    let sn_pair = -(&p / (&tau * &cs_pair)) * signed(&sigma);
    let (cs, sn) = (choose(&are_real, &cs_real, &cs_pair), choose(&are_real, &sn_real, &sn_pair));
    // Where that leaves two of one sign off the diagonal, eigenvalues are real after all, and nearly equal.
    let b_turned = (&b * &cs - &a * &sn) * &cs + (&d * &cs - &c * &sn) * &sn;
    let c_turned = (&c * &cs + &d * &sn) * &cs - (&a * &cs + &b * &sn) * &sn;
    let nearly = are_real
        .not()
        .and(b_turned.ne(0.0))
        .and(c_turned.ne(0.0))
        .and(signed(&b_turned).eq(signed(&c_turned)));
    let (root_b, root_c) = (b_turned.abs().sqrt(), c_turned.abs().sqrt());
    let both = (&b_turned + &c_turned).abs().sqrt();
    let both = choose(&both.eq(0.0), &one, both);
    let (cs1, sn1) = (&root_b / &both, &root_c / &both);
    let cs2 = choose(&nearly, &(&cs * &cs1 - &sn * &sn1), &cs);
    let sn2 = choose(&nearly, &(&cs * &sn1 + &sn * &cs1), &sn);
    let triangular = are_real.or(&nearly);
    // Nothing to do where the block has its form.
    let at_rest = c.eq(0.0).or(E(crate::lax::not(pair)));
    let (cs, sn) = (choose(&at_rest, &one, cs2), choose(&at_rest, &zero, sn2));
    let wide = width(h.dtype());
    let cell = |x: &E| reshape(&x.0, &[1, 1]);
    let line = |x: &E, y: &E| concatenate(&[cell(x), cell(y)], 1);
    let small = concatenate(&[line(&cs, &-&sn), line(&sn, &cs)], 0);
    let extra = wide as i64 - 2;
    let p = pad(&small, &zero.0, &[(0, extra, 0), (0, extra, 0)]);
    let outside = ge(&iota(DType::I32, wide), &int(2));
    let outside = broadcast_in_dim(&outside, &[wide, wide], &[0]);
    let p = select(&outside, &eye_like(&p), &p);
    let (h, z) = turn(h, z, &p, &k);
    // Exactly zero below the diagonal, or exactly equal on it.
    let changes = E(pair.clone());
    let (a, b, c, d) = (at(&h, &k, &k), at(&h, &k, hi), at(&h, hi, &k), at(&h, hi, hi));
    let mean = (&a + &d) * 0.5;
    let is_triangular = triangular.or(&at_rest);
    let diagonal = |x: &E| choose(&changes.and(is_triangular.not()), &mean, x);
    let c = choose(&changes.and(&is_triangular), &zero, &c);
    let block = concatenate(&[line(&diagonal(&a), &b), line(&c, &diagonal(&d))], 0);
    let there = dynamic_slice(&h, &[k.clone(), k.clone()], &[2, 2]);
    let block = select(&broadcast_in_dim(pair, &[2, 2], &[]), &block, &there);
    (dynamic_update_slice(&h, &block, &[k.clone(), k]), z)
}

/// The triangular form of a real matrix from its real Schur form, in complex numbers: every block of two rows is turned by its first
/// eigenvector, from the last to the first.
#[track_caller]
pub(crate) fn complex_form(t: &Array, z: &Array) -> (Array, Array) {
    let n = sizes_of(t).0;
    if n < 2 {
        return (t.clone(), z.clone());
    }
    let last = int(n as i64 - 1);
    let step = |i: &Array, state: &[Array]| {
        let (t, z) = (&state[0], &state[1]);
        let m = sub(&last, &sub(i, &int(1)));
        let k = sub(&m, &int(1));
        let (a, b, c, d) = (at(t, &k, &k), at(t, &k, &m), at(t, &m, &k), at(t, &m, &m));
        let size = |x: &E| E(crate::lax::abs(&x.0));
        let there = size(&c).gt((size(&a) + size(&d)) * epsilon(t.dtype()));
        let half = (&a - &d) * 0.5;
        let root = (half.square() + &b * &c).sqrt();
        let mu = half + root;
        let length = (size(&mu).square() + size(&c).square()).sqrt();
        let length = choose(&length.eq(0.0), &length.full(1.0), &length);
        let length = E(cast_to(&length.0, t.dtype()));
        let one = c.lit(1.0);
        let (x, y) = (choose(&there, &(mu / &length), &one), choose(&there, &(c / &length), one.full(0.0)));
        let cell = |x: &Array| reshape(x, &[1, 1]);
        let line = |x: &Array, y: &Array| concatenate(&[cell(x), cell(y)], 1);
        let p = concatenate(&[line(&x.0, &crate::lax::neg(&conj_of(&y.0))), line(&y.0, &conj_of(&x.0))], 0);
        let (t, z) = turn(t, z, &p, &k);
        let zero = reshape(&scalar_like(&t, 0), &[1, 1]);
        vec![dynamic_update_slice(&t, &zero, &[m, k]), z]
    };
    let out = crate::lax::traced::fori_loop(1, n, step, vec![t.clone(), z.clone()]);
    (out[0].clone(), out[1].clone())
}

/// The eigenvectors of an upper triangular matrix as columns, with ones on the diagonal.
pub(super) fn triangular_eigenvectors(t: &Array) -> Array {
    let n = sizes_of(t).0;
    let diagonal = diagonal_of(t);
    let norm = E(reduce_max(&crate::lax::abs(t), &[0, 1]));
    let least = &norm * epsilon(t.dtype());
    let tiny = if t.dtype().real() == DType::F64 { f64::MIN_POSITIVE } else { f32::MIN_POSITIVE as f64 };
    let least = E(cast_to(&least.max(tiny).0, t.dtype()));
    let places = iota(DType::I32, n);
    let last = int(n as i64 - 1);
    let step = |i: &Array, state: &[Array]| {
        let v = &state[0];
        let k = sub(&last, i);
        let row = dynamic_index_in_dim(t, &k, 0, true);
        let row = select(&gt(&places_of(&row), &k), &row, &zeros_like(row.aval()));
        let sum = E(reshape(&mm(&row, v), &[n]));
        let gap = E(dynamic_index_in_dim(&diagonal, &k, 0, false)) - E(diagonal.clone());
        let close = E(crate::lax::abs(&gap.0)).lt(E(real_of(&least.0)));
        let gap = choose(&close, &least, gap);
        let x = -(sum / gap);
        let x = choose(&E(gt(&places, &k)), &x, choose(&E(eq(&places, &k)), &x.full(1.0), 0.0));
        vec![dynamic_update_slice(v, &reshape(&x.0, &[1, n]), &[k, int(0)])]
    };
    crate::lax::traced::fori_loop(0, n, step, vec![zeros_like(t.aval())]).swap_remove(0)
}

/// The column of every element of a row.
fn places_of(row: &Array) -> Array {
    crate::lax::broadcasted_iota(DType::I32, row.shape(), row.ndim() - 1)
}

/// The signs of the imaginary parts of the eigenvalues of a real Schur form, and their magnitudes.
pub(super) fn imaginary_parts(t: &Array) -> Array {
    let n = sizes_of(t).0;
    if n < 2 {
        return zeros_like(diagonal_of(t).aval());
    }
    let below = E(diagonal_of(&slice(t, &[1, 0], &[n, n - 1], None)));
    let above = E(diagonal_of(&slice(t, &[0, 1], &[n - 1, n], None)));
    let size = below.abs().sqrt() * above.abs().sqrt();
    let size = choose(&below.eq(0.0), &size.full(0.0), size);
    let zero = scalar_like(&size.0, 0);
    let first = pad(&size.0, &zero, &[(0, 1, 0)]);
    let second = pad(&size.0, &zero, &[(1, 0, 0)]);
    sub(&first, &second)
}
