//! Products of tensors.

use super::elementwise::Binary;
use super::rules::{arity, check_dims, check_result_shape, fits, named};
use super::{Context, EvalContext, OpDef};
use crate::attribute::{Attribute, Attributes, enum_name};
use crate::eval::Datum;
use crate::eval::index::{self, Elements, Indices};
use crate::{DYNAMIC, ElementType, Error, Literal, Op, Result, Shape, TensorType, Type, Types};

/// How precisely a product is computed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Precision {
    /// `DEFAULT`: fastest.
    #[default]
    Default,
    /// `HIGH`.
    High,
    /// `HIGHEST`.
    Highest,
}

/// Which dimensions a product pairs (the fields of `#stablehlo.dot`).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct DotDimensionNumbers {
    /// Batching dimensions of the left side.
    pub lhs_batching_dimensions: Shape,
    /// Batching dimensions of the right side.
    pub rhs_batching_dimensions: Shape,
    /// Contracting dimensions of the left side.
    pub lhs_contracting_dimensions: Shape,
    /// Contracting dimensions of the right side.
    pub rhs_contracting_dimensions: Shape,
}

/// A type that numbers are rounded to on the way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum PrecisionType {
    /// An element type.
    Element(ElementType),
    /// `tf32`: eight bits of exponent and ten of mantissa; only ever on the way.
    Tf32,
}

/// The algorithm a product is asked to use (`#stablehlo.dot_algorithm`).
#[derive(Clone, PartialEq, Debug)]
pub struct DotAlgorithm {
    /// Type to which the left side is rounded.
    pub lhs_precision_type: PrecisionType,
    /// Type to which the right side is rounded.
    pub rhs_precision_type: PrecisionType,
    /// Type of sums.
    pub accumulation_type: PrecisionType,
    /// Number of parts of the left side.
    pub lhs_component_count: i64,
    /// Number of parts of the right side.
    pub rhs_component_count: i64,
    /// Number of primitive products.
    pub num_primitive_operations: i64,
    /// Whether partial sums may be rounded.
    pub allow_imprecise_accumulation: bool,
}

/// `stablehlo.dot_general(lhs, rhs)`: result dimensions are batching, then free of lhs, then free of rhs.
#[derive(Clone, PartialEq, Debug)]
pub struct DotGeneral {
    /// Which dimensions are paired.
    pub dimension_numbers: DotDimensionNumbers,
    /// Precision of each side; empty means default.
    pub precision_config: Vec<Precision>,
    /// The algorithm asked for.
    pub algorithm: Option<DotAlgorithm>,
}

impl DotDimensionNumbers {
    /// Free dimensions of a side of that rank: neither batching nor contracting.
    pub fn free(rank: usize, batching: &[i64], contracting: &[i64]) -> Shape {
        (0..rank as i64).filter(|d| !batching.contains(d) && !contracting.contains(d)).collect()
    }

    /// Free dimensions of the left side, of that rank.
    pub(super) fn lhs_free(&self, rank: usize) -> Shape {
        Self::free(rank, &self.lhs_batching_dimensions, &self.lhs_contracting_dimensions)
    }

    /// The fields of `#stablehlo.dot<…>`; empty lists are left out.
    pub(super) fn fields(&self) -> Attributes {
        let mut fields = Attributes::new();
        for (name, dims) in [
            ("lhs_batching_dimensions", &self.lhs_batching_dimensions),
            ("rhs_batching_dimensions", &self.rhs_batching_dimensions),
            ("lhs_contracting_dimensions", &self.lhs_contracting_dimensions),
            ("rhs_contracting_dimensions", &self.rhs_contracting_dimensions),
        ] {
            if !dims.is_empty() {
                fields.set(name, Attribute::list(dims));
            }
        }
        fields
    }

    pub(super) fn take(op: &str, fields: &mut Attributes) -> Result<Self> {
        let mut dims = |name| Ok::<_, Error>(fields.take_optional_ints(op, name)?.unwrap_or_default());
        Ok(DotDimensionNumbers {
            lhs_batching_dimensions: dims("lhs_batching_dimensions")?,
            rhs_batching_dimensions: dims("rhs_batching_dimensions")?,
            lhs_contracting_dimensions: dims("lhs_contracting_dimensions")?,
            rhs_contracting_dimensions: dims("rhs_contracting_dimensions")?,
        })
    }

    /// The result's shape on operands that pass every check: batching, then free of lhs, then free of rhs.
    ///
    /// Errors with the specification's constraint where they do not (`dot_general_c1` to `dot_general_c10`).
    pub fn result_shape(&self, lhs: &TensorType, rhs: &TensorType) -> Result<Shape> {
        let (lb, rb) = (&self.lhs_batching_dimensions, &self.rhs_batching_dimensions);
        let (lc, rc) = (&self.lhs_contracting_dimensions, &self.rhs_contracting_dimensions);
        if lb.len() != rb.len() {
            return Err(Error::constraint(
                "dot_general_c1",
                format!("{NAME}: batching dimensions {lb:?} and {rb:?} must be as many"),
            ));
        }
        if lc.len() != rc.len() {
            return Err(Error::constraint(
                "dot_general_c2",
                format!("{NAME}: contracting dimensions {lc:?} and {rc:?} must be as many"),
            ));
        }
        distinct("dot_general_c3", "lhs", lb, lc)?;
        distinct("dot_general_c4", "rhs", rb, rc)?;
        check_dims("dot_general_c5", NAME, "lhs batching dimensions", lb, lhs.rank())?;
        check_dims("dot_general_c6", NAME, "lhs contracting dimensions", lc, lhs.rank())?;
        check_dims("dot_general_c7", NAME, "rhs batching dimensions", rb, rhs.rank())?;
        check_dims("dot_general_c8", NAME, "rhs contracting dimensions", rc, rhs.rank())?;
        paired("dot_general_c9", "batching", lhs, rhs, lb, rb)?;
        paired("dot_general_c10", "contracting", lhs, rhs, lc, rc)?;
        let size = |ty: &TensorType, d: i64| ty.shape[d as usize];
        let mut shape: Shape = lb
            .iter()
            .zip(rb)
            .map(|(&l, &r)| if size(lhs, l) == DYNAMIC { size(rhs, r) } else { size(lhs, l) })
            .collect();
        shape.extend(Self::free(lhs.rank(), lb, lc).iter().map(|&d| size(lhs, d)));
        shape.extend(Self::free(rhs.rank(), rb, rc).iter().map(|&d| size(rhs, d)));
        Ok(shape)
    }
}

impl OpDef for DotGeneral {
    named!("stablehlo.dot_general");

    fn attributes(&self) -> Attributes {
        let mut out = Attributes::new();
        if let Some(algorithm) = &self.algorithm {
            out.set("algorithm", algorithm.attribute());
        }
        let fields = self.dimension_numbers.fields();
        out.set("dot_dimension_numbers", Attribute::Struct("dot".into(), fields));
        if !self.precision_config.is_empty() {
            out.set("precision_config", precision_attribute(&self.precision_config));
        }
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let mut fields = attributes.take_struct(NAME, "dot_dimension_numbers")?;
        let dimension_numbers = DotDimensionNumbers::take(NAME, &mut fields)?;
        Ok(DotGeneral {
            dimension_numbers,
            precision_config: attributes.take_enums(NAME, "precision_config", PRECISIONS)?,
            algorithm: attributes
                .take_optional_struct(NAME, "algorithm")?
                .map(DotAlgorithm::from_fields)
                .transpose()?,
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let (lhs, rhs) = (cx.tensor(NAME, 0)?, cx.tensor(NAME, 1)?);
        arity(NAME, cx, 2, 0)?;
        if lhs.element.kind() != rhs.element.kind() {
            return Err(Error::constraint(
                "dot_general_c13",
                format!("{NAME}: element types differ: lhs is {lhs}, rhs is {rhs}"),
            ));
        }
        if !matches!(self.precision_config.len(), 0 | 2) {
            let n = self.precision_config.len();
            return Err(Error::constraint(
                "dot_general_c11",
                format!("{NAME}: precision_config must have 2 entries, got {n}"),
            ));
        }
        if let Some(algorithm) = &self.algorithm {
            if self.precision_config.iter().any(|&p| p != Precision::Default) {
                return Err(Error::constraint(
                    "dot_general_c21",
                    format!("{NAME}: with an algorithm the precision must be DEFAULT"),
                ));
            }
            for (label, what, count) in [
                ("dot_general_c22", "lhs_component_count", algorithm.lhs_component_count),
                ("dot_general_c23", "rhs_component_count", algorithm.rhs_component_count),
                ("dot_general_c24", "num_primitive_operations", algorithm.num_primitive_operations),
            ] {
                if count < 1 {
                    return Err(Error::constraint(
                        label,
                        format!("{NAME}: {what} must be positive, got {count}"),
                    ));
                }
            }
        }
        self.dimension_numbers.result_shape(lhs, rhs)?;
        Ok(None)
    }

    fn verify(&self, cx: &Context<'_>, results: &[Type]) -> Result<()> {
        let shape = self.dimension_numbers.result_shape(cx.tensor(NAME, 0)?, cx.tensor(NAME, 1)?)?;
        check_result_shape("dot_general_c12", NAME, results, &shape)
    }

    /// Products and sums in the result's element type, or in f32 where it is narrower, summed from zero along the contracting
    /// dimensions in lexicographic order.
    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let (lhs, rhs) = (cx.tensor(NAME, 0)?, cx.tensor(NAME, 1)?);
        let d = &self.dimension_numbers;
        let element = cx.result(NAME, 0)?.element;
        let (narrow, element) = (element, accumulator(element));
        let ty = TensorType::new(d.result_shape(lhs.ty(), rhs.ty())?, element);
        let lhs = &cx.evaluator.convert(lhs, element)?;
        let rhs = &cx.evaluator.convert(rhs, element)?;
        let contracted: Shape =
            d.lhs_contracting_dimensions.iter().map(|&d| lhs.ty().shape[d as usize]).collect();
        let batch = d.lhs_batching_dimensions.len();
        let lhs_free = DotDimensionNumbers::free(
            lhs.ty().rank(),
            &d.lhs_batching_dimensions,
            &d.lhs_contracting_dimensions,
        );
        let rhs_free = DotDimensionNumbers::free(
            rhs.ty().rank(),
            &d.rhs_batching_dimensions,
            &d.rhs_contracting_dimensions,
        );
        let mut sum = Elements::zeros(&ty)?.finish();
        let mut indices = Indices::new(&contracted);
        while let Some(k) = indices.next() {
            let left = pick_term(
                &ty,
                lhs,
                [(&d.lhs_batching_dimensions, 0), (&lhs_free, batch)],
                &d.lhs_contracting_dimensions,
                k,
            )?;
            let right = pick_term(
                &ty,
                rhs,
                [(&d.rhs_batching_dimensions, 0), (&rhs_free, batch + lhs_free.len())],
                &d.rhs_contracting_dimensions,
                k,
            )?;
            let product = cx.evaluator.apply(&Op::Binary(Binary::Multiply), &[left, right], &ty)?;
            sum = cx.evaluator.apply(&Op::Binary(Binary::Add), &[sum, product], &ty)?;
        }
        Ok(vec![cx.evaluator.convert(&sum, narrow)?.into()])
    }
}

/// The type in which sums of products of that type are kept: narrow floats would lose digits at every step.
pub(super) fn accumulator(element: ElementType) -> ElementType {
    if element.is_float() && element.bits() < 32 { ElementType::F32 } else { element }
}

/// For every result index, the factor that one side contributes at the contracting index `k`. Each of `parts` says which of the side's
/// dimensions follow the result's from which on.
fn pick_term(
    ty: &TensorType,
    side: &Literal,
    parts: [(&Shape, usize); 2],
    contracting: &[i64],
    k: &[i64],
) -> Result<Literal> {
    let strides = index::strides(&side.ty().shape);
    let base: i64 = contracting.iter().zip(k).map(|(&d, &i)| strides[d as usize] * i).sum();
    index::pick(ty, side, |result_index| {
        let along = |(dims, from): (&Shape, usize)| -> i64 {
            dims.iter().enumerate().map(|(i, &d)| strides[d as usize] * result_index[from + i]).sum()
        };
        (base + along(parts[0]) + along(parts[1])) as usize
    })
}

/// That the dimensions of one side are listed once.
fn distinct(label: &'static str, side: &str, batching: &[i64], contracting: &[i64]) -> Result<()> {
    let all = [batching, contracting].concat();
    match all.iter().enumerate().find(|&(i, d)| all[..i].contains(d)) {
        None => Ok(()),
        Some((_, d)) => {
            Err(Error::constraint(label, format!("{NAME}: {side} dimension {d} is paired more than once")))
        }
    }
}

/// That paired dimensions have one size.
fn paired(
    label: &'static str,
    what: &str,
    lhs: &TensorType,
    rhs: &TensorType,
    lhs_dims: &[i64],
    rhs_dims: &[i64],
) -> Result<()> {
    for (&l, &r) in lhs_dims.iter().zip(rhs_dims) {
        let (m, n) = (lhs.shape[l as usize], rhs.shape[r as usize]);
        if !fits(m, n) {
            return Err(Error::constraint(
                label,
                format!("dot_general: {what} sizes differ: lhs dim {l} is {m}, rhs dim {r} is {n}"),
            ));
        }
    }
    Ok(())
}

const NAME: &str = "dot_general";

/// The values of [`Precision`].
pub(crate) const PRECISIONS: &[(Precision, &str)] =
    &[(Precision::Default, "DEFAULT"), (Precision::High, "HIGH"), (Precision::Highest, "HIGHEST")];

/// `[#stablehlo<precision DEFAULT>, …]`.
pub(crate) fn precision_attribute(values: &[Precision]) -> Attribute {
    Attribute::Array(
        values.iter().map(|p| Attribute::enumeration("precision", enum_name(p, PRECISIONS))).collect(),
    )
}

impl PrecisionType {
    fn name(self) -> &'static str {
        match self {
            PrecisionType::Element(element) => element.name(),
            PrecisionType::Tf32 => "tf32",
        }
    }

    fn take(fields: &mut Attributes, name: &str) -> Result<Self> {
        fields.take_as(NAME, name, "an element type", |attribute| match attribute {
            Attribute::Type(Type::Tensor(ty)) => Some(PrecisionType::Element(ty.element)),
            Attribute::Opaque(text) | Attribute::String(text) if text == "tf32" => Some(PrecisionType::Tf32),
            Attribute::Opaque(text) | Attribute::String(text) => {
                ElementType::from_name(text).map(PrecisionType::Element)
            }
            _ => None,
        })
    }
}

impl DotAlgorithm {
    fn attribute(&self) -> Attribute {
        let mut fields = Attributes::new();
        let ty = |ty: PrecisionType| Attribute::Opaque(ty.name().to_owned());
        fields.set("lhs_precision_type", ty(self.lhs_precision_type));
        fields.set("rhs_precision_type", ty(self.rhs_precision_type));
        fields.set("accumulation_type", ty(self.accumulation_type));
        fields.set("lhs_component_count", Attribute::int(self.lhs_component_count));
        fields.set("rhs_component_count", Attribute::int(self.rhs_component_count));
        fields.set("num_primitive_operations", Attribute::int(self.num_primitive_operations));
        fields.set("allow_imprecise_accumulation", Attribute::Bool(self.allow_imprecise_accumulation));
        Attribute::Struct("dot_algorithm".into(), fields)
    }

    fn from_fields(mut fields: Attributes) -> Result<Self> {
        let f = &mut fields;
        Ok(DotAlgorithm {
            lhs_precision_type: PrecisionType::take(f, "lhs_precision_type")?,
            rhs_precision_type: PrecisionType::take(f, "rhs_precision_type")?,
            accumulation_type: PrecisionType::take(f, "accumulation_type")?,
            lhs_component_count: f.take_int(NAME, "lhs_component_count")?,
            rhs_component_count: f.take_int(NAME, "rhs_component_count")?,
            num_primitive_operations: f.take_int(NAME, "num_primitive_operations")?,
            allow_imprecise_accumulation: f.take_bool(NAME, "allow_imprecise_accumulation", false)?,
        })
    }
}
