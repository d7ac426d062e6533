//! Forward mode: every value carries its tangent, a zero tangent is carried by being absent.

use std::rc::Rc;
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::Kit;
use crate::error::OrRaise;
use crate::ir::{Array, Arrays, Aval, Dual, Jaxpr, Prim, Repr, Source, TraceId};
use crate::trace::{
    Trace, TraceRef, check_alive, current, current_source, eval_jaxpr, fresh_trace_id, process_in, stage,
    with_trace,
};

/// Runs a function on primals with tangents (`None` is zero); gives results and their tangents.
pub(crate) fn jvp(
    f: impl FnOnce(Vec<Array>) -> Vec<Array>,
    primals: &[Array],
    tangents: &[Option<Array>],
    called_at: Source,
) -> (Vec<Array>, Vec<Option<Array>>) {
    let source = current_source(called_at);
    let trace = Rc::new(Jvp { id: fresh_trace_id(), parent: current(), called_at });
    let args = primals
        .iter()
        .zip(tangents)
        .map(|(p, t)| trace.dual(p.clone(), t.clone(), source))
        .collect::<Vec<_>>();
    let outs = with_trace(Some(trace.clone() as TraceRef), None, || f(args));
    outs.into_iter().map(|out| trace.undual(&out, source)).unzip()
}

/// The jaxpr that takes primals and the tangents that `nonzero` names, and gives results and the tangents that the second value names.
/// Results that `instantiate` names have a tangent even if it is zero; it is empty if none must.
pub(crate) fn jvp_jaxpr(
    kit: &'static Kit,
    jaxpr: &Arc<Jaxpr>,
    nonzero: &[bool],
    instantiate: &[bool],
    called_at: Source,
) -> (Arc<Jaxpr>, Arc<[bool]>) {
    #[derive(PartialEq)]
    struct Key(Vec<bool>, Vec<bool>);
    jaxpr.memoise(Key(nonzero.into(), instantiate.into()), || {
        let tangent_avals = jaxpr.in_avals().zip(nonzero).filter(|(_, nz)| **nz).map(|(a, _)| a.strong());
        let avals: Vec<Aval> = jaxpr.in_avals().cloned().chain(tangent_avals).collect();
        let mut out_nonzero = Vec::new();
        let closed = stage("jvp", &avals, called_at, |args| {
            let (primals, given) = args.split_at(nonzero.len());
            let mut given = given.iter().cloned();
            let tangents: Vec<Option<Array>> =
                nonzero.iter().map(|nz| if *nz { given.next() } else { None }).collect();
            let (mut outs, mut out_tangents) =
                jvp(|args| eval_jaxpr(jaxpr, &[], &args), primals, &tangents, called_at);
            for (i, tangent) in out_tangents.iter_mut().enumerate() {
                if tangent.is_none() && instantiate.get(i) == Some(&true) {
                    *tangent = Some((kit.zeros)(outs[i].aval()));
                }
            }
            out_nonzero = out_tangents.iter().map(Option::is_some).collect();
            outs.extend(out_tangents.into_iter().flatten());
            outs
        });
        debug_assert!(closed.consts.is_empty(), "a nested jaxpr captures nothing");
        (closed.jaxpr, out_nonzero.into())
    })
}

/// The trace of one differentiation.
struct Jvp {
    id: TraceId,
    parent: Option<TraceRef>,
    called_at: Source,
}

impl Jvp {
    fn dual(&self, primal: Array, tangent: Option<Array>, made_at: Source) -> Array {
        match tangent {
            Some(tangent) => Array(Repr::Dual(Arc::new(Dual { trace: self.id, primal, tangent, made_at }))),
            None => primal,
        }
    }

    fn undual(&self, array: &Array, source: Source) -> (Array, Option<Array>) {
        match &array.0 {
            Repr::Dual(d) if d.trace == self.id => (d.primal.clone(), Some(d.tangent.clone())),
            _ => {
                check_alive(array, self.parent.as_ref(), source).or_raise();
                (array.clone(), None)
            }
        }
    }
}

impl Trace for Jvp {
    fn id(&self) -> TraceId {
        self.id
    }

    fn parent(&self) -> Option<&TraceRef> {
        self.parent.as_ref()
    }

    fn process(&self, prim: Prim, args: &[Array], source: Source) -> Arrays {
        let (primals, tangents): (SmallVec<[Array; 4]>, SmallVec<[Option<Array>; 4]>) =
            args.iter().map(|arg| self.undual(arg, source)).unzip();
        if tangents.iter().all(Option::is_none) {
            return process_in(self.parent.as_ref(), prim, &primals, source);
        }
        let (outs, mut out_tangents) =
            with_trace(self.parent.clone(), Some(source), || prim.jvp(&primals, &tangents));
        if out_tangents.is_empty() {
            out_tangents = smallvec![None; outs.len()];
        }
        outs.into_iter().zip(out_tangents).map(|(out, tangent)| self.dual(out, tangent, source)).collect()
    }

    fn describe(&self) -> (String, Option<Source>) {
        ("a function under differentiation".into(), Some(self.called_at))
    }
}
