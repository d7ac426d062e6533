//! `reduce`: along whole dimensions, with a recognised combiner at memory speed or with any region.
//!
//! The operand is seen as kept and reduced dimensions, merged where they are contiguous. Where the innermost is reduced, each
//! output sums runs of adjacent elements in several accumulators; where it is kept, a row of outputs accumulates row
//! after row. Work is split over outputs, or, where there are few, over the reduced dimension into partial results.
//! Initial values are combined once. Sums of `f16` and `bf16` are kept in `f32` and rounded once.

use std::ops::Range;
use std::sync::Arc;

use jacinth_lowering::ops::reduce;
use jacinth_lowering::{ElementType, Result};
use smallvec::SmallVec;

use super::element::{by_width, is_small_integer, multiversion, wrap_small};
use super::reducer::{Combine, Reducer, by_combine, expressions, is_known};
use super::scratch::{Plain, Scratch};
use super::strided::{Source, Target, product, strides};
use super::{Builder, Built, Cost, Kernel, KernelContext, RegionFn};

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
        && is_known(reducer, operand.element)
    {
        return Ok(Some(Box::new(Reduce { reducer, element: operand.element, layout, cost })));
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
    reducer: Reducer,
    element: ElementType,
    layout: Layout,
    cost: Cost,
}

impl Kernel for Reduce {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        by_combine!(self.reducer, self.element, C => {
            // SAFETY: arrays of the operand's, a scalar of the initial value's and the result's type.
            // SAFETY: as said above.
            unsafe { reduce_all::<C>(&self.layout, cx, inputs[0].cast(), *inputs[1].cast(), outputs[0].cast())? }
        }, else unreachable!("built for a known combiner"));
        if is_small_integer(self.element) {
            // SAFETY: one byte per output.
            let out = unsafe { std::slice::from_raw_parts_mut(outputs[0], self.layout.outputs) };
            out.iter_mut().for_each(|x| *x = wrap_small(self.element, *x));
        }
        Ok(())
    }

    fn cost(&self) -> Cost {
        self.cost
    }
}

/// Elements below which a reduction runs on one thread.
const GRAIN: usize = 1 << 15;

/// # Safety
/// `src` and `dst` are arrays of the layout's sizes.
unsafe fn reduce_all<C: Combine>(
    layout: &Layout,
    cx: &KernelContext<'_>,
    src: *const C::T,
    init: C::T,
    dst: *mut C::T,
) -> Result<()> {
    let (outputs, count) = (layout.outputs, layout.count);
    let out = Target(dst);
    if outputs == 0 {
        return Ok(());
    }
    if count == 0 {
        // SAFETY: the whole result.
        unsafe { out.slice(0, outputs) }.fill(init);
        return Ok(());
    }
    let input = Source(src);
    let threads = cx.pool.threads();
    let inner_kept = layout.kept.last().is_some_and(|&(_, stride)| stride == 1);
    // Outputs are handed out in units that keep rows long.
    let unit = if inner_kept { 256 } else { 1 };
    if threads <= 1 || outputs * count < 2 * GRAIN || outputs.div_ceil(unit) >= 2 * threads {
        let grain = GRAIN.div_ceil(count).div_ceil(unit).max(1);
        cx.ranges(outputs.div_ceil(unit), grain, |units| {
            let range = units.start * unit..(units.end * unit).min(outputs);
            // SAFETY: tasks write disjoint ranges of outputs.
            unsafe {
                let dst = Out::Result(out.slice(range.start, range.len()));
                part::<C>(&layout.kept, &layout.reduced, input.get(), range, C::load(init), dst);
            }
        });
        return Ok(());
    }
    // Few outputs: split the longest reduced axis into partial results.
    let axis = (0..layout.reduced.len()).max_by_key(|&i| layout.reduced[i].0).unwrap_or(0);
    let (size, stride) = layout.reduced.get(axis).copied().unwrap_or((1, 0));
    let parts = (threads * 2).min(size);
    let partial = Scratch::new::<C::A>(parts * outputs)?;
    let partials = Target(partial.as_ptr::<C::A>());
    cx.pool.run(parts, &|p| {
        let (start, end) = (p * size / parts, (p + 1) * size / parts);
        let mut reduced = layout.reduced.clone();
        reduced[axis].0 = end - start;
        // SAFETY: each part has its own partial results.
        unsafe {
            let dst = Out::Partial(partials.slice(p * outputs, outputs));
            part::<C>(
                &layout.kept,
                &reduced,
                input.get().offset(start as isize * stride),
                0..outputs,
                C::IDENTITY,
                dst,
            );
        }
    });
    for o in 0..outputs {
        let mut acc = C::load(init);
        for p in 0..parts {
            // SAFETY: written above.
            acc = C::apply(acc, unsafe { *partials.get().add(p * outputs + o) });
        }
        // SAFETY: an output.
        unsafe { *dst.add(o) = C::store(acc) };
    }
    Ok(())
}

/// Where reduced values go: results are rounded to the result's type, partial ones are not.
enum Out<'a, C: Combine> {
    Result(&'a mut [C::T]),
    Partial(&'a mut [C::A]),
}

impl<C: Combine> Out<'_, C> {
    #[inline(always)]
    fn set(&mut self, i: usize, value: C::A) {
        match self {
            Out::Result(out) => out[i] = C::store(value),
            Out::Partial(out) => out[i] = value,
        }
    }
}

multiversion! {
    /// Reduces outputs `range` (flat indices over `kept`) into `dst`.
    fn part_body[C: Combine; if C::WIDE](
        kept: &[Axis],
        reduced: &[Axis],
        src: *const C::T,
        range: Range<usize>,
        start: C::A,
        dst: Out<'_, C>,
    ) {
        let mut dst = dst;
        let contiguous = reduced.last().is_some_and(|&(_, stride)| stride == 1);
        if contiguous || kept.last().is_none_or(|&(_, stride)| stride != 1) {
            let (outer, run) = match reduced.split_last() {
                Some((&(size, 1), outer)) => (outer, size),
                _ => (reduced, 1),
            };
            let runs = total(outer);
            let mut bases = Offsets::new(kept, range.start);
            for o in 0..range.len() {
                let base = bases.step();
                let mut acc = start;
                let mut offsets = Offsets::new(outer, 0);
                for _ in 0..runs {
                    // SAFETY: the axes reach only elements of the operand.
                    let row = unsafe { std::slice::from_raw_parts(src.offset(base + offsets.step()), run) };
                    acc = sum_row::<C>(row, acc);
                }
                dst.set(o, acc);
            }
        } else {
            // A row of outputs lies side by side in the operand.
            let (&(width, _), outer) = kept.split_last().expect("the innermost axis is kept");
            const BLOCK: usize = 1024;
            let mut acc = [C::IDENTITY; BLOCK];
            let rows = total(reduced);
            let mut at = range.start;
            while at < range.end {
                let (row, column) = (at / width, at % width);
                let n = (width - column).min(range.end - at).min(BLOCK);
                let base = Offsets::new(outer, row).offset + column as isize;
                let acc = &mut acc[..n];
                acc.fill(start);
                let mut offsets = Offsets::new(reduced, 0);
                let mut left = rows;
                // SAFETY (of both): the axes reach only elements of the operand, `n` side by side.
                // SAFETY: as said above.
                let mut next = || unsafe { std::slice::from_raw_parts(src.offset(base + offsets.step()), n) };
                while left >= 4 {
                    let (a, b, c, d) = (next(), next(), next(), next());
                    for i in 0..n {
                        let (a, b) = (C::apply(acc[i], C::load(a[i])), C::load(b[i]));
                        acc[i] = C::apply(C::apply(C::apply(a, b), C::load(c[i])), C::load(d[i]));
                    }
                    left -= 4;
                }
                for _ in 0..left {
                    for (acc, &x) in acc.iter_mut().zip(next()) {
                        *acc = C::apply(*acc, C::load(x));
                    }
                }
                for (i, &acc) in acc.iter().enumerate() {
                    dst.set(at - range.start + i, acc);
                }
                at += n;
            }
        }
    }
}

/// # Safety
/// The axes reach only elements of `src`.
unsafe fn part<C: Combine>(
    kept: &[Axis],
    reduced: &[Axis],
    src: *const C::T,
    range: Range<usize>,
    start: C::A,
    dst: Out<'_, C>,
) {
    part_body::<C>(kept, reduced, src, range, start, dst)
}

/// Adds a run of adjacent elements to `start`, in 32 accumulators where it is long.
#[inline(always)]
pub(super) fn sum_row<C: Combine>(row: &[C::T], start: C::A) -> C::A {
    const LANES: usize = 32;
    let mut acc = start;
    if row.len() < 2 * LANES {
        for &x in row {
            acc = C::apply(acc, C::load(x));
        }
        return acc;
    }
    let mut lanes = [C::IDENTITY; LANES];
    let mut chunks = row.chunks_exact(LANES);
    for chunk in &mut chunks {
        for i in 0..LANES {
            lanes[i] = C::apply(lanes[i], C::load(chunk[i]));
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(chunks.remainder()) {
        *lane = C::apply(*lane, C::load(x));
    }
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] = C::apply(lanes[i], lanes[i + width]);
        }
        width /= 2;
    }
    C::apply(acc, lanes[0])
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
        by_comparable!(self.value, V => {
            // SAFETY (of all): arrays of these types.
            match self.index {
                // SAFETY: as said above.
                ElementType::I32 => unsafe { self.run_typed::<V, i32>(cx, inputs, outputs)? },
                // SAFETY: as said above.
                ElementType::I64 => unsafe { self.run_typed::<V, i64>(cx, inputs, outputs)? },
                // SAFETY: as said above.
                _ => unsafe { self.run_typed::<V, u32>(cx, inputs, outputs)? },
            }
        });
        Ok(())
    }

    fn cost(&self) -> Cost {
        self.cost
    }
}

impl ArgReduce {
    unsafe fn run_typed<V: Comparable, I: Plain + Ord>(
        &self,
        cx: &KernelContext<'_>,
        inputs: &[*const u8],
        outputs: &[*mut u8],
    ) -> Result<()> {
        let layout = &self.layout;
        let (values, indices) = (Source(inputs[0].cast::<V>()), Source(inputs[1].cast::<I>()));
        // SAFETY: scalars of the operands' types.
        let init = unsafe { (*inputs[2].cast::<V>(), *inputs[3].cast::<I>()) };
        let (best, at) = (Target(outputs[0].cast::<V>()), Target(outputs[1].cast::<I>()));
        let max = self.pick == Pick::Max;
        let row = match layout.reduced[..] {
            [(size, 1)] => Some(size),
            _ => None,
        };
        let threads = cx.pool.threads();
        if let Some(n) = row
            && threads > 1
            && layout.outputs < threads
            && n >= 2 * GRAIN
        {
            // Few long rows: the best of each part, then the best of those in order.
            let bests = Scratch::new::<V>(threads)?;
            let places = Scratch::new::<I>(threads)?;
            let (part_best, part_at) = (Target(bests.as_ptr::<V>()), Target(places.as_ptr::<I>()));
            let mut bases = Offsets::new(&layout.kept, 0);
            for o in 0..layout.outputs {
                let base = bases.step();
                // SAFETY (of all): parts of a row, and one result for each.
                // SAFETY: as said above.
                cx.pool.run(threads, &|p| unsafe {
                    let (start, end) = (p * n / threads, (p + 1) * n / threads);
                    let (values, indices) = (values.get().offset(base), indices.get().offset(base));
                    let first = (*values.add(start), *indices.add(start));
                    let found = best_of(
                        std::slice::from_raw_parts(values.add(start), end - start),
                        std::slice::from_raw_parts(indices.add(start), end - start),
                        first,
                        max,
                    );
                    *part_best.get().add(p) = found.0;
                    *part_at.get().add(p) = found.1;
                });
                let acc = (0..threads)
                    // SAFETY: as said above.
                    .map(|p| unsafe { (*part_best.get().add(p), *part_at.get().add(p)) })
                    .fold(init, |acc, x| better(acc, x, max));
                // SAFETY: as said above.
                unsafe {
                    *best.get().add(o) = acc.0;
                    *at.get().add(o) = acc.1;
                }
            }
            return Ok(());
        }
        cx.ranges(layout.outputs, GRAIN.div_ceil(layout.count.max(1)), |range| {
            let mut bases = Offsets::new(&layout.kept, range.start);
            for o in range {
                let base = bases.step();
                // SAFETY: the axes reach only elements of the operands.
                let acc = unsafe {
                    match row {
                        Some(n) => best_of(
                            std::slice::from_raw_parts(values.get().offset(base), n),
                            std::slice::from_raw_parts(indices.get().offset(base), n),
                            init,
                            max,
                        ),
                        None => {
                            let mut offsets = Offsets::new(&layout.reduced, 0);
                            (0..layout.count).fold(init, |acc, _| {
                                let offset = base + offsets.step();
                                better(
                                    acc,
                                    (*values.get().offset(offset), *indices.get().offset(offset)),
                                    max,
                                )
                            })
                        }
                    }
                };
                // SAFETY: tasks write disjoint outputs.
                unsafe {
                    *best.get().add(o) = acc.0;
                    *at.get().add(o) = acc.1;
                }
            }
        });
        Ok(())
    }
}

/// The better of two values with their indices: NaN, then the larger (or smaller), then the smaller index.
#[inline(always)]
fn better<V: Comparable, I: Copy + Ord>(a: (V, I), b: (V, I), max: bool) -> (V, I) {
    let (x, y) = (a.0.wide(), b.0.wide());
    #[allow(clippy::eq_op)]
    let wins = (if max { x > y } else { x < y }) || x != x;
    let first = wins || (x == y && a.1 < b.1);
    (if wins { a.0 } else { b.0 }, if first { a.1 } else { b.1 })
}

/// The best of a run, after `start`: blocks in which nothing can be better are passed over without a look at the indices.
fn best_of<V: Comparable, I: Copy + Ord>(values: &[V], indices: &[I], start: (V, I), max: bool) -> (V, I) {
    let mut acc = start;
    for (block, indices) in values.chunks(1024).zip(indices.chunks(1024)) {
        #[allow(clippy::eq_op)]
        if acc.0.wide() != acc.0.wide() {
            break;
        }
        if may_improve(block, acc.0.wide(), max) {
            acc = block.iter().zip(indices).fold(acc, |acc, (&v, &i)| better(acc, (v, i), max));
        }
    }
    acc
}

multiversion! {
    /// Whether some value is not worse than `best`, or is NaN.
    #[allow(clippy::neg_cmp_op_on_partial_ord)]
    fn may_improve_body[V: Comparable](block: &[V], best: V::Wide, max: bool) -> bool {
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

fn may_improve<V: Comparable>(block: &[V], best: V::Wide, max: bool) -> bool {
    may_improve_body::<V>(block, best, max)
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
        let failed = parking_lot::Mutex::new(None);
        cx.ranges(layout.outputs.div_ceil(LANES), (GRAIN / LANES).div_ceil(layout.count.max(1)), |blocks| {
            // Per operand: two sets of accumulators and the elements, LANES each.
            let mut scratch = match Scratch::new::<u64>(n * 3 * LANES * 2) {
                Ok(scratch) => scratch,
                Err(error) => {
                    *failed.lock() = Some(error);
                    return;
                }
            };
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
                    for k in 0..n {
                        // SAFETY: the axes reach only elements of the operand.
                        by_width!(self.widths[k], T => unsafe {
                            let src = sources[k].get().cast::<T>();
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
        });
        failed.into_inner().map_or(Ok(()), Err)
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
