//! Fusion: which operations run together, and in which order.
//!
//! A block becomes a [`Plan`]: a list of items, each a fused elementwise region, one kernel, or control flow with plans
//! of its own. One pass from the last operation to the first grows the regions: an elementwise operation joins the
//! region of its earliest user if that user reads it element by element over as many elements; a region runs where its
//! last operation stood, so all other users of what joined it come later, and no cycle can arise. Reshapes are no
//! operations at all (the same bytes), and views are read through by regions, written out only for kernels.
//!
//! Deliberately absent: where values live (`assign`).

use std::fmt;
use std::sync::Arc;

use jacinth_lowering::ops::elementwise::Binary;
use jacinth_lowering::{Block, ElementType, Literal, Op, Operation, Shape, TensorType, Value};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use super::codegen::{Emit, FoldShape, Operand, TileBuilder, can_fold};
use super::graph::Graph;
use super::reference::Reference;
use super::region::Region;
use super::tile::has_numbers;
use super::view::View;
use crate::error::Result;
use crate::kernels::{self, Kernel, RegionCompiler, RegionFn};
use crate::simd::{Fold, Level};

/// A list of items to run in order.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) items: Vec<Item>,
}

/// One thing to run.
pub(crate) enum Item {
    Tile(Box<Tile>),
    Kernel {
        kernel: Box<dyn Kernel>,
        name: &'static str,
        inputs: Vec<Value>,
        outputs: Vec<Value>,
    },
    While(Box<While>),
    /// Runs one of the branches: by index, or a boolean's `true` first.
    Branch {
        index: Value,
        boolean: bool,
        branches: Vec<(Plan, Vec<Value>)>,
        outs: Vec<Value>,
    },
    Copy {
        from: Value,
        to: Value,
    },
}

/// A fused region.
pub(crate) struct Tile {
    pub(crate) builder: TileBuilder,
    pub(crate) emits: Vec<Emit>,
    pub(crate) shape: Option<FoldShape>,
    pub(crate) n: usize,
    pub(crate) inputs: Vec<Value>,
    pub(crate) outputs: Vec<Value>,
}

/// A loop: `outs` are what it carries, first set to `init`.
#[derive(Debug)]
pub(crate) struct While {
    pub(crate) init: Vec<Value>,
    pub(crate) outs: Vec<Value>,
    pub(crate) cond_args: Vec<Value>,
    pub(crate) cond: Plan,
    pub(crate) pred: Value,
    pub(crate) body_args: Vec<Value>,
    pub(crate) body: Plan,
    pub(crate) results: Vec<Value>,
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Tile(tile) => write!(f, "Tile({:?} -> {:?})", tile.inputs, tile.outputs),
            Item::Kernel { name, inputs, outputs, .. } => write!(f, "{name}({inputs:?} -> {outputs:?})"),
            Item::While(item) => item.fmt(f),
            Item::Branch { index, branches, outs, .. } => {
                write!(f, "Branch({index:?} {branches:?} -> {outs:?})")
            }
            Item::Copy { from, to } => write!(f, "Copy({from:?} -> {to:?})"),
        }
    }
}

/// Operations of one region at most.
const MAX_MEMBERS: usize = 200;
/// Elements from which a transpose gets a kernel that walks both arrays in blocks.
const BIG_TRANSPOSE: usize = 4096;

/// Bytes from which a constant of equal elements is written when it is needed.
const LARGE_SPLAT: usize = 4096;

/// How a value comes about.
#[derive(Clone, Debug)]
enum Source {
    /// An argument, or what some item writes.
    Own,
    /// The same bytes as another value.
    Alias(Value),
    /// Read from another value through a view.
    View(Value, View),
    /// The numbers of an iota seen through a view.
    Numbers(View),
    Constant,
}

/// Makes the plan of a graph.
pub(crate) struct Planner<'g> {
    graph: &'g mut Graph,
    level: Level,
    sources: Vec<Source>,
    /// Views that must be written out all the same.
    dense: Vec<bool>,
    pub(crate) literals: FxHashMap<Value, Literal>,
    uses: Vec<Uses>,
    /// The block being planned, by number, and how many there were.
    scope: u32,
    scopes: u32,
    /// Uses in the blocks around of values that nested blocks use too.
    around: Vec<(Value, Uses)>,
    /// The region of each operation that is in one, by its result, if somebody wants to know.
    pub(crate) fusions: Option<FxHashMap<Value, u32>>,
    /// How many regions there were.
    regions: u32,
}

/// Where a value is used, as far as the pass has seen.
#[derive(Clone, Copy)]
struct Uses {
    /// Position of the earliest user.
    first: u32,
    /// The region that reads it element by element at that position and is the only one there.
    join: Option<u32>,
    /// Whether there are other users.
    other: bool,
    /// The block whose positions and regions these are.
    scope: u32,
}

const NO_USES: Uses = Uses { first: u32::MAX, join: None, other: false, scope: 0 };

/// A region under construction.
struct Cluster {
    position: u32,
    n: usize,
    /// Indices of its operations, last first.
    members: Vec<usize>,
    /// Values it must write, besides what it folds.
    outputs: Vec<Value>,
    /// How its folds run, if it has any.
    shape: Option<FoldShape>,
}

impl<'g> Planner<'g> {
    pub(crate) fn new(graph: &'g mut Graph, level: Level) -> Self {
        let count = graph.types.len();
        Planner {
            graph,
            level,
            sources: vec![Source::Own; count],
            dense: vec![false; count],
            literals: FxHashMap::default(),
            uses: vec![NO_USES; count],
            scope: 0,
            scopes: 0,
            around: Vec::new(),
            fusions: None,
            regions: 0,
        }
    }

    /// The plan of the graph's body, and its results: each a value that an item of the plan writes, or a parameter or constant.
    pub(crate) fn plan(&mut self) -> Result<(Plan, Vec<Value>)> {
        let body = std::mem::take(&mut self.graph.body);
        let planned = self.block(&body);
        self.graph.body = body;
        planned
    }

    pub(crate) fn ty(&self, value: Value) -> &TensorType {
        self.graph.ty(value)
    }

    fn numel(&self, value: Value) -> usize {
        self.ty(value).num_elements().expect("types of a graph are static")
    }

    fn fresh(&mut self, ty: TensorType) -> Value {
        self.sources.push(Source::Own);
        self.dense.push(false);
        self.uses.push(NO_USES);
        self.graph.fresh(ty)
    }

    /// The value whose bytes a value's are; marks a view on the way as to be written out.
    fn root_dense(&mut self, mut value: Value) -> Value {
        loop {
            match &self.sources[value.index()] {
                Source::Alias(of) => value = *of,
                Source::View(..) | Source::Numbers(_) => {
                    self.dense[value.index()] = true;
                    return value;
                }
                Source::Constant => {
                    self.dense[value.index()] = self.is_large_splat(value);
                    return value;
                }
                Source::Own => return value,
            }
        }
    }

    /// A constant that is better filled in when it is needed than kept.
    fn is_large_splat(&self, value: Value) -> bool {
        let literal = self.literals.get(&value);
        literal.is_some_and(|l| l.as_splat().is_some() && l.len() * l.ty().element.byte_width() > LARGE_SPLAT)
    }

    fn root(&self, mut value: Value) -> Value {
        while let Source::Alias(of) = &self.sources[value.index()] {
            value = *of;
        }
        value
    }

    /// The value as a view of a value that is (or will be) written out; `None` for the numbers of an iota.
    fn as_view(&self, value: Value) -> (Option<Value>, View) {
        let shape = &self.ty(value).shape;
        match &self.sources[value.index()] {
            Source::View(base, view) if !self.dense[value.index()] => (Some(*base), view.clone()),
            Source::Numbers(view) if !self.dense[value.index()] => (None, view.clone()),
            Source::Alias(of) => match self.as_view(*of).1.reshape(shape) {
                Some(view) => (self.as_view(*of).0, view),
                None => (Some(self.root(value)), View::dense(shape)),
            },
            _ => (Some(value), View::dense(shape)),
        }
    }

    /// Plans a block, given that everything around it has sources.
    fn block(&mut self, block: &Block) -> Result<(Plan, Vec<Value>)> {
        let (outer, around) = (self.scope, self.around.len());
        self.scopes += 1;
        self.scope = self.scopes;
        let planned = self.block_in_scope(block);
        // Positions in here mean nothing out there.
        for (value, uses) in self.around.drain(around..).rev() {
            self.uses[value.index()] = uses;
        }
        self.scope = outer;
        planned
    }

    fn block_in_scope(&mut self, block: &Block) -> Result<(Plan, Vec<Value>)> {
        let kinds: Vec<Kind> =
            block.ops.iter().map(|operation| self.classify(operation)).collect::<Result<_>>()?;
        let mut results: Vec<Value> = block.results.iter().map(|&v| self.root_dense(v)).collect();
        for &result in &results {
            self.add_use(result, u32::MAX - 1, None);
        }
        let mut clusters: Vec<Cluster> = Vec::new();
        // Items other than regions, by position.
        let mut placed: Vec<(u32, Result<Item, usize>)> = Vec::new();
        for (i, operation) in block.ops.iter().enumerate().rev() {
            let position = i as u32;
            match &kinds[i] {
                Kind::Nothing => {}
                Kind::View => {
                    let value = operation.results[0];
                    if self.dense[value.index()] {
                        self.elementwise(&mut clusters, operation, i);
                    }
                }
                Kind::Elementwise => self.elementwise(&mut clusters, operation, i),
                Kind::Fold(shape) => {
                    if self.uses[operation.results[0].index()].first == u32::MAX {
                        continue;
                    }
                    let n = self.numel(operation.operands[0]);
                    let fits = |c: &Cluster| c.shape.is_none_or(|s| s == *shape);
                    let id = match self.sibling(&clusters, operation, n, fits) {
                        Some(id) => {
                            let cluster = &mut clusters[id as usize];
                            cluster.members.push(i);
                            cluster.shape = Some(*shape);
                            id
                        }
                        None => {
                            let (members, outputs) = (vec![i], Vec::new());
                            clusters.push(Cluster { position, n, members, outputs, shape: Some(*shape) });
                            clusters.len() as u32 - 1
                        }
                    };
                    let position = clusters[id as usize].position;
                    self.add_read(operation.operands[0], position, id, n);
                    let init = self.root_dense(operation.operands[1]);
                    self.add_use(init, position, None);
                }
                Kind::Kernel => {
                    let item = self.kernel(operation)?;
                    self.add_uses(&item, position);
                    placed.push((position, Ok(item)));
                }
                Kind::While | Kind::Branch => {
                    let item = match kinds[i] {
                        Kind::While => self.while_item(operation)?,
                        _ => self.branch_item(operation)?,
                    };
                    self.add_uses(&item, position);
                    placed.push((position, Ok(item)));
                }
            }
        }
        for (index, cluster) in clusters.iter().enumerate() {
            placed.push((cluster.position, Err(index)));
        }
        placed.sort_by_key(|p| p.0);
        let mut plan = Plan { items: Vec::with_capacity(placed.len()) };
        for (_, item) in placed {
            match item {
                Ok(item) => plan.items.push(item),
                Err(index) => plan.items.push(self.tile(block, &mut clusters[index])),
            }
        }
        // A result that is written out twice, or not in this block at all, is somebody else's to copy.
        for result in &mut results {
            *result = self.root(*result);
        }
        Ok((plan, results))
    }

    /// What to do with an operation; notes the source of its results.
    fn classify(&mut self, operation: &Operation) -> Result<Kind> {
        let kind = self.kind(operation)?;
        if matches!(kind, Kind::Kernel | Kind::While | Kind::Branch) {
            for &operand in &operation.operands {
                self.root_dense(operand);
            }
        }
        Ok(kind)
    }

    fn kind(&mut self, operation: &Operation) -> Result<Kind> {
        let operands = &operation.operands;
        let Some(&result) = operation.results.first() else {
            return Ok(if matches!(operation.op, Op::While(_)) {
                Kind::While
            } else if matches!(operation.op, Op::If(_) | Op::Case(_)) {
                Kind::Branch
            } else {
                Kind::Kernel
            });
        };
        let ty = self.ty(result).clone();
        let view = |this: &Self, make: &dyn Fn(&View) -> View| {
            let (base, view) = this.as_view(operands[0]);
            let view = make(&view);
            match base {
                Some(base) => Source::View(base, view),
                None => Source::Numbers(view),
            }
        };
        match &operation.op {
            Op::Constant(op) => {
                self.literals.insert(result, op.value.clone());
                self.sources[result.index()] = Source::Constant;
                return Ok(if self.is_large_splat(result) { Kind::View } else { Kind::Nothing });
            }
            Op::Iota(op) if has_numbers(ty.element) => {
                self.sources[result.index()] =
                    Source::Numbers(View::iota(&ty.shape, op.iota_dimension as usize));
                return Ok(Kind::View);
            }
            Op::Reshape(_) => {
                return Ok(self.reshape(operands[0], result, &ty.shape));
            }
            Op::BitcastConvert(_) => {
                let from = self.ty(operands[0]).element;
                if from.bits() >= 8 && ty.element.bits() >= 8 {
                    if from.bits() == ty.element.bits() && !self.is_constant(operands[0]) {
                        return Ok(Kind::Elementwise);
                    }
                    // The same bytes, grouped otherwise.
                    let root = self.root_dense(operands[0]);
                    self.dense[root.index()] = true;
                    self.sources[result.index()] = Source::Alias(root);
                    return Ok(Kind::Nothing);
                }
            }
            Op::BroadcastInDim(op) => {
                self.sources[result.index()] = view(self, &|v| v.broadcast(op, &ty.shape));
                return Ok(Kind::View);
            }
            Op::Transpose(op) => {
                let last = op.permutation.len().saturating_sub(1);
                let moves = op.permutation.last().is_some_and(|&d| d as usize != last);
                let dense = matches!(self.as_view(operands[0]), (Some(_), v) if v.is_contiguous());
                if moves
                    && dense
                    && ty.num_elements().unwrap_or(0) >= BIG_TRANSPOSE
                    && transposes(op, &ty.shape)
                {
                    return Ok(Kind::Kernel);
                }
                self.sources[result.index()] = view(self, &|v| v.transpose(op));
                return Ok(Kind::View);
            }
            Op::Slice(op) => {
                self.sources[result.index()] = view(self, &|v| v.slice(op, &ty.shape));
                return Ok(Kind::View);
            }
            Op::Reverse(op) => {
                self.sources[result.index()] = view(self, &|v| v.reverse(op));
                return Ok(Kind::View);
            }
            Op::Reduce(op) => {
                if let Some(kind) = self.fold(operation, &op.dimensions) {
                    return Ok(kind);
                }
            }
            Op::While(_) => return Ok(Kind::While),
            Op::If(_) | Op::Case(_) => return Ok(Kind::Branch),
            _ => {}
        }
        if is_elementwise(&operation.op) && self.has_tile(operation, ty.element) {
            return Ok(Kind::Elementwise);
        }
        Ok(Kind::Kernel)
    }

    fn is_constant(&self, value: Value) -> bool {
        matches!(self.sources[value.index()], Source::Constant)
    }

    fn reshape(&mut self, operand: Value, result: Value, shape: &Shape) -> Kind {
        let viewed = match &self.sources[operand.index()] {
            Source::View(base, view) => Some((Some(*base), view.reshape(shape))),
            Source::Numbers(view) => Some((None, view.reshape(shape))),
            Source::Alias(of)
                if !matches!(self.sources[self.root(*of).index()], Source::Own | Source::Constant) =>
            {
                let (base, view) = self.as_view(operand);
                Some((base, view.reshape(shape)))
            }
            _ => None,
        };
        match viewed {
            Some((Some(base), Some(view))) => {
                self.sources[result.index()] = Source::View(base, view);
                return Kind::View;
            }
            Some((None, Some(view))) => {
                self.sources[result.index()] = Source::Numbers(view);
                return Kind::View;
            }
            Some((_, None)) => {
                let root = self.root_dense(operand);
                self.sources[result.index()] = Source::Alias(root);
            }
            None => {
                let root = self.root(operand);
                self.sources[result.index()] = Source::Alias(root);
            }
        }
        Kind::Nothing
    }

    /// A reduction that the tile machine can do.
    fn fold(&mut self, operation: &Operation, dimensions: &[i64]) -> Option<Kind> {
        let [operand, init] = operation.operands[..] else { return None };
        let fold = fold_of(operation.regions.first()?)?;
        let ty = self.ty(operand);
        if self.ty(operation.results[0]).element != ty.element
            || self.ty(init).element != ty.element
            || !can_fold(fold, ty.element, self.level)
        {
            return None;
        }
        let shape = fold_shape(&ty.shape, dimensions)?;
        Some(Kind::Fold(shape))
    }

    /// Whether the tile machine has an elementwise operation.
    fn has_tile(&self, operation: &Operation, result: ElementType) -> bool {
        let types: SmallVec<[ElementType; 3]> =
            operation.operands.iter().map(|&v| self.ty(v).element).collect();
        let mut builder = TileBuilder::new(self.level);
        let operands: SmallVec<[Operand; 3]> = types
            .iter()
            .enumerate()
            .map(|(i, ty)| builder.load(i, ty.byte_width(), &View::dense(&[2])))
            .collect();
        builder.op(&operation.op, &operands, &types, result).is_some()
    }

    fn add_use(&mut self, value: Value, position: u32, region: Option<u32>) {
        let uses = &mut self.uses[value.index()];
        if uses.scope != self.scope {
            self.around.push((value, *uses));
            *uses = Uses { scope: self.scope, ..NO_USES };
        }
        if position < uses.first {
            uses.other = uses.first != u32::MAX;
            uses.first = position;
            uses.join = region;
        } else if position > uses.first {
            uses.other = true;
        } else if uses.join != region || region.is_none() {
            uses.join = None;
            uses.other = true;
        }
    }

    /// A region at `position` reads a value for each of its `n` elements.
    fn add_read(&mut self, value: Value, position: u32, region: u32, n: usize) {
        let root = self.root(value);
        if self.is_constant(root) {
            return;
        }
        let direct = self.numel(root) == n && matches!(self.sources[root.index()], Source::Own)
            || self.dense[root.index()] && self.numel(root) == n;
        if direct {
            return self.add_use(root, position, Some(region));
        }
        if let Some(base) = self.as_view(value).0 {
            let base = self.root(base);
            if !self.is_constant(base) {
                self.add_use(base, position, None);
            }
        }
    }

    /// The item reads whole values.
    fn add_uses(&mut self, item: &Item, position: u32) {
        let mut values = Vec::new();
        reads(item, &mut values);
        for value in values {
            self.add_use(value, position, None);
        }
    }

    /// A region that reads an operand of the operation too, element by element, and runs before all users of its result.
    fn sibling(
        &self,
        clusters: &[Cluster],
        operation: &Operation,
        n: usize,
        fits: impl Fn(&Cluster) -> bool,
    ) -> Option<u32> {
        let before = self.uses[operation.results[0].index()].first;
        operation.operands.iter().find_map(|&operand| {
            let root = self.root(operand);
            if self.is_constant(root) || self.numel(root) != n {
                return None;
            }
            let uses = self.uses[root.index()];
            let id = uses.join.filter(|_| uses.scope == self.scope)?;
            let cluster = &clusters[id as usize];
            let joins = cluster.n == n
                && cluster.position < before
                && cluster.members.len() < MAX_MEMBERS
                && fits(cluster);
            joins.then_some(id)
        })
    }

    fn elementwise(&mut self, clusters: &mut Vec<Cluster>, operation: &Operation, index: usize) {
        let result = operation.results[0];
        let uses = self.uses[result.index()];
        if uses.first == u32::MAX {
            return;
        }
        let n = self.numel(result);
        let fits = |c: &Cluster| c.n == n && c.members.len() < MAX_MEMBERS;
        let id = match uses.join {
            Some(id) if fits(&clusters[id as usize]) => {
                let cluster = &mut clusters[id as usize];
                cluster.members.push(index);
                if uses.other {
                    cluster.outputs.push(result);
                }
                id
            }
            _ => match self.sibling(clusters, operation, n, |_| true) {
                Some(id) => {
                    let cluster = &mut clusters[id as usize];
                    cluster.members.push(index);
                    cluster.outputs.push(result);
                    id
                }
                None => {
                    let (members, outputs) = (vec![index], vec![result]);
                    clusters.push(Cluster { position: index as u32, n, members, outputs, shape: None });
                    clusters.len() as u32 - 1
                }
            },
        };
        let position = clusters[id as usize].position;
        if matches!(self.sources[result.index()], Source::View(..)) {
            if let Source::View(base, _) = self.sources[result.index()] {
                let base = self.root(base);
                self.add_use(base, position, None);
            }
            return;
        }
        for &operand in &operation.operands {
            self.add_read(operand, position, id, n);
        }
    }

    /// The item of a region: its program's instructions.
    fn tile(&mut self, block: &Block, cluster: &mut Cluster) -> Item {
        cluster.members.reverse();
        if let Some(fusions) = &mut self.fusions {
            fusions.extend(cluster.members.iter().map(|&index| (block.ops[index].results[0], self.regions)));
        }
        self.regions += 1;
        let mut tile = Tile {
            builder: TileBuilder::new(self.level),
            emits: Vec::new(),
            shape: cluster.shape,
            n: cluster.n,
            inputs: Vec::new(),
            outputs: Vec::new(),
        };
        let mut values: FxHashMap<Value, Operand> = FxHashMap::default();
        for &index in &cluster.members {
            let operation = &block.ops[index];
            let result = operation.results[0];
            if let Op::Reduce(_) = operation.op {
                let fold = fold_of(&operation.regions[0]).expect("`fold` recognised it");
                let ty = self.ty(operation.operands[0]).element;
                let value = self.operand(&mut tile, &mut values, operation.operands[0], cluster.n);
                let value = tile.builder.spread(value);
                let init = self.root(operation.operands[1]);
                let init = match self.literals.get(&init).and_then(Literal::as_splat) {
                    Some(bytes) => tile.builder.constant(bytes),
                    None => {
                        let input = input_index(&mut tile.inputs, init);
                        tile.builder.load_scalar(input, ty.byte_width())
                    }
                };
                tile.emits.push(Emit::Fold { value, fold, ty, init });
                tile.outputs.push(result);
                continue;
            }
            let width = self.ty(result).element.byte_width();
            let value = match &self.sources[result.index()] {
                Source::View(base, view) => {
                    let (base, view) = (self.root(*base), view.clone());
                    self.load(&mut tile, base, width, &view)
                }
                Source::Numbers(view) => {
                    let view = view.clone();
                    tile.builder.numbers(&view, self.ty(result).element)
                }
                Source::Constant => {
                    let splat = self.literals[&result].as_splat().expect("only equal elements are filled in");
                    tile.builder.constant(splat)
                }
                _ => {
                    let operands: SmallVec<[Operand; 3]> = operation
                        .operands
                        .iter()
                        .map(|&v| self.operand(&mut tile, &mut values, v, cluster.n))
                        .collect();
                    let types: SmallVec<[ElementType; 3]> =
                        operation.operands.iter().map(|&v| self.ty(v).element).collect();
                    let element = self.ty(result).element;
                    tile.builder
                        .op(&operation.op, &operands, &types, element)
                        .expect("`has_tile` said that there is one")
                }
            };
            values.insert(result, value);
        }
        let mut outputs = std::mem::take(&mut cluster.outputs);
        outputs.reverse();
        for output in outputs {
            let value = tile.builder.spread(values[&output]);
            tile.emits.push(Emit::Elements { value, deferred: false });
            tile.outputs.push(output);
        }
        Item::Tile(Box::new(tile))
    }

    /// An operand of a member of a region of `n` elements.
    fn operand(
        &mut self,
        tile: &mut Tile,
        values: &mut FxHashMap<Value, Operand>,
        value: Value,
        n: usize,
    ) -> Operand {
        if let Some(&operand) = values.get(&value) {
            return operand;
        }
        let root = self.root(value);
        if let Some(&operand) = values.get(&root)
            && self.numel(root) == n
        {
            return operand;
        }
        if let Some(bytes) = self.literals.get(&root).and_then(Literal::as_splat) {
            return tile.builder.constant(bytes);
        }
        let element = self.ty(value).element;
        let operand = match self.as_view(value) {
            (None, view) => tile.builder.numbers(&view.spread(tile.n), element),
            (Some(base), view) => {
                let base = self.root(base);
                let splat = self.literals.get(&base).and_then(Literal::as_splat);
                match splat {
                    Some(bytes) => tile.builder.constant(bytes),
                    None => self.load(tile, base, element.byte_width(), &view),
                }
            }
        };
        values.insert(value, operand);
        operand
    }

    fn load(&mut self, tile: &mut Tile, base: Value, width: usize, view: &View) -> Operand {
        if let Some(bytes) = self.literals.get(&base).and_then(Literal::as_splat) {
            return tile.builder.constant(bytes);
        }
        let input = input_index(&mut tile.inputs, base);
        tile.builder.load(input, width, &view.spread(tile.n))
    }

    /// An operation that a kernel does, or the reference evaluation.
    fn kernel(&mut self, operation: &Operation) -> Result<Item> {
        let mut inputs: Vec<Value> = operation.operands.iter().map(|&v| self.root_dense(v)).collect();
        let outputs: Vec<Value> = operation.results.to_vec();
        let name = operation.op.name();
        let operands: Vec<TensorType> = operation.operands.iter().map(|&v| self.ty(v).clone()).collect();
        let results: Vec<TensorType> = operation.results.iter().map(|&v| self.ty(v).clone()).collect();
        let mut captured = Vec::new();
        for region in &operation.regions {
            captures(region, &mut Vec::new(), &mut captured);
        }
        // Constants from around a region become its own.
        let mut regions = operation.regions.clone();
        captured.retain(|v| {
            let Some(literal) = self.literals.get(v) else { return true };
            for region in &mut regions {
                let op = Op::Constant(jacinth_lowering::ops::constant::Constant { value: literal.clone() });
                let constant = Operation {
                    op,
                    operands: Default::default(),
                    results: [*v][..].into(),
                    regions: Vec::new(),
                    extra: Default::default(),
                    location: Default::default(),
                };
                region.ops.insert(0, constant);
            }
            false
        });
        if captured.is_empty() {
            let compiler = Regions { graph: self.graph, level: self.level };
            let types = &self.graph.types;
            if let Some(kernel) =
                kernels::build(&operation.op, &operands, &results, &regions, types, &compiler)?
            {
                return Ok(Item::Kernel { kernel, name, inputs, outputs });
            }
        }
        let operation = Operation { regions, ..operation.clone() };
        let kernel = Reference::new(&operation, &captured, &self.graph.types, operands, results)?;
        for value in captured {
            inputs.push(self.root_dense(value));
        }
        Ok(Item::Kernel { kernel: Box::new(kernel), name, inputs, outputs })
    }

    fn while_item(&mut self, operation: &Operation) -> Result<Item> {
        let [cond_block, body_block] = &operation.regions[..] else { unreachable!("verified: two regions") };
        let init = operation.operands.iter().map(|&v| self.root_dense(v)).collect();
        let (cond, preds) = self.block(cond_block)?;
        let (mut body, mut results) = self.block(body_block)?;
        self.own_results(&mut body, &mut results, Some(&body_block.args));
        Ok(Item::While(Box::new(While {
            init,
            outs: operation.results.to_vec(),
            cond_args: cond_block.args.to_vec(),
            cond,
            pred: preds[0],
            body_args: body_block.args.to_vec(),
            body,
            results,
        })))
    }

    /// Makes every result of a nested block a value of its own, written by an item of the block, or the argument of the same index.
    fn own_results(&mut self, plan: &mut Plan, results: &mut [Value], args: Option<&[Value]>) {
        let mut written: FxHashSet<Value> =
            plan.items.iter().flat_map(|item| writes(item).to_vec()).collect();
        for (i, result) in results.iter_mut().enumerate() {
            if args.is_some_and(|args| args[i] == *result) {
                continue;
            }
            // Taken out, so that the second use of a value is a copy.
            if !written.remove(result) {
                let to = self.fresh(self.ty(*result).clone());
                plan.items.push(Item::Copy { from: *result, to });
                *result = to;
            }
        }
    }

    fn branch_item(&mut self, operation: &Operation) -> Result<Item> {
        let index = self.root_dense(operation.operands[0]);
        let boolean = matches!(operation.op, Op::If(_));
        let mut branches = Vec::with_capacity(operation.regions.len());
        for region in &operation.regions {
            let (mut plan, mut results) = self.block(region)?;
            self.own_results(&mut plan, &mut results, None);
            branches.push((plan, results));
        }
        Ok(Item::Branch { index, boolean, branches, outs: operation.results.to_vec() })
    }
}

/// What becomes of an operation.
enum Kind {
    /// Nothing runs: a constant, or the bytes of another value.
    Nothing,
    View,
    Elementwise,
    Fold(FoldShape),
    Kernel,
    While,
    Branch,
}

/// Compiles the regions of kernels.
struct Regions<'g> {
    graph: &'g Graph,
    level: Level,
}

impl RegionCompiler for Regions<'_> {
    fn compile_region(&self, block: &Block) -> jacinth_lowering::Result<Option<Arc<dyn RegionFn>>> {
        Ok(Region::compile(block, &self.graph.types, self.level).map(|r| Arc::new(r) as Arc<dyn RegionFn>))
    }
}

fn input_index(inputs: &mut Vec<Value>, value: Value) -> usize {
    inputs.iter().position(|&v| v == value).unwrap_or_else(|| {
        inputs.push(value);
        inputs.len() - 1
    })
}

/// Whether a transpose moves dimensions that have more than one element.
fn transposes(op: &jacinth_lowering::ops::shape::Transpose, shape: &[i64]) -> bool {
    let moved: Vec<i64> =
        op.permutation.iter().zip(shape).filter(|(_, size)| **size != 1).map(|(d, _)| *d).collect();
    !moved.is_sorted()
}

pub(crate) fn is_elementwise(op: &Op) -> bool {
    matches!(
        op,
        Op::Unary(_)
            | Op::Binary(_)
            | Op::Compare(_)
            | Op::Select(_)
            | Op::Clamp(_)
            | Op::Convert(_)
            | Op::BitcastConvert(_)
            | Op::ReducePrecision(_)
    )
}

/// The fold that a reduction's region is, if it is one operation of its two arguments.
fn fold_of(block: &Block) -> Option<Fold> {
    let ([x, y], [operation], [result]) = (&block.args[..], &block.ops[..], &block.results[..]) else {
        return None;
    };
    let both = operation.operands[..] == [*x, *y] || operation.operands[..] == [*y, *x];
    if !both || operation.results[..] != [*result] {
        return None;
    }
    Some(match operation.op {
        Op::Binary(Binary::Add) => Fold::Add,
        Op::Binary(Binary::Multiply) => Fold::Mul,
        Op::Binary(Binary::Maximum) => Fold::Max,
        Op::Binary(Binary::Minimum) => Fold::Min,
        Op::Binary(Binary::And) => Fold::And,
        Op::Binary(Binary::Or) => Fold::Or,
        Op::Binary(Binary::Xor) => Fold::Xor,
        _ => return None,
    })
}

/// A reduction as outer × rows × columns, where the kept and the reduced dimensions allow it.
fn fold_shape(shape: &[i64], dimensions: &[i64]) -> Option<FoldShape> {
    // Runs of dimensions that are all kept or all reduced.
    let mut groups: SmallVec<[(bool, usize); 4]> = SmallVec::new();
    for (d, &size) in shape.iter().enumerate() {
        if size == 1 {
            continue;
        }
        let reduced = dimensions.contains(&(d as i64));
        match groups.last_mut() {
            Some(last) if last.0 == reduced => last.1 *= size as usize,
            _ => groups.push((reduced, size as usize)),
        }
    }
    let shape = |outer, rows, columns, along_columns| Some(FoldShape { outer, rows, columns, along_columns });
    match groups[..] {
        [] => shape(1, 1, 1, true),
        [(false, kept)] => shape(1, kept, 1, true),
        [(true, reduced)] => shape(1, 1, reduced, true),
        [(false, kept), (true, reduced)] => shape(1, kept, reduced, true),
        [(true, reduced), (false, kept)] => shape(1, reduced, kept, false),
        [(false, outer), (true, reduced), (false, kept)] => shape(outer, reduced, kept, false),
        _ => None,
    }
}

/// The values that a block uses and does not define.
fn captures(block: &Block, defined: &mut Vec<Value>, out: &mut Vec<Value>) {
    defined.extend(&block.args);
    let mut note = |v: Value, defined: &[Value]| {
        if !defined.contains(&v) && !out.contains(&v) {
            out.push(v);
        }
    };
    let mut inner = Vec::new();
    for operation in &block.ops {
        for &operand in &operation.operands {
            note(operand, defined);
        }
        for region in &operation.regions {
            inner.clear();
            captures(region, &mut defined.clone(), &mut inner);
            inner.iter().for_each(|&v| note(v, defined));
        }
        defined.extend(&operation.results);
    }
    for &result in &block.results {
        note(result, defined);
    }
}

/// The values that an item writes.
pub(crate) fn writes(item: &Item) -> &[Value] {
    match item {
        Item::Tile(tile) => &tile.outputs,
        Item::Kernel { outputs, .. } => outputs,
        Item::While(item) => &item.outs,
        Item::Branch { outs, .. } => outs,
        Item::Copy { to, .. } => std::slice::from_ref(to),
    }
}

/// The values that an item reads and that are not its own.
pub(crate) fn reads(item: &Item, out: &mut Vec<Value>) {
    match item {
        Item::Tile(tile) => out.extend(&tile.inputs),
        Item::Kernel { inputs, .. } => out.extend(inputs),
        Item::Copy { from, .. } => out.push(*from),
        Item::While(item) => {
            out.extend(&item.init);
            let mut inner = Vec::new();
            plan_reads(&item.cond, &mut inner);
            plan_reads(&item.body, &mut inner);
            inner.push(item.pred);
            inner.extend(&item.results);
            let mut own: Vec<Value> = item.cond_args.iter().chain(&item.body_args).copied().collect();
            plan_writes(&item.cond, &mut own);
            plan_writes(&item.body, &mut own);
            own.sort_unstable();
            out.extend(inner.into_iter().filter(|v| own.binary_search(v).is_err()));
        }
        Item::Branch { index, branches, .. } => {
            out.push(*index);
            for (plan, results) in branches {
                let mut inner = results.clone();
                plan_reads(plan, &mut inner);
                let mut own = Vec::new();
                plan_writes(plan, &mut own);
                own.sort_unstable();
                out.extend(inner.into_iter().filter(|v| own.binary_search(v).is_err()));
            }
        }
    }
}

fn plan_reads(plan: &Plan, out: &mut Vec<Value>) {
    plan.items.iter().for_each(|item| reads(item, out));
}

fn plan_writes(plan: &Plan, out: &mut Vec<Value>) {
    plan.items.iter().for_each(|item| out.extend(writes(item)));
}
