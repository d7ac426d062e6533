//! Convolutions: conv_general_dilated and the functions around it.
//!
//! A convolution is linear in either side; the transposes are convolutions again, and a mapped dimension becomes part of the batch, of the
//! features, or a group of features. Deliberately absent: flipping of the kernel; as in JAX these are correlations.

use crate::error::Result;
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values, numpy_name,
};
use jacinth_lowering::ops::{conv as ops, elementwise as el};
use smallvec::smallvec;

use super::binary::add_any;
use super::compare::eq;
use super::convert::convert_element_type;
use super::dot::{DotDimensionNumbers, Precision, dot_general};
use super::rules::{batched, bind1, distinct, ensure, refuse, show, sizes};
use super::shape::{broadcast_in_dim, broadcasted_iota, full, moveaxis, reshape, rev, transpose};
use super::window::{Padding, dilated, padtype_to_pads, vjp_lhs_padding};

/// What each dimension of a convolution is, as positions: `("NHWC", "HWIO", "NHWC").into()`, or by number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConvDimensionNumbers {
    /// The batch dimension, the feature dimension and the spatial dimensions of the left side.
    pub lhs_spec: Vec<usize>,
    /// The output feature dimension, the input feature dimension and the spatial dimensions of the right side.
    pub rhs_spec: Vec<usize>,
    /// The batch dimension, the feature dimension and the spatial dimensions of the result.
    pub out_spec: Vec<usize>,
}

impl ConvDimensionNumbers {
    /// Batch, features, then space; for the kernel output features, input features, then space.
    ///
    /// ```
    /// use jacinth_frontend::lax::ConvDimensionNumbers;
    /// assert_eq!(ConvDimensionNumbers::canonical(4), ("NCHW", "OIHW", "NCHW").into());
    /// ```
    pub fn canonical(rank: usize) -> Self {
        let spec: Vec<usize> = (0..rank).collect();
        ConvDimensionNumbers { lhs_spec: spec.clone(), rhs_spec: spec.clone(), out_spec: spec }
    }

    fn map(&self, f: impl Fn(&[usize]) -> Vec<usize>) -> [Vec<usize>; 3] {
        [f(&self.lhs_spec), f(&self.rhs_spec), f(&self.out_spec)]
    }
}

impl From<(&str, &str, &str)> for ConvDimensionNumbers {
    /// `N` and `C` are batch and features, `O` and `I` the kernel's output and input features, any other letters space, in the order in
    /// which the kernel's stand.
    #[track_caller]
    fn from((lhs, rhs, out): (&str, &str, &str)) -> Self {
        let specs = [(lhs, ['N', 'C']), (rhs, ['O', 'I']), (out, ['N', 'C'])];
        let spatial = |spec: &str, chars: [char; 2]| -> Vec<char> {
            spec.chars().filter(|c| !chars.contains(c)).collect()
        };
        let order = spatial(rhs, ['O', 'I']);
        let [lhs_spec, rhs_spec, out_spec] = specs.map(|(spec, chars)| {
            let letters: Vec<char> = spec.chars().collect();
            let once = |c: char| letters.iter().filter(|l| **l == c).count() == 1;
            let (mut own, mut all) = (spatial(spec, chars), order.clone());
            own.sort_unstable();
            all.sort_unstable();
            if !chars.into_iter().all(once) || !letters.iter().all(|&c| once(c)) || own != all {
                refuse!("convolution" => "dimension numbers must each have their two letters (N and C, O and I, N and C) \
                    and the same other letters once, got (\"{lhs}\", \"{rhs}\", \"{out}\")")
            }
            let at = |c: &char| letters.iter().position(|l| l == c).expect("it is there");
            chars.iter().chain(&order).map(at).collect::<Vec<_>>()
        });
        ConvDimensionNumbers { lhs_spec, rhs_spec, out_spec }
    }
}

/// The dimension numbers of a convolution of arrays of these shapes; `None` is the canonical order (`NCHW`, `OIHW`, `NCHW`).
///
/// ```
/// # use jacinth_frontend::lax;
/// let n = lax::conv_dimension_numbers(&[1, 8, 8, 3], &[3, 3, 3, 16], Some(("NHWC", "HWIO", "NHWC").into()));
/// assert_eq!((n.lhs_spec, n.rhs_spec), (vec![0, 3, 1, 2], vec![3, 2, 0, 1]));
/// ```
///
/// # Panics
/// If the numbers of dimensions differ.
#[track_caller]
pub fn conv_dimension_numbers(
    lhs_shape: &[usize],
    rhs_shape: &[usize],
    dimension_numbers: Option<ConvDimensionNumbers>,
) -> ConvDimensionNumbers {
    if lhs_shape.len() != rhs_shape.len() {
        let (a, b) = (show(lhs_shape), show(rhs_shape));
        refuse!("convolution" => "both sides must have the same number of dimensions, got shapes {a} and {b}")
    }
    dimension_numbers.unwrap_or_else(|| ConvDimensionNumbers::canonical(lhs_shape.len()))
}

/// What a convolution has beside strides and padding; the default is no dilation, canonical dimensions, one group.
#[derive(Clone, Debug, Default)]
pub struct ConvOptions {
    /// Gaps put between the elements of the left side; none are ones.
    pub lhs_dilation: Option<Vec<usize>>,
    /// Gaps put between the elements of the kernel; none are ones.
    pub rhs_dilation: Option<Vec<usize>>,
    /// What each dimension is; none is `("NCHW", "OIHW", "NCHW")`.
    pub dimension_numbers: Option<ConvDimensionNumbers>,
    /// Into how many groups features fall that do not see each other; 0 means 1.
    pub feature_group_count: usize,
    /// Into how many groups the batch falls, each with its own output features; 0 means 1.
    pub batch_group_count: usize,
    /// With which precision products are taken.
    pub precision: Option<Precision>,
    /// The dtype of the result.
    pub preferred_element_type: Option<DType>,
}

/// The convolution of `lhs` with the kernel `rhs`, with strides, dilations and groups:
/// `f32[n, c, h, w] × f32[o, c, kh, kw] → f32[n, o, h', w']` for the default dimension numbers.
///
/// `padding` is `"SAME"`, `"VALID"`, `"SAME_LOWER"` or pairs of sizes for the spatial dimensions.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([[[1.0f32, 2.0, 4.0, 7.0]]]);
/// let kernel = Array::from([[[-1.0f32, 1.0]]]);
/// let slopes = lax::conv_general_dilated(&x, &kernel, &[1], "VALID", Default::default());
/// assert_eq!(slopes.to_string(), "[[[1. 2. 3.]]]");
/// ```
///
/// # Panics
/// If shapes, groups or dtypes do not fit; the message names them.
#[track_caller]
pub fn conv_general_dilated(
    lhs: &Array,
    rhs: &Array,
    window_strides: &[usize],
    padding: impl Into<Padding>,
    options: ConvOptions,
) -> Array {
    let n = conv_dimension_numbers(lhs.shape(), rhs.shape(), options.dimension_numbers);
    let ones = vec![1; window_strides.len()];
    let lhs_dilation = options.lhs_dilation.unwrap_or_else(|| ones.clone());
    let rhs_dilation = options.rhs_dilation.unwrap_or(ones);
    let padding = match padding.into() {
        Padding::Explicit(pairs) => pairs,
        named => {
            if n.lhs_spec.iter().any(|&d| d >= lhs.ndim()) || n.rhs_spec.iter().any(|&d| d >= rhs.ndim()) {
                let (a, b) = (show(lhs.shape()), show(rhs.shape()));
                refuse!("conv_general_dilated" => "{n:?} does not fit shapes {a} and {b}")
            }
            let space = |x: &Array, spec: &[usize], dilation: &[usize]| -> Vec<usize> {
                let sizes = spec.iter().skip(2).map(|&d| x.shape()[d]);
                sizes.zip(dilation).map(|(size, &by)| dilated(size, by)).collect()
            };
            let window = space(rhs, &n.rhs_spec, &rhs_dilation);
            padtype_to_pads(&space(lhs, &n.lhs_spec, &lhs_dilation), &window, window_strides, named)
        }
    };
    let prim = ConvGeneralDilated {
        window_strides: window_strides.to_vec(),
        padding,
        lhs_dilation,
        rhs_dilation,
        dimension_numbers: n,
        feature_group_count: options.feature_group_count.max(1),
        batch_group_count: options.batch_group_count.max(1),
        precision: options.precision.or_else(super::dot::default_precision).map(|p| (p, p)),
        preferred_element_type: options.preferred_element_type,
    };
    bind1(Prim::new(prim), &[lhs.clone(), rhs.clone()])
}

/// [`conv_general_dilated`] of `f32[n, c, …]` with `f32[o, c, …]`, without dilation. The kernel is not flipped: it is a correlation.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([[[1.0f32, 2.0, 3.0, 4.0]]]);
/// let sums = lax::conv(&x, &Array::from([[[1.0f32, 1.0, 1.0]]]), &[1], "SAME", None);
/// assert_eq!(sums.to_string(), "[[[3. 6. 9. 7.]]]");
/// ```
///
/// # Panics
/// As [`conv_general_dilated`].
#[track_caller]
pub fn conv(
    lhs: &Array,
    rhs: &Array,
    window_strides: &[usize],
    padding: impl Into<Padding>,
    precision: Option<Precision>,
) -> Array {
    conv_general_dilated(lhs, rhs, window_strides, padding, ConvOptions { precision, ..Default::default() })
}

/// [`conv_general_dilated`] of `f32[n, c, …]` with `f32[o, c, …]`, with padding and dilations.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let (x, kernel) = (Array::from([[[1.0f32, 2.0, 3.0, 4.0]]]), Array::from([[[1.0f32, 1.0]]]));
/// let y = lax::conv_with_general_padding(&x, &kernel, &[1], [(1, 0)], None, Some(&[2]), None);
/// assert_eq!(y.to_string(), "[[[2. 4. 6.]]]");
/// ```
///
/// # Panics
/// As [`conv_general_dilated`].
#[track_caller]
pub fn conv_with_general_padding(
    lhs: &Array,
    rhs: &Array,
    window_strides: &[usize],
    padding: impl Into<Padding>,
    lhs_dilation: Option<&[usize]>,
    rhs_dilation: Option<&[usize]>,
    precision: Option<Precision>,
) -> Array {
    let options = ConvOptions {
        lhs_dilation: lhs_dilation.map(<[usize]>::to_vec),
        rhs_dilation: rhs_dilation.map(<[usize]>::to_vec),
        precision,
        ..Default::default()
    };
    conv_general_dilated(lhs, rhs, window_strides, padding, options)
}

/// The transposed ("fractionally strided") convolution: the spatial size grows by the strides.
///
/// `"SAME"` and `"VALID"` are the padding of the convolution that this one inverts in shape; explicit pairs are this one's own. Without
/// dimension numbers features come last (`"NHWC"`, `"HWIO"`). With `transpose_kernel` the kernel is flipped and its features exchanged,
/// which makes it the gradient of the convolution.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let (x, kernel) = (Array::from([[[1.0f32], [2.0]]]), Array::from([[[1.0f32]], [[10.0]]]));
/// let y = lax::conv_transpose(&x, &kernel, &[2], "VALID", None, None, false, None);
/// assert_eq!(y.to_vec::<f32>(), [10.0, 1.0, 20.0, 2.0]);
/// ```
///
/// # Panics
/// As [`conv_general_dilated`], for the padding `"SAME_LOWER"`, or if dimension numbers are not given and there are not 2 to 5 dimensions.
#[track_caller]
#[expect(clippy::too_many_arguments, reason = "JAX's signature")]
pub fn conv_transpose(
    lhs: &Array,
    rhs: &Array,
    strides: &[usize],
    padding: impl Into<Padding>,
    rhs_dilation: Option<&[usize]>,
    dimension_numbers: Option<ConvDimensionNumbers>,
    transpose_kernel: bool,
    precision: Option<Precision>,
) -> Array {
    let n = dimension_numbers.unwrap_or_else(|| match lhs.ndim() {
        2 => ("NC", "IO", "NC").into(),
        3 => ("NHC", "HIO", "NHC").into(),
        4 => ("NHWC", "HWIO", "NHWC").into(),
        5 => ("NHWDC", "HWDIO", "NHWDC").into(),
        rank => refuse!("conv_transpose" => "{rank} dimensions have no default dimension numbers"),
    });
    let n = conv_dimension_numbers(lhs.shape(), rhs.shape(), Some(n));
    let rhs_dilation = rhs_dilation.map_or(vec![1; strides.len()], <[usize]>::to_vec);
    let kernel: Vec<i64> = n.rhs_spec[2..]
        .iter()
        .zip(&rhs_dilation)
        .map(|(&d, &by)| dilated(rhs.shape()[d], by) as i64)
        .collect();
    let padding = transpose_padding(&kernel, strides, padding.into());
    let mut rhs = rhs.clone();
    let mut n = n;
    if transpose_kernel {
        rhs = rev(&rhs, &n.rhs_spec[2..]);
        n.rhs_spec.swap(0, 1);
    }
    let options = ConvOptions {
        lhs_dilation: Some(strides.to_vec()),
        rhs_dilation: Some(rhs_dilation),
        dimension_numbers: Some(n),
        precision,
        ..Default::default()
    };
    conv_general_dilated(lhs, &rhs, &vec![1; strides.len()], padding, options)
}

/// The patches of `lhs` under a window of the spatial sizes `filter_shape`, side by side in the feature dimension: features first, then
/// space: `f32[n, c, h, w] → f32[n, c · kh · kw, h', w']`.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([[[1.0f32, 2.0, 3.0]]]);
/// let patches = lax::conv_general_dilated_patches(&x, &[2], &[1], "VALID", Default::default());
/// assert_eq!(patches.to_string(), "[[[1. 2.]\n  [2. 3.]]]");
/// ```
///
/// # Panics
/// As [`conv_general_dilated`].
#[track_caller]
pub fn conv_general_dilated_patches(
    lhs: &Array,
    filter_shape: &[usize],
    window_strides: &[usize],
    padding: impl Into<Padding>,
    options: ConvOptions,
) -> Array {
    let kernel_shape: Vec<usize> = [1, 1].iter().chain(filter_shape).copied().collect();
    let n = conv_dimension_numbers(lhs.shape(), &kernel_shape, options.dimension_numbers.clone());
    let space: usize = filter_shape.iter().product();
    let channels = lhs.shape()[n.lhs_spec[1]];
    let index = |d| broadcasted_iota(DType::I32, &[space, space], d);
    let eye = convert_element_type(&eq(&index(0), &index(1)), lhs.dtype());
    let eye = broadcast_in_dim(&eye, &[channels, space, space], &[1, 2]);
    let mut shape = vec![channels * space, 1];
    shape.extend(filter_shape);
    let kernel = arrange(&reshape(&eye, &shape), &n.rhs_spec);
    let options = ConvOptions { dimension_numbers: Some(n), feature_group_count: channels, ..options };
    conv_general_dilated(lhs, &kernel, window_strides, padding, options)
}

/// `x`, whose dimensions are in the order of `spec`, with each at the place that `spec` gives.
fn arrange(x: &Array, spec: &[usize]) -> Array {
    let mut permutation: Vec<usize> = (0..spec.len()).collect();
    permutation.sort_by_key(|&i| spec[i]);
    // Output and input features go to their places, space keeps its order in the rest.
    transpose(x, &permutation)
}

/// A convolution with a kernel of its own at every place of the result (a locally connected layer).
///
/// The spatial dimensions of `rhs` are those of the result; its input features are the patch under the window, features first.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([[[1.0f32, 2.0, 3.0]]]);
/// // A kernel [1, 1] at the first place, [0, 10] at the second: `[o, c · 2, w']`.
/// let kernels = Array::from([[[1.0f32, 0.0], [1.0, 10.0]]]);
/// let y = lax::conv_general_dilated_local(&x, &kernels, &[1], "VALID", &[2], Default::default());
/// assert_eq!(y.to_string(), "[[[ 3. 30.]]]");
/// ```
///
/// # Panics
/// As [`conv_general_dilated`].
#[track_caller]
pub fn conv_general_dilated_local(
    lhs: &Array,
    rhs: &Array,
    window_strides: &[usize],
    padding: impl Into<Padding>,
    filter_shape: &[usize],
    options: ConvOptions,
) -> Array {
    let kernel_shape: Vec<usize> = [1, 1].iter().chain(filter_shape).copied().collect();
    let n = conv_dimension_numbers(lhs.shape(), &kernel_shape, options.dimension_numbers.clone());
    let precision = options.precision;
    let patches = conv_general_dilated_patches(lhs, filter_shape, window_strides, padding, options);
    let mut pairs: Vec<(usize, usize)> =
        n.out_spec[2..].iter().copied().zip(n.rhs_spec[2..].iter().copied()).collect();
    pairs.sort_unstable();
    let (lhs_batch, rhs_batch): (Vec<usize>, Vec<usize>) = pairs.into_iter().unzip();
    let numbers = DotDimensionNumbers::new((&[n.out_spec[1]], &[n.rhs_spec[1]]), (&lhs_batch, &rhs_batch));
    let out = dot_general(&patches, rhs, numbers, precision, None);
    // Space, batch, features: the last two go where the result has them.
    let rank = out.ndim();
    let (batch, features) = (n.out_spec[0], n.out_spec[1]);
    let mut order: Vec<usize> = (0..rank - 2).collect();
    let mut places = [(batch, rank - 2), (features, rank - 1)];
    places.sort_unstable();
    places.into_iter().for_each(|(place, d)| order.insert(place, d));
    transpose(&out, &order)
}

/// How a transposed convolution is padded: for each spatial dimension of a kernel of these sizes.
#[track_caller]
fn transpose_padding(kernel: &[i64], strides: &[usize], padding: Padding) -> Vec<(i64, i64)> {
    let pads = |same: bool| -> Vec<(i64, i64)> {
        kernel
            .iter()
            .zip(strides)
            .map(|(&k, &s)| {
                let s = s as i64;
                let (before, total) = match same {
                    true if s > k - 1 => (k - 1, k + s - 2),
                    true => ((k + s - 1) / 2, k + s - 2),
                    false => (k - 1, k + s - 2 + (k - s).max(0)),
                };
                (before, total - before)
            })
            .collect()
    };
    match padding {
        Padding::Same => pads(true),
        Padding::Valid => pads(false),
        Padding::Explicit(pairs) => pairs,
        Padding::SameLower => {
            refuse!("conv_transpose" => "padding must be \"SAME\", \"VALID\" or pairs of sizes")
        }
    }
}

/// The shape of a transposed convolution ([`conv_transpose`]) of arrays of these shapes.
///
/// ```
/// # use jacinth_frontend::lax;
/// let n = ("NHC", "HIO", "NHC").into();
/// assert_eq!(lax::conv_transpose_shape_tuple(&[1, 4, 3], &[2, 3, 8], &[2], "SAME", n), [1, 8, 8]);
/// ```
///
/// # Panics
/// If the numbers of dimensions differ, or for the padding `"SAME_LOWER"`.
#[track_caller]
pub fn conv_transpose_shape_tuple(
    lhs_shape: &[usize],
    rhs_shape: &[usize],
    window_strides: &[usize],
    padding: impl Into<Padding>,
    dimension_numbers: ConvDimensionNumbers,
) -> Vec<usize> {
    let n = conv_dimension_numbers(lhs_shape, rhs_shape, Some(dimension_numbers));
    let kernel: Vec<i64> = take(rhs_shape, &n.rhs_spec[2..]).into_iter().map(|size| size as i64).collect();
    let padding = transpose_padding(&kernel, window_strides, padding.into());
    let mut shape = vec![0; lhs_shape.len()];
    shape[n.out_spec[0]] = lhs_shape[n.lhs_spec[0]];
    shape[n.out_spec[1]] = rhs_shape[n.rhs_spec[0]];
    for (i, &d) in n.out_spec[2..].iter().enumerate() {
        let (size, stride) = (lhs_shape[n.lhs_spec[2 + i]] as i64, window_strides[i] as i64);
        let length = (size - 1) * stride - kernel[i] + 2 + padding[i].0 + padding[i].1;
        shape[d] = usize::try_from(length).unwrap_or(0);
    }
    shape
}

/// Where the left side, the kernel and the result have batch (or output features), features, and space: the dimension numbers as three orders of
/// dimensions.
///
/// ```
/// # use jacinth_frontend::lax;
/// let [lhs, rhs, _] = lax::conv_general_permutations(("NHWC", "HWIO", "NHWC"));
/// assert_eq!((lhs, rhs), (vec![0, 3, 1, 2], vec![3, 2, 0, 1]));
/// ```
pub fn conv_general_permutations(dimension_numbers: impl Into<ConvDimensionNumbers>) -> [Vec<usize>; 3] {
    let ConvDimensionNumbers { lhs_spec, rhs_spec, out_spec } = dimension_numbers.into();
    [lhs_spec, rhs_spec, out_spec]
}

/// The shape of a convolution of arrays in canonical order ([`conv`]).
///
/// ```
/// # use jacinth_frontend::lax;
/// let shape = lax::conv_shape_tuple(&[1, 3, 8, 8], &[16, 3, 3, 3], &[2, 2], "SAME");
/// assert_eq!(shape, [1, 16, 4, 4]);
/// ```
///
/// # Panics
/// As [`conv`].
#[track_caller]
pub fn conv_shape_tuple(
    lhs_shape: &[usize],
    rhs_shape: &[usize],
    strides: &[usize],
    padding: impl Into<Padding>,
) -> Vec<usize> {
    let rank = lhs_shape.len();
    conv_general_shape_tuple(lhs_shape, rhs_shape, strides, padding, ConvDimensionNumbers::canonical(rank))
}

/// The shape of a convolution without dilation ([`conv_general_dilated`]).
///
/// ```
/// # use jacinth_frontend::lax;
/// let n = ("NHWC", "HWIO", "NHWC").into();
/// let shape = lax::conv_general_shape_tuple(&[1, 8, 8, 3], &[3, 3, 3, 16], &[1, 1], "VALID", n);
/// assert_eq!(shape, [1, 6, 6, 16]);
/// ```
///
/// # Panics
/// As [`conv_general_dilated`].
#[track_caller]
pub fn conv_general_shape_tuple(
    lhs_shape: &[usize],
    rhs_shape: &[usize],
    window_strides: &[usize],
    padding: impl Into<Padding>,
    dimension_numbers: ConvDimensionNumbers,
) -> Vec<usize> {
    let aval = |shape: &[usize]| Aval::new(shape.iter().copied(), DType::F32);
    let n = conv_dimension_numbers(lhs_shape, rhs_shape, Some(dimension_numbers));
    let padding = padtype_to_pads(
        &take(lhs_shape, &n.lhs_spec[2..]),
        &take(rhs_shape, &n.rhs_spec[2..]),
        window_strides,
        padding,
    );
    let prim = ConvGeneralDilated::plain(n, window_strides.to_vec(), padding);
    match prim.abstract_eval(&[&aval(lhs_shape), &aval(rhs_shape)]) {
        Ok(avals) => avals[0].shape.to_vec(),
        Err(error) => error.at(crate::trace::here()).raise(),
    }
}

/// `conv_general_dilated`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConvGeneralDilated {
    /// How far the window moves along each spatial dimension.
    pub window_strides: Vec<usize>,
    /// The sizes before and behind each spatial dimension.
    pub padding: Vec<(i64, i64)>,
    /// The distance of neighbours in the left side; 1 is none between.
    pub lhs_dilation: Vec<usize>,
    /// The distance of neighbours in the kernel; 1 is none between.
    pub rhs_dilation: Vec<usize>,
    /// What each dimension is.
    pub dimension_numbers: ConvDimensionNumbers,
    /// Into how many groups features fall that do not see each other.
    pub feature_group_count: usize,
    /// Into how many groups the batch falls, each with its own output features.
    pub batch_group_count: usize,
    /// With which precision each side is taken.
    pub precision: Option<(Precision, Precision)>,
    /// The dtype of the result, if it is not the operands'.
    pub preferred_element_type: Option<DType>,
}

/// The sizes of the dimensions that a list names.
fn take(shape: &[usize], dims: &[usize]) -> Vec<usize> {
    dims.iter().map(|&d| shape[d]).collect()
}

/// A spec with its first two dimensions exchanged.
fn exchanged(spec: &[usize]) -> Vec<usize> {
    let mut out = spec.to_vec();
    out.swap(0, 1);
    out
}

/// Dimension `from` made the outer part of what is dimension `into` once `from` is gone.
fn merge(x: &Array, from: usize, into: usize) -> Array {
    let moved = moveaxis(x, from, into);
    let mut shape = moved.shape().to_vec();
    let outer = shape.remove(into);
    shape[into] *= outer;
    reshape(&moved, &shape)
}

/// Dimension `dim` split into an outer part of that size and the rest.
fn split_off(x: &Array, dim: usize, outer: usize) -> Array {
    let mut shape = x.shape().to_vec();
    shape[dim] /= outer;
    shape.insert(dim, outer);
    reshape(x, &shape)
}

impl ConvGeneralDilated {
    fn plain(n: ConvDimensionNumbers, window_strides: Vec<usize>, padding: Vec<(i64, i64)>) -> Self {
        let ones = vec![1; window_strides.len()];
        ConvGeneralDilated {
            window_strides,
            padding,
            lhs_dilation: ones.clone(),
            rhs_dilation: ones,
            dimension_numbers: n,
            feature_group_count: 1,
            batch_group_count: 1,
            precision: None,
            preferred_element_type: None,
        }
    }

    fn apply(&self, lhs: &Array, rhs: &Array) -> Array {
        bind1(Prim::new(self.clone()), &[lhs.clone(), rhs.clone()])
    }

    /// The cotangent of the left side: the cotangent convolved with the flipped kernel.
    fn transpose_lhs(&self, ct: &Array, lhs: &Aval, rhs: &Array) -> Array {
        let n = &self.dimension_numbers;
        let groups = self.feature_group_count.max(self.batch_group_count);
        let mut kernel = rhs.clone();
        if groups > 1 {
            // Groups move from the output features to the input features.
            kernel = merge(&split_off(&kernel, n.rhs_spec[0], groups), n.rhs_spec[0], n.rhs_spec[1]);
        }
        let [lhs_space, rhs_space, out_space] = n.map(|spec| spec[2..].to_vec());
        let padding = vjp_lhs_padding(
            &take(&lhs.shape, &lhs_space),
            &take(rhs.shape(), &rhs_space),
            &self.window_strides,
            &take(ct.shape(), &out_space),
            &self.padding,
            &self.lhs_dilation,
            &self.rhs_dilation,
        );
        let prim = ConvGeneralDilated {
            window_strides: self.lhs_dilation.clone(),
            padding,
            lhs_dilation: self.window_strides.clone(),
            rhs_dilation: self.rhs_dilation.clone(),
            dimension_numbers: ConvDimensionNumbers {
                lhs_spec: n.out_spec.clone(),
                rhs_spec: exchanged(&n.rhs_spec),
                out_spec: n.lhs_spec.clone(),
            },
            feature_group_count: groups,
            batch_group_count: 1,
            ..self.clone()
        };
        let kernel = convert_element_type(&rev(&kernel, &rhs_space), ct.dtype());
        let out = convert_element_type(&prim.apply(ct, &kernel), lhs.dtype);
        if self.batch_group_count > 1 {
            let split = split_off(&out, n.lhs_spec[1], groups);
            return merge(&split, n.lhs_spec[1], n.lhs_spec[0]);
        }
        out
    }

    /// The cotangent of the kernel: the left side convolved with the cotangent.
    fn transpose_rhs(&self, ct: &Array, lhs: &Array, rhs: &Aval) -> Array {
        if ct.size() == 0 {
            return full(&rhs.shape, 0, rhs.dtype);
        }
        let n = &self.dimension_numbers;
        let [lhs_spec, rhs_spec, out_spec] = n.map(exchanged);
        let [lhs_space, rhs_space, out_space] = n.map(|spec| spec[2..].to_vec());
        let padding = (0..lhs_space.len())
            .map(|i| {
                let size = dilated(lhs.shape()[lhs_space[i]], self.lhs_dilation[i]) as i64;
                let window = dilated(rhs.shape[rhs_space[i]], self.rhs_dilation[i]) as i64;
                let out = dilated(ct.shape()[out_space[i]], self.window_strides[i]) as i64;
                let low = self.padding[i].0;
                (low, out - size + window - low - 1)
            })
            .collect();
        let prim = ConvGeneralDilated {
            window_strides: self.rhs_dilation.clone(),
            padding,
            lhs_dilation: self.lhs_dilation.clone(),
            rhs_dilation: self.window_strides.clone(),
            dimension_numbers: ConvDimensionNumbers { lhs_spec, rhs_spec: out_spec, out_spec: rhs_spec },
            feature_group_count: self.batch_group_count,
            batch_group_count: self.feature_group_count,
            ..self.clone()
        };
        let lhs = convert_element_type(lhs, ct.dtype());
        convert_element_type(&prim.apply(&lhs, ct), rhs.dtype)
    }

    fn op(&self) -> ops::Convolution {
        let n = &self.dimension_numbers;
        let precision = self.precision.unwrap_or_default();
        ops::Convolution {
            dimension_numbers: ops::ConvDimensionNumbers {
                input_batch_dimension: n.lhs_spec[0] as i64,
                input_feature_dimension: n.lhs_spec[1] as i64,
                input_spatial_dimensions: sizes(&n.lhs_spec[2..]),
                kernel_output_feature_dimension: n.rhs_spec[0] as i64,
                kernel_input_feature_dimension: n.rhs_spec[1] as i64,
                kernel_spatial_dimensions: sizes(&n.rhs_spec[2..]),
                output_batch_dimension: n.out_spec[0] as i64,
                output_feature_dimension: n.out_spec[1] as i64,
                output_spatial_dimensions: sizes(&n.out_spec[2..]),
            },
            window_strides: sizes(&self.window_strides),
            padding: self.padding.clone(),
            lhs_dilation: sizes(&self.lhs_dilation),
            rhs_dilation: sizes(&self.rhs_dilation),
            window_reversal: vec![false; self.window_strides.len()],
            feature_group_count: self.feature_group_count as i64,
            batch_group_count: self.batch_group_count as i64,
            precision_config: vec![precision.0, precision.1],
        }
    }
}

impl Primitive for ConvGeneralDilated {
    fn name(&self) -> &'static str {
        "conv_general_dilated"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        let n = &self.dimension_numbers;
        params.show("batch_group_count", self.batch_group_count);
        params.show(
            "dimension_numbers",
            format!(
                "ConvDimensionNumbers(lhs_spec={}, rhs_spec={}, out_spec={})",
                show(&n.lhs_spec),
                show(&n.rhs_spec),
                show(&n.out_spec)
            ),
        );
        params.show("feature_group_count", self.feature_group_count);
        params.tuple("lhs_dilation", &self.lhs_dilation);
        params.none("out_sharding");
        params.tuple("padding", self.padding.iter().map(|p| show(&[p.0, p.1])));
        match self.precision {
            Some((lhs, rhs)) => {
                params.tuple("precision", [super::dot::precision_name(lhs), super::dot::precision_name(rhs)])
            }
            None => params.none("precision"),
        }
        match self.preferred_element_type {
            Some(dtype) => params.dtype("preferred_element_type", dtype),
            None => params.none("preferred_element_type"),
        }
        params.tuple("rhs_dilation", &self.rhs_dilation);
        params.tuple("window_strides", &self.window_strides);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let (lhs, rhs, n) = (args[0], args[1], &self.dimension_numbers);
        let name = self.name();
        ensure!(
            lhs.rank() == rhs.rank() && lhs.rank() >= 2,
            name => "both sides must have the same number of dimensions, at least two, got shapes {} and {}",
            show(&lhs.shape),
            show(&rhs.shape)
        );
        ensure!(
            lhs.dtype == rhs.dtype,
            name => "operands must have the same dtype, got {}, {}",
            numpy_name(lhs.dtype),
            numpy_name(rhs.dtype)
        );
        ensure!(!lhs.dtype.is_boolean(), name => "booleans have no products");
        let (rank, space) = (lhs.rank(), lhs.rank() - 2);
        for spec in [&n.lhs_spec, &n.rhs_spec, &n.out_spec] {
            ensure!(
                spec.len() == rank && distinct(spec) && spec.iter().all(|&d| d < rank),
                name => "dimension numbers {} must name each of the {rank} dimensions once",
                show(spec)
            );
        }
        for (what, len) in [
            ("window_strides", self.window_strides.len()),
            ("padding", self.padding.len()),
            ("lhs_dilation", self.lhs_dilation.len()),
            ("rhs_dilation", self.rhs_dilation.len()),
        ] {
            ensure!(
                len == space,
                name => "{what} must have one entry for each of the {space} spatial dimensions, got {len}"
            );
        }
        for (what, values) in [
            ("window_strides", &self.window_strides),
            ("lhs_dilation", &self.lhs_dilation),
            ("rhs_dilation", &self.rhs_dilation),
        ] {
            ensure!(!values.contains(&0), name => "{what} must be positive, got {}", show(values));
        }
        let (features, batch) = (lhs.shape[n.lhs_spec[1]], lhs.shape[n.lhs_spec[0]]);
        let (out_features, in_features) = (rhs.shape[n.rhs_spec[0]], rhs.shape[n.rhs_spec[1]]);
        let (fg, bg) = (self.feature_group_count, self.batch_group_count);
        ensure!(fg == 1 || bg == 1, name => "only one of feature_group_count {fg} and batch_group_count {bg} may exceed 1");
        ensure!(
            in_features * fg == features,
            name => "the kernel's input features times feature_group_count must be the features of the left side: \
             {in_features} · {fg} is not {features}; the shapes are {} and {}",
            show(&lhs.shape),
            show(&rhs.shape)
        );
        ensure!(
            out_features % fg == 0 && out_features % bg == 0 && batch % bg == 0,
            name => "output features {out_features} must be divisible by feature_group_count {fg} and batch_group_count {bg}, \
             and batch {batch} by the latter"
        );
        let mut shape = vec![0; rank];
        (shape[n.out_spec[0]], shape[n.out_spec[1]]) = (batch / bg, out_features);
        for i in 0..space {
            let size = dilated(lhs.shape[n.lhs_spec[i + 2]], self.lhs_dilation[i]) as i64;
            let size = size + self.padding[i].0 + self.padding[i].1;
            let window = dilated(rhs.shape[n.rhs_spec[i + 2]], self.rhs_dilation[i]) as i64;
            ensure!(size >= 0, name => "padding {:?} cuts off more than there is of {}", self.padding[i], show(&lhs.shape));
            shape[n.out_spec[i + 2]] =
                if size < window { 0 } else { (size - window) as usize / self.window_strides[i] + 1 };
        }
        let weak_type = lhs.weak_type && rhs.weak_type && self.preferred_element_type.is_none();
        Ok(smallvec![Aval::with_weak_type(
            shape,
            self.preferred_element_type.unwrap_or(lhs.dtype),
            weak_type
        )])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        // Batch, input features and output features; space is whole. Groups keep everything whole.
        let mut rule = ShardingRule::replicated(args, outs);
        if self.feature_group_count == 1 && self.batch_group_count == 1 {
            let n = &self.dimension_numbers;
            let set = |factors: &mut Vec<Option<u32>>, shape: &[usize], d: usize, factor| {
                factors[d] = (shape[d] != 1).then_some(factor);
            };
            set(&mut rule.operands[0], &args[0].shape, n.lhs_spec[0], 0);
            set(&mut rule.operands[0], &args[0].shape, n.lhs_spec[1], 1);
            set(&mut rule.operands[1], &args[1].shape, n.rhs_spec[0], 2);
            set(&mut rule.operands[1], &args[1].shape, n.rhs_spec[1], 1);
            set(&mut rule.results[0], &outs[0].shape, n.out_spec[0], 0);
            set(&mut rule.results[0], &outs[0].shape, n.out_spec[1], 2);
        }
        rule
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let out = &outs[0];
        if !out.dtype.is_complex() {
            return Ok(smallvec![cx.op_as(self.op(), args, out)?]);
        }
        // Of complex numbers: three real convolutions (Gauss).
        let parts = |cx: &mut LowerCx<'_>, x: Value| -> Result<(Value, Value)> {
            Ok((cx.op(el::Unary::Real, &[x])?, cx.op(el::Unary::Imag, &[x])?))
        };
        let ((a, b), (c, d)) = (parts(cx, args[0])?, parts(cx, args[1])?);
        let real = Aval::new(out.shape.iter().copied(), out.dtype.real());
        let conv = |cx: &mut LowerCx<'_>, x, y| cx.op_as(self.op(), &[x, y], &real);
        let (sum, difference, total) = (
            cx.op(el::Binary::Add, &[a, b])?,
            cx.op(el::Binary::Subtract, &[d, c])?,
            cx.op(el::Binary::Add, &[c, d])?,
        );
        let (k1, k2, k3) = (conv(cx, sum, c)?, conv(cx, a, difference)?, conv(cx, b, total)?);
        let re = cx.op(el::Binary::Subtract, &[k1, k3])?;
        let im = cx.op(el::Binary::Add, &[k1, k2])?;
        Ok(smallvec![cx.op(el::Binary::Complex, &[re, im])?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let out = self.apply(&primals[0], &primals[1]);
        let left = tangents[0].as_ref().map(|t| self.apply(t, &primals[1]));
        let right = tangents[1].as_ref().map(|t| self.apply(&primals[0], t));
        let tangent = match (left, right) {
            (Some(left), Some(right)) => Some(add_any(&left, &right)),
            (left, right) => left.or(right),
        };
        (smallvec![out], smallvec![tangent])
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        let Some(ct) = &cts[0] else { return Linear::Cotangents(smallvec![None, None]) };
        let mut out: Tangents = smallvec![None, None];
        if args[0].is_linear() {
            out[0] = Some(self.transpose_lhs(ct, args[0].aval(), args[1].known()));
        } else {
            out[1] = Some(self.transpose_rhs(ct, args[0].known(), args[1].aval()));
        }
        Linear::Cotangents(out)
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let n = &self.dimension_numbers;
        let (lhs, rhs, size) = (&args[0], &args[1], axis.size);
        if size == 0 {
            let inner = |x: &Array, dim: Option<usize>| {
                x.aval().with_shape((0..x.ndim()).filter(|&d| Some(d) != dim).map(|d| x.shape()[d]))
            };
            let (lhs, rhs) = (inner(lhs, dims[0]), inner(rhs, dims[1]));
            let out = self.abstract_eval(&[&lhs, &rhs]).unwrap_or_else(|e| e.raise());
            let shape: Vec<usize> = std::iter::once(0).chain(out[0].shape.iter().copied()).collect();
            return batched(full(&shape, 0, out[0].dtype), 0);
        }
        let groups = self.feature_group_count.max(self.batch_group_count);
        match (dims[0], dims[1]) {
            // Each with its own kernel: a group each.
            (Some(l), Some(r)) => {
                let mut prim = self.clone();
                let lhs = if self.batch_group_count > 1 {
                    prim.batch_group_count *= size;
                    merge(lhs, l, n.lhs_spec[0])
                } else {
                    prim.feature_group_count *= size;
                    merge(lhs, l, n.lhs_spec[1])
                };
                let out = prim.apply(&lhs, &merge(rhs, r, n.rhs_spec[0]));
                batched(split_off(&out, n.out_spec[1], size), n.out_spec[1])
            }
            (Some(l), None) => {
                let lhs = if self.batch_group_count == 1 {
                    merge(lhs, l, n.lhs_spec[0])
                } else {
                    // Groups stay outermost in the batch.
                    within(lhs, l, n.lhs_spec[0], groups)
                };
                let out = self.apply(&lhs, rhs);
                batched(split_off(&out, n.out_spec[0], size), n.out_spec[0])
            }
            (None, Some(r)) if groups == 1 => {
                let out = self.apply(lhs, &merge(rhs, r, n.rhs_spec[0]));
                batched(split_off(&out, n.out_spec[1], size), n.out_spec[1])
            }
            (None, Some(r)) => {
                let out = self.apply(lhs, &within(rhs, r, n.rhs_spec[0], groups));
                let features = n.out_spec[1];
                let out = split_off(&split_off(&out, features, groups), features + 1, size);
                batched(merge(&out, features, features + 1), features)
            }
            (None, None) => unreachable!("one side is mapped"),
        }
    }

    fn samples() -> Vec<Sample> {
        let sample = |lhs: &[usize], rhs: &[usize], prim: ConvGeneralDilated| {
            let args = [SampleArg::f32(lhs.iter().copied()), SampleArg::f32(rhs.iter().copied())];
            Sample::new(Prim::new(prim), args)
        };
        let plain = |rank: usize, strides: &[usize], padding: &[(i64, i64)]| {
            let n = ConvDimensionNumbers::canonical(rank);
            ConvGeneralDilated::plain(n, strides.to_vec(), padding.to_vec())
        };
        let last: ConvDimensionNumbers = ("NHWC", "HWIO", "NHWC").into();
        let mixed: ConvDimensionNumbers = ("HNWC", "WOHI", "CWNH").into();
        vec![
            sample(&[2, 3, 5], &[2, 3, 2], plain(3, &[1], &[(0, 0)])),
            sample(&[1, 2, 5], &[3, 2, 3], plain(3, &[2], &[(1, 2)])),
            sample(
                &[1, 2, 4],
                &[2, 2, 2],
                ConvGeneralDilated {
                    lhs_dilation: vec![2],
                    rhs_dilation: vec![3],
                    ..plain(3, &[1], &[(1, 0)])
                },
            ),
            sample(
                &[2, 4, 3, 2],
                &[2, 2, 2, 3],
                ConvGeneralDilated::plain(last, vec![1, 2], vec![(1, 0), (0, 1)]),
            ),
            sample(
                &[3, 2, 4, 2],
                &[2, 3, 2, 2],
                ConvGeneralDilated::plain(mixed, vec![1, 1], vec![(0, 0), (1, 1)]),
            ),
            sample(
                &[2, 4, 4],
                &[6, 2, 2],
                ConvGeneralDilated { feature_group_count: 2, ..plain(3, &[1], &[(0, 1)]) },
            ),
            sample(
                &[4, 2, 4],
                &[6, 2, 2],
                ConvGeneralDilated { batch_group_count: 2, ..plain(3, &[1], &[(0, 0)]) },
            ),
            sample(&[2, 3], &[4, 3], plain(2, &[], &[])),
        ]
    }
}

/// Mapped dimension `from` merged into dimension `into` (counted without it) inside of its groups, which stay outermost.
fn within(x: &Array, from: usize, into: usize, groups: usize) -> Array {
    let x = moveaxis(x, from, 0);
    // The mapped one, then the rest with the dimension split: groups, inner part.
    let split = split_off(&x, into + 1, groups);
    let inner = merge(&split, 0, into + 1);
    merge(&inner, into, into)
}
