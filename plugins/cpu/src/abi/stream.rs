//! `PJRT_CopyToDeviceStream`: streams for receive callbacks, which this plugin never makes. Every function says so.

use super::guard::entries;
use crate::{Error, Result};

fn unsupported() -> Result<()> {
    Err(Error::unimplemented(
        "PJRT_CopyToDeviceStream: receive callbacks are not supported, so there are no streams",
    ))
}

entries! {
    /// `PJRT_CopyToDeviceStream_Destroy`; null is allowed.
    destroy(args: PJRT_CopyToDeviceStream_Destroy_Args) {
        if args.stream.is_null() { Ok(()) } else { unsupported() }
    }

    /// `PJRT_CopyToDeviceStream_AddChunk`.
    add_chunk(args: PJRT_CopyToDeviceStream_AddChunk_Args) {
        let _ = &args;
        unsupported()
    }

    /// `PJRT_CopyToDeviceStream_TotalBytes`.
    total_bytes(args: PJRT_CopyToDeviceStream_TotalBytes_Args) {
        let _ = &args;
        unsupported()
    }

    /// `PJRT_CopyToDeviceStream_GranuleSize`.
    granule_size(args: PJRT_CopyToDeviceStream_GranuleSize_Args) {
        let _ = &args;
        unsupported()
    }

    /// `PJRT_CopyToDeviceStream_CurrentBytes`.
    current_bytes(args: PJRT_CopyToDeviceStream_CurrentBytes_Args) {
        let _ = &args;
        unsupported()
    }
}
