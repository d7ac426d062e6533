//! Reduction to Hessenberg form by Householder reflections, with LAPACK's signs.

use super::matrix::*;
use super::qr::{householder_product, reflector};
use super::{Factorisation, square, unsupported_derivative};
use crate::error::Result;
use crate::ir::{Array, Arrays, Aval, DType, Params, Prim, Sample, SampleArg, Tangents};
use crate::lax::traced::{E, fori_loop};
use crate::lax::{
    broadcast_in_dim, broadcasted_iota, dynamic_index_in_dim, eq, full, iota, mul, pad, reduce_sum,
    scalar_like, select, sub,
};
use crate::trace::bind;

/// `(a, taus)`: on and above the first subdiagonal the matrix `qᴴ x q`, below it the vectors of the reflections of which `q` is the
/// product, and their factors: `f32[…, n, n] → f32[…, n, n], f32[…, n-1]`.
///
/// ```
/// # use jacinth_frontend::{Array, lax, lax::linalg};
/// let x = Array::from([[1.0f32, 0.0, 0.0], [3.0, 1.0, 0.0], [4.0, 0.0, 1.0]]);
/// let (a, taus) = linalg::hessenberg(&x);
/// // The first column below the diagonal becomes (-5, 0); a half is what is left of the reflection.
/// assert_eq!(lax::index_in_dim(&a, 0, 1, false).round_to(4).to_string(), "[ 1.  -5.   0.5]");
/// assert_eq!(taus.shape(), [2]);
/// ```
///
/// # Panics
/// If the matrices are not square, or not of 32 or 64 bit floating-point or complex numbers.
#[track_caller]
pub fn hessenberg(x: &Array) -> (Array, Array) {
    let mut outs = bind(Prim::new(Hessenberg), std::slice::from_ref(x));
    let taus = outs.pop().expect("two results");
    (outs.pop().expect("two results"), taus)
}

/// The two factors `(h, q)` of `x = q h qᴴ` apart, from what [`hessenberg`] gives.
#[track_caller]
pub(crate) fn hessenberg_factors(packed: &Array, taus: &Array) -> (Array, Array) {
    let (n, rank) = (sizes_of(packed).0, packed.ndim());
    let h = triu(packed, -1);
    if n < 2 {
        return (h, eye_like(packed));
    }
    let q = householder_product(&columns(&rows(packed, 1, n), 0, n - 1), taus);
    // The first row and column are those of the identity.
    let mut config = vec![(0, 0, 0); rank];
    (config[rank - 2].0, config[rank - 1].0) = (1, 1);
    let corner =
        |d| eq(&broadcasted_iota(DType::I32, packed.shape(), d), &Array::scalar(0, DType::I32, false));
    let first = crate::lax::and(&corner(rank - 2), &corner(rank - 1));
    let q = pad(&q, &scalar_like(&q, 0), &config);
    (h, select(&first, &eye_like(&q), &q))
}

/// See [`hessenberg`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hessenberg;

impl Factorisation for Hessenberg {
    const NAME: &'static str = "hessenberg";
    const RANKS: &'static [usize] = &[2];

    fn show_params<'a>(&'a self, _: &mut Params<'a>) {}

    fn results(&self, args: &[&Aval]) -> Result<Vec<Aval>> {
        let n = square(Self::NAME, args[0])?;
        Ok(vec![args[0].clone(), Aval::new([n.saturating_sub(1)], args[0].dtype)])
    }

    fn compute(&self, args: &[Array]) -> Vec<Array> {
        let a = &args[0];
        let n = sizes_of(a).0;
        if n < 2 {
            return vec![a.clone(), full(&[0], 0, a.dtype())];
        }
        let shape = [n, n];
        let column = broadcasted_iota(DType::I32, &shape, 1);
        let (places, tau_places) = (iota(DType::I32, n), iota(DType::I32, n - 1));
        let step = |k: &Array, state: &[Array]| {
            let (a, taus) = (&state[0], &state[1]);
            let next = crate::lax::add(k, &scalar_like(k, 1));
            let col = dynamic_index_in_dim(a, k, 1, false);
            let (is_next, below) = (eq(&places, &next), after(&places, &next));
            let (v, tau, beta) = reflector(&col, &is_next, &below);
            let down = broadcast_in_dim(&v, &shape, &[0]);
            let across = broadcast_in_dim(&v, &shape, &[1]);
            // (1 − conj(tau) v vᴴ) a (1 − tau v vᴴ); the columns of earlier vectors stay.
            let w = (E(reduce_sum(&mul(a, &across), &[1])) * E(tau.clone())).0;
            let turned = sub(a, &mul(&broadcast_in_dim(&w, &shape, &[0]), &conj_of(&across)));
            let w = reduce_sum(&mul(&conj_of(&down), &turned), &[0]);
            let w = (E(w) * E(conj_of(&tau))).0;
            let turned = select(
                &after(&column, k),
                &sub(&turned, &mul(&down, &broadcast_in_dim(&w, &shape, &[1]))),
                &turned,
            );
            let kept = select(&below, &v, &select(&is_next, &broadcast_in_dim(&beta, &[n], &[]), &col));
            let a = select(&eq(&column, k), &broadcast_in_dim(&kept, &shape, &[0]), &turned);
            let taus = select(&eq(&tau_places, k), &broadcast_in_dim(&tau, taus.shape(), &[]), taus);
            vec![a, taus]
        };
        fori_loop(0, n - 1, step, vec![a.clone(), full(&[n - 1], 0, a.dtype())])
    }

    fn differentiate(&self, _: &[Array], _: &[Option<Array>]) -> (Arrays, Tangents) {
        unsupported_derivative(Self::NAME)
    }

    fn examples() -> Vec<Sample> {
        let sample = |shape: &[usize], dtype| {
            Sample::new(Prim::new(Hessenberg), [SampleArg::range(shape.iter().copied(), dtype, -2.0, 2.0)])
                .not_differentiable()
        };
        vec![sample(&[3, 3], DType::F32), sample(&[2, 3, 3], DType::C64), sample(&[1, 1], DType::F32)]
    }
}
