//! What a jitted function's caches did, and why a call found nothing in them.
//!
//! A miss is explained against the call before that differs least: a sentence per argument, leaf and what of it changed. Also the scope in
//! which a miss is an error.

use std::cell::Cell;
use std::fmt;

use crate::config;
use crate::error::{Error, Result};
use crate::ir::{Array, Aval};
use crate::tree::{Difference, Key, TreeDef, keystr};

/// What a jitted function's caches have done.
///
/// ```
/// # use jacinth_frontend::{Array, jit, numpy as jnp};
/// let f = jit(|x: &Array| x + 1.0).name("next");
/// f(&jnp::zeros([2]));
/// f(&jnp::zeros([2]));
/// assert_eq!(f.stats().to_string(), "2 calls, 1 hits, 1 traces, 1 compiled programs\nmiss: `next`: first call");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct JitStats {
    /// All calls, those inside of other traced functions included.
    pub calls: u64,
    /// Calls that found what they needed: a compiled program, or inside of another traced function a trace.
    pub hits: u64,
    /// For each call that did not, why: which argument's what differed from the most similar call before.
    pub misses: Vec<String>,
    /// How often the function was traced.
    pub traces: u64,
    /// How often a program was compiled for it.
    pub compiles: u64,
}

/// A line of counts, then a line for each miss.
impl fmt::Display for JitStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let JitStats { calls, hits, misses, traces, compiles } = self;
        write!(f, "{calls} calls, {hits} hits, {traces} traces, {compiles} compiled programs")?;
        misses.iter().try_for_each(|miss| write!(f, "\nmiss: {miss}"))
    }
}

/// Runs `f`; inside of it, on this thread, a call of a jitted function that would trace or compile is an error that says what changed.
///
/// For loops that must run at full speed once they are warm. A function's first call is a miss too.
///
/// ```
/// # use jacinth_frontend::{deny_recompile, jit, numpy as jnp, Array};
/// let step = jit(|x: &Array| x * 0.5);
/// step(&jnp::ones([4])); // warm
/// deny_recompile(|| {
///     (0..3).for_each(|_| drop(step(&jnp::ones([4]))));
///     let error = step.try_call((&jnp::ones([5]),)).unwrap_err();
///     assert!(error.to_string().contains("dimension 0 changed from 4 to 5"));
/// });
/// ```
///
/// # Panics
/// The calls do, or their `try_call` gives `Err`.
pub fn deny_recompile<R>(f: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            DENIED.set(self.0);
        }
    }
    let _restore = Restore(DENIED.replace(true));
    f()
}

thread_local! {
    static DENIED: Cell<bool> = const { Cell::new(false) };
}

/// Refuses the miss if one may not happen now.
pub(super) fn allow(reason: &str) -> Result<()> {
    if DENIED.get() {
        return Err(Error::argument(format!(
            "a call inside of deny_recompile is not compiled yet: {reason}"
        )));
    }
    Ok(())
}

/// One call that was seen before.
pub(super) struct Seen<'a> {
    pub(super) def: &'a TreeDef,
    pub(super) avals: &'a [Aval],
    pub(super) switches: u32,
}

/// Why the call is not one of those seen before. `elsewhere` is said where nothing of the call changed.
pub(super) fn explain(
    name: &str,
    seen: &[Seen<'_>],
    leaves: &[&Array],
    def: &TreeDef,
    elsewhere: impl FnOnce() -> String,
) -> String {
    let changes = seen.iter().rev().map(|seen| changes(seen, leaves, def));
    let why = match changes.min_by_key(|(structural, changes)| (*structural, changes.len())) {
        None => "first call".to_owned(),
        Some((_, changes)) if changes.is_empty() => elsewhere(),
        Some((_, changes)) => changes.join("; "),
    };
    format!("`{name}`: {why}")
}

/// What changed, and in how many places the structure did.
fn changes(seen: &Seen<'_>, leaves: &[&Array], def: &TreeDef) -> (usize, Vec<String>) {
    let mut changes: Vec<String> = config::changed(seen.switches, config::cache_key())
        .map(|(name, on)| format!("the switch {name} was turned {}", if on { "on" } else { "off" }))
        .collect();
    let differences = seen.def.differences(def);
    changes.extend(differences.iter().map(|Difference { path, before, after, fixed }| {
        let what = if *fixed { "static value" } else { "structure" };
        format!("{}: {what} changed from {before} to {after}", argument(path))
    }));
    let structural = differences.iter().filter(|d| !d.fixed).count();
    // Leaves correspond only where the structures do.
    if structural == 0 {
        let types = seen.avals.iter().zip(leaves).zip(def.paths());
        changes.extend(types.filter_map(|((old, new), path)| {
            describe_change(old, new.aval()).map(|change| format!("{}: {change}", argument(&path)))
        }));
    }
    (structural, changes)
}

/// A leaf or node as an error names it: `argument 0.layers[1]`.
pub(crate) fn argument(path: &[Key]) -> String {
    match path {
        [Key::Sequence(i), rest @ ..] => format!("argument {i}{}", keystr(rest)),
        _ => "the arguments".to_owned(),
    }
}

fn describe_change(old: &Aval, new: &Aval) -> Option<String> {
    if old == new {
        return None;
    }
    if old.dtype != new.dtype {
        return Some(format!("dtype changed from {old} to {new}"));
    }
    if old.rank() != new.rank() {
        return Some(format!("rank changed from {old} to {new}"));
    }
    let dims: Vec<String> = (0..old.rank())
        .filter(|&i| old.shape[i] != new.shape[i])
        .map(|i| format!("dimension {i} changed from {} to {}", old.shape[i], new.shape[i]))
        .collect();
    if !dims.is_empty() {
        return Some(format!("{} ({old} to {new})", dims.join(", ")));
    }
    if old.weak_type != new.weak_type {
        let kind = |weak: bool| if weak { "weak" } else { "strong" };
        return Some(format!("{} type {old} became {}", kind(old.weak_type), kind(new.weak_type)));
    }
    Some("sharding changed".to_owned())
}
