//! Operations element by element: unary, binary, compare, select, clamp and the conversions.
//!
//! The unary and binary families are tables; CHLO's elementwise functions stand in the same tables under their own
//! dialect's name, because they have the same form. A row says which kinds of element an operation takes and what it
//! gives; its value on single elements stands in `eval::arith`.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::rules::{inferred, join, named, plain, result, tensors};
use super::{Context, EvalContext, OpDef};
use crate::attribute::{Attribute, Attributes};
use crate::element::{self, Scalar};
use crate::eval::{Datum, arith};
use crate::types::fits;
use crate::{DYNAMIC, ElementType, Error, Kind, Literal, Result, TensorType, Type, Types};

/// What a row gives for an operand of element type `E`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Gives {
    /// `E`.
    Same,
    /// The real part's type.
    Real,
    /// `i1`.
    Boolean,
    /// `complex<E>`.
    Complex,
}

/// What a row says of its operation beside the name.
#[derive(Debug)]
struct Row {
    /// The name without its dialect.
    short: &'static str,
    /// Label of the constraint that operand types agree.
    types: &'static str,
    /// Label of the constraint on the kind of element.
    kind: &'static str,
    /// Which kinds of element are taken.
    takes: &'static [Kind],
    gives: Gives,
}

macro_rules! kind {
    (B) => {
        Kind::Boolean
    };
    (S) => {
        Kind::Signed
    };
    (U) => {
        Kind::Unsigned
    };
    (F) => {
        Kind::Float
    };
    (C) => {
        Kind::Complex
    };
}

/// Rows `Variant dialect name [kinds…] gives;` in the order of the enumeration.
macro_rules! elementwise {
    ($family:ident $($variant:ident $dialect:literal $name:literal [$($kind:tt)*] $gives:ident;)*) => {
        impl $family {
            /// Every operation of this family with its name, in the order of the enumeration.
            pub const TABLE: &[($family, &'static str)] =
                &[$(($family::$variant, concat!($dialect, ".", $name))),*];

            const NAMES: &[&'static str] = &[$(concat!($dialect, ".", $name)),*];

            const ROWS: &[Row] = &[$(Row {
                short: $name,
                types: concat!($name, "_c1"),
                kind: concat!($name, "_i1"),
                takes: &[$(kind!($kind)),*],
                gives: Gives::$gives,
            }),*];

            fn row(self) -> &'static Row {
                &Self::ROWS[self as usize]
            }

            /// The operation of that name.
            fn from_name(name: &str) -> Result<Self> {
                static BY_NAME: LazyLock<FxHashMap<&str, $family>> =
                    LazyLock::new(|| $family::TABLE.iter().map(|&(op, name)| (name, op)).collect());
                let op = BY_NAME.get(name).copied();
                op.ok_or_else(|| Error::verify(format!("{name} is not an elementwise operation")))
            }
        }
    };
}

impl Row {
    /// The result type for operands of that type, whose kind is checked.
    fn infer(&self, operand: &TensorType) -> Result<Option<Types>> {
        let op = self.short;
        if !self.takes.contains(&operand.element.kind()) {
            return Err(Error::constraint(
                self.kind,
                format!(
                    "{op}: operands of type {operand} are not of a kind that it takes ({:?})",
                    self.takes
                ),
            ));
        }
        let element = match self.gives {
            Gives::Same => operand.element,
            Gives::Real => operand.element.real(),
            Gives::Boolean => ElementType::I1,
            Gives::Complex => operand.element.complex().ok_or_else(|| {
                Error::constraint(self.kind, format!("{op}: parts must be f32 or f64, got {operand}"))
            })?,
        };
        inferred(operand.with_element(element))
    }
}

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

elementwise! { Unary
    Abs "stablehlo" "abs" [S F C] Real;
    Cbrt "stablehlo" "cbrt" [F C] Same;
    Ceil "stablehlo" "ceil" [F] Same;
    CountLeadingZeros "stablehlo" "count_leading_zeros" [S U] Same;
    Cosine "stablehlo" "cosine" [F C] Same;
    Exponential "stablehlo" "exponential" [F C] Same;
    ExponentialMinusOne "stablehlo" "exponential_minus_one" [F C] Same;
    Floor "stablehlo" "floor" [F] Same;
    Imag "stablehlo" "imag" [F C] Real;
    IsFinite "stablehlo" "is_finite" [F] Boolean;
    Log "stablehlo" "log" [F C] Same;
    LogPlusOne "stablehlo" "log_plus_one" [F C] Same;
    Logistic "stablehlo" "logistic" [F C] Same;
    Negate "stablehlo" "negate" [S U F C] Same;
    Not "stablehlo" "not" [B S U] Same;
    Popcnt "stablehlo" "popcnt" [S U] Same;
    Real "stablehlo" "real" [F C] Real;
    RoundNearestAfz "stablehlo" "round_nearest_afz" [F] Same;
    RoundNearestEven "stablehlo" "round_nearest_even" [F] Same;
    Rsqrt "stablehlo" "rsqrt" [F C] Same;
    Sign "stablehlo" "sign" [S F C] Same;
    Sine "stablehlo" "sine" [F C] Same;
    Sqrt "stablehlo" "sqrt" [F C] Same;
    Tan "stablehlo" "tan" [F C] Same;
    Tanh "stablehlo" "tanh" [F C] Same;
    Acos "chlo" "acos" [F C] Same;
    Acosh "chlo" "acosh" [F C] Same;
    Asin "chlo" "asin" [F C] Same;
    Asinh "chlo" "asinh" [F C] Same;
    Atan "chlo" "atan" [F C] Same;
    Atanh "chlo" "atanh" [F C] Same;
    BesselI1e "chlo" "bessel_i1e" [F] Same;
    Conj "chlo" "conj" [S U F C] Same;
    Cosh "chlo" "cosh" [F C] Same;
    Digamma "chlo" "digamma" [F] Same;
    Erf "chlo" "erf" [F] Same;
    ErfInv "chlo" "erf_inv" [F] Same;
    Erfc "chlo" "erfc" [F] Same;
    IsInf "chlo" "is_inf" [F] Boolean;
    IsNegInf "chlo" "is_neg_inf" [F] Boolean;
    IsPosInf "chlo" "is_pos_inf" [F] Boolean;
    Lgamma "chlo" "lgamma" [F] Same;
    Sinh "chlo" "sinh" [F C] Same;
    Square "chlo" "square" [S U F C] Same;
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

elementwise! { Binary
    Add "stablehlo" "add" [B S U F C] Same;
    And "stablehlo" "and" [B S U] Same;
    Atan2 "stablehlo" "atan2" [F C] Same;
    Complex "stablehlo" "complex" [F] Complex;
    Divide "stablehlo" "divide" [S U F C] Same;
    Maximum "stablehlo" "maximum" [B S U F C] Same;
    Minimum "stablehlo" "minimum" [B S U F C] Same;
    Multiply "stablehlo" "multiply" [B S U F C] Same;
    Or "stablehlo" "or" [B S U] Same;
    Power "stablehlo" "power" [S U F C] Same;
    Remainder "stablehlo" "remainder" [S U F C] Same;
    ShiftLeft "stablehlo" "shift_left" [S U] Same;
    ShiftRightArithmetic "stablehlo" "shift_right_arithmetic" [S U] Same;
    ShiftRightLogical "stablehlo" "shift_right_logical" [S U] Same;
    Subtract "stablehlo" "subtract" [S U F C] Same;
    Xor "stablehlo" "xor" [B S U] Same;
    Mulhi "chlo" "mulhi" [S U] Same;
    NextAfter "chlo" "next_after" [F] Same;
    Polygamma "chlo" "polygamma" [F] Same;
    Zeta "chlo" "zeta" [F] Same;
}

impl OpDef for Unary {
    const NAMES: &'static [&'static str] = Unary::NAMES;

    fn name(&self) -> &'static str {
        Unary::TABLE[*self as usize].1
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
    }

    fn from_attributes(name: &str, _: &mut Attributes) -> Result<Self> {
        Unary::from_name(name)
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let row = self.row();
        let [operand] = tensors(row.short, cx)?;
        row.infer(operand)
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let operand = cx.tensor(self.name(), 0)?;
        let (from, to) = (operand.ty().element, cx.result(self.name(), 0)?.element);
        map_elements(to, [operand], |[x], out| {
            element::write(to, arith::unary(*self, from, element::read(from, x))?, out);
            Ok(())
        })
    }
}

impl OpDef for Binary {
    const NAMES: &'static [&'static str] = Binary::NAMES;

    fn name(&self) -> &'static str {
        Binary::TABLE[*self as usize].1
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
    }

    fn from_attributes(name: &str, _: &mut Attributes) -> Result<Self> {
        Binary::from_name(name)
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let row = self.row();
        let [lhs, rhs] = tensors(row.short, cx)?;
        let Some(shape) = join(&lhs.shape, &rhs.shape).filter(|_| lhs.element == rhs.element) else {
            return Err(Error::constraint(
                row.types,
                format!("{}: operand types differ: lhs is {lhs}, rhs is {rhs}", row.short),
            ));
        };
        row.infer(&TensorType { shape, element: lhs.element })
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let (lhs, rhs) = (cx.tensor(self.name(), 0)?, cx.tensor(self.name(), 1)?);
        let (from, to) = (lhs.ty().element, cx.result(self.name(), 0)?.element);
        map_elements(to, [lhs, rhs], |[x, y], out| {
            let value = arith::binary(*self, from, element::read(from, x), element::read(from, y))?;
            element::write(to, value, out);
            Ok(())
        })
    }
}

/// `stablehlo.compare`: element by element, giving `i1`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Compare {
    /// Which relation.
    pub direction: Direction,
    /// How floats are ordered; `None` where the text did not say.
    pub compare_type: Option<CompareType>,
}

impl OpDef for Compare {
    named!("stablehlo.compare");

    fn attributes(&self) -> Attributes {
        let mut attributes = Attributes::new();
        if let Some(compare_type) = self.compare_type {
            attributes.set("compare_type", Attribute::enumeration("comparison_type", compare_type.name()));
        }
        let direction = Attribute::enumeration("comparison_direction", self.direction.name());
        attributes.set("comparison_direction", direction);
        attributes
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let direction = attributes.take_enum("compare", "comparison_direction", Direction::TABLE)?;
        if attributes.get("compare_type").is_some_and(CompareType::is_none) {
            attributes.take("compare_type");
        }
        let compare_type = attributes.take_optional_enum("compare", "compare_type", CompareType::TABLE)?;
        Ok(Compare { direction, compare_type })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let [lhs, rhs] = tensors("compare", cx)?;
        if lhs.element != rhs.element {
            return Err(Error::constraint(
                "compare_c1",
                format!("compare: element types differ: lhs is {lhs}, rhs is {rhs}"),
            ));
        }
        let shape = join(&lhs.shape, &rhs.shape).ok_or_else(|| {
            Error::constraint("compare_c2", format!("compare: shapes differ: lhs is {lhs}, rhs is {rhs}"))
        })?;
        let fits = match (self.compare_type, lhs.element.kind()) {
            (None, _) => true,
            (Some(CompareType::Signed), kind) => kind == Kind::Signed,
            (Some(CompareType::Unsigned), kind) => matches!(kind, Kind::Unsigned | Kind::Boolean),
            (Some(CompareType::Float), kind) => matches!(kind, Kind::Float | Kind::Complex),
            (Some(CompareType::TotalOrder), kind) => kind == Kind::Float,
        };
        if let (false, Some(compare_type)) = (fits, self.compare_type) {
            return Err(Error::constraint(
                "compare_c3",
                format!("compare: {} does not order operands of type {lhs}", compare_type.name()),
            ));
        }
        inferred(TensorType { shape, element: ElementType::I1 })
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let (lhs, rhs) = (cx.tensor("compare", 0)?, cx.tensor("compare", 1)?);
        let element = lhs.ty().element;
        let order = self.compare_type.unwrap_or_else(|| CompareType::natural(element.kind()));
        map_elements(ElementType::I1, [lhs, rhs], |[x, y], out| {
            out.push(arith::compare(self.direction, order, element, x, y).into());
            Ok(())
        })
    }
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

impl Direction {
    /// Every relation with the specification's spelling, in the order of the enumeration.
    const TABLE: &[(Direction, &str)] = &[
        (Direction::Eq, "EQ"),
        (Direction::Ne, "NE"),
        (Direction::Ge, "GE"),
        (Direction::Gt, "GT"),
        (Direction::Le, "LE"),
        (Direction::Lt, "LT"),
    ];

    /// The specification's spelling.
    pub fn name(self) -> &'static str {
        Self::TABLE[self as usize].1
    }

    /// The relation of that spelling.
    pub fn from_name(name: &str) -> Option<Direction> {
        Self::TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }
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

impl CompareType {
    /// Every order with the specification's spelling, in the order of the enumeration.
    const TABLE: &[(CompareType, &str)] = &[
        (CompareType::Float, "FLOAT"),
        (CompareType::TotalOrder, "TOTALORDER"),
        (CompareType::Signed, "SIGNED"),
        (CompareType::Unsigned, "UNSIGNED"),
    ];

    /// The specification's spelling.
    pub fn name(self) -> &'static str {
        Self::TABLE[self as usize].1
    }

    /// The order of that spelling.
    pub fn from_name(name: &str) -> Option<CompareType> {
        Self::TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// Whether the attribute says that no order is named.
    fn is_none(attribute: &Attribute) -> bool {
        matches!(attribute, Attribute::Enum(_, name) if name == "NOTYPE")
    }

    /// The order that values of that kind have when none is named.
    pub fn natural(kind: Kind) -> CompareType {
        match kind {
            Kind::Signed => CompareType::Signed,
            Kind::Unsigned | Kind::Boolean => CompareType::Unsigned,
            Kind::Float | Kind::Complex => CompareType::Float,
        }
    }
}

/// `stablehlo.select(pred, on_true, on_false)`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Select;

impl OpDef for Select {
    plain!("stablehlo.select");

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let [pred, on_true, on_false] = tensors("select", cx)?;
        if !pred.element.is_boolean() {
            return Err(Error::constraint(
                "select_i1",
                format!("select: the predicate must be i1, got {pred}"),
            ));
        }
        let Some(shape) =
            join(&on_true.shape, &on_false.shape).filter(|_| on_true.element == on_false.element)
        else {
            return Err(Error::constraint(
                "select_c2",
                format!("select: on_true is {on_true}, on_false is {on_false}"),
            ));
        };
        if pred.rank() != 0 && join(&pred.shape, &shape).is_none() {
            return Err(Error::constraint(
                "select_c1",
                format!("select: the predicate {pred} is neither a scalar nor of the shape of {on_true}"),
            ));
        }
        inferred(TensorType { shape, element: on_true.element })
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let (pred, on_true) = (cx.tensor("select", 0)?, cx.tensor("select", 1)?);
        let on_false = cx.tensor("select", 2)?;
        let pred = &spread(pred, on_true.ty())?;
        map_elements(on_true.ty().element, [on_true, on_false, pred], |[t, f, p], out| {
            out.extend_from_slice(if p[0] != 0 { t } else { f });
            Ok(())
        })
    }
}

/// `stablehlo.clamp(min, operand, max)`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Clamp;

impl OpDef for Clamp {
    plain!("stablehlo.clamp");

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let [min, operand, max] = tensors("clamp", cx)?;
        if min.rank() != 0 && join(&min.shape, &operand.shape).is_none() {
            return Err(Error::constraint(
                "clamp_c1",
                format!("clamp: min {min} is neither a scalar nor of the shape of {operand}"),
            ));
        }
        if max.rank() != 0 && join(&max.shape, &operand.shape).is_none() {
            return Err(Error::constraint(
                "clamp_c2",
                format!("clamp: max {max} is neither a scalar nor of the shape of {operand}"),
            ));
        }
        if min.element != operand.element || max.element != operand.element {
            return Err(Error::constraint(
                "clamp_c3",
                format!("clamp: element types of min {min}, operand {operand} and max {max} differ"),
            ));
        }
        inferred(operand.clone())
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let operand = cx.tensor("clamp", 1)?;
        let min = &spread(cx.tensor("clamp", 0)?, operand.ty())?;
        let max = &spread(cx.tensor("clamp", 2)?, operand.ty())?;
        let element = operand.ty().element;
        map_elements(element, [operand, min, max], |[x, min, max], out| {
            let [x, min, max] = [x, min, max].map(|bytes| element::read(element, bytes));
            let raised = arith::binary(Binary::Maximum, element, x, min)?;
            element::write(element, arith::binary(Binary::Minimum, element, raised, max)?, out);
            Ok(())
        })
    }
}

/// `stablehlo.convert`: to the element type of the result.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Convert;

impl OpDef for Convert {
    plain!("stablehlo.convert");

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        tensors::<1>("convert", cx)?;
        Ok(None)
    }

    fn verify(&self, cx: &Context<'_>, results: &[Type]) -> Result<()> {
        let [operand] = tensors("convert", cx)?;
        let result = result("convert", results)?;
        match join(&operand.shape, &result.shape) {
            Some(_) => Ok(()),
            None => Err(Error::constraint(
                "convert_c1",
                format!("convert: shapes differ: operand is {operand}, result is {result}"),
            )),
        }
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let operand = cx.tensor("convert", 0)?;
        let (from, to) = (operand.ty().element, cx.result("convert", 0)?.element);
        map_elements(to, [operand], |[x], out| {
            element::write(to, element::read(from, x), out);
            Ok(())
        })
    }
}

/// `stablehlo.bitcast_convert`: the same bits as the element type of the result.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct BitcastConvert;

impl OpDef for BitcastConvert {
    plain!("stablehlo.bitcast_convert");

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        tensors::<1>("bitcast_convert", cx)?;
        Ok(None)
    }

    fn verify(&self, cx: &Context<'_>, results: &[Type]) -> Result<()> {
        let [operand] = tensors("bitcast_convert", cx)?;
        let result = result("bitcast_convert", results)?;
        if operand.element.is_complex() != result.element.is_complex() {
            return Err(Error::constraint(
                "bitcast_convert_c2",
                format!("bitcast_convert: only one of operand {operand} and result {result} is complex"),
            ));
        }
        let (from, to) = (operand.element.bits() as i64, result.element.bits() as i64);
        // The wider side lacks the last dimension of the narrower, which counts the parts.
        let (wide, narrow, ratio) = if from >= to {
            (&operand.shape, &result.shape, from / to)
        } else {
            (&result.shape, &operand.shape, to / from)
        };
        let exact = from.max(to) == ratio * from.min(to);
        let fits = exact
            && match narrow.split_last() {
                _ if from == to => join(wide, narrow).is_some(),
                Some((&parts, outer)) => fits(parts, ratio) && join(wide, outer).is_some(),
                None => false,
            };
        if !fits {
            return Err(Error::constraint(
                "bitcast_convert_c1",
                format!("bitcast_convert: the bits of {operand} are not those of {result}"),
            ));
        }
        Ok(())
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let operand = cx.tensor("bitcast_convert", 0)?;
        let ty = cx.result("bitcast_convert", 0)?;
        let (from, to) = (operand.ty().element, ty.element);
        // Elements as one string of bits, the least significant first.
        let mut out = Vec::new();
        let (mut bits, mut held) = (0u128, 0);
        for i in 0..operand.len() {
            let raw = arith::raw(from, operand.element(i));
            if from.bits() == to.bits() {
                arith::push_raw(to, raw, &mut out);
                continue;
            }
            bits |= raw << held;
            held += from.bits();
            while held >= to.bits() {
                arith::push_raw(to, bits & (u128::MAX >> (128 - to.bits())), &mut out);
                bits = bits.checked_shr(to.bits() as u32).unwrap_or(0);
                held -= to.bits();
            }
        }
        Ok(vec![Literal::from_bytes(resolved(ty, operand.ty()), out)?.into()])
    }
}

/// `stablehlo.reduce_precision`: rounds to a float of fewer bits and back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ReducePrecision {
    /// Bits of the exponent kept.
    pub exponent_bits: i32,
    /// Bits of the mantissa kept.
    pub mantissa_bits: i32,
}

impl OpDef for ReducePrecision {
    named!("stablehlo.reduce_precision");

    fn attributes(&self) -> Attributes {
        Attributes(vec![
            ("exponent_bits".into(), Attribute::Int(self.exponent_bits.into(), ElementType::I32)),
            ("mantissa_bits".into(), Attribute::Int(self.mantissa_bits.into(), ElementType::I32)),
        ])
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let mut bits = |name| {
            let value = attributes.take_int("reduce_precision", name)?;
            i32::try_from(value)
                .map_err(|_| Error::verify(format!("reduce_precision: {name} {value} is out of range")))
        };
        Ok(ReducePrecision { exponent_bits: bits("exponent_bits")?, mantissa_bits: bits("mantissa_bits")? })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        let [operand] = tensors("reduce_precision", cx)?;
        if !operand.element.is_float() {
            return Err(Error::constraint(
                "reduce_precision_i1",
                format!("reduce_precision: the operand must be of floats, got {operand}"),
            ));
        }
        if self.exponent_bits < 1 {
            return Err(Error::constraint(
                "reduce_precision_c2",
                format!("reduce_precision: {} exponent bits are too few", self.exponent_bits),
            ));
        }
        if self.mantissa_bits < 0 {
            return Err(Error::constraint(
                "reduce_precision_c3",
                format!("reduce_precision: {} mantissa bits are too few", self.mantissa_bits),
            ));
        }
        inferred(operand.clone())
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let operand = cx.tensor("reduce_precision", 0)?;
        let element = operand.ty().element;
        map_elements(element, [operand], |[x], out| {
            let value = match element::read(element, x) {
                Scalar::Float(x) => {
                    Scalar::Float(arith::reduce_precision(x, self.exponent_bits, self.mantissa_bits))
                }
                other => other,
            };
            element::write(element, value, out);
            Ok(())
        })
    }
}

/// Makes an element of each place's elements of several literals of one shape, which is the result's; `f` appends its bytes.
fn map_elements<const N: usize>(
    element: ElementType,
    operands: [&Literal; N],
    f: impl Fn([&[u8]; N], &mut Vec<u8>) -> Result<()>,
) -> Result<Vec<Datum>> {
    let first = operands[0];
    if let Some(other) = operands.iter().find(|other| other.ty().shape != first.ty().shape) {
        return Err(Error::eval(format!("shapes differ: {} and {}", first.ty(), other.ty())));
    }
    let ty = first.ty().with_element(element);
    if let Some(elements) = all(operands.map(Literal::as_splat)).filter(|_| ty.num_elements() != Some(0)) {
        let mut out = Vec::with_capacity(element.byte_width());
        f(elements, &mut out)?;
        return Ok(vec![Literal::splat_bytes(ty, out)?.into()]);
    }
    let mut out = Vec::with_capacity(first.len() * element.byte_width());
    for i in 0..first.len() {
        f(operands.map(|operand| operand.element(i)), &mut out)?;
    }
    Ok(vec![Literal::from_bytes(ty, out)?.into()])
}

/// All of them, if all are there.
fn all<T: Copy + Default, const N: usize>(options: [Option<T>; N]) -> Option<[T; N]> {
    options.iter().all(Option::is_some).then(|| options.map(Option::unwrap_or_default))
}

/// A scalar at every place of a shape; anything else as it is.
fn spread(literal: &Literal, ty: &TensorType) -> Result<Literal> {
    if literal.ty().rank() != 0 || ty.rank() == 0 {
        return Ok(literal.clone());
    }
    Literal::splat_bytes(ty.with_element(literal.ty().element), literal.element(0))
}

/// A declared result type of `bitcast_convert`, its dynamic sizes taken from the operand's.
fn resolved(ty: &TensorType, operand: &TensorType) -> TensorType {
    let size = |d: usize| match ty.shape[d] {
        DYNAMIC => operand.shape.get(d).copied().unwrap_or(DYNAMIC),
        size => size,
    };
    TensorType::new((0..ty.rank()).map(size), ty.element)
}
