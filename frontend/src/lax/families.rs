//! Tests: applications of the families print as JAX 0.10.2 prints them, and operands that do not fit are refused with sentences.

use std::panic::Location;

use super::*;
use crate::error::boundary;
use crate::ir::{Array, Aval, DType};
use crate::trace::stage;

/// The text of the jaxpr of a function of arrays of these types.
fn text(avals: &[Aval], f: impl Fn(&[Array]) -> Vec<Array>) -> String {
    stage("f", avals, Location::caller(), |args| f(&args)).to_string()
}

fn f32(shape: &[usize]) -> Aval {
    Aval::new(shape.iter().copied(), DType::F32)
}

fn i32() -> Aval {
    Aval::new([], DType::I32)
}

fn lit(value: f64) -> Array {
    Array::scalar(value, DType::F32, true)
}

#[track_caller]
fn check(avals: &[Aval], f: impl Fn(&Array) -> Array, expected: &str) {
    assert_eq!(text(avals, |a| vec![f(&a[0])]), expected);
}

#[test]
fn shapes() {
    let x = [f32(&[3, 4])];
    check(
        &x,
        |x| broadcast_in_dim(x, &[2, 3, 4], &[1, 2]),
        "{ lambda ; a:f32[3,4]. let
    b:f32[2,3,4] = broadcast_in_dim[broadcast_dimensions=(1, 2)] a
  in (b,) }",
    );
    check(
        &x,
        |x| expand_dims(x, &[0]),
        "{ lambda ; a:f32[3,4]. let
    b:f32[1,3,4] = broadcast_in_dim[broadcast_dimensions=(1, 2)] a
  in (b,) }",
    );
    check(
        &x,
        |x| reshape(x, &[4, 3]),
        "{ lambda ; a:f32[3,4]. let
    b:f32[4,3] = reshape[dimensions=None new_sizes=(4, 3) sharding=None] a
  in (b,) }",
    );
    check(
        &x,
        |x| transpose(x, &[1, 0]),
        "{ lambda ; a:f32[3,4]. let
    b:f32[4,3] = transpose[permutation=(1, 0)] a
  in (b,) }",
    );
    check(&x, |x| rev(x, &[0]), "{ lambda ; a:f32[3,4]. let b:f32[3,4] = rev[dimensions=(0,)] a in (b,) }");
    check(
        &[f32(&[1, 4])],
        |x| squeeze(x, &[0]),
        "{ lambda ; a:f32[1,4]. let b:f32[4] = squeeze[dimensions=(0,)] a in (b,) }",
    );
    check(
        &x,
        |_| broadcasted_iota(DType::I32, &[3, 4], 1),
        "{ lambda ; a:f32[3,4]. let
    b:i32[3,4] = iota[dimension=1 dtype=int32 shape=(3, 4) sharding=None]
  in (b,) }",
    );
    // What changes nothing is no equation.
    check(
        &x,
        |x| transpose(&reshape(&squeeze(x, &[]), &[3, 4]), &[0, 1]),
        "{ lambda ; a:f32[3,4]. let  in (a,) }",
    );
}

#[test]
fn beside_each_other() {
    let x = [f32(&[3, 4])];
    check(
        &x,
        |x| concatenate(&[x.clone(), x.clone()], 0),
        "{ lambda ; a:f32[3,4]. let b:f32[6,4] = concatenate[dimension=0] a a in (b,) }",
    );
    check(
        &x,
        |x| pad(x, &lit(0.0), &[(1, 1, 0), (0, -1, 2)]),
        "{ lambda ; a:f32[3,4]. let
    b:f32[5,9] = pad[padding_config=((1, 1, 0), (0, -1, 2))] a 0.0:f32[]
  in (b,) }",
    );
    check(
        &x,
        |x| stack(&[x.clone(), x.clone()], 0),
        "{ lambda ; a:f32[3,4]. let b:f32[2,3,4] = stack[axis=0] a a in (b,) }",
    );
    check(&x, |x| tile(x, &[2, 1]), "{ lambda ; a:f32[3,4]. let b:f32[6,4] = tile[reps=(2, 1)] a in (b,) }");
    assert_eq!(
        text(&x, |a| split(&a[0], &[2, 2], 1)),
        "{ lambda ; a:f32[3,4]. let
    b:f32[3,2] c:f32[3,2] = split[axis=1 sizes=(2, 2)] a
  in (b, c) }"
    );
}

#[test]
fn slices() {
    let x = [f32(&[3, 4])];
    check(
        &x,
        |x| slice(x, &[0, 1], &[2, 3], None),
        "{ lambda ; a:f32[3,4]. let
    b:f32[2,2] = slice[limit_indices=(2, 3) start_indices=(0, 1) strides=None] a
  in (b,) }",
    );
    check(
        &x,
        |x| slice(x, &[0, 1], &[2, 3], Some(&[1, 2])),
        "{ lambda ; a:f32[3,4]. let
    b:f32[2,1] = slice[limit_indices=(2, 3) start_indices=(0, 1) strides=(1, 2)] a
  in (b,) }",
    );
    let zero = Array::scalar(0, DType::I32, true);
    assert_eq!(
        text(&[f32(&[3, 4]), i32()], |a| vec![dynamic_slice(&a[0], &[a[1].clone(), zero.clone()], &[2, 2])]),
        "{ lambda ; a:f32[3,4] b:i32[]. let
    c:bool[] = lt b 0:i32[]
    d:i32[] = add b 3:i32[]
    e:i32[] = select_n c b d
    f:f32[2,2] = dynamic_slice[slice_sizes=(2, 2)] a e 0:i32[]
  in (f,) }"
    );
    assert_eq!(
        text(&[f32(&[3, 4]), i32()], |a| {
            let row = slice(&a[0], &[0, 0], &[1, 4], None);
            vec![dynamic_update_slice(&a[0], &row, &[a[1].clone(), zero.clone()])]
        }),
        "{ lambda ; a:f32[3,4] b:i32[]. let
    c:f32[1,4] = slice[limit_indices=(1, 4) start_indices=(0, 0) strides=None] a
    d:bool[] = lt b 0:i32[]
    e:i32[] = add b 3:i32[]
    f:i32[] = select_n d b e
    g:f32[3,4] = dynamic_update_slice a c f 0:i32[]
  in (g,) }"
    );
}

#[test]
fn choices_and_comparisons() {
    let x = [f32(&[3, 4])];
    check(&x, |x| lt(x, &lit(1.0)), "{ lambda ; a:f32[3,4]. let b:bool[3,4] = lt a 1.0:f32[] in (b,) }");
    check(
        &x,
        |x| select(&lt(x, &lit(1.0)), x, x),
        "{ lambda ; a:f32[3,4]. let
    b:bool[3,4] = lt a 1.0:f32[]
    c:f32[3,4] = select_n b a a
  in (c,) }",
    );
    check(
        &x,
        |x| clamp(&lit(0.0), x, &lit(1.0)),
        "{ lambda ; a:f32[3,4]. let b:f32[3,4] = clamp 0.0:f32[] a 1.0:f32[] in (b,) }",
    );
    check(&x, stop_gradient, "{ lambda ; a:f32[3,4]. let b:f32[3,4] = stop_gradient a in (b,) }");
}

#[test]
fn conversions() {
    let x = [f32(&[3, 4])];
    check(
        &x,
        |x| convert_element_type(x, DType::I32),
        "{ lambda ; a:f32[3,4]. let
    b:i32[3,4] = convert_element_type[new_dtype=int32 weak_type=False] a
  in (b,) }",
    );
    check(
        &x,
        |x| bitcast_convert_type(x, DType::I32),
        "{ lambda ; a:f32[3,4]. let
    b:i32[3,4] = bitcast_convert_type[new_dtype=int32] a
  in (b,) }",
    );
    check(
        &x,
        |x| reduce_precision(x, 5, 10),
        "{ lambda ; a:f32[3,4]. let
    b:f32[3,4] = reduce_precision[exponent_bits=5 mantissa_bits=10] a
  in (b,) }",
    );
    check(&x, |x| convert_element_type(x, DType::F32), "{ lambda ; a:f32[3,4]. let  in (a,) }");
}

#[test]
fn reductions() {
    let x = [f32(&[3, 4])];
    check(
        &x,
        |x| reduce_sum(x, &[0]),
        "{ lambda ; a:f32[3,4]. let
    b:f32[4] = reduce_sum[axes=(0,) out_sharding=None] a
  in (b,) }",
    );
    check(
        &x,
        |x| reduce_max(x, &[0, 1]),
        "{ lambda ; a:f32[3,4]. let b:f32[] = reduce_max[axes=(0, 1)] a in (b,) }",
    );
    check(
        &x,
        |x| argmax(x, 1, DType::I32),
        "{ lambda ; a:f32[3,4]. let
    b:i32[3] = argmax[axes=(1,) index_dtype=int32] a
  in (b,) }",
    );
}

#[test]
fn products() {
    let numbers = || DotDimensionNumbers::new((&[0], &[0]), (&[], &[]));
    check(
        &[f32(&[3, 4])],
        |x| dot_general(x, x, numbers(), Some(Precision::Highest), Some(DType::F32)),
        "{ lambda ; a:f32[3,4]. let
    b:f32[4,4] = dot_general[
      dimension_numbers=(([0], [0]), ([], []))
      precision=(Precision.HIGHEST, Precision.HIGHEST)
      preferred_element_type=float32
    ] a a
  in (b,) }",
    );
}

#[test]
fn operands_that_do_not_fit() {
    let refusal = |avals: &[Aval], f: &dyn Fn(&[Array]) -> Array| {
        let error =
            boundary(|| text(avals, |a| vec![f(a)])).expect_err("the operands do not fit").to_string();
        error.split_once(" at ").map_or(error.clone(), |(sentence, _)| sentence.to_string())
    };
    let x = [f32(&[3, 4]), f32(&[5])];
    let cases: [(&str, &dyn Fn(&[Array]) -> Array); 12] = [
        (
            "reshape: the total size must not change: operand shape (3, 4) has 12 elements, new shape (5,) has 5",
            &|a| reshape(&a[0], &[5]),
        ),
        (
            "transpose: permutation (0, 0) is not a permutation of the dimensions of the operand of shape (3, 4)",
            &|a| transpose(&a[0], &[0, 0]),
        ),
        ("squeeze: only dimensions of size 1 can be removed, got shape (3, 4) and dimensions (1,)", &|a| {
            squeeze(&a[0], &[1])
        }),
        ("concatenate: operands must have the same number of dimensions, got shapes (3, 4), (5,)", &|a| {
            concatenate(a, 0)
        }),
        (
            "pad: padding_config ((1, 0, 0),) must have one entry for each dimension of the operand of shape (3, 4)",
            &|a| pad(&a[0], &lit(0.0), &[(1, 0, 0)]),
        ),
        (
            "slice: limit_indices must not exceed the operand's shape, got limit_indices (3, 5) for shape (3, 4)",
            &|a| slice(&a[0], &[0, 0], &[3, 5], None),
        ),
        ("slice: strides must be positive, got (0,)", &|a| slice(&a[1], &[0], &[5], Some(&[0]))),
        ("select_n: `which` must be boolean or an integer, got float32", &|a| select(&a[0], &a[0], &a[0])),
        (
            "dot_general: contracting sizes differ: lhs dim 1 is 4, rhs dim 0 is 5; the shapes are (3, 4) and (5,)",
            &|a| dot_general(&a[0], &a[1], DotDimensionNumbers::new((&[1], &[0]), (&[], &[])), None, None),
        ),
        ("reduce_sum: axes (2,) must be distinct dimensions of the operand of shape (3, 4)", &|a| {
            reduce_sum(&a[0], &[2])
        }),
        ("reduce_or: the operand must be boolean or an integer, got float32", &|a| reduce_or(&a[0], &[0])),
        ("lt: got incompatible shapes for broadcasting: (4, 3), (3, 4)", &|a| {
            lt(&transpose(&a[0], &[1, 0]), &a[0])
        }),
    ];
    for (sentence, f) in cases {
        assert_eq!(refusal(&x, f), sentence);
    }
}
