//! jax.scipy.special.

use jacinth_frontend::DType;
use jacinth_frontend::numpy::{self as jnp, keepdims};
use jacinth_frontend::scipy::special;

use crate::table::{Case, Outputs, case};

/// `special::name` of one input under JAX's name.
macro_rules! unary {
    ($($name:ident $(/ $variant:literal)? $(.$set:ident($($arg:expr),*))*;)*) => {
        vec![$(case(concat!("jax.scipy.special.", stringify!($name) $(, "/", $variant)?))$(.$set($($arg),*))*.run(|x| special::$name(&x[0]))),*]
    };
}

/// `special::name` of two inputs under JAX's name.
macro_rules! binary {
    ($($name:ident $(/ $variant:literal)? $(.$set:ident($($arg:expr),*))*;)*) => {
        vec![$(case(concat!("jax.scipy.special.", stringify!($name) $(, "/", $variant)?))$(.$set($($arg),*))*.run(|x| special::$name(&x[0], &x[1]))),*]
    };
}

/// An expression of the inputs `x` under JAX's name.
macro_rules! expressions {
    (|$x:ident| $($name:literal $(.$set:ident($($arg:expr),*))* => $body:expr;)*) => {
        vec![$(case(concat!("jax.scipy.special.", $name))$(.$set($($arg),*))*.run(|$x| { let _ = $x; ($body).into_vec() })),*]
    };
}

pub(crate) fn cases() -> Vec<Case> {
    let windows = vec![
        case("jax.numpy.i0").ulp(2).grad_ulp(8).grad_relative_to_largest().run(|x| jnp::i0(&x[0])),
        case("jax.numpy.kaiser").ulp(2).run(|_| jnp::kaiser(7, 5.0)),
    ];
    [one_operand(), two_operands(), others(), windows].into_iter().flatten().collect()
}

fn one_operand() -> Vec<Case> {
    unary! {
        gammaln.ulp(12);
        gammaln/"edges".floor(6e-7).ulp(1);
        digamma.ulp(4).grad_ulp(8);
        digamma/"edges".floor(2e-15).ulp(16);
        gamma.ulp(32);
        gamma/"edges".ulp(16);
        loggamma.ulp(12);
        loggamma/"edges".floor(6e-7).ulp(1);
        factorial.ulp(32).grad_ulp(40);
        factorial/"edges".ulp_of(DType::F64, 160).ulp(6);
        erf.ulp(2);
        erf/"edges".ulp(2);
        erfc.ulp(1);
        erfc/"edges".ulp(2);
        erfinv.ulp(2);
        erfinv/"edges".ulp(2);
        erfcx.ulp(6).grad_relative_to_largest().grad_ulp(1);
        erfcx/"edges".ulp(3);
        dawsn.ulp(2).grad_ulp(24).grad_relative_to_largest();
        dawsn/"edges".ulp(2);
        expit.ulp(1).grad_relative_to_largest().grad_ulp(3);
        expit/"edges".ulp(1);
        logit;
        logit/"edges";
        entr.ulp(1);
        entr/"edges";
        expi.ulp(6);
        expi/"edges".ulp(24);
        exp1.ulp(24);
        exp1/"edges".ulp(24);
        spence.ulp(12).grad_ulp(24).grad_relative_to_largest();
        spence/"edges";
        i0e.ulp(2).grad_relative_to_largest().grad_ulp(6);
        i0e/"edges".ulp(4);
        i1e.ulp(8).grad_relative_to_largest().grad_ulp(6);
        i1e/"edges".ulp(2);
        i0.ulp(2).grad_ulp(32);
        i0/"edges".ulp(2);
        i1.ulp(4);
        i1/"edges".ulp(2);
        ndtr.ulp(3);
        ndtr/"edges".ulp(2);
        ndtri.ulp(1).grad_ulp(12);
        ndtri/"edges";
        log_ndtr.ulp(2).grad_ulp(16).grad_relative_to_largest();
        log_ndtr/"edges".ulp(4);
        sici.ulp(64);
        sici/"edges".ulp(2);
        fresnel.ulp(1).grad_ulp(6);
        fresnel/"edges".ulp(1);
        gammasgn.not_smooth("jumps");
        gammaln/"negative".ulp(32);
        digamma/"negative".ulp(12).grad_relative_to_largest().grad_ulp(8);
        gamma/"negative".ulp(32);
        expi/"negative".ulp(6);
        expi/"pieces".ulp(3);
        log_ndtr/"pieces".ulp(16);
        erf/"integers".ulp(1);
        gamma/"complex".ulp(24).grad_ulp(32);
        gamma/"complex_edges".ulp(2);
        loggamma/"complex".ulp(12);
        erfcx/"complex".ulp(2).grad_ulp(8);
        wofz.ulp(2).grad_ulp(32);
        wofz/"edges".ulp(1);
        expit/"complex".ulp(1).grad_ulp(24);
        logit/"complex".ulp(1).grad_ulp(2);
    }
}

fn two_operands() -> Vec<Case> {
    binary! {
        beta.ulp(32).grad_relative_to_largest().grad_ulp(64);
        beta/"edges".ulp(8);
        betaln.ulp(24).grad_relative_to_largest().relative_to_largest().grad_ulp(8);
        betaln/"edges".floor(2e-6);
        xlogy.grad_ulp(8);
        xlogy/"edges";
        xlog1py.grad_ulp(64);
        xlog1py/"edges";
        rel_entr.ulp(6);
        rel_entr/"edges";
        kl_div.grad_ulp(6);
        kl_div/"edges";
        boxcox.ulp(2).grad_ulp(24);
        boxcox/"edges";
        boxcox1p.ulp(12).grad_ulp(16);
        boxcox1p/"edges".ulp(2);
        poch.ulp(40).grad_relative_to_largest().grad_ulp(12);
        poch/"edges".ulp(8);
        betaln/"pieces".grad_relative_to_largest().relative_to_largest().ulp(1).grad_ulp(2);
        gammainc.ulp(16).grad_ulp(40).grad_relative_to_largest();
        gammainc/"edges".ulp(256);
        gammaincc.ulp(24).grad_relative_to_largest().grad_ulp(32);
        gammaincc/"edges".ulp(256);
        owens_t.ulp(16).grad_relative_to_largest().grad_ulp(2);
        owens_t/"edges".ulp(2);
        comb.ulp_of(DType::F64, 128).ulp(16);
        comb/"gradient".ulp(40).grad_ulp(64);
        expn/"edges".ulp(24);
        polygamma.ulp(16).grad_relative_to_largest().grad_ulp(3);
        polygamma/"edges".floor(2e-15).ulp(8);
        zeta.ulp(2).grad_relative_to_largest().grad_ulp(1);
        zeta/"edges".ulp(2);
        xlogy/"complex".ulp(1).grad_ulp(2);
    }
}

fn others() -> Vec<Case> {
    expressions! { |x|
        "multigammaln".ulp(4) => special::multigammaln(&x[0], 3);
        "multigammaln/1".ulp(64) => special::multigammaln(&x[0], 1);
        "bernoulli".ulp(2) => special::bernoulli(12);
        "bessel_jn".ulp(1).grad_ulp(40) => special::bessel_jn(&x[0], 3, 50);
        "bessel_jn/iterations".ulp(1).grad_ulp(24) => special::bessel_jn(&x[0], 1, 20);
        "sph_harm_y".ulp(8).grad_ulp(24) => special::sph_harm_y(&x[0], &x[1], &x[2], &x[3], 3);
        "comb/repetition".ulp(12) => special::comb_repetition(&x[0], &x[1]);
        "betainc".ulp(40).grad_ulp(64) => special::betainc(&x[0], &x[1], &x[2]);
        "betainc/edges".ulp_of(DType::F32, 256).ulp_of(DType::F64, 1100) => special::betainc(&x[0], &x[1], &x[2]);
        "expn".ulp(64).grad_ulp(40) => special::expn(3, &x[0]);
        "hyp1f1".grad_ulp(16).grad_relative_to_largest() => special::hyp1f1(&x[0], &x[1], &x[2]);
        "hyp1f1/edges".ulp(8) => special::hyp1f1(&x[0], &x[1], &x[2]);
        "hyp2f1".ulp(1).grad_relative_to_largest().grad_ulp(24) => special::hyp2f1(&x[0], &x[1], &x[2], &x[3]);
        "hyp2f1/edges".ulp(32) => special::hyp2f1(&x[0], &x[1], &x[2], &x[3]);
        "logsumexp" => special::logsumexp(&x[0], ());
        "logsumexp/axis" => special::logsumexp(&x[0], 0);
        "logsumexp/keepdims" => special::logsumexp(&x[0], keepdims(1));
        "logsumexp/weights" => special::logsumexp_weights(&x[0], 1, &x[1]);
        "logsumexp/sign".ulp(1).grad_ulp(2) => special::logsumexp_sign(&x[0], 1, &x[1]);
        "logsumexp/edges" => special::logsumexp(&x[0], 1);
        "logsumexp/complex".ulp(1) => special::logsumexp(&x[0], 0);
        "logsumexp/integers".ulp(1) => special::logsumexp(&x[0], ());
        "softmax".ulp(1).grad_ulp(12) => special::softmax(&x[0], -1);
        "softmax/all".ulp(1).grad_ulp(4) => special::softmax(&x[0], ());
        "log_softmax".ulp(1).grad_ulp(6) => special::log_softmax(&x[0], -1);
        "log_softmax/all".grad_ulp(1) => special::log_softmax(&x[0], ());
    }
}
