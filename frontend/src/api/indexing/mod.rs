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
///
/// ```
/// # use jacinth_frontend::{NewAxis, numpy as jnp, s};
/// assert_eq!(jnp::arange(3).get(s![NewAxis, ..]).shape(), [1, 3]);
/// assert_eq!(jnp::arange(3).get(s![.., None]).shape(), [3, 1]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewAxis;

/// The index that stands for as many whole dimensions as are left; `...` in [`s!`](crate::s) means the same.
///
/// ```
/// # use jacinth_frontend::{Ellipsis, numpy as jnp};
/// assert_eq!(jnp::zeros([2, 3, 4]).get((Ellipsis, 0)).shape(), [2, 3]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ellipsis;

/// Every `step`-th place from `start` to before `stop`, counted from the end where negative, as in Python.
///
/// ```
/// # use jacinth_frontend::{api::indexing::Slice, numpy as jnp};
/// let last_two = Slice { start: Some(-2), stop: None, inclusive: false, step: 1 };
/// assert_eq!(jnp::arange(5).get(last_two).to_vec::<i32>(), [3, 4]);
/// ```
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
///
/// ```
/// # use jacinth_frontend::{api::indexing::{Index, Indices}, numpy as jnp};
/// let x = jnp::arange(12).reshape([3, 4]);
/// let place = [1, 2].map(Index::Int); // as many as there are dimensions, known when the program runs
/// assert_eq!(x.get(Indices::new(place)).item::<i32>(), 6);
/// ```
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
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = jnp::arange(5) * 10;
/// assert_eq!(x.get(-1).item::<i32>(), 40);
/// assert_eq!(x.get(1..3).to_vec::<i32>(), [10, 20]);
/// assert_eq!(x.get([4, 0]).to_vec::<i32>(), [40, 0]);
/// assert_eq!(x.get(x.gt(20)).to_vec::<i32>(), [30, 40]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an index",
    label = "expected an integer, a range of integers, an array, a list of integers or booleans, `NewAxis`, or `...` in `s![]`",
    note = "the bounds of a range must be host integers; for traced bounds use `lax::dynamic_slice`"
)]
pub trait IntoIndex {
    /// The index.
    ///
    /// ```
    /// # use jacinth_frontend::{api::indexing::{Index, IntoIndex}};
    /// assert!(matches!((-1).into_index(), Index::Int(-1)));
    /// ```
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
///
/// ```
/// # use jacinth_frontend::{numpy as jnp, s};
/// let corner = s![..2, ..2];
/// let x = jnp::arange(9).reshape([3, 3]);
/// assert_eq!(x.get(&corner).to_vec::<i32>(), [0, 1, 3, 4]); // used again and again
/// assert_eq!(x.at(&corner).set(0).sum().item::<i32>(), 28);
/// ```
#[derive(Clone, Debug)]
pub struct Indices(Vec<Index>);

impl Indices {
    /// These indices.
    ///
    /// ```
    /// # use jacinth_frontend::{api::indexing::{Index, Indices, IntoIndex}, numpy as jnp};
    /// let rows = Indices::new(vec![(1..).into_index(), Index::Ellipsis]);
    /// assert_eq!(jnp::zeros([3, 4, 5]).get(rows).shape(), [2, 4, 5]);
    /// ```
    pub fn new(indices: impl IntoIterator<Item = Index>) -> Indices {
        Indices(indices.into_iter().collect())
    }
}

/// What indexes an array: [`s!`](crate::s), one index, or a tuple of indices.
///
/// ```
/// # use jacinth_frontend::{numpy as jnp, s};
/// let x = jnp::arange(6).reshape([2, 3]);
/// assert_eq!(x.get(s![1, 0]).item::<i32>(), x.get((1, 0)).item::<i32>());
/// assert_eq!(x.get(1).shape(), [3]);
/// assert_eq!(x.get(()).shape(), [2, 3]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not index an array",
    label = "expected `s![…]`, an index, or a tuple of indices"
)]
pub trait IntoIndices {
    /// The indices.
    ///
    /// ```
    /// # use jacinth_frontend::{api::indexing::IntoIndices, numpy as jnp};
    /// let place = (0, 1..).into_indices();
    /// assert_eq!(jnp::zeros([2, 3]).get(&place).shape(), [2]);
    /// ```
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
///
/// ```
/// # use jacinth_frontend::{Array, lax::GatherScatterMode};
/// let x = Array::from([1, 2, 3]);
/// let (word, mode) = ("clip", GatherScatterMode::Clip);
/// assert_eq!(x.at(9).mode(word).get().item::<i32>(), x.at(9).mode(mode).get().item::<i32>());
/// ```
pub trait IntoMode {
    /// The mode.
    ///
    /// ```
    /// # use jacinth_frontend::{api::indexing::IntoMode, lax::GatherScatterMode};
    /// assert!(matches!("drop".into_mode(), GatherScatterMode::FillOrDrop));
    /// ```
    ///
    /// # Panics
    /// If the word is none of JAX's.
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
///
/// ```
/// # use jacinth_frontend::{Array, s};
/// let x = Array::from([[1.0f32, 2.0], [3.0, 4.0]]);
/// let corner = x.at(s![0, 0]);
/// assert_eq!((corner.get().item::<f32>(), corner.set(9.0).to_vec::<f32>()), (1.0, vec![9.0, 2.0, 3.0, 4.0]));
/// assert_eq!(x.to_vec::<f32>(), [1.0, 2.0, 3.0, 4.0]); // as before
/// ```
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
    ///
    /// ```
    /// # use jacinth_frontend::{Array, s};
    /// let x = Array::from([1, 2, 3, 4]);
    /// assert_eq!(x.at(s![1..3]).add(10).to_vec::<i32>(), [1, 12, 13, 4]);
    /// assert_eq!(x.at(7).set(0).to_vec::<i32>(), [1, 2, 3, 4]); // dropped
    /// ```
    pub fn at(&self, indices: impl IntoIndices) -> At {
        At { array: self.clone(), indices: indices.into_indices(), options: Options::default() }
    }

    /// The elements at `indices`, as NumPy's `x[indices]`: `x.get(s![1, ..])`, `x.get(0)`, `x.get(&rows)`.
    ///
    /// Out of bounds, the nearest inside.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jit, s};
    /// let x = Array::from([[1, 2, 3], [4, 5, 6]]);
    /// assert_eq!(x.get(s![.., -1]).to_vec::<i32>(), [3, 6]);
    /// let row = jit(|x: &Array, i: &Array| x.get(i)); // the place is known when the program runs
    /// assert_eq!(row(&x, &Array::from(1)).to_vec::<i32>(), [4, 5, 6]);
    /// ```
    ///
    /// # Panics
    /// If there are more indices than dimensions, or a mask has another shape than what it covers or is traced.
    #[track_caller]
    pub fn get(&self, indices: impl IntoIndices) -> Array {
        self.at(indices).get()
    }

    /// The elements at `indices`; see [`Array::get`].
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([1, 2, 3]).index(..2).to_vec::<i32>(), [1, 2]);
    /// ```
    ///
    /// # Panics
    /// As [`Array::get`].
    #[track_caller]
    pub fn index(&self, indices: impl IntoIndices) -> Array {
        self.at(indices).get()
    }
}

impl At {
    /// What happens to indices out of bounds: `"clip"`, `"fill"`, `"drop"`, `"promise_in_bounds"`, or a [`GatherScatterMode`].
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let x = Array::from([1.0f32, 2.0]);
    /// assert_eq!(x.at(5).mode("clip").get().item::<f32>(), 2.0);
    /// assert!(x.at(5).mode("fill").get().item::<f32>().is_nan());
    /// ```
    ///
    /// # Panics
    /// If the word is none of these.
    #[track_caller]
    pub fn mode(mut self, mode: impl IntoMode) -> At {
        self.options.mode = Some(mode.into_mode());
        self
    }

    /// What mode `"fill"` reads out of bounds, instead of NaN, the lowest signed or the highest unsigned integer.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let x = Array::from([1, 2]);
    /// assert_eq!(x.at([0, 5]).mode("fill").fill_value(-1).get().to_vec::<i32>(), [1, -1]);
    /// ```
    pub fn fill_value(mut self, value: impl Into<f64>) -> At {
        self.options.fill_value = Some(Fill::new(value.into()));
        self
    }

    /// Promises that no index stands twice.
    ///
    /// What happens if one does is undefined; the promise saves a program the care.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let x = Array::from([1, 2, 3]).at([2, 0]).unique_indices(true).add(10);
    /// assert_eq!(x.to_vec::<i32>(), [11, 2, 13]);
    /// ```
    pub fn unique_indices(mut self, unique: bool) -> At {
        self.options.unique_indices = unique;
        self
    }

    /// Promises that the indices ascend.
    ///
    /// What happens if they do not is undefined; the promise saves a program the care.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let x = Array::from([1, 2, 3]).at([0, 2]).indices_are_sorted(true).set(0);
    /// assert_eq!(x.to_vec::<i32>(), [0, 2, 0]);
    /// ```
    pub fn indices_are_sorted(mut self, sorted: bool) -> At {
        self.options.indices_are_sorted = sorted;
        self
    }

    /// Whether negative indices count from the end, which they do by default.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let x = Array::from([1, 2, 3]);
    /// assert_eq!(x.at([-1]).set(0).to_vec::<i32>(), [1, 2, 0]);
    /// assert_eq!(x.at([-1]).wrap_negative_indices(false).mode("drop").set(0).to_vec::<i32>(), [1, 2, 3]);
    /// ```
    pub fn wrap_negative_indices(mut self, wrap: bool) -> At {
        self.options.wrap_negative_indices = wrap;
        self
    }

    /// Refuses indices out of bounds, as [`config::check_index`](crate::config::check_index) does everywhere.
    ///
    /// Traced indices need [`checkify`] around the function.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jit};
    /// let f = jit(|x: &Array| x.at(3).checked().get());
    /// let error = f.try_call((&Array::from([1, 2, 3]),)).unwrap_err();
    /// assert!(error.to_string().contains("index 3 is out of bounds for axis 0 with size 3"));
    /// ```
    pub fn checked(mut self) -> At {
        self.options.checked = true;
        self
    }

    /// The elements.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([1, 2, 3]).at([0, 0, 2]).get().to_vec::<i32>(), [1, 1, 3]);
    /// ```
    ///
    /// # Panics
    /// As [`Array::get`].
    #[track_caller]
    pub fn get(&self) -> Array {
        lower::read(&self.array, &self.indices, &self.options)
    }

    /// The array with `values`, stretched as NumPy broadcasts, in these places; which one, where several meet, is undefined.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, s};
    /// let x = Array::from([[0, 0], [0, 0]]);
    /// assert_eq!(x.at(s![.., 0]).set(Array::from([1, 2])).to_vec::<i32>(), [1, 0, 2, 0]);
    /// ```
    ///
    /// # Panics
    /// As [`Array::get`]; and if `values` do not stretch to the places.
    #[track_caller]
    pub fn set(&self, values: impl IntoArray) -> Array {
        self.update(ScatterKind::Set, &self.array, values)
    }

    /// The array with `values` added in these places, repeatedly where an index repeats.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// // Counting: index 1 stands twice.
    /// assert_eq!(Array::from([0, 0, 0]).at([1, 2, 1]).add(1).to_vec::<i32>(), [0, 2, 1]);
    /// ```
    ///
    /// # Panics
    /// As [`At::set`].
    #[track_caller]
    pub fn add(&self, values: impl IntoArray) -> Array {
        self.update(ScatterKind::Add, &self.array, values)
    }

    /// The array with `values` subtracted in these places, repeatedly where an index repeats.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([5, 5]).at([0, 0]).subtract(Array::from([1, 2])).to_vec::<i32>(), [2, 5]);
    /// ```
    ///
    /// # Panics
    /// As [`At::set`].
    #[track_caller]
    pub fn subtract(&self, values: impl IntoArray) -> Array {
        self.update(ScatterKind::Sub, &self.array, values)
    }

    /// See [`At::subtract`].
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([5, 5]).at(1).sub(2).to_vec::<i32>(), [5, 3]);
    /// ```
    ///
    /// # Panics
    /// As [`At::set`].
    #[track_caller]
    pub fn sub(&self, values: impl IntoArray) -> Array {
        self.subtract(values)
    }

    /// The array multiplied by `values` in these places, repeatedly where an index repeats.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([1, 2, 3]).at(1..).multiply(10).to_vec::<i32>(), [1, 20, 30]);
    /// ```
    ///
    /// # Panics
    /// As [`At::set`].
    #[track_caller]
    pub fn multiply(&self, values: impl IntoArray) -> Array {
        self.update(ScatterKind::Mul, &self.array, values)
    }

    /// See [`At::multiply`].
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([1.0f32, 2.0]).at(0).mul(0.5).to_vec::<f32>(), [0.5, 2.0]);
    /// ```
    ///
    /// # Panics
    /// As [`At::set`].
    #[track_caller]
    pub fn mul(&self, values: impl IntoArray) -> Array {
        self.multiply(values)
    }

    /// The array divided by `values` in these places, repeatedly where an index repeats; floating, as a quotient is.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([4, 6]).at(0).divide(8).to_vec::<f32>(), [0.5, 6.0]);
    /// ```
    ///
    /// # Panics
    /// As [`At::set`].
    #[track_caller]
    pub fn divide(&self, values: impl IntoArray) -> Array {
        jnp::divide(&self.array, self.update(ScatterKind::Mul, &jnp::ones_like(&self.array), values))
    }

    /// See [`At::divide`].
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([4.0f32, 6.0]).at([1, 1]).div(2.0).to_vec::<f32>(), [4.0, 1.5]);
    /// ```
    ///
    /// # Panics
    /// As [`At::set`].
    #[track_caller]
    pub fn div(&self, values: impl IntoArray) -> Array {
        self.divide(values)
    }

    /// The array raised to the powers `values` in these places, repeatedly where an index repeats.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([2.0f32, 3.0]).at(1).power(2).to_vec::<f32>(), [2.0, 9.0]);
    /// ```
    ///
    /// # Panics
    /// As [`At::set`].
    #[track_caller]
    pub fn power(&self, values: impl IntoArray) -> Array {
        jnp::power(&self.array, self.update(ScatterKind::Mul, &jnp::ones_like(&self.array), values))
    }

    /// The array with the smaller of its element and that of `values` in these places.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([5, 5, 5]).at([0, 0, 2]).min(Array::from([7, 3, 4])).to_vec::<i32>(), [3, 5, 4]);
    /// ```
    ///
    /// # Panics
    /// As [`At::set`].
    #[track_caller]
    pub fn min(&self, values: impl IntoArray) -> Array {
        self.update(ScatterKind::Min, &self.array, values)
    }

    /// The array with the larger of its element and that of `values` in these places.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// // The largest value of each group.
    /// let (groups, values) = (Array::from([0, 1, 0]), Array::from([2.0f32, 5.0, 9.0]));
    /// assert_eq!(Array::from([0.0f32, 0.0]).at(groups).max(values).to_vec::<f32>(), [9.0, 5.0]);
    /// ```
    ///
    /// # Panics
    /// As [`At::set`].
    #[track_caller]
    pub fn max(&self, values: impl IntoArray) -> Array {
        self.update(ScatterKind::Max, &self.array, values)
    }

    /// The array with `f` applied, element by element, in these places: `x.at(i).set(f(x.get(i)))`.
    ///
    /// Unlike in JAX, where an index repeats `f` is applied once; and it may be differentiated.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([1.0f32, 4.0, 9.0]).at(1..).apply(|x| x.sqrt()).to_vec::<f32>(), [1.0, 2.0, 3.0]);
    /// ```
    ///
    /// # Panics
    /// As [`At::set`].
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
