//! The modules: each primitive's samples, and programs in which transformations and control flow meet.

use std::collections::BTreeMap;

use jacinth::ir::{DType, Sample};
use jacinth::prelude::*;
use jacinth::trace::bind;
use jacinth::{Lowered, api};

/// A module's text with what it is of.
pub(crate) struct Module {
    pub(crate) name: String,
    pub(crate) text: String,
}

type Arrays = Vec<Array>;
pub(crate) type Program = Lowered<fn(api::function::Ref<Vec<Arrays>>) -> Vec<Arrays>>;

/// How many primitives share a module for the TPU.
const TOGETHER: usize = 8;

/// One program for each primitive, of all its samples or of the first; and the whole programs.
pub(crate) fn programs(wanted: &dyn Fn(&str) -> bool, first: bool) -> Vec<(String, Program)> {
    let mut by_name: BTreeMap<&'static str, Vec<Sample>> = BTreeMap::new();
    for sample in lax::samples() {
        by_name.entry(sample.prim.name()).or_default().push(sample);
    }
    let mut programs = Vec::new();
    for (name, mut samples) in by_name {
        if wanted(name) {
            samples.truncate(if first { 1 } else { usize::MAX });
            programs.push((name.to_owned(), of_samples(samples)));
        }
    }
    for (name, program) in whole() {
        if wanted(name) {
            programs.push((name.to_owned(), program));
        }
    }
    programs
}

/// Whether the program calls back into this process, which only plugins for its own processor do; for others it is refused before it is
/// compiled.
fn calls_the_host(sample: &Sample) -> bool {
    sample.prim.name().ends_with("_callback")
}

/// One module for each sample and program that is for any platform.
pub(crate) fn each(wanted: &dyn Fn(&str) -> bool) -> Vec<Module> {
    let mut modules = Vec::new();
    for (i, sample) in lax::samples().into_iter().enumerate() {
        if wanted(sample.prim.name()) && !calls_the_host(&sample) {
            let name = format!("sample {i}, {:?}", sample.prim);
            modules.push(Module { name, text: of_samples(vec![sample]).as_text() });
        }
    }
    for (name, program) in whole() {
        if wanted(name) {
            modules.push(Module { name: name.to_owned(), text: program.as_text() });
        }
    }
    modules
}

/// The first sample of every primitive, several to a module, and each whole program.
pub(crate) fn together(wanted: &dyn Fn(&str) -> bool) -> Vec<Module> {
    let mut firsts: BTreeMap<&'static str, Sample> = BTreeMap::new();
    let elsewhere = |sample: &Sample| wanted(sample.prim.name()) && !calls_the_host(sample);
    for sample in lax::samples().into_iter().filter(elsewhere) {
        firsts.entry(sample.prim.name()).or_insert(sample);
    }
    let firsts: Vec<Sample> = firsts.into_values().collect();
    let mut modules: Vec<Module> = firsts
        .chunks(TOGETHER)
        .map(|chunk| {
            let names: Vec<&str> = chunk.iter().map(|sample| sample.prim.name()).collect();
            Module { name: names.join(", "), text: of_firsts(chunk.to_vec()).as_text() }
        })
        .collect();
    modules.extend(
        whole()
            .into_iter()
            .filter(|(name, _)| wanted(name))
            .map(|(name, program)| Module { name: name.to_owned(), text: program.as_text() }),
    );
    modules
}

/// The samples' values, and the first one's derivatives in both modes and map: those of all of them are the laws' (`frontend/tests/laws`).
fn of_samples(samples: Vec<Sample>) -> Program {
    lowered(samples, |i| i == 0)
}

/// The samples' values, derivatives and maps.
fn of_firsts(samples: Vec<Sample>) -> Program {
    lowered(samples, |_| true)
}

/// The samples' values, and the derivatives and maps of those chosen.
fn lowered(samples: Vec<Sample>, chosen: impl Fn(usize) -> bool + Send + Sync) -> Program {
    let args: Vec<Arrays> = samples
        .iter()
        .map(|sample| {
            sample.args.iter().map(|a| jnp::zeros_of(a.aval.shape.to_vec(), a.aval.dtype)).collect()
        })
        .collect();
    let program = jit(move |args: &Vec<Arrays>| -> Vec<Arrays> {
        let mut results = Vec::new();
        for (i, (sample, args)) in samples.iter().zip(args).enumerate() {
            results.push(apply(sample, args));
            if chosen(i) {
                results.extend(derived(sample, args));
            }
        }
        results
    });
    program.keep_unused(true).lower((&args,)).unwrap_or_else(|error| panic!("the samples lower: {error}"))
}

fn apply(sample: &Sample, args: &Arrays) -> Arrays {
    bind(sample.prim.clone(), args).into_iter().collect()
}

fn derived(sample: &Sample, args: &Arrays) -> Vec<Arrays> {
    let apply = |args: &Arrays| apply(sample, args);
    let mut results = Vec::new();
    let smooth = |dtype: DType| dtype.is_float() || dtype.is_complex();
    if sample.differentiable && !args.is_empty() && args.iter().all(|a| smooth(a.dtype())) {
        let (value, pull) = vjp(apply, (args.clone(),));
        if value.iter().all(|v| smooth(v.dtype())) {
            results.push(jvp(apply, (args.clone(),), (args.clone(),)).1);
            results.push(pull(value).0);
        }
    }
    if !args.is_empty() {
        let mapped = vmap(apply);
        results.push(mapped(&args.iter().map(|a| lax::stack(&[a.clone(), a.clone()], 0)).collect()));
    }
    results
}

/// A program of one list of arrays.
fn program(f: impl Fn(&Arrays) -> Arrays + Send + Sync, args: Arrays) -> Program {
    jit(|args: &Vec<Arrays>| vec![f(&args[0])])
        .lower((&vec![args],))
        .unwrap_or_else(|error| panic!("it lowers: {error}"))
}

/// Programs in which transformations and control flow meet.
fn whole() -> Vec<(&'static str, Program)> {
    fn mlp(w: &Arrays, x: &Array) -> Array {
        let hidden = jnp::tanh(x.dot(&w[0]) + &w[1]);
        jnp::mean(jnp::square(nn::log_softmax(hidden.dot(&w[2]), -1)), ())
    }
    fn recurrent(w: &Array, xs: &Array) -> Array {
        let step = |h: Array, x: Array| {
            let h = jnp::tanh(h.dot(w) + x);
            (h.clone(), h.sum())
        };
        scan(step, jnp::zeros([3]), xs).1.sum()
    }
    fn collatz(n: &Array) -> Array {
        let step = |(n, count): (Array, Array)| {
            let odd = jnp::remainder(&n, 2).equal(1);
            (cond(&odd, |n: Array| 3 * n + 1, |n: Array| jnp::floor_divide(n, 2), n), count + 1)
        };
        while_loop(|(n, _): (Array, Array)| n.gt(1), step, (n.clone(), jnp::zeros_of((), DType::I32))).1
    }
    fn newton(x: &Array) -> Array {
        fori_loop(0, 5, |_, y: Array| 0.5f32 * (&y + x / &y), x.clone())
    }
    let weights = || vec![jnp::ones([4, 8]), jnp::ones([8]), jnp::ones([8, 3]), jnp::ones([5, 4])];
    vec![
        (
            "program: gradient of a perceptron",
            program(|a| grad(|w: &Arrays| mlp(w, &a[3]))(&a[..3].to_vec()), weights()),
        ),
        (
            "program: per-example gradients",
            program(
                |a| {
                    let per_example = vmap(grad(|w: &Arrays, x: &Array| mlp(w, x))).in_axes((None, 0));
                    per_example(&a[..3].to_vec(), &a[3])
                },
                weights(),
            ),
        ),
        (
            "program: hessian through jit",
            program(
                |a| vec![hessian(jit(|x: &Array| jnp::exp(jnp::sin(x)).prod()))(&a[0])],
                vec![jnp::ones([3])],
            ),
        ),
        (
            "program: gradient of a scan, mapped",
            program(
                |a| vec![vmap(grad(recurrent)).in_axes((None, 0))(&a[0], &a[1])],
                vec![jnp::ones([3, 3]), jnp::ones([2, 6, 3])],
            ),
        ),
        (
            "program: a loop of conditionals, mapped",
            program(
                |a| vec![vmap(collatz)(&a[0]), collatz(&a[0].index(0))],
                vec![jnp::ones([4]).astype(DType::I32)],
            ),
        ),
        (
            "program: jvp of a loop, gradient of a counted one",
            program(
                |a| {
                    vec![
                        jvp(newton, (a[0].clone(),), (a[0].clone(),)).1,
                        grad(|x: &Array| newton(x).sum())(&a[0]),
                    ]
                },
                vec![jnp::ones([2])],
            ),
        ),
        (
            "program: donation, captured arrays, nested functions",
            program(
                |a| {
                    let captured = &a[1];
                    let inner = jit(|x: &Array| jnp::cumsum(x, 0) * captured);
                    vec![inner(&a[0]), inner(&inner(&a[0])), jnp::matmul(&a[0], captured)]
                },
                vec![jnp::ones([3, 3]), jnp::ones([3, 3])],
            ),
        ),
        (
            "program: nothing",
            program(
                |a| vec![jnp::sin(&a[0]), a[0].sum(), jnp::matmul(&a[0], a[0].t()), jnp::cumsum(&a[0], 1)],
                vec![jnp::zeros([2, 0])],
            ),
        ),
    ]
}
