//! Structured control flow, decided when the program runs: `cond`, `switch`, `while_loop`, `fori_loop`, `scan`.

use jacinth::prelude::*;

fn collatz(n: &Array) -> Array {
    let body = |(n, count): (Array, Array)| {
        let odd = jnp::remainder(&n, 2).equal(1);
        (cond(&odd, |n: Array| 3 * n + 1, |n: Array| jnp::floor_divide(n, 2), n), count + 1)
    };
    while_loop(|(n, _): (Array, Array)| n.gt(1), body, (n.clone(), Array::from(0))).1
}

fn newton(x: &Array) -> Array {
    fori_loop(0, 5, |_, y: Array| 0.5 * (&y + x / &y), x.clone())
}

fn main() -> jacinth::Result<()> {
    let operand = Array::from([0.0f32]);
    // What they mean, in Rust: `if`, `while` and `for`, of values that are known.
    let (up, down) = (|x: Array| x + 1, |x: Array| x - 1);
    let meant = |pred: bool| if pred { up(operand.clone()) } else { down(operand.clone()) };
    println!("{} {}", meant(true), meant(false));
    let mut x = Array::from(0.0f32);
    while x.lt(10).item() {
        x = up(x);
    }
    println!("{x} {}", (0..10).fold(Array::from(0), |x, i| x + i));
    // Decided when the program runs.
    for pred in [true, false] {
        println!("{}", cond(pred, up, down, operand.clone()));
    }
    println!("{}", while_loop(|x: Array| x.lt(10), |x: Array| x + 1, Array::from(0.0f32)));
    println!("{}", fori_loop(0, 10, |i, x: Array| x + i, Array::from(0)));
    let branches: [&dyn Fn(Array) -> Array; 3] = [&|x| x, &|x| x * 10, &|x| x * 100];
    println!("{}", switch(Array::from(2), &branches, Array::from(3)));
    let conditions = [Array::from(false), Array::from(true)];
    println!("{}", jnp::select(&conditions, &[Array::from(1), Array::from(2)], 3));

    // A scan: the carry and what each step gives.
    let step = |c: Array, x: Array| (&c + &x, c + x);
    let (total, sums) = scan(step, Array::from(0.0f32), &(jnp::arange(5.0) + 1));
    println!("{total} {sums}");

    // Under jit, vmap and grad.
    println!("{}", jit(vmap(collatz))(&(jnp::arange(10) + 1)));
    let two = Array::from(2.0f32);
    println!("{} {}", newton(&two), grad(newton)(&two));
    let absolute = |x: &Array| cond(x.gt(0), |x: Array| x, |x: Array| -x, x.clone());
    println!("{}", make_jaxpr(absolute)(&jnp::asarray(1.0))?);
    Ok(())
}
