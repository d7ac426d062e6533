//! Cholesky factorisation and triangular solves, which StableHLO has; and what is built on them.

use smallvec::smallvec;

use super::super::rules::{batched, bind1, ensure, show, zero_jvp};
use super::super::shape::{expand_dims, moveaxis, reshape};
use super::super::traced::{E, call_sample, fori_loop};
use super::super::{
    add_any, conj, div, dynamic_index_in_dim, dynamic_update_index_in_dim, index_in_dim, mul, neg, sub,
    zeros_like,
};
use super::matrix::*;
use crate::error::Result;
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values, numpy_name,
};
use crate::lax::rules::{all_at_front, at_front, refuse};
use jacinth_lowering::ops::{elementwise as el, linalg as ops};

/// The lower triangular `L` with `L Lᴴ = (x + xᴴ) / 2`; NaN where the matrix is not positive definite.
///
/// ```
/// # use jacinth_frontend::{Array, lax::linalg};
/// let l = linalg::cholesky(&Array::from([[4.0f32, 2.0], [2.0, 5.0]]));
/// assert_eq!(l.to_string(), "[[2. 0.]\n [1. 2.]]");
/// ```
///
/// # Panics
/// If the matrices are not square, or not of 32 or 64 bit floating-point or complex numbers.
#[track_caller]
pub fn cholesky(x: &Array) -> Array {
    check_matrices("cholesky", &[x]);
    cholesky_unsymmetrized(&symmetrize(x))
}

/// [`cholesky`] of a matrix that is Hermitian already, of which only the lower triangle is read. JAX says it as `symmetrize_input=False`.
///
/// ```
/// # use jacinth_frontend::{Array, lax::linalg};
/// let l = linalg::cholesky_unsymmetrized(&Array::from([[4.0f32, 99.0], [2.0, 5.0]]));
/// assert_eq!(l.to_string(), "[[2. 0.]\n [1. 2.]]");
/// ```
///
/// # Panics
/// As [`cholesky`].
#[track_caller]
pub fn cholesky_unsymmetrized(x: &Array) -> Array {
    tril(&bind1(&Cholesky, std::slice::from_ref(x)), 0)
}

/// Rules that the two operations share: matrices in the last two dimensions, batches before them.
fn batches_only(args: &[&Aval], outs: &[Aval]) -> ShardingRule {
    let mut rule = ShardingRule::elementwise(args, outs);
    for factors in rule.operands.iter_mut().chain(&mut rule.results) {
        let lead = factors.len() - 2;
        factors[lead..].fill(None);
    }
    rule
}

fn check_matrix(name: &'static str, x: &Aval) -> Result<()> {
    ensure!(
        x.rank() >= 2 && x.shape[x.rank() - 1] == x.shape[x.rank() - 2],
        name => "the last two dimensions must be those of a square matrix, got shape {}",
        show(&x.shape)
    );
    ensure!(
        matches!(x.dtype, DType::F32 | DType::F64 | DType::C64 | DType::C128),
        name => "takes float32, float64, complex64 or complex128, got {}",
        numpy_name(x.dtype)
    );
    Ok(())
}

/// See [`cholesky`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cholesky;

impl Primitive for Cholesky {
    fn name(&self) -> &'static str {
        "cholesky"
    }

    fn params<'a>(&'a self, _: &mut Params<'a>) {}

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        check_matrix("cholesky", args[0])?;
        Ok(smallvec![args[0].strong()])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        batches_only(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        if outs[0].size() == 0 {
            return Ok(args.into());
        }
        Ok(smallvec![cx.op(ops::Cholesky { lower: true }, args)?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let Some(t) = &tangents[0] else { return zero_jvp(Prim::Static(&Cholesky), primals) };
        let l = tril(&bind1(&Cholesky, primals), 0);
        let solve = |b: &Array, left_side, transpose_a| {
            let how = TriangularSolve {
                left_side,
                lower: true,
                transpose_a,
                conjugate_a: transpose_a,
                unit_diagonal: false,
            };
            triangular_solve(&l, b, how)
        };
        let inner = solve(&solve(t, false, true), true, false);
        let phi = (E(tril(&inner, 0)) / (E(eye_like(&inner)) + 1.0)).0;
        let dot = mm(&l, &phi);
        (smallvec![l], smallvec![Some(dot)])
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        batched(bind1(&Cholesky, &all_at_front(args, dims, axis)), 0)
    }

    fn samples() -> Vec<Sample> {
        let sample = |shape: &[usize]| {
            let shape = shape.to_vec();
            Sample::of(move |dtype| {
                call_sample("cholesky", &[SampleArg::range(shape.clone(), dtype, -1.0, 1.0)], |a| {
                    // A positive definite matrix of any.
                    let n = sizes_of(&a[0]).0 as f64;
                    let wide = E(eye_like(&a[0])) * n;
                    vec![cholesky(&(E(mm(&a[0], &adjoint(&a[0]))) + wide).0)]
                })
            })
        };
        vec![sample(&[3, 3]), sample(&[2, 2, 2]), sample(&[2, 2])]
    }
}

/// The solution of `op(a) x = b`, or of `x op(a) = b` unless `left_side`, for a triangular `a`, of which only that triangle is read.
///
/// `b` may lack the matrix's second dimension: then it is a vector on the left side.
///
/// ```
/// # use jacinth_frontend::{Array, lax::linalg};
/// # use jacinth_frontend::lax::linalg::TriangularSolve;
/// let (a, b) = (Array::from([[2.0f32, 0.0], [1.0, 4.0]]), Array::from([4.0f32, 10.0]));
/// let how = TriangularSolve { left_side: true, lower: true, ..Default::default() };
/// assert_eq!(linalg::triangular_solve(&a, &b, how).to_vec::<f32>(), [2.0, 2.0]);
/// ```
///
/// # Panics
/// If shapes or dtypes do not fit.
#[track_caller]
pub fn triangular_solve(a: &Array, b: &Array, how: TriangularSolve) -> Array {
    // Conjugation says nothing of real matrices.
    let how = TriangularSolve { conjugate_a: how.conjugate_a && a.dtype().is_complex(), ..how };
    if b.ndim() + 1 == a.ndim() {
        let axis = if how.left_side { b.ndim() } else { b.ndim() - 1 };
        let out = bind1(Prim::new(how), &[a.clone(), expand_dims(b, &[axis])]);
        return super::super::squeeze(&out, &[axis]);
    }
    bind1(Prim::new(how), &[a.clone(), b.clone()])
}

/// How [`triangular_solve`] reads its matrix; the default is `x a = b` with an upper triangular `a`, as in JAX.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TriangularSolve {
    /// Whether the matrix stands left of the unknown.
    pub left_side: bool,
    /// Whether its lower triangle is read.
    pub lower: bool,
    /// Whether it is transposed.
    pub transpose_a: bool,
    /// Whether it is conjugated.
    pub conjugate_a: bool,
    /// Whether its diagonal is taken to be ones.
    pub unit_diagonal: bool,
}

impl TriangularSolve {
    /// What a tangent of `a` contributes to the solution `ans`.
    fn jvp_a(&self, t: &Array, ans: &Array, a: &Array) -> Array {
        let off = self.unit_diagonal as i64;
        let t = neg(&if self.lower { tril(t, -off) } else { triu(t, off) });
        let t = if self.transpose_a { mt(&t) } else { t };
        let t = if self.conjugate_a { conj(&t) } else { t };
        let (m, n) = sizes_of(ans);
        let solve = |b: &Array| triangular_solve(a, b, *self);
        match (self.left_side, m > n) {
            (true, true) => solve(&mm(&t, ans)),
            (true, false) => mm(&solve(&t), ans),
            (false, _) if m < n => solve(&mm(ans, &t)),
            (false, _) => mm(ans, &solve(&t)),
        }
    }
}

impl Primitive for TriangularSolve {
    fn name(&self) -> &'static str {
        "triangular_solve"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.flag("conjugate_a", self.conjugate_a);
        params.flag("left_side", self.left_side);
        params.flag("lower", self.lower);
        params.flag("transpose_a", self.transpose_a);
        params.flag("unit_diagonal", self.unit_diagonal);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let (a, b) = (args[0], args[1]);
        check_matrix("triangular_solve", a)?;
        let rank = a.rank();
        ensure!(
            b.rank() == rank && b.shape[..rank - 2] == a.shape[..rank - 2],
            "triangular_solve" => "both sides must have the same leading dimensions, got shapes {} and {}",
            show(&a.shape),
            show(&b.shape)
        );
        ensure!(a.dtype == b.dtype, "triangular_solve" => "operands must have the same dtype, got {a} and {b}");
        let shared = if self.left_side { rank - 2 } else { rank - 1 };
        ensure!(
            b.shape[shared] == a.shape[rank - 1],
            "triangular_solve" => "the matrix of shape {} does not fit dimension {shared} of shape {}",
            show(&a.shape),
            show(&b.shape)
        );
        Ok(smallvec![b.strong()])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        batches_only(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        if outs[0].size() == 0 {
            return Ok(smallvec![args[1]]);
        }
        let mut a = args[0];
        let transpose_a = match (self.transpose_a, self.conjugate_a) {
            (true, true) => ops::TransposeA::Adjoint,
            (true, false) => ops::TransposeA::Transpose,
            (false, false) => ops::TransposeA::NoTranspose,
            (false, true) => {
                // The operation conjugates only what it transposes.
                let (re, im) = (cx.op(el::Unary::Real, &[a])?, cx.op(el::Unary::Imag, &[a])?);
                let im = cx.op(el::Unary::Negate, &[im])?;
                a = cx.op(el::Binary::Complex, &[re, im])?;
                ops::TransposeA::NoTranspose
            }
        };
        let op = ops::TriangularSolve {
            left_side: self.left_side,
            lower: self.lower,
            unit_diagonal: self.unit_diagonal,
            transpose_a,
        };
        Ok(smallvec![cx.op(op, &[a, args[1]])?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let (a, b) = (&primals[0], &primals[1]);
        let ans = triangular_solve(a, b, *self);
        let of_a = tangents[0].as_ref().map(|t| self.jvp_a(t, &ans, a));
        let of_b = tangents[1].as_ref().map(|t| triangular_solve(a, t, *self));
        let tangent = match (of_a, of_b) {
            (Some(x), Some(y)) => Some(add_any(&x, &y)),
            (x, y) => x.or(y),
        };
        (smallvec![ans], smallvec![tangent])
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        if args[0].is_linear() {
            return Linear::No;
        }
        let back = TriangularSolve { transpose_a: !self.transpose_a, ..*self };
        let pull = |ct: &Array| triangular_solve(args[0].known(), ct, back);
        Linear::Cotangents(smallvec![None, cts[0].as_ref().map(pull)])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let (a, b, size) = (&args[0], &args[1], axis.size);
        if dims[0].is_none() {
            // One matrix for all: their right sides stand side by side.
            let rank = a.ndim();
            let mapped = dims[1].expect("one operand is mapped");
            let place = if self.left_side { rank } else { rank - 2 };
            let b = moveaxis(b, mapped, place);
            let shape = b.shape().to_vec();
            let mut flat = shape.clone();
            let outer = flat.remove(place);
            let beside = if self.left_side { rank - 1 } else { rank - 2 };
            flat[beside] *= outer;
            debug_assert_eq!(outer, size);
            let out = triangular_solve(a, &reshape(&b, &flat), *self);
            return batched(reshape(&out, &shape), place);
        }
        let (a, b) = (at_front(a, dims[0], size), at_front(b, dims[1], size));
        batched(triangular_solve(&a, &b, *self), 0)
    }

    fn samples() -> Vec<Sample> {
        let mut samples = Vec::new();
        for (i, (left_side, lower, transpose_a)) in [
            (true, true, false),
            (true, false, true),
            (false, true, false),
            (false, false, false),
            (false, true, true),
        ]
        .into_iter()
        .enumerate()
        {
            let unit_diagonal = i % 2 == 1;
            let how = TriangularSolve { left_side, lower, transpose_a, conjugate_a: false, unit_diagonal };
            // A diagonal that is far from zero, small elements off it.
            let a =
                SampleArg::values([3, 3], DType::F32, [1.5, -0.5, 0.25, 0.5, 2.0, -0.25, 0.75, -0.5, 1.25]);
            let b = SampleArg::f32(if left_side { [3, 2] } else { [4, 3] });
            samples.push(Sample::new(Prim::new(how), [a, b]));
        }
        let how = TriangularSolve {
            left_side: true,
            lower: true,
            transpose_a: true,
            conjugate_a: true,
            unit_diagonal: false,
        };
        let a = SampleArg::values([2, 2, 2], DType::C64, [1.5, -0.5, 0.25, 1.0, 2.0, -0.25, 0.75, 1.5]);
        samples.push(
            Sample::new(Prim::new(how), [a, SampleArg::range([2, 2, 1], DType::C64, -1.0, 1.0)])
                .not_differentiable(),
        );
        samples
    }
}

/// The upper triangular factor of `rᵀ r + w wᵀ`, for an upper triangular `r: f32[n,n]` and a vector `w: f32[n]`.
///
/// ```
/// # use jacinth_frontend::{Array, lax::linalg};
/// let r = Array::from([[3.0f32, 0.0], [0.0, 1.0]]);
/// let updated = linalg::cholesky_update(&r, &Array::from([4.0f32, 0.0]));
/// assert_eq!(updated.to_string(), "[[5. 0.]\n [0. 1.]]");
/// ```
///
/// # Panics
/// If `r` is no square matrix, or `w` no vector of its size and dtype.
#[track_caller]
pub fn cholesky_update(r_matrix: &Array, w_vector: &Array) -> Array {
    check_matrices("cholesky_update", &[r_matrix]);
    let lower = mt(r_matrix);
    let w = expand_dims(w_vector, &[w_vector.ndim()]);
    let sum = super::super::add(&mm(&lower, &mt(&lower)), &mm(&w, &mt(&w)));
    mt(&cholesky(&sum))
}

/// `alpha · a aᵀ + beta · c`: `f32[…, n, k] × f32[…, n, n] → f32[…, n, n]`.
///
/// ```
/// # use jacinth_frontend::{Array, lax::linalg};
/// let (a, c) = (Array::from([[1.0f32, 2.0]]), Array::from([[1.0f32]]));
/// assert_eq!(linalg::symmetric_product(&a, &c, 2.0, 3.0).to_vec::<f32>(), [13.0]);
/// ```
///
/// # Panics
/// If shapes or dtypes do not fit.
#[track_caller]
pub fn symmetric_product(a: &Array, c: &Array, alpha: f64, beta: f64) -> Array {
    check_matrices("symmetric_product", &[a, c]);
    (E(mm(a, &mt(a))) * alpha + E(c.clone()) * beta).0
}

/// The solution `x` of `A x = b` for a tridiagonal `A` whose diagonals are `dl` (below; its first element is not read), `d` and `du`
/// (above; its last element is not read): `f32[…, n] ×3, f32[…, n, k] → f32[…, n, k]`. Without pivoting: `A` should be diagonally dominant.
///
/// ```
/// # use jacinth_frontend::{Array, lax::linalg};
/// // The matrix [[2, 1, 0], [1, 2, 1], [0, 1, 2]].
/// let (off, d) = (Array::from([1.0f32, 1.0, 1.0]), Array::from([2.0f32, 2.0, 2.0]));
/// let x = linalg::tridiagonal_solve(&off, &d, &off, &Array::from([[3.0f32], [4.0], [3.0]]));
/// assert_eq!(x.round_to(4).to_vec::<f32>(), [1.0, 1.0, 1.0]);
/// ```
///
/// # Panics
/// If shapes or dtypes do not fit.
#[track_caller]
pub fn tridiagonal_solve(dl: &Array, d: &Array, du: &Array, b: &Array) -> Array {
    let n = d.shape().last().copied().unwrap_or(0);
    let fits = [dl, du].iter().all(|x| x.shape() == d.shape())
        && b.ndim() == d.ndim() + 1
        && b.shape()[..d.ndim()] == *d.shape()
        && [dl, d, du].iter().all(|x| x.dtype() == b.dtype());
    if !fits || d.ndim() == 0 {
        refuse!("tridiagonal_solve" => "takes three diagonals […, n] and right sides […, n, k] of one dtype, got {}, {}, {} and {}",
            dl.aval(), d.aval(), du.aval(), b.aval())
    }
    if n == 0 || b.size() == 0 {
        return b.clone();
    }
    let axis = d.ndim() - 1;
    // Elimination downwards: cp = du / (d − dl cp'), dp = (b − dl dp') / (d − dl cp').
    let scalar = |x: &Array, i: &Array| dynamic_index_in_dim(x, i, axis, true);
    let row = |x: &Array, i: &Array| dynamic_index_in_dim(x, i, axis, true);
    let wide = |x: &Array, like: &Array| {
        super::super::broadcast_in_dim(x, like.shape(), &(0..x.ndim()).collect::<Vec<_>>())
    };
    let first = |x: &Array| index_in_dim(x, 0, axis, true);
    let (mut cp, mut dp) = (zeros_like(d.aval()), zeros_like(b.aval()));
    let place = Array::scalar(0, DType::I32, false);
    cp = dynamic_update_index_in_dim(&cp, &div(&first(du), &first(d)), &place, axis);
    let b0 = first(b);
    dp = dynamic_update_index_in_dim(&dp, &div(&b0, &wide(&first(d), &b0)), &place, axis);
    let one = Array::scalar(1, DType::I32, false);
    let down = fori_loop(
        1,
        n,
        |i, carry| {
            let (cp, dp) = (&carry[0], &carry[1]);
            let before = sub(i, &one);
            let (below, above) = (scalar(dl, i), scalar(du, i));
            let pivot = sub(&scalar(d, i), &mul(&below, &scalar(cp, &before)));
            let rhs = row(b, i);
            let reduced = sub(&rhs, &mul(&wide(&below, &rhs), &row(dp, &before)));
            vec![
                dynamic_update_index_in_dim(cp, &div(&above, &pivot), i, axis),
                dynamic_update_index_in_dim(dp, &div(&reduced, &wide(&pivot, &rhs)), i, axis),
            ]
        },
        vec![cp, dp],
    );
    let (cp, dp) = (&down[0], &down[1]);
    let last = Array::scalar(n as i64 - 1, DType::I32, false);
    fori_loop(
        1,
        n,
        |step, carry| {
            let i = sub(&last, step);
            let next = super::super::add(&i, &one);
            let rhs = row(dp, &i);
            let x = sub(&rhs, &mul(&wide(&scalar(cp, &i), &rhs), &row(&carry[0], &next)));
            vec![dynamic_update_index_in_dim(&carry[0], &x, &i, axis)]
        },
        vec![dp.clone()],
    )
    .swap_remove(0)
}
