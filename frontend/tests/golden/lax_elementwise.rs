//! jax.lax, element by element.

use jacinth_frontend::lax::{self, RoundingMethod};
use jacinth_frontend::{Array, DType};

use crate::table::{Builder, Case, case};

/// Rows `function ["/variant" …].setting(…)`: `lax::function` of so many inputs, under JAX's name; the settings are all the variants'.
macro_rules! rows {
    ($run:ident: $($name:ident [$($variant:literal)*] $(.$set:ident($($arg:expr),*))*;)*) => {
        [$({
            let set = |row: Builder| row$(.$set($($arg),*))*;
            vec![$(set(case(concat!("jax.lax.", stringify!($name), $variant))).run($run(lax::$name))),*]
        }),*].into_iter().flatten()
    };
}

fn unary(f: fn(&Array) -> Array) -> impl Fn(&[Array]) -> Array {
    move |x| f(&x[0])
}

fn binary(f: fn(&Array, &Array) -> Array) -> impl Fn(&[Array]) -> Array {
    move |x| f(&x[0], &x[1])
}

fn ternary(f: fn(&Array, &Array, &Array) -> Array) -> impl Fn(&[Array]) -> Array {
    move |x| f(&x[0], &x[1], &x[2])
}

pub(crate) fn cases() -> Vec<Case> {
    let of_one = rows! { unary:
        abs ["" "/special" "/integers-i8" "/integers-i32" "/integers-i64"];
        abs ["/complex"].ulp(1).grad_ulp(2);
        acos ["" "/complex"].ulp(1).grad_ulp(2);
        acos ["/special"];
        acosh [""].ulp(2);
        acosh ["/special"];
        acosh ["/complex"].ulp(1).grad_ulp(3).not_smooth("JAX's formula has the other sign where the real part is negative");
        asin ["" "/small"].ulp(1).grad_ulp(2);
        asin ["/special"];
        asin ["/complex"].ulp(2).grad_ulp(3);
        asinh [""].ulp(2);
        asinh ["/special" "/small"].ulp(1);
        asinh ["/complex"].ulp(1).grad_ulp(2);
        atan [""].ulp(2).grad_ulp(0);
        atan ["/special"].ulp(2);
        atan ["/small"];
        atan ["/complex"].ulp(1).grad_ulp(2);
        atanh [""].ulp(2).grad_ulp(0);
        atanh ["/special"];
        atanh ["/small"].ulp(1).grad_ulp(0);
        atanh ["/complex"].ulp(1).grad_ulp(3);
        cbrt [""].ulp(1).grad_ulp(3);
        cbrt ["/special"].ulp(1);
        cos ["" "/special" "/large"].ulp(1);
        cos ["/complex"].ulp(4).grad_ulp(2);
        cosh [""].ulp(1).grad_ulp(2);
        cosh ["/special"];
        cosh ["/complex"].ulp(2);
        digamma [""].ulp(4).grad_ulp(7).relative_to_largest();
        digamma ["/special" "/reflected"].ulp(4).relative_to_largest();
        erf [""].ulp(2).grad_ulp(1);
        erf ["/special"].ulp(2);
        erf ["/small"].ulp(1).grad_ulp(0);
        erf_inv [""].ulp(2).grad_ulp(5);
        erf_inv ["/special"];
        erfc [""].ulp(4).ulp_of(DType::F32, 6).grad_ulp(1);
        erfc ["/special"].ulp(2);
        exp [""].ulp(1);
        exp ["/special"];
        exp ["/complex"].ulp(1).grad_ulp(2);
        exp2 ["" "/complex"].ulp(1);
        exp2 ["/special"];
        expm1 ["" "/complex"].ulp(1).grad_ulp(4).grad_relative_to_largest();
        expm1 ["/special"].ulp(1);
        expm1 ["/small"].ulp(3).grad_ulp(0);
        // JAX's approximation is the less exact one, most of all near its zeros at 1 and 2.
        lgamma [""].ulp(5).grad_ulp(5).relative_to_largest();
        lgamma ["/special"].ulp(4).relative_to_largest();
        lgamma ["/reflected"].ulp(5).relative_to_largest();
        log [""].ulp(1).grad_ulp(0);
        log ["/special"];
        log ["/complex"].ulp(1).grad_ulp(2);
        log1p [""].ulp(2).grad_ulp(0);
        log1p ["/special" "/small"];
        log1p ["/complex"].ulp(1);
        // `1 - logistic(x)` cancels.
        logistic [""].ulp(2).grad_ulp(2).grad_ulp_of(DType::BF16, 4).grad_ulp_of(DType::F16, 4).grad_relative_to_largest();
        logistic ["/special"].ulp(1);
        logistic ["/complex"].ulp(1).grad_ulp(4).grad_relative_to_largest();
        neg ["" "/special" "/complex" "/integers-i8" "/integers-i32" "/integers-i64"];
        reciprocal ["" "/special"];
        reciprocal ["/complex"].ulp(1);
        rsqrt [""].ulp(1);
        rsqrt ["/special"];
        rsqrt ["/complex"].ulp(2).grad_ulp(4);
        sin ["" "/special" "/large"].ulp(1);
        sin ["/small"];
        sin ["/complex"].ulp(2).grad_ulp(3);
        sinh [""].ulp(2);
        sinh ["/special"];
        sinh ["/small"].ulp(3).grad_ulp(0);
        sinh ["/complex"].ulp(1).grad_ulp(3);
        sqrt ["" "/special"];
        sqrt ["/complex"].ulp(1).grad_ulp(2);
        square ["" "/special" "/integers-i8" "/integers-i32" "/integers-i64" "/integers-u16" "/integers-u32"];
        square ["/complex"].ulp(1);
        tan [""].ulp(1).grad_ulp(2);
        tan ["/special" "/large"].ulp(1);
        tan ["/small"];
        tan ["/complex"].ulp(2).grad_ulp(4).grad_relative_to_largest();
        // `1 - tanh(x)` cancels.
        tanh [""].ulp(2).grad_ulp(4).grad_relative_to_largest();
        tanh ["/special"].ulp(1);
        tanh ["/small"].ulp(3).grad_ulp(1);
        tanh ["/complex"].ulp(2).grad_ulp(12).grad_relative_to_largest();
        // The derivative is a difference of two functions that come near each other.
        bessel_i0e [""].ulp(2).grad_ulp(4).grad_relative_to_largest();
        bessel_i0e ["/special"];
        bessel_i1e [""].ulp(3).ulp_of(DType::F32, 6).grad_ulp(4).grad_relative_to_largest();
        bessel_i1e ["/special"].ulp(1);
        bessel_i1e ["/small"].ulp(2).grad_ulp(6).grad_ulp_of(DType::F32, 8).not_smooth("its derivative has a kink at zero");
        ceil [""];
        ceil ["/special"].not_smooth("jumps at whole numbers");
        floor [""];
        floor ["/special"].not_smooth("jumps at whole numbers");
        sign ["" "/integers-i8" "/integers-i32" "/integers-i64" "/integers-u16" "/integers-u32"];
        sign ["/special"].not_smooth("jumps at zero");
        sign ["/complex"].ulp(2).grad_ulp(0).not_smooth("JAX gives it no derivative");
        is_finite ["" "/special"];
        conj ["/complex" ""];
        real [""];
        imag [""];
        population_count ["/integers-i8" "/integers-i32" "/integers-i64" "/integers-u16" "/integers-u32"];
        clz ["/integers-i8" "/integers-i32" "/integers-i64" "/integers-u16" "/integers-u32"];
        bitwise_not ["/integers-i8" "/integers-i32" "/integers-i64" "/integers-u16" "/integers-u32" "/booleans"];
    };
    let of_two = rows! { binary:
        complex [""];
        add ["/complex" "" "/special" "/integers-i8" "/integers-i32" "/integers-i64" "/integers-u16" "/integers-u32"];
        sub ["/complex" "" "/special" "/integers-i8" "/integers-i32" "/integers-i64" "/integers-u16" "/integers-u32"];
        mul ["/complex"].ulp(1);
        mul ["" "/special" "/integers-i8" "/integers-i32" "/integers-i64" "/integers-u16" "/integers-u32"];
        div ["/complex"].ulp(1).grad_ulp(2);
        div ["" "/special" "/integers-i8" "/corner-i8" "/integers-i32" "/corner-i32" "/integers-i64" "/corner-i64" "/integers-u16" "/corner-u16" "/integers-u32" "/corner-u32"];
        pow ["/complex"].ulp(4).grad_ulp(4).grad_ulp_of(DType::F32, 5);
        pow [""].grad_ulp(2);
        pow ["/integers"].ulp(1).grad_ulp(1);
        pow ["/special"];
        max ["" "/ties" "/integers-i8" "/integers-i32" "/integers-i64" "/integers-u16" "/integers-u32" "/booleans"];
        max ["/special"].ulp(1);
        min ["" "/ties" "/integers-i8" "/integers-i32" "/integers-i64" "/integers-u16" "/integers-u32" "/booleans"];
        min ["/special"].ulp(1);
        atan2 [""].ulp(1).grad_ulp(2);
        atan2 ["/special"];
        rem ["" "/special" "/integers-i8" "/corner-i8" "/integers-i32" "/corner-i32" "/integers-i64" "/corner-i64" "/integers-u16" "/corner-u16" "/integers-u32" "/corner-u32"];
        nextafter ["" "/special"].not_smooth("JAX gives it no derivative");
        // JAX's logarithm of the gamma function is the less exact one.
        igamma [""].ulp(9).grad_ulp(15).grad_ulp_of(DType::F32, 18).relative_to_largest();
        igamma ["/special"].ulp(4).relative_to_largest();
        igammac [""].ulp(9).grad_ulp(12).relative_to_largest();
        igammac ["/special"].ulp(2).ulp_of(DType::F64, 4).relative_to_largest();
        igamma_grad_a [""].ulp(25).relative_to_largest().refused("JAX has none");
        random_gamma_grad [""].ulp(4).relative_to_largest().refused("JAX has none");
        polygamma [""].ulp(5).grad_ulp(9).relative_to_largest();
        zeta [""].ulp(2).relative_to_largest().refused("JAX has none");
        zeta ["/special"].relative_to_largest().refused("JAX has none");
        bitwise_and ["/integers-i8" "/integers-i32" "/integers-i64" "/integers-u16" "/integers-u32" "/booleans"];
        bitwise_or ["/integers-i8" "/integers-i32" "/integers-i64" "/integers-u16" "/integers-u32" "/booleans"];
        bitwise_xor ["/integers-i8" "/integers-i32" "/integers-i64" "/integers-u16" "/integers-u32" "/booleans"];
        shift_left ["/i8" "/i32" "/i64" "/u16" "/u32"];
        shift_right_arithmetic ["/i8" "/i32" "/i64" "/u16" "/u32"];
        shift_right_logical ["/i8" "/i32" "/i64" "/u16" "/u32"];
        mulhi ["/i32" "/u32"];
        eq ["" "/integers" "/booleans" "/complex"];
        ne ["" "/integers" "/booleans" "/complex"];
        lt ["" "/integers" "/booleans"];
        le ["" "/integers" "/booleans"];
        gt ["" "/integers" "/booleans"];
        ge ["" "/integers" "/booleans"];
    };
    let of_three = rows! { ternary:
        // JAX's logarithm of the gamma function is the less exact one.
        betainc [""].ulp(16).ulp_of(DType::F64, 27).grad_ulp(12).grad_ulp_of(DType::F64, 24).relative_to_largest();
        betainc ["/special"].relative_to_largest();
        clamp [""];
        select ["" "/scalar"];
    };
    of_one.chain(of_two).chain(of_three).chain(with_parameters()).collect()
}

fn with_parameters() -> Vec<Case> {
    let power = |name, y: i32| case(name).ulp(1).grad_ulp(2).run(move |x| lax::integer_pow(&x[0], y));
    let precision = |name, exponent, mantissa| {
        case(name).rounds().run(move |x| lax::reduce_precision(&x[0], exponent, mantissa))
    };
    vec![
        case("jax.lax.round").not_smooth("jumps at halves").run(|x| {
            [RoundingMethod::AwayFromZero, RoundingMethod::ToNearestEven].map(|to| lax::round(&x[0], to))
        }),
        power("jax.lax.integer_pow/-3", -3),
        power("jax.lax.integer_pow/-1", -1),
        power("jax.lax.integer_pow/0", 0),
        power("jax.lax.integer_pow/1", 1),
        power("jax.lax.integer_pow/2", 2),
        power("jax.lax.integer_pow/5", 5),
        power("jax.lax.integer_pow/integers", 3),
        power("jax.lax.integer_pow/special", 3),
        power("jax.lax.integer_pow/complex", 3),
        precision("jax.lax.reduce_precision", 5, 10),
        precision("jax.lax.reduce_precision/5-10", 5, 10),
        precision("jax.lax.reduce_precision/8-7", 8, 7),
        precision("jax.lax.reduce_precision/4-3", 4, 3),
        precision("jax.lax.reduce_precision/5-2", 5, 2),
        precision("jax.lax.reduce_precision/8-23", 8, 23),
        precision("jax.lax.reduce_precision/3-0", 3, 0),
        case("jax.lax.clamp/scalars").not_smooth("kinks at the limits").run(|x| {
            let [low, high] = [-1.0, 1.0].map(|v| lax::full(&[], v, x[0].dtype()));
            lax::clamp(&low, &x[0], &high)
        }),
        // Where the limits cross, the upper one holds.
        case("jax.lax.clamp/crossed").run(|x| {
            let [low, high] = [2i32, -2].map(|v| Array::from([v]).reshape(()));
            lax::clamp(&low, &x[0], &high)
        }),
        case("jax.lax.select_n").run(|x| lax::select_n(&x[0], &x[1..])),
        case("jax.lax.select_n/boolean").run(|x| lax::select_n(&x[0], &x[1..])),
        case("jax.lax.select_n/scalar").run(|x| lax::select_n(&x[0], &x[1..])),
    ]
}
