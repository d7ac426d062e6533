//! Indexed updates: `x.at(…)` gives a new array; out of bounds, reads are clamped and updates are dropped.

use jacinth::prelude::*;

fn main() {
    let jax_array = jnp::zeros([3, 3]);
    let updated_array = jax_array.at(s![1, ..]).set(1.0);
    println!("original array unchanged:\n {jax_array}");
    println!("updated array:\n {updated_array}");
    let x = jnp::ones([5, 6]);
    println!("{}", x.at(s![..;2, 3..]).add(7.0));

    // Out of bounds: reads are clamped, updates are dropped.
    println!("{}", jnp::arange(10).get(11));
    println!("{}", jnp::arange(10).at(11).add(23));
    println!("{}", jnp::arange(10.0).at(11).get());
    println!("{}", jnp::arange(10.0).at(11).mode("fill").fill_value(f64::NAN).get());

    // Repeated indices add up; arrays, masks and ellipses are indices.
    println!("{}", jnp::zeros(4).at(Array::from([1, 1, 3])).add(Array::from([1.0f32, 2.0, 4.0])));
    let y = jnp::arange(12).reshape([3, 4]);
    println!("{}", y.get(s![[0, 2], 1..3]));
    let first = y.get(s![NewAxis, 0]);
    println!("{} ({}, {})", y.get(s![..., -1]), first.shape()[0], first.shape()[1]);
    println!("{}", y.at(y.gt(5)).set(0));
    println!("{}", y.at(0).multiply(10).at(s![.., 1]).min(3));
    println!("{}", jit(|x: &Array, i: &Array| x.at(i).set(-1))(&y, &Array::from(1)));
    println!("{}", grad(|x: &Array| x.at(1).mul(3.0).square().sum())(&jnp::arange(3.0)));
}
