//! The tile machine: runs a linear list of vector instructions over a long run of elements, one tile at a time.
//!
//! A [`TileProgram`] computes, for each of `n` elements, a set of outputs from a set of inputs; registers are short
//! arrays that stay in the first-level cache. Inputs are read where they lie if they are contiguous, and through a
//! [`View`] otherwise; some outputs may be folds of the elements along rows or columns. Invariants: an instruction's
//! result overlaps none of its operands; an output that shares memory with an input is copied out of a register at the
//! end of each tile, after every read. Deliberately absent: how programs are made (`codegen`) and where values live.

use std::cell::Cell;
use std::fmt;

use jacinth_lowering::ElementType;
use smallvec::SmallVec;

use super::view::View;
use crate::kernels::Parallel;
use crate::simd::{self, TileFn};

/// A compiled elementwise region.
#[derive(Clone)]
pub(crate) struct TileProgram {
    /// Number of elements; of a region function, given when it runs.
    pub(crate) n: usize,
    /// Elements per tile.
    pub(crate) tile: usize,
    /// In the order of the caller's pointers.
    pub(crate) outputs: Vec<Output>,
    /// Constants, 16 bytes each; entry `i` of the pointer table points to constant `i`.
    pub(crate) constants: Vec<Constant>,
    /// Where each register lies in the scratch memory.
    pub(crate) registers: Vec<Register>,
    pub(crate) scalars: Vec<ScalarInput>,
    pub(crate) fills: Vec<Fill>,
    pub(crate) code: Vec<Instr>,
    pub(crate) loads: Vec<Load>,
    pub(crate) scratch: usize,
    pub(crate) reduction: Option<Reduction>,
    /// Rough cost of one element, in hundredths of a nanosecond.
    pub(crate) weight: u64,
    /// For people: one line per instruction.
    pub(crate) listing: Vec<String>,
}

/// An entry of the pointer table.
pub(crate) type Entry = u16;

#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub(crate) struct Constant(pub(crate) [u8; 16]);

/// A register: its entry of the table, and where in the scratch memory it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Register {
    pub(crate) entry: Entry,
    pub(crate) offset: usize,
}

/// An input of which one element serves for all lanes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScalarInput {
    pub(crate) entry: Entry,
    pub(crate) input: usize,
    pub(crate) byte_offset: isize,
}

/// A register filled once per task with one element.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill {
    pub(crate) register: Entry,
    pub(crate) from: Entry,
    pub(crate) width: usize,
}

/// One instruction of a tile.
#[derive(Clone, Copy)]
pub(crate) enum Instr {
    /// `f(d, a, b, c, n)` on entries of the table.
    Op { f: TileFn, d: Entry, a: Entry, b: Entry, c: Entry },
    /// Points an entry at the tile's part of an input.
    Load(u16),
}

/// How an input gets into a tile.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) entry: Entry,
    pub(crate) input: usize,
    pub(crate) width: usize,
    pub(crate) kind: LoadKind,
}

#[derive(Clone, Debug)]
pub(crate) enum LoadKind {
    /// The elements follow each other from this byte on.
    Contiguous { byte_offset: isize },
    /// Gathered through a view into a register (unless the tile's part happens to be contiguous).
    Strided { register: Entry, view: View },
    /// The numbers of an iota, not an input at all.
    Numbers { register: Entry, view: View, ty: ElementType },
}

/// An output array of the program.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Output {
    /// One element per element: its table entry, which points into the array.
    Elements { entry: Entry, width: usize },
    /// A fold: index into [`Reduction::folds`].
    Fold(usize),
}

/// Elements are folded: their array is seen as `outer × rows × columns`.
#[derive(Clone, Debug)]
pub(crate) struct Reduction {
    pub(crate) outer: usize,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Rows are kept and columns folded; otherwise rows are folded and outer × columns kept.
    pub(crate) along_columns: bool,
    pub(crate) folds: Vec<FoldStep>,
}

/// One fold of a reduction.
#[derive(Clone, Copy)]
pub(crate) struct FoldStep {
    /// The register with the elements, and the width of one.
    pub(crate) value: Entry,
    pub(crate) width: usize,
    /// Folds into accumulators: rows into one each (see [`simd::fold_rows`]), or a row into a row.
    pub(crate) rows: TileFn,
    pub(crate) columns: TileFn,
    /// Folds accumulators into one another (both of the accumulator type).
    pub(crate) merge: TileFn,
    pub(crate) finish: TileFn,
    pub(crate) accumulator_width: usize,
    pub(crate) identity: Constant,
    /// Where the initial value is (of the element type), and how it becomes an accumulator.
    pub(crate) init: Entry,
    pub(crate) widen: TileFn,
}

impl fmt::Debug for FoldStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FoldStep(value {}, init {})", self.value, self.init)
    }
}

/// Work worth a thread of its own, in hundredths of a nanosecond.
const GRAIN: u64 = 800_000;

impl TileProgram {
    /// Rough cost of a run on one thread, in nanoseconds.
    pub(crate) fn nanoseconds(&self) -> u64 {
        20 + (self.n as u64).saturating_mul(self.weight) / 100
    }

    /// Runs the program over all its elements.
    ///
    /// # Safety
    /// `inputs` and `outputs` point to arrays of the sizes and types that the program was made for; an output overlaps an
    /// input only where the program was made so.
    pub(crate) unsafe fn run(&self, pool: &dyn Parallel, inputs: &[*const u8], outputs: &[*mut u8]) {
        if let Some(reduction) = &self.reduction {
            // SAFETY: as promised by the caller.
            return unsafe { super::fold::run(self, reduction, pool, inputs, outputs) };
        }
        let work = (self.n as u64).saturating_mul(self.weight);
        if work < 2 * GRAIN || pool.threads() == 1 {
            // SAFETY: as promised by the caller.
            return unsafe { self.run_range(self.n, inputs, outputs, 0, self.n) };
        }
        let tiles = self.n.div_ceil(self.tile);
        let tasks = ((work / GRAIN) as usize).min(pool.threads() * 4).min(tiles);
        let (inputs, outputs) =
            (Shared(inputs.as_ptr(), inputs.len()), SharedMut(outputs.as_ptr(), outputs.len()));
        pool.run(tasks, &|t| {
            let (start, end) =
                (t * tiles / tasks * self.tile, ((t + 1) * tiles / tasks * self.tile).min(self.n));
            // SAFETY: tasks cover disjoint ranges of elements.
            unsafe { self.run_range(self.n, inputs.get(), outputs.get(), start, end) };
        });
    }

    /// Runs the program over `n` elements on this thread: a region function.
    ///
    /// # Safety
    /// As [`TileProgram::run`], with arrays of `n` elements.
    pub(crate) unsafe fn run_lanes(&self, n: usize, inputs: &[*const u8], outputs: &[*mut u8]) {
        // SAFETY: as promised by the caller.
        unsafe { self.run_range(n, inputs, outputs, 0, n) }
    }

    /// Elements `start..end` of `n`.
    unsafe fn run_range(
        &self,
        n: usize,
        inputs: &[*const u8],
        outputs: &[*mut u8],
        start: usize,
        end: usize,
    ) {
        with_scratch(self.scratch, |scratch| {
            // SAFETY: as promised by the caller; the scratch memory is as large as the program needs.
            unsafe {
                let mut machine = Machine::new(self, scratch, inputs, n.min(self.tile));
                let mut at = start;
                while at < end {
                    let count = self.tile.min(end - at);
                    for (output, &base) in self.outputs.iter().zip(outputs) {
                        if let Output::Elements { entry, width } = *output {
                            machine.table[entry as usize] = base.add(at * width);
                        }
                    }
                    machine.step(inputs, at, count);
                    at += count;
                }
            }
        });
    }
}

/// A slice of pointers that tasks may share.
#[derive(Clone, Copy)]
pub(super) struct Shared(pub(super) *const *const u8, pub(super) usize);
#[derive(Clone, Copy)]
pub(super) struct SharedMut(pub(super) *const *mut u8, pub(super) usize);
// SAFETY: what the pointers point to is divided among the tasks by their authors.
unsafe impl Sync for Shared {}
// SAFETY: as above.
unsafe impl Sync for SharedMut {}
impl Shared {
    /// # Safety
    /// The slice must still be alive.
    pub(super) unsafe fn get<'a>(&self) -> &'a [*const u8] {
        // SAFETY: as promised by the caller.
        unsafe { std::slice::from_raw_parts(self.0, self.1) }
    }
}
impl SharedMut {
    /// # Safety
    /// The slice must still be alive.
    pub(super) unsafe fn get<'a>(&self) -> &'a [*mut u8] {
        // SAFETY: as promised by the caller.
        unsafe { std::slice::from_raw_parts(self.0, self.1) }
    }
}

/// The state of one task: the table of pointers.
pub(super) struct Machine<'p> {
    program: &'p TileProgram,
    pub(super) table: SmallVec<[*mut u8; 40]>,
}

impl<'p> Machine<'p> {
    /// Sets the table up; registers that hold one value are filled for tiles of up to `lanes` elements.
    ///
    /// # Safety
    /// As [`TileProgram::run`], with `scratch` of at least [`TileProgram::scratch`] bytes.
    #[inline]
    pub(super) unsafe fn new(
        program: &'p TileProgram,
        scratch: *mut u8,
        inputs: &[*const u8],
        lanes: usize,
    ) -> Machine<'p> {
        let constants = program.constants.iter().map(|c| c.0.as_ptr().cast_mut());
        let mut table: SmallVec<[*mut u8; 40]> = constants.collect();
        let entries = program.constants.len()
            + program.registers.len()
            + program.scalars.len()
            + program.loads.len()
            + program.outputs.len();
        table.resize(entries, std::ptr::null_mut());
        // SAFETY: registers lie inside the scratch memory; inputs are as the program expects them.
        unsafe {
            for register in &program.registers {
                table[register.entry as usize] = scratch.add(register.offset);
            }
            for scalar in &program.scalars {
                table[scalar.entry as usize] = inputs[scalar.input].offset(scalar.byte_offset).cast_mut();
            }
            for fill in &program.fills {
                simd::fill(table[fill.register as usize], table[fill.from as usize], fill.width, lanes);
            }
        }
        Machine { program, table }
    }

    /// Runs the instructions for elements `at..at + count`; entries of outputs must have been set.
    ///
    /// # Safety
    /// As [`TileProgram::run`].
    #[inline]
    pub(super) unsafe fn step(&mut self, inputs: &[*const u8], at: usize, count: usize) {
        for instr in &self.program.code {
            // SAFETY: the program was made so that every entry it names points to as many elements as a tile has.
            unsafe {
                match *instr {
                    Instr::Op { f, d, a, b, c } => {
                        let t = self.table.as_ptr();
                        f(
                            *t.add(d as usize),
                            *t.add(a as usize),
                            *t.add(b as usize),
                            *t.add(c as usize),
                            count,
                        )
                    }
                    Instr::Load(index) => self.load(inputs, index, at, count),
                }
            }
        }
    }

    #[inline]
    unsafe fn load(&mut self, inputs: &[*const u8], index: u16, at: usize, count: usize) {
        let load = &self.program.loads[index as usize];
        // SAFETY: the view stays inside the input, and the register holds a tile.
        let pointer = unsafe {
            match &load.kind {
                LoadKind::Contiguous { byte_offset } => {
                    inputs[load.input].offset(byte_offset + (at * load.width) as isize).cast_mut()
                }
                LoadKind::Strided { register, view } => {
                    let register = self.table[*register as usize];
                    let base = inputs[load.input];
                    match load.width {
                        1 => strided::<u8>(register, base, view, at, count),
                        2 => strided::<u16>(register, base, view, at, count),
                        4 => strided::<u32>(register, base, view, at, count),
                        8 => strided::<u64>(register, base, view, at, count),
                        _ => strided::<[u64; 2]>(register, base, view, at, count),
                    }
                }
                LoadKind::Numbers { register, view, ty } => {
                    let register = self.table[*register as usize];
                    numbers(register, *ty, view, at, count);
                    register
                }
            }
        };
        self.table[load.entry as usize] = pointer;
    }
}

/// Calls `run(offset, stride, first, count)` for each run of the innermost dimension in elements `at..at + count`.
#[inline]
fn runs(view: &View, at: usize, count: usize, mut run: impl FnMut(i64, i64, usize, usize)) {
    let rank = view.dims.len();
    if rank == 0 {
        return run(view.offset, 0, 0, count);
    }
    let mut index: SmallVec<[i64; 8]> = SmallVec::from_elem(0, rank);
    let (mut rest, mut offset) = (at as i64, view.offset);
    for d in (0..rank).rev() {
        let (size, stride) = view.dims[d];
        index[d] = rest % size;
        rest /= size;
        offset += index[d] * stride;
    }
    let (size, stride) = view.dims[rank - 1];
    let mut done = 0;
    loop {
        let length = ((size - index[rank - 1]) as usize).min(count - done);
        run(offset, stride, done, length);
        done += length;
        if done == count {
            return;
        }
        // To the start of the next run.
        offset -= index[rank - 1] * stride;
        index[rank - 1] = 0;
        for d in (0..rank - 1).rev() {
            let (size, stride) = view.dims[d];
            index[d] += 1;
            offset += stride;
            if index[d] < size {
                break;
            }
            offset -= size * stride;
            index[d] = 0;
        }
    }
}

/// Gathers elements `at..at + count` of a view, or finds them lying together.
unsafe fn strided<T: Copy>(
    register: *mut u8,
    base: *const u8,
    view: &View,
    at: usize,
    count: usize,
) -> *mut u8 {
    let (to, from) = (register.cast::<T>(), base.cast::<T>());
    let mut result = register;
    runs(view, at, count, |offset, stride, first, length| {
        // SAFETY: the view stays inside the array, and the register holds `count` elements.
        unsafe {
            let (to, from) = (to.add(first), from.offset(offset as isize));
            match stride {
                1 if length == count => result = from.cast_mut().cast(),
                1 if length >= 32 => std::ptr::copy_nonoverlapping(from, to, length),
                1 => (0..length).for_each(|i| to.add(i).write(*from.add(i))),
                0 => std::slice::from_raw_parts_mut(to, length).fill(*from),
                _ => (0..length).for_each(|i| to.add(i).write(*from.offset(i as isize * stride as isize))),
            }
        }
    });
    result
}

/// Writes the numbers of a view in the given type.
unsafe fn numbers(register: *mut u8, ty: ElementType, view: &View, at: usize, count: usize) {
    macro_rules! write {
        ($t:ty, $from:expr) => {
            runs(view, at, count, |offset, stride, first, length| {
                // SAFETY: the register holds `count` elements of the type.
                let to = unsafe { std::slice::from_raw_parts_mut(register.cast::<$t>().add(first), length) };
                to.iter_mut().enumerate().for_each(|(i, x)| *x = $from(offset + i as i64 * stride));
            })
        };
    }
    match ty {
        ElementType::I8 | ElementType::UI8 => write!(u8, |x: i64| x as u8),
        ElementType::I16 | ElementType::UI16 => write!(u16, |x: i64| x as u16),
        ElementType::I32 | ElementType::UI32 => write!(u32, |x: i64| x as u32),
        ElementType::I64 | ElementType::UI64 => write!(u64, |x: i64| x as u64),
        ElementType::F16 => write!(half::f16, |x: i64| half::f16::from_f64(x as f64)),
        ElementType::BF16 => write!(half::bf16, |x: i64| half::bf16::from_f64(x as f64)),
        ElementType::F32 => write!(f32, |x: i64| x as f32),
        ElementType::C64 => write!([f32; 2], |x: i64| [x as f32, 0.0]),
        ElementType::C128 => write!([f64; 2], |x: i64| [x as f64, 0.0]),
        _ => write!(f64, |x: i64| x as f64),
    }
}

/// Whether the numbers of an iota of that type can be made.
pub(crate) fn has_numbers(ty: ElementType) -> bool {
    !matches!(ty, ElementType::I1) && ty.bits() >= 8 && (!ty.is_float() || ty.bits() >= 16)
}

thread_local! {
    /// Registers of this thread's tile programs, kept between runs.
    static SCRATCH: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Lends `bytes` bytes of this thread's scratch memory.
#[inline]
pub(super) fn with_scratch<R>(bytes: usize, body: impl FnOnce(*mut u8) -> R) -> R {
    // Taken out while in use, so that a nested program gets its own.
    let mut lines = SCRATCH.take();
    let wanted = bytes.div_ceil(64);
    if lines.len() < wanted {
        lines.resize(wanted, Line([0; 64]));
    }
    let result = body(lines.as_mut_ptr().cast());
    SCRATCH.set(lines);
    result
}

impl fmt::Debug for TileProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TileProgram").field("n", &self.n).field("listing", &self.listing).finish()
    }
}
