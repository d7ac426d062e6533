//! Eigenvalues and eigenvectors of matrices of any kind, from their Schur form.

use smallvec::smallvec;

use super::lu::{lu, lu_solve};
use super::matrix::*;
use super::schur::{complex_form, imaginary_parts, schur, triangular_eigenvectors};
use super::{Factorisation, square};
use crate::error::{Error, Result};
use crate::ir::{Array, Arrays, Aval, DType, Params, Prim, Sample, SampleArg, Tangents};
use crate::lax::traced::{E, call_sample, choose};
use crate::lax::{
    abs, argmax, broadcast_in_dim, broadcasted_iota, complex, eq, mul, reduce_sum, select, zeros_like,
};
use crate::trace::{bind, here};

/// The eigenvalues `w` of a matrix, in no order, and where asked for the left and the right eigenvectors as columns: `vlᴴ x = diag(w) vlᴴ`
/// and `x vr = vr diag(w)`: `f32[…, n, n] → c64[…, n], c64[…, n, n], c64[…, n, n]`. Eigenvectors have length one, and the largest of their
/// elements is real. The eigenvalues alone are differentiable.
///
/// ```
/// # use jacinth_frontend::{Array, lax::linalg, numpy as jnp};
/// let w = &linalg::eig(&Array::from([[1.0f32, 5.0], [0.0, 3.0]]), false, false)[0];
/// assert_eq!(jnp::sort(w, -1).round_to(4).to_string(), "[1.+0.j 3.+0.j]");
/// ```
///
/// # Panics
/// If the matrices are not square, or not of 32 or 64 bit floating-point or complex numbers.
#[track_caller]
pub fn eig(x: &Array, compute_left_eigenvectors: bool, compute_right_eigenvectors: bool) -> Vec<Array> {
    bind(Prim::new(Eig { compute_left_eigenvectors, compute_right_eigenvectors }), std::slice::from_ref(x))
        .into_vec()
}

/// See [`eig`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Eig {
    /// Whether left eigenvectors are among the results.
    pub compute_left_eigenvectors: bool,
    /// Whether right eigenvectors are among the results.
    pub compute_right_eigenvectors: bool,
}

impl Factorisation for Eig {
    const NAME: &'static str = "eig";
    const RANKS: &'static [usize] = &[2];

    fn show_params<'a>(&'a self, params: &mut Params<'a>) {
        params.flag("compute_left_eigenvectors", self.compute_left_eigenvectors);
        params.flag("compute_right_eigenvectors", self.compute_right_eigenvectors);
        params.flag("enable_eigvec_derivs", false);
        params.none("implementation");
    }

    fn results(&self, args: &[&Aval]) -> Result<Vec<Aval>> {
        let n = square(Self::NAME, args[0])?;
        let dtype = args[0].dtype.complex().unwrap_or(args[0].dtype);
        let count = self.compute_left_eigenvectors as usize + self.compute_right_eigenvectors as usize;
        let mut outs = vec![Aval::new([n], dtype)];
        outs.extend(std::iter::repeat_n(Aval::new([n, n], dtype), count));
        Ok(outs)
    }

    fn compute(&self, args: &[Array]) -> Vec<Array> {
        let a = &args[0];
        let n = sizes_of(a).0;
        let dtype = a.dtype().complex().unwrap_or(a.dtype());
        if n == 0 {
            let mut outs = vec![zeros_like(diagonal_of(&cast_to(a, dtype)).aval())];
            let count = self.compute_left_eigenvectors as usize + self.compute_right_eigenvectors as usize;
            outs.extend(std::iter::repeat_n(cast_to(a, dtype), count));
            return outs;
        }
        let (a, scale) = tamed(a);
        let (t, z) = schur(&a);
        let real = !a.dtype().is_complex();
        let w = if real { complex(&diagonal_of(&t), &imaginary_parts(&t)) } else { diagonal_of(&t) };
        let mut outs = vec![wild(&w, &scale)];
        if !self.compute_left_eigenvectors && !self.compute_right_eigenvectors {
            return outs;
        }
        let (t, z) = if real { complex_form(&cast_to(&t, dtype), &cast_to(&z, dtype)) } else { (t, z) };
        // Eigenvectors of real eigenvalues of a real matrix are real.
        let is_real = (real).then(|| E(crate::lax::imag(&w)).eq(0.0));
        let finish = |v: &Array| normalise(v, is_real.as_ref());
        if self.compute_left_eigenvectors {
            // Those of the adjoint, which is lower triangular: the same from the other end.
            let turned = crate::lax::rev(&adjoint(&t), &[0, 1]);
            let v = crate::lax::rev(&triangular_eigenvectors(&turned), &[0, 1]);
            outs.push(finish(&mm(&z, &v)));
        }
        if self.compute_right_eigenvectors {
            outs.push(finish(&mm(&z, &triangular_eigenvectors(&t))));
        }
        outs
    }

    fn differentiate(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        if self.compute_left_eigenvectors || self.compute_right_eigenvectors {
            Error::unsupported("eig: eigenvectors have no derivative here, as in JAX without enable_eigvec_derivs; eigvals has one")
                .at(here())
                .raise()
        }
        let a = &primals[0];
        let t = tangents[0].as_ref().expect("the tangent is not zero");
        let mut outs = eig(a, false, true);
        let v = outs.pop().expect("two results");
        let w = outs.pop().expect("two results");
        let (factors, _, permutation) = lu(&v);
        let turned = lu_solve(&factors, &permutation, &cast_to(t, v.dtype()), 0);
        let dw = reduce_sum(&mul(&turned, &mt(&v)), &[v.ndim() - 1]);
        (smallvec![w], smallvec![Some(dw)])
    }

    fn examples() -> Vec<Sample> {
        vec![Sample::of(|dtype| {
            // Its eigenvalues, one pair of them complex, are far from each other; where sums cancel, small numbers leave small errors.
            let values = [0.25, -0.5, 0.0625, 0.5, 0.1875, 0.03125, 0.03125, -0.0625, 0.75];
            let matrix = SampleArg::values([3, 3], dtype, values);
            // Sums of powers of the eigenvalues have no order; a second derivative would take the eigenvectors' first.
            call_sample("eig", &[matrix], |a| {
                let w = eig(&a[0], false, false).swap_remove(0);
                let last = w.ndim() - 1;
                vec![reduce_sum(&w, &[last]), reduce_sum(&mul(&w, &w), &[last])]
            })
            .once_differentiable()
        })]
    }
}

/// Columns of length one of which the largest element is real; where `is_real` says so, without imaginary parts.
fn normalise(v: &Array, is_real: Option<&E>) -> Array {
    let row = broadcasted_iota(DType::I32, v.shape(), 0);
    let along = |x: &Array| broadcast_in_dim(x, v.shape(), &[1]);
    let size = abs(v);
    let largest = argmax(&size, 0, DType::I32);
    let there = eq(&row, &along(&largest));
    let pick = reduce_sum(&select(&there, v, &zeros_like(v.aval())), &[0]);
    let magnitude = E(abs(&pick));
    let magnitude = choose(&magnitude.eq(0.0), &magnitude.full(1.0), &magnitude);
    // Divided by the largest first, so that squares neither overflow nor vanish.
    let scaled =
        (E(v.clone()) * E(along(&conj_of(&pick))) / E(along(&cast_to(&magnitude.square().0, v.dtype())))).0;
    let length = E(reduce_sum(&squares(&scaled), &[0])).sqrt();
    let v = (E(scaled) / E(along(&cast_to(&length.0, v.dtype())))).0;
    let Some(is_real) = is_real else { return v };
    let real = crate::lax::real(&v);
    let flat = complex(&real, &zeros_like(real.aval()));
    select(&along(&is_real.0), &flat, &v)
}
