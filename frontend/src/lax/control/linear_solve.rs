//! custom_linear_solve: the solution of a linear system by a function of the caller's, with the derivative that the system implies.
//!
//! `x` with `A x = b` has the tangent `A⁻¹ (∂b − ∂A x)` and the transpose `A⁻ᵀ`, whatever `solve` does inside; so `solve` itself is never
//! differentiated. What `solve` gives beside the solution has no derivative.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::{check_operands, here};
use crate::error::{Error, Result};
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Effects, Jaxpr, Linear, LowerCx, Operand, Params,
    Prim, Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values,
};
use crate::lax::rules::{at_front, instantiate};
use crate::lax::{KIT, add_any, div, mul, neg};
use crate::trace::{bind, eval_jaxpr, stage};
use crate::transform::{batch_jaxpr, jvp_jaxpr};

/// One of the functions: its captures are its leading parameters.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Part {
    /// The function.
    pub(crate) jaxpr: Arc<Jaxpr>,
    /// How many captures it has.
    pub(crate) num_consts: usize,
}

/// `linear_solve`: operands are the captures of `matvec`, of `vecmat`, of `solve` and of `transpose_solve`, then `b`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct LinearSolve {
    /// `x → A x`.
    pub(crate) matvec: Part,
    /// `b → x`, and more beside it.
    pub(crate) solve: Part,
    /// `x → Aᵀ x`, and the function that solves with it.
    pub(crate) transposed: Option<(Part, Part)>,
}

impl LinearSolve {
    fn parts(&self) -> [Option<&Part>; 4] {
        let (vecmat, transpose_solve) = self.transposed.as_ref().map(|(a, b)| (a, b)).unzip();
        [Some(&self.matvec), vecmat, Some(&self.solve), transpose_solve]
    }

    /// The operands of each part, then `b`.
    fn split<'a, T>(&self, args: &'a [T]) -> ([&'a [T]; 4], &'a [T]) {
        let mut rest = args;
        let consts = self.parts().map(|part| {
            let (own, others) = rest.split_at(part.map_or(0, |part| part.num_consts));
            rest = others;
            own
        });
        (consts, rest)
    }

    /// The number of arrays in `b` and in the solution.
    fn num_unknowns(&self) -> usize {
        self.matvec.jaxpr.outs.len()
    }
}

/// What solves the transposed system: the primitive, and its operands before the right side.
fn transposed(prim: &LinearSolve, consts: [&[Array]; 4]) -> Option<(Prim, Vec<Array>)> {
    let (vecmat, transpose_solve) = prim.transposed.clone()?;
    let [a, at, solve, solve_t] = consts;
    let swapped = LinearSolve {
        matvec: vecmat,
        solve: transpose_solve,
        transposed: Some((prim.matvec.clone(), prim.solve.clone())),
    };
    Some((Prim::new(swapped), [at, a, solve_t, solve].concat()))
}

impl Primitive for LinearSolve {
    fn name(&self) -> &'static str {
        "linear_solve"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.jaxpr("matvec", &self.matvec.jaxpr);
        params.jaxpr("solve", &self.solve.jaxpr);
        if let Some((vecmat, transpose_solve)) = &self.transposed {
            params.jaxpr("transpose_solve", &transpose_solve.jaxpr);
            params.jaxpr("vecmat", &vecmat.jaxpr);
        }
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let (consts, b) = self.split(args);
        for (part, consts) in self.parts().into_iter().zip(consts) {
            let Some(part) = part else { continue };
            let found = [consts, b].concat();
            check_operands("linear_solve", "operands", part.jaxpr.in_avals(), found.iter().copied())?;
        }
        Ok(self.solve.jaxpr.out_avals().map(Aval::strong).collect())
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::replicated(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], _: &[Aval]) -> Result<Values> {
        let (consts, b) = self.split(args);
        cx.inline(&self.solve.jaxpr, &[consts[2], b].concat())
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let prim = Prim::new(self.clone());
        let outs = bind(prim.clone(), primals);
        let (consts, _) = self.split(primals);
        let (dots, b_dot) = self.split(tangents);
        let n = self.num_unknowns();
        let mut right = b_dot.to_vec();
        if dots[0].iter().any(Option::is_some) {
            let nonzero: Vec<bool> =
                dots[0].iter().map(Option::is_some).chain(std::iter::repeat_n(false, n)).collect();
            let (jaxpr, out_nonzero) = jvp_jaxpr(&KIT, &self.matvec.jaxpr, &nonzero, &[], here());
            let args: Vec<Array> =
                consts[0].iter().chain(&outs[..n]).chain(dots[0].iter().flatten()).cloned().collect();
            let mut moved = eval_jaxpr(&jaxpr, &[], &args).split_off(n).into_iter();
            for (right, _) in right.iter_mut().zip(out_nonzero.iter()).filter(|(_, nz)| **nz) {
                let moved = neg(&moved.next().expect("one tangent each"));
                *right = Some(right.as_ref().map_or_else(|| moved.clone(), |b| add_any(b, &moved)));
            }
        }
        let mut out_tangents: Tangents = smallvec![None; outs.len()];
        if right.iter().any(Option::is_some) {
            let right = right.iter().zip(&outs).map(|(t, x)| instantiate(t, &x.aval().strong()));
            let args: Vec<Array> = primals[..primals.len() - n].iter().cloned().chain(right).collect();
            let solved = bind(prim, &args).into_iter().take(n);
            out_tangents.iter_mut().zip(solved).for_each(|(t, x)| *t = Some(x));
        }
        (outs, out_tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let (consts, b) = self.split(args);
        if consts.iter().any(|part| part.iter().any(Operand::is_linear)) {
            return Linear::No;
        }
        let known = consts.map(|part| part.iter().map(|arg| arg.known().clone()).collect::<Vec<_>>());
        let Some((prim, mut operands)) = transposed(self, [0, 1, 2, 3].map(|i| &known[i][..])) else {
            let message = "reverse mode needs `transpose_solve`, or `symmetric`";
            Error::operands("custom_linear_solve", message).at(here()).raise()
        };
        operands.extend(cts.iter().zip(b).map(|(ct, b)| instantiate(ct, &b.aval().strong())));
        let mut result: Tangents = smallvec![None; args.len() - b.len()];
        result.extend(bind(prim, &operands).into_iter().take(b.len()).map(Some));
        Linear::Cotangents(result)
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let (_, b) = self.split(args);
        let (const_dims, b_dims) = self.split(dims);
        let batched = |part: &Part, dims: &[Option<usize>]| {
            let dims: Vec<Option<usize>> = dims.iter().copied().chain(b.iter().map(|_| Some(0))).collect();
            let front = vec![true; part.jaxpr.outs.len()];
            let jaxpr = batch_jaxpr(&KIT, &part.jaxpr, &dims, axis, Some(&front), here()).jaxpr;
            Part { jaxpr, num_consts: part.num_consts }
        };
        let prim = LinearSolve {
            matvec: batched(&self.matvec, const_dims[0]),
            solve: batched(&self.solve, const_dims[2]),
            transposed: self.transposed.as_ref().map(|(vecmat, transpose_solve)| {
                (batched(vecmat, const_dims[1]), batched(transpose_solve, const_dims[3]))
            }),
        };
        let consts = args[..args.len() - b.len()].iter().cloned();
        let b = b.iter().zip(b_dims).map(|(b, &dim)| at_front(b, dim, axis.size));
        let outs = bind(Prim::new(prim), &consts.chain(b).collect::<Vec<_>>());
        let dims = smallvec![Some(0); outs.len()];
        (outs, dims)
    }

    fn samples() -> Vec<Sample> {
        let vector = Aval::new([3], DType::F32);
        let part = |f: fn(&Array, &Array) -> Array| Part {
            jaxpr: stage("part", &[vector.clone(), vector.clone()], here(), |x| vec![f(&x[0], &x[1])]).jaxpr,
            num_consts: 1,
        };
        let (scale, unscale) = (part(mul), part(|d, b| div(b, d)));
        let prim =
            LinearSolve { matvec: scale.clone(), solve: unscale.clone(), transposed: Some((scale, unscale)) };
        // The four functions capture the one diagonal; only a derivative in all of them is the function's, so that laws take `b` alone.
        let diagonal = || SampleArg::values([3], DType::F32, [1.5, -2.0, 3.0]);
        let args = [diagonal(), diagonal(), diagonal(), diagonal(), SampleArg::f32([3])];
        vec![Sample::new(Prim::new(prim), args).not_differentiable()]
    }

    fn effects(&self) -> Effects {
        self.solve.jaxpr.effects()
    }

    fn jaxprs(&self) -> SmallVec<[&Arc<Jaxpr>; 2]> {
        self.parts().into_iter().flatten().map(|part| &part.jaxpr).collect()
    }
}
