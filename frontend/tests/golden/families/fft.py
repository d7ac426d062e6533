"""jax.numpy.fft and jax.lax.fft."""

import jax.numpy as jnp
from jax import lax

from golden import case, uniform


def cases():
    real, odd = uniform((3, 8)), uniform((4, 5))
    z, zodd = uniform((3, 6), dtype="c64"), uniform((4, 5), dtype="c64")
    name = "jax.numpy.fft."
    for fn, x in [("fft", z), ("ifft", z), ("rfft", real), ("irfft", z), ("hfft", z), ("ihfft", real)]:
        f = getattr(jnp.fft, fn)
        case(name + fn, f, x)
        case(name + fn, lambda x, f=f: f(x, 7, 0, "ortho"), x, variant="ortho")
        case(name + fn, lambda x, f=f: f(x, 4, -1, "forward"), x, variant="forward")
    case(name + "fft", jnp.fft.fft, real, variant="real")
    case(name + "rfft", jnp.fft.rfft, odd, variant="odd")
    for fn, x in [("fft2", zodd), ("ifft2", zodd), ("rfft2", odd), ("irfft2", z)]:
        case(name + fn, getattr(jnp.fft, fn), x)
    wide, narrow = uniform((2, 3, 4, 3), dtype="c64"), uniform((2, 3, 4, 5))
    for fn, x in [("fftn", wide), ("ifftn", wide), ("rfftn", narrow), ("irfftn", wide)]:
        f = getattr(jnp.fft, fn)
        case(name + fn, f, x)
        case(name + fn, lambda x, f=f: f(x, (5, 2), (2, 0), "ortho"), x, variant="axes")
    case(name + "fftfreq", lambda: jnp.fft.fftfreq(7, 0.5))
    case(name + "fftfreq", lambda: jnp.fft.fftfreq(8), variant="even")
    case(name + "rfftfreq", lambda: jnp.fft.rfftfreq(7, 0.5))
    case(name + "fftshift", jnp.fft.fftshift, odd)
    case(name + "ifftshift", jnp.fft.ifftshift, odd)
    case(name + "fftshift", lambda x: jnp.fft.fftshift(x, (1,)), odd, variant="axis")
    case("jax.lax.fft", lambda x: lax.fft(x, lax.FftType.RFFT, (5,)), odd)
