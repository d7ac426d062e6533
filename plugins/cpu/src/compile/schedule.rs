//! The schedule: what an executable runs.

use jacinth_lowering::TensorType;

use crate::executable::{Arguments, Error, Outputs, Result, RunContext};
use crate::kernels::Cost;

/// A compiled program.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) parameters: Vec<TensorType>,
    pub(crate) results: Vec<TensorType>,
    pub(crate) aliases: Vec<(usize, usize)>,
    pub(crate) cost: Cost,
    pub(crate) arena_bytes: usize,
    pub(crate) cheap: bool,
}

impl Program {
    pub(crate) fn execute(&self, _: Arguments<'_>, _: &RunContext<'_>) -> Result<Outputs> {
        Err(Error::Unimplemented("the compiler is not landed yet".into()))
    }
}

impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} parameters, {} results", self.parameters.len(), self.results.len())
    }
}
