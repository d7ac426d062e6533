//! The table's extensions: Layouts (version 3), MemoryDescriptions (version 1), and FFI, whose entries are in `ffi`.
//!
//! There is one layout for each rank, row-major, whose serial form is its minor-to-major order as XLA prints it: `{1,0}`.

use pjrt_sys::*;

use super::buffer::{MAX_RANK, element_type, minor_to_major};
use super::device::KINDS;
use super::guard::{entries, opaque};
use crate::{Error, Result};

opaque! {
    PJRT_Layouts_MemoryLayout => Layout;
    PJRT_Layouts_SerializedLayout => String;
    PJRT_MemoryDescription => MemoryDescription;
}

/// A row-major layout of so many dimensions; they are all static.
#[derive(Debug)]
pub(super) struct Layout {
    rank: usize,
}

static LAYOUTS: [Layout; MAX_RANK + 1] = {
    let mut layouts = [const { Layout { rank: 0 } }; MAX_RANK + 1];
    let mut rank = 0;
    while rank <= MAX_RANK {
        layouts[rank].rank = rank;
        rank += 1;
    }
    layouts
};

impl Layout {
    /// The layout of arrays of `rank` dimensions, at most [`MAX_RANK`].
    pub(super) fn of(rank: usize) -> &'static Layout {
        &LAYOUTS[rank]
    }

    fn handle(&self) -> *mut PJRT_Layouts_MemoryLayout {
        (&raw const *self).cast_mut().cast()
    }
}

/// A kind of memory.
#[derive(Debug)]
pub(super) struct MemoryDescription {
    kind: usize,
}

static MEMORIES: [MemoryDescription; KINDS.len()] =
    [MemoryDescription { kind: 0 }, MemoryDescription { kind: 1 }, MemoryDescription { kind: 2 }];

/// Pointers to [`MEMORIES`].
struct MemoryList([*const PJRT_MemoryDescription; KINDS.len()]);

// SAFETY: the pointers are to static data that is never changed.
unsafe impl Sync for MemoryList {}

static MEMORY_LIST: MemoryList = MemoryList([
    (&raw const MEMORIES[0]).cast(),
    (&raw const MEMORIES[1]).cast(),
    (&raw const MEMORIES[2]).cast(),
]);

/// The extensions, in a chain.
struct Chain {
    layouts: PJRT_Layouts_Extension,
    memories: PJRT_MemoryDescriptions_Extension,
    ffi: PJRT_FFI_Extension,
}

// SAFETY: the structs are never changed; their pointers are to static data.
unsafe impl Sync for Chain {}

static CHAIN: Chain = Chain {
    layouts: PJRT_Layouts_Extension {
        base: PJRT_Extension_Base {
            struct_size: PJRT_Layouts_Extension_STRUCT_SIZE,
            type_: PJRT_Extension_Type_Layouts,
            next: (&raw const CHAIN.memories).cast_mut().cast(),
        },
        PJRT_Layouts_MemoryLayout_Destroy: Some(layout_destroy),
        PJRT_Layouts_MemoryLayout_Serialize: Some(layout_serialize),
        PJRT_Layouts_PJRT_Client_GetDefaultLayout: Some(client_default_layout),
        PJRT_Layouts_PJRT_Buffer_MemoryLayout: Some(buffer_layout),
        PJRT_Layouts_PJRT_Topology_GetDefaultLayout: Some(topology_default_layout),
        PJRT_Layouts_PJRT_Executable_GetOutputLayouts: Some(output_layouts),
    },
    memories: PJRT_MemoryDescriptions_Extension {
        base: PJRT_Extension_Base {
            struct_size: PJRT_MemoryDescriptions_Extension_STRUCT_SIZE,
            type_: PJRT_Extension_Type_MemoryDescriptions,
            next: (&raw const CHAIN.ffi).cast_mut().cast(),
        },
        PJRT_DeviceDescription_MemoryDescriptions: Some(memory_descriptions),
        PJRT_MemoryDescription_Kind: Some(memory_description_kind),
    },
    ffi: super::ffi::extension(std::ptr::null_mut()),
};

/// Where the chain begins.
pub(super) const fn start() -> *mut PJRT_Extension_Base {
    (&raw const CHAIN.layouts).cast_mut().cast()
}

fn default_layout(element: PJRT_Buffer_Type, rank: usize) -> Result<*mut PJRT_Layouts_MemoryLayout> {
    element_type(element)?;
    if rank > MAX_RANK {
        return Err(Error::invalid(format!("an array of {rank} dimensions: at most {MAX_RANK}")));
    }
    Ok(Layout::of(rank).handle())
}

entries! {
    /// `PJRT_Layouts_MemoryLayout_Destroy`: layouts are static, so there is nothing to do.
    layout_destroy(args: PJRT_Layouts_MemoryLayout_Destroy_Args) {
        let _ = &args;
        Ok(())
    }

    /// `PJRT_Layouts_MemoryLayout_Serialize`.
    layout_serialize(args: PJRT_Layouts_MemoryLayout_Serialize_Args) {
        let order = minor_to_major(args.get(args.layout)?.rank);
        let order: Vec<String> = order.iter().map(i64::to_string).collect();
        let text = Box::new(format!("{{{}}}", order.join(",")));
        args.serialized_bytes = text.as_ptr().cast();
        args.serialized_bytes_size = text.len();
        args.serialized_layout = Box::into_raw(text).cast();
        args.serialized_layout_deleter = Some(delete_serialized);
        Ok(())
    }

    /// `PJRT_Layouts_PJRT_Client_GetDefaultLayout`.
    client_default_layout(args: PJRT_Layouts_PJRT_Client_GetDefaultLayout_Args) {
        args.get(args.client)?;
        args.layout = default_layout(args.type_, args.num_dims)?;
        Ok(())
    }

    /// `PJRT_Layouts_PJRT_Buffer_MemoryLayout`.
    buffer_layout(args: PJRT_Layouts_PJRT_Buffer_MemoryLayout_Args) {
        args.layout = Layout::of(args.get(args.buffer)?.ty().rank()).handle();
        Ok(())
    }

    /// `PJRT_Layouts_PJRT_Topology_GetDefaultLayout`.
    topology_default_layout(args: PJRT_Layouts_PJRT_Topology_GetDefaultLayout_Args) {
        args.get(args.topology_description)?;
        args.layout = default_layout(args.type_, args.num_dims)?;
        Ok(())
    }

    /// `PJRT_Layouts_PJRT_Executable_GetOutputLayouts`: owned by the executable.
    output_layouts(args: PJRT_Layouts_PJRT_Executable_GetOutputLayouts_Args) {
        let layouts = &args.get(args.executable)?.facts().layouts;
        args.num_outputs = layouts.len();
        args.layouts = layouts.as_ptr().cast_mut();
        Ok(())
    }

    /// `PJRT_DeviceDescription_MemoryDescriptions`: `device` is the default.
    memory_descriptions(args: PJRT_DeviceDescription_MemoryDescriptions_Args) {
        args.get(args.device_description)?;
        args.memory_descriptions = MEMORY_LIST.0.as_ptr();
        args.num_memory_descriptions = MEMORY_LIST.0.len();
        args.default_memory_index = 0;
        Ok(())
    }

    /// `PJRT_MemoryDescription_Kind`.
    memory_description_kind(args: PJRT_MemoryDescription_Kind_Args) {
        let kind = args.get(args.memory_description)?.kind;
        args.kind = KINDS[kind].as_ptr().cast();
        args.kind_size = KINDS[kind].len();
        args.kind_id = kind as i32;
        Ok(())
    }
}

unsafe extern "C" fn delete_serialized(text: *mut PJRT_Layouts_SerializedLayout) {
    if !text.is_null() {
        // SAFETY: `layout_serialize` made the box, and the caller deletes it once.
        drop(unsafe { Box::from_raw(text.cast::<String>()) });
    }
}
