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
///
/// ```
/// # use jacinth_lowering::{Attribute, Attributes};
/// let mut attributes = Attributes::new();
/// attributes.set("axis", Attribute::int(1));
/// attributes.set("axis", Attribute::int(2)); // in place of the first
/// assert_eq!(attributes.take_int("op", "axis")?, 2);
/// assert!(attributes.is_empty() && attributes.take_int("op", "axis").is_err());
/// # Ok::<(), jacinth_lowering::Error>(())
/// ```
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

/// Reading attributes out by name, as [`crate::OpDef::from_attributes`] does: each takes the attribute away, accepts every spelling
/// that StableHLO has had for it (a dense array or a dense tensor), and complains of one of another form; those without `optional` in
/// their names also of one that is missing. `op` is the operation's name for the sentence.
impl Attributes {
    /// An integer.
    pub fn take_int(&mut self, op: &str, name: &str) -> Result<i64> {
        need(self.take_optional_int(op, name), op, name)
    }

    /// An integer, if present.
    pub fn take_optional_int(&mut self, op: &str, name: &str) -> Result<Option<i64>> {
        self.take_optional_as(op, name, "an integer", |attribute| match attribute {
            Attribute::Int(value, _) => Some(*value),
            _ => None,
        })
    }

    /// A number.
    pub fn take_float(&mut self, op: &str, name: &str) -> Result<f64> {
        self.take_as(op, name, "a float", |attribute| match attribute {
            Attribute::Float(value, _) => Some(*value),
            Attribute::Int(value, _) => Some(*value as f64),
            _ => None,
        })
    }

    /// `true`, `false`, or the unit attribute, which means true; `default` if absent.
    pub fn take_bool(&mut self, op: &str, name: &str, default: bool) -> Result<bool> {
        Ok(self.take_optional_bool(op, name)?.unwrap_or(default))
    }

    /// `true`, `false`, or the unit attribute, which means true.
    pub fn take_needed_bool(&mut self, op: &str, name: &str) -> Result<bool> {
        need(self.take_optional_bool(op, name), op, name)
    }

    /// `true`, `false`, or the unit attribute, which means true, if present.
    pub fn take_optional_bool(&mut self, op: &str, name: &str) -> Result<Option<bool>> {
        self.take_optional_as(op, name, "a boolean", |attribute| match attribute {
            Attribute::Bool(value) => Some(*value),
            Attribute::Unit => Some(true),
            Attribute::Int(value, ElementType::I1) => Some(*value != 0),
            _ => None,
        })
    }

    /// A list of integers: `array<i64: …>`, `[…]`, or a dense tensor of rank one.
    pub fn take_ints(&mut self, op: &str, name: &str) -> Result<Shape> {
        need(self.take_optional_ints(op, name), op, name)
    }

    /// A list of integers, if present.
    pub fn take_optional_ints(&mut self, op: &str, name: &str) -> Result<Option<Shape>> {
        self.take_optional_as(op, name, "a list of integers", Attribute::as_ints)
    }

    /// A list of booleans; empty if absent.
    pub fn take_bools(&mut self, op: &str, name: &str) -> Result<Vec<bool>> {
        let values = self.take_optional_as(op, name, "a list of booleans", |attribute| match attribute {
            Attribute::Array(values) if values.iter().any(|v| matches!(v, Attribute::Bool(_))) => values
                .iter()
                .map(|v| match v {
                    Attribute::Bool(value) => Some(*value),
                    _ => None,
                })
                .collect(),
            other => Some(other.as_ints()?.iter().map(|&v| v != 0).collect()),
        })?;
        Ok(values.unwrap_or_default())
    }

    /// Pairs of integers: a dense `tensor<Nx2xi64>`, or `[[a, b], …]`.
    pub fn take_pairs(&mut self, op: &str, name: &str) -> Result<Vec<(i64, i64)>> {
        need(self.take_optional_pairs(op, name), op, name)
    }

    /// Pairs of integers, if present.
    pub fn take_optional_pairs(&mut self, op: &str, name: &str) -> Result<Option<Vec<(i64, i64)>>> {
        self.take_optional_as(op, name, "pairs of integers, an n×2 tensor of i64", |attribute| {
            match attribute {
                Attribute::Dense(literal)
                    if matches!(literal.ty().shape[..], [_, 2]) || literal.ty().num_elements() == Some(0) =>
                {
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
            }
        })
    }

    /// A string.
    pub fn take_string(&mut self, op: &str, name: &str) -> Result<String> {
        need(self.take_optional_string(op, name), op, name)
    }

    /// A string, if present.
    pub fn take_optional_string(&mut self, op: &str, name: &str) -> Result<Option<String>> {
        self.take_optional_as(op, name, "a string", |attribute| match attribute {
            Attribute::String(value) => Some(value.clone()),
            _ => None,
        })
    }

    /// `@symbol`, without the `@`.
    pub fn take_symbol(&mut self, op: &str, name: &str) -> Result<String> {
        self.take_as(op, name, "a symbol", |attribute| match attribute {
            Attribute::Symbol(value) => Some(value.clone()),
            _ => None,
        })
    }

    /// The value of `#stablehlo<enumeration VALUE>` among those of `table`.
    pub fn take_enum<T: Copy>(&mut self, op: &str, name: &str, table: &[(T, &str)]) -> Result<T> {
        need(self.take_optional_enum(op, name, table), op, name)
    }

    /// The value of `#stablehlo<enumeration VALUE>` among those of `table`, if present.
    pub fn take_optional_enum<T: Copy>(
        &mut self,
        op: &str,
        name: &str,
        table: &[(T, &str)],
    ) -> Result<Option<T>> {
        self.take(name).map(|attribute| enum_of(op, name, &attribute, table)).transpose()
    }

    /// The values of a list of `#stablehlo<enumeration VALUE>` among those of `table`; empty if absent.
    pub fn take_enums<T: Copy>(&mut self, op: &str, name: &str, table: &[(T, &str)]) -> Result<Vec<T>> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Attribute::Array(values)) => {
                values.iter().map(|value| enum_of(op, name, value, table)).collect()
            }
            Some(other) => Err(wrong(op, name, "a list of enumeration values", &other)),
        }
    }

    /// The fields of `#stablehlo.name<…>`.
    pub fn take_struct(&mut self, op: &str, name: &str) -> Result<Attributes> {
        need(self.take_optional_struct(op, name), op, name)
    }

    /// The fields of `#stablehlo.name<…>`, if present.
    pub fn take_optional_struct(&mut self, op: &str, name: &str) -> Result<Option<Attributes>> {
        match self.take(name) {
            None => Ok(None),
            Some(Attribute::Struct(_, fields)) => Ok(Some(fields)),
            Some(other) => Err(wrong(op, name, "a structure", &other)),
        }
    }

    /// What `of` reads from the attribute, which must be there; `expected` says what it reads.
    pub(crate) fn take_as<T>(
        &mut self,
        op: &str,
        name: &str,
        expected: &str,
        of: impl FnOnce(&Attribute) -> Option<T>,
    ) -> Result<T> {
        need(self.take_optional_as(op, name, expected, of), op, name)
    }

    /// What `of` reads from the attribute, if present.
    pub(crate) fn take_optional_as<T>(
        &mut self,
        op: &str,
        name: &str,
        expected: &str,
        of: impl FnOnce(&Attribute) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(attribute) = self.take(name) else { return Ok(None) };
        of(&attribute).map(Some).ok_or_else(|| wrong(op, name, expected, &attribute))
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
        Attribute::matrix(values.len(), 2, &flat)
    }

    /// `dense<…> : tensor<ROWSxCOLUMNSxi64>` of as many values.
    pub(crate) fn matrix(rows: usize, columns: usize, values: &[i64]) -> Attribute {
        let literal = Literal::new([rows as i64, columns as i64], values);
        Attribute::Dense(literal.expect("rows × columns values"))
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
            Attribute::Dense(literal) if literal.ty().rank() <= 1 => match literal.ty().element {
                ElementType::I1 => Some(literal.to_vec::<bool>()?.into_iter().map(i64::from).collect()),
                ElementType::I32 => Some(literal.to_vec::<i32>()?.into_iter().map(i64::from).collect()),
                _ => literal.to_vec::<i64>().map(Shape::from_vec),
            },
            _ => None,
        }
    }
}

fn need<T>(value: Result<Option<T>>, op: &str, name: &str) -> Result<T> {
    value?.ok_or_else(|| Error::verify(format!("{op}: attribute {name} is missing")))
}

/// The value of an enumeration's attribute among those of `table`.
fn enum_of<T: Copy>(op: &str, name: &str, attribute: &Attribute, table: &[(T, &str)]) -> Result<T> {
    let (Attribute::Enum(_, value) | Attribute::String(value)) = attribute else {
        return Err(wrong(op, name, "an enumeration value", attribute));
    };
    table.iter().find(|row| row.1 == value).map(|row| row.0).ok_or_else(|| {
        let known: Vec<&str> = table.iter().map(|row| row.1).collect();
        Error::verify(format!("{op}: {name} is {value}, expected one of {}", known.join(", ")))
    })
}

/// The spelling of an enumeration's value.
pub(crate) fn enum_name<T: PartialEq>(value: &T, table: &'static [(T, &'static str)]) -> &'static str {
    table.iter().find(|row| row.0 == *value).expect("every value is in its table").1
}

/// An attribute has another form than it must.
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
