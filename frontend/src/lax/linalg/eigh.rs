//! Eigenvalues and eigenvectors of Hermitian matrices, by Jacobi rotations in parallel.
//!
//! The indices are paired, all pairs are rotated at once, and the pairs are exchanged as in a round-robin tournament (Brent and Luk,
//! SIAM J. Sci. Stat. Comput. 6, 1985): after as many rounds as there are opponents every index is back in its place. Sweeps are repeated
//! until what is off the diagonal is negligible, and once more.

use smallvec::smallvec;

use super::matrix::*;
use super::{Factorisation, square};
use crate::error::Result;
use crate::ir::{Array, Arrays, Aval, DType, Params, Prim, Sample, SampleArg, Tangents};
use crate::lax::traced::{E, call_sample, choose, fori_loop, while_loop};
use crate::lax::{
    abs, add, argsort, broadcast_in_dim, complex, concatenate, imag, integer_pow, mul, pad, reduce_sum,
    scalar_like, select, slice_in_dim, zeros_like,
};
use crate::trace::bind;

/// More sweeps than any matrix needs.
const SWEEPS: i64 = 30;

/// `(v, w)` with `x v = v diag(w)`: the eigenvectors as the columns of `v`, and the eigenvalues, real and ascending:
/// `f32[…, n, n] → f32[…, n, n], f32[…, n]`. The matrix is made Hermitian as `(x + xᴴ) / 2`.
///
/// ```
/// # use jacinth_frontend::{Array, lax::linalg};
/// let (v, w) = linalg::eigh(&Array::from([[2.0f32, 1.0], [1.0, 2.0]]));
/// assert_eq!((v.shape(), w.round_to(4).to_string()), (&[2, 2][..], "[1. 3.]".into()));
/// ```
///
/// # Panics
/// If the matrices are not square, or not of 32 or 64 bit floating-point or complex numbers.
#[track_caller]
pub fn eigh(x: &Array) -> (Array, Array) {
    eigh_with(x, true, true)
}

/// [`eigh`], saying which triangle is read and whether the matrix is made Hermitian first.
///
/// ```
/// # use jacinth_frontend::{Array, lax::linalg};
/// // Only the lower triangle is read: the 9 is not.
/// let (_, w) = linalg::eigh_with(&Array::from([[2.0f32, 9.0], [1.0, 2.0]]), true, false);
/// assert_eq!(w.round_to(4).to_string(), "[1. 3.]");
/// ```
///
/// # Panics
/// As [`eigh`].
#[track_caller]
pub fn eigh_with(x: &Array, lower: bool, symmetrize_input: bool) -> (Array, Array) {
    check_matrices("eigh", &[x]);
    let x = if symmetrize_input { symmetrize(x) } else { x.clone() };
    let mut outs = bind(Prim::new(Eigh { lower }), &[x]);
    let w = outs.pop().expect("two results");
    (outs.pop().expect("two results"), w)
}

/// See [`eigh_with`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Eigh {
    /// Whether the lower triangle is read.
    pub lower: bool,
}

impl Factorisation for Eigh {
    const NAME: &'static str = "eigh";
    const RANKS: &'static [usize] = &[2];

    fn show_params<'a>(&'a self, params: &mut Params<'a>) {
        params.none("algorithm");
        params.flag("lower", self.lower);
        params.flag("sort_eigenvalues", true);
        params.none("subset_by_index");
    }

    fn results(&self, args: &[&Aval]) -> Result<Vec<Aval>> {
        let n = square(Self::NAME, args[0])?;
        Ok(vec![args[0].clone(), Aval::new([n], args[0].dtype.real())])
    }

    fn compute(&self, args: &[Array]) -> Vec<Array> {
        let a = &args[0];
        let n = sizes_of(a).0;
        // The triangle that is read, mirrored; the diagonal of a Hermitian matrix is real.
        let strict = if self.lower { tril(a, -1) } else { triu(a, 1) };
        let diagonal = cast_to(&real_of(&diagonal_of(a)), a.dtype());
        let on_diagonal = mul(&eye_like(a), &as_columns(&diagonal, a));
        let a = add(&add(&strict, &adjoint(&strict)), &on_diagonal);
        if n < 2 {
            return vec![eye_like(&a), real_of(&diagonal)];
        }
        let (a, scale) = tamed(&a);
        // An odd one out plays against an index that has nothing in common with any.
        let even = (n + n % 2) as i64;
        let wide = [(0, even - n as i64, 0); 2];
        let padded = pad(&a, &scalar_like(&a, 0), &wide);
        let vectors = pad(&eye_like(&a), &scalar_like(&a, 0), &[(0, 0, 0), wide[1]]);
        let vectors = if even as usize == n { vectors } else { eye(a.dtype(), n, even as usize) };
        let total = E(reduce_sum(&squares(&a), &[0, 1]));
        let tolerance = &total * (4.0 * epsilon(a.dtype())).powi(2);
        let off = |a: &Array| {
            let squares = squares(a);
            reduce_sum(&select(&mask(a), &zeros_like(squares.aval()), &squares), &[0, 1])
        };
        let count = Array::scalar(0, DType::I32, false);
        let infinite = scalar_like(&total.0, f64::INFINITY);
        let out = while_loop(
            |state| {
                let more = crate::lax::lt(&state[0], &scalar_like(&state[0], SWEEPS));
                crate::lax::and(&more, &E(state[1].clone()).gt(&tolerance).0)
            },
            |state| {
                let before = off(&state[2]);
                let pair = fori_loop(0, even as usize - 1, |_, s| round(&s[0], &s[1]), state[2..].to_vec());
                let next = add(&state[0], &scalar_like(&state[0], 1));
                vec![next, before, pair[0].clone(), pair[1].clone()]
            },
            vec![count, infinite, padded, vectors],
        );
        let w = real_of(&diagonal_of(&rows(&columns(&out[2], 0, n), 0, n)));
        let w = wild(&w, &scale);
        let order = argsort(&w, 0);
        let column = |x: &Array| slice_in_dim(x, 0, Some(n as i64), 1, 1);
        let v = mt(&take_rows(&mt(&column(&out[3])), &order));
        vec![v, crate::lax::sort(&w, 0)]
    }

    fn differentiate(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let a = &primals[0];
        let t = tangents[0].as_ref().expect("the tangent is not zero");
        let (v, w) = eigh_with(a, self.lower, true);
        let wide = cast_to(&w, a.dtype());
        let eye = E(eye_like(a));
        let gaps = &eye + E(as_rows(&wide, a)) - E(as_columns(&wide, a));
        let f = E(integer_pow(&gaps.0, -1)) - &eye;
        let turned = mm(&mm(&adjoint(&v), t), &v);
        let dv = mm(&v, &(f * E(turned.clone())).0);
        let dw = real_of(&diagonal_of(&turned));
        (smallvec![v, w], smallvec![Some(dv), Some(dw)])
    }

    fn examples() -> Vec<Sample> {
        let well = [1.0, 0.5, 0.25, 0.5, 3.0, -0.25, 0.25, -0.25, 6.0, 0.75, -0.5];
        let sample = |shape: &[usize]| {
            let shape = shape.to_vec();
            Sample::of(move |dtype| {
                call_sample("eigh", &[SampleArg::values(shape.clone(), dtype, well)], |a| {
                    // Eigenvectors are known up to a factor of magnitude one: their projections are the same for all.
                    let (v, w) = eigh(&a[0]);
                    let weighted = mul(&v, &as_rows(&cast_to(&w, v.dtype()), &v));
                    vec![w, mm(&weighted, &adjoint(&mul(&v, &squares_as(&v))))]
                })
            })
        };
        vec![sample(&[3, 3]), sample(&[2, 4, 4]), sample(&[1, 1])]
    }
}

/// Squares of magnitudes in the array's own dtype.
fn squares_as(x: &Array) -> Array {
    cast_to(&squares(x), x.dtype())
}

/// Where the diagonal is.
fn mask(a: &Array) -> Array {
    let place = |d| crate::lax::broadcasted_iota(DType::I32, a.shape(), d);
    crate::lax::eq(&place(0), &place(1))
}

/// Cosine and sine of the rotations that make pairs with diagonal elements `p` and `q` and off-diagonal magnitude `r` diagonal.
pub(super) fn rotation(p: &E, q: &E, r: &E) -> (E, E) {
    let none = r.eq(0.0);
    let tau = (q - p) / (2.0 * choose(&none, &r.full(1.0), r));
    let root = tau.abs() + (tau.square() + 1.0).sqrt();
    let t = choose(&tau.ge(0.0), &(1.0 / &root), -(1.0 / &root));
    let t = choose(&none, &t.full(0.0), &t);
    let c = 1.0 / (t.square() + 1.0).sqrt();
    let s = &t * &c;
    (c, s)
}

/// The factor of magnitude one that makes a number real and not negative, and its magnitude: `z = |z| phase`.
pub(super) fn phase(z: &Array) -> (E, E) {
    let size = E(abs(z));
    if !z.dtype().is_complex() {
        let one = size.full(1.0);
        return (choose(&E(z.clone()).lt(0.0), &-&one, &one), size);
    }
    let none = size.eq(0.0);
    let safe = choose(&none, &size.full(1.0), &size);
    let re = choose(&none, &size.full(1.0), E(real_of(z)) / &safe);
    let im = E(imag(z)) / &safe;
    (E(complex(&re.0, &im.0)), size)
}

/// One round: all pairs (`i`, `i + n/2`) rotated, then paired anew.
fn round(a: &Array, v: &Array) -> Vec<Array> {
    let n = sizes_of(a).0;
    let h = n / 2;
    let diagonal = E(real_of(&diagonal_of(a)));
    let part = |x: &E, from: usize| E(slice_in_dim(&x.0, from as i64, Some((from + h) as i64), 1, 0));
    let r = diagonal_of(&columns(&rows(a, 0, h), h, n));
    let (unit, size) = phase(&r);
    let (c, s) = rotation(&part(&diagonal, 0), &part(&diagonal, h), &size);
    // Columns: the second of each pair times conj(phase), then the real rotation. Rows: the adjoint of that.
    let turn = |x: &Array, axis: usize, unit: &Array| {
        let half = |from: usize| slice_in_dim(x, from as i64, Some((from + h) as i64), 1, axis);
        let (top, bottom) = (half(0), half(h));
        let wide = |f: &Array| E(broadcast_in_dim(&cast_to(f, x.dtype()), top.shape(), &[axis]));
        let (c, s) = (wide(&c.0), wide(&s.0));
        let (top, bottom) = (E(top.clone()), E(bottom.clone()) * wide(unit));
        let (first, second) = (&c * &top - &s * &bottom, &s * &top + &c * &bottom);
        pair_anew(&first.0, &second.0, axis)
    };
    let conjugate = conj_of(&unit.0);
    let a = turn(&turn(a, 0, &unit.0), 1, &conjugate);
    vec![a, turn(v, 1, &conjugate)]
}

/// The halves side by side along an axis, after the tournament's exchange: the first of the top half stays, all others move on by one.
pub(super) fn pair_anew(top: &Array, bottom: &Array, axis: usize) -> Array {
    let h = top.shape()[axis] as i64;
    if h == 1 {
        return concatenate(&[top.clone(), bottom.clone()], axis);
    }
    let part = |x: &Array, from: i64, to: i64| slice_in_dim(x, from, Some(to), 1, axis);
    concatenate(
        &[part(top, 0, 1), part(bottom, 0, 1), part(top, 1, h - 1), part(bottom, 1, h), part(top, h - 1, h)],
        axis,
    )
}
