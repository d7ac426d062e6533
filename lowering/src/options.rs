//! Compile options: what a PJRT compiler is told beside the module, as the protobuf message that every plugin reads.
//!
//! The messages are written by hand with the field numbers of XLA's `CompileOptionsProto`; only the fields that this
//! project sets or reads are declared, and unknown ones are skipped when reading. Deliberately absent: flags of particular compilers, which
//! travel by name in [`CompileOptions::overrides`].

use std::collections::BTreeMap;

use prost::Message;

use crate::{Error, Result};

/// What a compiler is told beside the module.
///
/// ```
/// # use jacinth_lowering::options::{CompileOptions, OptionValue};
/// let mut options = CompileOptions::default();
/// options.overrides.insert("xla_cpu_enable_fast_math".into(), OptionValue::Bool(false));
/// assert_eq!(CompileOptions::decode(&options.encode())?, options);
/// # Ok::<(), jacinth_lowering::Error>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct CompileOptions {
    /// Number of replicas of the program.
    pub num_replicas: i64,
    /// Number of partitions of each replica.
    pub num_partitions: i64,
    /// Whether a program for several partitions is one program to be partitioned (SPMD).
    pub use_spmd_partitioning: bool,
    /// Whether shardings are Shardy's (`sdy` dialect).
    pub use_shardy_partitioner: bool,
    /// The device of each process: `[partition][replica]`; `None` leaves it to the plugin.
    pub device_assignment: Option<Vec<Vec<i64>>>,
    /// The only device's number; −1 leaves it to the device assignment.
    pub device_ordinal: i64,
    /// Flags of the compiler by name.
    pub overrides: BTreeMap<String, OptionValue>,
}

/// The value of a compiler's flag.
#[derive(Clone, PartialEq, Debug)]
pub enum OptionValue {
    /// Text.
    String(String),
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A number.
    Double(f64),
}

impl Default for CompileOptions {
    /// One replica of one partition, on the plugin's first device.
    fn default() -> Self {
        CompileOptions {
            num_replicas: 1,
            num_partitions: 1,
            use_spmd_partitioning: false,
            use_shardy_partitioner: false,
            device_assignment: None,
            device_ordinal: 0,
            overrides: BTreeMap::new(),
        }
    }
}

impl CompileOptions {
    /// Options for one program over `num_partitions` devices with Shardy's shardings.
    ///
    /// ```
    /// # use jacinth_lowering::options::CompileOptions;
    /// let options = CompileOptions::partitioned(4);
    /// assert_eq!((options.num_replicas, options.num_partitions, options.use_shardy_partitioner), (1, 4, true));
    /// ```
    pub fn partitioned(num_partitions: i64) -> Self {
        CompileOptions {
            num_partitions,
            use_spmd_partitioning: true,
            use_shardy_partitioner: true,
            device_ordinal: -1,
            ..Self::default()
        }
    }

    /// The options as a serialized `CompileOptionsProto`.
    pub fn encode(&self) -> Vec<u8> {
        let override_value = |value: &OptionValue| {
            let value = match value.clone() {
                OptionValue::String(v) => proto::option_override::Value::String(v),
                OptionValue::Bool(v) => proto::option_override::Value::Bool(v),
                OptionValue::Int(v) => proto::option_override::Value::Int(v),
                OptionValue::Double(v) => proto::option_override::Value::Double(v),
            };
            proto::OptionOverride { value: Some(value) }
        };
        let build = proto::ExecutableBuildOptions {
            device_ordinal: self.device_ordinal,
            num_replicas: self.num_replicas,
            num_partitions: self.num_partitions,
            use_spmd_partitioning: self.use_spmd_partitioning,
            device_assignment: self.device_assignment.as_deref().map(proto::DeviceAssignment::new),
            use_shardy_partitioner: self.use_shardy_partitioner,
        };
        let message = proto::CompileOptions {
            executable_build_options: Some(build),
            env_option_overrides: self
                .overrides
                .iter()
                .map(|(name, value)| (name.clone(), override_value(value)))
                .collect(),
        };
        message.encode_to_vec()
    }

    /// Reads a serialized `CompileOptionsProto`.
    ///
    /// Errors if the bytes are no such message, or say nothing of replicas and partitions, as empty options do.
    ///
    /// ```
    /// # use jacinth_lowering::options::CompileOptions;
    /// assert!(CompileOptions::decode(&[]).is_err());
    /// ```
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let message = proto::CompileOptions::decode(bytes)
            .map_err(|e| Error::parse(format!("compile options are not a CompileOptionsProto: {e}")))?;
        let build = message.executable_build_options.unwrap_or_default();
        if build.num_replicas < 1 || build.num_partitions < 1 {
            return Err(Error::parse(format!(
                "compile options: num_replicas {} and num_partitions {} must be positive",
                build.num_replicas, build.num_partitions
            )));
        }
        let overrides = message.env_option_overrides.into_iter().filter_map(|(name, value)| {
            Some((
                name,
                match value.value? {
                    proto::option_override::Value::String(v) => OptionValue::String(v),
                    proto::option_override::Value::Bool(v) => OptionValue::Bool(v),
                    proto::option_override::Value::Int(v) => OptionValue::Int(v),
                    proto::option_override::Value::Double(v) => OptionValue::Double(v),
                },
            ))
        });
        Ok(CompileOptions {
            num_replicas: build.num_replicas,
            num_partitions: build.num_partitions,
            use_spmd_partitioning: build.use_spmd_partitioning,
            use_shardy_partitioner: build.use_shardy_partitioner,
            device_assignment: build.device_assignment.map(proto::DeviceAssignment::rows).transpose()?,
            device_ordinal: build.device_ordinal,
            overrides: overrides.collect(),
        })
    }
}

/// A device assignment, `[partition][replica]`, as a serialized `DeviceAssignmentProto`.
///
/// ```
/// # use jacinth_lowering::options::{decode_device_assignment, encode_device_assignment};
/// let assignment = vec![vec![0, 1], vec![2, 3]];
/// assert_eq!(decode_device_assignment(&encode_device_assignment(&assignment))?, assignment);
/// # Ok::<(), jacinth_lowering::Error>(())
/// ```
pub fn encode_device_assignment(assignment: &[Vec<i64>]) -> Vec<u8> {
    proto::DeviceAssignment::new(assignment).encode_to_vec()
}

/// Reads a serialized `DeviceAssignmentProto` as `[partition][replica]`.
pub fn decode_device_assignment(bytes: &[u8]) -> Result<Vec<Vec<i64>>> {
    proto::DeviceAssignment::decode(bytes)
        .map_err(|e| Error::parse(format!("a device assignment is not a DeviceAssignmentProto: {e}")))?
        .rows()
}

/// The messages on the wire.
mod proto {
    use crate::{Error, Result};

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct CompileOptions {
        #[prost(message, optional, tag = "3")]
        pub(super) executable_build_options: Option<ExecutableBuildOptions>,
        #[prost(btree_map = "string, message", tag = "7")]
        pub(super) env_option_overrides: std::collections::BTreeMap<String, OptionOverride>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ExecutableBuildOptions {
        #[prost(int64, tag = "1")]
        pub(super) device_ordinal: i64,
        #[prost(int64, tag = "4")]
        pub(super) num_replicas: i64,
        #[prost(int64, tag = "5")]
        pub(super) num_partitions: i64,
        #[prost(bool, tag = "6")]
        pub(super) use_spmd_partitioning: bool,
        #[prost(message, optional, tag = "9")]
        pub(super) device_assignment: Option<DeviceAssignment>,
        #[prost(bool, tag = "19")]
        pub(super) use_shardy_partitioner: bool,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct OptionOverride {
        #[prost(oneof = "option_override::Value", tags = "1, 2, 3, 4")]
        pub(super) value: Option<option_override::Value>,
    }

    pub(super) mod option_override {
        #[derive(Clone, PartialEq, prost::Oneof)]
        pub(in super::super) enum Value {
            #[prost(string, tag = "1")]
            String(String),
            #[prost(bool, tag = "2")]
            Bool(bool),
            #[prost(int64, tag = "3")]
            Int(i64),
            #[prost(double, tag = "4")]
            Double(f64),
        }
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct DeviceAssignment {
        #[prost(int32, tag = "1")]
        pub(super) replica_count: i32,
        #[prost(int32, tag = "2")]
        pub(super) computation_count: i32,
        #[prost(message, repeated, tag = "3")]
        pub(super) computation_devices: Vec<ComputationDevice>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ComputationDevice {
        #[prost(int64, repeated, tag = "1")]
        pub(super) replica_device_ids: Vec<i64>,
    }

    impl DeviceAssignment {
        pub(super) fn new(rows: &[Vec<i64>]) -> Self {
            DeviceAssignment {
                replica_count: rows.first().map_or(0, |row| row.len() as i32),
                computation_count: rows.len() as i32,
                computation_devices: rows
                    .iter()
                    .map(|row| ComputationDevice { replica_device_ids: row.clone() })
                    .collect(),
            }
        }

        pub(super) fn rows(self) -> Result<Vec<Vec<i64>>> {
            let rows: Vec<_> = self.computation_devices.into_iter().map(|c| c.replica_device_ids).collect();
            let whole = rows.len() as i64 == i64::from(self.computation_count)
                && rows.iter().all(|row| row.len() as i64 == i64::from(self.replica_count));
            if !whole {
                return Err(Error::parse(format!(
                    "a device assignment for {} replicas and {} partitions has {} rows of other lengths",
                    self.replica_count,
                    self.computation_count,
                    rows.len()
                )));
            }
            Ok(rows)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_one_replica_and_one_partition() {
        assert_eq!(CompileOptions::default().encode(), [0x1a, 0x04, 0x20, 0x01, 0x28, 0x01]);
    }

    #[test]
    fn four_partitions_are_written_as_xla_does() {
        let expected = [0x1a, 0x14, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        let expected = [&expected[..], &[0x20, 0x01, 0x28, 0x04, 0x30, 0x01, 0x98, 0x01, 0x01]].concat();
        assert_eq!(CompileOptions::partitioned(4).encode(), expected);
    }

    #[test]
    fn options_round_trip() {
        let mut options = CompileOptions::partitioned(2);
        options.num_replicas = 3;
        options.device_assignment = Some(vec![vec![0, 1, 2], vec![3, 4, 5]]);
        options.overrides.insert("xla_flag".into(), OptionValue::Bool(false));
        options.overrides.insert("a_path".into(), OptionValue::String("/x".into()));
        options.overrides.insert("a_number".into(), OptionValue::Double(0.5));
        options.overrides.insert("a_count".into(), OptionValue::Int(-1));
        assert_eq!(CompileOptions::decode(&options.encode()).unwrap(), options);
    }

    #[test]
    fn nonsense_is_refused_with_a_sentence() {
        let empty = CompileOptions::decode(&[]).unwrap_err().to_string();
        assert_eq!(empty, "compile options: num_replicas 0 and num_partitions 0 must be positive");
        let nonsense = CompileOptions::decode(b"\xff\xff\xff").unwrap_err().to_string();
        assert!(nonsense.starts_with("compile options are not a CompileOptionsProto"), "{nonsense}");
        let ragged = proto::DeviceAssignment {
            replica_count: 2,
            computation_count: 1,
            computation_devices: vec![proto::ComputationDevice { replica_device_ids: vec![0] }],
        };
        assert!(decode_device_assignment(&ragged.encode_to_vec()).is_err());
    }
}
