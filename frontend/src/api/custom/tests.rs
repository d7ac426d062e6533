//! Tests against values and jaxprs of JAX 0.10.2.

use std::sync::Mutex;

use super::*;
use crate::api::control::{cond, fori_loop, scan, while_loop};
use crate::error::boundary;
use crate::tree::Static;
use crate::{grad, hessian, jacfwd, jacrev, jit, jvp, make_jaxpr, numpy as jnp, value_and_grad, vjp, vmap};

fn number(x: &Array) -> f32 {
    x.item::<f32>()
}

#[track_caller]
fn close(x: &Array, expected: &[f32]) {
    let found = x.to_vec::<f32>();
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-6 * (1.0 + b.abs()), "{found:?} is not {expected:?}");
    }
}

fn f_impl(x: &Array, y: &Array) -> Array {
    jnp::sin(x) * y
}

fn f_jvp((x, y): (Array, Array), (dx, dy): (Array, Array)) -> (Array, Array) {
    (f(&x, &y), jnp::cos(&x) * dx * &y + jnp::sin(&x) * dy)
}

fn f(x: &Array, y: &Array) -> Array {
    custom_jvp(f_impl).defjvp(f_jvp)(x, y)
}

/// As `f`, with a derivative that is recognisably the rule's: tripled.
fn tripled(x: &Array) -> Array {
    custom_jvp(|x: &Array| jnp::sin(x)).defjvp(|(x,), (t,)| (tripled(&x), 3.0 * jnp::cos(&x) * t))(x)
}

fn g_impl(x: &Array, y: &Array) -> Array {
    jnp::sin(x) * y
}

fn fwd((x, y): (Array, Array)) -> (Array, (Array, Array, Array)) {
    (g(&x, &y), (jnp::cos(&x), jnp::sin(&x), y))
}

fn bwd((cos_x, sin_x, y): (Array, Array, Array), ct: Array) -> (Array, Array) {
    (cos_x * &ct * y, sin_x * ct)
}

fn g(x: &Array, y: &Array) -> Array {
    custom_vjp(g_impl).defvjp(fwd, bwd)(x, y)
}

fn xy() -> (Array, Array) {
    (Array::from(2.0), Array::from(3.0))
}

#[test]
fn jaxprs_print_as_jax_prints_them() {
    let (x, y) = xy();
    assert_eq!(
        make_jaxpr(f)(&x, &y).unwrap().to_string(),
        "{ lambda ; a:f32[] b:f32[]. let
    c:f32[] = custom_jvp_call[
      name=f_impl
      call_jaxpr={ lambda ; d:f32[] e:f32[]. let
          f:f32[] = sin d
          g:f32[] = mul f e
        in (g,) }
      jvp=f_jvp
      symbolic_zeros=False
    ] a b
  in (c,) }"
    );
    assert_eq!(
        make_jaxpr(g)(&x, &y).unwrap().to_string(),
        "{ lambda ; a:f32[] b:f32[]. let
    c:f32[] = custom_vjp_call[
      name=g_impl
      bwd=bwd
      call_jaxpr={ lambda ; d:f32[] e:f32[]. let
          f:f32[] = sin d
          g:f32[] = mul f e
        in (g,) }
      fwd=fwd
      symbolic_zeros=False
    ] a b
  in (c,) }"
    );
    assert_eq!(
        make_jaxpr(vmap(f))(&jnp::ones(3), &jnp::ones(3)).unwrap().to_string(),
        "{ lambda ; a:f32[3] b:f32[3]. let
    c:f32[3] = custom_jvp_call[
      name=f_impl
      call_jaxpr={ lambda ; d:f32[3] e:f32[3]. let
          f:f32[3] = sin d
          g:f32[3] = mul f e
        in (g,) }
      jvp=f_jvp
      symbolic_zeros=False
    ] a b
  in (c,) }"
    );
    // What the function captured are leading operands.
    let c = jnp::arange(3.0);
    let h = custom_jvp(move |x: &Array| jnp::sin(x) * &c).defjvps([Some(|t, _, x| jnp::cos(&x[0]) * t)]);
    let text = make_jaxpr(h)(&x).unwrap().to_string();
    assert!(text.contains("jvp=jvp\n      num_consts=1\n      symbolic_zeros=False\n    ] a b"), "{text}");
}

#[test]
fn the_rule_is_what_is_differentiated() {
    let (x, y) = xy();
    let (sin, cos) = (2f32.sin(), 2f32.cos());
    assert_eq!(number(&f(&x, &y)), number(&f_impl(&x, &y)));
    close(&grad(f)(&x, &y), &[3.0 * cos]);
    let (value, tangent) = jvp(f, (x.clone(), y.clone()), (Array::from(1.0), Array::from(1.0)));
    close(&value, &[3.0 * sin]);
    close(&tangent, &[3.0 * cos + sin]);
    for gradient in [grad(tripled)(&x), grad(jit(tripled))(&x), jit(grad(tripled))(&x), jacfwd(tripled)(&x)] {
        close(&gradient, &[3.0 * cos]);
    }
    // The rule calls the function itself: every order multiplies by three.
    close(&grad(grad(tripled))(&x), &[-9.0 * sin * 1.0 + 6.0 * sin]);
}

#[test]
fn higher_orders_differentiate_the_rule() {
    let x = Array::from(0.5);
    // d/dx 3 cos x = -3 sin x: cos itself has its own derivative.
    close(&grad(grad(tripled))(&x), &[-3.0 * 0.5f32.sin()]);
    close(&jit(grad(grad(tripled)))(&x), &[-3.0 * 0.5f32.sin()]);
    close(&hessian(tripled)(&x), &[-3.0 * 0.5f32.sin()]);
    let log1pexp = custom_jvp(|x: &Array| jnp::log(1.0 + jnp::exp(x)))
        .defjvps([Some(|t, _, x| (1.0 - 1.0 / (1.0 + jnp::exp(&x[0]))) * t)]);
    close(&grad(&log1pexp)(&Array::from(100.0)), &[1.0]);
    close(&grad(grad(&log1pexp))(&Array::from(0.0)), &[0.25]);
    close(&vmap(grad(&log1pexp))(&Array::from([0.0, 100.0])), &[0.5, 1.0]);
}

#[test]
fn custom_jvp_under_maps_and_control_flow() {
    let xs = Array::from([0.1, 0.2, 0.3]);
    let cos: Vec<f32> = xs.to_vec::<f32>().iter().map(|x| 3.0 * x.cos()).collect();
    close(&vmap(grad(tripled))(&xs), &cos);
    close(&grad(|x: &Array| vmap(tripled)(x).sum())(&xs), &cos);
    close(&vmap(grad(jit(tripled)))(&xs), &cos);
    close(&grad(|x: &Array| jit(vmap(tripled))(x).sum())(&xs), &cos);
    close(&jit(vmap(jit(grad(tripled))))(&xs), &cos);
    // scan, fori_loop, cond; while in forward mode.
    let through_scan = |x: &Array| scan(|c: Array, x: Array| (c + tripled(&x), ()), Array::from(0.0), x).0;
    close(&grad(through_scan)(&xs), &cos);
    close(
        &vmap(grad(through_scan))(&jnp::stack(&[xs.clone(), xs.clone()], 0)).sum(),
        &[2.0 * cos.iter().sum::<f32>()],
    );
    let nested = |x: &Array| fori_loop(0, 2, |_, x| tripled(&x), x.clone());
    let x = 0.3f32;
    close(&grad(nested)(&Array::from(x)), &[9.0 * x.sin().cos() * x.cos()]);
    let branch = |x: &Array| cond(x.gt(0.0), |x: Array| tripled(&x), |x: Array| x, x.clone());
    close(&vmap(grad(branch))(&Array::from([0.1, -1.0])), &[cos[0], 1.0]);
    let looped = |x: &Array| {
        while_loop(
            |(i, _): (Array, Array)| i.lt(2),
            |(i, x)| (i + 1, tripled(&x)),
            (Array::from(0), x.clone()),
        )
        .1
    };
    let (_, tangent) = jvp(looped, (Array::from(x),), (Array::from(1.0),));
    close(&tangent, &[9.0 * x.sin().cos() * x.cos()]);
}

#[test]
fn rules_branch_on_concrete_values() {
    // A function with Rust's own control flow, as in JAX's tutorial.
    let f = custom_jvp(|x: &Array| if number(x) > 0.0 { jnp::sin(x) } else { jnp::cos(x) }).defjvp(
        |(x,), (t,)| if number(&x) > 0.0 { (jnp::sin(&x), 2.0 * t) } else { (jnp::cos(&x), 3.0 * t) },
    );
    close(&f(&Array::from(1.0)), &[1f32.sin()]);
    assert_eq!(number(&grad(&f)(&Array::from(1.0))), 2.0);
    assert_eq!(number(&grad(&f)(&Array::from(-1.0))), 3.0);
}

#[test]
fn trees_integers_and_static_arguments() {
    type Params = (Array, Vec<Array>);
    let f = custom_jvp(|p: &Params, n: &Array, k: &Static<i32>| {
        (&p.0 * &p.1[0] + n.astype(crate::DType::F32) * k.0 as f64, vec![n.clone()])
    })
    .defjvp(|(p, n, k), (dp, dn, _)| {
        assert_eq!(dn.dtype(), crate::DType::I32);
        let out = &p.0 * &p.1[0] + n.astype(crate::DType::F32) * k.0 as f64;
        ((out, vec![n]), (10.0 * dp.0 + 100.0 * &dp.1[0], vec![dn]))
    });
    let p = (Array::from(2.0), vec![Array::from(3.0)]);
    let loss = |p: &Params| f(p, &Array::from(5), &Static(7)).0;
    let (value, g) = value_and_grad(loss)(&p);
    assert_eq!((number(&value), number(&g.0), number(&g.1[0])), (41.0, 10.0, 100.0));
    let (value, g) = jit(value_and_grad(loss))(&p);
    assert_eq!((number(&value), number(&g.0), number(&g.1[0])), (41.0, 10.0, 100.0));
}

#[test]
fn the_backward_rule_is_what_is_pulled_back() {
    let (x, y) = xy();
    let (sin, cos) = (2f32.sin(), 2f32.cos());
    close(&grad(g)(&x, &y), &[3.0 * cos]);
    close(&grad(|y: &Array, x: &Array| g(x, y))(&y, &x), &[sin]);
    close(&jit(grad(jit(g)))(&x, &y), &[3.0 * cos]);
    close(&grad(grad(g))(&x, &y), &[-3.0 * sin]);
    close(&jit(grad(jit(grad(g))))(&x, &y), &[-3.0 * sin]);
    // Forward over reverse goes through the rules.
    let h = custom_vjp(g_impl).defvjp(|(x, y)| (g_impl(&x, &y), (jnp::cos(&x), jnp::sin(&x), y)), bwd);
    let (_, tangent) = jvp(grad(h), (x.clone(), y.clone()), (Array::from(1.0), Array::from(0.0)));
    close(&tangent, &[-3.0 * sin]);
    close(&jacrev(g)(&x, &y), &[3.0 * cos]);
    let refused =
        boundary(|| jvp(g, (x.clone(), y.clone()), (x.clone(), y.clone()))).unwrap_err().to_string();
    assert!(
        refused.starts_with("can't apply forward-mode differentiation (jvp) to a custom_vjp function"),
        "{refused}"
    );
    let refused = jit(jacfwd(g)).try_call((&x, &y)).unwrap_err().to_string();
    assert!(
        refused.starts_with("can't apply forward-mode differentiation (jvp) to a custom_vjp function"),
        "{refused}"
    );
}

/// The identity whose gradient is clipped.
fn clip_gradient(x: &Array) -> Array {
    custom_vjp(|x: &Array| x.clone()).defvjp(|(x,)| (x, ()), |(), ct| (jnp::clip(ct, -0.75, 0.75),))(x)
}

#[test]
fn custom_vjp_under_maps_and_control_flow() {
    let t = Array::from([0.0, 1.0, 2.0, 3.0]);
    let clipped: Vec<f32> = t.to_vec::<f32>().iter().map(|t| t.cos().clamp(-0.75, 0.75)).collect();
    let f = |x: &Array| jnp::sin(clip_gradient(x));
    close(&vmap(grad(f))(&t), &clipped);
    close(&grad(|t: &Array| vmap(f)(t).sum())(&t), &clipped);
    close(&grad(|t: &Array| jit(vmap(jit(f)))(t).sum())(&t), &clipped);
    close(&jit(vmap(grad(jit(f))))(&t), &clipped);
    let summed = |xs: &Array| scan(|c: Array, x: Array| (c + f(&x), ()), Array::from(0.0), xs).0;
    close(&grad(summed)(&t), &clipped);
    close(&jit(vmap(grad(summed)))(&jnp::stack(&[t.clone(), t.clone()], 0)).index(0), &clipped);
    let branch = |x: &Array| cond(x.gt(0.5), |x: Array| f(&x), |x: Array| 2.0 * x, x.clone());
    close(&vmap(grad(branch))(&t), &[2.0, clipped[1], clipped[2], clipped[3]]);
    let looped = |x: &Array| fori_loop(0, 3, |_, x| clip_gradient(&x), 5.0 * x);
    close(&grad(looped)(&t.index(0)), &[0.75 * 5.0]);
    // An argument that is not mapped gets the sum over the map.
    let scaled = |w: &Array, xs: &Array| vmap(g).in_axes((0, None))(xs, w).sum();
    let sines: f32 = t.to_vec::<f32>().iter().map(|t| t.sin()).sum();
    close(&grad(scaled)(&Array::from(2.0), &t), &[sines]);
}

#[test]
fn custom_gradients() {
    let f = custom_gradient(|x: Array, y: Array| {
        let residual = jnp::sin(&y);
        (&x * &y, move |ct: Array| (&ct * residual, 2.0 * ct))
    });
    let (x, y) = xy();
    let loss = |p: (Array, Array)| f(p.0, p.1);
    let (dx, dy) = grad(loss)((x.clone(), y.clone()));
    close(&dx, &[3f32.sin()]);
    close(&dy, &[2.0]);
    let (dx, _) = jit(grad(loss))((x.clone(), y.clone()));
    close(&dx, &[3f32.sin()]);
    let (value, pull) = vjp(|x: &Array, y: &Array| f(x.clone(), y.clone()), (x, y));
    assert_eq!(number(&value), 6.0);
    close(&pull(Array::from(10.0)).0, &[10.0 * 3f32.sin()]);
    // Differentiated again: through the residual.
    let second = |y: &Array| grad(|p: (Array, Array)| f(p.0, p.1))((y.clone(), y.clone())).0;
    close(&grad(second)(&Array::from(3.0)), &[3f32.cos()]);
}

#[test]
fn a_captured_value_has_no_derivative() {
    let f = |x: &Array| {
        let captured = x.clone();
        let inner = custom_jvp(move |y: &Array| y * &captured).defjvp(|(y,), (t,)| (y, t));
        jit(inner)(&Array::from(1.0))
    };
    let error = boundary(|| grad(f)(&Array::from(2.0))).unwrap_err().to_string();
    assert!(error.contains("differentiated with respect to a value that it captured"), "{error}");
    // A mapped value may be captured, by the function and by its rule.
    let scale = |x: &Array, k: &Array| {
        let (k1, k2) = (k.clone(), k.clone());
        let inner = custom_vjp(move |x: &Array| x * &k1).defvjp(|(x,)| (x, ()), move |(), ct| (ct * &k2,));
        inner(x)
    };
    let (x, k) = (Array::from([1.0, 2.0]), Array::from([10.0, 20.0]));
    close(&vmap(scale)(&x, &k), &[10.0, 40.0]);
    close(&vmap(grad(scale))(&x, &k), &[10.0, 20.0]);
}

#[test]
fn rules_of_wrong_types_are_refused() {
    let f = custom_jvp(|x: &Array| x.sum()).defjvp(|(x,), (t,)| (x.sum(), t));
    let error = boundary(|| grad(&f)(&jnp::ones(3))).unwrap_err().to_string();
    assert!(error.starts_with("custom_jvp: the rule of"), "{error}");
    assert!(error.contains("result is f32[] and its tangent f32[3] at "), "{error}");
    let f = custom_vjp(|x: &Array| x.sum()).defvjp(|(x,)| (x.sum(), ()), |(), ct| (ct,));
    let error = boundary(|| grad(&f)(&jnp::ones(3))).unwrap_err().to_string();
    assert!(error.starts_with("custom_vjp: the bwd rule of"), "{error}");
    assert!(error.contains("for argument[0] of type f32[3] it gave f32[] at "), "{error}");
}

/// `x · y`, whose jvp notes which tangents are symbolic zeros and gives one itself where there is nothing.
fn noting(seen: Arc<Mutex<Vec<[bool; 2]>>>) -> impl Fn(&Array, &Array) -> Array + Send + Sync + 'static {
    let rule = move |(x, y): (Array, Array), t: &[Tangent]| {
        seen.lock().unwrap().push([t[0].is_symbolic_zero(), t[1].is_symbolic_zero()]);
        let out = &x * &y;
        let terms = [t[0].value().map(|t| t * &y), t[1].value().map(|t| t * &x)];
        let zero = Tangent::SymbolicZero(out.aval().clone());
        let tangent = terms.into_iter().flatten().reduce(|a, b| a + b).map_or(zero, Tangent::Value);
        (out, vec![tangent])
    };
    let f = custom_jvp(|x: &Array, y: &Array| x * y).defjvp_symbolic_zeros(rule);
    move |x: &Array, y: &Array| f(x, y)
}

#[test]
fn a_jvp_rule_is_told_which_tangents_are_zero() {
    let seen = Arc::new(Mutex::new(vec![]));
    let f = Arc::new(noting(seen.clone()));
    let (x, y) = xy();
    let (g, c) = (f.clone(), y.clone());
    assert_eq!(number(&grad(move |x: &Array| g(x, &c))(&x)), 3.0);
    let g = f.clone();
    assert_eq!(number(&grad(move |x: &Array| g(&x.sin(), x))(&y)), 3f32.cos() * 3.0 + 3f32.sin());
    assert_eq!(*seen.lock().unwrap(), [[false, true], [false, false]]);
    // Through jit, vmap and a second derivative.
    seen.lock().unwrap().clear();
    let (g, c) = (f.clone(), y.clone());
    assert_eq!(number(&grad(jit(move |x: &Array| g(x, &c)))(&x)), 3.0);
    let (g, c) = (f.clone(), y.clone());
    close(&vmap(grad(move |x: &Array| g(x, &c)))(&Array::from([1.0, 2.0])), &[3.0, 3.0]);
    assert!(seen.lock().unwrap().iter().all(|zeros| *zeros == [false, true]), "{seen:?}");
    let g = f.clone();
    assert_eq!(number(&grad(grad(move |x: &Array| g(x, x)))(&x)), 2.0);
    let g = f.clone();
    let text = make_jaxpr(move |x: &Array, y: &Array| g(x, y))(&x, &y).unwrap().to_string();
    assert!(text.contains("symbolic_zeros=True"), "{text}");
}

#[test]
fn vjp_rules_are_told_what_is_perturbed_and_which_cotangents_are_zero() {
    let seen = Arc::new(Mutex::new(vec![]));
    let (fwd_seen, bwd_seen) = (seen.clone(), seen.clone());
    let f = custom_vjp(|x: &Array, y: &Array| (x * y, x + y)).defvjp_symbolic_zeros(
        move |args| {
            fwd_seen.lock().unwrap().push([args[0].perturbed, args[1].perturbed]);
            let (x, y) = (args[0].value.clone(), args[1].value.clone());
            ((&x * &y, &x + &y), (x, y))
        },
        move |(x, y), cts| {
            bwd_seen.lock().unwrap().push([cts[0].is_symbolic_zero(), cts[1].is_symbolic_zero()]);
            let product = |other: &Array| cts[0].value().map(|ct| ct * other);
            let sum = |term: Option<Array>| match (term, cts[1].value()) {
                (Some(a), Some(b)) => Some(a + b),
                (a, b) => a.or(b.cloned()),
            };
            vec![sum(product(&y)), sum(product(&x))]
        },
    );
    let f = Arc::new(f);
    let (x, y) = xy();
    let (g, c) = (f.clone(), y.clone());
    assert_eq!(number(&grad(move |x: &Array| g(x, &c).0)(&x)), 3.0);
    assert_eq!(*seen.lock().unwrap(), [[true, false], [false, true]]);
    seen.lock().unwrap().clear();
    let g = f.clone();
    let (dx, dy) = grad(move |(x, y): (Array, Array)| g(&x, &y).1)((x.clone(), y.clone()));
    assert_eq!((number(&dx), number(&dy)), (1.0, 1.0));
    assert_eq!(*seen.lock().unwrap(), [[true, true], [true, false]]);
    // Through jit and vmap, and with both results.
    seen.lock().unwrap().clear();
    let (g, c) = (f.clone(), y.clone());
    let both = jit(move |x: &Array| {
        let (p, s) = g(x, &c);
        p + s
    });
    close(&vmap(grad(both))(&Array::from([1.0, 2.0])), &[4.0, 4.0]);
    assert_eq!(*seen.lock().unwrap(), [[true, false], [false, false]]);
}

#[test]
fn rules_with_symbolic_zeros_give_as_many_leaves_as_there_are() {
    let f = custom_jvp(|x: &Array| x.clone()).defjvp_symbolic_zeros(|(x,), _| (x, vec![]));
    let error = boundary(|| grad(&f)(&Array::from(1.0))).unwrap_err().to_string();
    assert!(error.contains("must give as many tangents as the result has leaves, 1, got 0"), "{error}");
    let f = custom_vjp(|x: &Array| x.clone())
        .defvjp_symbolic_zeros(|args| (args[0].value.clone(), ()), |(), _| vec![]);
    let error = boundary(|| grad(&f)(&Array::from(1.0))).unwrap_err().to_string();
    assert!(error.contains("a cotangent for each of the 1 leaves of the arguments, got 0"), "{error}");
}

#[test]
fn functions_of_the_library_bring_the_rules_that_jaxs_bring() {
    let text = make_jaxpr(|x: &Array| crate::nn::relu(x))(&Array::from(1.0f32)).unwrap().to_string();
    let expected = "{ lambda ; a:f32[]. let
    b:f32[] = custom_jvp_call[
      name=relu
      call_jaxpr={ lambda ; c:f32[]. let d:f32[] = max c 0.0:f32[] in (d,) }
      jvp=jvp
      symbolic_zeros=False
    ] a
  in (b,) }";
    assert_eq!(text.trim(), expected);
    let text = make_jaxpr(|x: &Array, y: &Array| jnp::logaddexp(x, y))(&jnp::ones(3), &jnp::ones(3));
    let text = text.unwrap().to_string();
    assert!(text.contains("name=logaddexp") && text.contains("jvp=_logaddexp_jvp"), "{text}");
}

#[test]
fn errors_of_rules_name_the_line_of_the_call() {
    let x = jnp::ones([2]);
    let here = |line: u32| format!("custom/tests.rs:{line}:");
    let f = custom_jvp(|x: &Array| x.sum()).defjvp(|(x,), (t,)| (x.sum(), t));
    let (line, error) = (line!(), boundary(|| grad(|x: &Array| f(x) * 2.0)(&x)).unwrap_err().to_string());
    assert!(error.contains("custom_jvp: the rule of") && error.contains(&here(line)), "{error}");
    let (line, error) = (line!(), boundary(|| grad(&f)(&x)).unwrap_err().to_string());
    assert!(error.contains(&here(line)), "{error}");
    let (line, f) = (line!(), custom_jvp(|x: &Array| x.sum()).defjvps([None, None]));
    let error = boundary(|| jvp(&f, (x.clone(),), (x.clone(),))).unwrap_err().to_string();
    assert!(error.contains("2 rules for 1 arguments") && error.contains(&here(line)), "{error}");
    let f = custom_vjp(|x: &Array| x.sum()).defvjp(|(x,)| (x.sum(), ()), |(), ct| (ct,));
    let (line, error) = (line!(), boundary(|| grad(|x: &Array| f(x))(&x)).unwrap_err().to_string());
    assert!(error.contains("custom_vjp: the bwd rule of") && error.contains(&here(line)), "{error}");
}
