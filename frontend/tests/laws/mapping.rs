//! Mapped along some dimension of some operands, a primitive gives what a loop gives.

use jacinth_frontend::tree::Axes;
use jacinth_frontend::{Array, lax, vmap};
use jacinth_lowering::Literal;

use crate::variants::Variant;
use crate::{Arrays, Program, Results, apply, host};

/// The law for one sample's variants.
///
/// Rules for maps know dtypes by their kind at most, so that one of each kind is enough.
pub(crate) fn check(family: &[Variant]) -> Result<(), String> {
    let kinds = |v: &Variant| v.args.iter().map(|a| a.ty().element.kind()).collect::<Vec<_>>();
    let first = |i: &usize| family[..*i].iter().all(|other| kinds(other) != kinds(&family[*i]));
    let family: Vec<&Variant> = (0..family.len()).filter(first).map(|i| &family[i]).collect();
    for (variant, results) in family.iter().zip(program(&family, true).run()?) {
        for (plan, pair) in plans(variant).iter().zip(results.chunks(2)) {
            let what = format!("{}, mapped along {plan:?} and looped", variant.name);
            host::all_near(&what, &pair[0], &pair[1], variant.units(16.0))?;
        }
    }
    Ok(())
}

/// The maps alone, for a plugin that must give those of another.
pub(crate) fn results(family: &[Variant]) -> Results {
    program(&family.iter().collect::<Vec<_>>(), false).run()
}

fn program<'f>(family: &[&'f Variant], with_loops: bool) -> Program<'f> {
    let inputs = |v: &Variant| -> Vec<Literal> { v.args.iter().chain(&v.more).cloned().collect() };
    Program::new(family.iter().copied(), inputs, move |v, inputs| {
        let (one, other) = inputs.split_at(v.args.len());
        let of = |plan: &Vec<Option<usize>>| {
            let looped = with_loops.then(|| looped(v, plan, one, other));
            std::iter::once(mapped(v, plan, one, other)).chain(looped)
        };
        plans(v).iter().flat_map(of).collect()
    })
}

/// For each operand the dimension that is mapped: every operand alone along its first; all along the first; all along the last.
fn plans(variant: &Variant) -> Vec<Vec<Option<usize>>> {
    let n = variant.args.len();
    if n == 0 {
        return Vec::new();
    }
    let mut plans: Vec<Vec<Option<usize>>> =
        (0..n).map(|i| (0..n).map(|j| (i == j).then_some(0)).collect()).collect();
    if n > 1 {
        plans.push(vec![Some(0); n]);
    }
    let last: Vec<Option<usize>> = variant.args.iter().map(|arg| Some(arg.ty().rank())).collect();
    if !plans.contains(&last) {
        plans.push(last);
    }
    plans
}

/// The results of a map over two lists of operands.
fn mapped(variant: &Variant, plan: &[Option<usize>], one: &[Array], other: &[Array]) -> Arrays {
    let stacked: Arrays = plan
        .iter()
        .zip(one.iter().zip(other))
        .map(|(axis, (one, other))| match axis {
            Some(axis) => lax::stack(&[one.clone(), other.clone()], *axis),
            None => one.clone(),
        })
        .collect();
    let axes = plan.iter().map(|d| d.map_or(Axes::None, Axes::from)).collect();
    let map = vmap(|args: &Arrays| apply(&variant.prim, args)).in_axes(Axes::Tuple(vec![Axes::List(axes)]));
    map(&stacked)
}

/// The results of both, stacked.
fn looped(variant: &Variant, plan: &[Option<usize>], one: &[Array], other: &[Array]) -> Arrays {
    let mixed: Arrays =
        (0..plan.len()).map(|i| if plan[i].is_some() { other[i].clone() } else { one[i].clone() }).collect();
    let pairs = apply(&variant.prim, one).into_iter().zip(apply(&variant.prim, &mixed));
    pairs.map(|(one, other)| lax::stack(&[one, other], 0)).collect()
}
