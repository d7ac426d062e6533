//! Reductions over windows.
use crate::Shape;

/// `stablehlo.reduce_window(inputs…, init_values…)` with a region.
#[derive(Clone, PartialEq, Debug)]
pub struct ReduceWindow {
    /// The size of the window.
    pub window_dimensions: Shape,
    /// Step of the window; empty means ones.
    pub window_strides: Shape,
    /// Dilation of the operands; empty means ones.
    pub base_dilations: Shape,
    /// Dilation of the window; empty means ones.
    pub window_dilations: Shape,
    /// Padding before and after each dimension; empty means none.
    pub padding: Vec<(i64, i64)>,
}

/// `stablehlo.select_and_scatter(operand, source, init_value)` with regions select and scatter.
#[derive(Clone, PartialEq, Debug)]
pub struct SelectAndScatter {
    /// The size of the window; empty means ones.
    pub window_dimensions: Shape,
    /// Step of the window; empty means ones.
    pub window_strides: Shape,
    /// Padding before and after each dimension; empty means none.
    pub padding: Vec<(i64, i64)>,
}

super::scaffold!(ReduceWindow "stablehlo.reduce_window", SelectAndScatter "stablehlo.select_and_scatter");
