//! A client: a plugin's devices and memories in this process, and where buffers and executables are made.

use crate::device::{Device, DeviceInfo};
use crate::error::{Error, Result};
use crate::event::in_callback;
use crate::loaded_executable::LoadedExecutable;
use crate::memory::{Memory, MemoryInfo};
use crate::plugin::{Plugin, owned_text};
use crate::program::{Program, check_compile_options};
use crate::topology::TopologyDescription;
use crate::value::NamedValues;
use pjrt_sys as sys;
use std::fmt;
use std::ptr;
use std::sync::Arc;

/// What a client is made with: `cpu_device_count` (int64), `allocator` (string), `visible_devices` (int64 list), …
pub type ClientOptions = NamedValues;

/// A client of a plugin; cheap to clone, and destroyed with its last handle.
///
/// ```
/// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
/// assert_eq!((client.plugin().name(), client.process_index()), ("embedded", 0));
/// assert_eq!(client.devices(), client.addressable_devices());
/// assert!(!client.platform_version().is_empty() && !client.memories().is_empty());
/// # Ok::<(), jacinth_pjrt::Error>(())
/// ```
#[derive(Clone)]
pub struct Client(pub(crate) Arc<ClientInner>);

pub(crate) struct ClientInner {
    pub(crate) plugin: Plugin,
    pub(crate) raw: *mut sys::PJRT_Client,
    pub(crate) devices: Vec<DeviceInfo>,
    /// Indices into `devices`.
    addressable: Vec<usize>,
    pub(crate) memories: Vec<MemoryInfo>,
    platform_name: String,
    platform_version: String,
    process_index: i32,
}

// SAFETY: a PJRT client, its devices and its memories may be used from any thread; what is kept of them is immutable.
unsafe impl Send for ClientInner {}
// SAFETY: as above.
unsafe impl Sync for ClientInner {}

/// Destroys a client that was not taken over, when reading what it holds fails.
struct Fresh {
    plugin: Plugin,
    raw: *mut sys::PJRT_Client,
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if !self.raw.is_null() {
            let _ = call!(self.plugin.table(), PJRT_Client_Destroy { client: self.raw });
        }
    }
}

impl Client {
    /// Makes a client of `plugin`; without devices of its kind on this machine the plugin refuses.
    ///
    /// ```
    /// # use jacinth_pjrt::{Client, ClientOptions, Plugin};
    /// let plugin = Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?;
    /// assert_eq!(Client::new(plugin, &ClientOptions::new())?.platform_name(), "jacinth");
    /// let error = Client::new(plugin, &ClientOptions::new().with("cpu_device_count", "two")).unwrap_err();
    /// assert!(error.message.contains("cpu_device_count is an int64"));
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    ///
    /// # Errors
    /// The plugin's refusal, or an option of another kind than the plugin's.
    pub fn new(plugin: Plugin, options: &ClientOptions) -> Result<Client> {
        check_options(options)?;
        let table = plugin.table();
        let create_options = options.to_abi();
        let args = call!(
            table,
            PJRT_Client_Create { create_options: create_options.as_ptr(), num_options: create_options.len() }
        )?;
        let mut fresh = Fresh { plugin, raw: args.client };
        let raw = fresh.raw;
        if raw.is_null() {
            return Err(Error::new(
                crate::ErrorCode::Internal,
                "PJRT_Client_Create",
                "the plugin gave neither a client nor an error",
            ));
        }
        let args = call!(table, PJRT_Client_PlatformName { client: raw })?;
        // SAFETY: the text lives as long as the client, and is copied.
        let platform_name = unsafe { owned_text(args.platform_name, args.platform_name_size) };
        let args = call!(table, PJRT_Client_PlatformVersion { client: raw })?;
        // SAFETY: as above.
        let platform_version = unsafe { owned_text(args.platform_version, args.platform_version_size) };
        let process_index = call!(table, PJRT_Client_ProcessIndex { client: raw })?.process_index;
        let args = call!(table, PJRT_Client_Devices { client: raw })?;
        // SAFETY: the list lives as long as the client.
        let devices = unsafe { crate::api::slice(args.devices, args.num_devices) };
        let device_index = |raw| devices.iter().position(|device| *device == raw);
        let args = call!(table, PJRT_Client_AddressableDevices { client: raw })?;
        // SAFETY: as above.
        let addressable =
            unsafe { crate::api::slice(args.addressable_devices, args.num_addressable_devices) }
                .iter()
                .filter_map(|raw| device_index(*raw))
                .collect();
        // Early plugins know no memories.
        let memories = match call!(table, PJRT_Client_AddressableMemories { client: raw }) {
            // SAFETY: as above.
            Ok(args) => unsafe {
                crate::api::slice(args.addressable_memories, args.num_addressable_memories)
            },
            Err(error) if error.is_unimplemented() => &[],
            Err(error) => return Err(error),
        };
        let memories =
            memories.iter().map(|raw| MemoryInfo::read(table, *raw, device_index)).collect::<Result<_>>()?;
        let devices = devices.iter().map(|raw| DeviceInfo::read(table, *raw)).collect::<Result<_>>()?;
        fresh.raw = ptr::null_mut();
        Ok(Client(Arc::new(ClientInner {
            plugin,
            raw,
            devices,
            addressable,
            memories,
            platform_name,
            platform_version,
            process_index,
        })))
    }

    /// The plugin it belongs to.
    pub fn plugin(&self) -> Plugin {
        self.0.plugin
    }

    /// The platform's name: `cpu`, `cuda`, `tpu`.
    pub fn platform_name(&self) -> &str {
        &self.0.platform_name
    }

    /// The platform's version, in the plugin's words.
    pub fn platform_version(&self) -> &str {
        &self.0.platform_version
    }

    /// The number of this process among those that share the platform.
    pub fn process_index(&self) -> i32 {
        self.0.process_index
    }

    /// Every device, those of other processes included.
    pub fn devices(&self) -> Vec<Device> {
        (0..self.0.devices.len()).map(|index| self.device_at(index)).collect()
    }

    /// The devices that this process can use.
    pub fn addressable_devices(&self) -> Vec<Device> {
        self.0.addressable.iter().map(|&index| self.device_at(index)).collect()
    }

    /// The device of that number.
    ///
    /// ```
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// assert_eq!(client.device(0), client.devices().first().cloned());
    /// assert!(client.device(99).is_none());
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn device(&self, id: i32) -> Option<Device> {
        (0..self.0.devices.len()).map(|index| self.device_at(index)).find(|device| device.id() == id)
    }

    fn device_at(&self, index: usize) -> Device {
        Device { client: Arc::clone(&self.0), index }
    }

    /// The memories that this process can use.
    pub fn memories(&self) -> Vec<Memory> {
        (0..self.0.memories.len()).map(|index| Memory { client: Arc::clone(&self.0), index }).collect()
    }

    /// Compiles `program` for this client's devices; `options` is a serialised `CompileOptionsProto`.
    ///
    /// Options that are empty or that name no replica or no partition are refused here: XLA's CPU plugin aborts on them.
    ///
    /// ```
    /// # use jacinth_pjrt::Program;
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// let text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> { return %x : tensor<2xf32> }";
    /// let options = jacinth_lowering::options::CompileOptions::default().encode();
    /// assert_eq!(client.compile(&Program::mlir(text), &options)?.num_outputs(), 1);
    /// assert!(client.compile(&Program::mlir("func"), &options).is_err());
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    ///
    /// # Errors
    /// The options are refused, or the plugin does not compile the program: its sentence says why.
    pub fn compile(&self, program: &Program, options: &[u8]) -> Result<LoadedExecutable> {
        check_compile_options("Client::compile", options)?;
        let program = program.to_abi();
        let args = call!(
            self.0.table(),
            PJRT_Client_Compile {
                client: self.0.raw,
                program: &raw const program,
                compile_options: options.as_ptr().cast(),
                compile_options_size: options.len(),
            }
        )?;
        // SAFETY: the executable is new and ours.
        unsafe { LoadedExecutable::from_raw(Arc::clone(&self.0), args.executable, "PJRT_Client_Compile") }
    }

    /// Loads what [`Executable::serialize`](crate::Executable::serialize) of the same plugin version gave; `options` (a
    /// `CompileOptionsProto`) replaces those it was compiled with.
    ///
    /// ```
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    /// #     %y = stablehlo.add %x, %x : tensor<2xf32>
    /// #     return %y : tensor<2xf32>
    /// # }";
    /// # let options = jacinth_lowering::options::CompileOptions::default().encode();
    /// # let program = client.compile(&jacinth_pjrt::Program::mlir(text), &options)?;
    /// let bytes = program.executable().serialize()?;
    /// assert_eq!(client.deserialize_and_load(&bytes, None)?.num_outputs(), 1);
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    ///
    /// # Errors
    /// The bytes are not what this version of the plugin wrote, or the options are refused.
    pub fn deserialize_and_load(&self, bytes: &[u8], options: Option<&[u8]>) -> Result<LoadedExecutable> {
        const F: &str = "Client::deserialize_and_load";
        if bytes.is_empty() {
            return Err(Error::invalid(F, "the serialised executable is empty"));
        }
        if let Some(options) = options {
            check_compile_options(F, options)?;
        }
        let args = call!(
            self.0.table(),
            PJRT_Executable_DeserializeAndLoad {
                client: self.0.raw,
                serialized_executable: bytes.as_ptr().cast(),
                serialized_executable_size: bytes.len(),
                overridden_serialized_compile_options: options
                    .map_or(ptr::null(), |options| options.as_ptr().cast()),
                overridden_serialized_compile_options_size: options.map_or(0, <[u8]>::len),
            }
        )?;
        // SAFETY: the executable is new and ours.
        unsafe {
            LoadedExecutable::from_raw(
                Arc::clone(&self.0),
                args.loaded_executable,
                "PJRT_Executable_DeserializeAndLoad",
            )
        }
    }

    /// Which devices a program of that many replicas and partitions runs on by default: `[replica][partition]`, by id.
    ///
    /// ```
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// assert_eq!(client.default_device_assignment(1, 1)?, [[0]]);
    /// assert!(client.default_device_assignment(1, 100).is_err());
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    ///
    /// # Errors
    /// More processes than devices, or none.
    pub fn default_device_assignment(&self, replicas: usize, partitions: usize) -> Result<Vec<Vec<i32>>> {
        const F: &str = "Client::default_device_assignment";
        let small = |n: usize| i32::try_from(n).ok().filter(|n| *n > 0);
        let (Some(r), Some(p), Some(len)) =
            (small(replicas), small(partitions), replicas.checked_mul(partitions).filter(|n| *n < 1 << 24))
        else {
            return Err(Error::invalid(
                F,
                format!("{replicas} replicas by {partitions} partitions is no assignment"),
            ));
        };
        let mut assignment = vec![0; len];
        call!(
            self.0.table(),
            PJRT_Client_DefaultDeviceAssignment {
                client: self.0.raw,
                num_replicas: r,
                num_partitions: p,
                default_assignment_size: len,
                default_assignment: assignment.as_mut_ptr(),
            }
        )?;
        // XLA:CPU counts on past its last device.
        if let Some(id) = assignment.iter().find(|id| self.device(**id).is_none()) {
            return Err(Error::invalid(
                F,
                format!(
                    "{replicas} replicas by {partitions} partitions need device {id}, and the client has {} devices",
                    self.0.devices.len()
                ),
            ));
        }
        Ok(assignment.chunks(partitions).map(<[i32]>::to_vec).collect())
    }

    /// The topology of this client's devices.
    ///
    /// ```
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// assert_eq!(client.topology()?.devices()?.len(), client.devices().len());
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    ///
    /// # Errors
    /// The plugin has no topologies.
    pub fn topology(&self) -> Result<TopologyDescription> {
        TopologyDescription::of_client(self)
    }
}

/// Refuses options whose kind a plugin does not check itself: XLA's CPU plugin throws a C++ exception, which aborts.
fn check_options(options: &ClientOptions) -> Result<()> {
    const INTEGERS: &[&str] = &["cpu_device_count"];
    for name in INTEGERS {
        if let Some(value) = options.get(name)
            && value.as_i64().is_none()
        {
            return Err(Error::invalid(
                "Client::new",
                format!("the option {name} is an int64, and `{value}` is {}", value.kind()),
            ));
        }
    }
    Ok(())
}

impl ClientInner {
    #[inline]
    pub(crate) fn table(&self) -> &'static sys::PJRT_Api {
        self.plugin.table()
    }

    pub(crate) fn memory(self: &Arc<Self>, raw: *mut sys::PJRT_Memory) -> Option<Memory> {
        let index = self.memories.iter().position(|memory| memory.raw == raw)?;
        Some(Memory { client: Arc::clone(self), index })
    }

    pub(crate) fn device(self: &Arc<Self>, raw: *mut sys::PJRT_Device) -> Option<Device> {
        let index = self.devices.iter().position(|device| device.raw == raw)?;
        Some(Device { client: Arc::clone(self), index })
    }
}

impl Drop for ClientInner {
    fn drop(&mut self) {
        let fresh = Fresh { plugin: self.plugin, raw: self.raw };
        if in_callback() {
            // A client joins its threads when it is destroyed: not from one of them.
            struct Sent(Fresh);
            // SAFETY: the last handle is gone; the client is used by nobody but the thread that destroys it.
            unsafe impl Send for Sent {}
            let sent = Sent(fresh);
            let spawned = std::thread::Builder::new().name("pjrt-client-drop".into()).spawn(move || {
                let sent = sent;
                drop(sent.0);
            });
            // Without a thread the closure, and with it the client, was dropped here: the best that is left.
            drop(spawned);
        }
    }
}

impl PartialEq for Client {
    fn eq(&self, other: &Client) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Client {}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("plugin", &self.0.plugin.name())
            .field("platform", &self.platform_name())
            .field("devices", &self.0.devices.len())
            .finish()
    }
}

/// Where a buffer goes: a device's default memory, or a memory.
///
/// ```
/// # use jacinth_pjrt::Buffer;
/// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
/// let memory = client.memories().remove(0); // a memory, or a device, whose default memory is meant
/// assert_eq!(Buffer::from_slice(&[1.0f32], &[1], &memory)?.memory()?, memory);
/// # Ok::<(), jacinth_pjrt::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub enum Placement<'a> {
    Device(&'a Device),
    Memory(&'a Memory),
}

impl<'a> From<&'a Device> for Placement<'a> {
    fn from(device: &'a Device) -> Placement<'a> {
        Placement::Device(device)
    }
}

impl<'a> From<&'a Memory> for Placement<'a> {
    fn from(memory: &'a Memory) -> Placement<'a> {
        Placement::Memory(memory)
    }
}

impl Placement<'_> {
    pub(crate) fn client(&self) -> &Arc<ClientInner> {
        match self {
            Placement::Device(device) => &device.client,
            Placement::Memory(memory) => &memory.client,
        }
    }
}
