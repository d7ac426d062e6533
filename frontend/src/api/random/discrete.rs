//! Discrete distributions, those by rejection included.

use super::bits::{to_rank, unit};
use super::continuous::gumbel_body;
use super::key::{AnyKey, split_into, split_words};
use super::sampler::{Finfo, check_shape, float_dtype, int_dtype, jitted, number};
use crate::api::control::{scan, while_loop};
use crate::api::dtypes::{default_float, default_int, promote_inexact};
use crate::api::numpy::{self as jnp, IntoArray, IntoShape, exact_shape};
use crate::ir::{Array, DType, numpy_name};
use crate::lax::{self, rules::refuse};

/// True with probability `p`, which broadcasts to the shape: `bool[shape]`.
///
/// ```
/// # use jacinth_frontend::random;
/// let x = random::bernoulli(random::key(0), 0.75, 5);
/// assert_eq!(x.to_vec::<bool>(), [false, false, true, true, true]);
/// ```
///
/// # Panics
/// As [`bernoulli_mode`].
#[track_caller]
pub fn bernoulli(key: impl AnyKey, p: impl IntoArray, shape: impl IntoShape) -> Array {
    bernoulli_mode(key, p, shape, "low")
}

/// [`bernoulli`] with the precision `low`, that of one uniform float of the dtype of `p`, or `high`, that of two.
///
/// ```
/// # use jacinth_frontend::{Array, random};
/// let p = Array::from([0.0f32, 1.0]);
/// let x = random::bernoulli_mode(random::key(0), &p, [3, 2], "high");
/// assert_eq!(x.sum_axis(0).to_vec::<i32>(), [0, 3]);
/// ```
///
/// # Panics
/// If `p` is no float or does not broadcast to the shape, or the mode is another.
#[track_caller]
pub fn bernoulli_mode(key: impl AnyKey, p: impl IntoArray, shape: impl IntoShape, mode: &str) -> Array {
    let (shape, p) = (exact_shape("bernoulli", shape), p.into_array());
    if !p.dtype().is_float() {
        refuse!("bernoulli" => "the probability must be a float, got {}", numpy_name(p.dtype()))
    }
    let dtype = float_dtype("bernoulli", p.dtype());
    if !matches!(mode, "low" | "high") {
        refuse!("bernoulli" => "mode must be `low` or `high`, got `{mode}`")
    }
    check_shape("bernoulli", &shape, &[p.shape()]);
    let key = key.into_key().single("bernoulli");
    jitted("_bernoulli", &[&key, &p], (&shape, mode), |x| {
        let p = to_rank(&lax::convert_element_type(&x[1], dtype), shape.len());
        if mode == "low" {
            return lax::lt(&unit(&x[0], &shape, dtype), &p);
        }
        let mut pair = vec![2];
        pair.extend(&shape);
        let drawn = unit(&x[0], &pair, dtype);
        let half = |i: i64| lax::index_in_dim(&drawn, i, 0, false);
        let finer = lax::mul(&half(1), &number(Finfo::of(dtype).eps(), dtype));
        lax::lt(&finer, &lax::sub(&p, &half(0)))
    })
}

/// -1 or 1, evenly, in the default integer dtype.
///
/// ```
/// # use jacinth_frontend::random;
/// let x = random::rademacher(random::key(0), 5);
/// assert_eq!(x.to_vec::<i32>(), [-1, -1, 1, 1, -1]);
/// ```
#[track_caller]
pub fn rademacher(key: impl AnyKey, shape: impl IntoShape) -> Array {
    rademacher_of(key, shape, default_int())
}

/// -1 or 1, evenly, in that dtype.
///
/// ```
/// # use jacinth_frontend::{DType, random};
/// let x = random::rademacher_of(random::key(0), 3, DType::F32);
/// assert_eq!(x.to_vec::<f32>(), [-1.0, -1.0, 1.0]);
/// ```
#[track_caller]
pub fn rademacher_of(key: impl AnyKey, shape: impl IntoShape, dtype: DType) -> Array {
    let shape = exact_shape("rademacher", shape);
    let dtype = crate::api::dtypes::canonicalize_dtype(dtype);
    let key = key.into_key().single("rademacher");
    jitted("_rademacher", &[&key], (&shape, dtype), |x| rademacher_body(&x[0], &shape, dtype))
}

pub(super) fn rademacher_body(key: &Array, shape: &[usize], dtype: DType) -> Array {
    let float = default_float();
    let heads = lax::lt(&unit(key, shape, float), &number(0.5, float));
    let heads = lax::convert_element_type(&heads, dtype);
    lax::sub(&lax::mul(&number(2, dtype), &heads), &number(1, dtype))
}

/// The number of trials up to the first success, each of probability `p`: integers of the default dtype.
///
/// ```
/// # use jacinth_frontend::random;
/// let x = random::geometric(random::key(0), 0.25, 5);
/// assert_eq!(x.to_vec::<i32>(), [1, 1, 4, 3, 2]);
/// ```
///
/// # Panics
/// If `p` does not broadcast to the shape.
#[track_caller]
pub fn geometric(key: impl AnyKey, p: impl IntoArray, shape: impl IntoShape) -> Array {
    geometric_of(key, p, shape, default_int())
}

/// [`geometric`] in that integer dtype.
///
/// ```
/// # use jacinth_frontend::{Array, DType, random};
/// let x = random::geometric_of(random::key(0), Array::from([1.0f32, 1.0]), 2, DType::I16);
/// assert_eq!(x.to_vec::<i16>(), [1, 1]);
/// ```
///
/// # Panics
/// If `p` does not broadcast to the shape, or the dtype is no integer.
#[track_caller]
pub fn geometric_of(key: impl AnyKey, p: impl IntoArray, shape: impl IntoShape, dtype: DType) -> Array {
    let (shape, dtype) = (exact_shape("geometric", shape), int_dtype("geometric", dtype));
    let p = promote_inexact(&[p.into_array()]).remove(0);
    check_shape("geometric", &shape, &[p.shape()]);
    let key = key.into_key().single("geometric");
    jitted("_geometric", &[&key, &p], (&shape, dtype), |x| {
        let p = x[1].clone();
        let u = unit(&x[0], &shape, p.dtype());
        // A zero has no logarithm.
        let u = jnp::where_(lax::eq(&u, &number(0.0, p.dtype())), 1.0, &u);
        let of_failure = jnp::broadcast_to(lax::log1p(&lax::neg(&p)), &shape);
        let g = lax::add(&lax::floor(&lax::div(&lax::log(&u), &of_failure)), &number(1.0, p.dtype()));
        lax::convert_element_type(&g, dtype)
    })
}

/// The Poisson distribution of rate `lam`, which broadcasts to the shape: integers of the default dtype. Rates below 10 by Knuth's product of
/// uniforms, others by transformed rejection (Hörmann, Insurance Math. Econom. 12, 1993).
///
/// ```
/// # use jacinth_frontend::random;
/// let x = random::poisson(random::key(0), 4.0, 5);
/// assert_eq!(x.to_vec::<i32>(), [0, 1, 5, 5, 2]);
/// ```
///
/// # Panics
/// If `lam` does not broadcast to the shape.
#[track_caller]
pub fn poisson(key: impl AnyKey, lam: impl IntoArray, shape: impl IntoShape) -> Array {
    poisson_of(key, lam, shape, default_int())
}

/// [`poisson`] in that integer dtype.
///
/// ```
/// # use jacinth_frontend::{Array, DType, random};
/// let x = random::poisson_of(random::key(0), Array::from([0.0f32, 100.0]), 2, DType::I16);
/// assert_eq!((x.dtype(), x.to_vec::<i16>()[0]), (DType::I16, 0));
/// ```
///
/// # Panics
/// If `lam` does not broadcast to the shape, or the dtype is no integer.
#[track_caller]
pub fn poisson_of(key: impl AnyKey, lam: impl IntoArray, shape: impl IntoShape, dtype: DType) -> Array {
    let (shape, dtype) = (exact_shape("poisson", shape), int_dtype("poisson", dtype));
    let lam = lam.into_array();
    check_shape("poisson", &shape, &[lam.shape()]);
    let key = key.into_key().single("poisson");
    jitted("_poisson", &[&key, &lam], (&shape, dtype), |x| {
        let lam = jnp::broadcast_to(lax::convert_element_type(&x[1], DType::F32), &shape);
        // Knuth's product of uniforms for small rates and NaN, Hörmann's rejection for the others; each sees harmless rates
        // where the other's result is taken.
        let small = lax::or(&jnp::isnan(&lam), &lax::lt(&lam, &number(10.0, DType::F32)));
        let (few, many) = (jnp::where_(&small, &lam, 0.0), jnp::where_(&small, 1e5, &lam));
        let most = i32::try_from(super::bits::int_range(dtype).1).unwrap_or(i32::MAX);
        let knuth = poisson_knuth(&x[0], &few, dtype, most);
        let rejection = poisson_rejection(&x[0], &many, dtype, most);
        let drawn = lax::select(&small, &knuth, &rejection);
        jnp::where_(lax::eq(&lam, &number(0.0, DType::F32)), number(0, dtype), drawn)
    })
}

fn counter() -> Array {
    Array::scalar(0, DType::I32, false)
}

fn next(i: &Array) -> Array {
    lax::add(i, &number(1, DType::I32))
}

/// Whether any element is true and the loop has rounds left.
fn again(any: &Array, i: &Array, most: i32) -> Array {
    lax::and(&jnp::any(any, ()), &lax::lt(i, &number(most, DType::I32)))
}

/// Multiplies uniforms until the product is below `e^-λ`, in logarithms.
fn poisson_knuth(key: &Array, lam: &Array, dtype: DType, most: i32) -> Array {
    type Carry = (Array, Array, Array, Array);
    let below = lax::neg(lam);
    let (limit, shape) = (below.clone(), lam.shape().to_vec());
    let cond = move |(i, _, _, log): Carry| again(&lax::gt(&log, &limit), &i, most);
    let body = |(i, k, key, log): Carry| -> Carry {
        let [key, subkey] = split_into(&key);
        let more = lax::add(&k, &number(1, dtype));
        let k = lax::select(&lax::gt(&log, &below), &more, &k);
        let u = unit(&subkey, &shape, DType::F32);
        (next(&i), k, key, lax::add(&log, &lax::log(&u)))
    };
    let start = (counter(), lax::full(&shape, 0, dtype), key.clone(), lax::full(&shape, 0.0, DType::F32));
    let (_, k, _, _) = while_loop(cond, body, start);
    lax::sub(&k, &number(1, dtype))
}

/// Transformed rejection (Hörmann, "The transformed rejection method for generating Poisson random variables", 1993, PTRS).
fn poisson_rejection(key: &Array, lam: &Array, dtype: DType, most: i32) -> Array {
    type Carry = (Array, Array, Array, Array);
    let log_lam = lam.log();
    let b = 0.931 + 2.53 * lam.sqrt();
    let a = -0.059 + 0.02483 * &b;
    let inverse_alpha = 1.1239 + 1.1328 / (&b - 3.4);
    let v_r = 0.9277 - 3.6224 / (&b - 2.0);
    let shape = lam.shape().to_vec();
    let body = |(i, k_out, accepted, key): Carry| -> Carry {
        let [key, key_u, key_v] = split_into(&key);
        let u = unit(&key_u, &shape, DType::F32) - 0.5;
        let v = unit(&key_v, &shape, DType::F32);
        let shifted: Array = 0.5 - u.abs();
        let k = lax::floor(&((2.0 * &a / &shifted + &b) * &u + lam + 0.43));
        let s = (&v * &inverse_alpha / (&a / (&shifted * &shifted) + &b)).log();
        let t = -lam + &k * &log_lam - lax::lgamma(&(&k + 1.0));
        let accept1 = shifted.ge(0.07) & v.le(&v_r);
        let reject = k.lt(0.0) | (shifted.lt(0.013) & v.gt(&shifted));
        let accept = accept1 | (!reject & s.le(&t));
        (next(&i), lax::select(&accept, &k, &k_out), accepted | accept, key)
    };
    let cond = |(i, _, accepted, _): Carry| again(&!accepted, &i, most);
    let start =
        (counter(), lax::full(&shape, -1.0, DType::F32), lax::full(&shape, false, DType::I1), key.clone());
    let (_, k, _, _) = while_loop(cond, body, start);
    lax::convert_element_type(&k, dtype)
}

/// How many of `n` trials of probability `p` succeed, as floats of the default dtype; `n` and `p` broadcast to the shape. Few successes are
/// counted
/// by inversion, many are drawn by transformed rejection with squeeze (Hörmann, J. Stat. Comput. Simul. 46, 1993).
///
/// ```
/// # use jacinth_frontend::random;
/// let x = random::binomial(random::key(0), 10.0, 0.5, 5);
/// assert_eq!(x.to_vec::<f32>(), [6.0, 7.0, 5.0, 6.0, 7.0]);
/// ```
///
/// # Panics
/// If a parameter does not broadcast to the shape.
#[track_caller]
pub fn binomial(key: impl AnyKey, n: impl IntoArray, p: impl IntoArray, shape: impl IntoShape) -> Array {
    binomial_of(key, n, p, shape, default_float())
}

/// [`binomial`] in that float dtype.
///
/// ```
/// # use jacinth_frontend::{Array, DType, random};
/// let x = random::binomial_of(random::key(0), 10.0, Array::from([0.0f32, 1.0]), 2, DType::F32);
/// assert_eq!(x.to_vec::<f32>(), [0.0, 10.0]);
/// ```
///
/// # Panics
/// If a parameter does not broadcast to the shape, or the dtype is no float.
#[track_caller]
pub fn binomial_of(
    key: impl AnyKey,
    n: impl IntoArray,
    p: impl IntoArray,
    shape: impl IntoShape,
    dtype: DType,
) -> Array {
    let (shape, dtype) = (exact_shape("binomial", shape), float_dtype("binomial", dtype));
    let (n, p) = (n.into_array(), p.into_array());
    check_shape("binomial", &shape, &[n.shape(), p.shape()]);
    let key = key.into_key().single("binomial");
    jitted("_binomial", &[&key, &n, &p], (&shape, dtype), |x| {
        binomial_body(&x[0], &x[1], &x[2], &shape, dtype)
    })
}

fn binomial_body(key: &Array, count: &Array, prob: &Array, shape: &[usize], dtype: DType) -> Array {
    let prob = promote_inexact(std::slice::from_ref(prob)).remove(0);
    let float = prob.dtype();
    let count = jnp::broadcast_to(lax::convert_element_type(count, float), shape);
    let prob = jnp::broadcast_to(lax::convert_element_type(&prob, float), shape);
    let less_than_half = prob.lt(0.5);
    let q = lax::select(&less_than_half, &prob, &(1.0 - &prob));
    let bad_count = jnp::isnan(&count) | count.lt(0.0);
    let infinite = jnp::isinf(&count);
    let (q_is_nan, q_negative) = (jnp::isnan(&q), q.lt(0.0));
    let q = jnp::where_(&q_is_nan | &q_negative, 0.01, &q);
    let inversion = &bad_count | (&count * &q).le(10.0);
    let count = lax::floor(&count);
    let few = jnp::where_(&inversion, &count, 0.0);
    let many = jnp::where_(&inversion, 1e4, &count);
    let q_many = jnp::where_(&inversion, 0.5, &q);
    let most = if dtype == DType::F16 { 65504 } else { i32::MAX };
    let inverted = binomial_inversion(key, &few, &q, dtype, most);
    let rejected = binomial_rejection(key, &many, &q_many, dtype, most);
    let drawn = lax::select(&inversion, &inverted, &rejected);
    let invalid = &q_negative | &q_is_nan | &bad_count;
    let drawn = jnp::where_(&invalid, number(f64::NAN, dtype), drawn);
    let drawn = jnp::where_(&infinite & !&invalid, number(f64::INFINITY, dtype), drawn);
    let count = lax::convert_element_type(&count, dtype);
    let keep = less_than_half | bad_count | q_is_nan | infinite;
    lax::select(&keep, &drawn, &lax::sub(&count, &drawn))
}

/// Sums geometric numbers until they exceed the count.
fn binomial_inversion(key: &Array, count: &Array, prob: &Array, dtype: DType, most: i32) -> Array {
    type Carry = (Array, Array, Array, Array);
    let (float, shape) = (prob.dtype(), prob.shape().to_vec());
    let of_failure = lax::log1p(&-prob);
    let body = |(i, number_of, sum, key): Carry| -> Carry {
        let [subkey, key] = split_into(&key);
        let number_of = lax::select(&sum.le(count), &(&number_of + 1.0), &number_of);
        let u = unit(&subkey, &shape, float);
        let geometric = lax::ceil(&(u.log() / &of_failure));
        (next(&i), number_of, sum + geometric, key)
    };
    let cond = |(i, _, sum, _): Carry| again(&sum.le(count), &i, most);
    let zero = lax::full(&shape, 0.0, float);
    let (_, number_of, _, _) = while_loop(cond, body, (counter(), zero.clone(), zero, key.clone()));
    lax::convert_element_type(&(number_of - 1.0), dtype)
}

/// What Stirling's approximation of `log k!` lacks.
fn stirling_tail(k: &Array) -> Array {
    const TAILS: [f64; 10] = [
        0.0810614667953272,
        0.0413406959554092,
        0.0276779256849983,
        0.02079067210376509,
        0.0166446911898211,
        0.0138761288230707,
        0.0118967099458917,
        0.010411265261972,
        0.00925546218271273,
        0.00833056343336287,
    ];
    let known = k.le(9.0);
    let limited = lax::clamp(&number(0.0, k.dtype()), k, &number(9.0, k.dtype()));
    let squared = (&limited + 1.0) * (&limited + 1.0);
    let approximate = (1.0 / 12.0 - (1.0 / 360.0 - 1.0 / 1260.0 / &squared) / &squared) / (&limited + 1.0);
    let whole = lax::floor(&limited);
    // A table of ten is ten comparisons, which fuse where reading a table would not.
    let table = TAILS.iter().enumerate().skip(1).fold(lax::full_like(k, TAILS[0]), |chosen, (i, &tail)| {
        lax::select(&whole.equal(i as f64), &lax::full_like(k, tail), &chosen)
    });
    lax::select(&known, &table, &approximate)
}

/// Transformed rejection with squeeze (Hörmann, "The generation of binomial random variates", 1993, BTRS).
fn binomial_rejection(key: &Array, count: &Array, prob: &Array, dtype: DType, most: i32) -> Array {
    type Carry = (Array, Array, Array, Array);
    let (float, shape) = (prob.dtype(), prob.shape().to_vec());
    let stddev = (count * prob * (1.0 - prob)).sqrt();
    let b = 1.15 + 2.53 * &stddev;
    let a = -0.0873 + 0.0248 * &b + 0.01 * prob;
    let c = count * prob + 0.5;
    let v_r = 0.92 - 4.2 / &b;
    let r = prob / (1.0 - prob);
    let alpha = (2.83 + 5.1 / &b) * &stddev;
    let m = lax::floor(&((count + 1.0) * prob));
    let body = |(i, k_out, accepted, key): Carry| -> Carry {
        let [key, key_u, key_v] = split_into(&key);
        let u = unit(&key_u, &shape, float) - 0.5;
        let v = unit(&key_v, &shape, float);
        let us: Array = 0.5 - u.abs();
        let accept1 = us.ge(0.07) & v.le(&v_r);
        let k = lax::floor(&((2.0 * &a / &us + &b) * &u + &c));
        let reject = k.lt(0.0) | k.gt(count);
        let v = (v * &alpha / (&a / (&us * &us) + &b)).log();
        let rest = |x: &Array| count - x;
        let bound = (&m + 0.5) * ((&m + 1.0) / (&r * (rest(&m) + 1.0))).log()
            + (count + 1.0) * ((rest(&m) + 1.0) / (rest(&k) + 1.0)).log()
            + (&k + 0.5) * (&r * (rest(&k) + 1.0) / (&k + 1.0)).log()
            + stirling_tail(&m)
            + stirling_tail(&rest(&m))
            - stirling_tail(&k)
            - stirling_tail(&rest(&k));
        let accept = accept1 | (!reject & v.le(&bound));
        (next(&i), lax::select(&accept, &k, &k_out), accepted | accept, key)
    };
    let cond = |(i, _, accepted, _): Carry| again(&!accepted, &i, most);
    let start = (counter(), lax::full(&shape, -1.0, float), lax::full(&shape, false, DType::I1), key.clone());
    let (_, k, _, _) = while_loop(cond, body, start);
    lax::convert_element_type(&k, dtype)
}

/// How `n` trials fall into the categories of probabilities `p` (`[…, k]`), as floats of the default dtype: `[…, k]`.
///
/// `p` has the shape of the result, to which it broadcasts, and `n` that without the last dimension.
///
/// ```
/// # use jacinth_frontend::{Array, random};
/// let p = Array::from([0.5f32, 0.25, 0.25]);
/// let x = random::multinomial(random::key(0), 10.0, &p, [2, 3]);
/// assert_eq!(x.to_string(), "[[7. 2. 1.]\n [3. 5. 2.]]");
/// ```
///
/// # Panics
/// If the shape has no dimension, or a parameter does not broadcast.
#[track_caller]
pub fn multinomial(key: impl AnyKey, n: impl IntoArray, p: impl IntoArray, shape: impl IntoShape) -> Array {
    multinomial_of(key, n, p, shape, default_float())
}

/// [`multinomial`] in that dtype.
///
/// ```
/// # use jacinth_frontend::{Array, DType, random};
/// let p = Array::from([0.5f32, 0.5]);
/// let x = random::multinomial_of(random::key(0), 8.0, &p, 2, DType::BF16);
/// assert_eq!(x.sum().astype(DType::F32).item::<f32>(), 8.0);
/// ```
///
/// # Panics
/// As [`multinomial`], or if the dtype is no float.
#[track_caller]
pub fn multinomial_of(
    key: impl AnyKey,
    n: impl IntoArray,
    p: impl IntoArray,
    shape: impl IntoShape,
    dtype: DType,
) -> Array {
    let (shape, dtype) = (exact_shape("multinomial", shape), float_dtype("multinomial", dtype));
    let (n, p) = (n.into_array(), p.into_array());
    if shape.is_empty() {
        refuse!("multinomial" => "the last dimension holds the categories, but the shape has none")
    }
    let trials = shape[..shape.len() - 1].to_vec();
    check_shape("multinomial", &shape, &[p.shape()]);
    check_shape("multinomial", &trials, &[n.shape()]);
    let key = key.into_key().single("multinomial");
    jitted("multinomial", &[&key, &n, &p], (&shape, dtype), |x| {
        let mut promoted = promote_inexact(&[x[1].clone(), x[2].clone()]).into_iter();
        let mut next = |shape: &[usize]| jnp::broadcast_to(promoted.next().expect("two"), shape);
        let (n, p) = (next(&trials), next(&shape));
        let float = p.dtype();
        let p = lax::moveaxis(&p, shape.len() - 1, 0);
        // Each category takes its share of what the ones before it left.
        let left = lax::cumsum(&p, 0, true);
        let ratios = &p / jnp::where_(lax::eq(&left, &number(0.0, float)), 1.0, &left);
        let keys = split_words(&x[0], &[p.shape()[0]]);
        let step = |remainder: Array, (ratio, key): (Array, Array)| {
            let ratio = jnp::clip(&ratio, 0, 1);
            let count = binomial_body(&key, &remainder, &ratio, &trials, float);
            (&remainder - &count, count)
        };
        let (_, counts) = scan(step, n, &(ratios, keys));
        lax::convert_element_type(&lax::moveaxis(&counts, 0, shape.len() - 1), dtype)
    })
}

/// Categories drawn by unnormalised logarithms of probabilities, `logits` along `axis`: integers of the shape, by the largest of the logits with
/// Gumbel numbers added.
///
/// The shape ends in that of the logits without the axis.
///
/// ```
/// # use jacinth_frontend::{Array, random};
/// let logits = Array::from([0.1f32, 0.2, 0.7]).log();
/// let x = random::categorical(random::key(0), &logits, -1, 6);
/// assert_eq!(x.to_vec::<i32>(), [1, 2, 2, 1, 2, 2]);
/// ```
///
/// # Panics
/// As [`categorical_with`].
#[track_caller]
pub fn categorical(key: impl AnyKey, logits: impl IntoArray, axis: i64, shape: impl IntoShape) -> Array {
    categorical_with(key, logits, axis, shape, true, "low")
}

/// [`categorical`], with replacement or without, from Gumbel numbers of that mode (see [`gumbel_with`](super::gumbel_with)).
///
/// ```
/// # use jacinth_frontend::{numpy as jnp, random};
/// // Without replacement: a permutation.
/// let x = random::categorical_with(random::key(0), jnp::zeros(4), -1, 4, false, "low");
/// assert_eq!(x.to_vec::<i32>(), [1, 0, 3, 2]);
/// ```
///
/// # Panics
/// If logits are no floats, the shape does not end in that of the logits without the axis, or there are fewer categories than draws without
/// replacement.
#[track_caller]
pub fn categorical_with(
    key: impl AnyKey,
    logits: impl IntoArray,
    axis: i64,
    shape: impl IntoShape,
    replace: bool,
    mode: &str,
) -> Array {
    let (logits, shape) = (logits.into_array(), exact_shape("categorical", shape));
    let dtype = float_dtype("categorical", logits.dtype());
    super::continuous::check_gumbel_mode("categorical", mode);
    let axis = jnp::canonical("categorical", axis, logits.ndim());
    let batch: Vec<usize> = (0..logits.ndim()).filter(|&d| d != axis).map(|d| logits.shape()[d]).collect();
    check_shape("categorical", &shape, &[&batch]);
    if shape.len() < batch.len() {
        refuse!("categorical" => "the shape must end in that of the logits without the axis")
    }
    let (prefix, inner) = shape.split_at(shape.len() - batch.len());
    let categories = logits.shape()[axis];
    let draws: usize = prefix.iter().product();
    if !replace && draws > categories {
        refuse!("categorical" => "{draws} draws without replacement exceed the {categories} categories")
    }
    let key = key.into_key().single("categorical");
    jitted("_categorical", &[&key, &logits], (&shape, axis, replace, mode), |x| {
        let (key, logits) = (&x[0], &x[1]);
        if replace {
            let mut sizes = inner.to_vec();
            sizes.insert(axis, categories);
            let full: Vec<usize> = prefix.iter().copied().chain(sizes).collect();
            let noise = gumbel_body(key, &full, dtype, mode);
            return jnp::argmax(jnp::add(noise, to_rank(logits, full.len())), (prefix.len() + axis) as i64);
        }
        let noisy = lax::add(logits, &gumbel_body(key, logits.shape(), dtype, mode));
        let (_, drawn) = lax::top_k(&lax::moveaxis(&noisy, axis, logits.ndim() - 1), draws);
        lax::reshape(&lax::moveaxis(&drawn, drawn.ndim() - 1, 0), &shape)
    })
}
