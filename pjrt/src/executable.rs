//! What a compiled program tells of itself: its outputs, its cost, its memory, its optimised form, its bytes.

use crate::api::slice;
use crate::client::ClientInner;
use crate::element_type::ElementType;
use crate::error::{Error, ErrorCode, Result};
use crate::plugin::{Plugin, owned_text};
use crate::program::Program;
use crate::value::NamedValues;
use pjrt_sys as sys;
use std::ffi::c_char;
use std::fmt;
use std::ptr;
use std::sync::Arc;

/// A compiled program, loaded or not. Plugins answer as many of the queries as they can; the rest are
/// [`is_unimplemented`](Error::is_unimplemented).
///
/// ```
/// # use jacinth_pjrt::ElementType;
/// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
/// # let text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
/// #     %y = stablehlo.add %x, %x : tensor<2xf32>
/// #     return %y : tensor<2xf32>
/// # }";
/// # let options = jacinth_lowering::options::CompileOptions::default().encode();
/// # let program = client.compile(&jacinth_pjrt::Program::mlir(text), &options)?;
/// let executable = program.executable();
/// assert_eq!((executable.output_types()?, executable.output_dimensions()?), (vec![ElementType::F32], vec![vec![2]]));
/// assert_eq!((executable.num_replicas()?, executable.num_partitions()?, executable.num_outputs()?), (1, 1, 1));
/// assert_eq!((executable.plugin().name(), executable.output_memory_kinds()?.len()), ("embedded", 1));
/// assert!(!executable.name()?.is_empty() && executable.code_size()? >= 0);
/// # Ok::<(), jacinth_pjrt::Error>(())
/// ```
pub struct Executable {
    plugin: Plugin,
    raw: *mut sys::PJRT_Executable,
    /// Of a loaded executable; one compiled for a topology has none.
    _client: Option<Arc<ClientInner>>,
}

// SAFETY: PJRT executables may be used and destroyed from any thread.
unsafe impl Send for Executable {}
// SAFETY: as above.
unsafe impl Sync for Executable {}

impl Executable {
    /// Takes an executable that the plugin gave.
    ///
    /// # Safety
    /// `raw` is null, which is an error, or a live executable of the plugin, owned by nobody else.
    pub(crate) unsafe fn from_raw(
        plugin: Plugin,
        raw: *mut sys::PJRT_Executable,
        client: Option<Arc<ClientInner>>,
        function: &'static str,
    ) -> Result<Executable> {
        if raw.is_null() {
            return Err(Error::new(
                ErrorCode::Internal,
                function,
                "the plugin gave neither an executable nor an error",
            ));
        }
        Ok(Executable { plugin, raw, _client: client })
    }

    fn table(&self) -> &'static sys::PJRT_Api {
        self.plugin.table()
    }

    /// The plugin that compiled it.
    pub fn plugin(&self) -> Plugin {
        self.plugin
    }

    /// Its name, usually the module's.
    pub fn name(&self) -> Result<String> {
        let args = call!(self.table(), PJRT_Executable_Name { executable: self.raw })?;
        // SAFETY: the text lives as long as the executable, and is copied.
        Ok(unsafe { owned_text(args.executable_name, args.executable_name_size) })
    }

    /// How many replicas it runs as.
    pub fn num_replicas(&self) -> Result<usize> {
        Ok(call!(self.table(), PJRT_Executable_NumReplicas { executable: self.raw })?.num_replicas)
    }

    /// How many partitions each replica has.
    pub fn num_partitions(&self) -> Result<usize> {
        Ok(call!(self.table(), PJRT_Executable_NumPartitions { executable: self.raw })?.num_partitions)
    }

    /// How many outputs it has on each device.
    pub fn num_outputs(&self) -> Result<usize> {
        Ok(call!(self.table(), PJRT_Executable_NumOutputs { executable: self.raw })?.num_outputs)
    }

    /// The element types of its outputs.
    pub fn output_types(&self) -> Result<Vec<ElementType>> {
        let args = call!(self.table(), PJRT_Executable_OutputElementTypes { executable: self.raw })?;
        // SAFETY: the list lives as long as the executable, and is copied.
        unsafe { slice(args.output_types, args.num_output_types) }
            .iter()
            .map(|raw| ElementType::checked(*raw, "PJRT_Executable_OutputElementTypes"))
            .collect()
    }

    /// The dimensions of its outputs on one device.
    pub fn output_dimensions(&self) -> Result<Vec<Vec<i64>>> {
        let args = call!(self.table(), PJRT_Executable_OutputDimensions { executable: self.raw })?;
        // SAFETY: the lists live as long as the executable, and are copied; the ranks say how many dimensions follow one
        // another.
        unsafe {
            let ranks = slice(args.dim_sizes, args.num_outputs);
            let mut dims = slice(args.dims, ranks.iter().sum());
            Ok(ranks
                .iter()
                .map(|rank| {
                    let (head, tail) = dims.split_at(*rank);
                    dims = tail;
                    head.to_vec()
                })
                .collect())
        }
    }

    /// The kinds of memory its outputs are in.
    pub fn output_memory_kinds(&self) -> Result<Vec<String>> {
        let args = call!(self.table(), PJRT_Executable_OutputMemoryKinds { executable: self.raw })?;
        // SAFETY: the lists and their text live as long as the executable, and are copied.
        unsafe {
            let kinds = slice(args.memory_kinds, args.num_outputs);
            let sizes = slice(args.memory_kind_sizes, args.num_outputs);
            Ok(kinds.iter().zip(sizes).map(|(kind, size)| owned_text(*kind, *size)).collect())
        }
    }

    /// How many bytes its machine code takes.
    pub fn code_size(&self) -> Result<i64> {
        Ok(call!(self.table(), PJRT_Executable_SizeOfGeneratedCodeInBytes { executable: self.raw })?
            .size_in_bytes)
    }

    /// What the compiler expects it to cost: `flops`, `bytes accessed`, …
    ///
    /// ```
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    /// #     %y = stablehlo.add %x, %x : tensor<2xf32>
    /// #     return %y : tensor<2xf32>
    /// # }";
    /// # let options = jacinth_lowering::options::CompileOptions::default().encode();
    /// # let program = client.compile(&jacinth_pjrt::Program::mlir(text), &options)?;
    /// assert!(program.executable().cost_analysis()?.get("flops").is_some());
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn cost_analysis(&self) -> Result<NamedValues> {
        let args = call!(self.table(), PJRT_Executable_GetCostAnalysis { executable: self.raw })?;
        // SAFETY: the list lives as long as the executable, and is copied.
        Ok(unsafe { NamedValues::from_abi(args.properties, args.num_properties) })
    }

    /// How much memory a run takes.
    ///
    /// ```
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    /// #     %y = stablehlo.add %x, %x : tensor<2xf32>
    /// #     return %y : tensor<2xf32>
    /// # }";
    /// # let options = jacinth_lowering::options::CompileOptions::default().encode();
    /// # let program = client.compile(&jacinth_pjrt::Program::mlir(text), &options)?;
    /// assert_eq!(program.executable().memory_stats()?.arguments, 8); // two f32
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn memory_stats(&self) -> Result<CompiledMemoryStats> {
        let args = call!(self.table(), PJRT_Executable_GetCompiledMemoryStats { executable: self.raw })?;
        Ok(CompiledMemoryStats {
            generated_code: args.generated_code_size_in_bytes,
            arguments: args.argument_size_in_bytes,
            outputs: args.output_size_in_bytes,
            aliased: args.alias_size_in_bytes,
            temporaries: args.temp_size_in_bytes,
            host_generated_code: args.host_generated_code_size_in_bytes,
            host_arguments: args.host_argument_size_in_bytes,
            host_outputs: args.host_output_size_in_bytes,
            host_aliased: args.host_alias_size_in_bytes,
            host_temporaries: args.host_temp_size_in_bytes,
            peak: args.peak_memory_in_bytes,
            total: args.total_size_in_bytes,
        })
    }

    /// The optimised program, in the plugin's format: XLA's give `hlo_with_config`, a serialised `HloModuleProtoWithConfig`.
    ///
    /// ```
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    /// #     %y = stablehlo.add %x, %x : tensor<2xf32>
    /// #     return %y : tensor<2xf32>
    /// # }";
    /// # let options = jacinth_lowering::options::CompileOptions::default().encode();
    /// # let program = client.compile(&jacinth_pjrt::Program::mlir(text), &options)?;
    /// assert!(!program.executable().optimized_program()?.code().is_empty());
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn optimized_program(&self) -> Result<Program<'static>> {
        const F: &str = "PJRT_Executable_OptimizedProgram";
        let mut program = <sys::PJRT_Program as sys::AbiStruct>::new();
        // Without a place for the code the plugin says how large it is.
        call!(
            self.table(),
            PJRT_Executable_OptimizedProgram { executable: self.raw, program: &raw mut program }
        )?;
        let size = program.code_size;
        let mut code = vec![0u8; size];
        program.code = code.as_mut_ptr().cast();
        call!(
            self.table(),
            PJRT_Executable_OptimizedProgram { executable: self.raw, program: &raw mut program }
        )?;
        if program.code_size > size {
            return Err(Error::new(
                ErrorCode::Internal,
                F,
                format!("the program grew from {size} to {} bytes between two calls", program.code_size),
            ));
        }
        code.truncate(program.code_size);
        // SAFETY: the plugin owns the format's name, and it is copied.
        let format = unsafe { owned_text(program.format, program.format_size) };
        Ok(Program::new(format, code))
    }

    /// A name that two executables share only if they were compiled from the same inputs.
    ///
    /// ```
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    /// #     %y = stablehlo.add %x, %x : tensor<2xf32>
    /// #     return %y : tensor<2xf32>
    /// # }";
    /// # let options = jacinth_lowering::options::CompileOptions::default().encode();
    /// # let program = client.compile(&jacinth_pjrt::Program::mlir(text), &options)?;
    /// assert!(!program.executable().fingerprint()?.is_empty());
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn fingerprint(&self) -> Result<String> {
        let args = call!(self.table(), PJRT_Executable_Fingerprint { executable: self.raw })?;
        // SAFETY: the text lives as long as the executable, and is copied.
        Ok(unsafe { owned_text(args.executable_fingerprint, args.executable_fingerprint_size) })
    }

    /// The executable as bytes that [`Client::deserialize_and_load`](crate::Client::deserialize_and_load) of the same plugin version reads.
    ///
    /// ```
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    /// #     %y = stablehlo.add %x, %x : tensor<2xf32>
    /// #     return %y : tensor<2xf32>
    /// # }";
    /// # let options = jacinth_lowering::options::CompileOptions::default().encode();
    /// # let program = client.compile(&jacinth_pjrt::Program::mlir(text), &options)?;
    /// let bytes = program.executable().serialize()?; // to be kept in a file
    /// assert!(client.deserialize_and_load(&bytes, None).is_ok());
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn serialize(&self) -> Result<Vec<u8>> {
        let args = call!(self.table(), PJRT_Executable_Serialize { executable: self.raw })?;
        // SAFETY: the bytes are the plugin's, backed by the object that the deleter takes.
        Ok(unsafe {
            copy_and_delete(
                args.serialized_bytes,
                args.serialized_bytes_size,
                args.serialized_executable,
                args.serialized_executable_deleter,
            )
        })
    }

    /// The `CompileOptionsProto` it was compiled with.
    ///
    /// ```
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    /// #     %y = stablehlo.add %x, %x : tensor<2xf32>
    /// #     return %y : tensor<2xf32>
    /// # }";
    /// # let options = jacinth_lowering::options::CompileOptions::default().encode();
    /// # let program = client.compile(&jacinth_pjrt::Program::mlir(text), &options)?;
    /// let options = jacinth_lowering::options::CompileOptions::decode(&program.executable().compile_options()?).unwrap();
    /// assert_eq!(options.num_partitions, 1);
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn compile_options(&self) -> Result<Vec<u8>> {
        let args = call!(self.table(), PJRT_Executable_GetCompileOptions { executable: self.raw })?;
        // SAFETY: as in `serialize`.
        Ok(unsafe {
            copy_and_delete(
                args.serialized_bytes,
                args.serialized_bytes_size,
                args.serialized_compile_options,
                args.serialized_compile_options_deleter,
            )
        })
    }
}

/// Copies bytes that a plugin lends with an object that backs them, and gives the object to its deleter, once.
///
/// # Safety
/// `bytes` is null or `size` readable bytes until `deleter` takes `backing`, which is ours.
pub(crate) unsafe fn copy_and_delete<T>(
    bytes: *const c_char,
    size: usize,
    backing: *mut T,
    deleter: Option<unsafe extern "C" fn(*mut T)>,
) -> Vec<u8> {
    // SAFETY: as the caller promises; the copy is made before the deleter runs.
    let copy = unsafe { slice(bytes.cast::<u8>(), size) }.to_vec();
    if let Some(deleter) = deleter.filter(|_| !ptr::eq(backing, ptr::null())) {
        // SAFETY: as the caller promises.
        unsafe { deleter(backing) };
    }
    copy
}

impl Drop for Executable {
    fn drop(&mut self) {
        // An executable that cannot be destroyed is leaked.
        let _ = call!(self.plugin.table(), PJRT_Executable_Destroy { executable: self.raw });
    }
}

impl fmt::Debug for Executable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executable").field("name", &self.name().unwrap_or_default()).finish_non_exhaustive()
    }
}

/// What memory one run of an executable takes, in bytes, on the device and (`host_*`) on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CompiledMemoryStats {
    pub generated_code: i64,
    pub arguments: i64,
    pub outputs: i64,
    /// Outputs that take the place of arguments.
    pub aliased: i64,
    pub temporaries: i64,
    pub host_generated_code: i64,
    pub host_arguments: i64,
    pub host_outputs: i64,
    pub host_aliased: i64,
    pub host_temporaries: i64,
    /// The most at any moment; 0 where the plugin does not say.
    pub peak: i64,
    /// All of it; 0 where the plugin does not say.
    pub total: i64,
}
