//! Abstract values: what a tracer knows of an array.
//!
//! An [`Aval`] is a shared, immutable record; cloning it is a reference count. Invariant: a rank-0 aval of a given
//! dtype and weakness is usually the same allocation, so that comparing avals is mostly comparing pointers.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use smallvec::SmallVec;

/// The element types of arrays.
pub use jacinth_lowering::ElementType as DType;

/// Dimension sizes, outermost first.
pub type Shape = SmallVec<[usize; 4]>;

/// An abstract array: shape, dtype, weak type and sharding, as in `f32[3,4]`.
///
/// ```
/// # use jacinth_frontend::{DType, ir::Aval};
/// let aval = Aval::new([3, 4], DType::F32);
/// assert_eq!((aval.to_string(), aval.rank(), aval.size()), ("f32[3,4]".to_owned(), 2, 12));
/// assert_eq!(aval.with_dtype(DType::BF16).with_shape([2]).to_string(), "bf16[2]");
/// ```
#[derive(Clone)]
pub struct Aval(Arc<AvalData>);

/// What an [`Aval`] says.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct AvalData {
    /// Dimension sizes.
    pub shape: Shape,
    /// Element type.
    pub dtype: DType,
    /// Whether the dtype gives way in promotion, as a Rust scalar's does.
    pub weak_type: bool,
    /// How the array is laid over a mesh, where that is known.
    pub sharding: Option<Arc<Sharding>>,
}

/// Mesh axes per dimension: the place that sharding-in-types occupies in an aval.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Sharding {
    /// For each dimension the names of the mesh axes that split it.
    pub spec: Vec<Vec<Arc<str>>>,
}

impl Aval {
    /// A strongly typed aval.
    pub fn new(shape: impl IntoIterator<Item = usize>, dtype: DType) -> Self {
        Self::with_weak_type(shape, dtype, false)
    }

    /// An aval that says whether its type is weak.
    ///
    /// ```
    /// # use jacinth_frontend::{DType, ir::Aval};
    /// let weak = Aval::with_weak_type([2], DType::F32, true);
    /// assert!(weak != weak.strong() && weak.same_type(&weak.strong()));
    /// ```
    pub fn with_weak_type(shape: impl IntoIterator<Item = usize>, dtype: DType, weak_type: bool) -> Self {
        let shape: Shape = shape.into_iter().collect();
        if shape.is_empty() {
            Self::scalar(dtype, weak_type)
        } else {
            Self::from_data(shape, dtype, weak_type)
        }
    }

    /// The aval of a rank-0 array; no allocation after the first of its kind.
    pub fn scalar(dtype: DType, weak_type: bool) -> Self {
        const KINDS: usize = 64;
        static SCALARS: [[OnceLock<Aval>; 2]; KINDS] = [const { [OnceLock::new(), OnceLock::new()] }; KINDS];
        SCALARS[dtype as usize][weak_type as usize]
            .get_or_init(|| Self::from_data(Shape::new(), dtype, weak_type))
            .clone()
    }

    fn from_data(shape: Shape, dtype: DType, weak_type: bool) -> Self {
        Aval(Arc::new(AvalData { shape, dtype, weak_type, sharding: None }))
    }

    /// Number of dimensions.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Number of elements.
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }

    /// The same aval with another shape.
    pub fn with_shape(&self, shape: impl IntoIterator<Item = usize>) -> Self {
        Self::with_weak_type(shape, self.dtype, self.weak_type)
    }

    /// The same shape with another dtype, strongly typed.
    pub fn with_dtype(&self, dtype: DType) -> Self {
        if self.dtype == dtype && !self.weak_type {
            return self.clone();
        }
        Self::with_weak_type(self.shape.iter().copied(), dtype, false)
    }

    /// The same shape and dtype, strongly typed.
    pub fn strong(&self) -> Self {
        self.with_dtype(self.dtype)
    }

    /// Whether shape and dtype agree, weak types aside.
    pub fn same_type(&self, other: &Aval) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || (self.dtype == other.dtype && self.shape == other.shape)
    }
}

impl Deref for Aval {
    type Target = AvalData;
    fn deref(&self) -> &AvalData {
        &self.0
    }
}

impl PartialEq for Aval {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Eq for Aval {}

impl Hash for Aval {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Display for Aval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(dtype_name(self.dtype))?;
        f.write_str("[")?;
        for (i, d) in self.shape.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            write!(f, "{d}")?;
        }
        f.write_str("]")
    }
}

impl fmt::Debug for Aval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        if self.weak_type { f.write_str("(weak)") } else { Ok(()) }
    }
}

/// The short spelling that jaxprs use: `f32`, `i32`, `bool`, `u8`, `bf16`, `c64`.
pub fn dtype_name(dtype: DType) -> &'static str {
    match dtype {
        DType::I1 => "bool",
        DType::UI2 => "u2",
        DType::UI4 => "u4",
        DType::UI8 => "u8",
        DType::UI16 => "u16",
        DType::UI32 => "u32",
        DType::UI64 => "u64",
        DType::C64 => "c64",
        DType::C128 => "c128",
        DType::F4E2M1FN => "f4_e2m1fn",
        DType::F8E3M4 => "f8_e3m4",
        DType::F8E4M3 => "f8_e4m3",
        DType::F8E4M3FN => "f8_e4m3fn",
        DType::F8E4M3FNUZ => "f8_e4m3fnuz",
        DType::F8E4M3B11FNUZ => "f8_e4m3b11fnuz",
        DType::F8E5M2 => "f8_e5m2",
        DType::F8E5M2FNUZ => "f8_e5m2fnuz",
        DType::F8E8M0FNU => "f8_e8m0fnu",
        other => other.name(),
    }
}

/// NumPy's spelling, which parameters print: `float32`, `int32`, `bool`, `complex64`.
pub fn numpy_name(dtype: DType) -> &'static str {
    match dtype {
        DType::I1 => "bool",
        DType::I2 => "int2",
        DType::I4 => "int4",
        DType::I8 => "int8",
        DType::I16 => "int16",
        DType::I32 => "int32",
        DType::I64 => "int64",
        DType::UI2 => "uint2",
        DType::UI4 => "uint4",
        DType::UI8 => "uint8",
        DType::UI16 => "uint16",
        DType::UI32 => "uint32",
        DType::UI64 => "uint64",
        DType::BF16 => "bfloat16",
        DType::F16 => "float16",
        DType::F32 => "float32",
        DType::F64 => "float64",
        DType::C64 => "complex64",
        DType::C128 => "complex128",
        DType::F4E2M1FN => "float4_e2m1fn",
        DType::F6E2M3FN => "float6_e2m3fn",
        DType::F6E3M2FN => "float6_e3m2fn",
        DType::F8E3M4 => "float8_e3m4",
        DType::F8E4M3 => "float8_e4m3",
        DType::F8E4M3FN => "float8_e4m3fn",
        DType::F8E4M3FNUZ => "float8_e4m3fnuz",
        DType::F8E4M3B11FNUZ => "float8_e4m3b11fnuz",
        DType::F8E5M2 => "float8_e5m2",
        DType::F8E5M2FNUZ => "float8_e5m2fnuz",
        DType::F8E8M0FNU => "float8_e8m0fnu",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn avals_print_as_in_jaxprs() {
        assert_eq!(Aval::new([2, 3], DType::F32).to_string(), "f32[2,3]");
        assert_eq!(Aval::new([], DType::I1).to_string(), "bool[]");
        assert_eq!(Aval::new([0], DType::UI8).to_string(), "u8[0]");
    }

    #[test]
    fn weak_types_distinguish_avals() {
        assert_ne!(Aval::scalar(DType::F32, true), Aval::scalar(DType::F32, false));
        assert!(Aval::scalar(DType::F32, true).same_type(&Aval::scalar(DType::F32, false)));
        assert_eq!(Aval::scalar(DType::F32, true).strong(), Aval::new([], DType::F32));
    }
}
