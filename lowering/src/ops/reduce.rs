//! Reductions along whole dimensions, and `map`.
use crate::Shape;

/// `stablehlo.reduce(inputs…, init_values…)` with a region.
#[derive(Clone, PartialEq, Debug)]
pub struct Reduce {
    /// The dimensions that disappear.
    pub dimensions: Shape,
}

/// `stablehlo.map(inputs…)`: a region applied to each element.
#[derive(Clone, PartialEq, Debug)]
pub struct Map {
    /// All dimensions in order.
    pub dimensions: Shape,
}

super::scaffold!(Reduce "stablehlo.reduce", Map "stablehlo.map");
