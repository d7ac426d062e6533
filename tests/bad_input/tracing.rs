//! What traced code can do wrong: shapes, values that are not known yet, tracers that leak, structures that differ, buffers
//! that were given away.

use std::collections::BTreeMap;
use std::sync::Mutex;

use jacinth::prelude::*;
use jacinth_pjrt::{Buffer, ClientOptions, ExecuteOptions, Program};

use crate::{assert_says, next_line, on_every_plugin, panic_text};

fn vector(n: usize) -> Array {
    Array::from_slice(&(0..n).map(|i| i as f32).collect::<Vec<f32>>(), [n])
}

#[test]
fn shapes_that_do_not_fit_name_the_operation_the_shapes_and_the_line() {
    on_every_plugin(|| {
        let (x, y) = (vector(3), vector(4));
        let line = next_line();
        let f = jit(|x: &Array, y: &Array| x + y);
        let error = f.try_call((&x, &y)).unwrap_err();
        assert_says(error, &["add: ", "(3,)", "(4,)", &line]);
        let line = next_line();
        let f = jit(grad(|x: &Array, y: &Array| jnp::sin(x).dot(y)));
        let error = f.try_call((&x, &y)).unwrap_err();
        assert_says(error, &["dot", "3", "4", &line]);
        let line = next_line();
        let f = vmap(|x: &Array| jnp::concatenate(&[x.clone(), x.reshape([1, -1])], 0));
        let error = f.try_call((&jnp::ones([2, 3]),)).unwrap_err();
        assert_says(error, &["concatenate", "(2, 3)", "(2, 1, 3)", &line]);
        let line = next_line();
        let f = jit(|x: &Array| x.reshape([2, 2]));
        let error = f.try_call((&x,)).unwrap_err();
        assert_says(error, &["reshape", "(3,)", "(2, 2)", &line]);
        // Inside of a loop's body, too.
        let line = next_line();
        let f = jit(|x: &Array, y: &Array| fori_loop(0, 3, |_, c: Array| &c + y, x.clone()));
        let error = f.try_call((&x, &y)).unwrap_err();
        assert_says(error, &["add: ", "(3,)", "(4,)", &line]);
        // What was wrong once leaves nothing behind.
        assert_eq!(jit(|x: &Array| x + x)(&x).to_vec::<f32>(), [0., 2., 4.]);
    });
}

#[test]
fn what_no_trace_is_needed_for_names_its_line_too() {
    let x = vector(3);
    let line = next_line();
    assert_says(panic_text(|| x.sum_axis(1)), &["sum: axis 1 is out of bounds", &line]);
    let line = next_line();
    assert_says(panic_text(|| nn::softmax(&x, 3)), &["softmax: axis 3 is out of bounds", &line]);
    let line = next_line();
    assert_says(panic_text(|| x.transpose([0, 5])), &["transpose", &line]);
    let line = next_line();
    assert_says(panic_text(|| x.item::<f32>()), &["only an array of one element", &line]);
    let line = next_line();
    assert_says(panic_text(|| jnp::array(1.0).item::<i32>()), &["float32, but int32 values", &line]);
    let line = next_line();
    assert_says(panic_text(|| x.sum().iter().count()), &["iteration over a 0-d array", &line]);
    let line = next_line();
    assert_says(panic_text(|| jnp::array(vec![vec![1, 2], vec![3]])), &["of one length in every", &line]);
    let line = next_line();
    assert_says(panic_text(|| &x + 3_000_000_000i64), &["does not fit i32", &line]);
    // Derivatives along what does not fit name the argument or the result.
    let double = |x: &Array| x * 2;
    let line = next_line();
    let text = panic_text(|| jvp(double, (vector(3),), (vector(4),)));
    assert_says(text, &["jvp: tangents", "argument 0 is f32[3], its tangents f32[4]", &line]);
    let text = panic_text(|| vjp(double, (vector(3),)).1(vector(4)));
    assert_says(text, &["vjp: cotangents", "result is f32[3], its cotangents f32[4]"]);
}

#[test]
fn a_plain_call_panics_with_the_same_sentence() {
    let line = next_line();
    let f = jit(|x: &Array, y: &Array| x * y);
    assert_says(panic_text(|| f(&vector(3), &vector(4))), &["mul: ", "(3,)", "(4,)", &line]);
}

#[test]
fn a_traced_value_is_no_bool_no_index_and_no_length() {
    on_every_plugin(|| {
        let x = Array::from(3.0f32);
        let made = next_line();
        let f = jit(|x: &Array| if x.item::<f32>() > 0.0 { x.clone() } else { -x });
        let error = f.try_call((&x,)).unwrap_err();
        assert_says(
            error,
            &["a traced value of type f32[] was used as ", "while `<lambda>` is being traced", &made],
        );
        let line = next_line();
        let f = jit(|x: &Array| if (x.lt(0.0)).item::<bool>() { -x } else { x.clone() });
        let error = f.try_call((&x,)).unwrap_err();
        assert_says(error, &["a traced value of type bool[] was used as ", &line]);
        let line = next_line();
        let f = jit(|x: &Array| jnp::arange(x.item::<f32>()));
        let error = f.try_call((&x,)).unwrap_err();
        assert_says(error, &["a traced value of type f32[] was used as ", &line]);
        let line = next_line();
        let f = vmap(|x: &Array| jnp::ones([x.astype(jacinth::DType::I32).item::<i32>() as usize]));
        let error = f.try_call((&vector(2),)).unwrap_err();
        assert_says(error, &["a traced value of type i32[] was used as ", &line]);
    });
}

#[test]
fn a_shape_that_depends_on_values_says_what_to_use() {
    on_every_plugin(|| {
        let line = next_line();
        let f = jit(|x: &Array| x.get(x.lt(0)));
        let error = f.try_call((&vector(3),)).unwrap_err();
        assert_says(
            error,
            &["a traced value of type bool[3] was used as an index", &line, "jnp::where_", "size"],
        );
        let line = next_line();
        let f = jit(|x: &Array| jnp::ones(jnp::array(x.shape()).prod().item::<i32>()));
        let error = f.try_call((&vector(3),)).unwrap_err();
        assert_says(
            error,
            &["of type i32[] was used as a host integer (a length, an index", &line, "`Static` argument"],
        );
        // Sizes themselves are host values.
        let f = jit(|x: &Array| jnp::ones(x.shape().iter().product::<usize>()));
        assert_eq!(f(&jnp::ones((2, 3))).shape(), [6]);
    });
}

#[test]
fn a_leaked_tracer_names_the_line_that_made_it_and_the_line_that_used_it() {
    on_every_plugin(|| {
        let leaked = Mutex::new(None);
        let made = Mutex::new(String::new());
        let f = jit(|x: &Array| {
            *made.lock().unwrap() = next_line();
            *leaked.lock().unwrap() = Some(jnp::sin(x));
            x.clone()
        });
        f(&vector(3));
        let leaked = leaked.lock().unwrap().take().expect("the function was traced");
        let made = made.lock().unwrap().clone();
        let used = next_line();
        let g = jit(|x: &Array| x + &leaked);
        let error = g.try_call((&vector(3),)).unwrap_err();
        assert_says(error, &["leaked tracer: a traced value of type f32[3]", &made, &used]);
        // As an argument, and as operand of an operation outside of any trace.
        assert_says(jit(|x: &Array| -x).try_call((&leaked,)).unwrap_err(), &["leaked tracer", &made]);
        let used = next_line();
        let text = panic_text(|| jnp::cos(&leaked));
        assert_says(text, &["leaked tracer", &made, &used]);
        assert_says(leaked.try_to_vec::<f32>().unwrap_err(), &["leaked tracer", &made]);
    });
}

#[test]
fn structures_that_differ_name_the_path() {
    type Params = BTreeMap<String, Vec<Array>>;
    let tree = |n: usize| -> Params { BTreeMap::from([("w".to_owned(), vec![vector(2); n])]) };
    on_every_plugin(|| {
        let compiled = jit(|p: &Params| p["w"][0].clone()).lower((&tree(2),)).unwrap().compile().unwrap();
        let error = compiled.call((&tree(3),)).unwrap_err();
        assert_says(error, &["['w']", "a list of 2", "a list of 3"]);
        let error = tree::try_map2(&tree(2), &tree(1), |a, b| a + b).unwrap_err();
        assert_says(error, &["['w']", "a list of 2", "a list of 1"]);
        // A carry that changes its structure, a tangent that lacks a leaf, branches that differ.
        let f = jit(|x: &Array| {
            scan(|c: Vec<Array>, _: Array| (vec![c[0].clone(); 2], ()), vec![x.clone()], &vector(3)).0
        });
        assert_says(f.try_call((&vector(2),)).unwrap_err(), &["a list of 1", "a list of 2"]);
        let f = jit(|x: &Array| jvp(|p: &Params| p["w"][0].clone(), (tree(2),), (tree(1),)).0 + x);
        assert_says(f.try_call((&vector(2),)).unwrap_err(), &["['w']", "a list of 2", "a list of 1"]);
        let f = vmap(|p: &Params, x: &Array| x + &p["w"][0]).in_axes((vec![0, 1], 0));
        let error = f.try_call((&tree(2), &vector(2))).unwrap_err();
        assert_says(error, &["vmap", "in_axes"]);
    });
}

#[test]
fn a_clone_of_a_donated_array_keeps_its_value() {
    on_every_plugin(|| {
        let f = jit(|x: Array| x + 1.0f32);
        let x = vector(4);
        let kept = x.clone();
        let y = f(x);
        assert_eq!(kept.to_vec::<f32>(), [0., 1., 2., 3.]);
        assert_eq!(y.to_vec::<f32>(), [1., 2., 3., 4.]);
        // The same array twice, by value and by reference.
        let g = jit(|a: Array, b: Array, c: &Array| (a + &b, b * c));
        let (sum, product) = g(kept.clone(), kept.clone(), &kept);
        assert_eq!(sum.to_vec::<f32>(), [0., 2., 4., 6.]);
        assert_eq!(product.to_vec::<f32>(), [0., 1., 4., 9.]);
        assert_eq!(kept.to_vec::<f32>(), [0., 1., 2., 3.]);
    });
}

/// Where the caller of the ABI did give a buffer away, its other users are told so.
#[test]
fn a_donated_buffer_says_so() {
    const TEXT: &str = "module @m {
      func.func public @main(%arg0: tensor<4xf32> {tf.aliasing_output = 0 : i32}) -> tensor<4xf32> {
        %0 = stablehlo.add %arg0, %arg0 : tensor<4xf32>
        return %0 : tensor<4xf32>
      }
    }";
    let client = jacinth_plugins::embedded().unwrap().client(&ClientOptions::new()).unwrap();
    let device = &client.addressable_devices()[0];
    let program = client.compile(&Program::mlir(TEXT), crate::modules::ONE).unwrap();
    let buffer = Buffer::from_slice(&[1f32; 4], &[4], device).unwrap();
    let options = ExecuteOptions::default();
    let first = program.execute_single([&buffer], &options).unwrap();
    assert_eq!(first[0].to_vec::<f32>().unwrap(), [2.0; 4]);
    assert_says(buffer.to_vec::<f32>().unwrap_err(), &["donated"]);
    let error = program.execute_single([&buffer], &options).unwrap_err();
    assert_says(error, &["argument 0", "donated"]);
    assert!(program.execute_single([&first[0]], &options).is_ok());
}
