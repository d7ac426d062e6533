//! `reduce`: along whole dimensions, with a recognised combiner at memory speed or with any region.
//!
//! The operand is seen as kept and reduced dimensions, merged where they are contiguous. Where the innermost is reduced, each
//! output sums runs of adjacent elements in several accumulators; where it is kept, a row of outputs accumulates row
//! after row. Work is split over outputs, or, where there are few, over the reduced dimension into partial results.
//! Initial values are combined once. Sums of `f16` and `bf16` are kept in `f32` and rounded once.

use std::ops::Range;
use std::sync::Arc;

use jacinth_lowering::ElementType;
use jacinth_lowering::ops::reduce;
use smallvec::SmallVec;

use super::combiner::{Acc, Accumulators, Combiner, fill};
use super::element::{by_width, multiversion, wrap_results};
use super::reducer::{Reducer, expressions};
use super::scratch::Plain;
use super::strided::{Source, Target, product, strides};
use super::{Builder, Built, Cost, Kernel, KernelContext, RegionFn};
use crate::Result;

/// A dimension: its size, and the step of the operand in elements.
type Axis = (usize, isize);
type Axes = SmallVec<[Axis; 4]>;

/// The operand's dimensions, kept and reduced ones apart, adjacent ones merged, unit ones dropped.
#[derive(Clone, Debug)]
struct Layout {
    kept: Axes,
    reduced: Axes,
    outputs: usize,
    /// Elements per output.
    count: usize,
}

impl Layout {
    fn new(shape: &[i64], dimensions: &[i64]) -> Self {
        let mut layout = Layout { kept: Axes::new(), reduced: Axes::new(), outputs: 1, count: 1 };
        let mut last = None;
        for (d, stride) in strides(shape).into_iter().enumerate() {
            let size = shape[d] as usize;
            let is_reduced = dimensions.contains(&(d as i64));
            let (axes, total) = match is_reduced {
                true => (&mut layout.reduced, &mut layout.count),
                false => (&mut layout.kept, &mut layout.outputs),
            };
            *total *= size;
            if size == 1 {
                continue;
            }
            match axes.last_mut() {
                Some(axis) if last == Some(is_reduced) => *axis = (axis.0 * size, stride),
                _ => axes.push((size, stride)),
            }
            last = Some(is_reduced);
        }
        layout
    }
}

/// The element offsets of every index of some axes, in row-major order, from a flat index on.
struct Offsets<'a> {
    axes: &'a [Axis],
    index: SmallVec<[usize; 4]>,
    offset: isize,
}

impl<'a> Offsets<'a> {
    #[inline(always)]
    fn new(axes: &'a [Axis], start: usize) -> Self {
        let mut index: SmallVec<[usize; 4]> = smallvec::smallvec![0; axes.len()];
        let (mut rest, mut offset) = (start, 0);
        for (i, &(size, stride)) in index.iter_mut().zip(axes).rev() {
            *i = rest % size.max(1);
            rest /= size.max(1);
            offset += *i as isize * stride;
        }
        Offsets { axes, index, offset }
    }

    /// The offset, and a step to the next.
    #[inline(always)]
    fn step(&mut self) -> isize {
        let at = self.offset;
        for (i, &(size, stride)) in self.index.iter_mut().zip(self.axes).rev() {
            *i += 1;
            self.offset += stride;
            if *i < size {
                break;
            }
            *i = 0;
            self.offset -= stride * size as isize;
        }
        at
    }
}

fn total(axes: &[Axis]) -> usize {
    axes.iter().map(|a| a.0).product()
}

/// The kernel of `reduce`.
pub(super) fn reduce(op: &reduce::Reduce, b: &Builder<'_>) -> Built {
    let n = b.results.len();
    let operand = &b.operands[0];
    let layout = Layout::new(&operand.shape, &op.dimensions);
    let cost = b.cost(product(&operand.shape) as u64);
    // A region that computes in a wider type than its operands is left to the reference evaluation.
    let same = (0..n).all(|i| {
        let e = b.operands[i].element;
        let scalar = |v: &jacinth_lowering::Value| {
            b.values[v.index()].as_tensor().is_some_and(|ty| ty.element == e && ty.rank() == 0)
        };
        let block = &b.regions[0];
        b.results[i].element == e
            && b.operands[n + i].element == e
            && scalar(&block.args[i])
            && scalar(&block.args[n + i])
            && scalar(&block.results[i])
    });
    if !same {
        return Ok(None);
    }
    if n == 1
        && let Some(reducer) = Reducer::of(&b.regions[0], b.values, operand.element)
        && let Some(combiner) = Combiner::of(reducer, operand.element)
    {
        return Ok(Some(Box::new(Reduce { combiner, element: operand.element, layout, cost })));
    }
    if n == 2
        && let Some(pick) = Pick::recognize(b)
    {
        return Ok(Some(Box::new(ArgReduce {
            pick,
            value: operand.element,
            index: b.operands[1].element,
            layout,
            cost,
        })));
    }
    let Some(region) = b.cx.compile_region(&b.regions[0])? else { return Ok(None) };
    let widths = b.operands[..n].iter().map(|ty| ty.element.byte_width()).collect();
    Ok(Some(Box::new(RegionReduce { region, widths, layout, cost })))
}

/// One operand and a recognised combiner.
#[derive(Debug)]
struct Reduce {
    combiner: &'static Combiner,
    element: ElementType,
    layout: Layout,
    cost: Cost,
}

impl Kernel for Reduce {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        // SAFETY: the operand and the result have the layout's sizes, the initial value is a scalar.
        unsafe {
            self.reduce(cx, Source(inputs[0]), inputs[1], Target(outputs[0]))?;
            wrap_results(self.element, outputs[0], self.layout.outputs);
        }
        Ok(())
    }

    fn cost(&self) -> Cost {
        self.cost
    }
}

/// Elements below which a reduction runs on one thread.
const GRAIN: usize = 1 << 15;

/// Where reduced values go: results are rounded to the result's type, partial ones stay accumulators.
#[derive(Clone, Copy)]
enum Out {
    Result(*mut u8),
    Partial(*mut u8),
}

impl Reduce {
    /// # Safety
    /// The operand and the result have the layout's sizes; `init` is one element.
    unsafe fn reduce(
        &self,
        cx: &KernelContext<'_>,
        src: Source<u8>,
        init: *const u8,
        dst: Target<u8>,
    ) -> Result<()> {
        let (layout, c) = (&self.layout, self.combiner);
        let (outputs, count) = (layout.outputs, layout.count);
        if outputs == 0 {
            return Ok(());
        }
        if count == 0 {
            // SAFETY: the whole result.
            unsafe { fill(c.element, init, dst.get(), outputs) };
            return Ok(());
        }
        // SAFETY: the caller's element.
        let start = unsafe { (c.load)(init) };
        let threads = cx.pool.threads();
        let inner_kept = layout.kept.last().is_some_and(|&(_, stride)| stride == 1);
        // Outputs are handed out in units that keep rows long.
        let unit = if inner_kept { 256 } else { 1 };
        if threads <= 1 || outputs * count < 2 * GRAIN || outputs.div_ceil(unit) >= 2 * threads {
            let grain = GRAIN.div_ceil(count).div_ceil(unit).max(1);
            cx.ranges(outputs.div_ceil(unit), grain, |units| {
                let range = units.start * unit..(units.end * unit).min(outputs);
                // SAFETY: the axes are the operand's, and tasks write disjoint ranges of outputs.
                unsafe {
                    let to = Out::Result(dst.get().add(range.start * c.element));
                    self.part(&layout.reduced, src.get(), range, &start, to);
                }
            });
            return Ok(());
        }
        // Few outputs: split the longest reduced axis into partial results.
        let axis = (0..layout.reduced.len()).max_by_key(|&i| layout.reduced[i].0).unwrap_or(0);
        let (size, stride) = layout.reduced.get(axis).copied().unwrap_or((1, 0));
        let parts = (threads * 2).min(size);
        let partial = cx.scratch::<u8>(parts.saturating_mul(outputs).saturating_mul(c.acc))?;
        let partials = Target(partial.as_ptr::<u8>());
        cx.pool.run(parts, &|p| {
            let (first, end) = (p * size / parts, (p + 1) * size / parts);
            let mut reduced = layout.reduced.clone();
            reduced[axis].0 = end - first;
            // SAFETY: a part of the reduced axis; each part has its own partial results.
            unsafe {
                let to = Out::Partial(partials.get().add(p * outputs * c.acc));
                let src = src.get().offset(first as isize * stride * c.element as isize);
                self.part(&reduced, src, 0..outputs, &(c.identity)(), to);
            }
        });
        let mut memory = Accumulators::new();
        let acc = memory.as_mut_ptr();
        for first in (0..outputs).step_by(c.block()) {
            let n = c.block().min(outputs - first);
            // SAFETY: `acc` has room for a block; every part has written its partial results.
            unsafe {
                fill(c.acc, (&raw const start).cast(), acc, n);
                for p in 0..parts {
                    (c.apply)(acc, partials.get().add((p * outputs + first) * c.acc), n);
                }
                (c.store)(acc, dst.get().add(first * c.element), n);
            }
        }
        Ok(())
    }

    /// Reduces outputs `range` (flat indices over the kept axes), each from `start`.
    ///
    /// # Safety
    /// The kept and the reduced axes reach only elements of `src`, and `dst` has room for the range.
    unsafe fn part(&self, reduced: &[Axis], src: *const u8, range: Range<usize>, start: &Acc, dst: Out) {
        let c = self.combiner;
        let (width, step, kept) = match self.layout.kept.split_last() {
            Some((&(width, step), outer)) => (width, step, outer),
            None => (1, 0, &[][..]),
        };
        let (run, run_step, outer) = match reduced.split_last() {
            Some((&(run, step), outer)) => (run, step, outer),
            None => (1, 1, &[][..]),
        };
        let bytes = c.element as isize;
        let runs = total(outer);
        let mut memory = Accumulators::new();
        let acc = memory.as_mut_ptr();
        let mut at = range.start;
        while at < range.end {
            let (row, column) = (at / width, at % width);
            let n = (width - column).min(range.end - at).min(c.block());
            let base = Offsets::new(kept, row).offset + column as isize * step;
            let mut offsets = Offsets::new(outer, 0);
            // SAFETY: `acc` has room for a block of `n`; the offsets are those of the axes.
            unsafe {
                fill(c.acc, (start as *const Acc).cast(), acc, n);
                for _ in 0..runs {
                    let from = src.offset((base + offsets.step()) * bytes);
                    if step == 1 {
                        // A row of outputs lies side by side in the operand.
                        (c.add_rows)(from, run, run_step, acc, n);
                    } else {
                        (c.fold)(from, n, step, run, run_step, acc);
                    }
                }
                let done = at - range.start;
                match dst {
                    Out::Result(dst) => (c.store)(acc, dst.add(done * c.element), n),
                    Out::Partial(dst) => std::ptr::copy_nonoverlapping(acc, dst.add(done * c.acc), n * c.acc),
                }
            }
            at += n;
        }
    }
}

/// Which of two values an argmax or argmin keeps; the smaller index where they are equal, and the first NaN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pick {
    Max,
    Min,
}

impl Pick {
    /// The region that picks a value and its index: value `a0`/`a2`, index `a1`/`a3`.
    fn recognize(b: &Builder<'_>) -> Option<Pick> {
        let index = matches!(b.operands[1].element, ElementType::I32 | ElementType::I64 | ElementType::UI32);
        let value = b.operands[0].element;
        if !index || value.is_complex() || (value.is_float() && value.byte_width() == 1) {
            return None;
        }
        let text = expressions(&b.regions[0], b.values)?;
        [(Pick::Max, "gt"), (Pick::Min, "lt")].into_iter().find_map(|(pick, better)| {
            // Floats: the comparison, or the first is NaN; other types: the comparison alone.
            let forms = [format!("or({better}(a0,a2),ne(a0,a0))"), format!("{better}(a0,a2)")];
            let float = b.operands[0].element.is_float();
            let form = if float { &forms[0] } else { &forms[1] };
            let alternatives: &[&String] = if float { &[form] } else { &[form, &forms[0]] };
            (alternatives.iter())
                .any(|p| {
                    text[0] == format!("select({p},a0,a2)")
                        && text[1] == format!("select(or({p},and(eq(a0,a2),lt(a1,a3))),a1,a3)")
                })
                .then_some(pick)
        })
    }
}

/// argmax and argmin: two operands, values and indices.
#[derive(Debug)]
struct ArgReduce {
    pick: Pick,
    value: ElementType,
    index: ElementType,
    layout: Layout,
    cost: Cost,
}

/// Values in which argmax and argmin look.
pub(super) trait Comparable: Plain {
    type Wide: Copy + PartialOrd + PartialEq + Send + Sync;
    fn wide(self) -> Self::Wide;
}

macro_rules! comparable {
    ($($ty:ty => $wide:ty: $convert:expr;)*) => {$(
        impl Comparable for $ty {
            type Wide = $wide;
            #[inline(always)]
            fn wide(self) -> $wide {
                let convert: fn($ty) -> $wide = $convert;
                convert(self)
            }
        }
    )*};
}

comparable! {
    i8 => i8: |x| x; i16 => i16: |x| x; i32 => i32: |x| x; i64 => i64: |x| x;
    u8 => u8: |x| x; u16 => u16: |x| x; u32 => u32: |x| x; u64 => u64: |x| x;
    f32 => f32: |x| x; f64 => f64: |x| x;
    half::f16 => f32: |x| x.to_f32();
    half::bf16 => f32: |x| x.to_f32();
}

macro_rules! by_comparable {
    ($element:expr, $T:ident => $body:expr) => {{
        use jacinth_lowering::ElementType as E;
        macro_rules! go {
            ($t:ty) => {{
                type $T = $t;
                $body
            }};
        }
        match $element {
            E::I2 | E::I4 | E::I8 => go!(i8),
            E::I16 => go!(i16),
            E::I32 => go!(i32),
            E::I64 => go!(i64),
            E::UI16 => go!(u16),
            E::UI32 => go!(u32),
            E::UI64 => go!(u64),
            E::F32 => go!(f32),
            E::F64 => go!(f64),
            E::F16 => go!(half::f16),
            E::BF16 => go!(half::bf16),
            _ => go!(u8),
        }
    }};
}

pub(super) use by_comparable;

impl Kernel for ArgReduce {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        let layout = &self.layout;
        let (width, max) = (self.value.byte_width(), self.pick == Pick::Max);
        let best: Best = by_comparable!(self.value, V => best_of::<V>);
        let values = Source(inputs[0]);
        let indices = Indices { at: Source(inputs[1]), element: self.index };
        // SAFETY: scalars of the operands' types.
        let init =
            unsafe { Found::read(width, inputs[2], Indices { at: Source(inputs[3]), ..indices }.get(0)) };
        let (best_out, at_out) = (Target(outputs[0]), Target(outputs[1]));
        let write = |o: usize, found: &Found| {
            // SAFETY: output `o` of both results, which no other task writes.
            unsafe {
                let value: *const u8 = (&raw const found.value).cast();
                std::ptr::copy_nonoverlapping(value, best_out.get().add(o * width), width);
                match self.index {
                    ElementType::I64 => *at_out.get().cast::<i64>().add(o) = found.index,
                    _ => *at_out.get().cast::<i32>().add(o) = found.index as i32,
                }
            }
        };
        let (run, step, outer) = match layout.reduced.split_last() {
            Some((&(run, step), outer)) => (run, step, outer),
            None => (layout.count, 1, &[][..]),
        };
        let threads = cx.pool.threads();
        if outer.is_empty() && step == 1 && threads > 1 && layout.outputs < threads && run >= 2 * GRAIN {
            // Few long rows: the best of each part, then the best of those in order.
            let parts = cx.scratch::<[u64; 2]>(threads)?;
            let part = Target(parts.as_ptr::<u8>().cast::<Found>());
            let mut bases = Offsets::new(&layout.kept, 0);
            for o in 0..layout.outputs {
                let base = bases.step();
                cx.pool.run(threads, &|p| {
                    let (start, end) = (p * run / threads, (p + 1) * run / threads);
                    let at = base + start as isize;
                    // SAFETY: a part of the row, and its own place for what is found.
                    unsafe {
                        let first = values.get().offset(at * width as isize);
                        let mut found = Found::read(width, first, indices.get(at));
                        best(first, indices, at, end - start, 1, &mut found, max);
                        part.get().add(p).write(found);
                    }
                });
                let mut found = init;
                for p in 0..threads {
                    // SAFETY: each part has been written, a value before its index.
                    unsafe {
                        let one = &*part.get().add(p);
                        let index = Source((&raw const one.index).cast());
                        let indices = Indices { at: index, element: ElementType::I64 };
                        best((&raw const one.value).cast(), indices, 0, 1, 1, &mut found, max);
                    }
                }
                write(o, &found);
            }
            return Ok(());
        }
        let runs = if layout.count == 0 { 0 } else { total(outer) };
        cx.ranges(layout.outputs, GRAIN.div_ceil(layout.count.max(1)), |range| {
            let mut bases = Offsets::new(&layout.kept, range.start);
            for o in range {
                let base = bases.step();
                let (mut found, mut offsets) = (init, Offsets::new(outer, 0));
                for _ in 0..runs {
                    let at = base + offsets.step();
                    // SAFETY: the axes reach only elements of the operands.
                    unsafe {
                        let first = values.get().offset(at * width as isize);
                        best(first, indices, at, run, step, &mut found, max);
                    }
                }
                write(o, &found);
            }
        });
        Ok(())
    }

    fn cost(&self) -> Cost {
        self.cost
    }
}

/// The operand of indices.
#[derive(Clone, Copy)]
struct Indices {
    at: Source<u8>,
    element: ElementType,
}

impl Indices {
    /// # Safety
    /// `i` is an element.
    #[inline(always)]
    unsafe fn get(self, i: isize) -> i64 {
        // SAFETY: the caller's element, of this type.
        unsafe {
            match self.element {
                ElementType::I64 => *self.at.get().cast::<i64>().offset(i),
                ElementType::I32 => i64::from(*self.at.get().cast::<i32>().offset(i)),
                _ => i64::from(*self.at.get().cast::<u32>().offset(i)),
            }
        }
    }
}

/// The best value so far, in the first bytes, and its index.
#[derive(Clone, Copy)]
#[repr(C)]
struct Found {
    value: u64,
    index: i64,
}

impl Found {
    /// # Safety
    /// `value` has `width` bytes, at most eight.
    unsafe fn read(width: usize, value: *const u8, index: i64) -> Found {
        let mut found = Found { value: 0, index };
        // SAFETY: the caller's value, which fits.
        unsafe { std::ptr::copy_nonoverlapping(value, (&raw mut found.value).cast(), width) };
        found
    }
}

/// Finds the best of `n` values at a step and of what was found before; `at` is the first one's index among the indices.
type Best = unsafe fn(
    values: *const u8,
    indices: Indices,
    at: isize,
    n: usize,
    step: isize,
    found: &mut Found,
    max: bool,
);

/// The better of two values with their indices: NaN, then the larger (or smaller), then the smaller index.
#[inline(always)]
fn better<V: Comparable>(a: (V, i64), b: (V, i64), max: bool) -> (V, i64) {
    let (x, y) = (a.0.wide(), b.0.wide());
    #[allow(clippy::eq_op)]
    let wins = (if max { x > y } else { x < y }) || x != x;
    let first = wins || (x == y && a.1 < b.1);
    (if wins { a.0 } else { b.0 }, if first { a.1 } else { b.1 })
}

/// A [`Best`]: blocks of adjacent values in which nothing can be better are passed over without a look at the indices.
///
/// # Safety
/// There are `n` values and indices at that step.
unsafe fn best_of<V: Comparable>(
    values: *const u8,
    indices: Indices,
    at: isize,
    n: usize,
    step: isize,
    found: &mut Found,
    max: bool,
) {
    const BLOCK: usize = 1024;
    let values = values.cast::<V>();
    // SAFETY: `Found::read` put a value of this type there.
    let mut acc = (unsafe { *(&raw const found.value).cast::<V>() }, found.index);
    for start in (0..n).step_by(BLOCK) {
        let end = (start + BLOCK).min(n);
        #[allow(clippy::eq_op)]
        if acc.0.wide() != acc.0.wide() {
            break;
        }
        if step == 1 {
            // SAFETY: a part of the caller's values.
            let block = unsafe { std::slice::from_raw_parts(values.add(start), end - start) };
            if !may_improve::<V>(block, acc.0.wide(), max) {
                continue;
            }
        }
        for i in start as isize..end as isize {
            let i = i * step;
            // SAFETY: one of the caller's values, and its index.
            acc = better(acc, unsafe { (*values.offset(i), indices.get(at + i)) }, max);
        }
    }
    // SAFETY: a value of at most eight bytes.
    unsafe { (&raw mut found.value).cast::<V>().write(acc.0) };
    found.index = acc.1;
}

multiversion! {
    /// Whether some value is not worse than `best`, or is NaN.
    #[allow(clippy::neg_cmp_op_on_partial_ord)]
    fn may_improve[V: Comparable](block: &[V], best: V::Wide, max: bool) -> bool {
        let mut any = false;
        if max {
            for &v in block {
                any |= !(v.wide() < best);
            }
        } else {
            for &v in block {
                any |= !(v.wide() > best);
            }
        }
        any
    }
}

/// Any number of operands and any region: lanes of outputs, element after element.
#[derive(Debug)]
struct RegionReduce {
    region: Arc<dyn RegionFn>,
    widths: SmallVec<[usize; 4]>,
    layout: Layout,
    cost: Cost,
}

/// Lanes in which a region is evaluated at once.
const LANES: usize = 256;

impl Kernel for RegionReduce {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        let n = self.widths.len();
        let sources: Vec<Source<u8>> = inputs.iter().map(|&p| Source(p)).collect();
        let targets: Vec<Target<u8>> = outputs.iter().map(|&p| Target(p)).collect();
        let layout = &self.layout;
        cx.try_ranges(
            layout.outputs.div_ceil(LANES),
            (GRAIN / LANES).div_ceil(layout.count.max(1)),
            |blocks| {
                // Per operand: two sets of accumulators and the elements, LANES each.
                let mut scratch = cx.scratch::<u64>(n * 3 * LANES * 2)?;
                let memory: *mut u8 = scratch.as_mut::<u64>().as_mut_ptr().cast();
                let slot = |k: usize, i: usize| memory.wrapping_add((k * 3 + i) * LANES * 16);
                for block in blocks {
                    let first = block * LANES;
                    let lanes = LANES.min(layout.outputs - first);
                    let mut bases = Offsets::new(&layout.kept, first);
                    let bases: SmallVec<[isize; LANES]> = (0..lanes).map(|_| bases.step()).collect();
                    for k in 0..n {
                        // SAFETY: the initial value is a scalar; the slot holds LANES elements.
                        by_width!(self.widths[k], T => unsafe {
                            let init = *sources[n + k].get().cast::<T>();
                            std::slice::from_raw_parts_mut(slot(k, 0).cast::<T>(), lanes).fill(init);
                        });
                    }
                    let mut offsets = Offsets::new(&layout.reduced, 0);
                    let mut current = 0;
                    for _ in 0..layout.count {
                        let offset = offsets.step();
                        for (k, source) in sources[..n].iter().enumerate() {
                            // SAFETY: the axes reach only elements of the operand.
                            by_width!(self.widths[k], T => unsafe {
                                let src = source.get().cast::<T>();
                                let elements = std::slice::from_raw_parts_mut(slot(k, 2).cast::<T>(), lanes);
                                for (x, &base) in elements.iter_mut().zip(&bases) {
                                    *x = *src.offset(base + offset);
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
                    }
                    for (k, target) in targets.iter().enumerate() {
                        let width = self.widths[k];
                        // SAFETY: tasks write disjoint outputs.
                        unsafe {
                            let dst = target.get().add(first * width);
                            std::ptr::copy_nonoverlapping(slot(k, current), dst, lanes * width);
                        }
                    }
                }
                Ok(())
            },
        )
    }

    fn cost(&self) -> Cost {
        self.cost
    }
}

#[cfg(test)]
#[allow(clippy::type_complexity, clippy::cloned_ref_to_slice_refs)]
mod tests {
    use super::*;
    use crate::kernels::tests::{Array, Regions, Rng, run_with, ty};
    use jacinth_lowering::Op;
    use jacinth_lowering::ops::elementwise::{Binary, Direction, Select};

    fn op(dimensions: &[i64]) -> Op {
        reduce::Reduce { dimensions: dimensions.iter().copied().collect() }.into()
    }

    fn result_shape(shape: &[i64], dimensions: &[i64]) -> Vec<i64> {
        (0..shape.len()).filter(|d| !dimensions.contains(&(*d as i64))).map(|d| shape[d]).collect()
    }

    /// Reduces with `f` in the order of indices.
    fn naive<T: Copy>(shape: &[i64], dimensions: &[i64], x: &[T], init: T, f: impl Fn(T, T) -> T) -> Vec<T> {
        let kept = result_shape(shape, dimensions);
        let mut out = vec![init; product(&kept)];
        let all = strides(shape);
        for (i, &v) in x.iter().enumerate() {
            let mut o = 0;
            for d in 0..shape.len() {
                if !dimensions.contains(&(d as i64)) {
                    o = o * shape[d] as usize + i / all[d] as usize % shape[d] as usize;
                }
            }
            out[o] = f(out[o], v);
        }
        out
    }

    const CASES: [(&[i64], &[i64]); 13] = [
        (&[7], &[0]),
        (&[0], &[0]),
        (&[3, 0], &[1]),
        (&[0, 3], &[1]),
        (&[5, 100], &[1]),
        (&[100, 5], &[0]),
        (&[37, 1500], &[0]),
        (&[4, 5, 6, 7], &[1, 3]),
        (&[4, 5, 6, 7], &[0, 2]),
        (&[4, 5, 6, 7], &[0, 1, 2, 3]),
        (&[3, 4], &[]),
        (&[2, 70000], &[1]),
        (&[70000, 3], &[0]),
    ];

    #[test]
    fn recognised_combiners_agree_with_the_definition() {
        let mut rng = Rng(1);
        for (shape, dims) in CASES {
            for e in
                [ElementType::F32, ElementType::I32, ElementType::UI8, ElementType::F64, ElementType::BF16]
            {
                let x = Array::random(ty(shape, e), &mut rng);
                let init = Array::random(ty(&[], e), &mut rng);
                let result = [ty(&result_shape(shape, dims), e)];
                for binary in [Binary::Add, Binary::Maximum, Binary::Minimum] {
                    let out =
                        run_with(&op(dims), &[x.clone(), init.clone()], &result, &Regions::binary(e, binary));
                    macro_rules! check {
                        ($t:ty, $wide:ty, $back:expr) => {{
                            let wide = |a: &Array| {
                                a.values::<$t>().iter().map(|&x| <$wide>::from(x)).collect::<Vec<_>>()
                            };
                            let expected =
                                naive(shape, dims, &wide(&x), wide(&init)[0], |a, b| match binary {
                                    Binary::Add => a + b,
                                    Binary::Maximum => {
                                        if a > b {
                                            a
                                        } else {
                                            b
                                        }
                                    }
                                    _ => {
                                        if a < b {
                                            a
                                        } else {
                                            b
                                        }
                                    }
                                });
                            let back: fn($wide) -> $t = $back;
                            assert_eq!(
                                out[0].values::<$t>(),
                                expected.into_iter().map(back).collect::<Vec<_>>(),
                                "{shape:?} {dims:?} {e}"
                            );
                        }};
                    }
                    match e {
                        ElementType::F32 => check!(f32, f64, |x| x as f32),
                        ElementType::F64 => check!(f64, f64, |x| x),
                        ElementType::BF16 => check!(half::bf16, f32, half::bf16::from_f32),
                        ElementType::I32 => check!(i32, i64, |x| x as i32),
                        _ => check!(u8, u64, |x| x as u8),
                    }
                }
            }
        }
    }

    #[test]
    fn booleans_and_small_integers() {
        let x = Array::of([4], &[true, false, true, false]);
        let f = Array::of([], &[false]);
        let result = [ty(&[], ElementType::I1)];
        let any = run_with(
            &op(&[0]),
            &[x.clone(), f.clone()],
            &result,
            &Regions::binary(ElementType::I1, Binary::Or),
        );
        assert_eq!(any[0].bytes, [1]);
        let parity = run_with(&op(&[0]), &[x, f], &result, &Regions::binary(ElementType::I1, Binary::Xor));
        assert_eq!(parity[0].bytes, [0]);
        let nibbles = Array { ty: ty(&[3], ElementType::I4), bytes: vec![7, 7, 1] };
        let zero = Array { ty: ty(&[], ElementType::I4), bytes: vec![0] };
        let sum = run_with(
            &op(&[0]),
            &[nibbles, zero],
            &[ty(&[], ElementType::I4)],
            &Regions::binary(ElementType::I4, Binary::Add),
        );
        assert_eq!(sum[0].bytes, [255]);
    }

    /// JAX's argmax region.
    fn argmax(direction: Direction) -> Regions {
        let (f, i, p) = (ElementType::F32, ElementType::I32, ElementType::I1);
        Regions::default().block(&[f, i, f, i], |b, a| {
            let better = b.compare(direction, false, a[0], a[2]);
            let nan = b.compare(Direction::Ne, false, a[0], a[0]);
            let value = b.op(Binary::Or, &[better, nan], p);
            let same = b.compare(Direction::Eq, false, a[0], a[2]);
            let before = b.compare(Direction::Lt, false, a[1], a[3]);
            let tie = b.op(Binary::And, &[same, before], p);
            let index = b.op(Binary::Or, &[value, tie], p);
            vec![b.op(Select, &[value, a[0], a[2]], f), b.op(Select, &[index, a[1], a[3]], i)]
        })
    }

    #[test]
    fn argmax_takes_the_first_of_equals_and_the_first_nan() {
        let run = |values: &[f32], direction, init: f32| {
            let n = values.len() as i64;
            let operands = [
                Array::of([1], &[0f32; 1]),
                Array::of([1], &[0i32; 1]),
                Array::of([], &[init]),
                Array::of([], &[0i32]),
            ];
            let mut operands = operands;
            operands[0] = Array::of([values.len() as i64], values);
            operands[1] = Array::of([n], &(0..n as i32).collect::<Vec<_>>());
            let results = [ty(&[], ElementType::F32), ty(&[], ElementType::I32)];
            run_with(&op(&[0]), &operands, &results, &argmax(direction))[1].values::<i32>()[0]
        };
        assert_eq!(run(&[1., 5., 2., 5.], Direction::Gt, f32::NEG_INFINITY), 1);
        assert_eq!(run(&[1., f32::NAN, 9., f32::NAN], Direction::Gt, f32::NEG_INFINITY), 1);
        assert_eq!(run(&[3., 1., 1.], Direction::Lt, f32::INFINITY), 1);
        assert_eq!(run(&[], Direction::Lt, f32::INFINITY), 0);
        let mut rng = Rng(8);
        for n in [100usize, 5000, 200_000] {
            let values: Vec<f32> = (0..n).map(|_| rng.below(1000) as f32).collect();
            let (mut max, mut min) = (0, 0);
            for i in 0..n {
                max = if values[i] > values[max] { i } else { max };
                min = if values[i] < values[min] { i } else { min };
            }
            assert_eq!(run(&values, Direction::Gt, f32::NEG_INFINITY), max as i32);
            assert_eq!(run(&values, Direction::Lt, f32::INFINITY), min as i32);
            let mut nan = values.clone();
            nan[n - 7] = f32::NAN;
            assert_eq!(run(&nan, Direction::Gt, f32::NEG_INFINITY), n as i32 - 7);
        }
    }

    #[test]
    fn any_region_reduces_lane_by_lane() {
        let mut rng = Rng(5);
        let regions = Regions::default().block(&[ElementType::F32; 2], |b, a| {
            let d = b.op(Binary::Subtract, &[a[0], a[1]], ElementType::F32);
            vec![b.op(Binary::Maximum, &[d, a[1]], ElementType::F32)]
        });
        for (shape, dims) in CASES {
            if product(shape) > 10_000 {
                continue;
            }
            let x = Array::random(ty(shape, ElementType::F32), &mut rng);
            let init = Array::of([], &[1f32]);
            let expected = naive(shape, dims, &x.values::<f32>(), 1.0, |a, b| (a - b).max(b));
            let result = [ty(&result_shape(shape, dims), ElementType::F32)];
            assert_eq!(run_with(&op(dims), &[x, init], &result, &regions)[0].values::<f32>(), expected);
        }
    }
}
