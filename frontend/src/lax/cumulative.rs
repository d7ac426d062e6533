//! Running reductions along one dimension: cumsum, cumprod, cummax, cummin, cumlogsumexp; and the associative scan on which their
//! derivatives stand.
//!
//! Sums, products and extrema lower to a window that reaches back to the start, which both plugins compute in (nearly) linear
//! time; logarithms of sums of exponentials, which have no operation of their own, to an associative scan.

use crate::error::Result;
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values, numpy_name,
};
use jacinth_lowering::Attributes;
use jacinth_lowering::ops::{elementwise as ops, window};
use smallvec::smallvec;

use super::binary::{add, add_any, lower_binary, max, min, mul, sub};
use super::compare::eq;
use super::concat::{concatenate, pad};
use super::elementwise::scalar_like;
use super::reduce::Monoid;
use super::rules::{batched, bind1, ensure, linear_jvp, show, zero_jvp};
use super::select::select;
use super::shape::{full_like, rev};
use super::slice::slice_in_dim;
use super::traced::lower_as;
use super::unary::{abs, exp, is_finite, log1p, neg};

macro_rules! cumulatives {
    ($($(#[$doc:meta])* $function:ident $row:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Panics
        /// If `axis` is no dimension of the operand, or its dtype is not accepted.
        #[track_caller]
        pub fn $function(operand: &Array, axis: usize, reverse: bool) -> Array {
            let prim = Cumulative { kind: Running::$row, axis, reverse };
            bind1(Prim::new(prim), std::slice::from_ref(operand))
        }
    )*};
}

cumulatives! {
    /// The sums of all elements up to each one along `axis`; from each one on if `reverse`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([1, 2, 3]);
    /// assert_eq!(lax::cumsum(&x, 0, false).to_vec::<i32>(), [1, 3, 6]);
    /// assert_eq!(lax::cumsum(&x, 0, true).to_vec::<i32>(), [6, 5, 3]);
    /// ```
    cumsum Sum;
    /// The products of all elements up to each one along `axis`; from each one on if `reverse`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// assert_eq!(lax::cumprod(&Array::from([1, 2, 3, 4]), 0, false).to_vec::<i32>(), [1, 2, 6, 24]);
    /// ```
    cumprod Prod;
    /// The maxima of all elements up to each one along `axis`; from each one on if `reverse`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([[1, 5], [3, 2]]);
    /// assert_eq!(lax::cummax(&x, 0, false).to_string(), "[[1 5]\n [3 5]]");
    /// ```
    cummax Max;
    /// The minima of all elements up to each one along `axis`; from each one on if `reverse`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// assert_eq!(lax::cummin(&Array::from([3, 1, 2]), 0, true).to_vec::<i32>(), [1, 1, 2]);
    /// ```
    cummin Min;
    /// The logarithms of the sums of the exponentials of all elements up to each one along `axis`; from each one on if `reverse`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// // Without overflow: each is the logarithm of a running sum of equal terms.
    /// let x = lax::cumlogsumexp(&Array::from([1000.0f32, 1000.0]), 0, false);
    /// assert_eq!(x.round_to(3).to_string(), "[1000.    1000.693]");
    /// ```
    cumlogsumexp LogSumExp;
}

/// What runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Running {
    /// The sum.
    Sum,
    /// The product.
    Prod,
    /// The maximum.
    Max,
    /// The minimum.
    Min,
    /// The logarithm of the sum of exponentials.
    LogSumExp,
}

impl Running {
    const ALL: [Running; 5] = [Running::Sum, Running::Prod, Running::Max, Running::Min, Running::LogSumExp];

    fn name(self) -> &'static str {
        match self {
            Running::Sum => "cumsum",
            Running::Prod => "cumprod",
            Running::Max => "cummax",
            Running::Min => "cummin",
            Running::LogSumExp => "cumlogsumexp",
        }
    }

    /// The reduction over a window that it is, if it is one.
    fn window(self) -> Option<(ops::Binary, Monoid)> {
        match self {
            Running::Sum => Some((ops::Binary::Add, Monoid::Sum)),
            Running::Prod => Some((ops::Binary::Multiply, Monoid::Prod)),
            Running::Max => Some((ops::Binary::Maximum, Monoid::Max)),
            Running::Min => Some((ops::Binary::Minimum, Monoid::Min)),
            Running::LogSumExp => None,
        }
    }

    /// Two neighbouring values joined, and their tangents.
    fn join(self, a: &[Array], b: &[Array]) -> Vec<Array> {
        let (x, y) = (&a[0], &b[0]);
        let out = match self {
            Running::Sum => add(x, y),
            Running::Prod => mul(x, y),
            Running::Max => max(x, y),
            Running::Min => min(x, y),
            Running::LogSumExp => logaddexp(x, y),
        };
        let (Some(s), Some(t)) = (a.get(1), b.get(1)) else { return vec![out] };
        let weighted = |wx: &Array, wy: &Array| add_any(&mul(s, wx), &mul(t, wy));
        let tangent = match self {
            Running::Sum => add_any(s, t),
            Running::Prod => weighted(y, x),
            Running::Max | Running::Min => {
                // Equal values share.
                let [zero, half, one] = [0.0, 0.5, 1.0].map(|v| full_like(&out, v));
                let tie = eq(x, y);
                let weight = |x: &Array| select(&tie, &half, &select(&eq(x, &out), &one, &zero));
                weighted(&weight(x), &weight(y))
            }
            Running::LogSumExp => {
                let weight = |x: &Array| {
                    let zero = full_like(x, 0.0);
                    // Nothing weighs nothing, even against nothing.
                    select(&is_finite(x), &exp(&sub(x, &out)), &zero)
                };
                weighted(&weight(x), &weight(y))
            }
        };
        vec![out, tangent]
    }
}

/// `log(eˣ + eʸ)` without overflow.
fn logaddexp(x: &Array, y: &Array) -> Array {
    let (larger, delta) = (max(x, y), sub(x, y));
    let sum = add(&larger, &log1p(&exp(&neg(&abs(&delta)))));
    // The difference of equal infinities is NaN; so is that of a NaN, which stays.
    select(&eq(x, y), &add(x, &scalar_like(x, std::f64::consts::LN_2)), &sum)
}

/// The results of joining every prefix of `elems` along `axis` by an associative function of two equally long stretches of them.
#[track_caller]
pub(crate) fn associative_scan(
    join: &dyn Fn(&[Array], &[Array]) -> Vec<Array>,
    elems: &[Array],
    axis: usize,
    reverse: bool,
) -> Vec<Array> {
    if reverse {
        let flip = |xs: &[Array]| xs.iter().map(|x| rev(x, &[axis])).collect::<Vec<_>>();
        return flip(&associative_scan(join, &flip(elems), axis, false));
    }
    let n = elems[0].shape()[axis] as i64;
    if n < 2 {
        return elems.to_vec();
    }
    let part = |xs: &[Array], start: i64, limit: i64, stride: usize| -> Vec<Array> {
        xs.iter().map(|x| slice_in_dim(x, start, Some(limit), stride, axis)).collect()
    };
    // Prefixes that end at odd places, from the pairs; the others are those joined with one element more.
    let pairs = n / 2;
    let odd =
        associative_scan(join, &join(&part(elems, 0, 2 * pairs, 2), &part(elems, 1, n, 2)), axis, false);
    let rest = (n - 1) / 2;
    let first = part(elems, 0, 1, 1);
    let even = if rest > 0 {
        let more = join(&part(&odd, 0, rest, 1), &part(elems, 2, n, 2));
        first.iter().zip(&more).map(|(f, m)| concatenate(&[f.clone(), m.clone()], axis)).collect()
    } else {
        first
    };
    // Interleaved by filling the gaps of each with the other's elements.
    even.iter().zip(&odd).map(|(even, odd)| interleave(even, odd, axis)).collect()
}

/// `even[0], odd[0], even[1], …` along an axis.
fn interleave(even: &Array, odd: &Array, axis: usize) -> Array {
    let zero = scalar_like(even, 0);
    let same = even.shape()[axis] == odd.shape()[axis];
    let mut config = vec![(0, 0, 0); even.ndim()];
    config[axis] = (0, same as i64, 1);
    let spread_even = pad(even, &zero, &config);
    config[axis] = (1, !same as i64, 1);
    let spread_odd = pad(odd, &zero, &config);
    if even.dtype().is_boolean() {
        return super::binary::or(&spread_even, &spread_odd);
    }
    add(&spread_even, &spread_odd)
}

/// `cumsum` and the others; see the functions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cumulative {
    /// What runs.
    pub kind: Running,
    /// The dimension along which it runs.
    pub axis: usize,
    /// Whether it runs from the end.
    pub reverse: bool,
}

impl Primitive for Cumulative {
    fn name(&self) -> &'static str {
        self.kind.name()
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.show("axis", self.axis);
        params.flag("reverse", self.reverse);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let (operand, dtype) = (args[0], args[0].dtype);
        ensure!(
            self.axis < operand.rank(),
            self.name() => "axis {} is out of bounds for an array of shape {}",
            self.axis,
            show(&operand.shape)
        );
        let (fits, accepted) = match self.kind {
            Running::Sum | Running::Prod => (!dtype.is_boolean(), "a number"),
            Running::Max | Running::Min => (true, "anything"),
            Running::LogSumExp => (dtype.is_float(), "floating point"),
        };
        ensure!(fits, self.name() => "the operand must be {accepted}, got {}", numpy_name(dtype));
        Ok(smallvec![operand.clone()])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        let mut rule = ShardingRule::elementwise(args, outs);
        rule.operands.iter_mut().chain(&mut rule.results).for_each(|factors| factors[self.axis] = None);
        rule
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let out = &outs[0];
        if out.size() == 0 {
            return Ok(args.into());
        }
        let Some((op, monoid)) = self.kind.window() else {
            let (kind, axis, reverse) = (self.kind, self.axis, self.reverse);
            return lower_as(cx, Prim::new(self.clone()), args, |args| {
                associative_scan(&|a, b| kind.join(a, b), args, axis, reverse)
            });
        };
        let scalar = Aval::scalar(out.dtype, false);
        let identity = cx.constant(monoid.identity(scalar.dtype), &scalar)?;
        let block = cx.block(&[scalar.clone(), scalar], |cx, args| {
            Ok(smallvec![lower_binary(cx, op, args[0], args[1])?])
        })?;
        let n = out.shape[self.axis] as i64;
        let mut window = window::ReduceWindow {
            window_dimensions: smallvec![1; out.rank()],
            window_strides: smallvec![1; out.rank()],
            base_dilations: smallvec![1; out.rank()],
            window_dilations: smallvec![1; out.rank()],
            padding: vec![(0, 0); out.rank()],
        };
        window.window_dimensions[self.axis] = n;
        window.padding[self.axis] = if self.reverse { (0, n - 1) } else { (n - 1, 0) };
        Ok(cx.builder.op_full(window.into(), &[args[0], identity], vec![block], None, Attributes::new())?)
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        match (self.kind, &tangents[0]) {
            (Running::Sum, _) => linear_jvp(Prim::new(self.clone()), primals, tangents),
            (_, None) => zero_jvp(Prim::new(self.clone()), primals),
            (kind, Some(t)) => {
                let out = bind1(Prim::new(self.clone()), primals);
                let pair = [primals[0].clone(), t.clone()];
                let mut both = associative_scan(&|a, b| kind.join(a, b), &pair, self.axis, self.reverse);
                (smallvec![out], smallvec![both.pop()])
            }
        }
    }

    fn transpose(&self, cts: &[Option<Array>], _: &[Operand]) -> Linear {
        if self.kind != Running::Sum {
            return Linear::No;
        }
        Linear::Cotangents(smallvec![cts[0].as_ref().map(|ct| cumsum(ct, self.axis, !self.reverse))])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        let mapped = dims[0].expect("the one operand is mapped");
        let axis = self.axis + (self.axis >= mapped) as usize;
        batched(bind1(Prim::new(Cumulative { axis, ..self.clone() }), args), mapped)
    }

    fn samples() -> Vec<Sample> {
        let mut samples = Vec::new();
        for kind in Running::ALL {
            let mut sample = |arg: SampleArg, axis, reverse| {
                samples.push(Sample::new(Prim::new(Cumulative { kind, axis, reverse }), [arg]));
            };
            sample(SampleArg::f32([5]), 0, false);
            sample(SampleArg::f32([2, 4]), 1, true);
            sample(SampleArg::f32([3, 2]), 0, false);
            sample(SampleArg::f32([0, 2]), 0, false);
            if kind != Running::LogSumExp {
                sample(SampleArg::range([2, 3], DType::I32, -5.0, 5.0), 1, false);
                sample(SampleArg::range([4], DType::C64, -2.0, 2.0), 0, false);
            }
        }
        samples
    }
}
