//! Who takes part in a collective: groups of ids, the axes of a mesh along which they lie, channels, and how ids become
//! processes.

use crate::attribute::{Attribute, Attributes};
use crate::eval::index::{self, Indices};
use crate::eval::{Grid, Process};
use crate::{Error, Literal, Module, Result};

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
    pub(super) fn listed_size(&self) -> Option<i64> {
        match (&self.mesh_axes, self.groups.first()) {
            (None, Some(first)) => Some(first.len() as i64),
            _ => None,
        }
    }

    pub(super) fn attribute(&self) -> Attribute {
        let Some(axes) = &self.mesh_axes else {
            let columns = self.groups.iter().map(Vec::len).max().unwrap_or(0);
            let padded = |group: &Vec<i64>| -> Vec<i64> {
                group.iter().copied().chain(std::iter::repeat(-1)).take(columns).collect()
            };
            let values: Vec<i64> = self.groups.iter().flat_map(padded).collect();
            return Attribute::matrix(self.groups.len(), columns, &values);
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
                        vec![("name", Attribute::String(name.clone())), ("size", Attribute::int(*size))],
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

    pub(super) fn take(op: &str, attributes: &mut Attributes) -> Result<Self> {
        let form = "a matrix of i64, or the axes of a mesh";
        attributes.take_as(op, "replica_groups", form, |attribute| match attribute {
            Attribute::Dense(literal) => {
                let [_, columns] = literal.ty().shape[..] else { return None };
                let ids = index::ints(literal).ok()?;
                Some(Self::listed(ids.chunks(columns.max(1) as usize).map(<[i64]>::to_vec).collect()))
            }
            Attribute::Struct(_, fields) => {
                let mesh = match fields.get("mesh")? {
                    Attribute::Symbol(name) => MeshRef::Symbol(name.clone()),
                    Attribute::Struct(_, fields) => MeshRef::Inline(Mesh::from_fields(fields)?),
                    _ => return None,
                };
                let Attribute::Array(axes) = fields.get("axes")? else { return None };
                let axes = axes.iter().map(AxisRef::from_attribute).collect::<Option<_>>()?;
                Some(ReplicaGroups { groups: Vec::new(), mesh_axes: Some(MeshAxes { mesh, axes }) })
            }
            _ => None,
        })
    }

    /// The constraints that do not depend on the size of the grid: ids are listed once, and from 0 on without a gap.
    pub(super) fn check(&self, op: &str, unique: &'static str, range: &'static str) -> Result<()> {
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
    fn from_attribute(attribute: &Attribute) -> Option<Self> {
        let Attribute::Struct(_, fields) = attribute else { return None };
        let Attribute::String(name) = fields.get("name")? else { return None };
        let sub_axis = match fields.get("sub_axis_info") {
            None => None,
            Some(Attribute::Opaque(text) | Attribute::String(text)) => {
                let (pre, size) = text.trim().strip_prefix('(')?.split_once(')')?;
                Some((pre.trim().parse().ok()?, size.trim().parse().ok()?))
            }
            Some(_) => return None,
        };
        Some(AxisRef { name: name.clone(), sub_axis })
    }
}

impl Mesh {
    fn from_fields(fields: &Attributes) -> Option<Self> {
        let Attribute::Array(axes) = fields.get("axes")? else { return None };
        let axis = |attribute: &Attribute| {
            let Attribute::Struct(_, fields) = attribute else { return None };
            match (fields.get("name")?, fields.get("size")?) {
                (Attribute::String(name), Attribute::Int(size, _)) => Some((name.clone(), *size)),
                _ => None,
            }
        };
        let axes = axes.iter().map(axis).collect::<Option<_>>()?;
        let device_ids = match fields.get("device_ids") {
            None => Vec::new(),
            Some(Attribute::Dense(literal)) => index::ints(literal).ok()?,
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
    pub(super) fn attribute(self) -> Attribute {
        let fields = vec![
            ("handle".to_owned(), Attribute::int(self.handle)),
            ("type".to_owned(), Attribute::int(self.channel_type)),
        ];
        Attribute::Struct("channel_handle".to_owned(), Attributes(fields))
    }

    /// Takes `channel_handle`.
    pub(super) fn take(op: &str, attributes: &mut Attributes) -> Result<Self> {
        let mut fields = attributes.take_struct(op, "channel_handle")?;
        let handle = fields.take_int(op, "handle")?;
        Ok(ChannelHandle { handle, channel_type: fields.take_optional_int(op, "type")?.unwrap_or(0) })
    }

    /// Takes `channel_handle`, if there is one.
    pub(super) fn take_optional(op: &str, attributes: &mut Attributes) -> Result<Option<Self>> {
        match attributes.get("channel_handle") {
            None => Ok(None),
            Some(_) => Self::take(op, attributes).map(Some),
        }
    }
}

/// How ids become processes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Strategy {
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
    pub(super) fn of_reduction(channel: Option<ChannelHandle>, use_global_device_ids: bool) -> Strategy {
        match (channel.is_some_and(|c| c.handle > 0), use_global_device_ids) {
            (true, true) => Strategy::FlattenedIds,
            (true, false) => Strategy::CrossReplicaAndPartition,
            (false, _) => Strategy::CrossReplica,
        }
    }

    /// For the others.
    pub(super) fn of_exchange(channel: Option<ChannelHandle>) -> Strategy {
        match channel.is_some_and(|c| c.handle > 0) {
            true => Strategy::CrossPartition,
            false => Strategy::CrossReplica,
        }
    }

    /// How many processes a group has, where the text alone says it.
    pub(super) fn group_size(self, groups: &ReplicaGroups) -> Option<i64> {
        match self {
            Strategy::CrossReplicaAndPartition => None,
            _ => groups.listed_size(),
        }
    }

    /// The processes of every group of ids; an empty list of groups is one of all ids.
    pub(super) fn process_groups(
        self,
        op: &str,
        groups: &[Vec<i64>],
        grid: &Grid,
    ) -> Result<Vec<Vec<Process>>> {
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
}
