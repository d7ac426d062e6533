//! Modules that are none: cut off anywhere, with any byte changed, nested without end, or with operations that nobody knows. The
//! plugin answers with an error, or with a program where the text still is one; it neither aborts nor hangs.

use std::time::{Duration, Instant};

use jacinth::prelude::*;
use jacinth_pjrt::{Client, ClientOptions, Error, Program};

use crate::assert_says;

/// Compile options of one replica and one partition.
pub(crate) const ONE: &[u8] = &[0x1a, 4, 0x20, 1, 0x28, 1];

/// More than any module here takes, on a machine that does other things, too.
const LIMIT: Duration = Duration::from_secs(180);

fn client() -> Client {
    let embedded = jacinth_plugins::embedded().expect("the embedded plugin is always there");
    embedded.client(&ClientOptions::new()).expect("a client")
}

/// Compiles the text; the error, if there is one, has a message.
fn compile(client: &Client, text: &[u8]) -> Result<(), Error> {
    let start = Instant::now();
    let result = client.compile(&Program::mlir(text), ONE).map(drop);
    assert!(start.elapsed() < LIMIT, "it took {:?}", start.elapsed());
    if let Err(error) = &result {
        assert!(!error.message.is_empty());
        assert!(!error.message.contains("defect"), "a panic inside of the plugin: {error}");
    }
    result
}

/// Small programs that together use every kind of syntax: attributes, regions, calls, constants, locations.
fn texts() -> Vec<String> {
    let x = jnp::ones([3, 4]);
    let inner = jit(|x: &Array| jnp::exp(x) * 2.0f32);
    let dense = jit(|x: &Array| nn::softmax(inner(x).dot(x.t()) + inner(x).sum(), -1));
    let looped = jit(|x: &Array| {
        let grown = while_loop(|c: Array| c.sum().lt(100.0), |c: Array| c * 2.0f32, x.clone());
        cond(x.sum().gt(0.0), |x: Array| x + 1.0f32, |x: Array| -x, grown)
    });
    let indexed = jit(|x: &Array| {
        let sorted = lax::sort(x, 1);
        (jnp::argmax(&sorted, 0), jnp::pad(&sorted, &[(1, 0), (0, 2)], f32::NAN), jnp::cumsum(x, 0))
    });
    let donated = jit(|x: Array| jnp::where_(x.gt(0.5), &x, 0.0f32));
    vec![
        dense.lower((&x,)).unwrap().as_text_with_locations(),
        looped.lower((&x,)).unwrap().as_text(),
        indexed.lower((&x,)).unwrap().as_text(),
        donated.lower((x,)).unwrap().as_text(),
    ]
}

#[test]
fn a_module_cut_off_anywhere_is_an_error() {
    let client = client();
    for text in texts() {
        compile(&client, text.as_bytes()).expect("the whole module compiles");
        let module = text.rfind("\n}").expect("the module's brace") + 2;
        for end in (0..text.len()).filter(|&end| text.is_char_boundary(end)) {
            let result = compile(&client, &text.as_bytes()[..end]);
            // Behind the module's brace stand only the definitions of locations.
            assert!(
                result.is_err() || end >= module.min(text.trim_end().len()),
                "cut off at {end}: {}",
                &text[..end]
            );
        }
    }
}

#[test]
fn a_module_with_one_byte_changed_is_compiled_or_refused() {
    let client = client();
    let mut seed = 1u32;
    let (mut refused, mut all) = (0, 0);
    for text in texts() {
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // What means something to the parser, and any byte at all.
            let meaningful = b"<>(){}[]%@#!\"x-,:=0179e \n";
            let byte = match seed >> 30 {
                0 => (seed >> 16) as u8,
                1 => bytes[at] ^ (1 << (seed >> 16 & 7)),
                _ => meaningful[(seed >> 16) as usize % meaningful.len()],
            };
            bytes[at] = byte;
            all += 1;
            refused += usize::from(compile(&client, &bytes).is_err());
        }
    }
    assert!(refused > all / 2, "only {refused} of {all} were refused");
}

#[test]
fn bytes_that_are_no_module_are_refused() {
    let client = client();
    for bytes in [
        &b""[..],
        b"\0",
        b"\xff\xfe\xfd",
        b"ML\xefR",
        b"ML\xefR\x0dStableHLO_v1.0.0\0\xff\xff\xff",
        b"module",
        b"{}",
    ] {
        compile(&client, bytes).unwrap_err();
    }
    let error = client.compile(&Program::new("onnx", &b"module {}"[..]), ONE).unwrap_err();
    assert_says(error, &["onnx"]);
    client.compile(&Program::hlo(&b"\x08\x96\x01"[..]), ONE).unwrap_err();
    for options in [&[][..], &[0x1a], &[0x1a, 200, 0x20], &[0xff; 30]] {
        client.compile(&Program::mlir(&texts()[3]), options).unwrap_err();
    }
}

#[test]
fn an_unknown_operation_is_named() {
    let module = |operation: &str| {
        format!(
            "module @m {{\n  func.func public @main(%arg0: tensor<f32>) -> tensor<f32> {{\n    %0 = {operation} : (tensor<f32>) -> tensor<f32>\n    return %0 : tensor<f32>\n  }}\n}}"
        )
    };
    let client = client();
    compile(&client, module("\"stablehlo.sine\"(%arg0)").as_bytes()).unwrap();
    for name in ["stablehlo.frobnicate", "chlo.frobnicate", "arith.addf", "sine"] {
        let error = compile(&client, module(&format!("\"{name}\"(%arg0)")).as_bytes()).unwrap_err();
        assert_says(error, &[name, "3:"]);
    }
    let custom = "stablehlo.custom_call @frobnicate(%arg0)";
    assert_says(compile(&client, module(custom).as_bytes()).unwrap_err(), &["frobnicate"]);
}

#[test]
fn nesting_without_end_is_an_error() {
    const DEPTH: usize = 100_000;
    let client = client();
    let main = |body: &str| {
        format!(
            "module @m {{ func.func public @main(%arg0: tensor<f32>) -> tensor<f32> {{ {body} return %arg0 : tensor<f32> }} }}"
        )
    };
    let open = |open: &str, inner: &str, close: &str| open.repeat(DEPTH) + inner + &close.repeat(DEPTH);
    let regions = open("%0 = \"stablehlo.case\"(%i) ({ ", "", " }) : (tensor<i32>) -> tensor<f32>");
    let texts = [
        open("module { ", "", " }"),
        main(&open("\"stablehlo.optimization_barrier\"() {a = [", "", "]} : () -> ()")),
        main(&format!("%0 = stablehlo.constant dense<{}> : tensor<f32>", open("[", "1.0", "]"))),
        main(&format!("%0 = stablehlo.sine %arg0 {{a = {}}} : tensor<f32>", open("[", "1", "]"))),
        main(&format!("%0 = stablehlo.sine %arg0 {{a = {}}} : tensor<f32>", open("{a = ", "1", "}"))),
        main(&format!("%0 = stablehlo.sine %arg0 : {}", open("tuple<", "tensor<f32>", ">"))),
        main(&format!(
            "%0 = stablehlo.sine %arg0 : tensor<f32> loc({})",
            open("callsite(\"a\" at ", "\"b\"", ")")
        )),
        main(&regions),
        "(".repeat(DEPTH),
        "%0 = ".repeat(DEPTH),
    ];
    for text in texts {
        compile(&client, text.as_bytes()).unwrap_err();
    }
}

#[test]
fn a_function_that_calls_itself_is_refused() {
    let client = client();
    let recursive = "module @m {
      func.func public @main(%arg0: tensor<f32>) -> tensor<f32> {
        %0 = call @f(%arg0) : (tensor<f32>) -> tensor<f32>
        return %0 : tensor<f32>
      }
      func.func private @f(%arg0: tensor<f32>) -> tensor<f32> {
        %0 = call @g(%arg0) : (tensor<f32>) -> tensor<f32>
        return %0 : tensor<f32>
      }
      func.func private @g(%arg0: tensor<f32>) -> tensor<f32> {
        %0 = call @f(%arg0) : (tensor<f32>) -> tensor<f32>
        return %0 : tensor<f32>
      }
    }";
    compile(&client, recursive.as_bytes()).unwrap_err();
    let missing = recursive.replace("call @f", "call @h");
    assert_says(compile(&client, missing.as_bytes()).unwrap_err(), &["h"]);
}

/// Fifty functions, each of which calls the next twice: written out in full they would never end.
#[test]
fn calls_that_double_do_not_hang() {
    let mut text = String::from("module @m {\n");
    for i in 0..50 {
        let name = if i == 0 { "public @main".to_owned() } else { format!("private @f{i}") };
        let next = i + 1;
        text += &format!(
            "func.func {name}(%arg0: tensor<f32>) -> tensor<f32> {{
              %0 = call @f{next}(%arg0) : (tensor<f32>) -> tensor<f32>
              %1 = call @f{next}(%0) : (tensor<f32>) -> tensor<f32>
              return %1 : tensor<f32>
            }}\n"
        );
    }
    text += "func.func private @f50(%arg0: tensor<f32>) -> tensor<f32> {\nreturn %arg0 : tensor<f32>\n}\n}";
    // Compiled or refused: either is an answer.
    let _ = compile(&client(), text.as_bytes());
}
