//! The workloads that the benchmarks and `cargo xtask compare` share; the rival's side of each is in `compare.py`.

use std::collections::BTreeMap;

use jacinth::prelude::*;

pub mod transforms;

/// 600 equations, three a turn.
pub fn chain(x: &Array) -> Array {
    (0..200).fold(x.clone(), |x, _| {
        let x = x * 1.5f32;
        let x = x + 2.0f32;
        &x * &x
    })
}

/// A tree of 100 leaves `f32[3]`.
pub fn tree_of_100() -> BTreeMap<String, Array> {
    (0..100).map(|i| (format!("k{i:03}"), jnp::full([3], i as f32))).collect()
}

/// The tree with 1 added to its first leaf.
pub fn map_of_tree(tree: &BTreeMap<String, Array>) -> BTreeMap<String, Array> {
    let mut tree = tree.clone();
    if let Some(first) = tree.get_mut("k000") {
        *first = &*first + 1.0f32;
    }
    tree
}

/// Weights and biases of an MLP 64-128-64-10.
pub type Mlp = Vec<(Array, Array)>;

/// Parameters with fixed pseudo-random weights, and zero momentum.
pub fn mlp() -> (Mlp, Mlp) {
    let mut seed = 1u32;
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    let sizes = [64usize, 128, 64, 10];
    let params: Mlp = sizes
        .windows(2)
        .map(|n| {
            let weights: Vec<f32> =
                (0..n[0] * n[1]).map(|_| next() * (12.0 * 2.0 / n[0] as f32).sqrt()).collect();
            (Array::from_slice(&weights, [n[0], n[1]]), jnp::zeros([n[1]]))
        })
        .collect();
    let momentum = tree::map(&params, |p| jnp::zeros_like(p));
    (params, momentum)
}

/// The first 128 digits of a CSV file of 64 pixels and a label a line.
pub fn digits(csv: &str) -> (Array, Array) {
    let rows: Vec<Vec<f32>> =
        csv.lines().take(128).map(|l| l.split(',').map(|v| v.parse().expect("a number")).collect()).collect();
    let pixels: Vec<f32> = rows.iter().flat_map(|r| r[..64].iter().map(|p| p / 16.0)).collect();
    let labels: Vec<i32> = rows.iter().map(|r| r[64] as i32).collect();
    (Array::from_slice(&pixels, [rows.len(), 64]), Array::from_slice(&labels, [rows.len()]))
}

fn loss(params: &Mlp, x: &Array, y: &Array) -> Array {
    let mut x = x.clone();
    for (i, (w, b)) in params.iter().enumerate() {
        x = x.dot(w) + b;
        if i + 1 < params.len() {
            x = nn::relu(&x);
        }
    }
    -jnp::sum(nn::log_softmax(&x, -1) * nn::one_hot(y, 10), -1).mean()
}

/// One step of gradient descent with momentum.
pub fn step(params: Mlp, momentum: Mlp, x: &Array, y: &Array) -> (Mlp, Mlp, Array) {
    let (value, gradient) = value_and_grad(loss)(&params, x, y);
    let momentum = tree::map2(&momentum, &gradient, |m, g| 0.9f32 * m + g);
    let params = tree::map2(&params, &momentum, |p, m| p - 0.1f32 * m);
    (params, momentum, value)
}
