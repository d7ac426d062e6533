//! Rectangular parts: static slices, and dynamic slices read and written.
use crate::Shape;

/// `stablehlo.slice`.
#[derive(Clone, PartialEq, Debug)]
pub struct Slice {
    /// First index of each dimension.
    pub start_indices: Shape,
    /// One past the last index of each dimension.
    pub limit_indices: Shape,
    /// Step of each dimension.
    pub strides: Shape,
}

/// `stablehlo.dynamic_slice(operand, start…)`: start indices are clamped so that the slice lies inside.
#[derive(Clone, PartialEq, Debug)]
pub struct DynamicSlice {
    /// The size of the slice.
    pub slice_sizes: Shape,
}

/// `stablehlo.dynamic_update_slice(operand, update, start…)`: start indices are clamped.
#[derive(Clone, PartialEq, Debug)]
pub struct DynamicUpdateSlice;

super::scaffold!(Slice "stablehlo.slice", DynamicSlice "stablehlo.dynamic_slice", DynamicUpdateSlice "stablehlo.dynamic_update_slice");
