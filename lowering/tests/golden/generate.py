#!/usr/bin/env python3
"""Writes the modules that JAX lowers these functions to, one file each, beside this script.

Needs jax 0.10.2 (CPU). Run from anywhere: python3 generate.py
"""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

HERE = pathlib.Path(__file__).parent
x = jnp.ones((3, 4), jnp.float32)
v = jnp.ones((5,), jnp.float32)
i = jnp.ones((3, 4), jnp.int32)
z = jnp.ones((4,), jnp.complex64)


def mlp(params, x, y):
    for w, b in params:
        x = jnp.tanh(x @ w + b)
    return jnp.mean((x - y) ** 2)


params = [(jnp.ones((4, 8)), jnp.ones((8,))), (jnp.ones((8, 2)), jnp.ones((2,)))]
img = jnp.ones((2, 3, 8, 8))
ker = jnp.ones((4, 3, 3, 3))

CASES = {
    "unary": (lambda x: (jnp.sin(x), lax.cos(x), lax.tan(x), jnp.exp(x), jnp.expm1(x), jnp.log1p(x), lax.rsqrt(x),
                         lax.logistic(x), lax.erf(x), lax.erf_inv(x), lax.lgamma(x), lax.digamma(x), lax.cbrt(x),
                         lax.asinh(x), lax.atan(x), lax.acosh(x), jnp.isfinite(x), jnp.sign(x), jnp.round(x)), (x,)),
    "integers": (lambda i: (i + 1, i // 3, i % 3, i << 2, i >> 1, lax.shift_right_logical(i, 1), ~i, i & 7, i | 1,
                            lax.population_count(i), lax.clz(i), i.astype(jnp.uint8), i != 0), (i,)),
    "complexes": (lambda z: (jnp.real(z), jnp.imag(z), jnp.abs(z), jnp.conj(z), lax.complex(jnp.real(z), jnp.imag(z)),
                             jnp.fft.fft(z), jnp.fft.rfft(jnp.real(z)), jnp.fft.irfft(z)), (z,)),
    "constants": (lambda: (np.array([1.0, 2.5, np.inf, np.nan, 1e30, 1e-5, 123456789.0, 0.1, 0.7], np.float32),
                           np.arange(101) % 3 == 0, np.arange(101).astype(jnp.int4),
                           (np.arange(101) * (1 + 2j)).astype(np.complex64), np.array([448, np.nan], jnp.float8_e4m3fn),
                           np.arange(6, dtype=np.uint8).reshape(2, 3), np.full((3,), 2.5, np.float32),
                           np.zeros((0, 3), np.float32), np.array([0.5, 0.3], jnp.bfloat16), np.array([True, False]),
                           np.array([1 + 2j, 3], np.complex64), np.array([-1, 200], np.int16)), ()),
    "shapes": (lambda x: (x.T, x.reshape(2, 6), x[1:, ::2], jnp.concatenate([x, x], 1), jnp.flip(x, 0), jnp.arange(7),
                          lax.pad(x, 0.0, [(1, 2, 0), (0, -1, 1)]), jnp.broadcast_to(x[0], (2, 4)),
                          lax.dynamic_slice(x, (1, 2), (2, 2)), lax.dynamic_update_slice(x, x[:1], (1, 0))), (x,)),
    "reductions": (lambda x: (x.sum(), x.max(1), x.prod(0), jnp.argmax(x, 1), jnp.any(x > 0), jnp.cumsum(x, 0),
                              lax.reduce_window(x, -jnp.inf, lax.max, (2, 2), (1, 1), "VALID"),
                              jax.nn.softmax(x), jax.nn.logsumexp(x, axis=1)), (x,)),
    "indexing": (lambda x: (x[jnp.array([0, 2])], x.at[jnp.array([0, 1])].add(1.0), jnp.take_along_axis(
        x, jnp.argsort(x, axis=1), axis=1), lax.sort((x, -x), num_keys=1), lax.top_k(x, 2)), (x,)),
    "control": (lambda x: (lax.fori_loop(0, 5, lambda k, c: c * 2 + k, x), lax.scan(lambda c, y: (c + y, c * y), x[0], x),
                           lax.cond(x[0, 0] > 0, lambda: x + 1, lambda: x - 1),
                           lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * 2), (0, x)),
                           lax.switch(jnp.int32(x[0, 0]), [lambda: 1.0, lambda: 2.0, lambda: 3.0])), (x,)),
    "products": (lambda x: (x @ x.T, jnp.einsum("bij,bjk->bik", jnp.stack([x, x]), jnp.stack([x.T, x.T])),
                            jnp.dot(x, x.T, precision="highest"),
                            lax.dot_general(x, x.T, (((1,), (0,)), ((), ())), preferred_element_type=jnp.float32)), (x,)),
    "convolution": (lambda a, k: lax.conv_general_dilated(a, k, (2, 2), "SAME"), (img, ker)),
    "convolution_grad": (jax.grad(lambda a, k: lax.conv_general_dilated(
        a, k, (1, 2), [(1, 1), (0, 2)], rhs_dilation=(2, 1)).sum(), (0, 1)), (img, ker)),
    "pooling_grad": (jax.grad(lambda a: lax.reduce_window(a, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2),
                                                          "VALID").sum()), (img,)),
    "random": (lambda: (jax.random.normal(jax.random.key(0), (3,)), jax.random.split(jax.random.PRNGKey(1)),
                        jax.random.permutation(jax.random.key(2), 8)), ()),
    "rng_bits": (lambda k: lax.rng_bit_generator(k, (4,), jnp.uint32), (jnp.zeros((4,), jnp.uint32),)),
    "training_step": (jax.value_and_grad(mlp), (params, jnp.ones((6, 4)), jnp.ones((6, 2)))),
    "linear_algebra": (lambda x: (jnp.linalg.cholesky(x @ x.T), jnp.linalg.svd(x, full_matrices=False)), (x,)),
    "precision": (lambda x: (lax.reduce_precision(x, 5, 10), lax.bitcast_convert_type(x, jnp.int32),
                             x.astype(jnp.bfloat16), x.astype(jnp.float8_e5m2), lax.clamp(0.0, x, 1.0),
                             lax.optimization_barrier((x, x + 1)), lax.nextafter(x, x + 1)), (x,)),
    "compare": (lambda x: (x < 1, x == 2, jnp.where(x > 0, x, -x), lax.select(x > 1, x, x * 2), jnp.maximum(x, 0.5),
                           jnp.nan_to_num(x)), (x,)),
}


def write(name, text):
    (HERE / f"{name}.mlir").write_text(text)


for name, (f, args) in CASES.items():
    write(name, jax.jit(f).lower(*args).as_text())
write("donation", jax.jit(lambda a, b: (a + b, b * 2), donate_argnums=0).lower(x, x).as_text())
located = jax.jit(lambda a: jnp.sin(a) + 1).lower(x).as_text(debug_info=True)
write("locations", located.replace(f"{HERE}/", ""))
f = lambda a: (lax.linalg.triangular_solve(a @ a.T, a, left_side=True, lower=True), lax.linalg.cholesky(a @ a.T))
write("tpu_linear_algebra", jax.jit(f).trace(x).lower(lowering_platforms=("tpu",)).as_text())
