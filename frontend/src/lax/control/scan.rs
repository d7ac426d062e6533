//! scan: a body run a fixed number of times, carrying a value along and reading and writing one slice of arrays a step.

use std::sync::Arc;

use jacinth_lowering::ops::{elementwise as el, shape, slice};
use smallvec::{SmallVec, smallvec};

use super::{check_operands, distribute, either, here, interleave, loop_in_order, reordered};
use crate::error::{Error, Result};
use crate::ir::{
    Array, Arrays, Atom, Aval, Avals, AxisInfo, BatchDims, DType, Effects, Jaxpr, Linear, LowerCx, Operand,
    Params, PartialEvalCx, Prim, Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values,
};
use crate::lax::rules::at_front;
use crate::lax::{KIT, add, add_any, moveaxis, mul, sin, zeros_like};
use crate::trace::{bind, stage};
use crate::transform::{backward_pass, batch_jaxpr, dce_jaxpr, jvp_jaxpr, negate, partial_eval_jaxpr, pick};

/// `scan`: operands are constants, the initial carry, and the arrays of which each step reads one slice; results are the last carry
/// and the arrays of which each step writes one slice.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Scan {
    /// Takes constants, carry and slices; gives the next carry and slices.
    pub(crate) jaxpr: Arc<Jaxpr>,
    /// The number of steps.
    pub(crate) length: usize,
    /// How many operands are constants.
    pub(crate) num_consts: usize,
    /// How many operands are the carry.
    pub(crate) num_carry: usize,
    /// Whether the last slice is read and written first.
    pub(crate) reverse: bool,
    /// How many steps are written out in one turn of the loop; 0 is all.
    pub(crate) unroll: usize,
}

impl Scan {
    fn prim(&self, jaxpr: Arc<Jaxpr>, num_consts: usize, num_carry: usize) -> Prim {
        Prim::new(Scan { jaxpr, num_consts, num_carry, ..self.clone() })
    }

    /// Constants, carry and slices.
    fn split<'a, T>(&self, args: &'a [T]) -> (&'a [T], &'a [T], &'a [T]) {
        let (consts, rest) = args.split_at(self.num_consts);
        let (carry, xs) = rest.split_at(self.num_carry);
        (consts, carry, xs)
    }

    /// Which parts of the carry are flagged after any number of steps.
    fn fixpoint(&self, init: &[bool], step: impl Fn(&[bool]) -> Vec<bool>) -> Vec<bool> {
        let mut carry = init.to_vec();
        loop {
            let next = either(&carry, &step(&carry)[..self.num_carry]);
            if next == carry {
                return carry;
            }
            carry = next;
        }
    }

    fn num_ys(&self) -> usize {
        self.jaxpr.outs.len() - self.num_carry
    }

    /// The aval of all slices of a type.
    fn stacked(&self, slice: &Aval) -> Aval {
        slice.with_shape(std::iter::once(self.length).chain(slice.shape.iter().copied()))
    }
}

/// The type of one slice.
fn slice_of(aval: &Aval) -> Aval {
    aval.with_shape(aval.shape[1..].iter().copied())
}

fn count(flags: &[bool]) -> usize {
    flags.iter().filter(|f| **f).count()
}

impl Primitive for Scan {
    fn name(&self) -> &'static str {
        "scan"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.jaxpr("jaxpr", &self.jaxpr);
        params.show("length", self.length);
        params.show("num_carry", self.num_carry);
        params.show("num_consts", self.num_consts);
        params.flag("reverse", self.reverse);
        params.show("unroll", self.unroll);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let (consts, carry, xs) = self.split(args);
        if let Some(x) = xs.iter().find(|x| x.shape.first() != Some(&self.length)) {
            let message =
                format!("every array scanned over must have a leading dimension of {}, got {x}", self.length);
            return Err(Error::operands("scan", message));
        }
        let slices: Vec<Aval> = xs.iter().map(|x| slice_of(x)).collect();
        let found: Vec<&Aval> = consts.iter().chain(carry).copied().chain(&slices).collect();
        check_operands("scan", "operands", self.jaxpr.in_avals(), found.iter().copied())?;
        let outs: Vec<&Aval> = self.jaxpr.out_avals().collect();
        let (next, ys) = outs.split_at(self.num_carry);
        check_operands("scan", "the carry that the body gives", carry.iter().copied(), next.iter().copied())?;
        Ok(next.iter().map(|a| (*a).clone()).chain(ys.iter().map(|y| self.stacked(y))).collect())
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::replicated(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let (consts, init, xs) = self.split(args);
        let index_aval = Aval::scalar(DType::I32, false);
        let signed = Some(el::CompareType::Signed);
        let zero = cx.constant(0, &index_aval)?;
        let mut state: Values = smallvec![zero];
        state.extend(init.iter().copied());
        for ys in &outs[self.num_carry..] {
            let blank = cx.constant(0, &Aval::scalar(ys.dtype, false))?;
            state.push(cx.op_as(
                shape::BroadcastInDim { broadcast_dimensions: smallvec![] },
                &[blank],
                ys,
            )?);
        }
        // One step from (counter, carry, ys so far) to the next.
        let step = |cx: &mut LowerCx<'_>, state: &[Value]| -> Result<Values> {
            let counter = state[0];
            let at = if self.reverse {
                let last = cx.constant(self.length as i64 - 1, &index_aval)?;
                cx.op(el::Binary::Subtract, &[last, counter])?
            } else {
                counter
            };
            let starts = |rank: usize| {
                let mut starts: Values = smallvec![at];
                starts.resize(rank, zero);
                starts
            };
            let mut operands: Values = consts.iter().chain(&state[1..=self.num_carry]).copied().collect();
            for &x in xs {
                let ty = cx.tensor(x)?.clone();
                let mut slice_sizes = ty.shape.clone();
                slice_sizes[0] = 1;
                let operands_of_slice: Values = std::iter::once(x).chain(starts(ty.rank())).collect();
                let part = cx.op(slice::DynamicSlice { slice_sizes }, &operands_of_slice)?;
                let aval = Aval::new(ty.shape[1..].iter().map(|&d| d as usize), ty.element);
                operands.push(cx.op_as(shape::Reshape, &[part], &aval)?);
            }
            let results = cx.inline(&self.jaxpr, &operands)?;
            let (carry, slices) = results.split_at(self.num_carry);
            let one = cx.constant(1, &index_aval)?;
            let mut next: Values = smallvec![cx.op(el::Binary::Add, &[counter, one])?];
            next.extend(carry.iter().copied());
            for (&ys, &y) in state[1 + self.num_carry..].iter().zip(slices) {
                let ty = cx.tensor(y)?.clone();
                let shape = std::iter::once(1).chain(ty.shape.iter().map(|&d| d as usize));
                let row = cx.op_as(shape::Reshape, &[y], &Aval::new(shape, ty.element))?;
                let operands: Values = [ys, row].into_iter().chain(starts(ty.rank() + 1)).collect();
                next.push(cx.op(slice::DynamicUpdateSlice, &operands)?);
            }
            Ok(next)
        };
        let ordered = self.effects().is_ordered();
        let all = self.length.max(1);
        let unroll = if self.unroll == 0 { all } else { self.unroll.min(all) };
        let whole = self.length / unroll * unroll;
        if whole > unroll || (whole == unroll && unroll == 1) {
            let avals: Vec<Aval> = std::iter::once(index_aval.clone()).chain(outs.iter().cloned()).collect();
            let limit = whole as i64;
            let cond = cx.block_in_order(&avals, ordered, false, |cx, state| {
                let limit = cx.constant(limit, &index_aval)?;
                let compare = el::Compare { direction: el::Direction::Lt, compare_type: signed };
                Ok(smallvec![cx.op(compare, &[state[0], limit])?])
            })?;
            let body = cx.block_in_order(&avals, ordered, ordered, |cx, state| {
                (0..unroll).try_fold(Values::from_slice(state), |state, _| step(cx, &state))
            })?;
            state = loop_in_order(cx, ordered, &state, &avals, vec![cond, body])?;
        } else {
            state = (0..whole).try_fold(state, |state, _| step(cx, &state))?;
        }
        // What the turns of the loop leave over.
        state = (whole..self.length).try_fold(state, |state, _| step(cx, &state))?;
        Ok(state[1..].into())
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let (consts, init, xs) = self.split(primals);
        let (const_dots, init_dots, x_dots) = self.split(tangents);
        let flags = |tangents: &[Option<Array>]| tangents.iter().map(Option::is_some).collect::<Vec<bool>>();
        let (const_nz, x_nz) = (flags(const_dots), flags(x_dots));
        let transform = |carry: &[bool]| {
            let nonzero = [&const_nz[..], carry, &x_nz].concat();
            let instantiate = [carry, &vec![false; self.num_ys()]].concat();
            jvp_jaxpr(&KIT, &self.jaxpr, &nonzero, &instantiate, here())
        };
        let carry_nz = self.fixpoint(&flags(init_dots), |carry| transform(carry).1.to_vec());
        let (jaxpr, out_nz) = transform(&carry_nz);
        // Primal and tangent parts, which stand behind each other, are interleaved by kind.
        let (nc, n, nx, ny) = (consts.len(), init.len(), xs.len(), self.num_ys());
        let (ndc, ndn, ndx) = (count(&const_nz), count(&carry_nz), count(&x_nz));
        let ndy = count(&out_nz[n..]);
        let p = nc + n + nx;
        let params: Vec<usize> = (0..nc)
            .chain(p..p + ndc)
            .chain(nc..nc + n)
            .chain(p + ndc..p + ndc + ndn)
            .chain(nc + n..p)
            .chain(p + ndc + ndn..p + ndc + ndn + ndx)
            .collect();
        let o = n + ny;
        let outs: Vec<usize> = (0..n).chain(o..o + ndn).chain(n..o).chain(o + ndn..o + ndn + ndy).collect();
        let prim = self.prim(reordered(&jaxpr, &params, &outs), nc + ndc, n + ndn);
        let dots = init.iter().zip(init_dots).zip(&carry_nz).filter(|(_, nz)| **nz);
        let dots = dots.map(|((x, dot), _)| dot.clone().unwrap_or_else(|| zeros_like(&x.aval().strong())));
        let args: Vec<Array> = consts
            .iter()
            .chain(const_dots.iter().flatten())
            .chain(init)
            .cloned()
            .chain(dots)
            .chain(xs.iter().chain(x_dots.iter().flatten()).cloned())
            .collect();
        let results = bind(prim, &args);
        let (carry, rest) = results.split_at(n);
        let (carry_dots, rest) = rest.split_at(ndn);
        let (ys, y_dots) = rest.split_at(ny);
        let outs: Arrays = carry.iter().chain(ys).cloned().collect();
        (outs, distribute(out_nz.iter().copied(), carry_dots.iter().chain(y_dots).cloned()).into())
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let (consts, init, xs) = self.split(args);
        // An initial value that is known in a linear loop is the zero from which a tangent starts; it takes no cotangent. Counters
        // and the like are none.
        let smooth = |aval: &Aval| aval.dtype.is_float() || aval.dtype.is_complex();
        let init_avals = self.jaxpr.in_avals().skip(self.num_consts);
        if init.iter().zip(init_avals).any(|(o, aval)| !o.is_linear() && !smooth(aval)) {
            return Linear::No;
        }
        let linear: Vec<bool> = args.iter().map(Operand::is_linear).collect();
        let (const_linear, _, x_linear) = self.split(&linear);
        let (carry_cts, ys_cts) = cts.split_at(self.num_carry);
        let ys_nz: Vec<bool> = ys_cts.iter().map(Option::is_some).collect();
        let avals_in: Vec<Aval> = self.jaxpr.in_avals().cloned().collect();
        let (const_avals, carry_avals, x_avals) = self.split(&avals_in);
        let strong = |avals: &[Aval], flags: &[bool]| -> Vec<Aval> {
            avals.iter().zip(flags).filter(|(_, f)| **f).map(|(a, _)| a.strong()).collect()
        };
        let plain = |avals: &[Aval], flags: &[bool]| -> Vec<Aval> { pick(avals, &negate(flags)) };
        let (ct_consts, ct_carry) =
            (strong(const_avals, const_linear), strong(carry_avals, &vec![true; init.len()]));
        let y_avals: Vec<Aval> = self.jaxpr.out_avals().skip(self.num_carry).cloned().collect();
        // From (constants, cotangents of constants so far, cotangent of the carry, cotangents of ys, known slices) to
        // (cotangents of constants so far, cotangent of the carry, cotangents of slices).
        let parts = [
            plain(const_avals, const_linear),
            ct_consts.clone(),
            ct_carry.clone(),
            strong(&y_avals, &ys_nz),
            plain(x_avals, x_linear),
        ];
        let step = stage("transpose", &parts.concat(), here(), |args| {
            let mut args = args.into_iter();
            let mut take = |n: usize| args.by_ref().take(n).collect::<Vec<Array>>();
            let [known_consts, sums, carry, ys, known_xs] = parts.each_ref().map(|part| take(part.len()));
            let values: Vec<Option<Array>> = distribute(negate(const_linear), known_consts)
                .into_iter()
                .chain(std::iter::repeat_n(None, self.num_carry))
                .chain(distribute(negate(x_linear), known_xs))
                .collect();
            let cts: Vec<Option<Array>> =
                carry.into_iter().map(Some).chain(distribute(ys_nz.iter().copied(), ys)).collect();
            let found = backward_pass(&KIT, &self.jaxpr, &[], &values, &cts);
            let (of_consts, of_carry, of_xs) = self.split(&found);
            let mut sums = sums.into_iter();
            let sums = of_consts.iter().zip(const_linear).filter(|(_, l)| **l).map(|(ct, _)| {
                let sum = sums.next().expect("one sum per linear constant");
                ct.as_ref().map_or(sum.clone(), |ct| add_any(&sum, ct))
            });
            let or_zero = |(ct, aval): (&Option<Array>, &Aval)| {
                ct.clone().unwrap_or_else(|| zeros_like(&aval.strong()))
            };
            let sums: Vec<Array> = sums.collect();
            let slices =
                of_xs.iter().zip(x_avals).zip(x_linear).filter(|(_, l)| **l).map(|(pair, _)| or_zero(pair));
            sums.into_iter().chain(of_carry.iter().zip(carry_avals).map(or_zero)).chain(slices).collect()
        });
        debug_assert!(step.consts.is_empty(), "a nested jaxpr captures nothing");
        let known = |operands: &[Operand], linear: &[bool]| -> Vec<Array> {
            operands.iter().zip(linear).filter(|(_, l)| !**l).map(|(o, _)| o.known().clone()).collect()
        };
        let carry =
            carry_cts.iter().zip(&ct_carry).map(|(ct, aval)| ct.clone().unwrap_or_else(|| zeros_like(aval)));
        let operands: Vec<Array> = known(consts, const_linear)
            .into_iter()
            .chain(ct_consts.iter().map(|aval| zeros_like(aval)))
            .chain(carry)
            .chain(ys_cts.iter().flatten().cloned())
            .chain(known(xs, x_linear))
            .collect();
        let prim = Scan {
            jaxpr: step.jaxpr,
            num_consts: parts[0].len(),
            num_carry: ct_consts.len() + ct_carry.len(),
            reverse: !self.reverse,
            ..self.clone()
        };
        let carried = self.num_consts..self.num_consts + init.len();
        let all: Vec<bool> = linear.iter().enumerate().map(|(i, &l)| l || carried.contains(&i)).collect();
        let cts = distribute(all, bind(Prim::new(prim), &operands));
        Linear::Cotangents(cts.into_iter().zip(linear).map(|(ct, l)| ct.filter(|_| l)).collect())
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let (consts, init, xs) = self.split(args);
        let (const_dims, init_dims, x_dims) = self.split(dims);
        let as_dims = |flags: &[bool]| flags.iter().map(|f| f.then_some(0)).collect::<Vec<Option<usize>>>();
        let mapped = |dims: &[Option<usize>]| dims.iter().map(Option::is_some).collect::<Vec<bool>>();
        let transform = |carry: &[bool]| {
            // Slices of arrays mapped over dimension 1 are mapped over dimension 0.
            let dims = [const_dims, &as_dims(carry), &as_dims(&mapped(x_dims))].concat();
            let forced = [carry, &vec![false; self.num_ys()]].concat();
            batch_jaxpr(&KIT, &self.jaxpr, &dims, axis, Some(&forced), here())
        };
        let carry = self.fixpoint(&mapped(init_dims), |carry| mapped(&transform(carry).out_dims));
        let batched = transform(&carry);
        let init = init
            .iter()
            .zip(init_dims)
            .zip(&carry)
            .map(|((x, dim), mapped)| if *mapped { at_front(x, *dim, axis.size) } else { x.clone() });
        let xs = xs.iter().zip(x_dims).map(|(x, dim)| dim.map_or_else(|| x.clone(), |d| moveaxis(x, d, 1)));
        let args: Vec<Array> = consts.iter().cloned().chain(init).chain(xs).collect();
        let outs = bind(self.prim(batched.jaxpr, self.num_consts, self.num_carry), &args);
        let stacked = batched.out_dims[self.num_carry..].iter().map(|dim| dim.map(|d| d + 1));
        (outs, as_dims(&carry).into_iter().chain(stacked).collect())
    }

    fn samples() -> Vec<Sample> {
        let of = |length: usize, reverse: bool, unroll: usize, dtype: DType| {
            let vector = Aval::new([2], dtype);
            let body = stage("body", &[vector.clone(), vector.clone(), vector], here(), |x| {
                let next = mul(&sin(&x[1]), &x[0]);
                vec![add(&next, &x[2]), mul(&next, &x[2])]
            });
            let prim = Scan { jaxpr: body.jaxpr, length, num_consts: 1, num_carry: 1, reverse, unroll };
            // Sines of complex numbers grow quickly.
            let arg = |shape: &[usize]| SampleArg::range(shape.iter().copied(), dtype, -1.0, 1.0);
            Sample::new(Prim::new(prim), [arg(&[2]), arg(&[2]), arg(&[length, 2])])
        };
        let sample = |length, reverse, unroll| Sample::of(move |dtype| of(length, reverse, unroll, dtype));
        vec![
            sample(3, false, 1),
            sample(4, true, 1),
            sample(5, false, 2),
            sample(2, true, 5),
            sample(0, false, 1),
        ]
    }

    fn effects(&self) -> Effects {
        self.jaxpr.effects()
    }

    fn jaxprs(&self) -> SmallVec<[&Arc<Jaxpr>; 2]> {
        smallvec![&self.jaxpr]
    }

    fn partial_eval(&self, cx: &PartialEvalCx<'_>, args: &[Array]) -> Option<Arrays> {
        let unknown: Vec<bool> = args.iter().map(|a| cx.is_unknown(a)).collect();
        let (const_uk, init_uk, x_uk) = self.split(&unknown);
        let split = |carry: &[bool]| {
            let instantiate = [carry, &vec![false; self.num_ys()]].concat();
            partial_eval_jaxpr(&self.jaxpr, &[const_uk, carry, x_uk].concat(), &instantiate, here())
        };
        let carry_uk = self.fixpoint(init_uk, |carry| split(carry).out_unknown.to_vec());
        let split = split(&carry_uk);
        let operand_unknown = [const_uk, &carry_uk, x_uk].concat();
        let (known_consts, known_carry) =
            (const_uk.len() - count(const_uk), carry_uk.len() - count(&carry_uk));
        let num_known = split.out_unknown.iter().filter(|u| !**u).count();

        // Residuals that are constants of the known part are not stacked: the constant itself is passed on.
        let constant_of = |atom: &Atom| {
            let var = atom.as_var()?;
            split.known.invars[..known_consts].iter().position(|v| *v == var)
        };
        let hoisted: Vec<Option<usize>> = split.known.outs[num_known..].iter().map(constant_of).collect();
        let kept: Vec<usize> = (0..num_known)
            .chain((0..hoisted.len()).filter(|&i| hoisted[i].is_none()).map(|i| num_known + i))
            .collect();
        let all: Vec<usize> = (0..split.known.invars.len()).collect();
        let known_args = pick(args, &negate(&operand_unknown));
        let prim = self.prim(reordered(&split.known, &all, &kept), known_consts, known_carry);
        let mut known = bind(prim, &known_args);
        let stacked: Vec<Array> = known.drain(num_known..).collect();

        // From (residuals, unknown operands) to (hoisted residuals and unknown constants, carry, slices and stacked residuals).
        let r = hoisted.len();
        let (uc, un, ux) = (count(const_uk), count(&carry_uk), count(x_uk));
        let params: Vec<usize> = (0..r)
            .filter(|&i| hoisted[i].is_some())
            .chain(r..r + uc + un + ux)
            .chain((0..r).filter(|&i| hoisted[i].is_none()))
            .collect();
        let num_hoisted = hoisted.iter().flatten().count();
        let results: Vec<usize> = (0..split.unknown.outs.len()).collect();
        let prim = self.prim(reordered(&split.unknown, &params, &results), num_hoisted + uc, un);
        let operands: Vec<Array> = hoisted
            .iter()
            .flatten()
            .map(|&i| known_args[i].clone())
            .chain(pick(args, &operand_unknown))
            .chain(stacked)
            .collect();
        let later = if split.out_unknown.contains(&true) { cx.record(prim, &operands) } else { smallvec![] };
        Some(interleave(&split.out_unknown, known, later).into())
    }

    /// A carry stays if it is used, or a step needs it for something that stays.
    fn live_results(&self, used: &[bool]) -> Vec<bool> {
        let (carry, ys) = used.split_at(self.num_carry);
        let live = |carry: &[bool]| dce_jaxpr(&self.jaxpr, &[carry, ys].concat(), false).1.invars;
        let carry = self.fixpoint(carry, |carry| self.split(&live(carry)).1.to_vec());
        [&carry, ys].concat()
    }

    fn dead_code(&self, used: &[bool]) -> Option<(Prim, Vec<bool>)> {
        let carry = &used[..self.num_carry];
        let (jaxpr, _) = dce_jaxpr(&self.jaxpr, used, true);
        let live = dce_jaxpr(&self.jaxpr, used, false).1.invars;
        let (consts, _, xs) = self.split(&live);
        let operands = [consts, carry, xs].concat();
        let params: Vec<usize> = (0..operands.len()).filter(|&i| operands[i]).collect();
        let outs: Vec<usize> = (0..jaxpr.outs.len()).collect();
        Some((self.prim(reordered(&jaxpr, &params, &outs), count(consts), count(carry)), operands))
    }
}
