"""What the files of `families/` are written with: cases, inputs that never change, and the writing of their values.

A case evaluates a function of JAX on inputs and keeps inputs, results and, where an input is floating point, the cotangents that `jax.vjp`
gives for fixed cotangents of the results. `frontend/tests/golden/main.rs` says how the Rust side uses them.
"""

import json
import struct
import zlib

import jax
import ml_dtypes
import numpy as np

DTYPES = {
    "bool": np.bool_, "i8": np.int8, "i16": np.int16, "i32": np.int32, "i64": np.int64,
    "u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "u64": np.uint64,
    "f16": np.float16, "bf16": ml_dtypes.bfloat16, "f32": np.float32, "f64": np.float64,
    "c64": np.complex64, "c128": np.complex128,
}
SHORT = {np.dtype(dtype): name for name, dtype in DTYPES.items()}
# The format's names. Complex numbers are pairs in a last dimension; their tensors' names end in `.complex`.
FORMAT = {
    "bool": "BOOL", "i8": "I8", "i16": "I16", "i32": "I32", "i64": "I64", "u8": "U8", "u16": "U16", "u32": "U32", "u64": "U64",
    "f16": "F16", "bf16": "BF16", "f32": "F32", "f64": "F64",
}

# What the cases of the family at hand gave, and their names.
_tensors, _ids = {}, []


def case(name, fn, *inputs, variant=None, dtypes=None, grad=True, x64=False):
    """One function on one list of inputs, evaluated at once.

    name: the function's public name, `jax.numpy.sin`.
    fn: what is evaluated, a function of the inputs; its result is any pytree of arrays.
    inputs: arrays. Numbers and static arguments belong into `fn`, and into the closure on the Rust side.
    variant: tells cases of one name apart; the Rust case is then `name/variant`.
    dtypes: the same case for each of these dtypes, to which inputs of float32 (if there are none: all inputs) are converted. 64-bit ones
        switch x64 on. One Rust case covers them all.
    grad: whether to keep cotangents of the floating point inputs; or the positions of those inputs.
    x64: evaluate with 64-bit dtypes on.
    """
    id = f"{name}/{variant}" if variant else name
    inputs = [np.asarray(x) for x in inputs]
    if dtypes is None:
        wide = any(x.dtype.itemsize == 8 and x.dtype != np.complex64 for x in inputs)
        _keep(id, fn, inputs, grad, x64 or wide)
        return
    for short in dtypes:
        floats = any(x.dtype == np.float32 for x in inputs)
        cast = [x.astype(DTYPES[short]) if x.dtype == np.float32 or not floats else x for x in inputs]
        _keep(f"{id}:{short}", fn, cast, grad, x64 or short in ("i64", "u64", "f64", "c128"))


def _keep(id, fn, inputs, grad, x64):
    assert id not in _ids, f"there are two cases {id}, give one a variant"
    _ids.append(id)
    with jax.enable_x64(x64):
        try:
            evaluated = _evaluate(id, fn, inputs, grad)
        except Exception as error:
            raise RuntimeError(f"JAX does not evaluate the case {id}") from error
        # The Rust side switches x64 on where it sees such a dtype.
        assert not x64 or any(SHORT[np.asarray(x).dtype] in ("i64", "u64", "f64", "c128") for x in evaluated.values()), id
        _tensors.update({f"{id}#{role}": np.asarray(x) for role, x in evaluated.items()})


def uniform(shape, low=-2.0, high=2.0, seed=0, dtype="f32"):
    """Numbers between `low` and `high`; complex ones have both parts there."""
    state = _state("uniform", shape, low, high, seed)
    values = state.uniform(low, high, shape)
    if dtype in ("c64", "c128"):
        values = values + 1j * state.uniform(low, high, shape)
    return np.asarray(values).astype(DTYPES[dtype])


def integers(shape, low, high, seed=0, dtype="i32"):
    """Integers at least `low` and below `high`."""
    return np.asarray(_state("integers", shape, low, high, seed).randint(low, high, shape)).astype(DTYPES[dtype])


def booleans(shape, seed=0):
    """True and false alike."""
    return np.asarray(_state("booleans", shape, seed).randint(0, 2, shape)).astype(np.bool_)


def array(values, dtype="f32"):
    """These values."""
    return np.asarray(values).astype(DTYPES[dtype])


def _state(*what):
    return np.random.RandomState(zlib.crc32(repr(what).encode()))


def _inexact(x):
    return jax.numpy.issubdtype(x.dtype, jax.numpy.inexact)


def _evaluate(id, fn, inputs, grad):
    """The tensors of one case by role."""
    inputs = [jax.numpy.asarray(x) for x in inputs]
    outs = [jax.numpy.asarray(x) for x in jax.tree.leaves(fn(*inputs))]
    tensors = {f"in{i}": x for i, x in enumerate(inputs)} | {f"out{i}": x for i, x in enumerate(outs)}
    with_respect_to = [i for i, x in enumerate(inputs) if _inexact(x) and (grad is True or grad is not False and i in grad)]
    smooth = [i for i, x in enumerate(outs) if _inexact(x)]
    if not with_respect_to or not smooth:
        return tensors

    def of(*some):
        full = list(inputs)
        for i, x in zip(with_respect_to, some):
            full[i] = x
        leaves = jax.tree.leaves(fn(*full))
        return [leaves[i] for i in smooth]

    cts = [jax.numpy.asarray(uniform(outs[i].shape, -1.0, 1.0, seed=(id, i), dtype=SHORT[np.dtype(outs[i].dtype)])) for i in smooth]
    _, pull = jax.vjp(of, *[inputs[i] for i in with_respect_to])
    tensors |= {f"ct{i}": x for i, x in zip(smooth, cts)}
    tensors |= {f"grad{i}": x for i, x in zip(with_respect_to, pull(cts))}
    return tensors


def write(path, family):
    """Evaluates the cases of a family's module and writes their tensors as safetensors."""
    _tensors.clear()
    _ids.clear()
    family.cases()
    header, data = {"__metadata__": {"jax": jax.__version__}}, bytearray()
    for name, x in _tensors.items():
        dtype = SHORT[x.dtype]
        if dtype in ("c64", "c128"):
            x = np.stack([x.real, x.imag], -1)
            name, dtype = f"{name}.complex", SHORT[x.dtype]
        start = len(data)
        data += np.ascontiguousarray(x).tobytes()
        # The format wants no gaps; readers copy, so that nothing needs to be aligned.
        header[name] = {"dtype": FORMAT[dtype], "shape": list(x.shape), "data_offsets": [start, len(data)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return len(_ids), 8 + len(text) + len(data)
