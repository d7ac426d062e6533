//! Devices and processes: which there are, and arrays on them.
//!
//! One device runs a program so far: that of the thread's [`Backend`], to which [`with_default_device`] is another door. Arrays on other devices
//! are copied there when a program takes them, through the host where the plugins differ.

use std::fmt::Write;

use super::array_device::{Device, put};
use super::tree::{self, Pytree, flatten_ref};
use crate::error::OrRaise;
use crate::runtime::{Backend, with_backend};

/// The devices of the plugin on which programs run, those of other processes included.
///
/// ```
/// # use jacinth_frontend::devices;
/// assert!(devices().iter().any(|device| device.id() == 0));
/// ```
///
/// # Panics
/// If no plugin starts.
#[track_caller]
pub fn devices() -> Vec<Device> {
    Backend::current().or_raise().client().devices().iter().map(Device::of).collect()
}

/// The devices that this process can use.
///
/// ```
/// # use jacinth_frontend::{devices, local_devices};
/// assert!(local_devices().iter().all(|device| devices().contains(device)));
/// ```
///
/// # Panics
/// If no plugin starts.
#[track_caller]
pub fn local_devices() -> Vec<Device> {
    Backend::current().or_raise().client().addressable_devices().iter().map(Device::of).collect()
}

/// The number of [`devices`].
///
/// ```
/// # use jacinth_frontend::{device_count, devices};
/// assert_eq!(device_count(), devices().len());
/// ```
///
/// # Panics
/// If no plugin starts.
#[track_caller]
pub fn device_count() -> usize {
    devices().len()
}

/// The number of [`local_devices`].
///
/// ```
/// # use jacinth_frontend::{device_count, local_device_count};
/// assert!((1..=device_count()).contains(&local_device_count()));
/// ```
///
/// # Panics
/// If no plugin starts.
#[track_caller]
pub fn local_device_count() -> usize {
    local_devices().len()
}

/// The platform on which programs run: `cpu`, `cuda`, `tpu`, or `jacinth` for the embedded plugin.
///
/// ```
/// # use jacinth_frontend::{default_backend, devices};
/// assert_eq!(default_backend(), devices()[0].platform());
/// ```
///
/// # Panics
/// If no plugin starts.
#[track_caller]
pub fn default_backend() -> String {
    Backend::current().or_raise().platform().to_owned()
}

/// The number of this process among those that share the plugin's devices; 0 where it is alone.
///
/// ```
/// # use jacinth_frontend::{process_index, process_indices};
/// assert!(process_indices().contains(&process_index()));
/// ```
///
/// # Panics
/// If no plugin starts.
#[track_caller]
pub fn process_index() -> usize {
    Backend::current().or_raise().client().process_index().max(0) as usize
}

/// The number of processes that share the plugin's devices.
///
/// ```
/// # use jacinth_frontend::{process_count, process_index};
/// assert!(process_index() < process_count());
/// ```
///
/// # Panics
/// If no plugin starts.
#[track_caller]
pub fn process_count() -> usize {
    process_indices().len()
}

/// The numbers of the processes that have devices, in order.
///
/// ```
/// # use jacinth_frontend::{process_count, process_indices};
/// assert_eq!(process_indices().len(), process_count());
/// ```
///
/// # Panics
/// If no plugin starts.
#[track_caller]
pub fn process_indices() -> Vec<usize> {
    let mut all: Vec<usize> = devices().iter().map(Device::process_index).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Runs `f` with everything that it does on this thread placed on that device.
///
/// ```
/// # use jacinth_frontend::{devices, numpy as jnp, with_default_device};
/// let last = devices().pop().unwrap();
/// let x = with_default_device(&last, || jnp::ones([3]) * 2.0);
/// assert_eq!(x.device().unwrap(), last);
/// ```
///
/// # Panics
/// If the device belongs to another process.
#[track_caller]
pub fn with_default_device<R>(device: &Device, f: impl FnOnce() -> R) -> R {
    let backend = Backend::of_device(device.handle()).or_raise();
    with_backend(&backend, f)
}

/// The tree with its arrays on a device; `None` is the one on which programs run. An array that is there already is shared, a traced value
/// stays as it is, a host scalar becomes an array on the device.
///
/// A program still runs on the thread's backend, wherever its arguments are.
///
/// # Panics
/// If a transfer fails.
///
/// ```
/// # use jacinth_frontend::{Array, device_put, devices};
/// let x = device_put(&Array::from(1.5), Some(&devices()[0]));
/// assert_eq!(x.devices(), [devices()[0].clone()]);
/// ```
#[track_caller]
pub fn device_put<T: Pytree>(x: &T, device: Option<&Device>) -> T {
    let device = device.cloned().unwrap_or_else(|| Device::of(Backend::current().or_raise().device()));
    tree::map(x, |leaf| put(leaf, &device).or_raise())
}

/// Waits until all arrays of a tree are computed, and gives the tree back; traced values are passed over.
///
/// ```
/// # use jacinth_frontend::{Array, block_until_ready, jit};
/// let f = jit(|x: &Array| (x + 1.0, vec![x * 2.0]));
/// let (sum, products) = block_until_ready(f(&Array::from([1.0f32])));
/// assert!(sum.is_ready() && products[0].is_ready());
/// ```
///
/// # Panics
/// If a computation failed.
#[track_caller]
pub fn block_until_ready<T: Pytree>(tree: T) -> T {
    for leaf in flatten_ref(&tree).0 {
        leaf.block_until_ready();
    }
    tree
}

/// Waits for the effects of programs that run: there are none to wait for, because a program with callbacks is waited for when it is called.
///
/// ```
/// # use jacinth_frontend::{debug, effects_barrier, jit, Array};
/// jit(|x: &Array| debug::callback(|args| assert_eq!(args[0].item::<f32>(), 1.0), &[x]))(&Array::from(1.0f32));
/// effects_barrier(); // the callback has run
/// ```
pub fn effects_barrier() {}

/// What a report of a bug should say: versions, plugin, devices, and the variables that Jacinth reads.
///
/// ```
/// # use jacinth_frontend::environment_info;
/// assert!(environment_info().starts_with("jacinth: "));
/// ```
///
/// # Panics
/// If no plugin starts.
#[track_caller]
pub fn environment_info() -> String {
    let backend = Backend::current().or_raise();
    let mut text = String::new();
    let mut line =
        |name: &str, value: &str| writeln!(text, "{name}: {value}").expect("a string takes everything");
    line("jacinth", env!("CARGO_PKG_VERSION"));
    line("machine", &format!("{} {}", std::env::consts::OS, std::env::consts::ARCH));
    let client = backend.client();
    line("plugin", client.plugin().name());
    line("platform", &format!("{} {}", client.platform_name(), client.platform_version().replace('\n', " ")));
    line("devices", &format!("{:?}", devices()));
    line("processes", &format!("{} of {}", process_index(), process_count()));
    let mut variables: Vec<(String, String)> =
        std::env::vars().filter(|(name, _)| name.starts_with("JACINTH_")).collect();
    variables.sort();
    variables.iter().for_each(|(name, value)| line(name, value));
    text
}

/// Prints [`environment_info`].
///
/// ```
/// # use jacinth_frontend::print_environment_info;
/// print_environment_info();
/// ```
///
/// # Panics
/// If no plugin starts.
#[track_caller]
pub fn print_environment_info() {
    print!("{}", environment_info());
}
