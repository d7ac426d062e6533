//! Jaxprs print as JAX prints them: every program of `jaxprs/generate.py` has a twin here that must give the same text, and whose
//! module every CPU plugin compiles.

mod plugins;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jacinth_frontend::api::control::{
    ScanOptions, associative_scan, cond, fori_loop, fori_loop_with, map, scan, scan_with, switch, while_loop,
};
use jacinth_frontend::lax::{self, *};
use jacinth_frontend::tree::{Axes, Pytree};
use jacinth_frontend::{Array, Backend, DType, grad, jit, jvp, make_jaxpr, vjp, vmap, with_backend};

type Texts = BTreeMap<&'static str, &'static str>;

/// What JAX prints, by the program's name.
static GOLDEN: LazyLock<Texts> = LazyLock::new(|| {
    let programs = include_str!("jaxprs/golden.txt").split("## ").filter(|p| !p.is_empty());
    programs
        .map(|p| p.split_once('\n').expect("a name and a text"))
        .map(|(name, text)| (name, text.trim_end()))
        .collect()
});

/// Programs that were compared, and what is wrong with them.
struct Compared {
    plugins: Vec<(&'static str, Backend)>,
    names: Vec<String>,
    problems: Vec<String>,
}

impl Compared {
    /// Traces a function of arrays of these types.
    fn program<O: Pytree>(&mut self, name: &str, args: &[Array], f: impl Fn(&[Array]) -> O + Send + Sync) {
        let golden = GOLDEN.get(name).unwrap_or_else(|| panic!("generate.py has no program {name}"));
        let found = make_jaxpr(|args: Vec<Array>| f(&args))(args.to_vec());
        match found {
            Ok(jaxpr) if jaxpr.to_string() == *golden => {}
            Ok(jaxpr) => {
                self.problems.push(format!("{name}: JAX prints\n{golden}\nand here it is\n{jaxpr}\n"))
            }
            Err(error) => self.problems.push(format!("{name}: {error}\n")),
        }
        for (plugin, backend) in &self.plugins {
            let compiled = with_backend(backend, || {
                jit(|args: &Vec<Array>| f(args)).lower((&args.to_vec(),))?.compile().map(drop)
            });
            self.problems.extend(compiled.err().map(|error| format!("{name} on {plugin}: {error}\n")));
        }
        self.names.push(name.to_owned());
    }
}

#[test]
fn jaxprs_print_as_jax_prints_them() {
    let mut all = Compared { plugins: plugins::under_test(), names: Vec::new(), problems: Vec::new() };
    elementwise_primitives(&mut all);
    structural_primitives(&mut all);
    literals_variables_constants_and_calls(&mut all);
    control_flow(&mut all);
    transformations(&mut all);
    let Compared { names, problems, .. } = all;
    assert!(problems.is_empty(), "{} of {} differ:\n{}", problems.len(), names.len(), problems.join("\n"));
    let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let missing: Vec<&&str> = GOLDEN.keys().filter(|name| !names.contains(**name)).collect();
    assert!(missing.is_empty(), "generate.py writes programs that nothing here compares: {missing:?}");
}

fn zeros(shape: &[usize], dtype: DType) -> Array {
    let n = shape.iter().product();
    match dtype {
        DType::F32 => Array::from_slice(&vec![0f32; n], shape),
        DType::I32 => Array::from_slice(&vec![0i32; n], shape),
        DType::UI32 => Array::from_slice(&vec![0u32; n], shape),
        DType::I1 => Array::from_slice(&vec![false; n], shape),
        DType::C64 => Array::from_slice(&vec![num_complex::Complex32::default(); n], shape),
        _ => unreachable!("no program takes {dtype}"),
    }
}

fn f32(shape: &[usize]) -> Array {
    zeros(shape, DType::F32)
}

fn i32(shape: &[usize]) -> Array {
    zeros(shape, DType::I32)
}

fn u32(shape: &[usize]) -> Array {
    zeros(shape, DType::UI32)
}

fn boolean(shape: &[usize]) -> Array {
    zeros(shape, DType::I1)
}

fn number(x: f64) -> Array {
    Array::scalar(x, DType::F32, false)
}

fn weak(x: f64) -> Array {
    Array::scalar(x, DType::F32, true)
}

fn elementwise_primitives(all: &mut Compared) {
    type One = (&'static str, fn(&Array) -> Array);
    type Two = (&'static str, fn(&Array, &Array) -> Array);
    macro_rules! named {
        ($($name:ident)*) => { vec![$((stringify!($name), |x| lax::$name(x))),*] };
    }
    macro_rules! named2 {
        ($($name:ident)*) => { vec![$((stringify!($name), |x, y| lax::$name(x, y))),*] };
    }
    let floats: Vec<One> = named!(neg sign floor ceil is_finite exp exp2 log expm1 log1p tanh logistic sin cos tan asin acos atan
        sinh cosh asinh acosh atanh cbrt sqrt rsqrt square abs erf erfc erf_inv lgamma digamma bessel_i1e);
    for (name, f) in floats {
        all.program(name, &[f32(&[3])], |x| f(&x[0]));
    }
    let complexes: Vec<One> = named!(real imag);
    for (name, f) in complexes {
        all.program(name, &[zeros(&[3], DType::C64)], |x| f(&x[0]));
    }
    let bits: Vec<One> = vec![("bitwise_not", not), ("population_count", population_count), ("clz", clz)];
    for (name, f) in bits {
        all.program(name, &[i32(&[3])], |x| f(&x[0]));
    }
    let pairs: Vec<Two> =
        named2!(add sub mul div rem max min pow atan2 nextafter complex eq ne lt le gt ge polygamma);
    for (name, f) in pairs {
        all.program(name, &[f32(&[2, 3]), f32(&[2, 3])], |x| f(&x[0], &x[1]));
    }
    let mut bits: Vec<Two> = vec![("bitwise_and", and), ("bitwise_or", or), ("bitwise_xor", xor)];
    let shifts: Vec<Two> = named2!(shift_left shift_right_arithmetic shift_right_logical);
    bits.extend(shifts);
    for (name, f) in bits {
        all.program(name, &[i32(&[3]), i32(&[3])], |x| f(&x[0], &x[1]));
    }
    let x = [f32(&[3])];
    all.program("integer_pow", &x, |x| integer_pow(&x[0], 3));
    all.program("round", &x, |x| round(&x[0], RoundingMethod::ToNearestEven));
    all.program("convert_element_type", &x, |x| convert_element_type(&x[0], DType::I32));
    all.program("bitcast_convert_type", &x, |x| bitcast_convert_type(&x[0], DType::I32));
    all.program("reduce_precision", &x, |x| reduce_precision(&x[0], 5, 10));
    all.program("stop_gradient", &x, |x| stop_gradient(&x[0]));
    all.program("select_n", &[boolean(&[3]), f32(&[3]), f32(&[3])], |x| select_n(&x[0], &x[1..]));
    all.program("select", &[boolean(&[3]), f32(&[3]), f32(&[3])], |x| select(&x[0], &x[1], &x[2]));
    all.program("clamp", &[f32(&[]), f32(&[3]), f32(&[])], |x| clamp(&x[0], &x[1], &x[2]));
}

fn structural_primitives(all: &mut Compared) {
    all.program("broadcast_in_dim", &[f32(&[3])], |x| broadcast_in_dim(&x[0], &[2, 3], &[1]));
    all.program("broadcast_scalar", &[f32(&[])], |x| broadcast_in_dim(&x[0], &[2, 3], &[]));
    all.program("reshape", &[f32(&[2, 3])], |x| reshape(&x[0], &[6]));
    all.program("transpose", &[f32(&[2, 3])], |x| transpose(&x[0], &[1, 0]));
    all.program("squeeze", &[f32(&[1, 3])], |x| squeeze(&x[0], &[0]));
    all.program("expand_dims", &[f32(&[3])], |x| expand_dims(&x[0], &[0, 2]));
    all.program("rev", &[f32(&[3])], |x| rev(&x[0], &[0]));
    all.program("iota", &[], |_| broadcasted_iota(DType::I32, &[2, 3], 1));
    all.program("concatenate", &[f32(&[2]), f32(&[3])], |x| concatenate(x, 0));
    all.program("pad", &[f32(&[2, 3])], |x| pad(&x[0], &number(0.0), &[(0, 1, 0), (-1, 0, 2)]));
    all.program("split", &[f32(&[5])], |x| split(&x[0], &[2, 3], 0));
    all.program("slice", &[f32(&[5])], |x| slice(&x[0], &[1], &[4], None));
    all.program("slice_strided", &[f32(&[5, 4])], |x| slice(&x[0], &[1, 0], &[4, 4], Some(&[2, 1])));
    all.program("dynamic_slice", &[f32(&[5]), u32(&[])], |x| dynamic_slice(&x[0], &x[1..], &[2]));
    all.program("dynamic_slice_signed", &[f32(&[5, 4]), i32(&[])], |x| {
        dynamic_slice(&x[0], &[x[1].clone(), Array::from(1)], &[2, 3])
    });
    all.program("dynamic_update_slice", &[f32(&[5]), f32(&[2]), u32(&[])], |x| {
        dynamic_update_slice(&x[0], &x[1], &x[2..])
    });
    all.program("gather", &[f32(&[5, 4]), i32(&[2, 1])], |x| {
        let numbers = GatherDimensionNumbers {
            offset_dims: vec![1],
            collapsed_slice_dims: vec![0],
            start_index_map: vec![0],
            ..Default::default()
        };
        gather(&x[0], &x[1], numbers, &[1, 4], GatherScatterMode::Clip)
    });
    let numbers = || ScatterDimensionNumbers {
        update_window_dims: vec![1],
        inserted_window_dims: vec![0],
        scatter_dims_to_operand_dims: vec![0],
        ..Default::default()
    };
    let args = [f32(&[5, 4]), i32(&[2, 1]), f32(&[2, 4])];
    all.program("scatter", &args, |x| scatter(&x[0], &x[1], &x[2], numbers(), GatherScatterMode::FillOrDrop));
    all.program("scatter_add", &args, |x| {
        scatter_add(&x[0], &x[1], &x[2], numbers(), GatherScatterMode::Clip)
    });
    type Reduction = (&'static str, fn(&Array, &[usize]) -> Array);
    let numeric: [Reduction; 4] = [
        ("reduce_sum", reduce_sum),
        ("reduce_prod", reduce_prod),
        ("reduce_max", reduce_max),
        ("reduce_min", reduce_min),
    ];
    for (name, f) in numeric {
        all.program(name, &[f32(&[2, 3, 4])], |x| f(&x[0], &[0, 2]));
    }
    let logical: [Reduction; 3] =
        [("reduce_and", reduce_and), ("reduce_or", reduce_or), ("reduce_xor", reduce_xor)];
    for (name, f) in logical {
        all.program(name, &[boolean(&[2, 3])], |x| f(&x[0], &[1]));
    }
    all.program("argmax", &[f32(&[2, 3])], |x| argmax(&x[0], 1, DType::I32));
    all.program("argmin", &[f32(&[2, 3])], |x| argmin(&x[0], 0, DType::I32));
    all.program("reduce_general", &[f32(&[2, 3]), f32(&[])], |x| {
        reduce(&x[0], &x[1], |a, b| add(&a, &mul(&b, &a)), &[1])
    });
    all.program("reduce_variadic", &[f32(&[2, 3]), i32(&[2, 3]), f32(&[]), i32(&[])], |x| {
        reduce_many(&x[..2], &x[2..], |a, b| vec![add(&a[0], &b[0]), max(&a[1], &b[1])], &[0])
    });
    all.program("reduce_monoid", &[f32(&[2, 3])], |x| reduce(&x[0], &number(0.0), |a, b| add(&a, &b), &[1]));
    all.program("reduce_monoid_with_init", &[f32(&[2, 3]), f32(&[])], |x| {
        reduce(&x[0], &x[1], |a, b| max(&a, &b), &[1])
    });
    all.program("dot_general", &[f32(&[2, 3]), f32(&[3, 4])], |x| {
        dot_general(&x[0], &x[1], DotDimensionNumbers::new((&[1], &[0]), (&[], &[])), None, None)
    });
    all.program("dot_general_batch", &[f32(&[5, 2, 3]), f32(&[5, 3, 4])], |x| {
        let numbers = DotDimensionNumbers::new((&[2], &[1]), (&[0], &[0]));
        dot_general(&x[0], &x[1], numbers, Some(Precision::Highest), Some(DType::F32))
    });
    all.program("sort", &[f32(&[3, 2])], |x| sort(&x[0], 0));
    all.program("sort_two", &[f32(&[3]), i32(&[3])], |x| sort_many(x, 0, true, 1));
    all.program("top_k", &[f32(&[5])], |x| top_k(&x[0], 2));
}

fn literals_variables_constants_and_calls(all: &mut Compared) {
    let x = [f32(&[3])];
    all.program("literals", &x, |x| mul(&add(&x[0], &number(1.5)), &number(-2.0)));
    all.program("literal_results", &x, |x| (x[0].clone(), weak(1.0), Array::from(2)));
    all.program("weak_argument", &[weak(1.0)], |x| mul(&x[0], &sin(&x[0])));
    all.program("unused", &[f32(&[3]), f32(&[2])], |x| {
        let out = sin(&x[0]);
        cos(&x[1]);
        out
    });
    all.program("same_result_twice", &x, |x| (x[0].clone(), sin(&x[0]), x[0].clone()));
    all.program("no_equations", &[f32(&[3]), i32(&[2])], |x| (x[1].clone(), x[0].clone()));
    all.program("nothing", &[], |_| ());
    all.program("many_variables", &[f32(&[])], |x| (0..40).fold(x[0].clone(), |x, _| add(&sin(&x), &x)));
    let captured = f32(&[3]);
    all.program("captured", &x, |x| mul(&add(&x[0], &captured), &captured));
    all.program("captured_in_cond", &[f32(&[3]), boolean(&[])], |x| {
        cond(&x[1], |y: Array| mul(&y, &captured), |y| add(&y, &x[0]), x[0].clone())
    });
    fn double(x: &Array) -> Array {
        add(x, x)
    }
    let double = jit(double);
    fn long(x: &Array) -> Array {
        (0..12).fold(x.clone(), |x, _| sin(&x))
    }
    let long = jit(long);
    let twice = jit(|x: &Array| double(&double(x))).name("twice");
    all.program("jit_nested", &x, |x| twice(&x[0]));
    all.program("jit", &x, |x| double(&x[0]));
    all.program("jit_twice", &x, |x| mul(&double(&x[0]), &double(&x[0])));
    all.program("jit_of_two_types", &[f32(&[3]), f32(&[2])], |x| (double(&x[0]), double(&x[1])));
    all.program("jit_long", &x, |x| long(&x[0]));
    all.program("jit_unused", &[f32(&[3]), f32(&[2])], |x| jit(|x: &Array, _: &Array| sin(x))(&x[0], &x[1]));
    all.program("jit_forwards", &x, |x| jit(|x: &Array| (x.clone(), sin(x)))(&x[0]));
}

fn control_flow(all: &mut Compared) {
    all.program("cond", &[f32(&[]), boolean(&[])], |x| {
        cond(&x[1], |x: Array| sin(&x), |x| cos(&x), x[0].clone())
    });
    all.program("cond_of_number", &[f32(&[])], |x| {
        cond(&x[0], |x: Array| sin(&x), |x| neg(&x), x[0].clone())
    });
    all.program("cond_forwards", &[f32(&[]), f32(&[]), boolean(&[])], |x| {
        cond(&x[2], |(x, y): (Array, Array)| (x, sin(&y)), |o| o, (x[0].clone(), x[1].clone()))
    });
    all.program("switch", &[f32(&[3]), i32(&[])], |x| {
        switch(&x[1], &[&|x: Array| sin(&x), &|x: Array| mul(&x, &x), &|x: Array| x], x[0].clone())
    });
    all.program("switch_of_one", &[f32(&[3]), i32(&[])], |x| {
        switch(&x[1], &[&|x: Array| sin(&x)], x[0].clone())
    });
    all.program("while_loop", &[f32(&[])], |x| {
        while_loop(|x: Array| lt(&x, &number(10.0)), |x: Array| mul(&x, &x), x[0].clone())
    });
    all.program("while_loop_captures", &[f32(&[]), f32(&[]), f32(&[3])], |x| {
        let (end, by) = (&x[1], &x[2]);
        let body = |(c, d): (Array, Array)| (mul(&c, &c), add(&d, by));
        while_loop(|(c, _): (Array, Array)| lt(&c, end), body, (x[0].clone(), by.clone()))
    });
    all.program("while_loop_forwards", &[f32(&[]), f32(&[]), f32(&[])], |x| {
        let body = |(a, b, c): (Array, Array, Array)| (mul(&a, &c), b, c);
        while_loop(
            |(a, b, _): (Array, Array, Array)| lt(&a, &b),
            body,
            (x[0].clone(), x[1].clone(), x[2].clone()),
        )
    });
    all.program("fori_loop", &[f32(&[])], |x| fori_loop(2, 5, |_, c: Array| mul(&c, &x[0]), sin(&x[0])));
    all.program("fori_loop_counter", &[f32(&[])], |x| {
        fori_loop(0, 3, |i, c: Array| add(&c, &convert_element_type(&i, DType::F32)), x[0].clone())
    });
    all.program("fori_loop_traced", &[f32(&[]), i32(&[])], |x| {
        fori_loop(0, &x[1], |_, c: Array| mul(&c, &c), x[0].clone())
    });
    all.program("fori_loop_traced_unsigned", &[f32(&[]), u32(&[]), u32(&[])], |x| {
        fori_loop(&x[1], &x[2], |_, c: Array| mul(&c, &c), x[0].clone())
    });
    all.program("fori_loop_unrolled", &[f32(&[])], |x| {
        fori_loop_with(0, 4, |_, c: Array| mul(&c, &c), x[0].clone(), 2)
    });
    all.program("scan", &[f32(&[]), f32(&[4, 3]), f32(&[4])], |x| {
        let step = |c: Array, (x, y): (Array, Array)| (add(&mul(&c, &y), &reduce_sum(&x, &[0])), sin(&x));
        scan(step, x[0].clone(), &(x[1].clone(), x[2].clone()))
    });
    all.program("scan_captures", &[f32(&[3]), f32(&[4, 3]), f32(&[3])], |x| {
        scan(|c: Array, y: Array| (add(&mul(&c, &x[2]), &y), ()), x[0].clone(), &x[1])
    });
    all.program("scan_length", &[f32(&[])], |x| {
        let options = ScanOptions { length: Some(3), ..Default::default() };
        scan_with(|c: Array, ()| (sin(&c), c), x[0].clone(), &(), options)
    });
    let step = |c: Array, x: Array| (add(&c, &x), c);
    all.program("scan_reverse_unroll", &[f32(&[]), f32(&[5])], |x| {
        scan_with(step, x[0].clone(), &x[1], ScanOptions { reverse: true, unroll: 2, ..Default::default() })
    });
    all.program("scan_unroll_all", &[f32(&[]), f32(&[5])], |x| {
        scan_with(step, x[0].clone(), &x[1], ScanOptions { unroll: 0, ..Default::default() })
    });
    all.program("scan_forwards", &[f32(&[]), f32(&[]), f32(&[4])], |x| {
        let step = |(c, d): (Array, Array), x: Array| ((mul(&c, &d), d), (x.clone(), sin(&x)));
        scan(step, (x[0].clone(), x[1].clone()), &x[2])
    });
    all.program("scan_weak_carry", &[f32(&[4])], |x| {
        scan(|c: Array, x: Array| (add(&convert_element_type(&c, DType::F32), &x), ()), weak(0.0), &x[0]).0
    });
    all.program("map", &[f32(&[4, 3])], |x| map(|x: Array| mul(&sin(&x), &x), &x[0]));
    all.program("nested_loops", &[f32(&[4, 3])], |x| {
        let inner = |c: Array, y: Array| (add(&c, &y), mul(&c, &y));
        scan(|c: Array, x: Array| scan(inner, c, &x), number(0.0), &x[0])
    });
    all.program("associative_scan", &[f32(&[5])], |x| {
        associative_scan(|a: Array, b: Array| add(&a, &b), &x[0], false, 0)
    });
}

fn transformations(all: &mut Compared) {
    all.program("jvp", &[f32(&[3]), f32(&[3])], |x| {
        jvp(|x: &Array| mul(&sin(x), x), (x[0].clone(),), (x[1].clone(),))
    });
    all.program("vjp_of_sin", &[f32(&[3]), f32(&[3])], |x| {
        vjp(|x: &Array| sin(x), (x[0].clone(),)).1(x[1].clone()).0
    });
    all.program("grad_of_sum", &[f32(&[3])], |x| grad(|x: &Array| reduce_sum(&mul(x, x), &[0]))(&x[0]));
    all.program("vmap_of_dot", &[f32(&[5, 3]), f32(&[5, 3])], |x| {
        let numbers = || DotDimensionNumbers::new((&[0], &[0]), (&[], &[]));
        vmap(move |x: &Array, y: &Array| dot_general(x, y, numbers(), None, None))(&x[0], &x[1])
    });
    all.program("vmap_of_one_argument", &[f32(&[5, 3]), f32(&[3])], |x| {
        vmap(|x: &Array, y: &Array| add(x, y)).in_axes((0, Axes::None))(&x[0], &x[1])
    });
    all.program("vmap_out_axes", &[f32(&[5, 3])], |x| vmap(|x: &Array| sin(x)).out_axes(1)(&x[0]));
    all.program("vmap_of_dynamic_slice", &[f32(&[5, 4]), u32(&[5])], |x| {
        vmap(|x: &Array, i: &Array| dynamic_slice(x, std::slice::from_ref(i), &[2]))(&x[0], &x[1])
    });
    all.program("vmap_of_dynamic_update_slice", &[f32(&[5, 4]), f32(&[5, 2]), u32(&[5])], |x| {
        vmap(|x: &Array, y: &Array, i: &Array| dynamic_update_slice(x, y, std::slice::from_ref(i)))(
            &x[0], &x[1], &x[2],
        )
    });
    all.program("vmap_of_scan", &[f32(&[5]), f32(&[5, 4])], |x| {
        vmap(|c: &Array, xs: &Array| scan(|c: Array, x: Array| (add(&c, &x), mul(&c, &x)), c.clone(), xs))(
            &x[0], &x[1],
        )
    });
    all.program("vmap_of_jit", &[f32(&[5, 3])], |x| {
        fn double(x: &Array) -> Array {
            add(x, x)
        }
        let double = jit(double);
        vmap(|x: &Array| double(x))(&x[0])
    });
    all.program("vmap_of_cond", &[f32(&[5]), boolean(&[])], |x| {
        vmap(|y: &Array| cond(&x[1], |y: Array| sin(&y), |y| cos(&y), y.clone()))(&x[0])
    });
}
