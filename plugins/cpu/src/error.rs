//! The plugin's one error: a PJRT code and a sentence.

use std::fmt;

use jacinth_lowering::ErrorKind;
use pjrt_sys::*;

/// What kind of failure an [`Error`] is; the numbers are PJRT's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Code {
    /// The caller cancelled the work.
    Cancelled = PJRT_Error_Code_CANCELLED,
    /// An argument, a program or an option is wrong.
    InvalidArgument = PJRT_Error_Code_INVALID_ARGUMENT,
    /// What was asked for does not exist.
    NotFound = PJRT_Error_Code_NOT_FOUND,
    /// Memory has run out.
    ResourceExhausted = PJRT_Error_Code_RESOURCE_EXHAUSTED,
    /// The object is in the wrong state for this.
    FailedPrecondition = PJRT_Error_Code_FAILED_PRECONDITION,
    /// Legal, but not supported by this plugin.
    Unimplemented = PJRT_Error_Code_UNIMPLEMENTED,
    /// A defect of the plugin.
    Internal = PJRT_Error_Code_INTERNAL,
    /// Given by the caller with a number that has no name here.
    Unknown = PJRT_Error_Code_UNKNOWN,
}

/// A failure of the plugin: what kind, and a sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    /// The PJRT code.
    pub code: u32,
    /// A sentence that names the operation or function and the shapes at fault.
    pub message: String,
}

/// Result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of that kind with this sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Error { code: code as u32, message: message.into() }
    }

    /// An argument, a program or an option is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    /// Legal, but not supported.
    pub fn unimplemented(message: impl Into<String>) -> Self {
        Self::new(Code::Unimplemented, message)
    }

    /// Memory has run out.
    pub fn exhausted(message: impl Into<String>) -> Self {
        Self::new(Code::ResourceExhausted, message)
    }

    /// A defect of the plugin.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Code::Internal, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<jacinth_lowering::Error> for Error {
    fn from(error: jacinth_lowering::Error) -> Self {
        let code = match error.kind {
            ErrorKind::Parse | ErrorKind::Verify => Code::InvalidArgument,
            ErrorKind::Unsupported => Code::Unimplemented,
            ErrorKind::Eval => Code::Internal,
        };
        Error::new(code, error.to_string())
    }
}
