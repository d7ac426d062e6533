//! Reductions fused with the elementwise region that feeds them.
//!
//! Elements are seen as `outer × rows × columns`; either columns are folded, each row into one accumulator, or rows,
//! each column into one. Long folds are split among threads and their partial results merged in order, so a result
//! depends on the number of threads only through rounding.

use super::tile::{
    Constant, FoldStep, Machine, Output, Reduction, Shared, SharedMut, TileProgram, with_scratch,
};
use crate::kernels::Parallel;
use crate::simd;

/// Work worth a thread of its own, in hundredths of a nanosecond.
const GRAIN: u64 = 800_000;

/// Rows whose accumulators are finished together.
const BATCH: usize = 64;

/// # Safety
/// As [`TileProgram::run`].
pub(super) unsafe fn run(
    program: &TileProgram,
    reduction: &Reduction,
    pool: &dyn Parallel,
    inputs: &[*const u8],
    outputs: &[*mut u8],
) {
    let task = Task {
        program,
        reduction,
        inputs: Shared(inputs.as_ptr(), inputs.len()),
        outputs: SharedMut(outputs.as_ptr(), outputs.len()),
    };
    let work = (program.n as u64).saturating_mul(program.weight);
    let parallel = if work < 2 * GRAIN { 1 } else { ((work / GRAIN) as usize).min(pool.threads() * 4) };
    // SAFETY: as promised by the caller.
    unsafe {
        if program.n == 0 {
            task.empty();
        } else if reduction.along_columns {
            task.along_columns(pool, parallel);
        } else {
            task.along_rows(pool, parallel);
        }
    }
}

struct Task<'a> {
    program: &'a TileProgram,
    reduction: &'a Reduction,
    inputs: Shared,
    outputs: SharedMut,
}

impl Task<'_> {
    /// The array of a fold's results, with its step.
    unsafe fn folds(&self) -> impl Iterator<Item = (&FoldStep, *mut u8)> {
        // SAFETY: the slice of pointers outlives the run.
        let outputs = unsafe { self.outputs.get() };
        self.program.outputs.iter().zip(outputs).filter_map(|(output, &base)| match output {
            Output::Fold(i) => Some((&self.reduction.folds[*i], base)),
            Output::Elements { .. } => None,
        })
    }

    /// A machine for one task, its tiles of the program's size.
    unsafe fn machine<R>(&self, body: impl FnOnce(&mut Machine<'_>) -> R) -> R {
        with_scratch(self.program.scratch, |scratch| {
            // SAFETY: the scratch memory is as large as the program needs.
            let mut machine =
                unsafe { Machine::new(self.program, scratch, self.inputs.get(), self.program.tile) };
            body(&mut machine)
        })
    }

    /// Computes elements `at..at + count` into the machine's registers and the outputs that are not folds.
    unsafe fn step(&self, machine: &mut Machine<'_>, at: usize, count: usize) {
        // SAFETY: as promised by the caller of `run`.
        unsafe {
            for (output, &base) in self.program.outputs.iter().zip(self.outputs.get()) {
                if let Output::Elements { entry, width } = *output {
                    machine.table[entry as usize] = base.add(at * width);
                }
            }
            machine.step(self.inputs.get(), at, count);
        }
    }

    /// Writes the result of one accumulator: the initial value first.
    unsafe fn finish(&self, machine: &Machine<'_>, step: &FoldStep, accumulator: &Constant, to: *mut u8) {
        // SAFETY: as promised by the caller.
        unsafe { self.finish_some(machine, step, accumulator.0.as_ptr(), 1, to) }
    }

    /// Writes the results of up to [`BATCH`] accumulators that lie next to each other.
    unsafe fn finish_some(
        &self,
        machine: &Machine<'_>,
        step: &FoldStep,
        accumulators: *const u8,
        n: usize,
        to: *mut u8,
    ) {
        let mut init = Constant([0; 16]);
        let mut totals = [Constant([0; 16]); BATCH];
        let (init, totals) = (init.0.as_mut_ptr(), totals.as_mut_ptr().cast::<u8>());
        // SAFETY: the totals have room for `n` accumulators of any type, and `to` for as many elements.
        unsafe {
            (step.widen)(init, machine.table[step.init as usize], init, init, 1);
            simd::fill(totals, init, step.accumulator_width, n);
            (step.merge)(totals, accumulators, accumulators, accumulators, n);
            (step.finish)(to, totals, accumulators, accumulators, n);
        }
    }

    /// There is nothing to fold: results are the initial values.
    unsafe fn empty(&self) {
        let Reduction { outer, rows, columns, along_columns, .. } = *self.reduction;
        let kept = if along_columns { outer * rows } else { outer * columns };
        // SAFETY: as promised by the caller of `run`.
        unsafe {
            self.machine(|machine| {
                for (step, base) in self.folds() {
                    for k in 0..kept {
                        self.finish(machine, step, &step.identity, base.add(k * step.width));
                    }
                }
            })
        }
    }

    /// Each row into one accumulator.
    unsafe fn along_columns(&self, pool: &dyn Parallel, parallel: usize) {
        let (rows, columns) = (self.reduction.outer * self.reduction.rows, self.reduction.columns);
        if parallel > 1 && rows < parallel {
            // Few long rows: several tasks to a row.
            let parts = parallel.div_ceil(rows).min(columns);
            let folds = self.reduction.folds.len();
            let mut partial: Vec<Constant> = Vec::with_capacity(rows * parts * folds);
            for _ in 0..rows * parts {
                partial.extend(self.reduction.folds.iter().map(|f| f.identity));
            }
            let table = Table(partial.as_mut_ptr());
            pool.run(rows * parts, &|t| {
                let (row, part) = (t / parts, t % parts);
                let (start, end) = (part * columns / parts, (part + 1) * columns / parts);
                // SAFETY: tasks fold disjoint ranges into accumulators of their own.
                unsafe {
                    self.machine(|machine| {
                        let accumulators = std::slice::from_raw_parts_mut(table.get().add(t * folds), folds);
                        self.fold_range(machine, row * columns + start, end - start, accumulators);
                    })
                }
            });
            // SAFETY: as promised by the caller of `run`.
            unsafe {
                self.machine(|machine| {
                    for row in 0..rows {
                        let parts = &mut partial[row * parts * folds..(row + 1) * parts * folds];
                        let (total, others) = parts.split_at_mut(folds);
                        for other in others.chunks_exact(folds) {
                            for ((step, total), other) in
                                self.reduction.folds.iter().zip(&mut *total).zip(other)
                            {
                                let other = other.0.as_ptr();
                                (step.merge)(total.0.as_mut_ptr(), other, other, other, 1);
                            }
                        }
                        for (step, base) in self.folds() {
                            let index = self.index_of(step);
                            self.finish(machine, step, &total[index], base.add(row * step.width));
                        }
                    }
                })
            }
            return;
        }
        let tasks = parallel.min(rows);
        pool.run(tasks, &|t| {
            let (first, last) = (t * rows / tasks, (t + 1) * rows / tasks);
            // SAFETY: tasks cover disjoint rows.
            unsafe { self.machine(|machine| self.some_rows(machine, first, last, columns)) };
        });
    }

    fn index_of(&self, step: &FoldStep) -> usize {
        self.reduction.folds.iter().position(|s| std::ptr::eq(s, step)).expect("a step of this reduction")
    }

    /// Folds `count` elements from `at` on, all of one row, into the accumulators.
    unsafe fn fold_range(&self, machine: &mut Machine<'_>, at: usize, count: usize, into: &mut [Constant]) {
        let mut done = 0;
        while done < count {
            let n = self.program.tile.min(count - done);
            // SAFETY: as promised by the caller.
            unsafe {
                self.step(machine, at + done, n);
                for (step, into) in self.reduction.folds.iter().zip(&mut *into) {
                    let (value, columns) = (machine.table[step.value as usize], (&raw const n).cast());
                    (step.rows)(into.0.as_mut_ptr(), value, columns, columns, 1);
                }
            }
            done += n;
        }
    }

    /// Rows `first..last`, many short ones to a tile or many tiles to a long one.
    unsafe fn some_rows(&self, machine: &mut Machine<'_>, first: usize, last: usize, columns: usize) {
        let tile = self.program.tile;
        // SAFETY: as promised by the caller.
        unsafe {
            if columns >= tile {
                let mut accumulators: Vec<Constant> = Vec::with_capacity(self.reduction.folds.len());
                for row in first..last {
                    accumulators.clear();
                    accumulators.extend(self.reduction.folds.iter().map(|f| f.identity));
                    self.fold_range(machine, row * columns, columns, &mut accumulators);
                    for (step, base) in self.folds() {
                        let index = self.index_of(step);
                        self.finish(machine, step, &accumulators[index], base.add(row * step.width));
                    }
                }
                return;
            }
            let rows_per_tile = tile / columns;
            let mut row = first;
            while row < last {
                let count = rows_per_tile.min(last - row);
                self.step(machine, row * columns, count * columns);
                for (step, base) in self.folds() {
                    let value = machine.table[step.value as usize];
                    for r in (0..count).step_by(BATCH) {
                        let n = BATCH.min(count - r);
                        let mut accumulators = [Constant([0; 16]); BATCH];
                        let accumulators = accumulators.as_mut_ptr().cast::<u8>();
                        simd::fill(accumulators, step.identity.0.as_ptr(), step.accumulator_width, n);
                        let (from, columns_at) =
                            (value.add(r * columns * step.width), (&raw const columns).cast());
                        (step.rows)(accumulators, from, columns_at, columns_at, n);
                        self.finish_some(machine, step, accumulators, n, base.add((row + r) * step.width));
                    }
                }
                row += count;
            }
        }
    }

    /// Each column into one accumulator.
    unsafe fn along_rows(&self, pool: &dyn Parallel, parallel: usize) {
        let Reduction { outer, rows, columns, .. } = *self.reduction;
        let tile = self.program.tile;
        let segments = columns.div_ceil(tile);
        let units = outer * segments;
        if parallel == 1 || units >= parallel.min(pool.threads() * 2) {
            let tasks = parallel.min(units);
            pool.run(tasks, &|t| {
                // SAFETY: tasks cover disjoint columns.
                unsafe {
                    self.machine(|machine| {
                        for unit in t * units / tasks..(t + 1) * units / tasks {
                            let (o, segment) = (unit / segments, unit % segments);
                            let first = segment * tile;
                            let width = tile.min(columns - first);
                            let mut accumulators = self.column_accumulators(width);
                            self.some_columns(machine, o, 0..rows, first, width, &mut accumulators);
                            self.finish_columns(machine, o * columns + first, width, &mut accumulators);
                        }
                    })
                }
            });
            return;
        }
        // Few columns and many rows: tasks take ranges of rows, and their accumulators are merged.
        let parts = parallel.min(rows);
        let mut partial: Vec<Vec<Vec<Constant>>> = Vec::new();
        for o in 0..outer {
            partial.clear();
            partial.resize_with(parts, Vec::new);
            let slots = Slots(partial.as_mut_ptr());
            pool.run(parts, &|t| {
                // SAFETY: tasks cover disjoint rows, each with accumulators of its own.
                unsafe {
                    self.machine(|machine| {
                        let mut accumulators = self.column_accumulators(columns);
                        for segment in 0..segments {
                            let first = segment * tile;
                            let width = tile.min(columns - first);
                            let range = t * rows / parts..(t + 1) * rows / parts;
                            self.some_columns_at(machine, o, range, first, width, &mut accumulators, first);
                        }
                        *slots.get().add(t) = accumulators;
                    })
                }
            });
            let (total, others) = partial.split_at_mut(1);
            for other in others {
                for ((step, total), other) in self.reduction.folds.iter().zip(&mut total[0]).zip(other) {
                    let other = other.as_ptr().cast();
                    // SAFETY: both hold an accumulator for every column.
                    unsafe { (step.merge)(total.as_mut_ptr().cast(), other, other, other, columns) };
                }
            }
            // SAFETY: as promised by the caller of `run`.
            unsafe {
                self.machine(|machine| self.finish_columns(machine, o * columns, columns, &mut total[0]))
            };
        }
    }

    /// For each fold, an accumulator for each of `width` columns, set to the identity.
    fn column_accumulators(&self, width: usize) -> Vec<Vec<Constant>> {
        let accumulators = |step: &FoldStep| {
            let mut row = vec![Constant([0; 16]); (width * step.accumulator_width).div_ceil(16)];
            // SAFETY: the row has room for `width` accumulators.
            unsafe {
                simd::fill(row.as_mut_ptr().cast(), step.identity.0.as_ptr(), step.accumulator_width, width)
            };
            row
        };
        self.reduction.folds.iter().map(accumulators).collect()
    }

    unsafe fn some_columns(
        &self,
        machine: &mut Machine<'_>,
        o: usize,
        rows: std::ops::Range<usize>,
        first: usize,
        width: usize,
        into: &mut [Vec<Constant>],
    ) {
        // SAFETY: as promised by the caller.
        unsafe { self.some_columns_at(machine, o, rows, first, width, into, 0) }
    }

    /// Folds columns `first..first + width` of some rows into the accumulators from index `to` on.
    #[allow(clippy::too_many_arguments)]
    unsafe fn some_columns_at(
        &self,
        machine: &mut Machine<'_>,
        o: usize,
        rows: std::ops::Range<usize>,
        first: usize,
        width: usize,
        into: &mut [Vec<Constant>],
        to: usize,
    ) {
        let Reduction { rows: all_rows, columns, .. } = *self.reduction;
        // Several whole rows to a tile where they are short.
        let per_tile = if width == columns { (self.program.tile / columns).max(1) } else { 1 };
        let mut row = rows.start;
        while row < rows.end {
            let count = per_tile.min(rows.end - row);
            // SAFETY: as promised by the caller.
            unsafe {
                self.step(machine, (o * all_rows + row) * columns + first, count * width);
                for (step, into) in self.reduction.folds.iter().zip(&mut *into) {
                    let into = into.as_mut_ptr().cast::<u8>().add(to * step.accumulator_width);
                    let value = machine.table[step.value as usize];
                    for r in 0..count {
                        let from = value.add(r * width * step.width);
                        (step.columns)(into, from, from, from, width);
                    }
                }
            }
            row += count;
        }
    }

    /// Writes results `at..at + width`: the accumulators after the initial value.
    unsafe fn finish_columns(
        &self,
        machine: &Machine<'_>,
        at: usize,
        width: usize,
        accumulators: &mut [Vec<Constant>],
    ) {
        // SAFETY: as promised by the caller; the accumulators hold `width` of each fold.
        unsafe {
            for (step, base) in self.folds() {
                let row = &mut accumulators[self.index_of(step)];
                let mut init = Constant([0; 16]);
                let pointer = init.0.as_mut_ptr();
                (step.widen)(pointer, machine.table[step.init as usize], pointer, pointer, 1);
                let mut initial = vec![Constant([0; 16]); row.len()];
                let initial = initial.as_mut_ptr().cast::<u8>();
                simd::fill(initial, pointer, step.accumulator_width, width);
                let row = row.as_ptr().cast();
                (step.merge)(initial, row, row, row, width);
                (step.finish)(base.add(at * step.width), initial, initial, initial, width);
            }
        }
    }
}

/// A pointer that tasks share, each using its own part.
struct Table(*mut Constant);
// SAFETY: tasks touch disjoint parts.
unsafe impl Sync for Table {}
impl Table {
    fn get(&self) -> *mut Constant {
        self.0
    }
}

/// As [`Table`], of lists of accumulators.
struct Slots(*mut Vec<Vec<Constant>>);
// SAFETY: tasks touch disjoint parts.
unsafe impl Sync for Slots {}
impl Slots {
    fn get(&self) -> *mut Vec<Vec<Constant>> {
        self.0
    }
}
