//! Callbacks from inside of programs, on every CPU plugin that is here, and the search for the operation that made a NaN.

mod plugins;

use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use jacinth_frontend::api::control::{cond, fori_loop, scan};
use jacinth_frontend::debug::{
    self, VmapMethod, callback, callback_ordered, io_callback, print, pure_callback, set_print_hook,
};
use jacinth_frontend::ir::Aval;
use jacinth_frontend::{
    Array, DType, config, custom_jvp, debug_print, grad, jit, jvp, lax, make_jaxpr, vmap, with_backend,
};
use libtest_mimic::{Arguments, Failed, Trial};

/// One test per plugin, since what is printed goes to one hook of the process.
fn main() -> ExitCode {
    let tests: [(&str, fn()); 12] = [
        ("values_are_seen", values_are_seen),
        ("order_is_kept", order_is_kept),
        ("loops_and_branches_call", loops_and_branches_call),
        ("mapping_calls_for_each", mapping_calls_for_each),
        ("derivatives_see_primals", derivatives_see_primals),
        ("pure_results_come_back", pure_results_come_back),
        ("mapped_pure_callbacks", mapped_pure_callbacks),
        ("io_results_come_back", io_results_come_back),
        ("errors_come_back", errors_come_back),
        ("printing", printing),
        ("callbacks_compute", callbacks_compute),
        ("nans_are_found", nans_are_found),
    ];
    let mut trials = Vec::new();
    for (plugin, backend) in plugins::under_test() {
        for (name, test) in tests {
            let backend = backend.clone();
            let run = move || {
                let outcome = std::panic::catch_unwind(|| with_backend(&backend, test));
                outcome.map_err(|panic| {
                    let text = panic.downcast_ref::<String>().cloned();
                    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| s.to_string()));
                    Failed::from(text.unwrap_or_else(|| "a panic without text".into()))
                })
            };
            trials.push(Trial::test(format!("{plugin}::{name}"), run));
        }
    }
    libtest_mimic::run(&Arguments { test_threads: Some(1), ..Arguments::from_args() }, trials).exit_code()
}

fn numbers(n: usize) -> Array {
    Array::from_slice(&(0..n).map(|i| i as f32).collect::<Vec<f32>>(), [n])
}

fn scalar(x: f32) -> Array {
    Array::from_slice(&[x], [0usize; 0])
}

/// What callbacks have seen.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Vec<f32>>>>);

impl Seen {
    fn note(&self) -> impl Fn(&[Array]) + Send + Sync + 'static {
        let seen = self.clone();
        move |args: &[Array]| {
            let values = args.iter().flat_map(|a| a.to_vec::<f32>()).collect();
            seen.0.lock().unwrap().push(values);
        }
    }

    fn take(&self) -> Vec<Vec<f32>> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn take_sorted(&self) -> Vec<Vec<f32>> {
        let mut all = self.take();
        all.sort_by(|a, b| a.partial_cmp(b).expect("no NaN"));
        all
    }
}

fn values_are_seen() {
    let seen = Seen::default();
    let note = seen.note();
    let f = {
        let seen = seen.clone();
        jit(move |x: &Array| {
            let y = x * 2.0;
            callback(seen.note(), &[x, &y]);
            y + 1.0
        })
    };
    assert_eq!(f(&numbers(2)).to_vec::<f32>(), [1.0, 3.0]);
    assert_eq!(seen.take(), [[0.0, 1.0, 0.0, 2.0]]);
    // The program is compiled once and calls every time, also where nobody uses a result.
    f(&(numbers(2) + 1.0));
    assert_eq!(seen.take(), [[1.0, 2.0, 2.0, 4.0]]);
    assert_eq!(f.stats().misses.len(), 1);
    let only = jit({
        let seen = seen.clone();
        move |x: &Array| callback(seen.note(), &[x])
    });
    only(&numbers(1));
    assert_eq!(seen.take(), [[0.0]]);
    // Outside of any trace the function is simply called.
    callback(note, &[&numbers(1)]);
    assert_eq!(seen.take(), [[0.0]]);
}

fn order_is_kept() {
    let seen = Seen::default();
    let f = {
        let seen = seen.clone();
        jit(move |x: &Array| {
            for i in 0..8 {
                callback_ordered(seen.note(), &[&(x + f64::from(i))]);
            }
            let inner = seen.clone();
            let g = jit(move |x: &Array| callback_ordered(inner.note(), &[&(x * 10.0)]));
            g(x);
            let inner = seen.clone();
            fori_loop(
                0,
                3,
                |_, c: Array| {
                    callback_ordered(inner.note(), &[&c]);
                    c + 1.0
                },
                x * 100.0,
            );
            callback_ordered(seen.note(), &[&(x * 1000.0)]);
        })
    };
    f(&scalar(1.0));
    let expected = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 100.0, 101.0, 102.0, 1000.0];
    assert_eq!(seen.take(), expected.map(|x| vec![x]));
}

fn loops_and_branches_call() {
    let seen = Seen::default();
    let f = {
        let seen = seen.clone();
        jit(move |xs: &Array| {
            let note = seen.clone();
            let (sum, _) = scan(
                move |c: Array, x: Array| {
                    callback(note.note(), &[&c, &x]);
                    (&c + &x, ())
                },
                scalar(0.0),
                xs,
            );
            let note = seen.clone();
            cond(
                lax::gt(&sum, &scalar(2.0)),
                move |x: Array| {
                    callback_ordered(note.note(), &[&x]);
                    x
                },
                |x: Array| x,
                sum.clone(),
            )
        })
    };
    assert_eq!(f(&numbers(3)).item::<f32>(), 3.0);
    assert_eq!(seen.take(), [vec![0.0, 0.0], vec![0.0, 1.0], vec![1.0, 2.0], vec![3.0]]);
    assert_eq!(f(&numbers(2)).item::<f32>(), 1.0);
    assert_eq!(seen.take(), [vec![0.0, 0.0], vec![0.0, 1.0]]);
}

fn mapping_calls_for_each() {
    let seen = Seen::default();
    let g = {
        let seen = seen.clone();
        move |x: &Array| {
            callback(seen.note(), &[x]);
            x * 2.0
        }
    };
    assert_eq!(vmap(g.clone())(&numbers(3)).to_vec::<f32>(), [0.0, 2.0, 4.0]);
    assert_eq!(seen.take(), [[0.0], [1.0], [2.0]]);
    assert_eq!(jit(vmap(g))(&numbers(3)).to_vec::<f32>(), [0.0, 2.0, 4.0]);
    assert_eq!(seen.take_sorted(), [[0.0], [1.0], [2.0]]);
}

fn derivatives_see_primals() {
    let seen = Seen::default();
    let g = {
        let seen = seen.clone();
        move |x: &Array| {
            callback(seen.note(), &[x]);
            x * x
        }
    };
    assert_eq!(grad(g.clone())(&scalar(3.0)).item::<f32>(), 6.0);
    assert_eq!(seen.take(), [[3.0]]);
    assert_eq!(jit(grad(g.clone()))(&scalar(4.0)).item::<f32>(), 8.0);
    assert_eq!(seen.take(), [[4.0]]);
    let (y, dy) = jvp(g, (scalar(5.0),), (scalar(1.0),));
    assert_eq!((y.item::<f32>(), dy.item::<f32>()), (25.0, 10.0));
    assert_eq!(seen.take(), [[5.0]]);
}

fn sine_of(x: &Array, method: Option<VmapMethod>) -> Array {
    let sine = |args: &[Array]| {
        let values: Vec<f32> = args[0].to_vec::<f32>().iter().map(|x| x.sin()).collect();
        vec![Array::from_slice(&values, args[0].shape().to_vec())]
    };
    pure_callback(sine, &[Aval::new(x.shape().iter().copied(), DType::F32)], &[x], method).remove(0)
}

#[track_caller]
fn assert_close(found: &Array, expected: &[f32]) {
    let found = found.to_vec::<f32>();
    assert_eq!(found.len(), expected.len());
    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?} {expected:?}");
}

fn pure_results_come_back() {
    let expected = [0f32, 1.0, 2.0].map(f32::sin);
    assert_close(&sine_of(&numbers(3), None), &expected);
    assert_close(&jit(|x: &Array| sine_of(x, None) + 1.0)(&numbers(3)), &expected.map(|x| x + 1.0));
    let refused = jit(grad(|x: &Array| sine_of(x, None))).try_call((&scalar(1.0),)).unwrap_err().to_string();
    assert!(refused.contains("Pure callbacks do not support JVP. Please use `custom_jvp`"), "{refused}");
    assert!(refused.contains("callbacks.rs"), "{refused}");
    let f =
        custom_jvp(|x: &Array| sine_of(x, None)).defjvp(|(x,), (t,)| (sine_of(&x, None), lax::cos(&x) * t));
    assert_close(&jit(grad(f))(&scalar(1.0)), &[1f32.cos()]);
}

fn mapped_pure_callbacks() {
    let expected: Vec<f32> = (0..6).map(|i| (i as f32).sin()).collect();
    let xs = numbers(6).reshape([2, 3]);
    for method in [
        VmapMethod::Sequential,
        VmapMethod::SequentialUnrolled,
        VmapMethod::ExpandDims,
        VmapMethod::BroadcastAll,
    ] {
        assert_close(&vmap(move |x: &Array| sine_of(x, Some(method)))(&xs).reshape([6]), &expected);
        assert_close(&jit(vmap(move |x: &Array| sine_of(x, Some(method))))(&xs).reshape([6]), &expected);
    }
    let refused = vmap(|x: &Array| sine_of(x, None)).try_call((&xs,)).unwrap_err().to_string();
    assert!(refused.contains("vmap is only supported for pure_callback when vmap_method"), "{refused}");
}

fn io_results_come_back() {
    let counter = Arc::new(Mutex::new(0));
    let next = {
        let counter = counter.clone();
        move |ordered: bool| {
            let counter = counter.clone();
            let count = move |_: &[Array]| {
                let mut counter = counter.lock().unwrap();
                *counter += 1;
                vec![Array::from_slice(&[*counter], [0usize; 0])]
            };
            io_callback(count, &[Aval::new([], DType::I32)], &[], ordered).remove(0)
        }
    };
    let f = jit(move || (next(true), next(true), next(false)));
    let (a, b, c) = f();
    assert_eq!(
        (a.item::<i32>(), b.item::<i32>()),
        (if c.item::<i32>() == 1 { 2 } else { 1 }, 6 - a.item::<i32>() - c.item::<i32>())
    );
    assert!(a.item::<i32>() < b.item::<i32>());
    // Nobody uses what these give, and they are called all the same.
    f();
    assert_eq!(*counter.lock().unwrap(), 6);
}

fn errors_come_back() {
    let f = jit(|x: &Array| {
        callback(|args: &[Array]| assert!(args[0].item::<f32>() < 2.0, "the number is too large"), &[x]);
        x + 1.0
    });
    assert_eq!(f(&scalar(1.0)).item::<f32>(), 2.0);
    let error = f.try_call((&scalar(3.0),)).unwrap_err().to_string();
    assert!(error.contains("the number is too large"), "{error}");
    assert_eq!(f(&scalar(1.0)).item::<f32>(), 2.0);
    let wrong = jit(|x: &Array| {
        pure_callback(
            |_| vec![Array::from_slice(&[1f32, 2.0], [2usize])],
            &[Aval::new([3], DType::F32)],
            &[x],
            None,
        )
        .remove(0)
    });
    let error = wrong.try_call((&scalar(1.0),)).unwrap_err().to_string();
    assert!(error.contains("result 0 is f32[2], not as was announced"), "{error}");
}

fn printing() {
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let hooked = lines.clone();
    set_print_hook(move |line| hooked.lock().unwrap().push(line.to_owned()));
    let f = jit(|x: &Array| {
        let y = x * 2.0;
        debug_print!(ordered: "x = {x}, y = {}", &y, x = x);
        debug_print!(ordered: "nothing");
        debug::print_ordered("{{y}} = {}", &[&y]);
        y
    });
    f(&scalar(1.5));
    let expected = ["x = 1.5, y = 3.0", "nothing", "{y} = 3.0"];
    assert_eq!(*lines.lock().unwrap(), expected);
    lines.lock().unwrap().clear();
    print("{} and {}", &[&numbers(2), &scalar(2.0)]);
    assert_eq!(*lines.lock().unwrap(), ["[0. 1.] and 2.0"]);
    set_print_hook(|line| println!("{line}"));
    let jaxpr = make_jaxpr(|x: &Array| debug_print!("x = {x}", x = x))(&scalar(1.0)).unwrap().to_string();
    assert_eq!(
        jaxpr,
        "{ lambda ; a:f32[]. let\n    debug_print[fmt=x = {x} ordered=False partitioned=False] a\n  in () }"
    );
}

/// A callback may compute with what it gets, on the embedded plugin, while the device waits for it.
fn callbacks_compute() {
    let double_sum = |args: &[Array]| vec![jit(|x: &Array| (x * 2.0).sum())(&args[0])];
    let f = jit(move |x: &Array| {
        pure_callback(double_sum, &[Aval::new([], DType::F32)], &[x], None).remove(0) + 1.0
    });
    assert_eq!(f(&numbers(4)).item::<f32>(), 13.0);
}

fn nans_are_found() {
    config::with_debug_nans(true, || {
        let f = jit(|x: &Array| {
            let inner = jit(|x: &Array| lax::log(x) * 2.0);
            inner(&(x + 1.0))
        });
        assert_close(&f(&scalar(0.0)), &[0.0]);
        let error = f.try_call((&scalar(-2.0),)).unwrap_err().to_string();
        assert!(error.starts_with("invalid value (nan) encountered in log"), "{error}");
        assert!(error.contains("callbacks.rs"), "{error}");
        let error = jit(|x: Array| lax::sqrt(&x)).try_call((scalar(-1.0),)).unwrap_err().to_string();
        assert!(error.starts_with("invalid value (nan) encountered in sqrt"), "{error}");
    });
    assert!(lax::log(&scalar(-1.0)).item::<f32>().is_nan());
}
