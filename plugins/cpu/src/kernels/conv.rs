//! `convolution`: patches of the input packed block by block (im2col), times the kernel as a matrix.
//!
//! For each group of features or batches the result is a product `[M, K] × [K, N]`: M are the result's batch and spatial
//! places, K the places of the window and the input features, N the output features. M is ordered as the result lies in
//! memory, so that products are written where they belong; K as the kernel lies, or, where the input's features are
//! adjacent in memory, with the features innermost. A block of patches stays in cache and K is cut where it is long (the
//! gradient of the weights). Element types follow [`super::dot`]: `f16` and `bf16` are widened, integers sum in the result's type.

use jacinth_lowering::ops::conv::Convolution;
use jacinth_lowering::{ElementType, Shape};
use smallvec::SmallVec;

use super::dot::{Matrix, Product, narrow, supported, widen};
use super::element::{by_number, wrap_results};
use super::strided::{Dim, Source, StridedCopy, Target, product, strides};
use super::{Builder, Built, Cost, Kernel, KernelContext};
use crate::Result;

/// One spatial dimension.
#[derive(Clone, Copy, Debug)]
struct Spatial {
    /// Size of the input and its step in elements.
    input: i64,
    step: isize,
    stride: i64,
    low: i64,
    lhs_dilation: i64,
    rhs_dilation: i64,
}

impl Spatial {
    /// The input's index under place `w` of the window at place `o`, if it is an element.
    #[inline(always)]
    fn index(&self, o: i64, w: i64) -> Option<i64> {
        let at = o * self.stride + w * self.rhs_dilation - self.low;
        if self.lhs_dilation == 1 {
            return (0..self.input).contains(&at).then_some(at);
        }
        let i = at.div_euclid(self.lhs_dilation);
        (at.rem_euclid(self.lhs_dilation) == 0 && (0..self.input).contains(&i)).then_some(i)
    }
}

/// What one dimension of M or K is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    /// The batch (of M) or the input feature (of K).
    Plain,
    /// A spatial dimension: the result's place (of M), the window's place (of K).
    Spatial(usize),
}

/// One dimension of M or K.
#[derive(Clone, Copy, Debug)]
struct Axis {
    what: What,
    size: usize,
    /// The step in the result (of M) or in the packed kernel (of K).
    step: isize,
}

#[derive(Debug)]
struct Conv {
    lhs_element: ElementType,
    rhs_element: ElementType,
    result: ElementType,
    lhs_elements: usize,
    result_elements: usize,
    spatial: SmallVec<[Spatial; 3]>,
    /// Dimensions of M and K, outermost first.
    m: SmallVec<[Axis; 4]>,
    k: SmallVec<[Axis; 4]>,
    /// Steps of the input's batch and feature dimensions.
    batch_step: isize,
    feature_step: isize,
    /// Packs the kernel as `[group, K, N]`.
    pack: StridedCopy,
    pack_base: usize,
    groups: usize,
    /// Steps of the input and the result from one group to the next.
    lhs_group: isize,
    out_group: isize,
    sizes: [usize; 3],
    /// The step of the result along N.
    out_column: isize,
    /// How many trailing elements of M lie at one step in the result, and the step.
    inner_rows: usize,
    row_step: isize,
    /// Whether patches are runs along the features of the input rather than along M.
    feature_runs: bool,
    cost: Cost,
}

pub(super) fn convolution(op: &Convolution, b: &Builder<'_>) -> Built {
    let (lhs, rhs, result) = (&b.operands[0], &b.operands[1], &b.results[0]);
    if !supported(lhs.element, rhs.element, result.element) {
        return Ok(None);
    }
    let numbers = &op.dimension_numbers;
    let (ls, rs, os) = (strides(&lhs.shape), strides(&rhs.shape), strides(&result.shape));
    let rank = numbers.input_spatial_dimensions.len();
    let one = |x: &Shape, d: usize| x.get(d).copied().unwrap_or(1);
    let spatial: SmallVec<[Spatial; 3]> = (0..rank)
        .map(|d| {
            let at = numbers.input_spatial_dimensions[d] as usize;
            Spatial {
                input: lhs.shape[at],
                step: ls[at],
                stride: one(&op.window_strides, d),
                low: op.padding.get(d).map_or(0, |p| p.0),
                lhs_dilation: one(&op.lhs_dilation, d),
                rhs_dilation: one(&op.rhs_dilation, d),
            }
        })
        .collect();
    let (fg, bg) = (op.feature_group_count as usize, op.batch_group_count as usize);
    let groups = fg * bg;
    let out_features = rhs.shape[numbers.kernel_output_feature_dimension as usize] as usize;
    let in_features = rhs.shape[numbers.kernel_input_feature_dimension as usize] as usize;
    let batch = lhs.shape[numbers.input_batch_dimension as usize] as usize / bg;
    let n = out_features / groups.max(1);
    let batch_step = ls[numbers.input_batch_dimension as usize];
    let feature_step = ls[numbers.input_feature_dimension as usize];

    // M in the order in which the result lies.
    let mut m: SmallVec<[Axis; 4]> = SmallVec::new();
    let place = |what, d: i64| Axis { what, size: result.shape[d as usize] as usize, step: os[d as usize] };
    m.push(Axis { size: batch, ..place(What::Plain, numbers.output_batch_dimension) });
    m.extend((0..rank).map(|d| place(What::Spatial(d), numbers.output_spatial_dimensions[d])));
    m.sort_by_key(|a| std::cmp::Reverse(a.step));
    let (mut inner_rows, mut row_step) = (1, 0);
    for axis in m.iter().rev().filter(|a| a.size != 1) {
        if inner_rows == 1 {
            (inner_rows, row_step) = (axis.size, axis.step);
        } else if axis.step == row_step * inner_rows as isize {
            inner_rows *= axis.size;
        } else {
            break;
        }
    }

    // K: with the features innermost where the input has them side by side, else as the kernel lies.
    let last = m.iter().rev().find(|a| a.size != 1);
    let runs_along_m = last.is_some_and(|axis| match axis.what {
        What::Plain => batch_step == 1,
        What::Spatial(d) => spatial[d].step == 1 && spatial[d].stride == 1 && spatial[d].lhs_dilation == 1,
    });
    let feature_runs = feature_step == 1 && in_features > 1 && !runs_along_m;
    let window = |d: usize| numbers.kernel_spatial_dimensions[d] as usize;
    let mut k: SmallVec<[(Axis, isize); 4]> = SmallVec::new();
    let feature = numbers.kernel_input_feature_dimension as usize;
    let mut base = 0;
    for d in 0..rank {
        let (size, mut step) = (rhs.shape[window(d)] as usize, rs[window(d)]);
        if op.window_reversal.get(d).copied().unwrap_or(false) {
            base += (size as isize - 1).max(0) * step;
            step = -step;
        }
        k.push((Axis { what: What::Spatial(d), size, step: 0 }, step));
    }
    k.push((Axis { what: What::Plain, size: in_features, step: 0 }, rs[feature]));
    if !feature_runs {
        k.sort_by_key(|(_, step)| std::cmp::Reverse(step.unsigned_abs()));
    }
    let size_k: usize = k.iter().map(|a| a.0.size).product();
    let size_m: usize = m.iter().map(|a| a.size).product();
    let out_feature_step = rs[numbers.kernel_output_feature_dimension as usize];
    let mut dims: SmallVec<[Dim; 6]> = SmallVec::new();
    dims.push(Dim { size: groups, src: out_feature_step * n as isize, dst: (size_k * n) as isize });
    let mut step = (size_k * n) as isize;
    for (axis, src) in &mut k {
        step /= axis.size.max(1) as isize;
        axis.step = step;
        dims.push(Dim { size: axis.size, src: *src, dst: step });
    }
    dims.push(Dim { size: n, src: out_feature_step, dst: 1 });
    let out_column = os[numbers.output_feature_dimension as usize];
    let lhs_group = if fg > 1 { in_features as isize * feature_step } else { batch as isize * batch_step };
    let flops = 2 * (groups * size_m * size_k * n) as u64;
    Ok(Some(Box::new(Conv {
        lhs_element: lhs.element,
        rhs_element: rhs.element,
        result: result.element,
        lhs_elements: product(&lhs.shape),
        result_elements: product(&result.shape),
        spatial,
        m,
        k: k.into_iter().map(|a| a.0).collect(),
        batch_step,
        feature_step,
        pack: StridedCopy::from_dims(dims),
        pack_base: base as usize,
        groups,
        lhs_group,
        out_group: n as isize * out_column,
        sizes: [size_m, n, size_k],
        out_column,
        inner_rows,
        row_step,
        feature_runs,
        cost: b.cost(flops),
    })))
}

impl Kernel for Conv {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        use ElementType as E;
        if self.result_elements == 0 {
            return Ok(());
        }
        match self.result {
            E::F16 | E::BF16 => {
                let mut wide = cx.scratch::<f32>(self.result_elements)?;
                // SAFETY: arrays of the operands' types, and as many sums as the result has elements.
                unsafe { self.typed::<f32>(cx, inputs, wide.as_ptr())? };
                let (wide, out) = (&*wide.as_mut::<f32>(), Target(outputs[0]));
                // SAFETY: disjoint parts of the result, of two bytes an element.
                cx.ranges(self.result_elements, 1 << 15, |r| unsafe {
                    narrow(self.result, &wide[r.clone()], out.get().add(2 * r.start));
                });
                Ok(())
            }
            e => {
                // SAFETY: arrays of the operands' and the result's types.
                by_number!(e, T => unsafe { self.typed::<T>(cx, inputs, outputs[0].cast())? }, else unreachable!("built for numbers"));
                // SAFETY: the whole result.
                unsafe { wrap_results(e, outputs[0], self.result_elements) };
                Ok(())
            }
        }
    }

    fn cost(&self) -> Cost {
        self.cost
    }
}

/// Elements of a block of patches: a part of the second-level cache.
const PANEL: usize = 96 << 10;

impl Conv {
    unsafe fn typed<T: Product>(
        &self,
        cx: &KernelContext<'_>,
        inputs: &[*const u8],
        out: *mut T,
    ) -> Result<()> {
        let [m, n, k] = self.sizes;
        let same =
            std::any::TypeId::of::<T>() == type_of(self.lhs_element) && self.lhs_element == self.result;
        // The input in the type in which products are summed.
        let mut converted = None;
        let lhs: *const T = if same {
            inputs[0].cast()
        } else {
            let mut wide = cx.scratch::<T>(self.lhs_elements)?;
            // SAFETY: the whole input.
            unsafe { widen(self.lhs_element, inputs[0], wide.as_mut::<T>()) };
            converted.insert(wide).as_ptr::<T>().cast_const()
        };
        // The kernel as `[group, K, N]`.
        let elements = self.groups * k * n;
        let mut kernel = cx.scratch::<T>(elements)?;
        let width = self.rhs_element.byte_width();
        let packed = cx.scratch::<u8>(elements * width)?;
        super::element::by_width!(width, W => {
            // SAFETY: the copy reads the whole kernel and writes as many elements.
            unsafe { self.pack.run(cx, inputs[1].cast::<W>().wrapping_add(self.pack_base), packed.as_ptr::<W>()) }
        });
        let rhs: *const T = if self.rhs_element == self.result && same {
            packed.as_ptr::<T>()
        } else {
            // SAFETY: as many elements as were packed.
            unsafe { widen(self.rhs_element, packed.as_ptr::<u8>(), kernel.as_mut::<T>()) };
            kernel.as_ptr::<T>()
        };
        if m == 0 || n == 0 {
            return Ok(());
        }
        if k == 0 || self.lhs_elements == 0 {
            // SAFETY: the whole result.
            unsafe { std::slice::from_raw_parts_mut(out, self.result_elements) }.fill(T::ZERO);
            return Ok(());
        }

        // Blocks of rows that lie at one step in the result.
        let k_block = k.min(1024);
        let threads = cx.pool.threads();
        let share = if self.groups >= threads { m } else { m.div_ceil(threads * 2).next_multiple_of(8) };
        let rows = (PANEL / k_block).max(16).next_multiple_of(8).min(self.inner_rows).min(share.max(16));
        let per_inner = self.inner_rows.div_ceil(rows);
        let outer = m / self.inner_rows;
        let blocks = outer * per_inner;
        let (lhs, rhs, out) = (Source(lhs), Source(rhs), Target(out));
        let work = rows * n * k;
        cx.try_ranges(self.groups * blocks, (1usize << 18).div_ceil(work), |range| {
            let panel = cx.scratch::<T>(rows * k_block)?;
            for i in range {
                let (group, block) = (i / blocks, i % blocks);
                let start = block / per_inner * self.inner_rows + block % per_inner * rows;
                let end = (start + rows).min((block / per_inner + 1) * self.inner_rows);
                let count = end - start;
                // SAFETY: patches read elements of the input or are zero; blocks write disjoint rows of the result.
                unsafe {
                    let input = lhs.get().offset(group as isize * self.lhs_group);
                    let to = out.get().offset(group as isize * self.out_group + self.row_offset(start));
                    let dst = Matrix { at: to, row: self.row_step, column: self.out_column };
                    for k_start in (0..k).step_by(k_block) {
                        let depth = k_block.min(k - k_start);
                        let patches = panel.as_ptr::<T>();
                        let a = if self.feature_runs {
                            self.pack_by_features(input, start, count, k_start, depth, patches);
                            Matrix { at: patches.cast_const(), row: depth as isize, column: 1 }
                        } else {
                            self.pack_by_rows(input, start, count, k_start, depth, patches);
                            Matrix { at: patches.cast_const(), row: 1, column: count as isize }
                        };
                        let b = Matrix {
                            at: rhs.get().add((group * k + k_start) * n),
                            row: n as isize,
                            column: 1,
                        };
                        T::gemm([count, n, depth], dst, a, b, k_start > 0);
                    }
                }
            }
            Ok(())
        })
    }

    /// The result's offset of row `i` of M.
    fn row_offset(&self, i: usize) -> isize {
        let (mut rest, mut offset) = (i, 0);
        for axis in self.m.iter().rev() {
            offset += (rest % axis.size) as isize * axis.step;
            rest /= axis.size;
        }
        offset
    }

    /// The place of each spatial dimension, and of the plain one, at flat index `i` of some axes.
    #[inline(always)]
    fn places(axes: &[Axis], i: usize) -> ([i64; 8], i64) {
        let (mut places, mut plain) = ([0; 8], 0);
        let mut rest = i;
        for axis in axes.iter().rev() {
            let at = (rest % axis.size) as i64;
            rest /= axis.size;
            match axis.what {
                What::Plain => plain = at,
                What::Spatial(d) => places[d] = at,
            }
        }
        (places, plain)
    }

    /// Patches as rows of `depth`: runs of adjacent features of the input.
    #[inline(always)]
    unsafe fn pack_by_features<T: Product>(
        &self,
        input: *const T,
        start: usize,
        count: usize,
        k_start: usize,
        depth: usize,
        to: *mut T,
    ) {
        let features = self.k.last().map_or(1, |a| a.size);
        let rank = self.spatial.len();
        let window = &self.k[..self.k.len() - 1];
        for row in 0..count {
            let (places, batch) = Self::places(&self.m, start + row);
            let base = batch as isize * self.batch_step;
            let mut to = to.wrapping_add(row * depth);
            let mut at = k_start;
            while at < k_start + depth {
                let first = at % features;
                let run = (features - first).min(k_start + depth - at);
                let (mut w, _) = Self::places(window, at / features);
                let mut offset = Some(base);
                for d in 0..rank {
                    let index = self.spatial[d].index(places[d], w[d]);
                    offset = offset.zip(index).map(|(o, i)| o + i as isize * self.spatial[d].step);
                }
                // A window whose last dimension is not dilated continues in the next places of the input.
                let mut length = run;
                if let (Some(_), Some(last)) = (offset, rank.checked_sub(1))
                    && self.spatial[last].step == features as isize
                    && self.spatial[last].rhs_dilation == 1
                    && self.spatial[last].lhs_dilation == 1
                    && self.k[last].what == What::Spatial(last)
                {
                    while at + length < k_start + depth {
                        w[last] += 1;
                        if w[last] >= self.k[last].size as i64
                            || self.spatial[last].index(places[last], w[last]).is_none()
                        {
                            break;
                        }
                        length += features.min(k_start + depth - at - length);
                    }
                }
                // SAFETY: the caller's block has `count` rows of `depth`; the run's elements are the input's.
                unsafe {
                    match offset {
                        Some(offset) => {
                            std::ptr::copy_nonoverlapping(input.offset(offset + first as isize), to, length)
                        }
                        None => std::slice::from_raw_parts_mut(to, length).fill(T::ZERO),
                    }
                }
                to = to.wrapping_add(length);
                at += length;
            }
        }
    }

    /// Patches as columns of `count`: runs along the innermost dimension of M.
    #[inline(always)]
    unsafe fn pack_by_rows<T: Product>(
        &self,
        input: *const T,
        start: usize,
        count: usize,
        k_start: usize,
        depth: usize,
        to: *mut T,
    ) {
        let inner = self.m.iter().rposition(|a| a.size != 1).unwrap_or(0);
        let axis = self.m[inner];
        for column in 0..depth {
            let (w, feature) = Self::places(&self.k, k_start + column);
            let base = feature as isize * self.feature_step;
            let mut row = 0;
            while row < count {
                let (places, batch) = Self::places(&self.m, start + row);
                let first = ((start + row) % axis.size) as i64;
                let run = (axis.size - first as usize).min(count - row);
                let run_dim = match axis.what {
                    What::Plain => None,
                    What::Spatial(d) => Some(d),
                };
                let mut offset = Some(base);
                if run_dim.is_some() {
                    offset = offset.map(|o| o + batch as isize * self.batch_step);
                }
                for (d, s) in self.spatial.iter().enumerate().filter(|(d, _)| Some(*d) != run_dim) {
                    offset = offset.zip(s.index(places[d], w[d])).map(|(o, i)| o + i as isize * s.step);
                }
                // SAFETY: the caller's block has `depth` columns of `count`; runs hold the input's elements or zeros.
                unsafe {
                    let to = std::slice::from_raw_parts_mut(to.add(column * count + row), run);
                    match (offset, run_dim) {
                        (None, _) => to.fill(T::ZERO),
                        (Some(offset), None) => {
                            let from = input.offset(offset + first as isize * self.batch_step);
                            copy_run(from, self.batch_step, to);
                        }
                        (Some(offset), Some(d)) => {
                            let s = &self.spatial[d];
                            if s.lhs_dilation == 1 {
                                // Places whose element lies inside are a range.
                                let origin = first * s.stride + w[d] * s.rhs_dilation - s.low;
                                let before =
                                    if origin >= 0 { 0 } else { (-origin + s.stride - 1) / s.stride };
                                let until = (s.input - origin + s.stride - 1).div_euclid(s.stride).max(0);
                                let before = (before as usize).min(run);
                                let until = (until as usize).clamp(before, run);
                                to[..before].fill(T::ZERO);
                                to[until..].fill(T::ZERO);
                                if before < until {
                                    let at = (origin + before as i64 * s.stride) as isize;
                                    let step = s.stride as isize * s.step;
                                    copy_run(
                                        input.offset(offset + at * s.step),
                                        step,
                                        &mut to[before..until],
                                    );
                                }
                            } else {
                                for (i, to) in to.iter_mut().enumerate() {
                                    *to = match s.index(first + i as i64, w[d]) {
                                        Some(at) => *input.offset(offset + at as isize * s.step),
                                        None => T::ZERO,
                                    };
                                }
                            }
                        }
                    }
                }
                row += run;
            }
        }
    }
}

/// # Safety
/// `from` has as many elements at that step.
#[inline(always)]
unsafe fn copy_run<T: Copy>(from: *const T, step: isize, to: &mut [T]) {
    // SAFETY: the caller's promise.
    unsafe {
        if step == 1 {
            std::ptr::copy_nonoverlapping(from, to.as_mut_ptr(), to.len());
        } else {
            for (i, to) in to.iter_mut().enumerate() {
                *to = *from.offset(i as isize * step);
            }
        }
    }
}

/// The Rust type that stores an element type, as [`by_number`] has it.
fn type_of(element: ElementType) -> std::any::TypeId {
    by_number!(element, T => std::any::TypeId::of::<T>(), else std::any::TypeId::of::<()>())
}

#[cfg(test)]
#[allow(clippy::type_complexity, clippy::cloned_ref_to_slice_refs)]
mod tests {
    use super::*;
    use crate::kernels::tests::{Array, Rng, run, ty};
    use jacinth_lowering::ops::conv::ConvDimensionNumbers;

    /// A layout of two spatial dimensions: the positions of batch, feature, y and x.
    type Layout = [i64; 4];
    const NHWC: Layout = [0, 3, 1, 2];
    const NCHW: Layout = [0, 1, 2, 3];
    const CHWN: Layout = [3, 0, 1, 2];
    /// Kernels: positions of output feature, input feature, y and x.
    const HWIO: Layout = [3, 2, 0, 1];
    const OIHW: Layout = [0, 1, 2, 3];
    const IHWO: Layout = [3, 0, 1, 2];

    fn shape(layout: Layout, sizes: [i64; 4]) -> [i64; 4] {
        let mut shape = [0; 4];
        layout.iter().zip(sizes).for_each(|(&d, n)| shape[d as usize] = n);
        shape
    }

    fn at(layout: Layout, shape: &[i64], index: [i64; 4]) -> usize {
        let s = strides(shape);
        layout.iter().zip(index).map(|(&d, i)| i as usize * s[d as usize] as usize).sum()
    }

    #[derive(Clone, Copy)]
    struct Case {
        layouts: [Layout; 3],
        /// Batch, input features, y, x.
        input: [i64; 4],
        /// Output features, y, x.
        kernel: [i64; 3],
        strides: [i64; 2],
        padding: [(i64, i64); 2],
        lhs_dilation: [i64; 2],
        rhs_dilation: [i64; 2],
        reversal: [bool; 2],
        groups: (i64, i64),
    }

    const PLAIN: Case = Case {
        layouts: [NHWC, HWIO, NHWC],
        input: [2, 4, 7, 6],
        kernel: [6, 3, 3],
        strides: [1, 1],
        padding: [(1, 1), (1, 1)],
        lhs_dilation: [1, 1],
        rhs_dilation: [1, 1],
        reversal: [false, false],
        groups: (1, 1),
    };

    fn check(c: Case, e: ElementType, rng: &mut Rng) {
        let (fg, bg) = c.groups;
        let [n, ci, h, w] = c.input;
        let [co, kh, kw] = c.kernel;
        let out_size = |d: usize, size: i64, k: i64| {
            let dilated = if size == 0 { 0 } else { (size - 1) * c.lhs_dilation[d] + 1 };
            let padded = dilated + c.padding[d].0 + c.padding[d].1;
            let window = if k == 0 { 0 } else { (k - 1) * c.rhs_dilation[d] + 1 };
            if padded < window { 0 } else { (padded - window) / c.strides[d] + 1 }
        };
        let (oh, ow) = (out_size(0, h, kh), out_size(1, w, kw));
        let (ls, rs, os) = (
            shape(c.layouts[0], [n, ci, h, w]),
            shape(c.layouts[1], [co, ci / fg, kh, kw]),
            shape(c.layouts[2], [n / bg, co, oh, ow]),
        );
        let (x, k) = (Array::random(ty(&ls, e), rng), Array::random(ty(&rs, e), rng));
        let spatial = |l: Layout| [l[2], l[3]].into_iter().collect();
        let op = Convolution {
            dimension_numbers: ConvDimensionNumbers {
                input_batch_dimension: c.layouts[0][0],
                input_feature_dimension: c.layouts[0][1],
                input_spatial_dimensions: spatial(c.layouts[0]),
                kernel_input_feature_dimension: c.layouts[1][1],
                kernel_output_feature_dimension: c.layouts[1][0],
                kernel_spatial_dimensions: spatial(c.layouts[1]),
                output_batch_dimension: c.layouts[2][0],
                output_feature_dimension: c.layouts[2][1],
                output_spatial_dimensions: spatial(c.layouts[2]),
            },
            window_strides: c.strides.into_iter().collect(),
            padding: c.padding.to_vec(),
            lhs_dilation: c.lhs_dilation.into_iter().collect(),
            rhs_dilation: c.rhs_dilation.into_iter().collect(),
            window_reversal: c.reversal.to_vec(),
            feature_group_count: fg,
            batch_group_count: bg,
            precision_config: vec![],
        };
        let numbers = |a: &Array| -> Vec<f64> {
            match e {
                ElementType::F32 => a.values::<f32>().into_iter().map(f64::from).collect(),
                ElementType::BF16 => a.values::<half::bf16>().into_iter().map(f64::from).collect(),
                ElementType::F64 => a.values::<f64>(),
                _ => a.values::<i32>().into_iter().map(f64::from).collect(),
            }
        };
        let out = run(&op.into(), &[x.clone(), k.clone()], &[ty(&os, e)]).remove(0);
        let (xv, kv, ov) = (numbers(&x), numbers(&k), numbers(&out));
        for (b, o, y, z) in (0..n / bg).flat_map(|b| {
            (0..co).flat_map(move |o| (0..oh).flat_map(move |y| (0..ow).map(move |z| (b, o, y, z))))
        }) {
            let group = o / (co / (fg * bg));
            let mut sum = 0.0;
            for (f, ky, kx) in
                (0..ci / fg).flat_map(|f| (0..kh).flat_map(move |ky| (0..kw).map(move |kx| (f, ky, kx))))
            {
                let index = |d: usize, o: i64, k: i64, size: i64| {
                    let p = o * c.strides[d] + k * c.rhs_dilation[d] - c.padding[d].0;
                    (p >= 0 && p % c.lhs_dilation[d] == 0 && p / c.lhs_dilation[d] < size)
                        .then_some(p / c.lhs_dilation[d])
                };
                let (Some(iy), Some(ix)) = (index(0, y, ky, h), index(1, z, kx, w)) else { continue };
                let batch = if bg > 1 { group * (n / bg) + b } else { b };
                let feature = if fg > 1 { group * (ci / fg) + f } else { f };
                let flip = |d: usize, k: i64, size: i64| if c.reversal[d] { size - 1 - k } else { k };
                sum += xv[at(c.layouts[0], &ls, [batch, feature, iy, ix])]
                    * kv[at(c.layouts[1], &rs, [o, f, flip(0, ky, kh), flip(1, kx, kw)])];
            }
            let got = ov[at(c.layouts[2], &os, [b, o, y, z])];
            let rounded = if e == ElementType::BF16 { half::bf16::from_f64(sum).to_f64() } else { sum };
            assert_eq!(got, rounded, "{:?} {e} at {b} {o} {y} {z}", c.layouts);
        }
    }

    #[test]
    fn convolutions_agree_with_the_definition() {
        let mut rng = Rng(1);
        for e in [ElementType::F32, ElementType::I32, ElementType::BF16, ElementType::F64] {
            for layouts in [
                [NHWC, HWIO, NHWC],
                [NCHW, OIHW, NCHW],
                [CHWN, IHWO, NHWC],
                [NHWC, OIHW, NCHW],
                [CHWN, HWIO, CHWN],
            ] {
                let plain = Case { layouts, ..PLAIN };
                for case in [
                    plain,
                    Case { strides: [2, 3], padding: [(0, 2), (3, 1)], ..plain },
                    Case {
                        lhs_dilation: [2, 3],
                        padding: [(2, 1), (-1, 2)],
                        reversal: [true, true],
                        ..plain
                    },
                    Case { rhs_dilation: [2, 1], reversal: [false, true], strides: [1, 2], ..plain },
                    Case { groups: (2, 1), ..plain },
                    Case { groups: (4, 1), kernel: [8, 3, 2], ..plain },
                    Case { groups: (1, 2), ..plain },
                    Case { kernel: [5, 1, 1], padding: [(0, 0); 2], ..plain },
                    Case { input: [1, 1, 1, 1], kernel: [1, 1, 1], padding: [(0, 0); 2], ..plain },
                    Case { input: [0, 4, 5, 5], ..plain },
                    Case { input: [2, 0, 5, 5], ..plain },
                    Case { padding: [(-2, -2), (0, 0)], ..plain },
                ] {
                    check(case, e, &mut rng);
                }
            }
        }
    }

    #[test]
    fn large_convolutions_are_blocked() {
        let mut rng = Rng(2);
        check(Case { input: [3, 40, 23, 21], kernel: [17, 3, 3], ..PLAIN }, ElementType::F32, &mut rng);
        // The gradient of weights: a window as large as the input, summed over the batch.
        let gradient = Case {
            layouts: [CHWN, IHWO, CHWN],
            input: [5, 6, 20, 20],
            kernel: [7, 20, 20],
            padding: [(1, 1), (1, 1)],
            ..PLAIN
        };
        check(gradient, ElementType::F32, &mut rng);
        check(Case { layouts: [CHWN, IHWO, [2, 3, 0, 1]], ..gradient }, ElementType::F32, &mut rng);
    }
}
