//! The project's chores, run as `cargo xtask CHORE`.

use std::process::ExitCode;

mod compare;
mod conformance;
mod plugins;

use xtask::{Failure, tpu_compile};

/// One chore: its name, what it does, and what runs it on the remaining arguments.
struct Chore {
    name: &'static str,
    help: &'static str,
    run: fn(&[String]) -> Result<(), Failure>,
}

const CHORES: &[Chore] = &[
    Chore {
        name: "compare",
        help: "[--check] [--rounds N] [--out FILE]: the same work in JAX and in Jacinth, as ratios",
        run: compare::run,
    },
    Chore {
        name: "conformance",
        help: "DIR [--plugin NAME] [--filter TEXT]… [--jobs N] [--list] [--json FILE] [--min N]: StableHLO's own cases",
        run: conformance::run,
    },
    Chore {
        name: "plugins",
        help: "[xla-cpu|tpu|cuda]… [--wheel FILE] [--with-libraries]: fetch plugins, or list what discovery finds",
        run: plugins::run,
    },
    Chore {
        name: "tpu-compile",
        help: "FILE.mlir…|--all [--topology v5e:2x2] [--timeout S]: compile ahead of time with libtpu, without a TPU",
        run: tpu_compile::run,
    },
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|name| name == tpu_compile::CHILD) {
        return finish(tpu_compile::CHILD, tpu_compile::child(&args[1..]));
    }
    if args.first().is_some_and(|name| name == conformance::CHILD) {
        return finish(conformance::CHILD, conformance::child(&args[1..]));
    }
    let Some(chore) = args.first().and_then(|name| CHORES.iter().find(|c| c.name == name)) else {
        eprintln!("usage: cargo xtask CHORE");
        CHORES.iter().for_each(|c| eprintln!("  {} {}", c.name, c.help));
        return ExitCode::from(2);
    };
    finish(chore.name, (chore.run)(&args[1..]))
}

fn finish(name: &str, result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{name}: {failure}");
            ExitCode::FAILURE
        }
    }
}
