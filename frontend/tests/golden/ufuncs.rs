//! jax.numpy, element by element.

use jacinth_frontend::{DType, numpy as jnp};

use crate::table::{Case, case};

/// `jnp::name` of one input under JAX's name.
macro_rules! unary {
    ($($name:ident $(/ $variant:literal)? $(.$set:ident($($arg:expr),*))*;)*) => {
        vec![$(case(concat!("jax.numpy.", stringify!($name) $(, "/", $variant)?))$(.$set($($arg),*))*.run(|x| jnp::$name(&x[0]))),*]
    };
}

/// `jnp::name` of two inputs under JAX's name.
macro_rules! binary {
    ($($name:ident $(/ $variant:literal)? $(.$set:ident($($arg:expr),*))*;)*) => {
        vec![$(case(concat!("jax.numpy.", stringify!($name) $(, "/", $variant)?))$(.$set($($arg),*))*.run(|x| jnp::$name(&x[0], &x[1]))),*]
    };
}

pub(crate) fn cases() -> Vec<Case> {
    let unary = unary! {
        abs;
        arccos.ulp(1).grad_ulp(2);
        arccosh.ulp(1).ulp_of(DType::F32, 3).grad_ulp(2);
        arcsin.ulp(1).grad_ulp(2);
        arcsinh.ulp(2).grad_ulp(2);
        arctan.ulp(2).grad_ulp(1);
        arctan/"special".ulp(1);
        // JAX's own value is 25 units off at 0.39 in double precision.
        arctanh.ulp(2).ulp_of(DType::F64, 26).grad_ulp(2);
        cos.ulp(1);
        cos/"special".ulp(1);
        cosh.ulp(2).grad_ulp(2);
        exp.ulp(1);
        exp/"complex".ulp(1).grad_ulp(2);
        exp/"integers".ulp(1);
        exp/"special".ulp(1);
        exp2.ulp(1).grad_ulp(2);
        expm1.ulp(2).grad_ulp(10);
        expm1/"special".ulp(2);
        isfinite;
        isnan;
        log.ulp(1);
        log/"special".ulp(1);
        log10.ulp(2).grad_ulp(2);
        log1p.ulp(1);
        log1p/"special".ulp(1);
        log2.ulp(1).grad_ulp(2);
        negative;
        reciprocal;
        signbit;
        sin.ulp(1);
        sin/"complex".ulp(1);
        sin/"integers".ulp(1);
        sin/"special".ulp(1);
        // The two terms of the derivative cancel.
        sinc.ulp(2).grad_ulp(5).grad_relative_to_largest();
        sinh.ulp(2).grad_ulp(2);
        sqrt;
        sqrt/"special";
        square;
        tan.ulp(2).grad_ulp(4);
        // `1 - tanh(x)` cancels.
        tanh.ulp(2).grad_ulp(4).grad_relative_to_largest();
        tanh/"special".ulp(2);
    };
    // Cotangents of operands that were stretched are sums, in which terms cancel.
    let binary = binary! {
        add.grad_ulp(2).grad_relative_to_largest();
        add/"integers";
        arctan2.ulp(1).grad_ulp(2).grad_relative_to_largest();
        divide.ulp(1).grad_ulp(2).grad_relative_to_largest();
        divide/"integers".ulp(1);
        equal;
        floor_divide/"integers";
        hypot.ulp(2).grad_ulp(2).grad_relative_to_largest();
        less;
        logaddexp.ulp(1).grad_ulp(3).grad_relative_to_largest();
        maximum.grad_ulp(2).grad_relative_to_largest();
        minimum.grad_ulp(2).grad_relative_to_largest();
        multiply.grad_ulp(2).grad_relative_to_largest();
        multiply/"integers";
        power.ulp(1).grad_ulp(2).grad_relative_to_largest();
        remainder/"integers";
        subtract.grad_ulp(2).grad_relative_to_largest();
    };
    let others = vec![
        case("jax.numpy.clip").run(|x| jnp::clip(&x[0], -1.0, 0.5)),
        case("jax.numpy.where")
            .grad_relative_to_largest()
            .grad_ulp(2)
            .run(|x| jnp::where_(&x[0], &x[1], &x[2])),
    ];
    unary.into_iter().chain(binary).chain(others).collect()
}
