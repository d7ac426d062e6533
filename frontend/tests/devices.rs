//! Where arrays are: devices, transfers, the end of arrays, on each CPU plugin that is there.

mod plugins;

use jacinth_frontend::runtime::set_platform;
use jacinth_frontend::{
    Array, Device, List, block_until_ready, default_backend, device_count, device_put, devices,
    effects_barrier, environment_info, jit, local_device_count, local_devices, print_environment_info,
    process_count, process_index, process_indices, with_backend, with_default_device,
};

/// Runs a test on every plugin.
fn on_each(test: impl Fn()) {
    plugins::under_test().into_iter().for_each(|(_, backend)| with_backend(&backend, &test));
}

#[test]
fn devices_are_counted_and_named() {
    on_each(|| {
        let all: Vec<Device> = devices();
        assert_eq!((all.len(), local_devices()), (device_count(), all.clone()));
        assert_eq!(local_device_count(), all.len());
        assert_eq!((process_index(), process_count(), process_indices()), (0, 1, vec![0]));
        assert_eq!(default_backend(), all[0].platform());
        assert_eq!((all[0].id(), all[0].process_index()), (0, 0));
        assert!(!all[0].device_kind().is_empty() && all[0].to_string().ends_with("Device(id=0)"));
        let info = environment_info();
        assert!(
            info.contains("jacinth: ") && info.contains("processes: 0 of 1") && info.contains("Device(id=0)"),
            "{info}"
        );
        print_environment_info();
        effects_barrier();
    });
    assert!(set_platform("no such plugin").is_err());
}

#[test]
fn arrays_go_to_devices_and_come_back() {
    on_each(|| {
        let device = &devices()[0];
        let tree = (Array::from([1.5f32, 2.5]), vec![Array::from(3.0)]);
        let (x, more) = device_put(&tree, Some(device));
        assert_eq!(
            (x.device().unwrap(), x.devices(), x.platform()),
            (device.clone(), vec![device.clone()], device.platform().into())
        );
        assert_eq!(more[0].device().unwrap(), *device);
        // A weak type stays weak, and what is there is shared.
        assert!(more[0].weak_type() && x.unsafe_buffer_pointer() == tree.0.unsafe_buffer_pointer());
        assert!(x.sharding().to_string().starts_with("SingleDeviceSharding(device="));
        assert_eq!(x.sharding().device(), device);
        assert_eq!(x.to_device(device).to_vec::<f32>(), [1.5, 2.5]);
        assert_eq!(device_put(&more, None)[0].item::<f32>(), 3.0);
        // A traced value stays where its program runs.
        let f = jit(|x: &Array| device_put(x, Some(&devices()[0])) * 2.0);
        assert_eq!(f(&x).to_vec::<f32>(), [3.0, 5.0]);
        let placed = with_default_device(device, || Array::from([1i32]) + 1);
        assert_eq!((placed.to_vec::<i32>(), placed.device().unwrap()), (vec![2], device.clone()));
        assert!(block_until_ready((x.clone(), placed)).0.is_ready());
        assert!(x.is_fully_addressable() && x.is_fully_replicated());
        assert!(x.on_device_size_in_bytes() >= 8 && Array::from(1.0).on_device_size_in_bytes() == 0);
    });
}

#[test]
fn arrays_of_another_plugin_are_copied() {
    let mut backends = plugins::under_test();
    let Some((_, other)) = backends.pop() else { unreachable!("the embedded plugin is there") };
    let x = Array::from([1.0f32, 2.0]);
    let there = with_backend(&other, || device_put(&x, None));
    assert_eq!(there.device().unwrap(), with_backend(&other, || devices()[0].clone()));
    assert_eq!((&there + &x).to_vec::<f32>(), [2.0, 4.0]);
}

#[test]
fn host_values_come_in_every_form() {
    on_each(|| {
        let x = Array::from([[1i16, -2], [3, 4]]);
        assert_eq!(x.tobytes(), [1i16, -2, 3, 4].map(i16::to_ne_bytes).concat());
        let row = |a, b| List::List(vec![List::Value(a), List::Value(b)]);
        assert!(x.tolist::<i16>() == List::List(vec![row(1, -2), row(3, 4)]));
        assert_eq!(x.sum().astype(jacinth_frontend::DType::I32).item::<i32>(), 6);
        assert_eq!(x.block_until_ready().to_ndarray::<i16>()[[1, 0]], 3);
        let error = jit(|x: &Array| Array::from(x.tobytes().len())).try_call((&x,)).unwrap_err().to_string();
        assert!(error.contains("host values"), "{error}");
    });
}

#[test]
fn arrays_end_when_they_are_deleted() {
    on_each(|| {
        let x = Array::from([1.0f32, 2.0]);
        let (same, copy) = (x.clone(), x.copy());
        assert!(!x.is_deleted() && copy.unsafe_buffer_pointer() != x.unsafe_buffer_pointer());
        x.delete();
        assert!(same.is_deleted() && !copy.is_deleted());
        assert!(same.try_to_vec::<f32>().is_err());
        assert_eq!(copy.to_vec::<f32>(), [1.0, 2.0]);
    });
}
