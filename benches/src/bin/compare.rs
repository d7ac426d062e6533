//! Our side of `cargo xtask compare`: one JSON line per case, as `benches/compare.py` writes them.

use std::error::Error;
use std::time::Instant;

use jacinth::prelude::*;
use jacinth_benches::transforms::{
    gpt2_tokens, lower_chain_10000, lower_gpt2_forward, lower_gpt2_gradient, lower_mapped_gradient,
    trace_gpt2_gradient,
};
use jacinth_benches::{chain, digits, map_of_tree, mlp, step, tree_of_100};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["first"] => {
            let x = jit(|x: &Array| x + 1.0f32)(&jnp::full((), 1.0f32));
            assert_eq!(x.item::<f32>(), 2.0);
            Ok(())
        }
        ["cases", csv] => cases(csv),
        ["transforms"] => {
            transforms();
            Ok(())
        }
        _ => Err("usage: compare first | compare cases DIGITS.csv | compare transforms".into()),
    }
}

fn cases(csv: &str) -> Result<(), Box<dyn Error>> {
    let add = jit(|x: &Array| x + 1.0f32);
    let x = Array::from_slice(&[1.0f32], ());
    add(&x).block_until_ready();
    report("call", samples(30, 2000, || drop(add(&x))));

    let mapped = jit(map_of_tree);
    let tree = tree_of_100();
    let run = || {
        mapped(&tree).values().for_each(|leaf| {
            leaf.block_until_ready();
        });
    };
    run();
    report("tree", samples(30, 50, run));

    let v = jnp::ones([8]);
    report("lower", samples(15, 1, || drop(jit(chain).lower((&v,)).expect("the chain lowers").as_text())));

    let (x, y) = digits(&std::fs::read_to_string(csv)?);
    let (params, momentum) = mlp();
    let (mut lowers, mut compiles) = (Vec::new(), Vec::new());
    for i in 0..10 {
        // A program that the process has not compiled yet: one more unit in a name that does not matter to its work.
        let salt = 1.0f32 + i as f32 * 1e-7;
        let salted = jit(move |p: Vec<(Array, Array)>, m: Vec<(Array, Array)>, x: &Array, y: &Array| {
            let (p, m, value) = step(p, m, x, y);
            (p, m, value * salt)
        });
        let args = (params.clone(), momentum.clone(), &x, &y);
        jacinth::clear_caches();
        let start = Instant::now();
        let lowered = salted.lower(args)?;
        lowers.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        lowered.compile()?;
        compiles.push(start.elapsed().as_secs_f64());
    }
    report("mlp_lower", lowers);
    report("compile", compiles);

    let step = jit(step);
    let mut state = Some((params, momentum));
    let mut run = || {
        let (params, momentum) = state.take().expect("left by the last run");
        let (params, momentum, value) = step(params, momentum, &x, &y);
        value.block_until_ready();
        state = Some((params, momentum));
    };
    (0..20).for_each(|_| run());
    report("step", samples(30, 20, run));
    Ok(())
}

/// What is traced, transformed and lowered, and never run; with empty caches, as on the rival's side.
fn transforms() {
    let tokens = gpt2_tokens();
    cold("gpt2_trace", 15, || assert!(trace_gpt2_gradient(&tokens) > 1000));
    cold("gpt2_forward", 15, || assert!(lower_gpt2_forward(&tokens) > 0));
    cold("gpt2_gradient", 15, || assert!(lower_gpt2_gradient(&tokens) > 0));
    let (x, w) = (jnp::ones([8, 8, 16]), jnp::ones([16, 16]));
    cold("mapped_gradient", 30, || assert!(lower_mapped_gradient(&x, &w) > 0));
    let x = jnp::ones([8]);
    cold("chain_10000", 15, || assert!(lower_chain_10000(&x) > 0));
}

/// Reports a case; emptying the caches is not part of it.
fn cold(case: &str, count: usize, mut work: impl FnMut()) {
    let one = |_| {
        jacinth::clear_caches();
        samples(1, 1, &mut work)
    };
    report(case, (0..count).flat_map(one).collect());
}

/// `count` timings of `work`, each the mean of `inner` calls, in seconds.
fn samples(count: usize, inner: usize, mut work: impl FnMut()) -> Vec<f64> {
    let mut one = || {
        let start = Instant::now();
        (0..inner).for_each(|_| work());
        start.elapsed().as_secs_f64() / inner as f64
    };
    (0..count).map(|_| one()).collect()
}

fn report(case: &str, seconds: Vec<f64>) {
    println!("{{\"case\": \"{case}\", \"seconds\": {seconds:?}}}");
}
