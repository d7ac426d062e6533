//! The programs of `examples/jax101` print what JAX prints: `examples/jax101/expected` is written by `reference.py` beside it.

use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

macro_rules! programs {
    ($($test:ident => $name:literal;)*) => {
        $(#[test]
        fn $test() {
            prints_what_jax_prints($name);
        })*

        #[test]
        fn every_program_is_run() {
            let mut names: Vec<String> = fs::read_dir(folder())
                .expect("the folder of the programs")
                .map(|entry| entry.expect("an entry").path())
                .filter(|path| path.extension().is_some_and(|e| e == "rs"))
                .map(|path| path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned())
                .collect();
            names.sort_unstable();
            assert_eq!(names, [$($name),*]);
        }
    };
}

programs! {
    arrays => "arrays";
    autodiff => "autodiff";
    control_flow => "control_flow";
    indexed_updates => "indexed_updates";
    jit => "jit";
    make_jaxpr => "make_jaxpr";
    numpy => "numpy";
    pytrees => "pytrees";
    random => "random";
    stateful => "stateful";
    vmap => "vmap";
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/jax101")
}

fn prints_what_jax_prints(name: &str) {
    let output =
        Command::new(built(name)).env("JACINTH_PLATFORMS", "embedded").output().expect("the program starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} failed: {errors}");
    let expected =
        fs::read_to_string(folder().join(format!("expected/{name}.txt"))).expect("what JAX printed");
    let printed = String::from_utf8(output.stdout).expect("text");
    for (i, (printed, expected)) in printed.lines().zip(expected.lines()).enumerate() {
        assert!(
            same(printed, expected),
            "line {} of {name} is\n  {printed}\nand JAX prints\n  {expected}",
            i + 1
        );
    }
    assert_eq!(printed.lines().count(), expected.lines().count(), "{name} prints so many lines:\n{printed}");
}

/// Whether two lines are equal but for the last digit of floating point numbers, which may differ between processors.
fn same(printed: &str, expected: &str) -> bool {
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
    let close = |a: f64, b: f64| (a - b).abs() <= 2.5e-7 * b.abs();
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
    assert!(same("[0.25 1.0000001]", "[0.25       1.       ]"));
    assert!(!same("[0.25 1.00001]", "[0.25 1.]"));
    assert!(!same("[1 2]", "[1 3]"));
    assert!(!same("a:f32[3]", "b:f32[3]"));
    assert!(!same("[1. 2.]", "[1. 2. 3.]"));
}

/// The program, which lies beside this test; built first where only this test was asked for.
fn built(name: &str) -> PathBuf {
    let example = format!("jax101-{}", name.replace('_', "-"));
    let test = std::env::current_exe().expect("a test knows its program");
    let target = test.parent().and_then(Path::parent).expect("tests lie in target/PROFILE/deps");
    let program = target.join("examples").join(format!("{example}{EXE_SUFFIX}"));
    let written = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    if written(&program).is_none_or(|built| written(&folder().join(format!("{name}.rs"))) > Some(built)) {
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "-p", "jacinth", "--example", &example])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo starts");
        assert!(status.success(), "{example} builds");
    }
    program
}
