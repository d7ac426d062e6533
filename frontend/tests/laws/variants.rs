//! A sample in every dtype that its primitive accepts, with operands.

use jacinth_frontend::ir::{Aval, DType, Domain, Prim, Sample, dtype_name};
use jacinth_lowering::element::{Scalar, int_range};
use jacinth_lowering::{Literal, TensorType, element};

use crate::host;

/// A sample in one dtype.
pub(crate) struct Variant {
    /// How failures call it: `add(f32[2,3], f32[])`.
    pub(crate) name: String,
    pub(crate) prim: Prim,
    pub(crate) args: Vec<Literal>,
    /// Other operands, for maps.
    pub(crate) more: Vec<Literal>,
    /// Where derivatives are looked at: the floating point operands, or nowhere.
    pub(crate) smooth: Vec<usize>,
    /// Whether second derivatives are looked at.
    pub(crate) twice: bool,
    /// The types of the results.
    pub(crate) outs: Vec<Aval>,
    /// Whether the sample is written in this dtype.
    pub(crate) given: bool,
}

impl Variant {
    /// The least precise dtype among operands and results, in whose units differences are counted.
    pub(crate) fn units(&self, count: f64) -> f64 {
        let args = self.args.iter().map(|a| a.ty().element);
        let dtypes = args.chain(self.outs.iter().map(|o| o.dtype)).filter(|&d| host::inexact(d));
        count * dtypes.map(host::unit).fold(f64::EPSILON, f64::max)
    }

    /// Whether everything smooth is in double precision, so that differences show derivatives.
    pub(crate) fn is_double(&self) -> bool {
        let args = self.smooth.iter().map(|&i| self.args[i].ty().element);
        let outs = self.outs.iter().map(|o| o.dtype).filter(|&d| host::inexact(d));
        args.chain(outs).all(|dtype| matches!(dtype, DType::F64 | DType::C128))
    }

    /// Whether all smooth operands are in double precision.
    pub(crate) fn takes_double(&self) -> bool {
        self.smooth.iter().all(|&i| matches!(self.args[i].ty().element, DType::F64 | DType::C128))
    }

    /// Whether operands are of the same shapes, and of as many parts.
    pub(crate) fn is_like(&self, other: &Variant) -> bool {
        let shapes = |v: &Variant| v.args.iter().map(|a| a.ty().shape.clone()).collect::<Vec<_>>();
        self.is_complex() == other.is_complex() && shapes(self) == shapes(other)
    }

    fn is_complex(&self) -> bool {
        self.smooth.iter().any(|&i| self.args[i].ty().element.is_complex())
    }
}

/// The sample in the dtypes that its primitive accepts; all that stand for real numbers have the same operands, and all that stand
/// for complex numbers.
///
/// Floating point operands together take every dtype, integers and booleans every one of theirs.
pub(crate) fn of(sample: &Sample) -> Vec<Variant> {
    let dtypes = || sample.args.iter().map(|a| a.aval.dtype);
    let mut all = vec![variant(sample, true)];
    for from in Sample::DTYPES.into_iter().filter(|&from| dtypes().any(|d| d == from)) {
        for to in Sample::DTYPES.into_iter().filter(|&to| to != from) {
            if !host::inexact(from) && host::inexact(to) || from == DType::I1 {
                continue;
            }
            let other =
                sample.in_dtype(from, to).filter(|s| s.args.iter().all(|a| holds(a.aval.dtype, &a.domain)));
            all.extend(other.map(|sample| variant(&sample, false)));
        }
    }
    all
}

/// Whether the dtype has the values; an unsigned integer has no −1.
fn holds(dtype: DType, domain: &Domain) -> bool {
    let Domain::Values(values) = domain else { return true };
    if host::inexact(dtype) {
        return true;
    }
    let (least, largest) = if dtype == DType::I1 { (0, 1) } else { int_range(dtype) };
    values.iter().all(|v| !v.is_nan() && (least as f64 <= v.floor() && v.floor() <= largest as f64))
}

fn variant(sample: &Sample, given: bool) -> Variant {
    let avals: Vec<&Aval> = sample.args.iter().map(|a| &a.aval).collect();
    let outs =
        sample.prim.abstract_eval(&avals).unwrap_or_else(|e| panic!("{:?}: {e}", sample.prim)).to_vec();
    let types: Vec<String> =
        sample.args.iter().map(|a| format!("{}{:?}", dtype_name(a.aval.dtype), &a.aval.shape[..])).collect();
    let mut drawn = 0;
    let mut draw = |shift| -> Vec<Literal> {
        sample.args.iter().map(|arg| operand(&arg.aval, &arg.domain, shift, &mut drawn)).collect()
    };
    let (args, more) = (draw(0), draw(1));
    let smooth = (0..args.len()).filter(|&i| sample.differentiable && host::inexact(args[i].ty().element));
    Variant {
        name: format!("{:?}({})", sample.prim, types.join(", ")),
        prim: sample.prim.clone(),
        twice: sample.twice,
        smooth: smooth.collect(),
        args,
        more,
        outs,
        given,
    }
}

/// Values for an operand; `drawn` counts those that were drawn already.
fn operand(aval: &Aval, domain: &Domain, shift: usize, drawn: &mut usize) -> Literal {
    let dtype = aval.dtype;
    let start = *drawn;
    *drawn += aval.size();
    let real = |i: usize, part: usize| match domain {
        // Multiples of the golden ratio lie evenly in every interval, none near another.
        Domain::Range(low, high) => {
            let place = ((start + i) as f64 * 0.618_033_988_749_895 + part as f64 * 0.37 + 0.11).fract();
            coarse(low + (high - low) * place)
        }
        Domain::Values(values) => coarse(values[(i + shift + part) % values.len()]),
    };
    let scalar = |i: usize| match domain {
        _ if dtype.is_complex() => Scalar::Complex(num_complex::Complex64::new(real(i, 0), real(i, 1))),
        _ if dtype.is_float() => Scalar::Float(real(i, 0)),
        Domain::Values(values) => Scalar::Int(values[(i + shift) % values.len()].floor() as i128),
        Domain::Range(low, high) => {
            let integers = integers(dtype, low * high <= 0.0);
            Scalar::Int(integers[(start + i) % integers.len()])
        }
    };
    let mut bytes = Vec::new();
    (0..aval.size()).for_each(|i| element::write(dtype, scalar(i), &mut bytes));
    let ty = TensorType::new(aval.shape.iter().map(|&d| d as i64), dtype);
    Literal::from_bytes(ty, bytes).expect("as many bytes as elements")
}

/// Rounded to what half precision and bfloat16 can tell, so that all dtypes have the same numbers.
fn coarse(v: f64) -> f64 {
    if v.is_nan() || v == 0.0 {
        return v;
    }
    let step = v.abs().log2().floor().max(1.0) - 7.0;
    (v / step.exp2()).round() * step.exp2()
}

/// Integers of that dtype, the least and the largest among them.
fn integers(dtype: DType, zero: bool) -> Vec<i128> {
    if dtype == DType::I1 {
        return vec![0, 1, 1];
    }
    let (least, largest) = int_range(dtype);
    let all = [3, least, -1, 1, largest, 0, 100, -2, 2, least + 1, 7, largest / 2, -5];
    all.into_iter().filter(|&i| least <= i && i <= largest && (zero || i != 0)).collect()
}
