//! while: a body run as long as a condition holds.
//!
//! Forward mode goes through; reverse mode does not, because the number of steps, and so the memory, is unknown.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::{check_operands, distribute, either, here, interleave, loop_in_order, reordered, with_unused};
use crate::error::{Error, Result};
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Effects, Jaxpr, Linear, LowerCx, Operand, Params,
    PartialEvalCx, Prim, Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values,
};
use crate::lax::rules::at_front;
use crate::lax::{KIT, add, broadcast_in_dim, lt, mul, reduce_or, select, zeros_like};
use crate::trace::{bind, eval_jaxpr, stage};
use crate::transform::{batch_jaxpr, dce_jaxpr, jvp_jaxpr, negate, partial_eval_jaxpr, pick};

/// `while`: operands are the condition's constants, the body's constants, and the initial carry.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct While {
    /// How many operands are the condition's constants.
    pub(crate) cond_nconsts: usize,
    /// How many operands are the body's constants.
    pub(crate) body_nconsts: usize,
    /// Takes its constants and the carry, gives a boolean.
    pub(crate) cond_jaxpr: Arc<Jaxpr>,
    /// Takes its constants and the carry, gives the next carry.
    pub(crate) body_jaxpr: Arc<Jaxpr>,
}

impl While {
    /// The operands' three parts.
    fn split<'a, T>(&self, args: &'a [T]) -> (&'a [T], &'a [T], &'a [T]) {
        let (cond_consts, rest) = args.split_at(self.cond_nconsts);
        let (body_consts, init) = rest.split_at(self.body_nconsts);
        (cond_consts, body_consts, init)
    }

    /// Which parts of the carry depend on flagged operands, given how flags pass through one step.
    fn fixpoint(init: Vec<bool>, step: impl Fn(&[bool]) -> Vec<bool>) -> Vec<bool> {
        let mut carry = init;
        loop {
            let next = either(&carry, &step(&carry));
            if next == carry {
                return carry;
            }
            carry = next;
        }
    }
}

impl Primitive for While {
    fn name(&self) -> &'static str {
        "while"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.jaxpr("body_jaxpr", &self.body_jaxpr);
        params.show("body_nconsts", self.body_nconsts);
        params.jaxpr("cond_jaxpr", &self.cond_jaxpr);
        params.show("cond_nconsts", self.cond_nconsts);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let (cond_consts, body_consts, init) = self.split(args);
        let with =
            |consts: &[&Aval]| -> Vec<Aval> { consts.iter().chain(init).map(|a| (*a).clone()).collect() };
        let (for_cond, for_body) = (with(cond_consts), with(body_consts));
        check_operands(
            "while_loop",
            "operands of the condition",
            self.cond_jaxpr.in_avals(),
            for_cond.iter(),
        )?;
        check_operands("while_loop", "operands of the body", self.body_jaxpr.in_avals(), for_body.iter())?;
        let carry = for_body[self.body_nconsts..].iter();
        check_operands("while_loop", "the body's results", carry, self.body_jaxpr.out_avals())?;
        let mut pred = self.cond_jaxpr.out_avals();
        match (pred.next(), pred.next()) {
            (Some(pred), None) if pred.rank() == 0 && pred.dtype == DType::I1 => {}
            _ => {
                let found: Vec<String> = self.cond_jaxpr.out_avals().map(Aval::to_string).collect();
                let message = format!("the condition must give one bool[], got ({})", found.join(", "));
                return Err(Error::operands("while_loop", message));
            }
        }
        Ok(self.body_jaxpr.out_avals().cloned().collect())
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::replicated(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let (cond_consts, body_consts, init) = self.split(args);
        let inline = |cx: &mut LowerCx<'_>, jaxpr: &Jaxpr, consts: &[Value], carry: &[Value]| {
            let all: Values = consts.iter().chain(carry).copied().collect();
            cx.inline(jaxpr, &all)
        };
        let ordered = self.effects().is_ordered();
        let cond = cx.block_in_order(outs, ordered, false, |cx, carry| {
            inline(cx, &self.cond_jaxpr, cond_consts, carry)
        })?;
        let body = cx.block_in_order(outs, ordered, ordered, |cx, carry| {
            inline(cx, &self.body_jaxpr, body_consts, carry)
        })?;
        loop_in_order(cx, ordered, init, outs, vec![cond, body])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let (cond_consts, body_consts, init) = self.split(primals);
        let (_, body_dots, init_dots) = self.split(tangents);
        let flags = |tangents: &[Option<Array>]| tangents.iter().map(Option::is_some).collect::<Vec<bool>>();
        let consts_nz = flags(body_dots);
        let transform = |carry: &[bool]| {
            let nonzero: Vec<bool> = consts_nz.iter().chain(carry).copied().collect();
            jvp_jaxpr(&KIT, &self.body_jaxpr, &nonzero, carry, here())
        };
        let carry_nz = While::fixpoint(flags(init_dots), |carry| transform(carry).1.to_vec());
        let (body, _) = transform(&carry_nz);
        // From (consts, carry, const tangents, carry tangents) to (consts, const tangents, carry, carry tangents).
        let (nc, n) = (body_consts.len(), init.len());
        let (ndc, ndn) = (consts_nz.iter().filter(|f| **f).count(), carry_nz.iter().filter(|f| **f).count());
        let order: Vec<usize> = (0..nc)
            .chain(nc + n..nc + n + ndc)
            .chain(nc..nc + n)
            .chain(nc + n + ndc..nc + n + ndc + ndn)
            .collect();
        let body_jaxpr = reordered(&body, &order, &(0..n + ndn).collect::<Vec<_>>());
        let params: Vec<Option<usize>> =
            (0..cond_consts.len() + n).map(Some).chain(std::iter::repeat_n(None, ndn)).collect();
        let unused = pick(init, &carry_nz).into_iter().map(|x| x.aval().strong());
        let cond_jaxpr = with_unused(&self.cond_jaxpr, &params, unused);
        let prim = While { cond_nconsts: cond_consts.len(), body_nconsts: nc + ndc, cond_jaxpr, body_jaxpr };
        let dots = init.iter().zip(init_dots).zip(&carry_nz).filter(|(_, nz)| **nz);
        let dots = dots.map(|((x, dot), _)| dot.clone().unwrap_or_else(|| zeros_like(&x.aval().strong())));
        let args: Vec<Array> = cond_consts
            .iter()
            .chain(body_consts)
            .chain(body_dots.iter().flatten())
            .chain(init)
            .cloned()
            .chain(dots)
            .collect();
        let mut outs = bind(Prim::new(prim), &args);
        let given: Vec<Array> = outs.drain(n..).collect();
        (outs, distribute(carry_nz, given).into())
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Error::unsupported(
            "reverse-mode differentiation does not work for while_loop, or for fori_loop with bounds known only when \
             the program runs: the number of steps, and so the memory for what they computed, is unknown; use scan, or \
             fori_loop with host integers as bounds",
        )
        .at(here())
        .raise()
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let (cond_consts, body_consts, init) = self.split(args);
        let (cond_dims, body_dims, init_dims) = self.split(dims);
        let dims_of = |flags: &[bool]| flags.iter().map(|f| f.then_some(0)).collect::<Vec<Option<usize>>>();
        let n = init.len();
        let step = |carry: &[bool], forced: &[bool]| {
            let dims: Vec<Option<usize>> = body_dims.iter().copied().chain(dims_of(carry)).collect();
            batch_jaxpr(&KIT, &self.body_jaxpr, &dims, axis, Some(forced), here())
        };
        let test = |carry: &[bool]| {
            let dims: Vec<Option<usize>> = cond_dims.iter().copied().chain(dims_of(carry)).collect();
            batch_jaxpr(&KIT, &self.cond_jaxpr, &dims, axis, Some(&[false]), here())
        };
        let init_mapped: Vec<bool> = init_dims.iter().map(Option::is_some).collect();
        let mut carry = While::fixpoint(init_mapped, |carry| {
            step(carry, &vec![false; n]).out_dims.iter().map(Option::is_some).collect()
        });
        let pred_mapped = test(&carry).out_dims[0].is_some();
        if pred_mapped {
            carry = vec![true; n];
        }
        let (body, cond) = (step(&carry, &carry).jaxpr, test(&carry).jaxpr);
        let moved = init
            .iter()
            .zip(init_dims)
            .zip(&carry)
            .map(|((x, dim), mapped)| if *mapped { at_front(x, *dim, axis.size) } else { x.clone() });
        let moved: Vec<Array> = moved.collect();
        let out_dims: BatchDims = dims_of(&carry).into();
        if !pred_mapped {
            let prim = While { cond_jaxpr: cond, body_jaxpr: body, ..self.clone() };
            let all: Vec<Array> = cond_consts.iter().chain(body_consts).chain(&moved).cloned().collect();
            return (bind(Prim::new(prim), &all), out_dims);
        }
        // Every element has its own condition: the loop runs while any holds, and an element that is done keeps its carry.
        let avals = |arrays: &[Array]| arrays.iter().map(|a| a.aval().clone()).collect::<Vec<Aval>>();
        let (ncc, nbc) = (cond_consts.len(), body_consts.len());
        let cond_avals: Vec<Aval> = avals(cond_consts).into_iter().chain(avals(&moved)).collect();
        let any = stage("cond", &cond_avals, here(), |args| {
            let pred = eval_jaxpr(&cond, &[], &args).swap_remove(0);
            vec![reduce_or(&pred, &[0])]
        });
        let body_avals: Vec<Aval> = [avals(cond_consts), avals(body_consts), avals(&moved)].concat();
        let masked = stage("body", &body_avals, here(), |args| {
            let (consts, old) = args.split_at(ncc + nbc);
            let (cc, bc) = consts.split_at(ncc);
            let with = |consts: &[Array]| consts.iter().chain(old).cloned().collect::<Vec<_>>();
            let pred = eval_jaxpr(&cond, &[], &with(cc)).swap_remove(0);
            let new = eval_jaxpr(&body, &[], &with(bc));
            let keep =
                |(new, old): (&Array, &Array)| select(&broadcast_in_dim(&pred, new.shape(), &[0]), new, old);
            new.iter().zip(old).map(keep).collect()
        });
        let prim = While {
            cond_nconsts: ncc,
            body_nconsts: ncc + nbc,
            cond_jaxpr: any.jaxpr,
            body_jaxpr: masked.jaxpr,
        };
        let all: Vec<Array> =
            cond_consts.iter().chain(cond_consts).chain(body_consts).chain(&moved).cloned().collect();
        (bind(Prim::new(prim), &all), out_dims)
    }

    fn samples() -> Vec<Sample> {
        let at = |steps: f64, dtype: DType| {
            let (count, vector) = (Aval::new([], DType::I32), Aval::new([3], dtype));
            let one = Array::scalar(1, DType::I32, false);
            let cond = stage("cond", &[count.clone(), count.clone(), vector.clone()], here(), |x| {
                vec![lt(&x[1], &x[0])]
            });
            let body = stage("body", &[vector.clone(), count, vector], here(), |x| {
                vec![add(&x[1], &one), mul(&x[2], &x[0])]
            });
            let (cond_jaxpr, body_jaxpr) = (cond.jaxpr, body.jaxpr);
            let prim = While { cond_nconsts: 1, body_nconsts: 1, cond_jaxpr, body_jaxpr };
            let number = |n: f64| SampleArg::values([], DType::I32, [n]);
            let vector = || SampleArg::wide([3], dtype);
            Sample::new(Prim::new(prim), [number(steps), vector(), number(0.0), vector()])
                .not_differentiable()
        };
        [3.0, 0.0].map(|steps| Sample::of(move |dtype| at(steps, dtype))).into()
    }

    fn effects(&self) -> Effects {
        self.cond_jaxpr.effects() | self.body_jaxpr.effects()
    }

    fn jaxprs(&self) -> SmallVec<[&Arc<Jaxpr>; 2]> {
        smallvec![&self.cond_jaxpr, &self.body_jaxpr]
    }

    /// A carry stays if it is used, or the condition or a step needs it for something that stays.
    fn live_results(&self, used: &[bool]) -> Vec<bool> {
        let test = dce_jaxpr(&self.cond_jaxpr, &[true], false).1.invars;
        let needed = either(used, &test[self.cond_nconsts..]);
        While::fixpoint(needed, |carry| {
            dce_jaxpr(&self.body_jaxpr, carry, false).1.invars[self.body_nconsts..].to_vec()
        })
    }

    fn dead_code(&self, used: &[bool]) -> Option<(Prim, Vec<bool>)> {
        let part = |jaxpr: &Jaxpr, outs: &[bool], num_consts: usize| {
            let live = dce_jaxpr(jaxpr, outs, false).1.invars;
            let operands = [&live[..num_consts], used].concat();
            let (jaxpr, _) = dce_jaxpr(jaxpr, outs, true);
            let params: Vec<usize> = (0..operands.len()).filter(|&i| operands[i]).collect();
            let outs: Vec<usize> = (0..jaxpr.outs.len()).collect();
            (reordered(&jaxpr, &params, &outs), live[..num_consts].to_vec())
        };
        let (cond_jaxpr, cond_consts) = part(&self.cond_jaxpr, &[true], self.cond_nconsts);
        let (body_jaxpr, body_consts) = part(&self.body_jaxpr, used, self.body_nconsts);
        let count = |flags: &[bool]| flags.iter().filter(|f| **f).count();
        let prim = While {
            cond_nconsts: count(&cond_consts),
            body_nconsts: count(&body_consts),
            cond_jaxpr,
            body_jaxpr,
        };
        Some((Prim::new(prim), [&cond_consts, &body_consts, used].concat()))
    }

    /// The part of the carry that is known runs now, by itself; for the rest the whole loop is recorded, known part included.
    fn partial_eval(&self, cx: &PartialEvalCx<'_>, args: &[Array]) -> Option<Arrays> {
        let unknown: Vec<bool> = args.iter().map(|a| cx.is_unknown(a)).collect();
        let (cond_uk, body_uk, init_uk) = self.split(&unknown);
        let split = |carry: &[bool]| {
            let unknown: Vec<bool> = body_uk.iter().chain(carry).copied().collect();
            partial_eval_jaxpr(&self.body_jaxpr, &unknown, carry, here())
        };
        let carry = While::fixpoint(init_uk.to_vec(), |carry| split(carry).out_unknown.to_vec());
        let cond_unknown: Vec<bool> = cond_uk.iter().chain(&carry).copied().collect();
        let test = partial_eval_jaxpr(&self.cond_jaxpr, &cond_unknown, &[], here());
        if !carry.contains(&false) || test.out_unknown[0] {
            return None;
        }
        let known_carry = negate(&carry);
        let num_known = known_carry.iter().filter(|k| **k).count();
        // What the rest would need of a step is not kept.
        let body = split(&carry).known;
        let wanted: Vec<bool> = (0..body.outs.len()).map(|i| i < num_known).collect();
        let (body, _) = dce_jaxpr(&body, &wanted, true);
        let known_args = pick(args, &negate(&[cond_uk, body_uk, &carry].concat()));
        let count = |flags: &[bool]| flags.iter().filter(|f| !**f).count();
        let (test, _) =
            dce_jaxpr(&test.known, &(0..test.known.outs.len()).map(|i| i == 0).collect::<Vec<_>>(), true);
        let prim = While {
            cond_nconsts: count(cond_uk),
            body_nconsts: count(body_uk),
            cond_jaxpr: Arc::new(test),
            body_jaxpr: Arc::new(body),
        };
        let known = bind(Prim::new(prim), &known_args);
        let all = cx.record(Prim::new(self.clone()), args);
        Some(interleave(&carry, known, pick(&all, &carry)).into())
    }
}
