//! `PJRT_NamedValue`: attributes that we give out and options that we are given.

use std::fmt;

use pjrt_sys::*;

use super::guard::Args;
use crate::{Error, Result};

/// The value of an attribute or option.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Value {
    /// `kString`.
    String(String),
    /// `kInt64`.
    Int(i64),
    /// `kInt64List`.
    Ints(Vec<i64>),
    /// `kFloat`.
    Float(f32),
    /// `kBool`.
    Bool(bool),
}

/// Attributes in the form in which callers read them in place.
pub(super) struct NamedValues {
    list: Vec<PJRT_NamedValue>,
    /// What `list` points into.
    owned: Box<[(String, Value)]>,
}

// SAFETY: neither the list nor what it points into is ever changed.
unsafe impl Send for NamedValues {}
// SAFETY: as above.
unsafe impl Sync for NamedValues {}

impl NamedValues {
    /// The attributes with these names and values.
    pub(super) fn new(values: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        let owned: Box<[_]> = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let list = owned.iter().map(|(name, value)| named(name, value)).collect();
        NamedValues { list, owned }
    }

    /// Where the list begins.
    pub(super) fn as_ptr(&self) -> *const PJRT_NamedValue {
        self.list.as_ptr()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }
}

impl fmt::Debug for NamedValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.owned.fmt(f)
    }
}

fn named(name: &str, value: &Value) -> PJRT_NamedValue {
    let (type_, anonymous, value_size) = match value {
        Value::String(text) => {
            let anonymous = PJRT_NamedValue_Union { string_value: text.as_ptr().cast() };
            (PJRT_NamedValue_kString, anonymous, text.len())
        }
        Value::Int(value) => (PJRT_NamedValue_kInt64, PJRT_NamedValue_Union { int64_value: *value }, 1),
        Value::Ints(values) => {
            let anonymous = PJRT_NamedValue_Union { int64_array_value: values.as_ptr() };
            (PJRT_NamedValue_kInt64List, anonymous, values.len())
        }
        Value::Float(value) => (PJRT_NamedValue_kFloat, PJRT_NamedValue_Union { float_value: *value }, 1),
        Value::Bool(value) => (PJRT_NamedValue_kBool, PJRT_NamedValue_Union { bool_value: *value }, 1),
    };
    PJRT_NamedValue {
        name: name.as_ptr().cast(),
        name_size: name.len(),
        type_,
        anonymous,
        value_size,
        ..PJRT_NamedValue::new()
    }
}

/// Reads the options that a caller gives.
pub(super) fn read<A>(
    args: &Args<'_, A>,
    options: *const PJRT_NamedValue,
    count: usize,
) -> Result<Vec<(String, Value)>> {
    let options = args.slice("the list of options", options, count)?;
    options.iter().map(|option| read_one(args, option)).collect()
}

fn read_one<A>(args: &Args<'_, A>, option: &PJRT_NamedValue) -> Result<(String, Value)> {
    if option.struct_size < PJRT_NamedValue::STRUCT_SIZE {
        let (expected, got) = (PJRT_NamedValue::STRUCT_SIZE, option.struct_size);
        return Err(Error::invalid(format!(
            "Unexpected PJRT_NamedValue size: expected {expected}, got {got}"
        )));
    }
    let name = args.text("an option's name", option.name, option.name_size)?.to_owned();
    let size = option.value_size;
    // SAFETY: `type_` says which field of the union the caller has set; those of plain numbers have no invalid value but
    // `bool`, which is read as a byte.
    let value = unsafe {
        match option.type_ {
            PJRT_NamedValue_kString => {
                Value::String(args.text("an option's value", option.anonymous.string_value, size)?.to_owned())
            }
            PJRT_NamedValue_kInt64 => Value::Int(option.anonymous.int64_value),
            PJRT_NamedValue_kInt64List => Value::Ints(
                args.slice("an option's value", option.anonymous.int64_array_value, size)?.to_vec(),
            ),
            PJRT_NamedValue_kFloat => Value::Float(option.anonymous.float_value),
            PJRT_NamedValue_kBool => Value::Bool((&raw const option.anonymous).cast::<u8>().read() != 0),
            other => return Err(Error::invalid(format!("option {name} has the unknown type {other}"))),
        }
    };
    Ok((name, value))
}
