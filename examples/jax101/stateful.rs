//! Stateful computations: state comes in as an argument and goes out as a result.

use std::sync::atomic::{AtomicI32, Ordering};

use jacinth::prelude::*;

#[derive(Pytree, Clone)]
struct Params {
    weight: Array,
    bias: Array,
}

fn loss(params: &Params, xs: &Array, ys: &Array) -> Array {
    let pred = &params.weight * xs + &params.bias;
    (pred - ys).square().mean()
}

fn main() {
    // A counter with hidden state.
    let n = AtomicI32::new(0);
    let count = || Array::from(n.fetch_add(1, Ordering::Relaxed) + 1);
    for _ in 0..3 {
        println!("{}", count());
    }
    n.store(0, Ordering::Relaxed);
    // Under jit the state stands still: the function is traced once.
    let fast_count = jit(count);
    for _ in 0..3 {
        println!("{}", fast_count());
    }
    // Explicit state.
    let fast_count = jit(|n: Array| (&n + 1, n + 1));
    let mut state = Array::from(0);
    for _ in 0..3 {
        let (value, next) = fast_count(state);
        state = next;
        println!("{value}");
    }

    // Linear regression. The parameters are taken by value: their buffers are reused.
    let xs = jnp::arange(8.0).reshape([8, 1]) / 8;
    let ys = &xs * 3 - 1;
    let update = jit(|params: Params, xs: &Array, ys: &Array| {
        let g = grad(loss)(&params, xs, ys);
        tree::map2(&params, &g, |param, g| param - 0.5 * g)
    });
    let zero = || Params { weight: Array::from(0.0f32), bias: Array::from(0.0f32) };
    let params = (0..1000).fold(zero(), |params, _| update(params, &xs, &ys));
    println!("weight {:.3}, bias {:.3}", params.weight.item::<f32>(), params.bias.item::<f32>());

    // With the optimiser's state beside the parameters.
    let momentum_step = jit(|params: Params, velocity: Params, xs: &Array, ys: &Array| {
        let (value, g) = value_and_grad(loss)(&params, xs, ys);
        let velocity = tree::map2(&velocity, &g, |v, g| 0.9 * v + g);
        (tree::map2(&params, &velocity, |p, v| p - 0.1 * v), velocity, value)
    });
    let (mut params, mut velocity) = (zero(), zero());
    for step in 0..300 {
        let value;
        (params, velocity, value) = momentum_step(params, velocity, &xs, &ys);
        if step % 100 == 0 {
            println!("step {step}: loss {:.3}", value.item::<f32>());
        }
    }
    println!("weight {:.3}, bias {:.3}", params.weight.item::<f32>(), params.bias.item::<f32>());
}
