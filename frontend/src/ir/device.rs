//! Arrays on a device: an aval and the buffer that holds it.

use super::aval::Aval;

/// Data on a device.
#[derive(Debug)]
pub(crate) struct DeviceArray {
    aval: Aval,
}

impl DeviceArray {
    /// What the buffer holds.
    pub(crate) fn aval(&self) -> &Aval {
        &self.aval
    }
}
