//! `reduce_window` and `select_and_scatter`.
//!
//! For every dimension and every place of the window a table says which elements of the operand lie inside
//! ([`Span`]); what lies outside is the initial value. Trailing dimensions that the window does not touch are a row, and rows
//! are combined whole. A window that covers everything before (or after) its place is a scan, in linear time.

use std::ops::Range;
use std::sync::Arc;

use jacinth_lowering::ops::elementwise::Direction;
use jacinth_lowering::ops::window;
use jacinth_lowering::{ElementType, Op, Value};
use smallvec::SmallVec;

use super::combiner::{Acc, Accumulators, Combiner, fill};
use super::element::{by_width, wrap_results};
use super::reduce::{Comparable, by_comparable};
use super::reducer::Reducer;
use super::strided::{Dim, Source, Target, for_each, product, strides};
use super::{Builder, Built, Cost, Kernel, KernelContext, RegionFn};
use crate::Result;

/// What a window does along one dimension.
#[derive(Clone, Debug)]
struct WindowDim {
    /// Places of the window.
    out: usize,
    /// Size of the operand, and its step in elements.
    input: usize,
    step: isize,
    window: i64,
    stride: i64,
    base_dilation: i64,
    window_dilation: i64,
    low: i64,
    high: i64,
    /// The elements inside, for each of the first [`TABLE`] places.
    spans: Vec<Span>,
}

/// Places for which spans are computed when a kernel is built.
const TABLE: usize = 4096;

/// The elements of the operand that lie inside a window: first, step, count; `first_window` is the first one's place in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Span {
    first: i64,
    step: i64,
    count: usize,
}

impl WindowDim {
    /// Whether the window does nothing along this dimension.
    fn trivial(&self) -> bool {
        self.window == 1 && self.stride == 1 && self.base_dilation == 1 && self.low == 0 && self.high == 0
    }

    /// The element of the operand at place `w` of the window at place `o`.
    #[inline]
    fn element(&self, o: usize, w: i64) -> Option<usize> {
        let at = o as i64 * self.stride + w * self.window_dilation - self.low;
        let i = at.div_euclid(self.base_dilation);
        (at.rem_euclid(self.base_dilation) == 0 && i >= 0 && (i as usize) < self.input).then_some(i as usize)
    }

    /// The elements inside at place `o`.
    #[inline(always)]
    fn span(&self, o: usize) -> Span {
        self.spans.get(o).copied().unwrap_or_else(|| self.compute_span(o))
    }

    fn compute_span(&self, o: usize) -> Span {
        // Elements lie inside at window places that are congruent modulo the period.
        let period = self.base_dilation / gcd(self.base_dilation, self.window_dilation);
        let step = self.window_dilation * period / self.base_dilation;
        let origin = o as i64 * self.stride - self.low;
        // The first place whose element is not before the operand, then the first that hits an element.
        let start = if origin >= 0 { 0 } else { (-origin + self.window_dilation - 1) / self.window_dilation };
        let none = Span { first: 0, step: 0, count: 0 };
        let Some(first_place) = (start..self.window.min(start + period))
            .find(|w| (origin + w * self.window_dilation).rem_euclid(self.base_dilation) == 0)
        else {
            return none;
        };
        let first = (origin + first_place * self.window_dilation) / self.base_dilation;
        if first >= self.input as i64 {
            return none;
        }
        let in_window = (self.window - 1 - first_place) / period + 1;
        let in_operand = if step == 0 { in_window } else { (self.input as i64 - 1 - first) / step + 1 };
        Span { first, step, count: in_window.min(in_operand) as usize }
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// All dimensions, the trailing untouched ones merged into a row.
#[derive(Clone, Debug)]
struct Windows {
    dims: Vec<WindowDim>,
    /// Elements of a row.
    row: usize,
    /// Places of the window, rows apart.
    places: usize,
    /// Elements of one window.
    size: usize,
}

/// The attributes of a window, empty ones spelled out.
struct Attributes<'a> {
    window: &'a [i64],
    strides: &'a [i64],
    base_dilations: &'a [i64],
    window_dilations: &'a [i64],
    padding: &'a [(i64, i64)],
}

impl Windows {
    fn new(a: &Attributes<'_>, operand: &[i64], result: &[i64]) -> Self {
        let one = |x: &[i64], d: usize| x.get(d).copied().unwrap_or(1);
        let steps = strides(operand);
        let mut dims: Vec<WindowDim> = (0..operand.len())
            .map(|d| {
                let (low, high) = a.padding.get(d).copied().unwrap_or((0, 0));
                WindowDim {
                    out: result[d] as usize,
                    input: operand[d] as usize,
                    step: steps[d],
                    window: one(a.window, d),
                    stride: one(a.strides, d),
                    base_dilation: one(a.base_dilations, d),
                    window_dilation: one(a.window_dilations, d),
                    low,
                    high,
                    spans: Vec::new(),
                }
            })
            .collect();
        let mut row = 1;
        while dims.last().is_some_and(WindowDim::trivial) {
            row *= dims.pop().map_or(1, |d| d.out);
        }
        for dim in &mut dims {
            dim.spans = (0..dim.out.min(TABLE)).map(|o| dim.compute_span(o)).collect();
        }
        let places = dims.iter().map(|d| d.out).product();
        let size = dims.iter().map(|d| d.window as usize).product();
        Windows { dims, row, places, size }
    }

    /// The elements of the window at `place`: the first one's offset, and the dimensions to walk.
    #[inline(always)]
    fn at(&self, place: usize) -> (isize, SmallVec<[Dim; 6]>) {
        Self::window(&self.dims, place)
    }

    /// As [`Windows::at`], over some of the dimensions.
    #[inline(always)]
    fn window(dims: &[WindowDim], place: usize) -> (isize, SmallVec<[Dim; 6]>) {
        let mut walk: SmallVec<[Dim; 6]> = SmallVec::new();
        let (mut rest, mut base) = (place, 0);
        for dim in dims.iter().rev() {
            let span = dim.span(rest % dim.out);
            rest /= dim.out;
            base += span.first as isize * dim.step;
            if span.count != 1 {
                walk.push(Dim { size: span.count, src: span.step as isize * dim.step, dst: 0 });
            }
        }
        walk.reverse();
        (base, walk)
    }

    /// The direction in which this is a scan, and along which dimension.
    fn scan(&self) -> Option<(usize, bool)> {
        let mut touched = (0..self.dims.len()).filter(|&d| !self.dims[d].trivial());
        let d = touched.next()?;
        let w = &self.dims[d];
        let plain = w.stride == 1 && w.base_dilation == 1 && w.window_dilation == 1;
        if touched.next().is_some() || !plain || w.out != w.input || w.window < w.input as i64 {
            return None;
        }
        match (w.low, w.high) {
            (low, 0) if low == w.window - 1 => Some((d, false)),
            (0, high) if high == w.window - 1 => Some((d, true)),
            _ => None,
        }
    }
}

pub(super) fn reduce_window(op: &window::ReduceWindow, b: &Builder<'_>) -> Built {
    let n = b.results.len();
    let (operand, result) = (&b.operands[0], &b.results[0]);
    let region = &b.regions[0];
    let same = (0..n).all(|k| {
        let e = b.results[k].element;
        let is =
            |v: Value| b.values[v.index()].as_tensor().is_some_and(|ty| ty.element == e && ty.rank() == 0);
        b.operands[k].element == e
            && b.operands[n + k].element == e
            && is(region.args[k])
            && is(region.args[n + k])
            && is(region.results[k])
    });
    if !same {
        return Ok(None);
    }
    let attributes = Attributes {
        window: &op.window_dimensions,
        strides: &op.window_strides,
        base_dilations: &op.base_dilations,
        window_dilations: &op.window_dilations,
        padding: &op.padding,
    };
    let windows = Windows::new(&attributes, &operand.shape, &result.shape);
    let cost = b.cost((product(&result.shape) * windows.size.min(product(&operand.shape))) as u64);
    let element = operand.element;
    let known = if n == 1 { Reducer::of(region, b.values, element) } else { None };
    if let Some(combiner) = known.and_then(|reducer| Combiner::of(reducer, element)) {
        let scan = windows.scan().map(|(d, reverse)| Scan {
            outer: windows.dims[..d].iter().map(|d| d.out).product(),
            length: windows.dims[d].out,
            inner: windows.dims[d + 1..].iter().map(|d| d.out).product::<usize>() * windows.row,
            reverse,
        });
        return Ok(Some(Box::new(ReduceWindow { combiner, element, windows, scan, cost })));
    }
    let Some(region) = b.cx.compile_region(region)? else { return Ok(None) };
    let widths = b.results.iter().map(|ty| ty.element.byte_width()).collect();
    Ok(Some(Box::new(RegionWindow { region, widths, windows, cost })))
}

/// One operand and a recognised combiner.
#[derive(Debug)]
struct ReduceWindow {
    combiner: &'static Combiner,
    element: ElementType,
    windows: Windows,
    scan: Option<Scan>,
    cost: Cost,
}

/// Every prefix (or suffix) of `length`, in `outer` blocks, `inner` side by side.
#[derive(Clone, Copy, Debug)]
struct Scan {
    outer: usize,
    length: usize,
    inner: usize,
    reverse: bool,
}

impl Kernel for ReduceWindow {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        let (windows, c) = (&self.windows, self.combiner);
        let count = windows.places * windows.row;
        if count == 0 {
            return Ok(());
        }
        // SAFETY: the initial value is a scalar.
        let start = unsafe { (c.load)(inputs[1]) };
        // Whether combining the initial value again and again, for what lies outside, changes nothing.
        let (mut twice, mut rounded) = (start, Acc::default());
        let (twice, rounded): (*mut u8, *mut u8) = ((&raw mut twice).cast(), (&raw mut rounded).cast());
        // SAFETY: one accumulator on either side; an element has no more bytes than there is room for.
        let idempotent = unsafe {
            (c.apply)(twice, (&raw const start).cast(), 1);
            (c.store)(twice, rounded, 1);
            std::slice::from_raw_parts(rounded, c.element) == std::slice::from_raw_parts(inputs[1], c.element)
        };
        let (src, dst) = (Source(inputs[0]), Target(outputs[0]));
        match self.scan {
            // SAFETY: the operand and the result have the scan's sizes.
            Some(scan) if idempotent => unsafe { scan.run(c, cx, src, &start, dst)? },
            _ => {
                let filler = if idempotent { None } else { Some(&start) };
                let sliding = windows.dims.last().filter(|d| {
                    windows.row == 1 && d.base_dilation == 1 && d.out > 1 && d.window <= d.out as i64
                });
                let work = windows.size.max(1) * windows.row;
                match sliding {
                    Some(last) => {
                        let (lines, blocks) = (windows.places / last.out, last.out.div_ceil(c.block()));
                        let grain = GRAIN.div_ceil(work.saturating_mul(last.out.min(c.block())));
                        cx.ranges(lines * blocks, grain, |range| {
                            for i in range {
                                let (line, first) = (i / blocks, i % blocks * c.block());
                                // SAFETY: the operand and the result; blocks are disjoint parts of it.
                                unsafe {
                                    self.slide(last, line, first, src.get(), &start, filler, dst.get())
                                };
                            }
                        });
                    }
                    None => cx.ranges(windows.places, GRAIN.div_ceil(work), |range| {
                        // SAFETY: the operand and the result; places are disjoint parts of it.
                        unsafe { self.places(range, src.get(), &start, filler, dst.get()) };
                    }),
                }
            }
        }
        // SAFETY: the whole result.
        unsafe { wrap_results(self.element, outputs[0], count) };
        Ok(())
    }

    fn cost(&self) -> Cost {
        self.cost
    }
}

/// Combinations below which one thread does the work.
const GRAIN: usize = 1 << 15;

impl ReduceWindow {
    /// Reduces the windows at a range of places, row by row. `filler` is combined once for each element outside.
    ///
    /// # Safety
    /// `src` and `dst` are the operand and the result, of which nothing else accesses these places.
    unsafe fn places(
        &self,
        range: Range<usize>,
        src: *const u8,
        start: &Acc,
        filler: Option<&Acc>,
        dst: *mut u8,
    ) {
        let (windows, c) = (&self.windows, self.combiner);
        let mut memory = Accumulators::new();
        let acc = memory.as_mut_ptr();
        for place in range {
            let (base, walk) = windows.at(place);
            let inside: usize = walk.iter().map(|d| d.size).product();
            let (last, outer) = match walk.split_last() {
                Some((&last, outer)) => (last, outer),
                None => (Dim { size: 1, src: 0, dst: 0 }, &[][..]),
            };
            for column in (0..windows.row).step_by(c.block()) {
                let n = (windows.row - column).min(c.block());
                // SAFETY: `acc` has room for a block of `n`; the spans hold only elements of the operand.
                unsafe {
                    fill(c.acc, (start as *const Acc).cast(), acc, n);
                    for_each(outer, |offset, _| {
                        let from =
                            src.wrapping_offset((base + offset + column as isize) * c.element as isize);
                        if n == 1 {
                            (c.fold)(from, 1, 0, last.size, last.src, acc);
                        } else {
                            (c.add_rows)(from, last.size, last.src, acc, n);
                        }
                    });
                    self.outside(filler, windows.size - inside, acc, n);
                    (c.store)(acc, dst.add((place * windows.row + column) * c.element), n);
                }
            }
        }
    }

    /// Reduces the windows at a block of places along the last dimension, side by side.
    ///
    /// # Safety
    /// As [`ReduceWindow::places`], of the places from `first` on of a line; rows have one element, and `last` is the last
    /// dimension.
    #[allow(clippy::too_many_arguments)]
    unsafe fn slide(
        &self,
        last: &WindowDim,
        line: usize,
        first: usize,
        src: *const u8,
        start: &Acc,
        filler: Option<&Acc>,
        dst: *mut u8,
    ) {
        let (windows, c) = (&self.windows, self.combiner);
        let (base, walk) = Windows::window(&windows.dims[..windows.dims.len() - 1], line);
        let inside: usize = walk.iter().map(|d| d.size).product();
        let n = (last.out - first).min(c.block());
        let mut memory = Accumulators::new();
        let acc = memory.as_mut_ptr();
        // SAFETY: `acc` has room for a block of `n`; only places are taken whose element is one of the operand.
        unsafe {
            fill(c.acc, (start as *const Acc).cast(), acc, n);
            for_each(&walk, |offset, _| {
                for w in 0..last.window {
                    // The places whose element lies in the operand.
                    let origin = w * last.window_dilation - last.low;
                    let from = (-origin).max(0).unsigned_abs().div_ceil(last.stride.unsigned_abs()) as usize;
                    let to = (last.input as i64 - 1 - origin).div_euclid(last.stride) + 1;
                    let (from, to) = (from.max(first), (to.max(0) as usize).min(first + n));
                    if from < to {
                        let at = origin + from as i64 * last.stride;
                        let element = base + offset + at as isize * last.step;
                        let step = last.stride as isize * last.step;
                        let src = src.offset(element * c.element as isize);
                        let acc = acc.add((from - first) * c.acc);
                        if step == 1 {
                            (c.add_rows)(src, 1, 0, acc, to - from);
                        } else {
                            (c.fold)(src, to - from, step, 1, 1, acc);
                        }
                    }
                }
            });
            if filler.is_some() {
                for i in 0..n {
                    let inside = inside * last.span(first + i).count;
                    self.outside(filler, windows.size - inside, acc.add(i * c.acc), 1);
                }
            }
            (c.store)(acc, dst.add((line * last.out + first) * c.element), n);
        }
    }

    /// Combines `n` accumulators with the initial value for each of so many elements outside.
    ///
    /// # Safety
    /// There are `n` accumulators.
    unsafe fn outside(&self, filler: Option<&Acc>, times: usize, acc: *mut u8, n: usize) {
        let Some(value) = filler else { return };
        for i in 0..n {
            for _ in 0..times {
                // SAFETY: one accumulator on either side.
                unsafe {
                    (self.combiner.apply)(acc.add(i * self.combiner.acc), (value as *const Acc).cast(), 1)
                };
            }
        }
    }
}

impl Scan {
    /// # Safety
    /// `src` and `dst` are arrays of `outer · length · inner` elements.
    unsafe fn run(
        &self,
        c: &Combiner,
        cx: &KernelContext<'_>,
        src: Source<u8>,
        start: &Acc,
        dst: Target<u8>,
    ) -> Result<()> {
        let Scan { outer, length, inner, reverse } = *self;
        if inner > 1 {
            let width = c.block().min(256);
            let blocks = inner.div_ceil(width);
            let work = length * inner.min(width);
            cx.ranges(outer * blocks, GRAIN.div_ceil(work), |range| {
                let mut memory = Accumulators::new();
                let acc = memory.as_mut_ptr();
                for i in range {
                    let (o, column) = (i / blocks, i % blocks * width);
                    let at = (o * length * inner + column) * c.element;
                    let n = (inner - column).min(width);
                    // SAFETY: `acc` has room for a block; blocks of columns are disjoint.
                    unsafe {
                        fill(c.acc, (start as *const Acc).cast(), acc, n);
                        (c.scan_columns)(
                            src.get().add(at),
                            dst.get().add(at),
                            length,
                            inner,
                            acc,
                            n,
                            reverse,
                        );
                    }
                }
            });
            return Ok(());
        }
        let threads = cx.pool.threads();
        if threads <= 1 || length < 2 * GRAIN || outer >= threads {
            cx.ranges(outer, GRAIN.div_ceil(length), |range| {
                for o in range {
                    let at = o * length * c.element;
                    // SAFETY: rows are disjoint.
                    unsafe { (c.scan_row)(src.get().add(at), dst.get().add(at), length, start, reverse) };
                }
            });
            return Ok(());
        }
        // Long rows: sums of parts first, then each part from what stands before it.
        let mut sums = cx.scratch::<Acc>(threads)?;
        for o in 0..outer {
            let bounds =
                |p: usize| o * length + p * length / threads..o * length + (p + 1) * length / threads;
            let to = Target(sums.as_ptr::<Acc>());
            cx.pool.run(threads, &|p| {
                let part = bounds(p);
                let mut sum = (c.identity)();
                // SAFETY: a part of the row, and its own place for the sum.
                unsafe {
                    let from = src.get().add(part.start * c.element);
                    (c.fold)(from, 1, 0, part.len(), 1, (&raw mut sum).cast());
                    *to.get().add(p) = sum;
                }
            });
            let totals = sums.as_mut::<Acc>();
            let mut acc = *start;
            let mut step = |p: usize| {
                let total = std::mem::replace(&mut totals[p], acc);
                // SAFETY: one accumulator on either side.
                unsafe { (c.apply)((&raw mut acc).cast(), (&raw const total).cast(), 1) };
            };
            if reverse {
                (0..threads).rev().for_each(&mut step)
            } else {
                (0..threads).for_each(&mut step)
            }
            let before = &*totals;
            cx.pool.run(threads, &|p| {
                let part = bounds(p);
                // SAFETY: parts of the row are disjoint.
                unsafe {
                    let (from, to) =
                        (src.get().add(part.start * c.element), dst.get().add(part.start * c.element));
                    (c.scan_row)(from, to, part.len(), &before[p], reverse);
                }
            });
        }
        Ok(())
    }
}

/// Any number of operands and any region: lanes of outputs, window element after window element.
#[derive(Debug)]
struct RegionWindow {
    region: Arc<dyn RegionFn>,
    widths: SmallVec<[usize; 2]>,
    windows: Windows,
    cost: Cost,
}

const LANES: usize = 256;

impl Kernel for RegionWindow {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        let n = self.widths.len();
        let windows = &self.windows;
        let sources: SmallVec<[Source<u8>; 4]> = inputs.iter().map(|&p| Source(p)).collect();
        let targets: SmallVec<[Target<u8>; 2]> = outputs.iter().map(|&p| Target(p)).collect();
        let count = windows.places * windows.row;
        cx.try_ranges(count.div_ceil(LANES), (GRAIN / LANES).div_ceil(windows.size), |blocks| {
            let mut scratch = cx.scratch::<[u64; 2]>(n * 3 * LANES)?;
            let memory: *mut u8 = scratch.as_mut::<[u64; 2]>().as_mut_ptr().cast();
            let slot = |k: usize, i: usize| memory.wrapping_add((k * 3 + i) * LANES * 16);
            for block in blocks {
                let first = block * LANES;
                let lanes = LANES.min(count - first);
                for k in 0..n {
                    // SAFETY: the initial value is a scalar; a slot holds LANES elements.
                    by_width!(self.widths[k], T => unsafe {
                        let init = *sources[n + k].get().cast::<T>();
                        std::slice::from_raw_parts_mut(slot(k, 0).cast::<T>(), lanes).fill(init);
                    });
                }
                let mut current = 0;
                let mut place: SmallVec<[i64; 6]> = smallvec::smallvec![0; windows.dims.len()];
                for _ in 0..windows.size {
                    let offsets: SmallVec<[Option<isize>; LANES]> =
                        (first..first + lanes).map(|i| offset(windows, i, &place)).collect();
                    for k in 0..n {
                        // SAFETY: offsets are of elements; where there is none, the initial value stands.
                        by_width!(self.widths[k], T => unsafe {
                            let (src, init) = (sources[k].get().cast::<T>(), sources[n + k].get().cast::<T>());
                            let to = slot(k, 2).cast::<T>();
                            for (i, o) in offsets.iter().enumerate() {
                                *to.add(i) = o.map_or(*init, |o| *src.offset(o));
                            }
                        });
                    }
                    let args: SmallVec<[*const u8; 8]> = (0..n)
                        .map(|k| slot(k, current).cast_const())
                        .chain((0..n).map(|k| slot(k, 2).cast_const()))
                        .collect();
                    let next: SmallVec<[*mut u8; 4]> = (0..n).map(|k| slot(k, 1 - current)).collect();
                    // SAFETY: slots of at least `lanes` elements that do not overlap.
                    unsafe { self.region.call(lanes, &args, &next) };
                    current = 1 - current;
                    for (w, dim) in place.iter_mut().zip(&windows.dims).rev() {
                        *w += 1;
                        if *w < dim.window {
                            break;
                        }
                        *w = 0;
                    }
                }
                for k in 0..n {
                    let width = self.widths[k];
                    // SAFETY: blocks are disjoint parts of the results.
                    unsafe {
                        let to = targets[k].get().add(first * width);
                        std::ptr::copy_nonoverlapping(slot(k, current), to, lanes * width);
                    }
                }
            }
            Ok(())
        })
    }

    fn cost(&self) -> Cost {
        self.cost
    }
}

/// The operand's offset for output `i` at place `window` of its window.
fn offset(windows: &Windows, i: usize, window: &[i64]) -> Option<isize> {
    let (mut rest, mut offset) = (i / windows.row, (i % windows.row) as isize);
    for (dim, &w) in windows.dims.iter().zip(window).rev() {
        offset += dim.element(rest % dim.out, w)? as isize * dim.step;
        rest /= dim.out;
    }
    Some(offset)
}

/// `select_and_scatter`.
#[derive(Debug)]
struct SelectAndScatter {
    element: ElementType,
    select: Select,
    scatter: Scatter,
    windows: Windows,
    /// Leading dimensions that the window does not touch: blocks that threads can take.
    blocks: usize,
    operand_elements: usize,
    cost: Cost,
}

#[derive(Debug)]
enum Select {
    /// Keeps the selected while this holds between it and the next.
    Known(Direction),
    Region(Arc<dyn RegionFn>),
}

#[derive(Debug)]
enum Scatter {
    Known(&'static Combiner),
    Region(Arc<dyn RegionFn>),
}

pub(super) fn select_and_scatter(op: &window::SelectAndScatter, b: &Builder<'_>) -> Built {
    let (operand, source, result) = (&b.operands[0], &b.operands[1], &b.results[0]);
    let element = operand.element;
    let scalars = |block: &jacinth_lowering::Block| {
        block.args.iter().all(|v| b.values[v.index()].as_tensor().is_some_and(|ty| ty.element == element))
    };
    let (select, scatter) = (&b.regions[0], &b.regions[1]);
    if source.element != element || result.element != element || !scalars(select) || !scalars(scatter) {
        return Ok(None);
    }
    let attributes = Attributes {
        window: &op.window_dimensions,
        strides: &op.window_strides,
        base_dilations: &[],
        window_dilations: &[],
        padding: &op.padding,
    };
    let windows = Windows::new(&attributes, &operand.shape, &source.shape);
    let select = match direction(select).filter(|_| !element.is_complex() && !small_float(element)) {
        Some(direction) => Select::Known(direction),
        None => match b.cx.compile_region(select)? {
            Some(region) => Select::Region(region),
            None => return Ok(None),
        },
    };
    let known = Reducer::of(scatter, b.values, element).and_then(|r| Combiner::of(r, element));
    let scatter = match known {
        Some(combiner) => Scatter::Known(combiner),
        None => match b.cx.compile_region(scatter)? {
            Some(region) => Scatter::Region(region),
            None => return Ok(None),
        },
    };
    let blocks = windows.dims.iter().take_while(|d| d.trivial()).map(|d| d.out).product();
    let cost = b.cost((product(&source.shape) * windows.size) as u64);
    let operand_elements = product(&operand.shape);
    Ok(Some(Box::new(SelectAndScatter { element, select, scatter, windows, blocks, operand_elements, cost })))
}

fn small_float(element: ElementType) -> bool {
    element.is_float() && element.byte_width() == 1
}

/// The relation that a block of two arguments tests, if it is one comparison of them in order.
fn direction(block: &jacinth_lowering::Block) -> Option<Direction> {
    let ([op], [result]) = (&block.ops[..], &block.results[..]) else { return None };
    match &op.op {
        Op::Compare(c) if op.operands == block.args && op.results[..] == [*result] => {
            let total = c.compare_type == Some(jacinth_lowering::ops::elementwise::CompareType::TotalOrder);
            (!total).then_some(c.direction)
        }
        _ => None,
    }
}

impl Kernel for SelectAndScatter {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        let windows = &self.windows;
        let width = self.element.byte_width();
        let (operand, source, out) = (Source(inputs[0]), Source(inputs[1]), Target(outputs[0]));
        let init = Source(inputs[2]);
        // SAFETY: the initial value is a scalar; ranges are disjoint parts of the result.
        cx.ranges(self.operand_elements, 1 << 16, |r| unsafe {
            fill(width, init.get(), out.get().add(r.start * width), r.len());
        });
        if windows.places * windows.row == 0 {
            return Ok(());
        }
        let per_block = windows.places / self.blocks;
        cx.ranges(self.blocks, GRAIN.div_ceil(per_block * windows.row * windows.size), |blocks| {
            let mut chosen = [0isize; LANES];
            for place in blocks.start * per_block..blocks.end * per_block {
                let (base, walk) = windows.at(place);
                if walk.iter().any(|d| d.size == 0) {
                    continue;
                }
                for column in (0..windows.row).step_by(LANES) {
                    let chosen = &mut chosen[..(windows.row - column).min(LANES)];
                    // SAFETY: the window's elements lie in the operand; blocks scatter to disjoint parts of the result.
                    unsafe {
                        self.choose(operand.get(), base + column as isize, &walk, chosen);
                        let from = source.get().add((place * windows.row + column) * width);
                        self.add(from, chosen, out.get());
                    }
                }
            }
        });
        // SAFETY: the whole result.
        unsafe { wrap_results(self.element, outputs[0], self.operand_elements) };
        Ok(())
    }

    fn cost(&self) -> Cost {
        self.cost
    }
}

impl SelectAndScatter {
    /// The offset of each column's selected element.
    ///
    /// # Safety
    /// As [`choose`], of the kernel's element type.
    unsafe fn choose(&self, operand: *const u8, base: isize, walk: &[Dim], chosen: &mut [isize]) {
        match &self.select {
            Select::Known(direction) => {
                let choose: Choose = by_comparable!(self.element, V => choose::<V>);
                // SAFETY: the caller's operand, of this type, and window.
                unsafe { choose(operand, base, walk, *direction, chosen) }
            }
            Select::Region(region) => {
                let width = self.element.byte_width() as isize;
                for (column, best) in chosen.iter_mut().enumerate() {
                    let mut first = true;
                    for_each(walk, |offset, _| {
                        let at = base + offset + column as isize;
                        let mut keep = 0u8;
                        if !first {
                            let args =
                                [operand.wrapping_offset(*best * width), operand.wrapping_offset(at * width)];
                            // SAFETY: one element each.
                            unsafe { region.call(1, &args, &[&raw mut keep]) };
                        }
                        if keep == 0 {
                            *best = at;
                        }
                        first = false;
                    });
                }
            }
        }
    }

    /// Combines a row of source elements into the chosen places.
    unsafe fn add(&self, source: *const u8, chosen: &[isize], out: *mut u8) {
        match &self.scatter {
            // SAFETY: chosen places are elements of the result, and there is a source element for each.
            Scatter::Known(c) => unsafe { (c.update_at)(out, chosen, source, 1) },
            Scatter::Region(region) => {
                let width = self.element.byte_width();
                for (i, &at) in chosen.iter().enumerate() {
                    let to = out.wrapping_offset(at * width as isize);
                    let mut result = [0u64; 2];
                    let fresh: *mut u8 = result.as_mut_ptr().cast();
                    // SAFETY: one element each.
                    unsafe {
                        region.call(1, &[to.cast_const(), source.add(i * width)], &[fresh]);
                        std::ptr::copy_nonoverlapping(fresh, to, width);
                    }
                }
            }
        }
    }
}

/// Finds the offset of each column's selected element in the window at `base`.
type Choose =
    unsafe fn(operand: *const u8, base: isize, walk: &[Dim], direction: Direction, chosen: &mut [isize]);

/// A [`Choose`].
///
/// # Safety
/// The walk reaches only elements of the operand, of type `V`, and as many columns beside them.
unsafe fn choose<V: Comparable>(
    operand: *const u8,
    base: isize,
    walk: &[Dim],
    direction: Direction,
    chosen: &mut [isize],
) {
    let operand = operand.cast::<V>();
    let mut first = true;
    for_each(walk, |offset, _| {
        for (column, best) in chosen.iter_mut().enumerate() {
            let at = base + offset + column as isize;
            // SAFETY: elements of the window, and the one chosen before.
            let keep = !first
                && unsafe {
                    let (x, y) = ((*operand.offset(*best)).wide(), (*operand.offset(at)).wide());
                    match direction {
                        Direction::Eq => x == y,
                        Direction::Ne => x != y,
                        Direction::Ge => x >= y,
                        Direction::Gt => x > y,
                        Direction::Le => x <= y,
                        Direction::Lt => x < y,
                    }
                };
            *best = if keep { *best } else { at };
        }
        first = false;
    });
}

#[cfg(test)]
#[allow(clippy::type_complexity, clippy::cloned_ref_to_slice_refs)]
mod tests {
    use super::*;
    use crate::kernels::tests::{Array, Regions, Rng, run_with, ty};
    use jacinth_lowering::ops::elementwise::Binary;

    type Pads<'a> = &'a [(i64, i64)];

    fn op(
        window: &[i64],
        strides: &[i64],
        base: &[i64],
        dilation: &[i64],
        padding: Pads<'_>,
    ) -> window::ReduceWindow {
        let s = |x: &[i64]| x.iter().copied().collect();
        window::ReduceWindow {
            window_dimensions: s(window),
            window_strides: s(strides),
            base_dilations: s(base),
            window_dilations: s(dilation),
            padding: padding.to_vec(),
        }
    }

    fn result_shape(op: &window::ReduceWindow, shape: &[i64]) -> Vec<i64> {
        (0..shape.len())
            .map(|d| {
                let one = |x: &[i64]| x.get(d).copied().unwrap_or(1);
                let (low, high) = op.padding.get(d).copied().unwrap_or((0, 0));
                let dilated = if shape[d] == 0 { 0 } else { (shape[d] - 1) * one(&op.base_dilations) + 1 };
                let padded = dilated + low + high;
                let window = (op.window_dimensions[d] - 1) * one(&op.window_dilations) + 1;
                if padded < window { 0 } else { (padded - window) / one(&op.window_strides) + 1 }
            })
            .collect()
    }

    /// By definition: pads with the initial value, and combines window after window in order.
    fn naive(
        op: &window::ReduceWindow,
        shape: &[i64],
        x: &[f32],
        init: f32,
        f: impl Fn(f32, f32) -> f32,
    ) -> Vec<f32> {
        let result = result_shape(op, shape);
        let rank = shape.len();
        let digits = |mut i: usize, shape: &[i64]| -> Vec<i64> {
            let mut v = vec![0; rank];
            for d in (0..rank).rev() {
                v[d] = i as i64 % shape[d];
                i /= shape[d] as usize;
            }
            v
        };
        (0..product(&result))
            .map(|o| {
                let at = digits(o, &result);
                let mut acc = init;
                for w in 0..product(&op.window_dimensions) {
                    let w = digits(w, &op.window_dimensions);
                    let mut offset = Some(0usize);
                    for d in 0..rank {
                        let one = |x: &[i64]| x.get(d).copied().unwrap_or(1);
                        let p = at[d] * one(&op.window_strides) + w[d] * one(&op.window_dilations)
                            - op.padding.get(d).map_or(0, |p| p.0);
                        let base = one(&op.base_dilations);
                        let inside = p >= 0 && p % base == 0 && p / base < shape[d];
                        offset =
                            offset.filter(|_| inside).map(|o| o * shape[d] as usize + (p / base) as usize);
                    }
                    acc = f(acc, offset.map_or(init, |o| x[o]));
                }
                acc
            })
            .collect()
    }

    fn check(op: window::ReduceWindow, shape: &[i64], rng: &mut Rng) {
        let x = Array::random(ty(shape, ElementType::F32), rng);
        let result = [ty(&result_shape(&op, shape), ElementType::F32)];
        let f = ElementType::F32;
        let minus = Regions::binary(f, Binary::Subtract);
        let forms: [(Regions, f32, fn(f32, f32) -> f32); 4] = [
            (Regions::binary(f, Binary::Add), 0.0, |a, b| a + b),
            (Regions::binary(f, Binary::Add), 2.0, |a, b| a + b),
            (Regions::binary(f, Binary::Maximum), f32::NEG_INFINITY, |a, b| a.max(b)),
            (minus, 1.0, |a, b| a - b),
        ];
        for (regions, init, combine) in &forms {
            if product(shape) > 5000 && *init != 0.0 {
                continue;
            }
            let expected = naive(&op, shape, &x.values::<f32>(), *init, combine);
            let out = run_with(&op.clone().into(), &[x.clone(), Array::of([], &[*init])], &result, regions);
            assert_eq!(out[0].values::<f32>(), expected, "{op:?} {shape:?} {init}");
        }
    }

    #[test]
    fn windows_agree_with_the_definition() {
        let mut rng = Rng(1);
        check(op(&[1, 2, 2, 1], &[1, 2, 2, 1], &[], &[], &[]), &[2, 6, 8, 3], &mut rng);
        check(
            op(&[1, 3, 3, 1], &[1, 2, 1, 1], &[], &[], &[(0, 0), (1, 1), (0, 2), (0, 0)]),
            &[2, 7, 6, 5],
            &mut rng,
        );
        check(op(&[1, 1, 3], &[], &[], &[], &[(0, 0), (0, 0), (1, 1)]), &[2, 3, 9], &mut rng);
        check(op(&[3], &[2], &[2], &[3], &[(4, 3)]), &[7], &mut rng);
        check(op(&[4, 2], &[1, 3], &[3, 2], &[2, 1], &[(2, -1), (-1, 4)]), &[5, 6], &mut rng);
        check(op(&[2, 3], &[], &[4, 1], &[2, 2], &[(1, 1), (0, 0)]), &[3, 9], &mut rng);
        check(op(&[2], &[], &[], &[], &[(0, 0)]), &[1], &mut rng);
        check(op(&[2], &[], &[], &[], &[(3, 3)]), &[0], &mut rng);
        check(op(&[1, 1], &[], &[], &[], &[]), &[3, 300], &mut rng);
        check(op(&[2, 1], &[], &[], &[], &[]), &[3, 300], &mut rng);
    }

    #[test]
    fn scans_agree_with_the_definition() {
        let mut rng = Rng(2);
        for n in [1i64, 2, 7, 8, 255, 256, 300] {
            check(op(&[n], &[], &[], &[], &[(n - 1, 0)]), &[n], &mut rng);
            check(op(&[n], &[], &[], &[], &[(0, n - 1)]), &[n], &mut rng);
        }
        check(op(&[1, 9, 1], &[], &[], &[], &[(0, 0), (8, 0), (0, 0)]), &[2, 9, 5], &mut rng);
        check(op(&[9, 1], &[], &[], &[], &[(0, 8), (0, 0)]), &[9, 300], &mut rng);
    }

    #[test]
    fn long_scans_are_split() {
        let mut rng = Rng(3);
        let n = 200_001usize;
        let x = Array::random(ty(&[n as i64], ElementType::I32), &mut rng);
        let init = Array::of([], &[0i32]);
        for reverse in [false, true] {
            let pad = if reverse { (0, n as i64 - 1) } else { (n as i64 - 1, 0) };
            let mut expected = x.values::<i32>();
            let mut sum = 0;
            let order: Vec<usize> = if reverse { (0..n).rev().collect() } else { (0..n).collect() };
            for i in order {
                sum += expected[i];
                expected[i] = sum;
            }
            let regions = Regions::binary(ElementType::I32, Binary::Add);
            let op = op(&[n as i64], &[], &[], &[], &[pad]);
            let out = run_with(&op.into(), &[x.clone(), init.clone()], &[x.ty.clone()], &regions);
            assert!(out[0].values::<i32>() == expected);
        }
    }

    #[test]
    fn gradients_of_pooling_go_to_the_first_largest() {
        let f = ElementType::F32;
        let ge = Regions::default()
            .block(&[f, f], |b, a| vec![b.compare(Direction::Ge, false, a[0], a[1])])
            .block(&[f, f], |b, a| vec![b.op(Binary::Add, &[a[0], a[1]], f)]);
        // max(a0, a1) - a1 = 0 exactly where a1 is at least a0: a region that no pattern knows.
        let odd = Regions::default()
            .block(&[f, f], |b, a| {
                let m = b.op(Binary::Maximum, &[a[0], a[1]], f);
                vec![b.compare(Direction::Eq, false, m, a[0])]
            })
            .block(&[f, f], |b, a| {
                let s = b.op(Binary::Subtract, &[a[0], a[1]], f);
                let t = b.op(Binary::Add, &[a[1], a[1]], f);
                vec![b.op(Binary::Add, &[s, t], f)]
            });
        let x = Array::of([1, 4, 4, 1], &[4f32, 5., 6., 3., 1., 7., 7., 2., 0., 9., 1., 1., 3., 2., 1., 1.]);
        let source = Array::of([1, 2, 2, 1], &[1f32, 2., 3., 4.]);
        let op = window::SelectAndScatter {
            window_dimensions: [1, 3, 3, 1].into_iter().collect(),
            window_strides: [1, 1, 1, 1].into_iter().collect(),
            padding: vec![],
        };
        let mut expected = [0f32; 16];
        expected[5] = 0.0;
        expected[9] = 1.0 + 2.0 + 3.0 + 4.0;
        for regions in [&ge, &odd] {
            let out = run_with(
                &op.clone().into(),
                &[x.clone(), source.clone(), Array::of([], &[0f32])],
                &[x.ty.clone()],
                regions,
            );
            assert_eq!(out[0].values::<f32>(), expected);
        }
        // Padding is never selected, and many blocks run side by side.
        let mut rng = Rng(4);
        let x = Array::random(ty(&[40, 8, 8, 3], f), &mut rng);
        let source = Array::random(ty(&[40, 4, 4, 3], f), &mut rng);
        let op = window::SelectAndScatter {
            window_dimensions: [1, 3, 3, 1].into_iter().collect(),
            window_strides: [1, 2, 2, 1].into_iter().collect(),
            padding: vec![(0, 0), (0, 1), (1, 0), (0, 0)],
        };
        let (values, s) = (x.values::<f32>(), source.values::<f32>());
        let mut expected = vec![0f32; values.len()];
        for b in 0..40i64 {
            for (oy, ox, c) in
                (0..4i64).flat_map(|y| (0..4i64).flat_map(move |x| (0..3i64).map(move |c| (y, x, c))))
            {
                let mut best: Option<usize> = None;
                for (wy, wx) in (0..3i64).flat_map(|y| (0..3i64).map(move |x| (y, x))) {
                    let (y, x) = (oy * 2 + wy, ox * 2 + wx - 1);
                    if (0..8).contains(&y) && (0..8).contains(&x) {
                        let at = (((b * 8 + y) * 8 + x) * 3 + c) as usize;
                        if best.is_none_or(|best| values[best] < values[at]) {
                            best = Some(at);
                        }
                    }
                }
                expected[best.unwrap()] += s[(((b * 4 + oy) * 4 + ox) * 3 + c) as usize];
            }
        }
        let out = run_with(&op.into(), &[x.clone(), source, Array::of([], &[0f32])], &[x.ty.clone()], &ge);
        assert_eq!(out[0].values::<f32>(), expected);
    }
}
