//! `dot_general`: batches of matrix products.
//!
//! Each side is seen as a batch of matrices with two strides. Where its free or contracting dimensions do not merge into
//! one, it is packed first; otherwise nothing is copied or transposed. `f32` and `f64` products of matrices that the caches
//! hold are made by `blocks`; larger ones, and complex ones, by the `gemm` crate; both are split over threads here. `f16`
//! and `bf16` are widened to `f32` and rounded once; integers multiply and add in the result's type. Products of vectors
//! and of tiny matrices have loops of their own.

use half::{bf16, f16};
use jacinth_lowering::ops::dot::DotGeneral;
use jacinth_lowering::{ElementType, Shape, TensorType};
use num_complex::Complex;
use smallvec::SmallVec;

use super::blocks;
use super::element::{Number, by_number, multiversion, wrap_results};
use super::scratch::Scratch;
use super::strided::{Dim, Source, StridedCopy, Target, permuted, product, strides};
use super::{Builder, Built, Cost, Kernel, KernelContext};
use crate::Result;

/// A batch of products `[m, k] × [k, n] → [m, n]`, results dense one after the other.
#[derive(Debug)]
struct Dot {
    lhs: Side,
    rhs: Side,
    result: ElementType,
    /// The dimensions of the batch, with the steps of the left and the right matrix.
    batch: SmallVec<[Dim; 4]>,
    batches: usize,
    m: usize,
    n: usize,
    k: usize,
    cost: Cost,
}

/// One operand as a batch of matrices.
#[derive(Debug)]
struct Side {
    element: ElementType,
    /// Copies the operand to dense matrices first, where its own strides do not do.
    pack: Option<StridedCopy>,
    elements: usize,
    /// The step along the free dimension (m or n), in elements.
    free: isize,
    /// The step along the contracting dimension, in elements.
    contract: isize,
}

/// One axis made of several dimensions, if their strides allow it.
fn merge(shape: &[i64], strides: &[isize], dims: &[i64]) -> Option<isize> {
    let mut merged: Option<(i64, isize)> = None;
    for &d in dims.iter().rev() {
        let (size, stride) = (shape[d as usize], strides[d as usize]);
        merged = match merged {
            _ if size == 1 => merged,
            None => Some((size, stride)),
            Some((inner, step)) if stride == step * inner as isize => Some((inner * size, step)),
            Some(_) => return None,
        };
    }
    Some(merged.map_or(1, |(_, step)| step))
}

fn others(rank: usize, a: &[i64], b: &[i64]) -> Shape {
    (0..rank as i64).filter(|d| !a.contains(d) && !b.contains(d)).collect()
}

pub(super) fn dot_general(op: &DotGeneral, b: &Builder<'_>) -> Built {
    let numbers = &op.dimension_numbers;
    let (l, r, result) = (&b.operands[0], &b.operands[1], &b.results[0]);
    if !supported(l.element, r.element, result.element) {
        return Ok(None);
    }
    let l_free = others(l.rank(), &numbers.lhs_batching_dimensions, &numbers.lhs_contracting_dimensions);
    let r_free = others(r.rank(), &numbers.rhs_batching_dimensions, &numbers.rhs_contracting_dimensions);
    let (ls, rs) = (strides(&l.shape), strides(&r.shape));

    // The order in which contracting dimensions are flattened is free, as long as it is the same on both sides.
    let pairs: SmallVec<[(i64, i64); 4]> = (numbers.lhs_contracting_dimensions.iter().copied())
        .zip(numbers.rhs_contracting_dimensions.iter().copied())
        .collect();
    let mut by_lhs = pairs.clone();
    by_lhs.sort_unstable();
    let mut by_rhs = pairs.clone();
    by_rhs.sort_unstable_by_key(|p| p.1);
    let split = |pairs: &[(i64, i64)]| -> (Shape, Shape) { pairs.iter().copied().unzip() };
    let fits = |pairs: &[(i64, i64)]| {
        let (lc, rc) = split(pairs);
        usize::from(merge(&l.shape, &ls, &lc).is_some()) + usize::from(merge(&r.shape, &rs, &rc).is_some())
    };
    let order = [&pairs, &by_lhs, &by_rhs].into_iter().max_by_key(|p| fits(p)).expect("three orders");
    let (lc, rc) = split(order);

    let size = |ty: &TensorType, dims: &[i64]| dims.iter().map(|&d| ty.shape[d as usize] as usize).product();
    let (m, n, k): (usize, usize, usize) = (size(l, &l_free), size(r, &r_free), size(l, &lc));
    let widen = !matches!(
        (l.element, r.element, result.element),
        (ElementType::F32, ElementType::F32, ElementType::F32)
            | (ElementType::F64, ElementType::F64, ElementType::F64)
            | (ElementType::C64, ElementType::C64, ElementType::C64)
            | (ElementType::C128, ElementType::C128, ElementType::C128)
    );
    let side =
        |ty: &TensorType, stride: &[isize], batch: &[i64], free: &[i64], contract: &[i64], is_lhs: bool| {
            let natural = merge(&ty.shape, stride, free).zip(merge(&ty.shape, stride, contract));
            let elements = product(&ty.shape);
            match natural {
                Some((f, c)) if !widen => {
                    Side { element: ty.element, pack: None, elements, free: f, contract: c }
                }
                _ => {
                    // Dense matrices: [batch, m, k] on the left, [batch, k, n] on the right.
                    let parts = if is_lhs { [batch, free, contract] } else { [batch, contract, free] };
                    let order = parts.concat();
                    let shape = permuted(&ty.shape, &order);
                    let src: SmallVec<[isize; 6]> = order.iter().map(|&d| stride[d as usize]).collect();
                    let pack = Some(StridedCopy::new(&shape, &src, &strides(&shape)));
                    let (free, contract) = if is_lhs { (k as isize, 1) } else { (1, n as isize) };
                    Side { element: ty.element, pack, elements, free, contract }
                }
            }
        };
    let lhs = side(l, &ls, &numbers.lhs_batching_dimensions, &l_free, &lc, true);
    let rhs = side(r, &rs, &numbers.rhs_batching_dimensions, &r_free, &rc, false);
    let batches: usize = size(l, &numbers.lhs_batching_dimensions);
    let mut batch: SmallVec<[Dim; 4]> = (numbers.lhs_batching_dimensions.iter())
        .zip(&numbers.rhs_batching_dimensions)
        .map(|(&ld, &rd)| Dim {
            size: l.shape[ld as usize] as usize,
            src: ls[ld as usize],
            dst: rs[rd as usize],
        })
        .collect();
    // Packed matrices lie one after the other.
    let (mut lo, mut ro) = ((m * k) as isize, (k * n) as isize);
    for dim in batch.iter_mut().rev() {
        if lhs.pack.is_some() {
            dim.src = lo;
        }
        if rhs.pack.is_some() {
            dim.dst = ro;
        }
        (lo, ro) = (lo * dim.size as isize, ro * dim.size as isize);
    }
    let cost = b.cost(2 * (batches * m * n * k) as u64);
    Ok(Some(Box::new(Dot { lhs, rhs, result: result.element, batch, batches, m, n, k, cost })))
}

/// Whether products of these element types have a kernel.
pub(super) fn supported(lhs: ElementType, rhs: ElementType, result: ElementType) -> bool {
    let half_or_single = |e| matches!(e, ElementType::F16 | ElementType::BF16 | ElementType::F32);
    match result {
        ElementType::F32 | ElementType::F16 | ElementType::BF16 => half_or_single(lhs) && half_or_single(rhs),
        ElementType::F64 => {
            let float = |e| half_or_single(e) || e == ElementType::F64;
            float(lhs) && float(rhs)
        }
        ElementType::C64 | ElementType::C128 => lhs == result && rhs == result,
        e if e.is_integer() => lhs.is_integer() && rhs.is_integer(),
        _ => false,
    }
}

impl Kernel for Dot {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        use ElementType as E;
        let elements = self.batches * self.m * self.n;
        let same = self.lhs.element == self.result && self.rhs.element == self.result;
        // SAFETY: the caller's arrays of the operands' types, and of the result's or, for 16-bit floats, as many `f32`; ranges of the
        // result are disjoint.
        unsafe {
            match self.result {
                E::F32 if same => self.direct::<f32>(cx, inputs, outputs[0].cast()),
                E::F64 if same => self.direct::<f64>(cx, inputs, outputs[0].cast()),
                E::C64 => self.direct::<Complex<f32>>(cx, inputs, outputs[0].cast()),
                E::C128 => self.direct::<Complex<f64>>(cx, inputs, outputs[0].cast()),
                E::F32 => self.widened::<f32>(cx, inputs, outputs[0].cast()),
                E::F64 => self.widened::<f64>(cx, inputs, outputs[0].cast()),
                E::F16 | E::BF16 => {
                    let mut wide = cx.scratch::<f32>(elements)?;
                    self.widened::<f32>(cx, inputs, wide.as_ptr())?;
                    let (wide, out) = (&*wide.as_mut::<f32>(), Target(outputs[0]));
                    cx.ranges(elements, 1 << 15, |r| {
                        narrow(self.result, &wide[r.clone()], out.get().add(2 * r.start));
                    });
                    Ok(())
                }
                e => {
                    by_number!(e, T => self.widened::<T>(cx, inputs, outputs[0].cast())?, else unreachable!("built for numbers"));
                    wrap_results(e, outputs[0], elements);
                    Ok(())
                }
            }
        }
    }

    fn cost(&self) -> Cost {
        self.cost
    }

    fn nanoseconds(&self) -> u64 {
        // Products of floats keep the machine's multipliers busy.
        let Cost { flops, bytes } = self.cost;
        let rate = if self.result.is_float() && self.m.min(self.n).min(self.k) >= 8 { 60 } else { 20 };
        50 + flops / rate + bytes / 20
    }
}

/// Rounds to `f16` or `bf16`.
///
/// # Safety
/// `dst` has room for as many elements.
pub(super) unsafe fn narrow(element: ElementType, src: &[f32], dst: *mut u8) {
    match element {
        ElementType::F16 => {
            use half::slice::HalfFloatSliceExt;
            // SAFETY: the caller's promise.
            unsafe { std::slice::from_raw_parts_mut(dst.cast::<f16>(), src.len()) }
                .convert_from_f32_slice(src);
        }
        _ => {
            // SAFETY: the caller's promise.
            let dst = unsafe { std::slice::from_raw_parts_mut(dst.cast::<bf16>(), src.len()) };
            for (d, &s) in dst.iter_mut().zip(src) {
                *d = bf16::from_f32(s);
            }
        }
    }
}

/// Reads `src`, of `element`, as numbers of `T`.
///
/// # Safety
/// `src` has as many elements.
pub(super) unsafe fn widen<T: Product>(element: ElementType, src: *const u8, dst: &mut [T]) {
    by_number!(element, S => {
        // SAFETY: the caller's promise.
        let src = unsafe { std::slice::from_raw_parts(src.cast::<S>(), dst.len()) };
        for (d, &s) in dst.iter_mut().zip(src) {
            *d = T::from_number(Numeric::from(s));
        }
    }, else unreachable!("products are of numbers"));
}

/// A number on its way from one type to another.
#[derive(Clone, Copy)]
pub(super) enum Numeric {
    Int(i64),
    Float(f64),
    Complex,
}

macro_rules! numeric {
    ($($ty:ty: |$x:ident| $value:expr;)*) => {$(
        impl From<$ty> for Numeric {
            #[inline(always)]
            fn from($x: $ty) -> Numeric {
                $value
            }
        }
    )*};
}

numeric! {
    i8: |x| Numeric::Int(x.into());
    i16: |x| Numeric::Int(x.into());
    i32: |x| Numeric::Int(x.into());
    i64: |x| Numeric::Int(x);
    u8: |x| Numeric::Int(x.into());
    u16: |x| Numeric::Int(x.into());
    u32: |x| Numeric::Int(x.into());
    u64: |x| Numeric::Int(x as i64);
    f16: |x| Numeric::Float(x.into());
    bf16: |x| Numeric::Float(x.into());
    f32: |x| Numeric::Float(x.into());
    f64: |x| Numeric::Float(x);
    Complex<f32>: |_x| Numeric::Complex;
    Complex<f64>: |_x| Numeric::Complex;
}

/// Types in which products are summed.
pub(super) trait Product: Number {
    /// The same number in this type; integers wrap.
    fn from_number(x: Numeric) -> Self;

    /// `dst[i, j] = Σ a[i, l] · b[l, j]`, or added to `dst` where `add`.
    ///
    /// # Safety
    /// All strides reach only elements of their arrays; `dst` overlaps neither side.
    unsafe fn gemm(
        size: [usize; 3],
        dst: Matrix<*mut Self>,
        a: Matrix<*const Self>,
        b: Matrix<*const Self>,
        add: bool,
    );
}

/// A matrix: its first element, and the steps along rows and columns in elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix<P> {
    pub(super) at: P,
    /// The step from one row to the next.
    pub(super) row: isize,
    /// The step from one column to the next.
    pub(super) column: isize,
}

macro_rules! library_product {
    ($($ty:ty, loops up to $most:expr, $(blocks by $blocks:path,)? |$x:ident| $value:expr;)*) => {$(
        impl Product for $ty {
            #[inline(always)]
            fn from_number($x: Numeric) -> Self {
                $value
            }
            unsafe fn gemm([m, n, k]: [usize; 3], dst: Matrix<*mut Self>, a: Matrix<*const Self>, b: Matrix<*const Self>, add: bool) {
                if n * k <= $most {
                    // The library's start takes longer; and terms are added in order, each rounded, as the specification writes it.
                    // SAFETY: the caller's promise.
                    return unsafe { loops([m, n, k], dst, a, b, add) };
                }
                $(
                    // SAFETY: the caller's promise.
                    if unsafe { $blocks([m, n, k], dst, a, b, add) } {
                        return;
                    }
                )?
                // SAFETY: the caller's promise.
                unsafe {
                    gemm::gemm(
                        m, n, k, dst.at, dst.column, dst.row, add, a.at, a.column, a.row, b.at, b.column, b.row,
                        <$ty>::ONE, <$ty>::ONE, false, false, false, gemm::Parallelism::None,
                    );
                }
            }
        }
    )*};
}

library_product! {
    f32, loops up to 16, blocks by blocks::product, |x| match x { Numeric::Int(i) => i as f32, Numeric::Float(f) => f as f32, Numeric::Complex => f32::NAN };
    f64, loops up to 16, blocks by blocks::product, |x| match x { Numeric::Int(i) => i as f64, Numeric::Float(f) => f, Numeric::Complex => f64::NAN };
    Complex<f32>, loops up to 64, |x| Complex::new(f32::from_number(x), 0.0);
    Complex<f64>, loops up to 64, |x| Complex::new(f64::from_number(x), 0.0);
}

macro_rules! looped_product {
    ($($ty:ty),*) => {$(
        impl Product for $ty {
            #[inline(always)]
            fn from_number(x: Numeric) -> Self {
                match x {
                    Numeric::Int(i) => i as $ty,
                    Numeric::Float(f) => f as $ty,
                    Numeric::Complex => 0,
                }
            }
            unsafe fn gemm(size: [usize; 3], dst: Matrix<*mut Self>, a: Matrix<*const Self>, b: Matrix<*const Self>, add: bool) {
                // SAFETY: the caller's promise.
                unsafe { loops(size, dst, a, b, add) }
            }
        }
    )*};
}

looped_product!(i8, i16, i32, i64, u8, u16, u32, u64);

macro_rules! half_product {
    ($($ty:ty),*) => {$(
        impl Product for $ty {
            fn from_number(x: Numeric) -> Self {
                <$ty>::from_f32(f32::from_number(x))
            }
            unsafe fn gemm(size: [usize; 3], dst: Matrix<*mut Self>, a: Matrix<*const Self>, b: Matrix<*const Self>, add: bool) {
                // SAFETY: the caller's promise.
                unsafe { loops(size, dst, a, b, add) }
            }
        }
    )*};
}

half_product!(f16, bf16);

multiversion! {
    /// The product by loops: row of `b` after row of `b`.
    ///
    /// # Safety
    /// As [`Product::gemm`].
    unsafe fn loops[T: Number; if T::WIDE](size: [usize; 3], dst: Matrix<*mut T>, a: Matrix<*const T>, b: Matrix<*const T>, add: bool) {
        let [m, n, k] = size;
        for i in 0..m as isize {
            let row = dst.at.wrapping_offset(i * dst.row);
            if !add {
                for j in 0..n as isize {
                    // SAFETY: element (i, j) of the caller's result.
                    unsafe { *row.offset(j * dst.column) = T::ZERO };
                }
            }
            for l in 0..k as isize {
                // SAFETY: element (i, l) of the caller's left side.
                let x = unsafe { *a.at.offset(i * a.row + l * a.column) };
                let from = b.at.wrapping_offset(l * b.row);
                if dst.column == 1 && b.column == 1 {
                    // SAFETY: row i of the result and row l of the right side, whose columns are adjacent.
                    let (to, from) = unsafe { (std::slice::from_raw_parts_mut(row, n), std::slice::from_raw_parts(from, n)) };
                    for (to, &from) in to.iter_mut().zip(from) {
                        *to = T::add(*to, T::mul(x, from));
                    }
                } else {
                    for j in 0..n as isize {
                        // SAFETY: element (i, j) of the result and (l, j) of the right side.
                        unsafe {
                            let to = row.offset(j * dst.column);
                            *to = T::add(*to, T::mul(x, *from.offset(j * b.column)));
                        }
                    }
                }
            }
        }
    }
}

impl Dot {
    /// Both sides in the result's type.
    ///
    /// # Safety
    /// As [`Kernel::run`].
    unsafe fn direct<T: Product>(
        &self,
        cx: &KernelContext<'_>,
        inputs: &[*const u8],
        out: *mut T,
    ) -> Result<()> {
        let mut buffers: SmallVec<[Scratch; 2]> = SmallVec::new();
        let mut dense = |side: &Side, input: *const u8| -> Result<*const T> {
            let Some(pack) = &side.pack else { return Ok(input.cast()) };
            let scratch = cx.scratch::<T>(side.elements)?;
            let to = scratch.as_ptr::<T>();
            // SAFETY: the copy reads the whole operand and writes as many elements.
            unsafe { pack.run(cx, input.cast::<T>(), to) };
            buffers.push(scratch);
            Ok(to)
        };
        let (a, b) = (dense(&self.lhs, inputs[0])?, dense(&self.rhs, inputs[1])?);
        // SAFETY: the strides are those of the operands or their packed copies.
        unsafe { self.products(cx, a, b, out) };
        Ok(())
    }

    /// Sides that are converted to the type in which products are summed.
    ///
    /// # Safety
    /// As [`Kernel::run`].
    unsafe fn widened<T: Product>(
        &self,
        cx: &KernelContext<'_>,
        inputs: &[*const u8],
        out: *mut T,
    ) -> Result<()> {
        let dense = |side: &Side, input: *const u8| -> Result<Scratch> {
            let width = side.element.byte_width();
            let packed = cx.scratch::<u8>(side.elements * width)?;
            let pack = side.pack.as_ref().expect("converted sides are packed");
            super::element::by_width!(width, W => {
                // SAFETY: the copy reads the whole operand and writes as many elements.
                unsafe { pack.run(cx, input.cast::<W>(), packed.as_ptr::<W>()) }
            });
            let wide = cx.scratch::<T>(side.elements)?;
            let (src, dst) = (Source(packed.as_ptr::<u8>().cast_const()), Target(wide.as_ptr::<T>()));
            cx.ranges(side.elements, 1 << 15, |r| {
                // SAFETY: disjoint parts of both arrays.
                unsafe { widen(side.element, src.get().add(r.start * width), dst.slice(r.start, r.len())) }
            });
            Ok(wide)
        };
        let (a, b) = (dense(&self.lhs, inputs[0])?, dense(&self.rhs, inputs[1])?);
        // SAFETY: the strides are those of the packed copies.
        unsafe { self.products(cx, a.as_ptr::<T>(), b.as_ptr::<T>(), out) };
        Ok(())
    }

    /// The element offsets of product `i`'s left and right matrix.
    fn offsets(&self, i: usize) -> (isize, isize) {
        let (mut rest, mut lo, mut ro) = (i, 0, 0);
        for dim in self.batch.iter().rev() {
            let at = (rest % dim.size) as isize;
            rest /= dim.size;
            (lo, ro) = (lo + at * dim.src, ro + at * dim.dst);
        }
        (lo, ro)
    }

    /// All products of the batch, split over threads by product or within each.
    unsafe fn products<T: Product>(&self, cx: &KernelContext<'_>, a: *const T, b: *const T, out: *mut T) {
        let (m, n, k) = (self.m, self.n, self.k);
        let work = m * n * k.max(1);
        let threads = cx.pool.threads();
        let (a, b, out) = (Source(a), Source(b), Target(out));
        let one = |i: usize, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>| {
            let (lo, ro) = self.offsets(i);
            let (r, c) = (rows.start as isize, columns.start as isize);
            let dst = Matrix {
                at: out.get().wrapping_add(i * m * n + rows.start * n + columns.start),
                row: n as isize,
                column: 1,
            };
            let a = Matrix {
                at: a.get().wrapping_offset(lo + r * self.lhs.free),
                row: self.lhs.free,
                column: self.lhs.contract,
            };
            let b = Matrix {
                at: b.get().wrapping_offset(ro + c * self.rhs.free),
                row: self.rhs.contract,
                column: self.rhs.free,
            };
            // SAFETY: a block of one product; tasks write disjoint blocks.
            unsafe { multiply([rows.len(), columns.len(), k], dst, a, b) }
        };
        let batches = self.batches;
        if threads <= 1 || batches * work < PARALLEL {
            (0..batches).for_each(|i| one(i, 0..m, 0..n));
        } else if batches >= threads {
            cx.ranges(batches, (PARALLEL / 2).div_ceil(work.max(1)), |r| r.for_each(|i| one(i, 0..m, 0..n)));
        } else {
            // Blocks of whole registers along the longer side.
            let by_rows = m >= n;
            let units = if by_rows { m.div_ceil(UNIT) } else { n.div_ceil(UNIT) };
            let parts = threads.min(units);
            cx.pool.run(batches * parts, &|t| {
                let (i, p) = (t / parts, t % parts);
                let cut = |p: usize, size: usize| (p * units / parts * UNIT).min(size);
                if by_rows {
                    one(i, cut(p, m)..cut(p + 1, m), 0..n);
                } else {
                    one(i, 0..m, cut(p, n)..cut(p + 1, n));
                }
            });
        }
    }
}

/// Multiplications from which on threads share a product.
const PARALLEL: usize = 1 << 20;
/// Rows or columns that one thread's share is a multiple of.
const UNIT: usize = 32;

/// One product on this thread: loops where it is tiny or has a vector, the library's otherwise.
///
/// # Safety
/// As [`Product::gemm`].
unsafe fn multiply<T: Product>(
    [m, n, k]: [usize; 3],
    dst: Matrix<*mut T>,
    a: Matrix<*const T>,
    b: Matrix<*const T>,
) {
    if m == 0 || n == 0 {
        return;
    }
    if m * n * k <= 64 || k == 0 {
        // SAFETY: the caller's matrices.
        return unsafe { loops([m, n, k], dst, a, b, false) };
    }
    if n == 1 && a.column == 1 && b.row == 1 {
        // SAFETY: `m` rows of `k` adjacent elements, the right side's one column, and the result's.
        return unsafe { rows_times_vector(m, k, dst.at, dst.row, a.at, a.row, b.at) };
    }
    if m == 1 && b.row == 1 && a.column == 1 {
        // SAFETY: `n` columns of `k` adjacent elements, the left side's one row, and the result's.
        return unsafe { rows_times_vector(n, k, dst.at, dst.column, b.at, b.column, a.at) };
    }
    if m == 1 && b.column == 1 && dst.column == 1 {
        // SAFETY: the caller's matrices.
        return unsafe { loops([m, n, k], dst, a, b, false) };
    }
    // SAFETY: the caller's matrices.
    unsafe { T::gemm([m, n, k], dst, a, b, false) }
}

/// # Safety
/// `rows` rows of `k` elements, a vector of `k`, and `rows` results.
unsafe fn rows_times_vector<T: Number>(
    rows: usize,
    k: usize,
    dst: *mut T,
    dst_step: isize,
    a: *const T,
    a_step: isize,
    x: *const T,
) {
    // SAFETY: the caller's promise.
    let x = unsafe { std::slice::from_raw_parts(x, k) };
    for i in 0..rows as isize {
        // SAFETY: the caller's promise.
        unsafe { *dst.offset(i * dst_step) = inner(std::slice::from_raw_parts(a.offset(i * a_step), k), x) };
    }
}

multiversion! {
    /// Σ x·y in 32 accumulators.
    fn inner[T: Number; if T::WIDE](x: &[T], y: &[T]) -> T {
        const LANES: usize = 32;
        let mut acc = [T::ZERO; LANES];
        let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
        let (xr, yr) = (xs.remainder(), ys.remainder());
        for (x, y) in xs.zip(ys) {
            for i in 0..LANES {
                acc[i] = T::add(acc[i], T::mul(x[i], y[i]));
            }
        }
        let mut width = LANES / 2;
        while width > 0 {
            for i in 0..width {
                acc[i] = T::add(acc[i], acc[i + width]);
            }
            width /= 2;
        }
        let mut sum = acc[0];
        for (&x, &y) in xr.iter().zip(yr) {
            sum = T::add(sum, T::mul(x, y));
        }
        sum
    }
}

#[cfg(test)]
#[allow(clippy::type_complexity, clippy::cloned_ref_to_slice_refs)]
mod tests {
    use super::*;
    use crate::kernels::strided::for_each;
    use crate::kernels::tests::{Array, Rng, run, ty};
    use jacinth_lowering::Op;
    use jacinth_lowering::ops::dot::DotDimensionNumbers;

    fn op(lb: &[i64], rb: &[i64], lc: &[i64], rc: &[i64]) -> Op {
        let s = |x: &[i64]| x.iter().copied().collect();
        let dimension_numbers = DotDimensionNumbers {
            lhs_batching_dimensions: s(lb),
            rhs_batching_dimensions: s(rb),
            lhs_contracting_dimensions: s(lc),
            rhs_contracting_dimensions: s(rc),
        };
        DotGeneral { dimension_numbers, precision_config: vec![], algorithm: None }.into()
    }

    /// By definition, in `f64`, on the bytes' values.
    fn naive(op: &Op, l: &Array, r: &Array, value: &dyn Fn(&Array, usize) -> f64) -> Vec<f64> {
        let Op::DotGeneral(d) = op else { unreachable!() };
        let d = &d.dimension_numbers;
        let lf = others(l.ty.rank(), &d.lhs_batching_dimensions, &d.lhs_contracting_dimensions);
        let rf = others(r.ty.rank(), &d.rhs_batching_dimensions, &d.rhs_contracting_dimensions);
        let (ls, rs) = (strides(&l.ty.shape), strides(&r.ty.shape));
        let dims = |lo: &[i64], ro: &[i64]| -> Vec<Dim> {
            let pad = |x: &[i64], i: usize| x.get(i).copied();
            (0..lo.len().max(ro.len()))
                .map(|i| {
                    let (a, b) = (pad(lo, i), pad(ro, i));
                    let size = a.map_or_else(|| r.ty.shape[b.unwrap() as usize], |a| l.ty.shape[a as usize]);
                    Dim {
                        size: size as usize,
                        src: a.map_or(0, |a| ls[a as usize]),
                        dst: b.map_or(0, |b| rs[b as usize]),
                    }
                })
                .collect()
        };
        let every = |dims: &[Dim]| {
            let mut v = vec![];
            if dims.iter().all(|d| d.size > 0) {
                for_each(dims, |a, b| v.push((a, b)));
            }
            v
        };
        let batch = every(&dims(&d.lhs_batching_dimensions, &d.rhs_batching_dimensions));
        let (m, n) = (every(&dims(&lf, &[])), every(&dims(&[], &rf)));
        let k = every(&dims(&d.lhs_contracting_dimensions, &d.rhs_contracting_dimensions));
        let mut out = vec![];
        for b in &batch {
            for i in &m {
                for j in &n {
                    let at = |k: &(isize, isize)| {
                        value(l, (b.0 + i.0 + k.0) as usize) * value(r, (b.1 + j.1 + k.1) as usize)
                    };
                    out.push(k.iter().map(at).sum());
                }
            }
        }
        out
    }

    fn value(a: &Array, i: usize) -> f64 {
        by_number!(a.ty.element, T => {
            // SAFETY: an element's bytes.
            match Numeric::from(unsafe { a.element(i).as_ptr().cast::<T>().read_unaligned() }) {
                Numeric::Int(i) => i as f64,
                Numeric::Float(f) => f,
                Numeric::Complex => unreachable!(),
            }
        }, else unreachable!())
    }

    fn check(op: Op, l: &[i64], r: &[i64], out: &[i64], types: [ElementType; 3], rng: &mut Rng) {
        let (a, b) = (Array::random(ty(l, types[0]), rng), Array::random(ty(r, types[1]), rng));
        let expected = naive(&op, &a, &b, &value);
        let result = run(&op, &[a, b], &[ty(out, types[2])]).remove(0);
        let bits = [ElementType::I8, ElementType::UI8].contains(&types[2]);
        for (i, &e) in expected.iter().enumerate() {
            let e = if bits { f64::from(e as i64 as i8) } else { e };
            let v = value(&result, i);
            let v = if bits { f64::from(v as i64 as i8) } else { v };
            assert_eq!(v, e, "{l:?} {r:?} {types:?} at {i}");
        }
        assert_eq!(expected.len(), product(out));
    }

    #[test]
    fn products_agree_with_the_definition() {
        use ElementType as E;
        let mut rng = Rng(3);
        let types = [
            [E::F32; 3],
            [E::F64; 3],
            [E::BF16, E::BF16, E::F32],
            [E::I32; 3],
            [E::I8; 3],
            [E::I8, E::I8, E::I32],
            [E::UI64; 3],
            [E::F16, E::F16, E::F16],
        ];
        for t in types {
            for (m, k, n) in [
                (1, 1, 1),
                (3, 5, 4),
                (17, 33, 9),
                (1, 70, 40),
                (40, 70, 1),
                (1, 3, 100),
                (0, 3, 2),
                (2, 0, 3),
                (64, 16, 48),
            ] {
                check(op(&[], &[], &[1], &[0]), &[m, k], &[k, n], &[m, n], t, &mut rng);
                check(op(&[], &[], &[0], &[0]), &[k, m], &[k, n], &[m, n], t, &mut rng);
                check(op(&[], &[], &[1], &[1]), &[m, k], &[n, k], &[m, n], t, &mut rng);
                check(op(&[0], &[0], &[2], &[1]), &[5, m, k], &[5, k, n], &[5, m, n], t, &mut rng);
            }
            // Attention's batches, dimensions that do not merge, scalars, outer products.
            check(op(&[0, 2], &[0, 2], &[3], &[3]), &[2, 5, 3, 4], &[2, 6, 3, 4], &[2, 3, 5, 6], t, &mut rng);
            check(op(&[], &[], &[0, 2], &[1, 0]), &[3, 4, 5], &[5, 3, 2], &[4, 2], t, &mut rng);
            check(op(&[], &[], &[1], &[1]), &[2, 3, 4], &[5, 3, 6], &[2, 4, 5, 6], t, &mut rng);
            check(op(&[], &[], &[], &[]), &[3], &[4], &[3, 4], t, &mut rng);
            check(op(&[], &[], &[0], &[0]), &[7], &[7], &[], t, &mut rng);
        }
    }

    #[test]
    fn large_products_are_split_over_threads() {
        let mut rng = Rng(4);
        for (m, k, n) in [(300, 70, 90), (50, 300, 400), (1030, 40, 33)] {
            check(op(&[], &[], &[1], &[0]), &[m, k], &[k, n], &[m, n], [ElementType::F32; 3], &mut rng);
        }
        check(
            op(&[0], &[0], &[2], &[1]),
            &[7, 80, 70],
            &[7, 70, 90],
            &[7, 80, 90],
            [ElementType::F64; 3],
            &mut rng,
        );
    }

    #[test]
    fn complex_products() {
        let c = |re: f32, im: f32| Complex::new(re, im);
        let a = Array::of([1, 2], &[c(1., 2.), c(0., 1.)]);
        let b = Array::of([2, 1], &[c(3., -1.), c(2., 2.)]);
        let out = run(&op(&[], &[], &[1], &[0]), &[a, b], &[ty(&[1, 1], ElementType::C64)]);
        assert_eq!(out[0].values::<Complex<f32>>(), [c(3., 7.)]);
    }
}
