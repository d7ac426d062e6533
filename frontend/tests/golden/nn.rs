//! jax.nn: activations, the softmax family, attention.

use jacinth_frontend::nn::{self, AttentionOptions};

use crate::table::{Case, case};

macro_rules! activations {
    ($($name:ident($($arg:expr),*) $(.$set:ident($($value:expr),*))*;)*) => {
        vec![$(case(concat!("jax.nn.", stringify!($name)))$(.$set($($value),*))*.run(|x| nn::$name(&x[0] $(, $arg)*))),*]
    };
}

pub(crate) fn cases() -> Vec<Case> {
    let activations = activations! {
        relu();
        relu6();
        // `1 - sigmoid(x)` cancels.
        sigmoid().ulp(2).grad_ulp(4).grad_relative_to_largest();
        softplus().ulp(2).grad_ulp(4);
        sparse_plus().ulp(1);
        sparse_sigmoid().ulp(1);
        soft_sign().ulp(1).grad_ulp(4);
        silu().ulp(2).grad_ulp(4).grad_relative_to_largest();
        swish().ulp(2).grad_ulp(4).grad_relative_to_largest();
        log_sigmoid().ulp(2).grad_ulp(4);
        leaky_relu(0.01).ulp(1);
        hard_sigmoid().ulp(1);
        hard_silu().ulp(2).grad_ulp(2).grad_relative_to_largest();
        hard_swish().ulp(2).grad_ulp(2).grad_relative_to_largest();
        hard_tanh();
        elu(1.0).ulp(2).grad_ulp(4).grad_relative_to_largest();
        celu(1.0).ulp(2).grad_ulp(4).grad_relative_to_largest();
        selu().ulp(2).grad_ulp(4).grad_relative_to_largest();
        gelu().ulp(4).grad_ulp(16).relative_to_largest();
        squareplus(4.0).ulp(4).grad_ulp(8).relative_to_largest();
        mish().ulp(4).grad_ulp(8).grad_relative_to_largest();
        identity();
        tanh().ulp(2).grad_ulp(8).grad_relative_to_largest();
        glu(-1).ulp(2).grad_ulp(4).grad_relative_to_largest();
        log1mexp().ulp(4).grad_ulp(8);
        softmax(-1).ulp(4).grad_ulp(8).grad_relative_to_largest();
        log_softmax(-1).ulp(4).grad_ulp(8).grad_relative_to_largest();
        logsumexp(-1).ulp(4).grad_ulp(8).grad_relative_to_largest();
        logmeanexp(-1).ulp(4).grad_ulp(8).grad_relative_to_largest();
        standardize(-1).ulp(8).grad_ulp(16).relative_to_largest();
        one_hot(4);
    };
    let attention = |name: &'static str| case(name).ulp(8).grad_ulp(16).relative_to_largest();
    let others = vec![
        case("jax.nn.gelu/exact").ulp(4).grad_ulp(8).relative_to_largest().run(|x| nn::gelu_exact(&x[0])),
        case("jax.nn.softmax/where")
            .ulp(4)
            .grad_ulp(8)
            .grad_relative_to_largest()
            .run(|x| nn::softmax_where(&x[0], -1, &x[1])),
        case("jax.nn.log_softmax/where").ulp(4).run(|x| nn::log_softmax_where(&x[0], -1, &x[1])),
        case("jax.nn.logsumexp/weights")
            .ulp(4)
            .grad_ulp(8)
            .grad_relative_to_largest()
            .run(|x| nn::logsumexp_weights(&x[0], 0, &x[1])),
        attention("jax.nn.dot_product_attention").run(|x| nn::dot_product_attention(&x[0], &x[1], &x[2])),
        attention("jax.nn.dot_product_attention/causal_shared").run(|x| {
            let part = |i: usize| x[i].get(jacinth_frontend::s![.., .., ..2]);
            let options = AttentionOptions { is_causal: true, ..Default::default() };
            nn::dot_product_attention_with(&x[0], &part(1), &part(2), options)
        }),
        attention("jax.nn.dot_product_attention/mask_bias").run(|x| {
            let (bias, mask) = (Some(x[3].clone()), Some(x[4].clone()));
            let options = AttentionOptions { bias, mask, scale: Some(0.3), ..Default::default() };
            nn::dot_product_attention_with(&x[0], &x[1], &x[2], options)
        }),
        attention("jax.nn.dot_product_attention/window").run(|x| {
            let options = AttentionOptions { local_window_size: Some((1, 2)), ..Default::default() };
            nn::dot_product_attention_with(&x[0], &x[1], &x[2], options)
        }),
        attention("jax.nn.dot_product_attention/lengths").run(|x| {
            let options = AttentionOptions {
                query_seq_lengths: Some(x[3].clone()),
                key_value_seq_lengths: Some(x[4].clone()),
                ..Default::default()
            };
            nn::dot_product_attention_with(&x[0], &x[1], &x[2], options)
        }),
    ];
    activations.into_iter().chain(others).collect()
}
