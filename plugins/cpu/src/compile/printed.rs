//! The optimised program as a StableHLO module, for people and for whoever wants to run it elsewhere.

use jacinth_lowering::{Attribute, Attributes, Block, Func, Module, Type, Value};
use rustc_hash::FxHashMap;

use super::fuse::Planner;
use super::graph::Graph;
use super::simplify;
use crate::error::{Error, Result};
use crate::simd::Level;

/// What the compiler makes of a verified module before it assigns memory: calls inlined, everything simplified, and on each operation of a
/// fused region the attribute `mhlo.frontend_attributes = {fusion = "0"}` with the region's number, counted as the regions begin.
///
/// Errors as `compile` does.
pub(crate) fn optimized(module: &Module, level: Level) -> Result<Module> {
    let mut graph = Graph::new(module)?;
    simplify::simplify(&mut graph, level);
    let count = graph.types.len();
    let mut planner = Planner::new(&mut graph, level);
    planner.fusions = Some(FxHashMap::default());
    planner.plan()?;
    let fusions = planner.fusions.take().unwrap_or_default();
    let main = module.main().ok_or_else(|| Error::invalid("the module has no function `main`"))?;
    let mut printed = Printed {
        types: &graph.types[..count],
        fusions,
        numbers: FxHashMap::default(),
        map: vec![Value(u32::MAX); count],
        values: Vec::new(),
    };
    let body = printed.block(std::mem::take(&mut graph.body));
    let result_types: Vec<Type> = body.results.iter().map(|v| printed.values[v.index()].clone()).collect();
    let func = Func { values: printed.values, body, result_types, ..main.clone() };
    Ok(Module {
        name: module.name.clone(),
        attributes: module.attributes.clone(),
        funcs: vec![func],
        others: Vec::new(),
    })
}

/// Values numbered anew, without those that are gone.
struct Printed<'g> {
    types: &'g [Type],
    /// The region of each operation that is in one, by its first result.
    fusions: FxHashMap<Value, u32>,
    /// The numbers that the regions get.
    numbers: FxHashMap<u32, usize>,
    map: Vec<Value>,
    values: Vec<Type>,
}

impl Printed<'_> {
    fn define(&mut self, value: &mut Value) {
        self.values.push(self.types[value.index()].clone());
        let new = Value(self.values.len() as u32 - 1);
        self.map[value.index()] = new;
        *value = new;
    }

    fn block(&mut self, mut block: Block) -> Block {
        block.args.iter_mut().for_each(|arg| self.define(arg));
        for operation in &mut block.ops {
            operation.operands.iter_mut().for_each(|operand| *operand = self.map[operand.index()]);
            if let Some(region) = operation.results.first().and_then(|first| self.fusions.get(first)) {
                let next = self.numbers.len();
                let number = *self.numbers.entry(*region).or_insert(next);
                let number = Attribute::String(number.to_string());
                let fusion = Attributes(vec![("fusion".into(), number)]);
                operation.extra.set("mhlo.frontend_attributes", Attribute::Dict(fusion));
            }
            let regions = std::mem::take(&mut operation.regions);
            operation.regions = regions.into_iter().map(|region| self.block(region)).collect();
            operation.results.iter_mut().for_each(|result| self.define(result));
        }
        block.results.iter_mut().for_each(|result| *result = self.map[result.index()]);
        block
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use expect_test::expect;
    use jacinth_lowering::eval::evaluate;
    use jacinth_lowering::{ElementType, Kind, Literal, TensorType};

    use super::*;

    fn optimised(text: &str) -> String {
        let module = Module::parse(text).unwrap();
        module.verify().unwrap();
        optimized(&module, Level::detect()).unwrap().to_text()
    }

    #[test]
    fn constants_are_folded_and_what_is_computed_twice_is_computed_once() {
        let text = optimised(
            r#"module @jit_f attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
                 func.func public @main(%x: tensor<4xf32> {jax.buffer_donor = true}) -> (tensor<4xf32> {jax.result_info = "result"}) {
                   %two = stablehlo.constant dense<2.0> : tensor<f32>
                   %three = stablehlo.constant dense<3.0> : tensor<f32>
                   %six = stablehlo.multiply %two, %three : tensor<f32>
                   %sixes = stablehlo.broadcast_in_dim %six, dims = [] : (tensor<f32>) -> tensor<4xf32>
                   %a = stablehlo.sine %x : tensor<4xf32>
                   %b = func.call @sine(%x) : (tensor<4xf32>) -> tensor<4xf32>
                   %unused = stablehlo.cosine %x : tensor<4xf32>
                   %sum = stablehlo.add %a, %b : tensor<4xf32>
                   %out = stablehlo.multiply %sum, %sixes : tensor<4xf32>
                   return %out : tensor<4xf32>
                 }
                 func.func private @sine(%x: tensor<4xf32>) -> tensor<4xf32> {
                   %y = stablehlo.sine %x : tensor<4xf32>
                   return %y : tensor<4xf32>
                 }
               }"#,
        );
        expect![[r#"
            module @jit_f attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
              func.func public @main(%arg0: tensor<4xf32> {jax.buffer_donor = true}) -> (tensor<4xf32> {jax.result_info = "result"}) {
                %cst = stablehlo.constant dense<6.000000e+00> : tensor<4xf32>
                %0 = stablehlo.sine %arg0 {mhlo.frontend_attributes = {fusion = "0"}} : tensor<4xf32>
                %1 = stablehlo.add %0, %0 {mhlo.frontend_attributes = {fusion = "0"}} : tensor<4xf32>
                %2 = stablehlo.multiply %1, %cst {mhlo.frontend_attributes = {fusion = "0"}} : tensor<4xf32>
                return %2 : tensor<4xf32>
              }
            }
        "#]]
        .assert_eq(&text);
    }

    /// The modules that JAX lowers, which the tests of the language read.
    fn modules() -> Vec<(String, Module)> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../lowering/tests/golden");
        let mut modules: Vec<(String, Module)> = std::fs::read_dir(folder)
            .expect("the folder is there")
            .map(|entry| entry.expect("readable").path())
            .filter(|path| path.extension().is_some_and(|ext| ext == "mlir"))
            .map(|path| {
                let module = Module::parse(&std::fs::read_to_string(&path).expect("readable")).unwrap();
                (path.file_stem().expect("a name").to_string_lossy().into_owned(), module)
            })
            .collect();
        modules.sort_by(|a, b| a.0.cmp(&b.0));
        modules
    }

    /// Small numbers, positive and negative.
    fn argument(ty: &TensorType) -> Literal {
        let count = ty.num_elements().unwrap();
        let mut bytes = Vec::new();
        for i in 0..count {
            use jacinth_lowering::element::{Scalar, write};
            let number = (i * 37 % 17) as f64 / 8.0 - 1.0;
            let scalar = if ty.element.kind() == Kind::Float {
                Scalar::Float(number)
            } else {
                Scalar::Int(i as i128 % 3)
            };
            write(ty.element, scalar, &mut bytes);
        }
        Literal::from_bytes(ty.clone(), bytes).unwrap()
    }

    #[test]
    fn what_is_printed_is_read_and_legal_and_gives_the_same() {
        let (mut evaluated, mut fused) = (0, 0);
        for (name, module) in modules() {
            let printed = match optimized(&module, Level::detect()) {
                Ok(printed) => printed.to_text(),
                Err(error) => {
                    assert_eq!(error.code, crate::Code::Unimplemented as u32, "{name}: {error}");
                    continue;
                }
            };
            let read = Module::parse(&printed).unwrap_or_else(|e| panic!("{name}: {e}\n{printed}"));
            read.verify().unwrap_or_else(|e| panic!("{name}: {e}\n{printed}"));
            assert_eq!(read.to_text(), printed, "{name}");
            assert_eq!(read.main().unwrap().result_types, module.main().unwrap().result_types, "{name}");
            fused += usize::from(printed.contains("{mhlo.frontend_attributes = {fusion = \"0\"}}"));
            let args: Vec<Literal> =
                module.main().unwrap().arg_types().map(|ty| argument(ty.as_tensor().unwrap())).collect();
            // Targets of custom calls are not the evaluation's.
            let Ok(want) = evaluate(&module, &args) else {
                assert!(
                    printed.contains("custom_call") || module.to_text().contains("custom_call"),
                    "{name}"
                );
                continue;
            };
            let got = evaluate(&read, &args).unwrap_or_else(|e| panic!("{name}: {e}\n{printed}"));
            let bits =
                |literals: &[Literal]| -> Vec<Vec<u8>> { literals.iter().map(without_payloads).collect() };
            assert_eq!(bits(&got), bits(&want), "{name}\n{printed}");
            evaluated += 1;
        }
        assert!(evaluated > 14 && fused > 10, "{evaluated} modules were evaluated, {fused} have regions");
    }

    /// The bytes, all not-a-numbers made alike.
    fn without_payloads(literal: &Literal) -> Vec<u8> {
        match literal.ty().element {
            ElementType::F32 => {
                let plain = |x: &f32| if x.is_nan() { f32::NAN } else { *x };
                literal.to_vec::<f32>().unwrap().iter().flat_map(|x| plain(x).to_ne_bytes()).collect()
            }
            _ => literal.to_bytes().to_vec(),
        }
    }
}
