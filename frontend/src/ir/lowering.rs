//! The context in which primitives lower themselves.
//!
//! A [`LowerCx`] appends to one function of the module under construction, and gives the primitives what all of them need:
//! constants, broadcasts, nested blocks. How a whole jaxpr is walked is `crate::lower`'s business. A lowering
//! rule never sees a tracer.

use std::fmt;
use std::sync::Arc;

use jacinth_lowering::ops::{constant, shape};
use jacinth_lowering::{Block, Func, FuncBuilder, Native, Op, TensorType, Type};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::aval::{Aval, DType};
use super::jaxpr::Jaxpr;
use super::primitive::Prim;
use super::scalar::{Literal, Scalar};
use crate::error::Result;

pub use jacinth_lowering::{Value, Values};

/// Where a primitive appends its operations.
pub struct LowerCx<'a> {
    /// The function under construction.
    pub builder: &'a mut FuncBuilder,
    pub(crate) module: &'a mut ModuleCx,
}

/// What the functions of one module share.
#[derive(Default)]
pub(crate) struct ModuleCx {
    /// Finished private functions.
    pub(crate) funcs: Vec<Func>,
    /// The private function of a nested jaxpr, by identity.
    pub(crate) lowered: FxHashMap<(*const Jaxpr, String), String>,
    /// How often a function name was asked for.
    pub(crate) names: FxHashMap<String, usize>,
    /// What primitives that lower by tracing a function wrote down, by primitive and types of operands; kept, because `lowered` goes by
    /// identity.
    pub(crate) traced: FxHashMap<(Prim, Vec<Aval>), Arc<Jaxpr>>,
    /// What the next call of the host that must stay in order waits for, in the block under construction: what the last one gave.
    pub(crate) order: Option<Value>,
    /// The names of the scopes around what is being written.
    pub(crate) scope: Option<Arc<str>>,
    /// Says for which platform the module is written; asked only where that matters.
    pub(crate) platform: Option<fn() -> Result<String>>,
}

/// The type of the values that chain calls of the host.
pub(crate) fn order_aval() -> Aval {
    Aval::scalar(DType::I32, false)
}

impl LowerCx<'_> {
    /// Appends an operation with one result whose type follows from its operands.
    pub fn op(&mut self, op: impl Into<Op>, operands: &[Value]) -> Result<Value> {
        Ok(self.builder.op(op, operands)?)
    }

    /// Appends an operation with one result of that type (`reshape`, `convert`, `iota`, …).
    pub fn op_as(&mut self, op: impl Into<Op>, operands: &[Value], out: &Aval) -> Result<Value> {
        Ok(self.builder.op_as(op, operands, tensor_type(out))?)
    }

    /// The tensor type of a value.
    pub fn tensor(&self, value: Value) -> Result<&TensorType> {
        Ok(self.builder.tensor(value)?)
    }

    /// A constant of that dtype: one number, of that shape everywhere.
    pub fn constant(&mut self, value: impl Into<Scalar>, aval: &Aval) -> Result<Value> {
        let literal = Literal::new(value, aval.dtype, false);
        self.op(constant::Constant { value: splat(&literal, tensor_type(aval))? }, &[])
    }

    /// The value with scalars and dimensions of size one stretched to the shape of `to`; its dtype stays.
    pub fn broadcast(&mut self, value: Value, to: &Aval) -> Result<Value> {
        let from = self.tensor(value)?;
        if from.shape.len() == to.rank() && from.shape.iter().zip(&to.shape).all(|(&a, &b)| a == b as i64) {
            return Ok(value);
        }
        let element = from.element;
        let mut value = value;
        let mut dims: SmallVec<[i64; 4]> = SmallVec::new();
        if !from.shape.is_empty() {
            // A dimension of size one is dropped before it is stretched, so that shardings stay visible.
            let kept: SmallVec<[usize; 4]> =
                (0..from.shape.len()).filter(|&i| from.shape[i] == to.shape[i] as i64).collect();
            if kept.len() < from.shape.len() {
                let shape = kept.iter().map(|&i| to.shape[i] as i64);
                let ty = TensorType::new(shape, element);
                value = self.builder.op_as(shape::Reshape, &[value], ty)?;
            }
            dims.extend(kept.iter().map(|&i| i as i64));
        }
        let ty = TensorType { shape: sizes(&to.shape), element };
        Ok(self.builder.op_as(shape::BroadcastInDim { broadcast_dimensions: dims }, &[value], ty)?)
    }

    /// What the next call of the host that must stay in order waits for.
    pub(crate) fn order(&mut self) -> Result<Value> {
        if let Some(order) = self.module.order {
            return Ok(order);
        }
        let order = self.constant(0, &order_aval())?;
        self.module.order = Some(order);
        Ok(order)
    }

    /// Says what the next call of the host that must stay in order waits for.
    pub(crate) fn set_order(&mut self, order: Value) {
        self.module.order = Some(order);
    }

    /// As [`Self::block`], for regions with calls of the host that stay in order: with `takes` the order comes in as one more argument, else
    /// it is that of the block around; with `gives` it goes out as one more result.
    pub(crate) fn block_in_order(
        &mut self,
        args: &[Aval],
        takes: bool,
        gives: bool,
        body: impl FnOnce(&mut LowerCx<'_>, &[Value]) -> Result<Values>,
    ) -> Result<Block> {
        let around = self.module.order;
        let order = order_aval();
        let all: Vec<Aval> = args.iter().chain(takes.then_some(&order)).cloned().collect();
        let block = self.block(&all, |cx, values| {
            let (own, order) = values.split_at(args.len());
            if let [order] = order {
                cx.set_order(*order);
            }
            let mut results = body(cx, own)?;
            if gives {
                results.push(cx.order()?);
            }
            Ok(results)
        });
        self.module.order = around;
        block
    }

    /// A nested block with arguments of those types.
    pub fn block(
        &mut self,
        args: &[Aval],
        body: impl FnOnce(&mut LowerCx<'_>, &[Value]) -> Result<Values>,
    ) -> Result<Block> {
        let module = &mut *self.module;
        let types = args.iter().map(|a| Type::from(tensor_type(a)));
        self.builder.block(types, |builder, args| body(&mut LowerCx { builder, module }, args))
    }
}

impl fmt::Debug for LowerCx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LowerCx").field("builder", &self.builder).finish_non_exhaustive()
    }
}

/// The tensor type of an aval.
pub fn tensor_type(aval: &Aval) -> TensorType {
    TensorType { shape: sizes(&aval.shape), element: aval.dtype }
}

/// Dimension sizes as modules have them.
fn sizes(shape: &[usize]) -> jacinth_lowering::Shape {
    let mut few = [0; 4];
    if shape.len() > few.len() {
        return shape.iter().map(|&d| d as i64).collect();
    }
    few.iter_mut().zip(shape).for_each(|(to, &d)| *to = d as i64);
    jacinth_lowering::Shape::from_buf_and_len(few, shape.len())
}

/// A lowering literal of that type, every element of which is the number.
fn splat(literal: &Literal, ty: TensorType) -> Result<jacinth_lowering::Literal> {
    Ok(jacinth_lowering::Literal::splat_bytes(ty, scalar_bytes(literal.value(), literal.aval().dtype)?)?)
}

/// The bytes of a number of that dtype, in native order.
pub(crate) fn scalar_bytes(value: Scalar, dtype: DType) -> Result<SmallVec<[u8; 16]>> {
    use half::{bf16, f16};
    let mut out = SmallVec::new();
    let real = value.to_f64();
    match dtype {
        DType::I1 => value.is_nonzero().write(&mut out),
        DType::BF16 => bf16::from_f64(real).write(&mut out),
        DType::F16 => f16::from_f64(real).write(&mut out),
        DType::F32 => (real as f32).write(&mut out),
        DType::F64 => real.write(&mut out),
        DType::C64 | DType::C128 => {
            let im = if let Scalar::Complex(_, im) = value { im } else { 0.0 };
            if dtype == DType::C64 {
                num_complex::Complex::new(real as f32, im as f32).write(&mut out);
            } else {
                num_complex::Complex::new(real, im).write(&mut out);
            }
        }
        _ if dtype.is_integer() => {
            let wide = match value.cast(dtype) {
                Scalar::UInt(v) => v,
                other => other.to_i64().unwrap_or(0) as u64,
            };
            out.extend_from_slice(&wide.to_le_bytes()[..dtype.byte_width()]);
            if cfg!(target_endian = "big") {
                out.reverse();
            }
        }
        other => {
            return Err(crate::Error::unsupported(format!(
                "constants of dtype {other} are not supported yet"
            )));
        }
    }
    Ok(out)
}
