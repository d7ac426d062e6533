//! The builder: appends operations to a function, inferring and checking types as it goes.
//!
//! A [`FuncBuilder`] holds one function under construction and a stack of open blocks; every `op` call appends to the
//! innermost. It is the only way in which the frontend writes modules, so what it accepts is verified.

use smallvec::{SmallVec, smallvec};

use crate::attribute::Attributes;
use crate::module::{Block, Func, Location, Operation, Value, Values};
use crate::ops::Context;
use crate::types::{Types, compatible};
use crate::{Error, Op, Result, TensorType, Type};

/// A function under construction.
///
/// ```
/// # use jacinth_lowering::{Attributes, ElementType, FuncBuilder, Module, TensorType, ops::elementwise::Binary};
/// let mut f = FuncBuilder::new("main", true);
/// let x = f.arg(TensorType::new([2], ElementType::F32), Attributes::new());
/// let y = f.op(Binary::Add, &[x, x])?; // its type follows
/// let module = Module { funcs: vec![f.finish(&[y], vec![])], ..Module::default() };
/// assert!(module.to_text().contains("stablehlo.add %arg0, %arg0 : tensor<2xf32>"));
/// # Ok::<(), jacinth_lowering::Error>(())
/// ```
#[derive(Debug)]
pub struct FuncBuilder {
    func: Func,
    /// Blocks under construction, innermost last; the first is the function's body.
    open: Vec<Block>,
    location: Location,
}

impl FuncBuilder {
    /// Begins a function of that name.
    pub fn new(name: impl Into<String>, public: bool) -> Self {
        FuncBuilder {
            func: Func {
                name: name.into(),
                public,
                values: Vec::new(),
                body: Block::default(),
                result_types: Vec::new(),
                arg_attributes: Vec::new(),
                result_attributes: Vec::new(),
                attributes: Attributes::new(),
                location: Location::Unknown,
            },
            open: vec![Block::default()],
            location: Location::Unknown,
        }
    }

    /// Adds a parameter.
    pub fn arg(&mut self, ty: impl Into<Type>, attributes: Attributes) -> Value {
        let value = self.value(ty.into());
        self.open[0].args.push(value);
        self.func.arg_attributes.push(attributes);
        value
    }

    /// Sets the location given to operations from now on.
    pub fn set_location(&mut self, location: Location) {
        self.location = location;
    }

    /// The type of a value.
    pub fn ty(&self, value: Value) -> &Type {
        self.func.ty(value)
    }

    /// The tensor type of a value; an error if it is a token or a tuple.
    ///
    /// ```
    /// # use jacinth_lowering::{Attributes, FuncBuilder, Type};
    /// let mut f = FuncBuilder::new("main", true);
    /// let token = f.arg(Type::Token, Attributes::new());
    /// assert_eq!(f.tensor(token).unwrap_err().to_string(), "expected a tensor, got !stablehlo.token");
    /// ```
    pub fn tensor(&self, value: Value) -> Result<&TensorType> {
        let ty = self.ty(value);
        ty.as_tensor().ok_or_else(|| Error::verify(format!("expected a tensor, got {ty}")))
    }

    /// Appends an operation with one result whose type follows from its operands.
    ///
    /// ```
    /// # use jacinth_lowering::{Attributes, ElementType, FuncBuilder, TensorType, ops::elementwise::Binary};
    /// let mut f = FuncBuilder::new("main", true);
    /// let [x, y] = [2, 3].map(|n| f.arg(TensorType::new([n], ElementType::F32), Attributes::new()));
    /// assert!(f.op(Binary::Add, &[x, y]).is_err()); // checked at once
    /// ```
    pub fn op(&mut self, op: impl Into<Op>, operands: &[Value]) -> Result<Value> {
        one(self.op_full(op.into(), operands, Vec::new(), None, Attributes::new())?)
    }

    /// Appends an operation with one result of a type that must be said (`reshape`, `convert`, `iota`, …).
    ///
    /// ```
    /// # use jacinth_lowering::{Attributes, ElementType, FuncBuilder, TensorType, ops::elementwise::Convert};
    /// let mut f = FuncBuilder::new("main", true);
    /// let x = f.arg(TensorType::new([2], ElementType::F32), Attributes::new());
    /// let y = f.op_as(Convert, &[x], TensorType::new([2], ElementType::I32))?;
    /// assert_eq!(f.ty(y).to_string(), "tensor<2xi32>");
    /// # Ok::<(), jacinth_lowering::Error>(())
    /// ```
    pub fn op_as(&mut self, op: impl Into<Op>, operands: &[Value], ty: impl Into<Type>) -> Result<Value> {
        let types = smallvec![ty.into()];
        one(self.op_full(op.into(), operands, Vec::new(), Some(types), Attributes::new())?)
    }

    /// Makes room for so many operations more in the body that is open, each with a result.
    ///
    /// ```
    /// # use jacinth_lowering::FuncBuilder;
    /// let mut f = FuncBuilder::new("main", true);
    /// f.reserve(600);
    /// assert!(f.finish(&[], Vec::new()).body.ops.capacity() >= 600);
    /// ```
    pub fn reserve(&mut self, operations: usize) {
        self.func.values.reserve(operations);
        self.open.last_mut().expect("the body is open").ops.reserve(operations);
    }

    /// Appends an operation with regions (made by [`Self::block`]); `types` where they do not follow from the operands.
    pub fn op_full(
        &mut self,
        op: Op,
        operands: &[Value],
        regions: Vec<Block>,
        types: Option<Types>,
        extra: Attributes,
    ) -> Result<Values> {
        let types = self.check(&op, operands, &regions, types)?;
        let first = u32::try_from(self.func.values.len()).expect("fewer than 2³² values");
        let results: Values = (first..).take(types.len()).map(Value).collect();
        self.func.values.extend(types);
        let operation = Operation {
            op,
            operands: Values::from_slice(operands),
            results: Values::from_slice(&results),
            regions,
            extra,
            location: self.location.clone(),
        };
        self.open.last_mut().expect("the body is open").ops.push(operation);
        Ok(results)
    }

    /// The types of an operation's results: those given, where they are what follows from the operands.
    fn check(&self, op: &Op, operands: &[Value], regions: &[Block], types: Option<Types>) -> Result<Types> {
        let operand_types: SmallVec<[&Type; 4]> = operands.iter().map(|&v| self.func.ty(v)).collect();
        let cx = Context { operands: &operand_types, regions, values: &self.func.values };
        let inferred = op.infer(&cx)?;
        let types = match (inferred, types) {
            (Some(inferred), Some(given)) if !compatible(&inferred, &given) => {
                return Err(Error::verify(format!(
                    "{}: result types {given:?} should be {inferred:?}",
                    op.name()
                )));
            }
            (_, Some(given)) => given,
            (Some(inferred), None) => inferred,
            (None, None) => {
                return Err(Error::verify(format!("{}: the result types must be given", op.name())));
            }
        };
        op.verify(&cx, &types)?;
        Ok(types)
    }

    /// Builds a nested block with arguments of those types: `body` appends to it and returns what it returns.
    pub fn block<E: From<Error>>(
        &mut self,
        args: impl IntoIterator<Item = Type>,
        body: impl FnOnce(&mut Self, &[Value]) -> Result<Values, E>,
    ) -> Result<Block, E> {
        let args: Values = args.into_iter().map(|ty| self.value(ty)).collect();
        self.open.push(Block { args: args.clone(), ..Block::default() });
        let depth = self.open.len();
        let results = body(self, &args);
        self.open.truncate(depth);
        let mut block = self.open.pop().expect("pushed above");
        block.results = results?;
        Ok(block)
    }

    /// Ends the function, returning `results` with their attributes.
    pub fn finish(mut self, results: &[Value], result_attributes: Vec<Attributes>) -> Func {
        self.func.result_types = results.iter().map(|&v| self.func.ty(v).clone()).collect();
        self.func.result_attributes = result_attributes;
        self.func.result_attributes.resize(results.len(), Attributes::new());
        self.func.body = self.open.swap_remove(0);
        self.func.body.results = results.into();
        self.func
    }

    fn value(&mut self, ty: Type) -> Value {
        self.func.values.push(ty);
        Value(u32::try_from(self.func.values.len() - 1).expect("fewer than 2³² values"))
    }
}

fn one(results: Values) -> Result<Value> {
    match results[..] {
        [value] => Ok(value),
        _ => Err(Error::verify(format!("expected one result, the operation has {}", results.len()))),
    }
}
