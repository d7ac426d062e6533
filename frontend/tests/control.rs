//! Control flow over closures and pytrees: values, derivatives of higher order, maps, unrolled and reversed loops, errors.

// The derive writes `::jacinth::tree`.
extern crate jacinth_frontend as jacinth;

use std::sync::Mutex;

use expect_test::{Expect, expect};
use jacinth_frontend::api::control::{
    ScanOptions, associative_scan, cond, fori_loop, fori_loop_with, map, map_batched, scan, scan_with,
    switch, while_loop,
};
use jacinth_frontend::lax::{add, lt, mul, neg, reduce_sum, select, sin};
use jacinth_frontend::tree::Pytree;
use jacinth_frontend::{Array, DType, grad, jit, jvp, make_jaxpr, numpy as jnp, vmap};

fn scalar(v: f32) -> Array {
    Array::scalar(v, DType::F32, false)
}

fn vector(values: &[f32]) -> Array {
    Array::from_slice(values, values.len())
}

/// `[0, 1, …]` in that shape.
fn numbers(shape: &[usize]) -> Array {
    let n: usize = shape.iter().product();
    Array::from_slice(&(0..n).map(|i| i as f32).collect::<Vec<f32>>(), shape)
}

#[track_caller]
fn assert_close(found: &Array, expected: &[f32]) {
    let found = found.to_vec::<f32>();
    assert_eq!(found.len(), expected.len(), "{found:?} {expected:?}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0), "{found:?} should be {expected:?}");
    }
}

fn check(found: String, expected: Expect) {
    expected.assert_eq(&found);
}

#[derive(Pytree, Clone, Debug)]
struct State {
    position: Array,
    velocity: Array,
}

fn state() -> State {
    State { position: scalar(1.0), velocity: vector(&[0.5, 2.0]) }
}

#[test]
fn cond_takes_one_branch() {
    let f = |p: &Array, x: &Array| {
        cond(
            p,
            |s: State| State { position: sin(&s.position), ..s },
            |s| s,
            State { position: x.clone(), ..state() },
        )
        .position
    };
    for f in [&jit(f)(&Array::from(true), &scalar(2.0)), &f(&Array::from(true), &scalar(2.0))] {
        assert_close(f, &[2f32.sin()]);
    }
    assert_close(&jit(f)(&Array::from(false), &scalar(2.0)), &[2.0]);
    // A number is compared with zero.
    assert_close(&jit(f)(&scalar(0.5), &scalar(2.0)), &[2f32.sin()]);
    let g = |x: &Array| cond(lt(x, &scalar(0.0)), |x: Array| mul(&x, &x), |x| sin(&x), x.clone());
    assert_close(&vmap(grad(g))(&vector(&[-3.0, 1.0])), &[-6.0, 1f32.cos()]);
    assert_close(&jit(vmap(grad(grad(g))))(&vector(&[-3.0, 1.0])), &[2.0, -1f32.sin()]);
    let by_flag = |p: &Array, x: &Array| cond(p, |x: Array| mul(&x, &x), |x| neg(&x), x.clone());
    assert_close(&vmap(by_flag)(&Array::from([true, false]), &vector(&[3.0, 4.0])), &[9.0, -4.0]);
}

#[test]
fn switch_clamps_its_index() {
    let f = jit(|i: &Array, x: &Array| {
        let captured = x * 10.0;
        switch(i, &[&|x: Array| x, &|x: Array| &x + 1.0, &|_: Array| captured.clone()], x.clone())
    });
    let found: Vec<f32> =
        [-7, 0, 1, 2, 3, 100].iter().map(|&i| f(&Array::from(i), &scalar(2.0)).item::<f32>()).collect();
    assert_eq!(found, [2.0, 2.0, 3.0, 20.0, 20.0, 20.0]);
    let found = vmap(|i: &Array| f(i, &scalar(2.0)))(&Array::from([-1, 1, 9]));
    assert_close(&found, &[2.0, 3.0, 20.0]);
    let g = |x: &Array| f(&Array::from(2), x);
    assert_close(&grad(g)(&scalar(2.0)), &[10.0]);
    // Unsigned and narrow indices too.
    assert_eq!(f(&Array::from(1).astype(DType::UI8), &scalar(2.0)).item::<f32>(), 3.0);
}

#[test]
fn while_loop_runs_until_the_condition_fails() {
    let f = |x: &Array| {
        while_loop(
            |(x, _): (Array, Array)| lt(&x, &scalar(100.0)),
            |(x, n)| (mul(&x, &x), &n + 1),
            (x.clone(), Array::from(0)),
        )
    };
    let (x, n) = jit(f)(&scalar(3.0));
    assert_eq!((x.item::<f32>(), n.item::<i32>()), (6561.0, 3));
    let (x, n) = vmap(f)(&vector(&[2.0, 3.0, 200.0]));
    assert_close(&x, &[256.0, 6561.0, 200.0]);
    assert_eq!(n.to_vec::<i32>(), [3, 3, 0]);
    // Forward mode goes through: x⁸ where the loop runs three times.
    let (_, tangent) = jvp(|x: Array| f(&x).0, (scalar(3.0),), (scalar(1.0),));
    assert_close(&tangent, &[8.0 * 3f32.powi(7)]);
    let error = grad(|x: &Array| f(x).0).try_call((&scalar(3.0),)).unwrap_err().to_string();
    assert!(error.contains("reverse-mode differentiation does not work for while_loop"), "{error}");
    assert!(
        error.contains("use scan, or fori_loop with host integers as bounds")
            && error.contains("control.rs:"),
        "{error}"
    );
}

#[test]
fn fori_loop_counts() {
    let sum = |n: i32| fori_loop(0, n, |i, s: Array| add(&s, &i.astype(DType::F32)), scalar(0.0));
    assert_close(&sum(5), &[10.0]);
    assert_close(&sum(0), &[0.0]);
    assert_close(&sum(-3), &[0.0]);
    assert_close(&fori_loop(-2, 2, |i, s: Array| &s * 10.0 + i, scalar(0.0)), &[-2099.0]);
    let traced = jit(|n: &Array| fori_loop(0, n, |i, s: Array| add(&s, &i.astype(DType::F32)), scalar(0.0)));
    assert_close(&traced(&Array::from(5)), &[10.0]);
    // Bounds that are known differentiate, also as concrete arrays; unrolled alike.
    let power = |x: &Array| fori_loop(0, 4, |_, y: Array| mul(&y, x), scalar(1.0));
    let known = |x: &Array| fori_loop(Array::from(0), Array::from(4), |_, y: Array| mul(&y, x), scalar(1.0));
    let unrolled = |x: &Array| fori_loop_with(0, 4, |_, y: Array| mul(&y, x), scalar(1.0), 0);
    for f in [&power as &(dyn Fn(&Array) -> Array + Send + Sync), &known, &unrolled] {
        let f = |x: &Array| f(x);
        assert_close(&f(&scalar(3.0)), &[81.0]);
        assert_close(&grad(f)(&scalar(3.0)), &[108.0]);
        assert_close(&grad(grad(f))(&scalar(3.0)), &[108.0]);
        assert_close(&jit(grad(grad(grad(f))))(&scalar(3.0)), &[72.0]);
    }
    assert_close(&vmap(grad(power))(&vector(&[1.0, 2.0])), &[4.0, 32.0]);
    let mapped = vmap(|n: &Array, x: &Array| fori_loop(0, n, |_, y: Array| mul(&y, x), scalar(1.0)));
    assert_close(&mapped(&Array::from([0, 1, 3]), &vector(&[2.0, 2.0, 2.0])), &[1.0, 2.0, 8.0]);
}

#[test]
fn the_counter_has_the_bounds_dtype() {
    let seen = Mutex::new(None);
    let body = |i: Array, c: Array| {
        *seen.lock().unwrap() = Some((i.dtype(), i.weak_type()));
        c
    };
    let counter = |lower: &Array, upper: &Array| {
        let f = jit(|l: &Array, u: &Array| fori_loop(l, u, body, scalar(0.0)));
        f.try_call((lower, upper)).map(|_| seen.lock().unwrap().unwrap())
    };
    let of = |v: i32, dtype: DType| Array::from(v).astype(dtype);
    assert_eq!(counter(&of(0, DType::UI8), &of(3, DType::UI8)).unwrap(), (DType::UI8, false));
    assert_eq!(counter(&of(0, DType::I16), &Array::from(3)).unwrap(), (DType::I16, false));
    assert_eq!(counter(&Array::from(0), &Array::from(3)).unwrap(), (DType::I32, true));
    // Where the bounds are known it is a number of the program's own.
    fori_loop(of(0, DType::UI8), of(3, DType::UI8), body, scalar(0.0));
    assert_eq!(*seen.lock().unwrap(), Some((DType::I32, true)));
    let error = counter(&of(0, DType::UI8), &of(3, DType::I16)).unwrap_err().to_string();
    assert!(
        error.starts_with("fori_loop: bounds must have the same dtype, got u8[] and i16[] at "),
        "{error}"
    );
    let error = counter(&scalar(0.0), &scalar(3.0)).unwrap_err().to_string();
    assert!(error.starts_with("fori_loop: bounds must be integer scalars, got f32[] and f32[]"), "{error}");
}

#[test]
fn scan_carries_reads_and_writes() {
    let step = |c: State, x: Array| {
        let next = State { position: add(&c.position, &mul(&x, &x)), ..c };
        let y = (next.position.clone(), x);
        (next, y)
    };
    let xs = vector(&[1.0, 2.0, 3.0]);
    let (last, (running, same)) = jit(|xs: &Array| scan(step, state(), xs))(&xs);
    assert_close(&last.position, &[15.0]);
    assert_close(&last.velocity, &[0.5, 2.0]);
    assert_close(&running, &[2.0, 6.0, 15.0]);
    assert_close(&same, &[1.0, 2.0, 3.0]);
    for unroll in [0, 1, 2, 3, 7] {
        let options = ScanOptions { reverse: true, unroll, ..Default::default() };
        let (last, (running, _)) = jit(move |xs: &Array| scan_with(step, state(), xs, options))(&xs);
        assert_close(&last.position, &[15.0]);
        assert_close(&running, &[15.0, 14.0, 10.0]);
    }
    let options = ScanOptions { length: Some(4), ..Default::default() };
    let (c, ys) = scan_with(|c: Array, ()| (&c * 2.0, c), scalar(1.0), &(), options);
    assert_close(&c, &[16.0]);
    assert_close(&ys, &[1.0, 2.0, 4.0, 8.0]);
    let (c, ys) = scan(|c: Array, x: Array| (add(&c, &x), c), scalar(1.0), &numbers(&[0]));
    assert_eq!((c.item::<f32>(), ys.shape()), (1.0, &[0][..]));
}

#[test]
fn scan_differentiates_at_every_order_and_maps() {
    // c ← c·sin(x)·w over three slices: a polynomial of third degree in w.
    let f = |w: &Array, xs: &Array| scan(|c: Array, x: Array| (mul(&mul(&c, &x), w), ()), scalar(1.0), xs).0;
    let xs = vector(&[1.0, 2.0, 3.0]);
    let at = |w: f32| scalar(w);
    assert_close(&f(&at(2.0), &xs), &[48.0]);
    let g1 = |w: &Array| grad(|w: &Array| f(w, &xs))(w);
    assert_close(&g1(&at(2.0)), &[72.0]);
    assert_close(&grad(g1)(&at(2.0)), &[72.0]);
    assert_close(&jit(grad(grad(g1)))(&at(2.0)), &[36.0]);
    assert_close(&jvp(|w: Array| g1(&w), (at(2.0),), (at(1.0),)).1, &[72.0]);
    assert_close(&vmap(g1)(&vector(&[1.0, 2.0])), &[18.0, 72.0]);
    // With respect to what is scanned over, in reverse and unrolled.
    for (reverse, unroll) in [(false, 1), (true, 2)] {
        let options = ScanOptions { reverse, unroll, ..Default::default() };
        let h = |xs: &Array| {
            let (c, ys) =
                scan_with(|c: Array, x: Array| (mul(&c, &x), add(&c, &x)), scalar(1.0), xs, options);
            add(&c, &reduce_sum(&ys, &[0]))
        };
        // Products c of the slices before, and the sum of c + x.
        let expected = if reverse { [7.0, 7.0, 6.0] } else { [10.0, 5.0, 3.0] };
        assert_close(&grad(h)(&xs), &expected);
        assert_close(
            &jit(vmap(grad(h)))(&jnp::stack(&[xs.clone(), xs.clone()], 0)),
            &[expected, expected].concat(),
        );
    }
}

#[test]
fn map_is_a_loop_and_in_lots_the_same() {
    let f = |(x, y): (Array, Array)| (mul(&x, &y), reduce_sum(&x, &[0]));
    let xs = (numbers(&[5, 2]), numbers(&[5, 2]));
    let (products, sums) = map(f, &xs);
    assert_close(&products, &(0..10).map(|i| (i * i) as f32).collect::<Vec<_>>());
    assert_close(&sums, &[1.0, 5.0, 9.0, 13.0, 17.0]);
    for batch_size in [1, 2, 3, 5, 8] {
        let (p, s) = jit(move |xs: &(Array, Array)| map_batched(f, xs, batch_size))(&xs);
        assert_eq!(p.to_vec::<f32>(), products.to_vec::<f32>());
        assert_eq!(s.to_vec::<f32>(), sums.to_vec::<f32>());
    }
    let g = |x: &Array| reduce_sum(&map_batched(|x: Array| mul(&x, &x), x, 2), &[0]);
    assert_close(&grad(g)(&vector(&[1.0, 2.0, 3.0])), &[2.0, 4.0, 6.0]);
}

#[test]
fn associative_scan_gives_all_partial_results() {
    for n in [0, 1, 2, 3, 4, 5, 8, 13] {
        let xs = numbers(&[n]);
        let expected: Vec<f32> = (0..n).map(|i| (i * (i + 1) / 2) as f32).collect();
        assert_close(&associative_scan(|a: Array, b: Array| add(&a, &b), &xs, false, 0), &expected);
    }
    let f = |xs: &Array| associative_scan(|a: Array, b: Array| mul(&a, &b), xs, true, -1);
    let xs = Array::from([[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    assert_close(&jit(f)(&xs), &[6.0, 6.0, 3.0, 120.0, 30.0, 6.0]);
    assert_close(&vmap(f)(&xs), &[6.0, 6.0, 3.0, 120.0, 30.0, 6.0]);
    let g = |xs: &Array| reduce_sum(&f(xs), &[0]);
    assert_close(&grad(g)(&vector(&[1.0, 2.0, 3.0])), &[6.0, 6.0, 5.0]);
    // A linear recurrence: pairs (a, b) stand for x ↦ ax + b.
    let compose =
        |(a1, b1): (Array, Array), (a2, b2): (Array, Array)| (mul(&a1, &a2), add(&mul(&b1, &a2), &b2));
    let (_, x) = associative_scan(compose, &(vector(&[2.0, 2.0, 2.0]), vector(&[1.0, 1.0, 1.0])), false, 0);
    assert_close(&x, &[1.0, 3.0, 7.0]);
    let any = associative_scan(
        |a: Array, b: Array| jnp::logical_or(&a, &b),
        &Array::from([false, true, false]),
        false,
        0,
    );
    assert_eq!(any.to_vec::<bool>(), [false, true, true]);
    let error = jit(|x: &Array| associative_scan(|a: Array, _: Array| reduce_sum(&a, &[0]), x, false, 0));
    let error = error.try_call((&numbers(&[4]),)).unwrap_err().to_string();
    assert!(
        error.starts_with(
            "associative_scan: f must keep shapes and dtypes, but elems is f32[2], then f32[] at "
        ),
        "{error}"
    );
}

#[test]
fn select_takes_elements() {
    let f = |x: &Array| select(&lt(x, &jnp::zeros_like(x)), &neg(x), &mul(x, x));
    assert_close(&jit(f)(&vector(&[-3.0, 2.0])), &[3.0, 4.0]);
    assert_close(&vmap(grad(f))(&vector(&[-3.0, 2.0])), &[-1.0, 4.0]);
}

#[test]
fn dead_carries_and_operands_vanish() {
    let text = |f: &(dyn Fn(&Array) -> Array + Send + Sync)| {
        jit(|x: &Array| f(x)).lower((&scalar(1.0),)).unwrap().as_text()
    };
    // The second carry needs itself only; the third is needed by the first.
    let scanned = text(&|x| {
        let step =
            |(a, b, c): (Array, Array, Array), y: Array| ((add(&a, &c), sin(&b), mul(&c, &c)), sin(&y));
        scan(step, (x.clone(), x.clone(), x.clone()), &numbers(&[3])).0.0
    });
    assert!(!scanned.contains("stablehlo.sine") && scanned.contains("stablehlo.multiply"), "{scanned}");
    let looped = text(&|x| {
        let body = |(a, b, n): (Array, Array, Array)| (mul(&a, &a), sin(&b), &n + 1);
        while_loop(
            |(_, _, n): (Array, Array, Array)| lt(&n, &Array::from(3)),
            body,
            (x.clone(), x.clone(), Array::from(0)),
        )
        .0
    });
    assert!(!looped.contains("stablehlo.sine") && looped.contains("stablehlo.multiply"), "{looped}");
    let chosen = text(&|x| {
        let p = lt(x, &scalar(0.0));
        cond(&p, |x: Array| (sin(&x), mul(&x, &x)), |x| (neg(&x), x), x.clone()).1
    });
    assert!(!chosen.contains("stablehlo.sine") && !chosen.contains("negate"), "{chosen}");
    // What is gone was not needed.
    let f = jit(|x: &Array| {
        let step =
            |(a, b, c): (Array, Array, Array), y: Array| ((add(&a, &c), sin(&b), mul(&c, &c)), sin(&y));
        scan(step, (x.clone(), x.clone(), x.clone()), &numbers(&[3])).0.0
    });
    assert_close(&f(&scalar(2.0)), &[2.0 + 2.0 + 4.0 + 16.0]);
}

#[test]
fn branches_that_differ_name_the_leaf() {
    let message = |f: &(dyn Fn(&Array) -> State + Send + Sync)| {
        make_jaxpr(|x: &Array| f(x))(&scalar(1.0)).unwrap_err().to_string()
    };
    let line = line!() + 1;
    let differ = |x: &Array| cond(x, |s: State| s, |s| State { velocity: s.position.clone(), ..s }, state());
    let expected = "cond: branches must give the same types, but result.velocity of true_fun is f32[2], of false_fun f32[] at ";
    assert!(message(&differ).starts_with(&format!("{expected}{}:{line}:", file!())), "{}", message(&differ));
    let error = make_jaxpr(|x: &Array| {
        switch(x.astype(DType::I32), &[&|x: Array| vec![x], &|x: Array| vec![x.clone(), x]], x.clone())
    })(&scalar(1.0));
    let error = error.unwrap_err().to_string();
    assert!(
        error.starts_with("switch: branches must give the same structure, but result of branch 0 is a list of 1, of branch 1 a list of 2 at "),
        "{error}"
    );
    let error = jit(|x: &Array| cond(x, |x: Array| x, |x| x, x.clone()))
        .try_call((&numbers(&[2]),))
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("cond: pred must be a scalar, got f32[2] at "), "{error}");
}

#[test]
fn carries_that_change_name_the_leaf() {
    let error = jit(|x: &Array| {
        let step = |s: State, x: Array| (State { velocity: x, position: s.position.astype(DType::I32) }, ());
        scan(step, state(), x).0
    });
    let error = error.try_call((&numbers(&[3]),)).unwrap_err().to_string();
    assert!(
        error.starts_with(
            "scan: the carry must keep its types, but before and after the body carry.position is f32[], then i32[]; carry.velocity \
             is f32[2], then f32[] at "
        ),
        "{error}"
    );
    let error = jit(|x: &Array| {
        while_loop(
            |_: Vec<Array>| Array::from(true),
            |v: Vec<Array>| [v.clone(), v].concat(),
            vec![x.clone()],
        )
    });
    let error = error.try_call((&scalar(1.0),)).unwrap_err().to_string();
    assert!(
        error.starts_with("while_loop: the carry must keep its structure, but before and after the body carry is a list of 1, then a list of 2 at "),
        "{error}"
    );
    // A counting loop names the user's carry, whether its bounds are known or not.
    let body = |_: Array, (a, b): (Array, Array)| (a, b.reshape((1, -1)));
    let unknown = jit(move |upper: &Array, x: &Array| fori_loop(0, upper, body, (x.clone(), x.clone())));
    let known = jit(move |x: &Array| fori_loop(0, 3, body, (x.clone(), x.clone())));
    let x = numbers(&[2]);
    for error in [unknown.try_call((&Array::from(3), &x)).unwrap_err(), known.try_call((&x,)).unwrap_err()] {
        let error = error.to_string();
        let expected = "fori_loop: the carry must keep its types, but before and after the body carry[1] is f32[2], then f32[1,2] at ";
        assert!(error.starts_with(expected) && error.contains("control.rs"), "{error}");
    }
    let error = jit(|x: &Array| while_loop(|x: Array| x, |x: Array| x, x.clone())).try_call((&scalar(1.0),));
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with("while_loop: the condition must give one bool[], got (f32[]) at "), "{error}");
    let error =
        jit(|x: &Array, y: &Array| scan(|(), _: (Array, Array)| ((), ()), (), &(x.clone(), y.clone())).0);
    let error = error.try_call((&numbers(&[3]), &numbers(&[2]))).unwrap_err().to_string();
    assert!(error.starts_with("scan: xs[1] has a leading dimension of 2, the leading dimension of what stands before it is 3 at "), "{error}");
}

#[test]
fn weak_carries_take_the_type_that_comes_back() {
    let sum = scan(|c: Array, x: Array| (&c + &x, ()), Array::from(0), &vector(&[0.5, 1.0])).0;
    assert_eq!((sum.dtype(), sum.item::<f32>()), (DType::F32, 1.5));
    let x = while_loop(|x: Array| jnp::less(&x, 3.0), |x: Array| &x + scalar(1.5), Array::from(1));
    assert_eq!((x.dtype(), x.item::<f32>()), (DType::F32, 4.0));
}

#[test]
fn modules_hold_while_and_case() {
    let scanned =
        jit(|c: &Array, xs: &Array| scan(|c: Array, x: Array| (add(&c, &x), mul(&c, &x)), c.clone(), xs));
    check(
        scanned.lower((&scalar(0.0), &numbers(&[3]))).unwrap().as_text(),
        expect![[r#"
        module @jit__lambda attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
          func.func public @main(%arg0: tensor<f32>, %arg1: tensor<3xf32>) -> (tensor<f32> {jax.result_info = "result[0]"}, tensor<3xf32> {jax.result_info = "result[1]"}) {
            %c = stablehlo.constant dense<0> : tensor<i32>
            %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
            %0 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<3xf32>
            %1:3 = stablehlo.while(%iterArg = %c, %iterArg_0 = %arg0, %iterArg_1 = %0) : tensor<i32>, tensor<f32>, tensor<3xf32>
            cond {
              %c_2 = stablehlo.constant dense<3> : tensor<i32>
              %2 = stablehlo.compare LT, %iterArg, %c_2, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
              stablehlo.return %2 : tensor<i1>
            } do {
              %2 = stablehlo.dynamic_slice %arg1, %iterArg, sizes = [1] : (tensor<3xf32>, tensor<i32>) -> tensor<1xf32>
              %3 = stablehlo.reshape %2 : (tensor<1xf32>) -> tensor<f32>
              %4 = stablehlo.add %iterArg_0, %3 : tensor<f32>
              %5 = stablehlo.multiply %iterArg_0, %3 : tensor<f32>
              %c_2 = stablehlo.constant dense<1> : tensor<i32>
              %6 = stablehlo.add %iterArg, %c_2 : tensor<i32>
              %7 = stablehlo.reshape %5 : (tensor<f32>) -> tensor<1xf32>
              %8 = stablehlo.dynamic_update_slice %iterArg_1, %7, %iterArg : (tensor<3xf32>, tensor<1xf32>, tensor<i32>) -> tensor<3xf32>
              stablehlo.return %6, %4, %8 : tensor<i32>, tensor<f32>, tensor<3xf32>
            }
            return %1#1, %1#2 : tensor<f32>, tensor<3xf32>
          }
        }
    "#]],
    );
    let chosen = jit(|p: &Array, x: &Array| cond(p, |x: Array| sin(&x), |x| neg(&x), x.clone()));
    check(
        chosen.lower((&Array::from(true), &scalar(0.0))).unwrap().as_text(),
        expect![[r#"
        module @jit__lambda attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
          func.func public @main(%arg0: tensor<i1>, %arg1: tensor<f32>) -> (tensor<f32> {jax.result_info = "result"}) {
            %0 = stablehlo.convert %arg0 : (tensor<i1>) -> tensor<i32>
            %1 = "stablehlo.case"(%0) ({
              %2 = stablehlo.negate %arg1 : tensor<f32>
              stablehlo.return %2 : tensor<f32>
            }, {
              %2 = stablehlo.sine %arg1 : tensor<f32>
              stablehlo.return %2 : tensor<f32>
            }) : (tensor<i32>) -> tensor<f32>
            return %1 : tensor<f32>
          }
        }
    "#]],
    );
    let looped =
        jit(|x: &Array| while_loop(|x: Array| lt(&x, &scalar(10.0)), |x: Array| mul(&x, &x), x.clone()));
    check(
        looped.lower((&scalar(2.0),)).unwrap().as_text(),
        expect![[r#"
        module @jit__lambda attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
          func.func public @main(%arg0: tensor<f32>) -> (tensor<f32> {jax.result_info = "result"}) {
            %0 = stablehlo.while(%iterArg = %arg0) : tensor<f32>
            cond {
              %cst = stablehlo.constant dense<1.000000e+01> : tensor<f32>
              %1 = stablehlo.compare LT, %iterArg, %cst, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
              stablehlo.return %1 : tensor<i1>
            } do {
              %1 = stablehlo.multiply %iterArg, %iterArg : tensor<f32>
              stablehlo.return %1 : tensor<f32>
            }
            return %0 : tensor<f32>
          }
        }
    "#]],
    );
}

#[test]
fn conditions_are_host_values_too() {
    let (up, down) = (|x: Array| x + 1, |x: Array| x - 1);
    assert_eq!(cond(true, up, down, jnp::array(1)).item::<i32>(), 2);
    assert_eq!(cond(jnp::array(false), up, down, jnp::array(1)).item::<i32>(), 0);
    assert_eq!(switch(1, &[&up, &down], jnp::array(1)).item::<i32>(), 0);
}
