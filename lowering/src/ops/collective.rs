//! Operations across replicas and partitions.
//!
//! A collective splits the grid of processes into groups by one of four strategies, which its channel and its flag
//! choose; within a group every process brings its operands and all leave with everyone's. Reference evaluation meets
//! on the evaluator's [`Grid`](crate::eval::Grid).

use super::fields::{
    check_reducer, check_scalar_region, int, int_matrix, missing, need_int, sizes_agree, take_bool, take_int,
    take_pairs, wrong,
};
use super::{Context, EvalContext, OpDef};
use crate::attribute::{Attribute, Attributes};
use crate::eval::index::{self, Elements, Indices};
use crate::eval::{Datum, Evaluator, Grid, Process};
use crate::{DYNAMIC, ElementType, Error, Literal, Module, Result, TensorType, Type};

/// Groups of process ids.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct ReplicaGroups {
    /// The ids of each group, where the text lists them; shorter groups than the longest are padded with −1.
    pub groups: Vec<Vec<i64>>,
    /// The axes of a mesh along which groups lie, where the text says it so; `groups` is then empty.
    pub mesh_axes: Option<MeshAxes>,
}

/// `#stablehlo.replica_group_mesh_axes<mesh = …, axes = […]>`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct MeshAxes {
    /// The mesh.
    pub mesh: MeshRef,
    /// The axes that a group spans.
    pub axes: Vec<AxisRef>,
}

/// A mesh by name, or spelled out.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum MeshRef {
    /// `@mesh`, a symbol of the module.
    Symbol(String),
    /// `#stablehlo.mesh<axes = […]>`.
    Inline(Mesh),
}

/// Devices in a grid with named axes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Mesh {
    /// Name and size of each axis.
    pub axes: Vec<(String, i64)>,
    /// The device at each coordinate in lexicographic order; empty means 0, 1, ….
    pub device_ids: Vec<i64>,
}

/// An axis of a mesh, or a part of one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct AxisRef {
    /// The axis.
    pub name: String,
    /// Of a part: the product of the sizes of the parts before it, and its own size.
    pub sub_axis: Option<(i64, i64)>,
}

/// `#stablehlo.channel_handle<handle = 1, type = 0>`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ChannelHandle {
    /// The channel.
    pub handle: i64,
    /// The kind of channel.
    pub channel_type: i64,
}

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

impl ReplicaGroups {
    /// The groups that are listed.
    pub fn listed(groups: Vec<Vec<i64>>) -> Self {
        ReplicaGroups { groups, mesh_axes: None }
    }

    /// The ids of each group; a mesh known by name is looked for among the module's other top-level operations. No groups at all mean
    /// one of everybody, which is for the caller to know.
    pub fn resolve(&self, module: &Module) -> Result<Vec<Vec<i64>>> {
        let Some(axes) = &self.mesh_axes else {
            return Ok(self
                .groups
                .iter()
                .map(|g| g.iter().copied().filter(|&id| id >= 0).collect())
                .collect());
        };
        match &axes.mesh {
            MeshRef::Inline(mesh) => mesh.groups(&axes.axes),
            MeshRef::Symbol(name) => {
                let mesh = module.others.iter().find_map(|text| Mesh::parse(text, name));
                mesh.ok_or_else(|| Error::verify(format!("replica groups: the module has no mesh @{name}")))?
                    .groups(&axes.axes)
            }
        }
    }

    /// The size of each group, where the text lists them.
    fn listed_size(&self) -> Option<i64> {
        match (&self.mesh_axes, self.groups.first()) {
            (None, Some(first)) => Some(first.len() as i64),
            _ => None,
        }
    }

    fn attribute(&self) -> Attribute {
        let Some(axes) = &self.mesh_axes else {
            let columns = self.groups.iter().map(Vec::len).max().unwrap_or(0);
            let padded = |group: &Vec<i64>| -> Vec<i64> {
                group.iter().copied().chain(std::iter::repeat(-1)).take(columns).collect()
            };
            let values: Vec<i64> = self.groups.iter().flat_map(padded).collect();
            return int_matrix(self.groups.len(), columns, &values);
        };
        let structure = |name: &str, fields: Vec<(&str, Attribute)>| {
            let fields = fields.into_iter().map(|(n, a)| (n.to_owned(), a)).collect();
            Attribute::Struct(name.to_owned(), Attributes(fields))
        };
        let mesh = match &axes.mesh {
            MeshRef::Symbol(name) => Attribute::Symbol(name.clone()),
            MeshRef::Inline(mesh) => {
                let axis = |(name, size): &(String, i64)| {
                    structure(
                        "mesh_axis",
                        vec![("name", Attribute::String(name.clone())), ("size", int(*size))],
                    )
                };
                let mut fields = vec![("axes", Attribute::Array(mesh.axes.iter().map(axis).collect()))];
                if !mesh.device_ids.is_empty() {
                    let ids = Literal::new([mesh.device_ids.len() as i64], &mesh.device_ids);
                    fields.push(("device_ids", Attribute::Dense(ids.expect("as many as there are"))));
                }
                structure("mesh", fields)
            }
        };
        let axis = |axis: &AxisRef| {
            let mut fields = vec![("name", Attribute::String(axis.name.clone()))];
            if let Some((pre, size)) = axis.sub_axis {
                fields.push(("sub_axis_info", Attribute::Opaque(format!("({pre}){size}"))));
            }
            structure("axis_ref", fields)
        };
        let list = Attribute::Array(axes.axes.iter().map(axis).collect());
        structure("replica_group_mesh_axes", vec![("mesh", mesh), ("axes", list)])
    }

    fn take(op: &str, attributes: &mut Attributes) -> Result<Self> {
        let bad = || wrong(op, "replica_groups", "a matrix of i64, or the axes of a mesh");
        match attributes.take("replica_groups") {
            None => Err(missing(op, "replica_groups")),
            Some(Attribute::Dense(literal)) => {
                let [_, columns] = literal.ty().shape[..] else { return Err(bad()) };
                let ids = index::ints(&literal).map_err(|_| bad())?;
                Ok(Self::listed(ids.chunks(columns.max(1) as usize).map(<[i64]>::to_vec).collect()))
            }
            Some(Attribute::Struct(_, mut fields)) => {
                let mesh = match fields.take("mesh") {
                    Some(Attribute::Symbol(name)) => MeshRef::Symbol(name),
                    Some(Attribute::Struct(_, fields)) => {
                        MeshRef::Inline(Mesh::from_fields(fields).ok_or_else(bad)?)
                    }
                    _ => return Err(bad()),
                };
                let Some(Attribute::Array(axes)) = fields.take("axes") else { return Err(bad()) };
                let axes = axes.into_iter().map(AxisRef::from_attribute).collect::<Option<_>>();
                let mesh_axes = Some(MeshAxes { mesh, axes: axes.ok_or_else(bad)? });
                Ok(ReplicaGroups { groups: Vec::new(), mesh_axes })
            }
            Some(_) => Err(bad()),
        }
    }

    /// The constraints that do not depend on the size of the grid: ids are listed once, and from 0 on without a gap.
    fn check(&self, op: &str, unique: &'static str, range: &'static str) -> Result<()> {
        let mut ids: Vec<i64> = self.groups.iter().flatten().copied().filter(|&id| id != -1).collect();
        ids.sort_unstable();
        if let Some(pair) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
            let message = format!("{op}: replica groups {:?} name {} more than once", self.groups, pair[0]);
            return Err(Error::constraint(unique, message));
        }
        match ids.iter().copied().eq(0..ids.len() as i64) {
            true => Ok(()),
            false => {
                let n = ids.len();
                let message = format!("{op}: replica groups {:?} must name every id in 0..{n}", self.groups);
                Err(Error::constraint(range, message))
            }
        }
    }
}

impl AxisRef {
    fn from_attribute(attribute: Attribute) -> Option<Self> {
        let Attribute::Struct(_, mut fields) = attribute else { return None };
        let Some(Attribute::String(name)) = fields.take("name") else { return None };
        let sub_axis = match fields.take("sub_axis_info") {
            None => None,
            Some(Attribute::Opaque(text) | Attribute::String(text)) => {
                let (pre, size) = text.trim().strip_prefix('(')?.split_once(')')?;
                Some((pre.trim().parse().ok()?, size.trim().parse().ok()?))
            }
            Some(_) => return None,
        };
        Some(AxisRef { name, sub_axis })
    }
}

impl Mesh {
    fn from_fields(mut fields: Attributes) -> Option<Self> {
        let Some(Attribute::Array(axes)) = fields.take("axes") else { return None };
        let axis = |attribute| {
            let Attribute::Struct(_, mut fields) = attribute else { return None };
            match (fields.take("name"), fields.take("size")) {
                (Some(Attribute::String(name)), Some(Attribute::Int(size, _))) => Some((name, size)),
                _ => None,
            }
        };
        let axes = axes.into_iter().map(axis).collect::<Option<_>>()?;
        let device_ids = match fields.take("device_ids") {
            None => Vec::new(),
            Some(Attribute::Dense(literal)) => index::ints(&literal).ok()?,
            Some(_) => return None,
        };
        Some(Mesh { axes, device_ids })
    }

    /// Reads `sdy.mesh @name = <["x"=2, "y"=4], device_ids=[…]>` if `text` is that.
    fn parse(text: &str, name: &str) -> Option<Self> {
        let (head, body) = text.split_once('=')?;
        let symbol = head.trim().rsplit_once('@')?.1.trim_matches('"');
        if symbol != name || !head.contains("mesh") {
            return None;
        }
        let list = |body: &str| -> Option<Vec<String>> {
            let inner = body.split_once('[')?.1.split_once(']')?.0;
            Some(inner.split(',').map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect())
        };
        let axes = list(body)?
            .iter()
            .map(|axis| {
                let (name, size) = axis.split_once('=')?;
                Some((name.trim().trim_matches('"').to_owned(), size.trim().parse().ok()?))
            })
            .collect::<Option<_>>()?;
        let device_ids = match body.split_once("device_ids") {
            None => Vec::new(),
            Some((_, ids)) => list(ids)?.iter().map(|id| id.parse().ok()).collect::<Option<_>>()?,
        };
        Some(Mesh { axes, device_ids })
    }

    /// The groups along `axes`: devices that differ only there stand together, in the order in which the axes are named.
    fn groups(&self, axes: &[AxisRef]) -> Result<Vec<Vec<i64>>> {
        let bad = |what: String| Error::verify(format!("replica groups: {what} of mesh {:?}", self.axes));
        // Every axis falls into parts where a reference begins or ends.
        let mut parts: Vec<(&str, i64, i64)> = Vec::new();
        for (name, size) in &self.axes {
            let mut cuts = vec![1, *size];
            for axis in axes.iter().filter(|axis| axis.name == *name) {
                let (pre, sub) = axis.sub_axis.unwrap_or((1, *size));
                cuts.extend([Some(pre), pre.checked_mul(sub)].into_iter().flatten());
            }
            cuts.sort_unstable();
            cuts.dedup();
            if cuts[0] < 1 || cuts.windows(2).any(|pair| pair[1] % pair[0] != 0 || pair[1] > *size) {
                return Err(bad(format!("the parts {cuts:?} of axis {name} do not divide it")));
            }
            parts.extend(cuts.windows(2).map(|pair| (name.as_str(), pair[0], pair[1] / pair[0])));
        }
        let mut inner: Vec<usize> = Vec::new();
        for axis in axes {
            let size = self.axes.iter().find(|(name, _)| *name == axis.name).map(|(_, size)| *size);
            let size = size.ok_or_else(|| bad(format!("there is no axis {}", axis.name)))?;
            let (pre, sub) = axis.sub_axis.unwrap_or((1, size));
            let spans = |&(_, part): &(usize, &(&str, i64, i64))| {
                part.0 == axis.name && part.1 >= pre && part.1 < pre.saturating_mul(sub)
            };
            inner.extend(parts.iter().enumerate().filter(spans).map(|(i, _)| i));
        }
        let shape: Vec<i64> = parts.iter().map(|part| part.2).collect();
        let count = shape.iter().product::<i64>();
        if !self.device_ids.is_empty() && self.device_ids.len() as i64 != count {
            return Err(bad(format!("{} device ids", self.device_ids.len())));
        }
        let strides = index::strides(&shape);
        let outer: Vec<usize> = (0..parts.len()).filter(|i| !inner.contains(i)).collect();
        let sizes = |dims: &[usize]| dims.iter().map(|&d| shape[d]).collect::<Vec<_>>();
        let at = |dims: &[usize], i: &[i64]| dims.iter().zip(i).map(|(&d, &i)| strides[d] * i).sum::<i64>();
        let mut groups = Vec::new();
        let mut fixed = Indices::new(&sizes(&outer));
        while let Some(o) = fixed.next() {
            let base = at(&outer, o);
            let mut group = Vec::new();
            let mut free = Indices::new(&sizes(&inner));
            while let Some(i) = free.next() {
                let position = base + at(&inner, i);
                group.push(self.device_ids.get(position as usize).copied().unwrap_or(position));
            }
            groups.push(group);
        }
        Ok(groups)
    }
}

impl ChannelHandle {
    fn attribute(self) -> Attribute {
        let fields =
            vec![("handle".to_owned(), int(self.handle)), ("type".to_owned(), int(self.channel_type))];
        Attribute::Struct("channel_handle".to_owned(), Attributes(fields))
    }

    /// Takes `channel_handle`, if there is one.
    pub(crate) fn take(op: &str, attributes: &mut Attributes) -> Result<Option<Self>> {
        match attributes.take("channel_handle") {
            None => Ok(None),
            Some(Attribute::Struct(_, mut fields)) => Ok(Some(ChannelHandle {
                handle: need_int(op, &mut fields, "handle")?,
                channel_type: take_int(op, &mut fields, "type")?.unwrap_or(0),
            })),
            Some(_) => Err(wrong(op, "channel_handle", "#stablehlo.channel_handle<…>")),
        }
    }
}

/// How ids become processes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Strategy {
    /// Ids are replicas; a group for each partition.
    CrossReplica,
    /// Ids are partitions; a group for each replica.
    CrossPartition,
    /// Ids are replicas, each standing for all its partitions.
    CrossReplicaAndPartition,
    /// Ids are `replica · num_partitions + partition`.
    FlattenedIds,
}

impl Strategy {
    /// For the collectives that may name devices.
    fn of_reduction(channel: Option<ChannelHandle>, use_global_device_ids: bool) -> Strategy {
        match (channel.is_some_and(|c| c.handle > 0), use_global_device_ids) {
            (true, true) => Strategy::FlattenedIds,
            (true, false) => Strategy::CrossReplicaAndPartition,
            (false, _) => Strategy::CrossReplica,
        }
    }

    /// For the others.
    fn of_exchange(channel: Option<ChannelHandle>) -> Strategy {
        match channel.is_some_and(|c| c.handle > 0) {
            true => Strategy::CrossPartition,
            false => Strategy::CrossReplica,
        }
    }

    /// The processes of every group of ids; an empty list of groups is one of all ids.
    fn process_groups(self, op: &str, groups: &[Vec<i64>], grid: &Grid) -> Result<Vec<Vec<Process>>> {
        let (rows, columns) = (i64::from(grid.num_replicas), i64::from(grid.num_partitions));
        let ids = match self {
            Strategy::CrossReplica | Strategy::CrossReplicaAndPartition => rows,
            Strategy::CrossPartition => columns,
            Strategy::FlattenedIds => rows * columns,
        };
        let everyone;
        let groups = if groups.iter().all(Vec::is_empty) {
            everyone = [(0..ids).collect()];
            &everyone[..]
        } else {
            groups
        };
        if let Some(id) = groups.iter().flatten().find(|id| !(0..ids).contains(id)) {
            return Err(Error::eval(format!("{op}: id {id} is not one of the {ids} that there are")));
        }
        let process =
            |replica: i64, partition: i64| Process { replica: replica as u32, partition: partition as u32 };
        let each = |group: &Vec<i64>| -> Vec<Vec<Process>> {
            match self {
                Strategy::CrossReplica => {
                    (0..columns).map(|p| group.iter().map(|&r| process(r, p)).collect()).collect()
                }
                Strategy::CrossPartition => {
                    (0..rows).map(|r| group.iter().map(|&p| process(r, p)).collect()).collect()
                }
                Strategy::CrossReplicaAndPartition => {
                    vec![(0..columns).flat_map(|p| group.iter().map(move |&r| process(r, p))).collect()]
                }
                Strategy::FlattenedIds => {
                    vec![group.iter().map(|&id| process(id / columns, id % columns)).collect()]
                }
            }
        };
        Ok(groups.iter().flat_map(each).collect())
    }
}

/// Meets the other processes of this one's group and returns what each of them brought, in the group's order; `None` if this process is
/// in no group.
fn exchange(
    cx: &EvalContext<'_, '_>,
    op: &str,
    site: usize,
    strategy: Strategy,
    groups: &[Vec<i64>],
) -> Result<Option<(usize, Vec<Vec<Datum>>)>> {
    let grid = cx.evaluator.grid();
    let me = cx.evaluator.process();
    let groups = strategy.process_groups(op, groups, grid)?;
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
    groups: &[Vec<i64>],
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

fn set_channel(out: &mut Attributes, channel: Option<ChannelHandle>) {
    if let Some(channel) = channel {
        out.set("channel_handle", channel.attribute());
    }
}

fn all_tensors<'a>(op: &str, cx: &Context<'a>) -> Result<Vec<&'a TensorType>> {
    if cx.operands.is_empty() {
        return Err(Error::verify(format!("{op}: there must be at least one operand")));
    }
    (0..cx.operands.len()).map(|i| cx.tensor(op, i)).collect()
}

impl OpDef for AllReduce {
    const NAMES: &'static [&'static str] = &["stablehlo.all_reduce"];

    fn name(&self) -> &'static str {
        "stablehlo.all_reduce"
    }

    fn attributes(&self) -> Attributes {
        let mut out = Attributes::new();
        set_channel(&mut out, self.channel_handle);
        out.set("replica_groups", self.replica_groups.attribute());
        if self.use_global_device_ids {
            out.set("use_global_device_ids", Attribute::Unit);
        }
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let op = "all_reduce";
        Ok(AllReduce {
            replica_groups: ReplicaGroups::take(op, attributes)?,
            channel_handle: ChannelHandle::take(op, attributes)?,
            use_global_device_ids: take_bool(op, attributes, "use_global_device_ids")?.unwrap_or(false),
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Vec<Type>>> {
        let op = "all_reduce";
        let operands = all_tensors(op, cx)?;
        self.replica_groups.check(op, "all_reduce_c1", "all_reduce_c3")?;
        check_global("all_reduce_c4", op, self.channel_handle, self.use_global_device_ids)?;
        let element = check_reducer("all_reduce_c5", op, cx, 0, &[operands[0].element])?[0];
        for operand in &operands[1..] {
            check_scalar_region("all_reduce_c5", op, cx, 0, &[element, element], &[element])?;
            if !super::fields::is_promotable(operand.element, element) {
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
        let groups = self.replica_groups.resolve(cx.evaluator.module)?;
        let (_, members) = exchange_all(cx, op, site(self), strategy, &groups)?;
        (0..cx.operands.len())
            .map(|i| {
                let element = cx.result(op, i)?.element;
                Ok(reduce_members(cx.evaluator, &cx.regions[0], &members, i, element)?.into())
            })
            .collect()
    }
}

impl OpDef for AllGather {
    const NAMES: &'static [&'static str] = &["stablehlo.all_gather"];

    fn name(&self) -> &'static str {
        "stablehlo.all_gather"
    }

    fn attributes(&self) -> Attributes {
        let mut out = Attributes::new();
        out.set("all_gather_dim", int(self.all_gather_dim));
        set_channel(&mut out, self.channel_handle);
        out.set("replica_groups", self.replica_groups.attribute());
        if self.use_global_device_ids {
            out.set("use_global_device_ids", Attribute::Unit);
        }
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let op = "all_gather";
        Ok(AllGather {
            all_gather_dim: need_int(op, attributes, "all_gather_dim")?,
            replica_groups: ReplicaGroups::take(op, attributes)?,
            channel_handle: ChannelHandle::take(op, attributes)?,
            use_global_device_ids: take_bool(op, attributes, "use_global_device_ids")?.unwrap_or(false),
        })
    }

    /// The result's size is a multiple of the operand's that depends on the grid, so it is not inferred.
    fn infer(&self, cx: &Context<'_>) -> Result<Option<Vec<Type>>> {
        let op = "all_gather";
        for operand in all_tensors(op, cx)? {
            check_dim("all_gather_c1", op, "all_gather_dim", self.all_gather_dim, operand)?;
        }
        self.replica_groups.check(op, "all_gather_c2", "all_gather_c4")?;
        check_global("all_gather_c5", op, self.channel_handle, self.use_global_device_ids)?;
        Ok(None)
    }

    fn verify(&self, cx: &Context<'_>, results: &[Type]) -> Result<()> {
        let op = "all_gather";
        let operands = all_tensors(op, cx)?;
        if operands.len() != results.len() {
            let (n, m) = (operands.len(), results.len());
            return Err(Error::constraint("all_gather_c6", format!("{op}: {n} operands but {m} results")));
        }
        let exact = match Strategy::of_reduction(self.channel_handle, self.use_global_device_ids) {
            Strategy::CrossReplicaAndPartition => None,
            _ => self.replica_groups.listed_size(),
        };
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
        let groups = self.replica_groups.resolve(cx.evaluator.module)?;
        let (_, members) = exchange_all(cx, op, site(self), strategy, &groups)?;
        (0..cx.operands.len())
            .map(|i| {
                let parts = members.iter().map(|m| m[i].literal().cloned()).collect::<Result<Vec<_>>>()?;
                Ok(concatenate(&parts, self.all_gather_dim as usize)?.into())
            })
            .collect()
    }
}

/// Whether two shapes agree but for dimension `d`, where `fits` must hold of the sizes unless one is dynamic.
fn scaled(from: &[i64], to: &[i64], d: usize, fits: impl Fn(i64, i64) -> bool) -> bool {
    from.len() == to.len()
        && from.iter().zip(to).enumerate().all(|(i, (&n, &m))| match i == d {
            true => n == DYNAMIC || m == DYNAMIC || fits(n, m),
            false => sizes_agree(n, m),
        })
}

impl OpDef for AllToAll {
    const NAMES: &'static [&'static str] = &["stablehlo.all_to_all"];

    fn name(&self) -> &'static str {
        "stablehlo.all_to_all"
    }

    fn attributes(&self) -> Attributes {
        let mut out = Attributes::new();
        set_channel(&mut out, self.channel_handle);
        out.set("concat_dimension", int(self.concat_dimension));
        out.set("replica_groups", self.replica_groups.attribute());
        out.set("split_count", int(self.split_count));
        out.set("split_dimension", int(self.split_dimension));
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let op = "all_to_all";
        Ok(AllToAll {
            split_dimension: need_int(op, attributes, "split_dimension")?,
            concat_dimension: need_int(op, attributes, "concat_dimension")?,
            split_count: need_int(op, attributes, "split_count")?,
            replica_groups: ReplicaGroups::take(op, attributes)?,
            channel_handle: ChannelHandle::take(op, attributes)?,
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Vec<Type>>> {
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
        let results = all_tensors(op, cx)?.into_iter().map(|operand| {
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
        let groups = self.replica_groups.resolve(cx.evaluator.module)?;
        let strategy = Strategy::of_exchange(self.channel_handle);
        let (position, members) = exchange_all(cx, op, site(self), strategy, &groups)?;
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
    const NAMES: &'static [&'static str] = &["stablehlo.reduce_scatter"];

    fn name(&self) -> &'static str {
        "stablehlo.reduce_scatter"
    }

    fn attributes(&self) -> Attributes {
        let mut out = Attributes::new();
        set_channel(&mut out, self.channel_handle);
        out.set("replica_groups", self.replica_groups.attribute());
        out.set("scatter_dimension", int(self.scatter_dimension));
        if self.use_global_device_ids {
            out.set("use_global_device_ids", Attribute::Unit);
        }
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let op = "reduce_scatter";
        Ok(ReduceScatter {
            scatter_dimension: need_int(op, attributes, "scatter_dimension")?,
            replica_groups: ReplicaGroups::take(op, attributes)?,
            channel_handle: ChannelHandle::take(op, attributes)?,
            use_global_device_ids: take_bool(op, attributes, "use_global_device_ids")?.unwrap_or(false),
        })
    }

    /// The result's size is a part of the operand's that depends on the grid, so it is not inferred.
    fn infer(&self, cx: &Context<'_>) -> Result<Option<Vec<Type>>> {
        let op = "reduce_scatter";
        let operand = cx.tensor(op, 0)?;
        super::fields::check_operand_count(op, cx, 1)?;
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
        let exact = match Strategy::of_reduction(self.channel_handle, self.use_global_device_ids) {
            Strategy::CrossReplicaAndPartition => None,
            _ => self.replica_groups.listed_size(),
        };
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
        let groups = self.replica_groups.resolve(cx.evaluator.module)?;
        let (position, members) = exchange_all(cx, op, site(self), strategy, &groups)?;
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
    const NAMES: &'static [&'static str] = &["stablehlo.collective_permute"];

    fn name(&self) -> &'static str {
        "stablehlo.collective_permute"
    }

    fn attributes(&self) -> Attributes {
        let mut out = Attributes::new();
        set_channel(&mut out, self.channel_handle);
        out.set("source_target_pairs", super::fields::padding(&self.source_target_pairs));
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let op = "collective_permute";
        Ok(CollectivePermute {
            source_target_pairs: take_pairs(op, attributes, "source_target_pairs")
                .map_err(|_| {
                    let wanted = "source_target_pairs must be an n×2 tensor of i64";
                    Error::constraint("collective_permute_c1", format!("{op}: {wanted}"))
                })?
                .ok_or_else(|| missing(op, "source_target_pairs"))?,
            channel_handle: ChannelHandle::take(op, attributes)?,
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Vec<Type>>> {
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
        Ok(Some(all_tensors(op, cx)?.into_iter().map(|ty| ty.clone().into()).collect()))
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
        let (_, members) = exchange_all(cx, op, site(self), strategy, &[(0..all).collect()])?;
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
    const NAMES: &'static [&'static str] = &["stablehlo.collective_broadcast"];

    fn name(&self) -> &'static str {
        "stablehlo.collective_broadcast"
    }

    fn attributes(&self) -> Attributes {
        let mut out = Attributes::new();
        set_channel(&mut out, self.channel_handle);
        if self.has_dynamic_root {
            out.set("has_dynamic_root", Attribute::Bool(true));
        }
        out.set("replica_groups", self.replica_groups.attribute());
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let op = "collective_broadcast";
        Ok(CollectiveBroadcast {
            replica_groups: ReplicaGroups::take(op, attributes)?,
            channel_handle: ChannelHandle::take(op, attributes)?,
            has_dynamic_root: take_bool(op, attributes, "has_dynamic_root")?.unwrap_or(false),
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Vec<Type>>> {
        let op = "collective_broadcast";
        let mut operands = all_tensors(op, cx)?;
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
        let groups = self.replica_groups.resolve(cx.evaluator.module)?;
        let strategy = Strategy::of_exchange(self.channel_handle);
        let count = cx.results.len();
        let Some((_, members)) = exchange(cx, op, site(self), strategy, &groups)? else {
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
    ($ty:ident, $name:literal, $field:ident) => {
        impl OpDef for $ty {
            const NAMES: &'static [&'static str] = &[concat!("stablehlo.", $name)];

            fn name(&self) -> &'static str {
                concat!("stablehlo.", $name)
            }

            fn attributes(&self) -> Attributes {
                Attributes::new()
            }

            fn from_attributes(_: &str, _: &mut Attributes) -> Result<Self> {
                Ok($ty)
            }

            fn infer(&self, cx: &Context<'_>) -> Result<Option<Vec<Type>>> {
                super::fields::check_operand_count($name, cx, 0)?;
                Ok(Some(vec![TensorType::scalar(ElementType::UI32).into()]))
            }

            fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
                Ok(vec![Literal::scalar(cx.evaluator.process().$field).into()])
            }
        }
    };
}

process_id!(PartitionId, "partition_id", partition);
process_id!(ReplicaId, "replica_id", replica);

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(name: &str, sub_axis: Option<(i64, i64)>) -> AxisRef {
        AxisRef { name: name.into(), sub_axis }
    }

    #[test]
    fn strategies_group_as_the_specification_says() {
        let grid = Grid::new(4, 2);
        let ids = |strategy: Strategy, groups: &[Vec<i64>]| -> Vec<Vec<(u32, u32)>> {
            let groups = strategy.process_groups("test", groups, &grid).unwrap();
            groups.iter().map(|g| g.iter().map(|p| (p.replica, p.partition)).collect()).collect()
        };
        assert_eq!(
            ids(Strategy::CrossReplica, &[vec![0, 1], vec![2, 3]]),
            [[(0, 0), (1, 0)], [(0, 1), (1, 1)], [(2, 0), (3, 0)], [(2, 1), (3, 1)]]
        );
        assert_eq!(
            ids(Strategy::CrossPartition, &[vec![0, 1]]),
            [[(0, 0), (0, 1)], [(1, 0), (1, 1)], [(2, 0), (2, 1)], [(3, 0), (3, 1)]]
        );
        assert_eq!(
            ids(Strategy::CrossReplicaAndPartition, &[vec![0, 1], vec![2, 3]]),
            [[(0, 0), (1, 0), (0, 1), (1, 1)], [(2, 0), (3, 0), (2, 1), (3, 1)]]
        );
        assert_eq!(
            ids(Strategy::FlattenedIds, &[vec![0, 1, 2, 3], vec![4, 5, 6, 7]]),
            [[(0, 0), (0, 1), (1, 0), (1, 1)], [(2, 0), (2, 1), (3, 0), (3, 1)]]
        );
        assert!(Strategy::CrossReplica.process_groups("test", &[vec![4]], &grid).is_err());
    }

    #[test]
    fn groups_follow_the_axes_of_a_mesh() {
        let mesh = Mesh::parse("sdy.mesh @mesh = <[\"x\"=2, \"y\"=4]>", "mesh").unwrap();
        assert_eq!(mesh.groups(&[axis("x", None)]).unwrap(), [[0, 4], [1, 5], [2, 6], [3, 7]]);
        assert_eq!(mesh.groups(&[axis("y", Some((1, 2)))]).unwrap(), [[0, 2], [1, 3], [4, 6], [5, 7]]);
        assert_eq!(
            mesh.groups(&[axis("y", Some((2, 2))), axis("x", None)]).unwrap(),
            [[0, 4, 1, 5], [2, 6, 3, 7]]
        );
        assert!(mesh.groups(&[axis("z", None)]).is_err());
        let permuted = Mesh::parse("sdy.mesh @m = <[\"x\"=2], device_ids=[1, 0]>", "m").unwrap();
        assert_eq!(permuted.groups(&[axis("x", None)]).unwrap(), [[1, 0]]);
        assert_eq!(Mesh::parse("sdy.mesh @other = <[\"x\"=2]>", "m"), None);
    }

    #[test]
    fn attributes_round_trip() {
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
