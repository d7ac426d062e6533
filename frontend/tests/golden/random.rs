//! jax.random. The first input is always the key's words.

use jacinth_frontend::config::with_threefry_partitionable;
use jacinth_frontend::random::{self, Key};
use jacinth_frontend::{Array, DType, vmap};

use crate::table::{Builder, Case, case};

/// A typed key from the first input.
pub(crate) fn key(x: &[Array]) -> Key {
    random::wrap_key_data(&x[0])
}

/// Starts the line of a sampler.
pub(crate) fn draw(name: &str) -> Builder {
    case(leak(format!("jax.random.{name}")))
}

/// Names of cases made in a loop live as long as the tests.
fn leak(name: String) -> &'static str {
    Box::leak(name.into_boxed_str())
}

pub(crate) fn dtype(short: &str) -> DType {
    match short {
        "i8" => DType::I8,
        "i16" => DType::I16,
        "i32" => DType::I32,
        "i64" => DType::I64,
        "u8" => DType::UI8,
        "u16" => DType::UI16,
        "u32" => DType::UI32,
        "u64" => DType::UI64,
        "f16" => DType::F16,
        "bf16" => DType::BF16,
        "f32" => DType::F32,
        "f64" => DType::F64,
        "c64" => DType::C64,
        other => panic!("{other} is no dtype"),
    }
}

pub(crate) const FLOATS: [&str; 4] = ["f32", "bf16", "f16", "f64"];
const INTS: [&str; 8] = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"];
const UNSIGNED: [&str; 4] = ["u8", "u16", "u32", "u64"];

/// One line per dtype of a sampler: `name/f32`, or `name/variant-f32`.
pub(crate) fn by_dtype(
    name: &str,
    variant: &str,
    dtypes: &[&str],
    set: impl Fn(Builder) -> Builder,
    f: impl Fn(&[Array], DType) -> Array + Clone + Send + Sync + 'static,
) -> Vec<Case> {
    let line = |short: &&str| {
        let separator = if variant.is_empty() { "" } else { "-" };
        let builder = set(draw(&format!("{name}/{variant}{separator}{short}")));
        let (f, dtype) = (f.clone(), dtype(short));
        // Differences are taken in double precision: of parameters, then also of samples.
        let double = move |x: &[Array]| dtype.is_float() && x.iter().any(|x| x.dtype() == DType::F64);
        builder.run(move |x| f(x, if double(x) { DType::F64 } else { dtype }))
    };
    dtypes.iter().map(line).collect()
}

/// A line of a sampler mapped over keys.
pub(crate) fn mapped(name: &str, ulp: u32, f: fn(Key) -> Array) -> Case {
    draw(&format!("{name}/vmap")).ulp(ulp).run(move |x| vmap(f)(random::wrap_key_data(&x[0])))
}

pub(crate) fn exact(builder: Builder) -> Builder {
    builder
}

pub(crate) fn ulp(n: u32) -> impl Fn(Builder) -> Builder {
    move |builder| builder.ulp(n)
}

/// For samples near zero that are differences of larger numbers.
pub(crate) fn ulp_of_largest(n: u32) -> impl Fn(Builder) -> Builder {
    move |builder| builder.ulp(n).relative_to_largest()
}

pub(crate) fn cases() -> Vec<Case> {
    [keys(), uniform(), arrangements(), continuous(), discrete(), mapped_and_legacy()]
        .into_iter()
        .flatten()
        .collect()
}

fn keys() -> Vec<Case> {
    let seeded = |x: &[Array]| vmap(|seed: &Array| random::key_data(&random::key(seed)))(&x[0]);
    vec![
        draw("key").run(seeded),
        draw("key/wide").run(seeded),
        draw("PRNGKey").run(|_| random::PRNGKey(1234567)),
        draw("split").run(|x| {
            let [a, b] = random::split(key(x));
            jacinth_frontend::numpy::stack(&[random::key_data(&a), random::key_data(&b)], 0)
        }),
        draw("split/shape").run(|x| random::key_data(&random::split_n(key(x), [2, 3]))),
        draw("split/raw").run(|x| random::split_n(x[0].clone(), 5)),
        draw("fold_in").run(|x| {
            let key = key(x);
            vmap(move |i: &Array| random::key_data(&random::fold_in(&key, i)))(&x[1])
        }),
        draw("key_data").run(|x| random::key_data(&key(x))),
        draw("wrap_key_data").run(|x| random::uniform(key(x), ())),
        draw("clone").run(|x| random::uniform(random::clone(&key(x)), ())),
        draw("uniform/raw").run(|x| random::uniform(x[0].clone(), 3)),
    ]
}

fn uniform() -> Vec<Case> {
    let one = |name, run: fn(&[Array]) -> Array| vec![draw(name).run(run)];
    [
        by_dtype("bits", "", &UNSIGNED, exact, |x, d| random::bits_of(key(x), [3, 5], d)),
        one("bits/scalar", |x| random::bits(key(x), ())),
        one("bits/empty", |x| random::bits(key(x), [0, 2])),
        by_dtype("uniform", "", &FLOATS, exact, |x, d| random::uniform_of(key(x), [3, 2, 5], d)),
        // XLA fuses the multiplication and the addition into one rounding.
        by_dtype("uniform", "between", &FLOATS, ulp(2), |x, d| {
            random::uniform_with(key(x), [3, 4], d, &x[1], &x[2])
        }),
        one("uniform/scalar", |x| random::uniform(key(x), ())),
        by_dtype("randint", "", &INTS, exact, |x, d| random::randint_of(key(x), [4, 6], 3, 97, d)),
        by_dtype("randint", "beyond", &INTS, exact, |x, d| random::randint_of(key(x), 30, 0, 1000, d)),
        one("randint/bounds", |x| random::randint(key(x), [3, 4], &x[1], &x[2])),
        one("randint/nothing", |x| random::randint(key(x), 4, 5, 5)),
        one("bernoulli", |x| random::bernoulli(key(x), 0.3, 40)),
        one("bernoulli/high", |x| random::bernoulli_mode(key(x), 0.3, 40, "high")),
        one("bernoulli/p", |x| random::bernoulli(key(x), &x[1], [5, 4])),
        one("rademacher", |x| random::rademacher(key(x), 40)),
        one("rademacher/float", |x| random::rademacher_of(key(x), 40, DType::F32)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn arrangements() -> Vec<Case> {
    vec![
        draw("permutation").run(|x| random::permutation(key(x), 40)),
        draw("permutation/array").run(|x| random::permutation(key(x), &x[1])),
        draw("permutation/axis").run(|x| random::permutation_with(key(x), &x[1], 1, false)),
        draw("permutation/independent").run(|x| random::permutation_with(key(x), &x[1], 1, true)),
        draw("choice").run(|x| random::choice(key(x), 10, 20)),
        draw("choice/distinct").run(|x| random::choice_with(key(x), 10, [2, 4], false, None, 0)),
        draw("choice/axis").run(|x| random::choice_with(key(x), &x[1], [2, 3], true, None, 1)),
        draw("choice/weighted").run(|x| random::choice_with(key(x), &x[1], 20, true, Some(&x[2]), 0)),
        draw("choice/weighted-distinct").run(|x| random::choice_with(key(x), 6, 4, false, Some(&x[1]), 0)),
        draw("categorical").run(|x| random::categorical(key(x), &x[1], -1, 3)),
        draw("categorical/axis").run(|x| random::categorical(key(x), &x[1], 0, [5, 6])),
        draw("categorical/distinct")
            .run(|x| random::categorical_with(key(x), &x[1], -1, [4, 3], false, "low")),
        draw("categorical/high").run(|x| random::categorical_with(key(x), &x[1], -1, [7, 3], true, "high")),
    ]
}

fn continuous() -> Vec<Case> {
    let plain = |name: &str, n: u32, f: fn(Key, [usize; 2], DType) -> Array| {
        by_dtype(name, "", &["f32"], ulp(n), move |x, d| f(key(x), [3, 10], d))
    };
    let mut cases = [
        by_dtype("normal", "", &["f32", "bf16", "f16"], exact, |x, d| random::normal_of(key(x), [3, 10], d)),
        by_dtype("normal", "", &["f64"], ulp(17), |x, d| random::normal_of(key(x), [3, 10], d)),
        by_dtype("normal", "", &["c64"], ulp(2), |x, d| random::normal_of(key(x), [3, 10], d)),
        by_dtype("truncated_normal", "", &["f32"], ulp_of_largest(4), |x, d| {
            random::truncated_normal_of(key(x), &x[1], &x[2], [4, 8], d)
        }),
        plain("cauchy", 1, random::cauchy_of),
        plain("exponential", 1, random::exponential_of),
        plain("laplace", 1, random::laplace_of),
        plain("logistic", 4, random::logistic_of),
        plain("maxwell", 1, random::maxwell_of),
        by_dtype("lognormal", "", &["f32"], ulp(2), |x, d| random::lognormal_of(key(x), &x[1], [4, 5], d)),
        by_dtype("pareto", "", &["f32"], ulp(2), |x, d| random::pareto_of(key(x), &x[1], [4, 5], d)),
        by_dtype("rayleigh", "", &["f32"], ulp(1), |x, d| random::rayleigh_of(key(x), &x[1], [4, 5], d)),
        by_dtype("triangular", "", &["f32"], exact, |x, d| {
            random::triangular_of(key(x), &x[1], &x[2], &x[3], [4, 5], d)
        }),
        by_dtype("wald", "", &["f32"], ulp(3), |x, d| random::wald_of(key(x), &x[1], [4, 5], d)),
        by_dtype("weibull_min", "", &["f32"], exact, |x, d| {
            random::weibull_min_of(key(x), &x[1], &x[2], [4, 5], d)
        }),
        by_dtype("double_sided_maxwell", "", &["f32"], ulp_of_largest(2), |x, d| {
            random::double_sided_maxwell_of(key(x), &x[1], &x[2], 4, d)
        }),
    ];
    let mut all: Vec<Case> = cases.iter_mut().flat_map(std::mem::take).collect();
    for mode in ["low", "high", "highest"] {
        all.extend(by_dtype("gumbel", mode, &["f32"], ulp_of_largest(3), move |x, d| {
            random::gumbel_with(key(x), [3, 10], d, mode)
        }));
    }
    all
}

fn discrete() -> Vec<Case> {
    vec![
        draw("geometric").run(|x| random::geometric(key(x), &x[1], [4, 5])),
        draw("binomial").not_smooth("counts events").run(|x| random::binomial(key(x), &x[1], &x[2], [4, 5])),
        draw("binomial/numbers").run(|x| random::binomial(key(x), 12, 0.4, 30)),
        draw("multinomial")
            .not_smooth("counts events")
            .run(|x| random::multinomial(key(x), &x[1], &x[2], [3, 4])),
    ]
}

fn mapped_and_legacy() -> Vec<Case> {
    let mut cases = vec![
        mapped("uniform", 0, |k| random::uniform(k, 3)),
        mapped("normal", 0, |k| random::normal(k, 3)),
        mapped("poisson", 0, |k| random::poisson(k, 12.0, 3)),
        mapped("permutation", 0, |k| random::permutation(k, 7)),
        mapped("split", 0, |k| random::key_data(&random::split_n(k, 2))),
    ];
    fn legacy(name: &str, ulp: u32, f: impl Fn(Key) -> Array + Send + Sync + 'static) -> Case {
        let run = move |x: &[Array]| with_threefry_partitionable(false, || f(key(x)));
        draw(name).ulp(ulp).run(run)
    }
    for short in UNSIGNED {
        let name = format!("bits/legacy-{short}");
        cases.push(legacy(&name, 0, move |k| random::bits_of(k, [3, 5], dtype(short))));
    }
    cases.push(legacy("split/legacy", 0, |k| random::key_data(&random::split_n(k, 3))));
    cases.push(legacy("normal/legacy", 0, |k| random::normal(k, 7)));
    cases.push(legacy("randint/legacy", 0, |k| random::randint(k, 7, 0, 10)));
    cases
}
