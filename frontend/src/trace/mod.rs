//! Tracing: the current trace, binding a primitive in it, and the two traces that need no transformation.
//!
//! There is one *current trace* per thread (none means: evaluate). [`bind`] hands a primitive to it; each trace knows its
//! parent, and a value that is not a tracer of a trace is a constant to it, whose operations it passes on. Invariants: the
//! current trace is restored on unwinding; a tracer is only ever used while its trace is current or an ancestor of
//! the current one, which every trace checks before it takes a foreign value as a constant.

mod eval;
mod staging;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use smallvec::SmallVec;

use crate::error::{Concretization, Error, OrRaise, Result};
use crate::ir::{Arrays, AxisInfo, Eqn, NO_VALUE, Prim, Repr, Source, TraceId, nested_scope};

pub use crate::ir::Array;
pub(crate) use eval::{clear_compiled, invalid};
pub(crate) use staging::{Staging, eval_jaxpr, stage};

/// An interpretation of primitives.
pub(crate) trait Trace {
    /// The id that its tracers carry.
    fn id(&self) -> TraceId;
    /// The trace that was current when this one began.
    fn parent(&self) -> Option<&TraceRef>;
    /// Applies a primitive. A user's mistake is raised.
    fn process(&self, prim: Prim, args: &[Array], source: Source) -> Arrays;
    /// What is being traced by what, and where that began, for errors.
    fn describe(&self) -> (String, Option<Source>);
    /// The named axis that the trace maps.
    fn axis(&self) -> Option<&AxisInfo> {
        None
    }
}

/// A trace, shared by those begun inside of it.
pub(crate) type TraceRef = Rc<dyn Trace>;

struct Context {
    trace: RefCell<Option<TraceRef>>,
    source: Cell<Option<Source>>,
    /// The names of the scopes that are open.
    scope: RefCell<Option<Arc<str>>>,
}

thread_local! {
    static CONTEXT: Context = const {
        Context { trace: RefCell::new(None), source: Cell::new(None), scope: RefCell::new(None) }
    };
}

/// Applies a primitive to arrays under the current trace.
///
/// # Panics
/// If the operands do not fit; the message names the caller's line.
#[track_caller]
pub fn bind(prim: impl Into<Prim>, args: &[Array]) -> Arrays {
    bind_at(prim.into(), args, Location::caller())
}

/// [`bind`] for primitives with one result.
#[track_caller]
pub fn bind1(prim: impl Into<Prim>, args: &[Array]) -> Array {
    let mut outs = bind_at(prim.into(), args, Location::caller());
    outs.pop().expect("a primitive with one result gives one")
}

/// [`bind`], ascribed to a line of the caller's choice.
pub(crate) fn bind_at_line(prim: Prim, args: &[Array], source: Source) -> Arrays {
    bind_at(prim, args, source)
}

fn bind_at(prim: Prim, args: &[Array], caller: Source) -> Arrays {
    let (trace, source) = CONTEXT.with(|c| (c.trace.borrow().clone(), c.source.get().unwrap_or(caller)));
    match trace {
        None => eval::process(&prim, args, source),
        Some(trace) => trace.process(prim, args, source),
    }
}

/// Applies a primitive in that trace, whichever is current.
pub(crate) fn process_in(trace: Option<&TraceRef>, prim: Prim, args: &[Array], source: Source) -> Arrays {
    match trace {
        None => eval::process(&prim, args, source),
        Some(trace) => trace.process(prim, args, source),
    }
}

/// The current trace.
pub(crate) fn current() -> Option<TraceRef> {
    CONTEXT.with(|c| c.trace.borrow().clone())
}

/// The size of the innermost axis of that name.
pub(crate) fn axis_size_of(name: &str) -> Option<usize> {
    named_axes().iter().find(|(bound, _)| **bound == *name).map(|(_, size)| *size)
}

/// The named axes that are mapped now, innermost first, each with its size: what is traced may depend on them.
pub(crate) fn named_axes() -> NamedAxes {
    let mut axes = NamedAxes::new();
    let mut trace = current();
    while let Some(t) = trace {
        if let Some(AxisInfo { name: Some(name), size, .. }) = t.axis() {
            axes.push((name.clone(), *size));
        }
        trace = t.parent().cloned();
    }
    axes
}

/// Named axes with their sizes.
pub(crate) type NamedAxes = SmallVec<[(Arc<str>, usize); 1]>;

/// The line to which equations bound now are ascribed: the user's, if a rule is running, else `caller`.
pub(crate) fn current_source(caller: Source) -> Source {
    CONTEXT.with(|c| c.source.get().unwrap_or(caller))
}

/// [`current_source`] of this function's caller.
#[track_caller]
pub(crate) fn here() -> Source {
    current_source(Location::caller())
}

/// What [`keep_line`] gives.
#[must_use]
pub(crate) struct KeptLine(Option<Source>);

impl Drop for KeptLine {
    fn drop(&mut self) {
        CONTEXT.with(|c| c.source.set(self.0));
    }
}

/// Until what it gives is dropped, equations and errors stand at the line of the caller of the function that holds it: for functions whose
/// closures would hide that line. A closure of the user's must not run meanwhile, because its own lines say more.
#[track_caller]
pub(crate) fn keep_line() -> KeptLine {
    let source = here();
    KeptLine(CONTEXT.with(|c| c.source.replace(Some(source))))
}

/// Runs `f` with another current trace; `source`, if given, is the line of everything bound in it.
pub(crate) fn with_trace<R>(trace: Option<TraceRef>, source: Option<Source>, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<TraceRef>, Option<Source>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let (trace, source) = (self.0.take(), self.1);
            // The replaced trace is dropped outside of the borrow.
            let _replaced = CONTEXT.with(|c| {
                c.source.set(source);
                c.trace.replace(trace)
            });
        }
    }
    let _restore = CONTEXT.with(|c| Restore(c.trace.replace(trace), c.source.replace(source)));
    f()
}

/// The names of the scopes that are open, outermost first.
pub(crate) fn current_scope() -> Option<Arc<str>> {
    CONTEXT.with(|c| c.scope.borrow().clone())
}

/// Runs `f` with a scope of that name inside of those that are open.
pub(crate) fn in_scope<R>(name: &Arc<str>, f: impl FnOnce() -> R) -> R {
    with_scope(Some(nested_scope(current_scope().as_ref(), name)), f)
}

/// Runs `f` in the scope of an equation.
pub(crate) fn in_scope_of<R>(eqn: &Eqn, f: impl FnOnce() -> R) -> R {
    match &eqn.scope {
        None => f(),
        Some(name) => in_scope(name, f),
    }
}

/// Runs `f` with exactly those scopes open.
pub(crate) fn with_scope<R>(scope: Option<Arc<str>>, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<Arc<str>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CONTEXT.with(|c| c.scope.replace(self.0.take()));
        }
    }
    let _restore = Restore(CONTEXT.with(|c| c.scope.replace(scope)));
    f()
}

/// A trace id that was never used before.
pub(crate) fn fresh_trace_id() -> TraceId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Checks that a value which is not a tracer of `trace` may be a constant to it: that its own trace is an ancestor.
pub(crate) fn check_alive(array: &Array, ancestors: Option<&TraceRef>, source: Source) -> Result<()> {
    let Some(id) = array.trace_id() else { return Ok(()) };
    let mut trace = ancestors;
    while let Some(t) = trace {
        if t.id() == id {
            return Ok(());
        }
        trace = t.parent();
    }
    let made_at = array.made_at().unwrap_or(source);
    if id == NO_VALUE {
        let message = format!(
            "a ShapeDtypeStruct of type {}, made at {made_at}, has no value: it stands for an argument of `lower`, `trace`, `eval_shape` \
             or `make_jaxpr`, not of a call",
            array.aval()
        );
        return Err(Error::argument(message).at(source));
    }
    Err(Error::LeakedTracer { aval: array.aval().clone(), made_at, used_at: Some(source) })
}

/// The concrete value behind an array: itself, or the primal of a differentiation tracer.
///
/// # Errors
/// [`Error::Concretization`] if the value is traced by `jit` or `vmap`; `needed` is what it was needed for (`a bool`), `advice`
/// what to do instead.
pub(crate) fn concrete<'a>(
    array: &'a Array,
    needed: &'static str,
    advice: &'static str,
    source: Source,
) -> Result<&'a Array> {
    let mut array = array;
    while let Repr::Dual(dual) = &array.0 {
        array = &dual.primal;
    }
    let Some(id) = array.trace_id() else { return Ok(array) };
    let mut trace = current();
    while let Some(t) = trace {
        if t.id() == id {
            let (traced, called_at) = t.describe();
            let aval = array.aval().clone();
            let (at, made_at) = (Some(source), array.made_at());
            return Err(Error::Concretization(Box::new(Concretization {
                aval,
                needed,
                advice,
                traced,
                called_at,
                made_at,
                at,
            })));
        }
        trace = t.parent().cloned();
    }
    check_alive(array, None, source).map(|()| array)
}

/// Checks that all arrays may be used now, and raises otherwise.
#[track_caller]
pub(crate) fn check_all_alive<'a>(arrays: impl IntoIterator<Item = &'a Array>) {
    check_all_alive_at(arrays, Location::caller()).or_raise();
}

/// Checks that all arrays may be used now, by `caller`.
pub(crate) fn check_all_alive_at<'a>(
    arrays: impl IntoIterator<Item = &'a Array>,
    caller: Source,
) -> Result<()> {
    let (trace, source) = (current(), current_source(caller));
    arrays.into_iter().try_for_each(|array| check_alive(array, trace.as_ref(), source))
}

impl fmt::Debug for dyn Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "trace {} of {}", self.id(), self.describe().0)
    }
}
