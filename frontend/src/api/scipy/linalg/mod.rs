//! `jax.scipy.linalg`: factorisations and solves in SciPy's form, the matrix exponential, and matrices of given structure.
//!
//! Deliberately absent: `eigh` of pairs of matrices.

mod functions;
mod structured;

pub(crate) use structured::under_first_row;

pub use functions::{
    expm, expm_frechet, expm_with, funm, hessenberg, polar, rsf2csf, schur, solve_sylvester, sqrtm,
};
pub use structured::{
    block_diag, circulant, companion, convolution_matrix, dft, fiedler, fiedler_companion, hadamard, hankel,
    helmert, hilbert, invhilbert, invpascal, leslie, pascal, toeplitz,
};

use crate::api::custom::custom_jvp;
use crate::api::dtypes::promote_inexact;
use crate::api::numpy::linalg::{self as jnp_linalg, meet, square};
use crate::api::numpy::{self as jnp, IntoArray};
use crate::ir::{Array, DType};
use crate::lax::linalg::{self as lax_linalg, TriangularSolve, adjoint, eye_like};
use crate::lax::{self, rules::refuse, rules::show};

pub use crate::api::numpy::linalg::{det, inv};

/// The triangular factor of positive definite matrices: `l` of `a = l lᴴ` if `lower`, else `u` of `a = uᴴ u`. Only that triangle of `a` is
/// read; NaN where the matrix is not positive definite.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let a = Array::from([[4.0f32, 2.0], [2.0, 5.0]]);
/// assert_eq!(linalg::cholesky(&a, false).to_string(), "[[2. 1.]\n [0. 2.]]");
/// ```
///
/// # Panics
/// If the matrices are not square.
#[track_caller]
pub fn cholesky(a: impl IntoArray, lower: bool) -> Array {
    let (a, _) = square("cholesky", a);
    // As in SciPy only one triangle is read.
    let l = lax_linalg::cholesky_unsymmetrized(&if lower { a } else { adjoint(&a) });
    if lower { l } else { adjoint(&l) }
}

/// The triangular factor, and whether it is the lower one, for [`cho_solve`].
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let a = Array::from([[4.0f32, 2.0], [2.0, 5.0]]);
/// let (c, lower) = linalg::cho_factor(&a, true);
/// assert_eq!((c.to_string(), lower), ("[[2. 0.]\n [1. 2.]]".into(), true));
/// ```
///
/// # Panics
/// If the matrices are not square.
#[track_caller]
pub fn cho_factor(a: impl IntoArray, lower: bool) -> (Array, bool) {
    (cholesky(a, lower), lower)
}

/// The solution of `a x = b` from what [`cho_factor`] gives for `a`.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let a = Array::from([[4.0f32, 2.0], [2.0, 5.0]]);
/// let (c, lower) = linalg::cho_factor(&a, true);
/// let x = linalg::cho_solve((&c, lower), Array::from([8.0f32, 12.0]));
/// assert_eq!(x.to_vec::<f32>(), [1.0, 2.0]);
/// ```
///
/// # Panics
/// If shapes do not fit.
#[track_caller]
pub fn cho_solve(c_and_lower: (&Array, bool), b: impl IntoArray) -> Array {
    let (c, lower) = c_and_lower;
    let both = promote_inexact(&[c.clone(), b.into_array()]);
    let [c, b] = <[Array; 2]>::try_from(both).expect("two operands");
    let first = solve_triangular(&c, &b, if lower { 0 } else { 2 }, lower, false);
    solve_triangular(&c, first, if lower { 2 } else { 0 }, lower, false)
}

/// `(p, l, u)` with `a = p l u`: a permutation, and triangular factors: `f32[…, m, n] → f32[…, m, m], f32[…, m, k], f32[…, k, n]` where `k
/// = min(m, n)`.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let (p, l, u) = linalg::lu(Array::from([[1.0f32, 2.0], [4.0, 4.0]]));
/// assert_eq!(l.to_string(), "[[1.   0.  ]\n [0.25 1.  ]]");
/// assert_eq!(p.matmul(&l).matmul(&u).to_string(), "[[1. 2.]\n [4. 4.]]");
/// ```
///
/// # Panics
/// If `a` has no two dimensions.
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
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let (lu, piv) = linalg::lu_factor(Array::from([[1.0f32, 2.0], [4.0, 4.0]]));
/// assert_eq!(lu.to_string(), "[[4.   4.  ]\n [0.25 1.  ]]");
/// assert_eq!(piv.to_vec::<i32>(), [1, 1]);
/// ```
///
/// # Panics
/// If the matrices are not square.
#[track_caller]
pub fn lu_factor(a: impl IntoArray) -> (Array, Array) {
    let (a, _) = square("lu_factor", a);
    let (factors, pivots, _) = lax_linalg::lu(&a);
    (factors, pivots)
}

/// The solution of `a x = b` (`trans` 0), `aᵀ x = b` (1) or `aᴴ x = b` (2) from what [`lu_factor`] gives for `a`.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let (lu, piv) = linalg::lu_factor(Array::from([[1.0f32, 2.0], [4.0, 4.0]]));
/// let x = linalg::lu_solve((&lu, &piv), Array::from([5.0f32, 12.0]), 0);
/// assert_eq!(x.to_vec::<f32>(), [1.0, 2.0]);
/// ```
///
/// # Panics
/// If `trans` is another number, or shapes do not fit.
#[track_caller]
pub fn lu_solve(lu_and_piv: (&Array, &Array), b: impl IntoArray, trans: usize) -> Array {
    let (factors, pivots) = lu_and_piv;
    let permutation = lax_linalg::lu_pivots_to_permutation(pivots, factors.shape()[factors.ndim() - 2]);
    let both = promote_inexact(&[factors.clone(), b.into_array()]);
    lax_linalg::lu_solve(&both[0], &permutation, &both[1], trans)
}

/// `(q, r)` with `a = q r`, in mode `"full"` (a square `q`) or `"economic"`: `f32[…, m, n] → f32[…, m, m], f32[…, m, n]`, or `f32[…, m, k],
/// f32[…, k, n]` where `k = min(m, n)`.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let (q, r) = linalg::qr(Array::from([[3.0f32], [4.0]]), "economic");
/// assert_eq!((q.round_to(3).to_vec::<f32>(), r.round_to(3).to_vec::<f32>()), (vec![-0.6, -0.8], vec![-5.0]));
/// ```
///
/// # Panics
/// If `a` has no two dimensions, or the mode is another.
#[track_caller]
pub fn qr(a: impl IntoArray, mode: &str) -> (Array, Array) {
    match mode {
        "full" => jnp_linalg::qr_mode(a, "complete"),
        "economic" => jnp_linalg::qr(a),
        _ => refuse!("qr" => "mode must be \"full\" or \"economic\", got \"{mode}\""),
    }
}

/// `(q, r, p)` with `a[:, p] = q r`, in the modes of [`qr`]: the columns in an order `p: i32[…, n]` in which the diagonal of `r` descends in
/// magnitude. JAX says it as `qr(a, pivoting=True)`.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let a = Array::from([[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 10.0]]);
/// let (_, r, p) = linalg::qr_pivoting(&a, "full");
/// assert_eq!(p.to_vec::<i32>(), [2, 0, 1]);
/// assert_eq!(r.diagonal(0).round_to(3).to_string(), "[-12.042  -1.054  -0.236]");
/// ```
///
/// # Panics
/// If `a` has no two dimensions, or the mode is another.
#[track_caller]
pub fn qr_pivoting(a: impl IntoArray, mode: &str) -> (Array, Array, Array) {
    let full_matrices = match mode {
        "full" => true,
        "economic" => false,
        _ => refuse!("qr" => "mode must be \"full\" or \"economic\", got \"{mode}\""),
    };
    lax_linalg::qr_pivoting(&jnp_linalg::matrix("qr", a), full_matrices)
}

/// `(q c, r)` in mode `"left"`, `(c q, r)` in mode `"right"`, for the factors of `a = q r`; `c` may be a vector. `conjugate` takes the
/// conjugate of `q`.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// // q c, of a column of the identity the first column of q.
/// let (a, c) = (Array::from([[3.0f32], [4.0]]), Array::from([[1.0f32]]));
/// let (qc, _) = linalg::qr_multiply(&a, &c, "left", false);
/// assert_eq!(qc.round_to(3).to_vec::<f32>(), [-0.6, -0.8]);
/// ```
///
/// # Panics
/// If the mode is another, or shapes do not fit.
#[track_caller]
pub fn qr_multiply(a: impl IntoArray, c: impl IntoArray, mode: &str, conjugate: bool) -> (Array, Array) {
    let both = promote_inexact(&[a.into_array(), c.into_array()]);
    let [a, c] = <[Array; 2]>::try_from(both).expect("two operands");
    let left = match mode {
        "left" => true,
        "right" => false,
        _ => refuse!("qr_multiply" => "mode must be \"left\" or \"right\", got \"{mode}\""),
    };
    let (q, r) = jnp_linalg::qr(a);
    let q = if conjugate { jnp::conj(&q) } else { q };
    let vector = c.ndim() == 1;
    let wide = if vector { lax::expand_dims(&c, &[left as usize]) } else { c };
    let fits = wide.ndim() >= 2 && {
        let (rows, columns) = lax_linalg::sizes_of(&wide);
        let (m, k) = lax_linalg::sizes_of(&q);
        if left { rows == k } else { columns == m }
    };
    if !fits {
        refuse!("qr_multiply" => "c of shape {} does not fit q of shape {} in mode \"{mode}\"", show(wide.shape()), show(q.shape()))
    }
    let (q, wide) = meet("qr_multiply", &q, &wide, (2, 2));
    let product = if left { lax_linalg::mm(&q, &wide) } else { lax_linalg::mm(&wide, &q) };
    (if vector { jnp::ravel(product) } else { product }, r)
}

/// `(u, s, vh)` with `a = u diag(s) vh`, singular values descending; with `full_matrices` `u` and `vh` are square. Without `u` and `vh` it
/// is [`svdvals`](crate::lax::linalg::svdvals).
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let (u, s, vh) = linalg::svd(Array::from([[3.0f32, 0.0], [0.0, -2.0], [0.0, 0.0]]), true);
/// assert_eq!((u.shape(), vh.shape()), (&[3, 3][..], &[2, 2][..]));
/// assert_eq!(s.round_to(3).to_vec::<f32>(), [3.0, 2.0]);
/// ```
///
/// # Panics
/// If `a` has no two dimensions.
#[track_caller]
pub fn svd(a: impl IntoArray, full_matrices: bool) -> (Array, Array, Array) {
    jnp_linalg::svd(a, full_matrices)
}

/// `(w, v)`: eigenvalues, ascending, and eigenvectors of a Hermitian matrix, which is made one as `(a + aᴴ) / 2`.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let (w, v) = linalg::eigh(Array::from([[2.0f32, 1.0], [1.0, 2.0]]), true);
/// assert_eq!((w.round_to(3).to_vec::<f32>(), v.shape()), (vec![1.0, 3.0], &[2, 2][..]));
/// ```
///
/// # Panics
/// If the matrices are not square.
#[track_caller]
pub fn eigh(a: impl IntoArray, lower: bool) -> (Array, Array) {
    jnp_linalg::eigh_with(a, if lower { "L" } else { "U" }, true)
}

/// `(w, v)`: eigenvalues, ascending, and eigenvectors of the Hermitian tridiagonal matrix with diagonal `d: f32[n]` and `e: f32[n-1]` above
/// it, of which the imaginary part of `d` is not read.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let (w, _) = linalg::eigh_tridiagonal(Array::from([2.0f32, 2.0]), Array::from([1.0f32]));
/// assert_eq!(w.round_to(3).to_vec::<f32>(), [1.0, 3.0]);
/// ```
///
/// # Panics
/// If the diagonals are not vectors of such sizes.
#[track_caller]
pub fn eigh_tridiagonal(d: impl IntoArray, e: impl IntoArray) -> (Array, Array) {
    let both = promote_inexact(&[d.into_array(), e.into_array()]);
    let [d, e] = <[Array; 2]>::try_from(both).expect("two operands");
    if d.ndim() != 1 || e.ndim() != 1 || e.size() + 1 != d.size() {
        refuse!("eigh_tridiagonal" => "takes a diagonal [n] and an off-diagonal [n-1], got {} and {}", d.aval(), e.aval())
    }
    let above = jnp::diag(&e, 1);
    let (v, w) =
        lax_linalg::eigh_with(&lax::add(&jnp::diag(&d, 0), &lax::add(&above, &adjoint(&above))), true, false);
    (w, v)
}

/// [`eigh_tridiagonal`], of whose results those of the places `first` to `last` stay, both counted from the smallest eigenvalue. JAX says it as
/// `select="i", select_range=(first, last)`.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let (d, e) = (Array::from([1.0f32, 2.0, 3.0]), Array::from([1.0f32, 1.0]));
/// let (w, v) = linalg::eigh_tridiagonal_select(&d, &e, 0, 1);
/// assert_eq!((w.round_to(3).to_string(), v.shape()), ("[0.268 2.   ]".into(), &[3, 2][..]));
/// ```
///
/// # Panics
/// As [`eigh_tridiagonal`], or if there are no such places.
#[track_caller]
pub fn eigh_tridiagonal_select(
    d: impl IntoArray,
    e: impl IntoArray,
    first: usize,
    last: usize,
) -> (Array, Array) {
    let (w, v) = eigh_tridiagonal(d, e);
    if first > last || last >= w.size() {
        refuse!("eigh_tridiagonal" => "places {first} to {last} are none of {} eigenvalues", w.size())
    }
    let part = |x: &Array, axis| lax::slice_in_dim(x, first as i64, Some(last as i64 + 1), 1, axis);
    (part(&w, 0), part(&v, 1))
}

/// The solution of `a x = b`: `f32[…, n, n] × f32[…, n, k] → f32[…, n, k]`, or of vectors `f32[n]`. `assume_a` is `"gen"`, `"sym"`, `"her"`
/// or `"pos"` (positive definite, by Cholesky factorisation).
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let a = Array::from([[4.0f32, 2.0], [2.0, 5.0]]);
/// let x = linalg::solve(&a, Array::from([8.0f32, 12.0]), "pos");
/// assert_eq!(x.to_vec::<f32>(), [1.0, 2.0]);
/// ```
///
/// # Panics
/// If shapes do not fit, or `assume_a` is another.
#[track_caller]
pub fn solve(a: impl IntoArray, b: impl IntoArray, assume_a: &str) -> Array {
    match assume_a {
        "gen" | "sym" | "her" => jnp_linalg::solve(a, b),
        "pos" => {
            let both = promote_inexact(&[a.into_array(), b.into_array()]);
            let [a, b] = <[Array; 2]>::try_from(both).expect("two operands");
            // The derivative is that of `a x = b`, all of `a` taken as it is.
            let f = custom_jvp(|a: &Array, b: &Array| {
                let (c, lower) = cho_factor(a, false);
                cho_solve((&c, lower), b)
            })
            .defjvp(|(a, b): (Array, Array), (s, t): (Array, Array)| {
                let x = solve(&a, &b, "pos");
                let moved = if x.ndim() + 1 == a.ndim() { jnp::matvec(&s, &x) } else { jnp::matmul(&s, &x) };
                let slope = solve(&a, jnp::subtract(t, moved), "pos");
                (x, slope)
            });
            f(&a, &b)
        }
        _ => refuse!("solve" => "assume_a must be \"gen\", \"sym\", \"her\" or \"pos\", got \"{assume_a}\""),
    }
}

/// The solution of `a x = b` (`trans` 0), `aᵀ x = b` (1) or `aᴴ x = b` (2) for a triangular `a`.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let a = Array::from([[2.0f32, 0.0], [1.0, 4.0]]);
/// let x = linalg::solve_triangular(&a, Array::from([4.0f32, 10.0]), 0, true, false);
/// assert_eq!(x.to_vec::<f32>(), [2.0, 2.0]);
/// ```
///
/// # Panics
/// If `trans` is another number, or shapes do not fit.
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
