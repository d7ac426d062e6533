//! `PJRT_Buffer`: an array on a device, there already or still to come.
//!
//! Arrays are dense and row-major. A buffer's contents are an allocation, a promise of one ([`Slot`]) or the error that came
//! instead; deleting or donating a buffer takes them away, while work that began before keeps what it reads.
//!
//! Invariants: an allocation is written only while nobody else can reach it; a donated allocation is overwritten only
//! if its buffer was the last to hold it, and copied otherwise; memory with external references stays until they are
//! given back.

use std::cell::RefCell;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jacinth_lowering::{ElementType, TensorType};
use parking_lot::Mutex;
use pjrt_sys::*;

use super::client::Core;
use super::device::{Device, KINDS, Memory};
use super::event::{Event, Signal};
use super::guard::{entries, give, opaque};
use crate::memory::Allocation;
use crate::{Error, Result};

opaque! { PJRT_Buffer => Buffer; }

/// The most dimensions that an array can have.
pub(super) const MAX_RANK: usize = 64;

/// `63, 62, …, 0`: its last `n` are the minor-to-major order of a row-major array of `n` dimensions.
static MINOR_TO_MAJOR: [i64; MAX_RANK] = {
    let mut order = [0; MAX_RANK];
    let mut i = 0;
    while i < MAX_RANK {
        order[i] = (MAX_RANK - 1 - i) as i64;
        i += 1;
    }
    order
};

/// The minor-to-major order of a row-major array.
pub(super) fn minor_to_major(rank: usize) -> &'static [i64] {
    &MINOR_TO_MAJOR[MAX_RANK - rank..]
}

/// An array on a device.
#[derive(Debug)]
pub(super) struct Buffer {
    core: Arc<Core>,
    memory: usize,
    ty: Arc<TensorType>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    contents: Contents,
    /// Whether [`Contents::Gone`] came from a donation.
    donated: bool,
    external: usize,
    /// What external references keep after the buffer has lost it.
    held: Option<Arc<Allocation>>,
}

/// What a buffer holds.
#[derive(Debug)]
pub(super) enum Contents {
    /// The array.
    Ready(Arc<Allocation>),
    /// A promise of the array.
    Pending(Arc<Slot>),
    /// What came instead; it stands elsewhere, because buffers are made by the hundred.
    Failed(Box<Error>),
    /// Deleted or donated.
    Gone,
}

/// A promise of an allocation. Several slots may share a signal, which is set after all of them are filled.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) signal: Arc<Signal>,
    value: Mutex<Option<Arc<Allocation>>>,
    /// Readers that wait for the value, beside the buffer.
    readers: AtomicUsize,
}

impl Slot {
    /// A promise that is kept when the signal is set.
    pub(super) fn new(signal: Arc<Signal>) -> Arc<Slot> {
        Arc::new(Slot { signal, value: Mutex::new(None), readers: AtomicUsize::new(0) })
    }

    /// Puts the value in; to be called before the signal is set.
    pub(super) fn fill(&self, allocation: Arc<Allocation>) {
        *self.value.lock() = Some(allocation);
    }

    /// The value of a slot whose signal is set.
    fn value(&self) -> Result<Arc<Allocation>> {
        self.signal
            .outcome()
            .unwrap_or_else(|| Err(Error::internal("a buffer was read before it was ready")))?;
        self.value.lock().clone().ok_or_else(|| Error::internal("a buffer that is ready has no contents"))
    }

    /// As [`Slot::value`], by a reader that was counted and reads no more.
    fn read(&self) -> Result<Arc<Allocation>> {
        let value = self.value();
        self.readers.fetch_sub(1, Ordering::AcqRel);
        value
    }

    /// As [`Slot::value`], by whom the buffer was donated to: the only holder, if nobody else reads.
    fn take(&self) -> Result<Arc<Allocation>> {
        let value = self.value()?;
        if self.readers.load(Ordering::Acquire) == 0 {
            *self.value.lock() = None;
        }
        Ok(value)
    }
}

/// A claim on a buffer's contents that outlives the buffer.
#[derive(Debug)]
pub(super) enum Claim {
    /// The contents are there.
    Ready(Arc<Allocation>),
    /// They will come; this claim only reads them.
    Pending(Arc<Slot>),
    /// They will come, and are given up to the holder of this claim.
    Donated(Arc<Slot>),
    /// They never will.
    Failed(Box<Error>),
    /// Nothing was claimed so far.
    Nothing,
}

impl Claim {
    /// Whether nothing must be waited for.
    pub(super) fn is_settled(&self) -> bool {
        match self {
            Claim::Ready(_) | Claim::Failed(_) | Claim::Nothing => true,
            Claim::Pending(slot) | Claim::Donated(slot) => slot.signal.is_ready(),
        }
    }

    /// Waits for the contents.
    pub(super) fn wait(self) -> Result<Arc<Allocation>> {
        match self {
            Claim::Ready(allocation) => Ok(allocation),
            Claim::Failed(error) => Err(*error),
            Claim::Nothing => Err(Error::internal("a buffer was read that nobody claimed")),
            Claim::Pending(slot) => {
                // The outcome is read again with the value.
                let _ = slot.signal.wait();
                slot.read()
            }
            Claim::Donated(slot) => {
                let _ = slot.signal.wait();
                slot.take()
            }
        }
    }

    /// Calls `next` with the contents once they are there: now, if they are.
    pub(super) fn then(self, next: impl FnOnce(Result<Arc<Allocation>>) + Send + 'static) {
        if self.is_settled() {
            return next(self.wait());
        }
        match self {
            Claim::Pending(slot) => slot.signal.clone().on_ready(move |_| next(slot.read())),
            Claim::Donated(slot) => slot.signal.clone().on_ready(move |_| next(slot.take())),
            settled => next(settled.wait()),
        }
    }
}

impl Buffer {
    /// An array of type `ty` in a memory of the client.
    #[inline(always)]
    pub(super) fn new(core: Arc<Core>, memory: usize, ty: Arc<TensorType>, contents: Contents) -> Buffer {
        let state = State { contents, donated: false, external: 0, held: None };
        Buffer { core, memory, ty, state: Mutex::new(state) }
    }

    /// What the client's objects share.
    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Element type and dimensions.
    pub(super) fn ty(&self) -> &Arc<TensorType> {
        &self.ty
    }

    /// The memory it lies in.
    pub(super) fn memory(&self) -> &Memory {
        &self.core.memories[self.memory]
    }

    /// The device it lies on.
    pub(super) fn device(&self) -> &Device {
        &self.core.devices[self.device_index()]
    }

    /// The place of that device among the client's.
    #[inline]
    pub(super) fn device_index(&self) -> usize {
        self.memory / KINDS.len()
    }

    /// The contents, if they are there.
    #[inline]
    pub(super) fn ready(&self) -> Option<Arc<Allocation>> {
        let mut state = self.state.lock();
        state.settle();
        match &state.contents {
            Contents::Ready(allocation) => Some(allocation.clone()),
            _ => None,
        }
    }

    /// A claim to read the contents.
    #[inline]
    pub(super) fn claim(&self) -> Result<Claim> {
        let mut state = self.state.lock();
        state.settle();
        match &state.contents {
            Contents::Ready(allocation) => Ok(Claim::Ready(allocation.clone())),
            Contents::Pending(slot) => {
                slot.readers.fetch_add(1, Ordering::AcqRel);
                Ok(Claim::Pending(slot.clone()))
            }
            Contents::Failed(error) => Ok(Claim::Failed(error.clone())),
            Contents::Gone => Err(state.gone()),
        }
    }

    /// Takes the contents away for an execution that may overwrite them.
    pub(super) fn donate(&self) -> Result<Contents> {
        let mut state = self.state.lock();
        state.settle();
        match std::mem::replace(&mut state.contents, Contents::Gone) {
            Contents::Gone => Err(state.gone()),
            contents => {
                state.donated = true;
                state.hold(&contents);
                Ok(contents)
            }
        }
    }

    /// Gives contents back that [`Buffer::donate`] took and nobody used.
    pub(super) fn give_back(&self, contents: Contents) {
        let mut state = self.state.lock();
        state.contents = contents;
        state.donated = false;
    }

    /// Waits for the contents' address.
    fn pointer(&self) -> Result<*mut u8> {
        Ok(self.claim()?.wait()?.as_ptr())
    }

    /// A sentence if the contents are gone.
    fn check_present(&self) -> Result<()> {
        let state = self.state.lock();
        if matches!(state.contents, Contents::Gone) { Err(state.gone()) } else { Ok(()) }
    }
}

thread_local! {
    /// Boxes of buffers that this thread destroyed: programs with many results make and drop them by the hundred.
    static BOXES: RefCell<Vec<EmptyBox>> = const { RefCell::new(Vec::new()) };
}

/// What is kept is the box: its address is the caller's pointer.
type EmptyBox = Box<MaybeUninit<Buffer>>;

/// The most boxes that a thread keeps.
const MAX_BOXES: usize = 512;

/// Gives a buffer to the caller, in a box that was used before if there is one; it is made where it will stand.
#[inline(always)]
pub(super) fn give_buffer(make: impl FnOnce() -> Buffer) -> *mut PJRT_Buffer {
    let kept = BOXES.try_with(|boxes| boxes.borrow_mut().pop()).ok().flatten();
    let boxed = kept.unwrap_or_else(Box::new_uninit);
    Box::into_raw(Box::write(boxed, make())).cast()
}

/// Drops a buffer and keeps its box.
fn recycle(buffer: Box<Buffer>) {
    let raw = Box::into_raw(buffer);
    // SAFETY: the box was ours; its contents are dropped once, and from then on it is a box of nothing.
    let boxed = unsafe {
        raw.drop_in_place();
        Box::from_raw(raw.cast::<MaybeUninit<Buffer>>())
    };
    let _ = BOXES.try_with(|boxes| {
        let mut boxes = boxes.borrow_mut();
        if boxes.len() < MAX_BOXES {
            boxes.push(boxed);
        }
    });
}

impl Contents {
    /// The claim of the execution that the contents were donated to.
    pub(super) fn donated(self) -> Claim {
        match self {
            Contents::Ready(allocation) => Claim::Ready(allocation),
            Contents::Pending(slot) => Claim::Donated(slot),
            Contents::Failed(error) => Claim::Failed(error),
            Contents::Gone => Claim::Nothing,
        }
    }
}

impl State {
    /// Replaces a promise that was kept by what it promised.
    #[inline]
    fn settle(&mut self) {
        if let Contents::Pending(slot) = &self.contents
            && slot.signal.is_ready()
        {
            self.contents = match slot.value() {
                Ok(allocation) => Contents::Ready(allocation),
                Err(error) => Contents::Failed(Box::new(error)),
            };
        }
    }

    /// Keeps contents that are about to go, if someone outside refers to them.
    fn hold(&mut self, contents: &Contents) {
        if self.external > 0
            && let Contents::Ready(allocation) = contents
        {
            self.held = Some(allocation.clone());
        }
    }

    fn gone(&self) -> Error {
        let how = if self.donated { "donated" } else { "deleted" };
        Error::invalid(format!("the buffer has been {how}"))
    }
}

/// PJRT's number of an element type, if it has one.
pub(super) fn buffer_type(element: ElementType) -> Option<PJRT_Buffer_Type> {
    TYPES.iter().find(|(e, _)| *e == element).map(|(_, ty)| *ty)
}

/// The element type of PJRT's number.
pub(super) fn element_type(ty: PJRT_Buffer_Type) -> Result<ElementType> {
    let element = TYPES.iter().find(|(_, t)| *t == ty).map(|(e, _)| *e);
    element.ok_or_else(|| Error::invalid(format!("buffers of PJRT element type {ty} are not supported")))
}

#[rustfmt::skip]
static TYPES: [(ElementType, PJRT_Buffer_Type); 28] = [
    (ElementType::F32, PJRT_Buffer_Type_F32), (ElementType::I32, PJRT_Buffer_Type_S32),
    (ElementType::I1, PJRT_Buffer_Type_PRED), (ElementType::UI32, PJRT_Buffer_Type_U32),
    (ElementType::F64, PJRT_Buffer_Type_F64), (ElementType::I64, PJRT_Buffer_Type_S64),
    (ElementType::BF16, PJRT_Buffer_Type_BF16), (ElementType::F16, PJRT_Buffer_Type_F16),
    (ElementType::I2, PJRT_Buffer_Type_S2), (ElementType::I4, PJRT_Buffer_Type_S4),
    (ElementType::I8, PJRT_Buffer_Type_S8), (ElementType::I16, PJRT_Buffer_Type_S16),
    (ElementType::UI2, PJRT_Buffer_Type_U2), (ElementType::UI4, PJRT_Buffer_Type_U4),
    (ElementType::UI8, PJRT_Buffer_Type_U8), (ElementType::UI16, PJRT_Buffer_Type_U16),
    (ElementType::UI64, PJRT_Buffer_Type_U64), (ElementType::C64, PJRT_Buffer_Type_C64),
    (ElementType::C128, PJRT_Buffer_Type_C128), (ElementType::F4E2M1FN, PJRT_Buffer_Type_F4E2M1FN),
    (ElementType::F8E3M4, PJRT_Buffer_Type_F8E3M4), (ElementType::F8E4M3, PJRT_Buffer_Type_F8E4M3),
    (ElementType::F8E4M3FN, PJRT_Buffer_Type_F8E4M3FN), (ElementType::F8E4M3FNUZ, PJRT_Buffer_Type_F8E4M3FNUZ),
    (ElementType::F8E4M3B11FNUZ, PJRT_Buffer_Type_F8E4M3B11FNUZ), (ElementType::F8E5M2, PJRT_Buffer_Type_F8E5M2),
    (ElementType::F8E5M2FNUZ, PJRT_Buffer_Type_F8E5M2FNUZ), (ElementType::F8E8M0FNU, PJRT_Buffer_Type_F8E8M0FNU),
];

/// Reads a shape that a caller gives: known element type, dimensions that are not negative, a size that fits.
pub(super) fn read_type(dims: &[i64], ty: PJRT_Buffer_Type) -> Result<TensorType> {
    if dims.len() > MAX_RANK {
        return Err(Error::invalid(format!("an array of {} dimensions: at most {MAX_RANK}", dims.len())));
    }
    let ty = TensorType::new(dims.iter().copied(), element_type(ty)?);
    match ty.byte_size() {
        Some(bytes) if bytes <= isize::MAX as usize => Ok(ty),
        _ => Err(Error::invalid(format!("an array of dimensions {dims:?} has no size"))),
    }
}

entries! {
    /// `PJRT_Buffer_Destroy`; null is allowed. Work that reads the buffer keeps its contents.
    destroy(args: PJRT_Buffer_Destroy_Args) {
        if !args.buffer.is_null() {
            recycle(args.take(args.buffer)?);
        }
        Ok(())
    }

    /// `PJRT_Buffer_ElementType`.
    get_element_type(args: PJRT_Buffer_ElementType_Args) {
        let element = args.get(args.buffer)?.ty.element;
        args.type_ = buffer_type(element).ok_or_else(|| Error::internal("an element type without a number"))?;
        Ok(())
    }

    /// `PJRT_Buffer_Dimensions`.
    dimensions(args: PJRT_Buffer_Dimensions_Args) {
        let shape = &args.get(args.buffer)?.ty.shape;
        args.dims = shape.as_ptr();
        args.num_dims = shape.len();
        Ok(())
    }

    /// `PJRT_Buffer_UnpaddedDimensions`: the dimensions, since there is no padding.
    unpadded_dimensions(args: PJRT_Buffer_UnpaddedDimensions_Args) {
        let shape = &args.get(args.buffer)?.ty.shape;
        args.unpadded_dims = shape.as_ptr();
        args.num_dims = shape.len();
        Ok(())
    }

    /// `PJRT_Buffer_DynamicDimensionIndices`: none.
    dynamic_dimension_indices(args: PJRT_Buffer_DynamicDimensionIndices_Args) {
        args.get(args.buffer)?;
        static NONE: [usize; 1] = [0];
        args.dynamic_dim_indices = NONE.as_ptr();
        args.num_dynamic_dims = 0;
        Ok(())
    }

    /// `PJRT_Buffer_GetMemoryLayout`: row-major, without tiles.
    get_memory_layout(args: PJRT_Buffer_GetMemoryLayout_Args) {
        let order = minor_to_major(args.get(args.buffer)?.ty.rank());
        let tiled = PJRT_Buffer_MemoryLayout_Tiled {
            minor_to_major: order.as_ptr(),
            minor_to_major_size: order.len(),
            ..PJRT_Buffer_MemoryLayout_Tiled::new()
        };
        args.layout.anonymous = PJRT_Buffer_MemoryLayout_Union { tiled };
        args.layout.type_ = PJRT_Buffer_MemoryLayout_Type_Tiled;
        Ok(())
    }

    /// `PJRT_Buffer_OnDeviceSizeInBytes`.
    on_device_size(args: PJRT_Buffer_OnDeviceSizeInBytes_Args) {
        args.on_device_size_in_bytes = args.get(args.buffer)?.ty.byte_size().unwrap_or(0);
        Ok(())
    }

    /// `PJRT_Buffer_Device`.
    get_device(args: PJRT_Buffer_Device_Args) {
        args.device = args.get(args.buffer)?.device().handle();
        Ok(())
    }

    /// `PJRT_Buffer_Memory`.
    get_memory(args: PJRT_Buffer_Memory_Args) {
        args.memory = args.get(args.buffer)?.memory().handle();
        Ok(())
    }

    /// `PJRT_Buffer_Delete`: takes the contents away; may be called again.
    delete(args: PJRT_Buffer_Delete_Args) {
        let mut state = args.get(args.buffer)?.state.lock();
        state.settle();
        let contents = std::mem::replace(&mut state.contents, Contents::Gone);
        state.hold(&contents);
        drop(state);
        drop(contents);
        Ok(())
    }

    /// `PJRT_Buffer_IsDeleted`: deleted or donated.
    is_deleted(args: PJRT_Buffer_IsDeleted_Args) {
        args.is_deleted = matches!(args.get(args.buffer)?.state.lock().contents, Contents::Gone);
        Ok(())
    }

    /// `PJRT_Buffer_IsOnCpu`: always.
    is_on_cpu(args: PJRT_Buffer_IsOnCpu_Args) {
        args.get(args.buffer)?;
        args.is_on_cpu = true;
        Ok(())
    }

    /// `PJRT_Buffer_ReadyEvent`.
    ready_event(args: PJRT_Buffer_ReadyEvent_Args) {
        let mut state = args.get(args.buffer)?.state.lock();
        state.settle();
        let event = match &state.contents {
            Contents::Ready(_) => Event::ready(),
            Contents::Pending(slot) => Event::of(slot.signal.clone()),
            Contents::Failed(error) => Event::done(Err((**error).clone())),
            Contents::Gone => Event::done(Err(state.gone())),
        };
        drop(state);
        args.event = event;
        Ok(())
    }

    /// `PJRT_Buffer_UnsafePointer`: waits for the contents.
    unsafe_pointer(args: PJRT_Buffer_UnsafePointer_Args) {
        args.buffer_pointer = args.get(args.buffer)?.pointer()? as usize;
        Ok(())
    }

    /// `PJRT_Buffer_OpaqueDeviceMemoryDataPointer`: the same address.
    opaque_pointer(args: PJRT_Buffer_OpaqueDeviceMemoryDataPointer_Args) {
        args.device_memory_ptr = args.get(args.buffer)?.pointer()?.cast();
        Ok(())
    }

    /// `PJRT_Buffer_IncreaseExternalReferenceCount`: the contents stay in memory, unchanged, until the count is zero.
    increase_external_reference_count(args: PJRT_Buffer_IncreaseExternalReferenceCount_Args) {
        let buffer = args.get(args.buffer)?;
        buffer.check_present()?;
        // What does not exist yet has no address that anyone could refer to.
        let _ = buffer.claim()?.wait();
        buffer.state.lock().external += 1;
        Ok(())
    }

    /// `PJRT_Buffer_DecreaseExternalReferenceCount`.
    decrease_external_reference_count(args: PJRT_Buffer_DecreaseExternalReferenceCount_Args) {
        let mut state = args.get(args.buffer)?.state.lock();
        if state.external == 0 {
            return Err(Error::invalid("the buffer has no external references to give back"));
        }
        state.external -= 1;
        if state.external == 0 {
            state.held = None;
        }
        Ok(())
    }

    /// `PJRT_Buffer_DonateWithControlDependency`: a new buffer with the contents, ready once the callback is called.
    donate_with_control_dependency(args: PJRT_Buffer_DonateWithControlDependency_Args) {
        let buffer = args.get(args.buffer)?;
        let claim = buffer.donate()?.donated();
        let slot = Slot::new(Arc::new(Signal::new()));
        let dependency = Box::new(Dependency { claim, slot: slot.clone() });
        args.callback_data = Box::into_raw(dependency).cast();
        args.dependency_ready_callback = Some(dependency_ready);
        args.out_buffer = give(Buffer::new(buffer.core.clone(), buffer.memory, buffer.ty.clone(), Contents::Pending(slot)));
        Ok(())
    }
}

/// What a donation with a control dependency waits with.
struct Dependency {
    claim: Claim,
    slot: Arc<Slot>,
}

unsafe extern "C" fn dependency_ready(args: *mut PJRT_Buffer_DonateWithControlDependency_Callback_Args) {
    // SAFETY: the caller passes a block as the header says; `guard`'s error has nobody to go to.
    let refused = unsafe {
        super::guard::guard(
            args,
            PJRT_Buffer_DonateWithControlDependency_Callback_Args::STRUCT_SIZE,
            |args| {
                let error = super::error::from_caller(
                    &args,
                    args.error_code,
                    args.error_message,
                    args.error_message_size,
                )?;
                if args.callback_data.is_null() {
                    return Err(Error::invalid("callback_data is null"));
                }
                // SAFETY: made by `donate_with_control_dependency`, and called back once.
                let Dependency { claim, slot } = *Box::from_raw(args.callback_data.cast::<Dependency>());
                match error {
                    Some(error) => drop(slot.signal.set(Err(error))),
                    None => claim.then(move |contents| fulfil(&slot, contents)),
                }
                Ok(())
            },
        )
    };
    if !refused.is_null() {
        // SAFETY: just boxed by the guard, and seen by nobody else.
        drop(unsafe { Box::from_raw(refused.cast::<Error>()) });
    }
}

/// Keeps a promise whose signal is its own.
pub(super) fn fulfil(slot: &Slot, contents: Result<Arc<Allocation>>) {
    let outcome = contents.map(|allocation| slot.fill(allocation));
    slot.signal.set(outcome);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Allocator;

    #[test]
    fn element_types_have_one_number_each() {
        for &element in ElementType::ALL {
            match buffer_type(element) {
                Some(ty) => assert_eq!(element_type(ty).unwrap(), element),
                None => {
                    assert!(matches!(element, ElementType::F6E2M3FN | ElementType::F6E3M2FN), "{element}")
                }
            }
        }
        assert!(element_type(PJRT_Buffer_Type_TOKEN).is_err());
    }

    #[test]
    fn layouts_are_row_major() {
        assert_eq!(minor_to_major(3), [2, 1, 0]);
        assert_eq!(minor_to_major(0), [] as [i64; 0]);
    }

    #[test]
    fn shapes_that_have_no_size_are_refused() {
        assert!(read_type(&[i64::MAX, 8], PJRT_Buffer_Type_F32).is_err());
        assert!(read_type(&[-1], PJRT_Buffer_Type_F32).is_err());
        assert!(read_type(&[1; 65], PJRT_Buffer_Type_F32).is_err());
        assert_eq!(read_type(&[0, i64::MAX], PJRT_Buffer_Type_F32).unwrap().byte_size(), Some(0));
    }

    #[test]
    fn a_donated_promise_is_shared_while_somebody_reads_it() {
        let allocation = || Arc::new(Allocator::new(None).allocate(8).unwrap());
        let slot = Slot::new(Arc::new(Signal::new()));
        slot.readers.fetch_add(1, Ordering::Relaxed);
        let (reader, donee) = (Claim::Pending(slot.clone()), Claim::Donated(slot.clone()));
        fulfil(&slot, Ok(allocation()));
        let taken = donee.wait().unwrap();
        assert!(Arc::strong_count(&taken) > 1);
        assert!(Arc::ptr_eq(&reader.wait().unwrap(), &taken));

        let slot = Slot::new(Arc::new(Signal::new()));
        fulfil(&slot, Ok(allocation()));
        assert_eq!(Arc::strong_count(&Claim::Donated(slot).wait().unwrap()), 1);
    }
}
