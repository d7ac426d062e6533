//! Scaled dot-product attention.

use crate::api::dtype_info::largest;
use crate::api::numpy::{self as jnp};
use crate::ir::{Array, DType};
use crate::lax;
use crate::lax::rules::{refuse, show};

/// What [`dot_product_attention_with`] is told.
#[derive(Clone, Debug, Default)]
pub struct AttentionOptions {
    /// Added to the scaled products: broadcasts to `[batch, heads, queries, keys]`.
    pub bias: Option<Array>,
    /// Where it is zero nothing is looked at: broadcasts to `[batch, heads, queries, keys]`.
    pub mask: Option<Array>,
    /// What products are multiplied by, instead of `1 / √width`.
    pub scale: Option<f64>,
    /// Whether a query sees no key behind its own place.
    pub is_causal: bool,
    /// How many places to the left and to the right of its own a query sees.
    pub local_window_size: Option<(usize, usize)>,
    /// How many queries of each sequence count: `i32[batch]`; results of the others are 0.
    pub query_seq_lengths: Option<Array>,
    /// How many keys of each sequence count: `i32[batch]`.
    pub key_value_seq_lengths: Option<Array>,
}

/// `softmax(query · keyᵀ / √width) · value` (Vaswani et al., NeurIPS 2017): `f[b, t, n, h] × f[b, s, k, h] × f[b, s, k, h] → f[b, t, n, h]`.
///
/// The batch may be missing. Where there are fewer heads of keys than of queries (`n` a multiple of `k`), neighbouring query heads
/// share one. Products and softmax are taken in single precision at least.
///
/// ```
/// # use jacinth_frontend::{Array, nn, numpy as jnp};
/// // Equal products: the mean of the two values.
/// let (query, key) = (jnp::ones([1, 1, 2]), jnp::ones([2, 1, 2]));
/// let value = Array::from([[[1.0f32, 2.0]], [[3.0, 6.0]]]);
/// assert_eq!(nn::dot_product_attention(&query, &key, &value).to_string(), "[[[2. 4.]]]");
/// ```
///
/// # Panics
/// If shapes do not fit.
#[track_caller]
pub fn dot_product_attention(query: &Array, key: &Array, value: &Array) -> Array {
    dot_product_attention_with(query, key, value, AttentionOptions::default())
}

/// [`dot_product_attention`] with mask, bias and the rest.
///
/// ```
/// # use jacinth_frontend::{Array, nn};
/// # use jacinth_frontend::nn::AttentionOptions;
/// let x = Array::from([[[1.0f32]], [[2.0]], [[3.0]]]);
/// let options = AttentionOptions { is_causal: true, scale: Some(0.0), ..Default::default() };
/// // Each the mean of what came up to it.
/// assert_eq!(nn::dot_product_attention_with(&x, &x, &x, options).to_vec::<f32>(), [1.0, 1.5, 2.0]);
/// ```
///
/// # Panics
/// If shapes do not fit.
#[track_caller]
pub fn dot_product_attention_with(
    query: &Array,
    key: &Array,
    value: &Array,
    options: AttentionOptions,
) -> Array {
    if query.ndim() == 3 {
        let batch = |x: &Array| lax::expand_dims(x, &[0]);
        let out = dot_product_attention_with(&batch(query), &batch(key), &batch(value), options);
        return lax::squeeze(&out, &[0]);
    }
    let (q, k, v) = (query.shape(), key.shape(), value.shape());
    let fits = q.len() == 4
        && k.len() == 4
        && k == v
        && q[0] == k[0]
        && q[3] == k[3]
        && k[2] > 0
        && q[2] % k[2] == 0;
    if !fits {
        refuse!(
            "dot_product_attention" => "query, key and value must be [batch, queries, heads, width] and twice \
             [batch, keys, heads, width], with the query's heads a multiple of the key's; got shapes {}, {}, {}",
            show(q), show(k), show(v)
        )
    }
    let (batch, queries, heads, width, keys) = (q[0], q[1], q[2], q[3], k[1]);
    let share = |x: &Array| if k[2] == heads { x.clone() } else { jnp::repeat(x, heads / k[2], 2) };
    let (key, value) = (share(key), share(value));
    let wide = if query.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
    let widen = |x: &Array| lax::convert_element_type(x, wide);
    let logits = jnp::einsum("btnh,bsnh->bnts", &[widen(query), widen(&key)]);
    let mut logits = logits * options.scale.unwrap_or(1.0 / (width as f64).sqrt());
    if let Some(bias) = &options.bias {
        logits += lax::convert_element_type(bias, wide);
    }
    // Places of queries and keys as the last two of four dimensions.
    let place = |n: usize, d: usize| {
        let mut shape = [1; 4];
        shape[d] = n;
        lax::broadcasted_iota(DType::I32, &shape, d)
    };
    let (row, column) = (place(queries, 2), place(keys, 3));
    let lengths = |x: &Array| lax::reshape(x, &[batch, 1, 1, 1]);
    let mut masks: Vec<Array> = options.mask.iter().cloned().collect();
    if options.is_causal {
        masks.push(row.ge(&column));
    }
    if let Some((left, right)) = options.local_window_size {
        masks.push((&row - left as i32).le(&column) & (&row + right as i32).ge(&column));
    }
    if let Some(n) = &options.query_seq_lengths {
        masks.push(row.lt(lengths(n)));
    }
    if let Some(n) = &options.key_value_seq_lengths {
        masks.push(column.lt(lengths(n)));
    }
    if let Some(mask) = masks.into_iter().reduce(jnp::logical_and) {
        // Finite, so that a row in which nothing is seen is even, not NaN.
        logits = jnp::where_(mask, logits, -0.7 * largest(wide));
    }
    let weights = lax::convert_element_type(&super::softmax(logits, -1), key.dtype());
    let out = jnp::einsum("bnts,bsnh->btnh", &[weights, value]);
    match &options.query_seq_lengths {
        None => out,
        Some(n) => jnp::where_(place(queries, 1).lt(lengths(n)), out, 0.0),
    }
}
