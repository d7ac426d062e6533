//! The one error of the frontend, and how it travels.
//!
//! Inside traced or eager code a wrong program panics: [`Error::raise`]. At a boundary (`boundary`: `try_call`, `lower`,
//! `make_jaxpr`, …) the same error comes back as `Err`, and the panic hook stays silent. A panic that is not ours passes
//! through unchanged.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};

use crate::ir::{Aval, Source};
use crate::tree::TreeError;

/// Result with the frontend's [`Error`].
///
/// ```
/// # use jacinth_frontend::{Array, jit};
/// fn doubled(x: &Array) -> jacinth_frontend::Result<Array> {
///     jit(|x: &Array| x * 2.0).try_call((x,))
/// }
/// assert_eq!(doubled(&Array::from(1.5)).unwrap().item::<f32>(), 3.0);
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong between a Rust closure and its result.
///
/// `{}` and `{:?}` print the same sentence, which ends with the user's line; the variants say what kind of mistake it is.
///
/// ```
/// # use jacinth_frontend::{Array, Error, jit, numpy as jnp};
/// let f = jit(|x: &Array, y: &Array| x + y);
/// let error = f.try_call((&jnp::ones([2]), &jnp::ones([3]))).unwrap_err();
/// assert!(matches!(&error, Error::Operands { operation: "add", at: Some(_), .. }), "{error}");
/// assert_eq!(error.to_string(), format!("{error:?}"));
/// ```
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Operands do not fit an operation: shapes, dtypes or parameters.
    #[error("{operation}: {message}{}", At(*.at))]
    Operands {
        /// The operation, by its name in `lax`.
        operation: &'static str,
        /// What is wrong, with the shapes.
        message: String,
        /// The user's line.
        at: Option<Source>,
    },
    /// A traced value was used where a concrete one is needed.
    #[error("{}", .0)]
    Concretization(Box<Concretization>),
    /// A tracer was used after its trace had ended.
    #[error(
        "leaked tracer: a traced value of type {aval}, made at {made_at}, was used{} after the transformation that traced \
         it had ended; return the value from the transformed function instead of storing it elsewhere",
        At(*.used_at)
    )]
    LeakedTracer {
        /// Its type.
        aval: Aval,
        /// Where it was made.
        made_at: Source,
        /// Where it was used.
        used_at: Option<Source>,
    },
    /// Two pytrees differ, or a structure does not fit its type.
    #[error("{error}{}", At(*.at))]
    Tree {
        /// Where and how.
        error: Box<TreeError>,
        /// The user's line.
        at: Option<Source>,
    },
    /// Legal in JAX, but not supported here.
    #[error("{message}{}", At(*.at))]
    Unsupported {
        /// What, and what to do instead.
        message: String,
        /// The user's line.
        at: Option<Source>,
    },
    /// Arguments of a transformation do not fit it.
    #[error("{message}{}", At(*.at))]
    Argument {
        /// What is wrong.
        message: String,
        /// The user's line.
        at: Option<Source>,
    },
    /// The module could not be written.
    #[error("lowering: {error}{}", At(*.at))]
    Lowering {
        /// Why.
        error: Box<jacinth_lowering::Error>,
        /// The user's line.
        at: Option<Source>,
    },
    /// The plugin or its device failed.
    #[error("{message}{}", At(*.at))]
    Runtime {
        /// What it said.
        message: String,
        /// The line of the call.
        at: Option<Source>,
    },
}

/// What [`Error::Concretization`] says.
///
/// ```
/// # use jacinth_frontend::{Array, Error, jit};
/// let f = jit(|x: &Array| if x.gt(0.0).item::<bool>() { x.clone() } else { -x });
/// let Error::Concretization(why) = f.try_call((&Array::from(1.0),)).unwrap_err() else { panic!() };
/// assert_eq!((why.needed, why.aval.to_string()), ("a bool (`if`, `while`, `assert!`)", "bool[]".to_owned()));
/// ```
#[derive(Clone)]
pub struct Concretization {
    /// The traced value's type.
    pub aval: Aval,
    /// What a concrete value was needed for: `a bool`, `an index`.
    pub needed: &'static str,
    /// What to do instead.
    pub advice: &'static str,
    /// The name of the function being traced, and by what.
    pub traced: String,
    /// Where the transformation was asked for.
    pub called_at: Option<Source>,
    /// Where the value was made.
    pub made_at: Option<Source>,
    /// The user's line.
    pub at: Option<Source>,
}

impl fmt::Display for Concretization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Concretization { aval, needed, advice, traced, called_at, made_at, at } = self;
        write!(f, "a traced value of type {aval} was used as {needed}{}, but ", At(*at))?;
        write!(f, "its value is not known while {traced} is being traced")?;
        if let Some(called_at) = called_at {
            write!(f, " (transformed at {called_at})")?;
        }
        if let Some(made_at) = made_at {
            write!(f, "; the value was made at {made_at}")?;
        }
        write!(f, "; {advice}")
    }
}

/// The sentence, which is what `unwrap` and a `main` that returns the error print.
impl fmt::Debug for Concretization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The sentence, which is what `unwrap` and a `main` that returns the error print.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// ` at file:line:column`, or nothing.
struct At(Option<Source>);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |source| write!(f, " at {source}"))
    }
}

impl Error {
    /// Operands that do not fit; `message` is a sentence's end: `shapes must be equal, got (3,), (4,)`.
    ///
    /// ```
    /// # use jacinth_frontend::Error;
    /// let error = Error::operands("blend", "shapes must be equal, got (3,), (4,)");
    /// assert_eq!(error.to_string(), "blend: shapes must be equal, got (3,), (4,)");
    /// ```
    pub fn operands(operation: &'static str, message: impl Into<String>) -> Error {
        Error::Operands { operation, message: message.into(), at: None }
    }

    /// Not supported yet.
    ///
    /// ```
    /// # use jacinth_frontend::Error;
    /// assert!(matches!(Error::unsupported("no sparse arrays"), Error::Unsupported { at: None, .. }));
    /// ```
    pub fn unsupported(message: impl Into<String>) -> Error {
        Error::Unsupported { message: message.into(), at: None }
    }

    /// Arguments of a transformation that do not fit it.
    ///
    /// ```
    /// # use jacinth_frontend::Error;
    /// assert_eq!(Error::argument("order must be positive").to_string(), "order must be positive");
    /// ```
    pub fn argument(message: impl Into<String>) -> Error {
        Error::Argument { message: message.into(), at: None }
    }

    /// A failure of the plugin or its device.
    ///
    /// ```
    /// # use jacinth_frontend::Error;
    /// assert!(matches!(Error::runtime("out of memory"), Error::Runtime { .. }));
    /// ```
    pub fn runtime(message: impl Into<String>) -> Error {
        Error::Runtime { message: message.into(), at: None }
    }

    /// The same error with the user's line, unless it has one.
    ///
    /// ```
    /// # use jacinth_frontend::Error;
    /// let error = Error::argument("no axis 2").at(std::panic::Location::caller());
    /// assert!(error.to_string().starts_with("no axis 2 at "));
    /// ```
    pub fn at(mut self, source: Source) -> Error {
        match &mut self {
            Error::Operands { at, .. }
            | Error::LeakedTracer { used_at: at, .. }
            | Error::Tree { at, .. }
            | Error::Unsupported { at, .. }
            | Error::Argument { at, .. }
            | Error::Lowering { at, .. }
            | Error::Runtime { at, .. } => {
                at.get_or_insert(source);
            }
            Error::Concretization(c) => {
                c.at.get_or_insert(source);
            }
        }
        self
    }

    /// Panics with this error; under a `boundary` it comes back from there as `Err`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, Error, jit};
    /// let positive = |x: &Array| {
    ///     if x.ndim() > 1 {
    ///         Error::argument("a vector is needed").raise()
    ///     }
    ///     x.exp()
    /// };
    /// let error = jit(positive).try_call((&Array::from([[1.0f32]]),)).unwrap_err();
    /// assert!(error.to_string().starts_with("a vector is needed at "));
    /// ```
    #[track_caller]
    pub fn raise(self) -> ! {
        if BOUNDARIES.get() > 0 { resume_unwind(Box::new(Raised(self))) } else { panic_any(self.to_string()) }
    }
}

impl From<TreeError> for Error {
    fn from(error: TreeError) -> Self {
        Error::Tree { error: Box::new(error), at: None }
    }
}

impl From<jacinth_lowering::Error> for Error {
    fn from(error: jacinth_lowering::Error) -> Self {
        Error::Lowering { error: Box::new(error), at: None }
    }
}

/// Unwraps, or panics with the error as [`Error::raise`] does.
pub(crate) trait OrRaise<T> {
    /// The value, or a panic with the error.
    #[track_caller]
    fn or_raise(self) -> T;
}

impl<T, E: Into<Error>> OrRaise<T> for std::result::Result<T, E> {
    #[track_caller]
    fn or_raise(self) -> T {
        match self {
            Ok(value) => value,
            Err(error) => error.into().raise(),
        }
    }
}

/// Runs `f`; an error raised in it comes back as `Err`.
pub(crate) fn boundary<R>(f: impl FnOnce() -> R) -> Result<R> {
    BOUNDARIES.set(BOUNDARIES.get() + 1);
    let result = catch_unwind(AssertUnwindSafe(f));
    BOUNDARIES.set(BOUNDARIES.get() - 1);
    result.map_err(|payload: Box<dyn Any + Send>| match payload.downcast::<Raised>() {
        Ok(raised) => raised.0,
        Err(foreign) => resume_unwind(foreign),
    })
}

thread_local! {
    /// How many boundaries are open on this thread.
    static BOUNDARIES: Cell<usize> = const { Cell::new(0) };
}

/// The payload of a panic that a boundary turns into `Err`.
struct Raised(Error);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_come_back_at_the_boundary_and_foreign_panics_pass() {
        let error = boundary(|| -> () { Error::operands("add", "shapes differ").raise() }).unwrap_err();
        assert_eq!(error.to_string(), "add: shapes differ");
        assert_eq!(format!("{error:?}"), "add: shapes differ");
        let foreign = catch_unwind(|| boundary(|| panic!("foreign"))).unwrap_err();
        assert_eq!(foreign.downcast_ref::<&str>(), Some(&"foreign"));
        let outside = catch_unwind(|| Error::unsupported("no").raise()).unwrap_err();
        assert_eq!(outside.downcast_ref::<String>().map(String::as_str), Some("no"));
    }
}
