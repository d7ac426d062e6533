//! Dtypes by NumPy's names: `x.astype(jnp::float32)`.

#![allow(non_upper_case_globals, reason = "the names are NumPy's")]

use crate::ir::DType;

macro_rules! names {
    ($($name:ident = $dtype:ident;)*) => {$(
        #[doc = concat!("[`DType::", stringify!($dtype), "`] by NumPy's name.")]
        pub const $name: DType = DType::$dtype;
    )*};
}

names! {
    bool_ = I1;
    int8 = I8;
    int16 = I16;
    int32 = I32;
    int64 = I64;
    uint8 = UI8;
    uint16 = UI16;
    uint32 = UI32;
    uint64 = UI64;
    float16 = F16;
    bfloat16 = BF16;
    float32 = F32;
    float64 = F64;
    complex64 = C64;
    complex128 = C128;
}
