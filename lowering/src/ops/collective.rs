//! Operations across replicas and partitions.

/// Groups of process ids, one row each.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct ReplicaGroups {
    /// Ids of each group, padded with −1.
    pub groups: Vec<Vec<i64>>,
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
    /// Groups of process ids; rows are padded with −1.
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
    /// Groups of process ids; rows are padded with −1.
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
    /// Groups of process ids; rows are padded with −1.
    pub replica_groups: ReplicaGroups,
    /// Channel `(handle, type)`; `None` or handle 0 means none.
    pub channel_handle: Option<ChannelHandle>,
}

/// `stablehlo.reduce_scatter(operand)` with a region.
#[derive(Clone, PartialEq, Debug)]
pub struct ReduceScatter {
    /// The dimension that is scattered.
    pub scatter_dimension: i64,
    /// Groups of process ids; rows are padded with −1.
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
    /// Groups of process ids; rows are padded with −1.
    pub replica_groups: ReplicaGroups,
    /// Channel `(handle, type)`; `None` or handle 0 means none.
    pub channel_handle: Option<ChannelHandle>,
}

/// `stablehlo.partition_id`.
#[derive(Clone, PartialEq, Debug)]
pub struct PartitionId;

/// `stablehlo.replica_id`.
#[derive(Clone, PartialEq, Debug)]
pub struct ReplicaId;

super::scaffold!(AllReduce "stablehlo.all_reduce", AllGather "stablehlo.all_gather", AllToAll "stablehlo.all_to_all", ReduceScatter "stablehlo.reduce_scatter", CollectivePermute "stablehlo.collective_permute", CollectiveBroadcast "stablehlo.collective_broadcast", PartitionId "stablehlo.partition_id", ReplicaId "stablehlo.replica_id");
