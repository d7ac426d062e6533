//! Checks of whole modules: what no operation can see by itself, and every operation's own constraints in its place.
//!
//! After [`Module::verify`] has accepted a module, a compiler may trust it: every value is defined once, before its uses and
//! in a block around them; types are what inference says; calls name functions of their types and never go in circles.

use smallvec::SmallVec;

use crate::module::{Block, Func, Location, Module, Operation, Value};
use crate::ops::{Context, Op};
use crate::types::compatible;
use crate::{Error, Result, Type};

/// How deeply regions may nest.
const MAX_DEPTH: usize = 100;

impl Module {
    /// Checks that the module is legal StableHLO.
    ///
    /// Errors are of kind [`crate::ErrorKind::Verify`], with the specification's label of the constraint where there is one
    /// (`broadcast_in_dim_c5`), and with the operation's location or its function's name.
    ///
    /// ```
    /// # use jacinth_lowering::Module;
    /// let module = Module::parse(
    ///     "func.func @main(%x: tensor<2xf32>) -> tensor<3xf32> {
    ///       %y = \"stablehlo.add\"(%x, %x) : (tensor<2xf32>, tensor<2xf32>) -> tensor<3xf32>
    ///       return %y : tensor<3xf32>
    ///     }",
    /// )?;
    /// assert!(module.verify().is_err()); // well-formed, but no program
    /// # Ok::<(), jacinth_lowering::Error>(())
    /// ```
    pub fn verify(&self) -> Result<()> {
        for (i, func) in self.funcs.iter().enumerate() {
            if self.funcs[..i].iter().any(|f| f.name == func.name) {
                return Err(Error::verify(format!("the function @{} is defined twice", func.name)));
            }
            verify_func(self, func).map_err(|e| e.at(format_args!("@{}", func.name)))?;
        }
        verify_no_recursion(self)
    }
}

fn verify_func(module: &Module, func: &Func) -> Result<()> {
    let mut scope = Scope { module, func, states: vec![State::Undefined; func.values.len()], depth: 0 };
    scope.block(&func.body)?;
    let results: Vec<Type> = func.body.results.iter().map(|&v| func.ty(v).clone()).collect();
    if results != func.result_types {
        return Err(Error::verify(format!(
            "the function returns {results:?}, its signature says {:?}",
            func.result_types
        )));
    }
    if func.arg_attributes.len() != func.body.args.len() || func.result_attributes.len() != results.len() {
        return Err(Error::verify(
            "a function must have one list of attributes for each argument and result",
        ));
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Undefined,
    Visible,
    /// Defined in a block that has ended.
    Gone,
}

struct Scope<'m> {
    module: &'m Module,
    func: &'m Func,
    states: Vec<State>,
    depth: usize,
}

impl<'m> Scope<'m> {
    fn block(&mut self, block: &Block) -> Result<()> {
        if self.depth == MAX_DEPTH {
            return Err(Error::unsupported(format!("regions nest more than {MAX_DEPTH} deep")));
        }
        self.depth += 1;
        for &arg in &block.args {
            self.define(arg)?;
        }
        for operation in &block.ops {
            self.operation(operation).map_err(|error| match &operation.location {
                Location::Unknown => error,
                location => error.at(location),
            })?;
        }
        for &value in &block.results {
            self.check_visible("return", value)?;
        }
        let results = block.ops.iter().flat_map(|operation| &operation.results);
        for value in block.args.iter().chain(results) {
            self.states[value.index()] = State::Gone;
        }
        self.depth -= 1;
        Ok(())
    }

    fn define(&mut self, value: Value) -> Result<()> {
        match self.states.get_mut(value.index()) {
            Some(state @ State::Undefined) => *state = State::Visible,
            Some(_) => return Err(Error::verify(format!("value {} is defined twice", value.0))),
            None => return Err(Error::verify(format!("value {} is not one of the function's", value.0))),
        }
        Ok(())
    }

    fn check_visible(&self, op: &str, value: Value) -> Result<()> {
        match self.states.get(value.index()) {
            Some(State::Visible) => Ok(()),
            Some(State::Undefined) => {
                Err(Error::verify(format!("{op}: value {} is used before it is defined", value.0)))
            }
            Some(State::Gone) => Err(Error::verify(format!(
                "{op}: value {} is used outside the region that defines it",
                value.0
            ))),
            None => Err(Error::verify(format!("{op}: value {} is not one of the function's", value.0))),
        }
    }

    fn operation(&mut self, operation: &Operation) -> Result<()> {
        let name = operation.op.name();
        for &operand in &operation.operands {
            self.check_visible(name, operand)?;
        }
        for region in &operation.regions {
            self.block(region)?;
        }
        for &value in &operation.results {
            self.define(value)?;
        }
        let func = self.func;
        let operands: SmallVec<[&Type; 4]> = operation.operands.iter().map(|&v| func.ty(v)).collect();
        let results: SmallVec<[Type; 2]> = operation.results.iter().map(|&v| func.ty(v).clone()).collect();
        let cx = Context { operands: &operands, regions: &operation.regions, values: &func.values };
        if let Some(inferred) = operation.op.infer(&cx)?
            && !compatible(&inferred, &results)
        {
            return Err(Error::verify(format!("{name}: result types {results:?} should be {inferred:?}")));
        }
        operation.op.verify(&cx, &results)?;
        match &operation.op {
            Op::Call(call) => self.callee(name, &call.callee, [None; 3], &operands, &results),
            Op::Composite(composite) => {
                let labels = [Some("composite_c2"), Some("composite_c3"), Some("composite_c4")];
                self.callee(name, &composite.decomposition, labels, &operands, &results)
            }
            _ => Ok(()),
        }
    }

    /// That a function of that name exists and has those types; `labels` are those of the three constraints.
    fn callee(
        &self,
        op: &str,
        name: &str,
        labels: [Option<&'static str>; 3],
        operands: &[&Type],
        results: &[Type],
    ) -> Result<()> {
        let fail = |which: usize, message: String| {
            Err(Error { constraint: labels[which], ..Error::verify(format!("{op}: {message}")) })
        };
        let Some(callee) = self.module.func(name) else {
            return fail(0, format!("there is no function @{name}"));
        };
        let inputs: Vec<Type> = callee.arg_types().cloned().collect();
        let given: Vec<Type> = operands.iter().map(|&ty| ty.clone()).collect();
        if inputs != given {
            return fail(1, format!("@{name} takes {inputs:?}, it is given {given:?}"));
        }
        if callee.result_types != results {
            return fail(2, format!("@{name} returns {:?}, the call {results:?}", callee.result_types));
        }
        Ok(())
    }
}

/// That no function calls itself, be it through others.
fn verify_no_recursion(module: &Module) -> Result<()> {
    let callees: Vec<Vec<usize>> = module
        .funcs
        .iter()
        .map(|func| {
            let mut names = Vec::new();
            called(&func.body, &mut names);
            let mut callees: Vec<usize> =
                names.iter().filter_map(|name| module.funcs.iter().position(|f| f.name == **name)).collect();
            callees.sort_unstable();
            callees.dedup();
            callees
        })
        .collect();
    // Depth first, with the path on a stack of our own: chains of calls can be long.
    let mut done = vec![false; callees.len()];
    for start in 0..callees.len() {
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        while let Some((func, next)) = path.pop() {
            if done[func] {
                continue;
            }
            let Some(&callee) = callees[func].get(next) else {
                done[func] = true;
                continue;
            };
            path.push((func, next + 1));
            if path.iter().any(|&(on_path, _)| on_path == callee) {
                let names = (&module.funcs[func].name, &module.funcs[callee].name);
                return Err(Error::verify(format!(
                    "@{} calls @{}, which calls it in turn",
                    names.0, names.1
                )));
            }
            path.push((callee, 0));
        }
    }
    Ok(())
}

fn called<'m>(block: &'m Block, names: &mut Vec<&'m String>) {
    for operation in &block.ops {
        match &operation.op {
            Op::Call(call) => names.push(&call.callee),
            Op::Composite(composite) => names.push(&composite.decomposition),
            _ => {}
        }
        operation.regions.iter().for_each(|region| called(region, names));
    }
}
