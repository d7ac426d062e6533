//! jax.numpy.linalg. What a factorisation leaves open is taken out of its results by the formulas of `families/linalg.py`.

use jacinth_frontend::numpy::{keepdims, linalg};
use jacinth_frontend::{Array, DType, lax, numpy as jnp, s};

use crate::table::{Builder, Case, case};

/// Terms cancel in what is solved or factorised: the unit is that of the largest element.
fn sums(name: &'static str) -> Builder {
    case(name).relative_to_largest()
}

/// `linalg::name` of one input under JAX's name.
macro_rules! unary {
    ($($name:ident $(/ $variant:literal)? $(.$set:ident($($arg:expr),*))*;)*) => {
        vec![$(sums(concat!("jax.numpy.linalg.", stringify!($name) $(, "/", $variant)?))$(.$set($($arg),*))*.run(|x| linalg::$name(&x[0]))),*]
    };
}

/// `linalg::name` of two inputs under JAX's name.
macro_rules! binary {
    ($($name:ident $(/ $variant:literal)? $(.$set:ident($($arg:expr),*))*;)*) => {
        vec![$(sums(concat!("jax.numpy.linalg.", stringify!($name) $(, "/", $variant)?))$(.$set($($arg),*))*.run(|x| linalg::$name(&x[0], &x[1]))),*]
    };
}

/// An expression of the inputs `x` under JAX's name.
macro_rules! expressions {
    (|$x:ident| $($name:literal $(.$set:ident($($arg:expr),*))* => $body:expr;)*) => {
        vec![$(sums(concat!("jax.numpy.linalg.", $name))$(.$set($($arg),*))*.run(|$x| $body)),*]
    };
}

pub(crate) fn adjoint(x: &Array) -> Array {
    jnp::conj(jnp::matrix_transpose(x))
}

/// The columns of `v` times their conjugates, which no phase changes.
pub(crate) fn projections(v: &Array) -> Array {
    jnp::expand_dims(v, -2) * jnp::expand_dims(jnp::conj(v), -3)
}

fn eigh((w, v): (Array, Array)) -> (Array, Array) {
    (w, projections(&v))
}

fn svd(a: &Array) -> (Array, Array) {
    let (u, s, vh) = linalg::svd(a, false);
    (s, jnp::expand_dims(u, -1) * jnp::expand_dims(vh, -3))
}

fn svd_full(a: &Array) -> Vec<Array> {
    let (u, s, vh) = linalg::svd(a, true);
    let k = s.shape()[s.ndim() - 1] as i64;
    let square = |x: Array| jnp::matmul(&x, adjoint(&x));
    let thin = jnp::matmul(u.get(s![..., ..k]) * jnp::expand_dims(&s, -2), vh.get(s![..., ..k, ..]));
    vec![s, square(u.get(s![..., k..])), square(adjoint(&vh).get(s![..., k..])), thin]
}

pub(crate) fn cases() -> Vec<Case> {
    [solves(), determinants(), decompositions(), eigenvalues(), norms(), products(), polynomials()]
        .into_iter()
        .flatten()
        .collect()
}

fn solves() -> Vec<Case> {
    let binary = binary! {
        solve.ulp(1).grad_ulp(2);
        solve/"vector".ulp(1).grad_ulp(3);
        solve/"batched".ulp(1).grad_ulp(3);
        solve/"batched_vector".ulp(1).grad_ulp(3);
        solve/"complex".ulp(4).grad_ulp(6);
        solve/"integers".ulp(2);
        tensorsolve.ulp(3).grad_ulp(8);
    };
    let unary = unary! {
        inv.ulp(1).grad_ulp(4);
        inv/"complex_batched".ulp(1).grad_ulp(3);
        inv/"singular";
    };
    let others = expressions! { |x|
        "matrix_power".ulp(2) => linalg::matrix_power(&x[0], 5);
        "matrix_power/0" => linalg::matrix_power(&x[0], 0);
        "matrix_power/1" => linalg::matrix_power(&x[0], 1);
        "matrix_power/-2".ulp(1).grad_ulp(3) => linalg::matrix_power(&x[0], -2);
        "matrix_power/-3".ulp(3) => linalg::matrix_power(&x[0], -3);
        "matrix_power/integers" => linalg::matrix_power(&x[0], 3);
        "pinv".ulp(6).grad_ulp(24) => linalg::pinv(&x[0], None);
        "pinv/tall".ulp(2).grad_ulp(12) => linalg::pinv(&x[0], None);
        "pinv/wide".ulp(3).grad_ulp(12) => linalg::pinv(&x[0], None);
        "pinv/complex".ulp(6) => linalg::pinv(&x[0], None);
        "pinv/batched".ulp(3).grad_ulp(12) => linalg::pinv(&x[0], None);
        "pinv/deficient".ulp(6) => linalg::pinv(&x[0], None);
        "pinv/rtol".ulp(6) => linalg::pinv(&x[0], Some(0.5));
        "lstsq".grad_ulp(24).ulp(4) => lstsq(x, None);
        "lstsq/wide".grad_ulp(16).floor(1e-12).ulp(2) => lstsq(x, None);
        "lstsq/complex".ulp(3) => lstsq(x, None);
        "lstsq/deficient".ulp(8) => lstsq(x, None);
        "lstsq/rcond".ulp(12) => lstsq(x, Some(0.5));
        "tensorinv".ulp(2).grad_ulp(4) => linalg::tensorinv(&x[0], 2);
        "tensorinv/ind".ulp(2).grad_ulp(4) => linalg::tensorinv(&x[0], 1);
    };
    [binary, unary, others].into_iter().flatten().collect()
}

fn lstsq(x: &[Array], rcond: Option<f64>) -> Vec<Array> {
    let (x, residuals, rank, s) = linalg::lstsq(&x[0], &x[1], rcond);
    vec![x, residuals, rank, s]
}

fn determinants() -> Vec<Case> {
    unary! {
        det.ulp(4);
        det/"1".ulp(1);
        det/"2";
        det/"3".floor(3e-8).grad_ulp(2);
        det/"batched".ulp(2);
        det/"complex".ulp(1).grad_ulp(3);
        det/"singular".grad_ulp(1);
        det/"zero";
        det/"empty";
        slogdet.ulp(2).grad_ulp(4);
        slogdet/"1";
        slogdet/"2".ulp(6);
        slogdet/"3".ulp(1).grad_ulp(8);
        slogdet/"batched".ulp(1).grad_ulp(2);
        slogdet/"complex".ulp(3);
        slogdet/"singular";
    }
}

fn decompositions() -> Vec<Case> {
    let unary = unary! {
        cholesky.ulp(1).grad_ulp(6);
        cholesky/"batched".ulp(1).grad_ulp(2);
        cholesky/"complex".ulp(1).grad_ulp(3);
        cholesky/"indefinite";
        qr.ulp(3).grad_ulp(4);
        qr/"tall".ulp(3).grad_ulp(6);
        qr/"wide";
        qr/"batched".ulp(6).grad_ulp(12);
        qr/"complex".ulp(1).grad_ulp(2);
        eigvalsh.ulp(6);
        eigvalsh/"complex".ulp(3);
        svdvals.ulp(2).grad_ulp(6);
        svdvals/"complex".ulp(4);
    };
    let others = expressions! { |x|
        "cholesky/upper".ulp(1).grad_ulp(3) => linalg::cholesky_with(&x[0], true, true);
        "cholesky/triangle".ulp(1).not_smooth("reads one triangle") => linalg::cholesky_with(&x[0], false, false);
        "qr/r".ulp(2).grad_ulp(12) => linalg::qr_mode(&x[0], "r").1;
        "qr/complete".ulp(3) => linalg::qr_mode(&x[0], "complete");
        "eigh".ulp(12) => eigh(linalg::eigh(&x[0]));
        "eigh/batched".ulp(6) => eigh(linalg::eigh(&x[0]));
        "eigh/complex".ulp(8).grad_ulp(16) => eigh(linalg::eigh(&x[0]));
        "eigh/upper".ulp(6) => eigh(linalg::eigh_with(&x[0], "U", false));
        "svd".ulp(4).grad_ulp(12) => svd(&x[0]);
        "svd/tall".ulp(12).grad_ulp(16) => svd(&x[0]);
        "svd/wide".ulp(2).grad_ulp(6) => svd(&x[0]);
        "svd/batched".ulp(6) => svd(&x[0]);
        "svd/complex".ulp(3).grad_ulp(4) => svd(&x[0]);
        "svd/full_tall".ulp(6) => svd_full(&x[0]);
        "svd/full_wide".ulp(3) => svd_full(&x[0]);
        "matrix_rank" => linalg::matrix_rank(&x[0], None);
        "matrix_rank/batched" => linalg::matrix_rank(&x[0], None);
        "matrix_rank/rtol" => linalg::matrix_rank(&x[0], Some(1.0));
        "matrix_rank/vector" => linalg::matrix_rank(&x[0], None);
    };
    [unary, others].into_iter().flatten().collect()
}

/// Sums of powers of the eigenvalues, which have no order.
fn powers(a: &Array) -> Array {
    let w = linalg::eigvals(a);
    let sum = |k: i32| jnp::sum(lax::integer_pow(&w, k), -1);
    jnp::stack(&[sum(1), sum(2), sum(3)], 0)
}

/// Eigenvalues and projections in the order of rounded real parts, then of imaginary ones.
fn eigen_pairs(a: &Array) -> (Array, Array) {
    let (w, v) = linalg::eig(a);
    let rounded = |x: Array| jnp::round_to(x, 3);
    let order = jnp::lexsort(&[rounded(lax::imag(&w)), rounded(lax::real(&w))], -1);
    (jnp::take(&w, &order, 0), projections(&jnp::take(&v, &order, 1)))
}

fn eigenvalues() -> Vec<Case> {
    expressions! { |x|
        "eigvals".ulp(32) => powers(&x[0]);
        "eigvals/complex".ulp(32) => powers(&x[0]);
        "eigvals/batched".ulp(4).grad_ulp(8) => powers(&x[0]);
        "eig".ulp(6).refused("eigenvectors have no derivative") => eigen_pairs(&x[0]);
        "eig/complex".ulp(8).refused("eigenvectors have no derivative") => eigen_pairs(&x[0]);
        "eig/triangular".ulp(1).refused("eigenvectors have no derivative") => eigen_pairs(&x[0]);
    }
}

fn norms() -> Vec<Case> {
    expressions! { |x|
        "norm" => linalg::norm(&x[0], (), ());
        "norm/complex" => linalg::norm(&x[0], (), ());
        "norm/all" => linalg::norm(&x[0], (), ());
        "norm/integers" => linalg::norm(&x[0], (), ());
        "norm/matrix_1".grad_ulp(1) => linalg::norm(&x[0], 1, ());
        "norm/matrix_-1".grad_ulp(1) => linalg::norm(&x[0], -1, ());
        "norm/matrix_2".ulp(1).grad_ulp(8) => linalg::norm(&x[0], 2, ());
        "norm/matrix_-2".ulp(3).grad_ulp(6) => linalg::norm(&x[0], -2, ());
        "norm/matrix_inf".grad_ulp(1) => linalg::norm(&x[0], f64::INFINITY, ());
        "norm/matrix_-inf".grad_ulp(1) => linalg::norm(&x[0], f64::NEG_INFINITY, ());
        "norm/matrix_fro" => linalg::norm(&x[0], "fro", ());
        "norm/matrix_nuc".ulp(2).grad_ulp(6) => linalg::norm(&x[0], "nuc", ());
        "norm/vector_0" => linalg::norm(&x[0], 0, 1);
        "norm/vector_1" => linalg::norm(&x[0], 1, 1);
        "norm/vector_2" => linalg::norm(&x[0], 2, 1);
        "norm/vector_3".grad_ulp(1) => linalg::norm(&x[0], 3, 1);
        "norm/vector_-1.5".grad_ulp(1) => linalg::norm(&x[0], -1.5, 1);
        "norm/vector_inf".grad_ulp(1) => linalg::norm(&x[0], f64::INFINITY, 1);
        "norm/vector_-inf".grad_ulp(1) => linalg::norm(&x[0], f64::NEG_INFINITY, 1);
        "norm/axes_keepdims".ulp(1) => linalg::norm(&x[0], (), keepdims([0, 2]));
        "norm/axes_1".grad_ulp(1) => linalg::norm(&x[0], 1, [2, 0]);
        "norm/axes_nuc".ulp(1).grad_ulp(2) => linalg::norm(&x[0], "nuc", [2, 0]);
        "norm/complex_3".ulp(1).grad_ulp(2) => linalg::norm(&x[0], 3, -1);
        "matrix_norm" => linalg::matrix_norm(&x[0], "fro");
        "matrix_norm/2".ulp(2).grad_ulp(6) => linalg::norm(&x[0], 2, keepdims([-2, -1]));
        "vector_norm" => linalg::vector_norm(&x[0], (), 2);
        "vector_norm/1".ulp(1) => linalg::vector_norm(&x[0], keepdims([0, 1]), 1);
        "vector_norm/complex".ulp(1) => linalg::vector_norm(&x[0], -1, 2.5);
        "cond".ulp(3).grad_ulp(16) => linalg::cond(&x[0], ());
        "cond/1".ulp(3) => linalg::cond(&x[0], 1);
        "cond/-2".ulp(6) => linalg::cond(&x[0], -2);
        "cond/inf".ulp(1).grad_ulp(6) => linalg::cond(&x[0], f64::INFINITY);
        "cond/fro".ulp(1).grad_ulp(2) => linalg::cond(&x[0], "fro");
        "cond/singular".ulp(3) => linalg::cond(&x[0], 1);
        "cond/complex".ulp(2).grad_ulp(12) => linalg::cond(&x[0], ());
    }
}

fn products() -> Vec<Case> {
    let binary = binary! {
        matmul.ulp(1);
        matmul/"complex".grad_ulp(1);
        outer.grad_ulp(1);
    };
    let others = expressions! { |x|
        "matrix_transpose" => linalg::matrix_transpose(&x[0]);
        "cross".ulp(1) => linalg::cross(&x[0], &x[1], -1);
        "tensordot".ulp(1) => linalg::tensordot(&x[0], &x[1], [1, 2], [0, 1]);
        "tensordot/axes".ulp(4) => linalg::tensordot(&x[0], &x[1], [1, 2], [1, 0]);
        "diagonal" => linalg::diagonal(&x[0], 0);
        "diagonal/offset" => linalg::diagonal(&x[0], -1);
        "trace" => linalg::trace(&x[0], 0);
        "trace/complex" => linalg::trace(&x[0], 2);
        "vecdot".ulp(1) => linalg::vecdot(&x[0], &x[1], -1);
        "vecdot/complex".ulp(1) => linalg::vecdot(&x[0], &x[1], 0);
        "multi_dot".ulp(2) => linalg::multi_dot(x);
        "multi_dot/vectors".ulp(1) => linalg::multi_dot(x);
    };
    [binary, others].into_iter().flatten().collect()
}

/// jax.numpy's functions of polynomials that solve or factorise.
fn polynomials() -> Vec<Case> {
    let sums_of = |w: &Array| {
        let gone = jnp::isnan(w);
        let w = jnp::where_(&gone, 0.0, w);
        let sum = |k: i32| jnp::sum(lax::integer_pow(&w, k), ());
        vec![gone, sum(1), sum(2), sum(3)]
    };
    vec![
        // In double precision JAX's own are that far from what long double arithmetic gives, ours are exact.
        sums("jax.numpy.polyfit")
            .ulp_of(DType::F32, 3)
            .ulp_of(DType::F64, 32)
            .grad_ulp(64)
            .run(|x| jnp::polyfit(&x[0], &x[1], 2)),
        sums("jax.numpy.polyfit/full").ulp(8).run(|x| {
            let (c, residuals, rank, s) = jnp::polyfit_full(&x[0], &x[1], 2, None, Some(&x[2]));
            vec![c, residuals, rank, s]
        }),
        sums("jax.numpy.polyfit/cov").ulp(8).run(|x| jnp::polyfit_cov(&x[0], &x[1], 1, None, true)),
        sums("jax.numpy.polyfit/unscaled").ulp(8).run(|x| jnp::polyfit_cov(&x[0], &x[1], 1, None, false)),
        // Stripping zeros looks at values.
        sums("jax.numpy.roots")
            .ulp(32)
            .not_smooth("the number of roots changes")
            .eager()
            .run(move |x| sums_of(&jnp::roots(&x[0]))),
        sums("jax.numpy.roots/zeros")
            .ulp(8)
            .not_smooth("the number of roots changes")
            .run(move |x| sums_of(&jnp::roots_with_zeros(&x[0]))),
        sums("jax.numpy.roots/complex").ulp(40).run(move |x| sums_of(&jnp::roots_with_zeros(&x[0]))),
    ]
}
