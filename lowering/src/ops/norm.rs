//! Batch normalisation.

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

super::scaffold!(BatchNormTraining "stablehlo.batch_norm_training", BatchNormInference "stablehlo.batch_norm_inference", BatchNormGrad "stablehlo.batch_norm_grad");
