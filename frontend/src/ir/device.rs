//! Arrays on a device: an aval and the buffer that holds it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::aval::Aval;

/// Data on a device.
#[derive(Debug)]
pub(crate) struct DeviceArray {
    pub(crate) aval: Aval,
    /// The buffer, on the backend's device.
    pub(crate) buffer: jacinth_pjrt::Buffer,
    /// Which backend's buffer it is: buffers of another are copied through the host.
    pub(crate) backend: BackendId,
    /// Whether the data is known to be there.
    ready: AtomicBool,
}

/// Names one backend for the life of the process.
pub(crate) type BackendId = u32;

impl DeviceArray {
    /// What the buffer holds.
    pub(crate) fn aval(&self) -> &Aval {
        &self.aval
    }

    /// The array in shared form.
    pub(crate) fn new(aval: Aval, buffer: jacinth_pjrt::Buffer, backend: BackendId) -> Arc<Self> {
        Self::known(aval, buffer, backend, false)
    }

    /// As [`DeviceArray::new`], of data that is there already.
    pub(crate) fn known(
        aval: Aval,
        buffer: jacinth_pjrt::Buffer,
        backend: BackendId,
        ready: bool,
    ) -> Arc<Self> {
        Arc::new(DeviceArray { aval, buffer, backend, ready: AtomicBool::new(ready) })
    }

    /// Waits until the data is there; the error of the computation that failed to make it. An array is donated only by its last holder,
    /// so that data which was there once still is.
    pub(crate) fn wait(&self) -> jacinth_pjrt::Result<()> {
        if !self.ready.load(Ordering::Relaxed) {
            self.buffer.block_until_ready()?;
            self.ready.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}
