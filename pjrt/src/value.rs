//! Named values: what plugins say of themselves (attributes) and what clients are made with (options).

use crate::api::{slice, text};
use pjrt_sys as sys;
use std::fmt;

/// A value of one of the five kinds that PJRT can name (`PJRT_NamedValue`).
///
/// ```
/// # use jacinth_pjrt::Value;
/// let (count, mesh) = (Value::from(8), Value::from(vec![2, 4]));
/// assert_eq!((count.as_i64(), count.as_str(), count.kind()), (Some(8), None, "an int64"));
/// assert_eq!((mesh.as_i64_list(), mesh.to_string()), (Some(&[2, 4][..]), "[2, 4]".to_owned()));
/// assert_eq!((Value::from(0.5f32).as_f32(), Value::from(true).as_bool()), (Some(0.5), Some(true)));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    String(String),
    Int64(i64),
    Int64List(Vec<i64>),
    Float(f32),
    Bool(bool),
    /// A kind that header 0.90 does not name; its number.
    Unknown(u32),
}

impl Value {
    /// The name of its kind, with its article.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::String(_) => "a string",
            Value::Int64(_) => "an int64",
            Value::Int64List(_) => "a list of int64",
            Value::Float(_) => "a float",
            Value::Bool(_) => "a bool",
            Value::Unknown(_) => "of unknown kind",
        }
    }

    /// The integer, if it is one.
    pub fn as_i64(&self) -> Option<i64> {
        if let Value::Int64(value) = self { Some(*value) } else { None }
    }

    /// The integers, if it is a list of them.
    pub fn as_i64_list(&self) -> Option<&[i64]> {
        if let Value::Int64List(values) = self { Some(values) } else { None }
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        if let Value::String(value) = self { Some(value) } else { None }
    }

    /// The float, if it is one.
    pub fn as_f32(&self) -> Option<f32> {
        if let Value::Float(value) = self { Some(*value) } else { None }
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Value::Bool(value) = self { Some(*value) } else { None }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::String(value) => write!(f, "{value}"),
            Value::Int64(value) => write!(f, "{value}"),
            Value::Int64List(values) => write!(f, "{values:?}"),
            Value::Float(value) => write!(f, "{value}"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Unknown(kind) => write!(f, "a value of unknown kind {kind}"),
        }
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::String(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::String(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Int64(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Value {
        Value::Int64(value.into())
    }
}

impl From<Vec<i64>> for Value {
    fn from(values: Vec<i64>) -> Value {
        Value::Int64List(values)
    }
}

impl From<&[i64]> for Value {
    fn from(values: &[i64]) -> Value {
        Value::Int64List(values.to_vec())
    }
}

impl From<f32> for Value {
    fn from(value: f32) -> Value {
        Value::Float(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

/// An ordered list of named values.
///
/// ```
/// use jacinth_pjrt::{NamedValues, Value};
/// let options = NamedValues::new().with("cpu_device_count", 8).with("name", "worker");
/// assert_eq!(options.get("cpu_device_count"), Some(&Value::Int64(8)));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NamedValues {
    entries: Vec<(String, Value)>,
}

impl NamedValues {
    /// The empty list.
    ///
    /// ```
    /// # use jacinth_pjrt::NamedValues;
    /// assert!(NamedValues::new().is_empty());
    /// ```
    pub fn new() -> NamedValues {
        NamedValues::default()
    }

    /// Sets `name` to `value`, in place of an earlier value of that name.
    ///
    /// ```
    /// # use jacinth_pjrt::NamedValues;
    /// let mut options = NamedValues::new();
    /// options.set("num_threads", 4);
    /// options.set("num_threads", 8);
    /// assert_eq!((options.len(), options.get("num_threads").unwrap().as_i64()), (1, Some(8)));
    /// ```
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        let (name, value) = (name.into(), value.into());
        match self.entries.iter_mut().find(|(known, _)| *known == name) {
            Some(entry) => entry.1 = value,
            None => self.entries.push((name, value)),
        }
    }

    /// [`set`](NamedValues::set), chained.
    ///
    /// ```
    /// # use jacinth_pjrt::NamedValues;
    /// assert_eq!(NamedValues::new().with("num_threads", 4).with("allocator", "bfc").len(), 2);
    /// ```
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> NamedValues {
        self.set(name, value);
        self
    }

    /// The value of that name.
    ///
    /// ```
    /// # use jacinth_pjrt::NamedValues;
    /// assert_eq!(NamedValues::new().with("a", 1).get("b"), None);
    /// ```
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.entries.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The names and values in their order.
    ///
    /// ```
    /// # use jacinth_pjrt::NamedValues;
    /// let values = NamedValues::new().with("b", 1).with("a", 2);
    /// assert_eq!(values.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["b", "a"]);
    /// ```
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The C form; it borrows from `self`. Values of unknown kind cannot be passed on and are left out.
    pub(crate) fn to_abi(&self) -> Vec<sys::PJRT_NamedValue> {
        self.entries.iter().filter_map(|(name, value)| named_value(name, value)).collect()
    }

    /// Copies the values that a plugin lends.
    ///
    /// # Safety
    /// `values` is null or points at `len` well-formed named values.
    pub(crate) unsafe fn from_abi(values: *const sys::PJRT_NamedValue, len: usize) -> NamedValues {
        let mut entries = Vec::with_capacity(len);
        // SAFETY: as the caller promises. The elements of the array are laid out as header 0.90 says (the struct has
        // not changed since it appeared); an array of larger elements is not walked further.
        for value in unsafe { slice(values, len) } {
            if value.struct_size > sys::PJRT_NamedValue_STRUCT_SIZE {
                break;
            }
            // SAFETY: the kind says which member of the union is set, and text and lists say their length.
            let entry = unsafe {
                let union = &value.anonymous;
                let decoded = match value.type_ {
                    sys::PJRT_NamedValue_kString => {
                        Value::String(text(union.string_value, value.value_size).into_owned())
                    }
                    sys::PJRT_NamedValue_kInt64 => Value::Int64(union.int64_value),
                    sys::PJRT_NamedValue_kInt64List => {
                        Value::Int64List(slice(union.int64_array_value, value.value_size).to_vec())
                    }
                    sys::PJRT_NamedValue_kFloat => Value::Float(union.float_value),
                    sys::PJRT_NamedValue_kBool => {
                        Value::Bool((&raw const union.bool_value).cast::<u8>().read() != 0)
                    }
                    other => Value::Unknown(other),
                };
                (text(value.name, value.name_size).into_owned(), decoded)
            };
            entries.push(entry);
        }
        NamedValues { entries }
    }
}

fn named_value(name: &str, value: &Value) -> Option<sys::PJRT_NamedValue> {
    let (kind, union, size) = match value {
        Value::String(value) => (
            sys::PJRT_NamedValue_kString,
            sys::PJRT_NamedValue_Union { string_value: value.as_ptr().cast() },
            value.len(),
        ),
        Value::Int64(value) => {
            (sys::PJRT_NamedValue_kInt64, sys::PJRT_NamedValue_Union { int64_value: *value }, 1)
        }
        Value::Int64List(values) => (
            sys::PJRT_NamedValue_kInt64List,
            sys::PJRT_NamedValue_Union { int64_array_value: values.as_ptr() },
            values.len(),
        ),
        Value::Float(value) => {
            (sys::PJRT_NamedValue_kFloat, sys::PJRT_NamedValue_Union { float_value: *value }, 1)
        }
        Value::Bool(value) => {
            (sys::PJRT_NamedValue_kBool, sys::PJRT_NamedValue_Union { bool_value: *value }, 1)
        }
        Value::Unknown(_) => return None,
    };
    let mut abi = <sys::PJRT_NamedValue as sys::AbiStruct>::new();
    abi.name = name.as_ptr().cast();
    abi.name_size = name.len();
    abi.type_ = kind;
    abi.anonymous = union;
    abi.value_size = size;
    Some(abi)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_c_form() {
        let values = NamedValues::new()
            .with("text", "grüße")
            .with("count", -7)
            .with("dims", vec![1, 2, 3])
            .with("none", Vec::<i64>::new())
            .with("ratio", 0.5f32)
            .with("on", true)
            .with("off", false);
        let abi = values.to_abi();
        // SAFETY: the C form borrows from `values`, which is alive.
        assert_eq!(unsafe { NamedValues::from_abi(abi.as_ptr(), abi.len()) }, values);
        // SAFETY: null is allowed.
        assert!(unsafe { NamedValues::from_abi(std::ptr::null(), 3) }.is_empty());
    }

    #[test]
    fn setting_twice_replaces() {
        let values = NamedValues::new().with("a", 1).with("a", 2);
        assert_eq!(values.iter().collect::<Vec<_>>(), [("a", &Value::Int64(2))]);
    }
}
