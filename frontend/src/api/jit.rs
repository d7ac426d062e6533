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
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use smallvec::SmallVec;

use super::config::x64_enabled;
use super::function::{FlatFn, Function, Signature, Target, build};
use super::stages::Lowered;
use crate::error::{OrRaise, Result, boundary};
use crate::ir::{Array, Aval, BackendId, ClosedJaxpr, DeviceArray, Jaxpr, Prim, Source};
use crate::lax::Jit as JitPrimitive;
use crate::lower::Signature as MainSignature;
use crate::runtime::{Backend, Outputs, Program, on_backend};
use crate::trace::{bind_at_line, check_all_alive, current, eval_jaxpr, stage};
use crate::transform::{consts_to_invars, dce_jaxpr};
use crate::tree::{Flattener, Leaves, Pytree, TreeDef, keystr};

/// Compiles a function: it is traced once per structure, shapes and dtypes of its arguments, compiled by the backend's plugin, and run.
///
/// Arguments taken by value are donated: their buffers may be reused for the results, unless somebody else holds a clone. Inside of
/// another traced function the call becomes one equation.
///
/// # Panics
/// Calling the handle panics where the function is wrong for its arguments or the plugin fails; [`Jit::try_call`] returns the error.
/// The message names the line of the operation that is wrong; where a whole call is meant, it is the line of `jit(…)`, since a
/// function object does not learn who called it.
#[track_caller]
pub fn jit<'f, S: Signature, F: Function<S> + 'f>(f: F) -> Jit<'f, S> {
    let flat = f.into_flat();
    let options = Options { keep_unused: false, inline: false, donate: true };
    Jit::from_core(JitCore::new(flat, S::BY_VALUE, options, Location::caller()))
}

/// A jitted function; see [`jit`].
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

    /// Whether parameters that the function does not use stay parameters of the program.
    pub fn keep_unused(self, keep: bool) -> Self {
        self.with(|options| options.keep_unused = keep)
    }

    /// Whether a call inside of a traced function is replaced by the function's equations.
    pub fn inline(self, inline: bool) -> Self {
        self.with(|options| options.inline = inline)
    }

    /// Whether arguments taken by value are donated (the default).
    pub fn donate(self, donate: bool) -> Self {
        self.with(|options| options.donate = donate)
    }

    /// Calls the function with its arguments as a tuple; what would panic comes back as an error.
    ///
    /// # Errors
    /// Whatever is wrong with the arguments, the function, or the run.
    pub fn try_call(&self, args: S::Args<'_>) -> Result<S::Out> {
        boundary(|| S::apply(&Compiling { core: self.core.clone(), out: PhantomData }, args))
    }

    /// Traces and lowers the function for these arguments without compiling it.
    ///
    /// # Errors
    /// Whatever is wrong with the arguments or the function.
    #[track_caller]
    pub fn lower(&self, args: S::Args<'_>) -> Result<Lowered<S>> {
        let stage = boundary(|| S::apply(&Lowering { core: &self.core }, args))??;
        Ok(Lowered::new(stage))
    }

    /// How often calls found a compiled program, and why they did not.
    pub fn stats(&self) -> JitStats {
        let misses = self.core.misses.lock().clone();
        JitStats { hits: self.core.hits.load(Ordering::Relaxed), misses }
    }
}

impl<'f, S: Signature> Deref for Jit<'f, S> {
    type Target = S::Dyn<'f, S::Out>;
    fn deref(&self) -> &Self::Target {
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

/// What a jitted function's cache has done.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct JitStats {
    /// Calls that found a compiled program.
    pub hits: u64,
    /// For each call that did not, why: which argument's what differed from the most similar call before.
    pub misses: Vec<String>,
}

#[derive(Clone)]
struct Options {
    keep_unused: bool,
    inline: bool,
    donate: bool,
}

/// A jitted function's caches.
pub(crate) struct JitCore<'f> {
    flat: Arc<dyn FlatFn + 'f>,
    name: Arc<str>,
    by_value: &'static [bool],
    options: Options,
    made_at: Source,
    traced: RwLock<Vec<Arc<Traced>>>,
    entries: RwLock<Vec<Arc<Entry>>>,
    last: RwLock<Option<Arc<Entry>>>,
    hits: AtomicU64,
    misses: Mutex<Vec<String>>,
}

/// A function traced for one kind of arguments.
pub(crate) struct Traced {
    pub(crate) def: TreeDef,
    pub(crate) avals: Box<[Aval]>,
    /// Whether 64-bit dtypes were kept, which decides what scalars become.
    x64: bool,
    pub(crate) closed: ClosedJaxpr,
    /// The jaxpr with its constants as leading parameters.
    call: Arc<Jaxpr>,
    pub(crate) out_def: TreeDef,
}

/// A function compiled for one kind of arguments and one backend.
#[doc(hidden)]
pub struct Entry {
    pub(crate) traced: Arc<Traced>,
    backend: BackendId,
    pub(crate) program: Program,
    /// Constants that the program takes.
    consts: Vec<Arc<DeviceArray>>,
    /// Arguments that the program takes after them, by leaf; and whether it was told that it may reuse their buffers.
    kept: Box<[(u32, bool)]>,
    donates: bool,
}

/// A module with what is needed to run it.
pub(crate) struct Stage {
    pub(crate) name: Arc<str>,
    pub(crate) traced: Arc<Traced>,
    pub(crate) module: jacinth_lowering::Module,
    consts: Vec<Array>,
    kept: Box<[(u32, bool)]>,
}

impl<'f> JitCore<'f> {
    fn new(flat: Arc<dyn FlatFn + 'f>, by_value: &'static [bool], options: Options, made_at: Source) -> Self {
        let name = flat.name().into();
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
            misses: Mutex::default(),
        }
    }

    /// Calls the function: traced into the current trace, or compiled and run.
    fn invoke(
        &self,
        leaves: &[&Array],
        known: Option<&Arc<Entry>>,
        def: Option<TreeDef>,
    ) -> (Leaves, TreeDef) {
        if current().is_some() {
            let def = def.or_else(|| known.map(|k| k.traced.def.clone())).expect("recorded or known");
            return self.bind(leaves, &def);
        }
        let entry = match known {
            Some(known) if known.fits(leaves) => {
                self.hits.fetch_add(1, Ordering::Relaxed);
                known.clone()
            }
            _ => {
                let def = def.or_else(|| known.map(|k| k.traced.def.clone())).expect("recorded or known");
                self.find(leaves, &def).or_raise()
            }
        };
        let outs = entry.run(leaves).or_raise();
        (outs.into_iter().collect(), entry.traced.out_def.clone())
    }

    /// One equation in the current trace.
    fn bind(&self, leaves: &[&Array], def: &TreeDef) -> (Leaves, TreeDef) {
        check_all_alive(leaves.iter().copied());
        let traced = self.trace(leaves, def);
        let args: Vec<Array> = traced.closed.consts.iter().chain(leaves.iter().copied()).cloned().collect();
        let outs: Leaves = if self.options.inline {
            eval_jaxpr(&traced.call, &[], &args).into_iter().collect()
        } else {
            let prim = JitPrimitive {
                name: self.name.clone(),
                jaxpr: traced.call.clone(),
                inline: false,
                keep_unused: self.options.keep_unused,
            };
            bind_at_line(Prim::new(prim), &args, self.made_at).into_iter().collect()
        };
        (outs, traced.out_def.clone())
    }

    /// The function traced for arguments like these.
    fn trace(&self, leaves: &[&Array], def: &TreeDef) -> Arc<Traced> {
        let x64 = x64_enabled();
        let same = |t: &&Arc<Traced>| {
            t.def == *def && t.x64 == x64 && t.avals.iter().eq(leaves.iter().map(|a| a.aval()))
        };
        if let Some(found) = self.traced.read().iter().rev().find(same) {
            return found.clone();
        }
        let avals: Box<[Aval]> = leaves.iter().map(|a| a.aval().clone()).collect();
        let mut out_def = None;
        let closed = stage(&self.name, &avals, self.made_at, |args| {
            let (outs, def) = self.flat.call(args.into_iter().collect(), def).or_raise();
            out_def = Some(def);
            outs
        });
        let call = Arc::new(consts_to_invars(&closed.jaxpr));
        let out_def = out_def.expect("the function was traced");
        let traced = Arc::new(Traced { def: def.clone(), avals, x64, closed, call, out_def });
        if !traced.closed.consts.iter().any(Array::is_tracer) {
            self.traced.write().push(traced.clone());
        }
        traced
    }

    /// The entry for arguments like these, compiled if there is none.
    fn find(&self, leaves: &[&Array], def: &TreeDef) -> Result<Arc<Entry>> {
        check_all_alive(leaves.iter().copied());
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
                self.hits.fetch_add(1, Ordering::Relaxed);
                entry
            }
            None => {
                self.misses.lock().push(self.explain(leaves, def, &backend));
                let entry = Arc::new(self.stage(leaves, def)?.compile(&backend)?);
                self.entries.write().push(entry.clone());
                entry
            }
        };
        *self.last.write() = Some(entry.clone());
        Ok(entry)
    }

    /// Traces and lowers for arguments like these.
    pub(crate) fn stage(&self, leaves: &[&Array], def: &TreeDef) -> Result<Stage> {
        let traced = self.trace(leaves, def);
        let all = vec![true; traced.closed.jaxpr.outs.len()];
        let (jaxpr, used) = dce_jaxpr(&traced.closed.jaxpr, &all, self.options.keep_unused);
        let consts = traced.closed.consts.iter().zip(&used.consts).filter(|(_, used)| **used);
        let consts: Vec<Array> = consts.map(|(c, _)| c.clone()).collect();
        let donated = self.donated(def);
        let kept: Box<[(u32, bool)]> = (0..used.invars.len())
            .filter(|&i| used.invars[i])
            .map(|i| (i as u32, self.options.donate && donated[i]))
            .collect();
        let signature = MainSignature {
            name: format!(
                "jit_{}",
                self.name.replace(|c: char| !c.is_alphanumeric(), "_").trim_end_matches('_')
            ),
            donated: consts.iter().map(|_| false).chain(kept.iter().map(|(_, donated)| *donated)).collect(),
            result_info: traced
                .out_def
                .paths()
                .iter()
                .map(|path| format!("result{}", keystr(path)))
                .collect(),
        };
        let module = crate::lower::lower(&jaxpr, &signature)?;
        Ok(Stage { name: self.name.clone(), traced, module, consts, kept })
    }

    /// For each leaf whether its argument is passed by value.
    fn donated(&self, def: &TreeDef) -> Vec<bool> {
        let children = def.children();
        let flags = children.iter().zip(self.by_value);
        flags.flat_map(|(child, by_value)| std::iter::repeat_n(*by_value, child.num_leaves())).collect()
    }

    /// Why no entry fits: what differs from the one that differs least.
    fn explain(&self, leaves: &[&Array], def: &TreeDef, backend: &Backend) -> String {
        let entries = self.entries.read();
        let differing =
            |e: &Entry| e.traced.avals.iter().zip(leaves).filter(|(a, b)| **a != *b.aval()).count();
        let similar = entries.iter().filter(|e| e.traced.def == *def).min_by_key(|e| differing(e));
        let Some(similar) = similar else {
            return match entries.last() {
                None => format!("`{}`: first call", self.name),
                Some(last) => match last.traced.def.expect(def) {
                    Err(error) => format!("`{}`: {error}", self.name),
                    Ok(()) => unreachable!("equal structures were filtered above"),
                },
            };
        };
        let paths = def.paths();
        let mut changes = Vec::new();
        for ((path, old), new) in paths.iter().zip(&similar.traced.avals).zip(leaves) {
            let place = match path.first() {
                Some(first) => {
                    format!("argument {}{}", first.to_string().trim_matches(['[', ']']), keystr(&path[1..]))
                }
                None => "the argument".to_owned(),
            };
            if let Some(change) = describe_change(old, new.aval()) {
                changes.push(format!("{place}: {change}"));
            }
        }
        if changes.is_empty() {
            let other = similar.backend != backend.id();
            changes.push(if other {
                format!("first call on {backend:?}")
            } else {
                "the x64 switch changed".to_owned()
            });
        }
        format!("`{}`: {}", self.name, changes.join("; "))
    }
}

fn describe_change(old: &Aval, new: &Aval) -> Option<String> {
    if old == new {
        return None;
    }
    if old.dtype != new.dtype {
        return Some(format!("dtype changed from {old} to {new}"));
    }
    if old.rank() != new.rank() {
        return Some(format!("rank changed from {old} to {new}"));
    }
    if let Some(i) = (0..old.rank()).find(|&i| old.shape[i] != new.shape[i]) {
        return Some(format!(
            "dimension {i} changed from {} to {} ({old} to {new})",
            old.shape[i], new.shape[i]
        ));
    }
    if old.weak_type != new.weak_type {
        let kind = |weak: bool| if weak { "weak" } else { "strong" };
        return Some(format!("{} type {old} became {}", kind(old.weak_type), kind(new.weak_type)));
    }
    Some("sharding changed".to_owned())
}

impl FlatFn for JitCore<'_> {
    fn call(&self, leaves: Leaves, def: &TreeDef) -> Result<(Vec<Array>, TreeDef)> {
        let leaves: SmallVec<[&Array; 8]> = leaves.iter().collect();
        let (outs, out_def) = if current().is_some() {
            self.bind(&leaves, def)
        } else {
            let entry = self.find(&leaves, def)?;
            let shared: SmallVec<[Array; 8]> = leaves.iter().map(|a| (*a).clone()).collect();
            let outs = entry.run(&shared.iter().collect::<SmallVec<[&Array; 8]>>())?;
            (outs.into_iter().collect(), entry.traced.out_def.clone())
        };
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
        self.traced.avals.iter().zip(leaves).all(|(aval, leaf)| *aval == *leaf.aval())
            && self.traced.x64 == x64_enabled()
            && Backend::current_id() == Some(self.backend)
    }

    /// Runs the program on the leaves; those that it may reuse and that nobody else holds are gone.
    pub(crate) fn run(&self, leaves: &[&Array]) -> Result<Outputs> {
        let backend = self.program.backend();
        let mut args: SmallVec<[_; 16]> = SmallVec::new();
        let mut non_donatable: SmallVec<[i64; 8]> = SmallVec::new();
        for &(leaf, donated) in &self.kept {
            let array = leaves[leaf as usize];
            if donated && array.as_device().is_none_or(|d| Arc::strong_count(d) > 1) {
                non_donatable.push((self.consts.len() + args.len()) as i64);
            }
            args.push(on_backend(array, backend)?);
        }
        debug_assert!(self.donates || non_donatable.is_empty());
        let buffers = self.consts.iter().map(|d| &d.buffer).chain(args.iter().map(|d| &d.buffer));
        self.program.run(buffers, &non_donatable)
    }
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
        let (leaves, def) = self.core.call(args, known);
        build(&def, leaves)
    }
}

impl JitCore<'_> {
    fn call(&self, args: Flattener<'_>, known: Option<&Arc<Entry>>) -> (Leaves, TreeDef) {
        match known {
            Some(_) => self.invoke(args.leaves(), known, None),
            None => {
                let (leaves, def) = args.finish();
                self.invoke(&leaves, None, Some(def))
            }
        }
    }
}

/// Lowers instead of running.
struct Lowering<'a, 'f> {
    core: &'a JitCore<'f>,
}

impl Target<Result<Stage>> for Lowering<'_, '_> {
    fn run(&self, args: Flattener<'_>, _: Option<&Arc<Entry>>) -> Result<Stage> {
        let (leaves, def) = args.finish();
        self.core.stage(&leaves, &def)
    }
}
