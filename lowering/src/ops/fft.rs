//! Fourier transforms.
use crate::Shape;

/// The kinds of Fourier transform.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FftType {
    /// `FFT`: complex to complex, forward.
    Fft,
    /// `IFFT`: complex to complex, inverse.
    Ifft,
    /// `RFFT`: real to complex, forward.
    Rfft,
    /// `IRFFT`: complex to real, inverse.
    Irfft,
}

/// `stablehlo.fft(operand)` over the last `fft_length.len()` dimensions.
#[derive(Clone, PartialEq, Debug)]
pub struct Fft {
    /// Which.
    pub fft_type: FftType,
    /// Length along each transformed dimension.
    pub fft_length: Shape,
}

super::scaffold!(Fft "stablehlo.fft");
