//! Polynomials fitted to points, and the zeros of polynomials.

use super::{IntoArray, linalg};
use crate::api::dtypes::promote_inexact;
use crate::ir::{Array, DType};
use crate::lax;
use crate::lax::rules::{refuse, show};

/// The scaled least squares problem of a fit: the matrix, the right sides, and by what its columns were divided.
#[track_caller]
fn problem(x: impl IntoArray, y: impl IntoArray, deg: usize, w: Option<&Array>) -> (Array, Array, Array) {
    let mut all = vec![x.into_array(), y.into_array()];
    all.extend(w.cloned());
    let all = promote_inexact(&all);
    let (x, y) = (&all[0], &all[1]);
    let fits = x.ndim() == 1
        && x.size() > 0
        && matches!(y.ndim(), 1 | 2)
        && y.shape()[0] == x.size()
        && all.get(2).is_none_or(|w| w.shape() == x.shape());
    if !fits {
        let shapes: Vec<String> = all.iter().map(|x| show(x.shape())).collect();
        refuse!("polyfit" => "takes points [n], values [n] or [n, k] and weights [n], got shapes {}", shapes.join(", "))
    }
    let mut matrix = super::vander(x, deg + 1, false);
    let mut y = y.clone();
    if let Some(w) = all.get(2) {
        let column = lax::expand_dims(w, &[1]);
        matrix = super::multiply(&matrix, &column);
        y = super::multiply(&y, if y.ndim() == 2 { &column } else { w });
    }
    let scale = lax::sqrt(&super::sum(super::square(&matrix), 0));
    (super::divide(matrix, &scale), y, scale)
}

/// The coefficients, highest power first, of the polynomial of degree `deg` nearest to the points in the sum of squares:
/// `f32[n], f32[n] → f32[deg + 1]`, or `f32[n], f32[n, k] → f32[deg + 1, k]`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([0.0f32, 1.0, 2.0, 3.0]);
/// let y = 2.0 * jnp::square(&x) - 1.0;
/// assert_eq!(jnp::polyfit(&x, &y, 2).round_to(3).to_vec::<f32>(), [2.0, 0.0, -1.0]);
/// ```
///
/// # Panics
/// If the shapes are others, or there are no points.
#[track_caller]
pub fn polyfit(x: impl IntoArray, y: impl IntoArray, deg: usize) -> Array {
    polyfit_full(x, y, deg, None, None).0
}

/// [`polyfit`] with weights `w` of the points, and with what [`linalg::lstsq`] says: coefficients, residuals, rank and singular
/// values of the scaled matrix. Singular values below `rcond` times the largest count as zero (`n ε` where not given).
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, y) = (Array::from([0.0f32, 1.0, 2.0]), Array::from([1.0f32, 3.0, 9.0]));
/// let trusted = Array::from([1.0f32, 1.0, 0.0]);
/// let (c, _, rank, _) = jnp::polyfit_full(&x, &y, 1, None, Some(&trusted));
/// assert_eq!((c.round_to(3).to_vec::<f32>(), rank.item::<i32>()), (vec![2.0, 1.0], 2));
/// ```
///
/// # Panics
/// As [`polyfit`].
#[track_caller]
pub fn polyfit_full(
    x: impl IntoArray,
    y: impl IntoArray,
    deg: usize,
    rcond: Option<f64>,
    w: Option<&Array>,
) -> (Array, Array, Array, Array) {
    let (matrix, y, scale) = problem(x, y, deg, w);
    let rcond = rcond.unwrap_or_else(|| matrix.shape()[0] as f64 * lax::linalg::epsilon(matrix.dtype()));
    let (c, residuals, rank, s) = linalg::lstsq(&matrix, &y, Some(rcond));
    (unscaled(&c, &scale), residuals, rank, s)
}

#[track_caller]
fn unscaled(c: &Array, scale: &Array) -> Array {
    super::divide(c, if c.ndim() == 2 { lax::expand_dims(scale, &[1]) } else { scale.clone() })
}

/// [`polyfit`] with weights `w`, and the covariance of the coefficients: `f32[deg + 1, deg + 1]`, for several columns of values
/// `f32[deg + 1, deg + 1, k]`. Where `scaled` it is multiplied by the mean square that is left of the values.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (x, y) = (Array::from([0.0f32, 1.0, 2.0, 3.0]), Array::from([0.0f32, 1.0, 0.0, 1.0]));
/// let (c, covariance) = jnp::polyfit_cov(&x, &y, 1, None, true);
/// assert_eq!(c.round_to(3).to_vec::<f32>(), [0.2, 0.2]);
/// assert_eq!(jnp::diagonal(&covariance, 0).round_to(3).to_vec::<f32>(), [0.08, 0.28]);
/// ```
///
/// # Panics
/// As [`polyfit`], or if it is to be `scaled` and there are not more points than coefficients.
#[track_caller]
pub fn polyfit_cov(
    x: impl IntoArray,
    y: impl IntoArray,
    deg: usize,
    w: Option<&Array>,
    scaled: bool,
) -> (Array, Array) {
    let (matrix, y, scale) = problem(x, y, deg, w);
    let (count, order) = (matrix.shape()[0], deg + 1);
    if scaled && count <= order {
        refuse!("polyfit" => "for a covariance there must be more points than coefficients, got {count} and {order}")
    }
    let rcond = count as f64 * lax::linalg::epsilon(matrix.dtype());
    let (c, residuals, _, _) = linalg::lstsq(&matrix, &y, Some(rcond));
    let base = linalg::inv(super::dot(lax::linalg::mt(&matrix), &matrix));
    let base = super::divide(base, super::outer(&scale, &scale));
    let factor = if scaled {
        super::divide(residuals, (count - order) as f64)
    } else {
        lax::full(&[1], 1, matrix.dtype())
    };
    let covariance = if y.ndim() == 1 {
        super::multiply(base, factor)
    } else {
        super::multiply(lax::expand_dims(&base, &[2]), factor)
    };
    (unscaled(&c, &scale), covariance)
}

/// The zeros, in no order, of the polynomial with coefficients `p`, highest power first: `f32[n] → c64[n - 1]`. Leading zeros are
/// stripped, so `p` must be concrete; in traced code use [`roots_with_zeros`].
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let zeros = jnp::roots(Array::from([0.0f32, 1.0, 0.0, -4.0]));
/// assert_eq!(jnp::sort(jnp::real(zeros), -1).round_to(3).to_vec::<f32>(), [-2.0, 2.0]);
/// ```
///
/// # Panics
/// If `p` is no vector, or is traced.
#[track_caller]
pub fn roots(p: impl IntoArray) -> Array {
    let p = coefficients(p);
    let flags = super::take::host(&p, "what is zero", "the size of the result depends on it");
    let zeros = flags.iter().take_while(|&&v| v == 0).count();
    zeros_of(&lax::slice_in_dim(&p, zeros as i64, None, 1, 0))
}

/// [`roots`] without stripping: leading zeros make as many NaN at the end. JAX's `roots` with `strip_zeros=False`.
///
/// ```
/// # use jacinth_frontend::{Array, jit, numpy as jnp};
/// let f = jit(|p: &Array| jnp::real(jnp::roots_with_zeros(p)));
/// assert_eq!(f(&Array::from([0.0f32, 2.0, -6.0])).round_to(3).to_string(), "[ 3. nan]");
/// ```
///
/// # Panics
/// If `p` is no vector.
#[track_caller]
pub fn roots_with_zeros(p: impl IntoArray) -> Array {
    let p = coefficients(p);
    let n = p.size();
    if n < 2 {
        return zeros_of(&p);
    }
    let is_zero = lax::eq(&p, &Array::scalar(0, p.dtype(), false));
    let seen = super::cumsum(lax::convert_element_type(&lax::not(&is_zero), DType::I32), 0);
    let leading = super::sum(super::equal(seen, 0), ());
    let all = super::equal(&leading, n as i64);
    let p = super::where_(&all, 1.0, &p);
    let zeros = zeros_of(&super::roll_dynamic(&p, lax::neg(&leading), 0));
    // Zeros that the exchanged coefficients made go to the end, and are none.
    let none = lax::eq(&zeros, &lax::full_like(&zeros, 0));
    let order = lax::argsort(&lax::convert_element_type(&none, DType::I32), 0);
    let sorted = super::take(&zeros, order, 0);
    let place = lax::iota(leading.dtype(), n - 1);
    let kept = super::less(place, super::subtract((n - 1) as i64, &leading));
    super::where_(kept, sorted, f64::NAN)
}

#[track_caller]
fn coefficients(p: impl IntoArray) -> Array {
    let p = super::atleast_1d(promote_inexact(&[p.into_array()]).remove(0));
    if p.ndim() != 1 {
        refuse!("roots" => "takes a vector of coefficients, got shape {}", show(p.shape()))
    }
    p
}

/// The eigenvalues of the companion matrix. Coefficients at the end that are zero make zeros exactly: the ones that would couple them to
/// the others are left out.
#[track_caller]
fn zeros_of(p: &Array) -> Array {
    let _line = crate::trace::keep_line();
    let n = p.size().saturating_sub(1);
    if n == 0 {
        return lax::full(&[0], 0, p.dtype().complex().unwrap_or(p.dtype()));
    }
    let part = |from: usize, to: usize| lax::slice_in_dim(p, from as i64, Some(to as i64), 1, 0);
    let first = lax::neg(&super::divide(part(1, n + 1), part(0, 1)));
    // Whether a coefficient, or one after it, is something.
    let nonzero = lax::convert_element_type(&super::not_equal(&first, 0.0), DType::I32);
    let open = super::greater(lax::cumsum(&nonzero, 0, true), 0);
    let below = lax::convert_element_type(&lax::slice_in_dim(&open, 1, None, 1, 0), p.dtype());
    linalg::eigvals(crate::api::scipy::linalg::under_first_row(&first, &below))
}
