//! Conversions between element types: floats to integers truncate and saturate, NaN becomes 0; anything that is not
//! zero becomes `true`; integers and wider floats round to nearest, ties to even.

use ::half::{bf16, f16};
use jacinth_lowering::ElementType;

use super::half::{bf16_down, bf16_up, f16_down, f16_up};
use super::{Isa, Level, TileFn, Un, UnFn, instantiate, plain};

/// Converts to `T`.
struct To<T>(std::marker::PhantomData<T>);

macro_rules! casts {
    ($($from:ident => $($to:ident),*;)*) => {$($(
        impl UnFn<$from> for To<$to> {
            type Out = $to;
            #[inline(always)]
            fn f<I: Isa>(x: $from) -> $to { x as $to }
        }
    )*)*};
}

casts! {
    i8 => i8, i16, i32, i64, u8, u16, u32, u64, f32, f64;
    i16 => i8, i16, i32, i64, u8, u16, u32, u64, f32, f64;
    i32 => i8, i16, i32, i64, u8, u16, u32, u64, f32, f64;
    i64 => i8, i16, i32, i64, u8, u16, u32, u64, f32, f64;
    u8 => i8, i16, i32, i64, u8, u16, u32, u64, f32, f64;
    u16 => i8, i16, i32, i64, u8, u16, u32, u64, f32, f64;
    u32 => i8, i16, i32, i64, u8, u16, u32, u64, f32, f64;
    u64 => i8, i16, i32, i64, u8, u16, u32, u64, f32, f64;
    f32 => i8, i16, i32, i64, u8, u16, u32, u64, f32, f64;
    f64 => i8, i16, i32, i64, u8, u16, u32, u64, f32, f64;
}

/// A boolean's byte.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Bool(u8);

macro_rules! halves {
    ($($h:ident $up:ident $down:ident;)*) => {$(
        halves!(@from $h $up: i8, i16, i32, i64, u8, u16, u32, u64, f32, f64);
        halves!(@to $h $down f32: i8, i16, u8, u16, f32);
        impl UnFn<$h> for To<Bool> {
            type Out = Bool;
            #[inline(always)]
            fn f<I: Isa>(x: $h) -> Bool { Bool(u8::from($up(x) != 0.0)) }
        }
        impl UnFn<$h> for To<$h> {
            type Out = $h;
            #[inline(always)]
            fn f<I: Isa>(x: $h) -> $h { x }
        }
        halves!(@wide $h: i32, u32, i64, u64, f64);
    )*};
    (@from $h:ident $up:ident: $($t:ident),*) => {$(
        impl UnFn<$h> for To<$t> {
            type Out = $t;
            #[inline(always)]
            fn f<I: Isa>(x: $h) -> $t { $up(x) as $t }
        }
    )*};
    (@to $h:ident $down:ident $w:ident: $($t:ident),*) => {$(
        impl UnFn<$t> for To<$h> {
            type Out = $h;
            #[inline(always)]
            fn f<I: Isa>(x: $t) -> $h { $down(x as $w) }
        }
    )*};
    // Wider than the mantissa of f32: rounded to odd there, so that rounding twice is rounding once.
    (@wide $h:ident: $($t:ident),*) => {$(
        impl UnFn<$t> for To<$h> {
            type Out = $h;
            #[inline(always)]
            fn f<I: Isa>(x: $t) -> $h { <$h>::from_odd(odd(x as f64)) }
        }
    )*};
}

/// Rounds a float that was rounded to odd.
trait FromOdd {
    fn from_odd(x: f32) -> Self;
}
impl FromOdd for f16 {
    #[inline(always)]
    fn from_odd(x: f32) -> f16 {
        f16_down(x)
    }
}
impl FromOdd for bf16 {
    #[inline(always)]
    fn from_odd(x: f32) -> bf16 {
        bf16_down(x)
    }
}

/// To `f32`, rounding to odd: an inexact result has its last bit set.
#[inline(always)]
fn odd(x: f64) -> f32 {
    let nearest = x as f32;
    let back = f64::from(nearest);
    let bits = nearest.to_bits();
    // Towards zero, then with the last bit set, unless exact (or not a number, or infinite).
    let away = (back.abs() > x.abs()) as u32;
    let inexact = back != x && x == x;
    f32::from_bits(if inexact { (bits - away) | 1 } else { bits })
}

halves! {
    f16 f16_up f16_down;
    bf16 bf16_up bf16_down;
}

impl UnFn<f16> for To<bf16> {
    type Out = bf16;
    #[inline(always)]
    fn f<I: Isa>(x: f16) -> bf16 {
        bf16_down(f16_up(x))
    }
}
impl UnFn<bf16> for To<f16> {
    type Out = f16;
    #[inline(always)]
    fn f<I: Isa>(x: bf16) -> f16 {
        f16_down(bf16_up(x))
    }
}

macro_rules! to_bool {
    ($($t:ident),*) => {$(
        impl UnFn<$t> for To<Bool> {
            type Out = Bool;
            #[inline(always)]
            fn f<I: Isa>(x: $t) -> Bool { Bool(u8::from(x != 0 as $t)) }
        }
    )*};
}
to_bool!(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64);

/// The kernel that converts elements of type `from` to type `to`; none for complex numbers.
pub(crate) fn convert(from: ElementType, to: ElementType, level: Level) -> Option<TileFn> {
    // Pairs that programs spend time in are compiled for every level.
    macro_rules! hot {
        ($($from:ident $f:ident $to:ident $t:ty),*) => {
            match (from, to) {
                $((ElementType::$from, ElementType::$to) => return Some(instantiate::<Un<To<$t>, $f>>(level)),)*
                _ => {}
            }
        };
    }
    hot!(F32 f32 BF16 bf16, BF16 bf16 F32 f32, F32 f32 F16 f16, F16 f16 F32 f32, I32 i32 F32 f32, F32 f32 I32 i32,
        UI32 u32 F32 f32, I1 u8 F32 f32, UI8 u8 F32 f32, F32 f32 F64 f64, F64 f64 F32 f32, I1 u8 I32 i32, I32 i32 I64 i64,
        I64 i64 I32 i32);
    macro_rules! from {
        ($($ty:ident $t:ident),*) => {
            match from {
                $(ElementType::$ty => Some(from!(@to $t)),)*
                _ => None,
            }
        };
        (@to $s:ident) => {
            match to {
                ElementType::I1 => plain::<Un<To<Bool>, $s>>(),
                ElementType::I8 => plain::<Un<To<i8>, $s>>(),
                ElementType::I16 => plain::<Un<To<i16>, $s>>(),
                ElementType::I32 => plain::<Un<To<i32>, $s>>(),
                ElementType::I64 => plain::<Un<To<i64>, $s>>(),
                ElementType::UI8 => plain::<Un<To<u8>, $s>>(),
                ElementType::UI16 => plain::<Un<To<u16>, $s>>(),
                ElementType::UI32 => plain::<Un<To<u32>, $s>>(),
                ElementType::UI64 => plain::<Un<To<u64>, $s>>(),
                ElementType::F16 => plain::<Un<To<f16>, $s>>(),
                ElementType::BF16 => plain::<Un<To<bf16>, $s>>(),
                ElementType::F32 => plain::<Un<To<f32>, $s>>(),
                ElementType::F64 => plain::<Un<To<f64>, $s>>(),
                _ => return None,
            }
        };
    }
    from!(I1 u8, I8 i8, I16 i16, I32 i32, I64 i64, UI8 u8, UI16 u16, UI32 u32, UI64 u64, F16 f16, BF16 bf16, F32 f32, F64 f64)
}
