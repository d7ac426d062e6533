//! Convolution and correlation of sequences.

use super::IntoArray;
use crate::api::dtypes::promote_inexact;
use crate::ir::Array;
use crate::lax::{self, ConvOptions, rules::refuse};

/// The convolution of two sequences; `mode` is `"full"`, `"same"` or `"valid"`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (a, v) = (Array::from([1, 2, 3]), Array::from([1, 10]));
/// assert_eq!(jnp::convolve(&a, &v, "full").to_vec::<f32>(), [1.0, 12.0, 23.0, 30.0]);
/// assert_eq!(jnp::convolve(&a, &v, "valid").to_vec::<f32>(), [12.0, 23.0]);
/// ```
///
/// # Panics
/// If an operand is not one-dimensional or is empty, or the mode is none of these.
#[track_caller]
pub fn convolve(a: impl IntoArray, v: impl IntoArray, mode: &str) -> Array {
    slide("convolve", a.into_array(), v.into_array(), mode)
}

/// The correlation of two sequences, the second conjugated; `mode` is `"valid"`, `"same"` or `"full"`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (a, v) = (Array::from([1, 2, 3]), Array::from([1, 10]));
/// assert_eq!(jnp::correlate(&a, &v, "valid").to_vec::<f32>(), [21.0, 32.0]);
/// ```
///
/// # Panics
/// If an operand is not one-dimensional or is empty, or the mode is none of these.
#[track_caller]
pub fn correlate(a: impl IntoArray, v: impl IntoArray, mode: &str) -> Array {
    slide("correlate", a.into_array(), super::conj(v), mode)
}

#[track_caller]
fn slide(name: &'static str, a: Array, v: Array, mode: &str) -> Array {
    let _line = crate::trace::keep_line();
    if a.ndim() != 1 || v.ndim() != 1 || a.size() == 0 || v.size() == 0 {
        refuse!(name => "takes sequences of at least one element, got {} and {}", a.aval(), v.aval())
    }
    let mut both = promote_inexact(&[a, v]);
    let swapped = both[0].size() < both[1].size();
    if swapped {
        both.swap(0, 1);
    }
    let [x, mut y] = <[Array; 2]>::try_from(both).expect("two operands");
    if name == "convolve" {
        y = lax::rev(&y, &[0]);
    }
    let n = y.size() as i64;
    let padding = match mode {
        "valid" => (0, 0),
        "same" => (n / 2, n - n / 2 - 1),
        "full" => (n - 1, n - 1),
        _ => refuse!(name => "mode must be \"full\", \"same\" or \"valid\", got \"{mode}\""),
    };
    let row = |x: &Array| lax::expand_dims(x, &[0, 1]);
    let out = lax::conv_general_dilated(&row(&x), &row(&y), &[1], [padding], ConvOptions::default());
    let out = lax::squeeze(&out, &[0, 1]);
    if swapped && name == "correlate" { lax::rev(&out, &[0]) } else { out }
}
