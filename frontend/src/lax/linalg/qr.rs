//! QR factorisation by Householder reflections.
//!
//! Signs are LAPACK's: the diagonal of `r` has the sign opposite to that of the column it reflects, and a column that is zero below
//! the diagonal is left as it is.

use smallvec::smallvec;

use super::lu::{lu, lu_solve};
use super::matrix::*;
use super::triangular::{TriangularSolve, triangular_solve};
use super::{Factorisation, unsupported_derivative};
use crate::error::Result;
use crate::ir::DType;
use crate::ir::{Array, Arrays, Aval, Params, Prim, Sample, SampleArg, Tangents};
use crate::lax::rules::{ensure, show};
use crate::lax::traced::{E, choose, fori_loop};
use crate::lax::{
    add, argmax, broadcast_in_dim, complex, concatenate, dynamic_index_in_dim, eq, imag, iota, max, mul, pad,
    reduce_max, reduce_sum, scalar_like, select, sub, zeros_like,
};
use crate::trace::bind;

/// `(q, r)` with `x = q r`, `q` unitary and `r` upper triangular: `f32[…, m, n] → f32[…, m, m], f32[…, m, n]` with `full_matrices`, else
/// `f32[…, m, k], f32[…, k, n]` where `k = min(m, n)`.
///
/// ```
/// # use jacinth_frontend::{Array, lax::linalg};
/// let (q, r) = linalg::qr(&Array::from([[3.0f32, 1.0], [4.0, 2.0]]), false);
/// assert_eq!(r.round_to(4).to_string(), "[[-5.  -2.2]\n [ 0.   0.4]]");
/// assert_eq!(q.matmul(&r).round_to(4).to_string(), "[[3. 1.]\n [4. 2.]]");
/// ```
///
/// # Panics
/// If the operand has no two dimensions, or is not of 32 or 64 bit floating-point or complex numbers.
#[track_caller]
pub fn qr(x: &Array, full_matrices: bool) -> (Array, Array) {
    let mut outs = bind(Prim::new(Qr { full_matrices, pivoting: false }), std::slice::from_ref(x));
    let r = outs.pop().expect("two results");
    (outs.pop().expect("two results"), r)
}

/// `(q, r, p)` with `x[:, p] = q r`: [`qr`] of the columns in the order `p: i32[…, n]`, in which each is the one of which most is left once those
/// before it are taken out, so that the diagonal of `r` descends in magnitude. JAX says it as `qr(x, pivoting=True)`.
///
/// ```
/// # use jacinth_frontend::{Array, lax::linalg};
/// let (_, r, p) = linalg::qr_pivoting(&Array::from([[1.0f32, 0.0, 4.0], [0.0, 2.0, 0.0]]), false);
/// assert_eq!(p.to_vec::<i32>(), [2, 1, 0]);
/// assert_eq!(r.round_to(4).to_string(), "[[4. 0. 1.]\n [0. 2. 0.]]");
/// ```
///
/// # Panics
/// As [`qr`].
#[track_caller]
pub fn qr_pivoting(x: &Array, full_matrices: bool) -> (Array, Array, Array) {
    let outs = bind(Prim::new(Qr { full_matrices, pivoting: true }), std::slice::from_ref(x)).into_vec();
    let [q, r, p] = <[Array; 3]>::try_from(outs).expect("three results");
    (q, r, p)
}

/// The reflections of a QR factorisation: below the diagonal their vectors, on and above it `r`; and their factors `taus`:
/// `f32[…, m, n] → f32[…, m, n], f32[…, min(m, n)]`. It has no derivative.
///
/// ```
/// # use jacinth_frontend::{Array, lax::linalg};
/// let (a, taus) = linalg::geqrf(&Array::from([[3.0f32], [4.0]]));
/// assert_eq!((a.to_vec::<f32>(), taus.to_vec::<f32>()), (vec![-5.0, 0.5], vec![1.6]));
/// ```
///
/// # Panics
/// As [`qr`].
#[track_caller]
pub fn geqrf(a: &Array) -> (Array, Array) {
    let mut outs = bind(Prim::new(Geqrf), std::slice::from_ref(a));
    let taus = outs.pop().expect("two results");
    (outs.pop().expect("two results"), taus)
}

/// The first columns of the product of the reflections that [`geqrf`] gives: `f32[…, m, n], f32[…, k] → f32[…, m, n]`.
///
/// ```
/// # use jacinth_frontend::{Array, lax::linalg};
/// let (a, taus) = linalg::geqrf(&Array::from([[3.0f32], [4.0]]));
/// assert_eq!(linalg::householder_product(&a, &taus).round_to(4).to_string(), "[[-0.6]\n [-0.8]]");
/// ```
///
/// # Panics
/// If there are fewer rows than columns or more factors than columns, or as [`qr`].
#[track_caller]
pub fn householder_product(a: &Array, taus: &Array) -> Array {
    let mut outs = bind(Prim::new(HouseholderProduct), &[a.clone(), taus.clone()]);
    outs.pop().expect("one result")
}

/// `op(Q) c` or `c op(Q)`, where `Q` is the product of the reflections that [`geqrf`] gives and `op` the adjoint if `transpose`.
///
/// ```
/// # use jacinth_frontend::{Array, lax::linalg};
/// let x = Array::from([[3.0f32], [4.0]]);
/// let (a, taus) = linalg::geqrf(&x);
/// // Qᵀ x is R, with a row of zeros below.
/// assert_eq!(linalg::ormqr(&a, &taus, &x, true, true).round_to(4).abs().to_vec::<f32>(), [5.0, 0.0]);
/// ```
///
/// # Panics
/// If `c` does not fit, or as [`householder_product`].
#[track_caller]
pub fn ormqr(a: &Array, taus: &Array, c: &Array, left: bool, transpose: bool) -> Array {
    check_matrices("ormqr", &[a, c]);
    let (m, n) = sizes_of(a);
    let mut config = vec![(0, 0, 0); a.ndim()];
    config[a.ndim() - 1] = (0, m as i64 - n as i64, 0);
    let q = householder_product(&pad(a, &scalar_like(a, 0), &config), taus);
    let q = if transpose { adjoint(&q) } else { q };
    if left { mm(&q, c) } else { mm(c, &q) }
}

/// See [`geqrf`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Geqrf;

impl Factorisation for Geqrf {
    const NAME: &'static str = "geqrf";
    const RANKS: &'static [usize] = &[2];

    fn show_params<'a>(&'a self, _: &mut Params<'a>) {}

    fn results(&self, args: &[&Aval]) -> Result<Vec<Aval>> {
        let a = args[0];
        Ok(vec![a.clone(), Aval::new([a.shape[0].min(a.shape[1])], a.dtype)])
    }

    fn compute(&self, args: &[Array]) -> Vec<Array> {
        let (m, n) = sizes_of(&args[0]);
        let k = m.min(n);
        let step = |k: &Array, state: &[Array]| {
            let (a, taus) = reflect(&state[0], &state[1], k);
            vec![a, taus]
        };
        fori_loop(0, k, step, vec![args[0].clone(), crate::lax::full(&[k], 0, args[0].dtype())])
    }

    fn differentiate(&self, _: &[Array], _: &[Option<Array>]) -> (Arrays, Tangents) {
        unsupported_derivative(Self::NAME)
    }

    fn examples() -> Vec<Sample> {
        let sample = |shape: &[usize], dtype| {
            Sample::new(Prim::new(Geqrf), [SampleArg::range(shape.iter().copied(), dtype, -2.0, 2.0)])
                .not_differentiable()
        };
        vec![sample(&[3, 2], DType::F32), sample(&[2, 2, 3], DType::F32)]
    }
}

/// Takes column `k` to its form in the triangle, what is below it to the vector of its reflection, and reflects the columns that come after.
fn reflect(a: &Array, taus: &Array, k: &Array) -> (Array, Array) {
    let (m, n) = sizes_of(a);
    let shape = [m, n];
    let column = crate::lax::broadcasted_iota(DType::I32, &shape, 1);
    let (places, tau_places) = (iota(DType::I32, m), iota(DType::I32, taus.shape()[0]));
    let col = dynamic_index_in_dim(a, k, 1, false);
    let (is_k, below) = (eq(&places, k), after(&places, k));
    let (v, tau, beta) = reflector(&col, &is_k, &below);
    // a − conj(tau) v (vᴴ a), for the columns that come after.
    let wide = broadcast_in_dim(&v, &shape, &[0]);
    let w = reduce_sum(&mul(&conj_of(&wide), a), &[0]);
    let w = (E(w) * E(conj_of(&tau))).0;
    let changed = sub(a, &mul(&wide, &broadcast_in_dim(&w, &shape, &[1])));
    let kept = select(&below, &v, &select(&is_k, &broadcast_in_dim(&beta, &[m], &[]), &col));
    let a = select(&after(&column, k), &changed, a);
    let a = select(&eq(&column, k), &broadcast_in_dim(&kept, &shape, &[0]), &a);
    let taus = select(&eq(&tau_places, k), &broadcast_in_dim(&tau, taus.shape(), &[]), taus);
    (a, taus)
}

/// What [`geqrf`] gives for the columns in an order, and that order: of those that are left the one with the greatest norm in the rows that are
/// left comes next (Businger and Golub, Numer. Math. 7, 1965). Norms are computed anew every time, where LAPACK brings them up to date.
fn pivoted(a: &Array) -> (Array, Array, Array) {
    let (m, n) = sizes_of(a);
    let k = m.min(n);
    let (row, places) = (crate::lax::broadcasted_iota(DType::I32, &[m, n], 0), iota(DType::I32, n));
    // Divided by the largest element, so that squares neither overflow nor vanish.
    let largest = reduce_max(&crate::lax::abs(a), &[0, 1]);
    let unit = choose(&E(largest.clone()).gt(0.0), &E(largest), 1.0);
    let unit = broadcast_in_dim(&cast_to(&unit.0, a.dtype()), &[m, n], &[]);
    let step = |k: &Array, state: &[Array]| {
        let (a, taus, order) = (&state[0], &state[1], &state[2]);
        let sizes = squares(&crate::lax::div(a, &unit));
        let left = select(&crate::lax::ge(&row, k), &sizes, &zeros_like(sizes.aval()));
        let norms = reduce_sum(&left, &[0]);
        let norms = select(&crate::lax::ge(&places, k), &norms, &crate::lax::full_like(&norms, -1));
        let next = argmax(&norms, 0, DType::I32);
        let to = |place: &Array| broadcast_in_dim(place, &[n], &[]);
        let swapped = select(&eq(&places, &next), &to(k), &places);
        let swapped = select(&eq(&places, k), &to(&next), &swapped);
        let (a, taus) = reflect(&mt(&take_rows(&mt(a), &swapped)), taus, k);
        vec![a, taus, take_rows(order, &swapped)]
    };
    let init = vec![a.clone(), crate::lax::full(&[k], 0, a.dtype()), places.clone()];
    let out = <[Array; 3]>::try_from(fori_loop(0, k, step, init)).expect("as many as there were");
    let [a, taus, order] = out;
    (a, taus, order)
}

/// The reflection `1 − tau v vᴴ` whose adjoint takes a column to `beta` at one place and to zero below it.
pub(super) fn reflector(col: &Array, is_k: &Array, below: &Array) -> (Array, Array, Array) {
    let zero = zeros_like(col.aval());
    let tail = select(below, col, &zero);
    let alpha = reduce_sum(&select(is_k, col, &zero), &[0]);
    let (alpha_re, complex_numbers) = (E(real_of(&alpha)), col.dtype().is_complex());
    // Scaled, so that squares neither overflow nor vanish.
    let size = |x: &Array| {
        if complex_numbers {
            max(&crate::lax::abs(&real_of(x)), &crate::lax::abs(&imag(x)))
        } else {
            crate::lax::abs(x)
        }
    };
    let largest = E(max(&reduce_max(&size(&tail), &[0]), &size(&alpha)));
    let scale = choose(&largest.gt(0.0), &largest, 1.0);
    let scaled = |x: &Array| {
        let by = E(broadcast_in_dim(&scale.0, x.shape(), &[]));
        if complex_numbers {
            complex(&(E(real_of(x)) / &by).0, &(E(imag(x)) / &by).0)
        } else {
            (E(x.clone()) / by).0
        }
    };
    let tail_norm = E(reduce_sum(&squares(&scaled(&tail)), &[0]));
    let norm = (E(squares(&scaled(&alpha))) + &tail_norm).sqrt() * &scale;
    let beta = choose(&alpha_re.ge(0.0), &-&norm, &norm);
    let mut trivial = tail_norm.eq(0.0);
    if complex_numbers {
        trivial = trivial.and(E(imag(&alpha)).eq(0.0));
    }
    let safe = choose(&trivial, &beta.lit(1.0), &beta);
    let tau = {
        let re = choose(&trivial, &beta.lit(0.0), (&beta - &alpha_re) / &safe);
        if complex_numbers {
            complex(&re.0, &choose(&trivial, &beta.lit(0.0), -(E(imag(&alpha)) / &safe)).0)
        } else {
            re.0
        }
    };
    let beta = E(cast_to(&beta.0, col.dtype()));
    let difference = choose(&trivial, &beta.lit(1.0), E(alpha.clone()) - &beta);
    let one = scalar_like(&alpha, 1);
    let stretch = |x: &Array| broadcast_in_dim(x, col.shape(), &[]);
    let v = (E(tail) / E(stretch(&difference.0))).0;
    let v = select(is_k, &stretch(&one), &v);
    let beta = choose(&trivial, &E(alpha), &beta).0;
    (v, tau, beta)
}

/// See [`householder_product`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HouseholderProduct;

impl Factorisation for HouseholderProduct {
    const NAME: &'static str = "householder_product";
    const RANKS: &'static [usize] = &[2, 1];

    fn show_params<'a>(&'a self, _: &mut Params<'a>) {}

    fn results(&self, args: &[&Aval]) -> Result<Vec<Aval>> {
        let (a, taus) = (args[0], args[1]);
        ensure!(
            a.shape[0] >= a.shape[1] && taus.shape[0] <= a.shape[1] && a.dtype == taus.dtype,
            Self::NAME => "takes at least as many rows as columns and at most as many factors as columns, got shapes {} and {}",
            show(&a.shape),
            show(&taus.shape)
        );
        Ok(vec![a.clone()])
    }

    fn compute(&self, args: &[Array]) -> Vec<Array> {
        let (a, taus) = (&args[0], &args[1]);
        let (m, n) = sizes_of(a);
        let (shape, count) = ([m, n], taus.size());
        let places = iota(DType::I32, m);
        let last = Array::scalar(count as i64 - 1, DType::I32, false);
        let step = |i: &Array, state: &[Array]| {
            let k = sub(&last, i);
            let col = dynamic_index_in_dim(a, &k, 1, false);
            let (zero, one) = (zeros_like(col.aval()), crate::lax::full(&[m], 1, a.dtype()));
            let v = select(&eq(&places, &k), &one, &select(&after(&places, &k), &col, &zero));
            let tau = dynamic_index_in_dim(taus, &k, 0, false);
            let wide = broadcast_in_dim(&v, &shape, &[0]);
            let w = reduce_sum(&mul(&conj_of(&wide), &state[0]), &[0]);
            let w = broadcast_in_dim(&(E(w) * E(tau)).0, &shape, &[1]);
            vec![sub(&state[0], &mul(&wide, &w))]
        };
        fori_loop(0, count, step, vec![eye(a.dtype(), m, n)])
    }

    fn differentiate(&self, _: &[Array], _: &[Option<Array>]) -> (Arrays, Tangents) {
        unsupported_derivative(Self::NAME)
    }

    fn examples() -> Vec<Sample> {
        let sample = |a: &[usize], taus: &[usize]| {
            let arg = |shape: &[usize]| SampleArg::f32(shape.iter().copied());
            Sample::new(Prim::new(HouseholderProduct), [arg(a), arg(taus)]).not_differentiable()
        };
        vec![sample(&[3, 2], &[2]), sample(&[2, 3, 3], &[2, 2])]
    }
}

/// See [`qr`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Qr {
    /// Whether `q` is square.
    pub full_matrices: bool,
    /// Whether columns are taken by what is left of them, and their order is a result.
    pub pivoting: bool,
}

impl Factorisation for Qr {
    const NAME: &'static str = "qr";
    const RANKS: &'static [usize] = &[2];

    fn show_params<'a>(&'a self, params: &mut Params<'a>) {
        params.flag("full_matrices", self.full_matrices);
        params.flag("pivoting", self.pivoting);
        params.none("use_magma");
    }

    fn results(&self, args: &[&Aval]) -> Result<Vec<Aval>> {
        let a = args[0];
        let (m, n) = (a.shape[0], a.shape[1]);
        let k = if self.full_matrices { m } else { m.min(n) };
        let mut outs = vec![Aval::new([m, k], a.dtype), Aval::new([k, n], a.dtype)];
        outs.extend(self.pivoting.then(|| Aval::new([n], DType::I32)));
        Ok(outs)
    }

    fn compute(&self, args: &[Array]) -> Vec<Array> {
        let a = &args[0];
        let (m, n) = sizes_of(a);
        let k = if self.full_matrices { m } else { m.min(n) };
        if m == 0 || n == 0 {
            let mut outs = vec![eye(a.dtype(), m, k), crate::lax::full(&[k, n], 0, a.dtype())];
            outs.extend(self.pivoting.then(|| iota(DType::I32, n)));
            return outs;
        }
        let (reflections, taus, order) = if self.pivoting {
            let (reflections, taus, order) = pivoted(a);
            (reflections, taus, Some(order))
        } else {
            let (reflections, taus) = geqrf(a);
            (reflections, taus, None)
        };
        let vectors = columns(&reflections, 0, n.min(m));
        let vectors = if k > n {
            pad(&vectors, &scalar_like(a, 0), &[(0, 0, 0), (0, (k - n) as i64, 0)])
        } else {
            vectors
        };
        let mut outs = vec![householder_product(&vectors, &taus), triu(&rows(&reflections, 0, k), 0)];
        outs.extend(order);
        outs
    }

    fn differentiate(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let (x, dx) = (&primals[0], tangents[0].as_ref().expect("the tangent is not zero"));
        if self.pivoting {
            // As if the columns had been in that order.
            let (q, r, order) = qr_pivoting(x, self.full_matrices);
            let [x, dx] = [x, dx].map(|x| mt(&take_rows_each(&mt(x), &order)));
            let [dq, dr] = self.slopes(&q, &r, &x, &dx);
            return (smallvec![q, r, order], smallvec![Some(dq), Some(dr), None]);
        }
        let (q, r) = qr(x, self.full_matrices);
        let [dq, dr] = self.slopes(&q, &r, x, dx);
        (smallvec![q, r], smallvec![Some(dq), Some(dr)])
    }

    fn examples() -> Vec<Sample> {
        let well = [1.3, -0.5, 0.8, 0.4, 2.1, -0.7, -0.4, 0.2, 1.9, 0.6, 0.3];
        let sample = |shape: &[usize], full_matrices, pivoting| {
            let arg = SampleArg::values(shape.iter().copied(), DType::F32, well);
            Sample::new(Prim::new(Qr { full_matrices, pivoting }), [arg])
        };
        vec![
            sample(&[3, 3], true, false),
            sample(&[4, 2], false, false),
            sample(&[3, 2], true, false),
            sample(&[2, 3], false, false),
            sample(&[2, 2, 2], false, false),
            sample(&[0, 2], false, false),
            sample(&[3, 3], false, true),
            sample(&[2, 2, 3], true, true),
        ]
    }
}

impl Qr {
    /// The tangents of `q` and `r`, the factors of `x`.
    fn slopes(&self, q: &Array, r: &Array, x: &Array, dx: &Array) -> [Array; 2] {
        let (m, n) = sizes_of(x);
        let rank = x.ndim();
        if m < n {
            // The first columns decide q; the others are only expressed in it.
            let (dq, dr1) = thin(q, &columns(r, 0, m), &columns(dx, 0, m));
            let dr2 = add(&mm(&adjoint(&dq), &columns(x, m, n)), &mm(&adjoint(q), &columns(dx, m, n)));
            let dr = concatenate(&[dr1, dr2], rank - 1);
            return [dq, dr];
        }
        let (q1, r1) = (columns(q, 0, n), rows(r, 0, n));
        let (dq1, dr1) = thin(&q1, &r1, dx);
        if !self.full_matrices || m == n {
            return [dq1, dr1];
        }
        // The other columns of q stay orthogonal to the first: with z = q21 (q11 − 1)⁻¹ their derivative is linear in that of the first.
        let (q11, q21, q2) = (rows(&q1, 0, n), rows(&q1, n, m), columns(q, n, m));
        let (dq11, dq21) = (rows(&dq1, 0, n), rows(&dq1, n, m));
        let (factors, _, permutation) = lu(&sub(&q11, &eye_like(&q11)));
        let zh = lu_solve(&factors, &permutation, &adjoint(&q21), 2);
        let z = adjoint(&zh);
        let turned = mm(&add(&q1, &mm(&q2, &z)), &adjoint(&sub(&dq21, &mm(&z, &dq11))));
        let dq2 = sub(&mm(&dq1, &zh), &turned);
        let dq = concatenate(&[dq1, dq2], rank - 1);
        let mut config = vec![(0, 0, 0); rank];
        config[rank - 2].1 = (m - n) as i64;
        let dr = pad(&dr1, &scalar_like(&dr1, 0), &config);
        [dq, dr]
    }
}

/// The tangents of `q` (as wide as `r` is high) and the square `r`.
fn thin(q: &Array, r: &Array, dx: &Array) -> (Array, Array) {
    let dx_r = triangular_solve(r, dx, TriangularSolve::default());
    let q_dx_r = mm(&adjoint(q), &dx_r);
    let low = tril(&q_dx_r, -1);
    let omega = sub(&low, &adjoint(&low));
    // The diagonal of q's own motion is purely imaginary.
    let omega = if q.dtype().is_complex() {
        let diagonal = mul(&q_dx_r, &eye_like(&q_dx_r));
        let im = complex(&scalar_like(&imag(&diagonal), 0), &imag(&diagonal));
        add(&omega, &im)
    } else {
        omega
    };
    let dq = add(&mm(q, &sub(&omega, &q_dx_r)), &dx_r);
    let dr = mm(&sub(&q_dx_r, &omega), r);
    (dq, dr)
}
