//! The tutorial's `convolve` in all its versions, prefix trees, and collectives over named axes, with values of JAX 0.10.2.

use std::collections::BTreeMap;

use super::*;
use crate::api::control::{cond, fori_loop, scan, while_loop};
use crate::error::boundary;
use crate::tree::Axes;
use crate::{DType, checkpoint, custom_jvp, custom_vjp, grad, jit, jvp, lax, make_jaxpr, numpy as jnp};

#[track_caller]
fn close(x: &Array, shape: &[usize], expected: &[f32]) {
    assert_eq!(x.shape(), shape);
    let found = x.astype(DType::F32).to_vec::<f32>();
    let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-5 * (1.0 + b.abs());
    assert!(
        found.len() == expected.len() && found.iter().zip(expected).all(near),
        "{found:?} is not {expected:?}"
    );
}

fn convolve(x: &Array, w: &Array) -> Array {
    let dots: Vec<Array> = (1..x.shape()[0] - 1)
        .map(|i| jnp::dot(lax::slice_in_dim(x, i as i64 - 1, Some(i as i64 + 2), 1, 0), w))
        .collect();
    jnp::stack(&dots, 0)
}

#[test]
fn convolve_of_the_tutorial() {
    let (x, w) = (jnp::arange(5).astype(DType::F32), Array::from([2.0, 3.0, 4.0]));
    close(&convolve(&x, &w), &[3], &[11.0, 20.0, 29.0]);
    let (xs, ws) = (jnp::stack(&[x.clone(), x.clone()], 0), jnp::stack(&[w.clone(), w.clone()], 0));
    let twice = [11.0, 20.0, 29.0, 11.0, 20.0, 29.0];
    // By hand: a loop, and every operation written for batches.
    let rows: Vec<Array> = (0..2).map(|i| convolve(&xs.index(i), &ws.index(i))).collect();
    close(&jnp::stack(&rows, 0), &[2, 3], &twice);
    let columns: Vec<Array> =
        (1..4).map(|i| (lax::slice_in_dim(&xs, i - 1, Some(i + 2), 1, 1) * &ws).sum_axis(1)).collect();
    close(&jnp::stack(&columns, 1), &[2, 3], &twice);
    // By vmap.
    let auto = vmap(convolve);
    close(&auto(&xs, &ws), &[2, 3], &twice);
    let (xst, wst) = (xs.t(), ws.t());
    let auto_v2 = vmap(convolve).in_axes(1).out_axes(1);
    close(&auto_v2(&xst, &wst), &[3, 2], &[11.0, 11.0, 20.0, 20.0, 29.0, 29.0]);
    let batch_v3 = vmap(convolve).in_axes((0, None));
    close(&batch_v3(&xs, &w), &[2, 3], &twice);
    close(&jit(vmap(convolve))(&xs, &ws), &[2, 3], &twice);
    close(&jit(&auto)(&xs, &ws), &[2, 3], &twice);
}

#[test]
fn prefix_trees_of_axes() {
    let f = |x: &Array, p: &BTreeMap<String, Array>| x * &p["k1"] + &p["k2"];
    let p = BTreeMap::from([("k1".to_owned(), Array::from(2.0)), ("k2".to_owned(), Array::from([1.0, 2.0]))]);
    let x = Array::from(3.0);
    let keys = Axes::Dict(BTreeMap::from([("k1".to_owned(), Axes::None), ("k2".to_owned(), Axes::Index(0))]));
    let mapped = vmap(f).in_axes(Axes::Tuple(vec![Axes::None, keys]));
    close(&mapped(&x, &p), &[2], &[7.0, 8.0]);
    // A leaf of the prefix stands for the whole subtree.
    let both = BTreeMap::from([
        ("k1".to_owned(), Array::from([2.0, 3.0])),
        ("k2".to_owned(), Array::from([1.0, 2.0])),
    ]);
    close(&vmap(f).in_axes((None, 0))(&x, &both), &[2], &[7.0, 11.0]);
    let error = vmap(f).in_axes((None, 0)).try_call((&x, &p)).unwrap_err().to_string();
    assert!(error.contains("cannot map over axis 0 of argument 1['k1'], which is f32[]"), "{error}");
    let error = vmap(f).in_axes((None, 0, 0)).try_call((&x, &p)).unwrap_err().to_string();
    assert!(error.starts_with("vmap in_axes must be a tree prefix"), "{error}");
    let error = vmap(f).in_axes(Axes::None).try_call((&x, &p)).unwrap_err().to_string();
    assert!(error.contains("must have at least one mapped argument"), "{error}");
    // The size alone: nothing is mapped but what the axis says.
    let ones = vmap(|x: &Array| x + 1).in_axes(Axes::None).axis_size(3);
    close(&ones(&x), &[3], &[4.0; 3]);
}

fn xs() -> Array {
    jnp::arange(6).astype(DType::F32).reshape([3, 2])
}

#[test]
fn collectives_over_a_mapped_axis() {
    let over = |f: fn(&Array) -> Array| vmap(f).axis_name("i");
    close(&over(|x| lax::psum(x, "i"))(&xs()), &[3, 2], &[6.0, 9.0, 6.0, 9.0, 6.0, 9.0]);
    close(&over(|x| lax::pmean(x, "i"))(&xs()), &[3, 2], &[2.0, 3.0, 2.0, 3.0, 2.0, 3.0]);
    close(&over(|x| lax::pmax(x, "i"))(&xs()), &[3, 2], &[4.0, 5.0, 4.0, 5.0, 4.0, 5.0]);
    close(&over(|x| lax::pmin(x, "i"))(&xs()), &[3, 2], &[0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    close(&over(|x| x - lax::pmean(x, "i"))(&xs()), &[3, 2], &[-2.0, -2.0, 0.0, 0.0, 2.0, 2.0]);
    close(&over(|_| lax::axis_index("i"))(&xs()), &[3], &[0.0, 1.0, 2.0]);
    close(&over(|x| x * lax::axis_size("i") as f64)(&xs()), &[3, 2], &[0.0, 3.0, 6.0, 9.0, 12.0, 15.0]);
    // Constants are multiplied by the size; a value that is not mapped as well.
    close(&over(|_| lax::psum(&Array::from(1), "i"))(&xs()), &[3], &[3.0; 3]);
    #[expect(clippy::erasing_op, reason = "an array of zeros is what is wanted")]
    let unmapped = vmap(|x: &Array, y: &Array| lax::psum(y, "i") + 0 * x).in_axes((0, None)).axis_name("i");
    close(&unmapped(&xs().index(0), &Array::from(5.0)), &[2], &[10.0, 10.0]);
    // Gathered everywhere: the result is the same for all, and may stay so.
    let gathered = vmap(|x: &Array| lax::all_gather(x, "i", 0, false)).out_axes(Axes::None).axis_name("i");
    close(&gathered(&xs()), &[3, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let tiled = vmap(|x: &Array| lax::all_gather(x, "i", 0, true)).out_axes(Axes::None).axis_name("i");
    close(&tiled(&xs()), &[6], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    close(&over(|x| lax::pshuffle(x, "i", &[1, 2, 0]))(&xs()), &[3, 2], &[2.0, 3.0, 4.0, 5.0, 0.0, 1.0]);
    close(
        &over(|x| lax::ppermute(x, "i", &[(0, 1), (1, 2), (2, 0)]))(&xs()),
        &[3, 2],
        &[4.0, 5.0, 0.0, 1.0, 2.0, 3.0],
    );
    close(&over(|x| lax::ppermute(x, "i", &[(0, 1)]))(&xs()), &[3, 2], &[0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    let square = jnp::arange(9).astype(DType::F32).reshape([3, 3]);
    let transposed = [0.0, 3.0, 6.0, 1.0, 4.0, 7.0, 2.0, 5.0, 8.0];
    close(&over(|x| lax::all_to_all(x, "i", 0, 0, false))(&square), &[3, 3], &transposed);
    close(&over(|x| lax::pswapaxes(x, "i", 0))(&square), &[3, 3], &transposed);
    close(&over(|x| lax::psum_scatter(x, "i", 0, false))(&square), &[3], &[9.0, 12.0, 15.0]);
    close(&over(|x| lax::psum_scatter(x, "i", 0, true))(&square), &[3, 1], &[9.0, 12.0, 15.0]);
    let cube = jnp::arange(18).astype(DType::F32).reshape([3, 3, 2]);
    // jax.vmap(lambda x: lax.all_to_all(x, 'i', 0, 1), axis_name='i')(cube)
    let exchanged =
        [0.0, 6.0, 12.0, 1.0, 7.0, 13.0, 2.0, 8.0, 14.0, 3.0, 9.0, 15.0, 4.0, 10.0, 16.0, 5.0, 11.0, 17.0];
    close(&over(|x| lax::all_to_all(x, "i", 0, 1, false))(&cube), &[3, 2, 3], &exchanged);
    let tiled =
        [0.0, 1.0, 6.0, 7.0, 12.0, 13.0, 2.0, 3.0, 8.0, 9.0, 14.0, 15.0, 4.0, 5.0, 10.0, 11.0, 16.0, 17.0];
    close(&over(|x| lax::all_to_all(x, "i", 0, 1, true))(&cube), &[3, 1, 6], &tiled);
}

#[test]
fn nested_names() {
    let both = vmap(vmap(|x: &Array| lax::psum(x, ("i", "j"))).axis_name("j")).axis_name("i");
    close(&both(&xs()), &[3, 2], &[15.0; 6]);
    let outer = vmap(vmap(|x: &Array| lax::psum(x, "i")).axis_name("j")).axis_name("i");
    close(&outer(&xs()), &[3, 2], &[6.0, 9.0, 6.0, 9.0, 6.0, 9.0]);
    let inner = vmap(vmap(|x: &Array| lax::psum(x, "j")).axis_name("j")).axis_name("i");
    close(&inner(&xs()), &[3, 2], &[1.0, 1.0, 5.0, 5.0, 9.0, 9.0]);
    let place = vmap(vmap(|_: &Array| lax::axis_index(("i", "j"))).axis_name("j")).axis_name("i");
    close(&place(&xs()), &[3, 2], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    let gathered =
        vmap(vmap(|x: &Array| lax::all_gather(x, ("i", "j"), 0, false)).axis_name("j").out_axes(Axes::None))
            .axis_name("i")
            .out_axes(Axes::None);
    close(&gathered(&xs()), &[6], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    // Another map, without a name, in between and outside.
    let between = vmap(vmap(|x: &Array| lax::psum(x, "i"))).axis_name("i");
    close(&between(&xs()), &[3, 2], &[6.0, 9.0, 6.0, 9.0, 6.0, 9.0]);
    let scattered = vmap(vmap(|x: &Array| lax::psum_scatter(x, "i", 0, false)).axis_name("i")).in_axes(2);
    let cube = jnp::arange(18).astype(DType::F32).reshape([3, 3, 2]);
    close(&scattered(&cube), &[2, 3], &[18.0, 24.0, 30.0, 21.0, 27.0, 33.0]);
}

#[test]
fn through_jit_control_flow_and_derivatives() {
    let x = xs();
    let over = |f: fn(&Array) -> Array| vmap(f).axis_name("i");
    let sums = [6.0, 9.0, 6.0, 9.0, 6.0, 9.0];
    close(&over(|x| jit(|x: &Array| lax::psum(x, "i"))(x))(&x), &[3, 2], &sums);
    close(&jit(over(|x| lax::psum(x, "i")))(&x), &[3, 2], &sums);
    close(&over(|x| checkpoint(|x: &Array| lax::psum(x, "i"))(x))(&x), &[3, 2], &sums);
    // One jitted function under axes of two sizes, and where nothing is mapped but the axis is used.
    let place = jit(|x: &Array| x + lax::axis_index("i") * lax::axis_size("i"));
    let zero = Array::from(0);
    for n in [2usize, 4] {
        let expected: Vec<f32> = (0..n).map(|i| (i * n) as f32).collect();
        let mapped = vmap(|x: &Array| place(x)).in_axes(Axes::None).axis_size(n).axis_name("i");
        close(&mapped(&zero), &[n], &expected);
    }
    let scanned = over(|x| scan(|c: Array, x: Array| (c + lax::psum(&x, "i"), ()), Array::from(0.0), x).0);
    close(&scanned(&x), &[3], &[15.0; 3]);
    let indexed = over(|x| fori_loop(0, 2, |_, c| c + lax::axis_index("i"), x.sum().astype(DType::I32)));
    close(&indexed(&x), &[3], &[1.0, 7.0, 13.0]);
    let looped = over(|x| {
        let step = |(i, c): (Array, Array)| (i + 1, c + lax::psum(&Array::from(1.0), "i"));
        while_loop(|(i, _): (Array, Array)| i.lt(2), step, (Array::from(0), x.clone())).1
    });
    close(&looped(&x), &[3, 2], &[6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
    let chosen = over(|x| cond(x.sum().gt(1.0), |x: Array| lax::psum(&x, "i"), |x: Array| x, x.clone()));
    close(&chosen(&x), &[3, 2], &[0.0, 1.0, 6.0, 9.0, 6.0, 9.0]);
    // JAX: jax.vmap(jax.grad(lambda x: lax.psum(jnp.sin(x), 'i').sum()), axis_name='i')(x)
    let cos: Vec<f32> = x.to_vec::<f32>().iter().map(|x| x.cos()).collect();
    let tripled: Vec<f32> = cos.iter().map(|c| 3.0 * c).collect();
    close(&over(|x| grad(|x: &Array| lax::psum(&jnp::sin(x), "i").sum())(x))(&x), &[3, 2], &tripled);
    close(&over(|x| grad(jit(|x: &Array| lax::psum(&jnp::sin(x), "i").sum()))(x))(&x), &[3, 2], &tripled);
    close(
        &jit(over(|x| jit(grad(|x: &Array| lax::psum(&jnp::sin(x), "i").sum()))(x)))(&x),
        &[3, 2],
        &tripled,
    );
    close(&over(|x| grad(|x: &Array| lax::pmean(&jnp::sin(x), "i").sum())(x))(&x), &[3, 2], &cos);
    let outside = |x: &Array| vmap(|x: &Array| lax::psum(&jnp::sin(x), "i")).axis_name("i")(x).sum();
    close(&grad(outside)(&x), &[3, 2], &tripled);
    let greatest = |x: &Array| vmap(|x: &Array| lax::pmax(x, "i")).axis_name("i")(x).sum();
    close(&grad(greatest)(&x), &[3, 2], &[0.0, 0.0, 0.0, 0.0, 3.0, 3.0]);
    let gathered = over(|x| grad(|x: &Array| (lax::all_gather(x, "i", 0, false) * xs()).sum())(x));
    close(&gathered(&x), &[3, 2], &[0.0, 3.0, 6.0, 9.0, 12.0, 15.0]);
    let shifted =
        over(|x| grad(|x: &Array| (lax::pshuffle(x, "i", &[1, 2, 0]) * lax::axis_index("i")).sum())(x));
    close(&shifted(&x), &[3, 2], &[2.0, 2.0, 0.0, 0.0, 1.0, 1.0]);
    let (_, tangent) = jvp(outside, (x.clone(),), (jnp::ones([3, 2]),));
    close(&tangent, &[], &[3.0 * cos.iter().sum::<f32>()]);
    // In custom rules, and captured by them.
    let ruled = over(|x| {
        let f = custom_jvp(|x: &Array| lax::psum(x, "i"))
            .defjvp(|(x,), (t,)| (lax::psum(&x, "i"), 10.0 * lax::psum(&t, "i")));
        f(x) + grad(|x: &Array| {
            custom_vjp(|x: &Array| x.sum())
                .defvjp(|(x,)| (x.sum(), ()), |(), ct| (lax::psum(&jnp::ones(2), "i") * ct,))(x)
        })(x)
    });
    close(&ruled(&x), &[3, 2], &[9.0, 12.0, 9.0, 12.0, 9.0, 12.0]);
}

#[test]
fn names_that_are_not_bound_are_refused() {
    let x = xs();
    let error = boundary(|| lax::psum(&x, "q")).unwrap_err().to_string();
    assert!(
        error.starts_with(
            "psum: unbound axis name: q. To fix this, call psum under `vmap(f).axis_name(\"q\")` at "
        ),
        "{error}"
    );
    assert!(error.contains(file!()), "{error}");
    let error =
        vmap(|x: &Array| lax::axis_index("q") + x).axis_name("i").try_call((&x,)).unwrap_err().to_string();
    assert!(error.contains("unbound axis name: q"), "{error}");
    let error = jit(|x: &Array| lax::all_gather(x, "q", 0, false)).try_call((&x,)).unwrap_err().to_string();
    assert!(error.contains("unbound axis name: q"), "{error}");
    let groups =
        vmap(|x: &Array| lax::psum(x, lax::AxisName::from("i").axis_index_groups([vec![0, 1], vec![2]])));
    let error = groups.axis_name("i").try_call((&x,)).unwrap_err().to_string();
    assert!(error.contains("axis_index_groups not supported in vmap collectives"), "{error}");
    let error = vmap(|x: &Array| lax::all_to_all(x, "i", 0, 0, false))
        .axis_name("i")
        .try_call((&x,))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("the size of the axis 'i', 3, must be that of dimension split_axis 0 of f32[2]"),
        "{error}"
    );
    let error = vmap(|x: &Array| lax::pshuffle(x, "i", &[0, 0, 1]))
        .axis_name("i")
        .try_call((&x,))
        .unwrap_err()
        .to_string();
    assert!(error.contains("does not represent a permutation"), "{error}");
    let error = vmap(|x: &Array| lax::ppermute(x, "i", &[(0, 1), (0, 2)]))
        .axis_name("i")
        .try_call((&x,))
        .unwrap_err();
    assert!(error.to_string().contains("must be distinct places below 3"), "{error}");
}

#[test]
fn collectives_print_as_jax_prints_them() {
    let inside = std::sync::Mutex::new(Vec::new());
    vmap(|x: &Array| {
        let like = jnp::ones([3, 2]);
        let show = |f: &(dyn Fn(&Array) -> Array + Sync + Send)| {
            inside.lock().unwrap().push(make_jaxpr(f)(&like).unwrap().to_string())
        };
        show(&|x: &Array| lax::psum(x, "i"));
        show(&|x: &Array| lax::pmean(x, "i"));
        show(&|x: &Array| lax::all_gather(x, "i", 1, true));
        show(&|x: &Array| lax::all_to_all(x, "i", 0, 1, false));
        show(&|x: &Array| lax::ppermute(x, "i", &[(0, 1), (1, 2)]));
        show(&|x: &Array| lax::psum_scatter(x, "i", 0, false));
        show(&|_: &Array| lax::axis_index("i"));
        show(&|x: &Array| lax::psum(x, lax::AxisName::from("i").axis_index_groups([vec![0, 1], vec![2]])));
        x.clone()
    })
    .axis_name("i")(&xs());
    let expected = [
        "{ lambda ; a:f32[3,2]. let
    b:f32[3,2] = psum[axes=('i',) axis_index_groups=None] a
  in (b,) }",
        "{ lambda ; a:f32[3,2]. let
    b:f32[3,2] = psum[axes=('i',) axis_index_groups=None] a
    c:f32[3,2] = div b 3.0:f32[]
  in (c,) }",
        "{ lambda ; a:f32[3,2]. let
    b:f32[3,6] = all_gather[
      all_gather_dimension=1
      axis_index_groups=None
      axis_name=('i',)
      axis_size=3
      tiled=True
    ] a
  in (b,) }",
        "{ lambda ; a:f32[3,2]. let
    b:f32[3,2,1] = broadcast_in_dim[broadcast_dimensions=(0, 1)] a
    c:f32[1,2,3] = all_to_all[
      axis_index_groups=None
      axis_name=i
      concat_axis=2
      split_axis=0
      tiled=False
    ] b
    d:f32[2,3] = squeeze[dimensions=(0,)] c
  in (d,) }",
        "{ lambda ; a:f32[3,2]. let
    b:f32[3,2] = ppermute[axis_name=('i',) perm=((0, 1), (1, 2))] a
  in (b,) }",
        "{ lambda ; a:f32[3,2]. let
    b:f32[2] = reduce_scatter[
      axis_index_groups=None
      axis_name=('i',)
      axis_size=3
      scatter_dimension=0
      tiled=False
    ] a
  in (b,) }",
        "{ lambda ; a:f32[3,2]. let b:i32[] = axis_index[axis_name=i]  in (b,) }",
        "{ lambda ; a:f32[3,2]. let
    b:f32[3,2] = psum[axes=('i',) axis_index_groups=((0, 1), (2,))] a
  in (b,) }",
    ];
    let inside = inside.into_inner().unwrap();
    assert_eq!(inside.len(), expected.len());
    for (found, expected) in inside.iter().zip(expected) {
        assert_eq!(found, expected);
    }
}
