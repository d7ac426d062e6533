//! Training a simple neural network, with data loading: JAX's tutorial of that name, with handwritten digits for MNIST.
//!
//! ```sh
//! cargo run --release --example neural_network
//! ```
//!
//! The network is written for one image; `vmap` makes it one of batches, `grad` gives its gradient, `jit` compiles the update. Batches are
//! made on the host by a thread that is always two ahead. `examples/reference.py` is the same program in Python: its numbers are these.

#[path = "data/digits.rs"]
mod data;

use std::error::Error;
use std::sync::Arc;
use std::sync::mpsc::{IntoIter, sync_channel};
use std::thread;

use data::Digits;
use indicatif::{ProgressBar, ProgressStyle};
use jacinth::prelude::*;
use jacinth::scipy::special::logsumexp;

const LAYER_SIZES: [usize; 4] = [Digits::PIXELS, 128, 64, Digits::CLASSES];
const STEP_SIZE: f32 = 0.25;
const NUM_EPOCHS: usize = 10;
const BATCH_SIZE: usize = 64;
const NUM_TRAIN: usize = 1437;

/// A weight matrix and a bias for each layer.
type Params = Vec<(Array, Array)>;

/// The parameters of a layer of `m` inputs and `n` outputs.
fn random_layer_params(m: usize, n: usize, key: random::Key, scale: f32) -> (Array, Array) {
    let [w_key, b_key] = random::split(key);
    (scale * random::normal(w_key, (n, m)), scale * random::normal(b_key, (n,)))
}

/// The parameters of all layers.
fn init_network_params(sizes: &[usize], key: random::Key) -> Params {
    let keys = random::split_n(key, sizes.len());
    sizes.windows(2).zip(keys.iter()).map(|(s, key)| random_layer_params(s[0], s[1], key, 0.1)).collect()
}

/// The log probability of each class for one image: `f32[64] → f32[10]`.
fn predict(params: &Params, image: &Array) -> Array {
    let ((final_w, final_b), hidden) = params.split_last().expect("a network has layers");
    let activations = hidden.iter().fold(image.clone(), |x, (w, b)| nn::relu(jnp::dot(w, x) + b));
    let logits = jnp::dot(final_w, activations) + final_b;
    &logits - logsumexp(&logits, ())
}

/// The same for a batch: `f32[n, 64] → f32[n, 10]`.
fn batched_predict(params: &Params, images: &Array) -> Array {
    vmap(predict).in_axes((None, 0))(params, images)
}

/// The share of images that are read rightly.
fn accuracy(params: &Params, images: &Array, labels: &Array) -> Array {
    let predicted = jnp::argmax(batched_predict(params, images), 1);
    predicted.equal(labels).mean()
}

/// The mean cross entropy.
fn loss(params: &Params, images: &Array, labels: &Array) -> Array {
    let targets = nn::one_hot(labels, Digits::CLASSES);
    -(batched_predict(params, images) * targets).sum_axis(1).mean()
}

/// One step of gradient descent; the parameters are taken by value, so their buffers are reused.
fn update(params: Params, images: &Array, labels: &Array) -> (Params, Array) {
    let (value, grads) = value_and_grad(loss)(&params, images, labels);
    (tree::map2(&params, &grads, |p, g| p - STEP_SIZE * g), value)
}

/// Batches of the images at these places, in a random order; what does not fill a batch is left out.
fn loader(digits: &Arc<Digits>, places: &[usize], key: random::Key) -> IntoIter<(Array, Array)> {
    let order: Vec<i32> = random::permutation(key, places.len()).to_vec();
    let order: Vec<usize> = order.into_iter().map(|i| places[i as usize]).collect();
    let (sender, batches) = sync_channel(2);
    let digits = digits.clone();
    thread::spawn(move || {
        order.chunks_exact(BATCH_SIZE).try_for_each(|batch| sender.send(digits.batch(batch)))
    });
    batches.into_iter()
}

fn main() -> Result<(), Box<dyn Error>> {
    let digits = Arc::new(Digits::read()?);
    let [split_key, params_key, mut key] = random::split(random::key(0));
    let order: Vec<i32> = random::permutation(split_key, digits.len()).to_vec();
    let order: Vec<usize> = order.into_iter().map(|i| i as usize).collect();
    let (train, test) = order.split_at(NUM_TRAIN);
    let (train_images, train_labels) = digits.batch(train);
    let (test_images, test_labels) = digits.batch(test);

    let mut params = init_network_params(&LAYER_SIZES, params_key);
    let (update, accuracy) = (jit(update), jit(accuracy));
    let bar = ProgressBar::new(NUM_EPOCHS as u64);
    bar.set_style(ProgressStyle::with_template("{bar:40} epoch {pos}/{len} {elapsed}")?);
    for epoch in 0..NUM_EPOCHS {
        let [next, shuffle_key] = random::split(key);
        key = next;
        let mut losses = Vec::new();
        for (images, labels) in loader(&digits, train, shuffle_key) {
            let value;
            (params, value) = update(params, &images, &labels);
            losses.push(value);
        }
        let mean = jnp::stack(&losses, 0).mean().item::<f32>();
        let of_train = accuracy(&params, &train_images, &train_labels).item::<f32>();
        let of_test = accuracy(&params, &test_images, &test_labels).item::<f32>();
        bar.suspend(|| {
            println!(
                "epoch {epoch}: loss {mean:.4}, accuracy in training {of_train:.4}, in the test {of_test:.4}"
            );
        });
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}
