//! jvp ≈ difference quotient, ⟨Jt, c⟩ = ⟨t, Jᵀc⟩, and the same in all dtypes.

use jacinth_frontend::ir::DType;
use jacinth_frontend::{jvp, vjp};
use jacinth_lowering::{Literal, TensorType, element};
use num_complex::Complex64;

use crate::variants::Variant;
use crate::{Arrays, Program, Results, apply, host, reference};

/// How far operands are moved along their tangents.
const STEP: f64 = 1.0 / 8192.0;
/// What central differences with that step tell.
const TOLERANCE: f64 = 1e-5;

// What is computed: the first alone where nothing is smooth, the first four where differences do not show derivatives.
const VALUE: usize = 0;
const AGAIN: usize = 1;
const PUSHED: usize = 2;
const PULLED: usize = 3;
/// How tangents and cotangents change when the operands move.
const PUSHED_MOVED: usize = 4;
const PULLED_MOVED: usize = 5;
/// Values, tangents and cotangents a step above, and then those a step below.
const ABOVE: usize = 6;
const BELOW: usize = 9;

/// The laws for one sample's variants.
pub(crate) fn check(family: &[Variant]) -> Result<(), String> {
    let program = program(family);
    let all = program.run()?;
    reference::check(&program, &all, family)?;
    for (i, (variant, results)) in family.iter().zip(&all).enumerate() {
        if results.len() == 1 {
            continue;
        }
        let called = |what: &str| format!("{}, {what}", variant.name);
        host::all_near(
            &called("value under jvp and vjp"),
            &smooth(&results[VALUE]),
            &results[AGAIN],
            variant.units(8.0),
        )?;
        let inputs = &program.inputs[i][variant.args.len()..];
        let (tangents, cotangents) = inputs.split_at(variant.smooth.len());
        let (forward, backward) =
            (product(cotangents, &results[PUSHED]), product(&results[PULLED], tangents));
        let size = 1.0 + forward.1.max(backward.1);
        let difference = (forward.0 - backward.0).abs();
        if difference.is_nan() || difference > variant.units(16.0) * size {
            return Err(called(&format!("⟨c, Jt⟩ is {}, but ⟨Jᵀc, t⟩ is {}", forward.0, backward.0)));
        }
        if variant.is_double() {
            let names = ["jvp", "jvp of the jvp", "jvp of the vjp"];
            for (k, what) in names.into_iter().enumerate().take(if variant.twice { 3 } else { 1 }) {
                let found = &results[[PUSHED, PUSHED_MOVED, PULLED_MOVED][k]];
                differences(&called(what), found, &results[ABOVE + k], &results[BELOW + k])?;
            }
        } else if !variant.takes_double() {
            let twin = family.iter().position(|other| other.takes_double() && other.is_like(variant));
            let twin = twin.ok_or_else(|| {
                called("there is no double precision, in which differences show derivatives")
            })?;
            for (piece, what) in [(VALUE, "value"), (PUSHED, "jvp"), (PULLED, "vjp")] {
                let wide = |x: &[Literal]| -> Vec<Literal> { smooth(x).iter().map(widened).collect() };
                let (found, expected) = (wide(&results[piece]), wide(&all[twin][piece]));
                let what = called(&format!("{what} and in double precision"));
                // Roundings of factorisations add up.
                let units = if variant.units(1.0) < 1e-6 { 64.0 } else { 16.0 };
                host::all_near(&what, &found, &expected, variant.units(units))?;
            }
        }
    }
    Ok(())
}

/// Slopes and derivatives.
fn differences(
    what: &str,
    derivative: &[Literal],
    above: &[Literal],
    below: &[Literal],
) -> Result<(), String> {
    for ((found, above), below) in derivative.iter().zip(above).zip(below) {
        let (above, below) = (host::numbers(above), host::numbers(below));
        let slope: Vec<Complex64> = above.iter().zip(&below).map(|(a, b)| (a - b) / (2.0 * STEP)).collect();
        host::near(&format!("{what} and slope"), &host::numbers(found), &slope, TOLERANCE)?;
    }
    Ok(())
}

/// Tangents and cotangents alone, for a plugin that must give those of another.
pub(crate) fn results(family: &[Variant]) -> Results {
    Program::new(family, inputs, |variant, inputs| compute(variant, inputs, false)).run()
}

fn program(family: &[Variant]) -> Program<'_> {
    Program::new(family, inputs, |variant, inputs| compute(variant, inputs, true))
}

/// Operands, tangents of the smooth ones, cotangents of the smooth results.
fn inputs(variant: &Variant) -> Vec<Literal> {
    let tangents = variant.smooth.iter().map(|&i| variant.args[i].ty().clone());
    let smooth = variant.outs.iter().filter(|o| host::inexact(o.dtype) && !variant.smooth.is_empty());
    let cotangents = smooth.map(|o| TensorType::new(o.shape.iter().map(|&d| d as i64), o.dtype));
    let mut random = 7u64;
    let directions = tangents.chain(cotangents).map(|ty| direction(ty, &mut random));
    variant.args.iter().cloned().chain(directions).collect()
}

/// Numbers between -1 and 1 that look random, and that every dtype has.
fn direction(ty: TensorType, random: &mut u64) -> Literal {
    let mut next = || {
        *random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((*random >> 57) as f64 - 63.5) / 64.0
    };
    let mut bytes = Vec::new();
    for _ in 0..ty.num_elements().expect("operands have static shapes") {
        let number = if ty.element.is_complex() { Complex64::new(next(), next()) } else { next().into() };
        element::write(ty.element, element::Scalar::Complex(number), &mut bytes);
    }
    Literal::from_bytes(ty, bytes).expect("as many bytes as elements")
}

/// With all that the laws need, or tangents and cotangents alone.
fn compute(variant: &Variant, inputs: &Arrays, all: bool) -> Vec<Arrays> {
    let (args, directions) = inputs.split_at(variant.args.len());
    let value = if all { apply(&variant.prim, args) } else { Arrays::new() };
    let (tangents, cotangents) = directions.split_at(variant.smooth.len());
    if variant.smooth.is_empty() || cotangents.is_empty() {
        return vec![value];
    }
    let (tangents, cotangents) = (tangents.to_vec(), cotangents.to_vec());
    let at: Arrays = variant.smooth.iter().map(|&i| args[i].clone()).collect();
    let f = |at: &Arrays| -> Arrays {
        let mut all = args.to_vec();
        variant.smooth.iter().zip(at).for_each(|(&i, x)| all[i] = x.clone());
        apply(&variant.prim, &all).into_iter().filter(|out| host::inexact(out.dtype())).collect()
    };
    let push = |at: &Arrays| jvp(f, (at.clone(),), (tangents.clone(),)).1;
    let pull = |at: &Arrays| vjp(f, (at.clone(),)).1(cotangents.clone()).0;
    if !all {
        return vec![push(&at), pull(&at)];
    }
    let (again, pull_here) = vjp(f, (at.clone(),));
    let mut pieces = vec![value, again, push(&at), pull_here(cotangents.clone()).0];
    if variant.is_double() {
        let moved = |step: f64| -> Arrays { at.iter().zip(&tangents).map(|(x, t)| x + step * t).collect() };
        if variant.twice {
            pieces.push(jvp(push, (at.clone(),), (tangents.clone(),)).1);
            pieces.push(jvp(pull, (at.clone(),), (tangents.clone(),)).1);
            pieces.extend([STEP, -STEP].map(moved).iter().flat_map(|at| [f(at), push(at), pull(at)]));
        } else {
            let nothing = Arrays::new;
            let [above, below] = [STEP, -STEP].map(|step| f(&moved(step)));
            pieces.extend([nothing(), nothing(), above, nothing(), nothing(), below]);
        }
    }
    pieces
}

/// Those that are floating point or complex.
fn smooth(results: &[Literal]) -> Vec<Literal> {
    results.iter().filter(|x| host::inexact(x.ty().element)).cloned().collect()
}

fn widened(x: &Literal) -> Literal {
    host::cast(x, if x.ty().element.is_complex() { DType::C128 } else { DType::F64 })
}

/// The real part of the sum of products, and the sum of their sizes.
fn product(a: &[Literal], b: &[Literal]) -> (f64, f64) {
    let pairs = a.iter().zip(b).flat_map(|(a, b)| host::numbers(a).into_iter().zip(host::numbers(b)));
    pairs.fold((0.0, 0.0), |(sum, size), (a, b)| (sum + (a * b).re, size + a.norm() * b.norm()))
}
