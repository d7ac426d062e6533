//! Mathematics on `f64`, element by element: the standard library's functions, which are scalar.

use super::Isa;
use super::float::{Float, arithmetic};

impl Float for f64 {
    arithmetic!(f64);

    #[inline(always)]
    fn pow<I: Isa>(self, y: Self) -> Self {
        self.powf(y)
    }
    #[inline(always)]
    fn atan2<I: Isa>(self, y: Self) -> Self {
        f64::atan2(self, y)
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
    fn in_trig_range(self) -> bool {
        true
    }
}
