//! Types of the StableHLO language: element types, tensor types, tokens and tuples.
//!
//! Owns the list of element types, their official spelling and their storage size. Deliberately absent: layouts
//! (a plugin's business) and weak types (the frontend's).

use std::fmt;

use smallvec::SmallVec;

/// The size of a dimension that is not known before the program runs, printed `?`.
pub const DYNAMIC: i64 = i64::MIN;

/// Dimension sizes of a tensor, outermost first; [`DYNAMIC`] where a size is unknown.
pub type Shape = SmallVec<[i64; 4]>;

macro_rules! element_types {
    ($($(#[$doc:meta])* $variant:ident $name:literal $bits:literal $kind:ident;)*) => {
        /// An element type of StableHLO, spelled as the specification spells it (`ui8`, `complex<f32>`).
        ///
        /// ```
        /// # use jacinth_lowering::{ElementType, Kind};
        /// assert_eq!((ElementType::UI8.name(), ElementType::C64.name()), ("ui8", "complex<f32>"));
        /// assert_eq!(ElementType::from_name("bf16"), Some(ElementType::BF16));
        /// assert_eq!((ElementType::I1.bits(), ElementType::I1.kind()), (1, Kind::Boolean));
        /// ```
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        #[repr(u8)]
        pub enum ElementType { $($(#[$doc])* $variant),* }

        impl ElementType {
            /// Every element type, in declaration order.
            pub const ALL: &[ElementType] = &[$(ElementType::$variant),*];

            /// The specification's spelling, as in `tensor<2xNAME>`.
            pub const fn name(self) -> &'static str {
                match self { $(ElementType::$variant => $name),* }
            }

            /// The element type of that spelling, if there is one.
            pub fn from_name(name: &str) -> Option<ElementType> {
                match name {
                    $($name => Some(ElementType::$variant),)*
                    _ => None,
                }
            }

            /// Width in bits of one element's value (1 for `i1`, 128 for `complex<f64>`).
            pub const fn bits(self) -> usize {
                match self { $(ElementType::$variant => $bits),* }
            }

            /// What kind of number an element is.
            pub const fn kind(self) -> Kind {
                match self { $(ElementType::$variant => Kind::$kind),* }
            }
        }
    };
}

/// The kinds of number that an [`ElementType`] can be.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// `i1`.
    Boolean,
    /// Two's complement integers.
    Signed,
    /// Unsigned integers.
    Unsigned,
    /// Floating point of any width.
    Float,
    /// A pair of floats.
    Complex,
}

element_types! {
    /// Boolean, stored as one byte, 0 or 1.
    I1 "i1" 1 Boolean;
    I2 "i2" 2 Signed;
    I4 "i4" 4 Signed;
    I8 "i8" 8 Signed;
    I16 "i16" 16 Signed;
    I32 "i32" 32 Signed;
    I64 "i64" 64 Signed;
    UI2 "ui2" 2 Unsigned;
    UI4 "ui4" 4 Unsigned;
    UI8 "ui8" 8 Unsigned;
    UI16 "ui16" 16 Unsigned;
    UI32 "ui32" 32 Unsigned;
    UI64 "ui64" 64 Unsigned;
    F4E2M1FN "f4E2M1FN" 4 Float;
    F6E2M3FN "f6E2M3FN" 6 Float;
    F6E3M2FN "f6E3M2FN" 6 Float;
    F8E3M4 "f8E3M4" 8 Float;
    F8E4M3 "f8E4M3" 8 Float;
    F8E4M3FN "f8E4M3FN" 8 Float;
    F8E4M3FNUZ "f8E4M3FNUZ" 8 Float;
    F8E4M3B11FNUZ "f8E4M3B11FNUZ" 8 Float;
    F8E5M2 "f8E5M2" 8 Float;
    F8E5M2FNUZ "f8E5M2FNUZ" 8 Float;
    F8E8M0FNU "f8E8M0FNU" 8 Float;
    BF16 "bf16" 16 Float;
    F16 "f16" 16 Float;
    F32 "f32" 32 Float;
    F64 "f64" 64 Float;
    C64 "complex<f32>" 64 Complex;
    C128 "complex<f64>" 128 Complex;
}

impl ElementType {
    /// Bytes of one stored element: sub-byte types take a whole byte each.
    pub const fn byte_width(self) -> usize {
        self.bits().div_ceil(8)
    }

    /// Whether elements are floating point (complex excluded).
    pub const fn is_float(self) -> bool {
        matches!(self.kind(), Kind::Float)
    }

    /// Whether elements are signed or unsigned integers (booleans excluded).
    pub const fn is_integer(self) -> bool {
        matches!(self.kind(), Kind::Signed | Kind::Unsigned)
    }

    /// Whether elements are two's complement integers.
    pub const fn is_signed(self) -> bool {
        matches!(self.kind(), Kind::Signed)
    }

    /// Whether elements are unsigned integers.
    pub const fn is_unsigned(self) -> bool {
        matches!(self.kind(), Kind::Unsigned)
    }

    /// Whether elements are pairs of floats.
    pub const fn is_complex(self) -> bool {
        matches!(self.kind(), Kind::Complex)
    }

    /// Whether elements are booleans.
    pub const fn is_boolean(self) -> bool {
        matches!(self.kind(), Kind::Boolean)
    }

    /// The type of the real part: `f32` for `complex<f32>`, the type itself otherwise.
    pub const fn real(self) -> ElementType {
        match self {
            ElementType::C64 => ElementType::F32,
            ElementType::C128 => ElementType::F64,
            other => other,
        }
    }

    /// The complex type whose parts are of this type, for `f32` and `f64`.
    pub const fn complex(self) -> Option<ElementType> {
        match self {
            ElementType::F32 => Some(ElementType::C64),
            ElementType::F64 => Some(ElementType::C128),
            _ => None,
        }
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A tensor's element type and shape, printed `tensor<2x3xf32>`.
///
/// ```
/// # use jacinth_lowering::{DYNAMIC, ElementType, TensorType};
/// let ty = TensorType::new([2, 3], ElementType::F32);
/// assert_eq!((ty.to_string(), ty.rank(), ty.byte_size()), ("tensor<2x3xf32>".to_owned(), 2, Some(24)));
/// assert_eq!(TensorType::new([DYNAMIC], ElementType::F32).num_elements(), None);
/// ```
#[derive(PartialEq, Eq, Hash)]
pub struct TensorType {
    /// Dimension sizes, outermost first.
    pub shape: Shape,
    /// Type of each element.
    pub element: ElementType,
}

/// Types are copied all the time: the sizes at once, not one by one.
impl Clone for TensorType {
    #[inline]
    fn clone(&self) -> Self {
        TensorType { shape: Shape::from_slice(&self.shape), element: self.element }
    }
}

impl TensorType {
    /// A tensor type of these dimension sizes.
    pub fn new(shape: impl IntoIterator<Item = i64>, element: ElementType) -> Self {
        TensorType { shape: shape.into_iter().collect(), element }
    }

    /// The type of a zero-dimensional tensor.
    pub fn scalar(element: ElementType) -> Self {
        TensorType { shape: Shape::new(), element }
    }

    /// Number of dimensions.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Whether every dimension size is known.
    pub fn is_static(&self) -> bool {
        !self.shape.contains(&DYNAMIC)
    }

    /// Number of elements; `None` where a dimension is dynamic or the product overflows.
    pub fn num_elements(&self) -> Option<usize> {
        if self.shape.contains(&0) && self.is_static() {
            return Some(0);
        }
        self.shape.iter().try_fold(1usize, |n, &d| usize::try_from(d).ok().and_then(|d| n.checked_mul(d)))
    }

    /// Bytes of dense storage; `None` where [`Self::num_elements`] is.
    pub fn byte_size(&self) -> Option<usize> {
        self.num_elements()?.checked_mul(self.element.byte_width())
    }

    /// The same shape with another element type.
    pub fn with_element(&self, element: ElementType) -> Self {
        TensorType { shape: Shape::from_slice(&self.shape), element }
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tensor<")?;
        for &d in &self.shape {
            if d == DYNAMIC { f.write_str("?x")? } else { write!(f, "{d}x")? }
        }
        write!(f, "{}>", self.element)
    }
}

impl fmt::Debug for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether two dimension sizes can be the same: equal, or one of them not known.
pub(crate) fn fits(a: i64, b: i64) -> bool {
    a == b || a == DYNAMIC || b == DYNAMIC
}

/// A list of types, inline for one.
pub type Types = SmallVec<[Type; 1]>;

/// The type of a value: a tensor, a token that orders side effects, or a tuple of types.
///
/// ```
/// # use jacinth_lowering::{DYNAMIC, ElementType, TensorType, Type};
/// let [a, b] = [2, DYNAMIC].map(|n| Type::from(TensorType::new([n], ElementType::F32)));
/// assert!(a != b && a.is_compatible(&b) && a.as_tensor().is_some());
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Type {
    /// `tensor<…>`.
    Tensor(TensorType),
    /// `!stablehlo.token`.
    Token,
    /// `tuple<…>`.
    Tuple(Vec<Type>),
}

impl Type {
    /// The tensor type, if this is one.
    pub fn as_tensor(&self) -> Option<&TensorType> {
        match self {
            Type::Tensor(ty) => Some(ty),
            _ => None,
        }
    }

    /// Whether a value can have both types: they are equal where both dimension sizes are known.
    pub fn is_compatible(&self, other: &Type) -> bool {
        match (self, other) {
            (Type::Tensor(a), Type::Tensor(b)) => {
                a.element == b.element
                    && a.rank() == b.rank()
                    && a.shape.iter().zip(&b.shape).all(|(&a, &b)| fits(a, b))
            }
            (Type::Tuple(a), Type::Tuple(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_compatible(b))
            }
            _ => self == other,
        }
    }
}

/// Whether two lists of types are as long and pairwise compatible.
pub(crate) fn compatible(a: &[Type], b: &[Type]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_compatible(b))
}

impl From<TensorType> for Type {
    fn from(ty: TensorType) -> Self {
        Type::Tensor(ty)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Tensor(ty) => ty.fmt(f),
            Type::Token => f.write_str("!stablehlo.token"),
            Type::Tuple(types) => {
                f.write_str("tuple<")?;
                for (i, ty) in types.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    ty.fmt(f)?;
                }
                f.write_str(">")
            }
        }
    }
}

impl fmt::Debug for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for &ty in ElementType::ALL {
            assert_eq!(ElementType::from_name(ty.name()), Some(ty));
        }
    }

    #[test]
    fn types_print_as_the_specification_does() {
        assert_eq!(TensorType::new([2, DYNAMIC], ElementType::C64).to_string(), "tensor<2x?xcomplex<f32>>");
        assert_eq!(TensorType::scalar(ElementType::UI4).to_string(), "tensor<ui4>");
        assert_eq!(Type::Tuple(vec![Type::Token]).to_string(), "tuple<!stablehlo.token>");
    }

    #[test]
    fn sizes_overflow_to_none() {
        assert_eq!(TensorType::new([i64::MAX, 4], ElementType::F32).num_elements(), None);
        assert_eq!(TensorType::new([i64::MAX, 0], ElementType::F32).num_elements(), Some(0));
    }
}
