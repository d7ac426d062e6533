//! The operations of StableHLO, one struct each, by family.
//!
//! [`Op`] is the closed set of them; the macro below is the only list. Everything an operation knows of itself (name,
//! attributes, constraints and result types, text form, reference semantics) is its [`OpDef`], in its family's file.

pub mod collective;
pub mod constant;
pub mod control;
pub mod conv;
pub mod custom;
pub mod dot;
pub mod dynamic;
pub mod elementwise;
pub mod fft;
pub mod gather;
mod groups;
pub mod linalg;
pub mod norm;
pub mod ragged_dot;
pub mod random;
pub mod reduce;
pub(crate) mod rules;
pub mod scan;
pub mod shape;
pub mod slice;
pub mod sort;
pub mod window;

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use crate::attribute::Attributes;
use crate::eval::{Datum, Evaluator};
use crate::module::Block;
use crate::{Literal, Result, TensorType, Type, Types};

/// What an operation knows of itself.
pub trait OpDef: Sized {
    /// The names, with their dialect, that [`OpDef::from_attributes`] understands.
    const NAMES: &'static [&'static str];

    /// The operation's name with its dialect: `stablehlo.add`.
    fn name(&self) -> &'static str;

    /// Its attributes in the order of the generic text form (alphabetical).
    fn attributes(&self) -> Attributes;

    /// Reads the operation called `name` from its attributes, taking those it knows out of `attributes`.
    fn from_attributes(name: &str, attributes: &mut Attributes) -> Result<Self>;

    /// The result types, where the operands, attributes and regions determine them; `None` where they do not (`reshape`,
    /// `convert`, …). Checks every constraint on operands, attributes and regions on the way.
    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>>;

    /// Checks the constraints that involve `results`, after [`OpDef::infer`] has accepted the operands. Where `infer` gave types,
    /// the caller has already compared them.
    fn verify(&self, cx: &Context<'_>, results: &[Type]) -> Result<()> {
        let _ = (cx, results);
        Ok(())
    }

    /// The operation's value on these operands, by definition and without cleverness.
    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>>;
}

/// What inference and verification may look at: operand types and nested blocks.
#[derive(Debug)]
pub struct Context<'a> {
    /// The operands' types.
    pub operands: &'a [&'a Type],
    /// The regions.
    pub regions: &'a [Block],
    /// The types of all values of the function, for looking into regions.
    pub values: &'a [Type],
}

impl<'a> Context<'a> {
    /// Operand `i` as a tensor type, or a sentence.
    pub fn tensor(&self, name: &str, i: usize) -> Result<&'a TensorType> {
        let ty = self
            .operands
            .get(i)
            .ok_or_else(|| crate::Error::verify(format!("{name}: operand {i} is missing")))?;
        ty.as_tensor()
            .ok_or_else(|| crate::Error::verify(format!("{name}: operand {i} must be a tensor, got {ty}")))
    }

    /// The types of a region's arguments.
    pub fn region_args(&self, region: usize) -> impl ExactSizeIterator<Item = &'a Type> {
        let values = self.values;
        self.regions[region].args.iter().map(move |v| &values[v.index()])
    }

    /// The types of what a region returns.
    pub fn region_results(&self, region: usize) -> impl ExactSizeIterator<Item = &'a Type> {
        let values = self.values;
        self.regions[region].results.iter().map(move |v| &values[v.index()])
    }
}

/// What reference evaluation may look at.
#[derive(Debug)]
pub struct EvalContext<'a, 'e> {
    /// The operands' values.
    pub operands: &'a [Datum],
    /// The regions, to be run by `evaluator`.
    pub regions: &'a [Block],
    /// The result types: those declared, with dynamic dimensions resolved where [`OpDef::infer`] can.
    pub results: &'a [&'a Type],
    /// Runs regions, and knows the replica and partition it stands for.
    pub evaluator: &'a mut Evaluator<'e>,
}

impl<'a> EvalContext<'a, '_> {
    /// Operand `i` as a tensor, or a sentence.
    pub fn tensor(&self, name: &str, i: usize) -> Result<&'a Literal> {
        let operands: &'a [Datum] = self.operands;
        match operands.get(i) {
            Some(Datum::Tensor(literal)) => Ok(literal),
            Some(other) => {
                let ty = other.ty();
                Err(crate::Error::eval(format!("{name}: operand {i} must be a tensor, got {ty}")))
            }
            None => Err(crate::Error::eval(format!("{name}: operand {i} is missing"))),
        }
    }

    /// The declared type of result `i` as a tensor type, or a sentence.
    pub fn result(&self, name: &str, i: usize) -> Result<&'a TensorType> {
        let results: &'a [&'a Type] = self.results;
        results
            .get(i)
            .and_then(|ty| ty.as_tensor())
            .ok_or_else(|| crate::Error::eval(format!("{name}: result {i} must be a tensor")))
    }
}

/// What a variant holds.
macro_rules! held {
    ($ty:path) => {
        $ty
    };
    ($ty:path, Box) => {
        Box<$ty>
    };
}

macro_rules! ops {
    ($($(#[$doc:meta])* $variant:ident($ty:path $(, $boxed:ident)?);)*) => {
        /// An operation of StableHLO. Those with many fields stand in a box, so that all the others are small.
        ///
        /// ```
        /// # use jacinth_lowering::{Attributes, Op, ops::elementwise::Binary};
        /// let add = Op::from(Binary::Add);
        /// assert_eq!((add.name(), add.attributes()), ("stablehlo.add", Attributes::new()));
        /// assert_eq!(Op::from_attributes("stablehlo.add", &mut Attributes::new()).unwrap(), Some(add));
        /// ```
        #[derive(Clone, PartialEq, Debug)]
        pub enum Op { $($(#[$doc])* $variant(held!($ty $(, $boxed)?))),* }

        $(impl From<$ty> for Op {
            fn from(op: $ty) -> Op {
                Op::$variant(op.into())
            }
        })*

        impl Op {
            /// The operation's name with its dialect: `stablehlo.add`.
            pub fn name(&self) -> &'static str {
                match self { $(Op::$variant(op) => op.name()),* }
            }

            /// Its attributes in the order of the generic text form.
            pub fn attributes(&self) -> Attributes {
                match self { $(Op::$variant(op) => op.attributes()),* }
            }

            /// The operation called `name` (with its dialect); `Ok(None)` if there is none of that name.
            pub fn from_attributes(name: &str, attributes: &mut Attributes) -> Result<Option<Op>> {
                type Read = fn(&str, &mut Attributes) -> Result<Op>;
                static READERS: LazyLock<FxHashMap<&str, Read>> = LazyLock::new(|| {
                    let mut readers = FxHashMap::default();
                    $(for &name in <$ty>::NAMES {
                        let read: Read = |name, attributes| {
                            <$ty as OpDef>::from_attributes(name, attributes).map(Op::from)
                        };
                        readers.insert(name, read);
                    })*
                    readers
                });
                // `chlo.tan` is what `stablehlo.tan` was before the specification had it.
                let name = if name == "chlo.tan" { "stablehlo.tan" } else { name };
                READERS.get(name).map(|read| read(name, attributes)).transpose()
            }

            /// See [`OpDef::infer`].
            pub fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
                match self { $(Op::$variant(op) => op.infer(cx)),* }
            }

            /// See [`OpDef::verify`].
            pub fn verify(&self, cx: &Context<'_>, results: &[Type]) -> Result<()> {
                match self { $(Op::$variant(op) => op.verify(cx, results)),* }
            }

            /// See [`OpDef::eval`].
            pub fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
                match self { $(Op::$variant(op) => op.eval(cx)),* }
            }
        }
    };
}

ops! {
    /// `stablehlo.constant`.
    Constant(constant::Constant);
    Iota(constant::Iota);
    /// One operand, element by element: `sine`, `negate`, …
    Unary(elementwise::Unary);
    /// Two operands, element by element: `add`, `power`, …
    Binary(elementwise::Binary);
    Compare(elementwise::Compare);
    Select(elementwise::Select);
    Clamp(elementwise::Clamp);
    Convert(elementwise::Convert);
    BitcastConvert(elementwise::BitcastConvert);
    ReducePrecision(elementwise::ReducePrecision);
    BroadcastInDim(shape::BroadcastInDim);
    Reshape(shape::Reshape);
    Transpose(shape::Transpose);
    Concatenate(shape::Concatenate);
    Pad(shape::Pad, Box);
    Reverse(shape::Reverse);
    Slice(slice::Slice, Box);
    DynamicSlice(slice::DynamicSlice);
    DynamicUpdateSlice(slice::DynamicUpdateSlice);
    Gather(gather::Gather, Box);
    Scatter(gather::Scatter, Box);
    Reduce(reduce::Reduce);
    Map(reduce::Map);
    ReduceWindow(window::ReduceWindow, Box);
    SelectAndScatter(window::SelectAndScatter, Box);
    DotGeneral(dot::DotGeneral, Box);
    RaggedDot(ragged_dot::RaggedDot, Box);
    Convolution(conv::Convolution, Box);
    Sort(sort::Sort);
    TopK(sort::TopK);
    If(control::If);
    Case(control::Case);
    While(control::While);
    Scan(scan::Scan, Box);
    Call(control::Call);
    Composite(control::Composite, Box);
    OptimizationBarrier(control::OptimizationBarrier);
    Tuple(control::Tuple);
    GetTupleElement(control::GetTupleElement);
    CreateToken(control::CreateToken);
    AfterAll(control::AfterAll);
    AllReduce(collective::AllReduce, Box);
    AllGather(collective::AllGather, Box);
    AllToAll(collective::AllToAll, Box);
    ReduceScatter(collective::ReduceScatter, Box);
    CollectivePermute(collective::CollectivePermute, Box);
    CollectiveBroadcast(collective::CollectiveBroadcast, Box);
    PartitionId(collective::PartitionId);
    ReplicaId(collective::ReplicaId);
    Fft(fft::Fft);
    Cholesky(linalg::Cholesky);
    TriangularSolve(linalg::TriangularSolve);
    Rng(random::Rng);
    RngBitGenerator(random::RngBitGenerator);
    BatchNormTraining(norm::BatchNormTraining);
    BatchNormInference(norm::BatchNormInference);
    BatchNormGrad(norm::BatchNormGrad);
    CustomCall(custom::CustomCall, Box);
    Infeed(custom::Infeed);
    Outfeed(custom::Outfeed);
    Send(custom::Send);
    Recv(custom::Recv);
    GetDimensionSize(dynamic::GetDimensionSize);
    SetDimensionSize(dynamic::SetDimensionSize);
    DynamicReshape(dynamic::DynamicReshape);
    DynamicBroadcastInDim(dynamic::DynamicBroadcastInDim, Box);
    DynamicIota(dynamic::DynamicIota);
    DynamicPad(dynamic::DynamicPad);
    DynamicGather(dynamic::DynamicGather, Box);
    DynamicConv(dynamic::DynamicConv, Box);
}
