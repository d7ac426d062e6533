//! More memory than there is: always an error, and what the process does afterwards works.

use jacinth::prelude::*;
use jacinth::{Backend, with_backend};
use jacinth_pjrt::ClientOptions;

use crate::{assert_says, panic_text};

/// A backend of the embedded plugin whose device has so many bytes.
fn limited(bytes: i64) -> Backend {
    let options = ClientOptions::new().with("memory_limit_bytes", bytes);
    let client = jacinth_plugins::embedded().unwrap().client(&options).unwrap();
    Backend::of_client(client).unwrap()
}

/// 2³⁸ numbers of four bytes: 1 TiB.
const TIB: usize = 1 << 38;

#[test]
fn an_intermediate_of_a_tebibyte_is_an_error_and_the_arguments_stay() {
    let x = Array::from_slice(&[3.0f32, 1.0, 2.0, 0.0], [4]);
    // Sorting needs the whole of what it sorts.
    let f = jit(|x: Array| {
        let wide = jnp::broadcast_to(&x, [TIB / 4, 4]);
        lax::sort(&wide, 0).index(0) + x
    });
    assert_says(f.try_call((x.clone(),)).unwrap_err(), &["out of memory", "bytes"]);
    let error = f.try_call((Array::from_slice(&[1.0f32; 4], [4]),)).unwrap_err();
    assert_says(error, &["out of memory"]);
    assert_eq!((&x + 1.0f32).to_vec::<f32>(), [4., 2., 3., 1.]);
}

#[test]
fn a_result_of_a_tebibyte_is_an_error() {
    assert_says(jit(|| jnp::zeros([TIB])).try_call(()).unwrap_err(), &["out of memory"]);
    assert_says(panic_text(|| jnp::ones([TIB])), &["out of memory"]);
    // More elements than an address can count.
    let huge = jit(|| jnp::zeros([1usize << 40, 1 << 40]));
    assert!(huge.try_call(()).is_err());
    assert_eq!(jnp::ones([2]).to_vec::<f32>(), [1., 1.]);
}

#[test]
fn an_argument_beyond_the_limit_is_an_error() {
    with_backend(&limited(1 << 20), || {
        let numbers = vec![1.0f32; 1 << 19];
        assert_says(Array::try_from_slice(&numbers, [1 << 19]).unwrap_err(), &["out of memory"]);
        // A quarter of the limit fits, and five times that does not.
        let x = Array::from_slice(&numbers[..1 << 16], [1 << 16]);
        let f = jit(|x: &Array| [1.0f32, 2.0, 3.0, 4.0, 5.0].map(|n| x + n));
        assert_says(f.try_call((&x,)).unwrap_err(), &["out of memory"]);
        assert_eq!((&x + 1.0f32).sum().item::<f32>(), (2 << 16) as f32);
    });
}

#[test]
fn a_donated_argument_survives_a_run_that_did_not_begin() {
    use jacinth_pjrt::{Buffer, ExecuteOptions, Program};
    const TEXT: &str = "module @m {
      func.func public @main(%arg0: tensor<65536xf32> {tf.aliasing_output = 0 : i32}) -> (tensor<65536xf32>, tensor<1048576xf32>) {
        %0 = stablehlo.add %arg0, %arg0 : tensor<65536xf32>
        %1 = stablehlo.iota dim = 0 : tensor<1048576xf32>
        return %0, %1 : tensor<65536xf32>, tensor<1048576xf32>
      }
    }";
    let options = ClientOptions::new().with("memory_limit_bytes", 1 << 20);
    let client = jacinth_plugins::embedded().unwrap().client(&options).unwrap();
    let device = &client.addressable_devices()[0];
    let program = client.compile(&Program::mlir(TEXT), crate::modules::ONE).unwrap();
    let buffer = Buffer::from_slice(&vec![1f32; 65536], &[65536], device).unwrap();
    let error = program.execute_single([&buffer], &ExecuteOptions::default()).unwrap_err();
    assert_says(error, &["out of memory"]);
    assert!(!buffer.is_deleted().unwrap());
    assert_eq!(buffer.to_vec::<f32>().unwrap(), vec![1.0; 65536]);
}

#[test]
fn memory_comes_back_after_a_thousand_failures() {
    let backend = limited(1 << 20);
    with_backend(&backend, || {
        let x = jnp::ones([1 << 16]);
        let f = jit(|x: Array| (jnp::tile(&x, [8]), x));
        for _ in 0..1000 {
            assert!(f.try_call((x.clone(),)).is_err());
        }
        for _ in 0..1000 {
            assert_eq!(jit(|x: &Array| x.sum())(&x).item::<f32>(), 65536.0);
        }
        drop(x);
        assert_eq!(backend.device().memory_stats().unwrap().bytes_in_use, 0);
    });
}
