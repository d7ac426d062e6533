//! Reductions over windows: reduce_window, the sum, maximum and minimum as primitives of their own, and the two by which extrema are
//! differentiated, select_and_scatter_add and select_and_gather_add.
//!
//! Windows are placed as in JAX: the operand is dilated by `base_dilation`, then padded with the initial value, and the window, dilated by
//! `window_dilation`, moves over it by `window_strides`.

use std::sync::Arc;

use crate::error::{Error, OrRaise, Result};
use crate::ir::{
    Array, Arrays, Atom, Aval, Avals, AxisInfo, BatchDims, DType, Jaxpr, Linear, LowerCx, Operand, Params,
    Prim, Primitive, Sample, SampleArg, Scalar, ShardingRule, Tangents, Value, Values,
};
use crate::trace::{bind, eval_jaxpr, here, stage};
use crate::transform::jvp_jaxpr;
use jacinth_lowering::Attributes;
use jacinth_lowering::ops::{elementwise as el, window as ops};
use smallvec::{SmallVec, smallvec};

use super::KIT;
use super::binary::lower_binary;
use super::concat::pad;
use super::reduce::{highest, lowest};
use super::rules::{
    all_at_front, batched, bind1, ensure, instantiate, linear_jvp, refuse, same_dtypes, show, sizes, zero_jvp,
};
use super::slice::slice;
use super::traced::call_sample;

/// How much is put around an operand over which a window moves.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Padding {
    /// Nothing: windows lie inside.
    Valid,
    /// As much that a window of stride 1 gives as many places as the operand has; an odd rest goes to the end.
    Same,
    /// As `Same`; an odd rest goes to the start.
    SameLower,
    /// Before and after each dimension; negative numbers cut off.
    Explicit(Vec<(i64, i64)>),
}

impl From<&str> for Padding {
    /// `"SAME"`, `"SAME_LOWER"` or `"VALID"`, in any case.
    #[track_caller]
    fn from(name: &str) -> Padding {
        match name.to_uppercase().as_str() {
            "SAME" => Padding::Same,
            "SAME_LOWER" => Padding::SameLower,
            "VALID" => Padding::Valid,
            _ => {
                refuse!("padding" => "must be \"SAME\", \"SAME_LOWER\", \"VALID\" or pairs of sizes, got \"{name}\"")
            }
        }
    }
}

impl From<&[(i64, i64)]> for Padding {
    fn from(pairs: &[(i64, i64)]) -> Padding {
        Padding::Explicit(pairs.to_vec())
    }
}

impl<const N: usize> From<[(i64, i64); N]> for Padding {
    fn from(pairs: [(i64, i64); N]) -> Padding {
        Padding::Explicit(pairs.to_vec())
    }
}

impl<const N: usize> From<&[(i64, i64); N]> for Padding {
    fn from(pairs: &[(i64, i64); N]) -> Padding {
        Padding::Explicit(pairs.to_vec())
    }
}

impl From<Vec<(i64, i64)>> for Padding {
    fn from(pairs: Vec<(i64, i64)>) -> Padding {
        Padding::Explicit(pairs)
    }
}

/// The sizes before and after each dimension that a padding means for a (dilated) operand and (dilated) windows of these shapes.
///
/// ```
/// # use jacinth_frontend::lax;
/// assert_eq!(lax::padtype_to_pads(&[5], &[2], &[1], "SAME"), [(0, 1)]);
/// assert_eq!(lax::padtype_to_pads(&[5], &[2], &[1], "SAME_LOWER"), [(1, 0)]);
/// ```
///
/// # Panics
/// If the lengths differ or a stride is zero.
#[track_caller]
pub fn padtype_to_pads(
    in_shape: &[usize],
    window_shape: &[usize],
    window_strides: &[usize],
    padding: impl Into<Padding>,
) -> Vec<(i64, i64)> {
    let padding = padding.into();
    if window_shape.len() != in_shape.len() || window_strides.len() != in_shape.len() {
        let (shape, window, strides) = (show(in_shape), show(window_shape), show(window_strides));
        refuse!("padding" => "shape {shape}, window {window} and strides {strides} must be of one length")
    }
    if window_strides.contains(&0) {
        refuse!("padding" => "strides must be positive, got {}", show(window_strides))
    }
    let same = |low: bool| -> Vec<(i64, i64)> {
        let dims = in_shape.iter().zip(window_shape).zip(window_strides);
        dims.map(|((&n, &window), &stride)| {
            let places = n.div_ceil(stride) as i64;
            let total = ((places - 1) * stride as i64 + window as i64 - n as i64).max(0);
            let (less, more) = (total / 2, total - total / 2);
            if low { (more, less) } else { (less, more) }
        })
        .collect()
    };
    match padding {
        Padding::Valid => vec![(0, 0); in_shape.len()],
        Padding::Same => same(false),
        Padding::SameLower => same(true),
        Padding::Explicit(pairs) => pairs,
    }
}

/// A size with gaps put between its elements.
pub(crate) fn dilated(size: usize, dilation: usize) -> usize {
    if size == 0 { 0 } else { (size - 1) * dilation + 1 }
}

/// A window and how it moves; every list has one entry per dimension of the operand.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Its sizes.
    pub dimensions: Vec<usize>,
    /// How far it moves.
    pub strides: Vec<usize>,
    /// The sizes put before and behind each dimension.
    pub padding: Vec<(i64, i64)>,
    /// The distance of neighbours in the operand; 1 is none between.
    pub base_dilation: Vec<usize>,
    /// The distance of neighbours in the window; 1 is none between.
    pub window_dilation: Vec<usize>,
}

impl Window {
    /// A window over an operand of that shape; strides and dilations are ones where they are not given.
    ///
    /// ```
    /// # use jacinth_frontend::lax::Window;
    /// let window = Window::new(&[5], &[3], &[], "SAME", None, None);
    /// assert_eq!((window.strides, window.padding), (vec![1], vec![(1, 1)]));
    /// ```
    ///
    /// # Panics
    /// If lists do not have one entry per dimension, or a stride is zero.
    #[track_caller]
    pub fn new(
        in_shape: &[usize],
        dimensions: &[usize],
        strides: &[usize],
        padding: impl Into<Padding>,
        base_dilation: Option<&[usize]>,
        window_dilation: Option<&[usize]>,
    ) -> Window {
        let padding = padding.into();
        let ones = vec![1; dimensions.len()];
        let strides = if strides.is_empty() { ones.clone() } else { strides.to_vec() };
        let base_dilation = base_dilation.map_or(ones.clone(), <[usize]>::to_vec);
        let window_dilation = window_dilation.map_or(ones, <[usize]>::to_vec);
        let padding = match padding {
            Padding::Explicit(pairs) => pairs,
            named => {
                let dilate = |sizes: &[usize], by: &[usize]| -> Vec<usize> {
                    sizes.iter().zip(by).map(|(&n, &d)| dilated(n, d)).collect()
                };
                let shape = dilate(in_shape, &base_dilation);
                padtype_to_pads(&shape, &dilate(dimensions, &window_dilation), &strides, named)
            }
        };
        Window { dimensions: dimensions.to_vec(), strides, padding, base_dilation, window_dilation }
    }

    fn params(&self, params: &mut Params<'_>) {
        params.tuple("base_dilation", &self.base_dilation);
        params.tuple("padding", self.padding.iter().map(|p| show(&[p.0, p.1])));
        params.tuple("window_dilation", &self.window_dilation);
        params.tuple("window_dimensions", &self.dimensions);
        params.tuple("window_strides", &self.strides);
    }

    /// The shape of what the window gives for an operand of that shape.
    fn out_shape(&self, name: &'static str, shape: &[usize]) -> Result<Vec<usize>> {
        let lists: [(&str, usize); 5] = [
            ("window_dimensions", self.dimensions.len()),
            ("window_strides", self.strides.len()),
            ("padding", self.padding.len()),
            ("base_dilation", self.base_dilation.len()),
            ("window_dilation", self.window_dilation.len()),
        ];
        for (what, len) in lists {
            ensure!(
                len == shape.len(),
                name => "{what} must have one entry for each dimension of the operand of shape {}, got {len}",
                show(shape)
            );
        }
        for (what, values) in [
            ("window_dimensions", &self.dimensions),
            ("window_strides", &self.strides),
            ("base_dilation", &self.base_dilation),
            ("window_dilation", &self.window_dilation),
        ] {
            ensure!(!values.contains(&0), name => "{what} must be positive, got {}", show(values));
        }
        let place = |d: usize| {
            let size =
                dilated(shape[d], self.base_dilation[d]) as i64 + self.padding[d].0 + self.padding[d].1;
            let window = dilated(self.dimensions[d], self.window_dilation[d]) as i64;
            if size < window { 0 } else { ((size - window) / self.strides[d] as i64 + 1) as usize }
        };
        let negative = (0..shape.len()).find(|&d| {
            dilated(shape[d], self.base_dilation[d]) as i64 + self.padding[d].0 + self.padding[d].1 < 0
        });
        ensure!(
            negative.is_none(),
            name => "padding {:?} cuts off more than there is of shape {}",
            self.padding,
            show(shape)
        );
        Ok((0..shape.len()).map(place).collect())
    }

    /// The window over an operand with one more dimension.
    fn with_dim(&self, at: usize) -> Window {
        let mut out = self.clone();
        out.dimensions.insert(at, 1);
        out.strides.insert(at, 1);
        out.padding.insert(at, (0, 0));
        out.base_dilation.insert(at, 1);
        out.window_dilation.insert(at, 1);
        out
    }

    /// Dimensions that the window leaves alone may be split.
    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        let mut rule = ShardingRule::elementwise(args, outs);
        for factors in rule.operands.iter_mut().chain(&mut rule.results) {
            for (d, factor) in factors.iter_mut().enumerate() {
                let alone = self.dimensions[d] == 1
                    && self.strides[d] == 1
                    && self.padding[d] == (0, 0)
                    && self.base_dilation[d] == 1;
                if !alone {
                    *factor = None;
                }
            }
        }
        rule
    }

    fn op(&self) -> ops::ReduceWindow {
        ops::ReduceWindow {
            window_dimensions: sizes(&self.dimensions),
            window_strides: sizes(&self.strides),
            base_dilations: sizes(&self.base_dilation),
            window_dilations: sizes(&self.window_dilation),
            padding: self.padding.clone(),
        }
    }
}

/// The padding with which a window over the (dilated) cotangent gives the cotangent of an operand.
pub(crate) fn vjp_lhs_padding(
    in_shape: &[usize],
    window: &[usize],
    strides: &[usize],
    out_shape: &[usize],
    padding: &[(i64, i64)],
    lhs_dilation: &[usize],
    rhs_dilation: &[usize],
) -> Vec<(i64, i64)> {
    (0..in_shape.len())
        .map(|d| {
            let lhs = dilated(in_shape[d], lhs_dilation[d]) as i64;
            let rhs = dilated(window[d], rhs_dilation[d]) as i64;
            let out = dilated(out_shape[d], strides[d]) as i64;
            let before = rhs - padding[d].0 - 1;
            (before, lhs + rhs - 1 - out - before)
        })
        .collect()
}

/// The shape of what [`reduce_window`] gives for an operand of that shape.
///
/// ```
/// # use jacinth_frontend::lax;
/// let shape = lax::reduce_window_shape_tuple(&[1, 8, 8, 3], &[1, 2, 2, 1], &[1, 2, 2, 1], "VALID", None, None);
/// assert_eq!(shape, [1, 4, 4, 3]);
/// ```
///
/// # Panics
/// If the window does not fit the shape.
#[track_caller]
pub fn reduce_window_shape_tuple(
    operand_shape: &[usize],
    window_dimensions: &[usize],
    window_strides: &[usize],
    padding: impl Into<Padding>,
    base_dilation: Option<&[usize]>,
    window_dilation: Option<&[usize]>,
) -> Vec<usize> {
    let window = Window::new(
        operand_shape,
        window_dimensions,
        window_strides,
        padding,
        base_dilation,
        window_dilation,
    );
    window.out_shape("reduce_window", operand_shape).map_err(|e| e.at(crate::trace::here())).or_raise()
}

/// What `computation` makes of the initial value and all elements in each window of the operand, in any order.
///
/// `padding` is `"SAME"`, `"VALID"`, `"SAME_LOWER"` or pairs of sizes; empty `window_strides` are ones. Sums from 0, maxima
/// and minima from the lowest and the highest value become primitives of their own, through which reverse mode goes; others have
/// forward mode only.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = Array::from([1.0f32, 5.0, 2.0, 4.0]);
/// let low = Array::from(f32::NEG_INFINITY);
/// let most = lax::reduce_window(&x, &low, lax::max, &[2], &[2], "VALID", None, None);
/// assert_eq!(most.to_vec::<f32>(), [5.0, 4.0]);
/// ```
///
/// # Panics
/// If lists do not have one entry per dimension, or the computation captures arrays or gives another type.
#[track_caller]
#[allow(clippy::too_many_arguments)]
pub fn reduce_window(
    operand: &Array,
    init_value: &Array,
    computation: impl Fn(&Array, &Array) -> Array,
    window_dimensions: &[usize],
    window_strides: &[usize],
    padding: impl Into<Padding>,
    base_dilation: Option<&[usize]>,
    window_dilation: Option<&[usize]>,
) -> Array {
    let window = Window::new(
        operand.shape(),
        window_dimensions,
        window_strides,
        padding,
        base_dilation,
        window_dilation,
    );
    let (operands, inits) = (std::slice::from_ref(operand), std::slice::from_ref(init_value));
    reduce_window_many(operands, inits, |x, y| vec![computation(&x[0], &y[0])], window).swap_remove(0)
}

/// [`reduce_window`] of several operands of one shape together.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// # use jacinth_frontend::lax::Window;
/// let (x, y) = (Array::from([1, 2, 3]), Array::from([4, 5, 6]));
/// let window = Window::new(&[3], &[2], &[], "VALID", None, None);
/// let sums_and_products = |a: &[Array], b: &[Array]| vec![&a[0] + &b[0], &a[1] * &b[1]];
/// let out = lax::reduce_window_many(&[x, y], &[Array::from(0), Array::from(1)], sums_and_products, window);
/// assert_eq!((out[0].to_vec::<i32>(), out[1].to_vec::<i32>()), (vec![3, 5], vec![20, 30]));
/// ```
///
/// # Panics
/// If shapes, or numbers of operands, initial values and results differ, or as [`reduce_window`].
#[track_caller]
pub fn reduce_window_many(
    operands: &[Array],
    init_values: &[Array],
    computation: impl Fn(&[Array], &[Array]) -> Vec<Array>,
    window: Window,
) -> Vec<Array> {
    let n = operands.len();
    let scalars: Vec<Aval> = init_values.iter().map(|x| Aval::scalar(x.dtype(), false)).collect();
    let both: Vec<Aval> = scalars.iter().chain(&scalars).cloned().collect();
    let closed = stage("computation", &both, here(), |args| computation(&args[..n], &args[n..]));
    if !closed.consts.is_empty() {
        refuse!("reduce_window" => "the computation must not capture arrays; only numbers of the host")
    }
    if let ([_], Some(kind)) = (operands, WindowKind::of(&closed.jaxpr, &init_values[0])) {
        return vec![bind1(Prim::new(ReduceWindowOf { kind, window }), operands)];
    }
    let args: Vec<Array> = operands.iter().chain(init_values).cloned().collect();
    bind(Prim::new(ReduceWindow { jaxpr: closed.jaxpr, window }), &args).into_vec()
}

/// The sums over windows.
#[track_caller]
pub(crate) fn reduce_window_sum(operand: &Array, window: Window) -> Array {
    let kind = WindowKind::Sum;
    bind1(Prim::new(ReduceWindowOf { kind, window }), std::slice::from_ref(operand))
}

/// The reductions over windows that are primitives of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowKind {
    /// The sum.
    Sum,
    /// The maximum.
    Max,
    /// The minimum.
    Min,
}

impl WindowKind {
    /// The kind that a computation from that initial value is.
    fn of(jaxpr: &Jaxpr, init: &Array) -> Option<WindowKind> {
        let [eqn] = &jaxpr.eqns[..] else { return None };
        let [x, y] = jaxpr.invars[..] else { return None };
        let plain = eqn.inputs.iter().filter_map(Atom::as_var).eq([x, y])
            && jaxpr.outs.iter().filter_map(Atom::as_var).eq(eqn.outs.iter().copied());
        let kind = match eqn.prim.name() {
            "add" if !init.dtype().is_boolean() => WindowKind::Sum,
            "max" => WindowKind::Max,
            "min" => WindowKind::Min,
            _ => return None,
        };
        let identity = kind.identity(init.dtype()).cast(init.dtype());
        let init = init.as_literal()?.value().cast(init.dtype());
        (plain && identity == init).then_some(kind)
    }

    fn identity(self, dtype: DType) -> Scalar {
        match self {
            WindowKind::Sum => Scalar::Int(0).cast(dtype),
            WindowKind::Max => lowest(dtype),
            WindowKind::Min => highest(dtype),
        }
    }
}

/// `reduce_window_sum`, `reduce_window_max` and `reduce_window_min`; see [`reduce_window`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReduceWindowOf {
    /// Which reduction it is.
    pub kind: WindowKind,
    /// The window.
    pub window: Window,
}

impl Primitive for ReduceWindowOf {
    fn name(&self) -> &'static str {
        match self.kind {
            WindowKind::Sum => "reduce_window_sum",
            WindowKind::Max => "reduce_window_max",
            WindowKind::Min => "reduce_window_min",
        }
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        self.window.params(params);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let dtype = args[0].dtype;
        let fits = self.kind != WindowKind::Sum || !dtype.is_boolean();
        ensure!(fits, self.name() => "does not accept {}", args[0]);
        Ok(smallvec![args[0].with_shape(self.window.out_shape(self.name(), &args[0].shape)?)])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        self.window.sharding(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let scalar = Aval::scalar(outs[0].dtype, false);
        let identity = cx.constant(self.kind.identity(scalar.dtype), &scalar)?;
        let op = match self.kind {
            WindowKind::Sum => el::Binary::Add,
            WindowKind::Max => el::Binary::Maximum,
            WindowKind::Min => el::Binary::Minimum,
        };
        let block = cx.block(&[scalar.clone(), scalar], |cx, args| {
            Ok(smallvec![lower_binary(cx, op, args[0], args[1])?])
        })?;
        let window = self.window.op();
        Ok(cx.builder.op_full(window.into(), &[args[0], identity], vec![block], None, Attributes::new())?)
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let prim = Prim::new(self.clone());
        match (self.kind, &tangents[0]) {
            (WindowKind::Sum, _) => linear_jvp(prim, primals, tangents),
            (_, None) => zero_jvp(prim, primals),
            (kind, Some(t)) => {
                let gather = SelectAndGatherAdd { max: kind == WindowKind::Max, window: self.window.clone() };
                let tangent = bind1(Prim::new(gather), &[t.clone(), primals[0].clone()]);
                (smallvec![bind1(prim, primals)], smallvec![Some(tangent)])
            }
        }
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        if self.kind != WindowKind::Sum {
            return Linear::No;
        }
        let (w, shape) = (&self.window, &args[0].aval().shape);
        let pull = |ct: &Array| {
            let pads = vjp_lhs_padding(
                shape,
                &w.dimensions,
                &w.strides,
                ct.shape(),
                &w.padding,
                &w.base_dilation,
                &w.window_dilation,
            );
            let config: Vec<(i64, i64, i64)> =
                pads.iter().zip(&w.strides).map(|(&(low, high), &s)| (low, high, s as i64 - 1)).collect();
            let spread = pad(ct, &super::scalar_like(ct, 0), &config);
            let window = Window {
                dimensions: w.dimensions.clone(),
                strides: w.base_dilation.clone(),
                padding: vec![(0, 0); shape.len()],
                base_dilation: vec![1; shape.len()],
                window_dilation: w.window_dilation.clone(),
            };
            reduce_window_sum(&spread, window)
        };
        Linear::Cotangents(smallvec![cts[0].as_ref().map(pull)])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        let mapped = dims[0].expect("the one operand is mapped");
        let prim = ReduceWindowOf { kind: self.kind, window: self.window.with_dim(mapped) };
        batched(bind1(Prim::new(prim), args), mapped)
    }

    fn samples() -> Vec<Sample> {
        let mut samples = Vec::new();
        for kind in [WindowKind::Sum, WindowKind::Max, WindowKind::Min] {
            for (arg, window) in sample_windows() {
                samples.push(Sample::new(Prim::new(ReduceWindowOf { kind, window }), [arg]));
            }
            let arg = SampleArg::range([5], DType::I32, -9.0, 9.0);
            let window = Window::new(&[5], &[2], &[1], Padding::Same, None, None);
            samples.push(Sample::new(Prim::new(ReduceWindowOf { kind, window }), [arg]));
        }
        let window = Window::new(&[6], &[2], &[2], [(1, 1)], None, Some(&[2]));
        let prim = ReduceWindowOf { kind: WindowKind::Sum, window };
        samples.push(Sample::new(Prim::new(prim), [SampleArg::f32([6])]));
        samples
    }
}

/// Operands whose elements lie apart, and windows over them in which no maximum is taken of nothing.
fn sample_windows() -> Vec<(SampleArg, Window)> {
    let apart: Vec<f64> = (0..23).map(|i| ((i * 7) % 23) as f64 * 0.25 - 2.5).collect();
    let arg = |shape: &[usize]| SampleArg::values(shape.iter().copied(), DType::F32, apart.clone());
    let window = |shape: &[usize], dims: &[usize], strides: &[usize], padding: Padding, base: &[usize]| {
        Window::new(shape, dims, strides, padding, Some(base), None)
    };
    vec![
        (arg(&[6]), window(&[6], &[3], &[1], Padding::Valid, &[1])),
        (arg(&[4, 5]), window(&[4, 5], &[2, 3], &[2, 1], Padding::Same, &[1, 1])),
        (arg(&[4, 4]), window(&[4, 4], &[3, 2], &[1, 2], Padding::Explicit(vec![(1, 0), (0, 1)]), &[1, 1])),
        (arg(&[4]), window(&[4], &[3], &[2], Padding::Explicit(vec![(0, 1)]), &[2])),
    ]
}

/// `reduce_window` by any function; operands, then initial values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReduceWindow {
    /// Takes scalars of the left and of the right, gives their combination.
    pub jaxpr: Arc<Jaxpr>,
    /// The window.
    pub window: Window,
}

impl Primitive for ReduceWindow {
    fn name(&self) -> &'static str {
        "reduce_window"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.jaxpr("jaxpr", &self.jaxpr);
        self.window.params(params);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let n = args.len() / 2;
        let (operands, inits) = args.split_at(n);
        ensure!(
            n > 0 && args.len() == 2 * n && self.jaxpr.outs.len() == n && self.jaxpr.invars.len() == 2 * n,
            "reduce_window" => "takes as many initial values as operands, and gives as many results; got {} operands in all",
            args.len()
        );
        ensure!(
            operands.iter().all(|a| a.shape == operands[0].shape),
            "reduce_window" => "operands must have the same shape, got {operands:?}"
        );
        for ((operand, init), out) in operands.iter().zip(inits).zip(self.jaxpr.out_avals()) {
            ensure!(
                init.rank() == 0 && init.dtype == operand.dtype && out.same_type(init),
                "reduce_window" => "the initial value and what the computation gives must be scalars of the operand's \
                 dtype, got {init} and {out} for {operand}"
            );
        }
        let shape = self.window.out_shape("reduce_window", &operands[0].shape)?;
        Ok(operands.iter().map(|a| a.with_shape(shape.iter().copied())).collect())
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        let n = outs.len();
        let mut rule = self.window.sharding(&args[..n], outs);
        rule.operands.extend(args[n..].iter().map(|_| Vec::new()));
        rule
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let scalars: Vec<Aval> = outs.iter().chain(outs).map(|a| Aval::scalar(a.dtype, false)).collect();
        let block = cx.block(&scalars, |cx, args| cx.inline(&self.jaxpr, args))?;
        Ok(cx.builder.op_full(self.window.op().into(), args, vec![block], None, Attributes::new())?)
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        if tangents.iter().all(Option::is_none) {
            return zero_jvp(Prim::new(self.clone()), primals);
        }
        let n = primals.len() / 2;
        if tangents[n..].iter().any(Option::is_some) {
            Error::unsupported("reduce_window: no derivative with respect to the initial value")
                .at(here())
                .raise()
        }
        let (jaxpr, _) = jvp_jaxpr(&KIT, &self.jaxpr, &vec![true; 2 * n], &vec![true; n], here());
        let dots: Vec<Array> = primals.iter().zip(tangents).map(|(p, t)| instantiate(t, p.aval())).collect();
        let join = |p: &[Array], t: &[Array]| p.iter().chain(t).cloned().collect::<Vec<_>>();
        let (operands, inits) = (join(&primals[..n], &dots[..n]), join(&primals[n..], &dots[n..]));
        let mut outs = reduce_window_many(
            &operands,
            &inits,
            |left, right| {
                let args = [&left[..n], &right[..n], &left[n..], &right[n..]].concat();
                eval_jaxpr(&jaxpr, &[], &args)
            },
            self.window.clone(),
        );
        let tangents = outs.split_off(n).into_iter().map(Some).collect();
        (outs.into(), tangents)
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let n = args.len() / 2;
        if dims[n..].iter().any(Option::is_some) {
            Error::unsupported("reduce_window: initial values cannot be mapped over").at(here()).raise()
        }
        let mut all = all_at_front(&args[..n], &dims[..n], axis);
        all.extend_from_slice(&args[n..]);
        let prim = ReduceWindow { jaxpr: self.jaxpr.clone(), window: self.window.with_dim(0) };
        let outs = bind(Prim::new(prim), &all);
        let dims = outs.iter().map(|_| Some(0)).collect();
        (outs, dims)
    }

    fn samples() -> Vec<Sample> {
        // Applied as a function of the operand alone: initial values have no rules.
        vec![Sample::of(|dtype| {
            let window = Window::new(&[5], &[2], &[1], Padding::Same, None, None);
            let product = |args: &[Array]| {
                let one = Array::scalar(1, dtype, false);
                reduce_window_many(args, &[one], |x, y| vec![super::mul(&x[0], &y[0])], window)
            };
            call_sample("product", &[SampleArg::wide([5], dtype)], product).not_differentiable()
        })]
    }

    fn jaxprs(&self) -> SmallVec<[&Arc<Jaxpr>; 2]> {
        smallvec![&self.jaxpr]
    }
}

/// Adds each element of `source` to the place of the largest (or smallest) element of its window of `operand`; the result has the shape of
/// `operand`. Linear in `source`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SelectAndScatterAdd {
    /// Whether the greatest element of each window is chosen, or the least.
    pub max: bool,
    /// Without dilations.
    pub window: Window,
}

impl Primitive for SelectAndScatterAdd {
    fn name(&self) -> &'static str {
        "select_and_scatter_add"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.tuple("padding", self.window.padding.iter().map(|p| show(&[p.0, p.1])));
        params.show("select_prim", if self.max { "ge" } else { "le" });
        params.tuple("window_dimensions", &self.window.dimensions);
        params.tuple("window_strides", &self.window.strides);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        same_dtypes(self.name(), args)?;
        let shape = self.window.out_shape(self.name(), &args[1].shape)?;
        ensure!(
            args[0].shape[..] == shape[..],
            self.name() => "the source must have one element per window: shape {}, got {}",
            show(&shape),
            show(&args[0].shape)
        );
        Ok(smallvec![args[1].clone()])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        self.window.sharding(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let scalar = Aval::scalar(outs[0].dtype, false);
        let pair = [scalar.clone(), scalar.clone()];
        let direction = if self.max { el::Direction::Ge } else { el::Direction::Le };
        let compare = el::Compare { direction, compare_type: None };
        let select = cx.block(&pair, |cx, args| Ok(smallvec![cx.op(compare, args)?]))?;
        let scatter = cx.block(&pair, |cx, args| Ok(smallvec![cx.op(el::Binary::Add, args)?]))?;
        let zero = cx.constant(0, &scalar)?;
        let op = ops::SelectAndScatter {
            window_dimensions: sizes(&self.window.dimensions),
            window_strides: sizes(&self.window.strides),
            padding: self.window.padding.clone(),
        };
        let operands = [args[1], args[0], zero];
        Ok(cx.builder.op_full(op.into(), &operands, vec![select, scatter], None, Attributes::new())?)
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        linear_in_first(Prim::new(self.clone()), primals, tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        if !args[0].is_linear() {
            return Linear::No;
        }
        let gather = SelectAndGatherAdd { max: self.max, window: self.window.clone() };
        let pull = |ct: &Array| bind1(Prim::new(gather.clone()), &[ct.clone(), args[1].known().clone()]);
        Linear::Cotangents(smallvec![cts[0].as_ref().map(pull), None])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let prim = SelectAndScatterAdd { max: self.max, window: self.window.with_dim(0) };
        batched(bind1(Prim::new(prim), &all_at_front(args, dims, axis)), 0)
    }

    fn samples() -> Vec<Sample> {
        let mut samples = Vec::new();
        for max in [true, false] {
            for (arg, window) in sample_windows() {
                if window.base_dilation.iter().any(|&d| d != 1) {
                    continue;
                }
                let shape = window.out_shape("sample", &arg.aval.shape).expect("it fits");
                let prim = Prim::new(SelectAndScatterAdd { max, window });
                samples.push(linear_sample(prim, SampleArg::f32(shape), arg));
            }
        }
        samples
    }
}

/// A sample of a primitive that is linear in its first operand and is not differentiated in the second, which becomes a constant.
fn linear_sample(prim: Prim, first: SampleArg, second: SampleArg) -> Sample {
    Sample::of(move |dtype| {
        let in_dtype = |arg: &SampleArg| SampleArg { aval: arg.aval.with_dtype(dtype), ..arg.clone() };
        call_sample(prim.name(), &[in_dtype(&first), in_dtype(&second)], |args| {
            vec![bind1(prim.clone(), &[args[0].clone(), super::stop_gradient(&args[1])])]
        })
    })
}

/// The jvp of what is linear in its first operand and constant around the second.
fn linear_in_first(prim: Prim, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
    let out = bind1(prim.clone(), primals);
    let tangent = tangents[0].as_ref().map(|t| bind1(prim, &[t.clone(), primals[1].clone()]));
    (smallvec![out], smallvec![tangent])
}

/// For each window of `operand` the element of `tangents` at the place of the largest (or smallest). Linear in `tangents`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SelectAndGatherAdd {
    /// Whether the greatest element of each window is chosen, or the least.
    pub max: bool,
    /// The window.
    pub window: Window,
}

impl Primitive for SelectAndGatherAdd {
    fn name(&self) -> &'static str {
        "select_and_gather_add"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        self.window.params(params);
        params.show("select_prim", if self.max { "ge" } else { "le" });
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        ensure!(
            args[0].shape == args[1].shape,
            self.name() => "tangents and operand must have the same shape, got {} and {}",
            show(&args[0].shape),
            show(&args[1].shape)
        );
        Ok(smallvec![args[0].with_shape(self.window.out_shape(self.name(), &args[1].shape)?)])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        self.window.sharding(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], _: &[Aval]) -> Result<Values> {
        let (tangent, key) = (cx.tensor(args[0])?.element, cx.tensor(args[1])?.element);
        let (key, tangent) = (Aval::scalar(key, false), Aval::scalar(tangent, false));
        let worst = if self.max { lowest(key.dtype) } else { highest(key.dtype) };
        let (worst, zero) = (cx.constant(worst, &key)?, cx.constant(0, &tangent)?);
        let direction = if self.max { el::Direction::Ge } else { el::Direction::Le };
        let block = cx.block(&[key.clone(), tangent.clone(), key, tangent], |cx, args| {
            let compare = el::Compare { direction, compare_type: None };
            let first = cx.op(compare, &[args[0], args[2]])?;
            let key = cx.op(el::Select, &[first, args[0], args[2]])?;
            Ok(smallvec![key, cx.op(el::Select, &[first, args[1], args[3]])?])
        })?;
        let operands = [args[1], args[0], worst, zero];
        let outs =
            cx.builder.op_full(self.window.op().into(), &operands, vec![block], None, Attributes::new())?;
        Ok(smallvec![outs[1]])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        linear_in_first(Prim::new(self.clone()), primals, tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], args: &[Operand]) -> Linear {
        if !args[0].is_linear() {
            return Linear::No;
        }
        let w = &self.window;
        if w.window_dilation.iter().any(|&d| d != 1) {
            Error::unsupported("select_and_gather_add: no reverse mode through maxima over dilated windows")
                .at(here())
                .raise()
        }
        let pull = |ct: &Array| {
            let mut operand = args[1].known().clone();
            let gaps = w.base_dilation.iter().any(|&d| d != 1);
            if gaps {
                let worst = if self.max { lowest(operand.dtype()) } else { highest(operand.dtype()) };
                let config: Vec<_> = w.base_dilation.iter().map(|&d| (0, 0, d as i64 - 1)).collect();
                operand = pad(&operand, &super::scalar_like(&operand, worst), &config);
            }
            let ones = vec![1; w.dimensions.len()];
            let window = Window { base_dilation: ones, ..w.clone() };
            let scatter = SelectAndScatterAdd { max: self.max, window };
            let out = bind1(Prim::new(scatter), &[ct.clone(), operand]);
            if gaps {
                let limits = out.shape().to_vec();
                return slice(&out, &vec![0; limits.len()], &limits, Some(&w.base_dilation));
            }
            out
        };
        Linear::Cotangents(smallvec![cts[0].as_ref().map(pull), None])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let prim = SelectAndGatherAdd { max: self.max, window: self.window.with_dim(0) };
        batched(bind1(Prim::new(prim), &all_at_front(args, dims, axis)), 0)
    }

    fn samples() -> Vec<Sample> {
        let mut samples = Vec::new();
        for max in [true, false] {
            for (arg, window) in sample_windows() {
                let prim = Prim::new(SelectAndGatherAdd { max, window });
                samples.push(linear_sample(prim, SampleArg::f32(arg.aval.shape.iter().copied()), arg));
            }
        }
        samples
    }
}
