//! The walk, stage by stage: trace, transform, lower, print, compile, dispatch, run.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use jacinth::prelude::*;
use jacinth_benches::transforms::{
    gpt2_tokens, lower_chain_10000, lower_gpt2_forward, lower_gpt2_gradient, lower_mapped_gradient,
    trace_gpt2_gradient,
};
use jacinth_benches::{chain, digits, map_of_tree, mlp, step, tree_of_100};

/// 600 equations, and what the transformations make of them.
fn trace_and_transform(c: &mut Criterion) {
    let (x, xs) = (jnp::ones([8]), jnp::ones([4, 8]));
    c.bench_function("trace 600 equations", |b| b.iter(|| black_box(make_jaxpr(chain)(&x))));
    c.bench_function("jvp of 600 equations", |b| {
        let f = |x: &Array, t: &Array| jvp(chain, (x.clone(),), (t.clone(),));
        b.iter(|| black_box(make_jaxpr(f)(&x, &x)))
    });
    c.bench_function("vmap of 600 equations", |b| b.iter(|| black_box(make_jaxpr(vmap(chain))(&xs))));
    c.bench_function("grad of 600 equations", |b| {
        b.iter(|| black_box(make_jaxpr(grad(|x: &Array| chain(x).sum()))(&x)))
    });
    let (x, w) = (jnp::ones([8, 8, 16]), jnp::ones([16, 16]));
    c.bench_function("vmap(vmap(grad)), lowered", |b| b.iter(|| lower_mapped_gradient(&x, &w)));
    let tokens = gpt2_tokens();
    c.bench_function("trace GPT-2 small's gradient", |b| b.iter(|| trace_gpt2_gradient(&tokens)));
}

/// From what was traced to a module, its text, and a program.
fn lower_and_compile(c: &mut Criterion) {
    let x = jnp::ones([8]);
    let traced = jit(chain).trace((&x,)).expect("the chain is traced");
    c.bench_function("lower 600 equations", |b| b.iter(|| black_box(traced.lower())));
    c.bench_function("trace and lower 10,000 operations", |b| b.iter(|| lower_chain_10000(&x)));
    let tokens = gpt2_tokens();
    c.bench_function("trace and lower GPT-2 small", |b| b.iter(|| lower_gpt2_forward(&tokens)));
    c.bench_function("trace and lower GPT-2 small's gradient", |b| b.iter(|| lower_gpt2_gradient(&tokens)));

    let (x, y) = digits(include_str!("../examples/data/digits.csv"));
    let (params, momentum) = mlp();
    let lower = || jit(step).lower((params.clone(), momentum.clone(), &x, &y)).expect("the step lowers");
    c.bench_function("trace and lower the digits step", |b| b.iter(lower));
    let lowered = lower();
    c.bench_function("print the digits step", |b| b.iter(|| black_box(lowered.module().to_text())));
    c.bench_function("compile the digits step", |b| {
        b.iter_batched(jacinth::clear_caches, |()| black_box(lowered.compile()), BatchSize::PerIteration)
    });
}

/// Calls of what is compiled.
fn dispatch_and_run(c: &mut Criterion) {
    let add = jit(|x: &Array| x + 1.0f32);
    let x = Array::from_slice(&[1.0f32], ());
    c.bench_function("call x + 1 on f32[]", |b| b.iter(|| black_box(add(&x))));

    let (mapped, tree) = (jit(map_of_tree), tree_of_100());
    c.bench_function("call over a tree of 100 leaves", |b| b.iter(|| black_box(mapped(&tree))));

    let (x, y) = digits(include_str!("../examples/data/digits.csv"));
    let (params, momentum) = mlp();
    let step = jit(step);
    let mut state = Some((params, momentum));
    c.bench_function("run the digits step", |b| {
        b.iter(|| {
            let (params, momentum) = state.take().expect("left by the last run");
            let (params, momentum, value) = step(params, momentum, &x, &y);
            value.block_until_ready();
            state = Some((params, momentum));
        })
    });
}

criterion_group!(benches, trace_and_transform, lower_and_compile, dispatch_and_run);
criterion_main!(benches);
