//! What leaves the language: custom calls and the host.
//!
//! The reference evaluation knows the few custom calls that change nothing; all others are refused by name.

use super::collective::ChannelHandle;
use super::rules::{arity, named};
use super::{Context, EvalContext, OpDef};
use crate::attribute::{Attribute, Attributes};
use crate::eval::Datum;
use crate::{ElementType, Error, Result, Type, Types};

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

/// Attributes of a custom call that are its own, beside those with a field.
const OTHER: [&str; 4] =
    ["called_computations", "operand_layouts", "output_operand_aliases", "result_layouts"];

/// Custom calls whose results are their operands: annotations.
const IDENTITIES: [&str; 4] =
    ["Sharding", "SPMDFullToShardShape", "SPMDShardToFullShape", "annotate_device_placement"];

impl OpDef for CustomCall {
    named!("stablehlo.custom_call");

    fn attributes(&self) -> Attributes {
        let mut attributes = self.other.clone();
        if self.api_version != 1 {
            attributes.set("api_version", Attribute::Int(self.api_version, ElementType::I32));
        }
        if let Some(config) = &self.backend_config {
            attributes.set("backend_config", config.clone());
        }
        attributes.set("call_target_name", Attribute::String(self.call_target_name.clone()));
        if self.has_side_effect {
            attributes.set("has_side_effect", Attribute::Bool(true));
        }
        attributes.0.sort_by(|a, b| a.0.cmp(&b.0));
        attributes
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let backend_config = attributes.take("backend_config");
        if !matches!(backend_config, None | Some(Attribute::String(_) | Attribute::Dict(_))) {
            return Err(Error::verify(
                "custom_call: attribute backend_config must be a string or a dictionary",
            ));
        }
        let mut other = Attributes::new();
        for name in OTHER {
            if let Some(value) = attributes.take(name) {
                other.set(name, value);
            }
        }
        Ok(CustomCall {
            call_target_name: attributes.take_string("custom_call", "call_target_name")?,
            has_side_effect: attributes.take_bool("custom_call", "has_side_effect", false)?,
            backend_config,
            api_version: attributes.take_optional_int("custom_call", "api_version")?.unwrap_or(1),
            other,
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        arity("custom_call", cx, cx.operands.len(), 0)?;
        Ok(None)
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let target = &self.call_target_name;
        let unmoved = cx.operands.len() == cx.results.len()
            && cx.operands.iter().zip(cx.results).all(|(operand, ty)| operand.ty() == **ty);
        if IDENTITIES.contains(&&target[..]) && unmoved {
            return Ok(cx.operands.to_vec());
        }
        Err(Error::unsupported(format!("custom_call: the reference evaluation does not know @{target}")))
    }
}

/// `stablehlo.infeed(token)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Infeed {
    /// What the host needs to know.
    pub infeed_config: String,
}

impl OpDef for Infeed {
    named!("stablehlo.infeed");

    fn attributes(&self) -> Attributes {
        Attributes(vec![("infeed_config".into(), Attribute::String(self.infeed_config.clone()))])
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let infeed_config = attributes.take_optional_string("infeed", "infeed_config")?.unwrap_or_default();
        Ok(Infeed { infeed_config })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        arity("infeed", cx, 1, 0)?;
        last_token("infeed", "infeed_i1", cx)?;
        Ok(None)
    }

    fn verify(&self, _: &Context<'_>, results: &[Type]) -> Result<()> {
        received("infeed", "infeed_c1", "infeed_c2", "infeed_c3", results)
    }

    fn eval(&self, _: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        Err(Error::unsupported("infeed: the reference evaluation has no host to receive from"))
    }
}

/// `stablehlo.outfeed(inputs…, token)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Outfeed {
    /// What the host needs to know.
    pub outfeed_config: String,
}

impl OpDef for Outfeed {
    named!("stablehlo.outfeed");

    fn attributes(&self) -> Attributes {
        Attributes(vec![("outfeed_config".into(), Attribute::String(self.outfeed_config.clone()))])
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let outfeed_config =
            attributes.take_optional_string("outfeed", "outfeed_config")?.unwrap_or_default();
        Ok(Outfeed { outfeed_config })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        arity("outfeed", cx, cx.operands.len(), 0)?;
        last_token("outfeed", "outfeed_i2", cx)?;
        Ok(Some(smallvec::smallvec![Type::Token]))
    }

    fn eval(&self, _: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        Err(Error::unsupported("outfeed: the reference evaluation has no host to send to"))
    }
}

/// `stablehlo.send(inputs…, token)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Send {
    /// The channel.
    pub channel_handle: ChannelHandle,
    /// Whether it goes to the host.
    pub is_host_transfer: bool,
}

impl OpDef for Send {
    named!("stablehlo.send");

    fn attributes(&self) -> Attributes {
        transfer_attributes(self.channel_handle, self.is_host_transfer)
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let (channel_handle, is_host_transfer) = transfer("send", attributes)?;
        Ok(Send { channel_handle, is_host_transfer })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        arity("send", cx, cx.operands.len(), 0)?;
        last_token("send", "send_i2", cx)?;
        // DEVICE_TO_HOST is 2.
        channel_type("send", "send_c5", self.channel_handle, self.is_host_transfer, 2)?;
        Ok(Some(smallvec::smallvec![Type::Token]))
    }

    fn eval(&self, _: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        Err(Error::unsupported("send: the reference evaluation has nowhere to send to"))
    }
}

/// `stablehlo.recv(token)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Recv {
    /// The channel.
    pub channel_handle: ChannelHandle,
    /// Whether it comes from the host.
    pub is_host_transfer: bool,
}

impl OpDef for Recv {
    named!("stablehlo.recv");

    fn attributes(&self) -> Attributes {
        transfer_attributes(self.channel_handle, self.is_host_transfer)
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let (channel_handle, is_host_transfer) = transfer("recv", attributes)?;
        Ok(Recv { channel_handle, is_host_transfer })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        arity("recv", cx, 1, 0)?;
        last_token("recv", "recv_i1", cx)?;
        // HOST_TO_DEVICE is 3.
        channel_type("recv", "recv_c5", self.channel_handle, self.is_host_transfer, 3)?;
        Ok(None)
    }

    fn verify(&self, _: &Context<'_>, results: &[Type]) -> Result<()> {
        received("recv", "recv_c1", "recv_c2", "recv_c3", results)
    }

    fn eval(&self, _: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        Err(Error::unsupported("recv: the reference evaluation has nowhere to receive from"))
    }
}

fn transfer_attributes(channel: ChannelHandle, is_host_transfer: bool) -> Attributes {
    let mut attributes = Attributes(vec![("channel_handle".into(), channel.attribute())]);
    if is_host_transfer {
        attributes.set("is_host_transfer", Attribute::Bool(true));
    }
    attributes
}

fn transfer(op: &str, attributes: &mut Attributes) -> Result<(ChannelHandle, bool)> {
    Ok((ChannelHandle::take(op, attributes)?, attributes.take_bool(op, "is_host_transfer", false)?))
}

/// The last operand is a token, the others are tensors.
fn last_token(op: &str, label: &'static str, cx: &Context<'_>) -> Result<()> {
    match cx.operands.split_last() {
        Some((Type::Token, inputs)) => (0..inputs.len()).try_for_each(|i| cx.tensor(op, i).map(drop)),
        _ => Err(Error::constraint(label, format!("{op}: the last operand must be a token"))),
    }
}

/// What is received: tensors, then a token.
fn received(
    op: &str,
    some: &'static str,
    tensors: &'static str,
    token: &'static str,
    results: &[Type],
) -> Result<()> {
    let Some((last, data)) = results.split_last() else {
        return Err(Error::constraint(some, format!("{op}: there are no results")));
    };
    if let Some(ty) = data.iter().find(|ty| ty.as_tensor().is_none()) {
        return Err(Error::constraint(
            tensors,
            format!("{op}: results before the last must be tensors, got {ty}"),
        ));
    }
    if *last != Type::Token {
        return Err(Error::constraint(token, format!("{op}: the last result must be a token, got {last}")));
    }
    Ok(())
}

/// Between devices the channel's type is 1, to or from the host `host`.
fn channel_type(
    op: &str,
    label: &'static str,
    channel: ChannelHandle,
    is_host_transfer: bool,
    host: i64,
) -> Result<()> {
    let expected = if is_host_transfer { host } else { 1 };
    if channel.channel_type != expected {
        let got = channel.channel_type;
        return Err(Error::constraint(
            label,
            format!("{op}: the channel's type must be {expected}, got {got}"),
        ));
    }
    Ok(())
}
