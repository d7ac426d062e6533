//! Rust's number types as buffer elements, and host data that a transfer can own.

use crate::element_type::ElementType;
use half::{bf16, f16};
use num_complex::{Complex32, Complex64};
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// A Rust type whose slices are host data of one [`ElementType`].
///
/// ```
/// # use jacinth_pjrt::{Element, ElementType};
/// assert_eq!((f32::TYPE, bool::TYPE), (ElementType::F32, ElementType::Pred));
/// assert_eq!(u16::bytes(&[1, 256]), [1, 0, 0, 1]);
/// ```
///
/// # Safety
/// The type has no padding, its bytes are what PJRT lays out for [`TYPE`](Element::TYPE), and
/// [`from_fill`](Element::from_fill) makes only valid values.
pub unsafe trait Element: Copy + Send + Sync + 'static {
    /// The element type in buffers.
    const TYPE: ElementType;

    /// A vector of `len` elements whose bytes `fill` writes.
    fn from_fill<E>(len: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Vec<Self>, E>;

    /// The bytes of a slice.
    fn bytes(slice: &[Self]) -> &[u8] {
        // SAFETY: the trait promises that every byte of the type is initialised.
        unsafe { std::slice::from_raw_parts(slice.as_ptr().cast(), size_of_val(slice)) }
    }
}

macro_rules! elements {
    ($($type:ty = $name:ident),* $(,)?) => {$(
        // SAFETY: a number type without padding, for which every bit pattern is a value.
        unsafe impl Element for $type {
            const TYPE: ElementType = ElementType::$name;

            fn from_fill<E>(len: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Vec<$type>, E> {
                let mut values = vec![<$type>::default(); len];
                // SAFETY: the bytes of `values`, which any bytes may replace.
                fill(unsafe {
                    std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values.as_slice()))
                })?;
                Ok(values)
            }
        }
    )*};
}

elements! {
    i8 = S8, i16 = S16, i32 = S32, i64 = S64,
    u8 = U8, u16 = U16, u32 = U32, u64 = U64,
    f16 = F16, bf16 = Bf16, f32 = F32, f64 = F64,
    Complex32 = C64, Complex64 = C128,
}

// SAFETY: a bool is one byte; every byte that is not zero becomes true.
unsafe impl Element for bool {
    const TYPE: ElementType = ElementType::Pred;

    fn from_fill<E>(len: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Vec<bool>, E> {
        let mut bytes = vec![0u8; len];
        fill(&mut bytes)?;
        Ok(bytes.into_iter().map(|byte| byte != 0).collect())
    }
}

/// Host data that a transfer owns for as long as it needs: made from a `Vec`, a boxed slice or an `Arc`.
///
/// ```
/// # use jacinth_pjrt::HostBytes;
/// let shared = std::sync::Arc::new(vec![1u8, 2]);
/// assert_eq!(HostBytes::from(shared.clone()).as_bytes(), [1, 2]); // not copied
/// ```
pub struct HostBytes {
    pointer: *const u8,
    len: usize,
    _owner: Box<dyn Any + Send + Sync>,
}

// SAFETY: the pointer is into the owner, which is Send and Sync and is not changed.
unsafe impl Send for HostBytes {}
// SAFETY: as above.
unsafe impl Sync for HostBytes {}

impl HostBytes {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: the owner keeps the bytes in place.
        unsafe { std::slice::from_raw_parts(self.pointer, self.len) }
    }
}

macro_rules! host_bytes_from {
    ($($owner:ty),* $(,)?) => {$(
        impl<T: Element> From<$owner> for HostBytes {
            /// Takes the data over; nothing is copied.
            fn from(owner: $owner) -> HostBytes {
                let bytes = T::bytes(&owner);
                let (pointer, len) = (bytes.as_ptr(), bytes.len());
                // Moving a vector, a box or an arc does not move what it points at.
                HostBytes { pointer, len, _owner: Box::new(owner) }
            }
        }
    )*};
}

host_bytes_from!(Vec<T>, Box<[T]>, Arc<[T]>, Arc<Vec<T>>);

impl fmt::Debug for HostBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostBytes").field("len", &self.len).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_their_bytes_and_back() {
        let values = [1.5f32, -2.0];
        let bytes = f32::bytes(&values);
        assert_eq!(bytes, [0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0]);
        let back = f32::from_fill(2, |out| {
            out.copy_from_slice(bytes);
            Ok::<(), ()>(())
        });
        assert_eq!(back, Ok(values.to_vec()));
    }

    #[test]
    fn bytes_that_are_no_bool_become_true() {
        let truths = bool::from_fill(3, |out| {
            out.copy_from_slice(&[0, 1, 200]);
            Ok::<(), ()>(())
        });
        assert_eq!(truths, Ok(vec![false, true, true]));
    }

    #[test]
    fn owners_keep_their_bytes_in_place() {
        let data: Arc<[u16]> = Arc::from([1u16, 2]);
        let bytes = HostBytes::from(Arc::clone(&data));
        assert_eq!(bytes.as_bytes().as_ptr(), data.as_ptr().cast());
        assert_eq!(HostBytes::from(vec![7u8, 8]).as_bytes(), [7, 8]);
        assert_eq!(HostBytes::from(Vec::<f64>::new()).as_bytes(), []);
    }
}
