"""Writes golden.txt: what JAX's make_jaxpr prints for every program below.

    python generate.py          (needs jax 0.10.2)

Each program has a twin of the same name in ../jaxprs.rs, which is traced with arguments of the same types and must print
the same text. Left out is what differs on purpose: arrays that a jitted function captures are operands of its call, in JAX they
stay constants of its jaxpr; and `conj` has no input_dtype, because it takes complex numbers only.
"""

import pathlib
import re

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

PROGRAMS = {}


def program(name, *args):
    def add(f):
        assert name not in PROGRAMS, name
        f.__name__ = "<lambda>"
        PROGRAMS[name] = (f, args)

    return add


def f32(*shape):
    return np.zeros(shape, np.float32)


def i32(*shape):
    return np.zeros(shape, np.int32)


def u32(*shape):
    return np.zeros(shape, np.uint32)


def c64(*shape):
    return np.zeros(shape, np.complex64)


def boolean(*shape):
    return np.zeros(shape, np.bool_)


# One primitive each.
for name in """neg sign floor ceil is_finite exp exp2 log expm1 log1p tanh logistic sin cos tan asin acos atan sinh cosh asinh acosh
               atanh cbrt sqrt rsqrt square abs erf erfc erf_inv lgamma digamma bessel_i1e""".split():
    program(name, f32(3))(getattr(lax, name))
for name in "real imag".split():
    program(name, c64(3))(getattr(lax, name))
for name in "bitwise_not population_count clz".split():
    program(name, i32(3))(getattr(lax, name))
for name in "add sub mul div rem max min pow atan2 nextafter complex eq ne lt le gt ge polygamma".split():
    program(name, f32(2, 3), f32(2, 3))(getattr(lax, name))
for name in "bitwise_and bitwise_or bitwise_xor shift_left shift_right_arithmetic shift_right_logical".split():
    program(name, i32(3), i32(3))(getattr(lax, name))
program("integer_pow", f32(3))(lambda x: lax.integer_pow(x, 3))
program("round", f32(3))(lambda x: lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN))
program("convert_element_type", f32(3))(lambda x: lax.convert_element_type(x, jnp.int32))
program("bitcast_convert_type", f32(3))(lambda x: lax.bitcast_convert_type(x, jnp.int32))
program("reduce_precision", f32(3))(lambda x: lax.reduce_precision(x, 5, 10))
program("stop_gradient", f32(3))(lax.stop_gradient)
program("broadcast_in_dim", f32(3))(lambda x: lax.broadcast_in_dim(x, (2, 3), (1,)))
program("broadcast_scalar", f32())(lambda x: lax.broadcast_in_dim(x, (2, 3), ()))
program("reshape", f32(2, 3))(lambda x: lax.reshape(x, (6,)))
program("transpose", f32(2, 3))(lambda x: lax.transpose(x, (1, 0)))
program("squeeze", f32(1, 3))(lambda x: lax.squeeze(x, (0,)))
program("expand_dims", f32(3))(lambda x: lax.expand_dims(x, (0, 2)))
program("rev", f32(3))(lambda x: lax.rev(x, (0,)))
program("iota")(lambda: lax.broadcasted_iota(jnp.int32, (2, 3), 1))
program("concatenate", f32(2), f32(3))(lambda x, y: lax.concatenate([x, y], 0))
program("pad", f32(2, 3))(lambda x: lax.pad(x, np.float32(0), [(0, 1, 0), (-1, 0, 2)]))
program("split", f32(5))(lambda x: lax.split(x, (2, 3)))
program("slice", f32(5))(lambda x: lax.slice(x, (1,), (4,)))
program("slice_strided", f32(5, 4))(lambda x: lax.slice(x, (1, 0), (4, 4), (2, 1)))
program("dynamic_slice", f32(5), u32())(lambda x, i: lax.dynamic_slice(x, (i,), (2,)))
program("dynamic_slice_signed", f32(5, 4), i32())(lambda x, i: lax.dynamic_slice(x, (i, 1), (2, 3)))
program("dynamic_update_slice", f32(5), f32(2), u32())(lambda x, y, i: lax.dynamic_update_slice(x, y, (i,)))
program("gather", f32(5, 4), i32(2, 1))(
    lambda x, i: lax.gather(
        x,
        i,
        lax.GatherDimensionNumbers(offset_dims=(1,), collapsed_slice_dims=(0,), start_index_map=(0,)),
        (1, 4),
        mode=lax.GatherScatterMode.CLIP,
    )
)
program("scatter", f32(5, 4), i32(2, 1), f32(2, 4))(
    lambda x, i, u: lax.scatter(
        x,
        i,
        u,
        lax.ScatterDimensionNumbers(update_window_dims=(1,), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,)),
        mode=lax.GatherScatterMode.FILL_OR_DROP,
    )
)
program("scatter_add", f32(5, 4), i32(2, 1), f32(2, 4))(
    lambda x, i, u: lax.scatter_add(
        x,
        i,
        u,
        lax.ScatterDimensionNumbers(update_window_dims=(1,), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,)),
        mode=lax.GatherScatterMode.CLIP,
    )
)
program("select_n", boolean(3), f32(3), f32(3))(lambda p, x, y: lax.select_n(p, x, y))
program("select", boolean(3), f32(3), f32(3))(lax.select)
program("clamp", f32(), f32(3), f32())(lax.clamp)
for name in "reduce_sum reduce_prod reduce_max reduce_min".split():
    program(name, f32(2, 3, 4))(lambda x, name=name: getattr(lax, name)(x, (0, 2)))
for name in "reduce_and reduce_or reduce_xor".split():
    program(name, boolean(2, 3))(lambda x, name=name: getattr(lax, name)(x, (1,)))
program("argmax", f32(2, 3))(lambda x: lax.argmax(x, 1, jnp.int32))
program("argmin", f32(2, 3))(lambda x: lax.argmin(x, 0, jnp.int32))
program("reduce_general", f32(2, 3), f32())(lambda x, i: lax.reduce(x, i, lambda a, b: a + b * a, (1,)))
program("reduce_variadic", f32(2, 3), i32(2, 3), f32(), i32())(
    lambda x, y, i, j: lax.reduce((x, y), (i, j), lambda a, b: (a[0] + b[0], lax.max(a[1], b[1])), (0,))
)
program("reduce_monoid", f32(2, 3))(lambda x: lax.reduce(x, np.float32(0), lax.add, (1,)))
program("reduce_monoid_with_init", f32(2, 3), f32())(lambda x, i: lax.reduce(x, i, lax.max, (1,)))
program("dot_general", f32(2, 3), f32(3, 4))(lambda x, y: lax.dot_general(x, y, (((1,), (0,)), ((), ()))))
program("dot_general_batch", f32(5, 2, 3), f32(5, 3, 4))(
    lambda x, y: lax.dot_general(x, y, (((2,), (1,)), ((0,), (0,))), precision=lax.Precision.HIGHEST, preferred_element_type=jnp.float32)
)
program("sort", f32(3, 2))(lambda x: lax.sort(x, dimension=0))
program("sort_two", f32(3), i32(3))(lambda x, y: lax.sort((x, y), dimension=0, num_keys=1))
program("top_k", f32(5))(lambda x: lax.top_k(x, 2))

# Literals, weak types, unused and repeated variables, many variables.
program("literals", f32(3))(lambda x: lax.mul(lax.add(x, np.float32(1.5)), np.float32(-2)))
program("literal_results", f32(3))(lambda x: (x, 1.0, 2))
program("weak_argument", 1.0)(lambda x: lax.mul(x, lax.sin(x)))
program("unused", f32(3), f32(2))(lambda x, y: (lax.sin(x), lax.cos(y))[0])
program("same_result_twice", f32(3))(lambda x: (x, lax.sin(x), x))
program("no_equations", f32(3), i32(2))(lambda x, y: (y, x))
program("nothing")(lambda: ())


@program("many_variables", f32())
def _(x):
    for _ in range(40):
        x = lax.add(lax.sin(x), x)
    return x


# Constants: what a function captures.
CAPTURED = jnp.arange(3, dtype=jnp.float32)
program("captured", f32(3))(lambda x: lax.mul(lax.add(x, CAPTURED), CAPTURED))
program("captured_in_cond", f32(3), boolean())(
    lambda x, p: lax.cond(p, lambda y: lax.mul(y, CAPTURED), lambda y: lax.add(y, x), x)
)


# Calls.
@jax.jit
def double(x):
    return lax.add(x, x)


@jax.jit
def twice(x):
    return double(double(x))


@jax.jit
def long(x):
    for _ in range(12):
        x = lax.sin(x)
    return x


program("jit", f32(3))(lambda x: double(x))
program("jit_twice", f32(3))(lambda x: lax.mul(double(x), double(x)))
program("jit_nested", f32(3))(lambda x: twice(x))
program("jit_of_two_types", f32(3), f32(2))(lambda x, y: (double(x), double(y)))
program("jit_long", f32(3))(lambda x: long(x))
program("jit_unused", f32(3), f32(2))(lambda x, y: jax.jit(lambda x, y: lax.sin(x))(x, y))
program("jit_forwards", f32(3))(lambda x: jax.jit(lambda x: (x, lax.sin(x)))(x))

# Control flow.
program("cond", f32(), boolean())(lambda x, p: lax.cond(p, lax.sin, lax.cos, x))
program("cond_of_number", f32())(lambda x: lax.cond(x, lambda x: lax.sin(x), lambda x: lax.neg(x), x))
program("cond_forwards", f32(), f32(), boolean())(
    lambda x, y, p: lax.cond(p, lambda o: (o[0], lax.sin(o[1])), lambda o: (o[0], o[1]), (x, y))
)
program("switch", f32(3), i32())(
    lambda x, i: lax.switch(i, [lax.sin, lambda x: lax.mul(x, x), lambda x: x], x)
)
program("switch_of_one", f32(3), i32())(lambda x, i: lax.switch(i, [lax.sin], x))
program("while_loop", f32())(lambda x: lax.while_loop(lambda x: lax.lt(x, np.float32(10)), lambda x: lax.mul(x, x), x))
program("while_loop_captures", f32(), f32(), f32(3))(
    lambda x, end, by: lax.while_loop(
        lambda c: lax.lt(c[0], end), lambda c: (lax.mul(c[0], c[0]), lax.add(c[1], by)), (x, by)
    )
)
program("while_loop_forwards", f32(), f32(), f32())(
    lambda x, y, z: lax.while_loop(lambda c: lax.lt(c[0], c[1]), lambda c: (lax.mul(c[0], c[2]), c[1], c[2]), (x, y, z))
)
program("fori_loop", f32())(lambda x: lax.fori_loop(2, 5, lambda i, c: lax.mul(c, x), lax.sin(x)))
program("fori_loop_counter", f32())(lambda x: lax.fori_loop(0, 3, lambda i, c: lax.add(c, lax.convert_element_type(i, jnp.float32)), x))
program("fori_loop_traced", f32(), i32())(lambda x, n: lax.fori_loop(0, n, lambda i, c: lax.mul(c, c), x))
program("fori_loop_traced_unsigned", f32(), u32(), u32())(lambda x, m, n: lax.fori_loop(m, n, lambda i, c: lax.mul(c, c), x))
program("fori_loop_unrolled", f32())(lambda x: lax.fori_loop(0, 4, lambda i, c: lax.mul(c, c), x, unroll=2))
program("scan", f32(), f32(4, 3), f32(4))(
    lambda c, xs, ys: lax.scan(
        lambda c, xy: (lax.add(lax.mul(c, xy[1]), lax.reduce_sum(xy[0], (0,))), lax.sin(xy[0])), c, (xs, ys)
    )
)
program("scan_captures", f32(3), f32(4, 3), f32(3))(
    lambda c, xs, w: lax.scan(lambda c, x: (lax.add(lax.mul(c, w), x), None), c, xs)
)
program("scan_length", f32())(lambda c: lax.scan(lambda c, _: (lax.sin(c), c), c, None, length=3))
program("scan_reverse_unroll", f32(), f32(5))(
    lambda c, xs: lax.scan(lambda c, x: (lax.add(c, x), c), c, xs, reverse=True, unroll=2)
)
program("scan_unroll_all", f32(), f32(5))(lambda c, xs: lax.scan(lambda c, x: (lax.add(c, x), c), c, xs, unroll=0))
program("scan_forwards", f32(), f32(), f32(4))(
    lambda c, d, xs: lax.scan(lambda c, x: ((lax.mul(c[0], c[1]), c[1]), (x, lax.sin(x))), (c, d), xs)
)
program("scan_weak_carry", f32(4))(lambda xs: lax.scan(lambda c, x: (lax.add(lax.convert_element_type(c, jnp.float32), x), None), 0.0, xs)[0])
program("map", f32(4, 3))(lambda xs: lax.map(lambda x: lax.mul(lax.sin(x), x), xs))
program("nested_loops", f32(4, 3))(
    lambda xs: lax.scan(lambda c, x: lax.scan(lambda c, y: (lax.add(c, y), lax.mul(c, y)), c, x), np.float32(0), xs)
)
program("associative_scan", f32(5))(lambda xs: lax.associative_scan(lax.add, xs))

# Transformations.
program("jvp", f32(3), f32(3))(lambda x, t: jax.jvp(lambda x: lax.mul(lax.sin(x), x), (x,), (t,)))
program("vjp_of_sin", f32(3), f32(3))(lambda x, c: jax.vjp(lax.sin, x)[1](c)[0])
program("grad_of_sum", f32(3))(jax.grad(lambda x: lax.reduce_sum(lax.mul(x, x), (0,))))
program("vmap_of_dot", f32(5, 3), f32(5, 3))(jax.vmap(lambda x, y: lax.dot_general(x, y, (((0,), (0,)), ((), ())))))
program("vmap_of_one_argument", f32(5, 3), f32(3))(jax.vmap(lambda x, y: lax.add(x, y), in_axes=(0, None)))
program("vmap_out_axes", f32(5, 3))(jax.vmap(lax.sin, out_axes=1))
program("vmap_of_dynamic_slice", f32(5, 4), u32(5))(jax.vmap(lambda x, i: lax.dynamic_slice(x, (i,), (2,))))
program("vmap_of_dynamic_update_slice", f32(5, 4), f32(5, 2), u32(5))(
    jax.vmap(lambda x, y, i: lax.dynamic_update_slice(x, y, (i,)))
)
program("vmap_of_scan", f32(5), f32(5, 4))(jax.vmap(lambda c, xs: lax.scan(lambda c, x: (lax.add(c, x), lax.mul(c, x)), c, xs)))
program("vmap_of_jit", f32(5, 3))(jax.vmap(lambda x: double(x)))
program("vmap_of_cond", f32(5), boolean())(lambda x, p: jax.vmap(lambda x: lax.cond(p, lax.sin, lax.cos, x))(x))


def normalised(text):
    # The Python function behind a general reduce has no counterpart, JAX sometimes prints numbers as NumPy objects, and leaves a blank at
    # the end of a line whose equation has no operands.
    text = re.sub(r" +\n", "\n", text)
    text = re.sub(r"\n *computation=<function .*>", "", text)
    return re.sub(r"np\.int64\((-?\d+)\)", r"\1", text)


def main():
    out = []
    for name, (f, args) in PROGRAMS.items():
        jax.clear_caches()
        out.append(f"## {name}\n{normalised(str(jax.make_jaxpr(f)(*args)))}\n")
    path = pathlib.Path(__file__).with_name("golden.txt")
    path.write_text("".join(out))
    print(f"{len(out)} programs written to {path.name}")


if __name__ == "__main__":
    main()
