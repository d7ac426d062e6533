//! The walk, stage by stage: trace, lower, compile, dispatch, run.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use jacinth::prelude::*;
use jacinth_benches::{chain, digits, map_of_tree, mlp, step, tree_of_100};

fn walk(c: &mut Criterion) {
    let v = jnp::ones([8]);
    c.bench_function("trace 600 equations", |b| b.iter(|| black_box(make_jaxpr(chain)(&v))));
    c.bench_function("trace and lower 600 equations", |b| {
        b.iter(|| black_box(jit(chain).lower((&v,)).expect("the chain lowers").as_text()))
    });

    let add = jit(|x: &Array| x + 1.0f32);
    let x = Array::from_slice(&[1.0f32], ());
    c.bench_function("call x + 1 on f32[]", |b| b.iter(|| black_box(add(&x))));

    let (mapped, tree) = (jit(map_of_tree), tree_of_100());
    c.bench_function("call over a tree of 100 leaves", |b| b.iter(|| black_box(mapped(&tree))));

    let (x, y) = digits(include_str!("../examples/data/digits.csv"));
    let (params, momentum) = mlp();
    let lowered = jit(step).lower((params.clone(), momentum.clone(), &x, &y)).expect("the step lowers");
    c.bench_function("print the digits step", |b| b.iter(|| black_box(lowered.module().to_text())));

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

criterion_group!(benches, walk);
criterion_main!(benches);
