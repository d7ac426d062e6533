//! Convolutions.
use super::dot::Precision;
use crate::Shape;

/// What each dimension of a convolution is (`#stablehlo.conv<[b, 0, f]x[0, i, o]->[b, 0, f]>`).
#[derive(Clone, PartialEq, Debug)]
pub struct ConvDimensionNumbers {
    /// Batch dimension of the input.
    pub input_batch_dimension: i64,
    /// Feature dimension of the input.
    pub input_feature_dimension: i64,
    /// Spatial dimensions of the input.
    pub input_spatial_dimensions: Shape,
    /// Input feature dimension of the kernel.
    pub kernel_input_feature_dimension: i64,
    /// Output feature dimension of the kernel.
    pub kernel_output_feature_dimension: i64,
    /// Spatial dimensions of the kernel.
    pub kernel_spatial_dimensions: Shape,
    /// Batch dimension of the result.
    pub output_batch_dimension: i64,
    /// Feature dimension of the result.
    pub output_feature_dimension: i64,
    /// Spatial dimensions of the result.
    pub output_spatial_dimensions: Shape,
}

/// `stablehlo.convolution(lhs, rhs)`. The result element type is the result's.
#[derive(Clone, PartialEq, Debug)]
pub struct Convolution {
    /// What each dimension is.
    pub dimension_numbers: ConvDimensionNumbers,
    /// Step of the window; empty means ones.
    pub window_strides: Shape,
    /// Padding of each spatial dimension; empty means none.
    pub padding: Vec<(i64, i64)>,
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

super::scaffold!(Convolution "stablehlo.convolution");
