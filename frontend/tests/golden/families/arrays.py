"""jax.numpy beyond single elements: shapes, order, statistics, calculus, sums of products."""

import jax.numpy as jnp
import numpy as np

from golden import array, booleans, case, integers, uniform


def named(fn, *inputs, name=None, **options):
    case(f"jax.numpy.{name or fn.__name__}", fn, *inputs, **options)


def cases():
    x, y, v, w = uniform((3, 4)), uniform((3, 4), seed=1), uniform((6,)), uniform((6,), 0.5, 2.0, seed=2)
    holes = array([[1.0, np.nan, -2.0, 0.5], [np.nan, np.nan, np.nan, np.nan], [3.0, -1.0, np.nan, np.inf]])
    m, n = integers((3, 4), -9, 9), integers((3, 4), 1, 9, seed=1)
    shapes(x, y, v, m)
    elements(x, y, v, holes, m, n)
    order(x, v, holes, m)
    statistics(x, y, v, w, holes, m)
    calculus(x, v, w)
    products()


def shapes(x, y, v, m):
    cube = uniform((2, 3, 4))
    for name, fn in {
        "append": lambda x, y: jnp.append(x, y, axis=0), "append/flat": lambda x, y: jnp.append(x, y),
        "concat": lambda x, y: jnp.concat([x, y], axis=1), "concatenate": lambda x, y: jnp.concatenate([x, y], axis=-1),
        "stack": lambda x, y: jnp.stack([x, y], axis=1), "dstack": lambda x, y: jnp.dstack([x, y]), "hstack": lambda x, y: jnp.hstack([x, y]),
        "vstack": lambda x, y: jnp.vstack([x, y]), "column_stack": lambda x, y: jnp.column_stack([x[0], y[1]]),
        "block": lambda x, y: jnp.block([[x, y], [y, x]]),
    }.items():
        case(f"jax.numpy.{name}", fn, x, y)
    for name, fn in {
        "atleast_1d": jnp.atleast_1d, "atleast_2d": jnp.atleast_2d, "atleast_3d": jnp.atleast_3d, "flipud": jnp.flipud, "fliplr": jnp.fliplr,
        "flip": jnp.flip, "rot90": jnp.rot90, "rot90/3": lambda x: jnp.rot90(x, 3), "ravel": jnp.ravel, "transpose": jnp.transpose,
        "matrix_transpose": jnp.matrix_transpose, "expand_dims": lambda x: jnp.expand_dims(x, (0, 2)), "tile": lambda x: jnp.tile(x, (2, 1, 2)),
        "repeat": lambda x: jnp.repeat(x, 2, axis=1), "repeat/each": lambda x: jnp.repeat(x, np.array([1, 0, 3]), axis=0),
        "repeat/total": lambda x: jnp.repeat(x, jnp.array([1, 0, 2]), axis=0, total_repeat_length=5),
        "roll": lambda x: jnp.roll(x, 1, axis=1), "roll/axes": lambda x: jnp.roll(x, (1, -2), axis=(0, 1)), "roll/flat": lambda x: jnp.roll(x, 5),
        "resize": lambda x: jnp.resize(x, (5, 4)), "tril": jnp.tril, "triu": lambda x: jnp.triu(x, -1), "trace": jnp.trace, "diagonal": jnp.diagonal,
        "diag": jnp.diag, "diagflat": jnp.diagflat, "array_split": lambda x: jnp.array_split(x, 3, axis=1), "split": lambda x: jnp.split(x, 2, axis=1),
        "split/at": lambda x: jnp.split(x, [1, 3], axis=1), "hsplit": lambda x: jnp.hsplit(x, 2), "vsplit": lambda x: jnp.vsplit(x, 3),
        "insert": lambda x: jnp.insert(x, 1, 5.0, axis=1), "insert/many": lambda x: jnp.insert(x, np.array([3, 0, 0]), jnp.arange(3.0), axis=1),
        "insert/flat": lambda x: jnp.insert(x, -1, 9.0), "delete": lambda x: jnp.delete(x, 1, axis=0), "delete/many": lambda x: jnp.delete(x, np.array([0, -1]), axis=1),
        "delete/flat": lambda x: jnp.delete(x, slice(2, 9, 3)), "swapaxes": lambda x: jnp.swapaxes(x, 0, 1), "reshape": lambda x: jnp.reshape(x, (2, -1)),
        "broadcast_to": lambda x: jnp.broadcast_to(x, (2, 3, 4)), "unstack": lambda x: jnp.unstack(x, axis=1),
    }.items():
        case(f"jax.numpy.{name}", fn, x)
    named(jnp.squeeze, uniform((1, 3, 1)))
    case("jax.numpy.dsplit", lambda x: jnp.dsplit(x, 2), uniform((2, 2, 4)))
    case("jax.numpy.moveaxis", lambda x: jnp.moveaxis(x, (0, 2), (1, 0)), cube)
    case("jax.numpy.rollaxis", lambda x: jnp.rollaxis(x, 2, 1), cube)
    case("jax.numpy.permute_dims", lambda x: jnp.permute_dims(x, (2, 0, 1)), cube)
    case("jax.numpy.broadcast_arrays", lambda x, v: jnp.broadcast_arrays(x, v), x, uniform((4,)))
    case("jax.numpy.roll", lambda x, s: jnp.roll(x, s, axis=0), x, array(-4, "i32"), variant="traced")
    case("jax.numpy.meshgrid", lambda v, x: jnp.meshgrid(v, x[0]), v, x)
    case("jax.numpy.meshgrid", lambda v, x: jnp.meshgrid(v, x[0], x[1], indexing="ij"), v, x, variant="ij")
    case("jax.numpy.trim_zeros", jnp.trim_zeros, array([0, 0, 1, 0, 2, 0]), grad=False)
    pads = {
        "edge": dict(mode="edge"), "wrap": dict(mode="wrap"), "reflect": dict(mode="reflect"), "reflect_odd": dict(mode="reflect", reflect_type="odd"),
        "symmetric": dict(mode="symmetric"), "symmetric_odd": dict(mode="symmetric", reflect_type="odd"), "constant": dict(constant_values=2.5),
        "linear_ramp": dict(mode="linear_ramp", end_values=-1.0), "maximum": dict(mode="maximum"), "minimum": dict(mode="minimum", stat_length=2),
        "mean": dict(mode="mean"), "median": dict(mode="median", stat_length=3),
    }
    for name, options in pads.items():
        case("jax.numpy.pad", lambda x, options=options: jnp.pad(x, ((2, 5), (6, 1)), **options), x, variant=name)
    for name, fn in {
        "zeros": lambda: jnp.zeros((2, 3)), "ones": lambda: jnp.ones(3, "int32"), "full": lambda: jnp.full((2,), 7), "empty": lambda: jnp.empty((2,)),
        "arange": lambda: jnp.arange(1, 10, 3), "arange/float": lambda: jnp.arange(0.0, 1.0, 0.3), "linspace": lambda: jnp.linspace(0, 1, 7),
        "linspace/open": lambda: jnp.linspace(2.0, -1.0, 5, endpoint=False), "logspace": lambda: jnp.logspace(0, 2, 5), "geomspace": lambda: jnp.geomspace(1, 1000, 4),
        "eye": lambda: jnp.eye(3, 4, 1), "identity": lambda: jnp.identity(3), "tri": lambda: jnp.tri(3, 4, -1), "bartlett": lambda: jnp.bartlett(7),
        "blackman": lambda: jnp.blackman(7), "hamming": lambda: jnp.hamming(7), "hanning": lambda: jnp.hanning(7), "mgrid": lambda: jnp.mgrid[0:3, 1:9:4],
        "ogrid": lambda: jnp.ogrid[0:3, 1:9:4], "fromfunction": lambda: jnp.fromfunction(lambda i, j: i * 10 + j, (2, 3), dtype=float),
        "broadcast_shapes": lambda: jnp.array(jnp.broadcast_shapes((3, 1), (4,))),
    }.items():
        case(f"jax.numpy.{name}", fn)
    for fn in (jnp.zeros_like, jnp.ones_like, jnp.empty_like):
        named(fn, x, grad=False)
    case("jax.numpy.full_like", lambda x: jnp.full_like(x, 2.5), x, grad=False)
    case("jax.numpy.apply_along_axis", lambda x: jnp.apply_along_axis(lambda r: jnp.stack([r.sum(), r[0]]), 1, x), cube)
    case("jax.numpy.apply_over_axes", lambda x: jnp.apply_over_axes(lambda x, a: jnp.sum(x, axis=a), x, (0, 2)), cube)
    case("jax.numpy.vectorize", lambda x, v: jnp.vectorize(jnp.matmul, signature="(m,n),(n)->(m)")(x, v), cube, uniform((3, 1, 4)))


def elements(x, y, v, holes, m, n):
    for name, fn in {
        "cbrt": jnp.cbrt, "fabs": jnp.fabs, "rint": jnp.rint, "trunc": jnp.trunc, "floor": jnp.floor, "ceil": jnp.ceil, "sign": jnp.sign,
        "deg2rad": jnp.deg2rad, "rad2deg": jnp.rad2deg, "degrees": jnp.degrees, "radians": jnp.radians, "positive": jnp.positive,
        "around": lambda x: jnp.around(x, 2), "round": lambda x: jnp.round(x, 1), "round/tens": lambda x: jnp.round(x * 100, -1),
    }.items():
        case(f"jax.numpy.{name}", fn, x, dtypes=["f32", "bf16", "f16", "f64"])
    for fn in (jnp.acos, jnp.asin, jnp.atanh):
        named(fn, uniform((6,), -0.9, 0.9))
    for fn in (jnp.atan, jnp.asinh):
        named(fn, v)
    named(jnp.acosh, uniform((6,), 1.1, 4.0))
    named(jnp.atan2, x, y)
    special = array([0.0, -0.0, 1.0, -3.5, np.inf, -np.inf, np.nan, 6.5e4])
    for fn in (jnp.isposinf, jnp.isneginf, jnp.isinf, jnp.nan_to_num, jnp.frexp, jnp.modf, jnp.spacing, jnp.isreal, jnp.iscomplex, jnp.sign):
        named(fn, special, grad=False, variant="special" if fn is jnp.sign else None)
    named(jnp.modf, x, variant="smooth", grad=False)
    case("jax.numpy.nan_to_num", lambda x: jnp.nan_to_num(x, nan=2.0, posinf=9.0, neginf=-9.0), special, variant="given", grad=False)
    for fn in (jnp.conj, jnp.conjugate, jnp.real, jnp.imag, jnp.angle, jnp.iscomplex, jnp.isfinite, jnp.abs, jnp.square):
        named(fn, uniform((5,), dtype="c64"), variant="complex", grad=fn is not jnp.angle)
    case("jax.numpy.ldexp", jnp.ldexp, v, array([3, -2, 0, 10, -120, 1], "i32"))
    for fn in (jnp.fmax, jnp.fmin):
        named(fn, holes, x, grad=False)
    named(jnp.logaddexp2, x, y)
    named(jnp.float_power, np.abs(x), y)
    named(jnp.pow, np.abs(x), y)
    named(jnp.heaviside, x, y)
    named(jnp.copysign, x, y)
    named(jnp.nextafter, x, y, grad=False)
    for fn in (jnp.gcd, jnp.lcm, jnp.bitwise_and, jnp.bitwise_or, jnp.bitwise_xor, jnp.floor_divide, jnp.fmod, jnp.mod, jnp.divmod):
        named(fn, m, n, variant="wide" if fn is jnp.floor_divide else None)
    for fn in (jnp.floor_divide, jnp.fmod, jnp.mod, jnp.divmod):
        named(fn, x, y, variant="float", grad=fn is not jnp.floor_divide)
    for fn in (jnp.left_shift, jnp.right_shift, jnp.bitwise_left_shift, jnp.bitwise_right_shift):
        named(fn, m, n)
    for fn in (jnp.bitwise_count, jnp.bitwise_not, jnp.bitwise_invert, jnp.invert):
        named(fn, m)
    b, c = booleans((3, 4)), booleans((3, 4), seed=1)
    for fn in (jnp.logical_and, jnp.logical_or, jnp.logical_xor):
        named(fn, b, c)
    named(jnp.logical_not, b)
    for fn in (jnp.greater, jnp.greater_equal, jnp.less_equal, jnp.not_equal):
        named(fn, holes, x, grad=False)
    named(jnp.isclose, array([1.0, 1.00001, np.inf, np.nan]), array([1.00001, 1.1, np.inf, np.nan]), grad=False)
    named(jnp.allclose, x, x + 1e-7, grad=False)
    named(jnp.array_equal, x, y, grad=False)
    named(jnp.array_equiv, x, x[:1], grad=False)
    named(jnp.packbits, integers((3, 11), 0, 2, dtype="u8"))
    case("jax.numpy.packbits", lambda m: jnp.packbits(m, axis=0, bitorder="little"), integers((11, 2), 0, 2, dtype="u8"), variant="little")
    case("jax.numpy.unpackbits", lambda m: jnp.unpackbits(m, axis=1), integers((3, 2), 0, 256, dtype="u8"))
    case("jax.numpy.unwrap", jnp.unwrap, uniform((8,), -9, 9))
    case("jax.numpy.astype", lambda x: jnp.astype(x, "int32"), x * 3, grad=False)


def order(x, v, holes, m):
    for name, fn in {
        "sort": jnp.sort, "sort/flat": lambda x: jnp.sort(x, axis=None), "sort/descending": lambda x: jnp.sort(x, axis=0, descending=True),
        "argsort": jnp.argsort, "argsort/descending": lambda x: jnp.argsort(x, descending=True), "partition": lambda x: jnp.partition(x, 1),
        "argpartition": lambda x: jnp.argpartition(x, 2, axis=0),
    }.items():
        case(f"jax.numpy.{name}", fn, x, dtypes=["f32", "i32", "u8", "bf16"])
    named(jnp.sort, holes, variant="nan", grad=False)
    named(jnp.sort_complex, v)
    case("jax.numpy.lexsort", lambda a, b: jnp.lexsort((a, b)), integers((9,), 0, 3), integers((9,), 0, 3, seed=1))
    ladder = np.sort(uniform((9,)))
    case("jax.numpy.searchsorted", jnp.searchsorted, ladder, np.append(v, [np.nan, np.inf, ladder[3]]).astype("f4"), grad=False)
    case("jax.numpy.searchsorted", lambda a, v: jnp.searchsorted(a, v, side="right"), integers((5,), 0, 5, dtype="i32") * 0 + np.arange(5, dtype="i4"), m, variant="right")
    case("jax.numpy.searchsorted", jnp.searchsorted, np.sort(uniform((700,))), uniform((20, 10)), variant="large", grad=False)
    case("jax.numpy.digitize", jnp.digitize, v, array([-1.0, 0.0, 1.0]), grad=False)
    case("jax.numpy.digitize", lambda v, b: jnp.digitize(v, b, right=True), v, array([1.0, 0.0, -1.0]), variant="descending", grad=False)
    repeated = integers((3, 5), 0, 5)
    case("jax.numpy.unique", lambda m: jnp.unique(m, size=4), repeated)
    case("jax.numpy.unique", lambda m: jnp.unique(m, size=8, fill_value=-1), repeated, variant="filled")
    case("jax.numpy.unique_all", lambda m: tuple(jnp.unique_all(m, size=6)), repeated)
    case("jax.numpy.unique_counts", lambda m: tuple(jnp.unique_counts(m)), repeated)
    case("jax.numpy.unique_inverse", lambda m: tuple(jnp.unique_inverse(m)), repeated)
    case("jax.numpy.unique_values", jnp.unique_values, array([2.0, np.nan, 1.0, 2.0, np.nan]), grad=False)
    other = integers((4,), 0, 9)
    for fn in (jnp.union1d, jnp.intersect1d, jnp.setdiff1d, jnp.setxor1d, jnp.isin):
        named(fn, repeated, other)
    for fn in (jnp.union1d, jnp.intersect1d, jnp.setdiff1d, jnp.setxor1d):
        case(f"jax.numpy.{fn.__name__}", lambda a, b, fn=fn: fn(a, b, size=6, fill_value=-1), repeated, other, variant="size")


def statistics(x, y, v, w, holes, m):
    for name, fn in {
        "sum": lambda x: jnp.sum(x, axis=0), "sum/where": lambda x: jnp.sum(x, axis=1, where=x > 0), "prod": lambda x: jnp.prod(x, axis=1),
        "mean": lambda x: jnp.mean(x, axis=1), "mean/where": lambda x: jnp.mean(x, axis=1, where=x > -1), "max": lambda x: jnp.max(x, axis=0),
        "max/where": lambda x: jnp.max(x, axis=0, where=x < 1, initial=-5.0), "min": lambda x: jnp.min(x), "amax": lambda x: jnp.amax(x, axis=-1), "amin": lambda x: jnp.amin(x, axis=-1),
        "ptp": lambda x: jnp.ptp(x, axis=0), "std": lambda x: jnp.std(x, axis=1), "var": lambda x: jnp.var(x, axis=0, ddof=1), "average": lambda x: jnp.average(x, axis=0),
        "cumsum": lambda x: jnp.cumsum(x, axis=1), "cumprod": lambda x: jnp.cumprod(x, axis=0), "cumulative_sum": lambda x: jnp.cumulative_sum(x, axis=1, include_initial=True),
        "cumulative_prod": lambda x: jnp.cumulative_prod(x, axis=0), "median": lambda x: jnp.median(x, axis=1), "median/all": jnp.median,
        "quantile": lambda x: jnp.quantile(x, 0.3, axis=0), "percentile": lambda x: jnp.percentile(x, 70.0, axis=1, keepdims=True),
        "count_nonzero": jnp.count_nonzero, "any": lambda x: jnp.any(x > 1, axis=0), "all": lambda x: jnp.all(x > -2, axis=1),
        "argmax": lambda x: jnp.argmax(x, axis=1), "argmin": jnp.argmin,
    }.items():
        case(f"jax.numpy.{name}", fn, x, dtypes=["f32", "bf16", "f64"])
    for name, fn in {
        "nansum": lambda x: jnp.nansum(x, axis=1), "nanprod": lambda x: jnp.nanprod(x, axis=1), "nanmax": lambda x: jnp.nanmax(x, axis=1), "nanmin": lambda x: jnp.nanmin(x, axis=1),
        "nanmean": lambda x: jnp.nanmean(x, axis=1), "nanvar": lambda x: jnp.nanvar(x, axis=0), "nanstd": lambda x: jnp.nanstd(x, axis=0, keepdims=True),
        "nanargmax": lambda x: jnp.nanargmax(x, axis=1), "nanargmin": lambda x: jnp.nanargmin(x, axis=1), "nancumsum": lambda x: jnp.nancumsum(x, axis=1), "nancumprod": lambda x: jnp.nancumprod(x, axis=0),
        "nanmedian": lambda x: jnp.nanmedian(x, axis=1), "nanquantile": lambda x: jnp.nanquantile(x, 0.4, axis=1), "nanpercentile": lambda x: jnp.nanpercentile(x, jnp.array([10.0, 60.0]), axis=0),
    }.items():
        case(f"jax.numpy.{name}", fn, np.where(np.isinf(holes), 4.0, holes).astype("f4"), grad=False)
    for method in ("lower", "higher", "nearest", "midpoint"):
        case("jax.numpy.quantile", lambda x, method=method: jnp.quantile(x, jnp.array([0.2, 0.5, 0.9]), axis=1, method=method), x, variant=method)
    case("jax.numpy.average", lambda x, w: jnp.average(x, axis=0, weights=w), x, uniform((3,), 0.5, 2.0), variant="weights")
    named(jnp.cov, x)
    case("jax.numpy.cov", lambda x, f, a: jnp.cov(x, rowvar=False, fweights=f, aweights=a), x, array([1, 2, 3], "i32"), array([0.5, 1.0, 2.0]), variant="weights", grad=[0])
    named(jnp.corrcoef, x)
    named(jnp.histogram, v, grad=False)
    case("jax.numpy.histogram", lambda v, w: jnp.histogram(v, jnp.array([-2.0, 0.0, 0.5, 2.0]), weights=w, density=True), v, w, variant="weights", grad=False)
    case("jax.numpy.histogram_bin_edges", lambda v: jnp.histogram_bin_edges(v, 4, range=(-1.0, 3.0)), v, grad=False)
    case("jax.numpy.histogram2d", lambda v, w: jnp.histogram2d(v, w, 3), v, w, grad=False)
    case("jax.numpy.histogramdd", lambda x: jnp.histogramdd(x, [2, 3]), uniform((9, 2)), grad=False)
    named(jnp.bincount, np.abs(m).ravel())
    case("jax.numpy.bincount", lambda m, w: jnp.bincount(m, w, length=5), integers((6,), -2, 8), w, variant="weights")


def calculus(x, v, w):
    named(jnp.gradient, v)
    case("jax.numpy.gradient", lambda x: jnp.gradient(x), x, variant="axes")
    case("jax.numpy.gradient", lambda v, w: jnp.gradient(v, jnp.cumsum(w)), v, w, variant="places")
    case("jax.numpy.trapezoid", lambda x: jnp.trapezoid(x, dx=0.5), x)
    case("jax.numpy.trapezoid", lambda x, w: jnp.trapezoid(x, w[:3], axis=0), x, w, variant="places")
    places = array([-1.5, -0.2, 0.3, 1.4])
    case("jax.numpy.interp", jnp.interp, v, places, uniform((4,)))
    case("jax.numpy.interp", lambda v, p, f: jnp.interp(v, p, f, left="extrapolate", right=3.0), v, places, uniform((4,)), variant="outside")
    case("jax.numpy.diff", lambda x: jnp.diff(x, n=2), x)
    case("jax.numpy.ediff1d", lambda v: jnp.ediff1d(v, to_end=jnp.array([9.0]), to_begin=jnp.array([7.0, 8.0])), v)
    p, q = uniform((4,)), uniform((3,), 0.5, 2.0)
    named(jnp.polyval, p, x)
    named(jnp.poly, q)
    for fn in (jnp.polyadd, jnp.polysub, jnp.polymul, jnp.polydiv):
        named(fn, p, q)
    case("jax.numpy.polyder", lambda p: jnp.polyder(p, 2), p)
    case("jax.numpy.polyint", lambda p: jnp.polyint(p, 2, 3.0), p)
    case("jax.numpy.vander", lambda q: jnp.vander(q, 4), q)
    named(jnp.cross, uniform((4, 3)), uniform((4, 3), seed=1))
    named(jnp.cross, uniform((4, 2)), uniform((4, 3), seed=1), variant="plane")


def products():
    a, b, c, d = uniform((3, 4)), uniform((4, 5)), uniform((5, 2)), uniform((2, 3))
    batch = uniform((2, 3, 4))
    named(jnp.matmul, batch, b)
    named(jnp.dot, batch, uniform((6, 4, 2)))
    named(jnp.inner, a, uniform((2, 4)))
    named(jnp.outer, a, d)
    named(jnp.vdot, a, uniform((3, 4), seed=1))
    named(jnp.vecdot, batch, uniform((3, 4)))
    named(jnp.matvec, batch, uniform((4,)))
    named(jnp.vecmat, uniform((3,)), batch)
    named(jnp.kron, d, uniform((2, 2)))
    case("jax.numpy.tensordot", lambda x, y: jnp.tensordot(x, y, axes=([1, 2], [0, 1])), batch, uniform((3, 4, 5)))
    specs = {
        "matmul": ("ij,jk->ik", a, b), "implicit": ("ij,jk", a, b), "transpose": ("ij->ji", a), "trace": ("ii", uniform((3, 3))), "diagonal": ("ii->i", uniform((3, 3))),
        "sum": ("ij->", a), "batch": ("bij,bjk->bik", batch, uniform((2, 4, 5))), "ellipsis": ("...ij,jk->...ik", batch, b), "ellipsis_implicit": ("...j,kj", batch, a),
        "stretched": ("...i,...i->...i", uniform((2, 1, 4)), uniform((3, 4))), "three": ("ij,jk,kl->il", a, b, c), "four": ("ij,jk,kl,li->", a, b, c, d),
        "outer": ("i,j->ij", uniform((3,)), uniform((4,))), "hadamard": ("ij,ij->ij", a, uniform((3, 4), seed=3)), "attention": ("bqhd,bkhd->bhqk", uniform((2, 3, 2, 4)), uniform((2, 5, 2, 4))),
    }
    for name, (spec, *operands) in specs.items():
        case("jax.numpy.einsum", lambda *xs, spec=spec: jnp.einsum(spec, *xs), *operands, variant=name)
