//! HLO: what XLA's compilers make of a module, read from the messages that its plugins give and printed in XLA's notation.
//!
//! Owns the wire form (`proto`, `data`) and the notation (`text` for modules, computations and instructions, `attributes` for what stands
//! behind the operands, `shape`, `literal`, `sharding`, `json`). [`HloModule`] is read and printed, no more: nothing here verifies it,
//! evaluates it or turns it into StableHLO.
//!
//! The text is what JAX's `compiled.as_text()` gives for the same message: constants of more than ten elements are `{...}`. What a newer XLA
//! adds to the messages is skipped, and an opcode that is not known here is printed with the attributes that all opcodes share.

mod attributes;
mod data;
mod json;
mod literal;
mod proto;
mod shape;
mod sharding;
mod text;

use std::fmt;

use prost::Message;
use rustc_hash::FxHashMap;

use crate::{Error, Result};

/// A module of XLA's intermediate language, as a compiler left it. Its `Display` is XLA's text.
///
/// ```
/// use jacinth_lowering::hlo::HloModule;
///
/// // What a plugin gives as "hlo": a serialized `HloModuleProto`; here, one whose only instruction is a parameter.
/// let bytes = b"\x0a\x02id\x1a\x2b\x0a\x04main\x12\x1f\x0a\x01x\x12\x09parameter\x1a\x0c\x10\x0b\x1a\x01\x03\
///     \x2a\x05\x0a\x01\x00\x38\x00\x98\x02\x01\x28\x07\x30\x01\x30\x07";
/// let module = HloModule::decode(bytes)?;
/// assert_eq!(module.name(), "id");
/// let text = module.to_string();
/// assert!(text.contains("ENTRY %main (x: f32[3]) -> f32[3] {\n  ROOT %x = f32[3]{0} parameter(0)\n}"), "{text}");
/// # Ok::<(), jacinth_lowering::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct HloModule {
    module: proto::Module,
    config: Option<proto::Config>,
    index: Index,
}

/// Where what an id means stands.
#[derive(Clone, Debug)]
struct Index {
    computations: FxHashMap<i64, usize>,
    /// For each computation, its instructions by the lower half of their ids: the upper half, where there is one, is the computation's.
    instructions: Vec<FxHashMap<u32, usize>>,
    /// The order in which computations are printed: those that are called before their callers.
    order: Vec<usize>,
    /// Which computations run asynchronously.
    asynchronous: Vec<bool>,
    entry: usize,
}

impl HloModule {
    /// Reads a serialized `HloModuleProto`, which plugins call `"hlo"`.
    ///
    /// Errors if the bytes are no such message, or name what is not in it.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let module = proto::Module::decode(bytes)
            .map_err(|e| Error::parse(format!("an HLO module is not an HloModuleProto: {e}")))?;
        Self::new(module, None)
    }

    /// Reads a serialized `HloModuleProtoWithConfig`, which plugins call `"hlo_with_config"`.
    ///
    /// Errors as [`HloModule::decode`] does.
    pub fn decode_with_config(bytes: &[u8]) -> Result<Self> {
        let message = proto::ModuleWithConfig::decode(bytes)
            .map_err(|e| Error::parse(format!("an HLO module is not an HloModuleProtoWithConfig: {e}")))?;
        let module =
            message.module.ok_or_else(|| Error::parse("an HloModuleProtoWithConfig has no module"))?;
        Self::new(module, message.config)
    }

    /// The module's name.
    pub fn name(&self) -> &str {
        &self.module.name
    }

    fn new(module: proto::Module, config: Option<proto::Config>) -> Result<Self> {
        let index = Index::new(&module)?;
        Ok(HloModule { module, config, index })
    }
}

impl fmt::Display for HloModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::print(self))
    }
}

impl Index {
    /// Errors unless every id that the module names is there, so that printing can rely on it.
    fn new(module: &proto::Module) -> Result<Index> {
        let missing = |what: String| Error::parse(format!("HLO module {:?}: {what}", module.name));
        let mut computations = FxHashMap::default();
        let mut instructions = Vec::new();
        for (at, computation) in module.computations.iter().enumerate() {
            if computations.insert(computation.id, at).is_some() {
                return Err(missing(format!("two computations are number {}", computation.id)));
            }
            let mut own = FxHashMap::default();
            for (at, instruction) in computation.instructions.iter().enumerate() {
                if own.insert(local(instruction.id), at).is_some() {
                    return Err(missing(format!(
                        "two instructions of %{} are number {}",
                        computation.name, instruction.id
                    )));
                }
            }
            instructions.push(own);
        }
        for (computation, own) in module.computations.iter().zip(&instructions) {
            let here = |id: i64, what: &str, of: &str| match own.contains_key(&local(id)) {
                true => Ok(()),
                false => {
                    Err(missing(format!("%{} has no instruction {id}, {what} of %{of}", computation.name)))
                }
            };
            here(computation.root_id, "the root", &computation.name)?;
            for instruction in &computation.instructions {
                for &id in &instruction.operand_ids {
                    here(id, "an operand", &instruction.name)?;
                }
                for &id in &instruction.control_predecessor_ids {
                    here(id, "a predecessor", &instruction.name)?;
                }
                for id in &instruction.called_ids {
                    if !computations.contains_key(id) {
                        return Err(missing(format!(
                            "there is no computation {id}, which %{} calls",
                            instruction.name
                        )));
                    }
                }
                if let Some(literal) = &instruction.literal {
                    literal::check(literal)
                        .map_err(|what| missing(format!("%{}: {what}", instruction.name)))?;
                }
            }
            if let Some(sequence) = module.schedule.as_ref().and_then(|s| s.sequences.get(&computation.id)) {
                for &id in &sequence.instruction_ids {
                    here(id, "in the schedule", &computation.name)?;
                }
            }
        }
        let entry = *computations
            .get(&module.entry_id)
            .ok_or_else(|| missing(format!("there is no entry computation {}", module.entry_id)))?;
        let order = order(module, &computations);
        let mut asynchronous = vec![false; module.computations.len()];
        let all = module.computations.iter().flat_map(|computation| &computation.instructions);
        for id in all.filter(|i| i.opcode == "async-start").flat_map(|i| &i.called_ids) {
            asynchronous[computations[id]] = true;
        }
        Ok(Index { computations, instructions, order, asynchronous, entry })
    }
}

/// The lower half of an instruction's id.
fn local(id: i64) -> u32 {
    id as u32
}

/// The order in which XLA prints computations: depth first from those that nobody calls, what is called before its caller, the
/// computations of one instruction all marked before the first of them is entered.
fn order(module: &proto::Module, computations: &FxHashMap<i64, usize>) -> Vec<usize> {
    let mut by_id: Vec<usize> = (0..module.computations.len()).collect();
    by_id.sort_by_key(|&at| module.computations[at].id);
    // For each computation, the computations that its instructions call, instruction by instruction.
    let calls: Vec<Vec<Vec<usize>>> = module
        .computations
        .iter()
        .map(|computation| {
            let mut calling: Vec<_> = computation
                .instructions
                .iter()
                .filter(|instruction| !instruction.called_ids.is_empty())
                .collect();
            calling.sort_by_key(|instruction| instruction.id);
            calling.iter().map(|i| i.called_ids.iter().map(|id| computations[id]).collect()).collect()
        })
        .collect();
    let called: Vec<bool> =
        calls.iter().flatten().flatten().fold(vec![false; calls.len()], |mut called, &at| {
            called[at] = true;
            called
        });
    let mut order = Vec::new();
    let mut marked = vec![false; calls.len()];
    let everything = by_id.iter().filter(|&&at| !called[at]).chain(by_id.iter().filter(|&&at| called[at]));
    for &root in everything {
        // The computations being walked, each with how many of its calling instructions are done.
        let mut walked = if marked[root] { Vec::new() } else { vec![(root, 0)] };
        marked[root] = true;
        while let Some((at, done)) = walked.last_mut() {
            let Some(callees) = calls[*at].get(*done) else {
                order.push(*at);
                walked.pop();
                continue;
            };
            *done += 1;
            let mut new: Vec<(usize, usize)> = Vec::new();
            for &callee in callees {
                if !std::mem::replace(&mut marked[callee], true) {
                    new.push((callee, 0));
                }
            }
            walked.extend(new.into_iter().rev());
        }
    }
    order
}
