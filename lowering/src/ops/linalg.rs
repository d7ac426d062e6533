//! Factorizations and solves.

/// `stablehlo.cholesky(a)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Cholesky {
    /// Whether the lower triangle is read and written.
    pub lower: bool,
}

/// What is done to the triangular matrix before solving.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TransposeA {
    /// `NO_TRANSPOSE`.
    NoTranspose,
    /// `TRANSPOSE`.
    Transpose,
    /// `ADJOINT`.
    Adjoint,
}

/// `stablehlo.triangular_solve(a, b)`.
#[derive(Clone, PartialEq, Debug)]
pub struct TriangularSolve {
    /// Whether to solve `op(a) x = b` rather than `x op(a) = b`.
    pub left_side: bool,
    /// Whether the lower triangle is read.
    pub lower: bool,
    /// Whether the diagonal is taken to be ones.
    pub unit_diagonal: bool,
    /// What `op` is.
    pub transpose_a: TransposeA,
}

super::scaffold!(Cholesky "stablehlo.cholesky", TriangularSolve "stablehlo.triangular_solve");
