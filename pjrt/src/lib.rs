//! Safe PJRT: load a plugin, make a client, compile a program, move buffers, execute.
//!
//! One file per object of the C API (header version 0.90): [`Plugin`], [`Client`], [`Device`], [`Memory`], [`Buffer`],
//! [`Program`], [`LoadedExecutable`] and [`Executable`], [`Event`], [`TopologyDescription`], and one [`Error`]. This is the
//! only place where the client side touches the ABI, and it treats every plugin alike: XLA's libraries and the
//! embedded CPU plugin are driven through the same calls.
//!
//! Invariants:
//! * A plugin is never unloaded, is initialised once, and its table is copied at the door, so that functions which an
//!   older plugin lacks read as absent ([`Error::is_unimplemented`]) and never as memory behind its table.
//! * Every handle keeps its client alive; a client is destroyed after its last buffer, executable and device handle,
//!   and never on a thread that runs one of the plugin's callbacks.
//! * Memory that a transfer may still touch is owned by the transfer: dropping an event, a copy or a buffer early
//!   is always allowed.
//! * What is known to abort a plugin is refused here with a sentence (empty compile options, strides that leave
//!   the host data).
//!
//! Programs call back into this process through [`ffi`].
//!
//! Deliberately absent: StableHLO types and compile options as values (`jacinth-lowering` writes the bytes), discovery
//! (`jacinth-plugins`), transfer managers, send and receive callbacks, and the multi-process key-value store.

#[macro_use]
mod api;
mod buffer;
mod client;
mod device;
mod element;
mod element_type;
mod error;
mod event;
mod executable;
pub mod ffi;
mod loaded_executable;
mod memory;
mod plugin;
mod program;
mod topology;
mod value;

pub use buffer::{Buffer, HostArray, HostCopy, HostSemantics};
pub use client::{Client, ClientOptions, Placement};
pub use device::{Device, DeviceDescription, MemoryStats};
pub use element::{Element, HostBytes};
pub use element_type::ElementType;
pub use error::{Error, ErrorCode, Result};
pub use event::{Event, EventFuture};
pub use executable::{CompiledMemoryStats, Executable};
pub use loaded_executable::{ExecuteOptions, Execution, LoadedExecutable, Outputs};
pub use memory::Memory;
pub use plugin::{ApiVersion, Extension, ExtensionType, MIN_API_MINOR, Origin, Plugin};
pub use program::Program;
pub use topology::TopologyDescription;
pub use value::{NamedValues, Value};
