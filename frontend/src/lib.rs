//! Tracing and transformations: jit, grad, vmap, pytrees, arrays, lax and numpy.
//!
//! Floors, lowest first: `ir` (nouns) < `lower` (jaxpr → module) < `runtime` (plugin, buffers, compiled programs) < `trace`
//! (bind, contexts) < `transform` (jvp, vmap, partial evaluation, transposition) < `lax` (primitives) < `api`. A lower floor never
//! names a higher one. `lower` and `runtime` stand below `trace` because evaluating an operation outside of any trace
//! lowers, compiles and runs it; neither ever sees a tracer.

// The derive writes `::jacinth::tree`; inside this crate that is this crate.
extern crate self as jacinth;

pub mod api;
pub mod config;
pub mod error;
pub mod ir;
pub mod lax;
mod lower;
pub mod runtime;
pub mod trace;
mod transform;

pub use api::argnums::Argnum;
pub use api::checkpoint::{
    checkpoint, checkpoint_name, policies as checkpoint_policies, print_saved_residuals, remat,
    saved_residuals,
};
pub use api::custom::{custom_gradient, custom_jvp, custom_vjp};
pub use api::debug::{self, io_callback, pure_callback};
pub use api::devices::{
    block_until_ready, default_backend, device_count, device_put, devices, effects_barrier, environment_info,
    local_device_count, local_devices, print_environment_info, process_count, process_index, process_indices,
    with_default_device,
};
pub use api::jacrev as jacobian;
pub use api::linear::{jvp_with_aux, linear_transpose, linearize_with_aux, vjp_with_aux};
pub use api::scopes::{closure_convert, ensure_compile_time_eval, named_call, named_scope, typeof_};
pub use api::test_util;
pub use api::{
    CheckError, Compiled, Element, Ellipsis, Function, IntoArray, Jit, JitStats, Lowered, NewAxis, Warning,
    checkify, dtypes, grad, hessian, jacfwd, jacrev, jit, jvp, linearize, make_jaxpr, nn, numpy, random,
    scipy, set_warning_hook, tree, value_and_grad, vjp, vmap,
};
pub use api::{Device, List, ShapeDtypeStruct, SingleDeviceSharding, eval_shape};
pub use api::{Traced, clear_caches, deny_recompile, flatten_util};
pub use config::disable_jit;
pub use error::{Error, Result};
pub use ir::{ClosedJaxpr, DType};
pub use runtime::{Backend, set_platform, with_backend};
pub use trace::Array;
