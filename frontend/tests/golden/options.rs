//! jax.numpy: what functions are told beside their arrays, and the dtypes, empty arrays, ties and NaNs that the plain cases have not.

use jacinth_frontend::numpy::{CovOptions, HistogramOptions, Outside, PadMode, keepdims};
use jacinth_frontend::{Array, grad, numpy as jnp, vmap};

use crate::table::{Builder, Case, case};

/// Lines `"name" (options) => |x| computation;` of functions of `jax.numpy`.
macro_rules! cases {
    ($($name:literal $(.$set:ident($($arg:expr),*))* => $run:expr;)*) => {
        vec![$(case(concat!("jax.numpy.", $name))$(.$set($($arg),*))*.run($run)),*]
    };
}

/// Lines of functions in one variant: `jnp::name(&x[0], arguments…)` under JAX's name.
macro_rules! variant {
    ($variant:literal $arity:tt $extra:tt: $($name:ident $(.$set:ident($($arg:expr),*))*;)*) => {
        vec![$(case(concat!("jax.numpy.", stringify!($name), "/", $variant))$(.$set($($arg),*))*.run(variant!(@ $arity $name $extra))),*]
    };
    (@ 1 $name:ident ($($extra:expr),*)) => { |x| jnp::$name(&x[0] $(, $extra)*) };
    (@ 2 $name:ident ($($extra:expr),*)) => { |x| jnp::$name(&x[0], &x[1] $(, $extra)*) };
}

/// Starts the line of a function of `jax.numpy`.
fn line(name: String) -> Builder {
    case(format!("jax.numpy.{name}").leak())
}

pub(crate) fn cases() -> Vec<Case> {
    [
        whole(),
        half(),
        complex(),
        pairs(),
        special_dtypes(),
        empty(),
        reductions(),
        ties(),
        order(),
        statistics(),
        shapes(),
        others(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn whole() -> Vec<Case> {
    let mut cases = variant! { "whole" 1 (1):
        sum;
        prod;
        mean.ulp(1);
        var.ulp(2);
        std.ulp(2);
        cumsum;
        cumprod;
        count_nonzero;
        any;
        all;
        max;
        min;
        argmax;
        argmin;
        median;
        sort;
        argsort;
        ptp;
    };
    cases.extend(variant! { "whole" 1 ():
        exp.ulp(1);
        exp2.ulp(1);
        expm1.ulp(2);
        log.ulp(1);
        log1p.ulp(1);
        log2.ulp(1);
        log10.ulp(2);
        sqrt;
        sin.ulp(1);
        cos.ulp(1);
        tan.ulp(2);
        sinh.ulp(2);
        cosh.ulp(2);
        tanh.ulp(2);
        arcsin.ulp(1);
        arccos.ulp(1);
        arctan.ulp(2);
        arcsinh.ulp(2);
        arctanh.ulp(2);
        negative;
        abs;
        sign;
        square;
        invert;
    });
    cases.extend(variant! { "whole" 2 ():
        add;
        subtract;
        multiply;
        divide.ulp(1);
        floor_divide;
        remainder;
        power;
        maximum;
        minimum;
        bitwise_and;
        bitwise_or;
        bitwise_xor;
        equal;
        less;
        matmul;
        inner;
        outer;
        kron;
        vdot;
        dot;
    });
    cases.extend(cases! {
        "cumulative_sum/whole" => |x| jnp::cumulative_sum(&x[0], 1, false);
        "quantile/whole" .ulp(1) => |x| jnp::quantile(&x[0], 0.25, 1);
        "clip/whole" => |x| jnp::clip(&x[0], 1, 3);
    });
    cases.extend(variant! { "booleans" 2 ():
        add;
        multiply;
        maximum;
        logical_and;
        bitwise_xor;
        equal;
        less;
    });
    cases
}

fn half() -> Vec<Case> {
    let mut cases = variant! { "half" 1 (1):
        sum.ulp(2);
        prod.ulp(2).grad_ulp(4).grad_relative_to_largest();
        mean.ulp(2);
        var.ulp(2).grad_ulp(4).grad_relative_to_largest();
        std.ulp(2).grad_ulp(4).grad_relative_to_largest();
        cumsum.ulp(2).relative_to_largest();
        cumprod.ulp(2).grad_ulp(4).grad_relative_to_largest();
        count_nonzero;
        any;
        all;
        // Of which sign a zero cotangent is, is the compiler's business.
        max.grad_ulp(1);
        min.grad_ulp(1);
        argmax;
        argmin;
        median.ulp(1);
        sort;
        argsort;
        ptp;
    };
    cases.extend(cases! {
        "cumulative_sum/half" .ulp(2).relative_to_largest() => |x| jnp::cumulative_sum(&x[0], 1, false);
        "quantile/half" .ulp(1).grad_ulp(2).grad_relative_to_largest() => |x| jnp::quantile(&x[0], 0.25, 1);
    });
    cases
}

fn complex() -> Vec<Case> {
    let mut cases = variant! { "complex" 1 (1):
        sum.ulp(2).relative_to_largest();
        prod.ulp(4).grad_ulp(8).grad_relative_to_largest();
        mean.ulp(2).relative_to_largest();
        var.ulp(2).grad_ulp(4).grad_relative_to_largest();
        std.ulp(2);
        cumsum.ulp(2).relative_to_largest();
        cumprod.ulp(4).grad_ulp(8).grad_relative_to_largest();
        count_nonzero;
        any;
        all;
        sort;
        argsort;
    };
    cases.extend(cases! {
        "cumulative_sum/complex" .ulp(2).relative_to_largest() => |x| jnp::cumulative_sum(&x[0], 1, false);
        "where/complex" => |x| jnp::where_(x[0].gt(2), &x[1], 1);
    });
    cases.extend(variant! { "complex8" 1 ():
        exp.ulp(1).grad_ulp(2);
        exp2.ulp(2).grad_ulp(4);
        expm1.ulp(2).grad_ulp(4);
        log.ulp(1).grad_ulp(2);
        log1p.ulp(2).grad_ulp(4);
        log2.ulp(2).grad_ulp(4);
        log10.ulp(2).grad_ulp(4);
        sqrt.ulp(2).grad_ulp(4);
        sin.ulp(2);
        cos.ulp(2);
        tan.ulp(4).grad_ulp(8);
        sinh.ulp(2).grad_ulp(4);
        cosh.ulp(2).grad_ulp(4);
        tanh.ulp(4).grad_ulp(8);
        arcsin.ulp(4).grad_ulp(8);
        arccos.ulp(4).grad_ulp(8);
        arctan.ulp(4).grad_ulp(8);
        arcsinh.ulp(4).grad_ulp(8);
        arccosh.ulp(4).grad_ulp(8);
        arctanh.ulp(4).grad_ulp(8);
        reciprocal.ulp(2).grad_ulp(4);
        negative;
        sign.ulp(2).not_smooth("zero by definition");
        positive;
    });
    cases
}

fn pairs() -> Vec<Case> {
    let mut cases = variant! { "complex" 2 ():
        add.grad_ulp(2).grad_relative_to_largest();
        subtract.grad_ulp(2).grad_relative_to_largest();
        multiply.ulp(2).grad_ulp(4).grad_relative_to_largest();
        divide.ulp(2).grad_ulp(4).grad_relative_to_largest();
        power.ulp(10).grad_ulp(16).grad_relative_to_largest();
        maximum;
        minimum;
        equal;
        logaddexp.ulp(4).grad_ulp(8).grad_relative_to_largest();
    };
    for (name, f) in [
        ("matmul", (|x, y| jnp::matmul(x, y)) as fn(&Array, &Array) -> Array),
        ("inner", |x, y| jnp::inner(x, y)),
        ("outer", |x, y| jnp::outer(x, y)),
        ("kron", |x, y| jnp::kron(x, y)),
        ("vdot", |x, y| jnp::vdot(x, y)),
        ("dot", |x, y| jnp::dot(x, y)),
    ] {
        for variant in ["complex", "floats"] {
            let line = line(format!("{name}/{variant}")).ulp(4).relative_to_largest();
            cases.push(line.run(move |x| f(&x[0], &x[1])));
        }
    }
    cases
}

fn special_dtypes() -> Vec<Case> {
    cases! {
        "logaddexp/special" .ulp(1).grad_ulp(2).not_adjoint("both are infinite, which has NaN, as in JAX") => |x| jnp::logaddexp(&x[0], &x[1]);
        "logaddexp2/special" .ulp(1).grad_ulp(2).not_adjoint("both are infinite, which has NaN, as in JAX") => |x| jnp::logaddexp2(&x[0], &x[1]);
        "sinc/second" .ulp(16).relative_to_largest() => |x| vmap(grad(grad(|x: &Array| jnp::sinc(x))))(&x[0]);
        "frexp/smooth" .grad_ulp(1) => |x| jnp::frexp(&x[0]);
        "ldexp/special" .grad_ulp(1) => |x| jnp::ldexp(&x[0], &x[1]);
    }
}

#[expect(clippy::reversed_empty_ranges, reason = "an empty one is wanted")]
fn empty() -> Vec<Case> {
    let mut cases = variant! { "empty" 1 (0):
        sum;
        prod;
        mean;
        var;
        any;
        all;
        cumsum;
        sort;
        argsort;
        count_nonzero;
        nansum;
        nanprod;
        nanmean.not_smooth("nothing but NaN");
    };
    cases.extend(cases! {
        "max/empty" => |x| jnp::ufunc::maximum.reduce_with(&x[0], 0, jnp::ufunc::ReduceOptions {
            initial: Some(Array::from(-1.0)), ..Default::default()
        });
        "concatenate/empty" => |x| jnp::concatenate(&[x[0].clone(), x[0].clone()], 0);
        "matmul/empty" => |x| jnp::matmul(&x[0], &x[1]);
        "unique/empty" => |x| jnp::unique_size(&x[0], 2, Some(Array::from(5.0)));
        "linspace/empty" => |_| jnp::linspace(0, 1, 0);
        "linspace/one" => |_| jnp::linspace(3, 1, 1);
        "arange/empty" => |_| jnp::arange(5..1);
        "arange/down" => |_| jnp::arange((9, 1, -3));
    });
    cases.extend(variant! { "scalar" 1 (()):
        sum;
        mean;
        max;
        argmax;
        cumsum;
        sort;
    });
    cases
}

fn mask() -> Array {
    Array::from(MASK)
}

/// `booleans((3, 4))` of the generator, without the first row.
const MASK: [[bool; 4]; 3] =
    [[false, false, false, false], [true, false, false, false], [true, false, true, false]];

fn reductions() -> Vec<Case> {
    let mut cases = variant! { "axes" 1 (keepdims([0, -1])):
        sum.ulp(2);
        prod.ulp(2).grad_ulp(4).grad_relative_to_largest();
        mean.ulp(2);
        max.grad_ulp(1);
        min.grad_ulp(1);
        var.ulp(2).grad_ulp(4).grad_relative_to_largest();
        std.ulp(2).grad_ulp(4).grad_relative_to_largest();
        any;
        all;
    };
    cases.extend(variant! { "flat" 1 (()):
        cumsum.ulp(2).relative_to_largest();
        cumprod.ulp(4).grad_ulp(8).grad_relative_to_largest();
        nancumsum.ulp(2).relative_to_largest();
        nancumprod.ulp(4).grad_ulp(8).grad_relative_to_largest();
    });
    cases.extend(variant! { "all" 1 ([0, 1]):
        nansum.ulp(2);
        // Whether the sum of narrow floats is rounded before it is divided is the compiler's business.
        nanmean.ulp(3);
        nanvar.ulp(2);
        nanstd.ulp(2);
        nanmax;
        nanprod.ulp(2);
    });
    cases.extend(cases! {
        "var/where" .ulp(2) => |x| jnp::var_where(&x[0], 1, mask(), 0);
        "std/where" .ulp(2) => |x| jnp::std_where(&x[0], 0, mask(), 1);
        "prod/where" .ulp(1) => |x| jnp::prod_where(&x[0], 1, mask());
        "min/where" => |x| jnp::min_where(&x[0], 1, mask(), 5.0);
        "any/where" => |x| jnp::any_where(x[0].gt(0), 1, mask());
        "all/where" => |x| jnp::all_where(x[0].gt(0), 1, mask());
        "var/ddof" => |x| jnp::var_ddof(&x[0], 1, 4);
        "std/ddof" .ulp(2).grad_ulp(4).grad_relative_to_largest() => |x| jnp::std_ddof(&x[0], keepdims([0, 1]), 1);
        "argmax/keepdims" => |x| jnp::argmax(&x[0], keepdims(()));
        "max/tied" .grad_ulp(1).not_smooth("two are the largest") => |x| jnp::max(&x[0], 1);
        "min/tied" .grad_ulp(1) => |x| jnp::min(&x[0], 0);
        "cumprod/zeros" .grad_ulp(1) => |x| jnp::cumprod(&x[0], 0);
        "prod/zeros" .grad_ulp(1) => |x| jnp::prod(&x[0], 0);
        "nanvar/ddof" .ulp(2).not_adjoint("a row without numbers has NaN") => |x| jnp::nanvar_ddof(&x[0], keepdims(1), 1);
        "average/matrix" .ulp(2).grad_ulp(4).grad_relative_to_largest() => |x| jnp::average_weights(&x[0], 1, &x[1]);
    });
    cases
}

fn ties() -> Vec<Case> {
    variant! { "ties" 1 (1):
        argmax;
        argmin;
        nanargmax;
        nanargmin;
        argsort;
        sort;
        max;
        min;
        nanmax.not_smooth("two are the largest");
        nanmin;
        median;
        nanmedian.not_smooth("two are in the middle");
        cumsum;
    }
}

fn order() -> Vec<Case> {
    let all = |u: jnp::Unique| vec![u.values, u.indices, u.inverse_indices, u.counts];
    let mut cases = cases! {
        "argsort/descending-ties" => |x| jnp::argsort_descending(&x[0], 1);
        "argsort/flat-ties" => |x| jnp::argsort(&x[0], ());
        "sort/descending-special" => |x| jnp::sort_descending(&x[0], -1);
        "sort/special" => |x| jnp::sort(&x[0], -1);
        "lexsort/axis" => |x| jnp::lexsort(&jnp::unstack(&x[0], 0), 0);
        "partition/negative" => |x| jnp::partition(&x[0], -2, 0);
        "unique/nan" .not_smooth("equal numbers that move are kept") => |x| jnp::unique_size(&x[0], 5, None);
        "unique_all/nan" .not_smooth("equal numbers that move are kept") => move |x| all(jnp::unique_all_size(&x[0], 6, None));
        "isin/invert" => |x| jnp::logical_not(jnp::isin(&x[0], Array::from([1, 3])));
        "sort_complex/complex" .not_smooth("two have one real part") => |x| jnp::sort_complex(&x[0]);
    };
    for side in ["left", "right"] {
        cases.push(
            line(format!("searchsorted/ties-{side}"))
                .run(move |x| jnp::searchsorted_side(&x[0], &x[1], side)),
        );
        let right = side == "right";
        cases.push(line(format!("digitize/ties-{side}")).run(move |x| jnp::digitize(&x[0], &x[1], right)));
    }
    cases
}

fn statistics() -> Vec<Case> {
    let mut cases = cases! {
        "quantile/axes" .ulp(2).grad_ulp(2).grad_relative_to_largest() => |x| jnp::quantile(&x[0], 0.6, keepdims([0, 1]));
        "quantile/nan" .ulp(2) => |x| jnp::quantile(&x[0], 0.6, 1);
        "median/odd" => |x| jnp::median(&x[0], keepdims(0));
        "nanpercentile/keepdims" .ulp(2).relative_to_largest() => |x| jnp::nanpercentile(&x[0], 30.0, keepdims(0));
        "histogram/range" .ulp(1) => |x| jnp::histogram_with(&x[0], 4, HistogramOptions {
            range: Some((-1.0, 1.0)), ..Default::default()
        });
        "histogram/whole" .ulp(1) => |x| jnp::histogram(&x[0], 3);
        "histogram/flat" .ulp(1).not_smooth("all numbers are the smallest and the largest") => |x| jnp::histogram(&x[0], 3);
        "histogram_bin_edges/whole" .ulp(1) => |x| jnp::histogram_bin_edges(&x[0], 3, None);
        "cov/y" .ulp(8).relative_to_largest() => |x| jnp::cov_with(&x[0], CovOptions {
            y: Some(x[1].clone()), ..Default::default()
        });
        "cov/columns" .ulp(8).relative_to_largest() => |x| jnp::cov_with(&x[0], CovOptions {
            rowvar: false, ddof: 0, ..Default::default()
        });
        "cov/vector" .ulp(8).relative_to_largest() => |x| jnp::cov(&x[0]);
        "cov/complex" .ulp(8).relative_to_largest() => |x| jnp::cov(&x[0]);
        "corrcoef/y" .ulp(16).relative_to_largest() => |x| jnp::corrcoef_with(&x[0], Some(x[1].clone()), false);
        "bincount/length" => |x| jnp::bincount_length(&x[0], 4, None);
        "interp/period" .ulp(8).grad_ulp(8).relative_to_largest() => |x| jnp::interp_period(&x[0], &x[1], &x[2], 360.0);
        "interp/ends" .ulp(4).grad_ulp(8).grad_relative_to_largest() => |x| {
            let (left, right) = (Outside::Value(Array::from(-7.0)), Outside::Value(Array::from(9.0)));
            jnp::interp_with(&x[0], &x[1], &x[2], left, right)
        };
    };
    for method in ["linear", "lower", "higher", "nearest", "midpoint"] {
        let line = |function: &str| {
            line(format!("{function}/{method}")).ulp(4).grad_ulp(4).grad_relative_to_largest()
        };
        let percents = || Array::from([0.0, 37.0, 100.0]);
        let run = move |x: &[Array]| jnp::percentile_method(&x[0], percents(), 1, method);
        cases.push(line("percentile").run(run));
        let run = move |x: &[Array]| jnp::nanquantile_method(&x[0], Array::from([0.1, 0.8]), 1, method);
        cases.push(line("nanquantile").run(run));
    }
    cases
}

fn shapes() -> Vec<Case> {
    let both = |x: &[Array]| vec![x[0].clone(), x[1].get(0), x[1].get(1)];
    let mut cases = cases! {
        "trace/cube" .ulp(1) => |x| jnp::trace(&x[0]);
        "trace/axes" .ulp(1) => |x| jnp::trace_axes(&x[0], 1, 2, 0);
        "diagonal/cube" => |x| jnp::diagonal(&x[0], 0);
        "diagonal/axes" => |x| jnp::diagonal_axes(&x[0], -1, 1, 2);
        "diag/vector" => |x| jnp::diag(&x[0], -2);
        "diff/ends" .ulp(1) => |x| jnp::diff_with(&x[0], 1, 0, Some(&Array::from(0.5)), Some(&x[0].get(..1)));
        "diff/booleans" => |x| jnp::diff(&x[0], -1);
        "diff/beyond" => |x| jnp::diff_n(&x[0], 5, -1);
        "meshgrid/sparse" => |x| jnp::meshgrid_sparse(&[x[0].clone(), x[1].get(0)], "xy");
        "meshgrid/sparse-ij" => move |x| jnp::meshgrid_sparse(&both(x), "ij");
        "flip/0" => |x| jnp::flip(&x[0], 0);
        "flip/1" => |x| jnp::flip(&x[0], 1);
        "flip/(1,2)" => |x| jnp::flip(&x[0], [1, 2]);
        "rot90/axes" => |x| jnp::rot90(&x[0], -1, (1, 2));
        "squeeze/axis" => |x| jnp::squeeze(x[0].get(jacinth_frontend::s![None, .., None]), 2);
        "tril/cube" => |x| jnp::tril(&x[0], 1);
        "transpose/axes" => |x| jnp::transpose(&x[0], (2, 0, 1));
        "stack/last" => |x| jnp::stack(&[x[0].clone(), x[0].clone()], -1);
        "array_split/more" => |x| jnp::array_split(&x[0], 5, 0);
        "repeat/flat" => |x| jnp::repeat(&x[0], 3, ());
        "roll/far" => |x| jnp::roll(&x[0], -7, 0);
        "append/promotes" => |x| jnp::append(&x[0], 2.5, ());
        "concatenate/flat" => |x| jnp::concatenate(&[jnp::ravel(&x[0]), jnp::ravel(&x[1])], 0);
        "take/fill_value" => |x| x[0].at(jacinth_frontend::s![.., [7, -1, -9]]).mode("fill").fill_value(-5.0).get();
        "tile/fewer" => |x| jnp::tile(&x[0], [2]);
    };
    let modes = [
        ("edge", PadMode::Edge),
        ("wrap", PadMode::Wrap),
        ("reflect", PadMode::Reflect { odd: false }),
        ("constant", PadMode::Constant(0.0)),
        ("maximum", PadMode::Maximum(None)),
        ("linear_ramp", PadMode::LinearRamp(0.0)),
    ];
    for (name, mode) in modes {
        cases.push(
            line(format!("pad/whole-{name}"))
                .run(move |x| jnp::pad_with(&x[0], &[(1, 2), (0, 3)], mode.clone())),
        );
    }
    cases
}

fn others() -> Vec<Case> {
    let mut cases = cases! {
        "array_equal/nan" => |x| jnp::array_equal_nan(&x[0], &x[0]);
        "isclose/nan" => |x| jnp::isclose_equal_nan(&x[0], jnp::flip(&x[0], 0), 1e-5, 1e-8);
        "isclose/tolerances" => |x| jnp::isclose_with(&x[0], &x[0] + 0.01, 0.1, 0.001);
        "allclose/nan" => |x| jnp::allclose_equal_nan(&x[0], &x[0], 1e-5, 1e-8);
        "allclose/whole" => |x| jnp::allclose(&x[0], &x[0]);
        "clip/arrays" => |x| jnp::clip(&x[0], Array::from([[0.0], [-1.0], [1.0]]), 0.5);
        "nan_to_num/complex" => |x| jnp::nan_to_num(&x[0]);
        "power/whole-exponent" .ulp(1).grad_ulp(2) => |x| jnp::power(&x[0], 3);
        "power/special" .ulp(1) => |x| jnp::power(&x[0], &x[1]);
        "remainder/special" .not_adjoint("multiples of infinity have NaN, as in JAX") => |x| jnp::remainder(&x[0], &x[1]);
        "fmod/special" .not_adjoint("multiples of infinity have NaN, as in JAX") => |x| jnp::fmod(&x[0], &x[1]);
        "floor_divide/special" .not_smooth("jumps at zero") => |x| jnp::floor_divide(&x[0], &x[1]);
        "floor_divide/by-zero" => |x| jnp::floor_divide(&x[0], &x[1]);
        "maximum/special" .ulp(1) => |x| jnp::maximum(&x[0], &x[1]);
        "sign/nan" => |x| jnp::sign(&x[0]);
        // Of values alone: there is a corner at zero, and cotangents of infinity are NaN.
        "hypot/special" .ulp(1) => |x| {
            let [a, b] = [0, 1].map(|i| jacinth_frontend::lax::stop_gradient(&x[i]));
            jnp::hypot(a, b)
        };
        "tensordot/0" .grad_ulp(1).grad_relative_to_largest() => |x| jnp::tensordot(&x[0], &x[1], [0i64; 0], [0i64; 0]);
        "tensordot/1" .ulp(4).relative_to_largest() => |x| jnp::tensordot(&x[0], &x[1], -1, 0);
        "tensordot/2" .ulp(8).relative_to_largest() => |x| jnp::tensordot(&x[0], &x[1], [0, 1], [0, 1]);
        "einsum/whole" => |x| jnp::einsum("ij,jk", &[x[0].clone(), x[0].clone()]);
        "cross/stretched" .ulp(2).relative_to_largest() => |x| jnp::cross(&x[0], &x[1], -1);
        "vander/increasing" .ulp(2).grad_ulp(4).grad_relative_to_largest() => |x| jnp::vander(&x[0], 3, true);
        "trapezoid/whole" => |x| jnp::trapezoid(&x[0], 1.0, -1);
        "logspace/base" .ulp(1) => |_| jnp::logspace_base(0, 3, 4, 2.0);
        "geomspace/negative" .ulp(8) => |_| jnp::geomspace(-1, -1000, 4);
        "full/bool" => |_| jnp::full(2, true);
        "full_like/whole" => |x| jnp::full_like(&x[0], 2.7);
        "unwrap/period" .ulp(2) => |x| jnp::unwrap_period(&x[0], -1, 4.0);
        "select/whole" => |x| jnp::select(&[x[0].gt(1), x[0].gt(0)], &[x[0].clone(), &x[0] * 10], 0);
        "polyval/whole" => |x| jnp::polyval(&x[0], &x[1]);
    };
    for spec in ["i->", "ij,ij->", "i,i", "ijk,k", "...ii->...i", "ab,ac,ad->bcd", ",ij->ij"] {
        let variant = spec.replace("->", "=").replace(',', "_");
        let line = line(format!("einsum/{variant}")).ulp(8).relative_to_largest();
        cases.push(line.run(move |x| jnp::einsum(spec, x)));
    }
    cases
}
