//! Control flow, calls, tuples and tokens.
//!
//! Whether a callee exists and has the types of its call is the module's to verify, not the operation's.

use super::rules::{arity, inferred, named, plain};
use super::{Context, EvalContext, OpDef};
use crate::attribute::{Attribute, Attributes};
use crate::eval::Datum;
use crate::types::compatible;
use crate::{ElementType, Error, Result, TensorType, Type, Types};

/// How many iterations pass before a loop is refused as endless.
const MAX_ITERATIONS: u64 = 1 << 40;

/// `stablehlo.if(pred)` with two regions without arguments.
#[derive(Clone, PartialEq, Debug)]
pub struct If;

impl OpDef for If {
    plain!("stablehlo.if");

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        arity("if", cx, 1, 2)?;
        let pred = cx.tensor("if", 0)?;
        if *pred != TensorType::scalar(ElementType::I1) {
            return Err(Error::constraint(
                "if_i1",
                format!("if: the predicate must be tensor<i1>, got {pred}"),
            ));
        }
        branches("if", "if_c1", "if_c2", cx)
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let pred = cx.tensor("if", 0)?.item::<bool>().unwrap_or(false);
        let branch = &cx.regions[if pred { 0 } else { 1 }];
        cx.evaluator.run_block(branch, [])
    }
}

/// `stablehlo.case(index)` with regions without arguments; an index out of range runs the last.
#[derive(Clone, PartialEq, Debug)]
pub struct Case;

impl OpDef for Case {
    plain!("stablehlo.case");

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        if cx.regions.is_empty() {
            return Err(Error::constraint("case_c1", "case: there are no branches"));
        }
        arity("case", cx, 1, cx.regions.len())?;
        let index = cx.tensor("case", 0)?;
        if *index != TensorType::scalar(ElementType::I32) {
            return Err(Error::constraint(
                "case_i1",
                format!("case: the index must be tensor<i32>, got {index}"),
            ));
        }
        branches("case", "case_c2", "case_c3", cx)
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let index = cx.tensor("case", 0)?.item::<i32>().unwrap_or(-1);
        let last = cx.regions.len() - 1;
        let branch = usize::try_from(index).map_or(last, |i| i.min(last));
        cx.evaluator.run_block(&cx.regions[branch], [])
    }
}

/// Branches take nothing and return the same types, which are the result's.
fn branches(
    op: &str,
    inputs: &'static str,
    outputs: &'static str,
    cx: &Context<'_>,
) -> Result<Option<Types>> {
    let first: Types = cx.region_results(0).cloned().collect();
    for i in 0..cx.regions.len() {
        if !cx.regions[i].args.is_empty() {
            return Err(Error::constraint(inputs, format!("{op}: branch {i} has arguments")));
        }
        let types: Vec<Type> = cx.region_results(i).cloned().collect();
        if !compatible(&first, &types) {
            return Err(Error::constraint(
                outputs,
                format!("{op}: branch 0 returns {first:?}, branch {i} returns {types:?}"),
            ));
        }
    }
    Ok(Some(first))
}

/// `stablehlo.while(operands…)` with regions cond and body.
#[derive(Clone, PartialEq, Debug)]
pub struct While;

impl OpDef for While {
    plain!("stablehlo.while");

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        arity("while", cx, cx.operands.len(), 2)?;
        let carried: Types = cx.operands.iter().map(|&ty| ty.clone()).collect();
        let types = |types: &mut dyn Iterator<Item = &Type>| types.cloned().collect::<Vec<Type>>();
        let cond = types(&mut cx.region_args(0));
        if !compatible(&cond, &carried) {
            return Err(Error::constraint(
                "while_c1",
                format!("while: cond takes {cond:?}, the loop carries {carried:?}"),
            ));
        }
        let goes_on = types(&mut cx.region_results(0));
        if goes_on != [Type::Tensor(TensorType::scalar(ElementType::I1))] {
            return Err(Error::constraint(
                "while_c1",
                format!("while: cond must return [tensor<i1>], it returns {goes_on:?}"),
            ));
        }
        let body = types(&mut cx.region_args(1));
        if !compatible(&body, &carried) {
            return Err(Error::constraint(
                "while_c2",
                format!("while: body takes {body:?}, the loop carries {carried:?}"),
            ));
        }
        let next = types(&mut cx.region_results(1));
        if !compatible(&next, &carried) {
            return Err(Error::constraint(
                "while_c2",
                format!("while: body returns {next:?}, the loop carries {carried:?}"),
            ));
        }
        Ok(Some(carried))
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        let mut carried = cx.operands.to_vec();
        for _ in 0..MAX_ITERATIONS {
            let goes_on = cx.evaluator.run_block(&cx.regions[0], carried.iter().cloned())?;
            let goes_on = match goes_on.first() {
                Some(datum) => datum.literal()?.item::<bool>().unwrap_or(false),
                None => false,
            };
            if !goes_on {
                return Ok(carried);
            }
            carried = cx.evaluator.run_block(&cx.regions[1], carried)?;
        }
        Err(Error::eval(format!("while: still running after {MAX_ITERATIONS} iterations")))
    }
}

/// `func.call`, printed `call @callee(…)`.
#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    /// The function's name without `@`.
    pub callee: String,
}

impl OpDef for Call {
    named!("func.call");

    fn attributes(&self) -> Attributes {
        Attributes(vec![("callee".into(), Attribute::Symbol(self.callee.clone()))])
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        Ok(Call { callee: attributes.take_symbol("call", "callee")? })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        arity("call", cx, cx.operands.len(), 0)?;
        Ok(None)
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        cx.evaluator.call(&self.callee, cx.operands)
    }
}

/// `stablehlo.composite(inputs…)`: does what its decomposition does.
#[derive(Clone, PartialEq, Debug)]
pub struct Composite {
    /// The name of the high-level operation.
    pub composite_name: String,
    /// What the high-level operation needs to know.
    pub composite_attributes: Attributes,
    /// The function that does it, without `@`.
    pub decomposition: String,
    /// Version of its meaning.
    pub version: i64,
}

impl OpDef for Composite {
    named!("stablehlo.composite");

    fn attributes(&self) -> Attributes {
        let mut attributes = Attributes::new();
        if !self.composite_attributes.is_empty() {
            attributes.set("composite_attributes", Attribute::Dict(self.composite_attributes.clone()));
        }
        attributes.set("decomposition", Attribute::Symbol(self.decomposition.clone()));
        attributes.set("name", Attribute::String(self.composite_name.clone()));
        if self.version != 0 {
            attributes.set("version", Attribute::Int(self.version, ElementType::I32));
        }
        attributes
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        let composite_attributes = match attributes.take("composite_attributes") {
            None => Attributes::new(),
            Some(Attribute::Dict(fields)) => fields,
            Some(_) => {
                return Err(Error::verify("composite: attribute composite_attributes must be a dictionary"));
            }
        };
        Ok(Composite {
            composite_name: attributes.take_string("composite", "name")?,
            composite_attributes,
            decomposition: attributes.take_symbol("composite", "decomposition")?,
            version: attributes.take_optional_int("composite", "version")?.unwrap_or(0),
        })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        arity("composite", cx, cx.operands.len(), 0)?;
        let name = &self.composite_name;
        let is_word = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphabetic())
                && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$' || c == '.')
        };
        if !name.split_once('.').is_some_and(|(namespace, rest)| is_word(namespace) && !rest.is_empty()) {
            return Err(Error::constraint(
                "composite_c1",
                format!("composite: {name:?} is not a name with a namespace"),
            ));
        }
        Ok(None)
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        cx.evaluator.call(&self.decomposition, cx.operands)
    }
}

/// `stablehlo.optimization_barrier(operands…)`: its operands, unmoved.
#[derive(Clone, PartialEq, Debug)]
pub struct OptimizationBarrier;

impl OpDef for OptimizationBarrier {
    plain!("stablehlo.optimization_barrier");

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        arity("optimization_barrier", cx, cx.operands.len(), 0)?;
        Ok(Some(cx.operands.iter().map(|&ty| ty.clone()).collect()))
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        Ok(cx.operands.to_vec())
    }
}

/// `stablehlo.tuple`.
#[derive(Clone, PartialEq, Debug)]
pub struct Tuple;

impl OpDef for Tuple {
    plain!("stablehlo.tuple");

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        arity("tuple", cx, cx.operands.len(), 0)?;
        inferred(Type::Tuple(cx.operands.iter().map(|&ty| ty.clone()).collect()))
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        Ok(vec![Datum::Tuple(cx.operands.to_vec())])
    }
}

/// `stablehlo.get_tuple_element`.
#[derive(Clone, PartialEq, Debug)]
pub struct GetTupleElement {
    /// Which element.
    pub index: i64,
}

impl OpDef for GetTupleElement {
    named!("stablehlo.get_tuple_element");

    fn attributes(&self) -> Attributes {
        Attributes(vec![("index".into(), Attribute::Int(self.index, ElementType::I32))])
    }

    fn from_attributes(_: &str, attributes: &mut Attributes) -> Result<Self> {
        Ok(GetTupleElement { index: attributes.take_int("get_tuple_element", "index")? })
    }

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        arity("get_tuple_element", cx, 1, 0)?;
        let Type::Tuple(elements) = cx.operands[0] else {
            let ty = cx.operands[0];
            return Err(Error::constraint(
                "get_tuple_element_i1",
                format!("get_tuple_element: the operand must be a tuple, got {ty}"),
            ));
        };
        match usize::try_from(self.index).ok().and_then(|i| elements.get(i)) {
            Some(ty) => inferred(ty.clone()),
            None => Err(Error::constraint(
                "get_tuple_element_c1",
                format!("get_tuple_element: {} has no element {}", cx.operands[0], self.index),
            )),
        }
    }

    fn eval(&self, cx: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        match (cx.operands.first(), usize::try_from(self.index)) {
            (Some(Datum::Tuple(parts)), Ok(i)) if i < parts.len() => Ok(vec![parts[i].clone()]),
            _ => Err(Error::eval(format!("get_tuple_element: there is no element {}", self.index))),
        }
    }
}

/// `stablehlo.create_token`.
#[derive(Clone, PartialEq, Debug)]
pub struct CreateToken;

impl OpDef for CreateToken {
    plain!("stablehlo.create_token");

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        arity("create_token", cx, 0, 0)?;
        inferred(Type::Token)
    }

    fn eval(&self, _: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        Ok(vec![Datum::Token])
    }
}

/// `stablehlo.after_all(tokens…)`.
#[derive(Clone, PartialEq, Debug)]
pub struct AfterAll;

impl OpDef for AfterAll {
    plain!("stablehlo.after_all");

    fn infer(&self, cx: &Context<'_>) -> Result<Option<Types>> {
        arity("after_all", cx, cx.operands.len(), 0)?;
        match cx.operands.iter().find(|ty| ***ty != Type::Token) {
            Some(ty) => {
                Err(Error::constraint("after_all_i1", format!("after_all: expected tokens, got {ty}")))
            }
            None => inferred(Type::Token),
        }
    }

    fn eval(&self, _: &mut EvalContext<'_, '_>) -> Result<Vec<Datum>> {
        Ok(vec![Datum::Token])
    }
}
