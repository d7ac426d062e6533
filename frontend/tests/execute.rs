//! Programs traced, lowered, compiled and run, on every CPU plugin that is here.

use jacinth_frontend::lax::{add, broadcast_in_dim, exp, full, mul, neg, reduce_sum, sin, transpose};
use jacinth_frontend::tree::Static;
use jacinth_frontend::{
    Array, Backend, DType, grad, hessian, jacfwd, jacrev, jit, jvp, make_jaxpr, numpy as jnp, value_and_grad,
    vjp, vmap, with_backend,
};

/// Runs a test on the embedded plugin, and on XLA's if it is installed.
fn on_every_plugin(test: impl Fn()) {
    for name in ["embedded", "xla-cpu"] {
        match Backend::new(name) {
            Ok(backend) => with_backend(&backend, &test),
            Err(error) if name == "xla-cpu" => println!("not tested on {name}: {error}"),
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

fn scalar(v: f64) -> Array {
    Array::scalar(v, DType::F32, true)
}

/// `[0, 1, …]` in that shape.
fn numbers(shape: &[usize]) -> Array {
    let n: usize = shape.iter().product();
    Array::from_slice(&(0..n).map(|i| i as f32).collect::<Vec<f32>>(), shape)
}

#[track_caller]
fn assert_close(x: &Array, expected: &[f32]) {
    let found = x.to_vec::<f32>();
    assert_eq!(found.len(), expected.len(), "{found:?} {expected:?}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0), "{found:?} should be {expected:?}");
    }
}

#[test]
fn operations_run_one_by_one() {
    on_every_plugin(|| {
        let x = numbers(&[2, 3]);
        assert_close(&add(&x, &scalar(1.0)), &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_close(&transpose(&x, &[1, 0]), &[0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_close(&reduce_sum(&x, &[0]), &[3.0, 5.0, 7.0]);
        assert_close(&full(&[], 2.5, DType::F32), &[2.5]);
        assert_close(&neg(&full(&[0, 3], 1.0, DType::F32)), &[]);
    });
}

#[test]
fn a_jitted_function_is_compiled_once_per_kind_of_arguments() {
    on_every_plugin(|| {
        let f = jit(|x: &Array| add(&mul(x, x), &scalar(1.0)));
        assert_close(&f(&numbers(&[3])), &[1.0, 2.0, 5.0]);
        assert_close(&f(&numbers(&[3])), &[1.0, 2.0, 5.0]);
        assert_close(&f(&numbers(&[2])), &[1.0, 2.0]);
        assert_close(&f(&Array::scalar(3.0, DType::F32, false)), &[10.0]);
        assert_close(&f(&numbers(&[3])), &[1.0, 2.0, 5.0]);
        let stats = f.stats();
        assert_eq!(stats.hits, 2);
        assert_eq!(
            stats.misses,
            [
                "`<lambda>`: first call",
                "`<lambda>`: argument 0: dimension 0 changed from 3 to 2 (f32[3] to f32[2])",
                "`<lambda>`: argument 0: rank changed from f32[2] to f32[]",
            ]
        );
    });
}

#[test]
fn captured_arrays_are_parameters_and_unused_ones_vanish() {
    on_every_plugin(|| {
        let scale = numbers(&[3]);
        let f = jit(|x: &Array, _unused: &Array| mul(x, &scale));
        let text = f.lower((&numbers(&[3]), &numbers(&[7]))).unwrap().as_text();
        assert!(text.contains("@main(%arg0: tensor<3xf32>, %arg1: tensor<3xf32>)"), "{text}");
        assert!(!text.contains("stablehlo.constant"), "{text}");
        assert_close(&f(&numbers(&[3]), &numbers(&[7])), &[0.0, 1.0, 4.0]);
        let kept = f.keep_unused(true);
        assert!(kept.lower((&numbers(&[3]), &numbers(&[7]))).unwrap().as_text().contains("tensor<7xf32>"));
        assert_close(&kept(&numbers(&[3]), &numbers(&[7])), &[0.0, 1.0, 4.0]);
    });
}

#[test]
fn an_argument_by_value_is_donated_unless_it_is_shared() {
    on_every_plugin(|| {
        let f = jit(|x: Array, y: &Array| add(&x, y));
        let (x, y) = (numbers(&[4]), numbers(&[4]));
        let text = f.lower((x.clone(), &y)).unwrap().as_text();
        let donated = "%arg0: tensor<4xf32> {tf.aliasing_output = 0 : i32}, %arg1: tensor<4xf32>)";
        assert!(text.contains(donated), "{text}");
        // Shared: the clone stays valid.
        assert_close(&f(x.clone(), &y), &[0.0, 2.0, 4.0, 6.0]);
        assert_close(&x, &[0.0, 1.0, 2.0, 3.0]);
        // The same array twice.
        let both = jit(|a: Array, b: Array| (add(&a, &b), neg(&b)));
        assert_close(&both(x.clone(), x.clone()).1, &[0.0, -1.0, -2.0, -3.0]);
        // Owned: given away.
        let mut x = x;
        for _ in 0..3 {
            x = f(x, &y);
        }
        assert_close(&x, &[0.0, 4.0, 8.0, 12.0]);
    });
}

#[test]
fn derivatives_have_the_right_numbers() {
    on_every_plugin(|| {
        let f = |x: &Array| reduce_sum(&mul(&sin(x), x), &[0]);
        let x = numbers(&[3]);
        let expected: Vec<f32> = [0.0f32, 1.0, 2.0].iter().map(|x| x.sin() + x * x.cos()).collect();
        assert_close(&grad(f)(&x), &expected);
        assert_close(&jit(grad(jit(f)))(&x), &expected);
        let (value, g) = jit(value_and_grad(f))(&x);
        assert_close(&value, &[1f32.sin() + 2.0 * 2f32.sin()]);
        assert_close(&g, &expected);
        let second: Vec<f32> = [0.0f32, 1.0, 2.0].iter().map(|x| 2.0 * x.cos() - x * x.sin()).collect();
        assert_close(&grad(|x: &Array| reduce_sum(&grad(f)(x), &[0]))(&x), &second);
        let (out, tangent) = jvp(|x: &Array| exp(x), (x.clone(),), (x.clone(),));
        assert_close(&out, &[1.0, 1f32.exp(), 2f32.exp()]);
        assert_close(&tangent, &[0.0, 1f32.exp(), 2.0 * 2f32.exp()]);
        let (_, pull) = vjp(|a: &Array, b: &Array| mul(a, b), (x.clone(), full(&[], 3.0, DType::F32)));
        let (da, db) = pull(full(&[3], 1.0, DType::F32));
        assert_close(&da, &[3.0, 3.0, 3.0]);
        assert_close(&db, &[3.0]);
    });
}

#[test]
fn vmap_is_a_loop() {
    on_every_plugin(|| {
        let f = |w: &Array, x: &Array| reduce_sum(&mul(w, &exp(x)), &[0]);
        let (w, x) = (numbers(&[3]), numbers(&[2, 3]));
        let row = |r: usize| (0..3).map(|i| i as f32 * ((r * 3 + i) as f32).exp()).sum::<f32>();
        assert_close(&vmap(f).in_axes((None, 0))(&w, &x), &[row(0), row(1)]);
        assert_close(&jit(vmap(f).in_axes((None, 0)))(&w, &x), &[row(0), row(1)]);
        let columns = vmap(f).in_axes((None, 1));
        assert_close(&columns(&w, &transpose(&x, &[1, 0])), &[row(0), row(1)]);
        let per_example = vmap(grad(f)).in_axes((None, 0));
        let expected: Vec<f32> = (0..6).map(|i| (i as f32).exp()).collect();
        assert_close(&per_example(&w, &x), &expected);
        let outer = vmap(vmap(|a: &Array, b: &Array| mul(a, b)).in_axes((None, 0))).in_axes((0, None));
        assert_close(&outer(&numbers(&[2]), &numbers(&[3])), &[0.0, 0.0, 0.0, 0.0, 1.0, 2.0]);
        let back = vmap(|a: &Array| (neg(a), scalar(1.0))).out_axes((-1, None));
        let (negative, one) = back(&x);
        assert_eq!(negative.shape(), [3, 2]);
        assert_eq!(one.ndim(), 0);
    });
}

#[test]
fn values_decide_under_grad_and_static_values_under_jit() {
    on_every_plugin(|| {
        // Under grad alone the value is known, and Rust's `if` may look at it.
        let f = |x: &Array| if x.to_vec::<f32>()[0] > 0.0 { mul(x, x) } else { neg(x) };
        assert_close(&grad(f)(&full(&[], 3.0, DType::F32)), &[6.0]);
        assert_close(&grad(f)(&full(&[], -3.0, DType::F32)), &[-1.0]);
        // Under jit it is not.
        let error = jit(f).try_call((&full(&[], 3.0, DType::F32),)).unwrap_err().to_string();
        assert!(error.contains("a traced value of type f32[] was used as "), "{error}");
        assert!(error.contains("while `<lambda>` is being traced"), "{error}");
        let power = jit(|x: &Array, n: &Static<u32>| (1..n.0).fold(x.clone(), |y, _| mul(&y, x)));
        assert_close(&power(&scalar(2.0), &Static(3)), &[8.0]);
        assert_close(&power(&scalar(2.0), &Static(5)), &[32.0]);
        assert_eq!(power.stats().misses.len(), 2);
    });
}

#[test]
fn stages_tell_what_they_know() {
    on_every_plugin(|| {
        let f = |x: &Array| exp(&broadcast_in_dim(x, &[64, 64], &[]));
        let lowered = jit(f).lower((&scalar(1.0),)).unwrap();
        let jaxpr = make_jaxpr(f)(&scalar(1.0)).unwrap();
        assert_eq!(lowered.jaxpr().to_string(), jaxpr.to_string());
        let compiled = lowered.compile().unwrap();
        assert_eq!(compiled.call((&scalar(0.0),)).unwrap().to_vec::<f32>(), vec![1.0; 64 * 64]);
        let error = compiled.call((&numbers(&[2]),)).unwrap_err().to_string();
        assert!(error.contains("argument 0: expected f32[], found f32[2]"), "{error}");
        let text = compiled.as_text().unwrap();
        let expected = match text.starts_with("HloModule jit__lambda, is_scheduled=true") {
            true => {
                ["entry_computation_layout={(f32[])->f32[64,64]{1,0}}", "-> f32[64,64] {\n", "exponential(%"]
            }
            false => {
                ["module @jit__lambda ", "-> (tensor<64x64xf32> {jax.result_info", "stablehlo.exponential %"]
            }
        };
        for part in expected {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        compiled.cost_analysis().unwrap();
        assert_eq!(compiled.memory_analysis().unwrap().outputs, 64 * 64 * 4);
    });
}

#[test]
fn a_tracer_used_after_its_trace_is_an_error_everywhere() {
    on_every_plugin(|| {
        let leaked = std::sync::Mutex::new(None);
        let f = jit(|x: &Array| {
            *leaked.lock().unwrap() = Some(sin(x));
            x.clone()
        });
        f(&numbers(&[3]));
        let leaked = leaked.lock().unwrap().take().unwrap();
        for error in [
            jit(|x: &Array| neg(x)).try_call((&leaked,)).unwrap_err(),
            jit(|x: &Array| add(x, &leaked)).try_call((&numbers(&[3]),)).unwrap_err(),
        ] {
            let text = error.to_string();
            assert!(text.starts_with("leaked tracer: a traced value of type f32[3], made at "), "{text}");
            assert!(text.contains("execute.rs"), "{text}");
        }
    });
}

#[test]
fn jacobians_have_the_dimensions_of_result_and_argument() {
    on_every_plugin(|| {
        let f = |x: &Array| mul(&broadcast_in_dim(&reduce_sum(&mul(x, x), &[0]), &[2], &[]), &numbers(&[2]));
        let x = numbers(&[3]);
        for jacobian in [jacfwd(f)(&x), jacrev(f)(&x), jit(jacrev(f))(&x)] {
            assert_eq!(jacobian.shape(), [2, 3]);
            assert_close(&jacobian, &[0.0, 0.0, 0.0, 0.0, 2.0, 4.0]);
        }
        let g = |x: &Array| reduce_sum(&mul(&mul(x, x), x), &[0]);
        assert_close(&hessian(g)(&x), &[0.0, 0.0, 0.0, 0.0, 6.0, 0.0, 0.0, 0.0, 12.0]);
        assert_eq!(jacrev(|x: &Array| neg(x))(&full(&[], 1.0, DType::F32)).ndim(), 0);
    });
}

/// The carry starts from a constant, so its tangent starts from a known zero.
#[test]
fn scans_from_a_constant_have_gradients() {
    on_every_plugin(|| {
        let product = |xs: &Array| {
            let step = |c: Array, x: Array| (mul(&c, &x), ());
            jacinth_frontend::api::control::scan(step, full(&[], 2.0, DType::F32), xs).0
        };
        let xs = add(&numbers(&[3]), &scalar(1.0));
        assert_close(&grad(product)(&xs), &[12.0, 6.0, 4.0]);
        assert_close(&jit(grad(product))(&xs), &[12.0, 6.0, 4.0]);
    });
}

#[test]
fn lists_of_arrays_need_no_clones() {
    let (x, y) = (jnp::arange(3), jnp::array([3, 4, 5]));
    let stacked = jnp::stack([&x, &y], 0);
    assert_eq!(stacked.shape(), [2, 3]);
    assert_eq!(jnp::array(vec![x.clone(), y.clone()]).to_vec::<i32>(), stacked.to_vec::<i32>());
    assert_eq!(jnp::array([x.clone(), y.clone()]).shape(), [2, 3]);
    let both = vec![x.clone(), y.clone()];
    assert_eq!(jnp::concatenate(&both, 0).to_vec::<i32>(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(jnp::hstack([&x, &y]).shape(), [6]);
    assert_eq!(jnp::einsum("i,i->", [&x, &y]).item::<i32>(), 14);
    // Numbers are arrays too, and sizes are numbers.
    assert_eq!(jnp::stack([1.0, 2.0], 0).to_vec::<f32>(), [1.0, 2.0]);
    assert_eq!(jnp::array(stacked.shape()).to_vec::<i32>(), [2, 3]);
    assert_eq!((stacked.len(), stacked.size()), (2, 6));
    let f = jit(|x: &Array| x * x.len());
    assert_eq!(f(&x).to_vec::<i32>(), [0, 3, 6]);
    let error = f.try_call((&jnp::array(1.0),)).unwrap_err().to_string();
    assert!(
        error.starts_with("len of a 0-d array: it has no dimensions") && error.contains("execute.rs"),
        "{error}"
    );
    assert_eq!(y.powi(2).to_vec::<i32>(), [9, 16, 25]);
    assert_eq!(x.astype(jnp::float32).dtype(), DType::F32);
}
