//! `fft`: transforms along the last dimensions, by the `rustfft` crate; rows side by side.

use std::sync::Arc;

use jacinth_cpu_fft::num_traits::{FromPrimitive, One, Zero};
use jacinth_cpu_fft::{FftDirection, Real};
use jacinth_lowering::ElementType;
use jacinth_lowering::ops::fft::{Fft, FftType};
use num_complex::Complex;

use super::scratch::Plain;
use super::slice::copy_unless_same;
use super::strided::{Source, Target, product};
use super::{Builder, Built, Cost, Kernel, KernelContext};
use crate::Result;

/// Transforms of one precision.
struct Transform<F: Real> {
    kind: FftType,
    /// One per transformed dimension, outermost first.
    plans: Vec<Arc<dyn jacinth_cpu_fft::Fft<F>>>,
    /// Elements of the operand's and the result's last dimension.
    input_row: usize,
    output_row: usize,
    /// Rows: the product of all dimensions but the last.
    rows: usize,
    cost: Cost,
}

impl<F: Real> std::fmt::Debug for Transform<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lengths: Vec<usize> = self.plans.iter().map(|p| p.len()).collect();
        write!(f, "Fft({:?}, {lengths:?}, {} rows)", self.kind, self.rows)
    }
}

pub(super) fn fft(op: &Fft, b: &Builder<'_>) -> Built {
    match b.operands[0].element {
        ElementType::F32 | ElementType::C64 => Ok(Some(Box::new(transform::<f32>(op, b)))),
        ElementType::F64 | ElementType::C128 => Ok(Some(Box::new(transform::<f64>(op, b)))),
        _ => Ok(None),
    }
}

fn transform<F: Real>(op: &Fft, b: &Builder<'_>) -> Transform<F> {
    let inverse = matches!(op.fft_type, FftType::Ifft | FftType::Irfft);
    let direction = if inverse { FftDirection::Inverse } else { FftDirection::Forward };
    let lengths: Vec<usize> = op.fft_length.iter().map(|&n| n as usize).collect();
    let plans = F::plans(&lengths, direction);
    let (operand, result) = (&b.operands[0].shape, &b.results[0].shape);
    let last = |shape: &[i64]| shape.last().map_or(1, |&n| n as usize);
    let rows = product(&operand[..operand.len().saturating_sub(1)]);
    let length = product(&op.fft_length).max(1) as u64;
    let flops = 5 * product(operand) as u64 * u64::from(length.ilog2() + 1);
    Transform {
        kind: op.fft_type,
        plans,
        input_row: last(operand),
        output_row: last(result),
        rows,
        cost: b.cost(flops),
    }
}

impl<F: Real + Plain> Kernel for Transform<F>
where
    Complex<F>: Plain,
{
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        if self.rows * self.input_row.min(self.output_row) == 0 {
            let width = if self.kind == FftType::Irfft { size_of::<F>() } else { size_of::<Complex<F>>() };
            // SAFETY: the whole result, of which an all-zero pattern is a value.
            unsafe { outputs[0].write_bytes(0, self.rows * self.output_row * width) };
            return Ok(());
        }
        match self.kind {
            // SAFETY: operand and result have the same complex type and shape.
            FftType::Fft | FftType::Ifft => unsafe {
                let out = outputs[0].cast::<Complex<F>>();
                copy_unless_same(
                    cx,
                    inputs[0],
                    outputs[0],
                    self.rows * self.input_row * size_of::<Complex<F>>(),
                );
                for axis in 0..self.plans.len() {
                    self.along(cx, axis, out, self.input_row)?;
                }
                if self.kind == FftType::Ifft {
                    self.scale(cx, out);
                }
            },
            // SAFETY: rows of `n` real and of `m` complex numbers; tasks take different rows.
            FftType::Rfft => unsafe {
                let out = Target(outputs[0].cast::<Complex<F>>());
                let input = Source(inputs[0].cast::<F>());
                let (n, m) = (self.input_row, self.output_row);
                self.each_row(
                    cx,
                    n,
                    |row, buffer| {
                        let from = std::slice::from_raw_parts(input.get().add(row * n), n);
                        buffer
                            .iter_mut()
                            .zip(from)
                            .for_each(|(b, &x)| *b = Complex::new(x, <F as Zero>::zero()));
                    },
                    |row, buffer| out.slice(row * m, m).copy_from_slice(&buffer[..m]),
                )?;
                for axis in 0..self.plans.len() - 1 {
                    self.along(cx, axis, out.get(), m)?;
                }
            },
            // SAFETY: rows of `m` complex and of `n` real numbers; tasks take different rows.
            FftType::Irfft => unsafe {
                let (n, m) = (self.output_row, self.input_row);
                let work = cx.scratch::<Complex<F>>(self.rows * m)?;
                let spectrum = work.as_ptr::<Complex<F>>();
                std::ptr::copy_nonoverlapping(inputs[0].cast(), spectrum, self.rows * m);
                for axis in 0..self.plans.len() - 1 {
                    self.along(cx, axis, spectrum, m)?;
                }
                let total: usize = self.plans.iter().map(|p| p.len()).product();
                let scale =
                    <F as One>::one() / <F as FromPrimitive>::from_usize(total).expect("a length is a float");
                let (from, out) = (Source(spectrum.cast_const()), Target(outputs[0].cast::<F>()));
                self.each_row(
                    cx,
                    n,
                    |row, buffer| {
                        let half = std::slice::from_raw_parts(from.get().add(row * m), m);
                        for (k, b) in buffer.iter_mut().enumerate() {
                            // The other half is the conjugate of this one.
                            *b = if k <= n / 2 { half[k] } else { half[n - k].conj() };
                        }
                    },
                    |row, buffer| {
                        let to = out.slice(row * n, n);
                        to.iter_mut().zip(&*buffer).for_each(|(to, b)| *to = b.re * scale);
                    },
                )?;
            },
        }
        Ok(())
    }

    fn cost(&self) -> Cost {
        self.cost
    }

    fn in_place(&self, output: usize) -> Option<usize> {
        (output == 0 && matches!(self.kind, FftType::Fft | FftType::Ifft)).then_some(0)
    }
}

impl<F: Real + Plain> Transform<F>
where
    Complex<F>: Plain,
{
    /// Transforms each row of the last dimension in a buffer of `n`, between `load` and `store`.
    fn each_row(
        &self,
        cx: &KernelContext<'_>,
        n: usize,
        load: impl Fn(usize, &mut [Complex<F>]) + Sync,
        store: impl Fn(usize, &mut [Complex<F>]) + Sync,
    ) -> Result<()> {
        let plan = self.plans.last().expect("at least one dimension");
        self.lines(cx, plan, self.rows, n, load, store)
    }

    fn lines(
        &self,
        cx: &KernelContext<'_>,
        plan: &Arc<dyn jacinth_cpu_fft::Fft<F>>,
        lines: usize,
        n: usize,
        load: impl Fn(usize, &mut [Complex<F>]) + Sync,
        store: impl Fn(usize, &mut [Complex<F>]) + Sync,
    ) -> Result<()> {
        cx.try_ranges(lines, (1usize << 13).div_ceil(n), |range| {
            let mut scratch = cx.scratch::<Complex<F>>(plan.get_inplace_scratch_len())?;
            let mut buffer = cx.scratch::<Complex<F>>(n)?;
            let buffer = buffer.as_mut::<Complex<F>>();
            for line in range {
                load(line, buffer);
                plan.process_with_scratch(buffer, scratch.as_mut::<Complex<F>>());
                store(line, buffer);
            }
            Ok(())
        })
    }

    /// Transforms dimension `axis` of those that are transformed, in place, of an array whose rows have `row` elements.
    unsafe fn along(
        &self,
        cx: &KernelContext<'_>,
        axis: usize,
        data: *mut Complex<F>,
        row: usize,
    ) -> Result<()> {
        let plan = &self.plans[axis];
        let n = plan.len();
        let data = Target(data);
        // The step along the dimension: all transformed dimensions inside it.
        let inner: usize = self.plans[axis + 1..].iter().map(|p| p.len()).product();
        let last = axis + 1 == self.plans.len();
        let step = if last { 1 } else { inner / self.plans[self.plans.len() - 1].len() * row };
        let total = self.rows * row;
        if last && self.rows > 0 {
            // Rows are transformed where they stand.
            return cx.try_ranges(self.rows, (1usize << 13).div_ceil(n), |range| {
                let mut scratch = cx.scratch::<Complex<F>>(plan.get_inplace_scratch_len())?;
                // SAFETY: ranges of rows are disjoint.
                let rows = unsafe { data.slice(range.start * n, range.len() * n) };
                plan.process_with_scratch(rows, scratch.as_mut::<Complex<F>>());
                Ok(())
            });
        }
        let start = |line: usize| line / step * step * n + line % step;
        self.lines(
            cx,
            plan,
            total / n,
            n,
            |line, buffer| {
                for (i, b) in buffer.iter_mut().enumerate() {
                    // SAFETY: an element of the line.
                    *b = unsafe { *data.get().add(start(line) + i * step) };
                }
            },
            |line, buffer| {
                for (i, &mut b) in buffer.iter_mut().enumerate() {
                    // SAFETY: an element of the line; lines are disjoint.
                    unsafe { *data.get().add(start(line) + i * step) = b };
                }
            },
        )
    }

    unsafe fn scale(&self, cx: &KernelContext<'_>, data: *mut Complex<F>) {
        let total: usize = self.plans.iter().map(|p| p.len()).product();
        let scale = <F as One>::one() / <F as FromPrimitive>::from_usize(total).expect("a length is a float");
        let data = Target(data);
        cx.ranges(self.rows * self.input_row, 1 << 15, |r| {
            // SAFETY: disjoint parts of the result.
            unsafe { data.slice(r.start, r.len()) }.iter_mut().for_each(|x| *x = x.scale(scale));
        });
    }
}

#[cfg(test)]
#[allow(clippy::cloned_ref_to_slice_refs)]
mod tests {
    use super::*;
    use crate::kernels::tests::{Array, Rng, run, ty};
    use jacinth_lowering::Op;

    type C = Complex<f64>;

    fn op(fft_type: FftType, lengths: &[i64]) -> Op {
        Fft { fft_type, fft_length: lengths.iter().copied().collect() }.into()
    }

    /// By definition along every dimension of `lengths`, for one batch.
    fn naive(x: &[C], lengths: &[usize], sign: f64) -> Vec<C> {
        let mut data = x.to_vec();
        for axis in 0..lengths.len() {
            let step: usize = lengths[axis + 1..].iter().product();
            let n = lengths[axis];
            let from = data.clone();
            for (i, out) in data.iter_mut().enumerate() {
                let k = i / step % n;
                let start = i - k * step;
                *out = (0..n)
                    .map(|t| {
                        from[start + t * step]
                            * C::from_polar(1.0, sign * std::f64::consts::TAU * (k * t % n) as f64 / n as f64)
                    })
                    .sum();
            }
        }
        data
    }

    fn close(a: &[C], b: &[C]) {
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).norm() < 1e-9 * (1.0 + b.norm()), "{a} {b}");
        }
    }

    #[test]
    fn transforms_agree_with_the_definition() {
        let mut rng = Rng(1);
        for (batch, lengths) in [
            (1usize, vec![1usize]),
            (3, vec![8]),
            (2, vec![7]),
            (5, vec![4, 6]),
            (2, vec![3, 5, 4]),
            (2000, vec![16]),
        ] {
            let n: usize = lengths.iter().product();
            let last = lengths[lengths.len() - 1];
            let half = n / last * (last / 2 + 1);
            let x: Vec<C> = (0..batch * n).map(|_| C::new(rng.float().into(), rng.float().into())).collect();
            let dims: Vec<i64> = [batch].iter().chain(&lengths).map(|&d| d as i64).collect();
            let mut half_dims = dims.clone();
            *half_dims.last_mut().unwrap() = last as i64 / 2 + 1;
            let lengths64: Vec<i64> = lengths.iter().map(|&n| n as i64).collect();
            let full = ty(&dims, ElementType::C128);
            let mut a = Array::counting(full.clone());
            a.bytes = Array::of([x.len() as i64], &x).bytes;
            let forward = run(&op(FftType::Fft, &lengths64), &[a.clone()], &[full.clone()]).remove(0);
            let expected: Vec<C> = x.chunks(n).flat_map(|x| naive(x, &lengths, -1.0)).collect();
            close(&forward.values::<C>(), &expected);
            let back = run(&op(FftType::Ifft, &lengths64), &[forward], &[full]).remove(0);
            close(&back.values::<C>(), &x);

            let real: Vec<f64> = x.iter().map(|x| x.re).collect();
            let mut r = Array::counting(ty(&dims, ElementType::F64));
            r.bytes = Array::of([real.len() as i64], &real).bytes;
            let spectrum =
                run(&op(FftType::Rfft, &lengths64), &[r.clone()], &[ty(&half_dims, ElementType::C128)])
                    .remove(0);
            let expected: Vec<C> = real
                .chunks(n)
                .flat_map(|x| {
                    let x: Vec<C> = x.iter().map(|&x| C::new(x, 0.0)).collect();
                    let all = naive(&x, &lengths, -1.0);
                    all.chunks(last).flat_map(|row| row[..last / 2 + 1].to_vec()).collect::<Vec<_>>()
                })
                .collect();
            assert_eq!(expected.len(), batch * half);
            close(&spectrum.values::<C>(), &expected);
            let back = run(&op(FftType::Irfft, &lengths64), &[spectrum], &[r.ty.clone()]).remove(0);
            let back: Vec<C> = back.values::<f64>().iter().map(|&x| C::new(x, 0.0)).collect();
            close(&back, &real.iter().map(|&x| C::new(x, 0.0)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn empty_batches() {
        let t = ty(&[0, 4], ElementType::C64);
        let a = Array::counting(t.clone());
        assert!(run(&op(FftType::Fft, &[4]), &[a], &[t])[0].bytes.is_empty());
    }
}
