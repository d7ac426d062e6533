//! Trains a classifier of handwritten digits and says how well it reads digits that it has not seen.
//!
//! ```sh
//! cargo run --release --example digits -- [--plugin embedded|xla-cpu|cuda|tpu|PATH] [--show jaxpr|stablehlo|hlo]
//!                                         [--epochs N] [--svg FILE]
//! ```
//!
//! The data is the test set of UCI's *Optical Recognition of Handwritten Digits*: see `examples/data/README.md`.

#[path = "data/digits.rs"]
mod data;

use std::error::Error;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::{env, fs};

use data::Digits;
use indicatif::{ProgressBar, ProgressStyle};
use jacinth::prelude::*;
use jacinth::{Backend, with_backend};

const SIZES: [usize; 4] = [Digits::PIXELS, 128, 64, Digits::CLASSES];
const BATCH: usize = 128;
const LEARNING_RATE: f32 = 0.1;
const MOMENTUM: f32 = 0.9;

#[derive(Pytree, Clone)]
struct Dense {
    weight: Array,
    bias: Array,
}

#[derive(Pytree, Clone)]
struct Mlp {
    layers: Vec<Dense>,
}

/// What a training step takes and gives: parameters and their running gradients.
#[derive(Pytree)]
struct State {
    params: Mlp,
    momentum: Mlp,
}

impl Mlp {
    /// Weights drawn with variance `2 / inputs`, biases zero.
    fn new(random: &mut Random) -> Mlp {
        let dense = |n: &[usize]| Dense {
            weight: Array::from_slice(&random.normal(n[0] * n[1], (2.0 / n[0] as f32).sqrt()), [n[0], n[1]]),
            bias: jnp::zeros([n[1]]),
        };
        Mlp { layers: SIZES.windows(2).map(dense).collect() }
    }

    /// `f32[…, 64]` pixels to `f32[…, 10]` scores.
    fn forward(&self, x: &Array) -> Array {
        let (last, hidden) = self.layers.split_last().expect("a network has layers");
        let apply = |x: &Array, layer: &Dense| x.dot(&layer.weight) + &layer.bias;
        let x = hidden.iter().fold(x.clone(), |x, layer| nn::relu(apply(&x, layer)));
        apply(&x, last)
    }
}

/// The mean cross entropy of digits `y: i32[…]` under the scores of `x: f32[…, 64]`.
fn loss(params: &Mlp, x: &Array, y: &Array) -> Array {
    let log_p = nn::log_softmax(params.forward(x), -1);
    -jnp::sum(log_p * nn::one_hot(y, Digits::CLASSES), -1).mean()
}

/// One step of gradient descent with momentum; the state is taken by value, so its buffers are reused.
fn step(state: State, x: &Array, y: &Array) -> (State, Array) {
    let (value, gradient) = value_and_grad(loss)(&state.params, x, y);
    let momentum = tree::map2(&state.momentum, &gradient, |m, g| MOMENTUM * m + g);
    let params = tree::map2(&state.params, &momentum, |p, m| p - LEARNING_RATE * m);
    (State { params, momentum }, value)
}

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<(), Box<dyn Error>> {
    let Some(options) = Options::from_args()? else {
        print!("{USAGE}");
        return Ok(());
    };
    let backend = Backend::new(&options.plugin)?;
    eprintln!("plugin: {backend:?}");
    with_backend(&backend, || run(&options))
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let mut random = Random(0x5EED);
    let digits = Digits::read()?;
    let order = random.permutation(digits.len());
    let (train, held_out) = order.split_at(order.len() * 4 / 5);
    let params = Mlp::new(&mut random);
    let momentum = tree::map(&params, |p| jnp::zeros_like(p));
    let mut state = State { params, momentum };
    let step = jit(step);

    if let Some(stage) = &options.show {
        let (x, y) = digits.batch(&train[..BATCH]);
        let lowered = step.lower((state, &x, &y))?;
        match stage.as_str() {
            "jaxpr" => println!("{}", lowered.jaxpr()),
            "stablehlo" => println!("{}", lowered.as_text()),
            _ => println!("{}", lowered.compile()?.as_text()?),
        }
        return Ok(());
    }

    // How much each example alone would move the last layer's biases: a gradient per example, all at once.
    let (x, y) = digits.batch(&train[..8]);
    let per_example = jit(vmap(grad(loss)).in_axes((None, 0, 0)))(&state.params, &x, &y);
    let last = &per_example.layers.last().expect("a network has layers").bias;
    println!("gradient of the last bias for each of 8 examples:\n{last}");

    let bar = ProgressBar::new(options.epochs as u64);
    bar.set_style(ProgressStyle::with_template("{bar:40} epoch {pos}/{len} {msg}")?);
    let mut losses = Vec::new();
    for _ in 0..options.epochs {
        let order: Vec<usize> = random.permutation(train.len()).into_iter().map(|i| train[i]).collect();
        for batch in order.chunks_exact(BATCH) {
            let (x, y) = digits.batch(batch);
            let value;
            (state, value) = step(state, &x, &y);
            losses.push(value);
        }
        bar.set_message(format!("loss {:.4}", losses.last().expect("a step was made").item::<f32>()));
        bar.inc(1);
    }
    bar.finish();

    let losses: Vec<f32> = losses.iter().map(Array::item::<f32>).collect();
    println!("first and last loss: {:.6} {:.6}", losses[0], losses[losses.len() - 1]);
    fs::write(&options.svg, curve(&losses))?;
    println!("loss curve: {}", options.svg);

    let (x, y) = digits.batch(held_out);
    let read = jit(|params: &Mlp, x: &Array| jnp::argmax(params.forward(x), -1))(&state.params, &x);
    let accuracy = jnp::equal(&read, &y).astype(DType::F32).mean().item::<f32>();
    println!("test accuracy: {:.1} %", 100.0 * accuracy);
    Ok(())
}

/// A small generator of host randomness (splitmix64), so that every run and every plugin sees the same numbers.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Between 0 and 1, neither included.
    fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Normal numbers of that standard deviation, by Box and Muller's transform.
    fn normal(&mut self, n: usize, deviation: f32) -> Vec<f32> {
        let mut one = || (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos();
        (0..n).map(|_| one() as f32 * deviation).collect()
    }

    /// `0..n` in random order, by Fisher and Yates's shuffle.
    fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, (self.next() % (i as u64 + 1)) as usize);
        }
        order
    }
}

/// The losses as a line, in SVG.
fn curve(losses: &[f32]) -> String {
    let (width, height, margin) = (640.0, 360.0, 40.0);
    let highest = losses.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let mut points = String::new();
    for (i, loss) in losses.iter().enumerate() {
        let x = margin + (width - 2.0 * margin) * i as f32 / (losses.len().max(2) - 1) as f32;
        let y = height - margin - (height - 2.0 * margin) * loss / highest;
        write!(points, "{x:.1},{y:.1} ").expect("a string takes all");
    }
    let (right, bottom) = (width - margin, height - margin);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <path d=\"M{margin},{margin} V{bottom} H{right}\" fill=\"none\" stroke=\"black\"/>\n\
         <polyline points=\"{points}\" fill=\"none\" stroke=\"#7a2e8e\"/>\n\
         <text x=\"4\" y=\"{margin}\">{highest:.2}</text><text x=\"4\" y=\"{bottom}\">0</text>\n\
         <text x=\"{margin}\" y=\"{}\">training loss over {} steps</text>\n</svg>\n",
        height - 12.0,
        losses.len()
    )
}

/// What `--show` can show.
const STAGES: [&str; 3] = ["jaxpr", "stablehlo", "hlo"];

const USAGE: &str = "\
Trains a classifier of handwritten digits.

Usage: digits [OPTIONS]

  --plugin NAME   embedded (the default), xla-cpu, cuda, tpu, or the path of a PJRT plugin
  --show STAGE    print the training step instead: jaxpr, stablehlo, or hlo, which is what the plugin compiles it to
  --epochs N      how often to see the training data (30)
  --svg FILE      where to draw the loss (digits-loss.svg)
  --help          print this
";

/// What the command line says.
struct Options {
    plugin: String,
    show: Option<String>,
    epochs: usize,
    svg: String,
}

impl Options {
    /// `None` if help is asked for.
    fn from_args() -> Result<Option<Options>, Box<dyn Error>> {
        let mut options =
            Options { plugin: "embedded".into(), show: None, epochs: 30, svg: "digits-loss.svg".into() };
        let mut args = env::args().skip(1);
        while let Some(name) = args.next() {
            let mut value = || args.next().ok_or(format!("{name} needs a value"));
            match name.as_str() {
                "--help" | "-h" => return Ok(None),
                "--plugin" => options.plugin = value()?,
                "--show" => options.show = Some(value()?),
                "--epochs" => {
                    let text = value()?;
                    options.epochs =
                        text.parse().map_err(|_| format!("--epochs takes a whole number, got {text}"))?;
                }
                "--svg" => options.svg = value()?,
                _ => return Err(format!("unknown option {name}: --help tells which there are").into()),
            }
        }
        if let Some(other) = options.show.as_deref().filter(|stage| !STAGES.contains(stage)) {
            return Err(format!("--show takes jaxpr, stablehlo or hlo, got {other}").into());
        }
        if options.epochs == 0 {
            return Err("--epochs must be at least 1".into());
        }
        Ok(Some(options))
    }
}
