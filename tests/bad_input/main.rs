//! Wrong programs, wrong arguments and wrong files: each is an error that says what is wrong and where, and the process goes on.
//!
//! One file per kind: what traced code can do wrong (`tracing`), modules that are none (`modules`), arrays without elements
//! (`empty`), and more memory than there is (`memory`). Plugins that are none are tested in `tests/discovery.rs`.

mod empty;
mod memory;
mod modules;
mod tracing;

use jacinth::{Backend, with_backend};

/// Runs a test on the embedded plugin, and on XLA's where it is installed; its absence is printed.
fn on_every_plugin(test: impl Fn()) {
    for name in ["embedded", "xla-cpu"] {
        match Backend::new(name) {
            Ok(backend) => with_backend(&backend, &test),
            Err(error) if name == "xla-cpu" => println!("absent, so not tested here: {error}"),
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

/// `tests/bad_input/FILE.rs:LINE:`, as errors name the line after this call's.
#[track_caller]
fn next_line() -> String {
    let here = std::panic::Location::caller();
    format!("{}:{}:", here.file(), here.line() + 1)
}

/// Asserts that a message contains all of these parts.
#[track_caller]
fn assert_says(error: impl std::fmt::Display, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
}

/// What a panic in `f` says.
#[track_caller]
fn panic_text<R>(f: impl FnOnce() -> R) -> String {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)) {
        Ok(_) => panic!("there was no panic"),
        Err(panic) => {
            panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "a panic that is no error".into())
        }
    }
}
