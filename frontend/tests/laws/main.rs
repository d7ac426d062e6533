//! The laws that every primitive's rules obey, generated from its samples in every dtype that it accepts.
//!
//! - **derivatives**: in double precision the jvp is the limit of differences, and so is its own derivative and the one of the transpose; the transpose
//!   is the adjoint of the jvp. In every other dtype values and derivatives are those of double precision, as far as that dtype tells.
//! - **mapping** is a loop.
//! - **printing**: a module's text, read again, is the module.
//! - **reference**: a plugin computes what the reference evaluation computes.
//! - **staging**: operation by operation a primitive gives what it gives compiled.
//!
//! The rules are the frontend's, so that one plugin is enough for them: the embedded one. XLA's has to give the same values,
//! derivatives and maps in the dtypes in which the samples are written, single precision mostly; in all dtypes its compiler
//! would take many minutes. There it differs besides: in double precision its `log1p` is 35 units off, and of an integer's exponent
//! it takes as many of the last bits as count the integer's bits.
//!
//! A primitive's samples are one program per law, because compiling costs more than running.

mod derivatives;
mod host;
mod mapping;
#[path = "../plugins/mod.rs"]
mod plugins;
mod reference;
mod variants;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jacinth_frontend::config::with_x64;
use jacinth_frontend::ir::{Prim, Sample};
use jacinth_frontend::trace::bind;
use jacinth_frontend::{Array, Backend, jit, lax, with_backend};
use jacinth_lowering::Literal;
use libtest_mimic::{Arguments, Failed, Trial};

use variants::Variant;

type Arrays = Vec<Array>;

/// One test for each primitive and plugin: `cargo test --test laws -- embedded::sin`.
fn main() -> std::process::ExitCode {
    let mut groups: BTreeMap<&'static str, Vec<Sample>> = BTreeMap::new();
    for sample in with_x64(true, lax::samples) {
        groups.entry(sample.prim.name()).or_default().push(sample);
    }
    let groups: Vec<(&str, Arc<[Sample]>)> = groups.into_iter().map(|(name, s)| (name, s.into())).collect();
    let mut tests = Vec::new();
    let plugins = plugins::under_test();
    let embedded = plugins[0].1.clone();
    for (plugin, backend) in plugins {
        for (name, samples) in &groups {
            let (backend, embedded, samples) = (backend.clone(), embedded.clone(), samples.clone());
            let run = move || {
                let failures = with_x64(true, || match plugin {
                    "embedded" => every_law(&embedded, &samples),
                    _ => like_embedded(&backend, &embedded, &samples),
                });
                if failures.is_empty() { Ok(()) } else { Err(Failed::from(failures.join("\n"))) }
            };
            tests.push(Trial::test(format!("{plugin}::{name}"), run));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

fn every_law(embedded: &Backend, samples: &[Sample]) -> Vec<String> {
    let laws: [(&str, fn(&[Variant]) -> Result<(), String>); 3] =
        [("derivatives", derivatives::check), ("mapping", mapping::check), ("staging", staging)];
    let of_sample = |sample: &Sample| -> Vec<String> {
        let family = variants::of(sample);
        laws.iter()
            .filter_map(|(law, check)| {
                let failure = caught(|| check(&family)).err()?;
                Some(format!("{law} of {}: {failure}", family[0].name))
            })
            .collect()
    };
    with_backend(embedded, || samples.iter().flat_map(of_sample).collect())
}

/// Operation by operation a primitive gives what it gives compiled.
fn staging(family: &[Variant]) -> Result<(), String> {
    let program = program_of_values(family);
    let compiled = program.run()?;
    reference::check(&program, &compiled, family)?;
    for (variant, compiled) in family.iter().zip(compiled) {
        let args: Arrays = variant.args.iter().map(host::upload).collect();
        let eager: Vec<Literal> = apply(&variant.prim, &args).iter().map(host::download).collect();
        let what = format!("{}, eager and compiled", variant.name);
        host::all_near(&what, &eager, &compiled[0], variant.units(16.0))?;
    }
    Ok(())
}

/// What a plugin gives is what the embedded one gives.
fn like_embedded(backend: &Backend, embedded: &Backend, samples: &[Sample]) -> Vec<String> {
    let given = || samples.iter().flat_map(variants::of).filter(|v| v.given);
    let all: Vec<Variant> = given().collect();
    // Loops take XLA long to compile, and the map of one is a loop again.
    let loops = |v: &Variant| {
        program_of_values(std::slice::from_ref(v)).text().is_ok_and(|t| t.contains("stablehlo.while"))
    };
    let straight: Vec<Variant> = given().filter(|v| !loops(v)).collect();
    // Derivatives are made of several functions, each of which may be a few units off.
    let laws: [(&str, &[Variant], fn(&[Variant]) -> Results, f64); 3] = [
        ("values", &all, values, 16.0),
        ("derivatives", &all, derivatives::results, 32.0),
        ("maps", &straight, mapping::results, 16.0),
    ];
    let mut failures = Vec::new();
    for (law, family, results, units) in laws {
        let found = caught(|| with_backend(backend, || results(family)));
        let expected = caught(|| with_backend(embedded, || results(family)));
        match (found, expected) {
            (Ok(found), Ok(expected)) => {
                for ((variant, found), expected) in family.iter().zip(found).zip(expected) {
                    let what = format!("{law} of {}", variant.name);
                    let pairs = found.iter().zip(&expected);
                    failures.extend(
                        pairs.filter_map(|(a, b)| host::all_near(&what, a, b, variant.units(units)).err()),
                    );
                }
            }
            (found, expected) => {
                failures.extend(
                    [found.err(), expected.err()].into_iter().flatten().map(|why| format!("{law}: {why}")),
                );
            }
        }
    }
    failures
}

/// Results by variant, then by what was computed of it.
type Results = Result<Vec<Vec<Vec<Literal>>>, String>;

/// The primitives' values.
fn values(family: &[Variant]) -> Results {
    program_of_values(family).run()
}

fn program_of_values(family: &[Variant]) -> Program<'_> {
    Program::new(family, |v| v.args.clone(), |v, args| vec![apply(&v.prim, args)])
}

/// One program for several variants.
struct Program<'f> {
    inputs: Vec<Vec<Literal>>,
    compute: Box<dyn Fn(&Vec<Arrays>) -> Vec<Vec<Arrays>> + Send + Sync + 'f>,
}

impl<'f> Program<'f> {
    /// Each variant's inputs, and what is computed of them.
    fn new(
        family: impl IntoIterator<Item = &'f Variant>,
        inputs: impl Fn(&Variant) -> Vec<Literal>,
        compute: impl Fn(&Variant, &Arrays) -> Vec<Arrays> + Send + Sync + 'f,
    ) -> Self {
        let family: Vec<&Variant> = family.into_iter().collect();
        let values = family.iter().map(|v| inputs(v)).collect();
        let each =
            move |inputs: &Vec<Arrays>| family.iter().zip(inputs).map(|(v, x)| compute(v, x)).collect();
        Program { inputs: values, compute: Box::new(each) }
    }

    /// The module's text.
    fn text(&self) -> Result<String, String> {
        let inputs: Vec<Arrays> = self.inputs.iter().map(|x| x.iter().map(host::upload).collect()).collect();
        jit(&self.compute).keep_unused(true).lower((&inputs,)).map(|l| l.as_text()).map_err(|e| e.to_string())
    }

    fn run(&self) -> Results {
        let inputs: Vec<Arrays> = self.inputs.iter().map(|x| x.iter().map(host::upload).collect()).collect();
        let outs = jit(&self.compute).try_call((&inputs,)).map_err(|e| e.to_string())?;
        let download = |piece: Arrays| piece.iter().map(host::download).collect();
        Ok(outs.into_iter().map(|pieces| pieces.into_iter().map(download).collect()).collect())
    }
}

/// A panic as an error.
fn caught<R>(f: impl FnOnce() -> Result<R, String>) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        Err(text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without text").to_owned())
    })
}

fn apply(prim: &Prim, args: &[Array]) -> Arrays {
    bind(prim.clone(), args).into_iter().collect()
}
