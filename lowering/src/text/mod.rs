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
    ///
    /// ```
    /// # use jacinth_lowering::{ErrorKind, Module};
    /// let module = Module::parse("func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> { return %x : tensor<2xf32> }")?;
    /// assert_eq!(module.main().unwrap().result_types[0].to_string(), "tensor<2xf32>");
    /// let error = Module::parse("func.func @main() {").unwrap_err();
    /// assert_eq!(error.kind, ErrorKind::Parse);
    /// # Ok::<(), jacinth_lowering::Error>(())
    /// ```
    pub fn parse(text: &str) -> Result<Module> {
        parser::parse_module(text)
    }

    /// The module's text form: for a module that JAX has lowered, the very text that JAX prints.
    ///
    /// ```
    /// # use jacinth_lowering::Module;
    /// let generic = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    ///   %y = \"stablehlo.add\"(%x, %x) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    ///   return %y : tensor<2xf32>
    /// }";
    /// assert!(Module::parse(generic)?.to_text().contains("%0 = stablehlo.add %arg0, %arg0 : tensor<2xf32>"));
    /// # Ok::<(), jacinth_lowering::Error>(())
    /// ```
    pub fn to_text(&self) -> String {
        printer::print_module(self, false)
    }

    /// As [`Module::to_text`], with each operation's location behind it.
    ///
    /// ```
    /// # use jacinth_lowering::Module;
    /// let text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    ///   %y = stablehlo.exponential %x : tensor<2xf32> loc(\"model.rs\":7:3)
    ///   return %y : tensor<2xf32>
    /// }";
    /// assert!(Module::parse(text)?.to_text_with_locations().contains("\"model.rs\":7:3"));
    /// # Ok::<(), jacinth_lowering::Error>(())
    /// ```
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
