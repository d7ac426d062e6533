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
///
/// Rust's floats and integers become scalars of the default float and integer dtype with a weak type, so that the other operand's dtype
/// wins; `bool`, `f16` and `bf16` keep their own.
///
/// ```
/// # use jacinth_frontend::{api::IntoArray, DType, numpy as jnp};
/// let x = jnp::ones_of([2], DType::F16);
/// assert_eq!((&x * 2.5).dtype(), DType::F16); // a number gives way
/// assert_eq!((&x * jnp::ones([2])).dtype(), DType::F32); // an array does not
/// assert!(2.5f64.into_array().weak_type());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an array or a number",
    label = "expected an array or a number",
    note = "a list of numbers becomes an array by `Array::from([1.0, 2.0])`"
)]
pub trait IntoArray {
    /// The array.
    ///
    /// ```
    /// # use jacinth_frontend::api::IntoArray;
    /// assert_eq!(3.into_array().shape(), []);
    /// ```
    ///
    /// # Panics
    /// For an integer outside of the default integer dtype: `3_000_000_000u32` without x64.
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
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (a, b) = (Array::from([1.0f32, 2.0]), Array::from([3.0f32]));
/// assert_eq!(jnp::concatenate([&a, &b], 0).shape(), [3]);
/// assert_eq!(jnp::stack(vec![1.0, 2.0], 0).to_vec::<f32>(), [1.0, 2.0]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a list of arrays",
    label = "expected `[&a, &b]`, `&[a, b]` or a `Vec` of arrays"
)]
pub trait IntoArrays {
    /// The arrays.
    ///
    /// ```
    /// # use jacinth_frontend::api::IntoArrays;
    /// assert_eq!([1, 2, 3].into_arrays().len(), 3);
    /// ```
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
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([-1.5f32, 2.0]).abs().to_vec::<f32>(), [1.5, 2.0]);
    /// ```
    abs() = jnp::abs;
    /// `e` to the power of every element.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, grad};
    /// let slope = grad(|x: &Array| x.exp()); // its own derivative
    /// assert_eq!(slope(&Array::from(0.0)).item::<f32>(), 1.0);
    /// ```
    exp() = jnp::exp;
    /// The natural logarithm of every element.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let y = Array::from([1.0f32, 0.0]).log();
    /// assert_eq!(y.to_vec::<f32>(), [0.0, f32::NEG_INFINITY]); // no error, as in JAX
    /// ```
    log() = jnp::log;
    /// The square root of every element.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let y = Array::from([9.0f32, -1.0]).sqrt().to_vec::<f32>();
    /// assert!(y[0] == 3.0 && y[1].is_nan());
    /// ```
    sqrt() = jnp::sqrt;
    /// The square of every element.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([-3, 2]).square().to_vec::<i32>(), [9, 4]);
    /// ```
    square() = jnp::square;
    /// The sine of every element, in radians.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from(std::f32::consts::FRAC_PI_2).sin().item::<f32>(), 1.0);
    /// ```
    sin() = jnp::sin;
    /// The cosine of every element, in radians.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([0.0f32]).cos().to_vec::<f32>(), [1.0]);
    /// ```
    cos() = jnp::cos;
    /// The hyperbolic tangent of every element.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([-100.0f32, 0.0, 100.0]).tanh().to_vec::<f32>(), [-1.0, 0.0, 1.0]);
    /// ```
    tanh() = jnp::tanh;
    /// The elements rounded to the nearest whole number, halves to even.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([0.5f32, 1.5, 2.5]).round().to_vec::<f32>(), [0.0, 2.0, 2.0]);
    /// ```
    round() = jnp::round;
    /// Every element to the power of `y`; a whole Rust number is done by multiplication.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let x = Array::from([-2.0f32, 4.0]);
    /// assert_eq!(x.pow(2).to_vec::<f32>(), [4.0, 16.0]);
    /// assert!(x.pow(0.5).to_vec::<f32>()[0].is_nan());
    /// ```
    pow(y: impl IntoArray) = jnp::power;
    /// The larger of two, element by element.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([-1.0f32, 2.0]).maximum(0.0).to_vec::<f32>(), [0.0, 2.0]); // relu
    /// ```
    maximum(other: impl IntoArray) = jnp::maximum;
    /// The smaller of two, element by element.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let (a, b) = (Array::from([1, 5]), Array::from([3, 4]));
    /// assert_eq!(a.minimum(&b).to_vec::<i32>(), [1, 4]);
    /// ```
    minimum(other: impl IntoArray) = jnp::minimum;
    /// Limited to `min ..= max`.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([-2.0f32, 0.3, 7.0]).clip(0.0, 1.0).to_vec::<f32>(), [0.0, 0.3, 1.0]);
    /// ```
    clip(min: impl IntoArray, max: impl IntoArray) = jnp::clip;
    /// Whether equal, element by element.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([1, 2, 3]).equal(2).to_vec::<bool>(), [false, true, false]);
    /// ```
    equal(other: impl IntoArray) = jnp::equal;
    /// Whether different, element by element.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let nan = Array::from(f32::NAN);
    /// assert!(nan.not_equal(&nan).item::<bool>());
    /// ```
    not_equal(other: impl IntoArray) = jnp::not_equal;
    /// Whether less, element by element.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([1.0f32, 2.0]).lt(2.0).to_vec::<bool>(), [true, false]);
    /// ```
    lt(other: impl IntoArray) = jnp::less;
    /// Whether less or equal, element by element.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([1.0f32, 2.0]).le(2.0).to_vec::<bool>(), [true, true]);
    /// ```
    le(other: impl IntoArray) = jnp::less_equal;
    /// Whether greater, element by element.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([-1.0f32, 4.0]);
    /// assert_eq!(jnp::where_(x.gt(0.0), &x, 0.0).to_vec::<f32>(), [0.0, 4.0]);
    /// ```
    gt(other: impl IntoArray) = jnp::greater;
    /// Whether greater or equal, element by element.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([0.5f32, 0.7, 0.2]).ge(0.5).sum().item::<i32>(), 2); // how many
    /// ```
    ge(other: impl IntoArray) = jnp::greater_equal;
    /// The sum over axes: `0`, `[0, 1]`, `keepdims(-1)`.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// use jnp::keepdims;
    /// let x = jnp::arange(6).reshape([2, 3]);
    /// assert_eq!(x.sum_axis(0).to_vec::<i32>(), [3, 5, 7]);
    /// assert_eq!(x.sum_axis(keepdims(1)).shape(), [2, 1]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or it is named twice.
    sum_axis(axis: impl Into<Axis>) = jnp::sum;
    /// The mean over axes: `0`, `[0, 1]`, `keepdims(-1)`.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// let x = jnp::arange(6).reshape([2, 3]);
    /// assert_eq!(x.mean_axis(-1).to_vec::<f32>(), [1.0, 4.0]); // integers have a floating mean
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or it is named twice.
    mean_axis(axis: impl Into<Axis>) = jnp::mean;
    /// The maximum over axes: `0`, `[0, 1]`, `keepdims(-1)`.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let x = Array::from([[1.0f32, f32::NAN], [3.0, 2.0]]);
    /// assert!(x.max_axis(0).to_vec::<f32>()[1].is_nan()); // NaN is the largest
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, it is named twice, or there is no element along it.
    max_axis(axis: impl Into<Axis>) = jnp::max;
    /// The minimum over axes: `0`, `[0, 1]`, `keepdims(-1)`.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([[4, 1], [3, 2]]).min_axis([0, 1]).item::<i32>(), 1);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, it is named twice, or there is no element along it.
    min_axis(axis: impl Into<Axis>) = jnp::min;
    /// The product over axes: `0`, `[0, 1]`, `keepdims(-1)`.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([[1, 2], [3, 4]]).prod_axis(1).to_vec::<i32>(), [2, 12]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or it is named twice.
    prod_axis(axis: impl Into<Axis>) = jnp::prod;
    /// The variance over axes: `0`, `[0, 1]`, `keepdims(-1)`.
    ///
    /// Divided by `n`; [`var_ddof`](crate::numpy::var_ddof) takes another `ddof`.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([[1.0f32, 3.0], [2.0, 2.0]]).var_axis(1).to_vec::<f32>(), [1.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or it is named twice.
    var_axis(axis: impl Into<Axis>) = jnp::var;
    /// The standard deviation over axes: `0`, `[0, 1]`, `keepdims(-1)`.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([[1.0f32, 5.0], [2.0, 2.0]]).std_axis(1).to_vec::<f32>(), [2.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or it is named twice.
    std_axis(axis: impl Into<Axis>) = jnp::std;
    /// Whether all elements along axes are nonzero.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([[1, 2], [0, 3]]).all_axis(1).to_vec::<bool>(), [true, false]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or it is named twice.
    all_axis(axis: impl Into<Axis>) = jnp::all;
    /// Whether an element along axes is nonzero.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let x = Array::from([[1.0f32, f32::NAN], [0.0, 3.0]]);
    /// assert_eq!(x.not_equal(&x).any_axis(1).to_vec::<bool>(), [true, false]); // rows with a NaN
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or it is named twice.
    any_axis(axis: impl Into<Axis>) = jnp::any;
    /// The index of the first maximum along an axis.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let logits = Array::from([[0.1f32, 2.0, 0.3], [5.0, 1.0, 5.0]]);
    /// assert_eq!(logits.argmax_axis(-1).to_vec::<i32>(), [1, 0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or no element along it.
    argmax_axis(axis: impl Into<Axis>) = jnp::argmax;
    /// The index of the first minimum along an axis.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([[3, 1], [2, 4]]).argmin_axis(0).to_vec::<i32>(), [1, 0]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or no element along it.
    argmin_axis(axis: impl Into<Axis>) = jnp::argmin;
    /// The running sum along an axis.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([[1, 2], [3, 4]]).cumsum(0).to_vec::<i32>(), [1, 2, 4, 6]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    cumsum(axis: impl Into<Axis>) = jnp::cumsum;
    /// The running product along an axis.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([1, 2, 3, 4]).cumprod(0).to_vec::<i32>(), [1, 2, 6, 24]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    cumprod(axis: impl Into<Axis>) = jnp::cumprod;
    /// The largest minus the smallest element over axes.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([[1, 9], [4, 6]]).ptp(1).to_vec::<i32>(), [8, 2]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or no element along it.
    ptp(axis: impl Into<Axis>) = jnp::ptp;
    /// The elements along an axis in ascending order.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let x = Array::from([3.0f32, f32::NAN, 1.0]).sort(0).to_vec::<f32>();
    /// assert!(x[..2] == [1.0, 3.0] && x[2].is_nan()); // NaNs last
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    sort(axis: i64) = jnp::sort;
    /// The positions of the elements along an axis in ascending order.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let x = Array::from([30, 10, 20]);
    /// assert_eq!(x.argsort(0).to_vec::<i32>(), [1, 2, 0]);
    /// assert_eq!(x.get(x.argsort(0)).to_vec::<i32>(), [10, 20, 30]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    argsort(axis: i64) = jnp::argsort;
    /// The positions that put the `kth` smallest element along an axis in its place, smaller ones before it.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let x = Array::from([40, 10, 30, 20]);
    /// let places = x.argpartition(1, 0);
    /// assert_eq!(x.get(places.get(1)).item::<i32>(), 20); // the second smallest
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or `kth` is out of its bounds.
    argpartition(kth: i64, axis: i64) = jnp::argpartition;
    /// The elements at indices along an axis.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let x = Array::from([[1, 2, 3], [4, 5, 6]]);
    /// assert_eq!(x.take(Array::from([2, 0]), 1).to_vec::<i32>(), [3, 1, 6, 4]);
    /// assert_eq!(x.take(4, ()).item::<i32>(), 5); // without an axis, of the raveled array
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, or the indices are not integers.
    take(indices: impl IntoArray, axis: impl Into<Axis>) = jnp::take;
    /// Every element repeated along an axis.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([1, 2]).repeat(2, 0).to_vec::<i32>(), [1, 1, 2, 2]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    repeat(repeats: usize, axis: impl Into<Axis>) = jnp::repeat;
    /// Where elements belong in this sorted array.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let edges = Array::from([0.0f32, 1.0, 2.0]);
    /// assert_eq!(edges.searchsorted(Array::from([-1.0f32, 1.0, 1.5])).to_vec::<i32>(), [0, 1, 2]);
    /// ```
    ///
    /// # Panics
    /// If the array has not one dimension.
    searchsorted(values: impl IntoArray) = jnp::searchsorted;
    /// The `k`-th diagonal of the last two dimensions.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// let x = jnp::arange(9).reshape([3, 3]);
    /// assert_eq!(x.diagonal(0).to_vec::<i32>(), [0, 4, 8]);
    /// assert_eq!(x.diagonal(1).to_vec::<i32>(), [1, 5]);
    /// ```
    diagonal(k: i64) = jnp::diagonal;
    /// The sum of the main diagonal.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([[1, 2], [3, 4]]).trace().item::<i32>(), 5);
    /// ```
    trace() = jnp::trace;
    /// For every index the element of that choice.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let choices = [Array::from([1, 2, 3]), Array::from([10, 20, 30])];
    /// assert_eq!(Array::from([0, 1, 0]).choose(&choices).to_vec::<i32>(), [1, 20, 3]);
    /// ```
    choose(choices: &[Array]) = jnp::choose;
    /// The slices along an axis where the condition, a host value, is true.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let x = Array::from([[1, 2], [3, 4], [5, 6]]);
    /// assert_eq!(x.compress(&[true, false, true], 0).to_vec::<i32>(), [1, 2, 5, 6]);
    /// ```
    compress(condition: &[bool], axis: impl Into<Axis>) = jnp::compress_along;
    /// The complex conjugate.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let z = lax::complex(&Array::from(1.0f32), &Array::from(2.0f32));
    /// assert_eq!((&z * z.conj()).real().item::<f32>(), 5.0);
    /// ```
    conj() = jnp::conj;
    /// The complex conjugate.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from(2.0f32).conjugate().item::<f32>(), 2.0); // a real number is its own
    /// ```
    conjugate() = jnp::conj;
    /// The real part.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let z = lax::complex(&Array::from([1.0f32]), &Array::from([2.0f32]));
    /// assert_eq!(z.real().to_vec::<f32>(), [1.0]);
    /// ```
    real() = jnp::real;
    /// The imaginary part.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([1.0f32]).imag().to_vec::<f32>(), [0.0]); // of real numbers, zero
    /// ```
    imag() = jnp::imag;
    /// The same elements in one dimension.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// assert_eq!(jnp::zeros([2, 3, 4]).flatten().shape(), [24]);
    /// ```
    flatten() = jnp::ravel;
    /// The elements rounded to that many decimal places, halves to even.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([3.14159f32]).round_to(2).to_vec::<f32>(), [3.14]);
    /// ```
    round_to(decimals: i32) = jnp::round_to;
    /// The same elements under another shape; one size may be -1.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// let x = jnp::arange(6);
    /// assert_eq!(x.reshape([2, -1]).shape(), [2, 3]);
    /// ```
    ///
    /// # Panics
    /// If the sizes do not multiply to the array's; the message names both shapes.
    reshape(shape: impl IntoShape) = jnp::reshape;
    /// The dimensions in another order.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// assert_eq!(jnp::zeros([2, 3, 4]).transpose([2, 0, 1]).shape(), [4, 2, 3]);
    /// ```
    ///
    /// # Panics
    /// If `axes` is no permutation of the dimensions.
    transpose(axes: impl IntoShape) = jnp::permute_dims;
    /// The dimensions in reverse order.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let x = Array::from([[1, 2, 3], [4, 5, 6]]);
    /// assert_eq!(x.t().to_vec::<i32>(), [1, 4, 2, 5, 3, 6]);
    /// ```
    t() = jnp::matrix_or_reversed;
    /// Two dimensions exchanged.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// assert_eq!(jnp::zeros([2, 3, 4]).swapaxes(0, -1).shape(), [4, 3, 2]);
    /// ```
    ///
    /// # Panics
    /// If there is no such axis.
    swapaxes(axis1: i64, axis2: i64) = jnp::swapaxes;
    /// The same elements in one dimension.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([[1, 2], [3, 4]]).ravel().to_vec::<i32>(), [1, 2, 3, 4]);
    /// ```
    ravel() = jnp::ravel;
    /// Without dimensions of size 1: all of them `()`, or those named.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// let x = jnp::zeros([1, 3, 1]);
    /// assert_eq!(x.squeeze(()).shape(), [3]);
    /// assert_eq!(x.squeeze(-1).shape(), [1, 3]);
    /// ```
    ///
    /// # Panics
    /// If a dimension that is named has another size than 1.
    squeeze(axis: impl Into<Axis>) = jnp::squeeze;
    /// With a new dimension of size 1.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let x = Array::from([1.0f32, 2.0]);
    /// assert_eq!(x.expand_dims(0).shape(), [1, 2]); // a row
    /// assert_eq!(x.expand_dims(-1).shape(), [2, 1]); // a column
    /// ```
    expand_dims(axis: impl Into<Axis>) = jnp::expand_dims;
    /// Stretched to a shape as NumPy broadcasts.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([1, 2]).broadcast_to([2, 2]).to_vec::<i32>(), [1, 2, 1, 2]);
    /// ```
    ///
    /// # Panics
    /// If the array's shape does not stretch to that one.
    broadcast_to(shape: impl IntoShape) = jnp::broadcast_to;
    /// The matrix product.
    ///
    /// `f32[…, m, k] × f32[…, k, n] → f32[…, m, n]`; leading dimensions are broadcast.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// assert_eq!(jnp::ones([8, 2, 3]).matmul(jnp::ones([3, 4])).shape(), [8, 2, 4]);
    /// ```
    ///
    /// # Panics
    /// If the sizes that meet differ, or an operand is a scalar.
    matmul(other: impl IntoArray) = jnp::matmul;
    /// NumPy's dot product: over the last dimension and the other's last but one.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let (x, w) = (Array::from([1.0f32, 2.0]), Array::from([3.0f32, 4.0]));
    /// assert_eq!(x.dot(&w).item::<f32>(), 11.0);
    /// ```
    ///
    /// # Panics
    /// If the sizes that meet differ.
    dot(other: impl IntoArray) = jnp::dot;
}

#[allow(non_snake_case)]
impl Array {
    /// The dimensions in reverse order, by its name in JAX; as [`Array::t`].
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// assert_eq!(jnp::zeros([2, 3]).T().shape(), [3, 2]);
    /// ```
    #[track_caller]
    pub fn T(&self) -> Array {
        self.t()
    }

    /// The last two dimensions exchanged, by its name in JAX.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// assert_eq!(jnp::zeros([8, 2, 3]).mT().shape(), [8, 3, 2]); // a batch stays in front
    /// ```
    ///
    /// # Panics
    /// If the array has fewer than two dimensions.
    #[track_caller]
    pub fn mT(&self) -> Array {
        jnp::matrix_transpose(self)
    }
}

impl Array {
    /// The same bits as another dtype; one of another width stretches or shrinks the last dimension.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, DType};
    /// assert_eq!(Array::from([1.0f32]).view(DType::UI32).to_vec::<u32>(), [0x3f80_0000]);
    /// assert_eq!(Array::from([1.0f32]).view(DType::UI8).shape(), [4]);
    /// ```
    ///
    /// # Panics
    /// If the widths do not divide the last dimension.
    #[track_caller]
    pub fn view(&self, dtype: DType) -> Array {
        jnp::view(self, dtype)
    }

    /// The elements with the order of their bytes reversed.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([0x0102_0304]).byteswap().to_vec::<i32>(), [0x0403_0201]);
    /// ```
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
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let places = Array::from([[0, 7], [8, 0]]).nonzero();
    /// assert_eq!((places[0].to_vec::<i32>(), places[1].to_vec::<i32>()), (vec![0, 1], vec![1, 0]));
    /// ```
    ///
    /// # Panics
    /// If the array is traced: how many there are decides the shape of the result.
    #[track_caller]
    pub fn nonzero(&self) -> Vec<Array> {
        jnp::nonzero(self)
    }

    /// Bytes of one element.
    ///
    /// ```
    /// # use jacinth_frontend::{numpy as jnp, DType};
    /// assert_eq!(jnp::zeros_of([3], DType::BF16).itemsize(), 2);
    /// ```
    pub fn itemsize(&self) -> usize {
        self.dtype().byte_width()
    }

    /// Bytes of all elements.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// assert_eq!(jnp::zeros([2, 3]).nbytes(), 24);
    /// ```
    pub fn nbytes(&self) -> usize {
        self.size() * self.itemsize()
    }

    /// The elements as another dtype.
    ///
    /// Floats are cut towards zero where they become integers. A 64-bit dtype is the 32-bit one unless x64 is enabled, with a warning.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, DType};
    /// assert_eq!(Array::from([1.9f32, -1.9]).astype(DType::I32).to_vec::<i32>(), [1, -1]);
    /// ```
    #[track_caller]
    pub fn astype(&self, dtype: DType) -> Array {
        jnp::astype(self, dtype)
    }

    /// The sum of all elements; [`Array::sum_axis`] is along axes.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([[1, 2], [3, 4]]).sum().item::<i32>(), 10);
    /// ```
    #[track_caller]
    pub fn sum(&self) -> Array {
        jnp::sum(self, ())
    }

    /// The mean of all elements; [`Array::mean_axis`] is along axes.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let (y, x) = (Array::from([1.0f32, 2.0]), Array::from([1.0f32, 4.0]));
    /// assert_eq!((&y - &x).square().mean().item::<f32>(), 2.0); // mean squared error
    /// ```
    #[track_caller]
    pub fn mean(&self) -> Array {
        jnp::mean(self, ())
    }

    /// The largest element; [`Array::max_axis`] is along axes.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([3, 9, 5]).max().item::<i32>(), 9);
    /// ```
    ///
    /// # Panics
    /// If there is no element.
    #[track_caller]
    pub fn max(&self) -> Array {
        jnp::max(self, ())
    }

    /// The smallest element; [`Array::min_axis`] is along axes.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([3.0f32, -1.0]).min().item::<f32>(), -1.0);
    /// ```
    ///
    /// # Panics
    /// If there is no element.
    #[track_caller]
    pub fn min(&self) -> Array {
        jnp::min(self, ())
    }

    /// The product of all elements; [`Array::prod_axis`] is along axes.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// assert_eq!((jnp::arange(5) + 1).prod().item::<i32>(), 120); // 5!
    /// ```
    #[track_caller]
    pub fn prod(&self) -> Array {
        jnp::prod(self, ())
    }

    /// The variance of all elements; [`Array::var_axis`] is along axes.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([1.0f32, 2.0, 3.0, 4.0]).var().item::<f32>(), 1.25);
    /// ```
    #[track_caller]
    pub fn var(&self) -> Array {
        jnp::var(self, ())
    }

    /// The standard deviation of all elements; [`Array::std_axis`] is along axes.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let x = Array::from([1.0f32, 5.0]);
    /// assert_eq!(((&x - x.mean()) / x.std()).to_vec::<f32>(), [-1.0, 1.0]); // standardised
    /// ```
    #[track_caller]
    pub fn std(&self) -> Array {
        jnp::std(self, ())
    }

    /// Whether all elements are nonzero; [`Array::all_axis`] is along axes.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert!(Array::from([1.0f32, 2.0]).gt(0.0).all().item::<bool>());
    /// ```
    #[track_caller]
    pub fn all(&self) -> Array {
        jnp::all(self, ())
    }

    /// Whether an element is nonzero; [`Array::any_axis`] is along axes.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert!(!Array::from([0, 0]).any().item::<bool>());
    /// ```
    #[track_caller]
    pub fn any(&self) -> Array {
        jnp::any(self, ())
    }

    /// The index of the first largest element of the raveled array; [`Array::argmax_axis`] is along axes.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([[1, 5], [9, 0]]).argmax().item::<i32>(), 2);
    /// ```
    ///
    /// # Panics
    /// If there is no element.
    #[track_caller]
    pub fn argmax(&self) -> Array {
        jnp::argmax(self, ())
    }

    /// The index of the first smallest element of the raveled array; [`Array::argmin_axis`] is along axes.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([4.0f32, 1.0, 3.0]).argmin().item::<i32>(), 1);
    /// ```
    ///
    /// # Panics
    /// If there is no element.
    #[track_caller]
    pub fn argmin(&self) -> Array {
        jnp::argmin(self, ())
    }

    /// The size of the first dimension, Python's `len`; [`Array::size`] is the number of elements.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// assert_eq!((jnp::zeros([2, 3]).len(), jnp::zeros([2, 3]).size()), (2, 6));
    /// ```
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
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([-2.0f32, 3.0]).powi(3).to_vec::<f32>(), [-8.0, 27.0]);
    /// ```
    #[track_caller]
    pub fn powi(&self, y: i32) -> Array {
        jnp::power(self, y)
    }

    /// The slices along the first dimension.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let rows: Vec<i32> = Array::from([[1, 2], [3, 4]]).iter().map(|row| row.sum().item()).collect();
    /// assert_eq!(rows, [3, 7]);
    /// ```
    ///
    /// # Panics
    /// If there is no dimension.
    #[track_caller]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Array> + '_ {
        if self.ndim() == 0 {
            Error::argument("iteration over a 0-d array").at(here()).raise()
        }
        (0..self.shape()[0]).map(|i| lax::index_in_dim(self, i as i64, 0, false))
    }
}
