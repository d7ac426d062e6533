//! Where `rustfft` is instantiated for `f32` and `f64`, and nothing else.
//!
//! Its planner is generic over the number, so that the package that names one compiles every butterfly for it, for every
//! instruction set: two thirds of the plugin's code when it stood there. Here it is compiled once and not again with each
//! change of the plugin. Others see plans as trait objects only.

use std::sync::Arc;

use rustfft::FftPlanner;
pub use rustfft::{Fft, FftDirection, FftNum, num_traits};

/// The precisions that have transforms.
pub trait Real: FftNum {
    /// A plan of each length.
    fn plans(lengths: &[usize], direction: FftDirection) -> Vec<Arc<dyn Fft<Self>>>;
}

macro_rules! real {
    ($($ty:ty),*) => {$(
        impl Real for $ty {
            #[inline(never)]
            fn plans(lengths: &[usize], direction: FftDirection) -> Vec<Arc<dyn Fft<Self>>> {
                let mut planner = FftPlanner::<$ty>::new();
                lengths.iter().map(|&n| planner.plan_fft(n, direction)).collect()
            }
        }
    )*};
}

real!(f32, f64);
