//! Factorizations and solves.

use num_complex::Complex;

use super::rules::{arity, fits, named, shapes_agree};
use super::{Context, EvalContext, OpDef};
use crate::attribute::{Attribute, Attributes, enum_name};
use crate::eval::Datum;
use crate::{Error, Literal, Native, Result, TensorType, Types};

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

const TRANSPOSES: &[(TransposeA, &str)] = &[
    (TransposeA::NoTranspose, "NO_TRANSPOSE"),
    (TransposeA::Transpose, "TRANSPOSE"),
    (TransposeA::Adjoint, "ADJOINT"),
];

/// A matrix of a batch in the arithmetic that the factorizations use.
struct Matrix<T> {
    columns: usize,
    data: Vec<T>,
}

impl<T: Copy> Matrix<T> {
    fn from_fn(rows: usize, columns: usize, f: impl Fn(usize, usize) -> T) -> Self {
        let data = (0..rows * columns).map(|i| f(i / columns.max(1), i % columns.max(1))).collect();
        Matrix { columns, data }
    }

    fn at(&self, row: usize, column: usize) -> T {
        self.data[row * self.columns + column]
    }

    fn set(&mut self, row: usize, column: usize, value: T) {
        self.data[row * self.columns + column] = value;
    }
}

/// Real or complex double precision.
trait Field: num_complex::ComplexFloat<Real = f64> + Native {}

impl Field for f64 {}
impl Field for Complex<f64> {}

/// L with L Lᴴ = A, reading A's lower triangle; all NaN if A is not positive definite.
fn cholesky<T: Field>(n: usize, a: impl Fn(usize, usize) -> T) -> Matrix<T> {
    let mut l = Matrix::from_fn(n, n, |_, _| T::zero());
    for j in 0..n {
        let mut diagonal = a(j, j).re();
        for k in 0..j {
            diagonal -= l.at(j, k).abs().powi(2);
        }
        if diagonal.is_nan() || diagonal <= 0.0 {
            let nan = T::from(f64::NAN).expect("a float");
            return Matrix::from_fn(n, n, |i, k| if k <= i { nan } else { T::zero() });
        }
        let pivot = T::from(diagonal.sqrt()).expect("a float");
        l.set(j, j, pivot);
        for i in j + 1..n {
            let mut sum = a(i, j);
            for k in 0..j {
                sum = sum - l.at(i, k) * l.at(j, k).conj();
            }
            l.set(i, j, sum / pivot);
        }
    }
    l
}

/// X with A X = B by substitution; `lower` says which triangle A is, and `unit` that its diagonal is ones.
fn substitute<T: Field>(
    n: usize,
    columns: usize,
    lower: bool,
    unit: bool,
    a: impl Fn(usize, usize) -> T,
    b: impl Fn(usize, usize) -> T,
) -> Matrix<T> {
    let mut x = Matrix::from_fn(n, columns, b);
    for step in 0..n {
        let i = if lower { step } else { n - 1 - step };
        let known = if lower { 0..i } else { i + 1..n };
        for column in 0..columns {
            let mut sum = x.at(i, column);
            for k in known.clone() {
                sum = sum - a(i, k) * x.at(k, column);
            }
            x.set(i, column, if unit { sum } else { sum / a(i, i) });
        }
    }
    x
}

/// Applies `f` to each matrix of a batch: for the matrix that begins at each offset, the elements of the result's.
fn batched<T: Field>(
    cx: &mut EvalContext<'_, '_>,
    result: &TensorType,
    inputs: &[&Literal],
    f: impl Fn(&[&[T]]) -> Vec<T>,
) -> Result<Vec<Datum>> {
    let wide = inputs
        .iter()
        .map(|input| Ok(cx.evaluator.convert(input, T::ELEMENT)?.to_vec::<T>().expect("converted above")))
        .collect::<Result<Vec<_>>>()?;
    let size = |ty: &TensorType| ty.shape[ty.rank() - 2..].iter().product::<i64>() as usize;
    let batches: i64 = result.shape[..result.rank() - 2].iter().product();
    let mut values = Vec::new();
    for batch in 0..batches as usize {
        let parts: Vec<&[T]> = wide
            .iter()
            .zip(inputs)
            .map(|(all, input)| {
                let size = size(input.ty());
                &all[batch * size..(batch + 1) * size]
            })
            .collect();
        values.extend(f(&parts));
    }
    let wide = Literal::new(result.shape.iter().copied(), &values)?;
    Ok(vec![cx.evaluator.convert(&wide, result.element)?.into()])
}

fn check_element(op: &str, ty: &TensorType) -> Result<()> {
    match ty.element.is_float() || ty.element.is_complex() {
        true => Ok(()),
        false => Err(Error::verify(format!("{op}: the operands must be float or complex, got {ty}"))),
    }
}

impl OpDef for Cholesky {
    named!("stablehlo.cholesky");

    fn attributes(&self) -> Attributes {
        let mut out = Attributes::new();
        out.set("lower", Attribute::Bool(self.lower));
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        Ok(Cholesky { lower: attributes.take_bool("cholesky", "lower", false)? })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let op = "cholesky";
        arity(op, cx, 1, 0)?;
        let a = cx.tensor(op, 0)?;
        check_element(op, a)?;
        if a.rank() < 2 {
            return Err(Error::constraint(
                "cholesky_c2",
                format!("{op}: a must have rank at least 2, got {a}"),
            ));
        }
        if !fits(a.shape[a.rank() - 2], a.shape[a.rank() - 1]) {
            return Err(Error::constraint(
                "cholesky_c3",
                format!("{op}: the matrices must be square, got {a}"),
            ));
        }
        Ok(Some(smallvec::smallvec![a.clone().into()]))
    }

    /// The other triangle is zeros; a matrix that is not positive definite gives NaN.
    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let a = cx.tensor("cholesky", 0)?;
        match a.ty().element.is_complex() {
            true => self.run::<Complex<f64>>(cx, a),
            false => self.run::<f64>(cx, a),
        }
    }
}

impl Cholesky {
    fn run<T: Field>(&self, cx: &mut EvalContext<'_, '_>, a: &Literal) -> Result<Vec<Datum>> {
        let n = a.ty().shape[a.ty().rank() - 1] as usize;
        let lower = self.lower;
        batched(cx, a.ty(), &[a], |parts: &[&[T]]| {
            let a = parts[0];
            let l = cholesky(n, |i, j| if lower { a[i * n + j] } else { a[j * n + i].conj() });
            match lower {
                true => l.data,
                false => Matrix::from_fn(n, n, |i, j| l.at(j, i).conj()).data,
            }
        })
    }
}

impl OpDef for TriangularSolve {
    named!("stablehlo.triangular_solve");

    fn attributes(&self) -> Attributes {
        let mut out = Attributes::new();
        out.set("left_side", Attribute::Bool(self.left_side));
        out.set("lower", Attribute::Bool(self.lower));
        out.set("transpose_a", Attribute::enumeration("transpose", enum_name(&self.transpose_a, TRANSPOSES)));
        out.set("unit_diagonal", Attribute::Bool(self.unit_diagonal));
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let op = "triangular_solve";
        Ok(TriangularSolve {
            left_side: attributes.take_needed_bool(op, "left_side")?,
            lower: attributes.take_needed_bool(op, "lower")?,
            unit_diagonal: attributes.take_needed_bool(op, "unit_diagonal")?,
            transpose_a: attributes.take_enum(op, "transpose_a", TRANSPOSES)?,
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let op = "triangular_solve";
        arity(op, cx, 2, 0)?;
        let (a, b) = (cx.tensor(op, 0)?, cx.tensor(op, 1)?);
        check_element(op, a)?;
        let fail = |label: &'static str, what: &str| {
            Err(Error::constraint(label, format!("{op}: {what}; a {a}, b {b}")))
        };
        if a.element != b.element {
            return fail("triangular_solve_c1", "element types differ");
        }
        let rank = a.rank();
        if rank < 2 || b.rank() != rank {
            return fail("triangular_solve_c2", "both must have one rank, at least 2");
        }
        if !shapes_agree(&a.shape[..rank - 2], &b.shape[..rank - 2]) {
            return fail("triangular_solve_c3", "batch dimensions differ");
        }
        let shared = b.shape[rank - if self.left_side { 2 } else { 1 }];
        if !fits(a.shape[rank - 2], a.shape[rank - 1]) || !fits(a.shape[rank - 1], shared) {
            return fail("triangular_solve_c3", "a must be square and fit b");
        }
        Ok(Some(smallvec::smallvec![b.clone().into()]))
    }

    /// By substitution in double precision, rounded once at the end.
    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let (a, b) = (cx.tensor("triangular_solve", 0)?, cx.tensor("triangular_solve", 1)?);
        match a.ty().element.is_complex() {
            true => self.run::<Complex<f64>>(cx, a, b),
            false => self.run::<f64>(cx, a, b),
        }
    }
}

impl TriangularSolve {
    fn run<T: Field>(&self, cx: &mut EvalContext<'_, '_>, a: &Literal, b: &Literal) -> Result<Vec<Datum>> {
        let rank = b.ty().rank();
        let (rows, columns) = (b.ty().shape[rank - 2] as usize, b.ty().shape[rank - 1] as usize);
        let n = a.ty().shape[rank - 1] as usize;
        let transposed = self.transpose_a != TransposeA::NoTranspose;
        batched(cx, b.ty(), &[a, b], |parts: &[&[T]]| {
            let (a, b) = (parts[0], parts[1]);
            let op = |i: usize, j: usize| match self.transpose_a {
                TransposeA::NoTranspose => a[i * n + j],
                TransposeA::Transpose => a[j * n + i],
                TransposeA::Adjoint => a[j * n + i].conj(),
            };
            let op_is_lower = self.lower != transposed;
            if self.left_side {
                substitute(n, columns, op_is_lower, self.unit_diagonal, op, |i, j| b[i * columns + j]).data
            } else {
                // x op(a) = b is op(a)ᵀ xᵀ = bᵀ.
                let x = substitute(
                    n,
                    rows,
                    !op_is_lower,
                    self.unit_diagonal,
                    |i, j| op(j, i),
                    |i, j| b[j * columns + i],
                );
                Matrix::from_fn(rows, columns, |i, j| x.at(j, i)).data
            }
        })
    }
}
