//! `jax.numpy.fft`: discrete Fourier transforms along any axes, cropped or padded to any lengths, in three normalisations.
//!
//! Lengths are `None` for those of the operand. `norm` is `"backward"` (inverse transforms divide by `n`), `"ortho"` (both by `√n`) or
//! `"forward"` (forward transforms divide by `n`).

use super::{IntoArray, canonical, canonical_all, moveaxis};
use crate::api::dtypes::{default_float, inexact};
use crate::ir::{Array, DType};
use crate::lax::{self, FftType, rules::refuse};

/// Where a transform divides by the number of its elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Norm {
    /// In the inverse.
    #[default]
    Backward,
    /// In both directions by the root.
    Ortho,
    /// Forward.
    Forward,
}

impl From<&str> for Norm {
    #[track_caller]
    fn from(name: &str) -> Norm {
        match name {
            "backward" => Norm::Backward,
            "ortho" => Norm::Ortho,
            "forward" => Norm::Forward,
            _ => refuse!("fft" => "norm must be \"backward\", \"ortho\" or \"forward\", got \"{name}\""),
        }
    }
}

impl From<Option<&str>> for Norm {
    #[track_caller]
    fn from(name: Option<&str>) -> Norm {
        name.map_or(Norm::Backward, Norm::from)
    }
}

macro_rules! one_axis {
    ($($(#[$doc:meta])* $name:ident $kind:ident;)*) => {$(
        $(#[$doc])*
        #[track_caller]
        pub fn $name(a: impl IntoArray, n: Option<usize>, axis: i64, norm: impl Into<Norm>) -> Array {
            let s = n.map(|n| [n]);
            core(stringify!($name), FftType::$kind, a.into_array(), s.as_ref().map(|s| &s[..]), Some(&[axis]), norm.into())
        }
    )*};
}

macro_rules! two_axes {
    ($($(#[$doc:meta])* $name:ident $kind:ident;)*) => {$(
        $(#[$doc])*
        #[track_caller]
        pub fn $name(a: impl IntoArray, s: Option<[usize; 2]>, axes: [i64; 2], norm: impl Into<Norm>) -> Array {
            core(stringify!($name), FftType::$kind, a.into_array(), s.as_ref().map(|s| &s[..]), Some(&axes), norm.into())
        }
    )*};
}

macro_rules! any_axes {
    ($($(#[$doc:meta])* $name:ident $kind:ident;)*) => {$(
        $(#[$doc])*
        #[track_caller]
        pub fn $name(a: impl IntoArray, s: Option<&[usize]>, axes: Option<&[i64]>, norm: impl Into<Norm>) -> Array {
            core(stringify!($name), FftType::$kind, a.into_array(), s, axes, norm.into())
        }
    )*};
}

one_axis! {
    /// The transform along an axis, of `n` elements: more are cut off, missing ones are zeros. The result is complex.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([1.0f32, 0.0, -1.0, 0.0]);
    /// assert_eq!(jnp::fft::fft(&x, None, -1, "backward").to_string(), "[0.+0.j 2.+0.j 0.+0.j 2.+0.j]");
    /// assert_eq!(jnp::fft::fft(&x, Some(2), -1, "backward").to_string(), "[1.+0.j 1.+0.j]");
    /// ```
    ///
    /// # Panics
    /// If there are no elements, or `norm` is another word.
    fft Fft;
    /// The inverse transform along an axis, of `n` elements: more are cut off, missing ones are zeros. The result is complex.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([1.0f32, 2.0, 4.0, 8.0]);
    /// let y = jnp::fft::fft(&x, None, -1, "ortho");
    /// assert_eq!(jnp::real(jnp::fft::ifft(&y, None, -1, "ortho")).round_to(4).to_vec::<f32>(), [1.0, 2.0, 4.0, 8.0]);
    /// ```
    ///
    /// # Panics
    /// As [`fft`](fn@fft).
    ifft Ifft;
    /// The non-negative half of the transform of a real array along an axis: `f32[…, n] → c64[…, n / 2 + 1]`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([[1.0f32, 1.0, 1.0, 1.0], [1.0, -1.0, 1.0, -1.0]]);
    /// let y = jnp::fft::rfft(&x, None, -1, "backward");
    /// assert_eq!(jnp::real(&y).to_string(), "[[4. 0. 0.]\n [0. 0. 4.]]");
    /// ```
    ///
    /// # Panics
    /// Of complex arrays; as [`fft`](fn@fft).
    rfft Rfft;
    /// The real array of `n` elements along an axis whose transform's non-negative half this is: the inverse of [`rfft`].
    ///
    /// Of `m` elements it makes `2 (m - 1)` where `n` is not given; an odd length must be given.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([1.0f32, 2.0, 4.0]);
    /// let half = jnp::fft::rfft(&x, None, -1, "backward");
    /// assert_eq!(jnp::fft::irfft(&half, Some(3), -1, "backward").round_to(4).to_vec::<f32>(), [1.0, 2.0, 4.0]);
    /// ```
    ///
    /// # Panics
    /// As [`fft`](fn@fft).
    irfft Irfft;
}

two_axes! {
    /// The transform along two axes, in JAX by default the last two, of lengths `s`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let corner = Array::from([[1.0f32, 0.0], [0.0, 0.0]]);
    /// let y = jnp::fft::fft2(&corner, None, [-2, -1], "backward");
    /// assert_eq!(y.to_string(), "[[1.+0.j 1.+0.j]\n [1.+0.j 1.+0.j]]");
    /// ```
    ///
    /// # Panics
    /// If an axis is named twice; as [`fft`](fn@fft).
    fft2 Fft;
    /// The inverse of [`fft2`].
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([[1.0f32, 2.0], [3.0, 4.0]]);
    /// let y = jnp::fft::fft2(&x, None, [0, 1], "backward");
    /// let back = jnp::fft::ifft2(&y, None, [0, 1], "backward");
    /// assert_eq!(jnp::real(back).round_to(4).to_string(), "[[1. 2.]\n [3. 4.]]");
    /// ```
    ///
    /// # Panics
    /// As [`fft2`].
    ifft2 Ifft;
    /// The transform of a real array along two axes, half of it along the second: `f32[m, n] → c64[m, n / 2 + 1]`.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// let y = jnp::fft::rfft2(jnp::ones([4, 6]), None, [-2, -1], "forward");
    /// assert_eq!(y.shape(), [4, 4]);
    /// assert_eq!(jnp::real(y.get(0)).round_to(4).to_vec::<f32>(), [1.0, 0.0, 0.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// Of complex arrays; as [`fft2`].
    rfft2 Rfft;
    /// The inverse of [`rfft2`]; an odd length along the second axis must be given in `s`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    /// let y = jnp::fft::rfft2(&x, None, [0, 1], "backward");
    /// let back = jnp::fft::irfft2(&y, Some([2, 3]), [0, 1], "backward");
    /// assert_eq!(back.round_to(4).to_string(), "[[1. 2. 3.]\n [4. 5. 6.]]");
    /// ```
    ///
    /// # Panics
    /// As [`fft2`].
    irfft2 Irfft;
}

any_axes! {
    /// The transform along `axes`; if not given, along the last `s.len()`, or all.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// let y = jnp::fft::fftn(jnp::ones([2, 2, 2]), None, None, "backward");
    /// assert_eq!(jnp::real(&y).to_vec::<f32>(), [8.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// If an axis is named twice, or there are not as many lengths as axes; as [`fft`](fn@fft).
    fftn Fft;
    /// The inverse of [`fftn`].
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// let y = jnp::fft::ifftn(jnp::ones([2, 3]), None, Some(&[1]), "backward");
    /// assert_eq!(jnp::real(&y).round_to(4).to_string(), "[[1. 0. 0.]\n [1. 0. 0.]]");
    /// ```
    ///
    /// # Panics
    /// As [`fftn`].
    ifftn Ifft;
    /// The transform of a real array along axes, half of it along the last of them.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// assert_eq!(jnp::fft::rfftn(jnp::ones([2, 4, 8]), None, Some(&[0, 2]), "backward").shape(), [2, 4, 5]);
    /// ```
    ///
    /// # Panics
    /// Of complex arrays; as [`fftn`].
    rfftn Rfft;
    /// The inverse of [`rfftn`]; an odd length along the last axis must be given in `s`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([[1.0f32, 2.0], [3.0, 4.0]]);
    /// let y = jnp::fft::rfftn(&x, None, None, "ortho");
    /// assert_eq!(jnp::fft::irfftn(&y, None, None, "ortho").round_to(4).to_string(), "[[1. 2.]\n [3. 4.]]");
    /// ```
    ///
    /// # Panics
    /// As [`fftn`].
    irfftn Irfft;
}

/// The real transform, of `n` elements, of an array that is Hermitian along an axis, given by its non-negative half.
///
/// Of `m` elements it makes `2 (m - 1)` where `n` is not given.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let half = Array::from([1.0f32, 2.0, 3.0]);
/// assert_eq!(jnp::fft::hfft(&half, None, -1, "backward").round_to(4).to_vec::<f32>(), [8.0, -2.0, 0.0, -2.0]);
/// ```
///
/// # Panics
/// As [`fft`](fn@fft).
#[track_caller]
pub fn hfft(a: impl IntoArray, n: Option<usize>, axis: i64, norm: impl Into<Norm>) -> Array {
    let a = super::conj(a);
    let at = canonical("hfft", axis, a.ndim());
    let count = n.unwrap_or_else(|| 2 * a.shape()[at].saturating_sub(1));
    // The inverse transform of the conjugate, scaled the other way round.
    let out =
        core("hfft", FftType::Irfft, a, n.as_ref().map(std::slice::from_ref), Some(&[axis]), norm.into());
    scaled(&out, count as f64)
}

/// The inverse of [`hfft`]: the non-negative half of a Hermitian array whose transform is this real one.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([8.0f32, -2.0, 0.0, -2.0]);
/// assert_eq!(jnp::real(jnp::fft::ihfft(&x, None, -1, "backward")).round_to(4).to_vec::<f32>(), [1.0, 2.0, 3.0]);
/// ```
///
/// # Panics
/// Of complex arrays; as [`fft`](fn@fft).
#[track_caller]
pub fn ihfft(a: impl IntoArray, n: Option<usize>, axis: i64, norm: impl Into<Norm>) -> Array {
    let a = a.into_array();
    let at = canonical("ihfft", axis, a.ndim());
    let count = n.unwrap_or(a.shape()[at]);
    let out =
        core("ihfft", FftType::Rfft, a, n.as_ref().map(std::slice::from_ref), Some(&[axis]), norm.into());
    scaled(&super::conj(out), 1.0 / count as f64)
}

/// The frequencies of the elements of a transform of length `n` of samples that lie `d` apart: the non-negative ones first.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::fft::fftfreq(5, 0.2).round_to(4).to_vec::<f32>(), [0.0, 1.0, 2.0, -2.0, -1.0]);
/// ```
#[track_caller]
pub fn fftfreq(n: usize, d: f64) -> Array {
    let places = lax::iota(DType::I32, n);
    let half = Array::scalar(n.div_ceil(2) as i64, DType::I32, false);
    let below = lax::lt(&places, &half);
    let wrapped = lax::sub(&places, &Array::scalar(n as i64, DType::I32, false));
    frequencies(&lax::select(&below, &places, &wrapped), n, d)
}

/// The frequencies of the non-negative half of a transform of length `n` of samples that lie `d` apart.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::fft::rfftfreq(8, 0.5).to_vec::<f32>(), [0.0, 0.25, 0.5, 0.75, 1.0]);
/// ```
#[track_caller]
pub fn rfftfreq(n: usize, d: f64) -> Array {
    frequencies(&lax::iota(DType::I32, n / 2 + 1), n, d)
}

#[track_caller]
fn frequencies(places: &Array, n: usize, d: f64) -> Array {
    let places = lax::convert_element_type(places, default_float());
    lax::div(&places, &Array::scalar(d * n as f64, places.dtype(), false))
}

/// The zero frequency moved to the middle, along all axes or those given.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let frequencies = jnp::fft::fftfreq(4, 0.25);
/// assert_eq!(jnp::fft::fftshift(&frequencies, None).to_vec::<f32>(), [-2.0, -1.0, 0.0, 1.0]);
/// ```
#[track_caller]
pub fn fftshift(x: impl IntoArray, axes: Option<&[i64]>) -> Array {
    shift("fftshift", x.into_array(), axes, |n| n / 2)
}

/// The inverse of [`fftshift`], which differs from it for odd lengths.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([0, 1, 2]);
/// let shifted = jnp::fft::fftshift(&x, None);
/// assert_eq!(shifted.to_vec::<i32>(), [2, 0, 1]);
/// assert_eq!(jnp::fft::ifftshift(&shifted, Some(&[0])).to_vec::<i32>(), [0, 1, 2]);
/// ```
#[track_caller]
pub fn ifftshift(x: impl IntoArray, axes: Option<&[i64]>) -> Array {
    shift("ifftshift", x.into_array(), axes, |n| n.div_ceil(2))
}

#[track_caller]
fn shift(name: &'static str, x: Array, axes: Option<&[i64]>, by: impl Fn(usize) -> usize) -> Array {
    let _line = crate::trace::keep_line();
    let all: Vec<i64> = (0..x.ndim() as i64).collect();
    axes.unwrap_or(&all).iter().fold(x, |x, &axis| {
        let axis = canonical(name, axis, x.ndim());
        let n = x.shape()[axis];
        if n < 2 {
            return x;
        }
        let cut = (n - by(n)) as i64;
        let end = lax::slice_in_dim(&x, cut, None, 1, axis);
        let start = lax::slice_in_dim(&x, 0, Some(cut), 1, axis);
        lax::concatenate(&[end, start], axis)
    })
}

/// The operand as a complex number, or a real one, of at least single precision.
#[track_caller]
fn converted(name: &'static str, kind: FftType, a: Array) -> Array {
    if kind == FftType::Rfft {
        if a.dtype().is_complex() {
            refuse!(name => "takes real arrays, got {}", a.aval())
        }
        let dtype = if a.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
        return lax::convert_element_type(
            &a,
            if inexact(a.dtype()) == DType::F64 { DType::F64 } else { dtype },
        );
    }
    let real = inexact(a.dtype());
    let dtype = if matches!(real, DType::F64 | DType::C128) { DType::C128 } else { DType::C64 };
    lax::convert_element_type(&a, dtype)
}

#[track_caller]
fn core(
    name: &'static str,
    kind: FftType,
    a: Array,
    s: Option<&[usize]>,
    axes: Option<&[i64]>,
    norm: Norm,
) -> Array {
    let mut a = converted(name, kind, a);
    let rank = a.ndim();
    let axes: Vec<usize> = match (axes, s) {
        (Some(axes), _) => canonical_all(name, axes, rank),
        (None, Some(s)) if s.len() > rank => {
            refuse!(name => "got {} lengths for an array of {rank} dimensions", s.len())
        }
        (None, s) => (rank - s.map_or(rank, <[usize]>::len)..rank).collect(),
    };
    if !lax::rules::distinct(&axes) {
        refuse!(name => "axes {axes:?} name a dimension twice")
    }
    if axes.is_empty() {
        return a;
    }
    let lead = rank - axes.len();
    let from: Vec<i64> = axes.iter().map(|&axis| axis as i64).collect();
    let to: Vec<i64> = (lead as i64..rank as i64).collect();
    a = moveaxis(&a, from.clone(), to.clone());
    let lengths: Vec<usize> = match s {
        Some(s) => {
            if s.len() != axes.len() || s.contains(&0) {
                refuse!(name => "lengths {s:?} must be positive, one for each of the axes {axes:?}")
            }
            s.to_vec()
        }
        None => {
            let mut lengths = a.shape()[lead..].to_vec();
            if let (FftType::Irfft, Some(last)) = (kind, lengths.last_mut()) {
                *last = 2 * last.saturating_sub(1);
            }
            lengths
        }
    };
    if lengths.contains(&0) {
        refuse!(name => "a transform needs at least one element, got lengths {lengths:?} from shape {:?}", a.shape())
    }
    let mut wanted = lengths.clone();
    if let (FftType::Irfft, Some(last)) = (kind, wanted.last_mut()) {
        *last = *last / 2 + 1;
    }
    let mut config = vec![(0, 0, 0); rank];
    for (d, &n) in wanted.iter().enumerate() {
        config[lead + d] = (0, n as i64 - a.shape()[lead + d] as i64, 0);
    }
    if config.iter().any(|c| *c != (0, 0, 0)) {
        a = lax::pad(&a, &Array::scalar(0, a.dtype(), false), &config);
    }
    let out = transform(a, kind, &lengths);
    let count: f64 = lengths.iter().map(|&n| n as f64).product();
    // Names, not kinds, decide: `hfft` is forward although it is an inverse transform of something else.
    let inverse = name.starts_with('i');
    let factor = match norm {
        Norm::Backward => 1.0,
        Norm::Ortho if inverse => count.sqrt(),
        Norm::Ortho => 1.0 / count.sqrt(),
        Norm::Forward if inverse => count,
        Norm::Forward => 1.0 / count,
    };
    moveaxis(scaled(&out, factor), to, from)
}

/// The array times a number.
#[track_caller]
fn scaled(x: &Array, factor: f64) -> Array {
    if factor == 1.0 { x.clone() } else { lax::mul(x, &Array::scalar(factor, x.dtype(), false)) }
}

/// The transform of the last dimensions, at most three at a time.
#[track_caller]
fn transform(a: Array, kind: FftType, lengths: &[usize]) -> Array {
    let _line = crate::trace::keep_line();
    let count = lengths.len();
    if count <= 3 {
        return lax::fft(&a, kind, lengths);
    }
    let n = if count == 4 { 2 } else { 3 };
    let rank = a.ndim();
    let outer: Vec<usize> = (rank - count..rank - n).collect();
    // The outer transformed dimensions go behind the inner ones.
    let there: Vec<usize> = (0..rank - count).chain(rank - n..rank).chain(outer).collect();
    let back: Vec<usize> =
        (0..rank - count).chain(rank - count + n..rank).chain(rank - count..rank - count + n).collect();
    let (first, last) = lengths.split_at(count - n);
    let around = |a: Array, kind| {
        let moved = transform(lax::transpose(&a, &there), kind, first);
        lax::transpose(&moved, &back)
    };
    match kind {
        FftType::Fft | FftType::Rfft => around(lax::fft(&a, kind, last), FftType::Fft),
        FftType::Ifft | FftType::Irfft => lax::fft(&around(a, FftType::Ifft), kind, last),
    }
}
