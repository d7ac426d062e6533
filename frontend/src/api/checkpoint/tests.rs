//! Tests against jaxprs and values of JAX 0.10.2.

use super::*;
use crate::api::control::scan;
use crate::{checkpoint_policies, custom_jvp, custom_vjp, grad, jit, jvp, make_jaxpr, numpy as jnp, vmap};

fn sin_sin(x: &Array) -> Array {
    jnp::sin(jnp::sin(x))
}

#[track_caller]
fn same(x: &Array, y: &Array) {
    let (x, y) = (x.to_vec::<f32>(), y.to_vec::<f32>());
    assert_eq!(x.len(), y.len());
    assert!(x.iter().zip(&y).all(|(a, b)| (a - b).abs() <= 1e-6 * (1.0 + b.abs())), "{x:?} {y:?}");
}

#[test]
fn jaxprs_print_as_jax_prints_them() {
    let x = Array::from(1.0);
    let f = checkpoint(sin_sin);
    assert_eq!(
        make_jaxpr(&f)(&x).unwrap().to_string(),
        "{ lambda ; a:f32[]. let
    b:f32[] = remat2[
      differentiated=False
      jaxpr={ lambda ; c:f32[]. let d:f32[] = sin c; e:f32[] = sin d in (e,) }
      policy=None
      prevent_cse=True
    ] a
  in (b,) }"
    );
    assert_eq!(
        make_jaxpr(grad(&f))(&x).unwrap().to_string(),
        "{ lambda ; a:f32[]. let
    b:f32[] = sin a
    _:f32[] = sin b
    c:f32[] = remat2[
      differentiated=True
      jaxpr={ lambda ; d:f32[] e:f32[]. let
          f:f32[] = sin d
          g:f32[] = cos d
          h:f32[] = cos f
          i:f32[] = mul e h
          j:f32[] = mul i g
        in (j,) }
      policy=None
      prevent_cse=True
    ] a 1.0:f32[]
  in (c,) }"
    );
    let policy = checkpoint_policies::save_only_these_names(["a"]);
    let f = checkpoint(|x: &Array| jnp::sin(checkpoint_name(&jnp::sin(x), "a"))).policy(policy);
    assert_eq!(
        make_jaxpr(grad(&f))(&x).unwrap().to_string(),
        "{ lambda ; a:f32[]. let
    b:f32[] = sin a
    c:f32[] = name[name=a] b
    d:f32[] = reduce_precision[exponent_bits=8 mantissa_bits=23] c
    _:f32[] = sin d
    e:f32[] = remat2[
      differentiated=True
      jaxpr={ lambda ; f:f32[] g:f32[] h:f32[]. let
          i:f32[] = cos g
          j:f32[] = cos f
          k:f32[] = mul h j
          l:f32[] = mul k i
        in (l,) }
      policy=SaveOnlyTheseNames(saveable_names=frozenset({'a'}))
      prevent_cse=True
    ] d a 1.0:f32[]
  in (e,) }"
    );
    assert_eq!(
        make_jaxpr(|x: &Array| lax::optimization_barrier(&[x.clone()]))(&x).unwrap().to_string(),
        "{ lambda ; a:f32[]. let b:f32[] = optimization_barrier a in (b,) }"
    );
}

/// What is saved, without the lines.
fn saved(f: impl Function<fn(super::super::function::Ref<Array>) -> Array>, x: &Array) -> Vec<String> {
    let short = |(aval, said): (Aval, String)| {
        let said = said.split(" from ").next().map_or(said.clone(), str::to_owned);
        format!("{aval} {said}")
    };
    saved_residuals(f, (x.clone(),)).into_iter().map(short).collect()
}

fn layers(x: &Array) -> Array {
    let h = jnp::sin(checkpoint_name(&jnp::dot(x, x), "first"));
    let h = jnp::sin(jnp::dot(&h, x));
    jit(|h: &Array| jnp::tanh(jnp::dot(h, h)))(&h).sum()
}

#[test]
fn policies_say_what_is_saved() {
    let x = Array::from([[0.1, 0.2], [0.3, 0.4]]);
    let with = |policy: Policy| saved(checkpoint(layers).policy(policy), &x);
    assert_eq!(with(checkpoint_policies::nothing_saveable()), ["f32[2,2] from the argument 0"]);
    assert_eq!(saved(checkpoint(layers), &x), ["f32[2,2] from the argument 0"]);
    let dot = "f32[2,2] output of dot_general";
    let dots = ["f32[2,2] from the argument 0", dot, dot, dot];
    assert_eq!(with(checkpoint_policies::dots_saveable()), dots);
    assert_eq!(with(checkpoint_policies::dots_with_no_batch_dims_saveable()), dots);
    let named = ["f32[2,2] from the argument 0", "f32[2,2] named 'first'"];
    assert_eq!(with(checkpoint_policies::save_only_these_names(["first"])), named);
    assert_eq!(with(checkpoint_policies::save_any_names_but_these(["second"])), named);
    assert_eq!(with(checkpoint_policies::save_any_names_but_these(["first"])), named[..1]);
    let tanh = checkpoint_policies::custom(|prim, _| prim.name() == "tanh");
    let both = checkpoint_policies::save_from_both_policies(
        tanh,
        checkpoint_policies::save_only_these_names(["first"]),
    );
    let found = with(both);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[2].contains("tanh"), "{found:?}");
    assert!(with(checkpoint_policies::everything_saveable()).len() > 4);
    // What is saved never changes the derivative.
    let expected = grad(layers)(&x);
    for policy in [
        checkpoint_policies::nothing_saveable(),
        checkpoint_policies::everything_saveable(),
        checkpoint_policies::dots_saveable(),
        checkpoint_policies::save_only_these_names(["first"]),
        checkpoint_policies::save_anything_except_these_names(["first"]),
    ] {
        let f = checkpoint(layers).policy(policy);
        same(&grad(&f)(&x), &expected);
        same(&jit(grad(&f))(&x), &expected);
        same(&grad(jit(&f))(&x), &expected);
        same(&grad(checkpoint(&f).prevent_cse(false))(&x), &expected);
    }
}

#[test]
fn checkpointed_functions_are_transformed_like_others() {
    let xs = Array::from([0.1, 0.2, 0.3]);
    let f = checkpoint(sin_sin);
    same(&vmap(grad(&f))(&xs), &vmap(grad(sin_sin))(&xs));
    same(&grad(|x: &Array| vmap(&f)(x).sum())(&xs), &vmap(grad(sin_sin))(&xs));
    same(&vmap(grad(grad(&f)))(&xs), &vmap(grad(grad(sin_sin)))(&xs));
    same(&jit(vmap(grad(jit(grad(&f)))))(&xs), &vmap(grad(grad(sin_sin)))(&xs));
    let one = Array::from(1.0);
    let (value, tangent) = jvp(&f, (one.clone(),), (one.clone(),));
    let (expected, expected_tangent) = jvp(sin_sin, (one.clone(),), (one.clone(),));
    same(&value, &expected);
    same(&tangent, &expected_tangent);
    // As the body of a loop, and around one.
    let step = |c: Array, x: Array| (checkpoint(|c: &Array, x: &Array| jnp::sin(c) * x)(&c, &x), ());
    let plain = |c: Array, x: Array| (jnp::sin(c) * x, ());
    let inside = |xs: &Array| scan(step, Array::from(1.0), xs).0;
    let around = checkpoint(|xs: &Array| scan(plain, Array::from(1.0), xs).0);
    let expected = grad(|xs: &Array| scan(plain, Array::from(1.0), xs).0)(&xs);
    same(&grad(inside)(&xs), &expected);
    same(&grad(&around)(&xs), &expected);
    same(&jit(grad(&around))(&xs), &expected);
    // Around custom derivatives, and with captured values.
    let scale = Array::from(3.0);
    let tripled = custom_jvp(|x: &Array| jnp::sin(x)).defjvp(|(x,), (t,)| (jnp::sin(&x), 3.0 * t));
    let clipped =
        custom_vjp(|x: &Array| x.clone()).defvjp(|(x,)| (x, ()), |(), ct| (jnp::clip(ct, -0.5, 0.5),));
    let g = checkpoint(|x: &Array| clipped(&(tripled(x) * &scale)));
    same(&grad(&g)(&one), &Array::from(0.5 * 3.0 * 3.0));
    same(&jit(grad(&g))(&one), &Array::from(0.5 * 3.0 * 3.0));
    let by_capture = |w: &Array| checkpoint(|x: &Array| jnp::sin(x * w))(&one);
    same(&grad(by_capture)(&scale), &Array::from(3f32.cos()));
}

#[test]
fn what_is_computed_again_stands_behind_a_barrier() {
    let x = Array::from(1.0);
    let text = jit(grad(checkpoint(sin_sin))).lower((&x,)).unwrap().as_text();
    assert!(text.contains("optimization_barrier"), "{text}");
    let text = jit(grad(checkpoint(sin_sin).prevent_cse(false))).lower((&x,)).unwrap().as_text();
    assert!(!text.contains("optimization_barrier"), "{text}");
}
