//! Vector kernels of the tile machine: one operation over a run of elements, at the widest instruction set of the machine.
//!
//! Every function is written once, element by element and free of branches, and is instantiated under
//! `#[target_feature]` for each [`Level`], where the compiler turns its loop into vector code. Invariants: a kernel
//! reads `n` elements of each operand and writes `n` of its result; the result overlaps no operand (the loops would
//! still be right, but not fast); operands are aligned to their element. Sub-byte types and 8-bit floats have no kernels.
//!
//! The unsafe room of pointer arithmetic: callers promise the pointers, see `TileFn`.

// `x != x` is how branch-free code asks for NaN.
#![allow(clippy::eq_op)]

mod complex;
mod convert;
mod float;
mod half;
mod int;
mod math32;
mod math64;
mod reduce;
#[cfg(test)]
mod tests;

use std::marker::PhantomData;
use std::sync::OnceLock;

use jacinth_lowering::ElementType;
use jacinth_lowering::ops::elementwise::{Binary, Direction, Unary};

pub(crate) use convert::convert;
pub(crate) use reduce::{Fold, accumulator, fold_columns, fold_finish, fold_rows};

/// A kernel: `f(result, a, b, c, n)` over `n` elements; operands that the operation lacks are ignored.
///
/// # Safety
/// The pointers used are valid for `n` elements of the kernel's types and aligned to them.
pub(crate) type TileFn = unsafe fn(*mut u8, *const u8, *const u8, *const u8, usize);

/// An instruction set that kernels are compiled for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// What the target guarantees: SSE2 on x86-64, NEON on AArch64.
    Baseline,
    /// AVX2, FMA, F16C, BMI.
    Avx2,
    /// AVX-512 F, BW, CD, DQ and VL.
    Avx512,
}

impl Level {
    /// The best level that this machine has; `JACINTH_CPU_ISA=baseline|avx2|avx512` asks for a lower one.
    pub fn detect() -> Level {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(|| {
            let best = *Level::available().last().expect("the baseline is always there");
            let wanted = match std::env::var("JACINTH_CPU_ISA").as_deref() {
                Ok("baseline") => Level::Baseline,
                Ok("avx2") => Level::Avx2,
                _ => Level::Avx512,
            };
            best.min(wanted)
        })
    }

    /// The levels that this machine can run, lowest first.
    pub fn available() -> Vec<Level> {
        #[allow(unused_mut)]
        let mut levels = vec![Level::Baseline];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("lzcnt")
                && is_x86_feature_detected!("popcnt")
            {
                levels.push(Level::Avx2);
                if is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512cd")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                {
                    levels.push(Level::Avx512);
                }
            }
        }
        levels
    }
}

/// What a kernel's body may know of the instruction set it is compiled for.
pub(crate) trait Isa: Copy {
    /// Whether a fused multiply-add is one instruction.
    const FMA: bool;
}

#[derive(Clone, Copy)]
pub(crate) struct Plain;
#[derive(Clone, Copy)]
pub(crate) struct Fused;

impl Isa for Plain {
    const FMA: bool = cfg!(target_arch = "aarch64");
}
impl Isa for Fused {
    const FMA: bool = true;
}

/// A kernel's body, to be compiled for every level.
pub(crate) trait Body {
    /// # Safety
    /// As [`TileFn`].
    unsafe fn run<I: Isa>(d: *mut u8, a: *const u8, b: *const u8, c: *const u8, n: usize);
}

/// The body compiled for a level.
pub(crate) fn instantiate<B: Body>(level: Level) -> TileFn {
    /// # Safety
    /// As [`TileFn`].
    unsafe fn baseline<B: Body>(d: *mut u8, a: *const u8, b: *const u8, c: *const u8, n: usize) {
        // SAFETY: as promised by the caller.
        unsafe { B::run::<Plain>(d, a, b, c, n) }
    }
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
    /// # Safety
    /// As [`TileFn`], on a machine that has the features.
    unsafe fn avx2<B: Body>(d: *mut u8, a: *const u8, b: *const u8, c: *const u8, n: usize) {
        // SAFETY: as promised by the caller.
        unsafe { B::run::<Fused>(d, a, b, c, n) }
    }
    #[cfg(target_arch = "x86_64")]
    #[target_feature(
        enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt"
    )]
    /// # Safety
    /// As [`TileFn`], on a machine that has the features.
    unsafe fn avx512<B: Body>(d: *mut u8, a: *const u8, b: *const u8, c: *const u8, n: usize) {
        // SAFETY: as promised by the caller.
        unsafe { B::run::<Fused>(d, a, b, c, n) }
    }
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => avx512::<B>,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => avx2::<B>,
        _ => baseline::<B>,
    }
}

/// The body compiled for the baseline alone: for what is too rare to be worth its code three times.
pub(crate) fn plain<B: Body>() -> TileFn {
    /// # Safety
    /// As [`TileFn`].
    unsafe fn baseline<B: Body>(d: *mut u8, a: *const u8, b: *const u8, c: *const u8, n: usize) {
        // SAFETY: as promised by the caller.
        unsafe { B::run::<Plain>(d, a, b, c, n) }
    }
    baseline::<B>
}

/// A function of one element.
pub(crate) trait UnFn<T> {
    type Out;
    fn f<I: Isa>(x: T) -> Self::Out;
}

/// A function of two elements.
pub(crate) trait BinFn<T> {
    type Out;
    fn f<I: Isa>(x: T, y: T) -> Self::Out;
}

/// [`UnFn`] over a run.
pub(crate) struct Un<F, T>(PhantomData<(F, T)>);
/// [`BinFn`] over a run; `S` says which operand is a single element ([`Scalar`]).
pub(crate) struct Bin<F, T, const S: u8>(PhantomData<(F, T)>);

impl<T: Copy, F: UnFn<T>> Body for Un<F, T> {
    #[inline(always)]
    unsafe fn run<I: Isa>(d: *mut u8, a: *const u8, _: *const u8, _: *const u8, n: usize) {
        let (d, a) = (d.cast::<F::Out>(), a.cast::<T>());
        for i in 0..n {
            // SAFETY: both are valid for `n` elements.
            unsafe { d.add(i).write(F::f::<I>(*a.add(i))) };
        }
    }
}

impl<T: Copy, F: BinFn<T>, const S: u8> Body for Bin<F, T, S> {
    #[inline(always)]
    unsafe fn run<I: Isa>(d: *mut u8, a: *const u8, b: *const u8, _: *const u8, n: usize) {
        let (d, a, b) = (d.cast::<F::Out>(), a.cast::<T>(), b.cast::<T>());
        if n == 0 {
            return;
        }
        // SAFETY: all are valid for `n` elements, at least one; a scalar operand for one.
        unsafe {
            let (a0, b0) = (*a, *b);
            for i in 0..n {
                let x = if S == 1 { a0 } else { *a.add(i) };
                let y = if S == 2 { b0 } else { *b.add(i) };
                d.add(i).write(F::f::<I>(x, y));
            }
        }
    }
}

/// Which operand of a binary kernel is a single element for all lanes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scalar {
    None,
    First,
    Second,
}

/// Picks the instantiation of a binary body by which operand is scalar.
pub(crate) fn binary_body<F: BinFn<T>, T: Copy>(scalar: Scalar, level: Level) -> TileFn {
    match scalar {
        Scalar::None => instantiate::<Bin<F, T, 0>>(level),
        Scalar::First => instantiate::<Bin<F, T, 1>>(level),
        Scalar::Second => instantiate::<Bin<F, T, 2>>(level),
    }
}

/// A binary body for the baseline alone, without scalar forms.
pub(crate) fn plain_vectors<F: BinFn<T>, T: Copy>(scalar: Scalar) -> Option<TileFn> {
    (scalar == Scalar::None).then(plain::<Bin<F, T, 0>>)
}

/// A binary body without scalar forms.
pub(crate) fn vectors_only<F: BinFn<T>, T: Copy>(scalar: Scalar, level: Level) -> Option<TileFn> {
    (scalar == Scalar::None).then(|| instantiate::<Bin<F, T, 0>>(level))
}

/// The kernel of a unary operation on elements of that type.
pub(crate) fn unary(op: Unary, ty: ElementType, level: Level) -> Option<TileFn> {
    match ty {
        _ if ty.is_float() => float::unary(op, ty, level),
        _ if ty.is_complex() => complex::unary(op, ty),
        _ => int::unary(op, ty, level),
    }
}

/// The kernel of a binary operation on elements of that type.
pub(crate) fn binary(op: Binary, ty: ElementType, scalar: Scalar, level: Level) -> Option<TileFn> {
    match ty {
        _ if ty.is_float() => float::binary(op, ty, scalar, level),
        _ if ty.is_complex() => complex::binary(op, ty, scalar),
        _ => int::binary(op, ty, scalar, level),
    }
}

/// The kernel of a comparison of elements of that type, giving bytes 0 and 1.
pub(crate) fn compare(
    direction: Direction,
    total: bool,
    ty: ElementType,
    scalar: Scalar,
    level: Level,
) -> Option<TileFn> {
    match ty {
        _ if ty.is_float() => float::compare(direction, total, ty, scalar, level),
        _ if ty.is_complex() => complex::compare(direction, ty, scalar),
        _ => int::compare(direction, ty, scalar, level),
    }
}

/// Rounds to fewer bits and back; `b` points to one pair of `i32`: exponent bits and mantissa bits.
pub(crate) fn reduce_precision(ty: ElementType) -> Option<TileFn> {
    float::reduce_precision(ty)
}

/// `a[i] ? b[i] : c[i]` for elements of `width` bytes.
pub(crate) fn select(width: usize, level: Level) -> Option<TileFn> {
    struct Select<T>(PhantomData<T>);
    impl<T: Copy> Body for Select<T> {
        #[inline(always)]
        unsafe fn run<I: Isa>(d: *mut u8, a: *const u8, b: *const u8, c: *const u8, n: usize) {
            let (d, b, c) = (d.cast::<T>(), b.cast::<T>(), c.cast::<T>());
            for i in 0..n {
                // SAFETY: all are valid for `n` elements.
                unsafe {
                    let (p, x, y) = (*a.add(i), *b.add(i), *c.add(i));
                    d.add(i).write(if p != 0 { x } else { y });
                }
            }
        }
    }
    Some(match width {
        1 => instantiate::<Select<u8>>(level),
        2 => instantiate::<Select<u16>>(level),
        4 => instantiate::<Select<u32>>(level),
        8 => instantiate::<Select<u64>>(level),
        16 => instantiate::<Select<[u64; 2]>>(level),
        _ => return None,
    })
}

/// Copies elements of `width` bytes.
pub(crate) fn copy(width: usize) -> TileFn {
    /// # Safety
    /// As [`TileFn`]; equal pointers are allowed.
    unsafe fn run<const W: usize>(d: *mut u8, a: *const u8, _: *const u8, _: *const u8, n: usize) {
        // SAFETY: valid for `n` elements; an output may be its own input.
        unsafe { std::ptr::copy(a, d, n * W) }
    }
    match width {
        1 => run::<1>,
        2 => run::<2>,
        4 => run::<4>,
        8 => run::<8>,
        _ => run::<16>,
    }
}

/// Fills `n` elements of `width` bytes with the one at `a`.
///
/// # Safety
/// `d` is valid for `n` elements and `a` for one, aligned to them.
#[inline]
pub(crate) unsafe fn fill(d: *mut u8, a: *const u8, width: usize, n: usize) {
    // SAFETY: as promised by the caller.
    unsafe {
        match width {
            1 => std::slice::from_raw_parts_mut(d, n).fill(*a),
            2 => std::slice::from_raw_parts_mut(d.cast::<u16>(), n).fill(*a.cast::<u16>()),
            4 => std::slice::from_raw_parts_mut(d.cast::<u32>(), n).fill(*a.cast::<u32>()),
            8 => std::slice::from_raw_parts_mut(d.cast::<u64>(), n).fill(*a.cast::<u64>()),
            _ => std::slice::from_raw_parts_mut(d.cast::<[u64; 2]>(), n).fill(*a.cast::<[u64; 2]>()),
        }
    }
}
