//! Public names of JAX that golden values do not speak for.

/// Names that other tests show, with the file that does, from the repository's root. Sorted.
pub(crate) const ELSEWHERE: &[(&str, &str)] = &[
    ("jax.grad", "frontend/tests/execute.rs"),
    ("jax.hessian", "frontend/tests/execute.rs"),
    ("jax.jacfwd", "frontend/tests/execute.rs"),
    ("jax.jacrev", "frontend/tests/execute.rs"),
    ("jax.jit", "frontend/tests/execute.rs"),
    ("jax.jvp", "frontend/tests/execute.rs"),
    ("jax.make_jaxpr", "frontend/tests/execute.rs"),
    ("jax.nn.initializers.Initializer", "frontend/tests/golden/initializers.rs"),
    ("jax.nn.scaled_matmul", "frontend/src/api/nn/scaled.rs"),
    ("jax.value_and_grad", "frontend/tests/execute.rs"),
    ("jax.vjp", "frontend/tests/execute.rs"),
    ("jax.vmap", "frontend/tests/execute.rs"),
];

/// Names that exist and differ from JAX's, with the difference as a sentence. Sorted.
pub(crate) const DIFFERS: &[(&str, &str)] = &[
    (
        "jax.numpy.array_repr",
        "the array's own `repr`; NumPy's function, which JAX's is, writes another class and the digits of doubles",
    ),
    (
        "jax.numpy.array_str",
        "the array's own `str`; NumPy's function, which JAX's is, writes the digits of doubles",
    ),
    (
        "jax.random.poisson",
        "on the embedded plugin some draws of rates from 10 up are others than JAX's; on XLA's plugin they are equal",
    ),
];
