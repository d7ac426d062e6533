//! Reverse mode of scalar functions: `grad` and `value_and_grad`, with JAX's options as methods.
//!
//! What is differentiated by what is part of the type: `argnums` and `has_aux` change the type of the handle, `holomorphic` and `allow_int`
//! only what is refused.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, Range};
use std::panic::Location;
use std::sync::Arc;

use super::argnums::{Argnum, Argnums, HasAux};
use super::function::{FlatFn, Function, Signature, Transformed};
use crate::error::{Error, OrRaise, Result};
use crate::ir::{Array, ClosedJaxpr, DType, Source, numpy_name};
use crate::lax::{KIT, zeros_like};
use crate::trace::check_all_alive;
use crate::transform::{self, backward_pass, has_tangent};
use crate::tree::{Leaves, Pytree, TreeDef, keystr};

/// The function that gives the gradient of the scalar function `f`, with respect to its first argument unless [`Grad::argnums`] says
/// otherwise.
///
/// ```
/// # use jacinth_frontend::{Array, argnums, grad};
/// let f = |x: &Array, y: &Array| x * y * y;
/// let (x, y) = (Array::from(2.0), Array::from(3.0));
/// assert_eq!(grad(f)(&x, &y).item::<f32>(), 9.0);
/// let (dx, dy) = grad(f).argnums(argnums!(0, 1))(&x, &y);
/// assert_eq!((dx.item::<f32>(), dy.item::<f32>()), (9.0, 12.0));
/// ```
///
/// # Panics
/// Calling it panics if the result is no real scalar, or an argument to be differentiated has leaves that are not floating point or
/// complex; the message names the leaf.
#[track_caller]
pub fn grad<'f, S, F>(f: F) -> Grad<'f, S>
where
    S: Signature,
    Argnum<0>: Argnums<S>,
    F: Function<S> + 'f,
{
    Grad::new(Options::new(f.into_flat(), Location::caller()))
}

/// The function that gives the value of the scalar function `f` and its gradient: `(value, gradient)`, and with [`Grad::has_aux`]
/// `((value, aux), gradient)`.
///
/// ```
/// # use jacinth_frontend::{Array, value_and_grad};
/// let loss = |w: &Array, x: &Array| (w * x - 1.0).square().sum();
/// let (value, slope) = value_and_grad(loss)(&Array::from([1.0f32, 2.0]), &Array::from([3.0f32, 1.0]));
/// assert_eq!((value.item::<f32>(), slope.to_vec::<f32>()), (5.0, vec![12.0, 2.0]));
/// ```
///
/// # Panics
/// As [`grad`].
#[track_caller]
pub fn value_and_grad<'f, S, F>(f: F) -> Grad<'f, S, Argnum<0>, ValueAndGradient>
where
    S: Signature,
    Argnum<0>: Argnums<S>,
    F: Function<S> + 'f,
{
    Grad::new(Options::new(f.into_flat(), Location::caller()))
}

/// A function that gives gradients; see [`grad`]. `A` says by which arguments, `W` what it gives.
///
/// ```
/// # use jacinth_frontend::{Array, grad, jit, vmap};
/// let slope = grad(|x: &Array| x.square()); // a function that other transformations take
/// assert_eq!(grad(&slope)(&Array::from(3.0)).item::<f32>(), 2.0);
/// assert_eq!(jit(vmap(slope))(&Array::from([1.0f32, 2.0])).to_vec::<f32>(), [2.0, 4.0]);
/// ```
pub struct Grad<'f, S: Signature, A: Argnums<S> = Argnum<0>, W: Gives<S, A> = Gradient> {
    options: Options<'f>,
    call: Transformed<'f, S::With<W::Out>>,
    choice: PhantomData<fn() -> (A, W)>,
}

impl<'f, S: Signature, A: Argnums<S>, W: Gives<S, A>> Grad<'f, S, A, W> {
    fn new(options: Options<'f>) -> Self {
        let options =
            Options { argnums: A::INDICES, single: A::SINGLE, value: W::VALUE, aux: W::AUX, ..options };
        let call = Transformed::new(Arc::new(options.clone()) as Arc<dyn FlatFn + 'f>);
        Grad { options, call, choice: PhantomData }
    }

    /// The arguments to differentiate by, counted from 0: `argnums!(1)` gives the second argument's type, `argnums!(0, 1)` a tuple.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, argnums, grad};
    /// let power = |x: &Array, n: &Array| x.pow(n);
    /// let by_n = grad(power).argnums(argnums!(1));
    /// assert_eq!(by_n(&Array::from(1.0), &Array::from(5.0)).item::<f32>(), 0.0); // ln(1)·1⁵
    /// ```
    pub fn argnums<B: Argnums<S>>(self, _: B) -> Grad<'f, S, B, W>
    where
        W: Gives<S, B>,
    {
        Grad::new(self.options)
    }

    /// Whether the function is complex, and holomorphic where it is differentiated: arguments and result must be complex.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, grad, lax};
    /// let z = lax::complex(&Array::from(1.0f32), &Array::from(2.0f32));
    /// let slope = grad(|z: &Array| z * z).holomorphic(true)(&z); // 2z
    /// assert_eq!((slope.real().item::<f32>(), slope.imag().item::<f32>()), (2.0, 4.0));
    /// ```
    pub fn holomorphic(self, holomorphic: bool) -> Self {
        Grad::new(Options { holomorphic, ..self.options })
    }

    /// Whether integer and boolean leaves are allowed; their gradients are zeros of their type.
    ///
    /// JAX gives such gradients the dtype `float0`, which is not here.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, DType, grad};
    /// let scaled = |n: &Array| n.astype(DType::F32) * 3.0;
    /// assert!(grad(scaled).try_call((&Array::from(2),)).is_err());
    /// assert_eq!(grad(scaled).allow_int(true)(&Array::from(2)).dtype(), DType::I32);
    /// ```
    pub fn allow_int(self, allow_int: bool) -> Self {
        Grad::new(Options { allow_int, ..self.options })
    }

    /// Calls the function with its arguments as a tuple; what would panic comes back as an error.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, grad};
    /// let error = grad(|x: &Array| x * 2.0).try_call((&Array::from([1.0f32, 2.0]),)).unwrap_err();
    /// assert!(error.to_string().contains("Output had shape: (2,); sum over it, or use `vjp`"));
    /// ```
    ///
    /// # Errors
    /// Whatever is wrong with the arguments, the function, or the run.
    #[track_caller]
    pub fn try_call(&self, args: <S::With<W::Out> as Signature>::Args<'_>) -> Result<W::Out> {
        self.call.try_call(args)
    }
}

impl<'f, S: Signature<Out: HasAux>, A: Argnums<S>> Grad<'f, S, A, Gradient> {
    /// The function gives a pair, of which the first is differentiated and the second passed through: `(gradient, aux)`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, grad};
    /// let loss = |w: &Array| {
    ///     let logits = w * 2.0;
    ///     (logits.sum(), logits)
    /// };
    /// let (slope, logits) = grad(loss).has_aux()(&Array::from([1.0f32, 2.0]));
    /// assert_eq!((slope.to_vec::<f32>(), logits.to_vec::<f32>()), (vec![2.0, 2.0], vec![2.0, 4.0]));
    /// ```
    pub fn has_aux(self) -> Grad<'f, S, A, GradientAndAux> {
        Grad::new(self.options)
    }
}

impl<'f, S: Signature<Out: HasAux>, A: Argnums<S>> Grad<'f, S, A, ValueAndGradient> {
    /// The function gives a pair, of which the first is differentiated and the second passed through: `((value, aux), gradient)`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, value_and_grad};
    /// let loss = |w: &Array| (w.square().sum(), w.max());
    /// let ((value, largest), slope) = value_and_grad(loss).has_aux()(&Array::from([1.0f32, 2.0]));
    /// assert_eq!((value.item::<f32>(), largest.item::<f32>()), (5.0, 2.0));
    /// assert_eq!(slope.to_vec::<f32>(), [2.0, 4.0]);
    /// ```
    pub fn has_aux(self) -> Grad<'f, S, A, ValueAuxAndGradient> {
        Grad::new(self.options)
    }
}

impl<'f, S: Signature, A: Argnums<S>, W: Gives<S, A>> Deref for Grad<'f, S, A, W> {
    type Target = <S::With<W::Out> as Signature>::Dyn<'f, W::Out>;
    #[track_caller]
    fn deref(&self) -> &Self::Target {
        &self.call
    }
}

impl<S: Signature, A: Argnums<S>, W: Gives<S, A>> Function<S::With<W::Out>> for Grad<'_, S, A, W> {
    fn into_flat<'f>(self) -> Arc<dyn FlatFn + 'f>
    where
        Self: 'f,
    {
        self.call.flat
    }
}

/// A reference to a handle is as good as the handle.
impl<S: Signature, A: Argnums<S>, W: Gives<S, A>> Function<S::With<W::Out>> for &Grad<'_, S, A, W> {
    fn into_flat<'f>(self) -> Arc<dyn FlatFn + 'f>
    where
        Self: 'f,
    {
        self.call.flat.clone()
    }
}

impl<S: Signature, A: Argnums<S>, W: Gives<S, A>> Clone for Grad<'_, S, A, W> {
    fn clone(&self) -> Self {
        Grad { options: self.options.clone(), call: self.call.clone(), choice: PhantomData }
    }
}

impl<S: Signature, A: Argnums<S>, W: Gives<S, A>> fmt::Debug for Grad<'_, S, A, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grad({}, argnums={:?})", self.options.inner.name(), A::INDICES)
    }
}

/// What a [`Grad`] gives.
#[doc(hidden)]
pub trait Gives<S: Signature, A: Argnums<S>>: 'static {
    /// Its type.
    type Out: Pytree;
    /// Whether the value is given.
    const VALUE: bool;
    /// Whether something is passed through.
    const AUX: bool;
}

/// The gradient.
#[derive(Clone, Copy, Debug)]
pub struct Gradient;

/// The gradient and what is passed through.
#[derive(Clone, Copy, Debug)]
pub struct GradientAndAux;

/// The value and the gradient.
#[derive(Clone, Copy, Debug)]
pub struct ValueAndGradient;

/// The value with what is passed through, and the gradient.
#[derive(Clone, Copy, Debug)]
pub struct ValueAuxAndGradient;

impl<S: Signature, A: Argnums<S>> Gives<S, A> for Gradient {
    type Out = A::Trees;
    const VALUE: bool = false;
    const AUX: bool = false;
}

impl<S: Signature<Out: HasAux>, A: Argnums<S>> Gives<S, A> for GradientAndAux {
    type Out = (A::Trees, <S::Out as HasAux>::Aux);
    const VALUE: bool = false;
    const AUX: bool = true;
}

impl<S: Signature, A: Argnums<S>> Gives<S, A> for ValueAndGradient {
    type Out = (S::Out, A::Trees);
    const VALUE: bool = true;
    const AUX: bool = false;
}

impl<S: Signature<Out: HasAux>, A: Argnums<S>> Gives<S, A> for ValueAuxAndGradient {
    type Out = (S::Out, A::Trees);
    const VALUE: bool = true;
    const AUX: bool = true;
}

/// A function and how it is differentiated.
#[derive(Clone)]
struct Options<'f> {
    inner: Arc<dyn FlatFn + 'f>,
    argnums: &'static [usize],
    single: bool,
    value: bool,
    aux: bool,
    holomorphic: bool,
    allow_int: bool,
    called_at: Source,
}

impl<'f> Options<'f> {
    fn new(inner: Arc<dyn FlatFn + 'f>, called_at: Source) -> Self {
        Options {
            inner,
            argnums: &[0],
            single: true,
            value: false,
            aux: false,
            holomorphic: false,
            allow_int: false,
            called_at,
        }
    }

    /// Refuses a result that is no scalar to differentiate.
    fn check_value(&self, values: &[Array], def: &TreeDef) -> Result<()> {
        let name = self.inner.name();
        let refuse = |what: String| Err(Error::argument(format!("grad of `{name}`: {what}")));
        let [value] = values else {
            return refuse(format!("gradient only defined for scalar-output functions. Output was {def}"));
        };
        let found = numpy_name(value.dtype());
        if value.ndim() != 0 {
            return refuse(format!(
                "gradient only defined for scalar-output functions. Output had shape: {}; sum over it, or use `vjp`",
                crate::lax::rules::show(value.shape())
            ));
        }
        if self.holomorphic {
            if !value.dtype().is_complex() {
                return refuse(format!("with holomorphic(true) the output must be complex, but got {found}"));
            }
        } else if value.dtype().is_complex() {
            return refuse(format!(
                "the output must be real-valued (floating point), but got {found}. For holomorphic differentiation, say \
                 holomorphic(true). For differentiation of non-holomorphic functions with complex outputs, use `vjp` directly"
            ));
        } else if !value.dtype().is_float() {
            return refuse(format!(
                "the output must be real-valued (floating point), but got {found}. For differentiation of functions with integer \
                 outputs, use `vjp` directly"
            ));
        }
        Ok(())
    }
}

/// The leaves that belong to each of the chosen arguments, and those arguments' structures.
pub(super) fn chosen(argnums: &[usize], def: &TreeDef) -> (Vec<Range<usize>>, Vec<TreeDef>) {
    let children = def.children();
    let mut ends = vec![0];
    children.iter().for_each(|child| ends.push(ends[ends.len() - 1] + child.num_leaves()));
    argnums.iter().map(|&i| (ends[i]..ends[i + 1], children[i].clone())).unzip()
}

/// The structure of the derivatives by the chosen arguments.
pub(super) fn chosen_def(single: bool, defs: &[TreeDef]) -> TreeDef {
    if single { defs[0].clone() } else { TreeDef::tuple(defs) }
}

/// Refuses leaves that cannot be differentiated by.
pub(super) fn check_inputs(
    operation: &str,
    name: &str,
    leaves: &[Array],
    def: &TreeDef,
    ranges: &[Range<usize>],
    (holomorphic, allow_int, complex): (bool, bool, bool),
) -> Result<()> {
    for i in ranges.iter().flat_map(Range::clone) {
        let dtype: DType = leaves[i].dtype();
        let refuse = |what: &str, advice: &str| {
            let path = &def.paths()[i];
            let argument = path[0].to_string();
            let place = format!("argument {}{}", argument.trim_matches(['[', ']']), keystr(&path[1..]));
            let dtype = numpy_name(dtype);
            Err(Error::argument(format!(
                "{operation} of `{name}` requires {what}, but got {dtype} at {place}. {advice}"
            )))
        };
        if holomorphic {
            if !dtype.is_complex() {
                return refuse(
                    "complex inputs with holomorphic(true)",
                    "Pass complex arrays, or leave holomorphic away",
                );
            }
        } else if !has_tangent(leaves[i].aval()) {
            if !allow_int {
                return refuse(
                    "real- or complex-valued inputs",
                    "If you want to use Boolean- or integer-valued inputs, use `vjp` or say allow_int(true)",
                );
            }
        } else if dtype.is_complex() && !complex {
            return refuse(
                "real-valued inputs",
                "For holomorphic differentiation, say holomorphic(true). For differentiation of non-holomorphic functions involving \
                 complex inputs, use `jvp` directly",
            );
        }
    }
    Ok(())
}

/// The leaves of a pair's first and second part, with their structures; all belongs to the first where there is no pair.
pub(super) fn split_aux(
    outs: Vec<Array>,
    def: TreeDef,
    aux: bool,
) -> (Vec<Array>, TreeDef, Vec<Array>, TreeDef) {
    if !aux {
        return (outs, def, Vec::new(), TreeDef::tuple([]));
    }
    let mut children = def.children();
    let (aux_def, value_def) = (children.pop().expect("a pair"), children.pop().expect("a pair"));
    let mut value = outs;
    let aux = value.split_off(value_def.num_leaves());
    (value, value_def, aux, aux_def)
}

impl FlatFn for Options<'_> {
    fn call(&self, leaves: Leaves, def: &TreeDef) -> Result<(Vec<Array>, TreeDef)> {
        check_all_alive(&leaves);
        let (ranges, defs) = chosen(self.argnums, def);
        let checks = (self.holomorphic, self.allow_int, true);
        check_inputs("grad", self.inner.name(), &leaves, def, &ranges, checks)?;
        let wanted: Vec<bool> = (0..leaves.len()).map(|i| ranges.iter().any(|r| r.contains(&i))).collect();
        let mut out_def = None;
        let f = |args: Vec<Array>| {
            let (outs, def) = self.inner.call(args.into_iter().collect(), def).or_raise();
            out_def = Some(def);
            outs
        };
        let linear = transform::linearize(f, &leaves, &wanted, self.called_at);
        let (value, value_def, aux, aux_def) =
            split_aux(linear.outs, out_def.expect("the function was called"), self.aux);
        self.check_value(&value, &value_def)?;
        let one = Array::scalar(1.0, value[0].dtype(), false);
        let cts = linear.out_tangents.iter().enumerate().filter(|(_, nonzero)| **nonzero);
        let cts: Vec<Option<Array>> = cts.map(|(i, _)| (i == 0).then(|| one.clone())).collect();
        let mut pulled = pull_back(&linear.map, &cts).into_iter();
        let by_leaf: Vec<Option<Array>> =
            linear.in_tangents.iter().map(|has| if *has { pulled.next().flatten() } else { None }).collect();
        let grads = ranges.iter().flat_map(Range::clone);
        let grads =
            grads.map(|i| by_leaf[i].clone().unwrap_or_else(|| zeros_like(&leaves[i].aval().strong())));
        let grads_def = chosen_def(self.single, &defs);
        Ok(match (self.value, self.aux) {
            (false, false) => (grads.collect(), grads_def),
            (false, true) => (grads.chain(aux).collect(), TreeDef::tuple([&grads_def, &aux_def])),
            (true, false) => {
                (value.into_iter().chain(grads).collect(), TreeDef::tuple([&value_def, &grads_def]))
            }
            (true, true) => {
                let pair = TreeDef::tuple([&value_def, &aux_def]);
                (value.into_iter().chain(aux).chain(grads).collect(), TreeDef::tuple([&pair, &grads_def]))
            }
        })
    }

    fn name(&self) -> &str {
        self.inner.name()
    }
}

/// Cotangents of a linear map's parameters.
pub(super) fn pull_back(map: &ClosedJaxpr, cts: &[Option<Array>]) -> Vec<Option<Array>> {
    let linear = vec![None; map.jaxpr.invars.len()];
    backward_pass(&KIT, &map.jaxpr, &map.consts, &linear, cts)
}

#[cfg(test)]
mod tests;
