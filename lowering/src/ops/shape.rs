//! Operations that move elements without looking at them.
use crate::Shape;

/// `stablehlo.broadcast_in_dim`: operand dimension `i` becomes result dimension `broadcast_dimensions[i]`.
#[derive(Clone, PartialEq, Debug)]
pub struct BroadcastInDim {
    /// The result dimension of each operand dimension.
    pub broadcast_dimensions: Shape,
}

/// `stablehlo.reshape`: the same elements in row-major order.
#[derive(Clone, PartialEq, Debug)]
pub struct Reshape;

/// `stablehlo.transpose`: result dimension `i` is operand dimension `permutation[i]`.
#[derive(Clone, PartialEq, Debug)]
pub struct Transpose {
    /// The operand dimension of each result dimension.
    pub permutation: Shape,
}

/// `stablehlo.concatenate`.
#[derive(Clone, PartialEq, Debug)]
pub struct Concatenate {
    /// The dimension along which operands follow each other.
    pub dimension: i64,
}

/// `stablehlo.pad(operand, padding_value)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Pad {
    /// Padding before each dimension; negative removes.
    pub edge_padding_low: Shape,
    /// Padding after each dimension; negative removes.
    pub edge_padding_high: Shape,
    /// Padding between elements of each dimension.
    pub interior_padding: Shape,
}

/// `stablehlo.reverse`.
#[derive(Clone, PartialEq, Debug)]
pub struct Reverse {
    /// The dimensions that are reversed.
    pub dimensions: Shape,
}

super::scaffold!(BroadcastInDim "stablehlo.broadcast_in_dim", Reshape "stablehlo.reshape", Transpose "stablehlo.transpose", Concatenate "stablehlo.concatenate", Pad "stablehlo.pad", Reverse "stablehlo.reverse");
