//! Factorisations put together again give the matrix, on every CPU plugin that is there: square, tall, wide, of deficient rank, complex,
//! in batches, and beyond one block.

mod plugins;

use jacinth_frontend::lax::linalg::{self, TriangularSolve};
use jacinth_frontend::{Array, DType, jit, lax, numpy as jnp, with_backend};

/// Numbers that look random and are always the same.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 40) as f32 / (1u64 << 24) as f32) * 2.0 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn matrix(shape: &[usize], dtype: DType, seed: u64) -> Array {
    let count = shape.iter().product();
    let re = Array::from_slice(&numbers(count, seed), shape);
    if !dtype.is_complex() {
        return re;
    }
    lax::complex(&re, &Array::from_slice(&numbers(count, seed + 1), shape))
}

fn adjoint(x: &Array) -> Array {
    jnp::conj(jnp::matrix_transpose(x))
}

/// The largest magnitude of a difference.
fn distance(x: &Array, y: &Array) -> f32 {
    assert_eq!(x.shape(), y.shape());
    if x.size() == 0 { 0.0 } else { jnp::max(jnp::abs(x - y), ()).to_vec::<f32>()[0] }
}

#[track_caller]
fn near(what: &str, x: &Array, y: &Array, tolerance: f32) {
    let d = distance(x, y);
    assert!(d <= tolerance, "{what}: they differ by {d}, more than {tolerance}");
}

fn on_every_plugin(test: impl Fn()) {
    for (name, backend) in plugins::under_test() {
        eprintln!("on {name}");
        with_backend(&backend, &test);
    }
}

const SHAPES: [&[usize]; 8] = [&[1, 1], &[2, 2], &[5, 5], &[7, 3], &[3, 6], &[2, 4, 4], &[1, 4], &[140, 133]];

fn eps(shape: &[usize]) -> f32 {
    f32::EPSILON * 40.0 * *shape.iter().max().unwrap() as f32
}

#[test]
fn lu_gives_the_matrix_with_its_rows_in_order() {
    on_every_plugin(|| {
        for shape in SHAPES {
            for dtype in [DType::F32, DType::C64] {
                let a = matrix(shape, dtype, 3);
                let f = jit(|a: &Array| {
                    let (lu, pivots, order) = linalg::lu(a);
                    let (m, n) = (a.shape()[a.ndim() - 2], a.shape()[a.ndim() - 1]);
                    let k = m.min(n) as i64;
                    let rank = a.ndim();
                    let l = lax::slice_in_dim(&lu, 0, Some(k), 1, rank - 1);
                    let u = lax::slice_in_dim(&lu, 0, Some(k), 1, rank - 2);
                    let l = jnp::tril(&l, -1) + jnp::eye_of(m, k as usize, 0, a.dtype());
                    let product = jnp::matmul(l, jnp::triu(&u, 0));
                    let again = linalg::lu_pivots_to_permutation(&pivots, m);
                    (product, order, again)
                });
                let (product, order, again) = f(&a);
                assert_eq!(order.to_vec::<i32>(), again.to_vec::<i32>(), "{shape:?}");
                let (m, n) = (shape[shape.len() - 2], shape[shape.len() - 1]);
                let flat = lax::reshape(&a, &[a.size() / (m * n), m, n]);
                let rows: Vec<Array> = order
                    .to_vec::<i32>()
                    .iter()
                    .enumerate()
                    .map(|(i, &row)| {
                        let one = lax::index_in_dim(&flat, (i / m) as i64, 0, false);
                        lax::index_in_dim(&one, row as i64, 0, false)
                    })
                    .collect();
                let permuted = lax::reshape(&lax::stack(&rows, 0), shape);
                near(&format!("{shape:?} {dtype:?}"), &product, &permuted, eps(shape));
            }
        }
    });
}

#[test]
fn qr_gives_the_matrix_and_an_orthogonal_q() {
    on_every_plugin(|| {
        for shape in SHAPES {
            for dtype in [DType::F32, DType::C64] {
                for full in [false, true] {
                    let a = matrix(shape, dtype, 5);
                    let (q, r) = jit(move |a: &Array| linalg::qr(a, full))(&a);
                    near(&format!("{shape:?} {dtype:?}"), &jnp::matmul(&q, &r), &a, eps(shape));
                    let gram = jnp::matmul(adjoint(&q), &q);
                    let k = q.shape()[q.ndim() - 1];
                    let eye = jnp::broadcast_to(jnp::eye_of(k, k, 0, dtype), gram.shape());
                    near(&format!("qᴴ q {shape:?} {dtype:?}"), &gram, &eye, eps(shape));
                }
            }
        }
        // A column that is zero is left alone, and q stays orthogonal.
        let (q, r) = linalg::qr(&Array::from_slice(&[0.0f32; 6], &[3, 2]), true);
        near("q of zeros", &q, &jnp::eye(3), 0.0);
        assert_eq!(r.to_vec::<f32>(), [0.0; 6]);
    });
}

#[test]
fn eigh_gives_the_matrix_and_sorted_values() {
    on_every_plugin(|| {
        for shape in [&[1, 1][..], &[2, 2], &[5, 5], &[6, 6], &[3, 4, 4], &[33, 33]] {
            for dtype in [DType::F32, DType::C64] {
                let a = matrix(shape, dtype, 7);
                let a = (&a + adjoint(&a)) * 0.5f32;
                let (v, w) = jit(|a: &Array| linalg::eigh(a))(&a);
                let scaled = &v * jnp::expand_dims(w.astype(dtype), -2);
                near(&format!("{shape:?} {dtype:?}"), &jnp::matmul(&scaled, adjoint(&v)), &a, eps(shape));
                let gram = jnp::matmul(adjoint(&v), &v);
                let n = shape[shape.len() - 1];
                let eye = jnp::broadcast_to(jnp::eye_of(n, n, 0, dtype), gram.shape());
                near(&format!("vᴴ v {shape:?}"), &gram, &eye, eps(shape));
                for values in w.to_vec::<f32>().chunks(n) {
                    assert!(values.windows(2).all(|p| p[0] <= p[1]), "{values:?}");
                }
            }
        }
        // Degenerate: the identity and zero.
        for value in [0.0f32, 1.0] {
            let (v, w) = linalg::eigh(&(jnp::eye(4) * value));
            near("v", &v, &jnp::eye(4), 0.0);
            assert_eq!(w.to_vec::<f32>(), [value; 4]);
        }
        // NaN neither hangs nor panics.
        let (_, w) = linalg::eigh(&(jnp::eye(4) * f32::NAN));
        assert!(w.to_vec::<f32>().iter().all(|w| w.is_nan()));
    });
}

#[test]
fn svd_gives_the_matrix_and_sorted_values() {
    on_every_plugin(|| {
        let shapes: [&[usize]; 7] = [&[1, 1], &[2, 2], &[5, 5], &[7, 3], &[3, 6], &[2, 4, 3], &[40, 33]];
        for shape in shapes {
            for dtype in [DType::F32, DType::C64] {
                for full in [false, true] {
                    let a = matrix(shape, dtype, 11);
                    let (u, s, vh) = jit(move |a: &Array| linalg::svd(a, full))(&a);
                    let k = s.shape()[s.ndim() - 1] as i64;
                    let thin = lax::slice_in_dim(&u, 0, Some(k), 1, u.ndim() - 1);
                    let low = lax::slice_in_dim(&vh, 0, Some(k), 1, u.ndim() - 2);
                    let scaled = &thin * jnp::expand_dims(s.astype(dtype), -2);
                    near(&format!("{shape:?} {dtype:?}"), &jnp::matmul(&scaled, &low), &a, eps(shape));
                    for q in [&u, &adjoint(&vh)] {
                        let gram = jnp::matmul(adjoint(q), q);
                        let n = q.shape()[q.ndim() - 1];
                        let eye = jnp::broadcast_to(jnp::eye_of(n, n, 0, dtype), gram.shape());
                        near(&format!("orthogonal {shape:?} {dtype:?}"), &gram, &eye, eps(shape));
                    }
                    for values in s.to_vec::<f32>().chunks(k as usize) {
                        assert!(values.windows(2).all(|p| p[0] >= p[1]), "{values:?}");
                    }
                }
            }
        }
        // Of deficient rank: u is orthogonal all the same.
        let column = Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[4, 1]);
        let row = Array::from_slice(&[1.0f32, -1.0, 2.0], &[1, 3]);
        let a = jnp::matmul(&column, &row);
        let (u, s, vh) = linalg::svd(&a, false);
        near("of rank one", &jnp::matmul(&u * jnp::expand_dims(&s, 0), &vh), &a, 1e-5);
        near("u", &jnp::matmul(adjoint(&u), &u), &jnp::eye(3), 1e-5);
        let s = s.to_vec::<f32>();
        assert!((s[0] - 180f32.sqrt()).abs() < 1e-5 && s[1] < 1e-5 && s[2] < 1e-5, "{s:?}");
        let (u, s, _) = linalg::svd(&Array::from_slice(&[0.0f32; 6], &[3, 2]), true);
        near("u of zeros", &jnp::matmul(adjoint(&u), &u), &jnp::eye(3), 0.0);
        assert_eq!(s.to_vec::<f32>(), [0.0; 2]);
        // Far from one in size.
        for scale in [1e-30f32, 1e30] {
            let a = matrix(&[4, 4], DType::F32, 13);
            let (s, t) = (linalg::svdvals(&(&a * scale)), linalg::svdvals(&a) * scale);
            near("scaled", &(s / scale), &(t / scale), 1e-5);
        }
    });
}

#[test]
fn cholesky_and_the_solves() {
    on_every_plugin(|| {
        for (shape, dtype) in [([5, 5], DType::F32), ([6, 6], DType::C64)] {
            let a = matrix(&shape, dtype, 17);
            let positive = jnp::matmul(&a, adjoint(&a)) + jnp::eye_of(shape[0], shape[0], 0, dtype);
            let l = linalg::cholesky(&positive);
            near("l lᴴ", &jnp::matmul(&l, adjoint(&l)), &positive, 1e-4);
            let b = matrix(&[shape[0], 2], dtype, 19);
            let how = TriangularSolve { left_side: true, lower: true, ..Default::default() };
            let x = linalg::triangular_solve(&l, &b, how);
            near("l x", &jnp::matmul(&l, &x), &b, 1e-4);
            let how = TriangularSolve { transpose_a: true, conjugate_a: true, ..how };
            let x = linalg::triangular_solve(&l, &b, how);
            near("lᴴ x", &jnp::matmul(adjoint(&l), &x), &b, 1e-4);
            let (lu, _, order) = linalg::lu(&a);
            for (trans, matrix) in [(0, a.clone()), (1, jnp::matrix_transpose(&a)), (2, adjoint(&a))] {
                let x = linalg::lu_solve(&lu, &order, &b, trans);
                near("lu_solve", &jnp::matmul(matrix, &x), &b, 1e-3);
            }
        }
        // Not positive definite: NaN, as in JAX.
        let l = linalg::cholesky(&Array::from_slice(&[1.0f32, 2.0, 2.0, 1.0], &[2, 2]));
        assert!(l.to_vec::<f32>().iter().any(|x| x.is_nan()));
        let d = Array::from_slice(&[4.0f32, 5.0, 6.0], &[3]);
        let (dl, du) =
            (Array::from_slice(&[0.0f32, 1.0, 2.0], &[3]), Array::from_slice(&[1.0f32, -1.0, 0.0], &[3]));
        let b = matrix(&[3, 2], DType::F32, 23);
        let x = linalg::tridiagonal_solve(&dl, &d, &du, &b);
        let a = Array::from_slice(&[4.0f32, 1.0, 0.0, 1.0, 5.0, -1.0, 0.0, 2.0, 6.0], &[3, 3]);
        near("tridiagonal", &jnp::matmul(&a, &x), &b, 1e-5);
    });
}
