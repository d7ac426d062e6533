//! Control flow, calls, tuples and tokens.
use crate::attribute::Attributes;

/// `stablehlo.if(pred)` with two regions without arguments.
#[derive(Clone, PartialEq, Debug)]
pub struct If;

/// `stablehlo.case(index)` with regions without arguments; an index out of range runs the last.
#[derive(Clone, PartialEq, Debug)]
pub struct Case;

/// `stablehlo.while(operands…)` with regions cond and body.
#[derive(Clone, PartialEq, Debug)]
pub struct While;

/// `func.call`, printed `call @callee(…)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    /// The function's name without `@`.
    pub callee: String,
}

/// `stablehlo.composite(inputs…)`: does what its decomposition does.
#[derive(Clone, PartialEq, Debug)]
pub struct Composite {
    /// The name of the high-level operation.
    pub composite_name: String,
    /// What the high-level operation needs to know.
    pub composite_attributes: Attributes,
    /// The function that does it, without `@`.
    pub decomposition: String,
    /// Version of its meaning.
    pub version: i64,
}

/// `stablehlo.optimization_barrier(operands…)`: its operands, unmoved.
#[derive(Clone, PartialEq, Debug)]
pub struct OptimizationBarrier;

/// `stablehlo.tuple`.
#[derive(Clone, PartialEq, Debug)]
pub struct Tuple;

/// `stablehlo.get_tuple_element`.
#[derive(Clone, PartialEq, Debug)]
pub struct GetTupleElement {
    /// Which element.
    pub index: i64,
}

/// `stablehlo.create_token`.
#[derive(Clone, PartialEq, Debug)]
pub struct CreateToken;

/// `stablehlo.after_all(tokens…)`.
#[derive(Clone, PartialEq, Debug)]
pub struct AfterAll;

super::scaffold!(If "stablehlo.if", Case "stablehlo.case", While "stablehlo.while", Call "func.call", Composite "stablehlo.composite", OptimizationBarrier "stablehlo.optimization_barrier", Tuple "stablehlo.tuple", GetTupleElement "stablehlo.get_tuple_element", CreateToken "stablehlo.create_token", AfterAll "stablehlo.after_all");
