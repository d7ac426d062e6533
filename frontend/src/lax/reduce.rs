//! Dimensions folded away: the monoid reductions as table rows, argmax and argmin. The general reduce is in `reduce_general`.
//!
//! Over no elements a reduction gives its identity; argmax and argmin, which have none, are refused. Maxima and minima of
//! data with a NaN are NaN, and its index is what argmax and argmin give, as in JAX.

use crate::error::Result;
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, Scalar, ShardingRule, Tangents, Value, Values, numpy_name,
};
use jacinth_lowering::Attributes;
use jacinth_lowering::ops::{constant, elementwise as ops, reduce as reduce_ops};
use smallvec::smallvec;

use super::binary::{add_any, div, lower_binary, mul};
use super::compare::eq;
use super::concat::pad;
use super::convert::convert_element_type;
use super::rules::{batched, bind1, bump, distinct, ensure, linear_jvp, remaining, show, sizes, zero_jvp};
use super::shape::{broadcast_in_dim, full, reshape, squeeze, transpose};
use super::slice::slice_in_dim;

macro_rules! reductions {
    ($($(#[$doc:meta])* $function:ident $row:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Panics
        /// If axes repeat or are out of bounds, or the dtype is not the reduction's.
        #[track_caller]
        pub fn $function(operand: &Array, axes: &[usize]) -> Array {
            bind1(Prim::new(Reduction { monoid: Monoid::$row, axes: axes.to_vec() }), std::slice::from_ref(operand))
        }
    )*};
}

reductions! {
    /// The sum over dimensions; 0 of nothing.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([[1, 2], [3, 4]]);
    /// assert_eq!(lax::reduce_sum(&x, &[0]).to_vec::<i32>(), [4, 6]);
    /// assert_eq!(lax::reduce_sum(&x, &[0, 1]).item::<i32>(), 10);
    /// ```
    reduce_sum Sum;
    /// The product over dimensions; 1 of nothing.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// assert_eq!(lax::reduce_prod(&Array::from([[1, 2], [3, 4]]), &[1]).to_vec::<i32>(), [2, 12]);
    /// ```
    reduce_prod Prod;
    /// The maximum over dimensions; the lowest value of nothing, NaN if there is one. Complex numbers are compared by their real parts, equal
    /// ones by their imaginary parts.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([[1.0f32, 2.0], [f32::NAN, 3.0]]);
    /// assert_eq!(lax::reduce_max(&x, &[1]).to_string(), "[ 2. nan]");
    /// ```
    reduce_max Max;
    /// The minimum over dimensions; the highest value of nothing, NaN if there is one. Complex numbers are compared as in [`reduce_max`].
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax, numpy as jnp};
    /// assert_eq!(lax::reduce_min(&Array::from([[1, 2], [4, 3]]), &[1]).to_vec::<i32>(), [1, 3]);
    /// assert_eq!(lax::reduce_min(&jnp::zeros(0), &[0]).item::<f32>(), f32::INFINITY);
    /// ```
    reduce_min Min;
    /// Whether all hold, or the bits that all have; all bits of nothing.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([[true, false], [true, true]]);
    /// assert_eq!(lax::reduce_and(&x, &[1]).to_vec::<bool>(), [false, true]);
    /// ```
    reduce_and And;
    /// Whether one holds, or the bits that one has; no bits of nothing.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// assert_eq!(lax::reduce_or(&Array::from([0b001, 0b100]), &[0]).item::<i32>(), 0b101);
    /// ```
    reduce_or Or;
    /// Whether an odd number holds, bit by bit; no bits of nothing.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// assert_eq!(lax::reduce_xor(&Array::from([true, true, true]), &[0]).item::<bool>(), true);
    /// ```
    reduce_xor Xor;
}

/// The index of the first maximum along `axis`, or of the first NaN, as `index_dtype`; the dimension disappears.
///
/// ```
/// # use jacinth_frontend::{Array, DType, lax};
/// let x = Array::from([[1, 5, 5], [2, 1, 0]]);
/// assert_eq!(lax::argmax(&x, 1, DType::I32).to_vec::<i32>(), [1, 0]);
/// ```
///
/// # Panics
/// If `axis` is out of bounds or of size 0, the elements are complex, or `index_dtype` is no integer dtype.
#[track_caller]
pub fn argmax(operand: &Array, axis: usize, index_dtype: DType) -> Array {
    bind1(Prim::new(ArgMinMax { max: true, axis, index_dtype }), std::slice::from_ref(operand))
}

/// The index of the first minimum along `axis`, or of the first NaN, as `index_dtype`; the dimension disappears.
///
/// ```
/// # use jacinth_frontend::{Array, DType, lax};
/// let x = Array::from([3.0f32, f32::NAN, 1.0]);
/// assert_eq!(lax::argmin(&x, 0, DType::I32).item::<i32>(), 1);
/// ```
///
/// # Panics
/// As [`argmax`].
#[track_caller]
pub fn argmin(operand: &Array, axis: usize, index_dtype: DType) -> Array {
    bind1(Prim::new(ArgMinMax { max: false, axis, index_dtype }), std::slice::from_ref(operand))
}

/// A family of reductions that differ by a row: the operation, its identity and its dtypes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Monoid {
    /// The sum, from 0.
    Sum,
    /// The product, from 1.
    Prod,
    /// The maximum, from the lowest value.
    Max,
    /// The minimum, from the highest value.
    Min,
    /// And, bit by bit.
    And,
    /// Or, bit by bit.
    Or,
    /// Exclusive or, bit by bit.
    Xor,
}

impl Monoid {
    const ALL: [Monoid; 7] =
        [Monoid::Sum, Monoid::Prod, Monoid::Max, Monoid::Min, Monoid::And, Monoid::Or, Monoid::Xor];

    fn row(self) -> (&'static str, ops::Binary) {
        match self {
            Monoid::Sum => ("reduce_sum", ops::Binary::Add),
            Monoid::Prod => ("reduce_prod", ops::Binary::Multiply),
            Monoid::Max => ("reduce_max", ops::Binary::Maximum),
            Monoid::Min => ("reduce_min", ops::Binary::Minimum),
            Monoid::And => ("reduce_and", ops::Binary::And),
            Monoid::Or => ("reduce_or", ops::Binary::Or),
            Monoid::Xor => ("reduce_xor", ops::Binary::Xor),
        }
    }

    pub(crate) fn identity(self, dtype: DType) -> Scalar {
        match self {
            Monoid::Sum | Monoid::Or | Monoid::Xor => Scalar::Int(0).cast(dtype),
            Monoid::Prod => Scalar::Int(1).cast(dtype),
            Monoid::And if dtype.is_boolean() => Scalar::Bool(true),
            Monoid::And => Scalar::Int(-1).cast(dtype),
            Monoid::Max => lowest(dtype),
            Monoid::Min => highest(dtype),
        }
    }
}

/// The value that no other is below.
pub(crate) fn lowest(dtype: DType) -> Scalar {
    match dtype {
        d if d.is_boolean() => Scalar::Bool(false),
        d if d.is_unsigned() => Scalar::UInt(0),
        d if d.is_signed() => Scalar::Int(-1 << (d.bits() - 1)),
        _ => Scalar::Float(f64::NEG_INFINITY),
    }
}

/// The value that no other is above.
pub(crate) fn highest(dtype: DType) -> Scalar {
    match dtype {
        d if d.is_boolean() => Scalar::Bool(true),
        d if d.is_unsigned() => Scalar::UInt(u64::MAX >> (64 - d.bits())),
        d if d.is_signed() => Scalar::Int(i64::MAX >> (64 - d.bits())),
        _ => Scalar::Float(f64::INFINITY),
    }
}

/// Refuses axes that are no distinct dimensions of the operand.
pub(super) fn check_axes(name: &'static str, axes: &[usize], operand: &Aval) -> Result<()> {
    ensure!(
        distinct(axes) && axes.iter().all(|&a| a < operand.rank()),
        name => "axes {} must be distinct dimensions of the operand of shape {}",
        show(axes),
        show(&operand.shape)
    );
    Ok(())
}

/// Kept dimensions correspond; folded ones are whole.
pub(super) fn folded(axes: &[usize], args: &[&Aval], outs: &[Aval]) -> ShardingRule {
    let factor = |aval: &Aval, d: usize| (!axes.contains(&d) && aval.shape[d] != 1).then_some(d as u32);
    let operand = |aval: &&Aval| (0..aval.rank()).map(|d| factor(aval, d)).collect();
    let kept = |_: &Aval| remaining(args[0].rank(), axes).into_iter().map(|d| factor(args[0], d)).collect();
    ShardingRule { operands: args.iter().map(operand).collect(), results: outs.iter().map(kept).collect() }
}

/// `reduce_sum` and the others; see the functions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reduction {
    /// Which reduction it is.
    pub monoid: Monoid,
    /// The dimensions that disappear.
    pub axes: Vec<usize>,
}

impl Reduction {
    /// A product is differentiated through a tree of products, which has no division by an element that may be zero.
    fn prod_jvp(&self, x: &Array, t: &Array) -> (Array, Array) {
        let kept = remaining(x.ndim(), &self.axes);
        let order: Vec<usize> = self.axes.iter().chain(&kept).copied().collect();
        let count = self.axes.iter().map(|&a| x.shape()[a]).product();
        let shape: Vec<usize> = std::iter::once(count).chain(kept.iter().map(|&d| x.shape()[d])).collect();
        let flat = |x: &Array| reshape(&transpose(x, &order), &shape);
        let (mut x, mut t) = (flat(x), flat(t));
        if count == 0 {
            return (full(&shape[1..], 1, x.dtype()), full(&shape[1..], 0, x.dtype()));
        }
        while x.shape()[0] > 1 {
            let n = x.shape()[0];
            let half = n.div_ceil(2);
            let halves = |x: &Array, padding: f64| {
                let (low, mut high) =
                    (slice_in_dim(x, 0, Some(half as i64), 1, 0), slice_in_dim(x, half as i64, None, 1, 0));
                if n - half < half {
                    let mut config = vec![(0, 0, 0); x.ndim()];
                    config[0] = (0, 1, 0);
                    high = pad(&high, &Array::scalar(padding, x.dtype(), false), &config);
                }
                (low, high)
            };
            let ((x1, x2), (t1, t2)) = (halves(&x, 1.0), halves(&t, 0.0));
            t = add_any(&mul(&t1, &x2), &mul(&x1, &t2));
            x = mul(&x1, &x2);
        }
        (squeeze(&x, &[0]), squeeze(&t, &[0]))
    }
}

impl Primitive for Reduction {
    fn name(&self) -> &'static str {
        self.monoid.row().0
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.tuple("axes", &self.axes);
        if self.monoid == Monoid::Sum {
            params.none("out_sharding");
        }
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let operand = args[0];
        check_axes(self.name(), &self.axes, operand)?;
        let dtype = operand.dtype;
        let (fits, accepted) = match self.monoid {
            Monoid::Sum | Monoid::Prod => (!dtype.is_boolean(), "a number"),
            Monoid::Max | Monoid::Min => (true, "anything"),
            Monoid::And | Monoid::Or | Monoid::Xor => {
                (dtype.is_boolean() || dtype.is_integer(), "boolean or an integer")
            }
        };
        ensure!(fits, self.name() => "the operand must be {accepted}, got {}", numpy_name(dtype));
        let kept = remaining(operand.rank(), &self.axes);
        Ok(smallvec![operand.with_shape(kept.into_iter().map(|d| operand.shape[d]))])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        folded(&self.axes, args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let scalar = Aval::scalar(outs[0].dtype, false);
        let identity = cx.constant(self.monoid.identity(scalar.dtype), &scalar)?;
        let op = self.monoid.row().1;
        let block = cx.block(&[scalar.clone(), scalar], |cx, args| {
            Ok(smallvec![lower_binary(cx, op, args[0], args[1])?])
        })?;
        let reduce = reduce_ops::Reduce { dimensions: sizes(&self.axes) };
        Ok(cx.builder.op_full(reduce.into(), &[args[0], identity], vec![block], None, Attributes::new())?)
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        match (self.monoid, &tangents[0]) {
            (Monoid::Sum, _) => linear_jvp(Prim::new(self.clone()), primals, tangents),
            (Monoid::Prod, Some(t)) => {
                let (out, tangent) = self.prod_jvp(&primals[0], t);
                (smallvec![out], smallvec![Some(tangent)])
            }
            (Monoid::Max | Monoid::Min, Some(t)) => {
                // The tangents of all elements that were chosen, averaged.
                let x = &primals[0];
                let out = bind1(Prim::new(self.clone()), primals);
                let shape: Vec<usize> =
                    (0..x.ndim()).map(|d| if self.axes.contains(&d) { 1 } else { x.shape()[d] }).collect();
                let chosen = convert_element_type(&eq(x, &reshape(&out, &shape)), t.dtype());
                let count = reduce_sum(&chosen, &self.axes);
                let tangent = div(&reduce_sum(&mul(t, &chosen), &self.axes), &count);
                (smallvec![out], smallvec![Some(tangent)])
            }
            _ => zero_jvp(Prim::new(self.clone()), primals),
        }
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        if self.monoid != Monoid::Sum {
            return Linear::No;
        }
        let shape = &args[0].aval().shape;
        let kept = remaining(shape.len(), &self.axes);
        Linear::Cotangents(smallvec![cts[0].as_ref().map(|ct| broadcast_in_dim(ct, shape, &kept))])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        let mapped = dims[0].expect("the one operand is mapped");
        let axes = bump(&self.axes, mapped);
        let out_dim = mapped - axes.iter().filter(|&&a| a < mapped).count();
        batched(bind1(Prim::new(Reduction { monoid: self.monoid, axes }), args), out_dim)
    }

    fn samples() -> Vec<Sample> {
        let mut samples = Vec::new();
        for monoid in Monoid::ALL {
            let sample = |arg: SampleArg, axes: &[usize]| {
                Sample::new(Prim::new(Reduction { monoid, axes: axes.to_vec() }), [arg])
            };
            if matches!(monoid, Monoid::And | Monoid::Or | Monoid::Xor) {
                samples.push(sample(SampleArg::values([2, 3], DType::I1, [1.0, 0.0, 1.0, 1.0]), &[1]));
                samples.push(sample(SampleArg::values([4], DType::I32, [1.0, 6.0, 12.0]), &[0]));
                samples.push(sample(SampleArg::values([0, 2], DType::UI8, [1.0]), &[0]));
            } else {
                samples.push(sample(SampleArg::f32([2, 3]), &[0]));
                samples.push(sample(SampleArg::f32([2, 3, 2]), &[0, 2]));
                samples.push(sample(SampleArg::f32([5]), &[0]));
                samples.push(sample(SampleArg::f32([0, 3]), &[0]).not_differentiable());
                samples.push(sample(SampleArg::range([3, 2], DType::I32, -5.0, 5.0), &[0, 1]));
                samples.push(sample(SampleArg::range([2, 3], DType::C64, -2.0, 2.0), &[1]));
            }
        }
        samples
    }
}

/// `argmax` and `argmin`; see the functions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ArgMinMax {
    /// Whether the maximum is looked for.
    pub max: bool,
    /// The dimension that disappears.
    pub axis: usize,
    /// The dtype of the index.
    pub index_dtype: DType,
}

impl Primitive for ArgMinMax {
    fn name(&self) -> &'static str {
        if self.max { "argmax" } else { "argmin" }
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.tuple("axes", [self.axis]);
        params.dtype("index_dtype", self.index_dtype);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let operand = args[0];
        check_axes(self.name(), &[self.axis], operand)?;
        ensure!(
            operand.shape[self.axis] > 0,
            self.name() => "the dimension must not be empty, got shape {} and axis {}",
            show(&operand.shape),
            self.axis
        );
        ensure!(
            self.index_dtype.is_integer(),
            self.name() => "index_dtype must be an integer type, got {}",
            numpy_name(self.index_dtype)
        );
        ensure!(
            !operand.dtype.is_complex(),
            self.name() => "complex numbers are not ordered, got {}",
            numpy_name(operand.dtype)
        );
        let kept = remaining(operand.rank(), &[self.axis]);
        Ok(smallvec![Aval::new(kept.into_iter().map(|d| operand.shape[d]), self.index_dtype)])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        folded(&[self.axis], args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let operand = cx.tensor(args[0])?.clone();
        let (value, index) = (Aval::scalar(operand.element, false), Aval::scalar(self.index_dtype, false));
        let shape = operand.shape.iter().map(|&d| d as usize);
        let iota = constant::Iota { iota_dimension: self.axis as i64 };
        let indices = cx.op_as(iota, &[], &Aval::new(shape, self.index_dtype))?;
        let worst = if self.max { lowest(value.dtype) } else { highest(value.dtype) };
        let (worst, zero) = (cx.constant(worst, &value)?, cx.constant(0, &index)?);
        let block = cx.block(&[value.clone(), index.clone(), value, index], |cx, args| {
            let [x, i, y, j] = args else { unreachable!("the block has four arguments") };
            self.pick(cx, *x, *i, *y, *j)
        })?;
        let reduce = reduce_ops::Reduce { dimensions: smallvec![self.axis as i64] };
        let operands = [args[0], indices, worst, zero];
        let outs_all = cx.builder.op_full(reduce.into(), &operands, vec![block], None, Attributes::new())?;
        debug_assert_eq!(outs.len(), 1);
        Ok(smallvec![outs_all[1]])
    }

    fn jvp(&self, primals: &[Array], _: &[Option<Array>]) -> (Arrays, Tangents) {
        zero_jvp(Prim::new(self.clone()), primals)
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        let mapped = dims[0].expect("the one operand is mapped");
        let axis = self.axis + (self.axis >= mapped) as usize;
        let prim = Prim::new(ArgMinMax { axis, ..self.clone() });
        batched(bind1(prim, args), mapped - (axis < mapped) as usize)
    }

    fn samples() -> Vec<Sample> {
        let mut samples = Vec::new();
        for max in [true, false] {
            let sample = |arg: SampleArg, axis: usize| {
                let prim = Prim::new(ArgMinMax { max, axis, index_dtype: DType::I32 });
                Sample::new(prim, [arg]).not_differentiable()
            };
            samples.push(sample(SampleArg::f32([5]), 0));
            samples.push(sample(SampleArg::values([2, 3], DType::F32, [1.0, 2.0, 2.0, 0.0]), 1));
            samples.push(sample(SampleArg::values([4], DType::F32, [1.0, f64::NAN, 7.0, f64::NAN]), 0));
            samples.push(sample(SampleArg::values([4], DType::I32, [3.0, 3.0, -1.0]), 0));
        }
        samples
    }
}

impl ArgMinMax {
    /// The better of two values with its index: NaN before all, the lower index among equals.
    fn pick(&self, cx: &mut LowerCx<'_>, x: Value, i: Value, y: Value, j: Value) -> Result<Values> {
        let kind = |dtype: DType| match dtype {
            d if d.is_float() => ops::CompareType::Float,
            d if d.is_signed() => ops::CompareType::Signed,
            _ => ops::CompareType::Unsigned,
        };
        let values = kind(cx.tensor(x)?.element);
        let compare = |direction, compare_type| ops::Compare { direction, compare_type: Some(compare_type) };
        let better = if self.max { ops::Direction::Gt } else { ops::Direction::Lt };
        let wins = cx.op(compare(better, values), &[x, y])?;
        let nan = cx.op(compare(ops::Direction::Ne, values), &[x, x])?;
        let wins = cx.op(ops::Binary::Or, &[wins, nan])?;
        let equal = cx.op(compare(ops::Direction::Eq, values), &[x, y])?;
        let first = cx.op(compare(ops::Direction::Lt, kind(self.index_dtype)), &[i, j])?;
        let tie = cx.op(ops::Binary::And, &[equal, first])?;
        let wins_index = cx.op(ops::Binary::Or, &[wins, tie])?;
        Ok(smallvec![cx.op(ops::Select, &[wins, x, y])?, cx.op(ops::Select, &[wins_index, i, j])?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lax::{complex, cummax, cummin, imag, max, reduce_window};

    /// Against jax 0.10.2.
    #[test]
    fn complex_numbers_are_ordered_by_real_parts_first() {
        let z = complex(&Array::from([1.0f32, 1.0, 0.0]), &Array::from([2.0f32, 3.0, 9.0]));
        assert_eq!(reduce_max(&z, &[0]).to_string(), "(1+3j)");
        assert_eq!(imag(&reduce_min(&z, &[0])).item::<f32>(), 9.0);
        assert_eq!(cummax(&z, 0, false).to_string(), "[1.+2.j 1.+3.j 1.+3.j]");
        assert_eq!(cummin(&z, 0, false).to_string(), "[1.+2.j 1.+2.j 0.+9.j]");
        let low = Array::scalar(f64::NEG_INFINITY, DType::C64, false);
        let windows = reduce_window(&z, &low, max, &[2], &[1], "VALID", None, None);
        assert_eq!(windows.to_string(), "[1.+3.j 1.+3.j]");
        let nothing = slice_in_dim(&z, 0, Some(0), 1, 0);
        assert_eq!(reduce_max(&nothing, &[0]).to_string(), "(-inf+0j)");
        let (x, y) = ([1.0f32, 1.0, f32::NAN], [2.0f32, 2.0, 3.0]);
        let (s, t) = ([0.0f32, 5.0, 1.0], [f32::NAN, f32::NAN, 1.0]);
        let [x, y, s, t] = [x, y, s, t].map(Array::from);
        assert_eq!(max(&complex(&x, &y), &complex(&s, &t)).to_string(), "[1. +2.j 5.+nanj 1. +1.j]");
    }
}
