//! The messages that instructions are made of, with the field numbers of XLA's `xla_data.proto`.

use std::collections::BTreeMap;

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Shape {
    #[prost(int32, tag = "2")]
    pub(super) element_type: i32,
    #[prost(int64, repeated, tag = "3")]
    pub(super) dimensions: Vec<i64>,
    #[prost(message, repeated, tag = "4")]
    pub(super) tuple_shapes: Vec<Shape>,
    #[prost(message, optional, boxed, tag = "5")]
    pub(super) layout: Option<Box<Layout>>,
    #[prost(bool, repeated, tag = "6")]
    pub(super) dynamic: Vec<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Layout {
    #[prost(int64, repeated, tag = "1")]
    pub(super) minor_to_major: Vec<i64>,
    #[prost(message, repeated, tag = "6")]
    pub(super) tiles: Vec<Tile>,
    #[prost(int64, tag = "7")]
    pub(super) element_size_in_bits: i64,
    #[prost(int64, tag = "8")]
    pub(super) memory_space: i64,
    #[prost(message, optional, boxed, tag = "10")]
    pub(super) physical_shape: Option<Box<Shape>>,
    #[prost(int32, tag = "11")]
    pub(super) index_type: i32,
    #[prost(int32, tag = "12")]
    pub(super) pointer_type: i32,
    #[prost(int64, tag = "15")]
    pub(super) metadata_prefix_bytes: i64,
    #[prost(int64, tag = "16")]
    pub(super) tail_padding: i64,
    #[prost(message, repeated, tag = "17")]
    pub(super) splits: Vec<Split>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Tile {
    #[prost(int64, repeated, tag = "1")]
    pub(super) dimensions: Vec<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Split {
    #[prost(int64, tag = "1")]
    pub(super) dimension: i64,
    #[prost(int64, repeated, tag = "2")]
    pub(super) indices: Vec<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ProgramShape {
    #[prost(message, repeated, tag = "1")]
    pub(super) parameters: Vec<Shape>,
    #[prost(message, optional, tag = "2")]
    pub(super) result: Option<Shape>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Literal {
    #[prost(message, optional, tag = "1")]
    pub(super) shape: Option<Shape>,
    #[prost(bool, repeated, tag = "2")]
    pub(super) preds: Vec<bool>,
    #[prost(bytes = "vec", tag = "3")]
    pub(super) u8s: Vec<u8>,
    #[prost(int32, repeated, tag = "4")]
    pub(super) s32s: Vec<i32>,
    #[prost(int64, repeated, tag = "5")]
    pub(super) s64s: Vec<i64>,
    #[prost(uint32, repeated, tag = "6")]
    pub(super) u32s: Vec<u32>,
    #[prost(uint64, repeated, tag = "7")]
    pub(super) u64s: Vec<u64>,
    #[prost(float, repeated, tag = "8")]
    pub(super) f32s: Vec<f32>,
    #[prost(double, repeated, tag = "9")]
    pub(super) f64s: Vec<f64>,
    #[prost(bytes = "vec", tag = "11")]
    pub(super) f16s: Vec<u8>,
    #[prost(float, repeated, tag = "12")]
    pub(super) c64s: Vec<f32>,
    #[prost(bytes = "vec", tag = "13")]
    pub(super) bf16s: Vec<u8>,
    #[prost(bytes = "vec", tag = "15")]
    pub(super) s8s: Vec<u8>,
    #[prost(bytes = "vec", tag = "16")]
    pub(super) u16s: Vec<u8>,
    #[prost(bytes = "vec", tag = "17")]
    pub(super) s16s: Vec<u8>,
    #[prost(double, repeated, tag = "18")]
    pub(super) c128s: Vec<f64>,
    #[prost(bytes = "vec", tag = "19")]
    pub(super) f8e5m2s: Vec<u8>,
    #[prost(bytes = "vec", tag = "20")]
    pub(super) f8e4m3fns: Vec<u8>,
    #[prost(bytes = "vec", tag = "21")]
    pub(super) s4s: Vec<u8>,
    #[prost(bytes = "vec", tag = "22")]
    pub(super) u4s: Vec<u8>,
    #[prost(bytes = "vec", tag = "23")]
    pub(super) f8e4m3b11fnuzs: Vec<u8>,
    #[prost(bytes = "vec", tag = "24")]
    pub(super) f8e5m2fnuzs: Vec<u8>,
    #[prost(bytes = "vec", tag = "25")]
    pub(super) f8e4m3fnuzs: Vec<u8>,
    #[prost(bytes = "vec", tag = "26")]
    pub(super) s2s: Vec<u8>,
    #[prost(bytes = "vec", tag = "27")]
    pub(super) u2s: Vec<u8>,
    #[prost(bytes = "vec", tag = "28")]
    pub(super) f8e4m3s: Vec<u8>,
    #[prost(bytes = "vec", tag = "29")]
    pub(super) f8e3m4s: Vec<u8>,
    #[prost(bytes = "vec", tag = "32")]
    pub(super) f4e2m1fns: Vec<u8>,
    #[prost(bytes = "vec", tag = "33")]
    pub(super) f8e8m0fnus: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Window {
    #[prost(message, repeated, tag = "1")]
    pub(super) dimensions: Vec<WindowDimension>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct WindowDimension {
    #[prost(int64, tag = "1")]
    pub(super) size: i64,
    #[prost(int64, tag = "2")]
    pub(super) stride: i64,
    #[prost(int64, tag = "3")]
    pub(super) padding_low: i64,
    #[prost(int64, tag = "4")]
    pub(super) padding_high: i64,
    #[prost(int64, tag = "5")]
    pub(super) window_dilation: i64,
    #[prost(int64, tag = "6")]
    pub(super) base_dilation: i64,
    #[prost(bool, tag = "7")]
    pub(super) reversal: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SliceDimension {
    #[prost(int64, tag = "1")]
    pub(super) start: i64,
    #[prost(int64, tag = "2")]
    pub(super) limit: i64,
    #[prost(int64, tag = "3")]
    pub(super) stride: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Padding {
    #[prost(message, repeated, tag = "1")]
    pub(super) dimensions: Vec<PaddingDimension>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PaddingDimension {
    #[prost(int64, tag = "1")]
    pub(super) low: i64,
    #[prost(int64, tag = "2")]
    pub(super) high: i64,
    #[prost(int64, tag = "3")]
    pub(super) interior: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ConvolutionDimensions {
    #[prost(int64, tag = "3")]
    pub(super) kernel_input_feature: i64,
    #[prost(int64, tag = "4")]
    pub(super) kernel_output_feature: i64,
    #[prost(int64, repeated, tag = "6")]
    pub(super) kernel_spatial: Vec<i64>,
    #[prost(int64, tag = "7")]
    pub(super) input_batch: i64,
    #[prost(int64, tag = "8")]
    pub(super) input_feature: i64,
    #[prost(int64, tag = "9")]
    pub(super) output_batch: i64,
    #[prost(int64, tag = "10")]
    pub(super) output_feature: i64,
    #[prost(int64, repeated, tag = "11")]
    pub(super) input_spatial: Vec<i64>,
    #[prost(int64, repeated, tag = "12")]
    pub(super) output_spatial: Vec<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DotDimensions {
    #[prost(int64, repeated, tag = "1")]
    pub(super) lhs_contracting: Vec<i64>,
    #[prost(int64, repeated, tag = "2")]
    pub(super) rhs_contracting: Vec<i64>,
    #[prost(int64, repeated, tag = "3")]
    pub(super) lhs_batch: Vec<i64>,
    #[prost(int64, repeated, tag = "4")]
    pub(super) rhs_batch: Vec<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RaggedDotDimensions {
    #[prost(message, optional, tag = "1")]
    pub(super) dot: Option<DotDimensions>,
    #[prost(int64, repeated, tag = "2")]
    pub(super) lhs_ragged: Vec<i64>,
    #[prost(int64, repeated, tag = "3")]
    pub(super) rhs_group: Vec<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct GatherDimensions {
    #[prost(int64, repeated, tag = "1")]
    pub(super) offset: Vec<i64>,
    #[prost(int64, repeated, tag = "2")]
    pub(super) collapsed_slice: Vec<i64>,
    #[prost(int64, repeated, tag = "3")]
    pub(super) start_index_map: Vec<i64>,
    #[prost(int64, tag = "4")]
    pub(super) index_vector: i64,
    #[prost(int64, repeated, tag = "5")]
    pub(super) operand_batching: Vec<i64>,
    #[prost(int64, repeated, tag = "6")]
    pub(super) indices_batching: Vec<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ScatterDimensions {
    #[prost(int64, repeated, tag = "1")]
    pub(super) update_window: Vec<i64>,
    #[prost(int64, repeated, tag = "2")]
    pub(super) inserted_window: Vec<i64>,
    #[prost(int64, repeated, tag = "3")]
    pub(super) to_operand: Vec<i64>,
    #[prost(int64, tag = "4")]
    pub(super) index_vector: i64,
    #[prost(int64, repeated, tag = "5")]
    pub(super) input_batching: Vec<i64>,
    #[prost(int64, repeated, tag = "6")]
    pub(super) indices_batching: Vec<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TriangularSolve {
    #[prost(bool, tag = "1")]
    pub(super) left_side: bool,
    #[prost(bool, tag = "2")]
    pub(super) lower: bool,
    #[prost(bool, tag = "3")]
    pub(super) unit_diagonal: bool,
    #[prost(int32, tag = "4")]
    pub(super) transpose_a: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Cholesky {
    #[prost(bool, tag = "1")]
    pub(super) lower: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Precision {
    #[prost(int32, repeated, tag = "1")]
    pub(super) operands: Vec<i32>,
    #[prost(int32, tag = "2")]
    pub(super) algorithm: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct FrontendAttributes {
    #[prost(btree_map = "string, bytes", tag = "1")]
    pub(super) map: BTreeMap<String, Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Metadata {
    #[prost(string, tag = "1")]
    pub(super) op_type: String,
    #[prost(string, tag = "2")]
    pub(super) op_name: String,
    #[prost(string, tag = "3")]
    pub(super) source_file: String,
    #[prost(int32, tag = "4")]
    pub(super) source_line: i32,
    #[prost(int32, repeated, tag = "5")]
    pub(super) profile_type: Vec<i32>,
    #[prost(string, tag = "12")]
    pub(super) deduplicated_name: String,
    #[prost(int32, tag = "15")]
    pub(super) stack_frame_id: i32,
    #[prost(string, tag = "16")]
    pub(super) scheduling_name: String,
    #[prost(int32, tag = "17")]
    pub(super) source_end_line: i32,
    #[prost(int32, tag = "18")]
    pub(super) source_column: i32,
    #[prost(int32, tag = "19")]
    pub(super) source_end_column: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Payload {
    #[prost(oneof = "payload::Payload", tags = "1, 2")]
    pub(super) payload: Option<payload::Payload>,
}

pub(super) mod payload {
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(in super::super) enum Payload {
        #[prost(bytes, tag = "1")]
        Value(Vec<u8>),
        /// Where among the module's payloads.
        #[prost(int64, tag = "2")]
        Id(i64),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Sharding {
    #[prost(int32, tag = "1")]
    pub(super) kind: i32,
    #[prost(int64, repeated, tag = "3")]
    pub(super) dimensions: Vec<i64>,
    #[prost(int64, repeated, tag = "4")]
    pub(super) devices: Vec<i64>,
    #[prost(message, repeated, tag = "5")]
    pub(super) tuple: Vec<Sharding>,
    #[prost(bool, tag = "6")]
    pub(super) replicate_on_last: bool,
    #[prost(message, repeated, tag = "7")]
    pub(super) metadata: Vec<Metadata>,
    #[prost(int32, repeated, tag = "8")]
    pub(super) last_tile_dims: Vec<i32>,
    #[prost(int64, repeated, tag = "9")]
    pub(super) iota_reshape: Vec<i64>,
    #[prost(int32, repeated, tag = "10")]
    pub(super) iota_transpose: Vec<i32>,
    #[prost(bool, tag = "11")]
    pub(super) is_shard_group: bool,
    #[prost(int64, tag = "12")]
    pub(super) shard_group_id: i64,
    #[prost(int32, tag = "13")]
    pub(super) shard_group_type: i32,
    #[prost(message, optional, tag = "14")]
    pub(super) named: Option<NamedSharding>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct NamedSharding {
    #[prost(message, optional, tag = "2")]
    pub(super) mesh: Option<Mesh>,
    #[prost(message, repeated, tag = "3")]
    pub(super) dimensions: Vec<DimensionSharding>,
    #[prost(message, repeated, tag = "4")]
    pub(super) replicated: Vec<AxisRef>,
    #[prost(message, repeated, tag = "5")]
    pub(super) unreduced: Vec<AxisRef>,
    #[prost(message, repeated, tag = "6")]
    pub(super) metadata: Vec<Metadata>,
    #[prost(message, repeated, tag = "7")]
    pub(super) manual: Vec<AxisRef>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DimensionSharding {
    #[prost(message, repeated, tag = "1")]
    pub(super) axes: Vec<AxisRef>,
    #[prost(bool, tag = "2")]
    pub(super) is_closed: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct AxisRef {
    #[prost(int64, tag = "1")]
    pub(super) axis: i64,
    #[prost(message, optional, tag = "2")]
    pub(super) part: Option<SubAxis>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SubAxis {
    #[prost(int64, tag = "1")]
    pub(super) pre_size: i64,
    #[prost(int64, tag = "2")]
    pub(super) size: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Mesh {
    #[prost(message, repeated, tag = "1")]
    pub(super) axes: Vec<MeshAxis>,
    #[prost(int64, repeated, tag = "2")]
    pub(super) device_ids: Vec<i64>,
    #[prost(message, optional, tag = "3")]
    pub(super) iota: Option<IotaTransform>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MeshAxis {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(int64, tag = "2")]
    pub(super) size: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct IotaTransform {
    #[prost(int64, repeated, tag = "1")]
    pub(super) reshape: Vec<i64>,
    #[prost(int64, repeated, tag = "2")]
    pub(super) transpose: Vec<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ReplicaGroup {
    #[prost(int64, repeated, tag = "1")]
    pub(super) ids: Vec<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct DeviceList {
    #[prost(message, repeated, tag = "1")]
    pub(super) groups: Vec<ReplicaGroup>,
    /// Where releases before 2026 wrote it.
    #[prost(message, optional, tag = "2")]
    pub(super) iota: Option<IotaDevices>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct IotaDevices {
    #[prost(int64, tag = "1")]
    pub(super) groups: i64,
    #[prost(int64, tag = "2")]
    pub(super) devices_per_group: i64,
    #[prost(int64, repeated, tag = "3")]
    pub(super) reshape: Vec<i64>,
    #[prost(int32, repeated, tag = "4")]
    pub(super) transpose: Vec<i32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MeshDevices {
    #[prost(message, optional, tag = "1")]
    pub(super) mesh: Option<Mesh>,
    #[prost(message, repeated, tag = "2")]
    pub(super) axes: Vec<AxisRef>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct SourceTarget {
    #[prost(int64, tag = "1")]
    pub(super) source: i64,
    #[prost(int64, tag = "2")]
    pub(super) target: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ParameterReplication {
    #[prost(bool, repeated, tag = "1")]
    pub(super) leaves: Vec<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct OperandAlias {
    #[prost(int64, repeated, tag = "1")]
    pub(super) output: Vec<i64>,
    #[prost(int64, tag = "2")]
    pub(super) operand: i64,
    #[prost(int64, repeated, tag = "3")]
    pub(super) operand_index: Vec<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Statistics {
    #[prost(int64, tag = "1")]
    pub(super) visualized: i64,
    #[prost(message, repeated, tag = "2")]
    pub(super) statistics: Vec<Statistic>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Statistic {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(double, tag = "2")]
    pub(super) value: f64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ResultAccuracy {
    #[prost(oneof = "accuracy::Accuracy", tags = "1, 2")]
    pub(super) accuracy: Option<accuracy::Accuracy>,
}

pub(super) mod accuracy {
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub(in super::super) enum Accuracy {
        #[prost(int32, tag = "1")]
        Mode(i32),
        #[prost(message, tag = "2")]
        Tolerance(super::Tolerance),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Tolerance {
    #[prost(double, tag = "1")]
    pub(super) absolute: f64,
    #[prost(double, tag = "2")]
    pub(super) relative: f64,
    #[prost(int64, tag = "3")]
    pub(super) units: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct OriginalValue {
    #[prost(message, repeated, tag = "1")]
    pub(super) elements: Vec<OriginalElement>,
    #[prost(bool, tag = "2")]
    pub(super) is_synthetic_call: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct OriginalElement {
    #[prost(int64, repeated, tag = "1")]
    pub(super) index: Vec<i64>,
    #[prost(message, optional, tag = "2")]
    pub(super) array: Option<OriginalArray>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct OriginalArray {
    #[prost(string, tag = "1")]
    pub(super) instruction: String,
    #[prost(int64, repeated, tag = "2")]
    pub(super) index: Vec<i64>,
}
