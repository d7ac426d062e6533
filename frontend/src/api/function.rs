//! Functions that transformations take and give: any closure over pytrees, by value or by reference, and the handles made of them.
//!
//! A signature is a marker type such as `fn(Val<Mlp>, Ref<Array>) -> Array`. Closures implement [`Function`] for the signature that
//! they have: inference finds it, because no reference type is a [`Pytree`], and handles may implement it too, because
//! `Fn` is fundamental. A handle derefs to `dyn Fn`, so that it is called like a function. Everything generic here is a thin shim: it
//! hands leaves and structure to code that is compiled once.

use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

use crate::api::call_site;
use crate::api::jit::Entry;
use crate::error::{Error, OrRaise, Result, boundary};
use crate::ir::Array;
use crate::tree::{self, Flattener, Leaves, Pytree, TreeDef, Unflattener};

/// An argument taken by value.
///
/// ```
/// # use jacinth_frontend::{Array, api::function::Val, jit};
/// type Update = fn(Val<Array>) -> Array; // the signature of `|x: Array| …`
/// let f = jit::<Update, _>(|x| x + 1.0);
/// assert_eq!(f(Array::from(1.0)).item::<f32>(), 2.0);
/// ```
#[derive(Debug)]
pub struct Val<T>(PhantomData<fn() -> T>);

/// An argument taken by reference.
///
/// ```
/// # use jacinth_frontend::{Array, Jit, api::function::Ref, jit};
/// struct Model<'f> {
///     apply: Jit<'f, fn(Ref<Array>, Ref<Array>) -> Array>, // made of `|w: &Array, x: &Array| …`
/// }
/// let model = Model { apply: jit(|w: &Array, x: &Array| w * x) };
/// assert_eq!((model.apply)(&Array::from(2.0), &Array::from(3.0)).item::<f32>(), 6.0);
/// ```
#[derive(Debug)]
pub struct Ref<T>(PhantomData<fn() -> T>);

/// A function over pytrees with signature `S`.
///
/// Implemented by closures and functions `Fn(A, &B, …) -> O` in every mix of up to four arguments by value and by reference, and of five to
/// eight of one kind, whose arguments and result are pytrees; and by what `jit`, `grad`, `vmap` give.
///
/// ```
/// # use jacinth_frontend::{Array, Jit, api::Function, api::function::Ref, grad, jit};
/// // A transformation of one's own: the second derivative, jitted.
/// fn bend<'f>(f: impl Function<fn(Ref<Array>) -> Array> + 'f) -> Jit<'f, fn(Ref<Array>) -> Array> {
///     jit(grad(grad(f)))
/// }
/// assert_eq!(bend(|x: &Array| x * x * x)(&Array::from(2.0)).item::<f32>(), 12.0);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a function that can be transformed",
    note = "it must be `Fn + Send + Sync` over up to 4 pytrees, each by value or by reference (5 to 8: all of one kind), and return a pytree by value",
    note = "name the types of a closure's parameters (`|x: &Array| …`); give an argument back with `x.clone()`; a number is an `Array`, and a value \
            that is no array is captured or passed as `Static`"
)]
pub trait Function<S: Signature> {
    /// The function over leaves.
    #[doc(hidden)]
    fn into_flat<'f>(self) -> Arc<dyn FlatFn + 'f>
    where
        Self: 'f;
}

/// A function over leaves and their structure.
#[doc(hidden)]
pub trait FlatFn: Send + Sync {
    /// Applies the function; `def` is the structure of the tuple of arguments. Errors inside of it are raised.
    fn call(&self, leaves: Leaves, def: &TreeDef) -> Result<(Vec<Array>, TreeDef)>;
    /// The function's name.
    fn name(&self) -> &str;
}

/// What arguments and result of a function are.
#[doc(hidden)]
pub trait Signature: 'static {
    /// The result.
    type Out: Pytree;
    /// The arguments as a tuple of owned trees.
    type Trees: Pytree;
    /// The same arguments with another result.
    type With<R: Pytree>: Signature<Out = R, Trees = Self::Trees>;
    /// The arguments as they are passed, as a tuple.
    type Args<'a>;
    /// A function object with these arguments that returns `R`.
    type Dyn<'f, R: 'f>: ?Sized;
    /// Which arguments are passed by value.
    const BY_VALUE: &'static [bool];
    /// The function object that flattens its arguments for `target`.
    fn shim<'f, R: 'f>(target: Arc<dyn Target<R> + 'f>) -> Box<Self::Dyn<'f, R>>;
    /// Flattens arguments for `target`.
    fn apply<R>(target: &dyn Target<R>, args: Self::Args<'_>) -> R;
}

/// What stands behind a function object: receives flattened arguments.
#[doc(hidden)]
pub trait Target<R>: Send + Sync {
    /// A compiled entry whose structure is worth comparing with.
    fn known(&self) -> Option<Arc<Entry>> {
        None
    }
    /// Takes the leaves; with `known` their structure is the entry's, otherwise it was recorded.
    fn run(&self, args: Flattener<'_>, known: Option<&Arc<Entry>>) -> R;
}

/// A closure with its signature.
struct Closure<F, S> {
    f: F,
    name: String,
    signature: PhantomData<fn() -> S>,
}

/// The name that a function goes by in jaxprs: its last path segment, `<lambda>` for closures.
pub(crate) fn function_name<F>() -> String {
    last_segment(type_name::<F>())
}

fn last_segment(full: &str) -> String {
    let full = full.trim_start_matches('&');
    let path = full.split('<').next().unwrap_or(full);
    match path.rsplit("::").next() {
        Some(last) if !last.is_empty() && !last.starts_with('{') => last.to_owned(),
        _ => "<lambda>".to_owned(),
    }
}

macro_rules! passed {
    ($f:lifetime, Val, $T:ident) => {
        $T
    };
    ($f:lifetime, Ref, $T:ident) => {
        &$f $T
    };
}

macro_rules! by_value {
    (Val) => {
        true
    };
    (Ref) => {
        false
    };
}

macro_rules! pass {
    (Val, $x:ident) => {
        $x
    };
    (Ref, $x:ident) => {
        &$x
    };
}

macro_rules! borrow {
    (Val, $x:ident) => {
        &$x
    };
    (Ref, $x:ident) => {
        $x
    };
}

macro_rules! count {
    () => { 0 };
    ($head:ident $($tail:ident)*) => { 1 + count!($($tail)*) };
}

/// Arguments as `flatten` hands them over, compared with the structure of the known entry, or recorded where it is another.
fn flattened<'a>(
    known: Option<&'a Arc<Entry>>,
    flatten: &dyn Fn(&mut Flattener<'a>),
) -> (Flattener<'a>, Option<&'a Arc<Entry>>) {
    if let Some(entry) = known {
        let mut args = Flattener::comparing(entry.def());
        flatten(&mut args);
        if args.matches() {
            return (args, known);
        }
    }
    let mut args = Flattener::new();
    flatten(&mut args);
    (args, None)
}

/// The closure, which the compiler then takes for one of a single lifetime.
fn by<'a, F: Fn(&mut Flattener<'a>)>(flatten: F) -> F {
    flatten
}

macro_rules! function {
    ($($K:ident $T:ident $x:ident $P:ty),*) => {
        impl<O: Pytree, $($T: Pytree),*> Signature for fn($($K<$T>),*) -> O {
            type Out = O;
            type Trees = ($($T,)*);
            type With<R: Pytree> = fn($($K<$T>),*) -> R;
            type Args<'a> = ($(passed!('a, $K, $T),)*);
            type Dyn<'f, R: 'f> = dyn Fn($($P),*) -> R + Send + Sync + 'f;
            const BY_VALUE: &'static [bool] = &[$(by_value!($K)),*];

            fn shim<'f, R: 'f>(target: Arc<dyn Target<R> + 'f>) -> Box<Self::Dyn<'f, R>> {
                Box::new(move |$($x: $P),*| Self::apply(&*target, ($($x,)*)))
            }

            fn apply<R>(target: &dyn Target<R>, args: Self::Args<'_>) -> R {
                let ($($x,)*) = args;
                let known = target.known();
                let (args, known) = flattened(known.as_ref(), &by(|args| {
                    args.tuple(count!($($x)*));
                    $(Pytree::flatten(borrow!($K, $x), args);)*
                }));
                target.run(args, known)
            }
        }

        impl<F, O: Pytree, $($T: Pytree),*> Function<fn($($K<$T>),*) -> O> for F
        where
            F: Fn($($P),*) -> O + Send + Sync,
        {
            fn into_flat<'f>(self) -> Arc<dyn FlatFn + 'f>
            where
                Self: 'f,
            {
                let name = function_name::<F>();
                Arc::new(Closure { f: self, name, signature: PhantomData::<fn() -> fn($($K<$T>),*) -> O> })
            }
        }

        impl<F, O: Pytree, $($T: Pytree),*> FlatFn for Closure<F, fn($($K<$T>),*) -> O>
        where
            F: Fn($($P),*) -> O + Send + Sync,
        {
            fn call(&self, leaves: Leaves, def: &TreeDef) -> Result<(Vec<Array>, TreeDef)> {
                let mut from = Unflattener::new(def, leaves)?;
                from.tuple(count!($($x)*))?;
                $(let $x = <$T as Pytree>::unflatten(&mut from)?;)*
                from.finish()?;
                Ok(tree::flatten(&(self.f)($(pass!($K, $x)),*)))
            }

            fn name(&self) -> &str {
                &self.name
            }
        }
    };
}

/// Every mix of the two kinds for the remaining arguments.
macro_rules! mixes {
    ([$($done:tt)*]) => { function!($($done)*); };
    ([] $T:ident $x:ident; $($rest:tt)*) => {
        mixes!([Val $T $x $T] $($rest)*);
        mixes!([Ref $T $x &$T] $($rest)*);
    };
    ([$($done:tt)+] $T:ident $x:ident; $($rest:tt)*) => {
        mixes!([$($done)+, Val $T $x $T] $($rest)*);
        mixes!([$($done)+, Ref $T $x &$T] $($rest)*);
    };
}

mixes!([]);
mixes!([] A a;);
mixes!([] A a; B b;);
mixes!([] A a; B b; C c;);
mixes!([] A a; B b; C c; D d;);
function!(Val A a A, Val B b B, Val C c C, Val D d D, Val E e E);
function!(Val A a A, Val B b B, Val C c C, Val D d D, Val E e E, Val G g G);
function!(Val A a A, Val B b B, Val C c C, Val D d D, Val E e E, Val G g G, Val H h H);
function!(Val A a A, Val B b B, Val C c C, Val D d D, Val E e E, Val G g G, Val H h H, Val I i I);
function!(Ref A a &A, Ref B b &B, Ref C c &C, Ref D d &D, Ref E e &E);
function!(Ref A a &A, Ref B b &B, Ref C c &C, Ref D d &D, Ref E e &E, Ref G g &G);
function!(Ref A a &A, Ref B b &B, Ref C c &C, Ref D d &D, Ref E e &E, Ref G g &G, Ref H h &H);
function!(Ref A a &A, Ref B b &B, Ref C c &C, Ref D d &D, Ref E e &E, Ref G g &G, Ref H h &H, Ref I i &I);

/// A transformed function: called like the function it was made of.
///
/// ```
/// # use jacinth_frontend::{Array, named_call, vmap};
/// let growth = named_call(|x: &Array| x.exp(), "growth");
/// assert_eq!(growth(&Array::from(0.0)).item::<f32>(), 1.0);
/// assert_eq!(vmap(&growth)(&Array::from([0.0f32, 0.0])).shape(), [2]);
/// ```
pub struct Transformed<'f, S: Signature> {
    pub(crate) flat: Arc<dyn FlatFn + 'f>,
    call: Box<S::Dyn<'f, S::Out>>,
}

impl<'f, S: Signature> Transformed<'f, S> {
    pub(crate) fn new(flat: Arc<dyn FlatFn + 'f>) -> Self {
        let call = S::shim(Arc::new(Direct { flat: flat.clone(), out: PhantomData }));
        Transformed { flat, call }
    }

    /// Calls the function with its arguments as a tuple; what would panic comes back as an error.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, named_call, numpy as jnp};
    /// let f = named_call(|x: &Array, y: &Array| x + y, "sum");
    /// assert!(f.try_call((&jnp::ones([2]), &jnp::ones([3]))).is_err());
    /// ```
    ///
    /// # Errors
    /// Whatever is wrong with the arguments, the function, or the run.
    #[track_caller]
    pub fn try_call(&self, args: S::Args<'_>) -> Result<S::Out> {
        let at = Location::caller();
        call_site::note(&self.flat);
        let result = boundary(|| S::apply(&Direct { flat: self.flat.clone(), out: PhantomData }, args));
        result.map_err(|e| e.at(at))
    }
}

impl<'f, S: Signature> Deref for Transformed<'f, S> {
    type Target = S::Dyn<'f, S::Out>;
    #[track_caller]
    fn deref(&self) -> &Self::Target {
        call_site::note(&self.flat);
        &self.call
    }
}

impl<S: Signature> Function<S> for Transformed<'_, S> {
    fn into_flat<'f>(self) -> Arc<dyn FlatFn + 'f>
    where
        Self: 'f,
    {
        self.flat
    }
}

/// A reference to a handle is as good as the handle.
impl<S: Signature> Function<S> for &Transformed<'_, S> {
    fn into_flat<'f>(self) -> Arc<dyn FlatFn + 'f>
    where
        Self: 'f,
    {
        self.flat.clone()
    }
}

impl<S: Signature> Clone for Transformed<'_, S> {
    fn clone(&self) -> Self {
        Transformed::new(self.flat.clone())
    }
}

impl<S: Signature> fmt::Debug for Transformed<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Transformed").field(&self.flat.name()).finish()
    }
}

/// Applies a function over leaves and puts its result together.
struct Direct<'f, O> {
    flat: Arc<dyn FlatFn + 'f>,
    out: PhantomData<fn() -> O>,
}

impl<O: Pytree> Target<O> for Direct<'_, O> {
    fn run(&self, args: Flattener<'_>, _: Option<&Arc<Entry>>) -> O {
        let called_at = call_site::take(&self.flat);
        let (leaves, def) = args.finish();
        let leaves = leaves.into_iter().cloned().collect();
        let outs = call_site::within(called_at, || self.flat.call(leaves, &def));
        let (leaves, def) = outs.map_err(|e| called_at.into_iter().fold(e, Error::at)).or_raise();
        build(&def, leaves)
    }
}

/// Puts a tree together; its structure is the type's own.
pub(crate) fn build<T: Pytree>(def: &TreeDef, leaves: impl IntoIterator<Item = Array>) -> T {
    tree::try_unflatten(def, leaves).or_raise()
}
