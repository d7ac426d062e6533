//! The nouns of the frontend: avals, arrays, primitives, jaxprs, and how a jaxpr prints.
//!
//! Everything above speaks in these. `Array` and `Primitive` stand here, below tracing, because an equation holds its
//! primitive and a primitive's rules speak of arrays; this room knows what a tracer *is*, never what one *does*: binding,
//! contexts and transformations live above. Deliberately absent: any primitive, any trace, any buffer transfer.

mod array;
mod aval;
mod device;
mod jaxpr;
mod lowering;
mod primitive;
mod print;
mod scalar;

pub use array::{Array, TraceId};
pub(crate) use array::{Batched, Dual, Identity, NO_VALUE, Repr};
pub use aval::{Aval, AvalData, DType, Shape, Sharding, dtype_name, numpy_name};
pub(crate) use device::{BackendId, DeviceArray};
pub(crate) use jaxpr::nested_scope;
pub use jaxpr::{Atom, ClosedJaxpr, Eqn, Jaxpr, Source, Var};
pub use lowering::{LowerCx, Value, Values, tensor_type};
pub(crate) use lowering::{ModuleCx, order_aval, scalar_bytes};
pub(crate) use primitive::python_tuple;
pub use primitive::{
    Arrays, Avals, AxisInfo, BatchDims, Domain, DynEq, Effects, Linear, Operand, Params, PartialEvalCx, Prim,
    Primitive, Sample, SampleArg, ShardingRule, Tangents,
};
pub use scalar::{Literal, Scalar};
