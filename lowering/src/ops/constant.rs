//! Values from nothing: `constant` and `iota`.

use super::rules::{arity, inferred, named, result};
use super::{Context, EvalContext, OpDef};
use crate::attribute::{Attribute, Attributes};
use crate::element::{self, Scalar};
use crate::eval::Datum;
use crate::eval::index::{Elements, Indices};
use crate::{Error, Literal, Result, TensorType, Type, Types};

/// `stablehlo.constant`: the literal as a tensor.
#[derive(Clone, PartialEq, Debug)]
pub struct Constant {
    /// The value.
    pub value: Literal,
}

impl OpDef for Constant {
    named!("stablehlo.constant");

    fn attributes(&self) -> Attributes {
        Attributes(vec![("value".into(), Attribute::Dense(self.value.clone()))])
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        match attributes.take("value") {
            Some(Attribute::Dense(value)) => Ok(Constant { value }),
            _ => Err(Error::verify("constant: attribute value must be a dense tensor")),
        }
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        arity("constant", cx, 0, 0)?;
        inferred(self.value.ty().clone())
    }

    fn eval(&self, _: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        Ok(vec![self.value.clone().into()])
    }
}

/// `stablehlo.iota`: each element is its index along one dimension. The result type says shape and element type.
#[derive(Clone, PartialEq, Debug)]
pub struct Iota {
    /// The dimension whose index counts.
    pub iota_dimension: i64,
}

impl OpDef for Iota {
    named!("stablehlo.iota");

    fn attributes(&self) -> Attributes {
        Attributes(vec![("iota_dimension".into(), Attribute::int(self.iota_dimension))])
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        Ok(Iota { iota_dimension: attributes.take_int("iota", "iota_dimension")? })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        arity("iota", cx, 0, 0)?;
        Ok(None)
    }

    fn verify(&self, _: &Context<'_>, results: &[Type]) -> Result<()> {
        let ty = result("iota", results)?;
        if self.iota_dimension < 0 || self.iota_dimension >= ty.rank() as i64 {
            return Err(Error::constraint(
                "iota_c1",
                format!("iota: dimension {} is not one of {ty}", self.iota_dimension),
            ));
        }
        if ty.element.is_boolean() {
            return Err(Error::verify(format!("iota: {ty} has no numbers to count with")));
        }
        Ok(())
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        Ok(vec![counted(cx.result("iota", 0)?, self.iota_dimension as usize)?.into()])
    }
}

/// Each element is its index along dimension `d`.
pub(super) fn counted(ty: &TensorType, d: usize) -> Result<Literal> {
    let mut out = Elements::zeros(ty)?;
    let mut indices = Indices::new(&ty.shape);
    let mut bytes = Vec::new();
    let mut position = 0;
    while let Some(index) = indices.next() {
        bytes.clear();
        element::write(ty.element, Scalar::Int(index[d].into()), &mut bytes);
        out.set(position, &bytes);
        position += 1;
    }
    Ok(out.finish())
}
