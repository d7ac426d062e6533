//! LU factorisation with partial pivoting.
//!
//! Blocks of columns are eliminated one column after the other; the rest of the matrix follows by a triangular solve and a product.

use smallvec::smallvec;

use super::Factorisation;
use super::matrix::*;
use super::triangular::{TriangularSolve, triangular_solve};
use crate::error::Result;
use crate::ir::{Array, Arrays, Aval, DType, Params, Prim, Sample, SampleArg, Tangents};
use crate::lax::rules::refuse;
use crate::lax::traced::{E, choose, fori_loop};
use crate::lax::{
    abs, add, argmax, broadcast_in_dim, concatenate, dynamic_index_in_dim, eq, full, imag, iota, mul, pad,
    real, reduce_sum, reshape, scalar_like, select, sub, zeros_like,
};
use crate::trace::bind;

/// Columns that are eliminated one by one before the rest of the matrix follows.
const BLOCK: usize = 128;

/// `(lu, pivots, permutation)` with `x[permutation] = l u`, where `l` (of which the diagonal of ones is left out) and `u` share `lu`:
/// `f32[…, m, n] → f32[…, m, n], i32[…, min(m, n)], i32[…, m]`.
///
/// ```
/// # use jacinth_frontend::{Array, lax::linalg};
/// let (lu, pivots, permutation) = linalg::lu(&Array::from([[1.0f32, 2.0], [4.0, 4.0]]));
/// assert_eq!(lu.to_string(), "[[4.   4.  ]\n [0.25 1.  ]]");
/// assert_eq!((pivots.to_vec::<i32>(), permutation.to_vec::<i32>()), (vec![1, 1], vec![1, 0]));
/// ```
///
/// # Panics
/// If the operand has no two dimensions, or is not of 32 or 64 bit floating-point or complex numbers.
#[track_caller]
pub fn lu(x: &Array) -> (Array, Array, Array) {
    let outs = bind(Prim::new(Lu), std::slice::from_ref(x)).into_vec();
    let [lu, pivots, permutation] = <[Array; 3]>::try_from(outs).expect("three results");
    (lu, pivots, permutation)
}

/// See [`lu`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lu;

impl Factorisation for Lu {
    const NAME: &'static str = "lu";
    const RANKS: &'static [usize] = &[2];

    fn show_params<'a>(&'a self, _: &mut Params<'a>) {}

    fn results(&self, args: &[&Aval]) -> Result<Vec<Aval>> {
        let a = args[0];
        let (m, n) = (a.shape[0], a.shape[1]);
        Ok(vec![a.clone(), Aval::new([m.min(n)], DType::I32), Aval::new([m], DType::I32)])
    }

    fn compute(&self, args: &[Array]) -> Vec<Array> {
        let mut a = args[0].clone();
        let (m, n) = sizes_of(&a);
        let r = m.min(n);
        let mut permutation = iota(DType::I32, m);
        let mut pivots = Vec::new();
        let part = |x: &Array, from: usize| crate::lax::slice_in_dim(x, from as i64, None, 1, 0);
        for k in (0..r).step_by(BLOCK) {
            let end = (k + BLOCK).min(r);
            let panel = columns(&rows(&a, k, m), k, end);
            let (panel, pivot, order) = eliminate(&panel);
            pivots.push(add(&pivot, &Array::scalar(k as i64, DType::I32, false)));
            if k == 0 && end == n {
                return vec![panel, pivot, order];
            }
            // The rows of everything beside the panel follow its order.
            let below = take_rows(&rows(&a, k, m), &order);
            let tail = take_rows_of_vector(&part(&permutation, k), &order);
            permutation = if k == 0 {
                tail
            } else {
                concatenate(&[crate::lax::slice_in_dim(&permutation, 0, Some(k as i64), 1, 0), tail], 0)
            };
            let left = columns(&below, 0, k);
            let mut right = columns(&below, end, n);
            if end < n {
                let b = end - k;
                let how = TriangularSolve {
                    left_side: true,
                    lower: true,
                    unit_diagonal: true,
                    ..Default::default()
                };
                let top = triangular_solve(&rows(&panel, 0, b), &rows(&right, 0, b), how);
                let rest = sub(&rows(&right, b, m - k), &mm(&rows(&panel, b, m - k), &top));
                right = concatenate(&[top, rest], 0);
            }
            let changed = concatenate(&[left, panel, right], 1);
            a = if k == 0 { changed } else { concatenate(&[rows(&a, 0, k), changed], 0) };
        }
        let pivots = match pivots.len() {
            0 => full(&[0], 0, DType::I32),
            1 => pivots.swap_remove(0),
            _ => concatenate(&pivots, 0),
        };
        vec![a, pivots, permutation]
    }

    fn differentiate(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let (factors, pivots, permutation) = lu(&primals[0]);
        let tangent = tangents[0].as_ref().map(|t| {
            let (m, n) = sizes_of(&factors);
            let k = m.min(n);
            // Both factors are made square by parts of the identity.
            let fit = |x: &Array, below: usize, right: usize| {
                let mut config = vec![(0, 0, 0); x.ndim()];
                config[x.ndim() - 2].1 = below as i64;
                config[x.ndim() - 1].1 = right as i64;
                pad(x, &scalar_like(x, 0), &config)
            };
            let l = fit(&tril(&columns(&factors, 0, k), -1), 0, m - k);
            let l = add(&l, &eye_like(&l));
            let u = fit(&triu(&rows(&factors, 0, k), 0), n - k, 0);
            let places = crate::lax::broadcasted_iota(DType::I32, u.shape(), u.ndim() - 1);
            let beyond = crate::lax::ge(&places, &Array::scalar(k as i64, DType::I32, false));
            let u = add(&u, &select(&beyond, &eye_like(&u), &zeros_like(u.aval())));
            let t = take_rows_each(t, &permutation);
            let how =
                TriangularSolve { left_side: true, lower: true, unit_diagonal: true, ..Default::default() };
            let la = triangular_solve(&l, &t, how);
            let lau = triangular_solve(&u, &la, TriangularSolve::default());
            add(&mm(&l, &tril(&lau, -1)), &mm(&triu(&lau, 0), &u))
        });
        (smallvec![factors, pivots, permutation], smallvec![tangent, None, None])
    }

    fn examples() -> Vec<Sample> {
        let well = [0.3, -1.5, 0.8, 2.0, 0.1, -0.7, -0.4, 1.2, 1.9, 0.6];
        let sample = |shape: &[usize]| {
            Sample::new(Prim::new(Lu), [SampleArg::values(shape.iter().copied(), DType::F32, well)])
        };
        vec![sample(&[3, 3]), sample(&[4, 2]), sample(&[2, 3]), sample(&[2, 2, 2]), sample(&[0, 0])]
    }
}

/// A vector's elements in the order of `order`.
fn take_rows_of_vector(x: &Array, order: &Array) -> Array {
    let n = x.size();
    reshape(&take_rows(&reshape(x, &[n, 1]), order), &[order.size()])
}

/// One panel, column by column: the factors, the row that was exchanged with each, the order of rows.
fn eliminate(a: &Array) -> (Array, Array, Array) {
    let (m, n) = sizes_of(a);
    let (row, column) = (
        crate::lax::broadcasted_iota(DType::I32, &[m, n], 0),
        crate::lax::broadcasted_iota(DType::I32, &[m, n], 1),
    );
    let places = iota(DType::I32, m);
    let pivot_places = iota(DType::I32, m.min(n));
    let step = |k: &Array, state: &[Array]| {
        let (pivots, order, a) = (&state[0], &state[1], &state[2]);
        let col = dynamic_index_in_dim(a, k, 1, false);
        let magnitude =
            if a.dtype().is_complex() { add(&abs(&real(&col)), &abs(&imag(&col))) } else { abs(&col) };
        let candidates = E(crate::lax::ge(&places, k));
        let magnitude = choose(&candidates, &E(magnitude), f64::NEG_INFINITY).0;
        let i = argmax(&magnitude, 0, DType::I32);
        // Rows k and i exchange places; row i is read by its mask, so that mapping needs no gather.
        let (is_k, is_i) = (eq(&places, k), eq(&places, &i));
        let exchange = |x: &Array, at_k: &Array, at_i: &Array, is_k: &Array, is_i: &Array| {
            select(is_k, at_i, &select(is_i, at_k, x))
        };
        let wide = |mask: &Array| broadcast_in_dim(mask, &[m, n], &[0]);
        let row_k = dynamic_index_in_dim(a, k, 0, false);
        let row_i = reduce_sum(&select(&wide(&is_i), a, &zeros_like(a.aval())), &[0]);
        let stretch = |r: &Array| broadcast_in_dim(r, &[m, n], &[1]);
        let a = exchange(a, &stretch(&row_k), &stretch(&row_i), &wide(&is_k), &wide(&is_i));
        let zero = zeros_like(order.aval());
        let order_k = reduce_sum(&select(&is_k, order, &zero), &[0]);
        let order_i = reduce_sum(&select(&is_i, order, &zero), &[0]);
        let same = |x: &Array| broadcast_in_dim(x, &[m], &[]);
        let order = exchange(order, &same(&order_k), &same(&order_i), &is_k, &is_i);
        let pivots = select(&eq(&pivot_places, k), &broadcast_in_dim(&i, &[m.min(n)], &[]), pivots);
        // The column divided by the pivot, and the outer product taken off the rest.
        let col = dynamic_index_in_dim(&a, k, 1, false);
        let x = dynamic_index_in_dim(&row_i, k, 0, false);
        let divided = E(col.clone()) / E(x.clone());
        let nonzero = broadcast_in_dim(&crate::lax::ne(&x, &scalar_like(&x, 0)), &[m], &[]);
        let divides = crate::lax::and(&after(&places, k), &nonzero);
        let l = select(&divides, &divided.0, &col);
        let below = crate::lax::and(&after(&row, k), &after(&column, k));
        let outer = mul(&broadcast_in_dim(&l, &[m, n], &[0]), &stretch(&row_i));
        let reduced = select(&below, &sub(&a, &outer), &a);
        let a = select(&eq(&column, k), &broadcast_in_dim(&l, &[m, n], &[0]), &reduced);
        vec![pivots, order, a]
    };
    let init = vec![full(&[m.min(n)], 0, DType::I32), iota(DType::I32, m), a.clone()];
    let mut out = fori_loop(0, m.min(n), step, init);
    let a = out.pop().expect("three results");
    let order = out.pop().expect("three results");
    (a, out.pop().expect("three results"), order)
}

/// The order of rows after the exchanges that `pivots` names, one after the other: `i32[…, k] → i32[…, permutation_size]`.
///
/// ```
/// # use jacinth_frontend::{Array, lax::linalg};
/// // First rows 0 and 2 are exchanged, then 1 and 2.
/// let order = linalg::lu_pivots_to_permutation(&Array::from([2, 2]), 3);
/// assert_eq!(order.to_vec::<i32>(), [2, 0, 1]);
/// ```
///
/// # Panics
/// If `pivots` is a scalar.
#[track_caller]
pub fn lu_pivots_to_permutation(pivots: &Array, permutation_size: usize) -> Array {
    let lead = pivots.ndim().checked_sub(1).unwrap_or_else(
        || refuse!("lu_pivots_to_permutation" => "takes at least a vector of pivots, got {}", pivots.aval()),
    );
    let k = pivots.shape()[lead];
    let shape: Vec<usize> = pivots.shape()[..lead].iter().copied().chain([permutation_size]).collect();
    let places = crate::lax::broadcasted_iota(DType::I32, &shape, lead);
    let pivots = crate::lax::convert_element_type(pivots, DType::I32);
    let step = |i: &Array, state: &[Array]| {
        let order = &state[0];
        let j = dynamic_index_in_dim(&pivots, i, lead, true);
        let j = broadcast_in_dim(&j, &shape, &(0..=lead).collect::<Vec<_>>());
        let (is_i, is_j) = (eq(&places, i), eq(&places, &j));
        let zero = zeros_like(order.aval());
        let read = |mask: &Array| {
            let value = reduce_sum(&select(mask, order, &zero), &[lead]);
            broadcast_in_dim(&value, &shape, &(0..lead).collect::<Vec<_>>())
        };
        vec![select(&is_i, &read(&is_j), &select(&is_j, &read(&is_i), order))]
    };
    fori_loop(0, k, step, vec![places.clone()]).swap_remove(0)
}

/// The solution of `a x = b` (`trans` 0), `aᵀ x = b` (1) or `aᴴ x = b` (2) from the LU factorisation of `a` and its permutation; `b` is a
/// vector or a matrix.
///
/// ```
/// # use jacinth_frontend::{Array, lax::linalg};
/// let (lu, _, permutation) = linalg::lu(&Array::from([[1.0f32, 2.0], [4.0, 4.0]]));
/// let x = linalg::lu_solve(&lu, &permutation, &Array::from([5.0f32, 12.0]), 0);
/// assert_eq!(x.to_vec::<f32>(), [1.0, 2.0]);
/// ```
///
/// # Panics
/// If `trans` is another number, or shapes or dtypes do not fit.
#[track_caller]
pub fn lu_solve(lu: &Array, permutation: &Array, b: &Array, trans: usize) -> Array {
    if b.ndim() + 1 == lu.ndim() {
        let axis = b.ndim();
        let out = lu_solve(lu, permutation, &crate::lax::expand_dims(b, &[axis]), trans);
        return crate::lax::squeeze(&out, &[axis]);
    }
    check_matrices("lu_solve", &[lu, b]);
    if trans > 2 {
        refuse!("lu_solve" => "trans must be 0, 1 or 2, got {trans}")
    }
    let lower = TriangularSolve { left_side: true, lower: true, unit_diagonal: true, ..Default::default() };
    let upper = TriangularSolve { left_side: true, ..Default::default() };
    if trans == 0 {
        let b = take_rows_each(b, permutation);
        return triangular_solve(lu, &triangular_solve(lu, &b, lower), upper);
    }
    let turned = |how: TriangularSolve| TriangularSolve { transpose_a: true, conjugate_a: trans == 2, ..how };
    let x = triangular_solve(lu, &triangular_solve(lu, b, turned(upper)), turned(lower));
    take_rows_each(&x, &crate::lax::argsort(permutation, permutation.ndim() - 1))
}
