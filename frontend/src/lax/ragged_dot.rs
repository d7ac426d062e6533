//! Products of arrays that fall into groups along one dimension: ragged_dot, ragged_dot_general.
//!
//! The groups are consecutive, and how long each is, is known only when the program runs. An array is spread over a new leading dimension, the
//! groups', with zeros for what belongs to another group; then it is an ordinary product, with an ordinary product's derivatives.

use super::binary::{and, sub};
use super::compare::{ge, lt};
use super::convert::convert_element_type;
use super::cumulative::cumsum;
use super::dot::{DotDimensionNumbers, Precision, dot_general};
use super::rules::{refuse, remaining, show};
use super::select::select;
use super::shape::{broadcast_in_dim, broadcasted_iota, transpose, zeros_like};
use crate::ir::{Array, DType};

/// Which dimensions a product of arrays with groups pairs, and which fall into groups.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RaggedDotDimensionNumbers {
    /// Which dimensions the product pairs.
    pub dot_dimension_numbers: DotDimensionNumbers,
    /// The dimension of the left side that falls into groups.
    pub lhs_ragged_dimension: usize,
    /// The dimension of the right side that counts the groups, where the left side's groups are of a free dimension.
    pub rhs_group_dimension: Option<usize>,
}

/// Rows times the matrix of their group: `f32[m, k] × f32[g, k, n] → f32[m, n]`, where the first `group_sizes[0]` rows are of the first
/// group, and so
/// on; rows beyond all groups give zero.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let (rows, matrices) = (Array::from([[1], [2], [3]]), Array::from([[[10]], [[100]]]));
/// let y = lax::ragged_dot(&rows, &matrices, &Array::from([2, 1]), None);
/// assert_eq!(y.to_vec::<i32>(), [10, 20, 300]);
/// ```
///
/// # Panics
/// If shapes do not fit.
#[track_caller]
pub fn ragged_dot(lhs: &Array, rhs: &Array, group_sizes: &Array, precision: Option<Precision>) -> Array {
    let fits = lhs.ndim() == 2
        && rhs.ndim() == 3
        && lhs.shape()[1] == rhs.shape()[1]
        && group_sizes.shape() == &rhs.shape()[..1]
        && group_sizes.dtype().is_integer();
    if !fits {
        let (a, b, c) = (lhs.aval(), rhs.aval(), group_sizes.aval());
        refuse!("ragged_dot" => "takes [m, k], [g, k, n] and integers [g], got {a}, {b} and {c}")
    }
    let numbers = RaggedDotDimensionNumbers {
        dot_dimension_numbers: DotDimensionNumbers::new((&[1], &[1]), (&[], &[])),
        lhs_ragged_dimension: 0,
        rhs_group_dimension: Some(0),
    };
    ragged_dot_general(lhs, rhs, group_sizes, numbers, precision, None)
}

/// The product of arrays of which a dimension of the left side falls into consecutive groups of sizes `group_sizes`.
///
/// Where that dimension is free, every group has its own slice of the right side along `rhs_group_dimension`. Where it is summed over,
/// every group
/// has its own sum, along a new leading dimension of the result. Where it is a batch dimension, groups make no difference. `group_sizes` is
/// `int[g]`, or has before the groups the sizes of the left side's batch dimensions and of those of the ragged one's kind that come before it.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// # use jacinth_frontend::lax::{DotDimensionNumbers, RaggedDotDimensionNumbers};
/// let numbers = RaggedDotDimensionNumbers {
///     dot_dimension_numbers: DotDimensionNumbers::new((&[1], &[0]), (&[], &[])),
///     lhs_ragged_dimension: 1,
///     rhs_group_dimension: None,
/// };
/// let (x, y) = (Array::from([[1, 2, 3]]), Array::from([[1], [1], [10]]));
/// // The sum falls into 1 + 2 and 30.
/// let sums = lax::ragged_dot_general(&x, &y, &Array::from([2, 1]), numbers, None, None);
/// assert_eq!((sums.shape(), sums.to_vec::<i32>()), (&[2, 1, 1][..], vec![3, 30]));
/// ```
///
/// # Panics
/// If the dimension numbers or `group_sizes` do not fit the operands.
#[track_caller]
pub fn ragged_dot_general(
    lhs: &Array,
    rhs: &Array,
    group_sizes: &Array,
    dimension_numbers: RaggedDotDimensionNumbers,
    precision: Option<Precision>,
    preferred_element_type: Option<DType>,
) -> Array {
    let RaggedDotDimensionNumbers {
        dot_dimension_numbers: dot,
        lhs_ragged_dimension: ragged,
        rhs_group_dimension,
    } = dimension_numbers;
    if ragged >= lhs.ndim() {
        refuse!("ragged_dot_general" => "the ragged dimension {ragged} is none of the left side, {}", lhs.aval())
    }
    if !group_sizes.dtype().is_integer() || group_sizes.ndim() == 0 {
        refuse!("ragged_dot_general" => "group sizes must be integers along a dimension, got {}", group_sizes.aval())
    }
    let bumped = |dims: &[usize]| -> Vec<usize> { dims.iter().map(|d| d + 1).collect() };
    let product =
        |lhs: &Array, rhs: &Array, numbers| dot_general(lhs, rhs, numbers, precision, preferred_element_type);
    let before = |dims: &[usize], dim: usize| -> Vec<usize> {
        dims.iter().copied().take_while(|&d| d != dim).collect()
    };
    let groups = *group_sizes.shape().last().expect("there is a dimension");
    let summed = dot.lhs_contracting.iter().position(|&d| d == ragged);
    if dot.lhs_batch.contains(&ragged) || summed.is_some() {
        if rhs_group_dimension.is_some() {
            refuse!("ragged_dot_general" => "the right side has a dimension of groups only where the ragged dimension is free")
        }
        let Some(place) = summed else { return product(lhs, rhs, dot) };
        let of = |x: &Array, batch: &[usize], contracting: &[usize]| {
            let prefix = [batch.to_vec(), before(contracting, contracting[place])].concat();
            in_groups(x, contracting[place], group_sizes, &prefix)
        };
        let (l, r) =
            (of(lhs, &dot.lhs_batch, &dot.lhs_contracting), of(rhs, &dot.rhs_batch, &dot.rhs_contracting));
        let with_groups = |batch: &[usize]| [vec![0], bumped(batch)].concat();
        let numbers = DotDimensionNumbers {
            lhs_contracting: bumped(&dot.lhs_contracting),
            rhs_contracting: bumped(&dot.rhs_contracting),
            lhs_batch: with_groups(&dot.lhs_batch),
            rhs_batch: with_groups(&dot.rhs_batch),
        };
        return product(&l, &r, numbers);
    }
    let Some(group) = rhs_group_dimension.filter(|&d| rhs.shape().get(d) == Some(&groups)) else {
        let (found, rhs) = (rhs_group_dimension, rhs.aval());
        refuse!("ragged_dot_general" => "the right side {rhs} must have a dimension of {groups} groups, got dimension {found:?}")
    };
    let free = remaining(lhs.ndim(), &[&dot.lhs_contracting[..], &dot.lhs_batch].concat());
    let prefix = [dot.lhs_batch.clone(), before(&free, ragged)].concat();
    let l = in_groups(lhs, ragged, group_sizes, &prefix);
    let numbers = DotDimensionNumbers {
        lhs_contracting: [bumped(&dot.lhs_contracting), vec![0]].concat(),
        rhs_contracting: [dot.rhs_contracting.clone(), vec![group]].concat(),
        lhs_batch: bumped(&dot.lhs_batch),
        rhs_batch: dot.rhs_batch,
    };
    product(&l, rhs, numbers)
}

/// `x` once per group, along a new leading dimension, with zeros for what is of another group; `prefix` are the dimensions of `x` that stand
/// before the groups in `group_sizes`, if any do.
#[track_caller]
fn in_groups(x: &Array, dim: usize, group_sizes: &Array, prefix: &[usize]) -> Array {
    let prefix = if group_sizes.ndim() == 1 { &[] } else { prefix };
    let groups = group_sizes.ndim() - 1;
    let expected: Vec<usize> = prefix.iter().map(|&d| x.shape()[d]).collect();
    if group_sizes.shape()[..groups] != expected[..] {
        let (found, expected) = (show(group_sizes.shape()), show(&expected));
        refuse!("ragged_dot_general" => "the shape {found} of the group sizes must begin with {expected}")
    }
    let sizes = convert_element_type(group_sizes, DType::I32);
    let ends = cumsum(&sizes, groups, false);
    let shape: Vec<usize> =
        std::iter::once(group_sizes.shape()[groups]).chain(x.shape().iter().copied()).collect();
    // Where each dimension of the sizes stands in the result; broadcasts want them in order.
    let places: Vec<usize> = prefix.iter().map(|d| d + 1).chain([0]).collect();
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_unstable_by_key(|&i| places[i]);
    let dims: Vec<usize> = order.iter().map(|&i| places[i]).collect();
    let wide = |bounds: &Array| broadcast_in_dim(&transpose(bounds, &order), &shape, &dims);
    let at = broadcasted_iota(DType::I32, &shape, dim + 1);
    let own = and(&ge(&at, &wide(&sub(&ends, &sizes))), &lt(&at, &wide(&ends)));
    let spread = broadcast_in_dim(x, &shape, &(1..shape.len()).collect::<Vec<_>>());
    select(&own, &spread, &zeros_like(spread.aval()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_take_the_matrix_of_their_group() {
        let lhs = Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], [4, 2]);
        let rhs = Array::from_slice(&[1.0f32, 10.0, 100.0, 1000.0], [2, 2, 1]);
        let sizes = Array::from_slice(&[1i32, 2], [2]);
        let out = ragged_dot(&lhs, &rhs, &sizes, None);
        assert_eq!(out.to_vec::<f32>(), [21.0, 4300.0, 6500.0, 0.0]);
    }
}
