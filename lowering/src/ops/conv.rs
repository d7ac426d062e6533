//! Convolutions.

use super::dot::{PRECISIONS, Precision, accumulator, precision_attribute};
use super::elementwise::Binary;
use super::rules::{arity, check_dims, check_result_shape, fits, named};
use super::window::{WindowDim, WindowLabels, WindowLists};
use super::{Context, EvalContext, OpDef};
use crate::attribute::{Attribute, Attributes};
use crate::eval::index::{self, Elements, Indices};
use crate::eval::{Datum, Evaluator};
use crate::{DYNAMIC, ElementType, Error, Literal, Op, Result, Shape, TensorType, Type, Types};

/// What each dimension of a convolution is (`#stablehlo.conv<[b, 0, f]x[0, i, o]->[b, 0, f]>`).
#[derive(Clone, PartialEq, Debug)]
pub struct ConvDimensionNumbers {
    /// Batch dimension of the input.
    pub input_batch_dimension: i64,
    /// Feature dimension of the input.
    pub input_feature_dimension: i64,
    /// Spatial dimensions of the input.
    pub input_spatial_dimensions: Shape,
    /// Input feature dimension of the kernel.
    pub kernel_input_feature_dimension: i64,
    /// Output feature dimension of the kernel.
    pub kernel_output_feature_dimension: i64,
    /// Spatial dimensions of the kernel.
    pub kernel_spatial_dimensions: Shape,
    /// Batch dimension of the result.
    pub output_batch_dimension: i64,
    /// Feature dimension of the result.
    pub output_feature_dimension: i64,
    /// Spatial dimensions of the result.
    pub output_spatial_dimensions: Shape,
}

/// `stablehlo.convolution(lhs, rhs)`. The result element type is the result's.
#[derive(Clone, PartialEq, Debug)]
pub struct Convolution {
    /// What each dimension is.
    pub dimension_numbers: ConvDimensionNumbers,
    /// Step of the window; empty means ones.
    pub window_strides: Shape,
    /// Padding of each spatial dimension; empty means none.
    pub padding: Vec<(i64, i64)>,
    /// Dilation of the input; empty means ones.
    pub lhs_dilation: Shape,
    /// Dilation of the kernel; empty means ones.
    pub rhs_dilation: Shape,
    /// Which spatial dimensions of the window are reversed; empty means none.
    pub window_reversal: Vec<bool>,
    /// Groups of features.
    pub feature_group_count: i64,
    /// Groups of batches.
    pub batch_group_count: i64,
    /// Precision of each side; empty means default.
    pub precision_config: Vec<Precision>,
}

const NAME: &str = "convolution";

const LABELS: WindowLabels = WindowLabels {
    sizes: ["convolution_c17", ""],
    strides: ["convolution_c2", "convolution_c3"],
    base_dilations: ["convolution_c5", "convolution_c6"],
    window_dilations: ["convolution_c7", "convolution_c8"],
    padding: "convolution_c4",
};

impl ConvDimensionNumbers {
    /// Batch, feature and spatial dimensions of the input.
    fn input(&self) -> Shape {
        side(self.input_batch_dimension, self.input_feature_dimension, &self.input_spatial_dimensions)
    }

    /// Output feature, input feature and spatial dimensions of the kernel.
    fn kernel(&self) -> Shape {
        side(
            self.kernel_output_feature_dimension,
            self.kernel_input_feature_dimension,
            &self.kernel_spatial_dimensions,
        )
    }

    /// Batch, feature and spatial dimensions of the result.
    fn output(&self) -> Shape {
        side(self.output_batch_dimension, self.output_feature_dimension, &self.output_spatial_dimensions)
    }
}

fn side(first: i64, second: i64, spatial: &[i64]) -> Shape {
    [first, second].into_iter().chain(spatial.iter().copied()).collect()
}

impl Convolution {
    /// The result's shape on operands that pass every check.
    ///
    /// Errors with the specification's constraint where they do not (`convolution_c1` to `convolution_c24`).
    pub fn result_shape(&self, lhs: &TensorType, rhs: &TensorType) -> Result<Shape> {
        let fail = |label: &'static str, message: String| {
            Err(Error::constraint(label, format!("{NAME}: {message}; lhs {lhs}, rhs {rhs}")))
        };
        let n = lhs.rank();
        if n < 2 || rhs.rank() != n {
            return fail("convolution_c1", "both sides must have one rank, at least 2".into());
        }
        let d = &self.dimension_numbers;
        for (count, each, what, dims) in [
            ("convolution_c12", "convolution_c13", "input dimensions", d.input()),
            ("convolution_c17", "convolution_c18", "kernel dimensions", d.kernel()),
            ("convolution_c19", "convolution_c20", "output dimensions", d.output()),
        ] {
            if dims.len() != n {
                return fail(count, format!("{what} {dims:?} must be {n}"));
            }
            check_dims(each, NAME, what, &dims, n)?;
        }
        if !self.window_reversal.is_empty() && self.window_reversal.len() != n - 2 {
            let reversal = &self.window_reversal;
            return fail(
                "convolution_c9",
                format!("window_reversal {reversal:?} must have {} entries", n - 2),
            );
        }
        if !matches!(self.precision_config.len(), 0 | 2) {
            return fail("convolution_c24", "precision_config must have 2 entries".into());
        }
        let (features, batches) = (self.feature_group_count, self.batch_group_count);
        if features < 1 {
            return fail("convolution_c21", format!("feature_group_count {features} must be positive"));
        }
        if batches < 1 {
            return fail("convolution_c22", format!("batch_group_count {batches} must be positive"));
        }
        if features > 1 && batches > 1 {
            return fail(
                "convolution_c23",
                format!("feature_group_count {features} or batch_group_count {batches} must be 1"),
            );
        }
        let dims = self.window(rhs)?;
        let size = |ty: &TensorType, d: i64| ty.shape[d as usize];
        let batch = size(lhs, d.input_batch_dimension);
        let feature = size(lhs, d.input_feature_dimension);
        let kernel_in = size(rhs, d.kernel_input_feature_dimension);
        let kernel_out = size(rhs, d.kernel_output_feature_dimension);
        let divides = |size: i64, by: i64| size == DYNAMIC || size % by == 0;
        if !divides(batch, batches) {
            return fail("convolution_c10", format!("batch size {batch} must divide into {batches} groups"));
        }
        if !divides(feature, features) {
            return fail(
                "convolution_c11",
                format!("feature size {feature} must divide into {features} groups"),
            );
        }
        let quotient = |size: i64, by: i64| if size == DYNAMIC { DYNAMIC } else { size / by };
        if !fits(kernel_in, quotient(feature, features)) {
            return fail(
                "convolution_c14",
                format!(
                    "the kernel takes {kernel_in} features, a group of the input has {feature}/{features}"
                ),
            );
        }
        for (label, groups) in [("convolution_c15", batches), ("convolution_c16", features)] {
            if !divides(kernel_out, groups) {
                return fail(
                    label,
                    format!("output feature size {kernel_out} must divide into {groups} groups"),
                );
            }
        }
        let mut shape = Shape::from_elem(0, n);
        shape[d.output_batch_dimension as usize] = quotient(batch, batches);
        shape[d.output_feature_dimension as usize] = kernel_out;
        for (i, dim) in dims.iter().enumerate() {
            let input = size(lhs, d.input_spatial_dimensions[i]);
            shape[d.output_spatial_dimensions[i] as usize] = dim.count(input);
        }
        Ok(shape)
    }

    fn window(&self, rhs: &TensorType) -> Result<Vec<WindowDim>> {
        let spatial = &self.dimension_numbers.kernel_spatial_dimensions;
        let sizes: Shape = spatial.iter().map(|&d| rhs.shape[d as usize]).collect();
        let lists = WindowLists {
            sizes: &sizes,
            strides: &self.window_strides,
            base_dilations: &self.lhs_dilation,
            window_dilations: &self.rhs_dilation,
            padding: &self.padding,
        };
        lists.dims(NAME, &LABELS, sizes.len())
    }

    /// Products and sums in `element`, or in f32 where it is narrower, summed from zero over the window, spatial dimensions first and the
    /// input feature last; padding is zeros that are multiplied like anything else.
    pub(crate) fn evaluate(
        &self,
        evaluator: &mut Evaluator<'_>,
        lhs: &Literal,
        rhs: &Literal,
        element: ElementType,
    ) -> Result<Literal> {
        let (narrow, element) = (element, accumulator(element));
        let ty = TensorType { shape: self.result_shape(lhs.ty(), rhs.ty())?, element };
        let lhs = &evaluator.convert(lhs, element)?;
        let rhs = &evaluator.convert(rhs, element)?;
        let d = &self.dimension_numbers;
        let dims = self.window(rhs.ty())?;
        let (ls, rs) = (index::strides(&lhs.ty().shape), index::strides(&rhs.ty().shape));
        let kernel_in = rhs.ty().shape[d.kernel_input_feature_dimension as usize];
        let kernel_out = rhs.ty().shape[d.kernel_output_feature_dimension as usize];
        let out_batch = ty.shape[d.output_batch_dimension as usize];
        let mut window: Shape = dims.iter().map(|dim| dim.size).collect();
        window.push(kernel_in);
        let mut sum = Elements::zeros(&ty)?.finish();
        let mut terms = Indices::new(&window);
        while let Some(term) = terms.next() {
            let (&feature, spatial) = term.split_last().expect("the feature is last");
            let left = index::pick_or_zero(&ty, lhs, |at| {
                let out = at[d.output_feature_dimension as usize];
                // Groups split the output features; group g reads the g-th part of the input's features or batches.
                let group = |groups: i64| out / (kernel_out / groups);
                let in_feature = group(self.feature_group_count) * kernel_in + feature;
                let in_batch =
                    group(self.batch_group_count) * out_batch + at[d.output_batch_dimension as usize];
                let mut position = in_feature * ls[d.input_feature_dimension as usize]
                    + in_batch * ls[d.input_batch_dimension as usize];
                for (i, dim) in dims.iter().enumerate() {
                    let from = d.input_spatial_dimensions[i] as usize;
                    let window = at[d.output_spatial_dimensions[i] as usize];
                    position += dim.source(window, spatial[i], lhs.ty().shape[from])? * ls[from];
                }
                Some(position as usize)
            })?;
            let right = index::pick(&ty, rhs, |at| {
                let mut position = feature * rs[d.kernel_input_feature_dimension as usize]
                    + at[d.output_feature_dimension as usize]
                        * rs[d.kernel_output_feature_dimension as usize];
                for (i, dim) in dims.iter().enumerate() {
                    let reversed = self.window_reversal.get(i).copied().unwrap_or(false);
                    let w = if reversed { dim.size - 1 - spatial[i] } else { spatial[i] };
                    position += w * rs[d.kernel_spatial_dimensions[i] as usize];
                }
                position as usize
            })?;
            let product = evaluator.apply(&Op::Binary(Binary::Multiply), &[left, right], &ty)?;
            sum = evaluator.apply(&Op::Binary(Binary::Add), &[sum, product], &ty)?;
        }
        evaluator.convert(&sum, narrow)
    }
}

impl OpDef for Convolution {
    named!("stablehlo.convolution");

    fn attributes(&self) -> Attributes {
        let mut out = Attributes::new();
        out.set("batch_group_count", Attribute::int(self.batch_group_count));
        out.set("dimension_numbers", Attribute::Conv(self.dimension_numbers.clone()));
        out.set("feature_group_count", Attribute::int(self.feature_group_count));
        let mut ints = |name: &str, values: &[i64]| {
            if !values.is_empty() {
                out.set(name, Attribute::ints(values));
            }
        };
        ints("lhs_dilation", &self.lhs_dilation);
        if !self.padding.is_empty() {
            out.set("padding", Attribute::pairs(&self.padding));
        }
        if !self.precision_config.is_empty() {
            out.set("precision_config", precision_attribute(&self.precision_config));
        }
        if !self.rhs_dilation.is_empty() {
            out.set("rhs_dilation", Attribute::ints(&self.rhs_dilation));
        }
        if !self.window_reversal.is_empty() {
            out.set("window_reversal", Attribute::bools(&self.window_reversal));
        }
        if !self.window_strides.is_empty() {
            out.set("window_strides", Attribute::ints(&self.window_strides));
        }
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let form = "#stablehlo.conv<…>";
        let dimension_numbers =
            attributes.take_as(NAME, "dimension_numbers", form, |attribute| match attribute {
                Attribute::Conv(numbers) => Some(numbers.clone()),
                _ => None,
            })?;
        Ok(Convolution {
            dimension_numbers,
            window_strides: attributes.take_optional_ints(NAME, "window_strides")?.unwrap_or_default(),
            padding: attributes.take_optional_pairs(NAME, "padding")?.unwrap_or_default(),
            lhs_dilation: attributes.take_optional_ints(NAME, "lhs_dilation")?.unwrap_or_default(),
            rhs_dilation: attributes.take_optional_ints(NAME, "rhs_dilation")?.unwrap_or_default(),
            window_reversal: attributes.take_bools(NAME, "window_reversal")?,
            feature_group_count: attributes.take_optional_int(NAME, "feature_group_count")?.unwrap_or(1),
            batch_group_count: attributes.take_optional_int(NAME, "batch_group_count")?.unwrap_or(1),
            precision_config: attributes.take_enums(NAME, "precision_config", PRECISIONS)?,
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        arity(NAME, cx, 2, 0)?;
        let (lhs, rhs) = (cx.tensor(NAME, 0)?, cx.tensor(NAME, 1)?);
        if lhs.element.kind() != rhs.element.kind() {
            return Err(Error::constraint(
                "convolution_c27",
                format!("{NAME}: element types differ: lhs is {lhs}, rhs is {rhs}"),
            ));
        }
        self.result_shape(lhs, rhs)?;
        Ok(None)
    }

    fn verify(&self, cx: &Context<'_>, results: &[Type]) -> Result<()> {
        let shape = self.result_shape(cx.tensor(NAME, 0)?, cx.tensor(NAME, 1)?)?;
        check_result_shape("convolution_c25", NAME, results, &shape)
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let (lhs, rhs) = (cx.tensor(NAME, 0)?, cx.tensor(NAME, 1)?);
        let element = cx.result(NAME, 0)?.element;
        Ok(vec![self.evaluate(cx.evaluator, lhs, rhs, element)?.into()])
    }
}
