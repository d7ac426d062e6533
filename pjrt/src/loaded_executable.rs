//! A program compiled for devices of a client, and its execution.
//!
//! Executing does not wait: outputs are buffers in the making. An argument that the program may alias to an output is
//! donated unless its index is among the non-donatable ones; a donated buffer reads as deleted afterwards.

use crate::buffer::Buffer;
use crate::client::{Client, ClientInner};
use crate::device::Device;
use crate::error::{Error, ErrorCode, Result};
use crate::event::Event;
use crate::executable::{Executable, copy_and_delete};
use crate::plugin::owned_text;
use pjrt_sys::{self as sys, AbiStruct};
use smallvec::SmallVec;
use std::ffi::CStr;
use std::fmt;
use std::ptr;
use std::sync::Arc;

/// The outputs of a program on one device; up to two need no allocation.
pub type Outputs = SmallVec<[Buffer; 2]>;

type RawBuffers = SmallVec<[*mut sys::PJRT_Buffer; 16]>;

/// A compiled program with its devices.
///
/// ```
/// # use jacinth_pjrt::{Buffer, ExecuteOptions};
/// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
/// # let text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
/// #     %y = stablehlo.add %x, %x : tensor<2xf32>
/// #     return %y : tensor<2xf32>
/// # }";
/// # let options = jacinth_lowering::options::CompileOptions::default().encode();
/// # let program = client.compile(&jacinth_pjrt::Program::mlir(text), &options)?;
/// let x = Buffer::from_slice(&[1.0f32, 2.0], &[2], &program.devices()[0])?;
/// let y = program.execute_single([&x], &ExecuteOptions::default())?; // does not wait
/// assert_eq!(y[0].to_vec::<f32>()?, [2.0, 4.0]);
/// assert_eq!((program.num_outputs(), program.client()), (1, client));
/// # Ok::<(), jacinth_pjrt::Error>(())
/// ```
pub struct LoadedExecutable {
    client: Arc<ClientInner>,
    raw: *mut sys::PJRT_LoadedExecutable,
    executable: Executable,
    num_outputs: usize,
    /// Indices into the client's devices.
    devices: Vec<usize>,
}

// SAFETY: PJRT loaded executables may be used and destroyed from any thread.
unsafe impl Send for LoadedExecutable {}
// SAFETY: as above.
unsafe impl Sync for LoadedExecutable {}

/// How to execute; the default is to donate what the program may donate, on the devices it was compiled for.
///
/// ```
/// # use jacinth_pjrt::{Buffer, ExecuteOptions};
/// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
/// # let text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
/// #     %y = stablehlo.add %x, %x : tensor<2xf32>
/// #     return %y : tensor<2xf32>
/// # }";
/// # let options = jacinth_lowering::options::CompileOptions::default().encode();
/// # let program = client.compile(&jacinth_pjrt::Program::mlir(text), &options)?;
/// let x = Buffer::from_slice(&[1.0f32, 2.0], &[2], &program.devices()[0])?;
/// let kept = ExecuteOptions { non_donatable: &[0], ..ExecuteOptions::default() };
/// program.execute_single([&x], &kept)?;
/// assert!(!x.is_deleted()?);
/// # Ok::<(), jacinth_pjrt::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct ExecuteOptions<'a> {
    /// Arguments that must not be donated, by index.
    pub non_donatable: &'a [i64],
    /// A number that is the same on every process that takes part in this execution, or 0.
    pub launch_id: i32,
    /// The one device to execute on, for programs compiled without devices or to start one partition.
    pub device: Option<&'a Device>,
    /// Where in the user's source this execution was asked for (`file:line`), for the plugin's messages.
    pub call_location: Option<&'a CStr>,
}

/// What an execution on several devices gives.
#[derive(Debug)]
pub struct Execution {
    /// `outputs[device][output]`.
    pub outputs: Vec<Outputs>,
    /// For each device, the event of its execution being complete.
    pub complete: Vec<Event>,
}

impl LoadedExecutable {
    /// Takes a loaded executable that the plugin gave.
    ///
    /// # Safety
    /// `raw` is null, which is an error, or a live loaded executable of the client, owned by nobody else.
    pub(crate) unsafe fn from_raw(
        client: Arc<ClientInner>,
        raw: *mut sys::PJRT_LoadedExecutable,
        function: &'static str,
    ) -> Result<LoadedExecutable> {
        if raw.is_null() {
            return Err(Error::new(
                ErrorCode::Internal,
                function,
                "the plugin gave neither an executable nor an error",
            ));
        }
        /// Destroys the executable when a query of what it holds fails.
        struct Fresh(*mut sys::PJRT_LoadedExecutable, Arc<ClientInner>);
        impl Drop for Fresh {
            fn drop(&mut self) {
                if !self.0.is_null() {
                    let _ = call!(self.1.table(), PJRT_LoadedExecutable_Destroy { executable: self.0 });
                }
            }
        }
        let mut fresh = Fresh(raw, Arc::clone(&client));
        let table = client.table();
        let args = call!(table, PJRT_LoadedExecutable_GetExecutable { loaded_executable: raw })?;
        // SAFETY: the executable is new and ours.
        let executable = unsafe {
            Executable::from_raw(
                client.plugin,
                args.executable,
                Some(Arc::clone(&client)),
                "PJRT_LoadedExecutable_GetExecutable",
            )
        }?;
        let num_outputs = executable.num_outputs()?;
        let args = call!(table, PJRT_LoadedExecutable_AddressableDevices { executable: raw })?;
        // SAFETY: the list lives as long as the executable, and is copied.
        let devices = unsafe { crate::api::slice(args.addressable_devices, args.num_addressable_devices) }
            .iter()
            .filter_map(|raw| client.devices.iter().position(|device| device.raw == *raw))
            .collect();
        fresh.0 = ptr::null_mut();
        Ok(LoadedExecutable { client, raw, executable, num_outputs, devices })
    }

    /// The client it is loaded on.
    pub fn client(&self) -> Client {
        Client(Arc::clone(&self.client))
    }

    /// What the compiler tells of it.
    ///
    /// ```
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    /// #     %y = stablehlo.add %x, %x : tensor<2xf32>
    /// #     return %y : tensor<2xf32>
    /// # }";
    /// # let options = jacinth_lowering::options::CompileOptions::default().encode();
    /// # let program = client.compile(&jacinth_pjrt::Program::mlir(text), &options)?;
    /// assert_eq!(program.executable().num_outputs()?, program.num_outputs());
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn executable(&self) -> &Executable {
        &self.executable
    }

    /// The devices of this process that it runs on, in the order of the argument lists.
    pub fn devices(&self) -> Vec<Device> {
        self.devices.iter().map(|&index| Device { client: Arc::clone(&self.client), index }).collect()
    }

    /// How many outputs it has on each device.
    #[inline]
    pub fn num_outputs(&self) -> usize {
        self.num_outputs
    }

    /// Executes on one device and does not wait: the fast path.
    ///
    /// The program was compiled for one device, or `options.device` names one. Errors: a buffer of another client, deleted or of
    /// another shape; the wrong number of arguments; no memory. What fails later is the error of the outputs
    /// ([`Buffer::block_until_ready`]).
    ///
    /// ```
    /// # use jacinth_pjrt::{Buffer, ExecuteOptions};
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    /// #     %y = stablehlo.add %x, %x : tensor<2xf32>
    /// #     return %y : tensor<2xf32>
    /// # }";
    /// # let options = jacinth_lowering::options::CompileOptions::default().encode();
    /// # let program = client.compile(&jacinth_pjrt::Program::mlir(text), &options)?;
    /// let x = Buffer::from_slice(&[1.0f32, 2.0, 3.0], &[3], &program.devices()[0])?;
    /// let error = program.execute_single([&x], &ExecuteOptions::default()).unwrap_err();
    /// assert!(error.message.contains("argument 0"), "{error}");
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn execute_single<'b>(
        &self,
        arguments: impl IntoIterator<Item = &'b Buffer>,
        options: &ExecuteOptions<'_>,
    ) -> Result<Outputs> {
        let arguments = self.single_arguments(arguments, options)?;
        self.launch_single(&arguments, ptr::null_mut(), options)
    }

    /// As [`execute_single`](LoadedExecutable::execute_single), with the event of all outputs being there.
    ///
    /// ```
    /// # use jacinth_pjrt::{Buffer, ExecuteOptions};
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    /// #     %y = stablehlo.add %x, %x : tensor<2xf32>
    /// #     return %y : tensor<2xf32>
    /// # }";
    /// # let options = jacinth_lowering::options::CompileOptions::default().encode();
    /// # let program = client.compile(&jacinth_pjrt::Program::mlir(text), &options)?;
    /// let x = Buffer::from_slice(&[1.0f32, 2.0], &[2], &program.devices()[0])?;
    /// let (_, complete) = program.execute_single_watched([&x], &ExecuteOptions::default())?;
    /// complete.wait()?;
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn execute_single_watched<'b>(
        &self,
        arguments: impl IntoIterator<Item = &'b Buffer>,
        options: &ExecuteOptions<'_>,
    ) -> Result<(Outputs, Event)> {
        let arguments = self.single_arguments(arguments, options)?;
        let mut complete = ptr::null_mut();
        let outputs = self.launch_single(&arguments, &raw mut complete, options);
        // SAFETY: the event is new and ours, or null where the call failed.
        let complete = unsafe { Event::from_raw(self.client.plugin, complete) };
        Ok((outputs?, complete))
    }

    #[inline]
    fn single_arguments<'b>(
        &self,
        arguments: impl IntoIterator<Item = &'b Buffer>,
        options: &ExecuteOptions<'_>,
    ) -> Result<RawBuffers> {
        const F: &str = "LoadedExecutable::execute_single";
        if options.device.is_none() && self.devices.len() != 1 {
            return Err(Error::invalid(
                F,
                format!(
                    "the program was compiled for {} devices of this process, not for one",
                    self.devices.len()
                ),
            ));
        }
        self.raw_arguments(F, arguments)
    }

    #[inline]
    fn launch_single(
        &self,
        arguments: &RawBuffers,
        complete: *mut *mut sys::PJRT_Event,
        options: &ExecuteOptions<'_>,
    ) -> Result<Outputs> {
        let mut outputs: RawBuffers = SmallVec::from_elem(ptr::null_mut(), self.num_outputs);
        let argument_list = arguments.as_ptr();
        let output_list = outputs.as_mut_ptr();
        self.launch(&[argument_list], arguments.len(), &[output_list], complete, options)?;
        self.take_outputs(&outputs)
    }

    /// Executes on every device it was compiled for, `arguments[device][argument]`, and does not wait.
    ///
    /// Errors: as [`execute_single`](LoadedExecutable::execute_single), and argument lists that are not one for each device, or not equally long.
    ///
    /// ```
    /// # use jacinth_pjrt::{Buffer, ExecuteOptions};
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    /// #     %y = stablehlo.add %x, %x : tensor<2xf32>
    /// #     return %y : tensor<2xf32>
    /// # }";
    /// # let options = jacinth_lowering::options::CompileOptions::default().encode();
    /// # let program = client.compile(&jacinth_pjrt::Program::mlir(text), &options)?;
    /// let x = Buffer::from_slice(&[1.0f32, 2.0], &[2], &program.devices()[0])?;
    /// let execution = program.execute(&[[&x]], &ExecuteOptions::default())?; // a list for each device
    /// assert_eq!(execution.outputs[0][0].to_vec::<f32>()?, [2.0, 4.0]);
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn execute<'b, L>(&self, arguments: &[L], options: &ExecuteOptions<'_>) -> Result<Execution>
    where
        L: AsRef<[&'b Buffer]>,
    {
        const F: &str = "LoadedExecutable::execute";
        let num_devices = if options.device.is_some() { 1 } else { self.devices.len() };
        if arguments.len() != num_devices {
            return Err(Error::invalid(
                F,
                format!("{} argument lists were given for {num_devices} devices", arguments.len()),
            ));
        }
        let lists = arguments
            .iter()
            .map(|list| self.raw_arguments(F, list.as_ref().iter().copied()))
            .collect::<Result<Vec<_>>>()?;
        let num_args = lists.first().map_or(0, |list| list.len());
        if let Some(device) = lists.iter().position(|list| list.len() != num_args) {
            return Err(Error::invalid(
                F,
                format!(
                    "the argument list of device {device} has {} buffers, and that of device 0 has {num_args}",
                    lists[device].len()
                ),
            ));
        }
        let mut outputs: Vec<RawBuffers> =
            (0..num_devices).map(|_| SmallVec::from_elem(ptr::null_mut(), self.num_outputs)).collect();
        let mut events = vec![ptr::null_mut(); num_devices];
        let argument_lists: Vec<_> = lists.iter().map(|list| list.as_ptr()).collect();
        let output_lists: Vec<_> = outputs.iter_mut().map(|list| list.as_mut_ptr()).collect();
        self.launch(&argument_lists, num_args, &output_lists, events.as_mut_ptr(), options)?;
        // SAFETY: the events are new and ours.
        let complete =
            events.into_iter().map(|raw| unsafe { Event::from_raw(self.client.plugin, raw) }).collect();
        let outputs: Vec<Result<Outputs>> = outputs.iter().map(|list| self.take_outputs(list)).collect();
        Ok(Execution { outputs: outputs.into_iter().collect::<Result<_>>()?, complete })
    }

    #[inline]
    fn raw_arguments<'b>(
        &self,
        function: &'static str,
        arguments: impl IntoIterator<Item = &'b Buffer>,
    ) -> Result<RawBuffers> {
        let arguments = arguments.into_iter();
        let mut raw = RawBuffers::with_capacity(arguments.size_hint().0);
        for buffer in arguments {
            if !Arc::ptr_eq(&buffer.client, &self.client) {
                return Err(Error::invalid(
                    function,
                    format!("argument {} is a buffer of another client", raw.len()),
                ));
            }
            raw.push(buffer.raw);
        }
        Ok(raw)
    }

    /// Calls the plugin. The lists have one entry a device; an argument list holds `num_args` live buffers, and an output list has
    /// room for `num_outputs`; `events` is null or has room for one a device.
    #[inline]
    fn launch(
        &self,
        argument_lists: &[*const *mut sys::PJRT_Buffer],
        num_args: usize,
        output_lists: &[*mut *mut sys::PJRT_Buffer],
        events: *mut *mut sys::PJRT_Event,
        options: &ExecuteOptions<'_>,
    ) -> Result<()> {
        let device = match options.device {
            None => ptr::null_mut(),
            Some(device) if Arc::ptr_eq(&device.client, &self.client) => device.raw(),
            Some(_) => {
                return Err(Error::invalid(
                    "LoadedExecutable::execute",
                    "the device to execute on belongs to another client",
                ));
            }
        };
        let mut abi = sys::PJRT_ExecuteOptions::new();
        abi.launch_id = options.launch_id;
        abi.non_donatable_input_indices = options.non_donatable.as_ptr();
        abi.num_non_donatable_input_indices = options.non_donatable.len();
        abi.call_location = options.call_location.map_or(ptr::null(), CStr::as_ptr);
        call!(
            self.client.table(),
            PJRT_LoadedExecutable_Execute {
                executable: self.raw,
                options: &raw mut abi,
                argument_lists: argument_lists.as_ptr(),
                num_devices: argument_lists.len(),
                num_args: num_args,
                output_lists: output_lists.as_ptr(),
                device_complete_events: events,
                execute_device: device,
            }
        )
        .map(|_| ())
    }

    /// Wraps the outputs that the plugin wrote; one that it left out is an error, and the others are freed.
    #[inline]
    fn take_outputs(&self, raw: &[*mut sys::PJRT_Buffer]) -> Result<Outputs> {
        let mut outputs = Outputs::with_capacity(raw.len());
        let mut missing = None;
        for (index, &raw) in raw.iter().enumerate() {
            if raw.is_null() {
                missing.get_or_insert(index);
            } else {
                // SAFETY: the buffer is new and ours.
                outputs.push(unsafe { Buffer::from_raw(Arc::clone(&self.client), raw) });
            }
        }
        match missing {
            None => Ok(outputs),
            Some(index) => Err(Error::new(
                ErrorCode::Internal,
                "PJRT_LoadedExecutable_Execute",
                format!("the plugin gave no buffer for output {index} and no error"),
            )),
        }
    }

    /// Gives its resources back once running executions are done; it cannot be executed any more.
    ///
    /// ```
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    /// #     %y = stablehlo.add %x, %x : tensor<2xf32>
    /// #     return %y : tensor<2xf32>
    /// # }";
    /// # let options = jacinth_lowering::options::CompileOptions::default().encode();
    /// # let program = client.compile(&jacinth_pjrt::Program::mlir(text), &options)?;
    /// program.delete()?;
    /// assert!(program.is_deleted()?);
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn delete(&self) -> Result<()> {
        call!(self.client.table(), PJRT_LoadedExecutable_Delete { executable: self.raw }).map(|_| ())
    }

    /// Whether it was deleted.
    pub fn is_deleted(&self) -> Result<bool> {
        Ok(call!(self.client.table(), PJRT_LoadedExecutable_IsDeleted { executable: self.raw })?.is_deleted)
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
    /// let again = client.compile(&jacinth_pjrt::Program::mlir(text), &options)?;
    /// assert_eq!(program.fingerprint()?, again.fingerprint()?);
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn fingerprint(&self) -> Result<String> {
        match self.executable.fingerprint() {
            Err(error) if error.is_unimplemented() => {
                let args =
                    call!(self.client.table(), PJRT_LoadedExecutable_Fingerprint { executable: self.raw })?;
                // SAFETY: the text lives as long as the executable, and is copied.
                Ok(unsafe { owned_text(args.executable_fingerprint, args.executable_fingerprint_size) })
            }
            known => known,
        }
    }

    /// Which device runs which replica and partition, as a serialised `DeviceAssignmentProto`.
    ///
    /// ```
    /// # let client = jacinth_pjrt::Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?.client(&Default::default())?;
    /// # let text = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    /// #     %y = stablehlo.add %x, %x : tensor<2xf32>
    /// #     return %y : tensor<2xf32>
    /// # }";
    /// # let options = jacinth_lowering::options::CompileOptions::default().encode();
    /// # let program = client.compile(&jacinth_pjrt::Program::mlir(text), &options)?;
    /// let assignment = jacinth_lowering::options::decode_device_assignment(&program.device_assignment()?).unwrap();
    /// assert_eq!(assignment, [[0]]);
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn device_assignment(&self) -> Result<Vec<u8>> {
        let args =
            call!(self.client.table(), PJRT_LoadedExecutable_GetDeviceAssignment { executable: self.raw })?;
        // SAFETY: the bytes are the plugin's, backed by the object that the deleter takes.
        Ok(unsafe {
            copy_and_delete(
                args.serialized_bytes,
                args.serialized_bytes_size,
                args.serialized_device_assignment,
                args.serialized_device_assignment_deleter,
            )
        })
    }
}

impl Drop for LoadedExecutable {
    fn drop(&mut self) {
        // An executable that cannot be destroyed is leaked.
        let _ = call!(self.client.table(), PJRT_LoadedExecutable_Destroy { executable: self.raw });
    }
}

impl fmt::Debug for LoadedExecutable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadedExecutable")
            .field("name", &self.executable.name().unwrap_or_default())
            .field("devices", &self.devices.len())
            .field("outputs", &self.num_outputs)
            .finish()
    }
}
