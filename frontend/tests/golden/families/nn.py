"""jax.nn: activations, the softmax family, attention."""

import jax.nn as nn
import jax.numpy as jnp
import numpy as np

from golden import array, booleans, case, uniform


def cases():
    x = uniform((4, 6), -4.0, 4.0)
    for fn in (
        nn.relu, nn.relu6, nn.sigmoid, nn.softplus, nn.sparse_plus, nn.sparse_sigmoid, nn.soft_sign, nn.silu, nn.log_sigmoid, nn.leaky_relu,
        nn.hard_tanh, nn.elu, nn.celu, nn.selu, nn.gelu, nn.squareplus, nn.mish, nn.identity, nn.tanh,
    ):
        case(f"jax.nn.{fn.__name__}", fn, x, dtypes=["f32", "bf16"])
    case("jax.nn.swish", nn.swish, x, dtypes=["f32", "bf16"])
    # Not in bf16: whether x + 3 is rounded before it is compared with 6 is the compiler's business.
    for name, fn in {"hard_sigmoid": nn.hard_sigmoid, "hard_silu": nn.hard_silu, "hard_swish": nn.hard_swish}.items():
        case(f"jax.nn.{name}", fn, x, dtypes=["f32"])
    case("jax.nn.gelu", lambda x: nn.gelu(x, approximate=False), x, variant="exact", dtypes=["f32", "bf16"])
    case("jax.nn.glu", nn.glu, x)
    case("jax.nn.log1mexp", nn.log1mexp, np.abs(x) + np.float32(0.05))
    for fn in (nn.softmax, nn.log_softmax, nn.logsumexp, nn.logmeanexp, nn.standardize):
        case(f"jax.nn.{fn.__name__}", lambda x, fn=fn: fn(x, axis=-1), x, dtypes=["f32", "bf16"])
    mask = booleans((4, 6))
    mask[:, 0] = True
    case("jax.nn.softmax", lambda x, m: nn.softmax(x, axis=-1, where=m), x, mask, variant="where")
    case("jax.nn.log_softmax", lambda x, m: nn.log_softmax(x, axis=-1, where=m), x, mask, variant="where", grad=False)
    case("jax.nn.logsumexp", lambda x, b: nn.logsumexp(x, axis=0, b=b), x, np.abs(uniform((4, 6), seed=1)), variant="weights")
    case("jax.nn.one_hot", lambda i: nn.one_hot(i, 4), array([0, 3, 4, -1], "i32"))
    q, k, v = uniform((2, 4, 4, 8)), uniform((2, 5, 4, 8), seed=1), uniform((2, 5, 4, 8), seed=2)
    case("jax.nn.dot_product_attention", nn.dot_product_attention, q, k, v, dtypes=["f32", "bf16"])
    case("jax.nn.dot_product_attention", lambda q, k, v: nn.dot_product_attention(q, k[:, :, :2], v[:, :, :2], is_causal=True), q, k, v, variant="causal_shared")
    case("jax.nn.dot_product_attention", lambda q, k, v, b, m: nn.dot_product_attention(q, k, v, b, m, scale=0.3), q, k, v, uniform((1, 4, 4, 5)), booleans((2, 1, 4, 5)), variant="mask_bias")
    case("jax.nn.dot_product_attention", lambda q, k, v: nn.dot_product_attention(q, k, v, local_window_size=(1, 2)), q, k, v, variant="window")
    case("jax.nn.dot_product_attention", lambda q, k, v, n, m: nn.dot_product_attention(q, k, v, query_seq_lengths=n, key_value_seq_lengths=m), q, k, v, array([2, 4], "i32"), array([5, 3], "i32"), variant="lengths")
