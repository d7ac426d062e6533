//! What a user calls: pytrees, arrays, transformations as functions, numpy.

pub mod tree;
