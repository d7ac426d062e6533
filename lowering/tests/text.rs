//! Text in and out: what JAX prints comes back byte for byte, and no bytes make the parser fail other than by an error.

use std::path::PathBuf;

use jacinth_lowering::{Location, Module};
use proptest::prelude::*;

/// The modules in `golden/`, which `golden/generate.py` writes.
fn goldens() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut goldens: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "mlir"))
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).expect("readable"))
        })
        .collect();
    goldens.sort();
    assert!(goldens.len() > 15, "goldens are missing");
    goldens
}

#[test]
fn what_jax_prints_is_read_verified_and_printed_the_same() {
    for (name, text) in goldens().into_iter().filter(|golden| golden.0 != "locations") {
        let module = Module::parse(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        module.verify().unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(module.to_text(), text, "{name}");
    }
}

#[test]
fn locations_survive() {
    let (_, text) = goldens().into_iter().find(|golden| golden.0 == "locations").expect("it is there");
    let module = Module::parse(&text).unwrap();
    let Location::Named(name, _) = &module.main().unwrap().body.ops[0].location else {
        panic!("expected a name, got {:?}", module.main().unwrap().body.ops[0].location);
    };
    assert_eq!(&**name, "jit(<lambda>)/sin");
    assert_eq!(Module::parse(&module.to_text_with_locations()).unwrap(), module);
}

#[test]
fn text_cut_off_anywhere_is_an_error_with_a_place() {
    for (name, text) in goldens() {
        let step = text.len() / 150 + 1;
        let end = text.rfind('}').expect("a module ends so");
        for cut in (0..end).step_by(step).filter(|&cut| text.is_char_boundary(cut)) {
            let error = Module::parse(&text[..cut]).expect_err(&name);
            assert!(error.location.is_some(), "{name} cut at {cut}: {error}");
        }
    }
}

#[test]
fn nesting_is_bounded() {
    let deep = 100_000;
    let texts = [
        format!("module attributes {{a = {}}} {{}}", "[".repeat(deep)),
        format!("module attributes {{a = {}}} {{}}", "{a = ".repeat(deep)),
        format!("func.func @main(%a: {}", "tuple<".repeat(deep)),
        format!("func.func @main() {{ {}", "\"stablehlo.case\"() ({ ".repeat(deep)),
        format!("func.func @main() {{ {}", "stablehlo.while() cond { ".repeat(deep)),
        format!("func.func @main() {{ return }} loc({}", "callsite(".repeat(deep)),
        "#a = [#b]\n#b = [#a]\nmodule attributes {a = #a} {}".to_string(),
        "#loc = loc(#loc)\nmodule {} loc(#loc)\nfunc.func @main() { return loc(#loc) }".to_string(),
        format!("func.func @main() {{ %0 = stablehlo.constant dense<{}", "[".repeat(deep)),
        format!("func.func @main(%a: tensor<{}f32>", "1x".repeat(deep)),
    ];
    for text in texts {
        Module::parse(&text).expect_err(text.get(..60).unwrap_or(&text));
    }
}

#[test]
fn errors_say_where_and_what() {
    let cases = [
        ("", "1:1: expected a module, found the end of the text"),
        (
            "module {\n  func.func @f() {\n    %0 = stablehlo.frob : tensor<f32>",
            "3:10: the operation stablehlo.frob is not supported",
        ),
        ("func.func @f() {\n  return %a : tensor<f32>\n}", "2:10: %a is used before it is defined"),
        (
            "func.func @f(%a: tensor<2xf32>) {\n  %0 = stablehlo.add %a, %a : tensor<3xf32>\n  return\n}",
            "2:22: an operand is of type tensor<2xf32>, but tensor<3xf32> is written for it",
        ),
        ("func.func @f(%a: tensor<2xq8>)", "1:27: the element type q8 is not supported"),
        (
            "func.func @f(%a: tensor<2x!quant.uniform<i8:f32, 1.0>>)",
            "1:27: quantized types are not supported yet",
        ),
        (
            "func.func @f() { %0 = stablehlo.constant dense<[1, 2]> : tensor<3xi32>",
            "1:48: dimension 0 of the literal must have 3 entries, as tensor<3xi32> says",
        ),
        (
            "func.func @f() { %0 = stablehlo.constant dense<300> : tensor<i8>",
            "1:48: expected an element of type i8, found '300'",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(Module::parse(text).expect_err(text).to_string(), expected);
    }
}

#[test]
fn modules_are_verified_as_wholes() {
    let cases = [
        (
            "func.func @main(%a: tensor<f32>) -> tensor<i32> {\n return %a : tensor<f32>\n}",
            "@main: the function returns [tensor<f32>], its signature says [tensor<i32>]",
        ),
        (
            "func.func @main() {\n call @main() : () -> ()\n return\n}",
            "@main calls @main, which calls it in turn",
        ),
        (
            "func.func @main() {\n call @f() : () -> ()\n return\n}",
            "@main: func.call: there is no function @f",
        ),
        (
            "func.func @main(%a: tensor<2xf32>) {\n %0 = stablehlo.abs %a : (tensor<2xf32>) -> tensor<3xf32>\n return\n}",
            "@main: stablehlo.abs: result types [tensor<3xf32>] should be [tensor<2xf32>]",
        ),
    ];
    for (text, expected) in cases {
        let error = Module::parse(text).unwrap_or_else(|e| panic!("{text}: {e}")).verify().expect_err(text);
        assert_eq!(error.to_string(), expected);
    }
}

proptest! {
    /// Changed text is refused or read; what is read, verified and printed reads as the same.
    #[test]
    fn changed_text_never_panics(
        which in 0usize..100,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0u8..4, 1usize..20), 1..5),
    ) {
        let goldens = goldens();
        let mut bytes = goldens[which % goldens.len()].1.clone().into_bytes();
        for (at, from, kind, length) in edits {
            if bytes.is_empty() {
                break;
            }
            let (at, from) = (at.index(bytes.len()), from.index(bytes.len()));
            let end = (at + length).min(bytes.len());
            match kind {
                0 => drop(bytes.drain(at..end)),
                1 => bytes[at] = bytes[from],
                2 => {
                    let copy = bytes[from..(from + length).min(bytes.len())].to_vec();
                    bytes.splice(at..at, copy);
                }
                _ => bytes[at] = bytes[at].wrapping_add(length as u8),
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(module) = Module::parse(&text) {
            let verified = module.verify();
            let printed = module.to_text();
            if verified.is_ok() {
                let again = Module::parse(&printed);
                prop_assert!(again.is_ok(), "{}\n{printed}", again.unwrap_err());
                prop_assert_eq!(again.unwrap().to_text(), printed);
            }
        }
    }
}
