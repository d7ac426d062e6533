//! The general reduce: dimensions folded away by a function of the caller's, with initial values of the caller's; variadic.
//!
//! The function is traced once to a jaxpr of scalars. Where it is one of the monoids and the initial value is its identity, the monoid's
//! own reduction is bound. Derivatives, and initial values that are mapped, go through a tree of applications to halves.

use jacinth_lowering::Attributes;
use jacinth_lowering::ops::reduce as reduce_ops;
use smallvec::{SmallVec, smallvec};
use std::sync::Arc;

use super::binary::{add, mul, sub};
use super::concat::concatenate;
use super::reduce::{Monoid, Reduction, check_axes, folded};
use super::rules::{all_at_front, bind1, bump, ensure, refuse, remaining, sizes};
use super::shape::{broadcast_in_dim, reshape, squeeze, transpose};
use super::slice::slice_in_dim;
use crate::error::Result;
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, Effects, Jaxpr, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values, scalar_bytes,
};
use crate::runtime::to_bytes;
use crate::trace::{bind, eval_jaxpr, here, stage};
use crate::transform::{batch, jvp, move_to};

/// The operand with `dimensions` folded away by `computation(so far, element)`, starting with the scalar `init_value`.
///
/// `computation` must be associative and `init_value` its identity: the order of applications, and how often the initial value takes part, are
/// not defined.
///
/// ```
/// # use jacinth_frontend::{Array, lax, numpy as jnp};
/// let x = Array::from([[2, 3], [5, 7]]);
/// let lcm = lax::reduce(&x, &Array::from(1), |a, b| jnp::lcm(a, b), &[1]);
/// assert_eq!(lcm.to_vec::<i32>(), [6, 35]);
/// ```
///
/// # Panics
/// If dtypes differ, `init_value` is not a scalar, `dimensions` are not distinct dimensions of the operand, or `computation` captures an
/// array or gives another type.
#[track_caller]
pub fn reduce(
    operand: &Array,
    init_value: &Array,
    computation: impl Fn(Array, Array) -> Array,
    dimensions: &[usize],
) -> Array {
    let both = |a: &[Array], b: &[Array]| vec![computation(a[0].clone(), b[0].clone())];
    let mut outs =
        reduce_many(std::slice::from_ref(operand), std::slice::from_ref(init_value), both, dimensions);
    outs.pop().expect("one result per operand")
}

/// [`reduce`] of several operands of one shape at once.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let (x, y) = (Array::from([1, 2, 3]), Array::from([4, 5, 6]));
/// let init = [Array::from(0), Array::from(1)];
/// let outs = lax::reduce_many(&[x, y], &init, |a, b| vec![&a[0] + &b[0], &a[1] * &b[1]], &[0]);
/// assert_eq!((outs[0].item::<i32>(), outs[1].item::<i32>()), (6, 120));
/// ```
///
/// # Panics
/// As [`reduce`]; and if shapes, or numbers of operands, initial values and results differ.
#[track_caller]
pub fn reduce_many(
    operands: &[Array],
    init_values: &[Array],
    computation: impl Fn(&[Array], &[Array]) -> Vec<Array>,
    dimensions: &[usize],
) -> Vec<Array> {
    let n = operands.len();
    if n == 0 || init_values.len() != n {
        refuse!("reduce" => "there must be one initial value per operand and at least one, got {} for {n}", init_values.len());
    }
    if let Some(init) = init_values.iter().find(|init| init.ndim() != 0) {
        refuse!("reduce" => "initial values must be scalars, got {}", init.aval());
    }
    let avals: Vec<Aval> = init_values.iter().chain(init_values).map(|init| init.aval().clone()).collect();
    let closed = stage("computation", &avals, here(), |args| computation(&args[..n], &args[n..]));
    if let Some(captured) = closed.consts.first() {
        refuse!("reduce" => "the computation must not capture arrays, got {}; pass Rust numbers", captured.aval());
    }
    if let Some(monoid) = monoid_of(&closed.jaxpr, init_values) {
        return vec![bind1(Prim::new(Reduction { monoid, axes: dimensions.to_vec() }), operands)];
    }
    let prim = Reduce { jaxpr: closed.jaxpr, dimensions: dimensions.to_vec() };
    let args: Vec<Array> = operands.iter().chain(init_values).cloned().collect();
    bind(Prim::new(prim), &args).into_vec()
}

/// The monoid that the computation is, if the initial value is known to be its identity.
fn monoid_of(jaxpr: &Jaxpr, init_values: &[Array]) -> Option<Monoid> {
    let ([init], [eqn], [out]) = (init_values, &jaxpr.eqns[..], &jaxpr.outs[..]) else { return None };
    let monoid = match eqn.prim.name() {
        "add" => Monoid::Sum,
        "mul" => Monoid::Prod,
        "max" => Monoid::Max,
        "min" => Monoid::Min,
        "and" => Monoid::And,
        "or" => Monoid::Or,
        "xor" => Monoid::Xor,
        _ => return None,
    };
    let inputs: Option<SmallVec<[_; 2]>> = eqn.inputs.iter().map(|a| a.as_var()).collect();
    let mut inputs = inputs?;
    inputs.sort();
    if inputs[..] != jaxpr.invars[..] || out.as_var() != Some(eqn.outs[0]) || init.is_tracer() {
        return None;
    }
    let dtype = init.dtype();
    if dtype.is_boolean() && matches!(monoid, Monoid::Sum | Monoid::Prod) {
        return None;
    }
    let identity = scalar_bytes(monoid.identity(dtype), dtype).ok()?;
    let found = match init.as_literal() {
        Some(literal) => scalar_bytes(literal.value(), dtype).ok()?,
        None => to_bytes(init).ok()?.into(),
    };
    (identity == found).then_some(monoid)
}

/// `reduce`: operands, then one initial value for each.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Reduce {
    /// Takes what was folded so far, then elements; gives what is folded then.
    pub jaxpr: Arc<Jaxpr>,
    /// The dimensions that are folded away.
    pub dimensions: Vec<usize>,
}

impl Reduce {
    /// The computation on arrays of one shape, element by element.
    fn combine(&self, args: &[Array], rank: usize) -> Vec<Array> {
        if rank == 0 {
            return eval_jaxpr(&self.jaxpr, &[], args);
        }
        let axis = AxisInfo::new(args[0].shape()[0], None);
        let dims = vec![Some(0); args.len()];
        let (outs, found) = batch(|args| self.combine(&args, rank - 1), args, &dims, axis.clone(), here());
        let outs = outs.iter().zip(found);
        outs.map(|(out, dim)| move_to(&super::KIT, out, dim, 0, axis.size)).collect()
    }

    /// The reduction as a tree of applications to halves.
    fn tree(&self, args: &[Array]) -> Vec<Array> {
        let (operands, init) = args.split_at(args.len() / 2);
        let shape = operands[0].shape().to_vec();
        let kept = remaining(shape.len(), &self.dimensions);
        let order: Vec<usize> = self.dimensions.iter().chain(&kept).copied().collect();
        let mut count: usize = self.dimensions.iter().map(|&d| shape[d]).product();
        let kept: Vec<usize> = kept.iter().map(|&d| shape[d]).collect();
        let flat: Vec<usize> = std::iter::once(count).chain(kept.iter().copied()).collect();
        let init: Vec<Array> = init.iter().map(|x| broadcast_in_dim(x, &kept, &[])).collect();
        if count == 0 {
            return init;
        }
        let mut xs: Vec<Array> = operands.iter().map(|x| reshape(&transpose(x, &order), &flat)).collect();
        let part = |xs: &[Array], from: usize, to: usize| -> Vec<Array> {
            xs.iter().map(|x| slice_in_dim(x, from as i64, Some(to as i64), 1, 0)).collect()
        };
        while count > 1 {
            let half = count / 2;
            let pairs = [part(&xs, 0, half), part(&xs, count - half, count)].concat();
            let combined = self.combine(&pairs, kept.len() + 1);
            // An odd number leaves the one in the middle.
            let middle = part(&xs, half, count - half);
            count -= half;
            xs = combined
                .into_iter()
                .zip(middle)
                .map(|(x, middle)| if count > half { concatenate(&[x, middle], 0) } else { x })
                .collect();
        }
        let last = xs.iter().map(|x| squeeze(x, &[0]));
        self.combine(&init.into_iter().chain(last).collect::<Vec<_>>(), kept.len())
    }
}

impl Primitive for Reduce {
    fn name(&self) -> &'static str {
        "reduce"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.tuple("dimensions", &self.dimensions);
        params.jaxpr("jaxpr", &self.jaxpr);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let (operands, init) = args.split_at(args.len() / 2);
        let list = |avals: &[&Aval]| avals.iter().map(|a| a.to_string()).collect::<Vec<_>>().join(", ");
        ensure!(
            operands.iter().all(|a| a.shape == operands[0].shape),
            "reduce" => "operands must have the same shape, got {}",
            list(operands)
        );
        check_axes("reduce", &self.dimensions, operands[0])?;
        ensure!(
            operands.iter().zip(init).all(|(a, i)| i.rank() == 0 && a.dtype == i.dtype),
            "reduce" => "initial values must be scalars of the operands' dtypes, got operands {} and initial values {}",
            list(operands),
            list(init)
        );
        let outs: Vec<&Aval> = self.jaxpr.out_avals().collect();
        ensure!(
            outs.len() == init.len() && outs.iter().zip(init).all(|(o, i)| o.same_type(i)),
            "reduce" => "the computation must give the types of the initial values, {}, it gives {}",
            list(init),
            list(&outs)
        );
        let kept = remaining(operands[0].rank(), &self.dimensions);
        let out = |(a, i): (&&Aval, &&Aval)| {
            let shape = kept.iter().map(|&d| a.shape[d]);
            Aval::with_weak_type(shape, a.dtype, a.weak_type && i.weak_type)
        };
        Ok(operands.iter().zip(init).map(out).collect())
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        folded(&self.dimensions, args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], _: &[Aval]) -> Result<Values> {
        let scalars: Vec<Aval> = self.jaxpr.in_avals().map(Aval::strong).collect();
        let block = cx.block(&scalars, |cx, args| cx.inline(&self.jaxpr, args))?;
        let op = reduce_ops::Reduce { dimensions: sizes(&self.dimensions) };
        Ok(cx.builder.op_full(op.into(), args, vec![block], None, Attributes::new())?)
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let (outs, tangents) = jvp(|args| self.tree(&args), primals, tangents, here());
        (outs.into(), tangents.into())
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let n = args.len() / 2;
        if dims[n..].iter().all(Option::is_none) {
            let operands = all_at_front(&args[..n], &dims[..n], axis);
            let all: Vec<Array> = operands.iter().chain(&args[n..]).cloned().collect();
            let prim = Reduce { dimensions: bump(&self.dimensions, 0), ..self.clone() };
            return (bind(Prim::new(prim), &all), smallvec![Some(0); n]);
        }
        let (outs, dims) = batch(|args| self.tree(&args), args, dims, axis.clone(), here());
        (outs.into(), dims.into())
    }

    fn samples() -> Vec<Sample> {
        let number = |x: f64, dtype| SampleArg::values([], dtype, [x]);
        let one = |shape: &[usize], dimensions: &[usize]| {
            let (shape, dimensions) = (shape.to_vec(), dimensions.to_vec());
            Sample::of(move |dtype| {
                // a + b + ab: the product of 1 + a and 1 + b, less 1.
                let circle = stage("circle", &vec![Aval::scalar(dtype, false); 2], here(), |x| {
                    vec![add(&add(&x[0], &x[1]), &mul(&x[0], &x[1]))]
                });
                let prim = Reduce { jaxpr: circle.jaxpr, dimensions: dimensions.clone() };
                Sample::new(Prim::new(prim), [SampleArg::wide(shape.clone(), dtype), number(0.0, dtype)])
            })
        };
        let two = |shape: &[usize], dimensions: &[usize]| {
            let (shape, dimensions) = (shape.to_vec(), dimensions.to_vec());
            Sample::of(move |dtype| {
                // The product of complex numbers.
                let complex = stage("complex", &vec![Aval::scalar(dtype, false); 4], here(), |x| {
                    let re = sub(&mul(&x[0], &x[2]), &mul(&x[1], &x[3]));
                    vec![re, add(&mul(&x[0], &x[3]), &mul(&x[1], &x[2]))]
                });
                let prim = Reduce { jaxpr: complex.jaxpr, dimensions: dimensions.clone() };
                let operand = || SampleArg::wide(shape.clone(), dtype);
                let args = [operand(), operand(), number(1.0, dtype), number(0.0, dtype)];
                Sample::new(Prim::new(prim), args)
            })
        };
        vec![
            one(&[3, 2], &[0]),
            one(&[2, 3], &[0, 1]),
            one(&[0, 2], &[0]),
            two(&[5], &[0]),
            two(&[2, 3, 2], &[2, 0]),
        ]
    }

    fn effects(&self) -> Effects {
        self.jaxpr.effects()
    }

    fn jaxprs(&self) -> SmallVec<[&Arc<Jaxpr>; 2]> {
        smallvec![&self.jaxpr]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::boundary;
    use crate::ir::DType;

    fn text(dtype: DType, init: &Array, f: impl Fn(Array, Array) -> Array) -> String {
        stage("f", &[Aval::new([2, 3], dtype)], here(), |x| vec![reduce(&x[0], init, &f, &[1])]).to_string()
    }

    #[test]
    fn monoids_are_recognised() {
        let (zero, one) = (Array::scalar(0.0, DType::F32, false), Array::scalar(1.0, DType::F32, false));
        assert!(text(DType::F32, &zero, |a, b| add(&a, &b)).contains("reduce_sum[axes=(1,)"));
        assert!(text(DType::F32, &zero, |a, b| add(&b, &a)).contains("reduce_sum[axes=(1,)"));
        assert!(text(DType::F32, &one, |a, b| mul(&a, &b)).contains("reduce_prod[axes=(1,)"));
        let lowest = Array::scalar(f64::NEG_INFINITY, DType::F32, false);
        assert!(text(DType::F32, &lowest, |a, b| super::super::max(&a, &b)).contains("reduce_max[axes=(1,)"));
        let all = Array::scalar(-1, DType::I32, false);
        assert!(text(DType::I32, &all, |a, b| super::super::and(&a, &b)).contains("reduce_and[axes=(1,)"));
        for (init, f) in [
            (&one, (|a, b| add(&a, &b)) as fn(Array, Array) -> Array),
            (&zero, |a, b| mul(&a, &b)),
            (&zero, |a, _| add(&a, &a)),
            (&zero, |a, b| add(&add(&a, &b), &b)),
        ] {
            assert!(text(DType::F32, init, f).contains("reduce["));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let error = |init: &Array, f: fn(Array, Array) -> Array| {
            boundary(|| text(DType::F32, init, f)).unwrap_err().to_string()
        };
        let zero = Array::scalar(0.0, DType::F32, false);
        let integer = Array::scalar(0, DType::I32, false);
        assert!(
            error(&integer, |a, b| mul(&a, &b))
                .contains("initial values must be scalars of the operands' dtypes")
        );
        let less = error(&zero, |a, b| super::super::lt(&a, &b));
        assert!(
            less.starts_with(
                "reduce: the computation must give the types of the initial values, f32[], it gives bool[]"
            ),
            "{less}"
        );
    }
}
