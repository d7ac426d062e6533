//! Linear algebra by `jax.lax.linalg`'s names: factorisations and solves of matrices in the last two dimensions, any number before them.
//!
//! Cholesky factorisation and triangular solves are operations of StableHLO. The others are programs over them (loops of Householder
//! reflections, Gaussian elimination with partial pivoting, Jacobi rotations), so that every plugin can run them: no custom call appears.
//! Each is a primitive all the same, with derivative rules of its own; how a factorisation of one matrix is computed and
//! differentiated is its `Factorisation`, and batches are mapped over.
//!
//! Deliberately absent: `tridiagonal`, which says that it is not supported.

mod eig;
mod eigh;
mod hessenberg;
mod lu;
mod matrix;
mod qr;
mod schur;
mod svd;
mod triangular;

pub use eig::{Eig, eig};
pub use eigh::{Eigh, eigh, eigh_with};
pub use hessenberg::{Hessenberg, hessenberg};
pub use lu::{Lu, lu, lu_pivots_to_permutation, lu_solve};
pub use qr::{Geqrf, HouseholderProduct, Qr, geqrf, householder_product, ormqr, qr, qr_pivoting};
pub use schur::{Schur, schur};
pub use svd::{Svd, svd, svdvals};
pub use triangular::{
    Cholesky, TriangularSolve, cholesky, cholesky_unsymmetrized, cholesky_update, symmetric_product,
    triangular_solve, tridiagonal_solve,
};

pub(crate) use hessenberg::hessenberg_factors;
pub(crate) use matrix::{
    adjoint, as_columns, as_rows, cast_to, columns, diagonal_of, epsilon, eye_like, mm, mt, rows, sizes_of,
    squares, take_rows, take_rows_each, tril, triu,
};
pub(crate) use schur::complex_form;

use std::fmt;
use std::hash::Hash;

use super::KIT;
use super::rules::{all_at_front, ensure, show};
use super::shape::reshape;
use super::traced::lower_as;
use crate::error::{Error, Result};
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, ShardingRule, Tangents, Value, Values, numpy_name,
};
use crate::trace::{bind, eval_jaxpr, here, stage};
use crate::transform::batch_jaxpr;

/// What distinguishes one factorisation from another; the rest of its rules follows.
pub(crate) trait Factorisation: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static {
    /// See [`Primitive::name`].
    const NAME: &'static str;
    /// How many dimensions each operand has without batches.
    const RANKS: &'static [usize];

    /// See [`Primitive::params`].
    fn show_params<'a>(&'a self, params: &mut Params<'a>);

    /// The results' shapes and dtypes for operands without batches, or what is wrong with them.
    fn results(&self, args: &[&Aval]) -> Result<Vec<Aval>>;

    /// The results for operands without batches, by lax functions.
    fn compute(&self, args: &[Array]) -> Vec<Array>;

    /// See [`Primitive::jvp`]; at least one tangent is not zero.
    fn differentiate(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents);

    /// See [`Primitive::samples`].
    fn examples() -> Vec<Sample>;
}

/// The leading dimensions that are not the matrices' own.
fn lead(aval: &Aval, rank: usize) -> &[usize] {
    &aval.shape[..aval.rank() - rank]
}

impl<F: Factorisation> Primitive for F {
    fn name(&self) -> &'static str {
        F::NAME
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        self.show_params(params);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let floating = |a: &Aval| matches!(a.dtype, DType::F32 | DType::F64 | DType::C64 | DType::C128);
        for (arg, &rank) in args.iter().zip(F::RANKS) {
            ensure!(
                arg.rank() >= rank,
                F::NAME => "operands must have at least {rank} dimensions, got shape {}",
                show(&arg.shape)
            );
            ensure!(
                floating(arg),
                F::NAME => "takes float32, float64, complex64 or complex128, got {}",
                numpy_name(arg.dtype)
            );
        }
        let batch = lead(args[0], F::RANKS[0]);
        ensure!(
            args.iter().zip(F::RANKS).all(|(a, &rank)| lead(a, rank) == batch),
            F::NAME => "operands must have the same leading dimensions, got {args:?}"
        );
        let single: Vec<Aval> = args
            .iter()
            .zip(F::RANKS)
            .map(|(a, &rank)| Aval::new(a.shape[a.rank() - rank..].iter().copied(), a.dtype))
            .collect();
        let outs = self.results(&single.iter().collect::<Vec<_>>())?;
        Ok(outs.iter().map(|out| out.with_shape(batch.iter().chain(&out.shape).copied())).collect())
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        let count = args[0].rank() - F::RANKS[0];
        let mut rule = ShardingRule::elementwise(args, outs);
        rule.operands.iter_mut().chain(&mut rule.results).for_each(|f| f[count..].fill(None));
        rule
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], _: &[Aval]) -> Result<Values> {
        lower_as(cx, Prim::new(self.clone()), args, |args| {
            let count = args[0].ndim() - F::RANKS[0];
            if count == 0 { self.compute(args) } else { over_batch(self, args, count) }
        })
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        if tangents.iter().all(Option::is_none) {
            return super::rules::zero_jvp(Prim::new(self.clone()), primals);
        }
        self.differentiate(primals, tangents)
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let outs = bind(Prim::new(self.clone()), &all_at_front(args, dims, axis));
        let dims = outs.iter().map(|_| Some(0)).collect();
        (outs, dims)
    }

    fn samples() -> Vec<Sample> {
        F::examples()
    }
}

/// The factorisation of every matrix of a batch whose dimensions are the first `count`.
fn over_batch<F: Factorisation>(f: &F, args: &[Array], count: usize) -> Vec<Array> {
    let batch = args[0].shape()[..count].to_vec();
    let size: usize = batch.iter().product();
    let single: Vec<Aval> =
        args.iter().map(|a| Aval::new(a.shape()[count..].iter().copied(), a.dtype())).collect();
    let closed = stage(F::NAME, &single, here(), |args| f.compute(&args));
    assert!(closed.consts.is_empty(), "{}: a factorisation captures nothing", F::NAME);
    let (dims, axis) = (vec![Some(0); args.len()], AxisInfo::new(size, None));
    let forced = vec![true; closed.jaxpr.outs.len()];
    let batched = batch_jaxpr(&KIT, &closed.jaxpr, &dims, &axis, Some(&forced), here());
    let flat: Vec<Array> = args
        .iter()
        .map(|a| {
            reshape(a, &std::iter::once(size).chain(a.shape()[count..].iter().copied()).collect::<Vec<_>>())
        })
        .collect();
    let restore = |out: &Array| {
        reshape(out, &batch.iter().copied().chain(out.shape()[1..].iter().copied()).collect::<Vec<_>>())
    };
    eval_jaxpr(&batched.jaxpr, &[], &flat).iter().map(restore).collect()
}

/// Refuses a matrix that is not square.
fn square(name: &'static str, a: &Aval) -> Result<usize> {
    ensure!(a.shape[0] == a.shape[1], name => "the matrix must be square, got shape {}", show(&a.shape));
    Ok(a.shape[0])
}

/// Refuses to differentiate what has no rule, in JAX neither.
#[track_caller]
fn unsupported_derivative(name: &'static str) -> ! {
    Error::unsupported(format!("{name}: it has no derivative, in JAX neither")).at(here()).raise()
}

/// The reduction of a Hermitian matrix to tridiagonal form: not supported, as [`eigh`] needs none.
///
/// ```
/// # use jacinth_frontend::{Array, lax::linalg};
/// let refused = std::panic::catch_unwind(|| linalg::tridiagonal(&Array::from([[1.0f32]])));
/// assert!(refused.is_err());
/// ```
///
/// # Panics
/// Always.
#[track_caller]
pub fn tridiagonal(_: &Array) -> Vec<Array> {
    Error::unsupported("tridiagonal: the reduction to tridiagonal form is not supported; eigh needs none")
        .at(here())
        .raise()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::boundary;

    #[test]
    fn what_has_no_rows_and_columns_is_refused_with_a_sentence() {
        let (x, v) = (Array::from(1.0), Array::from([1.0f32, 2.0]));
        let calls: [(&str, &dyn Fn() -> Array); 6] = [
            ("cholesky", &|| cholesky(&x)),
            ("cholesky_update", &|| cholesky_update(&v, &v)),
            ("symmetric_product", &|| symmetric_product(&v, &v, 1.0, 1.0)),
            ("eigh", &|| eigh(&v).0),
            ("ormqr", &|| ormqr(&v, &v, &v, true, false)),
            ("lu_solve", &|| lu_solve(&v, &v, &v, 0)),
        ];
        for (name, call) in calls {
            let error = boundary(call).unwrap_err().to_string();
            let expected = format!("{name}: operands must have at least 2 dimensions, got shape ");
            assert!(error.starts_with(&expected), "{error}");
        }
    }
}
