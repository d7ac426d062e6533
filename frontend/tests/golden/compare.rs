//! How far an array is from JAX's, in units in the last place.

use half::{bf16, f16};
use jacinth_frontend::{Array, DType, Element};
use num_complex::{Complex32, Complex64};

use crate::store::Tensor;
use crate::table::Tolerance;

/// Compares dtype, shape and elements; the error names the worst element.
pub(crate) fn compare(found: &Array, expected: &Tensor, tolerance: &Tolerance) -> Result<(), String> {
    let dtype = expected.dtype;
    let ulp = tolerance.ulp(dtype);
    if found.dtype() != dtype || found.shape() != expected.shape {
        return Err(format!("{} is not {dtype}{:?}, as JAX has it", found.aval(), expected.shape));
    }
    let expected = expected.upload();
    let (found, expected) = match dtype {
        DType::F16 => (floats::<f16>(found, f16::to_f64), floats::<f16>(&expected, f16::to_f64)),
        DType::BF16 => (floats::<bf16>(found, bf16::to_f64), floats::<bf16>(&expected, bf16::to_f64)),
        DType::F32 => (floats::<f32>(found, f64::from), floats::<f32>(&expected, f64::from)),
        DType::F64 => (floats::<f64>(found, |v| v), floats::<f64>(&expected, |v| v)),
        DType::C64 => (pairs32(found), pairs32(&expected)),
        DType::C128 => (pairs64(found), pairs64(&expected)),
        DType::I1 => return exact::<bool>(found, &expected),
        DType::I8 => return exact::<i8>(found, &expected),
        DType::I16 => return exact::<i16>(found, &expected),
        DType::I32 => return exact::<i32>(found, &expected),
        DType::I64 => return exact::<i64>(found, &expected),
        DType::UI8 => return exact::<u8>(found, &expected),
        DType::UI16 => return exact::<u16>(found, &expected),
        DType::UI32 => return exact::<u32>(found, &expected),
        DType::UI64 => return exact::<u64>(found, &expected),
        other => return Err(format!("no comparison of {other}")),
    };
    near(dtype, &found, &expected, tolerance, ulp)
}

fn exact<T: Element + PartialEq + std::fmt::Debug>(found: &Array, expected: &Array) -> Result<(), String> {
    let (found, expected) = (found.to_vec::<T>(), expected.to_vec::<T>());
    let wrong = found.iter().zip(&expected).filter(|(a, b)| a != b).count();
    match found.iter().zip(&expected).position(|(a, b)| a != b) {
        None => Ok(()),
        Some(i) => Err(format!(
            "element {i} is {:?}, JAX has {:?} ({wrong} of {} differ)",
            found[i],
            expected[i],
            found.len()
        )),
    }
}

fn floats<T: Element>(x: &Array, wide: impl Fn(T) -> f64) -> Vec<(f64, f64)> {
    x.to_vec::<T>().into_iter().map(|v| (wide(v), 0.0)).collect()
}

fn pairs32(x: &Array) -> Vec<(f64, f64)> {
    x.to_vec::<Complex32>().into_iter().map(|z| (z.re as f64, z.im as f64)).collect()
}

fn pairs64(x: &Array) -> Vec<(f64, f64)> {
    x.to_vec::<Complex64>().into_iter().map(|z| (z.re, z.im)).collect()
}

/// Complex numbers are measured part by part, in the unit of their magnitude; signed zeros are told apart where no tolerance is given.
fn near(
    dtype: DType,
    found: &[(f64, f64)],
    expected: &[(f64, f64)],
    tolerance: &Tolerance,
    ulp: u32,
) -> Result<(), String> {
    let magnitude = |z: &(f64, f64)| z.0.abs().max(z.1.abs());
    let finite = expected.iter().map(magnitude).filter(|m| m.is_finite());
    let largest = if tolerance.largest { finite.fold(0.0, f64::max) } else { 0.0 };
    let mut worst: Option<(f64, usize)> = None;
    let mut wrong = 0;
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        let unit = unit_in_last_place(dtype, magnitude(b).max(largest));
        let part = |x: f64, y: f64| -> f64 {
            if x.is_nan() && y.is_nan() {
                return 0.0;
            }
            if x == y {
                let signs =
                    ulp == 0 && tolerance.floor == 0.0 && x.is_sign_negative() != y.is_sign_negative();
                return if signs { 0.5 } else { 0.0 };
            }
            let difference = (x - y).abs();
            if difference <= tolerance.floor { 0.0 } else { difference / unit }
        };
        let units = part(a.0, b.0).max(part(a.1, b.1));
        // A NaN on one side or an infinity gives NaN or infinite units.
        if units.is_nan() || units > ulp as f64 {
            wrong += 1;
            let units = if units.is_nan() { f64::INFINITY } else { units };
            if worst.is_none_or(|(w, _)| units > w) {
                worst = Some((units, i));
            }
        }
    }
    match worst {
        None => Ok(()),
        Some((units, i)) => Err(format!(
            "element {i} is {:?}, JAX has {:?}: {units:.1} ULP apart, allowed are {ulp} ({wrong} of {} are off)",
            found[i],
            expected[i],
            found.len()
        )),
    }
}

/// The distance from a number of that magnitude to the next larger one.
fn unit_in_last_place(dtype: DType, magnitude: f64) -> f64 {
    let (digits, least): (i32, i32) = match dtype {
        DType::F16 => (10, -14),
        DType::BF16 => (7, -126),
        DType::F32 | DType::C64 => (23, -126),
        _ => (52, -1022),
    };
    let exponent =
        if magnitude > 0.0 && magnitude.is_finite() { magnitude.log2().floor() as i32 } else { least };
    let exponent = if magnitude.is_infinite() { least } else { exponent.max(least) };
    2f64.powi(exponent - digits)
}
