//! Every equation that a function of `jax.numpy` makes stands at the line of its call: no closure of ours hides who called. So errors, profiles
//! and `loc(…)` name the user's line.

use std::path::Path;
use std::sync::Arc;

use jacinth_frontend::config::with_x64;
use jacinth_frontend::{Array, Backend, make_jaxpr, with_backend};
use libtest_mimic::{Failed, Trial};

use crate::stands_for_its_case;
use crate::store::{Entry, Family};
use crate::table::Case;

/// What the rule of a function of ours makes stands at the rule's line, as a rule of the user's has it.
const BY_RULES: &[&str] = &["jax.numpy.sinc/second"];

/// One test per case that does not look at values.
pub(crate) fn tests(family: &Family, cases: &[Arc<Case>], backend: &Backend) -> Vec<Trial> {
    let pairs =
        family.entries.iter().filter(|entry| stands_for_its_case(entry, family)).filter_map(|entry| {
            let case = cases.iter().find(|c| c.name == entry.case() && !c.eager)?;
            let wanted = case.name.starts_with("jax.numpy.") && !BY_RULES.contains(&case.name);
            wanted.then(|| (entry.clone(), case.clone()))
        });
    let trial = |(entry, case): (Arc<Entry>, Arc<Case>)| {
        let backend = backend.clone();
        Trial::test(format!("lines::{}", case.name), move || with_backend(&backend, || check(&entry, &case)))
    };
    pairs.map(trial).collect()
}

fn check(entry: &Entry, case: &Case) -> Result<(), Failed> {
    with_x64(entry.x64, || {
        let inputs: Vec<Array> = entry.inputs.iter().map(|x| x.upload()).collect();
        let run = |inputs: &Vec<Array>| (case.run)(inputs);
        let closed = make_jaxpr(run)(&inputs).map_err(|e| e.to_string())?;
        let folder = |file: &'static str| Path::new(file).parent();
        let strays = closed.jaxpr.eqns.iter().filter(|eqn| folder(eqn.source.file()) != folder(file!()));
        let strays: Vec<String> =
            strays.map(|eqn| format!("{} at {}", eqn.prim.name(), eqn.source)).collect();
        if strays.is_empty() { Ok(()) } else { Err(strays.join("\n").into()) }
    })
}
