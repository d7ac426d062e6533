//! The call of a nested jitted function.
//!
//! A [`Jit`] holds a jaxpr without captures: what the function captured are its leading operands. Its rules are the
//! jaxpr-to-jaxpr transformations; it lowers to a private function and a call.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::{KIT, mul, sin};
use crate::error::{Error, Result};
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, Effects, Jaxpr, Linear, LowerCx, Operand, Params,
    PartialEvalCx, Prim, Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values,
};
use crate::trace::{bind, here, stage};
use crate::transform::{batch_jaxpr, dce_jaxpr, jvp_jaxpr, partial_eval_jaxpr, pick, transpose_jaxpr};

/// The application of a jitted function inside of a traced one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Jit {
    /// The function's name.
    pub name: Arc<str>,
    /// What it does.
    pub jaxpr: Arc<Jaxpr>,
    /// Whether the lowering writes the body in place of the call.
    pub inline: bool,
    /// Whether unused parameters stay.
    pub keep_unused: bool,
}

impl Jit {
    /// The same call of another jaxpr.
    fn of(&self, jaxpr: Arc<Jaxpr>) -> Prim {
        Prim::new(Jit { jaxpr, ..self.clone() })
    }
}

impl Primitive for Jit {
    fn name(&self) -> &'static str {
        "jit"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.keep_order();
        params.share_names();
        params.show("name", &self.name);
        params.jaxpr("jaxpr", &self.jaxpr);
        if self.keep_unused {
            params.flag("keep_unused", true);
        }
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let fits = args.len() == self.jaxpr.invars.len()
            && self.jaxpr.in_avals().zip(args).all(|(expected, found)| expected.same_type(found));
        if !fits {
            let expected: Vec<&Aval> = self.jaxpr.in_avals().collect();
            let message = format!("`{}` takes {expected:?}, got {args:?}", self.name);
            return Err(Error::operands("jit", message));
        }
        Ok(self.jaxpr.out_avals().cloned().collect())
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::replicated(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], _: &[Aval]) -> Result<Values> {
        if self.inline { cx.inline(&self.jaxpr, args) } else { cx.call(&self.name, &self.jaxpr, args) }
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let nonzero: SmallVec<[bool; 8]> = tangents.iter().map(Option::is_some).collect();
        let (jaxpr, out_nonzero) = jvp_jaxpr(&KIT, &self.jaxpr, &nonzero, &[], here());
        let args: Vec<Array> = primals.iter().chain(tangents.iter().flatten()).cloned().collect();
        let mut outs = bind(self.of(jaxpr), &args);
        let mut given = outs.drain(self.jaxpr.outs.len()..).collect::<Vec<_>>().into_iter();
        let tangents = out_nonzero.iter().map(|nz| if *nz { given.next() } else { None }).collect();
        (outs, tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let linear: Vec<bool> = args.iter().map(Operand::is_linear).collect();
        let nonzero: Vec<bool> = cts.iter().map(Option::is_some).collect();
        let transposed = transpose_jaxpr(&KIT, &self.jaxpr, &linear, &nonzero, here());
        let constants = args.iter().filter(|a| !a.is_linear()).map(|a| a.known().clone());
        let operands: Vec<Array> = constants.chain(cts.iter().flatten().cloned()).collect();
        let mut outs = bind(self.of(transposed.jaxpr), &operands).into_iter();
        Linear::Cotangents(transposed.nonzero.iter().map(|nz| if *nz { outs.next() } else { None }).collect())
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let batched = batch_jaxpr(&KIT, &self.jaxpr, dims, axis, None, here());
        (bind(self.of(batched.jaxpr), args), batched.out_dims.iter().copied().collect())
    }

    fn samples() -> Vec<Sample> {
        vec![Sample::of(|dtype| {
            let aval = Aval::new([2, 3], dtype);
            let closed =
                stage("f", &[aval.clone(), aval], here(), |x| vec![mul(&sin(&x[0]), &x[1]), x[0].clone()]);
            let prim = Jit { name: "f".into(), jaxpr: closed.jaxpr, inline: false, keep_unused: false };
            Sample::new(Prim::new(prim), [SampleArg::wide([2, 3], dtype), SampleArg::wide([2, 3], dtype)])
        })]
    }

    fn effects(&self) -> Effects {
        self.jaxpr.effects()
    }

    fn jaxprs(&self) -> SmallVec<[&Arc<Jaxpr>; 2]> {
        smallvec![&self.jaxpr]
    }

    fn partial_eval(&self, cx: &PartialEvalCx<'_>, args: &[Array]) -> Option<Arrays> {
        let unknown: Vec<bool> = args.iter().map(|a| cx.is_unknown(a)).collect();
        if !unknown.contains(&false) {
            return None;
        }
        let split = partial_eval_jaxpr(&self.jaxpr, &unknown, &[], here());
        let known_args: Vec<Array> = args.iter().filter(|a| !cx.is_unknown(a)).cloned().collect();
        let mut known = bind(self.of(split.known), &known_args);
        let mut operands: Vec<Array> = known.drain(known.len() - split.num_residuals..).collect();
        operands.extend(pick(args, &unknown));
        let later = if split.out_unknown.contains(&true) {
            cx.record(self.of(split.unknown), &operands)
        } else {
            smallvec![]
        };
        let (mut known, mut later) = (known.into_iter(), later.into_iter());
        let next = |unknown: &bool| if *unknown { later.next() } else { known.next() };
        Some(split.out_unknown.iter().map(next).map(|out| out.expect("one result each")).collect())
    }

    fn dead_code(&self, used: &[bool]) -> Option<(Prim, Vec<bool>)> {
        let (jaxpr, live) = dce_jaxpr(&self.jaxpr, used, false);
        Some((self.of(Arc::new(jaxpr)), live.invars))
    }
}
