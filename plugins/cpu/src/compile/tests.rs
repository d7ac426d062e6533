//! Tests of the whole compiler, against the reference evaluation.

use jacinth_lowering::eval::evaluate;
use jacinth_lowering::ops::constant::{Constant, Iota};
use jacinth_lowering::ops::control::{If, While};
use jacinth_lowering::ops::dot::{DotDimensionNumbers, DotGeneral};
use jacinth_lowering::ops::elementwise::{Binary, Clamp, Compare, Convert, Direction, Select, Unary};
use jacinth_lowering::ops::reduce::Reduce;
use jacinth_lowering::ops::shape::{BroadcastInDim, Reshape, Transpose};
use jacinth_lowering::ops::slice::{DynamicUpdateSlice, Slice};
use jacinth_lowering::{
    Attribute, Attributes, ElementType, FuncBuilder, Literal, Module, Op, Result, Shape, TensorType, Type,
    Value,
};
use smallvec::smallvec;

use super::{compile, compile_for};
use crate::executable::{Argument, Arguments, Executable, RunContext};
use crate::kernels::KernelContext;
use crate::memory::{Allocation, Allocator};
use crate::pool::Pool;
use crate::simd::Level;
use std::sync::Arc;

fn f32s(shape: &[i64]) -> TensorType {
    TensorType::new(shape.iter().copied(), ElementType::F32)
}

fn module(build: impl FnOnce(&mut FuncBuilder) -> Result<Vec<Value>>) -> Module {
    let mut builder = FuncBuilder::new("main", true);
    let results = build(&mut builder).unwrap();
    Module { funcs: vec![builder.finish(&results, Vec::new())], ..Module::default() }
}

struct Runner {
    pool: Pool,
    allocator: Arc<Allocator>,
}

impl Runner {
    fn new() -> Runner {
        Runner { pool: Pool::new(3), allocator: Allocator::new(None) }
    }

    fn run(&self, executable: &Executable, args: &[Literal], donate: bool) -> Vec<Literal> {
        let upload = |literal: &Literal| {
            let bytes = literal.to_bytes();
            let mut allocation = self.allocator.allocate(bytes.len()).unwrap();
            allocation.bytes_mut().copy_from_slice(&bytes);
            allocation
        };
        let cx = RunContext { allocator: &self.allocator, kernels: kernel_context(&self.pool) };
        let outputs = if donate {
            let arguments: Arguments = args.iter().map(|x| Argument::donated(Arc::new(upload(x)))).collect();
            executable.execute(arguments, &cx).unwrap()
        } else {
            let shared: Vec<Arc<Allocation>> = args.iter().map(|x| Arc::new(upload(x))).collect();
            let outputs =
                executable.execute(shared.iter().cloned().map(Argument::shared).collect(), &cx).unwrap();
            for (literal, allocation) in args.iter().zip(&shared) {
                assert_eq!(bytes_of(allocation), literal.to_bytes()[..], "a shared argument was written");
            }
            outputs
        };
        let literal = |(ty, out): (&TensorType, Arc<Allocation>)| {
            Literal::from_bytes(ty.clone(), &bytes_of(&out)[..ty.byte_size().unwrap()]).unwrap()
        };
        executable.results().iter().zip(outputs).map(literal).collect()
    }
}

/// An allocation's contents.
fn bytes_of(allocation: &Allocation) -> Vec<u8> {
    // SAFETY: it has that many bytes, which nobody writes between executions.
    unsafe { std::slice::from_raw_parts(allocation.as_ptr(), allocation.len()) }.to_vec()
}

fn kernel_context(pool: &Pool) -> KernelContext<'_> {
    KernelContext {
        pool,
        replica: 0,
        partition: 0,
        memory: crate::kernels::test_memory(),
        collectives: crate::collectives::Rendezvous::solo(),
    }
}

/// Elements as numbers, for comparing.
fn numbers(literal: &Literal) -> Vec<f64> {
    match literal.ty().element {
        ElementType::F32 => literal.to_vec::<f32>().unwrap().iter().map(|&x| f64::from(x)).collect(),
        ElementType::F64 => literal.to_vec::<f64>().unwrap(),
        ElementType::I32 => literal.to_vec::<i32>().unwrap().iter().map(|&x| f64::from(x)).collect(),
        ElementType::I1 => {
            literal.to_vec::<bool>().unwrap().iter().map(|&x| f64::from(u8::from(x))).collect()
        }
        other => panic!("no numbers of {other}"),
    }
}

fn assert_close(got: &Literal, want: &Literal, what: &str) {
    assert_eq!(got.ty(), want.ty(), "{what}");
    for (i, (g, w)) in numbers(got).iter().zip(numbers(want)).enumerate() {
        let close = (g - w).abs() <= 2e-5 * w.abs().max(1.0) || g.is_nan() && w.is_nan() || *g == w;
        assert!(close, "{what}: element {i} is {g}, should be {w}");
    }
}

/// Compiled, borrowed and donated, at every level, equals the reference.
fn check(module: &Module, args: &[Literal]) -> Executable {
    let want = evaluate(module, args).unwrap();
    let runner = Runner::new();
    for level in Level::available() {
        let executable = compile_for(module, level).unwrap();
        for donate in [false, true, false] {
            let got = runner.run(&executable, args, donate);
            assert_eq!(got.len(), want.len());
            for (got, want) in got.iter().zip(&want) {
                assert_close(got, want, &format!("{level:?} donate={donate}\n{}", executable.to_text()));
            }
        }
    }
    assert_eq!(runner.allocator.stats().bytes_in_use, 0, "everything was given back");
    compile(module).unwrap()
}

fn ramp(shape: &[i64]) -> Literal {
    let n: i64 = shape.iter().product();
    let values: Vec<f32> = (0..n).map(|i| ((i * 37 % 101) as f32 - 50.0) / 25.0).collect();
    Literal::new(shape.iter().copied(), &values).unwrap()
}

fn reducer(b: &mut FuncBuilder, op: Binary) -> Result<jacinth_lowering::Block> {
    let scalar = || Type::Tensor(f32s(&[]));
    b.block([scalar(), scalar()], |b, args| Ok(smallvec![b.op(op, args)?]))
}

fn reduce(b: &mut FuncBuilder, op: Binary, x: Value, init: f32, dims: &[i64]) -> Result<Value> {
    let init = b.op(Constant { value: Literal::scalar(init) }, &[])?;
    let region = reducer(b, op)?;
    let op = Op::Reduce(Reduce { dimensions: dims.into() });
    Ok(b.op_full(op, &[x, init], vec![region], None, Attributes::new())?[0])
}

fn broadcast(b: &mut FuncBuilder, x: Value, dims: &[i64], shape: &[i64]) -> Result<Value> {
    let element = b.tensor(x)?.element;
    let ty = TensorType::new(shape.iter().copied(), element);
    b.op_as(BroadcastInDim { broadcast_dimensions: dims.into() }, &[x], ty)
}

#[test]
fn one_addition() {
    let module = module(|b| {
        let x = b.arg(f32s(&[]), Attributes::new());
        let one = b.op(Constant { value: Literal::scalar(1.0f32) }, &[])?;
        Ok(vec![b.op(Binary::Add, &[x, one])?])
    });
    let executable = check(&module, &[Literal::scalar(2.5f32)]);
    assert!(executable.nanoseconds() < 1_000);
    assert_eq!(executable.temp_bytes(), 0);
}

#[test]
fn identity_constant_and_repeated_results() {
    let module = module(|b| {
        let x = b.arg(f32s(&[3]), Attributes::new());
        let c = b.op(Constant { value: Literal::new([2], &[1i32, 2]).unwrap() }, &[])?;
        let y = b.op(Unary::Negate, &[x])?;
        let r = b.op_as(Reshape, &[x], f32s(&[1, 3]))?;
        Ok(vec![x, c, y, y, r, x])
    });
    check(&module, &[ramp(&[3])]);
}

#[test]
fn softmax_is_three_regions() {
    for shape in [[1i64, 1], [3, 5], [7, 300], [2, 3000], [0, 4], [4, 0], [200, 10]] {
        let module = module(|b| {
            let x = b.arg(f32s(&shape), Attributes::new());
            let max = reduce(b, Binary::Maximum, x, f32::NEG_INFINITY, &[1])?;
            let max = broadcast(b, max, &[0], &shape)?;
            let centred = b.op(Binary::Subtract, &[x, max])?;
            let e = b.op(Unary::Exponential, &[centred])?;
            let sum = reduce(b, Binary::Add, e, 0.0, &[1])?;
            let sum = broadcast(b, sum, &[0], &shape)?;
            Ok(vec![b.op(Binary::Divide, &[e, sum])?])
        });
        let executable = check(&module, &[ramp(&shape)]);
        if shape == [7, 300] {
            assert_eq!(executable.to_text().matches(" = fused").count(), 3, "{}", executable.to_text());
        }
    }
}

#[test]
fn reductions_of_every_shape() {
    let cases: &[(&[i64], &[i64])] = &[
        (&[5], &[0]),
        (&[4000], &[0]),
        (&[3, 4], &[0]),
        (&[300, 7], &[0]),
        (&[5, 1500], &[0]),
        (&[1500, 5], &[0]),
        (&[2, 3, 4], &[1]),
        (&[2, 300, 40], &[1]),
        (&[2, 3, 4], &[0, 2]),
        (&[2, 3, 4], &[0, 1, 2]),
        (&[2, 3, 4], &[]),
        (&[6, 1, 4], &[1]),
        (&[0, 4], &[0]),
        (&[3, 0], &[1]),
        (&[70000], &[0]),
        (&[2, 40000], &[1]),
        (&[40000, 2], &[0]),
        (&[300, 700], &[0]),
    ];
    for (shape, dims) in cases {
        for (op, init) in [(Binary::Add, 1.0), (Binary::Maximum, -1.5), (Binary::Minimum, 0.0)] {
            let module = module(|b| {
                let x = b.arg(f32s(shape), Attributes::new());
                let y = b.op(Binary::Multiply, &[x, x])?;
                Ok(vec![reduce(b, op, y, init, dims)?, y])
            });
            // Small integers, whose sums are exact in every order.
            let values: Vec<f32> =
                (0..shape.iter().product::<i64>()).map(|i| (i * 37 % 7 - 3) as f32).collect();
            check(&module, &[Literal::new(shape.iter().copied(), &values).unwrap()]);
        }
    }
}

#[test]
fn views_are_read_through() {
    let module = module(|b| {
        let x = b.arg(f32s(&[6, 4]), Attributes::new());
        let bias = b.arg(f32s(&[6]), Attributes::new());
        let s = b.arg(f32s(&[]), Attributes::new());
        let t = b.op(Transpose { permutation: smallvec![1, 0] }, &[x])?;
        let bias = broadcast(b, bias, &[1], &[4, 6])?;
        let s = broadcast(b, s, &[], &[4, 6])?;
        let iota = b.op_as(Iota { iota_dimension: 1 }, &[], f32s(&[4, 6]))?;
        let y = b.op(Binary::Add, &[t, bias])?;
        let y = b.op(Binary::Multiply, &[y, s])?;
        let y = b.op(Binary::Add, &[y, iota])?;
        let flat = b.op_as(Reshape, &[y], f32s(&[24]))?;
        let slice =
            Slice { start_indices: smallvec![1], limit_indices: smallvec![24], strides: smallvec![3] };
        let some = b.op(slice, &[flat])?;
        let squares = b.op(Binary::Multiply, &[some, some])?;
        Ok(vec![flat, squares, t])
    });
    check(&module, &[ramp(&[6, 4]), ramp(&[6]), Literal::scalar(3.0f32)]);
}

#[test]
fn a_transposed_product_is_its_sides_in_the_other_order() {
    for (used_twice, batch) in [(false, false), (false, true), (true, true)] {
        let (l, r): (Vec<i64>, Vec<i64>) =
            if batch { (vec![3, 4, 2, 5], vec![5, 3, 6]) } else { (vec![4, 2, 5], vec![5, 6]) };
        let at = i64::from(batch);
        let module = module(|b| {
            let x = b.arg(f32s(&l), Attributes::new());
            let y = b.arg(f32s(&r), Attributes::new());
            let dimension_numbers = DotDimensionNumbers {
                lhs_batching_dimensions: (0..at).collect(),
                rhs_batching_dimensions: (1..1 + at).collect(),
                lhs_contracting_dimensions: smallvec![2 + at],
                rhs_contracting_dimensions: smallvec![0],
            };
            let op = DotGeneral { dimension_numbers, precision_config: vec![], algorithm: None };
            let product = b.op_as(op, &[x, y], f32s(&[&l[..2 + at as usize], &[6]].concat()))?;
            let permutation = (0..at).chain([at + 2, at, at + 1]).collect();
            let turned = b.op(Transpose { permutation }, &[product])?;
            let sum = b.op(Binary::Add, &[turned, turned])?;
            Ok(if used_twice { vec![sum, product] } else { vec![sum] })
        });
        check(&module, &[ramp(&l), ramp(&r)]);
        let text = compile(&module).unwrap().to_text();
        assert_eq!(text.matches("dot_general").count(), 1, "{text}");
        // A strided load is written with its offset.
        assert_eq!(text.contains("[0+"), used_twice, "{text}");
    }
}

#[test]
fn a_loop_counts_and_updates_in_place() {
    let module = module(|b| {
        let n = b.arg(TensorType::scalar(ElementType::I32), Attributes::new());
        let x = b.arg(f32s(&[8, 40]), Attributes::new());
        let zero = b.op(Constant { value: Literal::scalar(0i32) }, &[])?;
        let start = b.op(Constant { value: Literal::splat([40], 0.5f32).unwrap() }, &[])?;
        let types = || {
            [
                Type::Tensor(TensorType::scalar(ElementType::I32)),
                Type::Tensor(f32s(&[40])),
                Type::Tensor(f32s(&[8, 40])),
                Type::Tensor(f32s(&[40])),
            ]
        };
        let cond = b.block(types(), |b, args| {
            let compare = Compare { direction: Direction::Lt, compare_type: None };
            Ok::<_, jacinth_lowering::Error>(smallvec![b.op(compare, &[args[0], n])?])
        })?;
        let body = b.block(types(), |b, args| {
            let one = b.op(Constant { value: Literal::scalar(1i32) }, &[])?;
            let next = b.op(Binary::Add, &[args[0], one])?;
            let state = b.op(Unary::Sine, &[args[1]])?;
            let state = b.op(Binary::Add, &[state, args[3]])?;
            let row = b.op_as(Reshape, &[state], f32s(&[1, 40]))?;
            let column = b.op(Constant { value: Literal::scalar(0i32) }, &[])?;
            let all = b.op(DynamicUpdateSlice, &[args[2], row, args[0], column])?;
            // The last two carried values are exchanged in part: the old state becomes the other.
            Ok::<_, jacinth_lowering::Error>(smallvec![next, state, all, args[1]])
        })?;
        let results =
            b.op_full(Op::While(While), &[zero, start, x, start], vec![cond, body], None, Attributes::new())?;
        Ok(results.to_vec())
    });
    for n in [0i32, 1, 2, 7] {
        let executable = check(&module, &[Literal::scalar(n), ramp(&[8, 40])]);
        let text = executable.to_text();
        assert_eq!(text.matches("<->").count(), 2, "the states are exchanged\n{text}");
        assert_eq!(text.matches("copy").count(), 1, "the array is updated in place\n{text}");
    }
}

#[test]
fn branches_write_their_results_in_place() {
    let module = module(|b| {
        let p = b.arg(TensorType::scalar(ElementType::I1), Attributes::new());
        let x = b.arg(f32s(&[5]), Attributes::new());
        let yes = b.block([], |b, _| {
            let y = b.op(Unary::Negate, &[x])?;
            Ok::<_, jacinth_lowering::Error>(smallvec![y, y, x])
        })?;
        let no = b.block([], |b, _| {
            let c = b.op(Constant { value: Literal::splat([5], 7.0f32).unwrap() }, &[])?;
            let y = b.op(Binary::Add, &[x, c])?;
            Ok::<_, jacinth_lowering::Error>(smallvec![c, y, x])
        })?;
        let r = b.op_full(Op::If(If), &[p], vec![yes, no], None, Attributes::new())?;
        let sum = b.op(Binary::Add, &[r[0], r[1]])?;
        Ok(vec![r[0], sum, r[2]])
    });
    for p in [true, false] {
        check(&module, &[Literal::scalar(p), ramp(&[5])]);
    }
}

#[test]
fn what_a_nested_region_reads_is_still_the_outer_blocks() {
    let module = module(|b| {
        let p = b.arg(TensorType::scalar(ElementType::I1), Attributes::new());
        let x = b.arg(f32s(&[5]), Attributes::new());
        let s = b.op(Unary::Sine, &[x])?;
        let c = b.op(Unary::Cosine, &[x])?;
        let first = b.op(Binary::Multiply, &[c, c])?;
        let yes = b.block([], |b, _| {
            let t = b.op(Binary::Add, &[s, c])?;
            Ok::<_, jacinth_lowering::Error>(smallvec![b.op(Binary::Multiply, &[t, s])?])
        })?;
        let no =
            b.block([], |b, _| Ok::<_, jacinth_lowering::Error>(smallvec![b.op(Unary::Negate, &[s])?]))?;
        let r = b.op_full(Op::If(If), &[p], vec![yes, no], None, Attributes::new())?;
        let sum = b.op(Binary::Add, &[r[0], first])?;
        Ok(vec![b.op(Binary::Add, &[sum, s])?])
    });
    for p in [true, false] {
        check(&module, &[Literal::scalar(p), ramp(&[5])]);
    }
}

#[test]
fn a_donated_argument_comes_back_updated() {
    let mut attributes = Attributes::new();
    attributes.set("tf.aliasing_output", Attribute::Int(0, ElementType::I32));
    let module = module(|b| {
        let p = b.arg(f32s(&[2000]), attributes);
        let g = b.arg(f32s(&[2000]), Attributes::new());
        let lr = b.op(Constant { value: Literal::splat([2000], 0.1f32).unwrap() }, &[])?;
        let step = b.op(Binary::Multiply, &[g, lr])?;
        Ok(vec![b.op(Binary::Subtract, &[p, step])?])
    });
    let executable = check(&module, &[ramp(&[2000]), ramp(&[2000])]);
    assert_eq!(executable.aliases(), [(0, 0)]);
    let runner = Runner::new();
    let allocation = runner.allocator.allocate(8000).unwrap();
    let gradient = Arc::new(runner.allocator.allocate(8000).unwrap());
    let pointer = allocation.as_ptr();
    let cx = RunContext { allocator: &runner.allocator, kernels: kernel_context(&runner.pool) };
    let arguments: Arguments = smallvec![Argument::donated(Arc::new(allocation)), Argument::shared(gradient)];
    let outputs = executable.execute(arguments, &cx).unwrap();
    assert_eq!(outputs[0].as_ptr(), pointer);
}

#[test]
fn a_result_that_is_a_parameter_shares_its_memory_unless_it_is_donated_elsewhere() {
    let mut attributes = Attributes::new();
    attributes.set("tf.aliasing_output", Attribute::Int(1, ElementType::I32));
    let module = module(|b| {
        let (x, y) = (b.arg(f32s(&[4]), Attributes::new()), b.arg(f32s(&[4]), attributes));
        Ok(vec![x, b.op(Unary::Negate, &[y])?, y, x])
    });
    let executable = check(&module, &[ramp(&[4]), ramp(&[4])]);
    let runner = Runner::new();
    let cx = RunContext { allocator: &runner.allocator, kernels: kernel_context(&runner.pool) };
    let (x, y) = (runner.allocator.allocate(16).unwrap(), runner.allocator.allocate(16).unwrap());
    let (x, y) = (Arc::new(x), Arc::new(y));
    let run = |y| executable.execute(smallvec![Argument::shared(x.clone()), y], &cx).unwrap();
    let shared = run(Argument::shared(y.clone()));
    let same = |a: &Arc<Allocation>, b: &Arc<Allocation>| Arc::ptr_eq(a, b);
    assert!(same(&shared[0], &x) && same(&shared[3], &x) && same(&shared[2], &y));
    assert!(!same(&shared[1], &x) && !same(&shared[1], &y));
    drop(shared);
    let donated = run(Argument::donated(y));
    let places: std::collections::BTreeSet<_> = donated.iter().map(|out| out.as_ptr()).collect();
    assert_eq!(places.len(), 3, "only the two results that are `x` share memory");
}

#[test]
fn a_donated_argument_comes_back_though_a_product_made_its_update() {
    let mut attributes = Attributes::new();
    attributes.set("tf.aliasing_output", Attribute::Int(0, ElementType::I32));
    let module = module(|b| {
        let p = b.arg(f32s(&[4, 6]), attributes);
        let (x, y) = (b.arg(f32s(&[4, 5]), Attributes::new()), b.arg(f32s(&[5, 6]), Attributes::new()));
        let dimension_numbers = DotDimensionNumbers {
            lhs_contracting_dimensions: smallvec![1],
            rhs_contracting_dimensions: smallvec![0],
            ..DotDimensionNumbers::default()
        };
        let op = DotGeneral { dimension_numbers, precision_config: vec![], algorithm: None };
        let g = b.op_as(op, &[x, y], f32s(&[4, 6]))?;
        Ok(vec![b.op(Binary::Subtract, &[p, g])?])
    });
    let executable = check(&module, &[ramp(&[4, 6]), ramp(&[4, 5]), ramp(&[5, 6])]);
    assert_eq!(executable.aliases(), [(0, 0)]);
}

#[test]
fn a_reduction_of_one_element_is_an_operation_and_extremes_of_infinity_are_none() {
    let module = module(|b| {
        let x = b.arg(f32s(&[1, 6, 1]), Attributes::new());
        let y = b.op(Binary::Multiply, &[x, x])?;
        let sum = reduce(b, Binary::Add, y, 2.5, &[0, 2])?;
        let most = reduce(b, Binary::Maximum, y, f32::NEG_INFINITY, &[0])?;
        Ok(vec![sum, most])
    });
    let text = check(&module, &[ramp(&[1, 6, 1])]).to_text();
    assert!(!text.contains("along") && !text.contains("maximum"), "{text}");
}

#[test]
fn a_parameter_that_is_still_needed_is_not_overwritten() {
    let mut attributes = Attributes::new();
    attributes.set("tf.aliasing_output", Attribute::Int(0, ElementType::I32));
    let module = module(|b| {
        let p = b.arg(f32s(&[50, 50]), attributes);
        let y = b.op(Unary::Exponential, &[p])?;
        let t = b.op(Transpose { permutation: smallvec![1, 0] }, &[p])?;
        let z = b.op(Binary::Add, &[y, t])?;
        Ok(vec![y, z])
    });
    check(&module, &[ramp(&[50, 50])]);
}

#[test]
fn wrong_arguments_are_errors() {
    let module = module(|b| {
        let x = b.arg(f32s(&[4]), Attributes::new());
        Ok(vec![b.op(Unary::Negate, &[x])?])
    });
    let executable = compile(&module).unwrap();
    let runner = Runner::new();
    let cx = RunContext { allocator: &runner.allocator, kernels: kernel_context(&runner.pool) };
    let error = executable.execute(Arguments::new(), &cx).unwrap_err();
    assert_eq!(error.to_string(), "execute: the program has 1 parameters, got 0 arguments");
    let small = Arc::new(runner.allocator.allocate(12).unwrap());
    let error = executable.execute(smallvec![Argument::shared(small)], &cx).unwrap_err();
    assert_eq!(error.to_string(), "execute: argument 0 has 12 bytes, its parameter tensor<4xf32> has 16");
}

#[test]
fn constants_fold_and_common_work_is_done_once() {
    let module = module(|b| {
        let x = b.arg(f32s(&[4]), Attributes::new());
        let two = b.op(Constant { value: Literal::scalar(2.0f32) }, &[])?;
        let half = b.op(Unary::Rsqrt, &[two])?;
        let half = b.op(Binary::Multiply, &[half, half])?;
        let half = broadcast(b, half, &[], &[4])?;
        let a = b.op(Binary::Multiply, &[x, half])?;
        let c = b.op(Binary::Multiply, &[x, half])?;
        let s = b.op(Binary::Add, &[a, c])?;
        let n = b.op(Unary::Negate, &[s])?;
        let n = b.op(Unary::Negate, &[n])?;
        let i = b.op_as(Convert, &[n], TensorType::new([4], ElementType::I32))?;
        let p = b.op(Compare { direction: Direction::Gt, compare_type: None }, &[n, x])?;
        let q = b.op(Select, &[p, n, x])?;
        Ok(vec![s, i, q])
    });
    let executable = check(&module, &[ramp(&[4])]);
    expect_test::expect![[r#"
        program(tensor<4xf32>) -> (tensor<4xf32>, tensor<4xi32>, tensor<4xf32>)
        arena 0 bytes, 0 constants
        r0, r1, r2 = fused 4 (p0)
            v0 = in0
            v1 = multiply v0, c0
            v2 = out0 = add v1, v1
            v3 = out1 = convert_i32 v2
            v4 = gt v2, v0
            v5 = out2 = select v4, v2, v0
    "#]]
    .assert_eq(&executable.to_text());
}

#[test]
fn scalars_stand_beside_arrays_in_select_and_clamp() {
    for shape in [[5i64], [0], [2000], [1]] {
        let module = module(|b| {
            let p = b.arg(TensorType::scalar(ElementType::I1), Attributes::new());
            let x = b.arg(f32s(&shape), Attributes::new());
            let low = b.arg(f32s(&[]), Attributes::new());
            let high = b.op(Constant { value: Literal::scalar(0.5f32) }, &[])?;
            let y = b.op(Unary::Negate, &[x])?;
            let chosen = b.op(Select, &[p, x, y])?;
            Ok(vec![chosen, b.op(Clamp, &[low, chosen, high])?])
        });
        for p in [true, false] {
            check(&module, &[Literal::scalar(p), ramp(&shape), Literal::scalar(-0.25f32)]);
        }
    }
}

#[test]
fn long_runs_use_several_tiles_and_threads() {
    for n in [255i64, 256, 257, 1023, 1025, 5000, 300_000] {
        let shape: Shape = smallvec![n];
        let module = module(|b| {
            let x = b.arg(f32s(&shape), Attributes::new());
            let e = b.op(Unary::Exponential, &[x])?;
            let s = b.op(Unary::Tanh, &[e])?;
            let y = b.op(Binary::Add, &[s, x])?;
            Ok(vec![y, e])
        });
        check(&module, &[ramp(&shape)]);
    }
}

#[test]
fn relatives_share_one_region() {
    // Two reductions and an output of the same array are read once.
    let module = module(|b| {
        let x = b.arg(f32s(&[30, 20]), Attributes::new());
        let sum = reduce(b, Binary::Add, x, 0.0, &[1])?;
        let max = reduce(b, Binary::Maximum, x, 0.0, &[1])?;
        let negative = b.op(Unary::Negate, &[x])?;
        Ok(vec![sum, max, negative])
    });
    let executable = check(&module, &[ramp(&[30, 20])]);
    assert_eq!(executable.to_text().matches(" = fused").count(), 1, "{}", executable.to_text());
}

/// One operation of a random program: which, and which earlier values it takes.
type Choice = (u8, usize, usize);

fn random_program(choices: &[Choice], rows: i64, columns: i64) -> Module {
    let shape = [rows, columns];
    module(|b| {
        let x = b.arg(f32s(&shape), Attributes::new());
        let y = b.arg(f32s(&[columns]), Attributes::new());
        let s = b.arg(f32s(&[]), Attributes::new());
        let y = broadcast(b, y, &[1], &shape)?;
        let s = broadcast(b, s, &[], &shape)?;
        let mut values = vec![x, y, s];
        for &(op, i, j) in choices {
            let (p, q) = (values[i % values.len()], values[j % values.len()]);
            let value = match op % 14 {
                0 => b.op(Binary::Add, &[p, q])?,
                1 => b.op(Binary::Subtract, &[p, q])?,
                2 => b.op(Binary::Multiply, &[p, q])?,
                3 => b.op(Binary::Maximum, &[p, q])?,
                4 => b.op(Unary::Tanh, &[p])?,
                5 => b.op(Unary::Sine, &[p])?,
                6 => b.op(Unary::Negate, &[p])?,
                7 => {
                    let flat = b.op_as(Reshape, &[p], f32s(&[columns, rows]))?;
                    b.op(Transpose { permutation: smallvec![1, 0] }, &[flat])?
                }
                8 => {
                    let max = reduce(b, Binary::Maximum, p, -1e30, &[1])?;
                    broadcast(b, max, &[0], &shape)?
                }
                9 => {
                    let min = reduce(b, Binary::Minimum, p, 1e30, &[0])?;
                    broadcast(b, min, &[1], &shape)?
                }
                10 => {
                    let compare = Compare { direction: Direction::Gt, compare_type: None };
                    let less = b.op(compare, &[p, q])?;
                    b.op(Select, &[less, p, q])?
                }
                11 => {
                    let c = b.op(Constant { value: Literal::splat(shape, 0.25f32)? }, &[])?;
                    b.op(Binary::Multiply, &[p, c])?
                }
                12 => {
                    let iota = b.op_as(Iota { iota_dimension: 0 }, &[], f32s(&shape))?;
                    let small = b.op(Unary::Sine, &[iota])?;
                    b.op(Binary::Add, &[p, small])?
                }
                _ => {
                    let whole = b.op_as(Convert, &[p], TensorType::new(shape, ElementType::I32))?;
                    let whole = b.op_as(Convert, &[whole], f32s(&shape))?;
                    b.op(Unary::Tanh, &[whole])?
                }
            };
            // Kept small, so that sums and products stay exact enough to compare.
            let value = if op % 14 < 3 { b.op(Unary::Sine, &[value])? } else { value };
            values.push(value);
        }
        Ok(values[values.len().saturating_sub(3)..].to_vec())
    })
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 60, ..Default::default() })]
    #[test]
    fn random_programs_equal_the_reference(
        choices in proptest::collection::vec((0u8..13, 0usize..40, 0usize..40), 1..25),
        rows in 0i64..9,
        columns in 0i64..40,
    ) {
        let module = random_program(&choices, rows, columns);
        check(&module, &[ramp(&[rows, columns]), ramp(&[columns]), Literal::scalar(0.75f32)]);
    }
}
