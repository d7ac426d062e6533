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
    ("jax.value_and_grad", "frontend/tests/execute.rs"),
    ("jax.vjp", "frontend/tests/execute.rs"),
    ("jax.vmap", "frontend/tests/execute.rs"),
];

/// Names that exist and differ from JAX's, with the difference as a sentence. Sorted.
pub(crate) const DIFFERS: &[(&str, &str)] = &[(
    "jax.random.poisson",
    "on the embedded plugin some draws of rates from 10 up are others than JAX's; on XLA's plugin they are equal",
)];
