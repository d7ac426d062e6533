//! Values of JAX, computed once and committed, against ours: one test per case and plugin.
//!
//! `generate.py` evaluates the cases of `families/*.py` with JAX and writes `data/<family>.safetensors`; the tables here say how a case is
//! written in Rust and how near it has to come. Each runs under `jit` on the embedded plugin and on XLA's CPU plugin; where
//! JAX gave cotangents, `vjp` must give the same. `docs/jax-compatibility.md` is written from these tables. A golden case without a line here
//! fails, as does a line without a golden case, and a document that is out of date. The embedded plugin runs every dtype of a case, XLA's
//! one of them.
//!
//! # How to add a case
//!
//! 1. In `families/<family>.py`, inside of `cases()`: `case("jax.numpy.sin", jnp.sin, uniform((32,)), dtypes=["f32", "bf16"])`. A second
//!    case of one function gets `variant="name"`. `golden.py` documents the arguments. Keep arrays small.
//! 2. `python generate.py <family>` with jax 0.10.2. A new family is a new file; it needs its module and its line in [`FAMILIES`].
//! 3. In `<family>.rs`: `case("jax.numpy.sin").ulp(2).run(|x| jnp::sin(&x[0]))`, or `case("jax.numpy.sin/name")` for a variant. One line covers all
//!    dtypes of a case. Without a tolerance floats must be equal bit for bit (any NaN equals any NaN); integers always must.
//!    - `.ulp(n)`, `.ulp_of(DType::BF16, n)`: in units in the last place of the expected value, in its dtype.
//!    - `.grad_ulp(n)`, `.grad_ulp_of(dtype, n)`: the same for cotangents, which otherwise have the value's tolerance.
//!    - `.relative_to_largest()`: the unit is that of the array's largest element; for sums in which terms cancel.
//!      `.grad_relative_to_largest()`: in cotangents alone.
//!    - `.floor(1e-7)`: differences up to this always pass.
//!    - `.fused(8)`: that many units more on XLA's plugin instead of `table::FUSED`.
//!    - `.eager()`: not under `jit`, for functions that look at values.
//!    - `.not_smooth("rounds")`: derivatives are no limits of differences at these inputs, and why; see `differences.rs`.
//!      `.not_adjoint("…")`: cotangents are not adjoint to them. `.refused("…")`: there are none.
//!
//!    The tolerances are what was measured, no wider: run without one first, and read the failures.
//! 4. `cargo test -p jacinth-frontend --test golden -- embedded::jax.numpy.sin`, then `UPDATE_EXPECT=1 cargo test -p jacinth-frontend --test golden -- document`.
//!
//! What values cannot show (`jax.jit`) is named in `names.rs` with the test that shows it; so is what differs from JAX on purpose.

mod arrays;
mod compare;
mod differences;
mod document;
mod fft;
mod indexing;
mod initializers;
mod lax;
mod lax_elementwise;
mod linalg;
mod lines;
mod methods;
mod names;
mod nn;
mod objects;
mod options;
mod random;
mod samplers;
mod scipy_linalg;
mod special;
mod store;
mod table;
mod ufuncs;
mod windows;

use std::collections::BTreeSet;
use std::sync::Arc;

use jacinth_frontend::config::with_x64;
use jacinth_frontend::{Array, Backend, jit, vjp, with_backend};
use libtest_mimic::{Arguments, Failed, Trial};

use store::{Entry, Family};
use table::Case;

/// The families: the name of the file under `data/`, and the table.
const FAMILIES: &[(&str, fn() -> Vec<Case>)] = &[
    ("arrays", arrays::cases),
    ("fft", fft::cases),
    ("indexing", indexing::cases),
    ("initializers", initializers::cases),
    ("linalg", linalg::cases),
    ("lax", lax::cases),
    ("lax_elementwise", lax_elementwise::cases),
    ("methods", methods::cases),
    ("nn", nn::cases),
    ("objects", objects::cases),
    ("options", options::cases),
    ("random", random::cases),
    ("samplers", samplers::cases),
    ("scipy_linalg", scipy_linalg::cases),
    ("special", special::cases),
    ("ufuncs", ufuncs::cases),
    ("windows", windows::cases),
];

fn main() {
    let arguments = Arguments::from_args();
    let mut tests = Vec::new();
    let mut tables = Vec::new();
    let embedded = Backend::new("embedded").expect("the embedded plugin is always there");
    for (name, cases) in FAMILIES {
        let family = Family::read(name);
        let cases: Vec<Arc<Case>> = cases().into_iter().map(Arc::new).collect();
        tests.extend(registry(name, &family, &cases));
        for plugin in ["embedded", "xla-cpu"] {
            tests.extend(on_plugin(plugin, &family, &cases));
        }
        tests.extend(differences::tests(&family, &cases, &embedded));
        tests.extend(lines::tests(&family, &cases, &embedded));
        tables.push((family, cases));
    }
    tests.push(Trial::test("document", move || document::check(&tables).map_err(Failed::from)));
    libtest_mimic::run(&arguments, tests).exit();
}

/// Golden cases and lines of the table must belong together.
fn registry(name: &'static str, family: &Family, cases: &[Arc<Case>]) -> Vec<Trial> {
    let golden: BTreeSet<&str> = family.entries.iter().map(|e| e.case()).collect();
    let table: BTreeSet<&str> = cases.iter().map(|c| c.name).collect();
    let mut complaints: Vec<String> = Vec::new();
    if table.len() != cases.len() {
        complaints.push(format!("`{name}.rs` has a case twice"));
    }
    complaints.extend(
        golden.difference(&table).map(|c| format!("`{c}` has golden values, but no line in `{name}.rs`")),
    );
    complaints.extend(
        table.difference(&golden).map(|c| format!("`{c}` has no golden values in `data/{name}.safetensors`")),
    );
    vec![Trial::test(format!("registry::{name}"), move || {
        if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n").into()) }
    })]
}

fn on_plugin(plugin: &'static str, family: &Family, cases: &[Arc<Case>]) -> Vec<Trial> {
    let backend = match Backend::new(plugin) {
        Ok(backend) => Ok(backend),
        Err(error) if plugin == "xla-cpu" => Err(format!("not run, the plugin is not there: {error}")),
        Err(error) => panic!("{plugin}: {error}"),
    };
    let pairs = family.entries.iter().filter_map(|entry| {
        let case = cases.iter().find(|c| c.name == entry.case())?;
        let wanted = plugin == "embedded" || stands_for_its_case(entry, family);
        wanted.then(|| (entry.clone(), case.clone()))
    });
    let trial = |(entry, case): (Arc<Entry>, Arc<Case>)| {
        let name = format!("{plugin}::{}", entry.id);
        match &backend {
            Ok(backend) => {
                let backend = backend.clone();
                let fused = if plugin == "embedded" { 0 } else { case.fused };
                Trial::test(name, move || Ok(with_backend(&backend, || run(&entry, &case, fused))?))
            }
            // Listed as ignored, with the reason as its kind.
            Err(reason) => {
                let failure = reason.clone();
                Trial::test(name, move || Err(failure.into())).with_kind(reason).with_ignored_flag(true)
            }
        }
    };
    pairs.map(trial).collect()
}

/// Whether this is the dtype in which a case runs on XLA's plugin: single precision, or the first. The golden values are its own compiler's, which
/// takes seconds for what is long.
fn stands_for_its_case(entry: &Entry, family: &Family) -> bool {
    let mut of_case = family.entries.iter().filter(|e| e.case() == entry.case());
    let chosen = of_case.clone().find(|e| e.id.ends_with(":f32")).or_else(|| of_case.next());
    chosen.is_some_and(|chosen| chosen.id == entry.id)
}

/// 64-bit dtypes are switched on for the cases that have them, on their thread.
fn run(entry: &Entry, case: &Case, fused: u32) -> Result<(), String> {
    with_x64(entry.x64, || check(entry, case, fused))
}

fn check(entry: &Entry, case: &Case, fused: u32) -> Result<(), String> {
    let inputs: Vec<Array> = entry.inputs.iter().map(|x| x.upload()).collect();
    let (outs, grads) = evaluate(entry, case, inputs);
    if outs.len() != entry.outs.len() {
        return Err(format!("{} results, JAX has {}", outs.len(), entry.outs.len()));
    }
    let mut complaints = Vec::new();
    for (i, (found, expected)) in outs.iter().zip(&entry.outs).enumerate() {
        let result = compare::compare(found, expected, &case.value.with_slack(fused));
        complaints.extend(result.err().map(|e| format!("result {i}: {e}")));
    }
    for ((i, expected), found) in entry.grads.iter().zip(&grads) {
        let result = compare::compare(found, expected, &case.gradient().with_slack(fused));
        complaints.extend(result.err().map(|e| format!("cotangent of input {i}: {e}")));
    }
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n")) }
}

/// The results, and the cotangents of those inputs whose golden cotangents there are.
fn evaluate(entry: &Entry, case: &Case, inputs: Vec<Array>) -> (Vec<Array>, Vec<Array>) {
    let positions: Vec<usize> = entry.grads.iter().map(|(i, _)| *i).collect();
    let smooth: Vec<usize> = entry.cts.iter().map(|(i, _)| *i).collect();
    let cts: Vec<Array> = entry.cts.iter().map(|(_, ct)| ct.upload()).collect();
    let program = |inputs: &Vec<Array>, cts: &Vec<Array>| -> (Vec<Array>, Vec<Array>) {
        if positions.is_empty() {
            return ((case.run)(inputs), vec![]);
        }
        let of = |some: Vec<Array>| -> (Vec<Array>, Vec<Array>) {
            let mut full = inputs.clone();
            positions.iter().zip(some).for_each(|(&i, x)| full[i] = x);
            let outs = (case.run)(&full);
            let rest = (0..outs.len()).filter(|i| !smooth.contains(i)).map(|i| outs[i].clone()).collect();
            (smooth.iter().filter_map(|&i| outs.get(i).cloned()).collect(), rest)
        };
        let ((given, rest), pull) = vjp(of, (positions.iter().map(|&i| inputs[i].clone()).collect(),));
        let no_cts = rest.iter().map(jacinth_frontend::numpy::zeros_like).collect();
        let (grads,) = pull((cts.clone(), no_cts));
        let count = given.len() + rest.len();
        let (mut given, mut rest) = (given.into_iter(), rest.into_iter());
        let outs = (0..count).map(|i| if smooth.contains(&i) { given.next() } else { rest.next() });
        (outs.map(|x| x.expect("each result stands on one side")).collect(), grads)
    };
    if case.eager { program(&inputs, &cts) } else { jit(program)(&inputs, &cts) }
}
