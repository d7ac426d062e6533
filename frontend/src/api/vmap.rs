//! `vmap`: a function of single examples made a function of batches.

use std::fmt;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

use super::function::{FlatFn, Function, Signature, Transformed};
use crate::error::{Error, OrRaise, Result};
use crate::ir::{Array, AxisInfo, Source};
use crate::lax::KIT;
use crate::trace::check_all_alive;
use crate::transform::{self, move_to};
use crate::tree::{Axes, Leaves, TreeDef, keystr};

/// The function that applies `f` to every slice of its arguments along dimension 0 and stacks the results along dimension 0.
///
/// [`Vmap::in_axes`] and [`Vmap::out_axes`] choose other dimensions, or none.
///
/// ```
/// # use jacinth_frontend::{Array, vmap};
/// let dot = |x: &Array, y: &Array| x.dot(y); // f32[2] × f32[2] → f32[]
/// let (x, y) = (Array::from([[1.0f32, 2.0], [3.0, 4.0]]), Array::from([[1.0f32, 0.0], [0.0, 1.0]]));
/// assert_eq!(vmap(dot)(&x, &y).to_vec::<f32>(), [1.0, 4.0]);
/// ```
///
/// # Panics
/// Calling it panics if the axes do not fit the arguments, or the sizes along them differ.
#[track_caller]
pub fn vmap<'f, S: Signature, F: Function<S> + 'f>(f: F) -> Vmap<'f, S> {
    Vmap::from_options(Options {
        inner: f.into_flat(),
        in_axes: Axes::Index(0),
        out_axes: Axes::Index(0),
        axis_name: None,
        axis_size: None,
        called_at: Location::caller(),
    })
}

/// A vectorised function; see [`vmap`].
///
/// ```
/// # use jacinth_frontend::{Array, grad, vmap};
/// let loss = |w: &Array, x: &Array| (w * x).square().sum();
/// let per_example = vmap(grad(loss)).in_axes((None, 0)); // one gradient for each example
/// let slopes = per_example(&Array::from([1.0f32, 1.0]), &Array::from([[1.0f32, 2.0], [3.0, 4.0]]));
/// assert_eq!(slopes.to_vec::<f32>(), [2.0, 8.0, 18.0, 32.0]);
/// ```
pub struct Vmap<'f, S: Signature> {
    options: Options<'f>,
    call: Transformed<'f, S>,
}

impl<'f, S: Signature> Vmap<'f, S> {
    fn from_options(options: Options<'f>) -> Self {
        let call = Transformed::new(Arc::new(options.clone()) as Arc<dyn FlatFn + 'f>);
        Vmap { options, call }
    }

    /// The dimensions to map over: a prefix tree of the arguments, with `None` for what is the same for all.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, vmap};
    /// let scale = vmap(|x: &Array, factor: &Array| x * factor).in_axes((1, None));
    /// let x = Array::from([[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]]); // three columns
    /// assert_eq!(scale(&x, &Array::from(10.0)).shape(), [3, 2]);
    /// ```
    pub fn in_axes(self, axes: impl Into<Axes>) -> Self {
        Self::from_options(Options { in_axes: axes.into(), ..self.options })
    }

    /// Where the mapped dimension goes: a prefix tree of the result, with `None` for what does not depend on it.
    ///
    /// ```
    /// # use jacinth_frontend::{numpy as jnp, vmap, Array};
    /// let f = vmap(|x: &Array| x * 2.0).out_axes(-1);
    /// assert_eq!(f(&jnp::ones([5, 2])).shape(), [2, 5]);
    /// ```
    pub fn out_axes(self, axes: impl Into<Axes>) -> Self {
        Self::from_options(Options { out_axes: axes.into(), ..self.options })
    }

    /// Names the mapped axis, for collectives.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, lax, vmap};
    /// let share = vmap(|x: &Array| x / lax::psum(x, "batch")).axis_name("batch");
    /// assert_eq!(share(&Array::from([1.0f32, 3.0])).to_vec::<f32>(), [0.25, 0.75]);
    /// ```
    pub fn axis_name(self, name: &str) -> Self {
        Self::from_options(Options { axis_name: Some(name.into()), ..self.options })
    }

    /// The size of the mapped axis, where no argument has it.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, vmap};
    /// let f = vmap(|x: &Array| x + 1.0).in_axes(None).axis_size(3);
    /// assert_eq!(f(&Array::from(1.0)).to_vec::<f32>(), [2.0; 3]);
    /// ```
    pub fn axis_size(self, size: usize) -> Self {
        Self::from_options(Options { axis_size: Some(size), ..self.options })
    }

    /// Calls the function with its arguments as a tuple; what would panic comes back as an error.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp, vmap};
    /// let error = vmap(|x: &Array, y: &Array| x + y).try_call((&jnp::ones([2]), &jnp::ones([3]))).unwrap_err();
    /// assert!(error.to_string().contains("mapped axes must have equal sizes"), "{error}");
    /// ```
    ///
    /// # Errors
    /// Whatever is wrong with the arguments, the function, or the run.
    #[track_caller]
    pub fn try_call(&self, args: S::Args<'_>) -> Result<S::Out> {
        self.call.try_call(args)
    }
}

impl<'f, S: Signature> Deref for Vmap<'f, S> {
    type Target = S::Dyn<'f, S::Out>;
    #[track_caller]
    fn deref(&self) -> &Self::Target {
        &self.call
    }
}

impl<S: Signature> Function<S> for Vmap<'_, S> {
    fn into_flat<'f>(self) -> Arc<dyn FlatFn + 'f>
    where
        Self: 'f,
    {
        self.call.flat
    }
}

/// A reference to a handle is as good as the handle.
impl<S: Signature> Function<S> for &Vmap<'_, S> {
    fn into_flat<'f>(self) -> Arc<dyn FlatFn + 'f>
    where
        Self: 'f,
    {
        self.call.flat.clone()
    }
}

impl<S: Signature> Clone for Vmap<'_, S> {
    fn clone(&self) -> Self {
        Vmap { options: self.options.clone(), call: self.call.clone() }
    }
}

impl<S: Signature> fmt::Debug for Vmap<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Vmap({}, in_axes={}, out_axes={})",
            self.options.inner.name(),
            self.options.in_axes,
            self.options.out_axes
        )
    }
}

#[derive(Clone)]
struct Options<'f> {
    inner: Arc<dyn FlatFn + 'f>,
    in_axes: Axes,
    out_axes: Axes,
    axis_name: Option<Arc<str>>,
    axis_size: Option<usize>,
    called_at: Source,
}

impl Options<'_> {
    /// The dimension of each leaf, and the size along them.
    fn mapped(&self, leaves: &[Array], def: &TreeDef) -> Result<(Vec<Option<usize>>, usize)> {
        // A tuple stands for the arguments; anything else for each of them.
        let axes = self.in_axes.broadcast("vmap in_axes", def)?;
        let mut size = self.axis_size.map(|size| (size, None));
        let mut dims = Vec::with_capacity(leaves.len());
        for (i, (leaf, axis)) in leaves.iter().zip(axes).enumerate() {
            let place = || {
                let path = &def.paths()[i];
                let argument = path.first().map(ToString::to_string).unwrap_or_default();
                format!(
                    "argument {}{}",
                    argument.trim_matches(['[', ']']),
                    keystr(path.get(1..).unwrap_or_default())
                )
            };
            let Some(axis) = axis else {
                dims.push(None);
                continue;
            };
            let dim = normalise(axis, leaf.ndim()).ok_or_else(|| {
                Error::argument(format!(
                    "vmap of `{}`: cannot map over axis {axis} of {}, which is {}",
                    self.inner.name(),
                    place(),
                    leaf.aval()
                ))
            })?;
            let found = leaf.shape()[dim];
            match &size {
                None => size = Some((found, Some(place()))),
                Some((expected, _)) if *expected == found => {}
                Some((expected, from)) => {
                    let from = from.clone().unwrap_or_else(|| "axis_size".to_owned());
                    return Err(Error::argument(format!(
                        "vmap of `{}`: mapped axes must have equal sizes: {from} has size {expected}, {} ({}) has size {found} \
                         along axis {dim}",
                        self.inner.name(),
                        place(),
                        leaf.aval()
                    )));
                }
            }
            dims.push(Some(dim));
        }
        match size {
            Some((size, _)) => Ok((dims, size)),
            None => Err(Error::argument(format!(
                "vmap of `{}` must have at least one mapped argument, or an axis_size; in_axes is {}",
                self.inner.name(),
                self.in_axes
            ))),
        }
    }
}

impl FlatFn for Options<'_> {
    fn call(&self, leaves: Leaves, def: &TreeDef) -> Result<(Vec<Array>, TreeDef)> {
        check_all_alive(&leaves);
        let (dims, size) = self.mapped(&leaves, def)?;
        let mut out_def = None;
        let f = |args: Vec<Array>| {
            let (outs, def) = self.inner.call(args.into_iter().collect(), def).or_raise();
            out_def = Some(def);
            outs
        };
        let axis = AxisInfo::new(size, self.axis_name.clone());
        let (outs, out_dims) = transform::batch(f, &leaves, &dims, axis, self.called_at);
        let out_def = out_def.expect("the function was called");
        let axes = self.out_axes.broadcast("vmap out_axes", &out_def)?;
        let mut moved = Vec::with_capacity(outs.len());
        for (i, ((out, dim), axis)) in outs.iter().zip(out_dims).zip(axes).enumerate() {
            moved.push(match (dim, axis) {
                (None, None) => out.clone(),
                (dim, Some(axis)) => {
                    let rank = out.ndim() + dim.is_none() as usize;
                    let to = normalise(axis, rank).ok_or_else(|| {
                        let place = keystr(&out_def.paths()[i]);
                        Error::argument(format!(
                            "vmap of `{}`: out_axes {axis} is out of range for result{place} of rank {rank}",
                            self.inner.name()
                        ))
                    })?;
                    move_to(&KIT, out, dim, to, size)
                }
                (Some(_), None) => {
                    let place = keystr(&out_def.paths()[i]);
                    return Err(Error::argument(format!(
                        "vmap of `{}`: result{place} depends on a mapped argument, but its out_axes is None",
                        self.inner.name()
                    )));
                }
            });
        }
        Ok((moved, out_def))
    }

    fn name(&self) -> &str {
        self.inner.name()
    }
}

/// An axis counted from the end where negative, if it is one of `rank`.
fn normalise(axis: i64, rank: usize) -> Option<usize> {
    let axis = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(axis).ok().filter(|&axis| axis < rank)
}

#[cfg(test)]
mod tests;
