//! `jit`: traced once for each kind of arguments; values decide only where they are static.

use std::sync::Mutex;

use jacinth::prelude::*;

fn selu(x: &Array) -> Array {
    let (alpha, lmbda) = (1.67, 1.05);
    lmbda * jnp::where_(x.gt(0), x, alpha * jnp::exp(x) - alpha)
}

fn main() {
    println!("{}", jit(selu)(&jnp::arange(5.0)));

    // Impure code runs once for each trace.
    let state = Mutex::new(Vec::new());
    let impure = jit(|x: &Array| {
        state.lock().unwrap().push(format!("({},)", x.shape()[0]));
        x * 2
    });
    impure(&jnp::ones(3));
    impure(&jnp::ones(3));
    impure(&jnp::ones(4));
    println!("[{}]", state.lock().unwrap().join(", "));

    // A value decides only where it is static: `Static` values are part of the function's key.
    let f = jit(|x: &Static<i32>| {
        let value = Array::from(x.0 as f32);
        if x.0 < 3 { 3.0 * value.square() } else { -4 * value }
    });
    println!("{}", f(&Static(2)));
    let g = jit(|x: &Array, neg: &Static<bool>| if neg.0 { -x } else { x.clone() });
    println!("{}", g(&Array::from(1), &Static(true)));

    // Part of a function.
    let loop_body = jit(|previous: &Array| previous + 1);
    let g_inner_jitted = |x: i32, n: i32| {
        let mut i = Array::from(0);
        while i.item::<i32>() < n {
            i = loop_body(&i);
        }
        x + i
    };
    println!("{}", g_inner_jitted(10, 20));

    // Shapes are host values, known while tracing.
    println!("{}", jit(|x: &Array| x.reshape(x.shape().iter().product::<usize>()))(&jnp::ones([2, 3])));
}
