//! The generators of random bits that a plugin brings: rng_bit_generator, and rng_uniform, whose state the plugin keeps.
//!
//! Which bits a plugin's default algorithm gives is its own business. Programs whose numbers must be the same everywhere use `api::random`, which
//! stands on `threefry2x32`.

use jacinth_lowering::Types;
use jacinth_lowering::ops::{elementwise as el, random as ops, shape};
use smallvec::smallvec;

use super::control::Scan;
use super::rules::{at_front, ensure, refuse, zero_jvp};
use crate::error::Result;
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values, tensor_type,
};
use crate::trace::{bind, here, stage};

/// The algorithm of a random bit generator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RandomAlgorithm {
    /// The plugin's choice.
    #[default]
    Default,
    /// Threefry, with a counter.
    ThreeFry,
    /// Philox, with a counter.
    Philox,
}

impl RandomAlgorithm {
    fn hlo(self) -> ops::RngAlgorithm {
        match self {
            RandomAlgorithm::Default => ops::RngAlgorithm::Default,
            RandomAlgorithm::ThreeFry => ops::RngAlgorithm::ThreeFry,
            RandomAlgorithm::Philox => ops::RngAlgorithm::Philox,
        }
    }

    /// The name that jaxprs print.
    fn name(self) -> &'static str {
        match self {
            RandomAlgorithm::Default => "RandomAlgorithm.RNG_DEFAULT",
            RandomAlgorithm::ThreeFry => "RandomAlgorithm.RNG_THREE_FRY",
            RandomAlgorithm::Philox => "RandomAlgorithm.RNG_PHILOX",
        }
    }
}

/// Random bits of a shape and dtype under a key, and the key to use next: `u32[4] → u32[4], dtype[shape]`. The key may be `u64[2]` as well.
/// The bits are the plugin's; those of [`random`](crate::random) are the same on all.
///
/// ```
/// # use jacinth_frontend::{Array, DType, lax};
/// let key = Array::from([1u32, 2, 3, 4]);
/// let (next, bits) = lax::rng_bit_generator(&key, &[2, 3], DType::UI32, Default::default());
/// assert_eq!((next.shape(), bits.shape()), (&[4][..], &[2, 3][..]));
/// ```
///
/// # Panics
/// If the key is no such array or the dtype is no unsigned integer.
#[track_caller]
pub fn rng_bit_generator(
    key: &Array,
    shape: &[usize],
    dtype: DType,
    algorithm: RandomAlgorithm,
) -> (Array, Array) {
    let prim = RngBitGenerator { shape: shape.to_vec(), dtype, algorithm };
    let mut outs = bind(Prim::new(prim), std::slice::from_ref(key)).into_iter();
    let mut next = || outs.next().expect("a key and bits");
    (next(), next())
}

/// Random numbers of a shape, at least `a` and less than `b`, from a state that the plugin keeps: other ones at every run.
///
/// It is neither mapped nor differentiated, as in JAX.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let x = lax::rng_uniform(&Array::from(2.0), &Array::from(3.0), &[4]);
/// assert!(x.to_vec::<f32>().iter().all(|x| (2.0..3.0).contains(x)));
/// ```
///
/// # Panics
/// If `a` and `b` are not scalars of one floating point or integer dtype.
#[track_caller]
pub fn rng_uniform(a: &Array, b: &Array, shape: &[usize]) -> Array {
    super::rules::bind1(Prim::new(RngUniform { shape: shape.to_vec() }), &[a.clone(), b.clone()])
}

/// `rng_bit_generator`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RngBitGenerator {
    /// The shape of the bits.
    pub shape: Vec<usize>,
    /// Their dtype.
    pub dtype: DType,
    /// How they are made.
    pub algorithm: RandomAlgorithm,
}

impl Primitive for RngBitGenerator {
    fn name(&self) -> &'static str {
        "rng_bit_generator"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.show("algorithm", self.algorithm.name());
        params.dtype("dtype", self.dtype);
        params.none("out_sharding");
        params.tuple("shape", &self.shape);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let fits = |dtype, n| args[0].dtype == dtype && args[0].shape[..] == [n];
        ensure!(
            fits(DType::UI32, 4) || fits(DType::UI64, 2),
            "rng_bit_generator" => "the key must be uint32[4] or uint64[2], got {}",
            args[0]
        );
        let dtypes = [DType::UI8, DType::UI16, DType::UI32, DType::UI64];
        ensure!(
            dtypes.contains(&self.dtype),
            "rng_bit_generator" => "bits are unsigned integers of 8 to 64 bits, not {}",
            self.dtype
        );
        Ok(smallvec![args[0].strong(), Aval::new(self.shape.iter().copied(), self.dtype)])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::replicated(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let narrow = outs[0].dtype == DType::UI32;
        let (halves, state) = (Aval::new([2, 2], DType::UI32), Aval::new([2], DType::UI64));
        let mut key = args[0];
        if narrow {
            key = cx.op_as(shape::Reshape, &[key], &halves)?;
            key = cx.op_as(el::BitcastConvert, &[key], &state)?;
        }
        // The operation knows no bits of less than 32.
        let wide = if self.dtype.bits() < 32 { DType::UI32 } else { self.dtype };
        let bits = Aval::new(self.shape.iter().copied(), wide);
        let types: Types = [&state, &bits].into_iter().map(|aval| tensor_type(aval).into()).collect();
        let op = ops::RngBitGenerator { rng_algorithm: self.algorithm.hlo() };
        let results = cx.builder.op_full(op.into(), &[key], Vec::new(), Some(types), Default::default())?;
        let (mut key, mut bits) = (results[0], results[1]);
        if narrow {
            key = cx.op_as(el::BitcastConvert, &[key], &halves)?;
            key = cx.op_as(shape::Reshape, &[key], &outs[0])?;
        }
        if wide != self.dtype {
            bits = cx.op_as(el::Convert, &[bits], &outs[1])?;
        }
        Ok(smallvec![key, bits])
    }

    fn jvp(&self, primals: &[Array], _: &[Option<Array>]) -> (Arrays, Tangents) {
        zero_jvp(Prim::new(self.clone()), primals)
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], axis: &AxisInfo) -> (Arrays, BatchDims) {
        // One key after the other.
        let keys = at_front(&args[0], dims[0], axis.size);
        let key = Aval::new(keys.shape()[1..].iter().copied(), keys.dtype());
        let body = stage("body", &[key], here(), |args| bind(Prim::new(self.clone()), &args).into_vec());
        let scan = Scan {
            jaxpr: body.jaxpr,
            length: axis.size,
            num_consts: 0,
            num_carry: 0,
            reverse: false,
            unroll: 1,
        };
        (bind(Prim::new(scan), &[keys]), smallvec![Some(0), Some(0)])
    }

    fn samples() -> Vec<Sample> {
        let key = || SampleArg::range([4], DType::UI32, 0.0, 1e9);
        [RandomAlgorithm::ThreeFry, RandomAlgorithm::Philox]
            .into_iter()
            .map(|algorithm| {
                let prim = RngBitGenerator { shape: vec![2, 3], dtype: DType::UI32, algorithm };
                Sample::new(Prim::new(prim), [key()]).not_differentiable()
            })
            .collect()
    }
}

/// `rng_uniform`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RngUniform {
    /// The shape of the numbers.
    pub shape: Vec<usize>,
}

impl Primitive for RngUniform {
    fn name(&self) -> &'static str {
        "rng_uniform"
    }

    fn params<'a>(&'a self, params: &mut Params<'a>) {
        params.tuple("shape", &self.shape);
    }

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        let dtype = args[0].dtype;
        ensure!(
            args.iter().all(|a| a.rank() == 0 && a.dtype == dtype) && (dtype.is_float() || dtype.is_integer()),
            "rng_uniform" => "the limits must be scalars of one floating point or integer dtype, got {} and {}",
            args[0],
            args[1]
        );
        Ok(smallvec![Aval::new(self.shape.iter().copied(), dtype)])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::replicated(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let shape: Vec<i64> = self.shape.iter().map(|&d| d as i64).collect();
        let shape = super::gather::vector(cx, &shape, DType::I64)?;
        let op = ops::Rng { rng_distribution: ops::RngDistribution::Uniform };
        Ok(smallvec![cx.op_as(op, &[args[0], args[1], shape], &outs[0])?])
    }

    #[track_caller]
    fn jvp(&self, _: &[Array], _: &[Option<Array>]) -> (Arrays, Tangents) {
        refuse!("rng_uniform" => "has no derivative; use `random::uniform`")
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    #[track_caller]
    fn batch(&self, _: &[Array], _: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        refuse!("rng_uniform" => "cannot be mapped by `vmap`; use `random::uniform`")
    }

    // No two runs give the same: there is nothing that laws could compare.
    fn samples() -> Vec<Sample> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::boundary;
    use crate::{grad, vmap};

    #[test]
    fn uniform_numbers_are_in_their_range_and_keys_are_checked() {
        let limits = [-1.5f32, 2.5].map(Array::from);
        let x = rng_uniform(&limits[0], &limits[1], &[1000]).to_vec::<f32>();
        assert!(x.iter().all(|x| (-1.5..2.5).contains(x)));
        assert!((x.iter().sum::<f32>() / 1000.0 - 0.5).abs() < 0.2, "{x:?}");
        assert!(x.windows(2).any(|w| w[0] != w[1]));
        let error =
            boundary(|| rng_bit_generator(&Array::from([1i32, 2]), &[2], DType::UI32, Default::default()));
        assert!(error.unwrap_err().to_string().contains("the key must be uint32[4]"));
        let error = boundary(|| grad(|a: &Array| rng_uniform(a, &Array::from(1.0f32), &[]))(&limits[0]));
        assert!(error.unwrap_err().to_string().contains("rng_uniform: has no derivative"));
        let error =
            boundary(|| vmap(|a: &Array| rng_uniform(a, &Array::from(1.0f32), &[]))(&Array::from([0.0f32])));
        assert!(error.unwrap_err().to_string().contains("rng_uniform: cannot be mapped"));
    }
}
