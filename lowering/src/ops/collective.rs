//! Operations across replicas and partitions.
//!
//! A collective splits the grid of processes into groups by one of four strategies, which its channel and its flag
//! choose; within a group every process brings its operands and all leave with everyone's. Reference evaluation meets
//! on the evaluator's [`Grid`](crate::eval::Grid).

use super::groups::Strategy;
pub use super::groups::{AxisRef, ChannelHandle, Mesh, MeshAxes, MeshRef, ReplicaGroups};
use super::rules::{arity, check_reducer, check_scalar_region, fits, is_promotable, named, plain};
use super::{Context, EvalContext, OpDef};
use crate::attribute::{Attribute, Attributes};
use crate::eval::index::{self, Elements, Indices};
use crate::eval::{Datum, Evaluator, Process};
use crate::{DYNAMIC, ElementType, Error, Literal, Result, TensorType, Type, Types};

/// `stablehlo.all_reduce(operands…)` with a region.
#[derive(Clone, PartialEq, Debug)]
pub struct AllReduce {
    /// Groups of process ids.
    pub replica_groups: ReplicaGroups,
    /// Channel `(handle, type)`; `None` or handle 0 means none.
    pub channel_handle: Option<ChannelHandle>,
    /// Whether ids are flattened over replicas and partitions.
    pub use_global_device_ids: bool,
}

/// `stablehlo.all_gather(operands…)`.
#[derive(Clone, PartialEq, Debug)]
pub struct AllGather {
    /// The dimension along which shards follow each other.
    pub all_gather_dim: i64,
    /// Groups of process ids.
    pub replica_groups: ReplicaGroups,
    /// Channel `(handle, type)`; `None` or handle 0 means none.
    pub channel_handle: Option<ChannelHandle>,
    /// Whether ids are flattened over replicas and partitions.
    pub use_global_device_ids: bool,
}

/// `stablehlo.all_to_all(operands…)`.
#[derive(Clone, PartialEq, Debug)]
pub struct AllToAll {
    /// The dimension that is split.
    pub split_dimension: i64,
    /// The dimension along which parts follow each other.
    pub concat_dimension: i64,
    /// Number of parts.
    pub split_count: i64,
    /// Groups of process ids.
    pub replica_groups: ReplicaGroups,
    /// Channel `(handle, type)`; `None` or handle 0 means none.
    pub channel_handle: Option<ChannelHandle>,
}

/// `stablehlo.reduce_scatter(operand)` with a region.
#[derive(Clone, PartialEq, Debug)]
pub struct ReduceScatter {
    /// The dimension that is scattered.
    pub scatter_dimension: i64,
    /// Groups of process ids.
    pub replica_groups: ReplicaGroups,
    /// Channel `(handle, type)`; `None` or handle 0 means none.
    pub channel_handle: Option<ChannelHandle>,
    /// Whether ids are flattened over replicas and partitions.
    pub use_global_device_ids: bool,
}

/// `stablehlo.collective_permute(operand)`.
#[derive(Clone, PartialEq, Debug)]
pub struct CollectivePermute {
    /// Pairs of source and target ids.
    pub source_target_pairs: Vec<(i64, i64)>,
    /// Channel `(handle, type)`; `None` or handle 0 means none.
    pub channel_handle: Option<ChannelHandle>,
}

/// `stablehlo.collective_broadcast(operand)`: from the first of each group.
#[derive(Clone, PartialEq, Debug)]
pub struct CollectiveBroadcast {
    /// Groups of process ids.
    pub replica_groups: ReplicaGroups,
    /// Channel `(handle, type)`; `None` or handle 0 means none.
    pub channel_handle: Option<ChannelHandle>,
    /// Whether the last operand says which member of the group each operand comes from.
    pub has_dynamic_root: bool,
}

/// `stablehlo.partition_id`.
#[derive(Clone, PartialEq, Debug)]
pub struct PartitionId;

/// `stablehlo.replica_id`.
#[derive(Clone, PartialEq, Debug)]
pub struct ReplicaId;

/// Meets the other processes of this one's group and returns what each of them brought, in the group's order; `None` if this process is
/// in no group.
fn exchange(
    cx: &EvalContext<'_, '_>,
    op: &str,
    site: usize,
    strategy: Strategy,
    groups: &ReplicaGroups,
) -> Result<Option<(usize, Vec<Vec<Datum>>)>> {
    let grid = cx.evaluator.grid();
    let me = cx.evaluator.process();
    let groups = strategy.process_groups(op, &groups.resolve(cx.evaluator.module)?, grid)?;
    let Some(group) = groups.into_iter().find(|group| group.contains(&me)) else { return Ok(None) };
    let brought = grid.meet(me, site, &group, cx.operands.to_vec())?;
    let position = group.iter().position(|&p| p == me).expect("found above");
    Ok(Some((position, group.iter().map(|process| brought[process].clone()).collect())))
}

/// As [`exchange`], where every process must be in a group.
fn exchange_all(
    cx: &EvalContext<'_, '_>,
    op: &str,
    site: usize,
    strategy: Strategy,
    groups: &ReplicaGroups,
) -> Result<(usize, Vec<Vec<Datum>>)> {
    exchange(cx, op, site, strategy, groups)?.ok_or_else(|| {
        let Process { replica, partition } = cx.evaluator.process();
        Error::eval(format!("{op}: replica {replica}, partition {partition} is in no group"))
    })
}

/// The address of an operation: the same for all processes that run it.
fn site<T>(op: &T) -> usize {
    std::ptr::from_ref(op) as usize
}

/// Concatenates tensors that agree in all other dimensions.
fn concatenate(parts: &[Literal], dimension: usize) -> Result<Literal> {
    let mut ty = parts[0].ty().clone();
    ty.shape[dimension] = parts.iter().map(|part| part.ty().shape[dimension]).sum();
    let strides = index::strides(&ty.shape);
    let mut out = Elements::zeros(&ty)?;
    let mut start = 0;
    for part in parts {
        let mut indices = Indices::new(&part.ty().shape);
        let mut position = 0;
        while let Some(at) = indices.next() {
            out.set(index::offset(at, &strides) + start, part.element(position));
            position += 1;
        }
        start += (part.ty().shape[dimension] * strides[dimension]) as usize;
    }
    Ok(out.finish())
}

/// The `part`-th of `count` equal parts along a dimension.
fn split(whole: &Literal, count: i64, part: i64, dimension: usize) -> Result<Literal> {
    let mut ty = whole.ty().clone();
    ty.shape[dimension] /= count;
    let strides = index::strides(&whole.ty().shape);
    let start = part * ty.shape[dimension] * strides[dimension];
    index::pick(&ty, whole, |at| index::offset(at, &strides) + start as usize)
}

/// Reduces the `i`-th operand of all members of a group, in the group's order.
fn reduce_members(
    evaluator: &mut Evaluator<'_>,
    region: &crate::Block,
    members: &[Vec<Datum>],
    i: usize,
    element: ElementType,
) -> Result<Literal> {
    let mut parts = Vec::with_capacity(members.len());
    for member in members {
        parts.push(evaluator.convert(member[i].literal()?, element)?);
    }
    let mut out = Elements::of(&parts[0]);
    for part in &parts[1..] {
        if part.ty() != parts[0].ty() {
            let (a, b) = (parts[0].ty(), part.ty());
            return Err(Error::eval(format!(
                "a collective's operands differ between processes: {a} and {b}"
            )));
        }
        for position in 0..part.len() {
            let args = [out.scalar(position), index::scalar_at(part, position)];
            out.set(position, evaluator.run_tensors(region, args)?[0].element(0));
        }
    }
    Ok(out.finish())
}

/// Whether the channel and the flag go together.
fn check_global(label: &'static str, op: &str, channel: Option<ChannelHandle>, global: bool) -> Result<()> {
    match global && channel.is_none_or(|c| c.handle <= 0) {
        false => Ok(()),
        true => {
            Err(Error::constraint(label, format!("{op}: use_global_device_ids needs a positive channel")))
        }
    }
}

fn check_dim(label: &'static str, op: &str, what: &str, d: i64, ty: &TensorType) -> Result<usize> {
    match usize::try_from(d).ok().filter(|&d| d < ty.rank()) {
        Some(d) => Ok(d),
        None => Err(Error::constraint(label, format!("{op}: {what} {d} must be a dimension of {ty}"))),
    }
}

/// The attributes of a collective: its own, and those that several have, where it has them.
fn attributes_of(
    own: &[(&str, i64)],
    groups: Option<&ReplicaGroups>,
    channel: Option<ChannelHandle>,
    use_global_device_ids: bool,
) -> Attributes {
    let mut out = Attributes::new();
    for &(name, value) in own {
        out.set(name, Attribute::int(value));
    }
    if let Some(channel) = channel {
        out.set("channel_handle", channel.attribute());
    }
    if let Some(groups) = groups {
        out.set("replica_groups", groups.attribute());
    }
    if use_global_device_ids {
        out.set("use_global_device_ids", Attribute::Unit);
    }
    out.0.sort_by(|a, b| a.0.cmp(&b.0));
    out
}

/// The operands, of which there must be one.
fn some_tensors<'a>(op: &str, cx: &Context<'a>) -> Result<Vec<&'a TensorType>> {
    match cx.operands.is_empty() {
        true => Err(Error::verify(format!("{op}: there must be at least one operand"))),
        false => (0..cx.operands.len()).map(|i| cx.tensor(op, i)).collect(),
    }
}

impl OpDef for AllReduce {
    named!("stablehlo.all_reduce");

    fn attributes(&self) -> Attributes {
        attributes_of(&[], Some(&self.replica_groups), self.channel_handle, self.use_global_device_ids)
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let op = "all_reduce";
        Ok(AllReduce {
            replica_groups: ReplicaGroups::take(op, attributes)?,
            channel_handle: ChannelHandle::take_optional(op, attributes)?,
            use_global_device_ids: attributes.take_bool(op, "use_global_device_ids", false)?,
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let op = "all_reduce";
        let operands = some_tensors(op, cx)?;
        self.replica_groups.check(op, "all_reduce_c1", "all_reduce_c3")?;
        check_global("all_reduce_c4", op, self.channel_handle, self.use_global_device_ids)?;
        let element = check_reducer("all_reduce_c5", op, cx, 0, &[operands[0].element])?[0];
        for operand in &operands[1..] {
            check_scalar_region("all_reduce_c5", op, cx, 0, &[element, element], &[element])?;
            if !is_promotable(operand.element, element) {
                return Err(Error::constraint(
                    "all_reduce_c5",
                    format!("{op}: operand {operand} cannot be reduced as {element}"),
                ));
            }
        }
        Ok(Some(operands.into_iter().map(|ty| ty.with_element(element).into()).collect()))
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let op = "all_reduce";
        let strategy = Strategy::of_reduction(self.channel_handle, self.use_global_device_ids);
        let (_, members) = exchange_all(cx, op, site(self), strategy, &self.replica_groups)?;
        (0..cx.operands.len())
            .map(|i| {
                let element = cx.result(op, i)?.element;
                Ok(reduce_members(cx.evaluator, &cx.regions[0], &members, i, element)?.into())
            })
            .collect()
    }
}

impl OpDef for AllGather {
    named!("stablehlo.all_gather");

    fn attributes(&self) -> Attributes {
        attributes_of(
            &[("all_gather_dim", self.all_gather_dim)],
            Some(&self.replica_groups),
            self.channel_handle,
            self.use_global_device_ids,
        )
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let op = "all_gather";
        Ok(AllGather {
            all_gather_dim: attributes.take_int(op, "all_gather_dim")?,
            replica_groups: ReplicaGroups::take(op, attributes)?,
            channel_handle: ChannelHandle::take_optional(op, attributes)?,
            use_global_device_ids: attributes.take_bool(op, "use_global_device_ids", false)?,
        })
    }

    /// The result's size is a multiple of the operand's that depends on the grid, so it is not inferred.
    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let op = "all_gather";
        for operand in some_tensors(op, cx)? {
            check_dim("all_gather_c1", op, "all_gather_dim", self.all_gather_dim, operand)?;
        }
        self.replica_groups.check(op, "all_gather_c2", "all_gather_c4")?;
        check_global("all_gather_c5", op, self.channel_handle, self.use_global_device_ids)?;
        Ok(None)
    }

    fn verify(&self, cx: &Context<'_>, results: &[Type]) -> Result<()> {
        let op = "all_gather";
        let operands = some_tensors(op, cx)?;
        if operands.len() != results.len() {
            let (n, m) = (operands.len(), results.len());
            return Err(Error::constraint("all_gather_c6", format!("{op}: {n} operands but {m} results")));
        }
        let exact = Strategy::of_reduction(self.channel_handle, self.use_global_device_ids)
            .group_size(&self.replica_groups);
        let d = self.all_gather_dim as usize;
        for (operand, result) in operands.iter().zip(results) {
            let fits = result.as_tensor().is_some_and(|result| {
                result.element == operand.element
                    && scaled(&operand.shape, &result.shape, d, |n, m| match exact {
                        Some(count) => n.checked_mul(count) == Some(m),
                        None => n == 0 && m == 0 || n != 0 && m % n == 0,
                    })
            });
            if !fits {
                return Err(Error::constraint(
                    "all_gather_c6",
                    format!(
                        "{op}: the result must be {operand} with dim {d} once for each process, is {result}"
                    ),
                ));
            }
        }
        Ok(())
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let op = "all_gather";
        let strategy = Strategy::of_reduction(self.channel_handle, self.use_global_device_ids);
        let (_, members) = exchange_all(cx, op, site(self), strategy, &self.replica_groups)?;
        (0..cx.operands.len())
            .map(|i| {
                let parts = members.iter().map(|m| m[i].literal().cloned()).collect::<Result<Vec<_>>>()?;
                Ok(concatenate(&parts, self.all_gather_dim as usize)?.into())
            })
            .collect()
    }
}

/// Whether two shapes agree but for dimension `d`, where `scales` must hold of the sizes unless one is dynamic.
fn scaled(from: &[i64], to: &[i64], d: usize, scales: impl Fn(i64, i64) -> bool) -> bool {
    from.len() == to.len()
        && from.iter().zip(to).enumerate().all(|(i, (&n, &m))| match i == d {
            true => n == DYNAMIC || m == DYNAMIC || scales(n, m),
            false => fits(n, m),
        })
}

impl OpDef for AllToAll {
    named!("stablehlo.all_to_all");

    fn attributes(&self) -> Attributes {
        attributes_of(
            &[
                ("concat_dimension", self.concat_dimension),
                ("split_count", self.split_count),
                ("split_dimension", self.split_dimension),
            ],
            Some(&self.replica_groups),
            self.channel_handle,
            false,
        )
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let op = "all_to_all";
        Ok(AllToAll {
            split_dimension: attributes.take_int(op, "split_dimension")?,
            concat_dimension: attributes.take_int(op, "concat_dimension")?,
            split_count: attributes.take_int(op, "split_count")?,
            replica_groups: ReplicaGroups::take(op, attributes)?,
            channel_handle: ChannelHandle::take_optional(op, attributes)?,
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let op = "all_to_all";
        let count = self.split_count;
        if count < 1 {
            let message = format!("{op}: split_count {count} must be positive");
            return Err(Error::constraint("all_to_all_c4", message));
        }
        self.replica_groups.check(op, "all_to_all_c5", "all_to_all_c7")?;
        if let Some(size) = self.replica_groups.listed_size().filter(|&size| size != count) {
            let message = format!("{op}: split_count is {count}, a group has {size} processes");
            return Err(Error::constraint("all_to_all_c8", message));
        }
        let results = some_tensors(op, cx)?.into_iter().map(|operand| {
            let from = check_dim("all_to_all_c1", op, "split_dimension", self.split_dimension, operand)?;
            let to = check_dim("all_to_all_c3", op, "concat_dimension", self.concat_dimension, operand)?;
            let mut ty = operand.clone();
            if ty.shape[from] != DYNAMIC {
                if ty.shape[from] % count != 0 {
                    let message = format!("{op}: dim {from} of {operand} does not split into {count}");
                    return Err(Error::constraint("all_to_all_c2", message));
                }
                ty.shape[from] /= count;
            }
            if ty.shape[to] != DYNAMIC {
                ty.shape[to] = ty.shape[to].saturating_mul(count);
            }
            Ok(ty.into())
        });
        Ok(Some(results.collect::<Result<_>>()?))
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let op = "all_to_all";
        let strategy = Strategy::of_exchange(self.channel_handle);
        let (position, members) = exchange_all(cx, op, site(self), strategy, &self.replica_groups)?;
        if members.len() as i64 != self.split_count {
            let (count, n) = (self.split_count, members.len());
            return Err(Error::eval(format!("{op}: split_count is {count}, the group has {n} processes")));
        }
        (0..cx.operands.len())
            .map(|i| {
                let part = |member: &Vec<Datum>| {
                    let whole = member[i].literal()?;
                    split(whole, self.split_count, position as i64, self.split_dimension as usize)
                };
                let parts = members.iter().map(part).collect::<Result<Vec<_>>>()?;
                Ok(concatenate(&parts, self.concat_dimension as usize)?.into())
            })
            .collect()
    }
}

impl OpDef for ReduceScatter {
    named!("stablehlo.reduce_scatter");

    fn attributes(&self) -> Attributes {
        attributes_of(
            &[("scatter_dimension", self.scatter_dimension)],
            Some(&self.replica_groups),
            self.channel_handle,
            self.use_global_device_ids,
        )
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let op = "reduce_scatter";
        Ok(ReduceScatter {
            scatter_dimension: attributes.take_int(op, "scatter_dimension")?,
            replica_groups: ReplicaGroups::take(op, attributes)?,
            channel_handle: ChannelHandle::take_optional(op, attributes)?,
            use_global_device_ids: attributes.take_bool(op, "use_global_device_ids", false)?,
        })
    }

    /// The result's size is a part of the operand's that depends on the grid, so it is not inferred.
    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let op = "reduce_scatter";
        let operand = cx.tensor(op, 0)?;
        arity(op, cx, 1, 1)?;
        check_dim("reduce_scatter_c2", op, "scatter_dimension", self.scatter_dimension, operand)?;
        self.replica_groups.check(op, "reduce_scatter_c3", "reduce_scatter_c5")?;
        check_global("reduce_scatter_c6", op, self.channel_handle, self.use_global_device_ids)?;
        check_reducer("reduce_scatter_c7", op, cx, 0, &[operand.element])?;
        Ok(None)
    }

    fn verify(&self, cx: &Context<'_>, results: &[Type]) -> Result<()> {
        let op = "reduce_scatter";
        let operand = cx.tensor(op, 0)?;
        let element = check_reducer("reduce_scatter_c7", op, cx, 0, &[operand.element])?[0];
        let exact = Strategy::of_reduction(self.channel_handle, self.use_global_device_ids)
            .group_size(&self.replica_groups);
        let d = self.scatter_dimension as usize;
        let [Type::Tensor(result)] = results else {
            return Err(Error::verify(format!("{op}: expected one tensor as result, got {results:?}")));
        };
        let fits = scaled(&operand.shape, &result.shape, d, |n, m| match exact {
            Some(count) => m.checked_mul(count) == Some(n),
            None => n == 0 && m == 0 || m != 0 && n % m == 0,
        });
        match (fits, result.element == element) {
            (true, true) => Ok(()),
            (false, _) => Err(Error::constraint(
                "reduce_scatter_c8",
                format!("{op}: the result must be a process's part of {operand} along dim {d}, is {result}"),
            )),
            (_, false) => Err(Error::constraint(
                "reduce_scatter_c9",
                format!("{op}: the result must have elements of type {element}, is {result}"),
            )),
        }
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let op = "reduce_scatter";
        let strategy = Strategy::of_reduction(self.channel_handle, self.use_global_device_ids);
        let (position, members) = exchange_all(cx, op, site(self), strategy, &self.replica_groups)?;
        let element = cx.result(op, 0)?.element;
        let reduced = reduce_members(cx.evaluator, &cx.regions[0], &members, 0, element)?;
        let d = self.scatter_dimension as usize;
        let count = members.len() as i64;
        if reduced.ty().shape[d] % count != 0 {
            return Err(Error::constraint(
                "reduce_scatter_c1",
                format!("{op}: dim {d} of {} does not split into {count}", reduced.ty()),
            ));
        }
        Ok(vec![split(&reduced, count, position as i64, d)?.into()])
    }
}

impl OpDef for CollectivePermute {
    named!("stablehlo.collective_permute");

    fn attributes(&self) -> Attributes {
        let mut out = attributes_of(&[], None, self.channel_handle, false);
        out.set("source_target_pairs", Attribute::pairs(&self.source_target_pairs));
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let op = "collective_permute";
        Ok(CollectivePermute {
            source_target_pairs: attributes
                .take_pairs(op, "source_target_pairs")
                .map_err(|error| Error { constraint: Some("collective_permute_c1"), ..error })?,
            channel_handle: ChannelHandle::take_optional(op, attributes)?,
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let op = "collective_permute";
        let pairs = &self.source_target_pairs;
        for (label, what, ids) in [
            ("collective_permute_c2", "source", pairs.iter().map(|p| p.0).collect::<Vec<_>>()),
            ("collective_permute_c3", "target", pairs.iter().map(|p| p.1).collect()),
        ] {
            if let Some(i) = (1..ids.len()).find(|&i| ids[..i].contains(&ids[i])) {
                let message = format!("{op}: {what} {} occurs more than once in {pairs:?}", ids[i]);
                return Err(Error::constraint(label, message));
            }
            if let Some(id) = ids.iter().find(|&&id| id < 0) {
                let message = format!("{op}: {what} {id} must not be negative");
                return Err(Error::constraint("collective_permute_c4", message));
            }
        }
        Ok(Some(some_tensors(op, cx)?.into_iter().map(|ty| ty.clone().into()).collect()))
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let op = "collective_permute";
        let strategy = Strategy::of_exchange(self.channel_handle);
        let grid = cx.evaluator.grid().clone();
        let me = cx.evaluator.process();
        // A pair is a group, but a process may be in two: so everybody of one row or column meets.
        let all = match strategy {
            Strategy::CrossPartition => i64::from(grid.num_partitions),
            _ => i64::from(grid.num_replicas),
        };
        for &(source, target) in &self.source_target_pairs {
            if source >= all || target >= all {
                let message = format!("{op}: pair ({source}, {target}) must lie in 0..{all}");
                return Err(Error::constraint("collective_permute_c4", message));
            }
        }
        let (_, members) = exchange_all(cx, op, site(self), strategy, &ReplicaGroups::default())?;
        let mine = match strategy {
            Strategy::CrossPartition => i64::from(me.partition),
            _ => i64::from(me.replica),
        };
        match self.source_target_pairs.iter().find(|pair| pair.1 == mine) {
            Some(&(source, _)) => Ok(members[source as usize].clone()),
            None => zeros_like(cx.operands),
        }
    }
}

/// Zeros of the same types.
fn zeros_like(data: &[Datum]) -> Result<Vec<Datum>> {
    data.iter().map(|datum| Ok(Elements::zeros(datum.literal()?.ty())?.finish().into())).collect()
}

impl OpDef for CollectiveBroadcast {
    named!("stablehlo.collective_broadcast");

    fn attributes(&self) -> Attributes {
        let mut out = attributes_of(&[], Some(&self.replica_groups), self.channel_handle, false);
        if self.has_dynamic_root {
            // Between the channel and the groups, in alphabetical order.
            out.0.insert(out.0.len() - 1, ("has_dynamic_root".to_owned(), Attribute::Bool(true)));
        }
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let op = "collective_broadcast";
        Ok(CollectiveBroadcast {
            replica_groups: ReplicaGroups::take(op, attributes)?,
            channel_handle: ChannelHandle::take_optional(op, attributes)?,
            has_dynamic_root: attributes.take_bool(op, "has_dynamic_root", false)?,
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let op = "collective_broadcast";
        let mut operands = some_tensors(op, cx)?;
        // Not every process need be in a group, so only uniqueness and sign are checked here.
        let mut ids: Vec<i64> = self.replica_groups.groups.iter().flatten().copied().collect();
        ids.sort_unstable();
        if let Some(pair) = ids.windows(2).find(|pair| pair[0] == pair[1] && pair[0] != -1) {
            let message = format!("{op}: replica groups name {} more than once", pair[0]);
            return Err(Error::constraint("collective_broadcast_c1", message));
        }
        if let Some(id) = ids.iter().find(|&&id| id < -1) {
            let message = format!("{op}: id {id} must not be negative");
            return Err(Error::constraint("collective_broadcast_c2", message));
        }
        if self.has_dynamic_root {
            let roots = operands.pop().expect("at least one");
            let wanted = TensorType::new([operands.len() as i64], ElementType::I32);
            if operands.is_empty() || *roots != wanted {
                let message = format!("{op}: the last operand must be the roots as {wanted}, got {roots}");
                return Err(Error::constraint("collective_broadcast_c4", message));
            }
        }
        Ok(Some(operands.into_iter().map(|ty| ty.clone().into()).collect()))
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let op = "collective_broadcast";
        let strategy = Strategy::of_exchange(self.channel_handle);
        let count = cx.results.len();
        let Some((_, members)) = exchange(cx, op, site(self), strategy, &self.replica_groups)? else {
            return zeros_like(&cx.operands[..count]);
        };
        let roots = match self.has_dynamic_root {
            true => index::ints(cx.tensor(op, count)?)?,
            false => vec![0; count],
        };
        roots
            .iter()
            .enumerate()
            .map(|(j, &root)| {
                let member = usize::try_from(root).ok().and_then(|root| members.get(root));
                member.map(|member| member[j].clone()).ok_or_else(|| {
                    let n = members.len();
                    let message = format!("{op}: root {root} is not one of the group's {n} processes");
                    Error::constraint("collective_broadcast_c6", message)
                })
            })
            .collect()
    }
}

macro_rules! process_id {
    ($ty:ident, $name:literal, $short:literal, $field:ident) => {
        impl OpDef for $ty {
            plain!($name);

            fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
                arity($short, cx, 0, 0)?;
                Ok(Some(smallvec::smallvec![TensorType::scalar(ElementType::UI32).into()]))
            }

            fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
                Ok(vec![Literal::scalar(cx.evaluator.process().$field).into()])
            }
        }
    };
}

process_id!(PartitionId, "stablehlo.partition_id", "partition_id", partition);
process_id!(ReplicaId, "stablehlo.replica_id", "replica_id", replica);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_round_trip() {
        let axis = |name: &str, sub_axis| AxisRef { name: name.into(), sub_axis };
        let op = AllReduce {
            replica_groups: ReplicaGroups {
                groups: vec![],
                mesh_axes: Some(MeshAxes {
                    mesh: MeshRef::Symbol("mesh".into()),
                    axes: vec![axis("x", Some((1, 2))), axis("y", None)],
                }),
            },
            channel_handle: Some(ChannelHandle { handle: 1, channel_type: 0 }),
            use_global_device_ids: true,
        };
        let mut attributes = op.attributes();
        assert_eq!(AllReduce::from_attributes(op.name(), &mut attributes).unwrap(), op);
        assert!(attributes.is_empty());
        let listed = AllReduce { replica_groups: ReplicaGroups::listed(vec![vec![0, 1]]), ..op };
        assert_eq!(AllReduce::from_attributes("", &mut listed.attributes()).unwrap(), listed);
    }
}
