//! Arrays on a device: an aval and the buffer that holds it.

use std::sync::Arc;

use super::aval::Aval;

/// Data on a device.
#[derive(Debug)]
pub(crate) struct DeviceArray {
    pub(crate) aval: Aval,
    /// The buffer, on the backend's device.
    pub(crate) buffer: jacinth_pjrt::Buffer,
    /// Which backend's buffer it is: buffers of another are copied through the host.
    pub(crate) backend: BackendId,
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
        Arc::new(DeviceArray { aval, buffer, backend })
    }
}
