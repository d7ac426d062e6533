//! Methods of arrays.

use jacinth_frontend::{Array, DType, numpy as jnp};

use crate::table::{Case, case};

/// Lines `"name" (options) => |x| computation;` of methods of `jax.Array`.
macro_rules! cases {
    ($($name:literal $(.$set:ident($($arg:expr),*))* => $run:expr;)*) => {
        vec![$(case(concat!("jax.Array.", $name))$(.$set($($arg),*))*.run($run)),*]
    };
}

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        "sum" .ulp(1) => |x| [x[0].sum(), x[0].sum_axis(1)];
        "mean" .ulp(1) => |x| [x[0].mean(), x[0].mean_axis(1)];
        "max" => |x| [x[0].max(), x[0].max_axis(1)];
        "min" => |x| [x[0].min(), x[0].min_axis(1)];
        "prod" .ulp(2) => |x| [x[0].prod(), x[0].prod_axis(1)];
        "var" .ulp(3) => |x| [x[0].var(), x[0].var_axis(1)];
        "std" .ulp(3) => |x| [x[0].std(), x[0].std_axis(1)];
        "ptp" => |x| [x[0].ptp(()), x[0].ptp(1)];
        "all" => |x| [x[0].all(), x[0].all_axis(0)];
        "any" => |x| [x[0].any(), x[0].any_axis(0)];
        "argmax" => |x| [x[0].argmax(), x[0].argmax_axis(1)];
        "argmin" => |x| [x[0].argmin(), x[0].argmin_axis(1)];
        "cumsum" .ulp(1).relative_to_largest() => |x| x[0].cumsum(1);
        "cumprod" .ulp(2) => |x| x[0].cumprod(1);
        "sort" => |x| x[0].sort(1);
        "argsort" => |x| x[0].argsort(1);
        "T" => |x| x[0].T();
        "mT" => |x| x[0].mT();
        "argpartition" => |x| jnp::sort(jnp::take(x[0].argpartition(1, 1), Array::from([0i32, 1]), 1), 1);
        "astype" .rounds() => |x| [x[0].astype(DType::I32), x[0].astype(DType::BF16)];
        "byteswap" => |x| x[0].byteswap();
        "choose" .eager() => |x| x[0].choose(&x[1..]);
        "clip" => |x| x[0].clip(-1.0, 0.5);
        "compress" => |x| x[0].compress(&[true, false, true, true], 1);
        "conj" => |x| x[0].conj();
        "conjugate" => |x| x[0].conjugate();
        "real" => |x| x[0].real();
        "imag" => |x| x[0].imag();
        "diagonal" => |x| [x[0].diagonal(0), x[0].diagonal(1)];
        "dot" .ulp(2).relative_to_largest() => |x| x[0].dot(&x[1]);
        "flatten" => |x| x[0].flatten();
        "ravel" => |x| x[0].ravel();
        "repeat" => |x| x[0].repeat(2, 1);
        "reshape" => |x| [x[0].reshape((2, 6)), x[0].reshape((4, -1))];
        "round" .ulp(1).not_smooth("jumps between decimals") => |x| [x[0].round(), x[0].round_to(1)];
        "searchsorted" => |x| x[0].searchsorted(&x[1]);
        "squeeze" => |x| x[0].squeeze(());
        "swapaxes" => |x| x[0].swapaxes(0, 2);
        "take" => |x| x[0].take(&x[1], 1);
        "trace" .ulp(1) => |x| x[0].trace();
        "transpose" => |x| x[0].transpose((1, 0));
        "view" => |x| x[0].view(DType::I32);
    }
}
