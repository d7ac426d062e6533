//! The lines of the tables: what a case is in Rust, and how near its results must come.

use jacinth_frontend::{Array, DType};

/// One line: a public name of JAX, perhaps with a variant, and the same computation in Rust.
pub(crate) struct Case {
    /// `jax.numpy.sin` or `jax.numpy.sin/variant`.
    pub(crate) name: &'static str,
    /// How near results must come.
    pub(crate) value: Tolerance,
    /// How near cotangents must come, where that is said.
    pub(crate) grad: Option<Tolerance>,
    /// How many units further results may be on XLA's plugin.
    pub(crate) fused: u32,
    /// Whether to run without `jit`.
    pub(crate) eager: bool,
    /// Whether derivatives are limits of differences.
    pub(crate) smooth: Smooth,
    /// The computation.
    pub(crate) run: Box<dyn Fn(&[Array]) -> Vec<Array> + Send + Sync>,
}

/// XLA fuses a whole case, where JAX evaluated it operation by operation, and picks instructions by the processor: so many units more
/// are seen there, where a line is not exact.
const FUSED: u32 = 3;

/// Whether the derivatives of a case are the limits of differences in double precision.
#[derive(Clone, Debug)]
pub(crate) enum Smooth {
    Yes,
    /// They are not, for this reason: a kink or a jump at the golden inputs, or a derivative that is zero by definition.
    No(&'static str),
    /// They are, but cotangents are not adjoint to them, for this reason.
    NotAdjoint(&'static str),
    /// Neither law holds, because values and derivatives are rounded to fewer bits on the way.
    Rounds,
    /// There are none, for this reason: to ask for one is an error.
    Refused(&'static str),
}

/// How far a float may be from JAX's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tolerance {
    /// In units in the last place, for dtypes that are not in `of`.
    pub(crate) ulp: u32,
    pub(crate) of: Vec<(DType, u32)>,
    /// Absolute differences that always pass.
    pub(crate) floor: f64,
    /// Whether the unit is the one of the array's largest element.
    pub(crate) largest: bool,
}

impl Tolerance {
    /// The units that are allowed in that dtype.
    pub(crate) fn ulp(&self, dtype: DType) -> u32 {
        let real = if dtype.is_complex() { dtype.real() } else { dtype };
        self.of.iter().find(|(d, _)| *d == real).map_or(self.ulp, |(_, ulp)| *ulp)
    }
}

impl Tolerance {
    /// The same with so many units more in every dtype that is not exact: what is exact stays so.
    pub(crate) fn with_slack(&self, units: u32) -> Tolerance {
        let mut wider = self.clone();
        let allowed = wider.of.iter_mut().map(|(_, n)| n).chain([&mut wider.ulp]);
        allowed.filter(|n| **n > 0).for_each(|n| *n += units);
        wider
    }
}

impl Case {
    /// How near cotangents must come.
    pub(crate) fn gradient(&self) -> &Tolerance {
        self.grad.as_ref().unwrap_or(&self.value)
    }

    /// The public name alone.
    pub(crate) fn function(&self) -> &'static str {
        self.name.split('/').next().expect("a name")
    }
}

/// Starts a line: `case("jax.numpy.sin").ulp(2).run(|x| jnp::sin(&x[0]))`.
pub(crate) fn case(name: &'static str) -> Builder {
    Builder { name, value: Tolerance::default(), grad: None, fused: FUSED, eager: false, smooth: Smooth::Yes }
}

/// A line that lacks its computation.
pub(crate) struct Builder {
    name: &'static str,
    value: Tolerance,
    grad: Option<Tolerance>,
    fused: u32,
    eager: bool,
    smooth: Smooth,
}

#[allow(dead_code, reason = "what a family needs, it takes")]
impl Builder {
    /// Units in the last place, in each float dtype.
    pub(crate) fn ulp(mut self, n: u32) -> Builder {
        self.value.ulp = n;
        self
    }

    /// Units in the last place in one dtype (complex numbers: that of their parts).
    pub(crate) fn ulp_of(mut self, dtype: DType, n: u32) -> Builder {
        self.value.of.push((dtype, n));
        self
    }

    /// Units in the last place of cotangents.
    pub(crate) fn grad_ulp(mut self, n: u32) -> Builder {
        self.grad.get_or_insert_default().ulp = n;
        self
    }

    /// Units in the last place of cotangents in one dtype; the others are as [`Builder::grad_ulp`] says, or exact.
    pub(crate) fn grad_ulp_of(mut self, dtype: DType, n: u32) -> Builder {
        self.grad.get_or_insert_default().of.push((dtype, n));
        self
    }

    /// Units of cotangents alone are those of the largest element.
    pub(crate) fn grad_relative_to_largest(mut self) -> Builder {
        self.grad.get_or_insert_default().largest = true;
        self
    }

    /// Absolute differences up to this pass; state it where results near zero come from cancellation.
    pub(crate) fn floor(mut self, difference: f64) -> Builder {
        self.value.floor = difference;
        self
    }

    /// Units are those of the array's largest element; for sums in which terms cancel.
    pub(crate) fn relative_to_largest(mut self) -> Builder {
        self.value.largest = true;
        self
    }

    /// Units more on XLA's plugin, where its fusions move results further than elsewhere.
    pub(crate) fn fused(mut self, n: u32) -> Builder {
        self.fused = n;
        self
    }

    /// Runs without `jit`.
    pub(crate) fn eager(mut self) -> Builder {
        self.eager = true;
        self
    }

    /// Derivatives are no limits of differences here, for that reason. A test fails where they are.
    pub(crate) fn not_smooth(mut self, why: &'static str) -> Builder {
        self.smooth = Smooth::No(why);
        self
    }

    /// Cotangents are not adjoint to derivatives, for that reason. A test fails where they are.
    pub(crate) fn not_adjoint(mut self, why: &'static str) -> Builder {
        self.smooth = Smooth::NotAdjoint(why);
        self
    }

    /// Values and derivatives are rounded to fewer bits on the way. A test fails where they are not.
    pub(crate) fn rounds(mut self) -> Builder {
        self.smooth = Smooth::Rounds;
        self
    }

    /// There are no derivatives, for that reason: asking for one must be an error.
    pub(crate) fn refused(mut self, why: &'static str) -> Builder {
        self.smooth = Smooth::Refused(why);
        self
    }

    /// The computation: one array, several, or a tuple of two to four.
    pub(crate) fn run<O: Outputs>(self, f: impl Fn(&[Array]) -> O + Send + Sync + 'static) -> Case {
        let Builder { name, value, mut grad, fused, eager, smooth } = self;
        if let Some(grad) = &mut grad {
            grad.largest |= value.largest;
            grad.floor = grad.floor.max(value.floor);
        }
        Case { name, value, grad, fused, eager, smooth, run: Box::new(move |x| f(x).into_vec()) }
    }
}

/// What a computation may give.
pub(crate) trait Outputs {
    /// The arrays in the order of JAX's leaves.
    fn into_vec(self) -> Vec<Array>;
}

impl Outputs for Array {
    fn into_vec(self) -> Vec<Array> {
        vec![self]
    }
}

impl Outputs for Vec<Array> {
    fn into_vec(self) -> Vec<Array> {
        self
    }
}

impl<const N: usize> Outputs for [Array; N] {
    fn into_vec(self) -> Vec<Array> {
        self.into()
    }
}

impl Outputs for (Array, Array) {
    fn into_vec(self) -> Vec<Array> {
        vec![self.0, self.1]
    }
}

impl Outputs for (Array, Array, Array) {
    fn into_vec(self) -> Vec<Array> {
        vec![self.0, self.1, self.2]
    }
}
