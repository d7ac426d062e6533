//! Primitives, one family per file, each with all its rules; and the functions that apply them, by `jax.lax`'s names.
//!
//! Functions take `&Array` operands of equal dtype and do not promote; promotion is numpy's business. As in JAX, elementwise
//! functions accept rank-0 operands beside operands of any one shape. Deliberately absent: anything that knows how a
//! transformation works.

mod binary;
mod call;
mod collective;
mod compare;
mod composite;
mod concat;
pub(crate) mod control;
mod conv;
mod conveniences;
mod convert;
mod cumulative;
pub(crate) mod custom;
pub(crate) mod debug;
mod dot;
mod elementwise;
mod fft;
mod gather;
pub mod linalg;
mod ragged_dot;
mod random;
mod reduce;
mod reduce_general;
pub(crate) mod remat;
mod rng;
pub(crate) mod rules;
mod scaled_dot;
mod scatter;
mod select;
mod shape;
mod slice;
mod sort;
pub(crate) mod special;
pub(crate) mod traced;
mod unary;
mod window;

pub use binary::{
    Binary, add, add_any, and, atan2, complex, div, max, min, mul, nextafter, or, polygamma, rem, shift_left,
    shift_right_arithmetic, shift_right_logical, sub, xor, zeta,
};
pub use call::Jit;
pub use collective::{
    AllGather, AllReduce, AllToAll, AxisIndex, AxisName, Ppermute, ReduceScatter, all_gather, all_to_all,
    axis_index, axis_size, pmax, pmean, pmin, ppermute, pshuffle, psum, psum_scatter, pswapaxes,
};
pub use compare::{Compare, eq, eq_to, ge, gt, le, le_to, lt, lt_to, ne};
pub(crate) use composite::Composite;
pub use composite::CompositeAttribute;
pub use concat::{
    Concatenate, Pad, Split, Stack, Tile, Unstack, concatenate, pad, split, stack, tile, unstack,
};
pub use conv::{
    ConvDimensionNumbers, ConvGeneralDilated, ConvOptions, conv, conv_dimension_numbers,
    conv_general_dilated, conv_general_dilated_local, conv_general_dilated_patches,
    conv_general_permutations, conv_general_shape_tuple, conv_shape_tuple, conv_transpose,
    conv_transpose_shape_tuple, conv_with_general_padding,
};
pub(crate) use conveniences::broadcast_shape;
pub use conveniences::{
    approx_max_k, approx_min_k, batch_matmul, bitwise_and, bitwise_not, bitwise_or, bitwise_xor,
    broadcast_like, broadcast_shapes, broadcast_to_rank, collapse, conj, dot, dtype, empty, index_take,
    mulhi, pow, reciprocal, shape_as_value, sort_key_val, stage,
};
pub(crate) use convert::convert_weakly;
pub use convert::{
    BitcastConvertType, ConvertElementType, ReducePrecision, StopGradient, bitcast_convert_type,
    convert_element_type, reduce_precision, stop_gradient,
};
pub use cumulative::{Cumulative, Running, cumlogsumexp, cummax, cummin, cumprod, cumsum};
pub use dot::{DotDimensionNumbers, DotGeneral, Precision, dot_general, with_default_matmul_precision};
use elementwise::accepted;
pub(crate) use elementwise::{
    Accepts, batch_elementwise, common_shape, maybe_broadcast, scalar_like, unbroadcast,
};
pub use fft::{Fft, FftType, fft};
pub use gather::{Fill, Gather, GatherDimensionNumbers, GatherScatterMode, gather, gather_with};
pub use ragged_dot::{RaggedDotDimensionNumbers, ragged_dot, ragged_dot_general};
pub use random::{Threefry2x32, threefry2x32};
pub use reduce::{
    ArgMinMax, Monoid, Reduction, argmax, argmin, reduce_and, reduce_max, reduce_min, reduce_or, reduce_prod,
    reduce_sum, reduce_xor,
};
pub use reduce_general::{Reduce, reduce, reduce_many};
pub use remat::{
    CustomPolicy, DceSink, Name, OptimizationBarrier, Policy, checkpoint_name, dce_sink, optimization_barrier,
};
pub use rng::{RandomAlgorithm, RngBitGenerator, RngUniform, rng_bit_generator, rng_uniform};
pub use scaled_dot::scaled_dot;
pub use scatter::{
    Scatter, ScatterDimensionNumbers, ScatterKind, ScatterParams, scatter, scatter_add, scatter_apply,
    scatter_max, scatter_min, scatter_mul, scatter_sub, scatter_with,
};
pub use select::{Clamp, SelectN, clamp, select, select_n};
pub use shape::{
    BroadcastInDim, Iota, Reshape, Rev, Squeeze, Transpose, broadcast, broadcast_in_dim, broadcasted_iota,
    expand_dims, full, full_like, iota, moveaxis, reshape, rev, squeeze, transpose, zeros_like,
};
pub use slice::{
    DynamicSlice, DynamicUpdateSlice, Slice, dynamic_index_in_dim, dynamic_slice, dynamic_slice_in_dim,
    dynamic_update_index_in_dim, dynamic_update_slice, dynamic_update_slice_in_dim, index_in_dim, slice,
    slice_in_dim,
};
pub use sort::{Sort, TopK, argsort, sort, sort_many, top_k, top_k_along};
pub use special::{Special, bessel_i0e, betainc, igamma, igamma_grad_a, igammac, random_gamma_grad};
pub use unary::{
    IntegerPow, Round, RoundingMethod, Unary, abs, acos, acosh, asin, asinh, atan, atanh, bessel_i1e, cbrt,
    ceil, clz, cos, cosh, digamma, erf, erf_inv, erfc, exp, exp2, expm1, floor, imag, integer_pow, is_finite,
    lgamma, log, log1p, logistic, neg, not, population_count, real, round, rsqrt, sign, sin, sinh, sqrt,
    square, tan, tanh,
};
pub use window::{
    Padding, ReduceWindow, ReduceWindowOf, SelectAndGatherAdd, SelectAndScatterAdd, Window, WindowKind,
    padtype_to_pads, reduce_window, reduce_window_many, reduce_window_shape_tuple,
};

use crate::ir::{Primitive, Sample, Shape};
use crate::transform::Kit;

/// What transformations insert by themselves.
pub(crate) static KIT: Kit = Kit {
    zeros: |aval| zeros_like(aval),
    add: |a, b| add_any(a, b),
    repeat: |x, size, at| {
        let shape: Shape =
            x.shape()[..at].iter().copied().chain([size]).chain(x.shape()[at..].iter().copied()).collect();
        let dims: Shape = (0..shape.len()).filter(|&i| i != at).collect();
        broadcast_in_dim(x, &shape, &dims)
    },
    moveaxis: |x, from, to| moveaxis(x, from, to),
};

/// Applications of every primitive, from which the tests of the rules are generated.
///
/// ```
/// # use jacinth_frontend::lax;
/// assert!(lax::samples().iter().any(|sample| sample.prim.name() == "sin"));
/// ```
pub fn samples() -> Vec<Sample> {
    [
        Unary::samples(),
        IntegerPow::samples(),
        Round::samples(),
        Binary::samples(),
        BroadcastInDim::samples(),
        Reshape::samples(),
        Transpose::samples(),
        Jit::samples(),
        custom::CustomJvpCall::samples(),
        custom::CustomVjpCall::samples(),
        remat::Remat::samples(),
        Name::samples(),
        OptimizationBarrier::samples(),
        Squeeze::samples(),
        Rev::samples(),
        Iota::samples(),
        Concatenate::samples(),
        Pad::samples(),
        Stack::samples(),
        Unstack::samples(),
        Split::samples(),
        Tile::samples(),
        Slice::samples(),
        DynamicSlice::samples(),
        DynamicUpdateSlice::samples(),
        Gather::samples(),
        Scatter::samples(),
        Sort::samples(),
        TopK::samples(),
        control::Cond::samples(),
        control::While::samples(),
        control::Scan::samples(),
        control::LinearSolve::samples(),
        control::PlatformIndex::samples(),
        Composite::samples(),
        SelectN::samples(),
        Clamp::samples(),
        Compare::samples(),
        ConvertElementType::samples(),
        BitcastConvertType::samples(),
        ReducePrecision::samples(),
        StopGradient::samples(),
        Reduction::samples(),
        Threefry2x32::samples(),
        RngBitGenerator::samples(),
        ArgMinMax::samples(),
        Reduce::samples(),
        DotGeneral::samples(),
        ConvGeneralDilated::samples(),
        debug::HostCall::samples(),
        Cumulative::samples(),
        Fft::samples(),
        linalg::Cholesky::samples(),
        linalg::TriangularSolve::samples(),
        linalg::Lu::samples(),
        linalg::Geqrf::samples(),
        linalg::HouseholderProduct::samples(),
        linalg::Qr::samples(),
        linalg::Eigh::samples(),
        linalg::Hessenberg::samples(),
        linalg::Schur::samples(),
        linalg::Eig::samples(),
        linalg::Svd::samples(),
        Special::samples(),
        ReduceWindowOf::samples(),
        ReduceWindow::samples(),
        SelectAndScatterAdd::samples(),
        SelectAndGatherAdd::samples(),
    ]
    .concat()
}

#[cfg(test)]
mod families;

#[cfg(test)]
mod tests {
    use std::panic::Location;

    use super::*;
    use crate::error::boundary;
    use crate::ir::{Array, Aval, DType};
    use crate::trace::stage;

    /// The text of the jaxpr of a function of `f32` arrays of these shapes.
    #[track_caller]
    fn jaxpr<const N: usize>(shapes: [&[usize]; N], f: impl Fn(&[Array]) -> Vec<Array>) -> String {
        let avals = shapes.map(|s| Aval::new(s.iter().copied(), DType::F32));
        stage("f", &avals, Location::caller(), |args| f(&args)).to_string()
    }

    #[test]
    fn jaxprs_print_as_jax_prints_them() {
        let two = Array::scalar(2.0, DType::F32, true);
        assert_eq!(
            jaxpr([&[3]], |a| vec![mul(&sin(&a[0]), &two)]),
            "{ lambda ; a:f32[3]. let b:f32[3] = sin a; c:f32[3] = mul b 2.0:f32[] in (c,) }"
        );
        assert_eq!(
            jaxpr([&[2, 3], &[]], |a| {
                reduce_sum(&a[0], &[0]);
                vec![reduce_sum(&add(&a[0], &a[1]), &[0, 1]), a[1].clone()]
            }),
            "{ lambda ; a:f32[2,3] b:f32[]. let
    _:f32[3] = reduce_sum[axes=(0,) out_sharding=None] a
    c:f32[2,3] = add a b
    d:f32[] = reduce_sum[axes=(0, 1) out_sharding=None] c
  in (d, b) }"
        );
    }

    #[test]
    fn operands_that_do_not_fit_name_the_line() {
        let error = boundary(|| jaxpr([&[3], &[4]], |a| vec![add(&a[0], &a[1])])).unwrap_err().to_string();
        let (message, line) = error.split_once(" at ").unwrap();
        assert_eq!(message, "add: got incompatible shapes for broadcasting: (3,), (4,)");
        assert!(line.starts_with(file!()), "{line}");
    }

    #[test]
    fn a_leaked_tracer_names_both_lines() {
        let leaked = std::cell::RefCell::new(None);
        jaxpr([&[3]], |a| {
            *leaked.borrow_mut() = Some(a[0].clone());
            vec![]
        });
        let leaked = leaked.into_inner().unwrap();
        let error = boundary(|| neg(&leaked)).unwrap_err().to_string();
        assert!(error.starts_with("leaked tracer: a traced value of type f32[3], made at "), "{error}");
        let error = boundary(|| jaxpr([&[3]], |a| vec![add(&a[0], &leaked)])).unwrap_err().to_string();
        assert!(error.starts_with("leaked tracer"), "{error}");
    }
}
