//! `cargo xtask compare`: the same work in JAX and in Jacinth on this machine, as a table of ratios.
//!
//! Each round runs both sides one after the other in fresh processes, so that a drift of the machine's speed falls on
//! both; a figure is the median over all rounds' samples. JAX is installed into a virtual environment under `target/` where
//! it is absent, unless `JACINTH_COMPARE_PYTHON` names a Python that has it. The rival's side is `benches/compare.py`, ours the binary `compare` of the package `jacinth-benches`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use std::{env, fs};

use serde_json::{Value, json};

use crate::Failure;

const JAX: &str = "jax==0.10.2";

/// One line of the table: what is measured, and the largest ratio ours / JAX's that meets the goal.
struct Goal {
    case: &'static str,
    what: &'static str,
    ratio: f64,
}

const GOALS: &[Goal] = &[
    Goal { case: "call", what: "call of a jitted x + 1 on f32[]", ratio: 1.0 / 3.0 },
    Goal { case: "tree", what: "jitted map over a tree of 100 leaves, run included", ratio: 1.0 / 10.0 },
    Goal { case: "lower", what: "trace and lower 600 equations", ratio: 1.0 / 50.0 },
    Goal { case: "first", what: "process start to first jitted result", ratio: 1.0 / 20.0 },
    Goal { case: "compile", what: "compile of the digits training step", ratio: 1.0 / 5.0 },
    Goal { case: "step", what: "run of the digits training step", ratio: 1.0 },
];

/// Samples in seconds by case.
type Samples = BTreeMap<String, Vec<f64>>;

/// Runs the comparison. `args`: `--check` fails where a ratio misses its goal, `--rounds N` (default 3), `--out FILE`
/// (default `benches/results.json`).
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let mut check = false;
    let mut rounds = 3;
    let mut out = root().join("benches/results.json");
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--check" => check = true,
            "--rounds" => {
                rounds = args.next().and_then(|n| n.parse().ok()).ok_or("--rounds needs a number")?
            }
            "--out" => out = args.next().ok_or("--out needs a file")?.into(),
            other => return Err(format!("compare: unknown argument {other}").into()),
        }
    }
    let python = python_with_jax()?;
    let ours = build_ours()?;
    let digits = root().join("examples/data/digits.csv");
    let script = root().join("benches/compare.py");

    let (mut jax, mut jacinth) = (Samples::new(), Samples::new());
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for _ in 0..3 {
            first(Command::new(&python).arg(&script).arg("first"), &mut jax)?;
            first(Command::new(&ours).arg("first"), &mut jacinth)?;
        }
        cases(Command::new(&python).arg(&script).arg("cases").arg(&digits), &mut jax)?;
        cases(Command::new(&ours).arg("cases").arg(&digits), &mut jacinth)?;
    }

    let mut rows = Vec::new();
    let mut missed = Vec::new();
    println!("{:<52} {:>12} {:>12} {:>9} {:>9}", "", "JAX", "Jacinth", "ratio", "goal");
    for goal in GOALS {
        let theirs =
            median(jax.get_mut(goal.case).ok_or_else(|| format!("JAX reported no case {}", goal.case))?);
        let ours = median(
            jacinth.get_mut(goal.case).ok_or_else(|| format!("Jacinth reported no case {}", goal.case))?,
        );
        let ratio = ours / theirs;
        let mark = if ratio <= goal.ratio { "" } else { "  missed" };
        println!(
            "{:<52} {:>12} {:>12} {ratio:>9.4} {:>9.4}{mark}",
            goal.what,
            time(theirs),
            time(ours),
            goal.ratio
        );
        if ratio > goal.ratio {
            missed.push(goal.what);
        }
        rows.push(json!({
            "case": goal.case, "what": goal.what, "jax_seconds": theirs, "jacinth_seconds": ours,
            "ratio": ratio, "goal": goal.ratio, "met": ratio <= goal.ratio,
        }));
    }
    let report = json!({ "machine": machine(), "rival": JAX, "rounds": rounds, "cases": rows });
    fs::write(&out, serde_json::to_string_pretty(&report)? + "\n")?;
    println!("written to {}", out.display());
    if check && !missed.is_empty() {
        return Err(format!("missed its goal: {}", missed.join("; ")).into());
    }
    Ok(())
}

/// Times one whole process.
fn first(command: &mut Command, samples: &mut Samples) -> Result<(), Failure> {
    let start = Instant::now();
    let output = command.output()?;
    let seconds = start.elapsed().as_secs_f64();
    if !output.status.success() {
        return Err(format!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    samples.entry("first".into()).or_default().push(seconds);
    Ok(())
}

/// Runs a side's cases and reads its JSON lines.
fn cases(command: &mut Command, samples: &mut Samples) -> Result<(), Failure> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    for line in String::from_utf8(output.stdout)?.lines() {
        let line: Value = serde_json::from_str(line)?;
        let case = line["case"].as_str().ok_or("a line without a case")?;
        let seconds = line["seconds"].as_array().ok_or("a line without seconds")?;
        samples.entry(case.into()).or_default().extend(seconds.iter().filter_map(Value::as_f64));
    }
    Ok(())
}

/// A Python that has the JAX we compare with: the one that `JACINTH_COMPARE_PYTHON` names, or one of our own, installed into
/// `target/compare` where it is absent.
fn python_with_jax() -> Result<PathBuf, Failure> {
    let venv = root().join("target/compare");
    let python = venv.join("bin/python");
    let has_jax = |python: &Path| {
        let version = format!("import jax; assert 'jax==' + jax.__version__ == '{JAX}'");
        Command::new(python).args(["-c", &version]).output().is_ok_and(|o| o.status.success())
    };
    if let Some(given) = env::var_os("JACINTH_COMPARE_PYTHON").map(PathBuf::from) {
        return if has_jax(&given) {
            Ok(given)
        } else {
            Err(format!("JACINTH_COMPARE_PYTHON: {} does not import {JAX}", given.display()).into())
        };
    }
    if has_jax(&python) {
        return Ok(python);
    }
    eprintln!("installing {JAX} into {}", venv.display());
    succeed(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    succeed(Command::new(&python).args(["-m", "pip", "install", "--quiet", JAX]))?;
    if has_jax(&python) {
        Ok(python)
    } else {
        Err(format!("{JAX} does not import from {}", venv.display()).into())
    }
}

fn build_ours() -> Result<PathBuf, Failure> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    succeed(Command::new(cargo).current_dir(root()).args([
        "build",
        "--release",
        "--quiet",
        "-p",
        "jacinth-benches",
        "--bin",
        "compare",
    ]))?;
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    Ok(target.join("release/compare"))
}

fn succeed(command: &mut Command) -> Result<(), Failure> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
}

/// The machine's description: processor, cores, memory, system.
fn machine() -> Value {
    let field = |path: &str, name: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|l| l.starts_with(name)).unwrap_or_default().to_owned();
        line.split(':').nth(1).unwrap_or("unknown").trim().to_owned()
    };
    let flags = field("/proc/cpuinfo", "flags");
    let simd = ["avx512f", "avx2", "avx"]
        .into_iter()
        .find(|f| flags.split(' ').any(|g| g == *f))
        .unwrap_or("baseline");
    json!({
        "processor": field("/proc/cpuinfo", "model name"),
        "simd": simd,
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "memory": field("/proc/meminfo", "MemTotal"),
        "system": format!("{} {}", env::consts::OS, env::consts::ARCH),
    })
}

fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.2} µs", s * 1e6),
        s if s < 1.0 => format!("{:.2} ms", s * 1e3),
        s => format!("{s:.2} s"),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}
