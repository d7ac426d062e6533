//! The values of constants in XLA's notation: `{ { 1, 2 }, { 3, 4 } }`.

use std::fmt::Write;

use super::data::{Literal, Shape};
use super::shape::{TUPLE, element, write_shape};
use crate::element::{decode, significand_bits};
use crate::{ElementType, Kind};

/// Constants of more elements than these are not printed.
const MOST: i64 = 10;

/// Of more dimensions than these there are no arrays.
const MOST_DIMENSIONS: usize = 64;

/// A sentence unless the literal's shape is one that can be printed.
pub(super) fn check(literal: &Literal) -> Result<(), String> {
    let Some(shape) = &literal.shape else { return Ok(()) };
    if shape.dimensions.iter().any(|&size| size < 0) {
        return Err("a literal has a negative size".into());
    }
    let order = shape.layout.as_ref().map_or(&[][..], |layout| &layout.minor_to_major);
    let rank = shape.dimensions.len();
    if rank > MOST_DIMENSIONS {
        return Err(format!("a literal has {rank} dimensions"));
    }
    let permutes = order.len() == rank && (0..rank as i64).all(|d| order.contains(&d));
    if !order.is_empty() && !permutes {
        return Err(format!("a literal of {rank} dimensions has the layout {order:?}"));
    }
    Ok(())
}

/// Appends a constant's value, or `{...}` where it is too large to be printed or not in the message.
pub(super) fn write_constant(literal: Option<&Literal>, out: &mut String) {
    let start = out.len();
    let shown = literal.and_then(|literal| {
        let shape = literal.shape.as_ref().filter(|shape| shape.element_type != TUPLE)?;
        write_array(literal, shape, out)
    });
    if shown.is_none() {
        out.truncate(start);
        out.push_str("{...}");
    }
}

/// Appends shape and value, as custom calls have them.
pub(super) fn write_with_shape(literal: &Literal, out: &mut String) {
    write_shape(literal.shape.as_ref().unwrap_or(&Shape::default()), true, out);
    out.push(' ');
    write_constant(Some(literal), out);
}

fn write_array(literal: &Literal, shape: &Shape, out: &mut String) -> Option<()> {
    let sizes = &shape.dimensions;
    // Of an array without elements the rows are printed all the same.
    let brackets = sizes.iter().filter(|&&size| size != 0).try_fold(1i64, |n, &size| n.checked_mul(size));
    let count = if sizes.contains(&0) { 0 } else { brackets? };
    if count > MOST || brackets.is_none_or(|n| n > 1 << 16) {
        return None;
    }
    let element = element(shape.element_type)?;
    // The distance in memory between neighbours along each dimension.
    let mut strides = vec![1usize; sizes.len()];
    let order: Vec<i64> = match &shape.layout {
        Some(layout) if !layout.minor_to_major.is_empty() => layout.minor_to_major.clone(),
        _ => (0..sizes.len() as i64).rev().collect(),
    };
    let mut stride = 1usize;
    for &dimension in &order {
        strides[dimension as usize] = stride;
        stride *= sizes[dimension as usize] as usize;
    }
    let scalar = sizes.is_empty();
    let mut write = |at: usize, out: &mut String| write_element(literal, element, scalar, at, out);
    write_rows(&mut write, sizes, &strides, 0, sizes.len() > 1, out)
}

fn write_rows(
    write: &mut dyn FnMut(usize, &mut String) -> Option<()>,
    sizes: &[i64],
    strides: &[usize],
    at: usize,
    nested: bool,
    out: &mut String,
) -> Option<()> {
    let (Some((&size, sizes)), Some((&stride, strides))) = (sizes.split_first(), strides.split_first())
    else {
        return write(at, out);
    };
    // Where brackets are nested they have blanks inside, but for the innermost around one element or none.
    let blank = if nested && (size > 1 || !sizes.is_empty()) { " " } else { "" };
    out.push('{');
    out.push_str(blank);
    for i in 0..size as usize {
        if i > 0 {
            out.push_str(", ");
        }
        write_rows(write, sizes, strides, at + i * stride, nested, out)?;
    }
    out.push_str(blank);
    out.push('}');
    Some(())
}

/// Appends the element at a place in memory; `None` if the message does not hold it.
fn write_element(
    literal: &Literal,
    element: ElementType,
    scalar: bool,
    at: usize,
    out: &mut String,
) -> Option<()> {
    let float = |at: usize, out: &mut String| -> Option<()> {
        write_float(element.real(), bits(literal, element, at)?, out);
        Some(())
    };
    match element.kind() {
        Kind::Boolean if scalar => {
            out.push_str(if bits(literal, element, at)? == 1 { "true" } else { "false" })
        }
        Kind::Boolean | Kind::Unsigned => write!(out, "{}", bits(literal, element, at)?).ok()?,
        Kind::Signed => {
            let unused = 64 - element.bits();
            write!(out, "{}", ((bits(literal, element, at)? << unused) as i64) >> unused).ok()?;
        }
        Kind::Float => float(at, out)?,
        Kind::Complex => {
            out.push('(');
            float(2 * at, out)?;
            out.push_str(", ");
            float(2 * at + 1, out)?;
            out.push(')');
        }
    }
    Some(())
}

/// The bits of an element; a complex number is two.
fn bits(literal: &Literal, element: ElementType, at: usize) -> Option<u64> {
    use ElementType::*;
    let wide = |bytes: &[u8]| {
        let pair = bytes.chunks_exact(2).nth(at)?;
        Some(u16::from_le_bytes([pair[0], pair[1]]).into())
    };
    let byte = |bytes: &[u8]| bytes.get(at).map(|&byte| byte.into());
    // A byte each, as wide as they are.
    let narrow = |bytes: &[u8]| byte(bytes).map(|byte: u64| byte & ((1 << element.bits()) - 1));
    match element {
        I1 => literal.preds.get(at).map(|&bit| bit.into()),
        I2 => narrow(&literal.s2s),
        I4 => narrow(&literal.s4s),
        I8 => byte(&literal.s8s),
        I16 => wide(&literal.s16s),
        I32 => literal.s32s.get(at).map(|&x| x as u64),
        I64 => literal.s64s.get(at).map(|&x| x as u64),
        UI2 => narrow(&literal.u2s),
        UI4 => narrow(&literal.u4s),
        UI8 => byte(&literal.u8s),
        UI16 => wide(&literal.u16s),
        UI32 => literal.u32s.get(at).map(|&x| x.into()),
        UI64 => literal.u64s.get(at).copied(),
        F4E2M1FN => narrow(&literal.f4e2m1fns),
        F8E3M4 => byte(&literal.f8e3m4s),
        F8E4M3 => byte(&literal.f8e4m3s),
        F8E4M3FN => byte(&literal.f8e4m3fns),
        F8E4M3FNUZ => byte(&literal.f8e4m3fnuzs),
        F8E4M3B11FNUZ => byte(&literal.f8e4m3b11fnuzs),
        F8E5M2 => byte(&literal.f8e5m2s),
        F8E5M2FNUZ => byte(&literal.f8e5m2fnuzs),
        F8E8M0FNU => byte(&literal.f8e8m0fnus),
        BF16 => wide(&literal.bf16s),
        F16 => wide(&literal.f16s),
        F32 => literal.f32s.get(at).map(|x| x.to_bits().into()),
        F64 => literal.f64s.get(at).map(|x| x.to_bits()),
        C64 => literal.c64s.get(at).map(|x| x.to_bits().into()),
        C128 => literal.c128s.get(at).map(|x| x.to_bits()),
        F6E2M3FN | F6E3M2FN => None,
    }
}

/// Appends a float: of 32 and 64 bits with as few digits as C promises to keep, or else as many as tell all floats apart; of the
/// others always with as many.
fn write_float(element: ElementType, bits: u64, out: &mut String) {
    let value = decode(element, bits);
    if value.is_nan() {
        return write_nan(element, bits, out);
    }
    let text = match element {
        ElementType::F64 => Some(general(value, 15)).filter(|text| text.parse() == Ok(value)),
        ElementType::F32 => Some(general(value, 6)).filter(|text| text.parse() == Ok(value as f32)),
        _ => None,
    };
    out.push_str(&text.unwrap_or_else(|| general(value, digits(element))));
}

/// With how many decimal digits all floats of a type differ.
fn digits(element: ElementType) -> usize {
    (1.0 + f64::from(significand_bits(element)) * std::f64::consts::LOG10_2).ceil() as usize
}

/// Not-a-numbers have a sign and, where it is not the usual one and the type has several, a payload.
fn write_nan(element: ElementType, bits: u64, out: &mut String) {
    use ElementType::*;
    let negative = bits >> (element.bits() - 1) & 1 == 1 && element != F8E8M0FNU;
    out.push_str(if negative { "-nan" } else { "nan" });
    if matches!(element, F64 | F32 | F16 | BF16 | F8E5M2 | F8E4M3 | F8E3M4) {
        let mantissa = significand_bits(element) - 1;
        let payload = bits & ((1 << mantissa) - 1);
        if payload != 1 << (mantissa - 1) {
            write!(out, "({payload:#x})").expect("a string takes all");
        }
    }
}

/// A number as C's `%.{precision}g` prints it.
pub(super) fn general(value: f64, precision: usize) -> String {
    if !value.is_finite() {
        let sign = if value.is_sign_negative() { "-" } else { "" };
        return format!("{sign}{}", if value.is_nan() { "nan" } else { "inf" });
    }
    let scientific = format!("{value:.*e}", precision - 1);
    let (mantissa, exponent) = scientific.split_once('e').expect("an exponent is written");
    let exponent: i32 = exponent.parse().expect("it is a number");
    let trimmed = |digits: &str| match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => digits.to_owned(),
    };
    if exponent < -4 || exponent >= precision as i32 {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs());
    }
    trimmed(&format!("{value:.*}", (precision as i32 - 1 - exponent) as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_c_prints_them() {
        let cases = [
            (0.0, 6, "0"),
            (-0.0, 6, "-0"),
            (100000.0, 6, "100000"),
            (1e6, 6, "1e+06"),
            (1e-4, 6, "0.0001"),
            (1e-5, 6, "1e-05"),
            (9.999999, 6, "10"),
            (0.1, 17, "0.10000000000000001"),
            (57344.0, 2, "5.7e+04"),
            (1e300, 15, "1e+300"),
            (f64::NEG_INFINITY, 6, "-inf"),
        ];
        for (value, precision, text) in cases {
            assert_eq!(general(value, precision), text);
        }
    }
}
