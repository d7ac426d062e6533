//! Factorisations put together again give the matrix, on every CPU plugin that is there: square, tall, wide, of deficient rank, complex,
//! in batches, and beyond one block. Each case is one compiled program that returns the largest deviations.

mod plugins;

use jacinth_frontend::lax::linalg::{self, TriangularSolve};
use jacinth_frontend::test_util::check_grads;
use jacinth_frontend::{Array, DType, jit, lax, numpy as jnp, s, scipy, vmap, with_backend};

/// Numbers that look random and are always the same.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 40) as f32 / (1u64 << 24) as f32) * 2.0 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Two arrays from which [`matrix`] makes a real or a complex one.
fn parts(shape: &[usize]) -> (Array, Array) {
    let part = |seed| Array::from_slice(&numbers(shape.iter().product(), seed), shape);
    (part(3), part(4))
}

fn matrix((re, im): (&Array, &Array), complex: bool) -> Array {
    if complex { lax::complex(re, im) } else { re.clone() }
}

fn adjoint(x: &Array) -> Array {
    jnp::conj(jnp::matrix_transpose(x))
}

/// The largest magnitude of a difference.
fn distance(x: &Array, y: &Array) -> Array {
    assert_eq!(x.shape(), y.shape());
    jnp::max(jnp::abs(x - y), ())
}

/// How far the columns are from orthonormal.
fn skewness(q: &Array) -> Array {
    let k = q.shape()[q.ndim() - 1];
    let gram = jnp::matmul(adjoint(q), q);
    distance(&gram, &jnp::broadcast_to(jnp::eye_of(k, k, 0, q.dtype()), gram.shape()))
}

/// Runs a program that gives deviations on each plugin, for matrices of these shapes, real and complex.
fn deviate_little(shapes: &[&[usize]], deviations: fn(&Array) -> Vec<Array>) {
    for (plugin, backend) in plugins::under_test() {
        with_backend(&backend, || {
            for &shape in shapes {
                // Complex matrices of one shape show what is different about them.
                for complex in [false, true].into_iter().take(1 + (shape.len() == 3) as usize) {
                    let program = jit(move |re: &Array, im: &Array| {
                        deviations(&matrix((re, im), complex))
                            .iter()
                            .map(|d| lax::convert_element_type(d, DType::F32))
                            .collect::<Vec<Array>>()
                    });
                    let (re, im) = parts(shape);
                    let limit = f32::EPSILON * 40.0 * *shape.iter().max().expect("a dimension") as f32;
                    for (i, d) in program(&re, &im).iter().enumerate() {
                        let d = d.to_vec::<f32>()[0];
                        assert!(d <= limit, "{plugin}: deviation {i} of {shape:?} is {d}, more than {limit}");
                    }
                }
            }
        });
    }
}

#[test]
fn lu_gives_the_matrix_with_its_rows_in_order() {
    deviate_little(&[&[1, 1], &[5, 3], &[2, 3, 4], &[140, 133]], |a| {
        let (lu, pivots, order) = linalg::lu(a);
        let (m, n, rank) = (a.shape()[a.ndim() - 2], a.shape()[a.ndim() - 1], a.ndim());
        let k = m.min(n) as i64;
        let l = jnp::tril(lax::slice_in_dim(&lu, 0, Some(k), 1, rank - 1), -1);
        let l = l + jnp::eye_of(m, k as usize, 0, a.dtype());
        let product = jnp::matmul(l, jnp::triu(lax::slice_in_dim(&lu, 0, Some(k), 1, rank - 2), 0));
        // A permutation as a matrix: row i has a one at order[i].
        let places = lax::broadcasted_iota(DType::I32, &[m, m], 1);
        let permutation = jnp::equal(jnp::expand_dims(&order, -1), places).astype(a.dtype());
        let again = linalg::lu_pivots_to_permutation(&pivots, m);
        vec![
            distance(&jnp::matmul(permutation, a), &product),
            jnp::max(jnp::abs(order - again), ()).astype(DType::F32),
        ]
    });
}

#[test]
fn qr_gives_the_matrix_and_an_orthogonal_q() {
    deviate_little(&[&[1, 1], &[6, 6], &[7, 3], &[2, 3, 4], &[2, 4, 3]], |a| {
        let (q, r) = linalg::qr(a, false);
        let (whole, tall) = linalg::qr(a, true);
        vec![
            distance(&jnp::matmul(&q, r), a),
            skewness(&q),
            distance(&jnp::matmul(&whole, tall), a),
            skewness(&whole),
        ]
    });
    // Columns that are zero are left alone, and q stays orthogonal.
    deviate_little(&[&[3, 2]], |a| {
        let (q, r) = linalg::qr(&(a * 0.0f32), true);
        vec![distance(&q, &jnp::eye(3)), distance(&r, &jnp::zeros([3, 2]))]
    });
}

#[test]
fn eigh_gives_the_matrix_and_sorted_values() {
    deviate_little(&[&[1, 1], &[2, 2], &[5, 5], &[2, 4, 4], &[33, 33]], |a| {
        let a = (a + adjoint(a)) * 0.5f32;
        let (v, w) = linalg::eigh(&a);
        let scaled = &v * jnp::expand_dims(w.astype(a.dtype()), -2);
        let descents = w.ndim() - 1;
        let n = w.shape()[descents] as i64;
        let step =
            lax::slice_in_dim(&w, 0, Some(n - 1), 1, descents) - lax::slice_in_dim(&w, 1, None, 1, descents);
        let worst = jnp::sum(jnp::maximum(step, 0.0), ());
        vec![distance(&jnp::matmul(scaled, adjoint(&v)), &a), skewness(&v), worst]
    });
    // All eigenvalues equal; then NaN, which neither hangs nor panics.
    deviate_little(&[&[4, 4]], |a| {
        let (v, w) = linalg::eigh(&(jnp::eye(4) + a * 0.0f32));
        let (_, nans) = linalg::eigh(&(a * f32::NAN));
        let all_nan = jnp::sum(jnp::isnan(nans), ()).astype(DType::F32);
        vec![distance(&v, &jnp::eye(4)), distance(&w, &jnp::ones(4)), all_nan - 4.0]
    });
}

#[test]
fn svd_gives_the_matrix_and_sorted_values() {
    deviate_little(&[&[1, 1], &[5, 5], &[7, 3], &[2, 4, 3], &[2, 3, 4], &[40, 33]], |a| {
        let (u, s, vh) = linalg::svd(a, false);
        let (whole, _, _) = linalg::svd(a, true);
        let scaled = &u * jnp::expand_dims(s.astype(a.dtype()), -2);
        let last = s.ndim() - 1;
        let k = s.shape()[last] as i64;
        let step = lax::slice_in_dim(&s, 1, None, 1, last) - lax::slice_in_dim(&s, 0, Some(k - 1), 1, last);
        vec![
            distance(&jnp::matmul(scaled, &vh), a),
            skewness(&u),
            skewness(&adjoint(&vh)),
            skewness(&whole),
            jnp::sum(jnp::maximum(step, 0.0), ()),
            distance(&linalg::svdvals(a), &s),
        ]
    });
    // Of rank one, and zero: u is orthogonal all the same. Far from one in size: nothing overflows.
    deviate_little(&[&[5, 3]], |a| {
        let column = lax::slice_in_dim(a, 0, Some(1), 1, 1);
        let row = lax::slice_in_dim(a, 0, Some(1), 1, 0);
        let one = jnp::matmul(column, row);
        let (u, s, vh) = linalg::svd(&one, false);
        let (zero, _, _) = linalg::svd(&(a * 0.0f32), true);
        let s_of = |scale: f32| linalg::svdvals(&(a * scale)) / scale;
        vec![
            distance(&jnp::matmul(&u * jnp::expand_dims(&s, 0), vh), &one),
            skewness(&u),
            skewness(&zero),
            distance(&s_of(1e-30), &s_of(1.0)),
            distance(&s_of(1e30), &s_of(1.0)),
        ]
    });
}

#[test]
fn cholesky_and_the_solves() {
    deviate_little(&[&[5, 5], &[2, 3, 3]], |a| {
        let n = a.shape()[a.ndim() - 1];
        let eye = jnp::eye_of(n, n, 0, a.dtype());
        let positive = jnp::matmul(a, adjoint(a)) + &eye;
        let l = linalg::cholesky(&positive);
        let well = a + &eye * 3.0f32;
        let b = lax::slice_in_dim(a, 0, Some(2), 1, a.ndim() - 1);
        let how = TriangularSolve { left_side: true, lower: true, ..Default::default() };
        let across = TriangularSolve { transpose_a: true, conjugate_a: true, ..how };
        let (lu, _, order) = linalg::lu(&well);
        let mut out = vec![
            distance(&jnp::matmul(&l, adjoint(&l)), &positive),
            distance(&jnp::matmul(&l, linalg::triangular_solve(&l, &b, how)), &b),
            distance(&jnp::matmul(adjoint(&l), linalg::triangular_solve(&l, &b, across)), &b),
        ];
        for (trans, turned) in [(0, well.clone()), (1, jnp::matrix_transpose(&well)), (2, adjoint(&well))] {
            out.push(distance(&jnp::matmul(turned, linalg::lu_solve(&lu, &order, &b, trans)), &b));
        }
        out
    });
    deviate_little(&[&[3, 2]], |b| {
        // Not positive definite: NaN, as in JAX.
        let l = linalg::cholesky(&Array::from_slice(&[1.0f32, 2.0, 2.0, 1.0], [2, 2]));
        let none = 1.0 - jnp::any(jnp::isnan(l), ()).astype(DType::F32);
        let vector = |v: [f32; 3]| Array::from_slice(&v, [3]);
        let (dl, d, du) = (vector([0.0, 1.0, 2.0]), vector([4.0, 5.0, 6.0]), vector([1.0, -1.0, 0.0]));
        let a = Array::from_slice(&[4.0f32, 1.0, 0.0, 1.0, 5.0, -1.0, 0.0, 2.0, 6.0], [3, 3]);
        let x = linalg::tridiagonal_solve(&dl, &d, &du, b);
        vec![none, distance(&jnp::matmul(a, x), b)]
    });
}

/// What a mapped function of matrices gives, and what a loop over them does.
fn same_as_a_loop(name: &str, shape: [usize; 3], f: fn(&Array) -> Array) {
    let stack = Array::from_slice(&numbers(shape.iter().product(), 7), shape)
        + jnp::eye(shape[2]).get(s![..shape[1] as i64]) * 3.0f32;
    let mapped = vmap(|a: &Array| f(a))(&stack);
    let each: Vec<Array> = (0..shape[0]).map(|i| f(&lax::index_in_dim(&stack, i as i64, 0, false))).collect();
    let worst = distance(&mapped, &jnp::stack(&each, 0)).item::<f32>();
    assert!(worst <= 2e-5, "{name}: mapped and one after the other differ by {worst}");
}

#[test]
fn mapped_functions_are_those_of_each_matrix() {
    let functions: [(&str, fn(&Array) -> Array); 9] = [
        ("solve", |a| jnp::linalg::solve(a, jnp::ones(3))),
        ("det", |a| jnp::linalg::det(a)),
        ("slogdet", |a| jnp::linalg::slogdet(a).1),
        ("pinv", |a| jnp::linalg::pinv(a, None)),
        ("norm", |a| jnp::linalg::norm(a, 2, ())),
        ("expm", |a| scipy::linalg::expm(a / 4.0f32)),
        ("sqrtm", |a| lax::real(&scipy::linalg::sqrtm(a))),
        ("eigvals", |a| {
            let w = jnp::linalg::eigvals(a);
            jnp::abs(jnp::sum(&w * &w, ()))
        }),
        ("solve_sylvester", |a| scipy::linalg::solve_sylvester(a, jnp::eye(3), a, 1e-8)),
    ];
    for (name, f) in functions {
        same_as_a_loop(name, [2, 3, 3], f);
    }
    same_as_a_loop("cholesky", [2, 2, 3], |a| {
        jnp::linalg::cholesky(jnp::matmul(a, jnp::matrix_transpose(a)))
    });
}

#[test]
fn second_derivatives_are_limits_of_differences() {
    let a = jnp::reshape(Array::from_slice(&numbers(9, 11), [9]), (3, 3)) + jnp::eye(3) * 3.0f32;
    let functions: [fn(&Array) -> Array; 6] = [
        |a| jnp::linalg::slogdet(a).1,
        |a| jnp::sum(jnp::linalg::solve(a, jnp::ones(3)), ()),
        |a| jnp::sum(jnp::linalg::cholesky(jnp::matmul(a, jnp::matrix_transpose(a))), ()),
        |a| jnp::max(jnp::linalg::eigvalsh(a), ()),
        |a| jnp::sum(jnp::linalg::svdvals(a), ()),
        |a| jnp::sum(jnp::linalg::qr(a).1, ()),
    ];
    for f in functions {
        check_grads(|a: &Array| f(a), (a.clone(),), 2);
    }
}

#[test]
fn eigenvectors_and_schur_forms_give_the_matrix() {
    deviate_little(&[&[1, 1], &[2, 2], &[5, 5], &[12, 12], &[2, 4, 4]], |a| {
        let (t, z) = linalg::schur(a);
        let [w, v] = <[Array; 2]>::try_from(linalg::eig(a, false, true)).expect("two results");
        let both = a.astype(w.dtype());
        let (packed, taus) = linalg::hessenberg(a);
        // Below the first subdiagonal of t there is nothing.
        let rest = jnp::max(jnp::abs(jnp::tril(&t, -2)), ());
        let shape = (packed.shape()[a.ndim() - 1], taus.shape()[a.ndim() - 2]);
        assert_eq!(shape.0, shape.1 + 1);
        vec![
            distance(&jnp::matmul(jnp::matmul(&z, &t), adjoint(&z)), a),
            skewness(&z),
            rest,
            distance(&jnp::matmul(both, &v), &(&v * jnp::expand_dims(w, -2))) * 0.1f32,
        ]
    });
    // Pairs of equal eigenvalues, a nilpotent matrix, and one that is zero.
    deviate_little(&[&[4, 4]], |a| {
        let nilpotent = jnp::eye_of(4, 4, 1, a.dtype());
        let cycle = jnp::roll(jnp::eye_of(4, 4, 0, a.dtype()), 1, 0);
        let apart = |a: &Array| {
            let (t, z) = linalg::schur(a);
            distance(&jnp::matmul(jnp::matmul(&z, &t), adjoint(&z)), a)
        };
        let w = jnp::linalg::eigvals(&cycle);
        let fourth = lax::integer_pow(&w, 4);
        vec![
            apart(&nilpotent),
            apart(&cycle),
            apart(&(a * 0.0f32)),
            distance(&fourth, &jnp::ones_like(&fourth)),
        ]
    });
}

#[test]
fn eigenvalues_of_turns_and_of_extreme_matrices() {
    let turn = Array::from([
        [1.0f32, -2.0, 0.0, 0.0],
        [2.0, 1.0, 0.0, 0.0],
        [0.0, 0.0, 3.0, 1.0],
        [0.0, 0.0, -1.0, 3.0],
    ]);
    let symmetric = Array::from([[2.0f32, 1.0, 0.5], [1.0, 3.0, 0.0], [0.5, 0.0, 1.0]]);
    for (plugin, backend) in plugins::under_test() {
        with_backend(&backend, || {
            let plain = jnp::linalg::eigvalsh(&symmetric);
            for scale in [1.0f32, 1e-30, 1e-18, 1e18, 1e30] {
                let (w, v) = jnp::linalg::eig(&turn * scale);
                let w = lax::complex(&(jnp::real(&w) / scale), &(jnp::imag(&w) / scale));
                // Both pairs are there, and belong to their vectors.
                let parts = jnp::sort(jnp::imag(&w), -1);
                assert!(
                    distance(&parts, &Array::from([-2.0f32, -1.0, 1.0, 2.0])).item::<f32>() < 1e-5,
                    "{plugin}: {w}"
                );
                let turned = jnp::matmul(turn.astype(w.dtype()), &v);
                assert!(distance(&turned, &(&v * &w)).item::<f32>() < 1e-5, "{plugin}: {w} {v}");
                let (values, vectors) = jnp::linalg::eigh(&symmetric * scale);
                assert!(distance(&(values / scale), &plain).item::<f32>() < 1e-5, "{plugin}: {scale}");
                assert!(skewness(&vectors).item::<f32>() < 1e-5, "{plugin}: {scale}");
            }
        });
    }
}
