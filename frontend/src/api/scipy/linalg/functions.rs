//! Functions of matrices, and the forms that they are computed from.

use crate::api::control::fori_loop;
use crate::api::dtypes::promote_inexact;
use crate::api::numpy::linalg::{self as jnp_linalg, square};
use crate::api::numpy::{self as jnp, IntoArray, vectorize};
use crate::ir::{Array, DType};
use crate::lax::linalg::{self as lax_linalg, TriangularSolve, adjoint, eye_like, mm};
use crate::lax::{self, rules::refuse, rules::show};

/// The exponential of square matrices, by Padé approximation with scaling and squaring (Higham, SIAM J. Matrix Anal. Appl. 26, 2005):
/// `f32[…, n, n] → f32[…, n, n]`.
///
/// NaN where more than 16 squarings would be needed.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// // The exponential of a turn's generator is the turn.
/// let a = Array::from([[0.0f32, -1.0], [1.0, 0.0]]);
/// assert_eq!(linalg::expm(&a).round_to(3).to_string(), "[[ 0.54  -0.841]\n [ 0.841  0.54 ]]");
/// ```
///
/// # Panics
/// If the matrices are not square.
#[track_caller]
pub fn expm(a: impl IntoArray) -> Array {
    expm_with(a, false, 16)
}

/// [`expm`], where a matrix is said to be upper triangular, so that systems are solved by substitution, and with another bound on the
/// number of squarings.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let a = Array::from([[0.0f32, 1.0], [0.0, 0.0]]);
/// assert_eq!(linalg::expm_with(&a, true, 16).round_to(4).to_string(), "[[1. 1.]\n [0. 1.]]");
/// // More squarings would be needed.
/// assert!(linalg::expm_with(100.0 * &a, true, 2).to_vec::<f32>()[0].is_nan());
/// ```
///
/// # Panics
/// If the matrices are not square.
#[track_caller]
pub fn expm_with(a: impl IntoArray, upper_triangular: bool, max_squarings: usize) -> Array {
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
    let (p, q) = (&u + &v, &v - &u);
    let start = if upper_triangular {
        let how = TriangularSolve { left_side: true, ..Default::default() };
        lax_linalg::triangular_solve(&q, &p, how)
    } else {
        jnp_linalg::solve(q, p)
    };
    let counts = stretch(&squarings);
    let out = fori_loop(
        0,
        max_squarings as i64,
        |i, r: Array| {
            let i = lax::convert_element_type(&i, counts.dtype());
            lax::select(&lax::lt(&maybe(&i, &counts), &counts), &mm(&r, &r), &r)
        },
        start,
    );
    let too_many = lax::gt(&counts, &Array::scalar(max_squarings as i64, counts.dtype(), false));
    lax::select(&too_many, &lax::full_like(&out, f64::NAN), &out)
}

/// A scalar stretched to the shape of another array.
fn maybe(x: &Array, like: &Array) -> Array {
    lax::broadcast_in_dim(x, like.shape(), &[])
}

/// The exponential of a matrix, and its derivative in the direction `e`: `f32[…, n, n] × 2 → f32[…, n, n] × 2`.
///
/// ```
/// # use jacinth_frontend::{numpy as jnp, scipy::linalg};
/// // Of commuting matrices: e · exp(a).
/// let (value, slope) = linalg::expm_frechet(jnp::zeros([2, 2]), jnp::eye(2));
/// assert_eq!((value.to_vec::<f32>(), slope.to_vec::<f32>()), (vec![1.0, 0.0, 0.0, 1.0], vec![1.0, 0.0, 0.0, 1.0]));
/// ```
///
/// # Panics
/// If the matrices are not square or their shapes differ.
#[track_caller]
pub fn expm_frechet(a: impl IntoArray, e: impl IntoArray) -> (Array, Array) {
    let both = promote_inexact(&[a.into_array(), e.into_array()]);
    let f = |a: &Array| expm(a);
    crate::api::jvp(f, (both[0].clone(),), (both[1].clone(),))
}

/// `(u, p)` with `a = u p` (`side` `"right"`) or `a = p u` (`"left"`), `u` unitary and `p` Hermitian, not negative; from the singular
/// values, where JAX iterates.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let (u, p) = linalg::polar(Array::from([[0.0f32, -3.0], [2.0, 0.0]]), "right");
/// assert_eq!(p.round_to(3).abs().to_string(), "[[2. 0.]\n [0. 3.]]");
/// assert_eq!(u.matmul(&p).round_to(3).sum().item::<f32>(), -1.0);
/// ```
///
/// # Panics
/// If `a` is no matrix, or `side` is another.
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

/// A real array in complex numbers.
fn complexified(a: &Array) -> Array {
    lax_linalg::cast_to(a, a.dtype().complex().unwrap_or(a.dtype()))
}

/// `(t, z)` with `a = z t zᴴ`, `z` unitary and `t` upper triangular. `output` is `"complex"`, or `"real"`: then `t` of a real matrix is real,
/// with blocks of two rows for pairs of complex eigenvalues. Which eigenvalue comes first, and the signs in `z`, are not those of LAPACK.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let a = Array::from([[1.0f32, 2.0], [3.0, 4.0]]);
/// let (t, z) = linalg::schur(&a, "real");
/// assert_eq!(z.matmul(&t).matmul(z.mT()).round_to(3).to_string(), "[[1. 2.]\n [3. 4.]]");
/// ```
///
/// # Panics
/// If the matrices are not square, or `output` is another.
#[track_caller]
pub fn schur(a: impl IntoArray, output: &str) -> (Array, Array) {
    let (a, _) = square("schur", a);
    match output {
        "real" => lax_linalg::schur(&a),
        "complex" => lax_linalg::schur(&complexified(&a)),
        _ => refuse!("schur" => "output must be \"real\" or \"complex\", got \"{output}\""),
    }
}

/// The complex Schur form from a real one: what [`schur`] gives with `"real"`, as it would be with `"complex"`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp, scipy::linalg};
/// // A turn: its block becomes the eigenvalues i and -i.
/// let a = Array::from([[0.0f32, -1.0], [1.0, 0.0]]);
/// let (t, z) = linalg::schur(&a, "real");
/// let (t, _) = linalg::rsf2csf(&t, &z);
/// assert_eq!(jnp::sort(jnp::diagonal(t.imag(), 0), 0).round_to(3).to_vec::<f32>(), [-1.0, 1.0]);
/// ```
///
/// # Panics
/// If the matrices are not square or do not fit.
#[track_caller]
pub fn rsf2csf(t: impl IntoArray, z: impl IntoArray) -> (Array, Array) {
    let both = promote_inexact(&[t.into_array(), z.into_array()]);
    let (t, n) = square("rsf2csf", &both[0]);
    let (z, m) = square("rsf2csf", &both[1]);
    if n != m {
        refuse!("rsf2csf" => "both matrices must have one size, got shapes {} and {}", show(t.shape()), show(z.shape()))
    }
    let f = |x: &[Array]| {
        let (t, z) = lax_linalg::complex_form(&x[0], &x[1]);
        vec![t, z]
    };
    let mut out = vectorize(f, Some("(n,n),(n,n)->(n,n),(n,n)")).call(&[complexified(&t), complexified(&z)]);
    let z = out.pop().expect("two results");
    (out.pop().expect("two results"), z)
}

/// `(h, q)` with `a = q h qᴴ`, `q` unitary and `h` zero below its first subdiagonal. JAX says it as `hessenberg(a, calc_q=True)`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp, scipy::linalg};
/// let a = Array::from([[1.0f32, 0.0, 0.0], [3.0, 1.0, 0.0], [4.0, 0.0, 1.0]]);
/// let (h, q) = linalg::hessenberg(&a);
/// assert_eq!(jnp::tril(&h, -2).abs().max().item::<f32>(), 0.0);
/// assert!(jnp::allclose_with(q.matmul(&h).matmul(q.mT()), &a, 0.0, 1e-5).item::<bool>());
/// ```
///
/// # Panics
/// If the matrices are not square.
#[track_caller]
pub fn hessenberg(a: impl IntoArray) -> (Array, Array) {
    let (a, _) = square("hessenberg", a);
    let (packed, taus) = lax_linalg::hessenberg(&a);
    lax_linalg::hessenberg_factors(&packed, &taus)
}

/// One column of every matrix.
fn column(x: &Array, j: &Array) -> Array {
    lax::dynamic_index_in_dim(x, j, 1, true)
}

/// A square root of one upper triangular matrix, column by column.
fn sqrt_of_triangle(t: &Array) -> Array {
    let n = lax_linalg::sizes_of(t).0;
    let roots = lax::sqrt(&lax_linalg::diagonal_of(t));
    let (eye, zero) = (eye_like(t), lax::full_like(t, 0));
    let row = lax::broadcasted_iota(DType::I32, t.shape(), 0);
    let index = lax::broadcasted_iota(DType::I32, t.shape(), 1);
    let diagonal = lax::eq(&row, &index);
    fori_loop(
        0,
        n as i64,
        |j: Array, u: Array| {
            let j = lax::convert_element_type(&j, DType::I32);
            // (u + u[j,j]) x = t[:, j] in the rows above j; the identity below.
            let root = lax::dynamic_index_in_dim(&roots, &j, 0, false);
            let before = lax::lt(&row, &lax::broadcast_in_dim(&j, row.shape(), &[]));
            let shifted = &u + &eye * &root;
            let factor = lax::select(&before, &shifted, &eye);
            // A zero beneath a zero gives zero; beneath anything else it gives what is as good as infinite.
            let hole = lax::and(&diagonal, &lax::eq(&factor, &zero));
            let factor = lax::select(&hole, &lax::full_like(&factor, 1e-18), &factor);
            let above = lax::slice_in_dim(&before, 0, Some(1), 1, 1);
            let side = lax::select(&above, &column(t, &j), &lax::slice_in_dim(&zero, 0, Some(1), 1, 1));
            let how = TriangularSolve { left_side: true, ..Default::default() };
            let x = lax_linalg::triangular_solve(&factor, &side, how);
            let on = lax::eq(&index, &lax::broadcast_in_dim(&j, index.shape(), &[]));
            let wide = lax::broadcast_in_dim(&x, u.shape(), &[0, 1]);
            let there = lax::select(&diagonal, &lax::broadcast_in_dim(&root, u.shape(), &[]), &wide);
            lax::select(&on, &there, &u)
        },
        zero.clone(),
    )
}

/// The principal square root, in complex numbers, from the Schur form (Björck and Hammarling, Linear Algebra Appl. 52, 1983).
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let root = linalg::sqrtm(Array::from([[1.0f32, 3.0], [0.0, 4.0]]));
/// assert_eq!(root.real().round_to(3).to_string(), "[[1. 1.]\n [0. 2.]]");
/// ```
///
/// # Panics
/// If `a` is no square matrix.
#[track_caller]
pub fn sqrtm(a: impl IntoArray) -> Array {
    let (a, _) = square("sqrtm", a);
    let f = |x: &[Array]| {
        let (t, z) = lax_linalg::schur(&x[0]);
        vec![mm(&mm(&z, &sqrt_of_triangle(&t)), &adjoint(&z))]
    };
    vectorize(f, Some("(n,n)->(n,n)")).call(&[complexified(&a)]).swap_remove(0)
}

/// A function of a matrix, in complex numbers: `func`, which takes the vector of eigenvalues, is applied to the triangular Schur form by
/// Parlett's recurrence. Eigenvalues that are equal make it inaccurate.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let a = Array::from([[1.0f32, 3.0], [0.0, 4.0]]);
/// let root = linalg::funm(&a, |w| w.sqrt());
/// assert_eq!(root.real().round_to(3).to_string(), "[[1. 1.]\n [0. 2.]]");
/// ```
///
/// # Panics
/// If `a` is no square matrix.
#[track_caller]
pub fn funm(a: impl IntoArray, func: impl Fn(&Array) -> Array) -> Array {
    let (a, n) = square("funm", a);
    if a.ndim() != 2 {
        refuse!("funm" => "takes one square matrix, got shape {}", show(a.shape()))
    }
    let (t, z) = lax_linalg::schur(&complexified(&a));
    let diagonal = lax_linalg::diagonal_of(&t);
    let values = complexified(&promote_inexact(&[func(&diagonal)]).remove(0));
    let gap = jnp::subtract(jnp::expand_dims(&diagonal, 0), jnp::expand_dims(&diagonal, 1));
    let equal = lax::eq(&gap, &lax::full_like(&gap, 0));
    let gap = lax::select(&equal, &lax::full_like(&gap, 1), &gap);
    let rise = jnp::subtract(jnp::expand_dims(&values, 0), jnp::expand_dims(&values, 1));
    let upper = lax_linalg::triu(&t, 1);
    let place = lax::sub(
        &lax::broadcasted_iota(DType::I32, t.shape(), 1),
        &lax::broadcasted_iota(DType::I32, t.shape(), 0),
    );
    let start = jnp::diag(&values, 0);
    let linear = lax::mul(&t, &rise);
    // One superdiagonal after the other: products of what is strictly above the diagonal hold all that is known.
    let f = fori_loop(
        1,
        n as i64,
        |p: Array, f: Array| {
            let p = lax::convert_element_type(&p, DType::I32);
            let known = lax_linalg::triu(&f, 1);
            let sum = &linear + mm(&upper, &known) - mm(&known, &upper);
            let on = lax::eq(&place, &lax::broadcast_in_dim(&p, place.shape(), &[]));
            lax::select(&on, &lax::div(&sum, &gap), &f)
        },
        start,
    );
    mm(&mm(&z, &f), &adjoint(&z))
}

/// The solution `x` of `a x + x b = c`: `f32[…, m, m] × f32[…, n, n] × f32[…, m, n] → f32[…, m, n]`, from the Schur forms of `a` and `b`
/// (Bartels and Stewart, Comm. ACM 15, 1972). NaN where an eigenvalue of `a` and one of `b` add up to less than `tol` (JAX's default is 1e-8).
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// // Numbers: 2 x + x 3 = 10.
/// let [a, b, c] = [2.0f32, 3.0, 10.0].map(|x| Array::from([[x]]));
/// assert_eq!(linalg::solve_sylvester(&a, &b, &c, 1e-8).round_to(3).real().to_vec::<f32>(), [2.0]);
/// ```
///
/// # Panics
/// If `a` or `b` is not square, or shapes do not fit.
#[track_caller]
pub fn solve_sylvester(a: impl IntoArray, b: impl IntoArray, c: impl IntoArray, tol: f64) -> Array {
    let all = promote_inexact(&[a.into_array(), b.into_array(), c.into_array()]);
    let [a, b, c] = <[Array; 3]>::try_from(all).expect("three operands");
    let ((a, m), (b, n)) = (square("solve_sylvester", a), square("solve_sylvester", b));
    if c.ndim() < 2 || lax_linalg::sizes_of(&c) != (m, n) {
        refuse!("solve_sylvester" => "c must have {m} rows and {n} columns, got shape {}", show(c.shape()))
    }
    let real = !c.dtype().is_complex();
    let f = |x: &[Array]| {
        let [a, b, c] = x else { unreachable!("three operands") };
        vec![sylvester(a, b, c, tol)]
    };
    let operands = [complexified(&a), complexified(&b), complexified(&c)];
    let x = vectorize(f, Some("(m,m),(n,n),(m,n)->(m,n)")).call(&operands).swap_remove(0);
    if real { lax::real(&x) } else { x }
}

fn sylvester(a: &Array, b: &Array, c: &Array, tol: f64) -> Array {
    let (r, u) = lax_linalg::schur(a);
    let (s, v) = lax_linalg::schur(b);
    let f = mm(&mm(&adjoint(&u), c), &v);
    let (eye, n) = (eye_like(&r), lax_linalg::sizes_of(&s).0);
    let index = lax::broadcasted_iota(DType::I32, f.shape(), 1);
    let upper = lax_linalg::triu(&s, 1);
    // r y + y s = f, column by column of y: (r + s[j,j]) y[:, j] = f[:, j] - y s[:, j] without the diagonal of s.
    let y = fori_loop(
        0,
        n as i64,
        |j: Array, y: Array| {
            let j = lax::convert_element_type(&j, DType::I32);
            let pivot = lax::dynamic_slice(&s, &[j.clone(), j.clone()], &[1, 1]);
            let factor = &r + &eye * lax::broadcast_in_dim(&pivot, eye.shape(), &[0, 1]);
            let side = lax::sub(&column(&f, &j), &mm(&y, &column(&upper, &j)));
            let how = TriangularSolve { left_side: true, ..Default::default() };
            let x = lax_linalg::triangular_solve(&factor, &side, how);
            let on = lax::eq(&index, &lax::broadcast_in_dim(&j, index.shape(), &[]));
            lax::select(&on, &lax::broadcast_in_dim(&x, y.shape(), &[0, 1]), &y)
        },
        lax::full_like(&f, 0),
    );
    let x = mm(&mm(&u, &y), &adjoint(&v));
    let of = |x: &Array| lax_linalg::diagonal_of(x);
    let sums = jnp::add(jnp::expand_dims(of(&r), 1), jnp::expand_dims(of(&s), 0));
    let singular = jnp::any(jnp::abs(sums).lt(tol), ());
    lax::select(&lax::broadcast_in_dim(&singular, x.shape(), &[]), &lax::full_like(&x, f64::NAN), &x)
}
