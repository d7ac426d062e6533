"""Writes golden.txt: how JAX prints the structure of every tree below, and the key paths of its leaves.

    python generate.py          (needs jax 0.10.2)

Each tree has a twin of the same name in ../../src/api/tree/tests.rs.
"""

import dataclasses
import pathlib

import jax
from jax.tree_util import keystr, register_dataclass, tree_flatten_with_path, tree_structure


@register_dataclass
@dataclasses.dataclass
class Dense:
    w: jax.Array
    b: jax.Array | None


@register_dataclass
@dataclasses.dataclass
class Stack:
    layers: list
    depth: int = dataclasses.field(metadata=dict(static=True))
    width: int = dataclasses.field(metadata=dict(static=True))


@register_dataclass
@dataclasses.dataclass
class Named:
    value: tuple
    tag: int = dataclasses.field(metadata=dict(static=True))


@register_dataclass
@dataclasses.dataclass
class Nothing:
    pass


X = 1.0

TREES = {
    "leaf": X,
    "none": None,
    "unit": (),
    "one_tuple": (X,),
    "tuple": (X, X, X),
    "twelve": (X,) * 12,
    "list": [X, X],
    "empty_list": [],
    "empty_dict": {},
    "dict": {"b": X, "a": X},
    "dict_of_lists": {"z": [X, X], "k y": [], "a": [X]},
    "nested": ([X, (X, None)], {"k": ({"q": X}, [])}, X),
    "absent": [None, X, None],
    "struct": Dense(X, X),
    "struct_with_absent": Dense(X, None),
    "struct_with_statics": Stack([Dense(X, X), Dense(X, None)], 3, -1),
    "struct_generic": Named((X, [X]), 7),
    "struct_empty": Nothing(),
    "structs_in_maps": {"model": Stack([], 0, 0), "named": Named((), 1), "w": Dense([X], X)},
    "list_of_structs": [Named((X,), 0), Named((X,), 1)],
}


def main():
    out = []
    for name, tree in TREES.items():
        paths = [keystr(path) for path, _ in tree_flatten_with_path(tree)[0]]
        out.append("\n".join([f"## {name}", str(tree_structure(tree)), *(f"  {p or 'root'}" for p in paths)]) + "\n")
    path = pathlib.Path(__file__).with_name("golden.txt")
    path.write_text("".join(out))
    print(f"{len(out)} trees written to {path.name}")


if __name__ == "__main__":
    main()
