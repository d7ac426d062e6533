//! Copies between strided arrays: what transposes, broadcasts, slices, reversals, paddings and concatenations are made of.
//!
//! A [`StridedCopy`] says for each dimension its size and its two strides in elements; strides may be zero (broadcast) or
//! negative (reversal) on the source side. Making one drops unit dimensions and merges dimensions that are contiguous on
//! both sides, so that a row-major copy is one `memcpy` and a transpose is two-dimensional wherever it can be.

use jacinth_lowering::Shape;
use smallvec::SmallVec;

use super::KernelContext;
use super::scratch::Plain;

/// One dimension of a copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Dim {
    pub(crate) size: usize,
    pub(crate) src: isize,
    pub(crate) dst: isize,
}

/// A copy between two strided arrays of the same shape.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct StridedCopy {
    /// Outermost first, in descending order of the destination's stride.
    dims: SmallVec<[Dim; 6]>,
    /// Number of elements.
    elements: usize,
}

/// A destination that tasks write disjoint parts of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<T>(pub(crate) *mut T);

// SAFETY: tasks write disjoint elements, which is the duty of whoever dereferences the pointer.
unsafe impl<T: Send> Send for Target<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Target<T> {}

impl<T> Target<T> {
    /// The pointer; a method, so that closures capture the whole wrapper.
    #[inline(always)]
    pub(crate) fn get(self) -> *mut T {
        self.0
    }

    /// The part of `len` elements from `start`.
    ///
    /// # Safety
    /// The part lies inside the array and nothing else accesses it meanwhile.
    #[inline(always)]
    pub(crate) unsafe fn slice<'a>(self, start: usize, len: usize) -> &'a mut [T] {
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(start), len) }
    }
}

/// A source that tasks read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<T>(pub(crate) *const T);

// SAFETY: only read.
unsafe impl<T: Sync> Send for Source<T> {}
// SAFETY: only read.
unsafe impl<T: Sync> Sync for Source<T> {}

impl<T> Source<T> {
    /// The pointer; a method, so that closures capture the whole wrapper.
    #[inline(always)]
    pub(crate) fn get(self) -> *const T {
        self.0
    }
}

/// Row-major strides of a shape, in elements.
pub(crate) fn strides(shape: &[i64]) -> SmallVec<[isize; 6]> {
    let mut strides: SmallVec<[isize; 6]> = smallvec::smallvec![0; shape.len()];
    let mut stride = 1isize;
    for (s, &d) in strides.iter_mut().zip(shape).rev() {
        *s = stride;
        stride = stride.wrapping_mul(d as isize);
    }
    strides
}

/// The product of dimension sizes.
pub(crate) fn product(shape: &[i64]) -> usize {
    shape.iter().map(|&d| d as usize).product()
}

impl StridedCopy {
    /// A copy over `shape` with these strides.
    pub(crate) fn new(shape: &[i64], src: &[isize], dst: &[isize]) -> Self {
        Self::from_dims((shape.iter().zip(src).zip(dst)).map(|((&n, &src), &dst)| Dim {
            size: n as usize,
            src,
            dst,
        }))
    }

    /// A copy over these dimensions, which are put in order and merged.
    pub(crate) fn from_dims(dims: impl IntoIterator<Item = Dim>) -> Self {
        let mut all: SmallVec<[Dim; 6]> = dims.into_iter().collect();
        let elements = all.iter().map(|d| d.size).product();
        all.retain(|d| d.size != 1);
        all.sort_by_key(|d| std::cmp::Reverse(d.dst.unsigned_abs()));
        let mut merged: SmallVec<[Dim; 6]> = SmallVec::new();
        for dim in all {
            let inner = dim.size as isize;
            match merged.last_mut() {
                Some(outer) if outer.src == dim.src * inner && outer.dst == dim.dst * inner => {
                    *outer = Dim { size: outer.size * dim.size, ..dim };
                }
                _ => merged.push(dim),
            }
        }
        StridedCopy { dims: merged, elements }
    }

    /// The merged dimensions, outermost first.
    pub(crate) fn dims(&self) -> &[Dim] {
        &self.dims
    }

    /// Copies on this thread.
    ///
    /// # Safety
    /// As [`StridedCopy::run`].
    #[inline]
    pub(crate) unsafe fn run_here<T: Plain>(&self, src: *const T, dst: *mut T) {
        if self.elements > 0 {
            // SAFETY: the caller's promise.
            unsafe { copy(&self.dims, src, dst) }
        }
    }

    /// Copies, side by side where it is worth it.
    ///
    /// # Safety
    /// Every element that the dimensions reach from `src` is readable, and from `dst` writable; they do not overlap.
    pub(crate) unsafe fn run<T: Plain>(&self, cx: &KernelContext<'_>, src: *const T, dst: *mut T) {
        if self.elements == 0 {
            return;
        }
        let parallel = cx.pool.threads() > 1 && self.elements * size_of::<T>() >= 512 << 10;
        if !parallel || self.dims.is_empty() {
            // SAFETY: the caller's promise.
            return unsafe { copy(&self.dims, src, dst) };
        }
        // Split along the outermost dimension that is long enough, else along the longest.
        let threads = cx.pool.threads();
        let axis = (self.dims.iter().position(|d| d.size >= 4 * threads))
            .unwrap_or_else(|| (0..self.dims.len()).max_by_key(|&i| self.dims[i].size).unwrap_or(0));
        let (src, dst) = (Source(src), Target(dst));
        let dim = self.dims[axis];
        // Parts of whole cache lines where the split dimension is contiguous.
        let unit = if dim.dst == 1 || dim.src == 1 { 64usize.div_ceil(size_of::<T>()) } else { 1 };
        cx.ranges(dim.size.div_ceil(unit), 1, |range| {
            let (start, end) = (range.start * unit, (range.end * unit).min(dim.size));
            let mut dims = self.dims.clone();
            dims[axis].size = end - start;
            let offset = start as isize;
            // SAFETY: a part of the whole; the parts write disjoint elements.
            unsafe { copy(&dims, src.get().offset(offset * dim.src), dst.get().offset(offset * dim.dst)) };
        });
    }
}

/// Copies on this thread.
///
/// # Safety
/// As [`StridedCopy::run`].
unsafe fn copy<T: Plain>(dims: &[Dim], src: *const T, dst: *mut T) {
    let Some((&last, outer)) = dims.split_last() else {
        // SAFETY: one element.
        return unsafe { *dst = *src };
    };
    if last.src == 1 && last.dst == 1 {
        // SAFETY: the offsets are of rows that the dimensions reach, adjacent on both sides.
        return for_each(outer, |s, d| unsafe { copy_row(src.offset(s), dst.offset(d), last.size) });
    }
    if last.src == 0 && last.dst == 1 {
        // SAFETY: the offsets are of an element and a row of adjacent ones that the dimensions reach.
        return for_each(outer, |s, d| unsafe {
            std::slice::from_raw_parts_mut(dst.offset(d), last.size).fill(*src.offset(s));
        });
    }
    // A transpose: some other dimension is contiguous in the source.
    if last.dst == 1
        && last.size >= 4
        && let Some(axis) = outer.iter().position(|d| d.src == 1 && d.size >= 4)
    {
        let across = outer[axis];
        let mut rest: SmallVec<[Dim; 6]> = outer.into();
        rest.remove(axis);
        // SAFETY: the offsets are of matrices that the two dimensions taken out reach.
        return for_each(&rest, |s, d| unsafe {
            transpose(across.size, last.size, src.offset(s), last.src, dst.offset(d), across.dst);
        });
    }
    // SAFETY: the offsets are of rows that the dimensions reach; what is stepped to after the last element is not used.
    for_each(outer, |s, d| unsafe {
        let (mut s, mut d) = (src.offset(s), dst.offset(d));
        for _ in 0..last.size {
            *d = *s;
            s = s.wrapping_offset(last.src);
            d = d.wrapping_offset(last.dst);
        }
    });
}

/// `dst[0..n] = src[0..n]`, with short rows inline.
#[inline(always)]
unsafe fn copy_row<T: Plain>(src: *const T, dst: *mut T, n: usize) {
    if n * size_of::<T>() <= 32 {
        for i in 0..n {
            // SAFETY: the caller's rows have `n` elements.
            unsafe { *dst.add(i) = *src.add(i) };
        }
    } else {
        // SAFETY: as above, and they do not overlap.
        unsafe { std::ptr::copy_nonoverlapping(src, dst, n) };
    }
}

/// Calls `body` with the source and destination offset of every index of `dims`.
#[inline]
pub(crate) fn for_each(dims: &[Dim], mut body: impl FnMut(isize, isize)) {
    match dims {
        [] => body(0, 0),
        [d] => (0..d.size as isize).for_each(|i| body(i * d.src, i * d.dst)),
        _ => {
            let (&inner, outer) = dims.split_last().expect("two or more");
            if dims.iter().any(|d| d.size == 0) {
                return;
            }
            let mut index: SmallVec<[usize; 6]> = smallvec::smallvec![0; outer.len()];
            let (mut s, mut d) = (0isize, 0isize);
            loop {
                for i in 0..inner.size as isize {
                    body(s + i * inner.src, d + i * inner.dst);
                }
                let mut axis = outer.len();
                loop {
                    if axis == 0 {
                        return;
                    }
                    axis -= 1;
                    let dim = outer[axis];
                    index[axis] += 1;
                    s += dim.src;
                    d += dim.dst;
                    if index[axis] < dim.size {
                        break;
                    }
                    index[axis] = 0;
                    s -= dim.src * dim.size as isize;
                    d -= dim.dst * dim.size as isize;
                }
            }
        }
    }
}

/// `dst[i·dst_stride + j] = src[j·src_stride + i]` for `i < rows`, `j < columns`, block by block.
unsafe fn transpose<T: Plain>(
    rows: usize,
    columns: usize,
    src: *const T,
    src_stride: isize,
    dst: *mut T,
    dst_stride: isize,
) {
    let block = (64 / size_of::<T>()).max(4);
    let (full_rows, full_columns) = (rows / block * block, columns / block * block);
    for i in (0..full_rows).step_by(block) {
        for j in (0..full_columns).step_by(block) {
            // SAFETY: the block lies inside.
            unsafe {
                transpose_block(
                    src.offset(j as isize * src_stride + i as isize),
                    src_stride,
                    dst.offset(i as isize * dst_stride + j as isize),
                    dst_stride,
                );
            }
        }
    }
    let rest = |rows: std::ops::Range<usize>, columns: std::ops::Range<usize>| {
        for i in rows {
            for j in columns.clone() {
                // SAFETY: the element lies inside.
                unsafe {
                    *dst.offset(i as isize * dst_stride + j as isize) =
                        *src.offset(j as isize * src_stride + i as isize);
                }
            }
        }
    };
    rest(0..full_rows, full_columns..columns);
    rest(full_rows..rows, 0..columns);
}

/// One square block whose rows are cache lines.
#[inline(always)]
unsafe fn transpose_block<T: Plain>(src: *const T, src_stride: isize, dst: *mut T, dst_stride: isize) {
    #[cfg(target_arch = "x86_64")]
    if size_of::<T>() == 4 && super::element::has_avx2() {
        for (i, j) in [(0isize, 0isize), (0, 8), (8, 0), (8, 8)] {
            // SAFETY: the machine has AVX2, and the quarter lies inside the block of 16 by 16.
            unsafe {
                transpose_8x8(
                    src.offset(j * src_stride + i).cast(),
                    src_stride,
                    dst.offset(i * dst_stride + j).cast(),
                    dst_stride,
                );
            }
        }
        return;
    }
    let block = (64 / size_of::<T>()).max(4);
    for i in 0..block as isize {
        for j in 0..block as isize {
            // SAFETY: inside the block.
            unsafe { *dst.offset(i * dst_stride + j) = *src.offset(j * src_stride + i) };
        }
    }
}

/// Eight by eight elements of four bytes, in registers.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn transpose_8x8(src: *const f32, src_stride: isize, dst: *mut f32, dst_stride: isize) {
    use std::arch::x86_64::*;
    // SAFETY: the caller's block has eight rows of eight elements on both sides.
    unsafe {
        let row = |j: isize| _mm256_loadu_ps(src.offset(j * src_stride));
        let rows = [row(0), row(1), row(2), row(3), row(4), row(5), row(6), row(7)];
        let pairs = |a: __m256, b: __m256| (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        let (t0, t1) = pairs(rows[0], rows[1]);
        let (t2, t3) = pairs(rows[2], rows[3]);
        let (t4, t5) = pairs(rows[4], rows[5]);
        let (t6, t7) = pairs(rows[6], rows[7]);
        let quads = |a: __m256, b: __m256| (_mm256_shuffle_ps::<0x44>(a, b), _mm256_shuffle_ps::<0xEE>(a, b));
        let (q0, q1) = quads(t0, t2);
        let (q2, q3) = quads(t1, t3);
        let (q4, q5) = quads(t4, t6);
        let (q6, q7) = quads(t5, t7);
        let halves = |a: __m256, b: __m256| {
            (_mm256_permute2f128_ps::<0x20>(a, b), _mm256_permute2f128_ps::<0x31>(a, b))
        };
        for (i, (a, b)) in [(q0, q4), (q1, q5), (q2, q6), (q3, q7)].into_iter().enumerate() {
            let (low, high) = halves(a, b);
            _mm256_storeu_ps(dst.offset(i as isize * dst_stride), low);
            _mm256_storeu_ps(dst.offset((i as isize + 4) * dst_stride), high);
        }
    }
}

/// A shape with every dimension listed in `order`.
pub(crate) fn permuted(shape: &[i64], order: &[i64]) -> Shape {
    order.iter().map(|&d| shape[d as usize]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::Serial;
    use crate::kernels::tests::{Threads, context};

    fn check<T: Plain + PartialEq + std::fmt::Debug>(
        shape: &[i64],
        src: &[isize],
        base: usize,
        values: &[T],
    ) {
        let copy = StridedCopy::new(shape, src, &strides(shape));
        let n = product(shape);
        let mut expected = Vec::new();
        let dims: Vec<Dim> =
            shape.iter().zip(src).map(|(&n, &src)| Dim { size: n as usize, src, dst: 0 }).collect();
        if n > 0 {
            for_each(&dims, |s, _| expected.push(values[(base as isize + s) as usize]));
        }
        for cx in [context(&Serial), context(&Threads(3))] {
            let mut out = vec![values[0]; n];
            // SAFETY: the test's strides stay inside `values`.
            unsafe { copy.run(&cx, values[base..].as_ptr(), out.as_mut_ptr()) };
            assert_eq!(out, expected, "{shape:?} {src:?}");
        }
    }

    fn all_widths(shape: &[i64], src: &[isize], base: usize, reach: usize) {
        check(shape, src, base, &(0..reach).map(|i| i as u8).collect::<Vec<_>>());
        check(shape, src, base, &(0..reach).map(|i| i as u16).collect::<Vec<_>>());
        check(shape, src, base, &(0..reach).map(|i| i as u32).collect::<Vec<_>>());
        check(shape, src, base, &(0..reach).map(|i| i as u64).collect::<Vec<_>>());
        check(shape, src, base, &(0..reach).map(|i| [i as u64, 7]).collect::<Vec<_>>());
    }

    #[test]
    fn every_kind_of_copy_agrees_with_indexing() {
        for n in [1i64, 3, 4, 15, 16, 17, 33] {
            for m in [1i64, 5, 8, 16, 31, 64] {
                let reach = (n * m) as usize;
                all_widths(&[n, m], &[m as isize, 1], 0, reach); // plain
                all_widths(&[n, m], &[1, n as isize], 0, reach); // transpose
                all_widths(&[n, m], &[-(m as isize), -1], reach - 1, reach); // reversal
                all_widths(&[n, m], &[0, 1], 0, reach); // broadcasts
                all_widths(&[n, m], &[1, 0], 0, reach);
                all_widths(&[2, n, m], &[0, 1, n as isize], 0, reach);
            }
        }
        all_widths(&[2, 3, 4, 5], &[1, 2, 6, 24], 0, 120);
        all_widths(&[2, 0, 4], &[1, 2, 6], 0, 8);
        all_widths(&[], &[], 2, 3);
    }

    #[test]
    fn large_copies_are_split() {
        let n = 700usize;
        check(&[n as i64, n as i64], &[1, n as isize], 0, &(0..(n * n) as u32).collect::<Vec<_>>());
        check(&[3, n as i64, n as i64], &[0, n as isize, 1], 0, &(0..(n * n) as u32).collect::<Vec<_>>());
    }

    #[test]
    fn contiguous_dimensions_merge() {
        let copy = StridedCopy::new(&[2, 1, 3, 4], &[12, 99, 4, 1], &[12, 12, 4, 1]);
        assert_eq!(copy.dims.as_slice(), [Dim { size: 24, src: 1, dst: 1 }]);
    }
}
