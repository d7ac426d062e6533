//! `make_jaxpr`: what a function is for the transformations.

use std::sync::Mutex;

use jacinth::prelude::*;

fn main() -> jacinth::Result<()> {
    let scalar = jnp::asarray(1.0);
    // What the function does beside is no part of its jaxpr.
    let global_list = Mutex::new(Vec::new());
    let log2 = |x: &Array| {
        global_list.lock().unwrap().push(x.clone());
        jnp::log(x) / jnp::log(2.0)
    };
    println!("{}", make_jaxpr(log2)(&jnp::asarray(3.0))?);
    println!("{}", global_list.lock().unwrap().len());
    let log2_if_rank_2 = |x: &Array| if x.ndim() == 2 { jnp::log(x) / jnp::log(2.0) } else { x.clone() };
    println!("{}", make_jaxpr(log2_if_rank_2)(&Array::from([1, 2, 3]))?);
    println!("{}", make_jaxpr(grad(|x: &Array| jnp::sin(x) * x))(&scalar)?);
    let rows = vmap(|a: &Array, b: &Array| jnp::dot(a, b));
    println!("{}", make_jaxpr(rows)(&jnp::ones([3, 2]), &jnp::ones([3, 2]))?);
    println!("{}", make_jaxpr(|x: &Array| fori_loop(0, 3, |_, c: Array| c * 2, x.clone()))(&scalar)?);
    Ok(())
}
