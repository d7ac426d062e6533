//! What `jit` keeps, why it traces again, what it says when something is wrong, and its stages.

// The derive writes `::jacinth::tree`.
extern crate jacinth_frontend as jacinth;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use jacinth_frontend::api::control::{cond, fori_loop, scan, switch, while_loop};
use jacinth_frontend::lax::{add, mul, neg, reduce_sum, sin};
use jacinth_frontend::tree::{Pytree, Static};
use jacinth_frontend::{
    Array, DType, ShapeDtypeStruct, block_until_ready, clear_caches, config, default_backend, deny_recompile,
    device_count, devices, disable_jit, eval_shape, grad, jit, local_device_count, local_devices, make_jaxpr,
    numpy as jnp, set_warning_hook, vmap,
};

fn scalar(v: f32) -> Array {
    Array::scalar(v, DType::F32, false)
}

/// `[0, 1, …]` in that shape.
fn numbers(shape: &[usize]) -> Array {
    let n: usize = shape.iter().product();
    Array::from_slice(&(0..n).map(|i| i as f32).collect::<Vec<f32>>(), shape)
}

/// The text of a panic.
fn panic_of(f: impl FnOnce()) -> String {
    let panic =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).expect_err("it should have panicked");
    let text = panic.downcast_ref::<String>().cloned();
    text.or(panic.downcast_ref::<&str>().map(|s| s.to_string())).expect("a text")
}

/// This file's line, as errors name it.
macro_rules! here {
    ($offset:expr) => {
        format!("{}:{}:", file!(), line!() + $offset)
    };
}

#[derive(Pytree, Clone)]
struct Model {
    w: Array,
    #[pytree(static)]
    depth: usize,
}

#[test]
fn impure_code_runs_once_per_trace() {
    let runs = AtomicUsize::new(0);
    let f = jit(|x: &Array| {
        runs.fetch_add(1, Ordering::Relaxed);
        sin(x)
    });
    for _ in 0..3 {
        f(&numbers(&[3]));
    }
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    f(&numbers(&[4]));
    assert_eq!(runs.load(Ordering::Relaxed), 2);
    let stats = f.stats();
    assert_eq!((stats.calls, stats.hits, stats.traces, stats.compiles), (4, 2, 2, 2));
    // Inside of another function it is one more trace only where the types are new.
    let g = jit(|x: &Array| add(&f(x), &f(x)));
    g(&numbers(&[4]));
    assert_eq!(runs.load(Ordering::Relaxed), 2);
    let stats = f.stats();
    assert_eq!((stats.calls, stats.hits, stats.traces, stats.compiles), (6, 4, 2, 2));
}

#[test]
fn a_miss_says_what_changed() {
    let f = jit(|m: &Model, xs: Vec<Array>, n: &Static<u32>| {
        (0..n.0).fold(m.w.clone(), |w, _| xs.iter().fold(w, |w, x| mul(&w, x)))
    });
    let model = |shape: &[usize], depth: usize| Model { w: numbers(shape), depth };
    f(&model(&[2, 3], 1), vec![scalar(1.0)], &Static(1));
    f(&model(&[2, 4], 1), vec![scalar(1.0)], &Static(1));
    f(&model(&[2, 4], 2), vec![scalar(1.0)], &Static(5));
    f(&model(&[2, 4], 2), vec![scalar(1.0), scalar(2.0)], &Static(5));
    f(&model(&[2, 4], 2), vec![Array::scalar(1.0, DType::F32, true)], &Static(5));
    config::with_x64(true, || f(&model(&[2, 4], 2), vec![scalar(1.0)], &Static(5)));
    assert_eq!(
        f.stats().misses,
        [
            "`<lambda>`: first call",
            "`<lambda>`: argument 0.w: dimension 1 changed from 3 to 4 (f32[2,3] to f32[2,4])",
            "`<lambda>`: argument 0.depth: static value changed from 1 to 2; argument 2: static value changed from 1 to 5",
            "`<lambda>`: argument 1: structure changed from a list of 1 to a list of 2",
            "`<lambda>`: argument 1[0]: strong type f32[] became weak",
            "`<lambda>`: the switch JACINTH_ENABLE_X64 was turned on",
        ]
    );
}

#[test]
fn a_miss_can_be_told_as_it_happens() {
    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
    set_warning_hook(|warning| SAID.lock().unwrap().push(warning.to_string()));
    let f = jit(|x: &Array| neg(x)).name("told");
    f(&numbers(&[1]));
    let line = here!(1);
    config::with_explain_cache_misses(true, || [f(&numbers(&[1])), f(&numbers(&[2]))]);
    let said = SAID.lock().unwrap().iter().filter(|s| s.contains("`told`")).cloned().collect::<Vec<_>>();
    assert_eq!(said.len(), 1, "{said:?}");
    let expected = "compiling `told`: argument 0: dimension 0 changed from 1 to 2 (f32[1] to f32[2]) at ";
    assert!(said[0].starts_with(&format!("{expected}{line}")), "{said:?}");
}

#[test]
fn a_recompilation_can_be_denied() {
    let f = jit(|x: &Array| neg(x));
    f(&numbers(&[3]));
    deny_recompile(|| {
        f(&numbers(&[3]));
        let error = f.try_call((&numbers(&[2]),)).unwrap_err().to_string();
        assert!(
            error.starts_with(
                "a call inside of deny_recompile is not compiled yet: `<lambda>`: argument 0: dimension 0 changed \
                 from 3 to 2 (f32[3] to f32[2]) at "
            ),
            "{error}"
        );
        assert!(panic_of(|| drop(f(&numbers(&[2])))).contains("deny_recompile"));
    });
    f(&numbers(&[2]));
}

#[test]
fn caches_can_be_cleared() {
    let f = jit(|x: &Array| neg(x));
    let x = numbers(&[3]);
    f(&x);
    f.clear_cache();
    f(&x);
    assert_eq!(f.stats().traces, 2);
    clear_caches();
    f(&x);
    f(&x);
    let stats = f.stats();
    assert_eq!((stats.hits, stats.traces, stats.compiles), (1, 3, 3));
    assert_eq!(stats.misses[2], "`<lambda>`: the caches were cleared");
}

#[test]
fn the_x64_switch_is_part_of_every_key() {
    let f = jit(|x: &Array| x * jnp::ones([2]).astype(DType::F64));
    let x = numbers(&[2]);
    assert_eq!(f(&x).dtype(), DType::F32);
    config::with_x64(true, || {
        assert_eq!(f(&x).dtype(), DType::F64);
        assert_eq!(grad(|x: &Array| jnp::sum(f(x), ()).astype(DType::F32))(&x).dtype(), DType::F32);
    });
    assert_eq!(f(&x).dtype(), DType::F32);
    assert_eq!(f.stats().hits, 2);
    // Jaxprs derived from a jaxpr are kept under it too.
    let g = jit(|x: &Array| jit(|x: &Array| sin(x))(x));
    let text = || make_jaxpr(vmap(&g))(&x).unwrap().to_string();
    assert_eq!(text(), config::with_x64(true, text));
}

#[test]
fn donation_can_be_chosen() {
    let f = || jit(|x: Array, y: Array, z: &Array| (add(&x, z), mul(&y, z)));
    let x = || numbers(&[2]);
    let donated = |text: String| text.matches("tf.aliasing_output").count();
    assert_eq!(donated(f().lower((x(), x(), &x())).unwrap().as_text()), 2);
    assert_eq!(donated(f().donate(false).lower((x(), x(), &x())).unwrap().as_text()), 0);
    let second = f().donate_argnums([1]);
    let text = second.lower((x(), x(), &x())).unwrap().as_text();
    assert!(
        text.contains("%arg1: tensor<2xf32> {tf.aliasing_output") && donated(text.clone()) == 1,
        "{text}"
    );
    assert!(panic_of(|| drop(f().donate_argnums([2]))).contains("argument 2 is taken by reference"));
    assert!(panic_of(|| drop(f().donate_argnums([3]))).contains("argument 3 does not exist: there are 3"));
}

#[test]
fn without_jit_values_can_be_looked_at() {
    let f = jit(|x: &Array, n: &Array| {
        let y = if x.item::<f32>() > 0.0 { x.clone() } else { neg(x) };
        let z = cond(jnp::greater(&y, 0.0), |y: Array| Array::from(y.item::<f32>()), |y| y, y);
        let z = switch(n, &[&|z: Array| z, &|z: Array| Array::from(z.item::<f32>() * 2.0)], z);
        let z = while_loop(|z: Array| jnp::less(&z, 100.0), |z: Array| Array::from(z.item::<f32>() * 3.0), z);
        let z = fori_loop(0, 2, |i, z: Array| Array::from(z.item::<f32>() + i.item::<i32>() as f32), z);
        scan(|c: Array, x: Array| (Array::from(c.item::<f32>() + x.item::<f32>()), x), z, &numbers(&[3]))
    });
    let (x, n) = (scalar(-2.0), Array::from(1));
    assert!(f.try_call((&x, &n)).is_err());
    let (carry, ys) = disable_jit(|| f(&x, &n));
    assert_eq!((carry.item::<f32>(), ys.to_vec::<f32>()), (108.0 + 1.0 + 3.0, vec![0.0, 1.0, 2.0]));
    assert_eq!(f.stats().compiles, 0);
    // Where the course depends on a traced value, it is traced as ever.
    let g = |x: &Array| cond(jnp::greater(x, 0.0), |x: Array| sin(&x), |x| neg(&x), x.clone());
    let mapped = disable_jit(|| vmap(g)(&numbers(&[2])));
    assert!((mapped.to_vec::<f32>()[1] - 1f32.sin()).abs() < 1e-6);
    let h = |x: &Array| fori_loop(0, 3, |_, x: Array| mul(&x, &x), x.clone());
    assert_eq!(disable_jit(|| grad(h)(&scalar(1.0))).item::<f32>(), 8.0);
}

#[test]
fn a_traced_value_in_host_code_says_what_to_use() {
    let message = |f: &(dyn Fn(&Array) -> Array + Send + Sync)| {
        jit(|x: &Array| f(x)).try_call((&scalar(1.0),)).unwrap_err().to_string()
    };
    let line = here!(1);
    let error = message(&|x| if jnp::greater(x, 0.0).item::<bool>() { x.clone() } else { neg(x) });
    assert!(
        error.starts_with(&format!(
            "a traced value of type bool[] was used as a bool (`if`, `while`, `assert!`) at {line}"
        )),
        "{error}"
    );
    for part in [
        "while `<lambda>` is being traced (transformed at ",
        "the value was made at ",
        "`cond` or `select`",
        "`Static` argument",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let error = message(&|x| jnp::zeros([x.astype(DType::I32).item::<i32>() as usize]));
    for part in [
        "a traced value of type i32[] was used as a host integer (a length, an index, a loop bound)",
        "`fori_loop`",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let error = message(&|x| scalar(x.item::<f32>()));
    assert!(error.contains("was used as a host number at "), "{error}");
}

#[test]
fn errors_name_the_line_of_the_call() {
    let f = jit(|x: &Array, y: &Array| add(x, y));
    let leaked = Mutex::new(None);
    jit(|x: &Array| {
        *leaked.lock().unwrap() = Some(sin(x));
        x.clone()
    })(&numbers(&[3]));
    let leaked = leaked.lock().unwrap().take().unwrap();
    let line = here!(1);
    let text = panic_of(|| drop(f(&leaked, &leaked)));
    assert!(text.contains(&format!("was used at {line}")), "{text}");
    let (inner, outer) = (here!(1), here!(2));
    let jaxpr = jit(|x: &Array| f(x, &f(x, x))).lower((&scalar(1.0),)).unwrap().as_text_with_locations();
    assert!(jaxpr.contains(inner.trim_end_matches(':').rsplit(':').next().unwrap()), "{outer}");
    let g = vmap(|x: &Array, y: &Array| add(x, y));
    let line = here!(1);
    let text = panic_of(|| drop(g(&numbers(&[2]), &numbers(&[3]))));
    assert!(
        text.contains("mapped axes must have equal sizes") && text.contains(&format!(" at {line}")),
        "{text}"
    );
    let line = here!(1);
    let error = g.try_call((&numbers(&[2]), &numbers(&[3]))).unwrap_err().to_string();
    assert!(error.contains(&format!(" at {line}")), "{error}");
}

#[test]
fn a_call_inside_of_a_function_is_an_equation_at_its_line() {
    let f = jit(|x: &Array| sin(x));
    let line = line!() + 1;
    let g = jit(|x: &Array| f(x));
    let traced = g.trace((&scalar(1.0),)).unwrap();
    assert_eq!(traced.jaxpr().jaxpr.eqns[0].source.line(), line);
    assert_eq!(
        traced.jaxpr().to_string(),
        "{ lambda ; a:f32[]. let b:f32[] = jit[name=<lambda> jaxpr={ lambda ; a:f32[]. let b:f32[] = sin a in (b,) }] a in (b,) }"
            .replace("jit[name=<lambda> jaxpr=", "jit[\n      name=<lambda>\n      jaxpr=")
            .replace(". let b:f32[] = jit[", ". let\n    b:f32[] = jit[")
            .replace("in (b,) }] a in", "in (b,) }\n    ] a\n  in")
    );
    let inlined = jit(|x: &Array| f.clone().inline(true)(x)).trace((&scalar(1.0),)).unwrap();
    assert_eq!(inlined.jaxpr().to_string(), "{ lambda ; a:f32[]. let b:f32[] = sin a in (b,) }");
}

#[test]
fn stages_follow_each_other() {
    let f = jit(|m: &Model, x: &Array| (mul(&m.w, x), reduce_sum(x, &[0])));
    let model = Model { w: numbers(&[3]), depth: 2 };
    let traced = f.trace((&model, &numbers(&[3]))).unwrap();
    assert_eq!(traced.in_tree().to_string(), "PyTreeDef((CustomNode(Model[(2,)], [*]), *))");
    assert_eq!(traced.out_tree().to_string(), "PyTreeDef((*, *))");
    let shapes: Vec<String> = traced.out_avals().iter().map(|a| a.to_string()).collect();
    assert_eq!(shapes, ["f32[3]", "f32[]"]);
    let lowered = traced.lower().unwrap();
    let text = lowered.as_text();
    assert!(text.contains("jax.result_info = \"result[0]\"") && !text.contains("loc("), "{text}");
    assert!(lowered.as_text_with_locations().contains("jit.rs"));
    let compiled = lowered.compile().unwrap();
    assert!(!compiled.as_text().unwrap().is_empty());
    assert!(!compiled.cost_analysis().unwrap().is_empty());
    assert_eq!(compiled.memory_analysis().unwrap().outputs, 4 * 4);
    let (product, sum) = compiled.call((&model, &numbers(&[3]))).unwrap();
    assert_eq!((product.to_vec::<f32>(), sum.item::<f32>()), (vec![0.0, 1.0, 4.0], 3.0));
    let deeper = Model { depth: 3, ..model.clone() };
    let line = here!(1);
    let error = compiled.call((&deeper, &numbers(&[3]))).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!(
            "`<lambda>` was compiled for other arguments than it was called with: argument 0.depth: expected 2, found 3 at {line}"
        )),
        "{error}"
    );
    let error = compiled.call((&model, &numbers(&[4]))).unwrap_err().to_string();
    assert!(error.contains("argument 1: expected f32[3], found f32[4]"), "{error}");
}

#[test]
fn shapes_stand_for_arguments() {
    let f = |a: &Array, b: &Array| (jnp::dot(a, b), a.sum());
    let (a, b) = (ShapeDtypeStruct((3, 4), DType::F32), ShapeDtypeStruct(4, DType::F64));
    assert_eq!(
        format!("{a} {b:?}"),
        "ShapeDtypeStruct(shape=(3, 4), dtype=float32) ShapeDtypeStruct(shape=(4,), dtype=float32)"
    );
    let (product, sum) = eval_shape(f)(&a, &b).unwrap();
    assert_eq!((product.shape(), sum.shape(), sum.dtype()), (&[3][..], &[][..], DType::F32));
    let error = eval_shape(f)(&b, &a).unwrap_err().to_string();
    assert!(error.contains("dot") && error.contains("jit.rs:"), "{error}");
    // Ahead of time: lowered and compiled without data, then called like the function, or by `call`.
    let compiled = jit(f).lower((&a, &b)).unwrap().compile().unwrap();
    let (ones, twos) = (jnp::ones((3, 4)), jnp::full(4, 2.0));
    assert_eq!(compiled(&ones, &twos).0.to_vec::<f32>(), [8.0; 3]);
    assert_eq!(compiled.call((&ones, &twos)).unwrap().1.item::<f32>(), 12.0);
    let line = line!() + 1;
    let error = panic_of(|| drop(compiled(&twos, &ones)));
    assert!(error.contains("argument 0: expected f32[3,4], found f32[4]"), "{error}");
    assert!(error.contains(&format!("jit.rs:{line}:")), "{error}");
    // There is no value to compute with.
    let errors = [
        panic_of(|| drop(&a + 1.0)),
        jit(f).try_call((&a, &b)).unwrap_err().to_string(),
        a.try_to_vec::<f32>().unwrap_err().to_string(),
    ];
    for error in errors {
        assert!(
            error.contains("a ShapeDtypeStruct of type f32[3,4], made at ") && error.contains("has no value"),
            "{error}"
        );
    }
}

#[test]
fn what_caches_did_and_where_arrays_are_can_be_printed() {
    let f = jit(|x: &Array| x + 1).name("printed");
    f(&jnp::ones(2));
    f(&jnp::ones(2));
    f(&jnp::ones(3));
    let text = f.stats().to_string();
    let expected = "3 calls, 1 hits, 2 traces, 2 compiled programs\nmiss: `printed`: first call\nmiss: `printed`: argument 0: dimension 0 changed \
                    from 2 to 3 (f32[2] to f32[3])";
    assert_eq!(text, expected);
    // Debug output shows values, in trees too.
    let tree = (jnp::arange(2), vec![Some(jnp::array(0.5)), None]);
    let expected = "(Array([0, 1], dtype=int32), [Some(Array(0.5, dtype=float32, weak_type=True)), None])";
    assert_eq!(format!("{tree:?}"), expected);
    let x = block_until_ready(vec![jnp::ones(2)]);
    assert_eq!(format!("{:?}", x[0].devices()), format!("{:?}", &devices()[..1]));
    assert_eq!((device_count() > 0, local_device_count() > 0), (true, true));
    assert_eq!(default_backend(), devices()[0].platform());
    assert_eq!(local_devices()[0], devices()[0]);
}
