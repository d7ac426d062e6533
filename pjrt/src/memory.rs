//! A memory space that devices address: device memory, pinned host memory.

use crate::client::{Client, ClientInner};
use crate::device::Device;
use crate::error::Result;
use crate::plugin::owned_text;
use pjrt_sys as sys;
use std::fmt;
use std::sync::Arc;

/// A memory of a client; a handle that keeps the client alive.
///
/// ```
/// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
/// let memory = client.memories().remove(0);
/// assert_eq!(memory.client(), client);
/// assert!(memory.id() >= 0 && !memory.kind().is_empty() && !memory.devices().is_empty());
/// # Ok::<(), jacinth_pjrt::Error>(())
/// ```
#[derive(Clone)]
pub struct Memory {
    pub(crate) client: Arc<ClientInner>,
    pub(crate) index: usize,
}

/// What is read of a memory when its client is made.
pub(crate) struct MemoryInfo {
    pub(crate) raw: *mut sys::PJRT_Memory,
    id: i32,
    kind: String,
    debug: String,
    /// Indices into the client's devices.
    devices: Vec<usize>,
}

impl MemoryInfo {
    /// Reads a memory; `device_index` finds a device of the client by its handle.
    pub(crate) fn read(
        table: &sys::PJRT_Api,
        raw: *mut sys::PJRT_Memory,
        device_index: impl Fn(*mut sys::PJRT_Device) -> Option<usize>,
    ) -> Result<MemoryInfo> {
        let id = call!(table, PJRT_Memory_Id { memory: raw })?.id;
        let args = call!(table, PJRT_Memory_Kind { memory: raw })?;
        // SAFETY: the text lives as long as the memory, and is copied.
        let kind = unsafe { owned_text(args.kind, args.kind_size) };
        let debug = match call!(table, PJRT_Memory_DebugString { memory: raw }) {
            // SAFETY: as above.
            Ok(args) => unsafe { owned_text(args.debug_string, args.debug_string_size) },
            Err(_) => format!("memory {id} ({kind})"),
        };
        let devices = match call!(table, PJRT_Memory_AddressableByDevices { memory: raw }) {
            // SAFETY: the list lives as long as the memory, and is copied.
            Ok(args) => unsafe { crate::api::slice(args.devices, args.num_devices) }
                .iter()
                .filter_map(|device| device_index(*device))
                .collect(),
            Err(error) if error.is_unimplemented() => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(MemoryInfo { raw, id, kind, debug, devices })
    }
}

impl Memory {
    fn info(&self) -> &MemoryInfo {
        &self.client.memories[self.index]
    }

    pub(crate) fn raw(&self) -> *mut sys::PJRT_Memory {
        self.info().raw
    }

    /// The client it belongs to.
    pub fn client(&self) -> Client {
        Client(Arc::clone(&self.client))
    }

    /// Its number, unique among the memories of its client.
    pub fn id(&self) -> i32 {
        self.info().id
    }

    /// Its kind: `device`, `pinned_host`, `unpinned_host`, …
    pub fn kind(&self) -> &str {
        &self.info().kind
    }

    /// The devices that address it.
    pub fn devices(&self) -> Vec<Device> {
        self.info().devices.iter().map(|&index| Device { client: Arc::clone(&self.client), index }).collect()
    }
}

impl PartialEq for Memory {
    fn eq(&self, other: &Memory) -> bool {
        Arc::ptr_eq(&self.client, &other.client) && self.index == other.index
    }
}

impl Eq for Memory {}

/// The plugin's own description.
impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.info().debug)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("id", &self.id()).field("kind", &self.kind()).finish()
    }
}
