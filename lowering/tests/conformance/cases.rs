//! StableHLO's own test cases in the form of a folder: `index.jsonl` with one case a line, each a module's text, its inputs and
//! expected outputs in an `.npz`, and for every output how closely it must be met.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use jacinth_lowering::element::{self, Scalar};
use jacinth_lowering::{ElementType, Error, ErrorKind, Kind, Literal, Module, TensorType, eval};
use serde_json::Value;

/// One case.
#[derive(Debug)]
pub(crate) struct Case {
    pub name: String,
    pub module: String,
    pub npz: String,
    pub inputs: Vec<Option<TensorType>>,
    pub outputs: Vec<Option<TensorType>>,
    pub checks: Vec<Check>,
    pub ops: Vec<String>,
    pub num_replicas: u32,
    pub num_partitions: u32,
    /// Whether it uses quantized types.
    pub quantized: bool,
    /// Whether another implementation passes it: only then is it known to be right.
    pub gated: bool,
}

/// How closely an output must be met.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Check {
    /// `==`, element by element: NaN is unequal, −0 equals 0.
    Exact,
    /// At most this many representable numbers apart.
    Ulp(u64),
    /// At most this far apart.
    Abs(f64),
}

/// What came of a case.
#[derive(Debug)]
pub(crate) enum Outcome {
    Pass,
    /// The program is not supported; the sentence says why.
    Refused(String),
    /// Wrong, or an error where there must be none.
    Failed(String),
}

/// Reads the cases of a folder.
pub(crate) fn read_index(folder: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(folder.join("index.jsonl")).expect("the folder has an index.jsonl");
    text.lines().map(|line| parse_case(&serde_json::from_str(line).expect("a line is JSON"))).collect()
}

fn parse_case(line: &Value) -> Case {
    let text = |key: &str| line[key].as_str().expect("a string").to_owned();
    let list = |key: &str| line[key].as_array().expect("a list").iter();
    let ty = |pair: &Value| {
        let element = ElementType::from_name(pair[0].as_str()?)?;
        Some(TensorType::new(pair[1].as_array()?.iter().filter_map(Value::as_i64), element))
    };
    let check = |check: &Value| match check["kind"].as_str() {
        Some("exact") => Check::Exact,
        Some("ulp") => Check::Ulp(check["tol"].as_f64().expect("a number") as u64),
        Some("abs") => Check::Abs(check["tol"].as_f64().expect("a number")),
        other => panic!("unknown kind of check {other:?}"),
    };
    let count = |key: &str| line[key].as_u64().unwrap_or(1) as u32;
    Case {
        name: text("name"),
        module: text("module"),
        npz: text("npz"),
        inputs: list("inputs").map(ty).collect(),
        outputs: list("outputs").map(ty).collect(),
        checks: list("checks").map(check).collect(),
        ops: list("ops").map(|op| op.as_str().expect("a name").to_owned()).collect(),
        num_replicas: count("num_replicas"),
        num_partitions: count("num_partitions"),
        quantized: line["quantized"].as_bool().unwrap_or(false),
        gated: line["ref"].as_object().is_some_and(|by| by.values().any(|v| v == "pass")),
    }
}

/// Parses, verifies and evaluates a case, and compares what comes out.
pub(crate) fn run(folder: &Path, case: &Case) -> Outcome {
    let refused = |error: Error| match error.kind {
        ErrorKind::Unsupported => Outcome::Refused(error.to_string()),
        _ => Outcome::Failed(error.to_string()),
    };
    let text = std::fs::read_to_string(folder.join(&case.module)).expect("the case has a module");
    let module = match Module::parse(&text) {
        Ok(module) => module,
        Err(error) => return refused(error),
    };
    if let Err(error) = module.verify() {
        return refused(error);
    }
    let (Some(inputs), Some(outputs)) = (
        case.inputs.iter().cloned().collect::<Option<Vec<_>>>(),
        case.outputs.iter().cloned().collect::<Option<Vec<_>>>(),
    ) else {
        return Outcome::Refused("a type that is not supported".to_owned());
    };
    let arrays = read_npz(&folder.join(&case.npz));
    let devices = (case.num_replicas * case.num_partitions) as usize;
    let read = |kind: &str, types: &[TensorType], device: usize| -> Vec<Literal> {
        let name = |i: usize| match devices {
            1 => format!("{kind}{i}.npy"),
            _ => format!("{kind}{i}@d{device}.npy"),
        };
        let literal = |(i, ty): (usize, &TensorType)| {
            let bytes = arrays.get(&name(i)).unwrap_or_else(|| panic!("{} has {}", case.npz, name(i)));
            Literal::from_bytes(ty.clone(), bytes.clone()).expect("as many bytes as the type has")
        };
        types.iter().enumerate().map(literal).collect()
    };
    let args: Vec<Vec<Literal>> = (0..devices).map(|d| read("in", &inputs, d)).collect();
    let results = match eval::evaluate_grid(&module, case.num_replicas, case.num_partitions, &args) {
        Ok(results) => results,
        Err(error) => return refused(error),
    };
    for (device, results) in results.iter().enumerate() {
        let expected = read("out", &outputs, device);
        if results.len() != expected.len() {
            return Outcome::Failed(format!("{} results, {} are expected", results.len(), expected.len()));
        }
        for (i, ((actual, expected), check)) in results.iter().zip(&expected).zip(&case.checks).enumerate() {
            if let Err(message) = compare(actual, expected, *check) {
                return Outcome::Failed(format!("device {device}, output {i}: {message}"));
            }
        }
    }
    Outcome::Pass
}

/// Whether a value meets what is expected of it, or a sentence.
pub(crate) fn compare(actual: &Literal, expected: &Literal, check: Check) -> Result<(), String> {
    let ty = expected.ty();
    if actual.ty() != ty {
        return Err(format!("a value of type {} instead of {ty}", actual.ty()));
    }
    let mut wrong = 0;
    let mut first = None;
    for i in 0..expected.len() {
        let (a, e) = (actual.element(i), expected.element(i));
        if !meets(ty.element, a, e, check) {
            wrong += 1;
            first.get_or_insert_with(|| {
                format!(
                    "element {i} is {:?} instead of {:?}",
                    element::read(ty.element, a),
                    element::read(ty.element, e)
                )
            });
        }
    }
    match first {
        None => Ok(()),
        Some(first) => {
            Err(format!("{wrong} of {} elements differ beyond {check:?}; {first}", expected.len()))
        }
    }
}

fn meets(ty: ElementType, actual: &[u8], expected: &[u8], check: Check) -> bool {
    if ty.kind() == Kind::Complex && !matches!(check, Check::Exact) {
        let half = actual.len() / 2;
        return meets(ty.real(), &actual[..half], &expected[..half], check)
            && meets(ty.real(), &actual[half..], &expected[half..], check);
    }
    let (a, e) = (element::read(ty, actual), element::read(ty, expected));
    match (check, a, e) {
        (Check::Exact, _, _) => a == e,
        // A tolerance of half of all numbers accepts anything.
        (Check::Ulp(tolerance), ..) if tolerance >= 1 << 63 => true,
        (_, Scalar::Float(x), Scalar::Float(y)) if x.is_nan() || y.is_nan() => x.is_nan() && y.is_nan(),
        (_, Scalar::Float(x), Scalar::Float(y)) if x.is_infinite() || y.is_infinite() => x == y,
        (Check::Abs(tolerance), Scalar::Float(x), Scalar::Float(y)) => (x - y).abs() <= tolerance,
        (Check::Ulp(tolerance), Scalar::Float(_), Scalar::Float(_)) => {
            let place = |bytes: &[u8]| {
                let mut wide = [0u8; 8];
                wide[..bytes.len()].copy_from_slice(bytes);
                let bits = u64::from_le_bytes(wide);
                let sign = 1u64 << (8 * bytes.len() - 1);
                let magnitude = (bits & (sign - 1)) as i128;
                if bits & sign == 0 { magnitude } else { -magnitude }
            };
            let little = |bytes: &[u8]| match cfg!(target_endian = "little") {
                true => place(bytes),
                false => place(&bytes.iter().rev().copied().collect::<Vec<_>>()),
            };
            (little(actual) - little(expected)).unsigned_abs() <= tolerance.into()
        }
        (Check::Abs(tolerance), Scalar::Int(x), Scalar::Int(y)) => (x - y).unsigned_abs() as f64 <= tolerance,
        _ => a == e,
    }
}

/// The arrays of an `.npz`, as bytes in row-major order.
fn read_npz(path: &Path) -> HashMap<String, Vec<u8>> {
    let file = std::fs::File::open(path).expect("the case has its arrays");
    let mut archive = zip::ZipArchive::new(file).expect("an npz is a zip archive");
    (0..archive.len())
        .map(|i| {
            let mut entry = archive.by_index(i).expect("an entry of the archive");
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("an entry can be read");
            let name = entry.name().expect("names are text").into_owned();
            (name, array_bytes(&bytes).to_vec())
        })
        .collect()
}

/// The data of an `.npy` of format 1, in C order.
fn array_bytes(npy: &[u8]) -> &[u8] {
    assert!(npy.starts_with(b"\x93NUMPY\x01"), "an npy of format 1");
    let length = usize::from(u16::from_le_bytes([npy[8], npy[9]]));
    let (header, data) = npy[10..].split_at(length);
    let header = std::str::from_utf8(header).expect("the header is text");
    assert!(header.contains("'fortran_order': False") && !header.contains("'descr': '>"), "{header}");
    data
}
