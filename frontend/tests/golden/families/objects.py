"""jax.numpy beside its functions of arrays: dtypes and what is known of them (of random keys too), arrays as text and files, ufunc objects, index
tricks.

What is no array is written down as one: truth values, positions in the list of dtypes, bytes of a text.
"""

import io
import tempfile
import warnings

import jax.numpy as jnp
import jax.random
import numpy as np

from golden import array, booleans, case, integers, uniform

NAMES = """bool int2 int4 int8 int16 int32 int64 uint2 uint4 uint8 uint16 uint32 uint64 float4_e2m1fn float6_e2m3fn float6_e3m2fn float8_e3m4
float8_e4m3 float8_e4m3b11fnuz float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu bfloat16 float16 float32 float64
complex64 complex128""".split()
ALIASES = "bool_ int_ uint single double float_ csingle cdouble complex_".split()
KINDS = "generic number integer signedinteger unsignedinteger inexact floating complexfloating flexible character object_".split()
COMMON = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 bfloat16 float16 float32 float64 complex64 complex128".split()


def of(name):
    return getattr(jnp, name)


def position(dtype):
    return NAMES.index(jnp.dtype(dtype).name)


def text(string):
    return np.frombuffer(string.encode(), np.uint8)


def cases():
    dtypes()
    facts()
    texts()
    files()
    ufuncs()
    tricks()


def dtypes():
    for name in NAMES + ALIASES:
        case(f"jax.numpy.{name}", lambda: np.array([jnp.issubdtype(of(name), of(other)) for other in KINDS + NAMES]))
    for kind in KINDS:
        case(f"jax.numpy.{kind}", lambda: np.array([jnp.issubdtype(of(name), of(kind)) for name in NAMES]))
    case("jax.numpy.dtype", lambda: np.array([jnp.dtype(of(name)).itemsize for name in COMMON]).astype("i4"))
    case("jax.numpy.can_cast", lambda: np.array([[jnp.can_cast(of(a), of(b)) for b in COMMON] for a in COMMON]))
    case("jax.numpy.issubdtype", lambda: np.array([[jnp.issubdtype(of(a), of(b)) for b in COMMON] for a in COMMON]))
    kinds = ["bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric"]
    case("jax.numpy.isdtype", lambda: np.array([[jnp.isdtype(of(a), kind) for kind in kinds] for a in NAMES]))
    case("jax.numpy.promote_types", lambda: np.array([[position(jnp.promote_types(of(a), of(b))) for b in COMMON] for a in COMMON]), x64=True)
    mixed = [(jnp.int8(1), 2), (jnp.int8(1), 2.0), (jnp.bfloat16(1), 2), (jnp.bfloat16(1), jnp.float16(1)), (jnp.uint8(1), jnp.int8(1)), (jnp.int32(1), 1j), (True, 1), (1, 2.0)]
    case("jax.numpy.result_type", lambda: np.array([position(jnp.result_type(*pair)) for pair in mixed]).astype("i4"))
    floats = [name for name in NAMES if "float" in name] + ["complex64", "complex128"]
    limits = "bits eps epsneg max min tiny smallest_normal smallest_subnormal resolution nmant nexp maxexp minexp precision".split()
    case("jax.numpy.finfo", lambda: np.array([[float(getattr(jnp.finfo(of(name)), limit)) for limit in limits] for name in floats]), x64=True)
    case("jax.random.key_dtype", lambda: text(str(jax.random.key_dtype())))
    case("jax.random.key_impl", lambda: text(str(jax.random.key_impl(jax.random.key(0)))))
    ints = [name for name in NAMES if "int" in name]
    case("jax.numpy.iinfo", lambda: (
        np.array([jnp.iinfo(of(name)).bits for name in ints]), np.array([jnp.iinfo(of(name)).min for name in ints]),
        np.array([jnp.iinfo(of(name)).max for name in ints], np.uint64)), x64=True)


def facts():
    x, z = uniform((2, 3)), uniform((2,), dtype="c64")
    for name in ("iscomplexobj", "isrealobj", "isscalar", "iterable"):
        case(f"jax.numpy.{name}", lambda x, z: np.array([of(name)(x), of(name)(z), of(name)(z[0]), of(name)(jnp.float32(2))]), x, z, grad=False)
    case("jax.numpy.ndim", lambda x: np.int32(jnp.ndim(x)), x, grad=False)
    case("jax.numpy.size", lambda x: np.int32(jnp.size(x)), x, grad=False)
    case("jax.numpy.shape", lambda x: np.array(jnp.shape(x), "i4"), x, grad=False)
    case("jax.numpy.array", lambda: jnp.array([[1.5, -2.0], [0.0, 3.0]]))
    case("jax.numpy.array", lambda: jnp.array([1.7, -2.3], "int8"), variant="dtype")
    case("jax.numpy.asarray", lambda: jnp.asarray([[1, 2, 3]]))
    case("jax.numpy.ndarray", lambda: jnp.ones((2,)))
    named = {"copy": jnp.copy, "absolute": jnp.absolute}
    for name, fn in named.items():
        case(f"jax.numpy.{name}", fn, x, dtypes=["f32", "bf16", "f64", "i32"])
    case("jax.numpy.absolute", jnp.absolute, uniform((5,), dtype="c64"), variant="complex")
    case("jax.numpy.true_divide", jnp.true_divide, x, uniform((3,), 0.5, 2.0), dtypes=["f32", "bf16", "f64"])
    case("jax.numpy.true_divide", jnp.true_divide, integers((4,), -9, 9), integers((4,), 1, 5), variant="integers")
    for name in ("e", "pi", "inf", "nan", "euler_gamma"):
        case(f"jax.numpy.{name}", lambda: jnp.array(of(name)))
        case(f"jax.numpy.{name}", lambda: jnp.array(of(name), "float64"), variant="f64", x64=True)
    case("jax.numpy.newaxis", lambda x: x[:, jnp.newaxis], x)


def texts():
    far, plain = array([[1e-5, 1.5, np.nan], [-np.inf, 0.25, 3e8]]), array([[0.1, 1 / 3, -2.5], [100.0, 0.0, 7.125]])
    long = np.arange(1200, dtype="f4").reshape(40, 30) / 7
    short = dict(precision=3, suppress=True, threshold=10, edgeitems=2, linewidth=40, nanstr="?", infstr="oo")
    for variant, x in {"far": far, "plain": plain, "complex": uniform((3,), dtype="c64"), "half": uniform((5,)).astype("f2"), "long": long, "mask": booleans((3, 2))}.items():
        # NumPy's functions take a JAX array apart into doubles and write its class' name; what is meant is the array's own text.
        case("jax.numpy.array_repr", lambda x: text(repr(x)), x, variant=variant, grad=False)
        case("jax.numpy.array_str", lambda x: text(str(x)), x, variant=variant, grad=False)

        def with_options(x):
            with jnp.printoptions(**short):
                return text(repr(x))

        case("jax.numpy.printoptions", with_options, x, variant=variant, grad=False)

    def globally(x):
        before = jnp.get_printoptions()
        try:
            jnp.set_printoptions(precision=0, edgeitems=1, threshold=3)
            return text(str(x)), np.int32(jnp.get_printoptions()["edgeitems"])
        finally:
            jnp.set_printoptions(**before)

    case("jax.numpy.set_printoptions", globally, plain, grad=False)
    case("jax.numpy.get_printoptions", lambda: np.array([jnp.get_printoptions()[k] for k in ("precision", "threshold", "edgeitems", "linewidth", "suppress")], "i4"))


def files():
    def saved(x):
        with tempfile.TemporaryFile() as file:
            jnp.save(file, x)
            file.seek(0)
            return np.frombuffer(file.read(), np.uint8)

    for short in ("f32", "f64", "bf16", "i8", "bool", "c64", "u16"):
        x = uniform((2, 3)) if short in ("f32", "f64", "bf16") else uniform((4,), dtype="c64") if short == "c64" else integers((3,), 0, 2) if short != "i8" else integers((), -9, 9)
        case("jax.numpy.save", saved, x, dtypes=[short], grad=False)
    fortran, big = io.BytesIO(), io.BytesIO()
    np.save(fortran, np.asfortranarray(uniform((2, 3))))
    np.save(big, uniform((2, 3)).astype(">f4"))
    # JAX itself refuses numbers of the other byte order; NumPy reads them.
    for variant, file in {"fortran": fortran, "big": big}.items():
        case("jax.numpy.load", lambda b: np.load(io.BytesIO(b.tobytes())).astype("f4"), np.frombuffer(file.getvalue(), np.uint8), variant=variant)
    archive = io.BytesIO()
    np.savez_compressed(archive, a=uniform((2, 2)), b=np.arange(3, dtype="i4"))
    case("jax.numpy.load", lambda b: [x for _, x in sorted(jnp.load(io.BytesIO(b.tobytes())).items())], np.frombuffer(archive.getvalue(), np.uint8), variant="npz")

    def through_archive(x, y):
        with tempfile.TemporaryFile() as file:
            jnp.savez(file, first=x, second=y)
            file.seek(0)
            return [value for _, value in sorted(jnp.load(file).items())]

    case("jax.numpy.savez", through_archive, uniform((2, 3)), integers((2,), 0, 9), grad=False)
    bytes_ = integers((12,), 0, 256, dtype="u8")
    case("jax.numpy.frombuffer", lambda b: jnp.frombuffer(b.tobytes(), "int16"), bytes_)
    case("jax.numpy.frombuffer", lambda b: jnp.frombuffer(b.tobytes(), "uint8", count=3, offset=5), bytes_, variant="part")
    with warnings.catch_warnings(action="ignore"):
        case("jax.numpy.fromstring", lambda: jnp.fromstring(" 1.5  -2 3e2 ", sep=" "))
        case("jax.numpy.fromstring", lambda: jnp.fromstring("4, 5 ,6", "int32", count=2, sep=","), variant="integers")


def ufuncs():
    x, m, v = uniform((3, 4)), integers((3, 4), -9, 9), uniform((3,))
    mask, again = booleans((3, 4)), array([2, 0, 2], "i32")
    named = ["add", "multiply", "subtract", "maximum", "minimum", "logaddexp", "logaddexp2"]
    for name in named:
        case("jax.numpy.ufunc", lambda x: of(name).reduce(x), x, variant=f"{name}-reduce")
        case("jax.numpy.ufunc", lambda x: of(name).reduce(x, axis=1, keepdims=True, initial=0.5, where=mask), x, variant=f"{name}-reduce-where", grad=name not in ("maximum", "minimum"))
        case("jax.numpy.ufunc", lambda x: of(name).reduce(x, axis=None), x, variant=f"{name}-reduce-all")
        case("jax.numpy.ufunc", lambda x: of(name).accumulate(x, axis=1), x, variant=f"{name}-accumulate")
        case("jax.numpy.ufunc", lambda x, v: of(name).at(x, again, v[:, None], inplace=False), x, v, variant=f"{name}-at", grad=False)
        case("jax.numpy.ufunc", lambda x: of(name).reduceat(x, jnp.array([0, 2, 1]), axis=1), x, variant=f"{name}-reduceat")
        case("jax.numpy.ufunc", lambda x, v: of(name).outer(x, v), x, v, variant=f"{name}-outer")
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "logical_and", "logical_or", "logical_xor", "add", "multiply", "maximum"):
        case("jax.numpy.ufunc", lambda m: of(name).reduce(m, axis=1), m, variant=f"{name}-reduce-integers")
        case("jax.numpy.ufunc", lambda m: of(name).accumulate(m), m, variant=f"{name}-accumulate-integers")
    case("jax.numpy.ufunc", lambda x: jnp.negative.at(x, (again, jnp.array([1, 3, 1])), inplace=False), x, variant="negative-at", grad=False)
    case("jax.numpy.ufunc", lambda x: jnp.add.reduce(x, dtype="int32"), x * 5, variant="add-reduce-dtype", grad=False)
    case("jax.numpy.ufunc", lambda: jnp.add.reduce(jnp.zeros((0, 2))), variant="add-reduce-empty")
    case("jax.numpy.ufunc", lambda: np.array([[of(name).nin, of(name).nout, of(name).identity is None] for name in named + ["negative"]], "i4"), variant="facts")
    digits = jnp.frompyfunc(lambda a, b: a * 10 + b, 2, 1)
    case("jax.numpy.frompyfunc", digits, x, v[:, None], variant="call")
    case("jax.numpy.frompyfunc", lambda m: digits.reduce(m, axis=1), m)
    case("jax.numpy.frompyfunc", lambda m: digits.accumulate(m, axis=0), m, variant="accumulate")
    case("jax.numpy.frompyfunc", lambda m: digits.at(m, (again, 1), jnp.array([1, 2, 3]), inplace=False), m, variant="at")


def tricks():
    x, m = uniform((3,)), array([[7, 8, 9], [1, 2, 3]], "i32")
    case("jax.numpy.r_", lambda x: jnp.r_[x, 0, 0.5, 1:4, -1:1:6j], x)
    case("jax.numpy.r_", lambda m: jnp.r_["-1", m, m + 1], m, variant="last")
    case("jax.numpy.r_", lambda x: jnp.r_["0,2", x, x], x, variant="rows")
    case("jax.numpy.r_", lambda x: jnp.r_["0,2,0", x, x, 0:3], x, variant="columns")
    case("jax.numpy.r_", lambda x: jnp.r_["1,3,1", x, x], x, variant="deep")
    case("jax.numpy.r_", lambda x: jnp.r_["r", x, 1.0], x, variant="matrix")
    case("jax.numpy.r_", lambda x: jnp.r_["c", x, 1.0], x, variant="matrix-column")
    case("jax.numpy.c_", lambda x: jnp.c_[x, x * 2, 0:3], x)
    case("jax.numpy.c_", lambda m: jnp.c_[m, m], m, variant="matrices")
    case("jax.numpy.c_", lambda x: jnp.c_["1,2", x, x], x, variant="directive")
    case("jax.numpy.s_", lambda m: m[jnp.s_[0, ::-1]], m)
    case("jax.numpy.index_exp", lambda m: m[jnp.index_exp[..., 1:]], m)
    case("jax.numpy.mgrid", lambda: jnp.mgrid[0:1:3j, 2:4], variant="points")
    case("jax.numpy.ogrid", lambda: jnp.ogrid[0:1:3j, 0:4:2], variant="points")
    path = lambda spec, *shapes: np.array(jnp.einsum_path(spec, *(jnp.ones(shape) for shape in shapes))[0], "i4")
    case("jax.numpy.einsum_path", lambda: path("ij,jk,kl->il", (2, 3), (3, 100), (100, 5)))
    case("jax.numpy.einsum_path", lambda: path("ab,bc,cd,de->ae", (2, 30), (30, 4), (4, 50), (50, 6)), variant="four")
