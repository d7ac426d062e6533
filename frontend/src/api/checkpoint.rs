//! `checkpoint` (also `remat`): values computed again in the backward pass instead of saved; what a function saves.

use std::fmt;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

use super::function::{FlatFn, Function, Signature, Transformed};
use super::tree::{self, Leaves, Pytree, TreeDef, keystr};
use crate::error::{OrRaise, Result};
use crate::ir::{Array, Aval, Prim, Source};
use crate::lax::remat::{Name, Remat};
use crate::lax::{self, Policy};
use crate::trace::{bind_at_line, check_all_alive, current, current_source, stage};
use crate::transform::{self, consts_to_invars, producers};

/// The function whose intermediate values are computed again when it is differentiated in reverse mode, instead of being saved.
///
/// [`Checkpoint::policy`] says what is saved all the same.
///
/// ```
/// # use jacinth_frontend::{Array, checkpoint, checkpoint_policies, grad, numpy as jnp};
/// let f = checkpoint(|x: &Array| jnp::sin(jnp::sin(x))).policy(checkpoint_policies::dots_saveable());
/// assert_eq!(grad(f)(&Array::from(0.0)).item::<f32>(), 1.0);
/// ```
#[track_caller]
pub fn checkpoint<'f, S: Signature, F: Function<S> + 'f>(f: F) -> Checkpoint<'f, S> {
    Checkpoint::new(Options {
        inner: f.into_flat(),
        policy: None,
        prevent_cse: true,
        called_at: Location::caller(),
    })
}

/// [`checkpoint`] by its other name.
///
/// ```
/// # use jacinth_frontend::{Array, grad, remat};
/// assert_eq!(grad(remat(|x: &Array| x.sin().square()))(&Array::from(0.0)).item::<f32>(), 0.0);
/// ```
#[track_caller]
pub fn remat<'f, S: Signature, F: Function<S> + 'f>(f: F) -> Checkpoint<'f, S> {
    checkpoint(f)
}

/// A function whose intermediate values are computed again; see [`checkpoint`].
///
/// ```
/// # use jacinth_frontend::{Array, checkpoint, grad, jit};
/// let layer = checkpoint(|w: &Array, x: &Array| w.dot(x).tanh());
/// let loss = move |w: &Array, x: &Array| layer(w, &layer(w, x)).sum();
/// let w = Array::from([[1.0f32, 0.0], [0.0, 1.0]]);
/// assert_eq!(jit(grad(loss))(&w, &Array::from([0.0f32, 0.0])).shape(), [2, 2]);
/// ```
pub struct Checkpoint<'f, S: Signature> {
    options: Options<'f>,
    call: Transformed<'f, S>,
}

impl<'f, S: Signature> Checkpoint<'f, S> {
    fn new(options: Options<'f>) -> Self {
        let call = Transformed::new(Arc::new(options.clone()) as Arc<dyn FlatFn + 'f>);
        Checkpoint { options, call }
    }

    /// What is saved; one of [`policies`].
    ///
    /// ```
    /// # use jacinth_frontend::{Array, checkpoint, checkpoint_policies as policies, saved_residuals};
    /// let f = checkpoint(|x: &Array| x.sin().sin().sin()).policy(policies::everything_saveable());
    /// assert_eq!(saved_residuals(f, (Array::from(1.0),)).len(), 3);
    /// ```
    pub fn policy(self, policy: Policy) -> Self {
        Self::new(Options { policy: Some(policy), ..self.options })
    }

    /// Whether the compiler is kept from merging what is computed again with what was computed first (the default). Inside of `scan`
    /// the loop itself does that.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, checkpoint, jit, grad};
    /// let f = checkpoint(|x: &Array| x.sin().sin()).prevent_cse(false);
    /// let text = jit(grad(f)).lower((&Array::from(1.0),)).unwrap().as_text();
    /// assert!(!text.contains("optimization_barrier"));
    /// ```
    pub fn prevent_cse(self, prevent: bool) -> Self {
        Self::new(Options { prevent_cse: prevent, ..self.options })
    }

    /// Calls the function with its arguments as a tuple; what would panic comes back as an error.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, checkpoint, numpy as jnp};
    /// let f = checkpoint(|x: &Array, y: &Array| x + y);
    /// assert!(f.try_call((&jnp::ones([2]), &jnp::ones([3]))).is_err());
    /// ```
    ///
    /// # Errors
    /// Whatever is wrong with the arguments, the function, or the run.
    pub fn try_call(&self, args: S::Args<'_>) -> Result<S::Out> {
        self.call.try_call(args)
    }
}

impl<'f, S: Signature> Deref for Checkpoint<'f, S> {
    type Target = S::Dyn<'f, S::Out>;
    fn deref(&self) -> &Self::Target {
        &self.call
    }
}

impl<S: Signature> Function<S> for Checkpoint<'_, S> {
    fn into_flat<'f>(self) -> Arc<dyn FlatFn + 'f>
    where
        Self: 'f,
    {
        self.call.flat
    }
}

/// A reference to a handle is as good as the handle.
impl<S: Signature> Function<S> for &Checkpoint<'_, S> {
    fn into_flat<'f>(self) -> Arc<dyn FlatFn + 'f>
    where
        Self: 'f,
    {
        self.call.flat.clone()
    }
}

impl<S: Signature> Clone for Checkpoint<'_, S> {
    fn clone(&self) -> Self {
        Checkpoint { options: self.options.clone(), call: self.call.clone() }
    }
}

impl<S: Signature> fmt::Debug for Checkpoint<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checkpoint({}, policy={:?})", self.options.inner.name(), self.options.policy)
    }
}

#[derive(Clone)]
struct Options<'f> {
    inner: Arc<dyn FlatFn + 'f>,
    policy: Option<Policy>,
    prevent_cse: bool,
    called_at: Source,
}

impl FlatFn for Options<'_> {
    fn call(&self, leaves: Leaves, def: &TreeDef) -> Result<(Vec<Array>, TreeDef)> {
        if current().is_none() {
            return self.inner.call(leaves, def);
        }
        check_all_alive(&leaves);
        let source = current_source(self.called_at);
        let avals: Vec<Aval> = leaves.iter().map(|leaf| leaf.aval().clone()).collect();
        let mut out_def = None;
        let closed = stage(self.inner.name(), &avals, source, |args| {
            let (outs, def) = self.inner.call(args.into_iter().collect(), def).or_raise();
            out_def = Some(def);
            outs
        });
        let prim = Remat {
            jaxpr: consts_to_invars(&closed.jaxpr),
            differentiated: false,
            policy: self.policy.clone(),
            prevent_cse: self.prevent_cse,
        };
        let args: Vec<Array> = closed.consts.into_iter().chain(leaves).collect();
        let outs = bind_at_line(Prim::new(prim), &args, source);
        Ok((outs.into_vec(), out_def.expect("the function was traced")))
    }

    fn name(&self) -> &str {
        self.inner.name()
    }
}

/// The values under a name that policies speak of; otherwise the identity.
///
/// ```
/// # use jacinth_frontend::{Array, checkpoint, checkpoint_name, checkpoint_policies as policies, saved_residuals};
/// let f = checkpoint(|x: &Array| checkpoint_name(&x.sin(), "sine").sin().sin());
/// let saved = saved_residuals(f.policy(policies::save_only_these_names(["sine"])), (Array::from(1.0),));
/// assert!(saved.iter().any(|(_, said)| said.starts_with("named 'sine' from")), "{saved:?}");
/// ```
#[track_caller]
pub fn checkpoint_name<T: Pytree>(x: &T, name: &str) -> T {
    tree::map(x, |leaf| lax::checkpoint_name(leaf, name))
}

/// What [`checkpoint`] saves, by `jax.checkpoint_policies`' names.
pub mod policies {
    use std::sync::Arc;

    use crate::ir::{Aval, Prim};
    use crate::lax::{CustomPolicy, Policy};

    /// Everything that the backward pass needs, as without `checkpoint`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, checkpoint, checkpoint_policies as policies, saved_residuals};
    /// let saves = |policy| saved_residuals(checkpoint(|x: &Array| x.sin().sin()).policy(policy), (Array::from(1.0),));
    /// assert!(saves(policies::everything_saveable()).len() > saves(policies::nothing_saveable()).len());
    /// ```
    pub fn everything_saveable() -> Policy {
        Policy::EverythingSaveable
    }

    /// Arguments only, the default.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, checkpoint, checkpoint_policies as policies, saved_residuals};
    /// let f = checkpoint(|x: &Array| x.sin().sin()).policy(policies::nothing_saveable());
    /// assert_eq!(saved_residuals(f, (Array::from(1.0),))[0].1, "from the argument 0");
    /// ```
    pub fn nothing_saveable() -> Policy {
        Policy::NothingSaveable
    }

    /// Products of matrices and convolutions.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, checkpoint, checkpoint_policies as policies, numpy as jnp, saved_residuals};
    /// let f = checkpoint(|w: &Array, x: &Array| w.dot(x).sin().sin()).policy(policies::dots_saveable());
    /// let saved = saved_residuals(f, (jnp::eye(2), jnp::ones([2])));
    /// assert!(saved.iter().any(|(_, said)| said.starts_with("output of dot_general")), "{saved:?}");
    /// ```
    pub fn dots_saveable() -> Policy {
        Policy::DotsSaveable { only_if_no_batch_dims: false }
    }

    /// [`dots_saveable`].
    ///
    /// ```
    /// # use jacinth_frontend::checkpoint_policies as policies;
    /// assert_eq!(policies::checkpoint_dots(), policies::dots_saveable());
    /// ```
    pub fn checkpoint_dots() -> Policy {
        dots_saveable()
    }

    /// Products of matrices without batch dimensions: those with weights, but not those of attention.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, checkpoint, checkpoint_policies as policies, numpy as jnp, saved_residuals};
    /// let f = checkpoint(|x: &Array| x.matmul(x).sin().sin()).policy(policies::dots_with_no_batch_dims_saveable());
    /// let saved = saved_residuals(f, (jnp::ones([8, 2, 2]),)); // a batch of products
    /// assert!(!saved.iter().any(|(_, said)| said.contains("dot_general")), "{saved:?}");
    /// ```
    pub fn dots_with_no_batch_dims_saveable() -> Policy {
        Policy::DotsSaveable { only_if_no_batch_dims: true }
    }

    /// [`dots_with_no_batch_dims_saveable`].
    ///
    /// ```
    /// # use jacinth_frontend::checkpoint_policies as policies;
    /// assert_eq!(policies::checkpoint_dots_with_no_batch_dims(), policies::dots_with_no_batch_dims_saveable());
    /// ```
    pub fn checkpoint_dots_with_no_batch_dims() -> Policy {
        dots_with_no_batch_dims_saveable()
    }

    /// Values that [`checkpoint_name`](super::checkpoint_name) gave one of these names.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, checkpoint, checkpoint_name, checkpoint_policies as policies, saved_residuals};
    /// let f = checkpoint(|x: &Array| checkpoint_name(&checkpoint_name(&x.sin(), "a").sin(), "b").sin());
    /// let saved = saved_residuals(f.policy(policies::save_only_these_names(["b"])), (Array::from(1.0),));
    /// assert!(saved.iter().any(|(_, said)| said.contains("'b'")) && !saved.iter().any(|(_, said)| said.contains("'a'")));
    /// ```
    pub fn save_only_these_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Policy {
        Policy::SaveOnlyTheseNames(names.into_iter().map(str::to_owned).collect())
    }

    /// Values with any names but these.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, checkpoint, checkpoint_name, checkpoint_policies as policies, saved_residuals};
    /// let f = checkpoint(|x: &Array| checkpoint_name(&checkpoint_name(&x.sin(), "a").sin(), "b").sin());
    /// let saved = saved_residuals(f.policy(policies::save_any_names_but_these(["b"])), (Array::from(1.0),));
    /// assert!(saved.iter().any(|(_, said)| said.contains("'a'")) && !saved.iter().any(|(_, said)| said.contains("'b'")));
    /// ```
    pub fn save_any_names_but_these<'a>(names: impl IntoIterator<Item = &'a str>) -> Policy {
        Policy::SaveAnyNamesButThese(names.into_iter().map(str::to_owned).collect())
    }

    /// All values, with or without a name, but those with these names.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, checkpoint, checkpoint_name, checkpoint_policies as policies, saved_residuals};
    /// let f = checkpoint(|x: &Array| checkpoint_name(&x.sin(), "sine").sin().sin());
    /// let saved = saved_residuals(f.policy(policies::save_anything_except_these_names(["sine"])), (Array::from(1.0),));
    /// assert!(!saved.iter().any(|(_, said)| said.contains("'sine'")), "{saved:?}");
    /// ```
    pub fn save_anything_except_these_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Policy {
        Policy::SaveAnythingExceptTheseNames(names.into_iter().map(str::to_owned).collect())
    }

    /// What one policy or the other saves.
    ///
    /// ```
    /// # use jacinth_frontend::checkpoint_policies as policies;
    /// let named = policies::save_only_these_names(["attention"]);
    /// let both = policies::save_from_both_policies(policies::dots_saveable(), named.clone());
    /// assert_ne!(both, named);
    /// ```
    pub fn save_from_both_policies(policy_1: Policy, policy_2: Policy) -> Policy {
        Policy::SaveFromBothPolicies(Arc::new(policy_1), Arc::new(policy_2))
    }

    /// What the function says of an operation and its operands' types: whether its results may be saved.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, checkpoint, checkpoint_policies as policies, saved_residuals};
    /// let only_sines = policies::custom(|prim, _operands| prim.name() == "sin");
    /// let saved = saved_residuals(checkpoint(|x: &Array| x.sin().exp().sin()).policy(only_sines), (Array::from(1.0),));
    /// assert!(!saved.iter().any(|(_, said)| said.contains("output of exp")), "{saved:?}");
    /// ```
    pub fn custom(saveable: impl Fn(&Prim, &[&Aval]) -> bool + Send + Sync + 'static) -> Policy {
        Policy::Custom(CustomPolicy::new(saveable))
    }
}

/// The values that reverse mode of `f` saves for its backward pass, each with where it comes from.
///
/// JAX's is `jax.ad_checkpoint.saved_residuals`.
///
/// ```
/// # use jacinth_frontend::{Array, saved_residuals};
/// let saved = saved_residuals(|x: &Array| x.sin(), (Array::from(1.0),));
/// assert_eq!(saved[0].0.to_string(), "f32[]");
/// assert!(saved[0].1.starts_with("output of cos from"));
/// ```
///
/// # Panics
/// If `f` is wrong for its arguments.
#[track_caller]
pub fn saved_residuals<S: Signature, F: Function<S>>(f: F, args: S::Trees) -> Vec<(Aval, String)> {
    let (flat, at) = (f.into_flat(), Location::caller());
    let (leaves, def) = tree::flatten(&args);
    let avals: Vec<Aval> = leaves.iter().map(|leaf| leaf.aval().clone()).collect();
    let closed = stage(flat.name(), &avals, current_source(at), |args| {
        let wanted = vec![true; args.len()];
        let f = |args: Vec<Array>| flat.call(args.into_iter().collect(), &def).or_raise().0;
        transform::linearize(f, &args, &wanted, at).map.consts
    });
    let jaxpr = &closed.jaxpr;
    let producer = producers(jaxpr);
    let mut saved = vec![false; jaxpr.avals.len()];
    for mut var in jaxpr.outs.iter().filter_map(|out| out.as_var()) {
        // What is rounded to its own precision is meant before that.
        while let Some(eqn) = producer[var.index()].map(|i| &jaxpr.eqns[i])
            && eqn.prim.name() == "reduce_precision"
            && let Some(operand) = eqn.inputs[0].as_var()
        {
            var = operand;
        }
        saved[var.index()] = true;
    }
    let constants = jaxpr.constvars.iter().map(|v| (*v, "from a constant".to_owned()));
    let paths = def.paths();
    let arguments = jaxpr.invars.iter().zip(&paths).map(|(v, path)| {
        let argument = path[0].to_string();
        (*v, format!("from the argument {}{}", argument.trim_matches(['[', ']']), keystr(&path[1..])))
    });
    let results = jaxpr.eqns.iter().flat_map(|eqn| {
        let said = match eqn.prim.as_any().downcast_ref::<Name>() {
            Some(named) => format!("named '{}' from {}", named.name, eqn.source),
            None => format!("output of {} from {}", eqn.prim.name(), eqn.source),
        };
        eqn.outs.iter().map(move |v| (*v, said.clone()))
    });
    let all = constants.chain(arguments).chain(results);
    all.filter(|(v, _)| saved[v.index()]).map(|(v, said)| (jaxpr.aval(v).clone(), said)).collect()
}

/// Prints what [`saved_residuals`] gives, one value per line.
///
/// ```
/// # use jacinth_frontend::{Array, checkpoint, numpy as jnp, print_saved_residuals};
/// let f = checkpoint(|x: &Array| x.sin().sin());
/// print_saved_residuals(f, (jnp::ones([3]),)); // f32[3] from the argument 0
/// ```
///
/// # Panics
/// As [`saved_residuals`].
#[track_caller]
pub fn print_saved_residuals<S: Signature, F: Function<S>>(f: F, args: S::Trees) {
    for (aval, said) in saved_residuals(f, args) {
        println!("{aval} {said}");
    }
}

#[cfg(test)]
mod tests;
