//! Order.

/// `stablehlo.sort(inputs…)` with a region that compares.
#[derive(Clone, PartialEq, Debug)]
pub struct Sort {
    /// The dimension that is sorted.
    pub dimension: i64,
    /// Whether equal elements keep their order.
    pub is_stable: bool,
}

/// `chlo.top_k(operand)`: the `k` largest along the last dimension, and their `i32` indices.
#[derive(Clone, PartialEq, Debug)]
pub struct TopK {
    /// How many.
    pub k: i64,
}

super::scaffold!(Sort "stablehlo.sort", TopK "chlo.top_k");
