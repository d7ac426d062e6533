//! Arrays written down piece by piece: `r_`, `c_`.

use super::{IntoArray, Progression, arange};
use crate::api::dtypes::promote;
use crate::ir::Array;
use crate::lax;
use crate::lax::rules::refuse;
use std::ops::Range;

/// What [`r_`] and [`c_`] put together.
#[derive(Clone, Debug)]
pub enum Piece {
    /// An array or a number.
    Array(Array),
    /// Numbers at equal distances, as a slice means in Python's `r_[1:9:2]`.
    Progression(Progression),
}

impl From<Progression> for Piece {
    fn from(progression: Progression) -> Piece {
        Piece::Progression(progression)
    }
}

impl From<Array> for Piece {
    fn from(array: Array) -> Piece {
        Piece::Array(array)
    }
}

impl From<&Array> for Piece {
    fn from(array: &Array) -> Piece {
        Piece::Array(array.clone())
    }
}

macro_rules! pieces {
    ($($T:ty),*) => {$(
        impl From<$T> for Piece {
            fn from(number: $T) -> Piece {
                Piece::Array(number.into_array())
            }
        }

        impl From<Range<$T>> for Piece {
            fn from(range: Range<$T>) -> Piece {
                Piece::Progression(range.into())
            }
        }

        impl From<($T, $T, $T)> for Piece {
            fn from(progression: ($T, $T, $T)) -> Piece {
                Piece::Progression(progression.into())
            }
        }
    )*};
}

pieces!(i32, f32, f64);

/// How pieces are put together: along which axis, with how many dimensions at least, and where those of smaller pieces go.
#[derive(Clone, Copy)]
struct Manner {
    axis: i64,
    ndmin: usize,
    trans1d: i64,
    /// Where a matrix's other dimension stands, for the directives `r` and `c`.
    matrix: Option<usize>,
}

const ROWS: Manner = Manner { axis: 0, ndmin: 1, trans1d: -1, matrix: None };
const COLUMNS: Manner = Manner { axis: -1, ndmin: 2, trans1d: 0, matrix: None };

/// Pieces one after the other along the first axis; Python's `r_[1:4, 0, x]`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([7, 8]);
/// assert_eq!(jnp::r_(&[(1..4).into(), 0.into(), (&x).into()]).to_vec::<i32>(), [1, 2, 3, 0, 7, 8]);
/// ```
///
/// # Panics
/// If there is no piece, or they do not fit.
#[track_caller]
pub fn r_(pieces: &[Piece]) -> Array {
    put_together("r_", ROWS, pieces)
}

/// [`r_`] with a directive: `"axis,dimensions,place"`, or `"r"` and `"c"` for a matrix of one row or column.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, y) = (Array::from([1, 2]), Array::from([3, 4]));
/// assert_eq!(jnp::r_with("0,2", &[(&x).into(), (&y).into()]).to_string(), "[[1 2]\n [3 4]]");
/// assert_eq!(jnp::r_with("c", &[(&x).into(), 9.into()]).to_string(), "[[1]\n [2]\n [9]]");
/// ```
///
/// # Panics
/// As [`r_`], or if the directive is none.
#[track_caller]
pub fn r_with(directive: &str, pieces: &[Piece]) -> Array {
    put_together("r_", directed("r_", ROWS, directive), pieces)
}

/// Pieces beside each other along the last axis, vectors as columns; Python's `c_[x, y]`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, y) = (Array::from([1, 2]), Array::from([3, 4]));
/// assert_eq!(jnp::c_(&[(&x).into(), (&y).into()]).to_string(), "[[1 3]\n [2 4]]");
/// ```
///
/// # Panics
/// As [`r_`].
#[track_caller]
pub fn c_(pieces: &[Piece]) -> Array {
    put_together("c_", COLUMNS, pieces)
}

/// [`c_`] with a directive, as [`r_with`] takes it.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, y) = (Array::from([1, 2]), Array::from([3, 4]));
/// assert_eq!(jnp::c_with("0", &[(&x).into(), (&y).into()]).to_string(), "[[1]\n [2]\n [3]\n [4]]");
/// ```
///
/// # Panics
/// As [`r_with`].
#[track_caller]
pub fn c_with(directive: &str, pieces: &[Piece]) -> Array {
    put_together("c_", directed("c_", COLUMNS, directive), pieces)
}

#[track_caller]
fn directed(name: &'static str, plain: Manner, directive: &str) -> Manner {
    match directive {
        "r" => return Manner { matrix: Some(0), ..plain },
        "c" => return Manner { matrix: Some(1), ..plain },
        _ => {}
    }
    let numbers: Vec<Option<i64>> = directive.split(',').map(|n| n.trim().parse().ok()).collect();
    let at = |i: usize, default: i64| numbers.get(i).copied().unwrap_or(Some(default));
    let parts = (at(0, plain.axis), at(1, plain.ndmin as i64), at(2, plain.trans1d));
    let (Some(axis), Some(ndmin @ 0..), Some(trans1d)) = parts else {
        refuse!(name => "could not understand the directive \"{directive}\", which is no \"axis,dimensions,place\"")
    };
    Manner { axis, ndmin: ndmin as usize, trans1d, matrix: None }
}

#[track_caller]
fn put_together(name: &'static str, manner: Manner, pieces: &[Piece]) -> Array {
    let _line = crate::trace::keep_line();
    let Manner { axis, ndmin, trans1d, matrix } = manner;
    if pieces.is_empty() {
        refuse!(name => "there must be at least one piece")
    }
    let arrays = pieces.iter().map(|piece| {
        let (x, own) = match piece {
            Piece::Array(x) => (x.clone(), x.ndim()),
            // A slice counts as a number when dimensions are placed.
            Piece::Progression(progression) => (arange(*progression), 0),
        };
        let missing = ndmin.saturating_sub(x.ndim());
        let x = lax::expand_dims(&x, &(0..missing).collect::<Vec<_>>());
        if trans1d == -1 || own >= ndmin {
            return x;
        }
        let shift = ndmin - (ndmin as i64 + trans1d + 1).unsigned_abs() as usize % ndmin;
        let order: Vec<usize> = (0..ndmin).map(|d| (d + shift) % ndmin).collect();
        lax::transpose(&x, &order)
    });
    let out = super::concatenate(promote(&arrays.collect::<Vec<_>>()), axis);
    match matrix {
        Some(place) if out.ndim() == 1 => lax::expand_dims(&out, &[place]),
        _ => out,
    }
}
