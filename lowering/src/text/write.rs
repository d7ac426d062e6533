//! Writing types, attributes and dense literals.

use super::number::write_float;
use super::printer::push_int;
use super::write_string;
use crate::attribute::{Attribute, Attributes};
use crate::element::{Scalar, encode, read};
use crate::ops::conv::ConvDimensionNumbers;
use crate::{DYNAMIC, ElementType, Literal, TensorType, Type};

/// A literal of more elements than this is written as the bytes of its elements.
const MAX_LISTED: usize = 100;

pub(super) fn ty(ty: &Type, out: &mut String) {
    match ty {
        Type::Tensor(ty) => tensor(ty, out),
        Type::Token => out.push_str("!stablehlo.token"),
        Type::Tuple(types) => {
            out.push_str("tuple<");
            separated(types, out, self::ty);
            out.push('>');
        }
    }
}

fn tensor(ty: &TensorType, out: &mut String) {
    out.push_str("tensor<");
    for &size in &ty.shape {
        match size {
            DYNAMIC => out.push('?'),
            _ => push_int(size, out),
        }
        out.push('x');
    }
    out.push_str(ty.element.name());
    out.push('>');
}

/// Items with `, ` between.
pub(super) fn separated<T>(
    items: impl IntoIterator<Item = T>,
    out: &mut String,
    mut write: impl FnMut(T, &mut String),
) {
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write(item, out);
    }
}

/// `[1, 2]`.
pub(super) fn ints(values: &[i64], out: &mut String) {
    out.push('[');
    separated(values, out, |&v, out| push_int(v, out));
    out.push(']');
}

/// `{a = 1 : i64, b}`.
pub(super) fn dict(attributes: &Attributes, out: &mut String) {
    out.push('{');
    separated(attributes.iter(), out, |(name, value), out| {
        attribute_name(name, out);
        if *value != Attribute::Unit {
            out.push_str(" = ");
            attribute(value, out);
        }
    });
    out.push('}');
}

/// A name, in quotes unless it is a bare identifier; MLIR's have no hyphens.
fn attribute_name(name: &str, out: &mut String) {
    let bare = name.bytes().enumerate().all(|(i, b)| {
        b.is_ascii_alphabetic() || b == b'_' || (i > 0 && (b.is_ascii_digit() || matches!(b, b'$' | b'.')))
    });
    if bare && !name.is_empty() { out.push_str(name) } else { write_string(name, out) }
}

/// `@name`.
pub(super) fn symbol(name: &str, out: &mut String) {
    out.push('@');
    attribute_name(name, out);
}

pub(super) fn attribute(value: &Attribute, out: &mut String) {
    typed_attribute(value, true, out);
}

/// An attribute; its type may be left out where it is the default, within lists.
fn typed_attribute(value: &Attribute, with_type: bool, out: &mut String) {
    match value {
        Attribute::Unit => out.push_str("unit"),
        Attribute::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Attribute::Int(value, element) => {
            match element {
                ElementType::UI64 => out.push_str(&(*value as u64).to_string()),
                _ => push_int(*value, out),
            }
            if with_type || *element != ElementType::I64 {
                out.push_str(" : ");
                out.push_str(element.name());
            }
        }
        Attribute::Float(value, element) => {
            write_float(*element, encode(*element, *value), out);
            if with_type || *element != ElementType::F64 {
                out.push_str(" : ");
                out.push_str(element.name());
            }
        }
        Attribute::String(text) => write_string(text, out),
        Attribute::Symbol(name) => symbol(name, out),
        Attribute::Type(ty) => self::ty(ty, out),
        Attribute::Array(values) => {
            out.push('[');
            separated(values, out, |value, out| typed_attribute(value, false, out));
            out.push(']');
        }
        Attribute::DenseArray(element, values) => {
            out.push_str("array<");
            out.push_str(element.name());
            if !values.is_empty() {
                out.push_str(": ");
            }
            separated(values, out, |&value, out| match element {
                ElementType::I1 => out.push_str(if value == 0 { "false" } else { "true" }),
                _ => push_int(value, out),
            });
            out.push('>');
        }
        Attribute::Dense(literal) => dense(literal, out),
        Attribute::Dict(attributes) => dict(attributes, out),
        Attribute::Enum(name, value) => {
            let (dialect, name) = name.split_once('.').unwrap_or(("stablehlo", name));
            out.extend(["#", dialect, "<", name, " ", value, ">"]);
        }
        Attribute::Struct(name, fields) => {
            out.push_str(if name.contains('.') { "#" } else { "#stablehlo." });
            out.push_str(name);
            self::fields(fields, out);
        }
        Attribute::Conv(numbers) => {
            out.push_str("#stablehlo.conv<");
            conv_dimensions(numbers, out);
            out.push('>');
        }
        Attribute::Opaque(text) => out.push_str(text),
    }
}

/// `<name = value, …>`.
pub(super) fn fields(fields: &Attributes, out: &mut String) {
    out.push('<');
    separated(fields.iter(), out, |(name, value), out| {
        out.push_str(name);
        out.push_str(" = ");
        typed_attribute(value, false, out);
    });
    out.push('>');
}

/// `[b, 0, f]x[0, i, o]->[b, 0, f]`.
pub(super) fn conv_dimensions(d: &ConvDimensionNumbers, out: &mut String) {
    let side = |named: [(&str, i64); 2], spatial: &[i64], out: &mut String| {
        out.push('[');
        separated(0..spatial.len() as i64 + 2, out, |position, out| {
            match named.iter().find(|n| n.1 == position) {
                Some((name, _)) => out.push_str(name),
                None => match spatial.iter().position(|&s| s == position) {
                    Some(i) => push_int(i as i64, out),
                    None => out.push('?'),
                },
            }
        });
        out.push(']');
    };
    side(
        [("b", d.input_batch_dimension), ("f", d.input_feature_dimension)],
        &d.input_spatial_dimensions,
        out,
    );
    out.push('x');
    side(
        [("i", d.kernel_input_feature_dimension), ("o", d.kernel_output_feature_dimension)],
        &d.kernel_spatial_dimensions,
        out,
    );
    out.push_str("->");
    side(
        [("b", d.output_batch_dimension), ("f", d.output_feature_dimension)],
        &d.output_spatial_dimensions,
        out,
    );
}

/// `dense<…> : tensor<…>`.
pub(super) fn dense(literal: &Literal, out: &mut String) {
    let ty = literal.ty();
    out.push_str("dense<");
    if let (Some(element), false) = (literal.as_splat(), literal.is_empty()) {
        one_element(ty.element, element, out);
    } else if literal.len() > MAX_LISTED {
        hex(literal, out);
    } else if !literal.is_empty() {
        list(literal, 0, &mut 0, out);
    }
    out.push_str("> : ");
    tensor(ty, out);
}

fn list(literal: &Literal, d: usize, next: &mut usize, out: &mut String) {
    let ty = literal.ty();
    let Some(&size) = ty.shape.get(d) else {
        one_element(ty.element, literal.element(*next), out);
        *next += 1;
        return;
    };
    out.push('[');
    separated(0..size, out, |_, out| list(literal, d + 1, next, out));
    out.push(']');
}

fn one_element(element: ElementType, bytes: &[u8], out: &mut String) {
    match read(element, bytes) {
        Scalar::Int(value) if element.is_boolean() => out.push_str(if value == 0 { "false" } else { "true" }),
        Scalar::Int(value) => match i64::try_from(value) {
            Ok(value) => push_int(value, out),
            Err(_) => out.push_str(&value.to_string()),
        },
        Scalar::Float(_) => write_float(element, bits(bytes), out),
        Scalar::Complex(_) => {
            let (re, im) = bytes.split_at(bytes.len() / 2);
            out.push('(');
            write_float(element.real(), bits(re), out);
            out.push(',');
            write_float(element.real(), bits(im), out);
            out.push(')');
        }
    }
}

/// The bits of a float, NaN's payload included.
fn bits(bytes: &[u8]) -> u64 {
    let mut wide = [0; 8];
    match cfg!(target_endian = "little") {
        true => wide[..bytes.len()].copy_from_slice(bytes),
        false => wide[8 - bytes.len()..].copy_from_slice(bytes),
    }
    u64::from_ne_bytes(wide)
}

/// `"0x…"`: all elements' bytes, little-endian; integers narrower than a byte without their extension.
fn hex(literal: &Literal, out: &mut String) {
    let element = literal.ty().element;
    let mask = match element.is_integer() && element.bits() < 8 {
        true => (1u8 << element.bits()) - 1,
        false => 0xff,
    };
    let mut bytes = literal.to_bytes().to_vec();
    if cfg!(target_endian = "big") {
        bytes.chunks_exact_mut(element.real().byte_width()).for_each(<[u8]>::reverse);
    }
    out.push_str("\"0x");
    out.reserve(2 * bytes.len() + 1);
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in bytes {
        let byte = byte & mask;
        out.push(DIGITS[usize::from(byte >> 4)].into());
        out.push(DIGITS[usize::from(byte & 15)].into());
    }
    out.push('"');
}
