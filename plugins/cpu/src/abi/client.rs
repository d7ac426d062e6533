//! `PJRT_Client`: the devices, their memories, the thread pool and what multi-device executions share.
//!
//! Options of `PJRT_Client_Create`, each also read from the environment where the caller does not give it:
//!
//! | option | type | environment | meaning |
//! |---|---|---|---|
//! | `cpu_device_count` | int64, 1 to 4096 | `JACINTH_CPU_DEVICE_COUNT` | number of virtual devices; default 1 |
//! | `memory_limit_bytes` | int64 | `JACINTH_CPU_MEMORY_LIMIT_BYTES` | bytes each device may have in use; default the machine's memory |
//! | `num_threads` | int64 | `JACINTH_CPU_NUM_THREADS` | threads of the pool that all devices share; default one per core |
//!
//! Invariant: what a client's handles point to ([`Core`]) lives until the last buffer, executable and queued job is
//! gone, so destroying the client early is harmless; device and memory handles end with the client. Deliberately
//! absent: other processes (the key-value callbacks are not used).

use std::sync::Arc;

use parking_lot::Mutex;
use pjrt_sys::*;
use rustc_hash::FxHashMap;

use super::device::{Device, KINDS, Memory};
use super::guard::{Pointers, entries, give, opaque};
use super::named_value::{self, Value};
use super::topology::{PLATFORM_NAME, PLATFORM_VERSION, Topology};
use crate::collectives::{Grid, Rendezvous};
use crate::memory::Allocator;
use crate::pool::Pool;
use crate::{Code, Error, Result};

opaque! { PJRT_Client => Client; }

/// The most virtual devices that a client can have.
const MAX_DEVICES: i64 = 4096;

/// What the caller holds.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) core: Arc<Core>,
    device_list: Pointers<PJRT_Device>,
    memory_list: Pointers<PJRT_Memory>,
}

/// What the client's objects share.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) devices: Box<[Device]>,
    /// Those of device 0 first, [`KINDS`] of them, then those of device 1, …
    pub(super) memories: Box<[Memory]>,
    pub(super) pool: Pool,
    pub(super) topology: Topology,
    /// Held while a program is queued on several devices, so that all devices see the same order.
    pub(super) launch: Mutex<Launches>,
}

/// Executions whose devices are started one by one, by executable and launch id.
#[derive(Debug, Default)]
pub(super) struct Launches {
    open: FxHashMap<(usize, i32), (Arc<Rendezvous>, usize)>,
}

impl Launches {
    /// The meeting place of the launch `id` of an executable on `grid`, shared by the calls that start its devices.
    pub(super) fn join(&mut self, executable: usize, id: i32, grid: Grid) -> Arc<Rendezvous> {
        let entry = self.open.entry((executable, id));
        let (place, left) = entry.or_insert_with(|| (Arc::new(Rendezvous::new(grid)), grid.size()));
        *left -= 1;
        let (place, done) = (place.clone(), *left == 0);
        if done {
            self.open.remove(&(executable, id));
        }
        place
    }
}

impl Core {
    fn new(options: &Options) -> Arc<Core> {
        let topology = Topology::of_client(options.devices);
        let devices: Box<[Device]> = (0..options.devices)
            .map(|index| Device::new(index, Allocator::new(options.memory_limit)))
            .collect();
        let memories: Box<[Memory]> = (0..options.devices * KINDS.len())
            .map(|index| Memory::new(index, &devices[index / KINDS.len()]))
            .collect();
        for device in &devices {
            let start = device.index * KINDS.len();
            device.set_memories(&memories[start..start + KINDS.len()]);
        }
        let pool = Pool::new(options.threads);
        Arc::new(Core { devices, memories, pool, topology, launch: Mutex::default() })
    }

    /// A sentence unless the device is one of this client's.
    pub(super) fn own(&self, device: &Device) -> Result<()> {
        match self.devices.get(device.index) {
            Some(own) if std::ptr::eq(own, device) => Ok(()),
            _ => Err(Error::invalid(format!("device {} belongs to another client", device.index))),
        }
    }

    /// As [`Core::own`], for a memory.
    pub(super) fn own_memory(&self, memory: &Memory) -> Result<()> {
        match self.memories.get(memory.index) {
            Some(own) if std::ptr::eq(own, memory) => Ok(()),
            _ => Err(Error::invalid(format!("memory {} belongs to another client", memory.index))),
        }
    }
}

#[derive(Debug, PartialEq)]
struct Options {
    devices: usize,
    memory_limit: Option<usize>,
    threads: usize,
}

/// An option as the caller or the environment gives it.
struct Given<'a> {
    options: &'a [(String, Value)],
    environment: &'a dyn Fn(&str) -> Option<String>,
}

impl Given<'_> {
    fn int(&self, name: &str, variable: &str, min: i64, max: i64) -> Result<Option<i64>> {
        let (from, value) = match self.options.iter().rev().find(|(n, _)| n == name) {
            Some((_, Value::Int(value))) => (name, *value),
            Some((_, other)) => {
                return Err(Error::invalid(format!("option {name} must be an int64, got {other:?}")));
            }
            None => match (self.environment)(variable) {
                None => return Ok(None),
                Some(text) => {
                    let parsed = text.trim().parse();
                    let parsed = parsed
                        .map_err(|_| Error::invalid(format!("{variable} must be an integer, got {text:?}")));
                    (variable, parsed?)
                }
            },
        };
        if value < min || value > max {
            return Err(Error::invalid(format!("{from} must be from {min} to {max}, got {value}")));
        }
        Ok(Some(value))
    }
}

impl Options {
    fn read(options: &[(String, Value)], environment: &dyn Fn(&str) -> Option<String>) -> Result<Options> {
        const KNOWN: [&str; 3] = ["cpu_device_count", "memory_limit_bytes", "num_threads"];
        if let Some((name, _)) = options.iter().find(|(name, _)| !KNOWN.contains(&name.as_str())) {
            let known = KNOWN.join(", ");
            return Err(Error::invalid(format!("unknown client option {name}: there are {known}")));
        }
        let given = Given { options, environment };
        let devices = given.int("cpu_device_count", "JACINTH_CPU_DEVICE_COUNT", 1, MAX_DEVICES)?;
        let limit = given.int("memory_limit_bytes", "JACINTH_CPU_MEMORY_LIMIT_BYTES", 1, i64::MAX)?;
        let threads = given.int("num_threads", "JACINTH_CPU_NUM_THREADS", 0, 4096)?;
        Ok(Options {
            devices: devices.unwrap_or(1) as usize,
            memory_limit: limit.map(|l| l as usize),
            threads: threads.unwrap_or(0) as usize,
        })
    }
}

entries! {
    /// `PJRT_Client_Create`; the options are those of this file's header.
    create(args: PJRT_Client_Create_Args from client) {
        let options = named_value::read(&args, args.create_options, args.num_options)?;
        let options = Options::read(&options, &|name| std::env::var(name).ok())?;
        let core = Core::new(&options);
        let device_list = Pointers::to(&core.devices);
        let memory_list = Pointers::to(&core.memories);
        args.client = give(Client { core, device_list, memory_list });
        Ok(())
    }

    /// `PJRT_Client_Destroy`; null is allowed. Buffers and executables that are still held stay usable.
    destroy(args: PJRT_Client_Destroy_Args) {
        if !args.client.is_null() {
            drop(args.take(args.client)?);
        }
        Ok(())
    }

    /// `PJRT_Client_PlatformName`: `jacinth`.
    platform_name(args: PJRT_Client_PlatformName_Args) {
        args.get(args.client)?;
        args.platform_name = PLATFORM_NAME.as_ptr().cast();
        args.platform_name_size = PLATFORM_NAME.len();
        Ok(())
    }

    /// `PJRT_Client_ProcessIndex`: always 0.
    process_index(args: PJRT_Client_ProcessIndex_Args) {
        args.get(args.client)?;
        args.process_index = 0;
        Ok(())
    }

    /// `PJRT_Client_PlatformVersion`.
    platform_version(args: PJRT_Client_PlatformVersion_Args) {
        args.get(args.client)?;
        args.platform_version = PLATFORM_VERSION.as_ptr().cast();
        args.platform_version_size = PLATFORM_VERSION.len();
        Ok(())
    }

    /// `PJRT_Client_TopologyDescription`: owned by the client.
    topology_description(args: PJRT_Client_TopologyDescription_Args) {
        let client = args.get(args.client)?;
        args.topology = (&raw const client.core.topology).cast_mut().cast();
        Ok(())
    }

    /// `PJRT_Client_Devices`.
    devices(args: PJRT_Client_Devices_Args) {
        let client = args.get(args.client)?;
        args.devices = client.device_list.as_ptr();
        args.num_devices = client.device_list.len();
        Ok(())
    }

    /// `PJRT_Client_AddressableDevices`: all of them.
    addressable_devices(args: PJRT_Client_AddressableDevices_Args) {
        let client = args.get(args.client)?;
        args.addressable_devices = client.device_list.as_ptr();
        args.num_addressable_devices = client.device_list.len();
        Ok(())
    }

    /// `PJRT_Client_LookupDevice`.
    lookup_device(args: PJRT_Client_LookupDevice_Args) {
        let device = lookup(args.get(args.client)?, args.id)?;
        args.device = device;
        Ok(())
    }

    /// `PJRT_Client_LookupAddressableDevice`.
    lookup_addressable_device(args: PJRT_Client_LookupAddressableDevice_Args) {
        let device = lookup(args.get(args.client)?, args.local_hardware_id)?;
        args.addressable_device = device;
        Ok(())
    }

    /// `PJRT_Client_AddressableMemories`.
    addressable_memories(args: PJRT_Client_AddressableMemories_Args) {
        let client = args.get(args.client)?;
        args.addressable_memories = client.memory_list.as_ptr();
        args.num_addressable_memories = client.memory_list.len();
        Ok(())
    }

    /// `PJRT_Client_DefaultDeviceAssignment`: process `replica * num_partitions + partition` on the device of that number.
    default_device_assignment(args: PJRT_Client_DefaultDeviceAssignment_Args) {
        let client = args.get(args.client)?;
        let count = grid_size(args.num_replicas, args.num_partitions, client.core.devices.len())?;
        if args.default_assignment_size < count {
            let size = args.default_assignment_size;
            return Err(Error::invalid(format!("default_assignment has room for {size} of {count} devices")));
        }
        let out = args.slice_mut("default_assignment", args.default_assignment, count)?;
        out.iter_mut().enumerate().for_each(|(i, device)| *device = i as i32);
        Ok(())
    }

    /// `PJRT_Client_UpdateGlobalProcessInfo`: there is one process, so there is nothing to update.
    update_global_process_info(args: PJRT_Client_UpdateGlobalProcessInfo_Args) {
        args.get(args.client)?;
        Ok(())
    }

    /// `PJRT_Client_DmaMap`: not supported.
    dma_map(args: PJRT_Client_DmaMap_Args) {
        args.get(args.client)?;
        Err(Error::unimplemented("PJRT_Client_DmaMap: a CPU device has no DMA to map memory for"))
    }

    /// `PJRT_Client_DmaUnmap`: not supported.
    dma_unmap(args: PJRT_Client_DmaUnmap_Args) {
        args.get(args.client)?;
        Err(Error::unimplemented("PJRT_Client_DmaUnmap: a CPU device has no DMA to map memory for"))
    }
}

/// Number of processes of a grid, if it fits on `devices` devices.
pub(super) fn grid_size(replicas: i32, partitions: i32, devices: usize) -> Result<usize> {
    let count = i64::from(replicas) * i64::from(partitions);
    if replicas < 1 || partitions < 1 || count > devices as i64 {
        return Err(Error::invalid(format!(
            "num_replicas {replicas} and num_partitions {partitions} do not fit on {devices} devices"
        )));
    }
    Ok(count as usize)
}

fn lookup(client: &Client, id: i32) -> Result<*mut PJRT_Device> {
    let device = usize::try_from(id).ok().and_then(|id| client.core.devices.get(id));
    let device = device.ok_or_else(|| {
        let last = client.core.devices.len() - 1;
        Error::new(Code::NotFound, format!("there is no device {id}: the devices are 0 to {last}"))
    })?;
    Ok((&raw const *device).cast_mut().cast())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(given: &[(&str, Value)], variable: Option<(&str, &str)>) -> Result<Options, String> {
        let given: Vec<_> = given.iter().map(|(n, v)| (n.to_string(), v.clone())).collect();
        let environment =
            |name: &str| variable.filter(|(n, _)| *n == name).map(|(_, value)| value.to_owned());
        Options::read(&given, &environment).map_err(|e| e.message)
    }

    #[test]
    fn options_come_from_the_caller_then_from_the_environment() {
        let variable = Some(("JACINTH_CPU_DEVICE_COUNT", "8"));
        assert_eq!(options(&[], None).unwrap(), Options { devices: 1, memory_limit: None, threads: 0 });
        assert_eq!(options(&[], variable).unwrap().devices, 8);
        assert_eq!(options(&[("cpu_device_count", Value::Int(2))], variable).unwrap().devices, 2);
    }

    #[test]
    fn wrong_options_are_refused_with_a_sentence() {
        let refused = |given: (&str, Value)| options(&[given], None).unwrap_err();
        assert_eq!(
            refused(("cpu_device_count", Value::Int(0))),
            "cpu_device_count must be from 1 to 4096, got 0"
        );
        assert_eq!(
            refused(("cpu_device_count", Value::Bool(true))),
            "option cpu_device_count must be an int64, got Bool(true)"
        );
        assert!(refused(("cpu_devices", Value::Int(1))).starts_with("unknown client option cpu_devices"));
        let error = options(&[], Some(("JACINTH_CPU_NUM_THREADS", "many"))).unwrap_err();
        assert_eq!(error, "JACINTH_CPU_NUM_THREADS must be an integer, got \"many\"");
    }
}
