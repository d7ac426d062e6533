//! `Pytree` for the standard containers, and [`Static`].

use super::{Flattener, Leaves, Pytree, StaticValue, TreeError, Unflattener};
use crate::trace::Array;
use parking_lot::RwLock;
use rustc_hash::FxHashSet;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::LazyLock;

impl Pytree for Array {
    #[inline]
    fn flatten<'a>(&'a self, out: &mut Flattener<'a>) {
        out.leaf(self);
    }
    #[inline]
    fn into_leaves(self, out: &mut Leaves) {
        out.push(self);
    }
    #[inline]
    fn unflatten(from: &mut Unflattener<'_>) -> Result<Self, TreeError> {
        from.leaf()
    }
}

impl Pytree for () {
    fn flatten<'a>(&'a self, out: &mut Flattener<'a>) {
        out.tuple(0);
    }
    fn into_leaves(self, _: &mut Leaves) {}
    fn unflatten(from: &mut Unflattener<'_>) -> Result<Self, TreeError> {
        from.tuple(0)
    }
}

macro_rules! tuples {
    ($($len:literal: $($T:ident $i:tt),+;)*) => {$(
        impl<$($T: Pytree),+> Pytree for ($($T,)+) {
            fn flatten<'a>(&'a self, out: &mut Flattener<'a>) {
                out.tuple($len);
                $(self.$i.flatten(out);)+
            }
            fn into_leaves(self, out: &mut Leaves) {
                $(self.$i.into_leaves(out);)+
            }
            fn unflatten(from: &mut Unflattener<'_>) -> Result<Self, TreeError> {
                from.tuple($len)?;
                Ok(($($T::unflatten(from)?,)+))
            }
        }
    )*};
}

tuples! {
    1: A 0;
    2: A 0, B 1;
    3: A 0, B 1, C 2;
    4: A 0, B 1, C 2, D 3;
    5: A 0, B 1, C 2, D 3, E 4;
    6: A 0, B 1, C 2, D 3, E 4, F 5;
    7: A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    8: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
    9: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8;
    10: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9;
    11: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10;
    12: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11;
}

/// That many children in a vector that never grows.
fn several<T>(len: usize, mut child: impl FnMut() -> Result<T, TreeError>) -> Result<Vec<T>, TreeError> {
    let mut children = Vec::with_capacity(len);
    for _ in 0..len {
        children.push(child()?);
    }
    Ok(children)
}

impl<T: Pytree> Pytree for Vec<T> {
    fn flatten<'a>(&'a self, out: &mut Flattener<'a>) {
        out.list(self.len());
        for child in self {
            child.flatten(out);
        }
    }
    fn into_leaves(self, out: &mut Leaves) {
        for child in self {
            child.into_leaves(out);
        }
    }
    fn unflatten(from: &mut Unflattener<'_>) -> Result<Self, TreeError> {
        let len = from.list()?;
        several(len, || T::unflatten(from))
    }
}

impl<T: Pytree, const N: usize> Pytree for [T; N] {
    fn flatten<'a>(&'a self, out: &mut Flattener<'a>) {
        out.list(N);
        for child in self {
            child.flatten(out);
        }
    }
    fn into_leaves(self, out: &mut Leaves) {
        for child in self {
            child.into_leaves(out);
        }
    }
    fn unflatten(from: &mut Unflattener<'_>) -> Result<Self, TreeError> {
        from.list_of(N)?;
        let children = several(N, || T::unflatten(from))?;
        Ok(children.try_into().unwrap_or_else(|_| unreachable!("there are N of them")))
    }
}

/// `None` is a node without leaves; `Some(x)` is `x` itself, so `Some(None)` comes back as `None`.
impl<T: Pytree> Pytree for Option<T> {
    fn flatten<'a>(&'a self, out: &mut Flattener<'a>) {
        match self {
            Some(child) => child.flatten(out),
            None => out.none(),
        }
    }
    fn into_leaves(self, out: &mut Leaves) {
        if let Some(child) = self {
            child.into_leaves(out);
        }
    }
    fn unflatten(from: &mut Unflattener<'_>) -> Result<Self, TreeError> {
        if from.none() { Ok(None) } else { T::unflatten(from).map(Some) }
    }
}

impl<T: Pytree> Pytree for Box<T> {
    fn flatten<'a>(&'a self, out: &mut Flattener<'a>) {
        (**self).flatten(out);
    }
    fn into_leaves(self, out: &mut Leaves) {
        (*self).into_leaves(out);
    }
    fn unflatten(from: &mut Unflattener<'_>) -> Result<Self, TreeError> {
        T::unflatten(from).map(Box::new)
    }
}

/// A key of a map that is a pytree: a `String`, or a `&'static str` such as a literal.
///
/// ```
/// # use jacinth_frontend::{Array, tree};
/// use std::collections::HashMap;
/// let params = HashMap::from([("w", Array::from(1.0f32)), ("b", Array::from(2.0f32))]);
/// let leaves = tree::leaves(&params).iter().map(|x| x.item()).collect::<Vec<f32>>();
/// assert_eq!(leaves, [2.0, 1.0]); // in the order of the keys
/// ```
pub trait MapKey: Ord + 'static {
    /// The key as text.
    fn as_text(&self) -> &str;
    /// The key of that text.
    fn from_text(text: &str) -> Self;
}

impl MapKey for String {
    fn as_text(&self) -> &str {
        self
    }
    fn from_text(text: &str) -> Self {
        text.to_owned()
    }
}

impl MapKey for &'static str {
    fn as_text(&self) -> &str {
        self
    }
    fn from_text(text: &str) -> Self {
        static KEYS: LazyLock<RwLock<FxHashSet<&'static str>>> = LazyLock::new(RwLock::default);
        if let Some(known) = KEYS.read().get(text) {
            return known;
        }
        // Each text is kept once for the life of the process.
        let mut keys = KEYS.write();
        if let Some(known) = keys.get(text) {
            return known;
        }
        let key: &'static str = Box::leak(text.into());
        keys.insert(key);
        key
    }
}

/// A map's keys with their values, in order.
fn entries<K: MapKey, T: Pytree>(from: &mut Unflattener<'_>) -> Result<Vec<(K, T)>, TreeError> {
    let keys = from.dict()?;
    let mut next = keys.iter();
    several(keys.len(), || {
        Ok((K::from_text(next.next().expect("a key for each value")), T::unflatten(from)?))
    })
}

impl<K: MapKey, T: Pytree> Pytree for BTreeMap<K, T> {
    fn flatten<'a>(&'a self, out: &mut Flattener<'a>) {
        out.dict(self.keys().map(MapKey::as_text));
        for child in self.values() {
            child.flatten(out);
        }
    }
    fn into_leaves(self, out: &mut Leaves) {
        for child in self.into_values() {
            child.into_leaves(out);
        }
    }
    fn unflatten(from: &mut Unflattener<'_>) -> Result<Self, TreeError> {
        Ok(entries(from)?.into_iter().collect())
    }
}

impl<K: MapKey + Hash, T: Pytree, S: BuildHasher + Default + 'static> Pytree for HashMap<K, T, S> {
    fn flatten<'a>(&'a self, out: &mut Flattener<'a>) {
        let mut entries: Vec<(&'a K, &'a T)> = self.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        out.dict(entries.iter().map(|(key, _)| key.as_text()));
        for (_, child) in entries {
            child.flatten(out);
        }
    }
    fn into_leaves(self, out: &mut Leaves) {
        let mut entries: Vec<(K, T)> = self.into_iter().collect();
        entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for (_, child) in entries {
            child.into_leaves(out);
        }
    }
    fn unflatten(from: &mut Unflattener<'_>) -> Result<Self, TreeError> {
        Ok(entries(from)?.into_iter().collect())
    }
}

impl<T: 'static> Pytree for PhantomData<T> {
    fn flatten<'a>(&'a self, out: &mut Flattener<'a>) {
        out.tuple(0);
    }
    fn into_leaves(self, _: &mut Leaves) {}
    fn unflatten(from: &mut Unflattener<'_>) -> Result<Self, TreeError> {
        from.tuple(0).map(|()| PhantomData)
    }
}

/// A value that is part of the structure: no leaf, compared and hashed by `jit`'s cache, a constant while tracing. What JAX calls
/// `static_argnums`: `jit(|x: &Array, n: &Static<usize>| …)` is traced again for every new value.
///
/// Floating point numbers are neither hashed nor compared in Rust: capture them in the function, or put their bits (`to_bits`) in.
#[doc(alias = "static_argnums")]
#[doc(alias = "static_argnames")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Static<T>(pub T);

impl<T> Deref for Static<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> From<T> for Static<T> {
    fn from(value: T) -> Static<T> {
        Static(value)
    }
}

impl<T: StaticValue> Pytree for Static<T> {
    fn flatten<'a>(&'a self, out: &mut Flattener<'a>) {
        out.fixed(&self.0);
    }
    fn into_leaves(self, _: &mut Leaves) {}
    fn unflatten(from: &mut Unflattener<'_>) -> Result<Self, TreeError> {
        from.fixed().map(Static)
    }
}
