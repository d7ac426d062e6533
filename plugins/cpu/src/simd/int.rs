//! Integer and boolean kernels. Arithmetic wraps; a division by zero gives −1 (all bits), a remainder by zero its first
//! operand; a shift by the width or more shifts everything out.

use jacinth_lowering::ElementType;
use jacinth_lowering::ops::elementwise::{Binary, Direction, Unary};

use super::{
    BinFn, Isa, Level, Scalar, TileFn, Un, UnFn, binary_body, instantiate, plain, plain_vectors, vectors_only,
};

/// The integer types of Rust, as kernels need them.
pub(crate) trait Int: Copy + PartialOrd + 'static {
    fn add(self, y: Self) -> Self;
    fn sub(self, y: Self) -> Self;
    fn mul(self, y: Self) -> Self;
    fn div(self, y: Self) -> Self;
    fn rem(self, y: Self) -> Self;
    fn max(self, y: Self) -> Self;
    fn min(self, y: Self) -> Self;
    fn and(self, y: Self) -> Self;
    fn or(self, y: Self) -> Self;
    fn xor(self, y: Self) -> Self;
    fn shl(self, y: Self) -> Self;
    fn sar(self, y: Self) -> Self;
    fn shr(self, y: Self) -> Self;
    fn pow(self, y: Self) -> Self;
    fn mulhi(self, y: Self) -> Self;
    fn abs(self) -> Self;
    fn neg(self) -> Self;
    fn not(self) -> Self;
    fn sign(self) -> Self;
    fn popcnt(self) -> Self;
    fn clz(self) -> Self;
}

macro_rules! int {
    ($($t:ident $u:ident $s:ident $wide:ident $signed:literal),*) => {$(
        impl Int for $t {
            #[inline(always)]
            fn add(self, y: Self) -> Self { self.wrapping_add(y) }
            #[inline(always)]
            fn sub(self, y: Self) -> Self { self.wrapping_sub(y) }
            #[inline(always)]
            fn mul(self, y: Self) -> Self { self.wrapping_mul(y) }
            #[inline(always)]
            fn div(self, y: Self) -> Self { if y == 0 { !0 } else { self.wrapping_div(y) } }
            #[inline(always)]
            fn rem(self, y: Self) -> Self { if y == 0 { self } else { self.wrapping_rem(y) } }
            #[inline(always)]
            fn max(self, y: Self) -> Self { if self > y { self } else { y } }
            #[inline(always)]
            fn min(self, y: Self) -> Self { if self < y { self } else { y } }
            #[inline(always)]
            fn and(self, y: Self) -> Self { self & y }
            #[inline(always)]
            fn or(self, y: Self) -> Self { self | y }
            #[inline(always)]
            fn xor(self, y: Self) -> Self { self ^ y }
            #[inline(always)]
            fn shl(self, y: Self) -> Self {
                let y = y as $u;
                let inside = self << (y & ($t::BITS as $u - 1));
                if y >= $t::BITS as $u { 0 } else { inside }
            }
            #[inline(always)]
            fn sar(self, y: Self) -> Self {
                let y = y as $u;
                let y = if y >= $t::BITS as $u { $t::BITS as $u - 1 } else { y };
                (self as $s >> y) as $t
            }
            #[inline(always)]
            fn shr(self, y: Self) -> Self {
                let y = y as $u;
                let inside = self as $u >> (y & ($t::BITS as $u - 1));
                if y >= $t::BITS as $u { 0 } else { inside as $t }
            }
            #[inline(always)]
            fn pow(self, y: Self) -> Self {
                #[allow(unused_comparisons)]
                if y < 0 {
                    // The reciprocal, truncated: only ±1 have one that is not zero.
                    let minus_one = !0 as $t;
                    return if self == 1 { 1 } else if self == minus_one { if y & 1 == 0 { 1 } else { minus_one } } else { 0 };
                }
                let (mut base, mut exponent, mut result) = (self, y, 1 as $t);
                while exponent > 0 {
                    if exponent & 1 == 1 {
                        result = result.wrapping_mul(base);
                    }
                    base = base.wrapping_mul(base);
                    exponent >>= 1;
                }
                result
            }
            #[inline(always)]
            fn mulhi(self, y: Self) -> Self { ((self as $wide * y as $wide) >> $t::BITS) as $t }
            #[inline(always)]
            fn abs(self) -> Self {
                #[allow(unused_comparisons)]
                if self < 0 { (0 as $t).wrapping_sub(self) } else { self }
            }
            #[inline(always)]
            fn neg(self) -> Self { self.wrapping_neg() }
            #[inline(always)]
            fn not(self) -> Self { !self }
            #[inline(always)]
            fn sign(self) -> Self {
                let negative = if $signed && (self as $s) < 0 { !0 } else { 0 as $t };
                if self == 0 { 0 } else { negative | 1 }
            }
            #[inline(always)]
            fn popcnt(self) -> Self { self.count_ones() as $t }
            #[inline(always)]
            fn clz(self) -> Self { self.leading_zeros() as $t }
        }
    )*};
}

int!(i8 u8 i8 i16 true, i16 u16 i16 i32 true, i32 u32 i32 i64 true, i64 u64 i64 i128 true,
    u8 u8 i8 u16 false, u16 u16 i16 u32 false, u32 u32 i32 u64 false, u64 u64 i64 u128 false);

macro_rules! functions {
    (unary $($u:ident $uf:ident),*; binary $($b:ident $bf:ident),*) => {
        $(struct $u;
        impl<T: Int> UnFn<T> for $u {
            type Out = T;
            #[inline(always)]
            fn f<I: Isa>(x: T) -> T { x.$uf() }
        })*
        $(pub(super) struct $b;
        impl<T: Int> BinFn<T> for $b {
            type Out = T;
            #[inline(always)]
            fn f<I: Isa>(x: T, y: T) -> T { x.$bf(y) }
        })*
    };
}

functions!(unary Abs abs, Neg neg, Not not, Sign sign, Popcnt popcnt, Clz clz;
    binary Add add, Sub sub, Mul mul, Div div, Rem rem, Max max, Min min, And and, Or or, Xor xor, Shl shl, Sar sar,
    Shr shr, Pow pow, Mulhi mulhi);

/// `!x` of a boolean.
struct NotBool;
impl UnFn<u8> for NotBool {
    type Out = u8;
    #[inline(always)]
    fn f<I: Isa>(x: u8) -> u8 {
        x ^ 1
    }
}

macro_rules! comparisons {
    ($($name:ident $op:tt),*) => {$(
        pub(super) struct $name;
        impl<T: PartialOrd> BinFn<T> for $name {
            type Out = u8;
            #[inline(always)]
            fn f<I: Isa>(x: T, y: T) -> u8 { u8::from(x $op y) }
        }
    )*};
}

comparisons!(Eq ==, Ne !=, Lt <, Le <=, Gt >, Ge >=);

macro_rules! by_type {
    ($ty:expr, $t:ident => $body:expr; $($e:ident $r:ident),*) => {
        match $ty {
            $(ElementType::$e => { type $t = $r; $body })*
            _ => None,
        }
    };
}

/// The type with the same arithmetic modulo 2ⁿ: where the sign does not matter, unsigned code serves both.
fn unsigned(ty: ElementType) -> ElementType {
    match ty {
        ElementType::I8 => ElementType::UI8,
        ElementType::I16 => ElementType::UI16,
        ElementType::I32 => ElementType::UI32,
        ElementType::I64 => ElementType::UI64,
        ty => ty,
    }
}

pub(super) fn unary(op: Unary, ty: ElementType, level: Level) -> Option<TileFn> {
    if ty == ElementType::I1 {
        return (op == Unary::Not).then(plain::<Un<NotBool, u8>>);
    }
    match op {
        Unary::Negate => {
            by_type!(unsigned(ty), T => Some(instantiate::<Un<Neg, T>>(level)); UI8 u8, UI16 u16, UI32 u32, UI64 u64)
        }
        Unary::Not => {
            by_type!(unsigned(ty), T => Some(instantiate::<Un<Not, T>>(level)); UI8 u8, UI16 u16, UI32 u32, UI64 u64)
        }
        Unary::Popcnt => {
            by_type!(unsigned(ty), T => Some(plain::<Un<Popcnt, T>>()); UI8 u8, UI16 u16, UI32 u32, UI64 u64)
        }
        Unary::CountLeadingZeros => {
            by_type!(unsigned(ty), T => Some(plain::<Un<Clz, T>>()); UI8 u8, UI16 u16, UI32 u32, UI64 u64)
        }
        Unary::Abs => by_type!(ty, T => Some(plain::<Un<Abs, T>>());
            I8 i8, I16 i16, I32 i32, I64 i64, UI8 u8, UI16 u16, UI32 u32, UI64 u64),
        Unary::Sign => by_type!(ty, T => Some(plain::<Un<Sign, T>>());
            I8 i8, I16 i16, I32 i32, I64 i64, UI8 u8, UI16 u16, UI32 u32, UI64 u64),
        _ => None,
    }
}

/// A body for 32 bits at every level and with scalar forms, for 64 bits without those, and plain for the narrow types.
macro_rules! sized {
    ($f:ident, $ty:expr, $scalar:expr, $level:expr, signed) => {
        match $ty {
            ElementType::I8 => plain_vectors::<$f, i8>($scalar),
            ElementType::I16 => plain_vectors::<$f, i16>($scalar),
            ElementType::I32 => Some(binary_body::<$f, i32>($scalar, $level)),
            ElementType::I64 => vectors_only::<$f, i64>($scalar, $level),
            ty => sized!($f, ty, $scalar, $level, unsigned),
        }
    };
    ($f:ident, $ty:expr, $scalar:expr, $level:expr, unsigned) => {
        match $ty {
            ElementType::UI8 => plain_vectors::<$f, u8>($scalar),
            ElementType::UI16 => plain_vectors::<$f, u16>($scalar),
            ElementType::UI32 => Some(binary_body::<$f, u32>($scalar, $level)),
            ElementType::UI64 => vectors_only::<$f, u64>($scalar, $level),
            _ => None,
        }
    };
}

pub(super) fn binary(op: Binary, ty: ElementType, scalar: Scalar, level: Level) -> Option<TileFn> {
    if ty == ElementType::I1 {
        return match op {
            Binary::And | Binary::Multiply | Binary::Minimum => plain_vectors::<And, u8>(scalar),
            Binary::Or | Binary::Add | Binary::Maximum => plain_vectors::<Or, u8>(scalar),
            Binary::Xor => plain_vectors::<Xor, u8>(scalar),
            _ => None,
        };
    }
    let bits = unsigned(ty);
    match op {
        Binary::Add => sized!(Add, bits, scalar, level, unsigned),
        Binary::Subtract => sized!(Sub, bits, scalar, level, unsigned),
        Binary::Multiply => sized!(Mul, bits, scalar, level, unsigned),
        Binary::And => sized!(And, bits, scalar, level, unsigned),
        Binary::Or => sized!(Or, bits, scalar, level, unsigned),
        Binary::Xor => sized!(Xor, bits, scalar, level, unsigned),
        Binary::ShiftLeft => sized!(Shl, bits, scalar, level, unsigned),
        Binary::ShiftRightLogical => sized!(Shr, bits, scalar, level, unsigned),
        Binary::ShiftRightArithmetic => {
            by_type!(bits, T => plain_vectors::<Sar, T>(scalar); UI8 u8, UI16 u16, UI32 u32, UI64 u64)
        }
        Binary::Maximum => sized!(Max, ty, scalar, level, signed),
        Binary::Minimum => sized!(Min, ty, scalar, level, signed),
        Binary::Divide => by_type!(ty, T => plain_vectors::<Div, T>(scalar);
            I8 i8, I16 i16, I32 i32, I64 i64, UI8 u8, UI16 u16, UI32 u32, UI64 u64),
        Binary::Remainder => by_type!(ty, T => plain_vectors::<Rem, T>(scalar);
            I8 i8, I16 i16, I32 i32, I64 i64, UI8 u8, UI16 u16, UI32 u32, UI64 u64),
        Binary::Power => by_type!(ty, T => plain_vectors::<Pow, T>(scalar);
            I8 i8, I16 i16, I32 i32, I64 i64, UI8 u8, UI16 u16, UI32 u32, UI64 u64),
        Binary::Mulhi => by_type!(ty, T => plain_vectors::<Mulhi, T>(scalar);
            I8 i8, I16 i16, I32 i32, I64 i64, UI8 u8, UI16 u16, UI32 u32, UI64 u64),
        _ => None,
    }
}

pub(super) fn compare(direction: Direction, ty: ElementType, scalar: Scalar, level: Level) -> Option<TileFn> {
    let ty = if ty == ElementType::I1 { ElementType::UI8 } else { ty };
    match direction {
        Direction::Eq => sized!(Eq, unsigned(ty), scalar, level, unsigned),
        Direction::Ne => sized!(Ne, unsigned(ty), scalar, level, unsigned),
        Direction::Lt => sized!(Lt, ty, scalar, level, signed),
        Direction::Le => sized!(Le, ty, scalar, level, signed),
        Direction::Gt => sized!(Gt, ty, scalar, level, signed),
        Direction::Ge => sized!(Ge, ty, scalar, level, signed),
    }
}

/// The comparison of elements of one Rust type.
pub(super) fn compare_bodies<T: Copy + PartialOrd>(
    direction: Direction,
    scalar: Scalar,
    level: Level,
) -> TileFn {
    match direction {
        Direction::Eq => binary_body::<Eq, T>(scalar, level),
        Direction::Ne => binary_body::<Ne, T>(scalar, level),
        Direction::Lt => binary_body::<Lt, T>(scalar, level),
        Direction::Le => binary_body::<Le, T>(scalar, level),
        Direction::Gt => binary_body::<Gt, T>(scalar, level),
        Direction::Ge => binary_body::<Ge, T>(scalar, level),
    }
}
