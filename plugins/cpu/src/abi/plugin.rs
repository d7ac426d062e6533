//! `PJRT_Plugin_*`: what the plugin says of itself before there is a client.

use std::sync::LazyLock;

use super::guard::entries;
use super::named_value::{NamedValues, Value};

/// Programs are accepted from the oldest StableHLO artefacts on; senders write the newest that we name.
static ATTRIBUTES: LazyLock<NamedValues> = LazyLock::new(|| {
    NamedValues::new([
        ("stablehlo_current_version", Value::Ints(vec![1, 13, 7])),
        ("stablehlo_minimum_version", Value::Ints(vec![0, 9, 0])),
        ("jacinth_version", Value::String(env!("CARGO_PKG_VERSION").into())),
    ])
});

entries! {
    /// `PJRT_Plugin_Initialize`: nothing to do; may be called any number of times.
    initialize(args: PJRT_Plugin_Initialize_Args) {
        let _ = &args;
        Ok(())
    }

    /// `PJRT_Plugin_Attributes`.
    attributes(args: PJRT_Plugin_Attributes_Args) {
        args.attributes = ATTRIBUTES.as_ptr();
        args.num_attributes = ATTRIBUTES.len();
        Ok(())
    }
}
