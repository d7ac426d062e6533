//! jax.lax on whole arrays: shapes, parts, reads and writes at indices, reductions, order, products, control flow.

use jacinth_frontend::api::composite::composite;
use jacinth_frontend::api::control;
use jacinth_frontend::api::solve::{custom_linear_solve, custom_root};
use jacinth_frontend::lax::{
    self, ConvOptions, DotDimensionNumbers, FftType, Fill, Gather, GatherDimensionNumbers, GatherScatterMode,
    Precision, RaggedDotDimensionNumbers, RandomAlgorithm, ScatterDimensionNumbers, ScatterKind,
    ScatterParams,
};
use jacinth_frontend::{Array, DType, numpy as jnp};

use crate::table::{Builder, Case, Smooth, case};

/// Lines `"name" (options) => |x| computation;` of functions of `jax.lax`.
macro_rules! cases {
    ($($name:literal $(.$set:ident($($arg:expr),*))* => $run:expr;)*) => {
        vec![$(case(concat!("jax.lax.", $name))$(.$set($($arg),*))*.run($run)),*]
    };
}

pub(crate) fn cases() -> Vec<Case> {
    [
        shapes(),
        shape_tuples(),
        conversions(),
        parts(),
        gathers(),
        scatters(),
        reductions(),
        order(),
        products(),
        convolutions(),
        transforms(),
        control_flow(),
        solutions(),
        random(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn whole(values: &[usize]) -> Array {
    Array::from(values.iter().map(|&v| v as i32).collect::<Vec<i32>>())
}

/// A scalar of the other's dtype.
fn like(x: &Array, value: f64) -> Array {
    lax::full(&[], value, x.dtype())
}

fn shapes() -> Vec<Case> {
    cases! {
        "broadcast" => |x| lax::broadcast(&x[0], &[2, 1]);
        "broadcast_in_dim" => |x| lax::broadcast_in_dim(&x[0], &[3, 2, 4], &[1, 2]);
        "broadcast_like" => |x| lax::broadcast_like(&x[0], &x[1]);
        "dtype" => |x| Array::from(lax::dtype(&x[0]) == DType::I8);
        "broadcast_shapes" => |_| whole(&lax::broadcast_shapes(&[&[2, 1, 4], &[3, 1], &[]]));
        "broadcast_to_rank" => |x| lax::broadcast_to_rank(&x[0], 3);
        "broadcasted_iota" => |_| {
            let along = |dtype, d| lax::broadcasted_iota(dtype, &[2, 3], d);
            [along(DType::I32, 1), along(DType::UI8, 1), along(DType::F32, 1), along(DType::I32, 0)]
        };
        "iota" => |_| [DType::I32, DType::F32, DType::I8].map(|dtype| lax::iota(dtype, 4));
        "collapse" => |x| [lax::collapse(&x[0], 1, 3), lax::collapse(&x[0], 0, 2)];
        "concatenate" => |x| lax::concatenate(&[x[0].clone(), x[1].clone(), x[0].clone()], 1);
        "expand_dims" => |x| lax::expand_dims(&x[0], &[0, 2]);
        "full" => |_| {
            [lax::full(&[2, 3], 1.5, DType::F32), lax::full(&[2], 7, DType::I8), lax::full(&[], true, DType::I1)]
        };
        "full_like" => |x| lax::full_like(&x[0], 3);
        "empty" => |_| whole(lax::empty(&[2, 3], DType::F32).shape());
        "pad" .grad_ulp_of(DType::BF16, 8) => |x| lax::pad(&x[0], &x[1], &[(1, 2, 1), (0, 1, 0)]);
        "pad/negative" .floor(1e-7) => |x| lax::pad(&x[0], &x[1], &[(-1, 2, 0), (1, -2, 2)]);
        "reshape" => |x| lax::reshape(&x[0], &[4, 6]);
        "reshape/dimensions" => |x| lax::reshape(&lax::transpose(&x[0], &[2, 0, 1]), &[4, 6]);
        "rev" => |x| lax::rev(&x[0], &[0, 2]);
        "squeeze" => |x| lax::squeeze(&x[0], &[0, 2]);
        "stack" => |x| lax::stack(x, 1);
        "unstack" => |x| lax::unstack(&x[0], 1);
        "split" => |x| lax::split(&x[0], &[2, 0, 3], 1);
        "tile" .grad_ulp(2) => |x| lax::tile(&x[0], &[2, 3]);
        "transpose" => |x| lax::transpose(&x[0], &[2, 0, 1]);
    }
}

fn shape_tuples() -> Vec<Case> {
    let rows = |rows: [Vec<usize>; 3]| lax::stack(&rows.map(|row| whole(&row)), 0);
    cases! {
        "shape_as_value" => |_| lax::shape_as_value(&[2, 3, 5]);
        "conv_shape_tuple" => |_| {
            whole(&lax::conv_shape_tuple(&[2, 3, 8, 9], &[4, 3, 3, 2], &[2, 1], [(1, 0), (0, 2)]))
        };
        "conv_general_shape_tuple" => |_| {
            let numbers = ("NHWC", "HWIO", "NCHW").into();
            whole(&lax::conv_general_shape_tuple(&[2, 8, 9, 3], &[3, 2, 3, 4], &[2, 1], "SAME", numbers))
        };
        "conv_transpose_shape_tuple" => |_| {
            let numbers = ("NHWC", "HWIO", "NHWC").into();
            whole(&lax::conv_transpose_shape_tuple(&[2, 8, 9, 3], &[3, 2, 3, 4], &[2, 1], "SAME", numbers))
        };
        "conv_general_permutations" => move |_| rows(lax::conv_general_permutations(("NHWC", "HWIO", "NCHW")));
        "conv_dimension_numbers" => move |_| {
            let numbers = Some(("NHWC", "HWIO", "NCHW").into());
            let n = lax::conv_dimension_numbers(&[1, 2, 3, 4], &[1, 2, 3, 4], numbers);
            rows([n.lhs_spec, n.rhs_spec, n.out_spec])
        };
        "reduce_window_shape_tuple" => |_| {
            let padding = [(1, 0), (0, 2)];
            let shape =
                lax::reduce_window_shape_tuple(&[8, 9], &[3, 2], &[2, 1], padding, Some(&[1, 2]), Some(&[2, 1]));
            whole(&shape).reshape((1, 2))
        };
    }
}

fn conversions() -> Vec<Case> {
    let to = |name, dtype| case(name).run(move |x| lax::convert_element_type(&x[0], dtype));
    let converted = vec![
        to("jax.lax.convert_element_type/float-i32", DType::I32),
        to("jax.lax.convert_element_type/float-f16", DType::F16),
        to("jax.lax.convert_element_type/float-bf16", DType::BF16),
        to("jax.lax.convert_element_type/float-bool", DType::I1),
        to("jax.lax.convert_element_type/float-c64", DType::C64),
        to("jax.lax.convert_element_type/integer-i8", DType::I8),
        to("jax.lax.convert_element_type/integer-u8", DType::UI8),
        to("jax.lax.convert_element_type/integer-u32", DType::UI32),
        to("jax.lax.convert_element_type/integer-f32", DType::F32),
        to("jax.lax.convert_element_type/integer-bf16", DType::BF16),
        to("jax.lax.convert_element_type/integer-bool", DType::I1),
        to("jax.lax.convert_element_type/complex", DType::F32),
    ];
    let others = cases! {
        "convert_element_type/gradient" .rounds() => |x| {
            [DType::BF16, DType::F16].map(|dtype| lax::convert_element_type(&x[0], dtype))
        };
        "bitcast_convert_type/same" => |x| lax::bitcast_convert_type(&x[0], DType::I32);
        "bitcast_convert_type/narrow" => |x| lax::bitcast_convert_type(&x[0], DType::UI8);
        "bitcast_convert_type/wide" => |x| lax::bitcast_convert_type(&x[0], DType::F32);
        "stop_gradient" .not_smooth("its derivative is zero by definition") => |x| lax::mul(&x[0], &lax::stop_gradient(&x[0]));
        "optimization_barrier" => |x| lax::optimization_barrier(x);
        "stage" => |x| [lax::stage(&x[0]), lax::stage(&Array::from([2.0f32]).reshape(()))];
        "dce_sink" => |x| {
            lax::dce_sink(&x[0]);
            &x[0] + 1.0
        };
    };
    converted.into_iter().chain(others).collect()
}

fn parts() -> Vec<Case> {
    let mut all = cases! {
        "slice" => |x| lax::slice(&x[0], &[1, 0], &[4, 5], Some(&[2, 3]));
        "slice_in_dim" => |x| {
            [
                lax::slice_in_dim(&x[0], 1, Some(4), 2, 1),
                lax::slice_in_dim(&x[0], -3, None, 1, 0),
                lax::slice_in_dim(&x[0], 0, Some(-1), 1, 1),
            ]
        };
        "index_in_dim" => |x| [lax::index_in_dim(&x[0], 2, 1, true), lax::index_in_dim(&x[0], -1, 0, false)];
        "dynamic_slice/u8" => |x| lax::dynamic_slice(&x[0], &[x[1].clone(), x[1].clone()], &[2, 3]);
    };
    for name in ["inside", "beyond", "negative", "before"] {
        let named = |function: &str| case(format!("jax.lax.{function}/{name}").leak());
        all.push(named("dynamic_slice").run(|x| lax::dynamic_slice(&x[0], &x[1..], &[2, 3])));
        all.push(named("dynamic_update_slice").run(|x| lax::dynamic_update_slice(&x[0], &x[1], &x[2..])));
    }
    for name in ["1", "-2", "9"] {
        let named = |function: &str| case(format!("jax.lax.{function}/{name}").leak());
        all.push(named("dynamic_slice_in_dim").run(|x| lax::dynamic_slice_in_dim(&x[0], &x[1], 2, 1)));
        all.push(named("dynamic_index_in_dim").run(|x| {
            [
                lax::dynamic_index_in_dim(&x[0], &x[1], 0, true),
                lax::dynamic_index_in_dim(&x[0], &x[1], 1, false),
            ]
        }));
        all.push(
            named("dynamic_update_slice_in_dim")
                .run(|x| lax::dynamic_update_slice_in_dim(&x[0], &x[1], &x[2], 1)),
        );
        all.push(
            named("dynamic_update_index_in_dim")
                .run(|x| lax::dynamic_update_index_in_dim(&x[0], &x[1], &x[2], 0)),
        );
    }
    all
}

/// What happens to indices out of bounds, by the names of the variants.
const MODES: [(&str, GatherScatterMode); 3] = [
    ("clip", GatherScatterMode::Clip),
    ("fill", GatherScatterMode::FillOrDrop),
    ("promise", GatherScatterMode::PromiseInBounds),
];

fn gathers() -> Vec<Case> {
    // A row and the column where a part of it begins.
    let rows = || GatherDimensionNumbers {
        offset_dims: vec![1],
        collapsed_slice_dims: vec![0],
        start_index_map: vec![0, 1],
        ..Default::default()
    };
    let of_rows = move |name: String, mode| {
        case(name.leak()).run(move |x| lax::gather(&x[0], &x[1], rows(), &[1, 2], mode))
    };
    let mut all: Vec<Case> = Vec::new();
    for (name, mode) in MODES {
        all.push(of_rows(format!("jax.lax.gather/{name}"), mode));
    }
    for dtype in ["i8", "u16", "bool", "c64"] {
        all.push(of_rows(format!("jax.lax.gather/fill-{dtype}"), GatherScatterMode::FillOrDrop));
    }
    all.extend(cases! {
        "gather/fill-value" => move |x| {
            let params = Gather {
                dimension_numbers: rows(),
                slice_sizes: vec![1, 2],
                indices_are_sorted: false,
                unique_indices: false,
                mode: GatherScatterMode::FillOrDrop,
                fill_value: Some(Fill::new(-7.0)),
            };
            lax::gather_with(&x[0], &x[1], params)
        };
        "gather/planes" => |x| {
            let numbers = GatherDimensionNumbers {
                offset_dims: vec![0, 2],
                collapsed_slice_dims: vec![1],
                start_index_map: vec![1],
                ..Default::default()
            };
            lax::gather(&x[0], &x[1], numbers, &[2, 1, 3], GatherScatterMode::Clip)
        };
        "gather/batching" => |x| {
            let numbers = GatherDimensionNumbers {
                offset_dims: vec![1],
                start_index_map: vec![1],
                operand_batching_dims: vec![0],
                start_indices_batching_dims: vec![0],
                ..Default::default()
            };
            lax::gather(&x[0], &x[1], numbers, &[1, 3], GatherScatterMode::Clip)
        };
        "index_take" => |x| lax::index_take(&x[0], &x[1..], &[0, 2]);
    });
    all
}

fn scatters() -> Vec<Case> {
    let rows = || ScatterDimensionNumbers {
        update_window_dims: vec![1],
        inserted_window_dims: vec![0],
        scatter_dims_to_operand_dims: vec![0, 1],
        ..Default::default()
    };
    let kinds = [
        ("scatter", ScatterKind::Set),
        ("scatter_add", ScatterKind::Add),
        ("scatter_sub", ScatterKind::Sub),
        ("scatter_mul", ScatterKind::Mul),
        ("scatter_min", ScatterKind::Min),
        ("scatter_max", ScatterKind::Max),
    ];
    let with = move |name: String, kind, mode, unique_indices| {
        let params = ScatterParams {
            kind,
            dimension_numbers: rows(),
            indices_are_sorted: false,
            unique_indices,
            mode,
        };
        case(name.leak()).run(move |x| lax::scatter_with(&x[0], &x[1], &x[2], params.clone()))
    };
    let mut all: Vec<Case> = Vec::new();
    for (name, kind) in kinds {
        for (mode_name, mode) in MODES {
            all.push(with(format!("jax.lax.{name}/{mode_name}"), kind, mode, kind == ScatterKind::Mul));
        }
        if kind != ScatterKind::Set {
            all.push(with(format!("jax.lax.{name}/meeting"), kind, GatherScatterMode::FillOrDrop, false));
        }
    }
    all.extend(cases! {
        "scatter_apply" => move |x| {
            let mode = GatherScatterMode::FillOrDrop;
            lax::scatter_apply(&x[0], &x[1], |v| v * v + 1, rows(), &[5, 2], mode)
        };
        "scatter_add/batching" => |x| {
            let numbers = ScatterDimensionNumbers {
                inserted_window_dims: vec![1],
                scatter_dims_to_operand_dims: vec![1],
                operand_batching_dims: vec![0],
                scatter_indices_batching_dims: vec![0],
                ..Default::default()
            };
            lax::scatter_add(&x[0], &x[1], &x[2], numbers, GatherScatterMode::FillOrDrop)
        };
    });
    all
}

fn reductions() -> Vec<Case> {
    let over = |name: String, f: fn(&Array, &[usize]) -> Array, axes: &'static [usize]| {
        case(name.leak()).ulp(1).relative_to_largest().run(move |x| f(&x[0], axes))
    };
    let mut all: Vec<Case> = Vec::new();
    let numeric: [(&str, fn(&Array, &[usize]) -> Array); 4] = [
        ("reduce_sum", lax::reduce_sum),
        ("reduce_prod", lax::reduce_prod),
        ("reduce_max", lax::reduce_max),
        ("reduce_min", lax::reduce_min),
    ];
    for (name, f) in numeric {
        all.push(over(format!("jax.lax.{name}"), f, &[0, 2]));
        for variant in ["integers", "special", "nothing"] {
            all.push(over(format!("jax.lax.{name}/{variant}"), f, &[1]));
        }
        let (variant, axes): (&str, &[usize]) =
            if name == "reduce_sum" || name == "reduce_prod" { ("complex", &[0]) } else { ("ties", &[1]) };
        let mut row = over(format!("jax.lax.{name}/{variant}"), f, axes);
        if variant == "ties" {
            row.smooth = Smooth::No("a kink where elements are equal");
        }
        all.push(row);
    }
    let bitwise: [(&str, fn(&Array, &[usize]) -> Array); 3] =
        [("reduce_and", lax::reduce_and), ("reduce_or", lax::reduce_or), ("reduce_xor", lax::reduce_xor)];
    for (name, f) in bitwise {
        all.push(over(format!("jax.lax.{name}"), f, &[0]));
        all.push(over(format!("jax.lax.{name}/integers"), f, &[1]));
    }
    let extremal: [(&str, fn(&Array, usize, DType) -> Array); 2] =
        [("argmax", lax::argmax), ("argmin", lax::argmin)];
    for (name, f) in extremal {
        let named = |variant: &str| case(format!("jax.lax.{name}{variant}").leak());
        all.push(named("").run(move |x| [f(&x[0], 1, DType::I32), f(&x[0], 0, DType::UI8)]));
        all.push(named("/integers").run(move |x| f(&x[0], 0, DType::I32)));
        all.push(named("/booleans").run(move |x| f(&x[0], 0, DType::I32)));
    }
    all.extend(cases! {
        "reduce/several" => |x| {
            let init = [like(&x[0], f64::NEG_INFINITY), Array::from([0i32]).reshape(())];
            let larger = |a: &[Array], b: &[Array]| {
                let first = lax::ge(&a[0], &b[0]);
                vec![lax::select(&first, &a[0], &b[0]), lax::select(&first, &a[1], &b[1])]
            };
            lax::reduce_many(x, &init, larger, &[1])
        };
        "reduce/mul" .ulp(1) => |x| lax::reduce(&x[0], &like(&x[0], 1.0), |a, b| lax::mul(&a, &b), &[1]);
        "reduce/abs" => |x| lax::reduce(&x[0], &like(&x[0], 0.0), |a, b| lax::max(&a, &lax::abs(&b)), &[0]);
        "reduce/xor" => |x| {
            lax::reduce(&x[0], &Array::from([0i32]).reshape(()), |a, b| lax::bitwise_xor(&a, &b), &[0, 1])
        };
    });
    all
}

fn order() -> Vec<Case> {
    cases! {
        "sort" => |x| lax::sort(&x[0], 1);
        "sort/gradient" => |x| lax::sort(&x[0], 0);
        "sort/integers" => |x| lax::sort(&x[0], 0);
        "sort/booleans" => |x| lax::sort(&x[0], 0);
        "sort/complex" => |x| lax::sort(&x[0], 0);
        "sort/one-key" => |x| lax::sort_many(x, 0, true, 1);
        "sort/two-keys" => |x| lax::sort_many(x, 0, true, 2);
        "sort/three-keys" => |x| lax::sort_many(x, 0, true, 3);
        "sort_key_val" => |x| lax::sort_key_val(&x[0], &x[1], 1);
        "top_k" => |x| lax::top_k(&x[0], 3);
        "top_k/special" => |x| lax::top_k(&x[0], 4);
        "top_k/integers" => |x| lax::top_k(&x[0], 2);
        "top_k/axis" => |x| lax::top_k_along(&x[0], 2, 0);
        "approx_max_k" => |x| lax::approx_max_k(&x[0], 3);
        "approx_min_k" .grad_ulp(1) => |x| lax::approx_min_k(&x[0], 3);
    }
}

fn products() -> Vec<Case> {
    let plain = || DotDimensionNumbers::new((&[1], &[0]), (&[], &[]));
    let general = |x: &[Array], numbers, to| lax::dot_general(&x[0], &x[1], numbers, None, to);
    let sum = |row: Builder| row.ulp(2).relative_to_largest();
    let cases: Vec<Case> = vec![
        sum(case("jax.lax.dot")).run(|x| lax::dot(&x[0], &x[1], None)),
        sum(case("jax.lax.dot/vectors")).run(|x| lax::dot(&x[0], &x[1], None)),
        case("jax.lax.dot/integers").run(|x| lax::dot(&x[0], &x[1], None)),
        sum(case("jax.lax.batch_matmul")).run(|x| lax::batch_matmul(&x[0], &x[1], None)),
        sum(case("jax.lax.dot_general/two-contracting"))
            .run(move |x| general(x, DotDimensionNumbers::new((&[1, 3], &[2, 1]), (&[0], &[0])), None)),
        sum(case("jax.lax.dot_general/two-batch"))
            .run(move |x| general(x, DotDimensionNumbers::new((&[2], &[0]), (&[1, 0], &[2, 1])), None)),
        sum(case("jax.lax.dot_general/outer"))
            .run(move |x| general(x, DotDimensionNumbers::new((&[], &[]), (&[], &[])), None)),
        sum(case("jax.lax.dot_general/complex"))
            .run(move |x| general(x, DotDimensionNumbers::new((&[1], &[1]), (&[0], &[0])), None)),
        sum(case("jax.lax.dot_general/bf16-f32"))
            .rounds()
            .run(move |x| general(x, plain(), Some(DType::F32))),
        case("jax.lax.dot_general/i8-i32").run(move |x| general(x, plain(), Some(DType::I32))),
        sum(case("jax.lax.dot_general/highest"))
            .run(move |x| lax::dot_general(&x[0], &x[1], plain(), Some(Precision::Highest), None)),
        case("jax.lax.dot_general/booleans").run(move |x| general(x, plain(), None)),
        case("jax.lax.dot_general/nothing").run(move |x| general(x, plain(), None)),
        sum(case("jax.lax.ragged_dot")).run(|x| lax::ragged_dot(&x[0], &x[1], &x[2], None)),
        sum(case("jax.lax.ragged_dot_general/rows")).run(|x| {
            let numbers = RaggedDotDimensionNumbers {
                dot_dimension_numbers: DotDimensionNumbers::new((&[1], &[1]), (&[], &[])),
                lhs_ragged_dimension: 0,
                rhs_group_dimension: Some(0),
            };
            lax::ragged_dot_general(&x[0], &x[1], &x[2], numbers, None, None)
        }),
        sum(case("jax.lax.ragged_dot_general/contracting")).run(|x| {
            let numbers = RaggedDotDimensionNumbers {
                dot_dimension_numbers: DotDimensionNumbers::new((&[0], &[0]), (&[], &[])),
                lhs_ragged_dimension: 0,
                rhs_group_dimension: None,
            };
            lax::ragged_dot_general(&x[0], &x[1], &x[2], numbers, None, None)
        }),
    ];
    cases
}

fn convolutions() -> Vec<Case> {
    let conv = |name, strides: &'static [usize], padding: lax::Padding, options: fn() -> ConvOptions| {
        let run =
            move |x: &[Array]| lax::conv_general_dilated(&x[0], &x[1], strides, padding.clone(), options());
        case(name).ulp(3).relative_to_largest().run(run)
    };
    let pairs = |pairs: &[(i64, i64)]| lax::Padding::from(pairs);
    let (same, valid) = (lax::Padding::Same, lax::Padding::Valid);
    let mut widened = conv("jax.lax.conv_general_dilated/bf16-f32", &[1, 1], same.clone(), || ConvOptions {
        preferred_element_type: Some(DType::F32),
        ..Default::default()
    });
    widened.smooth = Smooth::Rounds;
    vec![
        widened,
        conv("jax.lax.conv_general_dilated/dilated", &[1, 1], pairs(&[(1, 1), (2, 0)]), || ConvOptions {
            lhs_dilation: Some(vec![2, 1]),
            rhs_dilation: Some(vec![1, 2]),
            ..Default::default()
        }),
        conv("jax.lax.conv_general_dilated/same", &[2, 2], same.clone(), ConvOptions::default),
        conv("jax.lax.conv_general_dilated/one-dimension", &[1], valid.clone(), || ConvOptions {
            dimension_numbers: Some(("NHC", "HIO", "NHC").into()),
            ..Default::default()
        }),
        conv("jax.lax.conv_general_dilated/three-dimensions", &[1, 2, 1], same.clone(), ConvOptions::default),
        conv("jax.lax.conv_general_dilated/other-order", &[1, 1], valid.clone(), || ConvOptions {
            dimension_numbers: Some(("CHWN", "IHWO", "HWNC").into()),
            ..Default::default()
        }),
        conv("jax.lax.conv_general_dilated/depthwise", &[1, 1], same, || ConvOptions {
            feature_group_count: 4,
            ..Default::default()
        }),
        conv(
            "jax.lax.conv_general_dilated/negative-padding",
            &[1, 1],
            pairs(&[(-1, 2), (0, -1)]),
            ConvOptions::default,
        ),
        conv("jax.lax.conv_general_dilated/integers", &[1, 1], valid, || ConvOptions {
            preferred_element_type: Some(DType::I32),
            ..Default::default()
        }),
    ]
}

fn transforms() -> Vec<Case> {
    cases! {
        "fft" .ulp(1).relative_to_largest() => |x| [FftType::Fft, FftType::Ifft].map(|kind| lax::fft(&x[0], kind, &[8]));
        "fft/rfft" .ulp(1).relative_to_largest() => |x| lax::fft(&x[0], FftType::Rfft, &[8]);
        "fft/irfft" .ulp(1).relative_to_largest() => |x| lax::fft(&x[0], FftType::Irfft, &[8]);
    }
}

fn control_flow() -> Vec<Case> {
    cases! {
        "associative_scan" .ulp(1) => |x| {
            [
                control::associative_scan(|a: Array, b: Array| a + b, &x[0], false, 0),
                control::associative_scan(|a: Array, b: Array| jnp::maximum(a, b), &x[0], true, 0),
            ]
        };
        "map" .grad_ulp(5) => |x| control::map(|row: Array| row.sum() * row, &x[0]);
        "scan" .grad_ulp(1) => |x| {
            control::scan(|c: Array, s: Array| (&c * 0.5 + &s, c * s), like(&x[0], 1.0), &x[0])
        };
        "fori_loop" .ulp(1) => |x| control::fori_loop(0, 5, |i, c: Array| c * 0.5 + i, x[0].clone());
        "while_loop" => |x| {
            control::while_loop(|c: Array| c.sum().lt(500), |c: Array| &c * &c + 1, x[0].clone())
        };
        "cond" .ulp(1) => |x| control::cond(&x[0], |x: Array| x.sin(), |x: Array| &x * &x, x[1].clone());
        "switch" .ulp(1) => |x| {
            control::switch(&x[0], &[&|x: Array| x.sin(), &|x: Array| x.cos(), &|x: Array| &x * &x], x[1].clone())
        };
        "composite" => |x| composite(|x: &Array| x * x + 1, "my.square_and_one", &[], 0)(&x[0]);
        "platform_dependent" => |x| {
            control::platform_dependent(x[0].clone(), &[("cpu", &|x: Array| x * 2.0)], Some(&|x: Array| x * 3.0))
        };
    }
}

fn solutions() -> Vec<Case> {
    cases! {
        "custom_linear_solve" .ulp(1).relative_to_largest().grad_ulp(2).grad_relative_to_largest() => |x| {
            let (a, b) = (&x[0], x[1].clone());
            let dense = |_: &dyn Fn(Array) -> Array, b: Array| jnp::linalg::solve(a, b);
            let transposed = |_: &dyn Fn(Array) -> Array, b: Array| jnp::linalg::solve(a.T(), b);
            custom_linear_solve(|x: Array| a.dot(x), b, dense, Some(&transposed), false)
        };
        "custom_linear_solve/symmetric" .ulp(1).relative_to_largest().grad_ulp(2).grad_relative_to_largest() => |x| {
            let (a, b) = (&x[0], x[1].clone());
            custom_linear_solve(|x: Array| a.dot(x), b, |_, b| jnp::linalg::solve(a, b), None, true)
        };
        "custom_root" .ulp(1) => |x| {
            let t = &x[0];
            let newton = |f: &dyn Fn(Array) -> Array, x0: Array| {
                control::fori_loop(0, 12, |_, x: Array| &x - f(x.clone()) / (3.0 * &x * &x + 1.0), x0)
            };
            custom_root(|x: Array| x.pow(3) + &x - t, jnp::ones_like(t), newton, |g, y| {
                let slope = g(jnp::ones_like(&y));
                y / slope
            })
        };
    }
}

fn random() -> Vec<Case> {
    let algorithms = [
        ("three-fry", RandomAlgorithm::ThreeFry),
        ("philox", RandomAlgorithm::Philox),
        ("default", RandomAlgorithm::Default),
    ];
    let mut all = cases! {
        "rng_uniform" => |x| {
            let (a, b) = (&x[0], &x[1]);
            let u = lax::rng_uniform(a, b, &[2000]);
            let centred = (u.mean() - (a + b) * 0.5).abs().lt(0.1 * (b - a));
            let (first, rest) = (lax::slice_in_dim(&u, 0, Some(-1), 1, 0), lax::slice_in_dim(&u, 1, None, 1, 0));
            vec![u.ge(a).all(), u.lt(b).all(), centred, first.not_equal(rest).any()]
        };
    };
    for (name, algorithm) in algorithms {
        for (short, dtype) in [("u32", DType::UI32), ("u8", DType::UI8)] {
            let name = format!("jax.lax.rng_bit_generator/{name}-{short}");
            all.push(
                case(name.leak()).run(move |x| lax::rng_bit_generator(&x[0], &[3, 5], dtype, algorithm)),
            );
        }
    }
    all
}
