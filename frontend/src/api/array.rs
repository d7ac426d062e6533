//! The array as a user holds it: what becomes an array, operators with promotion, and methods.
//!
//! Methods are the functions of `numpy` with the array in front; operators too. A Rust number is weakly typed: it takes the
//! other side's dtype. Deliberately absent: host transfer (`array_host`) and printing (`array_display`).

use super::dtypes::{default_float, default_int};
use super::numpy::{self as jnp, Axis, IntoShape};
use crate::error::Error;
use crate::ir::{Array, DType, Scalar};
use crate::lax;
use crate::trace::here;
use half::{bf16, f16};
use num_complex::{Complex32, Complex64};
use std::ops::{
    Add, AddAssign, BitAnd, BitOr, BitXor, Div, DivAssign, Mul, MulAssign, Neg, Not, Rem, Shl, Shr, Sub,
    SubAssign,
};

/// What can stand where an array is expected: an array, a reference to one, or a Rust number (weakly typed).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an array or a number",
    label = "expected an array or a number"
)]
pub trait IntoArray {
    /// The array.
    fn into_array(self) -> Array;
}

impl IntoArray for Array {
    #[inline]
    fn into_array(self) -> Array {
        self
    }
}

impl IntoArray for &Array {
    #[inline]
    fn into_array(self) -> Array {
        self.clone()
    }
}

/// What can stand where several arrays are expected: an array, slice or vector of arrays, of references to arrays, or of numbers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of arrays",
    label = "expected `[&a, &b]`, `&[a, b]` or a `Vec` of arrays"
)]
pub trait IntoArrays {
    /// The arrays.
    fn into_arrays(self) -> Vec<Array>;
}

impl<T: IntoArray, const N: usize> IntoArrays for [T; N] {
    #[track_caller]
    fn into_arrays(self) -> Vec<Array> {
        self.into_iter().map(IntoArray::into_array).collect()
    }
}

impl<T: IntoArray> IntoArrays for Vec<T> {
    #[track_caller]
    fn into_arrays(self) -> Vec<Array> {
        self.into_iter().map(IntoArray::into_array).collect()
    }
}

impl<T: IntoArray + Clone> IntoArrays for &[T] {
    #[track_caller]
    fn into_arrays(self) -> Vec<Array> {
        self.iter().cloned().map(IntoArray::into_array).collect()
    }
}

impl<T: IntoArray + Clone, const N: usize> IntoArrays for &[T; N] {
    #[track_caller]
    fn into_arrays(self) -> Vec<Array> {
        self[..].into_arrays()
    }
}

impl<T: IntoArray + Clone> IntoArrays for &Vec<T> {
    #[track_caller]
    fn into_arrays(self) -> Vec<Array> {
        self[..].into_arrays()
    }
}

/// Arrays of one shape, stacked along a new first axis.
impl<const N: usize> From<[Array; N]> for Array {
    #[track_caller]
    fn from(arrays: [Array; N]) -> Array {
        jnp::stack(arrays, 0)
    }
}

/// Arrays of one shape, stacked along a new first axis.
impl From<Vec<Array>> for Array {
    #[track_caller]
    fn from(arrays: Vec<Array>) -> Array {
        jnp::stack(arrays, 0)
    }
}

/// Arrays of one shape, stacked along a new first axis.
impl From<&Vec<Array>> for Array {
    #[track_caller]
    fn from(arrays: &Vec<Array>) -> Array {
        jnp::stack(arrays, 0)
    }
}

/// Arrays of one shape, stacked along a new first axis.
impl From<&[Array]> for Array {
    #[track_caller]
    fn from(arrays: &[Array]) -> Array {
        jnp::stack(arrays, 0)
    }
}

macro_rules! numbers {
    ($($T:ty => |$v:ident| $make:expr;)*) => {$(
        impl IntoArray for $T {
            #[inline]
            #[track_caller]
            fn into_array(self) -> Array {
                let $v = self;
                $make
            }
        }

        impl From<$T> for Array {
            #[track_caller]
            fn from(value: $T) -> Array {
                value.into_array()
            }
        }
    )*};
}

numbers! {
    f32 => |v| Array::scalar(v, default_float(), true);
    f64 => |v| Array::scalar(v, default_float(), true);
    i8 => |v| integer(v as i128);
    i16 => |v| integer(v as i128);
    i32 => |v| integer(v as i128);
    i64 => |v| integer(v as i128);
    isize => |v| integer(v as i128);
    u8 => |v| integer(v as i128);
    u16 => |v| integer(v as i128);
    u32 => |v| integer(v as i128);
    u64 => |v| integer(v as i128);
    usize => |v| integer(v as i128);
    bool => |v| Array::scalar(v, DType::I1, false);
    f16 => |v| Array::scalar(v, DType::F16, false);
    bf16 => |v| Array::scalar(v, DType::BF16, false);
    Complex32 => |v| Array::scalar(Scalar::Complex(v.re as f64, v.im as f64), complex(), true);
    Complex64 => |v| Array::scalar(Scalar::Complex(v.re, v.im), complex(), true);
}

impl From<&Array> for Array {
    fn from(array: &Array) -> Array {
        array.clone()
    }
}

fn complex() -> DType {
    default_float().complex().expect("f32 or f64")
}

#[track_caller]
fn integer(value: i128) -> Array {
    let dtype = default_int();
    let limit = 1i128 << (dtype.bits() - 1);
    if !(-limit..limit).contains(&value) {
        Error::argument(format!(
            "the integer {value} does not fit {dtype}, the default integer type; enable x64 or give a dtype"
        ))
        .at(here())
        .raise()
    }
    Array::scalar(value as i64, dtype, true)
}

macro_rules! operators {
    ($($Trait:ident $method:ident $function:ident [$($T:ty)*];)*) => {$(
        impl<T: IntoArray> $Trait<T> for &Array {
            type Output = Array;
            #[track_caller]
            fn $method(self, rhs: T) -> Array {
                jnp::$function(self, rhs.into_array())
            }
        }

        impl<T: IntoArray> $Trait<T> for Array {
            type Output = Array;
            #[track_caller]
            fn $method(self, rhs: T) -> Array {
                jnp::$function(self, rhs.into_array())
            }
        }

        $(
            impl $Trait<&Array> for $T {
                type Output = Array;
                #[track_caller]
                fn $method(self, rhs: &Array) -> Array {
                    jnp::$function(self.into_array(), rhs)
                }
            }

            impl $Trait<Array> for $T {
                type Output = Array;
                #[track_caller]
                fn $method(self, rhs: Array) -> Array {
                    jnp::$function(self.into_array(), rhs)
                }
            }
        )*
    )*};
}

operators! {
    Add add add [f32 f64 i32 i64 u32 usize Complex32 Complex64];
    Sub sub subtract [f32 f64 i32 i64 u32 usize Complex32 Complex64];
    Mul mul multiply [f32 f64 i32 i64 u32 usize Complex32 Complex64];
    Div div true_divide [f32 f64 i32 i64 u32 usize Complex32 Complex64];
    Rem rem remainder [f32 f64 i32 i64 u32 usize];
    BitAnd bitand bitwise_and [bool i32 u32];
    BitOr bitor bitwise_or [bool i32 u32];
    BitXor bitxor bitwise_xor [bool i32 u32];
    Shl shl left_shift [i32 u32];
    Shr shr right_shift [i32 u32];
}

macro_rules! assigning {
    ($($Trait:ident $method:ident $function:ident;)*) => {$(
        impl<T: IntoArray> $Trait<T> for Array {
            #[track_caller]
            fn $method(&mut self, rhs: T) {
                *self = jnp::$function(&*self, rhs.into_array());
            }
        }
    )*};
}

assigning! {
    AddAssign add_assign add;
    SubAssign sub_assign subtract;
    MulAssign mul_assign multiply;
    DivAssign div_assign true_divide;
}

impl Neg for &Array {
    type Output = Array;
    #[track_caller]
    fn neg(self) -> Array {
        jnp::negative(self)
    }
}

impl Neg for Array {
    type Output = Array;
    #[track_caller]
    fn neg(self) -> Array {
        jnp::negative(self)
    }
}

impl Not for &Array {
    type Output = Array;
    #[track_caller]
    fn not(self) -> Array {
        jnp::bitwise_not(self)
    }
}

impl Not for Array {
    type Output = Array;
    #[track_caller]
    fn not(self) -> Array {
        jnp::bitwise_not(self)
    }
}

macro_rules! methods {
    ($($(#[$doc:meta])* $method:ident($($arg:ident: $T:ty),*) = $function:path;)*) => {
        impl Array {$(
            $(#[$doc])*
            #[track_caller]
            pub fn $method(&self, $($arg: $T),*) -> Array {
                $function(self, $($arg),*)
            }
        )*}
    };
}

methods! {
    /// The absolute value of every element.
    abs() = jnp::abs;
    /// `e` to the power of every element.
    exp() = jnp::exp;
    /// The natural logarithm of every element.
    log() = jnp::log;
    /// The square root of every element.
    sqrt() = jnp::sqrt;
    /// The square of every element.
    square() = jnp::square;
    /// The sine of every element, in radians.
    sin() = jnp::sin;
    /// The cosine of every element, in radians.
    cos() = jnp::cos;
    /// The hyperbolic tangent of every element.
    tanh() = jnp::tanh;
    /// The elements rounded to the nearest whole number, halves to even.
    round() = jnp::round;
    /// Every element to the power of `y`; a whole Rust number is done by multiplication.
    pow(y: impl IntoArray) = jnp::power;
    /// The larger of two, element by element.
    maximum(other: impl IntoArray) = jnp::maximum;
    /// The smaller of two, element by element.
    minimum(other: impl IntoArray) = jnp::minimum;
    /// Limited to `min ..= max`.
    clip(min: impl IntoArray, max: impl IntoArray) = jnp::clip;
    /// Whether equal, element by element.
    equal(other: impl IntoArray) = jnp::equal;
    /// Whether different, element by element.
    not_equal(other: impl IntoArray) = jnp::not_equal;
    /// Whether less, element by element.
    lt(other: impl IntoArray) = jnp::less;
    /// Whether less or equal, element by element.
    le(other: impl IntoArray) = jnp::less_equal;
    /// Whether greater, element by element.
    gt(other: impl IntoArray) = jnp::greater;
    /// Whether greater or equal, element by element.
    ge(other: impl IntoArray) = jnp::greater_equal;
    /// The sum over axes: `0`, `[0, 1]`, `keepdims(-1)`.
    sum_axis(axis: impl Into<Axis>) = jnp::sum;
    /// The mean over axes: `0`, `[0, 1]`, `keepdims(-1)`.
    mean_axis(axis: impl Into<Axis>) = jnp::mean;
    /// The maximum over axes: `0`, `[0, 1]`, `keepdims(-1)`.
    max_axis(axis: impl Into<Axis>) = jnp::max;
    /// The minimum over axes: `0`, `[0, 1]`, `keepdims(-1)`.
    min_axis(axis: impl Into<Axis>) = jnp::min;
    /// The product over axes: `0`, `[0, 1]`, `keepdims(-1)`.
    prod_axis(axis: impl Into<Axis>) = jnp::prod;
    /// The variance over axes: `0`, `[0, 1]`, `keepdims(-1)`.
    var_axis(axis: impl Into<Axis>) = jnp::var;
    /// The standard deviation over axes: `0`, `[0, 1]`, `keepdims(-1)`.
    std_axis(axis: impl Into<Axis>) = jnp::std;
    /// Whether all elements along axes are nonzero.
    all_axis(axis: impl Into<Axis>) = jnp::all;
    /// Whether an element along axes is nonzero.
    any_axis(axis: impl Into<Axis>) = jnp::any;
    /// The index of the first maximum along an axis.
    argmax_axis(axis: impl Into<Axis>) = jnp::argmax;
    /// The index of the first minimum along an axis.
    argmin_axis(axis: impl Into<Axis>) = jnp::argmin;
    /// The running sum along an axis.
    cumsum(axis: impl Into<Axis>) = jnp::cumsum;
    /// The running product along an axis.
    cumprod(axis: impl Into<Axis>) = jnp::cumprod;
    /// The largest minus the smallest element over axes.
    ptp(axis: impl Into<Axis>) = jnp::ptp;
    /// The elements along an axis in ascending order.
    sort(axis: i64) = jnp::sort;
    /// The positions of the elements along an axis in ascending order.
    argsort(axis: i64) = jnp::argsort;
    /// The positions that put the `kth` smallest element along an axis in its place, smaller ones before it.
    argpartition(kth: i64, axis: i64) = jnp::argpartition;
    /// The elements at indices along an axis.
    take(indices: impl IntoArray, axis: impl Into<Axis>) = jnp::take;
    /// Every element repeated along an axis.
    repeat(repeats: usize, axis: impl Into<Axis>) = jnp::repeat;
    /// Where elements belong in this sorted array.
    searchsorted(values: impl IntoArray) = jnp::searchsorted;
    /// The `k`-th diagonal of the last two dimensions.
    diagonal(k: i64) = jnp::diagonal;
    /// The sum of the main diagonal.
    trace() = jnp::trace;
    /// For every index the element of that choice.
    choose(choices: &[Array]) = jnp::choose;
    /// The slices along an axis where the condition, a host value, is true.
    compress(condition: &[bool], axis: impl Into<Axis>) = jnp::compress_along;
    /// The complex conjugate.
    conj() = jnp::conj;
    /// The complex conjugate.
    conjugate() = jnp::conj;
    /// The real part.
    real() = jnp::real;
    /// The imaginary part.
    imag() = jnp::imag;
    /// The same elements in one dimension.
    flatten() = jnp::ravel;
    /// The elements rounded to that many decimal places, halves to even.
    round_to(decimals: i32) = jnp::round_to;
    /// The same elements under another shape; one size may be -1.
    reshape(shape: impl IntoShape) = jnp::reshape;
    /// The dimensions in another order.
    transpose(axes: impl IntoShape) = jnp::permute_dims;
    /// The dimensions in reverse order.
    t() = jnp::matrix_or_reversed;
    /// Two dimensions exchanged.
    swapaxes(axis1: i64, axis2: i64) = jnp::swapaxes;
    /// The same elements in one dimension.
    ravel() = jnp::ravel;
    /// Without dimensions of size 1: all of them `()`, or those named.
    squeeze(axis: impl Into<Axis>) = jnp::squeeze;
    /// With a new dimension of size 1.
    expand_dims(axis: impl Into<Axis>) = jnp::expand_dims;
    /// Stretched to a shape as NumPy broadcasts.
    broadcast_to(shape: impl IntoShape) = jnp::broadcast_to;
    /// The matrix product.
    matmul(other: impl IntoArray) = jnp::matmul;
    /// NumPy's dot product: over the last dimension and the other's last but one.
    dot(other: impl IntoArray) = jnp::dot;
}

#[allow(non_snake_case)]
impl Array {
    /// The dimensions in reverse order, by its name in JAX; as [`Array::t`].
    #[track_caller]
    pub fn T(&self) -> Array {
        self.t()
    }

    /// The last two dimensions exchanged, by its name in JAX.
    #[track_caller]
    pub fn mT(&self) -> Array {
        jnp::matrix_transpose(self)
    }
}

impl Array {
    /// The same bits as another dtype; one of another width stretches or shrinks the last dimension.
    #[track_caller]
    pub fn view(&self, dtype: DType) -> Array {
        jnp::view(self, dtype)
    }

    /// The elements with the order of their bytes reversed.
    #[track_caller]
    pub fn byteswap(&self) -> Array {
        let width = self.itemsize();
        if width == 1 {
            return self.clone();
        }
        // The parts of a complex number are turned each by itself.
        if self.dtype().is_complex() {
            return lax::complex(&lax::real(self).byteswap(), &lax::imag(self).byteswap());
        }
        let bytes = lax::bitcast_convert_type(self, DType::UI8);
        lax::bitcast_convert_type(&lax::rev(&bytes, &[self.ndim()]), self.dtype())
    }

    /// The indices of the elements that are nonzero, one array per dimension; the array must be concrete.
    #[track_caller]
    pub fn nonzero(&self) -> Vec<Array> {
        jnp::nonzero(self)
    }

    /// Bytes of one element.
    pub fn itemsize(&self) -> usize {
        self.dtype().byte_width()
    }

    /// Bytes of all elements.
    pub fn nbytes(&self) -> usize {
        self.size() * self.itemsize()
    }

    /// The elements as another dtype.
    #[track_caller]
    pub fn astype(&self, dtype: DType) -> Array {
        jnp::astype(self, dtype)
    }

    /// The sum of all elements.
    #[track_caller]
    pub fn sum(&self) -> Array {
        jnp::sum(self, ())
    }

    /// The mean of all elements.
    #[track_caller]
    pub fn mean(&self) -> Array {
        jnp::mean(self, ())
    }

    /// The largest element.
    #[track_caller]
    pub fn max(&self) -> Array {
        jnp::max(self, ())
    }

    /// The smallest element.
    #[track_caller]
    pub fn min(&self) -> Array {
        jnp::min(self, ())
    }

    /// The product of all elements.
    #[track_caller]
    pub fn prod(&self) -> Array {
        jnp::prod(self, ())
    }

    /// The variance of all elements.
    #[track_caller]
    pub fn var(&self) -> Array {
        jnp::var(self, ())
    }

    /// The standard deviation of all elements.
    #[track_caller]
    pub fn std(&self) -> Array {
        jnp::std(self, ())
    }

    /// Whether all elements are nonzero.
    #[track_caller]
    pub fn all(&self) -> Array {
        jnp::all(self, ())
    }

    /// Whether an element is nonzero.
    #[track_caller]
    pub fn any(&self) -> Array {
        jnp::any(self, ())
    }

    /// The index of the first largest element of the raveled array.
    #[track_caller]
    pub fn argmax(&self) -> Array {
        jnp::argmax(self, ())
    }

    /// The index of the first smallest element of the raveled array.
    #[track_caller]
    pub fn argmin(&self) -> Array {
        jnp::argmin(self, ())
    }

    /// The size of the first dimension, Python's `len`; [`Array::size`] is the number of elements.
    ///
    /// # Panics
    /// If there is no dimension.
    #[allow(
        clippy::len_without_is_empty,
        reason = "an array is empty where any of its dimensions is: `x.size() == 0`"
    )]
    #[track_caller]
    pub fn len(&self) -> usize {
        let Some(&length) = self.shape().first() else {
            Error::argument("len of a 0-d array: it has no dimensions; `size` is the number of its elements")
                .at(here())
                .raise()
        };
        length
    }

    /// Every element to a whole power, by multiplication; as [`Array::pow`] of a whole number.
    #[track_caller]
    pub fn powi(&self, y: i32) -> Array {
        jnp::power(self, y)
    }

    /// The slices along the first dimension.
    #[track_caller]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Array> + '_ {
        if self.ndim() == 0 {
            Error::argument("iteration over a 0-d array").at(here()).raise()
        }
        (0..self.shape()[0]).map(|i| lax::index_in_dim(self, i as i64, 0, false))
    }
}
