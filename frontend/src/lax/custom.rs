//! Calls of functions that bring their own derivative: `custom_jvp_call`, `custom_vjp_call`.
//!
//! Until a jaxpr records it, such a call holds the function as a closure, so that outside of `jit` the function runs on concrete values
//! and its rule alone is run under differentiation. Recorded, it holds a jaxpr whose leading parameters are what the function
//! captured, and the rule as a closure still: rules are run when, and only if, the call is differentiated. [`CustomLin`] stands
//! for the derivative of a `custom_vjp` function between the forward and the backward pass: it can be transposed, not run.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::rules::{all_at_front, at_front, instantiate};
use super::{KIT, cos, mul, reduce_sum, scalar_like, sin};
use crate::error::{Error, OrRaise, Result, boundary};
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, Effects, Jaxpr, Linear, LowerCx, Operand, Params,
    PartialEvalCx, Prim, Primitive, Sample, SampleArg, ShardingRule, Source, Tangents, Value, Values,
};
use crate::trace::{bind, bind_at_line, current, here, stage, with_trace};
use crate::transform::{batch, batch_jaxpr, consts_to_invars, has_tangent, move_to, pick, transpose_jaxpr};

/// A function of flat arrays.
pub(crate) type Fun = Arc<dyn Fn(&[Array]) -> Vec<Array> + Send + Sync>;
/// Results and tangents from arguments and tangents; `None` is zero.
pub(crate) type JvpRule =
    Arc<dyn Fn(&[Array], &[Option<Array>]) -> (Vec<Array>, Vec<Option<Array>>) + Send + Sync>;
/// The forward pass of a `custom_vjp` function, told of every argument whether it has a tangent.
pub(crate) type FwdRule = Arc<dyn Fn(&[Array], &[bool]) -> Forward + Send + Sync>;
/// The backward pass: cotangents of all arguments from residuals and cotangents of the results; `None` is zero.
pub(crate) type BwdRule = Arc<dyn Fn(&[Array], &[Option<Array>]) -> Vec<Option<Array>> + Send + Sync>;

/// What a forward pass gives.
pub(crate) struct Forward {
    pub(crate) outs: Vec<Array>,
    pub(crate) residuals: Vec<Array>,
    pub(crate) backward: BwdRule,
}

/// The function that is called.
#[derive(Clone)]
pub(crate) enum Callee {
    /// Not recorded yet.
    Closure(Fun),
    /// Recorded: what the function captured are the leading parameters, so many of them.
    Jaxpr(Arc<Jaxpr>, usize),
}

impl Callee {
    fn jaxpr(&self) -> Option<&Arc<Jaxpr>> {
        match self {
            Callee::Closure(_) => None,
            Callee::Jaxpr(jaxpr, _) => Some(jaxpr),
        }
    }

    fn num_consts(&self) -> usize {
        match self {
            Callee::Closure(_) => 0,
            Callee::Jaxpr(_, num_consts) => *num_consts,
        }
    }

    fn same(&self, other: &Callee) -> bool {
        match (self, other) {
            (Callee::Closure(a), Callee::Closure(b)) => Arc::ptr_eq(a, b),
            (Callee::Jaxpr(a, n), Callee::Jaxpr(b, m)) => a == b && n == m,
            _ => false,
        }
    }

    fn address(&self) -> usize {
        match self {
            Callee::Closure(fun) => Arc::as_ptr(fun).cast::<()>() as usize,
            Callee::Jaxpr(jaxpr, _) => Arc::as_ptr(jaxpr) as usize,
        }
    }

    /// Runs a closure where nothing is traced.
    fn evaluate(&self, name: &str, args: &[Array]) -> Option<Arrays> {
        match self {
            Callee::Closure(fun) => {
                Some(with_trace(None, None, || guarded(name, here(), || fun(args))).into())
            }
            Callee::Jaxpr(..) => None,
        }
    }

    /// A closure as a jaxpr, with its operands.
    fn staged(&self, name: &str, args: &[Array]) -> Option<(Callee, Vec<Array>)> {
        let Callee::Closure(fun) = self else { return None };
        let avals: Vec<Aval> = args.iter().map(|a| a.aval().clone()).collect();
        let closed = stage(name, &avals, here(), |args| guarded(name, here(), || fun(&args)));
        let operands = closed.consts.iter().chain(args).cloned().collect();
        Some((Callee::Jaxpr(consts_to_invars(&closed.jaxpr), closed.consts.len()), operands))
    }

    fn abstract_eval(&self, operation: &'static str, args: &[&Aval]) -> Result<Avals> {
        let Callee::Jaxpr(jaxpr, _) = self else {
            return Err(Error::unsupported(format!("{operation}: the function was not traced")));
        };
        let fits = args.len() == jaxpr.invars.len()
            && jaxpr.in_avals().zip(args).all(|(expected, found)| expected.same_type(found));
        if !fits {
            let expected: Vec<&Aval> = jaxpr.in_avals().collect();
            return Err(Error::operands(operation, format!("the function takes {expected:?}, got {args:?}")));
        }
        Ok(jaxpr.out_avals().cloned().collect())
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value]) -> Result<Values> {
        match self {
            Callee::Jaxpr(jaxpr, _) => cx.inline(jaxpr, args),
            Callee::Closure(_) => Err(Error::unsupported("a function that was not traced cannot be lowered")),
        }
    }

    /// The function over a mapped axis; every result is mapped along dimension 0.
    fn batched(&self, dims: &[Option<usize>], axis: &AxisInfo) -> Callee {
        match self {
            Callee::Jaxpr(jaxpr, num_consts) => {
                let front = vec![true; jaxpr.outs.len()];
                let batched = batch_jaxpr(&KIT, jaxpr, dims, axis, Some(&front), here());
                Callee::Jaxpr(batched.jaxpr, *num_consts)
            }
            Callee::Closure(fun) => {
                let (fun, dims, axis, at) = (fun.clone(), dims.to_vec(), axis.clone(), here());
                Callee::Closure(Arc::new(move |args: &[Array]| {
                    let (outs, found) = batch(|args| fun(&args), args, &dims, axis.clone(), at);
                    outs.iter().zip(found).map(|(out, dim)| at_front(out, dim, axis.size)).collect()
                }))
            }
        }
    }

    /// The function in place of its call, some operands of which are unknown.
    fn partial_eval(&self, name: &str, cx: &PartialEvalCx<'_>, args: &[Array]) -> Arrays {
        let staged = self.staged(name, args);
        let (callee, args) = staged.as_ref().map_or((self, args), |(callee, args)| (callee, &args[..]));
        let jaxpr = callee.jaxpr().expect("staged");
        let mut env: Vec<Option<Array>> = vec![None; jaxpr.avals.len()];
        jaxpr.invars.iter().zip(args).for_each(|(v, a)| env[v.index()] = Some(a.clone()));
        let read = |env: &[Option<Array>], atom: &crate::ir::Atom| match atom {
            crate::ir::Atom::Var(v) => env[v.index()].clone().expect("defined before its use"),
            crate::ir::Atom::Literal(l) => Array(crate::ir::Repr::Scalar(l.clone())),
        };
        for eqn in &jaxpr.eqns {
            let args: SmallVec<[Array; 4]> = eqn.inputs.iter().map(|a| read(&env, a)).collect();
            let outs = if args.iter().any(|a| cx.is_unknown(a)) {
                eqn.prim.partial_eval(cx, &args).unwrap_or_else(|| cx.record(eqn.prim.clone(), &args))
            } else {
                bind_at_line(eqn.prim.clone(), &args, eqn.source)
            };
            eqn.outs.iter().zip(outs).for_each(|(v, a)| env[v.index()] = Some(a));
        }
        jaxpr.outs.iter().map(|a| read(&env, a)).collect()
    }

    /// Transposition of the recorded function, as of any other call.
    fn transpose(&self, name: &str, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let Callee::Jaxpr(jaxpr, _) = self else { return Linear::No };
        let linear: Vec<bool> = args.iter().map(Operand::is_linear).collect();
        let nonzero: Vec<bool> = cts.iter().map(Option::is_some).collect();
        let transposed = transpose_jaxpr(&KIT, jaxpr, &linear, &nonzero, here());
        let constants = args.iter().filter(|a| !a.is_linear()).map(|a| a.known().clone());
        let operands: Vec<Array> = constants.chain(cts.iter().flatten().cloned()).collect();
        let call =
            super::Jit { name: name.into(), jaxpr: transposed.jaxpr, inline: true, keep_unused: false };
        let mut outs = bind(Prim::new(call), &operands).into_iter();
        Linear::Cotangents(transposed.nonzero.iter().map(|nz| if *nz { outs.next() } else { None }).collect())
    }
}

/// Runs a function or a rule; a tracer that it captured and that is not valid where it is run is named as such.
fn guarded<R>(name: &str, at: Source, run: impl FnOnce() -> R) -> R {
    match boundary(run) {
        Err(Error::LeakedTracer { aval, made_at, .. }) => Error::argument(format!(
            "`{name}`, which has a custom derivative, or its rule captured a traced value of type {aval}, made at {made_at}, \
             that does not exist any more where the rule is run (called at {at}); pass it as an argument instead"
        ))
        .raise(),
        result => result.or_raise(),
    }
}

/// [`guarded`] for a rule: an error that names no line is of the line where the function is called.
fn guarded_rule<R>(name: &str, at: Source, run: impl FnOnce() -> R) -> R {
    boundary(|| guarded(name, at, run)).map_err(|error| error.at(at)).or_raise()
}

/// Refuses derivatives with respect to captured values, which the rule does not know.
fn refuse_captured(name: &str, tangents: &[Option<Array>]) {
    if tangents.iter().any(Option::is_some) {
        Error::argument(format!(
            "`{name}`, which has a custom derivative, was differentiated with respect to a value that it captured (called at {}); \
             pass the value as an argument instead",
            here()
        ))
        .raise();
    }
}

/// A call of a function with its own jvp.
#[derive(Clone)]
pub(crate) struct CustomJvpCall {
    pub(crate) name: Arc<str>,
    pub(crate) callee: Callee,
    pub(crate) jvp_name: Arc<str>,
    pub(crate) rule: JvpRule,
    /// Whether the rule is told which tangents are zero.
    pub(crate) symbolic_zeros: bool,
}

impl PartialEq for CustomJvpCall {
    fn eq(&self, other: &Self) -> bool {
        self.callee.same(&other.callee) && Arc::ptr_eq(&self.rule, &other.rule)
    }
}

impl Eq for CustomJvpCall {}

impl Hash for CustomJvpCall {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.callee.address().hash(state);
    }
}

impl std::fmt::Debug for CustomJvpCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "custom_jvp_call[{}]", self.name)
    }
}

impl Primitive for CustomJvpCall {
    fn name(&self) -> &'static str {
        "custom_jvp_call"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.keep_order();
        params.show("name", &self.name);
        if let Some(jaxpr) = self.callee.jaxpr() {
            params.jaxpr("call_jaxpr", jaxpr);
        }
        params.show("jvp", &self.jvp_name);
        if self.callee.num_consts() > 0 {
            params.show("num_consts", self.callee.num_consts());
        }
        params.flag("symbolic_zeros", self.symbolic_zeros);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        self.callee.abstract_eval("custom_jvp_call", args)
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::replicated(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], _: &[Aval]) -> Result<Values> {
        self.callee.lower(cx, args)
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let n = self.callee.num_consts();
        refuse_captured(&self.name, &tangents[..n]);
        let at = here();
        let run = || guarded_rule(&self.name, at, || (self.rule)(&primals[n..], &tangents[n..]));
        let (outs, tangents) = with_trace(current(), None, run);
        (outs.into(), tangents.into())
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        self.callee.transpose(&self.name, cts, args)
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let n = self.callee.num_consts();
        let rule = batched_jvp(self.rule.clone(), &dims[n..], axis, here());
        let prim = CustomJvpCall { callee: self.callee.batched(dims, axis), rule, ..self.clone() };
        let outs = bind(Prim::new(prim), args);
        let dims = smallvec![Some(0); outs.len()];
        (outs, dims)
    }

    fn samples() -> Vec<Sample> {
        let f = |x: &[Array]| mul(&sin(&x[0]), &x[1]);
        let rule: JvpRule = Arc::new(move |x, dots| {
            let (dx, dy) = (instantiate(&dots[0], x[0].aval()), instantiate(&dots[1], x[1].aval()));
            let through_x = mul(&mul(&cos(&x[0]), &x[1]), &dx);
            (vec![f(x)], vec![Some(super::add(&through_x, &mul(&sin(&x[0]), &dy)))])
        });
        vec![Sample::of(move |dtype| {
            let vector = Aval::new([3], dtype);
            let closed = stage("f", &[vector.clone(), vector], here(), |x| vec![f(&x)]);
            let (callee, rule) = (Callee::Jaxpr(closed.jaxpr, 0), rule.clone());
            let prim = CustomJvpCall {
                name: "f".into(),
                callee,
                jvp_name: "f_jvp".into(),
                rule,
                symbolic_zeros: false,
            };
            Sample::new(Prim::new(prim), [SampleArg::wide([3], dtype), SampleArg::wide([3], dtype)])
        })]
    }

    fn effects(&self) -> Effects {
        self.callee.jaxpr().map_or(Effects::NONE, |jaxpr| jaxpr.effects())
    }

    fn jaxprs(&self) -> SmallVec<[&Arc<Jaxpr>; 2]> {
        self.callee.jaxpr().into_iter().collect()
    }

    fn partial_eval(&self, cx: &PartialEvalCx<'_>, args: &[Array]) -> Option<Arrays> {
        Some(self.callee.partial_eval(&self.name, cx, args))
    }

    fn evaluate(&self, args: &[Array]) -> Option<Arrays> {
        self.callee.evaluate(&self.name, args)
    }

    fn uses_axis(&self, name: &str) -> bool {
        // Of a closure nothing is known yet.
        self.callee.jaxpr().is_none_or(|jaxpr| jaxpr.uses_axis(name))
    }

    fn staged(&self, args: &[Array]) -> Option<(Prim, Vec<Array>)> {
        let (callee, args) = self.callee.staged(&self.name, args)?;
        Some((Prim::new(CustomJvpCall { callee, ..self.clone() }), args))
    }
}

/// The rule over a mapped axis: results and tangents are mapped along dimension 0.
fn batched_jvp(rule: JvpRule, dims: &[Option<usize>], axis: &AxisInfo, at: Source) -> JvpRule {
    let (dims, axis) = (dims.to_vec(), axis.clone());
    Arc::new(move |primals, tangents| {
        let nonzero: Vec<bool> = tangents.iter().map(Option::is_some).collect();
        let args: Vec<Array> = primals.iter().chain(tangents.iter().flatten()).cloned().collect();
        let arg_dims: Vec<Option<usize>> = dims.iter().copied().chain(pick(&dims, &nonzero)).collect();
        let (mut num_outs, mut given) = (0, Vec::new());
        let (outs, found) = batch(
            |args| {
                let (primals, rest) = args.split_at(nonzero.len());
                let mut rest = rest.iter().cloned();
                let tangents: Vec<Option<Array>> =
                    nonzero.iter().map(|nz| if *nz { rest.next() } else { None }).collect();
                let (mut outs, tangents) = rule(primals, &tangents);
                num_outs = outs.len();
                given = tangents.iter().map(Option::is_some).collect();
                outs.extend(tangents.into_iter().flatten());
                outs
            },
            &args,
            &arg_dims,
            axis.clone(),
            at,
        );
        let mut outs = all_at_front(&outs, &found, &axis);
        let mut tangents = outs.split_off(num_outs).into_iter();
        (outs, given.iter().map(|nz| if *nz { tangents.next() } else { None }).collect())
    })
}

/// A call of a function with its own vjp.
#[derive(Clone)]
pub(crate) struct CustomVjpCall {
    pub(crate) name: Arc<str>,
    pub(crate) callee: Callee,
    pub(crate) fwd_name: Arc<str>,
    pub(crate) bwd_name: Arc<str>,
    pub(crate) fwd: FwdRule,
    /// Whether the rules are told which arguments have no tangent and which cotangents are zero.
    pub(crate) symbolic_zeros: bool,
}

impl PartialEq for CustomVjpCall {
    fn eq(&self, other: &Self) -> bool {
        self.callee.same(&other.callee) && Arc::ptr_eq(&self.fwd, &other.fwd)
    }
}

impl Eq for CustomVjpCall {}

impl Hash for CustomVjpCall {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.callee.address().hash(state);
    }
}

impl std::fmt::Debug for CustomVjpCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "custom_vjp_call[{}]", self.name)
    }
}

impl Primitive for CustomVjpCall {
    fn name(&self) -> &'static str {
        "custom_vjp_call"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.keep_order();
        params.show("name", &self.name);
        params.show("bwd", &self.bwd_name);
        if let Some(jaxpr) = self.callee.jaxpr() {
            params.jaxpr("call_jaxpr", jaxpr);
        }
        params.show("fwd", &self.fwd_name);
        if self.callee.num_consts() > 0 {
            params.show("num_consts", self.callee.num_consts());
        }
        params.flag("symbolic_zeros", self.symbolic_zeros);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        self.callee.abstract_eval("custom_vjp_call", args)
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::replicated(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], _: &[Aval]) -> Result<Values> {
        self.callee.lower(cx, args)
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let n = self.callee.num_consts();
        refuse_captured(&self.name, &tangents[..n]);
        let at = here();
        let nonzero: Vec<bool> = tangents[n..].iter().map(Option::is_some).collect();
        let forward = || guarded_rule(&self.name, at, || (self.fwd)(&primals[n..], &nonzero));
        let Forward { outs, residuals, backward } = with_trace(current(), None, forward);
        let smooth: Vec<bool> = outs.iter().map(|out| has_tangent(out.aval())).collect();
        let prim = CustomLin {
            name: self.name.clone(),
            backward,
            num_residuals: residuals.len(),
            out_avals: outs.iter().map(|out| out.aval().strong()).collect(),
            out_smooth: smooth.clone(),
            args: nonzero,
            symbolic_zeros: self.symbolic_zeros,
        };
        let operands: Vec<Array> =
            residuals.into_iter().chain(tangents[n..].iter().flatten().cloned()).collect();
        let mut given = bind(Prim::new(prim), &operands).into_iter();
        let tangents = smooth.iter().map(|smooth| if *smooth { given.next() } else { None }).collect();
        (outs.into(), tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        self.callee.transpose(&self.name, cts, args)
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let n = self.callee.num_consts();
        let fwd = batched_fwd(self.fwd.clone(), &dims[n..], axis, here());
        let prim = CustomVjpCall { callee: self.callee.batched(dims, axis), fwd, ..self.clone() };
        let outs = bind(Prim::new(prim), args);
        let dims = smallvec![Some(0); outs.len()];
        (outs, dims)
    }

    fn samples() -> Vec<Sample> {
        let f = |x: &[Array]| mul(&sin(&x[0]), &x[1]);
        let fwd: FwdRule = Arc::new(move |x, _| {
            let backward: BwdRule = Arc::new(|residuals, cts| {
                let pull = |ct: &Array| {
                    let of_x = mul(&mul(&cos(&residuals[0]), &residuals[1]), ct);
                    vec![Some(of_x), Some(mul(&sin(&residuals[0]), ct))]
                };
                cts[0].as_ref().map_or_else(|| vec![None, None], pull)
            });
            Forward { outs: vec![f(x)], residuals: x.to_vec(), backward }
        });
        // Forward mode is refused: the derivative is tested in `api/custom`.
        vec![Sample::of(move |dtype| {
            let vector = Aval::new([3], dtype);
            let closed = stage("f", &[vector.clone(), vector], here(), |x| vec![f(&x)]);
            let prim = CustomVjpCall {
                name: "f".into(),
                callee: Callee::Jaxpr(closed.jaxpr, 0),
                fwd_name: "fwd".into(),
                bwd_name: "bwd".into(),
                fwd: fwd.clone(),
                symbolic_zeros: false,
            };
            let args = [SampleArg::wide([3], dtype), SampleArg::wide([3], dtype)];
            Sample::new(Prim::new(prim), args).not_differentiable()
        })]
    }

    fn effects(&self) -> Effects {
        self.callee.jaxpr().map_or(Effects::NONE, |jaxpr| jaxpr.effects())
    }

    fn jaxprs(&self) -> SmallVec<[&Arc<Jaxpr>; 2]> {
        self.callee.jaxpr().into_iter().collect()
    }

    fn partial_eval(&self, cx: &PartialEvalCx<'_>, args: &[Array]) -> Option<Arrays> {
        Some(self.callee.partial_eval(&self.name, cx, args))
    }

    fn evaluate(&self, args: &[Array]) -> Option<Arrays> {
        self.callee.evaluate(&self.name, args)
    }

    fn uses_axis(&self, name: &str) -> bool {
        // Of a closure nothing is known yet.
        self.callee.jaxpr().is_none_or(|jaxpr| jaxpr.uses_axis(name))
    }

    fn staged(&self, args: &[Array]) -> Option<(Prim, Vec<Array>)> {
        let (callee, args) = self.callee.staged(&self.name, args)?;
        Some((Prim::new(CustomVjpCall { callee, ..self.clone() }), args))
    }
}

/// The forward pass over a mapped axis: results are mapped along dimension 0, residuals where they come to be.
fn batched_fwd(fwd: FwdRule, dims: &[Option<usize>], axis: &AxisInfo, at: Source) -> FwdRule {
    let (dims, axis) = (dims.to_vec(), axis.clone());
    Arc::new(move |args, perturbed| {
        let (mut num_outs, mut backward) = (0, None);
        let (mut outs, mut found) = batch(
            |args| {
                let forward = fwd(&args, perturbed);
                num_outs = forward.outs.len();
                backward = Some(forward.backward);
                forward.outs.into_iter().chain(forward.residuals).collect()
            },
            args,
            &dims,
            axis.clone(),
            at,
        );
        let (residuals, residual_dims) = (outs.split_off(num_outs), found.split_off(num_outs));
        let backward = batched_bwd(backward.expect("run"), residual_dims, dims.clone(), axis.clone(), at);
        Forward { outs: all_at_front(&outs, &found, &axis), residuals, backward }
    })
}

/// The backward pass over a mapped axis: cotangents are mapped as the arguments are, and summed over the axis where those are not.
fn batched_bwd(
    bwd: BwdRule,
    residual_dims: Vec<Option<usize>>,
    dims: Vec<Option<usize>>,
    axis: AxisInfo,
    at: Source,
) -> BwdRule {
    Arc::new(move |residuals, cts| {
        let nonzero: Vec<bool> = cts.iter().map(Option::is_some).collect();
        let args: Vec<Array> = residuals.iter().chain(cts.iter().flatten()).cloned().collect();
        let ct_dims = nonzero.iter().filter(|nz| **nz).map(|_| Some(0));
        let arg_dims: Vec<Option<usize>> = residual_dims.iter().copied().chain(ct_dims).collect();
        let mut given = Vec::new();
        let (grads, found) = batch(
            |args| {
                let (residuals, rest) = args.split_at(residual_dims.len());
                let mut rest = rest.iter().cloned();
                let cts: Vec<Option<Array>> =
                    nonzero.iter().map(|nz| if *nz { rest.next() } else { None }).collect();
                let grads = bwd(residuals, &cts);
                given = grads.iter().map(Option::is_some).collect();
                grads.into_iter().flatten().collect()
            },
            &args,
            &arg_dims,
            axis.clone(),
            at,
        );
        let mut grads = grads.iter().zip(found);
        let place = |dim: &Option<usize>, (grad, found): (&Array, Option<usize>)| match (dim, found) {
            (Some(dim), found) => move_to(&KIT, grad, found, *dim, axis.size),
            (None, Some(found)) => reduce_sum(grad, &[found]),
            (None, None) => mul(grad, &scalar_like(grad, axis.size as f64)),
        };
        given
            .iter()
            .zip(&dims)
            .map(|(given, dim)| if *given { grads.next().map(|grad| place(dim, grad)) } else { None })
            .collect()
    })
}

/// The derivative of a `custom_vjp` function: operands are the residuals and the tangents that are not zero.
#[derive(Clone)]
pub(crate) struct CustomLin {
    name: Arc<str>,
    backward: BwdRule,
    num_residuals: usize,
    /// The types of all results.
    out_avals: Vec<Aval>,
    /// Which results have tangents.
    out_smooth: Vec<bool>,
    /// Which arguments have a tangent among the operands.
    args: Vec<bool>,
    symbolic_zeros: bool,
}

impl CustomLin {
    fn refusal(&self) -> Error {
        Error::unsupported(format!(
            "can't apply forward-mode differentiation (jvp) to a custom_vjp function: `{}` has a rule for reverse mode only",
            self.name
        ))
    }
}

impl PartialEq for CustomLin {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.backward, &other.backward) && self.args == other.args
    }
}

impl Eq for CustomLin {}

impl Hash for CustomLin {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (Arc::as_ptr(&self.backward).cast::<()>() as usize).hash(state);
    }
}

impl std::fmt::Debug for CustomLin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "custom_lin[{}]", self.name)
    }
}

impl Primitive for CustomLin {
    fn name(&self) -> &'static str {
        "custom_lin"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.show("num_res", self.num_residuals);
        params.flag("symbolic_zeros", self.symbolic_zeros);
    }

    fn abstract_eval(&self, _: &[&Aval]) -> Result<Avals> {
        Ok(pick(&self.out_avals, &self.out_smooth).into())
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::replicated(args, outs)
    }

    fn lower(&self, _: &mut LowerCx<'_>, _: &[Value], _: &[Aval]) -> Result<Values> {
        Err(self.refusal())
    }

    fn jvp(&self, _: &[Array], _: &[Option<Array>]) -> (Arrays, Tangents) {
        self.refusal().raise()
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let (residuals, tangents) = args.split_at(self.num_residuals);
        if residuals.iter().any(Operand::is_linear) {
            return Linear::No;
        }
        let residuals: Vec<Array> = residuals.iter().map(|r| r.known().clone()).collect();
        let mut given = cts.iter().cloned();
        let cts: Vec<Option<Array>> = self
            .out_smooth
            .iter()
            .map(|smooth| if *smooth { given.next().flatten() } else { None })
            .collect();
        let at = here();
        let run = || guarded_rule(&self.name, at, || (self.backward)(&residuals, &cts));
        let grads = with_trace(current(), None, run);
        let wanted = grads.into_iter().zip(&self.args).filter(|(_, has)| **has).map(|(grad, _)| grad);
        // A tangent that turned out to be known has no cotangent.
        let wanted = wanted.zip(tangents).map(|(grad, t)| if t.is_linear() { grad } else { None });
        Linear::Cotangents(residuals.iter().map(|_| None).chain(wanted).collect())
    }

    fn batch(&self, _: &[Array], _: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        self.refusal().raise()
    }

    fn samples() -> Vec<Sample> {
        // It is no function of arrays: the tests of `custom_vjp` go through it.
        Vec::new()
    }

    fn evaluate(&self, _: &[Array]) -> Option<Arrays> {
        self.refusal().raise()
    }
}
