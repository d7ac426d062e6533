//! `PJRT_Executable` and `PJRT_LoadedExecutable`: compiling, loading, and what can be asked of the result.
//!
//! Both are handles of one [`Program`]; a loaded one also knows its devices. Executing is in `execute`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jacinth_lowering::options::{CompileOptions, encode_device_assignment};
use pjrt_sys::*;

use super::client::{Client, Core, grid_size};
use super::guard::{Args, Pointers, entries, give, opaque};
use super::program::{Backend, Facts, Program};
use crate::{Error, Result};

opaque! {
    PJRT_Executable => Executable;
    PJRT_LoadedExecutable => Loaded;
    PJRT_SerializedExecutable => Vec<u8>;
    PJRT_SerializedCompileOptions => Vec<u8>;
    PJRT_DeviceAssignmentSerialized => Vec<u8>;
}

/// A program on no device in particular.
#[derive(Debug)]
pub(super) struct Executable {
    program: Arc<Program>,
}

/// A program on its devices.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) core: Arc<Core>,
    pub(super) program: Arc<Program>,
    /// The device of each process.
    pub(super) devices: Vec<usize>,
    list: Pointers<PJRT_Device>,
    deleted: AtomicBool,
}

impl Loaded {
    fn new(core: &Arc<Core>, program: Program) -> Result<Loaded> {
        let devices = assign(&program.options, core.devices.len())?;
        let list = Pointers::to(devices.iter().map(|&index| &core.devices[index]));
        let program = Arc::new(program);
        Ok(Loaded { core: core.clone(), program, devices, list, deleted: AtomicBool::new(false) })
    }

    /// A sentence if the executable was deleted.
    pub(super) fn check_present(&self) -> Result<()> {
        if self.deleted.load(Ordering::Relaxed) {
            return Err(Error::invalid(format!("the executable {} has been deleted", self.program.name)));
        }
        Ok(())
    }
}

/// The device of each process, in the order of processes.
fn assign(options: &CompileOptions, devices: usize) -> Result<Vec<usize>> {
    let (replicas, partitions) = (options.num_replicas, options.num_partitions);
    let small = |n: i64| i32::try_from(n).unwrap_or(i32::MAX);
    let count = grid_size(small(replicas), small(partitions), devices)?;
    let check = |id: i64| {
        usize::try_from(id).ok().filter(|&id| id < devices).ok_or_else(|| {
            Error::invalid(format!("the device assignment names device {id}: there are {devices}"))
        })
    };
    let Some(rows) = &options.device_assignment else {
        if count == 1 && options.device_ordinal > 0 {
            return Ok(vec![check(options.device_ordinal)?]);
        }
        return Ok((0..count).collect());
    };
    if rows.len() as i64 != partitions || rows.iter().any(|row| row.len() as i64 != replicas) {
        let (r, p) = (rows.first().map_or(0, Vec::len), rows.len());
        return Err(Error::invalid(format!(
            "the device assignment is for {r} replicas and {p} partitions, the options are for {replicas} and {partitions}"
        )));
    }
    let mut assigned = Vec::with_capacity(count);
    for replica in 0..replicas as usize {
        for row in rows {
            let device = check(row[replica])?;
            if assigned.contains(&device) {
                return Err(Error::invalid(format!("the device assignment names device {device} twice")));
            }
            assigned.push(device);
        }
    }
    Ok(assigned)
}

/// Compiles the program of a caller.
fn compile<A>(
    args: &Args<'_, A>,
    program: *const PJRT_Program,
    options: *const std::ffi::c_char,
    options_size: usize,
) -> Result<Program> {
    let program = args.sized(program, PJRT_Program::STRUCT_SIZE)?;
    let program = program.ok_or_else(|| Error::invalid("the program is null"))?;
    let format = args.text("the program's format", program.format, program.format_size)?;
    let code = args.bytes("the program's code", program.code, program.code_size)?;
    Program::compile(format, code, args.bytes("compile_options", options, options_size)?)
}

/// Gives bytes to the caller together with what deletes them.
macro_rules! give_bytes {
    ($args:ident, $bytes:expr, $object:ident, $deleter:ident) => {{
        let bytes: Box<Vec<u8>> = Box::new($bytes);
        $args.serialized_bytes = bytes.as_ptr().cast();
        $args.serialized_bytes_size = bytes.len();
        $args.$object = Box::into_raw(bytes).cast();
        $args.$deleter = Some(delete_bytes);
    }};
}

/// Deletes what `give_bytes` gave.
unsafe extern "C" fn delete_bytes<T>(bytes: *mut T) {
    if !bytes.is_null() {
        // SAFETY: `give_bytes` made the box, and the caller deletes it once.
        drop(unsafe { Box::from_raw(bytes.cast::<Vec<u8>>()) });
    }
}

entries! {
    /// `PJRT_Client_Compile`: for the devices that the options assign.
    client_compile(args: PJRT_Client_Compile_Args) {
        let client = args.get(args.client)?;
        let program = compile(&args, args.program, args.compile_options, args.compile_options_size)?;
        args.executable = give(Loaded::new(&client.core, program)?);
        Ok(())
    }

    /// `PJRT_Compile`: ahead of time, for a topology.
    compile_for_topology(args: PJRT_Compile_Args) {
        let topology = args.get(args.topology)?;
        let program = compile(&args, args.program, args.compile_options, args.compile_options_size)?;
        assign(&program.options, topology.devices)?;
        args.executable = give(Executable { program: Arc::new(program) });
        Ok(())
    }

    /// `PJRT_Executable_DeserializeAndLoad`: compiles the program again.
    deserialize_and_load(args: PJRT_Executable_DeserializeAndLoad_Args from loaded_executable) {
        let client: &Client = args.get(args.client)?;
        let bytes = args.bytes("serialized_executable", args.serialized_executable, args.serialized_executable_size)?;
        let overriding = (!args.overridden_serialized_compile_options.is_null()).then(|| {
            let options = args.overridden_serialized_compile_options;
            args.bytes("overridden options", options, args.overridden_serialized_compile_options_size)
        });
        let program = Program::deserialize(bytes, overriding.transpose()?.filter(|o| !o.is_empty()))?;
        args.loaded_executable = give(Loaded::new(&client.core, program)?);
        Ok(())
    }

    /// `PJRT_Executable_Destroy`; null is allowed.
    destroy(args: PJRT_Executable_Destroy_Args) {
        if !args.executable.is_null() {
            drop(args.take(args.executable)?);
        }
        Ok(())
    }

    /// `PJRT_Executable_Name`: the module's.
    name(args: PJRT_Executable_Name_Args) {
        let name = &args.get(args.executable)?.program.name;
        args.executable_name = name.as_ptr().cast();
        args.executable_name_size = name.len();
        Ok(())
    }

    /// `PJRT_Executable_NumReplicas`.
    num_replicas(args: PJRT_Executable_NumReplicas_Args) {
        args.num_replicas = args.get(args.executable)?.program.grid.replicas;
        Ok(())
    }

    /// `PJRT_Executable_NumPartitions`.
    num_partitions(args: PJRT_Executable_NumPartitions_Args) {
        args.num_partitions = args.get(args.executable)?.program.grid.partitions;
        Ok(())
    }

    /// `PJRT_Executable_NumOutputs`.
    num_outputs(args: PJRT_Executable_NumOutputs_Args) {
        args.num_outputs = args.get(args.executable)?.program.facts.types.len();
        Ok(())
    }

    /// `PJRT_Executable_SizeOfGeneratedCodeInBytes`: 0, since no machine code is generated.
    size_of_generated_code(args: PJRT_Executable_SizeOfGeneratedCodeInBytes_Args) {
        args.get(args.executable)?;
        args.size_in_bytes = 0;
        Ok(())
    }

    /// `PJRT_Executable_Fingerprint`.
    fingerprint(args: PJRT_Executable_Fingerprint_Args) {
        let text = args.get(args.executable)?.program.fingerprint();
        args.executable_fingerprint = text.as_ptr().cast();
        args.executable_fingerprint_size = text.len();
        Ok(())
    }

    /// `PJRT_Executable_GetCostAnalysis`: `flops` and `bytes accessed` of one execution.
    cost_analysis(args: PJRT_Executable_GetCostAnalysis_Args) {
        let cost = &args.get(args.executable)?.program.facts.cost;
        args.properties = cost.as_ptr();
        args.num_properties = cost.len();
        Ok(())
    }

    /// `PJRT_Executable_GetCompiledMemoryStats`.
    compiled_memory_stats(args: PJRT_Executable_GetCompiledMemoryStats_Args from host_temp_size_in_bytes) {
        let facts = &args.get(args.executable)?.program.facts;
        let total = facts.argument_bytes + facts.output_bytes + facts.temp_bytes - facts.alias_bytes;
        args.generated_code_size_in_bytes = 0;
        args.argument_size_in_bytes = facts.argument_bytes as i64;
        args.output_size_in_bytes = facts.output_bytes as i64;
        args.alias_size_in_bytes = facts.alias_bytes as i64;
        args.temp_size_in_bytes = facts.temp_bytes as i64;
        args.host_generated_code_size_in_bytes = 0;
        args.host_argument_size_in_bytes = 0;
        args.host_output_size_in_bytes = 0;
        args.host_alias_size_in_bytes = 0;
        args.host_temp_size_in_bytes = 0;
        args.peak_memory_in_bytes = total as i64;
        args.total_size_in_bytes = total as i64;
        Ok(())
    }

    /// `PJRT_Executable_OutputElementTypes`.
    output_element_types(args: PJRT_Executable_OutputElementTypes_Args) {
        let types = &args.get(args.executable)?.program.facts.types;
        args.output_types = types.as_ptr().cast_mut();
        args.num_output_types = types.len();
        Ok(())
    }

    /// `PJRT_Executable_OutputDimensions`.
    output_dimensions(args: PJRT_Executable_OutputDimensions_Args) {
        let facts = &args.get(args.executable)?.program.facts;
        args.num_outputs = facts.ranks.len();
        args.dims = facts.dims.as_ptr();
        args.dim_sizes = facts.ranks.as_ptr();
        Ok(())
    }

    /// `PJRT_Executable_OutputMemoryKinds`: `device`.
    output_memory_kinds(args: PJRT_Executable_OutputMemoryKinds_Args) {
        let facts = &args.get(args.executable)?.program.facts;
        args.num_outputs = facts.kind_sizes.len();
        args.memory_kinds = facts.kinds.0.as_ptr();
        args.memory_kind_sizes = facts.kind_sizes.as_ptr();
        Ok(())
    }

    /// `PJRT_Executable_OptimizedProgram`: "mlir", the simplified module with its schedule as comments.
    optimized_program(args: PJRT_Executable_OptimizedProgram_Args) {
        const FORMAT: &str = "mlir";
        let text = args.get(args.executable)?.program.optimized();
        let [program] = args.slice_mut("the program", args.program, 1)? else {
            return Err(Error::internal("one program was expected"));
        };
        program.format = FORMAT.as_ptr().cast();
        program.format_size = FORMAT.len();
        if program.code.is_null() {
            program.code_size = text.len();
            return Ok(());
        }
        if program.code_size < text.len() {
            let (size, needed) = (program.code_size, text.len());
            return Err(Error::invalid(format!("code_size is {size}, but the program needs {needed} bytes")));
        }
        let code = args.slice_mut("the program's code", program.code.cast::<u8>(), text.len())?;
        code.copy_from_slice(text.as_bytes());
        program.code_size = text.len();
        Ok(())
    }

    /// `PJRT_Executable_Serialize`.
    serialize(args: PJRT_Executable_Serialize_Args) {
        let bytes = args.get(args.executable)?.program.serialize();
        give_bytes!(args, bytes, serialized_executable, serialized_executable_deleter);
        Ok(())
    }

    /// `PJRT_Executable_GetCompileOptions`: as they were given.
    get_compile_options(args: PJRT_Executable_GetCompileOptions_Args) {
        let bytes = args.get(args.executable)?.program.options_bytes.clone();
        give_bytes!(args, bytes, serialized_compile_options, serialized_compile_options_deleter);
        Ok(())
    }

    /// `PJRT_LoadedExecutable_Destroy`; null is allowed. What was queued still runs.
    loaded_destroy(args: PJRT_LoadedExecutable_Destroy_Args) {
        if !args.executable.is_null() {
            drop(args.take(args.executable)?);
        }
        Ok(())
    }

    /// `PJRT_LoadedExecutable_GetExecutable`: the caller destroys it.
    get_executable(args: PJRT_LoadedExecutable_GetExecutable_Args) {
        let program = args.get(args.loaded_executable)?.program.clone();
        args.executable = give(Executable { program });
        Ok(())
    }

    /// `PJRT_LoadedExecutable_AddressableDevices`: in the order of processes.
    loaded_devices(args: PJRT_LoadedExecutable_AddressableDevices_Args) {
        let list = &args.get(args.executable)?.list;
        args.addressable_devices = list.as_ptr();
        args.num_addressable_devices = list.len();
        Ok(())
    }

    /// `PJRT_LoadedExecutable_GetDeviceAssignment`.
    device_assignment(args: PJRT_LoadedExecutable_GetDeviceAssignment_Args) {
        let loaded = args.get(args.executable)?;
        let grid = loaded.program.grid;
        let device = |r, p| loaded.devices[grid.process(r, p)] as i64;
        let rows: Vec<Vec<i64>> =
            (0..grid.partitions).map(|p| (0..grid.replicas).map(|r| device(r, p)).collect()).collect();
        let bytes = encode_device_assignment(&rows);
        give_bytes!(args, bytes, serialized_device_assignment, serialized_device_assignment_deleter);
        Ok(())
    }

    /// `PJRT_LoadedExecutable_Delete`: may be called again.
    delete(args: PJRT_LoadedExecutable_Delete_Args) {
        args.get(args.executable)?.deleted.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// `PJRT_LoadedExecutable_IsDeleted`.
    is_deleted(args: PJRT_LoadedExecutable_IsDeleted_Args) {
        args.is_deleted = args.get(args.executable)?.deleted.load(Ordering::Relaxed);
        Ok(())
    }

    /// `PJRT_LoadedExecutable_Fingerprint`.
    loaded_fingerprint(args: PJRT_LoadedExecutable_Fingerprint_Args) {
        let text = args.get(args.executable)?.program.fingerprint();
        args.executable_fingerprint = text.as_ptr().cast();
        args.executable_fingerprint_size = text.len();
        Ok(())
    }
}

impl Executable {
    /// What callers read in place.
    pub(super) fn facts(&self) -> &Facts {
        &self.program.facts
    }
}

impl Loaded {
    /// Whether the program is so short that it should run on its caller's thread.
    pub(super) fn is_short(&self) -> bool {
        let most = if self.core.devices.len() == 1 { SHORT } else { SHORT_AMONG_DEVICES };
        matches!(&self.program.backend, Backend::Compiled(executable) if executable.nanoseconds() <= most)
    }
}

/// Nanoseconds of a program up to which it is not worth it to wake another thread for it: that takes tens of microseconds on an
/// idle machine, and the pool's threads are what the program shares its work with anyway.
const SHORT: u64 = 400_000;
/// The same where other devices could be at work meanwhile.
const SHORT_AMONG_DEVICES: u64 = 30_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn options(replicas: i64, partitions: i64, rows: Option<Vec<Vec<i64>>>) -> CompileOptions {
        CompileOptions {
            num_replicas: replicas,
            num_partitions: partitions,
            device_assignment: rows,
            ..CompileOptions::default()
        }
    }

    #[test]
    fn processes_follow_the_assignment() {
        assert_eq!(assign(&options(2, 2, None), 4).unwrap(), [0, 1, 2, 3]);
        // Rows are partitions: process (r, p) is on rows[p][r].
        let rows = vec![vec![0, 1], vec![2, 3]];
        assert_eq!(assign(&options(2, 2, Some(rows)), 4).unwrap(), [0, 2, 1, 3]);
        let one = CompileOptions { device_ordinal: 3, ..CompileOptions::default() };
        assert_eq!(assign(&one, 4).unwrap(), [3]);
    }

    #[test]
    fn assignments_that_do_not_fit_are_refused() {
        let refused = |o: CompileOptions| assign(&o, 2).unwrap_err().message;
        assert_eq!(
            refused(options(2, 2, None)),
            "num_replicas 2 and num_partitions 2 do not fit on 2 devices"
        );
        assert_eq!(
            refused(options(2, 1, Some(vec![vec![1, 1]]))),
            "the device assignment names device 1 twice"
        );
        assert_eq!(
            refused(options(1, 1, Some(vec![vec![2]]))),
            "the device assignment names device 2: there are 2"
        );
        assert!(
            refused(options(2, 1, Some(vec![vec![0], vec![1]])))
                .contains("is for 1 replicas and 2 partitions")
        );
    }
}
