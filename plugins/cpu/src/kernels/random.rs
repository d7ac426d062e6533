//! `rng_bit_generator`: Threefry and Philox, a block of counters at a time, so that the rounds run in vector registers.
//!
//! `rng` has no kernel: it is evaluated by the reference. What word goes to which element is the reference evaluation's ([`jacinth_lowering::ops::random::random_bits`]), bit for bit.

use crate::Result;
use jacinth_lowering::Shape;
use jacinth_lowering::ops::random::{RngAlgorithm, RngBitGenerator};

use super::element::multiversion;
use super::strided::{Target, product};
use super::{Builder, Built, Cost, Kernel, KernelContext};

#[derive(Debug)]
struct Bits {
    philox: bool,
    /// Words of the state.
    state: usize,
    shape: Shape,
    /// Bytes of an element.
    width: usize,
    cost: Cost,
}

pub(super) fn rng_bit_generator(op: &RngBitGenerator, b: &Builder<'_>) -> Built {
    let (state, result) = (&b.operands[0], &b.results[1]);
    let words = product(&state.shape);
    let philox = op.rng_algorithm != RngAlgorithm::ThreeFry;
    let fits = if philox { (2..=3).contains(&words) } else { words == 2 };
    let element = result.element;
    if !fits || element.is_complex() || element.bits() != 8 * element.byte_width() {
        return Ok(None);
    }
    let count = product(&result.shape) as u64;
    Ok(Some(Box::new(Bits {
        philox,
        state: words,
        shape: result.shape.clone(),
        width: element.byte_width(),
        cost: b.cost(50 * count),
    })))
}

/// The block of `counter`; straight-line code, so that the loops below become vector code.
#[inline(always)]
fn threefry2x32(key: [u32; 2], counter: [u32; 2]) -> [u32; 2] {
    let schedule = [key[0], key[1], key[0] ^ key[1] ^ 0x1BD1_1BDA];
    let mut x = [counter[0].wrapping_add(key[0]), counter[1].wrapping_add(key[1])];
    macro_rules! group {
        ($g:literal: $($rotation:literal)*) => {
            $(
                x[0] = x[0].wrapping_add(x[1]);
                x[1] = x[1].rotate_left($rotation) ^ x[0];
            )*
            x[0] = x[0].wrapping_add(schedule[($g + 1) % 3]);
            x[1] = x[1].wrapping_add(schedule[($g + 2) % 3]).wrapping_add($g + 1);
        };
    }
    group!(0: 13 15 26 6);
    group!(1: 17 29 16 24);
    group!(2: 13 15 26 6);
    group!(3: 17 29 16 24);
    group!(4: 13 15 26 6);
    x
}

/// As above, for Philox.
#[inline(always)]
fn philox4x32(mut key: [u32; 2], counter: [u32; 4]) -> [u32; 4] {
    let product = |x: u32, by: u32| {
        let wide = u64::from(x) * u64::from(by);
        ((wide >> 32) as u32, wide as u32)
    };
    let mut x = counter;
    for _ in 0..10 {
        let ((high0, low0), (high1, low1)) = (product(x[0], 0xD251_1F53), product(x[2], 0xCD9E_8D57));
        x = [high1 ^ x[1] ^ key[0], low1, high0 ^ x[3] ^ key[1], low0];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    x
}

/// Counters whose blocks are computed together.
const LANES: usize = 64;

multiversion! {
    /// Threefry blocks of consecutive counters.
    fn threefry[](key: [u32; 2], counter: u64, low: &mut [u32; LANES], high: &mut [u32; LANES]) {
        for i in 0..LANES {
            let at = counter.wrapping_add(i as u64);
            [low[i], high[i]] = threefry2x32(key, [at as u32, (at >> 32) as u32]);
        }
    }
}

multiversion! {
    /// Philox blocks of consecutive counters.
    fn philox[](key: [u32; 2], counter: u128, words: &mut [[u32; 4]; LANES]) {
        for (i, words) in words.iter_mut().enumerate() {
            let at = counter.wrapping_add(i as u128);
            *words = philox4x32(key, [at as u32, (at >> 32) as u32, (at >> 64) as u32, (at >> 96) as u32]);
        }
    }
}

impl Kernel for Bits {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        // SAFETY: the state is a vector of that many words.
        let state = unsafe { std::slice::from_raw_parts(inputs[0].cast::<u64>(), self.state) };
        let key = [state[0] as u32, (state[0] >> 32) as u32];
        let count = product(&self.shape);
        let out = Target(outputs[1]);
        let wide = self.width == 8;
        let mut after = [state[0], state[1], 0];
        if self.philox {
            // A state without the counter's upper word begins it with the key.
            let counter = u128::from(state[1]) | u128::from(state.get(2).copied().unwrap_or(state[0])) << 64;
            let words = if wide { 2 * count } else { count };
            let blocks = words.div_ceil(4);
            cx.ranges(blocks.div_ceil(LANES), 64, |groups| {
                let mut values = [[0u32; 4]; LANES];
                for group in groups {
                    philox(key, counter.wrapping_add((group * LANES) as u128), &mut values);
                    let first = group * LANES * 4;
                    let values = &values.as_flattened()[..(words - first).min(4 * LANES)];
                    // SAFETY: groups write disjoint elements of the result.
                    unsafe { self.store_words(out, first, values) };
                }
            });
            let next = counter.wrapping_add(blocks as u128);
            after = [state[0], next as u64, (next >> 64) as u64];
        } else if wide {
            let counter = state[1];
            cx.ranges(count.div_ceil(LANES), 64, |groups| {
                let (mut low, mut high) = ([0; LANES], [0; LANES]);
                for group in groups {
                    threefry(key, counter.wrapping_add((group * LANES) as u64), &mut low, &mut high);
                    for i in 0..LANES.min(count - group * LANES) {
                        let value = u64::from(low[i]) | u64::from(high[i]) << 32;
                        // SAFETY: as above.
                        unsafe { *out.get().cast::<u64>().add(group * LANES + i) = value };
                    }
                }
            });
            after[1] = counter.wrapping_add(count as u64);
        } else {
            after[1] = self.threefry_words(cx, key, state[1], out);
        }
        // SAFETY: the new state, as long as the old one.
        unsafe { std::slice::from_raw_parts_mut(outputs[0].cast::<u64>(), self.state) }
            .copy_from_slice(&after[..self.state]);
        Ok(())
    }

    fn cost(&self) -> Cost {
        self.cost
    }
}

impl Bits {
    /// Writes consecutive words; elements of eight bytes take two of them.
    ///
    /// # Safety
    /// The elements exist and nothing else writes them.
    #[inline(always)]
    unsafe fn store_words(&self, out: Target<u8>, first: usize, words: &[u32]) {
        // An element of eight bytes is its low word followed by its high one only on little-endian machines, so it is put
        // together by value.
        match self.width {
            8 => {
                for (i, pair) in words.chunks_exact(2).enumerate() {
                    let value = u64::from(pair[0]) | u64::from(pair[1]) << 32;
                    // SAFETY: the caller's element of two words.
                    unsafe { *out.get().cast::<u64>().add(first / 2 + i) = value };
                }
            }
            // SAFETY: the caller's elements, one for each word.
            4 => unsafe {
                std::ptr::copy_nonoverlapping(words.as_ptr(), out.get().cast::<u32>().add(first), words.len())
            },
            2 => words
                .iter()
                .enumerate()
                // SAFETY: the caller's element of this word.
                .for_each(|(i, &w)| unsafe { *out.get().cast::<u16>().add(first + i) = w as u16 }),
            // SAFETY: the caller's element of this word.
            _ => words.iter().enumerate().for_each(|(i, &w)| unsafe { *out.get().add(first + i) = w as u8 }),
        }
    }

    /// A word for each element: neighbours along the first even dimension (or else the longest) share a block. Returns the
    /// counter after them.
    fn threefry_words(&self, cx: &KernelContext<'_>, key: [u32; 2], counter: u64, out: Target<u8>) -> u64 {
        let shape = &self.shape;
        let even = shape.iter().position(|d| d % 2 == 0);
        let longest = || (0..shape.len()).rev().max_by_key(|&d| shape[d]);
        let (outer, size, inner) = match even.or_else(longest) {
            Some(d) => (product(&shape[..d]), shape[d] as usize, product(&shape[d + 1..])),
            None => (1, 1, 1),
        };
        let half = size.div_ceil(2);
        let blocks = outer * half * inner;
        if product(shape) > 0 {
            cx.ranges(blocks.div_ceil(LANES), 64, |groups| {
                let (mut low, mut high) = ([0; LANES], [0; LANES]);
                for group in groups {
                    threefry(key, counter.wrapping_add((group * LANES) as u64), &mut low, &mut high);
                    for i in 0..LANES.min(blocks - group * LANES) {
                        let block = group * LANES + i;
                        let (row, x) = (block / inner, block % inner);
                        let (o, h) = (row / half, row % half);
                        let at = (o * size + 2 * h) * inner + x;
                        // SAFETY: blocks write disjoint elements of the result; the last of an odd dimension writes one.
                        unsafe {
                            self.store_words(out, at, &[low[i]]);
                            if 2 * h + 1 < size {
                                self.store_words(out, at + inner, &[high[i]]);
                            }
                        }
                    }
                }
            });
        }
        counter.wrapping_add(blocks as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::tests::{Array, run, ty};
    use jacinth_lowering::ElementType;
    use jacinth_lowering::ops::random::random_bits;

    #[test]
    fn bits_are_the_references() {
        let shapes: [&[i64]; 9] = [&[], &[1], &[7], &[8], &[1000], &[3, 5], &[3, 4, 5], &[5, 3, 2], &[0, 3]];
        let states: [(RngAlgorithm, &[u64]); 4] = [
            (RngAlgorithm::ThreeFry, &[0x0123_4567_89AB_CDEF, u64::MAX - 3]),
            (RngAlgorithm::Philox, &[0x0123_4567_89AB_CDEF, u64::MAX]),
            (RngAlgorithm::Philox, &[1, 2, 3]),
            (RngAlgorithm::Default, &[42, 0]),
        ];
        for (algorithm, state) in states {
            for shape in shapes {
                for e in [
                    ElementType::UI8,
                    ElementType::I16,
                    ElementType::UI32,
                    ElementType::F32,
                    ElementType::UI64,
                ] {
                    let width = e.byte_width();
                    let (values, after) = random_bits(algorithm, state, shape, 8 * width).unwrap();
                    let mut bytes = vec![];
                    for v in values {
                        match width {
                            1 => bytes.push(v as u8),
                            2 => bytes.extend_from_slice(&(v as u16).to_ne_bytes()),
                            4 => bytes.extend_from_slice(&(v as u32).to_ne_bytes()),
                            _ => bytes.extend_from_slice(&v.to_ne_bytes()),
                        }
                    }
                    let op = RngBitGenerator { rng_algorithm: algorithm };
                    let operand = Array::of([2], &[0u64, 0]);
                    let mut operand = Array { ty: ty(&[state.len() as i64], ElementType::UI64), ..operand };
                    operand.bytes = state.iter().flat_map(|s| s.to_ne_bytes()).collect();
                    let out = run(&op.into(), &[operand.clone()], &[operand.ty.clone(), ty(shape, e)]);
                    assert_eq!(out[0].values::<u64>(), after, "{algorithm:?} {shape:?} {e}");
                    assert_eq!(out[1].bytes, bytes, "{algorithm:?} {shape:?} {e}");
                }
            }
        }
    }
}
