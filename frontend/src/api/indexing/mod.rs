//! NumPy's indexing: `x.get(s![1, .., ...])`, and functional updates: `x.at(s![0, ..]).set(1.0)`.
//!
//! Owns what an index is ([`Index`], [`Indices`], the macro [`s!`](crate::s)), the options of a read or an update ([`At`]), and
//! their lowering as JAX does it: a static slice where every index is static, a dynamic slice where scalars are traced, else
//! gather; updates are scatters. `parse` turns indices into places, `lower` places into primitives, `check` refuses what is out
//! of bounds where that was asked for. Invariant: what an index means depends on the shape alone, never on traced values.
//! Deliberately absent: slices with traced bounds, whose size nobody knows; they are `lax::dynamic_slice`.

mod check;
mod lower;
mod parse;
#[cfg(test)]
mod tests;

use super::array::IntoArray;
use super::numpy as jnp;
use crate::error::Error;
use crate::ir::Array;
use crate::lax::{self, Fill, GatherScatterMode, ScatterKind};
use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

pub use check::{CheckError, checkify};
pub(crate) use parse::resolve;

/// The index that adds a dimension of size 1; `None` means the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewAxis;

/// The index that stands for as many whole dimensions as are left; `...` in [`s!`](crate::s) means the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ellipsis;

/// Every `step`-th place from `start` to before `stop`, counted from the end where negative, as in Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The first place; without one, the first in the step's direction.
    pub start: Option<i64>,
    /// Where to stop; without one, after the last in the step's direction.
    pub stop: Option<i64>,
    /// Whether `stop` itself belongs to the slice.
    pub inclusive: bool,
    /// The distance of neighbours; negative to go backwards.
    pub step: i64,
}

impl Slice {
    const FULL: Slice = Slice { start: None, stop: None, inclusive: false, step: 1 };
}

/// One index of an array, as NumPy understands it.
#[derive(Clone, Debug)]
pub enum Index {
    /// One place; the dimension disappears.
    Int(i64),
    /// Some places of a dimension at equal distances.
    Slice(Slice),
    /// As many whole dimensions as are left.
    Ellipsis,
    /// A new dimension of size 1.
    NewAxis,
    /// Places that the host knows.
    Ints {
        /// The places in row-major order.
        values: Vec<i64>,
        /// Their shape.
        shape: Vec<usize>,
    },
    /// The places of one or more dimensions where the mask says so.
    Mask {
        /// The truth values in row-major order.
        values: Vec<bool>,
        /// Their shape.
        shape: Vec<usize>,
    },
    /// Integers, traced or not, or a mask, which must not be traced.
    Array(Array),
}

impl Index {
    /// The same slice with another step: what `range;step` makes in [`s!`](crate::s).
    #[doc(hidden)]
    #[track_caller]
    pub fn stepped(self, step: i64) -> Index {
        match self {
            Index::Slice(slice) => Index::Slice(Slice { step, ..slice }),
            _ => Error::argument("s![]: only a range has a step").raise(),
        }
    }
}

/// What can stand in an index: an integer, a range, an array or a list of integers or booleans, [`NewAxis`], `None`,
/// [`Ellipsis`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an index",
    label = "expected an integer, a range of integers, an array, a list of integers or booleans, `NewAxis`, or `...` in `s![]`",
    note = "the bounds of a range must be host integers; for traced bounds use `lax::dynamic_slice`"
)]
pub trait IntoIndex {
    /// The index.
    fn into_index(self) -> Index;
}

impl IntoIndex for Index {
    fn into_index(self) -> Index {
        self
    }
}

impl IntoIndex for Slice {
    fn into_index(self) -> Index {
        Index::Slice(self)
    }
}

impl IntoIndex for NewAxis {
    fn into_index(self) -> Index {
        Index::NewAxis
    }
}

impl IntoIndex for Option<NewAxis> {
    fn into_index(self) -> Index {
        Index::NewAxis
    }
}

impl IntoIndex for Ellipsis {
    fn into_index(self) -> Index {
        Index::Ellipsis
    }
}

impl IntoIndex for RangeFull {
    fn into_index(self) -> Index {
        Index::Slice(Slice::FULL)
    }
}

impl IntoIndex for Array {
    fn into_index(self) -> Index {
        Index::Array(self)
    }
}

impl IntoIndex for &Array {
    fn into_index(self) -> Index {
        Index::Array(self.clone())
    }
}

impl IntoIndex for bool {
    fn into_index(self) -> Index {
        Index::Mask { values: vec![self], shape: vec![] }
    }
}

impl IntoIndex for &[bool] {
    fn into_index(self) -> Index {
        Index::Mask { values: self.to_vec(), shape: vec![self.len()] }
    }
}

impl<const N: usize> IntoIndex for [bool; N] {
    fn into_index(self) -> Index {
        self[..].into_index()
    }
}

impl<const N: usize, const M: usize> IntoIndex for [[bool; M]; N] {
    fn into_index(self) -> Index {
        Index::Mask { values: self.concat(), shape: vec![N, M] }
    }
}

impl IntoIndex for Vec<bool> {
    fn into_index(self) -> Index {
        self[..].into_index()
    }
}

impl IntoIndex for &Vec<bool> {
    fn into_index(self) -> Index {
        self[..].into_index()
    }
}

macro_rules! integers {
    ($($T:ty),*) => {$(
        impl IntoIndex for $T {
            fn into_index(self) -> Index {
                Index::Int(self as i64)
            }
        }

        impl IntoIndex for Range<$T> {
            fn into_index(self) -> Index {
                let (start, stop) = (Some(self.start as i64), Some(self.end as i64));
                Index::Slice(Slice { start, stop, ..Slice::FULL })
            }
        }

        impl IntoIndex for RangeFrom<$T> {
            fn into_index(self) -> Index {
                Index::Slice(Slice { start: Some(self.start as i64), ..Slice::FULL })
            }
        }

        impl IntoIndex for RangeTo<$T> {
            fn into_index(self) -> Index {
                Index::Slice(Slice { stop: Some(self.end as i64), ..Slice::FULL })
            }
        }

        impl IntoIndex for RangeInclusive<$T> {
            fn into_index(self) -> Index {
                let (start, stop) = (Some(*self.start() as i64), Some(*self.end() as i64));
                Index::Slice(Slice { start, stop, inclusive: true, ..Slice::FULL })
            }
        }

        impl IntoIndex for RangeToInclusive<$T> {
            fn into_index(self) -> Index {
                Index::Slice(Slice { stop: Some(self.end as i64), inclusive: true, ..Slice::FULL })
            }
        }

        impl IntoIndex for &[$T] {
            fn into_index(self) -> Index {
                Index::Ints { values: self.iter().map(|&i| i as i64).collect(), shape: vec![self.len()] }
            }
        }

        impl<const N: usize> IntoIndex for [$T; N] {
            fn into_index(self) -> Index {
                self[..].into_index()
            }
        }

        impl<const N: usize, const M: usize> IntoIndex for [[$T; M]; N] {
            fn into_index(self) -> Index {
                let values = self.iter().flatten().map(|&i| i as i64).collect();
                Index::Ints { values, shape: vec![N, M] }
            }
        }

        impl IntoIndex for Vec<$T> {
            fn into_index(self) -> Index {
                self[..].into_index()
            }
        }

        impl IntoIndex for &Vec<$T> {
            fn into_index(self) -> Index {
                self[..].into_index()
            }
        }
    )*};
}

integers!(i32, i64, isize, u32, usize);

/// The indices of an array, one after the other: what [`s!`](crate::s) makes.
#[derive(Clone, Debug)]
pub struct Indices(Vec<Index>);

impl Indices {
    /// These indices.
    pub fn new(indices: impl IntoIterator<Item = Index>) -> Indices {
        Indices(indices.into_iter().collect())
    }
}

/// What indexes an array: [`s!`](crate::s), one index, or a tuple of indices.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not index an array",
    label = "expected `s![…]`, an index, or a tuple of indices"
)]
pub trait IntoIndices {
    /// The indices.
    fn into_indices(self) -> Indices;
}

impl IntoIndices for Indices {
    fn into_indices(self) -> Indices {
        self
    }
}

impl IntoIndices for &Indices {
    fn into_indices(self) -> Indices {
        self.clone()
    }
}

impl<T: IntoIndex> IntoIndices for T {
    fn into_indices(self) -> Indices {
        Indices(vec![self.into_index()])
    }
}

impl IntoIndices for () {
    fn into_indices(self) -> Indices {
        Indices(vec![])
    }
}

macro_rules! tuples {
    ($($($T:ident $i:tt),+;)*) => {$(
        impl<$($T: IntoIndex),+> IntoIndices for ($($T,)+) {
            fn into_indices(self) -> Indices {
                Indices(vec![$(self.$i.into_index()),+])
            }
        }
    )*};
}

tuples! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, E 4;
}

/// Indices of an array: `s![1, 2..5;2, .., ..;-1, ..., NewAxis, &rows]`.
///
/// | in `s![]` | in Python |
/// |---|---|
/// | `1`, `-1`, `i` (a host integer) | `1`, `-1`, `i` |
/// | `..`, `1..`, `..-1`, `1..5`, `1..=5` | `:`, `1:`, `:-1`, `1:5`, `1:6` |
/// | `..;2`, `1..5;2`, `..;-1`, `5..1;-1` | `::2`, `1:5:2`, `::-1`, `5:1:-1` |
/// | `...` or `Ellipsis` | `...` |
/// | `NewAxis` or `None` | `None` |
/// | `&array`, `[0, 2]`, `vec` | the same, integers (traced or not) or a mask (not traced) |
///
/// ```
/// use jacinth_frontend::{numpy as jnp, s};
/// let x = jnp::arange(12).reshape((3, 4));
/// assert_eq!(x.get(s![1, ..;-2]).to_vec::<i32>(), [7, 5]);
/// assert_eq!(x.get(s![..., [0, 2]]).shape(), [3, 2]);
/// let y = x.at(s![1.., 0]).set(-1);
/// assert_eq!(y.get(s![.., 0]).to_vec::<i32>(), [0, -1, -1]);
/// ```
#[macro_export]
macro_rules! s {
    (@ [$($done:expr,)*]) => {
        $crate::api::indexing::Indices::new([$($done),*])
    };
    (@ [$($done:expr,)*] ... $(, $($rest:tt)*)?) => {
        $crate::s!(@ [$($done,)* $crate::api::indexing::Index::Ellipsis,] $($($rest)*)?)
    };
    (@ [$($done:expr,)*] $index:expr ; $step:expr $(, $($rest:tt)*)?) => {
        $crate::s!(@ [
            $($done,)*
            $crate::api::indexing::IntoIndex::into_index($index).stepped(($step) as i64),
        ] $($($rest)*)?)
    };
    (@ [$($done:expr,)*] $index:expr $(, $($rest:tt)*)?) => {
        $crate::s!(@ [$($done,)* $crate::api::indexing::IntoIndex::into_index($index),] $($($rest)*)?)
    };
    ($($indices:tt)*) => {
        $crate::s!(@ [] $($indices)*)
    };
}

/// What happens to indices out of bounds: a [`GatherScatterMode`] or JAX's word for it.
pub trait IntoMode {
    /// The mode.
    fn into_mode(self) -> GatherScatterMode;
}

impl IntoMode for GatherScatterMode {
    fn into_mode(self) -> GatherScatterMode {
        self
    }
}

impl IntoMode for &str {
    #[track_caller]
    fn into_mode(self) -> GatherScatterMode {
        match self {
            "clip" => GatherScatterMode::Clip,
            "fill" | "drop" => GatherScatterMode::FillOrDrop,
            "promise_in_bounds" => GatherScatterMode::PromiseInBounds,
            other => Error::argument(format!(
                "\"{other}\" is no mode for indices out of bounds; there are \"clip\", \"fill\", \"drop\" and \
                 \"promise_in_bounds\""
            ))
            .raise(),
        }
    }
}

/// How a read or an update treats its indices.
#[derive(Clone, Copy, Debug)]
struct Options {
    mode: Option<GatherScatterMode>,
    fill_value: Option<Fill>,
    unique_indices: bool,
    indices_are_sorted: bool,
    wrap_negative_indices: bool,
    checked: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            mode: None,
            fill_value: None,
            unique_indices: false,
            indices_are_sorted: false,
            wrap_negative_indices: true,
            checked: false,
        }
    }
}

/// Places of an array, to be read or updated; updates give a new array. See [`Array::at`].
#[derive(Clone, Debug)]
#[must_use = "an update is done by a method such as `set`, which gives the new array"]
pub struct At {
    array: Array,
    indices: Indices,
    options: Options,
}

impl Array {
    /// The places that `indices` name, to be updated or read: `x.at(s![1, ..]).add(2.0)`.
    ///
    /// Updates out of bounds are dropped, reads are moved to the nearest place inside; [`At::mode`] says otherwise.
    pub fn at(&self, indices: impl IntoIndices) -> At {
        At { array: self.clone(), indices: indices.into_indices(), options: Options::default() }
    }

    /// The elements at `indices`, as NumPy's `x[indices]`: `x.get(s![1, ..])`, `x.get(0)`, `x.get(&rows)`.
    ///
    /// Out of bounds, the nearest inside.
    #[track_caller]
    pub fn get(&self, indices: impl IntoIndices) -> Array {
        self.at(indices).get()
    }

    /// The elements at `indices`; see [`Array::get`].
    #[track_caller]
    pub fn index(&self, indices: impl IntoIndices) -> Array {
        self.at(indices).get()
    }
}

impl At {
    /// What happens to indices out of bounds: `"clip"`, `"fill"`, `"drop"`, `"promise_in_bounds"`, or a [`GatherScatterMode`].
    #[track_caller]
    pub fn mode(mut self, mode: impl IntoMode) -> At {
        self.options.mode = Some(mode.into_mode());
        self
    }

    /// What mode `"fill"` reads out of bounds, instead of NaN, the lowest signed or the highest unsigned integer.
    pub fn fill_value(mut self, value: impl Into<f64>) -> At {
        self.options.fill_value = Some(Fill::new(value.into()));
        self
    }

    /// Promises that no index stands twice.
    pub fn unique_indices(mut self, unique: bool) -> At {
        self.options.unique_indices = unique;
        self
    }

    /// Promises that the indices ascend.
    pub fn indices_are_sorted(mut self, sorted: bool) -> At {
        self.options.indices_are_sorted = sorted;
        self
    }

    /// Whether negative indices count from the end, which they do by default.
    pub fn wrap_negative_indices(mut self, wrap: bool) -> At {
        self.options.wrap_negative_indices = wrap;
        self
    }

    /// Refuses indices out of bounds, as [`config::check_index`](crate::config::check_index) does everywhere.
    ///
    /// Traced indices need [`checkify`] around the function.
    pub fn checked(mut self) -> At {
        self.options.checked = true;
        self
    }

    /// The elements.
    #[track_caller]
    pub fn get(&self) -> Array {
        lower::read(&self.array, &self.indices, &self.options)
    }

    /// The array with `values`, stretched as NumPy broadcasts, in these places; which one, where several meet, is undefined.
    #[track_caller]
    pub fn set(&self, values: impl IntoArray) -> Array {
        self.update(ScatterKind::Set, &self.array, values)
    }

    /// The array with `values` added in these places, repeatedly where an index repeats.
    #[track_caller]
    pub fn add(&self, values: impl IntoArray) -> Array {
        self.update(ScatterKind::Add, &self.array, values)
    }

    /// The array with `values` subtracted in these places, repeatedly where an index repeats.
    #[track_caller]
    pub fn subtract(&self, values: impl IntoArray) -> Array {
        self.update(ScatterKind::Sub, &self.array, values)
    }

    /// See [`At::subtract`].
    #[track_caller]
    pub fn sub(&self, values: impl IntoArray) -> Array {
        self.subtract(values)
    }

    /// The array multiplied by `values` in these places, repeatedly where an index repeats.
    #[track_caller]
    pub fn multiply(&self, values: impl IntoArray) -> Array {
        self.update(ScatterKind::Mul, &self.array, values)
    }

    /// See [`At::multiply`].
    #[track_caller]
    pub fn mul(&self, values: impl IntoArray) -> Array {
        self.multiply(values)
    }

    /// The array divided by `values` in these places, repeatedly where an index repeats; floating, as a quotient is.
    #[track_caller]
    pub fn divide(&self, values: impl IntoArray) -> Array {
        jnp::divide(&self.array, self.update(ScatterKind::Mul, &jnp::ones_like(&self.array), values))
    }

    /// See [`At::divide`].
    #[track_caller]
    pub fn div(&self, values: impl IntoArray) -> Array {
        self.divide(values)
    }

    /// The array raised to the powers `values` in these places, repeatedly where an index repeats.
    #[track_caller]
    pub fn power(&self, values: impl IntoArray) -> Array {
        jnp::power(&self.array, self.update(ScatterKind::Mul, &jnp::ones_like(&self.array), values))
    }

    /// The array with the smaller of its element and that of `values` in these places.
    #[track_caller]
    pub fn min(&self, values: impl IntoArray) -> Array {
        self.update(ScatterKind::Min, &self.array, values)
    }

    /// The array with the larger of its element and that of `values` in these places.
    #[track_caller]
    pub fn max(&self, values: impl IntoArray) -> Array {
        self.update(ScatterKind::Max, &self.array, values)
    }

    /// The array with `f` applied, element by element, in these places: `x.at(i).set(f(x.get(i)))`.
    ///
    /// Unlike in JAX, where an index repeats `f` is applied once; and it may be differentiated.
    #[track_caller]
    pub fn apply(&self, f: impl FnOnce(&Array) -> Array) -> Array {
        let new = f(&self.get());
        self.set(lax::convert_element_type(&new, self.array.dtype()))
    }

    #[track_caller]
    fn update(&self, kind: ScatterKind, array: &Array, values: impl IntoArray) -> Array {
        lower::update(kind, array, &self.indices, &self.options, values.into_array())
    }
}
