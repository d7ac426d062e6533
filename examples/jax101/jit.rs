//! `jit`: traced once for each kind of arguments; values decide only where they are static.

use std::sync::Mutex;

use jacinth::Error;
use jacinth::prelude::*;

fn selu(x: &Array) -> Array {
    let (alpha, lmbda) = (1.67, 1.05);
    lmbda * jnp::where_(x.gt(0), x, alpha * jnp::exp(x) - alpha)
}

fn norm(x: &Array) -> Array {
    let x = x - x.mean_axis(0);
    &x / x.std_axis(0)
}

fn get_negatives(x: &Array) -> Array {
    x.get(x.lt(0))
}

fn decides(x: &Array) -> Array {
    if x.gt(0).item() { x.clone() } else { 2 * x }
}

fn g(x: &Array, n: &Array) -> Array {
    let mut i = 0;
    while i < n.item::<i32>() {
        i += 1;
    }
    x + i
}

fn nansum(x: &Array) -> Array {
    let mask = !jnp::isnan(x);
    x.get(mask).sum()
}

fn nansum_2(x: &Array) -> Array {
    let mask = !jnp::isnan(x);
    jnp::where_(mask, x, 0).sum()
}

/// Says that a function cannot be traced; whatever else went wrong is a panic.
fn refused(name: &str, result: Result<Array, Error>) {
    match result {
        Err(Error::Concretization(_)) => {
            println!("{name} cannot be traced: something depends on a value");
        }
        other => panic!("{name}: {other:?}"),
    }
}

/// As Python prints a truth value.
fn python(x: Array) -> &'static str {
    if x.item() { "True" } else { "False" }
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

    // A compiled function gives what the function gives.
    let x = random::uniform(random::key(1701), (100, 10));
    println!("{}", python(jnp::allclose_with(norm(&x), jit(norm)(&x), 1e-5, 1e-6)));

    // Not all code can be compiled: shapes and branches must not depend on values.
    let x = jnp::array([1.0, -2.0, 3.0, -4.0]);
    println!("{}", get_negatives(&x));
    let with_nan = jnp::array([1.0, 2.0, f64::NAN, 3.0, 4.0]);
    let ten = jnp::array(10);
    refused("get_negatives", jit(get_negatives).try_call((&x,)));
    refused("decides", jit(decides).try_call((&ten,)));
    refused("g", jit(g).try_call((&ten, &20.into())));
    refused("nansum", jit(nansum).try_call((&with_nan,)));
    let flattened = |x: &Array| x.reshape(jnp::array(x.shape()).prod().item::<i32>());
    refused("flattened", jit(flattened).try_call((&jnp::ones((2, 3)),)));
    println!("{} {}", nansum(&with_nan), jit(nansum_2)(&with_nan));

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

    // Shapes are host values, known while tracing: what is computed of them by the host is static.
    println!("{}", jit(|x: &Array| x.reshape(x.shape().iter().product::<usize>()))(&jnp::ones([2, 3])));
}
