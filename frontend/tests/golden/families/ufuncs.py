"""Functions of jax.numpy element by element."""

import jax.numpy as jnp
import numpy as np

from golden import array, booleans, case, integers, uniform

FLOATS = ["f32", "bf16", "f16", "f64"]
SIGNED = ["i8", "i16", "i32", "i64"]


def cases():
    smooth = [
        (jnp.exp, -3, 3), (jnp.exp2, -3, 3), (jnp.expm1, -3, 3), (jnp.log, 0.1, 5), (jnp.log1p, -0.8, 5), (jnp.log2, 0.1, 5),
        (jnp.log10, 0.1, 5), (jnp.sqrt, 0.1, 5), (jnp.sin, -6, 6), (jnp.cos, -6, 6), (jnp.tan, -1.4, 1.4),
        (jnp.arcsin, -0.9, 0.9), (jnp.arccos, -0.9, 0.9), (jnp.arctan, -5, 5), (jnp.sinh, -3, 3), (jnp.cosh, -3, 3), (jnp.tanh, -3, 3),
        (jnp.arcsinh, -5, 5), (jnp.arccosh, 1.1, 5), (jnp.arctanh, -0.9, 0.9), (jnp.square, -3, 3), (jnp.reciprocal, 0.5, 3),
        (jnp.abs, -3, 3), (jnp.negative, -3, 3), (jnp.sinc, -3, 3),
    ]
    for fn, low, high in smooth:
        case(f"jax.numpy.{fn.__name__}", fn, uniform((32,), low, high), dtypes=FLOATS)
    special = array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan])
    for fn in (jnp.exp, jnp.expm1, jnp.log, jnp.log1p, jnp.sqrt, jnp.sin, jnp.cos, jnp.tanh, jnp.arctan):
        case(f"jax.numpy.{fn.__name__}", fn, special, variant="special", dtypes=FLOATS, grad=False)
    for fn in (jnp.sin, jnp.exp):
        case(f"jax.numpy.{fn.__name__}", fn, integers((5,), -3, 3), variant="integers")
        case(f"jax.numpy.{fn.__name__}", fn, uniform((8,), dtype="c64"), variant="complex")
    x, y = uniform((4, 1, 3)), uniform((2, 3), 0.5, 2.0)
    for fn in (jnp.add, jnp.subtract, jnp.multiply, jnp.divide, jnp.maximum, jnp.minimum, jnp.arctan2, jnp.hypot, jnp.logaddexp):
        case(f"jax.numpy.{fn.__name__}", fn, x, y, dtypes=FLOATS)
    m, n = integers((4, 5), -7, 8), array([1, -2, 3, -4, 5], "i32")
    for fn in (jnp.add, jnp.multiply, jnp.floor_divide, jnp.remainder, jnp.divide):
        case(f"jax.numpy.{fn.__name__}", fn, m, n, variant="integers", dtypes=SIGNED)
    case("jax.numpy.power", jnp.power, uniform((3, 4), 0.2, 3.0), uniform((4,)), dtypes=FLOATS)
    case("jax.numpy.where", jnp.where, booleans((3, 4)), uniform((3, 4)), uniform((4,)), dtypes=FLOATS)
    case("jax.numpy.clip", lambda x: jnp.clip(x, -1.0, 0.5), uniform((16,)), dtypes=FLOATS)
    for fn in (jnp.equal, jnp.less, jnp.isnan, jnp.isfinite, jnp.signbit):
        args = [special] if fn in (jnp.isnan, jnp.isfinite, jnp.signbit) else [special[:, None], special]
        case(f"jax.numpy.{fn.__name__}", fn, *args, dtypes=FLOATS)
