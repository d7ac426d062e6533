//! Primitives that lower as functions written with lax: tracing such a function, its loops over jaxprs, and arithmetic that reads
//! as formulas.
//!
//! A function is traced when a module first needs it, and becomes a private function there ([`lower_as`]). Deliberately absent:
//! closures over pytrees, which are the api's business; what is traced here takes and gives flat arrays.

use std::ops::{Add, Div, Mul, Neg, Sub};
use std::sync::Arc;

use super::control::While;
use super::elementwise::scalar_like;
use crate::error::Result;
use crate::ir::{Array, Aval, ClosedJaxpr, DType, Jaxpr, LowerCx, Prim, Sample, SampleArg, Value, Values};
use crate::trace::{bind, here, stage, with_trace};

/// Lowers a primitive as the call of a private function that `body` describes with lax functions.
pub(crate) fn lower_as(
    cx: &mut LowerCx<'_>,
    prim: Prim,
    args: &[Value],
    body: impl FnOnce(&[Array]) -> Vec<Array>,
) -> Result<Values> {
    let name = prim.name();
    cx.call_traced(prim, args, |avals| {
        let closed = with_trace(None, None, || stage(name, avals, here(), |args| body(&args)));
        assert!(closed.consts.is_empty(), "{name}: the function that describes it captures arrays");
        closed.jaxpr
    })
}

/// The jaxpr with what it captured as leading parameters.
fn open(closed: &ClosedJaxpr) -> Arc<Jaxpr> {
    let jaxpr = &closed.jaxpr;
    let invars = jaxpr.constvars.iter().chain(&jaxpr.invars).copied().collect();
    Arc::new(Jaxpr::new(Vec::new(), invars, jaxpr.eqns.clone(), jaxpr.outs.clone(), jaxpr.avals.clone()))
}

/// `body` of the carry as long as `cond` of it holds; the body keeps the carry's types.
#[track_caller]
pub(crate) fn while_loop(
    cond: impl FnOnce(&[Array]) -> Array,
    body: impl FnOnce(&[Array]) -> Vec<Array>,
    init: Vec<Array>,
) -> Vec<Array> {
    let avals: Vec<Aval> = init.iter().map(|x| x.aval().strong()).collect();
    let cond = stage("cond", &avals, here(), |carry| vec![cond(&carry)]);
    let body = stage("body", &avals, here(), |carry| body(&carry));
    let prim = While {
        cond_nconsts: cond.consts.len(),
        body_nconsts: body.consts.len(),
        cond_jaxpr: open(&cond),
        body_jaxpr: open(&body),
    };
    let args = [cond.consts, body.consts, init].concat();
    bind(Prim::new(prim), &args).into_vec()
}

/// `body(i, carry)` for `i` from `lower` to before `upper`; the body keeps the carry's types.
#[track_caller]
pub(crate) fn fori_loop(
    lower: usize,
    upper: usize,
    body: impl FnOnce(&Array, &[Array]) -> Vec<Array>,
    init: Vec<Array>,
) -> Vec<Array> {
    // Of a loop that never runs, the body need not make sense: it may take the first of no columns.
    if upper <= lower {
        return init;
    }
    let index = |i: usize| Array::scalar(i as i64, DType::I32, false);
    let mut carry = vec![index(lower)];
    carry.extend(init);
    let step = |carry: &[Array]| {
        let mut next = vec![super::add(&carry[0], &index(1))];
        next.extend(body(&carry[0], &carry[1..]));
        next
    };
    let mut out = while_loop(|carry| super::lt(&carry[0], &index(upper)), step, carry);
    out.remove(0);
    out
}

/// A sample that applies a function of arrays as a nested call: for primitives that have their rules only in company.
pub(crate) fn call_sample(
    name: &'static str,
    args: &[SampleArg],
    f: impl FnOnce(&[Array]) -> Vec<Array>,
) -> Sample {
    let avals: Vec<Aval> = args.iter().map(|arg| arg.aval.clone()).collect();
    let closed = stage(name, &avals, here(), |args| f(&args));
    assert!(closed.consts.is_empty(), "{name}: a sample captures nothing");
    let call = super::Jit { name: name.into(), jaxpr: closed.jaxpr, inline: false, keep_unused: false };
    Sample::new(Prim::new(call), args.iter().cloned())
}

/// An array in a formula: `+ - * /` with arrays of its dtype and with numbers.
#[derive(Clone, Debug)]
pub(crate) struct E(pub(crate) Array);

impl E {
    /// The number as a scalar of this dtype.
    pub(crate) fn lit(&self, value: f64) -> E {
        E(scalar_like(&self.0, value))
    }

    /// That number everywhere.
    pub(crate) fn full(&self, value: f64) -> E {
        E(super::full_like(&self.0, value))
    }
}

impl From<&Array> for E {
    fn from(x: &Array) -> E {
        E(x.clone())
    }
}

macro_rules! operators {
    ($($Trait:ident $method:ident $function:ident;)*) => {$(
        operators!(@ $Trait $method $function, E, E, |a, b| (&a.0, &b.0));
        operators!(@ $Trait $method $function, &E, E, |a, b| (&a.0, &b.0));
        operators!(@ $Trait $method $function, E, &E, |a, b| (&a.0, &b.0));
        operators!(@ $Trait $method $function, &E, &E, |a, b| (&a.0, &b.0));
        operators!(@ $Trait $method $function, E, f64, |a, b| (&a.0, &scalar_like(&a.0, b)));
        operators!(@ $Trait $method $function, &E, f64, |a, b| (&a.0, &scalar_like(&a.0, b)));
        operators!(@ $Trait $method $function, f64, E, |a, b| (&scalar_like(&b.0, a), &b.0));
        operators!(@ $Trait $method $function, f64, &E, |a, b| (&scalar_like(&b.0, a), &b.0));
    )*};
    (@ $Trait:ident $method:ident $function:ident, $L:ty, $R:ty, |$a:ident, $b:ident| ($x:expr, $y:expr)) => {
        impl $Trait<$R> for $L {
            type Output = E;
            #[track_caller]
            fn $method(self, rhs: $R) -> E {
                let ($a, $b) = (self, rhs);
                E(super::$function($x, $y))
            }
        }
    };
}

operators! {
    Add add add;
    Sub sub sub;
    Mul mul mul;
    Div div div;
}

impl Neg for E {
    type Output = E;
    #[track_caller]
    fn neg(self) -> E {
        E(super::neg(&self.0))
    }
}

impl Neg for &E {
    type Output = E;
    #[track_caller]
    fn neg(self) -> E {
        E(super::neg(&self.0))
    }
}

macro_rules! unary_methods {
    ($($name:ident),*) => {
        impl E {
            $(#[track_caller]
            pub(crate) fn $name(&self) -> E {
                E(super::$name(&self.0))
            })*
        }
    };
}

unary_methods!(abs, exp, log, log1p, sqrt, square, floor, sin, cos, lgamma, digamma, not);

macro_rules! comparisons {
    ($($name:ident),*) => {
        impl E {
            $(#[track_caller]
            pub(crate) fn $name(&self, other: impl Operand) -> E {
                E(super::$name(&self.0, &other.of(self).0))
            })*
        }
    };
}

comparisons!(lt, le, gt, ge, eq, ne, max, min, pow, and, or);

/// What stands at the right of an [`E`] in a comparison: another, or a number.
pub(crate) trait Operand {
    fn of(self, left: &E) -> E;
}

impl Operand for &E {
    fn of(self, _: &E) -> E {
        self.clone()
    }
}

impl Operand for E {
    fn of(self, _: &E) -> E {
        self
    }
}

impl Operand for f64 {
    fn of(self, left: &E) -> E {
        left.lit(self)
    }
}

/// `on_true` where `which` holds, `on_false` elsewhere; scalars are stretched.
#[track_caller]
pub(crate) fn choose(which: &E, on_true: &E, on_false: impl Operand) -> E {
    let on_false = on_false.of(on_true);
    let all = [&which.0, &on_true.0, &on_false.0];
    let shape = all.into_iter().max_by_key(|x| x.ndim()).expect("three").shape().to_vec();
    let [which, t, f] = all.map(|x| super::maybe_broadcast(&shape, x));
    E(super::select(&which, &t, &f))
}
