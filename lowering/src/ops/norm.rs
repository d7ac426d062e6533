//! Batch normalisation.

use super::elementwise::{Binary, Unary};
use super::rules::{arity, fits, shapes_agree};
use super::{Context, EvalContext, OpDef};
use crate::attribute::{Attribute, Attributes};
use crate::eval::Datum;
use crate::eval::index::{self, Elements, Indices};
use crate::{DYNAMIC, ElementType, Error, Literal, Op, Result, TensorType, Types};

/// `stablehlo.batch_norm_training(operand, scale, offset)`.
#[derive(Clone, PartialEq, Debug)]
pub struct BatchNormTraining {
    /// Added to the variance.
    pub epsilon: f32,
    /// The feature dimension.
    pub feature_index: i64,
}

/// `stablehlo.batch_norm_inference(operand, scale, offset, mean, variance)`.
#[derive(Clone, PartialEq, Debug)]
pub struct BatchNormInference {
    /// Added to the variance.
    pub epsilon: f32,
    /// The feature dimension.
    pub feature_index: i64,
}

/// `stablehlo.batch_norm_grad(operand, scale, mean, variance, grad_output)`.
#[derive(Clone, PartialEq, Debug)]
pub struct BatchNormGrad {
    /// Added to the variance.
    pub epsilon: f32,
    /// The feature dimension.
    pub feature_index: i64,
}

/// What all three operations know: the operand, and the vectors with one entry for each feature.
fn check(
    op: &str,
    labels: [&'static str; 3],
    cx: &Context<'_>,
    feature_index: i64,
    vectors: std::ops::Range<usize>,
) -> Result<(TensorType, TensorType)> {
    let operand = cx.tensor(op, 0)?;
    if !operand.element.is_float() {
        return Err(Error::verify(format!("{op}: the operand must be floats, got {operand}")));
    }
    let Some(&features) = usize::try_from(feature_index).ok().and_then(|d| operand.shape.get(d)) else {
        let message = format!("{op}: feature_index {feature_index} must be a dimension of {operand}");
        return Err(Error::constraint(labels[0], message));
    };
    let mut size = features;
    for i in vectors {
        let vector = cx.tensor(op, i)?;
        if vector.element != operand.element {
            let message = format!("{op}: element types differ: {operand} and {vector}");
            return Err(Error::constraint(labels[1], message));
        }
        if vector.rank() != 1 || !fits(vector.shape[0], size) {
            let message = format!(
                "{op}: operand {i} must have one entry for each of {features} features, got {vector}"
            );
            return Err(Error::constraint(labels[2], message));
        }
        if size == DYNAMIC {
            size = vector.shape[0];
        }
    }
    Ok((operand.clone(), TensorType::new([size], operand.element)))
}

/// Arithmetic on whole tensors of one shape, with the sums over features that the definitions are written in.
struct Arithmetic<'a, 'b, 'c> {
    cx: &'a mut EvalContext<'b, 'c>,
    ty: TensorType,
    feature: usize,
}

impl Arithmetic<'_, '_, '_> {
    fn binary(&mut self, op: Binary, a: &Literal, b: &Literal) -> Result<Literal> {
        self.cx.evaluator.apply(&Op::Binary(op), &[a.clone(), b.clone()], a.ty())
    }

    /// A vector of features as a tensor of the operand's shape.
    fn broadcast(&self, vector: &Literal) -> Result<Literal> {
        index::pick(&self.ty, vector, |at| at[self.feature] as usize)
    }

    /// A number everywhere.
    fn constant(&mut self, value: f64) -> Result<Literal> {
        let scalar = self.cx.evaluator.convert(&Literal::scalar(value), self.ty.element)?;
        Literal::splat_bytes(self.ty.clone(), scalar.element(0))
    }

    /// How many elements each feature has.
    fn count(&self) -> f64 {
        let others = self.ty.shape.iter().enumerate().filter(|&(d, _)| d != self.feature);
        others.map(|(_, &n)| n as f64).product()
    }

    /// Sums from zero in lexicographic order over all dimensions but the feature's.
    fn sum(&mut self, value: &Literal) -> Result<Literal> {
        let ty = TensorType::new([self.ty.shape[self.feature]], self.ty.element);
        let mut others = self.ty.shape.clone();
        others[self.feature] = 1;
        let strides = index::strides(&self.ty.shape);
        let mut sum = Elements::zeros(&ty)?.finish();
        let mut indices = Indices::new(&others);
        while let Some(at) = indices.next() {
            let base = index::offset(at, &strides);
            let step = strides[self.feature] as usize;
            let slice = index::pick(&ty, value, |feature| base + feature[0] as usize * step)?;
            sum = self.binary(Binary::Add, &sum, &slice)?;
        }
        Ok(sum)
    }

    fn mean(&mut self, value: &Literal) -> Result<Literal> {
        let sum = self.sum(value)?;
        let count = self.cx.evaluator.convert(&Literal::scalar(self.count()), self.ty.element)?;
        let count = Literal::splat_bytes(sum.ty().clone(), count.element(0))?;
        self.binary(Binary::Divide, &sum, &count)
    }

    /// `operand − mean` and `√(variance + epsilon)`, as tensors of the operand's shape.
    fn center(
        &mut self,
        operand: &Literal,
        mean: &Literal,
        variance: &Literal,
        epsilon: f32,
    ) -> Result<(Literal, Literal)> {
        let mean = self.broadcast(mean)?;
        let centered = self.binary(Binary::Subtract, operand, &mean)?;
        let shifted = self.shift(variance, epsilon)?;
        let ty = self.ty.clone();
        let stddev = self.cx.evaluator.apply(&Op::Unary(Unary::Sqrt), &[shifted], &ty)?;
        Ok((centered, stddev))
    }

    /// `variance + epsilon` as a tensor of the operand's shape.
    fn shift(&mut self, variance: &Literal, epsilon: f32) -> Result<Literal> {
        let variance = self.broadcast(variance)?;
        let epsilon = self.constant(epsilon.into())?;
        self.binary(Binary::Add, &variance, &epsilon)
    }

    /// `scale · (operand − mean) / √(variance + epsilon) + offset`.
    fn normalize(
        &mut self,
        operand: &Literal,
        [scale, offset, mean, variance]: [&Literal; 4],
        epsilon: f32,
    ) -> Result<Literal> {
        let (centered, stddev) = self.center(operand, mean, variance, epsilon)?;
        let normalized = self.binary(Binary::Divide, &centered, &stddev)?;
        let (scale, offset) = (self.broadcast(scale)?, self.broadcast(offset)?);
        let scaled = self.binary(Binary::Multiply, &scale, &normalized)?;
        self.binary(Binary::Add, &scaled, &offset)
    }
}

/// The attributes that all three have.
macro_rules! attributes {
    ($name:literal) => {
        const NAMES: &'static [&'static str] = &[concat!("stablehlo.", $name)];

        fn name(&self) -> &'static str {
            concat!("stablehlo.", $name)
        }

        fn attributes(&self) -> Attributes {
            let mut out = Attributes::new();
            out.set("epsilon", Attribute::Float(self.epsilon.into(), ElementType::F32));
            out.set("feature_index", Attribute::int(self.feature_index));
            out
        }

        fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
            Ok(Self {
                epsilon: attributes.take_float($name, "epsilon")? as f32,
                feature_index: attributes.take_int($name, "feature_index")?,
            })
        }
    };
}

impl OpDef for BatchNormTraining {
    attributes!("batch_norm_training");

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let op = "batch_norm_training";
        arity(op, cx, 3, 0)?;
        let labels = ["batch_norm_training_c1", "batch_norm_training_c2", "batch_norm_training_c3"];
        let (operand, vector) = check(op, labels, cx, self.feature_index, 1..3)?;
        Ok(Some(smallvec::smallvec![operand.into(), vector.clone().into(), vector.into()]))
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let op = "batch_norm_training";
        let (operand, scale, offset) = (cx.tensor(op, 0)?, cx.tensor(op, 1)?, cx.tensor(op, 2)?);
        let mut on = Arithmetic { cx, ty: operand.ty().clone(), feature: self.feature_index as usize };
        let mean = on.mean(operand)?;
        let wide = on.broadcast(&mean)?;
        let centered = on.binary(Binary::Subtract, operand, &wide)?;
        let squares = on.binary(Binary::Multiply, &centered, &centered)?;
        let variance = on.mean(&squares)?;
        let output = on.normalize(operand, [scale, offset, &mean, &variance], self.epsilon)?;
        Ok(vec![output.into(), mean.into(), variance.into()])
    }
}

impl OpDef for BatchNormInference {
    attributes!("batch_norm_inference");

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let op = "batch_norm_inference";
        arity(op, cx, 5, 0)?;
        let labels = ["batch_norm_inference_c1", "batch_norm_inference_c2", "batch_norm_inference_c3"];
        let (operand, _) = check(op, labels, cx, self.feature_index, 1..5)?;
        Ok(Some(smallvec::smallvec![operand.into()]))
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let op = "batch_norm_inference";
        let operand = cx.tensor(op, 0)?;
        let vectors = [cx.tensor(op, 1)?, cx.tensor(op, 2)?, cx.tensor(op, 3)?, cx.tensor(op, 4)?];
        let mut on = Arithmetic { cx, ty: operand.ty().clone(), feature: self.feature_index as usize };
        Ok(vec![on.normalize(operand, vectors, self.epsilon)?.into()])
    }
}

impl OpDef for BatchNormGrad {
    attributes!("batch_norm_grad");

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let op = "batch_norm_grad";
        arity(op, cx, 5, 0)?;
        let labels = ["batch_norm_grad_c1", "batch_norm_grad_c2", "batch_norm_grad_c5"];
        let (operand, vector) = check(op, labels, cx, self.feature_index, 1..4)?;
        let grad = cx.tensor(op, 4)?;
        if grad.element != operand.element {
            let message = format!("{op}: element types differ: {operand} and {grad}");
            return Err(Error::constraint("batch_norm_grad_c2", message));
        }
        if !shapes_agree(&grad.shape, &operand.shape) {
            let message = format!("{op}: grad_output {grad} must have the shape of the operand {operand}");
            return Err(Error::constraint("batch_norm_grad_c3", message));
        }
        Ok(Some(smallvec::smallvec![operand.into(), vector.clone().into(), vector.into()]))
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        use Binary::{Divide, Multiply, Subtract};
        let op = "batch_norm_grad";
        let (operand, scale) = (cx.tensor(op, 0)?, cx.tensor(op, 1)?);
        let (mean, variance, grad) = (cx.tensor(op, 2)?, cx.tensor(op, 3)?, cx.tensor(op, 4)?);
        let mut on = Arithmetic { cx, ty: operand.ty().clone(), feature: self.feature_index as usize };
        let (centered, stddev) = on.center(operand, mean, variance, self.epsilon)?;
        let normalized = on.binary(Divide, &centered, &stddev)?;
        let count = on.count();
        let count = on.constant(count)?;
        let i1 = on.binary(Multiply, grad, &count)?;
        let grad_offset = on.sum(grad)?;
        let i2 = on.broadcast(&grad_offset)?;
        let product = on.binary(Multiply, grad, &centered)?;
        let sum = on.sum(&product)?;
        let i3 = on.broadcast(&sum)?;
        let i4 = on.binary(Multiply, &i3, &centered)?;
        let shifted = on.shift(variance, self.epsilon)?;
        let i5 = on.binary(Divide, &i4, &shifted)?;
        let difference = on.binary(Subtract, &i1, &i2)?;
        let i6 = on.binary(Subtract, &difference, &i5)?;
        let scale = on.broadcast(scale)?;
        let factor = on.binary(Divide, &scale, &stddev)?;
        let factor = on.binary(Divide, &factor, &count)?;
        let grad_operand = on.binary(Multiply, &factor, &i6)?;
        let weighted = on.binary(Multiply, grad, &normalized)?;
        let grad_scale = on.sum(&weighted)?;
        Ok(vec![grad_operand.into(), grad_scale.into(), grad_offset.into()])
    }
}
