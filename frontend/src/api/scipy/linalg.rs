//! `jax.scipy.linalg`: factorisations and solves in SciPy's form, the matrix exponential, and matrices of given structure.
//!
//! Absent, because they stand on the Schur decomposition, which has no program over StableHLO here: `sqrtm`, `schur`, `funm`, `rsf2csf`,
//! `hessenberg`, `solve_sylvester`.

use crate::api::control::fori_loop;
use crate::api::dtypes::{default_float, promote, promote_inexact};
use crate::api::numpy::linalg::{self as jnp_linalg, meet, square};
use crate::api::numpy::{self as jnp, IntoArray};
use crate::error::Error;
use crate::ir::{Array, DType};
use crate::lax::linalg::{self as lax_linalg, TriangularSolve, adjoint, eye_like, mm};
use crate::lax::{self, rules::refuse, rules::show};
use crate::trace::here;

pub use crate::api::numpy::linalg::{det, inv};

/// The triangular factor of a positive definite matrix: the upper one, or the lower one.
#[track_caller]
pub fn cholesky(a: impl IntoArray, lower: bool) -> Array {
    let (a, _) = square("cholesky", a);
    // As in SciPy only one triangle is read.
    let l = lax_linalg::cholesky_unsymmetrized(&if lower { a } else { adjoint(&a) });
    if lower { l } else { adjoint(&l) }
}

/// The triangular factor, and whether it is the lower one, for [`cho_solve`].
#[track_caller]
pub fn cho_factor(a: impl IntoArray, lower: bool) -> (Array, bool) {
    (cholesky(a, lower), lower)
}

/// The solution of `a x = b` from what [`cho_factor`] gives for `a`.
#[track_caller]
pub fn cho_solve(c_and_lower: (&Array, bool), b: impl IntoArray) -> Array {
    let (c, lower) = c_and_lower;
    let both = promote_inexact(&[c.clone(), b.into_array()]);
    let [c, b] = <[Array; 2]>::try_from(both).expect("two operands");
    let first = solve_triangular(&c, &b, if lower { 0 } else { 2 }, lower, false);
    solve_triangular(&c, first, if lower { 2 } else { 0 }, lower, false)
}

/// `(p, l, u)` with `a = p l u`: a permutation, and triangular factors.
#[track_caller]
pub fn lu(a: impl IntoArray) -> (Array, Array, Array) {
    let a = jnp_linalg::matrix("lu", a);
    let (m, n) = lax_linalg::sizes_of(&a);
    let (factors, _, permutation) = lax_linalg::lu(&a);
    let k = m.min(n);
    let l = lax_linalg::tril(&lax_linalg::columns(&factors, 0, k), -1);
    let l = lax::add(&l, &eye_like(&l));
    let u = lax_linalg::triu(&lax_linalg::rows(&factors, 0, k), 0);
    let real = a.dtype().real();
    let shape: Vec<usize> = permutation.shape().iter().copied().chain([m]).collect();
    let lead: Vec<usize> = (0..permutation.ndim() - 1).collect();
    let columns: Vec<usize> = lead.iter().copied().chain([permutation.ndim()]).collect();
    let from = lax::broadcast_in_dim(&permutation, &shape, &columns);
    let to = lax::broadcasted_iota(DType::I32, &shape, permutation.ndim() - 1);
    (lax::convert_element_type(&lax::eq(&from, &to), real), l, u)
}

/// The factors of `a` in one array, and for each row the one with which it was exchanged, for [`lu_solve`].
#[track_caller]
pub fn lu_factor(a: impl IntoArray) -> (Array, Array) {
    let (a, _) = square("lu_factor", a);
    let (factors, pivots, _) = lax_linalg::lu(&a);
    (factors, pivots)
}

/// The solution of `a x = b` (`trans` 0), `aᵀ x = b` (1) or `aᴴ x = b` (2) from what [`lu_factor`] gives for `a`.
#[track_caller]
pub fn lu_solve(lu_and_piv: (&Array, &Array), b: impl IntoArray, trans: usize) -> Array {
    let (factors, pivots) = lu_and_piv;
    let permutation = lax_linalg::lu_pivots_to_permutation(pivots, factors.shape()[factors.ndim() - 2]);
    let both = promote_inexact(&[factors.clone(), b.into_array()]);
    lax_linalg::lu_solve(&both[0], &permutation, &both[1], trans)
}

/// `(q, r)` with `a = q r`, in mode `"full"` (a square `q`) or `"economic"`.
#[track_caller]
pub fn qr(a: impl IntoArray, mode: &str) -> (Array, Array) {
    match mode {
        "full" => jnp_linalg::qr_mode(a, "complete"),
        "economic" => jnp_linalg::qr(a),
        _ => refuse!("qr" => "mode must be \"full\" or \"economic\", got \"{mode}\""),
    }
}

/// `(u, s, vh)` with `a = u diag(s) vh`.
#[track_caller]
pub fn svd(a: impl IntoArray, full_matrices: bool) -> (Array, Array, Array) {
    jnp_linalg::svd(a, full_matrices)
}

/// `(w, v)`: eigenvalues, ascending, and eigenvectors of a Hermitian matrix.
#[track_caller]
pub fn eigh(a: impl IntoArray, lower: bool) -> (Array, Array) {
    jnp_linalg::eigh_with(a, if lower { "L" } else { "U" }, false)
}

/// The eigenvalues of the symmetric tridiagonal matrix with diagonal `d: f32[n]` and off-diagonal `e: f32[n-1]`, ascending.
#[track_caller]
pub fn eigh_tridiagonal(d: impl IntoArray, e: impl IntoArray) -> Array {
    let both = promote_inexact(&[d.into_array(), e.into_array()]);
    if both[0].ndim() != 1 || both[1].ndim() != 1 || both[1].size() + 1 != both[0].size() {
        refuse!("eigh_tridiagonal" => "takes a diagonal [n] and an off-diagonal [n-1], got {} and {}", both[0].aval(), both[1].aval())
    }
    let below = jnp::diag(&both[1], -1);
    let a = lax::add(&jnp::diag(&both[0], 0), &lax::add(&below, &lax_linalg::mt(&below)));
    jnp_linalg::eigvalsh(a)
}

/// The solution of `a x = b`; `assume_a` is `"gen"`, `"sym"`, `"her"` or `"pos"` (positive definite, by Cholesky factorisation).
#[track_caller]
pub fn solve(a: impl IntoArray, b: impl IntoArray, assume_a: &str) -> Array {
    match assume_a {
        "gen" | "sym" | "her" => jnp_linalg::solve(a, b),
        "pos" => {
            let (c, lower) = cho_factor(a, false);
            cho_solve((&c, lower), b)
        }
        _ => refuse!("solve" => "assume_a must be \"gen\", \"sym\", \"her\" or \"pos\", got \"{assume_a}\""),
    }
}

/// The solution of `a x = b` (`trans` 0), `aᵀ x = b` (1) or `aᴴ x = b` (2) for a triangular `a`.
#[track_caller]
pub fn solve_triangular(
    a: impl IntoArray,
    b: impl IntoArray,
    trans: usize,
    lower: bool,
    unit_diagonal: bool,
) -> Array {
    let both = promote_inexact(&[a.into_array(), b.into_array()]);
    let [a, b] = <[Array; 2]>::try_from(both).expect("two operands");
    let (a, _) = square("solve_triangular", a);
    if trans > 2 {
        refuse!("solve_triangular" => "trans must be 0, 1 or 2, got {trans}")
    }
    let how = TriangularSolve {
        left_side: true,
        lower,
        transpose_a: trans > 0,
        conjugate_a: trans == 2,
        unit_diagonal,
    };
    let vector = b.ndim() == 1 || b.ndim() + 1 == a.ndim();
    let wide = if vector { lax::expand_dims(&b, &[b.ndim()]) } else { b };
    let (a, b) = meet("solve_triangular", &a, &wide, (2, 2));
    let x = lax_linalg::triangular_solve(&a, &b, how);
    if vector { lax::squeeze(&x, &[x.ndim() - 1]) } else { x }
}

/// The exponential of square matrices, by Padé approximation with scaling and squaring (Higham, SIAM J. Matrix Anal. Appl. 26, 2005).
///
/// NaN where more than 16 squarings would be needed.
#[track_caller]
pub fn expm(a: impl IntoArray) -> Array {
    const MAX_SQUARINGS: i64 = 16;
    const SEVEN: [f64; 8] = [17297280.0, 8648640.0, 1995840.0, 277200.0, 25200.0, 1512.0, 56.0, 1.0];
    const THIRTEEN: [f64; 14] = [
        64764752532480000.0,
        32382376266240000.0,
        7771770303897600.0,
        1187353796428800.0,
        129060195264000.0,
        10559470521600.0,
        670442572800.0,
        33522128640.0,
        1323241920.0,
        40840800.0,
        960960.0,
        16380.0,
        182.0,
        1.0,
    ];
    let (a, n) = square("expm", a);
    if n == 0 {
        return a;
    }
    let double = a.dtype().real() == DType::F64;
    let bound = if double { 5.371920351148152 } else { 3.925724783138660 };
    let norm = lax::stop_gradient(&jnp_linalg::norm(&a, 1, [-2, -1]));
    let squarings = jnp::maximum(lax::floor(&jnp::log2(&norm / bound)), 0.0);
    let factor = lax::exp2(&lax::neg(&squarings));
    let lead: Vec<usize> = (0..a.ndim() - 2).collect();
    let stretch = |x: &Array| lax::broadcast_in_dim(x, a.shape(), &lead);
    let scaled = lax::mul(&a, &stretch(&lax_linalg::cast_to(&factor, a.dtype())));
    let eye = eye_like(&a);
    let a2 = mm(&scaled, &scaled);
    let a4 = mm(&a2, &a2);
    let a6 = mm(&a4, &a2);
    let powers = [&eye, &a2, &a4, &a6];
    // Even powers with every second coefficient from `first` on.
    let sum = |b: &[f64], first: usize, powers: &[&Array]| {
        let terms = powers.iter().enumerate().map(|(i, p)| *p * b[first + 2 * i]);
        terms.reduce(|x, y| x + y).expect("there are powers")
    };
    let (u, v) = if double {
        let b = &THIRTEEN;
        let high = |first| mm(&a6, &sum(b, first, &[&a2, &a4, &a6]));
        (mm(&scaled, &(high(9) + sum(b, 1, &powers))), high(8) + sum(b, 0, &powers))
    } else {
        (mm(&scaled, &sum(&SEVEN, 1, &powers)), sum(&SEVEN, 0, &powers))
    };
    let start = jnp_linalg::solve(&v - &u, &u + &v);
    let counts = stretch(&squarings);
    let out = fori_loop(
        0,
        MAX_SQUARINGS,
        |i, r: Array| {
            let i = lax::convert_element_type(&i, counts.dtype());
            lax::select(&lax::lt(&maybe(&i, &counts), &counts), &mm(&r, &r), &r)
        },
        start,
    );
    let too_many = lax::gt(&counts, &Array::scalar(MAX_SQUARINGS, counts.dtype(), false));
    lax::select(&too_many, &lax::full_like(&out, f64::NAN), &out)
}

/// A scalar stretched to the shape of another array.
fn maybe(x: &Array, like: &Array) -> Array {
    lax::broadcast_in_dim(x, like.shape(), &[])
}

/// The exponential of a matrix, and its derivative in the direction `e`.
#[track_caller]
pub fn expm_frechet(a: impl IntoArray, e: impl IntoArray) -> (Array, Array) {
    let both = promote_inexact(&[a.into_array(), e.into_array()]);
    let f = |a: &Array| expm(a);
    crate::api::jvp(f, (both[0].clone(),), (both[1].clone(),))
}

/// `(u, p)` with `a = u p` (`side` `"right"`) or `a = p u` (`"left"`), `u` unitary and `p` Hermitian, not negative.
#[track_caller]
pub fn polar(a: impl IntoArray, side: &str) -> (Array, Array) {
    let a = jnp_linalg::matrix("polar", a);
    let (u, s, vh) = lax_linalg::svd(&a, false);
    let scaled = |q: &Array| lax::mul(q, &lax_linalg::as_rows(&lax_linalg::cast_to(&s, q.dtype()), q));
    let p = match side {
        "right" => {
            let v = adjoint(&vh);
            mm(&scaled(&v), &vh)
        }
        "left" => mm(&scaled(&u), &adjoint(&u)),
        _ => refuse!("polar" => "side must be \"right\" or \"left\", got \"{side}\""),
    };
    (mm(&u, &vh), p)
}

/// The square root of a matrix: not supported.
///
/// # Panics
/// Always.
#[track_caller]
pub fn sqrtm(a: impl IntoArray) -> Array {
    let _ = a.into_array();
    Error::unsupported("sqrtm: it needs the Schur decomposition, which is not supported").at(here()).raise()
}

/// Matrices along the diagonal of a larger one, zeros beside them.
#[track_caller]
pub fn block_diag(arrays: &[Array]) -> Array {
    let parts: Vec<Array> = promote(arrays).iter().map(jnp::atleast_2d).collect();
    if parts.is_empty() {
        return lax::full(&[1, 0], 0, default_float());
    }
    if let Some(bad) = parts.iter().find(|p| p.ndim() > 2) {
        refuse!("block_diag" => "takes arrays of at most two dimensions, got shape {}", show(bad.shape()))
    }
    let width: usize = parts.iter().map(|p| p.shape()[1]).sum();
    let mut before = 0;
    let rows: Vec<Array> = parts
        .iter()
        .map(|p| {
            let after = width - before - p.shape()[1];
            let config = [(0, 0, 0), (before as i64, after as i64, 0)];
            before += p.shape()[1];
            lax::pad(p, &Array::scalar(0, p.dtype(), false), &config)
        })
        .collect();
    lax::concatenate(&rows, 0)
}

/// The elements of a vector at the places that a function of row and column gives, of which the operands are index arrays.
fn arrange(values: &Array, rows: usize, columns: usize, place: impl Fn(&Array, &Array) -> Array) -> Array {
    let index = |d| lax::broadcasted_iota(DType::I32, &[rows, columns], d);
    let places = lax::reshape(&place(&index(0), &index(1)), &[rows * columns]);
    let column = lax::reshape(values, &[values.size(), 1]);
    lax::reshape(&lax_linalg::take_rows(&column, &places), &[rows, columns])
}

fn int(value: usize) -> Array {
    Array::scalar(value as i64, DType::I32, false)
}

#[track_caller]
fn vector(name: &'static str, x: impl IntoArray) -> Array {
    let x = x.into_array();
    if x.ndim() != 1 || x.size() == 0 {
        refuse!(name => "takes a vector that is not empty, got shape {}", show(x.shape()))
    }
    x
}

/// The matrix that is constant along its diagonals, with first column `c` and first row `r` (the conjugate of `c` where not given).
#[track_caller]
pub fn toeplitz(c: impl IntoArray, r: Option<&Array>) -> Array {
    let c = vector("toeplitz", c);
    let r = r.map_or_else(|| jnp::conj(&c), |r| vector("toeplitz", r));
    let both = promote(&[c, r]);
    let (m, n) = (both[0].size(), both[1].size());
    let above = lax::rev(&lax::slice_in_dim(&both[1], 1, None, 1, 0), &[0]);
    let all = lax::concatenate(&[above, both[0].clone()], 0);
    arrange(&all, m, n, |row, column| lax::add(&lax::sub(row, column), &int(n - 1)))
}

/// The matrix that is constant along its antidiagonals, with first column `c` and last row `r` (zeros where not given).
#[track_caller]
pub fn hankel(c: impl IntoArray, r: Option<&Array>) -> Array {
    let c = vector("hankel", c);
    let r = r.map_or_else(|| lax::full_like(&c, 0), |r| vector("hankel", r));
    let both = promote(&[c, r]);
    let (m, n) = (both[0].size(), both[1].size());
    let all = lax::concatenate(&[both[0].clone(), lax::slice_in_dim(&both[1], 1, None, 1, 0)], 0);
    arrange(&all, m, n, lax::add)
}

/// The matrix whose columns are rotations of `c`.
#[track_caller]
pub fn circulant(c: impl IntoArray) -> Array {
    let c = vector("circulant", c);
    let n = c.size();
    arrange(&c, n, n, |row, column| lax::rem(&lax::add(&lax::sub(row, column), &int(n)), &int(n)))
}

/// The matrix of `|a[i] - a[j]|`.
#[track_caller]
pub fn fiedler(a: impl IntoArray) -> Array {
    let a = vector("fiedler", a);
    lax::abs(&lax::sub(&lax::expand_dims(&a, &[1]), &lax::expand_dims(&a, &[0])))
}

/// The matrix with `f` in its first row and `s` below its diagonal.
#[track_caller]
pub fn leslie(f: impl IntoArray, s: impl IntoArray) -> Array {
    let both = promote(&[vector("leslie", f), s.into_array()]);
    let n = both[0].size();
    if both[1].ndim() != 1 || both[1].size() + 1 != n {
        refuse!("leslie" => "takes vectors [n] and [n-1], got shapes {} and {}", show(both[0].shape()), show(both[1].shape()))
    }
    let first = lax::expand_dims(&both[0], &[0]);
    if n == 1 {
        return first;
    }
    let config = [(0, 0, 0), (0, 1, 0)];
    let rest = lax::pad(&jnp::diag(&both[1], 0), &Array::scalar(0, first.dtype(), false), &config);
    lax::concatenate(&[first, rest], 0)
}

/// The companion matrix of the polynomial with coefficients `a`, highest power first.
#[track_caller]
pub fn companion(a: impl IntoArray) -> Array {
    let a = promote_inexact(&[vector("companion", a)]).remove(0);
    let n = a.size() - 1;
    if n == 0 {
        refuse!("companion" => "takes at least two coefficients, got shape {}", show(a.shape()))
    }
    let head = lax::slice_in_dim(&a, 0, Some(1), 1, 0);
    let tail = lax::neg(&lax::slice_in_dim(&a, 1, None, 1, 0));
    let first = lax::div(&tail, &jnp::broadcast_to(head, tail.shape()));
    leslie(first, lax::full(&[n - 1], 1, a.dtype()))
}

/// The matrix whose product with a vector of length `n` is its convolution with `a`; `mode` is `"full"`, `"same"` or `"valid"`.
#[track_caller]
pub fn convolution_matrix(a: impl IntoArray, n: usize, mode: &str) -> Array {
    let a = vector("convolution_matrix", a);
    if n == 0 {
        refuse!("convolution_matrix" => "n must be positive")
    }
    let m = a.size();
    let zero = Array::scalar(0, a.dtype(), false);
    let column = lax::pad(&a, &zero, &[(0, n as i64 - 1, 0)]);
    let first = lax::slice_in_dim(&a, 0, Some(1), 1, 0);
    let row = lax::pad(&first, &zero, &[(0, n as i64 - 1, 0)]);
    let full = toeplitz(column, Some(&row));
    let (start, count) = match mode {
        "full" => (0, m + n - 1),
        "same" => ((m.min(n) - 1) / 2, m.max(n)),
        "valid" => (m.min(n) - 1, m.max(n) - m.min(n) + 1),
        _ => refuse!("convolution_matrix" => "mode must be \"full\", \"same\" or \"valid\", got \"{mode}\""),
    };
    lax_linalg::rows(&full, start, start + count)
}

/// A square matrix of numbers computed on the host.
fn on_host(n: usize, f: impl Fn(usize, usize) -> f64) -> Array {
    let values: Vec<f64> = (0..n * n).map(|i| f(i / n, i % n)).collect();
    let dtype = default_float();
    if dtype == DType::F64 {
        return Array::from_slice(&values, [n, n]);
    }
    Array::from_slice(&values.iter().map(|&v| v as f32).collect::<Vec<f32>>(), [n, n])
}

/// The matrix of `1 / (i + j + 1)`.
#[track_caller]
pub fn hilbert(n: usize) -> Array {
    on_host(n, |i, j| 1.0 / (i + j + 1) as f64)
}

/// `n` over `k`.
fn binomial(n: usize, k: usize) -> f64 {
    if k > n { 0.0 } else { (0..k).fold(1.0, |c, i| (c * (n - i) as f64 / (i + 1) as f64).round()) }
}

/// The inverse of [`hilbert`].
#[track_caller]
pub fn invhilbert(n: usize) -> Array {
    on_host(n, |i, j| {
        let sign = if (i + j).is_multiple_of(2) { 1.0 } else { -1.0 };
        let product = binomial(n + i, n - j - 1) * binomial(n + j, n - i - 1);
        sign * (i + j + 1) as f64 * product * binomial(i + j, i).powi(2)
    })
}

/// Pascal's triangle as a matrix: `kind` is `"symmetric"`, `"lower"` or `"upper"`.
#[track_caller]
pub fn pascal(n: usize, kind: &str) -> Array {
    match kind {
        "symmetric" => on_host(n, |i, j| binomial(i + j, i)),
        "lower" => on_host(n, binomial),
        "upper" => on_host(n, |i, j| binomial(j, i)),
        _ => refuse!("pascal" => "kind must be \"symmetric\", \"lower\" or \"upper\", got \"{kind}\""),
    }
}

/// The inverse of [`pascal`].
#[track_caller]
pub fn invpascal(n: usize, kind: &str) -> Array {
    let sign = |i: usize, j: usize| if (i + j).is_multiple_of(2) { 1.0 } else { -1.0 };
    match kind {
        // The product of the inverses of both triangles.
        "symmetric" => on_host(n, |i, j| {
            sign(i, j) * (i.max(j)..n).map(|k| binomial(k, i) * binomial(k, j)).sum::<f64>()
        }),
        "lower" => on_host(n, |i, j| sign(i, j) * binomial(i, j)),
        "upper" => on_host(n, |i, j| sign(i, j) * binomial(j, i)),
        _ => refuse!("invpascal" => "kind must be \"symmetric\", \"lower\" or \"upper\", got \"{kind}\""),
    }
}

/// Helmert's matrix, without its first, constant row unless `full`.
#[track_caller]
pub fn helmert(n: usize, full: bool) -> Array {
    let all = on_host(n, |i, j| {
        if i == 0 {
            return 1.0 / (n as f64).sqrt();
        }
        let scale = 1.0 / ((i * (i + 1)) as f64).sqrt();
        match j {
            j if j < i => scale,
            j if j == i => -(i as f64) * scale,
            _ => 0.0,
        }
    });
    if full || n == 0 { all } else { lax_linalg::rows(&all, 1, n) }
}

/// Hadamard's matrix of ones and minus ones, for a power of two, as integers.
#[track_caller]
pub fn hadamard(n: usize) -> Array {
    if !n.is_power_of_two() {
        refuse!("hadamard" => "n must be a power of two, got {n}")
    }
    let values: Vec<i32> =
        (0..n * n).map(|i| if ((i / n) & (i % n)).count_ones().is_multiple_of(2) { 1 } else { -1 }).collect();
    Array::from_slice(&values, [n, n])
}

/// The matrix of the discrete Fourier transform; `scale` is `()`-like `None`, `"sqrtn"` or `"n"`.
#[track_caller]
pub fn dft(n: usize, scale: Option<&str>) -> Array {
    let factor = match scale {
        None => 1.0,
        Some("sqrtn") => 1.0 / (n as f64).sqrt(),
        Some("n") => 1.0 / n as f64,
        Some(other) => refuse!("dft" => "scale must be \"sqrtn\" or \"n\", got \"{other}\""),
    };
    let angle = |i: usize, j: usize| -std::f64::consts::TAU * ((i * j) % n) as f64 / n as f64;
    lax::complex(
        &on_host(n, |i, j| factor * angle(i, j).cos()),
        &on_host(n, |i, j| factor * angle(i, j).sin()),
    )
}
