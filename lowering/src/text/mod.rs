//! The text form of modules, as MLIR writes it.
//!
//! [`Module::parse`] reads everything that [`Module::to_text`] writes, everything that JAX prints, and the generic form of
//! every operation. Reading checks the form only: names, types written for operands, attributes that an operation must
//! have. Whether the program is legal is the verifier's business.
//!
//! Malformed text gives an error with line and column; nesting is bounded, so no text can exhaust the stack.

mod attributes;
mod cursor;
mod number;
mod parser;
mod pretty;

use crate::{Module, Result};

impl Module {
    /// Reads a module from its text form.
    ///
    /// Errors are sentences with `line:column`; of kind [`crate::ErrorKind::Unsupported`] where the text is legal but says what is not
    /// supported (quantized types, several blocks in a region, other dialects' operations).
    pub fn parse(text: &str) -> Result<Module> {
        parser::parse_module(text)
    }
}

/// Appends a string in quotes, escaped as MLIR does.
pub(crate) fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for byte in text.bytes() {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b' '..=b'~' if byte != b'"' => out.push(byte.into()),
            _ => {
                let digit = |d: u8| char::from(b"0123456789ABCDEF"[usize::from(d)]);
                out.extend(['\\', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    out.push('"');
}
