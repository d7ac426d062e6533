//! The one error of this floor: a sentence, the constraint it broke, and where.

use std::fmt;

/// A module that is malformed, breaks a constraint of the specification, or uses what is not supported yet.
///
/// ```
/// # use jacinth_lowering::{Error, ErrorKind};
/// let error = Error::constraint("transpose_c2", "permutation [0, 0] repeats 0").at("@main");
/// assert_eq!(error.to_string(), "@main: permutation [0, 0] repeats 0 (transpose_c2)");
/// assert_eq!((error.kind, error.constraint), (ErrorKind::Verify, Some("transpose_c2")));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    /// What kind of failure this is.
    pub kind: ErrorKind,
    /// A sentence that names the operation and the shapes or text at fault.
    pub message: String,
    /// The specification's constraint label (`dot_general_c10`), where one is broken.
    pub constraint: Option<&'static str>,
    /// Where in the text or program: `line:column`, or the operation's location.
    pub location: Option<String>,
}

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is not well-formed.
    Parse,
    /// A constraint of the specification is broken.
    Verify,
    /// The program is legal, but this implementation does not support it yet.
    Unsupported,
    /// The reference evaluation failed on these inputs.
    Eval,
}

/// Result with this floor's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of that kind with this sentence.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), constraint: None, location: None }
    }

    /// The text is not well-formed.
    pub fn parse(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Parse, message)
    }

    /// A constraint is broken; `label` is the specification's, such as `dot_general_c10`.
    pub fn constraint(label: &'static str, message: impl Into<String>) -> Self {
        Error { constraint: Some(label), ..Self::new(ErrorKind::Verify, message) }
    }

    /// A rule without a label in the specification is broken.
    pub fn verify(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Verify, message)
    }

    /// Legal, but not supported yet.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// The reference evaluation failed.
    pub fn eval(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Eval, message)
    }

    /// The same error with a location, unless it has one already.
    pub fn at(mut self, location: impl fmt::Display) -> Self {
        self.location.get_or_insert_with(|| location.to_string());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.location {
            write!(f, "{location}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(label) = self.constraint {
            write!(f, " ({label})")?;
        }
        Ok(())
    }
}

/// The sentence, which is what `unwrap` and a `main` that returns the error print.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}
