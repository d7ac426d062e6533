//! `chlo.ragged_dot`: products whose rows, terms or batches fall into groups of different sizes.

use super::dot::{DotDimensionNumbers, DotGeneral, PRECISIONS, Precision};
use super::rules::{arity, check_dims, check_result_shape, fits, named, unique};
use super::{Context, EvalContext, OpDef};
use crate::attribute::{Attribute, Attributes, enum_name};
use crate::eval::Datum;
use crate::eval::index::{self, Elements, Indices};
use crate::{Error, Literal, Op, Result, Shape, TensorType, Type, Types};

/// `chlo.ragged_dot(lhs, rhs, group_sizes)`.
#[derive(Clone, PartialEq, Debug)]
pub struct RaggedDot {
    /// Which dimensions are paired; those of `rhs` count its group dimension.
    pub dimension_numbers: DotDimensionNumbers,
    /// The dimension of `lhs` that falls into groups.
    pub lhs_ragged_dimension: i64,
    /// The dimension of `rhs` that has an entry for each group, where the ragged one is a free one.
    pub rhs_group_dimension: Option<i64>,
    /// Precision of each side; empty means default.
    pub precision_config: Vec<Precision>,
}

/// What the ragged dimension is to the product.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    /// Free: every row is multiplied with its group's matrix.
    Rows,
    /// Contracting: every group of terms gives a product of its own.
    Terms,
    /// Batching: groups make no difference.
    Batches,
}

const NAME: &str = "ragged_dot";

impl OpDef for RaggedDot {
    named!("chlo.ragged_dot");

    fn attributes(&self) -> Attributes {
        let mut out = Attributes::new();
        if !self.precision_config.is_empty() {
            let each = |p| Attribute::enumeration("chlo.precision", enum_name(p, PRECISIONS));
            out.set("precision_config", Attribute::Array(self.precision_config.iter().map(each).collect()));
        }
        let mut fields = self.dimension_numbers.fields();
        fields.set("lhs_ragged_dimensions", Attribute::list(&[self.lhs_ragged_dimension]));
        if let Some(group) = self.rhs_group_dimension {
            fields.set("rhs_group_dimensions", Attribute::list(&[group]));
        }
        out.set("ragged_dot_dimension_numbers", Attribute::Struct("chlo.ragged_dot".into(), fields));
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let mut fields = attributes.take_struct(NAME, "ragged_dot_dimension_numbers")?;
        let dimension_numbers = DotDimensionNumbers::take(NAME, &mut fields)?;
        let ragged = fields.take_ints(NAME, "lhs_ragged_dimensions")?;
        let [lhs_ragged_dimension] = ragged[..] else {
            return Err(Error::verify(format!("{NAME}: there must be one ragged dimension, got {ragged:?}")));
        };
        let group = fields.take_optional_ints(NAME, "rhs_group_dimensions")?.unwrap_or_default();
        let rhs_group_dimension = match group[..] {
            [] => None,
            [d] => Some(d),
            _ => {
                let message = format!("{NAME}: there must be at most one group dimension, got {group:?}");
                return Err(Error::verify(message));
            }
        };
        Ok(RaggedDot {
            dimension_numbers,
            lhs_ragged_dimension,
            rhs_group_dimension,
            precision_config: attributes.take_enums(NAME, "precision_config", PRECISIONS)?,
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        arity(NAME, cx, 3, 0)?;
        let (lhs, rhs) = (cx.tensor(NAME, 0)?, cx.tensor(NAME, 1)?);
        if lhs.element.kind() != rhs.element.kind() {
            return Err(Error::verify(format!("{NAME}: element types differ: lhs is {lhs}, rhs is {rhs}")));
        }
        if !matches!(self.precision_config.len(), 0 | 2) {
            let n = self.precision_config.len();
            return Err(Error::verify(format!("{NAME}: precision_config must have 2 entries, got {n}")));
        }
        self.result_shape(lhs, rhs, cx.tensor(NAME, 2)?)?;
        Ok(None)
    }

    fn verify(&self, cx: &Context<'_>, results: &[Type]) -> Result<()> {
        let shape = self.result_shape(cx.tensor(NAME, 0)?, cx.tensor(NAME, 1)?, cx.tensor(NAME, 2)?)?;
        check_result_shape("ragged_dot", NAME, results, &shape)
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let (lhs, rhs, sizes) = (cx.tensor(NAME, 0)?, cx.tensor(NAME, 1)?, cx.tensor(NAME, 2)?);
        let element = cx.result(NAME, 0)?.element;
        let shape = self.result_shape(lhs.ty(), rhs.ty(), sizes.ty())?;
        let groups = Groups {
            sizes: index::ints(sizes)?,
            count: *sizes.ty().shape.last().unwrap_or(&0),
            strides: index::strides(&sizes.ty().shape),
        };
        let d = &self.dimension_numbers;
        let mut product = |lhs: &Literal, rhs: &Literal, numbers: DotDimensionNumbers| {
            let shape = numbers.result_shape(lhs.ty(), rhs.ty())?;
            let dot =
                DotGeneral { dimension_numbers: numbers, precision_config: Vec::new(), algorithm: None };
            let ty = TensorType { shape, element };
            cx.evaluator.apply(&Op::from(dot), &[lhs.clone(), rhs.clone()], &ty)
        };
        let ty = TensorType { shape, element };
        match self.mode() {
            Mode::Batches => Ok(vec![product(lhs, rhs, d.clone())?.into()]),
            Mode::Rows => {
                let group = self.rhs_group_dimension.expect("checked by infer") as usize;
                let mut matrix = rhs.ty().clone();
                matrix.shape.remove(group);
                let strides = index::strides(&rhs.ty().shape);
                let mut products = Vec::new();
                for g in 0..groups.count {
                    let rhs = index::pick(&matrix, rhs, |i| {
                        let (before, after) = i.split_at(group);
                        index::offset(before, &strides[..group])
                            + index::offset(after, &strides[group + 1..])
                            + (g * strides[group]) as usize
                    })?;
                    products.push(product(lhs, &rhs, self.without_group())?);
                }
                let free = d.lhs_free(lhs.ty().rank());
                // Where in the result's index the dimensions of lhs stand on which a row's group depends.
                let place = |dim: i64| match d.lhs_batching_dimensions.iter().position(|&b| b == dim) {
                    Some(i) => i,
                    None => {
                        let i = free.iter().position(|&f| f == dim).expect("batching or free");
                        d.lhs_batching_dimensions.len() + i
                    }
                };
                let outer: Vec<usize> = self.outer(lhs.ty().rank()).into_iter().map(place).collect();
                let row = place(self.lhs_ragged_dimension);
                let mut out = Elements::zeros(&ty)?;
                let mut indices = Indices::new(&ty.shape);
                let mut position = 0;
                while let Some(i) = indices.next() {
                    let prefix: Vec<i64> = outer.iter().map(|&d| i[d]).collect();
                    if let Some(g) = groups.of(&prefix, i[row]) {
                        out.set(position, products[g].element(position));
                    }
                    position += 1;
                }
                Ok(vec![out.finish().into()])
            }
            Mode::Terms => {
                let which = d.lhs_contracting_dimensions.iter().position(|&c| c == self.lhs_ragged_dimension);
                let which = which.expect("the mode says so");
                let outer = self.outer(lhs.ty().rank());
                // The same dimensions of the other side.
                let pair = |dim: &i64| {
                    let pairs = d.lhs_batching_dimensions.iter().zip(&d.rhs_batching_dimensions);
                    let mut pairs =
                        pairs.chain(d.lhs_contracting_dimensions.iter().zip(&d.rhs_contracting_dimensions));
                    *pairs.find(|pair| pair.0 == dim).expect("batching or contracting").1
                };
                let rhs_outer: Vec<i64> = outer.iter().map(pair).collect();
                let rhs_ragged = d.rhs_contracting_dimensions[which];
                let mut bytes = Vec::new();
                for g in 0..groups.count as usize {
                    let lhs = groups.only(g, lhs, &outer, self.lhs_ragged_dimension)?;
                    let rhs = groups.only(g, rhs, &rhs_outer, rhs_ragged)?;
                    let part = product(&lhs, &rhs, d.clone())?;
                    bytes.extend_from_slice(&part.to_bytes());
                }
                Ok(vec![Literal::from_bytes(ty, bytes)?.into()])
            }
        }
    }
}

/// How many of each group there are, for each index of the dimensions that `sizes` counts beside the groups'.
struct Groups {
    sizes: Vec<i64>,
    count: i64,
    strides: index::Index,
}

impl Groups {
    /// The group in which `position` along the ragged dimension lies; `None` behind the last.
    fn of(&self, outer: &[i64], position: i64) -> Option<usize> {
        // One list of sizes may stand for all.
        let base =
            if self.strides.len() == 1 { 0 } else { index::offset(outer, &self.strides[..outer.len()]) };
        let mut end = 0i64;
        (0..self.count as usize).find(|&g| {
            end = end.saturating_add(self.sizes[base + g].max(0));
            position < end
        })
    }

    /// The literal with zeros outside of group `g`.
    fn only(&self, g: usize, all: &Literal, outer: &[i64], ragged: i64) -> Result<Literal> {
        let strides = index::strides(&all.ty().shape);
        index::pick_or_zero(all.ty(), all, |i| {
            let prefix: Vec<i64> = outer.iter().map(|&d| i[d as usize]).collect();
            (self.of(&prefix, i[ragged as usize]) == Some(g)).then(|| index::offset(i, &strides))
        })
    }
}

impl RaggedDot {
    fn mode(&self) -> Mode {
        let d = &self.dimension_numbers;
        if d.lhs_contracting_dimensions.contains(&self.lhs_ragged_dimension) {
            Mode::Terms
        } else if d.lhs_batching_dimensions.contains(&self.lhs_ragged_dimension) {
            Mode::Batches
        } else {
            Mode::Rows
        }
    }

    /// The dimensions of lhs on which groups may depend: batching ones, and those of the ragged one's kind before it.
    fn outer(&self, rank: usize) -> Vec<i64> {
        let d = &self.dimension_numbers;
        let free = d.lhs_free(rank);
        let before = |dims: &[i64]| -> Vec<i64> {
            dims.iter().copied().take_while(|&dim| dim != self.lhs_ragged_dimension).collect()
        };
        match self.mode() {
            Mode::Batches => before(&d.lhs_batching_dimensions),
            Mode::Rows => [&d.lhs_batching_dimensions[..], &before(&free)].concat(),
            Mode::Terms => [&d.lhs_batching_dimensions[..], &before(&d.lhs_contracting_dimensions)].concat(),
        }
    }

    /// The dimension numbers of one group's product, whose rhs has no group dimension.
    fn without_group(&self) -> DotDimensionNumbers {
        let mut numbers = self.dimension_numbers.clone();
        if let Some(group) = self.rhs_group_dimension {
            for dim in
                numbers.rhs_batching_dimensions.iter_mut().chain(&mut numbers.rhs_contracting_dimensions)
            {
                *dim -= i64::from(*dim > group);
            }
        }
        numbers
    }

    fn result_shape(&self, lhs: &TensorType, rhs: &TensorType, sizes: &TensorType) -> Result<Shape> {
        let fail = |message: String| Err(Error::verify(format!("{NAME}: {message}")));
        let d = &self.dimension_numbers;
        check_dims("ragged_dot", NAME, "ragged dimension", &[self.lhs_ragged_dimension], lhs.rank())?;
        let mut matrix = rhs.clone();
        let mode = self.mode();
        let mut in_groups = None;
        match (mode, self.rhs_group_dimension) {
            (Mode::Rows, Some(group)) => {
                check_dims("ragged_dot", NAME, "group dimension", &[group], rhs.rank())?;
                let paired =
                    [&d.rhs_batching_dimensions[..], &d.rhs_contracting_dimensions, &[group]].concat();
                if !unique(&paired) {
                    return fail(format!("group dimension {group} of rhs is paired as well"));
                }
                in_groups = Some(matrix.shape.remove(group as usize));
            }
            (Mode::Rows, None) => return fail("ragged rows need a group dimension of rhs".into()),
            (_, Some(group)) => {
                return fail(format!("only ragged rows have a group dimension of rhs, got {group}"));
            }
            (_, None) => {}
        }
        let shape = self.without_group().result_shape(lhs, &matrix)?;
        let Some((&count, prefix)) = sizes.shape.split_last().filter(|_| sizes.element.is_integer()) else {
            return fail(format!("group sizes must be a list of integers, got {sizes}"));
        };
        let outer: Vec<i64> = self.outer(lhs.rank()).iter().map(|&dim| lhs.shape[dim as usize]).collect();
        if !prefix.is_empty()
            && (prefix.len() != outer.len() || !prefix.iter().zip(&outer).all(|(&a, &b)| fits(a, b)))
        {
            return fail(format!("group sizes {sizes} must be one list, or one for each of {outer:?}"));
        }
        if let Some(n) = in_groups.filter(|&n| !fits(n, count)) {
            return fail(format!("rhs has {n} groups, there are {count} group sizes"));
        }
        match mode {
            Mode::Terms => {
                let mut grouped: Shape = [count].into_iter().collect();
                grouped.extend(shape);
                Ok(grouped)
            }
            _ => Ok(shape),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ElementType, Module, eval};

    fn run(text: &str, args: &[Literal]) -> Literal {
        let module = Module::parse(text).unwrap();
        module.verify().unwrap();
        assert_eq!(Module::parse(&module.to_text()).unwrap(), module);
        eval::evaluate(&module, args).unwrap().remove(0)
    }

    #[test]
    fn groups_of_terms_give_a_product_each() {
        let text = r#"func.func @main(%a: tensor<1x4xf32>, %b: tensor<4x1xf32>, %g: tensor<3xi32>) -> tensor<3x1x1xf32> {
            %0 = "chlo.ragged_dot"(%a, %b, %g) <{ragged_dot_dimension_numbers = #chlo.ragged_dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0], lhs_ragged_dimensions = [1]>}> : (tensor<1x4xf32>, tensor<4x1xf32>, tensor<3xi32>) -> tensor<3x1x1xf32>
            return %0 : tensor<3x1x1xf32>
        }"#;
        let a = Literal::new([1, 4], &[1.0f32, 2.0, 3.0, f32::INFINITY]).unwrap();
        let b = Literal::new([4, 1], &[1.0f32, 10.0, 100.0, 1.0]).unwrap();
        let sizes = Literal::new([3], &[2i32, 0, 1]).unwrap();
        // The last term is in no group.
        assert_eq!(run(text, &[a, b, sizes]).to_vec::<f32>().unwrap(), [21.0, 0.0, 300.0]);
    }

    #[test]
    fn rows_behind_the_last_group_are_zero() {
        let text = r#"func.func @main(%a: tensor<3x1xf32>, %b: tensor<2x1x1xf32>, %g: tensor<2xi32>) -> tensor<3x1xf32> {
            %0 = "chlo.ragged_dot"(%a, %b, %g) <{ragged_dot_dimension_numbers = #chlo.ragged_dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [1], lhs_ragged_dimensions = [0], rhs_group_dimensions = [0]>}> : (tensor<3x1xf32>, tensor<2x1x1xf32>, tensor<2xi32>) -> tensor<3x1xf32>
            return %0 : tensor<3x1xf32>
        }"#;
        let a = Literal::new([3, 1], &[1.0f32, 2.0, 3.0]).unwrap();
        let b = Literal::new([2, 1, 1], &[10.0f32, f32::INFINITY]).unwrap();
        let sizes = Literal::new([2], &[1i32, 1]).unwrap();
        assert_eq!(run(text, &[a, b, sizes]).to_vec::<f32>().unwrap(), [10.0, f32::INFINITY, 0.0]);
    }

    #[test]
    fn wrong_groups_are_refused() {
        let numbers = DotDimensionNumbers {
            lhs_contracting_dimensions: [1].into_iter().collect(),
            rhs_contracting_dimensions: [1].into_iter().collect(),
            ..Default::default()
        };
        let op = |ragged, group| RaggedDot {
            dimension_numbers: numbers.clone(),
            lhs_ragged_dimension: ragged,
            rhs_group_dimension: group,
            precision_config: Vec::new(),
        };
        let f32s = |shape: &[i64]| TensorType::new(shape.iter().copied(), ElementType::F32);
        let sizes = TensorType::new([3], ElementType::I32);
        let shape = |op: RaggedDot| op.result_shape(&f32s(&[11, 5]), &f32s(&[3, 5, 7]), &sizes);
        assert_eq!(shape(op(0, Some(0))).unwrap()[..], [11, 7]);
        for (op, message) in [
            (op(0, None), "ragged rows need a group dimension of rhs"),
            (op(2, Some(0)), "must lie in 0..2"),
            (op(0, Some(1)), "is paired as well"),
            (op(0, Some(2)), "rhs has 7 groups, there are 3 group sizes"),
            (op(1, Some(0)), "only ragged rows have a group dimension of rhs, got 0"),
        ] {
            let error = shape(op).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        assert!(op(0, Some(0)).result_shape(&f32s(&[11, 5]), &f32s(&[3, 5, 7]), &f32s(&[3])).is_err());
    }
}
