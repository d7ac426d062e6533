//! The project's chores, run as `cargo xtask CHORE`.

use std::process::ExitCode;

mod compare;

type Failure = Box<dyn std::error::Error>;

/// One chore: its name, what it does, and what runs it on the remaining arguments.
struct Chore {
    name: &'static str,
    help: &'static str,
    run: fn(&[String]) -> Result<(), Failure>,
}

const CHORES: &[Chore] = &[Chore {
    name: "compare",
    help: "[--check] [--rounds N] [--out FILE]: the same work in JAX and in Jacinth, as ratios",
    run: compare::run,
}];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let Some(chore) = args.first().and_then(|name| CHORES.iter().find(|c| c.name == name)) else {
        eprintln!("usage: cargo xtask CHORE");
        CHORES.iter().for_each(|c| eprintln!("  {} {}", c.name, c.help));
        return ExitCode::from(2);
    };
    match (chore.run)(&args[1..]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{}: {failure}", chore.name);
            ExitCode::FAILURE
        }
    }
}
