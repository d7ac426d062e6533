//! What a user calls: pytrees, arrays, transformations as functions, numpy.

pub mod argnums;
mod array;
mod array_device;
mod array_display;
mod array_host;
mod associative_scan;
mod cache_miss;
mod call_site;
pub mod checkpoint;
pub mod composite;
pub mod control;
pub mod custom;
pub mod debug;
pub mod devices;
mod dtype_info;
pub mod dtypes;
pub mod flatten_util;
pub mod function;
pub mod grad;
pub mod indexing;
pub mod jacobian;
pub mod jit;
pub mod linear;
pub mod nn;
pub mod numpy;
pub mod random;
pub mod scipy;
pub mod scopes;
pub mod solve;
pub mod stages;
pub mod test_util;
pub mod tree;
pub mod vmap;
mod warn;

#[cfg(test)]
mod tests;

pub use argnums::Argnum;
pub use array::{IntoArray, IntoArrays};
pub use array_device::{Device, SingleDeviceSharding};
pub use array_host::{Element, List, Nested};
pub use cache_miss::{JitStats, deny_recompile};
pub use function::{Function, Transformed};
pub use grad::{Grad, grad, value_and_grad};
pub use indexing::{CheckError, Ellipsis, NewAxis, checkify};
pub use jacobian::{Hessian, Jacobian, hessian, jacfwd, jacrev};
pub use jit::{Jit, clear_caches, jit};
pub use linear::{jvp, jvp_with_aux, linear_transpose, linearize, linearize_with_aux, vjp, vjp_with_aux};
pub use stages::{Compiled, EvalShape, Lowered, MakeJaxpr, ShapeDtypeStruct, Traced, eval_shape, make_jaxpr};
pub use vmap::{Vmap, vmap};
pub use warn::{Warning, set_warning_hook};
