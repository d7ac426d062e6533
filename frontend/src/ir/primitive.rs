//! Primitives: what an equation applies, and the rules every one of them must have.
//!
//! [`Primitive`] is the one trait; all rules are required items, so a missing one does not compile. A primitive *value* is a
//! primitive with its parameters: a `static` table row where there are none, an `Arc` where there are. Equality and
//! hashing come with `derive` through [`DynEq`].
//!
//! Rules that speak of arrays (`jvp`, `transpose`, `batch`) are written with lax functions and run while the enclosing
//! trace is current, so that higher orders work by themselves. Rules may panic with an [`Error`] through those
//! functions; only `abstract_eval` and `lower`, which stand at the door, return one.

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{BitOr, Deref};
use std::sync::Arc;

use smallvec::SmallVec;

use super::array::{Array, TraceId};
use super::aval::{Aval, DType};
use super::jaxpr::Jaxpr;
use super::lowering::{LowerCx, Value, Values};
use crate::error::{Result, boundary};

/// Arrays that a primitive takes or gives.
pub type Arrays = SmallVec<[Array; 1]>;
/// Avals of what a primitive gives.
pub type Avals = SmallVec<[Aval; 1]>;
/// Tangents or cotangents; `None` is a symbolic zero.
pub type Tangents = SmallVec<[Option<Array>; 2]>;
/// For each array the dimension that is mapped over; `None` where the array is the same for all.
pub type BatchDims = SmallVec<[Option<usize>; 2]>;

/// The rules of one primitive.
pub trait Primitive: DynEq + fmt::Debug + Send + Sync + 'static {
    /// The name that jaxprs print.
    fn name(&self) -> &'static str;

    /// The parameters that jaxprs print, named and spelled as JAX does.
    fn params<'a>(&'a self, params: &mut Params<'a>);

    /// The avals of the results, or a sentence that says what is wrong with the operands.
    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals>;

    /// How dimensions of operands and results correspond, for the propagation of shardings.
    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule;

    /// Appends the operations that compute the primitive.
    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values>;

    /// Results and their tangents, from operands and their tangents (`None` is zero, and not all are).
    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents);

    /// For primitives that are linear in some operands: the cotangents of the linear ones. The rest say [`Linear::No`].
    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear;

    /// The primitive applied to every slice of the mapped operands: at least one of `dims` is `Some`, or the primitive uses the
    /// axis by its name.
    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims);

    /// Applications from which the tests of the rules are generated.
    fn samples() -> Vec<Sample>
    where
        Self: Sized;

    /// What the primitive does besides computing.
    fn effects(&self) -> Effects {
        Effects::NONE
    }

    /// The jaxprs among the parameters.
    fn jaxprs(&self) -> SmallVec<[&Arc<Jaxpr>; 2]> {
        SmallVec::new()
    }

    /// For primitives with jaxprs: does what can be done with the known operands and records the rest. `None` records the whole
    /// application as soon as one operand is unknown.
    fn partial_eval(&self, cx: &PartialEvalCx<'_>, args: &[Array]) -> Option<Arrays> {
        let _ = (cx, args);
        None
    }

    /// For primitives with jaxprs: which results must stay while those are used. A loop's carry stays where the carry that is used needs it.
    fn live_results(&self, used: &[bool]) -> Vec<bool> {
        used.to_vec()
    }

    /// For primitives with jaxprs: the primitive that computes only the used results, and which operands it still takes. `used` is what
    /// [`Primitive::live_results`] gave.
    fn dead_code(&self, used: &[bool]) -> Option<(Prim, Vec<bool>)> {
        let _ = used;
        None
    }

    /// For primitives that hold a closure: runs it on concrete arrays. `None` compiles and runs the lowering.
    fn evaluate(&self, args: &[Array]) -> Option<Arrays> {
        let _ = args;
        None
    }

    /// For primitives that hold a closure: the primitive and operands that a jaxpr records in its place.
    fn staged(&self, args: &[Array]) -> Option<(Prim, Vec<Array>)> {
        let _ = args;
        None
    }

    /// Whether results depend on the place along the named axis, apart from what the operands say.
    fn uses_axis(&self, name: &str) -> bool {
        self.jaxprs().iter().any(|jaxpr| jaxpr.uses_axis(name))
    }
}

/// An operand of a linear primitive during transposition.
#[derive(Clone, Debug)]
pub enum Operand {
    /// The cotangent of this operand is wanted.
    Linear(Aval),
    /// This operand is a constant.
    Known(Array),
}

impl Operand {
    /// The operand's aval.
    pub fn aval(&self) -> &Aval {
        match self {
            Operand::Linear(aval) => aval,
            Operand::Known(array) => array.aval(),
        }
    }

    /// The constant; panics if the operand is linear.
    #[track_caller]
    pub fn known(&self) -> &Array {
        match self {
            Operand::Known(array) => array,
            Operand::Linear(_) => panic!("transpose: a rule asked for the value of a linear operand"),
        }
    }

    /// Whether the operand's cotangent is wanted.
    pub fn is_linear(&self) -> bool {
        matches!(self, Operand::Linear(_))
    }
}

/// The answer of [`Primitive::transpose`].
#[derive(Debug)]
pub enum Linear {
    /// The primitive is linear in none of its operands.
    No,
    /// One cotangent per operand; `None` for constants and for zeros.
    Cotangents(Tangents),
}

/// What batching rules know of the mapped axis.
#[derive(Clone, Debug)]
pub struct AxisInfo {
    /// Its size.
    pub size: usize,
    /// Its name, if `vmap` was given one.
    pub name: Option<Arc<str>>,
    /// The trace that maps it, so that a closure run later takes captured tracers of that trace for its own.
    pub(crate) trace: Option<TraceId>,
}

impl AxisInfo {
    /// An axis of that size.
    pub fn new(size: usize, name: Option<Arc<str>>) -> Self {
        AxisInfo { size, name, trace: None }
    }
}

/// What partial evaluation offers to the rules of primitives with jaxprs.
pub struct PartialEvalCx<'a> {
    pub(crate) is_unknown: &'a dyn Fn(&Array) -> bool,
    pub(crate) record: &'a dyn Fn(Prim, &[Array]) -> Arrays,
}

impl PartialEvalCx<'_> {
    /// Whether the operand will be known only later.
    pub fn is_unknown(&self, array: &Array) -> bool {
        (self.is_unknown)(array)
    }

    /// Records an application for later; its results are unknown.
    pub fn record(&self, prim: impl Into<Prim>, args: &[Array]) -> Arrays {
        (self.record)(prim.into(), args)
    }
}

impl fmt::Debug for PartialEvalCx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PartialEvalCx")
    }
}

/// A primitive with its parameters.
#[derive(Clone)]
pub enum Prim {
    /// A table row.
    Static(&'static dyn Primitive),
    /// A primitive with parameters.
    Shared(Arc<dyn Primitive>),
}

impl Deref for Prim {
    type Target = dyn Primitive;
    fn deref(&self) -> &dyn Primitive {
        match self {
            Prim::Static(p) => *p,
            Prim::Shared(p) => &**p,
        }
    }
}

impl<P: Primitive> From<&'static P> for Prim {
    fn from(p: &'static P) -> Self {
        Prim::Static(p)
    }
}

impl<P: Primitive> From<Arc<P>> for Prim {
    fn from(p: Arc<P>) -> Self {
        Prim::Shared(p)
    }
}

impl Prim {
    /// A primitive with parameters.
    pub fn new(p: impl Primitive) -> Self {
        Prim::Shared(Arc::new(p))
    }
}

impl PartialEq for Prim {
    fn eq(&self, other: &Self) -> bool {
        let (a, b): (&dyn Primitive, &dyn Primitive) = (&**self, &**other);
        std::ptr::addr_eq(a, b) && a.name() == b.name() || a.dyn_eq(b)
    }
}

impl Eq for Prim {}

impl Hash for Prim {
    fn hash<H: Hasher>(&self, mut state: &mut H) {
        (**self).dyn_hash(&mut state);
    }
}

impl fmt::Debug for Prim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Equality and hashing behind a trait object; comes with `derive(PartialEq, Eq, Hash)`.
pub trait DynEq: Any {
    /// The value with its type forgotten.
    fn as_any(&self) -> &dyn Any;
    /// Whether the other is of the same type and equal.
    fn dyn_eq(&self, other: &dyn Primitive) -> bool;
    /// Hashes the value.
    fn dyn_hash(&self, state: &mut dyn Hasher);
}

impl<T: Eq + Hash + Any> DynEq for T {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn dyn_eq(&self, other: &dyn Primitive) -> bool {
        other.as_any().downcast_ref::<T>() == Some(self)
    }

    fn dyn_hash(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }
}

/// What a computation does besides computing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Effects(u8);

impl Effects {
    /// Nothing.
    pub const NONE: Effects = Effects(0);
    /// Calls the host; calls may be reordered.
    pub const IO: Effects = Effects(1);
    /// Calls the host, in program order.
    pub const ORDERED_IO: Effects = Effects(2);
    /// Nothing, but it must not be left out.
    pub const KEPT: Effects = Effects(4);

    /// Whether the program's order is one of them.
    pub fn is_ordered(self) -> bool {
        self.0 & Effects::ORDERED_IO.0 != 0
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for Effects {
    type Output = Effects;
    fn bitor(self, rhs: Effects) -> Effects {
        Effects(self.0 | rhs.0)
    }
}

/// Parameters as a jaxpr prints them.
#[derive(Default)]
pub struct Params<'a> {
    pub(crate) entries: Vec<(&'static str, Param<'a>)>,
    pub(crate) keep_order: bool,
    pub(crate) share_names: bool,
}

pub(crate) enum Param<'a> {
    Text(String),
    Jaxpr(&'a Arc<Jaxpr>),
    Jaxprs(&'a [Arc<Jaxpr>]),
}

impl<'a> Params<'a> {
    /// `name=value`.
    pub fn show(&mut self, name: &'static str, value: impl fmt::Display) {
        self.entries.push((name, Param::Text(value.to_string())));
    }

    /// `name=(0, 1)`, as Python writes a tuple.
    pub fn tuple(&mut self, name: &'static str, values: impl IntoIterator<Item = impl fmt::Display>) {
        self.entries.push((name, Param::Text(python_tuple(values))));
    }

    /// `name=True` or `name=False`.
    pub fn flag(&mut self, name: &'static str, value: bool) {
        self.show(name, if value { "True" } else { "False" });
    }

    /// `name=None`.
    pub fn none(&mut self, name: &'static str) {
        self.show(name, "None");
    }

    /// `name=float32`.
    pub fn dtype(&mut self, name: &'static str, dtype: DType) {
        self.show(name, super::aval::numpy_name(dtype));
    }

    /// `name={ lambda … }`.
    pub fn jaxpr(&mut self, name: &'static str, jaxpr: &'a Arc<Jaxpr>) {
        self.entries.push((name, Param::Jaxpr(jaxpr)));
    }

    /// `name=({ lambda … } { lambda … })`.
    pub fn jaxprs(&mut self, name: &'static str, jaxprs: &'a [Arc<Jaxpr>]) {
        self.entries.push((name, Param::Jaxprs(jaxprs)));
    }

    /// Prints in the order given instead of alphabetically.
    pub fn keep_order(&mut self) {
        self.keep_order = true;
    }

    /// Lets the variables of the one jaxpr take the names of the operands and results of the equation.
    pub fn share_names(&mut self) {
        self.share_names = true;
    }
}

impl fmt::Debug for Params<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|(name, _)| name)).finish()
    }
}

/// Values as Python writes a tuple: `()`, `(1,)`, `(1, 2)`.
pub(crate) fn python_tuple(values: impl IntoIterator<Item = impl fmt::Display>) -> String {
    let parts: Vec<String> = values.into_iter().map(|v| v.to_string()).collect();
    if parts.len() == 1 { format!("({},)", parts[0]) } else { format!("({})", parts.join(", ")) }
}

/// How dimensions of operands and results correspond: equal factors are split alike.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShardingRule {
    /// For each operand a factor per dimension; `None` must not be split.
    pub operands: Vec<Vec<Option<u32>>>,
    /// The same for each result.
    pub results: Vec<Vec<Option<u32>>>,
}

impl ShardingRule {
    /// Dimension `i` of every operand of full rank corresponds to dimension `i` of every result; scalars and dimensions of
    /// size one are whole everywhere.
    pub fn elementwise(args: &[&Aval], outs: &[Aval]) -> Self {
        let factors = |aval: &Aval| -> Vec<Option<u32>> {
            aval.shape.iter().enumerate().map(|(i, &d)| (d != 1).then_some(i as u32)).collect()
        };
        ShardingRule {
            operands: args.iter().map(|a| factors(a)).collect(),
            results: outs.iter().map(factors).collect(),
        }
    }

    /// Nothing may be split.
    pub fn replicated(args: &[&Aval], outs: &[Aval]) -> Self {
        ShardingRule {
            operands: args.iter().map(|a| vec![None; a.rank()]).collect(),
            results: outs.iter().map(|a| vec![None; a.rank()]).collect(),
        }
    }
}

/// One application to test the rules with.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The primitive with its parameters.
    pub prim: Prim,
    /// Its operands.
    pub args: Vec<SampleArg>,
    /// Whether derivatives exist on the whole domain and are worth comparing with finite differences.
    pub differentiable: bool,
    /// Whether derivatives have derivatives.
    pub twice: bool,
    /// How the sample is made for other dtypes, where parameters speak of dtypes.
    make: Option<Make>,
}

/// Makes a sample of a dtype.
#[derive(Clone)]
struct Make(Arc<dyn Fn(DType) -> Sample + Send + Sync>);

impl fmt::Debug for Make {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Make")
    }
}

/// An operand of a [`Sample`].
#[derive(Clone, Debug)]
pub struct SampleArg {
    /// Its type.
    pub aval: Aval,
    /// Where its values are drawn from.
    pub domain: Domain,
}

/// Where the values of a sample's operand are drawn from.
#[derive(Clone, Debug)]
pub enum Domain {
    /// Evenly between the two numbers; of complex numbers both parts. Integers are any, but zero only where it is between them.
    Range(f64, f64),
    /// These numbers, over and over.
    Values(Vec<f64>),
}

impl Sample {
    /// The dtypes over which samples are varied.
    pub const DTYPES: [DType; 15] = [
        DType::F64,
        DType::F32,
        DType::BF16,
        DType::F16,
        DType::C128,
        DType::C64,
        DType::I64,
        DType::I32,
        DType::I16,
        DType::I8,
        DType::UI64,
        DType::UI32,
        DType::UI16,
        DType::UI8,
        DType::I1,
    ];

    /// A sample whose derivatives are tested if all operands are floating point or complex.
    pub fn new(prim: impl Into<Prim>, args: impl IntoIterator<Item = SampleArg>) -> Self {
        let args: Vec<SampleArg> = args.into_iter().collect();
        let differentiable = args.iter().all(|a| a.aval.dtype.is_float() || a.aval.dtype.is_complex());
        Sample { prim: prim.into(), args, differentiable, twice: true, make: None }
    }

    /// The sample that `make` makes of single precision, and of the other dtypes that its primitives accept: where parameters, say a
    /// jaxpr, speak of dtypes.
    pub fn of(make: impl Fn(DType) -> Sample + Send + Sync + 'static) -> Self {
        let sample = make(DType::F32);
        Sample { make: Some(Make(Arc::new(make))), ..sample }
    }

    /// The same application with the operands of dtype `from` in dtype `to`, if the primitive accepts that.
    pub fn in_dtype(&self, from: DType, to: DType) -> Option<Sample> {
        let mut sample = match &self.make {
            Some(Make(make)) if from == DType::F32 => boundary(|| make(to)).ok()?,
            // Whatever types a jaxpr among the parameters has, it keeps.
            None if self.prim.jaxprs().is_empty() => {
                let mut sample = self.clone();
                for arg in sample.args.iter_mut().filter(|arg| arg.aval.dtype == from) {
                    arg.aval = arg.aval.with_dtype(to);
                }
                sample
            }
            _ => return None,
        };
        sample.differentiable &= self.differentiable;
        let avals: Vec<&Aval> = sample.args.iter().map(|arg| &arg.aval).collect();
        sample.prim.abstract_eval(&avals).ok().map(|_| sample)
    }

    /// The same sample with second derivatives left out.
    pub fn once_differentiable(mut self) -> Self {
        self.twice = false;
        self
    }

    /// The same sample with derivatives left out.
    pub fn not_differentiable(mut self) -> Self {
        self.differentiable = false;
        self
    }
}

impl SampleArg {
    /// An operand of that shape with values between `low` and `high`.
    ///
    /// Integers are any that there are, the least and the largest too, but zero only where it is between the two.
    pub fn range(shape: impl IntoIterator<Item = usize>, dtype: DType, low: f64, high: f64) -> Self {
        SampleArg { aval: Aval::new(shape, dtype), domain: Domain::Range(low, high) }
    }

    /// A single precision operand of that shape with values between -2 and 2.
    pub fn f32(shape: impl IntoIterator<Item = usize>) -> Self {
        Self::range(shape, DType::F32, -2.0, 2.0)
    }

    /// An operand of that shape with values between -2 and 2.
    pub fn wide(shape: impl IntoIterator<Item = usize>, dtype: DType) -> Self {
        Self::range(shape, dtype, -2.0, 2.0)
    }

    /// An operand with these values, over and over.
    pub fn values(shape: impl IntoIterator<Item = usize>, dtype: DType, values: impl Into<Vec<f64>>) -> Self {
        SampleArg { aval: Aval::new(shape, dtype), domain: Domain::Values(values.into()) }
    }
}
