//! The text form of modules, as MLIR writes it.
//!
//! [`Module::parse`] reads everything that [`Module::to_text`] writes, everything that JAX prints, and the generic form of
//! every operation. Reading checks the form only: names, types written for operands, attributes that an operation must
//! have. Whether the program is legal is the verifier's business.
//!
//! Malformed text gives an error with line and column; nesting is bounded, so no text can exhaust the stack.

mod attributes;
mod cursor;
mod names;
mod number;
mod parser;
mod pretty;
mod printer;
mod write;

use crate::{Module, Result};

impl Module {
    /// Reads a module from its text form.
    ///
    /// Errors are sentences with `line:column`; of kind [`crate::ErrorKind::Unsupported`] where the text is legal but says what is not
    /// supported (quantized types, several blocks in a region, other dialects' operations).
    pub fn parse(text: &str) -> Result<Module> {
        parser::parse_module(text)
    }

    /// The module's text form: for a module that JAX has lowered, the very text that JAX prints.
    pub fn to_text(&self) -> String {
        printer::print_module(self, false)
    }

    /// As [`Module::to_text`], with each operation's location behind it.
    pub fn to_text_with_locations(&self) -> String {
        printer::print_module(self, true)
    }
}

impl std::fmt::Display for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_text())
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
