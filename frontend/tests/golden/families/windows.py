"""Running reductions, reductions over windows, convolutions."""

import jax.numpy as jnp
import numpy as np
from jax import lax

from golden import array, case, integers, uniform


def cases():
    x = uniform((3, 7))
    for fn in ("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp"):
        f = getattr(lax, fn)
        case(f"jax.lax.{fn}", lambda x, f=f: f(x, 1), x, dtypes=["f32", "bf16", "f64"])
        case(f"jax.lax.{fn}", lambda x, f=f: f(x, 0, reverse=True), x, variant="reverse")
    for fn in ("cumsum", "cummax"):
        f = getattr(lax, fn)
        case(f"jax.lax.{fn}", lambda x, f=f: f(x, 1), integers((3, 5), -9, 9), variant="integers")
    case("jax.lax.cumlogsumexp", lambda x: lax.cumlogsumexp(x, 0), array([-np.inf, -np.inf, 0.0, np.inf, 1.0, np.nan]), variant="special", grad=False)
    image = uniform((5, 6))
    for fn, init in (("add", 0.0), ("max", -np.inf), ("min", np.inf)):
        f = getattr(lax, fn)
        case("jax.lax.reduce_window", lambda x, f=f, i=init: lax.reduce_window(x, i, f, (2, 3), (1, 2), "SAME"), image, variant=fn)
        case("jax.lax.reduce_window", lambda x, f=f, i=init: lax.reduce_window(x, i, f, (3, 2), (2, 1), [(1, 0), (0, 2)], (2, 1)),
             image, variant=fn + "-dilated")
    case("jax.lax.reduce_window", lambda x: lax.reduce_window(x, 0.0, lax.add, (2, 2), (1, 1), "VALID", None, (2, 3)), image, variant="window-dilation")
    case("jax.lax.reduce_window", lambda x: lax.reduce_window(x, 1.0, lax.mul, (2, 3), (1, 2), "VALID"), image, variant="mul", grad=False)
    case("jax.lax.padtype_to_pads", lambda: [np.array(lax.padtype_to_pads((7, 8), (3, 2), (2, 3), p), np.int32) for p in ("SAME", "VALID", "SAME_LOWER")])
    lhs, rhs = uniform((2, 3, 6, 5)), uniform((4, 3, 3, 2))
    case("jax.lax.conv", lambda l, r: lax.conv(l, r, (1, 2), "SAME"), lhs, rhs)
    case("jax.lax.conv_with_general_padding", lambda l, r: lax.conv_with_general_padding(l, r, (2, 1), [(1, 2), (0, -1)], (1, 2), (2, 1)), lhs, rhs)
    nhwc, hwio = uniform((2, 6, 5, 4)), uniform((3, 2, 2, 6))
    dn = ("NHWC", "HWIO", "NHWC")
    case("jax.lax.conv_general_dilated", lambda l, r: lax.conv_general_dilated(l, r, (1, 2), "SAME_LOWER", dimension_numbers=dn, feature_group_count=2), nhwc, hwio, variant="groups")
    case("jax.lax.conv_general_dilated", lambda l, r: lax.conv_general_dilated(l, r, (2, 1), "VALID", rhs_dilation=(1, 2), batch_group_count=2), lhs, uniform((4, 3, 3, 2)), variant="batch-groups")
    case("jax.lax.conv_general_dilated", lambda l, r: lax.conv_general_dilated(l, r, (1,), "SAME"), uniform((2, 3, 6), dtype="c64"), uniform((4, 3, 3), dtype="c64"), variant="complex")
    case("jax.lax.conv_transpose", lambda l, r: lax.conv_transpose(l, r, (2, 3), "SAME"), uniform((1, 4, 3, 2)), uniform((3, 2, 2, 5)))
    case("jax.lax.conv_transpose", lambda l, r: lax.conv_transpose(l, r, (2, 1), "VALID", transpose_kernel=True), uniform((1, 4, 3, 5)), uniform((3, 2, 2, 5)), variant="kernel")
    case("jax.lax.conv_general_dilated_patches", lambda x: lax.conv_general_dilated_patches(x, (3, 2), (1, 2), "SAME"), lhs)
    case("jax.lax.conv_general_dilated_local", lambda x, r: lax.conv_general_dilated_local(x, r, (1,), "VALID", (2,), dimension_numbers=("NHC", "HIO", "NHC")), uniform((2, 5, 3)), uniform((4, 6, 2)))
    a, v = uniform((7,)), uniform((4,))
    for mode in ("full", "same", "valid"):
        case("jax.numpy.convolve", lambda a, v, m=mode: jnp.convolve(a, v, m), a, v, variant=mode)
        case("jax.numpy.convolve", lambda a, v, m=mode: jnp.convolve(v, a, m), a, v, variant=mode + "-swapped")
        case("jax.numpy.correlate", lambda a, v, m=mode: jnp.correlate(a, v, m), a, v, variant=mode)
        case("jax.numpy.correlate", lambda a, v, m=mode: jnp.correlate(v, a, m), a, v, variant=mode + "-swapped")
