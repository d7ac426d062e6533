//! What the project's chores and its tests share.

pub mod tpu_compile;

/// What makes a chore fail.
pub type Failure = Box<dyn std::error::Error>;
