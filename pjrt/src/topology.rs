//! A topology: devices described without being here, and compilation for them ahead of time.

use crate::client::{Client, ClientInner};
use crate::device::DeviceDescription;
use crate::error::{Error, ErrorCode, Result};
use crate::executable::{Executable, copy_and_delete};
use crate::plugin::{Plugin, owned_text};
use crate::program::{Program, check_compile_options};
use crate::value::NamedValues;
use pjrt_sys as sys;
use std::fmt;
use std::ptr;
use std::sync::Arc;

/// A set of devices, present or not, that a plugin can compile for.
///
/// ```
/// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
/// let topology = client.topology()?;
/// assert_eq!(topology.platform_name()?, client.platform_name());
/// assert_eq!(topology.devices()?[0], *client.devices()[0].description());
/// topology.attributes()?;
/// assert!(!topology.platform_version()?.is_empty());
/// # Ok::<(), jacinth_pjrt::Error>(())
/// ```
pub struct TopologyDescription {
    plugin: Plugin,
    raw: *mut sys::PJRT_TopologyDescription,
    /// The client that owns it; without one it is ours.
    client: Option<Arc<ClientInner>>,
}

// SAFETY: PJRT topologies are immutable and may be used and destroyed from any thread.
unsafe impl Send for TopologyDescription {}
// SAFETY: as above.
unsafe impl Sync for TopologyDescription {}

impl TopologyDescription {
    /// The topology that the plugin knows by `name`.
    ///
    /// An empty name is refused: libtpu silently reads it as TPU v2. The options are the plugin's (`num_slices`, `wrap`,
    /// `target_config`).
    pub(crate) fn create(plugin: Plugin, name: &str, options: &NamedValues) -> Result<TopologyDescription> {
        if name.is_empty() {
            return Err(Error::invalid("Plugin::topology", "the topology's name is empty"));
        }
        let create_options = options.to_abi();
        let args = call!(
            plugin.table(),
            PJRT_TopologyDescription_Create {
                topology_name: name.as_ptr().cast(),
                topology_name_size: name.len(),
                create_options: create_options.as_ptr(),
                num_options: create_options.len(),
            }
        )?;
        TopologyDescription::owned(plugin, args.topology, "PJRT_TopologyDescription_Create")
    }

    pub(crate) fn of_client(client: &Client) -> Result<TopologyDescription> {
        let args = call!(client.0.table(), PJRT_Client_TopologyDescription { client: client.0.raw })?;
        if args.topology.is_null() {
            return Err(nothing("PJRT_Client_TopologyDescription"));
        }
        Ok(TopologyDescription {
            plugin: client.0.plugin,
            raw: args.topology,
            client: Some(Arc::clone(&client.0)),
        })
    }

    /// Reads what [`serialize`](TopologyDescription::serialize) gave.
    ///
    /// ```
    /// # use jacinth_pjrt::TopologyDescription;
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// let bytes = client.topology()?.serialize()?;
    /// assert_eq!(TopologyDescription::deserialize(client.plugin(), &bytes)?.devices()?.len(), 1);
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn deserialize(plugin: Plugin, bytes: &[u8]) -> Result<TopologyDescription> {
        let args = call!(
            plugin.table(),
            PJRT_TopologyDescription_Deserialize {
                serialized_topology: bytes.as_ptr().cast(),
                serialized_topology_size: bytes.len(),
            }
        )?;
        TopologyDescription::owned(plugin, args.topology, "PJRT_TopologyDescription_Deserialize")
    }

    fn owned(
        plugin: Plugin,
        raw: *mut sys::PJRT_TopologyDescription,
        function: &'static str,
    ) -> Result<TopologyDescription> {
        if raw.is_null() {
            Err(nothing(function))
        } else {
            Ok(TopologyDescription { plugin, raw, client: None })
        }
    }

    fn table(&self) -> &'static sys::PJRT_Api {
        self.plugin.table()
    }

    /// The platform's name: `cpu`, `cuda`, `tpu`.
    pub fn platform_name(&self) -> Result<String> {
        let args = call!(self.table(), PJRT_TopologyDescription_PlatformName { topology: self.raw })?;
        // SAFETY: the text lives as long as the topology, and is copied.
        Ok(unsafe { owned_text(args.platform_name, args.platform_name_size) })
    }

    /// The platform's version, in the plugin's words.
    pub fn platform_version(&self) -> Result<String> {
        let args = call!(self.table(), PJRT_TopologyDescription_PlatformVersion { topology: self.raw })?;
        // SAFETY: as above.
        Ok(unsafe { owned_text(args.platform_version, args.platform_version_size) })
    }

    /// What the vendor tells of it.
    pub fn attributes(&self) -> Result<NamedValues> {
        let args = call!(self.table(), PJRT_TopologyDescription_Attributes { topology: self.raw })?;
        // SAFETY: the list lives as long as the topology, and is copied.
        Ok(unsafe { NamedValues::from_abi(args.attributes, args.num_attributes) })
    }

    /// Its devices.
    pub fn devices(&self) -> Result<Vec<DeviceDescription>> {
        let args =
            call!(self.table(), PJRT_TopologyDescription_GetDeviceDescriptions { topology: self.raw })?;
        // SAFETY: the list lives as long as the topology, and is copied.
        unsafe { crate::api::slice(args.descriptions, args.num_descriptions) }
            .iter()
            .map(|raw| DeviceDescription::read(self.table(), *raw))
            .collect()
    }

    /// The topology as bytes.
    ///
    /// ```
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// assert!(!client.topology()?.serialize()?.is_empty());
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn serialize(&self) -> Result<Vec<u8>> {
        let args = call!(self.table(), PJRT_TopologyDescription_Serialize { topology: self.raw })?;
        // SAFETY: the bytes are the plugin's, backed by the object that the deleter takes.
        Ok(unsafe {
            copy_and_delete(
                args.serialized_bytes,
                args.serialized_bytes_size,
                args.serialized_topology,
                args.serialized_topology_deleter,
            )
        })
    }

    /// Compiles `program` for these devices without loading it; `options` is a serialised `CompileOptionsProto`, checked as
    /// in [`Client::compile`].
    ///
    /// ```
    /// # use jacinth_pjrt::Program;
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// let text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> { return %x : tensor<2xf32> }";
    /// let options = jacinth_lowering::options::CompileOptions::default().encode();
    /// let executable = client.topology()?.compile(&Program::mlir(text), &options)?;
    /// let loaded = client.deserialize_and_load(&executable.serialize()?, None)?; // later, elsewhere
    /// assert_eq!(loaded.num_outputs(), 1);
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn compile(&self, program: &Program, options: &[u8]) -> Result<Executable> {
        check_compile_options("TopologyDescription::compile", options)?;
        let program = program.to_abi();
        let args = call!(
            self.table(),
            PJRT_Compile {
                topology: self.raw,
                program: &raw const program,
                compile_options: options.as_ptr().cast(),
                compile_options_size: options.len(),
                client: self.client.as_ref().map_or(ptr::null_mut(), |client| client.raw),
            }
        )?;
        // SAFETY: the executable is new and ours.
        unsafe { Executable::from_raw(self.plugin, args.executable, self.client.clone(), "PJRT_Compile") }
    }
}

fn nothing(function: &'static str) -> Error {
    Error::new(ErrorCode::Internal, function, "the plugin gave neither a topology nor an error")
}

impl Drop for TopologyDescription {
    fn drop(&mut self) {
        if self.client.is_none() {
            // A topology that cannot be destroyed is leaked.
            let _ = call!(self.plugin.table(), PJRT_TopologyDescription_Destroy { topology: self.raw });
        }
    }
}

impl fmt::Debug for TopologyDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TopologyDescription")
            .field("platform", &self.platform_name().unwrap_or_default())
            .finish_non_exhaustive()
    }
}
