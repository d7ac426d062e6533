//! Bits, and what is made of them exactly: uniform floats and integers.

use super::key::{AnyKey, split_into, word};
use super::sampler::{Finfo, check_shape, float_dtype, int_dtype, jitted, number, part};
use crate::api::dtypes::{canonicalize_dtype, default_float, default_int};
use crate::api::numpy::{self as jnp, IntoArray, IntoShape, exact_shape};
use crate::config::threefry_is_partitionable;
use crate::ir::{Array, DType, Scalar};
use crate::lax::{self, rules::refuse};

/// Random bits as unsigned integers, of the default width: `u32[shape]`.
///
/// ```
/// # use jacinth_frontend::random;
/// assert_eq!(random::bits(random::key(0), 2).to_vec::<u32>(), [4070199207, 4202968722]);
/// ```
#[track_caller]
pub fn bits(key: impl AnyKey, shape: impl IntoShape) -> Array {
    bits_of(key, shape, canonicalize_dtype(DType::UI64))
}

/// Random bits as unsigned integers of that dtype.
///
/// ```
/// # use jacinth_frontend::{DType, random};
/// assert_eq!(random::bits_of(random::key(0), 3, DType::UI8).to_vec::<u8>(), [167, 146, 40]);
/// ```
///
/// # Panics
/// If the dtype is no unsigned integer of 8 to 64 bits.
#[track_caller]
pub fn bits_of(key: impl AnyKey, shape: impl IntoShape, dtype: DType) -> Array {
    let (shape, dtype) = (exact_shape("bits", shape), int_dtype("bits", dtype));
    if !dtype.is_unsigned() {
        refuse!("bits" => "dtype must be an unsigned integer dtype, got {dtype}")
    }
    let key = key.into_key().single("bits");
    jitted("_random_bits", &[&key], (&shape, dtype), |x| random_bits(&x[0], dtype.bits(), &shape))
}

/// Uniform floats of the default dtype, at least 0 and below 1.
///
/// ```
/// # use jacinth_frontend::random;
/// let x = random::uniform(random::key(0), 3);
/// assert_eq!(x.round_to(4).to_string(), "[0.9477 0.9786 0.3323]");
/// ```
#[track_caller]
pub fn uniform(key: impl AnyKey, shape: impl IntoShape) -> Array {
    uniform_of(key, shape, default_float())
}

/// Uniform floats of that dtype, at least 0 and below 1.
///
/// ```
/// # use jacinth_frontend::{DType, random};
/// let x = random::uniform_of(random::key(0), [2, 3], DType::BF16);
/// assert_eq!((x.dtype(), x.shape()), (DType::BF16, &[2, 3][..]));
/// ```
///
/// # Panics
/// If the dtype is no float of 16 to 64 bits.
#[track_caller]
pub fn uniform_of(key: impl AnyKey, shape: impl IntoShape, dtype: DType) -> Array {
    let (shape, dtype) = (exact_shape("uniform", shape), float_dtype("uniform", dtype));
    let key = key.into_key().single("uniform");
    jitted("_uniform", &[&key], (&shape, dtype), |x| unit(&x[0], &shape, dtype))
}

/// Uniform floats of that dtype, at least `minval` and below `maxval`, which broadcast to the shape.
///
/// ```
/// # use jacinth_frontend::{DType, random};
/// let x = random::uniform_with(random::key(0), 3, DType::F32, -1.0, 1.0);
/// assert_eq!(x.round_to(4).to_string(), "[ 0.8953  0.9572 -0.3354]");
/// ```
///
/// # Panics
/// If the dtype is no float of 16 to 64 bits, or a bound does not broadcast.
#[track_caller]
pub fn uniform_with(
    key: impl AnyKey,
    shape: impl IntoShape,
    dtype: DType,
    minval: impl IntoArray,
    maxval: impl IntoArray,
) -> Array {
    let (shape, dtype) = (exact_shape("uniform", shape), float_dtype("uniform", dtype));
    let (minval, maxval) = (minval.into_array(), maxval.into_array());
    check_shape("uniform", &shape, &[minval.shape(), maxval.shape()]);
    let key = key.into_key().single("uniform");
    jitted("_uniform", &[&key, &minval, &maxval], (&shape, dtype), |x| {
        uniform_between(&x[0], &shape, dtype, &x[1], &x[2])
    })
}

/// Integers of the default dtype, at least `minval` and below `maxval`, which broadcast to the shape.
///
/// ```
/// # use jacinth_frontend::{Array, random};
/// assert_eq!(random::randint(random::key(0), 5, 0, 10).to_vec::<i32>(), [9, 0, 2, 3, 1]);
/// // Bounds of their own for every element.
/// let x = random::randint(random::key(0), 2, 0, Array::from([1, 1000]));
/// assert_eq!(x.to_vec::<i32>()[0], 0);
/// ```
///
/// # Panics
/// As [`randint_of`].
#[track_caller]
pub fn randint(
    key: impl AnyKey,
    shape: impl IntoShape,
    minval: impl IntoArray,
    maxval: impl IntoArray,
) -> Array {
    randint_of(key, shape, minval, maxval, default_int())
}

/// Integers of that dtype, at least `minval` and below `maxval`, which broadcast to the shape; `minval` where `maxval` is not larger.
///
/// ```
/// # use jacinth_frontend::{DType, random};
/// let x = random::randint_of(random::key(0), 3, -100, 100, DType::I8);
/// assert_eq!(x.to_vec::<i8>(), [89, -100, 12]);
/// ```
///
/// # Panics
/// If the dtype or a bound's is no integer dtype, or a bound does not broadcast.
#[track_caller]
pub fn randint_of(
    key: impl AnyKey,
    shape: impl IntoShape,
    minval: impl IntoArray,
    maxval: impl IntoArray,
    dtype: DType,
) -> Array {
    let (shape, dtype) = (exact_shape("randint", shape), int_dtype("randint", dtype));
    let (minval, maxval) = (minval.into_array(), maxval.into_array());
    if !(minval.dtype().is_integer() && maxval.dtype().is_integer()) {
        refuse!("randint" => "bounds must be integers, got {} and {}", minval.aval(), maxval.aval())
    }
    check_shape("randint", &shape, &[minval.shape(), maxval.shape()]);
    let key = key.into_key().single("randint");
    jitted("_randint", &[&key, &minval, &maxval], (&shape, dtype), |x| {
        integers(&x[0], &shape, &x[1], &x[2], dtype)
    })
}

/// The two halves of the 64-bit positions of an array's elements, in row-major order: `u32[shape]`, upper half first.
pub(super) fn counts(shape: &[usize]) -> (Array, Array) {
    let size: usize = shape.iter().product();
    if size <= u32::MAX as usize {
        return (lax::full(shape, 0, DType::UI32), positions(shape, DType::UI32));
    }
    let wide = positions(shape, DType::UI64);
    let high = lax::shift_right_logical(&wide, &number(32, DType::UI64));
    (lax::convert_element_type(&high, DType::UI32), lax::convert_element_type(&wide, DType::UI32))
}

/// Positions as a sum over the dimensions, so that each device can compute its own.
fn positions(shape: &[usize], dtype: DType) -> Array {
    let mut stride = 1u64;
    let mut sum: Option<Array> = None;
    for (dimension, &size) in shape.iter().enumerate().rev() {
        if size != 1 {
            let along = lax::broadcasted_iota(dtype, shape, dimension);
            let along = if stride == 1 { along } else { lax::mul(&along, &number(stride, dtype)) };
            sum = Some(sum.map_or(along.clone(), |sum| lax::add(&sum, &along)));
        }
        stride *= size as u64;
    }
    sum.unwrap_or_else(|| lax::full(shape, 0, dtype))
}

/// The hash of an array of counters, its two halves being the pairs; an odd one is completed with a zero.
pub(super) fn threefry_2x32(key: &Array, count: &Array) -> Array {
    let size = count.size();
    let mut flat = lax::reshape(count, &[size]);
    if size % 2 == 1 {
        flat = lax::concatenate(&[flat, lax::full(&[1], 0, DType::UI32)], 0);
    }
    let half = flat.size() / 2;
    let (x1, x2) = (part(&flat, 0, half, 0), part(&flat, half, 2 * half, 0));
    let (a, b) = lax::threefry2x32(&word(key, 0), &word(key, 1), &x1, &x2);
    let out = lax::concatenate(&[a, b], 0);
    let out = if size % 2 == 1 { part(&out, 0, size, 0) } else { out };
    lax::reshape(&out, count.shape())
}

fn unsigned(bits: usize) -> DType {
    match bits {
        8 => DType::UI8,
        16 => DType::UI16,
        32 => DType::UI32,
        _ => DType::UI64,
    }
}

/// Bits in place: one hash per element, or the legacy way that packs them.
pub(super) fn random_bits(key: &Array, width: usize, shape: &[usize]) -> Array {
    let dtype = unsigned(width);
    let shift = |x: &Array, by: u64| lax::shift_left(x, &number(by, x.dtype()));
    if !threefry_is_partitionable() {
        return legacy_bits(key, width, shape);
    }
    let (high, low) = counts(shape);
    let (a, b) = lax::threefry2x32(&word(key, 0), &word(key, 1), &high, &low);
    if width == 64 {
        let wide = |x: &Array| lax::convert_element_type(x, dtype);
        return lax::or(&shift(&wide(&a), 32), &wide(&b));
    }
    let bits = lax::xor(&a, &b);
    if width == 32 { bits } else { lax::convert_element_type(&bits, dtype) }
}

/// Bits as before JAX 0.5: all of every word is used, and the order depends on the size.
fn legacy_bits(key: &Array, width: usize, shape: &[usize]) -> Array {
    let size: usize = shape.iter().product();
    let dtype = unsigned(width);
    let words = (width * size).div_ceil(32);
    // Blocks of the largest count, each with a key of its own.
    let (blocks, rest) = (words / u32::MAX as usize, words % u32::MAX as usize);
    if blocks > 0 {
        refuse!("random_bits" => "the legacy generator makes at most 2³² - 2 words at once here, got {words}; use the partitionable one")
    }
    let bits = threefry_2x32(key, &lax::iota(DType::UI32, rest));
    let bits = match width {
        64 => {
            let half = |from: usize| lax::convert_element_type(&part(&bits, from, from + size, 0), dtype);
            lax::or(&lax::shift_left(&half(0), &number(32, dtype)), &half(size))
        }
        8 | 16 => {
            let per_word = 32 / width;
            let shifts = lax::broadcasted_iota(DType::UI32, &[words, per_word], 1);
            let shifts = lax::mul(&shifts, &number(width as u64, DType::UI32));
            let spread = lax::broadcast_in_dim(&bits, &[words, per_word], &[0]);
            let parts = lax::shift_right_logical(&spread, &shifts);
            let parts = lax::and(&parts, &number((1u64 << width) - 1, DType::UI32));
            let parts = lax::convert_element_type(&lax::reshape(&parts, &[words * per_word]), dtype);
            part(&parts, 0, size, 0)
        }
        _ => bits,
    };
    lax::reshape(&bits, shape)
}

/// Floats at least 0 and below 1: random digits after the point of numbers between 1 and 2.
pub(super) fn unit(key: &Array, shape: &[usize], dtype: DType) -> Array {
    let info = Finfo::of(dtype);
    // Fewer than eight digits come from eight bits.
    let width = if info.nmant < 8 { 8 } else { info.bits };
    let holder = unsigned(info.bits);
    let bits = random_bits(key, width, shape);
    let bits = if width == info.bits { bits } else { lax::convert_element_type(&bits, holder) };
    let digits = lax::shift_right_logical(&bits, &number(width as u64 - info.nmant as u64, holder));
    let one = match dtype {
        DType::F16 => half::f16::ONE.to_bits() as u64,
        DType::BF16 => half::bf16::ONE.to_bits() as u64,
        DType::F32 => 1f32.to_bits() as u64,
        _ => 1f64.to_bits(),
    };
    let bits = lax::or(&digits, &number(one, holder));
    lax::sub(&lax::bitcast_convert_type(&bits, dtype), &number(1.0, dtype))
}

/// Uniform floats in place.
pub(super) fn uniform_between(
    key: &Array,
    shape: &[usize],
    dtype: DType,
    minval: &Array,
    maxval: &Array,
) -> Array {
    let convert = |x: &Array| to_rank(&lax::convert_element_type(x, dtype), shape.len());
    let (minval, maxval) = (convert(minval), convert(maxval));
    let floats = unit(key, shape, dtype);
    let scaled = lax::add(&lax::mul(&floats, &lax::sub(&maxval, &minval)), &minval);
    lax::max(&minval, &scaled)
}

/// [`uniform_between`] of two numbers.
pub(super) fn uniform_in(key: &Array, shape: &[usize], dtype: DType, minval: f64, maxval: f64) -> Array {
    uniform_between(key, shape, dtype, &number(minval, dtype), &number(maxval, dtype))
}

/// Dimensions of size one in front, so that lax's operations take it beside an array of that rank.
pub(super) fn to_rank(x: &Array, rank: usize) -> Array {
    if x.ndim() == 0 || x.ndim() == rank {
        return x.clone();
    }
    lax::expand_dims(x, &(0..rank - x.ndim()).collect::<Vec<_>>())
}

/// The smallest and the largest integer of a dtype.
pub(super) fn int_range(dtype: DType) -> (i128, i128) {
    let bits = dtype.bits() as u32;
    if dtype.is_unsigned() {
        (0, (1i128 << bits) - 1)
    } else {
        (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
    }
}

/// A host integer of that dtype, which holds it.
fn integer(value: i128, dtype: DType) -> Array {
    let value = if dtype.is_unsigned() { Scalar::UInt(value as u64) } else { Scalar::Int(value as i64) };
    Array::scalar(value, dtype, false)
}

/// An integer array in another integer dtype, limited to what both hold.
fn convert_and_clip(x: &Array, dtype: DType) -> Array {
    let ((low, high), (own_low, own_high)) = (int_range(dtype), int_range(x.dtype()));
    let clipped =
        lax::clamp(&integer(low.max(own_low), x.dtype()), x, &integer(high.min(own_high), x.dtype()));
    lax::convert_element_type(&clipped, dtype)
}

/// Integers in place: two draws, so that the remainder is nearly even.
pub(super) fn integers(key: &Array, shape: &[usize], minval: &Array, maxval: &Array, dtype: DType) -> Array {
    let out = dtype;
    let (mut minval, mut maxval, mut dtype) = (minval.clone(), maxval.clone(), dtype);
    if out.bits() < 32 {
        dtype = DType::I32;
        let (low, high) = int_range(out);
        let limit = |x: &Array, high: i128| {
            lax::clamp(&integer(low, dtype), &lax::convert_element_type(x, dtype), &integer(high, dtype))
        };
        (minval, maxval) = (limit(&minval, high), limit(&maxval, high + 1));
    }
    let width = dtype.bits();
    let holder = unsigned(width);
    let largest = convert_and_clip(&integer(int_range(dtype).1, dtype), maxval.dtype());
    let rank = |x: &Array| to_rank(x, shape.len());
    let beyond = rank(&lax::gt(&maxval, &lax::convert_element_type(&largest, maxval.dtype())));
    let (minval, maxval) = (rank(&convert_and_clip(&minval, dtype)), rank(&convert_and_clip(&maxval, dtype)));
    let [k1, k2] = split_into(key);
    let (higher, lower) = (random_bits(&k1, width, shape), random_bits(&k2, width, shape));
    let one = number(1, holder);
    let span = lax::convert_element_type(&lax::sub(&maxval, &minval), holder);
    let span = jnp::where_(lax::le(&maxval, &minval), &one, &span);
    let beyond = lax::and(
        &jnp::broadcast_to(&beyond, span.shape()),
        &jnp::broadcast_to(lax::gt(&maxval, &minval), span.shape()),
    );
    let span = jnp::where_(beyond, lax::add(&span, &one), &span);
    let multiplier = lax::rem(&number(1u64 << (width / 2), holder), &span);
    let multiplier = lax::rem(&lax::mul(&multiplier, &multiplier), &span);
    let offset = lax::add(&lax::mul(&lax::rem(&higher, &span), &multiplier), &lax::rem(&lower, &span));
    let offset = lax::rem(&offset, &span);
    let drawn = lax::add(&minval, &lax::convert_element_type(&offset, dtype));
    lax::convert_element_type(&drawn, out)
}
