//! Simplification: constant folding, common subexpressions, algebra and dead code, in one forward and one backward pass.
//!
//! Every rule is exact: it gives the same bits as the program it replaces (NaN payloads excepted), so `x·0` stays and `x + 0`
//! goes only where it cannot turn −0 into +0. Nested blocks see what is known outside of them. Deliberately absent:
//! anything that moves an operation into or out of a block.

use jacinth_lowering::ops::constant::Constant;
use jacinth_lowering::ops::dot::{DotDimensionNumbers, DotGeneral};
use jacinth_lowering::ops::elementwise::{Binary, Unary};
use jacinth_lowering::ops::shape::{BroadcastInDim, Reshape, Transpose};
use jacinth_lowering::{Block, ElementType, Literal, Op, Operation, Shape, TensorType, Type, Value, Values};
use rustc_hash::{FxHashMap, FxHasher};
use smallvec::SmallVec;
use std::hash::{Hash, Hasher};

use super::codegen::{Emit, Operand, TileBuilder};
use super::graph::Graph;
use super::view::View;
use crate::kernels::Serial;
use crate::simd::Level;

/// Elements of the largest constant that folding makes.
const FOLD_LIMIT: usize = 1024;

/// Simplifies the whole graph.
pub(crate) fn simplify(graph: &mut Graph, level: Level) {
    let count = graph.types.len();
    let body = std::mem::take(&mut graph.body);
    let mut uses = vec![0; count];
    count_uses(&body, &mut uses);
    let mut pass = Pass {
        types: &mut graph.types,
        level,
        replaced: (0..count as u32).map(Value).collect(),
        uses,
        facts: vec![Fact::None; count],
        open: Vec::new(),
        known: FxHashMap::default(),
    };
    let mut body = pass.block(body);
    let mut used = vec![false; graph.types.len()];
    sweep(&mut body, &mut used);
    graph.body = body;
}

/// What is known of a value.
#[derive(Clone)]
enum Fact {
    None,
    Constant(Literal),
    /// It is this operation of one operand.
    Of(Box<Op>, Value),
    /// It is this product.
    Dot(Box<DotGeneral>, [Value; 2]),
}

struct Pass<'g> {
    types: &'g mut Vec<Type>,
    level: Level,
    /// What to use instead of each value.
    replaced: Vec<Value>,
    /// How often each value is used in the program as it came.
    uses: Vec<u32>,
    facts: Vec<Fact>,
    /// The operations so far of the blocks that are open, outermost first.
    open: Vec<Vec<Operation>>,
    /// Operations by hash: depth and index in `open`.
    known: FxHashMap<u64, SmallVec<[(u32, u32); 1]>>,
}

/// What becomes of an operation.
enum Becomes {
    Itself,
    Value(Value),
    Operation(Op, Values),
}

impl Pass<'_> {
    fn ty(&self, value: Value) -> &TensorType {
        self.types[value.index()].as_tensor().expect("every value of a graph is a tensor")
    }

    fn constant(&self, value: Value) -> Option<&Literal> {
        match &self.facts[value.index()] {
            Fact::Constant(literal) => Some(literal),
            _ => None,
        }
    }

    fn block(&mut self, block: Block) -> Block {
        let depth = self.open.len() as u32;
        self.open.push(Vec::with_capacity(block.ops.len()));
        for operation in block.ops {
            self.operation(operation);
        }
        let results = block.results.iter().map(|v| self.replaced[v.index()]).collect();
        let ops = self.open.pop().expect("pushed above");
        if depth > 0 {
            // What was known inside is not known outside.
            for operation in &ops {
                if let Some(entries) = self.known.get_mut(&self.hash(operation)) {
                    entries.retain(|e| e.0 < depth);
                }
            }
        }
        Block { args: block.args, ops, results }
    }

    fn operation(&mut self, mut operation: Operation) {
        for operand in &mut operation.operands {
            *operand = self.replaced[operand.index()];
        }
        if let Some(operations) = self.reduction_of_one(&operation) {
            return operations.into_iter().for_each(|operation| self.operation(operation));
        }
        // A rule may enable another.
        for _ in 0..8 {
            match self.rewrite(&operation) {
                Becomes::Itself => break,
                Becomes::Value(value) => {
                    self.replaced[operation.results[0].index()] = value;
                    return;
                }
                Becomes::Operation(op, operands) => {
                    operation.op = op;
                    operation.operands = operands;
                }
            }
        }
        operation.regions = operation.regions.into_iter().map(|r| self.block(r)).collect();
        let pure =
            operation.regions.is_empty() && !has_effect(&operation) && !matches!(operation.op, Op::Rng(_));
        if pure {
            let hash = self.hash(&operation);
            let same = self.known.get(&hash).and_then(|entries| {
                entries.iter().find_map(|&(depth, index)| {
                    let known = &self.open[depth as usize][index as usize];
                    let types = |a: &[Value], b: &[Value]| {
                        a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| self.ty(a) == self.ty(b))
                    };
                    (known.operands == operation.operands
                        && known.op == operation.op
                        && types(&known.results, &operation.results))
                    .then(|| known.results.clone())
                })
            });
            if let Some(results) = same {
                for (old, new) in operation.results.iter().zip(results) {
                    self.replaced[old.index()] = new;
                }
                return;
            }
            let place = (self.open.len() as u32 - 1, self.open.last().map_or(0, Vec::len) as u32);
            self.known.entry(hash).or_default().push(place);
        }
        if let [result] = operation.results[..] {
            self.facts[result.index()] = match (&operation.op, &operation.operands[..]) {
                (Op::Constant(op), _) => Fact::Constant(op.value.clone()),
                (
                    Op::Unary(_) | Op::Convert(_) | Op::Reshape(_) | Op::Transpose(_) | Op::BroadcastInDim(_),
                    &[operand],
                ) => Fact::Of(Box::new(operation.op.clone()), operand),
                (Op::DotGeneral(op), &[lhs, rhs]) => Fact::Dot(op.clone(), [lhs, rhs]),
                _ => Fact::None,
            };
        }
        self.open.last_mut().expect("a block is open").push(operation);
    }

    /// A new value of that type.
    fn fresh(&mut self, ty: TensorType) -> Value {
        let value = Value(self.types.len() as u32);
        self.types.push(Type::Tensor(ty));
        self.replaced.push(value);
        self.uses.push(1);
        self.facts.push(Fact::None);
        value
    }

    /// A reduction along dimensions of one element as what it does to each element: one operation with the initial value.
    fn reduction_of_one(&mut self, operation: &Operation) -> Option<[Operation; 3]> {
        let Op::Reduce(reduce) = &operation.op else { return None };
        let ([x, init], [result]) = (&operation.operands[..], &operation.results[..]) else { return None };
        let [Block { args, ops, results }] = &operation.regions[..] else { return None };
        let [Operation { op: op @ Op::Binary(_), operands, results: inner, .. }] = &ops[..] else {
            return None;
        };
        let (ty, from) = (self.ty(*result).clone(), self.ty(*x));
        if from.element != ty.element
            || self.ty(*init).element != ty.element
            || reduce.dimensions.iter().any(|&d| from.shape[d as usize] != 1)
            || results != inner
        {
            return None;
        }
        let (element, start) = (self.fresh(ty.clone()), self.fresh(ty));
        let place = |v: &Value| if *v == args[0] { Some(start) } else { (*v == args[1]).then_some(element) };
        let operands: Values = operands.iter().map(place).collect::<Option<_>>()?;
        let make = |op: Op, operands: Values, result: Value| Operation {
            op,
            operands,
            results: [result][..].into(),
            regions: Vec::new(),
            extra: Default::default(),
            location: operation.location.clone(),
        };
        let spread = BroadcastInDim { broadcast_dimensions: Shape::new() };
        Some([
            make(Op::Reshape(Reshape), [*x][..].into(), element),
            make(Op::BroadcastInDim(spread), [*init][..].into(), start),
            make(op.clone(), operands, *result),
        ])
    }

    fn hash(&self, operation: &Operation) -> u64 {
        let mut hasher = FxHasher::default();
        std::mem::discriminant(&operation.op).hash(&mut hasher);
        operation.operands.hash(&mut hasher);
        match &operation.op {
            Op::Unary(op) => op.hash(&mut hasher),
            Op::Binary(op) => op.hash(&mut hasher),
            Op::Constant(op) => {
                op.value.ty().hash(&mut hasher);
                match op.value.as_splat() {
                    Some(element) => element.hash(&mut hasher),
                    None => (0..op.value.len().min(8)).for_each(|i| op.value.element(i).hash(&mut hasher)),
                }
            }
            _ => {}
        }
        if let Some(result) = operation.results.first() {
            self.types[result.index()].hash(&mut hasher);
        }
        hasher.finish()
    }

    fn becomes_constant(&self, literal: Literal) -> Becomes {
        Becomes::Operation(Op::Constant(Constant { value: literal }), Values::new())
    }

    fn rewrite(&self, operation: &Operation) -> Becomes {
        if operation.results.len() != 1 || matches!(operation.op, Op::Constant(_)) {
            return Becomes::Itself;
        }
        let result = self.ty(operation.results[0]);
        let operands = &operation.operands;
        if let Some(literal) = self.fold(operation, result) {
            return self.becomes_constant(literal);
        }
        match (&operation.op, &operands[..]) {
            (Op::Reshape(_), &[x]) => {
                if self.ty(x) == result {
                    return Becomes::Value(x);
                }
                match &self.facts[x.index()] {
                    Fact::Of(op, inner) if matches!(**op, Op::Reshape(_)) => {
                        Becomes::Operation(operation.op.clone(), [*inner][..].into())
                    }
                    _ => Becomes::Itself,
                }
            }
            (Op::Convert(_), &[x]) if self.ty(x) == result => Becomes::Value(x),
            (Op::BitcastConvert(_), &[x]) if self.ty(x) == result => Becomes::Value(x),
            (Op::Slice(_), &[x]) if self.ty(x) == result => Becomes::Value(x),
            (Op::Concatenate(_), &[x]) => Becomes::Value(x),
            (Op::Pad(op), &[x, _])
                if self.ty(x) == result
                    && op.edge_padding_low.iter().chain(&op.interior_padding).all(|&p| p == 0) =>
            {
                Becomes::Value(x)
            }
            (Op::Reverse(op), &[x]) if op.dimensions.iter().all(|&d| result.shape[d as usize] <= 1) => {
                Becomes::Value(x)
            }
            (Op::BroadcastInDim(op), &[x]) => {
                let identity = op.broadcast_dimensions.iter().enumerate().all(|(i, &d)| i as i64 == d);
                if identity && self.ty(x) == result {
                    return Becomes::Value(x);
                }
                match &self.facts[x.index()] {
                    Fact::Of(inner, y) => match &**inner {
                        Op::BroadcastInDim(inner) => {
                            let dims = inner.broadcast_dimensions.iter();
                            let broadcast_dimensions =
                                dims.map(|&d| op.broadcast_dimensions[d as usize]).collect();
                            Becomes::Operation(
                                Op::BroadcastInDim(BroadcastInDim { broadcast_dimensions }),
                                [*y][..].into(),
                            )
                        }
                        _ => Becomes::Itself,
                    },
                    _ => Becomes::Itself,
                }
            }
            (Op::Transpose(op), &[x]) => {
                if op.permutation.iter().enumerate().all(|(i, &d)| i as i64 == d) {
                    return Becomes::Value(x);
                }
                match &self.facts[x.index()] {
                    Fact::Of(inner, y) => match &**inner {
                        Op::Transpose(inner) => {
                            let permutation =
                                op.permutation.iter().map(|&d| inner.permutation[d as usize]).collect();
                            Becomes::Operation(Op::Transpose(Transpose { permutation }), [*y][..].into())
                        }
                        _ => Becomes::Itself,
                    },
                    // Unless the product is needed as it is, too.
                    Fact::Dot(dot, sides) if self.uses[x.index()] == 1 => {
                        self.swapped(dot, *sides, &op.permutation)
                    }
                    _ => Becomes::Itself,
                }
            }
            (Op::DotGeneral(op), &[lhs, rhs]) => self.rewrite_dot(op, lhs, rhs),
            (Op::Unary(op), &[x]) => self.rewrite_unary(*op, x),
            (Op::Binary(op), &[x, y]) => self.rewrite_binary(*op, x, y, result),
            (Op::Select(_), &[p, x, y]) => {
                if x == y {
                    return Becomes::Value(x);
                }
                let all = self.constant(p).and_then(Literal::as_splat).map(|b| b[0] != 0);
                match all {
                    Some(true) => Becomes::Value(x),
                    Some(false) => Becomes::Value(y),
                    None => Becomes::Itself,
                }
            }
            _ => Becomes::Itself,
        }
    }

    /// A product of a transposed operand is a product of the operand along other dimensions, if those that stay keep
    /// their order.
    fn rewrite_dot(&self, op: &DotGeneral, lhs: Value, rhs: Value) -> Becomes {
        let untransposed = |value: Value, batching: &Shape, contracting: &Shape| {
            let Fact::Of(inner, operand) = &self.facts[value.index()] else { return None };
            let Op::Transpose(Transpose { permutation }) = &**inner else { return None };
            let taken = |d: &i64| batching.contains(d) || contracting.contains(d);
            let free = (0..permutation.len() as i64).filter(|d| !taken(d)).map(|d| permutation[d as usize]);
            if !free.is_sorted() {
                return None;
            }
            let map = |dims: &Shape| -> Shape { dims.iter().map(|&d| permutation[d as usize]).collect() };
            Some((*operand, map(batching), map(contracting)))
        };
        let mut new = op.clone();
        let dims = &mut new.dimension_numbers;
        if let Some((operand, batching, contracting)) =
            untransposed(lhs, &dims.lhs_batching_dimensions, &dims.lhs_contracting_dimensions)
        {
            dims.lhs_batching_dimensions = batching;
            dims.lhs_contracting_dimensions = contracting;
            return Becomes::Operation(new.into(), [operand, rhs][..].into());
        }
        if let Some((operand, batching, contracting)) =
            untransposed(rhs, &dims.rhs_batching_dimensions, &dims.rhs_contracting_dimensions)
        {
            dims.rhs_batching_dimensions = batching;
            dims.rhs_contracting_dimensions = contracting;
            return Becomes::Operation(new.into(), [lhs, operand][..].into());
        }
        Becomes::Itself
    }

    /// A product whose free dimensions change places is the product of its sides in the other order.
    fn swapped(&self, op: &DotGeneral, [lhs, rhs]: [Value; 2], permutation: &Shape) -> Becomes {
        let dims = &op.dimension_numbers;
        let free = |side: Value, contracting: &Shape| {
            self.ty(side).rank() - dims.lhs_batching_dimensions.len() - contracting.len()
        };
        let batch = dims.lhs_batching_dimensions.len();
        let (l, r) =
            (free(lhs, &dims.lhs_contracting_dimensions), free(rhs, &dims.rhs_contracting_dimensions));
        let swaps = (0..batch).chain(batch + l..batch + l + r).chain(batch..batch + l);
        if op.algorithm.is_some() || !swaps.eq(permutation.iter().map(|&d| d as usize)) {
            return Becomes::Itself;
        }
        let dims = dims.clone();
        let new = DotGeneral {
            dimension_numbers: DotDimensionNumbers {
                lhs_batching_dimensions: dims.rhs_batching_dimensions,
                rhs_batching_dimensions: dims.lhs_batching_dimensions,
                lhs_contracting_dimensions: dims.rhs_contracting_dimensions,
                rhs_contracting_dimensions: dims.lhs_contracting_dimensions,
            },
            precision_config: op.precision_config.iter().rev().copied().collect(),
            algorithm: None,
        };
        Becomes::Operation(new.into(), [rhs, lhs][..].into())
    }

    fn rewrite_unary(&self, op: Unary, x: Value) -> Becomes {
        let Fact::Of(inner, y) = &self.facts[x.index()] else { return Becomes::Itself };
        match (op, &**inner) {
            (Unary::Negate, Op::Unary(Unary::Negate)) | (Unary::Not, Op::Unary(Unary::Not)) => {
                Becomes::Value(*y)
            }
            (Unary::Conj, Op::Unary(Unary::Conj)) => Becomes::Value(*y),
            (Unary::Abs, Op::Unary(Unary::Abs | Unary::Negate)) if self.ty(*y).element.is_float() => {
                Becomes::Operation(Op::Unary(Unary::Abs), [*y][..].into())
            }
            _ => Becomes::Itself,
        }
    }

    /// The splat constant that a value is, as an `f64` where its element type embeds in one.
    fn splat(&self, value: Value) -> Option<f64> {
        let literal = self.constant(value)?;
        let bytes = literal.as_splat()?;
        Some(match literal.ty().element {
            ElementType::F32 => f64::from(f32::from_ne_bytes(bytes.try_into().ok()?)),
            ElementType::F64 => f64::from_ne_bytes(bytes.try_into().ok()?),
            ElementType::F16 => half::f16::from_ne_bytes(bytes.try_into().ok()?).to_f64(),
            ElementType::BF16 => half::bf16::from_ne_bytes(bytes.try_into().ok()?).to_f64(),
            ElementType::I32 => f64::from(i32::from_ne_bytes(bytes.try_into().ok()?)),
            ElementType::UI32 => f64::from(u32::from_ne_bytes(bytes.try_into().ok()?)),
            ElementType::I16 => f64::from(i16::from_ne_bytes(bytes.try_into().ok()?)),
            ElementType::I8 => f64::from(bytes[0] as i8),
            ElementType::UI8 | ElementType::I1 => f64::from(bytes[0]),
            ElementType::I64 => {
                let x = i64::from_ne_bytes(bytes.try_into().ok()?);
                (x.unsigned_abs() < 1 << 52).then_some(x as f64)?
            }
            _ => return None,
        })
    }

    fn rewrite_binary(&self, op: Binary, x: Value, y: Value, result: &TensorType) -> Becomes {
        let float = result.element.is_float();
        let boolean = result.element.is_boolean();
        let (cx, cy) = (self.splat(x), self.splat(y));
        // Commutative operations have their constant second.
        let commutative =
            matches!(op, Binary::Add | Binary::Multiply | Binary::And | Binary::Or | Binary::Xor);
        if commutative && cx.is_some() && cy.is_none() {
            return Becomes::Operation(Op::Binary(op), [y, x][..].into());
        }
        let is = |c: Option<f64>, value: f64| c == Some(value);
        let negative_zero = cy.is_some_and(|c| c == 0.0 && c.is_sign_negative());
        match op {
            Binary::Add if !boolean && is(cy, 0.0) && (!float || negative_zero) => Becomes::Value(x),
            Binary::Subtract if is(cy, 0.0) && !(float && negative_zero) => Becomes::Value(x),
            Binary::Multiply | Binary::Divide if !boolean && is(cy, 1.0) => Becomes::Value(x),
            Binary::Multiply if !float && !boolean && is(cy, 0.0) => Becomes::Value(y),
            Binary::Divide if float => {
                // A power of two has an exact reciprocal.
                let Some(c) = cy else { return Becomes::Itself };
                let exact = c.is_normal() && c.to_bits() << 12 == 0 && (c.abs().log2().abs() < 14.0);
                let bytes: Option<Vec<u8>> = match result.element {
                    ElementType::F32 => Some((1.0 / c as f32).to_ne_bytes().into()),
                    ElementType::F64 => Some((1.0 / c).to_ne_bytes().into()),
                    _ => None,
                };
                let value = match (exact, bytes) {
                    (true, Some(bytes)) => Literal::splat_bytes(result.clone(), bytes).ok(),
                    _ => None,
                };
                // The reciprocal is a constant of its own only where one exists already; see `operation`.
                match value.and_then(|v| self.existing_constant(&v)) {
                    Some(reciprocal) => {
                        Becomes::Operation(Op::Binary(Binary::Multiply), [x, reciprocal][..].into())
                    }
                    None => Becomes::Itself,
                }
            }
            // What is below, or above, everything.
            Binary::Maximum if float && is(cy, f64::NEG_INFINITY) => Becomes::Value(x),
            Binary::Maximum if float && is(cx, f64::NEG_INFINITY) => Becomes::Value(y),
            Binary::Minimum if float && is(cy, f64::INFINITY) => Becomes::Value(x),
            Binary::Minimum if float && is(cx, f64::INFINITY) => Becomes::Value(y),
            Binary::Power if float && is(cy, 1.0) => Becomes::Value(x),
            Binary::Power if float && is(cy, 2.0) => {
                Becomes::Operation(Op::Binary(Binary::Multiply), [x, x][..].into())
            }
            Binary::And | Binary::Or if x == y => Becomes::Value(x),
            Binary::Maximum | Binary::Minimum if x == y => Becomes::Value(x),
            Binary::And if boolean && is(cy, 1.0) => Becomes::Value(x),
            Binary::And if boolean && is(cy, 0.0) => Becomes::Value(y),
            Binary::Or if boolean && is(cy, 0.0) => Becomes::Value(x),
            Binary::Or if boolean && is(cy, 1.0) => Becomes::Value(y),
            Binary::Or | Binary::Xor if !boolean && is(cy, 0.0) => Becomes::Value(x),
            _ => Becomes::Itself,
        }
    }

    /// A value that is that constant already.
    fn existing_constant(&self, literal: &Literal) -> Option<Value> {
        let mut hasher = FxHasher::default();
        let op = Op::Constant(Constant { value: literal.clone() });
        std::mem::discriminant(&op).hash(&mut hasher);
        Values::new().hash(&mut hasher);
        literal.ty().hash(&mut hasher);
        literal.as_splat()?.hash(&mut hasher);
        Type::Tensor(literal.ty().clone()).hash(&mut hasher);
        let entries = self.known.get(&hasher.finish())?;
        entries.iter().find_map(|&(depth, index)| {
            let known = &self.open[depth as usize][index as usize];
            (known.op == op).then(|| known.results[0])
        })
    }

    /// The constant that an operation on constants gives.
    fn fold(&self, operation: &Operation, result: &TensorType) -> Option<Literal> {
        let operands: SmallVec<[&Literal; 3]> =
            operation.operands.iter().map(|&v| self.constant(v)).collect::<Option<_>>()?;
        let first = operands.first()?;
        let splat = first.as_splat();
        match &operation.op {
            Op::Reshape(_) => return first.reshape(result.clone()).ok(),
            Op::BroadcastInDim(_) | Op::Transpose(_) | Op::Slice(_) | Op::Reverse(_) => {
                return Literal::splat_bytes(result.clone(), splat?).ok();
            }
            _ => {}
        }
        let all_splat = operands.iter().all(|l| l.as_splat().is_some());
        let n = if all_splat { 1 } else { result.num_elements()? };
        if n > FOLD_LIMIT || n == 0 || operands.iter().any(|l| l.len() != operands.last().expect("one").len())
        {
            return None;
        }
        let mut builder = TileBuilder::new(self.level);
        let mut bytes: Vec<Vec<Line>> = Vec::new();
        let mut values: SmallVec<[Operand; 3]> = SmallVec::new();
        let mut types: SmallVec<[ElementType; 3]> = SmallVec::new();
        for (i, literal) in operands.iter().enumerate() {
            let element = literal.ty().element;
            let data = if all_splat { literal.as_splat()?.to_vec() } else { literal.to_bytes().to_vec() };
            bytes.push(aligned(&data));
            values.push(builder.load(i, element.byte_width(), &View::dense(&[n as i64])));
            types.push(element);
        }
        let value = builder.op(&operation.op, &values, &types, result.element)?;
        let value = builder.spread(value);
        let program = builder.finish(n, &[Emit::Elements { value, deferred: false }], None);
        let width = result.element.byte_width();
        let mut out = aligned(&vec![0; n * width]);
        let inputs: Vec<*const u8> = bytes.iter().map(|b| b.as_ptr().cast()).collect();
        // SAFETY: every array holds `n` elements of its type, and none overlap.
        unsafe { program.run(&Serial, &inputs, &[out.as_mut_ptr().cast()]) };
        let out: Vec<u8> = out.iter().flat_map(|l| l.0).take(n * width).collect();
        if all_splat {
            Literal::splat_bytes(result.clone(), out).ok()
        } else {
            Literal::from_bytes(result.clone(), out).ok()
        }
    }
}

#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Line([u8; 16]);

/// The bytes, aligned for any element.
fn aligned(bytes: &[u8]) -> Vec<Line> {
    bytes
        .chunks(16)
        .map(|chunk| {
            let mut line = Line([0; 16]);
            line.0[..chunk.len()].copy_from_slice(chunk);
            line
        })
        .collect()
}

/// Whether an operation does more than give its results.
pub(crate) fn has_effect(operation: &Operation) -> bool {
    match &operation.op {
        Op::CustomCall(op) => op.has_side_effect,
        Op::Infeed(_) | Op::Outfeed(_) | Op::Send(_) | Op::Recv(_) => true,
        // Devices that skip a collective would leave the others waiting; all run the same program, so an unused one may go
        // everywhere at once, but one inside control flow must stay with its branch.
        _ => operation.regions.iter().any(|r| r.ops.iter().any(has_effect)),
    }
}

/// Counts the uses of every value, nested blocks included.
fn count_uses(block: &Block, uses: &mut [u32]) {
    let operands = block.ops.iter().flat_map(|operation| &operation.operands);
    operands.chain(&block.results).for_each(|value| uses[value.index()] += 1);
    block.ops.iter().flat_map(|operation| &operation.regions).for_each(|region| count_uses(region, uses));
}

/// Removes operations whose results nobody uses, from the last to the first.
fn sweep(block: &mut Block, used: &mut [bool]) {
    for value in &block.results {
        used[value.index()] = true;
    }
    let mut kept = Vec::with_capacity(block.ops.len());
    for mut operation in std::mem::take(&mut block.ops).into_iter().rev() {
        if !has_effect(&operation) && !operation.results.iter().any(|v| used[v.index()]) {
            continue;
        }
        for region in &mut operation.regions {
            sweep(region, used);
        }
        for value in &operation.operands {
            used[value.index()] = true;
        }
        kept.push(operation);
    }
    kept.reverse();
    block.ops = kept;
}
