//! Random bits.

use super::rules::{arity, fits, named, shapes_agree};
use super::{Context, EvalContext, OpDef};
use crate::attribute::{Attribute, Attributes, enum_name};
use crate::element::{self, Scalar};
use crate::eval::Datum;
use crate::eval::index::{self, Elements, Indices};
use crate::{DYNAMIC, ElementType, Error, Literal, Result, TensorType, Type, Types};

/// Distributions of `rng`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RngDistribution {
    /// `UNIFORM`.
    Uniform,
    /// `NORMAL`.
    Normal,
}

/// Algorithms of `rng_bit_generator`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RngAlgorithm {
    /// `DEFAULT`: the implementation's choice.
    Default,
    /// `THREE_FRY`.
    ThreeFry,
    /// `PHILOX`.
    Philox,
}

/// `stablehlo.rng(a, b, shape)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Rng {
    /// Which distribution.
    pub rng_distribution: RngDistribution,
}

/// `stablehlo.rng_bit_generator(initial_state)`: the new state and the bits.
#[derive(Clone, PartialEq, Debug)]
pub struct RngBitGenerator {
    /// Which algorithm.
    pub rng_algorithm: RngAlgorithm,
}

const DISTRIBUTIONS: &[(RngDistribution, &str)] =
    &[(RngDistribution::Uniform, "UNIFORM"), (RngDistribution::Normal, "NORMAL")];

const ALGORITHMS: &[(RngAlgorithm, &str)] = &[
    (RngAlgorithm::Default, "DEFAULT"),
    (RngAlgorithm::ThreeFry, "THREE_FRY"),
    (RngAlgorithm::Philox, "PHILOX"),
];

/// Threefry-2x32 with 20 rounds (Salmon et al., SC 2011): the block that `counter` names under `key`.
///
/// ```
/// # use jacinth_lowering::ops::random::threefry2x32;
/// assert_eq!(threefry2x32([0, 0], [0, 0]), [0x6b20_0159, 0x99ba_4efe]); // the test vector of the authors' code
/// ```
pub fn threefry2x32(key: [u32; 2], counter: [u32; 2]) -> [u32; 2] {
    const ROTATIONS: [[u32; 4]; 2] = [[13, 15, 26, 6], [17, 29, 16, 24]];
    let schedule = [key[0], key[1], key[0] ^ key[1] ^ 0x1BD1_1BDA];
    let mut x = [counter[0].wrapping_add(key[0]), counter[1].wrapping_add(key[1])];
    for group in 0..5 {
        for rotation in ROTATIONS[group % 2] {
            x[0] = x[0].wrapping_add(x[1]);
            x[1] = x[1].rotate_left(rotation) ^ x[0];
        }
        x[0] = x[0].wrapping_add(schedule[(group + 1) % 3]);
        x[1] = x[1].wrapping_add(schedule[(group + 2) % 3]).wrapping_add(group as u32 + 1);
    }
    x
}

/// Philox-4x32 with 10 rounds (Salmon et al., SC 2011): the block that `counter` names under `key`.
pub fn philox4x32(mut key: [u32; 2], counter: [u32; 4]) -> [u32; 4] {
    let product = |x: u32, by: u32| {
        let wide = u64::from(x) * u64::from(by);
        ((wide >> 32) as u32, wide as u32)
    };
    let mut x = counter;
    for _ in 0..10 {
        let (high0, low0) = product(x[0], 0xD251_1F53);
        let (high1, low1) = product(x[2], 0xCD9E_8D57);
        x = [high1 ^ x[1] ^ key[0], low1, high0 ^ x[3] ^ key[1], low0];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    x
}

fn halves_of(x: u64) -> [u32; 2] {
    [x as u32, (x >> 32) as u32]
}

fn whole([low, high]: [u32; 2]) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

/// The random bits of each element of a tensor of that shape, `bits` wide (in the low bits where narrower), and the state after them, as
/// XLA's bit generators give them.
///
/// The state is a key followed by a counter of one word (both algorithms) or two (Philox). Elements of up to 32 bits
/// take a word each, those of 64 bits two.
pub fn random_bits(
    algorithm: RngAlgorithm,
    state: &[u64],
    shape: &[i64],
    bits: usize,
) -> Result<(Vec<u64>, Vec<u64>)> {
    let wide = bits > 32;
    let count: usize = shape.iter().map(|&d| d as usize).product();
    match (algorithm, state) {
        (RngAlgorithm::ThreeFry, &[key, counter]) => {
            let (values, used) =
                if wide { threefry_wide(key, counter, count) } else { threefry_words(key, counter, shape) };
            Ok((values, vec![key, counter.wrapping_add(used)]))
        }
        (RngAlgorithm::Philox | RngAlgorithm::Default, &[key, low, ..]) if state.len() <= 3 => {
            // A state without the counter's upper word begins it with the key.
            let high = state.get(2).copied().unwrap_or(key);
            let counter = u128::from(low) | u128::from(high) << 64;
            let words = if wide { 2 * count } else { count };
            let blocks = words.div_ceil(4);
            let word = |i: usize| {
                let at = counter.wrapping_add((i / 4) as u128);
                let [a, b] = halves_of(at as u64);
                let [c, d] = halves_of((at >> 64) as u64);
                philox4x32(halves_of(key), [a, b, c, d])[i % 4]
            };
            let values = match wide {
                true => (0..count).map(|i| whole([word(2 * i), word(2 * i + 1)])).collect(),
                false => (0..count).map(|i| word(i).into()).collect(),
            };
            let after = counter.wrapping_add(blocks as u128);
            let after = [key, after as u64, (after >> 64) as u64];
            Ok((values, after[..state.len()].to_vec()))
        }
        _ => {
            let n = state.len();
            let message = format!("rng_bit_generator: a state of {n} words does not fit the algorithm");
            Err(Error::constraint("rng_bit_generator_c2", message))
        }
    }
}

/// A block of two words for each element.
fn threefry_wide(key: u64, counter: u64, count: usize) -> (Vec<u64>, u64) {
    let block = |i: usize| threefry2x32(halves_of(key), halves_of(counter.wrapping_add(i as u64)));
    ((0..count).map(|i| whole(block(i))).collect(), count as u64)
}

/// A word for each element: neighbours along the first even dimension (or else the longest) share a block.
fn threefry_words(key: u64, counter: u64, shape: &[i64]) -> (Vec<u64>, u64) {
    let even = shape.iter().position(|d| d % 2 == 0);
    let longest = || (0..shape.len()).rev().max_by_key(|&d| shape[d]);
    let Some(split) = even.or_else(longest) else {
        return (vec![threefry2x32(halves_of(key), halves_of(counter))[0].into()], 1);
    };
    let mut half: Vec<i64> = shape.to_vec();
    half[split] = (half[split] + 1) / 2;
    let strides = index::strides(&half);
    let mut values = Vec::new();
    let mut indices = Indices::new(shape);
    while let Some(at) = indices.next() {
        let mut at: index::Index = at.into();
        let which = at[split] % 2;
        at[split] /= 2;
        let block = counter.wrapping_add(index::offset(&at, &strides) as u64);
        values.push(threefry2x32(halves_of(key), halves_of(block))[which as usize].into());
    }
    (values, half.iter().product::<i64>() as u64)
}

impl OpDef for RngBitGenerator {
    named!("stablehlo.rng_bit_generator");

    fn attributes(&self) -> Attributes {
        let mut out = Attributes::new();
        out.set(
            "rng_algorithm",
            Attribute::enumeration("rng_algorithm", enum_name(&self.rng_algorithm, ALGORITHMS)),
        );
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let op = "rng_bit_generator";
        Ok(RngBitGenerator { rng_algorithm: attributes.take_enum(op, "rng_algorithm", ALGORITHMS)? })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let op = "rng_bit_generator";
        arity(op, cx, 1, 0)?;
        let state = cx.tensor(op, 0)?;
        let fits = match self.rng_algorithm {
            RngAlgorithm::Default => true,
            RngAlgorithm::ThreeFry => fits(state.shape.first().copied().unwrap_or(0), 2),
            RngAlgorithm::Philox => matches!(state.shape.first(), Some(&(2 | 3 | DYNAMIC))),
        };
        if state.rank() != 1 || !matches!(state.element, ElementType::UI64) || !fits {
            let message =
                format!("{op}: the state must be a vector of ui64 that fits the algorithm, got {state}");
            return Err(Error::constraint("rng_bit_generator_c2", message));
        }
        Ok(None)
    }

    fn verify(&self, cx: &Context<'_>, results: &[Type]) -> Result<()> {
        let op = "rng_bit_generator";
        let state = cx.tensor(op, 0)?;
        let [Type::Tensor(after), Type::Tensor(output)] = results else {
            return Err(Error::verify(format!(
                "{op}: expected a state and bits as results, got {results:?}"
            )));
        };
        if after.element != state.element || !shapes_agree(&after.shape, &state.shape) {
            let message = format!("{op}: the state is {state}, the state after it is declared {after}");
            return Err(Error::constraint("rng_bit_generator_c1", message));
        }
        match output.element.is_integer() || output.element.is_float() {
            true => Ok(()),
            false => Err(Error::verify(format!("{op}: the bits must be integers or floats, got {output}"))),
        }
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let op = "rng_bit_generator";
        let initial = cx.tensor(op, 0)?;
        let state = initial
            .to_vec::<u64>()
            .ok_or_else(|| Error::eval(format!("{op}: the state must be ui64, got {}", initial.ty())))?;
        let ty = cx.result(op, 1)?;
        if !ty.is_static() {
            return Err(Error::unsupported(format!("{op}: a result of dynamic shape {ty}")));
        }
        let bits = ty.element.bits();
        let (values, after) = random_bits(self.rng_algorithm, &state, &ty.shape, bits)?;
        let mut out = Elements::zeros(ty)?;
        let mut bytes = Vec::new();
        for (i, value) in values.into_iter().enumerate() {
            bytes.clear();
            match ty.element.is_integer() {
                true => element::write(ty.element, Scalar::Int(value.into()), &mut bytes),
                false => {
                    let mask = u64::MAX >> (64 - bits as u32);
                    element::push_bits((value & mask).into(), ty.element.byte_width(), &mut bytes);
                }
            }
            out.set(i, &bytes);
        }
        let after = Literal::new(initial.ty().shape.iter().copied(), &after)?;
        Ok(vec![after.into(), out.finish().into()])
    }
}

impl OpDef for Rng {
    named!("stablehlo.rng");

    fn attributes(&self) -> Attributes {
        let mut out = Attributes::new();
        let name = enum_name(&self.rng_distribution, DISTRIBUTIONS);
        out.set("rng_distribution", Attribute::enumeration("rng_distribution", name));
        out
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        Ok(Rng { rng_distribution: attributes.take_enum("rng", "rng_distribution", DISTRIBUTIONS)? })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let op = "rng";
        arity(op, cx, 3, 0)?;
        let (a, b, shape) = (cx.tensor(op, 0)?, cx.tensor(op, 1)?, cx.tensor(op, 2)?);
        if a.rank() != 0 || a != b || a.element.is_complex() {
            let message = format!("{op}: a and b must be scalars of one real type, got {a} and {b}");
            return Err(Error::constraint("rng_c1", message));
        }
        if self.rng_distribution == RngDistribution::Normal && !a.element.is_float() {
            return Err(Error::constraint("rng_c2", format!("{op}: NORMAL needs floats, got {a}")));
        }
        if shape.rank() != 1 || !shape.element.is_integer() {
            return Err(Error::verify(format!("{op}: the shape must be a vector of integers, got {shape}")));
        }
        Ok(None)
    }

    fn verify(&self, cx: &Context<'_>, results: &[Type]) -> Result<()> {
        let op = "rng";
        let (a, shape) = (cx.tensor(op, 0)?, cx.tensor(op, 2)?);
        match results {
            [Type::Tensor(ty)] if ty.element != a.element => {
                Err(Error::constraint("rng_c1", format!("{op}: a is {a}, the result is declared {ty}")))
            }
            [Type::Tensor(ty)] if !fits(ty.rank() as i64, shape.shape[0]) => Err(Error::constraint(
                "rng_c3",
                format!("{op}: the shape is {shape}, the result is declared {ty}"),
            )),
            [Type::Tensor(_)] => Ok(()),
            _ => Err(Error::verify(format!("{op}: expected one tensor as result, got {results:?}"))),
        }
    }

    /// Drawn from the evaluator's own stream, which begins anew with each evaluator.
    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let op = "rng";
        let (a, b) = (cx.tensor(op, 0)?, cx.tensor(op, 1)?);
        let sizes = index::ints(cx.tensor(op, 2)?)?;
        let declared = cx.result(op, 0)?;
        if !shapes_agree(&sizes, &declared.shape) {
            let message = format!("{op}: the shape is {sizes:?}, the result is declared {declared}");
            return Err(Error::constraint("rng_c3", message));
        }
        let ty = TensorType::new(sizes, a.ty().element);
        let mut out = Elements::zeros(&ty)?;
        let mut bytes = Vec::new();
        let scalar = |literal: &Literal| element::read(ty.element, literal.element(0));
        let (low, high) = (scalar(a), scalar(b));
        // Uniform in [0, 1), from the upper 53 bits.
        let unit = |bits: u64| (bits >> 11) as f64 / (1u64 << 53) as f64;
        for i in 0..ty.num_elements().unwrap_or(0) {
            let first = cx.evaluator.draw();
            let value = match (self.rng_distribution, low, high) {
                (RngDistribution::Uniform, Scalar::Int(low), Scalar::Int(high)) if high > low => {
                    Scalar::Int(low + i128::from(first) % (high - low))
                }
                (RngDistribution::Uniform, Scalar::Float(low), Scalar::Float(high)) => {
                    Scalar::Float(low + unit(first) * (high - low))
                }
                (RngDistribution::Normal, Scalar::Float(mean), Scalar::Float(deviation)) => {
                    // Box and Muller's transform of two uniform numbers.
                    let radius = (-2.0 * (1.0 - unit(first)).ln()).sqrt();
                    let angle = std::f64::consts::TAU * unit(cx.evaluator.draw());
                    Scalar::Float(mean + deviation * radius * angle.cos())
                }
                (_, low, _) => low,
            };
            bytes.clear();
            element::write(ty.element, value, &mut bytes);
            // Rounding to a narrow type may reach the upper bound, which is excluded.
            if self.rng_distribution == RngDistribution::Uniform && bytes == b.element(0) {
                bytes.copy_from_slice(a.element(0));
            }
            out.set(i, &bytes);
        }
        Ok(vec![out.finish().into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key 0x0000000200000001, counter 0x0000000400000003.
    const STATE: [u64; 2] = [0x2_0000_0001, 0x4_0000_0003];

    /// Expected values are JAX 0.10.2's `lax.rng_bit_generator` on XLA:CPU.
    #[test]
    fn threefry_is_xlas() {
        let bits = |shape: &[i64], bits| random_bits(RngAlgorithm::ThreeFry, &STATE, shape, bits).unwrap();
        let after = |n: u64| vec![STATE[0], STATE[1] + n];
        assert_eq!(bits(&[], 32), (vec![1576285164], after(1)));
        assert_eq!(bits(&[3], 32), (vec![1576285164, 2249660814, 740599976], after(2)));
        assert_eq!(
            bits(&[2, 3], 32),
            (vec![1576285164, 740599976, 2436392515, 2249660814, 2425682526, 1497962777], after(3))
        );
        let (values, state) = bits(&[3, 5], 16);
        assert_eq!(
            values.iter().map(|v| v & 0xffff).take(6).collect::<Vec<_>>(),
            [13292, 6542, 43176, 64094, 26179, 64347]
        );
        assert_eq!(state, after(9));
        assert_eq!(
            bits(&[3], 64),
            (vec![9662219624799024108, 10418227120389269672, 6433701140276733507], after(3))
        );
    }

    /// As above; the counter of the last case overflows its lower word.
    #[test]
    fn philox_is_xlas() {
        let bits = |shape: &[i64], bits| random_bits(RngAlgorithm::Philox, &STATE, shape, bits).unwrap();
        let after = |n: u64| vec![STATE[0], STATE[1] + n];
        assert_eq!(
            bits(&[2, 3], 32),
            (vec![512747620, 1298009047, 1267190206, 761827841, 1383286907, 1639995030], after(2))
        );
        assert_eq!(
            bits(&[3], 64),
            (vec![5574906407289874532, 3272025663544478142, 7043725020835825787], after(2))
        );
        let state = [0x7_dead_beef, u64::MAX];
        let (values, after) = random_bits(RngAlgorithm::Default, &state, &[2, 3], 32).unwrap();
        assert_eq!(values, [4286723480, 1818644965, 2894783420, 2774620991, 2218215406, 756420429]);
        assert_eq!(after, [state[0], 1]);
    }

    #[test]
    fn a_state_of_the_wrong_size_is_refused() {
        assert!(random_bits(RngAlgorithm::ThreeFry, &[1, 2, 3], &[1], 32).is_err());
        assert!(random_bits(RngAlgorithm::Philox, &[1], &[1], 32).is_err());
    }
}
