//! `PJRT_Device`, `PJRT_DeviceDescription` and `PJRT_Memory`.
//!
//! A device is a share of the machine with a queue and an allocator of its own. It has three memories, as XLA's CPU
//! plugin has: `device`, `pinned_host` and `unpinned_host`. All three are the device's one allocator under different names,
//! so that programs which place arrays in host memory run.

use std::sync::{Arc, OnceLock};

use pjrt_sys::*;

use super::guard::{Pointers, entries, opaque};
use super::named_value::{NamedValues, Value};
use super::queue::Queue;
use crate::memory::Allocator;
use crate::{Error, Result};

opaque! {
    PJRT_Device => Device;
    PJRT_DeviceDescription => Description;
    PJRT_Memory => Memory;
}

/// The kinds of memory, the default first.
pub(super) const KINDS: [&str; 3] = ["device", "pinned_host", "unpinned_host"];

/// What JAX and others call this kind of device.
pub(super) const DEVICE_KIND: &str = "cpu";

/// A device.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) index: usize,
    pub(super) allocator: Arc<Allocator>,
    pub(super) queue: Queue,
    description: Description,
    memories: OnceLock<Pointers<PJRT_Memory>>,
}

impl Device {
    pub(super) fn new(index: usize, allocator: Arc<Allocator>) -> Device {
        Device {
            index,
            allocator,
            queue: Queue::new(format!("jacinth-device-{index}")),
            description: Description::new(index),
            memories: OnceLock::new(),
        }
    }

    /// Tells the device where its memories are; called once, by the client that makes both.
    pub(super) fn set_memories(&self, memories: &[Memory]) {
        self.memories.get_or_init(|| Pointers::to(memories));
    }

    fn memories(&self) -> Result<&Pointers<PJRT_Memory>> {
        self.memories.get().ok_or_else(|| Error::internal("the device has no memories yet"))
    }

    /// The handle of this device.
    pub(super) fn handle(&self) -> *mut PJRT_Device {
        (&raw const *self).cast_mut().cast()
    }
}

/// What can be known of a device without having it.
#[derive(Debug)]
pub(super) struct Description {
    index: usize,
    to_string: String,
    debug_string: String,
    attributes: NamedValues,
}

impl Description {
    pub(super) fn new(index: usize) -> Description {
        Description {
            index,
            to_string: format!("JacinthCpuDevice(id={index})"),
            debug_string: format!("JACINTH_CPU_{index}"),
            attributes: NamedValues::new([("cpu_cores", Value::Int(cores()))]),
        }
    }
}

fn cores() -> i64 {
    std::thread::available_parallelism().map_or(1, |n| n.get() as i64)
}

/// One of a device's memories.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) index: usize,
    pub(super) device: usize,
    kind: usize,
    debug_string: String,
    devices: Pointers<PJRT_Device>,
}

impl Memory {
    pub(super) fn new(index: usize, device: &Device) -> Memory {
        let kind = index % KINDS.len();
        Memory {
            index,
            device: device.index,
            kind,
            debug_string: format!("JacinthMemory(id={index}, kind={}, device={})", KINDS[kind], device.index),
            devices: Pointers::to([device]),
        }
    }

    /// The handle of this memory.
    pub(super) fn handle(&self) -> *mut PJRT_Memory {
        (&raw const *self).cast_mut().cast()
    }
}

entries! {
    /// `PJRT_DeviceDescription_Id`.
    description_id(args: PJRT_DeviceDescription_Id_Args) {
        args.id = args.get(args.device_description)?.index as i32;
        Ok(())
    }

    /// `PJRT_DeviceDescription_ProcessIndex`: always 0.
    description_process_index(args: PJRT_DeviceDescription_ProcessIndex_Args) {
        args.get(args.device_description)?;
        args.process_index = 0;
        Ok(())
    }

    /// `PJRT_DeviceDescription_Attributes`: `cpu_cores`.
    description_attributes(args: PJRT_DeviceDescription_Attributes_Args) {
        let attributes = &args.get(args.device_description)?.attributes;
        args.attributes = attributes.as_ptr();
        args.num_attributes = attributes.len();
        Ok(())
    }

    /// `PJRT_DeviceDescription_Kind`: `cpu`.
    description_kind(args: PJRT_DeviceDescription_Kind_Args) {
        args.get(args.device_description)?;
        args.device_kind = DEVICE_KIND.as_ptr().cast();
        args.device_kind_size = DEVICE_KIND.len();
        Ok(())
    }

    /// `PJRT_DeviceDescription_DebugString`.
    description_debug_string(args: PJRT_DeviceDescription_DebugString_Args) {
        let text = &args.get(args.device_description)?.debug_string;
        args.debug_string = text.as_ptr().cast();
        args.debug_string_size = text.len();
        Ok(())
    }

    /// `PJRT_DeviceDescription_ToString`.
    description_to_string(args: PJRT_DeviceDescription_ToString_Args) {
        let text = &args.get(args.device_description)?.to_string;
        args.to_string = text.as_ptr().cast();
        args.to_string_size = text.len();
        Ok(())
    }

    /// `PJRT_Device_GetDescription`.
    get_description(args: PJRT_Device_GetDescription_Args) {
        let device = args.get(args.device)?;
        args.device_description = (&raw const device.description).cast_mut().cast();
        Ok(())
    }

    /// `PJRT_Device_IsAddressable`: always.
    is_addressable(args: PJRT_Device_IsAddressable_Args) {
        args.get(args.device)?;
        args.is_addressable = true;
        Ok(())
    }

    /// `PJRT_Device_LocalHardwareId`: the device's id.
    local_hardware_id(args: PJRT_Device_LocalHardwareId_Args) {
        args.local_hardware_id = args.get(args.device)?.index as i32;
        Ok(())
    }

    /// `PJRT_Device_AddressableMemories`.
    addressable_memories(args: PJRT_Device_AddressableMemories_Args) {
        let memories = args.get(args.device)?.memories()?;
        args.memories = memories.as_ptr();
        args.num_memories = memories.len();
        Ok(())
    }

    /// `PJRT_Device_DefaultMemory`: the one of kind `device`.
    default_memory(args: PJRT_Device_DefaultMemory_Args) {
        let memories = args.get(args.device)?.memories()?;
        // SAFETY: a device has `KINDS.len()` memories, so there is a first.
        args.memory = unsafe { *memories.as_ptr() };
        Ok(())
    }

    /// `PJRT_Device_MemoryStats`.
    memory_stats(args: PJRT_Device_MemoryStats_Args) {
        let stats = args.get(args.device)?.allocator.stats();
        args.bytes_in_use = stats.bytes_in_use as i64;
        args.peak_bytes_in_use = stats.peak_bytes_in_use as i64;
        args.peak_bytes_in_use_is_set = true;
        args.num_allocs = stats.num_allocs as i64;
        args.num_allocs_is_set = true;
        args.largest_alloc_size = stats.largest_alloc_size as i64;
        args.largest_alloc_size_is_set = true;
        args.bytes_limit = stats.bytes_limit as i64;
        args.bytes_limit_is_set = true;
        args.bytes_reserved = stats.bytes_reserved as i64;
        args.bytes_reserved_is_set = true;
        args.pool_bytes = stats.bytes_reserved as i64;
        args.pool_bytes_is_set = true;
        args.peak_bytes_reserved_is_set = false;
        args.bytes_reservable_limit_is_set = false;
        args.largest_free_block_bytes_is_set = false;
        args.peak_pool_bytes_is_set = false;
        Ok(())
    }

    /// `PJRT_Device_PoisonExecution`: not supported.
    poison_execution(args: PJRT_Device_PoisonExecution_Args) {
        args.get(args.device)?;
        Err(Error::unimplemented("PJRT_Device_PoisonExecution: executions here cannot be cancelled"))
    }

    /// `PJRT_Memory_Id`.
    memory_id(args: PJRT_Memory_Id_Args) {
        args.id = args.get(args.memory)?.index as i32;
        Ok(())
    }

    /// `PJRT_Memory_Kind`.
    memory_kind(args: PJRT_Memory_Kind_Args) {
        let kind = KINDS[args.get(args.memory)?.kind];
        args.kind = kind.as_ptr().cast();
        args.kind_size = kind.len();
        Ok(())
    }

    /// `PJRT_Memory_Kind_Id`.
    memory_kind_id(args: PJRT_Memory_Kind_Id_Args) {
        args.kind_id = args.get(args.memory)?.kind as i32;
        Ok(())
    }

    /// `PJRT_Memory_DebugString`.
    memory_debug_string(args: PJRT_Memory_DebugString_Args) {
        let text = &args.get(args.memory)?.debug_string;
        args.debug_string = text.as_ptr().cast();
        args.debug_string_size = text.len();
        Ok(())
    }

    /// `PJRT_Memory_ToString`.
    memory_to_string(args: PJRT_Memory_ToString_Args) {
        let text = &args.get(args.memory)?.debug_string;
        args.to_string = text.as_ptr().cast();
        args.to_string_size = text.len();
        Ok(())
    }

    /// `PJRT_Memory_AddressableByDevices`: its device.
    memory_addressable_by_devices(args: PJRT_Memory_AddressableByDevices_Args) {
        let devices = &args.get(args.memory)?.devices;
        args.devices = devices.as_ptr();
        args.num_devices = devices.len();
        Ok(())
    }
}
