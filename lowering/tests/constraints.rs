//! Every constraint of the specification that the verifier knows has a program that breaks it, in `constraints.txt`: the error
//! names the constraint's label and says the sentence. `UPDATE_EXPECT=1` writes the sentences.
//!
//! The elementwise families need no lines there: their tables say what they refuse.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use jacinth_lowering::ops::conv::ConvDimensionNumbers;
use jacinth_lowering::ops::elementwise::{Binary, Unary};
use jacinth_lowering::{Error, ErrorKind, Module, Op};

/// Constraints that only running programs can break: on groups of processes, and on an index that is computed.
const WHILE_RUNNING: [&str; 2] = ["collective_broadcast_c6", "reduce_scatter_c1"];

/// Constraints that no text can break: it lists a convolution's dimensions in order.
const NOT_IN_TEXT: [&str; 3] = ["convolution_c13", "convolution_c18", "convolution_c20"];

/// What stands around an operation: functions that `composite` names.
const AROUND: &str = "func.func private @g(%a: tensor<f32>) -> tensor<f32> { return %a : tensor<f32> }";

#[test]
fn broken_constraints_are_named() {
    let table = folder().join("constraints.txt");
    let text = std::fs::read_to_string(&table).expect("the table is there");
    let blocks: Vec<&str> = text.split("\n\n").collect();
    let (head, cases) = blocks.split_first().expect("the table has a head");
    let regions: Vec<(&str, &str)> =
        head.lines().filter(|line| line.starts_with('$')).filter_map(|line| line.split_once(" = ")).collect();
    let mut found = (*head).to_owned();
    let (mut wrong, mut labels) = (Vec::new(), BTreeSet::new());
    for case in cases {
        let mut lines = case.lines();
        let (label, _, operation) = (lines.next().unwrap(), lines.next().unwrap(), lines.next().unwrap());
        let Some(error) = broken(operation, &regions) else {
            wrong.push(format!("{label}: this is legal\n    {operation}"));
            continue;
        };
        if error.constraint != Some(label) || error.kind != ErrorKind::Verify || !labels.insert(label) {
            wrong.push(format!("{label}: {error}\n    {operation}"));
        }
        found.push_str(&format!("\n\n{label}\n    {}\n{operation}", error.message));
    }
    found.push('\n');
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    expect_file![table].assert_eq(&found);

    let without: BTreeSet<String> = known().into_iter().filter(|known| !labels.contains(&**known)).collect();
    let expected = WHILE_RUNNING.into_iter().chain(NOT_IN_TEXT).map(str::to_owned).collect();
    assert_eq!(without, expected, "constraints of the source without a program in constraints.txt");
}

/// The error of a module with that one operation, unless it is legal.
fn broken(operation: &str, regions: &[(&str, &str)]) -> Option<Error> {
    let mut operation = operation.to_owned();
    // The longer names first: one may begin with another.
    let by_length: BTreeMap<(usize, &str), &str> =
        regions.iter().map(|(name, text)| ((usize::MAX - name.len(), *name), *text)).collect();
    for ((_, name), text) in by_length {
        operation = operation.replace(name, text);
    }
    let (_, signature) = operation.rsplit_once(" : (").expect("an operation ends in its type");
    let (operands, results) = signature.split_once(") -> ").expect("a type has operands and results");
    let operands: Vec<String> =
        types(operands).iter().enumerate().map(|(i, ty)| format!("%{i}: {ty}")).collect();
    let results = match types(results.trim_start_matches('(').trim_end_matches(')')).len() {
        0 => String::new(),
        n => format!("%r:{n} = "),
    };
    let text = format!(
        "module {{\n{AROUND}\nfunc.func @main({}) {{\n{results}{operation}\nreturn\n}}\n}}",
        operands.join(", ")
    );
    match Module::parse(&text) {
        Ok(module) => module.verify().err(),
        Err(error) => Some(error),
    }
}

/// The types of a list.
fn types(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut types) = (0, 0, Vec::new());
    for (i, c) in list.char_indices() {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            ',' if depth == 0 => {
                types.push(list[start..i].trim());
                start = i + 1;
            }
            _ => {}
        }
    }
    types.push(list[start..].trim());
    types.retain(|ty| !ty.is_empty());
    types
}

/// The labels that stand in the source.
fn known() -> BTreeSet<String> {
    let mut labels = BTreeSet::new();
    let mut folders = vec![folder().join("../src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                let text = std::fs::read_to_string(&entry).expect("source is text");
                labels.extend(text.split('"').filter(|part| is_label(part)).map(str::to_owned));
            }
        }
    }
    labels
}

/// Whether a string of the source is a label such as `dot_general_c10`, or `if_i1` of an operand's kind.
fn is_label(text: &str) -> bool {
    let Some((op, number)) = text.rsplit_once(['c', 'i']) else { return false };
    let op = op.strip_suffix('_').unwrap_or_default();
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    digits && !op.is_empty() && op.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

#[test]
fn dimensions_of_convolutions_are_each_one_thing() {
    const LEGAL: &str = "func.func @main(%0: tensor<4x8x6xf32>, %1: tensor<3x6x4xf32>) {
%r = stablehlo.convolution(%0, %1) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<4x8x6xf32>, tensor<3x6x4xf32>) -> tensor<4x6x4xf32>
return
}";
    let changes: [fn(&mut ConvDimensionNumbers); 3] = [
        |numbers| numbers.input_batch_dimension = numbers.input_feature_dimension,
        |numbers| numbers.kernel_output_feature_dimension = 3,
        |numbers| numbers.output_spatial_dimensions[0] = -1,
    ];
    for (label, change) in NOT_IN_TEXT.into_iter().zip(changes) {
        let mut module = Module::parse(LEGAL).expect("it is legal");
        module.verify().expect("it is legal");
        let Op::Convolution(convolution) = &mut module.funcs[0].body.ops[0].op else {
            panic!("the first operation is the convolution")
        };
        change(&mut convolution.dimension_numbers);
        let error = module.verify().expect_err(label);
        assert_eq!(error.constraint, Some(label), "{error}");
    }
}

#[test]
fn elementwise_operations_refuse_other_kinds_and_shapes() {
    const TYPES: [&str; 5] = ["i1", "i32", "ui32", "f32", "complex<f32>"];
    let refused = |operation: String| -> Option<Error> {
        let ty = operation.rsplit_once("-> ").expect("an operation ends in its type").1.to_owned();
        let text = format!("func.func @main(%0: {ty}, %1: tensor<3xf32>) {{\n%r = {operation}\nreturn\n}}");
        Module::parse(&text).unwrap_or_else(|e| panic!("{text}: {e}")).verify().err()
    };
    let names = Unary::TABLE.iter().map(|row| (row.1, 1)).chain(Binary::TABLE.iter().map(|row| (row.1, 2)));
    for (name, count) in names {
        let short = name.split_once('.').expect("a dialect").1;
        let mut kinds = 0;
        for ty in TYPES {
            let (operands, types) =
                (["%0"; 2][..count].join(", "), vec![format!("tensor<2x{ty}>"); count].join(", "));
            let error = refused(format!("\"{name}\"({operands}) : ({types}) -> tensor<2x{ty}>"));
            // What gives another type than its operands is refused for the result written here, without a label.
            kinds += usize::from(error.and_then(|e| e.constraint) == Some(&*format!("{short}_i1")));
        }
        let all = matches!(
            name,
            "stablehlo.add" | "stablehlo.maximum" | "stablehlo.minimum" | "stablehlo.multiply"
        );
        assert_eq!(kinds > 0, !all, "{name} refuses {kinds} kinds of elements");
        if count == 2 {
            let error =
                refused(format!("\"{name}\"(%0, %1) : (tensor<2xf32>, tensor<3xf32>) -> tensor<2xf32>"));
            assert_eq!(error.expect(name).constraint, Some(&*format!("{short}_c1")), "{name}");
        }
    }
}
