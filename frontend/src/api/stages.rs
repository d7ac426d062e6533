//! The stages between a function and its run: `make_jaxpr`, `lower`, `compile`.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

use super::cache_miss::argument;
use super::function::{FlatFn, Function, Signature, Target, build};
use super::jit::{Entry, Plan, Stage};
use crate::error::{Error, OrRaise, Result, boundary};
use crate::ir::{Array, Aval, ClosedJaxpr, Source};
use crate::runtime::Backend;
use crate::trace::stage;
use crate::tree::{Flattener, TreeDef};

/// The function that, called like `f`, returns the jaxpr of `f` instead of its result.
///
/// Calling it gives `Err` where `f` is wrong for its arguments.
#[track_caller]
pub fn make_jaxpr<'f, S: Signature, F: Function<S> + 'f>(f: F) -> MakeJaxpr<'f, S> {
    let target = Tracing { flat: f.into_flat(), called_at: Location::caller() };
    MakeJaxpr { call: S::shim(Arc::new(target)) }
}

/// See [`make_jaxpr`].
pub struct MakeJaxpr<'f, S: Signature> {
    call: Box<S::Dyn<'f, Result<ClosedJaxpr>>>,
}

impl<'f, S: Signature> Deref for MakeJaxpr<'f, S> {
    type Target = S::Dyn<'f, Result<ClosedJaxpr>>;
    fn deref(&self) -> &Self::Target {
        &self.call
    }
}

impl<S: Signature> fmt::Debug for MakeJaxpr<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MakeJaxpr")
    }
}

struct Tracing<'f> {
    flat: Arc<dyn FlatFn + 'f>,
    called_at: Source,
}

impl Target<Result<ClosedJaxpr>> for Tracing<'_> {
    fn run(&self, args: Flattener<'_>, _: Option<&Arc<Entry>>) -> Result<ClosedJaxpr> {
        let (leaves, def) = args.finish();
        let avals: Vec<Aval> = leaves.iter().map(|a| a.aval().clone()).collect();
        let jaxpr = boundary(|| {
            stage(self.flat.name(), &avals, self.called_at, |args| {
                self.flat.call(args.into_iter().collect(), &def).or_raise().0
            })
        });
        jaxpr.map_err(|e| e.at(self.called_at))
    }
}

/// A function traced for arguments of certain types.
pub struct Traced<S: Signature> {
    plan: Plan,
    signature: PhantomData<fn() -> S>,
}

impl<S: Signature> Traced<S> {
    pub(crate) fn new(plan: Plan) -> Self {
        Traced { plan, signature: PhantomData }
    }

    /// What the function does.
    pub fn jaxpr(&self) -> &ClosedJaxpr {
        &self.plan.traced.closed
    }

    /// The structure of the tuple of arguments.
    pub fn in_tree(&self) -> &TreeDef {
        &self.plan.traced.def
    }

    /// The types of the arguments' leaves.
    pub fn in_avals(&self) -> &[Aval] {
        &self.plan.traced.avals
    }

    /// The structure of the result.
    pub fn out_tree(&self) -> &TreeDef {
        &self.plan.traced.out_def
    }

    /// The types of the result's leaves.
    pub fn out_avals(&self) -> Vec<Aval> {
        self.plan.traced.closed.out_avals().cloned().collect()
    }

    /// Writes the module.
    ///
    /// # Errors
    /// If a primitive cannot be lowered.
    pub fn lower(&self) -> Result<Lowered<S>> {
        Ok(Lowered { stage: self.plan.lower()?, signature: PhantomData })
    }
}

impl<S: Signature> fmt::Debug for Traced<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Traced").field(&self.plan.name).finish()
    }
}

/// A function traced and lowered for arguments of certain types.
pub struct Lowered<S: Signature> {
    stage: Stage,
    signature: PhantomData<fn() -> S>,
}

impl<S: Signature> Lowered<S> {
    /// The StableHLO module's text.
    pub fn as_text(&self) -> String {
        self.stage.module.to_string()
    }

    /// The same with the user's source lines as `loc(…)`.
    pub fn as_text_with_locations(&self) -> String {
        self.stage.module.to_text_with_locations()
    }

    /// The StableHLO module.
    pub fn module(&self) -> &jacinth_lowering::Module {
        &self.stage.module
    }

    /// The jaxpr that was lowered.
    pub fn jaxpr(&self) -> &ClosedJaxpr {
        &self.stage.traced.closed
    }

    /// The structure of the tuple of arguments.
    pub fn in_tree(&self) -> &TreeDef {
        &self.stage.traced.def
    }

    /// The types of the arguments' leaves.
    pub fn in_avals(&self) -> &[Aval] {
        &self.stage.traced.avals
    }

    /// The structure of the result.
    pub fn out_tree(&self) -> &TreeDef {
        &self.stage.traced.out_def
    }

    /// Compiles for the current backend.
    ///
    /// # Errors
    /// The plugin's refusal.
    pub fn compile(&self) -> Result<Compiled<S>> {
        let entry = self.stage.compile(&Backend::current()?)?;
        Ok(Compiled { entry, name: self.stage.name.clone(), signature: PhantomData })
    }
}

impl<S: Signature> fmt::Debug for Lowered<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lowered").field(&self.stage.name).finish()
    }
}

/// A function compiled for arguments of certain types.
pub struct Compiled<S: Signature> {
    entry: Entry,
    name: Arc<str>,
    signature: PhantomData<fn() -> S>,
}

impl<S: Signature> Compiled<S> {
    /// Runs the program on arguments of the types that it was compiled for.
    ///
    /// # Errors
    /// If structure or types of the arguments are others, or the run fails.
    #[track_caller]
    pub fn call(&self, args: S::Args<'_>) -> Result<S::Out> {
        let at = Location::caller();
        let outs = boundary(|| S::apply(&Running { entry: &self.entry, name: &self.name }, args));
        let outs = outs.flatten().map_err(|e| e.at(at))?;
        boundary(|| build(&self.entry.traced.out_def, outs))
    }

    /// The program after the compiler's optimisations, in the form in which the plugin gives it.
    ///
    /// # Errors
    /// Where the plugin does not tell.
    pub fn as_text(&self) -> Result<String> {
        let program = self.entry.program.executable().executable().optimized_program()?;
        Ok(String::from_utf8_lossy(program.code()).into_owned())
    }

    /// The compiler's estimates by name (`flops`, `bytes accessed`, …).
    ///
    /// # Errors
    /// Where the plugin does not tell.
    pub fn cost_analysis(&self) -> Result<BTreeMap<String, f64>> {
        let values = self.entry.program.executable().executable().cost_analysis()?;
        let number = |value: &jacinth_pjrt::Value| match value {
            jacinth_pjrt::Value::Float(v) => Some(f64::from(*v)),
            other => other.as_i64().map(|v| v as f64),
        };
        Ok(values.iter().filter_map(|(name, value)| Some((name.to_string(), number(value)?))).collect())
    }

    /// How much memory a run takes.
    ///
    /// # Errors
    /// Where the plugin does not tell.
    pub fn memory_analysis(&self) -> Result<jacinth_pjrt::CompiledMemoryStats> {
        Ok(self.entry.program.executable().executable().memory_stats()?)
    }
}

impl<S: Signature> fmt::Debug for Compiled<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Compiled").field(&self.name).finish()
    }
}

struct Running<'a> {
    entry: &'a Entry,
    name: &'a str,
}

impl Target<Result<Vec<Array>>> for Running<'_> {
    fn run(&self, args: Flattener<'_>, _: Option<&Arc<Entry>>) -> Result<Vec<Array>> {
        let (leaves, def) = args.finish();
        let traced = &self.entry.traced;
        let structures = traced.def.differences(&def);
        let structures = structures
            .iter()
            .map(|d| format!("{}: expected {}, found {}", argument(&d.path), d.before, d.after));
        let mut problems: Vec<String> = structures.collect();
        if problems.is_empty() {
            let types = def.paths().into_iter().zip(&traced.avals).zip(&leaves);
            problems.extend(types.filter(|((_, expected), found)| !expected.same_type(found.aval())).map(
                |((path, expected), found)| {
                    format!("{}: expected {expected}, found {}", argument(&path), found.aval())
                },
            ));
        }
        if !problems.is_empty() {
            let problems = problems.join("; ");
            return Err(Error::argument(format!(
                "`{}` was compiled for other arguments than it was called with: {problems}",
                self.name
            )));
        }
        crate::trace::check_all_alive(leaves.iter().copied());
        Ok(self.entry.run(&leaves)?.into_vec())
    }
}
