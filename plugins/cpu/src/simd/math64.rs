//! Mathematics on `f64`, element by element: the standard library's functions, which are scalar.

use super::Isa;
use super::float::Float;

impl Float for f64 {
    #[inline(always)]
    fn add(self, y: Self) -> Self {
        self + y
    }
    #[inline(always)]
    fn sub(self, y: Self) -> Self {
        self - y
    }
    #[inline(always)]
    fn mul(self, y: Self) -> Self {
        self * y
    }
    #[inline(always)]
    fn div(self, y: Self) -> Self {
        self / y
    }
    #[inline(always)]
    fn rem(self, y: Self) -> Self {
        self % y
    }
    #[inline(always)]
    fn max(self, y: Self) -> Self {
        if self > y || self != self { self } else { y }
    }
    #[inline(always)]
    fn min(self, y: Self) -> Self {
        if self < y || self != self { self } else { y }
    }
    #[inline(always)]
    fn pow<I: Isa>(self, y: Self) -> Self {
        self.powf(y)
    }
    #[inline(always)]
    fn atan2<I: Isa>(self, y: Self) -> Self {
        f64::atan2(self, y)
    }
    #[inline(always)]
    fn abs<I: Isa>(self) -> Self {
        f64::abs(self)
    }
    #[inline(always)]
    fn neg<I: Isa>(self) -> Self {
        -self
    }
    #[inline(always)]
    fn sign<I: Isa>(self) -> Self {
        if self == 0.0 || self != self { self } else { f64::copysign(1.0, self) }
    }
    #[inline(always)]
    fn ceil<I: Isa>(self) -> Self {
        f64::ceil(self)
    }
    #[inline(always)]
    fn floor<I: Isa>(self) -> Self {
        f64::floor(self)
    }
    #[inline(always)]
    fn round_away<I: Isa>(self) -> Self {
        f64::round(self)
    }
    #[inline(always)]
    fn round_even<I: Isa>(self) -> Self {
        f64::round_ties_even(self)
    }
    #[inline(always)]
    fn sqrt<I: Isa>(self) -> Self {
        f64::sqrt(self)
    }
    #[inline(always)]
    fn rsqrt<I: Isa>(self) -> Self {
        1.0 / f64::sqrt(self)
    }
    #[inline(always)]
    fn cbrt<I: Isa>(self) -> Self {
        f64::cbrt(self)
    }
    #[inline(always)]
    fn exp<I: Isa>(self) -> Self {
        f64::exp(self)
    }
    #[inline(always)]
    fn exp_m1<I: Isa>(self) -> Self {
        f64::exp_m1(self)
    }
    #[inline(always)]
    fn ln<I: Isa>(self) -> Self {
        f64::ln(self)
    }
    #[inline(always)]
    fn ln_1p<I: Isa>(self) -> Self {
        f64::ln_1p(self)
    }
    #[inline(always)]
    fn logistic<I: Isa>(self) -> Self {
        let e = f64::exp(-self.abs());
        (if self >= 0.0 { 1.0 } else { e }) / (1.0 + e)
    }
    #[inline(always)]
    fn sin<I: Isa>(self) -> Self {
        f64::sin(self)
    }
    #[inline(always)]
    fn cos<I: Isa>(self) -> Self {
        f64::cos(self)
    }
    #[inline(always)]
    fn tan<I: Isa>(self) -> Self {
        f64::tan(self)
    }
    #[inline(always)]
    fn tanh<I: Isa>(self) -> Self {
        f64::tanh(self)
    }
    #[inline(always)]
    fn square<I: Isa>(self) -> Self {
        self * self
    }
    #[inline(always)]
    fn finite(self) -> bool {
        self.is_finite()
    }
    #[inline(always)]
    fn infinite(self) -> bool {
        self.is_infinite()
    }
    #[inline(always)]
    fn negative(self) -> bool {
        self < 0.0
    }
    #[inline(always)]
    fn in_trig_range(self) -> bool {
        true
    }
    #[inline(always)]
    fn slow_sin(self) -> Self {
        f64::sin(self)
    }
    #[inline(always)]
    fn slow_cos(self) -> Self {
        f64::cos(self)
    }
    #[inline(always)]
    fn slow_tan(self) -> Self {
        f64::tan(self)
    }
}
