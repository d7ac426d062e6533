//! `jax.numpy.linalg`: factorisations, solves, determinants and norms of matrices in the last two dimensions.
//!
//! Integers are computed as floats. Named results are tuples in the order of JAX's.

mod norms;

pub use super::{cross, matmul, matrix_transpose, outer, tensordot};
pub use norms::{NormOrd, cond, matrix_norm, norm, vector_norm};

use super::{IntoArray, canonical, promote_shapes};
use crate::api::custom::custom_jvp;
use crate::api::dtypes::{promote, promote_inexact};
use crate::ir::{Array, DType};
use crate::lax::linalg::{self as lax_linalg, TriangularSolve, adjoint, diagonal_of, eye_like, mm};
use crate::lax::{self, rules::refuse, rules::show};

/// A matrix of floats.
#[track_caller]
pub(crate) fn matrix(name: &'static str, a: impl IntoArray) -> Array {
    let a = promote_inexact(&[a.into_array()]).remove(0);
    if a.ndim() < 2 {
        refuse!(name => "takes arrays of at least two dimensions, got shape {}", show(a.shape()))
    }
    a
}

/// A square matrix of floats, and its size.
#[track_caller]
pub(crate) fn square(name: &'static str, a: impl IntoArray) -> (Array, usize) {
    let a = matrix(name, a);
    let n = a.shape()[a.ndim() - 1];
    if a.shape()[a.ndim() - 2] != n {
        refuse!(name => "the last two dimensions must be equal, got shape {}", show(a.shape()))
    }
    (a, n)
}

/// The lower triangular `L` with `L Lᴴ = (a + aᴴ) / 2`: `f32[…, n, n] → f32[…, n, n]`; NaN where `a` is not positive definite.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let l = jnp::linalg::cholesky(Array::from([[4, 2], [2, 5]]));
/// assert_eq!(l.round_to(4).to_string(), "[[2. 0.]\n [1. 2.]]");
/// ```
///
/// # Panics
/// If the last two dimensions differ.
#[track_caller]
pub fn cholesky(a: impl IntoArray) -> Array {
    cholesky_with(a, false, true)
}

/// [`cholesky`], saying whether the upper triangular `U` with `Uᴴ U = a` is wanted, and whether `a` is made symmetric first.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let u = jnp::linalg::cholesky_with(Array::from([[4, 2], [2, 5]]), true, true);
/// assert_eq!(u.round_to(4).to_string(), "[[2. 1.]\n [0. 2.]]");
/// ```
///
/// # Panics
/// If the last two dimensions differ.
#[track_caller]
pub fn cholesky_with(a: impl IntoArray, upper: bool, symmetrize_input: bool) -> Array {
    let (a, _) = square("cholesky", a);
    let a = if upper && !symmetrize_input { adjoint(&a) } else { a };
    let l = if symmetrize_input { lax_linalg::cholesky(&a) } else { lax_linalg::cholesky_unsymmetrized(&a) };
    if upper { adjoint(&l) } else { l }
}

/// `(q, r)` with `a = q r`: `f32[…, m, n] → f32[…, m, k], f32[…, k, n]` with `k = min(m, n)`. Columns of `q` are orthonormal,
/// `r` is upper triangular.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let a = Array::from([[3.0f32, 1.0], [4.0, 2.0]]);
/// let (q, r) = jnp::linalg::qr(&a);
/// assert_eq!(jnp::abs(r.get((0, 0))).round_to(4).item::<f32>(), 5.0);
/// assert!(jnp::allclose_with(q.dot(&r), &a, 1e-5, 1e-5).item::<bool>());
/// ```
///
/// # Panics
/// If there are fewer than two dimensions.
#[track_caller]
pub fn qr(a: impl IntoArray) -> (Array, Array) {
    lax_linalg::qr(&matrix("qr", a), false)
}

/// [`qr`] in mode `"reduced"`, `"complete"` (a square `q`) or `"r"` (in which the first result is empty).
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let (q, r) = jnp::linalg::qr_mode(jnp::ones([3, 2]), "complete");
/// assert_eq!((q.shape(), r.shape()), (&[3, 3][..], &[3, 2][..]));
/// ```
///
/// # Panics
/// If there are fewer than two dimensions, or the mode is another word.
#[track_caller]
pub fn qr_mode(a: impl IntoArray, mode: &str) -> (Array, Array) {
    let a = matrix("qr", a);
    match mode {
        "reduced" => lax_linalg::qr(&a, false),
        "complete" | "full" => lax_linalg::qr(&a, true),
        "r" => {
            let (_, r) = lax_linalg::qr(&a, false);
            (lax::full(&[0], 0, r.dtype()), r)
        }
        _ => refuse!("qr" => "mode must be \"reduced\", \"complete\" or \"r\", got \"{mode}\""),
    }
}

/// `(u, s, vh)` with `a = u diag(s) vh`, singular values descending; with `full_matrices` `u` and `vh` are square.
///
/// `f32[…, m, n] → f32[…, m, k], f32[…, k], f32[…, k, n]` with `k = min(m, n)` without it.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let a = Array::from([[0.0f32, 2.0], [3.0, 0.0]]);
/// let (u, s, vh) = jnp::linalg::svd(&a, false);
/// assert_eq!(s.round_to(4).to_vec::<f32>(), [3.0, 2.0]);
/// assert!(jnp::allclose_with((u * s).dot(&vh), &a, 1e-5, 1e-5).item::<bool>());
/// ```
///
/// # Panics
/// If there are fewer than two dimensions.
#[track_caller]
pub fn svd(a: impl IntoArray, full_matrices: bool) -> (Array, Array, Array) {
    lax_linalg::svd(&matrix("svd", a), full_matrices)
}

/// The singular values, descending: `f32[…, m, n] → f32[…, min(m, n)]`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let a = Array::from([[0, 2], [3, 0], [0, 0]]);
/// assert_eq!(jnp::linalg::svdvals(&a).round_to(4).to_vec::<f32>(), [3.0, 2.0]);
/// ```
///
/// # Panics
/// If there are fewer than two dimensions.
#[track_caller]
pub fn svdvals(x: impl IntoArray) -> Array {
    lax_linalg::svdvals(&matrix("svdvals", x))
}

/// `(w, v)`: the eigenvalues of a Hermitian matrix, ascending, and its eigenvectors as columns. `a` is made Hermitian as `(a + aᴴ) / 2`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let a = Array::from([[2.0f32, 1.0], [1.0, 2.0]]);
/// let (w, v) = jnp::linalg::eigh(&a);
/// assert_eq!(w.round_to(4).to_vec::<f32>(), [1.0, 3.0]);
/// assert!(jnp::allclose_with(a.dot(&v), &v * &w, 1e-5, 1e-5).item::<bool>());
/// ```
///
/// # Panics
/// If the last two dimensions differ.
#[track_caller]
pub fn eigh(a: impl IntoArray) -> (Array, Array) {
    let (v, w) = lax_linalg::eigh(&square("eigh", a).0);
    (w, v)
}

/// [`eigh`], saying which triangle (`"L"` or `"U"`) is read and whether `a` is made Hermitian first.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let upper = Array::from([[2.0f32, 1.0], [99.0, 2.0]]);
/// assert_eq!(jnp::linalg::eigh_with(&upper, "U", false).0.round_to(4).to_vec::<f32>(), [1.0, 3.0]);
/// ```
///
/// # Panics
/// If the last two dimensions differ, or the triangle is another word.
#[track_caller]
pub fn eigh_with(a: impl IntoArray, uplo: &str, symmetrize_input: bool) -> (Array, Array) {
    let lower = match uplo {
        "L" | "l" => true,
        "U" | "u" => false,
        _ => refuse!("eigh" => "the triangle must be \"L\" or \"U\", got \"{uplo}\""),
    };
    let (v, w) = lax_linalg::eigh_with(&square("eigh", a).0, lower, symmetrize_input);
    (w, v)
}

/// The eigenvalues of a Hermitian matrix, ascending: `f32[…, n, n] → f32[…, n]`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let a = Array::from([[0, 1], [1, 0]]);
/// assert_eq!(jnp::linalg::eigvalsh(&a).round_to(4).to_vec::<f32>(), [-1.0, 1.0]);
/// ```
///
/// # Panics
/// If the last two dimensions differ.
#[track_caller]
pub fn eigvalsh(a: impl IntoArray) -> Array {
    eigh(a).0
}

/// `(w, v)`: the eigenvalues of a square matrix, in no order, and its eigenvectors as columns, of length one and with a real largest
/// element: `f32[…, n, n] → c64[…, n], c64[…, n, n]`. Without derivative; [`eigvals`] has one.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let turn = Array::from([[0.0f32, -1.0], [1.0, 0.0]]);
/// let (w, v) = jnp::linalg::eig(&turn);
/// assert_eq!(jnp::sort(jnp::imag(&w), -1).round_to(4).to_vec::<f32>(), [-1.0, 1.0]);
/// assert!(jnp::allclose_with(turn.dot(&v), &v * &w, 1e-5, 1e-5).item::<bool>());
/// ```
///
/// # Panics
/// If the last two dimensions differ.
#[track_caller]
pub fn eig(a: impl IntoArray) -> (Array, Array) {
    let mut outs = lax_linalg::eig(&square("eig", a).0, false, true);
    let v = outs.pop().expect("two results");
    (outs.pop().expect("two results"), v)
}

/// The eigenvalues of a square matrix, in no order: `f32[…, n, n] → c64[…, n]`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let w = jnp::linalg::eigvals(Array::from([[2.0f32, 5.0], [0.0, 3.0]]));
/// assert_eq!(jnp::sort(jnp::real(&w), -1).round_to(4).to_vec::<f32>(), [2.0, 3.0]);
/// ```
///
/// # Panics
/// If the last two dimensions differ.
#[track_caller]
pub fn eigvals(a: impl IntoArray) -> Array {
    lax_linalg::eig(&square("eigvals", a).0, false, false).swap_remove(0)
}

/// Operands whose leading dimensions are stretched to meet; each keeps its last `ranks` ones.
#[track_caller]
pub(crate) fn meet(name: &'static str, x: &Array, y: &Array, ranks: (usize, usize)) -> (Array, Array) {
    let _line = crate::trace::keep_line();
    let lead = |x: &Array, rank: usize| x.shape()[..x.ndim() - rank].to_vec();
    let batch = super::broadcast_shape(name, &[&lead(x, ranks.0), &lead(y, ranks.1)]);
    let stretch = |x: &Array, rank: usize| {
        let shape: Vec<usize> =
            batch.iter().copied().chain(x.shape()[x.ndim() - rank..].iter().copied()).collect();
        super::broadcast_to(x, shape)
    };
    (stretch(x, ranks.0), stretch(y, ranks.1))
}

/// The solution of `a x = b`: `f32[…, n, n] × f32[n] → f32[…, n]` where `b` is a vector, else `f32[…, n, n] × f32[…, n, k] → f32[…, n, k]`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (a, b) = (Array::from([[3, 1], [1, 2]]), Array::from([9, 8]));
/// assert_eq!(jnp::linalg::solve(&a, &b).round_to(4).to_vec::<f32>(), [2.0, 3.0]);
/// ```
///
/// # Panics
/// If `a` is not square or `b` does not fit.
#[track_caller]
pub fn solve(a: impl IntoArray, b: impl IntoArray) -> Array {
    let both = promote_inexact(&[a.into_array(), b.into_array()]);
    let [a, b] = <[Array; 2]>::try_from(both).expect("two operands");
    let (a, n) = square("solve", a);
    let vector = b.ndim() == 1;
    let fits = b.ndim() > 0 && b.shape()[if vector { 0 } else { b.ndim() - 2 }] == n;
    if !fits {
        refuse!("solve" => "the right side of shape {} does not fit a matrix of shape {}", show(b.shape()), show(a.shape()))
    }
    let wide = if vector { lax::expand_dims(&b, &[1]) } else { b };
    let (a, b) = meet("solve", &a, &wide, (2, 2));
    let (lu, _, permutation) = lax_linalg::lu(&a);
    let x = lax_linalg::lu_solve(&lu, &permutation, &b, 0);
    if vector { lax::squeeze(&x, &[x.ndim() - 1]) } else { x }
}

/// The inverse: `f32[…, n, n] → f32[…, n, n]`; of a singular matrix it is infinite or NaN. [`solve`] is faster and more exact.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let a = Array::from([[2, 1], [1, 1]]);
/// assert_eq!(jnp::linalg::inv(&a).round_to(4).to_string(), "[[ 1. -1.]\n [-1.  2.]]");
/// ```
///
/// # Panics
/// If the last two dimensions differ.
#[track_caller]
pub fn inv(a: impl IntoArray) -> Array {
    let (a, _) = square("inv", a);
    solve(&a, eye_like(&a))
}

/// The sign of the permutation that exchanges each row with its pivot: 1 or −1 per matrix.
fn parity(pivots: &Array, dtype: DType) -> Array {
    let last = pivots.ndim() - 1;
    let places = lax::broadcasted_iota(DType::I32, pivots.shape(), last);
    let moved = lax::convert_element_type(&lax::ne(pivots, &places), DType::I32);
    let odd = lax::rem(&lax::reduce_sum(&moved, &[last]), &Array::scalar(2, DType::I32, false));
    let sign = lax::convert_element_type(&odd, dtype.real());
    lax_linalg::cast_to(&(1.0 - 2.0 * sign), dtype)
}

/// `(sign, logabsdet)` with `det(a) = sign · exp(logabsdet)`; 0 and −∞ for a singular matrix. It does not overflow where [`det`] does.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let (sign, log) = jnp::linalg::slogdet(jnp::eye(3) * -1e20);
/// assert_eq!((sign.item::<f32>(), log.round_to(2).item::<f32>()), (-1.0, 138.16));
/// ```
///
/// # Panics
/// If the last two dimensions differ.
#[track_caller]
pub fn slogdet(a: impl IntoArray) -> (Array, Array) {
    let _line = crate::trace::keep_line();
    let (a, n) = square("slogdet", a);
    if n == 0 {
        let shape = &a.shape()[..a.ndim() - 2];
        return (lax::full(shape, 1, a.dtype()), lax::full(shape, 0, a.dtype().real()));
    }
    let f = custom_jvp(|a: &Array| sign_and_logarithm(a)).defjvp(|(a,): (Array,), (t,): (Array,)| {
        let (sign, log) = slogdet(&a);
        let slope = super::sum(diagonal_of(&solve(&a, &t)), -1);
        // Of complex matrices the sign turns.
        if !slope.dtype().is_complex() {
            return ((sign.clone(), log), (lax::full_like(&sign, 0), slope));
        }
        let re = lax::real(&slope);
        let turn = lax::complex(&lax::full_like(&re, 0), &lax::imag(&slope));
        ((sign.clone(), log), (lax::mul(&turn, &sign), re))
    });
    f(&a)
}

fn sign_and_logarithm(a: &Array) -> (Array, Array) {
    let (lu, pivots, _) = lax_linalg::lu(a);
    let diagonal = diagonal_of(&lu);
    let last = diagonal.ndim() - 1;
    let size = lax::abs(&diagonal);
    let zero = lax::eq(&size, &Array::scalar(0, size.dtype(), false));
    let log = lax::reduce_sum(&lax::log(&size), &[last]);
    let singular = lax::reduce_or(&zero, &[last]);
    let sign = lax::mul(&lax::reduce_prod(&lax::sign(&diagonal), &[last]), &parity(&pivots, a.dtype()));
    (sign, lax::select(&singular, &lax::full_like(&log, f64::NEG_INFINITY), &log))
}

/// The element at row `i` and column `j` of every matrix.
#[track_caller]
fn element(a: &Array, i: usize, j: usize) -> Array {
    let row = lax::index_in_dim(a, i as i64, a.ndim() - 2, false);
    lax::index_in_dim(&row, j as i64, row.ndim() - 1, false)
}

/// The determinant: `f32[…, n, n] → f32[…]`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let a = Array::from([[[1, 2], [3, 4]], [[2, 0], [0, 5]]]);
/// assert_eq!(jnp::linalg::det(&a).to_vec::<f32>(), [-2.0, 10.0]);
/// ```
///
/// # Panics
/// If the last two dimensions differ.
#[track_caller]
pub fn det(a: impl IntoArray) -> Array {
    let _line = crate::trace::keep_line();
    let (a, n) = square("det", a);
    let at = |i, j| element(&a, i, j);
    match n {
        0 => lax::full(&a.shape()[..a.ndim() - 2], 1, a.dtype()),
        1 => at(0, 0),
        2 => at(0, 0) * at(1, 1) - at(0, 1) * at(1, 0),
        3 => {
            let (p, q) = (at(0, 0) * at(1, 1) * at(2, 2), at(0, 1) * at(1, 2) * at(2, 0));
            let (r, s) = (at(0, 2) * at(1, 0) * at(2, 1), at(0, 2) * at(1, 1) * at(2, 0));
            let (t, u) = (at(0, 0) * at(1, 2) * at(2, 1), at(0, 1) * at(1, 0) * at(2, 2));
            p + q + r - s - t - u
        }
        _ => custom_jvp(|a: &Array| determinant(a)).defjvp(|(a,): (Array,), (t,): (Array,)| {
            let (value, z) = cofactor_solve(&a, &t);
            (value, lax::reduce_sum(&diagonal_of(&z), &[z.ndim() - 2]))
        })(&a),
    }
}

fn determinant(a: &Array) -> Array {
    let (lu, pivots, _) = lax_linalg::lu(a);
    let product = lax::reduce_prod(&diagonal_of(&lu), &[lu.ndim() - 2]);
    lax::mul(&product, &parity(&pivots, a.dtype()))
}

/// The determinant of `a`, and `det(a) a⁻¹ b`, which is finite where `a` has lost one rank.
fn cofactor_solve(a: &Array, b: &Array) -> (Array, Array) {
    let rank = a.ndim();
    let n = a.shape()[rank - 1];
    let (lu, pivots, permutation) = lax_linalg::lu(a);
    let diagonal = diagonal_of(&lu);
    let last = diagonal.ndim() - 1;
    let sign = super::broadcast_to(lax::expand_dims(&parity(&pivots, a.dtype()), &[last]), diagonal.shape());
    let partial = lax::mul(&lax::cumprod(&diagonal, last, false), &sign);
    let det = lax::index_in_dim(&partial, -1, last, false);
    // The last pivot, which is the one that may be zero, is replaced by what makes the product one.
    let before = lax::index_in_dim(&partial, -2, last, false);
    let corner = 1.0 / before;
    let (row, column) = (rank - 2, rank - 1);
    let place = |d| {
        lax::eq(
            &lax::broadcasted_iota(DType::I32, lu.shape(), d),
            &Array::scalar(n as i64 - 1, DType::I32, false),
        )
    };
    let at_corner = lax::and(&place(row), &place(column));
    let lead: Vec<usize> = (0..rank - 2).collect();
    let lu = lax::select(&at_corner, &lax::broadcast_in_dim(&corner, lu.shape(), &lead), &lu);
    let upper = TriangularSolve { left_side: true, ..Default::default() };
    let lower = TriangularSolve { left_side: true, lower: true, unit_diagonal: true, ..Default::default() };
    // Where more than one rank is lost the result is zero.
    let ones = lax::full(&lu.shape()[..rank - 1], 1, a.dtype());
    let probe = lax_linalg::triangular_solve(&lu, &ones, upper);
    let finite = lax::is_finite(&lax::abs(&probe));
    let lost = lax::not(&lax::reduce_and(&finite, &[rank - 2]));
    let lost = lax::broadcast_in_dim(&lost, b.shape(), &lead);
    let zero = lax::full_like(b, 0);
    let x = lax_linalg::take_rows_each(&lax::select(&lost, &zero, b), &permutation);
    let x = lax_linalg::triangular_solve(&lu, &x, lower);
    let part = |from: i64, to: Option<i64>| lax::slice_in_dim(&x, from, to, 1, row);
    let (above, bottom) = (part(0, Some(n as i64 - 1)), part(n as i64 - 1, None));
    let scaled = lax::mul(&above, &lax::broadcast_in_dim(&det, above.shape(), &lead));
    let x = lax::concatenate(&[scaled, bottom], row);
    let x = lax_linalg::triangular_solve(&lu, &x, upper);
    (det, lax::select(&lost, &zero, &x))
}

/// How many singular values exceed `rtol` (`max(m, n) · ε · s[0]` where not given): `f32[…, m, n] → i32[…]`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let a = Array::from([[1, 2], [2, 4]]);
/// assert_eq!(jnp::linalg::matrix_rank(&a, None).item::<i32>(), 1);
/// ```
#[track_caller]
pub fn matrix_rank(m: impl IntoArray, rtol: Option<f64>) -> Array {
    let m = promote_inexact(&[m.into_array()]).remove(0);
    if m.ndim() < 2 {
        let nonzero = lax::ne(&m, &Array::scalar(0, m.dtype(), false));
        return lax::convert_element_type(&super::any(nonzero, ()), DType::I32);
    }
    let s = svdvals(&m);
    let last = s.ndim() - 1;
    let threshold = match rtol {
        Some(rtol) => lax::full(&s.shape()[..last], rtol, s.dtype()),
        None => {
            let size = m.shape()[m.ndim() - 1].max(m.shape()[m.ndim() - 2]) as f64;
            lax::reduce_max(&s, &[last]) * (size * lax_linalg::epsilon(s.dtype()))
        }
    };
    let above = lax::gt(&s, &lax::broadcast_in_dim(&threshold, s.shape(), &(0..last).collect::<Vec<_>>()));
    super::sum(above, last as i64)
}

/// The Moore-Penrose pseudo-inverse: `f32[…, m, n] → f32[…, n, m]`; singular values up to `rtol · s[0]` count as zero (`rtol` is
/// `10 max(m, n) ε` where not given).
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let a = Array::from([[2, 0], [0, 0], [0, 4]]);
/// assert_eq!(jnp::linalg::pinv(&a, None).round_to(4).to_string(), "[[0.5  0.   0.  ]\n [0.   0.   0.25]]");
/// ```
///
/// # Panics
/// If there are fewer than two dimensions.
#[track_caller]
pub fn pinv(a: impl IntoArray, rtol: Option<f64>) -> Array {
    let _line = crate::trace::keep_line();
    let a = matrix("pinv", a);
    let f =
        custom_jvp(move |a: &Array| pseudo_inverse(a, rtol)).defjvp(move |(a,): (Array,), (t,): (Array,)| {
            let p = pinv(&a, rtol);
            let (m, n) = lax_linalg::sizes_of(&a);
            let (ph, th) = (adjoint(&p), adjoint(&t));
            let dot = if m >= n {
                let s = mm(&mm(&p, &ph), &th);
                let u = mm(&mm(&th, &ph), &p);
                s.clone() + &u - mm(&mm(&p, &t), &p) - mm(&mm(&s, &a), &p) - mm(&mm(&p, &a), &u)
            } else {
                let s = mm(&p, &mm(&ph, &th));
                let u = mm(&th, &mm(&ph, &p));
                s.clone() + &u - mm(&p, &mm(&t, &p)) - mm(&s, &mm(&a, &p)) - mm(&p, &mm(&a, &u))
            };
            (p, dot)
        });
    f(&a)
}

fn pseudo_inverse(a: &Array, rtol: Option<f64>) -> Array {
    let (m, n) = lax_linalg::sizes_of(a);
    if a.size() == 0 {
        return lax::full_like(&lax_linalg::mt(a), 0);
    }
    let rtol = rtol.unwrap_or(10.0 * m.max(n) as f64 * lax_linalg::epsilon(a.dtype()));
    let (u, s, vh) = svd(a, false);
    let last = s.ndim() - 1;
    let largest = lax::slice_in_dim(&s, 0, Some(1), 1, last) * rtol;
    let kept = lax::gt(&s, &super::broadcast_to(largest, s.shape()));
    let s = lax::select(&kept, &s, &lax::full_like(&s, f64::INFINITY));
    let uh = adjoint(&u);
    let divided = lax::div(&uh, &lax_linalg::as_columns(&lax_linalg::cast_to(&s, a.dtype()), &uh));
    mm(&adjoint(&vh), &divided)
}

/// `(x, residuals, rank, s)`: the `x` that minimises `‖a x − b‖`, the squares of what is left for each column, the rank of `a` and its
/// singular values. Those up to `rcond · s[0]` count as zero (`ε max(m, n)` where not given).
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (a, b) = (Array::from([[1, 0], [1, 1], [1, 2]]), Array::from([1, 3, 5]));
/// let (x, residuals, rank, _) = jnp::linalg::lstsq(&a, &b, None);
/// assert_eq!((x.round_to(3).to_vec::<f32>(), rank.item::<i32>()), (vec![1.0, 2.0], 2));
/// assert_eq!(residuals.round_to(3).to_vec::<f32>(), [0.0]);
/// ```
///
/// # Panics
/// If the operands are not `[m, n]` and `[m]` or `[m, k]`.
#[track_caller]
pub fn lstsq(a: impl IntoArray, b: impl IntoArray, rcond: Option<f64>) -> (Array, Array, Array, Array) {
    let both = promote_inexact(&[a.into_array(), b.into_array()]);
    let [a, b] = <[Array; 2]>::try_from(both).expect("two operands");
    if a.ndim() != 2 || !matches!(b.ndim(), 1 | 2) || b.shape()[0] != a.shape()[0] {
        refuse!("lstsq" => "takes a matrix [m, n] and right sides [m] or [m, k], got shapes {} and {}", show(a.shape()), show(b.shape()))
    }
    let (m, n) = lax_linalg::sizes_of(&a);
    let vector = b.ndim() == 1;
    let wide = if vector { lax::expand_dims(&b, &[1]) } else { b };
    let epsilon = lax_linalg::epsilon(a.dtype());
    let (x, rank, s) = if a.size() == 0 {
        let x = lax::full(&[n, wide.shape()[1]], 0, a.dtype());
        (x, Array::scalar(0, DType::I32, false), lax::full(&[0], 0, a.dtype().real()))
    } else {
        let rcond = match rcond {
            None => epsilon * m.max(n) as f64,
            Some(r) if r < 0.0 => epsilon,
            Some(r) => r,
        };
        let (u, s, vh) = svd(&a, false);
        let least = super::broadcast_to(lax::slice_in_dim(&s, 0, Some(1), 1, 0) * rcond, s.shape());
        let positive = lax::gt(&s, &Array::scalar(0, s.dtype(), false));
        let kept = lax::and(&positive, &lax::ge(&s, &least));
        let (one, zero) = (lax::full_like(&s, 1), lax::full_like(&s, 0));
        let inverse = lax::select(&kept, &lax::div(&one, &lax::select(&kept, &s, &one)), &zero);
        let projected = mm(&adjoint(&u), &wide);
        let inverse = lax_linalg::as_columns(&lax_linalg::cast_to(&inverse, a.dtype()), &projected);
        let x = mm(&adjoint(&vh), &lax::mul(&inverse, &projected));
        (x, super::sum(kept, ()), s)
    };
    let left = lax::sub(&wide, &mm(&a, &x));
    let residuals = lax::reduce_sum(&lax_linalg::squares(&left), &[0]);
    if vector { (lax::squeeze(&x, &[1]), residuals, rank, s) } else { (x, residuals, rank, s) }
}

/// `a` multiplied `n` times by itself; a negative `n` multiplies the inverse.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let a = Array::from([[1, 1], [1, 0]]);
/// assert_eq!(jnp::linalg::matrix_power(&a, 10).to_string(), "[[89 55]\n [55 34]]");
/// ```
///
/// # Panics
/// If the last two dimensions differ.
#[track_caller]
pub fn matrix_power(a: impl IntoArray, n: i64) -> Array {
    let a = a.into_array();
    if a.ndim() < 2 || a.shape()[a.ndim() - 1] != a.shape()[a.ndim() - 2] {
        refuse!("matrix_power" => "takes square matrices, got shape {}", show(a.shape()))
    }
    if n == 0 {
        return eye_like(&a);
    }
    let (mut base, mut left) = (if n < 0 { inv(&a) } else { a }, n.unsigned_abs());
    let mut out: Option<Array> = None;
    loop {
        if left & 1 == 1 {
            out = Some(match out {
                Some(out) => matmul(out, &base),
                None => base.clone(),
            });
        }
        left >>= 1;
        if left == 0 {
            return out.expect("the power is not zero");
        }
        base = matmul(&base, &base);
    }
}

/// The product of matrices, in the order that takes the fewest multiplications; the first and the last may be vectors.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let (a, b, v) = (jnp::ones([50, 40]), jnp::ones([40, 50]), jnp::ones(50));
/// assert_eq!(jnp::linalg::multi_dot(&[a, b, v]).get(0).item::<f32>(), 2000.0);
/// ```
///
/// # Panics
/// If there are fewer than two, or they do not fit.
#[track_caller]
pub fn multi_dot(arrays: &[Array]) -> Array {
    let count = arrays.len();
    let inner = arrays.iter().skip(1).take(count.saturating_sub(2)).all(|a| a.ndim() == 2);
    let ends = arrays.first().into_iter().chain(arrays.last()).all(|a| matches!(a.ndim(), 1 | 2));
    let meets = |w: &[Array]| w[0].shape().last() == w[1].shape().first();
    if count < 2 || !inner || !ends || !arrays.windows(2).all(meets) {
        let shapes: Vec<String> = arrays.iter().map(|a| show(a.shape())).collect();
        refuse!("multi_dot" => "takes at least two matrices of fitting sizes, of which the first and the last may be vectors, \
            got shapes {}", shapes.join(", "))
    }
    // Sizes at the seams, a vector counting as one row or column.
    let mut seams: Vec<usize> = arrays.iter().map(|a| if a.ndim() == 1 { 1 } else { a.shape()[0] }).collect();
    if arrays[0].ndim() == 2 {
        seams[0] = arrays[0].shape()[0];
    }
    if arrays[count - 1].ndim() == 1 {
        seams[count - 1] = arrays[count - 1].shape()[0];
        seams.push(1);
    } else {
        seams.push(arrays[count - 1].shape()[1]);
    }
    let mut cost = vec![vec![0u128; count]; count];
    let mut cut = vec![vec![0; count]; count];
    for length in 1..count {
        for i in 0..count - length {
            let j = i + length;
            let price = |k: usize| {
                cost[i][k]
                    + cost[k + 1][j]
                    + (seams[i] as u128) * (seams[k + 1] as u128) * (seams[j + 1] as u128)
            };
            let best = (i..j).min_by_key(|&k| price(k)).expect("there is a cut");
            let best_price = price(best);
            (cost[i][j], cut[i][j]) = (best_price, best);
        }
    }
    #[track_caller]
    fn product(arrays: &[Array], cut: &[Vec<usize>], i: usize, j: usize) -> Array {
        if i == j {
            return arrays[i].clone();
        }
        matmul(product(arrays, cut, i, cut[i][j]), product(arrays, cut, cut[i][j] + 1, j))
    }
    product(arrays, &cut, 0, count - 1)
}

/// The sum of the elements on the diagonal that lies `offset` above the main one, of the last two dimensions.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2], [3, 4]]);
/// assert_eq!(jnp::linalg::trace(&x, 0).item::<i32>(), 5);
/// assert_eq!(jnp::linalg::trace(&x, -1).item::<i32>(), 3);
/// ```
///
/// # Panics
/// If there are fewer than two dimensions.
#[track_caller]
pub fn trace(x: impl IntoArray, offset: i64) -> Array {
    super::sum(diagonal(x, offset), -1)
}

/// The diagonal of every matrix in the last two dimensions that lies `offset` above the main one.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let x = jnp::arange(8).reshape([2, 2, 2]);
/// assert_eq!(jnp::linalg::diagonal(&x, 0).to_string(), "[[0 3]\n [4 7]]");
/// ```
///
/// # Panics
/// If there are fewer than two dimensions.
#[track_caller]
pub fn diagonal(x: impl IntoArray, offset: i64) -> Array {
    super::shape::diagonal_of_last(x, offset)
}

/// The products of vectors along an axis, those of the first conjugated; the other dimensions broadcast.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, y) = (Array::from([[1, 2], [3, 4]]), Array::from([[10, 20], [1, 1]]));
/// assert_eq!(jnp::linalg::vecdot(&x, &y, 0).to_vec::<i32>(), [13, 44]);
/// ```
///
/// # Panics
/// If the axis is out of bounds, or the shapes do not broadcast.
#[track_caller]
pub fn vecdot(x1: impl IntoArray, x2: impl IntoArray, axis: i64) -> Array {
    let both = promote(&[x1.into_array(), x2.into_array()]);
    let both = promote_shapes(both);
    let at = canonical("vecdot", axis, both[0].ndim());
    super::sum(super::multiply(super::conj(&both[0]), &both[1]), at as i64)
}

/// The solution `x` of `tensordot(a, x, x.ndim) = b`: of the shape of `a` without the dimensions of `b` in front.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let a = (jnp::eye(4) * 2.0).reshape([2, 2, 4]);
/// let b = Array::from([[2.0f32, 4.0], [6.0, 8.0]]);
/// assert_eq!(jnp::linalg::tensorsolve(&a, &b).to_vec::<f32>(), [1.0, 2.0, 3.0, 4.0]);
/// ```
///
/// # Panics
/// If the first dimensions of `a` are not those of `b`, or the others have another number of elements.
#[track_caller]
pub fn tensorsolve(a: impl IntoArray, b: impl IntoArray) -> Array {
    let (a, b) = (a.into_array(), b.into_array());
    if a.ndim() < b.ndim() || a.shape()[..b.ndim()] != *b.shape() {
        refuse!("tensorsolve" => "the first dimensions of a, of shape {}, must be those of b, {}", show(a.shape()), show(b.shape()))
    }
    let out = a.shape()[b.ndim()..].to_vec();
    let count: usize = out.iter().product();
    if count != b.size() {
        refuse!("tensorsolve" => "the other dimensions of a, {}, must have as many elements as b, {}", show(&out), b.size())
    }
    let x = solve(lax::reshape(&a, &[count, count]), lax::reshape(&b, &[count]));
    lax::reshape(&x, &out)
}

/// The inverse for `tensordot` over the first `ind` dimensions: of the shape of `a` with these moved to the end.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let a = (jnp::eye(6) * 2.0).reshape([6, 2, 3]);
/// let inverse = jnp::linalg::tensorinv(&a, 1);
/// assert_eq!((inverse.shape(), inverse.get((0, 0, 0)).item::<f32>()), (&[2, 3, 6][..], 0.5));
/// ```
///
/// # Panics
/// If the first `ind` dimensions have another number of elements than the others.
#[track_caller]
pub fn tensorinv(a: impl IntoArray, ind: usize) -> Array {
    let a = a.into_array();
    let (first, rest) = a.shape().split_at(ind.min(a.ndim()));
    let (m, n): (usize, usize) = (first.iter().product(), rest.iter().product());
    if ind == 0 || m != n {
        refuse!("tensorinv" => "the first {ind} dimensions must have as many elements as the others, got shape {}", show(a.shape()))
    }
    let shape: Vec<usize> = rest.iter().chain(first).copied().collect();
    lax::reshape(&inv(lax::reshape(&a, &[m, n])), &shape)
}
