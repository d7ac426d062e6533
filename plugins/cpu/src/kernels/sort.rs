//! `sort` and `top_k`.
//!
//! Comparators that compare keys one after the other in an order of numbers (what `lax.sort` and `jnp.argsort` write, with its
//! canonical zeros and NaNs) are recognised, and sorting is by radix on unsigned integers that order as the keys do; one long
//! row is sorted by all threads together. Any other comparator is a region, and sorting is by merging. Every sort is stable.

use std::sync::Arc;

use jacinth_lowering::ops::sort;
use jacinth_lowering::{ElementType, TensorType};
use smallvec::SmallVec;

use super::element::by_width;
use super::reducer::expressions;
use super::scratch::{Plain, Scratch};
use super::strided::{Source, Target, product, strides};
use super::{Builder, Built, Cost, Kernel, KernelContext, RegionFn};
use crate::Result;

/// Part of an element that is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    Whole,
    Real,
    Imag,
}

/// One key of a comparator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Key {
    operand: usize,
    part: Part,
    /// The type of what is compared.
    element: ElementType,
    descending: bool,
    /// Whether −0 equals 0, and whether all NaNs are equal and last.
    one_zero: bool,
    one_nan: bool,
}

impl Key {
    /// Bits of the key.
    fn bits(self) -> u32 {
        self.element.byte_width() as u32 * 8
    }

    /// The key of the element at `p`, as an unsigned integer of [`Key::bits`] bits that orders as the element does.
    ///
    /// # Safety
    /// `p` points to an element of the operand's type.
    #[inline(always)]
    unsafe fn read(self, p: *const u8) -> u64 {
        let p = if self.part == Part::Imag { p.wrapping_add(self.element.byte_width()) } else { p };
        // SAFETY: the caller's promise.
        let raw = unsafe {
            match self.element.byte_width() {
                1 => u64::from(*p),
                2 => u64::from(*p.cast::<u16>()),
                4 => u64::from(*p.cast::<u32>()),
                _ => *p.cast::<u64>(),
            }
        };
        self.order(raw)
    }

    /// As [`Key::read`], from the element's bits.
    #[inline(always)]
    fn order(self, raw: u64) -> u64 {
        let bits = self.bits();
        let (top, all) = (1u64 << (bits - 1), u64::MAX >> (64 - bits));
        let key = match self.element.kind() {
            jacinth_lowering::Kind::Signed => raw ^ top,
            jacinth_lowering::Kind::Float => {
                let magnitude = raw & !top;
                if self.one_zero && magnitude == 0 {
                    top
                } else if self.one_nan && magnitude > infinity(self.element) {
                    all
                } else if raw & top != 0 {
                    !raw & all
                } else {
                    raw | top
                }
            }
            _ => raw,
        };
        if self.descending { !key & all } else { key }
    }

    /// The element's bits from its key, where nothing was merged.
    #[inline(always)]
    fn restore(self, key: u64) -> u64 {
        let bits = self.bits();
        let (top, all) = (1u64 << (bits - 1), u64::MAX >> (64 - bits));
        let key = if self.descending { !key & all } else { key };
        match self.element.kind() {
            jacinth_lowering::Kind::Signed => key ^ top,
            jacinth_lowering::Kind::Float if key & top != 0 => key & !top,
            jacinth_lowering::Kind::Float => !key & all,
            _ => key,
        }
    }

    /// Whether an element loses information in its key.
    #[inline(always)]
    fn merges(self, raw: u64) -> bool {
        let top = 1u64 << (self.bits() - 1);
        self.element.is_float()
            && ((self.one_zero && raw == top) || (self.one_nan && raw & !top > infinity(self.element)))
    }
}

/// The bits of positive infinity.
#[inline(always)]
fn infinity(element: ElementType) -> u64 {
    match element {
        ElementType::F16 => 0x7C00,
        ElementType::BF16 => 0x7F80,
        ElementType::F32 => 0x7F80_0000,
        _ => 0x7FF0_0000_0000_0000,
    }
}

/// `name(a,b)` as its name and arguments.
fn call(text: &str) -> Option<(&str, SmallVec<[&str; 4]>)> {
    let open = text.find('(')?;
    let inner = text[open + 1..].strip_suffix(')')?;
    let (mut args, mut depth, mut start) = (SmallVec::new(), 0, 0);
    for (i, c) in inner.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                args.push(&inner[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    args.push(&inner[start..]);
    Some((&text[..open], args))
}

/// The keys that a comparator compares, most significant first.
fn recognize(text: &str, operands: &[TensorType]) -> Option<Vec<Key>> {
    match call(text)? {
        // x < y, or x = y and the rest decides.
        ("or", args) => {
            let mut keys = recognize(args[0], operands)?;
            let ("and", rest) = call(args[1])? else { return None };
            let ((eq, same), (_, less)) = (call(rest[0])?, call(args[0])?);
            if !matches!(eq, "eq" | "eq_total") || same != less || keys.len() != 1 {
                return None;
            }
            keys.extend(recognize(rest[1], operands)?);
            Some(keys)
        }
        (relation @ ("lt" | "gt" | "lt_total" | "gt_total"), args) => (0..operands.len())
            .find_map(|k| key(relation, &args, k, operands[k].element))
            .map(|key| vec![key]),
        _ => None,
    }
}

/// The key that compares a part of operand `k` on both sides in the same form.
fn key(relation: &str, args: &[&str], k: usize, element: ElementType) -> Option<Key> {
    let parts: &[(Part, &str)] = if element.is_complex() {
        &[(Part::Real, "real"), (Part::Imag, "imag")]
    } else {
        &[(Part::Whole, "")]
    };
    let real = element.real();
    if real.is_float()
        && !matches!(real, ElementType::F16 | ElementType::BF16 | ElementType::F32 | ElementType::F64)
    {
        return None;
    }
    let total = relation.ends_with("_total");
    for &(part, function) in parts {
        let name = |argument: usize| match part {
            Part::Whole => format!("a{argument}"),
            _ => format!("{function}(a{argument})"),
        };
        let (lhs, rhs) = (forms(&name(2 * k), real), forms(&name(2 * k + 1), real));
        for ((x, one_zero, one_nan), (y, _, _)) in lhs.into_iter().zip(rhs) {
            if x == args[0] && y == args[1] {
                return Some(Key {
                    operand: k,
                    part,
                    element: real,
                    descending: relation.starts_with("gt"),
                    // IEEE comparison has one zero; where it leaves NaNs is free.
                    one_zero: one_zero || !total,
                    one_nan: one_nan || !total,
                });
            }
        }
    }
    None
}

/// The forms in which a comparator may canonicalise `x`: the text, whether −0 became 0, whether NaNs became one.
fn forms(x: &str, element: ElementType) -> Vec<(String, bool, bool)> {
    let constant = |raw: u64| {
        let mut s = format!("#{element}:");
        for byte in &raw.to_ne_bytes()[..element.byte_width()] {
            s.push_str(&format!("{byte:02x}"));
        }
        s
    };
    let mut all = vec![(x.to_string(), false, false)];
    if element.is_float() {
        // The quiet NaN: infinity and the top bit of the mantissa.
        let infinity = infinity(element);
        let quiet = infinity | (infinity & infinity.wrapping_neg()) >> 1;
        let (zero, nan) = (constant(0), constant(quiet));
        let one_zero = format!("select(eq({x},{zero}),{zero},{x})");
        all.push((format!("select(ne({x},{x}),{nan},{x})"), false, true));
        all.push((format!("select(ne({x},{x}),{nan},{one_zero})"), true, true));
        all.push((format!("select(ne({one_zero},{one_zero}),{nan},{one_zero})"), true, true));
        all.push((one_zero, true, false));
    }
    all
}

/// `sort`.
#[derive(Debug)]
struct Sort {
    order: Order,
    /// Bytes of each operand's elements.
    widths: SmallVec<[usize; 2]>,
    rows: Rows,
    cost: Cost,
}

#[derive(Debug)]
enum Order {
    Keys(Vec<Key>),
    Region(Arc<dyn RegionFn>),
}

/// The rows along which is sorted.
#[derive(Clone, Copy, Debug)]
struct Rows {
    count: usize,
    length: usize,
    /// The step from one element of a row to the next, which is also the number of rows that lie side by side.
    step: usize,
}

impl Rows {
    fn new(shape: &[i64], dimension: usize) -> Self {
        let length = shape[dimension] as usize;
        let step = strides(shape)[dimension] as usize;
        Rows { count: product(shape).checked_div(length).unwrap_or(0), length, step }
    }

    /// The element at which row `i` starts.
    fn start(&self, i: usize) -> usize {
        i / self.step * self.step * self.length + i % self.step
    }
}

pub(super) fn sort(op: &sort::Sort, b: &Builder<'_>) -> Built {
    let shape = &b.operands[0].shape;
    if shape.iter().any(|&n| n > i64::from(u32::MAX)) {
        return Ok(None);
    }
    if shape.is_empty() {
        return super::shape::reshape_all(b);
    }
    let dimension = if op.dimension < 0 { op.dimension + shape.len() as i64 } else { op.dimension };
    let keys = expressions(&b.regions[0], b.values).and_then(|text| recognize(&text[0], b.operands));
    let order = match keys {
        Some(keys) => Order::Keys(keys),
        None => match b.cx.compile_region(&b.regions[0])? {
            Some(region) => Order::Region(region),
            None => return Ok(None),
        },
    };
    let rows = Rows::new(shape, dimension as usize);
    let compares = product(shape) as u64 * u64::from(rows.length.max(1).ilog2() + 1);
    let widths = b.operands.iter().map(|ty| ty.element.byte_width()).collect();
    Ok(Some(Box::new(Sort { order, widths, rows, cost: b.cost(compares) })))
}

/// Elements from which on all threads sort one row together.
const TOGETHER: usize = 1 << 16;

impl Kernel for Sort {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        let rows = self.rows;
        if rows.count == 0 || rows.length == 0 {
            return Ok(());
        }
        let sources: SmallVec<[Source<u8>; 2]> = inputs.iter().map(|&p| Source(p)).collect();
        let targets: SmallVec<[Target<u8>; 2]> = outputs.iter().map(|&p| Target(p)).collect();
        let together = rows.length >= TOGETHER && rows.count < 2 * cx.pool.threads();
        if together {
            for row in 0..rows.count {
                // SAFETY: arrays of the operands' types.
                unsafe { self.row(cx, &sources, &targets, row)? }
            }
            return Ok(());
        }
        let alone = cx.serial();
        cx.try_ranges(rows.count, (1usize << 12).div_ceil(rows.length), |mut range| {
            // SAFETY: rows are disjoint.
            range.try_for_each(|row| unsafe { self.row(&alone, &sources, &targets, row) })
        })
    }

    fn cost(&self) -> Cost {
        self.cost
    }
}

impl Sort {
    /// Sorts one row.
    unsafe fn row(
        &self,
        cx: &KernelContext<'_>,
        sources: &[Source<u8>],
        targets: &[Target<u8>],
        row: usize,
    ) -> Result<()> {
        let (n, start, step) = (self.rows.length, self.rows.start(row), self.rows.step);
        let at = |k: usize, i: usize| sources[k].get().wrapping_add((start + i * step) * self.widths[k]);
        if let Order::Keys(keys) = &self.order
            && let [key @ Key { part: Part::Whole, .. }] = keys[..]
            && sources.len() == 1
            // SAFETY: as this function.
            && unsafe { self.values(cx, key, sources[0], targets[0], start)? }
        {
            return Ok(());
        }
        let mut order = cx.scratch::<u32>(n)?;
        // SAFETY: `at` points to the row's elements.
        unsafe {
            match &self.order {
                Order::Keys(keys) => argsort(cx, keys, n, at, &mut order)?,
                Order::Region(region) => self.merge(cx, &**region, n, at, &mut order)?,
            }
        }
        let order = &*order.as_mut::<u32>();
        for k in 0..sources.len() {
            let permute = |range: std::ops::Range<usize>| {
                by_width!(self.widths[k], T => {
                    let (src, dst) = (sources[k].get().cast::<T>(), targets[k].get().cast::<T>());
                    for i in range {
                        // SAFETY: elements of the row.
                        unsafe { *dst.add(start + i * step) = *src.add(start + order[i] as usize * step) };
                    }
                });
            };
            cx.ranges(n, 1 << 14, permute);
        }
        Ok(())
    }

    /// Sorts the values themselves; gives up (`false`) where a key would not restore its value.
    unsafe fn values(
        &self,
        cx: &KernelContext<'_>,
        key: Key,
        source: Source<u8>,
        target: Target<u8>,
        start: usize,
    ) -> Result<bool> {
        let (n, step) = (self.rows.length, self.rows.step);
        macro_rules! sorted {
            ($t:ty) => {{
                let (mut items, mut spare) = (cx.scratch::<$t>(n)?, cx.scratch::<$t>(n)?);
                let (items, spare) = (items.as_mut::<$t>(), spare.as_mut::<$t>());
                let (src, dst) = (Source(source.get().cast::<$t>()), Target(target.get().cast::<$t>()));
                let merged = std::sync::atomic::AtomicBool::new(false);
                let to = Target(items.as_mut_ptr());
                cx.ranges(n, 1 << 14, |range| {
                    let mut any = false;
                    for i in range {
                        // SAFETY: elements of the row; the parts of `items` are disjoint.
                        unsafe {
                            let raw = *src.get().add(start + i * step);
                            any |= key.merges(u64::from(raw));
                            *to.get().add(i) = key.order(u64::from(raw)) as $t;
                        }
                    }
                    if any {
                        merged.store(true, std::sync::atomic::Ordering::Relaxed);
                    }
                });
                if merged.into_inner() {
                    return Ok(false);
                }
                if n <= SMALL {
                    items.sort_unstable();
                } else {
                    radix(cx, items, spare, key.bits(), |&x| u64::from(x))?;
                }
                let items = &*items;
                cx.ranges(n, 1 << 14, |range| {
                    for i in range {
                        // SAFETY: elements of the row; the parts are disjoint.
                        unsafe { *dst.get().add(start + i * step) = key.restore(u64::from(items[i])) as $t };
                    }
                });
            }};
        }
        match key.bits() {
            8 => sorted!(u8),
            16 => sorted!(u16),
            32 => sorted!(u32),
            _ => sorted!(u64),
        }
        Ok(true)
    }

    /// Merges ever longer runs, by a region of which each comparison is a call.
    unsafe fn merge(
        &self,
        cx: &KernelContext<'_>,
        region: &dyn RegionFn,
        n: usize,
        at: impl Fn(usize, usize) -> *const u8,
        order: &mut Scratch,
    ) -> Result<()> {
        let mut spare = cx.scratch::<u32>(n)?;
        let (mut from, mut to) = (order.as_mut::<u32>(), spare.as_mut::<u32>());
        from.iter_mut().enumerate().for_each(|(i, x)| *x = i as u32);
        let operands = self.widths.len();
        let less = |x: u32, y: u32| {
            let args: SmallVec<[*const u8; 8]> =
                (0..operands).flat_map(|k| [at(k, x as usize), at(k, y as usize)]).collect();
            let mut result = 0u8;
            // SAFETY: one element each.
            unsafe { region.call(1, &args, &[&raw mut result]) };
            result != 0
        };
        let (mut width, mut passes) = (1, 0);
        while width < n {
            for start in (0..n).step_by(2 * width) {
                let (middle, end) = ((start + width).min(n), (start + 2 * width).min(n));
                let (mut l, mut r) = (start, middle);
                for slot in &mut to[start..end] {
                    // The right one only if it is truly less: equal elements keep their order.
                    let right = r < end && (l >= middle || less(from[r], from[l]));
                    *slot = if right { from[r] } else { from[l] };
                    if right { r += 1 } else { l += 1 }
                }
            }
            std::mem::swap(&mut from, &mut to);
            width *= 2;
            passes += 1;
        }
        if passes % 2 == 1 {
            to.copy_from_slice(from);
        }
        Ok(())
    }
}

/// Rows up to which the standard library sorts.
const SMALL: usize = 256;

/// The order in which `n` elements ascend by `keys`.
///
/// # Safety
/// `at(k, i)` points to element `i` of operand `k`.
unsafe fn argsort(
    cx: &KernelContext<'_>,
    keys: &[Key],
    n: usize,
    at: impl Fn(usize, usize) -> *const u8 + Sync,
    order: &mut Scratch,
) -> Result<()> {
    let order = order.as_mut::<u32>();
    // Least significant key first: each sort is stable.
    for (round, &key) in keys.iter().rev().enumerate() {
        let first = round == 0;
        if key.bits() <= 32 {
            let (mut items, mut spare) = (cx.scratch::<u64>(n)?, cx.scratch::<u64>(n)?);
            let (items, spare) = (items.as_mut::<u64>(), spare.as_mut::<u64>());
            let (to, before) = (Target(items.as_mut_ptr()), &*order);
            cx.ranges(n, 1 << 14, |range| {
                for i in range {
                    let index = if first { i as u32 } else { before[i] };
                    // SAFETY: elements of the row; the parts are disjoint.
                    unsafe {
                        *to.get().add(i) = key.read(at(key.operand, index as usize)) << 32 | u64::from(index)
                    };
                }
            });
            if n <= SMALL && first {
                items.sort_unstable();
            } else if n <= SMALL {
                items.sort_by_key(|x| x >> 32);
            } else {
                radix(cx, items, spare, key.bits(), |&x| x >> 32)?;
            }
            order.iter_mut().zip(&*items).for_each(|(o, &x)| *o = x as u32);
        } else {
            let (mut items, mut spare) = (cx.scratch::<(u64, u64)>(n)?, cx.scratch::<(u64, u64)>(n)?);
            let (items, spare) = (items.as_mut::<(u64, u64)>(), spare.as_mut::<(u64, u64)>());
            let (to, before) = (Target(items.as_mut_ptr()), &*order);
            cx.ranges(n, 1 << 14, |range| {
                for i in range {
                    let index = if first { i as u32 } else { before[i] };
                    // SAFETY: elements of the row; the parts are disjoint.
                    unsafe {
                        *to.get().add(i) = (key.read(at(key.operand, index as usize)), u64::from(index))
                    };
                }
            });
            if n <= SMALL {
                items.sort_by_key(|x| x.0);
            } else {
                radix(cx, items, spare, key.bits(), |x| x.0)?;
            }
            order.iter_mut().zip(&*items).for_each(|(o, x)| *o = x.1 as u32);
        }
    }
    Ok(())
}

/// Sorts `items` stably by the lowest `bits` bits of their keys, a digit at a time.
fn radix<T: Plain>(
    cx: &KernelContext<'_>,
    items: &mut [T],
    spare: &mut [T],
    bits: u32,
    key: impl Fn(&T) -> u64 + Sync + Copy,
) -> Result<()> {
    let n = items.len();
    let passes = bits.div_ceil(11);
    let digit = bits.div_ceil(passes);
    let buckets = 1usize << digit;
    let parts = cx.pool.threads().min(n.div_ceil(1 << 12)).max(1);
    let mut counts = cx.scratch::<usize>(parts * buckets)?;
    let bounds = |p: usize| p * n / parts..(p + 1) * n / parts;
    let all = |task: &(dyn Fn(usize) + Sync)| cx.pool.run(parts, task);
    let (mut from, mut to) = (items, spare);
    let mut moved = 0;
    for pass in 0..passes {
        let shift = pass * digit;
        let digit_of = |x: &T| (key(x) >> shift) as usize & (buckets - 1);
        let table = Target(counts.as_ptr::<usize>());
        let source = &*from;
        all(&|p| {
            // SAFETY: each part has its own counts.
            let counts = unsafe { table.slice(p * buckets, buckets) };
            counts.fill(0);
            for x in &source[bounds(p)] {
                counts[digit_of(x)] += 1;
            }
        });
        let totals = counts.as_mut::<usize>();
        let mut position = 0;
        let mut constant = false;
        for d in 0..buckets {
            let before = position;
            for p in 0..parts {
                let count = totals[p * buckets + d];
                totals[p * buckets + d] = position;
                position += count;
            }
            constant |= position - before == n;
        }
        if constant {
            continue;
        }
        let table = Target(counts.as_ptr::<usize>());
        let target = Target(to.as_mut_ptr());
        all(&|p| {
            // SAFETY: each part has its own positions, which are a partition of `0..n`.
            let positions = unsafe { table.slice(p * buckets, buckets) };
            for x in &source[bounds(p)] {
                let slot = &mut positions[digit_of(x)];
                // SAFETY: as above.
                unsafe { *target.get().add(*slot) = *x };
                *slot += 1;
            }
        });
        std::mem::swap(&mut from, &mut to);
        moved += 1;
    }
    if moved % 2 == 1 {
        to.copy_from_slice(from);
    }
    Ok(())
}

/// `top_k` along the last dimension: the largest in the total order, the first of equals first.
#[derive(Debug)]
struct TopK {
    key: Key,
    width: usize,
    rows: usize,
    length: usize,
    k: usize,
    cost: Cost,
}

pub(super) fn top_k(op: &sort::TopK, b: &Builder<'_>) -> Built {
    let operand = &b.operands[0];
    let element = operand.element;
    let small = element.is_float() && element.byte_width() == 1;
    if small || element.is_complex() || b.results[1].element != ElementType::I32 {
        return Ok(None);
    }
    let key =
        Key { operand: 0, part: Part::Whole, element, descending: true, one_zero: false, one_nan: false };
    let length = operand.shape[operand.rank() - 1] as usize;
    let rows = product(&operand.shape[..operand.rank() - 1]);
    let cost = b.cost(2 * product(&operand.shape) as u64);
    Ok(Some(Box::new(TopK { key, width: element.byte_width(), rows, length, k: op.k as usize, cost })))
}

impl Kernel for TopK {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        let (n, k, width) = (self.length, self.k, self.width);
        if k == 0 || self.rows == 0 {
            return Ok(());
        }
        let (src, values, indices) =
            (Source(inputs[0]), Target(outputs[0]), Target(outputs[1].cast::<i32>()));
        cx.try_ranges(self.rows, (1usize << 12).div_ceil(n), |range| {
            let mut scratch = cx.scratch::<(u64, u64)>(n)?;
            let items = scratch.as_mut::<(u64, u64)>();
            for row in range {
                for (i, item) in items.iter_mut().enumerate() {
                    // SAFETY: an element of the row.
                    *item = (unsafe { self.key.read(src.get().add((row * n + i) * width)) }, i as u64);
                }
                if k < n {
                    items.select_nth_unstable(k - 1);
                }
                items[..k].sort_unstable();
                for (o, &(_, i)) in items[..k].iter().enumerate() {
                    // SAFETY: rows of the results are disjoint.
                    unsafe {
                        *indices.get().add(row * k + o) = i as i32;
                        let from = src.get().add((row * n + i as usize) * width);
                        std::ptr::copy_nonoverlapping(from, values.get().add((row * k + o) * width), width);
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

#[cfg(test)]
#[allow(clippy::type_complexity, clippy::cloned_ref_to_slice_refs)]
mod tests {
    use super::*;
    use crate::kernels::tests::{Array, Body, Regions, Rng, run, run_with, ty};
    use jacinth_lowering::ops::constant::Constant;
    use jacinth_lowering::ops::elementwise::{Binary, Direction, Select};
    use jacinth_lowering::{Literal, Op, Value};

    fn op(dimension: i64) -> Op {
        sort::Sort { dimension, is_stable: true }.into()
    }

    fn less(element: ElementType, extra: &[ElementType], direction: Direction) -> Regions {
        let args: Vec<ElementType> = [element].iter().chain(extra).flat_map(|&e| [e, e]).collect();
        Regions::default().block(&args, |b, a| vec![b.compare(direction, false, a[0], a[1])])
    }

    /// JAX's comparator of floats.
    fn canonical(b: &mut Body<'_>, x: Value) -> Value {
        let f = ElementType::F32;
        let zero = b.op(Constant { value: Literal::scalar(0f32) }, &[], f);
        let nan = b.op(Constant { value: Literal::scalar(f32::from_bits(0x7FC0_0000)) }, &[], f);
        let is_zero = b.compare(Direction::Eq, false, x, zero);
        let nonzero = b.op(Select, &[is_zero, zero, x], f);
        let is_nan = b.compare(Direction::Ne, false, x, x);
        b.op(Select, &[is_nan, nan, nonzero], f)
    }

    fn jax_floats(with_index: bool) -> Regions {
        let (f, i) = (ElementType::F32, ElementType::I32);
        let args: &[ElementType] = if with_index { &[f, f, i, i] } else { &[f, f] };
        Regions::default().block(args, |b, a| {
            let (x, y) = (canonical(b, a[0]), canonical(b, a[1]));
            vec![b.compare(Direction::Lt, true, x, y)]
        })
    }

    #[test]
    fn comparators_are_recognised() {
        let r = jax_floats(true);
        let text = expressions(&r.blocks[0], &r.values).unwrap();
        let operands = [ty(&[4], ElementType::F32), ty(&[4], ElementType::I32)];
        let keys = recognize(&text[0], &operands).unwrap();
        let expected = Key {
            operand: 0,
            part: Part::Whole,
            element: ElementType::F32,
            descending: false,
            one_zero: true,
            one_nan: true,
        };
        assert_eq!(keys, [expected]);
        assert!(recognize("le(a0,a1)", &operands).is_none());
        assert!(recognize("lt(a1,a0)", &operands).is_none());
        assert!(recognize("lt(a0,a3)", &operands).is_none());
    }

    #[test]
    fn values_sort_in_every_type_and_length() {
        let mut rng = Rng(1);
        for n in [0usize, 1, 2, 5, 255, 256, 257, 1000, 70_000] {
            let floats: Vec<f32> = (0..n).map(|_| rng.float() * 100.0).collect();
            let mut expected = floats.clone();
            expected.sort_by(f32::total_cmp);
            let a = Array::of([n as i64], &floats);
            for regions in [jax_floats(false), less(ElementType::F32, &[], Direction::Lt)] {
                assert_eq!(
                    run_with(&op(0), &[a.clone()], &[a.ty.clone()], &regions)[0].values::<f32>(),
                    expected
                );
            }
            expected.reverse();
            let down = less(ElementType::F32, &[], Direction::Gt);
            assert_eq!(run_with(&op(0), &[a.clone()], &[a.ty.clone()], &down)[0].values::<f32>(), expected);
            macro_rules! integers {
                ($($t:ty),*) => {$({
                    let values: Vec<$t> = (0..n).map(|_| rng.next() as $t).collect();
                    let a = Array::of([n as i64], &values);
                    let mut expected = values;
                    expected.sort();
                    let up = less(a.ty.element, &[], Direction::Lt);
                    assert_eq!(run_with(&op(0), &[a.clone()], &[a.ty.clone()], &up)[0].values::<$t>(), expected);
                })*};
            }
            integers!(i8, u8, i16, u16, i32, u32, i64, u64);
        }
    }

    #[test]
    fn zeros_and_nans_are_equal_and_keep_their_order() {
        let x = [f32::NAN, 0.0, -0.0, 1.0, -f32::NAN, -1.0, 0.0, f32::INFINITY];
        let a = Array::of([8], &x);
        let i = Array::of([8], &[0i32, 1, 2, 3, 4, 5, 6, 7]);
        let out = run_with(&op(0), &[a.clone(), i.clone()], &[a.ty.clone(), i.ty], &jax_floats(true));
        assert_eq!(out[1].values::<i32>(), [5, 1, 2, 6, 3, 7, 0, 4]);
        let out = run_with(&op(0), &[a.clone()], &[a.ty], &jax_floats(false));
        let bits: Vec<u32> = out[0].values::<f32>().iter().map(|x| x.to_bits()).collect();
        let expected: Vec<u32> =
            [-1.0, 0.0, -0.0, 0.0, 1.0, f32::INFINITY, f32::NAN, -f32::NAN].map(f32::to_bits).into();
        assert_eq!(bits, expected);
    }

    #[test]
    fn rows_sort_along_any_dimension() {
        let mut rng = Rng(3);
        for (shape, d) in [([30i64, 4, 5], 0usize), ([3, 40, 5], 1), ([3, 4, 300], 2)] {
            let a = Array::random(ty(&shape, ElementType::I32), &mut rng);
            let rows = Rows::new(&shape, d);
            let mut expected = a.values::<i32>();
            for row in 0..rows.count {
                let at: Vec<usize> = (0..rows.length).map(|i| rows.start(row) + i * rows.step).collect();
                let mut values: Vec<i32> = at.iter().map(|&i| expected[i]).collect();
                values.sort();
                at.iter().zip(values).for_each(|(&i, v)| expected[i] = v);
            }
            let up = less(ElementType::I32, &[], Direction::Lt);
            let out = run_with(&op(d as i64), &[a.clone()], &[a.ty.clone()], &up);
            assert_eq!(out[0].values::<i32>(), expected, "{shape:?} {d}");
            let out = run_with(&op(d as i64 - 3), &[a.clone()], &[a.ty.clone()], &up);
            assert_eq!(out[0].values::<i32>(), expected);
        }
    }

    #[test]
    fn several_keys_and_payloads_sort_stably() {
        let mut rng = Rng(5);
        let (i, f) = (ElementType::I32, ElementType::F32);
        let two = Regions::default().block(&[i, i, f, f, i, i], |b, a| {
            let (x, y) = (canonical(b, a[2]), canonical(b, a[3]));
            let second = b.compare(Direction::Lt, true, x, y);
            let first = b.compare(Direction::Lt, false, a[0], a[1]);
            let same = b.compare(Direction::Eq, false, a[0], a[1]);
            let rest = b.op(Binary::And, &[same, second], ElementType::I1);
            vec![b.op(Binary::Or, &[first, rest], ElementType::I1)]
        });
        for n in [10i64, 300, 70_000] {
            let operands = [
                Array::random(ty(&[n], i), &mut rng),
                Array::random(ty(&[n], f), &mut rng),
                Array::of([n], &(0..n as i32).collect::<Vec<_>>()),
            ];
            let (k0, k1) = (operands[0].values::<i32>(), operands[1].values::<f32>());
            let mut expected: Vec<i32> = (0..n as i32).collect();
            expected.sort_by(|&a, &b| {
                let (a, b) = (a as usize, b as usize);
                k0[a].cmp(&k0[b]).then(k1[a].partial_cmp(&k1[b]).unwrap())
            });
            let types: Vec<_> = operands.iter().map(|a| a.ty.clone()).collect();
            assert_eq!(run_with(&op(0), &operands, &types, &two)[2].values::<i32>(), expected);
        }
    }

    #[test]
    fn any_comparator_merges() {
        let mut rng = Rng(6);
        let (f, i) = (ElementType::F32, ElementType::I32);
        // Ascending by x·x.
        let squares = Regions::default().block(&[f, f, i, i], |b, a| {
            let (x, y) = (b.op(Binary::Multiply, &[a[0], a[0]], f), b.op(Binary::Multiply, &[a[1], a[1]], f));
            vec![b.compare(Direction::Lt, false, x, y)]
        });
        for n in [1usize, 2, 3, 17, 100] {
            let a = Array::random(ty(&[n as i64], f), &mut rng);
            let values = a.values::<f32>();
            let index = Array::of([n as i64], &(0..n as i32).collect::<Vec<_>>());
            let mut expected: Vec<i32> = (0..n as i32).collect();
            expected
                .sort_by(|&a, &b| values[a as usize].abs().partial_cmp(&values[b as usize].abs()).unwrap());
            let types = [a.ty.clone(), index.ty.clone()];
            assert_eq!(run_with(&op(0), &[a, index], &types, &squares)[1].values::<i32>(), expected);
        }
    }

    #[test]
    fn top_k_takes_the_largest_first() {
        let a = Array::of([2, 5], &[3f32, 1., 3., f32::NAN, -1., -0.0, 0.0, -2., -3., 5.]);
        let results = [ty(&[2, 3], ElementType::F32), ty(&[2, 3], ElementType::I32)];
        let out = run(&sort::TopK { k: 3 }.into(), &[a], &results);
        assert_eq!(out[1].values::<i32>(), [3, 0, 2, 4, 1, 0]);
        assert!(out[0].values::<f32>()[0].is_nan());
        let a = Array::of([3], &[-5i8, 100, 7]);
        let results = [ty(&[0], ElementType::I8), ty(&[0], ElementType::I32)];
        assert!(run(&sort::TopK { k: 0 }.into(), &[a], &results)[0].bytes.is_empty());
    }
}
