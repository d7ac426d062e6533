//! Primitives of two operands, element by element: a table.
//!
//! A row says: name, StableHLO operation, accepted dtypes, result dtype, domains for tests, derivative, transpose. Operands have equal
//! dtypes; a rank-0 operand meets an operand of any shape.

use std::fmt;
use std::hash::{Hash, Hasher};

use jacinth_lowering::ops::elementwise::{
    Binary as Hlo, Compare as HloCompare, CompareType, Direction, Select, Unary as HloUnary,
};
use smallvec::smallvec;

use super::{
    Accepts, abs, accepted, batch_elementwise, common_shape, eq, floor, full_like, integer_pow, log,
    maybe_broadcast, neg, scalar_like, select, sign, square, unbroadcast,
};
use crate::error::{Error, Result};
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values, numpy_name,
};
use crate::trace::bind1;

/// A row of the table: a primitive of two operands without parameters.
pub struct Binary {
    name: &'static str,
    row: fn() -> &'static Binary,
    op: Hlo,
    accepts: Accepts,
    result: fn(DType) -> Option<DType>,
    domain: [(f64, f64); 2],
    derivative: Derivative,
    transpose: Transposed,
}

/// The tangent that one operand's tangent `g` contributes, from the operands and the result.
type Partial = fn(g: &Array, x: &Array, y: &Array, ans: &Array) -> Array;

/// How a row differentiates.
enum Derivative {
    /// The sum of what each operand contributes; `None` contributes nothing.
    Each(Option<Partial>, Option<Partial>),
    /// The operation is linear in both operands together: applied to the tangents; the function is what a zero left tangent
    /// makes of the right one.
    Jointly(fn(&Array) -> Array),
    /// Zero, or without meaning.
    Zero,
}

/// How a row transposes.
enum Transposed {
    /// Linear in both operands together: a function of the cotangent for each.
    Jointly(fn(&Array) -> Array, fn(&Array) -> Array),
    /// Linear in each operand for a fixed other one, which the function takes second.
    Each(Option<fn(&Array, &Array) -> Array>, Option<fn(&Array, &Array) -> Array>),
    /// Not linear.
    No,
}

use Derivative::{Each, Jointly, Zero};

fn same(dtype: DType) -> Option<DType> {
    Some(dtype)
}

/// The rows, as functions so that they do not hide the functions that apply them.
struct Rows;

macro_rules! binary {
    ($($(#[$doc:meta])* $name:ident: $op:ident, $accepts:ident -> $result:expr, $domain:expr, $derivative:expr, $transpose:expr;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Panics
            #[doc = concat!("If the elements are not ", accepted!($accepts), " of one dtype, or the shapes do not fit.")]
            #[track_caller]
            #[allow(unreachable_pub, reason = "some stand behind functions of the same names that take more")]
            pub fn $name(x: &Array, y: &Array) -> Array {
                bind1(Rows::$name(), &[x.clone(), y.clone()])
            }
        )*

        impl Rows {
            $(fn $name() -> &'static Binary {
                static ROW: Binary = Binary {
                    name: stringify!($name),
                    row: Rows::$name,
                    op: Hlo::$op,
                    accepts: Accepts::$accepts,
                    result: $result,
                    domain: $domain,
                    derivative: $derivative,
                    transpose: $transpose,
                };
                &ROW
            })*
        }

        fn table() -> Vec<&'static Binary> {
            vec![$(Rows::$name()),*]
        }
    };
}

/// The part of a tangent that `x` takes where the result is `ans`: one, or half where `y` equals the result as well.
fn share(x: &Array, ans: &Array, y: &Array) -> Array {
    let [zero, one, two] = [0.0, 1.0, 2.0].map(|value| full_like(ans, value));
    let equals = |x: &Array| eq(&maybe_broadcast(ans.shape(), x), ans);
    div(&select(&equals(x), &one, &zero), &select(&equals(y), &two, &one))
}

/// The operand with ones for zeros.
pub(super) fn replace_zero(x: &Array) -> Array {
    let [zero, one] = [0.0, 1.0].map(|value| full_like(x, value));
    select(&eq(x, &zero), &one, x)
}

/// The operation; of complex numbers the larger and the smaller are chosen by real parts, then by imaginary parts, as JAX lowers them.
pub(super) fn lower_binary(cx: &mut LowerCx<'_>, op: Hlo, x: Value, y: Value) -> Result<Value> {
    let wins = match op {
        Hlo::Maximum => Direction::Gt,
        Hlo::Minimum => Direction::Lt,
        _ => return cx.op(op, &[x, y]),
    };
    if !cx.tensor(x)?.element.is_complex() {
        return cx.op(op, &[x, y]);
    }
    let mut part = |of| Ok::<_, Error>([cx.op(of, &[x])?, cx.op(of, &[y])?]);
    let (re, im) = (part(HloUnary::Real)?, part(HloUnary::Imag)?);
    let mut compare = |direction, parts: &[Value]| {
        cx.op(HloCompare { direction, compare_type: Some(CompareType::Float) }, parts)
    };
    let (equal, by_re, by_im) = (compare(Direction::Eq, &re)?, compare(wins, &re)?, compare(wins, &im)?);
    let wins = cx.op(Select, &[equal, by_im, by_re])?;
    cx.op(Select, &[wins, x, y])
}

const WIDE: [(f64, f64); 2] = [(-2.0, 2.0), (-2.0, 2.0)];
const BY_POSITIVE: [(f64, f64); 2] = [(-2.0, 2.0), (0.6, 2.0)];
const SMALL: [(f64, f64); 2] = [(0.0, 100.0), (0.0, 6.0)];
const KEEP: fn(&Array) -> Array = Array::clone;

binary! {
    /// `x + y`; logical or for booleans.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([[1, 2], [3, 4]]);
    /// assert_eq!(lax::add(&x, &Array::from(10)).to_vec::<i32>(), [11, 12, 13, 14]);
    /// ```
    add: Add, ANY -> same, WIDE, Jointly(KEEP), Transposed::Jointly(KEEP, KEEP);
    /// `x + y` of tangents or cotangents: the addition that automatic differentiation inserts.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let (s, t) = (Array::from([1.0f32, 2.0]), Array::from([0.5f32, 0.5]));
    /// assert_eq!(lax::add_any(&s, &t).to_vec::<f32>(), [1.5, 2.5]);
    /// ```
    add_any: Add, ANY -> same, WIDE, Jointly(KEEP), Transposed::Jointly(KEEP, KEEP);
    /// `x - y`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let (x, y) = (Array::from([5, 2]), Array::from([1, 3]));
    /// assert_eq!(lax::sub(&x, &y).to_vec::<i32>(), [4, -1]);
    /// ```
    sub: Subtract, NUMERIC -> same, WIDE, Jointly(|ct| neg(ct)), Transposed::Jointly(KEEP, |ct| neg(ct));
    /// `x · y`; logical and for booleans.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// // Dimensions of size 1 stretch where ranks are equal.
    /// let (x, y) = (Array::from([[1], [2]]), Array::from([[3, 4]]));
    /// assert_eq!(lax::mul(&x, &y).to_string(), "[[3 4]\n [6 8]]");
    /// ```
    mul: Multiply, ANY -> same, WIDE,
        Each(Some(|g, _, y, _| mul(g, y)), Some(|g, x, _, _| mul(x, g))),
        Transposed::Each(Some(|ct, y| mul(ct, y)), Some(|ct, x| mul(x, ct)));
    /// `x / y`; of integers the quotient rounded towards zero.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// assert_eq!(lax::div(&Array::from([7, -7]), &Array::from(2)).to_vec::<i32>(), [3, -3]);
    /// assert_eq!(lax::div(&Array::from([1.0f32, 0.0]), &Array::from(0.0)).to_string(), "[inf nan]");
    /// ```
    div: Divide, NUMERIC -> same, BY_POSITIVE,
        Each(Some(|g, _, y, _| div(g, y)), Some(|g, x, y, _| mul(&mul(&neg(g), x), &integer_pow(y, -2)))),
        Transposed::Each(Some(|ct, y| div(ct, y)), None);
    /// The remainder of `x / y`, with the sign of `x`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([7.5f32, -7.5]);
    /// assert_eq!(lax::rem(&x, &Array::from(2.0)).to_vec::<f32>(), [1.5, -1.5]);
    /// ```
    rem: Remainder, REAL -> same, [(0.1, 0.5), (0.6, 2.0)],
        Each(
            Some(|g, _, _, ans| maybe_broadcast(ans.shape(), g)),
            Some(|g, x, y, _| mul(&neg(g), &mul(&sign(&div(x, y)), &floor(&abs(&div(x, y)))))),
        ),
        Transposed::No;
    /// The larger of the two; of real numbers NaN if one is. Complex numbers are compared by their real parts, equal ones by their imaginary parts.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([1.0f32, 5.0, f32::NAN]);
    /// assert_eq!(lax::max(&x, &Array::from(3.0)).to_string(), "[ 3.  5. nan]");
    /// ```
    max: Maximum, ANY -> same, WIDE,
        Each(Some(|g, x, y, ans| mul(g, &share(x, ans, y))), Some(|g, x, y, ans| mul(g, &share(y, ans, x)))),
        Transposed::No;
    /// The smaller of the two; of real numbers NaN if one is. Complex numbers are compared by their real parts, equal ones by their imaginary parts.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([1.0f32, 5.0, f32::NAN]);
    /// assert_eq!(lax::min(&x, &Array::from(3.0)).to_string(), "[ 1.  3. nan]");
    /// ```
    min: Minimum, ANY -> same, WIDE,
        Each(Some(|g, x, y, ans| mul(g, &share(x, ans, y))), Some(|g, x, y, ans| mul(g, &share(y, ans, x)))),
        Transposed::No;
    /// `x` to the power of `y`.
    pow: Power, NUMERIC -> same, [(0.5, 2.0), (-2.0, 2.0)],
        Each(
            Some(|g, x, y, _| mul(g, &mul(y, &pow(x, &sub(y, &scalar_like(y, 1.0)))))),
            Some(|g, x, _, ans| mul(g, &mul(&log(&replace_zero(x)), ans))),
        ),
        Transposed::No;
    /// The angle of the point `(y, x)`, between −π and π: the first operand is the ordinate.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let (y, x) = (Array::from([1.0f32, 0.0]), Array::from([0.0f32, -1.0]));
    /// assert_eq!(lax::atan2(&y, &x).round_to(4).to_string(), "[1.5708 3.1416]");
    /// ```
    atan2: Atan2, INEXACT -> same, [(0.5, 2.0), (0.5, 2.0)],
        Each(
            Some(|g, x, y, _| mul(g, &div(y, &add(&square(x), &square(y))))),
            Some(|g, x, y, _| mul(g, &div(&neg(x), &add(&square(x), &square(y))))),
        ),
        Transposed::No;
    /// The next representable number after `x` towards `y`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let next = lax::nextafter(&Array::from(1.0), &Array::from(2.0)).item::<f32>();
    /// assert_eq!(next, 1.0 + f32::EPSILON);
    /// ```
    nextafter: NextAfter, FLOAT -> same, WIDE, Zero, Transposed::No;
    /// The complex number `x + iy`: `f32[…] × f32[…] → c64[…]`, of doubles `c128`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let z = lax::complex(&Array::from([1.0f32, 0.0]), &Array::from([2.0f32, -1.0]));
    /// assert_eq!(z.to_string(), "[1.+2.j 0.-1.j]");
    /// ```
    complex: Complex, FLOAT -> DType::complex, WIDE,
        Jointly(|g| complex(&super::scalar_like(g, 0.0), g)),
        Transposed::Jointly(|ct| super::real(ct), |ct| super::imag(&neg(ct)));
    /// Bitwise, for booleans logical, and.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let (x, y) = (Array::from([0b1100, -1]), Array::from([0b1010, 7]));
    /// assert_eq!(lax::and(&x, &y).to_vec::<i32>(), [0b1000, 7]);
    /// ```
    and: And, BITS -> same, SMALL, Zero, Transposed::No;
    /// Bitwise, for booleans logical, or.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let (x, y) = (Array::from([true, false]), Array::from([false, false]));
    /// assert_eq!(lax::or(&x, &y).to_vec::<bool>(), [true, false]);
    /// ```
    or: Or, BITS -> same, SMALL, Zero, Transposed::No;
    /// Bitwise, for booleans logical, exclusive or.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// assert_eq!(lax::xor(&Array::from([0b1100]), &Array::from([0b1010])).to_vec::<i32>(), [0b0110]);
    /// ```
    xor: Xor, BITS -> same, SMALL, Zero, Transposed::No;
    /// `x` shifted left by `y` bits; zero where `y` is the width or more.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let y = Array::from([0, 3, 32]);
    /// assert_eq!(lax::shift_left(&Array::from([1, 1, 1]), &y).to_vec::<i32>(), [1, 8, 0]);
    /// ```
    shift_left: ShiftLeft, INT -> same, SMALL, Zero, Transposed::No;
    /// `x` shifted right by `y` bits, copies of the sign moving in.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let (x, y) = (Array::from([-8, 8]), Array::from([1, 1]));
    /// assert_eq!(lax::shift_right_arithmetic(&x, &y).to_vec::<i32>(), [-4, 4]);
    /// ```
    shift_right_arithmetic: ShiftRightArithmetic, INT -> same, SMALL, Zero, Transposed::No;
    /// `x` shifted right by `y` bits, zeros moving in.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let (x, y) = (Array::from([-8, 8]), Array::from([1, 1]));
    /// assert_eq!(lax::shift_right_logical(&x, &y).to_vec::<i32>(), [0x7fff_fffc, 4]);
    /// ```
    shift_right_logical: ShiftRightLogical, INT -> same, SMALL, Zero, Transposed::No;
    /// The `x`-th derivative of the digamma function at `y`, for whole `x`; differentiable in `y`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// // ψ'(1) = π² / 6
    /// let y = Array::from([1.0f32, 2.0]);
    /// assert_eq!(lax::polygamma(&Array::from(1.0), &y).round_to(4).to_string(), "[1.6449 0.6449]");
    /// ```
    polygamma: Polygamma, FLOAT -> same, [(1.0, 1.0), (0.5, 3.0)],
        Each(
            Some(|_, _, _, _| Error::unsupported("polygamma: no derivative with respect to the order").raise()),
            Some(|g, m, x, _| mul(g, &polygamma(&add(m, &super::scalar_like(m, 1.0)), x))),
        ),
        Transposed::No;
    /// The Hurwitz zeta function, the sum of `(y + k)⁻ˣ` over `k = 0, 1, …`; with `y = 1` Riemann's. Differentiable in `y`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// // ζ(2) = π² / 6, ζ(4) = π⁴ / 90
    /// let x = Array::from([2.0f32, 4.0]);
    /// assert_eq!(lax::zeta(&x, &Array::from(1.0)).round_to(4).to_string(), "[1.6449 1.0823]");
    /// ```
    zeta: Zeta, FLOAT -> same, [(2.0, 4.0), (0.5, 3.0)],
        Each(
            Some(|_, _, _, _| Error::unsupported("zeta: no derivative with respect to the exponent").raise()),
            Some(|g, x, q, _| mul(g, &mul(&neg(x), &zeta(&add(x, &super::scalar_like(x, 1.0)), q)))),
        ),
        Transposed::No;
}

impl Primitive for Binary {
    fn name(&self) -> &'static str {
        self.name
    }

    fn params<'a>(&'a self, _: &mut Params<'a>) {}

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let [x, y] = args else {
            return Err(Error::operands(self.name, format!("takes 2 operands, got {}", args.len())));
        };
        if x.dtype != y.dtype {
            let (a, b) = (numpy_name(x.dtype), numpy_name(y.dtype));
            return Err(Error::operands(
                self.name,
                format!("requires arguments to have equal dtypes, got {a}, {b}"),
            ));
        }
        self.accepts.check(self.name, x.dtype)?;
        let Some(dtype) = (self.result)(x.dtype) else {
            return Err(Error::operands(self.name, format!("does not accept dtype {}", numpy_name(x.dtype))));
        };
        let weak = x.weak_type && y.weak_type;
        // Mostly the result is one of the operands' avals, shared.
        for (a, b) in [(x, y), (y, x)] {
            if (b.rank() == 0 || a.shape == b.shape)
                && a.weak_type == weak
                && dtype == a.dtype
                && a.sharding.is_none()
            {
                return Ok(smallvec![(*a).clone()]);
            }
        }
        let shape = common_shape(self.name, &[&x.shape, &y.shape])?;
        Ok(smallvec![Aval::with_weak_type(shape, dtype, weak)])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::elementwise(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let x = cx.broadcast(args[0], &outs[0])?;
        let y = cx.broadcast(args[1], &outs[0])?;
        Ok(smallvec![lower_binary(cx, self.op, x, y)?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let [x, y] = primals else { unreachable!("binary primitives have two operands") };
        let ans = bind1(self.row(), primals);
        let tangent = match (&self.derivative, &tangents[0], &tangents[1]) {
            (Zero, _, _) | (_, None, None) => None,
            (Jointly(_), Some(g), Some(h)) => Some(bind1(self.row(), &[g.clone(), h.clone()])),
            (Jointly(right), g, h) => Some(match (g, h) {
                (Some(g), _) if ans.dtype() != x.dtype() => {
                    let zero = super::scalar_like(g, 0.0);
                    maybe_broadcast(ans.shape(), &bind1(self.row(), &[g.clone(), zero]))
                }
                (Some(g), _) => maybe_broadcast(ans.shape(), g),
                (None, h) => {
                    right(&maybe_broadcast(ans.shape(), h.as_ref().expect("one tangent is nonzero")))
                }
            }),
            (Each(left, right), g, h) => {
                let left = left.zip(g.as_ref()).map(|(rule, g)| rule(g, x, y, &ans));
                let right = right.zip(h.as_ref()).map(|(rule, h)| rule(h, x, y, &ans));
                match (left, right) {
                    (Some(a), Some(b)) => Some(add_any(&a, &b)),
                    (one, other) => one.or(other),
                }
            }
        };
        (smallvec![ans], smallvec![tangent])
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let ct = cts[0].as_ref();
        let cotangents: Tangents = match self.transpose {
            Transposed::No => return Linear::No,
            Transposed::Jointly(left, right) => [left, right]
                .iter()
                .zip(args)
                .map(|(rule, arg)| match (ct, arg) {
                    (Some(ct), Operand::Linear(aval)) => Some(unbroadcast(aval, rule(ct))),
                    _ => None,
                })
                .collect(),
            Transposed::Each(left, right) => {
                if args[0].is_linear() && args[1].is_linear() {
                    return Linear::No;
                }
                let one = |rule: Option<fn(&Array, &Array) -> Array>, arg: &Operand, other: &Operand| match (
                    ct, arg,
                ) {
                    (Some(ct), Operand::Linear(aval)) => {
                        rule.map(|rule| unbroadcast(aval, rule(ct, other.known())))
                    }
                    _ => None,
                };
                if (args[0].is_linear() && left.is_none()) || (args[1].is_linear() && right.is_none()) {
                    return Linear::No;
                }
                smallvec![one(left, &args[0], &args[1]), one(right, &args[1], &args[0])]
            }
        };
        Linear::Cotangents(cotangents)
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        batch_elementwise(self.row(), args, dims)
    }

    fn samples() -> Vec<Sample> {
        let mut samples = Vec::new();
        for row in table() {
            let dtype = if row.accepts.contains(DType::F32) { DType::F32 } else { DType::I32 };
            let arg = |i: usize, shape: &[usize]| {
                SampleArg::range(shape.iter().copied(), dtype, row.domain[i].0, row.domain[i].1)
            };
            let mut add = |lhs: &[usize], rhs: &[usize]| {
                let sample = Sample::new(row, [arg(0, lhs), arg(1, rhs)]);
                // A derivative that is zero by convention, or that does not exist for one operand, is no limit of differences.
                let exact = !matches!(row.name, "polygamma" | "zeta" | "nextafter");
                samples.push(if exact { sample } else { sample.not_differentiable() });
            };
            add(&[2, 3], &[2, 3]);
            if row.name != "add_any" {
                add(&[2, 3], &[]);
                add(&[], &[2, 3]);
                add(&[2, 1], &[2, 3]);
            }
        }
        samples
    }
}

impl Binary {
    /// The row as a primitive.
    fn row(&self) -> Prim {
        Prim::Static((self.row)())
    }
}

/// Rows are equal if they are the same row.
impl PartialEq for Binary {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Binary {}

impl Hash for Binary {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Debug for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
