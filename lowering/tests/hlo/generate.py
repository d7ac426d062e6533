#!/usr/bin/env python3
"""Writes what XLA serializes and prints of its modules, as pairs `NAME.hlo.pb` and `NAME.hlo.txt` beside this script.

`compiled_*` are programs that JAX compiles for the CPU, with the compiler's configuration (`HloModuleProtoWithConfig`), and what
`compiled.as_text()` gives; `parsed_*` are modules in XLA's own notation (`HloModuleProto`), for what its CPU compiler leaves of no program.
The latter are printed without sorting the keys of backend configurations, so `modules.py` has them in order.

Needs jax 0.10.2 (CPU). Run from anywhere: python3 generate.py
"""

import os
import pathlib

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
from jaxlib import _hlo

import modules

HERE = pathlib.Path(__file__).parent
jax.config.update("jax_hlo_source_file_canonicalization_regex", ".*/")

x = np.ones((3, 4), np.float32)
i = np.ones((3, 4), np.int32)
z = np.ones((8,), np.complex64)
img = np.ones((2, 3, 8, 8), np.float32)
ker = np.ones((4, 3, 3, 3), np.float32)
mesh = Mesh(np.array(jax.devices()[:4]).reshape(2, 2), ("a", "b"))


def mlp(params, x, y):
    for w, b in params:
        x = jnp.tanh(x @ w + b)
    return jnp.mean((x - y) ** 2)


params = [(np.ones((4, 8), np.float32), np.ones((8,), np.float32)), (np.ones((8, 2), np.float32), np.ones((2,), np.float32))]


def step(params, x, y):
    return jax.tree.map(lambda p, g: p - 0.1 * g, params, jax.grad(mlp)(params, x, y))


def print_it(x):
    jax.debug.print("{}", x)
    return x + 1


COMPILED = {
    "elementwise": (lambda x, y: jnp.sin(x) * y + 2.5, (x, x)),
    "dot": (lambda x: (x @ x.T, jnp.einsum("bij,bjk->bik", jnp.stack([x, x]), jnp.stack([x.T, x.T])),
                       jnp.dot(x, x.T, precision="highest")), (x,)),
    "conv": (lambda a, k: (lax.conv_general_dilated(a, k, (2, 2), "SAME"), lax.conv_general_dilated(
        a, k, (1, 1), [(1, 0), (0, 2)], lhs_dilation=(1, 2), rhs_dilation=(2, 1)), lax.conv_general_dilated(
        a, jnp.ones((6, 1, 3, 3)), (1, 1), "VALID", feature_group_count=3)), (img, ker)),
    "conv_grad": (jax.grad(lambda a, k: lax.conv_general_dilated(a, k, (1, 2), [(1, 1), (0, 2)]).sum(), (0, 1)), (img, ker)),
    "reduce": (lambda x: (x.sum(), x.max(1), jnp.argmax(x, 1), jnp.any(x > 0), jnp.cumsum(x, 0), jax.nn.softmax(x)), (x,)),
    "windows": (lambda a: (lax.reduce_window(a, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID"), jax.grad(
        lambda a: lax.reduce_window(a, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID").sum())(a)), (img,)),
    "loops": (lambda x: (lax.fori_loop(0, 5, lambda k, c: c * 2 + k, x), lax.scan(lambda c, y: (c + y, c * y), x[0], x),
                         lax.while_loop(lambda c: c[0] < x[0, 0], lambda c: (c[0] + 1, c[1] * 2), (0, x))), (x,)),
    "branches": (lambda x: (lax.cond(x[0, 0] > 0, lambda: x @ x.T, lambda: x @ x.T - 1), lax.switch(
        jnp.int32(x[0, 0]), [lambda: x.sum(), lambda: x[1].max(), lambda: 3.0])), (x,)),
    "indexing": (lambda x, i: (x[i[0]], x.at[i[0]].add(1.0), jnp.take_along_axis(x, i, axis=1), x[i[0, 0]],
                               lax.dynamic_update_slice(x, x[:1], (i[0, 0], 0))), (x, i)),
    "shapes": (lambda x: (x.T, x.reshape(2, 6), x[1:, ::2], jnp.concatenate([x, x], 1), jnp.flip(x, 0), jnp.arange(7),
                          lax.pad(x, 0.0, [(1, 2, 0), (0, -1, 1)]), jnp.broadcast_to(x[0], (2, 4))), (x,)),
    "sort": (lambda x: (lax.sort((x, -x), num_keys=1), lax.top_k(x, 2), jnp.argsort(x)), (x,)),
    "fft": (lambda z: (jnp.fft.fft(z), jnp.fft.rfft(jnp.real(z)), jnp.fft.irfft(z), jnp.fft.ifft2(z.reshape(2, 4))), (z,)),
    "random": (lambda k: (jax.random.bits(k, (3,)), lax.rng_uniform(0.0, 1.0, (3,))), (jax.random.PRNGKey(0),)),
    "constants": (lambda: (np.array([1.0, 2.5, np.inf, -np.inf, np.nan, -0.0, 1e30, 1e-5, 123456789.0, 0.1, 0.7], np.float32),
                           np.array([[1 / 3, 1e100], [5e-324, 1e16]], np.float64), np.arange(5).astype(jnp.int4),
                           np.array([1 + 2j, -3.5j, complex(np.inf, np.nan)], np.complex64),
                           np.array([448, 0.1, np.nan], jnp.float8_e4m3fn), np.array([0.1, 57344], jnp.float8_e5m2),
                           np.array([[[1, 2], [3, 4]], [[5, 6], [7, 8]]], np.uint8), np.array([0.5, 0.3, 1e30], jnp.bfloat16),
                           np.array([0.1, 65504, 6e-8], np.float16), np.array([True, False]), np.array([-1, 200], np.int16),
                           np.array([2**64 - 1], np.uint64), np.array([-2**63], np.int64), np.zeros((0, 3), np.float32),
                           np.array(7, np.int32), np.array(True), np.array([[True, False, True]]),
                           np.arange(40, dtype=np.float32) * 1.5), ()),
    "narrow": (lambda x: (x.astype(jnp.bfloat16) * 2, x.astype(jnp.float16) + 1, x.astype(jnp.int4), x.astype(jnp.float8_e5m2),
                          lax.reduce_precision(x, 5, 10), lax.bitcast_convert_type(x, jnp.int32)), (x,)),
    "integers": (lambda i: (i // 3, i % 3, i << 2, lax.shift_right_logical(i, 1), ~i, lax.population_count(i), lax.clz(i),
                            i.astype(jnp.uint8), i != 0), (i,)),
    "complexes": (lambda z: (jnp.abs(z), z * z, jnp.exp(z), lax.complex(jnp.real(z), jnp.imag(z)), z == z), (z,)),
    "linalg": (lambda x: (jnp.linalg.cholesky(x @ x.T), jnp.linalg.svd(x)), (x,)),
    "training_step": (jax.value_and_grad(mlp), (params, np.ones((6, 4), np.float32), np.ones((6, 2), np.float32))),
    "callback": (print_it, (x,)),
    "barrier": (lambda x: lax.optimization_barrier((x, x + 1)), (x,)),
    "empty": (lambda: (), ()),
    "tuple_of_one": (lambda x: (x + 1,), (x,)),
    "accuracy": (lambda x: (lax.exp(x, accuracy=lax.AccuracyMode.HIGHEST), lax.tanh(x, accuracy=lax.Tolerance(1e-3, 0.0, 2))), (x,)),
}


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def with_config(executable):
    """The `HloModuleProtoWithConfig` inside a serialized executable: the module with the message that follows it."""
    data, module = executable.serialize(), executable.hlo_modules()[0].as_serialized_hlo_module_proto()
    start = data.index(module)
    assert data[start + len(module)] == 0x12
    size, at = varint(data, start + len(module) + 1)
    start -= 1 + (len(module).bit_length() + 6) // 7
    assert data[start] == 0x0A
    return data[start:at + size]


def write(name, message, text):
    (HERE / f"{name}.hlo.pb").write_bytes(message)
    (HERE / f"{name}.hlo.txt").write_text(text)


def compiled(name, function, args):
    program = function.lower(*args).compile()
    write(f"compiled_{name}", with_config(program.runtime_executable()), program.as_text())


with jax.enable_x64():
    compiled("constants", jax.jit(COMPILED.pop("constants")[0]), ())
for name, (f, args) in COMPILED.items():
    compiled(name, jax.jit(f), args)
compiled("donation", jax.jit(lambda a, b: (a + b, b * 2), donate_argnums=0), (x, x))
compiled("donated_step", jax.jit(step, donate_argnums=0), (params, np.ones((6, 4), np.float32), np.ones((6, 2), np.float32)))
ones = np.ones((4, 4), np.float32)
sharded = NamedSharding(mesh, P("a", "b"))
compiled("sharded", jax.jit(lambda a: jnp.sin(a) @ a.T, in_shardings=sharded, out_shardings=NamedSharding(mesh, P("a"))), (ones,))
compiled("collectives", jax.jit(jax.shard_map(
    lambda a: (lax.psum(a, "a"), lax.all_gather(a, "b"), lax.ppermute(a, "a", [(0, 1), (1, 0)]),
               lax.psum_scatter(a, "b", tiled=True), lax.all_to_all(a, "b", 0, 1, tiled=True), a + lax.axis_index("a")),
    mesh=mesh, in_specs=P("a", "b"), out_specs=P("a", "b"), check_vma=False)), (ones,))
compiled("replicas", jax.pmap(lambda a: lax.pmean(a, "i"), "i"), (np.ones((4, 3), np.float32),))

for name, text in modules.MODULES.items():
    message = _hlo.hlo_module_from_text(text).as_serialized_hlo_module_proto()
    write(f"parsed_{name}", message, _hlo.HloModule.from_serialized_hlo_module_proto(message).to_string())
