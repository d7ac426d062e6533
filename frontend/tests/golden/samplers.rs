//! jax.random: samplers by rejection or factorisation, in every float dtype, mapped over keys, and of the legacy generator.

use jacinth_frontend::config::with_threefry_partitionable;
use jacinth_frontend::numpy as jnp;
use jacinth_frontend::random::{self, Key};
use jacinth_frontend::{Array, DType};

use crate::random::{FLOATS, by_dtype, draw, exact, key, mapped, ulp, ulp_of_largest};
use crate::table::{Builder, Case};

pub(crate) fn cases() -> Vec<Case> {
    [narrow(), rejection(), factorisations(), mapped_over_keys(), legacy()].into_iter().flatten().collect()
}

/// Differences of samples that are rounded to the dtype asked for are no slopes.
const ROUNDED: &str = "samples are rounded to their dtype";

/// For one dtype other than for the rest.
fn but(dtype: DType, n: u32, rest: u32) -> impl Fn(Builder) -> Builder {
    move |builder| builder.ulp(rest).ulp_of(dtype, n)
}

fn narrow() -> Vec<Case> {
    const NARROW: &[&str] = FLOATS.split_at(1).1;
    fn plain(
        name: &str,
        set: impl Fn(Builder) -> Builder,
        f: fn(Key, [usize; 2], DType) -> Array,
    ) -> Vec<Case> {
        by_dtype(name, "", NARROW, set, move |x, d| f(key(x), [3, 10], d))
    }
    fn parametric(
        name: &str,
        set: impl Fn(Builder) -> Builder,
        f: fn(Key, &Array, [usize; 2], DType) -> Array,
    ) -> Vec<Case> {
        by_dtype(name, "", NARROW, set, move |x, d| f(key(x), &x[1], [4, 5], d))
    }
    [
        plain("cauchy", exact, random::cauchy_of),
        // XLA's `log1p` of doubles, unlike the embedded plugin's, is that far from the truth.
        plain("exponential", but(DType::F64, 117, 1), random::exponential_of),
        plain("laplace", but(DType::F64, 17, 0), random::laplace_of),
        plain("logistic", but(DType::F64, 234, 2), random::logistic_of),
        plain("maxwell", but(DType::F64, 8, 1), random::maxwell_of),
        by_dtype("gumbel", "narrow", NARROW, ulp(1), |x, d| random::gumbel_with(key(x), [3, 10], d, "low")),
        by_dtype("truncated_normal", "", NARROW, ulp_of_largest(2), |x, d| {
            random::truncated_normal_of(key(x), &x[1], &x[2], [4, 8], d)
        }),
        parametric("lognormal", but(DType::F64, 18, 4), |k, p, s, d| random::lognormal_of(k, p, s, d)),
        parametric("pareto", ulp(2), |k, p, s, d| random::pareto_of(k, p, s, d)),
        parametric("rayleigh", exact, |k, p, s, d| random::rayleigh_of(k, p, s, d)),
        parametric("wald", but(DType::F64, 8, 0), |k, p, s, d| random::wald_of(k, p, s, d)),
        by_dtype("weibull_min", "", NARROW, but(DType::F64, 1, 0), |x, d| {
            random::weibull_min_of(key(x), &x[1], &x[2], [4, 5], d)
        }),
        by_dtype("triangular", "narrow", NARROW, exact, |x, d| {
            random::triangular_of(key(x), &x[1], &x[2], &x[3], [4, 5], d)
        }),
        by_dtype("double_sided_maxwell", "", NARROW, ulp_of_largest(1), |x, d| {
            random::double_sided_maxwell_of(key(x), &x[1], &x[2], 4, d)
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn rejection() -> Vec<Case> {
    const SOME: [&str; 2] = ["f32", "bf16"];
    let mut cases = [
        by_dtype(
            "gamma",
            "",
            &FLOATS,
            |b| b.ulp(4).ulp_of(DType::F64, 7).grad_ulp(14).not_smooth(ROUNDED),
            |x, d| random::gamma_of(key(x), &x[1], [8, 5], d),
        ),
        by_dtype(
            "loggamma",
            "",
            &FLOATS,
            |b| b.ulp(1).ulp_of(DType::F64, 4).relative_to_largest().not_smooth(ROUNDED),
            |x, d| random::loggamma_of(key(x), &x[1], [8, 5], d),
        ),
        by_dtype(
            "beta",
            "",
            &FLOATS,
            |b| {
                b.ulp(1)
                    .ulp_of(DType::F16, 3)
                    .ulp_of(DType::F64, 10)
                    .grad_ulp(5)
                    .grad_relative_to_largest()
                    .not_smooth(ROUNDED)
            },
            |x, d| random::beta_of(key(x), &x[1], &x[2], [4, 5], d),
        ),
        by_dtype(
            "chisquare",
            "",
            &SOME,
            |b| b.ulp(4).not_smooth(ROUNDED),
            |x, d| random::chisquare_of(key(x), &x[1], [4, 5], d),
        ),
        by_dtype(
            "f",
            "",
            &SOME,
            |b| b.ulp(6).not_smooth(ROUNDED),
            |x, d| random::f_of(key(x), &x[1], &x[2], [4, 5], d),
        ),
        by_dtype(
            "t",
            "",
            &SOME,
            |b| b.ulp(2).not_smooth(ROUNDED),
            |x, d| random::t_of(key(x), &x[1], [4, 5], d),
        ),
        by_dtype(
            "dirichlet",
            "",
            &SOME,
            |b| b.ulp(7).ulp_of(DType::BF16, 2).not_smooth(ROUNDED),
            |x, d| random::dirichlet_of(key(x), &x[1], 4, d),
        ),
        vec![
            draw("dirichlet/batch").ulp(2).not_smooth(ROUNDED).run(|x| random::dirichlet(key(x), &x[1], 2)),
            draw("poisson/small").run(|x| random::poisson(key(x), &x[1], [6, 5])),
            draw("poisson/large").run(|x| random::poisson(key(x), &x[1], [6, 5])),
        ],
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>();
    for (name, p) in [("1.0", 1.0), ("2.0", 2.0), ("3.5", 3.5)] {
        cases.extend(by_dtype("generalized_normal", name, &["f32"], ulp(3), move |x, d| {
            random::generalized_normal_of(key(x), p, [4, 5], d)
        }));
        cases.extend(by_dtype("ball", name, &["f32"], ulp(4), move |x, d| {
            random::ball_of(key(x), 3, p, 4, d)
        }));
    }
    cases
}

fn factorisations() -> Vec<Case> {
    // Only magnitudes: the signs of eigenvectors are the library's.
    let magnitudes = |x: &[Array], method: &str| {
        let drawn = random::multivariate_normal_with(key(x), &x[1], &x[2], 4, DType::F32, method);
        jnp::abs(drawn - &x[1])
    };
    let mut cases = by_dtype("multivariate_normal", "", &["f32", "f64"], ulp_of_largest(1), |x, d| {
        random::multivariate_normal_with(key(x), &x[1], &x[2], 4, d, "cholesky")
    });
    cases.extend([
        draw("multivariate_normal/batch")
            .ulp(1)
            .relative_to_largest()
            .run(|x| random::multivariate_normal(key(x), &x[1], &x[2], [4, 2])),
        draw("multivariate_normal/eigh").run(move |x| magnitudes(x, "eigh")),
        draw("multivariate_normal/svd").run(move |x| magnitudes(x, "svd")),
    ]);
    for (name, n, shape, m) in [("", 3, vec![2], 3), ("wide", 2, vec![], 4), ("tall", 4, vec![2], 2)] {
        cases.extend(by_dtype(
            "orthogonal",
            name,
            &["f32", "f64"],
            |b| b.ulp(3).ulp_of(DType::F64, 12).relative_to_largest(),
            move |x, d| random::orthogonal_with(key(x), n, &shape[..], d, m),
        ));
    }
    cases
}

/// In units of the largest element.
fn relative(mut case: Case) -> Case {
    case.value.largest = true;
    case
}

/// That many units further off on XLA's plugin.
fn fused(units: u32, case: Case) -> Case {
    Case { fused: units, ..case }
}

fn mapped_over_keys() -> Vec<Case> {
    vec![
        mapped("bits", 0, |k| random::bits(k, [2, 2])),
        mapped("randint", 0, |k| random::randint(k, 5, -4, 40)),
        mapped("bernoulli", 0, |k| random::bernoulli(k, 0.4, 6)),
        mapped("fold_in", 0, |k| random::key_data(&random::fold_in(&k, 7))),
        mapped("choice", 0, |k| random::choice_with(k, 9, 4, false, None, 0)),
        mapped("categorical", 0, |k| random::categorical(k, Array::from([0.5, -1.0, 2.0, 0.0]), -1, 5)),
        mapped("gamma", 5, |k| random::gamma(k, Array::from([0.2, 1.0, 7.0]), 3)),
        mapped("beta", 6, |k| random::beta(k, 0.7, 2.0, 3)),
        fused(8, mapped("dirichlet", 1, |k| random::dirichlet(k, Array::from([0.5, 2.0, 1.0]), ()))),
        mapped("t", 3, |k| random::t(k, 3.0, 3)),
        mapped("binomial", 0, |k| random::binomial(k, 30.0, 0.4, 4)),
        relative(mapped("truncated_normal", 1, |k| random::truncated_normal(k, -1.0, 2.0, 4))),
        relative(mapped("multivariate_normal", 1, |k| {
            random::multivariate_normal(k, jnp::zeros(2), Array::from([[2.0, 0.5], [0.5, 1.0]]), ())
        })),
        mapped("orthogonal", 1, |k| random::orthogonal(k, 2, ())),
        mapped("rademacher", 0, |k| random::rademacher(k, 6)),
        mapped("gumbel", 1, |k| random::gumbel(k, 3)),
        mapped("exponential", 1, |k| random::exponential(k, 3)),
    ]
}

fn legacy() -> Vec<Case> {
    fn legacy(name: &str, n: u32, f: impl Fn(Key) -> Array + Send + Sync + 'static) -> Case {
        draw(name).ulp(n).run(move |x| with_threefry_partitionable(false, || f(key(x))))
    }
    let mut cases = vec![
        legacy("split/legacy-shape", 0, |k| random::key_data(&random::split_n(k, [2, 2]))),
        legacy("permutation/legacy", 0, |k| random::permutation(k, 11)),
        legacy("permutation/legacy-independent", 0, |k| {
            random::permutation_with(k, jnp::arange(12).reshape((4, 3)), 1, true)
        }),
        legacy("choice/legacy", 0, |k| random::choice_with(k, 10, 4, false, None, 0)),
        legacy("gamma/legacy", 3, |k| random::gamma(k, 2.5, 5)),
    ];
    for (name, dtype) in
        [("f32", DType::F32), ("f64", DType::F64), ("bf16", DType::BF16), ("f16", DType::F16)]
    {
        let name = format!("uniform/legacy-{name}");
        cases.push(legacy(&name, 0, move |k| random::uniform_of(k, [3, 3], dtype)));
    }
    cases
}
