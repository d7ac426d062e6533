//! `vmap`: a function of one example becomes a function of a batch.

use std::collections::BTreeMap;

use jacinth::prelude::*;
use jacinth::tree::Axes;

fn convolve(x: &Array, w: &Array) -> Array {
    let mut output = Vec::new();
    for i in 1..x.len() - 1 {
        output.push(jnp::dot(x.get(i - 1..i + 2), w));
    }
    jnp::array(output)
}

fn main() {
    let x = jnp::arange(5);
    let w = Array::from([2.0f32, 3.0, 4.0]);
    println!("{}", convolve(&x, &w).repr());
    let xs = jnp::stack([&x, &x], 0);
    let ws = jnp::stack([&w, &w], 0);
    println!("{}", vmap(convolve)(&xs, &ws).repr());
    println!("{}", vmap(convolve).in_axes(1).out_axes(1)(&xs.t(), &ws.t()).repr());
    println!("{}", vmap(convolve).in_axes((0, None))(&xs, &w).repr());
    println!("{}", jit(vmap(convolve))(&xs, &ws).repr());

    // Axes are prefix trees of the arguments.
    let f = |a1: &Array, d: &BTreeMap<&'static str, Array>| a1 * &d["k1"] + &d["k2"];
    let dict = |k1: Array, k2: Array| BTreeMap::from([("k1", k1), ("k2", k2)]);
    let ten = jnp::asarray(10.0);
    let d = dict(jnp::asarray(2.0), jnp::arange(3.0));
    let of_k2 = Axes::from(BTreeMap::from([("k1", Axes::None), ("k2", Axes::from(0))]));
    println!("{}", vmap(f).in_axes((None, of_k2))(&ten, &d));
    let d = dict(jnp::arange(3.0), jnp::arange(3.0));
    println!("{}", vmap(f).in_axes((None, 0))(&ten, &d));
    println!("{}", vmap(f).in_axes(0)(&jnp::arange(3.0), &d));

    // By hand, and by vmap.
    let mat = random::normal(random::key(1), (15, 10));
    let batched_x = random::normal(random::key(2), (5, 10));
    let apply_matrix = |x: &Array| jnp::dot(&mat, x);
    let naively = jnp::array(batched_x.iter().map(|v| apply_matrix(&v)).collect::<Vec<Array>>());
    let by_hand = jit(|batch: &Array| jnp::dot(batch, mat.T()))(&batched_x);
    let mapped = jit(vmap(apply_matrix))(&batched_x);
    let close = |x: &Array| if jnp::allclose_with(&naively, x, 0.0, 1e-4).item() { "True" } else { "False" };
    println!("{} {}", close(&by_hand), close(&mapped));
    // Per-example gradients.
    let loss = |w: &Array, x: &Array| jnp::dot(w, x).square();
    println!("{}", vmap(grad(loss)).in_axes((None, 0))(&w, &jnp::eye(3)));
}
