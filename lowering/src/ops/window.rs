//! Reductions over windows.

use super::rules::{
    arity, check_inits, check_reducer, check_same_shape, check_scalar_region, halves, named, shapes_agree,
};
use super::{Context, EvalContext, OpDef};
use crate::attribute::{Attribute, Attributes};
use crate::eval::Datum;
use crate::eval::index::{self, Elements, Indices};
use crate::{DYNAMIC, ElementType, Error, Literal, Result, Shape, TensorType, Types};

/// `stablehlo.reduce_window(inputs…, init_values…)` with a region.
#[derive(Clone, PartialEq, Debug)]
pub struct ReduceWindow {
    /// The size of the window.
    pub window_dimensions: Shape,
    /// Step of the window; empty means ones.
    pub window_strides: Shape,
    /// Dilation of the operands; empty means ones.
    pub base_dilations: Shape,
    /// Dilation of the window; empty means ones.
    pub window_dilations: Shape,
    /// Padding before and after each dimension; empty means none.
    pub padding: Vec<(i64, i64)>,
}

/// `stablehlo.select_and_scatter(operand, source, init_value)` with regions select and scatter.
#[derive(Clone, PartialEq, Debug)]
pub struct SelectAndScatter {
    /// The size of the window; empty means ones.
    pub window_dimensions: Shape,
    /// Step of the window; empty means ones.
    pub window_strides: Shape,
    /// Padding before and after each dimension; empty means none.
    pub padding: Vec<(i64, i64)>,
}

/// One dimension of a window: everything that decides which elements it covers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowDim {
    pub(crate) size: i64,
    pub(crate) stride: i64,
    pub(crate) base_dilation: i64,
    pub(crate) window_dilation: i64,
    pub(crate) low: i64,
    pub(crate) high: i64,
}

impl WindowDim {
    /// How many windows there are along an input dimension of that size; [`DYNAMIC`] where a size is.
    pub(crate) fn count(&self, input: i64) -> i64 {
        if input == DYNAMIC || self.size == DYNAMIC {
            return DYNAMIC;
        }
        // Wide enough that no product of two 64-bit numbers overflows.
        let dilate = |size: i64, by: i64| match size {
            0 => 0,
            _ => (i128::from(size) - 1) * i128::from(by) + 1,
        };
        let padded = i128::from(self.low) + dilate(input, self.base_dilation) + i128::from(self.high);
        let window = dilate(self.size, self.window_dilation);
        if padded <= 0 || window > padded {
            return 0;
        }
        i64::try_from((padded - window) / i128::from(self.stride) + 1).unwrap_or(i64::MAX)
    }

    /// The input element under element `w` of window `window`, or `None` where that is padding.
    pub(crate) fn source(&self, window: i64, w: i64, input: i64) -> Option<i64> {
        let at = window
            .saturating_mul(self.stride)
            .saturating_add(w.saturating_mul(self.window_dilation))
            .saturating_sub(self.low);
        let inside = at >= 0 && at % self.base_dilation == 0 && at / self.base_dilation < input;
        inside.then(|| at / self.base_dilation)
    }
}

/// The labels of a window's constraints in one operation: the count of each list, and that its entries are positive.
pub(crate) struct WindowLabels {
    pub(crate) sizes: [&'static str; 2],
    pub(crate) strides: [&'static str; 2],
    pub(crate) base_dilations: [&'static str; 2],
    pub(crate) window_dilations: [&'static str; 2],
    pub(crate) padding: &'static str,
}

/// A window's lists, each empty where it says nothing.
pub(crate) struct WindowLists<'a> {
    pub(crate) sizes: &'a [i64],
    pub(crate) strides: &'a [i64],
    pub(crate) base_dilations: &'a [i64],
    pub(crate) window_dilations: &'a [i64],
    pub(crate) padding: &'a [(i64, i64)],
}

impl WindowLists<'_> {
    /// The window's dimensions, of which there must be `rank`.
    pub(crate) fn dims(&self, op: &str, labels: &WindowLabels, rank: usize) -> Result<Vec<WindowDim>> {
        let list = |what: &str, labels: [&'static str; 2], list: &[i64]| {
            if !list.is_empty() && list.len() != rank {
                let message = format!("{op}: {what} {list:?} must have {rank} entries");
                return Err(Error::constraint(labels[0], message));
            }
            match list.iter().all(|&n| n > 0) {
                true => Ok(()),
                false => Err(Error::constraint(labels[1], format!("{op}: {what} {list:?} must be positive"))),
            }
        };
        // A kernel's size may be zero; it is the operand's, not an attribute's.
        if self.sizes.len() != rank {
            let message = format!("{op}: window dimensions {:?} must have {rank} entries", self.sizes);
            return Err(Error::constraint(labels.sizes[0], message));
        }
        if !labels.sizes[1].is_empty() {
            list("window dimensions", labels.sizes, self.sizes)?;
        }
        list("strides", labels.strides, self.strides)?;
        list("base dilations", labels.base_dilations, self.base_dilations)?;
        list("window dilations", labels.window_dilations, self.window_dilations)?;
        if !self.padding.is_empty() && self.padding.len() != rank {
            let message = format!("{op}: padding {:?} must have {rank} pairs", self.padding);
            return Err(Error::constraint(labels.padding, message));
        }
        let at = |list: &[i64], d: usize| list.get(d).copied().unwrap_or(1);
        Ok((0..rank)
            .map(|d| {
                let (low, high) = self.padding.get(d).copied().unwrap_or((0, 0));
                WindowDim {
                    size: self.sizes[d],
                    stride: at(self.strides, d),
                    base_dilation: at(self.base_dilations, d),
                    window_dilation: at(self.window_dilations, d),
                    low,
                    high,
                }
            })
            .collect())
    }
}

/// The position in an input of that shape of element `w` of window `window`, or `None` where that is padding.
fn source_position(
    dims: &[WindowDim],
    window: &[i64],
    w: &[i64],
    shape: &[i64],
    strides: &[i64],
) -> Option<usize> {
    let mut position = 0;
    for d in 0..dims.len() {
        position += dims[d].source(window[d], w[d], shape[d])? * strides[d];
    }
    Some(position as usize)
}

impl ReduceWindow {
    fn dims(&self, rank: usize) -> Result<Vec<WindowDim>> {
        let lists = WindowLists {
            sizes: &self.window_dimensions,
            strides: &self.window_strides,
            base_dilations: &self.base_dilations,
            window_dilations: &self.window_dilations,
            padding: &self.padding,
        };
        lists.dims("reduce_window", &REDUCE_WINDOW, rank)
    }
}

const REDUCE_WINDOW: WindowLabels = WindowLabels {
    sizes: ["reduce_window_c4", "reduce_window_c5"],
    strides: ["reduce_window_c6", "reduce_window_c7"],
    base_dilations: ["reduce_window_c8", "reduce_window_c9"],
    window_dilations: ["reduce_window_c10", "reduce_window_c11"],
    padding: "reduce_window_c12",
};

impl OpDef for ReduceWindow {
    named!("stablehlo.reduce_window");

    fn attributes(&self) -> Attributes {
        let mut out = Attributes::new();
        set_ints(&mut out, "base_dilations", &self.base_dilations);
        if !self.padding.is_empty() {
            out.set("padding", Attribute::pairs(&self.padding));
        }
        set_ints(&mut out, "window_dilations", &self.window_dilations);
        out.set("window_dimensions", Attribute::ints(&self.window_dimensions));
        set_ints(&mut out, "window_strides", &self.window_strides);
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let op = "reduce_window";
        Ok(ReduceWindow {
            window_dimensions: attributes.take_ints(op, "window_dimensions")?,
            window_strides: attributes.take_optional_ints(op, "window_strides")?.unwrap_or_default(),
            base_dilations: attributes.take_optional_ints(op, "base_dilations")?.unwrap_or_default(),
            window_dilations: attributes.take_optional_ints(op, "window_dilations")?.unwrap_or_default(),
            padding: attributes.take_optional_pairs(op, "padding")?.unwrap_or_default(),
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let op = "reduce_window";
        let (inputs, inits) = halves("reduce_window_c1", op, cx)?;
        check_same_shape("reduce_window_c2", op, &inputs)?;
        check_inits("reduce_window_c3", op, &inputs, &inits)?;
        let dims = self.dims(inputs[0].rank())?;
        let elements: Vec<ElementType> = inputs.iter().map(|ty| ty.element).collect();
        let accumulators = check_reducer("reduce_window_c13", op, cx, 0, &elements)?;
        let shape: Shape = dims.iter().zip(&inputs[0].shape).map(|(dim, &n)| dim.count(n)).collect();
        let ty = |element| TensorType { shape: shape.clone(), element }.into();
        Ok(Some(accumulators.into_iter().map(ty).collect()))
    }

    /// Each result begins as its initial value and takes its window's elements in lexicographic order; padding is initial values.
    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let op = "reduce_window";
        let n = cx.operands.len() / 2;
        let shape = &cx.tensor(op, 0)?.ty().shape;
        let dims = self.dims(shape.len())?;
        let windows: Shape = dims.iter().zip(shape).map(|(dim, &n)| dim.count(n)).collect();
        let (mut inputs, mut inits, mut results) = (Vec::new(), Vec::new(), Vec::new());
        for i in 0..n {
            let element = cx.result(op, i)?.element;
            inputs.push(cx.evaluator.convert(cx.tensor(op, i)?, element)?);
            inits.push(cx.evaluator.convert(cx.tensor(op, n + i)?, element)?);
            results.push(Elements::zeros(&TensorType { shape: windows.clone(), element })?);
        }
        let strides = index::strides(shape);
        let mut all = Indices::new(&windows);
        let mut position = 0;
        while let Some(window) = all.next() {
            let mut values = inits.clone();
            let mut inside = Indices::new(&self.window_dimensions);
            while let Some(w) = inside.next() {
                let source = source_position(&dims, window, w, shape, &strides);
                let new = (0..n).map(|i| match source {
                    Some(source) => index::scalar_at(&inputs[i], source),
                    None => inits[i].clone(),
                });
                values = cx.evaluator.run_tensors(&cx.regions[0], values.into_iter().chain(new))?;
            }
            for (result, value) in results.iter_mut().zip(values) {
                result.set(position, value.element(0));
            }
            position += 1;
        }
        Ok(results.into_iter().map(|r| r.finish().into()).collect())
    }
}

const SELECT_AND_SCATTER: WindowLabels = WindowLabels {
    sizes: ["select_and_scatter_c4", "select_and_scatter_c5"],
    strides: ["select_and_scatter_c6", "select_and_scatter_c7"],
    base_dilations: ["", ""],
    window_dilations: ["", ""],
    padding: "select_and_scatter_c8",
};

impl SelectAndScatter {
    fn dims(&self, rank: usize) -> Result<Vec<WindowDim>> {
        let ones = Shape::from_elem(1, rank);
        let lists = WindowLists {
            sizes: if self.window_dimensions.is_empty() { &ones } else { &self.window_dimensions },
            strides: &self.window_strides,
            base_dilations: &[],
            window_dilations: &[],
            padding: &self.padding,
        };
        lists.dims("select_and_scatter", &SELECT_AND_SCATTER, rank)
    }
}

impl OpDef for SelectAndScatter {
    named!("stablehlo.select_and_scatter");

    fn attributes(&self) -> Attributes {
        let mut out = Attributes::new();
        if !self.padding.is_empty() {
            out.set("padding", Attribute::pairs(&self.padding));
        }
        set_ints(&mut out, "window_dimensions", &self.window_dimensions);
        set_ints(&mut out, "window_strides", &self.window_strides);
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let op = "select_and_scatter";
        Ok(SelectAndScatter {
            window_dimensions: attributes.take_optional_ints(op, "window_dimensions")?.unwrap_or_default(),
            window_strides: attributes.take_optional_ints(op, "window_strides")?.unwrap_or_default(),
            padding: attributes.take_optional_pairs(op, "padding")?.unwrap_or_default(),
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let op = "select_and_scatter";
        arity(op, cx, 3, 2)?;
        let (operand, source, init) = (cx.tensor(op, 0)?, cx.tensor(op, 1)?, cx.tensor(op, 2)?);
        if source.element != operand.element {
            return Err(Error::constraint(
                "select_and_scatter_c1",
                format!("{op}: element types differ: operand {operand}, source {source}"),
            ));
        }
        check_inits("select_and_scatter_c3", op, &[operand], &[init])?;
        let dims = self.dims(operand.rank())?;
        let windows: Shape = dims.iter().zip(&operand.shape).map(|(dim, &n)| dim.count(n)).collect();
        if !shapes_agree(&windows, &source.shape) {
            let wanted = TensorType { shape: windows, element: source.element };
            return Err(Error::constraint(
                "select_and_scatter_c2",
                format!("{op}: the source must be {wanted}, one element for each window, got {source}"),
            ));
        }
        let e = operand.element;
        check_scalar_region("select_and_scatter_c9", op, cx, 0, &[e, e], &[ElementType::I1])?;
        let accumulators = check_reducer("select_and_scatter_c10", op, cx, 1, &[e])?;
        Ok(Some(smallvec::smallvec![operand.with_element(accumulators[0]).into()]))
    }

    /// Padding is never selected: a window of nothing but padding scatters nothing.
    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let op = "select_and_scatter";
        let (operand, source) = (cx.tensor(op, 0)?, cx.tensor(op, 1)?);
        let element = cx.result(op, 0)?.element;
        let shape = &operand.ty().shape;
        let dims = self.dims(shape.len())?;
        let sizes: Shape = dims.iter().map(|dim| dim.size).collect();
        let init = cx.evaluator.convert(cx.tensor(op, 2)?, element)?;
        let scattered = cx.evaluator.convert(source, element)?;
        let ty = operand.ty().with_element(element);
        let mut result = Elements::of(&Literal::splat_bytes(ty, init.element(0))?);
        let strides = index::strides(shape);
        let mut all = Indices::new(&source.ty().shape);
        let mut position = 0;
        while let Some(window) = all.next() {
            let mut selected: Option<usize> = None;
            let mut inside = Indices::new(&sizes);
            while let Some(w) = inside.next() {
                let Some(candidate) = source_position(&dims, window, w, shape, &strides) else { continue };
                let keeps = match selected {
                    None => false,
                    Some(old) => {
                        let args = [index::scalar_at(operand, old), index::scalar_at(operand, candidate)];
                        cx.evaluator.run_tensors(&cx.regions[0], args)?[0].element(0)[0] != 0
                    }
                };
                if !keeps {
                    selected = Some(candidate);
                }
            }
            if let Some(target) = selected {
                let args = [result.scalar(target), index::scalar_at(&scattered, position)];
                let values = cx.evaluator.run_tensors(&cx.regions[1], args)?;
                result.set(target, values[0].element(0));
            }
            position += 1;
        }
        Ok(vec![result.finish().into()])
    }
}

/// Sets a list that may be left out.
fn set_ints(out: &mut Attributes, name: &str, values: &[i64]) {
    if !values.is_empty() {
        out.set(name, Attribute::ints(values));
    }
}
