//! Comparisons of two operands, element by element, giving booleans: a table.
//!
//! Comparing with NaN is false (`ne`: true), as IEEE has it; the total orders put −NaN first and NaN last, and equal zeros apart.

use crate::error::Result;
use crate::ir::{
    Array, Arrays, Aval, Avals, AxisInfo, BatchDims, DType, Linear, LowerCx, Operand, Params, Prim,
    Primitive, Sample, SampleArg, ShardingRule, Tangents, Value, Values, numpy_name,
};
use jacinth_lowering::ops::elementwise::{Compare as Hlo, CompareType, Direction};
use smallvec::smallvec;

use super::elementwise::{batch_elementwise, common_shape};
use super::rules::{bind1, ensure, same_dtypes, zero_jvp};

/// A row of the table.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Compare {
    name: &'static str,
    direction: Direction,
    /// Whether floats are compared by their total order.
    total: bool,
}

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident $direction:ident $total:literal;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Panics
            /// If the dtypes differ, or the shapes do not fit.
            #[track_caller]
            pub fn $name(x: &Array, y: &Array) -> Array {
                bind1(Rows::$name(), &[x.clone(), y.clone()])
            }
        )*

        /// The rows, as functions so that they do not hide the functions that apply them.
        struct Rows;

        impl Rows {
            $(fn $name() -> &'static Compare {
                static ROW: Compare =
                    Compare { name: stringify!($name), direction: Direction::$direction, total: $total };
                &ROW
            })*
        }

        static TABLE: &[fn() -> &'static Compare] = &[$(Rows::$name),*];
    };
}

comparisons! {
    /// `x = y`, as `bool`; NaN equals nothing.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([1.0f32, -0.0, f32::NAN]);
    /// assert_eq!(lax::eq(&x, &Array::from([1.0f32, 0.0, f32::NAN])).to_vec::<bool>(), [true, true, false]);
    /// ```
    eq Eq false;
    /// `x ≠ y`, as `bool`; NaN differs from everything.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([1.0f32, f32::NAN]);
    /// assert_eq!(lax::ne(&x, &x).to_vec::<bool>(), [false, true]);
    /// ```
    ne Ne false;
    /// `x ≥ y`, as `bool`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// assert_eq!(lax::ge(&Array::from([1, 2, 3]), &Array::from(2)).to_vec::<bool>(), [false, true, true]);
    /// ```
    ge Ge false;
    /// `x > y`, as `bool`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// assert_eq!(lax::gt(&Array::from([1, 2, 3]), &Array::from(2)).to_vec::<bool>(), [false, false, true]);
    /// ```
    gt Gt false;
    /// `x ≤ y`, as `bool`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// assert_eq!(lax::le(&Array::from([1, 2, 3]), &Array::from(2)).to_vec::<bool>(), [true, true, false]);
    /// ```
    le Le false;
    /// `x < y`, as `bool`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jit, lax};
    /// let below = jit(|x: &Array, limit: &Array| lax::lt(x, limit));
    /// assert_eq!(below(&Array::from([1, 2, 3]), &Array::from(2)).to_vec::<bool>(), [true, false, false]);
    /// ```
    lt Lt false;
    /// `x = y` in the total order, in which NaN equals NaN, and −0 is not 0.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let (x, y) = (Array::from([f32::NAN, -0.0]), Array::from([f32::NAN, 0.0]));
    /// assert_eq!(lax::eq_to(&x, &y).to_vec::<bool>(), [true, false]);
    /// ```
    eq_to Eq true;
    /// `x ≤ y` in the total order: NaN comes last, −NaN first, and −0 before 0.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let x = Array::from([1.0f32, f32::NAN]);
    /// assert_eq!(lax::le_to(&x, &Array::from([f32::NAN, 1.0])).to_vec::<bool>(), [true, false]);
    /// ```
    le_to Le true;
    /// `x < y` in the total order: NaN comes last, −NaN first, and −0 before 0.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax};
    /// let (x, y) = (Array::from([-0.0f32, f32::INFINITY]), Array::from([0.0f32, f32::NAN]));
    /// assert_eq!(lax::lt_to(&x, &y).to_vec::<bool>(), [true, true]);
    /// ```
    lt_to Lt true;
}

impl Compare {
    fn prim(&self) -> Prim {
        let row = TABLE.iter().map(|row| row()).find(|row| row.name == self.name);
        Prim::Static(row.expect("a comparison is a row of the table"))
    }
}

/// How `compare` orders elements of that dtype.
pub(crate) fn compare_type(dtype: DType, total: bool) -> CompareType {
    if dtype.is_float() || dtype.is_complex() {
        if total { CompareType::TotalOrder } else { CompareType::Float }
    } else if dtype.is_signed() {
        CompareType::Signed
    } else {
        CompareType::Unsigned
    }
}

impl Primitive for Compare {
    fn name(&self) -> &'static str {
        self.name
    }

    fn params<'a>(&'a self, _: &mut Params<'a>) {}

    fn abstract_eval(&self, args: &[&Aval]) -> Result<Avals> {
        same_dtypes(self.name, args)?;
        let equality = matches!(self.direction, Direction::Eq | Direction::Ne) && !self.total;
        ensure!(
            !args[0].dtype.is_complex() || equality,
            self.name => "complex numbers are not ordered, got {}",
            numpy_name(args[0].dtype)
        );
        let shape = common_shape(self.name, &[&args[0].shape, &args[1].shape])?;
        Ok(smallvec![Aval::new(shape, DType::I1)])
    }

    fn sharding(&self, args: &[&Aval], outs: &[Aval]) -> ShardingRule {
        ShardingRule::elementwise(args, outs)
    }

    fn lower(&self, cx: &mut LowerCx<'_>, args: &[Value], outs: &[Aval]) -> Result<Values> {
        let kind = compare_type(cx.tensor(args[0])?.element, self.total);
        let args = [cx.broadcast(args[0], &outs[0])?, cx.broadcast(args[1], &outs[0])?];
        Ok(smallvec![cx.op(Hlo { direction: self.direction, compare_type: Some(kind) }, &args)?])
    }

    fn jvp(&self, primals: &[Array], _: &[Option<Array>]) -> (Arrays, Tangents) {
        zero_jvp(self.prim(), primals)
    }

    fn transpose(&self, _: &[Option<Array>], _: &[Operand]) -> Linear {
        Linear::No
    }

    fn batch(&self, args: &[Array], dims: &[Option<usize>], _: &AxisInfo) -> (Arrays, BatchDims) {
        batch_elementwise(self.prim(), args, dims)
    }

    fn samples() -> Vec<Sample> {
        let mut samples = Vec::new();
        for row in TABLE.iter().map(|row| row()) {
            let values = |shape: &[usize], dtype, values: &[f64]| {
                SampleArg::values(shape.iter().copied(), dtype, values)
            };
            let (x, y) = ([1.0, -2.0, f64::NAN, 0.0], [1.0, 3.0, 1.0, -0.0]);
            let f32s = [values(&[4], DType::F32, &x), values(&[4], DType::F32, &y)];
            let mixed = [values(&[2, 2], DType::F32, &x), values(&[], DType::F32, &[0.0])];
            samples.push(Sample::new(row, f32s).not_differentiable());
            samples.push(Sample::new(row, mixed).not_differentiable());
            if !row.total {
                let ints = |dtype| {
                    let args = [values(&[3], dtype, &[1.0, 2.0, 3.0]), values(&[3], dtype, &[3.0, 2.0, 1.0])];
                    Sample::new(row, args)
                };
                samples.extend([ints(DType::I32), ints(DType::UI8)]);
            }
        }
        samples
    }
}
