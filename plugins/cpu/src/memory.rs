//! Memory: a caching allocator whose pages stay warm between executions.
//!
//! Touching fresh pages costs more than most kernels, so a freed block is kept in a list of its size class and given
//! out again. Invariants: every [`Allocation`] is aligned to [`ALIGNMENT`] bytes, belongs to exactly one owner, and goes
//! back to its allocator when dropped; bytes in use never exceed the limit, and blocks kept for later are given back
//! to the system before an allocation is refused. One allocator per device keeps that device's statistics.
//!
//! Deliberately absent: what is stored where inside a block (the compiler's assignment of its arena).

use std::alloc::Layout;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

use parking_lot::Mutex;
use smallvec::SmallVec;

use crate::error::{Error, Result};

/// Alignment of every allocation: a cache line, and the widest vector.
pub const ALIGNMENT: usize = 64;

/// Bytes kept for reuse that are always tolerated; beyond, no more than the peak in use.
const KEEP: usize = 64 << 20;

/// Gives out blocks of memory and keeps freed ones for reuse.
pub struct Allocator {
    limit: usize,
    state: Mutex<State>,
}

struct State {
    /// Freed blocks by size class.
    free: Vec<Vec<Block>>,
    /// Bytes in `free`.
    cached: usize,
    stats: MemoryStats,
}

/// A block of memory of a whole size class.
struct Block(NonNull<u8>);

// SAFETY: a block is memory that nobody else refers to; which thread holds it does not matter.
unsafe impl Send for Block {}

/// What an allocator has given out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MemoryStats {
    /// Bytes of live allocations, rounded up to their size classes.
    pub bytes_in_use: usize,
    /// The most that was ever in use.
    pub peak_bytes_in_use: usize,
    /// Number of allocations ever made.
    pub num_allocs: u64,
    /// The largest allocation ever made.
    pub largest_alloc_size: usize,
    /// What may be in use at most.
    pub bytes_limit: usize,
    /// Bytes held from the system, in use or kept for reuse.
    pub bytes_reserved: usize,
}

impl Allocator {
    /// An allocator that lets at most `limit` bytes be in use; without a limit, the machine's memory.
    pub fn new(limit: Option<usize>) -> Arc<Allocator> {
        let limit = limit.or_else(system_memory).unwrap_or(usize::MAX >> 1);
        let stats = MemoryStats { bytes_limit: limit, ..MemoryStats::default() };
        Arc::new(Allocator { limit, state: Mutex::new(State { free: Vec::new(), cached: 0, stats }) })
    }

    /// A block of `bytes` bytes with unspecified contents.
    ///
    /// Errors with `RESOURCE_EXHAUSTED` if the limit would be passed or the system has no more.
    #[inline]
    pub fn allocate(self: &Arc<Self>, bytes: usize) -> Result<Allocation> {
        let class = Class::of(bytes).ok_or_else(|| self.exhausted(bytes, 0))?;
        let size = class.size();
        let mut state = self.state.lock();
        let in_use = state.stats.bytes_in_use + size;
        if in_use > self.limit {
            let used = state.stats.bytes_in_use;
            return Err(self.exhausted(bytes, used));
        }
        let kept = state.free.get_mut(class.0).and_then(Vec::pop);
        let block = match kept {
            Some(block) => {
                state.cached -= size;
                block
            }
            None => {
                if in_use + state.cached > self.limit {
                    state.trim(0);
                }
                // The system may refuse while blocks are kept: give them back and try once more.
                let fresh = system_allocate(size).or_else(|| {
                    state.trim(0);
                    system_allocate(size)
                });
                let used = state.stats.bytes_in_use;
                fresh.ok_or_else(|| self.exhausted(bytes, used))?
            }
        };
        let stats = &mut state.stats;
        stats.bytes_in_use = in_use;
        stats.peak_bytes_in_use = stats.peak_bytes_in_use.max(in_use);
        stats.num_allocs += 1;
        stats.largest_alloc_size = stats.largest_alloc_size.max(size);
        drop(state);
        let held = Held { block, class, owner: self.clone() };
        Ok(Allocation { start: held.block.0, len: bytes, home: Home::Own(held) })
    }

    /// Several small pieces cut from one block, each aligned like an allocation of its own; the block goes back when the last piece is
    /// dropped.
    ///
    /// Errors as [`Allocator::allocate`].
    pub fn allocate_pieces(self: &Arc<Self>, bytes: &[usize]) -> Result<SmallVec<[Allocation; 2]>> {
        let room = |bytes: usize| bytes.max(1).next_multiple_of(ALIGNMENT);
        let whole = self.allocate(bytes.iter().map(|&b| room(b)).sum())?;
        let Home::Own(held) = whole.home else { unreachable!("an allocation is of its own") };
        let held = Arc::new(held);
        let mut offset = 0;
        let cut = bytes.iter().map(|&len| {
            // SAFETY: the rooms' sum is the block's size, so every piece lies inside of it, and no two overlap.
            let start = unsafe { held.block.0.add(offset) };
            offset += room(len);
            Allocation { start, len, home: Home::Piece(held.clone()) }
        });
        Ok(cut.collect())
    }

    /// Errors as [`Allocator::allocate`] if so many bytes can never be had, whatever is freed.
    #[inline]
    pub fn admit(&self, bytes: usize) -> Result<()> {
        if bytes > self.limit { Err(self.exhausted(bytes, self.stats().bytes_in_use)) } else { Ok(()) }
    }

    /// What has been given out so far.
    pub fn stats(&self) -> MemoryStats {
        let state = self.state.lock();
        MemoryStats { bytes_reserved: state.stats.bytes_in_use + state.cached, ..state.stats }
    }

    /// Gives all blocks kept for reuse back to the system.
    pub fn trim(&self) {
        self.state.lock().trim(0);
    }

    #[cold]
    fn exhausted(&self, bytes: usize, used: usize) -> Error {
        Error::exhausted(format!(
            "out of memory: {bytes} bytes were asked for while {used} of at most {} bytes are in use",
            self.limit
        ))
    }
}

impl State {
    /// Gives kept blocks back, largest first, until at most `keep` bytes are kept.
    fn trim(&mut self, keep: usize) {
        for class in (0..self.free.len()).rev() {
            while self.cached > keep {
                let Some(block) = self.free[class].pop() else { break };
                self.cached -= Class(class).size();
                system_free(block, Class(class).size());
            }
        }
    }
}

impl Drop for Allocator {
    fn drop(&mut self) {
        self.state.get_mut().trim(0);
    }
}

impl fmt::Debug for Allocator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Allocator").field(&self.stats()).finish()
    }
}

/// Memory from an allocator; dropping it gives it back.
pub struct Allocation {
    start: NonNull<u8>,
    len: usize,
    home: Home,
}

/// What an allocation keeps.
enum Home {
    /// A block of its own.
    Own(Held),
    /// A block that others have pieces of, too.
    Piece(Arc<Held>),
}

/// A block in use; dropping it gives it back to its allocator.
struct Held {
    block: Block,
    class: Class,
    owner: Arc<Allocator>,
}

// SAFETY: an allocation is plain memory that no other refers to; which thread holds it does not matter.
unsafe impl Send for Allocation {}
// SAFETY: `&Allocation` gives out no references to its contents.
unsafe impl Sync for Allocation {}
// SAFETY: through `&Held` nothing is read or written: pieces do not overlap, and only dropping the last gives the block back.
unsafe impl Sync for Held {}

impl Allocation {
    /// The first byte.
    #[inline]
    pub fn as_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// Number of bytes asked for.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no bytes were asked for.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The contents; `&mut self` says that nobody else looks.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: from the start on there are at least `len` bytes that are ours alone, and any bytes are a valid `u8` once written; blocks come
        // zeroed from the system or written by an earlier owner.
        unsafe { std::slice::from_raw_parts_mut(self.as_ptr(), self.len) }
    }

    /// The allocator it goes back to.
    pub fn allocator(&self) -> &Arc<Allocator> {
        match &self.home {
            Home::Own(held) => &held.owner,
            Home::Piece(held) => &held.owner,
        }
    }
}

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        let size = self.class.size();
        let mut state = self.owner.state.lock();
        state.stats.bytes_in_use -= size;
        if state.free.len() <= self.class.0 {
            state.free.resize_with(self.class.0 + 1, Vec::new);
        }
        state.cached += size;
        state.free[self.class.0].push(Block(self.block.0));
        let keep = KEEP.max(state.stats.peak_bytes_in_use);
        if state.cached > keep {
            state.trim(keep);
        }
    }
}

impl fmt::Debug for Allocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Allocation({:p}, {} bytes)", self.start, self.len)
    }
}

/// A size class: from 64 bytes on, four sizes to each power of two.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Class(usize);

impl Class {
    /// The smallest class that holds `bytes`; `None` if no allocation can be that large.
    #[inline]
    fn of(bytes: usize) -> Option<Class> {
        if bytes <= 64 {
            return Some(Class(0));
        }
        if bytes > isize::MAX as usize >> 1 {
            return None;
        }
        // `bytes - 1` has its top bit at `log`; the two bits below it choose one of four steps.
        let log = (bytes - 1).ilog2() as usize;
        let step = (bytes - 1) >> (log - 2) & 3;
        Some(Class((log - 6) * 4 + step + 1))
    }

    #[inline]
    fn size(self) -> usize {
        if self.0 == 0 {
            return 64;
        }
        let (log, step) = ((self.0 - 1) / 4 + 6, (self.0 - 1) % 4);
        (1 << log) + ((step + 1) << (log - 2))
    }
}

fn layout(size: usize) -> Layout {
    // Blocks of megabytes start at a huge page, so that the system can map them with few faults.
    let align = if size >= 4 << 20 { 2 << 20 } else { ALIGNMENT };
    Layout::from_size_align(size, align).expect("size classes are far below isize::MAX")
}

fn system_allocate(size: usize) -> Option<Block> {
    // SAFETY: the layout's size is at least 64.
    // Zeroed, so that no allocation is ever uninitialised memory; large blocks come zeroed from the system at no cost.
    NonNull::new(unsafe { std::alloc::alloc_zeroed(layout(size)) }).map(Block)
}

fn system_free(block: Block, size: usize) {
    // SAFETY: `system_allocate` made the block with the same size, hence the same layout.
    unsafe { std::alloc::dealloc(block.0.as_ptr(), layout(size)) }
}

/// Bytes of memory of the machine, where the system says.
fn system_memory() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|l| l.starts_with("MemTotal:"))?;
    line.split_whitespace().nth(1)?.parse::<usize>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_cover_every_size_tightly() {
        for bytes in (0..5000).chain([1 << 20, (1 << 20) + 1, (1 << 30) - 1, 3 << 28]) {
            let class = Class::of(bytes).unwrap();
            assert!(class.size() >= bytes, "{bytes}");
            assert!(class.0 == 0 || Class(class.0 - 1).size() < bytes, "{bytes}: class {}", class.0);
            assert!(class.size().is_multiple_of(16));
        }
        assert!(Class::of(usize::MAX).is_none());
    }

    #[test]
    fn a_freed_block_is_given_out_again() {
        let allocator = Allocator::new(Some(1 << 20));
        let first = allocator.allocate(1000).unwrap();
        let ptr = first.as_ptr();
        assert_eq!(ptr as usize % ALIGNMENT, 0);
        drop(first);
        assert_eq!(allocator.allocate(900).unwrap().as_ptr(), ptr);
        let stats = allocator.stats();
        assert_eq!((stats.bytes_in_use, stats.num_allocs), (0, 2));
        assert_eq!(stats.peak_bytes_in_use, stats.bytes_reserved);
        allocator.trim();
        assert_eq!(allocator.stats().bytes_reserved, 0);
    }

    #[test]
    fn pieces_share_a_block_until_the_last_is_gone() {
        let allocator = Allocator::new(Some(1 << 20));
        let mut pieces = allocator.allocate_pieces(&[3, 0, 64, 65]).unwrap();
        for (i, piece) in pieces.iter_mut().enumerate() {
            assert_eq!(piece.as_ptr() as usize % ALIGNMENT, 0);
            piece.bytes_mut().fill(i as u8);
        }
        assert!(
            pieces.iter_mut().enumerate().all(|(i, piece)| piece.bytes_mut().iter().all(|b| *b == i as u8))
        );
        assert_eq!(pieces.iter().map(Allocation::len).collect::<Vec<_>>(), [3, 0, 64, 65]);
        let stats = allocator.stats();
        assert_eq!((stats.num_allocs, stats.bytes_in_use), (1, 320));
        let last = pieces.pop();
        drop(pieces);
        assert_eq!(allocator.stats().bytes_in_use, 320);
        drop(last);
        assert_eq!(allocator.stats().bytes_in_use, 0);
        assert!(allocator.allocate_pieces(&[1 << 20, 1]).is_err());
    }

    #[test]
    fn the_limit_is_an_error_not_an_abort() {
        let allocator = Allocator::new(Some(1 << 20));
        let half = allocator.allocate(1 << 19).unwrap();
        let error = allocator.allocate(1 << 20).unwrap_err();
        assert_eq!(
            error.to_string(),
            "out of memory: 1048576 bytes were asked for while 524288 of at most 1048576 bytes are in use"
        );
        drop(half);
        assert!(allocator.allocate(1 << 20).is_ok(), "kept blocks make room");
        assert!(allocator.allocate(usize::MAX).is_err());
        assert!(allocator.admit(1 << 20).is_ok() && allocator.admit((1 << 20) + 1).is_err());
        assert!(Allocator::new(Some(usize::MAX >> 1)).allocate(1 << 60).is_err(), "the system refuses");
    }
}
