//! `vmap`: a function of one example becomes a function of a batch.

use std::collections::BTreeMap;

use jacinth::prelude::*;
use jacinth::tree::Axes;

fn convolve(x: &Array, w: &Array) -> Array {
    let output: Vec<Array> = (1..x.shape()[0] - 1).map(|i| jnp::dot(x.get(s![i - 1..i + 2]), w)).collect();
    jnp::stack(&output, 0)
}

fn main() {
    let x = jnp::arange(5);
    let w = Array::from([2.0f32, 3.0, 4.0]);
    println!("{}", convolve(&x, &w).repr());
    let xs = jnp::stack(&[x.clone(), x], 0);
    let ws = jnp::stack(&[w.clone(), w.clone()], 0);
    println!("{}", vmap(convolve)(&xs, &ws).repr());
    println!("{}", vmap(convolve).in_axes(1).out_axes(1)(&xs.t(), &ws.t()).repr());
    println!("{}", vmap(convolve).in_axes((0, None))(&xs, &w).repr());
    println!("{}", jit(vmap(convolve))(&xs, &ws).repr());

    // Axes are prefix trees of the arguments.
    let f = |a1: &Array, d: &BTreeMap<String, Array>| a1 * &d["k1"] + &d["k2"];
    let dict = |k1: Array, k2: Array| BTreeMap::from([("k1".to_owned(), k1), ("k2".to_owned(), k2)]);
    let ten = jnp::asarray(10.0);
    let d = dict(jnp::asarray(2.0), jnp::arange(3.0));
    let of_k2 = Axes::from(BTreeMap::from([("k1", Axes::None), ("k2", Axes::from(0))]));
    println!("{}", vmap(f).in_axes((None, of_k2))(&ten, &d));
    let d = dict(jnp::arange(3.0), jnp::arange(3.0));
    println!("{}", vmap(f).in_axes((None, 0))(&ten, &d));
    println!("{}", vmap(f).in_axes(0)(&jnp::arange(3.0), &d));

    // Per-example gradients.
    let loss = |w: &Array, x: &Array| jnp::dot(w, x).square();
    println!("{}", vmap(grad(loss)).in_axes((None, 0))(&w, &jnp::eye(3)));
}
