//! Floating-point kernels: arithmetic in IEEE 754, functions within a few units in the last place.
//!
//! 16-bit floats are computed in `f32` and rounded once per operation. The functions themselves are in `math32` and `math64`.

use ::half::{bf16, f16};
use jacinth_lowering::ElementType;
use jacinth_lowering::eval::scalar_float;
use jacinth_lowering::ops::elementwise::{Binary, Direction, Unary};

use super::half::{bf16_down, bf16_up, f16_down, f16_up};
use super::{
    BinFn, Body, Isa, Level, Scalar, TileFn, Un, UnFn, binary_body, instantiate, int, math32, plain,
    plain_vectors, vectors_only,
};

/// `f32` and `f64`, with the mathematics that kernels need.
pub(crate) trait Float: Copy + PartialOrd + 'static {
    fn add(self, y: Self) -> Self;
    fn sub(self, y: Self) -> Self;
    fn mul(self, y: Self) -> Self;
    fn div(self, y: Self) -> Self;
    fn rem(self, y: Self) -> Self;
    fn max(self, y: Self) -> Self;
    fn min(self, y: Self) -> Self;
    fn pow<I: Isa>(self, y: Self) -> Self;
    fn atan2<I: Isa>(self, y: Self) -> Self;
    fn abs<I: Isa>(self) -> Self;
    fn neg<I: Isa>(self) -> Self;
    fn sign<I: Isa>(self) -> Self;
    fn ceil<I: Isa>(self) -> Self;
    fn floor<I: Isa>(self) -> Self;
    fn round_away<I: Isa>(self) -> Self;
    fn round_even<I: Isa>(self) -> Self;
    fn sqrt<I: Isa>(self) -> Self;
    fn rsqrt<I: Isa>(self) -> Self;
    fn cbrt<I: Isa>(self) -> Self;
    fn exp<I: Isa>(self) -> Self;
    fn exp_m1<I: Isa>(self) -> Self;
    fn ln<I: Isa>(self) -> Self;
    fn ln_1p<I: Isa>(self) -> Self;
    fn logistic<I: Isa>(self) -> Self;
    fn sin<I: Isa>(self) -> Self;
    fn cos<I: Isa>(self) -> Self;
    fn tan<I: Isa>(self) -> Self;
    fn tanh<I: Isa>(self) -> Self;
    fn square<I: Isa>(self) -> Self;
    /// Whether `sin`, `cos` and `tan` are right for this argument; if not, the slow ones are.
    fn in_trig_range(self) -> bool;
    fn slow_sin(self) -> Self;
    fn slow_cos(self) -> Self;
    fn slow_tan(self) -> Self;
    fn wide(self) -> f64;
    fn narrow(x: f64) -> Self;
    fn finite(self) -> bool;
    fn infinite(self) -> bool;
    fn negative(self) -> bool;
}

/// The part of [`Float`] that reads the same for both types.
macro_rules! arithmetic {
    ($t:ident) => {
        $crate::simd::float::arithmetic! { @ $t;
            add(x, y) x + y;
            sub(x, y) x - y;
            mul(x, y) x * y;
            div(x, y) x / y;
            rem(x, y) x % y;
            max(x, y) if x > y || x != x { x } else { y };
            min(x, y) if x < y || x != x { x } else { y };
        }
        $crate::simd::float::arithmetic! { isa $t;
            abs(x) x.abs();
            neg(x) -x;
            sign(x) if x == 0.0 || x != x { x } else { $t::copysign(1.0, x) };
            ceil(x) x.ceil();
            floor(x) x.floor();
            round_away(x) x.round();
            round_even(x) x.round_ties_even();
            sqrt(x) x.sqrt();
            rsqrt(x) 1.0 / x.sqrt();
            cbrt(x) x.cbrt();
            square(x) x * x;
        }
        $crate::simd::float::arithmetic! { @ $t;
            slow_sin(x) x.sin();
            slow_cos(x) x.cos();
            slow_tan(x) x.tan();
        }
        #[inline(always)]
        fn wide(self) -> f64 {
            f64::from(self)
        }
        #[inline(always)]
        fn narrow(x: f64) -> Self {
            x as $t
        }
        #[inline(always)]
        fn finite(self) -> bool {
            self.is_finite()
        }
        #[inline(always)]
        fn infinite(self) -> bool {
            self.is_infinite()
        }
        #[inline(always)]
        fn negative(self) -> bool {
            self < 0.0
        }
    };
    (@ $t:ident; $($name:ident($x:ident $(, $y:ident)?) $value:expr;)*) => {$(
        #[inline(always)]
        fn $name(self $(, $y: Self)?) -> Self {
            let $x: $t = self;
            $value
        }
    )*};
    (isa $t:ident; $($name:ident($x:ident) $value:expr;)*) => {$(
        #[inline(always)]
        fn $name<I: Isa>(self) -> Self {
            let $x: $t = self;
            $value
        }
    )*};
}
pub(super) use arithmetic;

/// A float as it is stored, and what it is computed in.
pub(crate) trait Stored: Copy + 'static {
    type W: Float;
    fn up(self) -> Self::W;
    fn down(w: Self::W) -> Self;
}

macro_rules! stored {
    ($($t:ty, $w:ty, $up:expr, $down:expr;)*) => {$(
        impl Stored for $t {
            type W = $w;
            #[inline(always)]
            fn up(self) -> $w { $up(self) }
            #[inline(always)]
            fn down(w: $w) -> $t { $down(w) }
        }
    )*};
}

stored! {
    f32, f32, |x| x, |x| x;
    f64, f64, |x| x, |x| x;
    bf16, f32, bf16_up, bf16_down;
    f16, f32, f16_up, f16_down;
}

macro_rules! functions {
    (unary $($u:ident $uf:ident),*; binary $($b:ident $bf:ident),*; isa $($i:ident $if:ident),*; test $($t:ident $tf:expr),*) => {
        $(struct $u;
        impl<T: Stored> UnFn<T> for $u {
            type Out = T;
            #[inline(always)]
            fn f<I: Isa>(x: T) -> T { T::down(x.up().$uf::<I>()) }
        })*
        $(struct $b;
        impl<T: Stored> BinFn<T> for $b {
            type Out = T;
            #[inline(always)]
            fn f<I: Isa>(x: T, y: T) -> T { T::down(x.up().$bf(y.up())) }
        })*
        $(struct $i;
        impl<T: Stored> BinFn<T> for $i {
            type Out = T;
            #[inline(always)]
            fn f<I: Isa>(x: T, y: T) -> T { T::down(x.up().$if::<I>(y.up())) }
        })*
        $(struct $t;
        impl<T: Stored> UnFn<T> for $t {
            type Out = u8;
            #[inline(always)]
            fn f<I: Isa>(x: T) -> u8 { u8::from($tf(x.up())) }
        })*
    };
}

functions!(unary Abs abs, Neg neg, Sign sign, Ceil ceil, Floor floor, RoundAway round_away, RoundEven round_even, Sqrt sqrt,
        Rsqrt rsqrt, Cbrt cbrt, Exp exp, ExpM1 exp_m1, Ln ln, Ln1p ln_1p, Logistic logistic, Sin sin, Cos cos, Tan tan,
        Tanh tanh, Square square;
    binary Add add, Sub sub, Mul mul, Div div, Rem rem, Max max, Min min;
    isa Pow pow, Atan2 atan2;
    test IsFinite Float::finite, IsInf Float::infinite,
        IsPosInf |x: T::W| x.infinite() && !x.negative(), IsNegInf |x: T::W| x.infinite() && x.negative());

macro_rules! singles {
    ($($name:ident $function:ident;)*) => {$(
        struct $name;
        impl<T: Stored<W = f32>> UnFn<T> for $name {
            type Out = T;
            #[inline(always)]
            fn f<I: Isa>(x: T) -> T {
                T::down(math32::$function::<I>(x.up()))
            }
        }
    )*};
}
// Functions with a vector form for `f32` and what is computed in it; the reference evaluation's is used for `f64`.
singles! {
    Acos acos; Acosh acosh; Asin asin; Asinh asinh; Atan atan; Atanh atanh; Cosh cosh; Erf erf; Erfc erfc; ErfInv erf_inv;
    Sinh sinh;
}

/// Functions that are computed in `f64` by the reference evaluation, one element at a time.
const SCALAR: [Unary; 14] = [
    Unary::Acos,
    Unary::Acosh,
    Unary::Asin,
    Unary::Asinh,
    Unary::Atan,
    Unary::Atanh,
    Unary::BesselI1e,
    Unary::Cosh,
    Unary::Digamma,
    Unary::Erf,
    Unary::ErfInv,
    Unary::Erfc,
    Unary::Lgamma,
    Unary::Sinh,
];

/// A function of [`SCALAR`].
struct InScalar<const F: usize>;
impl<T: Stored, const F: usize> UnFn<T> for InScalar<F> {
    type Out = T;
    #[inline(always)]
    fn f<I: Isa>(x: T) -> T {
        T::down(T::W::narrow(scalar_float(SCALAR[F], x.up().wide())))
    }
}

fn scalar<T: Stored>(op: Unary) -> Option<TileFn> {
    macro_rules! one_of {
        ($($i:literal)*) => {
            match SCALAR.iter().position(|&one| one == op)? {
                $($i => plain::<Un<InScalar<$i>, T>>(),)*
                _ => return None,
            }
        };
    }
    Some(one_of!(0 1 2 3 4 5 6 7 8 9 10 11 12 13))
}

/// The kernel of a function that has a vector form for `f32`.
fn single<T: Stored<W = f32>>(op: Unary, level: Level) -> Option<TileFn> {
    Some(match op {
        Unary::Acos => instantiate::<Un<Acos, T>>(level),
        Unary::Acosh => instantiate::<Un<Acosh, T>>(level),
        Unary::Asin => instantiate::<Un<Asin, T>>(level),
        Unary::Asinh => instantiate::<Un<Asinh, T>>(level),
        Unary::Atan => instantiate::<Un<Atan, T>>(level),
        Unary::Atanh => instantiate::<Un<Atanh, T>>(level),
        Unary::Cosh => instantiate::<Un<Cosh, T>>(level),
        Unary::Erf => instantiate::<Un<Erf, T>>(level),
        Unary::Erfc => instantiate::<Un<Erfc, T>>(level),
        Unary::ErfInv => instantiate::<Un<ErfInv, T>>(level),
        Unary::Sinh => instantiate::<Un<Sinh, T>>(level),
        _ => return scalar::<T>(op),
    })
}

/// A trigonometric function over a run: fast for all, then again for the few that are out of its range.
struct Trig<F, T>(std::marker::PhantomData<(F, T)>);
/// The function for arguments out of range.
trait Slow: Sized {
    fn slow<W: Float>(x: W) -> W;
}
impl Slow for Sin {
    #[inline(always)]
    fn slow<W: Float>(x: W) -> W {
        x.slow_sin()
    }
}
impl Slow for Cos {
    #[inline(always)]
    fn slow<W: Float>(x: W) -> W {
        x.slow_cos()
    }
}
impl Slow for Tan {
    #[inline(always)]
    fn slow<W: Float>(x: W) -> W {
        x.slow_tan()
    }
}
impl<F: UnFn<T, Out = T> + Slow, T: Stored> Body for Trig<F, T> {
    #[inline(always)]
    unsafe fn run<I: Isa>(d: *mut u8, a: *const u8, _: *const u8, _: *const u8, n: usize) {
        let (d, a) = (d.cast::<T>(), a.cast::<T>());
        let mut outside = 0u32;
        for i in 0..n {
            // SAFETY: both are valid for `n` elements.
            unsafe {
                let x = *a.add(i);
                d.add(i).write(F::f::<I>(x));
                outside |= u32::from(!x.up().in_trig_range());
            }
        }
        if outside != 0 {
            for i in 0..n {
                // SAFETY: as above.
                unsafe {
                    let x = (*a.add(i)).up();
                    if !x.in_trig_range() {
                        d.add(i).write(T::down(F::slow(x)));
                    }
                }
            }
        }
    }
}

macro_rules! by_type {
    ($ty:expr, $t:ident => $body:expr) => {
        match $ty {
            ElementType::F32 => {
                type $t = f32;
                $body
            }
            ElementType::F64 => {
                type $t = f64;
                $body
            }
            ElementType::BF16 => {
                type $t = bf16;
                $body
            }
            ElementType::F16 => {
                type $t = f16;
                $body
            }
            _ => None,
        }
    };
}

pub(super) fn unary(op: Unary, ty: ElementType, level: Level) -> Option<TileFn> {
    by_type!(ty, T => Some(match op {
        Unary::Abs => instantiate::<Un<Abs, T>>(level),
        Unary::Negate => instantiate::<Un<Neg, T>>(level),
        Unary::Sign => instantiate::<Un<Sign, T>>(level),
        Unary::Ceil => instantiate::<Un<Ceil, T>>(level),
        Unary::Floor => instantiate::<Un<Floor, T>>(level),
        Unary::RoundNearestAfz => plain::<Un<RoundAway, T>>(),
        Unary::RoundNearestEven => instantiate::<Un<RoundEven, T>>(level),
        Unary::Sqrt => instantiate::<Un<Sqrt, T>>(level),
        Unary::Rsqrt => instantiate::<Un<Rsqrt, T>>(level),
        Unary::Cbrt => plain::<Un<Cbrt, T>>(),
        Unary::Exponential => instantiate::<Un<Exp, T>>(level),
        Unary::ExponentialMinusOne => instantiate::<Un<ExpM1, T>>(level),
        Unary::Log => instantiate::<Un<Ln, T>>(level),
        Unary::LogPlusOne => instantiate::<Un<Ln1p, T>>(level),
        Unary::Logistic => instantiate::<Un<Logistic, T>>(level),
        Unary::Sine => instantiate::<Trig<Sin, T>>(level),
        Unary::Cosine => instantiate::<Trig<Cos, T>>(level),
        Unary::Tan => instantiate::<Trig<Tan, T>>(level),
        Unary::Tanh => instantiate::<Un<Tanh, T>>(level),
        Unary::Square => plain::<Un<Square, T>>(),
        Unary::IsFinite => plain::<Un<IsFinite, T>>(),
        Unary::IsInf => plain::<Un<IsInf, T>>(),
        Unary::IsPosInf => plain::<Un<IsPosInf, T>>(),
        Unary::IsNegInf => plain::<Un<IsNegInf, T>>(),
        _ => {
            return match ty {
                ElementType::F32 => single::<f32>(op, level),
                ElementType::BF16 => single::<bf16>(op, level),
                ElementType::F16 => single::<f16>(op, level),
                _ => scalar::<f64>(op),
            };
        }
    }))
}

pub(super) fn binary(op: Binary, ty: ElementType, scalar: Scalar, level: Level) -> Option<TileFn> {
    match (op, ty) {
        (Binary::Complex, ElementType::F32) => return super::complex::zip::<f32>(scalar),
        (Binary::Complex, ElementType::F64) => return super::complex::zip::<f64>(scalar),
        _ => {}
    }
    // Forms with a scalar operand for the types that programs compute in.
    macro_rules! formed {
        ($f:ident) => {
            match ty {
                ElementType::F32 => Some(binary_body::<$f, f32>(scalar, level)),
                ElementType::F64 => Some(binary_body::<$f, f64>(scalar, level)),
                ElementType::BF16 => vectors_only::<$f, bf16>(scalar, level),
                ElementType::F16 => vectors_only::<$f, f16>(scalar, level),
                _ => None,
            }
        };
    }
    match op {
        Binary::Add => formed!(Add),
        Binary::Subtract => formed!(Sub),
        Binary::Multiply => formed!(Mul),
        Binary::Divide => formed!(Div),
        Binary::Maximum => formed!(Max),
        Binary::Minimum => formed!(Min),
        Binary::Remainder => by_type!(ty, T => plain_vectors::<Rem, T>(scalar)),
        Binary::Power => by_type!(ty, T => vectors_only::<Pow, T>(scalar, level)),
        Binary::Atan2 => by_type!(ty, T => vectors_only::<Atan2, T>(scalar, level)),
        _ => None,
    }
}

pub(super) fn compare(
    direction: Direction,
    total: bool,
    ty: ElementType,
    scalar: Scalar,
    level: Level,
) -> Option<TileFn> {
    if total {
        if scalar != Scalar::None {
            return None;
        }
        return match ty {
            ElementType::F32 => total_bodies::<i32>(direction),
            ElementType::F64 => total_bodies::<i64>(direction),
            ElementType::F16 | ElementType::BF16 => total_bodies::<i16>(direction),
            _ => None,
        };
    }
    Some(match ty {
        ElementType::F32 => int::compare_bodies::<f32>(direction, scalar, level),
        ElementType::F64 => int::compare_bodies::<f64>(direction, scalar, level),
        ElementType::BF16 => half_bodies::<bf16>(direction, scalar)?,
        ElementType::F16 => half_bodies::<f16>(direction, scalar)?,
        _ => return None,
    })
}

/// `F` after both operands were widened.
struct Widened<F>(std::marker::PhantomData<F>);
impl<T: Stored, F: BinFn<T::W, Out = u8>> BinFn<T> for Widened<F> {
    type Out = u8;
    #[inline(always)]
    fn f<I: Isa>(x: T, y: T) -> u8 {
        F::f::<I>(x.up(), y.up())
    }
}

fn half_bodies<T: Stored<W = f32>>(direction: Direction, scalar: Scalar) -> Option<TileFn> {
    match direction {
        Direction::Eq => plain_vectors::<Widened<int::Eq>, T>(scalar),
        Direction::Ne => plain_vectors::<Widened<int::Ne>, T>(scalar),
        Direction::Lt => plain_vectors::<Widened<int::Lt>, T>(scalar),
        Direction::Le => plain_vectors::<Widened<int::Le>, T>(scalar),
        Direction::Gt => plain_vectors::<Widened<int::Gt>, T>(scalar),
        Direction::Ge => plain_vectors::<Widened<int::Ge>, T>(scalar),
    }
}

/// `F` on the bits of floats, mapped so that integer order is the total order.
struct Total<F>(std::marker::PhantomData<F>);
macro_rules! total {
    ($($s:ident $u:ident),*) => {$(
        impl<F: BinFn<$s, Out = u8>> BinFn<$s> for Total<F> {
            type Out = u8;
            #[inline(always)]
            fn f<I: Isa>(x: $s, y: $s) -> u8 {
                let key = |x: $s| x ^ ((x >> ($s::BITS - 1)) as $u >> 1) as $s;
                F::f::<I>(key(x), key(y))
            }
        }
    )*};
}
total!(i16 u16, i32 u32, i64 u64);

fn total_bodies<T: Copy>(direction: Direction) -> Option<TileFn>
where
    Total<int::Eq>: BinFn<T>,
    Total<int::Ne>: BinFn<T>,
    Total<int::Lt>: BinFn<T>,
    Total<int::Le>: BinFn<T>,
    Total<int::Gt>: BinFn<T>,
    Total<int::Ge>: BinFn<T>,
{
    match direction {
        Direction::Eq => plain_vectors::<Total<int::Eq>, T>(Scalar::None),
        Direction::Ne => plain_vectors::<Total<int::Ne>, T>(Scalar::None),
        Direction::Lt => plain_vectors::<Total<int::Lt>, T>(Scalar::None),
        Direction::Le => plain_vectors::<Total<int::Le>, T>(Scalar::None),
        Direction::Gt => plain_vectors::<Total<int::Gt>, T>(Scalar::None),
        Direction::Ge => plain_vectors::<Total<int::Ge>, T>(Scalar::None),
    }
}

/// `reduce_precision` of an `f64` that holds a value of a type with `exponent` and `mantissa` bits of its own.
#[inline(always)]
fn reduced(x: f64, exponent_bits: i32, mantissa_bits: i32) -> f64 {
    if x.is_nan() && mantissa_bits == 0 {
        // Without a mantissa there is no NaN.
        return f64::INFINITY.copysign(x);
    }
    if x.is_nan() || x.is_infinite() || x == 0.0 {
        return x;
    }
    // Round the mantissa to nearest even, in the f64's bits (where the value is normal: floats of 32 bits and fewer are).
    let mut bits = x.to_bits();
    if mantissa_bits < 52 {
        let drop = 52 - mantissa_bits as u64;
        let last = bits >> drop & 1;
        let half = (1u64 << (drop - 1)) - 1 + last;
        bits = bits.wrapping_add(half) & !((1u64 << drop) - 1);
    }
    let rounded = f64::from_bits(bits);
    if exponent_bits >= 11 {
        return rounded;
    }
    let bias = (1i64 << (exponent_bits - 1)) - 1;
    let exponent = (bits >> 52 & 0x7ff) as i64 - 1023;
    if exponent > bias {
        return f64::INFINITY.copysign(x);
    }
    // What is below the smallest normal number becomes zero.
    if exponent < 1 - bias { 0f64.copysign(x) } else { rounded }
}

/// Rounds to fewer bits; `b` points to two `i32`.
struct ReducePrecision<T>(std::marker::PhantomData<T>);

macro_rules! reduce_precision {
    ($($t:ty, $to:expr, $from:expr;)*) => {$(
        impl Body for ReducePrecision<$t> {
            #[inline(always)]
            unsafe fn run<I: Isa>(d: *mut u8, a: *const u8, b: *const u8, _: *const u8, n: usize) {
                let (d, a, b) = (d.cast::<$t>(), a.cast::<$t>(), b.cast::<i32>());
                for i in 0..n {
                    // SAFETY: `d` and `a` are valid for `n` elements, `b` for two integers.
                    unsafe { d.add(i).write($from(reduced($to(*a.add(i)), *b, *b.add(1)))) };
                }
            }
        }
    )*};
}
reduce_precision! {
    f32, f64::from, |x| x as f32;
    f64, |x| x, |x| x;
    f16, |x: f16| f64::from(f16_up(x)), |x| f16_down(x as f32);
    bf16, |x: bf16| f64::from(bf16_up(x)), |x| bf16_down(x as f32);
}

pub(super) fn reduce_precision(ty: ElementType) -> Option<TileFn> {
    by_type!(ty, T => Some(plain::<ReducePrecision<T>>()))
}
