"""jax.numpy: what functions are told beside their arrays, and the dtypes, empty arrays, ties and NaNs that the plain cases have not."""

import jax
import jax.numpy as jnp
import numpy as np

from golden import array, booleans, case, integers, uniform

WHOLE = ["i8", "u8", "i32", "bool"]


def of(name):
    return getattr(jnp, name)


def cases():
    dtypes()
    empty()
    reductions()
    order()
    statistics()
    shapes()
    others()


def dtypes():
    m, z, h = integers((3, 4), 0, 5), uniform((3, 4), dtype="c64"), uniform((3, 4)).astype("f2")
    for name in ("sum", "prod", "mean", "var", "std", "cumsum", "cumprod", "count_nonzero", "any", "all", "cumulative_sum"):
        fn = lambda x: of(name)(x, axis=1)
        case(f"jax.numpy.{name}", fn, m, variant="whole", dtypes=WHOLE)
        case(f"jax.numpy.{name}", fn, z, variant="complex", grad=name not in ("std",))
        case(f"jax.numpy.{name}", fn, h, variant="half")
    for name in ("max", "min", "argmax", "argmin", "median", "sort", "argsort", "ptp", "quantile"):
        fn = (lambda x: jnp.quantile(x, 0.25, axis=1)) if name == "quantile" else lambda x: of(name)(x, axis=1)
        case(f"jax.numpy.{name}", fn, m, variant="whole", dtypes=WHOLE[:3] + (["bool"] if name not in ("ptp", "median", "quantile") else []))
        case(f"jax.numpy.{name}", fn, h, variant="half")
    for name in ("sort", "argsort"):
        case(f"jax.numpy.{name}", lambda z: of(name)(z, axis=1), z, variant="complex", grad=False)
    unary = """exp exp2 expm1 log log1p log2 log10 sqrt sin cos tan sinh cosh tanh arcsin arccos arctan arcsinh arccosh arctanh reciprocal negative
        sign positive""".split()
    for name in unary:
        case(f"jax.numpy.{name}", of(name), uniform((8,), 0.2, 0.9, dtype="c64"), variant="complex8")
        if name not in ("arccosh", "negative", "positive", "sign", "reciprocal"):
            case(f"jax.numpy.{name}", of(name), array([0, 1], "i32"), variant="whole", dtypes=["i32", "u8", "bool"])
    for name in ("negative", "abs", "sign", "square", "invert"):
        case(f"jax.numpy.{name}", of(name), integers((6,), 0, 200), variant="whole", dtypes=["i8", "u8", "i32"])
    n = integers((4,), 1, 4)
    for name in ("add", "subtract", "multiply", "divide", "floor_divide", "remainder", "power", "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor", "equal", "less"):
        case(f"jax.numpy.{name}", of(name), m, n, variant="whole", dtypes=["u8", "i8", "i32"])
        if "wise" not in name and name not in ("floor_divide", "remainder", "less"):
            case(f"jax.numpy.{name}", of(name), z, z[:, :1] + 1, variant="complex", grad=name not in ("maximum", "minimum"))
    for name in ("add", "multiply", "maximum", "logical_and", "bitwise_xor", "equal", "less"):
        case(f"jax.numpy.{name}", of(name), booleans((3, 4)), booleans((4,)), variant="booleans")
    for name in ("matmul", "inner", "outer", "kron", "vdot", "dot"):
        case(f"jax.numpy.{name}", of(name), integers((3, 3), -4, 5), integers((3, 3), -4, 5, seed=1), variant="whole", dtypes=["i32", "i8"])
        case(f"jax.numpy.{name}", of(name), uniform((3, 3), dtype="c64"), uniform((3, 3), dtype="c64", seed=1), variant="complex")
        case(f"jax.numpy.{name}", of(name), uniform((3, 3)), uniform((3, 3), seed=1), variant="floats", dtypes=["bf16", "f16", "f64"])
    case("jax.numpy.where", lambda m, z: jnp.where(m > 2, z, 1), m, z, variant="complex")
    case("jax.numpy.clip", lambda m: jnp.clip(m, 1, 3), m, variant="whole", dtypes=["i8", "u8", "i32"])
    case("jax.numpy.logaddexp", jnp.logaddexp, array([1.0, np.inf, -np.inf, np.nan, -np.inf]), array([2.0, np.inf, -np.inf, 0.0, 1.0]), variant="special")
    case("jax.numpy.logaddexp2", jnp.logaddexp2, array([1.0, np.inf, -np.inf, np.nan, -np.inf]), array([2.0, np.inf, -np.inf, 0.0, 1.0]), variant="special")
    case("jax.numpy.logaddexp", jnp.logaddexp, z, z[:, ::-1], variant="complex")
    case("jax.numpy.sinc", lambda x: jax.vmap(jax.grad(jax.grad(jnp.sinc)))(x), array([0.0, 0.5, -1.25]), variant="second", grad=False)
    case("jax.numpy.frexp", jnp.frexp, uniform((4,), 0.1, 9), variant="smooth")
    case("jax.numpy.ldexp", jnp.ldexp, array([0.0, np.inf, 1.5, -3.0]), array([2, 2, -1, 130], "i32"), variant="special")


def empty():
    none = np.zeros((0, 3), "f4")
    for name in ("sum", "prod", "mean", "var", "any", "all", "cumsum", "sort", "argsort", "count_nonzero", "nansum", "nanprod", "nanmean"):
        case(f"jax.numpy.{name}", lambda x: of(name)(x, axis=0), none, variant="empty", grad=False)
    case("jax.numpy.max", lambda x: jnp.max(x, axis=0, initial=-1.0), none, variant="empty", grad=False)
    case("jax.numpy.concatenate", lambda x: jnp.concatenate([x, x]), none, variant="empty")
    case("jax.numpy.matmul", jnp.matmul, np.zeros((2, 0), "f4"), np.zeros((0, 3), "f4"), variant="empty")
    case("jax.numpy.unique", lambda x: jnp.unique(x, size=2, fill_value=5.0), none, variant="empty", grad=False)
    case("jax.numpy.linspace", lambda: jnp.linspace(0, 1, 0), variant="empty")
    case("jax.numpy.linspace", lambda: jnp.linspace(3, 1, 1), variant="one")
    case("jax.numpy.arange", lambda: jnp.arange(5, 1), variant="empty")
    case("jax.numpy.arange", lambda: jnp.arange(9, 1, -3), variant="down")
    for name in ("sum", "mean", "max", "argmax", "cumsum", "sort"):
        case(f"jax.numpy.{name}", lambda x: of(name)(x, axis=None), array(2.5), variant="scalar")


def reductions():
    x, mask = uniform((3, 4)), booleans((3, 4))
    mask[0] = False
    case("jax.numpy.var", lambda x: jnp.var(x, axis=1, where=mask), x, variant="where", grad=False)
    case("jax.numpy.std", lambda x: jnp.std(x, axis=0, where=mask, ddof=1), x, variant="where", grad=False)
    case("jax.numpy.prod", lambda x: jnp.prod(x, axis=1, where=mask), x, variant="where")
    case("jax.numpy.min", lambda x: jnp.min(x, axis=1, where=mask, initial=5.0), x, variant="where")
    case("jax.numpy.any", lambda x: jnp.any(x > 0, axis=1, where=mask), x, variant="where")
    case("jax.numpy.all", lambda x: jnp.all(x > 0, axis=1, where=mask), x, variant="where")
    case("jax.numpy.var", lambda x: jnp.var(x, axis=1, ddof=4), x, variant="ddof", grad=False)
    case("jax.numpy.std", lambda x: jnp.std(x, axis=(0, 1), keepdims=True, ddof=1), x, variant="ddof")
    for name in ("sum", "prod", "mean", "max", "min", "var", "std", "any", "all"):
        case(f"jax.numpy.{name}", lambda y: of(name)(y, axis=(0, -1), keepdims=True), uniform((2, 3, 2)), variant="axes")
    case("jax.numpy.argmax", lambda x: jnp.argmax(x, axis=None, keepdims=True), x, variant="keepdims")
    ties = array([[1.0, 3.0, 3.0, np.nan], [2.0, 2.0, 1.0, 2.0], [np.nan, np.nan, 0.0, 0.0]])
    for name in ("argmax", "argmin", "nanargmax", "nanargmin", "argsort", "sort", "max", "min", "nanmax", "nanmin", "median", "nanmedian", "cumsum"):
        case(f"jax.numpy.{name}", lambda t: of(name)(t, axis=1), ties, variant="ties", grad=False)
    case("jax.numpy.max", lambda t: jnp.max(t, axis=1), array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]]), variant="tied")
    case("jax.numpy.min", lambda t: jnp.min(t, axis=0), array([[1.0, 3.0, 2.0], [1.0, 2.0, 2.0]]), variant="tied")
    for name in ("cumsum", "cumprod", "nancumsum", "nancumprod"):
        case(f"jax.numpy.{name}", lambda x: of(name)(x, axis=None), x, variant="flat")
    case("jax.numpy.cumprod", lambda x: jnp.cumprod(x, axis=0), array([[0.0, 2.0], [3.0, 0.0], [4.0, 5.0]]), variant="zeros")
    case("jax.numpy.prod", lambda x: jnp.prod(x, axis=0), array([[0.0, 2.0, 0.0], [3.0, 1.5, 0.0]]), variant="zeros")
    holes = np.where(mask, x, np.nan).astype("f4")
    for name in ("nansum", "nanmean", "nanvar", "nanstd", "nanmax", "nanprod"):
        case(f"jax.numpy.{name}", lambda x: of(name)(x, axis=(0, 1)), holes, variant="all", dtypes=["f32", "bf16", "f16", "f64"], grad=False)
    case("jax.numpy.nanvar", lambda x: jnp.nanvar(x, axis=1, ddof=1, keepdims=True), holes, variant="ddof", grad=False)
    case("jax.numpy.average", lambda x, w: jnp.average(x, axis=1, weights=w), x, uniform((3, 4), 0.5, 2.0), variant="matrix")


def order():
    m, x = integers((3, 5), 0, 4), uniform((3, 5))
    case("jax.numpy.argsort", lambda m: jnp.argsort(m, axis=1, descending=True), m, variant="descending-ties")
    case("jax.numpy.argsort", lambda m: jnp.argsort(m, axis=None), m, variant="flat-ties")
    case("jax.numpy.sort", lambda t: jnp.sort(t, descending=True), array([2.0, np.nan, -0.0, 0.0, -np.inf, np.inf, np.nan, 1.0]), variant="descending-special", grad=False)
    case("jax.numpy.sort", jnp.sort, array([2.0, np.nan, -0.0, 0.0, -np.inf, np.inf, np.nan, 1.0]), variant="special", grad=False)
    case("jax.numpy.lexsort", lambda m: jnp.lexsort(m, axis=0), m, variant="axis")
    case("jax.numpy.partition", lambda m: jnp.partition(m, -2, axis=0), m, variant="negative")
    values = array([-1.0, 0.0, 0.5, 2.0, np.nan, np.inf])
    ladder = array([0.0, 0.5, 0.5, 1.0, 2.0])
    for side in ("left", "right"):
        case("jax.numpy.searchsorted", lambda a, v: jnp.searchsorted(a, v, side=side), ladder, values, variant=f"ties-{side}", dtypes=["f32", "bf16", "f64"], grad=False)
        case("jax.numpy.digitize", lambda v, a: jnp.digitize(v, a, right=side == "right"), values, ladder, variant=f"ties-{side}", grad=False)
    case("jax.numpy.unique", lambda x: jnp.unique(x, size=5), array([np.nan, 2.0, np.nan, -0.0, 0.0, 1.0]), variant="nan", grad=False)
    case("jax.numpy.unique_all", lambda x: tuple(jnp.unique_all(x, size=6)), array([np.nan, 2.0, np.nan, -0.0, 0.0, 2.0]), variant="nan", grad=False)
    case("jax.numpy.isin", lambda m: jnp.isin(m, jnp.array([1, 3]), invert=True), m, variant="invert")
    case("jax.numpy.sort_complex", jnp.sort_complex, array([2 + 1j, 1 + 3j, 1 - 1j, 2 + 0j], "c64"), variant="complex", grad=False)


def statistics():
    x, v = uniform((3, 4)), uniform((9,))
    spoiled = x.copy()
    spoiled[1, 2] = np.nan
    for method in ("linear", "lower", "higher", "nearest", "midpoint"):
        case("jax.numpy.percentile", lambda x: jnp.percentile(x, jnp.array([0.0, 37.0, 100.0]), axis=1, method=method), x, variant=method)
        case("jax.numpy.nanquantile", lambda x: jnp.nanquantile(x, jnp.array([0.1, 0.8]), axis=1, method=method), spoiled, variant=method, grad=False)
    case("jax.numpy.quantile", lambda x: jnp.quantile(x, 0.6, axis=(0, 1), keepdims=True), x, variant="axes")
    case("jax.numpy.quantile", lambda x: jnp.quantile(x, 0.6, axis=1), spoiled, variant="nan", grad=False)
    case("jax.numpy.median", lambda x: jnp.median(x, axis=0, keepdims=True), x, variant="odd")
    case("jax.numpy.nanpercentile", lambda x: jnp.nanpercentile(x, 30.0, axis=0, keepdims=True), spoiled, variant="keepdims", grad=False)
    case("jax.numpy.histogram", lambda v: jnp.histogram(v, 4, range=(-1.0, 1.0)), v, variant="range", grad=False)
    case("jax.numpy.histogram", lambda m: jnp.histogram(m, 3), integers((9,), 0, 6), variant="whole")
    case("jax.numpy.histogram", lambda v: jnp.histogram(v, 3), np.full((4,), 2.0, "f4"), variant="flat", grad=False)
    case("jax.numpy.histogram_bin_edges", lambda m: jnp.histogram_bin_edges(m, 3), integers((9,), 0, 6), variant="whole")
    case("jax.numpy.cov", lambda x, y: jnp.cov(x, y), x, uniform((2, 4), seed=1), variant="y")
    case("jax.numpy.cov", lambda x: jnp.cov(x, rowvar=False, bias=True), x, variant="columns")
    case("jax.numpy.cov", jnp.cov, v, variant="vector")
    case("jax.numpy.cov", jnp.cov, uniform((2, 4), dtype="c64"), variant="complex")
    case("jax.numpy.corrcoef", lambda x, y: jnp.corrcoef(x, y, rowvar=False), x, uniform((3, 2), seed=1), variant="y")
    case("jax.numpy.bincount", lambda m: jnp.bincount(m, length=4), integers((9,), 0, 7), variant="length")
    places = array([10.0, 190.0, 350.0, -30.0])
    case("jax.numpy.interp", lambda x, p, f: jnp.interp(x, p, f, period=360.0), array([-180.0, 5.0, 200.0, 355.0, 720.5]), places, uniform((4,)), variant="period", grad=[2])
    case("jax.numpy.interp", lambda x, p, f: jnp.interp(x, p, f, left=-7.0, right=9.0), uniform((7,), -3, 3), array([-1.0, 0.0, 2.0]), uniform((3,)), variant="ends", grad=[0, 2])


def shapes():
    x, cube = uniform((3, 4)), uniform((2, 3, 4))
    case("jax.numpy.trace", lambda c: jnp.trace(c), cube, variant="cube")
    case("jax.numpy.trace", lambda c: jnp.trace(c, 1, 2, 0), cube, variant="axes")
    case("jax.numpy.diagonal", lambda c: jnp.diagonal(c), cube, variant="cube")
    case("jax.numpy.diagonal", lambda c: jnp.diagonal(c, -1, 1, 2), cube, variant="axes")
    case("jax.numpy.diag", lambda v: jnp.diag(v, -2), uniform((3,)), variant="vector", dtypes=["f32", "i32", "bool"])
    case("jax.numpy.diff", lambda x: jnp.diff(x, axis=0, prepend=0.5, append=x[:1]), x, variant="ends")
    case("jax.numpy.diff", jnp.diff, booleans((3, 4)), variant="booleans")
    case("jax.numpy.diff", lambda x: jnp.diff(x, n=5), x, variant="beyond")
    case("jax.numpy.meshgrid", lambda v, x: jnp.meshgrid(v, x[0], sparse=True), uniform((2,)), x, variant="sparse")
    case("jax.numpy.meshgrid", lambda v, x: jnp.meshgrid(v, x[0], x[1], sparse=True, indexing="ij"), uniform((2,)), x, variant="sparse-ij")
    for axis in (0, 1, (1, 2)):
        case("jax.numpy.flip", lambda c: jnp.flip(c, axis), cube, variant=f"{axis}".replace(" ", ""))
    case("jax.numpy.rot90", lambda c: jnp.rot90(c, -1, (1, 2)), cube, variant="axes")
    case("jax.numpy.squeeze", lambda x: jnp.squeeze(x[None, :, None], 2), x, variant="axis")
    case("jax.numpy.tril", lambda c: jnp.tril(c, 1), cube, variant="cube", dtypes=["f32", "i32", "bool"])
    case("jax.numpy.transpose", lambda c: jnp.transpose(c, (2, 0, 1)), cube, variant="axes")
    case("jax.numpy.stack", lambda x: jnp.stack([x, x], axis=-1), x, variant="last")
    case("jax.numpy.array_split", lambda x: jnp.array_split(x, 5), x, variant="more")
    case("jax.numpy.repeat", lambda x: jnp.repeat(x, 3), x, variant="flat")
    case("jax.numpy.roll", lambda x: jnp.roll(x, -7, axis=0), x, variant="far")
    case("jax.numpy.append", lambda m: jnp.append(m, 2.5), integers((2, 2), 0, 9), variant="promotes")
    case("jax.numpy.concatenate", lambda m, x: jnp.concatenate([m, x], axis=None), integers((2,), 0, 9), x, variant="flat")
    for mode in ("edge", "wrap", "reflect", "constant", "maximum", "linear_ramp"):
        case("jax.numpy.pad", lambda m: jnp.pad(m, ((1, 2), (0, 3)), mode=mode), integers((3, 4), -9, 9), variant=f"whole-{mode}")
    case("jax.numpy.take", lambda x: jnp.take(x, jnp.array([7, -1, -9]), axis=1, mode="fill", fill_value=-5.0), x, variant="fill_value")
    case("jax.numpy.tile", lambda x: jnp.tile(x, (2,)), x, variant="fewer")


def others():
    x, nan = uniform((3, 4)), array([1.0, np.nan, np.inf, -np.inf])
    case("jax.numpy.array_equal", lambda a: jnp.array_equal(a, a, equal_nan=True), nan, variant="nan", grad=False)
    case("jax.numpy.isclose", lambda a: jnp.isclose(a, a[::-1], equal_nan=True), array([np.nan, 1.0, 1.0 + 1e-6, np.nan]), variant="nan", grad=False)
    case("jax.numpy.isclose", lambda a: jnp.isclose(a, a + 0.01, rtol=0.1, atol=0.001), x, variant="tolerances", grad=False)
    case("jax.numpy.allclose", lambda a: jnp.allclose(a, a, equal_nan=True), nan, variant="nan", grad=False)
    case("jax.numpy.allclose", lambda m: jnp.allclose(m, m), integers((3,), 0, 9), variant="whole")
    case("jax.numpy.clip", lambda x: jnp.clip(x, jnp.array([[0.0], [-1.0], [1.0]]), 0.5), x, variant="arrays")
    case("jax.numpy.nan_to_num", jnp.nan_to_num, np.array([1 + np.nan * 1j, np.inf - 2j], "c8"), variant="complex", grad=False)
    case("jax.numpy.power", lambda x: jnp.power(x, 3), x, variant="whole-exponent", dtypes=["f32", "bf16", "f64", "i32"])
    case("jax.numpy.power", jnp.power, array([0.0, 0.0, -2.0, -8.0, np.inf, 1.0]), array([0.0, -1.0, 3.0, 1 / 3, 0.0, np.nan]), variant="special", grad=False)
    case("jax.numpy.remainder", jnp.remainder, array([5.0, -5.0, 5.0, -5.0, 0.0, np.inf, 3.0]), array([3.0, 3.0, -3.0, -3.0, 2.0, 2.0, np.inf]), variant="special", grad=False)
    case("jax.numpy.fmod", jnp.fmod, array([5.0, -5.0, 5.0, -5.0, 0.0, np.inf, 3.0]), array([3.0, 3.0, -3.0, -3.0, 2.0, 2.0, np.inf]), variant="special", grad=False)
    case("jax.numpy.floor_divide", jnp.floor_divide, array([5.0, -5.0, 1.0, -1.0, 0.0, np.inf]), array([3.0, 3.0, 0.0, 0.0, 0.0, 2.0]), variant="special", grad=False)
    case("jax.numpy.floor_divide", jnp.floor_divide, array([7, -7, 5, -128], "i8"), array([0, 2, -3, -1], "i8"), variant="by-zero")
    case("jax.numpy.maximum", jnp.maximum, array([np.nan, 1.0, -0.0, 2.0]), array([1.0, np.nan, 0.0, 2.0]), variant="special", grad=False)
    case("jax.numpy.sign", jnp.sign, array([0.0, -0.0, np.nan, -3.0]), variant="nan", grad=False)
    case("jax.numpy.hypot", jnp.hypot, array([3e30, np.inf, np.nan, 0.0]), array([4e30, np.nan, 1.0, 0.0]), variant="special", grad=False)
    for axes in (0, 1, 2):
        case("jax.numpy.tensordot", lambda a, b: jnp.tensordot(a, b, axes), uniform((3, 3)), uniform((3, 3), seed=1), variant=f"{axes}")
    for spec, *shapes in (("i->", 3), ("ij,ij->", (2, 3), (2, 3)), ("i,i", 3, 3), ("ijk,k", (2, 3, 4), 4), ("...ii->...i", (2, 3, 3)), ("ab,ac,ad->bcd", (2, 3), (2, 4), (2, 2)), (",ij->ij", (), (2, 3))):
        operands = [uniform(shape if isinstance(shape, tuple) else (shape,), seed=i) for i, shape in enumerate(shapes)]
        case("jax.numpy.einsum", lambda *xs: jnp.einsum(spec, *xs), *operands, variant=spec.replace("->", "=").replace(",", "_"))
    case("jax.numpy.einsum", lambda m: jnp.einsum("ij,jk", m, m), integers((3, 3), -4, 5), variant="whole")
    case("jax.numpy.cross", jnp.cross, uniform((3,)), uniform((4, 3), seed=1), variant="stretched")
    case("jax.numpy.vander", lambda x: jnp.vander(x, increasing=True), uniform((3,)), variant="increasing")
    case("jax.numpy.trapezoid", lambda m: jnp.trapezoid(m), integers((5,), 0, 9), variant="whole")
    case("jax.numpy.logspace", lambda: jnp.logspace(0, 3, 4, base=2.0), variant="base")
    case("jax.numpy.geomspace", lambda: jnp.geomspace(-1, -1000, 4), variant="negative")
    case("jax.numpy.full", lambda: jnp.full((2,), True), variant="bool")
    case("jax.numpy.full_like", lambda m: jnp.full_like(m, 2.7), integers((2,), 0, 9), variant="whole")
    case("jax.numpy.unwrap", lambda x: jnp.unwrap(x, period=4.0), uniform((6,), -9, 9), variant="period")
    case("jax.numpy.select", lambda m: jnp.select([m > 1, m > 0], [m, m * 10]), integers((3, 4), -2, 4), variant="whole")
    case("jax.numpy.polyval", jnp.polyval, integers((3,), -3, 4), integers((4,), -3, 4), variant="whole")
