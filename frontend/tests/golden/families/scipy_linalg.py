"""jax.scipy.linalg. What a factorisation leaves open is taken out of its results, on both sides by the same formula."""

import functools

import jax.numpy as jnp
import numpy as np
from jax.scipy import linalg

from families.linalg import COMPLEX, REAL, hermitian, matrices, near_identity, positive, projections
from golden import array, case, uniform


def named(fn, *inputs, name=None, **options):
    case(f"jax.scipy.linalg.{name or fn.__name__}", fn, *inputs, **options)


def adjoint(x):
    return jnp.conj(jnp.swapaxes(x, -1, -2))


def put_together(z, t):
    """What the factors make, and how far `z` is from unitary and `t` from triangular."""
    return z @ t @ adjoint(z), adjoint(z) @ z


def cases():
    factors()
    functions()
    structured()


def factors():
    a, z = near_identity((4, 4)), near_identity((3, 3), dtype="c64")
    b = uniform((4, 2), seed=1)
    p, pz = positive((4, 4)), positive((3, 3), dtype="c64")
    for name, lower in {"": False, "lower": True}.items():
        named(lambda a: linalg.cholesky(a, lower=lower), p, name="cholesky", variant=name, dtypes=None if name else REAL)
        named(lambda a, lower=lower: linalg.cho_factor(a, lower=lower)[0], pz, name="cho_factor", variant=name)
        named(lambda a, b, lower=lower: linalg.cho_solve((linalg.cholesky(a, lower=lower), lower), b), p, b, name="cho_solve", variant=name, dtypes=None if name else REAL)
        named(lambda a, b, lower=lower: linalg.solve_triangular(a, b, lower=lower), a, b, name="solve_triangular", variant=name, dtypes=None if name else REAL)
    named(lambda a, b: linalg.cho_solve((linalg.cholesky(a), False), b), pz, uniform((3,), dtype="c64"), name="cho_solve", variant="complex")
    named(lambda a: linalg.cholesky(a), positive((2, 3, 3)), name="cholesky", variant="batched")
    named(lambda a, b: linalg.solve_triangular(a, b, trans=1, unit_diagonal=True), a, uniform((4,)), name="solve_triangular", variant="unit")
    named(lambda a, b: linalg.solve_triangular(a, b, trans="C"), z, uniform((3, 2), dtype="c64"), name="solve_triangular", variant="complex")
    named(lambda a, b: linalg.solve_triangular(a, b), near_identity((2, 3, 3)), uniform((2, 3, 1)), name="solve_triangular", variant="batched")
    for assume in ("gen", "sym", "pos"):
        named(lambda a, b, assume=assume: linalg.solve(a, b, assume_a=assume), p, b, name="solve", variant=None if assume == "gen" else assume, dtypes=REAL if assume == "gen" else None)
    for name, x in {"": a, "wide": matrices((2, 4)), "tall": matrices((4, 2)), "complex": z}.items():
        named(linalg.lu, x, variant=name, dtypes=None if name else REAL)
    named(linalg.lu_factor, a, dtypes=REAL)
    named(linalg.lu_factor, near_identity((2, 3, 3)), variant="batched")
    for trans in (0, 1, 2):
        named(lambda a, b, trans=trans: linalg.lu_solve(linalg.lu_factor(a), b, trans=trans), z, uniform((3, 2), dtype="c64"), name="lu_solve", variant=f"{trans}")
    named(lambda a, b: linalg.lu_solve(linalg.lu_factor(a), b), a, b, name="lu_solve", dtypes=REAL)
    named(linalg.det, uniform((4, 4)), dtypes=REAL)
    named(linalg.inv, a, dtypes=REAL)
    named(lambda a: linalg.qr(a, mode="economic"), uniform((4, 3)), name="qr", dtypes=REAL)
    named(lambda a: linalg.qr(a), uniform((4, 2)), name="qr", variant="full", grad=False)
    for mode, c in {"left": uniform((3, 2)), "right": uniform((2, 4))}.items():
        named(lambda a, c, mode=mode: linalg.qr_multiply(a, c, mode=mode), uniform((4, 3)), c, name="qr_multiply", variant=mode, grad=False)
    named(lambda a, c: linalg.qr_multiply(a, c, mode="left", conjugate=True), uniform((3, 2), dtype="c64"), uniform((2,), dtype="c64"), name="qr_multiply", variant="conjugate", grad=False)
    named(lambda a: linalg.svd(a, compute_uv=False), uniform((4, 3)), name="svd", dtypes=REAL)

    def eigh(a, lower):
        w, v = linalg.eigh(a, lower=lower)
        return w, projections(v)

    named(lambda a: eigh(a, True), hermitian((3, 3)), name="eigh", dtypes=REAL)
    named(lambda a: eigh(a, False), uniform((3, 3), dtype="c64"), name="eigh", variant="upper", grad=False)
    named(lambda d, e: linalg.eigh_tridiagonal(d, e, eigvals_only=True), uniform((5,)), uniform((4,), seed=1), name="eigh_tridiagonal", dtypes=REAL, grad=False)

    def tridiagonal(d, e):
        w, v = linalg.eigh_tridiagonal(d, e)
        return w, projections(v)

    named(tridiagonal, uniform((4,)), uniform((3,), seed=1), name="eigh_tridiagonal", variant="vectors", grad=False)


def functions():
    a, z = near_identity((4, 4)), matrices((3, 3), dtype="c64")
    named(linalg.expm, matrices((4, 4)) / 4, variant="small", dtypes=REAL)
    named(linalg.expm, matrices((3, 3)), dtypes=REAL)
    named(linalg.expm, matrices((3, 3), 1) * 8, variant="squared", dtypes=REAL)
    named(linalg.expm, np.stack([matrices((3, 3)) / 8, matrices((3, 3)), matrices((3, 3)) * 4]), variant="batched", grad=False)
    named(linalg.expm, z, variant="complex")
    named(linalg.expm, np.full((2, 2), 1e6, np.float32), variant="overflow", grad=False)
    named(linalg.expm_frechet, matrices((3, 3)), uniform((3, 3), seed=1), dtypes=REAL)
    for name, x in {"": (3, 3), "tall": (4, 2)}.items():
        named(lambda a: linalg.polar(a), near_identity(x) if not name else matrices(x), name="polar", variant=name, grad=False, dtypes=None if name else REAL)
    named(lambda a: linalg.polar(a, side="left", method="svd"), matrices((3, 2)), name="polar", variant="left")
    named(lambda a: linalg.polar(a), near_identity((2, 2, 2), dtype="c64"), name="polar", variant="complex_batched", grad=False)
    named(lambda a: linalg.hessenberg(a, calc_q=True), matrices((4, 4)), name="hessenberg", dtypes=REAL, grad=False)
    named(lambda a: linalg.hessenberg(a, calc_q=True), matrices((2, 3, 3), dtype="c64"), name="hessenberg", variant="complex_batched", grad=False)

    def schur(a, **options):
        t, z = linalg.schur(a, **options)
        return put_together(z, t)

    named(schur, matrices((4, 4)), dtypes=REAL, grad=False)
    named(functools.partial(schur, output="complex"), matrices((4, 4)), name="schur", variant="complex", dtypes=REAL, grad=False)
    named(schur, matrices((2, 3, 3), dtype="c64"), variant="complex_batched", grad=False)
    turn = np.block([[array([[1, 2], [-3, 1]]), array([[0.5], [-1]])], [array([[0, 0, 4]])]])

    def rsf2csf(t, z):
        t, z = linalg.rsf2csf(t, z)
        return jnp.diagonal(t), *put_together(z, t)

    named(rsf2csf, turn, np.eye(3, dtype=np.float32), dtypes=REAL, grad=False)
    named(linalg.sqrtm, positive((3, 3)), dtypes=REAL, grad=False)
    named(linalg.sqrtm, near_identity((3, 3), dtype="c64"), variant="complex", grad=False)
    named(linalg.sqrtm, np.diag(array([4, 0, 9])), variant="singular", grad=False)
    named(lambda a: linalg.funm(a, jnp.sin), near_identity((3, 3)), name="funm", dtypes=REAL, grad=False)
    named(lambda a: linalg.funm(a, lambda x: x * x), near_identity((3, 3), dtype="c64"), name="funm", variant="complex", grad=False)
    named(linalg.solve_sylvester, positive((3, 3)), positive((2, 2), 1), uniform((3, 2)), dtypes=REAL, grad=False)
    named(linalg.solve_sylvester, near_identity((2, 2), dtype="c64"), near_identity((3, 3), 1, "c64"), uniform((2, 3), dtype="c64"), variant="complex", grad=False)
    named(linalg.solve_sylvester, np.diag(array([1, 2])), np.diag(array([-2, 5])), uniform((2, 2)), variant="singular", grad=False)


def structured():
    a, b, v = uniform((2, 3)), uniform((1, 2)), uniform((4,))
    named(linalg.block_diag, a, b, v)
    for fn in (linalg.toeplitz, linalg.hankel, linalg.circulant, linalg.fiedler, linalg.companion, linalg.fiedler_companion):
        named(fn, v)
        named(fn, uniform((2, 5)), variant="batched")
    named(linalg.toeplitz, uniform((3,), dtype="c64"), variant="complex")
    for fn in (linalg.toeplitz, linalg.hankel):
        named(fn, uniform((3,)), uniform((5,), seed=1), variant="row")
    named(linalg.leslie, v, uniform((3,), seed=1))
    named(linalg.fiedler_companion, uniform((8,)), variant="long")
    for mode in ("full", "same", "valid"):
        named(lambda a, mode=mode: linalg.convolution_matrix(a, 3, mode=mode), v, name="convolution_matrix", variant=mode)
        named(lambda a, mode=mode: linalg.convolution_matrix(a, 6, mode=mode), uniform((2, 3)), name="convolution_matrix", variant=f"{mode}_batched")
    for fn in (linalg.hilbert, linalg.invhilbert, linalg.helmert, linalg.hadamard, linalg.dft):
        named(functools.partial(fn, 4), name=fn.__name__)
    named(lambda: linalg.helmert(5, full=True), name="helmert", variant="full")
    named(lambda: linalg.dft(5, scale="sqrtn"), name="dft", variant="sqrtn")
    named(lambda: linalg.dft(3, scale="n"), name="dft", variant="n")
    for kind in ("symmetric", "lower", "upper"):
        named(lambda kind=kind: linalg.pascal(5, kind=kind), name="pascal", variant=kind)
        named(lambda kind=kind: linalg.invpascal(5, kind=kind), name="invpascal", variant=kind)
