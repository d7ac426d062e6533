//! composite: an operation under a name of its own, which a plugin may know, with the function that it stands for.

use std::sync::Arc;

use jacinth_lowering::ops::control as ops;
use jacinth_lowering::{Attribute, Attributes, Types};
use smallvec::{SmallVec, smallvec};

use super::KIT;
use super::control::check_operands;
use super::rules::refuse;
use crate::error::Result;
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Effects, Jaxpr, Linear, LowerCx, Operand, Params,
    Prim, Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values, tensor_type,
};
use crate::trace::{bind, here, stage};
use crate::transform::batch_jaxpr;

/// A setting of a composite operation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CompositeAttribute {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// The bits of a number in double precision; made by `From<f64>`.
    Float(u64),
    /// Words.
    Text(String),
}

impl From<bool> for CompositeAttribute {
    fn from(value: bool) -> Self {
        CompositeAttribute::Bool(value)
    }
}

impl From<i64> for CompositeAttribute {
    fn from(value: i64) -> Self {
        CompositeAttribute::Int(value)
    }
}

impl From<f64> for CompositeAttribute {
    fn from(value: f64) -> Self {
        CompositeAttribute::Float(value.to_bits())
    }
}

impl From<&str> for CompositeAttribute {
    fn from(value: &str) -> Self {
        CompositeAttribute::Text(value.to_owned())
    }
}

impl CompositeAttribute {
    fn hlo(&self) -> Attribute {
        match self {
            CompositeAttribute::Bool(value) => Attribute::Bool(*value),
            CompositeAttribute::Int(value) => Attribute::Int(*value, DType::I64),
            CompositeAttribute::Float(bits) => Attribute::Float(f64::from_bits(*bits), DType::F64),
            CompositeAttribute::Text(text) => Attribute::String(text.clone()),
        }
    }
}

/// `composite`: an operation with a name and the function that it stands for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Composite {
    /// Its name, with a namespace: `my.norm`.
    pub(crate) name: Arc<str>,
    /// Its version.
    pub(crate) version: i64,
    /// Its settings, by name.
    pub(crate) attributes: Vec<(String, CompositeAttribute)>,
    /// What it does; its captures are its leading parameters.
    pub(crate) jaxpr: Arc<Jaxpr>,
}

impl Primitive for Composite {
    fn name(&self) -> &'static str {
        "composite"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        let attributes = self.attributes.iter().map(|(name, value)| match value {
            CompositeAttribute::Bool(value) => {
                format!("('{name}', {})", if *value { "True" } else { "False" })
            }
            CompositeAttribute::Int(value) => format!("('{name}', {value})"),
            CompositeAttribute::Float(bits) => format!("('{name}', {:?})", f64::from_bits(*bits)),
            CompositeAttribute::Text(text) => format!("('{name}', '{text}')"),
        });
        params.tuple("attributes", attributes);
        params.jaxpr("jaxpr", &self.jaxpr);
        params.show("name", &self.name);
        params.show("version", self.version);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        check_operands("composite", "operands", self.jaxpr.in_avals(), args.iter().copied())?;
        Ok(self.jaxpr.out_avals().cloned().collect())
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::replicated(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let attributes = self.attributes.iter().map(|(name, value)| (name.clone(), value.hlo())).collect();
        let op = ops::Composite {
            composite_name: self.name.to_string(),
            composite_attributes: Attributes(attributes),
            decomposition: cx.function(&self.name, &self.jaxpr)?,
            version: self.version,
        };
        let types: Types = outs.iter().map(|aval| tensor_type(aval).into()).collect();
        Ok(cx.builder.op_full(op.into(), args, Vec::new(), Some(types), Attributes::new())?)
    }

    #[track_caller]
    fn jvp(&self, _: &[Array], _: &[Option<Array>]) -> (Arrays, Tangents) {
        let name = &self.name;
        refuse!("composite" => "`{name}` has no derivative of its own; wrap it in `custom_jvp` or `custom_vjp`")
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let batched = batch_jaxpr(&KIT, &self.jaxpr, dims, axis, None, here());
        let prim = Composite { jaxpr: batched.jaxpr, ..self.clone() };
        (bind(Prim::new(prim), args), batched.out_dims.iter().copied().collect())
    }

    fn samples() -> Vec<Sample> {
        let aval = Aval::new([2, 3], DType::F32);
        let jaxpr =
            stage("f", &[aval.clone(), aval], here(), |x| vec![super::mul(&super::sin(&x[0]), &x[1])]).jaxpr;
        let attributes = vec![("scale".to_owned(), 2.5.into()), ("kind".to_owned(), "round".into())];
        let prim = Composite { name: "test.sine".into(), version: 1, attributes, jaxpr };
        vec![
            Sample::new(Prim::new(prim), [SampleArg::f32([2, 3]), SampleArg::f32([2, 3])])
                .not_differentiable(),
        ]
    }

    fn effects(&self) -> Effects {
        self.jaxpr.effects()
    }

    fn jaxprs(&self) -> SmallVec<[&Arc<Jaxpr>; 2]> {
        smallvec![&self.jaxpr]
    }
}
