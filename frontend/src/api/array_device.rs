//! Where an array lives, and its end: devices, copies, deletion.
//!
//! One device holds every array so far, so that its sharding says only which. A host scalar is on no device until it is used; it
//! names the one to which it would go.

use crate::error::{Error, OrRaise, Result};
use crate::ir::{Array, DeviceArray, Repr};
use crate::runtime::{Backend, from_bytes, on_backend, to_bytes};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A device of a plugin. Two are equal if their platforms and numbers are.
///
/// ```
/// # use jacinth_frontend::devices;
/// let device = devices().remove(0);
/// assert_eq!((device.id(), device.process_index()), (0, 0));
/// assert_eq!(device.to_string().to_lowercase(), format!("{}device(id=0)", device.platform()));
/// ```
#[derive(Clone)]
pub struct Device {
    handle: jacinth_pjrt::Device,
    platform: String,
}

impl Device {
    pub(crate) fn of(handle: &jacinth_pjrt::Device) -> Device {
        Device { platform: handle.client().platform_name().to_owned(), handle: handle.clone() }
    }

    /// The platform's name, `cpu`.
    ///
    /// ```
    /// # use jacinth_frontend::devices;
    /// assert!(!devices()[0].platform().is_empty());
    /// ```
    pub fn platform(&self) -> &str {
        &self.platform
    }

    /// The device's number.
    ///
    /// ```
    /// # use jacinth_frontend::devices;
    /// let ids: Vec<i32> = devices().iter().map(|device| device.id()).collect();
    /// assert!(ids.is_sorted());
    /// ```
    pub fn id(&self) -> i32 {
        self.handle.id()
    }

    /// What it is, in the vendor's words: `cpu`, `NVIDIA H200`.
    ///
    /// ```
    /// # use jacinth_frontend::devices;
    /// assert!(!devices()[0].device_kind().is_empty());
    /// ```
    pub fn device_kind(&self) -> &str {
        self.handle.kind()
    }

    /// The process to which it belongs.
    ///
    /// ```
    /// # use jacinth_frontend::devices;
    /// assert_eq!(devices()[0].process_index(), 0);
    /// ```
    pub fn process_index(&self) -> usize {
        self.handle.process_index().max(0) as usize
    }

    /// The plugin's device.
    ///
    /// ```
    /// # use jacinth_frontend::devices;
    /// assert_eq!(devices()[0].handle().id(), devices()[0].id());
    /// ```
    pub fn handle(&self) -> &jacinth_pjrt::Device {
        &self.handle
    }

    /// The kind of memory in which its arrays are.
    fn memory(&self) -> String {
        self.handle.default_memory().map_or_else(|| "device".into(), |m| m.kind().to_owned())
    }

    fn key(&self) -> (&str, i32) {
        (&self.platform, self.id())
    }
}

impl PartialEq for Device {
    fn eq(&self, other: &Device) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Device {}

impl PartialOrd for Device {
    fn partial_cmp(&self, other: &Device) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Device {
    fn cmp(&self, other: &Device) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Hash for Device {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
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
        write!(f, "{name}Device(id={})", self.id())
    }
}

/// How an array is spread over devices: it is on one.
///
/// ```
/// # use jacinth_frontend::Array;
/// let x = Array::from([1.0f32, 2.0]);
/// assert_eq!(x.sharding().device(), &x.device().unwrap());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SingleDeviceSharding {
    device: Device,
}

impl SingleDeviceSharding {
    /// The device.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([1.0f32]).sharding().device().id(), 0);
    /// ```
    pub fn device(&self) -> &Device {
        &self.device
    }
}

impl fmt::Display for SingleDeviceSharding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SingleDeviceSharding(device={}, memory_kind={})", self.device, self.device.memory())
    }
}

impl Array {
    /// The device that holds the array.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, devices, jit};
    /// assert_eq!(Array::from([1.0f32]).device().unwrap(), devices()[0]);
    /// jit(|x: &Array| {
    ///     assert!(x.device().is_err()); // traced
    ///     x.clone()
    /// })(&Array::from([1.0f32]));
    /// ```
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
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([1.0f32]).devices().len(), 1);
    /// ```
    ///
    /// # Panics
    /// As [`Array::device`] errs.
    #[track_caller]
    pub fn devices(&self) -> Vec<Device> {
        vec![self.device().or_raise()]
    }

    /// How the array is spread over devices.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, device_put};
    /// let x = Array::from([1.0f32]);
    /// let y = device_put(&x, Some(x.sharding().device())); // beside `x`
    /// assert_eq!(x.sharding(), y.sharding());
    /// ```
    ///
    /// # Panics
    /// As [`Array::device`] errs.
    #[track_caller]
    pub fn sharding(&self) -> SingleDeviceSharding {
        SingleDeviceSharding { device: self.device().or_raise() }
    }

    /// A copy with a buffer of its own; a traced value is its own copy.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let x = Array::from([1.0f32, 2.0]);
    /// let (shared, own) = (x.clone(), x.copy());
    /// x.delete();
    /// assert!(shared.is_deleted() && !own.is_deleted());
    /// ```
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
    /// ```
    /// # use jacinth_frontend::Array;
    /// let x = Array::from([1.0f32, 2.0]);
    /// x.delete();
    /// assert!(x.try_to_vec::<f32>().is_err());
    /// ```
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
    /// ```
    /// # use jacinth_frontend::{Array, jit};
    /// let step = jit(|x: Array| x + 1.0); // by value: the argument is given away
    /// let x = Array::from([1.0f32, 2.0]);
    /// let before = x.aval().clone();
    /// let y = step(x);
    /// assert!(*y.aval() == before && !y.is_deleted());
    /// ```
    ///
    /// # Panics
    /// If the plugin does not say.
    #[track_caller]
    pub fn is_deleted(&self) -> bool {
        self.as_device().is_some_and(|d| d.buffer.is_deleted().map_err(Error::from).or_raise())
    }

    /// The array on another device; see [`device_put`](crate::device_put).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, devices};
    /// let x = Array::from([1.0f32]).to_device(&devices()[0]);
    /// assert_eq!(x.device().unwrap(), devices()[0]);
    /// ```
    ///
    /// # Panics
    /// If the transfer fails.
    #[track_caller]
    pub fn to_device(&self, device: &Device) -> Array {
        put(self, device).or_raise()
    }

    /// Whether the elements are computed, so that reading them does not wait. A traced value is never ready.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let y = Array::from([1.0f32]).exp();
    /// assert!(y.block_until_ready().is_ready());
    /// ```
    ///
    /// # Panics
    /// If the plugin does not say.
    #[track_caller]
    pub fn is_ready(&self) -> bool {
        match &self.0 {
            Repr::Device(d) => {
                d.buffer.ready_event().and_then(|e| e.is_ready()).map_err(Error::from).or_raise()
            }
            Repr::Scalar(_) => true,
            _ => false,
        }
    }

    /// The platform of the device that holds the array, `cpu`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, devices};
    /// assert_eq!(Array::from([1.0f32]).platform(), devices()[0].platform());
    /// ```
    ///
    /// # Panics
    /// As [`Array::device`] errs.
    #[track_caller]
    pub fn platform(&self) -> String {
        self.device().or_raise().platform().to_owned()
    }

    /// Bytes that the array takes on its device, with whatever the plugin adds to align it; a host scalar takes none there.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// assert!(jnp::zeros([1000]).on_device_size_in_bytes() >= 4000);
    /// ```
    ///
    /// # Panics
    /// If the array is traced or the plugin does not say.
    #[track_caller]
    pub fn on_device_size_in_bytes(&self) -> usize {
        match &self.0 {
            Repr::Device(d) => d.buffer.on_device_size().map_err(Error::from).or_raise(),
            Repr::Scalar(_) => 0,
            _ => self.device().map(|_| 0).or_raise(),
        }
    }

    /// The address of the array's first element on its device. What stands there belongs to the plugin: it must not be written, and lives
    /// as long as the array is neither dropped, deleted nor donated.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// let x = Array::from([1.0f32, 2.0]);
    /// assert_eq!(x.unsafe_buffer_pointer(), x.clone().unsafe_buffer_pointer()); // a clone shares the memory
    /// ```
    ///
    /// # Panics
    /// If the array is traced or a host scalar, or the plugin does not say.
    #[track_caller]
    pub fn unsafe_buffer_pointer(&self) -> usize {
        match &self.0 {
            Repr::Device(d) => d.buffer.address().map_err(Error::from).or_raise(),
            Repr::Scalar(_) => {
                Error::argument("a host scalar is on no device; use `device_put`".to_owned()).raise()
            }
            _ => self.device().map(|_| 0).or_raise(),
        }
    }

    /// Whether this process holds the whole array: it does.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert!(Array::from([1.0f32]).is_fully_addressable());
    /// ```
    pub fn is_fully_addressable(&self) -> bool {
        true
    }

    /// Whether every device that holds the array holds all of it: the one does.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert!(Array::from([1.0f32]).is_fully_replicated());
    /// ```
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

/// The array on that device: itself if it is there, or a copy. A traced value stays where its program runs.
pub(crate) fn put(x: &Array, device: &Device) -> Result<Array> {
    match &x.0 {
        Repr::Device(_) | Repr::Scalar(_) => {
            let backend = Backend::of_device(&device.handle)?;
            Ok(Array(Repr::Device(on_backend(x, &backend)?.into_owned())))
        }
        _ => Ok(x.clone()),
    }
}
