//! Einstein's summation convention, with the order of contractions chosen by cost.

use super::products::{product, same_kind};
use super::{IntoArrays, broadcast_shape};
use crate::ir::Array;
use crate::lax::{self, DotDimensionNumbers, rules::refuse};

/// Sums of products by Einstein's convention: indices that the result lacks are summed over.
///
/// Without `->` the result has the dimensions of `...`, then the indices that stand once, in alphabetical order. `...` stands for
/// leading dimensions that broadcast. Operands are taken together two by two, in the order with the fewest operations (exactly
/// for up to six operands, else greedily).
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let (a, b) = (Array::from([[1, 2], [3, 4]]), Array::from([[1, 0], [1, 1]]));
/// assert_eq!(jnp::einsum("ij,jk->ik", [&a, &b]).to_string(), "[[3 2]\n [7 4]]");
/// assert_eq!(jnp::einsum("ii->i", [&a]).to_vec::<i32>(), [1, 4]);
/// assert_eq!(jnp::einsum("...j,j", [&a, &b.get(1)]).to_vec::<i32>(), [3, 7]);
/// ```
///
/// # Panics
/// If the subscripts do not describe the operands, or an index has two sizes.
#[track_caller]
pub fn einsum(subscripts: &str, operands: impl IntoArrays) -> Array {
    let _line = crate::trace::keep_line();
    let Problem { terms, output, operands } = parse(subscripts, &operands.into_arrays());
    let mut rest: Vec<(Vec<char>, Array)> =
        terms.into_iter().zip(operands).map(|(term, x)| diagonals(term, x)).collect();
    let shapes: Vec<Vec<char>> = rest.iter().map(|(term, _)| term.clone()).collect();
    for pair in path(&shapes, &output, &sizes(&rest)) {
        let [i, j] = pair;
        let next = rest.remove(j);
        let acc = rest.remove(i);
        let used_later = |c: &char| output.contains(c) || rest.iter().any(|(t, _)| t.contains(c));
        let acc = sum_out(acc, &|c| used_later(c) || next.0.contains(c));
        let next = sum_out(next, &|c| used_later(c) || acc.0.contains(c));
        let out = contract(acc, next, &used_later);
        rest.push(out);
    }
    let last = rest.pop().expect("there is at least one operand");
    let acc = sum_out(last, &|c| output.contains(c));
    let permutation: Vec<usize> =
        output.iter().map(|c| acc.0.iter().position(|d| d == c).expect("every index is there")).collect();
    lax::transpose(&acc.1, &permutation)
}

/// The order in which [`einsum`] takes its operands together: pairs of positions, the result standing last.
///
/// JAX gives a text beside it, which is not here.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let (a, b, v) = (jnp::ones([100, 100]), jnp::ones([100, 100]), jnp::ones(100));
/// assert_eq!(jnp::einsum_path("ij,jk,k->i", [&a, &b, &v]), [[1, 2], [0, 1]]);
/// ```
///
/// # Panics
/// As [`einsum`].
#[track_caller]
pub fn einsum_path(subscripts: &str, operands: impl IntoArrays) -> Vec<[usize; 2]> {
    let Problem { terms, output, operands } = parse(subscripts, &operands.into_arrays());
    let all: Vec<(Vec<char>, Array)> = terms.into_iter().zip(operands).collect();
    let terms: Vec<Vec<char>> = all.iter().map(|(term, _)| term.clone()).collect();
    path(&terms, &output, &sizes(&all))
}

struct Problem {
    terms: Vec<Vec<char>>,
    output: Vec<char>,
    operands: Vec<Array>,
}

/// The size of every index.
fn sizes(operands: &[(Vec<char>, Array)]) -> Vec<(char, f64)> {
    let all =
        operands.iter().flat_map(|(term, x)| term.iter().copied().zip(x.shape().iter().map(|&d| d as f64)));
    all.collect()
}

/// Subscripts without ellipses, operands without dimensions of size 1 that the ellipsis stretches.
#[track_caller]
fn parse(subscripts: &str, operands: &[Array]) -> Problem {
    let text: String = subscripts.chars().filter(|c| !c.is_whitespace()).collect();
    let (inputs, output) = match text.split_once("->") {
        Some((inputs, output)) => (inputs, Some(output)),
        None => (&text[..], None),
    };
    let inputs: Vec<&str> = inputs.split(',').collect();
    if inputs.len() != operands.len() {
        let (n, m) = (inputs.len(), operands.len());
        refuse!("einsum" => "\"{subscripts}\" describes {n} operands, but {m} were given")
    }
    let letters = |term: &str| term.replacen("...", "", 1);
    if inputs.iter().copied().chain(output).any(|t| !letters(t).chars().all(|c| c.is_ascii_alphabetic())) {
        refuse!("einsum" => "indices must be letters, and `...` stand once, got \"{subscripts}\"")
    }
    // Dimensions that an ellipsis stands for get names that no letter has, counted from the right.
    let hidden = |from_right: usize| char::from_u32(0xE000 + from_right as u32).expect("a private character");
    let mut ellipsis_shapes: Vec<Vec<usize>> = vec![];
    for (term, x) in inputs.iter().zip(operands) {
        let named = letters(term).len();
        let fits = if term.contains("...") { named <= x.ndim() } else { named == x.ndim() };
        if !fits {
            let shape = lax::rules::show(x.shape());
            refuse!("einsum" => "\"{term}\" does not describe an operand of shape {shape}")
        }
        if let Some(at) = term.find("...") {
            ellipsis_shapes.push(x.shape()[at..at + x.ndim() - named].to_vec());
        }
    }
    let shapes: Vec<&[usize]> = ellipsis_shapes.iter().map(Vec::as_slice).collect();
    let hidden_shape = broadcast_shape("einsum", &shapes);
    let hidden_names: Vec<char> = (0..hidden_shape.len()).rev().map(hidden).collect();
    let mut terms: Vec<Vec<char>> = vec![];
    let mut kept: Vec<Array> = vec![];
    for (term, x) in inputs.iter().zip(operands) {
        let Some(at) = term.find("...") else {
            terms.push(term.chars().collect());
            kept.push(x.clone());
            continue;
        };
        let count = x.ndim() - (term.len() - 3);
        let names = &hidden_names[hidden_names.len() - count..];
        let stretched: Vec<usize> = (0..count)
            .filter(|&i| x.shape()[at + i] == 1 && hidden_shape[hidden_shape.len() - count + i] != 1)
            .collect();
        let middle = names.iter().enumerate().filter(|(i, _)| !stretched.contains(i)).map(|(_, c)| *c);
        let before = term[..at].chars();
        terms.push(before.chain(middle).chain(term[at + 3..].chars()).collect());
        kept.push(lax::squeeze(x, &stretched.iter().map(|i| at + i).collect::<Vec<_>>()));
    }
    let times = |c: &char| terms.iter().flatten().filter(|d: &&char| *d == c).count();
    let output: Vec<char> = match output {
        Some(text) => match text.find("...") {
            Some(at) => {
                text[..at].chars().chain(hidden_names.iter().copied()).chain(text[at + 3..].chars()).collect()
            }
            None => text.chars().collect(),
        },
        None => {
            let named = terms.iter().flatten().copied().filter(|c| c.is_ascii_alphabetic() && times(c) == 1);
            let mut once: Vec<char> = named.collect();
            once.sort_unstable();
            hidden_names.iter().copied().chain(once).collect()
        }
    };
    if output.iter().enumerate().any(|(i, c)| output[..i].contains(c) || times(c) == 0) {
        refuse!("einsum" => "the indices of the result must stand once and in an operand, got \"{subscripts}\"")
    }
    for c in terms.iter().flatten() {
        let mut found = terms.iter().zip(&kept).flat_map(|(t, x): (&Vec<char>, &Array)| {
            t.iter().zip(x.shape()).filter(|(d, _)| *d == c).map(|(_, &n)| n).collect::<Vec<_>>()
        });
        let first = found.next().expect("the index stands somewhere");
        if let Some(other) = found.find(|&n| n != first) {
            refuse!("einsum" => "the index `{c}` of \"{subscripts}\" has sizes {first} and {other}")
        }
    }
    Problem { terms, output, operands: kept }
}

/// Pairs of positions to take together, with the fewest operations.
fn path(terms: &[Vec<char>], output: &[char], sizes: &[(char, f64)]) -> Vec<[usize; 2]> {
    if terms.len() <= 6 {
        let mut best = (f64::INFINITY, vec![]);
        search(terms, output, sizes, 0.0, &mut vec![], &mut best);
        return best.1;
    }
    let mut terms = terms.to_vec();
    let mut out = vec![];
    while terms.len() > 1 {
        // Greedily: the pair that frees the most memory, then the one with the fewest operations.
        let gain = |&[i, j]: &[usize; 2]| {
            let (result, cost) = together(&terms, i, j, output, sizes);
            let size = |t: &[char]| volume(t, sizes);
            (size(&result) - size(&terms[i]) - size(&terms[j]), cost)
        };
        let better = |a: &[usize; 2], b: &[usize; 2]| {
            let (a, b) = (gain(a), gain(b));
            a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
        };
        let pair = pairs(terms.len()).min_by(better).expect("there are two");
        let (result, _) = together(&terms, pair[0], pair[1], output, sizes);
        terms.remove(pair[1]);
        terms.remove(pair[0]);
        terms.push(result);
        out.push(pair);
    }
    out
}

fn pairs(n: usize) -> impl Iterator<Item = [usize; 2]> {
    (0..n).flat_map(move |i| (i + 1..n).map(move |j| [i, j]))
}

/// Every order, cut short where it is no better than the best.
fn search(
    terms: &[Vec<char>],
    output: &[char],
    sizes: &[(char, f64)],
    cost: f64,
    done: &mut Vec<[usize; 2]>,
    best: &mut (f64, Vec<[usize; 2]>),
) {
    if cost >= best.0 {
        return;
    }
    if terms.len() == 1 {
        *best = (cost, done.clone());
        return;
    }
    for pair in pairs(terms.len()) {
        let (result, price) = together(terms, pair[0], pair[1], output, sizes);
        let mut rest = terms.to_vec();
        rest.remove(pair[1]);
        rest.remove(pair[0]);
        rest.push(result);
        done.push(pair);
        search(&rest, output, sizes, cost + price, done, best);
        done.pop();
    }
}

/// What two operands make, and the number of operations that takes.
fn together(
    terms: &[Vec<char>],
    i: usize,
    j: usize,
    output: &[char],
    sizes: &[(char, f64)],
) -> (Vec<char>, f64) {
    let used = |c: &char| {
        output.contains(c) || terms.iter().enumerate().any(|(k, t)| k != i && k != j && t.contains(c))
    };
    let mut both: Vec<char> = terms[i].clone();
    both.extend(terms[j].iter().copied().filter(|c| !terms[i].contains(c)));
    let result: Vec<char> = both.iter().copied().filter(|c| used(c)).collect();
    let sums = result.len() < both.len();
    (result, volume(&both, sizes) * if sums { 2.0 } else { 1.0 })
}

/// The number of elements of a term.
fn volume(term: &[char], sizes: &[(char, f64)]) -> f64 {
    term.iter().map(|c| sizes.iter().find(|(d, _)| d == c).map_or(1.0, |(_, n)| *n)).product()
}

/// An operand in which no index stands twice: of two equal ones the diagonal is left.
#[track_caller]
fn diagonals(mut term: Vec<char>, mut x: Array) -> (Vec<char>, Array) {
    while let Some((i, j)) =
        (0..term.len()).flat_map(|j| (0..j).map(move |i| (i, j))).find(|&(i, j)| term[i] == term[j])
    {
        x = super::diagonal_axes(&x, 0, i as i64, j as i64);
        let c = term[i];
        term = term.iter().copied().filter(|&d| d != c).chain([c]).collect();
    }
    (term, x)
}

/// Indices that nothing uses any more summed out.
#[track_caller]
fn sum_out((term, x): (Vec<char>, Array), used: &dyn Fn(&char) -> bool) -> (Vec<char>, Array) {
    let gone: Vec<i64> = (0..term.len()).filter(|&i| !used(&term[i])).map(|i| i as i64).collect();
    if gone.is_empty() {
        return (term, x);
    }
    let kept = term.iter().copied().filter(|c| used(c)).collect();
    (kept, super::sum(x, gone))
}

/// The product of two operands, summed over what both have and nothing uses later.
#[track_caller]
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
