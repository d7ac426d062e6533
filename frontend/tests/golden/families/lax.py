"""Functions of jax.lax on whole arrays: shapes, parts, reads and writes at indices, reductions, order, products."""

import jax.numpy as jnp
import numpy as np
from jax import lax

from golden import array, booleans, case, integers, uniform

FLOATS = ["f32", "bf16", "f16", "f64"]
MODES = {"clip": "clip", "fill": "fill", "promise": "promise_in_bounds"}


def cases():
    shapes()
    conversions()
    parts()
    gathers()
    scatters()
    reductions()
    order()
    products()
    convolutions()
    ffts()
    the_rest()


def shapes():
    x = uniform((2, 3, 4))
    case("jax.lax.broadcast", lambda x: lax.broadcast(x, (2, 1)), uniform((3,)), dtypes=["f32", "i32", "c64", "bool"])
    case("jax.lax.broadcast_in_dim", lambda x: lax.broadcast_in_dim(x, (3, 2, 4), (1, 2)), uniform((2, 1)), dtypes=["f32", "i8", "c64"])
    case("jax.lax.broadcast_like", lax.broadcast_like, uniform((1, 3)), uniform((2, 3)), grad=(0,))
    case("jax.lax.dtype", lambda x: jnp.full((), lax.dtype(x) == np.int8), integers((2,), 0, 3, dtype="i8"))
    case("jax.lax.broadcast_shapes", lambda: np.array(lax.broadcast_shapes((2, 1, 4), (3, 1), ()), np.int32))
    case("jax.lax.broadcast_to_rank", lambda x: lax.broadcast_to_rank(x, 3), uniform((3,)))
    case("jax.lax.broadcasted_iota", lambda: [lax.broadcasted_iota(d, (2, 3), 1) for d in (np.int32, np.uint8, np.float32)] + [lax.broadcasted_iota(np.int32, (2, 3), 0)])
    case("jax.lax.iota", lambda: [lax.iota(d, 4) for d in (np.int32, np.float32, np.int8)])
    case("jax.lax.collapse", lambda x: [lax.collapse(x, 1, 3), lax.collapse(x, 0, 2)], x)
    case("jax.lax.concatenate", lambda x, y: lax.concatenate([x, y, x], 1), uniform((2, 3)), uniform((2, 1), seed=1), dtypes=["f32", "bf16", "c64", "i32", "bool"])
    case("jax.lax.expand_dims", lambda x: lax.expand_dims(x, (0, 2)), uniform((2, 3)))
    case("jax.lax.full", lambda: [lax.full((2, 3), 1.5, np.float32), lax.full((2,), 7, np.int8), lax.full((), True, np.bool_)])
    case("jax.lax.full_like", lambda x: lax.full_like(x, 3), uniform((2, 3)), dtypes=["f32", "bf16", "i32"], grad=False)
    case("jax.lax.empty", lambda: jnp.array(lax.empty((2, 3), np.float32).shape, np.int32))
    case("jax.lax.pad", lambda x, v: lax.pad(x, v, [(1, 2, 1), (0, 1, 0)]), uniform((2, 3)), uniform(()), dtypes=["f32", "bf16", "i32", "c64"])
    case("jax.lax.pad", lambda x, v: lax.pad(x, v, [(-1, 2, 0), (1, -2, 2)]), uniform((3, 4)), uniform(()), variant="negative")
    case("jax.lax.reshape", lambda x: lax.reshape(x, (4, 6)), x, dtypes=["f32", "c64", "bool"])
    case("jax.lax.reshape", lambda x: lax.reshape(x, (4, 6), (2, 0, 1)), x, variant="dimensions")
    case("jax.lax.rev", lambda x: lax.rev(x, (0, 2)), x, dtypes=["f32", "i16", "c64"])
    case("jax.lax.squeeze", lambda x: lax.squeeze(x, (0, 2)), uniform((1, 3, 1)))
    case("jax.lax.stack", lambda x, y: lax.stack([x, y], 1), uniform((2, 3)), uniform((2, 3), seed=1), dtypes=["f32", "i32"])
    case("jax.lax.unstack", lambda x: lax.unstack(x, 1), uniform((2, 3)), dtypes=["f32", "i32"])
    case("jax.lax.split", lambda x: lax.split(x, (2, 0, 3), 1), uniform((2, 5)), dtypes=["f32", "i32"])
    case("jax.lax.tile", lambda x: lax.tile(x, (2, 3)), uniform((2, 2)), dtypes=["f32", "i32"])
    case("jax.lax.transpose", lambda x: lax.transpose(x, (2, 0, 1)), x, dtypes=["f32", "i8", "c64"])
    case("jax.lax.shape_as_value", lambda: lax.shape_as_value((2, 3, 5)))
    case("jax.lax.conv_shape_tuple", lambda: np.array(lax.conv_shape_tuple((2, 3, 8, 9), (4, 3, 3, 2), (2, 1), [(1, 0), (0, 2)]), np.int32))
    dn = ("NHWC", "HWIO", "NCHW")
    case("jax.lax.conv_general_shape_tuple", lambda: np.array(lax.conv_general_shape_tuple((2, 8, 9, 3), (3, 2, 3, 4), (2, 1), "SAME", dn), np.int32))
    case("jax.lax.conv_transpose_shape_tuple", lambda: np.array(lax.conv_transpose_shape_tuple((2, 8, 9, 3), (3, 2, 3, 4), (2, 1), "SAME", ("NHWC", "HWIO", "NHWC")), np.int32))
    case("jax.lax.conv_general_permutations", lambda: np.array(lax.conv_general_permutations(("NHWC", "HWIO", "NCHW")), np.int32))
    numbers = lambda d: np.array([d.lhs_spec, d.rhs_spec, d.out_spec], np.int32)
    case("jax.lax.conv_dimension_numbers", lambda: numbers(lax.conv_dimension_numbers((1, 2, 3, 4), (1, 2, 3, 4), ("NHWC", "HWIO", "NCHW"))))
    case("jax.lax.reduce_window_shape_tuple", lambda: np.array([lax.reduce_window_shape_tuple((8, 9), (3, 2), (2, 1), [(1, 0), (0, 2)], (1, 2), (2, 1))], np.int32))


def conversions():
    x = array([0.0, -0.0, 1.5, -2.5, 3.7, 255.9, 300.0, -1e10, 3e10, np.inf, -np.inf, np.nan])
    for short, dtype in (("i32", np.int32), ("f16", np.float16), ("bf16", jnp.bfloat16), ("bool", np.bool_), ("c64", np.complex64)):
        case("jax.lax.convert_element_type", lambda x, d=dtype: lax.convert_element_type(x, d), x, variant=f"float-{short}", grad=False)
    whole = array([0, 1, -1, 127, 128, -129, 255, 256, 65535, 2**31 - 1, -(2**31)], "i32")
    for short, dtype in (("i8", np.int8), ("u8", np.uint8), ("u32", np.uint32), ("f32", np.float32), ("bf16", jnp.bfloat16), ("bool", np.bool_)):
        case("jax.lax.convert_element_type", lambda x, d=dtype: lax.convert_element_type(x, d), whole, variant=f"integer-{short}")
    case("jax.lax.convert_element_type", lambda x: lax.convert_element_type(x, np.float32), uniform((5,), dtype="c64"), variant="complex", grad=False)
    case("jax.lax.convert_element_type", lambda x: [lax.convert_element_type(x, d) for d in (jnp.bfloat16, np.float16)], uniform((5,)), variant="gradient")
    case("jax.lax.bitcast_convert_type", lambda x: lax.bitcast_convert_type(x, np.int32), x, variant="same")
    case("jax.lax.bitcast_convert_type", lambda x: lax.bitcast_convert_type(x, np.uint8), uniform((3,)), variant="narrow")
    case("jax.lax.bitcast_convert_type", lambda x: lax.bitcast_convert_type(x, np.float32), integers((3, 2), 0, 16000, dtype="u16"), variant="wide")
    case("jax.lax.stop_gradient", lambda x: x * lax.stop_gradient(x), uniform((4,)))
    case("jax.lax.optimization_barrier", lambda x, y: lax.optimization_barrier((x, y)), uniform((3,)), uniform((2,)))
    case("jax.lax.stage", lambda x: [lax.stage(x), lax.stage(jnp.float32(2.0))], uniform((3,)))
    case("jax.lax.dce_sink", lambda x: (lax.dce_sink(x), x + 1)[1], uniform((3,)))


def parts():
    x = uniform((4, 5))
    case("jax.lax.slice", lambda x: lax.slice(x, (1, 0), (4, 5), (2, 3)), x, dtypes=["f32", "i32", "c64", "bool"])
    case("jax.lax.slice_in_dim", lambda x: [lax.slice_in_dim(x, 1, 4, 2, 1), lax.slice_in_dim(x, -3, None, 1, 0), lax.slice_in_dim(x, 0, -1, 1, 1)], x)
    case("jax.lax.index_in_dim", lambda x: [lax.index_in_dim(x, 2, 1), lax.index_in_dim(x, -1, 0, keepdims=False)], x)
    starts = {"inside": (1, 2), "beyond": (3, 9), "negative": (-1, -2), "before": (-9, -7)}
    for name, (i, j) in starts.items():
        at = [array(i, "i32"), array(j, "i32")]
        case("jax.lax.dynamic_slice", lambda x, i, j: lax.dynamic_slice(x, (i, j), (2, 3)), x, *at, variant=name)
        case("jax.lax.dynamic_update_slice", lambda x, u, i, j: lax.dynamic_update_slice(x, u, (i, j)), x, uniform((2, 3), seed=1), *at, variant=name)
    case("jax.lax.dynamic_slice", lambda x, i: lax.dynamic_slice(x, (i, i), (2, 3)), x, array(7, "u8"), variant="u8", dtypes=["f32", "i32", "c64", "bf16"])
    for i in (1, -2, 9):
        at = array(i, "i32")
        case("jax.lax.dynamic_slice_in_dim", lambda x, i: lax.dynamic_slice_in_dim(x, i, 2, 1), x, at, variant=str(i))
        case("jax.lax.dynamic_index_in_dim", lambda x, i: [lax.dynamic_index_in_dim(x, i, 0), lax.dynamic_index_in_dim(x, i, 1, keepdims=False)], x, at, variant=str(i))
        case("jax.lax.dynamic_update_slice_in_dim", lambda x, u, i: lax.dynamic_update_slice_in_dim(x, u, i, 1), x, uniform((4, 2), seed=1), at, variant=str(i))
        case("jax.lax.dynamic_update_index_in_dim", lambda x, u, i: lax.dynamic_update_index_in_dim(x, u, i, 0), x, uniform((5,), seed=1), at, variant=str(i))


def gathers():
    x = uniform((4, 5))
    at = array([[0, 1], [3, 4], [2, 4], [-1, 0], [1, 7], [9, 9]], "i32")
    inside = array([[0, 1], [2, 3], [2, 2], [1, 0]], "i32")
    numbers = lax.GatherDimensionNumbers(offset_dims=(1,), collapsed_slice_dims=(0,), start_index_map=(0, 1))
    for name, mode in MODES.items():
        indices = inside if name == "promise" else at
        case("jax.lax.gather", lambda x, i, m=mode: lax.gather(x, i, numbers, (1, 2), mode=m), x, indices, variant=name)
        for kind, dtype in (("i8", "i8"), ("u16", "u16"), ("bool", "bool"), ("c64", "c64")):
            if name == "fill":
                case("jax.lax.gather", lambda x, i, m=mode: lax.gather(x, i, numbers, (1, 2), mode=m), x.astype({"i8": np.int8, "u16": np.uint16, "bool": np.bool_, "c64": np.complex64}[dtype]), at, variant=f"fill-{kind}")
    case("jax.lax.gather", lambda x, i: lax.gather(x, i, numbers, (1, 2), mode="fill", fill_value=-7.0), x, at, variant="fill-value", dtypes=["f32", "bf16"])
    whole = lax.GatherDimensionNumbers(offset_dims=(0, 2), collapsed_slice_dims=(1,), start_index_map=(1,))
    case("jax.lax.gather", lambda x, i: lax.gather(x, i, whole, (2, 1, 3), mode="clip"), uniform((2, 4, 3)), array([[3], [0], [0]], "u32"), variant="planes")
    paired = lax.GatherDimensionNumbers(offset_dims=(1,), collapsed_slice_dims=(), start_index_map=(1,), operand_batching_dims=(0,), start_indices_batching_dims=(0,))
    case("jax.lax.gather", lambda x, i: lax.gather(x, i, paired, (1, 3), mode="clip"), x, array([[0], [2], [4], [1]], "i32"), variant="batching")
    case("jax.lax.index_take", lambda x, i, j: lax.index_take(x, (i, j), (0, 2)), uniform((3, 2, 4)), array([0, 2, -1], "i32"), array([3, 0, 1], "i32"))


def scatters():
    x, at = uniform((4, 5)), array([[0, 1], [3, 2], [1, 3], [-1, 0], [1, 7]], "i32")
    inside = array([[0, 1], [3, 2], [1, 3], [2, 0]], "i32")
    numbers = lax.ScatterDimensionNumbers(update_window_dims=(1,), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0, 1))
    # Cotangents of `scatter` and its variants where windows meet are those of distinct ones.
    for name in ("scatter", "scatter_add", "scatter_sub", "scatter_mul", "scatter_min", "scatter_max"):
        fn = getattr(lax, name)
        for mode_name, mode in MODES.items():
            indices = inside if mode_name == "promise" else at
            updates = uniform((len(indices), 2), seed=1)
            unique = name == "scatter_mul"
            # `scatter_mul` has cotangents for distinct indices only.
            keep = mode_name != "clip" and name not in ("scatter_min", "scatter_max")
            case(f"jax.lax.{name}", lambda x, i, u, f=fn, m=mode, q=unique: f(x, i, u, numbers, mode=m, unique_indices=q), x, indices, updates, variant=mode_name,
                 grad=keep)
    meeting = array([[1, 1], [1, 1], [1, 2]], "i32")
    for name in ("scatter_add", "scatter_sub"):
        case(f"jax.lax.{name}", lambda x, i, u, f=getattr(lax, name): f(x, i, u, numbers), x, meeting, uniform((3, 2), seed=1), variant="meeting", dtypes=["f32", "bf16", "i32", "c64"])
    for name in ("scatter_mul", "scatter_min", "scatter_max"):
        case(f"jax.lax.{name}", lambda x, i, u, f=getattr(lax, name): f(x, i, u, numbers), x, meeting, uniform((3, 2), seed=1), variant="meeting", dtypes=["f32", "bf16", "i32"], grad=False)
    case("jax.lax.scatter_apply", lambda x, i: lax.scatter_apply(x, i, lambda v: v * v + 1, numbers, update_shape=(5, 2)), integers((4, 5), -9, 9), at)
    paired = lax.ScatterDimensionNumbers(update_window_dims=(), inserted_window_dims=(1,), scatter_dims_to_operand_dims=(1,), operand_batching_dims=(0,), scatter_indices_batching_dims=(0,))
    case("jax.lax.scatter_add", lambda x, i, u: lax.scatter_add(x, i, u, paired), x, array([[0], [2], [4], [2]], "i32"), uniform((4,), seed=1), variant="batching")


def reductions():
    x = uniform((3, 4, 2))
    for name in ("reduce_sum", "reduce_prod", "reduce_max", "reduce_min"):
        fn = getattr(lax, name)
        case(f"jax.lax.{name}", lambda x, f=fn: f(x, (0, 2)), x, dtypes=FLOATS)
        case(f"jax.lax.{name}", lambda x, f=fn: f(x, (1,)), integers((3, 4), -9, 9), variant="integers", dtypes=["i8", "i32", "u32", "i64"])
        case(f"jax.lax.{name}", lambda x, f=fn: f(x, (1,)), array([[1, np.nan, 3], [-np.inf, 2, 1], [np.inf, 1, 0], [-0.0, 0.0, -0.0]]), variant="special", grad=False)
        case(f"jax.lax.{name}", lambda x, f=fn: f(x, (1,)), uniform((2, 0)), variant="nothing", dtypes=["f32", "i32"], grad=False)
    for name in ("reduce_sum", "reduce_prod"):
        case(f"jax.lax.{name}", lambda x, f=getattr(lax, name): f(x, (0,)), uniform((3, 2), dtype="c64"), variant="complex")
    for name in ("reduce_max", "reduce_min"):
        case(f"jax.lax.{name}", lambda x, f=getattr(lax, name): f(x, (1,)), array([[1, 3, 3], [2, 2, 2]]), variant="ties")
    for name in ("reduce_and", "reduce_or", "reduce_xor"):
        fn = getattr(lax, name)
        case(f"jax.lax.{name}", lambda x, f=fn: f(x, (0,)), booleans((3, 4)))
        case(f"jax.lax.{name}", lambda x, f=fn: f(x, (1,)), integers((3, 4), 0, 127), variant="integers", dtypes=["i8", "i32", "u32", "u64"])
    # Several operands at once: the largest with its position.
    def larger(a, b):
        first = a[0] >= b[0]
        return lax.select(first, a[0], b[0]), lax.select(first, a[1], b[1])
    case("jax.lax.reduce", lambda x, i: lax.reduce((x, i), (jnp.float32(-np.inf), jnp.int32(0)), larger, (1,)), uniform((3, 4)), lax.broadcasted_iota(np.int32, (3, 4), 1), variant="several", grad=False)
    case("jax.lax.reduce", lambda x: lax.reduce(x, jnp.float32(1), lambda a, b: a * b, (1,)), uniform((3, 4)), variant="mul")
    case("jax.lax.reduce", lambda x: lax.reduce(x, jnp.float32(0), lambda a, b: lax.max(a, lax.abs(b)), (0,)), uniform((3, 4)), variant="abs", grad=False)
    case("jax.lax.reduce", lambda x: lax.reduce(x, jnp.int32(0), lambda a, b: a ^ b, (0, 1)), integers((3, 4), 0, 99), variant="xor")
    for name in ("argmax", "argmin"):
        fn = getattr(lax, name)
        ties = array([[1, 3, 3], [np.nan, 2, np.nan], [-np.inf, np.inf, np.inf], [0.0, -0.0, 0.0]])
        case(f"jax.lax.{name}", lambda x, f=fn: [f(x, 1, np.int32), f(x, 0, np.uint8)], ties, dtypes=["f32", "bf16", "f64"])
        case(f"jax.lax.{name}", lambda x, f=fn: f(x, 0, np.int32), integers((4, 3), -2, 3), variant="integers", dtypes=["i8", "i32", "u16"])
        case(f"jax.lax.{name}", lambda x, f=fn: f(x, 0, np.int32), booleans((4, 3)), variant="booleans")


def order():
    mixed = array([[3, np.nan, -0.0, 0.0, -np.inf, 1, np.inf, -2], [1, 2, 1, 2, 1, 2, 1, 2]])
    case("jax.lax.sort", lambda x: lax.sort(x, 1), mixed, dtypes=FLOATS, grad=False)
    case("jax.lax.sort", lambda x: lax.sort(x, 0), uniform((4, 3)), variant="gradient")
    case("jax.lax.sort", lambda x: lax.sort(x, 0), integers((9,), -5, 6), variant="integers", dtypes=["i8", "i32", "u32", "i64"])
    case("jax.lax.sort", lambda x: lax.sort(x, 0), booleans((7,)), variant="booleans")
    case("jax.lax.sort", lambda x: lax.sort(x, 0), np.array([1 + 2j, 1 - 1j, 0 + 5j, 1 + 1j], np.complex64), variant="complex", grad=False)
    keys, second, third = integers((8,), 0, 3), uniform((8,)), integers((8,), 0, 100, seed=1)
    case("jax.lax.sort", lambda a, b, c: lax.sort((a, b, c), num_keys=1), keys, second, third, variant="one-key")
    case("jax.lax.sort", lambda a, b, c: lax.sort((a, b, c), num_keys=2), keys, second, third, variant="two-keys")
    case("jax.lax.sort", lambda a, b, c: lax.sort((a, b, c), num_keys=3), keys, keys[::-1].copy(), third, variant="three-keys")
    case("jax.lax.sort_key_val", lambda k, v: lax.sort_key_val(k, v, 1), uniform((2, 5)), uniform((2, 5), seed=1))
    case("jax.lax.top_k", lambda x: lax.top_k(x, 3), uniform((2, 6)), dtypes=FLOATS)
    case("jax.lax.top_k", lambda x: lax.top_k(x, 4), mixed, variant="special", grad=False)
    case("jax.lax.top_k", lambda x: lax.top_k(x, 2), integers((3, 5), -3, 4), variant="integers", dtypes=["i8", "i32", "u32"])
    case("jax.lax.top_k", lambda x: lax.top_k(x, 2, axis=0), uniform((5, 3)), variant="axis")
    case("jax.lax.approx_max_k", lambda x: lax.approx_max_k(x, 3), uniform((2, 8)))
    case("jax.lax.approx_min_k", lambda x: lax.approx_min_k(x, 3), uniform((2, 8)))


def products():
    a, b = uniform((3, 4)), uniform((4, 5))
    case("jax.lax.dot", lax.dot, a, b, dtypes=["f32", "bf16", "f16", "f64", "c64"])
    case("jax.lax.dot", lax.dot, uniform((4,)), uniform((4,), seed=1), variant="vectors")
    case("jax.lax.dot", lax.dot, integers((3, 4), -9, 9), integers((4, 2), -9, 9, seed=1), variant="integers", dtypes=["i8", "i32", "u32"])
    case("jax.lax.batch_matmul", lax.batch_matmul, uniform((2, 3, 4)), uniform((2, 4, 2)))
    plain = (((1,), (0,)), ((), ()))
    case("jax.lax.dot_general", lambda a, b: lax.dot_general(a, b, (((1, 3), (2, 1)), ((0,), (0,)))), uniform((2, 3, 4, 2)), uniform((2, 2, 3, 5)), variant="two-contracting")
    case("jax.lax.dot_general", lambda a, b: lax.dot_general(a, b, (((2,), (0,)), ((1, 0), (2, 1)))), uniform((2, 3, 4)), uniform((4, 2, 3, 2)), variant="two-batch")
    case("jax.lax.dot_general", lambda a, b: lax.dot_general(a, b, (((), ()), ((), ()))), uniform((2,)), uniform((3,)), variant="outer")
    case("jax.lax.dot_general", lambda a, b: lax.dot_general(a, b, (((1,), (1,)), ((0,), (0,)))), uniform((3, 4), dtype="c64"), uniform((3, 4, 2), dtype="c64"), variant="complex")
    case("jax.lax.dot_general", lambda a, b: lax.dot_general(a, b, plain, preferred_element_type=np.float32), uniform((3, 4), dtype="bf16"), uniform((4, 5), dtype="bf16"), variant="bf16-f32")
    case("jax.lax.dot_general", lambda a, b: lax.dot_general(a, b, plain, preferred_element_type=np.int32), integers((3, 4), -100, 100, dtype="i8"), integers((4, 5), -100, 100, dtype="i8"), variant="i8-i32")
    case("jax.lax.dot_general", lambda a, b: lax.dot_general(a, b, plain, precision="highest"), a, b, variant="highest")
    case("jax.lax.dot_general", lambda a, b: lax.dot_general(a, b, plain), booleans((3, 4)), booleans((4, 2)), variant="booleans")
    case("jax.lax.dot_general", lambda a, b: lax.dot_general(a, b, plain), uniform((3, 0)), uniform((0, 2)), variant="nothing")
    sizes = array([2, 0, 3], "i32")
    case("jax.lax.ragged_dot", lax.ragged_dot, uniform((6, 4)), uniform((3, 4, 2)), sizes)
    def ragged(lhs_contracting, rhs_contracting, ragged_dims, groups):
        numbers = lax.RaggedDotDimensionNumbers((((lhs_contracting,), (rhs_contracting,)), ((), ())), ragged_dims, groups)
        return lambda a, b, g: lax.ragged_dot_general(a, b, g, numbers)
    case("jax.lax.ragged_dot_general", ragged(1, 1, [0], [0]), uniform((6, 4)), uniform((3, 4, 2)), sizes, variant="rows")
    case("jax.lax.ragged_dot_general", ragged(0, 0, [0], []), uniform((6, 4)), uniform((6, 2)), sizes, variant="contracting", grad=False)


def convolutions():
    x, k = uniform((2, 3, 6, 5)), uniform((4, 3, 3, 2))
    conv = lax.conv_general_dilated
    case("jax.lax.conv_general_dilated", lambda x, k: conv(x, k, (1, 1), [(1, 1), (2, 0)], lhs_dilation=(2, 1), rhs_dilation=(1, 2)), x, k, variant="dilated")
    case("jax.lax.conv_general_dilated", lambda x, k: conv(x, k, (2, 2), "SAME"), x, k, variant="same", dtypes=["f32", "bf16", "f16", "f64"])
    case("jax.lax.conv_general_dilated", lambda x, k: conv(x, k, (1,), "VALID", dimension_numbers=("NHC", "HIO", "NHC")), uniform((2, 7, 3)), uniform((3, 3, 4)), variant="one-dimension")
    case("jax.lax.conv_general_dilated", lambda x, k: conv(x, k, (1, 2, 1), "SAME"), uniform((1, 2, 3, 4, 3)), uniform((2, 2, 2, 3, 2)), variant="three-dimensions")
    case("jax.lax.conv_general_dilated", lambda x, k: conv(x, k, (1, 1), "VALID", dimension_numbers=("CHWN", "IHWO", "HWNC")), uniform((3, 6, 5, 2)), uniform((3, 3, 2, 4)), variant="other-order")
    case("jax.lax.conv_general_dilated", lambda x, k: conv(x, k, (1, 1), "SAME", feature_group_count=4), uniform((1, 4, 5, 5)), uniform((8, 1, 3, 3)), variant="depthwise")
    case("jax.lax.conv_general_dilated", lambda x, k: conv(x, k, (1, 1), "SAME", preferred_element_type=np.float32), uniform((1, 3, 5, 5), dtype="bf16"), uniform((2, 3, 3, 3), dtype="bf16"), variant="bf16-f32")
    case("jax.lax.conv_general_dilated", lambda x, k: conv(x, k, (1, 1), [(-1, 2), (0, -1)]), x, k, variant="negative-padding")
    case("jax.lax.conv_general_dilated", lambda x, k: conv(x, k, (1, 1), "VALID", preferred_element_type=np.int32), integers((1, 2, 4, 4), -9, 9), integers((2, 2, 2, 2), -9, 9, seed=1), variant="integers")


def ffts():
    z, x = uniform((2, 8), dtype="c64"), uniform((2, 8))
    case("jax.lax.fft", lambda z: [lax.fft(z, k, (8,)) for k in ("FFT", "IFFT")], z, dtypes=["c64"])
    case("jax.lax.fft", lambda x: lax.fft(x, lax.FftType.RFFT, (8,)), x, variant="rfft", dtypes=["f32", "f64"])
    case("jax.lax.fft", lambda z: lax.fft(z, "IRFFT", (8,)), uniform((2, 5), dtype="c64"), variant="irfft")


def the_rest():
    x = uniform((5,))
    case("jax.lax.associative_scan", lambda x: [lax.associative_scan(jnp.add, x), lax.associative_scan(jnp.maximum, x, reverse=True)], uniform((7,)))
    case("jax.lax.map", lambda x: lax.map(lambda row: jnp.sum(row) * row, x), uniform((4, 3)))
    case("jax.lax.scan", lambda x: lax.scan(lambda c, s: (c * 0.5 + s, c * s), jnp.float32(1), x), x)
    case("jax.lax.fori_loop", lambda x: lax.fori_loop(0, 5, lambda i, c: c * 0.5 + i, x), x)
    case("jax.lax.while_loop", lambda x: lax.while_loop(lambda c: jnp.sum(c) < 500, lambda c: c * c + 1, x), integers((5,), 0, 4))
    case("jax.lax.cond", lambda p, x: lax.cond(p, jnp.sin, lambda x: x * x, x), array(True, "bool"), x)
    case("jax.lax.switch", lambda i, x: lax.switch(i, [jnp.sin, jnp.cos, lambda x: x * x], x), array(7, "i32"), x)
    a, b = uniform((4, 4)) + 4 * np.eye(4, dtype=np.float32), uniform((4,), seed=1)

    def solve(a, b):
        matvec = lambda x: jnp.dot(a, x)
        dense = lambda matvec, b: jnp.linalg.solve(a, b)
        transposed = lambda vecmat, b: jnp.linalg.solve(a.T, b)
        return lax.custom_linear_solve(matvec, b, dense, transposed)

    case("jax.lax.custom_linear_solve", solve, a, b)
    symmetric = a @ a.T + np.eye(4, dtype=np.float32)
    case("jax.lax.custom_linear_solve", lambda a, b: lax.custom_linear_solve(lambda x: jnp.dot(a, x), b, lambda f, b: jnp.linalg.solve(a, b), symmetric=True), symmetric, b, variant="symmetric")

    def root(t):
        def newton(f, x0):
            return lax.fori_loop(0, 12, lambda _, x: x - f(x) / (3 * x * x + 1), x0)

        return lax.custom_root(lambda x: x**3 + x - t, jnp.ones_like(t), newton, lambda g, y: y / g(jnp.float32(1)))

    case("jax.lax.custom_root", root, array(3.5))
    case("jax.lax.composite", lambda x: lax.composite(lambda x: x * x + 1, "my.square_and_one")(x), integers((5,), 0, 9))
    case("jax.lax.platform_dependent", lambda x: lax.platform_dependent(x, cpu=lambda x: x * 2, default=lambda x: x * 3), x)
    for name, algorithm in (("three-fry", lax.RandomAlgorithm.RNG_THREE_FRY), ("philox", lax.RandomAlgorithm.RNG_PHILOX), ("default", lax.RandomAlgorithm.RNG_DEFAULT)):
        for short, dtype in (("u32", np.uint32), ("u8", np.uint8)):
            key = array([1, 2, 3, 4], "u32")
            case("jax.lax.rng_bit_generator", lambda k, g=algorithm, d=dtype: lax.rng_bit_generator(k, (3, 5), d, algorithm=g), key, variant=f"{name}-{short}")
    def in_range(a, b):
        x = lax.rng_uniform(a, b, (2000,))
        return jnp.all(x >= a), jnp.all(x < b), jnp.abs(jnp.mean(x) - (a + b) / 2) < 0.1 * (b - a), jnp.any(x[1:] != x[:-1])

    case("jax.lax.rng_uniform", in_range, array(-1.5), array(2.5), grad=False)
