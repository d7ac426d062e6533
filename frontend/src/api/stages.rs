//! The stages between a function and its run: `make_jaxpr`, `lower`, `compile`.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

use super::cache_miss::argument;
use super::call_site;
use super::dtypes::canonicalize_dtype;
use super::function::{FlatFn, Function, Signature, Target, build};
use super::jit::{Entry, Plan, Stage};
use super::numpy::{IntoShape, exact_shape};
use crate::error::{Error, OrRaise, Result, boundary};
use crate::ir::{Array, Aval, ClosedJaxpr, DType, Source};
use crate::runtime::{Backend, optimized_text};
use crate::trace::stage;
use crate::tree::{Flattener, Pytree, TreeDef};

/// The function that, called like `f`, returns the jaxpr of `f` instead of its result.
///
/// Calling it gives `Err` where `f` is wrong for its arguments.
///
/// ```
/// # use jacinth_frontend::{Array, grad, make_jaxpr};
/// let jaxpr = make_jaxpr(grad(|x: &Array| x.sin()))(&Array::from(1.0)).unwrap();
/// assert_eq!(jaxpr.to_string(), "{ lambda ; a:f32[]. let
///     _:f32[] = sin a
///     b:f32[] = cos a
///     c:f32[] = mul 1.0:f32[] b
///   in (c,) }");
/// ```
#[track_caller]
pub fn make_jaxpr<'f, S: Signature, F: Function<S> + 'f>(f: F) -> MakeJaxpr<'f, S> {
    let target = Tracing { flat: f.into_flat(), called_at: Location::caller() };
    MakeJaxpr { call: S::shim(Arc::new(target)) }
}

/// See [`make_jaxpr`].
///
/// ```
/// # use jacinth_frontend::{Array, ShapeDtypeStruct, DType, make_jaxpr};
/// let jaxpr_of = make_jaxpr(|x: &Array| x.sum_axis(0));
/// let jaxpr = jaxpr_of(&ShapeDtypeStruct([8, 3], DType::F32)).unwrap();
/// assert_eq!(jaxpr.out_avals().next().unwrap().to_string(), "f32[3]");
/// ```
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
        staged(&*self.flat, &leaves, self.called_at, &def, |_| {})
    }
}

/// An array's shape and dtype without its value: what `lower`, `trace`, [`eval_shape`] and [`make_jaxpr`] take for an argument, and what
/// [`eval_shape`] gives.
///
/// ```
/// # use jacinth_frontend::{Array, DType, ShapeDtypeStruct, jit};
/// let x = ShapeDtypeStruct((), DType::I32);
/// let lowered = jit(|x: &Array| 2 * x).lower((&x,)).unwrap();
/// assert!(lowered.as_text().contains("stablehlo.multiply"));
/// ```
///
/// # Panics
/// If a size is negative. Whatever needs the value says that there is none.
#[allow(non_snake_case, reason = "the name is JAX's")]
#[track_caller]
pub fn ShapeDtypeStruct(shape: impl IntoShape, dtype: DType) -> Array {
    let aval = Aval::new(exact_shape("ShapeDtypeStruct", shape), canonicalize_dtype(dtype));
    Array::without_value(aval, Location::caller())
}

/// The function that, called like `f`, gives shapes and dtypes of the result of `f`, in its tree, and computes nothing.
///
/// Calling it gives `Err` where `f` is wrong for its arguments.
///
/// ```
/// # use jacinth_frontend::{Array, eval_shape, numpy as jnp};
/// let out = eval_shape(|a: &Array, b: &Array| jnp::dot(a, b))(&jnp::ones((3, 4)), &jnp::ones((4, 5))).unwrap();
/// assert_eq!(out.shape(), [3, 5]);
/// ```
#[track_caller]
pub fn eval_shape<'f, S: Signature, F: Function<S> + 'f>(f: F) -> EvalShape<'f, S> {
    let target = Shapes { flat: f.into_flat(), called_at: Location::caller(), out: PhantomData };
    EvalShape { call: S::shim(Arc::new(target)) }
}

/// See [`eval_shape`].
///
/// ```
/// # use jacinth_frontend::{Array, eval_shape, jit, numpy as jnp};
/// let error = eval_shape(jit(|a: &Array, b: &Array| jnp::dot(a, b)))(&jnp::ones((3, 4)), &jnp::ones((5, 4)));
/// assert!(error.is_err());
/// ```
pub struct EvalShape<'f, S: Signature> {
    call: Box<S::Dyn<'f, Result<S::Out>>>,
}

impl<'f, S: Signature> Deref for EvalShape<'f, S> {
    type Target = S::Dyn<'f, Result<S::Out>>;
    fn deref(&self) -> &Self::Target {
        &self.call
    }
}

impl<S: Signature> fmt::Debug for EvalShape<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EvalShape")
    }
}

struct Shapes<'f, O> {
    flat: Arc<dyn FlatFn + 'f>,
    called_at: Source,
    out: PhantomData<fn() -> O>,
}

impl<O: Pytree> Target<Result<O>> for Shapes<'_, O> {
    fn run(&self, args: Flattener<'_>, _: Option<&Arc<Entry>>) -> Result<O> {
        let (leaves, def) = args.finish();
        let mut out_def = None;
        let jaxpr = staged(&*self.flat, &leaves, self.called_at, &def, |def| out_def = Some(def))?;
        let outs = jaxpr.out_avals().map(|aval| Array::without_value(aval.clone(), self.called_at));
        boundary(|| build(&out_def.expect("the function was traced"), outs))
    }
}

/// The jaxpr of `f` for arguments of these types; `out_def` gets the structure of its result.
fn staged(
    f: &dyn FlatFn,
    leaves: &[&Array],
    at: Source,
    def: &TreeDef,
    out_def: impl FnOnce(TreeDef),
) -> Result<ClosedJaxpr> {
    let avals: Vec<Aval> = leaves.iter().map(|a| a.aval().clone()).collect();
    let jaxpr = boundary(|| {
        stage(f.name(), &avals, at, |args| {
            let (outs, def) = f.call(args.into_iter().collect(), def).or_raise();
            out_def(def);
            outs
        })
    });
    jaxpr.map_err(|e| e.at(at))
}

/// A function traced for arguments of certain types.
///
/// The first of the stages between a function and its run; [`Traced::lower`] gives the second.
///
/// ```
/// # use jacinth_frontend::{Array, jit, numpy as jnp};
/// let traced = jit(|x: &Array, y: &Array| (x + y, x.sum())).trace((&jnp::ones([2]), &jnp::ones([2]))).unwrap();
/// assert_eq!((traced.in_tree().to_string(), traced.in_avals().len()), ("PyTreeDef((*, *))".to_owned(), 2));
/// assert_eq!((traced.out_tree().num_leaves(), traced.out_avals()[1].rank()), (2, 0));
/// assert_eq!(traced.jaxpr().jaxpr.eqns.len(), 2);
/// ```
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
    /// ```
    /// # use jacinth_frontend::{Array, jit};
    /// let traced = jit(|x: &Array| x.exp()).trace((&Array::from([1.0f32]),)).unwrap();
    /// assert!(traced.lower().unwrap().as_text().contains("stablehlo.exponential"));
    /// ```
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
///
/// The second of the stages between a function and its run; [`Lowered::compile`] gives the third.
///
/// ```
/// # use jacinth_frontend::{Array, jit, numpy as jnp};
/// let lowered = jit(|x: &Array| x.t()).lower((&jnp::ones([2, 3]),)).unwrap();
/// assert_eq!((lowered.in_avals()[0].to_string(), lowered.in_tree().num_leaves()), ("f32[2,3]".to_owned(), 1));
/// assert_eq!(lowered.jaxpr().jaxpr.eqns[0].prim.name(), "transpose");
/// assert_eq!(lowered.out_tree().num_leaves(), 1);
/// ```
pub struct Lowered<S: Signature> {
    stage: Stage,
    signature: PhantomData<fn() -> S>,
}

impl<S: Signature> Lowered<S> {
    /// The StableHLO module's text.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jit};
    /// let text = jit(|x: &Array| x + 1.0).lower((&Array::from([1.0f32]),)).unwrap().as_text();
    /// assert!(text.contains("func.func public @main(%arg0: tensor<1xf32>"));
    /// ```
    pub fn as_text(&self) -> String {
        self.stage.module.to_string()
    }

    /// The same with the user's source lines as `loc(…)`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jit};
    /// let lowered = jit(|x: &Array| x.exp()).lower((&Array::from([1.0f32]),)).unwrap();
    /// assert!(lowered.as_text_with_locations().contains(&format!("loc(\"{}\"", file!())));
    /// ```
    pub fn as_text_with_locations(&self) -> String {
        self.stage.module.to_text_with_locations()
    }

    /// The StableHLO module.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jit};
    /// let lowered = jit(|x: &Array| x.exp()).name("growth").lower((&Array::from([1.0f32]),)).unwrap();
    /// assert_eq!(lowered.module().name.as_deref(), Some("jit_growth"));
    /// ```
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
    /// ```
    /// # use jacinth_frontend::{Array, jit};
    /// let lowered = jit(|x: &Array| x + 1.0).lower((&Array::from([1.0f32]),)).unwrap();
    /// let compiled = lowered.compile().unwrap();
    /// assert_eq!(compiled(&Array::from([2.0f32])).to_vec::<f32>(), [3.0]);
    /// ```
    ///
    /// # Errors
    /// The plugin's refusal.
    pub fn compile(&self) -> Result<Compiled<S>> {
        let entry = Arc::new(self.stage.compile(&Backend::current()?)?);
        let running =
            Arc::new(Running { entry: entry.clone(), name: self.stage.name.clone(), out: PhantomData });
        Ok(Compiled { entry, name: self.stage.name.clone(), call: S::shim(running) })
    }
}

impl<S: Signature> fmt::Debug for Lowered<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lowered").field(&self.stage.name).finish()
    }
}

/// A function compiled for arguments of certain types: called like the function, or by [`Compiled::call`].
///
/// It takes arguments of the types that it was compiled for and no others, and compiles nothing any more. How they are passed is what the
/// closure says, which must name their types: `|w: Array, x: &Array|` is called with an array and a reference to one. A field or a
/// variable that holds it has the signature in its type: `Compiled<fn(Val<Array>, Ref<Array>) -> Array>`.
///
/// ```
/// # use jacinth_frontend::{Array, Compiled, api::function::{Ref, Val}, jit, numpy as jnp};
/// let step = jit(|w: Array, x: &Array| w - 0.1 * x);
/// let step: Compiled<fn(Val<Array>, Ref<Array>) -> Array> =
///     step.lower((jnp::zeros([2]), &jnp::zeros([2]))).unwrap().compile().unwrap();
/// let x = jnp::ones([2]);
/// let w = step(step(jnp::zeros([2]), &x), &x); // called like the function
/// assert_eq!(w.to_vec::<f32>(), [-0.2, -0.2]);
/// assert!(step.call((w, &jnp::ones([3]))).is_err()); // compiled for f32[2]
/// ```
pub struct Compiled<S: Signature> {
    entry: Arc<Entry>,
    name: Arc<str>,
    call: Box<S::Dyn<'static, S::Out>>,
}

impl<S: Signature> Compiled<S> {
    /// Runs the program on arguments of the types that it was compiled for.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jit};
    /// let compiled = jit(|x: &Array| x * 2.0).lower((&Array::from([1.0f32]),)).unwrap().compile().unwrap();
    /// let error = compiled.call((&Array::from([1]),)).unwrap_err();
    /// assert!(error.to_string().contains("argument 0: expected f32[1], found i32[1]"), "{error}");
    /// ```
    ///
    /// # Errors
    /// If structure or types of the arguments are others, or the run fails.
    #[track_caller]
    pub fn call(&self, args: S::Args<'_>) -> Result<S::Out> {
        let at = Location::caller();
        let running = Running { entry: self.entry.clone(), name: self.name.clone(), out: PhantomData };
        boundary(|| S::apply(&running, args)).map_err(|e| e.at(at))
    }

    /// The program after the compiler's optimisations: HLO in XLA's notation from XLA's plugins, StableHLO from the embedded one, which
    /// says of each operation in which fused region it is and lists its schedule as comments.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, Backend, jit, numpy as jnp, with_backend};
    /// # with_backend(&Backend::new("embedded").unwrap(), || {
    /// let lowered = jit(|x: &Array| jnp::sin(x) + jnp::sin(x) * (2.0 * 3.0)).lower((&jnp::ones(4),)).unwrap();
    /// let text = lowered.compile().unwrap().as_text().unwrap();
    /// assert_eq!(lowered.as_text().matches("stablehlo.sine").count(), 2);
    /// assert_eq!(text.matches("stablehlo.sine").count(), 1);
    /// assert!(text.contains("fusion = \"0\""));
    /// # });
    /// ```
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jit};
    /// let compiled = jit(|x: &Array| x.exp()).lower((&Array::from([1.0f32]),)).unwrap().compile().unwrap();
    /// assert!(compiled.as_text().unwrap().contains("exp"));
    /// ```
    ///
    /// # Errors
    /// Where the plugin does not tell, or tells in a form that is not known here.
    pub fn as_text(&self) -> Result<String> {
        optimized_text(&self.entry.program.executable().executable().optimized_program()?)
    }

    /// The compiler's estimates by name (`flops`, `bytes accessed`, …).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jit, numpy as jnp};
    /// let x = jnp::ones([8, 8]);
    /// let cost = jit(|x: &Array| x.dot(x)).lower((&x,)).unwrap().compile().unwrap().cost_analysis().unwrap();
    /// assert!(cost["flops"] >= 2.0 * 8.0 * 8.0 * 7.0, "{cost:?}");
    /// ```
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
    /// ```
    /// # use jacinth_frontend::{Array, jit, numpy as jnp};
    /// let compiled = jit(|x: &Array| x + 1.0).lower((&jnp::ones([1000]),)).unwrap().compile().unwrap();
    /// assert_eq!(compiled.memory_analysis().unwrap().outputs, 4000);
    /// ```
    ///
    /// # Errors
    /// Where the plugin does not tell.
    pub fn memory_analysis(&self) -> Result<jacinth_pjrt::CompiledMemoryStats> {
        Ok(self.entry.program.executable().executable().memory_stats()?)
    }
}

impl<S: Signature> Deref for Compiled<S> {
    type Target = S::Dyn<'static, S::Out>;
    #[track_caller]
    fn deref(&self) -> &Self::Target {
        call_site::note(&self.entry);
        &self.call
    }
}

impl<S: Signature> fmt::Debug for Compiled<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Compiled").field(&self.name).finish()
    }
}

struct Running<O> {
    entry: Arc<Entry>,
    name: Arc<str>,
    out: PhantomData<fn() -> O>,
}

impl<O: Pytree> Target<O> for Running<O> {
    fn run(&self, args: Flattener<'_>, _: Option<&Arc<Entry>>) -> O {
        let called_at = call_site::take(&self.entry);
        let (leaves, def) = args.finish();
        let outs = self.checked(&leaves, &def).and_then(|()| self.entry.run(&leaves));
        let outs = outs.map_err(|e| called_at.into_iter().fold(e, Error::at)).or_raise();
        build(&self.entry.traced.out_def, outs)
    }
}

impl<O> Running<O> {
    /// Refuses arguments of another structure or other types than the program's.
    fn checked(&self, leaves: &[&Array], def: &TreeDef) -> Result<()> {
        let traced = &self.entry.traced;
        let structures = traced.def.differences(def);
        let structures = structures
            .iter()
            .map(|d| format!("{}: expected {}, found {}", argument(&d.path), d.before, d.after));
        let mut problems: Vec<String> = structures.collect();
        if problems.is_empty() {
            let types = def.paths().into_iter().zip(&traced.avals).zip(leaves);
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
        Ok(())
    }
}
