//! What an executable is made of: the compiled program, and everything that callers ask about it, in the form in which they
//! read it in place.
//!
//! A program is compiled from the module's text and the compile options; its serial form holds just those two, with the
//! plugin's version and a digest, and is compiled again when it is loaded. Programs that the compiler does not take (dynamic
//! shapes inside) run by reference evaluation, which is slow and says so in the optimized program.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use jacinth_lowering::ops::Op;
use jacinth_lowering::options::CompileOptions;
use jacinth_lowering::{Attribute, Attributes, Block, Module, TensorType};
use pjrt_sys::*;
use sha2::{Digest, Sha256};

use super::buffer::{MAX_RANK, buffer_type};
use super::device::KINDS;
use super::extensions::Layout;
use super::guard::Pointers;
use super::named_value::{NamedValues, Value};
use super::topology::PLATFORM_VERSION;
use crate::collectives::Grid;
use crate::executable::Executable;
use crate::{Code, Error, Result};

/// A program, ready to be loaded onto devices.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) backend: Backend,
    pub(super) grid: Grid,
    /// Which parameters the module lets be donated.
    pub(super) donatable: Vec<bool>,
    /// The types of the results, shared with the buffers that hold them.
    pub(super) results: Vec<Arc<TensorType>>,
    pub(super) name: String,
    pub(super) options: CompileOptions,
    /// The options as the caller gave them.
    pub(super) options_bytes: Vec<u8>,
    pub(super) facts: Facts,
    text: String,
    fingerprint: OnceLock<String>,
    optimized: OnceLock<String>,
}

/// What runs a program.
// There is one for each program, and what is called most stands in it directly.
#[allow(clippy::large_enum_variant)]
#[derive(Debug)]
pub(super) enum Backend {
    /// The compiler's schedule.
    Compiled(Executable),
    /// Reference evaluation, for what the compiler refused.
    Reference(Reference),
}

/// A program that runs by reference evaluation.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) module: Arc<Module>,
    parameters: Vec<TensorType>,
    results: Vec<TensorType>,
    /// What the compiler said.
    why: String,
}

/// What callers read in place.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) types: Vec<PJRT_Buffer_Type>,
    pub(super) dims: Vec<i64>,
    pub(super) ranks: Vec<usize>,
    pub(super) kinds: Kinds,
    pub(super) kind_sizes: Vec<usize>,
    pub(super) layouts: Pointers<PJRT_Layouts_MemoryLayout>,
    pub(super) cost: NamedValues,
    pub(super) argument_bytes: usize,
    pub(super) output_bytes: usize,
    pub(super) alias_bytes: usize,
    pub(super) temp_bytes: usize,
}

/// The memory kinds of the outputs, as pointers to static text.
#[derive(Debug)]
pub(super) struct Kinds(pub(super) Vec<*const std::ffi::c_char>);

// SAFETY: the pointers are to static text, and the list is never changed.
unsafe impl Send for Kinds {}
// SAFETY: as above.
unsafe impl Sync for Kinds {}

impl Backend {
    /// Types of the parameters.
    pub(super) fn parameters(&self) -> &[TensorType] {
        match self {
            Backend::Compiled(executable) => executable.parameters(),
            Backend::Reference(reference) => &reference.parameters,
        }
    }

    /// Types of the results.
    pub(super) fn results(&self) -> &[TensorType] {
        match self {
            Backend::Compiled(executable) => executable.results(),
            Backend::Reference(reference) => &reference.results,
        }
    }

    fn aliases(&self) -> &[(usize, usize)] {
        match self {
            Backend::Compiled(executable) => executable.aliases(),
            Backend::Reference(_) => &[],
        }
    }
}

impl Program {
    /// Compiles a program in one of PJRT's formats.
    pub(super) fn compile(format: &str, code: &[u8], options: &[u8]) -> Result<Program> {
        if format != "mlir" {
            let known = if format == "hlo" || format == "hlo_with_config" { " yet" } else { "" };
            return Err(Error::unimplemented(format!(
                "programs of format {format:?} are not supported{known}: send StableHLO as \"mlir\""
            )));
        }
        if code.starts_with(b"ML\xefR") {
            return Err(Error::unimplemented("MLIR bytecode is not supported yet: send the module as text"));
        }
        let text = std::str::from_utf8(code).map_err(|_| Error::invalid("the module's text is not UTF-8"))?;
        // Some callers count C's terminating zero.
        Program::from_text(text.trim_end_matches('\0'), options)
    }

    fn from_text(text: &str, options_bytes: &[u8]) -> Result<Program> {
        let options = CompileOptions::decode(options_bytes)?;
        let grid = Grid {
            replicas: usize::try_from(options.num_replicas).unwrap_or(usize::MAX),
            partitions: usize::try_from(options.num_partitions).unwrap_or(usize::MAX),
        };
        if grid.replicas.checked_mul(grid.partitions).is_none_or(|n| n > i32::MAX as usize) {
            return Err(Error::invalid("the compile options ask for more devices than can be counted"));
        }
        let module = Module::parse(text)?;
        module.verify()?;
        if grid.partitions > 1 {
            refuse_shardings(&module)?;
        }
        let donatable = module
            .main()
            .map_or_else(Vec::new, |main| main.arg_attributes.iter().map(may_be_donated).collect());
        let name = module.name.clone().unwrap_or_else(|| "main".to_owned());
        let backend = match crate::compile::compile(&module) {
            Ok(executable) => Backend::Compiled(executable),
            Err(refusal) => {
                if refusal.code != Code::Unimplemented as u32 {
                    return Err(refusal);
                }
                Backend::Reference(Reference::new(module, &refusal)?)
            }
        };
        let facts = Facts::new(&backend)?;
        let results = backend.results().iter().map(|ty| Arc::new(ty.clone())).collect();
        Ok(Program {
            backend,
            results,
            grid,
            donatable,
            name,
            options,
            options_bytes: options_bytes.to_vec(),
            facts,
            text: text.to_owned(),
            fingerprint: OnceLock::new(),
            optimized: OnceLock::new(),
        })
    }

    /// The program in the form that [`Program::deserialize`] reads.
    pub(super) fn serialize(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        for part in [PLATFORM_VERSION.as_bytes(), &self.options_bytes, self.text.as_bytes()] {
            out.extend_from_slice(&(part.len() as u64).to_le_bytes());
            out.extend_from_slice(part);
        }
        let digest = Sha256::digest(&out);
        out.extend_from_slice(&digest);
        out
    }

    /// Compiles a serialized program, with other options if they are given.
    pub(super) fn deserialize(bytes: &[u8], options: Option<&[u8]>) -> Result<Program> {
        let wrong = |what: &str| Error::invalid(format!("a serialized executable {what}"));
        let (body, digest) = bytes
            .split_last_chunk::<32>()
            .filter(|(body, _)| body.starts_with(MAGIC))
            .ok_or_else(|| wrong("was expected, and these bytes are none of this plugin"))?;
        if Sha256::digest(body)[..] != digest[..] {
            return Err(wrong("is truncated or damaged"));
        }
        let mut rest = &body[MAGIC.len()..];
        let mut part = || {
            let (size, tail) = rest.split_first_chunk::<8>()?;
            let (part, tail) = tail.split_at_checked(usize::try_from(u64::from_le_bytes(*size)).ok()?)?;
            rest = tail;
            Some(part)
        };
        let mut next = || part().ok_or_else(|| wrong("is truncated or damaged"));
        let (version, own_options, text) = (next()?, next()?, next()?);
        if version != PLATFORM_VERSION.as_bytes() {
            let version = String::from_utf8_lossy(version);
            return Err(Error::new(
                Code::FailedPrecondition,
                format!(
                    "the executable was serialized by {version}, this is {PLATFORM_VERSION}: compile it again"
                ),
            ));
        }
        let text = std::str::from_utf8(text).map_err(|_| wrong("is damaged"))?;
        Program::from_text(text, options.unwrap_or(own_options))
    }

    /// A digest of module, options and plugin version.
    pub(super) fn fingerprint(&self) -> &str {
        self.fingerprint.get_or_init(|| {
            let mut hash = Sha256::new();
            for part in [PLATFORM_VERSION.as_bytes(), &self.options_bytes, self.text.as_bytes()] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
            hash.finalize().iter().fold(String::new(), |mut out, byte| {
                // Writing to a string cannot fail.
                let _ = write!(out, "{byte:02x}");
                out
            })
        })
    }

    /// The simplified module, and under it, as comments, the schedule that it was compiled to. Of a program that the compiler does not
    /// take, the module as it came.
    pub(super) fn optimized(&self) -> &str {
        self.optimized.get_or_init(|| {
            let (module, schedule) = match &self.backend {
                Backend::Compiled(executable) => {
                    // What was compiled is read and simplified again: few ask, so nobody keeps it.
                    let module = Module::parse(&self.text).map_err(Error::from);
                    let module = module.and_then(|module| crate::compile::optimized(&module));
                    (module.map(|module| module.to_text()).ok(), executable.to_text())
                }
                Backend::Reference(reference) => {
                    (Some(reference.module.to_text()), format!("reference evaluation: {}", reference.why))
                }
            };
            let mut text = module.as_deref().unwrap_or(&self.text).trim_end().to_owned();
            text.push('\n');
            for line in schedule.lines() {
                text.push_str("// ");
                text.push_str(line);
                text.push('\n');
            }
            text
        })
    }
}

/// How a serialized executable begins: a name and the form's number.
const MAGIC: &[u8] = b"JACINTHX\x01";

impl Reference {
    fn new(module: Module, why: &Error) -> Result<Reference> {
        // The reference evaluation knows no target either: better refused now than when it runs.
        fn calls_custom(block: &Block) -> bool {
            block.ops.iter().any(|o| matches!(o.op, Op::CustomCall(_)) || o.regions.iter().any(calls_custom))
        }
        if module.funcs.iter().any(|func| calls_custom(&func.body)) {
            return Err(why.clone());
        }
        let main = module.main().ok_or_else(|| Error::invalid("the module has no function main"))?;
        let types = |types: &mut dyn Iterator<Item = &jacinth_lowering::Type>| -> Result<Vec<TensorType>> {
            types
                .map(|ty| ty.as_tensor().filter(|ty| ty.is_static()).cloned().ok_or_else(|| why.clone()))
                .collect()
        };
        let parameters = types(&mut main.arg_types())?;
        let results = types(&mut main.result_types.iter())?;
        Ok(Reference { parameters, results, why: why.message.clone(), module: Arc::new(module) })
    }
}

impl Facts {
    fn new(backend: &Backend) -> Result<Facts> {
        let (parameters, results) = (backend.parameters(), backend.results());
        let number = |ty: &TensorType| {
            buffer_type(ty.element).ok_or_else(|| {
                Error::unimplemented(format!("PJRT has no buffers of element type {}", ty.element))
            })
        };
        for ty in parameters.iter().chain(results) {
            number(ty)?;
            if ty.rank() > MAX_RANK {
                return Err(Error::unimplemented(format!(
                    "arrays of {} dimensions: at most {MAX_RANK}",
                    ty.rank()
                )));
            }
        }
        let bytes = |types: &[TensorType]| types.iter().filter_map(TensorType::byte_size).sum::<usize>();
        let aliased = backend.aliases().iter().filter_map(|&(result, _)| results[result].byte_size()).sum();
        let (cost, temp_bytes) = match backend {
            Backend::Compiled(executable) => (executable.cost(), executable.temp_bytes()),
            Backend::Reference(_) => Default::default(),
        };
        let cost = NamedValues::new([
            ("flops", Value::Float(cost.flops as f32)),
            ("bytes accessed", Value::Float(cost.bytes as f32)),
        ]);
        Ok(Facts {
            types: results.iter().map(number).collect::<Result<_>>()?,
            dims: results.iter().flat_map(|ty| ty.shape.iter().copied()).collect(),
            ranks: results.iter().map(TensorType::rank).collect(),
            kinds: Kinds(vec![KINDS[0].as_ptr().cast(); results.len()]),
            kind_sizes: vec![KINDS[0].len(); results.len()],
            layouts: Pointers::to(results.iter().map(|ty| Layout::of(ty.rank()))),
            cost,
            argument_bytes: bytes(parameters),
            output_bytes: bytes(results),
            alias_bytes: aliased,
            temp_bytes,
        })
    }
}

/// Whether a parameter's attributes let its buffer be given up.
fn may_be_donated(attributes: &Attributes) -> bool {
    attributes.get("tf.aliasing_output").is_some()
        || matches!(attributes.get("jax.buffer_donor"), Some(Attribute::Bool(true) | Attribute::Unit))
}

/// A sentence if the module says that arrays are split over the partitions, which this plugin cannot do yet: run as it
/// stands on every device, such a program would give wrong results.
fn refuse_shardings(module: &Module) -> Result<()> {
    let split = |attributes: &Attributes| {
        attributes.iter().any(|(name, value)| match (name, value) {
            ("mhlo.sharding", Attribute::String(text)) => text.contains("devices="),
            ("sdy.sharding" | "sdy.sharding_per_value", Attribute::Opaque(text)) => text.contains("{\""),
            _ => false,
        })
    };
    for func in &module.funcs {
        let signature = func.arg_attributes.iter().chain(&func.result_attributes);
        if signature.clone().any(split) || func.body.ops.iter().any(|op| split(&op.extra)) {
            return Err(Error::unimplemented(format!(
                "@{} has arrays that are split over partitions: partitioning is not supported yet",
                func.name
            )));
        }
    }
    Ok(())
}
