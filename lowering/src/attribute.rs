//! Attributes: the named constant facts that an operation, function or module carries in text.
//!
//! Operations keep their own attributes as typed fields; this is the common currency in which the text form (and any
//! other serial form) reads and writes them.

use crate::ops::conv::ConvDimensionNumbers;
use crate::{ElementType, Literal, Type};

/// The value of an attribute.
#[derive(Clone, PartialEq, Debug)]
pub enum Attribute {
    /// `unit`: present, with nothing more to say.
    Unit,
    /// `true` or `false`.
    Bool(bool),
    /// `1 : i64`.
    Int(i64, ElementType),
    /// `1.0 : f32`.
    Float(f64, ElementType),
    /// `"text"`.
    String(String),
    /// `@name`.
    Symbol(String),
    /// A type in attribute position.
    Type(Type),
    /// `[a, b]`.
    Array(Vec<Attribute>),
    /// `array<i64: 1, 2>`; `i1` elements are 0 and 1.
    DenseArray(ElementType, Vec<i64>),
    /// `dense<…> : tensor<…>`.
    Dense(Literal),
    /// `{a = 1, b}`.
    Dict(Attributes),
    /// `#stablehlo<comparison_direction LT>`: the enumeration's name and the value.
    Enum(String, String),
    /// `#stablehlo.gather<offset_dims = [0], …>`: the name after the dot and its fields.
    Struct(String, Attributes),
    /// `#stablehlo.conv<[b, 0, f]x[0, i, o]->[b, 0, f]>`.
    Conv(ConvDimensionNumbers),
    /// Anything else, word for word (`#sdy.sharding<…>`).
    Opaque(String),
}

/// Named attributes in the order in which they are written.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Attributes(pub Vec<(String, Attribute)>);

impl Attributes {
    /// No attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The attribute of that name.
    pub fn get(&self, name: &str) -> Option<&Attribute> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, a)| a)
    }

    /// Removes and returns the attribute of that name.
    pub fn take(&mut self, name: &str) -> Option<Attribute> {
        let index = self.0.iter().position(|(n, _)| n == name)?;
        Some(self.0.remove(index).1)
    }

    /// Sets an attribute, replacing one of the same name.
    pub fn set(&mut self, name: impl Into<String>, value: Attribute) {
        let name = name.into();
        match self.0.iter_mut().find(|(n, _)| *n == name) {
            Some((_, slot)) => *slot = value,
            None => self.0.push((name, value)),
        }
    }

    /// The attributes in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Attribute)> {
        self.0.iter().map(|(n, a)| (n.as_str(), a))
    }
}
