//! jax.numpy beyond single elements: shapes, order, statistics, calculus, sums of products.

use jacinth_frontend::numpy::{HistogramOptions, Outside, PadMode, keepdims};
use jacinth_frontend::{Array, DType, numpy as jnp};

use crate::table::{Case, case};

/// Lines `"name" (options) => |x| computation;` of functions of `jax.numpy`.
macro_rules! cases {
    ($($name:literal $(.$set:ident($($arg:expr),*))* => $run:expr;)*) => {
        vec![$(case(concat!("jax.numpy.", $name))$(.$set($($arg),*))*.run($run)),*]
    };
}

pub(crate) fn cases() -> Vec<Case> {
    [
        shapes(),
        pads(),
        creation(),
        elements(),
        numbers(),
        order(),
        sets(),
        reductions(),
        statistics(),
        calculus(),
        products(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn shapes() -> Vec<Case> {
    cases! {
        "append" => |x| jnp::append(&x[0], &x[1], 0);
        "append/flat" => |x| jnp::append(&x[0], &x[1], ());
        "concat" => |x| jnp::concat(x, 1);
        "concatenate" => |x| jnp::concatenate(x, -1);
        "stack" => |x| jnp::stack(x, 1);
        "dstack" => |x| jnp::dstack(x);
        "hstack" => |x| jnp::hstack(x);
        "vstack" => |x| jnp::vstack(x);
        "column_stack" => |x| jnp::column_stack(&[x[0].get(0), x[1].get(1)]);
        "block" => |x| jnp::block(&[&[x[0].clone(), x[1].clone()], &[x[1].clone(), x[0].clone()]]);
        "atleast_1d" => |x| jnp::atleast_1d(&x[0]);
        "atleast_2d" => |x| jnp::atleast_2d(&x[0]);
        "atleast_3d" => |x| jnp::atleast_3d(&x[0]);
        "flipud" => |x| jnp::flipud(&x[0]);
        "fliplr" => |x| jnp::fliplr(&x[0]);
        "flip" => |x| jnp::flip(&x[0], ());
        "rot90" => |x| jnp::rot90(&x[0], 1, (0, 1));
        "rot90/3" => |x| jnp::rot90(&x[0], 3, (0, 1));
        "ravel" => |x| jnp::ravel(&x[0]);
        "transpose" => |x| jnp::transpose(&x[0], ());
        "matrix_transpose" => |x| jnp::matrix_transpose(&x[0]);
        "expand_dims" => |x| jnp::expand_dims(&x[0], [0, 2]);
        // In which order copies are summed is the compiler's business.
        "tile" .grad_ulp(2) => |x| jnp::tile(&x[0], (2, 1, 2));
        "repeat" => |x| jnp::repeat(&x[0], 2, 1);
        "repeat/each" => |x| jnp::repeat_each(&x[0], &[1, 0, 3], 0);
        "repeat/total" => |x| jnp::repeat_total(&x[0], Array::from([1, 0, 2]), 0, 5);
        "roll" => |x| jnp::roll(&x[0], 1, 1);
        "roll/axes" => |x| jnp::roll_axes(&x[0], &[1, -2], &[0, 1]);
        "roll/flat" => |x| jnp::roll_dynamic(&x[0], 5, ());
        "roll/traced" => |x| jnp::roll_dynamic(&x[0], &x[1], 0);
        "resize" => |x| jnp::resize(&x[0], (5, 4));
        "tril" => |x| jnp::tril(&x[0], 0);
        "triu" => |x| jnp::triu(&x[0], -1);
        "trace" .ulp(1) => |x| jnp::trace(&x[0]);
        "diagonal" => |x| jnp::diagonal(&x[0], 0);
        "diag" => |x| jnp::diag(&x[0], 0);
        "diagflat" => |x| jnp::diagflat(&x[0], 0);
        "array_split" => |x| jnp::array_split(&x[0], 3, 1);
        "split" => |x| jnp::split(&x[0], 2, 1);
        "split/at" => |x| jnp::split_at(&x[0], &[1, 3], 1);
        "hsplit" => |x| jnp::hsplit(&x[0], 2);
        "vsplit" => |x| jnp::vsplit(&x[0], 3);
        "dsplit" => |x| jnp::dsplit(&x[0], 2);
        "insert" => |x| jnp::insert(&x[0], 1, 5.0, 1);
        "insert/many" => |x| jnp::insert(&x[0], [3, 0, 0], jnp::arange(3.0), 1);
        "insert/flat" => |x| jnp::insert(&x[0], -1, 9.0, ());
        "delete" => |x| jnp::delete(&x[0], 1, 0);
        "delete/many" => |x| jnp::delete(&x[0], [0, -1], 1);
        "delete/flat" => |x| jnp::delete(&x[0], jacinth_frontend::api::indexing::Slice {
            start: Some(2), stop: Some(9), inclusive: false, step: 3,
        }, ());
        "swapaxes" => |x| jnp::swapaxes(&x[0], 0, 1);
        "reshape" => |x| jnp::reshape(&x[0], (2, -1));
        "broadcast_to" .ulp(1) => |x| jnp::broadcast_to(&x[0], (2, 3, 4));
        "unstack" => |x| jnp::unstack(&x[0], 1);
        "squeeze" => |x| jnp::squeeze(&x[0], ());
        "moveaxis" => |x| jnp::moveaxis(&x[0], [0, 2], [1, 0]);
        "rollaxis" => |x| jnp::rollaxis(&x[0], 2, 1);
        "permute_dims" => |x| jnp::permute_dims(&x[0], (2, 0, 1));
        "broadcast_arrays" .ulp(2) => |x| jnp::broadcast_arrays(x);
        "meshgrid" .ulp(4) => |x| jnp::meshgrid(&x[0], x[1].get(0));
        "meshgrid/ij" .ulp(4) => |x| jnp::meshgrid_many(&[x[0].clone(), x[1].get(0), x[1].get(1)], "ij");
        "trim_zeros" .eager().not_smooth("zeros that move are kept") => |x| jnp::trim_zeros(&x[0], "fb");
        "apply_along_axis" .ulp(1) => |x| jnp::apply_along_axis(|r| jnp::stack(&[r.sum(), r.get(0)], 0), 1, &x[0]);
        "apply_over_axes" .ulp(2) => |x| jnp::apply_over_axes(|x, a| jnp::sum(x, a), &x[0], [0, 2]);
        "vectorize" .ulp(4).relative_to_largest() => |x| {
            jnp::vectorize(|a: &[Array]| vec![jnp::matmul(&a[0], &a[1])], Some("(m,n),(n)->(m)")).call(x)
        };
    }
}

fn pads() -> Vec<Case> {
    const WIDTHS: [(usize, usize); 2] = [(2, 5), (6, 1)];
    let modes = [
        ("jax.numpy.pad/edge", PadMode::Edge),
        ("jax.numpy.pad/wrap", PadMode::Wrap),
        ("jax.numpy.pad/reflect", PadMode::Reflect { odd: false }),
        ("jax.numpy.pad/reflect_odd", PadMode::Reflect { odd: true }),
        ("jax.numpy.pad/symmetric", PadMode::Symmetric { odd: false }),
        ("jax.numpy.pad/symmetric_odd", PadMode::Symmetric { odd: true }),
        ("jax.numpy.pad/constant", PadMode::Constant(2.5)),
        ("jax.numpy.pad/linear_ramp", PadMode::LinearRamp(-1.0)),
        ("jax.numpy.pad/maximum", PadMode::Maximum(None)),
        ("jax.numpy.pad/minimum", PadMode::Minimum(Some(2))),
        ("jax.numpy.pad/mean", PadMode::Mean(None)),
        ("jax.numpy.pad/median", PadMode::Median(Some(3))),
    ];
    let line = |(name, mode): (&'static str, PadMode)| {
        case(name)
            .ulp(2)
            .grad_ulp(4)
            .relative_to_largest()
            .run(move |x| jnp::pad_with(&x[0], &WIDTHS, mode.clone()))
    };
    modes.map(line).into()
}

fn creation() -> Vec<Case> {
    cases! {
        "zeros" => |_| jnp::zeros((2, 3));
        "ones" => |_| jnp::ones_of(3, DType::I32);
        "full" => |_| jnp::full(2, 7);
        "empty" => |_| jnp::empty(2);
        "arange" => |_| jnp::arange((1, 10, 3));
        "arange/float" .ulp(1) => |_| jnp::arange((0.0, 1.0, 0.3));
        "linspace" .ulp(1) => |_| jnp::linspace(0, 1, 7);
        "linspace/open" .ulp(1) => |_| jnp::linspace_endpoint(2.0, -1.0, 5, false);
        "logspace" .ulp(2) => |_| jnp::logspace(0, 2, 5);
        // Logarithm and power there and back.
        "geomspace" .ulp(8) => |_| jnp::geomspace(1, 1000, 4);
        "eye" => |_| jnp::eye_of(3, 4, 1, DType::F32);
        "identity" => |_| jnp::identity(3);
        "tri" => |_| jnp::tri(3, 4, -1);
        "bartlett" .ulp(1) => |_| jnp::bartlett(7);
        "blackman" .ulp(4).relative_to_largest()  => |_| jnp::blackman(7);
        "hamming" .ulp(4).relative_to_largest() => |_| jnp::hamming(7);
        "hanning" .ulp(4).relative_to_largest()  => |_| jnp::hanning(7);
        "mgrid" => |_| jnp::mgrid(&[(0..3).into(), (1, 9, 4).into()]);
        "ogrid" => |_| jnp::ogrid(&[(0..3).into(), (1, 9, 4).into()]);
        "fromfunction" => |_| jnp::fromfunction(|i| &i[0] * 10 + &i[1], (2, 3));
        "broadcast_shapes" => |_| Array::from(jnp::broadcast_shapes(&[&[3, 1], &[4]]).iter().map(|&d| d as i32).collect::<Vec<_>>());
        "zeros_like" => |x| jnp::zeros_like(&x[0]);
        "ones_like" => |x| jnp::ones_like(&x[0]);
        "empty_like" => |x| jnp::empty_like(&x[0]);
        "full_like" => |x| jnp::full_like(&x[0], 2.5);
    }
}

/// Functions of one array or two element by element, by name.
macro_rules! elementwise {
    ($($arity:tt $name:ident $(/ $variant:literal)? $(.$set:ident($($arg:expr),*))*;)*) => {
        vec![$(case(concat!("jax.numpy.", stringify!($name) $(, "/", $variant)?))$(.$set($($arg),*))*.run(elementwise!(@ $arity $name))),*]
    };
    (@ 1 $name:ident) => { |x| jnp::$name(&x[0]) };
    (@ 2 $name:ident) => { |x| jnp::$name(&x[0], &x[1]) };
}

fn elements() -> Vec<Case> {
    elementwise! {
        1 cbrt.ulp(1).grad_ulp(4);
        1 fabs;
        1 rint;
        1 trunc;
        1 floor;
        1 ceil;
        1 sign;
        1 sign/"special";
        1 deg2rad.ulp(1);
        1 rad2deg.ulp(1);
        1 degrees.ulp(1);
        1 radians.ulp(1);
        1 positive;
        1 acos.ulp(1).grad_ulp(2);
        1 asin.ulp(1).grad_ulp(2);
        1 atanh.ulp(3).grad_ulp(2);
        1 atan.ulp(2);
        1 asinh.ulp(2).grad_ulp(2);
        1 acosh.ulp(3).grad_ulp(2);
        2 atan2.ulp(1).grad_ulp(2);
        1 isposinf;
        1 isneginf;
        1 isinf;
        1 nan_to_num;
        1 frexp.not_smooth("jumps at powers of two");
        1 modf.not_smooth("jumps at integers");
        1 modf/"smooth";
        1 spacing.not_smooth("a staircase");
        1 isreal;
        1 iscomplex;
        1 conj/"complex";
        1 conjugate/"complex";
        1 real/"complex";
        1 imag/"complex";
        1 angle/"complex".ulp(1);
        1 iscomplex/"complex";
        1 isfinite/"complex";
        1 abs/"complex".ulp(1).grad_ulp(2);
        1 square/"complex".ulp(2);
        2 ldexp;
        2 fmax;
        2 fmin;
        2 logaddexp2.ulp(2).grad_ulp(4);
        2 float_power.ulp(1).grad_ulp(4);
        2 pow.ulp(1).grad_ulp(4);
        2 heaviside;
        2 copysign;
        2 nextafter.not_smooth("zero by definition");
        2 gcd;
        2 lcm;
        2 bitwise_and;
        2 bitwise_or;
        2 bitwise_xor;
        2 floor_divide/"wide";
        2 floor_divide/"float";
        2 fmod;
        2 fmod/"float";
        2 divmod;
        2 divmod/"float";
        2 left_shift;
        2 right_shift;
        2 bitwise_left_shift;
        2 bitwise_right_shift;
        1 bitwise_count;
        1 bitwise_not;
        1 bitwise_invert;
        1 invert;
        2 logical_and;
        2 logical_or;
        2 logical_xor;
        1 logical_not;
        2 greater;
        2 greater_equal;
        2 less_equal;
        2 not_equal;
        2 isclose;
        2 allclose;
        2 array_equal;
        2 array_equiv;
    }
}

fn numbers() -> Vec<Case> {
    cases! {
        "around" .ulp(1) => |x| jnp::around(&x[0], 2);
        "round" .ulp(1).not_smooth("jumps at halves") => |x| jnp::round_to(&x[0], 1);
        "round/tens" .ulp(1).not_smooth("jumps at halves") => |x| jnp::round_to(&x[0] * 100, -1);
        "mod" => |x| jnp::mod_(&x[0], &x[1]);
        "mod/float" => |x| jnp::mod_(&x[0], &x[1]);
        "nan_to_num/given" => |x| jnp::nan_to_num_with(&x[0], 2.0, Some(9.0), Some(-9.0));
        "packbits" => |x| jnp::packbits(&x[0], (), "big");
        "packbits/little" => |x| jnp::packbits(&x[0], 0, "little");
        "unpackbits" => |x| jnp::unpackbits(&x[0], 1, "big");
        "unwrap" .ulp(2) => |x| jnp::unwrap(&x[0], -1);
        "astype" => |x| jnp::astype(&x[0], DType::I32);
    }
}

fn order() -> Vec<Case> {
    cases! {
        "sort" => |x| jnp::sort(&x[0], -1);
        "sort/flat" => |x| jnp::sort(&x[0], ());
        "sort/descending" => |x| jnp::sort_descending(&x[0], 0);
        "sort/nan" => |x| jnp::sort(&x[0], -1);
        "argsort" => |x| jnp::argsort(&x[0], -1);
        "argsort/descending" => |x| jnp::argsort_descending(&x[0], -1);
        "partition" => |x| jnp::partition(&x[0], 1, -1);
        "argpartition" => |x| jnp::argpartition(&x[0], 2, 0);
        "sort_complex" => |x| jnp::sort_complex(&x[0]);
        "lexsort" => |x| jnp::lexsort(x, -1);
        "searchsorted" => |x| jnp::searchsorted(&x[0], &x[1]);
        "searchsorted/right" => |x| jnp::searchsorted_side(&x[0], &x[1], "right");
        "searchsorted/large" => |x| jnp::searchsorted(&x[0], &x[1]);
        "digitize" => |x| jnp::digitize(&x[0], &x[1], false);
        "digitize/descending" => |x| jnp::digitize(&x[0], &x[1], true);
    }
}

fn sets() -> Vec<Case> {
    let all = |u: jnp::Unique| vec![u.values, u.indices, u.inverse_indices, u.counts];
    let minus = || Some(Array::from(-1));
    cases! {
        "unique" => |x| jnp::unique_size(&x[0], 4, None);
        "unique/filled" => move |x| jnp::unique_size(&x[0], 8, minus());
        "unique_all" => move |x| all(jnp::unique_all_size(&x[0], 6, None));
        "unique_counts" .eager() => |x| jnp::unique_counts(&x[0]);
        "unique_inverse" .eager() => |x| jnp::unique_inverse(&x[0]);
        "unique_values" .eager().not_smooth("equal numbers that move are kept") => |x| jnp::unique_values(&x[0]);
        "union1d" .eager() => |x| jnp::union1d(&x[0], &x[1]);
        "intersect1d" .eager() => |x| jnp::intersect1d(&x[0], &x[1]);
        "setdiff1d" .eager() => |x| jnp::setdiff1d(&x[0], &x[1]);
        "setxor1d" .eager() => |x| jnp::setxor1d(&x[0], &x[1]);
        "isin" => |x| jnp::isin(&x[0], &x[1]);
        "union1d/size" => move |x| jnp::union1d_size(&x[0], &x[1], 6, minus());
        "intersect1d/size" => |x| jnp::intersect1d_size(&x[0], &x[1], 6, -1);
        "setdiff1d/size" => |x| jnp::setdiff1d_size(&x[0], &x[1], 6, -1);
        "setxor1d/size" => |x| jnp::setxor1d_size(&x[0], &x[1], 6, -1);
    }
}

fn reductions() -> Vec<Case> {
    cases! {
        "sum" .ulp(2) => |x| jnp::sum(&x[0], 0);
        "sum/where" .ulp(2) => |x| jnp::sum_where(&x[0], 1, x[0].gt(0));
        "prod" .ulp(2).grad_ulp(4) => |x| jnp::prod(&x[0], 1);
        "mean" .ulp(2) => |x| jnp::mean(&x[0], 1);
        "mean/where" .ulp(2) => |x| jnp::mean_where(&x[0], 1, x[0].gt(-1));
        "max" .grad_ulp(1) => |x| jnp::max(&x[0], 0);
        "max/where" .grad_ulp(1) => |x| jnp::max_where(&x[0], 0, x[0].lt(1), -5.0);
        "min" .grad_ulp(1) => |x| jnp::min(&x[0], ());
        "amax" .grad_ulp(1) => |x| jnp::amax(&x[0], -1);
        "amin" .grad_ulp(1) => |x| jnp::amin(&x[0], -1);
        "ptp" => |x| jnp::ptp(&x[0], 0);
        "std" .ulp(2).grad_ulp(4).grad_relative_to_largest() => |x| jnp::std(&x[0], 1);
        "var" .ulp(2).grad_ulp(4).grad_relative_to_largest() => |x| jnp::var_ddof(&x[0], 0, 1);
        "average" .ulp(2) => |x| jnp::average(&x[0], 0);
        "average/weights" .ulp(2).grad_ulp(4).grad_relative_to_largest() => |x| jnp::average_weights(&x[0], 0, &x[1]);
        "cumsum" .ulp(2).relative_to_largest() => |x| jnp::cumsum(&x[0], 1);
        "cumprod" .ulp(2).grad_ulp(4).grad_relative_to_largest() => |x| jnp::cumprod(&x[0], 0);
        "cumulative_sum" .ulp(2).relative_to_largest() => |x| jnp::cumulative_sum(&x[0], 1, true);
        "cumulative_prod" .ulp(2).grad_ulp(4).grad_relative_to_largest() => |x| jnp::cumulative_prod(&x[0], 0, false);
        "count_nonzero" => |x| jnp::count_nonzero(&x[0], ());
        "any" => |x| jnp::any(x[0].gt(1), 0);
        "all" => |x| jnp::all(x[0].gt(-2), 1);
        "argmax" => |x| jnp::argmax(&x[0], 1);
        "argmin" => |x| jnp::argmin(&x[0], ());
        "nansum" .ulp(2) => |x| jnp::nansum(&x[0], 1);
        "nanprod" .ulp(2) => |x| jnp::nanprod(&x[0], 1);
        "nanmax" => |x| jnp::nanmax(&x[0], 1);
        "nanmin" => |x| jnp::nanmin(&x[0], 1);
        "nanmean" .ulp(2) => |x| jnp::nanmean(&x[0], 1);
        "nanvar" .ulp(2) => |x| jnp::nanvar(&x[0], 0);
        "nanstd" .ulp(2).not_smooth("one number alone has no spread") => |x| jnp::nanstd(&x[0], keepdims(0));
        "nanargmax" => |x| jnp::nanargmax(&x[0], 1);
        "nanargmin" => |x| jnp::nanargmin(&x[0], 1);
        "nancumsum" .ulp(2) => |x| jnp::nancumsum(&x[0], 1);
        "nancumprod" .ulp(2) => |x| jnp::nancumprod(&x[0], 0);
    }
}

fn statistics() -> Vec<Case> {
    let three = || Array::from([0.2, 0.5, 0.9]);
    let edges = || Array::from([-2.0, 0.0, 0.5, 2.0]);
    cases! {
        "median" .ulp(1) => |x| jnp::median(&x[0], 1);
        "median/all" .ulp(1) => |x| jnp::median(&x[0], ());
        "quantile" .ulp(2) => |x| jnp::quantile(&x[0], 0.3, 0);
        "quantile/lower" => move |x| jnp::quantile_method(&x[0], three(), 1, "lower");
        "quantile/higher" => move |x| jnp::quantile_method(&x[0], three(), 1, "higher");
        "quantile/nearest" => move |x| jnp::quantile_method(&x[0], three(), 1, "nearest");
        "quantile/midpoint" .ulp(1) => move |x| jnp::quantile_method(&x[0], three(), 1, "midpoint");
        "percentile" .ulp(4).grad_ulp(8).grad_relative_to_largest() => |x| jnp::percentile(&x[0], 70.0, keepdims(1));
        "nanmedian" .ulp(1) => |x| jnp::nanmedian(&x[0], 1);
        "nanquantile" .ulp(2) => |x| jnp::nanquantile(&x[0], 0.4, 1);
        "nanpercentile" .ulp(4) => |x| jnp::nanpercentile(&x[0], Array::from([10.0, 60.0]), 0);
        "cov" .ulp(8).relative_to_largest() => |x| jnp::cov(&x[0]);
        "cov/weights" .ulp(8).relative_to_largest() => |x| jnp::cov_with(&x[0], jnp::CovOptions {
            rowvar: false, fweights: Some(x[1].clone()), aweights: Some(x[2].clone()), ..Default::default()
        });
        "corrcoef" .ulp(16).relative_to_largest() => |x| jnp::corrcoef(&x[0]);
        "histogram" .ulp(2).relative_to_largest() => |x| jnp::histogram(&x[0], 10);
        "histogram/weights" .ulp(2) => move |x| jnp::histogram_with(&x[0], edges(), HistogramOptions {
            weights: Some(x[1].clone()), density: true, range: None,
        });
        "histogram_bin_edges" .ulp(1).relative_to_largest() => |x| jnp::histogram_bin_edges(&x[0], 4, Some((-1.0, 3.0)));
        "histogram2d" .ulp(1).relative_to_largest() => |x| jnp::histogram2d(&x[0], &x[1], 3);
        "histogramdd" .ulp(1).relative_to_largest() => |x| {
            let (counts, edges) = jnp::histogramdd(&x[0], &[2.into(), 3.into()]);
            [vec![counts], edges].concat()
        };
        "bincount" .eager() => |x| jnp::bincount(&x[0]);
        "bincount/weights" .ulp(1) => |x| jnp::bincount_length(&x[0], 5, Some(&x[1]));
    }
}

fn calculus() -> Vec<Case> {
    cases! {
        "gradient" .ulp(2).relative_to_largest() => |x| jnp::gradient(&x[0]);
        "gradient/axes" .ulp(2).relative_to_largest() => |x| jnp::gradient(&x[0]);
        "gradient/places" .ulp(16).grad_ulp(16).relative_to_largest() => |x| jnp::gradient_axis(&x[0], jnp::cumsum(&x[1], 0), 0);
        "trapezoid" .ulp(4).relative_to_largest() => |x| jnp::trapezoid(&x[0], 0.5, -1);
        "trapezoid/places" .ulp(4).relative_to_largest() => |x| jnp::trapezoid_x(&x[0], x[1].get(..3), 0);
        "interp" .ulp(4).grad_ulp(8).grad_relative_to_largest() => |x| jnp::interp(&x[0], &x[1], &x[2]);
        "interp/outside" .ulp(8).grad_ulp(8).grad_relative_to_largest() => |x| {
            jnp::interp_with(&x[0], &x[1], &x[2], Outside::Extrapolate, Outside::Value(Array::from(3.0)))
        };
        "diff" .ulp(1).relative_to_largest() => |x| jnp::diff_n(&x[0], 2, -1);
        "ediff1d" .ulp(1).relative_to_largest() => |x| {
            jnp::ediff1d(&x[0], Some(&Array::from([9.0])), Some(&Array::from([7.0, 8.0])))
        };
        "polyval" .ulp(4).grad_ulp(8).relative_to_largest() => |x| jnp::polyval(&x[0], &x[1]);
        "poly" .ulp(4).grad_ulp(8).grad_relative_to_largest() => |x| jnp::poly(&x[0]);
        "polyadd" => |x| jnp::polyadd(&x[0], &x[1]);
        "polysub" => |x| jnp::polysub(&x[0], &x[1]);
        "polymul" .ulp(4).relative_to_largest() => |x| jnp::polymul(&x[0], &x[1]);
        "polydiv" .ulp(4).grad_ulp(32).relative_to_largest() => |x| jnp::polydiv(&x[0], &x[1]);
        "polyder" .ulp(1) => |x| jnp::polyder(&x[0], 2);
        "polyint" .ulp(1) => |x| jnp::polyint(&x[0], 2, 3.0);
        "vander" .ulp(2).grad_ulp(4).grad_relative_to_largest() => |x| jnp::vander(&x[0], 4, false);
        "cross" .ulp(2).relative_to_largest() => |x| jnp::cross(&x[0], &x[1], -1);
        "cross/plane" .ulp(2).relative_to_largest() => |x| jnp::cross(&x[0], &x[1], -1);
    }
}

fn products() -> Vec<Case> {
    let mut lines = cases! {
        "matmul" .ulp(4).relative_to_largest() => |x| jnp::matmul(&x[0], &x[1]);
        "dot" .ulp(4).relative_to_largest() => |x| jnp::dot(&x[0], &x[1]);
        "inner" .ulp(4).relative_to_largest() => |x| jnp::inner(&x[0], &x[1]);
        "outer" .ulp(4).relative_to_largest() => |x| jnp::outer(&x[0], &x[1]);
        // Twelve terms that cancel.
        "vdot" .ulp(16).relative_to_largest() => |x| jnp::vdot(&x[0], &x[1]);
        "vecdot" .ulp(4).relative_to_largest() => |x| jnp::vecdot(&x[0], &x[1]);
        "matvec" .ulp(4).relative_to_largest() => |x| jnp::matvec(&x[0], &x[1]);
        "vecmat" .ulp(4).relative_to_largest() => |x| jnp::vecmat(&x[0], &x[1]);
        "kron" .ulp(4).relative_to_largest() => |x| jnp::kron(&x[0], &x[1]);
        "tensordot" .ulp(4).relative_to_largest() => |x| jnp::tensordot(&x[0], &x[1], [1, 2], [0, 1]);
    };
    let specs = [
        ("jax.numpy.einsum/matmul", "ij,jk->ik"),
        ("jax.numpy.einsum/implicit", "ij,jk"),
        ("jax.numpy.einsum/transpose", "ij->ji"),
        ("jax.numpy.einsum/trace", "ii"),
        ("jax.numpy.einsum/diagonal", "ii->i"),
        ("jax.numpy.einsum/sum", "ij->"),
        ("jax.numpy.einsum/batch", "bij,bjk->bik"),
        ("jax.numpy.einsum/ellipsis", "...ij,jk->...ik"),
        ("jax.numpy.einsum/ellipsis_implicit", "...j,kj"),
        ("jax.numpy.einsum/stretched", "...i,...i->...i"),
        ("jax.numpy.einsum/three", "ij,jk,kl->il"),
        ("jax.numpy.einsum/four", "ij,jk,kl,li->"),
        ("jax.numpy.einsum/outer", "i,j->ij"),
        ("jax.numpy.einsum/hadamard", "ij,ij->ij"),
        ("jax.numpy.einsum/attention", "bqhd,bkhd->bhqk"),
    ];
    lines.extend(
        specs.map(|(name, spec)| case(name).ulp(8).relative_to_largest().run(move |x| jnp::einsum(spec, x))),
    );
    lines
}
