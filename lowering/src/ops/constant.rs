//! Values from nothing: `constant` and `iota`.

use crate::Literal;

/// `stablehlo.constant`: the literal as a tensor.
#[derive(Clone, PartialEq, Debug)]
pub struct Constant {
    /// The value.
    pub value: Literal,
}

/// `stablehlo.iota`: each element is its index along one dimension. The result type says shape and element type.
#[derive(Clone, PartialEq, Debug)]
pub struct Iota {
    /// The dimension whose index counts.
    pub iota_dimension: i64,
}

super::scaffold!(Constant "stablehlo.constant", Iota "stablehlo.iota");
