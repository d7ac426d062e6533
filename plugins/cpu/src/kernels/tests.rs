//! What the kernels' tests share: arrays, a small pool, random values, and regions evaluated one scalar operation at a time.

use std::sync::{Arc, LazyLock};

use jacinth_lowering::ops::elementwise::{Binary, Direction};
use jacinth_lowering::{Block, ElementType, Native, Op, Operation, TensorType, Type, Value};

use crate::memory::Allocator;

use super::{Kernel, KernelContext, Parallel, RegionCompiler, RegionFn, Serial, build};

/// A pool of threads made for each run, so that tests see true concurrency.
#[derive(Debug)]
pub(crate) struct Threads(pub(crate) usize);

impl Parallel for Threads {
    fn threads(&self) -> usize {
        self.0
    }
    fn run(&self, tasks: usize, task: &(dyn Fn(usize) + Sync)) {
        let next = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..self.0.min(tasks) {
                scope.spawn(|| {
                    loop {
                        let i = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        if i >= tasks {
                            return;
                        }
                        task(i);
                    }
                });
            }
        });
    }
}

/// One allocator for all tests.
pub(crate) fn memory() -> &'static Arc<Allocator> {
    static MEMORY: LazyLock<Arc<Allocator>> = LazyLock::new(|| Allocator::new(None));
    &MEMORY
}

pub(crate) fn context(pool: &dyn Parallel) -> KernelContext<'_> {
    let collectives = crate::collectives::Rendezvous::solo();
    KernelContext { pool, replica: 0, partition: 0, memory: memory(), collectives }
}

pub(crate) fn ty(shape: &[i64], element: ElementType) -> TensorType {
    TensorType::new(shape.iter().copied(), element)
}

/// A host array.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Array {
    pub(crate) ty: TensorType,
    pub(crate) bytes: Vec<u8>,
}

impl Array {
    pub(crate) fn of<T: Native, const N: usize>(shape: [i64; N], values: &[T]) -> Self {
        let ty = TensorType::new(shape, T::ELEMENT);
        let mut bytes = Vec::new();
        values.iter().for_each(|v| v.write(&mut bytes));
        assert_eq!(Some(bytes.len()), ty.byte_size());
        Array { ty, bytes }
    }

    /// Bytes that tell elements apart.
    pub(crate) fn counting(ty: TensorType) -> Self {
        let n = ty.byte_size().expect("static");
        Array { ty, bytes: (0..n).map(|i| (i * 37 % 251) as u8).collect() }
    }

    /// Small random numbers, exact in every type that can hold them.
    pub(crate) fn random(ty: TensorType, rng: &mut Rng) -> Self {
        let n = ty.num_elements().expect("static");
        let mut bytes = Vec::new();
        for _ in 0..n {
            let v = rng.below(9) as i64 - 4;
            push(ty.element, v, &mut bytes);
        }
        Array { ty, bytes }
    }

    pub(crate) fn element(&self, i: usize) -> &[u8] {
        let w = self.ty.element.byte_width();
        &self.bytes[i * w..(i + 1) * w]
    }

    pub(crate) fn values<T: Native>(&self) -> Vec<T> {
        assert_eq!(T::ELEMENT, self.ty.element);
        self.bytes.chunks_exact(size_of::<T>()).map(T::from_ne_bytes).collect()
    }
}

/// Appends a small integer in an element type; unsigned types take its magnitude.
fn push(element: ElementType, v: i64, out: &mut Vec<u8>) {
    use half::{bf16, f16};
    let u = v.unsigned_abs();
    match element {
        ElementType::I1 => out.push(u8::from(v > 0)),
        ElementType::I2 | ElementType::UI2 => out.push((u % 2) as u8),
        ElementType::I4 | ElementType::I8 => out.push(v as i8 as u8),
        ElementType::UI4 | ElementType::UI8 => out.push(u as u8),
        ElementType::I16 => (v as i16).write(out),
        ElementType::I32 => (v as i32).write(out),
        ElementType::I64 => v.write(out),
        ElementType::UI16 => (u as u16).write(out),
        ElementType::UI32 => (u as u32).write(out),
        ElementType::UI64 => u.write(out),
        ElementType::BF16 => bf16::from_f64(v as f64).write(out),
        ElementType::F16 => f16::from_f64(v as f64).write(out),
        ElementType::F32 => (v as f32).write(out),
        ElementType::F64 => (v as f64).write(out),
        ElementType::C64 => num_complex::Complex::new(v as f32, (v % 3) as f32).write(out),
        ElementType::C128 => num_complex::Complex::new(v as f64, (v % 3) as f64).write(out),
        other => panic!("no test values of {other}"),
    }
}

/// A small reproducible generator.
#[derive(Debug)]
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let x = self.0 ^ (self.0 >> 33);
        x.wrapping_mul(0xff51afd7ed558ccd) ^ (x >> 29)
    }
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n
    }
    /// A float in −1..1.
    pub(crate) fn float(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}

/// Builds an operation without regions.
pub(crate) fn kernel(op: &Op, operands: &[Array], results: &[TensorType]) -> Box<dyn Kernel> {
    let types: Vec<TensorType> = operands.iter().map(|a| a.ty.clone()).collect();
    build(op, &types, results, &[], &[], &Scalars::default()).expect("it builds").expect("there is a kernel")
}

/// Builds and runs an operation without regions, with one thread and with three, which must agree.
pub(crate) fn run(op: &Op, operands: &[Array], results: &[TensorType]) -> Vec<Array> {
    run_kernel(&*kernel(op, operands, results), operands, results)
}

/// Builds an operation with regions.
pub(crate) fn kernel_with(
    op: &Op,
    operands: &[TensorType],
    results: &[TensorType],
    regions: &Regions,
) -> Option<Box<dyn Kernel>> {
    let scalars = Scalars { values: regions.values.clone() };
    build(op, operands, results, &regions.blocks, &regions.values, &scalars).expect("it builds")
}

/// As [`run`], for an operation with regions.
pub(crate) fn run_with(op: &Op, operands: &[Array], results: &[TensorType], regions: &Regions) -> Vec<Array> {
    let types: Vec<TensorType> = operands.iter().map(|a| a.ty.clone()).collect();
    let scalars = Scalars { values: regions.values.clone() };
    let kernel = build(op, &types, results, &regions.blocks, &regions.values, &scalars).expect("it builds");
    run_kernel(&*kernel.expect("there is a kernel"), operands, results)
}

pub(crate) fn run_kernel(kernel: &dyn Kernel, operands: &[Array], results: &[TensorType]) -> Vec<Array> {
    let serial = execute(kernel, &Serial, operands, results, false);
    let threads = execute(kernel, &Threads(3), operands, results, false);
    assert_eq!(serial, threads, "one thread and three agree");
    serial
}

/// Runs with every output in the array of the input that it may reuse.
pub(crate) fn run_in_place(op: &Op, operands: &[Array], results: &[TensorType]) -> Vec<Array> {
    execute(&*kernel(op, operands, results), &Serial, operands, results, true)
}

pub(crate) fn execute(
    kernel: &dyn Kernel,
    pool: &dyn Parallel,
    operands: &[Array],
    results: &[TensorType],
    in_place: bool,
) -> Vec<Array> {
    // Sixteen-byte storage, so that every element is aligned.
    let aligned = |bytes: &[u8]| {
        let mut v = vec![[0u64; 2]; bytes.len().div_ceil(16) + 1];
        // SAFETY: at least as many bytes.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), v.as_mut_ptr().cast(), bytes.len()) };
        v
    };
    let mut inputs: Vec<_> = operands.iter().map(|a| aligned(&a.bytes)).collect();
    let mut fresh: Vec<_> =
        results.iter().map(|ty| aligned(&vec![0xA5; ty.byte_size().expect("static")])).collect();
    let input_pointers: Vec<*const u8> =
        inputs.iter_mut().map(|v| v.as_mut_ptr().cast_const().cast()).collect();
    let outputs: Vec<*mut u8> = (fresh.iter_mut().enumerate())
        .map(|(i, v)| match kernel.in_place(i).filter(|_| in_place) {
            Some(input) => input_pointers[input].cast_mut(),
            None => v.as_mut_ptr().cast(),
        })
        .collect();
    // SAFETY: arrays of these types.
    unsafe { kernel.run(&context(pool), &input_pointers, &outputs) }.expect("it runs");
    (results.iter().zip(&outputs))
        .map(|(ty, &p)| {
            // SAFETY: the output's array.
            let bytes = unsafe { std::slice::from_raw_parts(p, ty.byte_size().expect("static")) };
            Array { ty: ty.clone(), bytes: bytes.to_vec() }
        })
        .collect()
}

/// Regions under construction, with the value table they index.
#[derive(Clone, Debug, Default)]
pub(crate) struct Regions {
    pub(crate) blocks: Vec<Block>,
    pub(crate) values: Vec<Type>,
}

impl Regions {
    /// Adds a block whose arguments are scalars of these types; `body` appends operations and returns the results.
    pub(crate) fn block(
        mut self,
        args: &[ElementType],
        body: impl FnOnce(&mut Body<'_>, &[Value]) -> Vec<Value>,
    ) -> Self {
        let mut block = Block::default();
        for &e in args {
            block.args.push(Value(self.values.len() as u32));
            self.values.push(TensorType::scalar(e).into());
        }
        let args: Vec<Value> = block.args.to_vec();
        let mut inner = Body { block: &mut block, values: &mut self.values };
        let results = body(&mut inner, &args);
        block.results = results.into_iter().collect();
        self.blocks.push(block);
        self
    }

    /// One region that combines two scalars with a binary operation.
    pub(crate) fn binary(element: ElementType, op: Binary) -> Self {
        Regions::default().block(&[element, element], |b, a| vec![b.op(op, &[a[0], a[1]], element)])
    }
}

/// A block under construction.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    block: &'a mut Block,
    values: &'a mut Vec<Type>,
}

impl Body<'_> {
    pub(crate) fn op(&mut self, op: impl Into<Op>, operands: &[Value], result: ElementType) -> Value {
        let value = Value(self.values.len() as u32);
        self.values.push(TensorType::scalar(result).into());
        self.block.ops.push(Operation {
            op: op.into(),
            operands: operands.iter().copied().collect(),
            results: [value].into_iter().collect(),
            regions: vec![],
            extra: Default::default(),
            location: Default::default(),
        });
        value
    }

    pub(crate) fn compare(&mut self, direction: Direction, total: bool, a: Value, b: Value) -> Value {
        use jacinth_lowering::ops::elementwise::{Compare, CompareType};
        let compare_type = total.then_some(CompareType::TotalOrder);
        self.op(Compare { direction, compare_type }, &[a, b], ElementType::I1)
    }
}

/// Evaluates regions of `f32`, `i32` and `i1` scalars in `f64`, operation by operation: an oracle for region kernels.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scalars {
    pub(crate) values: Vec<Type>,
}

impl RegionCompiler for Scalars {
    fn compile_region(&self, block: &Block) -> jacinth_lowering::Result<Option<Arc<dyn RegionFn>>> {
        Ok(Some(Arc::new(ScalarRegion { block: block.clone(), values: self.values.clone() })))
    }
}

#[derive(Debug)]
struct ScalarRegion {
    block: Block,
    values: Vec<Type>,
}

impl ScalarRegion {
    fn element(&self, v: Value) -> ElementType {
        self.values[v.index()].as_tensor().expect("scalars").element
    }
}

impl RegionFn for ScalarRegion {
    unsafe fn call(&self, lanes: usize, inputs: &[*const u8], outputs: &[*mut u8]) {
        let mut env = vec![0f64; self.values.len()];
        for lane in 0..lanes {
            for (&arg, p) in self.block.args.iter().zip(inputs) {
                // SAFETY: arrays of `lanes` elements.
                env[arg.index()] = unsafe {
                    match self.element(arg) {
                        ElementType::F32 => f64::from(*p.cast::<f32>().add(lane)),
                        ElementType::I32 => f64::from(*p.cast::<i32>().add(lane)),
                        ElementType::I1 => f64::from(*p.add(lane)),
                        other => panic!("{other} in a test region"),
                    }
                };
            }
            for op in &self.block.ops {
                let x = |i: usize| env[op.operands[i].index()];
                let yes = |b: bool| if b { 1.0 } else { 0.0 };
                env[op.results[0].index()] = match &op.op {
                    Op::Binary(Binary::Add) => x(0) + x(1),
                    Op::Binary(Binary::Subtract) => x(0) - x(1),
                    Op::Binary(Binary::Multiply) => x(0) * x(1),
                    Op::Binary(Binary::Maximum) => x(0).max(x(1)),
                    Op::Binary(Binary::And) => yes(x(0) != 0.0 && x(1) != 0.0),
                    Op::Binary(Binary::Or) => yes(x(0) != 0.0 || x(1) != 0.0),
                    Op::Select(_) => {
                        if x(0) != 0.0 {
                            x(1)
                        } else {
                            x(2)
                        }
                    }
                    Op::Compare(c) => yes(match c.direction {
                        Direction::Eq => x(0) == x(1),
                        Direction::Ne => x(0) != x(1),
                        Direction::Ge => x(0) >= x(1),
                        Direction::Gt => x(0) > x(1),
                        Direction::Le => x(0) <= x(1),
                        Direction::Lt => x(0) < x(1),
                    }),
                    other => panic!("{} in a test region", other.name()),
                };
            }
            for (&result, p) in self.block.results.iter().zip(outputs) {
                let v = env[result.index()];
                // SAFETY: arrays of `lanes` elements.
                unsafe {
                    match self.element(result) {
                        ElementType::F32 => *p.cast::<f32>().add(lane) = v as f32,
                        ElementType::I32 => *p.cast::<i32>().add(lane) = v as i32,
                        ElementType::I1 => *p.add(lane) = u8::from(v != 0.0),
                        other => panic!("{other} in a test region"),
                    }
                }
            }
        }
    }
}
