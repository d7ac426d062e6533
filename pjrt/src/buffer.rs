//! A buffer: an array on a device, and the copies between it and the host.
//!
//! Host data is dense and row-major unless strides say otherwise. Elements below a byte take a whole byte on the host.
//! Layouts on the device are the plugin's own affair; what comes back to the host is always row-major.

use crate::client::{Client, ClientInner, Placement};
use crate::device::Device;
use crate::element::{Element, HostBytes};
use crate::element_type::ElementType;
use crate::error::{Error, ErrorCode, Result};
use crate::event::{Event, EventFuture};
use crate::memory::Memory;
use pjrt_sys::{self as sys, AbiStruct};
use smallvec::SmallVec;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::mem;
use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll};

/// An array on a device; it may still be in the making, and it may have been donated or deleted.
///
/// ```
/// # use jacinth_pjrt::{Buffer, ElementType};
/// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
/// # let device = client.addressable_devices().remove(0);
/// let buffer = Buffer::from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2], &device)?;
/// assert_eq!((buffer.element_type()?, buffer.dimensions()?), (ElementType::F32, &[2, 2][..]));
/// assert_eq!((buffer.device()?, buffer.client()), (device, client));
/// assert_eq!((buffer.host_size()?, buffer.is_on_cpu()?, buffer.is_deleted()?), (16, true, false));
/// assert!(buffer.on_device_size()? >= 16 && buffer.address()? != 0);
/// # Ok::<(), jacinth_pjrt::Error>(())
/// ```
pub struct Buffer {
    pub(crate) client: Arc<ClientInner>,
    pub(crate) raw: *mut sys::PJRT_Buffer,
}

// SAFETY: PJRT buffers may be used and destroyed from any thread.
unsafe impl Send for Buffer {}
// SAFETY: as above.
unsafe impl Sync for Buffer {}

/// An array in host memory, lent for a call.
///
/// ```
/// # use jacinth_pjrt::{Buffer, ElementType, HostArray};
/// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
/// # let device = client.addressable_devices().remove(0);
/// let pixels = HostArray::new(&[1, 2, 3, 4], ElementType::U8, &[2, 2]);
/// assert_eq!(Buffer::from_host(&pixels, &device)?.to_vec::<u8>()?, [1, 2, 3, 4]);
/// # Ok::<(), jacinth_pjrt::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct HostArray<'a> {
    bytes: &'a [u8],
    element_type: ElementType,
    dims: &'a [i64],
    strides: Option<(&'a [i64], usize)>,
}

impl<'a> HostArray<'a> {
    /// Dense row-major data of the given element type and dimensions; a scalar has none.
    pub fn new(bytes: &'a [u8], element_type: ElementType, dims: &'a [i64]) -> HostArray<'a> {
        HostArray { bytes, element_type, dims, strides: None }
    }

    /// Dense row-major data of a Rust number type.
    ///
    /// ```
    /// # use jacinth_pjrt::{Buffer, HostArray};
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let device = client.addressable_devices().remove(0);
    /// let numbers = HostArray::from_slice(&[1i64, 2, 3], &[3]);
    /// assert_eq!(Buffer::from_host(&numbers, &device)?.to_vec::<i64>()?, [1, 2, 3]);
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn from_slice<T: Element>(values: &'a [T], dims: &'a [i64]) -> HostArray<'a> {
        HostArray::new(T::bytes(values), T::TYPE, dims)
    }

    /// The same bytes read with strides: element zero starts `offset` bytes in, and a step along dimension `i` is `strides[i]`
    /// bytes, which may be zero or negative.
    ///
    /// ```
    /// # use jacinth_pjrt::{Buffer, HostArray};
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let device = client.addressable_devices().remove(0);
    /// // A matrix by columns, read as its transpose.
    /// let columns = HostArray::from_slice(&[1i32, 2, 3, 4, 5, 6], &[3, 2]).with_byte_strides(&[4, 12], 0);
    /// assert_eq!(Buffer::from_host(&columns, &device)?.to_vec::<i32>()?, [1, 4, 2, 5, 3, 6]);
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn with_byte_strides(self, strides: &'a [i64], offset: usize) -> HostArray<'a> {
        HostArray { strides: Some((strides, offset)), ..self }
    }

    /// Refuses dimensions and strides that do not fit the bytes, and finds element zero.
    fn check(&self, function: &'static str) -> Result<*const u8> {
        let HostArray { bytes, element_type, dims, strides } = *self;
        let elements = num_elements(dims).ok_or_else(|| {
            Error::invalid(function, format!("{dims:?} are not the dimensions of an array in memory"))
        })?;
        let width = element_type.host_bytes();
        let Some((strides, offset)) = strides else {
            let needed = elements.checked_mul(width);
            if needed != Some(bytes.len()) {
                return Err(Error::invalid(
                    function,
                    format!(
                        "{element_type}{dims:?} takes {} bytes on the host, and {} were given",
                        needed.map_or_else(|| "too many".to_owned(), |n| n.to_string()),
                        bytes.len()
                    ),
                ));
            }
            return Ok(bytes.as_ptr());
        };
        if strides.len() != dims.len() {
            return Err(Error::invalid(
                function,
                format!("{} byte strides were given for {} dimensions", strides.len(), dims.len()),
            ));
        }
        if elements > 0 {
            // The first and the last byte that the strides reach, in arithmetic that cannot overflow.
            let (mut low, mut high) = (offset as i128, offset as i128 + width as i128);
            for (&dim, &stride) in dims.iter().zip(strides) {
                let reach = i128::from(dim - 1) * i128::from(stride);
                low += reach.min(0);
                high += reach.max(0);
            }
            if low < 0 || high > bytes.len() as i128 {
                return Err(Error::invalid(
                    function,
                    format!(
                        "byte strides {strides:?} over {element_type}{dims:?} from byte {offset} reach bytes {low} to {high} of {}",
                        bytes.len()
                    ),
                ));
            }
        }
        Ok(bytes.as_ptr().wrapping_add(offset))
    }
}

/// How long the plugin may read host data that a transfer owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HostSemantics {
    /// Until the transfer is done; the data is dropped then.
    #[default]
    UntilTransferCompletes,
    /// For as long as the buffer lives, which may then be a view of the data; plugins copy instead where they must (the
    /// data not aligned to 64 bytes, a device that is not the host).
    ZeroCopy,
}

impl Buffer {
    /// Copies an array from the host; the data is free again when this returns.
    ///
    /// The transfer to the device may still be on its way: [`ready_event`](Buffer::ready_event). Errors: dimensions, strides and bytes
    /// that do not fit together; the plugin's refusal of the element type; no memory.
    ///
    /// ```
    /// # use jacinth_pjrt::{Buffer, HostArray};
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let device = client.addressable_devices().remove(0);
    /// let error = Buffer::from_host(&HostArray::from_slice(&[1.0f32, 2.0], &[3]), &device).unwrap_err();
    /// assert_eq!(error.message, "f32[3] takes 12 bytes on the host, and 8 were given");
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn from_host<'p>(array: &HostArray<'_>, placement: impl Into<Placement<'p>>) -> Result<Buffer> {
        let (buffer, _done) = upload(
            array,
            sys::PJRT_HostBufferSemantics_kImmutableOnlyDuringCall,
            placement.into(),
            "Buffer::from_host",
        )?;
        Ok(buffer)
    }

    /// Copies a slice from the host; the data is free again when this returns.
    ///
    /// ```
    /// # use jacinth_pjrt::Buffer;
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let device = client.addressable_devices().remove(0);
    /// let scalar = Buffer::from_slice(&[2.5f64], &[], &device)?;
    /// assert_eq!(scalar.to_vec::<f64>()?, [2.5]);
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`from_host`](Buffer::from_host).
    pub fn from_slice<'p, T: Element>(
        values: &[T],
        dims: &[i64],
        placement: impl Into<Placement<'p>>,
    ) -> Result<Buffer> {
        Buffer::from_host(&HostArray::from_slice(values, dims), placement)
    }

    /// Moves dense row-major host data into a transfer that keeps it for as long as `semantics` says: nothing waits.
    ///
    /// ```
    /// # use jacinth_pjrt::{Buffer, ElementType, HostSemantics};
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let device = client.addressable_devices().remove(0);
    /// let weights = vec![1.0f32; 1 << 16]; // moved: no copy waits for anybody
    /// let semantics = HostSemantics::ZeroCopy;
    /// let buffer = Buffer::from_host_owned(weights, ElementType::F32, &[1 << 16], semantics, &device)?;
    /// assert_eq!(buffer.to_vec::<f32>()?[65535], 1.0);
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`from_host`](Buffer::from_host).
    pub fn from_host_owned<'p>(
        data: impl Into<HostBytes>,
        element_type: ElementType,
        dims: &[i64],
        semantics: HostSemantics,
        placement: impl Into<Placement<'p>>,
    ) -> Result<Buffer> {
        let data = data.into();
        let abi = match semantics {
            HostSemantics::UntilTransferCompletes => {
                sys::PJRT_HostBufferSemantics_kImmutableUntilTransferCompletes
            }
            HostSemantics::ZeroCopy => sys::PJRT_HostBufferSemantics_kImmutableZeroCopy,
        };
        let array = HostArray::new(data.as_bytes(), element_type, dims);
        let (buffer, done) = upload(&array, abi, placement.into(), "Buffer::from_host_owned")?;
        if let Err((_, event, keep)) = done.try_on_ready(move |_| drop(data)) {
            // No callback: a transfer is waited for; a view lives on, so that its data must.
            match semantics {
                HostSemantics::UntilTransferCompletes => drop(event.wait()),
                HostSemantics::ZeroCopy => mem::forget(keep),
            }
        }
        Ok(buffer)
    }

    /// Takes a buffer that the plugin gave.
    ///
    /// # Safety
    /// `raw` is a live buffer of the client, owned by nobody else.
    #[inline]
    pub(crate) unsafe fn from_raw(client: Arc<ClientInner>, raw: *mut sys::PJRT_Buffer) -> Buffer {
        Buffer { client, raw }
    }

    fn table(&self) -> &'static sys::PJRT_Api {
        self.client.table()
    }

    /// The client it belongs to.
    pub fn client(&self) -> Client {
        Client(Arc::clone(&self.client))
    }

    /// The type of its elements.
    pub fn element_type(&self) -> Result<ElementType> {
        let raw = call!(self.table(), PJRT_Buffer_ElementType { buffer: self.raw })?.type_;
        ElementType::checked(raw, "PJRT_Buffer_ElementType")
    }

    /// Its dimensions; a scalar has none.
    pub fn dimensions(&self) -> Result<&[i64]> {
        let args = call!(self.table(), PJRT_Buffer_Dimensions { buffer: self.raw })?;
        // SAFETY: the list lives as long as the buffer, which `self` borrows.
        Ok(unsafe { crate::api::slice(args.dims, args.num_dims) })
    }

    /// How many bytes it takes on its device.
    pub fn on_device_size(&self) -> Result<usize> {
        let args = call!(self.table(), PJRT_Buffer_OnDeviceSizeInBytes { buffer: self.raw })?;
        Ok(args.on_device_size_in_bytes)
    }

    /// The device it is on.
    pub fn device(&self) -> Result<Device> {
        let raw = call!(self.table(), PJRT_Buffer_Device { buffer: self.raw })?.device;
        self.client.device(raw).ok_or_else(|| {
            Error::new(
                ErrorCode::Internal,
                "PJRT_Buffer_Device",
                "the buffer is on a device that its client lacks",
            )
        })
    }

    /// The memory it is in.
    ///
    /// ```
    /// # use jacinth_pjrt::Buffer;
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let device = client.addressable_devices().remove(0);
    /// let buffer = Buffer::from_slice(&[1.0f32], &[1], &device)?;
    /// assert_eq!(Some(buffer.memory()?), device.default_memory());
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn memory(&self) -> Result<Memory> {
        let raw = call!(self.table(), PJRT_Buffer_Memory { buffer: self.raw })?.memory;
        self.client.memory(raw).ok_or_else(|| {
            Error::new(
                ErrorCode::Internal,
                "PJRT_Buffer_Memory",
                "the buffer is in a memory that its client lacks",
            )
        })
    }

    /// Whether its memory is host memory that the CPU can read.
    pub fn is_on_cpu(&self) -> Result<bool> {
        Ok(call!(self.table(), PJRT_Buffer_IsOnCpu { buffer: self.raw })?.is_on_cpu)
    }

    /// The address of its data on the device, to look at and not to follow: nothing keeps the data there.
    pub fn address(&self) -> Result<usize> {
        Ok(call!(self.table(), PJRT_Buffer_UnsafePointer { buffer: self.raw })?.buffer_pointer)
    }

    /// Gives its device memory back once work that uses it is done; the buffer is then only good for
    /// [`is_deleted`](Buffer::is_deleted).
    ///
    /// ```
    /// # use jacinth_pjrt::Buffer;
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let device = client.addressable_devices().remove(0);
    /// let buffer = Buffer::from_slice(&[1.0f32], &[1], &device)?;
    /// buffer.delete()?;
    /// assert!(buffer.is_deleted()? && buffer.to_host().is_err());
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn delete(&self) -> Result<()> {
        call!(self.table(), PJRT_Buffer_Delete { buffer: self.raw }).map(|_| ())
    }

    /// Whether it was deleted, or donated to a computation.
    pub fn is_deleted(&self) -> Result<bool> {
        Ok(call!(self.table(), PJRT_Buffer_IsDeleted { buffer: self.raw })?.is_deleted)
    }

    /// Copies it to a device of the same client, its own included.
    ///
    /// ```
    /// # use jacinth_pjrt::{Buffer, ClientOptions, Plugin};
    /// let plugin = Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?;
    /// let client = plugin.client(&ClientOptions::new().with("cpu_device_count", 2))?;
    /// let [first, second] = &client.devices()[..] else { panic!("two devices") };
    /// let copy = Buffer::from_slice(&[1.0f32, 2.0], &[2], first)?.copy_to_device(second)?;
    /// assert_eq!((&copy.device()?, copy.to_vec::<f32>()?), (second, vec![1.0, 2.0]));
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    ///
    /// # Errors
    /// The device belongs to another client, or the plugin refuses.
    pub fn copy_to_device(&self, device: &Device) -> Result<Buffer> {
        self.same_client("Buffer::copy_to_device", &device.client)?;
        let args =
            call!(self.table(), PJRT_Buffer_CopyToDevice { buffer: self.raw, dst_device: device.raw() })?;
        self.made(args.dst_buffer, "PJRT_Buffer_CopyToDevice")
    }

    /// Copies it to a memory of the same client.
    ///
    /// ```
    /// # use jacinth_pjrt::Buffer;
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let device = client.addressable_devices().remove(0);
    /// let buffer = Buffer::from_slice(&[1.0f32], &[1], &device)?;
    /// assert_eq!(buffer.copy_to_memory(&buffer.memory()?)?.to_vec::<f32>()?, [1.0]);
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    ///
    /// # Errors
    /// The memory belongs to another client, or the plugin refuses.
    pub fn copy_to_memory(&self, memory: &Memory) -> Result<Buffer> {
        self.same_client("Buffer::copy_to_memory", &memory.client)?;
        let args =
            call!(self.table(), PJRT_Buffer_CopyToMemory { buffer: self.raw, dst_memory: memory.raw() })?;
        self.made(args.dst_buffer, "PJRT_Buffer_CopyToMemory")
    }

    fn same_client(&self, function: &'static str, other: &Arc<ClientInner>) -> Result<()> {
        if Arc::ptr_eq(&self.client, other) {
            Ok(())
        } else {
            Err(Error::invalid(function, "the buffer and the destination belong to different clients"))
        }
    }

    fn made(&self, raw: *mut sys::PJRT_Buffer, function: &'static str) -> Result<Buffer> {
        made(&self.client, raw, function)
    }

    /// The event of its data being there (or of the computation that makes it having failed).
    ///
    /// ```
    /// # use jacinth_pjrt::Buffer;
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let device = client.addressable_devices().remove(0);
    /// let event = Buffer::from_slice(&[1.0f32], &[1], &device)?.ready_event()?;
    /// event.wait()?;
    /// assert!(event.is_ready()?);
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn ready_event(&self) -> Result<Event> {
        let args = call!(self.table(), PJRT_Buffer_ReadyEvent { buffer: self.raw })?;
        // SAFETY: the event is new and ours.
        Ok(unsafe { Event::from_raw(self.client.plugin, args.event) })
    }

    /// Blocks until its data is there; the error of the computation that failed to make it.
    ///
    /// ```
    /// # use jacinth_pjrt::Buffer;
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let device = client.addressable_devices().remove(0);
    /// Buffer::from_slice(&[1.0f32], &[1], &device)?.block_until_ready()?;
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn block_until_ready(&self) -> Result<()> {
        self.ready_event()?.wait()
    }

    /// A future of its data being there.
    ///
    /// ```
    /// # use jacinth_pjrt::Buffer;
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let device = client.addressable_devices().remove(0);
    /// let buffer = Buffer::from_slice(&[1.0f32], &[1], &device)?;
    /// let ready = async { buffer.ready()?.await }; // needs no particular executor
    /// drop(ready);
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn ready(&self) -> Result<EventFuture> {
        Ok(self.ready_event()?.into_future())
    }

    /// How many bytes the host copy takes: elements times [`ElementType::host_bytes`].
    pub fn host_size(&self) -> Result<usize> {
        const F: &str = "Buffer::host_size";
        let dims = self.dimensions()?;
        num_elements(dims)
            .and_then(|elements| Some(elements.checked_mul(self.element_type().ok()?.host_bytes())))
            .flatten()
            .ok_or_else(|| Error::new(ErrorCode::Internal, F, format!("the plugin gave dimensions {dims:?}")))
    }

    /// Copies it to the host, row-major, and waits.
    ///
    /// ```
    /// # use jacinth_pjrt::Buffer;
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let device = client.addressable_devices().remove(0);
    /// assert_eq!(Buffer::from_slice(&[1u16, 256], &[2], &device)?.to_host()?, [1, 0, 0, 1]);
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn to_host(&self) -> Result<Vec<u8>> {
        let mut bytes = vec![0; self.host_size()?];
        self.to_host_into(&mut bytes)?;
        Ok(bytes)
    }

    /// Copies it to a vector of the Rust type of its elements, row-major, and waits.
    ///
    /// ```
    /// # use jacinth_pjrt::Buffer;
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let device = client.addressable_devices().remove(0);
    /// let buffer = Buffer::from_slice(&[1.0f32, 2.0], &[2], &device)?;
    /// assert_eq!(buffer.to_vec::<f32>()?, [1.0, 2.0]);
    /// assert_eq!(buffer.to_vec::<i32>().unwrap_err().message, "the buffer's elements are f32, not s32");
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        let element_type = self.element_type()?;
        if element_type != T::TYPE {
            return Err(Error::invalid(
                "Buffer::to_vec",
                format!("the buffer's elements are {element_type}, not {}", T::TYPE),
            ));
        }
        T::from_fill(self.host_size()? / size_of::<T>(), |bytes| self.to_host_into(bytes))
    }

    /// Copies it into `bytes`, which have exactly [`host_size`](Buffer::host_size), row-major, and waits.
    ///
    /// ```
    /// # use jacinth_pjrt::Buffer;
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let device = client.addressable_devices().remove(0);
    /// let mut bytes = [0; 4];
    /// Buffer::from_slice(&[1.0f32], &[1], &device)?.to_host_into(&mut bytes)?;
    /// assert_eq!(f32::from_ne_bytes(bytes), 1.0);
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn to_host_into(&self, bytes: &mut [u8]) -> Result<()> {
        let needed = self.host_size()?;
        if bytes.len() != needed {
            return Err(Error::invalid(
                "Buffer::to_host_into",
                format!("the buffer takes {needed} bytes on the host, and {} were given", bytes.len()),
            ));
        }
        // SAFETY: the bytes are borrowed until the copy has been waited for.
        unsafe { self.download(bytes.as_mut_ptr(), bytes.len()) }?.wait()
    }

    /// Starts a copy to the host, row-major; nothing waits.
    ///
    /// ```
    /// # use jacinth_pjrt::Buffer;
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let device = client.addressable_devices().remove(0);
    /// let copy = Buffer::from_slice(&[7u8, 8], &[2], &device)?.to_host_async()?;
    /// // Other work, and then:
    /// assert_eq!(copy.wait()?, [7, 8]);
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn to_host_async(&self) -> Result<HostCopy> {
        let mut bytes = vec![0; self.host_size()?];
        // SAFETY: the `HostCopy` keeps the bytes in place until the copy is done, also when it is dropped.
        let event = unsafe { self.download(bytes.as_mut_ptr(), bytes.len()) }?;
        Ok(HostCopy { bytes, done: Some(event.into_future()) })
    }

    /// Starts a copy into `len` bytes at `pointer`.
    ///
    /// # Safety
    /// The bytes stay writable and untouched until the event is ready.
    unsafe fn download(&self, pointer: *mut u8, len: usize) -> Result<Event> {
        let rank = self.dimensions()?.len();
        let minor_to_major: SmallVec<[i64; 8]> = (0..rank as i64).rev().collect();
        let mut layout = sys::PJRT_Buffer_MemoryLayout::new();
        layout.type_ = sys::PJRT_Buffer_MemoryLayout_Type_Tiled;
        layout.anonymous.tiled = sys::PJRT_Buffer_MemoryLayout_Tiled {
            minor_to_major: minor_to_major.as_ptr(),
            minor_to_major_size: rank,
            ..AbiStruct::new()
        };
        // Below rank 2 there is one layout only. A null destination asks for the size: an empty array has a dangling one.
        let host_layout = if rank < 2 { ptr::null_mut() } else { &raw mut layout };
        let args = call!(
            self.table(),
            PJRT_Buffer_ToHostBuffer {
                src: self.raw,
                host_layout: host_layout,
                dst: pointer.cast(),
                dst_size: len,
            }
        )?;
        // SAFETY: the event is new and ours.
        Ok(unsafe { Event::from_raw(self.client.plugin, args.event) })
    }

    /// Copies `bytes.len()` bytes of its device memory, as the device lays them out, from byte `offset` on, and waits.
    ///
    /// ```
    /// # use jacinth_pjrt::Buffer;
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let device = client.addressable_devices().remove(0);
    /// let (buffer, mut last) = (Buffer::from_slice(&[1u8, 2, 3, 4], &[4], &device)?, [0]);
    /// buffer.copy_raw_to_host(3, &mut last)?;
    /// assert_eq!(last, [4]);
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn copy_raw_to_host(&self, offset: usize, bytes: &mut [u8]) -> Result<()> {
        const F: &str = "Buffer::copy_raw_to_host";
        let size = self.on_device_size()?;
        if offset.checked_add(bytes.len()).is_none_or(|end| end > size) {
            return Err(Error::new(
                ErrorCode::OutOfRange,
                F,
                format!("{} bytes from byte {offset} on are asked of a buffer of {size} bytes", bytes.len()),
            ));
        }
        let args = call!(
            self.table(),
            PJRT_Buffer_CopyRawToHost {
                buffer: self.raw,
                dst: bytes.as_mut_ptr().cast(),
                offset: offset as i64,
                transfer_size: bytes.len() as i64,
            }
        )?;
        // SAFETY: the event is new and ours; the bytes are borrowed until it has been waited for.
        unsafe { Event::from_raw(self.client.plugin, args.event) }.wait()
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // A buffer that cannot be destroyed is leaked.
        let _ = call!(self.client.table(), PJRT_Buffer_Destroy { buffer: self.raw });
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Buffer");
        if let (Ok(element_type), Ok(dims)) = (self.element_type(), self.dimensions()) {
            shown.field("type", &format_args!("{element_type}{dims:?}"));
        }
        shown.finish_non_exhaustive()
    }
}

/// Starts a transfer from the host; the event fires when the host data is no longer needed.
fn upload(
    array: &HostArray<'_>,
    semantics: sys::PJRT_HostBufferSemantics,
    placement: Placement<'_>,
    function: &'static str,
) -> Result<(Buffer, Event)> {
    let data = array.check(function)?;
    let client = placement.client();
    let (device, memory) = match placement {
        Placement::Device(device) => (device.raw(), ptr::null_mut()),
        // Early plugins read the device even where the memory is given.
        Placement::Memory(memory) => {
            (memory.devices().first().map_or(ptr::null_mut(), Device::raw), memory.raw())
        }
    };
    let strides = array.strides.map_or(&[][..], |(strides, _)| strides);
    let args = call!(
        client.table(),
        PJRT_Client_BufferFromHostBuffer {
            client: client.raw,
            data: data.cast(),
            type_: array.element_type.raw(),
            dims: array.dims.as_ptr(),
            num_dims: array.dims.len(),
            byte_strides: if strides.is_empty() { ptr::null() } else { strides.as_ptr() },
            num_byte_strides: strides.len(),
            host_buffer_semantics: semantics,
            device: device,
            memory: memory,
        }
    )?;
    // SAFETY: the event is new and ours.
    let done = unsafe { Event::from_raw(client.plugin, args.done_with_host_buffer) };
    Ok((made(client, args.buffer, "PJRT_Client_BufferFromHostBuffer")?, done))
}

fn made(client: &Arc<ClientInner>, raw: *mut sys::PJRT_Buffer, function: &'static str) -> Result<Buffer> {
    if raw.is_null() {
        return Err(Error::new(
            ErrorCode::Internal,
            function,
            "the plugin gave neither a buffer nor an error",
        ));
    }
    // SAFETY: the buffer is new and ours.
    Ok(unsafe { Buffer::from_raw(Arc::clone(client), raw) })
}

/// The product of the dimensions; `None` for a negative one or for more than an address space holds.
fn num_elements(dims: &[i64]) -> Option<usize> {
    if dims.contains(&0) {
        return dims.iter().all(|dim| *dim >= 0).then_some(0);
    }
    dims.iter().try_fold(1usize, |product, dim| product.checked_mul(usize::try_from(*dim).ok()?))
}

/// A copy to the host on its way: wait for it, poll it, or await it for the bytes.
///
/// ```
/// # use jacinth_pjrt::Buffer;
/// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
/// # let device = client.addressable_devices().remove(0);
/// let copy = Buffer::from_slice(&[1.0f32], &[1], &device)?.to_host_async()?;
/// while !copy.is_ready()? {
///     std::thread::yield_now();
/// }
/// assert_eq!(copy.wait()?, 1.0f32.to_ne_bytes());
/// # Ok::<(), jacinth_pjrt::Error>(())
/// ```
#[derive(Debug)]
pub struct HostCopy {
    bytes: Vec<u8>,
    /// `None` once the bytes were handed out.
    done: Option<EventFuture>,
}

impl HostCopy {
    /// Blocks until the copy is done.
    pub fn wait(mut self) -> Result<Vec<u8>> {
        if let Some(done) = &self.done {
            let result = done.event().wait();
            self.done = None;
            result?;
        }
        Ok(mem::take(&mut self.bytes))
    }

    /// Whether the copy is done, well or not.
    pub fn is_ready(&self) -> Result<bool> {
        self.done.as_ref().map_or(Ok(true), |done| done.event().is_ready())
    }
}

impl Future for HostCopy {
    type Output = Result<Vec<u8>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<Vec<u8>>> {
        if let Some(done) = &mut self.done {
            let Poll::Ready(result) = Pin::new(done).poll(context) else { return Poll::Pending };
            self.done = None;
            if let Err(error) = result {
                return Poll::Ready(Err(error));
            }
        }
        Poll::Ready(Ok(mem::take(&mut self.bytes)))
    }
}

impl Drop for HostCopy {
    fn drop(&mut self) {
        let Some(done) = self.done.take() else { return };
        let bytes = mem::take(&mut self.bytes);
        if let Err((_, event, keep)) = done.into_event().try_on_ready(move |_| drop(bytes)) {
            // No callback: the copy is waited for before its bytes go.
            let _ = event.wait();
            drop(keep);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: usize, dims: &[i64], strides: Option<(&[i64], usize)>) -> Result<(), String> {
        let bytes = vec![0; bytes];
        let array = HostArray { strides, ..HostArray::new(&bytes, ElementType::F32, dims) };
        array.check("f").map(|_| ()).map_err(|error| error.message)
    }

    #[test]
    fn dense_data_must_fit_exactly() {
        assert_eq!(check(24, &[2, 3], None), Ok(()));
        assert_eq!(check(4, &[], None), Ok(()));
        assert_eq!(check(0, &[0, 1 << 62, 1 << 62], None), Ok(()));
        assert_eq!(
            check(20, &[2, 3], None).unwrap_err(),
            "f32[2, 3] takes 24 bytes on the host, and 20 were given"
        );
        assert!(check(4, &[-1], None).is_err());
        assert!(check(4, &[-1, 0], None).is_err());
        assert!(check(4, &[1 << 40, 1 << 40], None).is_err());
    }

    #[test]
    fn strides_must_stay_inside() {
        assert_eq!(check(24, &[3, 2], Some((&[4, 12], 0))), Ok(()));
        assert_eq!(check(24, &[2, 3], Some((&[12, -4], 8))), Ok(()));
        assert_eq!(check(4, &[1000], Some((&[0], 0))), Ok(()));
        assert_eq!(check(0, &[0], Some((&[1 << 60], 99))), Ok(()));
        assert_eq!(
            check(24, &[2, 3], Some((&[12, -4], 4))).unwrap_err(),
            "byte strides [12, -4] over f32[2, 3] from byte 4 reach bytes -4 to 20 of 24"
        );
        assert!(check(24, &[2, 3], Some((&[i64::MAX, i64::MIN], 0))).is_err());
        assert_eq!(
            check(24, &[2, 3], Some((&[4], 0))).unwrap_err(),
            "1 byte strides were given for 2 dimensions"
        );
    }
}
