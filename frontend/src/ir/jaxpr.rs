//! Jaxprs: straight-line programs of equations in single static assignment form.
//!
//! Invariants: a [`Var`] is an index into its own jaxpr's [`Jaxpr::avals`]; every variable is defined once, before its uses,
//! by `constvars`, `invars` or an equation; a jaxpr that is a parameter of an equation has no `constvars` (what a nested
//! function captures is passed to it). A jaxpr never changes once it is built, which is why derived jaxprs may be kept
//! in its memo.

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};

use smallvec::SmallVec;

use super::array::Array;
use super::aval::Aval;
use super::primitive::{Effects, Prim};
use super::print::Printer;
use super::scalar::Literal;
use crate::config::cache_key;

/// The user's line that an equation comes from.
pub type Source = &'static Location<'static>;

/// A variable: an index into the avals of its jaxpr.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Var(pub u32);

impl Var {
    /// The variable as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// An operand: a variable or a literal.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Atom {
    /// A variable of the same jaxpr.
    Var(Var),
    /// A scalar constant.
    Literal(Literal),
}

impl Atom {
    /// The variable, if it is one.
    pub fn as_var(&self) -> Option<Var> {
        match self {
            Atom::Var(v) => Some(*v),
            Atom::Literal(_) => None,
        }
    }
}

/// One application of a primitive.
#[derive(Clone, Debug)]
pub struct Eqn {
    /// What is applied, with its parameters.
    pub prim: Prim,
    /// To what.
    pub inputs: SmallVec<[Atom; 2]>,
    /// What it defines.
    pub outs: SmallVec<[Var; 1]>,
    /// The user's line.
    pub source: Source,
    /// The names of the scopes that it stands in, outermost first: `outer/inner`.
    pub scope: Option<Arc<str>>,
}

/// The names of a scope inside of another. One that begins with the other's names is inside of it already: rules run where their equation stood.
pub(crate) fn nested_scope(outer: Option<&Arc<str>>, name: &Arc<str>) -> Arc<str> {
    let inside =
        |outer: &str| name.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    match outer {
        Some(outer) if !inside(outer) => format!("{outer}/{name}").into(),
        _ => name.clone(),
    }
}

/// A program: `{ lambda constvars ; invars. let eqns in (outs) }`.
pub struct Jaxpr {
    /// Variables that stand for captured arrays.
    pub constvars: Vec<Var>,
    /// Parameters.
    pub invars: Vec<Var>,
    /// Equations in order.
    pub eqns: Vec<Eqn>,
    /// Results.
    pub outs: Vec<Atom>,
    /// The aval of every variable.
    pub avals: Vec<Aval>,
    memo: Memo,
}

/// A jaxpr with the arrays that it captured.
///
/// Prints as JAX's do.
///
/// ```
/// # use jacinth_frontend::{Array, make_jaxpr};
/// let scale = Array::from([2.0f32, 3.0]);
/// let closed = make_jaxpr(|x: &Array| x * &scale)(&Array::from([1.0f32, 1.0])).unwrap();
/// assert_eq!(closed.to_string(), "{ lambda a:f32[2]; b:f32[2]. let c:f32[2] = mul b a in (c,) }");
/// assert_eq!((closed.consts.len(), closed.jaxpr.eqns[0].prim.name()), (1, "mul"));
/// ```
#[derive(Clone)]
pub struct ClosedJaxpr {
    /// The program.
    pub jaxpr: Arc<Jaxpr>,
    /// A value for each of its `constvars`.
    pub consts: Vec<Array>,
}

impl Jaxpr {
    /// A jaxpr from its parts; see the module's invariants.
    pub fn new(
        constvars: Vec<Var>,
        invars: Vec<Var>,
        eqns: Vec<Eqn>,
        outs: Vec<Atom>,
        avals: Vec<Aval>,
    ) -> Self {
        Jaxpr { constvars, invars, eqns, outs, avals, memo: Memo::default() }
    }

    /// The aval of a variable.
    pub fn aval(&self, var: Var) -> &Aval {
        &self.avals[var.index()]
    }

    /// The aval of an operand.
    pub fn atom_aval<'a>(&'a self, atom: &'a Atom) -> &'a Aval {
        match atom {
            Atom::Var(v) => self.aval(*v),
            Atom::Literal(l) => l.aval(),
        }
    }

    /// The avals of the parameters.
    pub fn in_avals(&self) -> impl ExactSizeIterator<Item = &Aval> + Clone {
        self.invars.iter().map(|v| self.aval(*v))
    }

    /// The avals of the results.
    pub fn out_avals(&self) -> impl ExactSizeIterator<Item = &Aval> + Clone {
        self.outs.iter().map(|a| self.atom_aval(a))
    }

    /// What the program does besides computing its results.
    pub fn effects(&self) -> Effects {
        self.eqns.iter().fold(Effects::NONE, |all, eqn| all | eqn.prim.effects())
    }

    /// Whether an equation uses that named axis.
    pub fn uses_axis(&self, name: &str) -> bool {
        #[derive(PartialEq)]
        struct Key(String);
        self.memoise(Key(name.to_owned()), || self.eqns.iter().any(|eqn| eqn.prim.uses_axis(name)))
    }

    /// The derived value kept under that key, computed at most once per jaxpr (twice if threads race).
    pub(crate) fn memoise<K, V>(&self, key: K, compute: impl FnOnce() -> V) -> V
    where
        K: PartialEq + Send + 'static,
        V: Clone + Send + 'static,
    {
        // What a rule writes may depend on a switch.
        let key = (cache_key(), key);
        if let Some(value) = self.memo.get::<(u32, K), V>(&key) {
            return value;
        }
        let value = compute();
        self.memo.put(key, value.clone());
        value
    }
}

/// Identity: two jaxprs are equal if they are the same allocation.
impl PartialEq for Jaxpr {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Jaxpr {}

impl Hash for Jaxpr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::ptr::hash(self, state);
    }
}

impl fmt::Display for Jaxpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Printer::print(self))
    }
}

impl fmt::Debug for Jaxpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl ClosedJaxpr {
    /// The avals of the parameters.
    pub fn in_avals(&self) -> impl ExactSizeIterator<Item = &Aval> + Clone {
        self.jaxpr.in_avals()
    }

    /// The avals of the results.
    pub fn out_avals(&self) -> impl ExactSizeIterator<Item = &Aval> + Clone {
        self.jaxpr.out_avals()
    }
}

impl fmt::Display for ClosedJaxpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&*self.jaxpr, f)
    }
}

impl fmt::Debug for ClosedJaxpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Values derived from a jaxpr, found by key.
#[derive(Default)]
struct Memo(Mutex<Vec<Box<dyn Any + Send>>>);

impl Memo {
    fn get<K: PartialEq + 'static, V: Clone + 'static>(&self, key: &K) -> Option<V> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries
            .iter()
            .filter_map(|e| e.downcast_ref::<(K, V)>())
            .find(|(k, _)| k == key)
            .map(|(_, v)| v.clone())
    }

    fn put<K: Send + 'static, V: Send + 'static>(&self, key: K, value: V) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new((key, value)));
    }
}
