//! jax.scipy.linalg. What a factorisation leaves open is taken out of its results by the formulas of `families/scipy_linalg.py`.

use jacinth_frontend::scipy::linalg;
use jacinth_frontend::{Array, lax, numpy as jnp};

use crate::linalg::{adjoint, projections};
use crate::table::{Builder, Case, case};

/// Terms cancel in what is solved or factorised: the unit is that of the largest element.
fn sums(name: &'static str) -> Builder {
    case(name).relative_to_largest()
}

/// An expression of the inputs `x` under JAX's name.
macro_rules! expressions {
    (|$x:ident| $($name:literal $(.$set:ident($($arg:expr),*))* => $body:expr;)*) => {
        vec![$(sums(concat!("jax.scipy.linalg.", $name))$(.$set($($arg),*))*.run(|$x| { let _ = $x; $body })),*]
    };
}

pub(crate) fn cases() -> Vec<Case> {
    [factors(), functions(), structured()].into_iter().flatten().collect()
}

fn factors() -> Vec<Case> {
    expressions! { |x|
        "cholesky".ulp(1).grad_ulp(12).not_smooth("reads one triangle") => linalg::cholesky(&x[0], false);
        "cholesky/lower".ulp(1).grad_ulp(2).not_smooth("reads one triangle") => linalg::cholesky(&x[0], true);
        "cholesky/batched".ulp(1).grad_ulp(2).not_smooth("reads one triangle") => linalg::cholesky(&x[0], false);
        "cho_factor".ulp(1).grad_ulp(2).not_smooth("reads one triangle") => linalg::cho_factor(&x[0], false).0;
        "cho_factor/lower".ulp(1).grad_ulp(2).not_smooth("reads one triangle") => linalg::cho_factor(&x[0], true).0;
        "cho_solve".ulp(8).grad_ulp(12).not_smooth("reads one triangle") => linalg::cho_solve((&linalg::cholesky(&x[0], false), false), &x[1]);
        "cho_solve/lower".ulp(8).grad_ulp(24).not_smooth("reads one triangle") => linalg::cho_solve((&linalg::cholesky(&x[0], true), true), &x[1]);
        "cho_solve/complex".ulp(4).grad_ulp(4).not_smooth("reads one triangle") => linalg::cho_solve((&linalg::cholesky(&x[0], false), false), &x[1]);
        "solve_triangular".ulp(1).grad_ulp(3) => linalg::solve_triangular(&x[0], &x[1], 0, false, false);
        "solve_triangular/lower".ulp(3).grad_ulp(12) => linalg::solve_triangular(&x[0], &x[1], 0, true, false);
        "solve_triangular/unit".grad_ulp(1).ulp(1) => linalg::solve_triangular(&x[0], &x[1], 1, false, true);
        "solve_triangular/complex".ulp(3).grad_ulp(4) => linalg::solve_triangular(&x[0], &x[1], 2, false, false);
        "solve_triangular/batched".ulp(2) => linalg::solve_triangular(&x[0], &x[1], 0, false, false);
        "solve".ulp(3).grad_ulp(6) => linalg::solve(&x[0], &x[1], "gen");
        "solve/sym".ulp(3).grad_ulp(6) => linalg::solve(&x[0], &x[1], "sym");
        "solve/pos".ulp(8).grad_ulp(12).not_smooth("reads one triangle") => linalg::solve(&x[0], &x[1], "pos");
        "lu".ulp(1).grad_ulp(2) => linalg::lu(&x[0]);
        "lu/wide".grad_ulp(6) => linalg::lu(&x[0]);
        "lu/tall".grad_ulp(2) => linalg::lu(&x[0]);
        "lu/complex".ulp(1).grad_ulp(3) => linalg::lu(&x[0]);
        "lu_factor".ulp(1).grad_ulp(2) => linalg::lu_factor(&x[0]);
        "lu_factor/batched".ulp(1) => linalg::lu_factor(&x[0]);
        "lu_solve".ulp(1).grad_ulp(2) => lu_solve(x, 0);
        "lu_solve/0".ulp(4).grad_ulp(6) => lu_solve(x, 0);
        "lu_solve/1".ulp(2).grad_ulp(4) => lu_solve(x, 1);
        "lu_solve/2".ulp(3).grad_ulp(4) => lu_solve(x, 2);
        "det".ulp(4) => linalg::det(&x[0]);
        "inv".ulp(1).grad_ulp(3) => linalg::inv(&x[0]);
        "qr".ulp(16).grad_ulp(32) => linalg::qr(&x[0], "economic");
        "qr/full".ulp(3) => linalg::qr(&x[0], "full");
        "qr_multiply/left".ulp(12) => linalg::qr_multiply(&x[0], &x[1], "left", false);
        "qr_multiply/right".ulp(6) => linalg::qr_multiply(&x[0], &x[1], "right", false);
        "qr_multiply/conjugate".ulp(2) => linalg::qr_multiply(&x[0], &x[1], "left", true);
        "svd".ulp(2).grad_ulp(16) => linalg::svd(&x[0], false).1;
        "eigh".ulp(6) => eigh(&x[0], true);
        "eigh/upper".ulp(12) => eigh(&x[0], false);
        "eigh_tridiagonal".ulp(16) => linalg::eigh_tridiagonal(&x[0], &x[1]).0;
        "eigh_tridiagonal/vectors".ulp(6) => eigh_tridiagonal(x);
    }
}

fn lu_solve(x: &[Array], trans: usize) -> Array {
    let (factors, pivots) = linalg::lu_factor(&x[0]);
    linalg::lu_solve((&factors, &pivots), &x[1], trans)
}

fn eigh(a: &Array, lower: bool) -> (Array, Array) {
    let (w, v) = linalg::eigh(a, lower);
    (w, projections(&v))
}

fn eigh_tridiagonal(x: &[Array]) -> (Array, Array) {
    let (w, v) = linalg::eigh_tridiagonal(&x[0], &x[1]);
    (w, projections(&v))
}

/// What the factors make, and how far `z` is from unitary.
fn put_together((t, z): (Array, Array)) -> (Array, Array) {
    let whole = jnp::matmul(jnp::matmul(&z, &t), adjoint(&z));
    (whole, jnp::matmul(adjoint(&z), &z))
}

fn rsf2csf(x: &[Array]) -> (Array, Array, Array) {
    let (t, z) = linalg::rsf2csf(&x[0], &x[1]);
    let diagonal = jnp::diagonal(&t, 0);
    let (whole, unitary) = put_together((t, z));
    (diagonal, whole, unitary)
}

fn functions() -> Vec<Case> {
    expressions! { |x|
        "expm".ulp(2).grad_ulp(3) => linalg::expm(&x[0]);
        "expm/small".ulp(2).grad_ulp(3) => linalg::expm(&x[0]);
        "expm/squared".ulp(32).grad_ulp(96) => linalg::expm(&x[0]);
        "expm/batched".ulp(12) => linalg::expm(&x[0]);
        "expm/complex".ulp(2).grad_ulp(4) => linalg::expm(&x[0]);
        "expm/overflow" => linalg::expm(&x[0]);
        "expm_frechet".ulp(2).grad_ulp(6) => linalg::expm_frechet(&x[0], &x[1]);
        "polar".ulp(6) => linalg::polar(&x[0], "right");
        "polar/tall".ulp(2) => linalg::polar(&x[0], "right");
        "polar/left".ulp(8).grad_ulp(8) => linalg::polar(&x[0], "left");
        "polar/complex_batched".ulp(3) => linalg::polar(&x[0], "right");
        "hessenberg".ulp(4).refused("the reduction has no derivative") => linalg::hessenberg(&x[0]);
        "hessenberg/complex_batched".ulp(3).refused("the reduction has no derivative") => linalg::hessenberg(&x[0]);
        "schur".ulp(64).refused("the decomposition has no derivative") => put_together(linalg::schur(&x[0], "real"));
        "schur/complex".ulp(64).refused("the decomposition has no derivative") => put_together(linalg::schur(&x[0], "complex"));
        "schur/complex_batched".ulp(24).refused("the decomposition has no derivative") => put_together(linalg::schur(&x[0], "real"));
        "rsf2csf".ulp(2).refused("a loop without reverse") => rsf2csf(x);
        "sqrtm".ulp(8).refused("it stands on the Schur decomposition") => linalg::sqrtm(&x[0]);
        "sqrtm/complex".ulp(6).refused("it stands on the Schur decomposition") => linalg::sqrtm(&x[0]);
        "sqrtm/singular".refused("it stands on the Schur decomposition") => linalg::sqrtm(&x[0]);
        "funm".ulp(32).refused("it stands on the Schur decomposition") => linalg::funm(&x[0], lax::sin);
        "funm/complex".ulp(24).refused("it stands on the Schur decomposition") => linalg::funm(&x[0], |w| w * w);
        "solve_sylvester".ulp(12).refused("it stands on the Schur decomposition") => linalg::solve_sylvester(&x[0], &x[1], &x[2], 1e-8);
        "solve_sylvester/complex".ulp(16).refused("it stands on the Schur decomposition") => linalg::solve_sylvester(&x[0], &x[1], &x[2], 1e-8);
        "solve_sylvester/singular".refused("it stands on the Schur decomposition") => linalg::solve_sylvester(&x[0], &x[1], &x[2], 1e-8);
    }
}

fn structured() -> Vec<Case> {
    expressions! { |x|
        "block_diag" => linalg::block_diag(x);
        "toeplitz".grad_ulp(1) => linalg::toeplitz(&x[0], None);
        "toeplitz/batched".grad_ulp(1) => linalg::toeplitz(&x[0], None);
        "toeplitz/complex".ulp(1) => linalg::toeplitz(&x[0], None);
        "toeplitz/row" => linalg::toeplitz(&x[0], Some(&x[1]));
        "hankel".grad_ulp(1) => linalg::hankel(&x[0], None);
        "hankel/batched".grad_ulp(1) => linalg::hankel(&x[0], None);
        "hankel/row".grad_ulp(1) => linalg::hankel(&x[0], Some(&x[1]));
        "circulant" => linalg::circulant(&x[0]);
        "circulant/batched" => linalg::circulant(&x[0]);
        "fiedler".grad_ulp(1) => linalg::fiedler(&x[0]);
        "fiedler/batched".grad_ulp(1) => linalg::fiedler(&x[0]);
        "companion".ulp(1) => linalg::companion(&x[0]);
        "companion/batched".grad_ulp(1) => linalg::companion(&x[0]);
        "fiedler_companion".ulp(1) => linalg::fiedler_companion(&x[0]);
        "fiedler_companion/batched".grad_ulp(1) => linalg::fiedler_companion(&x[0]);
        "fiedler_companion/long".ulp(1) => linalg::fiedler_companion(&x[0]);
        "leslie" => linalg::leslie(&x[0], &x[1]);
        "convolution_matrix/full".grad_ulp(1) => linalg::convolution_matrix(&x[0], 3, "full");
        "convolution_matrix/same" => linalg::convolution_matrix(&x[0], 3, "same");
        "convolution_matrix/valid" => linalg::convolution_matrix(&x[0], 3, "valid");
        "convolution_matrix/full_batched".grad_ulp(1) => linalg::convolution_matrix(&x[0], 6, "full");
        "convolution_matrix/same_batched".grad_ulp(1) => linalg::convolution_matrix(&x[0], 6, "same");
        "convolution_matrix/valid_batched" => linalg::convolution_matrix(&x[0], 6, "valid");
        "hilbert" => linalg::hilbert(4);
        "invhilbert".ulp(32) => linalg::invhilbert(4);
        "helmert".ulp(1) => linalg::helmert(4, false);
        "helmert/full".ulp(1) => linalg::helmert(5, true);
        "hadamard" => linalg::hadamard(4);
        "dft".ulp(2) => linalg::dft(4, None);
        "dft/sqrtn".ulp(8) => linalg::dft(5, Some("sqrtn"));
        "dft/n".ulp(2) => linalg::dft(3, Some("n"));
        "pascal/symmetric".ulp(6) => linalg::pascal(5, "symmetric");
        "pascal/lower".ulp(6) => linalg::pascal(5, "lower");
        "pascal/upper".ulp(6) => linalg::pascal(5, "upper");
        "invpascal/symmetric".ulp(12) => linalg::invpascal(5, "symmetric");
        "invpascal/lower".ulp(6) => linalg::invpascal(5, "lower");
        "invpascal/upper".ulp(6) => linalg::invpascal(5, "upper");
    }
}
