//! Runs a folder of StableHLO's own test cases through the reference evaluation:
//!
//!     cargo run --release -p jacinth-lowering --example conformance -- FOLDER [--only TEXT] [--show]
//!
//! Prints for every operation how many of the cases that use it pass, fail and are refused. A case counts where another
//! implementation passes it; `--show` lists what does not pass.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

#[path = "../tests/conformance/cases.rs"]
mod cases;

use cases::Outcome;

fn main() {
    let mut folder = None;
    let mut only = String::new();
    let mut show = false;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--only" => only = args.next().unwrap_or_default(),
            "--show" => show = true,
            _ => folder = Some(PathBuf::from(arg)),
        }
    }
    let Some(folder) = folder else {
        eprintln!("usage: conformance FOLDER [--only TEXT] [--show]");
        std::process::exit(2);
    };
    let all: Vec<_> =
        cases::read_index(&folder).into_iter().filter(|case| case.name.contains(&only)).collect();
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let mut outcomes: Vec<(usize, Outcome, f64)> = std::thread::scope(|scope| {
        let work = || {
            let mut mine = Vec::new();
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                let Some(case) = all.get(i) else { break mine };
                let start = Instant::now();
                // A panic is a failure of this case, not the end of the run.
                let outcome = std::panic::catch_unwind(|| cases::run(&folder, case))
                    .unwrap_or_else(|_| Outcome::Failed("a panic".to_owned()));
                mine.push((i, outcome, start.elapsed().as_secs_f64()));
            }
        };
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("panics are caught")).collect()
    });
    outcomes.sort_by_key(|outcome| outcome.0);

    let mut by_op: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    let (mut counts, mut gated) = ([0; 3], [0; 3]);
    for (i, outcome, seconds) in &outcomes {
        let case = &all[*i];
        let (column, message) = match outcome {
            Outcome::Pass => (0, ""),
            Outcome::Failed(message) => (1, message.as_str()),
            Outcome::Refused(message) => (2, message.as_str()),
        };
        counts[column] += 1;
        if case.gated && !case.quantized {
            gated[column] += 1;
        }
        for op in case.ops.iter().filter(|op| !op.ends_with(".return")) {
            by_op.entry(op).or_default()[column] += 1;
        }
        if show && column != 0 {
            let gate = if case.gated { "" } else { " (not gated)" };
            println!("{}{gate}: {}: {message}", case.name, ["", "failed", "refused"][column]);
        }
        if show && *seconds > 1.0 {
            println!("{}: {seconds:.1} s", case.name);
        }
    }
    println!("{:<40} {:>7} {:>7} {:>7}", "operation", "pass", "fail", "refused");
    for (op, [pass, fail, refused]) in by_op {
        println!("{op:<40} {pass:>7} {fail:>7} {refused:>7}");
    }
    let line = |what: &str, [pass, fail, refused]: [usize; 3]| {
        println!("{what:<40} {pass:>7} {fail:>7} {refused:>7}")
    };
    line("all cases", counts);
    line("unquantized, passed elsewhere", gated);
}
