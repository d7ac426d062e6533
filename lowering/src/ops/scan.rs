//! `chlo.scan`: a region applied along one dimension, carrying values from step to step.

use super::rules::named;
use super::{Context, EvalContext, OpDef};
use crate::attribute::{Attribute, Attributes};
use crate::eval::Datum;
use crate::eval::index::{self, Elements, Indices};
use crate::types::compatible;
use crate::{DYNAMIC, ElementType, Error, Literal, Result, TensorType, Type, Types};

/// `chlo.scan(inputs…, inits…)` with a region from slices and carries to slices and carries.
#[derive(Clone, PartialEq, Debug)]
pub struct Scan {
    /// The dimension along which inputs are taken apart and outputs put together.
    pub dimension: i64,
    /// How many of the operands are inputs, and how many initial carries.
    pub operand_segments: [i64; 2],
    /// How many of the results are outputs, and how many final carries.
    pub result_segments: [i64; 2],
    /// The number of steps, where there are no inputs to say it.
    pub scan_dim_size: Option<i64>,
    /// Whether the last slice comes first.
    pub is_reverse: bool,
    /// Whether the region is known to be associative.
    pub is_associative: Option<bool>,
}

const NAME: &str = "scan";

impl OpDef for Scan {
    named!("chlo.scan");

    fn attributes(&self) -> Attributes {
        let segments = |segments: [i64; 2]| Attribute::DenseArray(ElementType::I32, segments.to_vec());
        let mut out = Attributes::new();
        out.set("dimension", Attribute::int(self.dimension));
        if let Some(is_associative) = self.is_associative {
            out.set("is_associative", Attribute::Bool(is_associative));
        }
        if self.is_reverse {
            out.set("is_reverse", Attribute::Bool(true));
        }
        out.set("operandSegmentSizes", segments(self.operand_segments));
        out.set("resultSegmentSizes", segments(self.result_segments));
        if let Some(size) = self.scan_dim_size {
            out.set("scan_dim_size", Attribute::int(size));
        }
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let mut segments = |name: &str| {
            attributes.take_as(NAME, name, "two counts", |attribute| match attribute.as_ints()?[..] {
                [a, b] if a >= 0 && b >= 0 => Some([a, b]),
                _ => None,
            })
        };
        Ok(Scan {
            operand_segments: segments("operandSegmentSizes")?,
            result_segments: segments("resultSegmentSizes")?,
            dimension: attributes.take_int(NAME, "dimension")?,
            scan_dim_size: attributes.take_optional_int(NAME, "scan_dim_size")?,
            is_reverse: attributes.take_bool(NAME, "is_reverse", false)?,
            is_associative: attributes.take_optional_bool(NAME, "is_associative")?,
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let fail = |message: String| Err(Error::verify(format!("{NAME}: {message}")));
        let [inputs, inits] = self.operand_segments;
        let [outputs, carries] = self.result_segments;
        if inputs.checked_add(inits) != Some(cx.operands.len() as i64) {
            return fail(format!("{inputs} inputs and {inits} inits are not {} operands", cx.operands.len()));
        }
        if inits != carries {
            return fail(format!("{inits} inits but {carries} carries"));
        }
        let [_] = cx.regions else {
            return fail(format!("expected one region, got {}", cx.regions.len()));
        };
        let mut size = self.scan_dim_size.unwrap_or(DYNAMIC);
        let mut taken = Vec::with_capacity(cx.operands.len());
        for i in 0..inputs as usize {
            let input = cx.tensor(NAME, i)?;
            let Some((slice, steps)) = self.without_dimension(input) else {
                return fail(format!("dimension {} must be one of {input}", self.dimension));
            };
            if size != DYNAMIC && steps != DYNAMIC && size != steps {
                return fail(format!("input {i} has {steps} slices, others have {size}"));
            }
            size = if size == DYNAMIC { steps } else { size };
            taken.push(slice.into());
        }
        if inputs == 0 && size == DYNAMIC {
            return fail("without inputs scan_dim_size must say how many steps there are".into());
        }
        taken.extend(cx.operands[inputs as usize..].iter().map(|&ty| ty.clone()));
        let args: Vec<Type> = cx.region_args(0).cloned().collect();
        if !compatible(&args, &taken) {
            return fail(format!("the region takes {args:?}, it is given {taken:?}"));
        }
        let mut returned: Vec<Type> = cx.region_results(0).cloned().collect();
        if outputs.checked_add(carries) != Some(returned.len() as i64) {
            let n = returned.len();
            return fail(format!(
                "{outputs} outputs and {carries} carries are not what the region returns: {n}"
            ));
        }
        let carried = returned.split_off(outputs as usize);
        if !compatible(&carried, &taken[inputs as usize..]) {
            let inits = &taken[inputs as usize..];
            return fail(format!("the region carries on {carried:?}, the inits are {inits:?}"));
        }
        let mut results = Types::with_capacity(returned.len() + carried.len());
        for ty in returned {
            let stacked = ty.as_tensor().and_then(|ty| self.with_dimension(ty, size));
            match stacked {
                Some(ty) => results.push(ty.into()),
                None => return fail(format!("dimension {} must be one of outputs {ty}", self.dimension)),
            }
        }
        results.extend(carried);
        Ok(Some(results))
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let inputs: Vec<&Literal> =
            (0..self.operand_segments[0] as usize).map(|i| cx.tensor(NAME, i)).collect::<Result<_>>()?;
        let sizes = inputs.first().map(|input| input.ty().shape[self.dimension as usize]);
        let size = sizes.or(self.scan_dim_size).unwrap_or(0);
        let outputs = self.result_segments[0] as usize;
        let mut stacked = Vec::with_capacity(outputs);
        for i in 0..outputs {
            let mut ty = cx.result(NAME, i)?.clone();
            ty.shape[self.dimension as usize] = size;
            stacked.push(Elements::zeros(&ty)?);
        }
        let mut carries = cx.operands[inputs.len()..].to_vec();
        for step in 0..size {
            let at = if self.is_reverse { size - 1 - step } else { step };
            let slices = inputs.iter().map(|input| self.slice(input, at)).collect::<Result<Vec<_>>>()?;
            let args = slices.into_iter().map(Datum::Tensor).chain(carries);
            let mut returned = cx.evaluator.run_block(&cx.regions[0], args)?;
            carries = returned.split_off(outputs);
            for (i, (out, datum)) in stacked.iter_mut().zip(returned).enumerate() {
                let part = datum.into_literal()?;
                let mut whole = cx.result(NAME, i)?.shape.clone();
                whole[self.dimension as usize] = size;
                let strides = index::strides(&whole);
                let mut indices = Indices::new(&part.ty().shape);
                let mut position = 0;
                while let Some(index) = indices.next() {
                    out.set(self.offset(index, at, &strides), part.element(position));
                    position += 1;
                }
            }
        }
        Ok(stacked.into_iter().map(|out| out.finish().into()).chain(carries).collect())
    }
}

impl Scan {
    /// A slice's type, and how many slices there are.
    fn without_dimension(&self, ty: &TensorType) -> Option<(TensorType, i64)> {
        let mut slice = ty.clone();
        let d = usize::try_from(self.dimension).ok().filter(|&d| d < ty.rank())?;
        let steps = slice.shape.remove(d);
        Some((slice, steps))
    }

    fn with_dimension(&self, ty: &TensorType, size: i64) -> Option<TensorType> {
        let mut whole = ty.clone();
        let d = usize::try_from(self.dimension).ok().filter(|&d| d <= ty.rank())?;
        whole.shape.insert(d, size);
        Some(whole)
    }

    fn slice(&self, whole: &Literal, at: i64) -> Result<Literal> {
        let strides = index::strides(&whole.ty().shape);
        let (ty, _) = self.without_dimension(whole.ty()).expect("checked by infer");
        index::pick(&ty, whole, |index| self.offset(index, at, &strides))
    }

    /// Where in the whole the element of slice `at` stands.
    fn offset(&self, index: &[i64], at: i64, strides: &[i64]) -> usize {
        let d = self.dimension as usize;
        let before = index::offset(&index[..d], &strides[..d]);
        let after = index::offset(&index[d..], &strides[d + 1..]);
        before + after + (at * strides[d]) as usize
    }
}
