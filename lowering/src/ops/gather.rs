//! Reads and writes at computed indices.
use crate::Shape;

/// How a gather reads (the fields of `#stablehlo.gather`).
#[derive(Clone, PartialEq, Debug)]
pub struct GatherDimensionNumbers {
    /// Result dimensions that index into a slice.
    pub offset_dims: Shape,
    /// Operand dimensions of slice size 1 that are dropped.
    pub collapsed_slice_dims: Shape,
    /// Operand dimensions that are batched.
    pub operand_batching_dims: Shape,
    /// Index dimensions that are batched.
    pub start_indices_batching_dims: Shape,
    /// The operand dimension of each component of an index.
    pub start_index_map: Shape,
    /// The dimension of `start_indices` that holds an index.
    pub index_vector_dim: i64,
}

/// How a scatter writes (the fields of `#stablehlo.scatter`).
#[derive(Clone, PartialEq, Debug)]
pub struct ScatterDimensionNumbers {
    /// Update dimensions that index into a window.
    pub update_window_dims: Shape,
    /// Operand dimensions of window size 1 that updates lack.
    pub inserted_window_dims: Shape,
    /// Operand dimensions that are batched.
    pub input_batching_dims: Shape,
    /// Index dimensions that are batched.
    pub scatter_indices_batching_dims: Shape,
    /// The operand dimension of each component of an index.
    pub scatter_dims_to_operand_dims: Shape,
    /// The dimension of `scatter_indices` that holds an index.
    pub index_vector_dim: i64,
}

/// `stablehlo.gather(operand, start_indices)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Gather {
    /// How.
    pub dimension_numbers: GatherDimensionNumbers,
    /// The size of each slice.
    pub slice_sizes: Shape,
    /// Whether the indices are promised to be sorted.
    pub indices_are_sorted: bool,
}

/// `stablehlo.scatter(inputs…, scatter_indices, updates…)` with a region that combines; updates out of bounds are dropped.
#[derive(Clone, PartialEq, Debug)]
pub struct Scatter {
    /// How.
    pub dimension_numbers: ScatterDimensionNumbers,
    /// Whether the indices are promised to be sorted.
    pub indices_are_sorted: bool,
    /// Whether the indices are promised to be unique.
    pub unique_indices: bool,
}

super::scaffold!(Gather "stablehlo.gather", Scatter "stablehlo.scatter");
