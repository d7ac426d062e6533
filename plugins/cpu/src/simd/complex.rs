//! Complex kernels: arithmetic and parts; functions are the reference evaluation's, one element at a time.

use jacinth_lowering::ElementType;
use jacinth_lowering::eval::scalar_complex;
use jacinth_lowering::ops::elementwise::{Binary, Direction, Unary};
use num_complex::Complex;

use super::{BinFn, Isa, Scalar, TileFn, Un, UnFn, plain, plain_vectors};

/// The parts of complex numbers.
pub(super) trait Part: Copy + PartialEq + 'static {
    fn abs(z: Complex<Self>) -> Self;
    fn neg(x: Self) -> Self;
    fn add(x: Complex<Self>, y: Complex<Self>) -> Complex<Self>;
    fn sub(x: Complex<Self>, y: Complex<Self>) -> Complex<Self>;
    fn mul(x: Complex<Self>, y: Complex<Self>) -> Complex<Self>;
    fn div(x: Complex<Self>, y: Complex<Self>) -> Complex<Self>;
    fn sign(z: Complex<Self>) -> Complex<Self>;
    /// The real part without cancellation.
    fn square(z: Complex<Self>) -> Complex<Self>;
    fn wide(z: Complex<Self>) -> Complex<f64>;
    fn narrow(z: Complex<f64>) -> Complex<Self>;
}

macro_rules! part {
    ($t:ident, $div:expr) => {
        impl Part for $t {
            #[inline(always)]
            fn abs(z: Complex<$t>) -> $t {
                z.re.hypot(z.im)
            }
            #[inline(always)]
            fn neg(x: $t) -> $t {
                -x
            }
            #[inline(always)]
            fn add(x: Complex<$t>, y: Complex<$t>) -> Complex<$t> {
                x + y
            }
            #[inline(always)]
            fn sub(x: Complex<$t>, y: Complex<$t>) -> Complex<$t> {
                x - y
            }
            #[inline(always)]
            fn mul(x: Complex<$t>, y: Complex<$t>) -> Complex<$t> {
                x * y
            }
            #[inline(always)]
            fn div(x: Complex<$t>, y: Complex<$t>) -> Complex<$t> {
                $div(x, y)
            }
            #[inline(always)]
            fn square(z: Complex<$t>) -> Complex<$t> {
                // Where the sum overflows the difference is still zero.
                let same = z.re.abs() == z.im.abs() && z.re.is_finite();
                let re = if same { 0.0 } else { (z.re - z.im) * (z.re + z.im) };
                Complex::new(re, 2.0 * (z.re * z.im))
            }
            #[inline(always)]
            fn wide(z: Complex<$t>) -> Complex<f64> {
                Complex::new(z.re.into(), z.im.into())
            }
            #[inline(always)]
            fn narrow(z: Complex<f64>) -> Complex<$t> {
                Complex::new(z.re as $t, z.im as $t)
            }
            #[inline(always)]
            fn sign(z: Complex<$t>) -> Complex<$t> {
                if z.re.is_nan() || z.im.is_nan() {
                    return Complex::new($t::NAN, $t::NAN);
                }
                let r = z.re.hypot(z.im);
                if r == 0.0 { Complex::new(0.0, 0.0) } else { Complex::new(z.re / r, z.im / r) }
            }
        }
    };
}

part!(f32, |x: Complex<f32>, y: Complex<f32>| {
    // In f64 nothing overflows, and each part is rounded once.
    let (a, b, c, d) = (f64::from(x.re), f64::from(x.im), f64::from(y.re), f64::from(y.im));
    let norm = c * c + d * d;
    Complex::new(((a * c + b * d) / norm) as f32, ((b * c - a * d) / norm) as f32)
});
part!(f64, |x: Complex<f64>, y: Complex<f64>| {
    // Scaled by a power of two, so that the norm neither overflows nor vanishes.
    let largest = y.re.abs().max(y.im.abs());
    let scale = if largest.is_normal() {
        f64::from_bits((2046 << 52) - (largest.to_bits() & (2047 << 52)))
    } else {
        1.0
    };
    let (c, d) = (y.re * scale, y.im * scale);
    let norm = c * c + d * d;
    Complex::new((x.re * c + x.im * d) / norm * scale, (x.im * c - x.re * d) / norm * scale)
});

macro_rules! functions {
    (unary { $($u:ident $out:ty, $uf:expr;)* } binary { $($b:ident $bf:expr;)* } compare { $($c:ident $cf:expr;)* }) => {
        $(struct $u;
        impl<T: Part> UnFn<Complex<T>> for $u {
            type Out = $out;
            #[inline(always)]
            fn f<I: Isa>(x: Complex<T>) -> $out { $uf(x) }
        })*
        $(struct $b;
        impl<T: Part> BinFn<Complex<T>> for $b {
            type Out = Complex<T>;
            #[inline(always)]
            fn f<I: Isa>(x: Complex<T>, y: Complex<T>) -> Complex<T> { $bf(x, y) }
        })*
        $(struct $c;
        impl<T: Part> BinFn<Complex<T>> for $c {
            type Out = u8;
            #[inline(always)]
            fn f<I: Isa>(x: Complex<T>, y: Complex<T>) -> u8 { u8::from($cf(x, y)) }
        })*
    };
}

functions! {
    unary {
    Abs T, T::abs;
    Real T, |z: Complex<T>| z.re;
    Imag T, |z: Complex<T>| z.im;
    Neg Complex<T>, |z: Complex<T>| Complex::new(T::neg(z.re), T::neg(z.im));
    Conj Complex<T>, |z: Complex<T>| Complex::new(z.re, T::neg(z.im));
    Sign Complex<T>, T::sign;
    Square Complex<T>, T::square;
    }
    binary {
    Add T::add;
    Sub T::sub;
    Mul T::mul;
    Div T::div;
    }
    compare {
    Eq |x: Complex<T>, y: Complex<T>| (x.re == y.re) & (x.im == y.im);
    Ne |x: Complex<T>, y: Complex<T>| (x.re != y.re) | (x.im != y.im);
    }
}

/// Functions that the reference evaluation computes in `f64`, one element at a time.
const SCALAR: [Unary; 20] = [
    Unary::Acos,
    Unary::Acosh,
    Unary::Asin,
    Unary::Asinh,
    Unary::Atan,
    Unary::Atanh,
    Unary::Cbrt,
    Unary::Cosh,
    Unary::Cosine,
    Unary::Exponential,
    Unary::ExponentialMinusOne,
    Unary::Log,
    Unary::LogPlusOne,
    Unary::Logistic,
    Unary::Rsqrt,
    Unary::Sine,
    Unary::Sinh,
    Unary::Sqrt,
    Unary::Tan,
    Unary::Tanh,
];

/// A function of [`SCALAR`].
struct InScalar<const F: usize>;
impl<T: Part, const F: usize> UnFn<Complex<T>> for InScalar<F> {
    type Out = Complex<T>;
    #[inline(always)]
    fn f<I: Isa>(z: Complex<T>) -> Complex<T> {
        T::narrow(scalar_complex(SCALAR[F], T::wide(z)))
    }
}

fn scalar<T: Part>(op: Unary) -> Option<TileFn> {
    macro_rules! one_of {
        ($($i:literal)*) => {
            match SCALAR.iter().position(|&one| one == op)? {
                $($i => plain::<Un<InScalar<$i>, Complex<T>>>(),)*
                _ => return None,
            }
        };
    }
    Some(one_of!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19))
}

/// `complex(re, im)`.
struct Zip;
impl<T: Part> BinFn<T> for Zip {
    type Out = Complex<T>;
    #[inline(always)]
    fn f<I: Isa>(re: T, im: T) -> Complex<T> {
        Complex::new(re, im)
    }
}

pub(super) fn zip<T: Part>(scalar: Scalar) -> Option<TileFn> {
    plain_vectors::<Zip, T>(scalar)
}

macro_rules! by_type {
    ($ty:expr, $t:ident => $body:expr) => {
        match $ty {
            ElementType::C64 => {
                type $t = Complex<f32>;
                $body
            }
            ElementType::C128 => {
                type $t = Complex<f64>;
                $body
            }
            _ => None,
        }
    };
}

pub(super) fn unary(op: Unary, ty: ElementType) -> Option<TileFn> {
    by_type!(ty, T => Some(match op {
        Unary::Abs => plain::<Un<Abs, T>>(),
        Unary::Real => plain::<Un<Real, T>>(),
        Unary::Imag => plain::<Un<Imag, T>>(),
        Unary::Negate => plain::<Un<Neg, T>>(),
        Unary::Conj => plain::<Un<Conj, T>>(),
        Unary::Sign => plain::<Un<Sign, T>>(),
        Unary::Square => plain::<Un<Square, T>>(),
        _ => {
            return match ty {
                ElementType::C64 => scalar::<f32>(op),
                _ => scalar::<f64>(op),
            };
        }
    }))
}

pub(super) fn binary(op: Binary, ty: ElementType, scalar: Scalar) -> Option<TileFn> {
    by_type!(ty, T => match op {
        Binary::Add => plain_vectors::<Add, T>(scalar),
        Binary::Subtract => plain_vectors::<Sub, T>(scalar),
        Binary::Multiply => plain_vectors::<Mul, T>(scalar),
        Binary::Divide => plain_vectors::<Div, T>(scalar),
        _ => None,
    })
}

pub(super) fn compare(direction: Direction, ty: ElementType, scalar: Scalar) -> Option<TileFn> {
    by_type!(ty, T => match direction {
        Direction::Eq => plain_vectors::<Eq, T>(scalar),
        Direction::Ne => plain_vectors::<Ne, T>(scalar),
        _ => None,
    })
}
