//! Other element types: convert_element_type, bitcast_convert_type, reduce_precision; and stop_gradient.

use crate::error::Result;
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values, numpy_name,
};
use jacinth_lowering::ops::elementwise as ops;
use smallvec::smallvec;

use super::rules::{batched, bind1, ensure, linear_jvp, show, zero_jvp};

/// The elements as another dtype: integers wrap around, floats lose their fraction as integers, anything but zero is true as a boolean, and of a
/// complex number the real part stays.
///
/// ```
/// # use jacinth_frontend::{Array, DType, lax};
/// let x = Array::from([2.7f32, -2.7]);
/// assert_eq!(lax::convert_element_type(&x, DType::I32).to_vec::<i32>(), [2, -2]);
/// let wrapped = lax::convert_element_type(&Array::from([300, -1]), DType::UI8);
/// assert_eq!(wrapped.to_vec::<u8>(), [44, 255]);
/// ```
#[track_caller]
pub fn convert_element_type(operand: &Array, new_dtype: DType) -> Array {
    convert_weakly(operand, new_dtype, false)
}

/// [`convert_element_type`], saying whether the result's type is weak.
#[track_caller]
pub(crate) fn convert_weakly(operand: &Array, new_dtype: DType, weak_type: bool) -> Array {
    if operand.dtype() == new_dtype && operand.weak_type() == weak_type {
        return operand.clone();
    }
    // A host scalar is converted on the host.
    if let Some(literal) = operand.as_literal() {
        return Array::scalar(literal.value(), new_dtype, weak_type);
    }
    bind1(Prim::new(ConvertElementType { new_dtype, weak_type }), std::slice::from_ref(operand))
}

/// The same bits as another dtype; one of another width adds or removes a last dimension: `u32[n] → u8[n, 4]` and back.
///
/// ```
/// # use jacinth_frontend::{Array, DType, lax};
/// let bits = lax::bitcast_convert_type(&Array::from(1.0f32), DType::UI32);
/// assert_eq!(bits.item::<u32>(), 0x3f80_0000);
/// ```
///
/// # Panics
/// If a dtype is boolean, or complex beside one that is not, or the last dimension is not the quotient of the widths.
#[track_caller]
pub fn bitcast_convert_type(operand: &Array, new_dtype: DType) -> Array {
    bind1(Prim::new(BitcastConvertType { new_dtype }), std::slice::from_ref(operand))
}

/// Rounds to a float of fewer exponent and mantissa bits, in the operand's dtype: what cannot be told apart there becomes equal.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// // As a bfloat16 has it: 8 bits of exponent, 7 of mantissa.
/// let x = Array::from([1.0f32 + 1.0 / 128.0, 1.001]);
/// assert_eq!(lax::reduce_precision(&x, 8, 7).to_vec::<f32>(), [1.0078125, 1.0]);
/// ```
///
/// # Panics
/// If the elements are not floating-point numbers.
#[track_caller]
pub fn reduce_precision(operand: &Array, exponent_bits: u32, mantissa_bits: u32) -> Array {
    bind1(Prim::new(ReducePrecision { exponent_bits, mantissa_bits }), std::slice::from_ref(operand))
}

/// The same value, whose derivative is zero.
///
/// ```
/// # use jacinth_frontend::{Array, grad, lax};
/// let slope = grad(|x: &Array| x * lax::stop_gradient(x));
/// assert_eq!(slope(&Array::from(3.0)).item::<f32>(), 3.0);
/// ```
#[track_caller]
pub fn stop_gradient(x: &Array) -> Array {
    bind1(&StopGradient, std::slice::from_ref(x))
}

/// `convert_element_type`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConvertElementType {
    /// The dtype of the result.
    pub new_dtype: DType,
    /// Whether the result's type is weak.
    pub weak_type: bool,
}

impl Primitive for ConvertElementType {
    fn name(&self) -> &'static str {
        "convert_element_type"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.dtype("new_dtype", self.new_dtype);
        params.flag("weak_type", self.weak_type);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let shape = args[0].shape.iter().copied();
        Ok(smallvec![Aval::with_weak_type(shape, self.new_dtype, self.weak_type)])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::elementwise(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let mut operand = args[0];
        let mut from = cx.tensor(operand)?.element;
        if from.is_complex() && !self.new_dtype.is_complex() {
            operand = cx.op(ops::Unary::Real, &[operand])?;
            from = from.real();
        }
        if !self.new_dtype.is_boolean() || from.is_boolean() {
            return Ok(smallvec![cx.op_as(ops::Convert, &[operand], &outs[0])?]);
        }
        // To a boolean is whether it differs from zero.
        let compare_type = match from {
            f if f.is_float() => ops::CompareType::Float,
            s if s.is_signed() => ops::CompareType::Signed,
            _ => ops::CompareType::Unsigned,
        };
        let zero = cx.constant(0, &Aval::new(outs[0].shape.iter().copied(), from))?;
        let compare = ops::Compare { direction: ops::Direction::Ne, compare_type: Some(compare_type) };
        Ok(smallvec![cx.op(compare, &[operand, zero])?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        if !self.new_dtype.is_float() && !self.new_dtype.is_complex() {
            return zero_jvp(Prim::new(self.clone()), primals);
        }
        let out = bind1(Prim::new(self.clone()), primals);
        let tangent = tangents[0].as_ref().map(|t| convert_element_type(t, self.new_dtype));
        (smallvec![out], smallvec![tangent])
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let aval = args[0].aval();
        Linear::Cotangents(smallvec![cts[0].as_ref().map(|ct| convert_weakly(
            ct,
            aval.dtype,
            aval.weak_type
        ))])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        batched(bind1(Prim::new(self.clone()), args), dims[0].expect("the one operand is mapped"))
    }

    fn samples() -> Vec<Sample> {
        let sample = |arg: SampleArg, new_dtype| {
            Sample::new(Prim::new(ConvertElementType { new_dtype, weak_type: false }), [arg])
        };
        // What a float is as an integer that cannot hold it, no one says.
        let numbers = || SampleArg::values([2, 3], DType::F32, [0.0, 1.0, 0.5, 100.0, 2.75]);
        let mut samples: Vec<Sample> =
            Sample::DTYPES.into_iter().map(|new_dtype| sample(numbers(), new_dtype)).collect();
        samples.extend([
            sample(SampleArg::f32([3]), DType::I32).not_differentiable(),
            sample(SampleArg::f32([2, 3]), DType::F32),
            sample(SampleArg::range([7], DType::I32, -1.0, 1.0), DType::UI8),
            sample(SampleArg::range([7], DType::I32, -1.0, 1.0), DType::F32),
        ]);
        samples
    }
}

/// `bitcast_convert_type`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BitcastConvertType {
    /// The dtype of the result.
    pub new_dtype: DType,
}

impl Primitive for BitcastConvertType {
    fn name(&self) -> &'static str {
        "bitcast_convert_type"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.dtype("new_dtype", self.new_dtype);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let operand = args[0];
        let (old, new) = (operand.dtype, self.new_dtype);
        let plain = |dtype: DType| !dtype.is_boolean() && !dtype.is_complex();
        ensure!(
            old == new || (plain(old) && plain(new)),
            "bitcast_convert_type" => "cannot reinterpret {} as {}: booleans and complex numbers have no bits of their own",
            numpy_name(old),
            numpy_name(new)
        );
        let mut shape = operand.shape.clone();
        let (from, to) = (old.bits(), new.bits());
        if from < to {
            ensure!(
                shape.last() == Some(&(to / from)) && to % from == 0,
                "bitcast_convert_type" => "from {} to {} the last dimension must have size {}, got shape {}",
                numpy_name(old),
                numpy_name(new),
                to / from,
                show(&operand.shape)
            );
            shape.pop();
        } else if from > to {
            ensure!(
                from % to == 0,
                "bitcast_convert_type" => "the width of {} is no multiple of that of {}",
                numpy_name(old),
                numpy_name(new)
            );
            shape.push(from / to);
        }
        Ok(smallvec![Aval::new(shape, new)])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        let rank = args[0].rank().min(outs[0].rank());
        let factors = |aval: &Aval| -> Vec<Option<u32>> {
            (0..aval.rank()).map(|d| (d < rank && aval.shape[d] != 1).then_some(d as u32)).collect()
        };
        ShardingRule { operands: vec![factors(args[0])], results: vec![factors(&outs[0])] }
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        Ok(smallvec![cx.op_as(ops::BitcastConvert, args, &outs[0])?])
    }

    fn jvp(&self, primals: &[Array], _: &[Option<Array>]) -> (Arrays, Tangents) {
        zero_jvp(Prim::new(self.clone()), primals)
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        // The last dimension may disappear: the mapped one goes first.
        let front = super::rules::at_front(&args[0], dims[0], axis.size);
        batched(bind1(Prim::new(self.clone()), &[front]), 0)
    }

    fn samples() -> Vec<Sample> {
        let sample = |shape: &[usize], from, new_dtype| {
            let arg = SampleArg::range(shape.iter().copied(), from, 1.0, 100.0);
            Sample::new(Prim::new(BitcastConvertType { new_dtype }), [arg]).not_differentiable()
        };
        // Each of the others is also varied over what has the width that fits.
        vec![
            sample(&[2, 3], DType::F32, DType::I32),
            sample(&[2, 3], DType::F32, DType::BF16),
            sample(&[3], DType::I32, DType::UI8),
            sample(&[3, 2], DType::I16, DType::I32),
            sample(&[3, 4], DType::I16, DType::F64),
            sample(&[3, 2], DType::UI8, DType::F16),
        ]
    }
}

/// `reduce_precision`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReducePrecision {
    /// How many bits of exponent are left.
    pub exponent_bits: u32,
    /// How many bits of mantissa are left.
    pub mantissa_bits: u32,
}

impl Primitive for ReducePrecision {
    fn name(&self) -> &'static str {
        "reduce_precision"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.show("exponent_bits", self.exponent_bits);
        params.show("mantissa_bits", self.mantissa_bits);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        ensure!(
            args[0].dtype.is_float(),
            "reduce_precision" => "the operand must be floating point, got {}",
            numpy_name(args[0].dtype)
        );
        ensure!(self.exponent_bits > 0, "reduce_precision" => "exponent_bits must be positive, got 0");
        Ok(smallvec![args[0].clone()])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::elementwise(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], _: &[Aval]) -> Result<Values> {
        let op = ops::ReducePrecision {
            exponent_bits: self.exponent_bits as i32,
            mantissa_bits: self.mantissa_bits as i32,
        };
        Ok(smallvec![cx.op(op, args)?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        linear_jvp(Prim::new(self.clone()), primals, tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], _: &[Operand]) -> Linear {
        let reduce = |ct: &Array| reduce_precision(ct, self.exponent_bits, self.mantissa_bits);
        Linear::Cotangents(smallvec![cts[0].as_ref().map(reduce)])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        batched(bind1(Prim::new(self.clone()), args), dims[0].expect("the one operand is mapped"))
    }

    fn samples() -> Vec<Sample> {
        let prim = Prim::new(ReducePrecision { exponent_bits: 5, mantissa_bits: 10 });
        // A staircase: finite differences say nothing of it.
        vec![Sample::new(prim, [SampleArg::f32([2, 3])]).not_differentiable()]
    }
}

/// `stop_gradient`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StopGradient;

impl Primitive for StopGradient {
    fn name(&self) -> &'static str {
        "stop_gradient"
    }

    fn params<'a>(&'a self, _: &mut Params<'a>) {}

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        Ok(smallvec![args[0].clone()])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::elementwise(args, outs)
    }

    fn lower(&self, _: &mut LowerCx<'_>, args: &[Value], _: &[Aval]) -> Result<Values> {
        Ok(smallvec![args[0]])
    }

    fn jvp(&self, primals: &[Array], _: &[Option<Array>]) -> (Arrays, Tangents) {
        // Bound again, so that enclosing differentiations stop as well.
        zero_jvp(Prim::Static(&StopGradient), primals)
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        batched(stop_gradient(&args[0]), dims[0].expect("the one operand is mapped"))
    }

    fn samples() -> Vec<Sample> {
        vec![Sample::new(&StopGradient, [SampleArg::f32([2, 3])]).not_differentiable()]
    }
}
