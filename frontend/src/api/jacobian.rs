//! Whole derivatives of array functions: `jacfwd`, `jacrev`, `hessian`.
//!
//! Both are the linear map of `linearize`, or its transpose, vectorised over a basis. The result of a function
//! `f32[n] → f32[m]` has shape `[m, n]`: the result's dimensions, then the first argument's. Deliberately absent: derivatives of trees by
//! trees, whose type Rust cannot say; differentiate leaf by leaf.

use std::panic::Location;
use std::sync::Arc;

use super::function::{FlatFn, Function, Signature, Transformed};
use super::grad::Differentiable;
use super::numpy::eye_of;
use crate::error::{Error, OrRaise, Result};
use crate::ir::{Array, Aval, AxisInfo, Source};
use crate::lax::{KIT, reshape, zeros_like};
use crate::trace::{check_all_alive, eval_jaxpr};
use crate::transform::{self, Linearized, backward_pass, has_tangent, move_to};
use crate::tree::{Leaves, TreeDef};

/// The function that gives the derivative of `f` with respect to its first argument, by forward mode: cheap if that is small.
///
/// # Panics
/// Calling it panics if the first argument is not floating point.
#[track_caller]
pub fn jacfwd<'f, S, F>(f: F) -> Transformed<'f, S::Grad>
where
    S: Differentiable<Grad: Signature<Out = Array>>,
    F: Function<S> + 'f,
{
    Transformed::new(Arc::new(Jacobian {
        inner: f.into_flat(),
        forward: true,
        called_at: Location::caller(),
    }))
}

/// The function that gives the derivative of `f` with respect to its first argument, by reverse mode: cheap if the result is small.
///
/// # Panics
/// Calling it panics if the first argument or the result is not floating point.
#[track_caller]
pub fn jacrev<'f, S, F>(f: F) -> Transformed<'f, S::Grad>
where
    S: Differentiable<Grad: Signature<Out = Array>>,
    F: Function<S> + 'f,
{
    Transformed::new(Arc::new(Jacobian {
        inner: f.into_flat(),
        forward: false,
        called_at: Location::caller(),
    }))
}

/// The function that gives the second derivative of `f` with respect to its first argument: `jacfwd(jacrev(f))`.
///
/// # Panics
/// As [`jacrev`].
#[track_caller]
pub fn hessian<'f, S, F>(f: F) -> Transformed<'f, S::Grad>
where
    S: Differentiable<Grad: Signature<Out = Array>>,
    F: Function<S> + 'f,
{
    let called_at = Location::caller();
    let inner = Arc::new(Jacobian { inner: f.into_flat(), forward: false, called_at });
    Transformed::new(Arc::new(Jacobian { inner, forward: true, called_at }))
}

struct Jacobian<'f> {
    inner: Arc<dyn FlatFn + 'f>,
    forward: bool,
    called_at: Source,
}

impl FlatFn for Jacobian<'_> {
    fn call(&self, leaves: Leaves, def: &TreeDef) -> Result<(Vec<Array>, TreeDef)> {
        check_all_alive(&leaves);
        let operation = if self.forward { "jacfwd" } else { "jacrev" };
        let refuse = |what: &str, aval: &Aval| {
            let name = self.inner.name();
            Err(Error::argument(format!(
                "{operation} of `{name}`: {what} must be floating point, got {aval}"
            )))
        };
        let input = leaves[0].aval().clone();
        if !has_tangent(&input) {
            return refuse("the first argument", &input);
        }
        let wanted: Vec<bool> = (0..leaves.len()).map(|i| i == 0).collect();
        let f = |args: Vec<Array>| self.inner.call(args.into_iter().collect(), def).or_raise().0;
        let linear = transform::linearize(f, &leaves, &wanted, self.called_at);
        let output = linear.outs[0].aval().clone();
        if !has_tangent(&output) {
            return refuse("the result", &output);
        }
        let shape: Vec<usize> = output.shape.iter().chain(&input.shape).copied().collect();
        if !linear.out_tangents[0] {
            return Ok((vec![zeros_like(&Aval::new(shape, output.dtype))], TreeDef::leaf()));
        }
        let derivative =
            if self.forward { self.pushed(&linear, &input) } else { self.pulled(&linear, &input, &output) };
        Ok((vec![reshape(&derivative, &shape)], TreeDef::leaf()))
    }

    fn name(&self) -> &str {
        self.inner.name()
    }
}

impl Jacobian<'_> {
    /// The map applied to each basis vector of the input; those count the last dimension.
    fn pushed(&self, linear: &Linearized, input: &Aval) -> Array {
        let push = |tangents: Vec<Array>| eval_jaxpr(&linear.map.jaxpr, &linear.map.consts, &tangents);
        let (mut outs, dims) = self.over_basis(input, push);
        let out = outs.swap_remove(0);
        let last = out.ndim() - dims[0].is_some() as usize;
        move_to(&KIT, &out, dims[0], last, input.size())
    }

    /// The transposed map applied to each basis vector of the output; those count the first dimension.
    fn pulled(&self, linear: &Linearized, input: &Aval, output: &Aval) -> Array {
        let pull = |mut cts: Vec<Array>| {
            let cts = [cts.pop()];
            let pulled = backward_pass(&KIT, &linear.map.jaxpr, &linear.map.consts, &[None], &cts);
            vec![pulled.into_iter().next().flatten().unwrap_or_else(|| zeros_like(input))]
        };
        let (outs, dims) = self.over_basis(output, pull);
        move_to(&KIT, &outs[0], dims[0], 0, output.size())
    }

    fn over_basis(
        &self,
        aval: &Aval,
        f: impl FnOnce(Vec<Array>) -> Vec<Array>,
    ) -> (Vec<Array>, Vec<Option<usize>>) {
        let size = aval.size();
        let shape: Vec<usize> = std::iter::once(size).chain(aval.shape.iter().copied()).collect();
        let basis = reshape(&eye_of(size, size, 0, aval.dtype), &shape);
        let axis = AxisInfo::new(size, None);
        transform::batch(f, &[basis], &[Some(0)], axis, self.called_at)
    }
}
