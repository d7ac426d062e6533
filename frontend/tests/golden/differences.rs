//! Derivatives of the functions in the tables against differences, in double precision.
//!
//! The golden cotangents say that our gradients are JAX's; here they are the limits that they should be. Every case whose results
//! depend on floating point inputs is moved along one direction: its `jvp` must be the slope, and its `vjp` the adjoint of that. Real and complex
//! inputs are two tests. What cannot obey says why in its line, see [`Smooth`], and then must not obey.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jacinth_frontend::config::with_x64;
use jacinth_frontend::{Array, Backend, DType, jit, jvp, numpy, vjp, with_backend};
use libtest_mimic::Trial;
use num_complex::Complex64;

use crate::store::{Entry, Family};
use crate::table::{Case, Smooth};

/// How far slope and derivative may be apart, for numbers around one.
const TOLERANCE: f64 = 1e-6;
/// Small enough for the fifth derivative not to matter, and kinks to be far; large enough for roundings not to matter.
const STEP: f64 = 1.0 / 8192.0;

/// One test for each case and kind of numbers: `differences::jax.numpy.sin`.
pub(crate) fn tests(family: &Family, cases: &[Arc<Case>], embedded: &Backend) -> Vec<Trial> {
    let graded: BTreeSet<&str> =
        family.entries.iter().filter(|e| !e.grads.is_empty()).map(|e| function(e.case())).collect();
    // The first of each case and kind in order of preference.
    let mut chosen: BTreeMap<(&str, bool), &Arc<Entry>> = BTreeMap::new();
    for entry in &family.entries {
        // Where the golden file leaves cotangents out, another case of that function has them, or this one is checked here.
        let left_out = entry.grads.is_empty() && graded.contains(function(entry.case()));
        if left_out || places(entry).is_empty() || !entry.outs.iter().any(|o| inexact(o.dtype)) {
            continue;
        }
        let complex = entry.inputs.iter().any(|x| x.dtype.is_complex());
        let best = chosen.entry((entry.case(), complex)).or_insert(entry);
        if precision(entry) > precision(best) {
            *best = entry;
        }
    }
    let trial = |((name, complex), entry): ((&str, bool), &Arc<Entry>)| {
        let case = cases.iter().find(|c| c.name == name)?.clone();
        let both = complex
            && family
                .entries
                .iter()
                .any(|e| e.case() == name && !e.inputs.iter().any(|x| x.dtype.is_complex()));
        let suffix = if both { ":complex" } else { "" };
        let (entry, backend) = (entry.clone(), embedded.clone());
        let run = move || Ok(with_backend(&backend, || with_x64(true, || check(&entry, &case)))?);
        Some(Trial::test(format!("differences::{name}{suffix}"), run))
    };
    chosen.into_iter().filter_map(trial).collect()
}

fn function(case: &str) -> &str {
    case.split('/').next().expect("a name")
}

fn inexact(dtype: DType) -> bool {
    dtype.is_float() || dtype.is_complex()
}

/// The bytes of the first float, which tell the dtypes of one case apart; single precision stands for all.
fn precision(entry: &Entry) -> usize {
    let float = entry.inputs.iter().find(|x| inexact(x.dtype));
    match float.map(|x| x.dtype) {
        Some(DType::F32 | DType::C64) => usize::MAX,
        Some(dtype) => dtype.byte_width(),
        None => 0,
    }
}

/// The inputs with respect to which the case is differentiated.
fn places(entry: &Entry) -> Vec<usize> {
    if !entry.grads.is_empty() {
        return entry.grads.iter().map(|(i, _)| *i).collect();
    }
    (0..entry.inputs.len()).filter(|&i| inexact(entry.inputs[i].dtype)).collect()
}

fn check(entry: &Entry, case: &Case) -> Result<(), String> {
    if let Smooth::Refused(why) = &case.smooth {
        let asked = catch_unwind(AssertUnwindSafe(|| compare(entry, case)));
        return match asked {
            Ok(_) => Err(format!("the line says that there are no derivatives ({why}), but there are")),
            Err(_) => Ok(()),
        };
    }
    let outcome = compare(entry, case);
    let broken = |law: Result<(), String>, why: &str| match law {
        Ok(()) => Err(format!("the line says that a law does not hold ({why}), but it does")),
        Err(_) => Ok(()),
    };
    match &case.smooth {
        Smooth::Yes => outcome.limit.and(outcome.adjoint),
        Smooth::No(why) => outcome.adjoint.and(broken(outcome.limit, why)),
        Smooth::NotAdjoint(why) => outcome.limit.and(broken(outcome.adjoint, why)),
        Smooth::Refused(_) => unreachable!("asked before"),
        Smooth::Rounds => broken(outcome.limit, "it rounds").and(broken(outcome.adjoint, "it rounds")),
    }
}

/// What was found.
struct Outcome {
    /// Whether `jvp` is the limit of differences.
    limit: Result<(), String>,
    /// Whether `vjp` is the adjoint of `jvp`.
    adjoint: Result<(), String>,
}

fn compare(entry: &Entry, case: &Case) -> Outcome {
    let wide = |x: Array| match x.dtype() {
        dtype if dtype.is_complex() => x.astype(DType::C128),
        dtype if dtype.is_float() => x.astype(DType::F64),
        _ => x,
    };
    let inputs: Vec<Array> = entry.inputs.iter().map(|x| wide(x.upload())).collect();
    let places = places(entry);
    let at: Vec<Array> = places.iter().map(|&i| inputs[i].clone()).collect();
    let of = move |inputs: &Vec<Array>, at: &Vec<Array>| -> Vec<Array> {
        let mut full = inputs.clone();
        places.iter().zip(at).for_each(|(&i, x)| full[i] = x.clone());
        (case.run)(&full).into_iter().filter(|out| inexact(out.dtype())).collect()
    };
    let mut random = Numbers(7);
    let direction: Vec<Array> = at.iter().map(|x| random.like(x)).collect();
    let moved = |steps: f64| -> Vec<Array> {
        at.iter().zip(&direction).map(|(x, t)| x + t * (steps * STEP)).collect()
    };
    let value = jit(&of);
    let value = |steps: f64| -> Vec<Vec<Complex64>> {
        let at = moved(steps);
        let outs = if case.eager { of(&inputs, &at) } else { value(&inputs, &at) };
        outs.iter().map(numbers).collect()
    };
    let [far_below, below, above, far_above] = [-2.0, -1.0, 1.0, 2.0].map(value);
    let derivatives = |inputs: &Vec<Array>, at: &Vec<Array>, direction: &Vec<Array>| {
        let f = |at: &Vec<Array>| of(inputs, at);
        let (outs, pushed) = jvp(f, (at.clone(),), (direction.clone(),));
        let mut random = Numbers(11);
        let finite =
            |out: &Array, ct: Array| numpy::where_(numpy::isfinite(out), &ct, numpy::zeros_like(&ct));
        let cts: Vec<Array> = outs.iter().map(|out| finite(out, random.like(out))).collect();
        let (_, pull) = vjp(f, (at.clone(),));
        let (pulled,) = pull(cts.clone());
        (pushed, cts, pulled)
    };
    let (pushed, cts, pulled) = if case.eager {
        derivatives(&inputs, &at, &direction)
    } else {
        jit(derivatives)(&inputs, &at, &direction)
    };

    let mut compared = false;
    let limit = pushed.iter().map(numbers).enumerate().try_for_each(|(k, derivative)| {
        let slope = |i: usize| {
            let near = (above[k][i] - below[k][i]) * (8.0 / (12.0 * STEP));
            near - (far_above[k][i] - far_below[k][i]) * (1.0 / (12.0 * STEP))
        };
        let scale = derivative.iter().map(|z| z.norm()).fold(1.0, f64::max);
        // What is infinite or NaN has no slope.
        let finite: Vec<usize> =
            (0..derivative.len()).filter(|&i| above[k][i].is_finite() || below[k][i].is_finite()).collect();
        compared |= !finite.is_empty() || derivative.is_empty();
        let wrong = |i: &&usize| {
            let difference = (derivative[**i] - slope(**i)).norm();
            difference.is_nan() || difference > TOLERANCE * scale
        };
        match finite.iter().find(wrong) {
            Some(&i) => {
                let (jvp, slope) = (derivative[i], slope(i));
                Err(format!("element {i} of result {k}: the jvp is {jvp}, but the slope is {slope}"))
            }
            None => Ok(()),
        }
    });
    let limit = limit.and_then(|()| if compared { Ok(()) } else { Err("no result is finite".into()) });
    let (forward, forward_size) = product(&cts, &pushed);
    let (backward, backward_size) = product(&pulled, &direction);
    // Where the derivative is NaN, the law that it is a limit says so.
    let near = (forward.is_nan() && backward.is_nan())
        || (forward - backward).abs() <= 1e-9 * (1.0 + forward_size + backward_size);
    let adjoint = if near {
        Ok(())
    } else {
        Err(format!("⟨c, Jt⟩ is {forward}, but ⟨Jᵀc, t⟩ is {backward}"))
    };
    Outcome { limit, adjoint }
}

/// The real part of the sum of products, and the sum of their sizes.
fn product(a: &[Array], b: &[Array]) -> (f64, f64) {
    let pairs = a.iter().zip(b).flat_map(|(a, b)| numbers(a).into_iter().zip(numbers(b)));
    let pairs = pairs.filter(|(a, _)| *a != Complex64::ZERO);
    pairs.fold((0.0, 0.0), |(sum, size), (a, b)| (sum + (a * b).re, size + a.norm() * b.norm()))
}

fn numbers(x: &Array) -> Vec<Complex64> {
    x.astype(DType::C128).to_vec::<Complex64>()
}

/// Numbers that look random and are always the same.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// An array of that type with parts between -1 and 1.
    fn like(&mut self, x: &Array) -> Array {
        let mut part = |there: bool| if there { self.next() } else { 0.0 };
        let complex = x.dtype().is_complex();
        let values: Vec<Complex64> =
            (0..x.size()).map(|_| Complex64::new(part(true), part(complex))).collect();
        let array = Array::from_slice(&values, x.shape());
        if complex { array.astype(x.dtype()) } else { numpy::real(array).astype(x.dtype()) }
    }
}
