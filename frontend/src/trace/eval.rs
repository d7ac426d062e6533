//! Evaluation: what `bind` does when nothing is being traced.

use super::check_alive;
use crate::error::{Error, OrRaise};
use crate::ir::{Array, Arrays, Prim, Source};

/// Applies a primitive to concrete arrays: compiled as a program of one operation, and kept.
pub(super) fn process(prim: &Prim, args: &[Array], source: Source) -> Arrays {
    for arg in args {
        check_alive(arg, None, source).or_raise();
    }
    Error::unsupported(format!("{}: evaluating operations one by one is being built", prim.name())).raise()
}
