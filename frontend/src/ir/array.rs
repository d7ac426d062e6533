//! The one array type: a device buffer, a host scalar, or a tracer.
//!
//! Invariants: an [`Array`] is cheap to clone, `Send + Sync + 'static`; a tracer carries the id of the trace that made it and the line
//! that made it, which is all that leak detection needs; no thread-local is reachable from an array. Deliberately
//! absent: arithmetic and conversions, which live in `api`.

use std::sync::Arc;

use super::aval::{Aval, DType};
use super::device::DeviceArray;
use super::jaxpr::{Source, Var};
use super::scalar::{Literal, Scalar};

/// An n-dimensional array, concrete or traced.
#[derive(Clone)]
pub struct Array(pub(crate) Repr);

/// Names one trace for the life of the process.
pub type TraceId = u64;

/// What stands in place of a trace in arrays that have a type and no value; no trace has this id.
pub(crate) const NO_VALUE: TraceId = 0;

/// What an array is.
#[derive(Clone)]
pub(crate) enum Repr {
    /// Data on a device.
    Device(Arc<DeviceArray>),
    /// A host scalar: becomes a literal in a jaxpr.
    Scalar(Literal),
    /// A variable of a jaxpr under construction.
    Var { trace: TraceId, var: Var, aval: Aval, made_at: Source },
    /// A value with its tangent.
    Dual(Arc<Dual>),
    /// A value one of whose dimensions is being mapped over.
    Batched(Arc<Batched>),
}

/// A tracer of forward-mode differentiation.
pub(crate) struct Dual {
    pub(crate) trace: TraceId,
    pub(crate) primal: Array,
    pub(crate) tangent: Array,
    pub(crate) made_at: Source,
}

/// A tracer of vectorisation: `aval` is the value's without dimension `dim`.
pub(crate) struct Batched {
    pub(crate) trace: TraceId,
    pub(crate) value: Array,
    pub(crate) dim: usize,
    pub(crate) aval: Aval,
    pub(crate) made_at: Source,
}

/// What makes two arrays the same array: used to share constants.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Identity {
    Pointer(usize),
    Var(TraceId, Var),
}

impl Array {
    /// A host scalar of that dtype.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, DType};
    /// let one = Array::scalar(1.0, DType::BF16, false);
    /// assert_eq!((one.dtype(), one.weak_type()), (DType::BF16, false));
    /// ```
    pub fn scalar(value: impl Into<Scalar>, dtype: DType, weak_type: bool) -> Array {
        Array(Repr::Scalar(Literal::new(value, dtype, weak_type)))
    }

    /// A type without a value, which stands for an argument of what only traces.
    pub(crate) fn without_value(aval: Aval, made_at: Source) -> Array {
        Array(Repr::Var { trace: NO_VALUE, var: Var(0), aval, made_at })
    }

    /// What is known of the array without looking at its data.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([[1.0f32], [2.0]]).aval().to_string(), "f32[2,1]");
    /// ```
    pub fn aval(&self) -> &Aval {
        match &self.0 {
            Repr::Device(d) => d.aval(),
            Repr::Scalar(l) => l.aval(),
            Repr::Var { aval, .. } => aval,
            Repr::Dual(d) => d.primal.aval(),
            Repr::Batched(b) => &b.aval,
        }
    }

    /// Dimension sizes.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([[1, 2, 3], [4, 5, 6]]).shape(), [2, 3]);
    /// ```
    pub fn shape(&self) -> &[usize] {
        &self.aval().shape
    }

    /// Element type.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, DType};
    /// assert_eq!(Array::from([1u8, 2]).dtype(), DType::UI8);
    /// ```
    pub fn dtype(&self) -> DType {
        self.aval().dtype
    }

    /// Number of dimensions.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// assert_eq!((jnp::zeros([2, 3]).ndim(), jnp::zeros(()).ndim()), (2, 0));
    /// ```
    pub fn ndim(&self) -> usize {
        self.aval().rank()
    }

    /// Number of elements.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// assert_eq!((jnp::zeros([2, 3]).size(), jnp::zeros(()).size()), (6, 1));
    /// ```
    pub fn size(&self) -> usize {
        self.aval().size()
    }

    /// Whether the dtype gives way in promotion.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert!(Array::from(1.0).weak_type()); // a number, which takes the other side's dtype
    /// assert!(!Array::from([1.0f32]).weak_type());
    /// ```
    pub fn weak_type(&self) -> bool {
        self.aval().weak_type
    }

    /// Whether the array stands for a value that a transformation is tracing.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jit, vmap};
    /// let x = Array::from([1.0f32, 2.0]);
    /// assert!(!x.is_tracer());
    /// vmap(|x: &Array| {
    ///     assert!(x.is_tracer() && x.ndim() == 0);
    ///     x.clone()
    /// })(&x);
    /// ```
    pub fn is_tracer(&self) -> bool {
        !matches!(self.0, Repr::Device(_) | Repr::Scalar(_))
    }

    /// The host scalar, if the array is one.
    pub(crate) fn as_literal(&self) -> Option<&Literal> {
        match &self.0 {
            Repr::Scalar(l) => Some(l),
            _ => None,
        }
    }

    /// The device array, if the array is one.
    pub(crate) fn as_device(&self) -> Option<&Arc<DeviceArray>> {
        match &self.0 {
            Repr::Device(d) => Some(d),
            _ => None,
        }
    }

    /// The trace that made this tracer.
    pub(crate) fn trace_id(&self) -> Option<TraceId> {
        match &self.0 {
            Repr::Device(_) | Repr::Scalar(_) => None,
            Repr::Var { trace, .. } => Some(*trace),
            Repr::Dual(d) => Some(d.trace),
            Repr::Batched(b) => Some(b.trace),
        }
    }

    /// The line that made this tracer.
    pub(crate) fn made_at(&self) -> Option<Source> {
        match &self.0 {
            Repr::Device(_) | Repr::Scalar(_) => None,
            Repr::Var { made_at, .. } => Some(made_at),
            Repr::Dual(d) => Some(d.made_at),
            Repr::Batched(b) => Some(b.made_at),
        }
    }

    /// The variable, if this is a variable of that trace.
    pub(crate) fn as_var(&self, of: TraceId) -> Option<Var> {
        match self.0 {
            Repr::Var { trace, var, .. } if trace == of => Some(var),
            _ => None,
        }
    }

    /// The identity of an array that is not a scalar.
    pub(crate) fn identity(&self) -> Option<Identity> {
        match &self.0 {
            Repr::Device(d) => Some(Identity::Pointer(Arc::as_ptr(d) as usize)),
            Repr::Scalar(_) => None,
            Repr::Var { trace, var, .. } => Some(Identity::Var(*trace, *var)),
            Repr::Dual(d) => Some(Identity::Pointer(Arc::as_ptr(d) as usize)),
            Repr::Batched(b) => Some(Identity::Pointer(Arc::as_ptr(b) as usize)),
        }
    }
}
