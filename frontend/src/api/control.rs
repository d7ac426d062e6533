//! Control flow over closures and pytrees: cond, switch, while_loop, fori_loop, scan, map.
//!
//! Each traces its closures once (a loop's body again where the carry's weak types must give way), passes what they capture as
//! operands, and binds one primitive of `lax/control`. Errors name the leaf of the carry or of the branches that differs.

use std::sync::Arc;

use super::tree::{self, Pytree, TreeDef, keystr};
use crate::error::Error;
use crate::ir::{Array, Aval, ClosedJaxpr, DType, Jaxpr, Prim, Source, Var};
use crate::lax::control::{Cond, Scan, While};
use crate::lax::{self, convert_element_type};
use crate::trace::{bind, here, stage};

/// `true_fun(operand)` where `pred` holds, `false_fun(operand)` where it does not, decided when the program runs.
///
/// `pred` is a scalar: a boolean, or a number that is compared with zero. Both functions are traced; under `vmap` over `pred`
/// both run and each element takes its own.
///
/// # Panics
/// If `pred` is not a scalar or the functions' results differ in structure or types; the message names the leaf.
#[track_caller]
pub fn cond<T: Pytree, O: Pytree>(
    pred: &Array,
    true_fun: impl FnOnce(T) -> O,
    false_fun: impl FnOnce(T) -> O,
    operand: T,
) -> O {
    let at = here();
    if pred.ndim() != 0 {
        refuse(at, "cond", format!("pred must be a scalar, got {}", pred.aval()));
    }
    let pred = match pred.dtype() {
        DType::I1 => pred.clone(),
        dtype => lax::ne(pred, &Array::scalar(0, dtype, false)),
    };
    let index = convert_element_type(&pred, DType::I32);
    let (leaves, def) = tree::flatten(&operand);
    drop(operand);
    let avals = avals(&leaves);
    let on_true = Staged::new("true_fun", &avals, at, |args| true_fun(rebuild(&def, args)));
    let on_false = Staged::new("false_fun", &avals, at, |args| false_fun(rebuild(&def, args)));
    choose("cond", at, index, vec![on_false, on_true], leaves)
}

/// The `index`-th of several functions of an operand, decided when the program runs; an index out of range takes the nearest.
///
/// # Panics
/// If there is no function, `index` is not an integer scalar, or results differ in structure or types; the message names the leaf.
#[track_caller]
pub fn switch<T: Pytree, O: Pytree>(index: &Array, branches: &[&dyn Fn(T) -> O], operand: T) -> O {
    let at = here();
    if branches.is_empty() {
        refuse(at, "switch", "there must be at least one branch".into());
    }
    if index.ndim() != 0 || !index.dtype().is_integer() {
        refuse(at, "switch", format!("index must be an integer scalar, got {}", index.aval()));
    }
    let (leaves, def) = tree::flatten(&operand);
    drop(operand);
    let avals = avals(&leaves);
    let stage =
        |branch: &&dyn Fn(T) -> O| Staged::new("branch", &avals, at, |args| branch(rebuild(&def, args)));
    let staged: Vec<Staged> = branches.iter().map(stage).collect();
    let bound = |value: usize| Array::scalar(value as i64, DType::I32, false);
    let index = lax::clamp(&bound(0), &convert_element_type(index, DType::I32), &bound(branches.len() - 1));
    choose("switch", at, index, staged, leaves)
}

/// Runs `body_fun` on the carry as long as `cond_fun` of it holds.
///
/// The carry keeps its structure and types. Forward mode goes through; reverse mode needs [`scan`] or [`fori_loop`] with host
/// integers as bounds.
///
/// # Panics
/// If `cond_fun` does not give a boolean scalar, or `body_fun` changes the structure or a type of the carry; the message names the leaf.
#[track_caller]
pub fn while_loop<C: Pytree>(cond_fun: impl Fn(C) -> Array, body_fun: impl Fn(C) -> C, init: C) -> C {
    let at = here();
    let (leaves, def) = tree::flatten(&init);
    drop(init);
    let run = |args| body_fun(rebuild(&def, args));
    let (leaves, body) =
        carry_of("while_loop", at, &def, leaves, |avals| Staged::new("body_fun", avals, at, run));
    let cond = Staged::new("cond_fun", &avals(&leaves), at, |args| cond_fun(rebuild(&def, args)));
    let prim = While {
        cond_nconsts: cond.closed.consts.len(),
        body_nconsts: body.closed.consts.len(),
        cond_jaxpr: open(&cond.closed),
        body_jaxpr: open(&body.closed),
    };
    let args: Vec<Array> = [cond.closed.consts, body.closed.consts, leaves].concat();
    rebuild(&def, bind(Prim::new(prim), &args).into_vec())
}

/// A bound of [`fori_loop`]: a host integer, or an integer scalar known when the program runs.
#[derive(Clone, Debug)]
pub enum Bound {
    /// Known while tracing.
    Host(i64),
    /// Known when the program runs.
    Traced(Array),
}

impl From<i64> for Bound {
    fn from(value: i64) -> Self {
        Bound::Host(value)
    }
}

impl From<i32> for Bound {
    fn from(value: i32) -> Self {
        Bound::Host(value.into())
    }
}

impl From<usize> for Bound {
    fn from(value: usize) -> Self {
        Bound::Host(i64::try_from(value).expect("a loop bound below 2⁶³"))
    }
}

impl From<&Array> for Bound {
    fn from(value: &Array) -> Self {
        Bound::Traced(value.clone())
    }
}

impl From<Array> for Bound {
    fn from(value: Array) -> Self {
        Bound::Traced(value)
    }
}

/// Runs `body_fun(i, carry)` for `i` from `lower` to before `upper`.
///
/// With host integers as bounds the loop is a [`scan`], through which reverse mode goes; otherwise it is a [`while_loop`]. The counter is
/// `i32` unless a bound has another integer dtype.
///
/// # Panics
/// If a bound is not an integer scalar, or `body_fun` changes the structure or a type of the carry; the message names the leaf.
#[track_caller]
pub fn fori_loop<C: Pytree>(
    lower: impl Into<Bound>,
    upper: impl Into<Bound>,
    body_fun: impl Fn(Array, C) -> C,
    init: C,
) -> C {
    let at = here();
    let (lower, upper) = (lower.into(), upper.into());
    let one = |i: &Array| Array::scalar(1, i.dtype(), false);
    if let (Bound::Host(lower), Bound::Host(upper)) = (&lower, &upper) {
        let length = usize::try_from(upper.saturating_sub(*lower)).unwrap_or(0);
        let start = Array::scalar(*lower, DType::I32, false);
        let step = |(i, carry): (Array, C), ()| {
            let next = lax::add(&i, &one(&i));
            ((next, body_fun(i, carry)), ())
        };
        return scan_with(
            step,
            (start, init),
            &(),
            ScanOptions { length: Some(length), ..Default::default() },
        )
        .0
        .1;
    }
    let dtype = |bound: &Bound| match bound {
        Bound::Traced(array) => Some(array.dtype()),
        Bound::Host(_) => None,
    };
    let dtype = dtype(&lower).or(dtype(&upper)).unwrap_or(DType::I32);
    let as_array = |bound: Bound| match bound {
        Bound::Host(value) => Array::scalar(value, dtype, false),
        Bound::Traced(array) => {
            if array.ndim() != 0 || !array.dtype().is_integer() || array.dtype() != dtype {
                refuse(
                    at,
                    "fori_loop",
                    format!("bounds must be integer scalars of one dtype, got {}", array.aval()),
                );
            }
            array
        }
    };
    let (lower, upper) = (as_array(lower), as_array(upper));
    let body = |(i, upper, carry): (Array, Array, C)| {
        let next = lax::add(&i, &one(&i));
        (next, upper, body_fun(i, carry))
    };
    while_loop(|(i, upper, _)| lax::lt(&i, &upper), body, (lower, upper, init)).2
}

/// How [`scan_with`] runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScanOptions {
    /// The number of steps; needed only where there is no array to scan over.
    pub length: Option<usize>,
    /// Whether the last slice is read and written first.
    pub reverse: bool,
    /// How many steps are written out in one turn of the loop; 0 and 1 mean one.
    pub unroll: usize,
}

/// Runs `f(carry, slice)` over the slices of `xs` along their leading dimension; gives the last carry and the arrays of what each step
/// gave beside it.
///
/// # Panics
/// If leading dimensions differ, or `f` changes the structure or a type of the carry; the message names the leaf.
#[track_caller]
pub fn scan<C: Pytree, X: Pytree, Y: Pytree>(f: impl Fn(C, X) -> (C, Y), init: C, xs: &X) -> (C, Y) {
    scan_with(f, init, xs, ScanOptions::default())
}

/// [`scan`] with a given length, in reverse, or unrolled.
#[track_caller]
pub fn scan_with<C: Pytree, X: Pytree, Y: Pytree>(
    f: impl Fn(C, X) -> (C, Y),
    init: C,
    xs: &X,
    options: ScanOptions,
) -> (C, Y) {
    let at = here();
    let (leaves, def) = tree::flatten(&init);
    drop(init);
    let (xs, xs_def) = tree::flatten(xs);
    let length = scan_length(at, &xs, &xs_def, options.length);
    let slices: Vec<Aval> = xs.iter().map(|x| x.aval().with_shape(x.shape()[1..].iter().copied())).collect();
    let num_carry = leaves.len();
    let run = |mut args: Vec<Array>| {
        let slices = args.split_off(num_carry);
        f(rebuild(&def, args), rebuild(&xs_def, slices))
    };
    let ys_def = std::cell::RefCell::new(None);
    let stage_body = |carry: &[Aval]| {
        let all: Vec<Aval> = carry.iter().chain(&slices).cloned().collect();
        Staged::new("f", &all, at, |args| {
            let (carry, ys) = run(args);
            let (carry, carry_def) = tree::flatten(&carry);
            let (ys, def) = tree::flatten(&ys);
            *ys_def.borrow_mut() = Some(def);
            Flat { leaves: carry.into_iter().chain(ys).collect(), def: carry_def }
        })
    };
    let (leaves, body) = carry_of("scan", at, &def, leaves, stage_body);
    let prim = Scan {
        jaxpr: open(&body.closed),
        length,
        num_consts: body.closed.consts.len(),
        num_carry,
        reverse: options.reverse,
        unroll: options.unroll.max(1),
    };
    let args: Vec<Array> = [body.closed.consts, leaves, xs].concat();
    let mut outs = bind(Prim::new(prim), &args).into_vec();
    let ys = outs.split_off(num_carry);
    let ys_def = ys_def.into_inner().expect("the body was traced");
    (rebuild(&def, outs), rebuild(&ys_def, ys))
}

/// `f` of every slice of `xs` along their leading dimension, one after the other.
///
/// # Panics
/// If leading dimensions differ.
#[track_caller]
pub fn map<X: Pytree, Y: Pytree>(f: impl Fn(X) -> Y, xs: &X) -> Y {
    scan(|(), x| ((), f(x)), (), xs).1
}

/// A traced closure: its jaxpr, and the structure of what it gave.
struct Staged {
    closed: ClosedJaxpr,
    def: TreeDef,
}

/// What a closure gives, taken apart.
struct Flat {
    leaves: Vec<Array>,
    def: TreeDef,
}

impl<T: Pytree> From<T> for Flat {
    fn from(value: T) -> Self {
        let (leaves, def) = tree::flatten(&value);
        Flat { leaves, def }
    }
}

impl Staged {
    fn new<O: Into<Flat>>(name: &str, avals: &[Aval], at: Source, f: impl FnOnce(Vec<Array>) -> O) -> Staged {
        let mut def = None;
        let closed = stage(name, avals, at, |args| {
            let flat: Flat = f(args).into();
            def = Some(flat.def);
            flat.leaves
        });
        Staged { closed, def: def.expect("the closure was traced") }
    }
}

/// Binds a cond over branches that were traced apart.
#[track_caller]
fn choose<O: Pytree>(
    name: &'static str,
    at: Source,
    index: Array,
    branches: Vec<Staged>,
    operands: Vec<Array>,
) -> O {
    let first = &branches[0];
    for (i, branch) in branches.iter().enumerate().skip(1) {
        if let Err(difference) = first.def.expect(&branch.def) {
            refuse(at, name, format!("branches 0 and {i} give different structures: {difference}"));
        }
        let types = first.closed.out_avals().zip(branch.closed.out_avals());
        if let Some(leaf) = types.clone().position(|(a, b)| !a.same_type(b)) {
            let (a, b) = types.clone().nth(leaf).expect("found above");
            let path = keystr(&first.def.paths()[leaf]);
            refuse(at, name, format!("branches 0 and {i} give different types at result{path}: {a} and {b}"));
        }
    }
    // Every branch takes what all of them captured.
    let counts: Vec<usize> = branches.iter().map(|b| b.closed.consts.len()).collect();
    let all_consts: Vec<Aval> = branches.iter().flat_map(|b| avals(&b.closed.consts)).collect();
    let mut start = 0;
    let mut jaxprs = Vec::with_capacity(branches.len());
    for (branch, count) in branches.iter().zip(&counts) {
        jaxprs.push(with_consts_at(&branch.closed.jaxpr, &all_consts, start, *count));
        start += count;
    }
    let def = first.def.clone();
    let consts = branches.into_iter().flat_map(|b| b.closed.consts);
    let args: Vec<Array> = std::iter::once(index).chain(consts).chain(operands).collect();
    rebuild(&def, bind(Prim::new(Cond { branches: jaxprs }), &args).into_vec())
}

/// The jaxpr with constants as leading parameters: its own are `count` of them from `start` on.
fn with_consts_at(jaxpr: &Jaxpr, consts: &[Aval], start: usize, count: usize) -> Arc<Jaxpr> {
    let mut avals = jaxpr.avals.clone();
    let mut invars: Vec<Var> = Vec::with_capacity(consts.len() + jaxpr.invars.len());
    for (i, aval) in consts.iter().enumerate() {
        if (start..start + count).contains(&i) {
            invars.push(jaxpr.constvars[i - start]);
        } else {
            avals.push(aval.clone());
            invars.push(Var((avals.len() - 1) as u32));
        }
    }
    invars.extend(&jaxpr.invars);
    Arc::new(Jaxpr::new(Vec::new(), invars, jaxpr.eqns.clone(), jaxpr.outs.clone(), avals))
}

/// The jaxpr with its own constants as leading parameters.
fn open(closed: &ClosedJaxpr) -> Arc<Jaxpr> {
    with_consts_at(&closed.jaxpr, &avals(&closed.consts), 0, closed.consts.len())
}

/// Traces a loop's body; where a weakly typed carry comes back as another type, the initial carry takes that type and the body is traced
/// again. Refuses a body that changes the carry.
fn carry_of(
    name: &'static str,
    at: Source,
    def: &TreeDef,
    mut init: Vec<Array>,
    stage_body: impl Fn(&[Aval]) -> Staged,
) -> (Vec<Array>, Staged) {
    let mut body = stage_body(&avals(&init));
    if let Err(difference) = def.expect(&body.def) {
        refuse(at, name, format!("the body changes the structure of the carry: {difference}"));
    }
    let outs: Vec<Aval> = body.closed.out_avals().take(init.len()).cloned().collect();
    let mut changed = false;
    for (x, out) in init.iter_mut().zip(&outs) {
        let gives_way =
            x.weak_type() && (!out.weak_type || x.dtype() != out.dtype) && x.shape() == &out.shape[..];
        if gives_way {
            *x = convert_element_type(x, out.dtype);
            changed = true;
        }
    }
    if changed {
        body = stage_body(&avals(&init));
    }
    for (leaf, (x, out)) in init.iter().zip(body.closed.out_avals()).enumerate() {
        if !x.aval().same_type(out) {
            let path = keystr(&def.paths()[leaf]);
            let message = format!(
                "the carry must keep its types: carry{path} is {} before the body and {out} after",
                x.aval()
            );
            refuse(at, name, message);
        }
    }
    (init, body)
}

/// The number of steps of a scan.
fn scan_length(at: Source, xs: &[Array], def: &TreeDef, given: Option<usize>) -> usize {
    let mut length = given;
    for (leaf, x) in xs.iter().enumerate() {
        let path = || keystr(&def.paths()[leaf]);
        let Some(&size) = x.shape().first() else {
            refuse(
                at,
                "scan",
                format!("xs{} is a scalar, which has no leading dimension to scan over", path()),
            );
        };
        match length {
            Some(length) if length != size => {
                let whose = if given.is_some() {
                    "the given length"
                } else {
                    "the leading dimension of what stands before it"
                };
                refuse(
                    at,
                    "scan",
                    format!("xs{} has a leading dimension of {size}, {whose} is {length}", path()),
                );
            }
            _ => length = Some(size),
        }
    }
    length.unwrap_or_else(|| refuse(at, "scan", "there is no array to scan over: give a length".into()))
}

fn rebuild<T: Pytree>(def: &TreeDef, leaves: Vec<Array>) -> T {
    tree::unflatten(def, leaves)
}

fn avals(arrays: &[Array]) -> Vec<Aval> {
    arrays.iter().map(|a| a.aval().clone()).collect()
}

fn refuse(at: Source, operation: &'static str, message: String) -> ! {
    Error::operands(operation, message).at(at).raise()
}
