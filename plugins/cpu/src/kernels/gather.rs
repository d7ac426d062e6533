//! `gather` and `scatter`: slices read and windows combined at computed places.
//!
//! Both walk the batch of indices with a [`Plan`], which turns each index vector into an element offset of the operand. A
//! gather clamps each start so that its slice lies inside; a scatter drops what lies outside, element by element.
//! Scatters run in place. They are parallel where no two windows can overlap partly: every thread walks all indices and
//! keeps those that fall into its part of the operand, so that the order of updates of one element is that of the indices.

use std::ops::Range;
use std::sync::Arc;

use jacinth_lowering::ops::gather;
use jacinth_lowering::{ElementType, Shape};
use smallvec::SmallVec;

use super::combiner::{Combiner, NOWHERE};
use super::element::{Index, by_index, by_width, wrap_results};
use super::reducer::Reducer;
use super::scratch::Scratch;
use super::slice::copy_unless_same;
use super::strided::{Dim, Source, StridedCopy, Target, for_each, product, strides};
use super::{Builder, Built, Cost, Kernel, KernelContext, RegionFn};
use crate::Result;

/// One dimension of the batch of indices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct BatchDim {
    size: usize,
    /// Steps in the array of indices, in the result (of a gather) or updates (of a scatter), and in the operand.
    index: isize,
    other: isize,
    operand: isize,
}

/// One component of an index vector.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Component {
    /// Where it stands after the vector's first element.
    at: isize,
    /// The operand dimension it moves along.
    dim: usize,
    /// The largest start at which the whole slice lies inside.
    most: i64,
    /// The operand's step along that dimension.
    stride: isize,
}

/// How indices become places in the operand.
#[derive(Clone, Debug)]
struct Plan {
    index: ElementType,
    batch: SmallVec<[BatchDim; 4]>,
    batches: usize,
    components: SmallVec<[Component; 4]>,
}

/// The dimension numbers that gather and scatter have in common.
struct Numbers<'a> {
    /// Dimensions of the result or the updates that index into a slice.
    window_dims: &'a [i64],
    operand_batching: &'a [i64],
    indices_batching: &'a [i64],
    index_map: &'a [i64],
    index_vector_dim: i64,
}

impl Plan {
    fn new(
        numbers: &Numbers<'_>,
        operand: &[i64],
        indices: &[i64],
        index: ElementType,
        other: &[i64],
        slice_sizes: &[i64],
    ) -> Plan {
        let (operand_strides, index_strides, other_strides) =
            (strides(operand), strides(indices), strides(other));
        let vector = numbers.index_vector_dim as usize;
        let batch_dims_of_other: SmallVec<[usize; 6]> =
            (0..other.len()).filter(|&d| !numbers.window_dims.contains(&(d as i64))).collect();
        let mut batch: SmallVec<[BatchDim; 4]> = SmallVec::new();
        let mut batches = 1;
        for (position, d) in (0..indices.len()).filter(|&d| d != vector).enumerate() {
            let size = indices[d] as usize;
            batches *= size;
            if size == 1 {
                continue;
            }
            let operand = (numbers.indices_batching.iter().position(|&b| b as usize == d))
                .map_or(0, |i| operand_strides[numbers.operand_batching[i] as usize]);
            let dim = BatchDim {
                size,
                index: index_strides[d],
                other: other_strides[batch_dims_of_other[position]],
                operand,
            };
            let n = size as isize;
            match batch.last_mut() {
                Some(outer)
                    if outer.index == dim.index * n
                        && outer.other == dim.other * n
                        && outer.operand == dim.operand * n =>
                {
                    *outer = BatchDim { size: outer.size * size, ..dim };
                }
                _ => batch.push(dim),
            }
        }
        let step = index_strides.get(vector).copied().unwrap_or(0);
        let components = (numbers.index_map.iter().enumerate())
            .map(|(i, &d)| {
                let d = d as usize;
                let most = (operand[d] - slice_sizes[d]).max(0);
                Component { at: i as isize * step, dim: d, most, stride: operand_strides[d] }
            })
            .collect();
        Plan { index, batch, batches, components }
    }

    /// The indices as `i64`, unless their type is one of the two for which kernels are instantiated.
    ///
    /// # Safety
    /// `indices` has `n` elements.
    unsafe fn widened(
        &self,
        cx: &KernelContext<'_>,
        indices: *const u8,
        n: usize,
    ) -> Result<Option<Scratch>> {
        if matches!(self.index, ElementType::I32 | ElementType::I64) {
            return Ok(None);
        }
        let mut copy = cx.scratch::<i64>(n)?;
        by_index!(self.index, I => {
            // SAFETY: the caller's promise.
            let from = unsafe { std::slice::from_raw_parts(indices.cast::<I>(), n) };
            copy.as_mut::<i64>().iter_mut().zip(from).for_each(|(to, from)| *to = from.index());
        });
        Ok(Some(copy))
    }

    /// Calls `body` with the offsets of a range of index vectors, block after block.
    ///
    /// Starts that do not lie inside are clamped, or where `clamp` is false, are [`NOWHERE`].
    ///
    /// # Safety
    /// `indices` is the whole array of indices, widened.
    unsafe fn walk(
        &self,
        indices: *const u8,
        range: Range<usize>,
        clamp: bool,
        mut body: impl FnMut(&Offsets),
    ) {
        let mut block =
            Offsets { indices: [0; BLOCK], other: [0; BLOCK], base: [0; BLOCK], operand: [0; BLOCK], len: 0 };
        for first in range.clone().step_by(BLOCK) {
            block.len = (range.end - first).min(BLOCK);
            // SAFETY: the caller's indices, of this type; the block's batches are some of the plan's.
            unsafe {
                match self.index {
                    ElementType::I32 => self.offsets::<i32>(indices.cast(), first, clamp, &mut block),
                    _ => self.offsets::<i64>(indices.cast(), first, clamp, &mut block),
                }
            }
            body(&block);
        }
    }

    /// Fills a block from the batch `first` on.
    ///
    /// # Safety
    /// As [`Plan::walk`], of indices of type `I`.
    unsafe fn offsets<I: Index>(&self, indices: *const I, first: usize, clamp: bool, block: &mut Offsets) {
        let n = block.len;
        match self.batch[..] {
            [] => (block.indices[0], block.other[0], block.base[0]) = (0, 0, 0),
            [d] => {
                for i in 0..n {
                    let at = (first + i) as isize;
                    block.indices[i] = at * d.index;
                    block.other[i] = at * d.other;
                    block.base[i] = at * d.operand;
                }
            }
            _ => {
                for i in 0..n {
                    let (mut rest, mut at) = (first + i, (0, 0, 0));
                    for d in self.batch.iter().rev() {
                        let j = (rest % d.size) as isize;
                        rest /= d.size;
                        at = (at.0 + j * d.index, at.1 + j * d.other, at.2 + j * d.operand);
                    }
                    (block.indices[i], block.other[i], block.base[i]) = at;
                }
            }
        }
        block.operand[..n].copy_from_slice(&block.base[..n]);
        for c in &self.components {
            for i in 0..n {
                // SAFETY: a component of an index vector.
                let start = unsafe { *indices.offset(block.indices[i] + c.at) }.index();
                let inside = start.clamp(0, c.most);
                let operand = &mut block.operand[i];
                *operand = match clamp || (inside == start && *operand != NOWHERE) {
                    true => *operand + inside as isize * c.stride,
                    false => NOWHERE,
                };
            }
        }
    }
}

/// Batches whose offsets are computed at once.
const BLOCK: usize = 256;

/// The element offsets of a block of batches.
struct Offsets {
    indices: [isize; BLOCK],
    /// In the result or the updates.
    other: [isize; BLOCK],
    /// In the operand, of the batch without its start.
    base: [isize; BLOCK],
    operand: [isize; BLOCK],
    len: usize,
}

impl Offsets {
    /// Calls `body` with the three offsets of each batch.
    #[inline(always)]
    fn each(&self, mut body: impl FnMut(isize, isize, isize)) {
        for i in 0..self.len {
            body(self.indices[i], self.other[i], self.operand[i]);
        }
    }

    /// The step between the offsets in the result or the updates, if it is always the same.
    fn step(&self) -> Option<isize> {
        let step = if self.len > 1 { self.other[1].wrapping_sub(self.other[0]) } else { 0 };
        self.other[..self.len].windows(2).all(|w| w[1].wrapping_sub(w[0]) == step).then_some(step)
    }
}

/// `gather`.
#[derive(Debug)]
struct Gather {
    plan: Plan,
    /// One slice: from the operand to the result.
    copy: StridedCopy,
    /// Whether a slice is a run of adjacent elements on both sides, and how many.
    run: Option<usize>,
    slice: usize,
    width: usize,
    /// Number of index components.
    indices: usize,
    cost: Cost,
}

pub(super) fn gather(op: &gather::Gather, b: &Builder<'_>) -> Built {
    let numbers = &op.dimension_numbers;
    let (operand, indices, result) = (&b.operands[0], &b.operands[1], &b.results[0]);
    let plan = Plan::new(
        &Numbers {
            window_dims: &numbers.offset_dims,
            operand_batching: &numbers.operand_batching_dims,
            indices_batching: &numbers.start_indices_batching_dims,
            index_map: &numbers.start_index_map,
            index_vector_dim: numbers.index_vector_dim,
        },
        &operand.shape,
        &indices.shape,
        indices.element,
        &result.shape,
        &op.slice_sizes,
    );
    let (src, dst) = (strides(&operand.shape), strides(&result.shape));
    let kept = (0..operand.rank()).filter(|&d| {
        let d = d as i64;
        !numbers.collapsed_slice_dims.contains(&d) && !numbers.operand_batching_dims.contains(&d)
    });
    let dims: SmallVec<[Dim; 6]> = (kept.zip(&numbers.offset_dims))
        .map(|(d, &o)| Dim { size: op.slice_sizes[d] as usize, src: src[d], dst: dst[o as usize] })
        .collect();
    let slice = dims.iter().map(|d| d.size).product();
    let copy = StridedCopy::from_dims(dims);
    let run = match copy.dims() {
        [] => Some(1),
        [Dim { size, src: 1, dst: 1 }] => Some(*size),
        _ => None,
    };
    let bytes = 2 * result.byte_size().unwrap_or(0) + indices.byte_size().unwrap_or(0);
    Ok(Some(Box::new(Gather {
        plan,
        copy,
        run,
        slice,
        width: operand.element.byte_width(),
        indices: product(&indices.shape),
        cost: Cost { flops: 0, bytes: bytes as u64 },
    })))
}

impl Kernel for Gather {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        if self.slice == 0 {
            return Ok(());
        }
        // SAFETY: the whole array of indices.
        let wide = unsafe { self.plan.widened(cx, inputs[1], self.indices)? };
        let indices = Source(wide.as_ref().map_or(inputs[1], |w| w.as_ptr::<u8>().cast_const()));
        let (operand, result) = (Source(inputs[0]), Target(outputs[0]));
        let (plan, width) = (&self.plan, self.width as isize);
        let place = |from: isize, to: isize| {
            (operand.get().wrapping_offset(from * width), result.get().wrapping_offset(to * width))
        };
        let grain = (1usize << 15).div_ceil(self.slice);
        match self.run {
            Some(1) => cx.ranges(plan.batches, grain, |range| {
                // SAFETY: starts are clamped, so elements lie inside the operand; ranges write different elements.
                unsafe {
                    plan.walk(indices.get(), range, true, |block| {
                        by_width!(self.width, T => {
                            pick::<T>(operand.get().cast(), result.get().cast(), block);
                        });
                    });
                }
            }),
            Some(n) => cx.ranges(plan.batches, grain, |range| {
                // SAFETY: starts are clamped, so slices lie inside the operand; ranges write different slices.
                unsafe {
                    plan.walk(indices.get(), range, true, |block| {
                        block.each(|_, to, from| {
                            let (from, to) = place(from, to);
                            std::ptr::copy_nonoverlapping(from, to, n * self.width);
                        });
                    });
                }
            }),
            None => {
                let alone = plan.batches == 1;
                cx.ranges(plan.batches, grain, |range| {
                    // SAFETY: as above.
                    unsafe {
                        plan.walk(indices.get(), range, true, |block| {
                            block.each(|_, to, from| {
                                let (from, to) = place(from, to);
                                by_width!(self.width, T => match alone {
                                    true => self.copy.run::<T>(cx, from.cast(), to.cast()),
                                    false => self.copy.run_here::<T>(from.cast(), to.cast()),
                                });
                            });
                        });
                    }
                });
            }
        }
        Ok(())
    }

    fn cost(&self) -> Cost {
        self.cost
    }
}

/// Moves one element for each batch of a block.
///
/// # Safety
/// The block's offsets are of elements of the operand and the result.
unsafe fn pick<T: Copy>(operand: *const T, result: *mut T, block: &Offsets) {
    for i in 0..block.len {
        // SAFETY: the caller's promise.
        unsafe { *result.offset(block.other[i]) = *operand.offset(block.operand[i]) };
    }
}

/// How a scatter combines an element with its update.
#[derive(Debug)]
enum Update {
    /// A recognised combiner, or that which overwrites.
    Known(&'static Combiner),
    /// Any region over any number of operands.
    Region(Arc<dyn RegionFn>),
}

/// `scatter`.
#[derive(Debug)]
struct Scatter {
    plan: Plan,
    update: Update,
    elements: SmallVec<[ElementType; 2]>,
    /// One window: from the updates (`src`) to the operand (`dst`), unmerged, with the operand dimension of each.
    window: SmallVec<[(Dim, usize); 6]>,
    /// The same, merged.
    dims: SmallVec<[Dim; 6]>,
    /// The operand's shape.
    shape: Shape,
    /// Whether two windows are the same or disjoint.
    separate: bool,
    unique: bool,
    /// Number of index components.
    indices: usize,
    operand_elements: usize,
    cost: Cost,
}

pub(super) fn scatter(op: &gather::Scatter, b: &Builder<'_>) -> Built {
    let numbers = &op.dimension_numbers;
    let n = b.results.len();
    let (operand, indices, updates) = (&b.operands[0], &b.operands[n], &b.operands[n + 1]);
    let region = &b.regions[0];
    let elements: SmallVec<[ElementType; 2]> = b.results.iter().map(|ty| ty.element).collect();
    // A region that computes in a wider type than its operands is left to the reference evaluation.
    let same = (0..n).all(|k| {
        let is = |v: jacinth_lowering::Value| {
            b.values[v.index()].as_tensor().is_some_and(|ty| ty.element == elements[k] && ty.rank() == 0)
        };
        b.operands[k].element == elements[k]
            && b.operands[n + 1 + k].element == elements[k]
            && is(region.args[k])
            && is(region.args[n + k])
            && is(region.results[k])
    });
    if !same {
        return Ok(None);
    }
    let kept: SmallVec<[usize; 6]> = (0..operand.rank())
        .filter(|&d| {
            let d = d as i64;
            !numbers.inserted_window_dims.contains(&d) && !numbers.input_batching_dims.contains(&d)
        })
        .collect();
    let mut sizes: Shape = smallvec::smallvec![1; operand.rank()];
    for (&d, &u) in kept.iter().zip(&numbers.update_window_dims) {
        sizes[d] = updates.shape[u as usize];
    }
    let plan = Plan::new(
        &Numbers {
            window_dims: &numbers.update_window_dims,
            operand_batching: &numbers.input_batching_dims,
            indices_batching: &numbers.scatter_indices_batching_dims,
            index_map: &numbers.scatter_dims_to_operand_dims,
            index_vector_dim: numbers.index_vector_dim,
        },
        &operand.shape,
        &indices.shape,
        indices.element,
        &updates.shape,
        &sizes,
    );
    let (to, from) = (strides(&operand.shape), strides(&updates.shape));
    let window: SmallVec<[(Dim, usize); 6]> = (kept.iter().zip(&numbers.update_window_dims))
        .map(|(&d, &u)| (Dim { size: sizes[d] as usize, src: from[u as usize], dst: to[d] }, d))
        .collect();
    let copy = StridedCopy::from_dims(window.iter().map(|w| w.0));
    let separate = (sizes.iter().zip(&operand.shape)).all(|(&w, &n)| w == 1 || w == n);
    let known = if n == 1 { Reducer::of(region, b.values, elements[0]) } else { None };
    let combiner = known.and_then(|reducer| match reducer {
        Reducer::Second => Some(Combiner::replace(elements[0].byte_width())),
        _ => Combiner::of(reducer, elements[0]),
    });
    let update = match combiner {
        Some(combiner) => Update::Known(combiner),
        None => match b.cx.compile_region(region)? {
            Some(region) => Update::Region(region),
            None => return Ok(None),
        },
    };
    let count = product(&updates.shape) as u64;
    let width: u64 = elements.iter().map(|e| e.byte_width() as u64).sum();
    let cost = Cost { flops: count, bytes: 3 * count * width + indices.byte_size().unwrap_or(0) as u64 };
    Ok(Some(Box::new(Scatter {
        plan,
        update,
        window,
        dims: copy.dims().into(),
        separate,
        unique: op.unique_indices,
        indices: product(&indices.shape),
        operand_elements: product(&operand.shape),
        shape: operand.shape.clone(),
        elements,
        cost,
    })))
}

impl Kernel for Scatter {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        let n = self.elements.len();
        for k in 0..n {
            // SAFETY: operand and result have the same type.
            unsafe {
                let bytes = self.operand_elements * self.elements[k].byte_width();
                copy_unless_same(cx, inputs[k], outputs[k], bytes);
            }
        }
        if self.operand_elements == 0 || self.window.iter().any(|w| w.0.size == 0) {
            return Ok(());
        }
        let updates = &inputs[n + 1..];
        // SAFETY: the whole array of indices.
        let wide = unsafe { self.plan.widened(cx, inputs[n], self.indices)? };
        let indices = wide.as_ref().map_or(inputs[n], |w| w.as_ptr::<u8>().cast_const());
        match &self.update {
            Update::Known(combiner) => {
                // SAFETY: arrays of the operand's, the indices' and the updates' types; the whole result.
                unsafe {
                    self.combine(cx, combiner, indices, updates[0], outputs[0]);
                    wrap_results(self.elements[0], outputs[0], self.operand_elements);
                }
            }
            Update::Region(region) => {
                // SAFETY: arrays of the operands', the indices' and the updates' types.
                unsafe { self.by_region(cx, &**region, indices, updates, outputs)? }
            }
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

impl Scatter {
    /// Calls `body` with the update's and the operand's offset of every element of a window that lies partly inside.
    ///
    /// Only of windows whose home lies in `part`: where it would begin if it began at zero in the dimensions it fills.
    ///
    /// # Safety
    /// `indices` is the whole array of indices, of which `at` begins an index vector.
    unsafe fn clipped(
        &self,
        indices: *const u8,
        at: isize,
        base: isize,
        part: &Range<isize>,
        mut body: impl FnMut(isize, isize),
    ) {
        let mut starts: SmallVec<[i64; 6]> = smallvec::smallvec![0; self.shape.len()];
        for c in &self.plan.components {
            // SAFETY: a component of an index vector, of this type.
            starts[c.dim] = unsafe {
                match self.plan.index {
                    ElementType::I32 => (*indices.cast::<i32>().offset(at + c.at)).into(),
                    _ => *indices.cast::<i64>().offset(at + c.at),
                }
            };
        }
        // Dimensions outside the window have one element, at the start.
        let in_window = |d: usize| self.window.iter().any(|w| w.1 == d);
        let mut at = base;
        for (d, (&start, stride)) in starts.iter().zip(strides(&self.shape)).enumerate() {
            if in_window(d) {
                continue;
            }
            if !(0..self.shape[d]).contains(&start) {
                return;
            }
            at += start as isize * stride;
        }
        // The part of the window that lies inside.
        let mut dims: SmallVec<[Dim; 6]> = SmallVec::new();
        let mut from = 0;
        let mut home = at;
        for &(dim, d) in &self.window {
            let first = starts[d].checked_neg().unwrap_or(i64::MAX).max(0);
            let last = (self.shape[d].saturating_sub(starts[d])).min(dim.size as i64);
            if first >= last {
                return;
            }
            from += first as isize * dim.src;
            at += (starts[d] + first) as isize * dim.dst;
            if dim.size == 1 {
                home += starts[d] as isize * dim.dst;
            }
            dims.push(Dim { size: (last - first) as usize, ..dim });
        }
        if part.contains(&home) {
            for_each(&dims, |s, d| body(from + s, at + d));
        }
    }

    /// Combines with a known combiner.
    ///
    /// # Safety
    /// `indices` is the array of indices, widened; `updates` and `out` are arrays of the updates' and the operand's type.
    unsafe fn combine(
        &self,
        cx: &KernelContext<'_>,
        combiner: &Combiner,
        indices: *const u8,
        updates: *const u8,
        out: *mut u8,
    ) {
        let plan = &self.plan;
        let threads = cx.pool.threads();
        let window: usize = self.dims.iter().map(|d| d.size).product();
        let work = plan.batches * window;
        let (indices, updates, out) = (Source(indices), Source(updates), Target(out));
        let some = |range: Range<usize>, part: Range<isize>| {
            // SAFETY: the caller's arrays. Where threads run side by side, either no two windows meet, or each thread has a part of
            // the operand of its own.
            unsafe { self.windows(combiner, range, part, indices.get(), updates.get(), out.get()) }
        };
        if threads > 1 && work >= 1 << 16 && self.unique {
            return cx
                .ranges(plan.batches, (1usize << 15).div_ceil(window), |range| some(range, 0..isize::MAX));
        }
        if threads > 1 && work >= 1 << 16 && self.separate {
            let total = self.operand_elements;
            return cx.pool.run(threads, &|t| {
                some(0..plan.batches, (t * total / threads) as isize..((t + 1) * total / threads) as isize);
            });
        }
        some(0..plan.batches, 0..isize::MAX);
    }

    /// The windows of a range of indices that begin in a part of the operand.
    ///
    /// # Safety
    /// As [`Scatter::combine`]; nothing else accesses that part meanwhile.
    unsafe fn windows(
        &self,
        c: &Combiner,
        range: Range<usize>,
        part: Range<isize>,
        indices: *const u8,
        updates: *const u8,
        out: *mut u8,
    ) {
        let width = c.element as isize;
        // Only windows of more than one element can lie inside partly.
        let clips = self.window.iter().any(|w| w.0.size != 1);
        let everything = part == (0..isize::MAX);
        // SAFETY: a window that is not [`NOWHERE`] lies inside; of others, those elements are taken that do.
        unsafe {
            self.plan.walk(indices, range, false, |block| {
                if let (true, [], Some(step)) = (!clips, &self.dims[..], block.step()) {
                    let from = updates.offset(block.other[0] * width);
                    let mut offsets = block.operand;
                    if !everything {
                        for at in &mut offsets[..block.len] {
                            *at = if part.contains(at) { *at } else { NOWHERE };
                        }
                    }
                    return (c.update_at)(out, &offsets[..block.len], from, step);
                }
                for i in 0..block.len {
                    let (update, start) = (block.other[i], block.operand[i]);
                    let from = updates.offset(update * width);
                    if start == NOWHERE {
                        if clips {
                            self.clipped(indices, block.indices[i], block.base[i], &part, |s, d| {
                                (c.update)(out.offset(d * width), 0, from.offset(s * width), 0, 1);
                            });
                        }
                        continue;
                    }
                    if !part.contains(&start) {
                        continue;
                    }
                    let to = out.offset(start * width);
                    let (last, outer) = match self.dims.split_last() {
                        Some((&last, outer)) => (last, outer),
                        None => (Dim { size: 1, src: 0, dst: 0 }, &[][..]),
                    };
                    for_each(outer, |s, d| {
                        (c.update)(
                            to.offset(d * width),
                            last.dst,
                            from.offset(s * width),
                            last.src,
                            last.size,
                        );
                    });
                }
            });
        }
    }

    /// Element by element through a region.
    ///
    /// # Safety
    /// As [`Scatter::combine`], with an array for each operand.
    unsafe fn by_region(
        &self,
        cx: &KernelContext<'_>,
        region: &dyn RegionFn,
        indices: *const u8,
        updates: &[*const u8],
        outputs: &[*mut u8],
    ) -> Result<()> {
        let n = self.elements.len();
        let mut scratch = cx.scratch::<[u64; 2]>(n)?;
        let fresh = scratch.as_mut::<[u64; 2]>().as_mut_ptr();
        let widths: SmallVec<[usize; 2]> = self.elements.iter().map(|e| e.byte_width()).collect();
        let one = |s: isize, d: isize| {
            let old = (0..n).map(|k| outputs[k].wrapping_offset(d * widths[k] as isize).cast_const());
            let new = (0..n).map(|k| updates[k].wrapping_offset(s * widths[k] as isize));
            let args: SmallVec<[*const u8; 8]> = old.chain(new).collect();
            let results: SmallVec<[*mut u8; 4]> = (0..n).map(|k| fresh.wrapping_add(k).cast()).collect();
            // SAFETY: one element each; the results lie apart, and are moved over the old values afterwards.
            unsafe {
                region.call(1, &args, &results);
                for k in 0..n {
                    std::ptr::copy_nonoverlapping(results[k], args[k].cast_mut(), widths[k]);
                }
            }
        };
        // SAFETY: the caller's indices; each index vector of a block is one of them.
        unsafe {
            self.plan.walk(indices, 0..self.plan.batches, false, |block| {
                for i in 0..block.len {
                    let (update, start) = (block.other[i], block.operand[i]);
                    if start == NOWHERE {
                        let everything = 0..isize::MAX;
                        self.clipped(indices, block.indices[i], block.base[i], &everything, |s, d| {
                            one(update + s, d)
                        });
                    } else {
                        for_each(&self.dims, |s, d| one(update + s, start + d));
                    }
                }
            });
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::type_complexity, clippy::cloned_ref_to_slice_refs)]
mod tests {
    use super::*;
    use crate::kernels::tests::{Array, Regions, Rng, execute, run, run_with, ty};
    use crate::kernels::{RegionCompiler, Serial, build};
    use jacinth_lowering::Op;
    use jacinth_lowering::ops::elementwise::Binary;

    fn s(x: &[i64]) -> Shape {
        x.iter().copied().collect()
    }

    fn gather_op(
        offset: &[i64],
        collapsed: &[i64],
        batching: (&[i64], &[i64]),
        map: &[i64],
        vector: i64,
        sizes: &[i64],
    ) -> gather::Gather {
        gather::Gather {
            dimension_numbers: gather::GatherDimensionNumbers {
                offset_dims: s(offset),
                collapsed_slice_dims: s(collapsed),
                operand_batching_dims: s(batching.0),
                start_indices_batching_dims: s(batching.1),
                start_index_map: s(map),
                index_vector_dim: vector,
            },
            slice_sizes: s(sizes),
            indices_are_sorted: false,
        }
    }

    /// The specification's definition, one result element at a time.
    fn naive_gather(op: &gather::Gather, a: &Array, indices: &Array, result: &[i64]) -> Vec<Vec<u8>> {
        let d = &op.dimension_numbers;
        let idx = indices.values::<i32>();
        let (is, os) = (strides(&indices.ty.shape), strides(&a.ty.shape));
        let mut out = vec![];
        for flat in 0..product(result) {
            let rs = strides(result);
            let at: Vec<i64> =
                (0..result.len()).map(|k| (flat / rs[k] as usize) as i64 % result[k]).collect();
            let batch: Vec<i64> =
                (0..result.len()).filter(|k| !d.offset_dims.contains(&(*k as i64))).map(|k| at[k]).collect();
            let read = |component: usize| {
                let mut position = batch.clone();
                if (d.index_vector_dim as usize) < indices.ty.rank() {
                    position.insert(d.index_vector_dim as usize, component as i64);
                }
                i64::from(
                    idx[position.iter().zip(&is).map(|(&p, &s)| p as usize * s as usize).sum::<usize>()],
                )
            };
            let mut full = vec![0i64; a.ty.rank()];
            for (i, &m) in d.start_index_map.iter().enumerate() {
                full[m as usize] = read(i).clamp(0, a.ty.shape[m as usize] - op.slice_sizes[m as usize]);
            }
            for (&ob, &ib) in d.operand_batching_dims.iter().zip(&d.start_indices_batching_dims) {
                let position = ib - i64::from(ib > d.index_vector_dim);
                full[ob as usize] += batch[position as usize];
            }
            let kept = (0..a.ty.rank() as i64)
                .filter(|k| !d.collapsed_slice_dims.contains(k) && !d.operand_batching_dims.contains(k));
            for (k, &o) in kept.zip(&d.offset_dims) {
                full[k as usize] += at[o as usize];
            }
            let offset: usize = full.iter().zip(&os).map(|(&i, &s)| i as usize * s as usize).sum();
            out.push(a.element(offset).to_vec());
        }
        out
    }

    #[test]
    fn gathers_agree_with_the_definition() {
        let mut rng = Rng(7);
        let none: (&[i64], &[i64]) = (&[], &[]);
        let cases: [(gather::Gather, &[i64], &[i64], &[i64]); 8] = [
            (gather_op(&[], &[0], none, &[0], 1, &[1]), &[10], &[40], &[40]),
            (gather_op(&[1], &[0], none, &[0], 1, &[1, 6]), &[10, 6], &[13, 1], &[13, 6]),
            (gather_op(&[1], &[1], none, &[1], 1, &[6, 1]), &[6, 10], &[13, 1], &[13, 6]),
            (gather_op(&[0, 2], &[], none, &[1, 0], 0, &[2, 3]), &[5, 7], &[2, 4], &[2, 4, 3]),
            (gather_op(&[2], &[0, 1], none, &[0, 1], 2, &[1, 1, 4]), &[3, 5, 4], &[2, 6, 2], &[2, 6, 4]),
            (gather_op(&[], &[1], (&[0], &[0]), &[1], 2, &[1, 1]), &[3, 8], &[3, 5, 1], &[3, 5]),
            (gather_op(&[2], &[], (&[1], &[1]), &[0], 2, &[3, 1]), &[8, 4], &[6, 4, 1], &[6, 4, 3]),
            (gather_op(&[1], &[0], none, &[0], 1, &[1, 6]), &[10, 6], &[0, 1], &[0, 6]),
        ];
        for (op, operand, indices, result) in cases {
            for e in
                [ElementType::UI8, ElementType::F16, ElementType::F32, ElementType::F64, ElementType::C128]
            {
                let a = Array::counting(ty(operand, e));
                let mut i = Array::random(ty(indices, ElementType::I32), &mut rng);
                // Some far outside.
                if let Some(first) = i.bytes.first_chunk_mut::<4>() {
                    *first = i32::MIN.to_ne_bytes();
                }
                let expected = naive_gather(&op, &a, &i, result);
                let out = run(&op.clone().into(), &[a, i], &[ty(result, e)]).remove(0);
                for (k, x) in expected.iter().enumerate() {
                    assert_eq!(out.element(k), x, "{op:?} {k}");
                }
            }
        }
    }

    #[test]
    fn many_gathers_are_split() {
        let mut rng = Rng(2);
        let table = Array::of([1000], &(0..1000).map(|i| i as f32).collect::<Vec<_>>());
        let index: Vec<i32> = (0..100_000).map(|_| rng.below(1200) as i32 - 100).collect();
        let expected: Vec<f32> = index.iter().map(|&i| i.clamp(0, 999) as f32).collect();
        let op = gather_op(&[], &[0], (&[], &[]), &[0], 1, &[1]);
        let out =
            run(&op.into(), &[table, Array::of([100_000], &index)], &[ty(&[100_000], ElementType::F32)]);
        assert_eq!(out[0].values::<f32>(), expected);
    }

    fn scatter_op(
        window: &[i64],
        inserted: &[i64],
        batching: (&[i64], &[i64]),
        map: &[i64],
        vector: i64,
        unique: bool,
    ) -> gather::Scatter {
        gather::Scatter {
            dimension_numbers: gather::ScatterDimensionNumbers {
                update_window_dims: s(window),
                inserted_window_dims: s(inserted),
                input_batching_dims: s(batching.0),
                scatter_indices_batching_dims: s(batching.1),
                scatter_dims_to_operand_dims: s(map),
                index_vector_dim: vector,
            },
            indices_are_sorted: false,
            unique_indices: unique,
        }
    }

    /// The specification's definition, one update at a time in order.
    fn naive_scatter(
        op: &gather::Scatter,
        a: &[f32],
        shape: &[i64],
        i: &Array,
        u: &Array,
        f: fn(f32, f32) -> f32,
    ) -> Vec<f32> {
        let d = &op.dimension_numbers;
        let (mut out, updates, idx) = (a.to_vec(), u.values::<f32>(), i.values::<i32>());
        let (is, os, us) = (strides(&i.ty.shape), strides(shape), strides(&u.ty.shape));
        for (flat, &x) in updates.iter().enumerate() {
            let at: Vec<i64> =
                (0..u.ty.rank()).map(|k| (flat / us[k] as usize) as i64 % u.ty.shape[k]).collect();
            let batch: Vec<i64> = (0..u.ty.rank())
                .filter(|k| !d.update_window_dims.contains(&(*k as i64)))
                .map(|k| at[k])
                .collect();
            let mut full = vec![0i64; shape.len()];
            for (c, &m) in d.scatter_dims_to_operand_dims.iter().enumerate() {
                let mut position = batch.clone();
                if (d.index_vector_dim as usize) < i.ty.rank() {
                    position.insert(d.index_vector_dim as usize, c as i64);
                }
                full[m as usize] = i64::from(
                    idx[position.iter().zip(&is).map(|(&p, &s)| p as usize * s as usize).sum::<usize>()],
                );
            }
            for (&ob, &ib) in d.input_batching_dims.iter().zip(&d.scatter_indices_batching_dims) {
                full[ob as usize] += batch[(ib - i64::from(ib > d.index_vector_dim)) as usize];
            }
            let kept = (0..shape.len() as i64)
                .filter(|k| !d.inserted_window_dims.contains(k) && !d.input_batching_dims.contains(k));
            for (k, &w) in kept.zip(&d.update_window_dims) {
                full[k as usize] += at[w as usize];
            }
            if full.iter().zip(shape).all(|(i, n)| (0..*n).contains(i)) {
                let o: usize = full.iter().zip(&os).map(|(&i, &s)| i as usize * s as usize).sum();
                out[o] = f(out[o], x);
            }
        }
        out
    }

    #[test]
    fn scatters_agree_with_the_definition() {
        let mut rng = Rng(9);
        let none: (&[i64], &[i64]) = (&[], &[]);
        let cases: [(gather::Scatter, &[i64], &[i64], &[i64]); 8] = [
            (scatter_op(&[], &[0], none, &[0], 1, false), &[6], &[40], &[40]),
            (scatter_op(&[1], &[0], none, &[0], 1, false), &[5, 6], &[13, 1], &[13, 6]),
            (scatter_op(&[1], &[0], none, &[0], 1, false), &[5, 6], &[13, 1], &[13, 4]),
            (scatter_op(&[0, 2], &[], none, &[1, 0], 0, false), &[5, 7], &[2, 4], &[2, 4, 3]),
            (scatter_op(&[2], &[0, 1], none, &[0, 1], 2, false), &[3, 5, 4], &[2, 6, 2], &[2, 6, 4]),
            (scatter_op(&[], &[1], (&[0], &[0]), &[1], 2, false), &[3, 8], &[3, 5, 1], &[3, 5]),
            (scatter_op(&[0], &[], none, &[0], 0, false), &[9], &[1], &[4]),
            (scatter_op(&[], &[0], none, &[0], 1, false), &[4], &[0], &[0]),
        ];
        for (op, operand, indices, updates) in cases {
            for _ in 0..4 {
                let a = Array::random(ty(operand, ElementType::F32), &mut rng);
                let u = Array::random(ty(updates, ElementType::F32), &mut rng);
                let mut i = Array::random(ty(indices, ElementType::I32), &mut rng);
                if let Some(first) = i.bytes.first_chunk_mut::<4>()
                    && rng.below(2) == 0
                {
                    *first = if rng.below(2) == 0 { i32::MIN } else { i32::MAX }.to_ne_bytes();
                }
                let add = Regions::binary(ElementType::F32, Binary::Add);
                let set = Regions::default().block(&[ElementType::F32; 2], |_, a| vec![a[1]]);
                let minus = Regions::binary(ElementType::F32, Binary::Subtract);
                let forms: [(&Regions, fn(f32, f32) -> f32); 3] =
                    [(&add, |a, b| a + b), (&set, |_, b| b), (&minus, |a, b| a - b)];
                for (regions, f) in forms {
                    let expected = naive_scatter(&op, &a.values::<f32>(), operand, &i, &u, f);
                    let operands = [a.clone(), i.clone(), u.clone()];
                    let out = run_with(&op.clone().into(), &operands, &[a.ty.clone()], regions);
                    assert_eq!(out[0].values::<f32>(), expected, "{op:?} {:?}", i.values::<i32>());
                    assert_eq!(in_place(&op.clone().into(), &operands, regions).values::<f32>(), expected);
                }
            }
        }
    }

    fn in_place(op: &Op, operands: &[Array], regions: &Regions) -> Array {
        let types: Vec<_> = operands.iter().map(|a| a.ty.clone()).collect();
        let scalars = crate::kernels::tests::Scalars { values: regions.values.clone() };
        let cx: &dyn RegionCompiler = &scalars;
        let results = [operands[0].ty.clone()];
        let kernel = build(op, &types, &results, &regions.blocks, &regions.values, cx).unwrap().unwrap();
        execute(&*kernel, &Serial, operands, &results, true).remove(0)
    }

    #[test]
    fn many_scatters_are_split_and_keep_their_order() {
        let mut rng = Rng(11);
        for width in [1i64, 8] {
            let n = 40_000i64;
            let index: Vec<i32> = (0..n).map(|_| rng.below(600) as i32 - 50).collect();
            let i = Array::of([n, 1], &index);
            let u = Array::random(ty(&[n, width], ElementType::F32), &mut rng);
            let a = Array::random(ty(&[500, width], ElementType::F32), &mut rng);
            let op = scatter_op(&[1], &[0], (&[], &[]), &[0], 1, false);
            let set = Regions::default().block(&[ElementType::F32; 2], |_, a| vec![a[1]]);
            let expected = naive_scatter(&op, &a.values::<f32>(), &[500, width], &i, &u, |_, b| b);
            let out = run_with(&op.into(), &[a.clone(), i, u], &[a.ty.clone()], &set);
            assert_eq!(out[0].values::<f32>(), expected);
        }
    }

    #[test]
    fn clipped_windows_do_not_race() {
        let mut rng = Rng(12);
        let n = 20_000i64;
        let index: Vec<i32> = (0..2 * n)
            .map(|k| if k % 2 == 0 { rng.below(30) as i32 } else { rng.below(9) as i32 - 4 })
            .collect();
        let i = Array::of([n, 2], &index);
        let u = Array::random(ty(&[n, 8], ElementType::F32), &mut rng);
        let a = Array::random(ty(&[30, 8], ElementType::F32), &mut rng);
        let op = scatter_op(&[1], &[0], (&[], &[]), &[0, 1], 1, false);
        let add = Regions::binary(ElementType::F32, Binary::Add);
        let expected = naive_scatter(&op, &a.values::<f32>(), &[30, 8], &i, &u, |a, b| a + b);
        let out = run_with(&op.into(), &[a.clone(), i, u], &[a.ty.clone()], &add);
        assert_eq!(out[0].values::<f32>(), expected);
    }

    #[test]
    fn any_integer_indexes() {
        let op = scatter_op(&[], &[0], (&[], &[]), &[0], 1, false);
        let set = Regions::default().block(&[ElementType::F32; 2], |_, a| vec![a[1]]);
        let (a, u) = (Array::of([3], &[1f32, 2., 3.]), Array::of([2], &[8f32, 9.]));
        for i in [Array::of([2], &[2u8, 3]), Array::of([2], &[2u64, u64::MAX]), Array::of([2], &[2i16, -1])] {
            let out = run_with(&op.clone().into(), &[a.clone(), i, u.clone()], &[a.ty.clone()], &set);
            assert_eq!(out[0].values::<f32>(), [1., 2., 8.]);
        }
    }
}
