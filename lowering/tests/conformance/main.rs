//! A selection of StableHLO's own test cases through parser, verifier and reference evaluation.

mod cases;

use std::path::Path;

use cases::Outcome;

/// Every case of the selection passes. The whole corpus is run by the example `conformance`.
#[test]
fn selected_cases_pass() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let all = cases::read_index(&folder);
    assert!(all.len() >= 60, "the selection is there");
    for case in &all {
        assert!(case.gated && !case.quantized, "{} is known to be right", case.name);
    }
    let failures: Vec<String> = all
        .iter()
        .filter_map(|case| match cases::run(&folder, case) {
            Outcome::Pass => None,
            Outcome::Failed(message) | Outcome::Refused(message) => {
                Some(format!("{} ({:?}): {message}", case.name, case.ops))
            }
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
