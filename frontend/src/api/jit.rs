//! `jit`: a function traced once per kind of arguments, compiled, and from then on only run.
//!
//! Owns the caches of one handle. The hit path takes no lock for writing and allocates nothing of its own: the arguments' structure is
//! compared with the last entry's while they are flattened, their avals by pointer, and their buffers are lent to the executable.
//! Invariants: an argument taken by value is donated only if nobody else holds its buffer; arrays that the function captured are
//! hidden parameters of the program, never constants in it; traces that captured tracers are not kept.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::Location;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use jacinth_pjrt::Buffer;
use parking_lot::{Mutex, RwLock};
use smallvec::SmallVec;

use super::cache_miss::{JitStats, Seen, allow, explain};
use super::call_site;
use super::function::{FlatFn, Function, Signature, Target};
use super::stages::{Lowered, Traced};
use super::warn::warn_at;
use crate::config::{cache_key, cache_misses_explained, compiles_logged, jit_disabled, values_debugged};
use crate::error::{Error, OrRaise, Result, boundary};
use crate::ir::{Array, Aval, BackendId, ClosedJaxpr, DeviceArray, Jaxpr, Prim, Source};
use crate::lax::Jit as JitPrimitive;
use crate::lower::Signature as MainSignature;
use crate::runtime::{
    Backend, Outputs, Program, clear_compiled as clear_programs, current_platform, on_backend,
};
use crate::trace::{
    NamedAxes, bind_at_line, check_all_alive_at, clear_compiled as clear_operations, current, eval_jaxpr,
    invalid, named_axes, stage,
};
use crate::transform::{consts_to_invars, dce_closed};
use crate::tree::{self, Flattener, Leaves, Pytree, TreeDef, keystr};

/// Compiles a function: it is traced once per structure, shapes and dtypes of its arguments, compiled by the backend's plugin, and run.
///
/// Arguments taken by value are donated: their buffers may be reused for the results, unless somebody else holds a clone. Inside of
/// another traced function the call becomes one equation. What JAX calls `static_argnums` is an argument of type
/// [`Static`](crate::tree::Static): its value decides what is traced.
///
/// ```
/// # use jacinth_frontend::{Array, jit};
/// let f = jit(|x: &Array, shift: Array| x * 2.0 + shift); // `shift` is given away, `x` kept
/// let x = Array::from([1.0f32, 2.0]);
/// assert_eq!(f(&x, Array::from([10.0f32, 20.0])).to_vec::<f32>(), [12.0, 24.0]);
/// f(&x, Array::from([0.0f32, 0.0]));
/// assert_eq!((f.stats().calls, f.stats().compiles), (2, 1)); // compiled once
/// ```
///
/// # Panics
/// Calling the handle panics where the function is wrong for its arguments or the plugin fails; [`Jit::try_call`] returns the error.
/// The message names the line of the operation that is wrong, or of the call where that is meant as a whole.
#[track_caller]
pub fn jit<'f, S: Signature, F: Function<S> + 'f>(f: F) -> Jit<'f, S> {
    let flat = f.into_flat();
    let options = Options { keep_unused: false, inline: false, donate: Donate::ByValue, name: None };
    Jit::from_core(JitCore::new(flat, S::BY_VALUE, options, Location::caller()))
}

/// A jitted function; see [`jit`].
///
/// Called like the function that it was made of; a clone, or a reference given to another transformation, shares its caches.
///
/// ```
/// # use jacinth_frontend::{Array, grad, jit};
/// let square = jit(|x: &Array| x * x);
/// let slope = jit(grad(&square));
/// assert_eq!((square(&Array::from(3.0)).item::<f32>(), slope(&Array::from(3.0)).item::<f32>()), (9.0, 6.0));
/// ```
pub struct Jit<'f, S: Signature> {
    core: Arc<JitCore<'f>>,
    call: Box<S::Dyn<'f, S::Out>>,
}

impl<'f, S: Signature> Jit<'f, S> {
    fn from_core(core: JitCore<'f>) -> Self {
        Jit::from_shared(Arc::new(core))
    }

    fn from_shared(core: Arc<JitCore<'f>>) -> Self {
        let call = S::shim(Arc::new(Compiling { core: core.clone(), out: PhantomData }));
        Jit { core, call }
    }

    fn with(self, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = self.core.options.clone();
        change(&mut options);
        Jit::from_core(JitCore::new(self.core.flat.clone(), S::BY_VALUE, options, self.core.made_at))
    }

    /// The name under which the function stands in jaxprs, modules and errors, instead of its own.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jit, make_jaxpr};
    /// let step = jit(|x: &Array| x + 1.0).name("train_step");
    /// assert!(make_jaxpr(&step)(&Array::from(0.0)).unwrap().to_string().contains("name=train_step"));
    /// ```
    pub fn name(self, name: &str) -> Self {
        self.with(|options| options.name = Some(name.into()))
    }

    /// Whether parameters that the function does not use stay parameters of the program.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jit};
    /// let inputs = |keep| {
    ///     let f = jit(|x: &Array, _unused: &Array| x + 1.0).keep_unused(keep);
    ///     f.lower((&Array::from([1.0f32]), &Array::from([2.0f32]))).unwrap().as_text().matches("%arg").count()
    /// };
    /// assert!(inputs(true) > inputs(false));
    /// ```
    pub fn keep_unused(self, keep: bool) -> Self {
        self.with(|options| options.keep_unused = keep)
    }

    /// Whether a call inside of a traced function is replaced by the function's equations.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jit, make_jaxpr};
    /// let double = jit(|x: &Array| x * 2.0).inline(true);
    /// let text = make_jaxpr(move |x: &Array| double(x) + 1.0)(&Array::from(1.0)).unwrap().to_string();
    /// assert!(text.contains("mul") && !text.contains("jit"));
    /// ```
    pub fn inline(self, inline: bool) -> Self {
        self.with(|options| options.inline = inline)
    }

    /// Whether arguments taken by value are donated (the default).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jit};
    /// let f = jit(|x: Array| x + 1.0).donate(false);
    /// let text = f.lower((Array::from([1.0f32]),)).unwrap().as_text();
    /// assert!(!text.contains("tf.aliasing_output"));
    /// ```
    pub fn donate(self, donate: bool) -> Self {
        self.with(|options| options.donate = if donate { Donate::ByValue } else { Donate::None })
    }

    /// Donates these arguments, counted from 0, and no others.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jit};
    /// let f = jit(|x: Array, y: Array| x + y).donate_argnums([1]);
    /// let text = f.lower((Array::from([1.0f32]), Array::from([2.0f32]))).unwrap().as_text();
    /// assert!(text.contains("%arg1: tensor<1xf32> {tf.aliasing_output = 0"), "{text}");
    /// ```
    ///
    /// # Panics
    /// If there is no such argument, or it is taken by reference: what the caller keeps cannot be given away.
    #[track_caller]
    pub fn donate_argnums(self, argnums: impl IntoIterator<Item = usize>) -> Self {
        let argnums: Arc<[usize]> = argnums.into_iter().collect();
        for &i in &*argnums {
            let problem = match S::BY_VALUE.get(i) {
                Some(true) => continue,
                Some(false) => "is taken by reference, so its caller keeps it; take it by value".to_owned(),
                None => format!("does not exist: there are {}", S::BY_VALUE.len()),
            };
            let message = format!("donate_argnums of `{}`: argument {i} {problem}", self.core.name);
            Error::argument(message).at(Location::caller()).raise();
        }
        self.with(|options| options.donate = Donate::Only(argnums))
    }

    /// Calls the function with its arguments as a tuple; what would panic comes back as an error.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jit};
    /// let f = jit(|x: &Array, y: &Array| x + y);
    /// let error = f.try_call((&Array::from([1.0f32, 2.0]), &Array::from([1.0f32, 2.0, 3.0]))).unwrap_err();
    /// assert!(error.to_string().contains("add"), "{error}");
    /// ```
    ///
    /// # Errors
    /// Whatever is wrong with the arguments, the function, or the run.
    #[track_caller]
    pub fn try_call(&self, args: S::Args<'_>) -> Result<S::Out> {
        let at = Location::caller();
        call_site::note(&self.core);
        let result = boundary(|| S::apply(&Compiling { core: self.core.clone(), out: PhantomData }, args));
        result.map_err(|e| e.at(at))
    }

    /// Traces the function for these arguments.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jit};
    /// let traced = jit(|x: &Array| x.exp()).trace((&Array::from([1.0f32, 2.0]),)).unwrap();
    /// assert_eq!(traced.jaxpr().to_string(), "{ lambda ; a:f32[2]. let b:f32[2] = exp a in (b,) }");
    /// ```
    ///
    /// # Errors
    /// Whatever is wrong with the arguments or the function.
    #[track_caller]
    pub fn trace(&self, args: S::Args<'_>) -> Result<Traced<S>> {
        let at = Location::caller();
        let plan = boundary(|| S::apply(&Tracing { core: &self.core }, args));
        plan.map(Traced::new).map_err(|e| e.at(at))
    }

    /// Traces and lowers the function for these arguments without compiling it.
    ///
    /// [`ShapeDtypeStruct`](crate::ShapeDtypeStruct) can stand for an argument.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jit};
    /// let lowered = jit(|x: &Array| x * 2.0).lower((&Array::from([1.0f32, 2.0]),)).unwrap();
    /// assert!(lowered.as_text().contains("stablehlo.multiply"));
    /// ```
    ///
    /// # Errors
    /// Whatever is wrong with the arguments or the function.
    #[track_caller]
    pub fn lower(&self, args: S::Args<'_>) -> Result<Lowered<S>> {
        let at = Location::caller();
        self.trace(args)?.lower().map_err(|e| e.at(at))
    }

    /// What the caches did: how often calls found what they needed, and why they did not.
    ///
    /// ```
    /// # use jacinth_frontend::{jit, numpy as jnp, Array};
    /// let f = jit(|x: &Array| x.sum());
    /// f(&jnp::ones([3]));
    /// f(&jnp::ones([4]));
    /// assert!(f.stats().misses[1].contains("argument 0: dimension 0 changed from 3 to 4"));
    /// ```
    pub fn stats(&self) -> JitStats {
        let core = &self.core;
        let (hits, misses) = (core.hits.load(Ordering::Relaxed), core.misses.lock().clone());
        JitStats {
            calls: hits + misses.len() as u64,
            hits,
            misses,
            traces: core.traces.load(Ordering::Relaxed),
            compiles: core.compiles.load(Ordering::Relaxed),
        }
    }

    /// Forgets all that was traced and compiled for this function.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jit};
    /// let f = jit(|x: &Array| x + 1.0);
    /// f(&Array::from([1.0f32]));
    /// f.clear_cache();
    /// f(&Array::from([1.0f32]));
    /// assert_eq!(f.stats().compiles, 2);
    /// ```
    pub fn clear_cache(&self) {
        self.core.traced.write().clear();
        self.core.entries.write().clear();
        *self.core.last.write() = None;
    }
}

impl<'f, S: Signature> Deref for Jit<'f, S> {
    type Target = S::Dyn<'f, S::Out>;
    #[track_caller]
    fn deref(&self) -> &Self::Target {
        call_site::note(&self.core);
        &self.call
    }
}

impl<S: Signature> Function<S> for Jit<'_, S> {
    fn into_flat<'f>(self) -> Arc<dyn FlatFn + 'f>
    where
        Self: 'f,
    {
        self.core
    }
}

/// A reference to a handle is as good as the handle: `vmap(&f)`.
impl<S: Signature> Function<S> for &Jit<'_, S> {
    fn into_flat<'f>(self) -> Arc<dyn FlatFn + 'f>
    where
        Self: 'f,
    {
        self.core.clone()
    }
}

/// Clones share their caches.
impl<S: Signature> Clone for Jit<'_, S> {
    fn clone(&self) -> Self {
        Jit::from_shared(self.core.clone())
    }
}

impl<S: Signature> fmt::Debug for Jit<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Jit").field(&self.core.name).finish()
    }
}

#[derive(Clone)]
struct Options {
    keep_unused: bool,
    inline: bool,
    donate: Donate,
    name: Option<Arc<str>>,
}

/// Which arguments are donated.
#[derive(Clone)]
enum Donate {
    ByValue,
    None,
    Only(Arc<[usize]>),
}

/// Forgets everything that was traced and compiled in this process: every jitted function's caches (each frees them at its next call) and
/// the programs of single operations.
///
/// ```no_run
/// # use jacinth_frontend::{Array, clear_caches, jit};
/// let f = jit(|x: &Array| x + 1.0);
/// f(&Array::from([1.0f32]));
/// clear_caches();
/// f(&Array::from([1.0f32])); // compiled again
/// assert_eq!(f.stats().compiles, 2);
/// ```
pub fn clear_caches() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    clear_operations();
    clear_programs();
}

/// How often all caches were cleared: what is kept from before does not count.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// A jitted function's caches.
pub(crate) struct JitCore<'f> {
    flat: Arc<dyn FlatFn + 'f>,
    name: Arc<str>,
    by_value: &'static [bool],
    options: Options,
    made_at: Source,
    traced: RwLock<Vec<Arc<TracedFn>>>,
    entries: RwLock<Vec<Arc<Entry>>>,
    last: RwLock<Option<Arc<Entry>>>,
    hits: AtomicU64,
    traces: AtomicU64,
    compiles: AtomicU64,
    misses: Mutex<Vec<String>>,
}

/// A function traced for one kind of arguments.
pub(crate) struct TracedFn {
    pub(crate) def: TreeDef,
    pub(crate) avals: Box<[Aval]>,
    /// The state of the switches, which decide what is traced.
    switches: u32,
    /// The named axes that were mapped, whose sizes the function may have asked for.
    axes: NamedAxes,
    generation: u32,
    pub(crate) closed: ClosedJaxpr,
    /// The jaxpr with its constants as leading parameters, made when a traced function calls.
    call: OnceLock<Arc<Jaxpr>>,
    pub(crate) out_def: TreeDef,
}

impl TracedFn {
    /// Whether arguments of this structure have the types that were traced, under the same switches.
    #[inline]
    fn fits(&self, leaves: &[&Array]) -> bool {
        self.avals.iter().zip(leaves).all(|(aval, leaf)| *aval == *leaf.aval())
            && self.switches == cache_key()
            && self.is_current()
    }

    fn call(&self) -> &Arc<Jaxpr> {
        self.call.get_or_init(|| consts_to_invars(&self.closed.jaxpr))
    }

    fn is_current(&self) -> bool {
        self.generation == GENERATION.load(Ordering::Relaxed)
    }

    fn seen(&self) -> Seen<'_> {
        Seen { def: &self.def, avals: &self.avals, switches: self.switches }
    }
}

/// A function compiled for one kind of arguments and one backend.
#[doc(hidden)]
pub struct Entry {
    pub(crate) traced: Arc<TracedFn>,
    backend: BackendId,
    pub(crate) program: Program,
    /// Constants that the program takes.
    consts: Vec<Arc<DeviceArray>>,
    /// Arguments that the program takes after them, by leaf; and whether it was told that it may reuse their buffers.
    kept: Box<[(u32, bool)]>,
    donates: bool,
}

/// A traced function with what lowering it needs to know.
pub(crate) struct Plan {
    pub(crate) name: Arc<str>,
    pub(crate) traced: Arc<TracedFn>,
    /// For each leaf whether its buffer may be reused.
    donated: Vec<bool>,
    keep_unused: bool,
}

/// A module with what is needed to run it.
pub(crate) struct Stage {
    pub(crate) name: Arc<str>,
    pub(crate) traced: Arc<TracedFn>,
    pub(crate) module: jacinth_lowering::Module,
    consts: Vec<Array>,
    kept: Box<[(u32, bool)]>,
}

impl<'f> JitCore<'f> {
    fn new(flat: Arc<dyn FlatFn + 'f>, by_value: &'static [bool], options: Options, made_at: Source) -> Self {
        let name = options.name.clone().unwrap_or_else(|| flat.name().into());
        JitCore {
            flat,
            name,
            by_value,
            options,
            made_at,
            traced: RwLock::default(),
            entries: RwLock::default(),
            last: RwLock::default(),
            hits: AtomicU64::new(0),
            traces: AtomicU64::new(0),
            compiles: AtomicU64::new(0),
            misses: Mutex::default(),
        }
    }

    /// Calls the function: compiled and run, or traced into the current trace, or operation by operation where jit is disabled.
    fn invoke(&self, leaves: &[&Array], def: &TreeDef, called_at: Source) -> Result<(Leaves, TreeDef)> {
        if jit_disabled() {
            let (outs, def) = self.flat.call(leaves.iter().map(|&a| a.clone()).collect(), def)?;
            return Ok((outs.into(), def));
        }
        check_all_alive_at(leaves.iter().copied(), called_at)?;
        if current().is_some() {
            return self.bind(leaves, def, called_at);
        }
        let entry = self.find(leaves, def, called_at)?;
        Ok((self.run(&entry, leaves, called_at)?, entry.traced.out_def.clone()))
    }

    /// Runs the program; where NaNs or infinities are looked for and there is one, again operation by operation, of which one says that it made it.
    fn run(&self, entry: &Entry, leaves: &[&Array], called_at: Source) -> Result<Leaves> {
        let outs = entry.run(leaves)?;
        if values_debugged()
            && let Some(found) = outs.iter().find_map(invalid)
        {
            let args: Vec<Array> = leaves.iter().map(|&leaf| leaf.clone()).collect();
            let closed = &entry.traced.closed;
            boundary(|| eval_jaxpr(&closed.jaxpr, &closed.consts, &args))?;
            let message = format!(
                "invalid value ({found}) encountered in the result of `{}`, but not when its operations run one by one",
                self.name
            );
            return Err(Error::runtime(message).at(called_at));
        }
        Ok(moved(outs))
    }

    /// One equation in the current trace.
    fn bind(&self, leaves: &[&Array], def: &TreeDef, called_at: Source) -> Result<(Leaves, TreeDef)> {
        let traced = match self.find_traced(leaves, def) {
            Some(traced) => {
                self.hit();
                traced
            }
            None => {
                let traced = self.traced.read();
                let seen: Vec<Seen<'_>> = traced.iter().map(|t| t.seen()).collect();
                let reason = explain(&self.name, &seen, leaves, def, || {
                    "what it captures is traced, or was forgotten".into()
                });
                drop(seen);
                drop(traced);
                self.miss(reason, called_at)?;
                self.trace(leaves, def)
            }
        };
        let args: Vec<Array> = traced.closed.consts.iter().chain(leaves.iter().copied()).cloned().collect();
        let outs: Leaves = if self.options.inline {
            eval_jaxpr(traced.call(), &[], &args).into_iter().collect()
        } else {
            let prim = JitPrimitive {
                name: self.name.clone(),
                jaxpr: traced.call().clone(),
                inline: false,
                keep_unused: self.options.keep_unused,
            };
            bind_at_line(Prim::new(prim), &args, called_at).into_iter().collect()
        };
        Ok((outs, traced.out_def.clone()))
    }

    fn find_traced(&self, leaves: &[&Array], def: &TreeDef) -> Option<Arc<TracedFn>> {
        let axes = named_axes();
        let fits = |t: &&Arc<TracedFn>| t.def == *def && t.axes == axes && t.fits(leaves);
        self.traced.read().iter().rev().find(fits).cloned()
    }

    /// The function traced for arguments like these.
    fn trace(&self, leaves: &[&Array], def: &TreeDef) -> Arc<TracedFn> {
        if let Some(found) = self.find_traced(leaves, def) {
            return found;
        }
        self.traces.fetch_add(1, Ordering::Relaxed);
        let avals: Box<[Aval]> = leaves.iter().map(|a| a.aval().clone()).collect();
        let (switches, generation) = (cache_key(), GENERATION.load(Ordering::Relaxed));
        let mut out_def = None;
        let closed = stage(&self.name, &avals, self.made_at, |args| {
            let (outs, def) = self.flat.call(args.into_iter().collect(), def).or_raise();
            out_def = Some(def);
            outs
        });
        let out_def = out_def.expect("the function was traced");
        let traced = Arc::new(TracedFn {
            def: def.clone(),
            avals,
            switches,
            axes: named_axes(),
            generation,
            closed,
            call: OnceLock::new(),
            out_def,
        });
        if !traced.closed.consts.iter().any(Array::is_tracer) {
            let mut all = self.traced.write();
            all.retain(|t| t.is_current());
            all.push(traced.clone());
        }
        traced
    }

    /// The entry for arguments like these, compiled if there is none.
    fn find(&self, leaves: &[&Array], def: &TreeDef, called_at: Source) -> Result<Arc<Entry>> {
        let backend = Backend::current()?;
        let found = {
            let entries = self.entries.read();
            entries
                .iter()
                .find(|e| e.backend == backend.id() && e.traced.def == *def && e.fits(leaves))
                .cloned()
        };
        let entry = match found {
            Some(entry) => {
                self.hit();
                entry
            }
            None => {
                let reason = {
                    let entries = self.entries.read();
                    let seen: Vec<Seen<'_>> = entries.iter().map(|e| e.traced.seen()).collect();
                    explain(&self.name, &seen, leaves, def, || {
                        if entries.iter().any(|e| e.backend == backend.id()) {
                            "the caches were cleared".to_owned()
                        } else {
                            format!("first call on {backend:?}")
                        }
                    })
                };
                self.miss(reason, called_at)?;
                let begin = std::time::Instant::now();
                let entry = Arc::new(self.plan(leaves, def).lower()?.compile(&backend)?);
                if compiles_logged() {
                    let types: Vec<String> = leaves.iter().map(|leaf| leaf.aval().to_string()).collect();
                    let (name, types) = (&self.name, types.join(", "));
                    warn_at(called_at, format!("compiled `{name}` for ({types}) in {:?}", begin.elapsed()));
                }
                self.compiles.fetch_add(1, Ordering::Relaxed);
                let mut entries = self.entries.write();
                entries.retain(|e| e.traced.is_current());
                entries.push(entry.clone());
                entry
            }
        };
        *self.last.write() = Some(entry.clone());
        Ok(entry)
    }

    fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    fn miss(&self, reason: String, called_at: Source) -> Result<()> {
        if cache_misses_explained() {
            warn_at(called_at, format!("compiling {reason}"));
        }
        let allowed = allow(&reason);
        self.misses.lock().push(reason);
        allowed
    }

    /// Traces for arguments like these.
    fn plan(&self, leaves: &[&Array], def: &TreeDef) -> Plan {
        let traced = self.trace(leaves, def);
        let donated = |(i, by_value): (usize, &bool)| match &self.options.donate {
            Donate::ByValue => *by_value,
            Donate::None => false,
            Donate::Only(argnums) => argnums.contains(&i),
        };
        let children = def.children();
        let flags = children.iter().zip(self.by_value.iter().enumerate().map(donated));
        let donated = flags.flat_map(|(child, flag)| std::iter::repeat_n(flag, child.num_leaves())).collect();
        Plan { name: self.name.clone(), traced, donated, keep_unused: self.options.keep_unused }
    }
}

impl Plan {
    /// Lowers what was traced.
    pub(crate) fn lower(&self) -> Result<Stage> {
        let Plan { name, traced, donated, keep_unused } = self;
        let (ClosedJaxpr { jaxpr, consts }, used) = dce_closed(traced.closed.clone(), *keep_unused);
        let kept: Box<[(u32, bool)]> =
            (0..used.len()).filter(|&i| used[i]).map(|i| (i as u32, donated[i])).collect();
        let module_name = name.replace(|c: char| !c.is_alphanumeric(), "_");
        let signature = MainSignature {
            name: format!("jit_{}", module_name.trim_end_matches('_')),
            donated: consts.iter().map(|_| false).chain(kept.iter().map(|(_, donated)| *donated)).collect(),
            result_info: traced
                .out_def
                .paths()
                .iter()
                .map(|path| format!("result{}", keystr(path)))
                .collect(),
            platform: Some(current_platform),
        };
        let module = crate::lower::lower(&jaxpr, &signature)?;
        Ok(Stage { name: name.clone(), traced: traced.clone(), module, consts, kept })
    }
}

impl FlatFn for JitCore<'_> {
    fn call(&self, leaves: Leaves, def: &TreeDef) -> Result<(Vec<Array>, TreeDef)> {
        let leaves: SmallVec<[&Array; 8]> = leaves.iter().collect();
        // A second holder of each buffer keeps it from being donated: the caller of a transformation keeps its arguments.
        let _shared: SmallVec<[Array; 8]> = leaves.iter().map(|&a| a.clone()).collect();
        let (outs, out_def) = self.invoke(&leaves, def, self.made_at)?;
        Ok((outs.into_vec(), out_def))
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Stage {
    /// Compiles the module for a backend.
    pub(crate) fn compile(&self, backend: &Backend) -> Result<Entry> {
        let out_avals = self.traced.closed.out_avals().cloned().collect();
        let program = Program::compile(&self.module, out_avals, backend)?;
        let consts = self.consts.iter().map(|c| on_backend(c, backend).map(|d| d.into_owned()));
        Ok(Entry {
            traced: self.traced.clone(),
            backend: backend.id(),
            program,
            consts: consts.collect::<Result<_>>()?,
            kept: self.kept.clone(),
            donates: self.kept.iter().any(|(_, donated)| *donated),
        })
    }
}

impl Entry {
    /// The structure of the arguments.
    #[doc(hidden)]
    pub fn def(&self) -> &TreeDef {
        &self.traced.def
    }

    /// Whether arguments of the entry's structure have its types, and programs run on its backend now.
    fn fits(&self, leaves: &[&Array]) -> bool {
        self.traced.fits(leaves) && Backend::current_id() == Some(self.backend)
    }

    /// Runs the program on the leaves; those that it may reuse and that nobody else holds are gone.
    pub(crate) fn run(&self, leaves: &[&Array]) -> Result<Outputs> {
        let backend = self.program.backend();
        let consts = self.consts.iter().map(|d| &d.buffer);
        if !self.donates
            && let Some(there) = self.lent(leaves)
        {
            return self.program.run(consts.chain(there), &[]);
        }
        let mut args: SmallVec<[_; 16]> = SmallVec::with_capacity(self.kept.len());
        let mut non_donatable: SmallVec<[i64; 8]> = SmallVec::new();
        for &(leaf, donated) in &self.kept {
            let array = leaves[leaf as usize];
            // What may have to be run again keeps its arguments.
            let shared = || values_debugged() || array.as_device().is_none_or(|d| Arc::strong_count(d) > 1);
            if donated && shared() {
                non_donatable.push((self.consts.len() + args.len()) as i64);
            }
            args.push(on_backend(array, backend)?);
        }
        debug_assert!(self.donates || non_donatable.is_empty());
        self.program.run(consts.chain(args.iter().map(|d| &d.buffer)), &non_donatable)
    }

    /// The buffers of the leaves that the program takes, if all of them lie on its backend.
    fn lent<'a>(&'a self, leaves: &'a [&'a Array]) -> Option<impl Iterator<Item = &'a Buffer>> {
        let device = move |&(leaf, _): &(u32, bool)| leaves[leaf as usize].as_device();
        let there = self.kept.iter().all(|kept| device(kept).is_some_and(|d| d.backend == self.backend));
        there.then(|| self.kept.iter().map(move |kept| &device(kept).expect("looked at above").buffer))
    }
}

/// A program's results as leaves; many of them stay where they are.
fn moved(outs: Outputs) -> Leaves {
    if outs.spilled() { Leaves::from_vec(outs.into_vec()) } else { outs.into_iter().collect() }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("avals", &self.traced.avals).field("program", &self.program).finish()
    }
}

/// What stands behind a jitted function object.
struct Compiling<'f, O> {
    core: Arc<JitCore<'f>>,
    out: PhantomData<fn() -> O>,
}

impl<O: Pytree> Target<O> for Compiling<'_, O> {
    fn known(&self) -> Option<Arc<Entry>> {
        self.core.last.read().clone()
    }

    fn run(&self, args: Flattener<'_>, known: Option<&Arc<Entry>>) -> O {
        let called_at = call_site::take(&self.core).unwrap_or(self.core.made_at);
        let (leaves, def) = self.core.call(args, known, called_at);
        tree::from_leaves(&def, leaves).or_raise()
    }
}

impl JitCore<'_> {
    fn call(&self, args: Flattener<'_>, known: Option<&Arc<Entry>>, called_at: Source) -> (Leaves, TreeDef) {
        let result = match known {
            Some(entry) if entry.fits(args.leaves()) && current().is_none() => {
                self.hit();
                self.run(entry, args.leaves(), called_at).map(|outs| (outs, entry.traced.out_def.clone()))
            }
            Some(entry) => self.invoke(args.leaves(), &entry.traced.def, called_at),
            None => {
                let (leaves, def) = args.finish();
                self.invoke(&leaves, &def, called_at)
            }
        };
        result.map_err(|e| e.at(called_at)).or_raise()
    }
}

/// Traces instead of running.
struct Tracing<'a, 'f> {
    core: &'a JitCore<'f>,
}

impl Target<Plan> for Tracing<'_, '_> {
    fn run(&self, args: Flattener<'_>, _: Option<&Arc<Entry>>) -> Plan {
        let (leaves, def) = args.finish();
        self.core.plan(&leaves, &def)
    }
}
