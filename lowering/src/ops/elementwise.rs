//! Operations element by element: unary, binary, compare, select, clamp and the conversions.
//!
//! The unary and binary families are tables; CHLO's elementwise functions stand in the same tables under their own
//! dialect's name, because they have the same form.

/// One operand, element by element.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unary {
    /// `stablehlo.abs`.
    Abs,
    /// `stablehlo.cbrt`.
    Cbrt,
    /// `stablehlo.ceil`.
    Ceil,
    /// `stablehlo.count_leading_zeros`.
    CountLeadingZeros,
    /// `stablehlo.cosine`.
    Cosine,
    /// `stablehlo.exponential`.
    Exponential,
    /// `stablehlo.exponential_minus_one`.
    ExponentialMinusOne,
    /// `stablehlo.floor`.
    Floor,
    /// `stablehlo.imag`.
    Imag,
    /// `stablehlo.is_finite`.
    IsFinite,
    /// `stablehlo.log`.
    Log,
    /// `stablehlo.log_plus_one`.
    LogPlusOne,
    /// `stablehlo.logistic`.
    Logistic,
    /// `stablehlo.negate`.
    Negate,
    /// `stablehlo.not`.
    Not,
    /// `stablehlo.popcnt`.
    Popcnt,
    /// `stablehlo.real`.
    Real,
    /// `stablehlo.round_nearest_afz`.
    RoundNearestAfz,
    /// `stablehlo.round_nearest_even`.
    RoundNearestEven,
    /// `stablehlo.rsqrt`.
    Rsqrt,
    /// `stablehlo.sign`.
    Sign,
    /// `stablehlo.sine`.
    Sine,
    /// `stablehlo.sqrt`.
    Sqrt,
    /// `stablehlo.tan`.
    Tan,
    /// `stablehlo.tanh`.
    Tanh,
    /// `chlo.acos`.
    Acos,
    /// `chlo.acosh`.
    Acosh,
    /// `chlo.asin`.
    Asin,
    /// `chlo.asinh`.
    Asinh,
    /// `chlo.atan`.
    Atan,
    /// `chlo.atanh`.
    Atanh,
    /// `chlo.bessel_i1e`.
    BesselI1e,
    /// `chlo.conj`.
    Conj,
    /// `chlo.cosh`.
    Cosh,
    /// `chlo.digamma`.
    Digamma,
    /// `chlo.erf`.
    Erf,
    /// `chlo.erf_inv`.
    ErfInv,
    /// `chlo.erfc`.
    Erfc,
    /// `chlo.is_inf`.
    IsInf,
    /// `chlo.is_neg_inf`.
    IsNegInf,
    /// `chlo.is_pos_inf`.
    IsPosInf,
    /// `chlo.lgamma`.
    Lgamma,
    /// `chlo.sinh`.
    Sinh,
    /// `chlo.square`.
    Square,
}

impl Unary {
    /// Every operation of this family with its name, in the order of the enumeration.
    pub const TABLE: &[(Unary, &'static str)] = &[
        (Unary::Abs, "stablehlo.abs"),
        (Unary::Cbrt, "stablehlo.cbrt"),
        (Unary::Ceil, "stablehlo.ceil"),
        (Unary::CountLeadingZeros, "stablehlo.count_leading_zeros"),
        (Unary::Cosine, "stablehlo.cosine"),
        (Unary::Exponential, "stablehlo.exponential"),
        (Unary::ExponentialMinusOne, "stablehlo.exponential_minus_one"),
        (Unary::Floor, "stablehlo.floor"),
        (Unary::Imag, "stablehlo.imag"),
        (Unary::IsFinite, "stablehlo.is_finite"),
        (Unary::Log, "stablehlo.log"),
        (Unary::LogPlusOne, "stablehlo.log_plus_one"),
        (Unary::Logistic, "stablehlo.logistic"),
        (Unary::Negate, "stablehlo.negate"),
        (Unary::Not, "stablehlo.not"),
        (Unary::Popcnt, "stablehlo.popcnt"),
        (Unary::Real, "stablehlo.real"),
        (Unary::RoundNearestAfz, "stablehlo.round_nearest_afz"),
        (Unary::RoundNearestEven, "stablehlo.round_nearest_even"),
        (Unary::Rsqrt, "stablehlo.rsqrt"),
        (Unary::Sign, "stablehlo.sign"),
        (Unary::Sine, "stablehlo.sine"),
        (Unary::Sqrt, "stablehlo.sqrt"),
        (Unary::Tan, "stablehlo.tan"),
        (Unary::Tanh, "stablehlo.tanh"),
        (Unary::Acos, "chlo.acos"),
        (Unary::Acosh, "chlo.acosh"),
        (Unary::Asin, "chlo.asin"),
        (Unary::Asinh, "chlo.asinh"),
        (Unary::Atan, "chlo.atan"),
        (Unary::Atanh, "chlo.atanh"),
        (Unary::BesselI1e, "chlo.bessel_i1e"),
        (Unary::Conj, "chlo.conj"),
        (Unary::Cosh, "chlo.cosh"),
        (Unary::Digamma, "chlo.digamma"),
        (Unary::Erf, "chlo.erf"),
        (Unary::ErfInv, "chlo.erf_inv"),
        (Unary::Erfc, "chlo.erfc"),
        (Unary::IsInf, "chlo.is_inf"),
        (Unary::IsNegInf, "chlo.is_neg_inf"),
        (Unary::IsPosInf, "chlo.is_pos_inf"),
        (Unary::Lgamma, "chlo.lgamma"),
        (Unary::Sinh, "chlo.sinh"),
        (Unary::Square, "chlo.square"),
    ];
}

/// Two operands, element by element.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Binary {
    /// `stablehlo.add`.
    Add,
    /// `stablehlo.and`.
    And,
    /// `stablehlo.atan2`.
    Atan2,
    /// `stablehlo.complex`.
    Complex,
    /// `stablehlo.divide`.
    Divide,
    /// `stablehlo.maximum`.
    Maximum,
    /// `stablehlo.minimum`.
    Minimum,
    /// `stablehlo.multiply`.
    Multiply,
    /// `stablehlo.or`.
    Or,
    /// `stablehlo.power`.
    Power,
    /// `stablehlo.remainder`.
    Remainder,
    /// `stablehlo.shift_left`.
    ShiftLeft,
    /// `stablehlo.shift_right_arithmetic`.
    ShiftRightArithmetic,
    /// `stablehlo.shift_right_logical`.
    ShiftRightLogical,
    /// `stablehlo.subtract`.
    Subtract,
    /// `stablehlo.xor`.
    Xor,
    /// `chlo.mulhi`.
    Mulhi,
    /// `chlo.next_after`.
    NextAfter,
    /// `chlo.polygamma`.
    Polygamma,
    /// `chlo.zeta`.
    Zeta,
}

impl Binary {
    /// Every operation of this family with its name, in the order of the enumeration.
    pub const TABLE: &[(Binary, &'static str)] = &[
        (Binary::Add, "stablehlo.add"),
        (Binary::And, "stablehlo.and"),
        (Binary::Atan2, "stablehlo.atan2"),
        (Binary::Complex, "stablehlo.complex"),
        (Binary::Divide, "stablehlo.divide"),
        (Binary::Maximum, "stablehlo.maximum"),
        (Binary::Minimum, "stablehlo.minimum"),
        (Binary::Multiply, "stablehlo.multiply"),
        (Binary::Or, "stablehlo.or"),
        (Binary::Power, "stablehlo.power"),
        (Binary::Remainder, "stablehlo.remainder"),
        (Binary::ShiftLeft, "stablehlo.shift_left"),
        (Binary::ShiftRightArithmetic, "stablehlo.shift_right_arithmetic"),
        (Binary::ShiftRightLogical, "stablehlo.shift_right_logical"),
        (Binary::Subtract, "stablehlo.subtract"),
        (Binary::Xor, "stablehlo.xor"),
        (Binary::Mulhi, "chlo.mulhi"),
        (Binary::NextAfter, "chlo.next_after"),
        (Binary::Polygamma, "chlo.polygamma"),
        (Binary::Zeta, "chlo.zeta"),
    ];
}

/// `stablehlo.compare`: element by element, giving `i1`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Compare {
    /// Which relation.
    pub direction: Direction,
    /// How floats are ordered; `None` where the text did not say.
    pub compare_type: Option<CompareType>,
}

/// The relation that `compare` tests.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// `EQ`.
    Eq,
    /// `NE`.
    Ne,
    /// `GE`.
    Ge,
    /// `GT`.
    Gt,
    /// `LE`.
    Le,
    /// `LT`.
    Lt,
}

/// How `compare` orders its operands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CompareType {
    /// IEEE comparison: NaN is unordered.
    Float,
    /// `totalOrder`: −NaN < −inf < … < −0 < +0 < … < +inf < +NaN.
    TotalOrder,
    /// Two's complement.
    Signed,
    /// Unsigned and boolean.
    Unsigned,
}

/// `stablehlo.select(pred, on_true, on_false)`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Select;

/// `stablehlo.clamp(min, operand, max)`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Clamp;

/// `stablehlo.convert`: to the element type of the result.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Convert;

/// `stablehlo.bitcast_convert`: the same bits as the element type of the result.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct BitcastConvert;

/// `stablehlo.reduce_precision`: rounds to a float of fewer bits and back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ReducePrecision {
    /// Bits of the exponent kept.
    pub exponent_bits: i32,
    /// Bits of the mantissa kept.
    pub mantissa_bits: i32,
}

super::scaffold!(Compare "stablehlo.compare", Select "stablehlo.select", Clamp "stablehlo.clamp", Convert "stablehlo.convert",
    BitcastConvert "stablehlo.bitcast_convert", ReducePrecision "stablehlo.reduce_precision");
super::scaffold_table!(Unary, Binary);
