//! Shardings and lists of devices in XLA's notation: `{devices=[2,2]<=[4]}`, `{{0,1},{2,3}}`.

use std::fmt::Write;

use super::data::*;
use super::proto::Instruction;
use super::shape::{List, separator};
use super::text::write_metadata_fields;

/// The number of the kind of sharding whose parts are one for each leaf.
const TUPLE: i32 = 2;
const OTHER: i32 = 3;

fn kind_name(kind: i32) -> &'static str {
    match kind {
        0 => "replicated",
        1 => "maximal",
        4 => "manual",
        5 => "unknown",
        6 => "unreduced",
        _ => "error_type.",
    }
}

/// Appends a sharding.
pub(super) fn write_sharding(sharding: &Sharding, out: &mut String) {
    if sharding.kind == TUPLE {
        out.push('{');
        for (i, part) in sharding.tuple.iter().enumerate() {
            separator(i, out);
            write_sharding(part, out);
        }
        out.push('}');
        return;
    }
    if let Some(named) = &sharding.named {
        return write_named(named, out);
    }
    out.push('{');
    match sharding.kind {
        OTHER => write_tiles(sharding, out),
        1 => {
            let device = sharding.devices.first().unwrap_or(&0);
            write!(out, "maximal device={device}").expect("a string takes all");
        }
        kind => out.push_str(kind_name(kind)),
    }
    if sharding.is_shard_group {
        let kind = if sharding.shard_group_type == 0 { "shard_as" } else { "shard_like" };
        write!(out, " {kind} {}", sharding.shard_group_id).expect("a string takes all");
    }
    if !sharding.metadata.is_empty() {
        out.push_str(" metadata={");
        write_metadata_list(&sharding.metadata, sharding.metadata.len() > 1, out);
        out.push('}');
    }
    out.push('}');
}

fn write_metadata_list(list: &[Metadata], braces: bool, out: &mut String) {
    for (i, metadata) in list.iter().enumerate() {
        out.push_str(if i == 0 { "" } else { ", " });
        out.push_str(if braces { "{" } else { "" });
        write_metadata_fields(metadata, out);
        out.push_str(if braces { "}" } else { "" });
    }
}

fn write_tiles(sharding: &Sharding, out: &mut String) {
    write!(out, "devices=[{}]", List(&sharding.dimensions)).expect("a string takes all");
    match sharding.iota_reshape.is_empty() {
        true => write!(out, "{}", List(&sharding.devices)).expect("a string takes all"),
        false => write_iota(&sharding.iota_reshape, &sharding.iota_transpose, out),
    }
    if sharding.replicate_on_last {
        out.push_str(" last_tile_dim_replicate");
    }
    if !sharding.last_tile_dims.is_empty() {
        out.push_str(" last_tile_dims={");
        for (i, &kind) in sharding.last_tile_dims.iter().enumerate() {
            out.push_str(if i == 0 { "" } else { ", " });
            out.push_str(kind_name(kind));
        }
        out.push('}');
    }
}

/// Appends devices counted along some dimensions and transposed: `<=[2,4]T(1,0)`.
fn write_iota<T: std::fmt::Display>(reshape: &[i64], transpose: &[T], out: &mut String) {
    write!(out, "<=[{}]", List(reshape)).expect("a string takes all");
    if reshape.len() > 1 {
        write!(out, "T({})", List(transpose)).expect("a string takes all");
    }
}

fn write_named(named: &NamedSharding, out: &mut String) {
    let default = Mesh::default();
    let mesh = named.mesh.as_ref().unwrap_or(&default);
    let mut metadata = String::new();
    if !named.metadata.is_empty() {
        metadata.push_str(", metadata={");
        write_metadata_list(&named.metadata, true, &mut metadata);
        metadata.push('}');
    }
    out.push('{');
    match (&mesh.axes[..], &mesh.device_ids[..]) {
        ([], [device]) => write!(out, "maximal device={device}").expect("a string takes all"),
        _ => {
            write_mesh(mesh, out);
            out.push_str(if named.dimensions.is_empty() { ", replicated" } else { ", [" });
            for (i, dimension) in named.dimensions.iter().enumerate() {
                out.push_str(if i == 0 { "{" } else { ", {" });
                write_axes(&dimension.axes, mesh, ", ", out);
                if !dimension.is_closed {
                    out.push_str(if dimension.axes.is_empty() { "?" } else { ", ?" });
                }
                out.push('}');
            }
            out.push_str(if named.dimensions.is_empty() { "" } else { "]" });
            let lists = [
                ("replicated", &named.replicated),
                ("unreduced", &named.unreduced),
                ("manual", &named.manual),
            ];
            for (name, axes) in lists.iter().filter(|(_, axes)| !axes.is_empty()) {
                write!(out, ", {name}={{").expect("a string takes all");
                write_axes(axes, mesh, ", ", out);
                out.push('}');
            }
        }
    }
    out.push_str(&metadata);
    out.push('}');
}

fn write_axes(axes: &[AxisRef], mesh: &Mesh, between: &str, out: &mut String) {
    for (i, axis) in axes.iter().enumerate() {
        out.push_str(if i == 0 { "" } else { between });
        let name = usize::try_from(axis.axis).ok().and_then(|at| mesh.axes.get(at));
        match name {
            Some(named) => write!(out, "'{}'", named.name).expect("a string takes all"),
            None => write!(out, "{}", axis.axis).expect("a string takes all"),
        }
        if let Some(part) = &axis.part {
            write!(out, ":({}){}", part.pre_size, part.size).expect("a string takes all");
        }
    }
}

fn write_mesh(mesh: &Mesh, out: &mut String) {
    out.push_str("mesh[");
    for (i, axis) in mesh.axes.iter().enumerate() {
        out.push_str(if i == 0 { "" } else { "," });
        write!(out, "'{}'={}", axis.name, axis.size).expect("a string takes all");
    }
    out.push(']');
    if let Some(iota) = &mesh.iota {
        let (reshape, transpose) = (List(&iota.reshape), List(&iota.transpose));
        write!(out, ", device_ids=([{reshape}]T({transpose}))").expect("a string takes all");
    } else if !mesh.device_ids.is_empty() {
        write!(out, ", device_ids=({})", List(&mesh.device_ids)).expect("a string takes all");
    }
}

/// Appends the groups of devices that a collective instruction is among.
pub(super) fn write_groups(instruction: &Instruction, out: &mut String) {
    let listed = instruction.devices.as_ref();
    if let Some(iota) = instruction.iota_devices.as_ref().or_else(|| listed?.iota.as_ref()) {
        write!(out, "[{},{}]", iota.groups, iota.devices_per_group).expect("a string takes all");
        return write_iota(&iota.reshape, &iota.transpose, out);
    }
    if let Some(devices) = &instruction.mesh_devices {
        let default = Mesh::default();
        let mesh = devices.mesh.as_ref().unwrap_or(&default);
        write_mesh(mesh, out);
        out.push_str(" {");
        write_axes(&devices.axes, mesh, ",", out);
        out.push('}');
        return;
    }
    let groups = listed.map_or(&instruction.replica_groups, |listed| &listed.groups);
    let groups: Vec<String> = groups.iter().map(|group| format!("{{{}}}", List(&group.ids))).collect();
    write!(out, "{{{}}}", List(&groups)).expect("a string takes all");
}
