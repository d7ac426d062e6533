//! The compiler: a verified module becomes a schedule of fused regions and kernels over an arena.
//!
//! The walk: `graph` inlines calls, `simplify` rewrites, `fuse` makes the plan (with `view` and `codegen` for what the
//! tile machine of `tile` and `fold` runs), `assign` gives every value a place, `schedule` is what runs. Every pass is
//! linear in the size of the program, or nearly. `printed` shows the program between `fuse` and `assign`. Deliberately absent: kernels' insides, and anything of PJRT.

mod assign;
mod codegen;
mod fold;
mod fuse;
mod graph;
mod printed;
mod reference;
mod region;
pub(crate) mod schedule;
mod simplify;
#[cfg(test)]
mod tests;
mod tile;
mod view;

use jacinth_lowering::{Attribute, Module};

use crate::error::Result;
use crate::executable::Executable;
use crate::simd::Level;
use graph::Graph;
use schedule::{Program, Source};

/// Compiles the function `main` of a verified module.
///
/// Errors with a sentence if the module uses what the plugin does not support (dynamic shapes, tuples as parameters).
pub fn compile(module: &Module) -> Result<Executable> {
    compile_for(module, Level::detect())
}

/// The optimised program as a module: what [`compile`] makes of it before memory is assigned.
pub(crate) fn optimized(module: &Module) -> Result<Module> {
    printed::optimized(module, Level::detect())
}

/// Compiles for a given instruction set, which this machine must have.
pub(crate) fn compile_for(module: &Module, level: Level) -> Result<Executable> {
    let mut graph = Graph::new(module)?;
    simplify::simplify(&mut graph, level);
    let parameters = graph.body.args.clone();
    let mut planner = fuse::Planner::new(&mut graph, level);
    let (plan, results) = planner.plan()?;
    let literals = std::mem::take(&mut planner.literals);
    let wanted = wanted_aliases(module, &graph, &results);
    let source = Source {
        types: &graph.types,
        parameters: &parameters,
        results: &results,
        literals: &literals,
        wanted: &wanted,
    };
    let mut program = Program::new(plan, &source);
    // The types that the module declares: a result may be another shape of the value that holds its bytes.
    if let Some(main) = module.main() {
        program.results = main.result_types.iter().filter_map(|ty| ty.as_tensor().cloned()).collect();
    }
    Ok(Executable { program })
}

/// (result, parameter) pairs that may share memory: those that `tf.aliasing_output` names, then donors with any result of
/// their type.
fn wanted_aliases(
    module: &Module,
    graph: &Graph,
    results: &[jacinth_lowering::Value],
) -> Vec<(usize, usize)> {
    let Some(main) = module.main() else { return Vec::new() };
    let mut wanted = Vec::new();
    let mut donors = Vec::new();
    for (p, attributes) in main.arg_attributes.iter().enumerate() {
        match attributes.get("tf.aliasing_output") {
            Some(Attribute::Int(k, _)) if usize::try_from(*k).is_ok_and(|k| k < results.len()) => {
                wanted.push((*k as usize, p));
            }
            _ => {}
        }
        if attributes.get("jax.buffer_donor").is_some() {
            donors.push(p);
        }
    }
    for p in donors {
        let bytes = graph.ty(graph.body.args[p]).byte_size();
        for (k, &result) in results.iter().enumerate() {
            if graph.ty(result).byte_size() == bytes {
                wanted.push((k, p));
            }
        }
    }
    wanted
}
