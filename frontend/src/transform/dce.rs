//! Dead code: the part of a jaxpr that its used results need.

use smallvec::SmallVec;

use crate::ir::{Atom, Eqn, Jaxpr, Prim, Var};

/// Which parameters and constants are still used.
pub(crate) struct Used {
    pub(crate) consts: Vec<bool>,
    pub(crate) invars: Vec<bool>,
}

/// The jaxpr that gives only the results that `used_outs` names. Unused constants go; unused parameters go unless `keep_invars`.
/// Equations with effects stay.
pub(crate) fn dce_jaxpr(jaxpr: &Jaxpr, used_outs: &[bool], keep_invars: bool) -> (Jaxpr, Used) {
    let mut live = vec![false; jaxpr.avals.len()];
    let outs: Vec<Atom> =
        jaxpr.outs.iter().zip(used_outs).filter(|(_, used)| **used).map(|(out, _)| out.clone()).collect();
    outs.iter().filter_map(Atom::as_var).for_each(|v| live[v.index()] = true);
    let mut eqns = Vec::with_capacity(jaxpr.eqns.len());
    for eqn in jaxpr.eqns.iter().rev() {
        let used: SmallVec<[bool; 4]> = eqn.outs.iter().map(|v| live[v.index()]).collect();
        if !used.contains(&true) && eqn.prim.effects().is_empty() {
            continue;
        }
        let stay = if used.contains(&false) { eqn.prim.live_results(&used) } else { used.to_vec() };
        let smaller = if stay.contains(&false) { eqn.prim.dead_code(&stay) } else { None };
        let eqn = match smaller {
            Some((prim, used_inputs)) => narrowed(eqn, prim, &used_inputs, &stay),
            None => eqn.clone(),
        };
        eqn.inputs.iter().filter_map(Atom::as_var).for_each(|v| live[v.index()] = true);
        eqns.push(eqn);
    }
    eqns.reverse();
    let flags = |vars: &[Var]| vars.iter().map(|v| live[v.index()]).collect::<Vec<bool>>();
    let mut used = Used { consts: flags(&jaxpr.constvars), invars: flags(&jaxpr.invars) };
    if keep_invars {
        used.invars.fill(true);
    }
    let keep =
        |vars: &[Var], used: &[bool]| vars.iter().zip(used).filter(|(_, u)| **u).map(|(v, _)| *v).collect();
    let (constvars, invars) = (keep(&jaxpr.constvars, &used.consts), keep(&jaxpr.invars, &used.invars));
    (Jaxpr::new(constvars, invars, eqns, outs, jaxpr.avals.clone()), used)
}

fn narrowed(eqn: &Eqn, prim: Prim, used_inputs: &[bool], used_outs: &[bool]) -> Eqn {
    let inputs =
        eqn.inputs.iter().zip(used_inputs).filter(|(_, used)| **used).map(|(a, _)| a.clone()).collect();
    let outs = eqn.outs.iter().zip(used_outs).filter(|(_, used)| **used).map(|(v, _)| *v).collect();
    Eqn { prim, inputs, outs, source: eqn.source }
}
