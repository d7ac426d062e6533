//! What all elementwise families share: accepted dtypes, shapes, batching, and undoing implicit broadcasts.

use smallvec::{SmallVec, smallvec};

use super::{broadcast_in_dim, expand_dims, moveaxis, reduce_sum, reshape};
use crate::error::{Error, Result};
use crate::ir::{Array, Arrays, Aval, BatchDims, DType, Prim, Scalar, Shape, numpy_name};
use crate::trace::bind;

/// Sets of dtypes that a primitive accepts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Accepts(u8);

impl Accepts {
    pub(crate) const BOOL: Accepts = Accepts(1);
    pub(crate) const SIGNED: Accepts = Accepts(2);
    pub(crate) const UNSIGNED: Accepts = Accepts(4);
    pub(crate) const FLOAT: Accepts = Accepts(8);
    pub(crate) const COMPLEX: Accepts = Accepts(16);
    pub(crate) const INT: Accepts = Accepts::SIGNED.or(Accepts::UNSIGNED);
    pub(crate) const BITS: Accepts = Accepts::INT.or(Accepts::BOOL);
    pub(crate) const INEXACT: Accepts = Accepts::FLOAT.or(Accepts::COMPLEX);
    pub(crate) const REAL: Accepts = Accepts::INT.or(Accepts::FLOAT);
    pub(crate) const NUMERIC: Accepts = Accepts::REAL.or(Accepts::COMPLEX);
    pub(crate) const SIGNED_NUMERIC: Accepts = Accepts::SIGNED.or(Accepts::INEXACT);
    pub(crate) const ANY: Accepts = Accepts::NUMERIC.or(Accepts::BOOL);

    pub(crate) const fn or(self, other: Accepts) -> Accepts {
        Accepts(self.0 | other.0)
    }

    /// Whether the dtype is in the set.
    pub(crate) fn contains(self, dtype: DType) -> bool {
        let class = if dtype.is_boolean() {
            Accepts::BOOL
        } else if dtype.is_signed() {
            Accepts::SIGNED
        } else if dtype.is_unsigned() {
            Accepts::UNSIGNED
        } else if dtype.is_float() {
            Accepts::FLOAT
        } else {
            Accepts::COMPLEX
        };
        self.0 & class.0 != 0
    }

    /// Errors if the dtype is not in the set.
    pub(crate) fn check(self, operation: &'static str, dtype: DType) -> Result<()> {
        if self.contains(dtype) {
            return Ok(());
        }
        let classes = [
            (Accepts::BOOL, "bool"),
            (Accepts::SIGNED, "signed integer"),
            (Accepts::UNSIGNED, "unsigned integer"),
            (Accepts::FLOAT, "floating"),
            (Accepts::COMPLEX, "complex"),
        ];
        let accepted: Vec<&str> =
            classes.iter().filter(|(c, _)| self.0 & c.0 != 0).map(|(_, n)| *n).collect();
        let got = numpy_name(dtype);
        Err(Error::operands(
            operation,
            format!("does not accept dtype {got}; accepted are {}", accepted.join(", ")),
        ))
    }
}

/// What a set of dtypes is called in the documentation of the functions that accept it.
macro_rules! accepted {
    (INT) => {
        "integers"
    };
    (BITS) => {
        "booleans or integers"
    };
    (FLOAT) => {
        "floating-point numbers"
    };
    (COMPLEX) => {
        "complex numbers"
    };
    (INEXACT) => {
        "floating-point or complex numbers"
    };
    (REAL) => {
        "integers or floating-point numbers"
    };
    (NUMERIC) => {
        "integers, floating-point or complex numbers"
    };
    (SIGNED_NUMERIC) => {
        "signed integers, floating-point or complex numbers"
    };
    (ANY) => {
        "numbers or booleans"
    };
}
pub(super) use accepted;

/// The shape of an elementwise result: scalars stretch to anything, dimensions of size one to any size.
///
/// # Errors
/// If ranks above zero differ, or sizes other than one.
pub(crate) fn common_shape(operation: &'static str, shapes: &[&[usize]]) -> Result<Shape> {
    let mut out: Option<Shape> = None;
    for shape in shapes.iter().filter(|s| !s.is_empty()) {
        let Some(out) = &mut out else {
            out = Some(Shape::from_slice(shape));
            continue;
        };
        if out.len() != shape.len() {
            let got: Vec<String> = shapes.iter().map(|s| python_shape(s)).collect();
            let message = format!("arrays must have same number of dimensions, got {}", got.join(", "));
            return Err(Error::operands(operation, message));
        }
        for (a, &b) in out.iter_mut().zip(shape.iter()) {
            if *a == 1 {
                *a = b;
            } else if b != 1 && *a != b {
                let got: Vec<String> = shapes.iter().map(|s| python_shape(s)).collect();
                return Err(Error::operands(
                    operation,
                    format!("got incompatible shapes for broadcasting: {}", got.join(", ")),
                ));
            }
        }
    }
    Ok(out.unwrap_or_default())
}

/// A shape as Python writes it: `(2, 3)`.
pub(crate) fn python_shape(shape: &[usize]) -> String {
    let parts: Vec<String> = shape.iter().map(usize::to_string).collect();
    if parts.len() == 1 { format!("({},)", parts[0]) } else { format!("({})", parts.join(", ")) }
}

/// Batches a primitive that acts element by element: mapped dimensions that agree stay where they are, otherwise
/// they go to the front and unmapped operands get a dimension of size one there.
#[track_caller]
pub(crate) fn batch_elementwise(prim: Prim, args: &[Array], dims: &[Option<usize>]) -> (Arrays, BatchDims) {
    let (first, dim) = args
        .iter()
        .zip(dims)
        .find_map(|(x, d)| d.map(|d| (x, d)))
        .expect("a batching rule is called with a mapped operand");
    let agree =
        args.iter().zip(dims).all(|(x, d)| x.ndim() == 0 || (x.shape() == first.shape() && *d == Some(dim)));
    if agree {
        let outs = bind(prim, args);
        let out_dims = smallvec![Some(dim); outs.len()];
        return (outs, out_dims);
    }
    let mut moved: SmallVec<[Array; 4]> = args
        .iter()
        .zip(dims)
        .map(|(x, d)| match d {
            Some(d) => moveaxis(x, *d, 0),
            None if x.ndim() > 0 => expand_dims(x, &[0]),
            None => x.clone(),
        })
        .collect();
    // A mapped scalar is a vector now: it needs trailing dimensions of size one to meet operands of higher rank.
    let rank = moved.iter().map(Array::ndim).max().unwrap_or(0);
    for (x, d) in moved.iter_mut().zip(dims) {
        if d.is_some() && x.ndim() < rank {
            let trailing: SmallVec<[usize; 4]> = (x.ndim()..rank).collect();
            *x = expand_dims(x, &trailing);
        }
    }
    let outs = bind(prim, &moved);
    let out_dims = smallvec![Some(0); outs.len()];
    (outs, out_dims)
}

/// Sums a cotangent over the dimensions along which an operand of that aval was stretched.
#[track_caller]
pub(crate) fn unbroadcast(aval: &Aval, ct: Array) -> Array {
    if ct.shape() == &aval.shape[..] {
        return ct;
    }
    if aval.rank() == 0 {
        let all: SmallVec<[usize; 4]> = (0..ct.ndim()).collect();
        return reduce_sum(&ct, &all);
    }
    let stretched: SmallVec<[usize; 4]> =
        (0..ct.ndim()).filter(|&i| ct.shape()[i] != aval.shape[i]).collect();
    reshape(&reduce_sum(&ct, &stretched), &aval.shape)
}

/// Stretches an operand of an elementwise operation to the shape of its result.
#[track_caller]
pub(crate) fn maybe_broadcast(shape: &[usize], x: &Array) -> Array {
    if x.shape() == shape {
        return x.clone();
    }
    if x.ndim() == 0 {
        return broadcast_in_dim(x, shape, &[]);
    }
    let kept: SmallVec<[usize; 4]> = (0..x.ndim()).filter(|&i| x.shape()[i] == shape[i]).collect();
    let sizes: SmallVec<[usize; 4]> = kept.iter().map(|&i| shape[i]).collect();
    broadcast_in_dim(&reshape(x, &sizes), shape, &kept)
}

/// A host scalar of the dtype of `x`.
pub(crate) fn scalar_like(x: &Array, value: impl Into<Scalar>) -> Array {
    Array::scalar(value, x.dtype(), false)
}
