//! What a region does: recognised combiners, and regions as expressions that patterns can be compared with.
//!
//! [`Reducer::recognize`] sees regions of one operation; [`expressions`] writes any region of scalar operations as text
//! (`or(gt(a0,a2),ne(a0,a0))`), in which longer idioms (argmax, sort comparators) are recognised word for word.

use std::fmt::Write;

use half::{bf16, f16};
use jacinth_lowering::ops::elementwise::{Binary, CompareType, Direction};
use jacinth_lowering::{Block, ElementType, Op, Type, Value};
use num_complex::Complex;
use rustc_hash::FxHashMap;

use super::element::Number;
use super::scratch::Plain;

/// A combiner of two scalars that kernels know.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reducer {
    /// `add`: or, for booleans.
    Add,
    /// `multiply`: and, for booleans.
    Mul,
    /// `minimum`.
    Min,
    /// `maximum`.
    Max,
    /// `and`.
    And,
    /// `or`.
    Or,
    /// `xor`.
    Xor,
    /// Returns its first argument.
    First,
    /// Returns its second argument.
    Second,
}

impl Reducer {
    /// The combiner that a block of two arguments is, if it is one of these.
    pub fn recognize(block: &Block) -> Option<Reducer> {
        let (&[a, b], &[result]) = (&block.args[..], &block.results[..]) else { return None };
        match &block.ops[..] {
            [] if result == a => Some(Reducer::First),
            [] if result == b => Some(Reducer::Second),
            [op] if op.results[..] == [result]
                && (op.operands[..] == [a, b] || op.operands[..] == [b, a]) =>
            {
                let Op::Binary(binary) = op.op else { return None };
                Some(match binary {
                    Binary::Add => Reducer::Add,
                    Binary::Multiply => Reducer::Mul,
                    Binary::Minimum => Reducer::Min,
                    Binary::Maximum => Reducer::Max,
                    Binary::And => Reducer::And,
                    Binary::Or => Reducer::Or,
                    Binary::Xor => Reducer::Xor,
                    _ => return None,
                })
            }
            _ => None,
        }
    }

    /// As [`Reducer::recognize`], if the block works on scalars of `element` throughout.
    pub(crate) fn of(block: &Block, values: &[Type], element: ElementType) -> Option<Reducer> {
        let same = (block.args.iter().chain(&block.results))
            .all(|v| values[v.index()].as_tensor().is_some_and(|ty| ty.element == element));
        Self::recognize(block).filter(|_| same)
    }
}

/// A recognised combiner of one storage type; `A` is the type in which longer sums are kept.
pub(crate) trait Combine: Copy + Send + Sync + 'static {
    type T: Plain;
    type A: Plain;
    /// Whether kernels are compiled for wide registers too.
    const WIDE: bool;
    /// Combining with it changes nothing.
    const IDENTITY: Self::A;
    fn load(x: Self::T) -> Self::A;
    fn store(x: Self::A) -> Self::T;
    fn apply(a: Self::A, b: Self::A) -> Self::A;
}

macro_rules! combiners {
    ($($name:ident => $method:ident;)*) => {$(
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name<T>(std::marker::PhantomData<T>);
    )*};
}

combiners! { Add => add; Mul => mul; Min => minimum; Max => maximum; And => and; Or => or; Xor => xor; }

macro_rules! combine {
    ($($name:ident<$ty:ty> in $acc:ty, $identity:expr, |$a:ident, $b:ident| $apply:expr;)*) => {$(
        impl Combine for $name<$ty> {
            type T = $ty;
            type A = $acc;
            const WIDE: bool = wide::<$ty>();
            const IDENTITY: $acc = $identity;
            #[inline(always)]
            fn load(x: $ty) -> $acc {
                <$acc as Widen<$ty>>::widen(x)
            }
            #[inline(always)]
            fn store(x: $acc) -> $ty {
                <$acc as Widen<$ty>>::narrow(x)
            }
            #[inline(always)]
            fn apply($a: $acc, $b: $acc) -> $acc {
                $apply
            }
        }
    )*};
}

/// The types whose reductions are worth a second instance: floats and 32-bit integers.
const fn wide<T: Number>() -> bool {
    T::WIDE
}

/// A type in which another's sums are kept.
pub(crate) trait Widen<T> {
    fn widen(x: T) -> Self;
    fn narrow(self) -> T;
}

impl<T> Widen<T> for T {
    #[inline(always)]
    fn widen(x: T) -> T {
        x
    }
    #[inline(always)]
    fn narrow(self) -> T {
        self
    }
}

impl Widen<bf16> for f32 {
    #[inline(always)]
    fn widen(x: bf16) -> f32 {
        f32::from_bits(u32::from(x.to_bits()) << 16)
    }
    #[inline(always)]
    fn narrow(self) -> bf16 {
        bf16::from_f32(self)
    }
}

impl Widen<f16> for f32 {
    #[inline(always)]
    fn widen(x: f16) -> f32 {
        x.to_f32()
    }
    #[inline(always)]
    fn narrow(self) -> f16 {
        f16::from_f32(self)
    }
}

macro_rules! combine_unsigned {
    ($($ty:ty),*) => {
        combine! {$(
            Add<$ty> in $ty, 0, |a, b| a.wrapping_add(b);
            Mul<$ty> in $ty, 1, |a, b| a.wrapping_mul(b);
            And<$ty> in $ty, !0, |a, b| a & b;
            Or<$ty> in $ty, 0, |a, b| a | b;
            Xor<$ty> in $ty, 0, |a, b| a ^ b;
        )*}
    };
}

macro_rules! combine_order {
    ($($ty:ty),*) => {
        combine! {$(
            Min<$ty> in $ty, <$ty>::MAX, |a, b| Number::minimum(a, b);
            Max<$ty> in $ty, <$ty>::MIN, |a, b| Number::maximum(a, b);
        )*}
    };
}

macro_rules! combine_float {
    ($($ty:ty => $acc:ty),*) => {
        combine! {$(
            Add<$ty> in $acc, -0.0, |a, b| a + b;
            Mul<$ty> in $acc, 1.0, |a, b| a * b;
            Min<$ty> in $acc, <$acc>::INFINITY, |a, b| Number::minimum(a, b);
            Max<$ty> in $acc, <$acc>::NEG_INFINITY, |a, b| Number::maximum(a, b);
        )*}
    };
}

macro_rules! combine_complex {
    ($($ty:ty),*) => {
        combine! {$(
            Add<Complex<$ty>> in Complex<$ty>, Complex::new(-0.0, -0.0), |a, b| a + b;
            Mul<Complex<$ty>> in Complex<$ty>, Complex::new(1.0, 0.0), |a, b| Complex::new(
                a.re.mul_add(b.re, -(a.im * b.im)),
                a.im.mul_add(b.re, a.re * b.im),
            );
        )*}
    };
}

combine_unsigned!(u8, u16, u32, u64);
combine_order!(u8, u16, u32, u64, i8, i16, i32, i64);
combine_float!(f32 => f32, f64 => f64, bf16 => f32, f16 => f32);
combine_complex!(f32, f64);

/// Instantiates an expression for the [`Combine`] type `$C` of a combiner and an element type; `$none` where there is none
/// (`First`, `Second`, the smallest floats, order on complex numbers).
macro_rules! by_combine {
    ($reducer:expr, $element:expr, $C:ident => $body:expr, else $none:expr) => {{
        use half::{bf16, f16};
        use jacinth_lowering::ElementType as E;
        use num_complex::Complex;
        use $crate::kernels::reducer::{self as r, Reducer as R};
        macro_rules! go {
            ($c:ty) => {{
                type $C = $c;
                $body
            }};
        }
        match ($reducer, $element) {
            (R::Add | R::Max | R::Or, E::I1) => go!(r::Or<u8>),
            (R::Mul | R::Min | R::And, E::I1) => go!(r::And<u8>),
            (R::Xor, E::I1) => go!(r::Xor<u8>),
            (R::Add, e) if e.is_integer() => match e.byte_width() {
                1 => go!(r::Add<u8>),
                2 => go!(r::Add<u16>),
                4 => go!(r::Add<u32>),
                _ => go!(r::Add<u64>),
            },
            (R::Mul, e) if e.is_integer() => match e.byte_width() {
                1 => go!(r::Mul<u8>),
                2 => go!(r::Mul<u16>),
                4 => go!(r::Mul<u32>),
                _ => go!(r::Mul<u64>),
            },
            (R::And, e) if e.is_integer() => match e.byte_width() {
                1 => go!(r::And<u8>),
                2 => go!(r::And<u16>),
                4 => go!(r::And<u32>),
                _ => go!(r::And<u64>),
            },
            (R::Or, e) if e.is_integer() => match e.byte_width() {
                1 => go!(r::Or<u8>),
                2 => go!(r::Or<u16>),
                4 => go!(r::Or<u32>),
                _ => go!(r::Or<u64>),
            },
            (R::Xor, e) if e.is_integer() => match e.byte_width() {
                1 => go!(r::Xor<u8>),
                2 => go!(r::Xor<u16>),
                4 => go!(r::Xor<u32>),
                _ => go!(r::Xor<u64>),
            },
            (R::Min, e) if e.is_signed() => match e.byte_width() {
                1 => go!(r::Min<i8>),
                2 => go!(r::Min<i16>),
                4 => go!(r::Min<i32>),
                _ => go!(r::Min<i64>),
            },
            (R::Max, e) if e.is_signed() => match e.byte_width() {
                1 => go!(r::Max<i8>),
                2 => go!(r::Max<i16>),
                4 => go!(r::Max<i32>),
                _ => go!(r::Max<i64>),
            },
            (R::Min, e) if e.is_unsigned() => match e.byte_width() {
                1 => go!(r::Min<u8>),
                2 => go!(r::Min<u16>),
                4 => go!(r::Min<u32>),
                _ => go!(r::Min<u64>),
            },
            (R::Max, e) if e.is_unsigned() => match e.byte_width() {
                1 => go!(r::Max<u8>),
                2 => go!(r::Max<u16>),
                4 => go!(r::Max<u32>),
                _ => go!(r::Max<u64>),
            },
            (R::Add, E::F32) => go!(r::Add<f32>),
            (R::Mul, E::F32) => go!(r::Mul<f32>),
            (R::Min, E::F32) => go!(r::Min<f32>),
            (R::Max, E::F32) => go!(r::Max<f32>),
            (R::Add, E::F64) => go!(r::Add<f64>),
            (R::Mul, E::F64) => go!(r::Mul<f64>),
            (R::Min, E::F64) => go!(r::Min<f64>),
            (R::Max, E::F64) => go!(r::Max<f64>),
            (R::Add, E::F16) => go!(r::Add<f16>),
            (R::Mul, E::F16) => go!(r::Mul<f16>),
            (R::Min, E::F16) => go!(r::Min<f16>),
            (R::Max, E::F16) => go!(r::Max<f16>),
            (R::Add, E::BF16) => go!(r::Add<bf16>),
            (R::Mul, E::BF16) => go!(r::Mul<bf16>),
            (R::Min, E::BF16) => go!(r::Min<bf16>),
            (R::Max, E::BF16) => go!(r::Max<bf16>),
            (R::Add, E::C64) => go!(r::Add<Complex<f32>>),
            (R::Mul, E::C64) => go!(r::Mul<Complex<f32>>),
            (R::Add, E::C128) => go!(r::Add<Complex<f64>>),
            (R::Mul, E::C128) => go!(r::Mul<Complex<f64>>),
            _ => $none,
        }
    }};
}
pub(crate) use by_combine;

/// The longest expression that is written out.
const LONGEST: usize = 4000;

/// Each result of a region as an expression of its arguments `a0`, `a1`, …; `None` where an operation is not a scalar one, a
/// value comes from outside, or an expression is long.
pub(crate) fn expressions(block: &Block, values: &[Type]) -> Option<Vec<String>> {
    let mut text: FxHashMap<Value, String> =
        block.args.iter().enumerate().map(|(i, &v)| (v, format!("a{i}"))).collect();
    for op in &block.ops {
        let name = match &op.op {
            Op::Constant(c) => {
                let mut s = format!("#{}:", c.value.ty().element);
                for byte in c.value.as_splat()? {
                    write!(s, "{byte:02x}").ok()?;
                }
                text.insert(op.results[0], s);
                continue;
            }
            Op::Compare(c) => {
                let relation = match c.direction {
                    Direction::Eq => "eq",
                    Direction::Ne => "ne",
                    Direction::Ge => "ge",
                    Direction::Gt => "gt",
                    Direction::Le => "le",
                    Direction::Lt => "lt",
                };
                let element = values[op.operands[0].index()].as_tensor()?.element;
                let total = c.compare_type == Some(CompareType::TotalOrder) && element.is_float();
                format!("{relation}{}", if total { "_total" } else { "" })
            }
            Op::Select(_) => "select".into(),
            Op::Binary(_) | Op::Unary(_) => op.op.name().rsplit('.').next()?.into(),
            _ => return None,
        };
        let operands: Option<Vec<&str>> =
            op.operands.iter().map(|v| text.get(v).map(String::as_str)).collect();
        let expression = format!("{name}({})", operands?.join(","));
        if expression.len() > LONGEST {
            return None;
        }
        text.insert(op.results[0], expression);
    }
    block.results.iter().map(|v| text.get(v).cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::tests::Regions;
    use jacinth_lowering::ops::elementwise::Select;

    #[test]
    fn combiners_are_recognised() {
        let of = |op| Reducer::recognize(&Regions::binary(ElementType::F32, op).blocks[0]);
        assert_eq!(of(Binary::Add), Some(Reducer::Add));
        assert_eq!(of(Binary::Maximum), Some(Reducer::Max));
        assert_eq!(of(Binary::Subtract), None);
        let second = Regions::default().block(&[ElementType::I32; 2], |_, a| vec![a[1]]);
        assert_eq!(Reducer::recognize(&second.blocks[0]), Some(Reducer::Second));
        let double = Regions::default()
            .block(&[ElementType::I32; 2], |b, a| vec![b.op(Binary::Add, &[a[1], a[1]], ElementType::I32)]);
        assert_eq!(Reducer::recognize(&double.blocks[0]), None);
    }

    #[test]
    fn regions_read_as_expressions() {
        let r = Regions::default().block(&[ElementType::F32; 2], |b, a| {
            let p = b.compare(Direction::Gt, true, a[0], a[1]);
            vec![b.op(Select, &[p, a[0], a[1]], ElementType::F32), p]
        });
        let text = expressions(&r.blocks[0], &r.values).unwrap();
        assert_eq!(text, ["select(gt_total(a0,a1),a0,a1)", "gt_total(a0,a1)"]);
    }

    #[test]
    fn identities_change_nothing() {
        fn check<C: Combine>(x: C::T)
        where
            C::T: PartialEq + std::fmt::Debug,
        {
            assert_eq!(C::store(C::apply(C::IDENTITY, C::load(x))), x);
            assert_eq!(C::store(C::apply(C::load(x), C::IDENTITY)), x);
        }
        check::<Add<f32>>(-1.5);
        check::<Mul<bf16>>(bf16::from_f32(3.0));
        check::<Min<i8>>(127);
        check::<Max<f64>>(f64::NEG_INFINITY);
        check::<And<u16>>(0xF00F);
        assert!(Add::<f32>::apply(Add::<f32>::IDENTITY, -0.0).is_sign_negative());
    }
}
