//! Shapes and layouts in XLA's notation: `f32[2,3]{1,0:T(8,128)}`.

use std::fmt::{self, Display, Write};

use super::data::{Layout, ProgramShape, Shape};
use crate::ElementType;

/// The numbers of XLA's primitive types that are no arrays.
pub(super) const TUPLE: i32 = 13;
const OPAQUE: i32 = 14;
const TOKEN: i32 = 17;
const BUFFER: i32 = 34;

/// Number, name and, where StableHLO has it, element type of each primitive type of arrays.
const TYPES: &[(i32, &str, Option<ElementType>)] = &[
    (1, "pred", Some(ElementType::I1)),
    (2, "s8", Some(ElementType::I8)),
    (3, "s16", Some(ElementType::I16)),
    (4, "s32", Some(ElementType::I32)),
    (5, "s64", Some(ElementType::I64)),
    (6, "u8", Some(ElementType::UI8)),
    (7, "u16", Some(ElementType::UI16)),
    (8, "u32", Some(ElementType::UI32)),
    (9, "u64", Some(ElementType::UI64)),
    (10, "f16", Some(ElementType::F16)),
    (11, "f32", Some(ElementType::F32)),
    (12, "f64", Some(ElementType::F64)),
    (15, "c64", Some(ElementType::C64)),
    (16, "bf16", Some(ElementType::BF16)),
    (18, "c128", Some(ElementType::C128)),
    (19, "f8e5m2", Some(ElementType::F8E5M2)),
    (20, "f8e4m3fn", Some(ElementType::F8E4M3FN)),
    (21, "s4", Some(ElementType::I4)),
    (22, "u4", Some(ElementType::UI4)),
    (23, "f8e4m3b11fnuz", Some(ElementType::F8E4M3B11FNUZ)),
    (24, "f8e5m2fnuz", Some(ElementType::F8E5M2FNUZ)),
    (25, "f8e4m3fnuz", Some(ElementType::F8E4M3FNUZ)),
    (26, "s2", Some(ElementType::I2)),
    (27, "u2", Some(ElementType::UI2)),
    (28, "f8e4m3", Some(ElementType::F8E4M3)),
    (29, "f8e3m4", Some(ElementType::F8E3M4)),
    (30, "s1", None),
    (31, "u1", None),
    (32, "f4e2m1fn", Some(ElementType::F4E2M1FN)),
    (33, "f8e8m0fnu", Some(ElementType::F8E8M0FNU)),
    (35, "f6e3m2fn", Some(ElementType::F6E3M2FN)),
    (36, "f6e2m3fn", Some(ElementType::F6E2M3FN)),
];

fn row(primitive: i32) -> Option<&'static (i32, &'static str, Option<ElementType>)> {
    TYPES.iter().find(|row| row.0 == primitive)
}

/// The element type of a primitive type, if StableHLO has it.
pub(super) fn element(primitive: i32) -> Option<ElementType> {
    row(primitive).and_then(|row| row.2)
}

fn type_name(primitive: i32) -> &'static str {
    match primitive {
        TUPLE => "tuple",
        OPAQUE => "opaque",
        TOKEN => "token",
        BUFFER => "b",
        _ => row(primitive).map_or("invalid", |row| row.1),
    }
}

/// Numbers with commas between them.
pub(super) struct List<'a, T>(pub(super) &'a [T]);

impl<T: Display> Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, item) in self.0.iter().enumerate() {
            write!(f, "{}{item}", if i == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// What stands between the items of a list that says every fifth position: `, `, or `, /*index=5*/`.
pub(super) fn separator(index: usize, out: &mut String) {
    match index {
        0 => {}
        _ if index.is_multiple_of(5) => write!(out, ", /*index={index}*/").expect("a string takes all"),
        _ => out.push_str(", "),
    }
}

/// Appends a shape, with its layouts or without.
pub(super) fn write_shape(shape: &Shape, layouts: bool, out: &mut String) {
    if shape.element_type == TUPLE {
        out.push('(');
        for (i, part) in shape.tuple_shapes.iter().enumerate() {
            separator(i, out);
            write_shape(part, layouts, out);
        }
        out.push(')');
        return;
    }
    out.push_str(type_name(shape.element_type));
    if let (BUFFER, [inner]) = (shape.element_type, &shape.tuple_shapes[..]) {
        out.push('(');
        write_shape(inner, layouts, out);
        out.push(')');
        return;
    }
    out.push('[');
    for (i, &size) in shape.dimensions.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        let dynamic = shape.dynamic.get(i) == Some(&true);
        match size {
            i64::MIN if dynamic => out.push('?'),
            _ => write!(out, "{}{size}", if dynamic { "<=" } else { "" }).expect("a string takes all"),
        }
    }
    out.push(']');
    if let Some(layout) = shape.layout.as_ref().filter(|_| layouts) {
        let start = out.len();
        write_layout(layout, out);
        // A scalar has nothing to lay out.
        if &out[start..] == "{}" {
            out.truncate(start);
        }
    }
}

fn write_layout(layout: &Layout, out: &mut String) {
    let mut more = String::new();
    let mut part = |text: fmt::Arguments<'_>| more.write_fmt(text).expect("a string takes all");
    for (i, tile) in layout.tiles.iter().enumerate() {
        let sizes: Vec<String> = tile
            .dimensions
            .iter()
            .map(|&size| if size == i64::MIN { "*".to_owned() } else { size.to_string() })
            .collect();
        part(format_args!("{}({})", if i == 0 { "T" } else { "" }, List(&sizes)));
    }
    if layout.tail_padding > 1 {
        part(format_args!("L({})", layout.tail_padding));
    }
    if layout.index_type != 0 {
        part(format_args!("#({})", type_name(layout.index_type)));
    }
    if layout.pointer_type != 0 {
        part(format_args!("*({})", type_name(layout.pointer_type)));
    }
    if layout.element_size_in_bits != 0 {
        part(format_args!("E({})", layout.element_size_in_bits));
    }
    if layout.memory_space != 0 {
        part(format_args!("S({})", layout.memory_space));
    }
    if !layout.splits.is_empty() {
        part(format_args!("SC"));
        for split in &layout.splits {
            part(format_args!("({}:{})", split.dimension, List(&split.indices)));
        }
    }
    if let Some(physical) = &layout.physical_shape {
        let mut text = String::new();
        write_shape(physical, true, &mut text);
        part(format_args!("P({text})"));
    }
    if layout.metadata_prefix_bytes > 0 {
        part(format_args!("M({})", layout.metadata_prefix_bytes));
    }
    let colon = if more.is_empty() { "" } else { ":" };
    write!(out, "{{{}{colon}{more}}}", List(&layout.minor_to_major)).expect("a string takes all");
}

/// Appends the layout of the entry computation: `(f32[2]{0})->f32[2]{0}`.
pub(super) fn write_entry_layout(program: &ProgramShape, out: &mut String) {
    out.push('(');
    for (i, shape) in program.parameters.iter().enumerate() {
        separator(i, out);
        write_shape(shape, true, out);
    }
    out.push_str(")->");
    write_shape(program.result.as_ref().unwrap_or(&Shape::default()), true, out);
}
