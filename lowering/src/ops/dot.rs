//! Products of tensors.
use crate::{ElementType, Shape};

/// How precisely a product is computed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Precision {
    /// `DEFAULT`: fastest.
    #[default]
    Default,
    /// `HIGH`.
    High,
    /// `HIGHEST`.
    Highest,
}

/// Which dimensions a product pairs (the fields of `#stablehlo.dot`).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct DotDimensionNumbers {
    /// Batching dimensions of the left side.
    pub lhs_batching_dimensions: Shape,
    /// Batching dimensions of the right side.
    pub rhs_batching_dimensions: Shape,
    /// Contracting dimensions of the left side.
    pub lhs_contracting_dimensions: Shape,
    /// Contracting dimensions of the right side.
    pub rhs_contracting_dimensions: Shape,
}

/// The algorithm a product is asked to use (`#stablehlo.dot_algorithm`).
#[derive(Clone, PartialEq, Debug)]
pub struct DotAlgorithm {
    /// Element type to which the left side is rounded.
    pub lhs_precision_type: ElementType,
    /// Element type to which the right side is rounded.
    pub rhs_precision_type: ElementType,
    /// Element type of sums.
    pub accumulation_type: ElementType,
    /// Number of parts of the left side.
    pub lhs_component_count: i64,
    /// Number of parts of the right side.
    pub rhs_component_count: i64,
    /// Number of primitive products.
    pub num_primitive_operations: i64,
    /// Whether partial sums may be rounded.
    pub allow_imprecise_accumulation: bool,
}

/// `stablehlo.dot_general(lhs, rhs)`: result dimensions are batching, then free of lhs, then free of rhs.
#[derive(Clone, PartialEq, Debug)]
pub struct DotGeneral {
    /// Which dimensions are paired.
    pub dimension_numbers: DotDimensionNumbers,
    /// Precision of each side; empty means default.
    pub precision_config: Vec<Precision>,
    /// The algorithm asked for.
    pub algorithm: Option<DotAlgorithm>,
}

super::scaffold!(DotGeneral "stablehlo.dot_general");
