//! The element types that cross the ABI (`PJRT_Buffer_Type`, header 0.90).

use crate::error::{Error, ErrorCode, Result};
use std::fmt;

macro_rules! element_types {
    ($($(#[$doc:meta])* $name:ident = $constant:ident, $text:literal, $bits:literal;)*) => {
        /// The type of a buffer's elements.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ElementType {
            $($(#[$doc])* $name,)*
        }

        impl ElementType {
            /// Every element type, in PJRT's order.
            pub const ALL: &[ElementType] = &[$(ElementType::$name,)*];

            /// PJRT's number of the type.
            #[inline]
            pub fn raw(self) -> u32 {
                match self { $(ElementType::$name => pjrt_sys::$constant,)* }
            }

            /// The type of PJRT's number; `None` for 0 (invalid) and for numbers that header 0.90 does not name.
            #[inline]
            pub fn from_raw(raw: u32) -> Option<ElementType> {
                match raw { $(pjrt_sys::$constant => Some(ElementType::$name),)* _ => None }
            }

            /// The short name: `pred`, `s32`, `f32`, `bf16`, `c64`, `f8e4m3fn`.
            pub fn name(self) -> &'static str {
                match self { $(ElementType::$name => $text,)* }
            }

            /// How many bits an element has; 0 for a token.
            #[inline]
            pub fn bits(self) -> usize {
                match self { $(ElementType::$name => $bits,)* }
            }
        }
    };
}

element_types! {
    /// A truth value in a byte.
    Pred = PJRT_Buffer_Type_PRED, "pred", 8;
    S8 = PJRT_Buffer_Type_S8, "s8", 8;
    S16 = PJRT_Buffer_Type_S16, "s16", 16;
    S32 = PJRT_Buffer_Type_S32, "s32", 32;
    S64 = PJRT_Buffer_Type_S64, "s64", 64;
    U8 = PJRT_Buffer_Type_U8, "u8", 8;
    U16 = PJRT_Buffer_Type_U16, "u16", 16;
    U32 = PJRT_Buffer_Type_U32, "u32", 32;
    U64 = PJRT_Buffer_Type_U64, "u64", 64;
    F16 = PJRT_Buffer_Type_F16, "f16", 16;
    F32 = PJRT_Buffer_Type_F32, "f32", 32;
    F64 = PJRT_Buffer_Type_F64, "f64", 64;
    Bf16 = PJRT_Buffer_Type_BF16, "bf16", 16;
    /// Two `f32`: real, imaginary.
    C64 = PJRT_Buffer_Type_C64, "c64", 64;
    /// Two `f64`: real, imaginary.
    C128 = PJRT_Buffer_Type_C128, "c128", 128;
    F8E5M2 = PJRT_Buffer_Type_F8E5M2, "f8e5m2", 8;
    F8E4M3Fn = PJRT_Buffer_Type_F8E4M3FN, "f8e4m3fn", 8;
    F8E4M3B11Fnuz = PJRT_Buffer_Type_F8E4M3B11FNUZ, "f8e4m3b11fnuz", 8;
    F8E5M2Fnuz = PJRT_Buffer_Type_F8E5M2FNUZ, "f8e5m2fnuz", 8;
    F8E4M3Fnuz = PJRT_Buffer_Type_F8E4M3FNUZ, "f8e4m3fnuz", 8;
    S4 = PJRT_Buffer_Type_S4, "s4", 4;
    U4 = PJRT_Buffer_Type_U4, "u4", 4;
    /// An ordering token; it has no data.
    Token = PJRT_Buffer_Type_TOKEN, "token", 0;
    S2 = PJRT_Buffer_Type_S2, "s2", 2;
    U2 = PJRT_Buffer_Type_U2, "u2", 2;
    F8E4M3 = PJRT_Buffer_Type_F8E4M3, "f8e4m3", 8;
    F8E3M4 = PJRT_Buffer_Type_F8E3M4, "f8e3m4", 8;
    F8E8M0Fnu = PJRT_Buffer_Type_F8E8M0FNU, "f8e8m0fnu", 8;
    F4E2M1Fn = PJRT_Buffer_Type_F4E2M1FN, "f4e2m1fn", 4;
}

impl ElementType {
    /// How many bytes an element takes in host memory: types below a byte take a whole one; a token takes none.
    #[inline]
    pub fn host_bytes(self) -> usize {
        self.bits().div_ceil(8)
    }

    pub(crate) fn checked(raw: u32, function: &'static str) -> Result<ElementType> {
        ElementType::from_raw(raw).ok_or_else(|| {
            Error::new(
                ErrorCode::Unimplemented,
                function,
                format!("the plugin names element type {raw}, which PJRT 0.90 does not know"),
            )
        })
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_has_no_other_types() {
        assert_eq!(ElementType::ALL.len(), pjrt_sys::PJRT_Buffer_Type_F4E2M1FN as usize);
        for raw in 1..=pjrt_sys::PJRT_Buffer_Type_F4E2M1FN {
            assert_eq!(ElementType::from_raw(raw).map(ElementType::raw), Some(raw));
        }
        assert_eq!(ElementType::from_raw(pjrt_sys::PJRT_Buffer_Type_INVALID), None);
        assert!(ElementType::checked(999, "f").unwrap_err().is_unimplemented());
    }
}
