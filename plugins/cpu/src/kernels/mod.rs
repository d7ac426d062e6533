//! Kernels: every operation that is not a fused elementwise region, one file per family.
//!
//! [`build`] turns one operation with fixed shapes, element types and attributes into a [`Kernel`], which then runs any
//! number of times on dense row-major arrays. Kernels parallelise through [`KernelContext::pool`] and take working
//! memory from [`KernelContext::scratch`]. Invariants: the operation has been verified, so kernels check nothing that the verifier
//! has checked; only what depends on values (indices) is checked at run time, as the specification says.
//!
//! Deliberately absent: scheduling, buffers and fusion (the compiler's), and elementwise mathematics (the tiles').

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use jacinth_lowering::{Block, Op, TensorType, Type};
use parking_lot::Mutex;

use crate::collectives::Collectives;
use crate::memory::Allocator;
use crate::{Error, Result};

mod blocks;
mod collective;
mod combiner;
mod conv;
pub(crate) mod custom_call;
mod dot;
mod element;
mod fft;
mod gather;
mod linalg;
mod map;
mod random;
mod reduce;
mod reducer;
pub mod scratch;
mod shape;
mod slice;
mod sort;
mod strided;
#[cfg(test)]
mod tests;
mod window;

pub use reducer::Reducer;
use scratch::{Plain, Scratch};
#[cfg(test)]
pub(crate) use tests::memory as test_memory;

/// One operation, ready to run on arrays of the types it was built for.
pub trait Kernel: Send + Sync + Debug {
    /// Computes the outputs from the inputs.
    ///
    /// # Safety
    /// `inputs` and `outputs` point to dense row-major arrays of the types the kernel was built for, aligned to 64 bytes or at
    /// least to their element; outputs are readable (their contents do not matter) and overlap nothing, except that
    /// output `o` may be the same array as input [`Kernel::in_place`]`(o)`.
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()>;

    /// What one run costs.
    fn cost(&self) -> Cost;

    /// Roughly how long one run takes on one thread, in nanoseconds.
    fn nanoseconds(&self) -> u64 {
        let Cost { flops, bytes } = self.cost();
        50 + flops / 20 + bytes / 10
    }

    /// The input whose array output `output` may reuse, if there is one.
    fn in_place(&self, output: usize) -> Option<usize> {
        let _ = output;
        None
    }
}

/// What a kernel may use while it runs.
#[derive(Clone, Copy)]
pub struct KernelContext<'a> {
    /// Runs parts of the work side by side.
    pub pool: &'a dyn Parallel,
    /// The replica this execution stands for.
    pub replica: u32,
    /// The partition this execution stands for.
    pub partition: u32,
    /// Where working memory comes from.
    pub memory: &'a Arc<Allocator>,
    /// Where the devices of this execution meet.
    pub collectives: &'a dyn Collectives,
}

impl Debug for KernelContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KernelContext")
            .field("threads", &self.pool.threads())
            .field("replica", &self.replica)
            .field("partition", &self.partition)
            .finish()
    }
}

impl KernelContext<'_> {
    /// Working memory for `n` elements.
    ///
    /// Errors with `RESOURCE_EXHAUSTED` if the device has no more.
    pub fn scratch<T: Plain>(&self, n: usize) -> Result<Scratch> {
        Scratch::new::<T>(self.memory, n)
    }

    /// The same, on the caller's thread alone.
    fn serial(&self) -> Self {
        KernelContext { pool: &Serial, ..*self }
    }

    /// As [`KernelContext::ranges`], with bodies that can fail: one of the errors is returned.
    pub fn try_ranges(
        &self,
        n: usize,
        grain: usize,
        body: impl Fn(Range<usize>) -> Result<()> + Sync,
    ) -> Result<()> {
        let failed: Mutex<Option<Error>> = Mutex::new(None);
        self.ranges(n, grain, |range| {
            if let Err(error) = body(range) {
                *failed.lock() = Some(error);
            }
        });
        failed.into_inner().map_or(Ok(()), Err)
    }

    /// Runs `body` over `0..n` in ranges of at least `grain`, side by side where there is more than one range.
    pub fn ranges(&self, n: usize, grain: usize, body: impl Fn(Range<usize>) + Sync) {
        self.split(n, grain, &body);
    }

    /// [`KernelContext::ranges`], compiled once.
    fn split(&self, n: usize, grain: usize, body: &(dyn Fn(Range<usize>) + Sync)) {
        let grain = grain.max(1);
        let threads = self.pool.threads();
        if n == 0 {
            return;
        }
        if threads <= 1 || n < 2 * grain {
            return body(0..n);
        }
        let parts = (n / grain).min(threads * 4).max(1);
        let parts = if parts < threads { parts } else { parts / threads * threads };
        self.pool.run(parts, &|i| {
            let (start, end) = (i * n / parts, (i + 1) * n / parts);
            if start < end {
                body(start..end);
            }
        });
    }
}

/// Runs tasks side by side: the thread pool, as kernels see it.
pub trait Parallel: Sync {
    /// How many tasks can run at the same time.
    fn threads(&self) -> usize;
    /// Calls `task(0)`, …, `task(tasks - 1)`, in any order and on any thread, and returns when all have returned.
    fn run(&self, tasks: usize, task: &(dyn Fn(usize) + Sync));
}

/// Runs tasks one after the other on the caller's thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Serial;

impl Parallel for Serial {
    fn threads(&self) -> usize {
        1
    }
    fn run(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        (0..tasks).for_each(task);
    }
}

/// What one run of a kernel costs.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Cost {
    /// Arithmetic operations.
    pub flops: u64,
    /// Bytes read and written.
    pub bytes: u64,
}

impl Cost {
    /// Moves the operands in and the results out, with `flops` operations.
    pub fn new(flops: u64, operands: &[TensorType], results: &[TensorType]) -> Self {
        let bytes = operands.iter().chain(results).map(|ty| ty.byte_size().unwrap_or(0) as u64).sum();
        Cost { flops, bytes }
    }
}

/// A compiled region of scalars: evaluates the block over many lanes at once.
pub trait RegionFn: Send + Sync + Debug {
    /// Evaluates the region for each of `lanes` lanes: `inputs[k]` is an array of `lanes` values of block argument `k`,
    /// `outputs[k]` receives `lanes` values of block result `k`.
    ///
    /// # Safety
    /// The pointers are valid for that many elements of the block's argument and result types, aligned to their
    /// element; no output overlaps anything else.
    unsafe fn call(&self, lanes: usize, inputs: &[*const u8], outputs: &[*mut u8]);
}

/// Compiles regions for kernels; the compiler's side of [`build`].
pub trait RegionCompiler {
    /// Compiles a block of scalar operations; `None` where it is not made of elementwise operations on scalars.
    fn compile_region(&self, block: &Block) -> jacinth_lowering::Result<Option<Arc<dyn RegionFn>>>;
}

/// What [`build`] may look at.
pub(crate) struct Builder<'a> {
    operands: &'a [TensorType],
    results: &'a [TensorType],
    regions: &'a [Block],
    values: &'a [Type],
    cx: &'a dyn RegionCompiler,
}

impl Builder<'_> {
    /// The cost of moving operands and results, with that many operations.
    fn cost(&self, flops: u64) -> Cost {
        Cost::new(flops, self.operands, self.results)
    }
}

type Built = Result<Option<Box<dyn Kernel>>>;

/// The kernel of one operation, or `None` where there is none and the reference evaluation must do.
///
/// `operands` and `results` are static tensor types; `values` types the values of `regions`.
pub fn build(
    op: &Op,
    operands: &[TensorType],
    results: &[TensorType],
    regions: &[Block],
    values: &[Type],
    cx: &dyn RegionCompiler,
) -> Result<Option<Box<dyn Kernel>>> {
    let b = Builder { operands, results, regions, values, cx };
    match op {
        Op::Iota(op) => shape::iota(op, &b),
        Op::Reshape(_) => shape::reshape(&b),
        Op::Transpose(op) => shape::transpose(op, &b),
        Op::BroadcastInDim(op) => shape::broadcast_in_dim(op, &b),
        Op::Slice(op) => shape::slice(op, &b),
        Op::Reverse(op) => shape::reverse(op, &b),
        Op::Concatenate(op) => shape::concatenate(op, &b),
        Op::Pad(op) => shape::pad(op, &b),
        Op::DynamicSlice(_) => slice::dynamic_slice(&b),
        Op::DynamicUpdateSlice(_) => slice::dynamic_update_slice(&b),
        Op::Gather(op) => gather::gather(op, &b),
        Op::Scatter(op) => gather::scatter(op, &b),
        Op::Sort(op) => sort::sort(op, &b),
        Op::TopK(op) => sort::top_k(op, &b),
        Op::Map(_) => map::map(&b),
        Op::ReduceWindow(op) => window::reduce_window(op, &b),
        Op::SelectAndScatter(op) => window::select_and_scatter(op, &b),
        Op::DotGeneral(op) => dot::dot_general(op, &b),
        Op::Reduce(op) => reduce::reduce(op, &b),
        Op::AllReduce(op) => collective::all_reduce(op, &b),
        Op::AllGather(op) => collective::all_gather(op, &b),
        Op::AllToAll(op) => collective::all_to_all(op, &b),
        Op::ReduceScatter(op) => collective::reduce_scatter(op, &b),
        Op::CollectiveBroadcast(op) => collective::collective_broadcast(op, &b),
        Op::CollectivePermute(op) => collective::collective_permute(op, &b),
        Op::ReplicaId(_) => collective::replica_id(),
        Op::PartitionId(_) => collective::partition_id(),
        Op::Convolution(op) => conv::convolution(op, &b),
        Op::CustomCall(op) => custom_call::custom_call(op, &b),
        Op::Fft(op) => fft::fft(op, &b),
        Op::RngBitGenerator(op) => random::rng_bit_generator(op, &b),
        Op::Cholesky(op) => linalg::cholesky(op, &b),
        Op::TriangularSolve(op) => linalg::triangular_solve(op, &b),
        _ => Ok(None),
    }
}
