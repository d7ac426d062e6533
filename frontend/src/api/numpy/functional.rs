//! Functions applied along axes, and functions made to broadcast.

use super::{Axis, broadcast_shape, broadcast_to, canonical};
use crate::api::vmap::vmap;
use crate::ir::Array;
use crate::lax;
use crate::lax::rules::{refuse, show};
use crate::tree::Axes;

/// A function of a vector applied to every vector along an axis; its result's dimensions take the axis' place.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = Array::from([[3, 1, 2], [6, 5, 4]]);
/// let largest_two = |v: &Array| jnp::sort_descending(v, 0).get(..2);
/// assert_eq!(jnp::apply_along_axis(largest_two, 1, &x).to_string(), "[[3 2]\n [6 5]]");
/// ```
///
/// # Panics
/// If the axis is out of bounds.
#[track_caller]
pub fn apply_along_axis(f: impl Fn(&Array) -> Array + Send + Sync, axis: i64, x: &Array) -> Array {
    let _line = crate::trace::keep_line();
    let axis = canonical("apply_along_axis", axis, x.ndim());
    let last = x.ndim() - 1;
    let lead: Vec<usize> = (0..x.ndim()).filter(|&d| d != axis).map(|d| x.shape()[d]).collect();
    // The other dimensions as one, mapped over.
    let rows = lax::moveaxis(x, axis, last);
    let rows = lax::reshape(&rows, &[lead.iter().product(), x.shape()[axis]]);
    let out = vmap(|row: &Array| f(row))(&rows);
    let rest = out.shape()[1..].to_vec();
    let out = lax::reshape(&out, &lead.iter().chain(&rest).copied().collect::<Vec<_>>());
    let order: Vec<usize> = (0..axis).chain(lead.len()..out.ndim()).chain(axis..lead.len()).collect();
    lax::transpose(&out, &order)
}

/// A function of an array and an axis applied over one axis after the other; dimensions that it drops stay with size 1.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let x = jnp::ones([2, 3, 4]);
/// let total = jnp::apply_over_axes(|x: &Array, axis| jnp::sum(x, axis), &x, [0, 2]);
/// assert_eq!((total.shape(), total.to_vec::<f32>()), (&[1, 3, 1][..], vec![8.0; 3]));
/// ```
///
/// # Panics
/// If the function drops more dimensions than one, or adds some.
#[track_caller]
pub fn apply_over_axes(f: impl Fn(&Array, i64) -> Array, x: &Array, axes: impl Into<Axis>) -> Array {
    let axes = axes.into().resolve("apply_over_axes", x.ndim());
    let mut x = x.clone();
    for axis in axes {
        let out = f(&x, axis as i64);
        x = match out.ndim() {
            rank if rank == x.ndim() => out,
            rank if rank + 1 == x.ndim() => lax::expand_dims(&out, &[axis]),
            rank => refuse!(
                "apply_over_axes" => "the function must keep the dimensions or drop one, but made {rank} of {}", x.ndim()
            ),
        };
    }
    x
}

/// A function of arrays that its leading dimensions are mapped over, as they broadcast; see [`vectorize`].
#[derive(Debug)]
pub struct Vectorized<F> {
    f: F,
    inputs: Option<Vec<Vec<String>>>,
}

/// Makes a function of scalars broadcast like those of NumPy; with a signature, `"(m,n),(n)->(m)"`, a function of arrays with
/// these last dimensions.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let f = jnp::vectorize(|x: &[Array]| vec![jnp::dot(&x[0], &x[1])], Some("(n),(n)->()"));
/// let (rows, v) = (Array::from([[1, 2], [3, 4]]), Array::from([1, 10]));
/// assert_eq!(f.call(&[rows, v])[0].to_vec::<i32>(), [21, 43]);
/// ```
///
/// # Panics
/// If the signature is none.
#[track_caller]
pub fn vectorize<F: Fn(&[Array]) -> Vec<Array> + Send + Sync>(
    f: F,
    signature: Option<&str>,
) -> Vectorized<F> {
    let _line = crate::trace::keep_line();
    Vectorized { f, inputs: signature.map(parse) }
}

/// The names of the core dimensions of every input.
#[track_caller]
fn parse(signature: &str) -> Vec<Vec<String>> {
    let text: String = signature.chars().filter(|c| !c.is_whitespace()).collect();
    let Some((inputs, outputs)) = text.split_once("->") else {
        refuse!("vectorize" => "a signature has `->` between inputs and results, got \"{signature}\"")
    };
    let groups = |side: &str| -> Option<Vec<Vec<String>>> {
        let inner = side.strip_prefix('(')?.strip_suffix(')')?;
        let group = |g: &str| g.split(',').filter(|n| !n.is_empty()).map(str::to_owned).collect();
        let name = |n: &str| n.is_empty() || n.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        inner.split("),(").all(|g| g.split(',').all(name)).then(|| inner.split("),(").map(group).collect())
    };
    match (groups(inputs), groups(outputs)) {
        (Some(inputs), Some(_)) => inputs,
        _ => refuse!("vectorize" => "\"{signature}\" is no signature such as \"(m,n),(n)->(m)\""),
    }
}

impl<F: Fn(&[Array]) -> Vec<Array> + Send + Sync> Vectorized<F> {
    /// The function on these arrays.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let f = jnp::vectorize(|x: &[Array]| vec![&x[0] + &x[1], &x[0] * &x[1]], None);
    /// let outs = f.call(&[Array::from([[1], [2]]), Array::from([10, 20])]);
    /// assert_eq!(outs[1].to_string(), "[[10 20]\n [20 40]]");
    /// ```
    ///
    /// # Panics
    /// If the arrays do not fit the signature, or their leading dimensions do not broadcast.
    #[track_caller]
    pub fn call(&self, args: &[Array]) -> Vec<Array> {
        let core = |i: usize| self.inputs.as_ref().map_or(0, |inputs| inputs[i].len());
        if self.inputs.as_ref().is_some_and(|inputs| inputs.len() != args.len()) {
            refuse!("vectorize" => "the signature has {} inputs, but {} were given", self.inputs.as_ref().map_or(0, Vec::len), args.len())
        }
        let mut known: Vec<(&str, usize)> = vec![];
        for (i, x) in args.iter().enumerate() {
            if x.ndim() < core(i) {
                refuse!("vectorize" => "argument {i} of shape {} must have {} dimensions at least", show(x.shape()), core(i))
            }
            let Some(inputs) = &self.inputs else { continue };
            for (name, &n) in inputs[i].iter().zip(&x.shape()[x.ndim() - core(i)..]) {
                match known.iter().find(|(k, _)| k == name) {
                    Some(&(_, m)) if m != n => {
                        refuse!("vectorize" => "the dimension `{name}` has sizes {m} and {n}")
                    }
                    Some(_) => {}
                    None => known.push((name, n)),
                }
            }
        }
        let leads: Vec<&[usize]> =
            args.iter().enumerate().map(|(i, x)| &x.shape()[..x.ndim() - core(i)]).collect();
        let lead = broadcast_shape("vectorize", &leads);
        if lead.is_empty() {
            return (self.f)(args);
        }
        let _line = crate::trace::keep_line();
        let size = lead.iter().product();
        // Leading dimensions as one, mapped over; what has none is the same for all.
        let mapped = |(i, x): (usize, &Array)| {
            let (own, core) = x.shape().split_at(x.ndim() - core(i));
            if own.is_empty() {
                return (x.clone(), Axes::None);
            }
            let whole: Vec<usize> = lead.iter().chain(core).copied().collect();
            let flat: Vec<usize> = [size].into_iter().chain(core.iter().copied()).collect();
            (lax::reshape(&broadcast_to(x, &whole), &flat), Axes::Index(0))
        };
        let (args, axes): (Vec<Array>, Vec<Axes>) = args.iter().enumerate().map(mapped).unzip();
        let call = |args: &Vec<Array>| (self.f)(args);
        let outs = vmap(call).in_axes(Axes::Tuple(vec![Axes::List(axes)]))(&args);
        let restore = |x: &Array| {
            let shape: Vec<usize> = lead.iter().chain(&x.shape()[1..]).copied().collect();
            lax::reshape(x, &shape)
        };
        outs.iter().map(restore).collect()
    }
}
