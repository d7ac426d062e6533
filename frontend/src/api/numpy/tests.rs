//! Tests: what numpy's functions and the operators trace to, as JAX 0.10.2 prints it (functions that are nested `jit`s there
//! are compared without the nesting).

use super::*;
use crate::api::nn;
use crate::error::boundary;
use crate::ir::{Aval, DType};
use crate::lax::stop_gradient;
use crate::trace::stage;
use std::panic::Location;

fn text(avals: &[Aval], f: impl Fn(&[Array]) -> Vec<Array>) -> String {
    stage("f", avals, Location::caller(), |args| f(&args)).to_string()
}

#[track_caller]
fn check(avals: &[Aval], f: impl Fn(&[Array]) -> Array, expected: &str) {
    assert_eq!(text(avals, |a| vec![f(a)]), expected);
}

fn f32(shape: &[usize]) -> Aval {
    Aval::new(shape.iter().copied(), DType::F32)
}

fn i32(shape: &[usize]) -> Aval {
    Aval::new(shape.iter().copied(), DType::I32)
}

#[test]
fn operators_promote_and_broadcast() {
    let x = f32(&[3, 4]);
    check(&[x.clone()], |a| &a[0] + 1, "{ lambda ; a:f32[3,4]. let b:f32[3,4] = add a 1.0:f32[] in (b,) }");
    check(&[f32(&[3])], |a| 1.0 - &a[0], "{ lambda ; a:f32[3]. let b:f32[3] = sub 1.0:f32[] a in (b,) }");
    check(
        &[f32(&[3])],
        |a| 1 / a[0].clone(),
        "{ lambda ; a:f32[3]. let b:f32[3] = div 1.0:f32[] a in (b,) }",
    );
    check(&[x.clone()], |a| -&a[0], "{ lambda ; a:f32[3,4]. let b:f32[3,4] = neg a in (b,) }");
    check(
        &[x.clone(), i32(&[4])],
        |a| &a[0] + &a[1],
        "{ lambda ; a:f32[3,4] b:i32[4]. let
    c:f32[4] = convert_element_type[new_dtype=float32 weak_type=False] b
    d:f32[1,4] = broadcast_in_dim[broadcast_dimensions=(1,)] c
    e:f32[3,4] = add a d
  in (e,) }",
    );
    check(
        &[i32(&[3])],
        |a| &a[0] + 1.0,
        "{ lambda ; a:i32[3]. let
    b:f32[3] = convert_element_type[new_dtype=float32 weak_type=True] a
    c:f32[3] = add b 1.0:f32[]
  in (c,) }",
    );
    check(
        &[i32(&[3])],
        |a| &a[0] / &a[0],
        "{ lambda ; a:i32[3]. let
    b:f32[3] = convert_element_type[new_dtype=float32 weak_type=False] a
    c:f32[3] = convert_element_type[new_dtype=float32 weak_type=False] a
    d:f32[3] = div b c
  in (d,) }",
    );
    check(
        &[i32(&[3])],
        |a| &a[0] >> 1,
        "{ lambda ; a:i32[3]. let b:i32[3] = shift_right_arithmetic a 1:i32[] in (b,) }",
    );
    check(
        &[f32(&[3])],
        |a| a[0].gt(0.0) & a[0].lt(1),
        "{ lambda ; a:f32[3]. let
    b:bool[3] = gt a 0.0:f32[]
    c:bool[3] = lt a 1.0:f32[]
    d:bool[3] = and b c
  in (d,) }",
    );
    check(
        &[Aval::new([3], DType::I8)],
        |a| &a[0] + 1,
        "{ lambda ; a:i8[3]. let b:i8[3] = add a 1:i8[] in (b,) }",
    );
}

#[test]
fn powers() {
    let x = f32(&[3, 4]);
    check(
        &[x.clone()],
        |a| a[0].pow(2),
        "{ lambda ; a:f32[3,4]. let b:f32[3,4] = integer_pow[y=2] a in (b,) }",
    );
    check(
        &[x.clone()],
        |a| a[0].pow(0.5),
        "{ lambda ; a:f32[3,4]. let b:f32[3,4] = pow a 0.5:f32[] in (b,) }",
    );
    check(&[x], |a| a[0].pow(&a[0]), "{ lambda ; a:f32[3,4]. let b:f32[3,4] = pow a a in (b,) }");
    check(&[i32(&[3])], |a| a[0].pow(2), "{ lambda ; a:i32[3]. let b:i32[3] = integer_pow[y=2] a in (b,) }");
}

#[test]
fn division_of_integers_and_floats() {
    check(
        &[i32(&[3])],
        |a| floor_divide(&a[0], &a[0]),
        "{ lambda ; a:i32[3]. let
    b:i32[3] = div a a
    c:i32[3] = sign a
    d:i32[3] = sign a
    e:bool[3] = ne c d
    f:i32[3] = rem a a
    g:bool[3] = ne f 0:i32[]
    h:i32[3] = sub b 1:i32[]
    i:bool[3] = and e g
    j:i32[3] = select_n i b h
  in (j,) }",
    );
    check(
        &[f32(&[3])],
        |a| &a[0] % &a[0],
        "{ lambda ; a:f32[3]. let
    b:f32[3] = rem a a
    c:bool[3] = ne b 0.0:f32[]
    d:bool[3] = lt b 0.0:f32[]
    e:bool[3] = lt a 0.0:f32[]
    f:bool[3] = ne d e
    g:bool[3] = and f c
    h:f32[3] = add b a
    i:f32[3] = select_n g b h
  in (i,) }",
    );
}

#[test]
fn reductions() {
    let x = f32(&[3, 4]);
    check(
        &[x.clone()],
        |a| a[0].sum(),
        "{ lambda ; a:f32[3,4]. let
    b:f32[] = reduce_sum[axes=(0, 1) out_sharding=None] a
  in (b,) }",
    );
    check(
        &[x.clone()],
        |a| a[0].mean_axis(0),
        "{ lambda ; a:f32[3,4]. let
    b:f32[4] = reduce_sum[axes=(0,) out_sharding=None] a
    c:f32[4] = div b 3.0:f32[]
  in (c,) }",
    );
    check(
        &[x.clone()],
        |a| mean(&a[0], keepdims(-1)),
        "{ lambda ; a:f32[3,4]. let
    b:f32[3] = reduce_sum[axes=(1,) out_sharding=None] a
    c:f32[3,1] = broadcast_in_dim[broadcast_dimensions=(0,)] b
    d:f32[3,1] = div c 4.0:f32[]
  in (d,) }",
    );
    check(
        &[i32(&[3])],
        |a| a[0].mean(),
        "{ lambda ; a:i32[3]. let
    b:f32[3] = convert_element_type[new_dtype=float32 weak_type=False] a
    c:f32[] = reduce_sum[axes=(0,) out_sharding=None] b
    d:f32[] = div c 3.0:f32[]
  in (d,) }",
    );
    check(
        &[Aval::new([3], DType::I1)],
        |a| a[0].sum(),
        "{ lambda ; a:bool[3]. let
    b:i32[3] = convert_element_type[new_dtype=int32 weak_type=False] a
    c:i32[] = reduce_sum[axes=(0,) out_sharding=None] b
  in (c,) }",
    );
    check(
        &[Aval::new([3, 4], DType::BF16)],
        |a| a[0].sum(),
        "{ lambda ; a:bf16[3,4]. let
    b:f32[3,4] = convert_element_type[new_dtype=float32 weak_type=False] a
    c:f32[] = reduce_sum[axes=(0, 1) out_sharding=None] b
    d:bf16[] = convert_element_type[new_dtype=bfloat16 weak_type=False] c
  in (d,) }",
    );
    check(
        &[x.clone()],
        |a| a[0].argmax(),
        "{ lambda ; a:f32[3,4]. let
    b:f32[12] = reshape[dimensions=None new_sizes=(12,) sharding=None] a
    c:i32[] = argmax[axes=(0,) index_dtype=int32] b
  in (c,) }",
    );
    check(
        &[x],
        |a| all(a[0].gt(1.0), ()),
        "{ lambda ; a:f32[3,4]. let
    b:bool[3,4] = gt a 1.0:f32[]
    c:bool[] = reduce_and[axes=(0, 1)] b
  in (c,) }",
    );
}

#[test]
fn products() {
    let x = f32(&[3, 4]);
    check(
        &[x.clone()],
        |a| a[0].dot(a[0].t()),
        "{ lambda ; a:f32[3,4]. let
    b:f32[4,3] = transpose[permutation=(1, 0)] a
    c:f32[3,3] = dot_general[
      dimension_numbers=(([1], [0]), ([], []))
      preferred_element_type=float32
    ] a b
  in (c,) }",
    );
    check(
        &[x.clone(), i32(&[3])],
        |a| dot(&a[1], &a[0]),
        "{ lambda ; a:f32[3,4] b:i32[3]. let
    c:f32[4] = dot_general[
      dimension_numbers=(([0], [0]), ([], []))
      preferred_element_type=float32
    ] b a
  in (c,) }",
    );
    check(
        &[x.clone()],
        |a| dot(&a[0], 2.0),
        "{ lambda ; a:f32[3,4]. let
    b:f32[3,4] = dot_general[
      dimension_numbers=(([], []), ([], []))
      preferred_element_type=float32
    ] a 2.0:f32[]
  in (b,) }",
    );
    check(
        &[f32(&[5, 2, 3, 4]), f32(&[2, 4, 3])],
        |a| a[0].matmul(&a[1]),
        "{ lambda ; a:f32[5,2,3,4] b:f32[2,4,3]. let
    c:f32[2,5,3,3] = dot_general[
      dimension_numbers=(([3], [1]), ([1], [0]))
      preferred_element_type=float32
    ] a b
    d:f32[5,2,3,3] = transpose[permutation=(1, 0, 2, 3)] c
  in (d,) }",
    );
    check(
        &[f32(&[1, 3, 4]), f32(&[2, 4, 3])],
        |a| matmul(&a[0], &a[1]),
        "{ lambda ; a:f32[1,3,4] b:f32[2,4,3]. let
    c:f32[3,4] = squeeze[dimensions=(0,)] a
    d:f32[3,2,3] = dot_general[
      dimension_numbers=(([1], [1]), ([], []))
      preferred_element_type=float32
    ] c b
    e:f32[2,3,3] = transpose[permutation=(1, 0, 2)] d
  in (e,) }",
    );
    check(
        &[f32(&[4]), f32(&[2, 4, 3])],
        |a| matmul(&a[0], &a[1]),
        "{ lambda ; a:f32[4] b:f32[2,4,3]. let
    c:f32[2,3] = dot_general[
      dimension_numbers=(([0], [1]), ([], []))
      preferred_element_type=float32
    ] a b
  in (c,) }",
    );
    check(
        &[x.clone()],
        |a| einsum("ij,kj->ik", &[a[0].clone(), a[0].clone()]),
        "{ lambda ; a:f32[3,4]. let
    b:f32[3,3] = dot_general[
      dimension_numbers=(([1], [1]), ([], []))
      preferred_element_type=float32
    ] a a
  in (b,) }",
    );
    check(
        &[x],
        |a| tensordot(&a[0], &a[0], [0, 1], [0, 1]),
        "{ lambda ; a:f32[3,4]. let
    b:f32[] = dot_general[
      dimension_numbers=(([0, 1], [0, 1]), ([], []))
      preferred_element_type=float32
    ] a a
  in (b,) }",
    );
}

#[test]
fn creation() {
    check(
        &[],
        |_| arange(5),
        "{ lambda ; . let
    a:i32[5] = iota[dimension=0 dtype=int32 shape=(5,) sharding=None]
  in (a,) }",
    );
    check(
        &[],
        |_| arange((1, 5, 2)),
        "{ lambda ; . let
    a:i32[2] = iota[dimension=0 dtype=int32 shape=(2,) sharding=None]
    b:i32[2] = mul 2:i32[] a
    c:i32[2] = add 1:i32[] b
  in (c,) }",
    );
    check(
        &[],
        |_| arange((0.0, 1.0, 0.25)),
        "{ lambda ; . let
    a:f32[4] = iota[dimension=0 dtype=float32 shape=(4,) sharding=None]
    b:f32[4] = mul 0.25:f32[] a
    c:f32[4] = add 0.0:f32[] b
  in (c,) }",
    );
    check(
        &[],
        |_| eye(3),
        "{ lambda ; . let
    a:i32[3,3] = iota[dimension=0 dtype=int32 shape=(3, 3) sharding=None]
    b:i32[3,3] = iota[dimension=1 dtype=int32 shape=(3, 3) sharding=None]
    c:i32[3,3] = add a 0:i32[]
    d:bool[3,3] = eq c b
    e:f32[3,3] = convert_element_type[new_dtype=float32 weak_type=False] d
  in (e,) }",
    );
    check(&[], |_| zeros((3, 4)), "{ lambda ; . let a:f32[3,4] = broadcast_in_dim 0.0:f32[] in (a,) }");
    check(&[], |_| full(3, 7), "{ lambda ; . let a:i32[3] = broadcast_in_dim 7:i32[] in (a,) }");
    check(&[], |_| ones(()), "{ lambda ; . let  in (1.0:f32[],) }");
    check(
        &[f32(&[]), f32(&[])],
        |a| linspace(&a[0], &a[1], 5),
        "{ lambda ; a:f32[] b:f32[]. let
    c:f32[4] = iota[dimension=0 dtype=float32 shape=(4,) sharding=None]
    d:f32[4] = div c 4.0:f32[]
    e:f32[1] = reshape[dimensions=None new_sizes=(1,) sharding=None] a
    f:f32[4] = sub 1.0:f32[] d
    g:f32[4] = mul e f
    h:f32[1] = reshape[dimensions=None new_sizes=(1,) sharding=None] b
    i:f32[4] = mul h d
    j:f32[4] = add g i
    k:f32[1] = broadcast_in_dim b
    l:f32[5] = concatenate[dimension=0] j k
  in (l,) }",
    );
}

#[test]
fn activations() {
    let x = f32(&[3, 4]);
    check(
        &[x.clone()],
        |a| nn::softmax(&a[0], -1),
        "{ lambda ; a:f32[3,4]. let
    b:f32[3] = reduce_max[axes=(1,)] a
    c:f32[3] = max -inf:f32[] b
    d:f32[3,1] = broadcast_in_dim[broadcast_dimensions=(0,)] c
    e:f32[3,1] = stop_gradient d
    f:f32[3,4] = sub a e
    g:f32[3,4] = exp f
    h:f32[3] = reduce_sum[axes=(1,) out_sharding=None] g
    i:f32[3,1] = broadcast_in_dim[broadcast_dimensions=(0,)] h
    j:f32[3,4] = div g i
  in (j,) }",
    );
    check(
        &[x.clone()],
        |a| nn::log_softmax(&a[0], -1),
        "{ lambda ; a:f32[3,4]. let
    b:f32[3] = reduce_max[axes=(1,)] a
    c:f32[3] = max -inf:f32[] b
    d:f32[3,1] = broadcast_in_dim[broadcast_dimensions=(0,)] c
    e:f32[3,1] = stop_gradient d
    f:f32[3,4] = sub a e
    g:f32[3,4] = exp f
    h:f32[3] = reduce_sum[axes=(1,) out_sharding=None] g
    i:f32[3,1] = broadcast_in_dim[broadcast_dimensions=(0,)] h
    j:f32[3,1] = log i
    k:f32[3,4] = sub f j
  in (k,) }",
    );
    check(
        &[i32(&[3])],
        |a| nn::one_hot(&a[0], 5),
        "{ lambda ; a:i32[3]. let
    b:i32[3,1] = broadcast_in_dim[broadcast_dimensions=(0,)] a
    c:i32[1,5] = iota[dimension=1 dtype=int32 shape=(1, 5) sharding=None]
    d:bool[3,5] = eq b c
    e:f32[3,5] = convert_element_type[new_dtype=float32 weak_type=False] d
  in (e,) }",
    );
    check(
        &[x.clone()],
        |a| nn::silu(&a[0]),
        "{ lambda ; a:f32[3,4]. let
    b:f32[3,4] = logistic a
    c:f32[3,4] = mul a b
  in (c,) }",
    );
    check(
        &[x],
        |a| stop_gradient(&where_(a[0].gt(0.0), &a[0], 0.0)),
        "{ lambda ; a:f32[3,4]. let
    b:bool[3,4] = gt a 0.0:f32[]
    c:f32[3,4] = broadcast_in_dim 0.0:f32[]
    d:f32[3,4] = select_n b c a
    e:f32[3,4] = stop_gradient d
  in (e,) }",
    );
}

#[test]
fn rearrangements() {
    let x = f32(&[3, 4]);
    check(
        &[f32(&[2, 3, 4])],
        |a| moveaxis(&a[0], 0, -1),
        "{ lambda ; a:f32[2,3,4]. let
    b:f32[3,4,2] = transpose[permutation=(1, 2, 0)] a
  in (b,) }",
    );
    check(
        &[x.clone()],
        |a| a[0].reshape((-1, 2)),
        "{ lambda ; a:f32[3,4]. let
    b:f32[6,2] = reshape[dimensions=None new_sizes=(6, 2) sharding=None] a
  in (b,) }",
    );
    check(
        &[x.clone()],
        |a| repeat(&a[0], 2, 0),
        "{ lambda ; a:f32[3,4]. let
    b:f32[3,2,4] = broadcast_in_dim[broadcast_dimensions=(0, 2)] a
    c:f32[6,4] = reshape[dimensions=None new_sizes=(6, 4) sharding=None] b
  in (c,) }",
    );
    check(
        &[x.clone()],
        |a| tile(&a[0], 2),
        "{ lambda ; a:f32[3,4]. let b:f32[3,8] = tile[reps=(1, 2)] a in (b,) }",
    );
    check(
        &[f32(&[1, 3, 1])],
        |a| a[0].squeeze(()),
        "{ lambda ; a:f32[1,3,1]. let b:f32[3] = squeeze[dimensions=(0, 2)] a in (b,) }",
    );
    check(
        &[x],
        |a| triu(&a[0], 0),
        "{ lambda ; a:f32[3,4]. let
    b:f32[3,4] = broadcast_in_dim 0.0:f32[]
    c:i32[3,4] = iota[dimension=0 dtype=int32 shape=(3, 4) sharding=None]
    d:i32[3,4] = iota[dimension=1 dtype=int32 shape=(3, 4) sharding=None]
    e:i32[3,4] = add c -1:i32[]
    f:bool[3,4] = ge e d
    g:f32[3,4] = select_n f a b
  in (g,) }",
    );
    check(
        &[f32(&[3])],
        |a| diff(&a[0], 0),
        "{ lambda ; a:f32[3]. let
    b:f32[2] = slice[limit_indices=(3,) start_indices=(1,) strides=None] a
    c:f32[2] = slice[limit_indices=(2,) start_indices=(0,) strides=None] a
    d:f32[2] = sub b c
  in (d,) }",
    );
}

#[test]
fn mistakes_are_sentences() {
    let refusal = |f: &dyn Fn(&[Array]) -> Array| {
        let error = boundary(|| text(&[f32(&[3, 4])], |a| vec![f(a)])).expect_err("a mistake").to_string();
        error.split_once(" at ").map_or(error.clone(), |(sentence, _)| sentence.to_string())
    };
    let cases: [(&str, &dyn Fn(&[Array]) -> Array); 7] = [
        ("sum: axis 2 is out of bounds for an array of 2 dimensions", &|a| a[0].sum_axis(2)),
        ("sum: axes [0, -2] name a dimension twice", &|a| a[0].sum_axis([0, -2])),
        ("reshape: cannot reshape an array of shape (3, 4) (size 12) into shape (5, -1)", &|a| {
            a[0].reshape((5, -1))
        }),
        ("matmul: contracting sizes differ: 4 and 3, of shapes (3, 4) and (3, 4)", &|a| a[0].matmul(&a[0])),
        ("broadcast_to: shape (3, 4) cannot be broadcast to (3, 5)", &|a| a[0].broadcast_to((3, 5))),
        ("integer_pow: integers cannot be raised to negative powers, got y=-1", &|_| arange(3).pow(-1)),
        ("einsum: \"ijk\" does not describe an operand of shape (3, 4)", &|a| einsum("ijk", a)),
    ];
    for (sentence, f) in cases {
        assert_eq!(refusal(f), sentence);
    }
}

#[test]
fn booleans_are_numbers_where_they_are_counted_with() {
    let (x, y) = (Array::from([true, false]), Array::from([true, true]));
    let functions: [(&str, Array, [i32; 2]); 9] = [
        ("left_shift", left_shift(&x, &y), [2, 0]),
        ("right_shift", right_shift(&x, &y), [0, 0]),
        ("floor_divide", floor_divide(&x, &y), [1, 0]),
        ("divmod", divmod(&x, &y).0, [1, 0]),
        ("remainder", remainder(&x, &y), [0, 0]),
        ("fmod", fmod(&x, &y), [0, 0]),
        ("power", power(&x, &y), [1, 0]),
        ("power of a literal", power(&x, 2), [1, 0]),
        ("square", square(&x), [1, 0]),
    ];
    for (name, out, expected) in functions {
        assert_eq!(out.to_vec::<i32>(), expected, "{name}");
    }
    assert_eq!(bitwise_count(&x).to_vec::<u8>(), [1, 0]);
    assert_eq!(rint(&x).to_vec::<f32>(), [1.0, 0.0]);
}

#[test]
fn whole_numbers_become_floats_that_are_not_weak() {
    let x = Array::from([1, 3]);
    for out in [rint(&x), gradient(&x).remove(0)] {
        assert_eq!((out.dtype(), out.weak_type()), (DType::F32, false));
    }
}

#[test]
fn complex_numbers_are_refused_where_they_mean_nothing() {
    let z = || lax::complex(&Array::from([1.0f32]), &Array::from([2.0f32]));
    let line = Array::from([0.0f32, 1.0]);
    let functions: [(&str, &dyn Fn() -> Array); 8] = [
        ("floor", &|| floor(z())),
        ("ceil", &|| ceil(z())),
        ("lt", &|| trunc(z())),
        ("hypot", &|| hypot(z(), 1.0)),
        ("clip", &|| clip(1.0, 0.0, z())),
        ("isposinf", &|| isposinf(z())),
        ("isneginf", &|| isneginf(z())),
        ("interp", &|| interp(z(), &line, &line)),
    ];
    for (name, f) in functions {
        let text = boundary(f).expect_err(name).to_string();
        assert!(text.starts_with(&format!("{name}: ")) && text.contains(file!()), "{text}");
    }
}

#[test]
fn what_a_closure_of_ours_refuses_is_an_error_at_the_line_of_the_call() {
    let (nothing, line, plane, cube) = (zeros(0), zeros(3), zeros([2, 2]), zeros([1, 1, 1]));
    let at = [astype(&line, DType::I32)];
    let calls: [(&str, &dyn Fn() -> Array); 11] = [
        ("block", &|| block(&[&[]])),
        ("diff_n", &|| diff_n(&line, 1, 3)),
        ("nanargmax", &|| nanargmax(&plane, [0, 1])),
        ("nanmax", &|| nanmax(&nothing, ())),
        ("cov", &|| cov(&cube)),
        ("apply_over_axes", &|| apply_over_axes(|x: &Array, _| sum(x, ()), &plane, 0)),
        ("vectorize", &|| vectorize(|x: &[Array]| x.to_vec(), Some("n->")).call(&[]).remove(0)),
        ("ix_", &|| ix_(&[plane.clone()]).remove(0)),
        ("cross", &|| cross(ones(1), &line, -1)),
        ("ravel_multi_index", &|| ravel_multi_index_mode(&at, 9, "x")),
        ("histogramdd", &|| histogramdd(&line, &[2.into()]).0),
    ];
    for (name, f) in calls {
        let text = boundary(f).expect_err(name).to_string();
        assert!(text.contains(file!()), "{name}: {text}");
    }
}

#[test]
fn what_a_closure_of_the_user_computes_stands_at_its_own_line() {
    let tan = |x: &Array| super::tan(x);
    let line = line!() - 1;
    let calls: [(&str, &dyn Fn(&Array) -> Array); 5] = [
        ("fromfunction", &|_| fromfunction(|at: &[Array]| tan(&at[0]), 3)),
        ("piecewise", &|x| piecewise(x, &[x.gt(0)], &[&tan], 0)),
        ("apply_along_axis", &|x| apply_along_axis(tan, 0, x)),
        ("apply_over_axes", &|x| apply_over_axes(|x: &Array, _| tan(x), x, 0)),
        ("vectorize", &|x| vectorize(|x: &[Array]| vec![tan(&x[0])], None).call(&[x.clone()]).remove(0)),
    ];
    for (name, f) in calls {
        let closed = stage("f", &[f32(&[3])], Location::caller(), |args| vec![f(&args[0])]);
        let lines: Vec<u32> =
            closed.jaxpr.eqns.iter().filter(|e| e.prim.name() == "tan").map(|e| e.source.line()).collect();
        assert_eq!(lines, [line], "{name}");
        assert!(closed.jaxpr.eqns.iter().all(|e| e.source.file() == file!()), "{name}");
    }
}

#[test]
fn dtypes_that_do_not_meet_are_an_error_at_the_line_of_the_call() {
    let narrow = astype(ones(2), DType::F8E4M3FN);
    let both = [&narrow, &ones(2)];
    let calls: [&dyn Fn() -> Array; 3] =
        [&|| add(both[0], both[1]), &|| divide(both[0], both[1]), &|| concatenate(both, 0)];
    for f in calls {
        let text = boundary(f).expect_err("they have no common dtype").to_string();
        assert!(text.contains("no implicit common dtype") && text.contains(file!()), "{text}");
    }
}

#[test]
fn what_must_be_concrete_names_no_line_of_this_library() {
    let x = ones([2]);
    for f in [|x: &Array| unique(x), |x: &Array| setdiff1d(x, x), |x: &Array| union1d(x, x)] {
        let error = crate::jit(f).try_call((&x,)).unwrap_err().to_string();
        assert!(error.contains("the value was made at") && !error.contains("sorting.rs"), "{error}");
    }
}
