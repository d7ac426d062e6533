//! Random bits.

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

super::scaffold!(Rng "stablehlo.rng", RngBitGenerator "stablehlo.rng_bit_generator");
