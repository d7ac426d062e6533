//! Calls of functions of this process from inside a program: `debug_print`, `debug_callback`, `pure_callback`, `io_callback`.
//!
//! One primitive with a [`Kind`], since they differ in their derivative, their mapping and whether they may be left out. Outside of any
//! trace the function is simply called. In a program it is a custom call that the plugin hands back to `runtime::callback`; calls that
//! must stay in order are chained by one more operand and result.

use std::sync::Arc;

use jacinth_lowering::ops::custom::CustomCall;
use jacinth_lowering::{Attribute, Attributes, TensorType, Type, Types};
use smallvec::smallvec;

use super::control::Scan;
use super::rules::at_front;
use super::{expand_dims, index_in_dim, moveaxis, stack};
use crate::error::{Error, OrRaise, Result};
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, Effects, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values, numpy_name, order_aval,
    python_tuple, tensor_type,
};
use crate::runtime::callback::{self, Callback};
use crate::trace::{bind, here, stage, with_trace};

/// What a call is for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Kind {
    /// Prints, in that format.
    Print(&'static str),
    /// Looks at values.
    Debug,
    /// Computes: may be left out, repeated or moved.
    Pure(Option<VmapMethod>),
    /// Does something and may give results.
    Io,
}

/// How a `pure_callback` is mapped by `vmap`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum VmapMethod {
    /// One call per element, in a loop.
    Sequential,
    /// One call per element, written out.
    SequentialUnrolled,
    /// One call with a leading dimension: of size one where the argument is not mapped.
    ExpandDims,
    /// One call with a leading dimension, to which every argument is stretched.
    BroadcastAll,
}

impl VmapMethod {
    fn name(self) -> &'static str {
        match self {
            VmapMethod::Sequential => "sequential",
            VmapMethod::SequentialUnrolled => "sequential_unrolled",
            VmapMethod::ExpandDims => "expand_dims",
            VmapMethod::BroadcastAll => "broadcast_all",
        }
    }
}

/// The call of a function of this process.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct HostCall {
    pub(crate) kind: Kind,
    /// Whether calls happen in the order of the program.
    pub(crate) ordered: bool,
    pub(crate) callback: Arc<Callback>,
    pub(crate) result_avals: Vec<Aval>,
}

impl HostCall {
    /// A call of `fun`, which gets its arguments' values and gives arrays of the types `result_avals`.
    pub(crate) fn new(
        kind: Kind,
        ordered: bool,
        name: &'static str,
        result_avals: Vec<Aval>,
        fun: impl Fn(&[Array]) -> Vec<Array> + Send + Sync + 'static,
    ) -> HostCall {
        // Whatever is being traced on the thread that the plugin calls from is none of the function's business.
        let guarded = move |args: &[Array]| crate::error::boundary(|| with_trace(None, None, || fun(args)));
        HostCall { kind, ordered, callback: Callback::new(name, Box::new(guarded)), result_avals }
    }

    /// The same call with a leading dimension of that size in every result.
    fn batched(&self, size: usize) -> Prim {
        let with = |aval: &Aval| aval.with_shape(std::iter::once(size).chain(aval.shape.iter().copied()));
        Prim::new(HostCall { result_avals: self.result_avals.iter().map(with).collect(), ..self.clone() })
    }

    /// One call per element, written out.
    fn unrolled(&self, args: &[Array], dims: &[Option<usize>], size: usize) -> (Arrays, BatchDims) {
        let prim = Prim::new(self.clone());
        let calls: Vec<Arrays> = (0..size)
            .map(|i| {
                let one = |(arg, dim): (&Array, &Option<usize>)| match dim {
                    Some(dim) => index_in_dim(arg, i as i64, *dim, false),
                    None => arg.clone(),
                };
                bind(prim.clone(), &args.iter().zip(dims).map(one).collect::<Vec<_>>())
            })
            .collect();
        let stacked = |k: usize| stack(&calls.iter().map(|outs| outs[k].clone()).collect::<Vec<_>>(), 0);
        let n = self.result_avals.len();
        ((0..n).map(stacked).collect(), smallvec![Some(0); n])
    }

    /// One call per element, in a loop.
    fn looped(&self, args: &[Array], dims: &[Option<usize>], size: usize) -> (Arrays, BatchDims) {
        let consts = args.iter().zip(dims).filter(|(_, dim)| dim.is_none()).map(|(arg, _)| arg.clone());
        let xs = args.iter().zip(dims).filter_map(|(arg, dim)| dim.map(|dim| moveaxis(arg, dim, 0)));
        let operands: Vec<Array> = consts.chain(xs).collect();
        let num_consts = dims.iter().filter(|dim| dim.is_none()).count();
        let slice = |(i, arg): (usize, &Array)| match i < num_consts {
            true => arg.aval().clone(),
            false => arg.aval().with_shape(arg.shape()[1..].iter().copied()),
        };
        let avals: Vec<Aval> = operands.iter().enumerate().map(slice).collect();
        let closed = stage(self.name(), &avals, here(), |given| {
            let (mut consts, mut slices) = (given[..num_consts].iter(), given[num_consts..].iter());
            let next = |dim: &Option<usize>| if dim.is_some() { slices.next() } else { consts.next() };
            let all: Vec<Array> = dims.iter().map(next).map(|a| a.expect("one each").clone()).collect();
            bind(Prim::new(self.clone()), &all).into_vec()
        });
        let scan =
            Scan { jaxpr: closed.jaxpr, length: size, num_consts, num_carry: 0, reverse: false, unroll: 1 };
        (bind(Prim::new(scan), &operands), smallvec![Some(0); self.result_avals.len()])
    }

    #[track_caller]
    fn refuse(&self, message: &str) -> ! {
        Error::argument(message).at(here()).raise()
    }
}

impl Primitive for HostCall {
    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Print(_) => "debug_print",
            Kind::Debug => "debug_callback",
            Kind::Pure(_) => "pure_callback",
            Kind::Io => "io_callback",
        }
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        let avals = || {
            let each = |a: &Aval| {
                let dims: Vec<String> = a.shape.iter().map(ToString::to_string).collect();
                format!("ShapedArray({}[{}])", numpy_name(a.dtype), dims.join(","))
            };
            python_tuple(self.result_avals.iter().map(each))
        };
        let callback = format!("<function {}>", self.callback.name());
        match &self.kind {
            Kind::Print(format) => {
                params.show("fmt", format);
                params.flag("ordered", self.ordered);
                params.flag("partitioned", false);
            }
            Kind::Debug => {
                params.show("callback", callback);
                params.show("effect", if self.ordered { "OrderedDebug" } else { "Debug" });
                params.flag("partitioned", false);
            }
            Kind::Pure(method) => {
                params.show("callback", callback);
                params.show("result_avals", avals());
                params.none("sharding");
                params.show("vmap_method", method.map_or("None", VmapMethod::name));
            }
            Kind::Io => {
                params.show("callback", callback);
                params.flag("ordered", self.ordered);
                params.show("result_avals", avals());
                params.none("sharding");
            }
        }
    }

    fn abstract_eval(&self, _: &[&Aval]) -> Result<Avals> {
        Ok(self.result_avals.iter().cloned().collect())
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::replicated(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let mut operands = Values::from_slice(args);
        let mut types: Vec<TensorType> = outs.iter().map(tensor_type).collect();
        if self.ordered {
            operands.push(cx.order()?);
            types.push(tensor_type(&order_aval()));
        }
        let mut operand_types = Vec::with_capacity(operands.len());
        for &operand in &operands {
            operand_types.push(cx.tensor(operand)?.clone());
        }
        let config = Attributes(vec![
            (callback::INDEX.into(), Attribute::int(self.callback.index() as i64)),
            (callback::ORDERED.into(), Attribute::int(self.ordered.into())),
        ]);
        let call = CustomCall {
            call_target_name: callback::TARGET.into(),
            has_side_effect: !matches!(self.kind, Kind::Pure(_)),
            backend_config: Some(Attribute::Dict(config)),
            api_version: 4,
            other: Attributes(vec![
                ("operand_layouts".into(), row_major(&operand_types)),
                ("result_layouts".into(), row_major(&types)),
            ]),
        };
        let types: Types = types.into_iter().map(Type::from).collect();
        let mut results =
            cx.builder.op_full(call.into(), &operands, Vec::new(), Some(types), Attributes::new())?;
        if self.ordered {
            cx.set_order(results.pop().expect("the last of its results"));
        }
        Ok(results)
    }

    fn jvp(&self, primals: &[Array], _: &[Option<Array>]) -> (Arrays, Tangents) {
        match self.kind {
            Kind::Print(_) | Kind::Debug => (bind(Prim::new(self.clone()), primals), smallvec![]),
            Kind::Pure(_) => self.refuse(
                "Pure callbacks do not support JVP. Please use `custom_jvp` to use callbacks while taking gradients.",
            ),
            Kind::Io => self.refuse("IO callbacks do not support JVP."),
        }
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let size = axis.size;
        match &self.kind {
            Kind::Print(_) | Kind::Debug => self.unrolled(args, dims, size),
            Kind::Io if self.ordered => self.refuse("Cannot `vmap` ordered IO callback."),
            Kind::Io | Kind::Pure(Some(VmapMethod::Sequential)) => self.looped(args, dims, size),
            Kind::Pure(Some(VmapMethod::SequentialUnrolled)) => self.unrolled(args, dims, size),
            Kind::Pure(Some(method)) => {
                let args: Vec<Array> = match method {
                    VmapMethod::BroadcastAll => {
                        args.iter().zip(dims).map(|(arg, dim)| at_front(arg, *dim, size)).collect()
                    }
                    _ => {
                        let expand = |(arg, dim): (&Array, &Option<usize>)| match dim {
                            Some(dim) => moveaxis(arg, *dim, 0),
                            None => expand_dims(arg, &[0]),
                        };
                        args.iter().zip(dims).map(expand).collect()
                    }
                };
                (bind(self.batched(size), &args), smallvec![Some(0); self.result_avals.len()])
            }
            Kind::Pure(None) => self.refuse(
                "vmap is only supported for pure_callback when vmap_method is one of Sequential, SequentialUnrolled, \
                 ExpandDims or BroadcastAll. Got vmap_method None.",
            ),
        }
    }

    fn samples() -> Vec<Sample> {
        let of = |method, dtype| {
            let doubled = |args: &[Array]| vec![super::add(&args[0], &args[0])];
            let aval = Aval::new([2, 3], dtype);
            let call = HostCall::new(Kind::Pure(Some(method)), false, "doubled", vec![aval], doubled);
            Sample::new(Prim::new(call), [SampleArg::wide([2, 3], dtype)]).not_differentiable()
        };
        let sample = |method: VmapMethod| Sample::of(move |dtype| of(method, dtype));
        [
            VmapMethod::Sequential,
            VmapMethod::SequentialUnrolled,
            VmapMethod::ExpandDims,
            VmapMethod::BroadcastAll,
        ]
        .map(sample)
        .into()
    }

    fn effects(&self) -> Effects {
        match (&self.kind, self.ordered) {
            (Kind::Pure(_), _) => Effects::NONE,
            (_, true) => Effects::ORDERED_IO,
            (_, false) => Effects::IO,
        }
    }

    fn evaluate(&self, args: &[Array]) -> Option<Arrays> {
        let outs = self.callback.call(args).map_err(|e| e.at(here())).or_raise();
        let fit = outs.len() == self.result_avals.len()
            && outs.iter().zip(&self.result_avals).all(|(out, aval)| out.aval().same_type(aval));
        if !fit {
            let found: Vec<&Aval> = outs.iter().map(Array::aval).collect();
            let message = format!("the function gave {found:?}, announced was {:?}", self.result_avals);
            Error::operands(self.name(), message).at(here()).raise();
        }
        Some(outs.into())
    }
}

/// Layouts as custom calls write them: dimensions from minor to major.
fn row_major(types: &[TensorType]) -> Attribute {
    let layout = |ty: &TensorType| {
        let rank = ty.rank();
        let order: Vec<String> = (0..rank).rev().map(|d| d.to_string()).collect();
        let body = match &order[..] {
            [] => String::new(),
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        Attribute::Opaque(format!("dense<{body}> : tensor<{rank}xindex>"))
    };
    Attribute::Array(types.iter().map(layout).collect())
}
