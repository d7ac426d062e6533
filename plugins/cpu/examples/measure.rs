//! Measures the embedded compiler by itself, without the ABI: `cargo run --release -p jacinth-cpu --example measure`.
//!
//! Prints the median of a few rounds for each piece of work; figures with a fresh output include its allocation.

use std::sync::Arc;
use std::time::Instant;

use jacinth_cpu::collectives::Rendezvous;
use jacinth_cpu::compile::compile;
use jacinth_cpu::executable::{Argument, Arguments, Executable, RunContext};
use jacinth_cpu::kernels::KernelContext;
use jacinth_cpu::memory::{Allocation, Allocator};
use jacinth_cpu::pool::Pool;
use jacinth_lowering::ops::constant::Constant;
use jacinth_lowering::ops::control::While;
use jacinth_lowering::ops::elementwise::{Binary, Compare, Direction, Unary};
use jacinth_lowering::ops::reduce::Reduce;
use jacinth_lowering::ops::shape::BroadcastInDim;
use jacinth_lowering::{
    Attributes, ElementType, Error, FuncBuilder, Literal, Module, Op, Result, TensorType, Type, Value,
};

type Build = Box<dyn Fn(&mut FuncBuilder) -> Result<Vec<Value>>>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bench = Bench { pool: Pool::new(0), allocator: Allocator::new(None) };
    println!("{} threads, {:?}", bench.pool.threads(), jacinth_cpu::simd::Level::detect());

    bench.run("x + 1, f32[]", &[], Box::new(|b| add_one(b, &[])))?;
    for n in [1_000, 100_000, 10_000_000] {
        bench.run(&format!("tanh(x)*exp(-x*x)+sin(x), {n}"), &[n], Box::new(move |b| chain(b, n)))?;
    }
    for op in [Unary::Exponential, Unary::Sine, Unary::Tanh, Unary::LogPlusOne] {
        let name = format!("{op:?}, 1000000");
        bench.run(
            &name,
            &[1_000_000],
            Box::new(move |b| {
                let x = b.arg(f32s(&[1_000_000]), Attributes::new());
                Ok(vec![b.op(op, &[x])?])
            }),
        )?;
    }
    for (name, dims) in [("rows", vec![1]), ("columns", vec![0]), ("all", vec![0, 1])] {
        let name = format!("sum of 4096x4096 by {name}");
        bench.run(
            &name,
            &[4096, 4096],
            Box::new(move |b| {
                let x = b.arg(f32s(&[4096, 4096]), Attributes::new());
                Ok(vec![reduce(b, Binary::Add, x, 0.0, &dims)?])
            }),
        )?;
    }
    bench.run("softmax 4096x1024", &[4096, 1024], Box::new(softmax))?;
    bench.run("a loop of 1000000 additions", &[], Box::new(count))?;
    for n in [100, 1_000, 10_000] {
        bench.compile(n)?;
    }
    Ok(())
}

struct Bench {
    pool: Pool,
    allocator: Arc<Allocator>,
}

impl Bench {
    /// Runs a program of one argument of that shape.
    fn run(&self, name: &str, shape: &[i64], build: Build) -> Result<(), Box<dyn std::error::Error>> {
        let executable = compile(&module(build)?)?;
        let elements: i64 = shape.iter().product();
        let mut argument = self.allocator.allocate(elements as usize * 4)?;
        for (i, bytes) in argument.bytes_mut().chunks_exact_mut(4).enumerate() {
            bytes.copy_from_slice(&(((i % 1000) as f32 - 500.0) / 200.0).to_ne_bytes());
        }
        let argument = Arc::new(argument);
        let once = self.time(&executable, &argument, 1)?;
        let repeats = ((0.02 / once.max(1e-9)) as usize).clamp(1, 100_000);
        let mut rounds: Vec<f64> =
            (0..9).map(|_| self.time(&executable, &argument, repeats)).collect::<Result<_, _>>()?;
        rounds.sort_by(f64::total_cmp);
        println!("{name:<44} {:>12.6} ms", rounds[4] * 1e3);
        Ok(())
    }

    /// Seconds of one execution, the mean of `repeats`.
    fn time(
        &self,
        executable: &Executable,
        argument: &Arc<Allocation>,
        repeats: usize,
    ) -> Result<f64, Box<dyn std::error::Error>> {
        let kernels = KernelContext {
            pool: &self.pool,
            replica: 0,
            partition: 0,
            memory: &self.allocator,
            collectives: Rendezvous::solo(),
        };
        let cx = RunContext { allocator: &self.allocator, kernels };
        let start = Instant::now();
        for _ in 0..repeats {
            let mut arguments = Arguments::new();
            arguments.push(Argument::shared(argument.clone()));
            std::hint::black_box(executable.execute(arguments, &cx)?);
        }
        Ok(start.elapsed().as_secs_f64() / repeats as f64)
    }

    /// Compiles a chain of elementwise operations.
    fn compile(&self, n: usize) -> Result<(), Box<dyn std::error::Error>> {
        let module = module(Box::new(move |b| {
            let mut x = b.arg(f32s(&[128]), Attributes::new());
            for i in 0..n {
                x = if i % 2 == 0 { b.op(Unary::Sine, &[x])? } else { b.op(Binary::Add, &[x, x])? };
            }
            Ok(vec![x])
        }))?;
        let start = Instant::now();
        compile(&module)?;
        println!(
            "{:<44} {:>12.6} ms",
            format!("compile a chain of {n}"),
            start.elapsed().as_secs_f64() * 1e3
        );
        Ok(())
    }
}

fn module(build: Build) -> Result<Module> {
    let mut builder = FuncBuilder::new("main", true);
    let results = build(&mut builder)?;
    Ok(Module { funcs: vec![builder.finish(&results, Vec::new())], ..Module::default() })
}

fn f32s(shape: &[i64]) -> TensorType {
    TensorType::new(shape.iter().copied(), ElementType::F32)
}

fn add_one(b: &mut FuncBuilder, shape: &[i64]) -> Result<Vec<Value>> {
    let x = b.arg(f32s(shape), Attributes::new());
    let one = b.op(Constant { value: Literal::splat(shape.iter().copied(), 1.0f32)? }, &[])?;
    Ok(vec![b.op(Binary::Add, &[x, one])?])
}

fn chain(b: &mut FuncBuilder, n: i64) -> Result<Vec<Value>> {
    let x = b.arg(f32s(&[n]), Attributes::new());
    let tanh = b.op(Unary::Tanh, &[x])?;
    let square = b.op(Binary::Multiply, &[x, x])?;
    let negative = b.op(Unary::Negate, &[square])?;
    let bell = b.op(Unary::Exponential, &[negative])?;
    let product = b.op(Binary::Multiply, &[tanh, bell])?;
    let sine = b.op(Unary::Sine, &[x])?;
    Ok(vec![b.op(Binary::Add, &[product, sine])?])
}

fn reduce(b: &mut FuncBuilder, op: Binary, x: Value, init: f32, dims: &[i64]) -> Result<Value> {
    let init = b.op(Constant { value: Literal::scalar(init) }, &[])?;
    let scalar = || Type::Tensor(f32s(&[]));
    let region =
        b.block([scalar(), scalar()], |b, args| Ok::<_, Error>([b.op(op, args)?].into_iter().collect()))?;
    let op = Op::Reduce(Reduce { dimensions: dims.iter().copied().collect() });
    Ok(b.op_full(op, &[x, init], vec![region], None, Attributes::new())?[0])
}

fn softmax(b: &mut FuncBuilder) -> Result<Vec<Value>> {
    let ty = f32s(&[4096, 1024]);
    let x = b.arg(ty.clone(), Attributes::new());
    let rows = || BroadcastInDim { broadcast_dimensions: [0].into_iter().collect() };
    let max = reduce(b, Binary::Maximum, x, f32::NEG_INFINITY, &[1])?;
    let max = b.op_as(rows(), &[max], ty.clone())?;
    let centred = b.op(Binary::Subtract, &[x, max])?;
    let e = b.op(Unary::Exponential, &[centred])?;
    let sum = reduce(b, Binary::Add, e, 0.0, &[1])?;
    let sum = b.op_as(rows(), &[sum], ty)?;
    Ok(vec![b.op(Binary::Divide, &[e, sum])?])
}

fn count(b: &mut FuncBuilder) -> Result<Vec<Value>> {
    let x = b.arg(f32s(&[]), Attributes::new());
    let zero = b.op(Constant { value: Literal::scalar(0i32) }, &[])?;
    let types = || [Type::Tensor(TensorType::scalar(ElementType::I32)), Type::Tensor(f32s(&[]))];
    let cond = b.block(types(), |b, args| {
        let n = b.op(Constant { value: Literal::scalar(1_000_000i32) }, &[])?;
        let less = b.op(Compare { direction: Direction::Lt, compare_type: None }, &[args[0], n])?;
        Ok::<_, Error>([less].into_iter().collect())
    })?;
    let body = b.block(types(), |b, args| {
        let one = b.op(Constant { value: Literal::scalar(1i32) }, &[])?;
        let next = b.op(Binary::Add, &[args[0], one])?;
        let half = b.op(Constant { value: Literal::scalar(0.5f32) }, &[])?;
        let sum = b.op(Binary::Add, &[args[1], half])?;
        Ok::<_, Error>([next, sum].into_iter().collect())
    })?;
    Ok(b.op_full(Op::While(While), &[zero, x], vec![cond, body], None, Attributes::new())?.to_vec())
}
