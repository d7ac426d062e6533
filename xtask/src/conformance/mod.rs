//! `cargo xtask conformance DIR`: StableHLO's own test cases on a plugin, through the C ABI.
//!
//! DIR holds `index.jsonl` and `cases/` (or is a `.tar.xz` of them). Cases run in child processes, so that a plugin which
//! aborts or hangs costs one case, which is counted as such. Prints passes, failures and refusals for each operation and in total.

mod case;
mod check;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Failure;
use case::Case;

/// The name under which a child is started.
pub(crate) const CHILD: &str = "conformance-child";

/// How a case ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Status {
    Pass,
    /// It ran, with another result.
    Fail,
    /// The plugin says that it does not support it (code 12).
    Refused,
    /// Compiling or running gave another error.
    Error,
    /// The process died.
    Abort,
    /// It took too long.
    Hang,
}

impl Status {
    const ALL: [Status; 6] =
        [Status::Pass, Status::Fail, Status::Refused, Status::Error, Status::Abort, Status::Hang];

    fn name(self) -> &'static str {
        ["pass", "fail", "refused", "error", "abort", "hang"][self as usize]
    }

    fn from_name(name: &str) -> Option<Status> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

struct Outcome {
    status: Status,
    detail: String,
    seconds: f64,
}

struct Options {
    dir: PathBuf,
    plugin: String,
    filters: Vec<String>,
    jobs: usize,
    timeout: Duration,
    json: Option<PathBuf>,
    min: usize,
    list: bool,
}

/// `args`: DIR; `--plugin NAME|PATH` (default `embedded`), `--filter TEXT` (part of a name, or an operation; may be repeated), `--jobs N`,
/// `--timeout SECONDS` for one case, `--list` to print every case that does not pass, `--json FILE`, `--min N` passes or fail.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let options = parse(args)?;
    let cases: Vec<Case> = case::read_index(&options.dir)?
        .into_iter()
        .filter(|case| options.filters.is_empty() || options.filters.iter().any(|f| case.matches(f)))
        .collect();
    if cases.is_empty() {
        return Err("no case matches".into());
    }
    let start = Instant::now();
    let outcomes = run_all(&options, &cases)?;
    report(&options, &cases, &outcomes, start.elapsed())?;
    let passes = outcomes.iter().filter(|o| o.status == Status::Pass).count();
    if passes < options.min {
        return Err(format!("{passes} cases pass, at least {} are wanted", options.min).into());
    }
    Ok(())
}

fn parse(args: &[String]) -> Result<Options, Failure> {
    let mut dir = None;
    let mut options = Options {
        dir: PathBuf::new(),
        plugin: "embedded".to_owned(),
        filters: Vec::new(),
        jobs: std::thread::available_parallelism().map_or(1, |n| n.get()).min(4),
        timeout: Duration::from_secs(60),
        json: None,
        min: 0,
        list: false,
    };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--plugin" => options.plugin = value()?.clone(),
            "--filter" => options.filters.push(value()?.clone()),
            "--jobs" => options.jobs = value()?.parse::<usize>()?.max(1),
            "--timeout" => options.timeout = Duration::from_secs_f64(value()?.parse()?),
            "--json" => options.json = Some(value()?.into()),
            "--min" => options.min = value()?.parse()?,
            "--list" => options.list = true,
            other if other.starts_with("--") => return Err(format!("unknown option {other}").into()),
            _ if dir.is_none() => dir = Some(PathBuf::from(arg)),
            other => return Err(format!("unexpected argument {other}").into()),
        }
    }
    options.dir = unpacked(&dir.ok_or("the folder of the cases is missing")?)?;
    Ok(options)
}

/// The folder with `index.jsonl`: the one given, or what the archive that is given holds.
fn unpacked(path: &Path) -> Result<PathBuf, Failure> {
    if path.is_dir() {
        return Ok(path.to_owned());
    }
    let name = path.file_name().and_then(|n| n.to_str()).ok_or("the path has no name")?;
    let name = name.strip_suffix(".tar.xz").ok_or_else(|| format!("{} is no folder", path.display()))?;
    let target = std::env::temp_dir().join(format!("jacinth-conformance-{name}"));
    if !target.join("index.jsonl").is_file() {
        std::fs::create_dir_all(&target)?;
        let status = Command::new("tar").arg("-xJf").arg(path).arg("-C").arg(&target).status()?;
        if !status.success() {
            return Err(format!("tar could not unpack {}: {status}", path.display()).into());
        }
    }
    Ok(target)
}

/// Runs the cases in children, `jobs` at a time.
fn run_all(options: &Options, cases: &[Case]) -> Result<Vec<Outcome>, Failure> {
    let next = AtomicUsize::new(0);
    let outcomes: Mutex<Vec<Option<Outcome>>> = Mutex::new(cases.iter().map(|_| None).collect());
    let result: Result<(), String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..options.jobs)
            .map(|_| {
                scope.spawn(|| -> Result<(), String> {
                    let mut runner = None;
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(case) = cases.get(index) else { return Ok(()) };
                        let outcome = run_one(options, &mut runner, case).map_err(|e| e.to_string())?;
                        outcomes.lock().expect("no worker panics while it holds this")[index] = Some(outcome);
                    }
                })
            })
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|_| Err("a worker panicked".to_owned())))
    });
    result?;
    let outcomes = outcomes.into_inner().map_err(|_| "a worker panicked")?;
    Ok(outcomes.into_iter().flatten().collect())
}

/// A child and the lines it writes.
struct Runner {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Runner {
    fn start(options: &Options) -> Result<Runner, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(CHILD)
            .arg(&options.plugin)
            .arg(&options.dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let input = child.stdin.take().ok_or("the child has no input")?;
        let output = child.stdout.take().ok_or("the child has no output")?;
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        let runner = Runner { child, input, lines };
        // The plugin must load before its cases can be blamed.
        match runner.lines.recv_timeout(Duration::from_secs(120)) {
            Ok(line) if line == "ready" => Ok(runner),
            Ok(line) => Err(line.into()),
            Err(_) => Err("the child that loads the plugin died or hangs".into()),
        }
    }

    fn stop(mut self) -> String {
        // It may be gone already; then there is nothing to kill.
        let _ = self.child.kill();
        self.child.wait().map_or_else(|e| e.to_string(), |status| status.to_string())
    }
}

fn run_one(options: &Options, runner: &mut Option<Runner>, case: &Case) -> Result<Outcome, Failure> {
    let mut current = match runner.take() {
        Some(runner) => runner,
        None => Runner::start(options)?,
    };
    let start = Instant::now();
    let sent = writeln!(current.input, "{}", case.line).and_then(|()| current.input.flush());
    let answer = match sent {
        Ok(()) => current.lines.recv_timeout(options.timeout),
        Err(_) => Err(RecvTimeoutError::Disconnected),
    };
    let seconds = start.elapsed().as_secs_f64();
    let (status, detail) = match answer {
        Ok(line) => {
            *runner = Some(current);
            let (status, detail) = line.split_once(' ').unwrap_or((&line, ""));
            let status = Status::from_name(status).ok_or_else(|| format!("the child says {line:?}"))?;
            (status, detail.to_owned())
        }
        Err(RecvTimeoutError::Timeout) => {
            current.stop();
            (Status::Hang, format!("no result after {:?}", options.timeout))
        }
        Err(RecvTimeoutError::Disconnected) => (Status::Abort, current.stop()),
    };
    Ok(Outcome { status, detail, seconds })
}

/// A child's life: cases come in as lines of the index, outcomes go out as lines.
pub(crate) fn child(args: &[String]) -> Result<(), Failure> {
    let [plugin, dir] = args else { return Err("expected a plugin and a folder".into()) };
    let mut out = std::io::stdout();
    let client = match case::client(plugin) {
        Ok(client) => client,
        Err(failure) => {
            writeln!(out, "{}", failure.to_string().replace('\n', " "))?;
            return Ok(());
        }
    };
    writeln!(out, "ready")?;
    out.flush()?;
    for line in std::io::stdin().lock().lines() {
        let case = Case::read(&line?)?;
        let (status, detail) = match case.run(&client, Path::new(dir)) {
            Ok(None) => (Status::Pass, String::new()),
            Ok(Some(difference)) => (Status::Fail, difference),
            Err(failure) if failure.refused => (Status::Refused, failure.message),
            Err(failure) => (Status::Error, failure.message),
        };
        writeln!(out, "{} {}", status.name(), detail.replace('\n', " "))?;
        out.flush()?;
    }
    Ok(())
}

fn report(options: &Options, cases: &[Case], outcomes: &[Outcome], took: Duration) -> Result<(), Failure> {
    let mut operations: BTreeMap<&str, [usize; 6]> = BTreeMap::new();
    let (mut total, mut quantized, mut gate) = ([0usize; 6], 0, (0, 0));
    for (case, outcome) in cases.iter().zip(outcomes) {
        total[outcome.status as usize] += 1;
        quantized += usize::from(case.quantized);
        if case.reference_passes {
            gate.0 += usize::from(outcome.status == Status::Pass);
            gate.1 += 1;
        }
        for operation in &case.operations {
            operations.entry(operation).or_default()[outcome.status as usize] += 1;
        }
        if options.list && outcome.status != Status::Pass {
            println!("{:7} {}: {}", outcome.status.name(), case.name, outcome.detail);
        }
    }
    let row = |name: &str, counts: &[usize; 6]| {
        let counts: String = counts.iter().map(|n| format!("{n:>8}")).collect();
        println!("{name:<40}{counts}");
    };
    let head: String = Status::ALL.iter().map(|s| format!("{:>8}", s.name())).collect();
    println!("{:<40}{head}", "operation");
    operations.iter().for_each(|(name, counts)| row(name, counts));
    row("cases", &total);
    println!(
        "{} of {} cases pass on {} in {:.1} s; {} of {} that XLA:CPU or the reference interpreter passes; {quantized} are quantized",
        total[0],
        cases.len(),
        options.plugin,
        took.as_secs_f64(),
        gate.0,
        gate.1
    );
    if let Some(path) = &options.json {
        let results: Vec<Value> = cases
            .iter()
            .zip(outcomes)
            .map(|(case, o)| {
                json!({"name": case.name, "status": o.status.name(), "detail": o.detail, "seconds": o.seconds})
            })
            .collect();
        let totals: BTreeMap<&str, usize> =
            Status::ALL.iter().map(|s| (s.name(), total[*s as usize])).collect();
        let text = json!({"plugin": options.plugin, "totals": totals, "cases": results});
        std::fs::write(path, serde_json::to_string_pretty(&text)?)?;
    }
    Ok(())
}
