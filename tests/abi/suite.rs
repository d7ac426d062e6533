//! The suite: what every plugin must do, as functions over a plugin. They know no plugin by name.
//!
//! A call that a plugin does not support (code 12) is allowed where the header allows it, and then the case says so.

use crate::programs;
use jacinth_lowering::Module;
use jacinth_lowering::hlo::HloModule;
use jacinth_pjrt::{
    Buffer, Client, ClientOptions, Device, ElementType, ErrorCode, ExecuteOptions, HostArray, HostSemantics,
    LoadedExecutable, Plugin, Program,
};
use std::future::{Future, IntoFuture};
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// One replica, one partition.
pub(crate) const ONE: &[u8] = &[0x1a, 4, 0x20, 1, 0x28, 1];

pub(crate) fn client(plugin: &Plugin, devices: i64) -> Client {
    plugin.client(&ClientOptions::new().with("cpu_device_count", devices)).expect("a client")
}

fn device(client: &Client) -> Device {
    client.addressable_devices().into_iter().next().expect("a device")
}

fn compile(client: &Client, text: &str) -> LoadedExecutable {
    client.compile(&Program::mlir(text), ONE).expect("the program compiles")
}

fn put(device: &Device, values: &[f32], dims: &[i64]) -> Buffer {
    Buffer::from_slice(values, dims, device).expect("a buffer")
}

fn run(executable: &LoadedExecutable, arguments: &[&Buffer]) -> Vec<f32> {
    let outputs = executable
        .execute_single(arguments.iter().copied(), &ExecuteOptions::default())
        .expect("the program runs");
    outputs[0].to_vec().expect("the output comes back")
}

/// Waits for a future on this thread.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

pub(crate) fn versions_and_attributes(plugin: &Plugin) {
    let version = plugin.api_version();
    assert_eq!(version.major, 0);
    assert!(version.minor >= jacinth_pjrt::MIN_API_MINOR);
    assert!(plugin.num_functions() >= 100, "{} functions", plugin.num_functions());
    let attributes = plugin.attributes().expect("attributes");
    for name in ["stablehlo_current_version", "stablehlo_minimum_version"] {
        let version = attributes.get(name).and_then(|value| value.as_i64_list()).unwrap_or_default();
        assert_eq!(version.len(), 3, "{name} of {attributes:?}");
    }
    for extension in plugin.extensions() {
        assert!(extension.struct_size >= 24, "{extension:?}");
    }
}

pub(crate) fn clients_have_the_devices_asked_for(plugin: &Plugin) {
    for count in [1, 2, 5] {
        let client = client(plugin, count);
        assert!(!client.platform_name().is_empty());
        assert!(!client.platform_version().is_empty());
        assert_eq!(client.process_index(), 0);
        let devices = client.addressable_devices();
        assert_eq!(devices.len() as i64, count);
        assert_eq!(devices, client.devices());
        let mut ids: Vec<i32> = devices.iter().map(Device::id).collect();
        for device in &devices {
            assert!(device.is_addressable());
            assert_eq!(device.process_index(), 0);
            assert!(!device.kind().is_empty() && !device.to_string().is_empty());
            assert_eq!(client.device(device.id()).as_ref(), Some(device));
            let memory = device.default_memory().expect("a default memory");
            assert!(device.memories().contains(&memory));
            assert!(memory.devices().contains(device));
            assert_eq!(device.memory(memory.kind()), Some(memory));
            match device.memory_stats() {
                Ok(stats) => assert!(stats.bytes_in_use >= 0),
                Err(error) => assert!(error.is_unimplemented(), "{error}"),
            }
        }
        ids.dedup();
        assert_eq!(ids.len() as i64, count, "ids are unique");
        assert_eq!(client.device(1 << 20), None);
        assert!(client.memories().len() >= devices.len());
    }
}

pub(crate) fn wrong_options_are_errors(plugin: &Plugin) {
    let error = plugin.client(&ClientOptions::new().with("cpu_device_count", "two")).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    assert_eq!(error.message, "the option cpu_device_count is an int64, and `two` is a string");
    // A plugin may refuse what it does not know, or ignore it.
    if let Ok(client) = plugin.client(&ClientOptions::new().with("no_such_option", 1)) {
        assert!(!client.addressable_devices().is_empty());
    }
    for count in [0, -1] {
        if let Ok(client) = plugin.client(&ClientOptions::new().with("cpu_device_count", count)) {
            assert_eq!(client.addressable_devices(), []);
        }
    }
}

pub(crate) fn default_assignments_name_devices(plugin: &Plugin) {
    let client = client(plugin, 4);
    let assignment = client.default_device_assignment(2, 2).expect("an assignment");
    let mut ids: Vec<i32> = assignment.concat();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((assignment.len(), ids.len()), (2, 4));
    assert!(ids.iter().all(|id| client.device(*id).is_some()));
    assert!(client.default_device_assignment(0, 1).is_err());
    assert!(client.default_device_assignment(3, 3).is_err(), "four devices are not nine");
}

pub(crate) fn every_element_type_goes_there_and_back(plugin: &Plugin) {
    let client = client(plugin, 1);
    let device = device(&client);
    for &element_type in ElementType::ALL.iter().filter(|t| **t != ElementType::Token) {
        let width = element_type.host_bytes();
        for dims in [&[][..], &[0], &[5], &[2, 3], &[2, 0, 3], &[1, 2, 1, 3]] {
            let elements = dims.iter().product::<i64>() as usize;
            // Bytes that every type keeps: truth values are 0 and 1, and types below a byte have few bits.
            let mask = match element_type.bits() {
                _ if element_type == ElementType::Pred => 1,
                2 => 1,
                4 => 7,
                _ => 0x3f,
            };
            let bytes: Vec<u8> = (0..elements * width).map(|i| (i * 7 + 1) as u8 & mask).collect();
            let buffer = match Buffer::from_host(&HostArray::new(&bytes, element_type, dims), &device) {
                Ok(buffer) => buffer,
                Err(error) => {
                    assert!(
                        error.is_unimplemented() || error.code == ErrorCode::InvalidArgument,
                        "{element_type}: {error}"
                    );
                    println!("{element_type} is not supported: {error}");
                    break;
                }
            };
            assert_eq!(buffer.element_type().unwrap(), element_type);
            assert_eq!(buffer.dimensions().unwrap(), dims);
            assert_eq!(buffer.to_host().unwrap(), bytes, "{element_type}{dims:?}");
        }
    }
}

pub(crate) fn strided_host_data_is_read_as_asked(plugin: &Plugin) {
    let client = client(plugin, 1);
    let device = device(&client);
    let values: Vec<f32> = (0..6).map(|i| i as f32).collect();
    let array = HostArray::from_slice(&values, &[3, 2]);
    // The transpose of a 2 by 3 matrix.
    let transposed = Buffer::from_host(&array.with_byte_strides(&[4, 12], 0), &device).unwrap();
    assert_eq!(transposed.to_vec::<f32>().unwrap(), [0., 3., 1., 4., 2., 5.]);
    // Every second element, from a sub-array.
    let array = HostArray::from_slice(&values, &[3]);
    let sparse = Buffer::from_host(&array.with_byte_strides(&[8], 4), &device).unwrap();
    assert_eq!(sparse.to_vec::<f32>().unwrap(), [1., 3., 5.]);
    // Strides beyond the data never reach the plugin.
    let error = Buffer::from_host(&array.with_byte_strides(&[16], 0), &device).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    for (what, array, expected) in [
        (
            "reversed",
            HostArray::from_slice(&values, &[6]).with_byte_strides(&[-4], 20),
            [5., 4., 3., 2., 1., 0.],
        ),
        (
            "broadcast",
            HostArray::from_slice(&values, &[3, 2]).with_byte_strides(&[0, 4], 8),
            [2., 3., 2., 3., 2., 3.],
        ),
    ] {
        match Buffer::from_host(&array, &device) {
            Ok(buffer) => assert_eq!(buffer.to_vec::<f32>().unwrap(), expected, "{what}"),
            Err(error) => {
                assert!(error.is_unimplemented() || error.code == ErrorCode::InvalidArgument, "{error}");
                println!("{what} strides are not supported: {error}");
            }
        }
    }
}

pub(crate) fn owned_host_data_outlives_its_transfer(plugin: &Plugin) {
    let client = client(plugin, 1);
    let device = device(&client);
    for semantics in [HostSemantics::UntilTransferCompletes, HostSemantics::ZeroCopy] {
        let data: Arc<[i32]> = (0..1 << 16).collect();
        let dims = [data.len() as i64];
        let buffer =
            Buffer::from_host_owned(Arc::clone(&data), ElementType::S32, &dims, semantics, &device).unwrap();
        assert_eq!(buffer.to_vec::<i32>().unwrap(), *data, "{semantics:?}");
        drop(buffer);
        // The plugin's reference goes once it is done with the data.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while Arc::strong_count(&data) > 1 && std::time::Instant::now() < deadline {
            thread::yield_now();
        }
        assert_eq!(Arc::strong_count(&data), 1, "{semantics:?}: the data was never given back");
    }
}

pub(crate) fn host_copies_wait_poll_and_are_dropped_early(plugin: &Plugin) {
    let client = client(plugin, 1);
    let device = device(&client);
    let values: Vec<f32> = (0..1 << 14).map(|i| i as f32).collect();
    let buffer = put(&device, &values, &[1 << 14]);
    let bytes = f32_bytes(&values);
    assert_eq!(buffer.to_host_async().unwrap().wait().unwrap(), bytes);
    assert_eq!(block_on(buffer.to_host_async().unwrap()).unwrap(), bytes);
    let copy = buffer.to_host_async().unwrap();
    while !copy.is_ready().unwrap() {
        thread::yield_now();
    }
    drop(copy);
    for _ in 0..64 {
        drop(buffer.to_host_async().unwrap());
        drop(buffer.ready_event().unwrap());
    }
    let mut small = [0; 3];
    assert_eq!(buffer.to_host_into(&mut small).unwrap_err().code, ErrorCode::InvalidArgument);
    assert_eq!(buffer.to_vec::<i32>().unwrap_err().message, "the buffer's elements are f32, not s32");
}

fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_ne_bytes()).collect()
}

pub(crate) fn raw_copies_read_a_part(plugin: &Plugin) {
    let client = client(plugin, 1);
    let buffer = put(&device(&client), &[1., 2., 3., 4.], &[4]);
    assert!(buffer.on_device_size().unwrap() >= 16);
    let mut part = [0; 8];
    match buffer.copy_raw_to_host(4, &mut part) {
        Ok(()) => assert_eq!(part.to_vec(), f32_bytes(&[2., 3.])),
        Err(error) => assert!(error.is_unimplemented(), "{error}"),
    }
    let size = buffer.on_device_size().unwrap();
    assert_eq!(buffer.copy_raw_to_host(size, &mut part).unwrap_err().code, ErrorCode::OutOfRange);
}

pub(crate) fn buffers_move_between_devices_and_memories(plugin: &Plugin) {
    let client = client(plugin, 2);
    let devices = client.addressable_devices();
    let buffer = put(&devices[0], &[1., 2., 3.], &[3]);
    assert_eq!(buffer.device().unwrap(), devices[0]);
    assert_eq!(buffer.memory().unwrap(), devices[0].default_memory().unwrap());
    let moved = buffer.copy_to_device(&devices[1]).unwrap();
    assert_eq!(moved.device().unwrap(), devices[1]);
    drop(buffer);
    assert_eq!(moved.to_vec::<f32>().unwrap(), [1., 2., 3.]);
    for memory in devices[0].memories() {
        let there = moved.copy_to_memory(&memory).unwrap();
        assert_eq!(there.memory().unwrap(), memory);
        assert_eq!(there.to_vec::<f32>().unwrap(), [1., 2., 3.]);
        let fresh = Buffer::from_slice(&[7i32], &[], &memory).unwrap();
        assert_eq!(fresh.memory().unwrap(), memory);
        assert_eq!(fresh.to_vec::<i32>().unwrap(), [7]);
    }
    let other = self::client(plugin, 1);
    let foreign = device(&other);
    assert_eq!(moved.copy_to_device(&foreign).unwrap_err().code, ErrorCode::InvalidArgument);
}

pub(crate) fn deleted_buffers_say_so(plugin: &Plugin) {
    let client = client(plugin, 1);
    let buffer = put(&device(&client), &[1.], &[]);
    assert!(!buffer.is_deleted().unwrap());
    buffer.delete().unwrap();
    assert!(buffer.is_deleted().unwrap());
    buffer.delete().expect("deleting twice is allowed");
    assert!(buffer.to_host().is_err());
    let executable = compile(&client, programs::ADD_ONE);
    assert!(executable.execute_single([&buffer], &ExecuteOptions::default()).is_err());
}

pub(crate) fn programs_run(plugin: &Plugin) {
    let client = client(plugin, 1);
    let device = device(&client);
    let add_one = compile(&client, programs::ADD_ONE);
    let one = put(&device, &[41.], &[]);
    assert_eq!(run(&add_one, &[&one]), [42.]);
    // The argument is kept.
    assert!(!one.is_deleted().unwrap());
    assert_eq!(one.to_vec::<f32>().unwrap(), [41.]);

    let two = compile(&client, programs::SUM_AND_PRODUCT);
    let (a, b) = (put(&device, &[1., 2.], &[2]), put(&device, &[3., 4.], &[2]));
    let outputs = two.execute_single([&a, &b], &ExecuteOptions::default()).unwrap();
    assert_eq!(outputs.len(), 2);
    assert_eq!(outputs[0].to_vec::<f32>().unwrap(), [4., 6.]);
    assert_eq!(outputs[1].to_vec::<f32>().unwrap(), [3., 8.]);
    // The same buffer twice.
    let outputs = two.execute_single([&a, &a], &ExecuteOptions::default()).unwrap();
    assert_eq!(outputs[1].to_vec::<f32>().unwrap(), [1., 4.]);

    let empty = compile(&client, programs::EMPTY);
    let nothing = put(&device, &[], &[0, 3]);
    let outputs = empty.execute_single([&nothing], &ExecuteOptions::default()).unwrap();
    assert_eq!(outputs[0].dimensions().unwrap(), [0, 3]);
    assert_eq!(outputs[0].to_vec::<f32>().unwrap(), []);
}

pub(crate) fn executions_queue_up_without_waiting(plugin: &Plugin) {
    let client = client(plugin, 1);
    let device = device(&client);
    let add_one = compile(&client, programs::ADD_ONE);
    let mut value = put(&device, &[0.], &[]);
    for _ in 0..1000 {
        let mut outputs = add_one.execute_single([&value], &ExecuteOptions::default()).unwrap();
        value = outputs.pop().unwrap();
    }
    value.block_until_ready().unwrap();
    assert_eq!(value.to_vec::<f32>().unwrap(), [1000.]);
    assert_eq!(block_on(value.ready().unwrap()), Ok(()));
}

pub(crate) fn events_call_back_and_are_awaited(plugin: &Plugin) {
    let client = client(plugin, 1);
    let device = device(&client);
    let matmul = compile(&client, programs::MATMUL);
    let values: Vec<f32> = (0..128 * 128).map(|i| (i % 7) as f32).collect();
    let x = put(&device, &values, &[128, 128]);
    for round in 0..20 {
        let outputs = matmul.execute_single([&x, &x], &ExecuteOptions::default()).unwrap();
        let event = outputs[0].ready_event().unwrap();
        match round % 4 {
            0 => {
                let (send, receive) = channel();
                event.on_ready(move |result| send.send(result).unwrap()).unwrap();
                assert_eq!(receive.recv_timeout(std::time::Duration::from_secs(60)), Ok(Ok(())));
            }
            1 => assert_eq!(block_on(event.into_future()), Ok(())),
            2 => {
                // A callback that panics stays inside.
                let (send, receive) = channel();
                event
                    .on_ready(move |_| {
                        send.send(()).unwrap();
                        std::panic::resume_unwind(Box::new("on purpose"));
                    })
                    .unwrap();
                receive.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
            }
            // Everything goes while the work may still run.
            _ => drop((event, outputs)),
        }
    }
}

pub(crate) fn everything_may_be_dropped_while_work_runs(plugin: &Plugin) {
    for _ in 0..10 {
        let client = client(plugin, 1);
        let device = device(&client);
        let matmul = compile(&client, programs::MATMUL);
        let values = vec![1f32; 128 * 128];
        let x = put(&device, &values, &[128, 128]);
        let outputs = matmul.execute_single([&x, &x], &ExecuteOptions::default()).unwrap();
        let copy = outputs[0].to_host_async().unwrap();
        let (send, receive) = channel();
        // The last handle of the client goes inside the callback.
        outputs[0]
            .ready_event()
            .unwrap()
            .on_ready(move |_| {
                drop((outputs, x, matmul, device, client));
                send.send(()).unwrap();
            })
            .unwrap();
        receive.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
        drop(copy);
    }
}

pub(crate) fn donated_arguments_are_gone_and_kept_ones_stay(plugin: &Plugin) {
    let client = client(plugin, 1);
    let device = device(&client);
    let donating = compile(&client, programs::DONATING);
    let kept = put(&device, &[1., 2., 3., 4.], &[4]);
    let options = ExecuteOptions { non_donatable: &[0], ..ExecuteOptions::default() };
    let outputs = donating.execute_single([&kept], &options).unwrap();
    assert_eq!(outputs[0].to_vec::<f32>().unwrap(), [2., 3., 4., 5.]);
    assert!(!kept.is_deleted().unwrap());
    assert_eq!(kept.to_vec::<f32>().unwrap(), [1., 2., 3., 4.]);
    let outputs = donating.execute_single([&kept], &ExecuteOptions::default()).unwrap();
    assert_eq!(outputs[0].to_vec::<f32>().unwrap(), [2., 3., 4., 5.]);
    assert!(kept.is_deleted().unwrap());
    assert!(donating.execute_single([&kept], &ExecuteOptions::default()).is_err());
}

pub(crate) fn replicas_run_on_their_devices(plugin: &Plugin) {
    let client = client(plugin, 2);
    // Two replicas, one partition.
    let executable =
        client.compile(&Program::mlir(programs::ADD_ONE), &[0x1a, 4, 0x20, 2, 0x28, 1]).expect("compiles");
    let devices = executable.devices();
    assert_eq!(devices.len(), 2);
    assert_eq!(executable.executable().num_replicas().unwrap(), 2);
    let buffers: Vec<Buffer> =
        devices.iter().enumerate().map(|(i, device)| put(device, &[10. * i as f32], &[])).collect();
    let arguments: Vec<Vec<&Buffer>> = buffers.iter().map(|buffer| vec![buffer]).collect();
    let execution = executable.execute(&arguments, &ExecuteOptions::default()).unwrap();
    for event in &execution.complete {
        event.wait().unwrap();
    }
    for (i, outputs) in execution.outputs.iter().enumerate() {
        assert_eq!(outputs[0].to_vec::<f32>().unwrap(), [10. * i as f32 + 1.]);
        assert_eq!(outputs[0].device().unwrap(), devices[i]);
    }
    let error = executable.execute(&arguments[..1], &ExecuteOptions::default()).unwrap_err();
    assert_eq!(error.message, "1 argument lists were given for 2 devices");
    let error = executable.execute(&[vec![&buffers[0]], vec![]], &ExecuteOptions::default()).unwrap_err();
    assert!(error.message.starts_with("the argument list of device 1 has 0 buffers"), "{error}");
    assert!(executable.execute_single([&buffers[0]], &ExecuteOptions::default()).is_err());
}

pub(crate) fn collectives_meet(plugin: &Plugin) {
    let client = client(plugin, 4);
    let executable =
        client.compile(&Program::mlir(programs::ALL_REDUCE), &[0x1a, 4, 0x20, 4, 0x28, 1]).expect("compiles");
    let devices = executable.devices();
    for round in 0..20 {
        let buffers: Vec<Buffer> = devices
            .iter()
            .enumerate()
            .map(|(i, device)| put(device, &[i as f32, round as f32], &[2]))
            .collect();
        let arguments: Vec<Vec<&Buffer>> = buffers.iter().map(|buffer| vec![buffer]).collect();
        let execution = executable.execute(&arguments, &ExecuteOptions::default()).unwrap();
        for outputs in &execution.outputs {
            assert_eq!(outputs[0].to_vec::<f32>().unwrap(), [6., 4. * round as f32]);
        }
    }
}

pub(crate) fn wrong_arguments_are_errors(plugin: &Plugin) {
    let client = client(plugin, 1);
    let device = device(&client);
    let executable = compile(&client, programs::SUM_AND_PRODUCT);
    let pair = put(&device, &[1., 2.], &[2]);
    let options = ExecuteOptions::default();
    assert!(executable.execute_single([&pair], &options).is_err(), "too few");
    assert!(executable.execute_single([&pair, &pair, &pair], &options).is_err(), "too many");
    let triple = put(&device, &[1., 2., 3.], &[3]);
    assert!(fails(&executable, &[&pair, &triple]), "another shape");
    let ints = Buffer::from_slice(&[1i64, 2], &[2], &device).unwrap();
    assert!(fails(&executable, &[&pair, &ints]), "another size");
    let other = self::client(plugin, 1);
    let foreign = put(&self::device(&other), &[1., 2.], &[2]);
    let error = executable.execute_single([&pair, &foreign], &options).unwrap_err();
    assert_eq!(error.message, "argument 1 is a buffer of another client");
    let elsewhere = ExecuteOptions { device: Some(&self::device(&other)), ..options };
    assert!(executable.execute_single([&pair, &pair], &elsewhere).is_err());
}

/// Whether the execution is refused, at once or through its output.
fn fails(executable: &LoadedExecutable, arguments: &[&Buffer]) -> bool {
    match executable.execute_single(arguments.iter().copied(), &ExecuteOptions::default()) {
        Err(_) => true,
        Ok(outputs) => outputs[0].block_until_ready().is_err(),
    }
}

pub(crate) fn wrong_programs_are_errors(plugin: &Plugin) {
    let client = client(plugin, 1);
    let add_one = programs::ADD_ONE;
    let truncated = &add_one[..add_one.len() / 2];
    let unknown_operation = add_one.replace("stablehlo.add", "stablehlo.frobnicate");
    let no_main = add_one.replace("@main", "@other");
    let ill_typed = add_one.replace("return %1 : tensor<f32>", "return %1 : tensor<i32>");
    for (what, program) in [
        ("empty", Program::mlir("")),
        ("truncated", Program::mlir(truncated)),
        ("of noise", Program::mlir(&[0xffu8, 0, 7, 200])),
        ("with an unknown operation", Program::mlir(&unknown_operation)),
        ("without a main", Program::mlir(&no_main)),
        ("that does not type-check", Program::mlir(&ill_typed)),
        ("in an unknown format", Program::new("fortran", add_one.as_bytes())),
    ] {
        let error = client.compile(&program, ONE).expect_err(what);
        assert!(!error.message.is_empty(), "a program {what} needs a sentence");
    }
    for options in [&[][..], &[0x1a, 0], &[0xff, 0xff]] {
        let error = client.compile(&Program::mlir(add_one), options).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidArgument);
        assert!(error.message.starts_with("the compile options"), "{error}");
    }
    // More replicas than devices.
    let error = client.compile(&Program::mlir(add_one), &[0x1a, 4, 0x20, 9, 0x28, 1]).unwrap_err();
    assert!(!error.message.is_empty());
}

pub(crate) fn executables_describe_themselves(plugin: &Plugin) {
    let client = client(plugin, 1);
    let loaded = compile(&client, programs::SUM_AND_PRODUCT);
    let executable = loaded.executable();
    assert!(executable.name().unwrap().contains("sum_and_product"), "{executable:?}");
    assert_eq!(executable.num_replicas().unwrap(), 1);
    assert_eq!(executable.num_partitions().unwrap(), 1);
    assert_eq!((executable.num_outputs().unwrap(), loaded.num_outputs()), (2, 2));
    assert_eq!(loaded.devices().len(), 1);
    fn supported<T>(answer: jacinth_pjrt::Result<T>, check: impl FnOnce(T)) {
        match answer {
            Ok(answer) => check(answer),
            Err(error) => assert!(error.is_unimplemented(), "{error}"),
        }
    }
    supported(executable.output_types(), |types| assert_eq!(types, [ElementType::F32; 2]));
    supported(executable.output_dimensions(), |dims| assert_eq!(dims, [[2], [2]]));
    supported(executable.output_memory_kinds(), |kinds| assert_eq!(kinds.len(), 2));
    supported(executable.code_size(), |_| ());
    supported(executable.cost_analysis(), |cost| {
        assert!(cost.iter().all(|(name, _)| !name.is_empty()));
    });
    supported(executable.memory_stats(), |stats| {
        assert!(stats.arguments >= 0 && stats.outputs >= 0 && stats.temporaries >= 0);
    });
    supported(executable.optimized_program(), |program| {
        let code = program.code();
        match program.format() {
            "mlir" => {
                let text = std::str::from_utf8(code).expect("the optimised program is text");
                Module::parse(text)
                    .and_then(|module| module.verify())
                    .expect("the optimised program is legal");
            }
            "hlo" => assert!(HloModule::decode(code).expect("it is HLO").to_string().contains("ENTRY %")),
            "hlo_with_config" => {
                let module = HloModule::decode_with_config(code).expect("it is HLO");
                assert!(module.to_string().contains("entry_computation_layout={(f32[2]{0}, f32[2]{0})->"));
            }
            other => panic!("an optimised program of the format {other:?}"),
        }
    });
    supported(executable.compile_options(), |options| assert!(!options.is_empty()));
    supported(loaded.device_assignment(), |assignment| assert!(!assignment.is_empty()));
    supported(loaded.fingerprint(), |fingerprint| {
        let again = compile(&client, programs::SUM_AND_PRODUCT).fingerprint().unwrap();
        let other = compile(&client, programs::ADD_ONE).fingerprint().unwrap();
        assert_eq!(fingerprint, again);
        assert_ne!(fingerprint, other);
    });
}

pub(crate) fn executables_are_serialised_and_loaded(plugin: &Plugin) {
    let client = client(plugin, 1);
    let device = device(&client);
    let bytes = match compile(&client, programs::ADD_ONE).executable().serialize() {
        Ok(bytes) => bytes,
        Err(error) => {
            assert!(error.is_unimplemented(), "{error}");
            println!("serialisation is not supported: {error}");
            return;
        }
    };
    assert!(!bytes.is_empty());
    let one = put(&device, &[1.], &[]);
    assert_eq!(run(&client.deserialize_and_load(&bytes, None).unwrap(), &[&one]), [2.]);
    assert_eq!(run(&client.deserialize_and_load(&bytes, Some(ONE)).unwrap(), &[&one]), [2.]);
    assert!(client.deserialize_and_load(&[], None).is_err());
    assert!(client.deserialize_and_load(&bytes, Some(&[])).is_err());
    assert!(client.deserialize_and_load(b"not an executable", None).is_err());
}

pub(crate) fn deleted_executables_say_so(plugin: &Plugin) {
    let client = client(plugin, 1);
    let executable = compile(&client, programs::ADD_ONE);
    assert!(!executable.is_deleted().unwrap());
    executable.delete().unwrap();
    let one = put(&device(&client), &[1.], &[]);
    // XLA:CPU keeps an executable that is asked to go, and says so.
    let runs = executable.execute_single([&one], &ExecuteOptions::default()).is_ok();
    assert_eq!(runs, !executable.is_deleted().unwrap());
}

pub(crate) fn topologies_describe_devices_and_compile(plugin: &Plugin) {
    let client = client(plugin, 2);
    let topology = client.topology().expect("a topology");
    assert_eq!(topology.platform_name().unwrap(), client.platform_name());
    assert!(!topology.platform_version().unwrap().is_empty());
    let descriptions = topology.devices().unwrap();
    assert_eq!(descriptions.len(), 2);
    assert_eq!(descriptions[0].kind, client.devices()[0].kind());
    match topology.attributes() {
        Ok(_) => {}
        Err(error) => assert!(error.is_unimplemented(), "{error}"),
    }
    match topology.compile(&Program::mlir(programs::ADD_ONE), ONE) {
        Ok(executable) => assert_eq!(executable.num_outputs().unwrap(), 1),
        // XLA:CPU has no compiler registered for this call.
        Err(error) => assert!(error.is_unimplemented() || error.code == ErrorCode::NotFound, "{error}"),
    }
    assert!(topology.compile(&Program::mlir(programs::ADD_ONE), &[]).is_err());
    assert!(plugin.topology("", &Default::default()).is_err());
}

pub(crate) fn threads_share_a_client(plugin: &Plugin) {
    let client = client(plugin, 2);
    let devices = client.addressable_devices();
    let executable = Arc::new(compile(&client, programs::ADD_ONE));
    thread::scope(|scope| {
        for t in 0..4 {
            let (executable, device) = (Arc::clone(&executable), &devices[0]);
            scope.spawn(move || {
                for i in 0..100 {
                    let value = (t * 1000 + i) as f32;
                    let buffer = put(device, &[value], &[]);
                    assert_eq!(run(&executable, &[&buffer]), [value + 1.]);
                }
            });
        }
    });
}

pub(crate) fn too_much_memory_is_an_error(plugin: &Plugin) {
    let client = client(plugin, 1);
    // 4 exabytes: compiling may refuse it, and so may running; neither may abort.
    match client.compile(&Program::mlir(programs::HUGE), ONE) {
        Err(error) => assert!(!error.message.is_empty()),
        Ok(executable) => match executable.execute_single([], &ExecuteOptions::default()) {
            Err(error) => assert!(!error.message.is_empty()),
            Ok(outputs) => assert!(outputs[0].block_until_ready().is_err()),
        },
    }
}
