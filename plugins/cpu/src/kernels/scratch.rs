//! Working memory of kernels: blocks of the device's allocator, which counts them, keeps them warm and refuses too much.

use std::sync::Arc;

use crate::memory::{Allocation, Allocator};
use crate::{Error, Result};

/// A 64-byte aligned block of initialised memory with unspecified contents.
#[derive(Debug)]
pub struct Scratch(Allocation);

impl Scratch {
    /// A block of `n` elements of `T`.
    ///
    /// Errors with `RESOURCE_EXHAUSTED` if the allocator's limit would be passed or the system has no more.
    pub fn new<T: Plain>(memory: &Arc<Allocator>, n: usize) -> Result<Self> {
        let bytes = n.checked_mul(size_of::<T>()).ok_or_else(|| {
            Error::exhausted(format!(
                "out of memory: a kernel asked for {n} working elements of {} bytes",
                size_of::<T>()
            ))
        })?;
        memory.allocate(bytes).map(Scratch)
    }

    /// The block as elements of `T`.
    #[allow(clippy::should_implement_trait)]
    pub fn as_mut<T: Plain>(&mut self) -> &mut [T] {
        // SAFETY: allocations are initialised, aligned to 64 bytes, of `len` bytes, and borrowed mutably; every bit pattern is a
        // `Plain` value.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_ptr().cast(), self.0.len() / size_of::<T>()) }
    }

    /// The start of the block.
    pub fn as_ptr<T: Plain>(&self) -> *mut T {
        self.0.as_ptr().cast()
    }
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
    use crate::Code;
    use crate::kernels::tests::memory;

    #[test]
    fn blocks_are_aligned_and_sized() {
        let mut a = Scratch::new::<f32>(memory(), 100_003).unwrap();
        assert_eq!(a.as_mut::<f32>().len(), 100_003);
        assert_eq!(a.as_ptr::<u8>() as usize % 64, 0);
        a.as_mut::<f32>()[100_002] = 1.0;
        assert_eq!(Scratch::new::<u64>(memory(), 0).unwrap().as_mut::<u64>(), []);
    }

    #[test]
    fn too_much_is_an_error() {
        let limited = Allocator::new(Some(1 << 20));
        let held = Scratch::new::<u8>(&limited, 1 << 19).unwrap();
        for n in [1 << 18, 1 << 37, usize::MAX] {
            let error = Scratch::new::<u64>(&limited, n).unwrap_err();
            assert_eq!(error.code, Code::ResourceExhausted as u32);
            assert!(error.message.starts_with("out of memory: "), "{error}");
        }
        drop(held);
        assert_eq!(limited.stats().bytes_in_use, 0);
    }
}
