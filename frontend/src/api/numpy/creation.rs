//! Arrays from nothing but numbers.
//!
//! Without a dtype an array takes the default float; functions ending in `_of` take one.

use super::{IntoArray, IntoShape, exact_shape};
use crate::api::dtypes::{default_float, default_int, requested};
use crate::ir::{Array, DType};
use crate::lax::{self, rules::refuse};
use std::ops::Range;

/// Zeros of the default float (`f32`, with x64 `f64`).
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::zeros([2, 3]).to_string(), "[[0. 0. 0.]\n [0. 0. 0.]]");
/// ```
///
/// # Panics
/// If a size is negative.
#[track_caller]
pub fn zeros(shape: impl IntoShape) -> Array {
    zeros_of(shape, default_float())
}

/// [`zeros`] of a dtype.
///
/// ```
/// # use jacinth_frontend::{DType, numpy as jnp};
/// let x = jnp::zeros_of(3, DType::I8);
/// assert_eq!((x.shape(), x.dtype()), (&[3][..], DType::I8));
/// ```
///
/// # Panics
/// If a size is negative.
#[track_caller]
pub fn zeros_of(shape: impl IntoShape, dtype: DType) -> Array {
    lax::full(&exact_shape("zeros", shape), 0, requested(dtype))
}

/// Ones of the default float (`f32`, with x64 `f64`).
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::ones((2, 2)).to_string(), "[[1. 1.]\n [1. 1.]]");
/// ```
///
/// # Panics
/// If a size is negative.
#[track_caller]
pub fn ones(shape: impl IntoShape) -> Array {
    ones_of(shape, default_float())
}

/// [`ones`] of a dtype.
///
/// ```
/// # use jacinth_frontend::{DType, numpy as jnp};
/// assert_eq!(jnp::ones_of(3, DType::I32).to_vec::<i32>(), [1, 1, 1]);
/// ```
///
/// # Panics
/// If a size is negative.
#[track_caller]
pub fn ones_of(shape: impl IntoShape, dtype: DType) -> Array {
    lax::full(&exact_shape("ones", shape), 1, requested(dtype))
}

/// Zeros of the default float: no array is ever uninitialised.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::empty(2).to_vec::<f32>(), [0.0, 0.0]);
/// ```
///
/// # Panics
/// If a size is negative.
#[track_caller]
pub fn empty(shape: impl IntoShape) -> Array {
    zeros(shape)
}

/// An array all of whose elements are `value`, which is stretched as [`broadcast_to`](super::broadcast_to) does, in its dtype.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::full([2, 2], 7).to_string(), "[[7 7]\n [7 7]]");
/// assert_eq!(jnp::full([2, 2], Array::from([1, 2])).to_string(), "[[1 2]\n [1 2]]");
/// ```
///
/// # Panics
/// If a size is negative, or the value cannot be stretched.
#[track_caller]
pub fn full(shape: impl IntoShape, value: impl IntoArray) -> Array {
    let value = value.into_array();
    let dtype = value.dtype();
    full_of(shape, value, dtype)
}

/// [`full`] of a dtype.
///
/// ```
/// # use jacinth_frontend::{DType, numpy as jnp};
/// assert_eq!(jnp::full_of(3, 2, DType::F32).to_vec::<f32>(), [2.0, 2.0, 2.0]);
/// ```
///
/// # Panics
/// As [`full`].
#[track_caller]
pub fn full_of(shape: impl IntoShape, value: impl IntoArray, dtype: DType) -> Array {
    let value = lax::convert_element_type(&value.into_array(), requested(dtype));
    super::broadcast_to(value, exact_shape("full", shape))
}

/// Zeros of the shape and dtype of another array.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[1, 2, 3]]);
/// assert_eq!(jnp::zeros_like(&x).to_string(), "[[0 0 0]]");
/// ```
#[track_caller]
pub fn zeros_like(x: impl IntoArray) -> Array {
    lax::full_like(&x.into_array(), 0)
}

/// Ones of the shape and dtype of another array.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::ones_like(Array::from([true, false])).to_vec::<bool>(), [true, true]);
/// ```
#[track_caller]
pub fn ones_like(x: impl IntoArray) -> Array {
    lax::full_like(&x.into_array(), 1)
}

/// An array of the shape and dtype of another, all of whose elements are `value`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1, 2, 3]);
/// assert_eq!(jnp::full_like(&x, 9.0).to_vec::<i32>(), [9, 9, 9]);
/// ```
#[track_caller]
pub fn full_like(x: impl IntoArray, value: impl IntoArray) -> Array {
    let x = x.into_array();
    full_of(x.shape(), value, x.dtype())
}

/// Whether an element lies on the `k`-th diagonal.
#[track_caller]
pub(crate) fn eye_mask(rows: usize, columns: usize, k: i64) -> Array {
    let int = default_int();
    let row = lax::broadcasted_iota(int, &[rows, columns], 0);
    let column = lax::broadcasted_iota(int, &[rows, columns], 1);
    lax::eq(&lax::add(&row, &Array::scalar(k, int, false)), &column)
}

/// The `n × n` matrix with ones on its diagonal, of the default float; [`eye_of`] says more.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::eye(2).to_string(), "[[1. 0.]\n [0. 1.]]");
/// ```
#[track_caller]
pub fn eye(n: usize) -> Array {
    eye_of(n, n, 0, default_float())
}

/// The `rows × columns` matrix of a dtype with ones on its `k`-th diagonal: above the main one for positive, below for negative `k`.
///
/// ```
/// # use jacinth_frontend::{DType, numpy as jnp};
/// assert_eq!(jnp::eye_of(2, 3, 1, DType::I32).to_string(), "[[0 1 0]\n [0 0 1]]");
/// ```
#[track_caller]
pub fn eye_of(rows: usize, columns: usize, k: i64, dtype: DType) -> Array {
    lax::convert_element_type(&eye_mask(rows, columns, k), requested(dtype))
}

/// The `n × n` matrix with ones on its diagonal: the same as [`eye`].
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::identity(2).to_vec::<f32>(), [1.0, 0.0, 0.0, 1.0]);
/// ```
#[track_caller]
pub fn identity(n: usize) -> Array {
    eye(n)
}

/// Where [`arange`] starts, before what it stops, and its step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progression {
    start: f64,
    stop: f64,
    step: f64,
    float: bool,
    /// So many numbers, the last of which is `stop`: Python's imaginary step.
    count: Option<usize>,
}

impl Progression {
    /// That many numbers from `start` to `stop`, both included: what an imaginary step means to Python's `mgrid`, `ogrid` and `r_`.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// # use jnp::Progression;
    /// let grid = jnp::mgrid(&[Progression::points(0.0, 1.0, 5)]);
    /// assert_eq!(grid.to_string(), "[[0.   0.25 0.5  0.75 1.  ]]");
    /// ```
    pub fn points(start: f64, stop: f64, count: usize) -> Progression {
        Progression { start, stop, step: 1.0, float: true, count: Some(count) }
    }
}

macro_rules! progressions {
    ($($T:ty: $float:literal, $one:literal;)*) => {$(
        impl From<$T> for Progression {
            fn from(stop: $T) -> Progression {
                Progression { start: 0.0, stop: stop as f64, step: 1.0, float: $float, count: None }
            }
        }

        impl From<Range<$T>> for Progression {
            fn from(range: Range<$T>) -> Progression {
                Progression { start: range.start as f64, stop: range.end as f64, step: 1.0, float: $float, count: None }
            }
        }

        impl From<($T, $T, $T)> for Progression {
            fn from((start, stop, step): ($T, $T, $T)) -> Progression {
                Progression { start: start as f64, stop: stop as f64, step: step as f64, float: $float, count: None }
            }
        }
    )*};
}

progressions! {
    i32: false, 1;
    i64: false, 1;
    usize: false, 1;
    f32: true, 1.0;
    f64: true, 1.0;
}

/// Numbers at equal distances before a limit; of the default integer or, from floats, the default float.
///
/// Where to stop, a range, or `(start, stop, step)`: JAX's one, two or three arguments.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::arange(4).to_vec::<i32>(), [0, 1, 2, 3]);
/// assert_eq!(jnp::arange(2..5).to_vec::<i32>(), [2, 3, 4]);
/// assert_eq!(jnp::arange((1.0, 0.0, -0.25)).to_vec::<f32>(), [1.0, 0.75, 0.5, 0.25]);
/// ```
///
/// # Panics
/// If the step is zero.
#[track_caller]
pub fn arange(progression: impl Into<Progression>) -> Array {
    let progression = progression.into();
    if let Some(count) = progression.count {
        return linspace(progression.start, progression.stop, count);
    }
    arange_of(progression, if progression.float { default_float() } else { default_int() })
}

/// [`arange`] of a dtype.
///
/// ```
/// # use jacinth_frontend::{DType, numpy as jnp};
/// assert_eq!(jnp::arange_of((0, 10, 5), DType::F32).to_vec::<f32>(), [0.0, 5.0]);
/// ```
///
/// # Panics
/// If the step is zero.
#[track_caller]
pub fn arange_of(progression: impl Into<Progression>, dtype: DType) -> Array {
    let Progression { start, stop, step, count, .. } = progression.into();
    let dtype = requested(dtype);
    if let Some(count) = count {
        return lax::convert_element_type(&linspace(start, stop, count), dtype);
    }
    if step == 0.0 || step.is_nan() {
        refuse!("arange" => "the step must not be zero")
    }
    let size = ((stop - start) / step).ceil().max(0.0) as usize;
    let iota = lax::iota(dtype, size);
    if start == 0.0 && step == 1.0 {
        return iota;
    }
    let scalar = |value: f64| Array::scalar(value, dtype, false);
    let scaled = if step == 1.0 && !dtype.is_float() { iota } else { lax::mul(&scalar(step), &iota) };
    lax::add(&scalar(start), &scaled)
}

/// `num` numbers at equal distances from `start` to `stop`, both included, as floating numbers: `[num, …]` for arrays that broadcast to `[…]`.
///
/// [`linspace_endpoint`] leaves `stop` out.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::linspace(0, 1, 5).to_vec::<f32>(), [0.0, 0.25, 0.5, 0.75, 1.0]);
/// assert_eq!(jnp::linspace(0, Array::from([2, 4]), 3).to_string(), "[[0. 0.]\n [1. 2.]\n [2. 4.]]");
/// ```
#[track_caller]
pub fn linspace(start: impl IntoArray, stop: impl IntoArray, num: usize) -> Array {
    linspace_endpoint(start, stop, num, true)
}

/// [`linspace`], saying whether `stop` is included.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::linspace_endpoint(0, 1, 4, false).to_vec::<f32>(), [0.0, 0.25, 0.5, 0.75]);
/// ```
#[track_caller]
pub fn linspace_endpoint(start: impl IntoArray, stop: impl IntoArray, num: usize, endpoint: bool) -> Array {
    let _line = crate::trace::keep_line();
    let both = crate::api::dtypes::promote_inexact(&[start.into_array(), stop.into_array()]);
    let strong = |x: &Array| lax::convert_element_type(x, x.dtype());
    let (start, stop) = (strong(&both[0]), strong(&both[1]));
    let dtype = start.dtype();
    let shape = super::broadcast_shape("linspace", &[start.shape(), stop.shape()]);
    let (start, stop) = (super::broadcast_to(start, &shape), super::broadcast_to(stop, &shape));
    let column = |x: &Array| {
        let wide: Vec<usize> = [1].into_iter().chain(shape.iter().copied()).collect();
        lax::reshape(x, &wide)
    };
    let divisions = if endpoint { num.saturating_sub(1) } else { num };
    let scalar = |value: f64| Array::scalar(value, dtype, false);
    if num == 0 {
        let empty: Vec<usize> = [0].into_iter().chain(shape.iter().copied()).collect();
        return lax::full(&empty, 0, dtype);
    }
    if divisions == 0 {
        return column(&start);
    }
    // A mixture of both ends is exact at both.
    let t = lax::div(&lax::iota(dtype, divisions), &scalar(divisions as f64));
    let t = lax::reshape(&t, &[divisions].into_iter().chain(shape.iter().map(|_| 1)).collect::<Vec<_>>());
    let out =
        lax::add(&lax::mul(&column(&start), &lax::sub(&scalar(1.0), &t)), &lax::mul(&column(&stop), &t));
    if endpoint { lax::concatenate(&[out, lax::expand_dims(&stop, &[0])], 0) } else { out }
}

/// `num` numbers at equal ratios from `10^start` to `10^stop`, as floating numbers; [`logspace_base`] takes another base.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::logspace(0, 2, 3).round_to(3).to_vec::<f32>(), [1.0, 10.0, 100.0]);
/// ```
#[track_caller]
pub fn logspace(start: impl IntoArray, stop: impl IntoArray, num: usize) -> Array {
    super::power(10.0, linspace(start, stop, num))
}

/// [`logspace`] of another base than 10.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::logspace_base(0, 4, 3, 2).round_to(3).to_vec::<f32>(), [1.0, 4.0, 16.0]);
/// ```
#[track_caller]
pub fn logspace_base(start: impl IntoArray, stop: impl IntoArray, num: usize, base: impl IntoArray) -> Array {
    super::power(base, linspace(start, stop, num))
}

/// `num` numbers at equal ratios from `start` to `stop`, both included and exact, as floating numbers.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::geomspace(1, 8, 4).round_to(3).to_vec::<f32>(), [1.0, 2.0, 4.0, 8.0]);
/// ```
#[track_caller]
pub fn geomspace(start: impl IntoArray, stop: impl IntoArray, num: usize) -> Array {
    let _line = crate::trace::keep_line();
    let both = crate::api::dtypes::promote_inexact(&[start.into_array(), stop.into_array()]);
    let (start, stop) = (&both[0], &both[1]);
    // Negative numbers are those of the magnitudes, turned around.
    let sign = super::subtract(1, super::multiply(super::signbit(super::real(start)), 2));
    let sign = lax::convert_element_type(&sign, start.dtype());
    let magnitude = |x: &Array| super::log10(super::multiply(x, &sign));
    let out = super::multiply(&sign, logspace(magnitude(start), magnitude(stop), num));
    if num == 0 {
        return out;
    }
    // Both ends are exact.
    let out = out.at(0).set(start);
    if num > 1 { out.at(-1).set(stop) } else { out }
}

/// Zeros of the shape and dtype of another array: no array is ever uninitialised.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::empty_like(Array::from([5u8, 6])).to_vec::<u8>(), [0, 0]);
/// ```
#[track_caller]
pub fn empty_like(x: impl IntoArray) -> Array {
    zeros_like(x)
}

/// An array of nested Rust arrays, vectors, numbers, another array, or several, which are stacked.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let x = jnp::array([[1, 2], [3, 4]]);
/// assert_eq!(x.shape(), [2, 2]);
/// assert_eq!(jnp::array([x.get(0), x.get(1), x.get(0)]).to_string(), "[[1 2]\n [3 4]\n [1 2]]");
/// ```
///
/// # Panics
/// If nested vectors have different lengths.
#[track_caller]
pub fn array(x: impl Into<Array>) -> Array {
    x.into()
}

/// [`array()`] of a dtype.
///
/// ```
/// # use jacinth_frontend::{DType, numpy as jnp};
/// let x = jnp::array_of([1, 2, 3], DType::BF16);
/// assert_eq!((x.dtype(), x.shape()), (DType::BF16, &[3][..]));
/// ```
///
/// # Panics
/// As [`array()`].
#[track_caller]
pub fn array_of(x: impl Into<Array>, dtype: DType) -> Array {
    super::astype(x.into(), dtype)
}

/// A copy with a buffer of its own.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([1, 2]);
/// let y = jnp::copy(&x);
/// x.delete();
/// assert_eq!(y.to_vec::<i32>(), [1, 2]);
/// ```
#[track_caller]
pub fn copy(x: impl IntoArray) -> Array {
    x.into_array().copy()
}

/// The values of a function of the coordinates (one array per dimension, of the default float) of every place of an array of that shape.
///
/// JAX maps the function over single coordinates; here it is called once, with arrays, and its result is broadcast to the shape.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let table = jnp::fromfunction(|at: &[Array]| &at[0] * 10.0 + &at[1], [2, 3]);
/// assert_eq!(table.to_string(), "[[ 0.  1.  2.]\n [10. 11. 12.]]");
/// ```
#[track_caller]
pub fn fromfunction(f: impl FnOnce(&[Array]) -> Array, shape: impl IntoShape) -> Array {
    let shape = exact_shape("fromfunction", shape);
    // No closure and no line kept: both this line and the function's own are the user's.
    let mut places = Vec::with_capacity(shape.len());
    for d in 0..shape.len() {
        places.push(lax::broadcasted_iota(default_float(), &shape, d));
    }
    super::broadcast_to(f(&places), &shape)
}

/// Coordinates of every place of a grid with these places along its dimensions, stacked: `[d, n₁, …, n_d]` for `d` dimensions.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let grid = jnp::mgrid(&[(0..2).into(), (0..3).into()]);
/// assert_eq!(grid.shape(), [2, 2, 3]);
/// assert_eq!(grid.get(1).to_string(), "[[0 1 2]\n [0 1 2]]");
/// ```
///
/// # Panics
/// If there is no dimension, or a step is zero.
#[track_caller]
pub fn mgrid(progressions: &[Progression]) -> Array {
    let all = ogrid(progressions);
    lax::stack(&super::broadcast_arrays(&all), 0)
}

/// Coordinates of a grid with these places along its dimensions, one array each, of size 1 in all dimensions but its own.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let places = jnp::ogrid(&[(0..2).into(), (0..3).into()]);
/// assert_eq!((places[0].shape(), places[1].shape()), (&[2, 1][..], &[1, 3][..]));
/// assert_eq!((&places[0] * 3 + &places[1]).to_string(), "[[0 1 2]\n [3 4 5]]");
/// ```
///
/// # Panics
/// If there is no dimension, or a step is zero.
#[track_caller]
pub fn ogrid(progressions: &[Progression]) -> Vec<Array> {
    let _line = crate::trace::keep_line();
    if progressions.is_empty() {
        refuse!("ogrid" => "there must be at least one dimension")
    }
    let along = |(d, p): (usize, &Progression)| {
        let mut shape = vec![1; progressions.len()];
        let places = arange(*p);
        shape[d] = places.size();
        lax::reshape(&places, &shape)
    };
    super::promote_all(&progressions.iter().enumerate().map(along).collect::<Vec<_>>())
}

/// An array of a Rust number or of another array, which is not copied.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::asarray(2).repr(), "Array(2, dtype=int32, weak_type=True)");
/// ```
#[track_caller]
pub fn asarray(x: impl IntoArray) -> Array {
    x.into_array()
}
