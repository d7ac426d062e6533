//! Assignment: where every value lives.
//!
//! Values share a [`Storage`] where one can take over another's bytes: an in-place operation whose operand dies, a loop's
//! result that is written over what the loop carries, a branch's result that is the operation's. Storages of working
//! memory whose lives do not overlap share parts of one arena. Invariants: a storage lives from its first write to its
//! last read, and through a whole loop if it is read there and written before; what a program's caller keeps is never written.
//!
//! Deliberately absent: when things run (`fuse`), and the running (`schedule`).

use std::collections::BTreeMap;

use jacinth_lowering::{TensorType, Type, Value};

use super::codegen::Emit;
use super::fuse::{Item, Plan, Tile, While, reads};

/// Index of a storage, and of its entry in the table of pointers while the program runs.
pub(crate) type Slot = u32;

/// What a storage is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    Parameter(usize),
    /// Index into the program's constants.
    Constant(usize),
    /// A result of the program.
    Output(usize),
    /// Offset in the arena.
    Arena(usize),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Storage {
    pub(crate) place: Place,
    pub(crate) bytes: usize,
    /// Positions of the first write and of the last use.
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// The assignment of a program.
#[derive(Debug)]
pub(crate) struct Assignment {
    pub(crate) storages: Vec<Storage>,
    /// The storage of each value.
    slots: Vec<Slot>,
    pub(crate) arena_bytes: usize,
    /// (result, parameter): the result may be written over the parameter.
    pub(crate) aliases: Vec<(usize, usize)>,
    /// Results that the program leaves elsewhere: (result, the storage to copy from).
    pub(crate) copies: Vec<(usize, Slot)>,
    /// The storage of each result.
    pub(crate) outputs: Vec<Slot>,
    /// For each loop, in the order in which they are met: carried index and the storage of the result to swap or copy.
    pub(crate) moves: Vec<Vec<(Slot, Slot)>>,
}

impl Assignment {
    pub(crate) fn slot(&self, value: Value) -> Slot {
        let slot = self.slots[value.index()];
        debug_assert_ne!(slot, NONE, "{value:?} has no storage");
        slot
    }
}

const NONE: Slot = Slot::MAX;

/// What `assign` may know of a program.
pub(crate) struct Facts<'a> {
    pub(crate) types: &'a [Type],
    pub(crate) parameters: &'a [Value],
    pub(crate) results: &'a [Value],
    /// For each constant, its index among the program's constants.
    pub(crate) constants: &'a [(Value, usize)],
    /// (result, parameter) pairs that the program asks to alias.
    pub(crate) wanted: &'a [(usize, usize)],
}

/// Assigns storages to all values of a plan. Marks outputs of fused regions that share memory with an input.
pub(crate) fn assign(plan: &mut Plan, facts: &Facts<'_>) -> Assignment {
    let count = facts.types.len();
    let mut pass = Pass {
        types: facts.types,
        storages: Vec::new(),
        slots: vec![NONE; count],
        last_use: vec![0; count],
        raw_use: vec![0; count],
        position: 0,
        moves: Vec::new(),
        tied: Vec::new(),
        held: Vec::new(),
        wanted: facts.wanted.iter().map(|&(k, p)| (facts.results[k], facts.parameters[p])).collect(),
    };
    // First walk: when each value is last used.
    let mut walk = Uses {
        last: &mut pass.last_use,
        raw: &mut pass.raw_use,
        defined: vec![u32::MAX; count],
        position: 0,
        seen: Vec::new(),
    };
    for &parameter in facts.parameters {
        walk.defined[parameter.index()] = 0;
    }
    for &(constant, _) in facts.constants {
        walk.defined[constant.index()] = 0;
    }
    walk.plan(plan);
    let end = walk.position + 1;
    for &result in facts.results {
        walk.last[result.index()] = end;
        walk.raw[result.index()] = end;
    }
    for (i, &value) in facts.parameters.iter().enumerate() {
        pass.new_storage(value, Place::Parameter(i));
    }
    for &(value, index) in facts.constants {
        pass.new_storage(value, Place::Constant(index));
    }
    // Second walk: give storages, and let operations take over their operands'.
    pass.plan(plan);
    pass.finish(plan, facts, end)
}

/// First walk: last uses. Positions count items, nested ones included; a loop takes one before and one after its parts.
struct Uses<'a> {
    /// The last use, at the end of a loop for values from outside of it.
    last: &'a mut [u32],
    /// The last use as such.
    raw: &'a mut [u32],
    defined: Vec<u32>,
    position: u32,
    /// Values used in the loops that are open.
    seen: Vec<Value>,
}

impl Uses<'_> {
    fn used(&mut self, value: Value) {
        let at = self.position;
        self.last[value.index()] = self.last[value.index()].max(at);
        self.raw[value.index()] = self.raw[value.index()].max(at);
        self.seen.push(value);
    }

    fn defined(&mut self, value: Value) {
        self.defined[value.index()] = self.position;
        self.last[value.index()] = self.last[value.index()].max(self.position);
    }

    fn plan(&mut self, plan: &Plan) {
        for item in &plan.items {
            self.position += 1;
            match item {
                Item::While(item) => self.while_item(item),
                Item::Branch { index, branches, outs, .. } => {
                    self.used(*index);
                    outs.iter().for_each(|&v| self.defined(v));
                    for (plan, results) in branches {
                        self.plan(plan);
                        self.position += 1;
                        results.iter().for_each(|&v| self.used(v));
                    }
                    self.position += 1;
                }
                item => {
                    let mut values = Vec::new();
                    reads(item, &mut values);
                    values.into_iter().for_each(|v| self.used(v));
                    super::fuse::writes(item).iter().for_each(|&v| self.defined(v));
                }
            }
        }
    }

    fn while_item(&mut self, item: &While) {
        let start = self.position;
        item.init.iter().for_each(|&v| self.used(v));
        let outer = std::mem::take(&mut self.seen);
        item.outs.iter().chain(&item.cond_args).chain(&item.body_args).for_each(|&v| self.defined(v));
        self.plan(&item.cond);
        self.position += 1;
        self.used(item.pred);
        self.plan(&item.body);
        self.position += 1;
        item.results.iter().for_each(|&v| self.used(v));
        self.position += 1;
        let end = self.position;
        item.outs.iter().for_each(|&v| self.last[v.index()] = self.last[v.index()].max(end));
        let inside = std::mem::replace(&mut self.seen, outer);
        for value in inside {
            if self.defined[value.index()] < start {
                self.last[value.index()] = self.last[value.index()].max(end);
                self.seen.push(value);
            }
        }
    }
}

struct Pass<'a> {
    types: &'a [Type],
    storages: Vec<Storage>,
    slots: Vec<Slot>,
    last_use: Vec<u32>,
    raw_use: Vec<u32>,
    position: u32,
    moves: Vec<Vec<(Slot, Slot)>>,
    /// Storages that are swapped in a loop, and must live as long as each other.
    tied: Vec<(Slot, Slot)>,
    /// Arguments of the loop bodies that are open: (argument, the storage that it shares with what the loop carries).
    held: Vec<Value>,
    /// (result, parameter) pairs that the program asks to alias.
    wanted: Vec<(Value, Value)>,
}

impl Pass<'_> {
    fn ty(&self, value: Value) -> &TensorType {
        self.types[value.index()].as_tensor().expect("every value of a graph is a tensor")
    }

    fn bytes(&self, value: Value) -> usize {
        self.ty(value).byte_size().expect("types of a graph are static")
    }

    fn new_storage(&mut self, value: Value, place: Place) -> Slot {
        let storage = Storage {
            place,
            bytes: self.bytes(value),
            start: self.position,
            end: self.last_use[value.index()].max(self.position),
        };
        self.storages.push(storage);
        self.slots[value.index()] = self.storages.len() as Slot - 1;
        self.storages.len() as Slot - 1
    }

    /// Gives `value` an existing storage.
    fn share(&mut self, value: Value, slot: Slot) {
        self.slots[value.index()] = slot;
        let storage = &mut self.storages[slot as usize];
        storage.end = storage.end.max(self.last_use[value.index()]);
        storage.start = storage.start.min(self.position);
    }

    /// Whether an item at this position may overwrite an operand, to become `result`.
    fn dies(&self, operand: Value, result: Value, targets: &[(Value, Value)]) -> bool {
        let slot = self.slots[operand.index()];
        if slot == NONE || self.bytes(operand) != self.bytes(result) || self.bytes(result) == 0 {
            return false;
        }
        let storage = &self.storages[slot as usize];
        if !matches!(storage.place, Place::Arena(_)) {
            return false;
        }
        if self.held.contains(&operand) {
            // What a loop carries may be overwritten only by what it carries next.
            return targets.contains(&(result, operand)) && self.raw_use[operand.index()] <= self.position;
        }
        storage.end <= self.position
    }

    /// `targets`: (result, argument) pairs of the loop body that this plan is.
    fn plan(&mut self, plan: &mut Plan) {
        self.plan_with(plan, &[], &[]);
    }

    /// `branch`: values of a branch that are to be written where its operation's results are.
    fn plan_with(&mut self, plan: &mut Plan, targets: &[(Value, Value)], branch: &[(Value, Slot)]) {
        for item in &mut plan.items {
            self.position += 1;
            let place = |this: &mut Self, value: Value| {
                if this.slots[value.index()] != NONE {
                    return;
                }
                match branch.iter().find(|b| b.0 == value) {
                    Some(&(_, slot)) => this.share(value, slot),
                    None => drop(this.new_storage(value, Place::Arena(0))),
                }
            };
            match item {
                Item::Tile(tile) => {
                    for o in 0..tile.outputs.len() {
                        let output = tile.outputs[o];
                        if branch.iter().any(|b| b.0 == output) || self.takes_parameter(tile, o) {
                            continue;
                        }
                        let input = (0..tile.inputs.len()).find(|&i| {
                            let width = self.ty(output).element.byte_width();
                            matches!(tile.emits[o], Emit::Elements { .. })
                                && tile.shape.is_none()
                                && self.dies(tile.inputs[i], output, targets)
                                && tile.builder.input_width(i) == Some(width)
                                && tile.builder.reads_in_place(i)
                                && !tile
                                    .outputs
                                    .iter()
                                    .any(|&v| self.slots[v.index()] == self.slots[tile.inputs[i].index()])
                        });
                        if let Some(i) = input {
                            self.share(output, self.slots[tile.inputs[i].index()]);
                            defer(tile, o);
                        }
                    }
                    tile.outputs.iter().for_each(|&v| place(self, v));
                }
                Item::Kernel { kernel, inputs, outputs, .. } => {
                    for (o, &output) in outputs.iter().enumerate() {
                        let Some(i) = kernel.in_place(o) else { continue };
                        let only = inputs
                            .iter()
                            .filter(|&&v| self.slots[v.index()] == self.slots[inputs[i].index()])
                            .count()
                            == 1
                            && !outputs
                                .iter()
                                .any(|&v| self.slots[v.index()] == self.slots[inputs[i].index()]);
                        let free = !branch.iter().any(|b| b.0 == output);
                        if only && free && self.dies(inputs[i], output, targets) {
                            self.share(output, self.slots[inputs[i].index()]);
                        }
                    }
                    outputs.iter().for_each(|&v| place(self, v));
                }
                Item::Copy { to, .. } => {
                    let to = *to;
                    place(self, to);
                }
                Item::While(item) => self.while_item(item, branch),
                Item::Branch { branches, outs, .. } => {
                    outs.iter().for_each(|&v| place(self, v));
                    for (plan, results) in branches {
                        // Each result is written by an item of the branch, and is that result only: in place.
                        let inner: Vec<(Value, Slot)> = results
                            .iter()
                            .zip(outs.iter())
                            .map(|(&r, out)| (r, self.slots[out.index()]))
                            .collect();
                        self.plan_with(plan, &[], &inner);
                        self.position += 1;
                    }
                    self.position += 1;
                }
            }
        }
    }

    /// Whether output `o` of a region can be written over the parameter that the program wishes, and needs no other input's place.
    fn takes_parameter(&self, tile: &Tile, o: usize) -> bool {
        let output = tile.outputs[o];
        let width = self.ty(output).element.byte_width();
        let possible = matches!(tile.emits[o], Emit::Elements { .. }) && tile.shape.is_none();
        let mut parameters = self.wanted.iter().filter(|w| w.0 == output).map(|w| w.1);
        possible
            && parameters.any(|p| {
                self.last_use[p.index()] == self.position
                    && tile.inputs.iter().position(|&v| v == p).is_some_and(|i| {
                        tile.builder.input_width(i) == Some(width) && tile.builder.reads_in_place(i)
                    })
            })
    }

    fn while_item(&mut self, item: &mut While, branch: &[(Value, Slot)]) {
        for (i, (&out, &init)) in item.outs.iter().zip(&item.init).enumerate() {
            // The loop may take over what it starts from, if nobody else needs it and no other carried value took it.
            let taken = item.outs[..i].iter().any(|v| self.slots[v.index()] == self.slots[init.index()]);
            match branch.iter().find(|b| b.0 == out) {
                Some(&(_, slot)) => self.share(out, slot),
                None if !taken && !self.held.contains(&init) && self.dies(init, out, &[]) => {
                    self.share(out, self.slots[init.index()])
                }
                None => drop(self.new_storage(out, Place::Arena(0))),
            }
        }
        for ((&cond_arg, &body_arg), &out) in item.cond_args.iter().zip(&item.body_args).zip(&item.outs) {
            self.slots[cond_arg.index()] = self.slots[out.index()];
            self.slots[body_arg.index()] = self.slots[out.index()];
        }
        let held = self.held.len();
        self.held.extend(item.cond_args.iter().chain(&item.body_args));
        self.plan_with(&mut item.cond, &[], &[]);
        self.position += 1;
        let targets: Vec<(Value, Value)> =
            item.results.iter().copied().zip(item.body_args.iter().copied()).collect();
        let index = self.moves.len();
        self.moves.push(Vec::new());
        self.plan_with(&mut item.body, &targets, &[]);
        self.position += 2;
        self.held.truncate(held);
        let mut moves = Vec::new();
        for (&result, &out) in item.results.iter().zip(&item.outs) {
            let (from, to) = (self.slots[result.index()], self.slots[out.index()]);
            if from != to {
                moves.push((to, from));
                self.tied.push((to, from));
            }
        }
        self.moves[index] = moves;
    }

    /// Gives places to storages, and results their storages.
    fn finish(mut self, plan: &mut Plan, facts: &Facts<'_>, end: u32) -> Assignment {
        // Results: the first that an item writes becomes that result's own array.
        let mut outputs = Vec::with_capacity(facts.results.len());
        let mut copies = Vec::new();
        for (k, &result) in facts.results.iter().enumerate() {
            let slot = self.slots[result.index()];
            let storage = &mut self.storages[slot as usize];
            if matches!(storage.place, Place::Arena(_)) && storage.bytes == bytes_of(self.types, result) {
                storage.place = Place::Output(k);
                storage.end = end;
                outputs.push(slot);
            } else {
                copies.push((k, slot));
                storage.end = end;
                self.storages.push(Storage {
                    place: Place::Output(k),
                    bytes: bytes_of(self.types, result),
                    start: end,
                    end,
                });
                outputs.push(self.storages.len() as Slot - 1);
            }
        }
        // Swapped storages live as long as each other, through the whole loop.
        for _ in 0..2 {
            for &(a, b) in self.tied.iter().rev() {
                let (x, y) = (self.storages[a as usize], self.storages[b as usize]);
                let (start, last) = (x.start.min(y.start), x.end.max(y.end));
                for slot in [a, b] {
                    self.storages[slot as usize].start = start;
                    self.storages[slot as usize].end = last;
                }
            }
        }
        let arena_bytes = self.arena();
        let aliases = self.aliases(plan, facts, &outputs, &copies);
        Assignment {
            storages: self.storages,
            slots: self.slots,
            arena_bytes,
            aliases,
            copies,
            outputs,
            moves: self.moves,
        }
    }

    /// Packs storages into the arena; returns its size.
    fn arena(&mut self) -> usize {
        let mut order: Vec<usize> =
            (0..self.storages.len()).filter(|&i| matches!(self.storages[i].place, Place::Arena(_))).collect();
        order.sort_by_key(|&i| (self.storages[i].start, i));
        // Free gaps by offset, and live storages by end.
        let mut gaps: BTreeMap<usize, usize> = BTreeMap::new();
        let mut live: BTreeMap<(u32, usize), (usize, usize)> = BTreeMap::new();
        let mut size = 0;
        for i in order {
            let Storage { start, end, bytes, .. } = self.storages[i];
            while let Some((&key, &(offset, length))) = live.first_key_value()
                && key.0 < start
            {
                live.remove(&key);
                release(&mut gaps, offset, length);
            }
            let bytes = bytes.next_multiple_of(64).max(64);
            let best = gaps.iter().filter(|g| *g.1 >= bytes).min_by_key(|g| *g.1).map(|(&o, &l)| (o, l));
            let offset = match best {
                Some((offset, length)) => {
                    gaps.remove(&offset);
                    if length > bytes {
                        gaps.insert(offset + bytes, length - bytes);
                    }
                    offset
                }
                None => {
                    // A gap at the end may be stretched.
                    let last = gaps.last_key_value().map(|(&o, &l)| (o, l)).filter(|(o, l)| o + l == size);
                    let offset = match last {
                        Some((offset, _)) => {
                            gaps.remove(&offset);
                            offset
                        }
                        None => size,
                    };
                    size = offset + bytes;
                    offset
                }
            };
            live.insert((end, i), (offset, bytes));
            self.storages[i].place = Place::Arena(offset);
        }
        size
    }

    /// Which results may be written over which parameters, of those that the program wishes.
    fn aliases(
        &self,
        plan: &mut Plan,
        facts: &Facts<'_>,
        outputs: &[Slot],
        copies: &[(usize, Slot)],
    ) -> Vec<(usize, usize)> {
        let mut aliases = Vec::new();
        for &(k, p) in facts.wanted {
            let (output, parameter) = (outputs[k], self.slots[facts.parameters[p].index()]);
            let (to, from) = (self.storages[output as usize], self.storages[parameter as usize]);
            if to.bytes != from.bytes
                || aliases.iter().any(|&(a, b)| a == k || b == p)
                || copies.iter().any(|&(c, slot)| slot == parameter && c != k)
            {
                continue;
            }
            // The parameter's own result, or one that is written after the parameter's last use.
            let itself = copies.contains(&(k, parameter));
            if itself || to.start > from.end {
                aliases.push((k, p));
                continue;
            }
            // Or by the very item that uses the parameter last, if it can work in place.
            if to.start == from.end {
                let mut position = 0;
                if let Some(item) = item_at(plan, to.start, &mut position)
                    && self.in_place(item, output, parameter)
                {
                    aliases.push((k, p));
                }
            }
        }
        aliases
    }

    fn in_place(&self, item: &mut Item, output: Slot, parameter: Slot) -> bool {
        match item {
            Item::Tile(tile) => {
                let o = tile.outputs.iter().position(|v| self.slots[v.index()] == output);
                let i = tile.inputs.iter().position(|v| self.slots[v.index()] == parameter);
                let (Some(o), Some(i)) = (o, i) else { return false };
                let width = self.ty(tile.outputs[o]).element.byte_width();
                let elements = matches!(tile.emits[o], Emit::Elements { .. });
                let possible = elements
                    && tile.shape.is_none()
                    && tile.builder.input_width(i) == Some(width)
                    && tile.builder.reads_in_place(i);
                if possible {
                    defer(tile, o);
                }
                possible
            }
            Item::Kernel { kernel, inputs, outputs, .. } => outputs.iter().enumerate().any(|(o, v)| {
                self.slots[v.index()] == output
                    && kernel.in_place(o).is_some_and(|i| self.slots[inputs[i].index()] == parameter)
                    && inputs.iter().filter(|v| self.slots[v.index()] == parameter).count() == 1
            }),
            // Copies and loops begin by moving what they start from: the same place is fine.
            Item::While(item) => {
                item.init.iter().zip(&item.outs).all(|(init, out)| {
                    self.slots[init.index()] != parameter || self.slots[out.index()] == output
                }) && !item.results.iter().any(|v| self.slots[v.index()] == parameter)
            }
            _ => false,
        }
    }
}

fn bytes_of(types: &[Type], value: Value) -> usize {
    let ty = types[value.index()].as_tensor().expect("every value of a graph is a tensor");
    ty.byte_size().expect("types of a graph are static")
}

/// Writes output `o` of a region through a register, at the end of each tile.
fn defer(tile: &mut Tile, o: usize) {
    if let Emit::Elements { deferred, .. } = &mut tile.emits[o] {
        *deferred = true;
    }
}

fn release(gaps: &mut BTreeMap<usize, usize>, mut offset: usize, mut length: usize) {
    if let Some((&before, &size)) = gaps.range(..offset).next_back()
        && before + size == offset
    {
        gaps.remove(&before);
        offset = before;
        length += size;
    }
    if let Some(&size) = gaps.get(&(offset + length)) {
        gaps.remove(&(offset + length));
        length += size;
    }
    gaps.insert(offset, length);
}

/// The outermost item that begins at a position.
fn item_at<'p>(plan: &'p mut Plan, wanted: u32, position: &mut u32) -> Option<&'p mut Item> {
    for item in &mut plan.items {
        *position += 1;
        if *position == wanted {
            return Some(item);
        }
        skip(item, position);
        if *position >= wanted {
            return None;
        }
    }
    None
}

/// Counts the positions inside an item.
fn skip(item: &Item, position: &mut u32) {
    let inside = |plan: &Plan, position: &mut u32| {
        for item in &plan.items {
            *position += 1;
            skip(item, position);
        }
    };
    match item {
        Item::While(item) => {
            inside(&item.cond, position);
            *position += 1;
            inside(&item.body, position);
            *position += 2;
        }
        Item::Branch { branches, .. } => {
            for (plan, _) in branches {
                inside(plan, position);
                *position += 1;
            }
            *position += 1;
        }
        _ => {}
    }
}
