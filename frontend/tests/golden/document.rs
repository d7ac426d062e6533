//! `docs/jax-compatibility.md`, written from the tables: each public name of JAX with its state.
//!
//! One line per name and no totals, so that two branches that add functions merge.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use expect_test::expect_file;
use jacinth_frontend::DType;

use crate::names::{ABSENT, DIFFERS, ELSEWHERE};
use crate::store::Family;
use crate::table::{Case, Tolerance};

const NAMES: &str = include_str!("data/names.txt");

const HEAD: &str = "\
# Compatibility with JAX 0.10.2

Written by `cargo test -p jacinth-frontend --test golden` with `UPDATE_EXPECT=1`; do not edit. A test fails where this page is out of date.

*equal*: the function is compared with values of JAX (and its gradient with JAX's) on every test run, on the embedded plugin and, in one
dtype, on XLA's CPU plugin, and comes as near as said (there up to 3 units further, where a line is not exact). ULP are units in the last place of the dtype; integers and booleans are always exact. *equal, tested in …*: shown by that
test instead, under Rust's name where that is another. *differs*: there, with the difference that the sentence states. *absent*: not there, for the reason
that the sentence states.
";

/// Compares the committed document with the tables, or rewrites it.
pub(crate) fn check(tables: &[(Family, Vec<Arc<Case>>)]) -> Result<(), String> {
    let mut states: BTreeMap<&str, String> = BTreeMap::new();
    let mut cases: BTreeMap<&str, Vec<(&Case, Vec<DType>, bool)>> = BTreeMap::new();
    for (family, table) in tables {
        for case in table {
            let entries = family.entries.iter().filter(|e| e.case() == case.name);
            let dtypes = entries.clone().flat_map(|e| e.outs.iter().map(|o| o.dtype)).collect();
            let graded = entries.clone().any(|e| !e.grads.is_empty());
            cases.entry(case.function()).or_default().push((case, dtypes, graded));
        }
    }
    for (name, cases) in &cases {
        states.insert(name, equal(cases));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the frontend stands in the repository");
    let mut complaints = Vec::new();
    for (file, names) in ELSEWHERE {
        let text = std::fs::read_to_string(root.join(file)).map_err(|e| format!("`{file}`: {e}"))?;
        for &entry in *names {
            let (name, ours) = entry.split_once(' ').unwrap_or((entry, entry));
            let word = ours.rsplit('.').next().expect("a name has a last part");
            if !mentions(&text, word) {
                complaints
                    .push(format!("`{name}` is said to be tested in `{file}`, which has no word `{word}`"));
            }
            let under = if name == ours { String::new() } else { format!(" as `{ours}`") };
            if states.insert(name, format!("equal, tested in `{file}`{under}")).is_some() {
                complaints.push(format!(
                    "`{name}` stands in ELSEWHERE and has golden values or another line there"
                ));
            }
        }
    }
    for (name, sentence) in DIFFERS {
        // Golden values may show the rest.
        states.insert(name, format!("differs: {sentence}"));
    }
    for (reason, names) in ABSENT {
        for name in *names {
            if states.insert(name, format!("absent: {reason}")).is_some() {
                complaints.push(format!("`{name}` stands in ABSENT, and elsewhere as well"));
            }
        }
    }
    let mut text = HEAD.to_owned();
    let mut module = "";
    for name in NAMES.lines() {
        let (of, last) = name.rsplit_once('.').expect("a public name has a module");
        if of != module {
            module = of;
            writeln!(text, "\n## {module}\n\n| name | state |\n|---|---|")
                .expect("a string takes everything");
        }
        let state = states.remove(name).unwrap_or_else(|| {
            complaints
                .push(format!("`{name}` has no golden values, and no line in ELSEWHERE, DIFFERS or ABSENT"));
            "absent".into()
        });
        writeln!(text, "| `{last}` | {state} |").expect("a string takes everything");
    }
    if !states.is_empty() {
        let names: Vec<&str> = states.into_keys().collect();
        complaints.push(format!("JAX has no public names {}", names.join(", ")));
    }
    if !complaints.is_empty() {
        return Err(complaints.join("\n"));
    }
    expect_file![root.join("docs/jax-compatibility.md")].assert_eq(&text);
    Ok(())
}

/// Whether the text has that word, as a whole.
fn mentions(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}

/// What a name's cases promise together: the widest tolerance for each dtype.
fn equal(cases: &[(&Case, Vec<DType>, bool)]) -> String {
    let mut widest: BTreeMap<&'static str, u32> = BTreeMap::new();
    let mut gradient: Option<u32> = None;
    for (case, dtypes, graded) in cases {
        for &dtype in dtypes {
            if dtype.is_float() || dtype.is_complex() {
                let ulp = widest.entry(jacinth_frontend::ir::numpy_name(dtype)).or_default();
                *ulp = (*ulp).max(case.value.ulp(dtype));
                if *graded {
                    gradient = Some(gradient.unwrap_or(0).max(case.gradient().ulp(dtype)));
                }
            }
        }
    }
    let mut by_ulp: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    widest.iter().for_each(|(dtype, ulp)| by_ulp.entry(*ulp).or_default().push(dtype));
    let parts: Vec<String> =
        by_ulp.iter().map(|(ulp, dtypes)| format!("{} ({})", within(*ulp), dtypes.join(", "))).collect();
    let mut text =
        if parts.is_empty() { "equal, exact".into() } else { format!("equal, {}", parts.join(", ")) };
    if let Some(ulp) = gradient {
        write!(text, "; gradient {}", within(ulp)).expect("a string takes everything");
    }
    let any = |f: fn(&Tolerance) -> bool| cases.iter().any(|(case, ..)| f(&case.value));
    if any(|t| t.largest) {
        text.push_str("; relative to the largest element");
    } else if cases.iter().any(|(case, _, graded)| *graded && case.gradient().largest) {
        text.push_str(", relative to the largest element");
    }
    if any(|t| t.floor > 0.0) {
        let floor = cases.iter().map(|(case, ..)| case.value.floor).fold(0.0, f64::max);
        write!(text, "; or within {floor:e}").expect("a string takes everything");
    }
    text
}

fn within(ulp: u32) -> String {
    if ulp == 0 { "exact".into() } else { format!("{ulp} ULP") }
}
