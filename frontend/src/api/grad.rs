//! Differentiation: `grad`, `value_and_grad`, `jvp`, `vjp`, `linearize`.

use std::panic::Location;
use std::sync::Arc;

use super::function::{FlatFn, Function, Ref, Signature, Transformed, Val, build};
use crate::error::{Error, OrRaise, Result};
use crate::ir::{Array, Aval, ClosedJaxpr, Source, numpy_name};
use crate::lax::{KIT, zeros_like};
use crate::trace::{check_all_alive, eval_jaxpr};
use crate::transform::{self, backward_pass, has_tangent};
use crate::tree::{self, Leaves, Pytree, TreeDef};

/// The function that gives the gradient of the scalar function `f` with respect to its first argument.
///
/// # Panics
/// Calling it panics if the result is no real scalar, or the first argument has leaves that are not floating point.
#[track_caller]
pub fn grad<'f, S: Differentiable, F: Function<S> + 'f>(f: F) -> Transformed<'f, S::Grad> {
    gradient(f, Gives::Grad, false)
}

/// The function that gives the value of the scalar function `f` and its gradient with respect to its first argument.
///
/// # Panics
/// As [`grad`].
#[track_caller]
pub fn value_and_grad<'f, S: Differentiable, F: Function<S> + 'f>(f: F) -> Transformed<'f, S::ValueAndGrad> {
    gradient(f, Gives::ValueAndGrad, false)
}

/// [`grad`] of a function that gives a scalar to differentiate and something else, which is passed through: `(gradient, aux)`.
///
/// # Panics
/// As [`grad`].
#[track_caller]
pub fn grad_with_aux<'f, S: DifferentiableWithAux, F: Function<S> + 'f>(f: F) -> Transformed<'f, S::Grad> {
    gradient(f, Gives::Grad, true)
}

/// [`value_and_grad`] of a function that gives a scalar to differentiate and something else, which is passed through:
/// `((value, aux), gradient)`.
///
/// # Panics
/// As [`grad`].
#[track_caller]
pub fn value_and_grad_with_aux<'f, S: DifferentiableWithAux, F: Function<S> + 'f>(
    f: F,
) -> Transformed<'f, S::ValueAndGrad> {
    gradient(f, Gives::ValueAndGrad, true)
}

#[track_caller]
fn gradient<'f, S: Signature, G: Signature>(
    f: impl Function<S> + 'f,
    gives: Gives,
    aux: bool,
) -> Transformed<'f, G> {
    let inner = f.into_flat();
    Transformed::new(Arc::new(Gradient { inner, gives, aux, called_at: Location::caller() }))
}

/// Signatures of functions that can be differentiated: a scalar of at least one argument.
#[doc(hidden)]
pub trait Differentiable: Signature {
    type Grad: Signature;
    type ValueAndGrad: Signature;
}

/// Signatures of functions that give a scalar and something else.
#[doc(hidden)]
pub trait DifferentiableWithAux: Signature {
    type Grad: Signature;
    type ValueAndGrad: Signature;
}

macro_rules! differentiable {
    ($K0:ident $T0:ident $(, $K:ident $T:ident)*) => {
        impl<$T0: Pytree, $($T: Pytree),*> Differentiable for fn($K0<$T0>, $($K<$T>),*) -> Array {
            type Grad = fn($K0<$T0>, $($K<$T>),*) -> $T0;
            type ValueAndGrad = fn($K0<$T0>, $($K<$T>),*) -> (Array, $T0);
        }

        impl<Aux: Pytree, $T0: Pytree, $($T: Pytree),*> DifferentiableWithAux
            for fn($K0<$T0>, $($K<$T>),*) -> (Array, Aux)
        {
            type Grad = fn($K0<$T0>, $($K<$T>),*) -> ($T0, Aux);
            type ValueAndGrad = fn($K0<$T0>, $($K<$T>),*) -> ((Array, Aux), $T0);
        }
    };
}

macro_rules! mixes {
    ([$($done:tt)+]) => { differentiable!($($done)+); };
    ([] $T:ident $($rest:ident)*) => {
        mixes!([Val $T] $($rest)*);
        mixes!([Ref $T] $($rest)*);
    };
    ([$($done:tt)+] $T:ident $($rest:ident)*) => {
        mixes!([$($done)+, Val $T] $($rest)*);
        mixes!([$($done)+, Ref $T] $($rest)*);
    };
}

mixes!([] A);
mixes!([] A B);
mixes!([] A B C);
mixes!([] A B C D);
differentiable!(Val A, Val B, Val C, Val D, Val E);
differentiable!(Val A, Val B, Val C, Val D, Val E, Val G);
differentiable!(Val A, Val B, Val C, Val D, Val E, Val G, Val H);
differentiable!(Val A, Val B, Val C, Val D, Val E, Val G, Val H, Val I);
differentiable!(Ref A, Ref B, Ref C, Ref D, Ref E);
differentiable!(Ref A, Ref B, Ref C, Ref D, Ref E, Ref G);
differentiable!(Ref A, Ref B, Ref C, Ref D, Ref E, Ref G, Ref H);
differentiable!(Ref A, Ref B, Ref C, Ref D, Ref E, Ref G, Ref H, Ref I);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Gives {
    Grad,
    ValueAndGrad,
}

/// A function differentiated in reverse mode.
struct Gradient<'f> {
    inner: Arc<dyn FlatFn + 'f>,
    gives: Gives,
    aux: bool,
    called_at: Source,
}

impl FlatFn for Gradient<'_> {
    fn call(&self, leaves: Leaves, def: &TreeDef) -> Result<(Vec<Array>, TreeDef)> {
        check_all_alive(&leaves);
        let first = def.children().swap_remove(0);
        let wanted: Vec<bool> = (0..leaves.len()).map(|i| i < first.num_leaves()).collect();
        for leaf in &leaves[..first.num_leaves()] {
            if !has_tangent(leaf.aval()) {
                return Err(Error::argument(format!(
                    "grad of `{}` requires floating point inputs in its first argument, got {}",
                    self.inner.name(),
                    numpy_name(leaf.dtype())
                )));
            }
        }
        let mut out_def = None;
        let f = |args: Vec<Array>| {
            let (outs, def) = self.inner.call(args.into_iter().collect(), def).or_raise();
            out_def = Some(def);
            outs
        };
        let linear = transform::linearize(f, &leaves, &wanted, self.called_at);
        let out_def = out_def.expect("the function was called");
        let value = linear.outs.first().filter(|v| v.ndim() == 0 && v.dtype().is_float());
        let Some(value) = value else {
            let found = linear.outs.first().map_or_else(|| "nothing".to_owned(), |v| v.aval().to_string());
            return Err(Error::argument(format!(
                "grad requires a function that gives a real scalar, but `{}` gave {found}; sum over the result, or use `vjp`",
                self.inner.name()
            )));
        };
        let one = Array::scalar(1.0, value.dtype(), false);
        let mut cts = linear.out_tangents.iter().enumerate();
        let cts: Vec<Option<Array>> =
            cts.by_ref().filter(|(_, nz)| **nz).map(|(i, _)| (i == 0).then(|| one.clone())).collect();
        let grads = pull_back(&linear.map, &cts);
        let mut grads = grads.into_iter();
        let grads = leaves[..first.num_leaves()].iter().zip(&linear.in_tangents).map(|(leaf, has)| {
            let grad = if *has { grads.next().flatten() } else { None };
            grad.unwrap_or_else(|| zeros_like(leaf.aval()))
        });
        let grads: Vec<Array> = grads.collect();
        let aux_def = self.aux.then(|| out_def.children().swap_remove(1));
        Ok(match (self.gives, aux_def) {
            (Gives::Grad, None) => (grads, first),
            (Gives::Grad, Some(aux_def)) => {
                let leaves = grads.into_iter().chain(linear.outs.into_iter().skip(1)).collect();
                (leaves, TreeDef::tuple([&first, &aux_def]))
            }
            (Gives::ValueAndGrad, _) => {
                (linear.outs.into_iter().chain(grads).collect(), TreeDef::tuple([&out_def, &first]))
            }
        })
    }

    fn name(&self) -> &str {
        self.inner.name()
    }
}

/// Cotangents of a linear map's parameters.
fn pull_back(map: &ClosedJaxpr, cts: &[Option<Array>]) -> Vec<Option<Array>> {
    let linear = vec![None; map.jaxpr.invars.len()];
    backward_pass(&KIT, &map.jaxpr, &map.consts, &linear, cts)
}

/// Forward mode: the value of `f` at `primals`, and its derivative there along `tangents`, of the same structure.
///
/// Tangents of integer leaves are ignored.
///
/// # Panics
/// If structures or types of primals and tangents differ.
#[track_caller]
pub fn jvp<S: Signature, F: Function<S>>(f: F, primals: S::Trees, tangents: S::Trees) -> (S::Out, S::Out) {
    let called_at = Location::caller();
    let flat = f.into_flat();
    let ((primals, def), (tangents, tangent_def)) = (tree::flatten(&primals), tree::flatten(&tangents));
    def.expect(&tangent_def).or_raise();
    check_types("jvp", "tangents", &def, primals.iter().map(Array::aval), &tangents);
    check_all_alive(primals.iter().chain(&tangents));
    let given: Vec<Option<Array>> =
        primals.iter().zip(tangents).map(|(p, t)| has_tangent(p.aval()).then_some(t)).collect();
    let mut out_def = None;
    let f = |args: Vec<Array>| {
        let (outs, def) = flat.call(args.into_iter().collect(), &def).or_raise();
        out_def = Some(def);
        outs
    };
    let (outs, out_tangents) = transform::jvp(f, &primals, &given, called_at);
    let out_def = out_def.expect("the function was called");
    let filled = outs.iter().zip(out_tangents).map(|(out, t)| t.unwrap_or_else(|| zeros_like(out.aval())));
    let filled: Vec<Array> = filled.collect();
    (build(&out_def, outs), build(&out_def, filled))
}

/// The value of `f` at `primals`, and its derivative there as a linear function of tangents.
///
/// # Panics
/// If `f` is wrong for its arguments; the linear function, if its argument differs from `primals` in structure or types.
#[track_caller]
pub fn linearize<S: Signature, F: Function<S>>(
    f: F,
    primals: S::Trees,
) -> (S::Out, impl Fn(S::Trees) -> S::Out + Send + Sync + use<S, F>) {
    let point = Point::new(&*f.into_flat(), &primals, Location::caller());
    let out = build(&point.out_def, point.outs.clone());
    let apply = move |tangents: S::Trees| {
        let (tangents, def) = tree::flatten(&tangents);
        point.def.expect(&def).or_raise();
        check_types("linearize", "tangents", &def, &point.in_avals, &tangents);
        let given = transform::pick(&tangents, &point.in_tangents);
        let mut outs = eval_jaxpr(&point.map.jaxpr, &point.map.consts, &given).into_iter();
        let filled = point.out_tangents.iter().zip(&point.outs).map(|(nz, out)| {
            if *nz { outs.next().expect("one tangent each") } else { zeros_like(out.aval()) }
        });
        build(&point.out_def, filled)
    };
    (out, apply)
}

/// The value of `f` at `primals`, and the function that takes a cotangent of the value to cotangents of the primals.
///
/// Cotangents of integer leaves are zeros of their type.
///
/// # Panics
/// If `f` is wrong for its arguments; the second function, if its argument differs from the value in structure or types.
#[track_caller]
pub fn vjp<S: Signature, F: Function<S>>(
    f: F,
    primals: S::Trees,
) -> (S::Out, impl Fn(S::Out) -> S::Trees + Send + Sync + use<S, F>) {
    let point = Point::new(&*f.into_flat(), &primals, Location::caller());
    let out = build(&point.out_def, point.outs.clone());
    let apply = move |ct: S::Out| {
        let (cts, def) = tree::flatten(&ct);
        point.out_def.expect(&def).or_raise();
        check_types("vjp", "cotangents", &def, point.outs.iter().map(Array::aval), &cts);
        let given: Vec<Option<Array>> =
            transform::pick(&cts, &point.out_tangents).into_iter().map(Some).collect();
        let mut pulled = pull_back(&point.map, &given).into_iter();
        let filled = point.in_avals.iter().zip(&point.in_tangents).map(|(aval, has)| {
            let ct = if *has { pulled.next().flatten() } else { None };
            ct.unwrap_or_else(|| zeros_like(aval))
        });
        build(&point.def, filled)
    };
    (out, apply)
}

/// A function linearised with respect to all of its arguments.
struct Point {
    def: TreeDef,
    in_avals: Vec<Aval>,
    outs: Vec<Array>,
    out_def: TreeDef,
    map: ClosedJaxpr,
    in_tangents: Vec<bool>,
    out_tangents: Vec<bool>,
}

impl Point {
    fn new(flat: &dyn FlatFn, primals: &impl Pytree, called_at: Source) -> Point {
        let (primals, def) = tree::flatten(primals);
        check_all_alive(&primals);
        let mut out_def = None;
        let f = |args: Vec<Array>| {
            let (outs, def) = flat.call(args.into_iter().collect(), &def).or_raise();
            out_def = Some(def);
            outs
        };
        let linear = transform::linearize(f, &primals, &vec![true; primals.len()], called_at);
        Point {
            in_avals: primals.iter().map(|p| p.aval().clone()).collect(),
            def,
            outs: linear.outs,
            out_def: out_def.expect("the function was called"),
            map: linear.map,
            in_tangents: linear.in_tangents,
            out_tangents: linear.out_tangents,
        }
    }
}

/// Raises if values do not have the given types, naming the leaf.
#[track_caller]
fn check_types<'a>(
    operation: &'static str,
    what: &str,
    def: &TreeDef,
    avals: impl IntoIterator<Item = &'a Aval>,
    values: &[Array],
) {
    for (i, (aval, value)) in avals.into_iter().zip(values).enumerate() {
        if !aval.same_type(value.aval()) {
            let place = tree::keystr(&def.paths()[i]);
            let message = format!(
                "{what} must have the types of the values: {place} is {aval}, its {what} {}",
                value.aval()
            );
            Error::operands(operation, message).raise();
        }
    }
}
