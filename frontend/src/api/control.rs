//! Control flow over closures and pytrees: cond, switch, while_loop, fori_loop, scan, map.
//!
//! Each traces its closures once (a loop's body again where the carry's weak types must give way), passes what they capture as
//! operands, and binds one primitive of `lax/control`. What a body or all branches only pass on does not go through the primitive.
//! Errors name the leaf of the carry or of the branches that differs. Where jit is disabled and the course is known, the closures
//! run as they are.

use std::sync::Arc;

use super::array::IntoArray;
use super::array_host::Element;
use super::dtypes::default_int;
use super::tree::{self, Key, Pytree, TreeDef, keystr};
use crate::config::jit_disabled;
use crate::error::Error;
use crate::ir::{Array, Aval, AxisInfo, ClosedJaxpr, DType, Jaxpr, Prim, Source, Var};
use crate::lax::control::{Cond, PlatformIndex, Platforms, Scan, While, reordered};
use crate::lax::{self, convert_element_type};
use crate::trace::{bind, bind_at_line, bind1, concrete, here, stage};
use crate::transform::{self, consts_to_invars, dce_jaxpr};

pub use super::associative_scan::associative_scan;

/// `true_fun(operand)` where `pred` holds, `false_fun(operand)` where it does not, decided when the program runs.
///
/// `pred` is a scalar, traced or not: a boolean, or a number that is compared with zero. Both functions are traced; under `vmap` over `pred`
/// both run and each element takes its own.
///
/// JAX's operands are one tree here: several of them are a tuple.
///
/// ```
/// # use jacinth_frontend::{Array, api::control::cond, jit};
/// let root = jit(|x: &Array| cond(x.gt(0.0), |x: Array| x.sqrt(), |x| x * 0.0, x.clone()));
/// assert_eq!([4.0, -4.0].map(|x: f64| root(&Array::from(x)).item::<f32>()), [2.0, 0.0]);
/// ```
///
/// # Panics
/// If `pred` is not a scalar or the functions' results differ in structure or types; the message names the leaf.
#[track_caller]
pub fn cond<T: Pytree, O: Pytree>(
    pred: impl IntoArray,
    true_fun: impl FnOnce(T) -> O,
    false_fun: impl FnOnce(T) -> O,
    operand: T,
) -> O {
    let at = here();
    let pred = pred.into_array();
    if pred.ndim() != 0 {
        refuse(at, "cond", format!("pred must be a scalar, got {}", pred.aval()));
    }
    let pred = match pred.dtype() {
        DType::I1 => pred.clone(),
        dtype => lax::ne(&pred, &Array::scalar(0, dtype, false)),
    };
    if jit_disabled()
        && let Some(taken) = host_value::<bool>(&pred)
    {
        return if taken { true_fun(operand) } else { false_fun(operand) };
    }
    let (leaves, def) = tree::flatten(&operand);
    drop(operand);
    let avals = avals(&leaves);
    let on_true = Staged::new("true_fun", &avals, at, |args| true_fun(rebuild(&def, args)));
    let on_false = Staged::new("false_fun", &avals, at, |args| false_fun(rebuild(&def, args)));
    choose("cond", at, vec![("true_fun", on_true), ("false_fun", on_false)], leaves, None, || {
        convert_element_type(&pred, DType::I32)
    })
}

/// The `index`-th of several functions of an operand, decided when the program runs; an index out of range takes the nearest.
///
/// ```
/// # use jacinth_frontend::{Array, api::control::switch};
/// let apply = |i: i64| switch(i, &[&|x: Array| x + 1.0, &|x: Array| x * 10.0, &|x: Array| -x], Array::from(2.0));
/// assert_eq!([0, 1, 2, 99].map(|i| apply(i).item::<f32>()), [3.0, 20.0, -2.0, -2.0]);
/// ```
///
/// # Panics
/// If there is no function, `index` is not an integer scalar, or results differ in structure or types; the message names the leaf.
#[track_caller]
pub fn switch<T: Pytree, O: Pytree>(index: impl IntoArray, branches: &[&dyn Fn(T) -> O], operand: T) -> O {
    let at = here();
    let index = index.into_array();
    if branches.is_empty() {
        refuse(at, "switch", "there must be at least one branch".into());
    }
    if index.ndim() != 0 || !index.dtype().is_integer() {
        refuse(at, "switch", format!("index must be an integer scalar, got {}", index.aval()));
    }
    if let [only] = branches {
        return only(operand);
    }
    let bound = |value: usize| Array::scalar(value as i64, DType::I32, false);
    let index = lax::clamp(&bound(0), &convert_element_type(&index, DType::I32), &bound(branches.len() - 1));
    if jit_disabled()
        && let Some(index) = host_value::<i32>(&index)
    {
        return branches[index as usize](operand);
    }
    let (leaves, def) = tree::flatten(&operand);
    drop(operand);
    let avals = avals(&leaves);
    let stage =
        |branch: &&dyn Fn(T) -> O| Staged::new("branch", &avals, at, |args| branch(rebuild(&def, args)));
    let staged = branches.iter().map(|branch| ("branch", stage(branch))).collect();
    choose("switch", at, staged, leaves, None, || index.clone())
}

/// What is done on the platform on which the program runs: the function for `cpu`, `cuda`, `rocm` or `tpu`, or else `default`.
///
/// Only that function is written into the program, for which all must give the same types. The embedded plugin is a `cpu`.
///
/// # Panics
/// If there is no function, or results differ in structure or types; the message names the leaf. Where the program is compiled, if there is no
/// function for its platform and no default.
///
/// ```
/// # use jacinth_frontend::{Array, api::control::platform_dependent};
/// let on = |x: Array| platform_dependent(x, &[("tpu", &|x: Array| x * 3.0), ("cpu", &|x: Array| x * 2.0)], None);
/// assert_eq!(on(Array::from(1.0)).item::<f32>(), 2.0);
/// ```
#[track_caller]
pub fn platform_dependent<T: Pytree, O: Pytree>(
    operand: T,
    per_platform: &[(&str, &dyn Fn(T) -> O)],
    default: Option<&dyn Fn(T) -> O>,
) -> O {
    let at = here();
    if per_platform.is_empty() && default.is_none() {
        refuse(at, "platform_dependent", "there must be at least one function".into());
    }
    // JAX says gpu for both of its kinds.
    let names = |name: &str| match name {
        "gpu" => vec!["cuda".to_owned(), "rocm".to_owned()],
        other => vec![other.to_owned()],
    };
    let platforms: Platforms =
        per_platform.iter().map(|(name, _)| names(name)).chain(default.map(|_| Vec::new())).collect();
    let (leaves, def) = tree::flatten(&operand);
    drop(operand);
    let avals = avals(&leaves);
    let branches = per_platform.iter().map(|(_, f)| *f).chain(default);
    let stage = |f: &dyn Fn(T) -> O| Staged::new("branch", &avals, at, |args| f(rebuild(&def, args)));
    let staged = branches.map(|f| ("branch", stage(f))).collect();
    let index = PlatformIndex { platforms: platforms.clone() };
    choose("platform_dependent", at, staged, leaves, Some(platforms), || bind1(Prim::new(index), &[]))
}

/// Runs `body_fun` on the carry as long as `cond_fun` of it holds.
///
/// The carry keeps its structure and types. Forward mode goes through; reverse mode needs [`scan`] or [`fori_loop`] with host
/// integers as bounds.
///
/// ```
/// # use jacinth_frontend::{Array, api::control::while_loop, jit};
/// // How often 2 divides a number.
/// let twos = jit(|n: &Array| {
///     while_loop(|(n, _): (Array, Array)| (n % 2).equal(0), |(n, k)| (n / 2, k + 1), (n.clone(), Array::from(0))).1
/// });
/// assert_eq!(twos(&Array::from(48)).item::<i32>(), 4);
/// ```
///
/// # Panics
/// If `cond_fun` does not give a boolean scalar, or `body_fun` changes the structure or a type of the carry; the message names the leaf.
#[track_caller]
pub fn while_loop<C: Pytree>(cond_fun: impl Fn(C) -> Array, body_fun: impl Fn(C) -> C, init: C) -> C {
    while_at(here(), "while_loop", cond_fun, body_fun, init)
}

fn while_at<C: Pytree>(
    at: Source,
    name: &'static str,
    cond_fun: impl Fn(C) -> Array,
    body_fun: impl Fn(C) -> C,
    init: C,
) -> C {
    let (leaves, def) = tree::flatten(&init);
    drop(init);
    let run = |args| body_fun(rebuild(&def, args));
    if jit_disabled()
        && let Some(done) = while_on_host(&cond_fun, &run, &def, &leaves)
    {
        return done;
    }
    let (leaves, body) = carry_of(name, at, &def, leaves, |avals| Staged::new("body_fun", avals, at, run));
    let cond = Staged::new("cond_fun", &avals(&leaves), at, |args| cond_fun(rebuild(&def, args)));
    let (cond_jaxpr, body_jaxpr) = (open(&cond.closed), open(&body.closed));
    let (cond_consts, body_consts) = (cond.closed.consts, body.closed.consts);
    // A carry that the body passes on and the condition does not read is a constant of the body.
    let (ncc, nbc, n) = (cond_consts.len(), body_consts.len(), leaves.len());
    let read = dce_jaxpr(&cond_jaxpr, &[true], false).1.invars;
    let fixed: Vec<bool> =
        (0..n).map(|i| forwarded(&body_jaxpr, i) == Some(nbc + i) && !read[ncc + i]).collect();
    let moves: Vec<usize> = (0..n).filter(|&i| !fixed[i]).collect();
    let constant: Vec<usize> = (0..n).filter(|&i| fixed[i]).collect();
    let cond_params: Vec<usize> = (0..ncc).chain(moves.iter().map(|i| ncc + i)).collect();
    let body_params: Vec<usize> =
        constant.iter().map(|i| nbc + i).chain(0..nbc).chain(moves.iter().map(|i| nbc + i)).collect();
    let prim = While {
        cond_nconsts: ncc,
        body_nconsts: nbc + constant.len(),
        cond_jaxpr: reordered(&cond_jaxpr, &cond_params, &[0]),
        body_jaxpr: reordered(&body_jaxpr, &body_params, &moves),
    };
    let part = |indices: &[usize]| indices.iter().map(|&i| leaves[i].clone()).collect::<Vec<Array>>();
    let args: Vec<Array> = [cond_consts, part(&constant), body_consts, part(&moves)].concat();
    let mut outs = bind_at_line(Prim::new(prim), &args, at).into_iter();
    let outs = fixed.iter().zip(&leaves).map(|(fixed, leaf)| {
        if *fixed { leaf.clone() } else { outs.next().expect("one result per moving carry") }
    });
    rebuild(&def, outs.collect())
}

/// The loop run as it is, unless its condition is traced.
fn while_on_host<C: Pytree>(
    cond_fun: &impl Fn(C) -> Array,
    body_fun: &impl Fn(Vec<Array>) -> C,
    def: &TreeDef,
    init: &[Array],
) -> Option<C> {
    let mut leaves = init.to_vec();
    while host_value::<bool>(&cond_fun(rebuild(def, leaves.clone())))? {
        leaves = tree::flatten(&body_fun(leaves)).0;
    }
    Some(rebuild(def, leaves))
}

/// A bound of [`fori_loop`]: a host integer, or an integer scalar known when the program runs.
///
/// ```
/// # use jacinth_frontend::{Array, api::control::{Bound, fori_loop}};
/// let to = |upper: Bound| fori_loop(0, upper, |i, sum| sum + i, Array::from(0)).item::<i32>();
/// assert_eq!((to(Bound::from(5)), to(Bound::from(Array::from(5)))), (10, 10));
/// ```
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

impl Bound {
    /// The number, if it is known now: a concrete array's is.
    fn known(&self) -> Option<i64> {
        match self {
            Bound::Host(value) => Some(*value),
            Bound::Traced(array) if array.is_tracer() || array.ndim() != 0 => None,
            Bound::Traced(array) if array.dtype() == DType::UI64 => array.item::<u64>().try_into().ok(),
            Bound::Traced(array) if array.dtype() == DType::I64 => Some(array.item::<i64>()),
            Bound::Traced(array) if array.dtype() == DType::UI32 => Some(array.item::<u32>().into()),
            Bound::Traced(array) => host_value::<i32>(array).map(i64::from),
        }
    }
}

/// Runs `body_fun(i, carry)` for `i` from `lower` to before `upper`.
///
/// Where both bounds are known (host integers or concrete arrays) the loop is a [`scan`], through which reverse mode goes; otherwise it is a
/// [`while_loop`]. There the counter has the bounds' dtype, and a host integer takes that of the other bound; in a scan it has the default
/// integer dtype, weakly.
///
/// ```
/// # use jacinth_frontend::{Array, api::control::fori_loop, grad};
/// let power = |x: &Array| fori_loop(0, 3, |_, y| y * x, Array::from(1.0)); // x³
/// assert_eq!(grad(power)(&Array::from(2.0)).item::<f32>(), 12.0);
/// ```
///
/// # Panics
/// If a bound is not an integer scalar, their dtypes differ, or `body_fun` changes the structure or a type of the carry; the message names
/// the leaf.
#[track_caller]
pub fn fori_loop<C: Pytree>(
    lower: impl Into<Bound>,
    upper: impl Into<Bound>,
    body_fun: impl Fn(Array, C) -> C,
    init: C,
) -> C {
    fori_loop_with(lower, upper, body_fun, init, 1)
}

/// [`fori_loop`] with `unroll` steps written out in one turn of the loop; 0 is all.
///
/// ```
/// # use jacinth_frontend::{Array, api::control::fori_loop_with, make_jaxpr};
/// let f = |x: &Array| fori_loop_with(0, 10, |_, x| x * 2.0, x.clone(), 5);
/// assert_eq!(f(&Array::from(1.0)).item::<f32>(), 1024.0);
/// assert!(make_jaxpr(f)(&Array::from(1.0)).unwrap().to_string().contains("unroll=5"));
/// ```
///
/// # Panics
/// As [`fori_loop`]; and if `unroll` is not 1 where a bound is not known.
#[track_caller]
pub fn fori_loop_with<C: Pytree>(
    lower: impl Into<Bound>,
    upper: impl Into<Bound>,
    body_fun: impl Fn(Array, C) -> C,
    init: C,
    unroll: usize,
) -> C {
    let at = here();
    let (lower, upper) = (lower.into(), upper.into());
    let aval = |bound: &Bound| match bound {
        Bound::Traced(array) => array.aval().clone(),
        Bound::Host(_) => Aval::scalar(default_int(), true),
    };
    let (low, high) = (aval(&lower), aval(&upper));
    let fits = |a: &Aval| a.rank() == 0 && a.dtype.is_integer();
    if !fits(&low) || !fits(&high) {
        refuse(at, "fori_loop", format!("bounds must be integer scalars, got {low} and {high}"));
    }
    let counter = match (low.weak_type, high.weak_type) {
        _ if low.dtype == high.dtype => {
            Aval::scalar(low.dtype, low.weak_type && (high.weak_type || matches!(lower, Bound::Host(_))))
        }
        (true, false) if high.dtype.is_signed() => high,
        (false, true) if low.dtype.is_signed() => low,
        _ => refuse(at, "fori_loop", format!("bounds must have the same dtype, got {low} and {high}")),
    };
    let next = |i: &Array| lax::add(i, &Array::scalar(1, i.dtype(), i.weak_type()));
    if let (Some(first), Some(end)) = (lower.known(), upper.known()) {
        let length = usize::try_from(end.saturating_sub(first)).unwrap_or(0);
        let start = Array::scalar(first, default_int(), true);
        let step = |(i, carry): (Array, C), ()| {
            let after = next(&i);
            ((after, body_fun(i, carry)), ())
        };
        let options = ScanOptions { length: Some(length), unroll, ..Default::default() };
        return scan_at(at, "fori_loop", step, (start, init), &(), options).0.1;
    }
    if unroll != 1 {
        refuse(at, "fori_loop", "unroll needs bounds that are known while tracing".into());
    }
    let as_array = |bound: Bound| match bound {
        Bound::Host(value) => Array::scalar(value, counter.dtype, false),
        Bound::Traced(array) if array.dtype() == counter.dtype => array,
        Bound::Traced(array) => convert_element_type(&array, counter.dtype),
    };
    let (lower, upper) = (as_array(lower), as_array(upper));
    let body = |(i, upper, carry): (Array, Array, C)| {
        let after = next(&i);
        (after, upper, body_fun(i, carry))
    };
    while_at(at, "fori_loop", |(i, upper, _)| lax::lt(&i, &upper), body, (lower, upper, init)).2
}

/// How [`scan_with`] runs.
///
/// ```
/// # use jacinth_frontend::api::control::ScanOptions;
/// let backwards = ScanOptions { reverse: true, ..ScanOptions::default() };
/// assert_eq!((backwards.length, backwards.unroll), (None, 1));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ScanOptions {
    /// The number of steps; needed only where there is no array to scan over.
    pub length: Option<usize>,
    /// Whether the last slice is read and written first.
    pub reverse: bool,
    /// How many steps are written out in one turn of the loop: 1 is the default, 0 is all.
    pub unroll: usize,
}

impl Default for ScanOptions {
    fn default() -> Self {
        ScanOptions { length: None, reverse: false, unroll: 1 }
    }
}

/// Runs `f(carry, slice)` over the slices of `xs` along their leading dimension; gives the last carry and the arrays of what each step
/// gave beside it.
///
/// ```
/// # use jacinth_frontend::{Array, api::control::scan};
/// let xs = Array::from([1.0f32, 2.0, 3.0]);
/// let (sum, partial) = scan(|sum: Array, x: Array| (&sum + x, sum), Array::from(0.0f32), &xs);
/// assert_eq!((sum.item::<f32>(), partial.to_vec::<f32>()), (6.0, vec![0.0, 1.0, 3.0]));
/// ```
///
/// # Panics
/// If leading dimensions differ, or `f` changes the structure or a type of the carry; the message names the leaf.
#[track_caller]
pub fn scan<C: Pytree, X: Pytree, Y: Pytree>(f: impl Fn(C, X) -> (C, Y), init: C, xs: &X) -> (C, Y) {
    scan_at(here(), "scan", f, init, xs, ScanOptions::default())
}

/// [`scan`] with a given length, in reverse, or unrolled.
///
/// ```
/// # use jacinth_frontend::{Array, api::control::{ScanOptions, scan_with}};
/// // Fibonacci's numbers: there is nothing to scan over, so the length is given.
/// let options = ScanOptions { length: Some(8), ..ScanOptions::default() };
/// let step = |(a, b): (Array, Array), ()| ((b.clone(), &a + b), a);
/// let (_, numbers) = scan_with(step, (Array::from(0), Array::from(1)), &(), options);
/// assert_eq!(numbers.to_vec::<i32>(), [0, 1, 1, 2, 3, 5, 8, 13]);
/// ```
///
/// # Panics
/// As [`scan`]; and if the length is given and the arrays have another, or is not given and there is no array.
#[track_caller]
pub fn scan_with<C: Pytree, X: Pytree, Y: Pytree>(
    f: impl Fn(C, X) -> (C, Y),
    init: C,
    xs: &X,
    options: ScanOptions,
) -> (C, Y) {
    scan_at(here(), "scan", f, init, xs, options)
}

fn scan_at<C: Pytree, X: Pytree, Y: Pytree>(
    at: Source,
    name: &'static str,
    f: impl Fn(C, X) -> (C, Y),
    init: C,
    xs: &X,
    options: ScanOptions,
) -> (C, Y) {
    let (leaves, def) = tree::flatten(&init);
    drop(init);
    let (xs, xs_def) = tree::flatten(xs);
    let length = scan_length(at, &xs, &xs_def, options.length);
    let num_carry = leaves.len();
    let run = |mut args: Vec<Array>| {
        let slices = args.split_off(num_carry);
        f(rebuild(&def, args), rebuild(&xs_def, slices))
    };
    if jit_disabled() && length > 0 {
        return scan_on_host(&run, leaves, &xs, length, options.reverse);
    }
    let slices: Vec<Aval> = xs.iter().map(|x| x.aval().with_shape(x.shape()[1..].iter().copied())).collect();
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
    let (leaves, body) = carry_of(name, at, &def, leaves, stage_body);
    let jaxpr = open(&body.closed);
    let consts = body.closed.consts;
    let (nc, num_ys) = (consts.len(), jaxpr.outs.len() - num_carry);
    // A carry that the body passes on is a constant; an array of slices that it passes on is that array.
    let fixed: Vec<bool> = (0..num_carry).map(|i| forwarded(&jaxpr, i) == Some(nc + i)).collect();
    let copied: Vec<Option<usize>> = (0..num_ys)
        .map(|i| forwarded(&jaxpr, num_carry + i).and_then(|of| of.checked_sub(nc + num_carry)))
        .collect();
    let moves: Vec<usize> = (0..num_carry).filter(|&i| !fixed[i]).collect();
    let constant: Vec<usize> = (0..num_carry).filter(|&i| fixed[i]).collect();
    let params: Vec<usize> = constant
        .iter()
        .map(|i| nc + i)
        .chain(0..nc)
        .chain(moves.iter().map(|i| nc + i))
        .chain(nc + num_carry..jaxpr.invars.len())
        .collect();
    let results: Vec<usize> = moves
        .iter()
        .copied()
        .chain((0..num_ys).filter(|&i| copied[i].is_none()).map(|i| num_carry + i))
        .collect();
    let prim = Scan {
        jaxpr: reordered(&jaxpr, &params, &results),
        length,
        num_consts: nc + constant.len(),
        num_carry: moves.len(),
        reverse: options.reverse,
        unroll: options.unroll,
    };
    let part = |indices: &[usize]| indices.iter().map(|&i| leaves[i].clone()).collect::<Vec<Array>>();
    let args: Vec<Array> = [part(&constant), consts, part(&moves), xs.clone()].concat();
    let mut outs = bind_at_line(Prim::new(prim), &args, at).into_iter();
    let mut next = || outs.next().expect("one result each");
    let carry: Vec<Array> =
        fixed.iter().zip(&leaves).map(|(fixed, leaf)| if *fixed { leaf.clone() } else { next() }).collect();
    let ys: Vec<Array> = copied.iter().map(|of| of.map_or_else(&mut next, |of| xs[of].clone())).collect();
    let ys_def = ys_def.into_inner().expect("the body was traced");
    (rebuild(&def, carry), rebuild(&ys_def, ys))
}

/// The scan run as it is, one step after the other; at least one.
fn scan_on_host<C: Pytree, Y: Pytree>(
    step: &impl Fn(Vec<Array>) -> (C, Y),
    mut carry: Vec<Array>,
    xs: &[Array],
    length: usize,
    reverse: bool,
) -> (C, Y) {
    let mut rows: Vec<Vec<Array>> = Vec::with_capacity(length);
    let mut last = None;
    for turn in 0..length {
        let i = if reverse { length - 1 - turn } else { turn } as i64;
        carry.extend(xs.iter().map(|x| lax::index_in_dim(x, i, 0, false)));
        let (next, y) = step(carry);
        let (ys, ys_def) = tree::flatten(&y);
        rows.push(ys);
        carry = tree::flatten(&next).0;
        last = Some((next, ys_def));
    }
    if reverse {
        rows.reverse();
    }
    let (carry, ys_def) = last.expect("there is a step");
    let stacked = (0..ys_def.num_leaves())
        .map(|leaf| lax::stack(&rows.iter().map(|row| row[leaf].clone()).collect::<Vec<_>>(), 0))
        .collect();
    (carry, rebuild(&ys_def, stacked))
}

/// `f` of every slice of `xs` along their leading dimension, one after the other.
///
/// ```
/// # use jacinth_frontend::{Array, api::control::map};
/// let norms = map(|row: Array| row.square().sum(), &Array::from([[1.0f32, 2.0], [3.0, 4.0]]));
/// assert_eq!(norms.to_vec::<f32>(), [5.0, 25.0]);
/// ```
///
/// # Panics
/// If leading dimensions differ.
#[track_caller]
pub fn map<X: Pytree, Y: Pytree>(f: impl Fn(X) -> Y, xs: &X) -> Y {
    scan_at(here(), "map", |(), x| ((), f(x)), (), xs, ScanOptions::default()).1
}

/// [`map`] of `batch_size` slices at a time, each lot mapped by [`vmap`](super::vmap()); what is left over is a smaller lot.
///
/// ```
/// # use jacinth_frontend::{api::control::map_batched, Array, numpy as jnp};
/// let f = |x: Array| x.square();
/// assert_eq!(map_batched(f, &jnp::arange(5), 2).to_vec::<i32>(), [0, 1, 4, 9, 16]); // 2, 2 and 1
/// ```
///
/// # Panics
/// If leading dimensions differ, or `batch_size` is 0.
#[track_caller]
pub fn map_batched<X: Pytree, Y: Pytree>(f: impl Fn(X) -> Y, xs: &X, batch_size: usize) -> Y {
    let at = here();
    if batch_size == 0 {
        refuse(at, "map", "batch_size must be positive".into());
    }
    let (leaves, def) = tree::flatten(xs);
    let length = scan_length(at, &leaves, &def, None);
    // `f` of all slices of one lot, as leaves; the structure of what it gives is the same for every lot.
    let ys_def = std::cell::RefCell::new(None);
    let lot = |lot: Vec<Array>| -> Vec<Array> {
        let size = lot[0].shape()[0];
        let run = |slices: Vec<Array>| {
            let (ys, def) = tree::flatten(&f(rebuild(&def, slices)));
            *ys_def.borrow_mut() = Some(def);
            ys
        };
        let axis = AxisInfo::new(size, None);
        let (ys, dims) = transform::batch(run, &lot, &vec![Some(0); lot.len()], axis, at);
        ys.iter().zip(dims).map(|(y, dim)| transform::move_to(&lax::KIT, y, dim, 0, size)).collect()
    };
    let (whole, rest) = (length / batch_size * batch_size, length % batch_size);
    let part = |from: usize, to: usize| -> Vec<Array> {
        let cut = |x: &Array| lax::slice_in_dim(x, from as i64, Some(to as i64), 1, 0);
        leaves.iter().map(cut).collect()
    };
    let reshaped = |x: &Array, lead: &[usize], skip: usize| {
        lax::reshape(x, &lead.iter().chain(&x.shape()[skip..]).copied().collect::<Vec<_>>())
    };
    let mut pieces: Vec<Vec<Array>> = Vec::new();
    if whole > 0 || rest == 0 {
        let lots: Vec<Array> =
            part(0, whole).iter().map(|x| reshaped(x, &[whole / batch_size, batch_size], 1)).collect();
        let ys = scan_at(at, "map", |(), x: Vec<Array>| ((), lot(x)), (), &lots, ScanOptions::default()).1;
        pieces.push(ys.iter().map(|y| reshaped(y, &[whole], 2)).collect());
    }
    if rest > 0 {
        pieces.push(lot(part(whole, length)));
    }
    let joined = match &pieces[..] {
        [only] => only.clone(),
        [first, second] => {
            first.iter().zip(second).map(|(a, b)| lax::concatenate(&[a.clone(), b.clone()], 0)).collect()
        }
        _ => unreachable!("there are whole lots, a rest, or both"),
    };
    rebuild(&ys_def.into_inner().expect("the function was traced"), joined)
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

/// Binds a cond over branches that were traced apart; `index` is computed once they are known to fit.
#[track_caller]
fn choose<O: Pytree>(
    name: &'static str,
    at: Source,
    branches: Vec<(&'static str, Staged)>,
    operands: Vec<Array>,
    platforms: Option<Platforms>,
    index: impl FnOnce() -> Array,
) -> O {
    check_branches(name, at, &branches);
    let branches: Vec<Staged> = branches.into_iter().map(|(_, branch)| branch).collect();
    // Every branch takes what all of them captured, once.
    let mut consts: Vec<Array> = Vec::new();
    let place = |const_: &Array, consts: &mut Vec<Array>| {
        let same = |c: &Array| c.identity() == const_.identity();
        consts.iter().position(same).unwrap_or_else(|| {
            consts.push(const_.clone());
            consts.len() - 1
        })
    };
    let places: Vec<Vec<usize>> =
        branches.iter().map(|b| b.closed.consts.iter().map(|c| place(c, &mut consts)).collect()).collect();
    let const_avals = avals(&consts);
    let jaxprs: Vec<Arc<Jaxpr>> = branches
        .iter()
        .zip(&places)
        .map(|(branch, places)| with_consts_at(&branch.closed.jaxpr, &const_avals, places))
        .collect();
    // What all branches pass on does not go through.
    let passed: Vec<Option<usize>> = (0..jaxprs[0].outs.len())
        .map(|i| forwarded(&jaxprs[0], i).filter(|of| jaxprs.iter().all(|j| forwarded(j, i) == Some(*of))))
        .collect();
    let params: Vec<usize> = (0..jaxprs[0].invars.len()).collect();
    let results: Vec<usize> = (0..passed.len()).filter(|&i| passed[i].is_none()).collect();
    let mut jaxprs: Vec<Arc<Jaxpr>> =
        jaxprs.iter().map(|jaxpr| reordered(jaxpr, &params, &results)).collect();
    if name == "cond" {
        jaxprs.reverse(); // The index is 0 where the condition does not hold.
    }
    let def = branches[0].def.clone();
    let inputs: Vec<Array> = consts.into_iter().chain(operands).collect();
    let args: Vec<Array> = std::iter::once(index()).chain(inputs.iter().cloned()).collect();
    let mut outs = bind(Prim::new(Cond { branches: jaxprs, platforms }), &args).into_iter();
    let mut next = || outs.next().expect("one result each");
    rebuild(&def, passed.iter().map(|of| of.map_or_else(&mut next, |of| inputs[of].clone())).collect())
}

/// Refuses branches whose results differ.
fn check_branches(name: &'static str, at: Source, branches: &[(&'static str, Staged)]) {
    let label = |i: usize| match branches[i].0 {
        "branch" => format!("branch {i}"),
        name => name.to_owned(),
    };
    let first = &branches[0].1;
    for (i, (_, branch)) in branches.iter().enumerate().skip(1) {
        let (one, other) = (label(0), label(i));
        let structures = first.def.differences(&branch.def);
        if !structures.is_empty() {
            let list = structures.iter().map(|d| {
                format!("result{} of {one} is {}, of {other} {}", keystr(&d.path), d.before, d.after)
            });
            let list = list.collect::<Vec<_>>().join("; ");
            refuse(at, name, format!("branches must give the same structure, but {list}"));
        }
        let types = first.closed.out_avals().zip(branch.closed.out_avals()).zip(first.def.paths());
        let list: Vec<String> = types
            .filter(|((a, b), _)| !a.same_type(b))
            .map(|((a, b), path)| format!("result{} of {one} is {a}, of {other} {b}", keystr(&path)))
            .collect();
        if !list.is_empty() {
            refuse(at, name, format!("branches must give the same types, but {}", list.join("; ")));
        }
    }
}

/// The jaxpr with constants as leading parameters: its own stand at `places` among them.
fn with_consts_at(jaxpr: &Jaxpr, consts: &[Aval], places: &[usize]) -> Arc<Jaxpr> {
    let mut avals = jaxpr.avals.clone();
    let mut invars: Vec<Var> = Vec::with_capacity(consts.len() + jaxpr.invars.len());
    for (i, aval) in consts.iter().enumerate() {
        match places.iter().position(|place| *place == i) {
            Some(own) => invars.push(jaxpr.constvars[own]),
            None => {
                avals.push(aval.clone());
                invars.push(Var((avals.len() - 1) as u32));
            }
        }
    }
    invars.extend(&jaxpr.invars);
    Arc::new(Jaxpr::new(Vec::new(), invars, jaxpr.eqns.clone(), jaxpr.outs.clone(), avals))
}

/// The jaxpr with its own constants as leading parameters.
fn open(closed: &ClosedJaxpr) -> Arc<Jaxpr> {
    consts_to_invars(&closed.jaxpr)
}

/// The parameter that the jaxpr passes on as that result.
fn forwarded(jaxpr: &Jaxpr, out: usize) -> Option<usize> {
    let var = jaxpr.outs[out].as_var()?;
    jaxpr.invars.iter().position(|v| *v == var)
}

/// The value of a scalar that is not traced, or is only differentiated.
fn host_value<T: Element>(scalar: &Array) -> Option<T> {
    let scalar = concrete(scalar, "", "", here()).ok()?;
    let scalar =
        if scalar.dtype() == T::ELEMENT { scalar } else { &convert_element_type(scalar, T::ELEMENT) };
    scalar.try_to_vec::<T>().ok()?.first().copied()
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
    let structures = def.differences(&body.def);
    if !structures.is_empty() {
        let list = structures
            .iter()
            .map(|d| format!("{} is {}, then {}", carried(name, &d.path), d.before, d.after));
        let list = list.collect::<Vec<_>>().join("; ");
        refuse(at, name, format!("the carry must keep its structure, but before and after the body {list}"));
    }
    let outs: Vec<Aval> = body.closed.out_avals().take(init.len()).cloned().collect();
    let mut changed = false;
    for (x, out) in init.iter_mut().zip(&outs) {
        let gives_way = x.weak_type() && x.dtype() != out.dtype && x.shape() == &out.shape[..];
        if gives_way {
            *x = convert_element_type(x, out.dtype);
            changed = true;
        }
    }
    if changed {
        body = stage_body(&avals(&init));
    }
    let types = init.iter().zip(body.closed.out_avals()).zip(def.paths());
    let list: Vec<String> = types
        .filter(|((x, out), _)| !x.aval().same_type(out))
        .map(|((x, out), path)| format!("{} is {}, then {out}", carried(name, &path), x.aval()))
        .collect();
    if !list.is_empty() {
        let list = list.join("; ");
        refuse(at, name, format!("the carry must keep its types, but before and after the body {list}"));
    }
    (init, body)
}

/// A leaf of the carry as the user of that loop knows it: `fori_loop` carries its counter, its bound and then the user's carry.
fn carried(name: &str, path: &[Key]) -> String {
    let path = if name == "fori_loop" { path.get(1..).unwrap_or_default() } else { path };
    format!("carry{}", keystr(path))
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
