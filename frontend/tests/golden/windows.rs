//! Running reductions, reductions over windows, convolutions.

use jacinth_frontend::lax::{self, ConvOptions};
use jacinth_frontend::{Array, DType, numpy as jnp};

use crate::table::{Case, case};

fn lit(value: f64) -> Array {
    Array::scalar(value, DType::F32, false)
}

/// A running reduction in both directions.
macro_rules! running {
    ($($name:ident $ulp:literal;)*) => {
        vec![$(
            case(concat!("jax.lax.", stringify!($name))).ulp($ulp).relative_to_largest().run(|x| lax::$name(&x[0], 1, false)),
            case(concat!("jax.lax.", stringify!($name), "/reverse")).ulp($ulp).relative_to_largest().run(|x| lax::$name(&x[0], 0, true)),
        )*]
    };
}

/// A reduction over windows, plain and dilated.
macro_rules! windows {
    ($($name:literal $function:ident $init:expr;)*) => {
        vec![$(
            case(concat!("jax.lax.reduce_window/", $name)).ulp(2).relative_to_largest().run(|x| {
                lax::reduce_window(&x[0], &lit($init), lax::$function, &[2, 3], &[1, 2], "SAME", None, None)
            }),
            case(concat!("jax.lax.reduce_window/", $name, "-dilated")).ulp(2).relative_to_largest().run(|x| {
                lax::reduce_window(&x[0], &lit($init), lax::$function, &[3, 2], &[2, 1], [(1, 0), (0, 2)], Some(&[2, 1]), None)
            }),
        )*]
    };
}

/// One-dimensional convolution in each mode, and with its operands exchanged.
macro_rules! modes {
    ($($name:ident $mode:literal;)*) => {
        vec![$(
            case(concat!("jax.numpy.", stringify!($name), "/", $mode)).ulp(4).relative_to_largest().run(|x| jnp::$name(&x[0], &x[1], $mode)),
            case(concat!("jax.numpy.", stringify!($name), "/", $mode, "-swapped")).ulp(4).relative_to_largest()
                .run(|x| jnp::$name(&x[1], &x[0], $mode)),
        )*]
    };
}

pub(crate) fn cases() -> Vec<Case> {
    let running = running! { cumsum 2; cumprod 4; cummax 1; cummin 1; cumlogsumexp 4; };
    let windows = windows! {
        "add" add 0.0;
        "max" max f64::NEG_INFINITY;
        "min" min f64::INFINITY;
    };
    let modes = modes! {
        convolve "full";
        convolve "same";
        convolve "valid";
        correlate "full";
        correlate "same";
        correlate "valid";
    };
    let last = || Some(("NHWC", "HWIO", "NHWC").into());
    let more = vec![
        case("jax.lax.cumsum/integers").run(|x| lax::cumsum(&x[0], 1, false)),
        case("jax.lax.cummax/integers").run(|x| lax::cummax(&x[0], 1, false)),
        case("jax.lax.cumlogsumexp/special").ulp(1).run(|x| lax::cumlogsumexp(&x[0], 0, false)),
        case("jax.lax.reduce_window/window-dilation").ulp(2).relative_to_largest().run(|x| {
            lax::reduce_window(&x[0], &lit(0.0), lax::add, &[2, 2], &[1, 1], "VALID", None, Some(&[2, 3]))
        }),
        case("jax.lax.reduce_window/mul")
            .ulp(3)
            .run(|x| lax::reduce_window(&x[0], &lit(1.0), lax::mul, &[2, 3], &[1, 2], "VALID", None, None)),
        case("jax.lax.padtype_to_pads").run(|_| {
            ["SAME", "VALID", "SAME_LOWER"].map(|padding| {
                let pads = lax::padtype_to_pads(&[7, 8], &[3, 2], &[2, 3], padding);
                let flat: Vec<i32> = pads.iter().flat_map(|p| [p.0 as i32, p.1 as i32]).collect();
                Array::from_slice(&flat, [2, 2])
            })
        }),
        case("jax.lax.conv")
            .ulp(4)
            .relative_to_largest()
            .run(|x| lax::conv(&x[0], &x[1], &[1, 2], "SAME", None)),
        case("jax.lax.conv_with_general_padding").ulp(4).relative_to_largest().run(|x| {
            let padding = [(1, 2), (0, -1)];
            lax::conv_with_general_padding(&x[0], &x[1], &[2, 1], padding, Some(&[1, 2]), Some(&[2, 1]), None)
        }),
        case("jax.lax.conv_general_dilated/groups").ulp(4).relative_to_largest().run(move |x| {
            let options =
                ConvOptions { dimension_numbers: last(), feature_group_count: 2, ..Default::default() };
            lax::conv_general_dilated(&x[0], &x[1], &[1, 2], "SAME_LOWER", options)
        }),
        case("jax.lax.conv_general_dilated/batch-groups").ulp(4).relative_to_largest().run(|x| {
            let options =
                ConvOptions { rhs_dilation: Some(vec![1, 2]), batch_group_count: 2, ..Default::default() };
            lax::conv_general_dilated(&x[0], &x[1], &[2, 1], "VALID", options)
        }),
        case("jax.lax.conv_general_dilated/complex")
            .ulp(6)
            .relative_to_largest()
            .run(|x| lax::conv_general_dilated(&x[0], &x[1], &[1], "SAME", ConvOptions::default())),
        case("jax.lax.conv_transpose")
            .ulp(4)
            .relative_to_largest()
            .run(|x| lax::conv_transpose(&x[0], &x[1], &[2, 3], "SAME", None, None, false, None)),
        case("jax.lax.conv_transpose/kernel")
            .ulp(4)
            .relative_to_largest()
            .run(|x| lax::conv_transpose(&x[0], &x[1], &[2, 1], "VALID", None, None, true, None)),
        case("jax.lax.conv_general_dilated_patches").ulp(2).relative_to_largest().run(|x| {
            lax::conv_general_dilated_patches(&x[0], &[3, 2], &[1, 2], "SAME", ConvOptions::default())
        }),
        case("jax.lax.conv_general_dilated_local").ulp(4).relative_to_largest().run(|x| {
            let options =
                ConvOptions { dimension_numbers: Some(("NHC", "HIO", "NHC").into()), ..Default::default() };
            lax::conv_general_dilated_local(&x[0], &x[1], &[1], "VALID", &[2], options)
        }),
    ];
    running.into_iter().chain(windows).chain(modes).chain(more).collect()
}
