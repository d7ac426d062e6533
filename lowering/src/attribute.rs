//! Attributes: the named constant facts that an operation, function or module carries in text.
//!
//! Operations keep their own attributes as typed fields; this is the common currency in which the text form (and any
//! other serial form) reads and writes them.

use crate::ops::conv::ConvDimensionNumbers;
use crate::{ElementType, Error, Literal, Result, Shape, Type};

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

/// Reading attributes out by name, as [`crate::OpDef::from_attributes`] does: each takes the attribute away, and complains of one
/// that is missing (unless a default is given) or of another form. `op` is the operation's name for the sentence.
impl Attributes {
    /// An integer.
    pub fn take_int(&mut self, op: &str, name: &str) -> Result<i64> {
        self.take_optional_int(op, name)?.ok_or_else(|| missing(op, name))
    }

    /// An integer, if present.
    pub fn take_optional_int(&mut self, op: &str, name: &str) -> Result<Option<i64>> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::Int(value, _)) => Ok(Some(value)),
            Some(other) => Err(wrong(op, name, "an integer", &other)),
        }
    }

    /// A number of type f32 or f64.
    pub fn take_float(&mut self, op: &str, name: &str) -> Result<f64> {
        match self.take(name) {
            Some(Attribute::Float(value, _)) => Ok(value),
            Some(other) => Err(wrong(op, name, "a float", &other)),
            None => Err(missing(op, name)),
        }
    }

    /// `true`, `false`, or the unit attribute, which means true; `default` if absent.
    pub fn take_bool(&mut self, op: &str, name: &str, default: bool) -> Result<bool> {
        match self.take(name) {
            None => Ok(default),
            Some(Attribute::Bool(value)) => Ok(value),
            Some(Attribute::Unit) => Ok(true),
            Some(other) => Err(wrong(op, name, "a boolean", &other)),
        }
    }

    /// A list of integers: `array<i64: …>`, `[…]`, or a dense tensor of rank one.
    pub fn take_ints(&mut self, op: &str, name: &str) -> Result<Shape> {
        self.take_optional_ints(op, name)?.ok_or_else(|| missing(op, name))
    }

    /// A list of integers, if present.
    pub fn take_optional_ints(&mut self, op: &str, name: &str) -> Result<Option<Shape>> {
        let Some(attribute) = self.take(name) else { return Ok(None) };
        match attribute.as_ints() {
            Some(values) => Ok(Some(values)),
            None => Err(wrong(op, name, "a list of integers", &attribute)),
        }
    }

    /// A list of booleans, if present.
    pub fn take_optional_bools(&mut self, op: &str, name: &str) -> Result<Option<Vec<bool>>> {
        let Some(attribute) = self.take(name) else { return Ok(None) };
        let values = match &attribute {
            Attribute::DenseArray(ElementType::I1, values) => Some(values.iter().map(|&v| v != 0).collect()),
            Attribute::Array(values) => values
                .iter()
                .map(|v| match v {
                    Attribute::Bool(value) => Some(*value),
                    _ => None,
                })
                .collect(),
            Attribute::Dense(literal) => literal.to_vec::<bool>(),
            _ => None,
        };
        values.map(Some).ok_or_else(|| wrong(op, name, "a list of booleans", &attribute))
    }

    /// Pairs of integers, if present: a dense `tensor<Nx2xi64>`, or `[[a, b], …]`.
    pub fn take_optional_pairs(&mut self, op: &str, name: &str) -> Result<Option<Vec<(i64, i64)>>> {
        let Some(attribute) = self.take(name) else { return Ok(None) };
        let pairs = match &attribute {
            Attribute::Dense(literal) if literal.ty().shape.last() == Some(&2) || literal.is_empty() => {
                literal.to_vec::<i64>().map(|v| v.chunks_exact(2).map(|p| (p[0], p[1])).collect())
            }
            Attribute::Array(rows) => rows
                .iter()
                .map(|row| match row.as_ints()?[..] {
                    [low, high] => Some((low, high)),
                    _ => None,
                })
                .collect(),
            _ => None,
        };
        pairs.map(Some).ok_or_else(|| wrong(op, name, "pairs of integers", &attribute))
    }

    /// A string.
    pub fn take_string(&mut self, op: &str, name: &str) -> Result<String> {
        self.take_optional_string(op, name)?.ok_or_else(|| missing(op, name))
    }

    /// A string, if present.
    pub fn take_optional_string(&mut self, op: &str, name: &str) -> Result<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::String(value)) => Ok(Some(value)),
            Some(other) => Err(wrong(op, name, "a string", &other)),
        }
    }

    /// `@symbol`, without the `@`.
    pub fn take_symbol(&mut self, op: &str, name: &str) -> Result<String> {
        match self.take(name) {
            Some(Attribute::Symbol(value)) => Ok(value),
            Some(other) => Err(wrong(op, name, "a symbol", &other)),
            None => Err(missing(op, name)),
        }
    }

    /// The value of `#stablehlo<enumeration VALUE>`, if present.
    pub fn take_optional_enum(&mut self, op: &str, name: &str) -> Result<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::Enum(_, value)) => Ok(Some(value)),
            Some(other) => Err(wrong(op, name, "an enumeration value", &other)),
        }
    }

    /// The value of `#stablehlo<enumeration VALUE>`.
    pub fn take_enum(&mut self, op: &str, name: &str) -> Result<String> {
        self.take_optional_enum(op, name)?.ok_or_else(|| missing(op, name))
    }

    /// The values of a list of `#stablehlo<enumeration VALUE>`; empty if absent.
    pub fn take_enums(&mut self, op: &str, name: &str) -> Result<Vec<String>> {
        let Some(attribute) = self.take(name) else { return Ok(Vec::new()) };
        let values = match &attribute {
            Attribute::Array(values) => values
                .iter()
                .map(|v| match v {
                    Attribute::Enum(_, value) => Some(value.clone()),
                    _ => None,
                })
                .collect(),
            _ => None,
        };
        values.ok_or_else(|| wrong(op, name, "a list of enumeration values", &attribute))
    }

    /// The fields of `#stablehlo.name<…>`.
    pub fn take_struct(&mut self, op: &str, name: &str) -> Result<Attributes> {
        self.take_optional_struct(op, name)?.ok_or_else(|| missing(op, name))
    }

    /// The fields of `#stablehlo.name<…>`, if present.
    pub fn take_optional_struct(&mut self, op: &str, name: &str) -> Result<Option<Attributes>> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::Struct(_, fields)) => Ok(Some(fields)),
            Some(other) => Err(wrong(op, name, "a structure", &other)),
        }
    }
}

impl Attribute {
    /// `value : i64`.
    pub fn int(value: i64) -> Attribute {
        Attribute::Int(value, ElementType::I64)
    }

    /// `array<i64: …>`.
    pub fn ints(values: &[i64]) -> Attribute {
        Attribute::DenseArray(ElementType::I64, values.to_vec())
    }

    /// `array<i1: …>`.
    pub fn bools(values: &[bool]) -> Attribute {
        Attribute::DenseArray(ElementType::I1, values.iter().map(|&v| v.into()).collect())
    }

    /// `[a, b]` without types, as inside `#stablehlo.gather<…>`.
    pub fn list(values: &[i64]) -> Attribute {
        Attribute::Array(values.iter().map(|&v| Attribute::int(v)).collect())
    }

    /// `dense<[[a, b], …]> : tensor<Nx2xi64>`.
    pub fn pairs(values: &[(i64, i64)]) -> Attribute {
        let flat: Vec<i64> = values.iter().flat_map(|&(a, b)| [a, b]).collect();
        Attribute::Dense(Literal::new([values.len() as i64, 2], &flat).expect("two per pair"))
    }

    /// `#stablehlo<enumeration VALUE>`.
    pub fn enumeration(name: &str, value: &str) -> Attribute {
        Attribute::Enum(name.to_string(), value.to_string())
    }

    /// The attribute as integers, if it is a list of them in any of its forms.
    pub fn as_ints(&self) -> Option<Shape> {
        match self {
            Attribute::DenseArray(_, values) => Some(values.iter().copied().collect()),
            Attribute::Array(values) => values
                .iter()
                .map(|v| match v {
                    Attribute::Int(value, _) => Some(*value),
                    _ => None,
                })
                .collect(),
            Attribute::Dense(literal) if literal.ty().rank() == 1 => {
                literal.to_vec::<i64>().map(Shape::from_vec)
            }
            _ => None,
        }
    }
}

fn missing(op: &str, name: &str) -> Error {
    Error::verify(format!("{op}: attribute {name} is missing"))
}

fn wrong(op: &str, name: &str, expected: &str, found: &Attribute) -> Error {
    Error::verify(format!("{op}: attribute {name} must be {expected}, got {found:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_in_every_form() {
        let dense = Attribute::Dense(Literal::new([2], &[3i64, 4]).unwrap());
        for form in [Attribute::ints(&[3, 4]), Attribute::list(&[3, 4]), dense] {
            assert_eq!(form.as_ints().unwrap()[..], [3, 4]);
        }
    }

    #[test]
    fn missing_and_wrong_attributes_are_named() {
        let mut attributes = Attributes(vec![("k".into(), Attribute::Unit)]);
        let error = attributes.take_int("chlo.top_k", "k").unwrap_err();
        assert_eq!(error.to_string(), "chlo.top_k: attribute k must be an integer, got Unit");
        let error = attributes.take_int("chlo.top_k", "k").unwrap_err();
        assert_eq!(error.to_string(), "chlo.top_k: attribute k is missing");
    }
}
