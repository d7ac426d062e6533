//! How long reading, verifying and printing take: `cargo run --release --example text_speed -- FILE.mlir…`, the golden
//! modules without arguments. Prints the median of many runs and the module's number of values.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use jacinth_lowering::Module;

fn main() {
    let mut files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if files.is_empty() {
        let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let entries = std::fs::read_dir(golden).expect("the golden modules are there");
        files = entries.map(|entry| entry.expect("readable").path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "mlir"));
        files.sort();
    }
    println!("{:<24} {:>7} {:>9} {:>9} {:>9} {:>9}", "module", "values", "bytes", "parse", "verify", "print");
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let module = Module::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let values: usize = module.funcs.iter().map(|func| func.values.len()).sum();
        println!(
            "{:<24} {values:>7} {:>9} {:>6.1} µs {:>6.1} µs {:>6.1} µs",
            file.file_stem().unwrap_or_default().to_string_lossy(),
            text.len(),
            median(|| drop(black_box(Module::parse(black_box(&text))))),
            median(|| drop(black_box(module.verify()))),
            median(|| drop(black_box(module.to_text()))),
        );
    }
}

/// The median time of many runs in microseconds.
fn median(mut run: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..101)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
