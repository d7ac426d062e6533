//! jax.nn.initializers. The input is the key's words.

use jacinth_frontend::DType;
use jacinth_frontend::nn::initializers::{self as init, Axes, Distribution, Fan, Initializer};

use crate::random::{FLOATS, dtype, key};
use crate::table::{Builder, Case, case};

/// Lines of an initializer, one per dtype: `name/f32`, or `name/variant-f32`.
fn begin(
    name: &str,
    variant: &str,
    dtypes: &[&str],
    shape: &[usize],
    set: impl Fn(Builder) -> Builder,
    initializer: Initializer,
) -> Vec<Case> {
    let line = |short: &&str| {
        let separator = if variant.is_empty() { "" } else { "-" };
        let name = format!("jax.nn.initializers.{name}/{variant}{separator}{short}");
        let (shape, dtype, initializer) = (shape.to_vec(), dtype(short), initializer.clone());
        set(case(name.leak())).run(move |x| initializer.init_of(key(x), &shape, dtype))
    };
    dtypes.iter().map(line).collect()
}

fn exact(line: Builder) -> Builder {
    line
}

/// For what goes through the normal distribution's inverse, which is zero in the middle, or through a factorisation.
fn ulp_of_largest(n: u32) -> impl Fn(Builder) -> Builder {
    move |line| line.ulp(n).relative_to_largest()
}

pub(crate) fn cases() -> Vec<Case> {
    let with_complex = [&FLOATS[..], &["c64"]].concat();
    let mut cases = [
        begin("zeros", "", &FLOATS, &[2, 3], exact, init::zeros()),
        begin("ones", "", &with_complex, &[2, 3], exact, init::ones()),
        begin("constant", "", &FLOATS, &[3], exact, init::constant(-7.5)),
        begin("uniform", "", &FLOATS, &[3, 4], exact, init::uniform(2.5)),
        begin(
            "normal",
            "",
            &with_complex,
            &[3, 4],
            |line| line.ulp_of(DType::F16, 1).ulp_of(DType::F32, 2).ulp_of(DType::F64, 3),
            init::normal(0.3),
        ),
        begin(
            "truncated_normal",
            "",
            &FLOATS,
            &[3, 4],
            ulp_of_largest(1),
            init::truncated_normal(0.5, -2.0, 2.0),
        ),
        begin(
            "truncated_normal",
            "limits",
            &["f32"],
            &[3, 4],
            ulp_of_largest(1),
            init::truncated_normal(2.0, -1.0, 3.0),
        ),
        begin("orthogonal", "", &["f32", "f64"], &[3, 3], ulp_of_largest(4), init::orthogonal(1.5)),
        begin("orthogonal", "field", &["f32"], &[2, 3, 4], ulp_of_largest(3), init::orthogonal(1.0)),
        begin(
            "orthogonal",
            "columns",
            &["f32"],
            &[4, 3, 2],
            ulp_of_largest(3),
            init::orthogonal_with(1.0, 0),
        ),
        begin("orthogonal", "empty", &["f32"], &[0, 3], exact, init::orthogonal(1.0)),
        begin(
            "delta_orthogonal",
            "",
            &["f32", "f64"],
            &[3, 2, 3],
            ulp_of_largest(3),
            init::delta_orthogonal(2.0),
        ),
        begin(
            "delta_orthogonal",
            "plane",
            &["f32"],
            &[3, 4, 2, 3],
            ulp_of_largest(3),
            init::delta_orthogonal(1.0),
        ),
        begin(
            "delta_orthogonal",
            "columns",
            &["f32"],
            &[2, 3, 1, 3, 3],
            ulp_of_largest(3),
            init::delta_orthogonal_with(1.0, 0),
        ),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>();
    type Named = (&'static str, fn() -> Initializer, fn(Axes) -> Initializer);
    let scaled: [Named; 10] = [
        ("glorot_normal", init::glorot_normal, init::glorot_normal_with),
        ("glorot_uniform", init::glorot_uniform, init::glorot_uniform_with),
        ("he_normal", init::he_normal, init::he_normal_with),
        ("he_uniform", init::he_uniform, init::he_uniform_with),
        ("kaiming_normal", init::kaiming_normal, init::kaiming_normal_with),
        ("kaiming_uniform", init::kaiming_uniform, init::kaiming_uniform_with),
        ("lecun_normal", init::lecun_normal, init::lecun_normal_with),
        ("lecun_uniform", init::lecun_uniform, init::lecun_uniform_with),
        ("xavier_normal", init::xavier_normal, init::xavier_normal_with),
        ("xavier_uniform", init::xavier_uniform, init::xavier_uniform_with),
    ];
    let axes = |in_axis: &[i64], out_axis: &[i64], batch_axis: &[i64]| Axes {
        in_axis: in_axis.to_vec(),
        out_axis: out_axis.to_vec(),
        batch_axis: batch_axis.to_vec(),
    };
    for (name, plain, with) in scaled {
        let all = name.starts_with("glorot") || name.starts_with("lecun");
        let dtypes = if all { &FLOATS[..] } else { &["f32"] };
        let n = if name.ends_with("normal") { 2 } else { 0 };
        cases.extend(begin(name, "", dtypes, &[3, 4], ulp_of_largest(n), plain()));
        let with = with(axes(&[0], &[2, 3], &[1]));
        cases.extend(begin(name, "axes", &["f32"], &[3, 2, 4, 2], ulp_of_largest(n), with));
    }
    let vector = init::he_normal_with(axes(&[0], &[0], &[]));
    cases.extend(begin("he_normal", "vector", &["f32"], &[5], ulp_of_largest(3), vector));
    let fans = [
        ("fan_in", Fan::In),
        ("fan_out", Fan::Out),
        ("fan_avg", Fan::Average),
        ("fan_geo_avg", Fan::GeometricAverage),
    ];
    let distributions = [
        ("truncated_normal", Distribution::TruncatedNormal),
        ("normal", Distribution::Normal),
        ("uniform", Distribution::Uniform),
    ];
    for (mode, fan) in fans {
        for (name, distribution) in distributions {
            let dtypes: &[&str] = if mode == "fan_in" { &["f32", "c64"] } else { &["f32"] };
            let variant = format!("{mode}-{name}");
            let initializer = init::variance_scaling(0.7, fan, distribution);
            cases.extend(begin(
                "variance_scaling",
                &variant,
                dtypes,
                &[3, 3, 4, 2],
                ulp_of_largest(3),
                initializer,
            ));
        }
    }
    cases
}
