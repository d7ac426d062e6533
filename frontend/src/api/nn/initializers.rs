//! `jax.nn.initializers`: how parameters begin.
//!
//! An initializer is a value; [`Initializer::init`] draws an array of a shape with a key, which it uses up. Numbers are those
//! of `jax.random`. Which axes are input, output and batch is said with [`Axes`] (`he_normal_with(axes)`); all other dimensions are the
//! receptive field.

use crate::api::dtypes::{canonicalize_dtype, default_float};
use crate::api::numpy::{self as jnp, IntoShape, canonical, exact_shape};
use crate::api::random::{self, AnyKey};
use crate::ir::{Array, DType, Scalar};
use crate::lax;
use crate::lax::rules::{refuse, show};
use std::f64::consts::TAU;

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

/// Which axes of a parameter are what, counted from the end where negative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axes {
    /// The axes over which the layer sums: -2 unless said otherwise.
    pub in_axis: Vec<i64>,
    /// The axes of what the layer gives: -1 unless said otherwise.
    pub out_axis: Vec<i64>,
    /// Axes along which there are parameters side by side: none unless said otherwise.
    pub batch_axis: Vec<i64>,
}

impl Default for Axes {
    fn default() -> Axes {
        Axes { in_axis: vec![-2], out_axis: vec![-1], batch_axis: vec![] }
    }
}

/// A way to begin.
#[derive(Clone, Debug, PartialEq)]
pub struct Initializer(Kind);

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Constant(f64),
    Uniform(f64),
    Normal(f64),
    TruncatedNormal { stddev: f64, lower: f64, upper: f64 },
    Variance { scale: f64, fan: Fan, distribution: Distribution, axes: Axes },
    Orthogonal { scale: f64, column_axis: i64 },
    DeltaOrthogonal { scale: f64, column_axis: i64 },
}

/// Zeros.
///
/// ```
/// # use jacinth_frontend::{nn::initializers, random};
/// assert_eq!(initializers::zeros().init(random::key(0), 3).to_vec::<f32>(), [0.0, 0.0, 0.0]);
/// ```
pub fn zeros() -> Initializer {
    constant(0.0)
}

/// Ones.
///
/// ```
/// # use jacinth_frontend::{nn::initializers, random};
/// assert_eq!(initializers::ones().init(random::key(0), 2).to_vec::<f32>(), [1.0, 1.0]);
/// ```
pub fn ones() -> Initializer {
    constant(1.0)
}

/// That number everywhere.
///
/// ```
/// # use jacinth_frontend::{nn::initializers, random};
/// let bias = initializers::constant(0.5).init(random::key(0), 2);
/// assert_eq!(bias.to_vec::<f32>(), [0.5, 0.5]);
/// ```
pub fn constant(value: f64) -> Initializer {
    Initializer(Kind::Constant(value))
}

/// Uniform numbers at least 0 and below `scale`; JAX's default is 0.01.
///
/// ```
/// # use jacinth_frontend::{nn::initializers, random};
/// let x = initializers::uniform(0.1).init(random::key(0), 3);
/// assert!(x.to_vec::<f32>().iter().all(|x| (0.0..0.1).contains(x)));
/// ```
pub fn uniform(scale: f64) -> Initializer {
    Initializer(Kind::Uniform(scale))
}

/// Normal numbers of mean 0 and that standard deviation; JAX's default is 0.01.
///
/// ```
/// # use jacinth_frontend::{nn::initializers, random};
/// let x = initializers::normal(0.1).init(random::key(0), [2, 3]);
/// assert_eq!(x.round_to(3).to_string(), "[[ 0.162  0.203 -0.043]\n [-0.008  0.018 -0.097]]");
/// ```
pub fn normal(stddev: f64) -> Initializer {
    Initializer(Kind::Normal(stddev))
}

/// Normal numbers, cut off at `lower` and `upper` deviations, times `stddev`: the deviation before the cut, after which it is smaller.
///
/// ```
/// # use jacinth_frontend::{nn::initializers, random};
/// let x = initializers::truncated_normal(0.5, -2.0, 2.0).init(random::key(0), 1000);
/// assert!(x.abs().max().item::<f32>() <= 1.0);
/// ```
pub fn truncated_normal(stddev: f64, lower: f64, upper: f64) -> Initializer {
    Initializer(Kind::TruncatedNormal { stddev, lower, upper })
}

/// Numbers of variance `scale / fan`, where the fan is the size of the layer's input, output, or a mean of both.
///
/// ```
/// # use jacinth_frontend::{nn::initializers, random};
/// # use jacinth_frontend::nn::initializers::{Distribution, Fan};
/// let init = initializers::variance_scaling(2.0, Fan::Out, Distribution::Normal);
/// let x = init.init(random::key(0), [2, 3]);
/// assert_eq!(x.round_to(3).to_string(), "[[ 1.325  1.654 -0.354]\n [-0.064  0.144 -0.794]]");
/// ```
pub fn variance_scaling(scale: f64, fan: Fan, distribution: Distribution) -> Initializer {
    variance_scaling_with(scale, fan, distribution, Axes::default())
}

/// [`variance_scaling`] of a parameter whose axes are those.
///
/// ```
/// # use jacinth_frontend::{nn::initializers, random};
/// # use jacinth_frontend::nn::initializers::{Axes, Distribution, Fan};
/// // Four inputs on two axes, one output: variance 1/4 of uniform numbers is a bound of √3/2.
/// let axes = Axes { in_axis: vec![0, 1], out_axis: vec![2], batch_axis: vec![] };
/// let init = initializers::variance_scaling_with(1.0, Fan::In, Distribution::Uniform, axes);
/// assert!(init.init(random::key(0), [2, 2, 1]).abs().max().item::<f32>() <= 0.8661);
/// ```
pub fn variance_scaling_with(scale: f64, fan: Fan, distribution: Distribution, axes: Axes) -> Initializer {
    Initializer(Kind::Variance { scale, fan, distribution, axes })
}

macro_rules! scaled {
    ($(
        $(#[$doc:meta])*
        $name:ident,
        $(#[$doc_with:meta])*
        $name_with:ident: $scale:literal $fan:ident $distribution:ident;
    )*) => {$(
        $(#[$doc])*
        pub fn $name() -> Initializer {
            $name_with(Axes::default())
        }

        $(#[$doc_with])*
        pub fn $name_with(axes: Axes) -> Initializer {
            variance_scaling_with($scale, Fan::$fan, Distribution::$distribution, axes)
        }
    )*};
}

scaled! {
    /// Uniform numbers of variance `2 / (input + output)`, of a matrix between `±√(6 / (input + output))` (Glorot and Bengio, AISTATS
    /// 2010). Also
    /// named `xavier_uniform`.
    ///
    /// ```
    /// # use jacinth_frontend::{nn::initializers, random};
    /// let x = initializers::glorot_uniform().init(random::key(0), [2, 3]);
    /// assert_eq!(x.round_to(3).to_string(), "[[ 0.981  1.049 -0.367]\n [-0.069  0.153 -0.733]]");
    /// ```
    glorot_uniform,
    /// [`glorot_uniform`] of a parameter whose axes are those.
    ///
    /// ```
    /// # use jacinth_frontend::{nn::initializers, random};
    /// # use jacinth_frontend::nn::initializers::Axes;
    /// let swapped = Axes { in_axis: vec![-1], out_axis: vec![-2], batch_axis: vec![] };
    /// let x = initializers::glorot_uniform_with(swapped).init(random::key(0), [3, 3]);
    /// assert!(x.abs().max().item::<f32>() <= 1.0);
    /// ```
    glorot_uniform_with: 1.0 Average Uniform;
    /// Truncated normal numbers of variance `2 / (input + output)` (Glorot and Bengio, AISTATS 2010). Also named `xavier_normal`.
    ///
    /// ```
    /// # use jacinth_frontend::{nn::initializers, random};
    /// let x = initializers::glorot_normal().init(random::key(0), [2, 3]);
    /// assert_eq!(x.round_to(3).to_string(), "[[ 1.047  1.233 -0.297]\n [-0.054  0.121 -0.656]]");
    /// ```
    glorot_normal,
    /// [`glorot_normal`] of a parameter whose axes are those.
    ///
    /// ```
    /// # use jacinth_frontend::{nn::initializers, random};
    /// # use jacinth_frontend::nn::initializers::Axes;
    /// // Of five layers side by side, each has its own input and output.
    /// let stacked = Axes { batch_axis: vec![0], ..Default::default() };
    /// assert_eq!(initializers::glorot_normal_with(stacked).init(random::key(0), [5, 2, 3]).shape(), [5, 2, 3]);
    /// ```
    glorot_normal_with: 1.0 Average TruncatedNormal;
    /// Uniform numbers of variance `2 / input`, of a matrix between `±√(6 / input)` (He et al., ICCV 2015). Also named `kaiming_uniform`.
    ///
    /// ```
    /// # use jacinth_frontend::{nn::initializers, random};
    /// let x = initializers::he_uniform().init(random::key(0), [6, 100]);
    /// assert!(x.abs().max().item::<f32>() <= 1.0);
    /// ```
    he_uniform,
    /// [`he_uniform`] of a parameter whose axes are those.
    ///
    /// ```
    /// # use jacinth_frontend::{nn::initializers, random};
    /// # use jacinth_frontend::nn::initializers::Axes;
    /// // The input is the last axis.
    /// let axes = Axes { in_axis: vec![-1], out_axis: vec![-2], ..Default::default() };
    /// let x = initializers::he_uniform_with(axes).init(random::key(0), [100, 6]);
    /// assert!(x.abs().max().item::<f32>() <= 1.0);
    /// ```
    he_uniform_with: 2.0 In Uniform;
    /// Truncated normal numbers of variance `2 / input`, which keeps the variance through layers of `relu` (He et al., ICCV 2015). Also named
    /// `kaiming_normal`.
    ///
    /// ```
    /// # use jacinth_frontend::{nn::initializers, random};
    /// let x = initializers::he_normal().init(random::key(0), [2, 3]);
    /// assert_eq!(x.round_to(3).to_string(), "[[ 1.655  1.949 -0.469]\n [-0.085  0.191 -1.038]]");
    /// ```
    he_normal,
    /// [`he_normal`] of a parameter whose axes are those.
    ///
    /// ```
    /// # use jacinth_frontend::{nn::initializers, random};
    /// # use jacinth_frontend::nn::initializers::Axes;
    /// // A kernel "OIHW": output features first, then input features; the rest is the receptive field.
    /// let axes = Axes { in_axis: vec![1], out_axis: vec![0], ..Default::default() };
    /// let x = initializers::he_normal_with(axes).init(random::key(0), [16, 8, 3, 3]);
    /// assert!((x.std().item::<f32>() - (2.0f32 / (8 * 3 * 3) as f32).sqrt()).abs() < 0.01);
    /// ```
    he_normal_with: 2.0 In TruncatedNormal;
    /// Uniform numbers of variance `1 / input`, of a matrix between `±√(3 / input)`.
    ///
    /// ```
    /// # use jacinth_frontend::{nn::initializers, random};
    /// let x = initializers::lecun_uniform().init(random::key(0), [3, 100]);
    /// assert!(x.abs().max().item::<f32>() <= 1.0);
    /// ```
    lecun_uniform,
    /// [`lecun_uniform`] of a parameter whose axes are those.
    ///
    /// ```
    /// # use jacinth_frontend::{nn::initializers, random};
    /// # use jacinth_frontend::nn::initializers::Axes;
    /// let axes = Axes { in_axis: vec![-1], out_axis: vec![-2], ..Default::default() };
    /// let x = initializers::lecun_uniform_with(axes).init(random::key(0), [100, 3]);
    /// assert!(x.abs().max().item::<f32>() <= 1.0);
    /// ```
    lecun_uniform_with: 1.0 In Uniform;
    /// Truncated normal numbers of variance `1 / input`, for self-normalising layers of `selu` (Klambauer et al., NeurIPS 2017).
    ///
    /// ```
    /// # use jacinth_frontend::{nn::initializers, random};
    /// let x = initializers::lecun_normal().init(random::key(0), [2, 3]);
    /// assert_eq!(x.round_to(3).to_string(), "[[ 1.17   1.378 -0.332]\n [-0.06   0.135 -0.734]]");
    /// ```
    lecun_normal,
    /// [`lecun_normal`] of a parameter whose axes are those.
    ///
    /// ```
    /// # use jacinth_frontend::{nn::initializers, random};
    /// # use jacinth_frontend::nn::initializers::Axes;
    /// let axes = Axes { in_axis: vec![0, 1], ..Default::default() };
    /// assert_eq!(initializers::lecun_normal_with(axes).init(random::key(0), [2, 3, 4]).shape(), [2, 3, 4]);
    /// ```
    lecun_normal_with: 1.0 In TruncatedNormal;
}

pub use self::{
    glorot_normal as xavier_normal, glorot_normal_with as xavier_normal_with,
    glorot_uniform as xavier_uniform, glorot_uniform_with as xavier_uniform_with,
    he_normal as kaiming_normal, he_normal_with as kaiming_normal_with, he_uniform as kaiming_uniform,
    he_uniform_with as kaiming_uniform_with,
};

/// A matrix whose rows or columns, whichever are fewer, are orthogonal and of length `scale`; of more dimensions than two, the last is the
/// columns.
///
/// ```
/// # use jacinth_frontend::{nn::initializers, random};
/// let x = initializers::orthogonal(2.0).init(random::key(0), [2, 3]);
/// assert_eq!(x.matmul(x.mT()).round_to(3).abs().to_string(), "[[4. 0.]\n [0. 4.]]");
/// ```
pub fn orthogonal(scale: f64) -> Initializer {
    orthogonal_with(scale, -1)
}

/// [`orthogonal`] with columns along that axis; the others together are the rows.
///
/// ```
/// # use jacinth_frontend::{nn::initializers, random};
/// // Columns along the first axis: a row of the result is one of three orthogonal vectors.
/// let x = initializers::orthogonal_with(1.0, 0).init(random::key(0), [3, 4]);
/// assert_eq!(x.matmul(x.mT()).round_to(3).abs().trace().item::<f32>(), 3.0);
/// ```
pub fn orthogonal_with(scale: f64, column_axis: i64) -> Initializer {
    Initializer(Kind::Orthogonal { scale, column_axis })
}

/// Zeros, but an orthogonal matrix in the middle of the receptive field, for a kernel of 3 to 5 dimensions whose last two are input and output
/// (Xiao et al., ICML 2018).
///
/// ```
/// # use jacinth_frontend::{lax, nn::initializers, random};
/// let x = initializers::delta_orthogonal(1.0).init(random::key(0), [3, 2, 2]);
/// let middle = lax::index_in_dim(&x, 1, 0, false);
/// assert_eq!(middle.matmul(middle.mT()).round_to(3).abs().to_string(), "[[1. 0.]\n [0. 1.]]");
/// assert_eq!(lax::index_in_dim(&x, 0, 0, false).abs().max().item::<f32>(), 0.0);
/// ```
pub fn delta_orthogonal(scale: f64) -> Initializer {
    delta_orthogonal_with(scale, -1)
}

/// [`delta_orthogonal`] with columns along that axis of the matrix.
///
/// ```
/// # use jacinth_frontend::{nn::initializers, random};
/// let x = initializers::delta_orthogonal_with(1.0, 0).init(random::key(0), [1, 2, 3]);
/// assert_eq!(x.shape(), [1, 2, 3]);
/// ```
pub fn delta_orthogonal_with(scale: f64, column_axis: i64) -> Initializer {
    Initializer(Kind::DeltaOrthogonal { scale, column_axis })
}

impl Initializer {
    /// An array of that shape, of the default float.
    ///
    /// ```
    /// # use jacinth_frontend::{nn::initializers, random};
    /// let init = initializers::he_normal();
    /// let [k1, k2] = random::split(random::key(0));
    /// let (w1, w2) = (init.init(k1, [4, 8]), init.init(k2, [8, 2]));
    /// assert_eq!((w1.shape(), w2.shape()), (&[4, 8][..], &[8, 2][..]));
    /// ```
    ///
    /// # Panics
    /// As [`Initializer::init_of`].
    #[track_caller]
    pub fn init(&self, key: impl AnyKey, shape: impl IntoShape) -> Array {
        self.init_of(key, shape, default_float())
    }

    /// An array of that shape and floating or complex dtype.
    ///
    /// ```
    /// # use jacinth_frontend::{DType, nn::initializers, random};
    /// let x = initializers::ones().init_of(random::key(0), [2, 2], DType::BF16);
    /// assert_eq!(x.dtype(), DType::BF16);
    /// ```
    ///
    /// # Panics
    /// If the shape has not the axes, or the distribution not the dtype.
    #[track_caller]
    pub fn init_of(&self, key: impl AnyKey, shape: impl IntoShape, dtype: DType) -> Array {
        let (shape, dtype) = (exact_shape("initializer", shape), canonicalize_dtype(dtype));
        let scalar = |v: f64| Array::scalar(v, dtype, false);
        match &self.0 {
            Kind::Constant(value) => lax::full(&shape, *value, dtype),
            Kind::Uniform(scale) => lax::mul(&random::uniform_of(key, &shape, dtype), &scalar(*scale)),
            Kind::Normal(stddev) => lax::mul(&random::normal_of(key, &shape, dtype), &scalar(*stddev)),
            Kind::TruncatedNormal { stddev, lower, upper } => {
                lax::mul(&random::truncated_normal_of(key, *lower, *upper, &shape, dtype), &scalar(*stddev))
            }
            Kind::Variance { scale, fan, distribution, axes } => {
                let variance = scalar(scale / fan_size(&shape, *fan, axes));
                scaled(key, &shape, dtype, &variance, *distribution)
            }
            Kind::Orthogonal { scale, column_axis } => {
                orthogonal_matrix(key, &shape, dtype, *scale, *column_axis)
            }
            Kind::DeltaOrthogonal { scale, column_axis } => {
                let rank = shape.len();
                if !(3..=5).contains(&rank) || shape[rank - 1] < shape[rank - 2] {
                    refuse!(
                        "delta_orthogonal" => "takes a shape of 3 to 5 dimensions whose last is not smaller than the one before it, got {}",
                        show(&shape)
                    )
                }
                let matrix = orthogonal_matrix(key, &shape[rank - 2..], dtype, *scale, *column_axis);
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

/// Numbers of that variance; complex ones are spread evenly over a disc.
#[track_caller]
fn scaled(
    key: impl AnyKey,
    shape: &[usize],
    dtype: DType,
    variance: &Array,
    distribution: Distribution,
) -> Array {
    let scalar = |v: f64| Array::scalar(v, dtype, false);
    let deviation = lax::sqrt(variance);
    let (numbers, deviation) = match (distribution, dtype.is_complex()) {
        (Distribution::Normal, _) => (random::normal_of(key, shape, dtype), deviation),
        (Distribution::Uniform, false) => {
            (random::uniform_with(key, shape, dtype, -1.0, 1.0), lax::sqrt(&lax::mul(&scalar(3.0), variance)))
        }
        (Distribution::Uniform, true) => {
            let radius = |u: Array| lax::convert_element_type(&jnp::sqrt(2.0 * u), dtype);
            (on_circles(key, shape, dtype, radius), deviation)
        }
        // The deviation of what is left of the normal distribution between -2 and 2.
        (Distribution::TruncatedNormal, false) => (
            random::truncated_normal_of(key, -2.0, 2.0, shape, dtype),
            lax::div(&deviation, &scalar(0.879_625_661_034_239_8)),
        ),
        // And in a disc of radius 2.
        (Distribution::TruncatedNormal, true) => {
            let inside = lax::sub(&scalar(1.0), &lax::exp(&scalar(-4.0)));
            let radius = |u: Array| {
                let t = lax::mul(&inside, &lax::convert_element_type(&u, dtype));
                lax::sqrt(&lax::neg(&lax::log(&lax::sub(&scalar(1.0), &t))))
            };
            let numbers = on_circles(key, shape, dtype, radius);
            (numbers, lax::div(&deviation, &scalar(0.953_111_643_804_912_1)))
        }
    };
    lax::mul(&numbers, &deviation)
}

/// Complex numbers of even angle, whose radius is made of an even number between 0 and 1.
#[track_caller]
fn on_circles(key: impl AnyKey, shape: &[usize], dtype: DType, radius: impl Fn(Array) -> Array) -> Array {
    let [radius_key, angle_key] = random::split(key.into_key());
    let even = |key| random::uniform_of(key, shape, dtype.real());
    let angle = lax::convert_element_type(&even(angle_key), dtype);
    let angle = lax::mul(&Array::scalar(TAU, dtype, false), &angle);
    let i = Array::scalar(Scalar::Complex(0.0, 1.0), dtype, false);
    lax::mul(&radius(even(radius_key)), &lax::exp(&lax::mul(&i, &angle)))
}

#[track_caller]
fn fan_size(shape: &[usize], fan: Fan, axes: &Axes) -> f64 {
    let name = "variance_scaling";
    if shape.len() < 2 && axes.in_axis == [-2] {
        refuse!(name => "there is an input and an output from two dimensions on, got shape {}", show(shape))
    }
    let size = |axes: &[i64]| -> f64 {
        axes.iter().map(|&axis| shape[canonical(name, axis, shape.len())] as f64).product()
    };
    let (input, output) = (size(&axes.in_axis), size(&axes.out_axis));
    let all: f64 = shape.iter().map(|&d| d as f64).product();
    let field = all / input / output / size(&axes.batch_axis);
    let (input, output) = (input * field, output * field);
    match fan {
        Fan::In => input,
        Fan::Out => output,
        Fan::Average => (input + output) / 2.0,
        Fan::GeometricAverage => (input * output).sqrt(),
    }
}

#[track_caller]
fn orthogonal_matrix(key: impl AnyKey, shape: &[usize], dtype: DType, scale: f64, column_axis: i64) -> Array {
    if shape.len() < 2 {
        refuse!("orthogonal" => "takes a shape of two dimensions at least, got {}", show(shape))
    }
    let axis = canonical("orthogonal", column_axis, shape.len());
    if shape.contains(&0) {
        return lax::full(shape, 0, dtype);
    }
    let (columns, mut sizes) = (shape[axis], shape.to_vec());
    sizes.remove(axis);
    let matrix = random::orthogonal_with(key, sizes.iter().product(), (), dtype, columns);
    sizes.push(columns);
    let matrix = jnp::moveaxis(lax::reshape(&matrix, &sizes), -1, axis as i64);
    lax::mul(&Array::scalar(scale, dtype, false), &matrix)
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
