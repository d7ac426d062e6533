//! Collectives over named axes: `psum` and its kin, gathering, scattering, permuting, and the place along an axis.
//!
//! A name is bound by `vmap(f).axis_name(…)`, whose trace turns the primitive into operations on the mapped dimension, operands mapped or
//! not; until then it stands in jaxprs with the name. Functions ask the current traces for the size of an axis and refuse names that are not
//! bound; rules do not ask, because they also run on jaxprs out of their context. A name that no `vmap` binds will be a mesh axis of
//! `shard_map`: until that is there, lowering refuses it. Deliberately absent: groups of indices under `vmap`, which JAX refuses as well.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::rules::{at_front, batched, bind1, ensure, refuse};
use super::{
    KIT, add, concatenate, convert_element_type, div, eq, expand_dims, iota, moveaxis, mul, reduce_max,
    reduce_min, reduce_sum, reshape, scalar_like, slice_in_dim, squeeze, zeros_like,
};
use crate::error::{Error, Result};
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, ShardingRule, Tangents, Value, Values,
};
use crate::trace::{axis_size_of, bind, here};

/// Names of mapped axes, and, where only some of the places along them belong together, which.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct AxisName {
    names: SmallVec<[Arc<str>; 1]>,
    groups: Groups,
}

type Groups = Option<Arc<[Vec<usize>]>>;

impl AxisName {
    /// The same axes, but results are taken within each group of places.
    ///
    /// Under `vmap` collectives refuse groups, as in JAX; jaxprs print them.
    ///
    /// ```
    /// use jacinth_frontend::lax::AxisName;
    /// let pairs = AxisName::from("i").axis_index_groups([vec![0, 1], vec![2, 3]]);
    /// assert_ne!(pairs, AxisName::from("i"));
    /// ```
    pub fn axis_index_groups(self, groups: impl IntoIterator<Item = Vec<usize>>) -> Self {
        AxisName { groups: Some(groups.into_iter().collect()), ..self }
    }

    /// The one name, for operations that go over one axis.
    #[track_caller]
    fn single(&self, operation: &'static str) -> Arc<str> {
        match &self.names[..] {
            [name] => name.clone(),
            names => refuse!(operation => "goes over one axis, got {}", quoted(names)),
        }
    }

    /// The size of all axes together; refuses names that are not bound.
    #[track_caller]
    fn size(&self, operation: &'static str) -> usize {
        let mut size = 1;
        for name in &self.names {
            size *= bound_size(operation, name);
        }
        size
    }

    /// How many places belong together along that axis.
    #[track_caller]
    fn group_size(&self, operation: &'static str, name: &str) -> usize {
        let size = bound_size(operation, name);
        self.groups.as_ref().and_then(|groups| groups.first()).map_or(size, Vec::len)
    }
}

impl From<&str> for AxisName {
    fn from(name: &str) -> Self {
        AxisName { names: smallvec![name.into()], groups: None }
    }
}

impl From<&String> for AxisName {
    fn from(name: &String) -> Self {
        name.as_str().into()
    }
}

impl From<&[&str]> for AxisName {
    fn from(names: &[&str]) -> Self {
        AxisName { names: names.iter().map(|name| Arc::from(*name)).collect(), groups: None }
    }
}

impl<const N: usize> From<[&str; N]> for AxisName {
    fn from(names: [&str; N]) -> Self {
        names[..].into()
    }
}

impl From<(&str, &str)> for AxisName {
    fn from((a, b): (&str, &str)) -> Self {
        [a, b].into()
    }
}

impl From<(&str, &str, &str)> for AxisName {
    fn from((a, b, c): (&str, &str, &str)) -> Self {
        [a, b, c].into()
    }
}

/// The size of the axis of that name.
#[track_caller]
fn bound_size(operation: &'static str, name: &str) -> usize {
    match axis_size_of(name) {
        Some(size) => size,
        None => refuse!(
            operation => "unbound axis name: {name}. To fix this, call {operation} under `vmap(f).axis_name(\"{name}\")`"
        ),
    }
}

/// Names as Python writes a tuple of them.
fn quoted(names: &[Arc<str>]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    super::rules::show(&names)
}

fn show_groups(params: &mut Params<'_>, groups: &Groups) {
    match groups {
        None => params.none("axis_index_groups"),
        Some(groups) => {
            let groups: Vec<String> = groups.iter().map(|group| super::rules::show(group)).collect();
            params.show("axis_index_groups", super::rules::show(&groups));
        }
    }
}

/// Groups under `vmap` are JAX's open request as well.
fn refuse_groups(operation: &'static str, groups: &Groups) {
    if groups.is_some() {
        Error::unsupported(format!(
            "{operation}: axis_index_groups not supported in vmap collectives (at {})",
            here()
        ))
        .raise();
    }
}

/// What lowering says of a name that no `vmap` has bound.
fn not_bound(operation: &str, names: &[Arc<str>]) -> Error {
    Error::unsupported(format!(
        "{operation}: the axis {} is bound by no `vmap` here; collectives over the axes of a mesh need `shard_map`, which is not there yet",
        quoted(names)
    ))
}

/// The sum over the named axes: the same for all places along them.
///
/// A constant is multiplied by the size: `psum(1, "i")` counts the places.
///
/// ```
/// # use jacinth_frontend::{Array, lax, vmap};
/// let share = vmap(|x: &Array| x / lax::psum(x, "i")).axis_name("i");
/// assert_eq!(share(&Array::from([1.0f32, 3.0])).to_vec::<f32>(), [0.25, 0.75]);
/// ```
///
/// # Panics
/// If a name is bound by no `vmap`, or the axes have groups.
#[track_caller]
pub fn psum(x: &Array, axis_name: impl Into<AxisName>) -> Array {
    let axis = axis_name.into();
    let size = axis.size("psum");
    if !x.is_tracer() && axis.groups.is_none() {
        return times(x, size);
    }
    reduced(Kind::Sum, x, &axis)
}

/// The mean over the named axes; integers become floating point.
///
/// ```
/// # use jacinth_frontend::{Array, lax, vmap};
/// let centred = vmap(|x: &Array| x - lax::pmean(x, "i")).axis_name("i");
/// assert_eq!(centred(&Array::from([1, 2, 6])).to_vec::<f32>(), [-2.0, -1.0, 3.0]);
/// ```
///
/// # Panics
/// As [`psum`].
#[track_caller]
pub fn pmean(x: &Array, axis_name: impl Into<AxisName>) -> Array {
    let axis = axis_name.into();
    let size = match &axis.groups {
        None => axis.size("pmean"),
        Some(groups) => groups.first().map_or(1, Vec::len),
    };
    let sum = psum(x, axis);
    let inexact = sum.dtype().is_float() || sum.dtype().is_complex();
    let wide = if sum.dtype().bits() == 64 { DType::F64 } else { DType::F32 };
    let sum = if inexact { sum } else { convert_element_type(&sum, wide) };
    div(&sum, &scalar_like(&sum, size as f64))
}

/// The greatest value over the named axes.
///
/// ```
/// # use jacinth_frontend::{Array, lax, vmap};
/// let below = vmap(|x: &Array| lax::pmax(x, "i") - x).axis_name("i");
/// assert_eq!(below(&Array::from([1, 5, 2])).to_vec::<i32>(), [4, 0, 3]);
/// ```
///
/// # Panics
/// As [`psum`].
#[track_caller]
pub fn pmax(x: &Array, axis_name: impl Into<AxisName>) -> Array {
    let axis = axis_name.into();
    axis.size("pmax");
    reduced(Kind::Max, x, &axis)
}

/// The least value over the named axes.
///
/// ```
/// # use jacinth_frontend::{Array, lax, vmap};
/// let above = vmap(|x: &Array| x - lax::pmin(x, "i")).axis_name("i");
/// assert_eq!(above(&Array::from([1, 5, 2])).to_vec::<i32>(), [0, 4, 1]);
/// ```
///
/// # Panics
/// As [`psum`].
#[track_caller]
pub fn pmin(x: &Array, axis_name: impl Into<AxisName>) -> Array {
    let axis = axis_name.into();
    axis.size("pmin");
    reduced(Kind::Min, x, &axis)
}

#[track_caller]
fn reduced(kind: Kind, x: &Array, axis: &AxisName) -> Array {
    let prim = AllReduce { kind, axes: axis.names.clone(), groups: axis.groups.clone() };
    bind1(Prim::new(prim), std::slice::from_ref(x))
}

/// The number of places along the named axes, of several axes the product: a host integer.
///
/// ```
/// # use jacinth_frontend::{Array, lax, vmap};
/// let f = vmap(|x: &Array| x * lax::axis_size("i")).axis_name("i");
/// assert_eq!(f(&Array::from([1, 2, 3])).to_vec::<i32>(), [3, 6, 9]);
/// ```
///
/// # Panics
/// If a name is bound by no `vmap`.
#[track_caller]
pub fn axis_size(axis_name: impl Into<AxisName>) -> usize {
    axis_name.into().size("axis_size")
}

/// The place along the named axis, `i32[]`; of several axes, the last counting fastest.
///
/// ```
/// # use jacinth_frontend::{Array, lax, vmap};
/// let f = vmap(|x: &Array| x * lax::axis_index("i")).axis_name("i");
/// assert_eq!(f(&Array::from([5, 5, 5])).to_vec::<i32>(), [0, 5, 10]);
/// ```
///
/// # Panics
/// If a name is bound by no `vmap`.
#[track_caller]
pub fn axis_index(axis_name: impl Into<AxisName>) -> Array {
    let axis = axis_name.into();
    if let [name] = &axis.names[..] {
        return place(name);
    }
    let number = |n: usize| Array::scalar(n as i64, DType::I32, false);
    let mut index = number(0);
    let mut inner = 1;
    for name in axis.names.iter().rev() {
        index = add(&index, &mul(&place(name), &number(inner)));
        inner *= bound_size("axis_index", name);
    }
    index
}

/// The place along one axis.
#[track_caller]
fn place(name: &Arc<str>) -> Array {
    bound_size("axis_index", name);
    bind1(Prim::new(AxisIndex { name: name.clone() }), &[])
}

/// The values of all places along the named axes, along a new dimension `axis`, or with `tiled` one after the other along the dimension
/// `axis`: `f32[m]` becomes `f32[n,m]`, or `f32[n·m]`.
///
/// ```
/// # use jacinth_frontend::{Array, lax, vmap};
/// let f = vmap(|x: &Array| lax::all_gather(x, "i", 0, false)).axis_name("i");
/// assert_eq!(f(&Array::from([1, 2])).to_string(), "[[1 2]\n [1 2]]");
/// ```
///
/// # Panics
/// If a name is bound by no `vmap`, the axes have groups, or `axis` is out of bounds.
#[track_caller]
pub fn all_gather(x: &Array, axis_name: impl Into<AxisName>, axis: usize, tiled: bool) -> Array {
    let name = axis_name.into();
    if axis >= x.ndim() + !tiled as usize {
        refuse!("all_gather" => "axis {axis} is out of bounds for {}", x.aval());
    }
    // Of several axes, the last goes fastest.
    let mut x = x.clone();
    for (i, n) in name.names.iter().rev().enumerate() {
        let size = name.group_size("all_gather", n);
        let prim = AllGather {
            axis_name: smallvec![n.clone()],
            axis_size: size,
            dimension: axis,
            tiled: tiled || i > 0,
            groups: name.groups.clone(),
        };
        x = bind1(Prim::new(prim), &[x]);
    }
    x
}

/// The sum over the named axis, of which each place gets its own part along the dimension `scatter_dimension`: that dimension has the
/// axis's size and goes, or with `tiled` is divided by it.
///
/// ```
/// # use jacinth_frontend::{Array, lax, vmap};
/// let f = vmap(|x: &Array| lax::psum_scatter(x, "i", 0, false)).axis_name("i");
/// assert_eq!(f(&Array::from([[1, 2], [10, 20]])).to_vec::<i32>(), [11, 22]);
/// ```
///
/// # Panics
/// If it is not one name that a `vmap` binds, the axis has groups, or the dimension has another size.
#[track_caller]
pub fn psum_scatter(
    x: &Array,
    axis_name: impl Into<AxisName>,
    scatter_dimension: usize,
    tiled: bool,
) -> Array {
    let axis = axis_name.into();
    let name = axis.single("psum_scatter");
    let prim = ReduceScatter {
        axis_size: axis.group_size("psum_scatter", &name),
        axis_name: smallvec![name],
        dimension: scatter_dimension,
        tiled,
        groups: axis.groups,
    };
    bind1(Prim::new(prim), std::slice::from_ref(x))
}

/// Exchanges the named axis and the dimension `split_axis`, which has its size; the values of all places stand along `concat_axis` of
/// the result. With `tiled` the dimension `split_axis` is divided by the size and `concat_axis` multiplied.
///
/// ```
/// # use jacinth_frontend::{Array, lax, vmap};
/// // Place 0 gets the first elements, place 1 the second ones.
/// let f = vmap(|x: &Array| lax::all_to_all(x, "i", 0, 0, false)).axis_name("i");
/// assert_eq!(f(&Array::from([[1, 2], [3, 4]])).to_string(), "[[1 3]\n [2 4]]");
/// ```
///
/// # Panics
/// If it is not one name that a `vmap` binds, the axis has groups, or a dimension is out of bounds or has another size.
#[track_caller]
pub fn all_to_all(
    x: &Array,
    axis_name: impl Into<AxisName>,
    split_axis: usize,
    concat_axis: usize,
    tiled: bool,
) -> Array {
    let axis = axis_name.into();
    let name = axis.single("all_to_all");
    let size = axis.group_size("all_to_all", &name);
    if split_axis >= x.ndim() || concat_axis >= x.ndim() {
        refuse!("all_to_all" => "split_axis {split_axis} and concat_axis {concat_axis} must be dimensions of {}", x.aval());
    }
    let run = |x: &Array, split_axis: usize, concat_axis: usize| {
        let prim = AllToAll {
            axis_name: name.clone(),
            axis_size: size,
            split_axis,
            concat_axis,
            tiled,
            groups: axis.groups.clone(),
        };
        bind1(Prim::new(prim), std::slice::from_ref(x))
    };
    if tiled {
        return run(x, split_axis, concat_axis);
    }
    if x.shape()[split_axis] != size {
        refuse!(
            "all_to_all" => "the size of the axis '{name}', {size}, must be that of dimension split_axis {split_axis} of {}",
            x.aval()
        );
    }
    // concat_axis counts the dimensions after split_axis is gone.
    match split_axis.cmp(&concat_axis) {
        std::cmp::Ordering::Equal => run(x, split_axis, concat_axis),
        std::cmp::Ordering::Less => {
            let x = expand_dims(x, &[concat_axis + 1]);
            squeeze(&run(&x, split_axis, concat_axis + 1), &[split_axis])
        }
        std::cmp::Ordering::Greater => {
            let x = expand_dims(x, &[concat_axis]);
            squeeze(&run(&x, split_axis + 1, concat_axis), &[split_axis + 1])
        }
    }
}

/// Exchanges the named axis and the dimension `axis`, which has its size: [`all_to_all`] with both axes equal.
///
/// ```
/// # use jacinth_frontend::{Array, lax, vmap};
/// let transposed = vmap(|x: &Array| lax::pswapaxes(x, "i", 0)).axis_name("i");
/// assert_eq!(transposed(&Array::from([[1, 2], [3, 4]])).to_string(), "[[1 3]\n [2 4]]");
/// ```
///
/// # Panics
/// As [`all_to_all`].
#[track_caller]
pub fn pswapaxes(x: &Array, axis_name: impl Into<AxisName>, axis: usize) -> Array {
    all_to_all(x, axis_name, axis, axis, false)
}

/// The value of place `source` at place `destination`, for each pair; zeros at places that are no destination.
///
/// ```
/// # use jacinth_frontend::{Array, lax, vmap};
/// let shift = vmap(|x: &Array| lax::ppermute(x, "i", &[(0, 1), (1, 2)])).axis_name("i");
/// assert_eq!(shift(&Array::from([7, 8, 9])).to_vec::<i32>(), [0, 7, 8]);
/// ```
///
/// # Panics
/// If it is not one name that a `vmap` binds, or sources or destinations repeat or are out of bounds.
#[track_caller]
pub fn ppermute(x: &Array, axis_name: impl Into<AxisName>, perm: &[(usize, usize)]) -> Array {
    let name = axis_name.into().single("ppermute");
    let size = bound_size("ppermute", &name);
    let ends = |which: fn(&(usize, usize)) -> usize| perm.iter().map(which).collect::<Vec<_>>();
    for ends in [ends(|p| p.0), ends(|p| p.1)] {
        if !super::rules::distinct(&ends) || ends.iter().any(|&end| end >= size) {
            refuse!(
                "ppermute" => "sources and destinations must be distinct places below {size}, got perm={}",
                show_perm(perm)
            );
        }
    }
    bind1(Prim::new(Ppermute { axis_name: smallvec![name], perm: perm.into() }), std::slice::from_ref(x))
}

/// The value of place `perm[i]` at place `i`.
///
/// ```
/// # use jacinth_frontend::{Array, lax, vmap};
/// let f = vmap(|x: &Array| lax::pshuffle(x, "i", &[2, 0, 1])).axis_name("i");
/// assert_eq!(f(&Array::from([7, 8, 9])).to_vec::<i32>(), [9, 7, 8]);
/// ```
///
/// # Panics
/// If it is not one name that a `vmap` binds, or `perm` is not a permutation of its places.
#[track_caller]
pub fn pshuffle(x: &Array, axis_name: impl Into<AxisName>, perm: &[usize]) -> Array {
    let axis = axis_name.into();
    let size = axis.size("pshuffle");
    let mut sorted = perm.to_vec();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..size) {
        refuse!("pshuffle" => "`perm` does not represent a permutation of {size} places: {}", super::rules::show(perm));
    }
    let pairs: Vec<(usize, usize)> = perm.iter().copied().zip(0..).collect();
    ppermute(x, axis, &pairs)
}

fn show_perm(perm: &[(usize, usize)]) -> String {
    let pairs: Vec<String> = perm.iter().map(|(s, d)| format!("({s}, {d})")).collect();
    super::rules::show(&pairs)
}

/// The array as often as the axis is long, added up.
fn times(x: &Array, size: usize) -> Array {
    mul(x, &scalar_like(x, size as i64))
}

/// The dimension split in two, of which the first has that size.
fn split_dim(x: &Array, dim: usize, size: usize) -> Array {
    let mut shape = x.shape().to_vec();
    shape[dim] /= size;
    shape.insert(dim, size);
    reshape(x, &shape)
}

/// The dimension merged with the next.
fn merge_dim(x: &Array, dim: usize) -> Array {
    let mut shape = x.shape().to_vec();
    let first = shape.remove(dim);
    shape[dim] *= first;
    reshape(x, &shape)
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Kind {
    Sum,
    Max,
    Min,
}

/// `psum`, `pmax`, `pmin`; see the functions of those names.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct AllReduce {
    kind: Kind,
    axes: SmallVec<[Arc<str>; 1]>,
    groups: Groups,
}

impl AllReduce {
    /// The same reduction over the axes that are left; none leaves the array.
    fn without(&self, name: &str, x: Array) -> Array {
        let axes: SmallVec<[Arc<str>; 1]> = self.axes.iter().filter(|n| ***n != *name).cloned().collect();
        if axes.is_empty() { x } else { bind1(Prim::new(AllReduce { axes, ..self.clone() }), &[x]) }
    }

    /// The sum over the same axes.
    fn sum(&self, x: &Array) -> Array {
        bind1(Prim::new(AllReduce { kind: Kind::Sum, ..self.clone() }), std::slice::from_ref(x))
    }
}

impl Primitive for AllReduce {
    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Sum => "psum",
            Kind::Max => "pmax",
            Kind::Min => "pmin",
        }
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.show("axes", quoted(&self.axes));
        show_groups(params, &self.groups);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        Ok(smallvec![args[0].strong()])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::elementwise(args, outs)
    }

    fn lower(&self, _: &mut LowerCx<'_>, _: &[Value], _: &[Aval]) -> Result<Values> {
        Err(not_bound(self.name(), &self.axes))
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let out = bind1(Prim::new(self.clone()), primals);
        let Some(tangent) = &tangents[0] else { return (smallvec![out], smallvec![None]) };
        let tangent = match self.kind {
            Kind::Sum => self.sum(tangent),
            Kind::Max | Kind::Min => {
                // Places that share the extreme share its derivative.
                let chosen = convert_element_type(&eq(&primals[0], &out), tangent.dtype());
                div(&self.sum(&mul(tangent, &chosen)), &self.sum(&chosen))
            }
        };
        (smallvec![out], smallvec![Some(tangent)])
    }

    fn transpose(&self, cts: &[Option<Array>], _: &[Operand]) -> Linear {
        match self.kind {
            Kind::Sum => Linear::Cotangents(smallvec![cts[0].as_ref().map(|ct| self.sum(ct))]),
            Kind::Max | Kind::Min => Linear::No,
        }
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let mine = axis.name.as_ref().filter(|name| self.axes.contains(name));
        let Some(name) = mine else {
            return (bind(Prim::new(self.clone()), args), smallvec![dims[0]]);
        };
        refuse_groups(self.name(), &self.groups);
        let x = &args[0];
        let here = match (self.kind, dims[0]) {
            (Kind::Sum, Some(d)) => reduce_sum(x, &[d]),
            (Kind::Max, Some(d)) => reduce_max(x, &[d]),
            (Kind::Min, Some(d)) => reduce_min(x, &[d]),
            (Kind::Sum, None) => times(x, axis.size),
            (Kind::Max | Kind::Min, None) => x.clone(),
        };
        (smallvec![self.without(name, here)], smallvec![None])
    }

    fn samples() -> Vec<Sample> {
        // Without its axis it has no value: the tests of `api/vmap` go through it.
        Vec::new()
    }

    fn uses_axis(&self, name: &str) -> bool {
        self.axes.iter().any(|n| **n == *name)
    }
}

/// `axis_index`; see the function of that name.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct AxisIndex {
    name: Arc<str>,
}

impl Primitive for AxisIndex {
    fn name(&self) -> &'static str {
        "axis_index"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.show("axis_name", &self.name);
    }

    fn abstract_eval(&self, _: &[&Aval]) -> Result<Avals> {
        Ok(smallvec![Aval::scalar(DType::I32, false)])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::replicated(args, outs)
    }

    fn lower(&self, _: &mut LowerCx<'_>, _: &[Value], _: &[Aval]) -> Result<Values> {
        Err(not_bound("axis_index", std::slice::from_ref(&self.name)))
    }

    fn jvp(&self, primals: &[Array], _: &[Option<Array>]) -> (Arrays, Tangents) {
        super::rules::zero_jvp(Prim::new(self.clone()), primals)
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    fn batch(&self, _: &[Array], _: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        batched(iota(DType::I32, axis.size), 0)
    }

    fn samples() -> Vec<Sample> {
        Vec::new()
    }

    fn uses_axis(&self, name: &str) -> bool {
        *self.name == *name
    }
}

/// `all_gather`; see the function of that name.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct AllGather {
    axis_name: SmallVec<[Arc<str>; 1]>,
    axis_size: usize,
    dimension: usize,
    tiled: bool,
    groups: Groups,
}

/// `reduce_scatter`: [`psum_scatter`], the transpose of [`all_gather`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ReduceScatter {
    axis_name: SmallVec<[Arc<str>; 1]>,
    axis_size: usize,
    dimension: usize,
    tiled: bool,
    groups: Groups,
}

/// Whether a primitive over one axis is meant by the trace of that axis.
fn is_mine(names: &[Arc<str>], axis: &AxisInfo) -> bool {
    axis.name.as_ref().is_some_and(|name| names.contains(name))
}

impl Primitive for AllGather {
    fn name(&self) -> &'static str {
        "all_gather"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.show("all_gather_dimension", self.dimension);
        show_groups(params, &self.groups);
        params.show("axis_name", quoted(&self.axis_name));
        params.show("axis_size", self.axis_size);
        params.flag("tiled", self.tiled);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let mut shape = args[0].shape.to_vec();
        if self.tiled {
            shape[self.dimension] *= self.axis_size;
        } else {
            shape.insert(self.dimension, self.axis_size);
        }
        Ok(smallvec![args[0].strong().with_shape(shape)])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::replicated(args, outs)
    }

    fn lower(&self, _: &mut LowerCx<'_>, _: &[Value], _: &[Aval]) -> Result<Values> {
        Err(not_bound("all_gather", &self.axis_name))
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        super::rules::linear_jvp(Prim::new(self.clone()), primals, tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], _: &[Operand]) -> Linear {
        let AllGather { axis_name, axis_size, dimension, tiled, groups } = self.clone();
        let prim = Prim::new(ReduceScatter { axis_name, axis_size, dimension, tiled, groups });
        Linear::Cotangents(smallvec![cts[0].as_ref().map(|ct| bind1(prim, std::slice::from_ref(ct)))])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let (x, dim) = (&args[0], dims[0]);
        if is_mine(&self.axis_name, axis) {
            refuse_groups("all_gather", &self.groups);
            let gathered = match dim {
                Some(d) => moveaxis(x, d, self.dimension),
                None => (KIT.repeat)(x, axis.size, self.dimension),
            };
            let out = if self.tiled { merge_dim(&gathered, self.dimension) } else { gathered };
            return (smallvec![out], smallvec![None]);
        }
        let d = dim.expect("mapped, or of this axis");
        let before = if self.tiled { d <= self.dimension } else { d < self.dimension };
        let dimension = self.dimension + before as usize;
        let out = bind1(Prim::new(AllGather { dimension, ..self.clone() }), args);
        batched(out, d + (!self.tiled && !before) as usize)
    }

    fn samples() -> Vec<Sample> {
        Vec::new()
    }

    fn uses_axis(&self, name: &str) -> bool {
        self.axis_name.iter().any(|n| **n == *name)
    }
}

impl Primitive for ReduceScatter {
    fn name(&self) -> &'static str {
        "reduce_scatter"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        show_groups(params, &self.groups);
        params.show("axis_name", quoted(&self.axis_name));
        params.show("axis_size", self.axis_size);
        params.show("scatter_dimension", self.dimension);
        params.flag("tiled", self.tiled);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let mut shape = args[0].shape.to_vec();
        let (dimension, size) = (self.dimension, self.axis_size);
        ensure!(dimension < shape.len(), "psum_scatter" => "scatter_dimension {dimension} is out of bounds for {}", args[0]);
        if self.tiled {
            ensure!(
                shape[dimension].is_multiple_of(size),
                "psum_scatter" => "dimension {dimension} of {} must be divisible by {size}, the size of the axis",
                args[0]
            );
            shape[dimension] /= size;
        } else {
            ensure!(
                shape[dimension] == size,
                "psum_scatter" => "dimension {dimension} of {} must be {size}, the size of the axis",
                args[0]
            );
            shape.remove(dimension);
        }
        Ok(smallvec![args[0].strong().with_shape(shape)])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::replicated(args, outs)
    }

    fn lower(&self, _: &mut LowerCx<'_>, _: &[Value], _: &[Aval]) -> Result<Values> {
        Err(not_bound("psum_scatter", &self.axis_name))
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        super::rules::linear_jvp(Prim::new(self.clone()), primals, tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], _: &[Operand]) -> Linear {
        let ReduceScatter { axis_name, axis_size, dimension, tiled, groups } = self.clone();
        let prim = Prim::new(AllGather { axis_name, axis_size, dimension, tiled, groups });
        Linear::Cotangents(smallvec![cts[0].as_ref().map(|ct| bind1(prim, std::slice::from_ref(ct)))])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let (x, dim) = (&args[0], dims[0]);
        if is_mine(&self.axis_name, axis) {
            refuse_groups("psum_scatter", &self.groups);
            let sum = dim.map_or_else(|| times(x, axis.size), |d| reduce_sum(x, &[d]));
            // Each place keeps its own part: the dimension is the mapped one now.
            let out = if self.tiled { split_dim(&sum, self.dimension, axis.size) } else { sum };
            return batched(out, self.dimension);
        }
        let d = dim.expect("mapped, or of this axis");
        let dimension = self.dimension + (d <= self.dimension) as usize;
        let out = bind1(Prim::new(ReduceScatter { dimension, ..self.clone() }), args);
        batched(out, d - (!self.tiled && dimension < d) as usize)
    }

    fn samples() -> Vec<Sample> {
        Vec::new()
    }

    fn uses_axis(&self, name: &str) -> bool {
        self.axis_name.iter().any(|n| **n == *name)
    }
}

/// `all_to_all`; see the function of that name. The dimension `split_axis` is divided by the size, `concat_axis` multiplied.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct AllToAll {
    axis_name: Arc<str>,
    axis_size: usize,
    split_axis: usize,
    concat_axis: usize,
    tiled: bool,
    groups: Groups,
}

impl Primitive for AllToAll {
    fn name(&self) -> &'static str {
        "all_to_all"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        show_groups(params, &self.groups);
        params.show("axis_name", &self.axis_name);
        params.show("concat_axis", self.concat_axis);
        params.show("split_axis", self.split_axis);
        params.flag("tiled", self.tiled);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let mut shape = args[0].shape.to_vec();
        ensure!(
            shape[self.split_axis].is_multiple_of(self.axis_size),
            "all_to_all" => "dimension {} of {} must be divisible by {}, the size of the axis",
            self.split_axis,
            args[0],
            self.axis_size
        );
        shape[self.split_axis] /= self.axis_size;
        shape[self.concat_axis] *= self.axis_size;
        Ok(smallvec![args[0].strong().with_shape(shape)])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::replicated(args, outs)
    }

    fn lower(&self, _: &mut LowerCx<'_>, _: &[Value], _: &[Aval]) -> Result<Values> {
        Err(not_bound("all_to_all", std::slice::from_ref(&self.axis_name)))
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        super::rules::linear_jvp(Prim::new(self.clone()), primals, tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], _: &[Operand]) -> Linear {
        let back = AllToAll { split_axis: self.concat_axis, concat_axis: self.split_axis, ..self.clone() };
        let prim = Prim::new(back);
        Linear::Cotangents(smallvec![cts[0].as_ref().map(|ct| bind1(prim, std::slice::from_ref(ct)))])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        let (split, concat) = (self.split_axis, self.concat_axis);
        if !is_mine(std::slice::from_ref(&self.axis_name), axis) {
            let d = dims[0].expect("mapped, or of this axis");
            let shifted = |dim: usize| dim + (d <= dim) as usize;
            let prim = AllToAll { split_axis: shifted(split), concat_axis: shifted(concat), ..self.clone() };
            return batched(bind1(Prim::new(prim), args), d);
        }
        refuse_groups("all_to_all", &self.groups);
        // Places first; the dimension that is split becomes the places, the places are gathered.
        let x = at_front(&args[0], dims[0], axis.size);
        let parts = split_dim(&x, split + 1, axis.size);
        let gathered = moveaxis(&parts, split + 1, 0);
        // Now (new places, old places, rest …), the split dimension at its place in the rest.
        let placed = moveaxis(&gathered, 1, concat + 1);
        batched(merge_dim(&placed, concat + 1), 0)
    }

    fn samples() -> Vec<Sample> {
        Vec::new()
    }

    fn uses_axis(&self, name: &str) -> bool {
        *self.axis_name == *name
    }
}

/// `ppermute`; see the function of that name.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Ppermute {
    axis_name: SmallVec<[Arc<str>; 1]>,
    perm: Arc<[(usize, usize)]>,
}

impl Primitive for Ppermute {
    fn name(&self) -> &'static str {
        "ppermute"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.show("axis_name", quoted(&self.axis_name));
        params.show("perm", show_perm(&self.perm));
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        Ok(smallvec![args[0].strong()])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::elementwise(args, outs)
    }

    fn lower(&self, _: &mut LowerCx<'_>, _: &[Value], _: &[Aval]) -> Result<Values> {
        Err(not_bound("ppermute", &self.axis_name))
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        super::rules::linear_jvp(Prim::new(self.clone()), primals, tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], _: &[Operand]) -> Linear {
        let perm = self.perm.iter().map(|&(s, d)| (d, s)).collect();
        let prim = Prim::new(Ppermute { perm, ..self.clone() });
        Linear::Cotangents(smallvec![cts[0].as_ref().map(|ct| bind1(prim, std::slice::from_ref(ct)))])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        if !is_mine(&self.axis_name, axis) {
            return (bind(Prim::new(self.clone()), args), smallvec![dims[0]]);
        }
        let mut source: Vec<Option<usize>> = vec![None; axis.size];
        self.perm.iter().for_each(|&(s, d)| source[d] = Some(s));
        if dims[0].is_none() && source.iter().all(Option::is_some) {
            return (args.iter().cloned().collect(), smallvec![None]);
        }
        let x = at_front(&args[0], dims[0], axis.size);
        // Neighbours that come from neighbours are one slice.
        let mut parts = Vec::new();
        let mut start = 0;
        while start < axis.size {
            let follows = |end: &usize| match (source[end - 1], source[*end]) {
                (Some(before), Some(here)) => here == before + 1,
                (None, None) => true,
                _ => false,
            };
            let end = (start + 1..axis.size).find(|end| !follows(end)).unwrap_or(axis.size);
            let count = end - start;
            parts.push(match source[start] {
                Some(s) => slice_in_dim(&x, s as i64, Some((s + count) as i64), 1, 0),
                None => {
                    let shape: Vec<usize> =
                        std::iter::once(count).chain(x.shape()[1..].iter().copied()).collect();
                    zeros_like(&x.aval().strong().with_shape(shape))
                }
            });
            start = end;
        }
        batched(concatenate(&parts, 0), 0)
    }

    fn samples() -> Vec<Sample> {
        Vec::new()
    }

    fn uses_axis(&self, name: &str) -> bool {
        self.axis_name.iter().any(|n| **n == *name)
    }
}
