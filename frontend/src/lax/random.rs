//! Random numbers: the hash `threefry2x32`, on which every generator of `api::random` stands.
//!
//! Bits are JAX's: the function is Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
//! SC'11), lowered to plain StableHLO as one private function whose rounds are written out, so that a compiler that fuses
//! elementwise operations makes one pass of it. Deliberately absent: keys and distributions, which are the api's.

use smallvec::smallvec;

use super::rules::{ensure, zero_jvp};
use super::traced::lower_as;
use super::{
    add, batch_elementwise, common_shape, maybe_broadcast, or, shift_left, shift_right_logical, xor,
};
use crate::error::Result;
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values, numpy_name,
};
use crate::trace::bind;

/// The Threefry-2x32 hash, of 20 rounds, of two counters under a key of two words (Salmon et al., SC 2011): `u32[…] × 4 → u32[…] × 2`.
///
/// Shapes are equal, or scalars beside one shape, dimensions of size one stretching.
///
/// ```
/// # use jacinth_frontend::{Array, lax};
/// let zero = Array::from([0u32]);
/// let (a, b) = lax::threefry2x32(&zero, &zero, &zero, &zero);
/// assert_eq!((a.to_vec::<u32>(), b.to_vec::<u32>()), (vec![0x6b20_0159], vec![0x99ba_4efe]));
/// ```
///
/// # Panics
/// If an operand is not `u32`, or shapes do not fit.
#[track_caller]
pub fn threefry2x32(k1: &Array, k2: &Array, x1: &Array, x2: &Array) -> (Array, Array) {
    let mut outs =
        bind(Prim::from(&Threefry2x32), &[k1.clone(), k2.clone(), x1.clone(), x2.clone()]).into_iter();
    let mut next = || outs.next().expect("threefry2x32 gives two words");
    (next(), next())
}

/// `threefry2x32`; see the function of that name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Threefry2x32;

/// How far the second word is rotated in each round; the two groups take turns.
const ROTATIONS: [[u32; 4]; 2] = [[13, 15, 26, 6], [17, 29, 16, 24]];
/// The parity of the key schedule's third word.
const PARITY: u32 = 0x1BD1_1BDA;

/// The rounds: five groups of four, a word of the key schedule after each.
fn rounds(args: &[Array]) -> Vec<Array> {
    let word = |value: u32| Array::scalar(value, DType::UI32, false);
    let [k1, k2, x1, x2] = args else { unreachable!("abstract evaluation counted the operands") };
    let schedule = [k1.clone(), k2.clone(), xor(&xor(k1, k2), &word(PARITY))];
    let shape = common_shape("threefry2x32", &[k1.shape(), k2.shape(), x1.shape(), x2.shape()]);
    let shape = shape.expect("abstract evaluation checked the shapes");
    let mut x = [add(x1, k1), add(x2, k2)];
    for group in 0..5 {
        for rotation in ROTATIONS[group % 2] {
            x[0] = add(&x[0], &x[1]);
            let rotated =
                or(&shift_left(&x[1], &word(rotation)), &shift_right_logical(&x[1], &word(32 - rotation)));
            x[1] = xor(&x[0], &rotated);
        }
        x[0] = add(&x[0], &schedule[(group + 1) % 3]);
        // The words are added first: where the key is a scalar that is one operation of scalars.
        x[1] = add(&x[1], &add(&schedule[(group + 2) % 3], &word(group as u32 + 1)));
    }
    x.iter().map(|x| maybe_broadcast(&shape, x)).collect()
}

impl Primitive for Threefry2x32 {
    fn name(&self) -> &'static str {
        "threefry2x32"
    }

    fn params<'a>(&'a self, _: &mut Params<'a>) {}

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        ensure!(args.len() == 4, "threefry2x32" => "takes two words of key and two counters, got {} operands", args.len());
        ensure!(
            args.iter().all(|a| a.dtype == DType::UI32),
            "threefry2x32" => "operands must be uint32, got {}",
            args.iter().map(|a| numpy_name(a.dtype)).collect::<Vec<_>>().join(", ")
        );
        let shape = common_shape("threefry2x32", &args.iter().map(|a| &a.shape[..]).collect::<Vec<_>>())?;
        let out = Aval::new(shape.iter().copied(), DType::UI32);
        Ok(smallvec![out.clone(), out])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::elementwise(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], _: &[Aval]) -> Result<Values> {
        lower_as(cx, Prim::from(&Threefry2x32), args, rounds)
    }

    fn jvp(&self, primals: &[Array], _: &[Option<Array>]) -> (Arrays, Tangents) {
        zero_jvp(Prim::from(&Threefry2x32), primals)
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        batch_elementwise(Prim::from(&Threefry2x32), args, dims)
    }

    fn samples() -> Vec<Sample> {
        let words = |shape: &[usize]| SampleArg::range(shape.iter().copied(), DType::UI32, 0.0, 1e9);
        let sample = |shapes: [&[usize]; 4]| Sample::new(Prim::from(&Threefry2x32), shapes.map(words));
        vec![
            sample([&[], &[], &[3], &[3]]),
            sample([&[], &[], &[], &[]]),
            sample([&[2, 1], &[2, 1], &[2, 3], &[1, 3]]),
            sample([&[], &[], &[0], &[0]]),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        // Known answers of the Random123 distribution, which JAX's tests use too.
        let check = |key: [u32; 2], counter: [u32; 2], expected: [u32; 2]| {
            let [k1, k2, x1, x2] =
                [key[0], key[1], counter[0], counter[1]].map(|v| Array::from_slice(&[v], 1));
            let (a, b) = threefry2x32(&k1, &k2, &x1, &x2);
            assert_eq!([a.to_vec::<u32>()[0], b.to_vec::<u32>()[0]], expected);
        };
        check([0, 0], [0, 0], [0x6b200159, 0x99ba4efe]);
        check([u32::MAX; 2], [u32::MAX; 2], [0x1cb996fc, 0xbb002be7]);
        check([0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3], [0xc4923a9c, 0x483df7a0]);
    }
}
