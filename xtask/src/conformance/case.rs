//! One case: a module, its inputs and the results that are expected.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use jacinth_lowering::options::CompileOptions;
use jacinth_lowering::{ElementType, TensorType};
use jacinth_pjrt::{
    Buffer, Client, ClientOptions, ElementType as BufferType, ExecuteOptions, HostArray, Program,
};
use serde_json::Value;

use super::check::Check;
use crate::Failure;

/// Devices that a client is made with; no case needs more.
const DEVICES: i64 = 8;

/// A line of the index.
pub(super) struct Case {
    pub(super) name: String,
    /// The line itself.
    pub(super) line: String,
    pub(super) operations: Vec<String>,
    pub(super) quantized: bool,
    /// Whether XLA:CPU or the reference interpreter passes it.
    pub(super) reference_passes: bool,
    module: String,
    npz: String,
    inputs: Vec<TensorType>,
    outputs: Vec<TensorType>,
    checks: Vec<Check>,
    replicas: i64,
    partitions: i64,
}

/// Why a case did not come to a result.
pub(super) struct Refusal {
    pub(super) refused: bool,
    pub(super) message: String,
}

impl From<jacinth_pjrt::Error> for Refusal {
    fn from(error: jacinth_pjrt::Error) -> Self {
        Refusal { refused: error.is_unimplemented(), message: error.to_string() }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Refusal { refused: false, message: failure.to_string() }
    }
}

/// A client of the plugin with enough devices for every case.
pub(super) fn client(plugin: &str) -> Result<Client, Failure> {
    let plugin = jacinth_plugins::resolve(plugin)?;
    Ok(plugin.client(&ClientOptions::new().with("cpu_device_count", DEVICES))?)
}

/// The cases of a folder.
pub(super) fn read_index(dir: &Path) -> Result<Vec<Case>, Failure> {
    let path = dir.join("index.jsonl");
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    text.lines().filter(|line| !line.is_empty()).map(Case::read).collect()
}

impl Case {
    /// Reads a line of the index.
    pub(super) fn read(line: &str) -> Result<Case, Failure> {
        let value: Value = serde_json::from_str(line)?;
        let text = |key: &str| -> Result<String, Failure> {
            Ok(value[key].as_str().ok_or_else(|| format!("the index has no {key} in {line}"))?.to_owned())
        };
        let list =
            |key: &str| value[key].as_array().ok_or_else(|| format!("the index has no {key} in {line}"));
        let reference = &value["ref"];
        Ok(Case {
            name: text("name")?,
            line: line.to_owned(),
            operations: list("ops")?.iter().filter_map(|op| Some(op.as_str()?.to_owned())).collect(),
            quantized: value["quantized"].as_bool() == Some(true),
            reference_passes: ["xla_cpu", "interp"].iter().any(|by| reference[by].as_str() == Some("pass")),
            module: text("module")?,
            npz: text("npz")?,
            inputs: list("inputs")?.iter().map(read_type).collect::<Result<_, _>>()?,
            outputs: list("outputs")?.iter().map(read_type).collect::<Result<_, _>>()?,
            checks: list("checks")?.iter().map(Check::read).collect::<Result<_, _>>()?,
            replicas: value["num_replicas"].as_i64().unwrap_or(1),
            partitions: value["num_partitions"].as_i64().unwrap_or(1),
        })
    }

    /// Whether a filter means this case: part of its name, or one of its operations.
    pub(super) fn matches(&self, filter: &str) -> bool {
        self.name.contains(filter)
            || self
                .operations
                .iter()
                .any(|op| op == filter || op.split_once('.').is_some_and(|o| o.1 == filter))
    }

    /// Compiles and runs the case: nothing if it passes, else what differs.
    pub(super) fn run(&self, client: &Client, dir: &Path) -> Result<Option<String>, Refusal> {
        let mut text = std::fs::read_to_string(dir.join(&self.module)).map_err(Failure::from)?;
        if self.partitions > 1 {
            text = by_hand(&text)?;
        }
        let row = |p: i64| (0..self.replicas).map(|r| r * self.partitions + p).collect();
        let options = CompileOptions {
            num_replicas: self.replicas,
            num_partitions: self.partitions,
            use_spmd_partitioning: self.partitions > 1,
            device_assignment: Some((0..self.partitions).map(row).collect()),
            device_ordinal: -1,
            ..CompileOptions::default()
        };
        let executable = client.compile(&Program::mlir(&text), &options.encode())?;

        let mut arrays = Arrays::open(&dir.join(&self.npz))?;
        let devices = executable.devices();
        let count = (self.replicas * self.partitions) as usize;
        if devices.len() != count {
            return Err(Failure::from(format!("{} devices for {count} processes", devices.len())).into());
        }
        let name = |kind: &str, k: usize, d: usize| {
            if count == 1 { format!("{kind}{k}") } else { format!("{kind}{k}@d{d}") }
        };
        let mut arguments: Vec<Vec<Buffer>> = Vec::new();
        for (d, device) in devices.iter().enumerate() {
            let mut list = Vec::new();
            for (k, ty) in self.inputs.iter().enumerate() {
                let bytes = arrays.read(&name("in", k, d), ty)?;
                let array = HostArray::new(&bytes, buffer_type(ty.element)?, &ty.shape);
                list.push(Buffer::from_host(&array, device)?);
            }
            arguments.push(list);
        }
        let lists: Vec<Vec<&Buffer>> = arguments.iter().map(|list| list.iter().collect()).collect();
        let execution = executable.execute(&lists, &ExecuteOptions::default())?;
        for (d, outputs) in execution.outputs.iter().enumerate() {
            if outputs.len() != self.outputs.len() {
                return Ok(Some(format!("{} results, {} are expected", outputs.len(), self.outputs.len())));
            }
            for (k, (output, ty)) in outputs.iter().zip(&self.outputs).enumerate() {
                let got = (output.element_type()?, output.dimensions()?);
                if got != (buffer_type(ty.element)?, &ty.shape[..]) {
                    return Ok(Some(format!("result {k} is {}{:?}, expected {ty}", got.0, got.1)));
                }
                let (actual, expected) = (output.to_host()?, arrays.read(&name("out", k, d), ty)?);
                if let Some(difference) = self.checks[k].difference(ty.element, &actual, &expected) {
                    let on = if count == 1 { String::new() } else { format!(" on device {d}") };
                    return Ok(Some(format!("result {k}{on}: {difference}")));
                }
            }
        }
        Ok(None)
    }
}

/// Marks every parameter and result as partitioned by hand, so that a partitioner leaves the program as it is.
fn by_hand(text: &str) -> Result<String, Failure> {
    const MARK: &str = " {mhlo.sharding = \"{manual}\"}";
    let (before, rest) = text.split_once("func.func public @main(").ok_or("the module has no public main")?;
    let (signature, body) = rest.split_once(" {\n").ok_or("main has no body")?;
    let (parameters, results) = signature.split_once(") -> ").ok_or("main has no results")?;
    let marked = |list: &str| {
        let parts: Vec<String> =
            list.split(", ").filter(|p| !p.is_empty()).map(|p| format!("{p}{MARK}")).collect();
        parts.join(", ")
    };
    let results = marked(results.trim_matches(['(', ')']));
    let parameters = marked(parameters);
    Ok(format!("{before}func.func public @main({parameters}) -> ({results}) {{\n{body}"))
}

fn read_type(value: &Value) -> Result<TensorType, Failure> {
    let wrong = || format!("the index has the type {value}");
    let element = value[0].as_str().and_then(ElementType::from_name).ok_or_else(wrong)?;
    let shape = value[1].as_array().ok_or_else(wrong)?;
    let shape: Option<Vec<i64>> = shape.iter().map(Value::as_i64).collect();
    Ok(TensorType::new(shape.ok_or_else(wrong)?, element))
}

fn buffer_type(element: ElementType) -> Result<BufferType, Failure> {
    let name = match element {
        ElementType::I1 => "pred".to_owned(),
        ElementType::C64 => "c64".to_owned(),
        ElementType::C128 => "c128".to_owned(),
        other if other.is_unsigned() => other.name().replace("ui", "u"),
        other if other.is_integer() => other.name().replace('i', "s"),
        other => other.name().to_lowercase(),
    };
    let found = BufferType::ALL.iter().copied().find(|ty| ty.name() == name);
    Ok(found.ok_or_else(|| format!("PJRT has no element type {name}"))?)
}

/// The arrays of an `.npz` file.
struct Arrays(zip::ZipArchive<File>);

impl Arrays {
    fn open(path: &Path) -> Result<Arrays, Failure> {
        Ok(Arrays(zip::ZipArchive::new(File::open(path)?)?))
    }

    /// An array's bytes, row-major; its type is known from the index, and only its size is compared.
    fn read(&mut self, name: &str, ty: &TensorType) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        self.0.by_name(&format!("{name}.npy"))?.read_to_end(&mut bytes)?;
        let wrong = |what: &str| format!("{name}.npy: {what}");
        if !bytes.starts_with(b"\x93NUMPY") {
            return Err(wrong("not a NumPy array").into());
        }
        let (size, start) = match bytes.get(6) {
            Some(1) => (usize::from(u16::from_le_bytes([bytes[8], bytes[9]])), 10),
            _ => (u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]) as usize, 12),
        };
        let header =
            String::from_utf8_lossy(bytes.get(start..start + size).ok_or_else(|| wrong("is cut off"))?);
        if header.contains("'fortran_order': True") && ty.rank() > 1 {
            return Err(wrong("is column-major").into());
        }
        let data = bytes.split_off(start + size);
        if Some(data.len()) != ty.byte_size() {
            return Err(wrong(&format!("{} bytes are no {ty}", data.len())).into());
        }
        Ok(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_type_of_the_cases_has_a_buffer_type() {
        for &element in ElementType::ALL {
            let known = !matches!(element, ElementType::F6E2M3FN | ElementType::F6E3M2FN);
            assert_eq!(buffer_type(element).is_ok(), known, "{element}");
        }
    }

    #[test]
    fn partitioned_programs_are_marked() {
        let text = "module {\n  func.func public @main(%arg0: tensor<2xi64>, %arg1: tensor<i1>) -> tensor<2xi64> {\n  }\n}";
        let marked = by_hand(text).unwrap();
        assert!(
            marked.contains("%arg1: tensor<i1> {mhlo.sharding = \"{manual}\"}) -> (tensor<2xi64> {mhlo"),
            "{marked}"
        );
    }
}
