//! A device of a client, and the description of a device that need not be here.

use crate::client::{Client, ClientInner};
use crate::error::Result;
use crate::memory::Memory;
use crate::plugin::owned_text;
use crate::value::NamedValues;
use pjrt_sys as sys;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A device of a client; a handle that keeps the client alive.
///
/// ```
/// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
/// let device = client.device(0).unwrap();
/// assert_eq!((device.id(), device.process_index(), device.is_addressable()), (0, 0, true));
/// assert_eq!((device.kind(), &device.client()), (&*device.description().kind, &client));
/// # Ok::<(), jacinth_pjrt::Error>(())
/// ```
#[derive(Clone)]
pub struct Device {
    pub(crate) client: Arc<ClientInner>,
    pub(crate) index: usize,
}

/// What is read of a device when its client is made.
pub(crate) struct DeviceInfo {
    pub(crate) raw: *mut sys::PJRT_Device,
    description: DeviceDescription,
    addressable: bool,
    local_hardware_id: i32,
    memories: Vec<*mut sys::PJRT_Memory>,
    default_memory: *mut sys::PJRT_Memory,
}

impl DeviceInfo {
    pub(crate) fn read(table: &sys::PJRT_Api, raw: *mut sys::PJRT_Device) -> Result<DeviceInfo> {
        let description = call!(table, PJRT_Device_GetDescription { device: raw })?.device_description;
        let description = DeviceDescription::read(table, description)?;
        let addressable = call!(table, PJRT_Device_IsAddressable { device: raw })?.is_addressable;
        let local_hardware_id = call!(table, PJRT_Device_LocalHardwareId { device: raw })
            .map_or(-1, |args| args.local_hardware_id);
        // Devices of other processes have no memory here, and early plugins know no memories.
        let memories = match call!(table, PJRT_Device_AddressableMemories { device: raw }) {
            // SAFETY: the list lives as long as the device, and is copied.
            Ok(args) => unsafe { crate::api::slice(args.memories, args.num_memories) }.to_vec(),
            Err(_) => Vec::new(),
        };
        let default_memory = call!(table, PJRT_Device_DefaultMemory { device: raw })
            .map_or(std::ptr::null_mut(), |args| args.memory);
        Ok(DeviceInfo { raw, description, addressable, local_hardware_id, memories, default_memory })
    }
}

impl Device {
    #[inline]
    fn info(&self) -> &DeviceInfo {
        &self.client.devices[self.index]
    }

    #[inline]
    pub(crate) fn raw(&self) -> *mut sys::PJRT_Device {
        self.info().raw
    }

    /// The client it belongs to.
    pub fn client(&self) -> Client {
        Client(Arc::clone(&self.client))
    }

    /// Its number, unique among the devices of its client, those of other processes included.
    pub fn id(&self) -> i32 {
        self.info().description.id
    }

    /// What it is: id, kind, process, attributes.
    pub fn description(&self) -> &DeviceDescription {
        &self.info().description
    }

    /// Its kind, in the vendor's words: `cpu`, `NVIDIA H100`, `TPU v5 lite`.
    pub fn kind(&self) -> &str {
        &self.info().description.kind
    }

    /// The process it belongs to.
    pub fn process_index(&self) -> i32 {
        self.info().description.process_index
    }

    /// Whether this process can use it.
    pub fn is_addressable(&self) -> bool {
        self.info().addressable
    }

    /// The number that the hardware has on this machine (the CUDA device number), or −1.
    pub fn local_hardware_id(&self) -> i32 {
        self.info().local_hardware_id
    }

    /// The memories it addresses.
    ///
    /// ```
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let device = client.addressable_devices().remove(0);
    /// assert!(device.memories().iter().all(|memory| memory.devices().contains(&device)));
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn memories(&self) -> Vec<Memory> {
        self.info().memories.iter().filter_map(|&raw| self.client.memory(raw)).collect()
    }

    /// The memory where data for it lives unless said otherwise; `None` where the plugin knows no memories.
    ///
    /// ```
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let device = client.addressable_devices().remove(0);
    /// let memory = device.default_memory().unwrap();
    /// assert!(device.memories().contains(&memory));
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn default_memory(&self) -> Option<Memory> {
        self.client.memory(self.info().default_memory)
    }

    /// The memory of that kind (`pinned_host`).
    ///
    /// ```
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let device = client.addressable_devices().remove(0);
    /// let kind = device.default_memory().unwrap().kind().to_owned();
    /// assert!(device.memory(&kind).is_some() && device.memory("core memory").is_none());
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn memory(&self, kind: &str) -> Option<Memory> {
        self.memories().into_iter().find(|memory| memory.kind() == kind)
    }

    /// How much memory is in use; not every plugin counts it ([`is_unimplemented`](crate::Error::is_unimplemented)).
    ///
    /// ```
    /// # use jacinth_pjrt::Buffer;
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let device = client.addressable_devices().remove(0);
    /// let _buffer = Buffer::from_slice(&[0.0f32; 1000], &[1000], &device)?;
    /// assert!(device.memory_stats()?.bytes_in_use >= 4000);
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn memory_stats(&self) -> Result<MemoryStats> {
        let args = call!(self.client.table(), PJRT_Device_MemoryStats { device: self.raw() })?;
        let set = |value: i64, is_set: bool| is_set.then_some(value);
        Ok(MemoryStats {
            bytes_in_use: args.bytes_in_use,
            peak_bytes_in_use: set(args.peak_bytes_in_use, args.peak_bytes_in_use_is_set),
            num_allocs: set(args.num_allocs, args.num_allocs_is_set),
            largest_alloc_size: set(args.largest_alloc_size, args.largest_alloc_size_is_set),
            bytes_limit: set(args.bytes_limit, args.bytes_limit_is_set),
            bytes_reserved: set(args.bytes_reserved, args.bytes_reserved_is_set),
            peak_bytes_reserved: set(args.peak_bytes_reserved, args.peak_bytes_reserved_is_set),
            bytes_reservable_limit: set(args.bytes_reservable_limit, args.bytes_reservable_limit_is_set),
            largest_free_block_bytes: set(
                args.largest_free_block_bytes,
                args.largest_free_block_bytes_is_set,
            ),
            pool_bytes: set(args.pool_bytes, args.pool_bytes_is_set),
            peak_pool_bytes: set(args.peak_pool_bytes, args.peak_pool_bytes_is_set),
        })
    }
}

impl PartialEq for Device {
    fn eq(&self, other: &Device) -> bool {
        Arc::ptr_eq(&self.client, &other.client) && self.index == other.index
    }
}

impl Eq for Device {}

impl Hash for Device {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.client).hash(state);
        self.index.hash(state);
    }
}

/// The plugin's short name of the device (`CpuDevice(id=0)`).
impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.info().description.name)
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("id", &self.id()).field("kind", &self.kind()).finish()
    }
}

/// What a device is, whether it is here or only compiled for.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceDescription {
    /// Its number, unique among devices of its platform.
    pub id: i32,
    /// The process that addresses it.
    pub process_index: i32,
    /// Its kind, in the vendor's words.
    pub kind: String,
    /// A short name for users.
    pub name: String,
    /// A longer name for error messages.
    pub debug: String,
    /// What the vendor tells of it (`coords`, `core_on_chip`, `compute_capability`).
    pub attributes: NamedValues,
}

impl DeviceDescription {
    pub(crate) fn read(
        table: &sys::PJRT_Api,
        raw: *mut sys::PJRT_DeviceDescription,
    ) -> Result<DeviceDescription> {
        let id = call!(table, PJRT_DeviceDescription_Id { device_description: raw })?.id;
        let process_index =
            call!(table, PJRT_DeviceDescription_ProcessIndex { device_description: raw })?.process_index;
        let args = call!(table, PJRT_DeviceDescription_Kind { device_description: raw })?;
        // SAFETY: the text lives as long as the device description, and is copied.
        let kind = unsafe { owned_text(args.device_kind, args.device_kind_size) };
        let name = match call!(table, PJRT_DeviceDescription_ToString { device_description: raw }) {
            // SAFETY: as above.
            Ok(args) => unsafe { owned_text(args.to_string, args.to_string_size) },
            Err(_) => format!("{kind}(id={id})"),
        };
        let debug = match call!(table, PJRT_DeviceDescription_DebugString { device_description: raw }) {
            // SAFETY: as above.
            Ok(args) => unsafe { owned_text(args.debug_string, args.debug_string_size) },
            Err(_) => name.clone(),
        };
        let attributes = match call!(table, PJRT_DeviceDescription_Attributes { device_description: raw }) {
            // SAFETY: as above, for the list.
            Ok(args) => unsafe { NamedValues::from_abi(args.attributes, args.num_attributes) },
            Err(_) => NamedValues::new(),
        };
        Ok(DeviceDescription { id, process_index, kind, name, debug, attributes })
    }
}

/// A device's memory statistics, in bytes and counts; what the plugin does not count is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryStats {
    pub bytes_in_use: i64,
    pub peak_bytes_in_use: Option<i64>,
    pub num_allocs: Option<i64>,
    pub largest_alloc_size: Option<i64>,
    pub bytes_limit: Option<i64>,
    pub bytes_reserved: Option<i64>,
    pub peak_bytes_reserved: Option<i64>,
    pub bytes_reservable_limit: Option<i64>,
    pub largest_free_block_bytes: Option<i64>,
    pub pool_bytes: Option<i64>,
    pub peak_pool_bytes: Option<i64>,
}
