//! The messages of a module on the wire, with the field numbers of XLA's `hlo.proto` and `xla.proto`.

use std::collections::BTreeMap;

use super::data::*;

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ModuleWithConfig {
    #[prost(message, optional, tag = "1")]
    pub(super) module: Option<Module>,
    #[prost(message, optional, tag = "2")]
    pub(super) config: Option<Config>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Config {
    #[prost(message, optional, tag = "1")]
    pub(super) entry_layout: Option<ProgramShape>,
    #[prost(int64, tag = "4")]
    pub(super) replica_count: i64,
    #[prost(int64, tag = "5")]
    pub(super) num_partitions: i64,
    #[prost(bool, tag = "17")]
    pub(super) alias_passthrough_params: bool,
    #[prost(bool, repeated, tag = "33")]
    pub(super) propagate_to_parameters: Vec<bool>,
    #[prost(bool, repeated, tag = "27")]
    pub(super) propagate_to_output: Vec<bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Module {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(message, repeated, tag = "3")]
    pub(super) computations: Vec<Computation>,
    #[prost(message, optional, tag = "4")]
    pub(super) program_shape: Option<ProgramShape>,
    #[prost(int64, tag = "6")]
    pub(super) entry_id: i64,
    #[prost(message, optional, tag = "7")]
    pub(super) schedule: Option<Schedule>,
    #[prost(message, optional, tag = "8")]
    pub(super) input_output_alias: Option<Aliases>,
    #[prost(message, optional, tag = "17")]
    pub(super) frames: Option<Frames>,
    #[prost(message, optional, tag = "18")]
    pub(super) buffer_donor: Option<Donors>,
    #[prost(message, optional, tag = "19")]
    pub(super) frontend_attributes: Option<FrontendAttributes>,
    #[prost(bytes = "vec", repeated, tag = "22")]
    pub(super) payloads: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Computation {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(message, repeated, tag = "2")]
    pub(super) instructions: Vec<Instruction>,
    #[prost(int64, tag = "5")]
    pub(super) id: i64,
    #[prost(int64, tag = "6")]
    pub(super) root_id: i64,
    #[prost(string, tag = "8")]
    pub(super) execution_thread: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Schedule {
    #[prost(btree_map = "int64, message", tag = "1")]
    pub(super) sequences: BTreeMap<i64, Sequence>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Sequence {
    #[prost(int64, repeated, tag = "1")]
    pub(super) instruction_ids: Vec<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Aliases {
    #[prost(message, repeated, tag = "1")]
    pub(super) entries: Vec<Alias>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Alias {
    #[prost(int64, repeated, tag = "1")]
    pub(super) output: Vec<i64>,
    #[prost(int64, tag = "2")]
    pub(super) parameter: i64,
    #[prost(int64, repeated, tag = "3")]
    pub(super) parameter_index: Vec<i64>,
    #[prost(int32, tag = "4")]
    pub(super) kind: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Donors {
    #[prost(message, repeated, tag = "1")]
    pub(super) entries: Vec<Donor>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Donor {
    #[prost(int64, tag = "1")]
    pub(super) parameter: i64,
    #[prost(int64, repeated, tag = "2")]
    pub(super) parameter_index: Vec<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Frames {
    #[prost(string, repeated, tag = "1")]
    pub(super) files: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub(super) functions: Vec<String>,
    #[prost(message, repeated, tag = "3")]
    pub(super) locations: Vec<FileLocation>,
    #[prost(message, repeated, tag = "4")]
    pub(super) frames: Vec<Frame>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct FileLocation {
    #[prost(int32, tag = "1")]
    pub(super) file: i32,
    #[prost(int32, tag = "2")]
    pub(super) function: i32,
    #[prost(int32, tag = "3")]
    pub(super) line: i32,
    #[prost(int32, tag = "4")]
    pub(super) column: i32,
    #[prost(int32, tag = "5")]
    pub(super) end_line: i32,
    #[prost(int32, tag = "6")]
    pub(super) end_column: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Frame {
    #[prost(int32, tag = "1")]
    pub(super) location: i32,
    #[prost(int32, tag = "2")]
    pub(super) parent: i32,
}

/// One instruction: the fields of all opcodes side by side.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Instruction {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) opcode: String,
    #[prost(message, optional, tag = "3")]
    pub(super) shape: Option<Shape>,
    #[prost(message, optional, tag = "7")]
    pub(super) metadata: Option<Metadata>,
    #[prost(message, optional, tag = "8")]
    pub(super) literal: Option<Literal>,
    #[prost(int64, tag = "9")]
    pub(super) parameter_number: i64,
    #[prost(string, tag = "11")]
    pub(super) fusion_kind: String,
    #[prost(int64, tag = "13")]
    pub(super) tuple_index: i64,
    #[prost(int64, repeated, tag = "14")]
    pub(super) dimensions: Vec<i64>,
    #[prost(message, optional, tag = "15")]
    pub(super) window: Option<Window>,
    #[prost(message, optional, tag = "16")]
    pub(super) convolution: Option<ConvolutionDimensions>,
    #[prost(message, repeated, tag = "17")]
    pub(super) slice: Vec<SliceDimension>,
    #[prost(int32, tag = "18")]
    pub(super) exponent_bits: i32,
    #[prost(int32, tag = "19")]
    pub(super) mantissa_bits: i32,
    #[prost(int64, repeated, tag = "20")]
    pub(super) dynamic_slice_sizes: Vec<i64>,
    #[prost(message, optional, tag = "21")]
    pub(super) padding: Option<Padding>,
    #[prost(bytes = "vec", tag = "22")]
    pub(super) outfeed_config: Vec<u8>,
    #[prost(int32, tag = "23")]
    pub(super) distribution: i32,
    #[prost(float, tag = "24")]
    pub(super) epsilon: f32,
    #[prost(int64, tag = "25")]
    pub(super) feature_index: i64,
    #[prost(int64, tag = "26")]
    pub(super) channel_id: i64,
    #[prost(bytes = "vec", tag = "27")]
    pub(super) infeed_config: Vec<u8>,
    #[prost(bytes = "vec", tag = "28")]
    pub(super) custom_call_target: Vec<u8>,
    #[prost(message, optional, tag = "29")]
    pub(super) outfeed_shape: Option<Shape>,
    #[prost(message, optional, tag = "30")]
    pub(super) dot: Option<DotDimensions>,
    #[prost(int32, tag = "31")]
    pub(super) fft_type: i32,
    #[prost(int64, repeated, tag = "32")]
    pub(super) fft_length: Vec<i64>,
    #[prost(message, optional, tag = "33")]
    pub(super) gather: Option<GatherDimensions>,
    #[prost(int64, repeated, tag = "34")]
    pub(super) gather_slice_sizes: Vec<i64>,
    #[prost(int64, tag = "35")]
    pub(super) id: i64,
    #[prost(int64, repeated, tag = "36")]
    pub(super) operand_ids: Vec<i64>,
    #[prost(int64, repeated, tag = "37")]
    pub(super) control_predecessor_ids: Vec<i64>,
    #[prost(int64, repeated, tag = "38")]
    pub(super) called_ids: Vec<i64>,
    #[prost(message, optional, tag = "40")]
    pub(super) sharding: Option<Sharding>,
    #[prost(bytes = "vec", tag = "43")]
    pub(super) backend_config: Vec<u8>,
    #[prost(bool, tag = "47")]
    pub(super) is_host_transfer: bool,
    #[prost(message, optional, tag = "48")]
    pub(super) scatter: Option<ScatterDimensions>,
    #[prost(message, repeated, tag = "49")]
    pub(super) replica_groups: Vec<ReplicaGroup>,
    #[prost(int64, tag = "50")]
    pub(super) feature_group_count: i64,
    #[prost(message, optional, tag = "51")]
    pub(super) precision: Option<Precision>,
    #[prost(message, repeated, tag = "52")]
    pub(super) source_target_pairs: Vec<SourceTarget>,
    #[prost(message, optional, tag = "54")]
    pub(super) domain_entry: Option<Sharding>,
    #[prost(message, optional, tag = "55")]
    pub(super) domain_exit: Option<Sharding>,
    #[prost(bool, tag = "56")]
    pub(super) constrain_layout: bool,
    #[prost(message, repeated, tag = "57")]
    pub(super) operand_shapes: Vec<Shape>,
    #[prost(int64, tag = "58")]
    pub(super) batch_group_count: i64,
    #[prost(message, optional, tag = "59")]
    pub(super) triangular_solve: Option<TriangularSolve>,
    #[prost(bool, tag = "60")]
    pub(super) is_stable: bool,
    #[prost(message, optional, tag = "61")]
    pub(super) parameter_replication: Option<ParameterReplication>,
    #[prost(message, optional, tag = "62")]
    pub(super) cholesky: Option<Cholesky>,
    #[prost(string, tag = "63")]
    pub(super) comparison_direction: String,
    #[prost(bool, tag = "65")]
    pub(super) has_side_effect: bool,
    #[prost(int64, tag = "66")]
    pub(super) delta: i64,
    #[prost(bool, tag = "67")]
    pub(super) indices_are_sorted: bool,
    #[prost(message, optional, tag = "68")]
    pub(super) frontend_attributes: Option<FrontendAttributes>,
    #[prost(bool, tag = "69")]
    pub(super) unique_indices: bool,
    #[prost(int32, tag = "70")]
    pub(super) rng_algorithm: i32,
    #[prost(bool, tag = "71")]
    pub(super) use_global_device_ids: bool,
    #[prost(string, tag = "72")]
    pub(super) comparison_type: String,
    #[prost(message, repeated, tag = "74")]
    pub(super) output_operand_aliasing: Vec<OperandAlias>,
    #[prost(int32, tag = "75")]
    pub(super) padding_type: i32,
    #[prost(int32, tag = "76")]
    pub(super) custom_call_schedule: i32,
    #[prost(int32, tag = "77")]
    pub(super) api_version: i32,
    #[prost(string, tag = "79")]
    pub(super) async_thread: String,
    #[prost(int32, optional, tag = "80")]
    pub(super) prefetch_index: Option<i32>,
    #[prost(int64, tag = "81")]
    pub(super) k: i64,
    #[prost(message, optional, tag = "82")]
    pub(super) statistics: Option<Statistics>,
    #[prost(bool, tag = "85")]
    pub(super) largest: bool,
    #[prost(message, optional, tag = "87")]
    pub(super) devices: Option<DeviceList>,
    #[prost(message, optional, tag = "88")]
    pub(super) original_value: Option<OriginalValue>,
    #[prost(bool, tag = "89")]
    pub(super) is_composite: bool,
    #[prost(message, optional, tag = "90")]
    pub(super) ragged_dot: Option<RaggedDotDimensions>,
    #[prost(message, optional, tag = "91")]
    pub(super) result_accuracy: Option<ResultAccuracy>,
    #[prost(message, optional, tag = "92")]
    pub(super) iota_devices: Option<IotaDevices>,
    #[prost(message, optional, tag = "93")]
    pub(super) mesh_devices: Option<MeshDevices>,
    #[prost(bool, tag = "94")]
    pub(super) is_reverse: bool,
    #[prost(int64, tag = "95")]
    pub(super) num_carries: i64,
    #[prost(int32, tag = "96")]
    pub(super) is_associative: i32,
    #[prost(message, optional, tag = "99")]
    pub(super) backend_config_payload: Option<Payload>,
}
