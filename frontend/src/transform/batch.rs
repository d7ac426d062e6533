//! Vectorisation: a value may carry one more dimension than its type says, anywhere.

use std::rc::Rc;
use std::sync::Arc;

use smallvec::SmallVec;

use super::Kit;
use crate::error::OrRaise;
use crate::ir::{Array, Arrays, Aval, AxisInfo, Batched, Jaxpr, Prim, Repr, Source, TraceId};
use crate::trace::{
    Trace, TraceRef, check_alive, current, current_source, eval_jaxpr, fresh_trace_id, process_in, stage,
    with_trace,
};

/// Runs a function on arrays mapped over the given dimensions (`None`: the same for all); gives results and where each is mapped.
pub(crate) fn batch(
    f: impl FnOnce(Vec<Array>) -> Vec<Array>,
    args: &[Array],
    dims: &[Option<usize>],
    axis: AxisInfo,
    called_at: Source,
) -> (Vec<Array>, Vec<Option<usize>>) {
    let source = current_source(called_at);
    let id = axis.trace.unwrap_or_else(fresh_trace_id);
    let axis = AxisInfo { trace: Some(id), ..axis };
    let trace = Rc::new(Batch { id, parent: current(), axis, called_at });
    let args = args.iter().zip(dims).map(|(a, d)| trace.wrap(a.clone(), *d, source)).collect();
    let outs = with_trace(Some(trace.clone() as TraceRef), None, || f(args));
    outs.into_iter().map(|out| trace.unwrap(&out, source)).unzip()
}

/// A jaxpr vectorised by [`batch_jaxpr`].
#[derive(Clone)]
pub(crate) struct BatchedJaxpr {
    /// The jaxpr on mapped parameters.
    pub(crate) jaxpr: Arc<Jaxpr>,
    /// Where each result is mapped.
    pub(crate) out_dims: Arc<[Option<usize>]>,
}

/// Vectorises a jaxpr whose parameters are mapped over `dims`. With `at_front`, mapped results are mapped over dimension 0, and so are
/// those that it names whether they depend on mapped parameters or not.
pub(crate) fn batch_jaxpr(
    kit: &'static Kit,
    jaxpr: &Arc<Jaxpr>,
    dims: &[Option<usize>],
    axis: &AxisInfo,
    at_front: Option<&[bool]>,
    called_at: Source,
) -> BatchedJaxpr {
    #[derive(PartialEq)]
    struct Key(Vec<Option<usize>>, usize, Option<Arc<str>>, Option<Vec<bool>>);
    let key = Key(dims.into(), axis.size, axis.name.clone(), at_front.map(Into::into));
    // A jaxpr has captured no tracers.
    let axis = AxisInfo { trace: None, ..axis.clone() };
    jaxpr.memoise(key, || {
        let avals: Vec<Aval> =
            jaxpr.in_avals().zip(dims).map(|(aval, dim)| mapped(aval, *dim, axis.size)).collect();
        let mut out_dims = Vec::new();
        let closed = stage("vmap", &avals, called_at, |args| {
            let (mut outs, mut found) =
                batch(|args| eval_jaxpr(jaxpr, &[], &args), &args, dims, axis.clone(), called_at);
            if let Some(forced) = at_front {
                for ((out, dim), force) in outs.iter_mut().zip(&mut found).zip(forced) {
                    if dim.is_some() || *force {
                        *out = move_to(kit, out, *dim, 0, axis.size);
                        *dim = Some(0);
                    }
                }
            }
            out_dims = found;
            outs
        });
        debug_assert!(closed.consts.is_empty(), "a nested jaxpr captures nothing");
        BatchedJaxpr { jaxpr: closed.jaxpr, out_dims: out_dims.into() }
    })
}

/// The array with its mapped dimension at `to`; repeated there if it is not mapped.
pub(crate) fn move_to(
    kit: &'static Kit,
    array: &Array,
    from: Option<usize>,
    to: usize,
    size: usize,
) -> Array {
    match from {
        Some(from) if from == to => array.clone(),
        Some(from) => (kit.moveaxis)(array, from, to),
        None => (kit.repeat)(array, size, to),
    }
}

/// The aval with a dimension inserted.
fn mapped(aval: &Aval, dim: Option<usize>, size: usize) -> Aval {
    let Some(dim) = dim else { return aval.clone() };
    let mut shape = aval.shape.clone();
    shape.insert(dim, size);
    aval.with_shape(shape)
}

/// The trace of one vectorisation.
struct Batch {
    id: TraceId,
    parent: Option<TraceRef>,
    axis: AxisInfo,
    called_at: Source,
}

impl Batch {
    fn wrap(&self, value: Array, dim: Option<usize>, made_at: Source) -> Array {
        let Some(dim) = dim else { return value };
        let mut shape = value.aval().shape.clone();
        shape.remove(dim);
        let aval = value.aval().with_shape(shape);
        Array(Repr::Batched(Arc::new(Batched { trace: self.id, value, dim, aval, made_at })))
    }

    fn unwrap(&self, array: &Array, source: Source) -> (Array, Option<usize>) {
        match &array.0 {
            Repr::Batched(b) if b.trace == self.id => (b.value.clone(), Some(b.dim)),
            _ => {
                check_alive(array, self.parent.as_ref(), source).or_raise();
                (array.clone(), None)
            }
        }
    }
}

impl Trace for Batch {
    fn id(&self) -> TraceId {
        self.id
    }

    fn parent(&self) -> Option<&TraceRef> {
        self.parent.as_ref()
    }

    fn process(&self, prim: Prim, args: &[Array], source: Source) -> Arrays {
        let (values, dims): (SmallVec<[Array; 4]>, SmallVec<[Option<usize>; 4]>) =
            args.iter().map(|arg| self.unwrap(arg, source)).unzip();
        let used_by_name = || self.axis.name.as_ref().is_some_and(|name| prim.uses_axis(name));
        if dims.iter().all(Option::is_none) && !used_by_name() {
            return process_in(self.parent.as_ref(), prim, &values, source);
        }
        let (outs, out_dims) =
            with_trace(self.parent.clone(), Some(source), || prim.batch(&values, &dims, &self.axis));
        outs.into_iter().zip(out_dims).map(|(out, dim)| self.wrap(out, dim, source)).collect()
    }

    fn describe(&self) -> (String, Option<Source>) {
        ("a function under `vmap`".into(), Some(self.called_at))
    }

    fn axis(&self) -> Option<&AxisInfo> {
        Some(&self.axis)
    }
}
