//! Functions that bring their own derivative: `custom_jvp`, `custom_vjp`, `custom_gradient`.
//!
//! A rule is a closure over the arguments as a tuple, as JAX's rules take them. It may use any operation, branch on values that are
//! concrete when it is run, and call the function itself: rules are run when the function is differentiated, so higher orders differentiate the
//! rule. What is not to be differentiated is captured by the closures or passed as [`Static`](crate::tree::Static). A traced value
//! that should have a derivative must be an argument.

use std::fmt;
use std::panic::Location;
use std::sync::{Arc, OnceLock};

use super::call_site;
use super::function::{FlatFn, Function, Signature, Transformed, Val, build, function_name};
use super::tree::{self, Leaves, Pytree, TreeDef, keystr};
use crate::error::{Error, OrRaise, Result};
use crate::ir::{Array, Aval, Prim, Source};
use crate::lax::custom::{BwdRule, Callee, CustomJvpCall, CustomVjpCall, Forward, Fun, FwdRule, JvpRule};
use crate::lax::{add, zeros_like};
use crate::trace::{bind_at_line, check_all_alive, current, current_source, eval_jaxpr, stage};
use crate::transform::has_tangent;

/// A function whose derivative in forward mode, and with it in reverse mode, is given by a rule.
///
/// ```
/// # use jacinth_frontend::{Array, custom_jvp, grad, numpy as jnp};
/// let log1pexp = custom_jvp(|x: &Array| jnp::log(1.0 + jnp::exp(x)))
///     .defjvp(|(x,), (t,)| (jnp::log(1.0 + jnp::exp(&x)), (1.0 - 1.0 / (1.0 + jnp::exp(&x))) * t));
/// assert_eq!(grad(&log1pexp)(&Array::from(100.0)).item::<f32>(), 1.0);
/// ```
pub fn custom_jvp<S: Signature, F: Function<S> + 'static>(f: F) -> CustomJvp<S> {
    CustomJvp { fun: f.into_flat(), signature: std::marker::PhantomData }
}

/// A function that waits for its rule; see [`custom_jvp`].
///
/// ```
/// # use jacinth_frontend::{Array, custom_jvp, grad};
/// let halved = custom_jvp(|x: &Array| x * 1.0); // not a function yet
/// let halved = halved.defjvp(|(x,), (t,)| (x, t * 0.5));
/// assert_eq!(grad(halved)(&Array::from(3.0)).item::<f32>(), 0.5);
/// ```
#[must_use = "a function with a custom derivative is complete once it has its rule"]
pub struct CustomJvp<S> {
    fun: Arc<dyn FlatFn>,
    signature: std::marker::PhantomData<fn() -> S>,
}

/// A tangent or a cotangent for a rule that asked for symbolic zeros, or from one.
///
/// ```
/// # use jacinth_frontend::{Array, DType, api::custom::Tangent, ir::Aval};
/// let zero = Tangent::SymbolicZero(Aval::new([2], DType::F32));
/// assert!(zero.is_symbolic_zero() && zero.value().is_none());
/// assert_eq!(zero.instantiate().to_vec::<f32>(), [0.0, 0.0]);
/// assert_eq!(Tangent::from(Array::from([1.0f32, 2.0])).aval(), zero.aval());
/// ```
#[derive(Clone, Debug)]
pub enum Tangent {
    /// Known to be zero without looking at its elements; of that type.
    SymbolicZero(Aval),
    /// Any other.
    Value(Array),
}

impl Tangent {
    fn of(tangent: &Option<Array>, aval: &Aval) -> Tangent {
        tangent.clone().map_or_else(|| Tangent::SymbolicZero(aval.strong()), Tangent::Value)
    }

    /// Whether it is known to be zero.
    pub fn is_symbolic_zero(&self) -> bool {
        matches!(self, Tangent::SymbolicZero(_))
    }

    /// The array, unless it is known to be zero.
    pub fn value(&self) -> Option<&Array> {
        match self {
            Tangent::SymbolicZero(_) => None,
            Tangent::Value(value) => Some(value),
        }
    }

    /// The array, of zeros where it is known to be zero.
    #[track_caller]
    pub fn instantiate(&self) -> Array {
        match self {
            Tangent::SymbolicZero(aval) => zeros_like(aval),
            Tangent::Value(value) => value.clone(),
        }
    }

    /// Its type.
    pub fn aval(&self) -> &Aval {
        match self {
            Tangent::SymbolicZero(aval) => aval,
            Tangent::Value(value) => value.aval(),
        }
    }
}

impl From<Array> for Tangent {
    fn from(value: Array) -> Tangent {
        Tangent::Value(value)
    }
}

/// An argument's leaf as the forward rule of a `custom_vjp` function sees it that asked for symbolic zeros.
///
/// ```
/// # use jacinth_frontend::{Array, custom_vjp, grad};
/// let f = custom_vjp(|x: &Array| x * x).defvjp_symbolic_zeros(
///     |args| (args[0].value.square(), args[0].perturbed.then(|| args[0].value.clone())), // kept only if needed
///     |x, cts| vec![cts[0].value().map(|ct| ct * x.unwrap() * 2.0)],
/// );
/// assert_eq!(grad(f)(&Array::from(3.0)).item::<f32>(), 6.0);
/// ```
#[derive(Clone, Debug)]
#[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "the name is JAX's")]
pub struct CustomVJPPrimal {
    /// The leaf.
    pub value: Array,
    /// Whether there is a derivative with respect to it.
    pub perturbed: bool,
}

/// A tangent of the result from one argument's tangent, the result, and all arguments.
///
/// ```
/// # use jacinth_frontend::{Array, api::custom::ArgumentJvp, custom_jvp, grad};
/// let by_x: ArgumentJvp = |t, _out, args| t * &args[1];
/// let f = custom_jvp(|x: &Array, y: &Array| x * y).defjvps([Some(by_x), None]); // as if `y` were constant
/// assert_eq!(grad(f)(&Array::from(2.0), &Array::from(5.0)).item::<f32>(), 5.0);
/// ```
pub type ArgumentJvp = fn(&Array, &Array, &[Array]) -> Array;

impl<S> fmt::Debug for CustomJvp<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CustomJvp").field(&self.fun.name()).finish()
    }
}

impl<S: Signature> CustomJvp<S> {
    /// The function with its rule: results and their tangents, from the arguments and their tangents, both as tuples.
    ///
    /// Tangents of integer arguments are zeros of their type. The rule is linear in the tangents.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, custom_jvp, jvp, numpy as jnp};
    /// // x·log(x), whose derivative of its own at 0 would be NaN.
    /// let f = custom_jvp(|x: &Array| jnp::where_(x.gt(0.0), x * x.log(), 0.0))
    ///     .defjvp(|(x,), (t,)| (jnp::where_(x.gt(0.0), &x * x.log(), 0.0), t * (x.maximum(1e-9).log() + 1.0)));
    /// let (y, slope) = jvp(f, (Array::from(0.0f32),), (Array::from(1.0f32),));
    /// assert!(y.item::<f32>() == 0.0 && slope.item::<f32>() < -19.0);
    /// ```
    ///
    /// # Panics
    /// The function, where it is differentiated, if the rule's tangents do not have the structure and types of its results.
    #[track_caller]
    pub fn defjvp<J>(self, rule: J) -> Transformed<'static, S>
    where
        J: Fn(S::Trees, S::Trees) -> (S::Out, S::Out) + Send + Sync + 'static,
    {
        let (jvp_name, made_at) = (function_name::<J>().into(), Location::caller());
        let name: Arc<str> = self.fun.name().into();
        let flat_rule: FlatJvp = Arc::new(move |def, primals, tangents| {
            let filled: Vec<Array> = primals
                .iter()
                .zip(tangents)
                .map(|(p, t)| t.clone().unwrap_or_else(|| zeros_like(p.aval())))
                .collect();
            let (out, tangent) = rule(build(def, primals.iter().cloned()), build(def, filled));
            let ((outs, out_def), (tangents, found)) = (tree::flatten(&out), tree::flatten(&tangent));
            out_def.expect(&found).or_raise();
            check_tangents(&name, &out_def, outs.iter().map(Array::aval), tangents.iter().map(Array::aval));
            let tangents = tangents.into_iter().map(|t| has_tangent(t.aval()).then_some(t)).collect();
            (outs, tangents, out_def)
        });
        Transformed::new(Arc::new(WithJvp {
            fun: self.fun,
            jvp_name,
            rule: flat_rule,
            symbolic_zeros: false,
            made_at,
        }))
    }

    /// [`CustomJvp::defjvp`] with a rule that is told which tangents are zero, and may say so of its own: JAX's `symbolic_zeros=True`.
    ///
    /// Tangents are given for the leaves of the arguments, in their order, and taken for those of the result. A leaf that the function is not
    /// differentiated with respect to has a [`Tangent::SymbolicZero`], as have integers.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, api::custom::Tangent, custom_jvp, grad};
    /// let f = custom_jvp(|x: &Array, y: &Array| x * y).defjvp_symbolic_zeros(|(x, y), t| {
    ///     assert!(t[1].is_symbolic_zero());
    ///     (&x * &y, vec![Tangent::from(y * t[0].instantiate())])
    /// });
    /// let slope = grad(|x: &Array| f(x, &Array::from(3.0)));
    /// assert_eq!(slope(&Array::from(2.0)).item::<f32>(), 3.0);
    /// ```
    ///
    /// # Panics
    /// As [`CustomJvp::defjvp`].
    #[track_caller]
    pub fn defjvp_symbolic_zeros<J>(self, rule: J) -> Transformed<'static, S>
    where
        J: Fn(S::Trees, &[Tangent]) -> (S::Out, Vec<Tangent>) + Send + Sync + 'static,
    {
        let (jvp_name, made_at) = (function_name::<J>().into(), Location::caller());
        let name: Arc<str> = self.fun.name().into();
        let flat_rule: FlatJvp = Arc::new(move |def, primals, tangents| {
            let given: Vec<Tangent> =
                primals.iter().zip(tangents).map(|(p, t)| Tangent::of(t, p.aval())).collect();
            let (out, tangents) = rule(build(def, primals.iter().cloned()), &given);
            let (outs, out_def) = tree::flatten(&out);
            if outs.len() != tangents.len() {
                let (n, m) = (outs.len(), tangents.len());
                Error::argument(format!(
                    "custom_jvp: the rule of `{name}` must give as many tangents as the result has leaves, {n}, got {m}"
                ))
                .raise();
            }
            check_tangents(&name, &out_def, outs.iter().map(Array::aval), tangents.iter().map(Tangent::aval));
            let tangents = tangents
                .iter()
                .zip(&outs)
                .map(|(t, out)| if has_tangent(out.aval()) { t.value().cloned() } else { None });
            let tangents = tangents.collect();
            (outs, tangents, out_def)
        });
        Transformed::new(Arc::new(WithJvp {
            fun: self.fun,
            jvp_name,
            rule: flat_rule,
            symbolic_zeros: true,
            made_at,
        }))
    }
}

impl<S: Signature<Out = Array>> CustomJvp<S> {
    /// The function with one rule per leaf of its arguments, whose tangents add up; `None` where a leaf does not count.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, custom_jvp, grad};
    /// let f = custom_jvp(|x: &Array| x.exp()).defjvps([Some(|t, out, _| t * out)]); // exp' is exp
    /// assert_eq!(grad(f)(&Array::from(0.0)).item::<f32>(), 1.0);
    /// ```
    ///
    /// # Panics
    /// The function, where it is differentiated, if there are not as many rules as leaves.
    #[track_caller]
    pub fn defjvps<const N: usize>(self, rules: [Option<ArgumentJvp>; N]) -> Transformed<'static, S> {
        Transformed::new(Arc::new(sum_of_terms(self.fun, rules, Location::caller())))
    }
}

/// The function whose tangent is the sum of what each leaf's rule gives.
fn sum_of_terms<const N: usize>(
    fun: Arc<dyn FlatFn>,
    rules: [Option<ArgumentJvp>; N],
    made_at: Source,
) -> WithJvp {
    let inner = fun.clone();
    let rule: FlatJvp = Arc::new(move |def, primals, tangents| {
        let name = inner.name();
        if primals.len() != N {
            Error::argument(format!("defjvps of `{name}`: {N} rules for {} arguments", primals.len()))
                .raise();
        }
        // The function with its rule again, for higher orders.
        let primal = sum_of_terms(inner.clone(), rules, made_at);
        let (mut outs, out_def) = primal.call(primals.iter().cloned().collect(), def).or_raise();
        let out = outs.swap_remove(0);
        let terms = rules.iter().zip(tangents).filter_map(|(rule, t)| Some((rule.as_ref()?, t.as_ref()?)));
        let terms = terms.map(|(rule, t)| rule(t, &out, primals));
        let tangent = terms.reduce(|sum, term| add(&sum, &term));
        check_tangents(name, &out_def, [out.aval()], tangent.iter().map(Array::aval));
        (vec![out], vec![tangent], out_def)
    });
    WithJvp { fun, jvp_name: "jvp".into(), rule, symbolic_zeros: false, made_at }
}

type FlatJvp = Arc<
    dyn Fn(&TreeDef, &[Array], &[Option<Array>]) -> (Vec<Array>, Vec<Option<Array>>, TreeDef) + Send + Sync,
>;

/// A function with its jvp.
struct WithJvp {
    fun: Arc<dyn FlatFn>,
    jvp_name: Arc<str>,
    rule: FlatJvp,
    symbolic_zeros: bool,
    made_at: Source,
}

impl FlatFn for WithJvp {
    fn call(&self, leaves: Leaves, def: &TreeDef) -> Result<(Vec<Array>, TreeDef)> {
        if current().is_none() {
            return self.fun.call(leaves, def);
        }
        check_all_alive(&leaves);
        // The structure of the result: whichever of function and rule runs says it.
        let out_def = Arc::new(OnceLock::new());
        let callee = callee(self.fun.clone(), def.clone(), out_def.clone());
        let (rule, def, found) = (self.rule.clone(), def.clone(), out_def.clone());
        let rule: JvpRule = Arc::new(move |primals, tangents| {
            let (outs, tangents, def) = rule(&def, primals, tangents);
            expect_structure(&found, def);
            (outs, tangents)
        });
        let prim = CustomJvpCall {
            name: self.fun.name().into(),
            callee,
            jvp_name: self.jvp_name.clone(),
            rule,
            symbolic_zeros: self.symbolic_zeros,
        };
        let outs = bind_at_line(Prim::new(prim), &leaves, call_site::line(self.made_at));
        Ok((outs.into_vec(), out_def.get().expect("the function or its rule was run").clone()))
    }

    fn name(&self) -> &str {
        self.fun.name()
    }
}

/// The function over leaves, which records the structure of its result.
fn callee(fun: Arc<dyn FlatFn>, def: TreeDef, out_def: Arc<OnceLock<TreeDef>>) -> Callee {
    let fun: Fun = Arc::new(move |args| {
        let (outs, found) = fun.call(args.iter().cloned().collect(), &def).or_raise();
        expect_structure(&out_def, found);
        outs
    });
    Callee::Closure(fun)
}

/// Records the structure of a result, or checks that it is the one recorded.
fn expect_structure(recorded: &OnceLock<TreeDef>, found: TreeDef) {
    recorded.get_or_init(|| found.clone()).expect(&found).or_raise();
}

/// A function whose derivative in reverse mode is given by two rules.
///
/// ```
/// # use jacinth_frontend::{Array, custom_vjp, grad, numpy as jnp};
/// let clip_gradient = |low: f64, high: f64| {
///     custom_vjp(|x: &Array| x.clone()).defvjp(|(x,)| (x, ()), move |(), ct| (jnp::clip(ct, low, high),))
/// };
/// let f = |x: &Array| jnp::sin(clip_gradient(-0.75, 0.75)(x));
/// assert_eq!(grad(f)(&Array::from(0.0)).item::<f32>(), 0.75);
/// ```
pub fn custom_vjp<S: Signature, F: Function<S> + 'static>(f: F) -> CustomVjp<S> {
    CustomVjp { fun: f.into_flat(), signature: std::marker::PhantomData }
}

/// A function that waits for its rules; see [`custom_vjp`].
///
/// ```
/// # use jacinth_frontend::{Array, custom_vjp, grad};
/// let reversed = custom_vjp(|x: &Array| x * 1.0); // not a function yet
/// let reversed = reversed.defvjp(|(x,)| (x, ()), |(), ct| (-ct,));
/// assert_eq!(grad(reversed)(&Array::from(3.0)).item::<f32>(), -1.0);
/// ```
#[must_use = "a function with a custom derivative is complete once it has its rules"]
pub struct CustomVjp<S> {
    fun: Arc<dyn FlatFn>,
    signature: std::marker::PhantomData<fn() -> S>,
}

impl<S> fmt::Debug for CustomVjp<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CustomVjp").field(&self.fun.name()).finish()
    }
}

impl<S: Signature> CustomVjp<S> {
    /// The function with its rules: `fwd` takes the arguments as a tuple and gives the result and what `bwd` needs; `bwd` takes that and the
    /// result's cotangent and gives the cotangents of the arguments, as a tuple (what it gives for integer leaves is ignored).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, custom_vjp, grad};
    /// let norm = custom_vjp(|x: &Array| x.square().sum().sqrt()).defvjp(
    ///     |(x,)| (x.square().sum().sqrt(), x), // the result, and what `bwd` needs
    ///     |x, ct| (ct * &x / x.square().sum().sqrt().maximum(1e-12),), // not NaN at 0
    /// );
    /// assert_eq!(grad(&norm)(&Array::from([0.0f32, 0.0])).to_vec::<f32>(), [0.0, 0.0]);
    /// ```
    ///
    /// # Panics
    /// The function, where it is differentiated in forward mode, or if the rules give other structures or types than the function has.
    #[track_caller]
    pub fn defvjp<R, Fwd, Bwd>(self, fwd: Fwd, bwd: Bwd) -> Transformed<'static, S>
    where
        R: Pytree,
        Fwd: Fn(S::Trees) -> (S::Out, R) + Send + Sync + 'static,
        Bwd: Fn(R, S::Out) -> S::Trees + Send + Sync + 'static,
    {
        let made_at = Location::caller();
        let names = [function_name::<Fwd>().into(), function_name::<Bwd>().into()];
        let name: Arc<str> = self.fun.name().into();
        let bwd = Arc::new(bwd);
        let fwd: FlatFwd = Arc::new(move |def, args, _| {
            let (out, residuals) = fwd(build(def, args.iter().cloned()));
            let ((outs, out_def), (residuals, residual_def)) =
                (tree::flatten(&out), tree::flatten(&residuals));
            let (bwd, cts_def, args_def) = (bwd.clone(), out_def.clone(), def.clone());
            let pull: Pull = Arc::new(move |residuals, cts| {
                let cts = cts.iter().map(Tangent::instantiate);
                let cts = bwd(build(&residual_def, residuals.iter().cloned()), build(&cts_def, cts));
                let (grads, found) = tree::flatten(&cts);
                args_def.expect(&found).or_raise();
                grads.into_iter().map(Some).collect()
            });
            let forward = backward(&name, def, args, outs, residuals, pull);
            (forward, out_def)
        });
        Transformed::new(Arc::new(WithVjp { fun: self.fun, names, fwd, symbolic_zeros: false, made_at }))
    }

    /// [`CustomVjp::defvjp`] with rules that are told of zeros: JAX's `symbolic_zeros=True`.
    ///
    /// `fwd` sees each leaf of the arguments with whether there is a derivative with respect to it; `bwd` takes the cotangents of the
    /// result's leaves, [`Tangent::SymbolicZero`] where the result does not count, and gives those of the arguments' leaves, `None` for zero.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, custom_vjp, grad};
    /// let f = custom_vjp(|x: &Array, y: &Array| x * y).defvjp_symbolic_zeros(
    ///     |args| {
    ///         assert!(args[0].perturbed && !args[1].perturbed);
    ///         (&args[0].value * &args[1].value, args[1].value.clone())
    ///     },
    ///     |y, cts| vec![cts[0].value().map(|ct| ct * y), None],
    /// );
    /// let slope = grad(|x: &Array| f(x, &Array::from(3.0)));
    /// assert_eq!(slope(&Array::from(2.0)).item::<f32>(), 3.0);
    /// ```
    ///
    /// # Panics
    /// As [`CustomVjp::defvjp`].
    #[track_caller]
    pub fn defvjp_symbolic_zeros<R, Fwd, Bwd>(self, fwd: Fwd, bwd: Bwd) -> Transformed<'static, S>
    where
        R: Pytree,
        Fwd: Fn(&[CustomVJPPrimal]) -> (S::Out, R) + Send + Sync + 'static,
        Bwd: Fn(R, &[Tangent]) -> Vec<Option<Array>> + Send + Sync + 'static,
    {
        let made_at = Location::caller();
        let names = [function_name::<Fwd>().into(), function_name::<Bwd>().into()];
        let name: Arc<str> = self.fun.name().into();
        let bwd = Arc::new(bwd);
        let fwd: FlatFwd = Arc::new(move |def, args, perturbed| {
            let leaf =
                |(value, &perturbed): (&Array, &bool)| CustomVJPPrimal { value: value.clone(), perturbed };
            let leaves: Vec<CustomVJPPrimal> = args.iter().zip(perturbed).map(leaf).collect();
            let (out, residuals) = fwd(&leaves);
            let ((outs, out_def), (residuals, residual_def)) =
                (tree::flatten(&out), tree::flatten(&residuals));
            let (bwd, name_, count) = (bwd.clone(), name.clone(), args.len());
            let pull: Pull = Arc::new(move |residuals, cts| {
                let grads = bwd(build(&residual_def, residuals.iter().cloned()), cts);
                if grads.len() != count {
                    let found = grads.len();
                    Error::argument(format!(
                        "custom_vjp: the bwd rule of `{name_}` must give a cotangent for each of the {count} leaves of the arguments, got {found}"
                    ))
                    .raise();
                }
                grads
            });
            let forward = backward(&name, def, args, outs, residuals, pull);
            (forward, out_def)
        });
        Transformed::new(Arc::new(WithVjp { fun: self.fun, names, fwd, symbolic_zeros: true, made_at }))
    }
}

type FlatFwd = Arc<dyn Fn(&TreeDef, &[Array], &[bool]) -> (Forward, TreeDef) + Send + Sync>;
type Pull = Arc<dyn Fn(&[Array], &[Tangent]) -> Vec<Option<Array>> + Send + Sync>;

/// A forward pass whose backward pass is checked: it must give cotangents of the arguments' types.
fn backward(
    name: &Arc<str>,
    def: &TreeDef,
    args: &[Array],
    outs: Vec<Array>,
    residuals: Vec<Array>,
    pull: Pull,
) -> Forward {
    let (name, def) = (name.clone(), def.clone());
    let in_avals: Vec<Aval> = args.iter().map(|a| a.aval().clone()).collect();
    let out_avals: Vec<Aval> = outs.iter().map(|a| a.aval().strong()).collect();
    let backward: BwdRule = Arc::new(move |residuals, cts| {
        let cts: Vec<Tangent> = cts.iter().zip(&out_avals).map(|(ct, aval)| Tangent::of(ct, aval)).collect();
        let grads = pull(residuals, &cts);
        for (i, (grad, aval)) in grads.iter().zip(&in_avals).enumerate() {
            let wrong = grad.as_ref().filter(|grad| has_tangent(aval) && !grad.aval().same_type(aval));
            if let Some(grad) = wrong {
                Error::argument(format!(
                    "custom_vjp: the bwd rule of `{name}` must give cotangents of the arguments' types, but for argument{} of type {aval} \
                     it gave {}",
                    keystr(&def.paths()[i]),
                    grad.aval()
                ))
                .raise();
            }
        }
        grads.into_iter().zip(&in_avals).map(|(grad, aval)| grad.filter(|_| has_tangent(aval))).collect()
    });
    Forward { outs, residuals, backward }
}

/// A function with its vjp.
struct WithVjp {
    fun: Arc<dyn FlatFn>,
    names: [Arc<str>; 2],
    fwd: FlatFwd,
    symbolic_zeros: bool,
    made_at: Source,
}

impl FlatFn for WithVjp {
    fn call(&self, leaves: Leaves, def: &TreeDef) -> Result<(Vec<Array>, TreeDef)> {
        if current().is_none() {
            return self.fun.call(leaves, def);
        }
        check_all_alive(&leaves);
        let out_def = Arc::new(OnceLock::new());
        let callee = callee(self.fun.clone(), def.clone(), out_def.clone());
        let (fwd, def, found) = (self.fwd.clone(), def.clone(), out_def.clone());
        let fwd: FwdRule = Arc::new(move |args, perturbed| {
            let (forward, def) = fwd(&def, args, perturbed);
            expect_structure(&found, def);
            forward
        });
        let [fwd_name, bwd_name] = self.names.clone();
        let symbolic_zeros = self.symbolic_zeros;
        let prim =
            CustomVjpCall { name: self.fun.name().into(), callee, fwd_name, bwd_name, fwd, symbolic_zeros };
        let outs = bind_at_line(Prim::new(prim), &leaves, call_site::line(self.made_at));
        Ok((outs.into_vec(), out_def.get().expect("the function or its rule was run").clone()))
    }

    fn name(&self) -> &str {
        self.fun.name()
    }
}

/// A function that gives, beside its result, the function from the result's cotangent to the arguments' cotangents.
///
/// ```
/// # use jacinth_frontend::{Array, custom_gradient, grad};
/// let f = custom_gradient(|x: Array| (&x * &x, move |ct: Array| (ct * x,)));
/// assert_eq!((f(Array::from(3.0)).item::<f32>(), grad(&f)(Array::from(3.0)).item::<f32>()), (9.0, 3.0));
/// ```
#[track_caller]
pub fn custom_gradient<S: Signature, F: WithPullback<S> + 'static>(f: F) -> Transformed<'static, S> {
    let f = Arc::new(f);
    let name: Arc<str> = function_name::<F>().into();
    let (primal, at) = (f.clone(), Location::caller());
    let fun = Arc::new(Flat {
        name: name.clone(),
        call: Box::new(move |args, def| tree::flatten(&primal.run(build(def, args)).0)),
    });
    let fwd: FlatFwd = Arc::new(move |def, args, _| {
        let (out, pullback) = f.run(build(def, args.iter().cloned()));
        let (outs, out_def) = tree::flatten(&out);
        let avals: Vec<Aval> = outs.iter().map(|out| out.aval().strong()).collect();
        let mut grad_def = None;
        // Traced at once: what the function captured are the residuals.
        let closed = stage(&name, &avals, current_source(at), |cts| {
            let (grads, found) = tree::flatten(&pullback(build(&out_def, cts)));
            grad_def = Some(found);
            grads
        });
        def.expect(&grad_def.expect("traced")).or_raise();
        let jaxpr = closed.jaxpr.clone();
        let pull: Pull = Arc::new(move |residuals, cts| {
            let cts: Vec<Array> = cts.iter().map(Tangent::instantiate).collect();
            eval_jaxpr(&jaxpr, residuals, &cts).into_iter().map(Some).collect()
        });
        (backward(&name, def, args, outs, closed.consts, pull), out_def)
    });
    Transformed::new(Arc::new(WithVjp {
        fun,
        names: ["fwd".into(), "bwd".into()],
        fwd,
        symbolic_zeros: false,
        made_at: at,
    }))
}

/// Functions that give their result and a function from its cotangent to the arguments' cotangents.
#[doc(hidden)]
pub trait WithPullback<S: Signature>: Send + Sync {
    /// Calls the function.
    fn run(&self, args: S::Trees) -> (S::Out, Box<dyn FnOnce(S::Out) -> S::Trees>);
}

macro_rules! with_pullback {
    ($($T:ident $x:ident),+) => {
        impl<F, G, O: Pytree, $($T: Pytree),+> WithPullback<fn($(Val<$T>),+) -> O> for F
        where
            F: Fn($($T),+) -> (O, G) + Send + Sync,
            G: FnOnce(O) -> ($($T,)+) + 'static,
        {
            fn run(&self, ($($x,)+): ($($T,)+)) -> (O, Box<dyn FnOnce(O) -> ($($T,)+)>) {
                let (out, pullback) = self($($x),+);
                (out, Box::new(pullback))
            }
        }
    };
}

with_pullback!(A a);
with_pullback!(A a, B b);
with_pullback!(A a, B b, C c);
with_pullback!(A a, B b, C c, D d);

type FlatCall = Box<dyn Fn(Leaves, &TreeDef) -> (Vec<Array>, TreeDef) + Send + Sync>;

/// A function over leaves, from a closure.
struct Flat {
    name: Arc<str>,
    call: FlatCall,
}

impl FlatFn for Flat {
    fn call(&self, leaves: Leaves, def: &TreeDef) -> Result<(Vec<Array>, TreeDef)> {
        Ok((self.call)(leaves, def))
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// Raises unless every tangent has the type of its result.
fn check_tangents<'a>(
    name: &str,
    def: &TreeDef,
    outs: impl IntoIterator<Item = &'a Aval>,
    tangents: impl IntoIterator<Item = &'a Aval>,
) {
    for (i, (out, tangent)) in outs.into_iter().zip(tangents).enumerate() {
        if !out.same_type(tangent) {
            Error::argument(format!(
                "custom_jvp: the rule of `{name}` must give tangents of the results' types, but result{} is {out} and its tangent {tangent}",
                keystr(&def.paths()[i])
            ))
            .raise();
        }
    }
}

#[cfg(test)]
mod tests;
