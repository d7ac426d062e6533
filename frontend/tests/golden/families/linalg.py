"""jax.numpy.linalg. What a factorisation leaves open (signs, phases, order) is taken out of its results, on both sides by the same formula."""

import jax.numpy as jnp
import numpy as np

from golden import array, case, integers, uniform

REAL = ["f32", "f64"]
COMPLEX = ["c64", "c128"]


def short(x):
    """Numbers with few digits: products of them are exact, and the same on every machine."""
    return (np.round(x * 64) / 64).astype(x.dtype)


def matrices(shape, seed=0, dtype="f32"):
    return short(uniform(shape, seed=seed, dtype=dtype))


def positive(shape, seed=0, dtype="f32"):
    x = matrices(shape, seed, dtype)
    return x @ np.conj(np.swapaxes(x, -1, -2)) + np.eye(shape[-1], dtype=x.dtype)


def hermitian(shape, seed=0, dtype="f32"):
    x = matrices(shape, seed, dtype)
    return x + np.conj(np.swapaxes(x, -1, -2))


def near_identity(shape, seed=0, dtype="f32"):
    """Well conditioned, with pivots that move rows."""
    x = matrices(shape, seed, dtype)
    return x + np.roll(3 * np.eye(shape[-1], dtype=x.dtype), 1, -1)


def rank_one(m, n):
    return np.outer(array([1, -2, 3, 0.5][:m]), array([2, 1, -1, 4][:n]))


def named(fn, *inputs, name=None, **options):
    case(f"jax.numpy.linalg.{name or fn.__name__}", fn, *inputs, **options)


def projections(v):
    """The columns of `v` times their conjugates, which no phase changes."""
    return v[..., :, None, :] * jnp.conj(v)[..., None, :, :]


def eigh(a, **options):
    w, v = jnp.linalg.eigh(a, **options)
    return w, projections(v)


def svd(a):
    u, s, vh = jnp.linalg.svd(a, full_matrices=False)
    return s, u[..., :, :, None] * vh[..., None, :, :]


def svd_full(a):
    u, s, vh = jnp.linalg.svd(a)
    k = s.shape[-1]
    rest = lambda x: x @ jnp.conj(x.swapaxes(-1, -2))
    return s, rest(u[..., :, k:]), rest(jnp.conj(vh.swapaxes(-1, -2))[..., :, k:]), u[..., :, :k] * s[..., None, :] @ vh[..., :k, :]


def cases():
    solves()
    determinants()
    decompositions()
    eigenvalues()
    norms()
    products()
    polynomials()


def solves():
    a, b = near_identity((4, 4)), uniform((4, 2), seed=1)
    stack = near_identity((2, 3, 3))
    z, zs = near_identity((3, 3), dtype="c64"), near_identity((2, 3, 3), dtype="c64")
    named(jnp.linalg.solve, a, b, dtypes=REAL)
    named(jnp.linalg.solve, a, uniform((4,)), variant="vector")
    named(jnp.linalg.solve, stack, uniform((3, 2)), variant="batched")
    named(jnp.linalg.solve, stack, uniform((3,)), variant="batched_vector")
    named(jnp.linalg.solve, z, uniform((3, 2), dtype="c64"), variant="complex", dtypes=COMPLEX)
    named(jnp.linalg.solve, integers((3, 3), 1, 9), integers((3,), -4, 5), variant="integers")
    named(jnp.linalg.inv, a, dtypes=REAL)
    named(jnp.linalg.inv, zs, variant="complex_batched")
    named(jnp.linalg.inv, array([[1, 2], [2, 4]]), variant="singular", grad=False)
    named(lambda a: jnp.linalg.matrix_power(a, 5), a / 2, name="matrix_power", dtypes=REAL)
    for n in (0, 1, -2, -3):
        named(lambda a, n=n: jnp.linalg.matrix_power(a, n), stack, name="matrix_power", variant=f"{n}")
    named(lambda a: jnp.linalg.matrix_power(a, 3), integers((3, 3), -3, 4), name="matrix_power", variant="integers")
    for name, x in {"tall": matrices((4, 2)), "wide": matrices((2, 3)), "complex": matrices((3, 2), dtype="c64"), "batched": matrices((2, 3, 2))}.items():
        named(jnp.linalg.pinv, x, variant=name)
    named(jnp.linalg.pinv, near_identity((3, 3)), dtypes=REAL)
    named(jnp.linalg.pinv, rank_one(3, 2), variant="deficient", grad=False)
    named(lambda a: jnp.linalg.pinv(a, rtol=0.5), positive((3, 3)), name="pinv", variant="rtol", grad=False)
    for name, x, y in [("", matrices((5, 2)), uniform((5, 2), seed=1)), ("wide", matrices((2, 4)), uniform((2,))), ("complex", matrices((3, 2), dtype="c64"), uniform((3,), dtype="c64"))]:
        named(jnp.linalg.lstsq, x, y, variant=name, dtypes=None if name else REAL)
    named(jnp.linalg.lstsq, rank_one(4, 3), uniform((4,)), variant="deficient", grad=False)
    named(lambda a, b: jnp.linalg.lstsq(a, b, rcond=0.5), positive((3, 3)), uniform((3,)), name="lstsq", variant="rcond", grad=False)
    named(jnp.linalg.tensorsolve, near_identity((6, 6)).reshape(2, 3, 6), uniform((2, 3)))
    named(jnp.linalg.tensorinv, near_identity((6, 6)).reshape(2, 3, 1, 6))
    named(lambda a: jnp.linalg.tensorinv(a, ind=1), near_identity((6, 6)).reshape(6, 2, 3), name="tensorinv", variant="ind")


def determinants():
    for name, x in {"1": uniform((1, 1)), "2": uniform((2, 2)), "3": uniform((3, 3)), "batched": uniform((2, 4, 4)), "complex": uniform((4, 4), dtype="c64")}.items():
        named(jnp.linalg.det, x, variant=name)
        named(jnp.linalg.slogdet, x, variant=name)
    named(jnp.linalg.det, uniform((4, 4)), dtypes=REAL)
    named(jnp.linalg.slogdet, uniform((4, 4)), dtypes=REAL)
    # Of rank three: the derivative is that of the cofactors. Pivots are powers of two, so that elimination is exact.
    singular = array([[4, 2, 1, 0], [2, 1, 4, 1], [1, 2, 0, 3], [2, 4, 0, 6]])
    named(jnp.linalg.det, singular, variant="singular")
    named(jnp.linalg.slogdet, singular, variant="singular", grad=False)
    named(jnp.linalg.det, np.zeros((4, 4), np.float32), variant="zero")
    named(jnp.linalg.det, np.zeros((2, 0, 0), np.float32), variant="empty", grad=False)


def decompositions():
    named(jnp.linalg.cholesky, positive((4, 4)), dtypes=REAL)
    named(jnp.linalg.cholesky, positive((2, 3, 3)), variant="batched")
    named(jnp.linalg.cholesky, positive((3, 3), dtype="c64"), variant="complex", dtypes=COMPLEX)
    named(lambda a: jnp.linalg.cholesky(a, upper=True), positive((3, 3), dtype="c64"), name="cholesky", variant="upper")
    named(lambda a: jnp.linalg.cholesky(a, symmetrize_input=False), positive((3, 3)), name="cholesky", variant="triangle")
    named(jnp.linalg.cholesky, array([[[1, 2], [2, 1]], [[4, 2], [2, 9]]]), variant="indefinite", grad=False)
    for name, x in {"tall": uniform((4, 2)), "wide": uniform((2, 4)), "batched": uniform((2, 3, 3)), "complex": uniform((3, 2), dtype="c64")}.items():
        named(jnp.linalg.qr, x, variant=name, grad=name != "wide")
    named(jnp.linalg.qr, near_identity((3, 3)), dtypes=REAL)
    named(lambda a: jnp.linalg.qr(a, mode="r"), uniform((4, 3)), name="qr", variant="r")
    named(lambda a: jnp.linalg.qr(a, mode="complete"), uniform((4, 2)), name="qr", variant="complete", grad=False)
    named(eigh, hermitian((4, 4)), dtypes=REAL)
    named(eigh, hermitian((2, 3, 3)), variant="batched")
    named(eigh, hermitian((3, 3), dtype="c64"), variant="complex", dtypes=COMPLEX)
    named(lambda a: eigh(a, UPLO="U", symmetrize_input=False), uniform((3, 3)), name="eigh", variant="upper", grad=False)
    named(jnp.linalg.eigvalsh, hermitian((4, 4), 1), dtypes=REAL)
    named(jnp.linalg.eigvalsh, hermitian((2, 2, 2), dtype="c64"), variant="complex")
    for name, x in {"tall": uniform((4, 3)), "wide": uniform((2, 3)), "batched": uniform((2, 3, 3)), "complex": uniform((3, 2), dtype="c64")}.items():
        named(svd, x, variant=name)
    named(svd, uniform((3, 3)), dtypes=REAL)
    named(svd_full, uniform((4, 2)), name="svd", variant="full_tall", grad=False)
    named(svd_full, uniform((2, 4)), name="svd", variant="full_wide", grad=False)
    named(jnp.linalg.svdvals, uniform((4, 3), seed=1), dtypes=REAL)
    named(jnp.linalg.svdvals, uniform((2, 2, 3), dtype="c64"), variant="complex")
    named(jnp.linalg.matrix_rank, rank_one(4, 3))
    named(jnp.linalg.matrix_rank, np.stack([rank_one(3, 3), hermitian((3, 3)), np.zeros((3, 3))]).astype(np.float32), variant="batched")
    named(lambda a: jnp.linalg.matrix_rank(a, rtol=1.0), np.diag(array([3, 2, 1, 0.5])), name="matrix_rank", variant="rtol")
    named(jnp.linalg.matrix_rank, array([0, 0, 2]), variant="vector")


def eigenvalues():
    """Eigenvalues have no order: what is compared are sums of their powers, and those in order."""
    a, z = near_identity((4, 4)), matrices((3, 3), dtype="c64")

    def sums(a):
        w = jnp.linalg.eigvals(a)
        return jnp.stack([jnp.sum(w**k, -1) for k in (1, 2, 3)])

    def pairs(a):
        w, v = jnp.linalg.eig(a)
        order = jnp.lexsort((jnp.round(w.imag, 3), jnp.round(w.real, 3)))
        return w[order], projections(v[:, order])

    named(sums, a, name="eigvals", dtypes=REAL)
    named(sums, z, name="eigvals", variant="complex", dtypes=COMPLEX)
    named(sums, matrices((2, 3, 3)), name="eigvals", variant="batched")
    named(pairs, a, name="eig", dtypes=REAL, grad=False)
    named(pairs, z, name="eig", variant="complex", dtypes=COMPLEX, grad=False)
    named(pairs, array([[2, 1, 0], [0, 3, 4], [0, 0, 5]]), name="eig", variant="triangular", grad=False)


def norms():
    x, z = uniform((3, 4)), uniform((3, 4), dtype="c64")
    stack = uniform((2, 3, 3))
    named(jnp.linalg.norm, x, dtypes=REAL + ["bf16"])
    named(jnp.linalg.norm, z, variant="complex")
    named(jnp.linalg.norm, stack, variant="all")
    named(jnp.linalg.norm, integers((3, 4), -9, 9), variant="integers")
    for name, ord in {"1": 1, "-1": -1, "2": 2, "-2": -2, "inf": np.inf, "-inf": -np.inf, "fro": "fro", "nuc": "nuc"}.items():
        named(lambda x, ord=ord: jnp.linalg.norm(x, ord=ord), x, name="norm", variant=f"matrix_{name}")
    for ord in (0, 1, 2, 3, -1.5, np.inf, -np.inf):
        named(lambda x, ord=ord: jnp.linalg.norm(x, ord=ord, axis=1), x, name="norm", variant=f"vector_{ord}")
    named(lambda x: jnp.linalg.norm(x, axis=(0, 2), keepdims=True), stack, name="norm", variant="axes_keepdims")
    named(lambda x: jnp.linalg.norm(x, ord=1, axis=(2, 0)), uniform((2, 3, 4)), name="norm", variant="axes_1")
    named(lambda x: jnp.linalg.norm(x, ord="nuc", axis=(2, 0)), uniform((2, 3, 4)), name="norm", variant="axes_nuc")
    named(lambda x: jnp.linalg.norm(x, ord=3, axis=-1), z, name="norm", variant="complex_3")
    named(lambda x: jnp.linalg.matrix_norm(x), stack, name="matrix_norm", dtypes=REAL)
    named(lambda x: jnp.linalg.matrix_norm(x, ord=2, keepdims=True), stack, name="matrix_norm", variant="2")
    named(lambda x: jnp.linalg.vector_norm(x), stack, name="vector_norm", dtypes=REAL)
    named(lambda x: jnp.linalg.vector_norm(x, axis=(0, 1), ord=1, keepdims=True), stack, name="vector_norm", variant="1")
    named(lambda x: jnp.linalg.vector_norm(x, axis=-1, ord=2.5), z, name="vector_norm", variant="complex")
    a = near_identity((3, 3))
    named(jnp.linalg.cond, a, dtypes=REAL)
    for name, p in {"1": 1, "-2": -2, "inf": np.inf, "fro": "fro"}.items():
        named(lambda x, p=p: jnp.linalg.cond(x, p=p), a, name="cond", variant=name)
    named(lambda x: jnp.linalg.cond(x, p=1), np.stack([a, np.zeros((3, 3), np.float32)]), name="cond", variant="singular", grad=False)
    named(jnp.linalg.cond, uniform((2, 2, 3), dtype="c64"), variant="complex")


def products():
    x, y, z = uniform((2, 3, 4)), uniform((4, 3), seed=1), uniform((3, 4), dtype="c64")
    named(jnp.linalg.matmul, x, y, dtypes=REAL)
    named(jnp.linalg.matmul, z, uniform((4,), dtype="c64"), variant="complex")
    named(jnp.linalg.matrix_transpose, x)
    named(jnp.linalg.outer, uniform((3,)), uniform((2,)))
    named(jnp.linalg.cross, uniform((2, 3)), uniform((2, 3), seed=1))
    named(jnp.linalg.tensordot, x, uniform((3, 4, 2)))
    named(lambda x, y: jnp.linalg.tensordot(x, y, axes=((1, 2), (1, 0))), x, y, name="tensordot", variant="axes")
    named(lambda x: jnp.linalg.diagonal(x), x, name="diagonal")
    named(lambda x: jnp.linalg.diagonal(x, offset=-1), x, name="diagonal", variant="offset")
    named(lambda x: jnp.linalg.trace(x), x, name="trace", dtypes=REAL)
    named(lambda x: jnp.linalg.trace(x, offset=2), z, name="trace", variant="complex")
    named(jnp.linalg.vecdot, x, uniform((3, 4), seed=2), dtypes=REAL)
    named(lambda x, y: jnp.linalg.vecdot(x, y, axis=0), z, uniform((3, 4), dtype="c64", seed=1), name="vecdot", variant="complex")
    chain = [uniform((3, 2)), uniform((2, 5), seed=1), uniform((5, 2), seed=2), uniform((2,), seed=3)]
    named(lambda *x: jnp.linalg.multi_dot(x), *chain, name="multi_dot", dtypes=REAL)
    named(lambda *x: jnp.linalg.multi_dot(x), uniform((3,)), uniform((3, 4), seed=1), uniform((4,), seed=2), name="multi_dot", variant="vectors")


def polynomials():
    """jax.numpy's functions of polynomials that solve or factorise."""
    x, y, w = uniform((7,)), uniform((7,), seed=1), uniform((7,), 0.5, 2.0)
    case("jax.numpy.polyfit", lambda x, y: jnp.polyfit(x, y, 2), x, y, dtypes=REAL)
    case("jax.numpy.polyfit", lambda x, y, w: jnp.polyfit(x, y, 2, full=True, w=w)[:4], x, y, w, variant="full", grad=False)
    case("jax.numpy.polyfit", lambda x, y: jnp.polyfit(x, y, 1, cov=True), x, uniform((7, 2), seed=2), variant="cov", grad=False)
    case("jax.numpy.polyfit", lambda x, y: jnp.polyfit(x, y, 1, cov="unscaled"), x, y, variant="unscaled", grad=False)

    def sums(w):
        return jnp.isnan(w), *[jnp.nansum(w**k) for k in (1, 2, 3)]

    case("jax.numpy.roots", lambda p: sums(jnp.roots(p)), array([0, 0, 1, -6, 11, -6, 0]), grad=False)
    case("jax.numpy.roots", lambda p: sums(jnp.roots(p, strip_zeros=False)), array([0, 1, -2, 3, 0]), variant="zeros", grad=False)
    case("jax.numpy.roots", lambda p: sums(jnp.roots(p, strip_zeros=False)), uniform((4,), dtype="c64"), variant="complex", grad=False)
