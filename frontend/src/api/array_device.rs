//! Where an array lives, and its end: devices, copies, deletion.
//!
//! One device holds every array so far, so that its sharding says only which. A host scalar is on no device until it is used; it
//! names the one to which it would go.

use crate::error::{Error, OrRaise, Result};
use crate::ir::{Array, DeviceArray, Repr};
use crate::runtime::{Backend, from_bytes, to_bytes};
use crate::tree::{Pytree, flatten_ref};
use std::fmt;
use std::sync::Arc;

/// The devices of the current backend.
///
/// # Panics
/// If no plugin starts.
#[track_caller]
pub fn devices() -> Vec<Device> {
    Backend::current().or_raise().client().devices().iter().map(Device::of).collect()
}

/// The devices of the current backend to which this process has access.
///
/// # Panics
/// If no plugin starts.
#[track_caller]
pub fn local_devices() -> Vec<Device> {
    Backend::current().or_raise().client().addressable_devices().iter().map(Device::of).collect()
}

/// How many devices the current backend has.
///
/// # Panics
/// If no plugin starts.
#[track_caller]
pub fn device_count() -> usize {
    devices().len()
}

/// How many devices of the current backend this process has access to.
///
/// # Panics
/// If no plugin starts.
#[track_caller]
pub fn local_device_count() -> usize {
    local_devices().len()
}

/// The current backend's platform: `cpu`, `cuda`, `tpu`.
///
/// # Panics
/// If no plugin starts.
#[track_caller]
pub fn default_backend() -> String {
    Backend::current().or_raise().platform().to_owned()
}

/// Waits until all arrays of the tree are computed, and gives it back.
///
/// # Panics
/// If a computation failed.
#[track_caller]
pub fn block_until_ready<T: Pytree>(tree: T) -> T {
    for leaf in flatten_ref(&tree).0 {
        leaf.block_until_ready();
    }
    tree
}

/// A device of a plugin.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Device {
    platform: String,
    id: i32,
    memory: String,
}

impl Device {
    fn of(device: &jacinth_pjrt::Device) -> Device {
        let memory = device.default_memory().map_or_else(|| "device".into(), |m| m.kind().to_owned());
        Device { platform: device.client().platform_name().to_owned(), id: device.id(), memory }
    }

    /// The platform's name, `cpu`.
    pub fn platform(&self) -> &str {
        &self.platform
    }

    /// The device's number.
    pub fn id(&self) -> i32 {
        self.id
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut name = self.platform.clone();
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        write!(f, "{name}Device(id={})", self.id)
    }
}

/// How an array is spread over devices: it is on one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SingleDeviceSharding {
    device: Device,
}

impl SingleDeviceSharding {
    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }
}

impl fmt::Display for SingleDeviceSharding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SingleDeviceSharding(device={}, memory_kind={})", self.device, self.device.memory)
    }
}

impl Array {
    /// The device that holds the array.
    ///
    /// # Errors
    /// If the array is traced, or no plugin starts.
    pub fn device(&self) -> Result<Device> {
        match &self.0 {
            Repr::Device(d) => Ok(Device::of(&d.buffer.device()?)),
            Repr::Scalar(_) => Ok(Device::of(Backend::current()?.device())),
            _ => Err(Error::argument(format!(
                "a traced value of type {} is on no device: its computation has not run",
                self.aval()
            ))),
        }
    }

    /// The devices that hold the array: one.
    ///
    /// # Panics
    /// As [`Array::device`] errs.
    #[track_caller]
    pub fn devices(&self) -> Vec<Device> {
        vec![self.device().or_raise()]
    }

    /// How the array is spread over devices.
    ///
    /// # Panics
    /// As [`Array::device`] errs.
    #[track_caller]
    pub fn sharding(&self) -> SingleDeviceSharding {
        SingleDeviceSharding { device: self.device().or_raise() }
    }

    /// A copy with a buffer of its own; a traced value is its own copy.
    ///
    /// # Panics
    /// If the array was deleted or the transfer fails.
    #[track_caller]
    pub fn copy(&self) -> Array {
        match &self.0 {
            Repr::Device(d) => copied(d).or_raise(),
            _ => self.clone(),
        }
    }

    /// Gives the memory of the array and its clones back; using them afterwards is an error.
    ///
    /// # Panics
    /// If the plugin refuses.
    #[track_caller]
    pub fn delete(&self) {
        if let Some(d) = self.as_device() {
            d.buffer.delete().map_err(Error::from).or_raise();
        }
    }

    /// Whether the array was deleted, or given to a computation.
    ///
    /// # Panics
    /// If the plugin does not say.
    #[track_caller]
    pub fn is_deleted(&self) -> bool {
        self.as_device().is_some_and(|d| d.buffer.is_deleted().map_err(Error::from).or_raise())
    }

    /// Whether this process holds the whole array: it does.
    pub fn is_fully_addressable(&self) -> bool {
        true
    }

    /// Whether every device that holds the array holds all of it: the one does.
    pub fn is_fully_replicated(&self) -> bool {
        true
    }
}

fn copied(d: &Arc<DeviceArray>) -> Result<Array> {
    let device = d.buffer.device()?;
    // A plugin may refuse to copy to the device on which the buffer is; the host is the way around.
    match d.buffer.copy_to_device(&device) {
        Ok(buffer) => Ok(Array(Repr::Device(DeviceArray::new(d.aval.clone(), buffer, d.backend)))),
        Err(_) => from_bytes(d.aval.clone(), &to_bytes(&Array(Repr::Device(d.clone())))?),
    }
}
