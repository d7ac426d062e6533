//! Kernels against one naive oracle each, at every level and at every length around a vector.

use jacinth_lowering::ElementType;
use jacinth_lowering::eval::scalar_float;
use jacinth_lowering::ops::elementwise::{Binary, Direction, Unary};

use super::*;

/// Floats of every kind: special, subnormal, around every power of two and the borders of range reductions.
fn samples() -> Vec<f32> {
    let mut out = vec![0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1.0, -1.0, 0.5, 2.0, 3.0, -3.0];
    out.extend([
        f32::MIN_POSITIVE,
        f32::MAX,
        f32::MIN,
        1e-45,
        -1e-45,
        1e-39,
        88.7,
        88.8,
        -87.4,
        -103.9,
        -104.1,
    ]);
    out.extend([
        1e6,
        1.1e6,
        1e10,
        1e30,
        -1e20,
        std::f32::consts::FRAC_PI_4,
        std::f32::consts::FRAC_PI_2,
        std::f32::consts::PI,
        16_777_216.0,
        8_388_609.0,
    ]);
    let mut bits = 0x9e37_79b9u32;
    for _ in 0..40_000 {
        bits = bits.wrapping_mul(0x85eb_ca6b).wrapping_add(0x2545_f491);
        out.push(f32::from_bits(bits));
        // And many of ordinary size.
        out.push((bits as f32 / 4e9 - 0.5) * 30.0);
    }
    out
}

fn ulps(got: f32, want: f64) -> f64 {
    let rounded = want as f32;
    if got.is_nan() && rounded.is_nan() || got == rounded {
        return 0.0;
    }
    let key = |x: f32| {
        let bits = x.to_bits() as i32;
        i64::from(if bits < 0 { i32::MIN - bits } else { bits })
    };
    if got.is_nan() || rounded.is_nan() { f64::INFINITY } else { (key(got) - key(rounded)).abs() as f64 }
}

fn run_unary(f: TileFn, x: &[f32]) -> Vec<f32> {
    let mut out = vec![0f32; x.len()];
    let a = x.as_ptr().cast();
    // SAFETY: both arrays have that many elements.
    unsafe { f(out.as_mut_ptr().cast(), a, a, a, x.len()) };
    out
}

/// The inverse of erf where, as in XLA, the square of the argument was rounded to `f32`: near one that moves the result by many
/// units in the last place.
fn erf_inv(x: f64) -> f64 {
    if x.abs() < 1e-3 {
        return scalar_float(Unary::ErfInv, x);
    }
    let square = x as f32 * x as f32;
    scalar_float(Unary::ErfInv, f64::from(square).sqrt()).copysign(x)
}

#[test]
fn functions_of_f32_agree_with_f64() {
    type Oracle = fn(f64) -> f64;
    let table: &[(Unary, Oracle, f64)] = &[
        (Unary::Exponential, f64::exp, 2.0),
        (Unary::ExponentialMinusOne, f64::exp_m1, 3.0),
        (Unary::Log, f64::ln, 2.0),
        (Unary::LogPlusOne, f64::ln_1p, 3.0),
        (Unary::Sine, f64::sin, 2.0),
        (Unary::Cosine, f64::cos, 2.0),
        (Unary::Tan, f64::tan, 3.0),
        (Unary::Tanh, f64::tanh, 3.0),
        (Unary::Logistic, |x| 1.0 / (1.0 + (-x).exp()), 3.0),
        (Unary::Atan, f64::atan, 1.0),
        (Unary::Asin, f64::asin, 1.0),
        (Unary::Acos, f64::acos, 1.0),
        (Unary::Asinh, |x| scalar_float(Unary::Asinh, x), 1.0),
        (Unary::Acosh, |x| scalar_float(Unary::Acosh, x), 1.0),
        (Unary::Atanh, |x| scalar_float(Unary::Atanh, x), 1.0),
        (Unary::Erf, |x| scalar_float(Unary::Erf, x), 1.0),
        (Unary::Erfc, |x| scalar_float(Unary::Erfc, x), 1.0),
        (Unary::ErfInv, erf_inv, 6.0),
        (Unary::Lgamma, |x| scalar_float(Unary::Lgamma, x), 0.0),
        (Unary::Digamma, |x| scalar_float(Unary::Digamma, x), 0.0),
        // XLA's definition rounds the argument: half of a unit for each of up to 128 halvings.
        (Unary::Cosh, f64::cosh, 72.0),
        (Unary::Sinh, f64::sinh, 72.0),
        (Unary::Sqrt, f64::sqrt, 0.0),
        (Unary::Rsqrt, |x| 1.0 / x.sqrt(), 2.0),
        (Unary::Cbrt, f64::cbrt, 1.0),
        (Unary::Floor, f64::floor, 0.0),
        (Unary::Ceil, f64::ceil, 0.0),
        (Unary::RoundNearestEven, f64::round_ties_even, 0.0),
        (Unary::RoundNearestAfz, f64::round, 0.0),
        (Unary::Abs, f64::abs, 0.0),
        (Unary::Negate, |x| -x, 0.0),
    ];
    let x = samples();
    for level in Level::available() {
        for &(op, oracle, tolerance) in table {
            let got = run_unary(unary(op, ElementType::F32, level).unwrap(), &x);
            for (&x, &y) in x.iter().zip(&got) {
                let want = oracle(f64::from(x));
                let error = ulps(y, want);
                assert!(
                    error <= tolerance,
                    "{op:?}({x:e}) at {level:?} is {y:e}, should be {want:e}: {error} ulp"
                );
            }
        }
    }
}

#[test]
fn binary_functions_of_f32() {
    type Oracle = fn(f64, f64) -> f64;
    let table: &[(Binary, Oracle, f64)] = &[
        (Binary::Power, f64::powf, 1.0),
        (Binary::Atan2, f64::atan2, 1.0),
        (Binary::Divide, |x, y| x / y, 0.0),
        (Binary::Remainder, |x, y| x % y, 0.0),
        (Binary::Maximum, |x, y| if x.is_nan() || y.is_nan() { f64::NAN } else { x.max(y) }, 0.0),
    ];
    let x = samples();
    let mut y = x.clone();
    y.rotate_left(17);
    // All pairs of the special values too.
    let (mut x, mut y) = (x, y);
    for i in 0..31 {
        for j in 0..31 {
            let (a, b) = (x[i], x[j]);
            x.push(a);
            y.push(b);
        }
    }
    for level in Level::available() {
        for &(op, oracle, tolerance) in table {
            let f = binary(op, ElementType::F32, Scalar::None, level).unwrap();
            let mut out = vec![0f32; x.len()];
            // SAFETY: all arrays have that many elements.
            unsafe {
                f(out.as_mut_ptr().cast(), x.as_ptr().cast(), y.as_ptr().cast(), x.as_ptr().cast(), x.len())
            };
            for i in 0..x.len() {
                let want = oracle(f64::from(x[i]), f64::from(y[i]));
                let error = ulps(out[i], want);
                assert!(
                    error <= tolerance,
                    "{op:?}({:e}, {:e}) at {level:?} is {:e}, should be {want:e}: {error} ulp",
                    x[i],
                    y[i],
                    out[i]
                );
            }
        }
    }
}

#[test]
fn every_length_and_every_scalar_form() {
    let (a, b): (Vec<f32>, Vec<f32>) = (0..65).map(|i| (i as f32 * 0.5 - 8.0, 3.0 - i as f32)).unzip();
    for level in Level::available() {
        for n in 0..=65 {
            for scalar in [Scalar::None, Scalar::First, Scalar::Second] {
                let f = binary(Binary::Subtract, ElementType::F32, scalar, level).unwrap();
                let less = compare(Direction::Lt, false, ElementType::F32, scalar, level).unwrap();
                let mut out = vec![f32::NAN; 66];
                let mut bytes = vec![9u8; 66];
                // SAFETY: all arrays have more than `n` elements.
                unsafe {
                    f(out.as_mut_ptr().cast(), a.as_ptr().cast(), b.as_ptr().cast(), a.as_ptr().cast(), n);
                    less(bytes.as_mut_ptr(), a.as_ptr().cast(), b.as_ptr().cast(), a.as_ptr().cast(), n);
                }
                for i in 0..n {
                    let x = if scalar == Scalar::First { a[0] } else { a[i] };
                    let y = if scalar == Scalar::Second { b[0] } else { b[i] };
                    assert_eq!(out[i], x - y);
                    assert_eq!(bytes[i], u8::from(x < y));
                }
                assert!(out[n].is_nan() && bytes[n] == 9, "wrote past the end");
            }
            let fold = fold_rows(Fold::Add, ElementType::F32, level).unwrap();
            // One row, or rows of three elements.
            for (rows, columns) in [(1, n), (n / 3, 3)] {
                let mut totals = vec![10f32; rows + 1];
                // SAFETY: `a` has more than `n` elements, and each row has an accumulator.
                unsafe {
                    let (to, from, columns) =
                        (totals.as_mut_ptr(), a.as_ptr().cast(), (&raw const columns).cast());
                    fold(to.cast(), from, columns, columns, rows)
                };
                for (row, total) in totals[..rows].iter().enumerate() {
                    assert_eq!(*total, 10.0 + a[row * columns..(row + 1) * columns].iter().sum::<f32>());
                }
                assert_eq!(totals[rows], 10.0, "wrote past the end");
            }
        }
    }
}

#[test]
fn odd_functions_keep_the_sign_of_zero() {
    use Unary::*;
    for level in Level::available() {
        for op in [Sine, Tan, Tanh, Sinh, Asin, Atan, Erf, ExponentialMinusOne, LogPlusOne] {
            let kernel = |ty| unary(op, ty, level).unwrap();
            let (x, mut y) = (-0f32, 1f32);
            // SAFETY: one element each.
            unsafe {
                let x = (&raw const x).cast();
                kernel(ElementType::F32)((&raw mut y).cast(), x, x, x, 1)
            };
            assert_eq!(y.to_bits(), x.to_bits(), "{op:?} at {level:?}");
            for ty in [ElementType::F16, ElementType::BF16] {
                let (x, mut y) = (0x8000u16, 1u16);
                // SAFETY: one element each.
                unsafe {
                    let x = (&raw const x).cast();
                    kernel(ty)((&raw mut y).cast(), x, x, x, 1)
                };
                assert_eq!(y, x, "{op:?} of {ty:?} at {level:?}");
            }
        }
    }
}

#[test]
fn integers_follow_the_specification() {
    let run = |op: Binary, x: i32, y: i32| {
        let mut out = 0i32;
        let f = binary(op, ElementType::I32, Scalar::None, Level::detect()).unwrap();
        let (x, y) = (&raw const x, &raw const y);
        // SAFETY: one element each.
        unsafe { f((&raw mut out).cast(), x.cast(), y.cast(), x.cast(), 1) };
        out
    };
    assert_eq!(run(Binary::Divide, 7, 0), -1);
    assert_eq!(run(Binary::Divide, i32::MIN, -1), i32::MIN);
    assert_eq!(run(Binary::Divide, -7, 2), -3);
    assert_eq!(run(Binary::Remainder, 7, 0), 7);
    assert_eq!(run(Binary::Remainder, i32::MIN, -1), 0);
    assert_eq!(run(Binary::ShiftLeft, 1, 32), 0);
    assert_eq!(run(Binary::ShiftLeft, 1, -1), 0);
    assert_eq!(run(Binary::ShiftRightArithmetic, -8, 40), -1);
    assert_eq!(run(Binary::ShiftRightLogical, -1, 31), 1);
    assert_eq!(run(Binary::Power, 3, 4), 81);
    assert_eq!(run(Binary::Power, -1, -3), -1);
    assert_eq!(run(Binary::Power, 2, -1), 0);
    assert_eq!(run(Binary::Add, i32::MAX, 1), i32::MIN);
}

#[test]
fn conversions_saturate_and_round() {
    let f = convert(ElementType::F32, ElementType::I32, Level::detect()).unwrap();
    let x = [1.9f32, -1.9, f32::NAN, 3e9, -3e9, f32::INFINITY];
    let mut out = [0i32; 6];
    // SAFETY: six elements each.
    unsafe { f(out.as_mut_ptr().cast(), x.as_ptr().cast(), x.as_ptr().cast(), x.as_ptr().cast(), 6) };
    assert_eq!(out, [1, -1, 0, i32::MAX, i32::MIN, i32::MAX]);
    let f = convert(ElementType::F64, ElementType::BF16, Level::detect()).unwrap();
    // Just above the middle of two neighbours, by less than f32 can tell.
    let x = [1.0 + 2f64.powi(-8) + 2f64.powi(-40), 1.0 + 2f64.powi(-8)];
    let mut out = [::half::bf16::ZERO; 2];
    // SAFETY: two elements each.
    unsafe { f(out.as_mut_ptr().cast(), x.as_ptr().cast(), x.as_ptr().cast(), x.as_ptr().cast(), 2) };
    assert_eq!(out.map(::half::bf16::to_f32), [1.0078125, 1.0]);
}
