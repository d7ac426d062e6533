//! Tests: what indexing traces to, as JAX 0.10.2 prints it; mistakes. Values are tested in `tests/indexing.rs`.

use super::*;
use crate::error::boundary;
use crate::ir::{Aval, DType};
use crate::s;
use crate::trace::stage;
use std::panic::Location;

fn text(avals: &[Aval], f: impl Fn(&[Array]) -> Array) -> String {
    stage("f", avals, Location::caller(), |args| vec![f(&args)]).to_string()
}

fn x() -> Aval {
    Aval::new([3, 4], DType::F32)
}

fn ints(shape: &[usize]) -> Aval {
    Aval::new(shape.iter().copied(), DType::I32)
}

#[test]
fn static_indices_are_slices() {
    assert_eq!(
        text(&[x()], |a| a[0].get(1)),
        "{ lambda ; a:f32[3,4]. let
    b:f32[1,4] = slice[limit_indices=(2, 4) start_indices=(1, 0) strides=None] a
    c:f32[4] = squeeze[dimensions=(0,)] b
  in (c,) }"
    );
    assert_eq!(
        text(&[x()], |a| a[0].get(s![1.., ..;2])),
        "{ lambda ; a:f32[3,4]. let
    b:f32[2,2] = slice[limit_indices=(3, 4) start_indices=(1, 0) strides=(1, 2)] a
  in (b,) }"
    );
    assert_eq!(
        text(&[x()], |a| a[0].get(s![-1, ..., None])),
        "{ lambda ; a:f32[3,4]. let
    b:f32[1,4] = slice[limit_indices=(3, 4) start_indices=(2, 0) strides=None] a
    c:f32[4] = squeeze[dimensions=(0,)] b
    d:f32[4,1] = broadcast_in_dim[broadcast_dimensions=(0,)] c
  in (d,) }"
    );
    assert_eq!(text(&[x()], |a| a[0].get(s![.., ...])), "{ lambda ; a:f32[3,4]. let  in (a,) }");
}

#[test]
fn traced_scalars_are_dynamic_slices() {
    assert_eq!(
        text(&[x(), ints(&[])], |a| a[0].get(s![&a[1], 1..3])),
        "{ lambda ; a:f32[3,4] b:i32[]. let
    c:bool[] = lt b 0:i32[]
    d:i32[] = add b 3:i32[]
    e:i32[] = select_n c b d
    f:f32[1,2] = dynamic_slice[slice_sizes=(1, 2)] a e 1:i32[]
    g:f32[2] = squeeze[dimensions=(0,)] f
  in (g,) }"
    );
}

#[test]
fn arrays_are_gathers_and_updates_scatters() {
    assert_eq!(
        text(&[x(), ints(&[2])], |a| a[0].get(s![&a[1], &a[1]])),
        "{ lambda ; a:f32[3,4] b:i32[2]. let
    c:bool[2] = lt b 0:i32[]
    d:i32[2] = add b 3:i32[]
    e:i32[2] = select_n c b d
    f:bool[2] = lt b 0:i32[]
    g:i32[2] = add b 4:i32[]
    h:i32[2] = select_n f b g
    i:i32[2,1] = broadcast_in_dim[broadcast_dimensions=(0,)] e
    j:i32[2,1] = broadcast_in_dim[broadcast_dimensions=(0,)] h
    k:i32[2,2] = concatenate[dimension=1] i j
    l:f32[2] = gather[
      dimension_numbers=GatherDimensionNumbers(offset_dims=(), collapsed_slice_dims=(0, 1), start_index_map=(0, 1), operand_batching_dims=(), start_indices_batching_dims=())
      fill_value=None
      indices_are_sorted=False
      mode=GatherScatterMode.PROMISE_IN_BOUNDS
      slice_sizes=(1, 1)
      unique_indices=False
    ] a k
  in (l,) }"
    );
    assert_eq!(
        text(&[x()], |a| a[0].at(s![1.., ..;2]).add(1.5)),
        "{ lambda ; a:f32[3,4]. let
    b:i32[2] = iota[dimension=0 dtype=int32 shape=(2,) sharding=None]
    c:i32[2] = mul 2:i32[] b
    d:i32[2] = add 0:i32[] c
    e:i32[2,1] = broadcast_in_dim 1:i32[]
    f:i32[2,1] = broadcast_in_dim[broadcast_dimensions=(0,)] d
    g:i32[2,2] = concatenate[dimension=1] e f
    h:f32[2,2] = broadcast_in_dim 1.5:f32[]
    i:f32[3,4] = scatter-add[
      dimension_numbers=ScatterDimensionNumbers(update_window_dims=(0,), inserted_window_dims=(1,), scatter_dims_to_operand_dims=(0, 1), operand_batching_dims=(), scatter_indices_batching_dims=())
      indices_are_sorted=True
      mode=GatherScatterMode.FILL_OR_DROP
      unique_indices=True
      update_consts=()
      update_jaxpr={ lambda ; j:f32[] k:f32[]. let l:f32[] = add j k in (l,) }
    ] a g h
  in (i,) }"
    );
}

#[test]
fn mistakes_are_sentences() {
    let refusal = |f: &dyn Fn(&[Array]) -> Array| {
        let mask = Aval::new([3], DType::I1);
        let error = boundary(|| text(&[x(), mask, ints(&[2])], f)).expect_err("a mistake").to_string();
        error.split_once(" at ").map_or(error.clone(), |(sentence, _)| sentence.to_string())
    };
    let cases: [(&str, &dyn Fn(&[Array]) -> Array); 8] = [
        ("index: too many indices: an array of shape (3, 4) has 2 dimensions, but 3 were indexed", &|a| {
            a[0].get(s![0, .., 1])
        }),
        ("index: there can be only one ellipsis among the indices", &|a| a[0].get(s![..., 0, ...])),
        ("index: the step of a slice must not be zero", &|a| a[0].get(s![..;0])),
        ("index: an index must be of integers or booleans, got float32", &|a| a[0].get(&a[0])),
        ("index: a boolean index of shape (2,) does not match the dimensions (3,) that it indexes", &|a| {
            a[0].get([true, false])
        }),
        ("a traced value of type bool[3] was used as an index", &|a| a[0].get(&a[1])),
        ("index: got incompatible shapes for broadcasting: (2,), (3,)", &|a| a[0].get(s![&a[2], [0, 1, 2]])),
        ("index: index 3 is out of bounds for axis 0 with size 3", &|a| a[0].at(3).checked().get()),
    ];
    for (sentence, f) in cases {
        assert_eq!(refusal(f), sentence);
    }
}
