//! What leaves the language: custom calls and the host.
use super::collective::ChannelHandle;
use crate::attribute::{Attribute, Attributes};

/// `stablehlo.custom_call(inputs…)`: whatever the plugin knows by that name.
#[derive(Clone, PartialEq, Debug)]
pub struct CustomCall {
    /// The target's name.
    pub call_target_name: String,
    /// Whether it must not be removed or repeated.
    pub has_side_effect: bool,
    /// What the target needs to know: a string, or a dictionary.
    pub backend_config: Option<Attribute>,
    /// Version of the calling convention.
    pub api_version: i64,
    /// All other attributes (layouts, aliases, called computations), as written.
    pub other: Attributes,
}

/// `stablehlo.infeed(token)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Infeed {
    /// What the host needs to know.
    pub infeed_config: String,
}

/// `stablehlo.outfeed(inputs…, token)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Outfeed {
    /// What the host needs to know.
    pub outfeed_config: String,
}

/// `stablehlo.send(inputs…, token)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Send {
    /// The channel.
    pub channel_handle: ChannelHandle,
    /// Whether it goes to the host.
    pub is_host_transfer: bool,
}

/// `stablehlo.recv(token)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Recv {
    /// The channel.
    pub channel_handle: ChannelHandle,
    /// Whether it comes from the host.
    pub is_host_transfer: bool,
}

super::scaffold!(CustomCall "stablehlo.custom_call", Infeed "stablehlo.infeed", Outfeed "stablehlo.outfeed", Send "stablehlo.send", Recv "stablehlo.recv");
