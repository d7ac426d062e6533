//! Arrangements: permutations and choices.

use super::bits::{integers, random_bits, unit};
use super::continuous::gumbel_body;
use super::key::{AnyKey, split_into};
use super::sampler::{jitted, number, part};
use crate::api::dtypes::{default_int, promote_inexact};
use crate::api::indexing::{Index, Indices, IntoIndex};
use crate::api::numpy::{self as jnp, IntoShape, canonical, exact_shape};
use crate::ir::Array;
use crate::lax::{self, rules::refuse, rules::show};

/// What is permuted or chosen from: an array, or a number `n`, which stands for `0, 1, …, n - 1`.
pub trait Population {
    /// The array, and whether it was a number.
    fn population(self) -> (Array, bool);
}

impl Population for &Array {
    fn population(self) -> (Array, bool) {
        (self.clone(), false)
    }
}

impl Population for Array {
    fn population(self) -> (Array, bool) {
        (self, false)
    }
}

macro_rules! numbers {
    ($($T:ty),*) => {$(
        impl Population for $T {
            #[track_caller]
            fn population(self) -> (Array, bool) {
                (jnp::arange(i64::try_from(self).expect("a size")), true)
            }
        }
    )*};
}

numbers!(i32, i64, u32, usize);

/// A permutation of an array along its first dimension, or of the numbers below one.
///
/// ```
/// # use jacinth_frontend::{Array, random};
/// assert_eq!(random::permutation(random::key(0), 5).to_vec::<i32>(), [0, 1, 4, 3, 2]);
/// let rows = random::permutation(random::key(1), &Array::from([[1, 2], [3, 4]]));
/// assert_eq!(rows.shape(), [2, 2]);
/// ```
///
/// # Panics
/// If the array has no dimensions.
#[track_caller]
pub fn permutation(key: impl AnyKey, x: impl Population) -> Array {
    permutation_with(key, x, 0, false)
}

/// A permutation along an axis; `independent` ones are another for each vector along it.
///
/// ```
/// # use jacinth_frontend::{Array, random};
/// let x = Array::from([[1, 2, 3], [4, 5, 6]]);
/// let y = random::permutation_with(random::key(0), &x, 1, true);
/// assert_eq!(y.to_string(), "[[1 2 3]\n [6 5 4]]");
/// ```
///
/// # Panics
/// If the array has no such axis.
#[track_caller]
pub fn permutation_with(key: impl AnyKey, x: impl Population, axis: i64, independent: bool) -> Array {
    let (x, _) = x.population();
    if x.ndim() == 0 {
        refuse!("permutation" => "x must be a host integer or at least 1-dimensional")
    }
    let axis = canonical("permutation", axis, x.ndim());
    let key = key.into_key().single("permutation");
    jitted("_permutation", &[&key, &x], (axis, independent), |x| permuted(&x[0], &x[1], axis, independent))
}

fn permuted(key: &Array, x: &Array, axis: usize, independent: bool) -> Array {
    if independent || x.ndim() == 1 {
        return shuffled(key, x, axis);
    }
    let places = lax::iota(default_int(), x.shape()[axis]);
    take(x, &shuffled(key, &places, 0), axis)
}

/// Sorts by random keys, more than once where equal ones are likely.
fn shuffled(key: &Array, x: &Array, axis: usize) -> Array {
    let rounds = (3.0 * (x.size().max(1) as f64).ln() / (u32::MAX as f64).ln()).ceil() as usize;
    let (mut key, mut x) = (key.clone(), x.clone());
    for _ in 0..rounds {
        let [next, subkey] = split_into(&key);
        let order = random_bits(&subkey, 32, x.shape());
        x = lax::sort_many(&[order, x], axis, true, 1).pop().expect("two operands");
        key = next;
    }
    x
}

/// The slices of `x` along `axis` at those places.
fn take(x: &Array, places: &Array, axis: usize) -> Array {
    let whole = |_| (..).into_index();
    x.at(Indices::new((0..axis).map(whole).chain([Index::Array(places.clone())]))).get()
}

/// Draws from an array along its first dimension, or from the numbers below one, evenly and with replacement.
///
/// ```
/// # use jacinth_frontend::{Array, random};
/// assert_eq!(random::choice(random::key(0), 5, 3).to_vec::<i32>(), [4, 0, 2]);
/// let letters = Array::from([97, 98, 99]);
/// assert_eq!(random::choice(random::key(0), &letters, [2, 2]).shape(), [2, 2]);
/// ```
///
/// # Panics
/// As [`choice_with`].
#[track_caller]
pub fn choice(key: impl AnyKey, a: impl Population, shape: impl IntoShape) -> Array {
    choice_with(key, a, shape, true, None, 0)
}

/// Draws from an array along an axis, or from the numbers below one: with replacement or without, evenly or with probabilities
/// `p` (`[n]`), which need not sum to 1.
///
/// ```
/// # use jacinth_frontend::{Array, random};
/// let (x, p) = (Array::from([10, 20, 30]), Array::from([0.0f32, 1.0, 3.0]));
/// let drawn = random::choice_with(random::key(0), &x, 4, true, Some(&p), 0);
/// assert_eq!(drawn.to_vec::<i32>(), [20, 20, 30, 30]);
/// ```
///
/// # Panics
/// If there is nothing to draw from, `p` has another size, or there are more draws than elements without replacement.
#[track_caller]
pub fn choice_with(
    key: impl AnyKey,
    a: impl Population,
    shape: impl IntoShape,
    replace: bool,
    p: Option<&Array>,
    axis: i64,
) -> Array {
    let (shape, (a, is_number)) = (exact_shape("choice", shape), a.population());
    if a.ndim() == 0 {
        refuse!("choice" => "a must be a host integer or at least 1-dimensional")
    }
    let axis = canonical("choice", axis, a.ndim());
    let (inputs, draws) = (a.shape()[axis], shape.iter().product::<usize>());
    let out: Vec<usize> =
        a.shape()[..axis].iter().chain(&shape).chain(&a.shape()[axis + 1..]).copied().collect();
    if draws == 0 {
        return lax::full(&out, 0, a.dtype());
    }
    if inputs == 0 {
        refuse!("choice" => "there is nothing to draw from: the array has shape {} and axis {axis}", show(a.shape()))
    }
    if !replace && draws > inputs {
        refuse!("choice" => "{draws} draws without replacement exceed the population of {inputs}")
    }
    if let Some(p) = p
        && p.shape() != [inputs]
    {
        refuse!("choice" => "p must be a vector of the population's size {inputs}, got shape {}", show(p.shape()))
    }
    let key = key.into_key().single("choice");
    let mut args = vec![&key, &a];
    args.extend(p);
    jitted("choice", &args, (&shape, replace, axis, is_number), |x| {
        let (key, a) = (&x[0], &x[1]);
        let drawn = match (x.get(2), replace) {
            (None, true) => {
                let bound = |v: usize| number(v as u64, default_int());
                take(a, &integers(key, &shape, &bound(0), &bound(inputs), default_int()), axis)
            }
            (None, false) => part(&permuted(key, a, axis, false), 0, draws, axis),
            (Some(p), _) => {
                let p = promote_inexact(std::slice::from_ref(p)).remove(0);
                take(a, &weighted(key, &p, &shape, draws, replace), axis)
            }
        };
        lax::reshape(&drawn, &out)
    })
}

/// Places drawn with those weights.
fn weighted(key: &Array, p: &Array, shape: &[usize], draws: usize, replace: bool) -> Array {
    if !replace {
        let noisy = lax::add(&gumbel_body(key, p.shape(), p.dtype(), "low"), &lax::log(p));
        return lax::convert_element_type(&lax::top_k(&noisy, draws).1, default_int());
    }
    let sums = jnp::cumsum(p, 0);
    let total = lax::index_in_dim(&sums, -1, 0, false);
    let r = lax::mul(&total, &lax::sub(&number(1.0, p.dtype()), &unit(key, shape, p.dtype())));
    searchsorted(&sums, &r)
}

/// How many of the sorted numbers are below each value.
fn searchsorted(sorted: &Array, values: &Array) -> Array {
    let mut full = vec![sorted.size()];
    full.extend(values.shape());
    let dims: Vec<usize> = (1..full.len()).collect();
    let below =
        lax::lt(&lax::broadcast_in_dim(sorted, &full, &[0]), &lax::broadcast_in_dim(values, &full, &dims));
    lax::reduce_sum(&lax::convert_element_type(&below, default_int()), &[0])
}
