//! Tests of the whole family: `grad`, `value_and_grad`, `jvp`, `vjp`, `linearize`, `linear_transpose`, `jacfwd`, `jacrev`, `hessian`.

use std::collections::BTreeMap;

use num_complex::Complex32;

use super::*;
use crate::error::{Error, boundary};
use crate::tree::Pytree;
use crate::{argnums, hessian, jacfwd, jacrev, jit, jvp, lax, linearize, numpy as jnp, vjp, vmap};
use crate::{jvp_with_aux, linear_transpose, linearize_with_aux, vjp_with_aux};

/// The text of an error without its place, which is a line of this file.
#[track_caller]
fn sentence(error: Error) -> String {
    let text = error.to_string();
    let (sentence, place) = text.rsplit_once(" at ").expect("a place");
    assert!(place.starts_with(file!()), "{text}");
    sentence.to_owned()
}

fn number(x: &Array) -> f32 {
    x.item::<f32>()
}

#[track_caller]
fn close(x: &Array, shape: &[usize], expected: &[f32]) {
    assert_eq!(x.shape(), shape);
    let found = x.to_vec::<f32>();
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-5 * (1.0 + b.abs()), "{found:?} is not {expected:?}");
    }
}

#[derive(Clone, Pytree)]
struct Dense {
    w: Array,
    b: Array,
}

fn predict(p: &Dense, x: &Array) -> Array {
    jnp::tanh(jnp::dot(x, &p.w) + &p.b)
}

fn dense() -> Dense {
    Dense { w: Array::from([[0.1, 0.2], [0.3, -0.4]]), b: Array::from([0.0, 0.5]) }
}

#[test]
fn argnums_choose_the_type() {
    let f = |x: &Array, p: &Dense, y: Array| (x * &p.w).sum() * y + p.b.sum();
    let (x, p, y) = (Array::from([1.0, 2.0]), dense(), Array::from(3.0));
    let d1: Dense = grad(f).argnums(argnums!(1))(&x, &p, y.clone());
    close(&d1.w, &[2, 2], &[3.0, 6.0, 3.0, 6.0]);
    close(&d1.b, &[2], &[1.0, 1.0]);
    let (d2, d0): (Array, Array) = grad(f).argnums(argnums!(2, 0))(&x, &p, y.clone());
    close(&d2, &[], &[0.1 + 0.4 + 0.3 - 0.8]);
    close(&d0, &[2], &[1.2, -0.6]);
    let (only,) = grad(f).argnums(argnums!(0,))(&x, &p, y.clone());
    close(&only, &[2], &[1.2, -0.6]);
    let step = jit(value_and_grad(f).argnums(argnums!(0, 1)));
    let (value, (d0, d1)) = step(&x, &p, y);
    close(&value, &[], &[0.5]);
    close(&d0, &[2], &[1.2, -0.6]);
    close(&d1.w, &[2, 2], &[3.0, 6.0, 3.0, 6.0]);
}

#[test]
fn what_stands_beside_the_value_is_passed_through() {
    let f = |x: &Array| (jnp::sin(x), vec![2 * x, jnp::cos(x)]);
    let x = Array::from(0.5);
    let (g, aux) = grad(f).has_aux()(&x);
    close(&g, &[], &[0.5f32.cos()]);
    close(&aux[0], &[], &[1.0]);
    let ((value, aux), g) = jit(value_and_grad(f).has_aux())(&x);
    assert_eq!((aux.len(), number(&value), number(&g)), (2, 0.5f32.sin(), 0.5f32.cos()));
    let (value, tangent, aux) = jvp_with_aux(f, (x.clone(),), (Array::from(2.0),));
    close(&tangent, &[], &[2.0 * 0.5f32.cos()]);
    assert_eq!((number(&value), aux.len()), (0.5f32.sin(), 2));
    let (_, pull, aux) = vjp_with_aux(f, (x.clone(),));
    close(&pull(Array::from(3.0)).0, &[], &[3.0 * 0.5f32.cos()]);
    assert_eq!(aux.len(), 2);
    let (_, push, aux) = linearize_with_aux(f, (x.clone(),));
    close(&push((Array::from(3.0),)), &[], &[3.0 * 0.5f32.cos()]);
    assert_eq!(aux.len(), 2);
    let (j, aux) = jacrev(f).has_aux()(&x);
    close(&j, &[], &[0.5f32.cos()]);
    assert_eq!(aux.len(), 2);
    let (j, _) = jacfwd(f).has_aux()(&x);
    close(&j, &[], &[0.5f32.cos()]);
    // Differentiated again, aux included.
    let second = grad(|x: &Array| {
        let (g, aux) = grad(f).has_aux()(x);
        g + aux[1].clone()
    });
    close(&second(&x), &[], &[-2.0 * 0.5f32.sin()]);
}

#[test]
fn errors_name_the_leaf() {
    let text = |r: Result<Dense>| sentence(r.map(|_| ()).unwrap_err());
    let ints = Dense { w: Array::from([1, 2]), b: Array::from([1.0]) };
    assert_eq!(
        text(grad(|p: &Dense| p.b.sum()).try_call((&ints,))),
        "grad of `<lambda>` requires real- or complex-valued inputs, but got int32 at argument 0.w. If you want to use Boolean- or \
         integer-valued inputs, use `vjp` or say allow_int(true)"
    );
    let allowed = grad(|p: &Dense| p.b.sum() * p.w.sum()).allow_int(true)(&ints);
    assert_eq!((allowed.w.to_vec::<i32>(), allowed.b.to_vec::<f32>()), (vec![0, 0], vec![3.0]));
    let text = |r: Result<Array>| sentence(r.map(|_| ()).unwrap_err());
    let x = Array::from([1.0, 2.0]);
    assert_eq!(
        text(grad(|x: &Array| x.clone()).try_call((&x,))),
        "grad of `<lambda>`: gradient only defined for scalar-output functions. Output had shape: (2,); sum over it, or use `vjp`"
    );
    assert_eq!(
        text(grad(|x: &Array| (x.sum(), x.sum())).try_call((&x,))),
        "grad of `<lambda>`: gradient only defined for scalar-output functions. Output was PyTreeDef((*, *))"
    );
    let message = text(grad(|x: &Array| x.argmax()).try_call((&x,)));
    assert!(message.contains("the output must be real-valued (floating point), but got int32"), "{message}");
    let z = Array::from(Complex32::new(1.0, 2.0));
    let message = text(grad(|z: &Array| z * z).try_call((&z,)));
    assert!(message.contains("must be real-valued (floating point), but got complex64"), "{message}");
    let message = text(grad(|x: &Array| x.sum()).holomorphic(true).try_call((&x,)));
    assert!(
        message.contains("requires complex inputs with holomorphic(true), but got float32 at argument 0."),
        "{message}"
    );
    let message = text(jacfwd(|x: &Array| x * 2).try_call((&Array::from([1, 2]),)));
    assert!(message.starts_with("jacfwd of `<lambda>` requires real- or complex-valued inputs"), "{message}");
    let message = text(jacrev(|x: &Array| x.argmax()).try_call((&x,)));
    assert!(
        message.contains("requires real-valued outputs (floating point), but result is int32"),
        "{message}"
    );
    let message = text(jacfwd(|z: &Array| z * z).try_call((&z,)));
    assert!(message.contains("real-valued inputs, but got complex64 at argument 0"), "{message}");
}

#[test]
fn holomorphic_and_complex_functions() {
    let z = Array::from(Complex32::new(1.0, 2.0));
    let as_complex = |x: Array| x.item::<Complex32>();
    assert_eq!(as_complex(grad(|z: &Array| z * z).holomorphic(true)(&z)), Complex32::new(2.0, 4.0));
    assert_eq!(as_complex(jacfwd(|z: &Array| z * z).holomorphic(true)(&z)), Complex32::new(2.0, 4.0));
    assert_eq!(as_complex(jacrev(|z: &Array| z * z).holomorphic(true)(&z)), Complex32::new(2.0, 4.0));
    assert_eq!(as_complex(hessian(|z: &Array| z * z * z).holomorphic(true)(&z)), Complex32::new(6.0, 12.0));
    // A real function of a complex number, as JAX gives it: not conjugated.
    let norm = |z: &Array| lax::real(&(z * &lax::conj(z)));
    assert_eq!(as_complex(grad(norm)(&z)), Complex32::new(2.0, -4.0));
}

#[test]
fn a_linear_function_transposed() {
    let f = |x: &Array, y: &Array| 2 * x + 3 * jnp::flip(y, None);
    let like = (Array::from([0.0, 0.0]), Array::from([0.0, 0.0]));
    let transposed = linear_transpose(f, like.clone());
    let (dx, dy) = transposed(Array::from([1.0, 10.0]));
    close(&dx, &[2], &[2.0, 20.0]);
    close(&dy, &[2], &[30.0, 3.0]);
    let refused = boundary(|| linear_transpose(|x: &Array| jnp::sin(x), (like.0.clone(),))(like.0.clone()));
    let message = refused.map(|_| ()).unwrap_err().to_string();
    assert!(message.contains("`sin` is not linear"), "{message}");
    let refused = boundary(|| linear_transpose(|x: &Array| 2 * x, (like.0.clone(),))(Array::from(1.0)));
    let message = refused.map(|_| ()).unwrap_err().to_string();
    assert!(message.contains("cotangents must have the types of the values"), "{message}");
}

#[test]
fn jacobians_of_trees_by_trees() {
    let (p, x) = (dense(), Array::from([1.0, -1.0]));
    let forward: Dense = jacfwd(predict)(&p, &x);
    let reverse: Dense = jacrev(predict)(&p, &x);
    assert_eq!((forward.w.shape(), forward.b.shape()), (&[2, 2, 2][..], &[2, 2][..]));
    close(&forward.w, &[2, 2, 2], &reverse.w.to_vec::<f32>());
    close(&forward.b, &[2, 2], &reverse.b.to_vec::<f32>());
    let slope = |z: f32| 1.0 - z.tanh().powi(2);
    let (s0, s1) = (slope(0.1 - 0.3), slope(0.2 + 0.4 + 0.5));
    close(&forward.b, &[2, 2], &[s0, 0.0, 0.0, s1]);
    close(&forward.w, &[2, 2, 2], &[s0, 0.0, -s0, 0.0, 0.0, s1, 0.0, -s1]);

    let f = |x: &Array, y: &Array| {
        BTreeMap::from([("sum".to_owned(), (x + y).sum()), ("product".to_owned(), x * y)])
    };
    let y = Array::from([2.0, 3.0]);
    let j: BTreeMap<String, (Array, Array)> = jit(jacrev(f).argnums(argnums!(0, 1)))(&x, &y);
    close(&j["sum"].0, &[2], &[1.0, 1.0]);
    close(&j["product"].1, &[2, 2], &[1.0, 0.0, 0.0, -1.0]);
    let j = jacfwd(f).argnums(argnums!(0, 1))(&x, &y);
    close(&j["product"].0, &[2, 2], &[2.0, 0.0, 0.0, 3.0]);
    // A result that does not depend on the argument.
    let (zero, one) = jacfwd(|x: &Array| (Array::from([1.0, 2.0]), x.clone()))(&Array::from(1.0));
    close(&zero, &[2], &[0.0, 0.0]);
    close(&one, &[], &[1.0]);
}

#[test]
fn hessians() {
    let f = |x: &Array, y: &Array| (x * x * y).sum() + x.index(0) * y.index(1);
    let (x, y) = (Array::from([1.0, 2.0]), Array::from([3.0, 4.0]));
    close(&hessian(f)(&x, &y), &[2, 2], &[6.0, 0.0, 0.0, 8.0]);
    let ((xx, xy), (yx, yy)) = jit(hessian(f).argnums(argnums!(0, 1)))(&x, &y);
    close(&xx, &[2, 2], &[6.0, 0.0, 0.0, 8.0]);
    close(&xy, &[2, 2], &[2.0, 1.0, 0.0, 4.0]);
    close(&yx, &[2, 2], &[2.0, 0.0, 1.0, 4.0]);
    close(&yy, &[2, 2], &[0.0; 4]);
    let h: ((Array, Array), (Array, Array)) =
        hessian(|p: &(Array, Array)| (&p.0 * &p.0 * &p.1).sum())(&(x.clone(), y.clone()));
    close(&h.0.1, &[2, 2], &[2.0, 0.0, 0.0, 4.0]);
    // Three ways to a product of the Hessian with a vector.
    let g = |x: &Array| jnp::sin(x).sum() * x.prod();
    let v = Array::from([0.5, -1.0]);
    let whole = jnp::dot(hessian(g)(&x), &v);
    let (_, forward_over_reverse) = jvp(grad(g), (x.clone(),), (v.clone(),));
    let reverse_over_reverse = grad(|x: &Array| jnp::vdot(grad(g)(x), &v))(&x);
    let reverse_over_forward = grad(|x: &Array| jvp(g, (x.clone(),), (v.clone(),)).1)(&x);
    for product in [forward_over_reverse, reverse_over_reverse, reverse_over_forward] {
        close(&product, &[2], &whole.to_vec::<f32>());
    }
}

#[test]
fn derivatives_at_a_point() {
    let f = |x: &Array, n: &Array| (jnp::sin(x) * n.astype(crate::DType::F32), n.clone());
    let (x, n) = (Array::from(0.5), Array::from(3));
    let ((value, same), pull) = vjp(f, (x.clone(), n.clone()));
    assert_eq!((number(&value), same.item::<i32>()), (3.0 * 0.5f32.sin(), 3));
    let (dx, dn) = pull((Array::from(1.0), Array::from(1)));
    assert_eq!((number(&dx), dn.item::<i32>()), (3.0 * 0.5f32.cos(), 0));
    let (_, push) = linearize(f, (x.clone(), n.clone()));
    close(&push((Array::from(2.0), Array::from(0))).0, &[], &[6.0 * 0.5f32.cos()]);
    // The pullback is a function like others.
    let (_, pull) = vjp(|x: &Array| jnp::outer(x, x), (Array::from([1.0, 2.0]),));
    let rows = vmap(|ct: &Array| pull(ct.clone()).0)(&Array::from([
        [[1.0, 0.0], [0.0, 0.0]],
        [[0.0, 1.0], [0.0, 0.0]],
    ]));
    close(&rows, &[2, 2], &[2.0, 0.0, 2.0, 1.0]);
    // What is stopped does not count.
    let stopped = |x: &Array| lax::stop_gradient(x) * x;
    close(&grad(stopped)(&Array::from(3.0)), &[], &[3.0]);
    close(&grad(grad(stopped))(&Array::from(3.0)), &[], &[0.0]);
}
