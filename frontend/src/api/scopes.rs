//! What is traced and under which names: scopes, constants of a trace, captures; and the type of an array.

use std::panic::Location;
use std::sync::Arc;

use super::function::{FlatFn, Function, Signature, Transformed, build};
use super::tree::{self, Leaves, TreeDef};
use crate::error::{Error, OrRaise, Result};
use crate::ir::{Array, Aval};
use crate::trace::{current_source, eval_jaxpr, in_scope, stage, with_trace};

/// The type of an array: shape, dtype, weak type (`jax.typeof`; the name is a word of Rust's).
///
/// ```
/// # use jacinth_frontend::{Array, typeof_};
/// assert_eq!(typeof_(&Array::from([1.0f32, 2.0])).to_string(), "f32[2]");
/// ```
pub fn typeof_(x: &Array) -> &Aval {
    x.aval()
}

/// Runs `f`; what it traces stands under that name in the module's locations, inside of the scopes that are open.
///
/// # Panics
/// As `f` does.
///
/// ```
/// # use jacinth_frontend::{Array, jit, named_scope};
/// let f = jit(|x: &Array| named_scope("layer", || named_scope("norm", || x.exp())));
/// let text = f.lower((&Array::from(1.0f32),)).unwrap().as_text_with_locations();
/// assert!(text.contains("layer/norm/exp"));
/// ```
pub fn named_scope<R>(name: &str, f: impl FnOnce() -> R) -> R {
    in_scope(&name.into(), f)
}

/// The function with its operations under that name, as in [`named_scope`].
///
/// ```
/// # use jacinth_frontend::{Array, jit, named_call};
/// let f = jit(named_call(|x: &Array| x.exp(), "growth"));
/// assert!(f.lower((&Array::from(1.0f32),)).unwrap().as_text_with_locations().contains("growth/exp"));
/// ```
pub fn named_call<'f, S: Signature, F: Function<S> + 'f>(f: F, name: &str) -> Transformed<'f, S> {
    Transformed::new(Arc::new(Named { flat: f.into_flat(), name: name.into() }))
}

struct Named<'f> {
    flat: Arc<dyn FlatFn + 'f>,
    name: Arc<str>,
}

impl FlatFn for Named<'_> {
    fn call(&self, leaves: Leaves, def: &TreeDef) -> Result<(Vec<Array>, TreeDef)> {
        in_scope(&self.name, || self.flat.call(leaves, def))
    }

    fn name(&self) -> &str {
        self.flat.name()
    }
}

/// Runs `f` outside of any trace: what it computes from host values and arrays of values is computed now, not in the program that is being traced.
///
/// # Panics
/// As `f` does; and if `f` uses a traced value, which has no value yet.
///
/// ```
/// # use jacinth_frontend::{Array, ensure_compile_time_eval, jit, numpy as jnp};
/// let f = jit(|x: &Array| {
///     let n = ensure_compile_time_eval(|| jnp::arange(4).sum().item::<i32>());
///     x * n
/// });
/// assert_eq!(f(&Array::from(2.0f32)).item::<f32>(), 12.0);
/// ```
pub fn ensure_compile_time_eval<R>(f: impl FnOnce() -> R) -> R {
    with_trace(None, None, f)
}

/// The function with what it captured as a last argument, and the arrays that it captured: for rules of [`custom_vjp`](crate::custom_vjp) that must
/// differentiate with respect to captures.
///
/// The function is traced for arguments of the types of `example`, and what it gives takes arguments of these types only.
///
/// # Panics
/// If `f` is wrong for arguments of these types; the function that it gives, if it is given others.
///
/// ```
/// # use jacinth_frontend::{Array, closure_convert};
/// let scale = Array::from([2.0f32, 3.0]);
/// let (f, consts) = closure_convert(|x: &Array| x * &scale, (Array::from([1.0f32, 1.0]),));
/// assert_eq!(f((Array::from([1.0f32, 2.0]),), &consts).to_vec::<f32>(), [2.0, 6.0]);
/// ```
#[track_caller]
pub fn closure_convert<S: Signature, F: Function<S>>(
    f: F,
    example: S::Trees,
) -> (impl Fn(S::Trees, &[Array]) -> S::Out + Send + Sync + use<S, F>, Vec<Array>) {
    let flat = f.into_flat();
    let (leaves, def) = tree::flatten(&example);
    let avals: Vec<Aval> = leaves.iter().map(|leaf| leaf.aval().clone()).collect();
    let (closed, out_def) = staged(&*flat, &avals, &def);
    let jaxpr = closed.jaxpr;
    let converted = move |args: S::Trees, consts: &[Array]| {
        let (leaves, found) = tree::flatten(&args);
        def.expect(&found).or_raise();
        let given = consts.iter().map(Array::aval).chain(leaves.iter().map(Array::aval));
        let expected = jaxpr.constvars.iter().chain(&jaxpr.invars).map(|v| jaxpr.aval(*v));
        if consts.len() != jaxpr.constvars.len()
            || !given.clone().zip(expected.clone()).all(|(a, b)| a.same_type(b))
        {
            let list = |avals: Vec<&Aval>| avals.iter().map(|a| a.to_string()).collect::<Vec<_>>().join(", ");
            let (expected, given) = (list(expected.collect()), list(given.collect()));
            let message = format!("captures and arguments must be of types ({expected}), got ({given})");
            Error::operands("closure_convert", message).raise();
        }
        build(&out_def, eval_jaxpr(&jaxpr, consts, &leaves))
    };
    (converted, closed.consts)
}

/// A function traced for arguments of these types, and the structure of what it gives.
#[track_caller]
fn staged(flat: &dyn FlatFn, avals: &[Aval], def: &TreeDef) -> (crate::ir::ClosedJaxpr, TreeDef) {
    let mut out_def = None;
    let closed = stage(flat.name(), avals, current_source(Location::caller()), |args| {
        let (outs, def) = flat.call(args.into_iter().collect(), def).or_raise();
        out_def = Some(def);
        outs
    });
    (closed, out_def.expect("the function was traced"))
}
