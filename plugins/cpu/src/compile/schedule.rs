//! The schedule: what an executable runs, and the running of it.
//!
//! A [`Program`] is a list of steps over a table of pointers, one entry per storage; loops and branches have lists of
//! their own over the same table, so what is around them is simply there. Nothing is allocated while steps run: results
//! and the arena are taken from the allocator before the first. Invariants: a step reads and writes the storages it
//! names and nothing else; after an error the results are dropped.

use std::fmt;
use std::sync::Arc;

use jacinth_lowering::{Literal, TensorType, Type, Value};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::assign::{Assignment, Facts, Place, Slot, assign};
use super::fuse::{Item, Plan, While, reads, writes};
use super::tile::TileProgram;
use crate::error::{Error, Result};
use crate::executable::{Arguments, Outputs, RunContext};
use crate::kernels::{Cost, Kernel, KernelContext};

/// A compiled program.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) parameters: Vec<TensorType>,
    pub(crate) results: Vec<TensorType>,
    pub(crate) aliases: Vec<(usize, usize)>,
    pub(crate) cost: Cost,
    pub(crate) arena_bytes: usize,
    /// Rough time of one execution on one thread.
    pub(crate) nanoseconds: u64,
    steps: Vec<Step>,
    places: Vec<Place>,
    constants: Vec<Constant>,
    /// Sizes of parameters and results in bytes.
    parameter_bytes: Vec<usize>,
    result_bytes: Vec<usize>,
    /// The storage of each result, and where it is copied from if the steps leave it elsewhere.
    outputs: Vec<Slot>,
    copies: Vec<(usize, Slot)>,
    /// For each result, the parameter that it is, unchanged.
    same: Vec<Option<usize>>,
    /// For each result, the parameter whose buffer it takes over if that is donated.
    takes: Vec<Option<usize>>,
}

/// A constant's bytes, aligned as allocations are.
#[derive(Debug)]
struct Constant(Vec<Line>);

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([u8; 64]);

type Slots = SmallVec<[Slot; 4]>;

/// One step.
enum Step {
    Tile { program: Box<TileProgram>, inputs: Slots, outputs: Slots },
    Kernel { kernel: Box<dyn Kernel>, name: &'static str, inputs: Slots, outputs: Slots },
    Copy { from: Slot, to: Slot, bytes: usize },
    While(Box<WhileStep>),
    Branch { index: Slot, boolean: bool, branches: Vec<Vec<Step>> },
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Tile { inputs, outputs, .. } => write!(f, "Tile({inputs:?} -> {outputs:?})"),
            Step::Kernel { name, inputs, outputs, .. } => write!(f, "{name}({inputs:?} -> {outputs:?})"),
            Step::Copy { from, to, bytes } => write!(f, "Copy({from} -> {to}, {bytes})"),
            Step::While(step) => write!(f, "While({:?}, {:?})", step.cond, step.body),
            Step::Branch { index, branches, .. } => write!(f, "Branch({index}, {branches:?})"),
        }
    }
}

struct WhileStep {
    /// (from, to, bytes) before the loop.
    init: Vec<(Slot, Slot, usize)>,
    cond: Vec<Step>,
    pred: Slot,
    body: Vec<Step>,
    moves: Vec<Move>,
}

/// What the body left elsewhere becomes what the loop carries.
#[derive(Clone, Copy)]
struct Move {
    to: Slot,
    from: Slot,
    bytes: usize,
    /// Whether the carried storage is a result of the program, whose pointer must be the same at the end.
    output: bool,
}

/// Below this many bytes copying is cheaper than exchanging pointers.
const SMALL: usize = 64;
/// Results of together so many bytes are pieces of one block: one that lives long keeps no more than that from being reused.
const PIECES: usize = 16 << 10;
/// So many results are many.
const MANY: usize = 4;

/// What the schedule is made from.
pub(crate) struct Source<'a> {
    pub(crate) types: &'a [Type],
    pub(crate) parameters: &'a [Value],
    pub(crate) results: &'a [Value],
    pub(crate) literals: &'a FxHashMap<Value, Literal>,
    pub(crate) wanted: &'a [(usize, usize)],
}

impl Program {
    /// The program of a plan.
    pub(crate) fn new(mut plan: Plan, source: &Source<'_>) -> Program {
        let (constants, literals) = constants(&plan, source);
        let facts = Facts {
            types: source.types,
            parameters: source.parameters,
            results: source.results,
            constants: &constants,
            wanted: source.wanted,
        };
        let assignment = assign(&mut plan, &facts);
        let tensor = |v: &Value| source.types[v.index()].as_tensor().expect("a tensor").clone();
        let bytes = |types: &[TensorType]| -> Vec<usize> {
            types.iter().map(|ty| ty.byte_size().expect("static")).collect()
        };
        let parameters: Vec<TensorType> = source.parameters.iter().map(tensor).collect();
        let results: Vec<TensorType> = source.results.iter().map(tensor).collect();
        let mut build = Build { assignment: &assignment, loops: 0, cost: Cost::default(), nanoseconds: 0 };
        let steps = build.steps(plan);
        let mut takes = vec![None; results.len()];
        for &(result, parameter) in &assignment.aliases {
            takes[result] = Some(parameter);
        }
        let (cost, nanoseconds) = (build.cost, build.nanoseconds);
        let places: Vec<Place> = assignment.storages.iter().map(|s| s.place).collect();
        let mut same = vec![None; results.len()];
        for &(k, from) in &assignment.copies {
            if let Place::Parameter(p) = places[from as usize] {
                same[k] = Some(p);
            }
        }
        Program {
            parameter_bytes: bytes(&parameters),
            result_bytes: bytes(&results),
            parameters,
            results,
            takes,
            cost,
            arena_bytes: assignment.arena_bytes,
            nanoseconds,
            steps,
            places,
            same,
            constants: literals,
            outputs: assignment.outputs,
            copies: assignment.copies,
            aliases: assignment.aliases,
        }
    }

    /// See [`crate::executable::Executable::execute`].
    pub(crate) fn execute(&self, arguments: Arguments, cx: &RunContext<'_>) -> Result<Outputs> {
        if arguments.len() != self.parameters.len() {
            return Err(Error::invalid(format!(
                "execute: the program has {} parameters, got {} arguments",
                self.parameters.len(),
                arguments.len()
            )));
        }
        for (i, (argument, &bytes)) in arguments.iter().zip(&self.parameter_bytes).enumerate() {
            let length = argument.allocation().len();
            if length < bytes {
                let ty = &self.parameters[i];
                return Err(Error::invalid(format!(
                    "execute: argument {i} has {length} bytes, its parameter {ty} has {bytes}"
                )));
            }
        }
        let outputs = self.room(&arguments, cx)?;
        let arena = match self.arena_bytes {
            0 => None,
            bytes => Some(cx.allocator.allocate(bytes)?),
        };
        let base = arena.as_ref().map_or(std::ptr::null_mut(), |a| a.as_ptr());
        let mut table: SmallVec<[*mut u8; 48]> = self
            .places
            .iter()
            .map(|place| match *place {
                Place::Parameter(i) => arguments[i].allocation().as_ptr(),
                Place::Constant(i) => self.constants[i].0.as_ptr().cast_mut().cast(),
                Place::Output(k) => outputs[k].as_ptr(),
                // Offsets lie inside the arena, which exists if there is one.
                Place::Arena(offset) => base.wrapping_add(offset),
            })
            .collect();
        #[cfg(debug_assertions)]
        if let Some(arena) = &arena {
            // SAFETY: the arena is this execution's own. Whoever reads before writing meets this pattern.
            unsafe { std::ptr::write_bytes(arena.as_ptr(), 0xcd, arena.len()) };
        }
        let mut machine = Machine { table: &mut table, cx: &cx.kernels };
        machine.steps(&self.steps)?;
        for &(k, from) in &self.copies {
            machine.copy(from, self.outputs[k], self.result_bytes[k]);
        }
        drop(arena);
        Ok(outputs)
    }

    /// Memory for the results: a shared argument's where a result is that parameter, a donated argument's where it may be
    /// overwritten, else fresh; many small ones are pieces of one block.
    fn room(&self, arguments: &Arguments, cx: &RunContext<'_>) -> Result<Outputs> {
        let mut outputs = Outputs::with_capacity(self.results.len());
        let given = |k: usize| {
            let shared = self.same[k].filter(|&p| !arguments[p].is_donated());
            let argument = shared.or_else(|| self.takes[k].filter(|&p| arguments[p].is_donated()));
            argument.map(|p| arguments[p].allocation())
        };
        let fresh = || (0..self.results.len()).filter(|&k| given(k).is_none()).map(|k| self.result_bytes[k]);
        let mut pieces = match fresh().fold((0, 0), |(n, sum), bytes| (n + 1, sum + bytes)) {
            (n, sum) if n >= MANY && sum <= PIECES => {
                cx.allocator.allocate_pieces(&fresh().collect::<SmallVec<[usize; 16]>>())?
            }
            _ => SmallVec::new(),
        }
        .into_iter();
        for k in 0..self.results.len() {
            outputs.push(match given(k) {
                Some(allocation) => Arc::clone(allocation),
                None => match pieces.next() {
                    Some(piece) => Arc::new(piece),
                    None => Arc::new(cx.allocator.allocate(self.result_bytes[k])?),
                },
            });
        }
        Ok(outputs)
    }
}

/// The state of an execution.
struct Machine<'a> {
    table: &'a mut [*mut u8],
    cx: &'a KernelContext<'a>,
}

impl Machine<'_> {
    fn steps(&mut self, steps: &[Step]) -> Result<()> {
        for step in steps {
            match step {
                Step::Tile { program, inputs, outputs } => {
                    let (inputs, outputs) = (self.pointers(inputs), self.pointers(outputs));
                    let inputs: SmallVec<[*const u8; 8]> = inputs.iter().map(|p| p.cast_const()).collect();
                    // SAFETY: the table holds an array of the right size for each storage, and the assignment keeps
                    // outputs apart from inputs except where the program was made to work in place.
                    unsafe { program.run(self.cx.pool, &inputs, &outputs) };
                }
                Step::Kernel { kernel, inputs, outputs, .. } => {
                    let (inputs, outputs) = (self.pointers(inputs), self.pointers(outputs));
                    let inputs: SmallVec<[*const u8; 8]> = inputs.iter().map(|p| p.cast_const()).collect();
                    // SAFETY: as above; outputs are initialised memory, as all allocations are.
                    unsafe { kernel.run(self.cx, &inputs, &outputs) }?;
                }
                Step::Copy { from, to, bytes } => self.copy(*from, *to, *bytes),
                Step::While(step) => self.while_step(step)?,
                Step::Branch { index, boolean, branches } => {
                    let pointer = self.table[*index as usize];
                    // SAFETY: the index is a boolean's byte or an `i32`.
                    let chosen = unsafe {
                        match boolean {
                            true => usize::from(*pointer == 0),
                            false => usize::try_from(*pointer.cast::<i32>()).unwrap_or(usize::MAX),
                        }
                    };
                    let chosen = chosen.min(branches.len().saturating_sub(1));
                    if let Some(steps) = branches.get(chosen) {
                        self.steps(steps)?;
                    }
                }
            }
        }
        Ok(())
    }

    #[inline]
    fn pointers(&self, slots: &[Slot]) -> SmallVec<[*mut u8; 8]> {
        slots.iter().map(|&s| self.table[s as usize]).collect()
    }

    #[inline]
    fn copy(&mut self, from: Slot, to: Slot, bytes: usize) {
        let (from, to) = (self.table[from as usize], self.table[to as usize]);
        if from != to {
            // SAFETY: both storages have at least `bytes` bytes, and are apart.
            unsafe { std::ptr::copy_nonoverlapping(from, to, bytes) };
        }
    }

    fn while_step(&mut self, step: &WhileStep) -> Result<()> {
        for &(from, to, bytes) in &step.init {
            self.copy(from, to, bytes);
        }
        let homes: SmallVec<[(Slot, *mut u8); 4]> =
            step.moves.iter().filter(|m| m.output).map(|m| (m.to, self.table[m.to as usize])).collect();
        loop {
            self.steps(&step.cond)?;
            // SAFETY: the predicate is a boolean's byte.
            if unsafe { *self.table[step.pred as usize] } == 0 {
                break;
            }
            self.steps(&step.body)?;
            for m in &step.moves {
                if m.bytes <= SMALL {
                    self.copy(m.from, m.to, m.bytes);
                } else {
                    self.table.swap(m.from as usize, m.to as usize);
                }
            }
        }
        // What the program's caller will look at must be where the caller looks.
        for (slot, home) in homes {
            let now = self.table[slot as usize];
            if now != home {
                let m = step.moves.iter().find(|m| m.to == slot).expect("it was moved");
                // SAFETY: two storages of that size, which were exchanged.
                unsafe { std::ptr::copy_nonoverlapping(now, home, m.bytes) };
                self.table.swap(m.from as usize, m.to as usize);
            }
        }
        Ok(())
    }
}

/// The constants that a plan reads, with their indices, and their bytes.
fn constants(plan: &Plan, source: &Source<'_>) -> (Vec<(Value, usize)>, Vec<Constant>) {
    let mut values = Vec::new();
    let mut written = Vec::new();
    collect(plan, &mut values, &mut written);
    values.extend(source.results);
    values.sort_unstable();
    values.dedup();
    written.sort_unstable();
    let mut indices = Vec::new();
    let mut bytes = Vec::new();
    for value in values {
        if let Some(literal) = source.literals.get(&value)
            && written.binary_search(&value).is_err()
        {
            indices.push((value, bytes.len()));
            let line = |chunk: &[u8]| {
                let mut line = Line([0; 64]);
                line.0[..chunk.len()].copy_from_slice(chunk);
                line
            };
            let mut lines: Vec<Line> = literal.to_bytes().chunks(64).map(line).collect();
            if lines.is_empty() {
                lines.push(Line([0; 64]));
            }
            bytes.push(Constant(lines));
        }
    }
    (indices, bytes)
}

/// All values that a plan reads and writes, nested plans included.
fn collect(plan: &Plan, read: &mut Vec<Value>, written: &mut Vec<Value>) {
    for item in &plan.items {
        written.extend(writes(item));
        match item {
            Item::While(item) => {
                read.extend(&item.init);
                read.push(item.pred);
                read.extend(&item.results);
                collect(&item.cond, read, written);
                collect(&item.body, read, written);
            }
            Item::Branch { index, branches, .. } => {
                read.push(*index);
                for (plan, results) in branches {
                    read.extend(results);
                    collect(plan, read, written);
                }
            }
            item => reads(item, read),
        }
    }
}

/// Turns plans into steps.
struct Build<'a> {
    assignment: &'a Assignment,
    /// Loops met so far.
    loops: usize,
    cost: Cost,
    nanoseconds: u64,
}

impl Build<'_> {
    fn slots(&self, values: &[Value]) -> Slots {
        values.iter().map(|&v| self.assignment.slot(v)).collect()
    }

    fn bytes(&self, slot: Slot) -> usize {
        self.assignment.storages[slot as usize].bytes
    }

    fn add(&mut self, cost: Cost, nanoseconds: u64) {
        self.cost.flops = self.cost.flops.saturating_add(cost.flops);
        self.cost.bytes = self.cost.bytes.saturating_add(cost.bytes);
        self.nanoseconds = self.nanoseconds.saturating_add(nanoseconds);
    }

    fn steps(&mut self, plan: Plan) -> Vec<Step> {
        plan.items.into_iter().filter_map(|item| self.step(item)).collect()
    }

    fn step(&mut self, item: Item) -> Option<Step> {
        Some(match item {
            Item::Tile(tile) => {
                let program = tile.builder.finish(tile.n, &tile.emits, tile.shape);
                let (inputs, outputs) = (self.slots(&tile.inputs), self.slots(&tile.outputs));
                let bytes: usize = inputs.iter().chain(&outputs).map(|&s| self.bytes(s)).sum();
                let flops = (tile.n as u64).saturating_mul(program.code.len() as u64);
                self.add(Cost { flops, bytes: bytes as u64 }, program.nanoseconds());
                Step::Tile { program: Box::new(program), inputs, outputs }
            }
            Item::Kernel { kernel, name, inputs, outputs } => {
                let cost = kernel.cost();
                self.add(cost, kernel.nanoseconds());
                let (inputs, outputs) = (self.slots(&inputs), self.slots(&outputs));
                Step::Kernel { kernel, name, inputs, outputs }
            }
            Item::Copy { from, to } => {
                let (from, to) = (self.assignment.slot(from), self.assignment.slot(to));
                if from == to {
                    return None;
                }
                let bytes = self.bytes(to);
                self.add(Cost { flops: 0, bytes: 2 * bytes as u64 }, bytes as u64 / 10);
                Step::Copy { from, to, bytes }
            }
            Item::While(item) => self.while_step(*item),
            Item::Branch { index, boolean, branches, .. } => {
                let index = self.assignment.slot(index);
                let branches = branches.into_iter().map(|(plan, _)| self.steps(plan)).collect();
                Step::Branch { index, boolean, branches }
            }
        })
    }

    fn while_step(&mut self, item: While) -> Step {
        let carried = item.init.iter().zip(&item.outs);
        let init = carried
            .map(|(&from, &to)| (self.assignment.slot(from), self.assignment.slot(to)))
            .filter(|(from, to)| from != to)
            .map(|(from, to)| (from, to, self.bytes(to)))
            .collect();
        let before = self.nanoseconds;
        let cond = self.steps(item.cond);
        let index = self.loops;
        self.loops += 1;
        let body = self.steps(item.body);
        // How often a loop runs is not known; it is taken to be often.
        let once = self.nanoseconds - before;
        self.nanoseconds = before.saturating_add(once.saturating_mul(100)).saturating_add(1000);
        let moves = self.assignment.moves[index]
            .iter()
            .map(|&(to, from)| {
                let storage = self.assignment.storages[to as usize];
                Move { to, from, bytes: storage.bytes, output: matches!(storage.place, Place::Output(_)) }
            })
            .collect();
        Step::While(Box::new(WhileStep { init, cond, pred: self.assignment.slot(item.pred), body, moves }))
    }
}

/// The program for people: one line per step and instruction, storages as `p0` (parameter), `c0` (constant), `r0` (result)
/// and `t64` (offset in the arena).
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |types: &[TensorType]| {
            let types: Vec<String> = types.iter().map(ToString::to_string).collect();
            types.join(", ")
        };
        writeln!(f, "program({}) -> ({})", list(&self.parameters), list(&self.results))?;
        writeln!(f, "arena {} bytes, {} constants", self.arena_bytes, self.constants.len())?;
        for (result, parameter) in &self.aliases {
            writeln!(f, "r{result} over p{parameter} if donated")?;
        }
        self.display(f, &self.steps, 0)?;
        for &(k, from) in &self.copies {
            writeln!(f, "r{k} = {}", self.name(from))?;
        }
        Ok(())
    }
}

impl Program {
    fn name(&self, slot: Slot) -> String {
        match self.places[slot as usize] {
            Place::Parameter(i) => format!("p{i}"),
            Place::Constant(i) => format!("c{i}"),
            Place::Output(k) => format!("r{k}"),
            Place::Arena(offset) => format!("t{offset}"),
        }
    }

    fn names(&self, slots: &[Slot]) -> String {
        let names: Vec<String> = slots.iter().map(|&s| self.name(s)).collect();
        names.join(", ")
    }

    fn display(&self, f: &mut fmt::Formatter<'_>, steps: &[Step], depth: usize) -> fmt::Result {
        let pad = "  ".repeat(depth);
        for step in steps {
            match step {
                Step::Tile { program, inputs, outputs } => {
                    write!(f, "{pad}{} = fused {}", self.names(outputs), program.n)?;
                    if let Some(r) = &program.reduction {
                        let along = if r.along_columns { "columns" } else { "rows" };
                        write!(f, " as {}x{}x{} along {along}", r.outer, r.rows, r.columns)?;
                    }
                    writeln!(f, " ({})", self.names(inputs))?;
                    for line in &program.listing {
                        writeln!(f, "{pad}    {line}")?;
                    }
                }
                Step::Kernel { name, inputs, outputs, .. } => {
                    writeln!(f, "{pad}{} = {name} ({})", self.names(outputs), self.names(inputs))?;
                }
                Step::Copy { from, to, bytes } => {
                    writeln!(f, "{pad}{} = copy {bytes} ({})", self.name(*to), self.name(*from))?;
                }
                Step::While(step) => {
                    for (from, to, _) in &step.init {
                        writeln!(f, "{pad}{} = {}", self.name(*to), self.name(*from))?;
                    }
                    writeln!(f, "{pad}while {}", self.name(step.pred))?;
                    self.display(f, &step.cond, depth + 1)?;
                    writeln!(f, "{pad}do")?;
                    self.display(f, &step.body, depth + 1)?;
                    for m in &step.moves {
                        let verb = if m.bytes <= SMALL { "=" } else { "<->" };
                        writeln!(f, "{pad}  {} {verb} {}", self.name(m.to), self.name(m.from))?;
                    }
                }
                Step::Branch { index, branches, .. } => {
                    writeln!(f, "{pad}choose {}", self.name(*index))?;
                    for (i, steps) in branches.iter().enumerate() {
                        writeln!(f, "{pad}branch {i}")?;
                        self.display(f, steps, depth + 1)?;
                    }
                }
            }
        }
        Ok(())
    }
}
