//! The examples print what JAX prints: `reference.py` beside them writes what that is into `expected`.
//!
//! Those of `examples/jax101` are the snippets of JAX's tutorials; the others were ported from JAX's documentation and train something, so that
//! the last digits of what they print differ more than an operation's.

use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Between processors and plugins: a unit in the last place or two.
const JAX101: f64 = 2.5e-7;
/// After some hundred steps of training, in which such differences grow; one image of 360 more or less is 3e-3.
const TRAINED: f64 = 6e-3;

macro_rules! programs {
    ($($folder:ident: $($test:ident)*;)*) => {
        $(mod $folder {
            $(#[test]
            fn $test() {
                super::prints_what_jax_prints(stringify!($folder), stringify!($test));
            })*

            #[test]
            fn every_program_is_run() {
                assert_eq!(super::programs_of(stringify!($folder)), [$(stringify!($test)),*]);
            }
        })*
    };
}

programs! {
    jax101: arrays autodiff control_flow debug indexed_updates jit make_jaxpr numpy pytrees random stateful vmap;
    ported: dpsgd maml neural_network;
}

/// Where the programs of a kind lie.
fn folder(kind: &str) -> PathBuf {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    if kind == "jax101" { examples.join(kind) } else { examples }
}

/// The programs of a kind that say what JAX prints.
fn programs_of(kind: &str) -> Vec<String> {
    let files = fs::read_dir(folder(kind)).expect("the folder of the programs");
    let files = files.map(|entry| entry.expect("an entry").path());
    let mut names: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .map(|path| path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned())
        // It is older than these tests, has no twin in Python and goes through more than they can wait for.
        .filter(|name| name != "digits")
        .collect();
    names.sort_unstable();
    names
}

fn prints_what_jax_prints(kind: &str, name: &str) {
    let expected = folder(kind).join(format!("expected/{name}.txt"));
    let expected = fs::read_to_string(expected).expect("what JAX printed");
    // What is trained is trained on XLA's plugin too, where that is installed.
    let plugins: &[&str] = if kind == "jax101" { &["embedded"] } else { &["embedded", "xla-cpu"] };
    for &plugin in plugins {
        if let Err(absent) = jacinth_plugins::resolve(plugin) {
            assert_eq!(plugin, "xla-cpu", "{absent}");
            println!("absent, so not tested here: {absent}");
            continue;
        }
        let output = Command::new(built(kind, name))
            .env("JACINTH_PLATFORMS", plugin)
            .output()
            .expect("the program starts");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name} on {plugin} failed: {errors}");
        let printed = String::from_utf8(output.stdout).expect("text");
        let tolerance = if kind == "jax101" { JAX101 } else { TRAINED };
        for (i, (printed, expected)) in printed.lines().zip(expected.lines()).enumerate() {
            assert!(
                same(printed, expected, tolerance),
                "line {} of {name} on {plugin} is\n  {printed}\nand JAX prints\n  {expected}",
                i + 1
            );
        }
        let lines = printed.lines().count();
        assert_eq!(lines, expected.lines().count(), "{name} prints so many lines:\n{printed}");
    }
}

/// Whether two lines are equal but for floating point numbers, which may differ by so much of their size.
fn same(printed: &str, expected: &str, tolerance: f64) -> bool {
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | 'e');
    let words = |line: &str| -> Vec<String> {
        let mut words = vec![String::new()];
        let mut last = ' ';
        for c in line.chars() {
            if is_number(c) != is_number(last) {
                words.push(String::new());
            }
            words.last_mut().expect("one at least").extend((!c.is_whitespace()).then_some(c));
            last = c;
        }
        words.retain(|word| !word.is_empty());
        words
    };
    let close = |a: f64, b: f64| (a - b).abs() <= tolerance * b.abs();
    let alike = |(a, b): (&String, &String)| match (a.contains('.'), a.parse(), b.parse()) {
        (true, Ok(a), Ok(b)) => close(a, b),
        _ => a == b,
    };
    printed == expected || {
        let (printed, expected) = (words(printed), words(expected));
        printed.len() == expected.len() && printed.iter().zip(&expected).all(alike)
    }
}

#[test]
fn only_last_digits_may_differ() {
    assert!(same("[0.25 1.0000001]", "[0.25       1.       ]", JAX101));
    assert!(!same("[0.25 1.00001]", "[0.25 1.]", JAX101));
    assert!(!same("[1 2]", "[1 3]", TRAINED));
    assert!(!same("a:f32[3]", "b:f32[3]", TRAINED));
    assert!(!same("[1. 2.]", "[1. 2. 3.]", TRAINED));
    assert!(same("accuracy 0.9611", "accuracy 0.9639", TRAINED));
    assert!(!same("loss 0.52", "loss 0.53", TRAINED));
}

/// The program, which lies beside this test; built first where only this test was asked for.
fn built(kind: &str, name: &str) -> PathBuf {
    let example =
        if kind == "jax101" { format!("jax101-{}", name.replace('_', "-")) } else { name.to_owned() };
    let test = std::env::current_exe().expect("a test knows its program");
    let target = test.parent().and_then(Path::parent).expect("tests lie in target/PROFILE/deps");
    let program = target.join("examples").join(format!("{example}{EXE_SUFFIX}"));
    let written = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    if written(&program).is_none_or(|built| written(&folder(kind).join(format!("{name}.rs"))) > Some(built)) {
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "-p", "jacinth", "--example", &example])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo starts");
        assert!(status.success(), "{example} builds");
    }
    program
}
