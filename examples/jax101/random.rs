//! Random numbers: explicit keys, splitting, and the same numbers in every order.

use jacinth::prelude::*;

fn main() {
    let key = random::key(42);
    println!("{key}");
    // The same key gives the same numbers; that a key is used twice has to be said.
    println!("{}", random::normal(random::clone(&key), ()));
    println!("{}", random::normal(random::clone(&key), ()));

    // A key for each draw.
    let mut current = random::clone(&key);
    for i in 0..3 {
        let [next, subkey] = random::split(current);
        current = next;
        println!("draw {i}: {}", random::normal(subkey, ()));
    }

    // One by one, and all at once: other numbers.
    let subkeys = random::split_n(random::clone(&key), 3);
    let sequence: Vec<Array> = subkeys.iter().map(|subkey| random::normal(subkey, ())).collect();
    println!("individually: {}", jnp::stack(&sequence, 0));
    println!("mapped: {}", vmap(|key: random::Key| random::normal(key, ()))(subkeys));
    println!("all at once: {}", random::normal(random::clone(&key), 3));
    println!("{}", random::key_data(&random::fold_in(&key, 7)));

    // Under jit, a loop with a key of its own for each step.
    let walk = jit(|key: random::Key| {
        fori_loop(
            0,
            5,
            move |i, at: Array| at + random::normal(random::fold_in(&key, i), ()),
            Array::from(0.0f32),
        )
    });
    println!("{:.5}", walk(random::clone(&key)).item::<f32>());

    let [k1, k2, k3, k4, k5] = random::split(key);
    println!("{}", random::uniform(k1, [2, 3]));
    println!("{}", random::randint(k2, 6, 0, 10));
    println!("{}", random::permutation(k3, 8));
    println!("{}", random::bernoulli(k4, 0.5, 6));
    println!("{}", random::choice(k5, jnp::arange(5), 4));
}
