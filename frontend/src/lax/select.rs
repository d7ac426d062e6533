//! Choosing between arrays, element by element: select_n, clamp.

use crate::error::Result;
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values, numpy_name,
};
use jacinth_lowering::ops::elementwise as ops;
use smallvec::smallvec;

use super::binary::{add_any, and};
use super::compare::{eq, gt, lt};
use super::elementwise::scalar_like;
use super::rules::{at_front, batched, bind1, ensure, instantiate, same_dtypes, show};
use super::shape::{broadcast, broadcast_in_dim, full_like, moveaxis};

/// `on_true` where `pred` holds, `on_false` elsewhere; `pred` is a scalar or of their shape.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([-2, 3]);
/// let y = lax::select(&lax::lt(&x, &Array::from(0)), &lax::neg(&x), &x);
/// assert_eq!(y.to_vec::<i32>(), [2, 3]);
/// ```
///
/// # Panics
/// If `pred` is not boolean, or shapes or dtypes of the cases differ.
#[track_caller]
pub fn select(pred: &Array, on_true: &Array, on_false: &Array) -> Array {
    // The cases are counted from false to true.
    bind1(&SelectN, &[pred.clone(), on_false.clone(), on_true.clone()])
}

/// The `which[i]`-th case for every element `i`; `which` is boolean or an integer, a scalar or of the cases' shape.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let cases = [[1, 2, 3], [10, 20, 30], [100, 200, 300]].map(Array::from);
/// assert_eq!(lax::select_n(&Array::from([2, 0, 1]), &cases).to_vec::<i32>(), [100, 2, 30]);
/// ```
///
/// # Panics
/// If there is no case, cases differ in shape or dtype, or `which` is another array or boolean beside more than two cases.
#[track_caller]
pub fn select_n(which: &Array, cases: &[Array]) -> Array {
    let args: Vec<Array> = std::iter::once(which).chain(cases).cloned().collect();
    bind1(&SelectN, &args)
}

/// `x` limited to `min ..= max`, each a scalar or of its shape.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([-3, 1, 9]);
/// assert_eq!(lax::clamp(&Array::from(0), &x, &Array::from(5)).to_vec::<i32>(), [0, 1, 5]);
/// ```
///
/// # Panics
/// If dtypes differ or are complex, or a limit is neither a scalar nor of the shape of `x`.
#[track_caller]
pub fn clamp(min: &Array, x: &Array, max: &Array) -> Array {
    bind1(&Clamp, &[min.clone(), x.clone(), max.clone()])
}

/// `select_n`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SelectN;

impl Primitive for SelectN {
    fn name(&self) -> &'static str {
        "select_n"
    }

    fn params<'a>(&'a self, _: &mut Params<'a>) {}

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        ensure!(args.len() > 1, "select_n" => "there must be at least one case");
        let (which, cases) = (args[0], &args[1..]);
        ensure!(
            cases.iter().all(|c| c.shape == cases[0].shape),
            "select_n" => "cases must have the same shape, got {}",
            cases.iter().map(|c| show(&c.shape)).collect::<Vec<_>>().join(", ")
        );
        ensure!(
            which.rank() == 0 || which.shape == cases[0].shape,
            "select_n" => "`which` must be a scalar or of the cases' shape, got {} for cases of shape {}",
            show(&which.shape),
            show(&cases[0].shape)
        );
        same_dtypes("select_n", cases)?;
        ensure!(
            which.dtype.is_boolean() || which.dtype.is_integer(),
            "select_n" => "`which` must be boolean or an integer, got {}",
            numpy_name(which.dtype)
        );
        ensure!(
            !which.dtype.is_boolean() || cases.len() <= 2,
            "select_n" => "a boolean `which` cannot choose among {} cases",
            cases.len()
        );
        let weak_type = cases.iter().all(|c| c.weak_type);
        Ok(smallvec![Aval::with_weak_type(cases[0].shape.iter().copied(), cases[0].dtype, weak_type)])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::elementwise(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], _outs: &[Aval]) -> Result<Values> {
        let which = cx.tensor(args[0])?;
        let which = Aval::new(which.shape.iter().map(|&d| d as usize), which.element);
        if which.dtype.is_boolean() {
            return Ok(smallvec![match args {
                [which, on_false, on_true] => cx.op(ops::Select, &[*which, *on_true, *on_false])?,
                _ => args[1],
            }]);
        }
        Ok(smallvec![bisect(cx, args[0], &which, 0, &args[1..])?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let out = bind1(&SelectN, primals);
        if tangents[1..].iter().all(Option::is_none) {
            return (smallvec![out], smallvec![None]);
        }
        let mut args = vec![primals[0].clone()];
        args.extend(primals[1..].iter().zip(&tangents[1..]).map(|(p, t)| instantiate(t, p.aval())));
        (smallvec![out], smallvec![Some(bind1(&SelectN, &args))])
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let mut out: Tangents = smallvec![None; args.len()];
        let Some(ct) = &cts[0] else { return Linear::Cotangents(out) };
        let which = args[0].known();
        let zeros = full_like(ct, 0.0);
        for (i, case) in args[1..].iter().enumerate().filter(|(_, case)| case.is_linear()) {
            debug_assert!(case.is_linear());
            out[i + 1] = Some(if which.dtype().is_boolean() {
                if i == 0 { select(which, &zeros, ct) } else { select(which, ct, &zeros) }
            } else {
                select(&eq(which, &scalar_like(which, i as i64)), ct, &zeros)
            });
        }
        Linear::Cotangents(out)
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let (which, cases) = (&args[0], &args[1..]);
        let case_dims = &dims[1..];
        // Without moving anything where all are mapped along the same dimension.
        if let Some(mapped) = dims[0]
            && case_dims.iter().all(|&d| d == Some(mapped))
        {
            let spread = which.shape() != cases[0].shape();
            let which =
                if spread { broadcast_in_dim(which, cases[0].shape(), &[mapped]) } else { which.clone() };
            return batched(select_n(&which, cases), mapped);
        }
        if which.ndim() == 0
            && let Some(mapped) = case_dims[0]
            && case_dims.iter().all(Option::is_some)
        {
            let move_to = |(c, d): (&Array, &Option<usize>)| moveaxis(c, d.expect("checked above"), mapped);
            let cases: Vec<Array> = cases.iter().zip(case_dims).map(move_to).collect();
            return batched(select_n(which, &cases), mapped);
        }
        let mut front = if which.ndim() > 0 { at_front(which, dims[0], axis.size) } else { which.clone() };
        let scalars = cases.iter().all(|c| c.ndim() == 0);
        let mut cases: Vec<Array> = if scalars {
            cases.to_vec()
        } else {
            cases.iter().zip(case_dims).map(|(c, &d)| at_front(c, d, axis.size)).collect()
        };
        if front.ndim() > 0 && front.ndim() < cases[0].ndim() {
            front = broadcast_in_dim(&front, cases[0].shape(), &[0]);
        }
        if front.ndim() > cases[0].ndim() {
            cases = cases.iter().map(|c| broadcast(c, front.shape())).collect();
        }
        batched(select_n(&front, &cases), 0)
    }

    fn samples() -> Vec<Sample> {
        let sample = |which: SampleArg, count: usize, shape: &[usize]| {
            let cases = (0..count).map(|_| SampleArg::f32(shape.iter().copied()));
            let mut sample = Sample::new(Prim::Static(&SelectN), std::iter::once(which).chain(cases));
            sample.differentiable = true;
            sample
        };
        let which =
            |shape: &[usize], dtype, values: &[f64]| SampleArg::values(shape.iter().copied(), dtype, values);
        vec![
            sample(which(&[3], DType::I1, &[1.0, 0.0, 1.0]), 2, &[3]),
            sample(which(&[], DType::I1, &[1.0]), 2, &[2, 3]),
            sample(which(&[2, 2], DType::I32, &[2.0, 0.0, 1.0, 2.0]), 3, &[2, 2]),
        ]
    }
}

/// Selects by an integer: halves the cases until one is left.
fn bisect(
    cx: &mut LowerCx<'_>,
    which: Value,
    which_aval: &Aval,
    offset: usize,
    cases: &[Value],
) -> Result<Value> {
    if let [case] = cases {
        return Ok(*case);
    }
    let middle = cases.len() / 2;
    let limit = cx.constant((offset + middle) as i64, which_aval)?;
    let kind =
        if which_aval.dtype.is_signed() { ops::CompareType::Signed } else { ops::CompareType::Unsigned };
    let below =
        cx.op(ops::Compare { direction: ops::Direction::Lt, compare_type: Some(kind) }, &[which, limit])?;
    let low = bisect(cx, which, which_aval, offset, &cases[..middle])?;
    let high = bisect(cx, which, which_aval, offset + middle, &cases[middle..])?;
    cx.op(ops::Select, &[below, low, high])
}

/// `clamp`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Clamp;

impl Primitive for Clamp {
    fn name(&self) -> &'static str {
        "clamp"
    }

    fn params<'a>(&'a self, _: &mut Params<'a>) {}

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        same_dtypes("clamp", args)?;
        ensure!(
            !args[1].dtype.is_complex(),
            "clamp" => "complex numbers are not ordered, got {}",
            numpy_name(args[1].dtype)
        );
        for (name, limit) in [("min", args[0]), ("max", args[2])] {
            ensure!(
                limit.rank() == 0 || limit.shape == args[1].shape,
                "clamp" => "{name} must be a scalar or of the operand's shape, got {} for an operand of shape {}",
                show(&limit.shape),
                show(&args[1].shape)
            );
        }
        let weak_type = args.iter().all(|a| a.weak_type);
        Ok(smallvec![Aval::with_weak_type(args[1].shape.iter().copied(), args[1].dtype, weak_type)])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::elementwise(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let args = [cx.broadcast(args[0], &outs[0])?, args[1], cx.broadcast(args[2], &outs[0])?];
        Ok(smallvec![cx.op(ops::Clamp, &args)?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let [min, x, max] = primals else { unreachable!("clamp takes three operands") };
        let out = bind1(&Clamp, primals);
        let zeros = full_like(x, 0.0);
        let part = |i: usize| {
            let t = tangents[i].as_ref()?;
            let t = if t.ndim() < x.ndim() { broadcast(t, x.shape()) } else { t.clone() };
            let chosen = match i {
                0 => and(&gt(min, x), &lt(min, max)),
                1 => and(&gt(x, min), &lt(x, max)),
                _ => lt(max, x),
            };
            Some(select(&chosen, &t, &zeros))
        };
        let tangent = (0..3).filter_map(part).reduce(|a, b| add_any(&a, &b));
        (smallvec![out], smallvec![tangent])
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        if args[0].ndim() == 0
            && args[2].ndim() == 0
            && let Some(mapped) = dims[1]
        {
            return batched(bind1(&Clamp, args), mapped);
        }
        let x = at_front(&args[1], dims[1], axis.size);
        let limit = |i: usize| match dims[i] {
            None if args[i].ndim() == 0 => args[i].clone(),
            dim => {
                let front = at_front(&args[i], dim, axis.size);
                if front.ndim() == x.ndim() { front } else { broadcast_in_dim(&front, x.shape(), &[0]) }
            }
        };
        batched(bind1(&Clamp, &[limit(0), x.clone(), limit(2)]), 0)
    }

    fn samples() -> Vec<Sample> {
        let limit = |shape: &[usize], low: f64, high: f64| {
            SampleArg::range(shape.iter().copied(), DType::F32, low, high)
        };
        vec![
            Sample::new(&Clamp, [limit(&[], -1.0, -0.9), SampleArg::f32([5]), limit(&[], 0.9, 1.0)]),
            Sample::new(
                &Clamp,
                [limit(&[2, 3], -1.0, 0.0), SampleArg::f32([2, 3]), limit(&[2, 3], 0.1, 1.0)],
            ),
        ]
    }
}
