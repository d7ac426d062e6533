//! The text form of modules, as MLIR writes it.

mod number;
