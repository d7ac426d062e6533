//! `jax.nn.initializers`: how parameters begin.
//!
//! An initializer is a value; [`Initializer::init`] draws an array of a shape with a key, which it uses up. Numbers are those
//! of `jax.random`. Deliberately absent: complex parameters, and axes other than the last two as those of input and output
//! (dimensions before them are the receptive field).

use crate::api::dtypes::default_float;
use crate::api::numpy::{self as jnp, IntoShape, exact_shape};
use crate::api::random::{self, AnyKey};
use crate::ir::{Array, DType};
use crate::lax;
use crate::lax::rules::{refuse, show};

/// What the variance is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fan {
    /// The size of the input.
    In,
    /// The size of the output.
    Out,
    /// The mean of both.
    Average,
    /// The geometric mean of both.
    GeometricAverage,
}

/// What numbers are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// The normal distribution.
    Normal,
    /// The normal distribution without what is more than two deviations away.
    TruncatedNormal,
    /// The uniform distribution.
    Uniform,
}

/// A way to begin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Initializer(Kind);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Constant(f64),
    Uniform(f64),
    Normal(f64),
    TruncatedNormal { stddev: f64, lower: f64, upper: f64 },
    Variance { scale: f64, fan: Fan, distribution: Distribution },
    Orthogonal(f64),
    DeltaOrthogonal(f64),
}

/// Zeros.
pub fn zeros() -> Initializer {
    constant(0.0)
}

/// Ones.
pub fn ones() -> Initializer {
    constant(1.0)
}

/// That number.
pub fn constant(value: f64) -> Initializer {
    Initializer(Kind::Constant(value))
}

/// Uniform numbers at least 0 and below `scale`.
pub fn uniform(scale: f64) -> Initializer {
    Initializer(Kind::Uniform(scale))
}

/// Normal numbers of mean 0 and that standard deviation.
pub fn normal(stddev: f64) -> Initializer {
    Initializer(Kind::Normal(stddev))
}

/// Normal numbers, cut off at `lower` and `upper` deviations, times `stddev`.
pub fn truncated_normal(stddev: f64, lower: f64, upper: f64) -> Initializer {
    Initializer(Kind::TruncatedNormal { stddev, lower, upper })
}

/// Numbers of variance `scale / fan`.
pub fn variance_scaling(scale: f64, fan: Fan, distribution: Distribution) -> Initializer {
    Initializer(Kind::Variance { scale, fan, distribution })
}

macro_rules! scaled {
    ($($(#[$doc:meta])* $name:ident, $alias:ident = $scale:literal $fan:ident $distribution:ident;)*) => {$(
        $(#[$doc])*
        pub fn $name() -> Initializer {
            variance_scaling($scale, Fan::$fan, Distribution::$distribution)
        }

        $(#[$doc])*
        pub fn $alias() -> Initializer {
            $name()
        }
    )*};
}

scaled! {
    /// Uniform numbers of variance `2 / (input + output)`.
    glorot_uniform, xavier_uniform = 1.0 Average Uniform;
    /// Truncated normal numbers of variance `2 / (input + output)`.
    glorot_normal, xavier_normal = 1.0 Average TruncatedNormal;
    /// Uniform numbers of variance `2 / input`.
    he_uniform, kaiming_uniform = 2.0 In Uniform;
    /// Truncated normal numbers of variance `2 / input`.
    he_normal, kaiming_normal = 2.0 In TruncatedNormal;
}

/// Uniform numbers of variance `1 / input`.
pub fn lecun_uniform() -> Initializer {
    variance_scaling(1.0, Fan::In, Distribution::Uniform)
}

/// Truncated normal numbers of variance `1 / input`.
pub fn lecun_normal() -> Initializer {
    variance_scaling(1.0, Fan::In, Distribution::TruncatedNormal)
}

/// A matrix whose rows or columns, whichever are fewer, are orthogonal and of length `scale`.
pub fn orthogonal(scale: f64) -> Initializer {
    Initializer(Kind::Orthogonal(scale))
}

/// Zeros, but an orthogonal matrix in the middle of the receptive field.
pub fn delta_orthogonal(scale: f64) -> Initializer {
    Initializer(Kind::DeltaOrthogonal(scale))
}

impl Initializer {
    /// An array of that shape, of the default float.
    #[track_caller]
    pub fn init(&self, key: impl AnyKey, shape: impl IntoShape) -> Array {
        self.init_of(key, shape, default_float())
    }

    /// An array of that shape and floating dtype.
    #[track_caller]
    pub fn init_of(&self, key: impl AnyKey, shape: impl IntoShape, dtype: DType) -> Array {
        let shape = exact_shape("initializer", shape);
        let scalar = |v: f64| Array::scalar(v, dtype, false);
        match self.0 {
            Kind::Constant(value) => lax::full(&shape, value, dtype),
            Kind::Uniform(scale) => lax::mul(&random::uniform_of(key, &shape, dtype), &scalar(scale)),
            Kind::Normal(stddev) => lax::mul(&random::normal_of(key, &shape, dtype), &scalar(stddev)),
            Kind::TruncatedNormal { stddev, lower, upper } => {
                lax::mul(&random::truncated_normal_of(key, lower, upper, &shape, dtype), &scalar(stddev))
            }
            Kind::Variance { scale, fan, distribution } => {
                let variance = lax::div(&scalar(scale), &scalar(fan_size(&shape, fan)));
                match distribution {
                    Distribution::Normal => {
                        lax::mul(&random::normal_of(key, &shape, dtype), &lax::sqrt(&variance))
                    }
                    Distribution::Uniform => {
                        let numbers = random::uniform_with(key, &shape, dtype, -1.0, 1.0);
                        lax::mul(&numbers, &lax::sqrt(&lax::mul(&scalar(3.0), &variance)))
                    }
                    Distribution::TruncatedNormal => {
                        // The deviation of what is left of the normal distribution between -2 and 2.
                        let stddev = lax::div(&lax::sqrt(&variance), &scalar(0.879_625_661_034_239_8));
                        lax::mul(&random::truncated_normal_of(key, -2.0, 2.0, &shape, dtype), &stddev)
                    }
                }
            }
            Kind::Orthogonal(scale) => orthogonal_matrix(key, &shape, dtype, scale),
            Kind::DeltaOrthogonal(scale) => {
                let rank = shape.len();
                if !(3..=5).contains(&rank) || shape[rank - 1] < shape[rank - 2] {
                    refuse!(
                        "delta_orthogonal" => "takes a shape of 3 to 5 dimensions whose last is not smaller than the one before it, got {}",
                        show(&shape)
                    )
                }
                let matrix = orthogonal_matrix(key, &shape[rank - 2..], dtype, scale);
                let pad = |&n: &usize| {
                    let before = (n.max(1) - 1) / 2;
                    (before, n.max(1) - 1 - before)
                };
                let widths: Vec<(usize, usize)> =
                    shape[..rank - 2].iter().map(pad).chain([(0, 0), (0, 0)]).collect();
                jnp::pad(lax::expand_dims(&matrix, &(0..rank - 2).collect::<Vec<_>>()), &widths, 0)
            }
        }
    }
}

#[track_caller]
fn fan_size(shape: &[usize], fan: Fan) -> f64 {
    let [field @ .., input, output] = shape else {
        refuse!("variance_scaling" => "there is an input and an output from two dimensions on, got shape {}", show(shape))
    };
    let field = field.iter().product::<usize>() as f64;
    let (input, output) = (*input as f64 * field, *output as f64 * field);
    match fan {
        Fan::In => input,
        Fan::Out => output,
        Fan::Average => (input + output) / 2.0,
        Fan::GeometricAverage => (input * output).sqrt(),
    }
}

#[track_caller]
fn orthogonal_matrix(key: impl AnyKey, shape: &[usize], dtype: DType, scale: f64) -> Array {
    let Some((&columns, rest)) = shape.split_last().filter(|(_, rest)| !rest.is_empty()) else {
        refuse!("orthogonal" => "takes a shape of two dimensions at least, got {}", show(shape))
    };
    if shape.contains(&0) {
        return lax::full(shape, 0, dtype);
    }
    let matrix = random::orthogonal_with(key, rest.iter().product(), (), dtype, columns);
    lax::mul(&Array::scalar(scale, dtype, false), &lax::reshape(&matrix, shape))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `jax.nn.initializers` of JAX 0.10.2 for `jax.random.key(3)` and shape `(3, 2)`.
    #[test]
    fn numbers_are_those_of_jax() {
        let cases: [(Initializer, [f32; 6]); 8] = [
            (
                glorot_uniform(),
                [-0.933204114, 0.959926188, 0.326348484, 1.04203343, -0.485549986, 0.181708232],
            ),
            (glorot_normal(), [-0.949019134, 1.00166261, 0.26192677, 1.21133268, -0.401121944, 0.143625766]),
            (lecun_normal(), [-0.866331995, 0.914388657, 0.239105344, 1.10579038, -0.366172582, 0.131111786]),
            (he_uniform(), [-1.20476127, 1.23925924, 0.421314061, 1.34525931, -0.62684232, 0.234584302]),
            (
                truncated_normal(0.5, -2.0, 2.0),
                [-0.659952819, 0.696561337, 0.182145238, 0.842367053, -0.278942287, 0.0998781025],
            ),
            (normal(0.1), [-0.144625708, 0.1539381, 0.0382506251, 0.197070181, -0.0587667413, 0.020941563]),
            (uniform(2.0), [0.148105145, 1.87628865, 1.29791403, 1.95124197, 0.556755543, 1.16587615]),
            (
                orthogonal(1.0),
                [-0.899820924, 0.28033638, 0.237984776, 0.957586646, -0.365630329, -0.0666287392],
            ),
        ];
        for (initializer, expected) in cases {
            let found = initializer.init(random::key(3), [3, 2]).to_vec::<f32>();
            for (found, expected) in found.iter().zip(expected) {
                assert!(
                    (found - expected).abs() <= 2e-6 * expected.abs().max(0.1),
                    "{initializer:?}: {found} {expected}"
                );
            }
        }
        assert_eq!(zeros().init(random::key(0), [2]).to_vec::<f32>(), [0.0, 0.0]);
    }

    #[test]
    fn a_vector_has_no_input_and_output() {
        let wrong = std::panic::catch_unwind(|| he_normal().init(random::key(0), [3]));
        assert!(wrong.is_err());
    }
}
