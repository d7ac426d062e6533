"""Functions of jax.lax element by element."""

import jax.numpy as jnp
import numpy as np
from jax import lax

from golden import array, booleans, case, integers, uniform

FLOATS = ["f32", "bf16", "f16", "f64"]
INTEGERS = ["i8", "i32", "i64", "u16", "u32"]
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 88.5, -104.0, np.inf, -np.inf, np.nan]


def cases():
    unary()
    complex_numbers()
    binary()
    special_functions()
    whole_numbers()
    comparisons()
    choices()


def unary():
    smooth = [
        ("abs", -3, 3), ("acos", -0.9, 0.9), ("acosh", 1.1, 5), ("asin", -0.9, 0.9), ("asinh", -5, 5), ("atan", -5, 5),
        ("atanh", -0.9, 0.9), ("cbrt", -3, 3), ("cos", -6, 6), ("cosh", -3, 3), ("digamma", 0.3, 6), ("erf", -3, 3), ("erf_inv", -0.95, 0.95),
        ("erfc", -3, 3), ("exp", -3, 3), ("exp2", -3, 3), ("expm1", -3, 3), ("lgamma", 0.3, 6), ("log", 0.1, 5), ("log1p", -0.8, 5),
        ("logistic", -5, 5), ("neg", -3, 3), ("reciprocal", 0.5, 3), ("rsqrt", 0.1, 5), ("sin", -6, 6), ("sinh", -3, 3), ("sqrt", 0.1, 5),
        ("square", -3, 3), ("tan", -1.4, 1.4), ("tanh", -3, 3), ("bessel_i0e", -6, 12), ("bessel_i1e", -6, 12),
    ]
    steps = ["ceil", "floor", "sign", "is_finite"]
    special = array(SPECIAL)
    for name, low, high in smooth:
        fn = getattr(lax, name)
        case(f"jax.lax.{name}", fn, uniform((24,), low, high), dtypes=FLOATS)
        case(f"jax.lax.{name}", fn, special, variant="special", dtypes=["f32", "f16"], grad=False)
    case("jax.lax.lgamma", lax.lgamma, uniform((16,), -6, 0), variant="reflected", dtypes=["f32", "f64"], grad=False)
    case("jax.lax.digamma", lax.digamma, uniform((16,), -6, 0), variant="reflected", dtypes=["f32", "f64"], grad=False)
    # The corner of a power of the logarithm and of the series beside it.
    for name in ("log1p", "expm1", "sinh", "tanh", "asinh", "atanh", "erf", "sin", "tan", "atan", "asin", "bessel_i1e"):
        small = array([1e-30, -1e-20, 1e-10, 1e-7, -1e-5, 1e-4, -1e-3, 3e-3, 1e-2])
        case(f"jax.lax.{name}", getattr(lax, name), small, variant="small", dtypes=["f32", "f64"])
    for name in ("sin", "cos", "tan"):
        large = array([1e2, -1e3, 12345.678, 1e5, 1e7, -3e10, 1e20, 1e30])
        case(f"jax.lax.{name}", getattr(lax, name), large, variant="large", dtypes=["f32", "f64"], grad=False)
    for name in steps:
        case(f"jax.lax.{name}", getattr(lax, name), uniform((12,), -3, 3), dtypes=FLOATS)
        case(f"jax.lax.{name}", getattr(lax, name), special, variant="special", dtypes=FLOATS)
    halves = array([-2.5, -1.5, -0.5, -0.0, 0.5, 1.5, 2.5, 2.25, 1e9, np.inf, -np.inf, np.nan])
    case("jax.lax.round", lambda x: [lax.round(x, r) for r in lax.RoundingMethod], halves, dtypes=FLOATS)
    for power in (-3, -1, 0, 1, 2, 5):
        case("jax.lax.integer_pow", lambda x, p=power: lax.integer_pow(x, p), uniform((12,), 0.5, 2), variant=str(power), dtypes=FLOATS)
    case("jax.lax.integer_pow", lambda x: lax.integer_pow(x, 3), integers((8,), -5, 6), variant="integers", dtypes=["i8", "i32", "u16"])
    case("jax.lax.integer_pow", lambda x: lax.integer_pow(x, 3), special, variant="special", grad=False)
    # What a float of few bits makes of numbers between, beside and beyond its own.
    edges = array([1.0, 1.0 + 2.0**-11, 1.0 + 2.0**-9, -3.14159, 65504.0, 65520.0, 1e30, -1e-6, 6e-8, 3e-8, 0.0, -0.0, np.inf, -np.inf, np.nan])
    for exponent, mantissa in ((5, 10), (8, 7), (4, 3), (5, 2), (8, 23), (3, 0)):
        case("jax.lax.reduce_precision", lambda x, e=exponent, m=mantissa: lax.reduce_precision(x, e, m), edges, variant=f"{exponent}-{mantissa}",
             dtypes=["f32", "f64"], grad=False)
    case("jax.lax.reduce_precision", lambda x: lax.reduce_precision(x, 5, 10), uniform((8,)))


def complex_numbers():
    z = uniform((12,), dtype="c64")
    for name in ("abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "conj", "cos", "cosh", "exp", "exp2", "expm1", "log", "log1p",
                 "logistic", "neg", "reciprocal", "rsqrt", "sign", "sin", "sinh", "sqrt", "square", "tan", "tanh"):
        case(f"jax.lax.{name}", getattr(lax, name), z, variant="complex", dtypes=["c64", "c128"])
    for name in ("real", "imag"):
        case(f"jax.lax.{name}", getattr(lax, name), z, dtypes=["c64", "c128"])
    case("jax.lax.conj", lax.conj, uniform((5,)))
    case("jax.lax.complex", lax.complex, uniform((6,)), uniform((6,), seed=1), dtypes=["f32", "f64"])
    w = uniform((12,), 0.5, 2, seed=1, dtype="c64")
    for name in ("add", "sub", "mul", "div", "pow"):
        case(f"jax.lax.{name}", getattr(lax, name), z, w, variant="complex", dtypes=["c64", "c128"])
    case("jax.lax.integer_pow", lambda x: lax.integer_pow(x, 3), z, variant="complex", dtypes=["c64", "c128"])


def binary():
    x, y = uniform((4, 6)), uniform((4, 6), 0.5, 2, seed=1)
    for name in ("add", "sub", "mul", "div", "max", "min", "atan2", "rem"):
        case(f"jax.lax.{name}", getattr(lax, name), x, y, dtypes=FLOATS)
    case("jax.lax.pow", lax.pow, uniform((4, 6), 0.2, 3), x, dtypes=FLOATS)
    case("jax.lax.pow", lax.pow, array([2.0, -2.0, 0.5, -1.5, 0.0, -3.0]), array([3, -3, 4, 5, 2, 0], "i32"), variant="integers")
    case("jax.lax.nextafter", lax.nextafter, x, y, dtypes=["f32", "bf16", "f16", "f64"], grad=False)
    some = array([0.0, -0.0, 1.0, -2.0, 0.5, 3.0, np.inf, -np.inf, np.nan])
    left, right = np.repeat(some, 9), np.tile(some, 9)
    for name in ("add", "sub", "mul", "div", "max", "min", "atan2", "pow", "rem", "nextafter"):
        case(f"jax.lax.{name}", getattr(lax, name), left, right, variant="special", dtypes=["f32", "f64"], grad=False)
    # Equal operands share the cotangent.
    for name in ("max", "min"):
        case(f"jax.lax.{name}", getattr(lax, name), array([1.0, 2.0, 3.0]), array([1.0, 3.0, 2.0]), variant="ties")


def special_functions():
    a, x = uniform((4, 8), 0.2, 8), uniform((4, 8), 0.1, 10, seed=1)
    for name in ("igamma", "igammac"):
        case(f"jax.lax.{name}", getattr(lax, name), a, x, dtypes=["f32", "bf16", "f16", "f64"])
        edge = array([0.0, 0.0, 1.0, 1.0, -1.0, 2.0, np.inf, 2.0, np.nan, 1e3, 1e3]), array([0.0, 1.0, 0.0, np.inf, 1.0, -1.0, 1.0, np.nan, 1.0, 990.0, 1010.0])
        case(f"jax.lax.{name}", getattr(lax, name), *edge, variant="special", dtypes=["f32", "f64"], grad=False)
    for name in ("igamma_grad_a", "random_gamma_grad"):
        case(f"jax.lax.{name}", getattr(lax, name), a, x, dtypes=["f32", "f64"], grad=False)
    case("jax.lax.betainc", lax.betainc, uniform((24,), 0.3, 6), uniform((24,), 0.3, 6, seed=1), uniform((24,), 0.05, 0.95), dtypes=["f32", "bf16", "f64"], grad=(2,))
    case("jax.lax.betainc", lax.betainc, array([1.0, 2.0, 0.0, -1.0, 3.0, 2.0, np.nan]), array([1.0, 3.0, 1.0, 1.0, 2.0, 2.0, 1.0]),
         array([0.0, 1.0, 0.5, 0.5, 1.5, -0.1, 0.5]), variant="special", dtypes=["f32", "f64"], grad=False)
    case("jax.lax.polygamma", lax.polygamma, array([0.0, 1.0, 2.0, 3.0, 1.0, 2.0]), uniform((6,), 0.5, 6), dtypes=["f32", "f64"], grad=(1,))
    case("jax.lax.zeta", lax.zeta, uniform((12,), 1.2, 6), uniform((12,), 0.3, 6, seed=1), dtypes=["f32", "f64"], grad=False)
    case("jax.lax.zeta", lax.zeta, array([1.0, 0.5, 2.0, 3.0, 2.0, np.inf]), array([2.0, 2.0, 0.0, -1.0, -1.5, 2.0]), variant="special", grad=False)


def whole_numbers():
    def ends(short):
        info = np.iinfo(short.replace("i", "int") if short[0] == "i" else short.replace("u", "uint"))
        return [info.min, info.max, info.min + 1, info.max - 1]

    for short in INTEGERS:
        m = array([0, 1, 2, 5, 7, 100, 127, 3] + ends(short), short)
        n = array([1, 3, 2, 7, 1, 5, 2, 127] + ends(short)[::-1], short)
        for name in ("add", "sub", "mul", "div", "rem", "max", "min", "and", "or", "xor"):
            fn = getattr(lax, "bitwise_" + name) if name in ("and", "or", "xor") else getattr(lax, name)
            public = f"bitwise_{name}" if name in ("and", "or", "xor") else name
            case(f"jax.lax.{public}", fn, m, n, variant=f"integers-{short}")
        # Division by zero, and the quotient that does not fit.
        case("jax.lax.div", lax.div, m, array([0, 0] + [-1 if short[0] == "i" else 1] * 10, short), variant=f"corner-{short}")
        case("jax.lax.rem", lax.rem, m, array([0, 0] + [-1 if short[0] == "i" else 1] * 10, short), variant=f"corner-{short}")
        shifts = array([0, 1, 3, 7, 8, 15, 16, 31, 32, 63, 64, 100], short)
        for name in ("shift_left", "shift_right_arithmetic", "shift_right_logical"):
            case(f"jax.lax.{name}", getattr(lax, name), m, shifts, variant=short)
        for name in ("population_count", "clz", "bitwise_not", "sign", "square"):
            case(f"jax.lax.{name}", getattr(lax, name), m, variant=f"integers-{short}")
        if short[0] == "i":
            for name in ("abs", "neg"):
                case(f"jax.lax.{name}", getattr(lax, name), m, variant=f"integers-{short}")
    a, b = booleans((8,)), booleans((8,), seed=1)
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "max", "min"):
        case(f"jax.lax.{name}", getattr(lax, name), a, b, variant="booleans")
    case("jax.lax.bitwise_not", lax.bitwise_not, a, variant="booleans")
    for short in ("i32", "u32"):
        m, n = array([3, 1 << 30, 123456789, 2**31 - 1], short), array([5, 1 << 30, 987654321, 2**31 - 1], short)
        case("jax.lax.mulhi", lax.mulhi, m, n, variant=short)


def comparisons():
    some = array([0.0, -0.0, 1.0, -2.0, np.inf, -np.inf, np.nan])
    left, right = np.repeat(some, 7), np.tile(some, 7)
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        fn = getattr(lax, name)
        case(f"jax.lax.{name}", fn, left, right, dtypes=FLOATS)
        case(f"jax.lax.{name}", fn, integers((12,), -2, 3), integers((12,), -2, 3, seed=1), variant="integers", dtypes=["i8", "i64", "u8", "u32"])
        case(f"jax.lax.{name}", fn, booleans((8,)), booleans((8,), seed=1), variant="booleans")
    for name in ("eq", "ne"):
        z = np.array([1, 1j, 1 + 1j, np.nan], np.complex64)
        case(f"jax.lax.{name}", getattr(lax, name), np.repeat(z, 4), np.tile(z, 4), variant="complex")


def choices():
    x, y = uniform((3, 4)), uniform((3, 4), seed=1)
    case("jax.lax.clamp", lax.clamp, uniform((3, 4), -1, 0), uniform((3, 4)), uniform((3, 4), 0, 1), dtypes=FLOATS)
    case("jax.lax.clamp", lambda x: lax.clamp(jnp.float32(-1), x, jnp.float32(1)), array(SPECIAL), variant="scalars")
    case("jax.lax.clamp", lambda x: lax.clamp(jnp.int32(2), x, jnp.int32(-2)), integers((6,), -5, 6), variant="crossed")
    case("jax.lax.select", lax.select, booleans((3, 4)), x, y, dtypes=FLOATS)
    case("jax.lax.select", lax.select, array(True, "bool"), x, y, variant="scalar")
    case("jax.lax.select_n", lax.select_n, integers((3, 4), 0, 3), x, y, uniform((3, 4), seed=2))
    case("jax.lax.select_n", lax.select_n, booleans((3, 4)), x, y, variant="boolean")
    case("jax.lax.select_n", lax.select_n, array(1, "i32"), x, y, variant="scalar")
