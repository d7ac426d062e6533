//! Lowering: walks a jaxpr and has each primitive append its operations to a StableHLO module.
//!
//! Owns the walk, nested functions, and the signature of `main`. Lowering never sees a tracer: jaxprs come in, a module goes out.

use std::sync::Arc;

use jacinth_lowering::ops::control;
use jacinth_lowering::{Attribute, Attributes, FuncBuilder, Location, Module, Types};
use smallvec::SmallVec;

use crate::error::{Error, Result};
use crate::ir::{
    Atom, Aval, DType, Jaxpr, LowerCx, ModuleCx, Prim, Value, Values, nested_scope, order_aval, tensor_type,
};

/// What `main`'s signature says beyond types.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signature {
    /// The module's name, `jit_f`.
    pub(crate) name: String,
    /// For each constant and parameter whether its buffer may be reused.
    pub(crate) donated: Vec<bool>,
    /// For each result the path of the leaf, `result[0]`.
    pub(crate) result_info: Vec<String>,
    /// Says for which platform it is.
    pub(crate) platform: Option<fn() -> Result<String>>,
}

/// The module of a jaxpr: `main` takes its constants, then its parameters.
pub(crate) fn lower(jaxpr: &Jaxpr, signature: &Signature) -> Result<Module> {
    let mut module = ModuleCx { platform: signature.platform, ..ModuleCx::default() };
    module.names.insert("main".into(), 1);
    let mut builder = FuncBuilder::new("main", true);
    let vars = || jaxpr.constvars.iter().chain(&jaxpr.invars);
    let in_avals: Vec<&Aval> = vars().map(|v| jaxpr.aval(*v)).collect();
    let donations = donations(&in_avals, jaxpr, &signature.donated);
    let args: Values = in_avals
        .iter()
        .zip(donations)
        .map(|(aval, attributes)| builder.arg(tensor_type(aval), attributes))
        .collect();
    make_room(&mut builder, jaxpr);
    let mut cx = LowerCx { builder: &mut builder, module: &mut module };
    let outs = walk(&mut cx, jaxpr, &args)?;
    let result_attributes = signature
        .result_info
        .iter()
        .map(|info| Attributes(vec![("jax.result_info".into(), Attribute::String(info.clone()))]))
        .collect();
    let main = builder.finish(&outs, result_attributes);
    let one = |name: &str| (name.to_owned(), Attribute::Int(1, DType::I32));
    Ok(Module {
        name: Some(signature.name.clone()),
        attributes: Attributes(vec![one("mhlo.num_partitions"), one("mhlo.num_replicas")]),
        funcs: std::iter::once(main).chain(module.funcs).collect(),
        others: Vec::new(),
    })
}

/// Room for more operations than nearly any equation takes, so that they never move. What is not touched is only address space, and
/// the system's allocator learns from one block of that size to keep as much memory at hand: with less, every lowering of some
/// hundred equations asks the kernel for its pages anew, which takes as long as the rest of its work.
fn make_room(builder: &mut FuncBuilder, jaxpr: &Jaxpr) {
    builder.reserve(6 * jaxpr.eqns.len());
}

impl LowerCx<'_> {
    /// The name of the private function that computes the jaxpr, which is written first if the module lacks it. Where calls of the host stay in
    /// order, it takes and gives the order as well.
    pub(crate) fn function(&mut self, name: &str, jaxpr: &Arc<Jaxpr>) -> Result<String> {
        let key = (Arc::as_ptr(jaxpr), name.to_owned());
        if let Some(callee) = self.module.lowered.get(&key) {
            return Ok(callee.clone());
        }
        let ordered = jaxpr.effects().is_ordered();
        let count = self.module.names.entry(name.to_owned()).or_insert(0);
        let callee = if *count == 0 { name.to_owned() } else { format!("{name}_{}", *count - 1) };
        *count += 1;
        self.module.lowered.insert(key, callee.clone());
        let mut builder = FuncBuilder::new(callee.clone(), false);
        let params: Values =
            jaxpr.in_avals().map(|aval| builder.arg(tensor_type(aval), Attributes::new())).collect();
        let around = self.module.order.take();
        let scope = self.module.scope.take();
        if ordered {
            let order = builder.arg(tensor_type(&order_aval()), Attributes::new());
            self.module.order = Some(order);
        }
        // The caller's place in the order of functions comes before its callees'.
        let place = self.module.funcs.len();
        make_room(&mut builder, jaxpr);
        let mut cx = LowerCx { builder: &mut builder, module: self.module };
        let mut outs = walk(&mut cx, jaxpr, &params)?;
        if ordered {
            outs.push(cx.order()?);
        }
        self.module.order = around;
        self.module.scope = scope;
        self.module.funcs.insert(place, builder.finish(&outs, Vec::new()));
        Ok(callee)
    }

    /// Calls the private function that computes the jaxpr.
    pub(crate) fn call(&mut self, name: &str, jaxpr: &Arc<Jaxpr>, args: &[Value]) -> Result<Values> {
        let callee = self.function(name, jaxpr)?;
        let ordered = jaxpr.effects().is_ordered();
        let mut types: Types = jaxpr.out_avals().map(|aval| tensor_type(aval).into()).collect();
        let mut args = Values::from_slice(args);
        if ordered {
            args.push(self.order()?);
            types.push(tensor_type(&order_aval()).into());
        }
        let op = control::Call { callee };
        let mut results =
            self.builder.op_full(op.into(), &args, Vec::new(), Some(types), Attributes::new())?;
        if ordered {
            self.set_order(results.pop().expect("the last of its results"));
        }
        Ok(results)
    }

    /// The platform for which the module is written.
    pub(crate) fn platform(&self) -> Result<String> {
        let unknown = || Error::unsupported("the module is not written for a platform".to_owned());
        self.module.platform.ok_or_else(unknown)?()
    }

    /// Calls the private function of the jaxpr that `trace` gives for operands of those types; within a module it is asked once per
    /// primitive and types.
    pub(crate) fn call_traced(
        &mut self,
        prim: Prim,
        args: &[Value],
        trace: impl FnOnce(&[Aval]) -> Arc<Jaxpr>,
    ) -> Result<Values> {
        let aval = |value: &Value| -> Result<Aval> {
            let ty = self.tensor(*value)?;
            Ok(Aval::new(ty.shape.iter().map(|&d| d as usize), ty.element))
        };
        let avals: Vec<Aval> = args.iter().map(aval).collect::<Result<_>>()?;
        let (name, key) = (prim.name(), (prim, avals));
        let jaxpr = match self.module.traced.get(&key) {
            Some(jaxpr) => jaxpr.clone(),
            None => {
                let jaxpr = trace(&key.1);
                self.module.traced.insert(key, jaxpr.clone());
                jaxpr
            }
        };
        self.call(name, &jaxpr, args)
    }

    /// Appends the operations of a jaxpr in place.
    pub fn inline(&mut self, jaxpr: &Jaxpr, args: &[Value]) -> Result<Values> {
        walk(self, jaxpr, args)
    }
}

/// Appends the operations of a jaxpr; `args` are its constants' and parameters' values.
fn walk(cx: &mut LowerCx<'_>, jaxpr: &Jaxpr, args: &[Value]) -> Result<Values> {
    let mut env: Vec<Option<Value>> = vec![None; jaxpr.avals.len()];
    let vars = jaxpr.constvars.iter().chain(&jaxpr.invars);
    vars.zip(args).for_each(|(v, value)| env[v.index()] = Some(*value));
    for eqn in &jaxpr.eqns {
        let around = cx.module.scope.clone();
        let caller = Location::Caller(eqn.source);
        if let Some(name) = &eqn.scope {
            cx.module.scope = Some(nested_scope(around.as_ref(), name));
        }
        cx.builder.set_location(match &cx.module.scope {
            None => caller,
            Some(scope) => Location::Named(format!("{scope}/{}", eqn.prim.name()).into(), Arc::new(caller)),
        });
        let mut operands = Values::new();
        for atom in &eqn.inputs {
            operands.push(read(cx, &env, atom)?);
        }
        let outs = match eqn.outs[..] {
            [out] => eqn.prim.lower(cx, &operands, std::slice::from_ref(jaxpr.aval(out)))?,
            _ => {
                let avals: SmallVec<[Aval; 4]> = eqn.outs.iter().map(|v| jaxpr.aval(*v).clone()).collect();
                eqn.prim.lower(cx, &operands, &avals)?
            }
        };
        cx.module.scope = around;
        eqn.outs.iter().zip(outs).for_each(|(v, value)| env[v.index()] = Some(value));
    }
    jaxpr.outs.iter().map(|atom| read(cx, &env, atom)).collect()
}

fn read(cx: &mut LowerCx<'_>, env: &[Option<Value>], atom: &Atom) -> Result<Value> {
    match atom {
        Atom::Var(v) => Ok(env[v.index()].expect("defined before its use")),
        Atom::Literal(l) => cx.constant(l.value(), l.aval()),
    }
}

/// The attributes of `main`'s parameters: a donated one becomes the first result of its type that is still free, or a
/// buffer for the compiler to use.
fn donations(in_avals: &[&Aval], jaxpr: &Jaxpr, donated: &[bool]) -> Vec<Attributes> {
    let mut free: Vec<Option<&Aval>> = jaxpr.out_avals().map(Some).collect();
    in_avals
        .iter()
        .enumerate()
        .map(|(i, aval)| {
            if donated.get(i) != Some(&true) {
                return Attributes::new();
            }
            let out = free.iter().position(|out| out.is_some_and(|out| out.same_type(aval)));
            let (name, value) = match out {
                Some(out) => {
                    free[out] = None;
                    ("tf.aliasing_output", Attribute::Int(out as i64, DType::I32))
                }
                None => ("jax.buffer_donor", Attribute::Bool(true)),
            };
            Attributes(vec![(name.into(), value)])
        })
        .collect()
}
