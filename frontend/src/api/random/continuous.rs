//! Continuous distributions that need no rejection.

use std::f64::consts::{PI, SQRT_2};

use super::bits::{random_bits, uniform_between, uniform_in, unit};
use super::key::{AnyKey, split_into};
use super::sampler::{Finfo, check_shape, float_dtype, jitted, number};
use crate::api::dtypes::{canonicalize_dtype, default_float};
use crate::api::numpy::{self as jnp, IntoArray, IntoShape, exact_shape};
use crate::ir::{Array, DType, Scalar};
use crate::lax::{self, rules::refuse};

/// Samplers without parameters: `name(key, shape)` and `name_of(key, shape, dtype)`.
macro_rules! plain {
    ($(
        $(#[$doc:meta])* $name:ident,
        $(#[$doc_of:meta])* $name_of:ident = $traced:literal $body:ident;
    )*) => {$(
        $(#[$doc])*
        #[track_caller]
        pub fn $name(key: impl AnyKey, shape: impl IntoShape) -> Array {
            $name_of(key, shape, default_float())
        }

        $(#[$doc_of])*
        ///
        /// # Panics
        /// If the dtype is no float of 16 to 64 bits.
        #[track_caller]
        pub fn $name_of(key: impl AnyKey, shape: impl IntoShape, dtype: DType) -> Array {
            let name = stringify!($name);
            let (shape, dtype) = (exact_shape(name, shape), float_dtype(name, dtype));
            let key = key.into_key().single(name);
            jitted($traced, &[&key], (&shape, dtype), |x| $body(&x[0], &shape, dtype))
        }
    )*};
}

/// Samplers with parameters that broadcast to the shape: `name(key, parameters…, shape)` and `name_of(…, shape, dtype)`.
macro_rules! parametric {
    ($(
        $(#[$doc:meta])* $name:ident,
        $(#[$doc_of:meta])* $name_of:ident($($param:ident),+) = $traced:literal $body:path;
    )*) => {$(
        $(#[$doc])*
        ///
        /// # Panics
        /// If a parameter does not broadcast to the shape.
        #[track_caller]
        pub fn $name(key: impl AnyKey, $($param: impl IntoArray,)+ shape: impl IntoShape) -> Array {
            $name_of(key, $($param,)+ shape, default_float())
        }

        $(#[$doc_of])*
        ///
        /// # Panics
        /// If a parameter does not broadcast to the shape, or the dtype is no float of 16 to 64 bits.
        #[track_caller]
        pub fn $name_of(key: impl AnyKey, $($param: impl IntoArray,)+ shape: impl IntoShape, dtype: DType) -> Array {
            let name = stringify!($name);
            let (shape, dtype) = (exact_shape(name, shape), float_dtype(name, dtype));
            $(let $param = $param.into_array();)+
            check_shape(name, &shape, &[$($param.shape()),+]);
            let key = key.into_key().single(name);
            jitted($traced, &[&key, $(&$param),+], (&shape, dtype), |x| {
                let params: Vec<Array> = x[1..].iter().map(|p| lax::convert_element_type(p, dtype)).collect();
                $body(&x[0], &params, &shape, dtype)
            })
        }
    )*};
}
pub(super) use parametric;

plain! {
    /// The Cauchy distribution of location 0 and scale 1: `tan(π(u - ½))` for uniform `u`.
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// let x = random::cauchy(random::key(0), 3);
    /// assert_eq!(x.round_to(3).to_string(), "[ 6.027 14.838 -0.582]");
    /// ```
    cauchy,
    /// [`cauchy`] in that dtype.
    ///
    /// ```
    /// # use jacinth_frontend::{DType, random};
    /// let x = random::cauchy_of(random::key(0), 3, DType::BF16);
    /// assert_eq!((x.dtype(), x.shape()), (DType::BF16, &[3][..]));
    /// ```
    cauchy_of = "_cauchy" cauchy_body;
    /// The exponential distribution of rate 1: `-log(1 - u)` for uniform `u`.
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// let x = random::exponential(random::key(0), 3);
    /// assert_eq!(x.round_to(3).to_string(), "[2.95  3.843 0.404]");
    /// ```
    exponential,
    /// [`exponential`] in that dtype.
    ///
    /// ```
    /// # use jacinth_frontend::{DType, random};
    /// let x = random::exponential_of(random::key(0), 3, DType::F16);
    /// assert_eq!((x.dtype(), x.shape()), (DType::F16, &[3][..]));
    /// ```
    exponential_of = "_exponential" exponential_body;
    /// The Laplace distribution of location 0 and scale 1: `sign(u) · log(1 - |u|)` for `u` uniform between −1 and 1.
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// let x = random::laplace(random::key(0), 3);
    /// assert_eq!(x.round_to(3).to_string(), "[-2.257 -3.15   0.409]");
    /// ```
    laplace,
    /// [`laplace`] in that dtype.
    ///
    /// ```
    /// # use jacinth_frontend::{DType, random};
    /// let x = random::laplace_of(random::key(0), 3, DType::BF16);
    /// assert_eq!((x.dtype(), x.shape()), (DType::BF16, &[3][..]));
    /// ```
    laplace_of = "_laplace" laplace_body;
    /// The logistic distribution of location 0 and scale 1: `log(u / (1 - u))` for uniform `u`.
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// let x = random::logistic(random::key(0), 3);
    /// assert_eq!(x.round_to(3).to_string(), "[ 2.896  3.822 -0.698]");
    /// ```
    logistic,
    /// [`logistic`] in that dtype.
    ///
    /// ```
    /// # use jacinth_frontend::{DType, random};
    /// let x = random::logistic_of(random::key(0), [2, 2], DType::F16);
    /// assert_eq!((x.dtype(), x.shape()), (DType::F16, &[2, 2][..]));
    /// ```
    logistic_of = "_logistic" logistic_body;
    /// The one-sided Maxwell distribution: the length of a vector of three normal numbers.
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// let x = random::maxwell(random::key(0), 3);
    /// assert_eq!(x.round_to(3).to_string(), "[2.631 0.991 0.965]");
    /// ```
    maxwell,
    /// [`maxwell`] in that dtype.
    ///
    /// ```
    /// # use jacinth_frontend::{DType, random};
    /// let x = random::maxwell_of(random::key(0), 3, DType::BF16);
    /// assert_eq!((x.dtype(), x.shape()), (DType::BF16, &[3][..]));
    /// ```
    maxwell_of = "_maxwell" maxwell_body;
}

parametric! {
    /// Numbers whose logarithms are normal, of mean 0 and deviation `sigma`: `exp(σ·z)`.
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// let x = random::lognormal(random::key(0), 0.5, 3);
    /// assert_eq!(x.round_to(3).to_string(), "[2.251 2.753 0.805]");
    /// ```
    lognormal,
    /// [`lognormal`] in that dtype.
    ///
    /// ```
    /// # use jacinth_frontend::{DType, random};
    /// let x = random::lognormal_of(random::key(0), 0.5, 3, DType::F16);
    /// assert_eq!((x.dtype(), x.shape()), (DType::F16, &[3][..]));
    /// ```
    lognormal_of(sigma) = "_lognormal" lognormal_body;
    /// The Pareto distribution of shape `b` and scale 1, on the numbers from 1: `(1 - u)^(-1/b)` for uniform `u`.
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// let x = random::pareto(random::key(0), 3.0, 3);
    /// assert_eq!(x.round_to(3).to_string(), "[2.673 3.601 1.144]");
    /// ```
    pareto,
    /// [`pareto`] in that dtype.
    ///
    /// ```
    /// # use jacinth_frontend::{DType, random};
    /// let x = random::pareto_of(random::key(0), 3.0, 3, DType::BF16);
    /// assert_eq!((x.dtype(), x.shape()), (DType::BF16, &[3][..]));
    /// ```
    pareto_of(b) = "_pareto" pareto_body;
    /// The Rayleigh distribution of that scale: `scale · √(-2 log u)` for uniform `u`, the length of a vector of two normal numbers.
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// let x = random::rayleigh(random::key(0), 2.0, 3);
    /// assert_eq!(x.round_to(3).to_string(), "[0.656 0.416 2.969]");
    /// ```
    rayleigh,
    /// [`rayleigh`] in that dtype.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, DType, random};
    /// let scale = Array::from([1.0f32, 10.0]);
    /// let x = random::rayleigh_of(random::key(0), &scale, 2, DType::F16);
    /// assert_eq!((x.dtype(), x.shape()), (DType::F16, &[2][..]));
    /// ```
    rayleigh_of(scale) = "_rayleigh" rayleigh_body;
    /// The triangular distribution between `left` and `right` with its peak at `mode`.
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// let x = random::triangular(random::key(0), 0.0, 1.0, 4.0, 3);
    /// assert_eq!(x.round_to(3).to_string(), "[3.208 3.493 1.169]");
    /// ```
    triangular,
    /// [`triangular`] in that dtype.
    ///
    /// ```
    /// # use jacinth_frontend::{DType, random};
    /// let x = random::triangular_of(random::key(0), 0.0, 1.0, 4.0, 3, DType::BF16);
    /// assert_eq!((x.dtype(), x.shape()), (DType::BF16, &[3][..]));
    /// ```
    triangular_of(left, mode, right) = "_triangular" triangular_body;
    /// Normal numbers of mean 0 and variance 1 under the condition that they lie between `lower` and `upper`, by the inverse of the error
    /// function.
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// let x = random::truncated_normal(random::key(0), -1.0, 1.0, 3);
    /// assert_eq!(x.round_to(3).to_string(), "[ 0.862  0.941 -0.291]");
    /// ```
    truncated_normal,
    /// [`truncated_normal`] in that dtype.
    ///
    /// ```
    /// # use jacinth_frontend::{DType, random};
    /// let x = random::truncated_normal_of(random::key(0), 3.0, f32::INFINITY, 100, DType::F32);
    /// assert!(x.min().item::<f32>() > 3.0);
    /// ```
    truncated_normal_of(lower, upper) = "_truncated_normal" truncated_normal_body;
    /// The Wald (inverse Gaussian) distribution of that mean and scale 1, by a quadratic in a normal number
    /// (Michael, Schucany and Haas, Amer. Statist. 30, 1976).
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// let x = random::wald(random::key(0), 2.0, 3);
    /// assert_eq!(x.round_to(3).to_string(), "[0.533 0.598 0.725]");
    /// ```
    wald,
    /// [`wald`] in that dtype.
    ///
    /// ```
    /// # use jacinth_frontend::{DType, random};
    /// let x = random::wald_of(random::key(0), 2.0, 3, DType::F16);
    /// assert_eq!((x.dtype(), x.shape()), (DType::F16, &[3][..]));
    /// ```
    wald_of(mean) = "_wald" wald_body;
}

/// Normal numbers of mean 0 and variance 1: `√2 · erf⁻¹(u)` for `u` uniform between −1 and 1.
///
/// ```
/// # use jacinth_frontend::random;
/// let x = random::normal(random::key(0), 3);
/// assert_eq!(x.round_to(3).to_string(), "[ 1.623  2.025 -0.434]");
/// ```
#[track_caller]
pub fn normal(key: impl AnyKey, shape: impl IntoShape) -> Array {
    normal_of(key, shape, default_float())
}

/// Normal numbers of that dtype, of mean 0 and variance 1; complex ones have half of it in each part.
///
/// ```
/// # use jacinth_frontend::{DType, random};
/// let z = random::normal_of(random::key(0), 2, DType::C64);
/// assert_eq!(z.round_to(3).to_string(), "[ 0.71 -1.727j -0.641-1.439j]");
/// ```
///
/// # Panics
/// If the dtype is neither a float of 16 to 64 bits nor complex.
#[track_caller]
pub fn normal_of(key: impl AnyKey, shape: impl IntoShape, dtype: DType) -> Array {
    let shape = exact_shape("normal", shape);
    let dtype = canonicalize_dtype(dtype);
    let dtype = if dtype.is_complex() { dtype } else { float_dtype("normal", dtype) };
    let key = key.into_key().single("normal");
    jitted("_normal", &[&key], (&shape, dtype), |x| {
        if !dtype.is_complex() {
            return normal_body(&x[0], &shape, dtype);
        }
        let [re, im] = split_into(&x[0]);
        let part = |key: &Array| lax::convert_element_type(&normal_body(key, &shape, dtype.real()), dtype);
        let i = Array::scalar(Scalar::Complex(0.0, 1.0), dtype, false);
        lax::div(&lax::add(&part(&re), &lax::mul(&i, &part(&im))), &number(SQRT_2, dtype))
    })
}

/// The Gumbel distribution of location 0 and scale 1: `-log(-log u)` for uniform `u`.
///
/// ```
/// # use jacinth_frontend::random;
/// let x = random::gumbel(random::key(0), 3);
/// assert_eq!(x.round_to(3).to_string(), "[ 2.923  3.833 -0.097]");
/// ```
#[track_caller]
pub fn gumbel(key: impl AnyKey, shape: impl IntoShape) -> Array {
    gumbel_with(key, shape, default_float(), "low")
}

/// The Gumbel distribution in that dtype; `mode` says how far its tails reach: `low`, `high`, or `highest`.
///
/// ```
/// # use jacinth_frontend::{DType, random};
/// let x = random::gumbel_with(random::key(0), 3, DType::F32, "high");
/// assert_eq!(x.round_to(3).to_string(), "[-1.082 -1.346  0.907]");
/// ```
///
/// # Panics
/// If the dtype is no float of 16 to 64 bits, or the mode another.
#[track_caller]
pub fn gumbel_with(key: impl AnyKey, shape: impl IntoShape, dtype: DType, mode: &str) -> Array {
    let (shape, dtype) = (exact_shape("gumbel", shape), float_dtype("gumbel", dtype));
    check_gumbel_mode("gumbel", mode);
    let key = key.into_key().single("gumbel");
    jitted("_gumbel", &[&key], (&shape, dtype, mode), |x| gumbel_body(&x[0], &shape, dtype, mode))
}

#[track_caller]
pub(super) fn check_gumbel_mode(name: &'static str, mode: &str) {
    if !matches!(mode, "low" | "high" | "highest") {
        refuse!(name => "mode must be `low`, `high` or `highest`, got `{mode}`")
    }
}

/// The Maxwell distribution with a random sign, times `scale`, plus `loc`; the shape goes before that of the parameters.
///
/// ```
/// # use jacinth_frontend::random;
/// let x = random::double_sided_maxwell(random::key(0), 1.0, 2.0, 3);
/// assert_eq!(x.round_to(3).to_string(), "[ 4.091  4.148 -3.165]");
/// ```
///
/// # Panics
/// If the parameters do not broadcast.
#[track_caller]
pub fn double_sided_maxwell(
    key: impl AnyKey,
    loc: impl IntoArray,
    scale: impl IntoArray,
    shape: impl IntoShape,
) -> Array {
    double_sided_maxwell_of(key, loc, scale, shape, default_float())
}

/// [`double_sided_maxwell`] in that dtype.
///
/// ```
/// # use jacinth_frontend::{Array, DType, random};
/// let scale = Array::from([1.0f32, 2.0]);
/// let x = random::double_sided_maxwell_of(random::key(0), 0.0, &scale, 3, DType::F32);
/// assert_eq!(x.shape(), [3, 2]);
/// ```
///
/// # Panics
/// If the parameters do not broadcast, or the dtype is no float of 16 to 64 bits.
#[track_caller]
pub fn double_sided_maxwell_of(
    key: impl AnyKey,
    loc: impl IntoArray,
    scale: impl IntoArray,
    shape: impl IntoShape,
    dtype: DType,
) -> Array {
    let name = "double_sided_maxwell";
    let (shape, dtype) = (exact_shape(name, shape), float_dtype(name, dtype));
    let (loc, scale) = (loc.into_array(), scale.into_array());
    let params = jnp::broadcast_shape(name, &[loc.shape(), scale.shape()]);
    let mut full = if shape.is_empty() { params.clone() } else { shape };
    full.extend(&params);
    let key = key.into_key().single(name);
    jitted("_double_sided_maxwell", &[&key, &loc, &scale], (&full, dtype), |x| {
        let [length, sign] = split_into(&x[0]);
        let signs = super::discrete::rademacher_body(&sign, &full, dtype);
        let signed = lax::mul(&signs, &maxwell_body(&length, &full, dtype));
        jnp::add(jnp::multiply(&signed, &x[2]), &x[1])
    })
}

/// The Weibull distribution: `scale · (-log(1 - u))^(1 / concentration)` for uniform `u`.
///
/// ```
/// # use jacinth_frontend::random;
/// let x = random::weibull_min(random::key(0), 2.0, 3.0, 3);
/// assert_eq!(x.round_to(3).to_string(), "[2.868 3.133 1.478]");
/// ```
///
/// # Panics
/// If the parameters do not broadcast with the shape.
#[track_caller]
pub fn weibull_min(
    key: impl AnyKey,
    scale: impl IntoArray,
    concentration: impl IntoArray,
    shape: impl IntoShape,
) -> Array {
    weibull_min_of(key, scale, concentration, shape, default_float())
}

/// [`weibull_min`] in that dtype.
///
/// ```
/// # use jacinth_frontend::{DType, random};
/// let x = random::weibull_min_of(random::key(0), 2.0, 3.0, 3, DType::BF16);
/// assert_eq!((x.dtype(), x.shape()), (DType::BF16, &[3][..]));
/// ```
///
/// # Panics
/// If the parameters do not broadcast with the shape, or the dtype is no float of 16 to 64 bits.
#[track_caller]
pub fn weibull_min_of(
    key: impl AnyKey,
    scale: impl IntoArray,
    concentration: impl IntoArray,
    shape: impl IntoShape,
    dtype: DType,
) -> Array {
    let (shape, dtype) = (exact_shape("weibull_min", shape), float_dtype("weibull_min", dtype));
    let (scale, concentration) = (scale.into_array(), concentration.into_array());
    jnp::broadcast_shape("weibull_min", &[&shape, scale.shape(), concentration.shape()]);
    let key = key.into_key().single("weibull_min");
    jitted("_weibull_min", &[&key, &scale, &concentration], (&shape, dtype), |x| {
        let waited = exponential_body(&x[0], &shape, dtype);
        jnp::multiply(jnp::power(&waited, jnp::true_divide(1.0, &x[2])), &x[1])
    })
}

fn cauchy_body(key: &Array, shape: &[usize], dtype: DType) -> Array {
    let u = uniform_in(key, shape, dtype, Finfo::of(dtype).eps(), 1.0);
    lax::tan(&lax::mul(&number(PI, dtype), &lax::sub(&u, &number(0.5, dtype))))
}

pub(super) fn exponential_body(key: &Array, shape: &[usize], dtype: DType) -> Array {
    lax::neg(&lax::log1p(&lax::neg(&unit(key, shape, dtype))))
}

fn laplace_body(key: &Array, shape: &[usize], dtype: DType) -> Array {
    let u = uniform_in(key, shape, dtype, -1.0 + Finfo::of(dtype).epsneg(), 1.0);
    lax::mul(&lax::sign(&u), &lax::log1p(&lax::neg(&lax::abs(&u))))
}

fn logistic_body(key: &Array, shape: &[usize], dtype: DType) -> Array {
    let u = uniform_in(key, shape, dtype, Finfo::of(dtype).tiny, 1.0);
    lax::sub(&lax::log(&u), &lax::log1p(&lax::neg(&u)))
}

fn maxwell_body(key: &Array, shape: &[usize], dtype: DType) -> Array {
    let mut vectors = shape.to_vec();
    vectors.push(3);
    jnp::norm(normal_body(key, &vectors, dtype), -1)
}

pub(super) fn normal_body(key: &Array, shape: &[usize], dtype: DType) -> Array {
    // The number after -1, so that no sample is infinite.
    let low = -1.0 + Finfo::of(dtype).epsneg();
    let u = uniform_in(key, shape, dtype, low, 1.0);
    lax::mul(&number(SQRT_2, dtype), &lax::erf_inv(&u))
}

fn truncated_normal_body(key: &Array, bounds: &[Array], shape: &[usize], dtype: DType) -> Array {
    let sqrt2 = number(SQRT_2, dtype);
    let (lower, upper) = (&bounds[0], &bounds[1]);
    let of = |bound: &Array| lax::erf(&lax::div(bound, &sqrt2));
    let u = uniform_between(key, shape, dtype, &of(lower), &of(upper));
    let out = lax::mul(&sqrt2, &lax::erf_inv(&u));
    let towards = |bound: &Array, end: f64| {
        let bound = lax::stop_gradient(bound);
        lax::nextafter(&bound, &number(end, dtype))
    };
    jnp::clip(out, towards(lower, f64::INFINITY), towards(upper, f64::NEG_INFINITY))
}

pub(super) fn gumbel_body(key: &Array, shape: &[usize], dtype: DType, mode: &str) -> Array {
    let info = Finfo::of(dtype);
    let twice_log = |x: &Array| lax::neg(&lax::log(&lax::neg(&lax::log(x))));
    let twice_log1p = |x: &Array| lax::neg(&lax::log(&lax::neg(&lax::log1p(&lax::neg(x)))));
    if mode == "low" {
        return twice_log(&uniform_in(key, shape, dtype, info.tiny, 1.0));
    }
    let mut pair = vec![2];
    pair.extend(shape);
    let half = |x: &Array, i: i64| lax::index_in_dim(x, i, 0, false);
    if mode == "highest" && dtype == DType::F32 {
        let bits = random_bits(key, 32, &pair);
        let word = |v: u64| number(v, DType::UI32);
        // The negated 64-bit number, word by word.
        let not = lax::not(&bits);
        let (not_high, not_low) = (half(&not, 0), half(&not, 1));
        let carry = lax::eq(&not_low, &word(u32::MAX as u64));
        let negated = [
            lax::add(&not_high, &lax::convert_element_type(&carry, DType::UI32)),
            lax::add(&not_low, &word(1)),
        ];
        let flip = lax::lt(&half(&bits, 0), &word(1 << 31));
        let high = lax::select(&flip, &half(&bits, 0), &negated[0]);
        let low = lax::select(&flip, &half(&bits, 1), &negated[1]);
        let x = fraction(&high, &low);
        return lax::select(&flip, &twice_log1p(&x), &twice_log(&x));
    }
    let drawn = unit(key, &pair, dtype);
    let (high, low) = (half(&drawn, 0), half(&drawn, 1));
    let low = lax::mul(&number(info.eps(), dtype), &low);
    let finer = lax::add(&lax::add(&high, &low), &number(info.tiny, dtype));
    let large = lax::ge(&high, &number(0.5, dtype));
    twice_log1p(&lax::select(&large, &high, &finer))
}

/// A 64-bit fraction of one as `f32`, with all the digits that a float has near zero.
fn fraction(high: &Array, low: &Array) -> Array {
    let word = |v: u64| number(v, DType::UI32);
    let (high_zeros, low_zeros) = (lax::clz(high), lax::clz(low));
    let empty = lax::eq(&high_zeros, &word(32));
    let below = lax::select(
        &empty,
        &lax::shift_left(low, &low_zeros),
        &lax::shift_right_logical(low, &lax::sub(&word(32), &high_zeros)),
    );
    let mantissa = lax::or(&lax::shift_left(high, &high_zeros), &below);
    let mantissa = lax::and(&lax::shift_right_logical(&mantissa, &word(8)), &word((1 << 23) - 1));
    let zeros = lax::select(&empty, &lax::add(&word(32), &low_zeros), &high_zeros);
    let exponent = lax::shift_left(&lax::sub(&word(126), &zeros), &word(23));
    let exponent = lax::and(&exponent, &word((1 << 30) - (1 << 22)));
    lax::bitcast_convert_type(&lax::or(&exponent, &mantissa), DType::F32)
}

fn lognormal_body(key: &Array, params: &[Array], shape: &[usize], dtype: DType) -> Array {
    lax::exp(&jnp::multiply(normal_body(key, shape, dtype), &params[0]))
}

fn pareto_body(key: &Array, params: &[Array], shape: &[usize], dtype: DType) -> Array {
    lax::exp(&jnp::true_divide(exponential_body(key, shape, dtype), &params[0]))
}

fn rayleigh_body(key: &Array, params: &[Array], shape: &[usize], dtype: DType) -> Array {
    let log = lax::log(&unit(key, shape, dtype));
    let root = lax::sqrt(&lax::mul(&log, &number(-2.0, dtype)));
    lax::mul(&jnp::broadcast_to(&params[0], shape), &root)
}

fn triangular_body(key: &Array, params: &[Array], shape: &[usize], dtype: DType) -> Array {
    let [left, mode, right] = [0, 1, 2].map(|i| jnp::broadcast_to(&params[i], shape));
    let peak = lax::div(&lax::sub(&mode, &left), &lax::sub(&right, &left));
    let u = unit(key, shape, dtype);
    let width = lax::sub(&right, &left);
    let rising = lax::sqrt(&lax::mul(&lax::mul(&u, &width), &lax::sub(&mode, &left)));
    let rest = lax::sub(&number(1.0, dtype), &u);
    let falling = lax::sqrt(&lax::mul(&lax::mul(&rest, &width), &lax::sub(&right, &mode)));
    lax::select(&lax::lt(&u, &peak), &lax::add(&left, &rising), &lax::sub(&right, &falling))
}

fn wald_body(key: &Array, params: &[Array], shape: &[usize], dtype: DType) -> Array {
    let [k1, k2] = split_into(key);
    let mean = jnp::broadcast_to(&params[0], shape);
    let v = normal_body(&k1, shape, dtype);
    let z = unit(&k2, shape, dtype);
    let y = lax::integer_pow(&v, 2);
    let (y_squared, mean_squared) = (lax::integer_pow(&y, 2), lax::integer_pow(&mean, 2));
    let times = |c: f64, x: &Array| lax::mul(&number(c, dtype), x);
    let halved = |x: &Array| lax::div(x, &number(2.0, dtype));
    let root = lax::sqrt(&lax::add(&lax::mul(&times(4.0, &mean), &y), &lax::mul(&mean_squared, &y_squared)));
    let x =
        lax::sub(&lax::add(&mean, &halved(&lax::mul(&mean_squared, &y))), &lax::mul(&halved(&mean), &root));
    let first = lax::le(&z, &lax::div(&mean, &lax::add(&mean, &x)));
    lax::select(&first, &x, &lax::div(&mean_squared, &x))
}
