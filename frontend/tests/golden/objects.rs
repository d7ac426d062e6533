//! jax.numpy beside its functions of arrays: dtypes and what is known of them (of random keys too), arrays as text and files, ufunc objects, index
//! tricks.

use jacinth_frontend::numpy::ufunc::{self, ReduceOptions, Ufunc};
use jacinth_frontend::numpy::{Kind, PrintOptions, Progression, keepdims};
use jacinth_frontend::{Array, DType, numpy as jnp, random, s};

use crate::table::{Builder, Case, case};

/// The dtypes in the order of `families/objects.py`.
const NAMES: [(&str, DType); 30] = [
    ("bool", jnp::bool),
    ("int2", jnp::int2),
    ("int4", jnp::int4),
    ("int8", jnp::int8),
    ("int16", jnp::int16),
    ("int32", jnp::int32),
    ("int64", jnp::int64),
    ("uint2", jnp::uint2),
    ("uint4", jnp::uint4),
    ("uint8", jnp::uint8),
    ("uint16", jnp::uint16),
    ("uint32", jnp::uint32),
    ("uint64", jnp::uint64),
    ("float4_e2m1fn", jnp::float4_e2m1fn),
    ("float6_e2m3fn", jnp::float6_e2m3fn),
    ("float6_e3m2fn", jnp::float6_e3m2fn),
    ("float8_e3m4", jnp::float8_e3m4),
    ("float8_e4m3", jnp::float8_e4m3),
    ("float8_e4m3b11fnuz", jnp::float8_e4m3b11fnuz),
    ("float8_e4m3fn", jnp::float8_e4m3fn),
    ("float8_e4m3fnuz", jnp::float8_e4m3fnuz),
    ("float8_e5m2", jnp::float8_e5m2),
    ("float8_e5m2fnuz", jnp::float8_e5m2fnuz),
    ("float8_e8m0fnu", jnp::float8_e8m0fnu),
    ("bfloat16", jnp::bfloat16),
    ("float16", jnp::float16),
    ("float32", jnp::float32),
    ("float64", jnp::float64),
    ("complex64", jnp::complex64),
    ("complex128", jnp::complex128),
];

const ALIASES: [(&str, DType); 9] = [
    ("bool_", jnp::bool_),
    ("int_", jnp::int_),
    ("uint", jnp::uint),
    ("single", jnp::single),
    ("double", jnp::double),
    ("float_", jnp::float_),
    ("csingle", jnp::csingle),
    ("cdouble", jnp::cdouble),
    ("complex_", jnp::complex_),
];

const KINDS: [(&str, Kind); 11] = [
    ("generic", jnp::generic),
    ("number", jnp::number),
    ("integer", jnp::integer),
    ("signedinteger", jnp::signedinteger),
    ("unsignedinteger", jnp::unsignedinteger),
    ("inexact", jnp::inexact),
    ("floating", jnp::floating),
    ("complexfloating", jnp::complexfloating),
    ("flexible", jnp::flexible),
    ("character", jnp::character),
    ("object_", jnp::object_),
];

/// The dtypes of NumPy, and bfloat16.
fn common() -> Vec<DType> {
    let narrow =
        |dtype: &DType| !dtype.is_boolean() && (dtype.bits() < 8 || dtype.is_float() && dtype.bits() == 8);
    NAMES.iter().map(|(_, dtype)| *dtype).filter(|dtype| !narrow(dtype)).collect()
}

fn position(dtype: DType) -> i32 {
    NAMES.iter().position(|(_, d)| *d == dtype).expect("a dtype of JAX") as i32
}

/// A line of a function of `jax.numpy`.
fn line(name: &str) -> Builder {
    case(format!("jax.numpy.{name}").leak())
}

fn text(string: &str) -> Array {
    Array::from(string.as_bytes().to_vec())
}

pub(crate) fn cases() -> Vec<Case> {
    [dtypes(), facts(), texts(), files(), ufuncs(), tricks()].into_iter().flatten().collect()
}

fn dtypes() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, dtype) in NAMES.into_iter().chain(ALIASES) {
        cases.push(line(name).run(move |_| {
            let kinds = KINDS.iter().map(|(_, kind)| jnp::issubdtype(dtype, *kind));
            let equal = NAMES.iter().map(|(_, other)| jnp::issubdtype(dtype, *other));
            Array::from(kinds.chain(equal).collect::<Vec<_>>())
        }));
    }
    for (name, kind) in KINDS {
        cases
            .push(line(name).run(move |_| Array::from(NAMES.map(|(_, dtype)| jnp::issubdtype(dtype, kind)))));
    }
    /// A table over all pairs.
    fn table(f: impl Fn(DType, DType) -> bool) -> Array {
        Array::from(
            common().iter().map(|&a| common().iter().map(|&b| f(a, b)).collect()).collect::<Vec<Vec<_>>>(),
        )
    }
    let kinds = [
        "bool",
        "signed integer",
        "unsigned integer",
        "integral",
        "real floating",
        "complex floating",
        "numeric",
    ];
    cases.extend([
        line("dtype").run(|_| {
            let bytes = |dtype: &jnp::dtype| dtype.byte_width() as i32;
            Array::from(common().iter().map(bytes).collect::<Vec<_>>())
        }),
        line("can_cast").run(|_| table(jnp::can_cast)),
        line("issubdtype").run(|_| table(jnp::issubdtype)),
        line("isdtype").run(move |_| {
            let is = |dtype, kind| jnp::isdtype(dtype, kind).expect("there is such a kind");
            Array::from(NAMES.map(|(_, dtype)| kinds.map(|kind| is(dtype, kind))))
        }),
        line("promote_types").run(|_| {
            let row = |&a: &DType| {
                let met = |&b: &DType| i64::from(position(jnp::promote_types(a, b).expect("these meet")));
                common().iter().map(met).collect::<Vec<_>>()
            };
            Array::from(common().iter().map(row).collect::<Vec<_>>())
        }),
        line("result_type").run(|_| {
            let of = |value: f64, dtype| Array::scalar(value, dtype, false);
            let weak = |x: f64| Array::from(x);
            let pairs = [
                [of(1.0, DType::I8), Array::from(2)],
                [of(1.0, DType::I8), weak(2.0)],
                [of(1.0, DType::BF16), Array::from(2)],
                [of(1.0, DType::BF16), of(1.0, DType::F16)],
                [of(1.0, DType::UI8), of(1.0, DType::I8)],
                [of(1.0, DType::I32), Array::from(num_complex::Complex64::new(0.0, 1.0))],
                [Array::from(true), Array::from(1)],
                [Array::from(1), weak(2.0)],
            ];
            Array::from(pairs.map(|pair| position(jnp::result_type(&pair).expect("these meet").0)))
        }),
        case("jax.random.key_dtype").run(|_| text(&random::key_dtype().to_string())),
        case("jax.random.key_impl").run(|_| text(random::key_impl(&random::key(0)))),
        line("finfo").run(|_| {
            let limits = |dtype| {
                let info = jnp::finfo(dtype).expect("a float");
                let whole = [info.nmant, info.nexp, info.maxexp, info.minexp, info.precision].map(f64::from);
                let [a, b, c, d, e] = whole;
                let smallest = (info.smallest_normal, info.smallest_subnormal);
                vec![
                    info.bits as f64,
                    info.eps,
                    info.epsneg,
                    info.max,
                    info.min,
                    info.tiny,
                    smallest.0,
                    smallest.1,
                    info.resolution,
                    a,
                    b,
                    c,
                    d,
                    e,
                ]
            };
            let floats = NAMES.iter().map(|(_, d)| *d).filter(|d| d.is_float() || d.is_complex());
            Array::from(floats.map(limits).collect::<Vec<_>>())
        }),
        line("iinfo").run(|_| {
            let ints = NAMES.iter().filter(|(_, d)| d.is_integer());
            let all: Vec<_> = ints.map(|(_, d)| jnp::iinfo(*d).expect("an integer")).collect();
            (
                Array::from(all.iter().map(|i| i.bits as i64).collect::<Vec<_>>()),
                Array::from(all.iter().map(|i| i.min as i64).collect::<Vec<_>>()),
                Array::from(all.iter().map(|i| i.max as u64).collect::<Vec<_>>()),
            )
        }),
    ]);
    cases
}

fn facts() -> Vec<Case> {
    fn fact(name: &str, f: fn(&Array) -> bool) -> Case {
        line(name).run(move |x| Array::from([f(&x[0]), f(&x[1]), f(&x[1].get(0)), f(&Array::from(2.0f32))]))
    }
    let mut cases = vec![
        fact("iscomplexobj", |x| jnp::iscomplexobj(x)),
        fact("isrealobj", |x| jnp::isrealobj(x)),
        fact("isscalar", |x| jnp::isscalar(x)),
        fact("iterable", |x| jnp::iterable(x)),
        line("ndim").run(|x| Array::from(jnp::ndim(&x[0]) as i32)),
        line("size").run(|x| Array::from(jnp::size(&x[0]) as i32)),
        line("shape").run(|x| Array::from(jnp::shape(&x[0]).iter().map(|&d| d as i32).collect::<Vec<_>>())),
        line("array").run(|_| jnp::array([[1.5, -2.0], [0.0, 3.0]])),
        line("array/dtype").run(|_| jnp::array_of([1.7, -2.3], DType::I8)),
        line("asarray").run(|_| jnp::asarray(Array::from([[1, 2, 3]]))),
        line("ndarray").run(|_| -> jnp::ndarray { jnp::ones(2) }),
        line("copy").run(|x| jnp::copy(&x[0])),
        line("absolute").run(|x| jnp::absolute(&x[0])),
        line("absolute/complex").ulp(1).grad_ulp(2).run(|x| jnp::absolute(&x[0])),
        line("true_divide")
            .ulp(1)
            .grad_ulp(2)
            .grad_relative_to_largest()
            .run(|x| jnp::true_divide(&x[0], &x[1])),
        line("true_divide/integers").ulp(1).run(|x| jnp::true_divide(&x[0], &x[1])),
        line("newaxis").run(|x| x[0].get(s![.., jnp::NewAxis])),
    ];
    let constants = [
        ("e", jnp::E),
        ("pi", jnp::PI),
        ("inf", jnp::INF),
        ("nan", jnp::NAN),
        ("euler_gamma", jnp::EULER_GAMMA),
    ];
    for (name, value) in constants {
        cases.push(line(name).run(move |_| jnp::asarray(Array::scalar(value, DType::F32, false))));
        cases.push(line(&format!("{name}/f64")).run(move |_| Array::scalar(value, DType::F64, false)));
    }
    cases
}

fn texts() -> Vec<Case> {
    let short = || PrintOptions {
        precision: 3,
        suppress: true,
        threshold: 10,
        edgeitems: 2,
        linewidth: 40,
        nanstr: "?".into(),
        infstr: "oo".into(),
    };
    let mut cases = Vec::new();
    for variant in ["far", "plain", "complex", "half", "long", "mask"] {
        let line = |function: &str| line(&format!("{function}/{variant}")).eager();
        cases.push(line("array_repr").run(|x| text(&jnp::array_repr(&x[0]))));
        cases.push(line("array_str").run(|x| text(&jnp::array_str(&x[0]))));
        let repr = move |x: &[Array]| text(&jnp::printoptions(short(), || jnp::array_repr(&x[0])));
        cases.push(line("printoptions").run(repr));
    }
    cases.push(line("set_printoptions").eager().run(|x| {
        let before = jnp::get_printoptions();
        jnp::set_printoptions(PrintOptions { precision: 0, edgeitems: 1, threshold: 3, ..before.clone() });
        let out = (text(&x[0].to_string()), Array::from(jnp::get_printoptions().edgeitems as i32));
        jnp::set_printoptions(before);
        out
    }));
    cases.push(line("get_printoptions").eager().run(|_| {
        let options = PrintOptions::default();
        let numbers = [options.precision, options.threshold, options.edgeitems, options.linewidth];
        let numbers = numbers.map(|n| n as i32);
        Array::from([numbers[0], numbers[1], numbers[2], numbers[3], options.suppress as i32])
    }));
    cases
}

/// Runs `f` with a path of its own.
fn with_file<R>(f: impl FnOnce(&std::path::Path) -> R) -> R {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("jacinth-golden-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    let out = f(&path);
    std::fs::remove_file(&path).expect("the file is there");
    out
}

fn files() -> Vec<Case> {
    let load = |x: &[Array]| {
        with_file(|path| {
            std::fs::write(path, x[0].to_vec::<u8>()).expect("a file is written");
            jnp::load(path).expect("NumPy wrote it")
        })
    };
    let archive =
        |path: &std::path::Path| jnp::load_npz(path).expect("an archive").into_values().collect::<Vec<_>>();
    vec![
        line("save").eager().run(|x| {
            with_file(|path| {
                jnp::save(path, &x[0]).expect("a file is written");
                Array::from(std::fs::read(path).expect("a file is read"))
            })
        }),
        line("load/fortran").eager().run(load),
        line("load/big").eager().run(load),
        line("load/npz").eager().run(move |x| {
            with_file(|path| {
                std::fs::write(path, x[0].to_vec::<u8>()).expect("a file is written");
                archive(path)
            })
        }),
        line("savez").eager().not_smooth("goes through a file").run(move |x| {
            with_file(|path| {
                jnp::savez(path, [("first", &x[0]), ("second", &x[1])]).expect("a file is written");
                archive(path)
            })
        }),
        line("frombuffer")
            .eager()
            .run(|x| jnp::frombuffer(&x[0].to_vec::<u8>(), DType::I16).expect("whole elements")),
        line("frombuffer/part").eager().run(|x| {
            jnp::frombuffer_with(&x[0].to_vec::<u8>(), DType::UI8, Some(3), 5).expect("whole elements")
        }),
        line("fromstring").run(|_| jnp::fromstring(" 1.5  -2 3e2 ", " ").expect("numbers")),
        line("fromstring/integers")
            .run(|_| jnp::fromstring_of("4, 5 ,6", DType::I32, Some(2), ",").expect("numbers")),
    ]
}

fn ufuncs() -> Vec<Case> {
    // JAX's masks and indices are constants of its case.
    let mask = || Array::from(MASK);
    let again = || Array::from([2, 0, 2]);
    let named: [(&str, &'static Ufunc); 7] = [
        ("add", &ufunc::add),
        ("multiply", &ufunc::multiply),
        ("subtract", &ufunc::subtract),
        ("maximum", &ufunc::maximum),
        ("minimum", &ufunc::minimum),
        ("logaddexp", &ufunc::logaddexp),
        ("logaddexp2", &ufunc::logaddexp2),
    ];
    let mut cases = Vec::new();
    for (name, f) in named {
        let line = |method: &str| {
            let line = line(&format!("ufunc/{name}-{method}"));
            line.ulp(2).grad_ulp(4).relative_to_largest()
        };
        cases.push(line("reduce").run(move |x| f.reduce(&x[0], 0)));
        cases.push(line("reduce-where").run(move |x| {
            let (initial, where_) = (Some(Array::from(0.5)), Some(mask()));
            f.reduce_with(&x[0], keepdims(1), ReduceOptions { dtype: None, initial, where_ })
        }));
        cases.push(line("reduce-all").run(move |x| f.reduce(&x[0], ())));
        cases.push(line("accumulate").run(move |x| f.accumulate(&x[0], 1)));
        cases.push(line("at").run(move |x| f.at(&x[0], again(), Some(&x[1].get(s![.., None])))));
        cases.push(line("reduceat").run(move |x| f.reduceat(&x[0], Array::from([0, 2, 1]), 1)));
        cases.push(line("outer").run(move |x| f.outer(&x[0], &x[1])));
    }
    let whole: [(&str, &'static Ufunc); 9] = [
        ("bitwise_and", &ufunc::bitwise_and),
        ("bitwise_or", &ufunc::bitwise_or),
        ("bitwise_xor", &ufunc::bitwise_xor),
        ("logical_and", &ufunc::logical_and),
        ("logical_or", &ufunc::logical_or),
        ("logical_xor", &ufunc::logical_xor),
        ("add", &ufunc::add),
        ("multiply", &ufunc::multiply),
        ("maximum", &ufunc::maximum),
    ];
    for (name, f) in whole {
        cases.push(line(&format!("ufunc/{name}-reduce-integers")).run(move |x| f.reduce(&x[0], 1)));
        cases.push(line(&format!("ufunc/{name}-accumulate-integers")).run(move |x| f.accumulate(&x[0], 0)));
    }
    let digits = || jnp::frompyfunc(|x: &[Array]| vec![&x[0] * 10 + &x[1]], 2, 1);
    cases.extend([
        line("ufunc/negative-at").run(move |x| ufunc::negative.at(&x[0], s![again(), [1, 3, 1]], None)),
        line("ufunc/add-reduce-dtype").run(move |x| {
            let dtype = Some(DType::I32);
            ufunc::add.reduce_with(&x[0], 0, ReduceOptions { dtype, ..Default::default() })
        }),
        line("ufunc/add-reduce-empty").run(|_| ufunc::add.reduce(jnp::zeros((0, 2)), 0)),
        line("ufunc/facts").run(move |_| {
            let all = named.into_iter().chain([("negative", &ufunc::negative)]);
            let facts =
                |(_, f): (&str, &Ufunc)| vec![f.nin() as i32, f.nout() as i32, f.identity().is_none() as i32];
            Array::from(all.map(facts).collect::<Vec<_>>())
        }),
        line("frompyfunc/call").ulp(1).run(move |x| digits().call(x)),
        line("frompyfunc").run(move |x| digits().reduce(&x[0], 1)),
        line("frompyfunc/accumulate").run(move |x| digits().accumulate(&x[0], 0)),
        line("frompyfunc/at").run(move |x| digits().at(&x[0], s![again(), 1], Some(&Array::from([1, 2, 3])))),
    ]);
    cases
}

/// `booleans((3, 4))` of the generator.
const MASK: [[bool; 4]; 3] =
    [[true, true, false, true], [true, false, false, false], [true, false, true, false]];

fn tricks() -> Vec<Case> {
    let spec = |spec: &str, shapes: &[&[usize]]| {
        let operands: Vec<Array> = shapes.iter().map(|&shape| jnp::ones(shape)).collect();
        Array::from(jnp::einsum_path(spec, &operands).iter().map(|p| p.map(|i| i as i32)).collect::<Vec<_>>())
    };
    vec![
        line("r_").ulp(1).run(|x| {
            let points = Progression::points(-1.0, 1.0, 6);
            jnp::r_(&[(&x[0]).into(), 0.into(), 0.5.into(), (1..4).into(), points.into()])
        }),
        line("r_/last").run(|x| jnp::r_with("-1", &[(&x[0]).into(), (&x[0] + 1).into()])),
        line("r_/rows").run(|x| jnp::r_with("0,2", &[(&x[0]).into(), (&x[0]).into()])),
        line("r_/columns").run(|x| jnp::r_with("0,2,0", &[(&x[0]).into(), (&x[0]).into(), (0..3).into()])),
        line("r_/deep").run(|x| jnp::r_with("1,3,1", &[(&x[0]).into(), (&x[0]).into()])),
        line("r_/matrix").run(|x| jnp::r_with("r", &[(&x[0]).into(), 1.0.into()])),
        line("r_/matrix-column").run(|x| jnp::r_with("c", &[(&x[0]).into(), 1.0.into()])),
        line("c_").run(|x| jnp::c_(&[(&x[0]).into(), (&x[0] * 2).into(), (0..3).into()])),
        line("c_/matrices").run(|x| jnp::c_(&[(&x[0]).into(), (&x[0]).into()])),
        line("c_/directive").run(|x| jnp::c_with("1,2", &[(&x[0]).into(), (&x[0]).into()])),
        line("s_").run(|x| x[0].get(jnp::s_![0, ..;-1])),
        line("index_exp").run(|x| x[0].get(jnp::index_exp![..., 1..])),
        line("mgrid/points").run(|_| jnp::mgrid(&[Progression::points(0.0, 1.0, 3), (2..4).into()])),
        line("ogrid/points").run(|_| jnp::ogrid(&[Progression::points(0.0, 1.0, 3), (0, 4, 2).into()])),
        line("einsum_path").run(move |_| spec("ij,jk,kl->il", &[&[2, 3], &[3, 100], &[100, 5]])),
        line("einsum_path/four")
            .run(move |_| spec("ab,bc,cd,de->ae", &[&[2, 30], &[30, 4], &[4, 50], &[50, 6]])),
    ]
}
