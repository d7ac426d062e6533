//! Constant values: a tensor type and its elements, dense in row-major order.
//!
//! Elements are stored in native byte order, [`ElementType::byte_width`] bytes each: `i1` is a byte 0 or 1, sub-byte
//! integers are sign- or zero-extended to a byte, sub-byte floats sit in the low bits, a complex number is its real
//! part followed by its imaginary part. A literal of several elements of the same bits is a splat and stores one for all of
//! them, however it was made, so that equality of literals is equality of their elements' bits.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use half::{bf16, f16};
use num_complex::Complex;
use smallvec::SmallVec;

use crate::{ElementType, Error, Result, TensorType};

/// A constant tensor.
///
/// ```
/// # use jacinth_lowering::Literal;
/// let x = Literal::new([2, 2], &[1.0f32, 2.0, 3.0, 4.0])?;
/// assert_eq!((x.ty().to_string(), x.len()), ("tensor<2x2xf32>".to_owned(), 4));
/// assert_eq!((x.to_vec::<f32>(), x.to_vec::<i32>()), (Some(vec![1.0, 2.0, 3.0, 4.0]), None));
/// # Ok::<(), jacinth_lowering::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Literal {
    ty: TensorType,
    /// One element if `splat`, else all of them.
    bytes: Bytes,
    splat: bool,
}

/// Bytes that never change; one element needs no allocation.
#[derive(Clone)]
enum Bytes {
    Few(SmallVec<[u8; 16]>),
    Many(Arc<[u8]>),
}

impl Bytes {
    fn new(bytes: &[u8]) -> Self {
        if bytes.len() <= 16 { Bytes::Few(SmallVec::from_slice(bytes)) } else { Bytes::Many(bytes.into()) }
    }

    fn shared(self) -> Arc<[u8]> {
        match self {
            Bytes::Few(bytes) => bytes[..].into(),
            Bytes::Many(bytes) => bytes,
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Few(bytes) => bytes,
            Bytes::Many(bytes) => bytes,
        }
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Bytes {}

impl Hash for Bytes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl Literal {
    /// A literal from all its elements' bytes, in row-major order.
    ///
    /// Errors if the type is dynamic or `bytes` is not exactly its size.
    ///
    /// ```
    /// # use jacinth_lowering::{ElementType, Literal, TensorType};
    /// let x = Literal::from_bytes(TensorType::new([2], ElementType::UI8), [7, 8])?;
    /// assert_eq!(x.element(1), [8]);
    /// assert!(Literal::from_bytes(TensorType::new([3], ElementType::UI8), [7, 8]).is_err());
    /// # Ok::<(), jacinth_lowering::Error>(())
    /// ```
    pub fn from_bytes(ty: TensorType, bytes: impl Into<Arc<[u8]>>) -> Result<Self> {
        let bytes = bytes.into();
        match ty.byte_size() {
            Some(n) if n == bytes.len() => Ok(Literal::canonical(ty, bytes)),
            Some(n) => {
                Err(Error::verify(format!("literal of {ty}: expected {n} bytes, got {}", bytes.len())))
            }
            None => Err(Error::verify(format!("literal of {ty}: the type has no static size"))),
        }
    }

    /// A literal all of whose elements are the one whose bytes are given.
    pub fn splat_bytes(ty: TensorType, element: impl AsRef<[u8]>) -> Result<Self> {
        let bytes = element.as_ref();
        if ty.byte_size().is_none() {
            return Err(Error::verify(format!("literal of {ty}: the type has no static size")));
        }
        if bytes.len() != ty.element.byte_width() {
            let width = ty.element.byte_width();
            return Err(Error::verify(format!("splat of {ty}: expected {width} bytes, got {}", bytes.len())));
        }
        let bytes = Bytes::new(bytes);
        Ok(match ty.num_elements() {
            Some(0) => Literal { ty, bytes: Bytes::new(&[]), splat: false },
            Some(1) => Literal { ty, bytes, splat: false },
            _ => Literal { ty, bytes, splat: true },
        })
    }

    /// Equal elements are stored once, so that literals of the same bits are equal.
    fn canonical(ty: TensorType, bytes: Arc<[u8]>) -> Self {
        let width = ty.element.byte_width();
        // Comparing the bytes with themselves one element later is one comparison of memory.
        let splat = bytes.len() > width && bytes[width..] == bytes[..bytes.len() - width];
        let bytes = if splat { Bytes::new(&bytes[..width]) } else { Bytes::Many(bytes) };
        Literal { ty, bytes, splat }
    }

    /// A literal from Rust values: `Literal::new([2, 2], &[1.0f32, 2.0, 3.0, 4.0])`.
    ///
    /// Errors if `values` is not as long as `shape` says.
    pub fn new<T: Native>(shape: impl IntoIterator<Item = i64>, values: &[T]) -> Result<Self> {
        Self::from_bytes(TensorType::new(shape, T::ELEMENT), bytes_of(values))
    }

    /// A zero-dimensional literal.
    pub fn scalar<T: Native>(value: T) -> Self {
        Literal { ty: TensorType::scalar(T::ELEMENT), bytes: Bytes::new(&bytes_of(&[value])), splat: false }
    }

    /// A literal of that shape all of whose elements are `value`.
    ///
    /// ```
    /// # use jacinth_lowering::Literal;
    /// let zeros = Literal::splat([1000], 0.0f32)?; // stored once
    /// assert_eq!((zeros.as_splat(), zeros.len()), (Some(&[0; 4][..]), 1000));
    /// assert_eq!(zeros, Literal::new([1000], &[0.0f32; 1000])?);
    /// # Ok::<(), jacinth_lowering::Error>(())
    /// ```
    pub fn splat<T: Native>(shape: impl IntoIterator<Item = i64>, value: T) -> Result<Self> {
        Self::splat_bytes(TensorType::new(shape, T::ELEMENT), bytes_of(&[value]))
    }

    /// The literal's type.
    pub fn ty(&self) -> &TensorType {
        &self.ty
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.ty.num_elements().expect("a literal's type is static")
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of the one element that all elements equal, if the literal is stored so or has one element.
    pub fn as_splat(&self) -> Option<&[u8]> {
        (self.splat || self.bytes.len() == self.ty.element.byte_width()).then_some(&self.bytes[..])
    }

    /// The bytes of element `index` in row-major order.
    pub fn element(&self, index: usize) -> &[u8] {
        let width = self.ty.element.byte_width();
        if self.splat { &self.bytes[..] } else { &self.bytes[index * width..(index + 1) * width] }
    }

    /// All elements' bytes; a splat is spelled out.
    pub fn to_bytes(&self) -> Arc<[u8]> {
        if !self.splat {
            return self.bytes.clone().shared();
        }
        self.bytes.repeat(self.len()).into()
    }

    /// The elements as Rust values; `None` if `T` is not the element type's Rust type.
    pub fn to_vec<T: Native>(&self) -> Option<Vec<T>> {
        if T::ELEMENT != self.ty.element {
            return None;
        }
        let width = self.ty.element.byte_width();
        let values = self.bytes.chunks_exact(width).map(T::from_ne_bytes);
        Some(if self.splat { values.cycle().take(self.len()).collect() } else { values.collect() })
    }

    /// The value of a zero-dimensional or one-element literal of `T`'s type.
    ///
    /// ```
    /// # use jacinth_lowering::Literal;
    /// assert_eq!((Literal::scalar(2.5f64).item(), Literal::scalar(2.5f64).item::<f32>()), (Some(2.5f64), None));
    /// ```
    pub fn item<T: Native>(&self) -> Option<T> {
        (T::ELEMENT == self.ty.element && self.len() == 1).then(|| T::from_ne_bytes(self.element(0)))
    }

    /// The same elements under another shape of the same size.
    pub fn reshape(&self, ty: TensorType) -> Result<Self> {
        if ty.element != self.ty.element || ty.num_elements() != self.ty.num_elements() {
            return Err(Error::verify(format!("literal of {} cannot be read as {ty}", self.ty)));
        }
        Ok(Literal { splat: self.splat && ty.num_elements() != Some(1), ty, bytes: self.bytes.clone() })
    }
}

impl fmt::Debug for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Literal({}, {} bytes{})",
            self.ty,
            self.bytes.len(),
            if self.splat { ", splat" } else { "" }
        )
    }
}

/// Rust types that are the value of one element type.
pub trait Native: Copy + Send + Sync + 'static {
    /// The element type whose values these are.
    const ELEMENT: ElementType;
    /// Appends the value's bytes in native order.
    fn write(self, out: &mut impl Extend<u8>);
    /// Reads a value from exactly its bytes.
    fn from_ne_bytes(bytes: &[u8]) -> Self;
}

macro_rules! native {
    ($($ty:ty => $element:ident),*) => {$(
        impl Native for $ty {
            const ELEMENT: ElementType = ElementType::$element;
            fn write(self, out: &mut impl Extend<u8>) {
                out.extend(self.to_ne_bytes());
            }
            fn from_ne_bytes(bytes: &[u8]) -> Self {
                <$ty>::from_ne_bytes(bytes.try_into().expect("one element's bytes"))
            }
        }
    )*};
}

native!(i8 => I8, i16 => I16, i32 => I32, i64 => I64, u8 => UI8, u16 => UI16, u32 => UI32, u64 => UI64,
    bf16 => BF16, f16 => F16, f32 => F32, f64 => F64);

impl Native for bool {
    const ELEMENT: ElementType = ElementType::I1;
    fn write(self, out: &mut impl Extend<u8>) {
        out.extend([self.into()]);
    }
    fn from_ne_bytes(bytes: &[u8]) -> Self {
        bytes[0] != 0
    }
}

macro_rules! native_complex {
    ($($ty:ty => $element:ident),*) => {$(
        impl Native for Complex<$ty> {
            const ELEMENT: ElementType = ElementType::$element;
            fn write(self, out: &mut impl Extend<u8>) {
                self.re.write(out);
                self.im.write(out);
            }
            fn from_ne_bytes(bytes: &[u8]) -> Self {
                let (re, im) = bytes.split_at(bytes.len() / 2);
                Complex::new(Native::from_ne_bytes(re), Native::from_ne_bytes(im))
            }
        }
    )*};
}

native_complex!(f32 => C64, f64 => C128);

fn bytes_of<T: Native>(values: &[T]) -> Vec<u8> {
    let mut out = Vec::with_capacity(values.len() * T::ELEMENT.byte_width());
    values.iter().for_each(|v| v.write(&mut out));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_round_trip() {
        let c = [Complex::new(1.0f32, -2.0), Complex::new(0.5, 3.0)];
        assert_eq!(Literal::new([2], &c).unwrap().to_vec::<Complex<f32>>().unwrap(), c);
        assert_eq!(Literal::scalar(true).item::<bool>(), Some(true));
        assert_eq!(Literal::scalar(1i32).item::<u32>(), None);
    }

    #[test]
    fn a_splat_reads_as_all_its_elements() {
        let splat = Literal::splat([3], 7u16).unwrap();
        assert_eq!(splat.to_vec::<u16>().unwrap(), [7, 7, 7]);
        assert_eq!(splat.to_bytes().len(), 6);
        assert_eq!(Literal::splat([0], 7u16).unwrap().to_vec::<u16>(), Some(Vec::new()));
    }

    #[test]
    fn equal_elements_make_a_splat() {
        assert_eq!(Literal::new([2, 2], &[1.5f32; 4]).unwrap(), Literal::splat([2, 2], 1.5f32).unwrap());
        assert_eq!(Literal::splat([1], 7i8).unwrap(), Literal::new([1], &[7i8]).unwrap());
        assert_eq!(Literal::new([3], &[1i8, 1, 2]).unwrap().as_splat(), None);
    }

    #[test]
    fn wrong_sizes_are_refused() {
        let error = Literal::new([2, 2], &[1.0f32]).unwrap_err();
        assert_eq!(error.to_string(), "literal of tensor<2x2xf32>: expected 16 bytes, got 4");
    }
}
