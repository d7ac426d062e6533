//! Reference evaluation: what a module means, computed one operation at a time with no cleverness.
//!
//! This is the oracle for the embedded plugin's kernels; it owns no speed.

use crate::Module;

/// Evaluates functions and regions of one module for one process of the grid of replicas and partitions.
#[derive(Debug)]
pub struct Evaluator<'m> {
    /// The module whose functions may be called.
    pub module: &'m Module,
}
