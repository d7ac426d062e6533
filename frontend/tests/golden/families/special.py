"""jax.scipy.special."""

import functools

import jax.numpy as jnp
import numpy as np
from jax.scipy import special

from golden import array, case, integers, uniform

REAL = ["f32", "f64"]
COMPLEX = ["c64", "c128"]
EDGES = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1e-6, -2.5, 40.0, -40.0, 1e10, np.inf, -np.inf, np.nan]


def named(fn, *inputs, name=None, **options):
    case(f"jax.scipy.special.{name or fn.__name__}", fn, *inputs, **options)


def pairs(*axes):
    """All combinations of values along the axes, one array for each."""
    return [array(x.ravel()) for x in np.meshgrid(*axes, indexing="ij")]


def cases():
    one_operand()
    several_operands()
    over_axes()
    complex_operands()
    case("jax.numpy.i0", jnp.i0, uniform((8,), -6, 6), dtypes=REAL)
    case("jax.numpy.kaiser", lambda: jnp.kaiser(7, 5.0))
    named(lambda: special.bernoulli(12), name="bernoulli")
    z = uniform((5,), 0.5, 9.0)
    named(lambda z: special.bessel_jn(z, v=3), z, name="bessel_jn", dtypes=REAL)
    named(lambda z: special.bessel_jn(z, v=1, n_iter=20), uniform((2, 3), 0.5, 4.0), name="bessel_jn", variant="iterations")
    n, m, theta, phi = array([0, 1, 2, 3, 3], "i32"), array([0, -1, 2, -3, 1], "i32"), uniform((5,), 0.1, 3.0), uniform((5,), 0.0, 6.0)
    named(functools.partial(special.sph_harm_y, n_max=3), n, m, theta, phi, name="sph_harm_y", dtypes=REAL)


def one_operand():
    for fn, low, high in [
        (special.gammaln, 0.1, 12), (special.digamma, 0.1, 12), (special.gamma, 0.1, 8), (special.loggamma, 0.1, 12), (special.factorial, 0, 8),
        (special.erf, -3, 3), (special.erfc, -3, 3), (special.erfinv, -0.95, 0.95), (special.erfcx, -2, 4), (special.dawsn, -8, 8),
        (special.expit, -6, 6), (special.logit, 0.05, 0.95), (special.entr, 0.05, 3), (special.expi, 0.2, 20), (special.exp1, 0.1, 6),
        (special.spence, 0.1, 4), (special.i0e, -12, 12), (special.i1e, -12, 12), (special.i0, -6, 6), (special.i1, -6, 6),
        (special.ndtr, -4, 4), (special.ndtri, 0.02, 0.98), (special.log_ndtr, -12, 4), (special.sici, 0.2, 12), (special.fresnel, -5, 5),
    ]:
        half = fn not in (special.ndtr, special.ndtri, special.log_ndtr, special.sici, special.exp1, special.spence)
        named(fn, uniform((12,), low, high), dtypes=REAL + ["bf16"] * half)
        # JAX's series of the exponential integral takes minutes to give up on zero and below.
        edges = [0.5, 1.0, 2.5, 40.0] if fn is special.exp1 else EDGES
        named(fn, array(edges), variant="edges", dtypes=REAL, grad=False)
    named(special.gammasgn, array(EDGES + [-1.5, -3.0]), dtypes=REAL)
    for fn in (special.gammaln, special.digamma, special.gamma):
        named(fn, uniform((8,), -6.5, 0), variant="negative", dtypes=REAL)
    named(special.expi, uniform((6,), -6, -0.1), variant="negative", dtypes=REAL)
    named(special.expi, array([1.9, 2.1, 3.9, 4.1, 7.9, 8.1, 15.9, 16.1, 31.9, 32.1, 63.9, 64.1]), variant="pieces", dtypes=REAL)
    named(special.log_ndtr, array([-30, -20.5, -10.5, 4.9, 5.1, 7.9, 8.1]), variant="pieces", dtypes=REAL)
    named(special.erf, integers((5,), -2, 3), variant="integers")
    named(lambda a: special.multigammaln(a, 3), uniform((5,), 2, 8), name="multigammaln", dtypes=REAL)
    named(lambda a: special.multigammaln(a, 1), uniform((2, 2), 2, 8), name="multigammaln", variant="1")


def several_operands():
    positive, x = uniform((6,), 0.2, 6), uniform((6,), 0.2, 6, seed=1)
    column, row = uniform((3, 1), 0.2, 6), uniform((4,), 0.2, 6, seed=1)
    for fn in (special.beta, special.betaln, special.xlogy, special.xlog1py, special.rel_entr, special.kl_div, special.boxcox, special.boxcox1p, special.poch):
        named(fn, column, row, dtypes=REAL)
    for fn in (special.gammainc, special.gammaincc):
        named(fn, column, row, dtypes=REAL)
        named(fn, *pairs([0, 0.5, 2, 30, np.inf, np.nan], [0, 1e-3, 1, 30, 400, np.inf, -1]), variant="edges", dtypes=REAL, grad=False)
    named(special.betaln, *pairs([0.05, 0.5, 7.9, 8.1, 1e3], [0.05, 7.9, 8.1, 1e5]), variant="pieces", dtypes=REAL)
    edges = pairs([0, 1, -1, 0.5, np.inf, np.nan], [0, 1, -1, 2, np.inf, np.nan])
    for fn in (special.beta, special.betaln, special.xlogy, special.xlog1py, special.rel_entr, special.kl_div, special.boxcox, special.boxcox1p, special.poch, special.owens_t):
        named(fn, *edges, variant="edges", grad=False)
    named(special.comb, *pairs([0, 1, 5, 10, -1], [0, 1, 3, 6, -2]), dtypes=REAL, grad=False)
    named(lambda n, k: special.comb(n, k, repetition=True), *pairs([0, 1, 5], [0, 1, 3]), name="comb", variant="repetition", grad=False)
    named(special.comb, uniform((4,), 5, 9), uniform((4,), 1, 4, seed=1), variant="gradient")
    named(special.betainc, positive, x, uniform((6,), 0.05, 0.95), dtypes=REAL, grad=[2])
    named(special.betainc, *pairs([0, 0.5, 3, 200, np.inf], [0.5, 3, 200], [0, 0.02, 0.5, 1, -0.1, 1.1]), variant="edges", dtypes=REAL, grad=False)
    named(lambda x: special.expn(3, x), uniform((6,), 0.2, 6), name="expn", dtypes=REAL)
    named(special.expn, *pairs([0, 1, 2, 5, 6000], [0.5, 1, 2, 50]), variant="edges", dtypes=REAL, grad=False)
    named(special.polygamma, array([[0], [1], [2], [4]], "i32"), row, dtypes=REAL)
    named(special.polygamma, array([[0], [1], [2], [-1]], "i32"), array([0, -0.5, 30, -2, np.inf, np.nan]), variant="edges", dtypes=REAL, grad=False)
    named(special.zeta, uniform((3, 1), 1.2, 6), row, dtypes=REAL)
    named(special.zeta, *pairs([1, 2, 0.5, 3, np.inf, np.nan], [1, 0, -1, -0.5, 20, np.inf, np.nan]), variant="edges", dtypes=REAL, grad=False)
    named(special.owens_t, *pairs([-2, -0.3, 0.1, 1, 3], [-3, -1, -0.4, 0.6, 1, 5]), dtypes=REAL)
    named(special.hyp1f1, uniform((3, 1), 0.5, 4), uniform((3, 1), 0.5, 4, seed=1), uniform((4,), -3, 3), dtypes=REAL)
    named(special.hyp1f1, *pairs([0, 0.5, 2, -3], [0, 0.5, 3], [0, 1, -4, 80, 120]), variant="edges", dtypes=REAL, grad=False)
    named(special.hyp2f1, uniform((3, 1), 0.5, 2), uniform((3, 1), 0.5, 2, seed=1), uniform((3, 1), 4, 6, seed=2), uniform((4,), -0.8, 0.8), dtypes=REAL)
    named(special.hyp2f1, *pairs([0, 0.5, 1, -2], [0.75, -1], [0, 0.5, 2.25, 3, -1], [0, -0.5, 0.5, 0.95, 1, 2]), variant="edges", dtypes=REAL, grad=False)


def over_axes():
    x = uniform((3, 4), -3, 3)
    named(special.logsumexp, x, dtypes=REAL + ["bf16"])
    named(lambda x: special.logsumexp(x, axis=0), x, name="logsumexp", variant="axis")
    named(lambda x: special.logsumexp(x, axis=1, keepdims=True), x, name="logsumexp", variant="keepdims")
    named(lambda x, b: special.logsumexp(x, axis=1, b=b), x, uniform((3, 4), 0.1, 2.0), name="logsumexp", variant="weights")
    named(lambda x, b: special.logsumexp(x, axis=1, b=b, return_sign=True), x, uniform((3, 4)), name="logsumexp", variant="sign")
    edges = array([[np.inf, 0, 1], [-np.inf, -np.inf, -np.inf], [1e4, 1e4, -np.inf], [np.nan, 1, 2]])
    named(lambda x: special.logsumexp(x, axis=1), edges, name="logsumexp", variant="edges", grad=False)
    named(lambda x: special.logsumexp(x, axis=0), uniform((3, 2), dtype="c64"), name="logsumexp", variant="complex")
    named(special.logsumexp, integers((4,), -3, 4), variant="integers")
    for fn in (special.softmax, special.log_softmax):
        named(lambda x, fn=fn: fn(x, axis=-1), x, name=fn.__name__, dtypes=REAL)
        named(fn, x, variant="all")


def complex_operands():
    z = uniform((10,), -3.5, 3.5, dtype="c64")
    named(special.gamma, z, variant="complex", dtypes=COMPLEX)
    # JAX's stands on a loop that has no reverse derivative.
    named(special.loggamma, z, variant="complex", dtypes=COMPLEX, grad=False)
    named(special.gamma, array([0, -1, 2 + 0j, 0.5, complex(np.nan, 1)], "c64"), variant="complex_edges", grad=False)
    named(special.erfcx, z / 2, variant="complex", dtypes=COMPLEX)
    named(special.wofz, z, dtypes=COMPLEX)
    named(special.wofz, array([0, 1, -1, 2j, -1j, 8 + 8j, 30], "c64"), variant="edges", grad=False)
    named(special.expit, z, variant="complex")
    named(special.xlogy, z, z + 1, variant="complex")
    named(special.logit, z, variant="complex")
