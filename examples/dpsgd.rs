//! Differentially private gradient descent: JAX's example of that name (Abadi et al., 2016), on handwritten digits.
//!
//! ```sh
//! cargo run --release --example dpsgd
//! ```
//!
//! No example may move the parameters by more than a bound: `vmap(grad)` gives a gradient for each example, each is clipped by its global
//! norm, and noise that hides any single one is added to their sum. What an observer can learn of one example is bounded by
//! (ε, δ)-differential privacy, which an accountant of Rényi divergences sums up. `examples/reference.py` is the same in Python.

#[path = "data/digits.rs"]
mod data;

use std::error::Error;

use data::Digits;
use indicatif::{ProgressBar, ProgressStyle};
use jacinth::prelude::*;

const STEP_SIZE: f32 = 2.0;
const NOISE_MULTIPLIER: f32 = 1.1;
const L2_NORM_CLIP: f32 = 1.0;
const BATCH_SIZE: usize = 128;
const NUM_EPOCHS: usize = 5;
const NUM_TRAIN: usize = 1437;
const DELTA: f64 = 1e-5;

/// A small convolutional network.
#[derive(Pytree, Clone)]
struct ConvNet {
    kernel: Array,
    kernel_bias: Array,
    hidden: (Array, Array),
    output: (Array, Array),
}

impl ConvNet {
    fn new(key: random::Key) -> ConvNet {
        let [k1, k2, k3] = random::split(key);
        let glorot = nn::initializers::glorot_normal();
        ConvNet {
            kernel: glorot.init(k1, (3, 3, 1, 8)),
            kernel_bias: jnp::zeros(8),
            hidden: (glorot.init(k2, (128, 32)), jnp::zeros(32)),
            output: (glorot.init(k3, (32, Digits::CLASSES)), jnp::zeros(Digits::CLASSES)),
        }
    }

    /// The scores of the digits: `f32[n, 64] → f32[n, 10]`.
    fn predict(&self, images: &Array) -> Array {
        let x = images.reshape((-1, Digits::SIDE as i64, Digits::SIDE as i64, 1));
        let channels_last = lax::ConvOptions {
            dimension_numbers: Some(("NHWC", "HWIO", "NHWC").into()),
            ..Default::default()
        };
        let x = lax::conv_general_dilated(&x, &self.kernel, &[1, 1], "SAME", channels_last);
        let x = nn::relu(x + &self.kernel_bias);
        let (pool, lowest) = ([1, 2, 2, 1], Array::from(f32::NEG_INFINITY));
        let x = lax::reduce_window(&x, &lowest, lax::max, &pool, &pool, "VALID", None, None);
        let x = x.reshape((images.shape()[0], 128));
        let x = nn::relu(x.dot(&self.hidden.0) + &self.hidden.1);
        x.dot(&self.output.0) + &self.output.1
    }
}

/// The mean cross entropy.
fn loss(params: &ConvNet, images: &Array, labels: &Array) -> Array {
    let log_p = nn::log_softmax(params.predict(images), -1);
    -(log_p * nn::one_hot(labels, Digits::CLASSES)).sum_axis(1).mean()
}

/// The gradient of one example, made shorter where it is longer than the bound.
fn clipped_grad(params: &ConvNet, image: &Array, label: &Array) -> ConvNet {
    let grads = grad(loss)(params, &image.get((NewAxis, ..)), &label.get(NewAxis));
    let squares = tree::reduce(&grads, Array::from(0.0), |sum, g| sum + g.square().sum());
    let divisor = jnp::maximum(jnp::sqrt(squares) / L2_NORM_CLIP, 1.0);
    tree::map(&grads, |g| g / &divisor)
}

/// The mean of the clipped gradients with noise that hides each of them.
fn private_grad(params: &ConvNet, images: &Array, labels: &Array, key: random::Key) -> ConvNet {
    let clipped = vmap(clipped_grad).in_axes((None, 0, 0))(params, images, labels);
    let (leaves, structure) = tree::flatten(&clipped);
    let keys = random::split_n(key, leaves.len());
    let noised = leaves.iter().zip(keys.iter()).map(|(g, key)| {
        let sum = g.sum_axis(0);
        let noise = L2_NORM_CLIP * NOISE_MULTIPLIER * random::normal(key, sum.shape());
        (sum + noise) / BATCH_SIZE
    });
    tree::unflatten(&structure, noised)
}

fn private_update(params: ConvNet, images: &Array, labels: &Array, key: random::Key) -> ConvNet {
    let grads = private_grad(&params, images, labels, key);
    tree::map2(&params, &grads, |p, g| p - STEP_SIZE * g)
}

fn accuracy(params: &ConvNet, images: &Array, labels: &Array) -> Array {
    jnp::argmax(params.predict(images), 1).equal(labels).mean()
}

/// ε after so many steps of the sampled Gaussian mechanism, by its Rényi divergences of whole orders (Mironov et al., 2019).
fn epsilon(steps: usize, sampling_rate: f64, noise_multiplier: f64) -> f64 {
    let ln_choose = |n: i32, k: i32| (1..=k).map(|i| (f64::from(n - k + i) / f64::from(i)).ln()).sum::<f64>();
    let divergence = |order: i32| {
        let sum: f64 = (0..=order)
            .map(|k| {
                let probability = ln_choose(order, k)
                    + f64::from(order - k) * (1.0 - sampling_rate).ln()
                    + f64::from(k) * sampling_rate.ln();
                (probability + f64::from(k * k - k) / (2.0 * noise_multiplier.powi(2))).exp()
            })
            .sum();
        sum.ln() / f64::from(order - 1)
    };
    let bound = |order: i32| steps as f64 * divergence(order) - DELTA.ln() / f64::from(order - 1);
    (2..=32).map(bound).fold(f64::INFINITY, f64::min)
}

fn main() -> Result<(), Box<dyn Error>> {
    let digits = Digits::read()?;
    let [split_key, params_key, mut key] = random::split(random::key(0));
    let order: Vec<i32> = random::permutation(split_key, digits.len()).to_vec();
    let order: Vec<usize> = order.into_iter().map(|i| i as usize).collect();
    let (train, test) = order.split_at(NUM_TRAIN);
    let (test_images, test_labels) = digits.batch(test);

    let mut params = ConvNet::new(params_key);
    let (update, loss, accuracy) = (jit(private_update), jit(loss), jit(accuracy));
    let num_batches = NUM_TRAIN / BATCH_SIZE;
    let bar = ProgressBar::new((NUM_EPOCHS * num_batches) as u64);
    bar.set_style(ProgressStyle::with_template("{bar:40} step {pos}/{len} {elapsed}")?);
    for epoch in 1..=NUM_EPOCHS {
        let [next, shuffle_key, noise_key] = random::split(key);
        key = next;
        let order: Vec<i32> = random::permutation(shuffle_key, NUM_TRAIN).to_vec();
        let order: Vec<usize> = order.into_iter().map(|i| train[i as usize]).collect();
        let noise_keys = random::split_n(noise_key, num_batches);
        for (batch, noise_key) in order.chunks_exact(BATCH_SIZE).zip(noise_keys.iter()) {
            let (images, labels) = digits.batch(batch);
            params = update(params, &images, &labels, noise_key);
            bar.inc(1);
        }
        let value = loss(&params, &test_images, &test_labels).item::<f32>();
        let share = accuracy(&params, &test_images, &test_labels).item::<f32>();
        let rate = BATCH_SIZE as f64 / NUM_TRAIN as f64;
        let epsilon = epsilon(epoch * num_batches, rate, f64::from(NOISE_MULTIPLIER));
        bar.suspend(|| {
            println!("epoch {epoch}: test loss {value:.4}, test accuracy {share:.4}, ε {epsilon:.3} for δ {DELTA:.0e}");
        });
    }
    bar.finish_and_clear();
    Ok(())
}
