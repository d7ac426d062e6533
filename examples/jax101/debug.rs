//! Looking into traced code: `debug::print!` and callbacks, when the program runs; and where a NaN was made.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};

use jacinth::config;
use jacinth::debug::VmapMethod;
use jacinth::ir::Aval;
use jacinth::{io_callback, prelude::*, pure_callback};

const SCALAR: [usize; 0] = [];

fn square(x: &Array) -> Array {
    debug::print!("x: {}", x);
    x.square()
}

/// The sine, computed by a function of the host.
fn host_sin(x: &Array) -> Array {
    let sine = |x: &[Array]| vec![Array::from_slice(&[x[0].item::<f32>().sin()], SCALAR)];
    pure_callback(sine, &[Aval::new(SCALAR, DType::F32)], &[x], None).remove(0)
}

fn main() {
    let f = jit(|x: &Array| {
        debug::print!("🤯 {x} 🤯", x = x);
        let y = jnp::sin(x);
        debug::print!("🤯 {y} 🤯", y = y);
        y
    });
    f(&2.0.into());

    // Under transformations: for every element, with the values of the way forward.
    vmap(square)(&jnp::arange(3.0));
    lax::map(|x: Array| square(&x), &jnp::arange(3.0));
    grad(square)(&1.0.into());

    // The way back: the gradient of a value.
    let print_grad = custom_vjp(|x: &Array| x.clone()).defvjp(
        |(x,): (Array,)| (x, ()),
        |(), x_grad: Array| {
            debug::print!("x_grad: {}", x_grad);
            (x_grad,)
        },
    );
    grad(|x: &Array| print_grad(x) * 2.0)(&1.0.into());

    // In the order of the program.
    let ordered = jit(|x: &Array, y: &Array| {
        debug::print!(ordered: "x: {}", x);
        debug::print!(ordered: "y: {}", y);
        x + y
    });
    ordered(&1.into(), &2.into());

    // In the branch that is taken.
    let branches = jit(|x: &Array| {
        let positive = |x: Array| debug::print!("positive: {}", x);
        let not_positive = |x: Array| debug::print!("not positive: {}", x);
        cond(x.gt(0), positive, not_positive, x.clone());
    });
    branches(&1.0.into());
    branches(&(-1.0).into());

    // A function of the host that only looks.
    let logged = Arc::new(Mutex::new(Vec::new()));
    let log = jit({
        let logged = logged.clone();
        move |x: &Array| {
            let logged = logged.clone();
            debug::callback(move |x: &[Array]| logged.lock().unwrap().push(x[0].item::<f32>()), &[x]);
            x.clone()
        }
    });
    log(&1.0.into());
    log(&2.5.into());
    println!("{:?}", logged.lock().unwrap());

    // A pure function of the host, mapped in three ways.
    for method in [VmapMethod::Sequential, VmapMethod::ExpandDims, VmapMethod::BroadcastAll] {
        let add = move |x: &Array, y: &Array| {
            let callback = |args: &[Array]| {
                println!("{} {}", shape(&args[0]), shape(&args[1]));
                vec![&args[0] + &args[1]]
            };
            pure_callback(callback, &[Aval::new(SCALAR, DType::F32)], &[x, y], Some(method)).remove(0)
        };
        println!("{}", vmap(add).in_axes((0, None))(&jnp::arange(4.0), &1.0.into()));
    }

    // One with a derivative.
    let sine = custom_jvp(host_sin).defjvp(|(x,), (t,)| (host_sin(&x), jnp::cos(x) * t));
    println!("{} {}", jit(&sine)(&2.0.into()), jit(grad(&sine))(&2.0.into()));

    // A function of the host that does something.
    let count = Arc::new(AtomicI32::new(0));
    let next_number = move || {
        let count = count.clone();
        let next =
            move |_: &[Array]| vec![Array::from_slice(&[count.fetch_add(1, Ordering::Relaxed) + 1], SCALAR)];
        io_callback(next, &[Aval::new(SCALAR, DType::I32)], &[], true).remove(0)
    };
    let numbers = jit(move || [next_number(), next_number(), next_number()]);
    let read = |numbers: [Array; 3]| numbers.map(|n| n.item::<i32>());
    println!("{:?} {:?}", read(numbers()), read(numbers()));

    // Where a NaN was made.
    config::update("jax_debug_nans", true);
    let zero = jnp::array(0.0);
    let errors = [
        jit(|x: &Array| x / 0.0).try_call((&zero,)).unwrap_err(),
        jit(|x: &Array| jnp::log(x - 1.0) + 1.0).try_call((&zero,)).unwrap_err(),
    ];
    for error in errors {
        let text = error.to_string();
        println!("{}", text.split(" at ").next().unwrap_or_default());
    }
}

/// As Python writes it: `(4,)`.
fn shape(x: &Array) -> String {
    match x.shape() {
        [n] => format!("({n},)"),
        sizes => format!("({})", sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}
