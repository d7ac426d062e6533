//! Transformations of functions: their jaxprs as JAX 0.10.2 prints them, their nesting, their errors.

use super::function::Function;
use super::{grad, jit, jvp, linearize, make_jaxpr, value_and_grad, vjp, vmap};
use crate::ir::{Array, Aval, DType};
use crate::lax::{add, broadcast_in_dim, exp, full, mul, neg, reduce_sum, sin};
use crate::trace::stage;
use crate::tree::Pytree;

/// A value of that shape that nothing will run on.
fn with_shape<R>(shapes: &[&[usize]], f: impl FnOnce(&[Array]) -> R) -> R {
    let avals: Vec<Aval> = shapes.iter().map(|s| Aval::new(s.iter().copied(), DType::F32)).collect();
    let mut result = None;
    stage("test", &avals, std::panic::Location::caller(), |args| {
        result = Some(f(&args));
        Vec::new()
    });
    result.expect("ran")
}

/// The jaxpr of a function of one array of that shape.
fn jaxpr1<O: Pytree>(shape: &[usize], f: impl Function<fn(super::function::Ref<Array>) -> O>) -> String {
    with_shape(&[shape], |x| make_jaxpr(f)(&x[0]).unwrap().to_string())
}

fn scalar(v: f64) -> Array {
    Array::scalar(v, DType::F32, true)
}

fn sin_x_x(x: &Array) -> Array {
    reduce_sum(&mul(&sin(x), x), &[0])
}

#[test]
fn grad_reads_as_in_jax() {
    assert_eq!(
        jaxpr1(&[3], grad(sin_x_x)),
        "{ lambda ; a:f32[3]. let
    b:f32[3] = sin a
    c:f32[3] = cos a
    d:f32[3] = mul b a
    _:f32[] = reduce_sum[axes=(0,) out_sharding=None] d
    e:f32[3] = broadcast_in_dim 1.0:f32[]
    f:f32[3] = mul b e
    g:f32[3] = mul e a
    h:f32[3] = mul g c
    i:f32[3] = add_any f h
  in (i,) }"
    );
}

#[test]
fn nested_jit_reads_as_in_jax() {
    assert_eq!(
        jaxpr1(&[3], jit(|x: &Array| (add(&sin(x), x), scalar(3.0)))),
        "{ lambda ; a:f32[3]. let
    b:f32[3] c:f32[] = jit[
      name=<lambda>
      jaxpr={ lambda ; a:f32[3]. let
          d:f32[3] = sin a
          b:f32[3] = add d a
        in (b, 3.0:f32[]) }
    ] a
  in (b, c) }"
    );
}

#[test]
fn grad_of_jit_splits_into_two_calls_as_in_jax() {
    assert_eq!(
        jaxpr1(&[], grad(jit(|x: &Array| mul(&sin(x), &exp(x))))),
        "{ lambda ; a:f32[]. let
    _:f32[] b:f32[] c:f32[] d:f32[] = jit[
      name=<lambda>
      jaxpr={ lambda ; a:f32[]. let
          d:f32[] = sin a
          b:f32[] = cos a
          c:f32[] = exp a
          _:f32[] = mul d c
        in (_, b, c, d) }
    ] a
    e:f32[] = jit[
      name=<lambda>
      jaxpr={ lambda ; b:f32[] c:f32[] d:f32[] f:f32[]. let
          g:f32[] = mul d f
          h:f32[] = mul f c
          i:f32[] = mul g c
          j:f32[] = mul h b
          e:f32[] = add_any i j
        in (e,) }
    ] b c d 1.0:f32[]
  in (e,) }"
    );
}

#[test]
fn jvp_reads_as_in_jax() {
    let f = |x: &Array| jvp(|x: &Array| mul(&sin(x), x), (x.clone(),), (x.clone(),));
    assert_eq!(
        jaxpr1(&[], f),
        "{ lambda ; a:f32[]. let
    b:f32[] = sin a
    c:f32[] = cos a
    d:f32[] = mul a c
    e:f32[] = mul b a
    f:f32[] = mul d a
    g:f32[] = mul b a
    h:f32[] = add_any f g
  in (e, h) }"
    );
}

#[test]
fn vmap_of_jit_moves_the_mapped_axis() {
    let f = vmap(jit(|x: &Array, y: &Array| mul(x, y))).in_axes((0, None));
    let text = with_shape(&[&[3, 2], &[2]], |x| make_jaxpr(f)(&x[0], &x[1]).unwrap().to_string());
    assert_eq!(
        text,
        "{ lambda ; a:f32[3,2] b:f32[2]. let
    c:f32[3,2] = jit[
      name=<lambda>
      jaxpr={ lambda ; a:f32[3,2] b:f32[2]. let
          d:f32[1,2] = broadcast_in_dim[broadcast_dimensions=(1,)] b
          c:f32[3,2] = mul a d
        in (c,) }
    ] a b
  in (c,) }"
    );
}

#[test]
fn the_same_function_called_twice_is_traced_once() {
    let f = jit(|x: &Array| mul(&exp(x), &scalar(2.0)));
    let text = jaxpr1(&[3], |x: &Array| add(&f(x), &f(x)));
    assert_eq!(
        text,
        "let lambda = { lambda ; a:f32[3]. let
    b:f32[3] = exp a
    c:f32[3] = mul b 2.0:f32[]
  in (c,) } in
{ lambda ; d:f32[3]. let
    e:f32[3] = jit[name=<lambda> jaxpr=lambda] d
    f:f32[3] = jit[name=<lambda> jaxpr=lambda] d
    g:f32[3] = add e f
  in (g,) }"
    );
}

#[test]
fn captured_tracers_of_the_outer_function_become_operands() {
    let text = with_shape(&[&[2]], |x| {
        make_jaxpr(|x: &Array| {
            let y = sin(x);
            jit(|z: &Array| mul(z, &y))(x)
        })(&x[0])
        .unwrap()
        .to_string()
    });
    assert_eq!(
        text,
        "{ lambda ; a:f32[2]. let
    b:f32[2] = sin a
    c:f32[2] = jit[
      name=<lambda>
      jaxpr={ lambda ; b:f32[2] a:f32[2]. let c:f32[2] = mul a b in (c,) }
    ] b a
  in (c,) }"
    );
}

#[test]
fn transformations_nest() {
    // Second derivatives, per example, of a jitted function: it traces, and types are right.
    let f = |x: &Array| reduce_sum(&exp(&sin(x)), &[0]);
    let second = grad(move |x: &Array| reduce_sum(&grad(jit(f))(x), &[0]));
    let all = vmap(jit(second));
    with_shape(&[&[5, 3]], |x| {
        assert_eq!(make_jaxpr(all)(&x[0]).unwrap().out_avals().next().unwrap().to_string(), "f32[5,3]");
    });
}

#[test]
fn linear_maps_are_functions_of_trees() {
    with_shape(&[&[3], &[3]], |x| {
        let f = |a: &Array, b: &Array| (mul(a, b), neg(b));
        let (out, push) = linearize(f, (x[0].clone(), x[1].clone()));
        assert_eq!(out.0.shape(), [3]);
        let (du, dv) = push((x[0].clone(), x[1].clone()));
        assert_eq!((du.shape(), dv.shape()), (&[3][..], &[3][..]));
        let (_, pull) = vjp(f, (x[0].clone(), x[1].clone()));
        let (da, db) = pull(out);
        assert_eq!((da.shape(), db.shape()), (&[3][..], &[3][..]));
    });
}

#[test]
fn every_mix_of_arguments_is_a_function() {
    with_shape(&[&[3]], |x| {
        let x = &x[0];
        let f = jit(|a: Array, b: &Array, c: (Array, Array), d: &Vec<Array>| {
            add(&add(&a, b), &add(&add(&c.0, &c.1), &d[0]))
        });
        assert_eq!(f(x.clone(), x, (x.clone(), x.clone()), &vec![x.clone()]).shape(), [3]);
        let g =
            jit(|a: &Array, b: &Array, c: &Array, d: &Array, e: &Array| add(&add(a, b), &add(c, &add(d, e))));
        assert_eq!(g(x, x, x, x, x).shape(), [3]);
        let nothing = jit(|| full(&[2], 1.0, DType::F32));
        assert_eq!(nothing().shape(), [2]);
        assert_eq!(
            vmap(&f).try_call((x.clone(), x, (x.clone(), x.clone()), &vec![x.clone()])).unwrap().shape(),
            [3]
        );
        // A closure may borrow, and a handle may be called through a reference.
        let scale = neg(x);
        let h = value_and_grad(|p: &(Array, Array)| reduce_sum(&mul(&mul(&p.0, &p.1), &scale), &[0]));
        let (value, (da, _)) = h(&(x.clone(), x.clone()));
        assert_eq!((value.shape(), da.shape()), (&[][..], &[3][..]));
    });
}

/// The text of an error without its place, which is a line of this file.
#[track_caller]
fn sentence(error: crate::Error) -> String {
    let text = error.to_string();
    let (sentence, place) = text.rsplit_once(" at ").expect("a place");
    assert!(place.starts_with(file!()), "{text}");
    sentence.to_owned()
}

#[test]
fn errors_come_back_as_values() {
    let error = with_shape(&[&[3], &[4]], |x| {
        make_jaxpr(|a: &Array, b: &Array| add(a, b))(&x[0], &x[1]).unwrap_err()
    });
    let text = error.to_string();
    assert!(text.starts_with("add: got incompatible shapes for broadcasting: (3,), (4,) at "), "{text}");
    assert!(text.contains(file!()), "{text}");

    let error = with_shape(&[&[3]], |x| grad(|a: &Array| sin(a)).try_call((&x[0],)).unwrap_err());
    assert_eq!(
        sentence(error),
        "grad of `<lambda>`: gradient only defined for scalar-output functions. Output had shape: (3,); sum over it, or use `vjp`"
    );

    let f = vmap(|a: &Array, b: &Array| add(a, b));
    let error = with_shape(&[&[3], &[4]], |x| f.try_call((&x[0], &x[1])).unwrap_err());
    assert_eq!(
        sentence(error),
        "vmap of `<lambda>`: mapped axes must have equal sizes: argument 0 has size 3, argument 1 (f32[4]) has size 4 along axis 0"
    );
    let f = vmap(|a: &Array| sin(a)).in_axes(1);
    let error = with_shape(&[&[3]], |x| f.try_call((&x[0],)).unwrap_err());
    assert_eq!(sentence(error), "vmap of `<lambda>`: cannot map over axis 1 of argument 0, which is f32[3]");
    let f = vmap(|a: &Array| sin(a)).out_axes(None);
    let error = with_shape(&[&[3]], |x| f.try_call((&x[0],)).unwrap_err());
    assert_eq!(
        sentence(error),
        "vmap of `<lambda>`: result depends on a mapped argument, but its out_axes is None"
    );
}

#[test]
fn a_tracer_that_leaves_vmap_or_grad_is_found() {
    for transform in ["vmap", "grad", "jit"] {
        let leaked = std::sync::Mutex::new(None);
        let f = |x: &Array| {
            *leaked.lock().unwrap() = Some(sin(x));
            reduce_sum(x, &(0..x.ndim()).collect::<Vec<usize>>())
        };
        with_shape(&[&[3]], |x| match transform {
            "vmap" => drop(vmap(f)(&x[0])),
            "grad" => drop(grad(f)(&x[0])),
            _ => drop(jit(f)(&x[0])),
        });
        let leaked = leaked.into_inner().unwrap().unwrap();
        let error = with_shape(&[&[3]], |x| make_jaxpr(|x: &Array| add(x, &leaked))(&x[0]).unwrap_err());
        let text = error.to_string();
        assert!(text.starts_with("leaked tracer: a traced value of type f32["), "{transform}: {text}");
    }
}

#[test]
fn symbolic_zeros_stay_out_of_the_jaxpr() {
    let f = |x: &Array| {
        let constant = broadcast_in_dim(&scalar(2.0), &[3], &[]);
        reduce_sum(&mul(&constant, x), &[0])
    };
    assert_eq!(
        jaxpr1(&[3], grad(f)),
        "{ lambda ; a:f32[3]. let
    b:f32[3] = broadcast_in_dim 2.0:f32[]
    c:f32[3] = mul b a
    _:f32[] = reduce_sum[axes=(0,) out_sharding=None] c
    d:f32[3] = broadcast_in_dim 1.0:f32[]
    e:f32[3] = mul b d
  in (e,) }"
    );
}

#[test]
fn modules_read_as_in_jax() {
    let f = jit(|x: &Array, _y: &Array| mul(&exp(x), &scalar(2.0)));
    assert_eq!(
        with_shape(&[&[3], &[2]], |x| f.lower((&x[0], &x[1])).unwrap().as_text()).trim_end(),
        "module @jit__lambda attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<3xf32>) -> (tensor<3xf32> {jax.result_info = \"result\"}) {
    %0 = stablehlo.exponential %arg0 : tensor<3xf32>
    %cst = stablehlo.constant dense<2.000000e+00> : tensor<f32>
    %1 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<3xf32>
    %2 = stablehlo.multiply %0, %1 : tensor<3xf32>
    return %2 : tensor<3xf32>
  }
}"
    );
}

#[test]
fn donation_and_result_paths_stand_in_the_signature_as_in_jax() {
    let f = jit(|x: Array, y: &Array| {
        std::collections::BTreeMap::from([
            ("a".to_owned(), vec![mul(&exp(&x), &scalar(2.0))]),
            ("b".to_owned(), vec![y.clone()]),
        ])
    });
    let text = with_shape(&[&[3], &[2]], |x| f.lower((x[0].clone(), &x[1])).unwrap().as_text());
    let signature = "func.func public @main(%arg0: tensor<3xf32> {tf.aliasing_output = 0 : i32}, %arg1: tensor<2xf32>) -> \
                     (tensor<3xf32> {jax.result_info = \"result['a'][0]\"}, tensor<2xf32> {jax.result_info = \"result['b'][0]\"}) {";
    assert!(text.contains(signature), "{text}");
}

#[test]
fn a_nested_function_is_written_once_and_called() {
    let inner = jit(|x: &Array| mul(&exp(x), &scalar(2.0)));
    let f = jit(|x: &Array| add(&inner(x), &inner(x)));
    assert_eq!(
        with_shape(&[&[3]], |x| f.lower((&x[0],)).unwrap().as_text()).trim_end(),
        "module @jit__lambda attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<3xf32>) -> (tensor<3xf32> {jax.result_info = \"result\"}) {
    %0 = call @\"<lambda>\"(%arg0) : (tensor<3xf32>) -> tensor<3xf32>
    %1 = call @\"<lambda>\"(%arg0) : (tensor<3xf32>) -> tensor<3xf32>
    %2 = stablehlo.add %0, %1 : tensor<3xf32>
    return %2 : tensor<3xf32>
  }
  func.func private @\"<lambda>\"(%arg0: tensor<3xf32>) -> tensor<3xf32> {
    %0 = stablehlo.exponential %arg0 : tensor<3xf32>
    %cst = stablehlo.constant dense<2.000000e+00> : tensor<f32>
    %1 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<3xf32>
    %2 = stablehlo.multiply %0, %1 : tensor<3xf32>
    return %2 : tensor<3xf32>
  }
}"
    );
}

#[test]
fn locations_are_the_users_lines() {
    let line = line!() + 1;
    let f = jit(|x: &Array| exp(&sin(x)));
    let text = with_shape(&[&[3]], |x| f.lower((&x[0],)).unwrap().as_text_with_locations());
    assert!(text.contains(&format!("{}\":{line}:", file!())), "{text}");
    // The derivative of sine is ascribed to the line that applied sine.
    let line = line!() + 1;
    let f = jit(grad(|x: &Array| sin(x)));
    let text = with_shape(&[&[]], |x| f.lower((&x[0],)).unwrap().as_text_with_locations());
    let cosine = text.lines().find(|l| l.contains("cosine")).unwrap();
    assert!(
        cosine.contains(&format!(":{line}:")) || text.contains(&format!("{}\":{line}:", file!())),
        "{text}"
    );
}
