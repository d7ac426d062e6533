//! jax.numpy.fft and jax.lax.fft.

use jacinth_frontend::lax::{self, FftType};
use jacinth_frontend::numpy::fft;

use crate::table::{Case, case};

/// `fft::name` along one axis: as it is, and in two other normalisations.
macro_rules! one_axis {
    ($($name:ident)*) => {
        vec![$(
            case(concat!("jax.numpy.fft.", stringify!($name))).ulp(4).relative_to_largest().run(|x| fft::$name(&x[0], None, -1, None)),
            case(concat!("jax.numpy.fft.", stringify!($name), "/ortho")).ulp(4).relative_to_largest()
                .run(|x| fft::$name(&x[0], Some(7), 0, "ortho")),
            case(concat!("jax.numpy.fft.", stringify!($name), "/forward")).ulp(4).relative_to_largest()
                .run(|x| fft::$name(&x[0], Some(4), -1, "forward")),
        )*]
    };
}

macro_rules! two_axes {
    ($($name:ident)*) => {
        vec![$(case(concat!("jax.numpy.fft.", stringify!($name))).ulp(4).relative_to_largest()
            .run(|x| fft::$name(&x[0], None, [-2, -1], None))),*]
    };
}

macro_rules! all_axes {
    ($($name:ident)*) => {
        vec![$(
            case(concat!("jax.numpy.fft.", stringify!($name))).ulp(4).relative_to_largest().run(|x| fft::$name(&x[0], None, None, None)),
            case(concat!("jax.numpy.fft.", stringify!($name), "/axes")).ulp(4).relative_to_largest()
                .run(|x| fft::$name(&x[0], Some(&[5, 2]), Some(&[2, 0]), "ortho")),
        )*]
    };
}

pub(crate) fn cases() -> Vec<Case> {
    let more = vec![
        case("jax.numpy.fft.fft/real").ulp(4).relative_to_largest().run(|x| fft::fft(&x[0], None, -1, None)),
        case("jax.numpy.fft.rfft/odd").ulp(4).relative_to_largest().run(|x| fft::rfft(&x[0], None, -1, None)),
        case("jax.numpy.fft.fftfreq").ulp(1).run(|_| fft::fftfreq(7, 0.5)),
        case("jax.numpy.fft.fftfreq/even").run(|_| fft::fftfreq(8, 1.0)),
        case("jax.numpy.fft.rfftfreq").ulp(1).run(|_| fft::rfftfreq(7, 0.5)),
        case("jax.numpy.fft.fftshift").run(|x| fft::fftshift(&x[0], None)),
        case("jax.numpy.fft.ifftshift").run(|x| fft::ifftshift(&x[0], None)),
        case("jax.numpy.fft.fftshift/axis").run(|x| fft::fftshift(&x[0], Some(&[1]))),
        case("jax.lax.fft").ulp(4).relative_to_largest().run(|x| lax::fft(&x[0], FftType::Rfft, &[5])),
    ];
    let one = one_axis!(fft ifft rfft irfft hfft ihfft);
    let two = two_axes!(fft2 ifft2 rfft2 irfft2);
    let all = all_axes!(fftn ifftn rfftn irfftn);
    one.into_iter().chain(two).chain(all).chain(more).collect()
}
