//! Arrays from the host to a device, back, and from one backend to another.

use std::borrow::Cow;
use std::sync::Arc;

use jacinth_pjrt::{Buffer, ElementType, HostArray};
use smallvec::SmallVec;

use super::Backend;
use crate::error::{Error, Result};
use crate::ir::{Array, Aval, DType, DeviceArray, Repr, Source, scalar_bytes};

/// An array on the current backend from its elements' bytes, row-major in native order.
pub(crate) fn from_bytes(aval: Aval, bytes: &[u8]) -> Result<Array> {
    let backend = Backend::current()?;
    Ok(Array(Repr::Device(upload(&backend, aval, bytes)?)))
}

/// The elements' bytes of a concrete array, row-major in native order; waits for the computation.
pub(crate) fn to_bytes(array: &Array) -> Result<Vec<u8>> {
    match &array.0 {
        Repr::Device(d) => Ok(d.buffer.to_host()?),
        Repr::Scalar(l) => Ok(scalar_bytes(l.value(), l.aval().dtype)?.into_vec()),
        // Nothing is being traced when the runtime is asked, so the tracer outlived its trace.
        Repr::Var { made_at, .. } => Err(leaked(array, made_at)),
        Repr::Dual(d) => Err(leaked(array, d.made_at)),
        Repr::Batched(b) => Err(leaked(array, b.made_at)),
    }
}

fn leaked(array: &Array, made_at: Source) -> Error {
    Error::LeakedTracer { aval: array.aval().clone(), made_at, used_at: None }
}

/// The array on that backend: itself, a host scalar uploaded, or a copy from another backend through the host.
pub(crate) fn on_backend<'a>(array: &'a Array, backend: &Backend) -> Result<Cow<'a, Arc<DeviceArray>>> {
    if let Some(d) = array.as_device()
        && d.backend == backend.id()
    {
        return Ok(Cow::Borrowed(d));
    }
    Ok(Cow::Owned(upload(backend, array.aval().clone(), &to_bytes(array)?)?))
}

pub(super) fn upload(backend: &Backend, aval: Aval, bytes: &[u8]) -> Result<Arc<DeviceArray>> {
    let dims: SmallVec<[i64; 4]> = aval.shape.iter().map(|&d| d as i64).collect();
    let host = HostArray::new(bytes, element_type(aval.dtype)?, &dims);
    let buffer = Buffer::from_host(&host, backend.device())?;
    Ok(DeviceArray::new(aval, buffer, backend.id()))
}

/// The dtype's name across the ABI.
pub(super) fn element_type(dtype: DType) -> Result<ElementType> {
    Ok(match dtype {
        DType::I1 => ElementType::Pred,
        DType::I2 => ElementType::S2,
        DType::I4 => ElementType::S4,
        DType::I8 => ElementType::S8,
        DType::I16 => ElementType::S16,
        DType::I32 => ElementType::S32,
        DType::I64 => ElementType::S64,
        DType::UI2 => ElementType::U2,
        DType::UI4 => ElementType::U4,
        DType::UI8 => ElementType::U8,
        DType::UI16 => ElementType::U16,
        DType::UI32 => ElementType::U32,
        DType::UI64 => ElementType::U64,
        DType::BF16 => ElementType::Bf16,
        DType::F16 => ElementType::F16,
        DType::F32 => ElementType::F32,
        DType::F64 => ElementType::F64,
        DType::C64 => ElementType::C64,
        DType::C128 => ElementType::C128,
        DType::F8E4M3 => ElementType::F8E4M3,
        DType::F8E4M3FN => ElementType::F8E4M3Fn,
        DType::F8E4M3FNUZ => ElementType::F8E4M3Fnuz,
        DType::F8E4M3B11FNUZ => ElementType::F8E4M3B11Fnuz,
        DType::F8E5M2 => ElementType::F8E5M2,
        DType::F8E5M2FNUZ => ElementType::F8E5M2Fnuz,
        DType::F8E3M4 => ElementType::F8E3M4,
        DType::F8E8M0FNU => ElementType::F8E8M0Fnu,
        DType::F4E2M1FN => ElementType::F4E2M1Fn,
        DType::F6E2M3FN | DType::F6E3M2FN => {
            return Err(Error::unsupported(format!("PJRT has no buffers of dtype {dtype}")));
        }
    })
}
