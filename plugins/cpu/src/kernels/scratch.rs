//! Working memory of kernels: warm buffers kept between runs, because touching fresh pages costs more than most kernels.
//!
//! Owns one process-wide list of free buffers, bounded by [`KEEP`]; a buffer goes back when its [`Scratch`] is dropped.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

use jacinth_lowering::{Error, Result};
use parking_lot::Mutex;

/// Bytes of free buffers kept at most.
const KEEP: usize = 64 << 20;
const ALIGN: usize = 64;

/// A 64-byte aligned block of initialised memory with unspecified contents.
#[derive(Debug)]
pub struct Scratch {
    ptr: NonNull<u8>,
    capacity: usize,
    len: usize,
}

// SAFETY: a scratch block is plain memory owned by one value.
unsafe impl Send for Scratch {}
// SAFETY: shared access only reads the pointer and the length.
unsafe impl Sync for Scratch {}

#[derive(Default)]
struct Free {
    blocks: Vec<Scratch>,
    bytes: usize,
}

static FREE: Mutex<Free> = Mutex::new(Free { blocks: Vec::new(), bytes: 0 });

impl Scratch {
    /// A block of `n` elements of `T`; an error where memory is exhausted.
    pub fn new<T: Plain>(n: usize) -> Result<Self> {
        let too_much = || Error::eval(format!("out of memory: a kernel needs {n} working elements"));
        let len = n.checked_mul(size_of::<T>()).ok_or_else(too_much)?;
        let capacity = len.max(ALIGN).checked_next_multiple_of(ALIGN).ok_or_else(too_much)?;
        {
            let mut free = FREE.lock();
            // The smallest free block that fits without wasting more than its own size.
            let best = (free.blocks.iter().enumerate())
                .filter(|(_, b)| b.capacity >= capacity && b.capacity <= capacity.max(1 << 16) * 2)
                .min_by_key(|(_, b)| b.capacity)
                .map(|(i, _)| i);
            if let Some(i) = best {
                let mut block = free.blocks.swap_remove(i);
                free.bytes -= block.capacity;
                block.len = len;
                return Ok(block);
            }
        }
        let layout = Layout::from_size_align(capacity, ALIGN).map_err(|_| too_much())?;
        // SAFETY: the layout's size is at least ALIGN.
        let ptr = unsafe { alloc_zeroed(layout) };
        Ok(Scratch { ptr: NonNull::new(ptr).ok_or_else(too_much)?, capacity, len })
    }

    /// The block as elements of `T`.
    #[allow(clippy::should_implement_trait)]
    pub fn as_mut<T: Plain>(&mut self) -> &mut [T] {
        // SAFETY: the memory is initialised, aligned to 64 bytes, `len` bytes long and borrowed mutably; every bit pattern
        // is a `Plain` value.
        unsafe { std::slice::from_raw_parts_mut(self.ptr.as_ptr().cast(), self.len / size_of::<T>()) }
    }

    /// The start of the block.
    pub fn as_ptr<T: Plain>(&self) -> *mut T {
        self.ptr.as_ptr().cast()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let mut free = FREE.lock();
        if self.capacity <= KEEP {
            free.bytes += self.capacity;
            let block = Scratch { ptr: self.ptr, capacity: self.capacity, len: 0 };
            free.blocks.push(block);
            while free.bytes > KEEP {
                let oldest = free.blocks.remove(0);
                free.bytes -= oldest.capacity;
                release(oldest);
            }
        } else {
            drop(free);
            release(Scratch { ptr: self.ptr, capacity: self.capacity, len: 0 });
        }
    }
}

fn release(block: Scratch) {
    let layout = Layout::from_size_align(block.capacity, ALIGN).expect("it was allocated so");
    // SAFETY: allocated with this layout; `forget` below keeps `drop` from freeing it again.
    unsafe { dealloc(block.ptr.as_ptr(), layout) };
    std::mem::forget(block);
}

/// Types of which every bit pattern is a value.
///
/// # Safety
/// No padding, no invalid bit patterns, alignment at most 64.
pub unsafe trait Plain: Copy + Send + Sync + 'static {}

macro_rules! plain {
    ($($ty:ty),*) => {$(
        // SAFETY: numbers (and pairs of them) without padding.
        unsafe impl Plain for $ty {}
    )*};
}

plain!(
    u8,
    u16,
    u32,
    u64,
    i8,
    i16,
    i32,
    i64,
    f32,
    f64,
    usize,
    half::f16,
    half::bf16,
    [u64; 2],
    (u32, u32),
    (u64, u64),
    num_complex::Complex<f32>,
    num_complex::Complex<f64>
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned_sized_and_reused() {
        let mut a = Scratch::new::<f32>(100_003).unwrap();
        assert_eq!(a.as_mut::<f32>().len(), 100_003);
        assert_eq!(a.as_ptr::<u8>() as usize % ALIGN, 0);
        a.as_mut::<f32>()[100_002] = 1.0;
        drop(a);
        assert_eq!(Scratch::new::<u64>(0).unwrap().as_mut::<u64>(), []);
    }

    #[test]
    fn too_much_is_an_error() {
        let error = Scratch::new::<u64>(usize::MAX).unwrap_err();
        assert_eq!(error.to_string(), "out of memory: a kernel needs 18446744073709551615 working elements");
    }
}
