"""Writes data/promotion.txt: the dtype in which every pair of dtypes meets in JAX, weak ones (marked *) too; ! where they do not.

Run with the environment variable JAX_PLATFORMS=cpu; the table was made with jax 0.10.2.
"""
import itertools
import pathlib

import jax
import jax.numpy as jnp
from jax._src import dtypes

STRONG = """bool int2 int4 int8 int16 int32 int64 uint2 uint4 uint8 uint16 uint32 uint64 bfloat16 float16 float32 float64
complex64 complex128 float8_e4m3fn float8_e5m2""".split()
WEAK = {"int*": 0, "float*": 0.0, "complex*": 0j}
ABSENT = {"int64", "uint64", "float64", "complex128"}  # without x64


def struct(name):
    return WEAK[name] if name in WEAK else jax.ShapeDtypeStruct((), jnp.dtype(name))


def met(a, b):
    try:
        dtype, weak = dtypes.lattice_result_type(struct(a), struct(b))
        dtype = dtypes.canonicalize_dtype(dtype, allow_extended_dtype=True)
    except dtypes.TypePromotionError:
        return "!"
    return f"{dtype.name}{'*' if weak else ''}"


lines = []
for x64 in (False, True):
    jax.config.update("jax_enable_x64", x64)
    names = [name for name in STRONG if x64 or name not in ABSENT] + list(WEAK)
    for a, b in itertools.product(names, names):
        lines.append(f"{int(x64)} {a} {b} {met(a, b)}")
(pathlib.Path(__file__).parent / "data" / "promotion.txt").write_text("\n".join(lines) + "\n")
