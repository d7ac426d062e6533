//! The StableHLO language in Rust: types, module, builder, printer, parser, verifier, shape inference and a slow
//! reference evaluation.
//!
//! This floor knows no jaxpr and no PJRT. A module is plain data ([`Module`], [`Func`], [`Block`], [`Operation`]); every
//! operation of the language is one struct in `ops/<family>.rs` that states its name, attributes, constraints, text
//! form and reference semantics together.
//!
//! Source: the StableHLO specification, version 1.13 and later where noted.

mod attribute;
mod builder;
pub mod element;
mod error;
pub mod eval;
pub mod hlo;
mod literal;
mod module;
pub mod ops;
pub mod options;
mod text;
mod types;
mod verify;

pub use attribute::{Attribute, Attributes};
pub use builder::FuncBuilder;
pub use error::{Error, ErrorKind, Result};
pub use literal::{Literal, Native};
pub use module::{Block, Func, Location, Module, Operation, Value, Values};
pub use ops::{Op, OpDef};
pub use types::{DYNAMIC, ElementType, Kind, Shape, TensorType, Type, Types};
