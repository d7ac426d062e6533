"""Methods of arrays."""

import jax.numpy as jnp
import numpy as np

from golden import array, booleans, case, integers, uniform


def cases():
    x = uniform((3, 4))

    def method(name, f, *inputs, **how):
        case(f"jax.Array.{name}", f, *(inputs or (x,)), **how)

    for name in ("sum", "mean", "max", "min", "prod", "var", "std", "ptp"):
        method(name, lambda x, n=name: [getattr(x, n)(), getattr(x, n)(axis=1)], grad=name not in ("ptp",))
    for name in ("all", "any"):
        method(name, lambda x, n=name: [getattr(x, n)(), getattr(x, n)(axis=0)], booleans((3, 4)))
    for name in ("argmax", "argmin"):
        method(name, lambda x, n=name: [getattr(x, n)(), getattr(x, n)(axis=1)])
    for name in ("cumsum", "cumprod", "sort", "argsort"):
        method(name, lambda x, n=name: getattr(x, n)(axis=1))
    method("T", lambda x: x.T)
    method("mT", lambda x: x.mT, uniform((2, 3, 4)))
    method("argpartition", lambda x: jnp.sort(x.argpartition(1, axis=1)[:, :2], 1))
    method("astype", lambda x: [x.astype(np.int32), x.astype(jnp.bfloat16)], grad=False)
    method("byteswap", lambda x: x.byteswap(), integers((4,), 0, 30000), dtypes=["i8", "i16", "i32", "u64"])
    method("choose", lambda i, a, b: i.choose([a, b], mode="clip"), array([0, 1, 1], "i32"), array([1.0, 2.0, 3.0]), array([4.0, 5.0, 6.0]))
    method("clip", lambda x: x.clip(-1.0, 0.5))
    method("compress", lambda x: x.compress(np.array([True, False, True, True]), axis=1))
    method("conj", lambda z: z.conj(), uniform((4,), dtype="c64"))
    method("conjugate", lambda z: z.conjugate(), uniform((4,), dtype="c64"))
    method("real", lambda z: z.real, uniform((4,), dtype="c64"))
    method("imag", lambda z: z.imag, uniform((4,), dtype="c64"))
    method("diagonal", lambda x: [x.diagonal(), x.diagonal(1)])
    method("dot", lambda x, y: x.dot(y), x, uniform((4, 2)))
    method("flatten", lambda x: x.flatten())
    method("ravel", lambda x: x.ravel())
    method("repeat", lambda x: x.repeat(2, axis=1))
    method("reshape", lambda x: [x.reshape(2, 6), x.reshape((4, -1))])
    method("round", lambda x: [x.round(), x.round(1)], grad=False)
    method("searchsorted", lambda s, v: s.searchsorted(v), array([1.0, 2.0, 4.0, 4.0]), array([0.0, 2.0, 4.0, 9.0]))
    method("squeeze", lambda x: x.squeeze(), uniform((1, 3, 1)))
    method("swapaxes", lambda x: x.swapaxes(0, 2), uniform((2, 3, 4)))
    method("take", lambda x, i: x.take(i, axis=1), x, array([2, 0, 9], "i32"))
    method("trace", lambda x: x.trace())
    method("transpose", lambda x: x.transpose(1, 0))
    method("view", lambda x: x.view(np.int32))
