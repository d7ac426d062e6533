"""The rival's side of `cargo xtask compare`: the same work in JAX, one JSON line per case.

    python compare.py first            # process start to first jitted result, nothing else
    python compare.py cases DIGITS.csv # what is called, compiled or run: {"case": name, "seconds": [samples]}
    python compare.py transforms       # what is traced, differentiated and lowered only, in the same form
"""

import json
import sys
import time


def samples(work, count, inner=1):
    """`count` timings of `work`, each the mean of `inner` calls, in seconds."""
    out = []
    for _ in range(count):
        start = time.perf_counter()
        for _ in range(inner):
            work()
        out.append((time.perf_counter() - start) / inner)
    return out


def report(case, seconds):
    print(json.dumps({"case": case, "seconds": seconds}), flush=True)


def first():
    import jax

    x = jax.jit(lambda x: x + 1)(jax.numpy.float32(1))
    assert float(x) == 2.0


def chain(x):
    for _ in range(200):
        x = x * 1.5
        x = x + 2.0
        x = x * x
    return x


def init(rng, np):
    sizes = [64, 128, 64, 10]
    return [
        (rng.standard_normal((m, n)).astype(np.float32) * np.sqrt(2.0 / m).astype(np.float32), np.zeros(n, np.float32))
        for m, n in zip(sizes, sizes[1:])
    ]


def cases(path):
    import jax
    import jax.numpy as jnp
    import numpy as np

    # Call of a jitted x + 1 on f32[], asynchronous.
    add = jax.jit(lambda x: x + 1)
    x = jnp.float32(1)
    add(x).block_until_ready()
    report("call", samples(lambda: add(x), 30, 2000))

    # A jitted identity-like map over a tree of 100 leaves, run included.
    tree = {f"k{i:03}": jnp.full((3,), float(i)) for i in range(100)}
    mapped = jax.jit(lambda t: jax.tree.map(lambda v: v, t) | {"k000": t["k000"] + 1})
    jax.block_until_ready(mapped(tree))
    report("tree", samples(lambda: jax.block_until_ready(mapped(tree)), 30, 50))

    # Trace and lower 600 equations; a new function each time, so that no cache answers.
    v = jnp.ones((8,))
    report("lower", samples(lambda: jax.jit(lambda x: chain(x)).lower(v), 15))

    # Compile and run the digits training step.
    data = np.loadtxt(path, delimiter=",", dtype=np.float32)
    images, labels = jnp.asarray(data[:128, :64] / 16), jnp.asarray(data[:128, 64].astype(np.int32))
    params = jax.tree.map(jnp.asarray, init(np.random.default_rng(0), np))
    momentum = jax.tree.map(jnp.zeros_like, params)

    def loss(params, x, y):
        for i, (w, b) in enumerate(params):
            x = x @ w + b
            if i + 1 < len(params):
                x = jax.nn.relu(x)
        return -jnp.mean(jnp.sum(jax.nn.log_softmax(x) * jax.nn.one_hot(y, 10), axis=-1))

    def step(params, momentum, x, y):
        value, grads = jax.value_and_grad(loss)(params, x, y)
        momentum = jax.tree.map(lambda m, g: 0.9 * m + g, momentum, grads)
        params = jax.tree.map(lambda p, m: p - 0.1 * m, params, momentum)
        return params, momentum, value

    lowers, compiles = [], []
    for _ in range(5):
        jax.clear_caches()
        start = time.perf_counter()
        lowered = jax.jit(step, donate_argnums=(0, 1)).lower(params, momentum, images, labels)
        traced = time.perf_counter()
        compiled = lowered.compile()
        lowers.append(traced - start)
        compiles.append(time.perf_counter() - traced)
    report("mlp_lower", lowers)
    report("compile", compiles)

    state = [params, momentum]

    def run():
        p, m, value = compiled(state[0], state[1], images, labels)
        state[:] = [p, m]
        value.block_until_ready()

    for _ in range(20):
        run()
    report("step", samples(run, 30, 20))


def transforms():
    """Tracing, differentiating and lowering alone; a new function and empty caches each time."""
    import jax
    import jax.numpy as jnp

    blocks, width, heads, length, vocabulary = 12, 768, 12, 1024, 50257

    def dense(m, n):
        return {"w": jnp.zeros((m, n)), "b": jnp.zeros((n,))}

    def norm():
        return {"w": jnp.zeros((width,)), "b": jnp.zeros((width,))}

    def block():
        return {
            "norm1": norm(),
            "qkv": dense(width, 3 * width),
            "projection": dense(width, width),
            "norm2": norm(),
            "up": dense(width, 4 * width),
            "down": dense(4 * width, width),
        }

    def gpt2():
        return {
            "tokens": jnp.zeros((vocabulary, width)),
            "positions": jnp.zeros((length, width)),
            "blocks": [block() for _ in range(blocks)],
            "norm": norm(),
        }

    def layer_norm(p, x):
        centred = x - jnp.mean(x, axis=-1, keepdims=True)
        variance = jnp.mean(centred * centred, axis=-1, keepdims=True)
        return centred * jax.lax.rsqrt(variance + 1e-5) * p["w"] + p["b"]

    def apply(p, x):
        return x @ p["w"] + p["b"]

    def attention(p, x):
        def split(x):
            return x.reshape(length, heads, width // heads).swapaxes(0, 1)

        q, k, v = map(split, jnp.split(apply(p["qkv"], x), 3, axis=-1))
        scores = q @ k.swapaxes(1, 2) * 0.125
        rows = jax.lax.broadcasted_iota(jnp.int32, (length, length), 0)
        columns = jax.lax.broadcasted_iota(jnp.int32, (length, length), 1)
        weights = jax.nn.softmax(jnp.where(rows >= columns, scores, -1e10), axis=-1)
        return apply(p["projection"], (weights @ v).swapaxes(0, 1).reshape(length, width))

    def loss(p, x):
        h = p["tokens"][x] + p["positions"]
        for b in p["blocks"]:
            h = h + attention(b, layer_norm(b["norm1"], h))
            h = h + apply(b["down"], jax.nn.gelu(apply(b["up"], layer_norm(b["norm2"], h))))
        logits = layer_norm(p["norm"], h) @ p["tokens"].T
        return -jnp.mean(jnp.sum(jax.nn.log_softmax(logits) * jax.nn.one_hot(x, vocabulary), axis=-1))

    tokens = jnp.ones((length,), jnp.int32)

    def cold(case, work, count):
        """Reports a case; emptying the caches is not part of it."""
        seconds = []
        for _ in range(count):
            jax.clear_caches()
            seconds += samples(work, 1)
        report(case, seconds)

    cold("gpt2_trace", lambda: jax.make_jaxpr(lambda x: jax.grad(loss)(gpt2(), x))(tokens), 5)
    cold("gpt2_forward", lambda: jax.jit(lambda x: loss(gpt2(), x)).lower(tokens), 5)
    cold("gpt2_gradient", lambda: jax.jit(lambda x: jax.grad(loss)(gpt2(), x)).lower(tokens), 5)

    def network(x, w):
        return jnp.sum(jnp.tanh(w @ jnp.tanh(w @ x)))

    x, w = jnp.ones((8, 8, 16)), jnp.ones((16, 16))

    def mapped():
        inner = jax.vmap(jax.grad(network), in_axes=(0, None))
        jax.jit(jax.vmap(inner, in_axes=(0, None))).lower(x, w)

    cold("mapped_gradient", mapped, 10)

    def long(x):
        for _ in range(5000):
            x = jnp.sin(x) * 1.5
        return x

    ones = jnp.ones((8,))
    cold("chain_10000", lambda: jax.jit(lambda x: long(x)).lower(ones), 5)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["first"]:
            first()
        case ["cases", path]:
            cases(path)
        case ["transforms"]:
            transforms()
