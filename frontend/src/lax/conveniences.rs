//! Operators of `jax.lax` that are others in a particular form: products without dimension numbers, names of bitwise operations, approximate
//! extrema (which are exact here), collapsed dimensions, reads of whole slices.

use super::binary::{self, add, and, div, mul, or, rem, xor};
use super::concat::concatenate;
use super::convert::convert_element_type;
use super::dot::{DotDimensionNumbers, Precision, dot_general};
use super::elementwise::scalar_like;
use super::gather::{GatherDimensionNumbers, GatherScatterMode, gather};
use super::rules::{refuse, show};
use super::shape::{broadcast_in_dim, expand_dims, reshape};
use super::sort::{sort_many, top_k};
use super::unary::{self, neg, not};
use crate::ir::{Array, DType, Scalar};

/// The products of matrices of two batches: `f32[…, m, k] × f32[…, k, n] → f32[…, m, n]`.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([[[1, 2]], [[3, 4]]]);
/// let y = Array::from([[[1], [1]], [[10], [10]]]);
/// assert_eq!(lax::batch_matmul(&x, &y, None).to_vec::<i32>(), [3, 70]);
/// ```
///
/// # Panics
/// If ranks differ or are below two, or shapes do not fit.
#[track_caller]
pub fn batch_matmul(lhs: &Array, rhs: &Array, precision: Option<Precision>) -> Array {
    let rank = lhs.ndim();
    if rank < 2 || rhs.ndim() != rank {
        let (a, b) = (show(lhs.shape()), show(rhs.shape()));
        refuse!("batch_matmul" => "operands must have the same rank of at least 2, got shapes {a} and {b}")
    }
    let batch: Vec<usize> = (0..rank - 2).collect();
    let numbers = DotDimensionNumbers::new((&[rank - 1], &[rank - 2]), (&batch, &batch));
    dot_general(lhs, rhs, numbers, precision, None)
}

/// The product of vectors or matrices, over the last dimension of the left and the first of the right: `f32[m, k] × f32[k, n] → f32[m, n]`.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let (a, v) = (Array::from([[1, 2], [3, 4]]), Array::from([1, 10]));
/// assert_eq!(lax::dot(&a, &v, None).to_vec::<i32>(), [21, 43]);
/// ```
///
/// # Panics
/// If an operand has not one or two dimensions, or sizes differ.
#[track_caller]
pub fn dot(lhs: &Array, rhs: &Array, precision: Option<Precision>) -> Array {
    if !matches!(lhs.ndim(), 1 | 2) || !matches!(rhs.ndim(), 1 | 2) {
        let (a, b) = (show(lhs.shape()), show(rhs.shape()));
        refuse!("dot" => "takes vectors and matrices, got shapes {a} and {b}")
    }
    let numbers = DotDimensionNumbers::new((&[lhs.ndim() - 1], &[0]), (&[], &[]));
    dot_general(lhs, rhs, numbers, precision, None)
}

/// Dimensions `start` to before `stop` made one.
///
/// ```
/// # use jacinth_frontend::{lax, numpy as jnp};
/// let x = lax::collapse(&jnp::zeros([2, 3, 4]), 1, 3);
/// assert_eq!(x.shape(), [2, 12]);
/// ```
///
/// # Panics
/// If they are no range of dimensions.
#[track_caller]
pub fn collapse(operand: &Array, start_dimension: usize, stop_dimension: usize) -> Array {
    let shape = operand.shape();
    if start_dimension > stop_dimension || stop_dimension > shape.len() {
        refuse!("collapse" => "dimensions {start_dimension} to {stop_dimension} are none of shape {}", show(shape))
    }
    let middle = shape[start_dimension..stop_dimension].iter().product();
    let sizes: Vec<usize> = shape[..start_dimension]
        .iter()
        .copied()
        .chain((start_dimension < stop_dimension).then_some(middle))
        .chain(shape[stop_dimension..].iter().copied())
        .collect();
    reshape(operand, &sizes)
}

/// The operand with dimensions of size 1 before its own, up to that rank.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// assert_eq!(lax::broadcast_to_rank(&Array::from([1, 2]), 3).shape(), [1, 1, 2]);
/// ```
///
/// # Panics
/// If the operand has more dimensions.
#[track_caller]
pub fn broadcast_to_rank(x: &Array, rank: usize) -> Array {
    if x.ndim() > rank {
        refuse!("broadcast_to_rank" => "an array of shape {} has more than {rank} dimensions", show(x.shape()))
    }
    expand_dims(x, &(0..rank - x.ndim()).collect::<Vec<_>>())
}

/// `arr` stretched to the shape of `like`, as NumPy broadcasts.
///
/// ```
/// # use jacinth_frontend::{Array, lax, numpy as jnp};
/// let y = lax::broadcast_like(&Array::from([1, 2]), &jnp::zeros([2, 2]));
/// assert_eq!(y.to_string(), "[[1 2]\n [1 2]]");
/// ```
///
/// # Panics
/// If `arr` cannot be stretched to that shape.
#[track_caller]
pub fn broadcast_like(arr: &Array, like: &Array) -> Array {
    let (from, to) = (arr.shape(), like.shape());
    let lead = to.len().checked_sub(from.len());
    let fits = lead.is_some_and(|lead| from.iter().zip(&to[lead..]).all(|(&a, &b)| a == b || a == 1));
    if !fits {
        refuse!("broadcast_like" => "an array of shape {} cannot be stretched to {}", show(from), show(to))
    }
    let lead = lead.expect("it fits");
    broadcast_in_dim(arr, to, &(lead..to.len()).collect::<Vec<_>>())
}

/// The shape to which NumPy broadcasts arrays of these: dimensions of size 1 stretch, lower ranks get such dimensions in front.
///
/// ```
/// # use jacinth_frontend::lax;
/// assert_eq!(lax::broadcast_shapes(&[&[3, 1], &[4], &[]]), [3, 4]);
/// ```
///
/// # Panics
/// If sizes other than 1 differ.
#[track_caller]
pub fn broadcast_shapes(shapes: &[&[usize]]) -> Vec<usize> {
    broadcast_shape("broadcast_shapes", shapes)
}

/// [`broadcast_shapes`] for an operation of that name.
#[track_caller]
pub(crate) fn broadcast_shape(name: &'static str, shapes: &[&[usize]]) -> Vec<usize> {
    let rank = shapes.iter().map(|s| s.len()).max().unwrap_or(0);
    let mut out = vec![1; rank];
    for shape in shapes {
        for (size, &d) in out[rank - shape.len()..].iter_mut().zip(*shape) {
            if *size == 1 {
                *size = d;
            } else if d != 1 && d != *size {
                let all: Vec<String> = shapes.iter().map(|s| show(s)).collect();
                refuse!(name => "got incompatible shapes for broadcasting: {}", all.join(", "))
            }
        }
    }
    out
}

/// `x` to the power of `y`; `y` may be an integer beside a floating point or complex `x`.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([2.0f32, -3.0]);
/// assert_eq!(lax::pow(&x, &Array::from([3, 2])).to_vec::<f32>(), [8.0, 9.0]);
/// ```
///
/// # Panics
/// If dtypes are not accepted, or shapes do not fit.
#[track_caller]
pub fn pow(x: &Array, y: &Array) -> Array {
    let whole = y.dtype().is_integer() && (x.dtype().is_float() || x.dtype().is_complex());
    if !whole {
        return binary::pow(x, y);
    }
    // To the power of zero everything is one, and its derivative zero.
    let shape = super::elementwise::common_shape("pow", &[x.shape(), y.shape()]);
    let shape = shape.unwrap_or_else(|e| e.at(crate::trace::here()).raise());
    let [wide, power] = [x, y].map(|operand| super::maybe_broadcast(&shape, operand));
    let zero = super::eq(&power, &super::full_like(&power, 0));
    let base = super::select(&zero, &super::full_like(&wide, 1), &wide);
    binary::pow(&base, &convert_element_type(&power, x.dtype()))
}

/// The complex conjugate; a real number becomes the complex one.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let z = lax::complex(&Array::from(1.0), &Array::from(2.0));
/// assert_eq!(lax::conj(&z).to_string(), "(1-2j)");
/// ```
///
/// # Panics
/// If the operand is neither floating point nor complex.
#[track_caller]
pub fn conj(x: &Array) -> Array {
    if x.dtype().is_float() { super::complex(x, &super::full_like(x, 0)) } else { unary::conj(x) }
}

/// An array of that shape for whose elements nothing is promised; they are zeros.
///
/// ```
/// # use jacinth_frontend::{DType, lax};
/// assert_eq!(lax::empty(&[2, 3], DType::F32).shape(), [2, 3]);
/// ```
#[track_caller]
pub fn empty(shape: &[usize], dtype: DType) -> Array {
    super::full(shape, 0, dtype)
}

/// The dtype of an array.
///
/// ```
/// # use jacinth_frontend::{Array, DType, lax};
/// assert_eq!(lax::dtype(&Array::from([true])), DType::I1);
/// ```
pub fn dtype(x: &Array) -> DType {
    x.dtype()
}

/// A shape as an array of its sizes, `i32[rank]` (`i64[rank]` with x64).
///
/// ```
/// # use jacinth_frontend::{lax, numpy as jnp};
/// let x = jnp::zeros([2, 3]);
/// assert_eq!(lax::shape_as_value(x.shape()).to_vec::<i32>(), [2, 3]);
/// ```
#[track_caller]
pub fn shape_as_value(shape: &[usize]) -> Array {
    let sizes: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
    Array::from_slice(&sizes, [sizes.len()])
}

/// The value itself; in a traced function it is part of the trace as soon as it is used.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// assert_eq!(lax::stage(&Array::from([1, 2])).to_vec::<i32>(), [1, 2]);
/// ```
pub fn stage(x: &Array) -> Array {
    x.clone()
}

/// Elements or slices of `src` at whole numbers along `axes`: `src[…, i, …]` for `i` in `indices[0]`, and so on; numbers beyond a dimension wrap
/// around. `indices` are vectors of one length `n` and one integer dtype; the result is `[n, …]` with the other dimensions of `src`.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([[1, 2], [3, 4], [5, 6]]);
/// let rows = lax::index_take(&x, &[Array::from([0, -1])], &[0]);
/// assert_eq!(rows.to_string(), "[[1 2]\n [5 6]]");
/// ```
///
/// # Panics
/// If there are not as many vectors as axes, or they are no such vectors.
#[track_caller]
pub fn index_take(src: &Array, indices: &[Array], axes: &[usize]) -> Array {
    let vectors = !indices.is_empty()
        && indices
            .iter()
            .all(|i| i.ndim() == 1 && i.dtype().is_integer() && i.aval().same_type(indices[0].aval()));
    if !vectors || indices.len() != axes.len() || axes.iter().any(|&axis| axis >= src.ndim()) {
        let (avals, axes) =
            (indices.iter().map(|i| i.aval().to_string()).collect::<Vec<_>>().join(", "), show(axes));
        refuse!("index_take" => "takes a vector of integers for each axis of {}, got {avals} for axes {axes}", src.aval())
    }
    let wrapped = |(index, &axis): (&Array, &usize)| {
        let size = scalar_like(index, src.shape()[axis] as f64);
        // The remainder has the sign of the index; one more turn makes it positive.
        expand_dims(&rem(&add(&rem(index, &size), &size), &size), &[1])
    };
    let indices: Vec<Array> = indices.iter().zip(axes).map(wrapped).collect();
    let numbers = GatherDimensionNumbers {
        offset_dims: (1..=src.ndim() - axes.len()).collect(),
        collapsed_slice_dims: axes.to_vec(),
        start_index_map: axes.to_vec(),
        ..Default::default()
    };
    let size = |d: usize| if axes.contains(&d) { 1 } else { src.shape()[d] };
    let sizes: Vec<usize> = (0..src.ndim()).map(size).collect();
    gather(src, &concatenate(&indices, 1), numbers, &sizes, GatherScatterMode::FillOrDrop)
}

/// The largest `k` elements along the last dimension and their positions; exact on every plugin.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let (largest, at) = lax::approx_max_k(&Array::from([1.0f32, 3.0, 2.0]), 2);
/// assert_eq!((largest.to_vec::<f32>(), at.to_vec::<i32>()), (vec![3.0, 2.0], vec![1, 2]));
/// ```
///
/// # Panics
/// As [`top_k`].
#[track_caller]
pub fn approx_max_k(operand: &Array, k: usize) -> (Array, Array) {
    top_k(operand, k)
}

/// The smallest `k` elements along the last dimension, ascending, and their positions; exact on every plugin.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let (smallest, at) = lax::approx_min_k(&Array::from([3.0f32, 1.0, 2.0]), 2);
/// assert_eq!((smallest.to_vec::<f32>(), at.to_vec::<i32>()), (vec![1.0, 2.0], vec![1, 2]));
/// ```
///
/// # Panics
/// As [`top_k`].
#[track_caller]
pub fn approx_min_k(operand: &Array, k: usize) -> (Array, Array) {
    let (values, positions) = top_k(&neg(operand), k);
    (neg(&values), positions)
}

/// Keys in ascending order along `dimension`, and values in the order of their keys; equal keys keep their order.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let (keys, values) = (Array::from([3, 1, 2]), Array::from([0.3f32, 0.1, 0.2]));
/// let (keys, values) = lax::sort_key_val(&keys, &values, 0);
/// assert_eq!((keys.to_string(), values.to_string()), ("[1 2 3]".into(), "[0.1 0.2 0.3]".into()));
/// ```
///
/// # Panics
/// If the shapes differ, or `dimension` is not one of theirs.
#[track_caller]
pub fn sort_key_val(keys: &Array, values: &Array, dimension: usize) -> (Array, Array) {
    let mut out = sort_many(&[keys.clone(), values.clone()], dimension, true, 1);
    let values = out.pop().expect("two operands");
    (out.pop().expect("two operands"), values)
}

/// `1 / x`.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// assert_eq!(lax::reciprocal(&Array::from([4.0f32, 0.0])).to_string(), "[0.25  inf]");
/// ```
///
/// # Panics
/// If the elements are booleans.
#[track_caller]
pub fn reciprocal(x: &Array) -> Array {
    div(&scalar_like(x, 1), x)
}

/// Another name of [`and`].
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// assert_eq!(lax::bitwise_and(&Array::from(0b110), &Array::from(0b011)).item::<i32>(), 0b010);
/// ```
#[track_caller]
pub fn bitwise_and(x: &Array, y: &Array) -> Array {
    and(x, y)
}

/// Another name of [`or`].
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// assert_eq!(lax::bitwise_or(&Array::from(0b110), &Array::from(0b011)).item::<i32>(), 0b111);
/// ```
#[track_caller]
pub fn bitwise_or(x: &Array, y: &Array) -> Array {
    or(x, y)
}

/// Another name of [`xor`].
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// assert_eq!(lax::bitwise_xor(&Array::from(0b110), &Array::from(0b011)).item::<i32>(), 0b101);
/// ```
#[track_caller]
pub fn bitwise_xor(x: &Array, y: &Array) -> Array {
    xor(x, y)
}

/// Another name of [`not`].
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// assert_eq!(lax::bitwise_not(&Array::from([0, -1])).to_vec::<i32>(), [-1, 0]);
/// ```
#[track_caller]
pub fn bitwise_not(x: &Array) -> Array {
    not(x)
}

/// The upper half of the product of two 32-bit integers.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([1 << 20, -1]);
/// assert_eq!(lax::mulhi(&x, &x).to_vec::<i32>(), [1 << 8, 0]);
/// ```
///
/// # Panics
/// If the operands are not 32-bit integers of one dtype.
#[track_caller]
pub fn mulhi(x: &Array, y: &Array) -> Array {
    let (dtype, wide) = match x.dtype() {
        DType::UI32 => (DType::UI32, DType::UI64),
        DType::I32 => (DType::I32, DType::I64),
        _ => refuse!("mulhi" => "takes 32-bit integers, got {}", x.aval()),
    };
    let product = mul(&convert_element_type(x, wide), &convert_element_type(y, wide));
    let shift = Array::scalar(Scalar::Int(32), wide, false);
    let high = if dtype == DType::UI32 {
        super::shift_right_logical(&product, &shift)
    } else {
        super::shift_right_arithmetic(&product, &shift)
    };
    convert_element_type(&high, dtype)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f32s(values: &[f32], shape: &[usize]) -> Array {
        Array::from_slice(values, shape)
    }

    #[test]
    fn other_names_of_other_operations() {
        let x = f32s(&[3.0, 1.0, 2.0], &[3]);
        let (least, at) = approx_min_k(&x, 2);
        assert_eq!((least.to_vec::<f32>(), at.to_vec::<i32>()), (vec![1.0, 2.0], vec![1, 2]));
        let (keys, values) = sort_key_val(&x, &f32s(&[0.0, 1.0, 2.0], &[3]), 0);
        assert_eq!(
            (keys.to_vec::<f32>(), values.to_vec::<f32>()),
            (vec![1.0, 2.0, 3.0], vec![1.0, 2.0, 0.0])
        );
        assert_eq!(collapse(&f32s(&[0.0; 24], &[2, 3, 4]), 1, 3).shape(), [2, 12]);
        assert_eq!(collapse(&f32s(&[0.0; 6], &[2, 3]), 1, 1).shape(), [2, 3]);
        assert_eq!(dot(&x, &x, None).to_vec::<f32>(), [14.0]);
        assert_eq!(reciprocal(&x).to_vec::<f32>()[1], 1.0);
        assert_eq!(broadcast_to_rank(&x, 3).shape(), [1, 1, 3]);
    }
}
