//! Primitives of one operand, element by element: a table, and the two that have a parameter.
//!
//! A row says: name, StableHLO operation, accepted dtypes, result dtype, domain for tests, derivative. Adding one is adding a
//! row (and its name to the list in `lax/mod.rs`).

use std::fmt;
use std::hash::{Hash, Hasher};

use jacinth_lowering::ops::elementwise::{Binary as HloBinary, Unary as Hlo};
use smallvec::smallvec;

use super::binary::replace_zero;
use super::{
    Accepts, add, batch_elementwise, bessel_i0e, complex, convert_element_type, div, full_like, ge, gt, mul,
    scalar_like, select, sub,
};
use crate::error::{Error, Result};
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values,
};
use crate::trace::{bind, bind1};

/// A row of the table: a primitive of one operand without parameters.
pub struct Unary {
    name: &'static str,
    row: fn() -> &'static Unary,
    op: Lowering,
    accepts: Accepts,
    result: fn(DType) -> DType,
    /// Where samples are drawn from.
    domain: (f64, f64),
    derivative: Derivative,
}

/// How a row lowers.
enum Lowering {
    /// As this operation.
    Op(Hlo),
    /// In its own way.
    With(fn(&mut LowerCx<'_>, Value, &Aval) -> Result<Value>),
}

/// How a row differentiates.
enum Derivative {
    /// The tangent from the operand's tangent `g`, the operand `x` and the result `ans`.
    Of(fn(g: &Array, x: &Array, ans: &Array) -> Array),
    /// Zero, or without meaning because the result is not a number of the continuum.
    Zero,
    /// The operation is linear: its tangent is itself, its transpose this.
    Linear(fn(ct: &Array) -> Array),
}

use Derivative::{Linear as Lin, Of, Zero};
use Lowering::{Op, With};

fn same(dtype: DType) -> DType {
    dtype
}

fn boolean(_: DType) -> DType {
    DType::I1
}

fn real_part(dtype: DType) -> DType {
    dtype.real()
}

/// The rows, as functions so that they do not hide the functions that apply them.
struct Rows;

macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident: $op:expr, $accepts:ident -> $result:ident, $domain:expr, $derivative:expr;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Panics
            /// If the operand's dtype is not accepted.
            #[track_caller]
            #[allow(unreachable_pub, reason = "some stand behind functions of the same names that take more")]
            pub fn $name(x: &Array) -> Array {
                bind1(Rows::$name(), std::slice::from_ref(x))
            }
        )*

        impl Rows {
            $(fn $name() -> &'static Unary {
                static ROW: Unary = Unary {
                    name: stringify!($name),
                    row: Rows::$name,
                    op: $op,
                    accepts: Accepts::$accepts,
                    result: $result,
                    domain: $domain,
                    derivative: $derivative,
                };
                &ROW
            })*
        }

        fn table() -> Vec<&'static Unary> {
            vec![$(Rows::$name()),*]
        }
    };
}

unary! {
    /// `-x`, element by element.
    neg: Op(Hlo::Negate), NUMERIC -> same, (-2.0, 2.0), Lin(|ct| neg(ct));
    /// −1, 0 or 1 (NaN stays NaN); of a complex number the number divided by its magnitude.
    sign: With(lower_sign), NUMERIC -> same, (-2.0, 2.0), Zero;
    /// The largest integer not above `x`.
    floor: Op(Hlo::Floor), FLOAT -> same, (-2.0, 2.0), Zero;
    /// The smallest integer not below `x`.
    ceil: Op(Hlo::Ceil), FLOAT -> same, (-2.0, 2.0), Zero;
    /// Whether `x` is neither infinite nor NaN.
    is_finite: Op(Hlo::IsFinite), FLOAT -> boolean, (-2.0, 2.0), Zero;
    /// `eˣ`.
    exp: Op(Hlo::Exponential), INEXACT -> same, (-2.0, 2.0), Of(|g, _, ans| mul(g, ans));
    /// `2ˣ`.
    exp2: With(lower_exp2), INEXACT -> same, (-2.0, 2.0),
        Of(|g, x, ans| mul(&scalar_like(x, std::f64::consts::LN_2), &mul(g, ans)));
    /// The natural logarithm; NaN for negative numbers.
    log: Op(Hlo::Log), INEXACT -> same, (0.2, 3.0), Of(|g, x, _| div(g, x));
    /// `eˣ - 1`, accurate near zero.
    expm1: Op(Hlo::ExponentialMinusOne), INEXACT -> same, (-2.0, 2.0),
        Of(|g, _, ans| mul(g, &add(ans, &scalar_like(ans, 1.0))));
    /// `log(1 + x)`, accurate near zero.
    log1p: Op(Hlo::LogPlusOne), INEXACT -> same, (-0.7, 2.0), Of(|g, x, _| div(g, &add(x, &scalar_like(x, 1.0))));
    /// The hyperbolic tangent.
    tanh: Op(Hlo::Tanh), INEXACT -> same, (-2.0, 2.0),
        Of(|g, x, ans| mul(&add(g, &mul(g, ans)), &sub(&scalar_like(x, 1.0), ans)));
    /// The logistic function `1 / (1 + e⁻ˣ)`.
    logistic: Op(Hlo::Logistic), INEXACT -> same, (-2.0, 2.0),
        Of(|g, _, ans| mul(&mul(g, ans), &sub(&scalar_like(ans, 1.0), ans)));
    /// Sine.
    sin: Op(Hlo::Sine), INEXACT -> same, (-2.0, 2.0), Of(|g, x, _| mul(g, &cos(x)));
    /// Cosine.
    cos: Op(Hlo::Cosine), INEXACT -> same, (-2.0, 2.0), Of(|g, x, _| neg(&mul(g, &sin(x))));
    /// Tangent.
    tan: Op(Hlo::Tan), INEXACT -> same, (-1.0, 1.0),
        Of(|g, x, ans| mul(g, &add(&scalar_like(x, 1.0), &square(ans))));
    /// The angle between −π/2 and π/2 whose sine is `x`.
    asin: Op(Hlo::Asin), INEXACT -> same, (-0.8, 0.8),
        Of(|g, x, _| mul(g, &rsqrt(&sub(&scalar_like(x, 1.0), &square(x)))));
    /// The angle between 0 and π whose cosine is `x`.
    acos: Op(Hlo::Acos), INEXACT -> same, (-0.8, 0.8),
        Of(|g, x, _| mul(g, &neg(&rsqrt(&sub(&scalar_like(x, 1.0), &square(x))))));
    /// The angle between −π/2 and π/2 whose tangent is `x`.
    atan: Op(Hlo::Atan), INEXACT -> same, (-2.0, 2.0),
        Of(|g, x, _| div(g, &add(&scalar_like(x, 1.0), &square(x))));
    /// Hyperbolic sine.
    sinh: Op(Hlo::Sinh), INEXACT -> same, (-2.0, 2.0), Of(|g, x, _| mul(g, &cosh(x)));
    /// Hyperbolic cosine.
    cosh: Op(Hlo::Cosh), INEXACT -> same, (-2.0, 2.0), Of(|g, x, _| mul(g, &sinh(x)));
    /// Inverse hyperbolic sine.
    asinh: Op(Hlo::Asinh), INEXACT -> same, (-2.0, 2.0),
        Of(|g, x, _| mul(g, &rsqrt(&add(&square(x), &scalar_like(x, 1.0)))));
    /// Inverse hyperbolic cosine; NaN below one.
    acosh: Op(Hlo::Acosh), INEXACT -> same, (1.3, 3.0), Of(|g, x, _| {
        let one = scalar_like(x, 1.0);
        mul(g, &rsqrt(&mul(&sub(x, &one), &add(x, &one))))
    });
    /// Inverse hyperbolic tangent; infinite at ±1, NaN beyond.
    atanh: Op(Hlo::Atanh), INEXACT -> same, (-0.8, 0.8), Of(|g, x, _| {
        let one = scalar_like(x, 1.0);
        mul(&div(&one, &add(&one, x)), &div(g, &sub(&one, x)))
    });
    /// The real cube root.
    cbrt: Op(Hlo::Cbrt), FLOAT -> same, (0.2, 3.0),
        Of(|g, x, ans| mul(g, &div(ans, &mul(&scalar_like(x, 3.0), x))));
    /// The square root; NaN for negative numbers.
    sqrt: Op(Hlo::Sqrt), INEXACT -> same, (0.2, 3.0), Of(|g, x, ans| mul(g, &div(&scalar_like(x, 0.5), ans)));
    /// `1 / √x`.
    rsqrt: Op(Hlo::Rsqrt), INEXACT -> same, (0.2, 3.0),
        Of(|g, x, ans| mul(g, &mul(&scalar_like(x, -0.5), &div(ans, x))));
    /// `x · x`.
    square: With(lower_square), NUMERIC -> same, (-2.0, 2.0), Of(|g, x, _| mul(g, &mul(&scalar_like(x, 2.0), x)));
    /// The absolute value; of a complex number its magnitude, which is real.
    abs: Op(Hlo::Abs), SIGNED_NUMERIC -> real_part, (-2.0, 2.0), Of(|g, x, ans| {
        if x.dtype().is_complex() {
            let size = replace_zero(&convert_element_type(ans, x.dtype()));
            return real(&mul(g, &div(&conj(x), &size)));
        }
        select(&ge(x, &scalar_like(x, 0.0)), g, &neg(g))
    });
    /// The error function.
    erf: Op(Hlo::Erf), FLOAT -> same, (-2.0, 2.0), Of(|g, x, _| {
        mul(&scalar_like(x, std::f64::consts::FRAC_2_SQRT_PI), &mul(g, &exp(&neg(&square(x)))))
    });
    /// The complementary error function `1 - erf(x)`.
    erfc: Op(Hlo::Erfc), FLOAT -> same, (-2.0, 2.0), Of(|g, x, _| {
        mul(&scalar_like(x, -std::f64::consts::FRAC_2_SQRT_PI), &mul(g, &exp(&neg(&square(x)))))
    });
    /// The inverse of the error function on (−1, 1).
    erf_inv: Op(Hlo::ErfInv), FLOAT -> same, (-0.8, 0.8), Of(|g, x, ans| {
        mul(&scalar_like(x, 1.0 / std::f64::consts::FRAC_2_SQRT_PI), &mul(g, &exp(&square(ans))))
    });
    /// The logarithm of the absolute value of the gamma function.
    lgamma: Op(Hlo::Lgamma), FLOAT -> same, (0.5, 3.0), Of(|g, x, _| mul(g, &digamma(x)));
    /// The derivative of `lgamma`.
    digamma: Op(Hlo::Digamma), FLOAT -> same, (0.5, 3.0),
        Of(|g, x, _| mul(g, &super::binary::polygamma(&scalar_like(x, 1.0), x)));
    /// The exponentially scaled modified Bessel function of order one, `e^{-|x|} I₁(x)`.
    bessel_i1e: Op(Hlo::BesselI1e), FLOAT -> same, (0.5, 3.0), Of(|g, x, ans| {
        // Near zero the quotient by x is one half.
        let epsilon = if x.dtype() == DType::F64 { f64::EPSILON } else { f32::EPSILON as f64 };
        let [tiny, half] = [epsilon, 0.5].map(|v| full_like(x, v));
        let safe = gt(&abs(x), &tiny);
        let y = select(&safe, x, &tiny);
        let slope = sub(&bessel_i0e(&y), &mul(ans, &add(&sign(&y), &div(&scalar_like(&y, 1.0), &y))));
        mul(g, &select(&safe, &slope, &half))
    });
    /// The real part.
    real: Op(Hlo::Real), COMPLEX -> real_part, (-2.0, 2.0), Lin(|ct| complex(ct, &scalar_like(ct, 0.0)));
    /// The imaginary part.
    imag: Op(Hlo::Imag), COMPLEX -> real_part, (-2.0, 2.0), Lin(|ct| complex(&scalar_like(ct, 0.0), &neg(ct)));
    /// The complex conjugate.
    conj: Op(Hlo::Conj), COMPLEX -> same, (-2.0, 2.0), Lin(|ct| conj(ct));
    /// Bitwise, for booleans logical, negation.
    not: Op(Hlo::Not), BITS -> same, (0.0, 100.0), Zero;
    /// The number of one bits.
    population_count: Op(Hlo::Popcnt), INT -> same, (0.0, 100.0), Zero;
    /// The number of leading zero bits.
    clz: Op(Hlo::CountLeadingZeros), INT -> same, (0.0, 100.0), Zero;
}

/// Of unsigned integers, which the operation does not take, whether they are not zero.
fn lower_sign(cx: &mut LowerCx<'_>, x: Value, out: &Aval) -> Result<Value> {
    if !out.dtype.is_unsigned() {
        return cx.op(Hlo::Sign, &[x]);
    }
    let one = cx.constant(1, out)?;
    cx.op(HloBinary::Minimum, &[x, one])
}

fn lower_square(cx: &mut LowerCx<'_>, x: Value, _: &Aval) -> Result<Value> {
    cx.op(HloBinary::Multiply, &[x, x])
}

fn lower_exp2(cx: &mut LowerCx<'_>, x: Value, out: &Aval) -> Result<Value> {
    let ln2 = cx.constant(std::f64::consts::LN_2, out)?;
    let scaled = cx.op(HloBinary::Multiply, &[ln2, x])?;
    cx.op(Hlo::Exponential, &[scaled])
}

impl Primitive for Unary {
    fn name(&self) -> &'static str {
        self.name
    }

    fn params<'a>(&'a self, _: &mut Params<'a>) {}

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let x = args[0];
        self.accepts.check(self.name, x.dtype)?;
        let dtype = (self.result)(x.dtype);
        Ok(smallvec![if dtype == x.dtype { x.clone() } else { x.with_dtype(dtype) }])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::elementwise(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        Ok(smallvec![match self.op {
            Op(op) => cx.op(op, args)?,
            With(lower) => lower(cx, args[0], &outs[0])?,
        }])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let prim = self.row();
        let ans = bind1(prim.clone(), primals);
        let tangent = tangents[0].as_ref().and_then(|g| match self.derivative {
            Of(rule) => Some(rule(g, &primals[0], &ans)),
            Zero => None,
            Lin(_) => Some(bind1(prim, std::slice::from_ref(g))),
        });
        (smallvec![ans], smallvec![tangent])
    }

    fn transpose(&self, cts: &[Option<Array>], _: &[Operand]) -> Linear {
        match self.derivative {
            Lin(transpose) => Linear::Cotangents(smallvec![cts[0].as_ref().map(transpose)]),
            Of(_) | Zero => Linear::No,
        }
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        (bind(self.row(), args), dims.into())
    }

    fn samples() -> Vec<Sample> {
        table()
            .into_iter()
            .map(|row| {
                let dtypes = [DType::F32, DType::C64, DType::I32];
                let dtype =
                    dtypes.into_iter().find(|d| row.accepts.contains(*d)).expect("rows accept something");
                let arg = |dtype| SampleArg::range([2, 3], dtype, row.domain.0, row.domain.1);
                if row.name == "sign" {
                    // Of a complex number it moves, but its derivative is zero, as JAX has it.
                    return Sample::of(move |dtype| {
                        let sample = Sample::new(row, [arg(dtype)]);
                        if dtype.is_complex() { sample.not_differentiable() } else { sample }
                    });
                }
                Sample::new(row, [arg(dtype)])
            })
            .collect()
    }
}

impl Unary {
    /// The row as a primitive.
    fn row(&self) -> Prim {
        Prim::Static((self.row)())
    }
}

/// Rows are equal if they are the same row.
impl PartialEq for Unary {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Unary {}

impl Hash for Unary {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Debug for Unary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// `xʸ` for a fixed integer `y`, by repeated multiplication.
///
/// # Panics
/// If `y` is negative and `x` holds integers.
#[track_caller]
pub fn integer_pow(x: &Array, y: i32) -> Array {
    bind1(Prim::new(IntegerPow { y }), std::slice::from_ref(x))
}

/// See [`integer_pow`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct IntegerPow {
    /// The exponent.
    pub y: i32,
}

impl Primitive for IntegerPow {
    fn name(&self) -> &'static str {
        "integer_pow"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.show("y", self.y);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        Accepts::NUMERIC.check("integer_pow", args[0].dtype)?;
        if self.y < 0 && args[0].dtype.is_integer() {
            let message = format!("integers cannot be raised to negative powers, got y={}", self.y);
            return Err(Error::operands("integer_pow", message));
        }
        Ok(smallvec![args[0].clone()])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::elementwise(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let mut power: Option<Value> = None;
        let (mut base, mut left) = (args[0], self.y.unsigned_abs());
        while left > 0 {
            if left & 1 == 1 {
                power = Some(match power {
                    Some(p) => cx.op(HloBinary::Multiply, &[p, base])?,
                    None => base,
                });
            }
            left >>= 1;
            if left > 0 {
                base = cx.op(HloBinary::Multiply, &[base, base])?;
            }
        }
        let Some(power) = power else { return Ok(smallvec![cx.constant(1.0, &outs[0])?]) };
        if self.y > 0 {
            return Ok(smallvec![power]);
        }
        let one = cx.constant(1.0, &outs[0])?;
        Ok(smallvec![cx.op(HloBinary::Divide, &[one, power])?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let (x, y) = (&primals[0], self.y);
        let ans = integer_pow(x, y);
        let tangent = tangents[0].as_ref().and_then(|g| match y {
            0 => None,
            1 => Some(g.clone()),
            2 => Some(mul(g, &mul(&scalar_like(x, 2.0), x))),
            _ => Some(mul(g, &mul(&scalar_like(x, y as f64), &integer_pow(x, y - 1)))),
        });
        (smallvec![ans], smallvec![tangent])
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        batch_elementwise(Prim::new(self.clone()), args, dims)
    }

    fn samples() -> Vec<Sample> {
        [-2, 0, 1, 2, 3, 6]
            .map(|y| {
                Sample::new(Prim::new(IntegerPow { y }), [SampleArg::range([2, 3], DType::F32, 0.5, 2.0)])
            })
            .into()
    }
}

/// The nearest integer; `rounding` says which of two equally near.
#[track_caller]
pub fn round(x: &Array, rounding: RoundingMethod) -> Array {
    bind1(Prim::new(Round { rounding }), std::slice::from_ref(x))
}

/// Which of two equally near integers [`round`] takes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum RoundingMethod {
    /// The one further from zero.
    #[default]
    AwayFromZero,
    /// The even one.
    ToNearestEven,
}

/// See [`round`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Round {
    /// Which of two equally near integers is taken.
    pub rounding: RoundingMethod,
}

impl Primitive for Round {
    fn name(&self) -> &'static str {
        "round"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.show(
            "rounding_method",
            match self.rounding {
                RoundingMethod::AwayFromZero => "0",
                RoundingMethod::ToNearestEven => "1",
            },
        );
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        Accepts::FLOAT.check("round", args[0].dtype)?;
        Ok(smallvec![args[0].clone()])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::elementwise(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], _: &[Aval]) -> Result<Values> {
        let op = match self.rounding {
            RoundingMethod::AwayFromZero => Hlo::RoundNearestAfz,
            RoundingMethod::ToNearestEven => Hlo::RoundNearestEven,
        };
        Ok(smallvec![cx.op(op, args)?])
    }

    fn jvp(&self, primals: &[Array], _: &[Option<Array>]) -> (Arrays, Tangents) {
        (smallvec![round(&primals[0], self.rounding)], smallvec![None])
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        batch_elementwise(Prim::new(self.clone()), args, dims)
    }

    fn samples() -> Vec<Sample> {
        [RoundingMethod::AwayFromZero, RoundingMethod::ToNearestEven]
            .map(|rounding| Sample::new(Prim::new(Round { rounding }), [SampleArg::f32([2, 3])]))
            .into()
    }
}
