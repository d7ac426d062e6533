//! Fourier transforms.

use num_complex::Complex;

use super::rules::{arity, fits, named, shapes_agree};
use super::{Context, EvalContext, OpDef};
use crate::attribute::{Attribute, Attributes, enum_name};
use crate::eval::Datum;
use crate::eval::index::{self, Indices};
use crate::{ElementType, Error, Literal, Result, Shape, Types};

/// The kinds of Fourier transform.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FftType {
    /// `FFT`: complex to complex, forward.
    Fft,
    /// `IFFT`: complex to complex, inverse.
    Ifft,
    /// `RFFT`: real to complex, forward.
    Rfft,
    /// `IRFFT`: complex to real, inverse.
    Irfft,
}

/// `stablehlo.fft(operand)` over the last `fft_length.len()` dimensions.
#[derive(Clone, PartialEq, Debug)]
pub struct Fft {
    /// Which.
    pub fft_type: FftType,
    /// Length along each transformed dimension.
    pub fft_length: Shape,
}

const NAME: &str = "fft";

const TYPES: &[(FftType, &str)] =
    &[(FftType::Fft, "FFT"), (FftType::Ifft, "IFFT"), (FftType::Rfft, "RFFT"), (FftType::Irfft, "IRFFT")];

impl OpDef for Fft {
    named!("stablehlo.fft");

    fn attributes(&self) -> Attributes {
        let mut out = Attributes::new();
        out.set("fft_length", Attribute::ints(&self.fft_length));
        out.set("fft_type", Attribute::enumeration("fft_type", enum_name(&self.fft_type, TYPES)));
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        Ok(Fft {
            fft_type: attributes.take_enum(NAME, "fft_type", TYPES)?,
            fft_length: attributes.take_ints(NAME, "fft_length")?,
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        arity(NAME, cx, 1, 0)?;
        let operand = cx.tensor(NAME, 0)?;
        let fail = |label: &'static str, message: String| {
            Err(Error::constraint(label, format!("{NAME}: {message}; operand {operand}")))
        };
        let lengths = &self.fft_length;
        if !(1..=3).contains(&lengths.len()) {
            return fail("fft_c3", format!("fft_length {lengths:?} must have 1 to 3 entries"));
        }
        if lengths.len() > operand.rank() {
            return fail(
                "fft_c1",
                format!("fft_length {lengths:?} has more entries than the operand dimensions"),
            );
        }
        let element = match (self.fft_type, operand.element) {
            (FftType::Rfft, e @ (ElementType::F32 | ElementType::F64)) => e.complex().expect("f32 or f64"),
            (FftType::Irfft, e) if e.is_complex() => e.real(),
            (FftType::Fft | FftType::Ifft, e) if e.is_complex() => e,
            (FftType::Rfft, _) => return fail("fft_c2", "RFFT takes f32 or f64".into()),
            _ => return fail("fft_c2", "FFT, IFFT and IRFFT take complex numbers".into()),
        };
        let back = &operand.shape[operand.rank() - lengths.len()..];
        let (&last, outer) = lengths.split_last().expect("at least one");
        let half = if last == 0 { 0 } else { last / 2 + 1 };
        let fits = match self.fft_type {
            FftType::Fft | FftType::Ifft => true,
            FftType::Rfft => shapes_agree(back, lengths),
            FftType::Irfft => shapes_agree(&back[..outer.len()], outer) && fits(back[outer.len()], half),
        };
        if !fits || last < 0 {
            return fail("fft_c4", format!("fft_length {lengths:?} does not fit the operand"));
        }
        let mut ty = operand.with_element(element);
        match self.fft_type {
            FftType::Fft | FftType::Ifft => {}
            FftType::Rfft => *ty.shape.last_mut().expect("rank ≥ 1") = half,
            FftType::Irfft => *ty.shape.last_mut().expect("rank ≥ 1") = last,
        }
        Ok(Some(smallvec::smallvec![ty.into()]))
    }

    /// The defining sum in `f64`, dimension by dimension, rounded once at the end.
    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let operand = cx.tensor(NAME, 0)?;
        let mut shape = operand.ty().shape.clone();
        let wide = cx.evaluator.convert(operand, ElementType::C128)?;
        let mut values = wide.to_vec::<Complex<f64>>().expect("converted above");
        let rank = shape.len();
        let first = rank - self.fft_length.len();
        let last = *self.fft_length.last().expect("checked by infer") as usize;
        match self.fft_type {
            FftType::Fft | FftType::Rfft => {
                for d in (first..rank).rev() {
                    lines(&mut values, &mut shape, d, None, |line| transform(line, -1.0));
                }
                if self.fft_type == FftType::Rfft {
                    let kept = if last == 0 { 0 } else { last / 2 + 1 };
                    lines(&mut values, &mut shape, rank - 1, Some(kept), |line| line[..kept].to_vec());
                }
            }
            FftType::Ifft | FftType::Irfft => {
                let inverse = |line: &[Complex<f64>]| -> Vec<Complex<f64>> {
                    let n = line.len() as f64;
                    transform(line, 1.0).into_iter().map(|z| z / n).collect()
                };
                for d in first..rank {
                    if self.fft_type == FftType::Irfft && d == rank - 1 {
                        // The other half of a real signal's spectrum is the mirrored conjugate.
                        lines(&mut values, &mut shape, d, Some(last), |line| {
                            (0..last)
                                .map(|k| if k < line.len() { line[k] } else { line[last - k].conj() })
                                .collect()
                        });
                    }
                    lines(&mut values, &mut shape, d, None, inverse);
                }
            }
        }
        let wide = Literal::new(shape, &values)?;
        Ok(vec![cx.evaluator.convert(&wide, cx.result(NAME, 0)?.element)?.into()])
    }
}

/// Replaces every line along dimension `d` by what `f` makes of it, which is `length` long or as long as before.
fn lines(
    values: &mut Vec<Complex<f64>>,
    shape: &mut Shape,
    d: usize,
    length: Option<usize>,
    f: impl Fn(&[Complex<f64>]) -> Vec<Complex<f64>>,
) {
    let strides = index::strides(shape);
    let mut outer = shape.clone();
    outer[d] = 1;
    let mut results = Vec::new();
    let mut indices = Indices::new(&outer);
    while let Some(at) = indices.next() {
        let base = index::offset(at, &strides);
        let line: Vec<_> = (0..shape[d] as usize).map(|i| values[base + i * strides[d] as usize]).collect();
        results.push(f(&line));
    }
    let length = length.unwrap_or(shape[d] as usize);
    shape[d] = length as i64;
    let strides = index::strides(shape);
    *values = vec![Complex::default(); shape.iter().product::<i64>() as usize];
    let mut indices = Indices::new(&outer);
    for line in results {
        let base = index::offset(indices.next().expect("as many as before"), &strides);
        for (i, value) in line.into_iter().enumerate() {
            values[base + i * strides[d] as usize] = value;
        }
    }
}

/// Σₙ xₙ exp(sign · 2πi · kn/N) for every k.
fn transform(line: &[Complex<f64>], sign: f64) -> Vec<Complex<f64>> {
    let n = line.len();
    let roots: Vec<Complex<f64>> = (0..n).map(|m| root(m, n, sign)).collect();
    (0..n).map(|k| line.iter().enumerate().map(|(i, x)| x * roots[k * i % n]).sum()).collect()
}

/// exp(sign · 2πi · m/n), exact at quarter turns.
fn root(m: usize, n: usize, sign: f64) -> Complex<f64> {
    match 4 * m {
        0 => Complex::new(1.0, 0.0),
        quarter if quarter == n => Complex::new(0.0, sign),
        half if half == 2 * n => Complex::new(-1.0, 0.0),
        three if three == 3 * n => Complex::new(0.0, -sign),
        _ => Complex::from_polar(1.0, sign * std::f64::consts::TAU * m as f64 / n as f64),
    }
}
