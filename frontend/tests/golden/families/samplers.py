"""jax.random: samplers by rejection or factorisation, in every float dtype, mapped over keys, and of the legacy generator."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import random

from families.random import FLOATS, KEY, by_dtype, draw
from golden import array, case, integers, uniform


def cases():
    narrow()
    rejection()
    factorisations()
    mapped()
    legacy()


def narrow():
    positive = uniform((5,), 0.5, 3.0)
    # In the other float dtypes, in which a sampler computes as it does in float32.
    for name in ("cauchy", "exponential", "laplace", "logistic", "maxwell"):
        by_dtype(name, lambda k, d: getattr(random, name)(k, (3, 10), d), dtypes=FLOATS[1:], grad=False)
    by_dtype("gumbel", lambda k, d: random.gumbel(k, (3, 10), d), variant="narrow", dtypes=FLOATS[1:], grad=False)
    by_dtype("truncated_normal", lambda k, d, a, b: random.truncated_normal(k, a, b, (4, 8), d), uniform((8,), -2, -0.5), uniform((4, 1), 0.1, 3), dtypes=FLOATS[1:])
    for name, *params in (("lognormal", positive), ("pareto", positive), ("rayleigh", positive), ("wald", positive), ("weibull_min", positive, uniform((5,), 1, 3)), ("triangular", -positive, 0 * positive, positive)):
        by_dtype(name, lambda k, d, *ps: getattr(random, name)(k, *ps, (4, 5), d), *params, variant="narrow" if name == "triangular" else None, dtypes=FLOATS[1:])
    by_dtype("double_sided_maxwell", lambda k, d, l, s: random.double_sided_maxwell(k, l, s, (4,), d), uniform((5,)), positive, dtypes=FLOATS[1:])


def rejection():
    some = ["f32", "bf16"]
    shapes = array([0.05, 0.3, 1.0, 2.5, 40.0])
    by_dtype("gamma", lambda k, d, a: random.gamma(k, a, (8, 5), d), shapes)
    by_dtype("loggamma", lambda k, d, a: random.loggamma(k, a, (8, 5), d), shapes)
    by_dtype("beta", lambda k, d, a, b: random.beta(k, a, b, (4, 5), d), shapes, uniform((4, 1), 0.2, 3))
    by_dtype("chisquare", lambda k, d, df: random.chisquare(k, df, (4, 5), d), shapes, dtypes=some, grad=False)
    # JAX's own degrees of freedom must have the whole shape.
    by_dtype("f", lambda k, d, a, b: random.f(k, a, b, (4, 5), d), uniform((4, 5), 0.5, 20), uniform((4, 5), 1, 9), dtypes=some, grad=False)
    by_dtype("t", lambda k, d, df: random.t(k, df, (4, 5), d), shapes, dtypes=some, grad=False)
    by_dtype("dirichlet", lambda k, d, a: random.dirichlet(k, a, (4,), d), shapes[1:], dtypes=some, grad=False)
    draw("dirichlet", lambda k, a: random.dirichlet(k, a), uniform((2, 3), 0.5, 2), variant="batch", grad=False)
    for p in (1.0, 2.0, 3.5):
        by_dtype("generalized_normal", lambda k, d: random.generalized_normal(k, p, (4, 5), d), variant=f"{p}", dtypes=["f32"])
        by_dtype("ball", lambda k, d: random.ball(k, 3, p, (4,), d), variant=f"{p}", dtypes=["f32"])
    draw("poisson", lambda k, l: random.poisson(k, l, (6, 5)), array([0.0, 0.3, 2.0, 5.5, 9.5]), variant="small", grad=False)
    draw("poisson", lambda k, l: random.poisson(k, l, (6, 5)), array([10.0, 25.0, 300.0, 1e5, -1.0]), variant="large", grad=False)


def factorisations():
    # The signs of eigenvectors are the library's, so that covariances are diagonal there.
    mean, root = uniform((3,)), uniform((3, 3))
    cov = (root @ root.T + np.eye(3)).astype("f4")
    diagonal = np.diag(array([0.5, 3.0, 1.0]))
    by_dtype("multivariate_normal", lambda k, d, m, c: random.multivariate_normal(k, m, c, (4,), d), mean, cov, dtypes=["f32", "f64"])
    draw("multivariate_normal", lambda k, m, c: random.multivariate_normal(k, m, c), uniform((4, 1, 3)), np.stack([cov, cov + np.eye(3, dtype="f4")]), variant="batch", grad=False)
    for method in ("eigh", "svd"):
        draw("multivariate_normal", lambda k, m, c: abs(random.multivariate_normal(k, m, c, (4,), method=method) - m), mean, diagonal, variant=method, grad=False)
    for short in ("f32", "f64"):
        by_dtype("orthogonal", lambda k, d: random.orthogonal(k, 3, (2,), d), dtypes=[short])
        by_dtype("orthogonal", lambda k, d: random.orthogonal(k, 2, (), d, 4), dtypes=[short], variant="wide")
        by_dtype("orthogonal", lambda k, d: random.orthogonal(k, 4, (2,), d, 2), dtypes=[short], variant="tall")


def mapped():
    keys = integers((4, 2), 0, 2**31, dtype="u32")
    for name, fn in {
        "bits": lambda k: random.bits(k, (2, 2)), "randint": lambda k: random.randint(k, (5,), -4, 40), "bernoulli": lambda k: random.bernoulli(k, 0.4, (6,)),
        "fold_in": lambda k: random.key_data(random.fold_in(k, 7)), "choice": lambda k: random.choice(k, 9, (4,), replace=False),
        "categorical": lambda k: random.categorical(k, jnp.array([0.5, -1.0, 2.0, 0.0]), shape=(5,)), "gamma": lambda k: random.gamma(k, jnp.array([0.2, 1.0, 7.0])),
        "beta": lambda k: random.beta(k, 0.7, 2.0, (3,)), "dirichlet": lambda k: random.dirichlet(k, jnp.array([0.5, 2.0, 1.0])), "t": lambda k: random.t(k, 3.0, (3,)),
        "binomial": lambda k: random.binomial(k, 30.0, 0.4, (4,)), "truncated_normal": lambda k: random.truncated_normal(k, -1.0, 2.0, (4,)),
        "multivariate_normal": lambda k: random.multivariate_normal(k, jnp.zeros(2), jnp.array([[2.0, 0.5], [0.5, 1.0]])), "orthogonal": lambda k: random.orthogonal(k, 2),
        "rademacher": lambda k: random.rademacher(k, (6,)), "gumbel": lambda k: random.gumbel(k, (3,)), "exponential": lambda k: random.exponential(k, (3,)),
    }.items():
        case(f"jax.random.{name}", lambda ks: jax.vmap(lambda k: fn(random.wrap_key_data(k)))(ks), keys, variant="vmap")


def legacy():
    def legacy(fn):
        def run(key):
            with jax.threefry_partitionable(False):
                return fn(random.wrap_key_data(key))
        return run

    case("jax.random.split", legacy(lambda k: random.key_data(random.split(k, (2, 2)))), KEY, variant="legacy-shape")
    for short, dtype in {"f32": jnp.float32, "f64": jnp.float64, "bf16": jnp.bfloat16, "f16": jnp.float16}.items():
        case("jax.random.uniform", legacy(lambda k: random.uniform(k, (3, 3), dtype)), KEY, variant=f"legacy-{short}", x64=short == "f64")
    case("jax.random.permutation", legacy(lambda k: random.permutation(k, 11)), KEY, variant="legacy")
    case("jax.random.permutation", legacy(lambda k: random.permutation(k, jnp.arange(12).reshape(4, 3), 1, independent=True)), KEY, variant="legacy-independent")
    case("jax.random.choice", legacy(lambda k: random.choice(k, 10, (4,), replace=False)), KEY, variant="legacy")
    case("jax.random.gamma", legacy(lambda k: random.gamma(k, 2.5, (5,))), KEY, variant="legacy")
