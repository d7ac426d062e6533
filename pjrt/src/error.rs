//! The one error of this floor: the plugin's code and message, and the function that gave it.

use pjrt_sys as sys;
use std::fmt;

/// `std::result::Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a plugin refused, or what this crate refused on its behalf.
///
/// ```
/// # use jacinth_pjrt::{ErrorCode, Plugin};
/// let error = Plugin::load("/nowhere/plugin.so").unwrap_err();
/// assert_eq!((error.code, error.function), (ErrorCode::NotFound, "Plugin::load"));
/// assert!(!error.is_unimplemented() && !error.is_resource_exhausted());
/// ```
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{function}: {message} ({code})")]
pub struct Error {
    /// The class of the error, as PJRT numbers it.
    pub code: ErrorCode,
    /// The plugin's sentence, or ours.
    pub message: String,
    /// The C function (`PJRT_Client_Compile`) or, for a check made before calling, the method (`Client::compile`).
    pub function: &'static str,
}

/// The sentence, which is what `unwrap` and a `main` that returns the error print.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error {
    /// An error of this crate's own checks.
    ///
    /// ```
    /// # use jacinth_pjrt::{Error, ErrorCode};
    /// let error = Error::new(ErrorCode::OutOfRange, "Ring::send", "device 9 of 8");
    /// assert_eq!(error.to_string(), "Ring::send: device 9 of 8 (code 11, out of range)");
    /// ```
    pub fn new(code: ErrorCode, function: &'static str, message: impl Into<String>) -> Error {
        Error { code, message: message.into(), function }
    }

    pub(crate) fn invalid(function: &'static str, message: impl Into<String>) -> Error {
        Error::new(ErrorCode::InvalidArgument, function, message)
    }

    /// Whether the plugin does not support the call: PJRT's code 12, or a function that its table does not have.
    pub fn is_unimplemented(&self) -> bool {
        self.code == ErrorCode::Unimplemented
    }

    /// Whether memory ran out, on the device or on the host: PJRT's code 8.
    pub fn is_resource_exhausted(&self) -> bool {
        self.code == ErrorCode::ResourceExhausted
    }
}

/// PJRT's error codes (`PJRT_Error_Code`, the same numbers as absl's status codes).
///
/// ```
/// # use jacinth_pjrt::ErrorCode;
/// assert_eq!((ErrorCode::from_raw(12), ErrorCode::NotFound.raw()), (ErrorCode::Unimplemented, 5));
/// assert_eq!(ErrorCode::Unimplemented.to_string(), "code 12, not supported");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    Cancelled,
    Unknown,
    InvalidArgument,
    DeadlineExceeded,
    NotFound,
    AlreadyExists,
    PermissionDenied,
    ResourceExhausted,
    FailedPrecondition,
    Aborted,
    OutOfRange,
    Unimplemented,
    Internal,
    Unavailable,
    DataLoss,
    Unauthenticated,
    /// A number that header 0.90 does not name.
    Other(u32),
}

impl ErrorCode {
    /// The code of PJRT's number; 0, which is success, has no name here and gives `Other(0)`.
    pub fn from_raw(raw: u32) -> ErrorCode {
        match raw {
            sys::PJRT_Error_Code_CANCELLED => ErrorCode::Cancelled,
            sys::PJRT_Error_Code_UNKNOWN => ErrorCode::Unknown,
            sys::PJRT_Error_Code_INVALID_ARGUMENT => ErrorCode::InvalidArgument,
            sys::PJRT_Error_Code_DEADLINE_EXCEEDED => ErrorCode::DeadlineExceeded,
            sys::PJRT_Error_Code_NOT_FOUND => ErrorCode::NotFound,
            sys::PJRT_Error_Code_ALREADY_EXISTS => ErrorCode::AlreadyExists,
            sys::PJRT_Error_Code_PERMISSION_DENIED => ErrorCode::PermissionDenied,
            sys::PJRT_Error_Code_RESOURCE_EXHAUSTED => ErrorCode::ResourceExhausted,
            sys::PJRT_Error_Code_FAILED_PRECONDITION => ErrorCode::FailedPrecondition,
            sys::PJRT_Error_Code_ABORTED => ErrorCode::Aborted,
            sys::PJRT_Error_Code_OUT_OF_RANGE => ErrorCode::OutOfRange,
            sys::PJRT_Error_Code_UNIMPLEMENTED => ErrorCode::Unimplemented,
            sys::PJRT_Error_Code_INTERNAL => ErrorCode::Internal,
            sys::PJRT_Error_Code_UNAVAILABLE => ErrorCode::Unavailable,
            sys::PJRT_Error_Code_DATA_LOSS => ErrorCode::DataLoss,
            sys::PJRT_Error_Code_UNAUTHENTICATED => ErrorCode::Unauthenticated,
            other => ErrorCode::Other(other),
        }
    }

    /// PJRT's number of this code.
    pub fn raw(self) -> u32 {
        match self {
            ErrorCode::Cancelled => sys::PJRT_Error_Code_CANCELLED,
            ErrorCode::Unknown => sys::PJRT_Error_Code_UNKNOWN,
            ErrorCode::InvalidArgument => sys::PJRT_Error_Code_INVALID_ARGUMENT,
            ErrorCode::DeadlineExceeded => sys::PJRT_Error_Code_DEADLINE_EXCEEDED,
            ErrorCode::NotFound => sys::PJRT_Error_Code_NOT_FOUND,
            ErrorCode::AlreadyExists => sys::PJRT_Error_Code_ALREADY_EXISTS,
            ErrorCode::PermissionDenied => sys::PJRT_Error_Code_PERMISSION_DENIED,
            ErrorCode::ResourceExhausted => sys::PJRT_Error_Code_RESOURCE_EXHAUSTED,
            ErrorCode::FailedPrecondition => sys::PJRT_Error_Code_FAILED_PRECONDITION,
            ErrorCode::Aborted => sys::PJRT_Error_Code_ABORTED,
            ErrorCode::OutOfRange => sys::PJRT_Error_Code_OUT_OF_RANGE,
            ErrorCode::Unimplemented => sys::PJRT_Error_Code_UNIMPLEMENTED,
            ErrorCode::Internal => sys::PJRT_Error_Code_INTERNAL,
            ErrorCode::Unavailable => sys::PJRT_Error_Code_UNAVAILABLE,
            ErrorCode::DataLoss => sys::PJRT_Error_Code_DATA_LOSS,
            ErrorCode::Unauthenticated => sys::PJRT_Error_Code_UNAUTHENTICATED,
            ErrorCode::Other(raw) => raw,
        }
    }
}

/// `code 3, invalid argument`.
impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            ErrorCode::Cancelled => "cancelled",
            ErrorCode::Unknown => "unknown",
            ErrorCode::InvalidArgument => "invalid argument",
            ErrorCode::DeadlineExceeded => "deadline exceeded",
            ErrorCode::NotFound => "not found",
            ErrorCode::AlreadyExists => "already exists",
            ErrorCode::PermissionDenied => "permission denied",
            ErrorCode::ResourceExhausted => "resource exhausted",
            ErrorCode::FailedPrecondition => "failed precondition",
            ErrorCode::Aborted => "aborted",
            ErrorCode::OutOfRange => "out of range",
            ErrorCode::Unimplemented => "not supported",
            ErrorCode::Internal => "internal",
            ErrorCode::Unavailable => "unavailable",
            ErrorCode::DataLoss => "data loss",
            ErrorCode::Unauthenticated => "unauthenticated",
            ErrorCode::Other(_) => "unnamed",
        };
        write!(f, "code {}, {name}", self.raw())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_round_trip() {
        for raw in 0..40 {
            assert_eq!(ErrorCode::from_raw(raw).raw(), raw);
        }
        assert!(Error::new(ErrorCode::from_raw(12), "f", "").is_unimplemented());
    }

    #[test]
    fn an_error_reads_as_a_sentence() {
        let error = Error::invalid("Client::compile", "the compile options are empty");
        assert_eq!(
            error.to_string(),
            "Client::compile: the compile options are empty (code 3, invalid argument)"
        );
        assert_eq!(format!("{error:?}"), error.to_string());
    }
}
