//! Conversions between 16-bit floats and `f32` without branches, so that loops over them become vector code.

use ::half::{bf16, f16};

#[inline(always)]
pub(super) fn bf16_up(x: bf16) -> f32 {
    f32::from_bits(u32::from(x.to_bits()) << 16)
}

/// Rounds to nearest, ties to even; NaN stays a (quiet) NaN of the same sign.
#[inline(always)]
pub(super) fn bf16_down(x: f32) -> bf16 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    let nan = bits >> 16 | 0x40;
    bf16::from_bits(if bits & 0x7fff_ffff > 0x7f80_0000 { nan } else { rounded } as u16)
}

#[inline(always)]
pub(super) fn f16_up(x: f16) -> f32 {
    let bits = u32::from(x.to_bits());
    let (sign, magnitude) = ((bits & 0x8000) << 16, bits & 0x7fff);
    let normal = (magnitude << 13).wrapping_add(112 << 23);
    let special = (magnitude << 13) | 0x7f80_0000;
    // Subnormals are multiples of 2⁻²⁴.
    let subnormal = (magnitude as i32 as f32 * f32::from_bits(0x3380_0000)).to_bits();
    let value = if magnitude >= 0x7c00 {
        special
    } else if magnitude < 0x400 {
        subnormal
    } else {
        normal
    };
    f32::from_bits(value | sign)
}

/// Rounds to nearest, ties to even; NaN stays a (quiet) NaN of the same sign.
#[inline(always)]
pub(super) fn f16_down(x: f32) -> f16 {
    let bits = x.to_bits();
    let (sign, magnitude) = (bits >> 16 & 0x8000, bits & 0x7fff_ffff);
    let rounded = magnitude.wrapping_add(0xc800_0fff_u32.wrapping_add(magnitude >> 13 & 1)) >> 13;
    // One half has a last place of 2⁻²⁴, so that adding it rounds to a multiple of the smallest subnormal.
    let subnormal = (f32::from_bits(magnitude) + 0.5).to_bits().wrapping_sub(0x3f00_0000);
    let value = if magnitude > 0x7f80_0000 {
        0x7e00 | (magnitude >> 13 & 0x1ff)
    } else if magnitude >= 0x4780_0000 {
        0x7c00
    } else if magnitude < 0x3880_0000 {
        subnormal
    } else {
        rounded
    };
    f16::from_bits((value | sign) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_converts_up_exactly() {
        for bits in 0..=u16::MAX {
            let (h, b) = (f16::from_bits(bits), bf16::from_bits(bits));
            assert!(
                f16_up(h).to_bits() == h.to_f32().to_bits() || h.is_nan() && f16_up(h).is_nan(),
                "{bits:x}"
            );
            assert!(
                bf16_up(b).to_bits() == b.to_f32().to_bits() || b.is_nan() && bf16_up(b).is_nan(),
                "{bits:x}"
            );
            assert_eq!(
                f16_down(h.to_f32()).to_bits() | (0x200 * u16::from(h.is_nan())),
                bits | (0x200 * u16::from(h.is_nan()))
            );
        }
    }

    #[test]
    fn rounding_down_agrees_with_the_crate() {
        let mut bits = 0u32;
        loop {
            let x = f32::from_bits(bits);
            if !x.is_nan() {
                assert_eq!(f16_down(x), f16::from_f32(x), "{x:e}");
                assert_eq!(bf16_down(x), bf16::from_f32(x), "{x:e}");
            } else {
                assert!(f16_down(x).is_nan() && bf16_down(x).is_nan());
            }
            let Some(next) = bits.checked_add(4093) else { break };
            bits = next;
        }
    }
}
