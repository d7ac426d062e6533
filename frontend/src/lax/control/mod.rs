//! Control flow whose course is decided when the program runs: cond, while, scan; and the solution of linear systems by a function.
//!
//! These primitives hold jaxprs without captures; what a function captured are leading operands. Their rules are written with the
//! jaxpr-to-jaxpr transformations. The functions here take jaxprs and flat arrays; those of closures and pytrees are in
//! `api/control`.

mod cond;
mod linear_solve;
mod scan;
mod while_loop;

pub(crate) use cond::{Cond, PlatformIndex, Platforms};
pub(crate) use linear_solve::{LinearSolve, Part};
pub(crate) use scan::Scan;
pub(crate) use while_loop::While;

use std::sync::Arc;

use jacinth_lowering::{Block, Types};

use crate::error::{Error, Result};
use crate::ir::{Array, Atom, Aval, Jaxpr, LowerCx, Value, Values, Var, order_aval, tensor_type};
use crate::trace::here;

/// The jaxpr with its parameters and results in another order: parameter `i` of the new one is `params[i]` of the old.
pub(crate) fn reordered(jaxpr: &Jaxpr, params: &[usize], outs: &[usize]) -> Arc<Jaxpr> {
    let invars: Vec<Var> = params.iter().map(|&i| jaxpr.invars[i]).collect();
    let outs: Vec<Atom> = outs.iter().map(|&i| jaxpr.outs[i].clone()).collect();
    Arc::new(Jaxpr::new(Vec::new(), invars, jaxpr.eqns.clone(), outs, jaxpr.avals.clone()))
}

/// The jaxpr with parameters that it does not use inserted: `Some(i)` is its own parameter `i`, `None` takes the next of `unused`.
fn with_unused(
    jaxpr: &Jaxpr,
    params: &[Option<usize>],
    unused: impl IntoIterator<Item = Aval>,
) -> Arc<Jaxpr> {
    let mut avals = jaxpr.avals.clone();
    let mut unused = unused.into_iter();
    let invars = params
        .iter()
        .map(|param| {
            param.map_or_else(
                || {
                    avals.push(unused.next().expect("one type per unused parameter"));
                    Var((avals.len() - 1) as u32)
                },
                |i| jaxpr.invars[i],
            )
        })
        .collect();
    Arc::new(Jaxpr::new(Vec::new(), invars, jaxpr.eqns.clone(), jaxpr.outs.clone(), avals))
}

/// A loop over values of the types `avals`, which carries the order of calls of the host beside them where there are such calls.
fn loop_in_order(
    cx: &mut LowerCx<'_>,
    ordered: bool,
    init: &[Value],
    avals: &[Aval],
    blocks: Vec<Block>,
) -> Result<Values> {
    let mut init = Values::from_slice(init);
    let mut types: Types = avals.iter().map(|a| tensor_type(a).into()).collect();
    if ordered {
        init.push(cx.order()?);
        types.push(tensor_type(&order_aval()).into());
    }
    let op = jacinth_lowering::ops::control::While;
    let mut results = cx.builder.op_full(op.into(), &init, blocks, Some(types), Default::default())?;
    if ordered {
        cx.set_order(results.pop().expect("the last of its results"));
    }
    Ok(results)
}

/// Refuses operands that are not of a jaxpr's parameter types.
pub(super) fn check_operands<'a>(
    operation: &'static str,
    what: &str,
    expected: impl ExactSizeIterator<Item = &'a Aval> + Clone,
    found: impl ExactSizeIterator<Item = &'a Aval> + Clone,
) -> Result<()> {
    let fits =
        expected.len() == found.len() && expected.clone().zip(found.clone()).all(|(e, f)| e.same_type(f));
    if fits {
        return Ok(());
    }
    let list = |avals: Vec<&Aval>| avals.iter().map(|a| a.to_string()).collect::<Vec<_>>().join(", ");
    let (expected, found) = (list(expected.collect()), list(found.collect()));
    Err(Error::operands(operation, format!("{what} must be of types ({expected}), got ({found})")))
}

/// Flags that hold where either holds.
fn either(a: &[bool], b: &[bool]) -> Vec<bool> {
    a.iter().zip(b).map(|(a, b)| *a || *b).collect()
}

/// For each flag that is set the next item.
fn distribute<T>(
    flags: impl IntoIterator<Item = bool>,
    items: impl IntoIterator<Item = T>,
) -> Vec<Option<T>> {
    let mut items = items.into_iter();
    flags.into_iter().map(|flag| if flag { items.next() } else { None }).collect()
}

/// Known and unknown results in their order.
fn interleave(
    unknown: &[bool],
    known: impl IntoIterator<Item = Array>,
    later: impl IntoIterator<Item = Array>,
) -> Vec<Array> {
    let (mut known, mut later) = (known.into_iter(), later.into_iter());
    let next = |unknown: &bool| if *unknown { later.next() } else { known.next() };
    unknown.iter().map(next).map(|out| out.expect("one result each")).collect()
}
