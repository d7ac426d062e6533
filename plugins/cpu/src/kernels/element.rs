//! Elements as Rust types: arithmetic with the specification's meaning, and the macros that instantiate kernels.
//!
//! Data movement is instantiated per width ([`by_width`]), arithmetic per [`Number`] ([`by_number`]). Booleans are bytes
//! (`add` is or, `mul` is and); sub-byte integers live sign-extended in bytes, so that sums and products are bytes'
//! followed by [`wrap_small`]. The eight-bit-and-smaller floats have no arithmetic here: their regions run as [`super::RegionFn`].

use half::{bf16, f16};
use jacinth_lowering::ElementType;
use num_complex::Complex;

use super::scratch::Plain;

/// Arithmetic of one storage type; integers wrap, floats follow IEEE 754-2019 with NaN-propagating extrema.
pub(crate) trait Number: Plain + PartialEq {
    const ZERO: Self;
    const ONE: Self;
    /// Whether loops over this type are compiled for wide registers too.
    const WIDE: bool = false;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn maximum(self, other: Self) -> Self;
    fn minimum(self, other: Self) -> Self;
}

macro_rules! integer {
    ($($ty:ty),*) => {$(
        impl Number for $ty {
            const ZERO: Self = 0;
            const ONE: Self = 1;
            const WIDE: bool = size_of::<$ty>() == 4;
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            #[inline(always)]
            fn maximum(self, other: Self) -> Self {
                if self > other { self } else { other }
            }
            #[inline(always)]
            fn minimum(self, other: Self) -> Self {
                if self < other { self } else { other }
            }
        }
    )*};
}

integer!(u8, u16, u32, u64, i8, i16, i32, i64);

macro_rules! float {
    ($($ty:ty),*) => {$(
        impl Number for $ty {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const WIDE: bool = true;
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                self + other
            }
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                self - other
            }
            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                self * other
            }
            #[inline(always)]
            fn maximum(self, other: Self) -> Self {
                // Equal values differ at most in the sign of zero, and +0 is the larger.
                let same = <$ty>::from_bits(self.to_bits() & other.to_bits());
                let larger = if self > other || self.is_nan() { self } else { other };
                if self == other { same } else { larger }
            }
            #[inline(always)]
            fn minimum(self, other: Self) -> Self {
                let same = <$ty>::from_bits(self.to_bits() | other.to_bits());
                let smaller = if self < other || self.is_nan() { self } else { other };
                if self == other { same } else { smaller }
            }
        }
    )*};
}

float!(f32, f64);

macro_rules! half_float {
    ($($ty:ty),*) => {$(
        impl Number for $ty {
            const ZERO: Self = <$ty>::ZERO;
            const ONE: Self = <$ty>::ONE;
            const WIDE: bool = true;
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                <$ty>::from_f32(self.to_f32() + other.to_f32())
            }
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                <$ty>::from_f32(self.to_f32() - other.to_f32())
            }
            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                <$ty>::from_f32(self.to_f32() * other.to_f32())
            }
            #[inline(always)]
            fn maximum(self, other: Self) -> Self {
                <$ty>::from_f32(Number::maximum(self.to_f32(), other.to_f32()))
            }
            #[inline(always)]
            fn minimum(self, other: Self) -> Self {
                <$ty>::from_f32(Number::minimum(self.to_f32(), other.to_f32()))
            }
        }
    )*};
}

half_float!(f16, bf16);

macro_rules! complex {
    ($($ty:ty),*) => {$(
        impl Number for Complex<$ty> {
            // For the fused operations in running products.
            const WIDE: bool = true;
            const ZERO: Self = Complex::new(0.0, 0.0);
            const ONE: Self = Complex::new(1.0, 0.0);
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                self + other
            }
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                self - other
            }
            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                self * other
            }
            /// The lexicographically larger.
            #[inline(always)]
            fn maximum(self, other: Self) -> Self {
                if (self.re, self.im) > (other.re, other.im) || self.re.is_nan() { self } else { other }
            }
            /// The lexicographically smaller.
            #[inline(always)]
            fn minimum(self, other: Self) -> Self {
                if (self.re, self.im) < (other.re, other.im) || self.re.is_nan() { self } else { other }
            }
        }
    )*};
}

complex!(f32, f64);

/// Whether an element type's arithmetic needs [`wrap_small`] after [`by_number`]'s.
fn is_small_integer(element: ElementType) -> bool {
    matches!(element, ElementType::I2 | ElementType::I4 | ElementType::UI2 | ElementType::UI4)
}

/// Brings a byte that was computed modulo 256 back into the range of a two- or four-bit integer type.
#[inline]
pub(crate) fn wrap_small(element: ElementType, byte: u8) -> u8 {
    match element {
        ElementType::I2 => ((byte << 6) as i8 >> 6) as u8,
        ElementType::I4 => ((byte << 4) as i8 >> 4) as u8,
        ElementType::UI2 => byte & 3,
        ElementType::UI4 => byte & 15,
        _ => byte,
    }
}

/// Brings `n` results that were computed as bytes back into the range of their element type, where that is smaller.
///
/// # Safety
/// `bytes` points to `n` elements of `element` that nothing else accesses meanwhile.
pub(crate) unsafe fn wrap_results(element: ElementType, bytes: *mut u8, n: usize) {
    if is_small_integer(element) {
        // SAFETY: the caller's promise; these types have one byte an element.
        let bytes = unsafe { std::slice::from_raw_parts_mut(bytes, n) };
        bytes.iter_mut().for_each(|x| *x = wrap_small(element, *x));
    }
}

/// Instantiates an expression for the unsigned integer type `$T` of a width in bytes.
macro_rules! by_width {
    ($width:expr, $T:ident => $body:expr) => {
        match $width {
            1 => {
                type $T = u8;
                $body
            }
            2 => {
                type $T = u16;
                $body
            }
            4 => {
                type $T = u32;
                $body
            }
            8 => {
                type $T = u64;
                $body
            }
            16 => {
                type $T = [u64; 2];
                $body
            }
            width => unreachable!("no element is {width} bytes wide"),
        }
    };
}
pub(crate) use by_width;

/// Instantiates an expression for the [`Number`] type `$T` that stores an element type; `$none` for those that have none.
macro_rules! by_number {
    ($element:expr, $T:ident => $body:expr, else $none:expr) => {{
        use jacinth_lowering::ElementType as E;
        match $element {
            E::I2 | E::I4 | E::I8 => {
                type $T = i8;
                $body
            }
            E::I16 => {
                type $T = i16;
                $body
            }
            E::I32 => {
                type $T = i32;
                $body
            }
            E::I64 => {
                type $T = i64;
                $body
            }
            E::I1 | E::UI2 | E::UI4 | E::UI8 => {
                type $T = u8;
                $body
            }
            E::UI16 => {
                type $T = u16;
                $body
            }
            E::UI32 => {
                type $T = u32;
                $body
            }
            E::UI64 => {
                type $T = u64;
                $body
            }
            E::BF16 => {
                type $T = half::bf16;
                $body
            }
            E::F16 => {
                type $T = half::f16;
                $body
            }
            E::F32 => {
                type $T = f32;
                $body
            }
            E::F64 => {
                type $T = f64;
                $body
            }
            E::C64 => {
                type $T = num_complex::Complex<f32>;
                $body
            }
            E::C128 => {
                type $T = num_complex::Complex<f64>;
                $body
            }
            _ => $none,
        }
    }};
}
pub(crate) use by_number;

/// Instantiates an expression for the integer type `$T` of an index operand.
macro_rules! by_index {
    ($element:expr, $T:ident => $body:expr) => {{
        use jacinth_lowering::ElementType as E;
        match $element {
            E::I2 | E::I4 | E::I8 => {
                type $T = i8;
                $body
            }
            E::I16 => {
                type $T = i16;
                $body
            }
            E::I32 => {
                type $T = i32;
                $body
            }
            E::I64 => {
                type $T = i64;
                $body
            }
            E::UI16 => {
                type $T = u16;
                $body
            }
            E::UI32 => {
                type $T = u32;
                $body
            }
            E::UI64 => {
                type $T = u64;
                $body
            }
            _ => {
                type $T = u8;
                $body
            }
        }
    }};
}
pub(crate) use by_index;

/// Integers that index: as `i64`, an unsigned value past its range becoming the largest.
pub(crate) trait Index: Plain {
    fn index(self) -> i64;
}

macro_rules! index {
    ($($ty:ty),*) => {$(
        impl Index for $ty {
            #[inline(always)]
            fn index(self) -> i64 {
                self as i64
            }
        }
    )*};
}

index!(i8, i16, i32, i64, u8, u16, u32);

impl Index for u64 {
    #[inline(always)]
    fn index(self) -> i64 {
        i64::try_from(self).unwrap_or(i64::MAX)
    }
}

/// Compiles a function twice, for the baseline and for AVX2, and picks at run time what the machine has. A constant
/// condition after the generics limits the second to types for which it is worth compiling.
macro_rules! multiversion {
    ($(#[$meta:meta])* $vis:vis unsafe fn $($rest:tt)*) => {
        multiversion! { @ [$(#[$meta])*] [$vis] [unsafe] $($rest)* }
    };
    ($(#[$meta:meta])* $vis:vis fn $($rest:tt)*) => {
        multiversion! { @ [$(#[$meta])*] [$vis] [] $($rest)* }
    };
    (@ [$($meta:tt)*] [$vis:vis] [$($qualifier:tt)*]
        $name:ident[$($g:ident: $bound:path),* $(; if $wide:expr)?]($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block
    ) => {
        $($meta)*
        #[inline]
        #[allow(unused_unsafe)]
        $vis $($qualifier)* fn $name<$($g: $bound),*>($($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            $($qualifier)* fn body<$($g: $bound),*>($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma,bmi1,bmi2,popcnt,lzcnt")]
                $($qualifier)* fn avx2<$($g: $bound),*>($($arg: $ty),*) $(-> $ret)? {
                    // SAFETY: the caller's promise, where the function asks for one.
                    unsafe { body::<$($g),*>($($arg),*) }
                }
                if true $(&& $wide)? && $crate::kernels::element::has_avx2() {
                    // SAFETY: the machine has the features; else as above.
                    return unsafe { avx2::<$($g),*>($($arg),*) };
                }
            }
            // SAFETY: the caller's promise, where the function asks for one.
            unsafe { body::<$($g),*>($($arg),*) }
        }
    };
}
pub(crate) use multiversion;

/// Whether the machine has AVX2 and what usually comes with it.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn has_avx2() -> bool {
    std::is_x86_feature_detected!("avx2")
        && std::is_x86_feature_detected!("fma")
        && std::is_x86_feature_detected!("bmi2")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extrema_propagate_nan_and_order_zeros() {
        assert!(Number::maximum(f32::NAN, 1.0).is_nan());
        assert!(Number::maximum(1.0, f32::NAN).is_nan());
        assert!(Number::minimum(1.0f64, f64::NAN).is_nan());
        assert!(Number::maximum(-0.0f32, 0.0).is_sign_positive());
        assert!(Number::minimum(0.0f32, -0.0).is_sign_negative());
        assert!(Number::maximum(bf16::NAN, bf16::ONE).is_nan());
        assert_eq!(Number::maximum(f32::NEG_INFINITY, -3.0), -3.0);
    }

    #[test]
    fn small_integers_wrap() {
        assert_eq!(wrap_small(ElementType::I4, (7i8 + 1) as u8) as i8, -8);
        assert_eq!(wrap_small(ElementType::UI4, 16), 0);
        assert_eq!(wrap_small(ElementType::I2, 2) as i8, -2);
        assert_eq!(wrap_small(ElementType::I8, 200), 200);
    }
}
