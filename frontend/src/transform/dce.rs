//! Dead code: the part of a jaxpr that its used results need.

use std::sync::Arc;

use smallvec::SmallVec;

use super::pick;
use crate::ir::{Atom, ClosedJaxpr, Eqn, Jaxpr, Var};

/// Which parameters and constants are still used.
pub(crate) struct Used {
    pub(crate) consts: Vec<bool>,
    pub(crate) invars: Vec<bool>,
}

/// The jaxpr that gives only the results that `used_outs` names. Unused constants go; unused parameters go unless `keep_invars`.
/// Equations with effects stay.
pub(crate) fn dce_jaxpr(jaxpr: &Jaxpr, used_outs: &[bool], keep_invars: bool) -> (Jaxpr, Used) {
    let Liveness { fates, used } = liveness(jaxpr, used_outs, keep_invars);
    let outs = pick(&jaxpr.outs, used_outs);
    let eqns = jaxpr.eqns.iter().zip(fates).filter_map(|(eqn, fate)| fate.of(eqn, Eqn::clone)).collect();
    let (constvars, invars) = (pick(&jaxpr.constvars, &used.consts), pick(&jaxpr.invars, &used.invars));
    (Jaxpr::new(constvars, invars, eqns, outs, jaxpr.avals.clone()), used)
}

/// As [`dce_jaxpr`] with all results used, and which parameters still are. Where nothing is dead it is the same jaxpr; where nobody else
/// has it, what stays is moved.
pub(crate) fn dce_closed(closed: ClosedJaxpr, keep_invars: bool) -> (ClosedJaxpr, Vec<bool>) {
    let ClosedJaxpr { jaxpr, consts } = closed;
    let Liveness { fates, used } = liveness(&jaxpr, &vec![true; jaxpr.outs.len()], keep_invars);
    let all = |flags: &[bool]| !flags.contains(&false);
    if all(&used.consts) && all(&used.invars) && fates.iter().all(|fate| matches!(fate, Fate::Stays)) {
        return (ClosedJaxpr { jaxpr, consts }, used.invars);
    }
    let (constvars, invars) = (pick(&jaxpr.constvars, &used.consts), pick(&jaxpr.invars, &used.invars));
    let (eqns, outs, avals) = match Arc::try_unwrap(jaxpr) {
        Ok(Jaxpr { eqns, outs, avals, .. }) => {
            let eqns = eqns.into_iter().zip(fates).filter_map(|(eqn, fate)| fate.of(eqn, |eqn| eqn));
            (eqns.collect(), outs, avals)
        }
        Err(shared) => {
            let eqns = shared.eqns.iter().zip(fates).filter_map(|(eqn, fate)| fate.of(eqn, Eqn::clone));
            (eqns.collect(), shared.outs.clone(), shared.avals.clone())
        }
    };
    let jaxpr = Arc::new(Jaxpr::new(constvars, invars, eqns, outs, avals));
    (ClosedJaxpr { jaxpr, consts: pick(&consts, &used.consts) }, used.invars)
}

/// What becomes of an equation.
enum Fate {
    Stays,
    Goes,
    /// It computes less.
    Narrowed(Box<Eqn>),
}

impl Fate {
    /// What is left of the equation; `whole` gives it as it is.
    fn of<E>(self, eqn: E, whole: impl FnOnce(E) -> Eqn) -> Option<Eqn> {
        match self {
            Fate::Stays => Some(whole(eqn)),
            Fate::Goes => None,
            Fate::Narrowed(eqn) => Some(*eqn),
        }
    }
}

/// What is alive in a jaxpr.
struct Liveness {
    fates: Vec<Fate>,
    used: Used,
}

fn liveness(jaxpr: &Jaxpr, used_outs: &[bool], keep_invars: bool) -> Liveness {
    let mut live = vec![false; jaxpr.avals.len()];
    let outs = jaxpr.outs.iter().zip(used_outs).filter(|(_, used)| **used);
    outs.filter_map(|(out, _)| out.as_var()).for_each(|v| live[v.index()] = true);
    let mut fates: Vec<Fate> = Vec::with_capacity(jaxpr.eqns.len());
    for eqn in jaxpr.eqns.iter().rev() {
        let used: SmallVec<[bool; 4]> = eqn.outs.iter().map(|v| live[v.index()]).collect();
        if !used.contains(&true) && eqn.prim.effects().is_empty() {
            fates.push(Fate::Goes);
            continue;
        }
        let narrowed = if used.contains(&false) { narrow(eqn, &used) } else { None };
        let inputs = &narrowed.as_ref().unwrap_or(eqn).inputs;
        inputs.iter().filter_map(Atom::as_var).for_each(|v| live[v.index()] = true);
        fates.push(narrowed.map_or(Fate::Stays, |eqn| Fate::Narrowed(Box::new(eqn))));
    }
    fates.reverse();
    let flags = |vars: &[Var]| vars.iter().map(|v| live[v.index()]).collect::<Vec<bool>>();
    let mut used = Used { consts: flags(&jaxpr.constvars), invars: flags(&jaxpr.invars) };
    if keep_invars {
        used.invars.fill(true);
    }
    Liveness { fates, used }
}

/// The equation with those results only that must stay where `used` are used, if it can do with less.
fn narrow(eqn: &Eqn, used: &[bool]) -> Option<Eqn> {
    let stay = eqn.prim.live_results(used);
    if !stay.contains(&false) {
        return None;
    }
    let (prim, used_inputs) = eqn.prim.dead_code(&stay)?;
    let (inputs, outs) = (pick(&eqn.inputs, &used_inputs).into(), pick(&eqn.outs, &stay).into());
    Some(Eqn { prim, inputs, outs, source: eqn.source, scope: eqn.scope.clone() })
}
