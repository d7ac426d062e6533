//! Numbers as MLIR spells them.
//!
//! A float is written with six digits where these read back as the same float, else with as many digits as tell all
//! floats of its type apart, else (infinities, NaN, whole numbers too long for that) as its bits in hexadecimal.

use crate::ElementType;
use crate::element::{decode, encode, significand_bits};

/// Appends the float of that type with those bits.
pub(super) fn write_float(element: ElementType, bits: u64, out: &mut String) {
    let value = decode(element, bits);
    if value.is_finite() {
        let start = out.len();
        write_digits(value, significand_bits(element), Style::Short, out);
        if read_float(element, &out[start..]) == Some(bits) {
            return;
        }
        out.truncate(start);
        write_digits(value, significand_bits(element), Style::Exact, out);
        if out[start..].contains('.') {
            return;
        }
        out.truncate(start);
    }
    use std::fmt::Write;
    write!(out, "0x{bits:X}").expect("a string takes all");
}

/// The bits of the float of that type nearest to a decimal number.
pub(super) fn read_float(element: ElementType, text: &str) -> Option<u64> {
    if element == ElementType::F32 {
        return text.parse::<f32>().ok().map(|x| x.to_bits().into());
    }
    text.parse::<f64>().ok().map(|x| encode(element, x))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// Six digits, padded with zeros, always with an exponent of two digits: `1.000000e+00`.
    Short,
    /// All digits that may matter, an exponent only where three zeros do not reach: `0.333333343`, `9.99999974E-6`.
    Exact,
}

fn write_digits(value: f64, significand_bits: u32, style: Style, out: &mut String) {
    if value.is_sign_negative() {
        out.push('-');
    }
    if value == 0.0 {
        out.push_str(if style == Style::Short { "0.000000e+00" } else { "0" });
        return;
    }
    let precision = match style {
        Style::Short => 6,
        Style::Exact => 2 + significand_bits as usize * 59 / 196,
    };
    // value = significand · 2^binary, with an odd significand.
    let raw = value.abs().to_bits();
    let (mut significand, mut binary) = match raw >> 52 {
        0 => (raw, -1074),
        e => (raw & ((1 << 52) - 1) | 1 << 52, e as i32 - 1075),
    };
    binary += significand.trailing_zeros() as i32;
    significand >>= significand.trailing_zeros();
    // … = whole · 10^exponent, exactly.
    let mut whole = Whole::from(significand);
    let mut exponent = 0;
    if binary > 0 {
        whole.shift_left(binary as usize);
    } else {
        (0..-binary).for_each(|_| whole.multiply(5));
        exponent = binary;
    }
    // Digits that cannot be needed are cut off before the rest is rounded, as many as this estimate of log₂ 10 says.
    let needed = (precision * 196).div_ceil(59);
    let excess = whole.bits().saturating_sub(needed) * 59 / 196;
    for _ in 0..excess {
        whole.divide(10);
    }
    exponent += excess as i32;
    // Decimal digits, least significant first.
    let mut digits = Vec::new();
    while !whole.is_zero() {
        match whole.divide(10) {
            0 if digits.is_empty() => exponent += 1,
            digit => digits.push(digit as u8),
        }
    }
    round(&mut digits, &mut exponent, precision);
    let digit = |i: usize| char::from(b'0' + digits[digits.len() - 1 - i]);
    let count = digits.len();
    let top = exponent + count as i32 - 1;
    let scientific = match style {
        Style::Short => true,
        Style::Exact if exponent >= 0 => exponent > 3 || count + exponent as usize > precision,
        Style::Exact => top < -3,
    };
    if scientific {
        out.push(digit(0));
        out.push('.');
        (1..count).for_each(|i| out.push(digit(i)));
        match style {
            Style::Short => (count..=precision).for_each(|_| out.push('0')),
            Style::Exact if count == 1 => out.push('0'),
            Style::Exact => {}
        }
        let (letter, sign) = (if style == Style::Short { 'e' } else { 'E' }, if top < 0 { '-' } else { '+' });
        out.push(letter);
        out.push(sign);
        if style == Style::Short && top.abs() < 10 {
            out.push('0');
        }
        out.push_str(&top.abs().to_string());
    } else if exponent >= 0 {
        (0..count).for_each(|i| out.push(digit(i)));
        (0..exponent).for_each(|_| out.push('0'));
    } else {
        let before = exponent + count as i32;
        if before > 0 {
            (0..before as usize).for_each(|i| out.push(digit(i)));
            out.push('.');
        } else {
            out.push_str("0.");
            (before..0).for_each(|_| out.push('0'));
        }
        (before.max(0) as usize..count).for_each(|i| out.push(digit(i)));
    }
}

/// Rounds digits (least significant first) half up to that many, and drops zeros at the end.
fn round(digits: &mut Vec<u8>, exponent: &mut i32, precision: usize) {
    if digits.len() <= precision {
        return;
    }
    let mut first = digits.len() - precision;
    if digits[first - 1] < 5 {
        while first < digits.len() && digits[first] == 0 {
            first += 1;
        }
    } else {
        while first < digits.len() && digits[first] == 9 {
            first += 1;
        }
        match digits.get_mut(first) {
            Some(digit) => *digit += 1,
            None => digits.push(1),
        }
    }
    *exponent += first as i32;
    digits.drain(..first);
}

/// A natural number of any size, least significant limb first.
struct Whole(Vec<u32>);

impl From<u64> for Whole {
    fn from(value: u64) -> Self {
        let mut whole = Whole(vec![value as u32, (value >> 32) as u32]);
        whole.trim();
        whole
    }
}

impl Whole {
    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    fn bits(&self) -> usize {
        self.0.last().map_or(0, |top| self.0.len() * 32 - top.leading_zeros() as usize)
    }

    fn shift_left(&mut self, bits: usize) {
        for _ in 0..bits % 32 {
            self.multiply(2);
        }
        self.0.splice(0..0, std::iter::repeat_n(0, bits / 32));
    }

    fn multiply(&mut self, by: u32) {
        let mut carry = 0;
        for limb in &mut self.0 {
            let product = u64::from(*limb) * u64::from(by) + carry;
            *limb = product as u32;
            carry = product >> 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    /// Divides and returns the remainder.
    fn divide(&mut self, by: u32) -> u32 {
        let mut rest = 0u64;
        for limb in self.0.iter_mut().rev() {
            let value = rest << 32 | u64::from(*limb);
            *limb = (value / u64::from(by)) as u32;
            rest = value % u64::from(by);
        }
        self.trim();
        rest as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(element: ElementType, value: f64) -> String {
        let mut out = String::new();
        write_float(element, encode(element, value), &mut out);
        out
    }

    /// Spellings seen in modules that JAX 0.10 prints.
    #[test]
    fn floats_are_spelled_as_mlir_does() {
        use ElementType::*;
        let f32_cases = [
            (1.0, "1.000000e+00"),
            (0.1, "1.000000e-01"),
            (0.7, "0.699999988"),
            (0.01, "0.00999999977"),
            (1e-5, "9.99999974E-6"),
            (-3.25, "-3.250000e+00"),
            (1e10, "1.000000e+10"),
            (123456.7, "123456.703"),
            (1e-40, "9.999940e-41"),
            (-0.0, "-0.000000e+00"),
            (0.001, "1.000000e-03"),
            (1.0 / 3.0, "0.333333343"),
            (123456789.0, "0x4CEB79A3"),
            (f64::INFINITY, "0x7F800000"),
        ];
        for (value, expected) in f32_cases {
            assert_eq!(text(F32, value), expected);
        }
        let f64_cases = [
            (1.0 / 3.0, "0.33333333333333331"),
            (1e-300, "1.000000e-300"),
            (5e-324, "4.940660e-324"),
            (f64::MAX, "1.7976931348623157E+308"),
            (123456789.0, "0x419D6F3454000000"),
        ];
        for (value, expected) in f64_cases {
            assert_eq!(text(F64, value), expected);
        }
        assert_eq!(text(BF16, 0.3), "3.007810e-01");
        assert_eq!(text(F16, 65504.0), "6.550400e+04");
        assert_eq!(text(F8E4M3FN, 448.0), "4.480000e+02");
    }
}
