//! Workloads for tracing, transforming and lowering alone: nothing of them is run.
//!
//! Parameters are zeros made inside of the traced function, so that no memory is needed for them; the rival's side does the same.

use jacinth::prelude::*;
use jacinth::tree::Pytree;

const BLOCKS: usize = 12;
const WIDTH: usize = 768;
const HEADS: usize = 12;
const LENGTH: usize = 1024;
const VOCABULARY: usize = 50257;

#[derive(Clone, Debug, Pytree)]
struct Dense {
    w: Array,
    b: Array,
}

#[derive(Clone, Debug, Pytree)]
struct Block {
    norm1: Dense,
    qkv: Dense,
    projection: Dense,
    norm2: Dense,
    up: Dense,
    down: Dense,
}

/// The parameters of GPT-2 small.
#[derive(Clone, Debug, Pytree)]
pub struct Gpt2 {
    tokens: Array,
    positions: Array,
    blocks: Vec<Block>,
    norm: Dense,
}

fn dense(inputs: usize, outputs: usize) -> Dense {
    Dense { w: jnp::zeros([inputs, outputs]), b: jnp::zeros([outputs]) }
}

fn norm() -> Dense {
    Dense { w: jnp::zeros([WIDTH]), b: jnp::zeros([WIDTH]) }
}

fn gpt2() -> Gpt2 {
    let block = |_| Block {
        norm1: norm(),
        qkv: dense(WIDTH, 3 * WIDTH),
        projection: dense(WIDTH, WIDTH),
        norm2: norm(),
        up: dense(WIDTH, 4 * WIDTH),
        down: dense(4 * WIDTH, WIDTH),
    };
    Gpt2 {
        tokens: jnp::zeros([VOCABULARY, WIDTH]),
        positions: jnp::zeros([LENGTH, WIDTH]),
        blocks: (0..BLOCKS).map(block).collect(),
        norm: norm(),
    }
}

fn layer_norm(p: &Dense, x: &Array) -> Array {
    let mean = jnp::mean(x, jnp::keepdims(-1));
    let centred = x - mean;
    let variance = jnp::mean(&centred * &centred, jnp::keepdims(-1));
    centred * lax::rsqrt(&(variance + 1e-5f32)) * &p.w + &p.b
}

fn apply(p: &Dense, x: &Array) -> Array {
    jnp::matmul(x, &p.w) + &p.b
}

fn attention(p: &Block, x: &Array) -> Array {
    let heads = |x: &Array| x.reshape([LENGTH, HEADS, WIDTH / HEADS]).swapaxes(0, 1);
    let qkv = jnp::split(apply(&p.qkv, x), 3, -1);
    let (q, k, v) = (heads(&qkv[0]), heads(&qkv[1]), heads(&qkv[2]));
    let scores = jnp::matmul(&q, k.swapaxes(1, 2)) * 0.125f32;
    let rows = lax::broadcasted_iota(DType::I32, &[LENGTH, LENGTH], 0);
    let columns = lax::broadcasted_iota(DType::I32, &[LENGTH, LENGTH], 1);
    let weights = nn::softmax(jnp::where_(rows.ge(&columns), scores, -1e10f32), -1);
    apply(&p.projection, &jnp::matmul(weights, v).swapaxes(0, 1).reshape([LENGTH, WIDTH]))
}

/// The cross entropy of the next token.
pub fn gpt2_loss(p: &Gpt2, x: &Array) -> Array {
    let mut h = p.tokens.get(x) + &p.positions;
    for block in &p.blocks {
        h = &h + attention(block, &layer_norm(&block.norm1, &h));
        h = &h + apply(&block.down, &nn::gelu(apply(&block.up, &layer_norm(&block.norm2, &h))));
    }
    let logits = jnp::matmul(layer_norm(&p.norm, &h), p.tokens.t());
    -(nn::log_softmax(logits, -1) * nn::one_hot(x, VOCABULARY)).sum_axis(-1).mean()
}

/// GPT-2 small's loss, traced and lowered.
pub fn lower_gpt2_forward(x: &Array) -> usize {
    jit(|x: &Array| gpt2_loss(&gpt2(), x)).lower((x,)).expect("the model lowers").module().funcs.len()
}

/// GPT-2 small's gradient, traced, differentiated and lowered.
pub fn lower_gpt2_gradient(x: &Array) -> usize {
    let f = jit(|x: &Array| grad(gpt2_loss)(&gpt2(), x));
    f.lower((x,)).expect("the gradient lowers").module().funcs.len()
}

/// GPT-2 small's gradient, traced and differentiated only.
pub fn trace_gpt2_gradient(x: &Array) -> usize {
    let jaxpr = make_jaxpr(|x: &Array| grad(gpt2_loss)(&gpt2(), x))(x).expect("the gradient is traced");
    jaxpr.jaxpr.eqns.len()
}

/// A batch of token numbers.
pub fn gpt2_tokens() -> Array {
    jnp::full([LENGTH], 1.0f32).astype(DType::I32)
}

/// `vmap(vmap(grad))` of a small network, traced and lowered.
pub fn lower_mapped_gradient(x: &Array, w: &Array) -> usize {
    let f = |x: &Array, w: &Array| jnp::tanh(jnp::matmul(w, jnp::tanh(jnp::matmul(w, x)))).sum();
    let inner = vmap(grad(f)).in_axes((0, None));
    let outer = jit(vmap(inner).in_axes((0, None)));
    outer.lower((x, w)).expect("the gradient lowers").module().funcs.len()
}

/// Ten thousand operations in a row, traced and lowered.
pub fn lower_chain_10000(x: &Array) -> usize {
    let f = jit(|x: &Array| (0..5000).fold(x.clone(), |x, _| jnp::sin(x) * 1.5f32));
    f.lower((x,)).expect("the chain lowers").module().funcs.len()
}
