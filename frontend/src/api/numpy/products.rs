//! Products of arrays.

use super::{Axis, IntoArray, canonical};
use crate::api::dtypes::result_type;
use crate::ir::{Array, DType};
use crate::lax::{self, DotDimensionNumbers, Precision, rules::refuse};

/// A product in the dtype in which the operands meet.
#[track_caller]
fn product(x: &Array, y: &Array, numbers: DotDimensionNumbers, precision: Option<Precision>) -> Array {
    let (dtype, _) = met(x, y);
    lax::dot_general(x, y, numbers, precision, Some(dtype))
}

/// The dtype in which two arrays meet.
#[track_caller]
fn met(x: &Array, y: &Array) -> (DType, bool) {
    match result_type(&[x.clone(), y.clone()]) {
        Ok(met) => met,
        Err(error) => error.at(crate::trace::current_source(std::panic::Location::caller())).raise(),
    }
}

/// NumPy's dot product: `x[…, k] × y[…, k, n]` summed over `k`, all other dimensions side by side; with a scalar the product.
#[track_caller]
pub fn dot(x: impl IntoArray, y: impl IntoArray) -> Array {
    dot_precision(x, y, None)
}

/// [`dot`] with a precision.
#[track_caller]
pub fn dot_precision(x: impl IntoArray, y: impl IntoArray, precision: Option<Precision>) -> Array {
    let (x, y) = (x.into_array(), y.into_array());
    let (x_dims, y_dims): (Vec<usize>, Vec<usize>) = if x.ndim() == 0 || y.ndim() == 0 {
        (vec![], vec![])
    } else {
        (vec![x.ndim() - 1], vec![y.ndim().saturating_sub(2)])
    };
    let (x, y) = same_kind(x, y);
    product(&x, &y, DotDimensionNumbers::new((&x_dims, &y_dims), (&[], &[])), precision)
}

/// Operands of a product may differ in dtype; only weak ones are converted.
#[track_caller]
fn same_kind(x: Array, y: Array) -> (Array, Array) {
    let (dtype, _) = met(&x, &y);
    let fit = |a: Array| if a.weak_type() { lax::convert_element_type(&a, dtype) } else { a };
    let (x, y) = (fit(x), fit(y));
    // Booleans have no sums.
    let number = |a: Array| if a.dtype().is_boolean() { lax::convert_element_type(&a, dtype) } else { a };
    (number(x), number(y))
}

/// The matrix product: `x[…, m, k] × y[…, k, n] → […, m, n]`, leading dimensions broadcast; vectors have no second dimension.
#[track_caller]
pub fn matmul(x: impl IntoArray, y: impl IntoArray) -> Array {
    matmul_precision(x, y, None)
}

/// [`matmul`] with a precision.
#[track_caller]
pub fn matmul_precision(x: impl IntoArray, y: impl IntoArray, precision: Option<Precision>) -> Array {
    let (x, y) = same_kind(x.into_array(), y.into_array());
    if x.ndim() == 0 || y.ndim() == 0 {
        let (a, b) = (lax::rules::show(x.shape()), lax::rules::show(y.shape()));
        refuse!("matmul" => "operands must have at least one dimension, got shapes {a} and {b}")
    }
    let (x_vector, y_vector) = (x.ndim() == 1, y.ndim() == 1);
    let k = (x.shape()[x.ndim() - 1], y.shape()[y.ndim().saturating_sub(2)]);
    if k.0 != k.1 {
        let (a, b) = (lax::rules::show(x.shape()), lax::rules::show(y.shape()));
        refuse!("matmul" => "contracting sizes differ: {} and {}, of shapes {a} and {b}", k.0, k.1)
    }
    let x_lead = x.shape()[..x.ndim().saturating_sub(2)].to_vec();
    let y_lead = y.shape()[..y.ndim().saturating_sub(2)].to_vec();
    let lead = super::broadcast_shape("matmul", &[&x_lead, &y_lead]);
    // Leading dimensions are batch dimensions where both have them, free where only one has; those of size 1 that the other
    // stretches go.
    let (mut x_batch, mut y_batch, mut x_gone, mut y_gone) = (vec![], vec![], vec![], vec![]);
    let (mut from_batch, mut from_x, mut from_y) = (vec![], vec![], vec![]);
    let rank = lead.len();
    for (d, &size) in lead.iter().enumerate() {
        let x_dim = d.checked_sub(rank - x_lead.len());
        let y_dim = d.checked_sub(rank - y_lead.len());
        match (x_dim, y_dim) {
            (Some(i), Some(j)) if x_lead[i] == y_lead[j] => {
                x_batch.push(i);
                y_batch.push(j);
                from_batch.push(d);
            }
            (Some(i), Some(j)) if x_lead[i] == 1 && size != 1 => {
                x_gone.push(i);
                debug_assert_eq!(y_lead[j], size);
                from_y.push(d);
            }
            (Some(_), Some(j)) => {
                y_gone.push(j);
                from_x.push(d);
            }
            (Some(_), None) => from_x.push(d),
            (None, Some(_)) => from_y.push(d),
            (None, None) => unreachable!("a leading dimension belongs to one side"),
        }
    }
    let (x, y) = (lax::squeeze(&x, &x_gone), lax::squeeze(&y, &y_gone));
    let renumber = |dims: &[usize], gone: &[usize]| -> Vec<usize> {
        dims.iter().map(|d| d - gone.iter().filter(|g| *g < d).count()).collect()
    };
    let (x_batch, y_batch) = (renumber(&x_batch, &x_gone), renumber(&y_batch, &y_gone));
    let contracting = ([x.ndim() - 1], [y.ndim().saturating_sub(2)]);
    let numbers = DotDimensionNumbers::new((&contracting.0, &contracting.1), (&x_batch, &y_batch));
    let out = product(&x, &y, numbers, precision);
    // The product has: batch, x's leading, m, y's leading, n.
    let mut places = from_batch;
    places.extend(from_x);
    if !x_vector {
        places.push(rank);
    }
    places.extend(from_y);
    if !y_vector {
        places.push(rank + 1);
    }
    let mut permutation: Vec<usize> = (0..places.len()).collect();
    permutation.sort_by_key(|&i| places[i]);
    lax::transpose(&out, &permutation)
}

/// The sum of the products of all elements; complex numbers of the first are conjugated.
#[track_caller]
pub fn vdot(x: impl IntoArray, y: impl IntoArray) -> Array {
    let x = super::conj(x);
    dot(super::ravel(x), super::ravel(y))
}

/// The product summed over the last dimension of both.
#[track_caller]
pub fn inner(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = (x.into_array(), y.into_array());
    if x.ndim() == 0 || y.ndim() == 0 {
        return super::multiply(x, y);
    }
    let dims = ([x.ndim() as i64 - 1], [y.ndim() as i64 - 1]);
    tensordot(x, y, dims.0, dims.1)
}

/// All products of an element of one with an element of the other.
#[track_caller]
pub fn outer(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = (super::ravel(x), super::ravel(y));
    super::multiply(lax::expand_dims(&x, &[1]), lax::expand_dims(&y, &[0]))
}

/// The product summed over pairs of dimensions.
#[track_caller]
pub fn tensordot(
    x: impl IntoArray,
    y: impl IntoArray,
    x_axes: impl Into<Axis>,
    y_axes: impl Into<Axis>,
) -> Array {
    let (x, y) = same_kind(x.into_array(), y.into_array());
    let (a, b) = (x_axes.into().resolve("tensordot", x.ndim()), y_axes.into().resolve("tensordot", y.ndim()));
    product(&x, &y, DotDimensionNumbers::new((&a, &b), (&[], &[])), None)
}

/// The Kronecker product of two matrices or vectors.
#[track_caller]
pub fn kron(x: impl IntoArray, y: impl IntoArray) -> Array {
    let (x, y) = (x.into_array(), y.into_array());
    let rank = x.ndim().max(y.ndim());
    let widen = |x: &Array| lax::expand_dims(x, &(0..rank - x.ndim()).collect::<Vec<_>>());
    let (x, y) = (widen(&x), widen(&y));
    let x_spread = lax::expand_dims(&x, &(0..rank).map(|i| 2 * i + 1).collect::<Vec<_>>());
    let y_spread = lax::expand_dims(&y, &(0..rank).map(|i| 2 * i).collect::<Vec<_>>());
    let shape: Vec<usize> = x.shape().iter().zip(y.shape()).map(|(a, b)| a * b).collect();
    lax::reshape(&super::multiply(x_spread, y_spread), &shape)
}

/// The Euclidean (Frobenius) length over axes.
#[track_caller]
pub fn norm(x: impl IntoArray, axis: impl Into<Axis>) -> Array {
    let x = crate::api::dtypes::promote_inexact(&[x.into_array()]).remove(0);
    let squares =
        if x.dtype().is_complex() { lax::real(&lax::mul(&x, &lax::conj(&x))) } else { lax::mul(&x, &x) };
    lax::sqrt(&super::sum(squares, axis))
}

/// Sums of products by Einstein's convention: `einsum("ij,jk->ik", &[a, b])`; indices that the result lacks are summed over.
///
/// Operands are taken together from the left. Without `->` the result has the indices that stand once, in alphabetical order.
/// `...` is not supported.
#[track_caller]
pub fn einsum(subscripts: &str, operands: &[Array]) -> Array {
    let text: String = subscripts.chars().filter(|c| !c.is_whitespace()).collect();
    let (inputs, output) = match text.split_once("->") {
        Some((inputs, output)) => (inputs.to_string(), Some(output.to_string())),
        None => (text.clone(), None),
    };
    let terms: Vec<Vec<char>> = inputs.split(',').map(|t| t.chars().collect()).collect();
    if terms.iter().flatten().any(|c| !c.is_ascii_alphabetic()) {
        refuse!("einsum" => "indices must be letters, got \"{subscripts}\"; `...` is not supported")
    }
    if terms.len() != operands.len() {
        let (n, m) = (terms.len(), operands.len());
        refuse!("einsum" => "\"{subscripts}\" describes {n} operands, but {m} were given")
    }
    for (term, x) in terms.iter().zip(operands) {
        if term.len() != x.ndim() {
            let (term, shape): (String, _) = (term.iter().collect(), lax::rules::show(x.shape()));
            refuse!("einsum" => "\"{term}\" does not describe an operand of shape {shape}")
        }
    }
    let times = |c: &char| terms.iter().flatten().filter(|d| *d == c).count();
    let output: Vec<char> = output.map(|o| o.chars().collect()).unwrap_or_else(|| {
        let mut once: Vec<char> = terms.iter().flatten().copied().filter(|c| times(c) == 1).collect();
        once.sort_unstable();
        once
    });
    if output.iter().enumerate().any(|(i, c)| output[..i].contains(c) || times(c) == 0) {
        refuse!("einsum" => "the indices of the result must stand once and in an operand, got \"{subscripts}\"")
    }
    let mut rest: Vec<(Vec<char>, Array)> =
        terms.into_iter().zip(operands).map(|(t, x)| diagonals(t, x.clone())).collect();
    let mut acc = rest.remove(0);
    loop {
        let used_later = |c: &char| output.contains(c) || rest.iter().any(|(t, _)| t.contains(c));
        acc = sum_out(acc, &used_later);
        if rest.is_empty() {
            break;
        }
        let next = rest.remove(0);
        let used_later = |c: &char| output.contains(c) || rest.iter().any(|(t, _)| t.contains(c));
        let next = sum_out(next, &|c| used_later(c) || acc.0.contains(c));
        acc = contract(acc, next, &used_later);
    }
    let permutation: Vec<usize> =
        output.iter().map(|c| acc.0.iter().position(|d| d == c).expect("every index is there")).collect();
    lax::transpose(&acc.1, &permutation)
}

/// An operand in which no index stands twice: of two equal ones the diagonal is left.
fn diagonals(mut term: Vec<char>, mut x: Array) -> (Vec<char>, Array) {
    while let Some((i, j)) =
        (0..term.len()).flat_map(|j| (0..j).map(move |i| (i, j))).find(|&(i, j)| term[i] == term[j])
    {
        let rank = x.ndim() as i64;
        let moved = super::moveaxis(&x, [i as i64, j as i64], [rank - 2, rank - 1]);
        x = super::diagonal(moved, 0);
        let c = term[i];
        term = term.iter().copied().filter(|&d| d != c).chain([c]).collect();
    }
    (term, x)
}

/// Indices that nothing uses any more summed out.
fn sum_out((term, x): (Vec<char>, Array), used: &dyn Fn(&char) -> bool) -> (Vec<char>, Array) {
    let gone: Vec<i64> = (0..term.len()).filter(|&i| !used(&term[i])).map(|i| i as i64).collect();
    if gone.is_empty() {
        return (term, x);
    }
    let kept = term.iter().copied().filter(|c| used(c)).collect();
    (kept, super::sum(x, gone))
}

/// The product of two operands, summed over what both have and nothing uses later.
fn contract(
    (a, x): (Vec<char>, Array),
    (b, y): (Vec<char>, Array),
    used_later: &dyn Fn(&char) -> bool,
) -> (Vec<char>, Array) {
    let (x, y) = same_kind(x, y);
    let both: Vec<char> = a.iter().copied().filter(|c| b.contains(c)).collect();
    let (batch, summed): (Vec<char>, Vec<char>) = both.iter().partition(|c| used_later(c));
    let places = |term: &[char], of: &[char]| -> Vec<usize> {
        of.iter().map(|c| term.iter().position(|d| d == c).expect("it is there")).collect()
    };
    let numbers = DotDimensionNumbers::new(
        (&places(&a, &summed), &places(&b, &summed)),
        (&places(&a, &batch), &places(&b, &batch)),
    );
    let out = product(&x, &y, numbers, None);
    let free = a.iter().chain(&b).copied().filter(|c| !both.contains(c));
    (batch.iter().copied().chain(free).collect(), out)
}

/// The cross product of vectors of three numbers along an axis.
#[track_caller]
pub fn cross(x: impl IntoArray, y: impl IntoArray, axis: i64) -> Array {
    let (x, y) = (x.into_array(), y.into_array());
    let axis = canonical("cross", axis, x.ndim());
    if x.shape() != y.shape() || x.shape()[axis] != 3 {
        let (a, b) = (lax::rules::show(x.shape()), lax::rules::show(y.shape()));
        refuse!("cross" => "takes vectors of three numbers along one axis, got shapes {a} and {b}")
    }
    let part = |v: &Array, i: usize| lax::index_in_dim(v, i as i64, axis, false);
    let component = |i: usize| {
        let (j, k) = ((i + 1) % 3, (i + 2) % 3);
        super::subtract(super::multiply(part(&x, j), part(&y, k)), super::multiply(part(&x, k), part(&y, j)))
    };
    lax::stack(&[component(0), component(1), component(2)], axis)
}
