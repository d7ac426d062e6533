//! A compiled program and what running it takes: the interface between the ABI and the compiler.
//!
//! Invariants: an [`Executable`] is immutable, so any number of threads may run it at once; it keeps no pointer into its
//! arguments after [`Executable::execute`] returns. Deliberately absent: queues, events and devices (the ABI's).

use std::sync::Arc;

use jacinth_lowering::TensorType;
use smallvec::SmallVec;

use crate::compile::schedule::Program;
use crate::error::Result;
use crate::kernels::{Cost, KernelContext};
use crate::memory::{Allocation, Allocator};

/// A compiled program, ready to run on any device of the client.
#[derive(Debug)]
pub struct Executable {
    pub(crate) program: Program,
}

/// One argument of an execution.
#[derive(Debug)]
pub struct Argument {
    allocation: Arc<Allocation>,
    donated: bool,
}

impl Argument {
    /// A buffer that others keep: it is only read, and a result that is this parameter unchanged is the same memory.
    pub fn shared(allocation: Arc<Allocation>) -> Argument {
        Argument { allocation, donated: false }
    }

    /// A buffer that is given up: it may be overwritten, and may come back as a result. If somebody else still holds it, it is
    /// shared.
    pub fn donated(mut allocation: Arc<Allocation>) -> Argument {
        let donated = Arc::get_mut(&mut allocation).is_some();
        Argument { allocation, donated }
    }

    /// The buffer.
    #[inline]
    pub fn allocation(&self) -> &Arc<Allocation> {
        &self.allocation
    }

    /// Whether the buffer may be overwritten.
    #[inline]
    pub fn is_donated(&self) -> bool {
        self.donated
    }
}

/// The arguments of an execution in order.
pub type Arguments = SmallVec<[Argument; 4]>;

/// The results of an execution in order: memory of their own, or a shared argument's.
pub type Outputs = SmallVec<[Arc<Allocation>; 2]>;

/// What an execution may use.
#[derive(Clone, Copy, Debug)]
pub struct RunContext<'a> {
    /// Where results and working memory come from.
    pub allocator: &'a Arc<Allocator>,
    /// What kernels may use: the thread pool, and which process of the grid this is.
    pub kernels: KernelContext<'a>,
}

impl Executable {
    /// Types of the parameters of `main`.
    pub fn parameters(&self) -> &[TensorType] {
        &self.program.parameters
    }

    /// Types of the results of `main`.
    pub fn results(&self) -> &[TensorType] {
        &self.program.results
    }

    /// Which result can take over which donated parameter's buffer: (result, parameter).
    pub fn aliases(&self) -> &[(usize, usize)] {
        &self.program.aliases
    }

    /// Arithmetic operations, and bytes read and written, of one execution.
    pub fn cost(&self) -> Cost {
        self.program.cost
    }

    /// Bytes of working memory of one execution, beside arguments and results.
    pub fn temp_bytes(&self) -> usize {
        self.program.arena_bytes
    }

    /// Roughly how long an execution takes on one thread, in nanoseconds.
    pub fn nanoseconds(&self) -> u64 {
        self.program.nanoseconds
    }

    /// The optimized program, for people to read: steps, fused regions and where each value lives.
    pub fn to_text(&self) -> String {
        self.program.to_string()
    }

    /// Runs the program: one argument per parameter, one result per result of `main`.
    ///
    /// A donated argument's buffer comes back as a result where [`Executable::aliases`] says so, and is freed otherwise.
    ///
    /// Errors if the number of arguments or the size of one is wrong, if memory runs out, or if a kernel fails.
    #[inline]
    pub fn execute(&self, arguments: Arguments, cx: &RunContext<'_>) -> Result<Outputs> {
        self.program.execute(arguments, cx)
    }
}
