//! `jax.numpy`: NumPy's functions on arrays that can be traced.

use jacinth::numpy::keepdims;
use jacinth::prelude::*;

fn main() {
    let x = jnp::arange(12.0).reshape([3, 4]);
    println!("{}", x.t());
    println!("{} {} {}", jnp::sum(&x, 0), x.mean_axis(1), x.std());
    println!("{}", jnp::max(&x, keepdims(1)));
    println!("{}", x.matmul(x.t()));
    println!("{}", jnp::einsum("ij,kj->ik", &[x.clone(), x.get(s![..1])]));
    println!("{}", jnp::outer(jnp::arange(3), jnp::arange(3)));
    println!("{}", jnp::where_((&x % 2).equal(0), &x, -&x));
    let (first, second) = (x.get(0), x.get(1));
    let stacked = jnp::stack(&[first.clone(), second.clone()], 1);
    println!("{} ({}, {})", jnp::concatenate(&[first, second], 0), stacked.shape()[0], stacked.shape()[1]);
    println!("{} {}", jnp::cumsum(Array::from([1, 2, 3, 4]), 0), jnp::diff(Array::from([1, 4, 9]), 0));
    let y = Array::from([3, 1, 2]);
    println!("{} {} {}", lax::sort(&y, 0), lax::argsort(&y, 0), jnp::argmax(&y, ()));
    let clipped = jnp::clip(Array::from([-1.0f32, 0.5, 2.0]), 0, 1);
    println!("{clipped} {}", jnp::round(Array::from([0.5f32, 1.5, 2.5])));
    let sevens = Array::from([7, -7]);
    println!("{} {} {}", jnp::floor_divide(&sevens, 2), &sevens % 3, Array::from([1, 2]) / 2);
    println!("{} {}", jnp::tril(jnp::ones([3, 3]), 0), jnp::trace(jnp::eye(3)));
    println!("{} {}", nn::softmax(Array::from([1.0f32, 2.0, 3.0]), -1), nn::one_hot(Array::from([0, 2]), 3));
    // Static and traced operations: shapes are known while tracing, values are not.
    println!("{}", jit(|x: &Array| x.reshape(-1) * x.shape()[0] as i32)(&jnp::ones([2, 2])));
    println!("{} {}", jnp::isnan(Array::from([0.0f32, 1.0]) / 0.0), Array::from(0.0f32) * f64::INFINITY);
}
