"""jax.random. The first input is always the key's words."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import random

from golden import array, booleans, case, integers, uniform

FLOATS = ["f32", "bf16", "f16", "f64"]
KEY = array([0, 42], "u32")


def draw(name, fn, *inputs, variant=None, **options):
    """One sampler, given the typed key."""
    case(f"jax.random.{name}", lambda key, *rest: fn(random.wrap_key_data(key), *rest), KEY, *inputs, variant=variant, **options)


def by_dtype(name, fn, *inputs, dtypes=FLOATS, variant=None, grad=True):
    """One sampler in several dtypes: `fn(key, dtype, ...)`."""
    for short in dtypes:
        dtype = {"f32": jnp.float32, "bf16": jnp.bfloat16, "f16": jnp.float16, "f64": jnp.float64}.get(short) or getattr(jnp, {
            "i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64", "u8": "uint8", "u16": "uint16", "u32": "uint32", "u64": "uint64",
            "c64": "complex64", "c128": "complex128"}[short])
        x64 = short in ("f64", "i64", "u64", "c128")
        cast = [np.asarray(x).astype(dtype) if np.asarray(x).dtype == np.float32 and short in FLOATS else x for x in inputs]
        label = f"{variant}-{short}" if variant else short
        draw(name, functools.partial(lambda dtype, key, *rest: fn(key, dtype, *rest), dtype), *cast, variant=label, x64=x64, grad=grad and short == "f32")


def cases():
    # Keys.
    seeds = array([0, 1, -1, 2**31 - 1, -(2**31)], "i32")
    case("jax.random.key", lambda s: jax.vmap(lambda s: random.key_data(random.key(s)))(s), seeds)
    case("jax.random.key", lambda s: jax.vmap(lambda s: random.key_data(random.key(s)))(s), array([0, 2**40 + 5, -1], "i64"), variant="wide")
    case("jax.random.PRNGKey", lambda: random.PRNGKey(1234567))
    case("jax.random.split", lambda k: random.key_data(random.split(random.wrap_key_data(k))), KEY)
    case("jax.random.split", lambda k: random.key_data(random.split(random.wrap_key_data(k), (2, 3))), KEY, variant="shape")
    case("jax.random.split", lambda k: random.split(k, 5), KEY, variant="raw")
    case("jax.random.fold_in", lambda k, i: jax.vmap(lambda i: random.key_data(random.fold_in(random.wrap_key_data(k), i)))(i), KEY, seeds)
    case("jax.random.key_data", lambda k: random.key_data(random.wrap_key_data(k)), KEY)
    case("jax.random.wrap_key_data", lambda k: random.uniform(random.wrap_key_data(k)), KEY)
    case("jax.random.clone", lambda k: random.uniform(random.clone(random.wrap_key_data(k))), KEY)
    case("jax.random.uniform", lambda k: random.uniform(k, (3,)), KEY, variant="raw")

    # Bits, uniform floats and integers: bit for bit.
    for short in ("u8", "u16", "u32", "u64"):
        by_dtype("bits", lambda k, d: random.bits(k, (3, 5), d), dtypes=[short])
    draw("bits", lambda k: random.bits(k, ()), variant="scalar")
    draw("bits", lambda k: random.bits(k, (0, 2)), variant="empty")
    by_dtype("uniform", lambda k, d: random.uniform(k, (3, 2, 5), d))
    by_dtype("uniform", lambda k, d, a, b: random.uniform(k, (3, 4), d, a, b), uniform((4,), -3, -1), uniform((3, 1), 1, 7), variant="between", grad=False)
    draw("uniform", lambda k: random.uniform(k), variant="scalar")
    ints = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"]
    by_dtype("randint", lambda k, d: random.randint(k, (4, 6), 3, 97, d), dtypes=ints)
    by_dtype("randint", lambda k, d: random.randint(k, (30,), 0, 1000, d), dtypes=ints, variant="beyond")
    draw("randint", lambda k, a, b: random.randint(k, (3, 4), a, b), integers((4,), -9, 2), integers((3, 1), 0, 40), variant="bounds")
    draw("randint", lambda k: random.randint(k, (4,), 5, 5), variant="nothing")
    draw("bernoulli", lambda k: random.bernoulli(k, 0.3, (40,)))
    draw("bernoulli", lambda k: random.bernoulli(k, 0.3, (40,), mode="high"), variant="high")
    draw("bernoulli", lambda k, p: random.bernoulli(k, p, (5, 4)), uniform((4,), 0, 1), variant="p", grad=False)
    draw("rademacher", lambda k: random.rademacher(k, (40,)))
    draw("rademacher", lambda k: random.rademacher(k, (40,), jnp.float32), variant="float")

    # Arrangements.
    draw("permutation", lambda k: random.permutation(k, 40))
    draw("permutation", lambda k, x: random.permutation(k, x), integers((5, 3), 0, 100), variant="array")
    draw("permutation", lambda k, x: random.permutation(k, x, 1), uniform((3, 5)), variant="axis")
    draw("permutation", lambda k, x: random.permutation(k, x, 1, independent=True), integers((3, 5), 0, 100), variant="independent")
    draw("choice", lambda k: random.choice(k, 10, (20,)))
    draw("choice", lambda k: random.choice(k, 10, (2, 4), replace=False), variant="distinct")
    draw("choice", lambda k, a: random.choice(k, a, (2, 3), axis=1), integers((3, 4, 2), 0, 100), variant="axis")
    draw("choice", lambda k, a, p: random.choice(k, a, (20,), p=p), integers((6,), 0, 100), uniform((6,), 0.1, 2.0), variant="weighted", grad=False)
    draw("choice", lambda k, p: random.choice(k, 6, (4,), replace=False, p=p), uniform((6,), 0.1, 2.0), variant="weighted-distinct", grad=False)
    logits = uniform((3, 6))
    draw("categorical", lambda k, l: random.categorical(k, l), logits)
    draw("categorical", lambda k, l: random.categorical(k, l, axis=0, shape=(5, 6)), logits, variant="axis")
    draw("categorical", lambda k, l: random.categorical(k, l, shape=(4, 3), replace=False), logits, variant="distinct")
    draw("categorical", lambda k, l: random.categorical(k, l, shape=(7, 3), mode="high"), logits, variant="high")

    # Continuous.
    by_dtype("normal", lambda k, d: random.normal(k, (3, 10), d))
    by_dtype("normal", lambda k, d: random.normal(k, (3, 10), d), dtypes=["c64"])
    by_dtype("truncated_normal", lambda k, d, a, b: random.truncated_normal(k, a, b, (4, 8), d), uniform((8,), -2, -0.5), uniform((4, 1), 0.1, 3), dtypes=["f32"], grad=False)
    for mode in ("low", "high", "highest"):
        by_dtype("gumbel", lambda k, d: random.gumbel(k, (3, 10), d, mode=mode), variant=mode, dtypes=["f32"], grad=False)
    for name in ("cauchy", "exponential", "laplace", "logistic", "maxwell"):
        by_dtype(name, lambda k, d: getattr(random, name)(k, (3, 10), d), dtypes=["f32"], grad=False)
    positive = uniform((5,), 0.5, 3.0)
    by_dtype("lognormal", lambda k, d, s: random.lognormal(k, s, (4, 5), d), positive, dtypes=["f32"], grad=False)
    by_dtype("pareto", lambda k, d, b: random.pareto(k, b, (4, 5), d), positive, dtypes=["f32"], grad=False)
    by_dtype("rayleigh", lambda k, d, s: random.rayleigh(k, s, (4, 5), d), positive, dtypes=["f32"], grad=False)
    by_dtype("triangular", lambda k, d, a, m, b: random.triangular(k, a, m, b, (4, 5), d), uniform((5,), -2, -1), uniform((4, 1), -0.5, 0.5), uniform((5,), 1, 2), dtypes=["f32"], grad=False)
    by_dtype("wald", lambda k, d, m: random.wald(k, m, (4, 5), d), positive, dtypes=["f32"], grad=False)
    by_dtype("weibull_min", lambda k, d, s, c: random.weibull_min(k, s, c, (4, 5), d), positive, uniform((5,), 1, 3), dtypes=["f32"], grad=False)
    by_dtype("double_sided_maxwell", lambda k, d, l, s: random.double_sided_maxwell(k, l, s, (4,), d), uniform((5,)), positive, dtypes=["f32"], grad=False)

    # Discrete.
    draw("geometric", lambda k, p: random.geometric(k, p, (4, 5)), uniform((5,), 0.1, 0.9), grad=False)
    counts, probs = array([3, 40, 100, 10000, -1], "f32"), uniform((4, 1), 0.05, 0.95)
    draw("binomial", lambda k, n, p: random.binomial(k, n, p, (4, 5)), counts, probs, grad=False)
    draw("binomial", lambda k: random.binomial(k, 12, 0.4, (30,)), variant="numbers")
    draw("multinomial", lambda k, n, p: random.multinomial(k, n, p, shape=(3, 4)), array([10, 200, 0], "f32"), array([0.1, 0.4, 0.2, 0.3]), grad=False)

    # Mapped over keys, and the legacy generator.
    keys = integers((4, 2), 0, 2**31, dtype="u32")
    for name, fn in {
        "uniform": lambda k: random.uniform(k, (3,)), "normal": lambda k: random.normal(k, (3,)), "poisson": lambda k: random.poisson(k, 12.0, (3,)),
        "permutation": lambda k: random.permutation(k, 7), "split": lambda k: random.key_data(random.split(k)),
    }.items():
        case(f"jax.random.{name}", lambda ks: jax.vmap(lambda k: fn(random.wrap_key_data(k)))(ks), keys, variant="vmap")

    def legacy(fn):
        def run(key):
            with jax.threefry_partitionable(False):
                return fn(random.wrap_key_data(key))
        return run

    for short in ("u8", "u16", "u32", "u64"):
        dtype = getattr(jnp, f"uint{short[1:]}")
        case("jax.random.bits", legacy(lambda k: random.bits(k, (3, 5), dtype)), KEY, variant=f"legacy-{short}", x64=short == "u64")
    case("jax.random.split", legacy(lambda k: random.key_data(random.split(k, 3))), KEY, variant="legacy")
    case("jax.random.normal", legacy(lambda k: random.normal(k, (7,))), KEY, variant="legacy")
    case("jax.random.randint", legacy(lambda k: random.randint(k, (7,), 0, 10)), KEY, variant="legacy")
