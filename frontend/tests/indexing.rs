//! Indexed reads and updates run on every CPU plugin that is here, under jit, grad and vmap; expected values are JAX 0.10.2's.

use jacinth_frontend::{
    Array, Backend, DType, NewAxis, checkify, config, grad, jit, numpy as jnp, s, set_warning_hook, vmap,
    with_backend,
};

fn on_every_plugin(test: impl Fn()) {
    for name in ["embedded", "xla-cpu"] {
        match Backend::new(name) {
            Ok(backend) => with_backend(&backend, &test),
            Err(error) if name == "xla-cpu" => println!("not tested on {name}: {error}"),
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

/// `[[0, 1, 2, 3], [4, …], …]`.
fn grid() -> Array {
    jnp::arange(12).reshape((3, 4))
}

#[track_caller]
fn check(x: &Array, shape: &[usize], values: &[i32]) {
    assert_eq!((x.shape(), &x.to_vec::<i32>()[..]), (shape, values));
}

#[test]
fn reads() {
    on_every_plugin(|| {
        let x = grid();
        check(&x.get(s![1, ..]), &[4], &[4, 5, 6, 7]);
        check(&x.get((-1, 2)), &[], &[10]);
        check(&x.get(s![..;-1, 1..;2]), &[3, 2], &[9, 11, 5, 7, 1, 3]);
        check(&x.get(s![NewAxis, 0, .., None]), &[1, 4, 1], &[0, 1, 2, 3]);
        check(&x.get([2, 0]), &[2, 4], &[8, 9, 10, 11, 0, 1, 2, 3]);
        check(&x.get(s![[[0], [2]], [1, -1]]), &[2, 2], &[1, 3, 9, 11]);
        check(&x.get(s![[1, 2], ..;-2]), &[2, 2], &[7, 5, 11, 9]);
        check(&x.get([true, false, true]), &[2, 4], &[0, 1, 2, 3, 8, 9, 10, 11]);
        check(&x.get((&x % 5).equal(0)), &[3], &[0, 5, 10]);
        check(&x.get(s![1, [true, false, false, true]]), &[2], &[4, 7]);
        check(&x.get(true), &[1, 3, 4], &x.to_vec::<i32>());
        check(&x.get(s![false, 0]), &[0, 4], &[]);
        check(&x.get(vec![0usize; 0]), &[0, 4], &[]);
        // Separated by a slice, the indexed dimensions come first; side by side, they stay.
        let y = jnp::arange(24).reshape((2, 3, 4));
        check(&y.get(s![[0, 1], .., [2, 3]]), &[2, 3], &[2, 6, 10, 15, 19, 23]);
        check(&y.get(s![.., [0, 1], [2, 3]]), &[2, 2], &[2, 7, 14, 19]);
        check(&y.get(s![0, .., [2, 3]]), &[2, 3], &[2, 6, 10, 3, 7, 11]);
        check(&y.get(s![..., &jnp::asarray(1)]), &[2, 3], &[1, 5, 9, 13, 17, 21]);
        check(&x.get(Array::from([3u8, 254].map(|v| v as i8))), &[2, 4], &[8, 9, 10, 11, 4, 5, 6, 7]);
    });
}

#[test]
fn reads_out_of_bounds() {
    on_every_plugin(|| {
        let x = grid();
        let i = Array::from([1, 7, -9]);
        check(&x.get(10), &[4], &[8, 9, 10, 11]);
        check(&x.get(s![&i, 0]), &[3], &[4, 8, 0]);
        check(&x.at(s![&i, 0]).mode("clip").get(), &[3], &[4, 8, 0]);
        check(&x.at(s![&i, 0]).mode("fill").get(), &[3], &[4, i32::MIN, i32::MIN]);
        check(&x.at(s![&i, 0]).mode("fill").fill_value(-5).get(), &[3], &[4, -5, -5]);
        check(&x.at(s![-1, 0]).mode("fill").wrap_negative_indices(false).fill_value(7).get(), &[], &[7]);
        let f = x.astype(DType::F32).at(s![&i, 0]).mode("fill").get().to_vec::<f32>();
        assert!(f[0] == 4.0 && f[1].is_nan() && f[2].is_nan());
    });
}

#[test]
fn updates() {
    on_every_plugin(|| {
        let x = jnp::arange(4);
        check(&x.at(1).set(9), &[4], &[0, 9, 2, 3]);
        check(&x.at(-1).add(1), &[4], &[0, 1, 2, 4]);
        check(&x.at([1, 1, 3]).add(1), &[4], &[0, 3, 2, 4]);
        check(&x.at(s![1..]).sub(Array::from([1, 2, 3])), &[4], &[0, 0, 0, 0]);
        check(&x.at([2, 2]).mul(3), &[4], &[0, 1, 18, 3]);
        check(&x.at(s![..;-1]).set(x.clone()), &[4], &[3, 2, 1, 0]);
        check(&x.at([0, 3]).min(1), &[4], &[0, 1, 2, 1]);
        check(&x.at([0, 3]).max(1), &[4], &[1, 1, 2, 3]);
        check(&x.at([2, 3]).power(2), &[4], &[0, 1, 4, 9]);
        check(&x.at(s![2..]).apply(|v| v * 10), &[4], &[0, 1, 20, 30]);
        check(&x.at(7).set(9), &[4], &[0, 1, 2, 3]);
        check(&x.at([0, 7, -9]).mode("clip").add(5), &[4], &[10, 1, 2, 8]);
        check(&x.at([true, false, true, false]).set(-1), &[4], &[-1, 1, -1, 3]);
        check(&x.at(true).add(1), &[4], &[1, 2, 3, 4]);
        assert_eq!(x.at(s![1..3]).div(2).to_vec::<f32>(), [0.0, 0.5, 1.0, 3.0]);
        let y = grid().at(s![NewAxis, .., 1]).set(Array::from([[-1, -2, -3]]));
        check(&y.get(s![.., 1]), &[3], &[-1, -2, -3]);
        check(&grid().at(s![1.., ..;-2]).set(0).get(s![.., 1]), &[3], &[1, 0, 0]);
        assert!(!x.at(0).set(3).weak_type());
        assert_eq!(x.astype(DType::I8).at(0).add(300).dtype(), DType::I8);
    });
}

#[test]
fn an_update_that_loses_digits_warns_once() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    set_warning_hook(move |w| sender.lock().unwrap().send(w.to_string()).unwrap());
    let x = jnp::arange(4);
    for _ in 0..2 {
        check(&x.at(1).set(2.7), &[4], &[0, 2, 2, 3]);
    }
    let said = receiver.try_recv().unwrap();
    assert!(said.starts_with("an indexed update converts values of float32 to the array's int32"), "{said}");
    assert!(said.contains(file!()), "{said}");
    assert!(receiver.try_recv().is_err());
}

#[test]
fn under_transformations() {
    on_every_plugin(|| {
        let x = grid().astype(DType::F32);
        let i = Array::from([2, 0, 2]);
        let read = |x: &Array, i: &Array| x.get(s![i, 1]);
        assert_eq!(jit(read)(&x, &i).to_vec::<f32>(), [9.0, 1.0, 9.0]);
        let loss = |x: &Array, i: &Array| (x.get(s![i, 1..3]) * 2.0).sum();
        let g = grad(loss)(&x, &i);
        assert_eq!(g.to_vec::<f32>(), [0.0, 2.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.0, 4.0, 0.0]);
        let row = vmap(|x: &Array, i: &Array| x.get(i));
        assert_eq!(row(&x, &Array::from([3, 0, -1])).to_vec::<f32>(), [3.0, 4.0, 11.0]);
        let put = vmap(|x: &Array, i: &Array| x.at(i).set(-1.0));
        assert_eq!(put(&x, &Array::from([3, 0, 9])).get(s![1, ..]).to_vec::<f32>(), [-1.0, 5.0, 6.0, 7.0]);
        let through = |x: &Array, v: &Array| (x.at(s![0, 1..3]).set(v.clone()) * x).sum();
        let g = grad(|v: &Array| through(&x, v))(&Array::from([5.0f32, 6.0]));
        assert_eq!(g.to_vec::<f32>(), [1.0, 2.0]);
        let g = grad(|x: &Array| x.at([1, 2]).unique_indices(true).mul(x.get(s![0, ..])).sum())(&x);
        assert_eq!(g.get(s![1, ..]).to_vec::<f32>(), [0.0, 1.0, 2.0, 3.0]);
    });
}

#[test]
fn checked_indices() {
    on_every_plugin(|| {
        let x = jnp::arange(4);
        config::with_check_index(true, || {
            let error = std::panic::catch_unwind(|| x.get(Array::from([1, -5]))).unwrap_err();
            let error = error.downcast_ref::<String>().unwrap();
            assert!(
                error.starts_with("index: index -5 is out of bounds for axis 0 with size 4 at "),
                "{error}"
            );
        });
        let f = jit(|x: &Array, i: &Array| checkify(|| x.get(i) + x.at(i).add(1).sum()));
        let (error, y) = f(&x, &Array::from([1, 3]));
        error.throw().unwrap();
        check(&y, &[2], &[9, 11]);
        let (error, _) = f(&x, &Array::from([1, 4]));
        let message = error.throw().unwrap_err().to_string();
        assert!(message.starts_with("index 4 is out of bounds for axis 0 with size 4 at "), "{message}");
        // Mapped: the first that fails.
        let g = vmap(|i: &Array| checkify(|| x.get(i)));
        assert!(g(&Array::from([0, 9, -7])).0.get().unwrap().starts_with("index 9"));
        // Without checkify a traced index cannot be checked.
        let bare = jit(|i: &Array| jnp::arange(3).at(i).checked().get());
        let message = bare.try_call((&Array::from([1]),)).unwrap_err().to_string();
        assert!(message.contains("put checkify(|| …) around the indexing"), "{message}");
        let inner = jit(|i: &Array| checkify(|| jit(|i: &Array| jnp::arange(3).get(i))(i)).1);
        let message = inner.try_call((&Array::from([1]),)).unwrap_err().to_string();
        assert!(message.contains("cannot leave it"), "{message}");
    });
}
