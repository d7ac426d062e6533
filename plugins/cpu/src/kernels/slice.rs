//! Slices whose position is known at run time: `dynamic_slice` and `dynamic_update_slice`.

use jacinth_lowering::ElementType;
use smallvec::SmallVec;

use super::element::{Index, by_index, by_width};
use super::strided::{StridedCopy, product, strides};
use super::{Builder, Built, Cost, Kernel, KernelContext};
use crate::Result;

/// Where a slice may start: the element type of the indices, the largest start and the stride of each dimension.
#[derive(Debug)]
struct Start {
    index: ElementType,
    dims: SmallVec<[(i64, isize); 6]>,
}

impl Start {
    fn new(b: &Builder<'_>, first_index: usize, sizes: &[i64]) -> Self {
        let operand = &b.operands[0];
        let dims = (operand.shape.iter().zip(sizes).zip(strides(&operand.shape)))
            .map(|((&n, &size), stride)| ((n - size).max(0), stride))
            .collect();
        Start { index: b.operands.get(first_index).map_or(ElementType::I32, |ty| ty.element), dims }
    }

    /// The element offset of the slice, each start index clamped so that the slice lies inside.
    ///
    /// # Safety
    /// `indices` are scalars of the index type.
    unsafe fn offset(&self, indices: &[*const u8]) -> usize {
        let mut offset = 0;
        for (&(most, stride), pointer) in self.dims.iter().zip(indices) {
            // SAFETY: the caller's promise.
            let start = by_index!(self.index, T => unsafe { *pointer.cast::<T>() }.index());
            offset += start.clamp(0, most) as isize * stride;
        }
        offset as usize
    }
}

/// `dynamic_slice`.
#[derive(Debug)]
struct DynamicSlice {
    start: Start,
    copy: StridedCopy,
    width: usize,
    cost: Cost,
}

pub(super) fn dynamic_slice(b: &Builder<'_>) -> Built {
    let (operand, result) = (&b.operands[0], &b.results[0]);
    Ok(Some(Box::new(DynamicSlice {
        start: Start::new(b, 1, &result.shape),
        copy: StridedCopy::new(&result.shape, &strides(&operand.shape), &strides(&result.shape)),
        width: result.element.byte_width(),
        cost: Cost { flops: 0, bytes: 2 * result.byte_size().unwrap_or(0) as u64 },
    })))
}

impl Kernel for DynamicSlice {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        by_width!(self.width, T => {
            // SAFETY: the start is clamped so that the slice lies inside the operand.
            unsafe {
                let offset = self.start.offset(&inputs[1..]);
                self.copy.run(cx, inputs[0].cast::<T>().wrapping_add(offset), outputs[0].cast::<T>());
            }
        });
        Ok(())
    }

    fn cost(&self) -> Cost {
        self.cost
    }
}

/// `dynamic_update_slice`, in place where the operand's array is the result's.
#[derive(Debug)]
struct DynamicUpdateSlice {
    start: Start,
    copy: StridedCopy,
    elements: usize,
    width: usize,
    cost: Cost,
}

pub(super) fn dynamic_update_slice(b: &Builder<'_>) -> Built {
    let (operand, update) = (&b.operands[0], &b.operands[1]);
    Ok(Some(Box::new(DynamicUpdateSlice {
        start: Start::new(b, 2, &update.shape),
        copy: StridedCopy::new(&update.shape, &strides(&update.shape), &strides(&operand.shape)),
        elements: product(&operand.shape),
        width: operand.element.byte_width(),
        cost: Cost { flops: 0, bytes: 2 * update.byte_size().unwrap_or(0) as u64 },
    })))
}

impl Kernel for DynamicUpdateSlice {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        // SAFETY: operand and result have the same type; the start is clamped so that the update lies inside.
        unsafe {
            copy_unless_same(cx, inputs[0], outputs[0], self.elements * self.width);
            let offset = self.start.offset(&inputs[2..]);
            by_width!(self.width, T => {
                self.copy.run(cx, inputs[1].cast::<T>(), outputs[0].cast::<T>().wrapping_add(offset));
            });
        }
        Ok(())
    }

    fn cost(&self) -> Cost {
        self.cost
    }

    fn in_place(&self, output: usize) -> Option<usize> {
        (output == 0).then_some(0)
    }
}

/// Copies `bytes` bytes, unless source and target are one array.
///
/// # Safety
/// Both are valid for that many bytes and are the same or do not overlap.
pub(super) unsafe fn copy_unless_same(cx: &KernelContext<'_>, src: *const u8, dst: *mut u8, bytes: usize) {
    if src == dst.cast_const() {
        return;
    }
    let copy = StridedCopy::new(&[bytes as i64], &[1], &[1]);
    // SAFETY: the caller's promise.
    unsafe { copy.run::<u8>(cx, src, dst) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::tests::{Array, run, run_in_place, ty};
    use jacinth_lowering::Op;
    use jacinth_lowering::ops::slice;

    #[test]
    fn starts_are_clamped() {
        let a = Array::of([3, 4], &(0..12).map(|i| i as f32).collect::<Vec<_>>());
        let op = Op::from(slice::DynamicSlice { slice_sizes: [2, 2].into_iter().collect() });
        let at = |r: i32, c: i32| {
            let indices = [Array::of([], &[r]), Array::of([], &[c])];
            run(&op, &[&[a.clone()][..], &indices].concat(), &[ty(&[2, 2], ElementType::F32)])[0]
                .values::<f32>()
        };
        assert_eq!(at(0, 1), [1., 2., 5., 6.]);
        assert_eq!(at(-7, 99), [2., 3., 6., 7.]);
        assert_eq!(at(i32::MAX, i32::MIN), [4., 5., 8., 9.]);
    }

    #[test]
    fn updates_are_written_inside_and_in_place() {
        let a = Array::of([3, 3], &[0u16; 9]);
        let u = Array::of([2, 1], &[7u16, 8]);
        let operands = [a, u, Array::of([], &[5u64]), Array::of([], &[u64::MAX])];
        let expected = [0u16, 0, 0, 0, 0, 7, 0, 0, 8];
        let result = [ty(&[3, 3], ElementType::UI16)];
        assert_eq!(run(&slice::DynamicUpdateSlice.into(), &operands, &result)[0].values::<u16>(), expected);
        assert_eq!(
            run_in_place(&slice::DynamicUpdateSlice.into(), &operands, &result)[0].values::<u16>(),
            expected
        );
    }

    #[test]
    fn empty_slices_and_scalars() {
        let a = Array::of([3], &[1u8, 2, 3]);
        let op = Op::from(slice::DynamicSlice { slice_sizes: [0].into_iter().collect() });
        assert!(run(&op, &[a, Array::of([], &[1i8])], &[ty(&[0], ElementType::UI8)])[0].bytes.is_empty());
        let s = Array::of([], &[1.5f64]);
        let op = Op::from(slice::DynamicSlice { slice_sizes: Default::default() });
        assert_eq!(run(&op, &[s], &[ty(&[], ElementType::F64)])[0].values::<f64>(), [1.5]);
    }
}
