"""Writes golden values from JAX into `data/`: `python generate.py [family ...]`, all families and the list of names where none is given.

Needs jax 0.10.2 on the CPU. Everything is seeded: running it again changes nothing, unless a case or JAX changed.
"""

import importlib
import os
import pathlib
import sys
import types

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax  # noqa: E402

HERE = pathlib.Path(__file__).parent
MODULES = [
    "jax", "jax.debug", "jax.lax", "jax.nn", "jax.nn.initializers", "jax.numpy", "jax.numpy.fft", "jax.numpy.linalg", "jax.random",
    "jax.scipy.linalg", "jax.scipy.special", "jax.tree",
]


def public_names():
    """The public names of JAX that the compatibility document speaks of, and the array's methods."""
    names = []
    for module in MODULES:
        found = importlib.import_module(module)
        for name in dir(found):
            # Primitives (`add_p`) are objects of JAX's inside.
            if not name.startswith("_") and not name.endswith("_p") and not isinstance(getattr(found, name), types.ModuleType):
                names.append(f"{module}.{name}")
    methods = dir(type(jax.numpy.zeros(1))) + ["at"]
    return names + sorted({f"jax.Array.{name}" for name in methods if not name.startswith("_")})


def main():
    assert jax.__version__ == "0.10.2", f"golden values are of jax 0.10.2, this is {jax.__version__}"
    sys.path.insert(0, str(HERE))
    import golden

    families = sys.argv[1:] or sorted(file.stem for file in (HERE / "families").glob("*.py"))
    for family in families:
        module = importlib.import_module(f"families.{family}")
        count, size = golden.write(HERE / "data" / f"{family}.safetensors", module)
        print(f"{family}: {count} cases, {size} bytes")
    if not sys.argv[1:]:
        (HERE / "data" / "names.txt").write_text("".join(f"{name}\n" for name in public_names()))


if __name__ == "__main__":
    main()
