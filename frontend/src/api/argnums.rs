//! Which arguments a derivative is taken with respect to, and the types that follow: JAX's `argnums` and `has_aux`, as types.
//!
//! The type of a gradient is the type of the arguments chosen, so the choice is made by type: `argnums!(1)` is the second argument,
//! `argnums!(0, 1)` a tuple of the first two.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use super::function::Signature;
use super::tree::{MapKey, Pytree};
use crate::ir::Array;

/// The argument of that number, counted from 0.
///
/// ```
/// # use jacinth_frontend::{Argnum, Array, grad};
/// let f = |x: &Array, y: &Array| x * y;
/// assert_eq!(grad(f).argnums(Argnum::<1>)(&Array::from(2.0), &Array::from(3.0)).item::<f32>(), 2.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Argnum<const I: usize>;

/// The arguments of those numbers: `argnums!(1)` one of them, `argnums!(0, 1)` a tuple.
///
/// ```
/// # use jacinth_frontend::{Array, argnums, grad};
/// let f = |w: &Array, b: &Array, x: &Array| w * x + b;
/// let (w, b, x) = (Array::from(2.0), Array::from(1.0), Array::from(5.0));
/// assert_eq!(grad(f).argnums(argnums!(1))(&w, &b, &x).item::<f32>(), 1.0);
/// let (dw, _db) = grad(f).argnums(argnums!(0, 1))(&w, &b, &x);
/// assert_eq!(dw.item::<f32>(), 5.0);
/// ```
#[macro_export]
macro_rules! argnums {
    ($i:literal) => {
        $crate::Argnum::<$i>
    };
    ($($i:literal),+ $(,)?) => {
        ($($crate::Argnum::<$i>,)+)
    };
}

/// Arguments of a function of that signature, chosen by number.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not choose arguments of this function",
    note = "write `argnums!(1)` for the second argument or `argnums!(0, 1)` for a tuple; the function must have them"
)]
pub trait Argnums<S: Signature>: 'static {
    /// The type of the derivative of a scalar.
    type Trees: Pytree;
    /// The numbers.
    const INDICES: &'static [usize];
    /// Whether `Trees` is the argument's own type rather than a tuple.
    const SINGLE: bool;
}

impl<const I: usize, S: Signature<Trees: At<I>>> Argnums<S> for Argnum<I> {
    type Trees = <S::Trees as At<I>>::Tree;
    const INDICES: &'static [usize] = &[I];
    const SINGLE: bool = true;
}

macro_rules! tuples_of_argnums {
    ($($I:ident),+) => {
        impl<$(const $I: usize),+, S: Signature> Argnums<S> for ($(Argnum<$I>,)+)
        where
            $(S::Trees: At<$I>),+
        {
            type Trees = ($(<S::Trees as At<$I>>::Tree,)+);
            const INDICES: &'static [usize] = &[$($I),+];
            const SINGLE: bool = false;
        }
    };
}

tuples_of_argnums!(I);
tuples_of_argnums!(I, J);
tuples_of_argnums!(I, J, K);
tuples_of_argnums!(I, J, K, L);
tuples_of_argnums!(I, J, K, L, M);
tuples_of_argnums!(I, J, K, L, M, N);

/// A tuple's element.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the function has no argument number {I}",
    note = "arguments are counted from 0; a derivative is taken with respect to argument 0 unless `argnums` says otherwise"
)]
pub trait At<const I: usize> {
    /// Its type.
    type Tree: Pytree;
}

macro_rules! elements {
    ($($I:literal $T:ident),+) => {
        elements!(@all ($($T),+) $($I $T),+);
    };
    (@all $all:tt $($I:literal $T:ident),+) => {
        $(elements!(@one $all $I $T);)+
    };
    (@one ($($T:ident),+) $I:literal $U:ident) => {
        impl<$($T: Pytree),+> At<$I> for ($($T,)+) {
            type Tree = $U;
        }
    };
}

elements!(0 A);
elements!(0 A, 1 B);
elements!(0 A, 1 B, 2 C);
elements!(0 A, 1 B, 2 C, 3 D);
elements!(0 A, 1 B, 2 C, 3 D, 4 E);
elements!(0 A, 1 B, 2 C, 3 D, 4 E, 5 F);
elements!(0 A, 1 B, 2 C, 3 D, 4 E, 5 F, 6 G);
elements!(0 A, 1 B, 2 C, 3 D, 4 E, 5 F, 6 G, 7 H);

/// A result that is a value to differentiate and something else, which is passed through.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "with has_aux the function must give a pair: the value, and what is passed through"
)]
pub trait HasAux: Pytree {
    /// What is differentiated.
    type Value: Pytree;
    /// What is passed through.
    type Aux: Pytree;
    /// Takes the pair apart.
    fn split(self) -> (Self::Value, Self::Aux);
}

impl<V: Pytree, X: Pytree> HasAux for (V, X) {
    type Value = V;
    type Aux = X;
    fn split(self) -> (V, X) {
        self
    }
}

/// Trees in which every array can be replaced by another tree: what the derivative of a tree by a tree is made of.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "the derivative of `{Self}` by a tree has no type of its own",
    note = "arrays, tuples, `Vec`, `[T; N]`, `Option`, `Box` and maps of them can stand outside; of a struct return its leaves, or differentiate leaf by leaf"
)]
pub trait Outer: Pytree {
    /// This tree with every array replaced.
    type Of<T: Pytree>: Pytree;
}

impl Outer for Array {
    type Of<T: Pytree> = T;
}

impl Outer for () {
    type Of<T: Pytree> = ();
}

impl<A: Outer> Outer for Vec<A> {
    type Of<T: Pytree> = Vec<A::Of<T>>;
}

impl<A: Outer> Outer for Option<A> {
    type Of<T: Pytree> = Option<A::Of<T>>;
}

impl<A: Outer> Outer for Box<A> {
    type Of<T: Pytree> = Box<A::Of<T>>;
}

impl<K: MapKey, A: Outer> Outer for BTreeMap<K, A> {
    type Of<T: Pytree> = BTreeMap<K, A::Of<T>>;
}

impl<K: MapKey + Hash, A: Outer> Outer for HashMap<K, A> {
    type Of<T: Pytree> = HashMap<K, A::Of<T>>;
}

macro_rules! outer_tuples {
    ($($T:ident),+) => {
        impl<$($T: Outer),+> Outer for ($($T,)+) {
            type Of<X: Pytree> = ($($T::Of<X>,)+);
        }
    };
}

outer_tuples!(A);
outer_tuples!(A, B);
outer_tuples!(A, B, C);
outer_tuples!(A, B, C, D);
outer_tuples!(A, B, C, D, E);
outer_tuples!(A, B, C, D, E, F);
