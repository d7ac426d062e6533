//! Discrete Fourier transforms over the last dimensions.

use crate::error::Result;
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values, numpy_name,
};
use jacinth_lowering::ops::fft as ops;
use smallvec::smallvec;

pub use jacinth_lowering::ops::fft::FftType;

use super::binary::{complex, mul};
use super::concat::pad;
use super::elementwise::scalar_like;
use super::rules::{batched, bind1, ensure, linear_jvp, show, sizes};
use super::select::select;
use super::shape::{broadcasted_iota, full, moveaxis};
use super::unary::{conj, real};

/// The transform of the last `fft_lengths.len()` dimensions, at most three, whose sizes `fft_lengths` are.
///
/// `Fft` and `Ifft` map complex to complex; `Rfft` maps real to the non-negative half `n / 2 + 1` of the last dimension, `Irfft` that half to
/// real. The inverse transforms divide by the number of elements.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// # use jacinth_frontend::lax::FftType;
/// let spectrum = lax::fft(&Array::from([1.0f32, 2.0, 3.0, 4.0]), FftType::Rfft, &[4]);
/// assert_eq!(spectrum.to_string(), "[10.+0.j -2.+2.j -2.+0.j]");
/// ```
///
/// # Panics
/// If the lengths do not fit the operand's shape, or the dtype is not the kind's.
#[track_caller]
pub fn fft(x: &Array, fft_type: FftType, fft_lengths: &[usize]) -> Array {
    bind1(Prim::new(Fft { fft_type, fft_lengths: fft_lengths.to_vec() }), std::slice::from_ref(x))
}

/// `fft`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fft {
    /// Which transform it is.
    pub fft_type: FftType,
    /// The sizes of the dimensions that are transformed.
    pub fft_lengths: Vec<usize>,
}

impl Fft {
    /// The lengths as the dimensions of the operand must be.
    fn operand_lengths(&self) -> Vec<usize> {
        let mut lengths = self.fft_lengths.clone();
        if let (FftType::Irfft, Some(last)) = (self.fft_type, lengths.last_mut()) {
            *last = *last / 2 + 1;
        }
        lengths
    }
}

impl Primitive for Fft {
    fn name(&self) -> &'static str {
        "fft"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.tuple("fft_lengths", &self.fft_lengths);
        let kind = match self.fft_type {
            FftType::Fft => 0,
            FftType::Ifft => 1,
            FftType::Rfft => 2,
            FftType::Irfft => 3,
        };
        params.show("fft_type", kind);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let (x, n) = (args[0], self.fft_lengths.len());
        ensure!(
            (1..=3).contains(&n) && n <= x.rank(),
            "fft" => "takes one to three of the operand's dimensions, got fft_lengths {} for shape {}",
            show(&self.fft_lengths),
            show(&x.shape)
        );
        let (name, takes_real) = match self.fft_type {
            FftType::Fft => ("FFT", false),
            FftType::Ifft => ("IFFT", false),
            FftType::Rfft => ("RFFT", true),
            FftType::Irfft => ("IRFFT", false),
        };
        let (fits, wanted) = if takes_real {
            (matches!(x.dtype, DType::F32 | DType::F64), "float32 or float64")
        } else {
            (x.dtype.is_complex(), "complex")
        };
        ensure!(fits, "fft" => "{name} takes {wanted} operands, got {}", numpy_name(x.dtype));
        let lead = x.rank() - n;
        ensure!(
            x.shape[lead..] == self.operand_lengths()[..],
            "fft" => "the last dimensions must be {} for {name} of lengths {}, got shape {}",
            show(&self.operand_lengths()),
            show(&self.fft_lengths),
            show(&x.shape)
        );
        let mut shape: Vec<usize> = x.shape[..lead].iter().chain(&self.fft_lengths).copied().collect();
        let mut dtype = x.dtype;
        match self.fft_type {
            FftType::Rfft => {
                let last = shape.len() - 1;
                shape[last] = if shape[last] == 0 { 0 } else { shape[last] / 2 + 1 };
                dtype = if dtype == DType::F64 { DType::C128 } else { DType::C64 };
            }
            FftType::Irfft => dtype = dtype.real(),
            FftType::Fft | FftType::Ifft => {}
        }
        Ok(smallvec![Aval::new(shape, dtype)])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        let mut rule = ShardingRule::elementwise(args, outs);
        let lead = args[0].rank() - self.fft_lengths.len();
        rule.operands.iter_mut().chain(&mut rule.results).for_each(|f| f[lead..].fill(None));
        rule
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        if outs[0].size() == 0 {
            return Ok(smallvec![cx.constant(0, &outs[0])?]);
        }
        let op = ops::Fft { fft_type: self.fft_type, fft_length: sizes(&self.fft_lengths) };
        Ok(smallvec![cx.op(op, args)?])
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        linear_jvp(Prim::new(self.clone()), primals, tangents)
    }

    fn transpose(&self, cts: &[Option<Array>], _: &[Operand]) -> Linear {
        let n = *self.fft_lengths.last().expect("there is a dimension");
        let pull = |ct: &Array| match self.fft_type {
            // The matrix of either transform is symmetric.
            FftType::Fft | FftType::Ifft => fft(ct, self.fft_type, &self.fft_lengths),
            // The transform of a real array is that of a complex one, of which half is kept.
            FftType::Rfft => {
                let last = ct.ndim() - 1;
                let mut config = vec![(0, 0, 0); ct.ndim()];
                config[last] = (0, n as i64 - ct.shape()[last] as i64, 0);
                let whole = pad(ct, &scalar_like(ct, 0), &config);
                real(&fft(&whole, FftType::Fft, &self.fft_lengths))
            }
            // Elements of the half that stand for two count twice.
            FftType::Irfft => {
                let half = fft(ct, FftType::Rfft, &self.fft_lengths);
                let places = broadcasted_iota(DType::I32, half.shape(), half.ndim() - 1);
                let lit = |v: usize| Array::scalar(v as i64, DType::I32, false);
                let once = super::compare::eq(&places, &lit(0));
                let once = if n.is_multiple_of(2) {
                    super::binary::or(&once, &super::compare::eq(&places, &lit(n / 2)))
                } else {
                    once
                };
                let scale = 1.0 / self.fft_lengths.iter().product::<usize>() as f64;
                let weight = |v: f64| full(half.shape(), v, ct.dtype());
                let weight = select(&once, &weight(scale), &weight(2.0 * scale));
                conj(&mul(&complex(&weight, &scalar_like(&weight, 0.0)), &half))
            }
        };
        Linear::Cotangents(smallvec![cts[0].as_ref().map(pull)])
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        let x = moveaxis(&args[0], dims[0].expect("the one operand is mapped"), 0);
        batched(fft(&x, self.fft_type, &self.fft_lengths), 0)
    }

    fn samples() -> Vec<Sample> {
        let sample = |shape: &[usize], fft_type, fft_lengths: &[usize]| {
            let dtype = if fft_type == FftType::Rfft { DType::F32 } else { DType::C64 };
            let prim = Prim::new(Fft { fft_type, fft_lengths: fft_lengths.to_vec() });
            Sample::new(prim, [SampleArg::range(shape.iter().copied(), dtype, -2.0, 2.0)])
        };
        vec![
            sample(&[4], FftType::Fft, &[4]),
            sample(&[2, 3], FftType::Ifft, &[3]),
            sample(&[2, 3, 4], FftType::Fft, &[3, 4]),
            sample(&[6], FftType::Rfft, &[6]),
            sample(&[2, 5], FftType::Rfft, &[5]),
            sample(&[3, 4], FftType::Rfft, &[3, 4]),
            sample(&[4], FftType::Irfft, &[6]),
            sample(&[2, 3], FftType::Irfft, &[5]),
            sample(&[3, 3], FftType::Irfft, &[3, 4]),
            sample(&[2, 3, 2, 4], FftType::Ifft, &[3, 2, 4]),
        ]
    }
}
