//! Model-agnostic meta-learning: JAX's tutorial of MAML (Finn et al., 2017), sine waves from few points.
//!
//! ```sh
//! cargo run --release --example maml
//! ```
//!
//! Tasks are sine waves of random amplitude and phase. The meta-loss is the loss after one step of gradient descent on ten points of a wave, so
//! that its gradient is a gradient of a gradient; `vmap` takes it over a batch of tasks. In the end a wave that was never seen is learnt
//! from ten points by the meta-learnt parameters and by fresh ones. `examples/reference.py` is the same in Python: its numbers are these.

use std::error::Error;
use std::f32::consts::PI;

use indicatif::{ProgressBar, ProgressStyle};
use jacinth::prelude::*;

const LAYER_SIZES: [usize; 4] = [1, 40, 40, 1];
const INNER_STEP_SIZE: f32 = 0.1;
const STEP_SIZE: f32 = 1e-3;
const NUM_STEPS: usize = 400;
const NUM_TASKS: usize = 8;
const NUM_POINTS: usize = 10;

/// A weight matrix and a bias for each layer.
type Params = Vec<(Array, Array)>;

/// Points of one wave, or of a batch of waves: those to learn from and those to be measured by, `f32[…, points, 1]`.
#[derive(Pytree, Clone)]
struct Tasks {
    x1: Array,
    y1: Array,
    x2: Array,
    y2: Array,
}

fn init(key: random::Key) -> Params {
    let keys = random::split_n(key, LAYER_SIZES.len() - 1);
    let layer = |(size, key): (&[usize], random::Key)| {
        let [w_key, b_key] = random::split(key);
        let w = nn::initializers::glorot_normal().init(w_key, (size[0], size[1]));
        (w, 0.01 * random::normal(b_key, size[1]))
    };
    LAYER_SIZES.windows(2).zip(keys.iter()).map(layer).collect()
}

/// `f32[points, 1] → f32[points, 1]`.
fn predict(params: &Params, inputs: &Array) -> Array {
    let ((w, b), hidden) = params.split_last().expect("a network has layers");
    let x = hidden.iter().fold(inputs.clone(), |x, (w, b)| nn::relu(x.dot(w) + b));
    x.dot(w) + b
}

/// The mean squared error.
fn loss(params: &Params, inputs: &Array, targets: &Array) -> Array {
    (targets - predict(params, inputs)).square().mean()
}

/// The parameters after one step down the gradient of one task.
fn inner_update(params: &Params, x1: &Array, y1: &Array) -> Params {
    let grads = grad(loss)(params, x1, y1);
    tree::map2(params, &grads, |p, g| p - INNER_STEP_SIZE * g)
}

/// How well other points of the task are met after that step.
fn maml_loss(params: &Params, task: &Tasks) -> Array {
    loss(&inner_update(params, &task.x1, &task.y1), &task.x2, &task.y2)
}

fn batch_maml_loss(params: &Params, tasks: &Tasks) -> Array {
    vmap(maml_loss).in_axes((None, 0))(params, tasks).mean()
}

/// Waves of amplitude 0.5 to 2 and phase 0 to π, and points between -5 and 5.
fn sample_tasks(key: random::Key) -> Tasks {
    let [a_key, p_key, x1_key, x2_key] = random::split(key);
    let amplitude = 0.5 + 1.5 * random::uniform(a_key, (NUM_TASKS, 1, 1));
    let phase = PI * random::uniform(p_key, (NUM_TASKS, 1, 1));
    let points = |key| 10.0 * random::uniform(key, (NUM_TASKS, NUM_POINTS, 1)) - 5.0;
    let wave = |x: &Array| &amplitude * jnp::sin(x + &phase);
    let (x1, x2) = (points(x1_key), points(x2_key));
    Tasks { y1: wave(&x1), y2: wave(&x2), x1, x2 }
}

/// Adam: parameters with running means of the gradient and of its square.
#[derive(Pytree, Clone)]
struct Adam {
    step: Array,
    params: Params,
    mean: Params,
    variance: Params,
}

impl Adam {
    fn new(params: Params) -> Adam {
        let zeros = tree::map(&params, |p| jnp::zeros_like(p));
        Adam { step: Array::from(0), mean: zeros.clone(), variance: zeros, params }
    }

    fn update(self, grads: &Params) -> Adam {
        let (b1, b2) = (0.9, 0.999);
        let step = self.step + 1;
        let mean = tree::map2(&self.mean, grads, |m, g| b1 * m + (1.0 - b1) * g);
        let variance = tree::map2(&self.variance, grads, |v, g| b2 * v + (1.0 - b2) * g * g);
        let (m_scale, v_scale) = (1.0 - jnp::power(b1, &step), 1.0 - jnp::power(b2, &step));
        let params = tree::map3(&self.params, &mean, &variance, |p, m, v| {
            p - STEP_SIZE * (m / &m_scale) / (jnp::sqrt(v / &v_scale) + 1e-8)
        });
        Adam { step, params, mean, variance }
    }
}

/// The losses of a wave that is learnt from ten points, before the first step and after each of three.
fn fine_tune(params: &Params, task: &Tasks) -> Array {
    let mut params = params.clone();
    let mut losses = vec![loss(&params, &task.x2, &task.y2)];
    for _ in 0..3 {
        params = inner_update(&params, &task.x1, &task.y1);
        losses.push(loss(&params, &task.x2, &task.y2));
    }
    jnp::stack(&losses, 0)
}

fn main() -> Result<(), Box<dyn Error>> {
    let [params_key, fresh_key, test_key, mut key] = random::split(random::key(0));
    let step = jit(|state: Adam, key: random::Key| {
        let (value, grads) = value_and_grad(batch_maml_loss)(&state.params, &sample_tasks(key));
        (state.update(&grads), value)
    });
    let mut state = Adam::new(init(params_key));
    let mut losses = Vec::new();
    let bar = ProgressBar::new(NUM_STEPS as u64);
    bar.set_style(ProgressStyle::with_template("{bar:40} step {pos}/{len} {elapsed}")?);
    for _ in 0..NUM_STEPS {
        let [next, step_key] = random::split(key);
        key = next;
        let value;
        (state, value) = step(state, step_key);
        losses.push(value);
        bar.inc(1);
    }
    bar.finish_and_clear();
    for (i, part) in losses.chunks(100).enumerate() {
        println!("steps {:3} on: meta-loss {:.3}", 100 * i, jnp::stack(part, 0).mean().item::<f32>());
    }

    let tasks = jit(sample_tasks)(test_key);
    let fine_tune = jit(vmap(fine_tune).in_axes((None, 0)));
    for (name, params) in [("fresh", init(fresh_key)), ("meta-learnt", state.params)] {
        let losses: Vec<f32> = fine_tune(&params, &tasks).mean_axis(0).to_vec();
        let losses: Vec<String> = losses.iter().map(|l| format!("{l:.3}")).collect();
        println!("{name} parameters, losses after 0 to 3 steps on new waves: {}", losses.join(" "));
    }
    Ok(())
}
