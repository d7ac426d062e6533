//! Derivatives at a point as functions: `jvp`, `vjp`, `linearize`, and the transpose of a linear function.
//!
//! These are called with the arguments at once, as a tuple; those whose function gives something beside its value are spelled
//! `…_with_aux`.

use std::panic::Location;

use super::argnums::HasAux;
use super::cache_miss::argument;
use super::function::{FlatFn, Function, Signature, build};
use super::grad::{pull_back, split_aux};
use crate::error::{Error, OrRaise};
use crate::ir::{Array, Aval, ClosedJaxpr, Source};
use crate::lax::zeros_like;
use crate::trace::{check_all_alive, current_source, eval_jaxpr, stage};
use crate::transform::{self, has_tangent};
use crate::tree::{self, Pytree, TreeDef};

/// Forward mode: the value of `f` at `primals`, and its derivative there along `tangents`, of the same structure.
///
/// Tangents of integer leaves are ignored; those of integer results are zeros of their type.
///
/// ```
/// # use jacinth_frontend::{Array, jvp};
/// let f = |x: &Array| x.square();
/// let (y, dy) = jvp(f, (Array::from(3.0),), (Array::from(1.0),));
/// assert_eq!((y.item::<f32>(), dy.item::<f32>()), (9.0, 6.0));
/// ```
///
/// # Panics
/// If structures or types of primals and tangents differ.
#[track_caller]
pub fn jvp<S: Signature, F: Function<S>>(f: F, primals: S::Trees, tangents: S::Trees) -> (S::Out, S::Out) {
    let (outs, tangents, def) = push(&*f.into_flat(), &primals, &tangents, Location::caller());
    (build(&def, outs), build(&def, tangents))
}

/// [`jvp`] of a function that gives a pair, of which the first is differentiated: the value, its derivative, and the second.
///
/// ```
/// # use jacinth_frontend::{Array, jvp_with_aux};
/// let f = |x: &Array| (x.square(), x.gt(0.0));
/// let (y, dy, positive) = jvp_with_aux(f, (Array::from(3.0),), (Array::from(0.5),));
/// assert_eq!((y.item::<f32>(), dy.item::<f32>(), positive.item::<bool>()), (9.0, 3.0, true));
/// ```
///
/// # Panics
/// As [`jvp`].
#[track_caller]
pub fn jvp_with_aux<S: Signature<Out: HasAux>, F: Function<S>>(
    f: F,
    primals: S::Trees,
    tangents: S::Trees,
) -> (<S::Out as HasAux>::Value, <S::Out as HasAux>::Value, <S::Out as HasAux>::Aux) {
    let (outs, tangents, def) = push(&*f.into_flat(), &primals, &tangents, Location::caller());
    let (value, aux) = build::<S::Out>(&def, outs).split();
    let (tangent, _) = build::<S::Out>(&def, tangents).split();
    (value, tangent, aux)
}

fn push<T: Pytree>(
    flat: &dyn FlatFn,
    primals: &T,
    tangents: &T,
    called_at: Source,
) -> (Vec<Array>, Vec<Array>, TreeDef) {
    let ((primals, def), (tangents, tangent_def)) = (tree::flatten(primals), tree::flatten(tangents));
    def.expect(&tangent_def).or_raise();
    check_types("jvp", "tangents", &def, primals.iter().map(Array::aval), &tangents, Some(called_at));
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
    let filled = outs.iter().zip(out_tangents).map(|(out, t)| t.unwrap_or_else(|| zeros_like(out.aval())));
    let filled: Vec<Array> = filled.collect();
    (outs, filled, out_def.expect("the function was called"))
}

/// The value of `f` at `primals`, and its derivative there as a linear function of tangents.
///
/// ```
/// # use jacinth_frontend::{Array, linearize};
/// let (y, df) = linearize(|x: &Array| x.square(), (Array::from(3.0),));
/// assert_eq!(y.item::<f32>(), 9.0);
/// assert_eq!([1.0, 2.0].map(|t: f64| df((Array::from(t),)).item::<f32>()), [6.0, 12.0]); // traced once
/// ```
///
/// # Panics
/// If `f` is wrong for its arguments; the linear function, if its argument differs from `primals` in structure or types.
#[track_caller]
pub fn linearize<S: Signature, F: Function<S>>(
    f: F,
    primals: S::Trees,
) -> (S::Out, impl Fn(S::Trees) -> S::Out + Send + Sync + use<S, F>) {
    let point = Point::new(&*f.into_flat(), &primals, false, Location::caller());
    let out = build(&point.out_def, point.outs.clone());
    (out, move |tangents: S::Trees| build(&point.out_def, point.push(&tangents)))
}

/// [`linearize`] of a function that gives a pair, of which the first is differentiated: the value, the linear function, and the second.
///
/// ```
/// # use jacinth_frontend::{Array, linearize_with_aux};
/// let (y, df, aux) = linearize_with_aux(|x: &Array| (x * 2.0, x.clone()), (Array::from(3.0),));
/// assert_eq!((y.item::<f32>(), aux.item::<f32>(), df((Array::from(1.0),)).item::<f32>()), (6.0, 3.0, 2.0));
/// ```
///
/// # Panics
/// As [`linearize`].
#[track_caller]
#[allow(clippy::type_complexity)]
pub fn linearize_with_aux<S: Signature<Out: HasAux>, F: Function<S>>(
    f: F,
    primals: S::Trees,
) -> (
    <S::Out as HasAux>::Value,
    impl Fn(S::Trees) -> <S::Out as HasAux>::Value + Send + Sync + use<S, F>,
    <S::Out as HasAux>::Aux,
) {
    let mut point = Point::new(&*f.into_flat(), &primals, true, Location::caller());
    let (out, aux) = (build(&point.out_def, point.outs.clone()), point.take_aux());
    (out, move |tangents: S::Trees| build(&point.out_def, point.push(&tangents)), aux)
}

/// The value of `f` at `primals`, and the function that takes a cotangent of the value to cotangents of the primals.
///
/// Cotangents of integer leaves are zeros of their type.
///
/// ```
/// # use jacinth_frontend::{Array, vjp};
/// let (y, pull) = vjp(|x: &Array, w: &Array| x * w, (Array::from([1.0f32, 2.0]), Array::from([3.0f32, 4.0])));
/// let (dx, dw) = pull(Array::from([1.0f32, 10.0])); // a cotangent of `y`'s shape
/// assert_eq!((y.shape(), dx.to_vec::<f32>(), dw.to_vec::<f32>()), (&[2][..], vec![3.0, 40.0], vec![1.0, 20.0]));
/// ```
///
/// # Panics
/// If `f` is wrong for its arguments; the second function, if its argument differs from the value in structure or types.
#[track_caller]
pub fn vjp<S: Signature, F: Function<S>>(
    f: F,
    primals: S::Trees,
) -> (S::Out, impl Fn(S::Out) -> S::Trees + Send + Sync + use<S, F>) {
    let point = Point::new(&*f.into_flat(), &primals, false, Location::caller());
    let out = build(&point.out_def, point.outs.clone());
    (out, move |ct: S::Out| build(&point.def, point.pull(&ct)))
}

/// [`vjp`] of a function that gives a pair, of which the first is differentiated: the value, the function of its cotangent, and the second.
///
/// ```
/// # use jacinth_frontend::{Array, vjp_with_aux};
/// let (loss, pull, prediction) = vjp_with_aux(|w: &Array| ((w - 1.0).square(), w.clone()), (Array::from(3.0),));
/// let (dw,) = pull(Array::from(1.0));
/// assert_eq!((loss.item::<f32>(), prediction.item::<f32>(), dw.item::<f32>()), (4.0, 3.0, 4.0));
/// ```
///
/// # Panics
/// As [`vjp`].
#[track_caller]
#[allow(clippy::type_complexity)]
pub fn vjp_with_aux<S: Signature<Out: HasAux>, F: Function<S>>(
    f: F,
    primals: S::Trees,
) -> (
    <S::Out as HasAux>::Value,
    impl Fn(<S::Out as HasAux>::Value) -> S::Trees + Send + Sync + use<S, F>,
    <S::Out as HasAux>::Aux,
) {
    let mut point = Point::new(&*f.into_flat(), &primals, true, Location::caller());
    let (out, aux) = (build(&point.out_def, point.outs.clone()), point.take_aux());
    (out, move |ct: <S::Out as HasAux>::Value| build(&point.def, point.pull(&ct)), aux)
}

/// The transpose of the linear function `f`, whose arguments have the types of `primals` (their values do not matter): takes a
/// cotangent of the result to cotangents of the arguments.
///
/// ```
/// # use jacinth_frontend::{Array, linear_transpose};
/// let a = Array::from([[1.0f32, 2.0], [3.0, 4.0], [5.0, 6.0]]); // f32[2] to f32[3]
/// let transposed = linear_transpose(move |x: &Array| a.dot(x), (Array::from([0.0f32, 0.0]),));
/// assert_eq!(transposed(Array::from([1.0f32, 0.0, 0.0])).0.to_vec::<f32>(), [1.0, 2.0]); // a row of `a`
/// ```
///
/// # Panics
/// If `f` is not linear in all of its arguments together; the message names the operation that is not.
#[track_caller]
pub fn linear_transpose<S: Signature, F: Function<S>>(
    f: F,
    primals: S::Trees,
) -> impl Fn(S::Out) -> S::Trees + Send + Sync + use<S, F> {
    let (flat, called_at) = (f.into_flat(), Location::caller());
    let (leaves, def) = tree::flatten(&primals);
    let avals: Vec<Aval> = leaves.iter().map(|leaf| leaf.aval().clone()).collect();
    let mut out_def = None;
    let closed = stage(flat.name(), &avals, current_source(called_at), |args| {
        let (outs, def) = flat.call(args.into_iter().collect(), &def).or_raise();
        out_def = Some(def);
        outs
    });
    let out_def = out_def.expect("the function was traced");
    let smooth = |aval: &Aval| has_tangent(aval);
    let all_smooth = avals.iter().chain(closed.out_avals()).all(smooth);
    if !all_smooth && avals.iter().chain(closed.out_avals()).any(smooth) {
        let list = |avals: Vec<&Aval>| avals.iter().map(|a| a.to_string()).collect::<Vec<_>>().join(", ");
        Error::argument(format!(
            "linear_transpose of `{}` goes from floating point or complex to such, or from integers to integers, but got ({}) -> ({})",
            flat.name(),
            list(avals.iter().collect()),
            list(closed.out_avals().collect())
        ))
        .raise();
    }
    move |ct: S::Out| {
        let (cts, found) = tree::flatten(&ct);
        out_def.expect(&found).or_raise();
        check_types("linear_transpose", "cotangents", &out_def, closed.out_avals(), &cts, None);
        let cts: Vec<Option<Array>> = cts.into_iter().map(Some).collect();
        let pulled = pull_back(&closed, &cts).into_iter().zip(&avals);
        build(&def, pulled.map(|(ct, aval)| ct.unwrap_or_else(|| zeros_like(&aval.strong()))))
    }
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
    aux: Option<(Vec<Array>, TreeDef)>,
}

impl Point {
    fn new(flat: &dyn FlatFn, primals: &impl Pytree, has_aux: bool, called_at: Source) -> Point {
        let (primals, def) = tree::flatten(primals);
        check_all_alive(&primals);
        let mut out_def = None;
        let f = |args: Vec<Array>| {
            let (outs, def) = flat.call(args.into_iter().collect(), &def).or_raise();
            out_def = Some(def);
            outs
        };
        let linear = transform::linearize(f, &primals, &vec![true; primals.len()], called_at);
        let out_def = out_def.expect("the function was called");
        let (outs, out_def, aux, aux_def) = split_aux(linear.outs, out_def, has_aux);
        Point {
            in_avals: primals.iter().map(|p| p.aval().clone()).collect(),
            def,
            outs,
            out_def,
            map: linear.map,
            in_tangents: linear.in_tangents,
            out_tangents: linear.out_tangents,
            aux: has_aux.then_some((aux, aux_def)),
        }
    }

    fn take_aux<T: Pytree>(&mut self) -> T {
        let (leaves, def) = self.aux.take().expect("there is something beside the value");
        build(&def, leaves)
    }

    /// The derivative along tangents.
    #[track_caller]
    fn push(&self, tangents: &impl Pytree) -> Vec<Array> {
        let (tangents, def) = tree::flatten(tangents);
        self.def.expect(&def).or_raise();
        check_types("linearize", "tangents", &def, &self.in_avals, &tangents, None);
        let given = transform::pick(&tangents, &self.in_tangents);
        let mut outs = eval_jaxpr(&self.map.jaxpr, &self.map.consts, &given).into_iter();
        let filled = self.out_tangents.iter().zip(&self.outs).map(|(nz, out)| {
            if *nz { outs.next().expect("one tangent each") } else { zeros_like(out.aval()) }
        });
        filled.collect()
    }

    /// The cotangents of the arguments.
    #[track_caller]
    fn pull(&self, ct: &impl Pytree) -> Vec<Array> {
        let (cts, def) = tree::flatten(ct);
        self.out_def.expect(&def).or_raise();
        check_types("vjp", "cotangents", &def, self.outs.iter().map(Array::aval), &cts, None);
        // What is passed through takes no cotangent.
        let cts = cts.into_iter().map(Some).chain(std::iter::repeat(None));
        let given: Vec<Option<Array>> =
            cts.zip(&self.out_tangents).filter(|(_, nz)| **nz).map(|(ct, _)| ct).collect();
        let mut pulled = pull_back(&self.map, &given).into_iter();
        let filled = self.in_avals.iter().zip(&self.in_tangents).map(|(aval, has)| {
            let ct = if *has { pulled.next().flatten() } else { None };
            ct.unwrap_or_else(|| zeros_like(aval))
        });
        filled.collect()
    }
}

/// Raises if values do not have the given types, naming the leaf: of an argument for tangents, of the result for cotangents.
#[track_caller]
fn check_types<'a>(
    operation: &'static str,
    what: &str,
    def: &TreeDef,
    avals: impl IntoIterator<Item = &'a Aval>,
    values: &[Array],
    at: Option<Source>,
) {
    for (i, (aval, value)) in avals.into_iter().zip(values).enumerate() {
        if !aval.same_type(value.aval()) {
            let path = &def.paths()[i];
            let place =
                if what == "tangents" { argument(path) } else { format!("result{}", tree::keystr(path)) };
            let message = format!(
                "{what} must have the types of the values: {place} is {aval}, its {what} {}",
                value.aval()
            );
            at.into_iter().fold(Error::operands(operation, message), Error::at).raise();
        }
    }
}
