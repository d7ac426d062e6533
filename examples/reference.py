"""What the programs beside this file print, computed by JAX: `python reference.py [NAME…]` writes expected/NAME.txt for each.

They are the programs of JAX's documentation that the Rust ones were ported from, with the same data, sizes and keys.
"""

import contextlib
import io
import math
import pathlib
import sys

import jax
import jax.numpy as jnp
import numpy as np
from jax import grad, jit, lax, random, vmap
from jax.scipy.special import logsumexp

HERE = pathlib.Path(__file__).parent
PROGRAMS = {}


def program(function):
    PROGRAMS[function.__name__] = function
    return function


def digits():
    table = np.loadtxt(HERE / "data" / "digits.csv", delimiter=",", dtype=np.int32)
    return (table[:, :64] / 16).astype(np.float32), table[:, 64]


@program
def neural_network():
    layer_sizes = [64, 128, 64, 10]
    step_size, num_epochs, batch_size, num_train = 0.25, 10, 64, 1437

    def random_layer_params(m, n, key, scale=0.1):
        w_key, b_key = random.split(key)
        return scale * random.normal(w_key, (n, m)), scale * random.normal(b_key, (n,))

    def init_network_params(sizes, key):
        keys = random.split(key, len(sizes))
        return [random_layer_params(m, n, k) for m, n, k in zip(sizes[:-1], sizes[1:], keys)]

    def predict(params, image):
        activations = image
        for w, b in params[:-1]:
            activations = jax.nn.relu(jnp.dot(w, activations) + b)
        final_w, final_b = params[-1]
        logits = jnp.dot(final_w, activations) + final_b
        return logits - logsumexp(logits)

    batched_predict = vmap(predict, in_axes=(None, 0))

    @jit
    def accuracy(params, images, labels):
        return jnp.mean(jnp.argmax(batched_predict(params, images), axis=1) == labels)

    def loss(params, images, labels):
        targets = jax.nn.one_hot(labels, 10)
        return -jnp.sum(batched_predict(params, images) * targets, axis=1).mean()

    @jit
    def update(params, images, labels):
        value, grads = jax.value_and_grad(loss)(params, images, labels)
        return [(w - step_size * dw, b - step_size * db) for (w, b), (dw, db) in zip(params, grads)], value

    images, labels = digits()
    split_key, params_key, key = random.split(random.key(0), 3)
    order = np.asarray(random.permutation(split_key, len(labels)))
    train, test = order[:num_train], order[num_train:]
    params = init_network_params(layer_sizes, params_key)
    for epoch in range(num_epochs):
        key, shuffle_key = random.split(key)
        shuffled = train[np.asarray(random.permutation(shuffle_key, num_train))]
        losses = []
        for i in range(0, num_train - batch_size + 1, batch_size):
            batch = shuffled[i : i + batch_size]
            params, value = update(params, images[batch], labels[batch])
            losses.append(value)
        of_train = accuracy(params, images[train], labels[train])
        of_test = accuracy(params, images[test], labels[test])
        mean = jnp.stack(losses).mean()
        print(f"epoch {epoch}: loss {mean:.4f}, accuracy in training {of_train:.4f}, in the test {of_test:.4f}")


@program
def maml():
    layer_sizes = [1, 40, 40, 1]
    inner_step_size, step_size, num_steps, num_tasks, num_points = 0.1, 1e-3, 400, 8, 10

    def init(key):
        keys = random.split(key, len(layer_sizes) - 1)
        params = []
        for m, n, key in zip(layer_sizes[:-1], layer_sizes[1:], keys):
            w_key, b_key = random.split(key)
            w = jax.nn.initializers.glorot_normal()(w_key, (m, n))
            params.append((w, 0.01 * random.normal(b_key, (n,))))
        return params

    def predict(params, inputs):
        x = inputs
        for w, b in params[:-1]:
            x = jax.nn.relu(jnp.dot(x, w) + b)
        w, b = params[-1]
        return jnp.dot(x, w) + b

    def loss(params, inputs, targets):
        return jnp.mean((targets - predict(params, inputs)) ** 2)

    def inner_update(params, x1, y1):
        grads = grad(loss)(params, x1, y1)
        return jax.tree.map(lambda p, g: p - inner_step_size * g, params, grads)

    def maml_loss(params, task):
        x1, y1, x2, y2 = task
        return loss(inner_update(params, x1, y1), x2, y2)

    def batch_maml_loss(params, tasks):
        return vmap(maml_loss, in_axes=(None, 0))(params, tasks).mean()

    def sample_tasks(key):
        a_key, p_key, x1_key, x2_key = random.split(key, 4)
        amplitude = 0.5 + 1.5 * random.uniform(a_key, (num_tasks, 1, 1))
        phase = np.float32(np.pi) * random.uniform(p_key, (num_tasks, 1, 1))
        points = lambda key: 10.0 * random.uniform(key, (num_tasks, num_points, 1)) - 5.0
        wave = lambda x: amplitude * jnp.sin(x + phase)
        x1, x2 = points(x1_key), points(x2_key)
        return x1, wave(x1), x2, wave(x2)

    def adam(state, grads):
        i, params, mean, variance = state
        b1, b2 = 0.9, 0.999
        i = i + 1
        mean = jax.tree.map(lambda m, g: b1 * m + (1.0 - b1) * g, mean, grads)
        variance = jax.tree.map(lambda v, g: b2 * v + (1.0 - b2) * g * g, variance, grads)
        m_scale, v_scale = 1.0 - b1**i, 1.0 - b2**i
        update = lambda p, m, v: p - step_size * (m / m_scale) / (jnp.sqrt(v / v_scale) + 1e-8)
        return i, jax.tree.map(update, params, mean, variance), mean, variance

    @jit
    def step(state, key):
        value, grads = jax.value_and_grad(batch_maml_loss)(state[1], sample_tasks(key))
        return adam(state, grads), value

    def fine_tune(params, task):
        x1, y1, x2, y2 = task
        losses = [loss(params, x2, y2)]
        for _ in range(3):
            params = inner_update(params, x1, y1)
            losses.append(loss(params, x2, y2))
        return jnp.stack(losses)

    params_key, fresh_key, test_key, key = random.split(random.key(0), 4)
    params = init(params_key)
    zeros = jax.tree.map(jnp.zeros_like, params)
    state = (jnp.array(0), params, zeros, zeros)
    losses = []
    for _ in range(num_steps):
        key, step_key = random.split(key)
        state, value = step(state, step_key)
        losses.append(value)
    for i in range(0, num_steps, 100):
        print(f"steps {i:3} on: meta-loss {jnp.stack(losses[i : i + 100]).mean():.3f}")
    tasks = sample_tasks(test_key)
    for name, params in [("fresh", init(fresh_key)), ("meta-learnt", state[1])]:
        values = jit(vmap(fine_tune, in_axes=(None, 0)))(params, tasks).mean(axis=0)
        values = " ".join(f"{v:.3f}" for v in values)
        print(f"{name} parameters, losses after 0 to 3 steps on new waves: {values}")


@program
def dpsgd():
    step_size, noise_multiplier, l2_norm_clip = 2.0, 1.1, 1.0
    batch_size, num_epochs, num_train, delta = 128, 5, 1437, 1e-5

    def init(key):
        k1, k2, k3 = random.split(key, 3)
        glorot = jax.nn.initializers.glorot_normal()
        return {
            "kernel": glorot(k1, (3, 3, 1, 8)),
            "kernel_bias": jnp.zeros(8),
            "hidden": (glorot(k2, (128, 32)), jnp.zeros(32)),
            "output": (glorot(k3, (32, 10)), jnp.zeros(10)),
        }

    # The leaves in the order of the Rust struct's fields, which says which key draws the noise of which.
    FIELDS = ["kernel", "kernel_bias", "hidden", "output"]

    def predict(params, images):
        x = images.reshape(-1, 8, 8, 1)
        x = lax.conv_general_dilated(x, params["kernel"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.relu(x + params["kernel_bias"])
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        x = x.reshape(images.shape[0], 128)
        x = jax.nn.relu(jnp.dot(x, params["hidden"][0]) + params["hidden"][1])
        return jnp.dot(x, params["output"][0]) + params["output"][1]

    def loss(params, images, labels):
        log_p = jax.nn.log_softmax(predict(params, images))
        return -jnp.sum(log_p * jax.nn.one_hot(labels, 10), axis=1).mean()

    def clipped_grad(params, image, label):
        grads = grad(loss)(params, image[None], label[None])
        norm = jnp.sqrt(sum(jnp.sum(g**2) for f in FIELDS for g in jax.tree.leaves(grads[f])))
        divisor = jnp.maximum(norm / l2_norm_clip, 1.0)
        return jax.tree.map(lambda g: g / divisor, grads)

    def private_grad(params, images, labels, key):
        clipped = vmap(clipped_grad, in_axes=(None, 0, 0))(params, images, labels)
        leaves, structure = jax.tree.flatten(tuple(clipped[f] for f in FIELDS))
        noised = []
        for g, key in zip(leaves, random.split(key, len(leaves))):
            total = g.sum(axis=0)
            noise = l2_norm_clip * noise_multiplier * random.normal(key, total.shape)
            noised.append((total + noise) / batch_size)
        return dict(zip(FIELDS, jax.tree.unflatten(structure, noised)))

    @jit
    def update(params, images, labels, key):
        grads = private_grad(params, images, labels, key)
        return jax.tree.map(lambda p, g: p - step_size * g, params, grads)

    @jit
    def accuracy(params, images, labels):
        return jnp.mean(jnp.argmax(predict(params, images), axis=1) == labels)

    def epsilon(steps, rate, noise):
        def divergence(order):
            total = sum(
                math.comb(order, k) * (1 - rate) ** (order - k) * rate**k * math.exp((k * k - k) / (2 * noise**2))
                for k in range(order + 1)
            )
            return math.log(total) / (order - 1)

        return min(steps * divergence(order) - math.log(delta) / (order - 1) for order in range(2, 33))

    images, labels = digits()
    split_key, params_key, key = random.split(random.key(0), 3)
    order = np.asarray(random.permutation(split_key, len(labels)))
    train, test = order[:num_train], order[num_train:]
    params = init(params_key)
    num_batches = num_train // batch_size
    for epoch in range(1, num_epochs + 1):
        key, shuffle_key, noise_key = random.split(key, 3)
        shuffled = train[np.asarray(random.permutation(shuffle_key, num_train))]
        for i, noise_key in enumerate(random.split(noise_key, num_batches)):
            batch = shuffled[i * batch_size : (i + 1) * batch_size]
            params = update(params, images[batch], labels[batch], noise_key)
        value = jit(loss)(params, images[test], labels[test])
        share = accuracy(params, images[test], labels[test])
        spent = epsilon(epoch * num_batches, batch_size / num_train, noise_multiplier)
        print(f"epoch {epoch}: test loss {value:.4f}, test accuracy {share:.4f}, ε {spent:.3f} for δ 1e-5")


def main():
    names = sys.argv[1:] or list(PROGRAMS)
    (HERE / "expected").mkdir(exist_ok=True)
    for name in names:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            PROGRAMS[name]()
        (HERE / "expected" / f"{name}.txt").write_text(out.getvalue())


if __name__ == "__main__":
    main()
