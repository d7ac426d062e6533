//! Matrices of given structure.
//!
//! Those made from vectors take batches of them, as in JAX.

use crate::api::dtypes::{default_float, promote, promote_inexact};
use crate::api::numpy::{self as jnp, IntoArray, vectorize};
use crate::ir::{Array, DType};
use crate::lax::{self, linalg as lax_linalg, rules::refuse, rules::show};

/// Matrices along the diagonal of a larger one, zeros beside them.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let x = linalg::block_diag(&[Array::from([[1, 2]]), Array::from([[3]])]);
/// assert_eq!(x.to_string(), "[[1 2 0]\n [0 0 3]]");
/// ```
///
/// # Panics
/// If an array has more than two dimensions.
#[track_caller]
pub fn block_diag(arrays: &[Array]) -> Array {
    let parts: Vec<Array> = promote(arrays).iter().map(jnp::atleast_2d).collect();
    if parts.is_empty() {
        return lax::full(&[1, 0], 0, default_float());
    }
    if let Some(bad) = parts.iter().find(|p| p.ndim() > 2) {
        refuse!("block_diag" => "takes arrays of at most two dimensions, got shape {}", show(bad.shape()))
    }
    let width: usize = parts.iter().map(|p| p.shape()[1]).sum();
    let mut before = 0;
    let rows: Vec<Array> = parts
        .iter()
        .map(|p| {
            let after = width - before - p.shape()[1];
            let config = [(0, 0, 0), (before as i64, after as i64, 0)];
            before += p.shape()[1];
            lax::pad(p, &Array::scalar(0, p.dtype(), false), &config)
        })
        .collect();
    lax::concatenate(&rows, 0)
}

/// The elements of a vector at the places that a function of row and column gives, of which the operands are index arrays.
fn arrange(values: &Array, rows: usize, columns: usize, place: impl Fn(&Array, &Array) -> Array) -> Array {
    let index = |d| lax::broadcasted_iota(DType::I32, &[rows, columns], d);
    let places = lax::reshape(&place(&index(0), &index(1)), &[rows * columns]);
    let column = lax::reshape(values, &[values.size(), 1]);
    lax::reshape(&lax_linalg::take_rows(&column, &places), &[rows, columns])
}

fn int(value: usize) -> Array {
    Array::scalar(value as i64, DType::I32, false)
}

/// An array of vectors that are not empty.
#[track_caller]
fn vectors(name: &'static str, x: impl IntoArray) -> Array {
    let x = jnp::atleast_1d(x);
    if x.shape()[x.ndim() - 1] == 0 {
        refuse!(name => "takes vectors that are not empty, got shape {}", show(x.shape()))
    }
    x
}

/// The length of the vectors.
fn length(x: &Array) -> usize {
    x.shape()[x.ndim() - 1]
}

/// A matrix for each vector, or pair of vectors.
#[track_caller]
fn each(args: &[Array], signature: &str, f: impl Fn(&[Array]) -> Array + Send + Sync) -> Array {
    vectorize(|args| vec![f(args)], Some(signature)).call(args).swap_remove(0)
}

/// The matrix that is constant along its diagonals, with first column `c` and first row `r` (the conjugate of `c` where not given), whose
/// first element is not read.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let x = linalg::toeplitz(Array::from([1, 2, 3]), Some(&Array::from([0, 4])));
/// assert_eq!(x.to_string(), "[[1 4]\n [2 1]\n [3 2]]");
/// ```
#[track_caller]
pub fn toeplitz(c: impl IntoArray, r: Option<&Array>) -> Array {
    let c = vectors("toeplitz", c);
    let r = r.map_or_else(|| jnp::conj(&c), |r| vectors("toeplitz", r));
    each(&promote(&[c, r]), "(m),(n)->(m,n)", |both| {
        let (m, n) = (both[0].size(), both[1].size());
        let above = lax::rev(&lax::slice_in_dim(&both[1], 1, None, 1, 0), &[0]);
        let all = lax::concatenate(&[above, both[0].clone()], 0);
        arrange(&all, m, n, |row, column| lax::add(&lax::sub(row, column), &int(n - 1)))
    })
}

/// The matrix that is constant along its antidiagonals, with first column `c` and last row `r` (zeros where not given), whose first element
/// is not read.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let x = linalg::hankel(Array::from([1, 2, 3]), None);
/// assert_eq!(x.to_string(), "[[1 2 3]\n [2 3 0]\n [3 0 0]]");
/// ```
#[track_caller]
pub fn hankel(c: impl IntoArray, r: Option<&Array>) -> Array {
    let c = vectors("hankel", c);
    let r = r.map_or_else(|| lax::full_like(&c, 0), |r| vectors("hankel", r));
    each(&promote(&[c, r]), "(m),(n)->(m,n)", |both| {
        let (m, n) = (both[0].size(), both[1].size());
        let all = lax::concatenate(&[both[0].clone(), lax::slice_in_dim(&both[1], 1, None, 1, 0)], 0);
        arrange(&all, m, n, lax::add)
    })
}

/// The matrix whose columns are rotations of `c`.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let x = linalg::circulant(Array::from([1, 2, 3]));
/// assert_eq!(x.to_string(), "[[1 3 2]\n [2 1 3]\n [3 2 1]]");
/// ```
#[track_caller]
pub fn circulant(c: impl IntoArray) -> Array {
    each(&[vectors("circulant", c)], "(n)->(n,n)", |c| {
        let n = c[0].size();
        arrange(&c[0], n, n, |row, column| lax::rem(&lax::add(&lax::sub(row, column), &int(n)), &int(n)))
    })
}

/// The matrix of `|a[i] - a[j]|`.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let x = linalg::fiedler(Array::from([1, 4, 6]));
/// assert_eq!(x.to_string(), "[[0 3 5]\n [3 0 2]\n [5 2 0]]");
/// ```
#[track_caller]
pub fn fiedler(a: impl IntoArray) -> Array {
    let a = vectors("fiedler", a);
    lax::abs(&jnp::subtract(jnp::expand_dims(&a, -1), jnp::expand_dims(&a, -2)))
}

/// The matrix with `f` in its first row and `s` below its diagonal: of a population, fecundity and survival by age.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let x = linalg::leslie(Array::from([0, 2, 1]), Array::from([5, 6]));
/// assert_eq!(x.to_string(), "[[0 2 1]\n [5 0 0]\n [0 6 0]]");
/// ```
///
/// # Panics
/// If they are not vectors `[n]` and `[n - 1]`.
#[track_caller]
pub fn leslie(f: impl IntoArray, s: impl IntoArray) -> Array {
    let both = promote(&[vectors("leslie", f), jnp::atleast_1d(s)]);
    let n = length(&both[0]);
    if n < 2 || length(&both[1]) + 1 != n {
        refuse!("leslie" => "takes vectors [n] and [n-1] with n at least 2, got shapes {} and {}", show(both[0].shape()), show(both[1].shape()))
    }
    each(&both, "(n),(m)->(n,n)", |both| under_first_row(&both[0], &both[1]))
}

/// A first row, and below it a diagonal that starts in the first column.
pub(crate) fn under_first_row(first: &Array, below: &Array) -> Array {
    let first = lax::expand_dims(first, &[0]);
    if below.size() == 0 {
        return first;
    }
    let config = [(0, 0, 0), (0, 1, 0)];
    let rest = lax::pad(&jnp::diag(below, 0), &Array::scalar(0, first.dtype(), false), &config);
    lax::concatenate(&[first, rest], 0)
}

/// Vectors of coefficients, highest power first, divided by their first.
#[track_caller]
fn monic(name: &'static str, a: impl IntoArray) -> Array {
    let a = promote_inexact(&[vectors(name, a)]).remove(0);
    let head = lax::slice_in_dim(&a, 0, Some(1), 1, a.ndim() - 1);
    lax::div(&a, &jnp::broadcast_to(head, a.shape()))
}

/// The companion matrix of the polynomial with coefficients `a`, highest power first.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// // x² - 3x + 2, with roots 1 and 2.
/// let x = linalg::companion(Array::from([1.0f32, -3.0, 2.0]));
/// assert_eq!(x.to_string(), "[[ 3. -2.]\n [ 1.  0.]]");
/// ```
///
/// # Panics
/// If there are fewer than two coefficients.
#[track_caller]
pub fn companion(a: impl IntoArray) -> Array {
    let a = monic("companion", a);
    let n = length(&a);
    if n < 2 {
        refuse!("companion" => "takes at least two coefficients, got shape {}", show(a.shape()))
    }
    each(&[a], "(n)->(m,m)", |a| {
        let first = lax::neg(&lax::slice_in_dim(&a[0], 1, None, 1, 0));
        let ones = lax::full(&[n - 2], 1, first.dtype());
        under_first_row(&first, &ones)
    })
}

/// Fiedler's companion matrix, with five diagonals, of the polynomial with coefficients `a`, highest power first (Fiedler, Linear Algebra
/// Appl. 372, 2003).
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let x = linalg::fiedler_companion(Array::from([1.0f32, -6.0, 11.0, -6.0]));
/// assert_eq!(x.shape(), [3, 3]);
/// assert_eq!(x.trace().item::<f32>(), 6.0);
/// ```
#[track_caller]
pub fn fiedler_companion(a: impl IntoArray) -> Array {
    let a = monic("fiedler_companion", a);
    let n = length(&a) - 1;
    each(&[a], "(n)->(m,m)", |a| {
        let minus = lax::neg(&a[0]);
        if n == 0 {
            return lax::full(&[0, 0], 0, minus.dtype());
        }
        // Each row holds coefficients, ones and zeros; where a coefficient stands in row `i` is known beforehand.
        let mut places = vec![n as i32 + 1; n * n];
        let one = n as i32 + 2;
        for i in 0..n {
            let mut put = |j: usize, value: i32| {
                if j < n {
                    places[i * n + j] = value;
                }
            };
            match i {
                0 => put(0, 1),
                1 => put(0, one),
                _ => {}
            }
            if i.is_multiple_of(2) {
                put(i + 1, i as i32 + 2);
                put(i + 2, one);
                if i >= 2 {
                    put(i - 1, i as i32 + 1);
                }
            } else if i >= 3 {
                put(i - 2, one);
            }
        }
        let constants = lax::iota(minus.dtype(), 2);
        let all = lax::concatenate(&[minus, constants], 0);
        let places = Array::from_slice(&places, [n, n]);
        arrange(&all, n, n, |_, _| places.clone())
    })
}

/// The matrix whose product with a vector of length `n` is its convolution with `a`; `mode` is `"full"`, `"same"` or `"valid"`.
///
/// ```
/// # use jacinth_frontend::{Array, scipy::linalg};
/// let a = Array::from([1, 2]);
/// let x = linalg::convolution_matrix(&a, 3, "full");
/// assert_eq!(x.to_string(), "[[1 0 0]\n [2 1 0]\n [0 2 1]\n [0 0 2]]");
/// ```
///
/// # Panics
/// If `n` is zero, or the mode is another.
#[track_caller]
pub fn convolution_matrix(a: impl IntoArray, n: usize, mode: &str) -> Array {
    let a = vectors("convolution_matrix", a);
    if n == 0 {
        refuse!("convolution_matrix" => "n must be positive")
    }
    let m = length(&a);
    let (start, count) = match mode {
        "full" => (0, m + n - 1),
        "same" => ((m.min(n) - 1) / 2, m.max(n)),
        "valid" => (m.min(n) - 1, m.max(n) - m.min(n) + 1),
        _ => refuse!("convolution_matrix" => "mode must be \"full\", \"same\" or \"valid\", got \"{mode}\""),
    };
    each(&[a], "(n)->(m,k)", |a| {
        let config = [(0, n as i64 - 1, 0)];
        let zero = Array::scalar(0, a[0].dtype(), false);
        let first = lax::slice_in_dim(&a[0], 0, Some(1), 1, 0);
        let full = toeplitz(lax::pad(&a[0], &zero, &config), Some(&lax::pad(&first, &zero, &config)));
        lax_linalg::rows(&full, start, start + count)
    })
}

/// A square matrix of numbers computed on the host.
fn on_host(n: usize, f: impl Fn(usize, usize) -> f64) -> Array {
    let values: Vec<f64> = (0..n * n).map(|i| f(i / n, i % n)).collect();
    let dtype = default_float();
    if dtype == DType::F64 {
        return Array::from_slice(&values, [n, n]);
    }
    Array::from_slice(&values.iter().map(|&v| v as f32).collect::<Vec<f32>>(), [n, n])
}

/// The matrix of `1 / (i + j + 1)`, in the default float.
///
/// ```
/// # use jacinth_frontend::scipy::linalg;
/// assert_eq!(linalg::hilbert(2).to_string(), "[[1.         0.5       ]\n [0.5        0.33333334]]");
/// ```
#[track_caller]
pub fn hilbert(n: usize) -> Array {
    on_host(n, |i, j| 1.0 / (i + j + 1) as f64)
}

/// `n` over `k`.
fn binomial(n: usize, k: usize) -> f64 {
    if k > n { 0.0 } else { (0..k).fold(1.0, |c, i| (c * (n - i) as f64 / (i + 1) as f64).round()) }
}

/// The inverse of [`hilbert`], of whole numbers, in the default float.
///
/// ```
/// # use jacinth_frontend::scipy::linalg;
/// assert_eq!(linalg::invhilbert(2).to_string(), "[[ 4. -6.]\n [-6. 12.]]");
/// ```
#[track_caller]
pub fn invhilbert(n: usize) -> Array {
    on_host(n, |i, j| {
        let sign = if (i + j).is_multiple_of(2) { 1.0 } else { -1.0 };
        let product = binomial(n + i, n - j - 1) * binomial(n + j, n - i - 1);
        sign * (i + j + 1) as f64 * product * binomial(i + j, i).powi(2)
    })
}

/// Pascal's triangle as a matrix: `kind` is `"symmetric"`, `"lower"` or `"upper"`.
///
/// ```
/// # use jacinth_frontend::scipy::linalg;
/// assert_eq!(linalg::pascal(3, "lower").to_string(), "[[1. 0. 0.]\n [1. 1. 0.]\n [1. 2. 1.]]");
/// ```
///
/// # Panics
/// If the kind is another.
#[track_caller]
pub fn pascal(n: usize, kind: &str) -> Array {
    match kind {
        "symmetric" => on_host(n, |i, j| binomial(i + j, i)),
        "lower" => on_host(n, binomial),
        "upper" => on_host(n, |i, j| binomial(j, i)),
        _ => refuse!("pascal" => "kind must be \"symmetric\", \"lower\" or \"upper\", got \"{kind}\""),
    }
}

/// The inverse of [`pascal`].
///
/// ```
/// # use jacinth_frontend::scipy::linalg;
/// assert_eq!(linalg::invpascal(2, "symmetric").to_string(), "[[ 2. -1.]\n [-1.  1.]]");
/// ```
///
/// # Panics
/// If the kind is another.
#[track_caller]
pub fn invpascal(n: usize, kind: &str) -> Array {
    let sign = |i: usize, j: usize| if (i + j).is_multiple_of(2) { 1.0 } else { -1.0 };
    match kind {
        // The product of the inverses of both triangles.
        "symmetric" => on_host(n, |i, j| {
            sign(i, j) * (i.max(j)..n).map(|k| binomial(k, i) * binomial(k, j)).sum::<f64>()
        }),
        "lower" => on_host(n, |i, j| sign(i, j) * binomial(i, j)),
        "upper" => on_host(n, |i, j| sign(i, j) * binomial(j, i)),
        _ => refuse!("invpascal" => "kind must be \"symmetric\", \"lower\" or \"upper\", got \"{kind}\""),
    }
}

/// Helmert's orthogonal matrix of contrasts, without its first, constant row unless `full`: `f32[n, n]` or `f32[n - 1, n]`.
///
/// ```
/// # use jacinth_frontend::scipy::linalg;
/// let x = linalg::helmert(3, false);
/// assert_eq!(x.round_to(3).to_string(), "[[ 0.707 -0.707  0.   ]\n [ 0.408  0.408 -0.816]]");
/// ```
#[track_caller]
pub fn helmert(n: usize, full: bool) -> Array {
    let all = on_host(n, |i, j| {
        if i == 0 {
            return 1.0 / (n as f64).sqrt();
        }
        let scale = 1.0 / ((i * (i + 1)) as f64).sqrt();
        match j {
            j if j < i => scale,
            j if j == i => -(i as f64) * scale,
            _ => 0.0,
        }
    });
    if full || n == 0 { all } else { lax_linalg::rows(&all, 1, n) }
}

/// Hadamard's matrix of ones and minus ones, for a power of two, as integers.
///
/// ```
/// # use jacinth_frontend::scipy::linalg;
/// assert_eq!(linalg::hadamard(2).to_string(), "[[ 1  1]\n [ 1 -1]]");
/// ```
///
/// # Panics
/// If `n` is no power of two.
#[track_caller]
pub fn hadamard(n: usize) -> Array {
    if !n.is_power_of_two() {
        refuse!("hadamard" => "n must be a power of two, got {n}")
    }
    let values: Vec<i32> =
        (0..n * n).map(|i| if ((i / n) & (i % n)).count_ones().is_multiple_of(2) { 1 } else { -1 }).collect();
    Array::from_slice(&values, [n, n])
}

/// The matrix of the discrete Fourier transform, in complex numbers; `scale` says by what it is divided: nothing, `"sqrtn"` or `"n"`.
///
/// ```
/// # use jacinth_frontend::scipy::linalg;
/// let x = linalg::dft(2, None);
/// assert_eq!(x.real().round_to(3).to_string(), "[[ 1.  1.]\n [ 1. -1.]]");
/// ```
///
/// # Panics
/// If the scale is another.
#[track_caller]
pub fn dft(n: usize, scale: Option<&str>) -> Array {
    let factor = match scale {
        None => 1.0,
        Some("sqrtn") => 1.0 / (n as f64).sqrt(),
        Some("n") => 1.0 / n as f64,
        Some(other) => refuse!("dft" => "scale must be \"sqrtn\" or \"n\", got \"{other}\""),
    };
    let angle = |i: usize, j: usize| -std::f64::consts::TAU * ((i * j) % n) as f64 / n as f64;
    lax::complex(
        &on_host(n, |i, j| factor * angle(i, j).cos()),
        &on_host(n, |i, j| factor * angle(i, j).sin()),
    )
}
