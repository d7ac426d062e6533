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
    Accepts, accepted, add, batch_elementwise, bessel_i0e, complex, convert_element_type, div, full_like, ge,
    gt, mul, scalar_like, select, sub,
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
            #[doc = concat!("If the elements are not ", accepted!($accepts), ".")]
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
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([1.5f32, -2.0, 0.0]);
    /// assert_eq!(lax::neg(&x).to_string(), "[-1.5  2.  -0. ]");
    /// ```
    neg: Op(Hlo::Negate), NUMERIC -> same, (-2.0, 2.0), Lin(|ct| neg(ct));
    /// −1, 0 or 1 (NaN stays NaN); of a complex number the number divided by its magnitude.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([-3.0f32, 0.0, 0.5]);
    /// assert_eq!(lax::sign(&x).to_vec::<f32>(), [-1.0, 0.0, 1.0]);
    /// let z = lax::complex(&Array::from(3.0), &Array::from(4.0));
    /// assert_eq!(lax::sign(&z).to_string(), "(0.6+0.8j)");
    /// ```
    sign: With(lower_sign), NUMERIC -> same, (-2.0, 2.0), Zero;
    /// The largest integer not above `x`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// assert_eq!(lax::floor(&Array::from([-1.5f32, 2.7])).to_vec::<f32>(), [-2.0, 2.0]);
    /// ```
    floor: Op(Hlo::Floor), FLOAT -> same, (-2.0, 2.0), Zero;
    /// The smallest integer not below `x`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// assert_eq!(lax::ceil(&Array::from([-1.5f32, 2.2])).to_vec::<f32>(), [-1.0, 3.0]);
    /// ```
    ceil: Op(Hlo::Ceil), FLOAT -> same, (-2.0, 2.0), Zero;
    /// Whether `x` is neither infinite nor NaN.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([1.0f32, f32::INFINITY, f32::NAN]);
    /// assert_eq!(lax::is_finite(&x).to_vec::<bool>(), [true, false, false]);
    /// ```
    is_finite: Op(Hlo::IsFinite), FLOAT -> boolean, (-2.0, 2.0), Zero;
    /// `eˣ`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// assert_eq!(lax::exp(&Array::from([0.0f32, f32::NEG_INFINITY])).to_vec::<f32>(), [1.0, 0.0]);
    /// ```
    exp: Op(Hlo::Exponential), INEXACT -> same, (-2.0, 2.0), Of(|g, _, ans| mul(g, ans));
    /// `2ˣ`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// assert_eq!(lax::exp2(&Array::from([0.0f32, 3.0, -1.0])).round_to(3).to_vec::<f32>(), [1.0, 8.0, 0.5]);
    /// ```
    exp2: With(lower_exp2), INEXACT -> same, (-2.0, 2.0),
        Of(|g, x, ans| mul(&scalar_like(x, std::f64::consts::LN_2), &mul(g, ans)));
    /// The natural logarithm; NaN for negative numbers.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([1.0f32, 0.0, -1.0]);
    /// assert_eq!(lax::log(&x).to_string(), "[  0. -inf  nan]");
    /// ```
    log: Op(Hlo::Log), INEXACT -> same, (0.2, 3.0), Of(|g, x, _| div(g, x));
    /// `eˣ - 1`, accurate near zero.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// // `exp(x) - 1` in single precision would be 0.
    /// assert_eq!(lax::expm1(&Array::from(1e-10f32)).item::<f32>(), 1e-10);
    /// ```
    expm1: Op(Hlo::ExponentialMinusOne), INEXACT -> same, (-2.0, 2.0),
        Of(|g, _, ans| mul(g, &add(ans, &scalar_like(ans, 1.0))));
    /// `log(1 + x)`, accurate near zero.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// // `log(1 + x)` in single precision would be 0.
    /// assert_eq!(lax::log1p(&Array::from(1e-10f32)).item::<f32>(), 1e-10);
    /// ```
    log1p: Op(Hlo::LogPlusOne), INEXACT -> same, (-0.7, 2.0), Of(|g, x, _| div(g, &add(x, &scalar_like(x, 1.0))));
    /// The hyperbolic tangent, between −1 and 1.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([0.0f32, 0.5, 20.0]);
    /// assert_eq!(lax::tanh(&x).round_to(4).to_string(), "[0.     0.4621 1.    ]");
    /// ```
    tanh: Op(Hlo::Tanh), INEXACT -> same, (-2.0, 2.0),
        Of(|g, x, ans| mul(&add(g, &mul(g, ans)), &sub(&scalar_like(x, 1.0), ans)));
    /// The logistic function `1 / (1 + e⁻ˣ)`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([-200.0f32, 0.0, 200.0]);
    /// assert_eq!(lax::logistic(&x).to_vec::<f32>(), [0.0, 0.5, 1.0]);
    /// ```
    logistic: Op(Hlo::Logistic), INEXACT -> same, (-2.0, 2.0),
        Of(|g, _, ans| mul(&mul(g, ans), &sub(&scalar_like(ans, 1.0), ans)));
    /// The sine, of radians.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, grad, lax};
    /// let slope = grad(|x: &Array| lax::sin(x));
    /// assert_eq!(slope(&Array::from(0.0)).item::<f32>(), 1.0);
    /// ```
    sin: Op(Hlo::Sine), INEXACT -> same, (-2.0, 2.0), Of(|g, x, _| mul(g, &cos(x)));
    /// The cosine, of radians.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([0.0f32, std::f32::consts::FRAC_PI_3]);
    /// assert_eq!(lax::cos(&x).round_to(4).to_string(), "[1.  0.5]");
    /// ```
    cos: Op(Hlo::Cosine), INEXACT -> same, (-2.0, 2.0), Of(|g, x, _| neg(&mul(g, &sin(x))));
    /// The tangent, of radians.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([0.0f32, std::f32::consts::FRAC_PI_4]);
    /// assert_eq!(lax::tan(&x).round_to(4).to_string(), "[0. 1.]");
    /// ```
    tan: Op(Hlo::Tan), INEXACT -> same, (-1.0, 1.0),
        Of(|g, x, ans| mul(g, &add(&scalar_like(x, 1.0), &square(ans))));
    /// The angle between −π/2 and π/2 whose sine is `x`; NaN for real numbers outside of −1 … 1.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([0.0f32, 0.5, 2.0]);
    /// assert_eq!(lax::asin(&x).round_to(4).to_string(), "[0.     0.5236    nan]");
    /// ```
    asin: Op(Hlo::Asin), INEXACT -> same, (-0.8, 0.8),
        Of(|g, x, _| mul(g, &rsqrt(&sub(&scalar_like(x, 1.0), &square(x)))));
    /// The angle between 0 and π whose cosine is `x`; NaN for real numbers outside of −1 … 1.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([1.0f32, -1.0, 2.0]);
    /// assert_eq!(lax::acos(&x).round_to(4).to_string(), "[0.     3.1416    nan]");
    /// ```
    acos: Op(Hlo::Acos), INEXACT -> same, (-0.8, 0.8),
        Of(|g, x, _| mul(g, &neg(&rsqrt(&sub(&scalar_like(x, 1.0), &square(x))))));
    /// The angle between −π/2 and π/2 whose tangent is `x`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([1.0f32, f32::NEG_INFINITY]);
    /// assert_eq!(lax::atan(&x).round_to(4).to_string(), "[ 0.7854 -1.5708]");
    /// ```
    atan: Op(Hlo::Atan), INEXACT -> same, (-2.0, 2.0),
        Of(|g, x, _| div(g, &add(&scalar_like(x, 1.0), &square(x))));
    /// The hyperbolic sine, `(eˣ - e⁻ˣ) / 2`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([-1.0f32, 0.0, 1.0]);
    /// assert_eq!(lax::sinh(&x).round_to(4).to_string(), "[-1.1752  0.      1.1752]");
    /// ```
    sinh: Op(Hlo::Sinh), INEXACT -> same, (-2.0, 2.0), Of(|g, x, _| mul(g, &cosh(x)));
    /// The hyperbolic cosine, `(eˣ + e⁻ˣ) / 2`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([-1.0f32, 0.0, 1.0]);
    /// assert_eq!(lax::cosh(&x).round_to(4).to_string(), "[1.5431 1.     1.5431]");
    /// ```
    cosh: Op(Hlo::Cosh), INEXACT -> same, (-2.0, 2.0), Of(|g, x, _| mul(g, &sinh(x)));
    /// The inverse of [`sinh`], `log(x + √(x² + 1))`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([-0.5f32, 1.5]);
    /// assert_eq!(lax::asinh(&lax::sinh(&x)).round_to(4).to_string(), "[-0.5  1.5]");
    /// ```
    asinh: Op(Hlo::Asinh), INEXACT -> same, (-2.0, 2.0),
        Of(|g, x, _| mul(g, &rsqrt(&add(&square(x), &scalar_like(x, 1.0)))));
    /// The inverse of [`cosh`] from 1 on, `log(x + √(x² - 1))`; NaN for real numbers below.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([1.0f32, 2.0, 0.5]);
    /// assert_eq!(lax::acosh(&x).round_to(4).to_string(), "[0.    1.317   nan]");
    /// ```
    acosh: Op(Hlo::Acosh), INEXACT -> same, (1.3, 3.0), Of(|g, x, _| {
        let one = scalar_like(x, 1.0);
        mul(g, &rsqrt(&mul(&sub(x, &one), &add(x, &one))))
    });
    /// The inverse of [`tanh`], `log((1 + x) / (1 - x)) / 2`; infinite at ±1, NaN for real numbers beyond.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([0.0f32, 1.0, 2.0]);
    /// assert_eq!(lax::atanh(&x).to_string(), "[ 0. inf nan]");
    /// ```
    atanh: Op(Hlo::Atanh), INEXACT -> same, (-0.8, 0.8), Of(|g, x, _| {
        let one = scalar_like(x, 1.0);
        mul(&div(&one, &add(&one, x)), &div(g, &sub(&one, x)))
    });
    /// The real cube root, of negative numbers too.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([-8.0f32, 0.0, 27.0]);
    /// assert_eq!(lax::cbrt(&x).round_to(4).to_string(), "[-2.  0.  3.]");
    /// ```
    cbrt: Op(Hlo::Cbrt), FLOAT -> same, (0.2, 3.0),
        Of(|g, x, ans| mul(g, &div(ans, &mul(&scalar_like(x, 3.0), x))));
    /// The square root; NaN for negative numbers.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([4.0f32, 2.25, -1.0]);
    /// assert_eq!(lax::sqrt(&x).to_string(), "[2.  1.5 nan]");
    /// ```
    sqrt: Op(Hlo::Sqrt), INEXACT -> same, (0.2, 3.0), Of(|g, x, ans| mul(g, &div(&scalar_like(x, 0.5), ans)));
    /// `1 / √x`; infinite at 0, NaN for negative numbers.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([4.0f32, 0.25, 0.0]);
    /// assert_eq!(lax::rsqrt(&x).to_string(), "[0.5 2.  inf]");
    /// ```
    rsqrt: Op(Hlo::Rsqrt), INEXACT -> same, (0.2, 3.0),
        Of(|g, x, ans| mul(g, &mul(&scalar_like(x, -0.5), &div(ans, x))));
    /// `x · x`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// assert_eq!(lax::square(&Array::from([-3, 2])).to_vec::<i32>(), [9, 4]);
    /// ```
    square: With(lower_square), NUMERIC -> same, (-2.0, 2.0), Of(|g, x, _| mul(g, &mul(&scalar_like(x, 2.0), x)));
    /// The absolute value; of a complex number its magnitude, which is real.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// assert_eq!(lax::abs(&Array::from([3.0f32, -1.0])).to_vec::<f32>(), [3.0, 1.0]);
    /// let z = lax::complex(&Array::from(3.0), &Array::from(-4.0));
    /// assert_eq!(lax::abs(&z).item::<f32>(), 5.0);
    /// ```
    abs: Op(Hlo::Abs), SIGNED_NUMERIC -> real_part, (-2.0, 2.0), Of(|g, x, ans| {
        if x.dtype().is_complex() {
            let size = replace_zero(&convert_element_type(ans, x.dtype()));
            return real(&mul(g, &div(&conj(x), &size)));
        }
        select(&ge(x, &scalar_like(x, 0.0)), g, &neg(g))
    });
    /// The error function, `2/√π ∫₀ˣ e^(-t²) dt`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([-1.0f32, 0.0, 10.0]);
    /// assert_eq!(lax::erf(&x).round_to(4).to_string(), "[-0.8427  0.      1.    ]");
    /// ```
    erf: Op(Hlo::Erf), FLOAT -> same, (-2.0, 2.0), Of(|g, x, _| {
        mul(&scalar_like(x, std::f64::consts::FRAC_2_SQRT_PI), &mul(g, &exp(&neg(&square(x)))))
    });
    /// The complementary error function `1 - erf(x)`, accurate where that is tiny.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// assert_eq!(lax::erfc(&Array::from(0.0)).item::<f32>(), 1.0);
    /// assert!(lax::erfc(&Array::from(8.0)).item::<f32>() > 0.0);
    /// ```
    erfc: Op(Hlo::Erfc), FLOAT -> same, (-2.0, 2.0), Of(|g, x, _| {
        mul(&scalar_like(x, -std::f64::consts::FRAC_2_SQRT_PI), &mul(g, &exp(&neg(&square(x)))))
    });
    /// The inverse of the error function on (−1, 1); infinite at ±1, NaN beyond.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([0.0f32, 0.8427008, 1.0, 1.5]);
    /// assert_eq!(lax::erf_inv(&x).round_to(4).to_string(), "[ 0.  1. inf nan]");
    /// ```
    erf_inv: Op(Hlo::ErfInv), FLOAT -> same, (-0.8, 0.8), Of(|g, x, ans| {
        mul(&scalar_like(x, 1.0 / std::f64::consts::FRAC_2_SQRT_PI), &mul(g, &exp(&square(ans))))
    });
    /// The logarithm of the absolute value of the gamma function, `log |Γ(x)|`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// // Γ(5) = 4! = 24
    /// let x = Array::from([1.0f32, 2.0, 5.0, 0.0]);
    /// assert_eq!(lax::exp(&lax::lgamma(&x)).round_to(3).to_string(), "[ 1.  1. 24. inf]");
    /// ```
    lgamma: Op(Hlo::Lgamma), FLOAT -> same, (0.5, 3.0), Of(|g, x, _| mul(g, &digamma(x)));
    /// The derivative of [`lgamma`], `Γ'(x) / Γ(x)`; NaN at zero and negative whole numbers.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// // ψ(1) = -γ, ψ(2) = 1 - γ with Euler's constant γ.
    /// let x = Array::from([1.0f32, 2.0]);
    /// assert_eq!(lax::digamma(&x).round_to(4).to_string(), "[-0.5772  0.4228]");
    /// ```
    digamma: Op(Hlo::Digamma), FLOAT -> same, (0.5, 3.0),
        Of(|g, x, _| mul(g, &super::binary::polygamma(&scalar_like(x, 1.0), x)));
    /// The exponentially scaled modified Bessel function of order one, `e^{-|x|} I₁(x)`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([0.0f32, 1.0, -1.0]);
    /// assert_eq!(lax::bessel_i1e(&x).round_to(4).to_string(), "[ 0.      0.2079 -0.2079]");
    /// ```
    bessel_i1e: Op(Hlo::BesselI1e), FLOAT -> same, (0.5, 3.0), Of(|g, x, ans| {
        // Near zero the quotient by x is one half.
        let epsilon = if x.dtype() == DType::F64 { f64::EPSILON } else { f32::EPSILON as f64 };
        let [tiny, half] = [epsilon, 0.5].map(|v| full_like(x, v));
        let safe = gt(&abs(x), &tiny);
        let y = select(&safe, x, &tiny);
        let slope = sub(&bessel_i0e(&y), &mul(ans, &add(&sign(&y), &div(&scalar_like(&y, 1.0), &y))));
        mul(g, &select(&safe, &slope, &half))
    });
    /// The real part: `c64[…] → f32[…]`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let z = lax::complex(&Array::from([1.0f32, 2.0]), &Array::from([3.0f32, 4.0]));
    /// assert_eq!(lax::real(&z).to_vec::<f32>(), [1.0, 2.0]);
    /// ```
    real: Op(Hlo::Real), COMPLEX -> real_part, (-2.0, 2.0), Lin(|ct| complex(ct, &scalar_like(ct, 0.0)));
    /// The imaginary part: `c64[…] → f32[…]`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let z = lax::complex(&Array::from([1.0f32, 2.0]), &Array::from([3.0f32, 4.0]));
    /// assert_eq!(lax::imag(&z).to_vec::<f32>(), [3.0, 4.0]);
    /// ```
    imag: Op(Hlo::Imag), COMPLEX -> real_part, (-2.0, 2.0), Lin(|ct| complex(&scalar_like(ct, 0.0), &neg(ct)));
    /// The complex conjugate.
    conj: Op(Hlo::Conj), COMPLEX -> same, (-2.0, 2.0), Lin(|ct| conj(ct));
    /// Bitwise, for booleans logical, negation.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// assert_eq!(lax::not(&Array::from([0, 5])).to_vec::<i32>(), [-1, -6]);
    /// assert_eq!(lax::not(&Array::from([true, false])).to_vec::<bool>(), [false, true]);
    /// ```
    not: Op(Hlo::Not), BITS -> same, (0.0, 100.0), Zero;
    /// The number of one bits, in the operand's dtype.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// assert_eq!(lax::population_count(&Array::from([0, 5, -1])).to_vec::<i32>(), [0, 2, 32]);
    /// ```
    population_count: Op(Hlo::Popcnt), INT -> same, (0.0, 100.0), Zero;
    /// The number of leading zero bits, in the operand's dtype.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// assert_eq!(lax::clz(&Array::from([0, 1, -1])).to_vec::<i32>(), [32, 31, 0]);
    /// ```
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
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([2.0f32, -3.0]);
/// assert_eq!(lax::integer_pow(&x, 3).to_vec::<f32>(), [8.0, -27.0]);
/// assert_eq!(lax::integer_pow(&x, -1).to_string(), "[ 0.5        -0.33333334]");
/// ```
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
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// # use jacinth_frontend::lax::RoundingMethod;
/// let x = Array::from([0.5f32, 1.5, 2.5, -2.5]);
/// assert_eq!(lax::round(&x, RoundingMethod::AwayFromZero).to_vec::<f32>(), [1.0, 2.0, 3.0, -3.0]);
/// assert_eq!(lax::round(&x, RoundingMethod::ToNearestEven).to_vec::<f32>(), [0.0, 2.0, 2.0, -2.0]);
/// ```
///
/// # Panics
/// If the elements are not floating-point numbers.
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
