//! Transposition: a linear jaxpr run backwards, from cotangents of its results to cotangents of its parameters.

use std::sync::Arc;

use smallvec::SmallVec;

use super::Kit;
use crate::error::Error;
use crate::ir::{Array, Atom, Aval, Jaxpr, Linear, Operand, Repr, Source};
use crate::trace::{current, in_scope_of, stage, with_trace};

/// Cotangents of the linear parameters of a jaxpr.
///
/// `args` gives a value for every parameter that is a constant of the linear map and `None` for the linear ones; the answer has one entry
/// per parameter, `None` for constants and for zeros. Equations of constants only are evaluated first.
pub(crate) fn backward_pass(
    kit: &'static Kit,
    jaxpr: &Jaxpr,
    consts: &[Array],
    args: &[Option<Array>],
    cts: &[Option<Array>],
) -> Vec<Option<Array>> {
    let mut known: Vec<Option<Array>> = vec![None; jaxpr.avals.len()];
    jaxpr.constvars.iter().zip(consts).for_each(|(v, c)| known[v.index()] = Some(c.clone()));
    jaxpr.invars.iter().zip(args).for_each(|(v, a)| known[v.index()] = a.clone());
    let read = |known: &[Option<Array>], atom: &Atom| match atom {
        Atom::Var(v) => known[v.index()].clone(),
        Atom::Literal(l) => Some(Array(Repr::Scalar(l.clone()))),
    };
    let mut linear = vec![false; jaxpr.eqns.len()];
    for (i, eqn) in jaxpr.eqns.iter().enumerate() {
        let inputs: Option<SmallVec<[Array; 4]>> = eqn.inputs.iter().map(|a| read(&known, a)).collect();
        match inputs {
            Some(inputs) => {
                let run = || crate::trace::bind(eqn.prim.clone(), &inputs);
                let outs = in_scope_of(eqn, || with_trace(current(), Some(eqn.source), run));
                eqn.outs.iter().zip(outs).for_each(|(v, out)| known[v.index()] = Some(out));
            }
            None => linear[i] = true,
        }
    }
    let mut ct_of: Vec<Option<Array>> = vec![None; jaxpr.avals.len()];
    let accumulate = |ct_of: &mut Vec<Option<Array>>, atom: &Atom, ct: Array| {
        if let Atom::Var(v) = atom {
            let slot = &mut ct_of[v.index()];
            *slot = Some(match slot.take() {
                Some(sum) => (kit.add)(&sum, &ct),
                None => ct,
            });
        }
    };
    for (out, ct) in jaxpr.outs.iter().zip(cts) {
        if let Some(ct) = ct {
            accumulate(&mut ct_of, out, ct.clone());
        }
    }
    for (eqn, _) in jaxpr.eqns.iter().zip(&linear).rev().filter(|(_, linear)| **linear) {
        let cts: SmallVec<[Option<Array>; 4]> = eqn.outs.iter().map(|v| ct_of[v.index()].take()).collect();
        if cts.iter().all(Option::is_none) {
            continue;
        }
        let operands: SmallVec<[Operand; 4]> = eqn
            .inputs
            .iter()
            .map(|atom| match read(&known, atom) {
                Some(value) => Operand::Known(value),
                None => Operand::Linear(jaxpr.atom_aval(atom).clone()),
            })
            .collect();
        let run = || {
            match eqn.prim.transpose(&cts, &operands) {
            Linear::Cotangents(cts) => {
                for (atom, ct) in eqn.inputs.iter().zip(cts) {
                    if let Some(ct) = ct {
                        accumulate(&mut ct_of, atom, ct);
                    }
                }
            }
            Linear::No => Error::unsupported(format!(
                "reverse-mode differentiation: `{}` is not linear in the operands to be differentiated, or has no \
                 transpose rule (at {})",
                eqn.prim.name(),
                eqn.source
            ))
            .raise(),
        }
        };
        in_scope_of(eqn, || with_trace(current(), Some(eqn.source), run));
    }
    jaxpr
        .invars
        .iter()
        .zip(args)
        .map(|(v, arg)| if arg.is_some() { None } else { ct_of[v.index()].take() })
        .collect()
}

/// A jaxpr transposed by [`transpose_jaxpr`].
#[derive(Clone)]
pub(crate) struct Transposed {
    /// Takes the constants, then the nonzero cotangents of the results; gives the nonzero cotangents of the linear parameters.
    pub(crate) jaxpr: Arc<Jaxpr>,
    /// For each parameter whether its cotangent is among the results.
    pub(crate) nonzero: Arc<[bool]>,
}

/// Transposes a jaxpr in the parameters that `linear` names, for cotangents that are zero except where `cts` says.
pub(crate) fn transpose_jaxpr(
    kit: &'static Kit,
    jaxpr: &Arc<Jaxpr>,
    linear: &[bool],
    cts: &[bool],
    called_at: Source,
) -> Transposed {
    #[derive(PartialEq)]
    struct Key(Vec<bool>, Vec<bool>);
    jaxpr.memoise(Key(linear.into(), cts.into()), || {
        let constants = jaxpr.in_avals().zip(linear).filter(|(_, l)| !**l).map(|(a, _)| a.clone());
        let cotangents = jaxpr.out_avals().zip(cts).filter(|(_, nz)| **nz).map(|(a, _)| a.strong());
        let avals: Vec<Aval> = constants.chain(cotangents).collect();
        let mut nonzero = Vec::new();
        let closed = stage("transpose", &avals, called_at, |args| {
            let mut args = args.into_iter();
            let constants: Vec<Option<Array>> =
                linear.iter().map(|l| if *l { None } else { args.next() }).collect();
            let cotangents: Vec<Option<Array>> =
                cts.iter().map(|nz| if *nz { args.next() } else { None }).collect();
            let outs = backward_pass(kit, jaxpr, &[], &constants, &cotangents);
            nonzero = outs.iter().map(Option::is_some).collect();
            outs.into_iter().flatten().collect()
        });
        debug_assert!(closed.consts.is_empty(), "a nested jaxpr captures nothing");
        Transposed { jaxpr: closed.jaxpr, nonzero: nonzero.into() }
    })
}
