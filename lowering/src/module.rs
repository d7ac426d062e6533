//! Modules as data: functions of blocks of operations in static single assignment form.
//!
//! Invariants, which the verifier checks: a [`Value`] is an index into its function's value table and has one
//! definition (a block argument or an operation's result); blocks nested in regions may use values of the blocks around
//! them; every block ends with its terminator's operands in [`Block::results`].

use std::sync::Arc;

use smallvec::SmallVec;

use crate::attribute::Attributes;
use crate::{Op, Type};

/// A StableHLO program: functions, of which `main` is the entry point.
///
/// ```
/// # use jacinth_lowering::{Module, Op};
/// let module = Module::parse(
///     "module @twice attributes {mhlo.num_replicas = 1 : i32} {
///       func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
///         %y = stablehlo.add %x, %x : tensor<2xf32>
///         return %y : tensor<2xf32>
///       }
///     }",
/// )?;
/// let main = module.main().unwrap();
/// assert_eq!((module.name.as_deref(), module.int_attribute("mhlo.num_replicas")), (Some("twice"), Some(1)));
/// assert_eq!(main.body.ops[0].op.name(), "stablehlo.add");
/// assert_eq!((main.arg_types().len(), main.ty(main.body.results[0]).to_string()), (1, "tensor<2xf32>".to_owned()));
/// # Ok::<(), jacinth_lowering::Error>(())
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Module {
    /// `module @name`.
    pub name: Option<String>,
    /// Module attributes, such as `mhlo.num_partitions`.
    pub attributes: Attributes,
    /// The functions in order.
    pub funcs: Vec<Func>,
    /// Top-level operations of other dialects, word for word (`sdy.mesh @mesh = <["x"=2]>`).
    pub others: Vec<String>,
}

impl Module {
    /// The function of that name.
    pub fn func(&self, name: &str) -> Option<&Func> {
        self.funcs.iter().find(|f| f.name == name)
    }

    /// The entry point, `main`.
    pub fn main(&self) -> Option<&Func> {
        self.func("main")
    }

    /// The value of an integer module attribute, such as `mhlo.num_replicas`.
    pub fn int_attribute(&self, name: &str) -> Option<i64> {
        match self.attributes.get(name) {
            Some(crate::Attribute::Int(value, _)) => Some(*value),
            _ => None,
        }
    }
}

/// A function: its signature, and a body.
#[derive(Clone, PartialEq, Debug)]
pub struct Func {
    /// The symbol's name without `@`.
    pub name: String,
    /// `public` or `private`.
    pub public: bool,
    /// The type of every value of the function, at any depth.
    pub values: Vec<Type>,
    /// Parameters are the body's arguments; results are its terminator's operands.
    pub body: Block,
    /// Types of the results.
    pub result_types: Vec<Type>,
    /// Attributes of each parameter, as many as there are parameters.
    pub arg_attributes: Vec<Attributes>,
    /// Attributes of each result, as many as there are results.
    pub result_attributes: Vec<Attributes>,
    /// Attributes of the function itself.
    pub attributes: Attributes,
    /// Where the function was written.
    pub location: Location,
}

impl Func {
    /// The type of a value.
    pub fn ty(&self, value: Value) -> &Type {
        &self.values[value.index()]
    }

    /// The types of the parameters.
    pub fn arg_types(&self) -> impl ExactSizeIterator<Item = &Type> {
        self.body.args.iter().map(|&v| self.ty(v))
    }
}

/// A value of a function: an index into [`Func::values`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Value(pub u32);

impl Value {
    /// The value's index into [`Func::values`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A list of values, inline up to four.
pub type Values = SmallVec<[Value; 4]>;

/// A straight line of operations. Every region of StableHLO has exactly one block.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Block {
    /// The block's arguments.
    pub args: Values,
    /// The operations in order, the terminator excluded.
    pub ops: Vec<Operation>,
    /// The terminator's operands: what `return` returns.
    pub results: Values,
}

/// One operation: what it does, to which values, giving which.
#[derive(Clone, PartialEq, Debug)]
pub struct Operation {
    /// What is done, with the attributes that say how.
    pub op: Op,
    /// The values it is done to.
    pub operands: Values,
    /// The values it defines.
    pub results: Values,
    /// Nested computations.
    pub regions: Vec<Block>,
    /// Attributes that the operation itself does not define (`mhlo.sharding`, `sdy.sharding`).
    pub extra: Attributes,
    /// Where the operation was written.
    pub location: Location,
}

/// Where something was written.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Location {
    /// `loc(unknown)`.
    #[default]
    Unknown,
    /// `loc("file":line:col)`, from the compiler's own record of the caller.
    Caller(&'static std::panic::Location<'static>),
    /// `loc("file":line:col)`.
    File(Arc<str>, u32, u32),
    /// `loc("name"(child))`.
    Named(Arc<str>, Arc<Location>),
    /// Any other location, word for word.
    Opaque(Arc<str>),
}

impl Location {
    /// The text between the parentheses of `loc(…)`.
    pub(crate) fn body(&self) -> String {
        match self {
            Location::Unknown => "unknown".to_string(),
            Location::Caller(at) => file_position(at.file(), at.line(), at.column()),
            Location::File(file, line, column) => file_position(file, *line, *column),
            Location::Named(name, child) => match **child {
                Location::Unknown => quoted(name),
                _ => format!("{}({})", quoted(name), child.body()),
            },
            Location::Opaque(text) => text.to_string(),
        }
    }
}

/// The location as text writes it: `loc("file":1:2)`.
impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "loc({})", self.body())
    }
}

fn file_position(file: &str, line: u32, column: u32) -> String {
    format!("{}:{line}:{column}", quoted(file))
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    crate::text::write_string(text, &mut out);
    out
}
