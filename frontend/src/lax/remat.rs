//! Rematerialisation: `checkpoint` (`remat2` in jaxprs), the policies that say what it saves, `name`, `optimization_barrier`.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use jacinth_lowering::Types;
use jacinth_lowering::ops::control as ops;
use smallvec::{SmallVec, smallvec};

use super::rules::instantiate;
use super::{DotGeneral, Jit, KIT, mul, reduce_precision, sin};
use crate::error::{Error, Result};
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Effects, Eqn, Jaxpr, Linear, LowerCx, Operand,
    Params, PartialEvalCx, Prim, Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values,
    tensor_type,
};
use crate::trace::{bind, bind1, eval_jaxpr, here, stage};
use crate::transform::{
    RematSplit, batch_jaxpr, dce_jaxpr, jvp_jaxpr, negate, pick, remat_jaxpr, transpose_jaxpr,
};

/// What a checkpointed function passes from the forward to the backward pass; the rest is computed again.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Policy {
    /// Everything that the backward pass needs.
    EverythingSaveable,
    /// Arguments only.
    NothingSaveable,
    /// Products of matrices and convolutions.
    DotsSaveable {
        /// Only products without batch dimensions.
        only_if_no_batch_dims: bool,
    },
    /// Values with one of these names.
    SaveOnlyTheseNames(BTreeSet<String>),
    /// Values with any names but these.
    SaveAnyNamesButThese(BTreeSet<String>),
    /// All values but those with these names.
    SaveAnythingExceptTheseNames(BTreeSet<String>),
    /// What one or the other saves.
    SaveFromBothPolicies(Arc<Policy>, Arc<Policy>),
    /// What a function of the operation and its operands' types says.
    Custom(CustomPolicy),
}

/// A function that says of an operation whether its results may be saved.
#[derive(Clone)]
pub struct CustomPolicy(Arc<dyn Fn(&Prim, &[&Aval]) -> bool + Send + Sync>);

impl CustomPolicy {
    /// The policy of that function.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, grad, lax};
    /// # use jacinth_frontend::{checkpoint, lax::{CustomPolicy, Policy}};
    /// let sines = Policy::Custom(CustomPolicy::new(|prim, _| prim.name() == "sin"));
    /// let f = checkpoint(|x: &Array| lax::cos(&lax::sin(x))).policy(sines);
    /// assert_eq!(grad(&f)(&Array::from(0.0)).item::<f32>(), 0.0);
    /// ```
    pub fn new(saveable: impl Fn(&Prim, &[&Aval]) -> bool + Send + Sync + 'static) -> Self {
        CustomPolicy(Arc::new(saveable))
    }
}

impl PartialEq for CustomPolicy {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for CustomPolicy {}

impl Hash for CustomPolicy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (Arc::as_ptr(&self.0).cast::<()>() as usize).hash(state);
    }
}

impl fmt::Debug for CustomPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CustomPolicy")
    }
}

impl Policy {
    /// Whether the results of an operation may be saved.
    ///
    /// ```
    /// # use jacinth_frontend::lax;
    /// # use jacinth_frontend::{ir::Prim, lax::{Policy, StopGradient}};
    /// let prim = Prim::new(StopGradient);
    /// assert!(Policy::EverythingSaveable.saveable(&prim, &[]));
    /// assert!(!Policy::DotsSaveable { only_if_no_batch_dims: false }.saveable(&prim, &[]));
    /// ```
    pub fn saveable(&self, prim: &Prim, operands: &[&Aval]) -> bool {
        let name = || prim.as_any().downcast_ref::<Name>().map(|n| &*n.name);
        match self {
            Policy::EverythingSaveable => true,
            Policy::NothingSaveable => false,
            Policy::DotsSaveable { only_if_no_batch_dims } => {
                match prim.as_any().downcast_ref::<DotGeneral>() {
                    Some(dot) => !only_if_no_batch_dims || dot.dimension_numbers.lhs_batch.is_empty(),
                    None => !only_if_no_batch_dims && prim.name() == "conv_general_dilated",
                }
            }
            Policy::SaveOnlyTheseNames(names) => name().is_some_and(|name| names.contains(name)),
            Policy::SaveAnyNamesButThese(names) => name().is_some_and(|name| !names.contains(name)),
            Policy::SaveAnythingExceptTheseNames(names) => name().is_none_or(|name| !names.contains(name)),
            Policy::SaveFromBothPolicies(a, b) => a.saveable(prim, operands) || b.saveable(prim, operands),
            Policy::Custom(custom) => (custom.0)(prim, operands),
        }
    }
}

/// As JAX prints it.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = |names: &BTreeSet<String>| {
            let names: Vec<String> = names.iter().map(|n| format!("'{n}'")).collect();
            format!("frozenset({{{}}})", names.join(", "))
        };
        match self {
            Policy::EverythingSaveable => f.write_str("everything_saveable"),
            Policy::NothingSaveable => f.write_str("nothing_saveable"),
            Policy::DotsSaveable { only_if_no_batch_dims } => {
                let flag = if *only_if_no_batch_dims { "True" } else { "False" };
                write!(f, "DotsSaveable(only_if_no_batch_dims={flag})")
            }
            Policy::SaveOnlyTheseNames(names) => {
                write!(f, "SaveOnlyTheseNames(saveable_names={})", set(names))
            }
            Policy::SaveAnyNamesButThese(names) => write!(f, "SaveAnyNamesButThese(names={})", set(names)),
            Policy::SaveAnythingExceptTheseNames(names) => {
                write!(f, "SaveAnythingExceptTheseNames(names={})", set(names))
            }
            Policy::SaveFromBothPolicies(a, b) => write!(f, "SaveFromBothPolicies({a}, {b})"),
            Policy::Custom(_) => f.write_str("<function>"),
        }
    }
}

/// `remat2`: a call whose values are computed again in the backward pass.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Remat {
    /// What is computed.
    pub(crate) jaxpr: Arc<Jaxpr>,
    /// Whether this is the part that is computed again.
    pub(crate) differentiated: bool,
    /// What is saved; `None` saves nothing.
    pub(crate) policy: Option<Policy>,
    /// Whether the compiler is kept from merging what is computed again with what was computed first.
    pub(crate) prevent_cse: bool,
}

impl Remat {
    /// The same call of another jaxpr.
    fn of(&self, jaxpr: Arc<Jaxpr>) -> Prim {
        Prim::new(Remat { jaxpr, ..self.clone() })
    }

    fn split(&self, unknown: &[bool]) -> RematSplit {
        #[derive(PartialEq)]
        struct Key(Vec<bool>, Option<Policy>);
        let policy = self.policy.clone().unwrap_or(Policy::NothingSaveable);
        self.jaxpr.memoise(Key(unknown.into(), self.policy.clone()), || {
            let saveable = |eqn: &Eqn, jaxpr: &Jaxpr| {
                let operands: SmallVec<[&Aval; 4]> = eqn.inputs.iter().map(|a| jaxpr.atom_aval(a)).collect();
                policy.saveable(&eqn.prim, &operands)
            };
            let inlined = |eqn: &Eqn| eqn.prim.as_any().downcast_ref::<Jit>().map(|jit| jit.jaxpr.clone());
            remat_jaxpr(&self.jaxpr, unknown, saveable, inlined, at_its_precision, here())
        })
    }
}

/// The value rounded to its own type, so that both passes see the same one even where a compiler keeps more digits.
fn at_its_precision(x: &Array) -> Array {
    match x.dtype() {
        DType::F16 => reduce_precision(x, 5, 10),
        DType::BF16 => reduce_precision(x, 8, 7),
        DType::F32 => reduce_precision(x, 8, 23),
        DType::F64 => reduce_precision(x, 11, 52),
        _ => x.clone(),
    }
}

impl Primitive for Remat {
    fn name(&self) -> &'static str {
        "remat2"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.flag("differentiated", self.differentiated);
        params.jaxpr("jaxpr", &self.jaxpr);
        match &self.policy {
            Some(policy) => params.show("policy", policy),
            None => params.none("policy"),
        }
        params.flag("prevent_cse", self.prevent_cse);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let fits = args.len() == self.jaxpr.invars.len()
            && self.jaxpr.in_avals().zip(args).all(|(expected, found)| expected.same_type(found));
        if !fits {
            let expected: Vec<&Aval> = self.jaxpr.in_avals().collect();
            return Err(Error::operands(
                "checkpoint",
                format!("the function takes {expected:?}, got {args:?}"),
            ));
        }
        Ok(self.jaxpr.out_avals().cloned().collect())
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::replicated(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], _: &[Aval]) -> Result<Values> {
        if self.differentiated && self.prevent_cse && !args.is_empty() {
            let avals: Vec<Aval> = self.jaxpr.in_avals().cloned().collect();
            let args = barrier(cx, args, &avals)?;
            return cx.inline(&self.jaxpr, &args);
        }
        cx.inline(&self.jaxpr, args)
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let nonzero: SmallVec<[bool; 8]> = tangents.iter().map(Option::is_some).collect();
        let (jaxpr, out_nonzero) = jvp_jaxpr(&KIT, &self.jaxpr, &nonzero, &[], here());
        let args: Vec<Array> = primals.iter().chain(tangents.iter().flatten()).cloned().collect();
        let mut outs = bind(self.of(jaxpr), &args);
        let mut given = outs.drain(self.jaxpr.outs.len()..).collect::<Vec<_>>().into_iter();
        let tangents = out_nonzero.iter().map(|nz| if *nz { given.next() } else { None }).collect();
        (outs, tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let linear: Vec<bool> = args.iter().map(Operand::is_linear).collect();
        let nonzero: Vec<bool> = cts.iter().map(Option::is_some).collect();
        let transposed = transpose_jaxpr(&KIT, &self.jaxpr, &linear, &nonzero, here());
        let constants = args.iter().filter(|a| !a.is_linear()).map(|a| a.known().clone());
        let operands: Vec<Array> = constants.chain(cts.iter().flatten().cloned()).collect();
        let mut outs = bind(self.of(transposed.jaxpr), &operands).into_iter();
        Linear::Cotangents(transposed.nonzero.iter().map(|nz| if *nz { outs.next() } else { None }).collect())
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let batched = batch_jaxpr(&KIT, &self.jaxpr, dims, axis, None, here());
        (bind(self.of(batched.jaxpr), args), batched.out_dims.iter().copied().collect())
    }

    fn samples() -> Vec<Sample> {
        let of = |policy, differentiated, dtype| {
            let aval = Aval::new([2, 3], dtype);
            let closed = stage("f", &[aval.clone(), aval], here(), |x| vec![mul(&sin(&sin(&x[0])), &x[1])]);
            let prim = Remat { jaxpr: closed.jaxpr, differentiated, policy, prevent_cse: true };
            Sample::new(Prim::new(prim), [SampleArg::wide([2, 3], dtype), SampleArg::wide([2, 3], dtype)])
        };
        let sample = |policy: Option<Policy>, differentiated: bool| {
            Sample::of(move |dtype| of(policy.clone(), differentiated, dtype))
        };
        vec![sample(None, false), sample(Some(Policy::EverythingSaveable), false), sample(None, true)]
    }

    fn effects(&self) -> Effects {
        self.jaxpr.effects()
    }

    fn jaxprs(&self) -> SmallVec<[&Arc<Jaxpr>; 2]> {
        smallvec![&self.jaxpr]
    }

    /// The known results are computed now, out of the call; later the call computes again what was not saved.
    fn partial_eval(&self, cx: &PartialEvalCx<'_>, args: &[Array]) -> Option<Arrays> {
        let unknown: Vec<bool> = args.iter().map(|a| cx.is_unknown(a)).collect();
        let split = self.split(&unknown);
        let known_args = pick(args, &negate(&unknown));
        let mut known = eval_jaxpr(&split.known, &[], &known_args);
        let mut operands = known.split_off(known.len() - split.num_residuals);
        operands.extend(pick(&known_args, &split.needed));
        operands.extend(pick(args, &unknown));
        let later = if split.out_unknown.contains(&true) {
            let prim = Remat { jaxpr: split.later, differentiated: true, ..self.clone() };
            cx.record(Prim::new(prim), &operands)
        } else {
            smallvec![]
        };
        let (mut known, mut later) = (known.into_iter(), later.into_iter());
        let next = |unknown: &bool| if *unknown { later.next() } else { known.next() };
        Some(split.out_unknown.iter().map(next).map(|out| out.expect("one result each")).collect())
    }

    fn dead_code(&self, used: &[bool]) -> Option<(Prim, Vec<bool>)> {
        let (jaxpr, live) = dce_jaxpr(&self.jaxpr, used, false);
        Some((self.of(Arc::new(jaxpr)), live.invars))
    }
}

/// The value under a name that checkpoint policies speak of; otherwise the identity.
///
/// ```
/// # use jacinth_frontend::{Array, lax, make_jaxpr};
/// let f = |x: &Array| lax::checkpoint_name(&lax::sin(x), "angle");
/// assert!(make_jaxpr(f)(&Array::from(1.0)).unwrap().to_string().contains("name[name=angle]"));
/// ```
#[track_caller]
pub fn checkpoint_name(x: &Array, name: &str) -> Array {
    bind1(Prim::new(Name { name: name.into() }), std::slice::from_ref(x))
}

/// `name`; see [`checkpoint_name`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Name {
    /// The name.
    pub name: Arc<str>,
}

impl Primitive for Name {
    fn name(&self) -> &'static str {
        "name"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.show("name", &self.name);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        Ok(smallvec![args[0].clone()])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::elementwise(args, outs)
    }

    fn lower(&self, _: &mut LowerCx<'_>, args: &[Value], _: &[Aval]) -> Result<Values> {
        Ok(smallvec![args[0]])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        // The tangent has no name.
        (bind(Prim::new(self.clone()), primals), smallvec![tangents[0].clone()])
    }

    fn transpose(&self, cts: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::Cotangents(smallvec![cts[0].clone()])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        (bind(Prim::new(self.clone()), args), smallvec![dims[0]])
    }

    fn samples() -> Vec<Sample> {
        vec![Sample::new(Prim::new(Name { name: "a".into() }), [SampleArg::f32([2, 3])])]
    }
}

/// Keeps a value in the program although nothing uses it.
///
/// The computation of the value, and what it needs, are then no dead code to whatever looks for such, as far as the plugin's compiler.
///
/// ```
/// # use jacinth_frontend::{Array, lax, make_jaxpr};
/// let f = |x: &Array| {
///     lax::dce_sink(&lax::sin(x));
///     x.clone()
/// };
/// assert!(make_jaxpr(f)(&Array::from(1.0)).unwrap().to_string().contains("dce_sink"));
/// ```
#[track_caller]
pub fn dce_sink(x: &Array) {
    bind(Prim::Static(&DceSink), std::slice::from_ref(x));
}

/// `dce_sink`; see the function of that name.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct DceSink;

impl Primitive for DceSink {
    fn name(&self) -> &'static str {
        "dce_sink"
    }

    fn params<'a>(&'a self, _: &mut Params<'a>) {}

    fn abstract_eval(&self, _: &[&Aval]) -> Result<Avals> {
        Ok(smallvec![])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::elementwise(args, outs)
    }

    fn lower(&self, _: &mut LowerCx<'_>, _: &[Value], _: &[Aval]) -> Result<Values> {
        Ok(Values::new())
    }

    fn jvp(&self, primals: &[Array], _: &[Option<Array>]) -> (Arrays, Tangents) {
        (bind(Prim::Static(&DceSink), primals), smallvec![])
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    fn batch(&self, args: &[Array], _: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        (bind(Prim::Static(&DceSink), args), smallvec![])
    }

    // It gives nothing that laws could compare.
    fn samples() -> Vec<Sample> {
        Vec::new()
    }

    fn evaluate(&self, _: &[Array]) -> Option<Arrays> {
        Some(smallvec![])
    }

    fn effects(&self) -> Effects {
        Effects::KEPT
    }
}

/// The same values, behind a wall that the compiler does not move operations across.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let outs = lax::optimization_barrier(&[Array::from([1, 2]), Array::from(3.0f32)]);
/// assert_eq!((outs[0].to_vec::<i32>(), outs[1].item::<f32>()), (vec![1, 2], 3.0));
/// ```
#[track_caller]
pub fn optimization_barrier(operands: &[Array]) -> Vec<Array> {
    bind(Prim::Static(&OptimizationBarrier), operands).into_vec()
}

/// `optimization_barrier`; see the function of that name.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct OptimizationBarrier;

/// The values behind a wall.
fn barrier(cx: &mut LowerCx<'_>, args: &[Value], avals: &[Aval]) -> Result<Values> {
    let types: Types = avals.iter().map(|a| tensor_type(a).into()).collect();
    let op = ops::OptimizationBarrier.into();
    Ok(cx.builder.op_full(op, args, Vec::new(), Some(types), Default::default())?)
}

impl Primitive for OptimizationBarrier {
    fn name(&self) -> &'static str {
        "optimization_barrier"
    }

    fn params<'a>(&'a self, _: &mut Params<'a>) {}

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        Ok(args.iter().map(|a| (*a).clone()).collect())
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::replicated(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        if args.is_empty() { Ok(Values::new()) } else { barrier(cx, args, outs) }
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let filled: Vec<Array> =
            tangents.iter().zip(primals).map(|(t, p)| instantiate(t, &p.aval().strong())).collect();
        let outs = optimization_barrier(primals);
        (outs.into(), optimization_barrier(&filled).into_iter().map(Some).collect())
    }

    fn transpose(&self, cts: &[Option<Array>], _: &[Operand]) -> Linear {
        let given: Vec<Array> = cts.iter().flatten().cloned().collect();
        let mut given = optimization_barrier(&given).into_iter();
        Linear::Cotangents(cts.iter().map(|ct| ct.as_ref().and_then(|_| given.next())).collect())
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        (optimization_barrier(args).into(), dims.iter().copied().collect())
    }

    fn samples() -> Vec<Sample> {
        vec![Sample::new(&OptimizationBarrier, [SampleArg::f32([2, 3]), SampleArg::f32([4])])]
    }
}
