//! The compiler: a verified module becomes a schedule of fused regions and kernels over an arena.

pub mod schedule;

use jacinth_lowering::Module;

use crate::executable::{Error, Executable, Result};

/// Compiles the function `main` of a verified module.
///
/// Errors with a sentence if the module uses what the plugin does not support (dynamic shapes, tuples as parameters).
pub fn compile(module: &Module) -> Result<Executable> {
    let _ = module;
    Err(Error::Unimplemented("the compiler is not landed yet".into()))
}
