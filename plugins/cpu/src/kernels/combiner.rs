//! Recognised combiners as rows of functions: the one place where reductions, windows and scatters are compiled per type.
//!
//! A [`Combiner`] holds the inner loops of one [`Combine`] type. Kernels find theirs once, when they are built, and walk
//! arrays by bytes, so that of fifty types and combiners only these loops exist fifty times, not every kernel.
//! Accumulators are of the type in which sums are kept (`f32` for `f16` and `bf16`) and lie side by side in memory; only scans
//! round at every step, because every step is a result.

use std::mem::MaybeUninit;

use jacinth_lowering::ElementType;

use super::element::{by_width, multiversion};
use super::reducer::{Combine, Reducer, by_combine};
use super::scratch::Plain;

/// Room for one accumulator of any type, in its first bytes.
pub(crate) type Acc = [u64; 2];

/// Bytes of [`Accumulators`]: a part of the first-level cache.
const ACC_BYTES: usize = 4096;

/// Where there is no element: an offset that [`Combiner::update_at`] passes over.
pub(crate) const NOWHERE: isize = isize::MIN;

/// The inner loops of one combiner over one type. All steps are in elements.
///
/// # Safety
/// Of each function: arrays have the elements that its sizes and steps reach, aligned to their type (accumulators to eight
/// bytes); what is written overlaps nothing else.
pub(crate) struct Combiner {
    name: &'static str,
    /// Bytes of an element.
    pub(crate) element: usize,
    /// Bytes of an accumulator.
    pub(crate) acc: usize,
    /// The accumulator that changes nothing.
    pub(crate) identity: fn() -> Acc,
    /// An element as an accumulator.
    pub(crate) load: unsafe fn(element: *const u8) -> Acc,
    /// Rounds `n` accumulators to elements.
    pub(crate) store: unsafe fn(acc: *const u8, dst: *mut u8, n: usize),
    /// `acc[i] ∘= other[i]`, both accumulators.
    pub(crate) apply: unsafe fn(acc: *mut u8, other: *const u8, n: usize),
    /// `acc[o] ∘= src[o·step + r·run_step]` for all `r < run`, for each `o < outputs`.
    pub(crate) fold:
        unsafe fn(src: *const u8, outputs: usize, step: isize, run: usize, run_step: isize, acc: *mut u8),
    /// `acc[i] ∘= src[r·row_step + i]` for all `r < rows`, for each `i < n`.
    pub(crate) add_rows: unsafe fn(src: *const u8, rows: usize, row_step: isize, acc: *mut u8, n: usize),
    /// `dst[i]` is the combination of `start` and all elements up to `src[i]` (or from it on, in reverse).
    pub(crate) scan_row: unsafe fn(src: *const u8, dst: *mut u8, n: usize, start: &Acc, reverse: bool),
    /// As `scan_row`, along `length` rows at a step, for `n` columns from accumulators that are left as they end.
    pub(crate) scan_columns: unsafe fn(
        src: *const u8,
        dst: *mut u8,
        length: usize,
        step: usize,
        acc: *mut u8,
        n: usize,
        reverse: bool,
    ),
    /// `old[i·old_step] ∘= update[i·step]`, elements.
    pub(crate) update: unsafe fn(old: *mut u8, old_step: isize, update: *const u8, step: isize, n: usize),
    /// `old[offsets[i]] ∘= update[i·step]` in order, but for offsets that are [`NOWHERE`].
    pub(crate) update_at: unsafe fn(old: *mut u8, offsets: &[isize], update: *const u8, step: isize),
}

impl std::fmt::Debug for Combiner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Combiner {
    /// The combiner of an element type, if there is one.
    pub(crate) fn of(reducer: Reducer, element: ElementType) -> Option<&'static Combiner> {
        by_combine!(reducer, element, C => Some(const { &Combiner::row::<C>(stringify!(C)) }), else None)
    }

    /// Takes the new element of `width` bytes; only for updates.
    pub(crate) fn replace(width: usize) -> &'static Combiner {
        by_width!(width, T => const { &Combiner::row::<Replace<T>>("replace") })
    }

    const fn row<C: Combine>(name: &'static str) -> Combiner {
        Combiner {
            name,
            element: size_of::<C::T>(),
            acc: size_of::<C::A>(),
            identity: identity::<C>,
            load: load::<C>,
            store: store::<C>,
            apply: apply::<C>,
            fold: fold::<C>,
            add_rows: add_rows::<C>,
            scan_row: scan_row::<C>,
            scan_columns: scan_columns::<C>,
            update: update::<C>,
            update_at: update_at::<C>,
        }
    }

    /// How many accumulators fit into [`ACC_BYTES`].
    pub(crate) fn block(&self) -> usize {
        ACC_BYTES / self.acc
    }
}

/// Room for [`Combiner::block`] accumulators side by side; not initialised.
pub(crate) struct Accumulators([MaybeUninit<Acc>; ACC_BYTES / size_of::<Acc>()]);

impl Accumulators {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Accumulators([MaybeUninit::uninit(); _])
    }

    #[inline(always)]
    pub(crate) fn as_mut_ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }
}

/// `n` times the same value of `width` bytes.
///
/// # Safety
/// `dst` has room for `n` values, aligned to them; `value` is one.
pub(crate) unsafe fn fill(width: usize, value: *const u8, dst: *mut u8, n: usize) {
    by_width!(width, T => {
        // SAFETY: the caller's promise; a value may stand at any address that its bytes allow.
        unsafe { std::slice::from_raw_parts_mut(dst.cast::<T>(), n).fill(value.cast::<T>().read_unaligned()) }
    })
}

/// The update itself.
#[derive(Clone, Copy, Debug)]
struct Replace<T>(std::marker::PhantomData<T>);

macro_rules! replace {
    ($($ty:ty: $zero:expr;)*) => {$(
        impl Combine for Replace<$ty> {
            type T = $ty;
            type A = $ty;
            const WIDE: bool = false;
            const IDENTITY: $ty = $zero;
            #[inline(always)]
            fn load(x: $ty) -> $ty {
                x
            }
            #[inline(always)]
            fn store(x: $ty) -> $ty {
                x
            }
            #[inline(always)]
            fn apply(_: $ty, update: $ty) -> $ty {
                update
            }
        }
    )*};
}

replace! { u8: 0; u16: 0; u32: 0; u64: 0; [u64; 2]: [0; 2]; }

fn wrap<A: Plain>(x: A) -> Acc {
    const { assert!(size_of::<A>() <= size_of::<Acc>() && align_of::<A>() <= align_of::<Acc>()) };
    let mut acc = [0; 2];
    // SAFETY: the assertion: an `A` fits, and needs no more alignment.
    unsafe { (&raw mut acc).cast::<A>().write(x) };
    acc
}

fn unwrap<A: Plain>(acc: &Acc) -> A {
    const { assert!(size_of::<A>() <= size_of::<Acc>() && align_of::<A>() <= align_of::<Acc>()) };
    // SAFETY: the assertion, and every bit pattern is a `Plain` value.
    unsafe { *(acc as *const Acc).cast::<A>() }
}

fn identity<C: Combine>() -> Acc {
    wrap(C::IDENTITY)
}

unsafe fn load<C: Combine>(element: *const u8) -> Acc {
    // SAFETY: the caller's element.
    wrap(C::load(unsafe { *element.cast::<C::T>() }))
}

multiversion! {
    unsafe fn store[C: Combine; if C::WIDE](acc: *const u8, dst: *mut u8, n: usize) {
        let (acc, dst) = (acc.cast::<C::A>(), dst.cast::<C::T>());
        for i in 0..n {
            // SAFETY: the caller's `n` accumulators and elements.
            unsafe { *dst.add(i) = C::store(*acc.add(i)) };
        }
    }
}

unsafe fn apply<C: Combine>(acc: *mut u8, other: *const u8, n: usize) {
    let (acc, other) = (acc.cast::<C::A>(), other.cast::<C::A>());
    for i in 0..n {
        // SAFETY: the caller's `n` accumulators on both sides.
        unsafe { *acc.add(i) = C::apply(*acc.add(i), *other.add(i)) };
    }
}

/// Adds a run of adjacent elements to `start`, in 32 accumulators where it is long.
#[inline(always)]
fn sum_row<C: Combine>(row: &[C::T], start: C::A) -> C::A {
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

multiversion! {
    unsafe fn fold[C: Combine; if C::WIDE](src: *const u8, outputs: usize, step: isize, run: usize, run_step: isize, acc: *mut u8) {
        let (src, acc) = (src.cast::<C::T>(), acc.cast::<C::A>());
        for o in 0..outputs {
            // SAFETY: the caller's output `o`, and its run of elements.
            unsafe {
                let (from, to) = (src.offset(o as isize * step), &mut *acc.add(o));
                if run_step == 1 {
                    *to = sum_row::<C>(std::slice::from_raw_parts(from, run), *to);
                } else {
                    for r in 0..run as isize {
                        *to = C::apply(*to, C::load(*from.offset(r * run_step)));
                    }
                }
            }
        }
    }
}

multiversion! {
    unsafe fn add_rows[C: Combine; if C::WIDE](src: *const u8, rows: usize, row_step: isize, acc: *mut u8, n: usize) {
        let src = src.cast::<C::T>();
        // SAFETY: the caller's `n` accumulators.
        let acc = unsafe { std::slice::from_raw_parts_mut(acc.cast::<C::A>(), n) };
        // SAFETY: row `r` is one of the caller's, of `n` elements.
        let row = |r: usize| unsafe { std::slice::from_raw_parts(src.offset(r as isize * row_step), n) };
        let mut r = 0;
        while r + 4 <= rows {
            let (a, b, c, d) = (row(r), row(r + 1), row(r + 2), row(r + 3));
            for i in 0..n {
                let (a, b) = (C::apply(acc[i], C::load(a[i])), C::load(b[i]));
                acc[i] = C::apply(C::apply(C::apply(a, b), C::load(c[i])), C::load(d[i]));
            }
            r += 4;
        }
        while r < rows {
            for (acc, &x) in acc.iter_mut().zip(row(r)) {
                *acc = C::apply(*acc, C::load(x));
            }
            r += 1;
        }
    }
}

multiversion! {
    /// In eight chains, each from the combination of those before it.
    unsafe fn scan_row[C: Combine; if C::WIDE](src: *const u8, dst: *mut u8, n: usize, start: &Acc, reverse: bool) {
        const CHAINS: usize = 8;
        // SAFETY: the caller's `n` elements on both sides.
        let (x, y) = unsafe {
            (std::slice::from_raw_parts(src.cast::<C::T>(), n), std::slice::from_raw_parts_mut(dst.cast::<C::T>(), n))
        };
        let segment = n / CHAINS;
        let mut acc: C::A = unwrap(start);
        let head = if segment >= 32 { segment * CHAINS } else { 0 };
        let place = |i: usize| if reverse { n - 1 - i } else { i };
        if head > 0 {
            let mut chains = [acc; CHAINS];
            for (c, chain) in chains.iter_mut().enumerate() {
                *chain = acc;
                let part = if reverse { n - (c + 1) * segment..n - c * segment } else { c * segment..(c + 1) * segment };
                acc = C::apply(acc, sum_row::<C>(&x[part], C::IDENTITY));
            }
            for i in 0..segment {
                for (c, chain) in chains.iter_mut().enumerate() {
                    let at = place(c * segment + i);
                    // SAFETY: `c · segment + i` is below `n`.
                    unsafe {
                        let sum = C::store(C::apply(*chain, C::load(*x.get_unchecked(at))));
                        *y.get_unchecked_mut(at) = sum;
                        *chain = C::load(sum);
                    }
                }
            }
            acc = chains[CHAINS - 1];
        }
        for i in head..n {
            let sum = C::store(C::apply(acc, C::load(x[place(i)])));
            y[place(i)] = sum;
            acc = C::load(sum);
        }
    }
}

multiversion! {
    unsafe fn scan_columns[C: Combine; if C::WIDE](src: *const u8, dst: *mut u8, length: usize, step: usize, acc: *mut u8, n: usize, reverse: bool) {
        let (src, dst) = (src.cast::<C::T>(), dst.cast::<C::T>());
        // SAFETY: the caller's `n` accumulators.
        let acc = unsafe { std::slice::from_raw_parts_mut(acc.cast::<C::A>(), n) };
        for i in 0..length {
            let i = if reverse { length - 1 - i } else { i };
            // SAFETY: row `i` of the caller's, `n` columns of it on both sides.
            let (x, y) = unsafe {
                (std::slice::from_raw_parts(src.add(i * step), n), std::slice::from_raw_parts_mut(dst.add(i * step), n))
            };
            for k in 0..n {
                y[k] = C::store(C::apply(acc[k], C::load(x[k])));
                acc[k] = C::load(y[k]);
            }
        }
    }
}

#[inline(always)]
fn updated<C: Combine>(old: C::T, update: C::T) -> C::T {
    C::store(C::apply(C::load(old), C::load(update)))
}

multiversion! {
    unsafe fn update[C: Combine; if C::WIDE](old: *mut u8, old_step: isize, update: *const u8, step: isize, n: usize) {
        let (old, from) = (old.cast::<C::T>(), update.cast::<C::T>());
        if old_step == 1 && step == 1 {
            for i in 0..n {
                // SAFETY: the caller's `n` elements on both sides.
                unsafe { *old.add(i) = updated::<C>(*old.add(i), *from.add(i)) };
            }
        } else {
            for i in 0..n as isize {
                // SAFETY: the caller's `n` elements at these steps.
                unsafe {
                    let to = old.offset(i * old_step);
                    *to = updated::<C>(*to, *from.offset(i * step));
                }
            }
        }
    }
}

unsafe fn update_at<C: Combine>(old: *mut u8, offsets: &[isize], update: *const u8, step: isize) {
    let (old, from) = (old.cast::<C::T>(), update.cast::<C::T>());
    for (i, &at) in offsets.iter().enumerate() {
        if at != NOWHERE {
            // SAFETY: an element of the caller's array, and the update's.
            unsafe {
                let to = old.offset(at);
                *to = updated::<C>(*to, *from.offset(i as isize * step));
            }
        }
    }
}
