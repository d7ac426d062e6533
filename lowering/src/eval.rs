//! Reference evaluation: what a module means, computed one operation at a time with no cleverness.
//!
//! This is the oracle for the embedded plugin's kernels; it owns no speed. An [`Evaluator`] stands for one process of the
//! grid of replicas and partitions: it holds the values of the function that it is in, so that nested regions see
//! the values around them, and meets the other processes on a [`Grid`] when a collective asks for it.
//!
//! Invariants: every value that leaves an operation has the type the program declares for it (checked after each one);
//! nothing larger than [`MAX_BYTES`] is made; nesting is bounded, so a program cannot exhaust the stack.

pub(crate) mod arith;
mod complex;
mod grid;
pub(crate) mod index;
mod special;

use std::sync::Arc;

pub use arith::{scalar_complex, scalar_float};

pub use grid::{Grid, Process};
use smallvec::SmallVec;

use crate::module::{Block, Func, Operation, Value};
use crate::ops::elementwise::Convert;
use crate::ops::random::threefry2x32;
use crate::ops::{Context, EvalContext};
use crate::{DYNAMIC, ElementType, Error, Literal, Module, Op, Result, TensorType, Type, Types};

/// The most bytes that one value may take.
pub const MAX_BYTES: usize = 1 << 32;

/// How deeply calls and regions may nest while running.
const MAX_DEPTH: usize = 128;

/// A value while a program runs.
#[derive(Clone, PartialEq, Debug)]
pub enum Datum {
    /// A tensor.
    Tensor(Literal),
    /// A token, which only orders.
    Token,
    /// A tuple.
    Tuple(Vec<Datum>),
}

impl Datum {
    /// The value's type; tensors have static shapes.
    pub fn ty(&self) -> Type {
        match self {
            Datum::Tensor(literal) => Type::Tensor(literal.ty().clone()),
            Datum::Token => Type::Token,
            Datum::Tuple(parts) => Type::Tuple(parts.iter().map(Datum::ty).collect()),
        }
    }

    /// The tensor, or a sentence.
    pub fn literal(&self) -> Result<&Literal> {
        match self {
            Datum::Tensor(literal) => Ok(literal),
            other => Err(Error::eval(format!("expected a tensor, got a value of type {}", other.ty()))),
        }
    }

    /// The tensor, or a sentence.
    pub fn into_literal(self) -> Result<Literal> {
        match self {
            Datum::Tensor(literal) => Ok(literal),
            other => Err(Error::eval(format!("expected a tensor, got a value of type {}", other.ty()))),
        }
    }

    /// Whether the value is of a type, whose dynamic dimensions may have any size.
    fn is_of(&self, ty: &Type) -> bool {
        match (self, ty) {
            (Datum::Tensor(literal), Type::Tensor(ty)) => {
                let actual = literal.ty();
                actual.element == ty.element
                    && actual.rank() == ty.rank()
                    && actual.shape.iter().zip(&ty.shape).all(|(&a, &d)| a == d || d == DYNAMIC)
            }
            (Datum::Token, Type::Token) => true,
            (Datum::Tuple(parts), Type::Tuple(types)) => {
                parts.len() == types.len() && parts.iter().zip(types).all(|(part, ty)| part.is_of(ty))
            }
            _ => false,
        }
    }
}

impl From<Literal> for Datum {
    fn from(literal: Literal) -> Self {
        Datum::Tensor(literal)
    }
}

/// Runs `main` of a verified module in one process on these arguments.
///
/// Errors where an argument's type is not the parameter's, an operation is not supported, or a value is too large.
///
/// ```
/// # use jacinth_lowering::{Literal, Module, eval::evaluate};
/// let module = Module::parse(
///     "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
///       %y = stablehlo.multiply %x, %x : tensor<2xf32>
///       return %y : tensor<2xf32>
///     }",
/// )?;
/// module.verify()?;
/// let y = evaluate(&module, &[Literal::new([2], &[2.0f32, 3.0])?])?;
/// assert_eq!(y[0].to_vec::<f32>().unwrap(), [4.0, 9.0]);
/// # Ok::<(), jacinth_lowering::Error>(())
/// ```
pub fn evaluate(module: &Module, args: &[Literal]) -> Result<Vec<Literal>> {
    Evaluator::new(module).run("main", args)
}

/// Runs `main` in every process of a grid at once: `args[r * num_partitions + p]` are those of replica `r`, partition `p`,
/// and the results come in the same order.
///
/// ```
/// # use jacinth_lowering::{Literal, Module, eval::evaluate_grid};
/// let module = Module::parse(
///     "func.func @main() -> tensor<ui32> {
///       %id = stablehlo.replica_id : tensor<ui32>
///       return %id : tensor<ui32>
///     }",
/// )?;
/// let ids = evaluate_grid(&module, 2, 1, &[vec![], vec![]])?;
/// assert_eq!((ids[0][0].item(), ids[1][0].item()), (Some(0u32), Some(1u32)));
/// # Ok::<(), jacinth_lowering::Error>(())
/// ```
pub fn evaluate_grid(
    module: &Module,
    num_replicas: u32,
    num_partitions: u32,
    args: &[Vec<Literal>],
) -> Result<Vec<Vec<Literal>>> {
    let grid = Arc::new(Grid::new(num_replicas, num_partitions));
    let processes: Vec<Process> = grid.processes().collect();
    if args.len() != processes.len() {
        let (wanted, got) = (processes.len(), args.len());
        return Err(Error::eval(format!("the grid has {wanted} processes, arguments are given for {got}")));
    }
    std::thread::scope(|scope| {
        // All are present before the first runs, so that none finds itself alone.
        let present: Vec<_> = processes.iter().map(|_| grid.enter()).collect();
        let running: Vec<_> = processes
            .into_iter()
            .zip(args)
            .zip(present)
            .map(|((process, args), presence)| {
                let grid = grid.clone();
                scope.spawn(move || {
                    let outcome = Evaluator::on_grid(module, process, grid.clone()).run("main", args);
                    presence.leave(outcome.as_ref().err());
                    outcome
                })
            })
            .collect();
        running
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(Error::eval("a process of the grid failed unexpectedly")))
            })
            .collect()
    })
}

/// Evaluates a single operation on these operands, away from its function: `values` are the types of the function's values
/// and `captured` those values from around the operation that its regions use.
///
/// This is the way in for whoever runs a program by other means and has no kernel for one operation of it.
pub fn eval_operation(
    module: &Module,
    values: &[Type],
    operation: &Operation,
    operands: &[Literal],
    captured: &[(Value, Literal)],
) -> Result<Vec<Literal>> {
    let mut evaluator = Evaluator::new(module);
    evaluator.frame = Frame { types: values, values: vec![None; values.len()] };
    for (value, literal) in captured {
        evaluator.define(*value, Datum::Tensor(literal.clone()))?;
    }
    let operands: Vec<Datum> = operands.iter().cloned().map(Datum::Tensor).collect();
    evaluator.eval(operation, &operands)?.into_iter().map(Datum::into_literal).collect()
}

/// Evaluates functions and regions of one module for one process of the grid of replicas and partitions.
///
/// ```
/// # use jacinth_lowering::{Literal, Module, eval::Evaluator};
/// let module = Module::parse("func.func @id(%x: tensor<i32>) -> tensor<i32> { return %x : tensor<i32> }")?;
/// let out = Evaluator::new(&module).run("id", &[Literal::scalar(7i32)])?; // any function, not only `main`
/// assert_eq!(out[0].item::<i32>(), Some(7));
/// # Ok::<(), jacinth_lowering::Error>(())
/// ```
#[derive(Debug)]
pub struct Evaluator<'m> {
    /// The module whose functions may be called.
    pub module: &'m Module,
    process: Process,
    grid: Arc<Grid>,
    frame: Frame<'m>,
    depth: usize,
    /// How many words of the stream of `rng` have been drawn.
    drawn: u64,
}

/// The values of the function being run; those of its regions stand beside its own.
#[derive(Debug)]
struct Frame<'m> {
    types: &'m [Type],
    values: Vec<Option<Datum>>,
}

impl<'m> Evaluator<'m> {
    /// An evaluator for a program of a single process.
    pub fn new(module: &'m Module) -> Self {
        Self::on_grid(module, Process { replica: 0, partition: 0 }, Arc::new(Grid::new(1, 1)))
    }

    /// An evaluator for one process among those of `grid`.
    pub fn on_grid(module: &'m Module, process: Process, grid: Arc<Grid>) -> Self {
        Evaluator {
            module,
            process,
            grid,
            frame: Frame { types: &[], values: Vec::new() },
            depth: 0,
            drawn: 0,
        }
    }

    /// Which process this is.
    pub fn process(&self) -> Process {
        self.process
    }

    /// The processes of which this is one.
    pub fn grid(&self) -> &Arc<Grid> {
        &self.grid
    }

    /// The type of a value of the function being run.
    pub fn ty(&self, value: Value) -> &'m Type {
        &self.frame.types[value.index()]
    }

    /// Runs the function of that name on tensors.
    pub fn run(&mut self, name: &str, args: &[Literal]) -> Result<Vec<Literal>> {
        let args: Vec<Datum> = args.iter().cloned().map(Datum::Tensor).collect();
        self.call(name, &args)?.into_iter().map(Datum::into_literal).collect()
    }

    /// Runs the function of that name.
    pub fn call(&mut self, name: &str, args: &[Datum]) -> Result<Vec<Datum>> {
        let module = self.module;
        let func =
            module.func(name).ok_or_else(|| Error::eval(format!("the module has no function @{name}")))?;
        self.call_func(func, args)
    }

    fn call_func(&mut self, func: &'m Func, args: &[Datum]) -> Result<Vec<Datum>> {
        let inner = Frame { types: &func.values, values: vec![None; func.values.len()] };
        let outer = std::mem::replace(&mut self.frame, inner);
        let results = self.run_block(&func.body, args.iter().cloned());
        self.frame = outer;
        results.map_err(|error| error.at(format_args!("in function @{}", func.name)))
    }

    /// Runs a block of the function being run on these arguments and returns what it returns. The block sees the values
    /// of the blocks around it.
    pub fn run_block(&mut self, block: &Block, args: impl IntoIterator<Item = Datum>) -> Result<Vec<Datum>> {
        if self.depth == MAX_DEPTH {
            return Err(Error::eval(format!("calls and regions nest more than {MAX_DEPTH} deep")));
        }
        let mut args = args.into_iter();
        for &arg in &block.args {
            let datum = args.next().ok_or_else(|| Error::eval("a block was run on too few arguments"))?;
            self.define(arg, datum)?;
        }
        if args.next().is_some() {
            return Err(Error::eval("a block was run on too many arguments"));
        }
        self.depth += 1;
        let outcome = block.ops.iter().try_for_each(|operation| self.step(operation));
        self.depth -= 1;
        outcome?;
        block.results.iter().map(|&value| self.lookup(value)).collect()
    }

    /// As [`Self::run_block`], for a block from tensors to tensors.
    pub fn run_tensors(
        &mut self,
        block: &Block,
        args: impl IntoIterator<Item = Literal>,
    ) -> Result<Vec<Literal>> {
        let results = self.run_block(block, args.into_iter().map(Datum::Tensor))?;
        results.into_iter().map(Datum::into_literal).collect()
    }

    /// The next word of this process's own stream of random numbers.
    pub(crate) fn draw(&mut self) -> u64 {
        let key = [self.process.replica, self.process.partition];
        let [low, high] = threefry2x32(key, [self.drawn as u32, (self.drawn >> 32) as u32]);
        self.drawn += 1;
        u64::from(low) | u64::from(high) << 32
    }

    /// Evaluates an operation without regions that stands in no program: a definition written in terms of others.
    pub fn apply(&mut self, op: &Op, operands: &[Literal], result: &TensorType) -> Result<Literal> {
        let operands: SmallVec<[Datum; 4]> = operands.iter().cloned().map(Datum::Tensor).collect();
        let result = Type::Tensor(result.clone());
        let cx = &mut EvalContext { operands: &operands, regions: &[], results: &[&result], evaluator: self };
        match op.eval(cx)?.pop() {
            Some(datum) => datum.into_literal(),
            None => Err(Error::eval(format!("{}: evaluation gave no result", op.name()))),
        }
    }

    /// The same numbers in another element type, as `convert` does.
    pub fn convert(&mut self, literal: &Literal, element: ElementType) -> Result<Literal> {
        if literal.ty().element == element {
            return Ok(literal.clone());
        }
        let ty = literal.ty().with_element(element);
        self.apply(&Op::Convert(Convert), std::slice::from_ref(literal), &ty)
    }

    fn step(&mut self, operation: &Operation) -> Result<()> {
        let operands: SmallVec<[Datum; 4]> =
            operation.operands.iter().map(|&value| self.lookup(value)).collect::<Result<_>>()?;
        let results = self.eval(operation, &operands)?;
        for (&value, datum) in operation.results.iter().zip(results) {
            self.define(value, datum)
                .map_err(|e| Error::eval(format!("{}: {}", operation.op.name(), e.message)))?;
        }
        Ok(())
    }

    /// Evaluates an operation of the function being run on these operands.
    fn eval(&mut self, operation: &Operation, operands: &[Datum]) -> Result<Vec<Datum>> {
        let types = self.frame.types;
        let declared: SmallVec<[&Type; 4]> = operation.results.iter().map(|v| &types[v.index()]).collect();
        let refined: Option<Types> =
            match declared.iter().all(|ty| ty.as_tensor().is_none_or(TensorType::is_static)) {
                true => None,
                false => self.refine(operation, operands)?,
            };
        let results: Vec<&Type> = match &refined {
            Some(types) => types.iter().collect(),
            None => declared.to_vec(),
        };
        let name = operation.op.name();
        for ty in &results {
            check_size(name, ty)?;
        }
        let values = operation.op.eval(&mut EvalContext {
            operands,
            regions: &operation.regions,
            results: &results,
            evaluator: self,
        })?;
        if values.len() != operation.results.len() {
            let (wanted, got) = (operation.results.len(), values.len());
            return Err(Error::eval(format!("{name}: {wanted} results are declared, evaluation gave {got}")));
        }
        Ok(values)
    }

    /// The result types on operands of these very shapes, where the declared ones have dynamic dimensions.
    fn refine(&self, operation: &Operation, operands: &[Datum]) -> Result<Option<Types>> {
        if matches!(operation.op, Op::Call(_) | Op::Composite(_)) {
            return Ok(None);
        }
        let actual: Vec<Type> = operands.iter().map(Datum::ty).collect();
        let actual: Vec<&Type> = actual.iter().collect();
        let cx = Context { operands: &actual, regions: &operation.regions, values: self.frame.types };
        operation.op.infer(&cx)
    }

    fn lookup(&self, value: Value) -> Result<Datum> {
        self.frame
            .values
            .get(value.index())
            .and_then(Clone::clone)
            .ok_or_else(|| Error::eval(format!("value {} is used before it is defined", value.0)))
    }

    fn define(&mut self, value: Value, datum: Datum) -> Result<()> {
        let index = value.index();
        let Some(ty) = self.frame.types.get(index) else {
            return Err(Error::eval(format!("the function has no value {}", value.0)));
        };
        if !datum.is_of(ty) {
            return Err(Error::eval(format!("a value of type {ty} was given as {}", datum.ty())));
        }
        self.frame.values[index] = Some(datum);
        Ok(())
    }
}

/// Refuses types of more than [`MAX_BYTES`].
fn check_size(name: &str, ty: &Type) -> Result<()> {
    match ty {
        Type::Tensor(ty) if ty.is_static() => match ty.byte_size() {
            Some(size) if size <= MAX_BYTES => Ok(()),
            _ => Err(Error::eval(format!(
                "{name}: a value of type {ty} is too large for the reference evaluation"
            ))),
        },
        Type::Tuple(types) => types.iter().try_for_each(|ty| check_size(name, ty)),
        _ => Ok(()),
    }
}
