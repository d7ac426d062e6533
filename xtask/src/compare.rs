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
    Goal { case: "chain_10000", what: "trace and lower 10,000 operations in a row", ratio: 1.0 / 50.0 },
    Goal { case: "mlp_lower", what: "trace and lower the digits training step", ratio: 1.0 / 50.0 },
    Goal { case: "mapped_gradient", what: "trace and lower vmap(vmap(grad))", ratio: 1.0 / 50.0 },
    Goal { case: "gpt2_forward", what: "trace and lower GPT-2 small, forward", ratio: 1.0 / 50.0 },
    Goal { case: "gpt2_trace", what: "trace GPT-2 small, gradient", ratio: 1.0 / 50.0 },
    Goal { case: "gpt2_gradient", what: "trace and lower GPT-2 small, gradient", ratio: 1.0 / 50.0 },
    Goal { case: "first", what: "process start to first jitted result", ratio: 1.0 / 20.0 },
    Goal { case: "compile", what: "compile of the digits training step", ratio: 1.0 / 5.0 },
    Goal { case: "step", what: "run of the digits training step", ratio: 1.0 },
];

/// Samples in seconds by case.
type Samples = BTreeMap<String, Vec<f64>>;

/// Runs the comparison. `args`: `--check` fails where a ratio misses its goal, `--rounds N` (default 3), `--out FILE`
/// (default `benches/results.json`, and then the table in `benches/README.md` is written as well).
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let mut check = false;
    let mut rounds = 3;
    let mut out: Option<PathBuf> = None;
    let results = root().join("benches/results.json");
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--check" => check = true,
            "--rounds" => {
                rounds = args.next().and_then(|n| n.parse().ok()).ok_or("--rounds needs a number")?
            }
            "--out" => out = Some(PathBuf::from(args.next().ok_or("--out needs a file")?)),
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
        cases(Command::new(&python).arg(&script).arg("transforms"), &mut jax)?;
        cases(Command::new(&ours).arg("transforms"), &mut jacinth)?;
    }

    let rows: Vec<Row> =
        GOALS.iter().map(|goal| Row::new(goal, &mut jax, &mut jacinth)).collect::<Result<_, _>>()?;
    let table = table(&rows);
    print!("{table}");
    let machine = machine();
    let cases: Vec<Value> = rows.iter().map(Row::json).collect();
    let report = json!({ "machine": machine, "rival": JAX, "rounds": rounds, "cases": cases });
    fs::write(out.as_deref().unwrap_or(&results), serde_json::to_string_pretty(&report)? + "\n")?;
    if out.is_none() {
        let text = |field: &str| machine[field].as_str().unwrap_or_default().to_owned();
        let on = format!("{} ({}), {} cores", text("processor"), text("simd"), machine["cores"]);
        write_readme(&format!("Medians of {rounds} rounds on {on}:\n\n{table}"))?;
    }
    let missed: Vec<&str> = rows.iter().filter(|row| !row.met()).map(|row| row.goal.what).collect();
    if check && !missed.is_empty() {
        return Err(format!("missed its goal: {}", missed.join("; ")).into());
    }
    Ok(())
}

/// A goal with both sides' medians in seconds.
struct Row {
    goal: &'static Goal,
    jax: f64,
    jacinth: f64,
}

impl Row {
    fn new(goal: &'static Goal, jax: &mut Samples, jacinth: &mut Samples) -> Result<Row, Failure> {
        let of = |side: &str, samples: &mut Samples| -> Result<f64, Failure> {
            let samples = samples.get_mut(goal.case);
            Ok(median(samples.ok_or_else(|| format!("{side} reported no case {}", goal.case))?))
        };
        Ok(Row { goal, jax: of("JAX", jax)?, jacinth: of("Jacinth", jacinth)? })
    }

    fn ratio(&self) -> f64 {
        self.jacinth / self.jax
    }

    fn met(&self) -> bool {
        self.ratio() <= self.goal.ratio
    }

    fn json(&self) -> Value {
        json!({
            "case": self.goal.case, "what": self.goal.what, "jax_seconds": self.jax, "jacinth_seconds": self.jacinth,
            "ratio": self.ratio(), "goal": self.goal.ratio, "met": self.met(),
        })
    }
}

/// The rows as Markdown.
fn table(rows: &[Row]) -> String {
    let line = |what: &str, cells: [&str; 4]| {
        let [jax, jacinth, ratio, goal] = cells;
        format!("| {what:<52} | {jax:>10} | {jacinth:>10} | {ratio:>7} | {goal:<13} |\n")
    };
    let mut out = line("", [JAX, "Jacinth", "ratio", "goal"]);
    out += "|---|---|---|---|---|\n";
    for row in rows {
        let missed = if row.met() { "" } else { ", missed" };
        let (ratio, goal) = (format!("{:.4}", row.ratio()), format!("{:.2}{missed}", row.goal.ratio));
        out += &line(row.goal.what, [&time(row.jax), &time(row.jacinth), &ratio, &goal]);
    }
    out
}

/// Puts a text between the two comments of `benches/README.md` that say that this chore writes it.
fn write_readme(text: &str) -> Result<(), Failure> {
    let path = root().join("benches/README.md");
    let readme = fs::read_to_string(&path)?;
    let (begin, end) = ("<!-- written by cargo xtask compare -->\n", "<!-- up to here -->");
    let (before, rest) =
        readme.split_once(begin).ok_or("benches/README.md lacks the comment before the table")?;
    let (_, after) = rest.split_once(end).ok_or("benches/README.md lacks the comment after the table")?;
    fs::write(&path, format!("{before}{begin}{text}{end}{after}"))?;
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
