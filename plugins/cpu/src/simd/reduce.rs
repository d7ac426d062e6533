//! Folds: many elements into one (rows), and rows into a row (columns), in an accumulator type.
//!
//! 16-bit floats accumulate in `f32`; everything else in its own type. A row is folded in independent lanes, so sums
//! are not in sequential order (and are more accurate for it).

use std::marker::PhantomData;

use ::half::{bf16, f16};
use jacinth_lowering::ElementType;

use super::float::{Float, Stored};
use super::int::Int;
use super::{Body, Isa, Level, TileFn, instantiate, plain};

/// An associative operation to fold with.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Fold {
    Add,
    Mul,
    Min,
    Max,
    And,
    Or,
    Xor,
}

/// The type in which elements of a type are accumulated.
pub(crate) fn accumulator(ty: ElementType) -> ElementType {
    match ty {
        ElementType::F16 | ElementType::BF16 => ElementType::F32,
        ty => ty,
    }
}

/// An element and its accumulator.
trait Acc: Copy + 'static {
    type A: Copy + 'static;
    fn enter(self) -> Self::A;
    fn leave(a: Self::A) -> Self;
}
macro_rules! acc {
    (own $($t:ident),*; wide $($h:ident),*) => {
        $(impl Acc for $t {
            type A = $t;
            #[inline(always)]
            fn enter(self) -> $t { self }
            #[inline(always)]
            fn leave(a: $t) -> $t { a }
        })*
        $(impl Acc for $h {
            type A = f32;
            #[inline(always)]
            fn enter(self) -> f32 { self.up() }
            #[inline(always)]
            fn leave(a: f32) -> $h { Stored::down(a) }
        })*
    };
}
acc!(own f32, f64, i8, i16, i32, i64, u8, u16, u32, u64; wide f16, bf16);

trait Op<A> {
    fn op(x: A, y: A) -> A;
}
struct Add;
struct Mul;
struct Min;
struct Max;
struct And;
struct Or;
struct Xor;
macro_rules! ops {
    ($tr:ident: $($t:ident),*: $($o:ident $f:ident),*) => { ops!(@each [$($t)*] $tr [$($o $f)*]); };
    (@each [$($t:ident)*] $tr:ident $os:tt) => { $(ops!(@one $t $tr $os);)* };
    (@one $t:ident $tr:ident [$($o:ident $f:ident)*]) => {
        $(impl Op<$t> for $o {
            #[inline(always)]
            fn op(x: $t, y: $t) -> $t { $tr::$f(x, y) }
        })*
    };
}
ops!(Float: f32, f64: Add add, Mul mul, Min min, Max max);
ops!(Int: i8, i16, i32, i64, u8, u16, u32, u64: Add add, Mul mul, Min min, Max max, And and, Or or, Xor xor);

/// `d[r] = op(d[r], a[r·columns], …, a[r·columns + columns - 1])` for `n` rows, `d` of the accumulator type; `b` points to `columns`, a
/// `usize`.
struct Rows<O, T>(PhantomData<(O, T)>);
/// `d[i] = op(d[i], a[i])`, `d` of the accumulator type.
struct Columns<O, T>(PhantomData<(O, T)>);
/// `d[i] = a[i]` from the accumulator type back to the element type.
struct Finish<T>(PhantomData<T>);

impl<O: Op<T::A>, T: Acc> Body for Rows<O, T> {
    #[inline(always)]
    unsafe fn run<I: Isa>(d: *mut u8, a: *const u8, b: *const u8, _: *const u8, n: usize) {
        const LANES: usize = 64;
        let (d, a) = (d.cast::<T::A>(), a.cast::<T>());
        // SAFETY: `b` points to a number, `a` is valid for `n` times as many elements, `d` for `n`.
        unsafe {
            let columns = *b.cast::<usize>();
            for row in 0..n {
                let a = a.add(row * columns);
                let mut total = *d.add(row);
                let mut i = 0;
                if columns >= 2 * LANES {
                    let mut lanes: [T::A; LANES] = std::array::from_fn(|j| (*a.add(j)).enter());
                    i = LANES;
                    while i + LANES <= columns {
                        for (j, lane) in lanes.iter_mut().enumerate() {
                            *lane = O::op(*lane, (*a.add(i + j)).enter());
                        }
                        i += LANES;
                    }
                    let mut width = LANES / 2;
                    while width > 0 {
                        for j in 0..width {
                            lanes[j] = O::op(lanes[j], lanes[j + width]);
                        }
                        width /= 2;
                    }
                    total = O::op(total, lanes[0]);
                }
                while i < columns {
                    total = O::op(total, (*a.add(i)).enter());
                    i += 1;
                }
                d.add(row).write(total);
            }
        }
    }
}

impl<O: Op<T::A>, T: Acc> Body for Columns<O, T> {
    #[inline(always)]
    unsafe fn run<I: Isa>(d: *mut u8, a: *const u8, _: *const u8, _: *const u8, n: usize) {
        let (d, a) = (d.cast::<T::A>(), a.cast::<T>());
        for i in 0..n {
            // SAFETY: both are valid for `n` elements.
            unsafe { d.add(i).write(O::op(*d.add(i), (*a.add(i)).enter())) };
        }
    }
}

impl<T: Acc> Body for Finish<T> {
    #[inline(always)]
    unsafe fn run<I: Isa>(d: *mut u8, a: *const u8, _: *const u8, _: *const u8, n: usize) {
        let (d, a) = (d.cast::<T>(), a.cast::<T::A>());
        for i in 0..n {
            // SAFETY: both are valid for `n` elements.
            unsafe { d.add(i).write(T::leave(*a.add(i))) };
        }
    }
}

macro_rules! pick {
    ($body:ident, $fold:ident, $ty:ident, $level:ident) => {
        match $ty {
            ElementType::F32 => pick!(@float $body f32 $fold $level),
            ElementType::F64 => pick!(@float $body f64 $fold $level),
            ElementType::F16 => pick!(@float $body f16 $fold $level),
            ElementType::BF16 => pick!(@float $body bf16 $fold $level),
            ElementType::I8 => pick!(@int $body i8 u8 $fold $level),
            ElementType::I16 => pick!(@int $body i16 u16 $fold $level),
            ElementType::I32 => pick!(@hot $body i32 u32 $fold $level),
            ElementType::I64 => pick!(@int $body i64 u64 $fold $level),
            ElementType::UI8 => pick!(@int $body u8 u8 $fold $level),
            ElementType::UI16 => pick!(@int $body u16 u16 $fold $level),
            ElementType::UI32 => pick!(@hot $body u32 u32 $fold $level),
            ElementType::UI64 => pick!(@int $body u64 u64 $fold $level),
            ElementType::I1 => Some(match $fold {
                Fold::And | Fold::Mul | Fold::Min => plain::<$body<And, u8>>(),
                Fold::Or | Fold::Add | Fold::Max => plain::<$body<Or, u8>>(),
                Fold::Xor => plain::<$body<Xor, u8>>(),
            }),
            _ => None,
        }
    };
    (@float $body:ident $t:ident $fold:ident $level:ident) => {
        Some(match $fold {
            Fold::Add => instantiate::<$body<Add, $t>>($level),
            Fold::Mul => plain::<$body<Mul, $t>>(),
            Fold::Min => instantiate::<$body<Min, $t>>($level),
            Fold::Max => instantiate::<$body<Max, $t>>($level),
            _ => return None,
        })
    };
    // Where the sign does not matter, unsigned code serves both.
    (@hot $body:ident $t:ident $u:ident $fold:ident $level:ident) => {
        Some(match $fold {
            Fold::Add => instantiate::<$body<Add, $u>>($level),
            Fold::Min => instantiate::<$body<Min, $t>>($level),
            Fold::Max => instantiate::<$body<Max, $t>>($level),
            Fold::Mul => plain::<$body<Mul, $u>>(),
            Fold::And => plain::<$body<And, $u>>(),
            Fold::Or => plain::<$body<Or, $u>>(),
            Fold::Xor => plain::<$body<Xor, $u>>(),
        })
    };
    (@int $body:ident $t:ident $u:ident $fold:ident $level:ident) => {
        Some(match $fold {
            Fold::Add => plain::<$body<Add, $u>>(),
            Fold::Mul => plain::<$body<Mul, $u>>(),
            Fold::Min => plain::<$body<Min, $t>>(),
            Fold::Max => plain::<$body<Max, $t>>(),
            Fold::And => plain::<$body<And, $u>>(),
            Fold::Or => plain::<$body<Or, $u>>(),
            Fold::Xor => plain::<$body<Xor, $u>>(),
        })
    };
}

/// Folds rows of elements into an accumulator each: `f(accumulators, elements, &columns, _, rows)`.
pub(crate) fn fold_rows(fold: Fold, ty: ElementType, level: Level) -> Option<TileFn> {
    pick!(Rows, fold, ty, level)
}

/// Folds a run of elements into as many accumulators.
pub(crate) fn fold_columns(fold: Fold, ty: ElementType, level: Level) -> Option<TileFn> {
    pick!(Columns, fold, ty, level)
}

/// Turns accumulators into elements.
pub(crate) fn fold_finish(ty: ElementType, level: Level) -> Option<TileFn> {
    match ty {
        ElementType::F16 => Some(instantiate::<Finish<f16>>(level)),
        ElementType::BF16 => Some(instantiate::<Finish<bf16>>(level)),
        _ => (!ty.is_complex()).then(|| super::copy(ty.byte_width())),
    }
}
