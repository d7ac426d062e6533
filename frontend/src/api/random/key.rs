//! Keys: made from seeds, split, folded; raw keys beside typed ones.

use std::fmt;

use super::bits::{counts, threefry_2x32};
use super::sampler::jitted;
use crate::api::numpy::{self as jnp, IntoArray, IntoShape, exact_shape};
use crate::config::{threefry_is_partitionable, x64_enabled};
use crate::error::Error;
use crate::ir::{Array, DType, numpy_name};
use crate::lax::{self, rules::refuse, rules::show};
use crate::tree::{Flattener, Leaves, Pytree, TreeError, Unflattener};

/// A random key, or an array of keys: the new style of JAX, with the generator `threefry2x32`.
///
/// It is a pytree of one leaf, the words `u32[…, 2]`, so that `vmap` maps over an array of keys and `scan` carries one. It is not `Copy`:
/// whatever draws from it takes it by value.
#[derive(Clone)]
#[must_use = "a key that nothing draws from was split for nothing"]
pub struct Key {
    data: Array,
}

/// What samplers take as a key: a [`Key`], or a raw one, an array `u32[2]`. By value, for it is used up.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a random key",
    note = "a key is passed by value, for a sampler uses it up: `random::split` it for several uses, or `random::clone` it to get the same numbers"
)]
pub trait AnyKey: Sized {
    /// The key with its type.
    fn into_key(self) -> Key;
    /// The key without looking into it.
    fn as_data(&self) -> &Array;
    /// A key of this style.
    fn from_key(key: Key) -> Self;
}

impl AnyKey for Key {
    fn into_key(self) -> Key {
        self
    }

    fn as_data(&self) -> &Array {
        &self.data
    }

    fn from_key(key: Key) -> Key {
        key
    }
}

/// Raw keys.
impl AnyKey for Array {
    #[track_caller]
    fn into_key(self) -> Key {
        wrap_key_data(self)
    }

    fn as_data(&self) -> &Array {
        self
    }

    fn from_key(key: Key) -> Array {
        key.data
    }
}

impl Key {
    /// The dimensions of an array of keys; none for a single key.
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// assert_eq!(random::split_n(random::key(0), [2, 3]).shape(), [2, 3]);
    /// ```
    pub fn shape(&self) -> &[usize] {
        let shape = self.data.shape();
        &shape[..shape.len() - 1]
    }

    /// The number of dimensions.
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// assert_eq!(random::split_n(random::key(0), [2, 3]).ndim(), 2);
    /// ```
    pub fn ndim(&self) -> usize {
        self.shape().len()
    }

    /// The dtype of keys.
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// assert_eq!(random::key(0).dtype().to_string(), "key<fry>");
    /// ```
    pub fn dtype(&self) -> KeyDType {
        KeyDType
    }

    /// How many keys these are.
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// assert_eq!(random::split_n(random::key(0), [2, 3]).size(), 6);
    /// ```
    pub fn size(&self) -> usize {
        self.shape().iter().product()
    }

    /// The keys at one index of the first dimension, counted from the end where negative.
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// let keys = random::split_n(random::key(0), 3);
    /// let [_, _, last] = random::split(random::key(0));
    /// assert_eq!(random::key_data(&keys.index(-1)).to_string(), random::key_data(&last).to_string());
    /// ```
    ///
    /// # Panics
    /// If the index is out of bounds, or this is a single key.
    #[track_caller]
    pub fn index(&self, index: i64) -> Key {
        self.check_dimensions("indexing");
        Key { data: lax::index_in_dim(&self.data, index, 0, false) }
    }

    /// The keys along the first dimension.
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// let keys = random::split_n(random::key(0), 3);
    /// let draws: Vec<f32> = keys.iter().map(|key| random::uniform(key, ()).item()).collect();
    /// assert_eq!(draws.len(), 3);
    /// ```
    ///
    /// # Panics
    /// If this is a single key.
    #[track_caller]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Key> + '_ {
        self.check_dimensions("iteration");
        (0..self.shape()[0]).map(|i| Key { data: lax::index_in_dim(&self.data, i as i64, 0, false) })
    }

    /// The same keys in other dimensions; one size may be -1.
    ///
    /// ```
    /// # use jacinth_frontend::random;
    /// assert_eq!(random::split_n(random::key(0), 6).reshape([2, -1]).shape(), [2, 3]);
    /// ```
    ///
    /// # Panics
    /// If the sizes do not fit.
    #[track_caller]
    pub fn reshape(&self, shape: impl IntoShape) -> Key {
        let mut shape = shape.into_shape();
        shape.push(2);
        Key { data: jnp::reshape(&self.data, &shape[..]) }
    }

    #[track_caller]
    fn check_dimensions(&self, what: &str) {
        if self.ndim() == 0 {
            Error::argument(format!(
                "{what} over a single key: it has no dimensions; `random::split_n` makes an array of keys"
            ))
            .raise()
        }
    }

    /// The words of a single key; `name` is the function's that wants one.
    #[track_caller]
    pub(super) fn single(self, name: &'static str) -> Array {
        if self.ndim() > 0 {
            refuse!(name => "accepts a single key, but was given a key array of shape {} != (); use vmap for batching", show(self.shape()))
        }
        self.data
    }
}

impl Pytree for Key {
    fn flatten<'a>(&'a self, out: &mut Flattener<'a>) {
        out.leaf(&self.data);
    }

    fn into_leaves(self, out: &mut Leaves) {
        out.push(self.data);
    }

    fn unflatten(from: &mut Unflattener<'_>) -> Result<Key, TreeError> {
        Ok(Key { data: from.leaf()? })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?})", self.data)
    }
}

/// As JAX prints it.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.data.is_tracer() {
            let sizes: Vec<String> = self.shape().iter().map(usize::to_string).collect();
            return write!(f, "{KeyDType}[{}]", sizes.join(","));
        }
        write!(f, "Array({}, dtype={KeyDType}) overlaying:\n{}", show_shape(self.shape()), self.data)
    }
}

fn show_shape(shape: &[usize]) -> String {
    show(shape)
}

/// What a seed may be: an integer, or an integer scalar.
pub trait Seed {
    /// The key's words.
    fn words(self) -> Array;
}

macro_rules! seeds {
    ($($T:ty),*) => {$(
        impl Seed for $T {
            #[track_caller]
            fn words(self) -> Array {
                let wide = self as i64 as u64;
                // Without x64 a seed is a 32-bit integer: its upper half is lost, as in JAX.
                let high = if x64_enabled() { (wide >> 32) as u32 } else { 0 };
                Array::from_slice(&[high, wide as u32], 2)
            }
        }
    )*};
}

seeds!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

impl Seed for &Array {
    #[track_caller]
    fn words(self) -> Array {
        if self.ndim() > 0 {
            refuse!("key" => "accepts a scalar seed, but was given an array of shape {} != (); use vmap for batching", show(self.shape()))
        }
        if !self.dtype().is_integer() {
            refuse!("key" => "a seed must be an integer, got {}", numpy_name(self.dtype()))
        }
        seed_words(self)
    }
}

impl Seed for Array {
    #[track_caller]
    fn words(self) -> Array {
        (&self).words()
    }
}

/// The upper and the lower half of an integer.
#[track_caller]
fn seed_words(seed: &Array) -> Array {
    let word = |x: &Array| lax::reshape(&lax::convert_element_type(x, DType::UI32), &[1]);
    let high = if seed.dtype().bits() == 64 {
        word(&lax::shift_right_logical(seed, &Array::scalar(32, seed.dtype(), false)))
    } else {
        lax::full(&[1], 0, DType::UI32)
    };
    lax::concatenate(&[high, word(seed)], 0)
}

/// A typed key from a seed.
///
/// Without x64 only the lower 32 bits of the seed count, as in JAX. `impl` is always `threefry2x32`.
///
/// ```
/// # use jacinth_frontend::random;
/// assert_eq!(random::key_data(&random::key(42)).to_vec::<u32>(), [0, 42]);
/// ```
#[track_caller]
pub fn key(seed: impl Seed) -> Key {
    Key { data: seed.words() }
}

/// A raw key from a seed, `u32[2]`; JAX's `PRNGKey`.
///
/// ```
/// # use jacinth_frontend::random;
/// assert_eq!(random::prng_key(42).to_vec::<u32>(), [0, 42]);
/// ```
#[track_caller]
pub fn prng_key(seed: impl Seed) -> Array {
    seed.words()
}

/// A raw key from a seed, `u32[2]`: JAX's name of [`prng_key`].
///
/// ```
/// # use jacinth_frontend::random;
/// let key = random::PRNGKey(0);
/// assert_eq!(random::bits(key, 1).to_vec::<u32>(), random::bits(random::key(0), 1).to_vec::<u32>());
/// ```
#[allow(non_snake_case, reason = "the name is JAX's")]
#[track_caller]
pub fn PRNGKey(seed: impl Seed) -> Array {
    seed.words()
}

/// The words of keys, `u32[…, 2]`.
///
/// ```
/// # use jacinth_frontend::random;
/// let keys = random::split_n(random::key(0), 2);
/// assert_eq!(random::key_data(&keys).to_string(), "[[1797259609 2579123966]\n [ 928981903 3453687069]]");
/// ```
pub fn key_data(keys: &impl AnyKey) -> Array {
    keys.as_data().clone()
}

/// Keys from their words, `u32[…, 2]`.
///
/// ```
/// # use jacinth_frontend::{Array, random};
/// let key = random::wrap_key_data(Array::from([0u32, 42]));
/// assert_eq!(random::key_data(&key).to_vec::<u32>(), random::key_data(&random::key(42)).to_vec::<u32>());
/// ```
///
/// # Panics
/// If dtype or the last dimension is another.
#[track_caller]
pub fn wrap_key_data(key_bits_array: impl IntoArray) -> Key {
    let data = key_bits_array.into_array();
    if data.dtype() != DType::UI32 || data.shape().last() != Some(&2) {
        refuse!("wrap_key_data" => "a key of threefry2x32 is uint32 with a last dimension of 2, got {}", data.aval())
    }
    Key { data }
}

/// The dtype of keys, which is no dtype of numbers: `key<fry>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyDType;

impl fmt::Display for KeyDType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("key<fry>")
    }
}

/// The dtype of keys.
///
/// ```
/// # use jacinth_frontend::random;
/// assert_eq!(random::key(0).dtype(), random::key_dtype());
/// ```
pub fn key_dtype() -> KeyDType {
    KeyDType
}

/// The name of the keys' generator, always `threefry2x32`.
///
/// ```
/// # use jacinth_frontend::random;
/// assert_eq!(random::key_impl(&random::key(0)), "threefry2x32");
/// ```
pub fn key_impl(_keys: &impl AnyKey) -> &'static str {
    "threefry2x32"
}

/// The same key again, for drawing the same numbers on purpose.
///
/// ```
/// # use jacinth_frontend::random;
/// let key = random::key(0);
/// let x = random::uniform(random::clone(&key), 3);
/// assert_eq!(random::uniform(key, 3).to_vec::<f32>(), x.to_vec::<f32>());
/// ```
pub fn clone<K: AnyKey + Clone>(key: &K) -> K {
    key.clone()
}

/// As many new keys as the pattern takes: `let [key, subkey] = random::split(key);`.
///
/// ```
/// # use jacinth_frontend::random;
/// let [key, subkey] = random::split(random::key(0));
/// assert_eq!(random::key_data(&key).to_vec::<u32>(), [1797259609, 2579123966]);
/// assert_eq!(random::key_data(&subkey).to_vec::<u32>(), [928981903, 3453687069]);
/// ```
///
/// # Panics
/// If it is an array of keys.
#[track_caller]
pub fn split<K: AnyKey, const N: usize>(key: K) -> [K; N] {
    let keys = split_data(key.into_key().single("split"), &[N]);
    std::array::from_fn(|i| K::from_key(Key { data: lax::index_in_dim(&keys, i as i64, 0, false) }))
}

/// An array of new keys, of that number or shape; its keys are those that [`split`] gives one by one.
///
/// ```
/// # use jacinth_frontend::{random, vmap};
/// let keys = random::split_n(random::key(0), 4);
/// // A number for each key.
/// let x = vmap(|key: random::Key| random::normal(key, 2))(keys);
/// assert_eq!(x.shape(), [4, 2]);
/// ```
///
/// # Panics
/// If it is an array of keys.
#[track_caller]
pub fn split_n<K: AnyKey>(key: K, num: impl IntoShape) -> K {
    let shape = exact_shape("split", num);
    K::from_key(Key { data: split_data(key.into_key().single("split"), &shape) })
}

/// A new key from a key and a number; the key is not used up, so that a loop can fold in its counter.
///
/// ```
/// # use jacinth_frontend::random;
/// let key = random::fold_in(&random::key(0), 7);
/// assert_eq!(random::key_data(&key).to_vec::<u32>(), [2716826189, 292468403]);
/// ```
///
/// # Panics
/// If it is an array of keys, or `data` is no integer scalar.
#[track_caller]
pub fn fold_in<K: AnyKey + Clone>(key: &K, data: impl IntoArray) -> K {
    let data = data.into_array();
    if data.ndim() > 0 {
        refuse!("fold_in" => "accepts a scalar, but was given an array of shape {} != (); use vmap for batching", show(data.shape()))
    }
    let data = jnp::astype(data, DType::UI32);
    let key = key.clone().into_key().single("fold_in");
    K::from_key(Key {
        data: jitted("_threefry_fold_in", &[&key, &data], (), |x| threefry_2x32(&x[0], &seed_words(&x[1]))),
    })
}

/// The words of new keys, `u32[shape…, 2]`.
#[track_caller]
pub(super) fn split_data(key: Array, shape: &[usize]) -> Array {
    jitted("_threefry_split", &[&key], shape, |x| split_words(&x[0], shape))
}

/// [`split_data`] in place, for samplers.
pub(super) fn split_words(key: &Array, shape: &[usize]) -> Array {
    let mut with_words = shape.to_vec();
    with_words.push(2);
    if !threefry_is_partitionable() {
        let count: usize = with_words.iter().product();
        return lax::reshape(&threefry_2x32(key, &lax::iota(DType::UI32, count)), &with_words);
    }
    let (high, low) = counts(shape);
    let (a, b) = lax::threefry2x32(&word(key, 0), &word(key, 1), &high, &low);
    let last = |x: &Array| lax::expand_dims(x, &[x.ndim()]);
    lax::concatenate(&[last(&a), last(&b)], shape.len())
}

/// New keys in place, for samplers.
pub(super) fn split_into<const N: usize>(key: &Array) -> [Array; N] {
    let keys = split_words(key, &[N]);
    std::array::from_fn(|i| lax::index_in_dim(&keys, i as i64, 0, false))
}

/// One word of a single key.
pub(super) fn word(key: &Array, index: i64) -> Array {
    lax::index_in_dim(key, index, 0, false)
}
