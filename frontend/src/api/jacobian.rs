//! Whole derivatives: `jacfwd`, `jacrev`, `hessian`, of trees by trees.
//!
//! Both are the linear map of `linearize`, or its transpose, vectorised over a basis of all leaves together. The derivative of a result
//! of structure `O` by arguments of structure `T` is an `O` of `T`s; the leaf of a result `f32[m]` by an argument `f32[n]` has shape `[m, n]`.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, Range};
use std::panic::Location;
use std::sync::Arc;

use super::argnums::{Argnum, Argnums, HasAux, Outer};
use super::function::{FlatFn, Function, Signature, Transformed};
use super::grad::{check_inputs, chosen, chosen_def, split_aux};
use super::numpy::eye_of;
use crate::error::{Error, OrRaise, Result};
use crate::ir::{Array, Aval, AxisInfo, Source, numpy_name};
use crate::lax::{KIT, reshape, slice_in_dim, zeros_like};
use crate::trace::{check_all_alive, eval_jaxpr};
use crate::transform::{self, backward_pass, has_tangent, move_to};
use crate::tree::{Leaves, Pytree, TreeDef, keystr};

/// The function that gives the derivative of `f`, with respect to its first argument unless [`Jacobian::argnums`] says otherwise, by
/// forward mode: cheap if that is small.
///
/// ```
/// # use jacinth_frontend::{Array, jacfwd, numpy as jnp};
/// let x = Array::from([1.0f32, 2.0, 3.0]); // f32[3] to f32[2]: a derivative f32[2,3]
/// let j = jacfwd(|x: &Array| jnp::stack([x.sum(), x.prod()], 0))(&x);
/// assert_eq!((j.shape(), j.to_vec::<f32>()), (&[2, 3][..], vec![1.0, 1.0, 1.0, 6.0, 3.0, 2.0]));
/// ```
///
/// # Panics
/// Calling it panics if an argument to be differentiated has leaves that are not floating point; the message names the leaf.
#[track_caller]
pub fn jacfwd<'f, S, F>(f: F) -> Jacobian<'f, S>
where
    S: Signature<Out: Outer>,
    Argnum<0>: Argnums<S>,
    F: Function<S> + 'f,
{
    Jacobian::new(Options::new(f.into_flat(), true, Location::caller()))
}

/// The function that gives the derivative of `f`, with respect to its first argument unless [`Jacobian::argnums`] says otherwise, by
/// reverse mode: cheap if the result is small.
///
/// ```
/// # use jacinth_frontend::{Array, jacrev};
/// let j = jacrev(|x: &Array| x.square())(&Array::from([1.0f32, 3.0]));
/// assert_eq!(j.to_vec::<f32>(), [2.0, 0.0, 0.0, 6.0]);
/// ```
///
/// # Panics
/// Calling it panics if an argument to be differentiated or the result has leaves that are not floating point; the message names the leaf.
#[track_caller]
pub fn jacrev<'f, S, F>(f: F) -> Jacobian<'f, S>
where
    S: Signature<Out: Outer>,
    Argnum<0>: Argnums<S>,
    F: Function<S> + 'f,
{
    Jacobian::new(Options::new(f.into_flat(), false, Location::caller()))
}

/// The function that gives the second derivative of `f`, with respect to its first argument unless [`Hessian::argnums`] says otherwise:
/// `jacfwd(jacrev(f))`.
///
/// For an argument `f32[n]` of a scalar function it is `f32[n, n]`.
///
/// ```
/// # use jacinth_frontend::{Array, hessian};
/// let h = hessian(|x: &Array| x.prod() + x.square().sum())(&Array::from([1.0f32, 2.0]));
/// assert_eq!(h.to_vec::<f32>(), [2.0, 1.0, 1.0, 2.0]);
/// ```
///
/// # Panics
/// As [`jacrev`].
#[track_caller]
pub fn hessian<'f, S, F>(f: F) -> Hessian<'f, S>
where
    S: Signature<Out: Outer>,
    Argnum<0>: Argnums<S, Trees: Outer>,
    F: Function<S> + 'f,
{
    Hessian::new(Options::new(f.into_flat(), false, Location::caller()))
}

/// A function that gives a derivative; see [`jacfwd`] and [`jacrev`]. `A` says by which arguments, `W` what it gives.
///
/// ```
/// # use jacinth_frontend::{Array, jacrev, jit};
/// let j = jit(jacrev(|x: &Array| (x * 2.0, vec![x.sum()]))); // a pair gives a pair
/// let (d, sums) = j(&Array::from([1.0f32, 2.0]));
/// assert_eq!((d.shape(), sums[0].shape()), (&[2, 2][..], &[2][..]));
/// ```
pub struct Jacobian<'f, S: Signature, A: Argnums<S> = Argnum<0>, W: Gives<S, A> = Plain> {
    options: Options<'f>,
    call: Transformed<'f, S::With<W::Out>>,
    choice: PhantomData<fn() -> (A, W)>,
}

impl<'f, S: Signature, A: Argnums<S>, W: Gives<S, A>> Jacobian<'f, S, A, W> {
    fn new(options: Options<'f>) -> Self {
        let options = Options { argnums: A::INDICES, single: A::SINGLE, aux: W::AUX, ..options };
        let call = Transformed::new(Arc::new(options.clone()) as Arc<dyn FlatFn + 'f>);
        Jacobian { options, call, choice: PhantomData }
    }

    /// The arguments to differentiate by, counted from 0: `argnums!(1)` the second, `argnums!(0, 1)` a tuple.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, argnums, jacfwd};
    /// let j = jacfwd(|x: &Array, y: &Array| x * y).argnums(argnums!(0, 1));
    /// let (dx, dy) = j(&Array::from([1.0f32, 2.0]), &Array::from([3.0f32, 4.0]));
    /// assert_eq!((dx.diagonal(0).to_vec::<f32>(), dy.diagonal(0).to_vec::<f32>()), (vec![3.0, 4.0], vec![1.0, 2.0]));
    /// ```
    pub fn argnums<B: Argnums<S>>(self, _: B) -> Jacobian<'f, S, B, W>
    where
        W: Gives<S, B>,
    {
        Jacobian::new(self.options)
    }

    /// Whether the function is complex, and holomorphic where it is differentiated: arguments and result must be complex.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jacfwd, lax};
    /// let z = lax::complex(&Array::from([1.0f32]), &Array::from([1.0f32]));
    /// let j = jacfwd(|z: &Array| z * z).holomorphic(true)(&z);
    /// assert_eq!((j.real().item::<f32>(), j.imag().item::<f32>()), (2.0, 2.0));
    /// ```
    pub fn holomorphic(self, holomorphic: bool) -> Self {
        Jacobian::new(Options { holomorphic, ..self.options })
    }

    /// Whether integer and boolean leaves are allowed; derivatives by them are zeros of their type.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, DType, jacrev};
    /// let j = jacrev(|n: &Array| n.astype(DType::F32)).allow_int(true)(&Array::from([1, 2]));
    /// assert_eq!((j.dtype(), j.to_vec::<i32>()), (DType::I32, vec![0; 4]));
    /// ```
    pub fn allow_int(self, allow_int: bool) -> Self {
        Jacobian::new(Options { allow_int, ..self.options })
    }

    /// Calls the function with its arguments as a tuple; what would panic comes back as an error.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jacrev};
    /// let error = jacrev(|x: &Array| x.gt(0.0)).try_call((&Array::from([1.0f32]),)).unwrap_err();
    /// assert!(error.to_string().contains("requires real-valued outputs"), "{error}");
    /// ```
    ///
    /// # Errors
    /// Whatever is wrong with the arguments, the function, or the run.
    #[track_caller]
    pub fn try_call(&self, args: <S::With<W::Out> as Signature>::Args<'_>) -> Result<W::Out> {
        self.call.try_call(args)
    }
}

impl<'f, S: Signature<Out: HasAux<Value: Outer>>, A: Argnums<S>> Jacobian<'f, S, A, Plain>
where
    Plain: Gives<S, A>,
{
    /// The function gives a pair, of which the first is differentiated and the second passed through: `(derivative, aux)`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, jacrev};
    /// let (j, input) = jacrev(|x: &Array| (x * 3.0, x.clone())).has_aux()(&Array::from([1.0f32]));
    /// assert_eq!((j.to_vec::<f32>(), input.to_vec::<f32>()), (vec![3.0], vec![1.0]));
    /// ```
    pub fn has_aux(self) -> Jacobian<'f, S, A, WithAux> {
        Jacobian::new(self.options)
    }
}

/// A function that gives a second derivative; see [`hessian`].
///
/// ```
/// # use jacinth_frontend::{Array, hessian, numpy as jnp, vmap};
/// let curvature = vmap(hessian(|x: &Array| x.pow(3).sum())); // one for each example
/// assert_eq!(curvature(&jnp::ones([5, 2])).shape(), [5, 2, 2]);
/// ```
pub struct Hessian<'f, S: Signature<Out: Outer>, A: Argnums<S, Trees: Outer> = Argnum<0>> {
    options: Options<'f>,
    call: Transformed<'f, S::With<Second<S, A>>>,
    choice: PhantomData<fn() -> A>,
}

/// The derivative of `S`'s result by `A`, twice.
type Second<S, A> =
    <<S as Signature>::Out as Outer>::Of<<<A as Argnums<S>>::Trees as Outer>::Of<<A as Argnums<S>>::Trees>>;

impl<'f, S: Signature<Out: Outer>, A: Argnums<S, Trees: Outer>> Hessian<'f, S, A> {
    fn new(options: Options<'f>) -> Self {
        let options = Options { argnums: A::INDICES, single: A::SINGLE, ..options };
        let inner: Arc<dyn FlatFn + 'f> = Arc::new(options.clone());
        let outer = Options { inner, forward: true, ..options.clone() };
        Hessian { options, call: Transformed::new(Arc::new(outer)), choice: PhantomData }
    }

    /// The arguments to differentiate by, counted from 0: `argnums!(1)` the second, `argnums!(0, 1)` a tuple.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, argnums, hessian};
    /// let h = hessian(|a: &Array, x: &Array| (a * x.square()).sum()).argnums(argnums!(1));
    /// assert_eq!(h(&Array::from(3.0), &Array::from([1.0f32])).to_vec::<f32>(), [6.0]);
    /// ```
    pub fn argnums<B: Argnums<S, Trees: Outer>>(self, _: B) -> Hessian<'f, S, B> {
        Hessian::new(self.options)
    }

    /// Whether the function is complex, and holomorphic where it is differentiated: arguments and result must be complex.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, hessian, lax};
    /// let z = lax::complex(&Array::from(1.0f32), &Array::from(2.0f32));
    /// assert_eq!(hessian(|z: &Array| z * z).holomorphic(true)(&z).real().item::<f32>(), 2.0);
    /// ```
    pub fn holomorphic(self, holomorphic: bool) -> Self {
        Hessian::new(Options { holomorphic, ..self.options })
    }

    /// Calls the function with its arguments as a tuple; what would panic comes back as an error.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, hessian};
    /// assert!(hessian(|x: &Array| x.square()).try_call((&Array::from(3),)).is_err()); // integers have no derivative
    /// ```
    ///
    /// # Errors
    /// Whatever is wrong with the arguments, the function, or the run.
    #[track_caller]
    pub fn try_call(&self, args: <S::With<Second<S, A>> as Signature>::Args<'_>) -> Result<Second<S, A>> {
        self.call.try_call(args)
    }
}

/// What a [`Jacobian`] gives.
#[doc(hidden)]
pub trait Gives<S: Signature, A: Argnums<S>>: 'static {
    /// Its type.
    type Out: Pytree;
    /// Whether something is passed through.
    const AUX: bool;
}

/// The derivative.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

/// The derivative and what is passed through.
#[derive(Clone, Copy, Debug)]
pub struct WithAux;

impl<S: Signature<Out: Outer>, A: Argnums<S>> Gives<S, A> for Plain {
    type Out = <S::Out as Outer>::Of<A::Trees>;
    const AUX: bool = false;
}

impl<S: Signature<Out: HasAux<Value: Outer>>, A: Argnums<S>> Gives<S, A> for WithAux {
    type Out = (<<S::Out as HasAux>::Value as Outer>::Of<A::Trees>, <S::Out as HasAux>::Aux);
    const AUX: bool = true;
}

macro_rules! handle {
    ($Handle:ident<$($P:ident: ($($bound:tt)+)),+> gives $Out:ty) => {
        impl<'f, $($P: $($bound)+),+> Deref for $Handle<'f, $($P),+> {
            type Target = <S::With<$Out> as Signature>::Dyn<'f, $Out>;
            #[track_caller]
            fn deref(&self) -> &Self::Target {
                &self.call
            }
        }

        impl<$($P: $($bound)+),+> Function<S::With<$Out>> for $Handle<'_, $($P),+> {
            fn into_flat<'f>(self) -> Arc<dyn FlatFn + 'f>
            where
                Self: 'f,
            {
                self.call.flat
            }
        }

        /// A reference to a handle is as good as the handle.
        impl<$($P: $($bound)+),+> Function<S::With<$Out>> for &$Handle<'_, $($P),+> {
            fn into_flat<'f>(self) -> Arc<dyn FlatFn + 'f>
            where
                Self: 'f,
            {
                self.call.flat.clone()
            }
        }

        impl<$($P: $($bound)+),+> Clone for $Handle<'_, $($P),+> {
            fn clone(&self) -> Self {
                $Handle { options: self.options.clone(), call: self.call.clone(), choice: PhantomData }
            }
        }

        impl<$($P: $($bound)+),+> fmt::Debug for $Handle<'_, $($P),+> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let (name, argnums) = (self.options.inner.name(), self.options.argnums);
                write!(f, "{}({name}, argnums={argnums:?})", stringify!($Handle))
            }
        }
    };
}

handle!(Jacobian<S: (Signature), A: (Argnums<S>), W: (Gives<S, A>)> gives W::Out);
handle!(Hessian<S: (Signature<Out: Outer>), A: (Argnums<S, Trees: Outer>)> gives Second<S, A>);

/// A function and how it is differentiated.
#[derive(Clone)]
struct Options<'f> {
    inner: Arc<dyn FlatFn + 'f>,
    forward: bool,
    argnums: &'static [usize],
    single: bool,
    aux: bool,
    holomorphic: bool,
    allow_int: bool,
    called_at: Source,
}

impl<'f> Options<'f> {
    fn new(inner: Arc<dyn FlatFn + 'f>, forward: bool, called_at: Source) -> Self {
        Options {
            inner,
            forward,
            argnums: &[0],
            single: true,
            aux: false,
            holomorphic: false,
            allow_int: false,
            called_at,
        }
    }

    /// Refuses results that cannot be differentiated.
    fn check_outputs(&self, operation: &str, values: &[Array], def: &TreeDef) -> Result<()> {
        for (i, value) in values.iter().enumerate() {
            let dtype = value.dtype();
            let (wrong, what) = if self.holomorphic {
                (!dtype.is_complex(), "complex outputs with holomorphic(true)")
            } else if self.forward {
                (false, "")
            } else {
                (!dtype.is_float(), "real-valued outputs (floating point)")
            };
            if wrong {
                return Err(Error::argument(format!(
                    "{operation} of `{}` requires {what}, but result{} is {}; for complex outputs of a holomorphic function say \
                     holomorphic(true), otherwise use `vjp` directly",
                    self.inner.name(),
                    keystr(&def.paths()[i]),
                    numpy_name(dtype)
                )));
            }
        }
        Ok(())
    }

    /// A function of arrays of these types mapped over their standard basis; the result says where each is mapped.
    fn over_basis(
        &self,
        avals: &[Aval],
        f: impl FnOnce(Vec<Array>) -> Vec<Array>,
    ) -> (Vec<Array>, Vec<Option<usize>>) {
        let total: usize = avals.iter().map(Aval::size).sum();
        let mut start = 0;
        let mut basis = Vec::with_capacity(avals.len());
        for aval in avals {
            let shape: Vec<usize> = std::iter::once(total).chain(aval.shape.iter().copied()).collect();
            basis.push(reshape(&eye_of(total, aval.size(), -(start as i64), aval.dtype), &shape));
            start += aval.size();
        }
        let dims = vec![Some(0); basis.len()];
        transform::batch(f, &basis, &dims, AxisInfo::new(total, None), self.called_at)
    }
}

/// The parts of an array along a dimension, one per type, each as large as the type.
fn parts(x: &Array, dim: usize, avals: &[Aval]) -> Vec<Array> {
    let mut start = 0;
    let mut parts = Vec::with_capacity(avals.len());
    for aval in avals {
        parts.push(slice_in_dim(x, start as i64, Some((start + aval.size()) as i64), 1, dim));
        start += aval.size();
    }
    parts
}

impl FlatFn for Options<'_> {
    fn call(&self, leaves: Leaves, def: &TreeDef) -> Result<(Vec<Array>, TreeDef)> {
        check_all_alive(&leaves);
        let operation = if self.forward { "jacfwd" } else { "jacrev" };
        let (ranges, defs) = chosen(self.argnums, def);
        let checks = (self.holomorphic, self.allow_int && !self.forward, !self.forward);
        check_inputs(operation, self.inner.name(), &leaves, def, &ranges, checks)?;
        let wanted: Vec<bool> = (0..leaves.len()).map(|i| ranges.iter().any(|r| r.contains(&i))).collect();
        let mut out_def = None;
        let f = |args: Vec<Array>| {
            let (outs, def) = self.inner.call(args.into_iter().collect(), def).or_raise();
            out_def = Some(def);
            outs
        };
        let linear = transform::linearize(f, &leaves, &wanted, self.called_at);
        let (values, value_def, aux, aux_def) =
            split_aux(linear.outs, out_def.expect("the function was called"), self.aux);
        self.check_outputs(operation, &values, &value_def)?;
        // Inputs and outputs between which the linear map goes.
        let inputs: Vec<usize> = (0..leaves.len()).filter(|&i| linear.in_tangents[i]).collect();
        let in_avals: Vec<Aval> = inputs.iter().map(|&i| leaves[i].aval().strong()).collect();
        let outputs: Vec<usize> = (0..values.len()).filter(|&i| linear.out_tangents[i]).collect();
        let out_avals: Vec<Aval> = outputs.iter().map(|&i| values[i].aval().strong()).collect();
        let mut blocks = vec![vec![None; leaves.len()]; values.len()];
        if self.forward {
            let push = |tangents: Vec<Array>| {
                let mut outs = eval_jaxpr(&linear.map.jaxpr, &linear.map.consts, &tangents);
                outs.truncate(outputs.len());
                outs
            };
            let (columns, dims) = self.over_basis(&in_avals, push);
            let total = in_avals.iter().map(Aval::size).sum();
            for ((column, dim), &o) in columns.iter().zip(dims).zip(&outputs) {
                let last = values[o].ndim();
                let column = move_to(&KIT, column, dim, last, total);
                for (part, &i) in parts(&column, last, &in_avals).into_iter().zip(&inputs) {
                    blocks[o][i] = Some(part);
                }
            }
        } else {
            let pull = |cts: Vec<Array>| {
                // What is passed through takes no cotangent.
                let aux = linear.out_tangents.iter().filter(|nz| **nz).count() - cts.len();
                let cts: Vec<Option<Array>> =
                    cts.into_iter().map(Some).chain(std::iter::repeat_n(None, aux)).collect();
                let none = vec![None; in_avals.len()];
                let pulled = backward_pass(&KIT, &linear.map.jaxpr, &linear.map.consts, &none, &cts);
                pulled
                    .into_iter()
                    .zip(&in_avals)
                    .map(|(ct, aval)| ct.unwrap_or_else(|| zeros_like(aval)))
                    .collect()
            };
            let (rows, dims) = self.over_basis(&out_avals, pull);
            let total = out_avals.iter().map(Aval::size).sum();
            for ((row, dim), &i) in rows.iter().zip(dims).zip(&inputs) {
                let row = move_to(&KIT, row, dim, 0, total);
                for (part, &o) in parts(&row, 0, &out_avals).into_iter().zip(&outputs) {
                    blocks[o][i] = Some(part);
                }
            }
        }
        let mut derivatives = Vec::new();
        for (value, blocks) in values.iter().zip(&blocks) {
            for i in ranges.iter().flat_map(Range::clone) {
                let shape: Vec<usize> = value.shape().iter().chain(leaves[i].shape()).copied().collect();
                let dtype = if has_tangent(leaves[i].aval()) { value.dtype() } else { leaves[i].dtype() };
                derivatives.push(match &blocks[i] {
                    Some(block) => reshape(block, &shape),
                    None => zeros_like(&Aval::new(shape, dtype)),
                });
            }
        }
        let derivative_def = value_def.compose(&chosen_def(self.single, &defs));
        if self.aux {
            derivatives.extend(aux);
            return Ok((derivatives, TreeDef::tuple([&derivative_def, &aux_def])));
        }
        Ok((derivatives, derivative_def))
    }

    fn name(&self) -> &str {
        self.inner.name()
    }
}
