//! Arrays between host and device, and between devices.
//!
//! Copies from the host are made before the call returns, whatever the semantics asked for, so the caller's memory is free at
//! once. Copies of arrays that are still being computed are made by the thread that computes them, when they are
//! ready. Strides and permuted layouts are read and written on the host's side only; on devices everything is row-major.

use std::sync::Arc;

use jacinth_lowering::{ElementType, Shape, TensorType};
use parking_lot::Mutex;
use pjrt_sys::*;
use smallvec::SmallVec;

use super::buffer::{Buffer, Claim, Contents, Slot, fulfil, minor_to_major, read_type};
use super::client::{Client, Core};
use super::device::KINDS;
use super::error;
use super::event::{Event, Signal};
use super::guard::{Args, entries, give, opaque};
use crate::memory::Allocation;
use crate::pool::Pool;
use crate::{Error, Result};

opaque! {
    PJRT_AsyncHostToDeviceTransferManager => Transfers;
    PJRT_FulfillAliasBufferCallback => Alias;
}

/// Bytes from which a plain copy is shared among the threads of the pool.
const PARALLEL_COPY: usize = 1 << 20;

entries! {
    /// `PJRT_Client_BufferFromHostBuffer`: copies; the host's memory is free when the call returns.
    from_host(args: PJRT_Client_BufferFromHostBuffer_Args) {
        let client = args.get(args.client)?;
        let dims = args.slice("dims", args.dims, args.num_dims)?;
        let ty = read_type(dims, args.type_)?;
        let memory = placement(&args, client, args.memory, args.device)?;
        check_device_layout(&args, args.device_layout, &ty)?;
        let strides = match args.num_byte_strides {
            0 => row_major(&ty),
            n if n == dims.len() => Strides::from_slice(args.slice("byte_strides", args.byte_strides, n)?),
            n => {
                return Err(Error::invalid(format!("byte_strides has {n} elements for {} dimensions", dims.len())));
            }
        };
        let mut allocation = client.core.allocate(memory, &ty)?;
        if !allocation.is_empty() {
            if args.data.is_null() {
                return Err(Error::invalid("data is null but the array is not empty"));
            }
            let to = row_major(&ty);
            // SAFETY: the caller promises that the elements at these strides of `data` are readable; the allocation holds
            // the whole array.
            unsafe { copy(&client.core.pool, &ty, args.data.cast(), &strides, allocation.as_ptr(), &to) };
            canonicalize(ty.element, allocation.bytes_mut());
        }
        let contents = Contents::Ready(Arc::new(allocation));
        args.buffer = give(Buffer::new(client.core.clone(), memory, ty.into(), contents));
        args.done_with_host_buffer = Event::ready();
        Ok(())
    }

    /// `PJRT_Buffer_ToHostBuffer`: at once if the array is there, else when it is.
    to_host(args: PJRT_Buffer_ToHostBuffer_Args) {
        let buffer = args.get(args.src)?;
        let ty = buffer.ty().clone();
        let strides = host_strides(&args, args.host_layout, &ty)?;
        let needed = extent(&ty, &strides)?;
        if args.dst.is_null() {
            args.dst_size = needed;
            return Ok(());
        }
        if args.dst_size < needed {
            let size = args.dst_size;
            return Err(Error::invalid(format!("dst_size is {size}, but {ty} needs {needed} bytes")));
        }
        let (dst, core) = (Host(args.dst.cast()), buffer.core().clone());
        args.event = when_copied(buffer.claim()?, move |source| {
            let from = row_major(&ty);
            // SAFETY: the allocation holds the whole array, and the caller keeps `dst` until the event is ready; its size was
            // checked against these strides.
            unsafe { copy(&core.pool, &ty, source.as_ptr(), &from, dst.pointer(), &strides) };
        });
        Ok(())
    }

    /// `PJRT_Buffer_CopyRawToHost`: a range of the array's bytes.
    copy_raw_to_host(args: PJRT_Buffer_CopyRawToHost_Args) {
        let buffer = args.get(args.buffer)?;
        let (offset, size) = range(buffer, args.offset, args.transfer_size)?;
        if args.dst.is_null() && size > 0 {
            return Err(Error::invalid("dst is null"));
        }
        let dst = Host(args.dst.cast());
        args.event = when_copied(buffer.claim()?, move |source| {
            // SAFETY: the range was checked, and the caller keeps `dst` until the event is ready.
            unsafe { std::ptr::copy_nonoverlapping(source.as_ptr().add(offset), dst.pointer(), size) };
        });
        Ok(())
    }

    /// `PJRT_Buffer_CopyRawToHostFuture`: as `CopyRawToHost`, with a destination that comes later.
    copy_raw_to_host_future(args: PJRT_Buffer_CopyRawToHostFuture_Args) {
        let buffer = args.get(args.buffer)?;
        let (offset, size) = range(buffer, args.offset, args.transfer_size)?;
        let signal = Arc::new(Signal::new());
        let future = Box::new(FutureCopy { claim: buffer.claim()?, offset, size, signal: signal.clone() });
        args.event = Event::of(signal);
        args.callback_data = Box::into_raw(future).cast();
        args.future_ready_callback = Some(future_ready);
        Ok(())
    }

    /// `PJRT_Buffer_CopyToDevice`: into the device's default memory.
    copy_to_device(args: PJRT_Buffer_CopyToDevice_Args) {
        let (buffer, device) = (args.get(args.buffer)?, args.get(args.dst_device)?);
        buffer.core().own(device)?;
        args.dst_buffer = copy_to(buffer, device.index * KINDS.len())?;
        Ok(())
    }

    /// `PJRT_Buffer_CopyToMemory`.
    copy_to_memory(args: PJRT_Buffer_CopyToMemory_Args) {
        let (buffer, memory) = (args.get(args.buffer)?, args.get(args.dst_memory)?);
        buffer.core().own_memory(memory)?;
        args.dst_buffer = copy_to(buffer, memory.index)?;
        Ok(())
    }

    /// `PJRT_Client_CreateUninitializedBuffer`: memory with unspecified contents.
    create_uninitialized(args: PJRT_Client_CreateUninitializedBuffer_Args) {
        let client = args.get(args.client)?;
        let ty = read_type(args.slice("shape_dims", args.shape_dims, args.shape_num_dims)?, args.shape_element_type)?;
        check_device_layout(&args, args.shape_layout, &ty)?;
        let memory = placement(&args, client, args.memory, args.device)?;
        let mut allocation = client.core.allocate(memory, &ty)?;
        canonicalize(ty.element, allocation.bytes_mut());
        let contents = Contents::Ready(Arc::new(allocation));
        args.buffer = give(Buffer::new(client.core.clone(), memory, ty.into(), contents));
        Ok(())
    }

    /// `PJRT_Client_CreateErrorBuffer`: a buffer that has failed from the start.
    create_error(args: PJRT_Client_CreateErrorBuffer_Args) {
        let client = args.get(args.client)?;
        let ty = read_type(args.slice("shape_dims", args.shape_dims, args.shape_num_dims)?, args.shape_element_type)?;
        let memory = placement(&args, client, args.memory, std::ptr::null_mut())?;
        let error = error::from_caller(&args, args.error_code, args.error_message, args.error_message_size)?;
        let error = error.ok_or_else(|| Error::invalid("an error buffer needs an error code other than 0"))?;
        args.buffer = give(Buffer::new(client.core.clone(), memory, ty.into(), Contents::Failed(Box::new(error))));
        Ok(())
    }

    /// `PJRT_Client_CreateAliasBuffer`: a buffer whose contents will be another buffer's.
    create_alias(args: PJRT_Client_CreateAliasBuffer_Args) {
        let client = args.get(args.client)?;
        let ty = read_type(args.slice("shape_dims", args.shape_dims, args.shape_num_dims)?, args.shape_element_type)?;
        check_device_layout(&args, args.shape_layout, &ty)?;
        let memory = placement(&args, client, args.memory, std::ptr::null_mut())?;
        let slot = Slot::new(Arc::new(Signal::new()));
        args.fulfill_alias_buffer_cb = give(Alias { slot: slot.clone(), ty: ty.clone() });
        args.alias_buffer = give(Buffer::new(client.core.clone(), memory, ty.into(), Contents::Pending(slot)));
        Ok(())
    }

    /// `PJRT_Client_FulfillAliasBuffer`: takes the callback back.
    fulfill_alias(args: PJRT_Client_FulfillAliasBuffer_Args) {
        args.get(args.client)?;
        let error = error::from_caller(&args, args.status_code, args.error_message, args.error_message_size)?;
        let expected = &args.get(args.fulfill_alias_buffer_cb)?.ty;
        let claim = match error {
            Some(error) => Claim::Failed(Box::new(error)),
            None => {
                let buffer = args.get(args.buffer)?;
                if **buffer.ty() != *expected {
                    let got = buffer.ty();
                    return Err(Error::invalid(format!("an alias of {expected} cannot be fulfilled with {got}")));
                }
                buffer.claim()?
            }
        };
        let alias = args.take(args.fulfill_alias_buffer_cb)?;
        claim.then(move |contents| fulfil(&alias.slot, contents));
        Ok(())
    }

    /// `PJRT_Client_CreateViewOfDeviceBuffer`: not supported.
    create_view(args: PJRT_Client_CreateViewOfDeviceBuffer_Args from buffer) {
        args.get(args.client)?;
        Err(Error::unimplemented(
            "PJRT_Client_CreateViewOfDeviceBuffer: buffers cannot be views of foreign memory; copy it with BufferFromHostBuffer",
        ))
    }

    /// `PJRT_Client_CreateBuffersForAsyncHostToDevice`: buffers that are filled piece by piece.
    create_transfers(args: PJRT_Client_CreateBuffersForAsyncHostToDevice_Args) {
        let client = args.get(args.client)?;
        let memory = placement(&args, client, args.memory, std::ptr::null_mut())?;
        let specs = args.slice("shape_specs", args.shape_specs, args.num_shape_specs)?;
        let layouts = args.slice("device_layouts", args.device_layouts, args.num_device_layouts)?;
        if !layouts.is_empty() && layouts.len() != specs.len() {
            let (layouts, specs) = (layouts.len(), specs.len());
            return Err(Error::invalid(format!("{layouts} device_layouts are given for {specs} buffers")));
        }
        let mut targets = Vec::with_capacity(specs.len());
        for (i, spec) in specs.iter().enumerate() {
            let ty = read_type(args.slice("dims", spec.dims, spec.num_dims)?, spec.element_type)?;
            check_device_layout(&args, layouts.get(i).map_or(std::ptr::null(), |&l| l.cast_const()), &ty)?;
            let allocation = client.core.allocate(memory, &ty)?;
            let slot = Slot::new(Arc::new(Signal::new()));
            targets.push(Target { ty, slot, allocation: Mutex::new(Some(allocation)) });
        }
        args.transfer_manager = give(Transfers { core: client.core.clone(), memory, targets });
        Ok(())
    }

    /// `PJRT_AsyncHostToDeviceTransferManager_Destroy`; null is allowed. Buffers that were not filled fail.
    transfers_destroy(args: PJRT_AsyncHostToDeviceTransferManager_Destroy_Args) {
        if !args.transfer_manager.is_null() {
            drop(args.take(args.transfer_manager)?);
        }
        Ok(())
    }

    /// `PJRT_AsyncHostToDeviceTransferManager_TransferData`: bytes at an offset; the last transfer makes the buffer ready.
    transfers_data(args: PJRT_AsyncHostToDeviceTransferManager_TransferData_Args) {
        let target = args.get(args.transfer_manager)?.target(args.buffer_index)?;
        let size = usize::try_from(args.transfer_size).map_err(|_| Error::invalid("transfer_size is negative"))?;
        let data = args.bytes("data", args.data, size)?;
        target.write(args.offset, data)?;
        if args.is_last_transfer {
            target.finish(Ok(()));
        }
        args.done_with_h2d_transfer = Event::ready();
        Ok(())
    }

    /// `PJRT_AsyncHostToDeviceTransferManager_TransferLiteral`: the whole array, row-major.
    transfers_literal(args: PJRT_AsyncHostToDeviceTransferManager_TransferLiteral_Args) {
        let target = args.get(args.transfer_manager)?.target(args.buffer_index)?;
        let dims = args.slice("shape_dims", args.shape_dims, args.shape_num_dims)?;
        let ty = read_type(dims, args.shape_element_type)?;
        if ty != target.ty {
            let expected = &target.ty;
            return Err(Error::invalid(format!("a literal of {ty} cannot fill a buffer of {expected}")));
        }
        check_device_layout(&args, args.shape_layout, &ty)?;
        target.write(0, args.bytes("data", args.data, ty.byte_size().unwrap_or(0))?)?;
        target.finish(Ok(()));
        args.done_with_h2d_transfer = Event::ready();
        Ok(())
    }

    /// `PJRT_AsyncHostToDeviceTransferManager_RetrieveBuffer`.
    transfers_retrieve(args: PJRT_AsyncHostToDeviceTransferManager_RetrieveBuffer_Args) {
        let transfers = args.get(args.transfer_manager)?;
        let target = transfers.target(args.buffer_index)?;
        let contents = Contents::Pending(target.slot.clone());
        args.buffer_out = give(Buffer::new(transfers.core.clone(), transfers.memory, target.ty.clone().into(), contents));
        Ok(())
    }

    /// `PJRT_AsyncHostToDeviceTransferManager_Device`.
    transfers_device(args: PJRT_AsyncHostToDeviceTransferManager_Device_Args) {
        let transfers = args.get(args.transfer_manager)?;
        args.device_out = transfers.core.devices[transfers.core.memories[transfers.memory].device].handle();
        Ok(())
    }

    /// `PJRT_AsyncHostToDeviceTransferManager_BufferCount`.
    transfers_count(args: PJRT_AsyncHostToDeviceTransferManager_BufferCount_Args) {
        args.buffer_count = args.get(args.transfer_manager)?.targets.len();
        Ok(())
    }

    /// `PJRT_AsyncHostToDeviceTransferManager_BufferSize`: in bytes.
    transfers_size(args: PJRT_AsyncHostToDeviceTransferManager_BufferSize_Args) {
        args.buffer_size =
            args.get(args.transfer_manager)?.target(args.buffer_index)?.ty.byte_size().unwrap_or(0);
        Ok(())
    }

    /// `PJRT_AsyncHostToDeviceTransferManager_SetBufferError`.
    transfers_error(args: PJRT_AsyncHostToDeviceTransferManager_SetBufferError_Args) {
        let error = error::from_caller(&args, args.error_code, args.error_message, args.error_message_size)?;
        let error = error.ok_or_else(|| Error::invalid("a buffer's error needs a code other than 0"))?;
        args.get(args.transfer_manager)?.target(args.buffer_index)?.finish(Err(error));
        Ok(())
    }

    /// `PJRT_AsyncHostToDeviceTransferManager_AddMetadata`: accepted, and of no use here.
    transfers_metadata(args: PJRT_AsyncHostToDeviceTransferManager_AddMetadata_Args) {
        args.get(args.transfer_manager)?;
        Ok(())
    }
}

impl Core {
    /// Memory for an array on the device of a memory.
    pub(super) fn allocate(&self, memory: usize, ty: &TensorType) -> Result<Allocation> {
        let bytes = ty.byte_size().ok_or_else(|| Error::invalid(format!("an array of {ty} has no size")))?;
        self.devices[self.memories[memory].device].allocator.allocate(bytes)
    }
}

/// The memory that a caller names, or its device's default one.
fn placement<A>(
    args: &Args<'_, A>,
    client: &Client,
    memory: *const PJRT_Memory,
    device: *const PJRT_Device,
) -> Result<usize> {
    if let Some(memory) = args.maybe(memory) {
        client.core.own_memory(memory)?;
        return Ok(memory.index);
    }
    let device =
        args.maybe(device).ok_or_else(|| Error::invalid("neither a device nor a memory is given"))?;
    client.core.own(device)?;
    Ok(device.index * KINDS.len())
}

/// A buffer in another memory with the same contents.
fn copy_to(buffer: &Buffer, memory: usize) -> Result<*mut PJRT_Buffer> {
    let (core, ty) = (buffer.core().clone(), buffer.ty().clone());
    let claim = buffer.claim()?;
    let copied = {
        let (core, ty) = (core.clone(), ty.clone());
        move |source: &Allocation| -> Result<Arc<Allocation>> {
            let target = core.allocate(memory, &ty)?;
            // SAFETY: both are allocations of this array's size, and the new one is nobody else's.
            unsafe { plain_copy(&core.pool, source.as_ptr(), target.as_ptr(), source.len()) };
            Ok(Arc::new(target))
        }
    };
    let contents = if claim.is_settled() {
        match claim.wait() {
            Ok(source) => Contents::Ready(copied(&source)?),
            Err(error) => Contents::Failed(Box::new(error)),
        }
    } else {
        let slot = Slot::new(Arc::new(Signal::new()));
        let promise = slot.clone();
        claim.then(move |source| fulfil(&promise, source.and_then(|source| copied(&source))));
        Contents::Pending(slot)
    };
    Ok(give(Buffer::new(core, memory, ty, contents)))
}

/// Runs a copy out of a buffer when its contents are there, and gives the event that says so.
fn when_copied(claim: Claim, copy: impl FnOnce(&Allocation) + Send + 'static) -> *mut PJRT_Event {
    if claim.is_settled() {
        return Event::done(claim.wait().map(|source| copy(&source)));
    }
    let signal = Arc::new(Signal::new());
    let event = Event::of(signal.clone());
    claim.then(move |source| {
        let outcome = source.map(|source| copy(&source));
        signal.set(outcome);
    });
    event
}

/// A range of a buffer's bytes, checked.
fn range(buffer: &Buffer, offset: i64, size: i64) -> Result<(usize, usize)> {
    let total = buffer.ty().byte_size().unwrap_or(0);
    let checked = usize::try_from(offset).ok().zip(usize::try_from(size).ok());
    checked.filter(|(offset, size)| offset.checked_add(*size).is_some_and(|end| end <= total)).ok_or_else(
        || {
            Error::invalid(format!(
                "a range of {size} bytes at offset {offset} leaves a buffer of {total} bytes"
            ))
        },
    )
}

/// Memory of the caller's that is ours to write until an event is ready.
struct Host(*mut u8);

// SAFETY: the caller lends the memory to the plugin, whichever thread of it.
unsafe impl Send for Host {}

impl Host {
    fn pointer(&self) -> *mut u8 {
        self.0
    }
}

/// A copy to the host that waits for its destination.
struct FutureCopy {
    claim: Claim,
    offset: usize,
    size: usize,
    signal: Arc<Signal>,
}

unsafe extern "C" fn future_ready(args: *mut PJRT_Buffer_CopyRawToHostFuture_Callback_Args) {
    // SAFETY: the caller passes a block as the header says.
    let refused = unsafe {
        super::guard::guard(args, PJRT_Buffer_CopyRawToHostFuture_Callback_Args::STRUCT_SIZE, |args| {
            let error =
                error::from_caller(&args, args.error_code, args.error_message, args.error_message_size)?;
            if args.callback_data.is_null() {
                return Err(Error::invalid("callback_data is null"));
            }
            // SAFETY: made by `copy_raw_to_host_future`, and called back once.
            let copy = *Box::from_raw(args.callback_data.cast::<FutureCopy>());
            let FutureCopy { claim, offset, size, signal } = copy;
            let error = error.or_else(|| {
                (args.dst.is_null() && size > 0).then(|| Error::invalid("the destination is null"))
            });
            let dst = Host(args.dst.cast());
            match error {
                Some(error) => drop(signal.set(Err(error))),
                None => claim.then(move |source| {
                    let outcome = source.map(|source| {
                        // SAFETY: the range was checked, and the caller keeps the destination until the event is ready.
                        std::ptr::copy_nonoverlapping(source.as_ptr().add(offset), dst.pointer(), size);
                    });
                    signal.set(outcome);
                }),
            }
            Ok(())
        })
    };
    if !refused.is_null() {
        // SAFETY: just boxed by the guard, and seen by nobody else.
        drop(unsafe { Box::from_raw(refused.cast::<Error>()) });
    }
}

/// Buffers that are filled piece by piece.
#[derive(Debug)]
pub(super) struct Transfers {
    core: Arc<Core>,
    memory: usize,
    targets: Vec<Target>,
}

#[derive(Debug)]
struct Target {
    ty: TensorType,
    slot: Arc<Slot>,
    /// Until it is filled.
    allocation: Mutex<Option<Allocation>>,
}

impl Transfers {
    fn target(&self, index: i32) -> Result<&Target> {
        let target = usize::try_from(index).ok().and_then(|index| self.targets.get(index));
        target
            .ok_or_else(|| Error::invalid(format!("there is no buffer {index} among {}", self.targets.len())))
    }
}

impl Target {
    fn write(&self, offset: i64, data: &[u8]) -> Result<()> {
        let mut allocation = self.allocation.lock();
        let allocation = allocation
            .as_mut()
            .ok_or_else(|| Error::invalid("the buffer was filled before, and takes no more data"))?;
        let total = allocation.len();
        let end = usize::try_from(offset).ok().and_then(|offset| offset.checked_add(data.len()));
        let range = end.filter(|&end| end <= total).map(|end| end - data.len()..end).ok_or_else(|| {
            let size = data.len();
            Error::invalid(format!("{size} bytes at offset {offset} leave a buffer of {total} bytes"))
        })?;
        allocation.bytes_mut()[range].copy_from_slice(data);
        Ok(())
    }

    fn finish(&self, outcome: Result<()>) {
        let Some(mut allocation) = self.allocation.lock().take() else { return };
        canonicalize(self.ty.element, allocation.bytes_mut());
        fulfil(&self.slot, outcome.map(|()| Arc::new(allocation)));
    }
}

impl Drop for Transfers {
    fn drop(&mut self) {
        for target in &self.targets {
            target.finish(Err(Error::new(
                crate::Code::Cancelled,
                "the transfer manager was destroyed before the buffer was filled",
            )));
        }
    }
}

/// An alias that waits for its buffer.
#[derive(Debug)]
pub(super) struct Alias {
    slot: Arc<Slot>,
    ty: TensorType,
}

/// Distances in bytes between neighbours along each dimension.
type Strides = SmallVec<[i64; 6]>;

/// The strides of a dense row-major array.
fn row_major(ty: &TensorType) -> Strides {
    let order: SmallVec<[usize; 6]> = (0..ty.rank()).rev().collect();
    dense(ty, &order)
}

/// The strides of a dense array whose dimensions are stored in this order, the fastest first.
fn dense(ty: &TensorType, order: &[usize]) -> Strides {
    let mut strides = Strides::from_elem(0, ty.rank());
    let mut stride = ty.element.byte_width() as i64;
    for &d in order {
        strides[d] = stride;
        stride = stride.saturating_mul(ty.shape[d].max(1));
    }
    strides
}

/// The strides that a caller's layout asks for; without one, row-major.
fn host_strides<A>(
    args: &Args<'_, A>,
    layout: *const PJRT_Buffer_MemoryLayout,
    ty: &TensorType,
) -> Result<Strides> {
    let min =
        std::mem::offset_of!(PJRT_Buffer_MemoryLayout, type_) + size_of::<PJRT_Buffer_MemoryLayout_Type>();
    let Some(layout) = args.sized(layout, min)? else { return Ok(row_major(ty)) };
    match layout.type_ {
        PJRT_Buffer_MemoryLayout_Type_Strides => {
            // SAFETY: `type_` says that the caller has set this field, whose parts are numbers and a pointer.
            let strides = unsafe { layout.anonymous.strides };
            let strides = args.slice("byte_strides", strides.byte_strides, strides.num_byte_strides)?;
            if strides.len() != ty.rank() {
                let (n, rank) = (strides.len(), ty.rank());
                return Err(Error::invalid(format!("a layout of {n} strides for {rank} dimensions")));
            }
            Ok(Strides::from_slice(strides))
        }
        PJRT_Buffer_MemoryLayout_Type_Tiled => {
            // SAFETY: as above.
            let tiled = unsafe { layout.anonymous.tiled };
            if tiled.num_tiles > 0 {
                return Err(Error::unimplemented("tiled layouts are not supported"));
            }
            let order = args.slice("minor_to_major", tiled.minor_to_major, tiled.minor_to_major_size)?;
            let mut seen = [false; super::buffer::MAX_RANK];
            let order: Option<SmallVec<[usize; 6]>> = order
                .iter()
                .map(|&d| {
                    let d = usize::try_from(d).ok().filter(|&d| d < ty.rank())?;
                    (!std::mem::replace(&mut seen[d], true)).then_some(d)
                })
                .collect();
            match order {
                Some(order) if order.len() == ty.rank() => Ok(dense(ty, &order)),
                _ => Err(Error::invalid(format!("minor_to_major is no order of {} dimensions", ty.rank()))),
            }
        }
        other => Err(Error::invalid(format!("unknown layout type {other}"))),
    }
}

/// A sentence if a caller asks for a layout on the device other than row-major.
fn check_device_layout<A>(
    args: &Args<'_, A>,
    layout: *const PJRT_Buffer_MemoryLayout,
    ty: &TensorType,
) -> Result<()> {
    if layout.is_null() || host_strides(args, layout, ty)? == row_major(ty) {
        return Ok(());
    }
    let order = minor_to_major(ty.rank());
    Err(Error::unimplemented(format!("on the device arrays are row-major: minor_to_major must be {order:?}")))
}

/// Bytes from the first element to the end of the last; strides must not be negative.
fn extent(ty: &TensorType, strides: &[i64]) -> Result<usize> {
    if ty.num_elements() == Some(0) {
        return Ok(0);
    }
    let mut last = ty.element.byte_width() as i64;
    for (&d, &stride) in ty.shape.iter().zip(strides) {
        if stride < 0 {
            return Err(Error::invalid("a layout to write has a negative stride"));
        }
        let end = stride.checked_mul(d - 1).and_then(|reach| last.checked_add(reach));
        last = end.ok_or_else(|| Error::invalid("a layout's strides overflow"))?;
    }
    Ok(last as usize)
}

/// Copies an array between two stridings.
///
/// # Safety
/// Every element at these strides is readable from `src` and writable at `dst`, and the two do not overlap.
unsafe fn copy(
    pool: &Pool,
    ty: &TensorType,
    src: *const u8,
    src_strides: &[i64],
    dst: *mut u8,
    dst_strides: &[i64],
) {
    let width = ty.element.byte_width();
    if ty.num_elements() == Some(0) {
        return;
    }
    // Drop dimensions of size 1 and join those that lie one after the other on both sides.
    let mut dims: Shape = Shape::new();
    let (mut from, mut to) = (Strides::new(), Strides::new());
    for (i, &d) in ty.shape.iter().enumerate().filter(|&(_, &d)| d != 1) {
        let (s, t) = (src_strides[i], dst_strides[i]);
        match dims.last_mut() {
            Some(last) if from[from.len() - 1] == s * d && to[to.len() - 1] == t * d => {
                *last *= d;
                *from.last_mut().expect("as long as dims") = s;
                *to.last_mut().expect("as long as dims") = t;
            }
            _ => {
                dims.push(d);
                from.push(s);
                to.push(t);
            }
        }
    }
    // The dimension that is densest in the destination goes innermost.
    let mut order: SmallVec<[usize; 6]> = (0..dims.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse((to[i].unsigned_abs(), from[i].unsigned_abs())));
    let dims: Shape = order.iter().map(|&i| dims[i]).collect();
    let from: Strides = order.iter().map(|&i| from[i]).collect();
    let to: Strides = order.iter().map(|&i| to[i]).collect();
    let Some(inner) = dims.len().checked_sub(1) else {
        // SAFETY: one element.
        return unsafe { std::ptr::copy_nonoverlapping(src, dst, width) };
    };
    let dense = from[inner] == width as i64 && to[inner] == width as i64;
    if inner == 0 && dense {
        // SAFETY: all elements lie one after the other on both sides.
        return unsafe { plain_copy(pool, src, dst, dims[0] as usize * width) };
    }
    let n = dims[inner] as usize;
    let mut index: Shape = Shape::from_elem(0, inner);
    let (mut s, mut t) = (src, dst);
    loop {
        // SAFETY: the row's elements are elements of the array; `s` and `t` stand at its first.
        unsafe {
            if dense {
                std::ptr::copy_nonoverlapping(s, t, n * width);
            } else {
                let (from, to) = (from[inner] as isize, to[inner] as isize);
                match width {
                    1 => copy_row::<1>(n, s, from, t, to),
                    2 => copy_row::<2>(n, s, from, t, to),
                    4 => copy_row::<4>(n, s, from, t, to),
                    8 => copy_row::<8>(n, s, from, t, to),
                    _ => copy_row::<16>(n, s, from, t, to),
                }
            }
        }
        // The next row: count up, the innermost of the outer dimensions first.
        let mut d = inner;
        loop {
            if d == 0 {
                return;
            }
            d -= 1;
            index[d] += 1;
            // Pointer steps that stay inside the arrays; wrapping, since the last step of a dimension leaves them before
            // it is taken back.
            s = s.wrapping_offset(from[d] as isize);
            t = t.wrapping_offset(to[d] as isize);
            if index[d] < dims[d] {
                break;
            }
            s = s.wrapping_offset(-(from[d] * dims[d]) as isize);
            t = t.wrapping_offset(-(to[d] * dims[d]) as isize);
            index[d] = 0;
        }
    }
}

/// # Safety
/// As [`copy`], for one row of `n` elements of `W` bytes.
unsafe fn copy_row<const W: usize>(n: usize, src: *const u8, from: isize, dst: *mut u8, to: isize) {
    let (mut s, mut t) = (src, dst);
    for _ in 0..n {
        // SAFETY: `s` and `t` stand at an element of the row.
        unsafe { t.cast::<[u8; W]>().write_unaligned(s.cast::<[u8; W]>().read_unaligned()) };
        s = s.wrapping_offset(from);
        t = t.wrapping_offset(to);
    }
}

/// Copies bytes, with several threads where there are many.
///
/// # Safety
/// Both sides have `n` bytes and do not overlap.
unsafe fn plain_copy(pool: &Pool, src: *const u8, dst: *mut u8, n: usize) {
    if n < PARALLEL_COPY || pool.threads() == 1 {
        // SAFETY: the caller's promise.
        return unsafe { std::ptr::copy_nonoverlapping(src, dst, n) };
    }
    let (from, to) = (src as usize, dst as usize);
    let parts = pool.threads() * 2;
    let step = n.div_ceil(parts).next_multiple_of(4096);
    pool.run(n.div_ceil(step), &|i| {
        let start = i * step;
        let len = step.min(n - start);
        // SAFETY: the caller's promise, for a part of it; parts do not overlap.
        unsafe { std::ptr::copy_nonoverlapping((from + start) as *const u8, (to + start) as *mut u8, len) };
    });
}

/// Gives elements narrower than a byte the one form that the plugin knows: `i1` is 0 or 1, integers are extended.
fn canonicalize(element: ElementType, bytes: &mut [u8]) {
    match element {
        ElementType::I1 => bytes.iter_mut().for_each(|b| *b = u8::from(*b != 0)),
        ElementType::I4 => bytes.iter_mut().for_each(|b| *b = (((*b << 4) as i8) >> 4) as u8),
        ElementType::I2 => bytes.iter_mut().for_each(|b| *b = (((*b << 6) as i8) >> 6) as u8),
        ElementType::UI4 | ElementType::F4E2M1FN => bytes.iter_mut().for_each(|b| *b &= 0xf),
        ElementType::UI2 => bytes.iter_mut().for_each(|b| *b &= 0x3),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transposed(rows: usize, cols: usize, width: usize, element: ElementType) {
        let ty = TensorType::new([rows as i64, cols as i64], element);
        let source: Vec<u8> = (0..rows * cols * width).map(|i| i as u8).collect();
        let mut target = vec![0u8; source.len()];
        let column_major = dense(&ty, &[0, 1]);
        let pool = Pool::new(1);
        // SAFETY: both arrays have the size of the type.
        unsafe { copy(&pool, &ty, source.as_ptr(), &row_major(&ty), target.as_mut_ptr(), &column_major) };
        for r in 0..rows {
            for c in 0..cols {
                let (from, to) = ((r * cols + c) * width, (c * rows + r) * width);
                assert_eq!(source[from..from + width], target[to..to + width], "{rows}x{cols} of {width}");
            }
        }
    }

    #[test]
    fn layouts_are_converted_for_every_width() {
        for (width, element) in [
            (1, ElementType::I8),
            (2, ElementType::F16),
            (4, ElementType::F32),
            (8, ElementType::C64),
            (16, ElementType::C128),
        ] {
            for (rows, cols) in [(0, 3), (1, 1), (1, 5), (3, 1), (3, 5), (17, 33)] {
                transposed(rows, cols, width, element);
            }
        }
    }

    #[test]
    fn negative_strides_read_backwards() {
        let ty = TensorType::new([2, 3], ElementType::UI8);
        let source = [1u8, 2, 3, 4, 5, 6];
        let mut target = [0u8; 6];
        let pool = Pool::new(1);
        // SAFETY: from the last element backwards over all six.
        unsafe { copy(&pool, &ty, &raw const source[5], &[-3, -1], target.as_mut_ptr(), &[3, 1]) };
        assert_eq!(target, [6, 5, 4, 3, 2, 1]);
    }

    #[test]
    fn large_copies_are_whole() {
        let n = 3 * PARALLEL_COPY + 17;
        let source: Vec<u8> = (0..n).map(|i| (i * 31) as u8).collect();
        let mut target = vec![0u8; n];
        // SAFETY: both have `n` bytes.
        unsafe { plain_copy(&Pool::new(3), source.as_ptr(), target.as_mut_ptr(), n) };
        assert!(source == target);
    }

    #[test]
    fn narrow_elements_have_one_form() {
        let mut bytes = [0x00, 0x02, 0xff, 0x0f, 0x08];
        canonicalize(ElementType::I4, &mut bytes);
        assert_eq!(bytes, [0, 2, 0xff, 0xff, 0xf8]);
        canonicalize(ElementType::I1, &mut bytes);
        assert_eq!(bytes, [0, 1, 1, 1, 1]);
    }

    #[test]
    fn an_extent_is_the_last_element() {
        let ty = TensorType::new([2, 3], ElementType::F32);
        assert_eq!(extent(&ty, &[100, 8]).unwrap(), 100 + 16 + 4);
        assert!(extent(&ty, &[-4, 8]).is_err());
        assert!(extent(&ty, &[i64::MAX, i64::MAX]).is_err());
    }
}
