//! Special functions that StableHLO lacks, as rows of a table.
//!
//! A row says how a function is computed from arrays of one shape (by rational approximations, or by series and continued fractions in loops
//! that stop when every element has converged) and its derivative in each operand. Half precision is computed in single precision.
//! Besides `jax.lax`'s own functions there are those of `jax.scipy.special` that have a derivative of their own. Deliberately absent: the
//! derivatives of the incomplete beta function in its parameters, which JAX lacks too.

mod gamma;
mod hypergeometric;
mod integrals;
mod rational;
mod tables;

use std::fmt;
use std::hash::{Hash, Hasher};

use smallvec::smallvec;

use super::elementwise::{Accepts, batch_elementwise, common_shape};
use super::rules::{bind1, same_dtypes};
use super::traced::{E, lower_as};
use super::{add_any, convert_element_type, maybe_broadcast, reduce_or};
use crate::error::{Error, Result};
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values,
};
use crate::trace::here;

/// A row of the table.
pub struct Special {
    name: &'static str,
    row: fn() -> &'static Special,
    /// The function of arrays of one shape in single or double precision.
    body: fn(&[E]) -> E,
    /// The tangent that each operand's tangent contributes, from the operands and the result; `None` where there is no derivative.
    partials: &'static [Option<Partial>],
    /// Where samples are drawn from.
    domains: &'static [(f64, f64)],
}

type Partial = fn(g: &E, args: &[E], ans: &E) -> E;

struct Rows;

macro_rules! special {
    ($($(#[$doc:meta])* $vis:vis fn $function:ident($($arg:ident),*) = $name:ident: $body:expr, $domains:expr, $partials:expr;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Panics
            /// If the operands are not floating point of one dtype, or their shapes do not fit.
            #[track_caller]
            $vis fn $function($($arg: &Array),*) -> Array {
                bind1(Rows::$name(), [$($arg),*].map(Array::clone).as_slice())
            }
        )*

        impl Rows {
            $(fn $name() -> &'static Special {
                static ROW: Special = Special {
                    name: stringify!($name),
                    row: Rows::$name,
                    body: $body,
                    partials: $partials,
                    domains: $domains,
                };
                &ROW
            })*
        }

        fn table() -> Vec<&'static Special> {
            vec![$(Rows::$name()),*]
        }
    };
}

special! {
    /// The modified Bessel function of order zero, exponentially scaled: `e^{-|x|} I₀(x)`; by the Chebyshev series of the Cephes library.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([0.0f32, 1.0, 100.0]);
    /// assert_eq!(lax::bessel_i0e(&x).round_to(4).to_string(), "[1.     0.4658 0.0399]");
    /// ```
    pub fn bessel_i0e(x) = bessel_i0e: |args| rational::i0e(&args[0]), &[(0.5, 12.0)],
        &[Some(|g, args, ans| g * (E(super::bessel_i1e(&args[0].0)) - E(super::sign(&args[0].0)) * ans))];
    /// The regularised lower incomplete gamma function `P(a, x) = 1/Γ(a) ∫₀ˣ tᵃ⁻¹ e⁻ᵗ dt`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// // P(1, x) = 1 - e⁻ˣ
    /// let x = Array::from([0.0f32, 1.0, 50.0]);
    /// assert_eq!(lax::igamma(&Array::from(1.0), &x).round_to(4).to_string(), "[0.     0.6321 1.    ]");
    /// ```
    pub fn igamma(a, x) = igamma: |args| gamma::incomplete_gamma(&args[0], &args[1], false), &[(0.5, 3.0), (0.3, 4.0)],
        &[Some(|g, args, _| g * E(igamma_grad_a(&args[0].0, &args[1].0))), Some(|g, args, _| g * density(args))];
    /// The regularised upper incomplete gamma function `Q(a, x) = 1 - P(a, x)`, accurate where that is tiny; see [`igamma`].
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([0.0f32, 1.0, 2.0]);
    /// assert_eq!(lax::igammac(&Array::from(1.0), &x).round_to(4).to_string(), "[1.     0.3679 0.1353]");
    /// ```
    pub fn igammac(a, x) = igammac: |args| gamma::incomplete_gamma(&args[0], &args[1], true), &[(0.5, 3.0), (0.3, 4.0)],
        &[Some(|g, args, _| -(g * E(igamma_grad_a(&args[0].0, &args[1].0)))), Some(|g, args, _| -(g * density(args)))];
    /// The derivative of [`igamma`] in `a`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, grad, lax};
    /// let (a, x) = (Array::from(1.5), Array::from(2.0));
    /// let slope = grad(|a: &Array| lax::igamma(a, &x));
    /// assert_eq!(slope(&a).item::<f32>(), lax::igamma_grad_a(&a, &x).item::<f32>());
    /// ```
    pub fn igamma_grad_a(a, x) = igamma_grad_a: |args| gamma::gamma_derivative(&args[0], &args[1], gamma::Mode::Derivative),
        &[(0.5, 3.0), (0.3, 4.0)], &[None, None];
    /// The derivative in `a` of a sample `x` of the gamma distribution with shape `a`: `-∂P/∂a / ∂P/∂x` of `P(a, x)`, by implicit
    /// differentiation (Figurnov, Mohamed and Mnih, NeurIPS 2018).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let (a, x) = (Array::from([1.0f32, 5.0]), Array::from([0.5f32, 4.0]));
    /// let slope = lax::random_gamma_grad(&a, &x);
    /// assert!(slope.to_vec::<f32>().iter().all(|&s| s > 0.0));
    /// ```
    pub fn random_gamma_grad(a, x) = random_gamma_grad: |args| gamma::gamma_derivative(&args[0], &args[1], gamma::Mode::Sample),
        &[(0.5, 3.0), (0.3, 4.0)], &[None, None];
    /// The regularised incomplete beta function `I_x(a, b) = 1/B(a, b) ∫₀ˣ tᵃ⁻¹ (1 - t)ᵇ⁻¹ dt`; differentiable in `x`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// // I_x(a, 1) = xᵃ
    /// let y = lax::betainc(&Array::from([2.0f32, 3.0]), &Array::from(1.0), &Array::from(0.5));
    /// assert_eq!(y.round_to(4).to_string(), "[0.25  0.125]");
    /// ```
    pub fn betainc(a, b, x) = regularized_incomplete_beta: |args| gamma::incomplete_beta(&args[0], &args[1], &args[2]),
        &[(0.5, 3.0), (0.5, 3.0), (0.1, 0.9)], &[None, None, Some(|g, args, _| {
            let [a, b, x] = args else { unreachable!("three operands") };
            let lbeta = a.lgamma() + b.lgamma() - (a + b).lgamma();
            g * ((b - 1.0) * (-x).log1p() + (a - 1.0) * x.log() - lbeta).exp()
        })];
    /// The exponential integral `Ei(x)`.
    pub(crate) fn expi(x) = expi: |args| rational::expi(&args[0]), &[(0.3, 10.4)],
        &[Some(|g, args, _| g * (args[0].exp() / &args[0]))];
    /// The generalised exponential integral `Eₙ(x)`, for whole `n`.
    pub(crate) fn expn(n, x) = expn: |args| rational::expn(&args[0], &args[1]), &[(2.0, 2.0), (0.3, 4.0)],
        &[None, Some(|g, args, _| -(g * E(expn(&(&args[0] - 1.0).0, &args[1].0))))];
    /// Spence's function, the dilogarithm of `1 - x`.
    pub(crate) fn spence(x) = spence: |args| rational::spence(&args[0]), &[(0.1, 3.0)],
        &[Some(|g, args, _| g * rational::spence_slope(&args[0]))];
    /// The inverse of the distribution function of the normal distribution.
    pub(crate) fn ndtri(p) = ndtri: |args| rational::ndtri(&args[0]), &[(0.1, 0.9)],
        &[Some(|g, _, ans| g * (ans.square() * 0.5).exp() * std::f64::consts::TAU.sqrt())];
    /// The logarithm of the distribution function of the normal distribution.
    pub(crate) fn log_ndtr(x) = log_ndtr: |args| rational::log_ndtr(&args[0]), &[(-12.0, 3.0)],
        &[Some(|g, args, ans| g * (args[0].square() * -0.5 - std::f64::consts::TAU.sqrt().ln() - ans).exp())];
    /// Dawson's integral.
    pub(crate) fn dawsn(x) = dawsn: |args| rational::dawsn(&args[0]), &[(-8.0, 8.0)],
        &[Some(|g, args, ans| g * (1.0 - 2.0 * &args[0] * ans))];
    /// The complementary error function, scaled: `exp(x²) erfc(x)`.
    pub(crate) fn erfcx(x) = erfcx: |args| rational::erfcx(&args[0]), &[(-1.0, 4.0)],
        &[Some(|g, args, ans| g * (2.0 * &args[0] * ans - std::f64::consts::FRAC_2_SQRT_PI))];
    /// The sine integral.
    pub(crate) fn si(x) = si: |args| integrals::sine_integral(&args[0]), &[(0.3, 12.0)],
        &[Some(|g, args, _| g * (args[0].sin() / &args[0]))];
    /// The cosine integral.
    pub(crate) fn ci(x) = ci: |args| integrals::cosine_integral(&args[0]), &[(0.3, 12.0)],
        &[Some(|g, args, _| g * (args[0].cos() / &args[0]))];
    /// Fresnel's integral of the sine.
    pub(crate) fn fresnel_s(x) = fresnel_s: |args| integrals::fresnel(&args[0]).0, &[(-4.0, 4.0)],
        &[Some(|g, args, _| g * integrals::half_square_turn(&args[0]).0)];
    /// Fresnel's integral of the cosine.
    pub(crate) fn fresnel_c(x) = fresnel_c: |args| integrals::fresnel(&args[0]).1, &[(-4.0, 4.0)],
        &[Some(|g, args, _| g * integrals::half_square_turn(&args[0]).1)];
    /// Owen's T function.
    pub(crate) fn owens_t(h, a) = owens_t: |args| integrals::owens_t(&args[0], &args[1]), &[(-2.0, 2.0), (-3.0, 3.0)],
        &[
            Some(|g, args, _| {
                let (h, a) = (&args[0], &args[1]);
                let tail = E(super::erf(&(h * a * std::f64::consts::FRAC_1_SQRT_2).0));
                -(g * (h.square() * -0.5).exp() * tail) / (2.0 * std::f64::consts::TAU.sqrt())
            }),
            Some(|g, args, _| {
                let wide = args[1].square() + 1.0;
                g * (args[0].square() * &wide * -0.5).exp() / (wide * std::f64::consts::TAU)
            }),
        ];
    /// The confluent hypergeometric function `₁F₁(a; b; x)`.
    pub(crate) fn hyp1f1(a, b, x) = hyp1f1: |args| hypergeometric::confluent(&args[0], &args[1], &args[2]),
        &[(0.5, 3.0), (0.5, 3.0), (-2.0, 2.0)],
        &[
            Some(|g, args, _| g * E(hyp1f1_slope_a(&args[0].0, &args[1].0, &args[2].0))),
            Some(|g, args, _| g * E(hyp1f1_slope_b(&args[0].0, &args[1].0, &args[2].0))),
            Some(|g, args, _| {
                let [a, b, x] = args else { unreachable!("three operands") };
                g * (a / b * E(hyp1f1(&(a + 1.0).0, &(b + 1.0).0, &x.0)))
            }),
        ];
    /// The derivative of [`hyp1f1`] in `a`.
    pub(crate) fn hyp1f1_slope_a(a, b, x) = hyp1f1_slope_a: |args| hypergeometric::confluent_slope(&args[0], &args[1], &args[2], false),
        &[(0.5, 3.0), (0.5, 3.0), (-2.0, 2.0)], &[None, None, None];
    /// The derivative of [`hyp1f1`] in `b`.
    pub(crate) fn hyp1f1_slope_b(a, b, x) = hyp1f1_slope_b: |args| hypergeometric::confluent_slope(&args[0], &args[1], &args[2], true),
        &[(0.5, 3.0), (0.5, 3.0), (-2.0, 2.0)], &[None, None, None];
    /// Gauss's hypergeometric function `₂F₁(a, b; c; x)`.
    pub(crate) fn hyp2f1(a, b, c, x) = hyp2f1: |args| hypergeometric::gauss(&args[0], &args[1], &args[2], &args[3]),
        &[(0.5, 2.0), (0.5, 2.0), (4.5, 6.0), (-0.7, 0.7)],
        &[
            Some(|g, args, _| g * E(hyp2f1_slope_a(&args[0].0, &args[1].0, &args[2].0, &args[3].0))),
            Some(|g, args, _| g * E(hyp2f1_slope_b(&args[0].0, &args[1].0, &args[2].0, &args[3].0))),
            Some(|g, args, _| g * E(hyp2f1_slope_c(&args[0].0, &args[1].0, &args[2].0, &args[3].0))),
            Some(|g, args, _| {
                let [a, b, c, x] = args else { unreachable!("four operands") };
                g * (a * b / c * E(hyp2f1(&(a + 1.0).0, &(b + 1.0).0, &(c + 1.0).0, &x.0)))
            }),
        ];
    /// The derivative of [`hyp2f1`] in `a`.
    pub(crate) fn hyp2f1_slope_a(a, b, c, x) = hyp2f1_slope_a: |args| hypergeometric::gauss_slope(args, hypergeometric::Parameter::A),
        &[(0.5, 2.0), (0.5, 2.0), (4.5, 6.0), (-0.7, 0.7)], &[None, None, None, None];
    /// The derivative of [`hyp2f1`] in `b`.
    pub(crate) fn hyp2f1_slope_b(a, b, c, x) = hyp2f1_slope_b: |args| hypergeometric::gauss_slope(args, hypergeometric::Parameter::B),
        &[(0.5, 2.0), (0.5, 2.0), (4.5, 6.0), (-0.7, 0.7)], &[None, None, None, None];
    /// The derivative of [`hyp2f1`] in `c`.
    pub(crate) fn hyp2f1_slope_c(a, b, c, x) = hyp2f1_slope_c: |args| hypergeometric::gauss_slope(args, hypergeometric::Parameter::C),
        &[(0.5, 2.0), (0.5, 2.0), (4.5, 6.0), (-0.7, 0.7)], &[None, None, None, None];
}

/// The density of the gamma distribution, which is the derivative of its distribution function.
fn density(args: &[E]) -> E {
    let (a, x) = (&args[0], &args[1]);
    (-x + (a - 1.0) * x.log() - a.lgamma()).exp()
}

/// The distribution function of the normal distribution.
pub(crate) fn ndtr(x: &Array) -> Array {
    rational::ndtr(&E::from(x)).0
}

/// What the dtype can hold.
struct Limits {
    epsilon: f64,
    max: f64,
    tiny: f64,
}

fn limits(x: &E) -> Limits {
    if x.0.dtype() == DType::F64 {
        return Limits { epsilon: f64::EPSILON, max: f64::MAX, tiny: f64::MIN_POSITIVE };
    }
    Limits { epsilon: f32::EPSILON as f64, max: f32::MAX as f64, tiny: f32::MIN_POSITIVE as f64 }
}

/// Whether one element holds.
fn any(flags: &Array) -> Array {
    reduce_or(flags, &(0..flags.ndim()).collect::<Vec<_>>())
}

fn is_nan(x: &E) -> E {
    x.ne(x)
}

impl Primitive for Special {
    fn name(&self) -> &'static str {
        self.name
    }

    fn params<'a>(&'a self, _: &mut Params<'a>) {}

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        same_dtypes(self.name, args)?;
        Accepts::FLOAT.check(self.name, args[0].dtype)?;
        let shapes: Vec<&[usize]> = args.iter().map(|a| &a.shape[..]).collect();
        let shape = common_shape(self.name, &shapes)?;
        Ok(smallvec![Aval::with_weak_type(shape, args[0].dtype, args.iter().all(|a| a.weak_type))])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::elementwise(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let args: Values = args.iter().map(|&x| cx.broadcast(x, &outs[0])).collect::<Result<_>>()?;
        let dtype = outs[0].dtype;
        lower_as(cx, self.prim(), &args, |args| {
            let wide = if dtype == DType::F64 { DType::F64 } else { DType::F32 };
            let args: Vec<E> = args.iter().map(|x| E(convert_element_type(x, wide))).collect();
            vec![convert_element_type(&(self.body)(&args).0, dtype)]
        })
    }

    fn jvp(&self, primals: &[Array], tangents: &[Option<Array>]) -> (Arrays, Tangents) {
        let ans = bind1(self.prim(), primals);
        let args: Vec<E> = primals.iter().map(E::from).collect();
        let mut sum: Option<Array> = None;
        for (i, t) in tangents.iter().enumerate() {
            let Some(t) = t else { continue };
            let Some(partial) = self.partials[i] else {
                let message = format!("{}: no derivative with respect to operand {i}", self.name);
                Error::unsupported(message).at(here()).raise()
            };
            let part = partial(&E::from(t), &args, &E::from(&ans)).0;
            let part = maybe_broadcast(ans.shape(), &part);
            sum = Some(sum.map_or(part.clone(), |sum| add_any(&sum, &part)));
        }
        (smallvec![ans], smallvec![sum])
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        batch_elementwise(self.prim(), args, dims)
    }

    fn samples() -> Vec<Sample> {
        let mut samples = Vec::new();
        for row in table() {
            let arg = |i: usize, shape: &[usize]| {
                let (low, high) = row.domains[i];
                SampleArg::range(shape.iter().copied(), DType::F32, low, high)
            };
            let count = row.domains.len();
            let smooth = row.partials.iter().all(Option::is_some);
            // One sample each: loops take XLA long to compile.
            let shapes: &[&[usize]] = match count {
                1 => &[&[2, 3]],
                2 => &[&[2, 1], &[2, 3]],
                3 => &[&[2, 1], &[2, 3], &[]],
                _ => &[&[2, 1], &[], &[], &[2, 3]],
            };
            let sample = Sample::new(row, (0..count).map(|i| arg(i, shapes[i])));
            // The derivative with respect to the order, or to a parameter, has none.
            let once = matches!(row.name, "igamma" | "igammac" | "hyp1f1" | "hyp2f1");
            samples.push(match smooth {
                true if once => sample.once_differentiable(),
                true => sample,
                false => sample.not_differentiable(),
            });
        }
        // Functions that have a derivative in their last operand alone.
        samples.push(Sample::of(|dtype| {
            let lit = |v: f64| Array::scalar(v, dtype, false);
            super::traced::call_sample("betainc", &[SampleArg::range([4], dtype, 0.1, 0.9)], |args| {
                vec![betainc(&lit(1.5), &lit(2.5), &args[0])]
            })
        }));
        samples.push(Sample::of(|dtype| {
            let order = |n: f64| Array::scalar(n, dtype, false);
            let x = SampleArg::values([4], dtype, [0.3, 0.9, 1.5, 4.0]);
            super::traced::call_sample("expn", &[x], |args| {
                vec![expn(&order(2.0), &args[0]), expn(&order(3.0), &args[0])]
            })
        }));
        samples
    }
}

impl Special {
    /// The row as a primitive.
    fn prim(&self) -> Prim {
        Prim::Static((self.row)())
    }
}

/// Rows are equal if they are the same row.
impl PartialEq for Special {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Special {}

impl Hash for Special {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Debug for Special {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
