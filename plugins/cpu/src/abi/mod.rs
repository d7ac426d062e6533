//! The PJRT C ABI of the embedded plugin: the table, and one file per object.
//!
//! Every slot of the 0.90 table is filled: a function that is not supported returns code 12 with a sentence. Every entry
//! goes through the guard. Nothing here aborts, and no panic crosses the table.
//!
//! Invariants: the declared version is the header's whose table this is; handles are pointers to our own objects and stay
//! valid until their `Destroy`; `Args` in `guard` is the only way from a caller's pointer to a reference.

// The header's constants stand in patterns.
#![allow(non_upper_case_globals)]

mod buffer;
mod client;
mod device;
mod error;
mod event;
mod executable;
mod execute;
mod extensions;
mod ffi;
mod guard;
mod named_value;
mod plugin;
mod program;
mod queue;
mod stream;
mod topology;
mod tracking;
mod transfer;

use pjrt_sys::*;

/// The table.
struct Table(PJRT_Api);

// SAFETY: the table is never changed; its pointers are to static data.
unsafe impl Sync for Table {}

/// The plugin's function table, of API version 0.90.
pub(crate) fn table() -> &'static PJRT_Api {
    &TABLE.0
}

static TABLE: Table = Table(PJRT_Api {
    struct_size: PJRT_Api_STRUCT_SIZE,
    extension_start: extensions::start(),
    pjrt_api_version: PJRT_Api_Version {
        struct_size: PJRT_Api_Version_STRUCT_SIZE,
        extension_start: std::ptr::null_mut(),
        major_version: PJRT_API_MAJOR as i32,
        minor_version: PJRT_API_MINOR as i32,
    },
    PJRT_Error_Destroy: Some(error::destroy),
    PJRT_Error_Message: Some(error::message),
    PJRT_Error_GetCode: Some(error::get_code),
    PJRT_Plugin_Initialize: Some(plugin::initialize),
    PJRT_Plugin_Attributes: Some(plugin::attributes),
    PJRT_Event_Destroy: Some(event::destroy),
    PJRT_Event_IsReady: Some(event::is_ready),
    PJRT_Event_Error: Some(event::error),
    PJRT_Event_Await: Some(event::await_),
    PJRT_Event_OnReady: Some(event::on_ready),
    PJRT_Client_Create: Some(client::create),
    PJRT_Client_Destroy: Some(client::destroy),
    PJRT_Client_PlatformName: Some(client::platform_name),
    PJRT_Client_ProcessIndex: Some(client::process_index),
    PJRT_Client_PlatformVersion: Some(client::platform_version),
    PJRT_Client_Devices: Some(client::devices),
    PJRT_Client_AddressableDevices: Some(client::addressable_devices),
    PJRT_Client_LookupDevice: Some(client::lookup_device),
    PJRT_Client_LookupAddressableDevice: Some(client::lookup_addressable_device),
    PJRT_Client_AddressableMemories: Some(client::addressable_memories),
    PJRT_Client_Compile: Some(executable::client_compile),
    PJRT_Client_DefaultDeviceAssignment: Some(client::default_device_assignment),
    PJRT_Client_BufferFromHostBuffer: Some(transfer::from_host),
    PJRT_DeviceDescription_Id: Some(device::description_id),
    PJRT_DeviceDescription_ProcessIndex: Some(device::description_process_index),
    PJRT_DeviceDescription_Attributes: Some(device::description_attributes),
    PJRT_DeviceDescription_Kind: Some(device::description_kind),
    PJRT_DeviceDescription_DebugString: Some(device::description_debug_string),
    PJRT_DeviceDescription_ToString: Some(device::description_to_string),
    PJRT_Device_GetDescription: Some(device::get_description),
    PJRT_Device_IsAddressable: Some(device::is_addressable),
    PJRT_Device_LocalHardwareId: Some(device::local_hardware_id),
    PJRT_Device_AddressableMemories: Some(device::addressable_memories),
    PJRT_Device_DefaultMemory: Some(device::default_memory),
    PJRT_Device_MemoryStats: Some(device::memory_stats),
    PJRT_Memory_Id: Some(device::memory_id),
    PJRT_Memory_Kind: Some(device::memory_kind),
    PJRT_Memory_DebugString: Some(device::memory_debug_string),
    PJRT_Memory_ToString: Some(device::memory_to_string),
    PJRT_Memory_AddressableByDevices: Some(device::memory_addressable_by_devices),
    PJRT_Executable_Destroy: Some(executable::destroy),
    PJRT_Executable_Name: Some(executable::name),
    PJRT_Executable_NumReplicas: Some(executable::num_replicas),
    PJRT_Executable_NumPartitions: Some(executable::num_partitions),
    PJRT_Executable_NumOutputs: Some(executable::num_outputs),
    PJRT_Executable_SizeOfGeneratedCodeInBytes: Some(executable::size_of_generated_code),
    PJRT_Executable_GetCostAnalysis: Some(executable::cost_analysis),
    PJRT_Executable_OutputMemoryKinds: Some(executable::output_memory_kinds),
    PJRT_Executable_OptimizedProgram: Some(executable::optimized_program),
    PJRT_Executable_Serialize: Some(executable::serialize),
    PJRT_LoadedExecutable_Destroy: Some(executable::loaded_destroy),
    PJRT_LoadedExecutable_GetExecutable: Some(executable::get_executable),
    PJRT_LoadedExecutable_AddressableDevices: Some(executable::loaded_devices),
    PJRT_LoadedExecutable_Delete: Some(executable::delete),
    PJRT_LoadedExecutable_IsDeleted: Some(executable::is_deleted),
    PJRT_LoadedExecutable_Execute: Some(execute::execute),
    PJRT_Executable_DeserializeAndLoad: Some(executable::deserialize_and_load),
    PJRT_LoadedExecutable_Fingerprint: Some(executable::loaded_fingerprint),
    PJRT_Buffer_Destroy: Some(buffer::destroy),
    PJRT_Buffer_ElementType: Some(buffer::get_element_type),
    PJRT_Buffer_Dimensions: Some(buffer::dimensions),
    PJRT_Buffer_UnpaddedDimensions: Some(buffer::unpadded_dimensions),
    PJRT_Buffer_DynamicDimensionIndices: Some(buffer::dynamic_dimension_indices),
    PJRT_Buffer_GetMemoryLayout: Some(buffer::get_memory_layout),
    PJRT_Buffer_OnDeviceSizeInBytes: Some(buffer::on_device_size),
    PJRT_Buffer_Device: Some(buffer::get_device),
    PJRT_Buffer_Memory: Some(buffer::get_memory),
    PJRT_Buffer_Delete: Some(buffer::delete),
    PJRT_Buffer_IsDeleted: Some(buffer::is_deleted),
    PJRT_Buffer_CopyToDevice: Some(transfer::copy_to_device),
    PJRT_Buffer_ToHostBuffer: Some(transfer::to_host),
    PJRT_Buffer_IsOnCpu: Some(buffer::is_on_cpu),
    PJRT_Buffer_ReadyEvent: Some(buffer::ready_event),
    PJRT_Buffer_UnsafePointer: Some(buffer::unsafe_pointer),
    PJRT_Buffer_IncreaseExternalReferenceCount: Some(buffer::increase_external_reference_count),
    PJRT_Buffer_DecreaseExternalReferenceCount: Some(buffer::decrease_external_reference_count),
    PJRT_Buffer_OpaqueDeviceMemoryDataPointer: Some(buffer::opaque_pointer),
    PJRT_CopyToDeviceStream_Destroy: Some(stream::destroy),
    PJRT_CopyToDeviceStream_AddChunk: Some(stream::add_chunk),
    PJRT_CopyToDeviceStream_TotalBytes: Some(stream::total_bytes),
    PJRT_CopyToDeviceStream_GranuleSize: Some(stream::granule_size),
    PJRT_CopyToDeviceStream_CurrentBytes: Some(stream::current_bytes),
    PJRT_TopologyDescription_Create: Some(topology::create),
    PJRT_TopologyDescription_Destroy: Some(topology::destroy),
    PJRT_TopologyDescription_PlatformName: Some(topology::platform_name),
    PJRT_TopologyDescription_PlatformVersion: Some(topology::platform_version),
    PJRT_TopologyDescription_GetDeviceDescriptions: Some(topology::get_device_descriptions),
    PJRT_TopologyDescription_Serialize: Some(topology::serialize),
    PJRT_TopologyDescription_Attributes: Some(topology::attributes),
    PJRT_Compile: Some(executable::compile_for_topology),
    PJRT_Executable_OutputElementTypes: Some(executable::output_element_types),
    PJRT_Executable_OutputDimensions: Some(executable::output_dimensions),
    PJRT_Buffer_CopyToMemory: Some(transfer::copy_to_memory),
    PJRT_Client_CreateViewOfDeviceBuffer: Some(transfer::create_view),
    PJRT_Executable_Fingerprint: Some(executable::fingerprint),
    PJRT_Client_TopologyDescription: Some(client::topology_description),
    PJRT_Executable_GetCompiledMemoryStats: Some(executable::compiled_memory_stats),
    PJRT_Memory_Kind_Id: Some(device::memory_kind_id),
    PJRT_ExecuteContext_Create: Some(tracking::create_context),
    PJRT_ExecuteContext_Destroy: Some(tracking::destroy_context),
    PJRT_Buffer_CopyRawToHost: Some(transfer::copy_raw_to_host),
    PJRT_AsyncHostToDeviceTransferManager_Destroy: Some(transfer::transfers_destroy),
    PJRT_AsyncHostToDeviceTransferManager_TransferData: Some(transfer::transfers_data),
    PJRT_Client_CreateBuffersForAsyncHostToDevice: Some(transfer::create_transfers),
    PJRT_AsyncHostToDeviceTransferManager_RetrieveBuffer: Some(transfer::transfers_retrieve),
    PJRT_AsyncHostToDeviceTransferManager_Device: Some(transfer::transfers_device),
    PJRT_AsyncHostToDeviceTransferManager_BufferCount: Some(transfer::transfers_count),
    PJRT_AsyncHostToDeviceTransferManager_BufferSize: Some(transfer::transfers_size),
    PJRT_AsyncHostToDeviceTransferManager_SetBufferError: Some(transfer::transfers_error),
    PJRT_AsyncHostToDeviceTransferManager_AddMetadata: Some(transfer::transfers_metadata),
    PJRT_Client_DmaMap: Some(client::dma_map),
    PJRT_Client_DmaUnmap: Some(client::dma_unmap),
    PJRT_Client_CreateUninitializedBuffer: Some(transfer::create_uninitialized),
    PJRT_Client_UpdateGlobalProcessInfo: Some(client::update_global_process_info),
    PJRT_TopologyDescription_Deserialize: Some(topology::deserialize),
    PJRT_Client_CreateAliasBuffer: Some(transfer::create_alias),
    PJRT_Client_FulfillAliasBuffer: Some(transfer::fulfill_alias),
    PJRT_LoadedExecutable_GetDeviceAssignment: Some(executable::device_assignment),
    PJRT_Client_CreateErrorBuffer: Some(transfer::create_error),
    PJRT_AsyncHostToDeviceTransferManager_TransferLiteral: Some(transfer::transfers_literal),
    PJRT_Buffer_CopyRawToHostFuture: Some(transfer::copy_raw_to_host_future),
    PJRT_Device_PoisonExecution: Some(device::poison_execution),
    PJRT_Device_CreateAsyncTrackingEvent: Some(tracking::create_tracking_event),
    PJRT_AsyncTrackingEvent_Destroy: Some(tracking::destroy_tracking_event),
    PJRT_Executable_GetCompileOptions: Some(executable::get_compile_options),
    PJRT_Buffer_DonateWithControlDependency: Some(buffer::donate_with_control_dependency),
    PJRT_Event_Create: Some(event::create),
    PJRT_Event_Set: Some(event::set),
});

#[cfg(test)]
mod tests;
