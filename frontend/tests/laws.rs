//! The laws that every primitive's rules obey, generated from its samples and run on each CPU plugin that is there:
//! the jvp is the limit of differences, the transpose is the adjoint of the jvp, and mapping is a loop.
//!
//! Each sample is one compiled program whose results are compared on the host.

mod plugins;

use std::collections::BTreeMap;
use std::sync::Arc;

use jacinth_frontend::ir::{Aval, DType, Domain, Prim, Sample};
use jacinth_frontend::trace::bind;
use jacinth_frontend::tree::Axes;
use jacinth_frontend::{Array, Backend, jit, jvp, lax, vjp, vmap, with_backend};
use libtest_mimic::{Arguments, Failed, Trial};

type Arrays = Vec<Array>;

/// One test for each primitive and plugin: `cargo test --test laws -- embedded::sin`.
fn main() -> std::process::ExitCode {
    let mut groups: BTreeMap<&'static str, Vec<Sample>> = BTreeMap::new();
    for sample in lax::samples() {
        groups.entry(sample.prim.name()).or_default().push(sample);
    }
    let groups: Vec<(&str, Arc<[Sample]>)> = groups.into_iter().map(|(name, s)| (name, s.into())).collect();
    let mut tests = Vec::new();
    for (plugin, backend) in plugins::under_test() {
        for (name, samples) in &groups {
            let (backend, samples) = (backend.clone(), samples.clone());
            tests.push(Trial::test(format!("{plugin}::{name}"), move || run(&backend, &samples)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), tests).exit_code()
}

fn run(backend: &Backend, samples: &[Sample]) -> Result<(), Failed> {
    let laws: [(&str, fn(&Sample) -> Result<(), String>); 2] =
        [("derivatives", derivatives), ("mapping", mapping)];
    let check = |sample: &Sample| {
        let types: Vec<String> = sample.args.iter().map(|a| a.aval.to_string()).collect();
        laws.iter()
            .filter_map(|(law, check)| {
                let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(sample)));
                let outcome = outcome.unwrap_or_else(|panic| Err(text_of(&*panic)));
                outcome.err().map(|why| format!("{law} of {:?}({}): {why}", sample.prim, types.join(", ")))
            })
            .collect::<Vec<_>>()
    };
    let failures: Vec<String> = with_backend(backend, || samples.iter().flat_map(check).collect());
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n").into()) }
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without text").to_string()
}

fn apply(prim: &Prim, args: &[Array]) -> Arrays {
    bind(prim.clone(), args).into_iter().collect()
}

/// Whether tangents of that dtype exist.
fn smooth(dtype: DType) -> bool {
    dtype.is_float() || dtype.is_complex()
}

/// Numbers that look random and are always the same.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn array(&mut self, aval: &Aval, domain: &Domain, shift: usize) -> Array {
        let values: Vec<f64> = match domain {
            Domain::Range(low, high) => (0..aval.size()).map(|_| low + (high - low) * self.next()).collect(),
            Domain::Values(values) => (0..aval.size()).map(|i| values[(i + shift) % values.len()]).collect(),
        };
        from_numbers(&values, aval)
    }
}

/// An array of that type with these elements; integers are rounded down.
fn from_numbers(values: &[f64], aval: &Aval) -> Array {
    let dtype = aval.dtype;
    let shape = &aval.shape[..];
    if dtype.is_float() || dtype.is_complex() {
        let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
        return Array::from_slice(&values, shape).astype(dtype);
    }
    let values: Vec<i32> = values.iter().map(|&v| v.floor() as i32).collect();
    Array::from_slice(&values, shape).astype(dtype)
}

/// The elements as complex numbers: a law speaks of all dtypes alike.
fn numbers(x: &Array) -> Vec<(f64, f64)> {
    if x.dtype().is_complex() {
        return x
            .to_vec::<num_complex::Complex32>()
            .into_iter()
            .map(|z| (z.re as f64, z.im as f64))
            .collect();
    }
    let x = if smooth(x.dtype()) { x.astype(DType::F32) } else { x.astype(DType::I32) };
    if x.dtype() == DType::F32 {
        x.to_vec::<f32>().into_iter().map(|v| (v as f64, 0.0)).collect()
    } else {
        x.to_vec::<i32>().into_iter().map(|v| (v as f64, 0.0)).collect()
    }
}

fn close(a: (f64, f64), b: (f64, f64), tolerance: f64) -> bool {
    let near = |x: f64, y: f64| {
        x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= tolerance * (1.0 + x.abs().max(y.abs()))
    };
    near(a.0, b.0) && near(a.1, b.1)
}

fn compare(what: &str, a: &[(f64, f64)], b: &[(f64, f64)], tolerance: f64) -> Result<(), String> {
    if a.len() != b.len() {
        return Err(format!("{what}: {} elements against {}", a.len(), b.len()));
    }
    match a.iter().zip(b).position(|(x, y)| !close(*x, *y, tolerance)) {
        Some(i) => Err(format!("{what}: element {i} is {:?} against {:?}", a[i], b[i])),
        None => Ok(()),
    }
}

/// jvp ≈ difference quotient, ⟨c, Jt⟩ = ⟨Jᵀc, t⟩, and all ways of computing the value give it.
fn derivatives(sample: &Sample) -> Result<(), String> {
    const STEP: f64 = 1.0 / 128.0;
    let mut random = Numbers(7);
    let args: Arrays = sample.args.iter().map(|a| random.array(&a.aval, &a.domain, 0)).collect();
    let avals: Vec<&Aval> = sample.args.iter().map(|a| &a.aval).collect();
    let outs = sample.prim.abstract_eval(&avals).map_err(|e| e.to_string())?;
    let smooth_args: Vec<usize> = (0..args.len()).filter(|&i| smooth(args[i].dtype())).collect();
    let count = outs.len();
    let unit = Domain::Range(-1.0, 1.0);
    let prim = sample.prim.clone();
    if smooth_args.is_empty() || !sample.differentiable {
        // The value alone: eager and compiled agree.
        let prim2 = prim.clone();
        let compiled =
            jit(move |args: &Arrays| apply(&prim2, args)).try_call((&args,)).map_err(|e| e.to_string())?;
        for (eager, compiled) in apply(&prim, &args).iter().zip(&compiled) {
            compare("eager and compiled", &numbers(eager), &numbers(compiled), 1e-6)?;
        }
        return Ok(());
    }
    let tangents: Arrays = smooth_args.iter().map(|&i| random.array(args[i].aval(), &unit, 0)).collect();
    let cotangents: Arrays =
        outs.iter()
            .map(|o| {
                if smooth(o.dtype) {
                    random.array(o, &unit, 0)
                } else {
                    from_numbers(&vec![0.0; o.size()], o)
                }
            })
            .collect();
    let places = smooth_args.clone();
    let program = jit(move |args: &Arrays, tangents: &Arrays, cotangents: &Arrays| -> Arrays {
        let f = |smooth: &Arrays| -> Arrays {
            let mut all = args.clone();
            for (&i, x) in places.iter().zip(smooth) {
                all[i] = x.clone();
            }
            apply(&prim, &all)
        };
        let x: Arrays = places.iter().map(|&i| args[i].clone()).collect();
        let (value, derivative) = jvp(f, (x.clone(),), (tangents.clone(),));
        let moved = |step: f64| -> Arrays { x.iter().zip(tangents).map(|(x, t)| x + step * t).collect() };
        let (value_again, pull) = vjp(&f, (x.clone(),));
        let (pulled,) = pull(cotangents.clone());
        [value, derivative, value_again, f(&moved(STEP)), f(&moved(-STEP)), pulled].concat()
    });
    let all = program.try_call((&args, &tangents, &cotangents)).map_err(|e| e.to_string())?;
    let group = |i: usize| &all[i * count..(i + 1) * count];
    let (value, derivative, again, above, below, pulled) =
        (group(0), group(1), group(2), group(3), group(4), &all[5 * count..]);
    let (mut pushed_sum, mut scale) = (0.0, 1.0);
    for k in 0..count {
        compare("value under jvp and vjp", &numbers(&value[k]), &numbers(&again[k]), 1e-6)?;
        if !smooth(outs[k].dtype) {
            continue;
        }
        let slope: Vec<(f64, f64)> = numbers(&above[k])
            .into_iter()
            .zip(numbers(&below[k]))
            .map(|(a, b)| ((a.0 - b.0) / (2.0 * STEP), (a.1 - b.1) / (2.0 * STEP)))
            .collect();
        compare("jvp and difference quotient", &numbers(&derivative[k]), &slope, 1e-2)?;
        for (c, d) in numbers(&cotangents[k]).into_iter().zip(numbers(&derivative[k])) {
            pushed_sum += c.0 * d.0 - c.1 * d.1;
            scale += (c.0 * d.0).abs() + (c.1 * d.1).abs();
        }
    }
    let mut pulled_sum = 0.0;
    for (p, t) in pulled.iter().zip(&tangents) {
        for (p, t) in numbers(p).into_iter().zip(numbers(t)) {
            pulled_sum += p.0 * t.0 - p.1 * t.1;
        }
    }
    if (pushed_sum - pulled_sum).abs() > 1e-4 * scale {
        return Err(format!("⟨c, Jt⟩ is {pushed_sum}, but ⟨Jᵀc, t⟩ is {pulled_sum}"));
    }
    Ok(())
}

/// Mapped along some dimension of some operands, a primitive gives what a loop gives.
fn mapping(sample: &Sample) -> Result<(), String> {
    const SIZE: usize = 2;
    if sample.args.is_empty() {
        return Ok(());
    }
    let mut random = Numbers(11);
    let instances: Vec<Arrays> = (0..SIZE)
        .map(|b| sample.args.iter().map(|a| random.array(&a.aval, &a.domain, b)).collect())
        .collect();
    let n = sample.args.len();
    let last = |i: usize| sample.args[i].aval.rank();
    // Every operand alone along its first dimension; all along the first; all along the last.
    let mut plans: Vec<Vec<Option<usize>>> =
        (0..n).map(|i| (0..n).map(|j| (i == j).then_some(0)).collect()).collect();
    if n > 1 {
        plans.push(vec![Some(0); n]);
    }
    plans.push((0..n).map(|i| Some(last(i))).collect());
    let prim = sample.prim.clone();
    let shown = plans.clone();
    let program = jit(move |instances: &Vec<Arrays>| -> Vec<(Arrays, Vec<Arrays>)> {
        let run = |plan: &Vec<Option<usize>>| {
            let mixed = |b: usize| -> Arrays {
                (0..n).map(|i| instances[if plan[i].is_some() { b } else { 0 }][i].clone()).collect()
            };
            let stacked: Arrays = (0..n)
                .map(|i| match plan[i] {
                    Some(axis) => {
                        lax::stack(&(0..SIZE).map(|b| instances[b][i].clone()).collect::<Vec<_>>(), axis)
                    }
                    None => instances[0][i].clone(),
                })
                .collect();
            let axes = plan.iter().map(|d| d.map_or(Axes::None, Axes::from)).collect();
            let mapped =
                vmap(|args: &Arrays| apply(&prim, args)).in_axes(Axes::Tuple(vec![Axes::List(axes)]));
            let mapped: Arrays = mapped(&stacked);
            (mapped, (0..SIZE).map(|b| apply(&prim, &mixed(b))).collect())
        };
        plans.iter().map(run).collect()
    });
    let outcome = program.try_call((&instances,)).map_err(|e| e.to_string())?;
    for (plan, (mapped, looped)) in shown.iter().zip(outcome) {
        for (k, mapped) in mapped.iter().enumerate() {
            let mapped = numbers(mapped);
            let slices: Vec<(f64, f64)> = looped.iter().flat_map(|outs| numbers(&outs[k])).collect();
            compare(&format!("mapped along {plan:?} and looped"), &mapped, &slices, 1e-5)?;
        }
    }
    Ok(())
}
