//! Kernels that move elements without looking at them: reshape, transpose, broadcast_in_dim, slice, reverse, concatenate, pad,
//! and iota, which makes them.

use jacinth_lowering::ops::{constant, shape, slice};
use jacinth_lowering::{ElementType, TensorType};
use smallvec::SmallVec;

use super::element::{Number, by_number, by_width};
use super::strided::{Dim, StridedCopy, Target, product, strides};
use super::{Builder, Built, Cost, Kernel, KernelContext};
use crate::Result;

/// One strided copy: `reshape`, `transpose`, `broadcast_in_dim`, `slice`, `reverse`.
#[derive(Debug)]
struct Move {
    copy: StridedCopy,
    /// Element offset of the first element read.
    base: usize,
    width: usize,
    cost: Cost,
}

impl Kernel for Move {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        by_width!(self.width, T => {
            // SAFETY: built so that the copy stays within the operand's and the result's shapes.
            unsafe { self.copy.run(cx, inputs[0].cast::<T>().wrapping_add(self.base), outputs[0].cast::<T>()) }
        });
        Ok(())
    }

    fn cost(&self) -> Cost {
        self.cost
    }
}

/// A copy of the operand whose result dimension `d` steps `src[d]` elements, from element `base`.
fn moved(b: &Builder<'_>, src: &[isize], base: isize) -> Built {
    let result = &b.results[0];
    Ok(Some(Box::new(Move {
        copy: StridedCopy::new(&result.shape, src, &strides(&result.shape)),
        base: base.max(0) as usize,
        width: result.element.byte_width(),
        cost: b.cost(0),
    })))
}

pub(super) fn reshape(b: &Builder<'_>) -> Built {
    moved(b, &strides(&b.results[0].shape), 0)
}

/// Every operand as it is: operations that do nothing to scalars.
pub(super) fn reshape_all(b: &Builder<'_>) -> Built {
    let bytes = b.results.iter().map(|ty| ty.byte_size().unwrap_or(0)).collect();
    Ok(Some(Box::new(CopyAll { bytes, cost: b.cost(0) })))
}

/// Copies each input to the output of the same number.
#[derive(Debug)]
struct CopyAll {
    bytes: Vec<usize>,
    cost: Cost,
}

impl Kernel for CopyAll {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        for (i, &bytes) in self.bytes.iter().enumerate() {
            // SAFETY: input and output have the same type.
            unsafe { super::slice::copy_unless_same(cx, inputs[i], outputs[i], bytes) }
        }
        Ok(())
    }

    fn cost(&self) -> Cost {
        self.cost
    }

    fn in_place(&self, output: usize) -> Option<usize> {
        Some(output)
    }
}

pub(super) fn transpose(op: &shape::Transpose, b: &Builder<'_>) -> Built {
    let operand = strides(&b.operands[0].shape);
    let src: SmallVec<[isize; 6]> = op.permutation.iter().map(|&d| operand[d as usize]).collect();
    moved(b, &src, 0)
}

pub(super) fn broadcast_in_dim(op: &shape::BroadcastInDim, b: &Builder<'_>) -> Built {
    let operand = strides(&b.operands[0].shape);
    let mut src: SmallVec<[isize; 6]> = smallvec::smallvec![0; b.results[0].rank()];
    for (i, &d) in op.broadcast_dimensions.iter().enumerate() {
        if b.operands[0].shape[i] != 1 {
            src[d as usize] = operand[i];
        }
    }
    moved(b, &src, 0)
}

pub(super) fn slice(op: &slice::Slice, b: &Builder<'_>) -> Built {
    let operand = strides(&b.operands[0].shape);
    let base = operand.iter().zip(&op.start_indices).map(|(s, &start)| s * start as isize).sum();
    let src: SmallVec<[isize; 6]> =
        operand.iter().zip(&op.strides).map(|(s, &step)| s * step as isize).collect();
    moved(b, &src, base)
}

pub(super) fn reverse(op: &shape::Reverse, b: &Builder<'_>) -> Built {
    let mut src = strides(&b.operands[0].shape);
    let mut base = 0;
    for &d in &op.dimensions {
        base += (b.operands[0].shape[d as usize] as isize - 1) * src[d as usize];
        src[d as usize] = -src[d as usize];
    }
    moved(b, &src, base)
}

/// `concatenate`: one copy per operand.
#[derive(Debug)]
struct Concatenate {
    /// Each operand's copy, and the element of the result where it starts.
    parts: Vec<(StridedCopy, usize)>,
    width: usize,
    cost: Cost,
}

pub(super) fn concatenate(op: &shape::Concatenate, b: &Builder<'_>) -> Built {
    let dst = strides(&b.results[0].shape);
    let axis = op.dimension as usize;
    let mut start = 0;
    let mut parts = Vec::with_capacity(b.operands.len());
    for operand in b.operands {
        let copy = StridedCopy::new(&operand.shape, &strides(&operand.shape), &dst);
        parts.push((copy, start * dst[axis] as usize));
        start += operand.shape[axis] as usize;
    }
    Ok(Some(Box::new(Concatenate { parts, width: b.results[0].element.byte_width(), cost: b.cost(0) })))
}

impl Kernel for Concatenate {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        by_width!(self.width, T => {
            for ((copy, start), input) in self.parts.iter().zip(inputs) {
                // SAFETY: each operand's part lies inside the result.
                unsafe { copy.run(cx, input.cast::<T>(), outputs[0].cast::<T>().wrapping_add(*start)) }
            }
        });
        Ok(())
    }

    fn cost(&self) -> Cost {
        self.cost
    }
}

/// `pad`: a fill, and a copy of the elements that remain.
#[derive(Debug)]
struct Pad {
    copy: StridedCopy,
    src_base: usize,
    dst_base: usize,
    elements: usize,
    /// Whether the copy leaves nothing to fill.
    covers: bool,
    width: usize,
    cost: Cost,
}

pub(super) fn pad(op: &shape::Pad, b: &Builder<'_>) -> Built {
    let (operand, result) = (&b.operands[0], &b.results[0]);
    let (src, dst) = (strides(&operand.shape), strides(&result.shape));
    let (mut src_base, mut dst_base) = (0, 0);
    let mut dims: SmallVec<[Dim; 6]> = SmallVec::new();
    for d in 0..operand.rank() {
        let (low, step) = (op.edge_padding_low[d], op.interior_padding[d] + 1);
        // Operand element i lands on low + i·step, and is kept where that is inside the result.
        let first = if low < 0 { (-low + step - 1) / step } else { 0 };
        let last = (result.shape[d] - 1 - low).div_euclid(step).min(operand.shape[d] - 1);
        let size = (last - first + 1).max(0);
        if size > 0 {
            src_base += first as isize * src[d];
            dst_base += (low + first * step) as isize * dst[d];
        }
        dims.push(Dim { size: size as usize, src: src[d], dst: dst[d] * step as isize });
    }
    let elements = product(&result.shape);
    let kept: usize = dims.iter().map(|d| d.size).product();
    Ok(Some(Box::new(Pad {
        copy: StridedCopy::from_dims(dims),
        src_base: src_base as usize,
        dst_base: dst_base as usize,
        elements,
        covers: kept == elements,
        width: result.element.byte_width(),
        cost: b.cost(0),
    })))
}

impl Kernel for Pad {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        by_width!(self.width, T => {
            let out = Target(outputs[0].cast::<T>());
            // SAFETY: the padding value is a scalar; ranges are disjoint parts of the result.
            unsafe {
                let value = *inputs[1].cast::<T>();
                if !self.covers {
                    cx.ranges(self.elements, 1 << 16, |r| out.slice(r.start, r.len()).fill(value));
                }
                self.copy.run(
                    cx,
                    inputs[0].cast::<T>().wrapping_add(self.src_base),
                    outputs[0].cast::<T>().wrapping_add(self.dst_base),
                );
            }
        });
        Ok(())
    }

    fn cost(&self) -> Cost {
        self.cost
    }
}

/// `iota`.
#[derive(Debug)]
struct Iota {
    ty: TensorType,
    /// Elements that share one index, and the size of the dimension that counts.
    inner: usize,
    size: usize,
}

pub(super) fn iota(op: &constant::Iota, b: &Builder<'_>) -> Built {
    let ty = b.results[0].clone();
    // Types without arithmetic here count in the reference evaluation.
    by_number!(ty.element, T => { let _: T; }, else return Ok(None));
    let axis = op.iota_dimension as usize;
    let inner = product(&ty.shape[axis + 1..]);
    let size = ty.shape[axis] as usize;
    Ok(Some(Box::new(Iota { ty, inner, size })))
}

impl Kernel for Iota {
    unsafe fn run(&self, cx: &KernelContext<'_>, _: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        let n = product(&self.ty.shape);
        by_number!(self.ty.element, T => {
            let out = Target(outputs[0].cast::<T>());
            if self.inner == 1 {
                cx.ranges(n / self.size.max(1), (1 << 16) / self.size.max(1), |rows| {
                    for row in rows {
                        // SAFETY: rows are disjoint parts of the result.
                        let row = unsafe { out.slice(row * self.size, self.size) };
                        for (i, x) in row.iter_mut().enumerate() {
                            *x = count(i, self.ty.element);
                        }
                    }
                });
            } else {
                cx.ranges(n / self.inner.max(1), (1 << 16) / self.inner.max(1), |blocks| {
                    for block in blocks {
                        // SAFETY: blocks are disjoint parts of the result.
                        let part = unsafe { out.slice(block * self.inner, self.inner) };
                        part.fill(count(block % self.size, self.ty.element));
                    }
                });
            }
        }, else unreachable!("iota was built for a number"));
        Ok(())
    }

    fn cost(&self) -> Cost {
        Cost::new(0, &[], std::slice::from_ref(&self.ty))
    }
}

/// The value of index `i` in an element type.
#[inline(always)]
fn count<T: FromCount>(i: usize, element: ElementType) -> T {
    T::from_count(i, element)
}

/// Numbers that an index converts to, as `convert` from `i64` would.
pub(crate) trait FromCount: Number {
    fn from_count(i: usize, element: ElementType) -> Self;
}

macro_rules! from_count {
    ($($ty:ty: |$i:ident, $e:ident| $value:expr;)*) => {$(
        impl FromCount for $ty {
            #[inline(always)]
            fn from_count($i: usize, $e: ElementType) -> Self {
                $value
            }
        }
    )*};
}

from_count! {
    i8: |i, e| super::element::wrap_small(e, i as u8) as i8;
    u8: |i, e| if e == ElementType::I1 { u8::from(i != 0) } else { super::element::wrap_small(e, i as u8) };
    i16: |i, _e| i as i16;
    i32: |i, _e| i as i32;
    i64: |i, _e| i as i64;
    u16: |i, _e| i as u16;
    u32: |i, _e| i as u32;
    u64: |i, _e| i as u64;
    f32: |i, _e| i as f32;
    f64: |i, _e| i as f64;
    half::f16: |i, _e| half::f16::from_f64(i as f64);
    half::bf16: |i, _e| half::bf16::from_f64(i as f64);
    num_complex::Complex<f32>: |i, _e| num_complex::Complex::new(i as f32, 0.0);
    num_complex::Complex<f64>: |i, _e| num_complex::Complex::new(i as f64, 0.0);
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;
    use crate::kernels::tests::{Array, run, ty};
    use jacinth_lowering::Op;

    const WIDTHS: [ElementType; 5] =
        [ElementType::UI8, ElementType::BF16, ElementType::F32, ElementType::I64, ElementType::C128];

    /// The element of `a` at a multi-index.
    fn at(a: &Array, index: &[i64]) -> Vec<u8> {
        let s = strides(&a.ty.shape);
        let i: isize = s.iter().zip(index).map(|(s, &i)| s * i as isize).sum();
        a.element(i as usize).to_vec()
    }

    /// Checks `op` against a function from result index to operand element.
    fn check(
        op: impl Into<Op>,
        operands: &[Array],
        result: TensorType,
        expected: impl Fn(&[i64]) -> Vec<u8>,
    ) {
        let out = run(&op.into(), operands, from_ref(&result)).remove(0);
        let n = product(&result.shape);
        let mut index = vec![0i64; result.rank()];
        for i in 0..n {
            assert_eq!(out.element(i), expected(&index), "{result} {index:?}");
            for d in (0..index.len()).rev() {
                index[d] += 1;
                if index[d] < result.shape[d] {
                    break;
                }
                index[d] = 0;
            }
        }
    }

    #[test]
    fn moves_agree_with_their_definitions() {
        for e in WIDTHS {
            let a = Array::counting(ty(&[3, 4, 5], e));
            check(
                shape::Transpose { permutation: [2, 0, 1].into_iter().collect() },
                from_ref(&a),
                ty(&[5, 3, 4], e),
                |i| at(&a, &[i[1], i[2], i[0]]),
            );
            check(
                shape::Reverse { dimensions: [0, 2].into_iter().collect() },
                from_ref(&a),
                ty(&[3, 4, 5], e),
                |i| at(&a, &[2 - i[0], i[1], 4 - i[2]]),
            );
            let op = slice::Slice {
                start_indices: [1, 0, 1].into_iter().collect(),
                limit_indices: [3, 4, 5].into_iter().collect(),
                strides: [1, 3, 2].into_iter().collect(),
            };
            check(op, from_ref(&a), ty(&[2, 2, 2], e), |i| at(&a, &[1 + i[0], 3 * i[1], 1 + 2 * i[2]]));
            check(shape::Reshape, from_ref(&a), ty(&[60], e), |i| a.element(i[0] as usize).to_vec());
            let v = Array::counting(ty(&[1, 4], e));
            let op = shape::BroadcastInDim { broadcast_dimensions: [0, 2].into_iter().collect() };
            check(op, from_ref(&v), ty(&[3, 2, 4], e), |i| at(&v, &[0, i[2]]));
            let scalar = Array::counting(ty(&[], e));
            check(
                shape::BroadcastInDim { broadcast_dimensions: Default::default() },
                from_ref(&scalar),
                ty(&[0, 2], e),
                |_| vec![],
            );
            check(
                shape::BroadcastInDim { broadcast_dimensions: Default::default() },
                from_ref(&scalar),
                ty(&[7], e),
                |_| at(&scalar, &[]),
            );
        }
    }

    #[test]
    fn concatenate_puts_parts_after_each_other() {
        for e in WIDTHS {
            let (a, b, c) = (
                Array::counting(ty(&[2, 3], e)),
                Array::counting(ty(&[2, 0], e)),
                Array::counting(ty(&[2, 9], e)),
            );
            check(shape::Concatenate { dimension: 1 }, &[a.clone(), b, c.clone()], ty(&[2, 12], e), |i| {
                if i[1] < 3 { at(&a, i) } else { at(&c, &[i[0], i[1] - 3]) }
            });
        }
    }

    #[test]
    fn pad_fills_removes_and_spreads() {
        for e in WIDTHS {
            let a = Array::counting(ty(&[3, 5], e));
            let value = Array::counting(ty(&[], e));
            for (low, high, interior) in [
                ([1, 0], [0, 2], [0, 0]),
                ([-1, -2], [0, -1], [0, 0]),
                ([2, -1], [-1, 1], [1, 2]),
                ([-4, 0], [1, 0], [2, 0]),
            ] {
                let op = shape::Pad {
                    edge_padding_low: low.into_iter().collect(),
                    edge_padding_high: high.into_iter().collect(),
                    interior_padding: interior.into_iter().collect(),
                };
                let size = |d: usize| a.ty.shape[d] + (a.ty.shape[d] - 1) * interior[d] + low[d] + high[d];
                check(op, &[a.clone(), value.clone()], ty(&[size(0), size(1)], e), |i| {
                    let source = |d: usize| {
                        let at = i[d] - low[d];
                        (at % (interior[d] + 1) == 0)
                            .then_some(at / (interior[d] + 1))
                            .filter(|&j| (0..a.ty.shape[d]).contains(&j))
                    };
                    match (source(0), source(1)) {
                        (Some(r), Some(c)) => at(&a, &[r, c]),
                        _ => at(&value, &[]),
                    }
                });
            }
        }
    }

    #[test]
    fn iota_counts_along_one_dimension() {
        let op = |d| Op::from(constant::Iota { iota_dimension: d });
        let t = TensorType::new([2, 3], ElementType::F32);
        assert_eq!(run(&op(1), &[], from_ref(&t))[0].values::<f32>(), [0., 1., 2., 0., 1., 2.]);
        assert_eq!(run(&op(0), &[], &[t])[0].values::<f32>(), [0., 0., 0., 1., 1., 1.]);
        let t = TensorType::new([20], ElementType::UI4);
        assert_eq!(run(&op(0), &[], &[t])[0].bytes[14..], [14, 15, 0, 1, 2, 3]);
    }
}
