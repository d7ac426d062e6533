"""What the programs beside this file print, computed by JAX: `python reference.py` writes expected/NAME.txt for each.

The snippets are the ones of JAX's tutorials (Quickstart, Common gotchas, JAX 101) in their order; each has its twin in NAME.rs.
"""

import contextlib
import io
import pathlib
import sys
from collections import namedtuple
from functools import partial

import jax
import jax.experimental
import jax.numpy as jnp
import numpy as np
from jax import grad, jit, lax, vmap

PROGRAMS = {}


def program(function):
    PROGRAMS[function.__name__] = function
    return function


@program
def arrays():
    x = jnp.arange(10)
    print(x)
    print(repr(x))
    print(x.shape, x.dtype)
    print(repr(jnp.linspace(0, 1, 5)))
    print(repr(jnp.array([[1.0, 2.0], [3.0, 4.0]])))
    # A weak scalar gives way; two arrays meet in the lattice.
    print((x + 1).dtype, (x + 1.0).dtype, (x * jnp.ones(10, jnp.bfloat16)).dtype)
    print(repr(jnp.array(1.0) / 3))
    # NumPy's functions, and conversion to and from the host.
    print(np.asarray(x[:3]).tolist())
    print(jnp.sum(jnp.array([1, 2, 3])))
    print(jnp.array([True, False]))

    def selu(x, alpha=1.67, lmbda=1.05):
        return lmbda * jnp.where(x > 0, x, alpha * jnp.exp(x) - alpha)

    print(selu(jnp.arange(5.0)))
    # Immutable: an update is another array.
    y = x.at[0].set(10)
    print(x)
    print(y)
    # Lists are converted explicitly.
    try:
        jnp.sum([1, 2, 3])
    except TypeError:
        print("a list is no array")
    print(jnp.sum(jnp.array([1, 2, 3])))
    # 32 bits by default.
    print(jnp.ones(3, dtype=jnp.float64).dtype, jnp.arange(3.0).dtype)
    with jax.enable_x64(True):
        print(jnp.ones(3, dtype=jnp.float64).dtype, jnp.arange(3.0).dtype)


@program
def jit_():
    def selu(x, alpha=1.67, lmbda=1.05):
        return lmbda * jnp.where(x > 0, x, alpha * jnp.exp(x) - alpha)

    print(jit(selu)(jnp.arange(5.0)))
    # Impure code runs once for each trace.
    state = []

    @jit
    def impure(x):
        state.append(x.shape)
        return x * 2

    impure(jnp.ones(3))
    impure(jnp.ones(3))
    impure(jnp.ones(4))
    print(state)

    # A compiled function gives what the function gives.
    def norm(X):
        X = X - X.mean(0)
        return X / X.std(0)

    X = jax.random.uniform(jax.random.key(1701), (100, 10))
    print(np.allclose(norm(X), jit(norm)(X), atol=1e-6))

    # Not all code can be compiled: shapes and branches must not depend on values.
    def get_negatives(x):
        return x[x < 0]

    x = jnp.array([1.0, -2.0, 3.0, -4.0])
    print(get_negatives(x))

    def decides(x):
        if x > 0:
            return x
        else:
            return 2 * x

    def g(x, n):
        i = 0
        while i < n:
            i += 1
        return x + i

    def nansum(x):
        mask = ~jnp.isnan(x)
        return x[mask].sum()

    def nansum_2(x):
        mask = ~jnp.isnan(x)
        return jnp.where(mask, x, 0).sum()

    def flattened(x):
        return x.reshape(jnp.array(x.shape).prod())

    with_nan = jnp.array([1.0, 2.0, jnp.nan, 3.0, 4.0])
    for function, *args in [(get_negatives, x), (decides, 10), (g, 10, 20), (nansum, with_nan), (flattened, jnp.ones((2, 3)))]:
        try:
            jit(function)(*args)
        except (jax.errors.JAXIndexError, jax.errors.ConcretizationTypeError, TypeError):
            print(f"{function.__name__} cannot be traced: something depends on a value")
    print(nansum(with_nan), jit(nansum_2)(with_nan))

    # A value decides only where it is static.
    def f(x):
        if x < 3:
            return 3.0 * x**2
        else:
            return -4 * x

    f = jit(f, static_argnames="x")
    print(f(2.0))

    @partial(jit, static_argnums=(1,))
    def g(x, neg):
        return -x if neg else x

    print(g(1, True))

    # Part of a function.
    @jit
    def loop_body(prev_i):
        return prev_i + 1

    def g_inner_jitted(x, n):
        i = 0
        while i < n:
            i = loop_body(i)
        return x + i

    print(g_inner_jitted(10, 20))
    # A function of a shape is a function of a static value.
    print(jit(lambda x: x.reshape((np.prod(x.shape),)))(jnp.ones((2, 3))))


@program
def make_jaxpr():
    global_list = []

    def log2(x):
        global_list.append(x)
        ln_x = jnp.log(x)
        ln_2 = jnp.log(2.0)
        return ln_x / ln_2

    print(jax.make_jaxpr(log2)(3.0))

    def log2_if_rank_2(x):
        if x.ndim == 2:
            return jnp.log(x) / jnp.log(2.0)
        else:
            return x

    print(len(global_list))
    print(jax.make_jaxpr(log2_if_rank_2)(jnp.array([1, 2, 3])))
    print(jax.make_jaxpr(grad(lambda x: jnp.sin(x) * x))(1.0))
    print(jax.make_jaxpr(vmap(lambda a, b: jnp.dot(a, b)))(jnp.ones((3, 2)), jnp.ones((3, 2))))
    print(jax.make_jaxpr(lambda x: lax.fori_loop(0, 3, lambda i, c: c * 2, x))(1.0))


@program
def vmap_():
    x = jnp.arange(5)
    w = jnp.array([2.0, 3.0, 4.0])

    def convolve(x, w):
        output = []
        for i in range(1, len(x) - 1):
            output.append(jnp.dot(x[i - 1 : i + 2], w))
        return jnp.array(output)

    print(repr(convolve(x, w)))
    xs = jnp.stack([x, x])
    ws = jnp.stack([w, w])
    print(repr(vmap(convolve)(xs, ws)))
    print(repr(vmap(convolve, in_axes=1, out_axes=1)(xs.T, ws.T)))
    print(repr(vmap(convolve, in_axes=[0, None])(xs, w)))
    print(repr(jit(vmap(convolve))(xs, ws)))

    # Axes are prefix trees of the arguments.
    def f(a1, d):
        return a1 * d["k1"] + d["k2"]

    d = {"k1": jnp.array(2.0), "k2": jnp.arange(3.0)}
    print(vmap(f, in_axes=(None, {"k1": None, "k2": 0}))(jnp.array(10.0), d))
    d = {"k1": jnp.arange(3.0), "k2": jnp.arange(3.0)}
    print(vmap(f, in_axes=(None, 0))(jnp.array(10.0), d))
    print(vmap(f, in_axes=0)(jnp.arange(3.0), d))
    # By hand, and by vmap.
    mat = jax.random.normal(jax.random.key(1), (15, 10))
    batched_x = jax.random.normal(jax.random.key(2), (5, 10))

    def apply_matrix(x):
        return jnp.dot(mat, x)

    naively = jnp.stack([apply_matrix(v) for v in batched_x])
    by_hand = jit(lambda batch: jnp.dot(batch, mat.T))(batched_x)
    print(np.allclose(naively, by_hand, atol=1e-4), np.allclose(naively, jit(vmap(apply_matrix))(batched_x), atol=1e-4))
    # Per-example gradients.
    print(vmap(grad(lambda w, x: jnp.dot(w, x) ** 2), in_axes=(None, 0))(w, jnp.eye(3)))


@program
def autodiff():
    grad_tanh = grad(jnp.tanh)
    print(grad_tanh(2.0))
    print(grad(grad(jnp.tanh))(2.0))
    print(grad(grad(grad(jnp.tanh)))(2.0))

    def sum_logistic(x):
        return jnp.sum(1.0 / (1.0 + jnp.exp(-x)))

    x_small = jnp.arange(3.0)
    print(grad(sum_logistic)(x_small))

    def predict(params, inputs):
        return jax.nn.sigmoid(jnp.dot(inputs, params["W"]) + params["b"])

    inputs = jnp.array([[0.52, 1.12, 0.77], [0.88, -1.08, 0.15], [0.52, 0.06, -1.30], [0.74, -2.49, 1.39]])
    targets = jnp.array([1.0, 1.0, 0.0, 1.0])

    def loss(params):
        preds = predict(params, inputs)
        label_probs = preds * targets + (1 - preds) * (1 - targets)
        return -jnp.sum(jnp.log(label_probs))

    params = {"W": jnp.array([0.5, -0.25, 1.0]), "b": jnp.array(0.1)}
    value, gradient = jax.value_and_grad(loss)(params)
    print(f"{value:.4f}")
    print(np.round(gradient["W"], 4), f"{gradient['b']:.4f}")
    # Jacobians and Hessians, by columns and by rows.
    f = lambda x: jnp.stack([x[0] * x[1], x[1] ** 2])
    x = jnp.array([3.0, 4.0])
    print(jax.jacfwd(f)(x))
    print(jax.jacrev(f)(x))
    print(jax.hessian(lambda x: x[0] ** 2 * x[1])(x))
    # Forward and reverse mode by hand.
    y, u = jax.jvp(jnp.sin, (2.0,), (1.0,))
    print(y, u)
    y, pull = jax.vjp(lambda a, b: a * b, 2.0, 5.0)
    print(y, [float(v) for v in pull(1.0)])
    print(grad(lambda x: x * lax.stop_gradient(x))(3.0))


@program
def pytrees():
    from jax import tree

    example_trees = [
        (1, (2, 3), ()),
        (1, {"k1": [2], "k2": [3, 4]}, 5),
        {"a": [2], "b": [2, 3]},
        jnp.array([1, 2, 3]),
    ]
    for pytree in example_trees:
        leaves = tree.leaves(pytree)
        print(f"{str(tree.structure(pytree)):<50} has {len(leaves)} leaves: {[str(leaf) for leaf in leaves]}")
    list_of_lists = [[1, 2, 3], [1, 2], [1, 2, 3, 4]]
    print([str(x) for x in tree.leaves(tree.map(lambda x: x * 2, list_of_lists))])
    print([str(x) for x in tree.leaves(tree.map(lambda x, y: x + y, list_of_lists, list_of_lists))])
    print(tree.structure(list_of_lists))
    print(jax.tree_util.tree_structure(object()))
    # Leaves with their paths, and a map that sees the paths.
    for path, leaf in jax.tree_util.tree_flatten_with_path([[1, 2], (1, (2, 3)), 4])[0]:
        print("".join(str(key) for key in path), leaf)
    depths = jax.tree_util.tree_map_with_path(lambda path, x: x * len(path), [[1, 2], (1, (2, 3)), 4])
    print([str(x) for x in tree.leaves(depths)])
    # A shape is a node, its sizes are the leaves.
    a_tree = [jnp.zeros((2, 3)), jnp.zeros((3, 4))]
    shapes = tree.map(lambda x: x.shape, a_tree)
    print([str(x) for x in tree.leaves(tree.map(jnp.ones, shapes))])
    print([str(x.sum()) for x in tree.leaves(tree.map(jnp.ones, shapes, is_leaf=lambda x: x in [(2, 3), (3, 4)]))])

    ATuple = namedtuple("ATuple", ("name"))
    example = (1, {"k1": [2], "k2": [3, 4]}, ATuple(5))
    flattened, _ = jax.tree_util.tree_flatten_with_path(example)
    for key_path, value in flattened:
        print(f"Value of tree{jax.tree_util.keystr(key_path)}: {value}")
    # None is the absence of a node.
    print(len(tree.leaves([None, None, None])))
    print(len(tree.leaves([None, None, None], is_leaf=lambda x: x is None)))
    # Trees turned inside out.
    steps = [dict(t=1, obs=3), dict(t=2, obs=4)]
    turned = tree.map(lambda *xs: list(xs), *steps)
    print({key: [int(v) for v in values] for key, values in sorted(turned.items())})
    turned = tree.transpose(tree.structure([0 for _ in steps]), tree.structure(steps[0]), steps)
    print({key: [int(v) for v in values] for key, values in sorted(turned.items())})
    # Parameters of a network, and one step down the gradient.
    params = [dict(weights=jnp.full((1, 2), 0.5), biases=jnp.ones(2)), dict(weights=jnp.ones((2, 1)), biases=jnp.zeros(1))]
    print(tree.structure(tree.map(lambda x: x.shape[0], params)))

    def forward(params, x):
        *hidden, last = params
        for layer in hidden:
            x = jax.nn.relu(x @ layer["weights"] + layer["biases"])
        return x @ last["weights"] + last["biases"]

    def loss(params, x, y):
        return jnp.mean((forward(params, x) - y) ** 2)

    x = jnp.arange(4.0).reshape(4, 1)
    grads = grad(loss)(params, x, x**2)
    updated = tree.map(lambda p, g: p - 0.0625 * g, params, grads)
    for path, leaf in jax.tree_util.tree_flatten_with_path(updated)[0]:
        print(f"params{jax.tree_util.keystr(path)} = {leaf.tolist()}")


@program
def indexed_updates():
    jax_array = jnp.zeros((3, 3), dtype=jnp.float32)
    updated_array = jax_array.at[1, :].set(1.0)
    print("original array unchanged:\n", jax_array)
    print("updated array:\n", updated_array)
    x = jnp.ones((5, 6), dtype=jnp.float32)
    print(x.at[::2, 3:].add(7.0))
    # Out of bounds: reads are clamped, updates are dropped.
    print(jnp.arange(10)[11])
    print(jnp.arange(10).at[11].add(23))
    print(jnp.arange(10.0).at[11].get())
    print(jnp.arange(10.0).at[11].get(mode="fill", fill_value=jnp.nan))
    # Repeated indices add up; arrays, masks and ellipses are indices.
    print(jnp.zeros(4).at[jnp.array([1, 1, 3])].add(jnp.array([1.0, 2.0, 4.0])))
    y = jnp.arange(12).reshape(3, 4)
    print(y[jnp.array([0, 2]), 1:3])
    print(y[..., -1], y[None, 0].shape)
    print(y.at[y > 5].set(0))
    print(y.at[0].multiply(10).at[:, 1].min(3))
    print(jit(lambda x, i: x.at[i].set(-1))(y, 1))
    print(grad(lambda x: (x.at[1].mul(3.0) ** 2).sum())(jnp.arange(3.0)))


@program
def control_flow():
    # What they mean, in Python.
    def cond(pred, true_fun, false_fun, operand):
        return true_fun(operand) if pred else false_fun(operand)

    def while_loop(cond_fun, body_fun, init_val):
        val = init_val
        while cond_fun(val):
            val = body_fun(val)
        return val

    def fori_loop(start, stop, body_fun, init_val):
        val = init_val
        for i in range(start, stop):
            val = body_fun(i, val)
        return val

    operand = jnp.array([0.0])
    up, down = lambda x: x + 1, lambda x: x - 1
    print(cond(True, up, down, operand), cond(False, up, down, operand))
    print(while_loop(lambda x: x < 10, up, jnp.array(0.0)), fori_loop(0, 10, lambda i, x: x + i, jnp.array(0)))
    print(lax.cond(True, lambda x: x + 1, lambda x: x - 1, jnp.array([0.0])))
    print(lax.cond(False, lambda x: x + 1, lambda x: x - 1, jnp.array([0.0])))
    print(lax.while_loop(lambda x: x < 10, lambda x: x + 1, jnp.array(0.0)))
    print(lax.fori_loop(0, 10, lambda i, x: x + i, jnp.array(0)))
    print(lax.switch(2, [lambda x: x, lambda x: x * 10, lambda x: x * 100], jnp.array(3)))
    print(jnp.select([jnp.array(False), jnp.array(True)], [jnp.array(1), jnp.array(2)], 3))
    # A scan: the carry and what each step gives.
    total, sums = lax.scan(lambda c, x: (c + x, c + x), jnp.array(0.0), jnp.arange(1.0, 6.0))
    print(total, sums)
    # Under jit, vmap and grad.
    collatz = lambda n: lax.while_loop(
        lambda s: s[0] > 1,
        lambda s: (lax.cond(s[0] % 2 == 1, lambda n: 3 * n + 1, lambda n: n // 2, s[0]), s[1] + 1),
        (n, jnp.array(0)),
    )[1]
    print(jit(vmap(collatz))(jnp.arange(1, 11)))
    newton = lambda x: lax.fori_loop(0, 5, lambda i, y: 0.5 * (y + x / y), x)
    print(newton(jnp.array(2.0)), grad(newton)(jnp.array(2.0)))
    print(jax.make_jaxpr(lambda x: lax.cond(x > 0, lambda x: x, lambda x: -x, x))(1.0))


@program
def numpy():
    x = jnp.arange(12.0).reshape(3, 4)
    print(x.T)
    print(jnp.sum(x, axis=0), x.mean(axis=1), x.std())
    print(jnp.max(x, axis=1, keepdims=True))
    print(x @ x.T)
    print(jnp.einsum("ij,kj->ik", x, x[:1]))
    print(jnp.outer(jnp.arange(3), jnp.arange(3)))
    print(jnp.where(x % 2 == 0, x, -x))
    print(jnp.concatenate([x[0], x[1]]), jnp.stack([x[0], x[1]], axis=1).shape)
    print(jnp.cumsum(jnp.array([1, 2, 3, 4])), jnp.diff(jnp.array([1, 4, 9])))
    y = jnp.array([3, 1, 2])
    print(jnp.sort(y), jnp.argsort(y), jnp.argmax(y))
    print(jnp.clip(jnp.array([-1.0, 0.5, 2.0]), 0, 1), jnp.round(jnp.array([0.5, 1.5, 2.5])))
    print(jnp.array([7, -7]) // 2, jnp.array([7, -7]) % 3, jnp.array([1, 2]) / 2)
    print(jnp.tril(jnp.ones((3, 3))), jnp.trace(jnp.eye(3)))
    print(jax.nn.softmax(jnp.array([1.0, 2.0, 3.0])), jax.nn.one_hot(jnp.array([0, 2]), 3))
    # Static and traced operations: shapes are known while tracing, values are not.
    print(jit(lambda x: x.reshape(-1) * x.shape[0])(jnp.ones((2, 2))))
    print(jnp.isnan(jnp.array([0.0, 1.0]) / 0.0), jnp.array(0.0) * jnp.inf)


@program
def random():
    from jax import random

    key = random.key(42)
    print(key)
    print(random.normal(key))
    print(random.normal(key))
    current = key
    for i in range(3):
        current, subkey = random.split(current)
        print(f"draw {i}:", random.normal(subkey))
    subkeys = random.split(key, 3)
    print("individually:", jnp.stack([random.normal(subkey) for subkey in subkeys]))
    print("mapped:", vmap(random.normal)(subkeys))
    print("all at once:", random.normal(key, (3,)))
    print(random.key_data(random.fold_in(key, 7)))
    walk = jit(lambda key: lax.fori_loop(0, 5, lambda i, at: at + random.normal(random.fold_in(key, i)), 0.0))
    print(f"{walk(key):.5f}")
    k1, k2, k3, k4, k5 = random.split(key, 5)
    print(random.uniform(k1, (2, 3)))
    print(random.randint(k2, (6,), 0, 10))
    print(random.permutation(k3, 8))
    print(random.bernoulli(k4, 0.5, (6,)))
    print(random.choice(k5, jnp.arange(5), (4,)))


@program
def debug():
    @jit
    def f(x):
        jax.debug.print("🤯 {x} 🤯", x=x)
        y = jnp.sin(x)
        jax.debug.print("🤯 {y} 🤯", y=y)
        return y

    f(2.0)
    jax.effects_barrier()

    # Under transformations: for every element, with the values of the way forward.
    def square(x):
        jax.debug.print("x: {}", x)
        return x**2

    vmap(square)(jnp.arange(3.0))
    lax.map(square, jnp.arange(3.0))
    jax.effects_barrier()
    grad(square)(1.0)

    # The way back: the gradient of a value.
    @jax.custom_vjp
    def print_grad(x):
        return x

    def print_grad_bwd(_, x_grad):
        jax.debug.print("x_grad: {}", x_grad)
        return (x_grad,)

    print_grad.defvjp(lambda x: (x, None), print_grad_bwd)
    grad(lambda x: print_grad(x) * 2.0)(1.0)
    jax.effects_barrier()

    # In the order of the program.
    @jit
    def ordered(x, y):
        jax.debug.print("x: {}", x, ordered=True)
        jax.debug.print("y: {}", y, ordered=True)
        return x + y

    ordered(1, 2)
    jax.effects_barrier()

    # In the branch that is taken.
    @jit
    def branches(x):
        report = lambda name: lambda x: jax.debug.print(name + ": {}", x)
        lax.cond(x > 0, report("positive"), report("not positive"), x)

    branches(1.0)
    branches(-1.0)
    jax.effects_barrier()

    # A function of the host that only looks.
    logged = []

    @jit
    def log(x):
        jax.debug.callback(lambda x: logged.append(float(x)), x)
        return x

    log(1.0)
    log(2.5)
    jax.effects_barrier()
    print(logged)

    # A pure function of the host, mapped in three ways.
    def callback(x, y):
        print(np.shape(x), np.shape(y))
        return np.asarray(x + y)

    def add(x, y, vmap_method):
        return jax.pure_callback(callback, jax.ShapeDtypeStruct((), jnp.float32), x, y, vmap_method=vmap_method)

    for vmap_method in ["sequential", "expand_dims", "broadcast_all"]:
        print(vmap(partial(add, vmap_method=vmap_method), in_axes=(0, None))(jnp.arange(4.0), jnp.array(1.0)))

    # One with a derivative.
    def host_sin(x):
        return jax.pure_callback(lambda x: np.sin(x), jax.ShapeDtypeStruct(x.shape, x.dtype), x)

    sine = jax.custom_jvp(host_sin)
    sine.defjvp(lambda primals, tangents: (sine(*primals), jnp.cos(primals[0]) * tangents[0]))
    print(jit(sine)(2.0), jit(grad(sine))(2.0))

    # A function of the host that does something.
    count = 0

    def next_number():
        nonlocal count
        count += 1
        return np.int32(count)

    numbers = jit(lambda: [jax.experimental.io_callback(next_number, jax.ShapeDtypeStruct((), jnp.int32), ordered=True) for _ in range(3)])
    print([int(n) for n in numbers()], [int(n) for n in numbers()])

    # Where a NaN was made.
    with jax.debug_nans(True):
        for function in [lambda x: x / 0.0, lambda x: jnp.log(x - 1.0) + 1.0]:
            try:
                # JAX says what it is about to do.
                with contextlib.redirect_stdout(io.StringIO()):
                    jit(function)(jnp.array(0.0))
            except FloatingPointError as error:
                print(str(error).splitlines()[0].split(".")[0])


@program
def stateful():
    class Counter:
        def __init__(self):
            self.n = 0

        def count(self):
            self.n += 1
            return self.n

        def reset(self):
            self.n = 0

    counter = Counter()
    for _ in range(3):
        print(counter.count())
    counter.reset()
    # Under jit the state stands still.
    fast_count = jit(counter.count)
    for _ in range(3):
        print(fast_count())
    # Explicit state.
    fast_count = jit(lambda n: (n + 1, n + 1))
    state = jnp.array(0)
    for _ in range(3):
        value, state = fast_count(state)
        print(value)

    # Linear regression.
    Params = namedtuple("Params", ("weight", "bias"))
    xs = jnp.arange(8.0).reshape(8, 1) / 8
    ys = xs * 3 - 1

    def loss(params, xs, ys):
        pred = params.weight * xs + params.bias
        return jnp.mean((pred - ys) ** 2)

    @jit
    def update(params, xs, ys):
        g = grad(loss)(params, xs, ys)
        return jax.tree.map(lambda param, g: param - 0.5 * g, params, g)

    params = Params(jnp.array(0.0), jnp.array(0.0))
    for _ in range(1000):
        params = update(params, xs, ys)
    print(f"weight {params.weight:.3f}, bias {params.bias:.3f}")

    # With the optimiser's state beside the parameters.
    @jit
    def momentum_step(params, velocity, xs, ys):
        value, g = jax.value_and_grad(loss)(params, xs, ys)
        velocity = jax.tree.map(lambda v, g: 0.9 * v + g, velocity, g)
        return jax.tree.map(lambda p, v: p - 0.1 * v, params, velocity), velocity, value

    params = Params(jnp.array(0.0), jnp.array(0.0))
    velocity = jax.tree.map(jnp.zeros_like, params)
    for step in range(300):
        params, velocity, value = momentum_step(params, velocity, xs, ys)
        if step % 100 == 0:
            print(f"step {step}: loss {value:.3f}")
    print(f"weight {params.weight:.3f}, bias {params.bias:.3f}")


def main():
    names = sys.argv[1:] or list(PROGRAMS)
    folder = pathlib.Path(__file__).parent / "expected"
    folder.mkdir(exist_ok=True)
    for name in names:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            PROGRAMS[name]()
        (folder / f"{name.rstrip('_')}.txt").write_text(out.getvalue())


if __name__ == "__main__":
    main()
