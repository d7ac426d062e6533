//! `cargo xtask tpu-compile FILE.mlir… [--topology v5e:2x2]`: compiles modules ahead of time for a TPU that is not here, in a
//! child process, since libtpu takes over signals and aborts on some modules. With `--all` instead of files, all that the test
//! `compiles` lowers.
//!
//! One child compiles all the files; one that dies costs the file it was at, and the next child goes on behind it. Replicas
//! and partitions are read from the module's `mhlo.num_replicas` and `mhlo.num_partitions`. Prints `ok`, `refused` or `died` for each
//! file, and fails unless all are ok. A program that uses [`compile_all`] answers to [`CHILD`] with [`child`].

use crate::Failure;
use jacinth_pjrt::{NamedValues, Program, TopologyDescription};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use std::{fs, thread};

/// What libtpu needs to know to leave the network and the other processes of this machine alone.
const DEVICELESS: &[(&str, &str)] = &[
    ("TPU_SKIP_MDS_QUERY", "1"),
    ("TPU_ACCELERATOR_TYPE", "v5litepod-4"),
    ("TPU_WORKER_HOSTNAMES", "localhost"),
    ("TPU_WORKER_ID", "0"),
    ("TPU_LOG_DIR", "disabled"),
    ("ALLOW_MULTIPLE_LIBTPU_LOAD", "1"),
    ("TPU_MIN_LOG_LEVEL", "3"),
    ("TF_CPP_MIN_LOG_LEVEL", "3"),
];

/// The name under which the child is started: the first argument of this very program.
pub const CHILD: &str = "tpu-compile-child";

struct Options {
    topology: String,
    timeout: Duration,
    files: Vec<String>,
}

/// `args`: files, or `--all`; `--topology NAME` (default `v5e:2x2`), `--timeout SECONDS` for one file (default 600).
///
/// # Errors
/// If a module does not compile, or no child starts.
pub fn run(args: &[String]) -> Result<(), Failure> {
    if args == ["--all"] {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(["test", "-p", "jacinth", "--test", "compiles", "--", "--all"])
            .status()?;
        return if status.success() { Ok(()) } else { Err("not every module compiled".into()) };
    }
    let options = parse(args)?;
    let outcomes = compile_all(&options.topology, &options.files, options.timeout)?;
    let failed = outcomes.iter().filter(|outcome| !outcome.starts_with("ok")).count();
    for (file, outcome) in options.files.iter().zip(outcomes) {
        println!("{outcome} {file}");
    }
    if failed > 0 {
        return Err(format!("{failed} of {} modules did not compile", options.files.len()).into());
    }
    Ok(())
}

/// What became of each file: `ok (0.31 s)`, `refused: …` or `died (…)`.
///
/// # Errors
/// If a child does not get to its first file.
pub fn compile_all(topology: &str, files: &[String], timeout: Duration) -> Result<Vec<String>, Failure> {
    let mut outcomes = Vec::new();
    while outcomes.len() < files.len() {
        outcomes.extend(run_child(topology, &files[outcomes.len()..], timeout)?);
    }
    Ok(outcomes)
}

fn parse(args: &[String]) -> Result<Options, Failure> {
    let mut options =
        Options { topology: "v5e:2x2".to_owned(), timeout: Duration::from_secs(600), files: Vec::new() };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--topology" => options.topology = args.next().ok_or("--topology needs a name")?.clone(),
            "--timeout" => {
                let seconds = args.next().and_then(|n| n.parse().ok()).ok_or("--timeout needs seconds")?;
                options.timeout = Duration::from_secs(seconds);
            }
            file => options.files.push(file.to_owned()),
        }
    }
    if options.files.is_empty() { Err("no module was given".into()) } else { Ok(options) }
}

/// Starts a child on `files`, and gives the outcomes of those it got to: one at least, or the error is that the child
/// could not start at all.
fn run_child(topology: &str, files: &[String], timeout: Duration) -> Result<Vec<String>, Failure> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg(CHILD)
        .arg(topology)
        .args(files)
        .envs(DEVICELESS.iter().copied())
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = child.stdout.take().ok_or("the child has no output")?;
    let (send, lines) = channel();
    let reader = thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // What libtpu itself prints has no mark.
            if let Some(line) = line.strip_prefix(MARK)
                && send.send(line.to_owned()).is_err()
            {
                break;
            }
        }
    });
    let mut outcomes = Vec::new();
    let mut started = false;
    let mut died = None;
    while outcomes.len() < files.len() {
        match lines.recv_timeout(timeout) {
            Ok(line) if line == START => started = true,
            Ok(line) => {
                started = false;
                outcomes.push(line);
            }
            Err(RecvTimeoutError::Timeout) => {
                child.kill()?;
                died = Some(format!("more than {} s", timeout.as_secs()));
                break;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = child.wait()?;
    // The reader ends with the child's output.
    let _ = reader.join();
    let end = died.unwrap_or_else(|| status.to_string());
    if started {
        outcomes.push(format!("died ({end})"));
    }
    if outcomes.is_empty() {
        return Err(format!("the compiling process did not get to a module ({end})").into());
    }
    Ok(outcomes)
}

const MARK: &str = "@tpu-compile ";
const START: &str = "start";

/// The child: `args` is the topology and the files.
///
/// # Errors
/// If libtpu or the topology is not there.
pub fn child(args: &[String]) -> Result<(), Failure> {
    let (topology, files) = args.split_first().ok_or("a topology is needed")?;
    let plugin = jacinth_plugins::resolve("tpu")?;
    let topology = plugin.topology(topology, &NamedValues::new())?;
    for file in files {
        println!("{MARK}{START}");
        let begin = Instant::now();
        match compile(&topology, Path::new(file)) {
            Ok(()) => println!("{MARK}ok ({:.2} s)", begin.elapsed().as_secs_f64()),
            Err(error) => println!("{MARK}refused: {}:", error.to_string().replace('\n', " ")),
        }
    }
    Ok(())
}

fn compile(topology: &TopologyDescription, file: &Path) -> Result<(), Failure> {
    let code = fs::read(file)?;
    let text = String::from_utf8_lossy(&code);
    let options =
        compile_options(attribute(&text, "mhlo.num_replicas"), attribute(&text, "mhlo.num_partitions"));
    topology.compile(&Program::mlir(&code), &options)?;
    Ok(())
}

/// The value of an integer attribute in a module's text; 1 where it has none.
fn attribute(text: &str, name: &str) -> u8 {
    let value = text.split_once(name).map_or("", |(_, rest)| rest.trim_start_matches([' ', '=']));
    let digits = value.split(|c: char| !c.is_ascii_digit()).next().unwrap_or("");
    digits.parse().ok().filter(|n| (1..128).contains(n)).unwrap_or(1)
}

/// A `CompileOptionsProto` for that many replicas and partitions (one byte each), partitioned by Shardy.
fn compile_options(replicas: u8, partitions: u8) -> Vec<u8> {
    // Fields 4, 5, 6 (use_spmd_partitioning) and 19 (use_shardy_partitioner) of field 3.
    let mut build = vec![0x20, replicas, 0x28, partitions];
    if partitions > 1 {
        build.extend([0x30, 1, 0x98, 1, 1]);
    }
    let mut options = vec![0x1a, build.len() as u8];
    options.extend(build);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicas_and_partitions_are_read_from_the_module() {
        let text = "module @m attributes {mhlo.num_partitions = 4 : i32, mhlo.num_replicas = 2 : i32} {}";
        assert_eq!((attribute(text, "mhlo.num_replicas"), attribute(text, "mhlo.num_partitions")), (2, 4));
        assert_eq!(attribute("module {}", "mhlo.num_replicas"), 1);
        assert_eq!(compile_options(1, 1), [0x1a, 4, 0x20, 1, 0x28, 1]);
    }

    #[test]
    fn arguments_are_checked() {
        assert_eq!(run(&[]).unwrap_err().to_string(), "no module was given");
        assert_eq!(
            run(&["--timeout".into(), "x".into()]).unwrap_err().to_string(),
            "--timeout needs seconds"
        );
    }
}
