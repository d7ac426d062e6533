//! Staging: writing down what a function does as a jaxpr.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::{
    Trace, TraceRef, check_alive, current, current_scope, fresh_trace_id, in_scope_of, with_scope, with_trace,
};
use crate::error::{OrRaise, Result};
use crate::ir::{
    Array, Arrays, Atom, Aval, ClosedJaxpr, Eqn, Identity, Jaxpr, Prim, Repr, Source, TraceId, Var,
};

/// Traces a function on abstract arguments of those types and returns what it did.
///
/// `name` is the function's and `called_at` the line that asked for the trace; both are for messages. Arrays from outside are
/// the closed jaxpr's constants, each once, in the order of first use.
pub(crate) fn stage(
    name: &str,
    in_avals: &[Aval],
    called_at: Source,
    f: impl FnOnce(Vec<Array>) -> Vec<Array>,
) -> ClosedJaxpr {
    let staging = Rc::new(Staging::new(format!("`{name}`"), called_at));
    let args: Vec<Array> = in_avals.iter().map(|aval| staging.add_invar(aval.clone(), called_at)).collect();
    // What is staged is named where it is called: it may be called elsewhere as well.
    let outs = with_scope(None, || with_trace(Some(staging.clone() as TraceRef), None, || f(args)));
    staging.finish(&outs, called_at)
}

/// A jaxpr under construction.
pub(crate) struct Staging {
    id: TraceId,
    parent: Option<TraceRef>,
    what: String,
    called_at: Source,
    frame: RefCell<Frame>,
}

#[derive(Default)]
struct Frame {
    avals: Vec<Aval>,
    invars: Vec<Var>,
    constvars: Vec<Var>,
    consts: Vec<Array>,
    const_vars: FxHashMap<Identity, Var>,
    eqns: Vec<Eqn>,
}

impl Staging {
    /// An empty jaxpr, whose parent is the current trace; `what` is being traced.
    pub(crate) fn new(what: String, called_at: Source) -> Self {
        Staging { id: fresh_trace_id(), parent: current(), what, called_at, frame: RefCell::default() }
    }

    /// A new parameter.
    pub(crate) fn add_invar(&self, aval: Aval, source: Source) -> Array {
        let mut frame = self.frame.borrow_mut();
        let var = frame.var(aval.clone());
        frame.invars.push(var);
        Array(Repr::Var { trace: self.id, var, aval, made_at: source })
    }

    /// Appends an equation.
    pub(crate) fn record(&self, prim: Prim, args: &[Array], source: Source) -> Result<Arrays> {
        if let Some((prim, args)) = prim.staged(args) {
            return self.record(prim, &args, source);
        }
        let avals: SmallVec<[&Aval; 4]> = args.iter().map(Array::aval).collect();
        let out_avals = prim.abstract_eval(&avals).map_err(|e| e.at(source))?;
        let mut frame = self.frame.borrow_mut();
        let mut inputs: SmallVec<[Atom; 2]> = SmallVec::with_capacity(args.len());
        for arg in args {
            inputs.push(self.atom(&mut frame, arg, source)?);
        }
        let first = frame.avals.len() as u32;
        let outs = (first..).take(out_avals.len()).map(Var).collect();
        frame.avals.extend_from_slice(&out_avals);
        let mut arrays = Arrays::new();
        for (var, aval) in (first..).map(Var).zip(out_avals) {
            arrays.push(Array(Repr::Var { trace: self.id, var, aval, made_at: source }));
        }
        frame.eqns.push(Eqn { prim, inputs, outs, source, scope: current_scope() });
        Ok(arrays)
    }

    /// The jaxpr that returns `outs`; the frame is empty afterwards.
    pub(crate) fn finish(&self, outs: &[Array], source: Source) -> ClosedJaxpr {
        let mut frame = self.frame.borrow_mut();
        let outs: Result<Vec<Atom>> = outs.iter().map(|out| self.atom(&mut frame, out, source)).collect();
        let outs = outs.or_raise();
        let Frame { avals, invars, constvars, consts, eqns, .. } = std::mem::take(&mut *frame);
        ClosedJaxpr { jaxpr: Arc::new(Jaxpr::new(constvars, invars, eqns, outs, avals)), consts }
    }

    /// Whether the array is a variable of this jaxpr.
    pub(crate) fn owns(&self, array: &Array) -> bool {
        array.as_var(self.id).is_some()
    }

    fn atom(&self, frame: &mut Frame, array: &Array, source: Source) -> Result<Atom> {
        if let Some(var) = array.as_var(self.id) {
            return Ok(Atom::Var(var));
        }
        if let Repr::Scalar(literal) = &array.0 {
            return Ok(Atom::Literal(literal.clone()));
        }
        check_alive(array, self.parent.as_ref(), source)?;
        let identity = array.identity().expect("only scalars have no identity");
        if let Some(&var) = frame.const_vars.get(&identity) {
            return Ok(Atom::Var(var));
        }
        let var = frame.var(array.aval().clone());
        frame.constvars.push(var);
        frame.consts.push(array.clone());
        frame.const_vars.insert(identity, var);
        Ok(Atom::Var(var))
    }
}

impl Frame {
    fn var(&mut self, aval: Aval) -> Var {
        self.avals.push(aval);
        Var((self.avals.len() - 1) as u32)
    }
}

impl Trace for Staging {
    fn id(&self) -> TraceId {
        self.id
    }

    fn parent(&self) -> Option<&TraceRef> {
        self.parent.as_ref()
    }

    fn process(&self, prim: Prim, args: &[Array], source: Source) -> Arrays {
        self.record(prim, args, source).or_raise()
    }

    fn describe(&self) -> (String, Option<Source>) {
        (self.what.clone(), Some(self.called_at))
    }
}

/// Runs a jaxpr on arrays under the current trace; its equations keep their lines.
pub(crate) fn eval_jaxpr(jaxpr: &Jaxpr, consts: &[Array], args: &[Array]) -> Vec<Array> {
    assert_eq!(consts.len(), jaxpr.constvars.len(), "one value per constvar");
    assert_eq!(args.len(), jaxpr.invars.len(), "one value per invar");
    let mut env: Vec<Option<Array>> = vec![None; jaxpr.avals.len()];
    let vars = jaxpr.constvars.iter().chain(&jaxpr.invars);
    vars.zip(consts.iter().chain(args)).for_each(|(v, a)| env[v.index()] = Some(a.clone()));
    let read = |env: &[Option<Array>], atom: &Atom| match atom {
        Atom::Var(v) => env[v.index()].clone().expect("defined before its use"),
        Atom::Literal(l) => Array(Repr::Scalar(l.clone())),
    };
    let trace = current();
    for eqn in &jaxpr.eqns {
        let args: SmallVec<[Array; 4]> = eqn.inputs.iter().map(|a| read(&env, a)).collect();
        let run = || match &trace {
            None => super::eval::process(&eqn.prim, &args, eqn.source),
            Some(trace) => trace.process(eqn.prim.clone(), &args, eqn.source),
        };
        let outs = in_scope_of(eqn, run);
        eqn.outs.iter().zip(outs).for_each(|(v, a)| env[v.index()] = Some(a));
    }
    jaxpr.outs.iter().map(|a| read(&env, a)).collect()
}
