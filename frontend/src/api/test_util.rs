//! Checks of derivatives against differences of values: `check_grads`, `check_jvp`, `check_vjp`.
//!
//! A derivative along a random direction is compared with the central difference quotient in that direction; reverse mode
//! by the inner product of a random cotangent with it. Higher orders check the derivative's own derivative.

use super::function::{Function, Signature};
use super::linear::{jvp, vjp};
use super::tree;
use crate::error::{Error, Result};
use crate::ir::{Array, Aval, DType};
use crate::lax::{self, convert_element_type};
use crate::transform::has_tangent;

/// Which derivatives [`check_grads`] checks.
///
/// ```
/// # use jacinth_frontend::{Array, api::control::while_loop, test_util::{Mode, Tolerance, check_grads_with}};
/// let f = |x: &Array| while_loop(|x: Array| x.lt(9.0), |x| x * 2.0, x.clone());
/// check_grads_with(f, (Array::from(1.5),), 1, &[Mode::Fwd], Tolerance::default()); // it has no reverse mode
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Forward mode, by `jvp`.
    Fwd,
    /// Reverse mode, by `vjp`.
    Rev,
}

/// How close derivatives must be, and how large the step of the difference quotient is; `None` follows the widest dtype, as in JAX.
///
/// ```
/// # use jacinth_frontend::{Array, test_util::{Tolerance, check_jvp}};
/// let fine = Tolerance { eps: Some(1e-2), ..Tolerance::default() };
/// check_jvp(|x: &Array| x.tanh(), (Array::from([0.1f32, 0.2]),), fine);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tolerance {
    /// Absolute tolerance.
    pub atol: Option<f64>,
    /// Relative tolerance.
    pub rtol: Option<f64>,
    /// Step of the difference quotient.
    pub eps: Option<f64>,
}

/// Checks derivatives of `f` at `args` in forward and reverse mode, up to that order, against differences of values.
///
/// ```
/// # use jacinth_frontend::{Array, test_util::check_grads};
/// check_grads(|x: &Array, y: &Array| (x * y).sin(), (Array::from(0.5), Array::from([1.0f32, 2.0])), 2);
/// ```
///
/// # Panics
/// Where a derivative and the differences are not close; the message names the mode, the order and the leaf.
#[track_caller]
pub fn check_grads<S: Signature, F: Function<S>>(f: F, args: S::Trees, order: usize) {
    check_grads_with(f, args, order, &[Mode::Fwd, Mode::Rev], Tolerance::default());
}

/// [`check_grads`] in these modes, with these tolerances.
///
/// ```
/// # use jacinth_frontend::{Array, test_util::{Mode, Tolerance, check_grads_with}};
/// let tight = Tolerance { atol: Some(1e-2), rtol: Some(1e-2), eps: None };
/// check_grads_with(|x: &Array| x.exp(), (Array::from(0.5),), 3, &[Mode::Fwd, Mode::Rev], tight);
/// ```
///
/// # Panics
/// As [`check_grads`].
#[track_caller]
pub fn check_grads_with<S: Signature, F: Function<S>>(
    f: F,
    args: S::Trees,
    order: usize,
    modes: &[Mode],
    tolerance: Tolerance,
) {
    let flat = f.into_flat();
    let (leaves, def) = tree::flatten(&args);
    let call = |leaves: &Vec<Array>| -> Vec<Array> {
        match flat.call(leaves.iter().cloned().collect(), &def) {
            Ok((outs, _)) => outs,
            Err(error) => error.raise(),
        }
    };
    check_order(&call, &leaves, order, modes, tolerance, "");
}

/// Checks that `jvp` of `f` at `args` is the limit of difference quotients.
///
/// ```
/// # use jacinth_frontend::{Array, test_util::{Tolerance, check_jvp}};
/// check_jvp(|x: &Array| x.cumprod(0), (Array::from([0.5f32, 1.5, 2.0]),), Tolerance::default());
/// ```
///
/// # Panics
/// As [`check_grads`].
#[track_caller]
pub fn check_jvp<S: Signature, F: Function<S>>(f: F, args: S::Trees, tolerance: Tolerance) {
    check_grads_with(f, args, 1, &[Mode::Fwd], tolerance);
}

/// Checks that `vjp` of `f` at `args` is the adjoint of the limit of difference quotients.
///
/// ```
/// # use jacinth_frontend::{Array, test_util::{Tolerance, check_vjp}};
/// check_vjp(|x: &Array| x.sort(0), (Array::from([3.0f32, 1.0, 2.0]),), Tolerance::default());
/// ```
///
/// # Panics
/// As [`check_grads`].
#[track_caller]
pub fn check_vjp<S: Signature, F: Function<S>>(f: F, args: S::Trees, tolerance: Tolerance) {
    check_grads_with(f, args, 1, &[Mode::Rev], tolerance);
}

type Flat<'a> = dyn Fn(&Vec<Array>) -> Vec<Array> + Send + Sync + 'a;

/// Checks first derivatives, then the derivative's own.
#[track_caller]
fn check_order(f: &Flat<'_>, args: &[Array], order: usize, modes: &[Mode], tolerance: Tolerance, of: &str) {
    if order == 0 {
        return;
    }
    let mut random = Random(order as u64 + 1);
    let args = args.to_vec();
    let tangents: Vec<Array> = args.iter().map(|x| random.like(x.aval())).collect();
    let outs = f(&args);
    let cotangents: Vec<Array> = outs.iter().map(|x| random.like(x.aval())).collect();
    let widest = args.iter().chain(&outs).filter(|x| has_tangent(x.aval())).map(|x| precision(x.dtype()));
    let bits = widest.min().unwrap_or(52);
    let default = |wide: f64, single: f64, half: f64| match bits {
        52 => wide,
        23 => single,
        _ => half,
    };
    let eps = tolerance.eps.unwrap_or(default(1e-4, 5e-3, 0.05));
    let atol = tolerance.atol.unwrap_or(default(1e-5, 2e-2, 0.2));
    let rtol = tolerance.rtol.unwrap_or(default(1e-5, 2e-2, 0.2));
    let moved = |step: f64| -> Vec<Array> {
        let step_of = |(x, t): (&Array, &Array)| {
            if has_tangent(x.aval()) {
                lax::add(x, &lax::mul(t, &lax::scalar_like(t, step)))
            } else {
                x.clone()
            }
        };
        f(&args.iter().zip(&tangents).map(step_of).collect())
    };
    let (above, below) = (moved(0.5 * eps), moved(-0.5 * eps));
    let slopes: Vec<Vec<f64>> = above
        .iter()
        .zip(&below)
        .map(|(a, b)| numbers(a).iter().zip(numbers(b)).map(|(a, b)| (a - b) / eps).collect())
        .collect();
    let fail = |what: String| -> ! { Error::argument(format!("check_grads{of}: {what}")).raise() };
    let near = |a: f64, b: f64, scale: f64| (a - b).abs() <= atol * scale.max(1.0) + rtol * b.abs();
    for mode in modes {
        match mode {
            Mode::Fwd => {
                let (_, pushed) = jvp(|x: &Vec<Array>| f(x), (args.clone(),), (tangents.clone(),));
                for (leaf, (pushed, slope)) in pushed.iter().zip(&slopes).enumerate() {
                    if !has_tangent(pushed.aval()) {
                        continue;
                    }
                    for (i, (a, b)) in numbers(pushed).iter().zip(slope).enumerate() {
                        if !near(*a, *b, 1.0) {
                            fail(format!(
                                "forward mode of order {order}: element {i} of result {leaf} is {a}, but differences give {b}"
                            ));
                        }
                    }
                }
                if order > 1 {
                    let n = args.len();
                    let next = |x: &Vec<Array>| {
                        let (primals, tangents) = x.split_at(n);
                        let (out, tangent) =
                            jvp(|x: &Vec<Array>| f(x), (primals.to_vec(),), (tangents.to_vec(),));
                        smooth(out.into_iter().chain(tangent))
                    };
                    let all: Vec<Array> = args.iter().chain(&tangents).cloned().collect();
                    check_order(&next, &all, order - 1, modes, tolerance, &format!("{of} of jvp"));
                }
            }
            Mode::Rev => {
                let (_, pull) = vjp(|x: &Vec<Array>| f(x), (args.clone(),));
                let (pulled,) = pull(cotangents.clone());
                let (mut left, mut right, mut scale) = (0.0, 0.0, 0.0);
                for (ct, slope) in cotangents.iter().zip(&slopes).filter(|(ct, _)| has_tangent(ct.aval())) {
                    for (c, s) in real_pairs(ct).iter().zip(slope) {
                        right += c * s;
                        scale += (c * s).abs();
                    }
                }
                for (p, t) in pulled.iter().zip(&tangents).filter(|(p, _)| has_tangent(p.aval())) {
                    for (p, t) in real_pairs(p).iter().zip(numbers(t)) {
                        left += p * t;
                    }
                }
                if !near(left, right, scale) {
                    fail(format!(
                        "reverse mode of order {order}: the cotangents' product with the tangents is {left}, but differences give {right}"
                    ));
                }
                if order > 1 {
                    let (n, given) = (args.len(), &cotangents);
                    let next = |x: &Vec<Array>| {
                        let (primals, cts) = x.split_at(n);
                        let (out, pull) = vjp(|x: &Vec<Array>| f(x), (primals.to_vec(),));
                        let mut cts = cts.iter().cloned();
                        // Cotangents of integers are no arguments.
                        let cts =
                            given.iter().map(|ct| if has_tangent(ct.aval()) { cts.next() } else { None });
                        let cts =
                            cts.zip(given).map(|(ct, zero)| ct.unwrap_or_else(|| zero.clone())).collect();
                        smooth(out.into_iter().chain(pull(cts).0))
                    };
                    let all: Vec<Array> =
                        args.iter().cloned().chain(smooth(cotangents.iter().cloned())).collect();
                    check_order(&next, &all, order - 1, modes, tolerance, &format!("{of} of vjp"));
                }
            }
        }
    }
}

/// The arrays that have tangents.
fn smooth(arrays: impl Iterator<Item = Array>) -> Vec<Array> {
    arrays.filter(|x| has_tangent(x.aval())).collect()
}

/// Bits of the mantissa.
fn precision(dtype: DType) -> u32 {
    match dtype {
        DType::F64 | DType::C128 => 52,
        DType::F32 | DType::C64 => 23,
        _ => 10,
    }
}

/// The elements as doubles; of complex ones real and imaginary part in turn.
fn numbers(x: &Array) -> Vec<f64> {
    if x.dtype().is_complex() {
        let (re, im) = (numbers(&lax::real(x)), numbers(&lax::imag(x)));
        return re.into_iter().zip(im).flat_map(|(re, im)| [re, im]).collect();
    }
    if x.dtype() == DType::F64 {
        return x.to_vec::<f64>();
    }
    convert_element_type(x, DType::F32).to_vec::<f32>().into_iter().map(f64::from).collect()
}

/// The numbers by which those of a tangent are multiplied: a cotangent is linear in it over the complex numbers, and its real part counts.
fn real_pairs(x: &Array) -> Vec<f64> {
    let complex = x.dtype().is_complex();
    numbers(x).into_iter().enumerate().map(|(i, v)| if complex && i % 2 == 1 { -v } else { v }).collect()
}

/// Numbers that look random and are always the same.
struct Random(u64);

impl Random {
    /// An array of that type with elements between -1 and 1; zeros where the type has no tangents.
    fn like(&mut self, aval: &Aval) -> Array {
        if !has_tangent(aval) {
            return lax::zeros_like(aval);
        }
        let real = |random: &mut Random| {
            let values: Vec<f32> = (0..aval.size()).map(|_| random.next()).collect();
            let values = Array::from_slice(&values, &aval.shape[..]);
            convert_element_type(&values, aval.dtype.real())
        };
        if !aval.dtype.is_complex() {
            return real(self);
        }
        let (re, im) = (real(self), real(self));
        lax::complex(&re, &im)
    }

    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0) as f32
    }
}

/// [`check_grads`] as a result instead of a panic.
///
/// ```
/// # use jacinth_frontend::{Array, custom_jvp, test_util::try_check_grads};
/// let wrong = custom_jvp(|x: &Array| x.sin()).defjvp(|(x,), (t,)| (x.sin(), t * x.sin()));
/// let error = try_check_grads(wrong, (Array::from(0.5),), 1).unwrap_err();
/// assert!(error.to_string().starts_with("check_grads: forward mode of order 1: element 0 of result 0"));
/// ```
///
/// # Errors
/// Where a derivative and the differences are not close.
pub fn try_check_grads<S: Signature, F: Function<S>>(f: F, args: S::Trees, order: usize) -> Result<()> {
    crate::error::boundary(|| check_grads(f, args, order))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::control::{cond, fori_loop, scan, while_loop};
    use crate::{checkpoint, custom_jvp, custom_vjp, jit, numpy as jnp, vmap};

    fn matrix() -> Array {
        Array::from([[0.3, -0.7], [1.1, 0.4]])
    }

    #[test]
    fn right_derivatives_pass() {
        check_grads(|x: &Array, y: &Array| jnp::sin(jnp::dot(x, y)).sum(), (matrix(), matrix()), 2);
        check_grads(|x: &Array| (jnp::tanh(x), vec![x * x]), (matrix(),), 3);
        // Integers stand by.
        check_grads(|x: &Array, n: &Array| (x * n.astype(DType::F32), n + 1), (matrix(), Array::from(3)), 2);
        let z = lax::complex(&matrix(), &jnp::cos(matrix()));
        check_grads(|z: &Array| z * z, (z.clone(),), 2);
        check_grads(|z: &Array| lax::abs(z), (z,), 1);
    }

    #[test]
    fn wrong_derivatives_are_found() {
        let wrong =
            custom_jvp(|x: &Array| jnp::sin(x)).defjvp(|(x,), (t,)| (jnp::sin(&x), 2.0 * jnp::cos(&x) * t));
        let error = try_check_grads(&wrong, (matrix(),), 1).unwrap_err().to_string();
        assert!(error.starts_with("check_grads: forward mode of order 1: element"), "{error}");
        let wrong = custom_vjp(|x: &Array| jnp::sin(x))
            .defvjp(|(x,)| (jnp::sin(&x), x), |x, ct| (2.0 * jnp::cos(x) * ct,));
        let error =
            crate::error::boundary(|| check_vjp(&wrong, (matrix(),), Tolerance::default())).unwrap_err();
        assert!(error.to_string().starts_with("check_grads: reverse mode of order 1"), "{error}");
        // Right at first order, wrong at the second.
        let wrong = custom_jvp(|x: &Array| jnp::sin(x))
            .defjvp(|(x,), (t,)| (jnp::sin(&x), lax::stop_gradient(&jnp::cos(&x)) * t));
        check_grads(&wrong, (matrix(),), 1);
        let error = try_check_grads(&wrong, (matrix(),), 2).unwrap_err().to_string();
        assert!(error.starts_with("check_grads of jvp: "), "{error}");
    }

    #[test]
    fn higher_orders_through_control_flow_with_custom_rules() {
        fn softplus(x: &Array) -> Array {
            custom_jvp(|x: &Array| jnp::log1p(jnp::exp(x)))
                .defjvp(|(x,), (t,)| (softplus(&x), t / (1.0 + jnp::exp(-&x))))(x)
        }
        let x = Array::from(0.4);
        check_grads(softplus, (x.clone(),), 3);
        check_grads(|x: &Array| fori_loop(0, 3, |_, x| softplus(&x), x.clone()), (x.clone(),), 3);
        let summed =
            |x: &Array, xs: &Array| scan(|c: Array, y: Array| (softplus(&(&c * &y)), c), x.clone(), xs);
        check_grads(summed, (x.clone(), Array::from([0.5, -1.0, 0.3])), 2);
        let branches =
            |x: &Array| cond(x.gt(0.0), |x: Array| softplus(&x), |x: Array| x.clone() * x, x.clone());
        check_grads(branches, (x.clone(),), 3);
        check_grads(vmap(branches), (Array::from([0.7, -0.6]),), 2);
        let looped = |x: &Array| {
            let step = |(i, x): (Array, Array)| (i + 1, softplus(&x));
            while_loop(|(i, _): (Array, Array)| i.lt(3), step, (Array::from(0), x.clone())).1
        };
        check_grads_with(looped, (x.clone(),), 3, &[Mode::Fwd], Tolerance::default());
        check_grads(checkpoint(jit(|x: &Array| fori_loop(0, 2, |_, x| softplus(&x), jnp::sin(x)))), (x,), 3);
    }
}
