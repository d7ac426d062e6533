//! Switches of the process.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

fn x64() -> &'static AtomicBool {
    static X64: OnceLock<AtomicBool> = OnceLock::new();
    X64.get_or_init(|| {
        let on =
            std::env::var("JACINTH_ENABLE_X64").is_ok_and(|v| matches!(v.as_str(), "1" | "true" | "True"));
        AtomicBool::new(on)
    })
}

/// Says whether 64-bit dtypes are kept (`true`) or become 32-bit ones, the default; as `JACINTH_ENABLE_X64` does.
pub fn enable_x64(on: bool) {
    x64().store(on, Ordering::Relaxed);
}

/// Whether 64-bit dtypes are kept.
pub fn x64_enabled() -> bool {
    x64().load(Ordering::Relaxed)
}
