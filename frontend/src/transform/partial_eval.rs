//! Partial evaluation: what depends on known values only is done now, the rest is written down for later.
//!
//! Linearisation is forward mode on top of it, with primals known and tangents unknown: what is written down is the linear
//! map, and what it captured are the residuals.

use std::rc::Rc;
use std::sync::Arc;

use super::{dce_closed, has_tangent, jvp};
use crate::error::OrRaise;
use crate::ir::{Array, Arrays, Aval, ClosedJaxpr, Jaxpr, PartialEvalCx, Prim, Source, TraceId};
use crate::trace::{
    Staging, Trace, TraceRef, check_alive, current_source, eval_jaxpr, process_in, stage, with_trace,
};

/// A function's results at a point and its derivative there.
pub(crate) struct Linearized {
    /// The results.
    pub(crate) outs: Vec<Array>,
    /// The linear map: takes the tangents of the parameters that have any, gives the tangents of results that are not
    /// identically zero. Its constants are the residuals.
    pub(crate) map: ClosedJaxpr,
    /// Which parameters have tangents.
    pub(crate) in_tangents: Vec<bool>,
    /// Which results have tangents that are not identically zero.
    pub(crate) out_tangents: Vec<bool>,
}

/// Linearises a function at `primals`, with respect to those of them that `wanted` names.
pub(crate) fn linearize(
    f: impl FnOnce(Vec<Array>) -> Vec<Array>,
    primals: &[Array],
    wanted: &[bool],
    called_at: Source,
) -> Linearized {
    let source = current_source(called_at);
    let trace = Rc::new(PartialEval(Staging::new("a function under differentiation".into(), called_at)));
    let in_tangents: Vec<bool> =
        primals.iter().zip(wanted).map(|(p, w)| *w && has_tangent(p.aval())).collect();
    let tangents: Vec<Option<Array>> = primals
        .iter()
        .zip(&in_tangents)
        .map(|(p, has)| has.then(|| trace.0.add_invar(p.aval().strong(), source)))
        .collect();
    let (outs, tangents_out) =
        with_trace(Some(trace.clone() as TraceRef), None, || jvp(f, primals, &tangents, called_at));
    let out_tangents = tangents_out.iter().map(Option::is_some).collect();
    let tangents_out: Vec<Array> = tangents_out.into_iter().flatten().collect();
    let (map, _) = dce_closed(trace.0.finish(&tangents_out, source), true);
    Linearized { outs, map, in_tangents, out_tangents }
}

/// A jaxpr split in two by [`partial_eval_jaxpr`].
#[derive(Clone)]
pub(crate) struct SplitJaxpr {
    /// Takes the known parameters; gives the known results, then the residuals.
    pub(crate) known: Arc<Jaxpr>,
    /// Takes the residuals, then the unknown parameters; gives the unknown results.
    pub(crate) unknown: Arc<Jaxpr>,
    /// Which results are unknown.
    pub(crate) out_unknown: Arc<[bool]>,
    /// How many residuals pass from one to the other.
    pub(crate) num_residuals: usize,
}

/// Splits a jaxpr whose parameters that `unknown` names will come later. Results that `instantiate` names count as unknown (it
/// is empty if none must).
pub(crate) fn partial_eval_jaxpr(
    jaxpr: &Arc<Jaxpr>,
    unknown: &[bool],
    instantiate: &[bool],
    called_at: Source,
) -> SplitJaxpr {
    #[derive(PartialEq)]
    struct Key(Vec<bool>, Vec<bool>);
    jaxpr.memoise(Key(unknown.into(), instantiate.into()), || {
        let known_avals: Vec<Aval> =
            jaxpr.in_avals().zip(unknown).filter(|(_, u)| !**u).map(|(a, _)| a.clone()).collect();
        let mut later = None;
        let known = stage("a part", &known_avals, called_at, |args| {
            let mut args = args.into_iter();
            let trace = Rc::new(PartialEval(Staging::new("a part".into(), called_at)));
            let mixed: Vec<Array> = jaxpr
                .in_avals()
                .zip(unknown)
                .map(|(aval, unknown)| {
                    if *unknown {
                        trace.0.add_invar(aval.clone(), called_at)
                    } else {
                        args.next().expect("one argument per known parameter")
                    }
                })
                .collect();
            let outs = with_trace(Some(trace.clone() as TraceRef), None, || eval_jaxpr(jaxpr, &[], &mixed));
            let out_unknown: Vec<bool> = outs
                .iter()
                .enumerate()
                .map(|(i, out)| trace.0.owns(out) || instantiate.get(i) == Some(&true))
                .collect();
            let (unknown_outs, mut known_outs) =
                (pick(&outs, &out_unknown), pick(&outs, &negate(&out_unknown)));
            let (closed, _) = dce_closed(trace.0.finish(&unknown_outs, called_at), true);
            known_outs.extend(closed.consts.iter().cloned());
            later = Some((consts_to_invars(&closed.jaxpr), out_unknown, closed.consts.len()));
            known_outs
        });
        debug_assert!(known.consts.is_empty(), "a nested jaxpr captures nothing");
        let (unknown, out_unknown, num_residuals) = later.expect("the function was traced");
        SplitJaxpr { known: known.jaxpr, unknown, out_unknown: out_unknown.into(), num_residuals }
    })
}

/// The same jaxpr with its constants as leading parameters.
pub(crate) fn consts_to_invars(jaxpr: &Arc<Jaxpr>) -> Arc<Jaxpr> {
    if jaxpr.constvars.is_empty() {
        return jaxpr.clone();
    }
    let invars = jaxpr.constvars.iter().chain(&jaxpr.invars).copied().collect();
    Arc::new(Jaxpr::new(Vec::new(), invars, jaxpr.eqns.clone(), jaxpr.outs.clone(), jaxpr.avals.clone()))
}

/// The items whose flag is set.
pub(crate) fn pick<T: Clone>(items: &[T], flags: &[bool]) -> Vec<T> {
    items.iter().zip(flags).filter(|(_, flag)| **flag).map(|(item, _)| item.clone()).collect()
}

pub(crate) fn negate(flags: &[bool]) -> Vec<bool> {
    flags.iter().map(|flag| !flag).collect()
}

/// A staging trace that passes on to its parent whatever is known.
pub(crate) struct PartialEval(Staging);

impl Trace for PartialEval {
    fn id(&self) -> TraceId {
        self.0.id()
    }

    fn parent(&self) -> Option<&TraceRef> {
        self.0.parent()
    }

    fn process(&self, prim: Prim, args: &[Array], source: Source) -> Arrays {
        if !args.iter().any(|arg| self.0.owns(arg)) {
            return process_in(self.parent(), prim, args, source);
        }
        for arg in args.iter().filter(|arg| !self.0.owns(arg)) {
            check_alive(arg, self.parent(), source).or_raise();
        }
        let cx = PartialEvalCx {
            is_unknown: &|array| self.0.owns(array),
            record: &|prim, args| self.0.record(prim, args, source).or_raise(),
        };
        let split = with_trace(self.parent().cloned(), Some(source), || prim.partial_eval(&cx, args));
        split.unwrap_or_else(|| self.0.record(prim, args, source).or_raise())
    }

    fn describe(&self) -> (String, Option<Source>) {
        self.0.describe()
    }
}
