//! Values on the host: literals, to and from arrays, and how near they are.

use half::{bf16, f16};
use jacinth_frontend::{Array, DType};
use jacinth_lowering::Literal;
use jacinth_lowering::element::{self, Scalar};
use num_complex::{Complex32, Complex64};

/// Whether tangents of that dtype exist.
pub(crate) fn inexact(dtype: DType) -> bool {
    dtype.is_float() || dtype.is_complex()
}

/// The distance from one to the next number.
pub(crate) fn unit(dtype: DType) -> f64 {
    let real = if dtype.is_complex() { dtype.real() } else { dtype };
    (1.0 - f64::from(element::significand_bits(real))).exp2()
}

macro_rules! by_dtype {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            DType::I1 => {
                type $T = bool;
                $body
            }
            DType::I8 => {
                type $T = i8;
                $body
            }
            DType::I16 => {
                type $T = i16;
                $body
            }
            DType::I32 => {
                type $T = i32;
                $body
            }
            DType::I64 => {
                type $T = i64;
                $body
            }
            DType::UI8 => {
                type $T = u8;
                $body
            }
            DType::UI16 => {
                type $T = u16;
                $body
            }
            DType::UI32 => {
                type $T = u32;
                $body
            }
            DType::UI64 => {
                type $T = u64;
                $body
            }
            DType::F16 => {
                type $T = f16;
                $body
            }
            DType::BF16 => {
                type $T = bf16;
                $body
            }
            DType::F32 => {
                type $T = f32;
                $body
            }
            DType::F64 => {
                type $T = f64;
                $body
            }
            DType::C64 => {
                type $T = Complex32;
                $body
            }
            DType::C128 => {
                type $T = Complex64;
                $body
            }
            other => panic!("the laws do not know {other}"),
        }
    };
}

/// The literal on the current backend.
pub(crate) fn upload(literal: &Literal) -> Array {
    let shape: Vec<usize> = literal.ty().shape.iter().map(|&d| d as usize).collect();
    by_dtype!(literal.ty().element, T => {
        Array::from_slice(&literal.to_vec::<T>().expect("that is its type"), shape)
    })
}

/// The array's values.
pub(crate) fn download(x: &Array) -> Literal {
    let shape = x.shape().iter().map(|&d| d as i64);
    by_dtype!(x.dtype(), T => Literal::new(shape, &x.to_vec::<T>()).expect("as many as the shape says"))
}

/// The elements.
pub(crate) fn scalars(x: &Literal) -> Vec<Scalar> {
    (0..x.len()).map(|i| element::read(x.ty().element, x.element(i))).collect()
}

/// The elements of floats or complex numbers.
pub(crate) fn numbers(x: &Literal) -> Vec<Complex64> {
    let number = |scalar| match scalar {
        Scalar::Int(i) => Complex64::new(i as f64, 0.0),
        Scalar::Float(v) => Complex64::new(v, 0.0),
        Scalar::Complex(z) => z,
    };
    scalars(x).into_iter().map(number).collect()
}

/// The same numbers in another dtype.
pub(crate) fn cast(x: &Literal, to: DType) -> Literal {
    let mut bytes = Vec::new();
    scalars(x).into_iter().for_each(|scalar| element::write(to, scalar, &mut bytes));
    Literal::from_bytes(jacinth_lowering::TensorType::new(x.ty().shape.iter().copied(), to), bytes)
        .expect("as many elements")
}

/// That numbers are equal, up to `tolerance` of the larger one and of the largest of all.
pub(crate) fn near(what: &str, a: &[Complex64], b: &[Complex64], tolerance: f64) -> Result<(), String> {
    if a.len() != b.len() {
        return Err(format!("{what}: {} elements against {}", a.len(), b.len()));
    }
    let finite = |z: &&Complex64| z.re.is_finite() && z.im.is_finite();
    let largest = a.iter().chain(b).filter(finite).map(|z| z.norm()).fold(1.0, f64::max);
    let close = |x: f64, y: f64| x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= tolerance * largest;
    match a.iter().zip(b).position(|(x, y)| !(close(x.re, y.re) && close(x.im, y.im))) {
        Some(i) => Err(format!("{what}: element {i} is {} against {}", a[i], b[i])),
        None => Ok(()),
    }
}

/// That literals are of one type and near each other, integers the same.
pub(crate) fn all_near(what: &str, a: &[Literal], b: &[Literal], tolerance: f64) -> Result<(), String> {
    if a.len() != b.len() {
        return Err(format!("{what}: {} results against {}", a.len(), b.len()));
    }
    for (k, (a, b)) in a.iter().zip(b).enumerate() {
        if a.ty() != b.ty() {
            return Err(format!("{what}: result {k} is {} against {}", a.ty(), b.ty()));
        }
        if inexact(a.ty().element) {
            near(&format!("{what}, result {k}"), &numbers(a), &numbers(b), tolerance)?;
        } else if let Some(i) = (0..a.len()).find(|&i| a.element(i) != b.element(i)) {
            let (a, b) = (&scalars(a)[i], &scalars(b)[i]);
            return Err(format!("{what}, result {k}: element {i} is {a:?} against {b:?}"));
        }
    }
    Ok(())
}
