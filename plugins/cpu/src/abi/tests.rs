//! The table called as a C host would call it, and as one should not.

use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// An entry of the table.
type Entry<A> = Option<unsafe extern "C" fn(*mut A) -> *mut PJRT_Error>;

/// Code and message of an error, or success.
type Outcome = Result<(), (u32, String)>;

fn api() -> &'static PJRT_Api {
    table()
}

fn outcome(error: *mut PJRT_Error) -> Outcome {
    if error.is_null() {
        return Ok(());
    }
    let mut code = PJRT_Error_GetCode_Args { error, ..PJRT_Error_GetCode_Args::new() };
    let mut message = PJRT_Error_Message_Args { error, ..PJRT_Error_Message_Args::new() };
    let mut destroy = PJRT_Error_Destroy_Args { error, ..PJRT_Error_Destroy_Args::new() };
    // SAFETY: `error` was given by the table, is read, then destroyed once.
    unsafe {
        assert!(api().PJRT_Error_GetCode.unwrap()(&mut code).is_null());
        api().PJRT_Error_Message.unwrap()(&mut message);
        let text = std::slice::from_raw_parts(message.message.cast::<u8>(), message.message_size);
        let text = String::from_utf8(text.to_vec()).unwrap();
        api().PJRT_Error_Destroy.unwrap()(&mut destroy);
        Err((code.code, text))
    }
}

fn call<A>(entry: Entry<A>, args: &mut A) -> Outcome {
    // SAFETY: the tests fill blocks as the header says, or hostile in ways that the guard must catch.
    outcome(unsafe { entry.unwrap()(args) })
}

/// A client with `n` devices, destroyed at the end.
struct Host {
    client: *mut PJRT_Client,
    devices: Vec<*mut PJRT_Device>,
}

impl Host {
    fn new(n: i64) -> Host {
        Self::with(&[("cpu_device_count", n)])
    }

    fn with(options: &[(&str, i64)]) -> Host {
        let options: Vec<PJRT_NamedValue> = options
            .iter()
            .map(|(name, value)| PJRT_NamedValue {
                name: name.as_ptr().cast(),
                name_size: name.len(),
                type_: PJRT_NamedValue_kInt64,
                anonymous: PJRT_NamedValue_Union { int64_value: *value },
                value_size: 1,
                ..PJRT_NamedValue::new()
            })
            .collect();
        let mut args = PJRT_Client_Create_Args {
            create_options: options.as_ptr(),
            num_options: options.len(),
            ..PJRT_Client_Create_Args::new()
        };
        call(api().PJRT_Client_Create, &mut args).unwrap();
        let client = args.client;
        let mut args = PJRT_Client_Devices_Args { client, ..PJRT_Client_Devices_Args::new() };
        call(api().PJRT_Client_Devices, &mut args).unwrap();
        // SAFETY: the list is the client's.
        let devices = unsafe { std::slice::from_raw_parts(args.devices, args.num_devices) }.to_vec();
        Host { client, devices }
    }

    fn try_buffer(
        &self,
        device: usize,
        data: &[f32],
        dims: &[i64],
    ) -> Result<*mut PJRT_Buffer, (u32, String)> {
        let mut args = PJRT_Client_BufferFromHostBuffer_Args {
            client: self.client,
            data: data.as_ptr().cast(),
            type_: PJRT_Buffer_Type_F32,
            dims: dims.as_ptr(),
            num_dims: dims.len(),
            device: self.devices[device],
            ..PJRT_Client_BufferFromHostBuffer_Args::new()
        };
        call(api().PJRT_Client_BufferFromHostBuffer, &mut args)?;
        finish(args.done_with_host_buffer).unwrap();
        Ok(args.buffer)
    }

    fn buffer(&self, device: usize, data: &[f32], dims: &[i64]) -> *mut PJRT_Buffer {
        self.try_buffer(device, data, dims).unwrap()
    }

    fn try_compile(&self, text: &str, options: &[u8]) -> Result<*mut PJRT_LoadedExecutable, (u32, String)> {
        let program = program(text);
        let mut args = PJRT_Client_Compile_Args {
            client: self.client,
            program: &program,
            compile_options: options.as_ptr().cast(),
            compile_options_size: options.len(),
            ..PJRT_Client_Compile_Args::new()
        };
        call(api().PJRT_Client_Compile, &mut args)?;
        Ok(args.executable)
    }

    fn compile(&self, text: &str) -> *mut PJRT_LoadedExecutable {
        self.try_compile(text, ONE).unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let mut args = PJRT_Client_Destroy_Args { client: self.client, ..PJRT_Client_Destroy_Args::new() };
        call(api().PJRT_Client_Destroy, &mut args).unwrap();
    }
}

/// Compile options of one replica and one partition.
const ONE: &[u8] = &[0x1a, 0x04, 0x20, 0x01, 0x28, 0x01];

const ADD: &str = "module @add {
  func.func public @main(%arg0: tensor<3xf32>, %arg1: tensor<3xf32>) -> tensor<3xf32> {
    %0 = stablehlo.add %arg0, %arg1 : tensor<3xf32>
    return %0 : tensor<3xf32>
  }
}";

const ADD_DONATED: &str = "module @donated {
  func.func public @main(%arg0: tensor<3xf32> {tf.aliasing_output = 0 : i32}, %arg1: tensor<3xf32>) -> tensor<3xf32> {
    %0 = stablehlo.add %arg0, %arg1 : tensor<3xf32>
    return %0 : tensor<3xf32>
  }
}";

fn program(text: &str) -> PJRT_Program {
    PJRT_Program {
        code: text.as_ptr().cast_mut().cast(),
        code_size: text.len(),
        format: c"mlir".as_ptr(),
        format_size: 4,
        ..PJRT_Program::new()
    }
}

/// Awaits and destroys an event.
fn finish(event: *mut PJRT_Event) -> Outcome {
    let mut args = PJRT_Event_Await_Args { event, ..PJRT_Event_Await_Args::new() };
    let result = call(api().PJRT_Event_Await, &mut args);
    let mut args = PJRT_Event_Destroy_Args { event, ..PJRT_Event_Destroy_Args::new() };
    call(api().PJRT_Event_Destroy, &mut args).unwrap();
    result
}

fn to_host(src: *mut PJRT_Buffer) -> Result<Vec<f32>, (u32, String)> {
    let mut args = PJRT_Buffer_ToHostBuffer_Args { src, ..PJRT_Buffer_ToHostBuffer_Args::new() };
    call(api().PJRT_Buffer_ToHostBuffer, &mut args)?;
    let mut out = vec![0f32; args.dst_size / 4];
    args.dst = out.as_mut_ptr().cast();
    call(api().PJRT_Buffer_ToHostBuffer, &mut args)?;
    finish(args.event)?;
    Ok(out)
}

fn is_deleted(buffer: *mut PJRT_Buffer) -> bool {
    let mut args = PJRT_Buffer_IsDeleted_Args { buffer, ..PJRT_Buffer_IsDeleted_Args::new() };
    call(api().PJRT_Buffer_IsDeleted, &mut args).unwrap();
    args.is_deleted
}

fn destroy(buffer: *mut PJRT_Buffer) {
    let mut args = PJRT_Buffer_Destroy_Args { buffer, ..PJRT_Buffer_Destroy_Args::new() };
    call(api().PJRT_Buffer_Destroy, &mut args).unwrap();
}

fn destroy_executable(executable: *mut PJRT_LoadedExecutable) {
    let mut args =
        PJRT_LoadedExecutable_Destroy_Args { executable, ..PJRT_LoadedExecutable_Destroy_Args::new() };
    call(api().PJRT_LoadedExecutable_Destroy, &mut args).unwrap();
}

/// Executes on every device: `arguments[device][argument]`, one result per device.
fn execute(
    executable: *mut PJRT_LoadedExecutable,
    arguments: &[&[*mut PJRT_Buffer]],
) -> Result<Vec<*mut PJRT_Buffer>, (u32, String)> {
    let lists: Vec<*const *mut PJRT_Buffer> = arguments.iter().map(|list| list.as_ptr()).collect();
    let mut results = vec![null_mut::<PJRT_Buffer>(); arguments.len()];
    let outputs: Vec<*mut *mut PJRT_Buffer> = results.iter_mut().map(|r| &raw mut *r).collect();
    let mut events = vec![null_mut::<PJRT_Event>(); arguments.len()];
    let mut options = PJRT_ExecuteOptions::new();
    let mut args = PJRT_LoadedExecutable_Execute_Args {
        executable,
        options: &mut options,
        argument_lists: lists.as_ptr(),
        num_devices: arguments.len(),
        num_args: arguments.first().map_or(0, |list| list.len()),
        output_lists: outputs.as_ptr(),
        device_complete_events: events.as_mut_ptr(),
        ..PJRT_LoadedExecutable_Execute_Args::new()
    };
    call(api().PJRT_LoadedExecutable_Execute, &mut args)?;
    let finished: Vec<Outcome> = events.into_iter().map(finish).collect();
    finished.into_iter().collect::<Outcome>()?;
    Ok(results)
}

/// The table's slots as addresses.
fn slots() -> &'static [usize] {
    let first = std::mem::offset_of!(PJRT_Api, PJRT_Error_Destroy);
    // SAFETY: from the first function to the table's end there are only functions, each a nullable pointer.
    unsafe {
        let start = (&raw const *api()).cast::<u8>().add(first).cast::<usize>();
        std::slice::from_raw_parts(start, (PJRT_Api_STRUCT_SIZE - first) / size_of::<usize>())
    }
}

#[test]
fn every_slot_is_filled() {
    assert_eq!(slots().len(), 128);
    assert!(slots().iter().all(|&slot| slot != 0));
    let version = api().pjrt_api_version;
    assert_eq!((version.major_version, version.minor_version), (0, 90));
}

#[test]
fn hostile_blocks_are_refused_by_every_function() {
    type Any = unsafe extern "C" fn(*mut u64) -> *mut PJRT_Error;
    // The first two are Error_Destroy and Error_Message, which return nothing and must only survive.
    for (i, &slot) in slots().iter().enumerate() {
        // SAFETY: every slot is a function of one pointer.
        let entry = unsafe { std::mem::transmute::<usize, Any>(slot) };
        let mut small = [8u64; 1];
        let mut zeros = [0u64; 128];
        zeros[0] = size_of_val(&zeros) as u64;
        if i < 2 {
            // SAFETY: as the header allows, but for what the guard must catch; the result is not read.
            unsafe {
                entry(null_mut());
                entry(small.as_mut_ptr());
                entry(zeros.as_mut_ptr());
            }
            continue;
        }
        // SAFETY: null is what the guard must catch.
        let (code, message) = outcome(unsafe { entry(null_mut()) }).unwrap_err();
        assert_eq!(code, PJRT_Error_Code_INVALID_ARGUMENT, "slot {i}");
        assert!(message.ends_with("the argument block is null or misaligned"), "slot {i}: {message}");
        // SAFETY: eight bytes of a size are readable.
        let (code, message) = outcome(unsafe { entry(small.as_mut_ptr()) }).unwrap_err();
        assert_eq!(code, PJRT_Error_Code_INVALID_ARGUMENT, "slot {i}");
        assert!(
            message.starts_with("Unexpected PJRT_") && message.ends_with(", got 8"),
            "slot {i}: {message}"
        );
        // SAFETY: a block of nothing but nulls and zeros.
        let _ = outcome(unsafe { entry(zeros.as_mut_ptr()) });
    }
}

#[test]
fn a_smaller_block_of_an_older_caller_is_served() {
    let mut args = PJRT_Client_Create_Args::new();
    args.struct_size = std::mem::offset_of!(PJRT_Client_Create_Args, client) + 8;
    let untouched = 7 as *mut c_void;
    args.kv_try_get_user_arg = untouched;
    call(api().PJRT_Client_Create, &mut args).unwrap();
    assert!(!args.client.is_null() && args.kv_try_get_user_arg == untouched);
    let mut args = PJRT_Client_Destroy_Args { client: args.client, ..PJRT_Client_Destroy_Args::new() };
    call(api().PJRT_Client_Destroy, &mut args).unwrap();
}

#[test]
fn a_program_runs() {
    let host = Host::new(1);
    let add = host.compile(ADD);
    let (x, y) = (host.buffer(0, &[1., 2., 3.], &[3]), host.buffer(0, &[10., 20., 30.], &[3]));
    for _ in 0..3 {
        let out = execute(add, &[&[x, y]]).unwrap()[0];
        assert_eq!(to_host(out).unwrap(), [11., 22., 33.]);
        destroy(out);
    }
    assert!(!is_deleted(x) && !is_deleted(y));
    destroy(x);
    destroy(y);
    destroy_executable(add);
}

#[test]
fn buffers_and_executables_outlive_the_client() {
    let host = Host::new(1);
    let add = host.compile(ADD);
    let x = host.buffer(0, &[1., 2., 3.], &[3]);
    drop(host);
    let out = execute(add, &[&[x, x]]).unwrap()[0];
    assert_eq!(to_host(out).unwrap(), [2., 4., 6.]);
    destroy(x);
    destroy(out);
    destroy_executable(add);
}

#[test]
fn donated_arguments_are_gone() {
    let host = Host::new(1);
    let add = host.compile(ADD_DONATED);
    let (x, y) = (host.buffer(0, &[1., 2., 3.], &[3]), host.buffer(0, &[10., 20., 30.], &[3]));
    let out = execute(add, &[&[x, y]]).unwrap()[0];
    assert!(is_deleted(x) && !is_deleted(y));
    assert_eq!(to_host(out).unwrap(), [11., 22., 33.]);
    let (code, message) = execute(add, &[&[x, y]]).unwrap_err();
    assert_eq!(
        (code, message.as_str()),
        (PJRT_Error_Code_INVALID_ARGUMENT, "donated: argument 0: the buffer has been donated")
    );
    assert_eq!(to_host(x).unwrap_err().1, "the buffer has been donated");
    // A buffer that is donated and also read is copied; the reading argument keeps its values.
    let z = host.buffer(0, &[1., 1., 1.], &[3]);
    let twice = execute(add, &[&[z, z]]).unwrap()[0];
    assert_eq!(to_host(twice).unwrap(), [2., 2., 2.]);
    assert!(is_deleted(z));
    for buffer in [x, y, z, out, twice] {
        destroy(buffer);
    }
    destroy_executable(add);
}

#[test]
fn external_references_keep_donated_memory() {
    let host = Host::new(1);
    let add = host.compile(ADD_DONATED);
    let x = host.buffer(0, &[1., 2., 3.], &[3]);
    let mut args = PJRT_Buffer_IncreaseExternalReferenceCount_Args {
        buffer: x,
        ..PJRT_Buffer_IncreaseExternalReferenceCount_Args::new()
    };
    call(api().PJRT_Buffer_IncreaseExternalReferenceCount, &mut args).unwrap();
    let mut pointer = PJRT_Buffer_UnsafePointer_Args { buffer: x, ..PJRT_Buffer_UnsafePointer_Args::new() };
    call(api().PJRT_Buffer_UnsafePointer, &mut pointer).unwrap();
    let y = host.buffer(0, &[5., 5., 5.], &[3]);
    let out = execute(add, &[&[x, y]]).unwrap()[0];
    assert!(is_deleted(x));
    // SAFETY: the external reference keeps the three elements in place and unchanged.
    let seen = unsafe { std::slice::from_raw_parts(pointer.buffer_pointer as *const f32, 3) };
    assert_eq!(seen, [1., 2., 3.]);
    let mut args = PJRT_Buffer_DecreaseExternalReferenceCount_Args {
        buffer: x,
        ..PJRT_Buffer_DecreaseExternalReferenceCount_Args::new()
    };
    call(api().PJRT_Buffer_DecreaseExternalReferenceCount, &mut args).unwrap();
    assert!(call(api().PJRT_Buffer_DecreaseExternalReferenceCount, &mut args).is_err());
    for buffer in [x, y, out] {
        destroy(buffer);
    }
    destroy_executable(add);
}

#[test]
fn wrong_arguments_are_sentences() {
    let host = Host::new(2);
    let add = host.compile(ADD);
    let x = host.buffer(0, &[1., 2., 3.], &[3]);
    let short = host.buffer(0, &[1., 2.], &[2]);
    let far = host.buffer(1, &[1., 2., 3.], &[3]);
    let refused = |arguments: &[*mut PJRT_Buffer]| {
        let (code, message) = execute(add, &[arguments]).unwrap_err();
        assert_eq!(code, PJRT_Error_Code_INVALID_ARGUMENT);
        message
    };
    assert_eq!(refused(&[x]), "add: expected 2 arguments, got 1");
    assert_eq!(refused(&[x, short]), "add: argument 1 must be tensor<3xf32>, got tensor<2xf32>");
    assert_eq!(refused(&[x, far]), "add: argument 1 is on device 1, but the program runs on device 0");
    assert_eq!(refused(&[x, null_mut()]), "add: argument 1 is null");
    let (code, message) = execute(add, &[&[x, x], &[x, x]]).unwrap_err();
    assert_eq!((code, message.as_str()), (3, "add: arguments are given for 2 devices, it runs on 1"));
    let mut args = PJRT_Buffer_Delete_Args { buffer: short, ..PJRT_Buffer_Delete_Args::new() };
    call(api().PJRT_Buffer_Delete, &mut args).unwrap();
    assert_eq!(to_host(short).unwrap_err(), (3, "the buffer has been deleted".to_owned()));
    for buffer in [x, short, far] {
        destroy(buffer);
    }
    destroy_executable(add);
}

#[test]
fn wrong_programs_are_sentences() {
    let host = Host::new(1);
    let refused = |text: &str, options: &[u8]| host.try_compile(text, options).unwrap_err();
    assert_eq!(refused(ADD, &[]).0, PJRT_Error_Code_INVALID_ARGUMENT);
    assert_eq!(refused("module {", ONE).0, PJRT_Error_Code_INVALID_ARGUMENT);
    assert_eq!(refused(&ADD[..ADD.len() / 2], ONE).0, PJRT_Error_Code_INVALID_ARGUMENT);
    let two = &[0x1a, 0x04, 0x20, 0x01, 0x28, 0x02];
    assert_eq!(refused(ADD, two).1, "num_replicas 1 and num_partitions 2 do not fit on 1 devices");
    let mut bytecode = program("ML");
    let code = b"ML\xefR\x06StableHLO";
    (bytecode.code, bytecode.code_size) = (code.as_ptr().cast_mut().cast(), code.len());
    let mut args = PJRT_Client_Compile_Args {
        client: host.client,
        program: &bytecode,
        compile_options: ONE.as_ptr().cast(),
        compile_options_size: ONE.len(),
        ..PJRT_Client_Compile_Args::new()
    };
    let (code, message) = call(api().PJRT_Client_Compile, &mut args).unwrap_err();
    assert_eq!((code, message.as_str()), (12, "MLIR bytecode is not supported yet: send the module as text"));
}

#[test]
fn memory_runs_out_with_code_8() {
    let host = Host::with(&[("memory_limit_bytes", 1 << 20)]);
    let data = vec![0f32; 1 << 18];
    let (code, message) = host.try_buffer(0, &data, &[1 << 19]).unwrap_err();
    assert_eq!(code, PJRT_Error_Code_RESOURCE_EXHAUSTED, "{message}");
    assert!(message.starts_with("out of memory"), "{message}");
    destroy(host.buffer(0, &data[..1000], &[1000]));
}

#[test]
fn kernels_take_their_working_memory_within_the_limit() {
    // Operand and result take half of it, and sorting by a region as much again for each of two orders.
    let text = "module {
      func.func public @main(%x: tensor<65536xf32>) -> tensor<65536xf32> {
        %0:2 = \"stablehlo.sort\"(%x, %x) <{dimension = 0 : i64, is_stable = true}> ({
          ^bb0(%a: tensor<f32>, %b: tensor<f32>, %c: tensor<f32>, %d: tensor<f32>):
          %s = stablehlo.multiply %a, %c : tensor<f32>
          %t = stablehlo.multiply %b, %d : tensor<f32>
          %p = stablehlo.compare LT, %s, %t : (tensor<f32>, tensor<f32>) -> tensor<i1>
          stablehlo.return %p : tensor<i1>
        }) : (tensor<65536xf32>, tensor<65536xf32>) -> (tensor<65536xf32>, tensor<65536xf32>)
        return %0#0 : tensor<65536xf32>
      }
    }";
    let data: Vec<f32> = (0..65536).map(|i| ((i * 7919) % 65536) as f32).collect();
    for (limit, enough) in [(900 << 10, false), (4 << 20, true)] {
        let host = Host::with(&[("memory_limit_bytes", limit)]);
        let sort = host.compile(text);
        let x = host.buffer(0, &data, &[65536]);
        match execute(sort, &[&[x]]) {
            Ok(results) => {
                assert!(enough);
                assert_eq!(to_host(results[0]).unwrap()[..4], [0.0, 1.0, 2.0, 3.0]);
                destroy(results[0]);
            }
            Err((code, message)) => {
                assert!(!enough && code == PJRT_Error_Code_RESOURCE_EXHAUSTED, "{code} {message}");
                assert!(message.contains("bytes were asked for while"), "{message}");
            }
        }
        destroy(x);
        destroy_executable(sort);
    }
}

#[test]
fn a_tebibyte_is_refused_with_code_8() {
    let host = Host::new(1);
    let bodies = [
        "%0 = stablehlo.iota dim = 0 : tensor<274877906944xf32>",
        "%0 = stablehlo.constant dense<2.0> : tensor<274877906944xf32>",
        "%a = stablehlo.iota dim = 0 : tensor<274877906944xf32>
         %c = stablehlo.constant dense<0.0> : tensor<f32>
         %0 = \"stablehlo.reduce_window\"(%a, %c) <{window_dimensions = array<i64: 3>, padding = dense<[[1, 1]]> : tensor<1x2xi64>}> ({
            ^bb0(%x: tensor<f32>, %y: tensor<f32>):
            %s = stablehlo.add %x, %y : tensor<f32>
            stablehlo.return %s : tensor<f32>
         }) : (tensor<274877906944xf32>, tensor<f32>) -> tensor<274877906944xf32>",
        "%a = stablehlo.constant dense<1.0> : tensor<274877906944x1x0xf32>
         %b = stablehlo.constant dense<1.0> : tensor<274877906944x0x1xf32>
         %0 = stablehlo.dot_general %a, %b, batching_dims = [0] x [0], contracting_dims = [2] x [1]
            : (tensor<274877906944x1x0xf32>, tensor<274877906944x0x1xf32>) -> tensor<274877906944x1x1xf32>",
    ];
    for body in bodies {
        let result = body.rsplit("tensor<").next().unwrap().trim_end_matches('>');
        let text = format!(
            "module {{ func.func public @main() -> tensor<{result}> {{ {body}\n return %0 : tensor<{result}> }} }}"
        );
        let outcome = host.try_compile(&text, ONE).and_then(|executable| {
            let outcome = execute(executable, &[&[]]);
            destroy_executable(executable);
            outcome
        });
        let (code, message) = outcome.map(|_| ()).unwrap_err();
        assert_eq!(code, PJRT_Error_Code_RESOURCE_EXHAUSTED, "{message}");
        // The result alone, or with it what it is computed from.
        let sizes =
            [1u64 << 40, 1 << 41].map(|n| format!("out of memory: {n} bytes were asked for while 0 of"));
        assert!(sizes.iter().any(|size| message.starts_with(size)), "{message}");
    }
}

#[test]
fn a_promise_becomes_ready_and_its_failure_spreads() {
    let host = Host::new(1);
    let add = host.compile(ADD);
    let dims = [3i64];
    let alias = || {
        let mut memory = PJRT_Device_DefaultMemory_Args {
            device: host.devices[0],
            ..PJRT_Device_DefaultMemory_Args::new()
        };
        call(api().PJRT_Device_DefaultMemory, &mut memory).unwrap();
        let mut args = PJRT_Client_CreateAliasBuffer_Args {
            client: host.client,
            memory: memory.memory,
            shape_dims: dims.as_ptr(),
            shape_num_dims: 1,
            shape_element_type: PJRT_Buffer_Type_F32,
            ..PJRT_Client_CreateAliasBuffer_Args::new()
        };
        call(api().PJRT_Client_CreateAliasBuffer, &mut args).unwrap();
        (args.alias_buffer, args.fulfill_alias_buffer_cb)
    };
    let start = |x: *mut PJRT_Buffer| {
        let list = [x, x];
        let (mut result, lists) = (null_mut(), [list.as_ptr()]);
        let outputs = [&raw mut result];
        let mut options = PJRT_ExecuteOptions::new();
        let mut args = PJRT_LoadedExecutable_Execute_Args {
            executable: add,
            options: &mut options,
            argument_lists: lists.as_ptr(),
            num_devices: 1,
            num_args: 2,
            output_lists: outputs.as_ptr(),
            ..PJRT_LoadedExecutable_Execute_Args::new()
        };
        call(api().PJRT_LoadedExecutable_Execute, &mut args).unwrap();
        result
    };
    let ready = |buffer: *mut PJRT_Buffer| {
        let mut args = PJRT_Buffer_ReadyEvent_Args { buffer, ..PJRT_Buffer_ReadyEvent_Args::new() };
        call(api().PJRT_Buffer_ReadyEvent, &mut args).unwrap();
        let event = args.event;
        let mut args = PJRT_Event_IsReady_Args { event, ..PJRT_Event_IsReady_Args::new() };
        call(api().PJRT_Event_IsReady, &mut args).unwrap();
        (event, args.is_ready)
    };

    let (x, fulfil) = alias();
    let out = start(x);
    let (event, is_ready) = ready(out);
    assert!(!is_ready);
    let y = host.buffer(0, &[1., 2., 3.], &[3]);
    let mut args = PJRT_Client_FulfillAliasBuffer_Args {
        client: host.client,
        buffer: y,
        fulfill_alias_buffer_cb: fulfil,
        ..PJRT_Client_FulfillAliasBuffer_Args::new()
    };
    call(api().PJRT_Client_FulfillAliasBuffer, &mut args).unwrap();
    finish(event).unwrap();
    assert_eq!(to_host(out).unwrap(), [2., 4., 6.]);

    let (broken, fulfil) = alias();
    let poisoned = start(broken);
    let message = "the source is lost";
    let mut args = PJRT_Client_FulfillAliasBuffer_Args {
        client: host.client,
        status_code: PJRT_Error_Code_DATA_LOSS,
        error_message: message.as_ptr().cast(),
        error_message_size: message.len(),
        fulfill_alias_buffer_cb: fulfil,
        ..PJRT_Client_FulfillAliasBuffer_Args::new()
    };
    call(api().PJRT_Client_FulfillAliasBuffer, &mut args).unwrap();
    assert_eq!(finish(ready(poisoned).0), Err((PJRT_Error_Code_DATA_LOSS, message.to_owned())));
    assert_eq!(to_host(poisoned), Err((PJRT_Error_Code_DATA_LOSS, message.to_owned())));
    for buffer in [x, y, out, broken, poisoned] {
        destroy(buffer);
    }
    destroy_executable(add);
}

#[test]
fn callbacks_are_called_once() {
    static CALLED: AtomicUsize = AtomicUsize::new(0);
    unsafe extern "C" fn callback(error: *mut PJRT_Error, argument: *mut c_void) {
        assert_eq!(argument as usize, 42);
        assert!(error.is_null());
        CALLED.fetch_add(1, Ordering::Relaxed);
    }
    let mut created = PJRT_Event_Create_Args::new();
    call(api().PJRT_Event_Create, &mut created).unwrap();
    let event = created.event;
    let mut args = PJRT_Event_OnReady_Args {
        event,
        callback: Some(callback),
        user_arg: 42 as *mut c_void,
        ..PJRT_Event_OnReady_Args::new()
    };
    call(api().PJRT_Event_OnReady, &mut args).unwrap();
    assert_eq!(CALLED.load(Ordering::Relaxed), 0);
    let mut set = PJRT_Event_Set_Args { event, ..PJRT_Event_Set_Args::new() };
    call(api().PJRT_Event_Set, &mut set).unwrap();
    assert!(call(api().PJRT_Event_Set, &mut set).is_err());
    call(api().PJRT_Event_OnReady, &mut args).unwrap();
    assert_eq!(CALLED.load(Ordering::Relaxed), 2);
    finish(event).unwrap();
}

#[test]
fn an_executable_is_saved_and_loaded() {
    let host = Host::new(1);
    let loaded = host.compile(ADD);
    let mut args = PJRT_LoadedExecutable_GetExecutable_Args {
        loaded_executable: loaded,
        ..PJRT_LoadedExecutable_GetExecutable_Args::new()
    };
    call(api().PJRT_LoadedExecutable_GetExecutable, &mut args).unwrap();
    let executable = args.executable;
    let mut args = PJRT_Executable_Serialize_Args { executable, ..PJRT_Executable_Serialize_Args::new() };
    call(api().PJRT_Executable_Serialize, &mut args).unwrap();
    // SAFETY: the bytes live until the deleter is called, once.
    let bytes = unsafe {
        let bytes =
            std::slice::from_raw_parts(args.serialized_bytes.cast::<u8>(), args.serialized_bytes_size);
        let bytes = bytes.to_vec();
        args.serialized_executable_deleter.unwrap()(args.serialized_executable);
        bytes
    };
    let load = |bytes: &[u8]| {
        let mut args = PJRT_Executable_DeserializeAndLoad_Args {
            client: host.client,
            serialized_executable: bytes.as_ptr().cast(),
            serialized_executable_size: bytes.len(),
            ..PJRT_Executable_DeserializeAndLoad_Args::new()
        };
        call(api().PJRT_Executable_DeserializeAndLoad, &mut args).map(|()| args.loaded_executable)
    };
    let again = load(&bytes).unwrap();
    let x = host.buffer(0, &[1., 2., 3.], &[3]);
    let out = execute(again, &[&[x, x]]).unwrap()[0];
    assert_eq!(to_host(out).unwrap(), [2., 4., 6.]);
    for cut in [0, 8, 50, bytes.len() - 1] {
        assert_eq!(load(&bytes[..cut]).unwrap_err().0, PJRT_Error_Code_INVALID_ARGUMENT);
    }
    let mut damaged = bytes.clone();
    damaged[60] ^= 1;
    assert!(load(&damaged).is_err());
    destroy(x);
    destroy(out);
    let mut args = PJRT_Executable_Destroy_Args { executable, ..PJRT_Executable_Destroy_Args::new() };
    call(api().PJRT_Executable_Destroy, &mut args).unwrap();
    destroy_executable(loaded);
    destroy_executable(again);
}

#[test]
fn the_extension_chain_can_be_walked() {
    let mut extension = api().extension_start.cast_const();
    let mut types = Vec::new();
    while !extension.is_null() {
        // SAFETY: the chain is static.
        let base = unsafe { &*extension };
        types.push(base.type_);
        extension = base.next;
    }
    let expected =
        [PJRT_Extension_Type_Layouts, PJRT_Extension_Type_MemoryDescriptions, PJRT_Extension_Type_FFI];
    assert_eq!(types, expected);
    assert_ne!(extension, &raw const *api() as *const PJRT_Extension_Base);
    assert_eq!(extension, null());
}

/// `out = in + the attribute "step"`, or an error where the first number is negative.
unsafe extern "C" fn add_step(
    frame: *mut pjrt_sys::ffi::XLA_FFI_CallFrame,
) -> *mut pjrt_sys::ffi::XLA_FFI_Error {
    use pjrt_sys::ffi::*;
    // SAFETY: the plugin passes a whole frame, with the buffers and attributes of the module below.
    unsafe {
        let frame = &mut *frame;
        if !frame.extension_start.is_null() {
            let metadata = &mut *(*frame.extension_start.cast::<XLA_FFI_Metadata_Extension>()).metadata;
            metadata.api_version.major_version = XLA_FFI_API_MAJOR;
            metadata.api_version.minor_version = XLA_FFI_API_MINOR;
            return null_mut();
        }
        assert_eq!(frame.struct_size, XLA_FFI_CALL_FRAME_STRUCT_SIZE);
        assert_eq!((frame.args.size, frame.rets.size, frame.attrs.size), (1, 1, 2));
        let name = |i: usize| {
            let span = **frame.attrs.names.add(i);
            std::str::from_utf8(std::slice::from_raw_parts(span.ptr.cast::<u8>(), span.len)).unwrap()
        };
        // In the order of names.
        assert_eq!((name(0), name(1)), ("label", "step"));
        let label = *(*frame.attrs.attrs).cast::<XLA_FFI_ByteSpan>();
        assert_eq!(std::slice::from_raw_parts(label.ptr.cast::<u8>(), label.len), b"x");
        let step = *(*frame.attrs.attrs.add(1)).cast::<XLA_FFI_Scalar>();
        assert_eq!(step.dtype, XLA_FFI_S64);
        let (from, to) =
            ((*frame.args.values).cast::<XLA_FFI_Buffer>(), (*frame.rets.values).cast::<XLA_FFI_Buffer>());
        assert_eq!(((*from).dtype, (*from).rank, *(*from).dims), (XLA_FFI_F32, 1, 3));
        if *(*from).data.cast::<f32>() < 0.0 {
            let mut args = XLA_FFI_Error_Create_Args {
                struct_size: 28,
                extension_start: null_mut(),
                message: c"the first number is negative".as_ptr(),
                errc: XLA_FFI_ERROR_INVALID_ARGUMENT,
            };
            return (*frame.api).XLA_FFI_Error_Create.unwrap()(&mut args);
        }
        for i in 0..3 {
            *(*to).data.cast::<f32>().add(i) =
                *(*from).data.cast::<f32>().add(i) + *step.value.cast::<i64>() as f32;
        }
        null_mut()
    }
}

#[test]
fn handlers_are_called_with_frames_of_the_ffi() {
    let mut extension = api().extension_start;
    // SAFETY: the chain is static and ends with null.
    while unsafe { (*extension).type_ } != PJRT_Extension_Type_FFI {
        // SAFETY: as above.
        extension = unsafe { (*extension).next };
    }
    // SAFETY: an extension of that kind is this struct.
    let ffi = unsafe { &*extension.cast::<PJRT_FFI_Extension>() };
    let register = |target: &str, platform: &str| {
        let handler: pjrt_sys::ffi::XLA_FFI_Handler = add_step;
        let mut args = PJRT_FFI_Register_Handler_Args::new();
        (args.target_name, args.target_name_size) = (target.as_ptr().cast(), target.len());
        (args.platform_name, args.platform_name_size) = (platform.as_ptr().cast(), platform.len());
        args.handler = handler as *mut c_void;
        call(ffi.register_handler, &mut args)
    };
    assert!(register("jacinth_test_add_step", "CUDA").unwrap_err().1.contains("CUDA"));
    register("jacinth_test_add_step", "Host").unwrap();
    register("jacinth_test_add_step", "cpu").unwrap();
    let text = |target: &str| {
        format!(
            "func.func @main(%a: tensor<3xf32>) -> tensor<3xf32> {{
                %0 = stablehlo.custom_call @{target}(%a) {{api_version = 4 : i32, backend_config = {{step = 2 : i64, label = \"x\"}}}} : (tensor<3xf32>) -> tensor<3xf32>
                return %0 : tensor<3xf32>
            }}"
        )
    };
    let host = Host::new(1);
    let (_, message) = host.try_compile(&text("jacinth_test_absent"), ONE).unwrap_err();
    assert!(message.contains("no handler is registered for the target @jacinth_test_absent"), "{message}");
    let executable =
        crate::compile::compile(&jacinth_lowering::Module::parse(&text("jacinth_test_add_step")).unwrap());
    let run = |values: [f32; 3]| {
        let allocator = crate::memory::Allocator::new(None);
        let mut argument = allocator.allocate(12).unwrap();
        argument.bytes_mut().copy_from_slice(&values.map(f32::to_ne_bytes).concat());
        let cx = crate::executable::RunContext {
            allocator: &allocator,
            kernels: crate::kernels::KernelContext {
                pool: &crate::kernels::Serial,
                replica: 0,
                partition: 0,
                memory: &allocator,
                collectives: crate::collectives::Rendezvous::solo(),
            },
        };
        let mut arguments = crate::executable::Arguments::new();
        arguments.push(crate::executable::Argument::shared(Arc::new(argument)));
        executable.as_ref().unwrap().execute(arguments, &cx).map(|outputs| {
            // SAFETY: the result has three numbers.
            unsafe { std::slice::from_raw_parts(outputs[0].as_ptr().cast::<f32>(), 3).to_vec() }
        })
    };
    assert_eq!(run([1.0, 2.0, 3.0]).unwrap(), [3.0, 4.0, 5.0]);
    let error = run([-1.0, 2.0, 3.0]).unwrap_err();
    assert_eq!(error.message, "custom_call: @jacinth_test_add_step: the first number is negative");
}
