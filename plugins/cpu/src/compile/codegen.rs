//! Code generation for the tile machine: elementwise operations become instructions over registers.
//!
//! A [`TileBuilder`] collects instructions in single assignment form; [`TileBuilder::finish`] gives registers to values
//! (a register is free again after its last use; a result never shares one with an operand) and picks the tile's
//! size so that all registers fit in the first-level cache. Deliberately absent: which operations belong together (`fuse`).

use jacinth_lowering::ops::elementwise::{Binary, CompareType, Unary};
use jacinth_lowering::{ElementType, Op};
use smallvec::SmallVec;

use super::tile::*;
use super::view::View;
use crate::simd::{self, Fold, Level, Scalar, TileFn};

/// A value of a program under construction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Operand {
    /// One element per lane.
    Vector(u32),
    /// One element for all lanes.
    Scalar(u32),
}

/// Where a vector comes from.
#[derive(Clone, Debug)]
enum Source {
    Load { input: usize, width: usize, view: Option<View>, byte_offset: isize },
    Numbers { view: View, ty: ElementType },
    Fill { scalar: u32 },
    Op,
}

#[derive(Clone)]
struct Vector {
    source: Source,
    width: usize,
    op: Option<(TileFn, SmallVec<[Operand; 3]>)>,
    /// For people.
    text: String,
}

#[derive(Clone)]
enum ScalarSource {
    Constant([u8; 16]),
    Input { input: usize, byte_offset: isize },
}

/// What an output of the program is.
#[derive(Clone, Debug)]
pub(crate) enum Emit {
    /// The value, element by element; through a register where the array may be an input's.
    Elements { value: Operand, deferred: bool },
    /// A fold of the value, beginning with `init`.
    Fold { value: Operand, fold: Fold, ty: ElementType, init: Operand },
}

/// The shape of the folds: see [`Reduction`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FoldShape {
    pub(crate) outer: usize,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) along_columns: bool,
}

/// A program under construction.
pub(crate) struct TileBuilder {
    level: Level,
    vectors: Vec<Vector>,
    scalars: Vec<(ScalarSource, usize)>,
    weight: u64,
}

/// Bytes of registers that a tile should not exceed.
const L1: usize = 24 << 10;
const MAX_TILE: usize = 1024;
const MIN_TILE: usize = 128;

impl TileBuilder {
    pub(crate) fn new(level: Level) -> TileBuilder {
        TileBuilder { level, vectors: Vec::new(), scalars: Vec::new(), weight: 0 }
    }

    /// Reads input `input` through a view of its elements.
    pub(crate) fn load(&mut self, input: usize, width: usize, view: &View) -> Operand {
        let byte_offset = view.offset as isize * width as isize;
        if view.is_scalar() && view.len() > 1 {
            return self.scalar(ScalarSource::Input { input, byte_offset }, width);
        }
        let view = (!view.is_contiguous()).then(|| view.coalesced());
        let text = match &view {
            None if byte_offset == 0 => format!("in{input}"),
            None => format!("in{input}[{byte_offset}..]"),
            Some(view) => {
                let dims: Vec<String> = view.dims.iter().map(|d| format!("{}:{}", d.0, d.1)).collect();
                format!("in{input}[{}+{}]", view.offset, dims.join(","))
            }
        };
        self.weight += if view.is_some() { 10 * width as u64 } else { 2 * width as u64 };
        self.vector(Source::Load { input, width, view, byte_offset }, width, text)
    }

    /// Reads the one element of input `input`.
    pub(crate) fn load_scalar(&mut self, input: usize, width: usize) -> Operand {
        self.scalar(ScalarSource::Input { input, byte_offset: 0 }, width)
    }

    /// The numbers of an iota.
    pub(crate) fn numbers(&mut self, view: &View, ty: ElementType) -> Operand {
        let view = view.coalesced();
        let text = format!("iota {}", ty.name());
        self.weight += 4 * ty.byte_width() as u64;
        self.vector(Source::Numbers { view, ty }, ty.byte_width(), text)
    }

    /// A constant element.
    pub(crate) fn constant(&mut self, element: &[u8]) -> Operand {
        let mut bytes = [0; 16];
        bytes[..element.len()].copy_from_slice(element);
        let same = |s: &(ScalarSource, usize)| {
            s.1 == element.len() && matches!(s.0, ScalarSource::Constant(b) if b == bytes)
        };
        match self.scalars.iter().position(same) {
            Some(i) => Operand::Scalar(i as u32),
            None => self.scalar(ScalarSource::Constant(bytes), element.len()),
        }
    }

    fn scalar(&mut self, source: ScalarSource, width: usize) -> Operand {
        self.scalars.push((source, width));
        Operand::Scalar(self.scalars.len() as u32 - 1)
    }

    fn vector(&mut self, source: Source, width: usize, text: String) -> Operand {
        self.vectors.push(Vector { source, width, op: None, text });
        Operand::Vector(self.vectors.len() as u32 - 1)
    }

    /// The operand as a vector: a scalar is filled into a register.
    pub(crate) fn spread(&mut self, operand: Operand) -> Operand {
        let Operand::Scalar(scalar) = operand else { return operand };
        let found =
            self.vectors.iter().position(|v| matches!(v.source, Source::Fill { scalar: s } if s == scalar));
        match found {
            Some(i) => Operand::Vector(i as u32),
            None => {
                let text = format!("fill {}", self.name(operand));
                let width = self.scalars[scalar as usize].1;
                self.vector(Source::Fill { scalar }, width, text)
            }
        }
    }

    fn emit(&mut self, name: &str, f: TileFn, operands: &[Operand], width: usize, weight: u64) -> Operand {
        self.weight += weight * width as u64;
        let names: Vec<String> = operands.iter().map(|&o| self.name(o)).collect();
        let value = self.vector(Source::Op, width, format!("{name} {}", names.join(", ")));
        self.vectors.last_mut().expect("just pushed").op = Some((f, operands.into()));
        value
    }

    fn name(&self, operand: Operand) -> String {
        match operand {
            Operand::Vector(i) => format!("v{i}"),
            Operand::Scalar(i) => match self.scalars[i as usize].0 {
                ScalarSource::Constant(_) => format!("c{i}"),
                ScalarSource::Input { input, .. } => format!("in{input}[0]"),
            },
        }
    }

    fn unary(&mut self, op: Unary, ty: ElementType, width: usize, x: Operand) -> Option<Operand> {
        let f = simd::unary(op, ty, self.level)?;
        let x = self.spread(x);
        Some(self.emit(short(Op::Unary(op).name()), f, &[x], width, unary_weight(op)))
    }

    fn binary(
        &mut self,
        op: Binary,
        ty: ElementType,
        width: usize,
        x: Operand,
        y: Operand,
    ) -> Option<Operand> {
        let level = self.level;
        let weight = binary_weight(op);
        self.two(short(Op::Binary(op).name()), width, x, y, weight, |s| simd::binary(op, ty, s, level))
    }

    /// A function of two operands, with the form for a scalar operand where there is one.
    fn two(
        &mut self,
        name: &str,
        width: usize,
        x: Operand,
        y: Operand,
        weight: u64,
        pick: impl Fn(Scalar) -> Option<TileFn>,
    ) -> Option<Operand> {
        let scalar = match (x, y) {
            (Operand::Scalar(_), Operand::Vector(_)) => Scalar::First,
            (Operand::Vector(_), Operand::Scalar(_)) => Scalar::Second,
            _ => Scalar::None,
        };
        if scalar != Scalar::None
            && let Some(f) = pick(scalar)
        {
            return Some(self.emit(name, f, &[x, y], width, weight));
        }
        let f = pick(Scalar::None)?;
        let (x, y) = (self.spread(x), self.spread(y));
        Some(self.emit(name, f, &[x, y], width, weight))
    }

    fn convert(&mut self, from: ElementType, to: ElementType, x: Operand) -> Option<Operand> {
        if from == to {
            return Some(x);
        }
        match (from.is_complex(), to.is_complex()) {
            (false, false) => {
                let f = simd::convert(from, to, self.level)?;
                let x = self.spread(x);
                Some(self.emit(&format!("convert_{to}"), f, &[x], to.byte_width(), 2))
            }
            (false, true) => {
                let re = self.convert(from, to.real(), x)?;
                let zero = self.constant(&[0; 8][..to.real().byte_width()]);
                self.binary(Binary::Complex, to.real(), to.byte_width(), re, zero)
            }
            (true, false) => {
                let re = self.unary(Unary::Real, from, from.real().byte_width(), x)?;
                self.convert(from.real(), to, re)
            }
            (true, true) => {
                let mut parts = [Unary::Real, Unary::Imag].into_iter().map(|part| {
                    let value = self.unary(part, from, from.real().byte_width(), x)?;
                    self.convert(from.real(), to.real(), value)
                });
                let (re, im) = (parts.next()??, parts.next()??);
                drop(parts);
                self.binary(Binary::Complex, to.real(), to.byte_width(), re, im)
            }
        }
    }

    /// Instructions for an elementwise operation; `None` where there is no kernel for it.
    ///
    /// `types` are the element types of the operands, `result` that of the result.
    pub(crate) fn op(
        &mut self,
        op: &Op,
        operands: &[Operand],
        types: &[ElementType],
        result: ElementType,
    ) -> Option<Operand> {
        let width = result.byte_width();
        match (op, operands) {
            (Op::Unary(Unary::Square), &[x]) if !types[0].is_complex() => {
                self.binary(Binary::Multiply, types[0], width, x, x)
            }
            // `real` and `imag` of a real number.
            (Op::Unary(Unary::Real), &[x]) if !types[0].is_complex() => Some(x),
            (Op::Unary(op), &[x]) => self.unary(*op, types[0], width, x),
            (Op::Binary(op), &[x, y]) => self.binary(*op, types[0], width, x, y),
            (Op::Compare(op), &[x, y]) => {
                let total = op.compare_type == Some(CompareType::TotalOrder) && types[0].is_float();
                let (level, ty, direction) = (self.level, types[0], op.direction);
                let name = format!("{direction:?}").to_lowercase();
                self.two(&name, 1, x, y, 1, |s| simd::compare(direction, total, ty, s, level))
            }
            (Op::Select(_), &[p, x, y]) => {
                let f = simd::select(width, self.level)?;
                let operands = [self.spread(p), self.spread(x), self.spread(y)];
                Some(self.emit("select", f, &operands, width, 2))
            }
            (Op::Clamp(_), &[low, x, high]) if !types[1].is_complex() => {
                let least = self.binary(Binary::Maximum, types[1], width, x, low)?;
                self.binary(Binary::Minimum, types[1], width, least, high)
            }
            (Op::Convert(_), &[x]) => self.convert(types[0], result, x),
            (Op::BitcastConvert(_), &[x])
                if types[0].byte_width() == width && result.bits() == types[0].bits() =>
            {
                Some(x)
            }
            (Op::ReducePrecision(op), &[x]) => {
                let f = simd::reduce_precision(types[0])?;
                let mut bits = [0; 8];
                bits[..4].copy_from_slice(&op.exponent_bits.to_ne_bytes());
                bits[4..].copy_from_slice(&op.mantissa_bits.to_ne_bytes());
                let bits = self.constant(&bits);
                let x = self.spread(x);
                Some(self.emit("reduce_precision", f, &[x, bits], width, 8))
            }
            _ => None,
        }
    }

    /// Whether an input is only read in place: each lane reads the element that it may overwrite.
    pub(crate) fn reads_in_place(&self, input: usize) -> bool {
        self.vectors.iter().all(|v| match &v.source {
            Source::Load { input: i, view, byte_offset, .. } if *i == input => {
                view.is_none() && *byte_offset == 0
            }
            _ => true,
        }) && self.scalars.iter().all(|s| !matches!(s.0, ScalarSource::Input { input: i, .. } if i == input))
    }

    /// Width of the elements as which an input is read, if it is.
    pub(crate) fn input_width(&self, input: usize) -> Option<usize> {
        self.vectors.iter().find_map(|v| match v.source {
            Source::Load { input: i, width, .. } if i == input => Some(width),
            _ => None,
        })
    }

    /// The program of these outputs over `n` elements.
    pub(crate) fn finish(&self, n: usize, emits: &[Emit], shape: Option<FoldShape>) -> TileProgram {
        Allocate::new(self, emits).run(n, shape)
    }
}

fn short(name: &str) -> &str {
    name.split_once('.').map_or(name, |(_, short)| short)
}

/// Rough cost per byte of result, in hundredths of a nanosecond per four bytes.
fn unary_weight(op: Unary) -> u64 {
    match op {
        Unary::Abs
        | Unary::Negate
        | Unary::Not
        | Unary::Sign
        | Unary::Ceil
        | Unary::Floor
        | Unary::IsFinite => 1,
        Unary::Real | Unary::Imag | Unary::RoundNearestEven | Unary::RoundNearestAfz => 1,
        Unary::Sqrt | Unary::Rsqrt => 4,
        Unary::Cbrt | Unary::Tan => 20,
        _ => 10,
    }
}

fn binary_weight(op: Binary) -> u64 {
    match op {
        Binary::Divide => 3,
        Binary::Remainder => 40,
        Binary::Power | Binary::Atan2 => 30,
        _ => 1,
    }
}

/// Turns the builder's values into table entries, registers and code.
struct Allocate<'b> {
    builder: &'b TileBuilder,
    emits: &'b [Emit],
    /// For each vector, the last position that reads it (positions count vectors; outputs come after all).
    last_use: Vec<usize>,
    used_scalars: Vec<bool>,
    /// For each vector, the output it is written to directly.
    direct: Vec<Option<usize>>,
}

impl<'b> Allocate<'b> {
    fn new(builder: &'b TileBuilder, emits: &'b [Emit]) -> Self {
        let count = builder.vectors.len();
        let mut last_use = vec![0; count];
        let mut used_scalars = vec![false; builder.scalars.len()];
        let mut live = vec![false; count];
        let mut direct = vec![None; count];
        for (o, emit) in emits.iter().enumerate() {
            match *emit {
                Emit::Elements { value: Operand::Vector(v), deferred } => {
                    let v = v as usize;
                    live[v] = true;
                    if matches!(builder.vectors[v].source, Source::Op) && !deferred && direct[v].is_none() {
                        direct[v] = Some(o);
                    } else {
                        last_use[v] = usize::MAX;
                    }
                }
                Emit::Fold { value: Operand::Vector(v), init, .. } => {
                    live[v as usize] = true;
                    last_use[v as usize] = usize::MAX;
                    if let Operand::Scalar(s) = init {
                        used_scalars[s as usize] = true;
                    }
                }
                _ => unreachable!("outputs are spread"),
            }
        }
        for i in (0..count).rev() {
            if !live[i] {
                continue;
            }
            if let Some((_, operands)) = &builder.vectors[i].op {
                for operand in operands {
                    match *operand {
                        Operand::Vector(v) => {
                            live[v as usize] = true;
                            last_use[v as usize] = last_use[v as usize].max(i);
                        }
                        Operand::Scalar(s) => used_scalars[s as usize] = true,
                    }
                }
            }
            if let Source::Fill { scalar } = builder.vectors[i].source {
                used_scalars[scalar as usize] = true;
                // Filled once, so it keeps its register.
                last_use[i] = usize::MAX;
            }
            last_use[i] = last_use[i].max(i);
        }
        for (i, live) in live.iter().enumerate() {
            if !live {
                last_use[i] = 0;
            }
        }
        // A dead first vector would look live.
        if !live.is_empty() && !live[0] {
            last_use[0] = usize::MAX - 1;
        }
        Allocate { builder, emits, last_use, used_scalars, direct }
    }

    fn is_live(&self, vector: usize) -> bool {
        if vector == 0 { self.last_use[0] != usize::MAX - 1 } else { self.last_use[vector] >= vector }
    }

    fn run(self, n: usize, shape: Option<FoldShape>) -> TileProgram {
        let builder = self.builder;
        let mut constants = Vec::new();
        let mut scalars = Vec::new();
        let mut scalar_entry = vec![0 as Entry; builder.scalars.len()];
        for (i, (source, _)) in builder.scalars.iter().enumerate().filter(|(i, _)| self.used_scalars[*i]) {
            if let ScalarSource::Constant(bytes) = source {
                scalar_entry[i] = constants.len() as Entry;
                constants.push(Constant(*bytes));
            }
        }
        let mut next = constants.len() as Entry;
        let mut entry = || {
            next += 1;
            next - 1
        };
        for (i, (source, _)) in builder.scalars.iter().enumerate().filter(|(i, _)| self.used_scalars[*i]) {
            if let ScalarSource::Input { input, byte_offset } = *source {
                scalar_entry[i] = entry();
                scalars.push(ScalarInput { entry: scalar_entry[i], input, byte_offset });
            }
        }
        let output_entry: Vec<Option<Entry>> =
            self.emits.iter().map(|e| matches!(e, Emit::Elements { .. }).then(&mut entry)).collect();

        // Registers by width, each with the list of those that are free.
        let mut register_width: Vec<usize> = Vec::new();
        let mut register_entry: Vec<Entry> = Vec::new();
        let mut free: Vec<usize> = Vec::new();
        let mut vector_register: Vec<Option<usize>> = vec![None; builder.vectors.len()];
        let mut vector_entry = vec![0 as Entry; builder.vectors.len()];
        let (mut code, mut loads, mut fills, mut listing) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (i, vector) in builder.vectors.iter().enumerate() {
            if !self.is_live(i) {
                continue;
            }
            let needs_register = match &vector.source {
                Source::Load { view: None, .. } => false,
                Source::Op => self.direct[i].is_none(),
                _ => true,
            };
            let mut register = 0;
            if needs_register {
                let position = free.iter().position(|&r| register_width[r] == vector.width);
                let r = match position {
                    // A filled register must not have been written by code that ran before it in the tile.
                    Some(position) if !matches!(vector.source, Source::Fill { .. }) => {
                        free.swap_remove(position)
                    }
                    _ => {
                        register_width.push(vector.width);
                        register_entry.push(entry());
                        register_width.len() - 1
                    }
                };
                vector_register[i] = Some(r);
                register = register_entry[r];
            }
            listing.push(match self.direct[i] {
                Some(o) => format!("v{i} = out{o} = {}", vector.text),
                None => format!("v{i} = {}", vector.text),
            });
            match &vector.source {
                Source::Load { input, width, view, byte_offset } => {
                    vector_entry[i] = entry();
                    let kind = match view {
                        None => LoadKind::Contiguous { byte_offset: *byte_offset },
                        Some(view) => LoadKind::Strided { register, view: view.clone() },
                    };
                    code.push(Instr::Load(loads.len() as u16));
                    loads.push(Load { entry: vector_entry[i], input: *input, width: *width, kind });
                }
                Source::Numbers { view, ty } => {
                    vector_entry[i] = entry();
                    let kind = LoadKind::Numbers { register, view: view.clone(), ty: *ty };
                    code.push(Instr::Load(loads.len() as u16));
                    loads.push(Load { entry: vector_entry[i], input: 0, width: vector.width, kind });
                }
                Source::Fill { scalar } => {
                    vector_entry[i] = register;
                    fills.push(Fill { register, from: scalar_entry[*scalar as usize], width: vector.width });
                }
                Source::Op => {
                    vector_entry[i] = match self.direct[i] {
                        Some(o) => output_entry[o].expect("an output of elements"),
                        None => register,
                    };
                    let (f, operands) = vector.op.as_ref().expect("an instruction");
                    let place = |k: usize| match operands.get(k) {
                        Some(Operand::Vector(v)) => vector_entry[*v as usize],
                        Some(Operand::Scalar(s)) => scalar_entry[*s as usize],
                        None => vector_entry[i],
                    };
                    code.push(Instr::Op { f: *f, d: vector_entry[i], a: place(0), b: place(1), c: place(2) });
                    for operand in operands {
                        if let Operand::Vector(v) = *operand {
                            let v = v as usize;
                            if self.last_use[v] == i
                                && let Some(r) = vector_register[v].take()
                            {
                                free.push(r);
                            }
                        }
                    }
                }
            }
        }
        // What is left to copy: outputs that may be inputs, loads that are outputs, values that are several outputs.
        let mut folds = Vec::new();
        let mut outputs = Vec::new();
        for (o, emit) in self.emits.iter().enumerate() {
            match emit {
                Emit::Elements { value, .. } => {
                    let Operand::Vector(v) = *value else { unreachable!("outputs are spread") };
                    let (d, width) =
                        (output_entry[o].expect("an output of elements"), builder.vectors[v as usize].width);
                    outputs.push(Output::Elements { entry: d, width });
                    if self.direct[v as usize] != Some(o) {
                        let a = vector_entry[v as usize];
                        code.push(Instr::Op { f: simd::copy(width), d, a, b: a, c: a });
                        listing.push(format!("out{o} = v{v}"));
                    }
                }
                Emit::Fold { value, fold, ty, init } => {
                    let Operand::Vector(v) = *value else { unreachable!("folded values are spread") };
                    let init = match *init {
                        Operand::Scalar(s) => scalar_entry[s as usize],
                        Operand::Vector(v) => vector_entry[v as usize],
                    };
                    let text = format!("out{o} = fold_{fold:?} v{v}").to_lowercase();
                    listing.push(text);
                    outputs.push(Output::Fold(folds.len()));
                    folds.push(
                        fold_step(*fold, *ty, vector_entry[v as usize], init, builder.level)
                            .expect("the fuser asked `can_fold`"),
                    );
                }
            }
        }
        let bytes_per_lane: usize = register_width.iter().sum();
        let tile = tile_size(bytes_per_lane, n, shape);
        let mut registers = Vec::new();
        let mut scratch = 0;
        for (&width, &entry) in register_width.iter().zip(&register_entry) {
            registers.push(Register { entry, offset: scratch });
            scratch += (width * tile).next_multiple_of(64);
        }
        let reduction = shape.map(|s| Reduction {
            outer: s.outer,
            rows: s.rows,
            columns: s.columns,
            along_columns: s.along_columns,
            folds,
        });
        TileProgram {
            n,
            tile,
            outputs,
            constants,
            registers,
            scalars,
            fills,
            code,
            loads,
            scratch,
            reduction,
            weight: (builder.weight / 4).max(1),
            listing,
        }
    }
}

/// Elements per tile: as many as fit the first-level cache, in whole rows where there are rows.
fn tile_size(bytes_per_lane: usize, n: usize, shape: Option<FoldShape>) -> usize {
    let mut tile = MAX_TILE;
    while tile > MIN_TILE && tile * bytes_per_lane > L1 {
        tile /= 2;
    }
    if let Some(shape) = shape
        && shape.columns > tile
    {
        // Equal parts of a row, so that no tile is a crumb.
        let parts = shape.columns.div_ceil(tile);
        return shape.columns.div_ceil(parts).next_multiple_of(64).min(tile);
    }
    if n > 0 && n < tile { n.next_multiple_of(16) } else { tile }
}

/// Whether elements of a type can be folded so.
pub(crate) fn can_fold(fold: Fold, ty: ElementType, level: Level) -> bool {
    fold_step(fold, ty, 0, 0, level).is_some()
}

fn fold_step(fold: Fold, ty: ElementType, value: Entry, init: Entry, level: Level) -> Option<FoldStep> {
    let accumulator = simd::accumulator(ty);
    Some(FoldStep {
        value,
        width: ty.byte_width(),
        rows: simd::fold_rows(fold, ty, level)?,
        columns: simd::fold_columns(fold, ty, level)?,
        merge: simd::fold_columns(fold, accumulator, level)?,
        finish: simd::fold_finish(ty, level)?,
        accumulator_width: accumulator.byte_width(),
        identity: identity(fold, accumulator)?,
        init,
        widen: match accumulator == ty {
            true => simd::copy(ty.byte_width()),
            false => simd::convert(ty, accumulator, level)?,
        },
    })
}

/// The element that changes nothing when folded.
fn identity(fold: Fold, ty: ElementType) -> Option<Constant> {
    use ElementType::*;
    let mut bytes = [0u8; 16];
    let width = ty.byte_width();
    macro_rules! put {
        ($value:expr) => {{
            let value = $value.to_ne_bytes();
            bytes[..value.len()].copy_from_slice(&value);
        }};
    }
    match (fold, ty) {
        (Fold::Or | Fold::Xor, _) => {}
        (Fold::Add, F32) => put!(-0.0f32),
        (Fold::Add, F64) => put!(-0.0f64),
        (Fold::Add, _) => {}
        (Fold::And, I1) | (Fold::Mul | Fold::Min, I1) => bytes[0] = 1,
        (Fold::Max, I1) => {}
        (Fold::And, _) => bytes[..width].fill(0xff),
        (Fold::Mul, F32) => put!(1.0f32),
        (Fold::Mul, F64) => put!(1.0f64),
        (Fold::Mul, _) => bytes[0] = 1,
        (Fold::Max, F32) => put!(f32::NEG_INFINITY),
        (Fold::Max, F64) => put!(f64::NEG_INFINITY),
        (Fold::Min, F32) => put!(f32::INFINITY),
        (Fold::Min, F64) => put!(f64::INFINITY),
        (Fold::Max, _) if ty.is_unsigned() => {}
        (Fold::Min, _) if ty.is_unsigned() => bytes[..width].fill(0xff),
        (Fold::Max, _) if ty.is_signed() => bytes[width - 1] = 0x80,
        (Fold::Min, _) if ty.is_signed() => {
            bytes[..width].fill(0xff);
            bytes[width - 1] = 0x7f;
        }
        _ => return None,
    }
    Some(Constant(bytes))
}
