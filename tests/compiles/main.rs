//! What we lower, XLA compiles: every primitive's samples with their derivatives and maps, and whole programs, on XLA:CPU and, ahead of
//! time, for a TPU. What became of it can be printed, and what the embedded plugin prints is a legal module that XLA:CPU compiles, too.
//!
//! `cargo test --test compiles [NAME]…` takes names of primitives and programs. On XLA:CPU there is one module for each; for the TPU
//! the first sample of each, several to a module, since one takes up to a second; `--all` compiles everything for the TPU. A
//! plugin that is not installed (`cargo xtask plugins xla-cpu`, `tpu`) is said to be absent. A main of its own, because the process that
//! runs libtpu is this program once more.

mod modules;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use jacinth::{Backend, with_backend};
use jacinth_lowering::options::CompileOptions;
use jacinth_pjrt::{Client, ClientOptions, Program};
use modules::Module;
use xtask::tpu_compile;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|name| name == tpu_compile::CHILD) {
        return match tpu_compile::child(&args[1..]) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                eprintln!("{failure}");
                ExitCode::FAILURE
            }
        };
    }
    let all = args.iter().any(|a| a == "--all");
    // Options of the usual harness mean nothing here.
    let names: Vec<&String> = args.iter().filter(|a| !a.starts_with('-')).collect();
    let wanted = |name: &str| names.is_empty() || names.iter().any(|n| name.contains(n.as_str()));
    let failures = [on_xla_cpu(&wanted), on_embedded(&wanted), for_tpu(&wanted, all)].concat();
    failures.iter().for_each(|failure| println!("FAILED {failure}"));
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn on_xla_cpu(wanted: &dyn Fn(&str) -> bool) -> Vec<String> {
    let backend = match Backend::new("xla-cpu") {
        Ok(backend) => backend,
        Err(error) => {
            println!("xla-cpu: absent, so nothing was compiled with it: {error}");
            return Vec::new();
        }
    };
    let start = Instant::now();
    let programs = modules::programs(wanted, false);
    let failures: Vec<String> = programs
        .iter()
        .filter_map(|(name, lowered)| {
            let text = with_backend(&backend, || lowered.compile()?.as_text());
            let failure = match text {
                Ok(text) if text.contains("\nENTRY %main") && !text.contains("(?") => return None,
                Ok(text) => format!("its text is no HLO\n{text}"),
                Err(error) => error.to_string(),
            };
            Some(format!("{name} on xla-cpu: {failure}\n{}", lowered.as_text()))
        })
        .collect();
    println!("xla-cpu: {} modules in {:.0?}, {} failed", programs.len(), start.elapsed(), failures.len());
    failures
}

/// The embedded plugin's optimised programs are modules that are read, verified, printed the same, and, every fourth of them, compiled by
/// XLA:CPU.
fn on_embedded(wanted: &dyn Fn(&str) -> bool) -> Vec<String> {
    let start = Instant::now();
    let backend = Backend::new("embedded").expect("the embedded plugin is always there");
    let client = jacinth_plugins::resolve("xla-cpu").ok().and_then(|plugin| {
        plugin.client(&ClientOptions::new()).inspect_err(|error| println!("xla-cpu: {error}")).ok()
    });
    let options = CompileOptions::default().encode();
    let check = |lowered: &modules::Program, client: Option<&Client>| -> Result<(), String> {
        let text = with_backend(&backend, || lowered.compile()?.as_text()).map_err(|e| e.to_string())?;
        let module = text.split("\n//").next().expect("a module stands before the comments");
        let failure = |error: String| format!("{error}\n{text}");
        let read = jacinth_lowering::Module::parse(module).map_err(|e| failure(e.to_string()))?;
        read.verify().map_err(|e| failure(e.to_string()))?;
        if read.to_text().trim_end() != module {
            return Err(failure("it is printed otherwise when it is read".into()));
        }
        // Custom calls have other targets there.
        match client {
            Some(client) if !module.contains("custom_call") => {
                client.compile(&Program::mlir(module), &options).map_err(|e| failure(e.to_string()))?;
            }
            _ => {}
        }
        Ok(())
    };
    let programs = modules::programs(wanted, true);
    let failures: Vec<String> = programs
        .iter()
        .enumerate()
        .filter_map(|(i, (name, lowered))| {
            let error = check(lowered, client.as_ref().filter(|_| i.is_multiple_of(4))).err()?;
            Some(format!("{name} on the embedded plugin: {error}"))
        })
        .collect();
    println!("embedded: {} modules in {:.0?}, {} failed", programs.len(), start.elapsed(), failures.len());
    failures
}

fn for_tpu(wanted: &dyn Fn(&str) -> bool, all: bool) -> Vec<String> {
    // Discovery rejects it where there is no TPU; the child needs none.
    let report = jacinth_plugins::discover();
    let installed = |path: &Option<std::path::PathBuf>| path.as_ref().is_some_and(|path| path.exists());
    if !report.looks.iter().any(|look| look.name == "tpu" && installed(&look.path)) {
        println!(
            "tpu: absent, so nothing was compiled for it: no libtpu was found (`cargo xtask plugins tpu` fetches it)"
        );
        return Vec::new();
    }
    let start = Instant::now();
    let modules = if all { modules::each(wanted) } else { modules::together(wanted) };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiles");
    fs::create_dir_all(&folder).expect("the target folder is writable");
    let write = |(i, module): (usize, &Module)| {
        let path = folder.join(format!("{i}.mlir"));
        fs::write(&path, &module.text).expect("the target folder is writable");
        path.to_str().expect("the target folder's name is UTF-8").to_owned()
    };
    let files: Vec<String> = modules.iter().enumerate().map(write).collect();
    let outcomes = match tpu_compile::compile_all("v5e:2x2", &files, Duration::from_secs(300)) {
        Ok(outcomes) => outcomes,
        Err(failure) => return vec![format!("tpu: {failure}")],
    };
    let refused = modules.iter().zip(&outcomes).zip(&files);
    let (lacking, failed): (Vec<_>, Vec<_>) = refused
        .filter(|((_, outcome), _)| !outcome.starts_with("ok"))
        .partition(|((_, outcome), _)| lacks_windows(outcome));
    let failures: Vec<String> = failed
        .iter()
        .map(|((module, outcome), file)| format!("{} for v5e:2x2: {outcome} {file}", module.name))
        .collect();
    println!(
        "tpu: {} modules in {:.0?}, {} failed; {} have a select_and_scatter that XLA lacks for TPUs",
        modules.len(),
        start.elapsed(),
        failures.len(),
        lacking.len()
    );
    failures
}

/// Whether XLA's compiler for TPUs says that it lacks this `select_and_scatter`: over one dimension, or with windows over the two
/// minor-most. JAX's own modules, which have the same operation there, meet the same refusal.
fn lacks_windows(outcome: &str) -> bool {
    let outcome = outcome.to_lowercase().replace('-', " ");
    outcome.contains("code 12") && outcome.contains("select and scatter")
}
