//! Operations whose shape is an operand.
use super::conv::ConvDimensionNumbers;
use super::dot::Precision;
use super::gather::GatherDimensionNumbers;
use crate::Shape;

/// `stablehlo.get_dimension_size(operand)`: an `i32`.
#[derive(Clone, PartialEq, Debug)]
pub struct GetDimensionSize {
    /// Which dimension.
    pub dimension: i64,
}

/// `stablehlo.set_dimension_size(operand, size)`.
#[derive(Clone, PartialEq, Debug)]
pub struct SetDimensionSize {
    /// Which dimension.
    pub dimension: i64,
}

/// `stablehlo.dynamic_reshape(operand, output_shape)`.
#[derive(Clone, PartialEq, Debug)]
pub struct DynamicReshape;

/// `stablehlo.dynamic_broadcast_in_dim(operand, output_dimensions)`.
#[derive(Clone, PartialEq, Debug)]
pub struct DynamicBroadcastInDim {
    /// The result dimension of each operand dimension.
    pub broadcast_dimensions: Shape,
    /// Operand dimensions known to expand.
    pub known_expanding_dimensions: Option<Shape>,
    /// Operand dimensions known not to expand.
    pub known_nonexpanding_dimensions: Option<Shape>,
}

/// `stablehlo.dynamic_iota(output_shape)`.
#[derive(Clone, PartialEq, Debug)]
pub struct DynamicIota {
    /// The dimension whose index counts.
    pub iota_dimension: i64,
}

/// `stablehlo.dynamic_pad(operand, padding_value, low, high, interior)`.
#[derive(Clone, PartialEq, Debug)]
pub struct DynamicPad;

/// `stablehlo.dynamic_gather(operand, start_indices, slice_sizes)`.
#[derive(Clone, PartialEq, Debug)]
pub struct DynamicGather {
    /// How.
    pub dimension_numbers: GatherDimensionNumbers,
    /// Whether the indices are promised to be sorted.
    pub indices_are_sorted: bool,
}

/// `stablehlo.dynamic_conv(lhs, rhs, padding)`.
#[derive(Clone, PartialEq, Debug)]
pub struct DynamicConv {
    /// What each dimension is.
    pub dimension_numbers: ConvDimensionNumbers,
    /// Step of the window; empty means ones.
    pub window_strides: Shape,
    /// Dilation of the input; empty means ones.
    pub lhs_dilation: Shape,
    /// Dilation of the kernel; empty means ones.
    pub rhs_dilation: Shape,
    /// Which spatial dimensions of the window are reversed; empty means none.
    pub window_reversal: Vec<bool>,
    /// Groups of features.
    pub feature_group_count: i64,
    /// Groups of batches.
    pub batch_group_count: i64,
    /// Precision of each side; empty means default.
    pub precision_config: Vec<Precision>,
}

super::scaffold!(GetDimensionSize "stablehlo.get_dimension_size", SetDimensionSize "stablehlo.set_dimension_size", DynamicReshape "stablehlo.dynamic_reshape", DynamicBroadcastInDim "stablehlo.dynamic_broadcast_in_dim", DynamicIota "stablehlo.dynamic_iota", DynamicPad "stablehlo.dynamic_pad", DynamicGather "stablehlo.dynamic_gather", DynamicConv "stablehlo.dynamic_conv");
