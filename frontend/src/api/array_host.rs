//! Arrays from host values and back: slices, vectors, nested arrays, `ndarray`.
//!
//! Values travel in row-major order. 64-bit values become 32-bit ones unless x64 is enabled, as everywhere. Reading an array
//! back waits for its computation and asks for the dtype it has: nothing is converted on the way.

use super::dtypes::canonicalize_dtype;
use super::numpy::IntoShape;
use crate::error::{Error, OrRaise, Result};
use crate::ir::{Array, Aval, DType, numpy_name};
use crate::runtime;
use crate::trace::{concrete, current_source, here};
use jacinth_lowering::Native;
use num_complex::{Complex32, Complex64};
use std::panic::Location;

/// A Rust type that is the value of one dtype.
///
/// `bool`, the integers of 8 to 64 bits, `f16`, `bf16`, `f32`, `f64`, and complex numbers of `f32` and `f64`.
///
/// ```
/// # use jacinth_frontend::{Array, Element};
/// fn first<T: Element>(x: &Array) -> T {
///     x.to_vec::<T>()[0]
/// }
/// assert_eq!(first::<i32>(&Array::from([7, 8])), 7);
/// ```
pub trait Element: Native {}

/// A number, or nested Rust arrays and vectors of such.
///
/// ```
/// # use jacinth_frontend::Array;
/// let rows: Vec<[f32; 3]> = vec![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
/// assert_eq!(Array::from(rows).shape(), [2, 3]);
/// ```
pub trait Nested {
    /// The numbers.
    type Element: Element;
    /// Appends the sizes, outermost first; those inside of vectors are the first element's, and 0 where there is none.
    fn sizes(first: Option<&Self>, out: &mut Vec<usize>);
    /// Appends the numbers in row-major order.
    ///
    /// # Errors
    /// The length that differs from `sizes`.
    fn numbers(&self, sizes: &[usize], out: &mut Vec<Self::Element>) -> Result<(), usize>;
}

macro_rules! elements {
    ($($T:ty),*) => {$(
        impl Element for $T {}

        impl Nested for $T {
            type Element = $T;
            fn sizes(_: Option<&Self>, _: &mut Vec<usize>) {}
            fn numbers(&self, _: &[usize], out: &mut Vec<$T>) -> Result<(), usize> {
                out.push(*self);
                Ok(())
            }
        }
    )*};
}

elements!(bool, i8, i16, i32, i64, u8, u16, u32, u64, half::f16, half::bf16, f32, f64, Complex32, Complex64);

/// Sizes, as `shape()` gives them, become integers of the default type.
impl Nested for usize {
    type Element = i64;
    fn sizes(_: Option<&Self>, _: &mut Vec<usize>) {}
    fn numbers(&self, _: &[usize], out: &mut Vec<i64>) -> Result<(), usize> {
        out.push(*self as i64);
        Ok(())
    }
}

impl<T: Nested, const N: usize> Nested for [T; N] {
    type Element = T::Element;
    fn sizes(first: Option<&Self>, out: &mut Vec<usize>) {
        out.push(N);
        T::sizes(first.and_then(|x| x.first()), out);
    }
    fn numbers(&self, sizes: &[usize], out: &mut Vec<T::Element>) -> Result<(), usize> {
        self.iter().try_for_each(|x| x.numbers(&sizes[1..], out))
    }
}

impl<T: Nested> Nested for [T] {
    type Element = T::Element;
    fn sizes(first: Option<&Self>, out: &mut Vec<usize>) {
        out.push(first.map_or(0, <[T]>::len));
        T::sizes(first.and_then(|x| x.first()), out);
    }
    fn numbers(&self, sizes: &[usize], out: &mut Vec<T::Element>) -> Result<(), usize> {
        if self.len() != sizes[0] {
            return Err(self.len());
        }
        self.iter().try_for_each(|x| x.numbers(&sizes[1..], out))
    }
}

impl<T: Nested> Nested for Vec<T> {
    type Element = T::Element;
    fn sizes(first: Option<&Self>, out: &mut Vec<usize>) {
        <[T]>::sizes(first.map(Vec::as_slice), out);
    }
    fn numbers(&self, sizes: &[usize], out: &mut Vec<T::Element>) -> Result<(), usize> {
        self.as_slice().numbers(sizes, out)
    }
}

/// Numbers in nested lists, as [`Array::tolist`] gives them.
///
/// ```
/// # use jacinth_frontend::{Array, List};
/// let list = Array::from([[1, 2], [3, 4]]).tolist::<i32>();
/// assert_eq!(format!("{list:?}"), "[[1, 2], [3, 4]]");
/// let List::List(rows) = list else { panic!() };
/// assert_eq!(rows[1], List::List(vec![List::Value(3), List::Value(4)]));
/// ```
#[derive(Clone, PartialEq)]
pub enum List<T> {
    /// A number.
    Value(T),
    /// The slices along the first dimension.
    List(Vec<List<T>>),
}

impl<T: std::fmt::Debug> std::fmt::Debug for List<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            List::Value(value) => value.fmt(f),
            List::List(values) => values.fmt(f),
        }
    }
}

impl Array {
    /// An array of that shape with these elements in row-major order.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let pixels: Vec<u8> = (0..12).collect();
    /// let image = Array::from_slice(&pixels, [2, 2, 3]);
    /// assert_eq!(image.get((1, 0)).to_vec::<u8>(), [6, 7, 8]);
    /// ```
    ///
    /// # Panics
    /// If the shape has another size; as [`Array::try_from_slice`] says.
    #[track_caller]
    pub fn from_slice<T: Element>(values: &[T], shape: impl IntoShape) -> Array {
        Array::try_from_slice(values, shape).or_raise()
    }

    /// An array of that shape with these elements in row-major order.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let error = Array::try_from_slice(&[1.0f32, 2.0], [3]).unwrap_err();
    /// assert_eq!(error.to_string(), "an array of shape (3,) cannot be made of 2 values");
    /// ```
    ///
    /// # Errors
    /// If the shape has another size, or the transfer to the device fails.
    pub fn try_from_slice<T: Element>(values: &[T], shape: impl IntoShape) -> Result<Array> {
        let shape = shape.into_shape();
        let size: i64 = shape.iter().product();
        if shape.iter().any(|&d| d < 0) || size != values.len() as i64 {
            let (shape, count) = (crate::lax::rules::show(&shape), values.len());
            return Err(Error::argument(format!(
                "an array of shape {shape} cannot be made of {count} values"
            )));
        }
        let mut bytes = Vec::with_capacity(std::mem::size_of_val(values));
        values.iter().for_each(|v| v.write(&mut bytes));
        let shape: Vec<usize> = shape.into_iter().map(|d| d as usize).collect();
        from_bytes(T::ELEMENT, &shape, bytes)
    }

    /// The elements in row-major order; waits for the computation.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([[1, 2], [3, 4]]).to_vec::<i32>(), [1, 2, 3, 4]);
    /// ```
    ///
    /// # Panics
    /// As [`Array::try_to_vec`] errs.
    #[track_caller]
    pub fn to_vec<T: Element>(&self) -> Vec<T> {
        self.bytes_of::<T>("host values", READ_IT_OUTSIDE).map(|bytes| read(&bytes)).or_raise()
    }

    /// The elements in row-major order; waits for the computation.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let error = Array::from([1.0f32]).try_to_vec::<f64>().unwrap_err();
    /// assert!(error.to_string().starts_with("the array is float32, but float64 values were asked for; use astype"));
    /// ```
    ///
    /// # Errors
    /// If the array is traced or has another dtype, or the computation failed.
    #[track_caller]
    pub fn try_to_vec<T: Element>(&self) -> Result<Vec<T>> {
        self.bytes_of::<T>("host values", READ_IT_OUTSIDE).map(|bytes| read(&bytes))
    }

    /// The one element of an array of size 1.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// let loss = jnp::ones([3]).sum();
    /// assert_eq!(loss.item::<f32>(), 3.0);
    /// ```
    ///
    /// # Panics
    /// If the array has another size or dtype, or is traced.
    #[track_caller]
    pub fn item<T: Element>(&self) -> T {
        if self.size() != 1 {
            let shape = crate::lax::rules::show(self.shape());
            Error::argument(format!("item: only an array of one element is a number, got shape {shape}"))
                .at(here())
                .raise()
        }
        let (needed, advice) = match T::ELEMENT {
            DType::I1 => (
                "a bool (`if`, `while`, `assert!`)",
                "choose with `cond` or `select`, loop with `while_loop`; or let the condition be a host value: a `Static` \
                 argument, or a bool that the function captures",
            ),
            dtype if dtype.is_integer() => (
                "a host integer (a length, an index, a loop bound)",
                "index with the array itself (`dynamic_slice`, `take`), loop with `fori_loop`; a length must be a host value: \
                 a `Static` argument, or a number that the function captures",
            ),
            _ => (
                "a host number",
                "compute with the array instead, or return it from the transformed function and read it there",
            ),
        };
        self.bytes_of::<T>(needed, advice).map(|bytes| read(&bytes)[0]).or_raise()
    }

    /// The elements in nested lists; waits for the computation.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, List};
    /// let List::List(rows) = Array::from([[1, 2], [3, 4]]).tolist::<i32>() else { panic!() };
    /// assert_eq!(rows.len(), 2);
    /// ```
    ///
    /// # Panics
    /// As [`Array::try_to_vec`] errs.
    #[track_caller]
    pub fn tolist<T: Element>(&self) -> List<T> {
        fn nest<T: Element>(shape: &[usize], values: &mut impl Iterator<Item = T>) -> List<T> {
            match shape {
                [] => List::Value(values.next().expect("as many elements as the shape says")),
                [n, rest @ ..] => List::List((0..*n).map(|_| nest(rest, values)).collect()),
            }
        }
        nest(self.shape(), &mut self.to_vec::<T>().into_iter())
    }

    /// The elements as an `ndarray`.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let table = Array::from([[1.0f32, 2.0], [3.0, 4.0]]).to_ndarray::<f32>();
    /// assert_eq!(table, ndarray::array![[1.0, 2.0], [3.0, 4.0]].into_dyn());
    /// ```
    ///
    /// # Panics
    /// As [`Array::try_to_vec`] errs.
    #[track_caller]
    pub fn to_ndarray<T: Element>(&self) -> ndarray::ArrayD<T> {
        ndarray::ArrayD::from_shape_vec(self.shape(), self.to_vec())
            .expect("as many elements as the shape says")
    }

    /// The bytes of the elements in row-major order and in this machine's byte order; waits for the computation.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([1u8, 255]).tobytes(), [1, 255]);
    /// ```
    ///
    /// # Panics
    /// If the array is traced, or the computation failed.
    #[track_caller]
    pub fn tobytes(&self) -> Vec<u8> {
        self.host_bytes("host values").or_raise()
    }

    /// Waits until the elements are computed, and gives the array back.
    ///
    /// Only measurements need it: whatever reads an array waits by itself.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jit, numpy as jnp};
    /// let f = jit(|x: &Array| x.dot(x));
    /// let begin = std::time::Instant::now();
    /// f(&jnp::ones([100, 100])).block_until_ready();
    /// assert!(begin.elapsed().as_secs_f64() > 0.0);
    /// ```
    ///
    /// # Panics
    /// If the computation failed.
    #[track_caller]
    pub fn block_until_ready(&self) -> &Array {
        if let Some(device) = self.as_device() {
            device.wait().map_err(Error::from).or_raise();
        }
        self
    }

    /// The bytes of a concrete array of `T`'s dtype.
    #[track_caller]
    fn bytes_of<T: Element>(&self, needed: &'static str, advice: &'static str) -> Result<Vec<u8>> {
        let array = concrete(self, needed, advice, current_source(Location::caller()))?;
        let bytes = runtime::to_bytes(array)?;
        if self.dtype() != T::ELEMENT {
            let (has, asked) = (numpy_name(self.dtype()), numpy_name(T::ELEMENT));
            return Err(Error::argument(format!(
                "the array is {has}, but {asked} values were asked for; use astype"
            ))
            .at(here()));
        }
        Ok(bytes)
    }

    /// The bytes of a concrete array.
    #[track_caller]
    pub(crate) fn host_bytes(&self, needed: &'static str) -> Result<Vec<u8>> {
        let array = concrete(self, needed, READ_IT_OUTSIDE, current_source(Location::caller()))?;
        runtime::to_bytes(array)
    }
}

const READ_IT_OUTSIDE: &str = "return it from the transformed function and read it there";

fn read<T: Element>(bytes: &[u8]) -> Vec<T> {
    bytes.chunks_exact(T::ELEMENT.byte_width()).map(T::from_ne_bytes).collect()
}

/// An array of elements in native order, in the width that is switched on.
pub(crate) fn from_bytes(dtype: DType, shape: &[usize], bytes: Vec<u8>) -> Result<Array> {
    let (dtype, bytes) = narrow(dtype, bytes);
    runtime::from_bytes(Aval::new(shape.iter().copied(), dtype), &bytes)
}

/// The bytes in the width that is switched on.
fn narrow(dtype: DType, bytes: Vec<u8>) -> (DType, Vec<u8>) {
    let to = canonicalize_dtype(dtype);
    if to == dtype {
        return (dtype, bytes);
    }
    let mut out = Vec::with_capacity(bytes.len() / 2);
    match dtype {
        DType::F64 => read::<f64>(&bytes).into_iter().for_each(|v| (v as f32).write(&mut out)),
        DType::I64 => read::<i64>(&bytes).into_iter().for_each(|v| (v as i32).write(&mut out)),
        DType::UI64 => read::<u64>(&bytes).into_iter().for_each(|v| (v as u32).write(&mut out)),
        _ => {
            let narrow = |v: Complex64| Complex32::new(v.re as f32, v.im as f32);
            read::<Complex64>(&bytes).into_iter().for_each(|v| narrow(v).write(&mut out));
        }
    }
    (to, out)
}

#[track_caller]
fn from_nested<N: Nested + ?Sized>(values: &N) -> Array {
    let (mut sizes, mut numbers) = (Vec::new(), Vec::new());
    N::sizes(Some(values), &mut sizes);
    if let Err(length) = values.numbers(&sizes, &mut numbers) {
        let shape = crate::lax::rules::show(&sizes);
        Error::argument(format!(
            "nested lists must be of one length in every dimension: the first ones say the shape {shape}, but one has \
             length {length}"
        ))
        .at(here())
        .raise()
    }
    Array::from_slice(&numbers, sizes)
}

impl<T: Nested, const N: usize> From<[T; N]> for Array {
    #[track_caller]
    fn from(values: [T; N]) -> Array {
        from_nested(&values)
    }
}

impl<T: Nested> From<Vec<T>> for Array {
    #[track_caller]
    fn from(values: Vec<T>) -> Array {
        from_nested(&values)
    }
}

impl<T: Nested> From<&Vec<T>> for Array {
    #[track_caller]
    fn from(values: &Vec<T>) -> Array {
        from_nested(values)
    }
}

impl<T: Nested> From<&[T]> for Array {
    #[track_caller]
    fn from(values: &[T]) -> Array {
        from_nested(values)
    }
}

impl<T: Element, D: ndarray::Dimension> From<&ndarray::Array<T, D>> for Array {
    #[track_caller]
    fn from(values: &ndarray::Array<T, D>) -> Array {
        let numbers: Vec<T> = values.iter().copied().collect();
        Array::from_slice(&numbers, values.shape())
    }
}

impl<T: Element, D: ndarray::Dimension> From<ndarray::Array<T, D>> for Array {
    #[track_caller]
    fn from(values: ndarray::Array<T, D>) -> Array {
        Array::from(&values)
    }
}
