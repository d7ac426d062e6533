//! The one guard that every entry of the table goes through, and the only way from a caller's pointers to our objects.
//!
//! [`guard`] refuses a null argument block and one that is too small, catches unwinding, and boxes errors. It hands the
//! entry an [`Args`], which stands for the promise that a caller of the C ABI makes: every pointer in the block is null or
//! valid for what the header says of it, for as long as the call lasts. All of `Args`' accessors rest on it, and it is the
//! only type here that turns raw pointers into references.
//!
//! A block may be larger than the one we know (a newer caller) and smaller down to a minimum (an older caller); fields
//! beyond its end then read as zero.

use std::any::Any;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};

use pjrt_sys::{AbiStruct, PJRT_Error};

use super::error;
use crate::{Error, Result};

/// An opaque type of the header, and the object of ours that its pointers point to.
///
/// # Safety
/// Every pointer to `Self` that this plugin gives out points to an `Object`.
pub(super) unsafe trait Opaque: Sized {
    /// The name in messages.
    const NAME: &'static str;
    /// What a pointer to `Self` points to.
    type Object: Sync;
}

/// Says which object stands behind which opaque type.
macro_rules! opaque {
    ($($raw:ident => $object:ty;)*) => {$(
        // SAFETY: pointers of this type are only made from this object, by `Box::into_raw` or from a place inside one.
        unsafe impl $crate::abi::guard::Opaque for pjrt_sys::$raw {
            const NAME: &'static str = stringify!($raw);
            type Object = $object;
        }
    )*};
}
pub(super) use opaque;

/// Declares entries of the table: `name(args: PJRT_X_Args) { body }`, or with `from field` where callers of older versions
/// send blocks that end after `field`. The body returns [`Result<()>`].
macro_rules! entries {
    ($($(#[$doc:meta])* $name:ident($args:ident: $ty:ident $(from $field:ident)?) $body:block)*) => {$(
        $(#[$doc])*
        pub(super) unsafe extern "C" fn $name(args: *mut pjrt_sys::$ty) -> *mut pjrt_sys::PJRT_Error {
            const MIN: usize = $crate::abi::guard::min_size!($ty $($field)?);
            #[allow(unused_mut)]
            fn body(mut $args: $crate::abi::guard::Args<'_, pjrt_sys::$ty>) -> $crate::Result<()> {
                $body
            }
            // SAFETY: the caller of the C ABI passes null or a block whose `struct_size` bytes are readable and writable and whose
            // pointers are as the header says.
            unsafe { $crate::abi::guard::guard(args, MIN, body) }
        }
    )*};
}
pub(super) use entries;

/// The smallest block that an entry accepts.
macro_rules! min_size {
    ($ty:ident) => {
        <pjrt_sys::$ty as pjrt_sys::AbiStruct>::STRUCT_SIZE
    };
    // The fields we name here are all of pointer size.
    ($ty:ident $field:ident) => {
        std::mem::offset_of!(pjrt_sys::$ty, $field) + size_of::<usize>()
    };
}
pub(super) use min_size;

/// Runs an entry's body on its argument block; null is success, else a boxed error.
///
/// # Safety
/// `args` is null or points to `struct_size` bytes of an `A`, readable and writable, whose pointers are null or valid
/// for what the header says.
pub(super) unsafe fn guard<A: AbiStruct>(
    args: *mut A,
    min: usize,
    body: impl FnOnce(Args<'_, A>) -> Result<()>,
) -> *mut PJRT_Error {
    // SAFETY: the caller's promise is passed on.
    let result = catch_unwind(AssertUnwindSafe(|| unsafe { checked(args, min, body) }));
    match result {
        Ok(Ok(())) => std::ptr::null_mut(),
        Ok(Err(error)) => error::into_raw(error),
        Err(panic) => error::into_raw(panicked::<A>(&*panic)),
    }
}

/// # Safety
/// As [`guard`].
#[inline]
unsafe fn checked<A: AbiStruct>(
    args: *mut A,
    min: usize,
    body: impl FnOnce(Args<'_, A>) -> Result<()>,
) -> Result<()> {
    if args.is_null() || !args.is_aligned() {
        return Err(Error::invalid(format!("{}: the argument block is null or misaligned", A::NAME)));
    }
    // SAFETY: every block begins with its size.
    let size = unsafe { args.cast::<usize>().read() };
    if size < min {
        let message = format!("Unexpected {} size: expected {min}, got {size}", A::NAME);
        return Err(Error::invalid(message));
    }
    if size >= A::STRUCT_SIZE {
        // SAFETY: the block holds all fields; what tail padding it lacks is never touched.
        return body(Args { block: unsafe { &mut *args } });
    }
    let mut whole = A::new();
    // SAFETY: both sides have at least `size` bytes, and zero is a value of the fields that are missing.
    unsafe { std::ptr::copy_nonoverlapping(args.cast::<u8>(), (&raw mut whole).cast::<u8>(), size) };
    let result = body(Args { block: &mut whole });
    // SAFETY: as above; the block's own size goes back as it came.
    unsafe { std::ptr::copy_nonoverlapping((&raw const whole).cast::<u8>(), args.cast::<u8>(), size) };
    result
}

#[cold]
fn panicked<A: AbiStruct>(panic: &(dyn Any + Send)) -> Error {
    Error::internal(format!("{}: a defect of the plugin: {}", A::NAME, panic_message(panic)))
}

/// What a panic said.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without a message")
}

/// An argument block whose pointers keep the caller's promise.
#[derive(Debug)]
pub(super) struct Args<'a, A> {
    block: &'a mut A,
}

impl<A> Deref for Args<'_, A> {
    type Target = A;
    #[inline]
    fn deref(&self) -> &A {
        self.block
    }
}

impl<A> DerefMut for Args<'_, A> {
    #[inline]
    fn deref_mut(&mut self) -> &mut A {
        self.block
    }
}

impl<'a, A> Args<'a, A> {
    /// The object behind a pointer of the block; a sentence if it is null.
    #[inline]
    pub(super) fn get<P: Opaque>(&self, pointer: *const P) -> Result<&'a P::Object> {
        self.maybe(pointer).ok_or_else(|| Error::invalid(format!("the {} is null", P::NAME)))
    }

    /// The object behind a pointer of the block, if there is one.
    #[inline]
    pub(super) fn maybe<P: Opaque>(&self, pointer: *const P) -> Option<&'a P::Object> {
        // SAFETY: `Args` is the promise that the pointer is null or one that we gave out and that is still alive; objects are
        // `Sync` and only shared.
        unsafe { pointer.cast::<P::Object>().as_ref() }
    }

    /// Takes back an object that was given out by `Box::into_raw`.
    pub(super) fn take<P: Opaque>(&self, pointer: *mut P) -> Result<Box<P::Object>> {
        if pointer.is_null() {
            return Err(Error::invalid(format!("the {} is null", P::NAME)));
        }
        // SAFETY: `Args` is the promise that the pointer came from `Box::into_raw` (`give`) and is given back once.
        Ok(unsafe { Box::from_raw(pointer.cast::<P::Object>()) })
    }

    /// An array of the block.
    pub(super) fn slice<T>(&self, name: &str, pointer: *const T, len: usize) -> Result<&'a [T]> {
        if len == 0 {
            return Ok(&[]);
        }
        if pointer.is_null() || !pointer.is_aligned() {
            return Err(Error::invalid(format!("{name} is null or misaligned but has {len} elements")));
        }
        if len > isize::MAX as usize / size_of::<T>().max(1) {
            return Err(Error::invalid(format!("{name} cannot have {len} elements")));
        }
        // SAFETY: `Args` is the promise that the array has `len` elements and stays unchanged during the call.
        Ok(unsafe { std::slice::from_raw_parts(pointer, len) })
    }

    /// An array of the block that the caller wants written.
    pub(super) fn slice_mut<T>(&self, name: &str, pointer: *mut T, len: usize) -> Result<&'a mut [T]> {
        if len == 0 {
            return Ok(&mut []);
        }
        if pointer.is_null() || !pointer.is_aligned() || len > isize::MAX as usize / size_of::<T>().max(1) {
            return Err(Error::invalid(format!("{name} is null or misaligned but has {len} elements")));
        }
        // SAFETY: `Args` is the promise that the array has `len` elements that are ours to write during the call.
        Ok(unsafe { std::slice::from_raw_parts_mut(pointer, len) })
    }

    /// Bytes of the block.
    pub(super) fn bytes<T>(&self, name: &str, pointer: *const T, len: usize) -> Result<&'a [u8]> {
        self.slice(name, pointer.cast::<u8>(), len)
    }

    /// Text of the block, given by pointer and length.
    pub(super) fn text<T>(&self, name: &str, pointer: *const T, len: usize) -> Result<&'a str> {
        let bytes = self.bytes(name, pointer, len)?;
        std::str::from_utf8(bytes).map_err(|_| Error::invalid(format!("{name} is not UTF-8")))
    }

    /// A struct with a size of its own that the block points to: all fields, zero where the caller's ends before.
    pub(super) fn sized<T: AbiStruct>(&self, pointer: *const T, min: usize) -> Result<Option<T>> {
        if pointer.is_null() {
            return Ok(None);
        }
        // SAFETY: every such struct begins with its size, and has that many bytes.
        let size = unsafe { pointer.cast::<usize>().read_unaligned() };
        if size < min {
            return Err(Error::invalid(format!("Unexpected {} size: expected {min}, got {size}", T::NAME)));
        }
        let mut whole = T::new();
        let size = size.min(T::STRUCT_SIZE);
        // SAFETY: both sides have `size` bytes.
        unsafe { std::ptr::copy_nonoverlapping(pointer.cast::<u8>(), (&raw mut whole).cast::<u8>(), size) };
        Ok(Some(whole))
    }
}

/// Gives an object to the caller, who gives it back through the type's `Destroy`.
pub(super) fn give<P: Opaque>(object: P::Object) -> *mut P {
    Box::into_raw(Box::new(object)).cast()
}

/// A list of pointers that callers read in place.
#[derive(Debug)]
pub(super) struct Pointers<T>(Box<[*mut T]>);

// SAFETY: the list is never changed; what the pointers point to is `Sync` (see `Opaque`) and shared only.
unsafe impl<T> Send for Pointers<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Pointers<T> {}

impl<T: Opaque> Pointers<T> {
    /// Pointers to these objects, which must outlive the list.
    pub(super) fn to<'o>(objects: impl IntoIterator<Item = &'o T::Object>) -> Self
    where
        T::Object: 'o,
    {
        Pointers(objects.into_iter().map(|o| (&raw const *o).cast_mut().cast()).collect())
    }

    /// Where the list begins.
    pub(super) fn as_ptr(&self) -> *const *mut T {
        self.0.as_ptr()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
