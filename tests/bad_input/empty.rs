//! Arrays without elements, and scalars, everywhere: every primitive of `lax` and every function of `numpy` and `nn` gives a result
//! of the shape that it announces, or an error with a sentence.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jacinth::ir::{Aval, DType, Sample};
use jacinth::prelude::*;
use jacinth::trace::bind;

use crate::assert_says;

const SHAPES: [&[usize]; 4] = [&[0], &[2, 0], &[0, 3, 1], &[]];

/// What `f` gives compiled and what it gives one by one, or the panic's text; both ways agree in shape.
fn outcome(
    what: &str,
    f: impl Fn(&Vec<Array>) -> Vec<Array> + Send + Sync,
    args: Vec<Array>,
) -> Result<Vec<Array>, String> {
    let compiled = catch_unwind(AssertUnwindSafe(|| jit(&f).try_call((&args,))));
    let compiled = compiled.unwrap_or_else(|_| panic!("{what}: a panic that is no error"));
    let eager = catch_unwind(AssertUnwindSafe(|| f(&args)));
    match (compiled, eager) {
        (Ok(compiled), Ok(eager)) => {
            assert_eq!(compiled.len(), eager.len(), "{what}");
            for (a, b) in compiled.iter().zip(&eager) {
                assert_eq!((a.shape(), a.dtype()), (b.shape(), b.dtype()), "{what}");
                let bytes = a.try_to_vec::<f32>().map(|v| v.len());
                assert!(bytes.as_ref().map_or(true, |n| *n == a.size()), "{what}: {bytes:?}");
                a.block_until_ready();
            }
            Ok(compiled)
        }
        (Err(error), Err(panic)) => {
            let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            assert_eq!(sentence(&text), sentence(&error.to_string()), "{what}");
            assert!(
                text.len() > 10 && !text.contains("index out of bounds") && !text.contains("called `"),
                "{what}: {text}"
            );
            Err(text)
        }
        (compiled, eager) => {
            panic!("{what}: compiled {compiled:?}, one by one {:?}", eager.map_err(|_| "a panic"))
        }
    }
}

fn zeros(shape: &[usize], dtype: DType) -> Array {
    jnp::zeros_of(shape, dtype)
}

/// The sample with every dimension of one size made empty, one size at a time; and with operands of one empty shape.
fn emptied(sample: &Sample) -> Vec<Vec<Aval>> {
    let avals: Vec<&Aval> = sample.args.iter().map(|a| &a.aval).collect();
    let mut sizes: Vec<usize> =
        avals.iter().flat_map(|a| a.shape.iter().copied()).filter(|&n| n > 0).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let mut all: Vec<Vec<Aval>> = sizes
        .iter()
        .map(|&size| {
            let shape =
                |a: &&Aval| a.shape.iter().map(|&n| if n == size { 0 } else { n }).collect::<Vec<_>>();
            avals.iter().map(|a| Aval::new(shape(a), a.dtype)).collect()
        })
        .collect();
    all.extend(
        SHAPES.iter().map(|shape| avals.iter().map(|a| Aval::new(shape.iter().copied(), a.dtype)).collect()),
    );
    all
}

#[test]
fn every_primitive_takes_empty_operands_or_says_why_not() {
    let (mut ran, mut refused, mut wrong) = (0, 0, Vec::new());
    // What a callback gives is its function's business, whatever the operands.
    for sample in lax::samples().into_iter().filter(|sample| !sample.prim.name().ends_with("_callback")) {
        for avals in emptied(&sample) {
            let types: Vec<String> = avals.iter().map(Aval::to_string).collect();
            let what = format!("{:?}({})", sample.prim, types.join(", "));
            let outcome = catch_unwind(AssertUnwindSafe(|| apply_to_nothing(&what, &sample, &avals)));
            match outcome {
                Ok(true) => ran += 1,
                Ok(false) => refused += 1,
                Err(panic) => wrong.push(panic.downcast_ref::<String>().cloned().unwrap_or(what)),
            }
        }
    }
    assert!(wrong.is_empty(), "{} applications are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(ran > 300, "{ran} ran, {refused} were refused");
}

/// The error without its line: of an operation it is the operation's, of a call the call's.
fn sentence(text: &str) -> &str {
    text.rsplit_once(" at ")
        .filter(|(_, place)| place.contains(".rs:"))
        .map_or(text, |(sentence, _)| sentence)
}

/// Whether the primitive takes these operands; its results are what it announced.
fn apply_to_nothing(what: &str, sample: &Sample, avals: &[Aval]) -> bool {
    let announced = sample.prim.abstract_eval(&avals.iter().collect::<Vec<&Aval>>());
    let args: Vec<Array> = avals.iter().map(|a| zeros(&a.shape, a.dtype)).collect();
    let prim = sample.prim.clone();
    let apply = move |args: &Vec<Array>| bind(prim.clone(), args).into_iter().collect();
    match (announced, outcome(what, apply, args)) {
        (Ok(announced), Ok(outs)) => {
            for (aval, out) in announced.iter().zip(&outs) {
                assert_eq!((&aval.shape[..], aval.dtype), (out.shape(), out.dtype()), "{what}");
            }
            true
        }
        (Err(error), Err(text)) => {
            assert!(text.starts_with(&error.to_string()), "{what}: {text}, {error}");
            false
        }
        (announced, outs) => panic!("{what}: announced {announced:?}, gave {outs:?}"),
    }
}

type Unary = fn(&Array) -> Array;

/// A list of functions of one array with their names.
macro_rules! functions {
    ($($f:expr),* $(,)?) => { [$((stringify!($f), (|x: &Array| $f(x)) as Unary)),*] };
}

#[test]
fn functions_of_elements_keep_empty_shapes() {
    let functions = functions![
        jnp::exp,
        jnp::exp2,
        jnp::expm1,
        jnp::log,
        jnp::log1p,
        jnp::log2,
        jnp::log10,
        jnp::sqrt,
        jnp::sin,
        jnp::cos,
        jnp::tan,
        jnp::arcsin,
        jnp::arccos,
        jnp::arctan,
        jnp::sinh,
        jnp::cosh,
        jnp::tanh,
        jnp::arcsinh,
        jnp::arccosh,
        jnp::arctanh,
        jnp::floor,
        jnp::ceil,
        jnp::round,
        jnp::trunc,
        jnp::negative,
        jnp::positive,
        jnp::abs,
        jnp::sign,
        jnp::square,
        jnp::reciprocal,
        jnp::deg2rad,
        jnp::rad2deg,
        jnp::isnan,
        jnp::isinf,
        jnp::isfinite,
        jnp::nan_to_num,
        jnp::conj,
        jnp::real,
        jnp::imag,
        jnp::logical_not,
        jnp::signbit,
        jnp::sinc,
        jnp::zeros_like,
        jnp::ones_like,
        nn::relu,
        nn::relu6,
        nn::sigmoid,
        nn::softplus,
        nn::soft_sign,
        nn::silu,
        nn::log_sigmoid,
        nn::selu,
        nn::gelu,
        nn::hard_tanh,
        nn::hard_sigmoid,
        nn::mish,
    ];
    for shape in SHAPES {
        for (name, f) in functions {
            let outs = outcome(name, move |x| vec![f(&x[0])], vec![zeros(shape, DType::F32)]).unwrap();
            assert_eq!(outs[0].shape(), shape, "{name}");
            // Derivatives and maps of nothing are nothing.
            if outs[0].dtype() == DType::F32 {
                let g = grad(move |x: &Array| f(x).sum());
                assert_eq!(g(&zeros(shape, DType::F32)).shape(), shape, "grad of {name}");
            }
            let batched: Vec<usize> = [0].iter().chain(shape).copied().collect();
            assert_eq!(vmap(f)(&zeros(&batched, DType::F32)).shape(), batched, "vmap of {name}");
        }
    }
}

#[test]
fn functions_of_two_arrays_broadcast_empty_shapes() {
    type Binary = fn(&Array, &Array) -> Array;
    macro_rules! functions {
        ($($f:expr),* $(,)?) => { [$((stringify!($f), (|x: &Array, y: &Array| $f(x, y)) as Binary)),*] };
    }
    let functions = functions![
        jnp::add,
        jnp::subtract,
        jnp::multiply,
        jnp::divide,
        jnp::maximum,
        jnp::minimum,
        jnp::arctan2,
        jnp::power,
        jnp::floor_divide,
        jnp::remainder,
        jnp::fmod,
        jnp::hypot,
        jnp::logaddexp,
        jnp::copysign,
        jnp::heaviside,
        jnp::equal,
        jnp::not_equal,
        jnp::less,
        jnp::greater,
        jnp::logical_and,
        jnp::logical_or,
        jnp::isclose,
    ];
    for (name, f) in functions {
        let run = |a: &[usize], b: &[usize]| {
            outcome(name, move |x| vec![f(&x[0], &x[1])], vec![zeros(a, DType::F32), zeros(b, DType::F32)])
        };
        assert_eq!(run(&[0], &[]).unwrap()[0].shape(), [0], "{name}");
        assert_eq!(run(&[2, 0], &[1]).unwrap()[0].shape(), [2, 0], "{name}");
        assert_eq!(run(&[2, 1], &[0]).unwrap()[0].shape(), [2, 0], "{name}");
        assert_eq!(run(&[], &[]).unwrap()[0].shape(), [0usize; 0], "{name}");
        assert_says(run(&[2, 0], &[3]).unwrap_err(), &["(2, 0)", "3)"]);
    }
}

#[test]
fn reductions_of_nothing_give_the_neutral_element_or_refuse() {
    let empty = zeros(&[2, 0], DType::F32);
    assert_eq!(empty.sum().item::<f32>(), 0.0);
    assert_eq!(empty.prod().item::<f32>(), 1.0);
    assert_eq!(jnp::sum(&empty, 1).to_vec::<f32>(), [0.0, 0.0]);
    assert_eq!(jnp::sum(&empty, 0).shape(), [0]);
    assert!(empty.all().item::<bool>());
    assert!(!empty.any().item::<bool>());
    assert!(empty.mean().item::<f32>().is_nan());
    assert!(empty.var().item::<f32>().is_nan());
    let reductions = functions![Array::max, Array::min, Array::argmax, Array::argmin];
    for (name, f) in reductions {
        let text = outcome(name, move |x| vec![f(&x[0])], vec![empty.clone()]).unwrap_err();
        assert!(text.contains("zero-size") || text.contains("must not be empty"), "{text}");
        assert_says(text, &["tests/bad_input/empty.rs:"]);
        // Along the dimension that has elements, there is nothing to refuse.
        let scalar = outcome(name, move |x| vec![f(&x[0])], vec![Array::from(3.0f32)]).unwrap();
        assert_eq!(scalar[0].ndim(), 0);
    }
    assert_eq!(jnp::max(&empty, 0).shape(), [0]);
    assert_eq!(jnp::argmax(&empty, 0).shape(), [0]);
}

#[test]
fn functions_of_shapes_take_empty_arrays() {
    let functions: [(&str, Unary); 24] = functions![
        (|x| jnp::reshape(x, [0, 5])),
        jnp::ravel,
        (|x| jnp::transpose(x, [1, 0])),
        (|x| jnp::squeeze(x, ())),
        (|x| jnp::expand_dims(x, 0)),
        (|x| jnp::broadcast_to(x, [4, 2, 0])),
        (|x: &Array| jnp::concatenate(&[x.clone(), x.clone()], 0)),
        (|x: &Array| jnp::stack(&[x.clone(), x.clone()], 1)),
        (|x| jnp::flip(x, 1)),
        (|x| jnp::roll(x, 3, 1)),
        (|x| jnp::tile(x, [2, 2])),
        (|x| jnp::repeat(x, 2, 0)),
        (|x| jnp::pad(x, &[(1, 1), (0, 0)], 0.0f32)),
        (|x| jnp::pad(x, &[(0, 0), (2, 1)], 1.0f32)),
        (|x| jnp::diff(x, 0)),
        (|x| jnp::tril(x, 0)),
        (|x| jnp::triu(x, 1)),
        (|x| jnp::diagonal(x, 0)),
        jnp::trace,
        (|x| jnp::cumsum(x, 1)),
        (|x| jnp::cumprod(x, 0)),
        (|x| lax::sort(x, 1)),
        (|x| jnp::matmul(x, jnp::zeros([0, 3]))),
        (|x| nn::softmax(x, 1)),
    ];
    for (name, f) in functions {
        let outs = outcome(name, move |x| vec![f(&x[0])], vec![zeros(&[2, 0], DType::F32)]);
        let outs = outs.unwrap_or_else(|text| panic!("{name}: {text}"));
        assert!(
            outs[0].size() == 0 || outs[0].to_vec::<f32>().iter().all(|&v| v == 0.0 || v == 1.0),
            "{name}: {:?}",
            outs[0]
        );
    }
    assert_eq!(jnp::matmul(jnp::zeros([2, 0]), jnp::zeros([0, 3])).to_vec::<f32>(), [0.0; 6]);
    assert_eq!(jnp::einsum("ij,jk->ik", &[jnp::zeros([0, 4]), jnp::zeros([4, 3])]).shape(), [0, 3]);
    assert_eq!(jnp::arange(0).shape(), [0]);
    assert_eq!(jnp::eye(0).shape(), [0, 0]);
    assert_eq!(jnp::linspace(0.0f32, 1.0f32, 0).shape(), [0]);
    assert_eq!(nn::one_hot(jnp::zeros_of([0], DType::I32), 3).shape(), [0, 3]);
}

#[test]
fn control_flow_over_nothing_ends() {
    let nothing = jnp::zeros([0, 3]);
    let f = jit(|xs: &Array| scan(|c: Array, x: Array| (c + x.sum(), x * 2.0f32), Array::from(1.0f32), xs));
    let (carry, ys) = f(&nothing);
    assert_eq!((carry.item::<f32>(), ys.shape()), (1.0, &[0, 3][..]));
    let f = jit(|x: &Array| fori_loop(0, 0, |_, c: Array| c + 1.0f32, x.clone()));
    assert_eq!(f(&nothing).shape(), [0, 3]);
    assert_eq!(f(&Array::from(2.0f32)).item::<f32>(), 2.0);
    let g = grad(|x: &Array| scan(|c: Array, x: Array| (c * x.sum(), ()), Array::from(1.0f32), x).0);
    assert_eq!(g(&nothing).shape(), [0, 3]);
    let f = jit(|x: &Array| cond(x.sum().gt(0.0), |x: Array| x, |x: Array| -x, x.clone()));
    assert_eq!(f(&nothing).shape(), [0, 3]);
}
