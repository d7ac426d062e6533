//! Rematerialisation: a jaxpr split in what is done now and what is done later, where later most of the first part is done again.
//!
//! Partial evaluation says what the unknown part needs of the known one. Of that, values that may be saved are passed on; the others are
//! computed again from those and from the parameters.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{dce_jaxpr, partial_eval_jaxpr, pick};
use crate::ir::{Array, Atom, Aval, Eqn, Jaxpr, Repr, Source};
use crate::trace::{bind_at_line, stage};

/// A jaxpr split by [`remat_jaxpr`].
#[derive(Clone)]
pub(crate) struct RematSplit {
    /// Takes the known parameters; gives the known results, then the residuals.
    pub(crate) known: Arc<Jaxpr>,
    /// Takes the residuals, the known parameters that `needed` names, and the unknown parameters; gives the unknown results.
    pub(crate) later: Arc<Jaxpr>,
    /// Which results are unknown.
    pub(crate) out_unknown: Arc<[bool]>,
    /// Which of the known parameters the second part takes.
    pub(crate) needed: Arc<[bool]>,
    /// How many residuals pass from one to the other.
    pub(crate) num_residuals: usize,
}

/// Splits a jaxpr whose parameters that `unknown` names will come later. Results of equations that `saveable` names may pass from one
/// part to the other, as `passed` makes them; calls that `inlined` names are looked into.
pub(crate) fn remat_jaxpr(
    jaxpr: &Arc<Jaxpr>,
    unknown: &[bool],
    saveable: impl Fn(&Eqn, &Jaxpr) -> bool,
    inlined: impl Fn(&Eqn) -> Option<Arc<Jaxpr>>,
    passed: impl Fn(&Array) -> Array,
    called_at: Source,
) -> RematSplit {
    let split = partial_eval_jaxpr(jaxpr, unknown, &[], called_at);
    let num_known = split.out_unknown.iter().filter(|u| !**u).count();
    let first = flattened(&split.known, &inlined, called_at);
    // Back from what the second part needs to what is saved and to the parameters.
    let producer = producers(&first);
    let mut wanted = vec![false; first.avals.len()];
    let mut saved = vec![false; first.avals.len()];
    let mut again = vec![false; first.eqns.len()];
    let mut open: Vec<&Atom> = first.outs[num_known..].iter().collect();
    while let Some(atom) = open.pop() {
        let Some(var) = atom.as_var() else { continue };
        if std::mem::replace(&mut wanted[var.index()], true) {
            continue;
        }
        let Some(i) = producer[var.index()] else { continue };
        if saveable(&first.eqns[i], &first) {
            saved[var.index()] = true;
        } else if !std::mem::replace(&mut again[i], true) {
            open.extend(&first.eqns[i].inputs);
        }
    }
    let residuals: Vec<usize> = (0..first.avals.len()).filter(|&v| saved[v]).collect();
    let needed: Vec<bool> = first.invars.iter().map(|v| wanted[v.index()]).collect();
    let known_avals: Vec<Aval> = first.in_avals().cloned().collect();

    let outs: Vec<Atom> = first.outs[..num_known].to_vec();
    let all: Vec<Atom> =
        outs.iter().cloned().chain(residuals.iter().map(|&v| Atom::Var(crate::ir::Var(v as u32)))).collect();
    let kept = Jaxpr::new(Vec::new(), first.invars.clone(), first.eqns.clone(), all, first.avals.clone());
    let (kept, _) = dce_jaxpr(&kept, &vec![true; kept.outs.len()], true);
    let mut used = vec![false; kept.avals.len()];
    kept.eqns.iter().flat_map(|e| &e.inputs).filter_map(Atom::as_var).for_each(|v| used[v.index()] = true);
    let known = stage("checkpoint", &known_avals, called_at, |args| {
        let mut env = environment(&kept, &args);
        for eqn in &kept.eqns {
            run(eqn, &mut env);
            for v in eqn.outs.iter().filter(|v| saved[v.index()] && used[v.index()]) {
                env[v.index()] = env[v.index()].take().map(|value| passed(&value));
            }
        }
        kept.outs.iter().map(|atom| read(&env, atom)).collect()
    });

    let mut later_avals: Vec<Aval> = residuals.iter().map(|&v| first.avals[v].clone()).collect();
    later_avals.extend(pick(&known_avals, &needed));
    later_avals.extend(pick(&jaxpr.in_avals().cloned().collect::<Vec<_>>(), unknown));
    let later = stage("checkpoint", &later_avals, called_at, |args| {
        let mut env: Vec<Option<Array>> = vec![None; first.avals.len()];
        let mut args = args.into_iter();
        residuals.iter().zip(args.by_ref()).for_each(|(&v, value)| env[v] = Some(value));
        let params = first.invars.iter().zip(&needed).filter(|(_, needed)| **needed);
        params.zip(args.by_ref()).for_each(|((v, _), value)| env[v.index()] = Some(value));
        first.eqns.iter().zip(&again).filter(|(_, again)| **again).for_each(|(eqn, _)| run(eqn, &mut env));
        let values = first.outs[num_known..].iter().map(|atom| read(&env, atom));
        let operands: Vec<Array> = values.chain(args).collect();
        crate::trace::eval_jaxpr(&split.unknown, &[], &operands)
    });
    debug_assert!(known.consts.is_empty() && later.consts.is_empty(), "a nested jaxpr captures nothing");
    RematSplit {
        known: known.jaxpr,
        later: later.jaxpr,
        out_unknown: split.out_unknown,
        needed: needed.into(),
        num_residuals: residuals.len(),
    }
}

/// The jaxpr with the calls that `inlined` names replaced by what they call.
fn flattened(
    jaxpr: &Arc<Jaxpr>,
    inlined: &impl Fn(&Eqn) -> Option<Arc<Jaxpr>>,
    called_at: Source,
) -> Arc<Jaxpr> {
    if !jaxpr.eqns.iter().any(|eqn| inlined(eqn).is_some()) {
        return jaxpr.clone();
    }
    fn walk(jaxpr: &Jaxpr, args: &[Array], inlined: &impl Fn(&Eqn) -> Option<Arc<Jaxpr>>) -> Vec<Array> {
        let mut env = environment(jaxpr, args);
        for eqn in &jaxpr.eqns {
            match inlined(eqn) {
                Some(callee) => {
                    let args: Vec<Array> = eqn.inputs.iter().map(|atom| read(&env, atom)).collect();
                    let outs = walk(&callee, &args, inlined);
                    eqn.outs.iter().zip(outs).for_each(|(v, out)| env[v.index()] = Some(out));
                }
                None => run(eqn, &mut env),
            }
        }
        jaxpr.outs.iter().map(|atom| read(&env, atom)).collect()
    }
    let avals: Vec<Aval> = jaxpr.in_avals().cloned().collect();
    stage("checkpoint", &avals, called_at, |args| walk(jaxpr, &args, inlined)).jaxpr
}

/// For each variable the equation that defines it.
pub(crate) fn producers(jaxpr: &Jaxpr) -> Vec<Option<usize>> {
    let mut producer = vec![None; jaxpr.avals.len()];
    for (i, eqn) in jaxpr.eqns.iter().enumerate() {
        eqn.outs.iter().for_each(|v| producer[v.index()] = Some(i));
    }
    producer
}

fn environment(jaxpr: &Jaxpr, args: &[Array]) -> Vec<Option<Array>> {
    let mut env = vec![None; jaxpr.avals.len()];
    jaxpr.invars.iter().zip(args).for_each(|(v, arg)| env[v.index()] = Some(arg.clone()));
    env
}

fn read(env: &[Option<Array>], atom: &Atom) -> Array {
    match atom {
        Atom::Var(v) => env[v.index()].clone().expect("defined before its use"),
        Atom::Literal(l) => Array(Repr::Scalar(l.clone())),
    }
}

fn run(eqn: &Eqn, env: &mut [Option<Array>]) {
    let args: SmallVec<[Array; 4]> = eqn.inputs.iter().map(|atom| read(env, atom)).collect();
    let outs = bind_at_line(eqn.prim.clone(), &args, eqn.source);
    eqn.outs.iter().zip(outs).for_each(|(v, out)| env[v.index()] = Some(out));
}
