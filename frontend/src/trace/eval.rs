//! Evaluation: what `bind` does when nothing is being traced.
//!
//! Each primitive on each combination of operand types is compiled once as a program of one operation. Host scalars are its
//! parameters like any other operand, so that `x + 1.0` and `x + 2.0` are one program.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use jacinth_lowering::element;
use parking_lot::RwLock;
use rustc_hash::{FxHashMap, FxHasher};
use smallvec::SmallVec;

use super::{check_alive, eval_jaxpr, here};
use crate::config::{cache_key, infs_debugged, nans_debugged, values_debugged};
use crate::error::{Error, OrRaise, Result};
use crate::ir::{Array, Arrays, Atom, Aval, BackendId, Eqn, Jaxpr, Prim, Source, Var};
use crate::lower::{Signature, lower};
use crate::runtime::{Backend, Program, current_platform, on_backend, to_bytes};

/// Applies a primitive to concrete arrays.
pub(super) fn process(prim: &Prim, args: &[Array], source: Source) -> Arrays {
    for arg in args {
        check_alive(arg, None, source).or_raise();
    }
    if let Some(outs) = prim.evaluate(args) {
        return outs;
    }
    let outs = run(prim, args, source).map_err(|e| e.at(source)).or_raise();
    if values_debugged()
        && let Some(found) = outs.iter().find_map(invalid)
    {
        // A call is run again operation by operation, and the operation says so.
        if let ("jit", [jaxpr]) = (prim.name(), &prim.jaxprs()[..]) {
            eval_jaxpr(jaxpr, &[], args);
        }
        Error::runtime(format!("invalid value ({found}) encountered in {}", prim.name())).at(source).raise();
    }
    outs
}

/// What a concrete array has among its elements that is looked for: `nan` or `inf`. Arrays of other than floating point dtypes have neither.
pub(crate) fn invalid(array: &Array) -> Option<&'static str> {
    let dtype = array.aval().dtype;
    if !dtype.is_float() && !dtype.is_complex() {
        return None;
    }
    let bytes = to_bytes(array).map_err(|e| e.at(here())).or_raise();
    let (nans, infs) = (nans_debugged(), infs_debugged());
    let look = |x: f64| match x {
        x if nans && x.is_nan() => Some("nan"),
        x if infs && x.is_infinite() => Some("inf"),
        _ => None,
    };
    bytes.chunks_exact(dtype.byte_width()).find_map(|bytes| match element::read(dtype, bytes) {
        element::Scalar::Float(x) => look(x),
        element::Scalar::Complex(z) => look(z.re).or_else(|| look(z.im)),
        element::Scalar::Int(_) => None,
    })
}

/// Forgets all compiled operations.
pub(crate) fn clear_compiled() {
    COMPILED.write().clear();
}

struct Entry {
    prim: Prim,
    avals: Box<[Aval]>,
    backend: BackendId,
    switches: u32,
    program: Program,
}

type Compiled = FxHashMap<u64, SmallVec<[Arc<Entry>; 1]>>;

/// More compiled operations than this are all forgotten: a program that makes new ones without end must not fill memory.
const MAX_COMPILED: usize = 4096;

/// Compiled operations by the hash of primitive, operand types and backend.
static COMPILED: LazyLock<RwLock<Compiled>> = LazyLock::new(RwLock::default);

fn run(prim: &Prim, args: &[Array], source: Source) -> Result<Arrays> {
    let backend = Backend::current()?;
    let mut hasher = FxHasher::default();
    prim.hash(&mut hasher);
    args.iter().for_each(|arg| arg.aval().hash(&mut hasher));
    backend.id().hash(&mut hasher);
    let switches = cache_key();
    let hash = hasher.finish();
    let same = |e: &&Arc<Entry>| {
        e.backend == backend.id()
            && e.switches == switches
            && e.avals.iter().eq(args.iter().map(Array::aval))
            && e.prim == *prim
    };
    let found = COMPILED.read().get(&hash).and_then(|entries| entries.iter().find(same).cloned());
    let entry = match found {
        Some(entry) => entry,
        None => {
            let avals: Box<[Aval]> = args.iter().map(|a| a.aval().clone()).collect();
            let program = compile(prim, &avals, &backend, source)?;
            let entry =
                Arc::new(Entry { prim: prim.clone(), avals, backend: backend.id(), switches, program });
            let mut compiled = COMPILED.write();
            if compiled.len() >= MAX_COMPILED {
                compiled.clear();
            }
            compiled.entry(hash).or_default().push(entry.clone());
            entry
        }
    };
    let placed = args.iter().map(|arg| on_backend(arg, &backend)).collect::<Result<SmallVec<[_; 4]>>>()?;
    Ok(entry.program.run(placed.iter().map(|d| &d.buffer), &[])?.into_iter().collect())
}

fn compile(prim: &Prim, avals: &[Aval], backend: &Backend, source: Source) -> Result<Program> {
    let in_avals: SmallVec<[&Aval; 4]> = avals.iter().collect();
    let out_avals = prim.abstract_eval(&in_avals).map_err(|e| e.at(source))?;
    let all: Vec<Aval> = avals.iter().chain(&out_avals).cloned().collect();
    let vars = |range: std::ops::Range<usize>| range.map(|i| Var(i as u32)).collect::<Vec<Var>>();
    let (invars, outvars) = (vars(0..avals.len()), vars(avals.len()..all.len()));
    let eqn = Eqn {
        prim: prim.clone(),
        inputs: invars.iter().map(|v| Atom::Var(*v)).collect(),
        outs: outvars.iter().copied().collect(),
        source,
        scope: None,
    };
    let outs = outvars.into_iter().map(Atom::Var).collect();
    let jaxpr = Jaxpr::new(Vec::new(), invars, vec![eqn], outs, all);
    let name = format!("jit_{}", prim.name());
    let signature = Signature { name, platform: Some(current_platform), ..Signature::default() };
    Program::compile(&lower(&jaxpr, &signature)?, out_avals.into_vec(), backend)
}
