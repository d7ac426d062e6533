//! Dtypes and their kinds by NumPy's names: `x.astype(jnp::float32)`, `jnp::issubdtype(dtype, jnp::floating)`.

#![allow(non_upper_case_globals, non_camel_case_types, reason = "the names are NumPy's")]

use super::Kind;
use crate::ir::{Array, DType};

/// `jax.numpy.dtype`.
pub type dtype = DType;
/// `jax.numpy.ndarray`.
pub type ndarray = Array;

macro_rules! names {
    ($T:ident: $($name:ident $variant:ident,)*) => {$(
        #[doc = concat!("`", stringify!($T), "::", stringify!($variant), "`.")]
        pub const $name: $T = $T::$variant;
    )*};
}

names! { DType:
    bool I1, bool_ I1,
    int2 I2, int4 I4, int8 I8, int16 I16, int32 I32, int64 I64, int_ I64,
    uint2 UI2, uint4 UI4, uint8 UI8, uint16 UI16, uint32 UI32, uint64 UI64, uint UI64,
    float4_e2m1fn F4E2M1FN, float6_e2m3fn F6E2M3FN, float6_e3m2fn F6E3M2FN,
    float8_e3m4 F8E3M4, float8_e4m3 F8E4M3, float8_e4m3b11fnuz F8E4M3B11FNUZ, float8_e4m3fn F8E4M3FN, float8_e4m3fnuz F8E4M3FNUZ,
    float8_e5m2 F8E5M2, float8_e5m2fnuz F8E5M2FNUZ, float8_e8m0fnu F8E8M0FNU,
    bfloat16 BF16, float16 F16, float32 F32, single F32, float64 F64, double F64, float_ F64,
    complex64 C64, csingle C64, complex128 C128, cdouble C128, complex_ C128,
}

names! { Kind:
    generic Generic, number Number, integer Integer, signedinteger SignedInteger, unsignedinteger UnsignedInteger, inexact Inexact,
    floating Floating, complexfloating ComplexFloating, flexible Flexible, character Character, object_ Object,
}
