//! `PJRT_TopologyDescription`: how many devices there are, which is all there is to know of CPU devices.
//!
//! A topology is made from the option `cpu_device_count`, or from the name `cpu:N`; the empty name is one device. Its serial
//! form is that name.

use pjrt_sys::*;

use super::device::{DEVICE_KIND, Description};
use super::guard::{Pointers, entries, give, opaque};
use super::named_value::{self, NamedValues, Value};
use crate::{Error, Result};

opaque! {
    PJRT_TopologyDescription => Topology;
    PJRT_SerializedTopology => String;
}

/// The platform that callers lower for.
pub(super) const PLATFORM_NAME: &str = "jacinth";

/// The plugin and its version.
pub(super) const PLATFORM_VERSION: &str = concat!("jacinth-cpu ", env!("CARGO_PKG_VERSION"));

/// The most devices that a topology can have.
const MAX_DEVICES: usize = 4096;

/// A number of devices, described.
#[derive(Debug)]
pub(super) struct Topology {
    pub(super) devices: usize,
    /// Whether a client owns it, so that nobody may destroy it.
    of_client: bool,
    /// What `list` points to.
    _descriptions: Box<[Description]>,
    list: Pointers<PJRT_DeviceDescription>,
    attributes: NamedValues,
}

impl Topology {
    /// The topology of a client.
    pub(super) fn of_client(devices: usize) -> Topology {
        Topology { of_client: true, ..Topology::new(devices) }
    }

    fn new(devices: usize) -> Topology {
        let descriptions: Box<[Description]> = (0..devices).map(Description::new).collect();
        let list = Pointers::to(&descriptions);
        let attributes = NamedValues::new([
            ("cpu_device_count", Value::Int(devices as i64)),
            ("device_kind", Value::String(DEVICE_KIND.into())),
        ]);
        Topology { devices, of_client: false, _descriptions: descriptions, list, attributes }
    }

    fn name(&self) -> String {
        format!("cpu:{}", self.devices)
    }

    fn parse(name: &str) -> Result<usize> {
        let wrong = || {
            Error::invalid(format!(
                "unknown topology {name:?}: expected cpu:N with N from 1 to {MAX_DEVICES}"
            ))
        };
        match name.strip_prefix("cpu:") {
            Some(count) => count.parse().ok().filter(|n| (1..=MAX_DEVICES).contains(n)).ok_or_else(wrong),
            None if name.is_empty() || name == "cpu" => Ok(1),
            None => Err(wrong()),
        }
    }
}

entries! {
    /// `PJRT_TopologyDescription_Create`: of `cpu:N`, or of the option `cpu_device_count`.
    create(args: PJRT_TopologyDescription_Create_Args) {
        let mut devices = Topology::parse(args.text("topology_name", args.topology_name, args.topology_name_size)?)?;
        for (name, value) in named_value::read(&args, args.create_options, args.num_options)? {
            match (name.as_str(), value) {
                ("cpu_device_count", Value::Int(n)) if (1..=MAX_DEVICES as i64).contains(&n) => devices = n as usize,
                (name, value) => {
                    return Err(Error::invalid(format!("unknown topology option {name} = {value:?}")));
                }
            }
        }
        args.topology = give(Topology::new(devices));
        Ok(())
    }

    /// `PJRT_TopologyDescription_Destroy`, for one that was made by `Create` or `Deserialize`; null is allowed, and a client's is left alone.
    destroy(args: PJRT_TopologyDescription_Destroy_Args) {
        if args.maybe(args.topology.cast_const()).is_some_and(|topology| !topology.of_client) {
            drop(args.take(args.topology)?);
        }
        Ok(())
    }

    /// `PJRT_TopologyDescription_PlatformName`: `jacinth`.
    platform_name(args: PJRT_TopologyDescription_PlatformName_Args) {
        args.get(args.topology)?;
        args.platform_name = PLATFORM_NAME.as_ptr().cast();
        args.platform_name_size = PLATFORM_NAME.len();
        Ok(())
    }

    /// `PJRT_TopologyDescription_PlatformVersion`.
    platform_version(args: PJRT_TopologyDescription_PlatformVersion_Args) {
        args.get(args.topology)?;
        args.platform_version = PLATFORM_VERSION.as_ptr().cast();
        args.platform_version_size = PLATFORM_VERSION.len();
        Ok(())
    }

    /// `PJRT_TopologyDescription_GetDeviceDescriptions`.
    get_device_descriptions(args: PJRT_TopologyDescription_GetDeviceDescriptions_Args) {
        let list = &args.get(args.topology)?.list;
        args.descriptions = list.as_ptr();
        args.num_descriptions = list.len();
        Ok(())
    }

    /// `PJRT_TopologyDescription_Serialize`: the topology's name.
    serialize(args: PJRT_TopologyDescription_Serialize_Args) {
        let name = Box::new(args.get(args.topology)?.name());
        args.serialized_bytes = name.as_ptr().cast();
        args.serialized_bytes_size = name.len();
        args.serialized_topology = Box::into_raw(name).cast();
        args.serialized_topology_deleter = Some(delete_serialized);
        Ok(())
    }

    /// `PJRT_TopologyDescription_Deserialize`.
    deserialize(args: PJRT_TopologyDescription_Deserialize_Args) {
        let name = args.text("serialized_topology", args.serialized_topology, args.serialized_topology_size)?;
        args.topology = give(Topology::new(Topology::parse(name)?));
        Ok(())
    }

    /// `PJRT_TopologyDescription_Attributes`.
    attributes(args: PJRT_TopologyDescription_Attributes_Args) {
        let attributes = &args.get(args.topology)?.attributes;
        args.attributes = attributes.as_ptr();
        args.num_attributes = attributes.len();
        Ok(())
    }
}

unsafe extern "C" fn delete_serialized(name: *mut PJRT_SerializedTopology) {
    if !name.is_null() {
        // SAFETY: `serialize` made the box, and the caller deletes it once.
        drop(unsafe { Box::from_raw(name.cast::<String>()) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_others_are_refused() {
        assert_eq!(Topology::parse(&Topology::new(3).name()).unwrap(), 3);
        assert_eq!(Topology::parse("").unwrap(), 1);
        for wrong in ["cpu:0", "cpu:-1", "cpu:99999", "v5e:2x2"] {
            let error = Topology::parse(wrong).unwrap_err().message;
            assert!(error.starts_with("unknown topology"), "{error}");
        }
    }
}
