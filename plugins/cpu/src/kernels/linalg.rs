//! `cholesky` and `triangular_solve`: blocked, with the bulk of the work in matrix products.

use jacinth_lowering::ElementType;
use jacinth_lowering::ops::linalg::{Cholesky, TransposeA, TriangularSolve};
use num_complex::Complex;

use super::element::Number;
use super::slice::copy_unless_same;
use super::strided::{Source, Target};
use super::{Builder, Built, Cost, Kernel, KernelContext};
use crate::Result;

/// Numbers of which matrices are factorised.
trait Field: Number {
    fn divide(self, other: Self) -> Self;
    fn conjugate(self) -> Self;
    /// The square root of the real part.
    fn root(self) -> Self;
    /// `dst −= a·b`, with either side conjugated.
    ///
    /// # Safety
    /// The strides reach only elements of the arrays; `dst` overlaps neither side.
    unsafe fn subtract_product(size: [usize; 3], dst: View<Self>, a: View<Self>, b: View<Self>);
}

/// A strided matrix, possibly to be read conjugated.
#[derive(Clone, Copy, Debug)]
struct View<T> {
    at: *mut T,
    row: isize,
    column: isize,
    conjugated: bool,
}

// SAFETY: tasks access disjoint parts, or only read.
unsafe impl<T: Send> Send for View<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for View<T> {}

impl<T: Field> View<T> {
    #[inline(always)]
    fn part(self, row: usize, column: usize) -> Self {
        let at = self.at.wrapping_offset(row as isize * self.row + column as isize * self.column);
        View { at, ..self }
    }

    fn transposed(self) -> Self {
        View { row: self.column, column: self.row, ..self }
    }

    /// # Safety
    /// The element exists.
    #[inline(always)]
    unsafe fn get(self, row: usize, column: usize) -> T {
        // SAFETY: the caller's promise.
        let x = unsafe { *self.part(row, column).at };
        if self.conjugated { x.conjugate() } else { x }
    }

    /// # Safety
    /// The element exists and nothing else accesses it.
    #[inline(always)]
    unsafe fn set(self, row: usize, column: usize, value: T) {
        // SAFETY: the caller's promise.
        unsafe { *self.part(row, column).at = value }
    }
}

macro_rules! field {
    ($($ty:ty: |$x:ident, $y:ident| $divide:expr, $conjugate:expr, $root:expr;)*) => {$(
        impl Field for $ty {
            #[inline(always)]
            fn divide(self, other: Self) -> Self {
                let ($x, $y) = (self, other);
                $divide
            }
            #[inline(always)]
            fn conjugate(self) -> Self {
                let $x = self;
                $conjugate
            }
            #[inline(always)]
            fn root(self) -> Self {
                let $x = self;
                $root
            }
            unsafe fn subtract_product([m, n, k]: [usize; 3], dst: View<Self>, a: View<Self>, b: View<Self>) {
                if m == 0 || n == 0 || k == 0 {
                    return;
                }
                // SAFETY: the caller's promise.
                unsafe {
                    gemm::gemm(
                        m, n, k, dst.at, dst.column, dst.row, true, a.at.cast_const(), a.column, a.row,
                        b.at.cast_const(), b.column, b.row, <$ty>::ONE, <$ty>::ZERO - <$ty>::ONE,
                        false, a.conjugated, b.conjugated, gemm::Parallelism::None,
                    );
                }
            }
        }
    )*};
}

field! {
    f32: |x, y| x / y, x, x.sqrt();
    f64: |x, y| x / y, x, x.sqrt();
    Complex<f32>: |x, y| x / y, x.conj(), Complex::new(x.re.sqrt(), 0.0);
    Complex<f64>: |x, y| x / y, x.conj(), Complex::new(x.re.sqrt(), 0.0);
}

macro_rules! by_field {
    ($element:expr, $T:ident => $body:expr, else $none:expr) => {
        match $element {
            ElementType::F32 => {
                type $T = f32;
                $body
            }
            ElementType::F64 => {
                type $T = f64;
                $body
            }
            ElementType::C64 => {
                type $T = Complex<f32>;
                $body
            }
            ElementType::C128 => {
                type $T = Complex<f64>;
                $body
            }
            _ => $none,
        }
    };
}

/// Whether [`by_field`] knows an element type.
fn is_field(element: ElementType) -> bool {
    matches!(element, ElementType::F32 | ElementType::F64 | ElementType::C64 | ElementType::C128)
}

/// Columns that are factorised or solved without products.
const BLOCK: usize = 48;

/// `cholesky` of a batch of matrices.
#[derive(Debug)]
struct Factorise {
    element: ElementType,
    lower: bool,
    batch: usize,
    n: usize,
    cost: Cost,
}

pub(super) fn cholesky(op: &Cholesky, b: &Builder<'_>) -> Built {
    let ty = &b.operands[0];
    let n = ty.shape[ty.rank() - 1] as usize;
    let batch = super::strided::product(&ty.shape[..ty.rank() - 2]);
    if !is_field(ty.element) {
        return Ok(None);
    }
    let cost = b.cost((batch * n * n * n / 3) as u64);
    Ok(Some(Box::new(Factorise { element: ty.element, lower: op.lower, batch, n, cost })))
}

impl Kernel for Factorise {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        by_field!(self.element, T => {
            let n = self.n;
            // SAFETY: operand and result are batches of n × n matrices; tasks take different ones.
            unsafe {
                copy_unless_same(cx, inputs[0], outputs[0], self.batch * n * n * size_of::<T>());
                let out = Target(outputs[0].cast::<T>());
                let matrix = |i: usize| {
                    let a = View { at: out.get().add(i * n * n), row: n as isize, column: 1, conjugated: false };
                    // The upper factor is the transpose of the conjugate's lower one: the same numbers, read as columns.
                    if self.lower { a } else { a.transposed() }
                };
                if self.batch >= cx.pool.threads() || n < 2 * BLOCK {
                    let serial = cx.serial();
                    cx.ranges(self.batch, (1usize << 15).div_ceil(n * n * n / 3 + 1), |r| {
                        r.for_each(|i| factorise::<T>(&serial, n, matrix(i)));
                    });
                } else {
                    (0..self.batch).for_each(|i| factorise::<T>(cx, n, matrix(i)));
                }
            }
        }, else unreachable!("built for a field"));
        Ok(())
    }

    fn cost(&self) -> Cost {
        self.cost
    }

    fn in_place(&self, output: usize) -> Option<usize> {
        (output == 0).then_some(0)
    }
}

/// Overwrites the lower triangle of `a` with its factor and the rest with zeros.
///
/// Of a transposed matrix the conjugate is factorised: for a Hermitian matrix its upper triangle, read as columns, is the
/// conjugate of the lower one, and so is the factor `U = Lᴴ`.
unsafe fn factorise<T: Field>(cx: &KernelContext<'_>, n: usize, a: View<T>) {
    for start in (0..n).step_by(BLOCK) {
        let end = (start + BLOCK).min(n);
        // SAFETY: all rows and columns are below n.
        unsafe {
            // The diagonal block.
            for j in start..end {
                let mut d = a.get(j, j);
                for k in start..j {
                    let x = a.get(j, k);
                    d = T::sub(d, T::mul(x, x.conjugate()));
                }
                let root = d.root();
                a.set(j, j, root);
                for i in j + 1..end {
                    let mut x = a.get(i, j);
                    for k in start..j {
                        x = T::sub(x, T::mul(a.get(i, k), a.get(j, k).conjugate()));
                    }
                    a.set(i, j, x.divide(root));
                }
            }
            // The panel below it, row by row: x·Lᴴ = a.
            let below = n - end;
            cx.ranges(below, (1 << 16) / (BLOCK * BLOCK), |rows| {
                for i in rows.start + end..rows.end + end {
                    for j in start..end {
                        let mut x = a.get(i, j);
                        for k in start..j {
                            x = T::sub(x, T::mul(a.get(i, k), a.get(j, k).conjugate()));
                        }
                        a.set(i, j, x.divide(a.get(j, j)));
                    }
                }
            });
            // What remains, in strips of rows up to the diagonal.
            let strip = (below / 8).clamp(BLOCK, 256);
            let strips = below.div_ceil(strip);
            let update = |s: usize| {
                let (from, to) = (end + s * strip, (end + (s + 1) * strip).min(n));
                let left = a.part(from, start);
                let right = View { conjugated: true, ..a.part(end, start).transposed() };
                T::subtract_product([to - from, to - end, end - start], a.part(from, end), left, right);
            };
            if below * below * BLOCK < 1 << 20 {
                (0..strips).for_each(update)
            } else {
                cx.pool.run(strips, &update)
            }
        }
    }
    for i in 0..n {
        for j in i + 1..n {
            // SAFETY: as above.
            unsafe { a.set(i, j, T::ZERO) };
        }
    }
}

/// `triangular_solve` of a batch.
#[derive(Debug)]
struct Solve {
    element: ElementType,
    op: TriangularSolve,
    batch: usize,
    /// The triangular matrix is n × n, `b` is rows × columns.
    n: usize,
    rows: usize,
    columns: usize,
    cost: Cost,
}

pub(super) fn triangular_solve(op: &TriangularSolve, b: &Builder<'_>) -> Built {
    let (a, rhs) = (&b.operands[0], &b.operands[1]);
    if !is_field(a.element) {
        return Ok(None);
    }
    let n = a.shape[a.rank() - 1] as usize;
    let batch = super::strided::product(&a.shape[..a.rank() - 2]);
    let (rows, columns) = (rhs.shape[rhs.rank() - 2] as usize, rhs.shape[rhs.rank() - 1] as usize);
    let cost = b.cost((batch * rows * columns * n) as u64);
    Ok(Some(Box::new(Solve { element: a.element, op: op.clone(), batch, n, rows, columns, cost })))
}

impl Kernel for Solve {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        by_field!(self.element, T => {
            let (n, rows, columns) = (self.n, self.rows, self.columns);
            // SAFETY: batches of matrices of these sizes; tasks take different columns of the result.
            unsafe {
                copy_unless_same(cx, inputs[1], outputs[0], self.batch * rows * columns * size_of::<T>());
                let (a, out) = (Source(inputs[0].cast::<T>()), Target(outputs[0].cast::<T>()));
                let (transpose, conjugated) = match self.op.transpose_a {
                    TransposeA::NoTranspose => (false, false),
                    TransposeA::Transpose => (true, false),
                    TransposeA::Adjoint => (true, true),
                };
                // x·op(a) = b is op(a)ᵀ·xᵀ = bᵀ.
                let transpose = transpose == self.op.left_side;
                let lower = self.op.lower != transpose;
                let count = if self.op.left_side { columns } else { rows };
                // The same slabs for any number of threads, so that the result is the same as well.
                let slab = if n * n * count < 1 << 18 {
                    count.max(1)
                } else {
                    (count / 8).next_multiple_of(8).clamp(8, 128)
                };
                let slabs = count.div_ceil(slab);
                cx.ranges(self.batch * slabs, (1usize << 15).div_ceil(n * n * slab + 1), |r| {
                    for i in r {
                        let (batch, first) = (i / slabs, i % slabs * slab);
                        let at = a.get().add(batch * n * n).cast_mut();
                        let a = View { at, row: n as isize, column: 1, conjugated };
                        let a = if transpose { a.transposed() } else { a };
                        let x = View {
                            at: out.get().add(batch * rows * columns),
                            row: columns as isize,
                            column: 1,
                            conjugated: false,
                        };
                        let x = if self.op.left_side { x } else { x.transposed() };
                        solve::<T>(n, slab.min(count - first), a, x.part(0, first), lower, self.op.unit_diagonal);
                    }
                });
            }
        }, else unreachable!("built for a field"));
        Ok(())
    }

    fn cost(&self) -> Cost {
        self.cost
    }

    fn in_place(&self, output: usize) -> Option<usize> {
        (output == 0).then_some(1)
    }
}

/// Overwrites `x` (n × m) with the solution of `a·x = x` for a triangular `a`.
unsafe fn solve<T: Field>(n: usize, m: usize, a: View<T>, x: View<T>, lower: bool, unit: bool) {
    let blocks = n.div_ceil(BLOCK);
    for b in 0..blocks {
        let b = if lower { b } else { blocks - 1 - b };
        let (start, end) = (b * BLOCK, ((b + 1) * BLOCK).min(n));
        // SAFETY: all rows and columns lie inside the matrices.
        unsafe {
            for step in start..end {
                let i = if lower { step } else { end - 1 - (step - start) };
                let before = if lower { start..i } else { i + 1..end };
                for k in before {
                    let factor = a.get(i, k);
                    for j in 0..m {
                        x.set(i, j, T::sub(x.get(i, j), T::mul(factor, x.get(k, j))));
                    }
                }
                if !unit {
                    let d = a.get(i, i);
                    (0..m).for_each(|j| x.set(i, j, x.get(i, j).divide(d)));
                }
            }
            let (first, rest) = if lower { (end, n - end) } else { (0, start) };
            T::subtract_product(
                [rest, m, end - start],
                x.part(first, 0),
                a.part(first, start),
                x.part(start, 0),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;
    use crate::kernels::tests::{Array, Rng, run, run_in_place, ty};

    type C = Complex<f64>;

    fn matrix(n: usize, m: usize, rng: &mut Rng) -> Vec<C> {
        (0..n * m).map(|_| C::new(rng.float().into(), rng.float().into())).collect()
    }

    fn product(a: &[C], b: &[C], n: usize, k: usize, m: usize) -> Vec<C> {
        (0..n * m).map(|i| (0..k).map(|l| a[i / m * k + l] * b[l * m + i % m]).sum()).collect()
    }

    fn adjoint(a: &[C], n: usize, m: usize, conjugate: bool) -> Vec<C> {
        let f = |x: C| if conjugate { x.conj() } else { x };
        (0..n * m).map(|i| f(a[i % n * m + i / n])).collect()
    }

    fn close(a: &[C], b: &[C]) {
        for (i, (a, b)) in a.iter().zip(b).enumerate() {
            assert!((a - b).norm() < 1e-8 * (1.0 + b.norm()), "{i}: {a} {b}");
        }
    }

    #[test]
    fn factors_multiply_to_the_matrix() {
        let mut rng = Rng(1);
        for n in [0usize, 1, 2, 5, 47, 48, 49, 130, 210] {
            let x = matrix(n, n, &mut rng);
            let mut a = product(&x, &adjoint(&x, n, n, true), n, n, n);
            (0..n).for_each(|i| a[i * n + i] += n as f64);
            for lower in [true, false] {
                let t = ty(&[2, n as i64, n as i64], ElementType::C128);
                let mut arr = Array::counting(t.clone());
                arr.bytes = Array::of([2 * (n * n) as i64], &[a.clone(), a.clone()].concat()).bytes;
                let op = Cholesky { lower }.into();
                let out = run(&op, from_ref(&arr), from_ref(&t)).remove(0);
                assert_eq!(run_in_place(&op, &[arr], &[t])[0], out);
                for f in out.values::<C>().chunks((n * n).max(1)) {
                    let l = if lower { f.to_vec() } else { adjoint(f, n, n, true) };
                    (0..n * n).filter(|i| i % n > i / n).for_each(|i| assert_eq!(l[i], C::ZERO));
                    close(&product(&l, &adjoint(&l, n, n, true), n, n, n), &a);
                }
            }
        }
    }

    #[test]
    fn what_is_not_positive_gives_nan() {
        let a = Array::of([2, 2], &[1f32, 2., 2., 1.]);
        let out = run(&Cholesky { lower: true }.into(), from_ref(&a), from_ref(&a.ty));
        assert!(out[0].values::<f32>()[3].is_nan());
    }

    #[test]
    fn solutions_solve() {
        let mut rng = Rng(2);
        let all = [TransposeA::NoTranspose, TransposeA::Transpose, TransposeA::Adjoint];
        for (n, m) in [(1usize, 1usize), (3, 0), (5, 3), (48, 7), (49, 60), (110, 80)] {
            for i in 0..24 {
                let (left_side, lower, unit_diagonal) = (i & 1 == 0, i & 2 == 0, i & 4 == 0);
                let transpose_a = all[i / 8];
                let full: Vec<C> = matrix(n, n, &mut rng).iter().map(|x| x * 0.1).collect();
                let mut a = full.clone();
                for (i, x) in a.iter_mut().enumerate() {
                    let (r, c) = (i / n, i % n);
                    if r == c {
                        *x = if unit_diagonal { C::ONE } else { *x + 2.0 };
                    } else if (c > r) == lower {
                        *x = C::ZERO;
                    }
                }
                // Only the triangle may be read.
                let stored: Vec<C> = (0..n * n)
                    .map(|i| {
                        let (r, c) = (i / n, i % n);
                        if (r == c && unit_diagonal) || (r != c && (c > r) == lower) {
                            C::new(f64::NAN, 0.0)
                        } else {
                            a[i]
                        }
                    })
                    .collect();
                let op_a = match transpose_a {
                    TransposeA::NoTranspose => a,
                    TransposeA::Transpose => adjoint(&a, n, n, false),
                    TransposeA::Adjoint => adjoint(&a, n, n, true),
                };
                let (rows, columns) = if left_side { (n, m) } else { (m, n) };
                let b = matrix(rows, columns, &mut rng);
                let sa = Array::of([n as i64, n as i64], &stored);
                let sb = Array::of([rows as i64, columns as i64], &b);
                let op = TriangularSolve { left_side, lower, unit_diagonal, transpose_a };
                let x = run(&op.into(), &[sa, sb.clone()], from_ref(&sb.ty)).remove(0).values::<C>();
                let back = if left_side { product(&op_a, &x, n, n, m) } else { product(&x, &op_a, m, n, n) };
                close(&back, &b);
            }
        }
    }
}
