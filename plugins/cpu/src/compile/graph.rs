//! The compiler's own form of a program: one body, in which calls and composites are inlined, tuples taken apart and tokens gone.
//!
//! Operations keep lowering's types. Invariants: every value is a static tensor; values are numbered once for the whole
//! program, nested blocks included. Deliberately absent: transformation (`simplify`) and order (`fuse`).

use jacinth_lowering::ops::shape::{BroadcastInDim, Reshape};
use jacinth_lowering::{Block, Func, Literal, Module, Op, Operation, TensorType, Type, Value, Values, ops};
use rustc_hash::FxHashMap;

use crate::error::{Error, Result};

/// A program of one function.
#[derive(Debug)]
pub(crate) struct Graph {
    /// The type of every value.
    pub(crate) types: Vec<Type>,
    pub(crate) body: Block,
}

/// Calls nested deeper than this are taken for recursion, which StableHLO does not have.
const MAX_DEPTH: usize = 200;

/// A program with more operations and calls than this, once calls are inlined, is refused: functions that call each other twice
/// each would otherwise grow without bound.
const MAX_OPERATIONS: usize = 1 << 20;

impl Graph {
    /// The graph of the module's `main`.
    pub(crate) fn new(module: &Module) -> Result<Graph> {
        let main = module.main().ok_or_else(|| Error::invalid("the module has no function `main`"))?;
        let mut inline = Inline {
            module,
            types: Vec::with_capacity(main.values.len()),
            tuples: FxHashMap::default(),
            depth: 0,
            operations: 0,
        };
        let mut map = vec![Value(u32::MAX); main.values.len()];
        let mut body = Block::default();
        for &arg in &main.body.args {
            let value = inline.fresh(main.ty(arg))?;
            if !matches!(inline.types[value.index()], Type::Tensor(_)) {
                let ty = main.ty(arg);
                return Err(Error::unimplemented(format!("main: a parameter of type {ty} is not supported")));
            }
            map[arg.index()] = value;
            body.args.push(value);
        }
        body.results = inline.ops(main, &main.body, &mut map, &mut body.ops)?;
        for &value in &body.results {
            let ty = inline.types.get(value.index());
            if !matches!(ty, Some(Type::Tensor(_))) {
                return Err(Error::unimplemented("main: a result that is not a tensor is not supported"));
            }
        }
        Ok(Graph { types: inline.types, body })
    }

    /// The type of a value.
    pub(crate) fn ty(&self, value: Value) -> &TensorType {
        self.types[value.index()].as_tensor().expect("every value of a graph is a tensor")
    }

    /// A new value of that type.
    pub(crate) fn fresh(&mut self, ty: TensorType) -> Value {
        self.types.push(Type::Tensor(ty));
        Value(self.types.len() as u32 - 1)
    }
}

struct Inline<'m> {
    module: &'m Module,
    types: Vec<Type>,
    /// The elements of values that are tuples.
    tuples: FxHashMap<Value, Values>,
    depth: usize,
    /// Operations and calls so far.
    operations: usize,
}

impl Inline<'_> {
    fn fresh(&mut self, ty: &Type) -> Result<Value> {
        if let Type::Tensor(tensor) = ty {
            if !tensor.is_static() {
                return Err(Error::unimplemented(format!("a value of dynamic type {ty} is not supported")));
            }
            if tensor.byte_size().is_none() {
                return Err(Error::exhausted(format!(
                    "a value of type {ty} is larger than the address space"
                )));
            }
        }
        self.types.push(ty.clone());
        u32::try_from(self.types.len() - 1)
            .map(Value)
            .map_err(|_| Error::unimplemented("the program has 2³² values"))
    }

    fn is_token(&self, func: &Func, value: Value) -> bool {
        matches!(func.ty(value), Type::Token)
    }

    /// Appends a block's operations; returns what the block returns.
    fn ops(
        &mut self,
        func: &Func,
        block: &Block,
        map: &mut [Value],
        out: &mut Vec<Operation>,
    ) -> Result<Values> {
        for op in &block.ops {
            self.operation(func, op, map, out).map_err(|e| locate(e, op))?;
        }
        Ok(block.results.iter().map(|v| map[v.index()]).collect())
    }

    fn operation(
        &mut self,
        func: &Func,
        operation: &Operation,
        map: &mut [Value],
        out: &mut Vec<Operation>,
    ) -> Result<()> {
        self.operations += 1;
        if self.operations > MAX_OPERATIONS {
            return Err(Error::exhausted(format!(
                "call: the program has more than {MAX_OPERATIONS} operations once calls are inlined"
            )));
        }
        let operands: Values = operation.operands.iter().map(|v| map[v.index()]).collect();
        match &operation.op {
            Op::Call(op) => return self.call(&op.callee, operation, &operands, map, out),
            Op::Composite(op) => return self.call(&op.decomposition, operation, &operands, map, out),
            Op::OptimizationBarrier(_) => {
                for (result, operand) in operation.results.iter().zip(&operands) {
                    map[result.index()] = *operand;
                }
                return Ok(());
            }
            Op::Tuple(_) => {
                let value = self.fresh(func.ty(operation.results[0]))?;
                self.tuples.insert(value, operands);
                map[operation.results[0].index()] = value;
                return Ok(());
            }
            Op::GetTupleElement(op) => {
                let elements = self.tuples.get(&operands[0]);
                let element = elements.and_then(|t| t.get(op.index as usize)).ok_or_else(|| {
                    Error::unimplemented("get_tuple_element: a tuple that no `tuple` made is not supported")
                })?;
                map[operation.results[0].index()] = *element;
                return Ok(());
            }
            Op::CreateToken(_) | Op::AfterAll(_) => {
                map[operation.results[0].index()] = self.fresh(&Type::Token)?;
                return Ok(());
            }
            _ => {}
        }
        let token = |v: &Value| self.is_token(func, *v);
        let control = matches!(operation.op, Op::While(_) | Op::If(_) | Op::Case(_));
        // What control flow carries of tokens is dropped with them.
        let drop: Vec<bool> = match (control, &operation.op) {
            (true, Op::While(_)) => operation.operands.iter().map(token).collect(),
            (true, _) => operation.results.iter().map(token).collect(),
            _ => Vec::new(),
        };
        let kept = |values: &[Value]| -> Values {
            let keep = |i: &usize| !drop.get(*i).copied().unwrap_or(false);
            (0..values.len()).filter(keep).map(|i| values[i]).collect()
        };
        let mut regions = Vec::with_capacity(operation.regions.len());
        for region in &operation.regions {
            let mut args = Values::new();
            for &arg in &region.args {
                let value = self.fresh(func.ty(arg))?;
                map[arg.index()] = value;
                args.push(value);
            }
            let mut ops = Vec::with_capacity(region.ops.len());
            let results = self.ops(func, region, map, &mut ops)?;
            match &operation.op {
                Op::While(_) if regions.is_empty() => regions.push(Block { args: kept(&args), ops, results }),
                Op::While(_) => regions.push(Block { args: kept(&args), ops, results: kept(&results) }),
                Op::If(_) | Op::Case(_) => regions.push(Block { args, ops, results: kept(&results) }),
                _ => regions.push(Block { args, ops, results }),
            }
        }
        let mut results = Values::new();
        for &result in &operation.results {
            let value = self.fresh(func.ty(result))?;
            map[result.index()] = value;
            results.push(value);
        }
        let is_tensor = |v: &Value| matches!(self.types[v.index()], Type::Tensor(_));
        let tensors = |values: &[Value]| -> Values { values.iter().copied().filter(is_tensor).collect() };
        let (operands, results) = match control {
            true if matches!(operation.op, Op::While(_)) => (kept(&operands), kept(&results)),
            true => (operands, kept(&results)),
            false => (tensors(&operands), tensors(&results)),
        };
        let op = self.specialize(&operation.op, &operands, &results);
        let operands = match &op {
            // A shape that the result type already says is not an operand any more.
            Op::Reshape(_) | Op::BroadcastInDim(_) => operands[..1].into(),
            Op::Iota(_) => Values::new(),
            _ => operands,
        };
        out.push(Operation {
            op,
            operands,
            results,
            regions,
            extra: Default::default(),
            location: operation.location.clone(),
        });
        Ok(())
    }

    /// Operations on dynamic shapes whose shapes turned out to be static.
    fn specialize(&self, op: &Op, operands: &[Value], results: &[Value]) -> Op {
        match op {
            Op::DynamicReshape(_) => Op::Reshape(Reshape),
            Op::DynamicBroadcastInDim(op) => {
                Op::BroadcastInDim(BroadcastInDim { broadcast_dimensions: op.broadcast_dimensions.clone() })
            }
            Op::DynamicIota(op) => Op::Iota(ops::constant::Iota { iota_dimension: op.iota_dimension }),
            Op::GetDimensionSize(op) => {
                let size = match (&self.types[operands[0].index()], results) {
                    (Type::Tensor(ty), [_]) => ty.shape[op.dimension as usize],
                    _ => 0,
                };
                Op::Constant(ops::constant::Constant { value: Literal::scalar(size as i32) })
            }
            op => op.clone(),
        }
    }

    fn call(
        &mut self,
        callee: &str,
        operation: &Operation,
        operands: &[Value],
        map: &mut [Value],
        out: &mut Vec<Operation>,
    ) -> Result<()> {
        if self.depth >= MAX_DEPTH {
            return Err(Error::invalid(format!("call: @{callee} is called from itself")));
        }
        let module = self.module;
        let target = module
            .func(callee)
            .ok_or_else(|| Error::invalid(format!("call: there is no function @{callee}")))?;
        if target.body.args.len() != operands.len() || target.body.results.len() != operation.results.len() {
            return Err(Error::invalid(format!(
                "call: @{callee} has another number of parameters or results"
            )));
        }
        let mut inner = vec![Value(u32::MAX); target.values.len()];
        for (arg, &operand) in target.body.args.iter().zip(operands) {
            inner[arg.index()] = operand;
        }
        self.depth += 1;
        let results = self.ops(target, &target.body, &mut inner, out)?;
        self.depth -= 1;
        for (result, value) in operation.results.iter().zip(results) {
            map[result.index()] = value;
        }
        Ok(())
    }
}

fn locate(error: Error, operation: &Operation) -> Error {
    let name = operation.op.name();
    let short = name.rsplit('.').next().unwrap_or(name);
    if error.message.starts_with(short) || error.message.starts_with("call") {
        return error;
    }
    Error { message: format!("{short}: {}", error.message), ..error }
}
