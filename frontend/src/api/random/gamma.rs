//! The gamma distribution, and what is made of it.

use super::bits::unit;
use super::continuous::{exponential_body, normal_body, parametric};
use super::discrete::rademacher_body;
use super::key::{AnyKey, split_into, split_words};
use super::sampler::{Finfo, check_shape, float_dtype, jitted, number};
use crate::api::control::while_loop;
use crate::api::custom::{ArgumentJvp, custom_jvp};
use crate::api::dtypes::default_float;
use crate::api::nn;
use crate::api::numpy::{self as jnp, IntoArray, IntoShape, exact_shape};
use crate::api::vmap::vmap;
use crate::ir::{Array, DType};
use crate::lax::{self, rules::refuse};

parametric! {
    /// The beta distribution on the numbers between 0 and 1, of density proportional to `xᵃ⁻¹ (1 - x)ᵇ⁻¹`: from two gamma numbers.
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// let x = random::beta(random::key(0), 2.0, 3.0, 3);
    /// assert_eq!(x.round_to(3).to_string(), "[0.236 0.49  0.684]");
    /// ```
    beta,
    /// [`beta`] in that dtype.
    ///
    /// ```
    /// # use jacinth_frontend::{DType, random};
    /// let x = random::beta_of(random::key(0), 2.0, 3.0, 3, DType::F16);
    /// assert_eq!((x.dtype(), x.shape()), (DType::F16, &[3][..]));
    /// ```
    beta_of(a, b) = "_beta" beta_body;
    /// The chi-square distribution of `df` degrees of freedom: twice a gamma number of shape `df / 2`.
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// let x = random::chisquare(random::key(0), 3.0, 3);
    /// assert_eq!(x.round_to(3).to_string(), "[2.205 2.49  1.456]");
    /// ```
    chisquare,
    /// [`chisquare`] in that dtype.
    ///
    /// ```
    /// # use jacinth_frontend::{DType, random};
    /// let x = random::chisquare_of(random::key(0), 3.0, 3, DType::BF16);
    /// assert_eq!((x.dtype(), x.shape()), (DType::BF16, &[3][..]));
    /// ```
    chisquare_of(df) = "_chisquare" chisquare_body;
    /// The F distribution of `dfnum` and `dfden` degrees of freedom: the quotient of two chi-square numbers, each divided by its degrees.
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// let x = random::f(random::key(0), 3.0, 5.0, 3);
    /// assert_eq!(x.round_to(3).to_string(), "[2.58  0.192 0.16 ]");
    /// ```
    f,
    /// [`f`] in that dtype.
    ///
    /// ```
    /// # use jacinth_frontend::{DType, random};
    /// let x = random::f_of(random::key(0), 3.0, 5.0, 3, DType::F16);
    /// assert_eq!((x.dtype(), x.shape()), (DType::F16, &[3][..]));
    /// ```
    f_of(dfnum, dfden) = "_f" f_body;
    /// The gamma distribution of shape `a` and scale 1, of density proportional to `xᵃ⁻¹ e⁻ˣ`; differentiable with respect to `a`. By rejection
    /// (Marsaglia and Tsang, ACM Trans. Math. Softw. 26, 2000).
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// let x = random::gamma(random::key(0), 2.0, 3);
    /// assert_eq!(x.round_to(3).to_string(), "[1.59  1.76  1.129]");
    /// ```
    gamma,
    /// [`gamma`] in that dtype.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, DType, random};
    /// let a = Array::from([1.0f32, 10.0]);
    /// let x = random::gamma_of(random::key(0), &a, [3, 2], DType::BF16);
    /// assert_eq!((x.dtype(), x.shape()), (DType::BF16, &[3, 2][..]));
    /// ```
    gamma_of(a) = "_gamma" gamma_body;
    /// The logarithm of gamma numbers of shape `a`, exact where these would underflow.
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// let x = random::loggamma(random::key(0), 0.001, 3);
    /// assert!(x.max().item::<f32>() < -90.0);
    /// ```
    loggamma,
    /// [`loggamma`] in that dtype.
    ///
    /// ```
    /// # use jacinth_frontend::{DType, random};
    /// let x = random::loggamma_of(random::key(0), 2.0, 3, DType::F16);
    /// assert_eq!((x.dtype(), x.shape()), (DType::F16, &[3][..]));
    /// ```
    loggamma_of(a) = "_gamma_log" loggamma_body;
    /// Student's t distribution of `df` degrees of freedom.
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// let x = random::t(random::key(0), 5.0, 3);
    /// assert_eq!(x.round_to(3).to_string(), "[ 0.759 -2.056 -1.282]");
    /// ```
    t,
    /// [`t`] in that dtype.
    ///
    /// ```
    /// # use jacinth_frontend::{DType, random};
    /// let x = random::t_of(random::key(0), 5.0, 3, DType::BF16);
    /// assert_eq!((x.dtype(), x.shape()), (DType::BF16, &[3][..]));
    /// ```
    t_of(df) = "_t" t_body;
}

/// The Dirichlet distribution of parameters `alpha` (`[…, k]`): vectors of positive numbers whose sum is 1, `[shape…, k]`.
///
/// ```
/// # use jacinth_frontend::{Array, random};
/// let x = random::dirichlet(random::key(0), Array::from([1.0f32, 2.0, 3.0]), 2);
/// assert_eq!(x.round_to(3).to_string(), "[[0.142 0.405 0.453]\n [0.285 0.352 0.364]]");
/// ```
///
/// # Panics
/// If `alpha` has no dimension, or its others do not broadcast to the shape.
#[track_caller]
pub fn dirichlet(key: impl AnyKey, alpha: impl IntoArray, shape: impl IntoShape) -> Array {
    dirichlet_of(key, alpha, shape, default_float())
}

/// [`dirichlet`] in that dtype.
///
/// ```
/// # use jacinth_frontend::{DType, numpy as jnp, random};
/// let x = random::dirichlet_of(random::key(0), jnp::ones([4, 3]), [2, 4], DType::F16);
/// assert_eq!((x.dtype(), x.shape()), (DType::F16, &[2, 4, 3][..]));
/// ```
///
/// # Panics
/// As [`dirichlet`], or if the dtype is no float of 16 to 64 bits.
#[track_caller]
pub fn dirichlet_of(key: impl AnyKey, alpha: impl IntoArray, shape: impl IntoShape, dtype: DType) -> Array {
    let (mut shape, dtype) = (exact_shape("dirichlet", shape), float_dtype("dirichlet", dtype));
    let alpha = alpha.into_array();
    let Some((&k, batch)) = alpha.shape().split_last() else {
        refuse!("dirichlet" => "alpha must have at least one dimension, got {}", alpha.aval())
    };
    check_shape("dirichlet", &shape, &[batch]);
    shape.push(k);
    let key = key.into_key().single("dirichlet");
    jitted("_dirichlet", &[&key, &alpha], (&shape, dtype), |x| {
        let alpha = lax::convert_element_type(&x[1], dtype);
        nn::softmax(samples(&x[0], &alpha, &shape, true), -1)
    })
}

/// The generalized normal distribution, of density proportional to `exp(-|x|ᵖ)`: the `p`-th root of a gamma number, with a random sign.
///
/// ```
/// # use jacinth_frontend::random;
/// let x = random::generalized_normal(random::key(0), 3.0, 3);
/// assert_eq!(x.round_to(3).to_string(), "[ 0.893  0.097 -0.996]");
/// ```
///
/// # Panics
/// If `p` is no scalar.
#[track_caller]
pub fn generalized_normal(key: impl AnyKey, p: impl IntoArray, shape: impl IntoShape) -> Array {
    generalized_normal_of(key, p, shape, default_float())
}

/// [`generalized_normal`] in that dtype.
///
/// ```
/// # use jacinth_frontend::{DType, random};
/// let x = random::generalized_normal_of(random::key(0), 3.0, 3, DType::BF16);
/// assert_eq!((x.dtype(), x.shape()), (DType::BF16, &[3][..]));
/// ```
///
/// # Panics
/// If `p` is no scalar, or the dtype is no float of 16 to 64 bits.
#[track_caller]
pub fn generalized_normal_of(
    key: impl AnyKey,
    p: impl IntoArray,
    shape: impl IntoShape,
    dtype: DType,
) -> Array {
    let name = "generalized_normal";
    let (shape, dtype, p) = (exact_shape(name, shape), float_dtype(name, dtype), p.into_array());
    if p.ndim() > 0 {
        refuse!(name => "p must be a scalar, got {}", p.aval())
    }
    let key = key.into_key().single(name);
    jitted("_generalized_normal", &[&key, &p], (&shape, dtype), |x| {
        generalized_normal_body(&x[0], &x[1], &shape, dtype)
    })
}

/// Points in the unit ball of `d` dimensions in the `p`-norm, evenly: `[shape…, d]`
/// (Barthe, Guédon, Mendelson and Naor, Ann. Probab. 33, 2005). JAX's default of `p` is 2.
///
/// ```
/// # use jacinth_frontend::random;
/// let x = random::ball(random::key(0), 2, 2.0, 3);
/// assert_eq!(x.round_to(3).to_string(), "[[ 0.917  0.393]\n [ 0.043 -0.909]\n [ 0.125 -0.025]]");
/// ```
///
/// # Panics
/// If `p` is no scalar.
#[track_caller]
pub fn ball(key: impl AnyKey, d: usize, p: impl IntoArray, shape: impl IntoShape) -> Array {
    ball_of(key, d, p, shape, default_float())
}

/// [`ball`] in that dtype.
///
/// ```
/// # use jacinth_frontend::{DType, random};
/// let x = random::ball_of(random::key(0), 3, 1.0, 5, DType::F32);
/// assert!(x.abs().sum_axis(-1).max().item::<f32>() <= 1.0);
/// ```
///
/// # Panics
/// If `p` is no scalar, or the dtype is no float of 16 to 64 bits.
#[track_caller]
pub fn ball_of(key: impl AnyKey, d: usize, p: impl IntoArray, shape: impl IntoShape, dtype: DType) -> Array {
    let (shape, dtype, p) = (exact_shape("ball", shape), float_dtype("ball", dtype), p.into_array());
    if p.ndim() > 0 {
        refuse!("ball" => "p must be a scalar, got {}", p.aval())
    }
    let key = key.into_key().single("ball");
    jitted("_ball", &[&key, &p], (d, &shape, dtype), |x| {
        let ([k1, k2], p) = (split_into(&x[0]), &x[1]);
        let mut vectors = shape.clone();
        vectors.push(d);
        let g = generalized_normal_body(&k1, p, &vectors, dtype);
        let e = exponential_body(&k2, &shape, dtype);
        let norm = jnp::sum(jnp::power(jnp::abs(&g), p), -1) + e;
        let norm = jnp::power(norm, jnp::true_divide(1.0, p));
        g / jnp::expand_dims(norm, -1)
    })
}

fn generalized_normal_body(key: &Array, p: &Array, shape: &[usize], dtype: DType) -> Array {
    let [gamma_key, sign_key] = split_into(key);
    let inverse = jnp::true_divide(1.0, p);
    let g = samples(&gamma_key, &lax::convert_element_type(&inverse, dtype), shape, false);
    let sign = rademacher_body(&sign_key, shape, dtype);
    sign * jnp::power(g, inverse)
}

fn gamma_body(key: &Array, params: &[Array], shape: &[usize], _: DType) -> Array {
    samples(key, &params[0], shape, false)
}

fn loggamma_body(key: &Array, params: &[Array], shape: &[usize], _: DType) -> Array {
    samples(key, &params[0], shape, true)
}

fn beta_body(key: &Array, params: &[Array], shape: &[usize], _: DType) -> Array {
    let [key_a, key_b] = split_into(key);
    let (log_a, log_b) = (samples(&key_a, &params[0], shape, true), samples(&key_b, &params[1], shape, true));
    // The larger becomes one, so that neither overflows.
    let largest = lax::max(&log_a, &log_b);
    let scaled = |x: &Array| lax::exp(&lax::sub(x, &largest));
    let (a, b) = (scaled(&log_a), scaled(&log_b));
    lax::div(&a, &lax::add(&a, &b))
}

fn chisquare_body(key: &Array, params: &[Array], shape: &[usize], dtype: DType) -> Array {
    let two = number(2.0, dtype);
    let log = samples(key, &lax::div(&params[0], &two), shape, true);
    lax::mul(&lax::exp(&log), &two)
}

fn f_body(key: &Array, params: &[Array], shape: &[usize], dtype: DType) -> Array {
    let [key_den, key_num] = split_into(key);
    let per_degree = |key: &Array, df: &Array| {
        let chi2 = chisquare_body(key, std::slice::from_ref(df), shape, dtype);
        lax::div(&chi2, &jnp::broadcast_to(df, shape))
    };
    lax::div(&per_degree(&key_num, &params[0]), &per_degree(&key_den, &params[1]))
}

fn t_body(key: &Array, params: &[Array], shape: &[usize], dtype: DType) -> Array {
    let [normal_key, gamma_key] = split_into(key);
    let n = normal_body(&normal_key, shape, dtype);
    let half = lax::div(&params[0], &number(2.0, dtype));
    let g = samples(&gamma_key, &half, shape, false);
    n * lax::sqrt(&lax::div(&jnp::broadcast_to(&half, shape), &g))
}

/// Gamma numbers in place, or their logarithms: each element has a key of its own, and the derivative with respect to the parameter is
/// that of the sample at a fixed place of the distribution.
fn samples(key: &Array, a: &Array, shape: &[usize], log_space: bool) -> Array {
    let a = jnp::broadcast_to(a, shape);
    let draw = custom_jvp(move |key: &Array, a: &Array| {
        let count = a.size();
        let keys = split_words(key, &[count]);
        let flat = lax::reshape(a, &[count]);
        let drawn = vmap(move |key: &Array, a: &Array| one_sample(key, a, log_space))(&keys, &flat);
        lax::reshape(&drawn, a.shape())
    });
    let rule: ArgumentJvp = if log_space {
        |t, out, args| t * log_gradient(out, &args[1])
    } else {
        |t, out, args| t * gradient(out, &args[1])
    };
    draw.defjvps([None, Some(rule)])(key, &a)
}

/// The derivative of a sample with respect to the parameter.
fn gradient(sample: &Array, a: &Array) -> Array {
    lax::random_gamma_grad(a, sample)
}

/// That of a sample's logarithm, from the logarithm.
fn log_gradient(log_sample: &Array, a: &Array) -> Array {
    let sample = lax::exp(log_sample);
    let tiny = number(Finfo::of(sample.dtype()).tiny, sample.dtype());
    let sample = jnp::where_(lax::eq(&sample, &number(0.0, sample.dtype())), tiny, &sample);
    lax::div(&lax::random_gamma_grad(a, &sample), &sample)
}

/// One gamma number by rejection (Marsaglia and Tsang, "A simple method for generating gamma variables", 2000); parameters below one are
/// raised by one, and the sample lowered by a power of a uniform number.
fn one_sample(key: &Array, alpha: &Array, log_space: bool) -> Array {
    type Carry = (Array, Array, Array, Array);
    let dtype = alpha.dtype();
    let num = |v: f64| number(v, dtype);
    let (zero, one) = (num(0.0), num(1.0));
    let large = lax::ge(alpha, &one);
    let raised = lax::select(&large, alpha, &lax::add(alpha, &one));
    let third = num(1.0 / 3.0);
    let d = lax::sub(&raised, &third);
    let c = lax::div(&third, &lax::sqrt(&d));
    let cond = |(_, x, v, u): Carry| {
        let squeeze = lax::sub(&one, &lax::mul(&num(0.0331), &lax::mul(&x, &x)));
        let exact = lax::add(&lax::sub(&one, &v), &lax::log(&v));
        let exact = lax::add(&lax::mul(&x, &num(0.5)), &lax::mul(&d, &exact));
        lax::and(&lax::ge(&u, &squeeze), &lax::ge(&lax::log(&u), &exact))
    };
    let body = |(key, _, _, _): Carry| -> Carry {
        let [key, x_key, u_key] = split_into(&key);
        let draw = |(key, _, _): (Array, Array, Array)| {
            let [key, subkey] = split_into(&key);
            let x = normal_body(&subkey, &[], dtype);
            let v = lax::add(&one, &lax::mul(&x, &c));
            (key, x, v)
        };
        let start = (x_key, zero.clone(), num(-1.0));
        let (_, x, v) = while_loop(|(_, _, v): (Array, Array, Array)| lax::le(&v, &zero), draw, start);
        let cube = lax::mul(&lax::mul(&v, &v), &v);
        (key, lax::mul(&x, &x), cube, unit(&u_key, &[], dtype))
    };
    let [key, subkey] = split_into(key);
    let (_, _, v, _) = while_loop(cond, body, (key, zero.clone(), one.clone(), num(2.0)));
    let inverse = lax::div(&one, alpha);
    if log_space {
        let log = lax::neg(&exponential_body(&subkey, &[], dtype));
        let whole = lax::or(&large, &lax::eq(&log, &zero));
        let boost = lax::select(&whole, &zero, &lax::mul(&log, &inverse));
        return lax::add(&lax::add(&lax::log(&d), &lax::log(&v)), &boost);
    }
    let uniform = lax::sub(&one, &unit(&subkey, &[], dtype));
    let boost = lax::select(&large, &one, &lax::pow(&uniform, &inverse));
    lax::mul(&lax::mul(&d, &v), &boost)
}
