//! Indices out of bounds as errors, where that was asked for.
//!
//! Concrete indices are refused on the spot. Traced ones are checked when the program runs: [`checkify`] collects what its
//! closure checks and hands it out as a value, [`CheckError`], beside the result. Deliberately absent: checks inside of
//! nested programs (the bodies of `scan`, `while_loop`, `cond`, of an inner `jit` or `vmap`), whose values cannot leave them;
//! there a traced index that is to be checked is refused.

use super::Options;
use super::parse::{Parsed, Part, Places, host_integers};
use crate::config;
use crate::error::{Error, OrRaise, Result};
use crate::ir::{Array, DType, Source};
use crate::lax::{self, rules::refuse};
use crate::trace::{TraceRef, check_alive, current, here};
use crate::tree::Pytree;
use std::cell::RefCell;

/// What checked indices of a function came to: a value like any other, to be returned and read where it is concrete.
///
/// ```
/// # use jacinth_frontend::{Array, checkify, jit};
/// let pick = jit(|x: &Array, i: &Array| checkify(|| x.get(i)));
/// let (error, _) = pick(&Array::from([10, 20]), &Array::from(1));
/// assert_eq!(error.get(), None);
/// let (error, _) = pick(&Array::from([10, 20]), &Array::from(5));
/// assert!(error.get().unwrap().starts_with("index 5 is out of bounds for axis 0 with size 2"));
/// ```
#[derive(Clone, Debug, Pytree)]
pub struct CheckError {
    /// Whether each check failed: `bool[checks]`, with leading dimensions where the function was mapped.
    failed: Array,
    /// The first index that failed, for each check.
    indices: Array,
    /// What is said of each check, after the index.
    #[pytree(static)]
    messages: Vec<String>,
}

impl CheckError {
    /// The sentence of the first check that failed, if one did; waits for the computation.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, checkify, vmap};
    /// let many = vmap(|i: &Array| checkify(|| Array::from([10, 20]).get(i)).0);
    /// assert!(many(&Array::from([0, 1])).get().is_none());
    /// assert!(many(&Array::from([0, 7])).get().unwrap().starts_with("index 7 "));
    /// ```
    ///
    /// # Panics
    /// If the value is still traced: return it from the transformed function.
    #[track_caller]
    pub fn get(&self) -> Option<String> {
        if self.messages.is_empty() {
            return None;
        }
        let first = self.failed.to_vec::<bool>().iter().position(|&failed| failed)?;
        let index = host_integers(&self.indices)[first];
        Some(format!("index {index} is out of bounds for {}", self.messages[first % self.messages.len()]))
    }

    /// The first check that failed as an error.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, checkify};
    /// let (checked, value) = checkify(|| Array::from([10, 20]).get(1));
    /// checked.throw().unwrap();
    /// assert_eq!(value.item::<i32>(), 20);
    /// ```
    ///
    /// # Errors
    /// If an index was out of bounds.
    ///
    /// # Panics
    /// As [`CheckError::get`].
    #[track_caller]
    pub fn throw(&self) -> Result<()> {
        self.get().map_or(Ok(()), |message| Err(Error::argument(message)))
    }
}

/// One `checkify` that is running.
struct Collector {
    trace: Option<TraceRef>,
    found: Vec<(Array, Array, String)>,
}

thread_local! {
    static COLLECTORS: RefCell<Vec<Collector>> = const { RefCell::new(Vec::new()) };
}

/// Runs `f` with all its indices checked, traced ones too: `jit(|x: &Array, i: &Array| checkify(|| x.get(i)))`.
///
/// The first result says whether an index was out of bounds, once it is concrete: [`CheckError::throw`].
///
/// JAX's takes a function and checks what its `errors` say, NaNs and divisions too; here it is indices. For NaNs there is
/// [`config::debug_nans`](crate::config::debug_nans).
///
/// ```
/// # use jacinth_frontend::{Array, checkify, jit};
/// let f = jit(|x: &Array, i: &Array| checkify(|| x.at(i).set(0)));
/// let (checked, _) = f(&Array::from([1, 2, 3]), &Array::from(9));
/// assert!(checked.throw().is_err());
/// ```
///
/// # Panics
/// As `f` does: a concrete index out of bounds is refused at once.
pub fn checkify<R>(f: impl FnOnce() -> R) -> (CheckError, R) {
    /// Forgets the collector if `f` panics.
    struct Pop;
    impl Drop for Pop {
        fn drop(&mut self) {
            COLLECTORS.with_borrow_mut(|c| c.pop());
        }
    }
    COLLECTORS.with_borrow_mut(|c| c.push(Collector { trace: current(), found: Vec::new() }));
    let pop = Pop;
    let out = f();
    let found =
        COLLECTORS.with_borrow_mut(|c| std::mem::take(&mut c.last_mut().expect("pushed above").found));
    drop(pop);
    let (mut failed, mut indices, mut messages) = (vec![], vec![], vec![]);
    for (f, i, message) in found {
        failed.push(f);
        indices.push(i);
        messages.push(message);
    }
    let stack = |arrays: &[Array], dtype| {
        if arrays.is_empty() { lax::full(&[0], 0, dtype) } else { lax::stack(arrays, 0) }
    };
    let error =
        CheckError { failed: stack(&failed, DType::I1), indices: stack(&indices, DType::I32), messages };
    (error, out)
}

/// Checks every place, if that was asked for.
#[track_caller]
pub(super) fn check(parsed: &Parsed, options: &Options) {
    let collecting = COLLECTORS.with_borrow(|c| !c.is_empty());
    if !options.checked && !collecting && !config::index_checked() {
        return;
    }
    for part in &parsed.parts {
        let Part::At { axis, places } = part else { continue };
        let size = parsed.shape[*axis];
        let low = if options.wrap_negative_indices { -(size as i64) } else { 0 };
        let inside = |i: &i64| (low..size as i64).contains(i);
        let known = match places {
            Places::Int(i) => vec![*i],
            Places::Host { values, .. } => values.clone(),
            Places::Array(array) if !array.is_tracer() => host_integers(array),
            Places::Array(array) => {
                if collecting || options.checked {
                    collect(array, low, *axis, size);
                }
                continue;
            }
        };
        if let Some(i) = known.iter().find(|i| !inside(i)) {
            refuse!("index" => "index {i} is out of bounds for axis {axis} with size {size}")
        }
    }
}

/// Leaves the check of traced indices to the innermost `checkify`.
#[track_caller]
fn collect(array: &Array, low: i64, axis: usize, size: usize) {
    if array.size() == 0 {
        return;
    }
    let source: Source = here();
    let Some(trace) = COLLECTORS.with_borrow(|c| c.last().map(|c| c.trace.clone())) else {
        Error::unsupported(format!(
            "the index at {source} is traced, so that whether it is out of bounds is known only when the program runs: \
             put checkify(|| …) around the indexing, inside the transformed function"
        ))
        .raise()
    };
    // Narrow integers cannot hold the size.
    let wide =
        if array.dtype().bits() < 32 { lax::convert_element_type(array, DType::I32) } else { array.clone() };
    let flat = lax::reshape(&wide, &[wide.size()]);
    let scalar = |v: i64| Array::scalar(v, flat.dtype(), false);
    let above = lax::ge(&flat, &scalar(size as i64));
    let outside =
        if flat.dtype().is_signed() { lax::or(&above, &lax::lt(&flat, &scalar(low))) } else { above };
    let failed = lax::reduce_or(&outside, &[0]);
    if check_alive(&failed, trace.as_ref(), source).is_err() {
        Error::unsupported(format!(
            "the index at {source} belongs to a program inside of the one that checkify checks (the body of a loop, an \
             inner jit or vmap), and what is found there cannot leave it: put checkify(|| …) inside, and return its error"
        ))
        .raise()
    }
    let first = lax::argmax(&outside, 0, DType::I32);
    let index = lax::convert_element_type(&lax::dynamic_index_in_dim(&flat, &first, 0, false), DType::I32);
    check_alive(&index, trace.as_ref(), source).or_raise();
    let message = format!("axis {axis} with size {size} at {source}");
    COLLECTORS
        .with_borrow_mut(|c| c.last_mut().expect("looked at above").found.push((failed, index, message)));
}
