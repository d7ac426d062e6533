//! cond: one of several jaxprs, chosen by an index.

use std::sync::Arc;

use jacinth_lowering::Types;
use jacinth_lowering::ops::control as ops;
use smallvec::{SmallVec, smallvec};

use super::{check_operands, distribute, either, here, interleave};
use crate::error::{Error, Result};
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Effects, Jaxpr, Linear, LowerCx, Operand, Params,
    PartialEvalCx, Prim, Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values, order_aval,
    python_tuple, tensor_type,
};
use crate::lax::{KIT, broadcast_in_dim, clamp, cos, mul, reshape, select_n, sin, zeros_like};
use crate::trace::{bind, eval_jaxpr, stage};
use crate::transform::{
    batch_jaxpr, dce_jaxpr, jvp_jaxpr, negate, partial_eval_jaxpr, pick, transpose_jaxpr,
};

/// `cond`: operand 0 is the `i32` index (the last branch where it is out of range), the rest are every branch's operands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Cond {
    /// The branches: at least one, all of the same types.
    pub(crate) branches: Vec<Arc<Jaxpr>>,
    /// Where the platform decides: those of each branch, none for what is done on any other. Operand 0 is then [`PlatformIndex`]'s.
    pub(crate) platforms: Option<Platforms>,
}

/// For each branch the platforms on which it is taken; an empty list is taken on all others.
pub(crate) type Platforms = Arc<[Vec<String>]>;

impl Cond {
    fn of(&self, branches: Vec<Arc<Jaxpr>>) -> Prim {
        Prim::new(Cond { branches, platforms: self.platforms.clone() })
    }
}

/// The branch that is taken on a platform.
fn branch_on(platforms: &[Vec<String>], platform: &str) -> Result<usize> {
    let named = platforms.iter().position(|names| names.iter().any(|name| name == platform));
    named.or_else(|| platforms.iter().position(Vec::is_empty)).ok_or_else(|| {
        let all = platforms.concat().join(", ");
        let message =
            format!("there is a function for {all}, but none for the platform {platform}, and no default");
        Error::operands("platform_dependent", message)
    })
}

/// The jaxpr with zeros for the results that it lacks: `has` says which of those that `wanted` names it gives, `avals` the types of all.
fn filled(jaxpr: &Arc<Jaxpr>, has: &[bool], wanted: &[bool], avals: &[Aval]) -> Arc<Jaxpr> {
    if has == wanted {
        return jaxpr.clone();
    }
    let in_avals: Vec<Aval> = jaxpr.in_avals().cloned().collect();
    stage("branch", &in_avals, here(), |args| {
        let outs = distribute(has.iter().copied(), eval_jaxpr(jaxpr, &[], &args));
        let out = |i: usize| outs[i].clone().unwrap_or_else(|| zeros_like(&avals[i]));
        (0..wanted.len()).filter(|&i| wanted[i]).map(out).collect()
    })
    .jaxpr
}

impl Primitive for Cond {
    fn name(&self) -> &'static str {
        "cond"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.jaxprs("branches", &self.branches);
        if let Some(platforms) = &self.platforms {
            let names =
                |names: &Vec<String>| names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>();
            let each = platforms.iter().map(|branch| match &names(branch)[..] {
                [] => "None".to_owned(),
                names => python_tuple(names),
            });
            params.tuple("branches_platforms", each);
        }
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let [index, operands @ ..] = args else {
            return Err(Error::operands("cond", "expected an index, got no operand".to_owned()));
        };
        if index.rank() != 0 || index.dtype != DType::I32 {
            return Err(Error::operands("cond", format!("the index must be i32[], got {index}")));
        }
        for branch in &self.branches {
            check_operands("cond", "operands", branch.in_avals(), operands.iter().copied())?;
        }
        let outs: Avals = self.branches[0].out_avals().cloned().collect();
        // A result is weakly typed only if every branch says so.
        let weak = |i: usize| self.branches.iter().all(|b| b.out_avals().nth(i).is_some_and(|a| a.weak_type));
        Ok(outs
            .iter()
            .enumerate()
            .map(|(i, aval)| if weak(i) { aval.clone() } else { aval.strong() })
            .collect())
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::replicated(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        if let Some(platforms) = &self.platforms {
            // Another platform's branch may not even be something that this one can do.
            return cx.inline(&self.branches[branch_on(platforms, &cx.platform()?)?], &args[1..]);
        }
        let ordered = self.effects().is_ordered();
        if ordered {
            // All branches begin with what was before them.
            cx.order()?;
        }
        let mut blocks = Vec::with_capacity(self.branches.len());
        for branch in &self.branches {
            blocks.push(cx.block_in_order(&[], false, ordered, |cx, _| cx.inline(branch, &args[1..]))?);
        }
        let mut types: Types = outs.iter().map(|a| tensor_type(a).into()).collect();
        types.extend(ordered.then(|| tensor_type(&order_aval()).into()));
        let mut results =
            cx.builder.op_full(ops::Case.into(), &args[..1], blocks, Some(types), Default::default())?;
        if ordered {
            cx.set_order(results.pop().expect("the last of its results"));
        }
        Ok(results)
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let nonzero: Vec<bool> = tangents[1..].iter().map(Option::is_some).collect();
        let transform = |instantiate: &[bool]| -> Vec<(Arc<Jaxpr>, Arc<[bool]>)> {
            self.branches.iter().map(|b| jvp_jaxpr(&KIT, b, &nonzero, instantiate, here())).collect()
        };
        let num_outs = self.branches[0].outs.len();
        let found = transform(&[]);
        let out_nonzero = found.iter().fold(vec![false; num_outs], |all, (_, nz)| either(&all, nz));
        let branches = transform(&out_nonzero).into_iter().map(|(jaxpr, _)| jaxpr).collect();
        let args: Vec<Array> = primals.iter().chain(tangents[1..].iter().flatten()).cloned().collect();
        let mut outs = bind(self.of(branches), &args);
        let given: Vec<Array> = outs.drain(num_outs..).collect();
        (outs, distribute(out_nonzero, given).into())
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let (index, operands) = (&args[0], &args[1..]);
        if index.is_linear() {
            return Linear::No;
        }
        let linear: Vec<bool> = operands.iter().map(Operand::is_linear).collect();
        let nonzero: Vec<bool> = cts.iter().map(Option::is_some).collect();
        let transposed: Vec<_> =
            self.branches.iter().map(|b| transpose_jaxpr(&KIT, b, &linear, &nonzero, here())).collect();
        let wanted = transposed.iter().fold(vec![false; linear.len()], |all, t| either(&all, &t.nonzero));
        let avals: Vec<Aval> = operands.iter().map(|o| o.aval().strong()).collect();
        let branches = transposed.iter().map(|t| filled(&t.jaxpr, &t.nonzero, &wanted, &avals)).collect();
        let constants = operands.iter().filter(|o| !o.is_linear()).map(|o| o.known().clone());
        let all: Vec<Array> = std::iter::once(index.known().clone())
            .chain(constants)
            .chain(cts.iter().flatten().cloned())
            .collect();
        let outs = bind(self.of(branches), &all);
        let mut result: Tangents = smallvec![None];
        result.extend(distribute(wanted, outs));
        Linear::Cotangents(result)
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let num_outs = self.branches[0].outs.len();
        let transform = |forced: &[bool]| {
            let batched =
                self.branches.iter().map(|b| batch_jaxpr(&KIT, b, &dims[1..], axis, Some(forced), here()));
            batched.collect::<Vec<_>>()
        };
        let Some(index_dim) = dims[0] else {
            let found = transform(&vec![false; num_outs]);
            let mapped: Vec<bool> =
                (0..num_outs).map(|i| found.iter().any(|b| b.out_dims[i].is_some())).collect();
            let branches = transform(&mapped).into_iter().map(|b| b.jaxpr).collect();
            let outs = bind(self.of(branches), args);
            return (outs, mapped.iter().map(|m| m.then_some(0)).collect());
        };
        // The index differs along the map: every branch runs, and each element takes its own branch's result.
        debug_assert_eq!(index_dim, 0);
        let branches = transform(&vec![true; num_outs]);
        let last = self.branches.len() as i64 - 1;
        let bound = |value: i64| Array::scalar(value, DType::I32, false);
        // An index below zero is out of range as well, and takes the last branch.
        let index = {
            let negative = crate::lax::lt(&args[0], &broadcast_in_dim(&bound(0), args[0].shape(), &[]));
            let index = crate::lax::select(
                &negative,
                &broadcast_in_dim(&bound(last), args[0].shape(), &[]),
                &args[0],
            );
            clamp(&bound(0), &index, &bound(last))
        };
        let results: Vec<Vec<Array>> =
            branches.iter().map(|b| eval_jaxpr(&b.jaxpr, &[], &args[1..])).collect();
        let choose = |i: usize| {
            let cases: Vec<Array> = results.iter().map(|outs| outs[i].clone()).collect();
            select_n(&broadcast_in_dim(&index, cases[0].shape(), &[0]), &cases)
        };
        ((0..num_outs).map(choose).collect(), smallvec![Some(0); num_outs])
    }

    fn samples() -> Vec<Sample> {
        let at = |index: f64, dtype: DType| {
            let aval = Aval::new([2], dtype);
            let branch = |f: fn(&Array, &Array) -> Array| {
                stage("branch", &[aval.clone(), aval.clone()], here(), |x| vec![f(&x[0], &x[1])]).jaxpr
            };
            let branches =
                vec![branch(|x, y| mul(&sin(x), y)), branch(|x, _| cos(x)), branch(|_, y| reshape(y, &[2]))];
            let prim = Prim::new(Cond { branches, platforms: None });
            let operand = SampleArg::wide([2], dtype);
            let args = [SampleArg::values([], DType::I32, [index]), operand.clone(), operand];
            let mut sample = Sample::new(prim, args);
            sample.differentiable = true;
            sample
        };
        [0.0, 1.0, 2.0].map(|index| Sample::of(move |dtype| at(index, dtype))).into()
    }

    fn effects(&self) -> Effects {
        self.branches.iter().fold(Effects::NONE, |all, b| all | b.effects())
    }

    fn jaxprs(&self) -> SmallVec<[&Arc<Jaxpr>; 2]> {
        self.branches.iter().collect()
    }

    fn partial_eval(&self, cx: &PartialEvalCx<'_>, args: &[Array]) -> Option<Arrays> {
        if cx.is_unknown(&args[0]) {
            return None;
        }
        let unknown: Vec<bool> = args[1..].iter().map(|a| cx.is_unknown(a)).collect();
        let num_outs = self.branches[0].outs.len();
        let split = |instantiate: &[bool]| -> Vec<_> {
            self.branches.iter().map(|b| partial_eval_jaxpr(b, &unknown, instantiate, here())).collect()
        };
        let out_unknown =
            split(&[]).iter().fold(vec![false; num_outs], |all, s| either(&all, &s.out_unknown));
        let splits = split(&out_unknown);
        // Residuals of the branches share slots by type: only the branch taken fills them.
        let mut slots: Vec<Aval> = Vec::new();
        let mut slots_of: Vec<Vec<usize>> = Vec::new();
        let num_known = num_outs - out_unknown.iter().filter(|u| **u).count();
        for split in &splits {
            let mut mine: Vec<usize> = Vec::new();
            for aval in split.known.out_avals().skip(num_known) {
                let free = (0..slots.len()).find(|i| !mine.contains(i) && slots[*i].same_type(aval));
                mine.push(free.unwrap_or_else(|| {
                    slots.push(aval.strong());
                    slots.len() - 1
                }));
            }
            slots_of.push(mine);
        }
        let known_branch = |(split, mine): (&crate::transform::SplitJaxpr, &Vec<usize>)| {
            let avals: Vec<Aval> = split.known.in_avals().cloned().collect();
            stage("branch", &avals, here(), |args| {
                let mut outs = eval_jaxpr(&split.known, &[], &args);
                let residuals = outs.split_off(num_known);
                outs.extend((0..slots.len()).map(|slot| match mine.iter().position(|m| *m == slot) {
                    Some(i) => residuals[i].clone(),
                    None => zeros_like(&slots[slot]),
                }));
                outs
            })
            .jaxpr
        };
        let unknown_branch = |(split, mine): (&crate::transform::SplitJaxpr, &Vec<usize>)| {
            let params: Vec<Aval> = split.unknown.in_avals().skip(mine.len()).cloned().collect();
            let avals: Vec<Aval> = slots.iter().cloned().chain(params).collect();
            stage("branch", &avals, here(), |args| {
                let (slots, params) = args.split_at(slots.len());
                let all: Vec<Array> =
                    mine.iter().map(|&slot| slots[slot].clone()).chain(params.iter().cloned()).collect();
                eval_jaxpr(&split.unknown, &[], &all)
            })
            .jaxpr
        };
        let (known, later): (Vec<_>, Vec<_>) = (
            splits.iter().zip(&slots_of).map(known_branch).collect(),
            splits.iter().zip(&slots_of).map(unknown_branch).collect(),
        );
        let index = args[0].clone();
        let known_args: Vec<Array> =
            std::iter::once(index.clone()).chain(pick(&args[1..], &negate(&unknown))).collect();
        let mut known = bind(self.of(known), &known_args);
        let residuals: Vec<Array> = known.drain(num_known..).collect();
        let later_args: Vec<Array> =
            std::iter::once(index).chain(residuals).chain(pick(&args[1..], &unknown)).collect();
        let later =
            if out_unknown.contains(&true) { cx.record(self.of(later), &later_args) } else { smallvec![] };
        Some(interleave(&out_unknown, known, later).into())
    }

    fn dead_code(&self, used: &[bool]) -> Option<(Prim, Vec<bool>)> {
        let num_operands = self.branches[0].invars.len();
        let live = self
            .branches
            .iter()
            .fold(vec![false; num_operands], |all, b| either(&all, &dce_jaxpr(b, used, false).1.invars));
        let smaller = |b: &Arc<Jaxpr>| {
            let (jaxpr, _) = dce_jaxpr(b, used, true);
            let params: Vec<usize> = (0..num_operands).filter(|&i| live[i]).collect();
            super::reordered(&jaxpr, &params, &(0..jaxpr.outs.len()).collect::<Vec<_>>())
        };
        let branches = self.branches.iter().map(smaller).collect();
        Some((self.of(branches), std::iter::once(true).chain(live).collect()))
    }
}

/// `platform_index`: which branch is taken on the platform for which the module is written.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct PlatformIndex {
    pub(crate) platforms: Platforms,
}

impl Primitive for PlatformIndex {
    fn name(&self) -> &'static str {
        "platform_index"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.tuple("platforms", self.platforms.iter().map(|branch| format!("{branch:?}")));
    }

    fn abstract_eval(&self, _: &[&Aval]) -> Result<Avals> {
        Ok(smallvec![Aval::scalar(DType::I32, false)])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::replicated(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, _: &[Value], outs: &[Aval]) -> Result<Values> {
        let index = branch_on(&self.platforms, &cx.platform()?)?;
        Ok(smallvec![cx.constant(index as i64, &outs[0])?])
    }

    fn jvp(&self, primals: &[Array], _: &[Option<Array>]) -> (Arrays, Tangents) {
        crate::lax::rules::zero_jvp(Prim::new(self.clone()), primals)
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    fn batch(&self, args: &[Array], _: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        (bind(Prim::new(self.clone()), args), smallvec![None])
    }

    fn samples() -> Vec<Sample> {
        let platforms: Platforms = [vec!["tpu".to_owned()], vec!["cpu".to_owned()], vec![]].into();
        vec![Sample::new(Prim::new(PlatformIndex { platforms }), []).not_differentiable()]
    }
}
