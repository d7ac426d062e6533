//! `jax.numpy.ufunc`: functions element by element as objects, with the reductions, updates and outer products made of them.
//!
//! [`add`] and the others are the objects that JAX's functions of these names are: `jnp::ufunc::add.reduce(&x, 0)` beside
//! `jnp::add(&x, &y)`. [`frompyfunc`] makes one of a function of scalars. Where there is a reduction of that name it is taken (`add`:
//! `sum`), else elements are combined one after the other, as in JAX. Deliberately absent: `out`, and `where` of a call, which JAX refuses too.

use std::fmt;
use std::sync::Arc;

use super::{Axis, IntoArray, canonical, reductions, vectorize, where_};
use crate::api::control::{fori_loop, scan};
use crate::api::indexing::{At, IntoIndices};
use crate::api::nn;
use crate::ir::{Array, Aval, DType, Scalar};
use crate::lax;
use crate::lax::rules::{refuse, show};
use crate::trace::{here, stage};

/// A function element by element of broadcast arrays.
#[derive(Clone)]
pub struct Ufunc {
    name: &'static str,
    nin: usize,
    nout: usize,
    identity: Option<Scalar>,
    call: Call,
    reduce: Option<fn(&Array, Axis) -> Array>,
    accumulate: Option<fn(&Array, i64) -> Array>,
    at: Option<fn(&At, &Array) -> Array>,
}

#[derive(Clone)]
enum Call {
    /// One of `jax.numpy`.
    Arrays(fn(&[Array]) -> Vec<Array>),
    /// One of scalars, mapped over their dimensions.
    Scalars(Arc<dyn Fn(&[Array]) -> Vec<Array> + Send + Sync>),
}

impl fmt::Debug for Ufunc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<jnp.ufunc '{}'>", self.name)
    }
}

/// What [`Ufunc::reduce_with`] may be told beside the axis.
#[derive(Clone, Debug, Default)]
pub struct ReduceOptions {
    /// The dtype in which elements are combined.
    pub dtype: Option<DType>,
    /// What the reduction begins with, instead of the identity.
    pub initial: Option<Array>,
    /// Which elements count: a mask that broadcasts to the array.
    pub where_: Option<Array>,
}

macro_rules! ufuncs {
    ($($(#[$doc:meta])* $name:ident($($x:ident),+) $identity:expr, $reduce:expr, $accumulate:expr, $at:expr;)*) => {$(
        $(#[$doc])*
        #[allow(non_upper_case_globals, reason = "the name is JAX's")]
        pub static $name: Ufunc = Ufunc {
            name: stringify!($name),
            nin: [$(stringify!($x)),+].len(),
            nout: 1,
            identity: $identity,
            call: Call::Arrays(|x| {
                let [$($x),+] = x else { unreachable!("arguments are counted") };
                vec![super::$name($($x),+)]
            }),
            reduce: $reduce,
            accumulate: $accumulate,
            at: $at,
        };
    )*};
}

ufuncs! {
    /// Sums: the object of [`add`](super::add).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([[1, 2], [3, 4]]);
    /// assert_eq!(jnp::ufunc::add.reduce(&x, 0).to_vec::<i32>(), [4, 6]);
    /// ```
    add(x, y) Some(Scalar::Int(0)), Some(|x, axis| reductions::sum(x, axis)), Some(|x, axis| reductions::cumsum(x, axis)),
        Some(|at, y| at.add(y));
    /// Bits that both have: the object of [`bitwise_and`](super::bitwise_and).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::ufunc::bitwise_and.reduce(Array::from([0b111, 0b110, 0b011]), 0).item::<i32>(), 0b010);
    /// ```
    bitwise_and(x, y) Some(Scalar::Int(-1)), None, None, None;
    /// Bits that one has: the object of [`bitwise_or`](super::bitwise_or).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::ufunc::bitwise_or.accumulate(Array::from([1, 2, 8]), 0).to_vec::<i32>(), [1, 3, 11]);
    /// ```
    bitwise_or(x, y) Some(Scalar::Int(0)), None, None, None;
    /// Bits that just one has: the object of [`bitwise_xor`](super::bitwise_xor).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::ufunc::bitwise_xor.reduce(Array::from([5, 3, 5]), 0).item::<i32>(), 3);
    /// ```
    bitwise_xor(x, y) Some(Scalar::Int(0)), None, None, None;
    /// Logarithms of sums of exponentials: the object of [`logaddexp`](super::logaddexp).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = jnp::log(Array::from([1.0f32, 2.0, 5.0]));
    /// assert_eq!(jnp::exp(jnp::ufunc::logaddexp.reduce(&x, 0)).round_to(3).item::<f32>(), 8.0);
    /// ```
    logaddexp(x, y) Some(Scalar::Float(f64::NEG_INFINITY)), Some(|x, axis| nn::logsumexp(x, axis)), None, None;
    /// Logarithms of sums of powers, with base 2: the object of [`logaddexp2`](super::logaddexp2).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([1.0f32, 1.0, 2.0]);
    /// assert_eq!(jnp::ufunc::logaddexp2.reduce(&x, 0).round_to(3).item::<f32>(), 3.0);
    /// ```
    logaddexp2(x, y) Some(Scalar::Float(f64::NEG_INFINITY)), Some(|x, axis| {
        nn::logsumexp(x * std::f64::consts::LN_2, axis) / std::f64::consts::LN_2
    }), None, None;
    /// Whether both are nonzero: the object of [`logical_and`](super::logical_and).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::ufunc::logical_and.reduce(Array::from([[1, 2], [1, 0]]), 1).to_vec::<bool>(), [true, false]);
    /// ```
    logical_and(x, y) Some(Scalar::Int(1)), Some(|x, axis| reductions::all(x, axis)), None, None;
    /// Whether one is nonzero: the object of [`logical_or`](super::logical_or).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::ufunc::logical_or.accumulate(Array::from([0, 3, 0]), 0).to_vec::<bool>(), [false, true, true]);
    /// ```
    logical_or(x, y) Some(Scalar::Int(0)), Some(|x, axis| reductions::any(x, axis)), None, None;
    /// Whether just one is nonzero: the object of [`logical_xor`](super::logical_xor).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert!(jnp::ufunc::logical_xor.reduce(Array::from([true, true, true]), 0).item::<bool>());
    /// ```
    logical_xor(x, y) Some(Scalar::Int(0)), None, None, None;
    /// The larger: the object of [`maximum`](super::maximum). It has no identity.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::ufunc::maximum.outer(Array::from([1, 5]), Array::from([3, 4])).to_string(), "[[3 4]\n [5 5]]");
    /// ```
    maximum(x, y) None, Some(|x, axis| reductions::max(x, axis)), None, None;
    /// The smaller: the object of [`minimum`](super::minimum). It has no identity.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::ufunc::minimum.accumulate(Array::from([3, 5, 1, 2]), 0).to_vec::<i32>(), [3, 3, 1, 1]);
    /// ```
    minimum(x, y) None, Some(|x, axis| reductions::min(x, axis)), None, None;
    /// Products: the object of [`multiply`](super::multiply).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::ufunc::multiply.outer(Array::from([1, 2]), Array::from([3, 4])).to_string(), "[[3 4]\n [6 8]]");
    /// ```
    multiply(x, y) Some(Scalar::Int(1)), Some(|x, axis| reductions::prod(x, axis)),
        Some(|x, axis| reductions::cumprod(x, axis)), Some(|at, y| at.multiply(y));
    /// The number with the other sign: the object of [`negative`](super::negative).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = jnp::ufunc::negative.at(Array::from([1, 2, 3]), [0, 2], None);
    /// assert_eq!(x.to_vec::<i32>(), [-1, 2, -3]);
    /// ```
    negative(x) None, None, None, None;
    /// Differences: the object of [`subtract`](super::subtract).
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// assert_eq!(jnp::ufunc::subtract.reduce(Array::from([10, 2, 3]), 0).item::<i32>(), 5);
    /// ```
    subtract(x, y) None, None, None, Some(|at, y| at.subtract(y));
}

/// A [`Ufunc`] of a function of `nin` scalars that gives `nout`.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let f = jnp::frompyfunc(|x: &[Array]| vec![&x[0] * 10 + &x[1]], 2, 1);
/// let digits = Array::from([[1, 2, 3], [4, 5, 6]]);
/// assert_eq!(f.reduce(&digits, 1).to_vec::<i32>(), [123, 456]);
/// ```
pub fn frompyfunc(
    func: impl Fn(&[Array]) -> Vec<Array> + Send + Sync + 'static,
    nin: usize,
    nout: usize,
) -> Ufunc {
    let call = Call::Scalars(Arc::new(func));
    Ufunc { name: "func", nin, nout, identity: None, call, reduce: None, accumulate: None, at: None }
}

impl Ufunc {
    /// The number of arguments.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// assert_eq!((jnp::ufunc::add.nin(), jnp::ufunc::negative.nin()), (2, 1));
    /// ```
    pub fn nin(&self) -> usize {
        self.nin
    }

    /// The number of results.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let divmod = jnp::frompyfunc(|x: &[Array]| vec![&x[0] / &x[1], &x[0] % &x[1]], 2, 2);
    /// assert_eq!(divmod.nout(), 2);
    /// ```
    pub fn nout(&self) -> usize {
        self.nout
    }

    /// What combined with any number gives that number, where there is one.
    ///
    /// ```
    /// # use jacinth_frontend::numpy as jnp;
    /// assert!(jnp::ufunc::multiply.identity().is_some() && jnp::ufunc::maximum.identity().is_none());
    /// ```
    pub fn identity(&self) -> Option<Scalar> {
        self.identity
    }

    /// The same function with that identity: what reductions begin with.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let larger = jnp::frompyfunc(|x: &[Array]| vec![jnp::maximum(&x[0], &x[1])], 2, 1).with_identity(0);
    /// assert_eq!(larger.reduce(Array::from([-5, -3]), 0).item::<i32>(), 0);
    /// ```
    pub fn with_identity(self, identity: impl Into<Scalar>) -> Ufunc {
        Ufunc { identity: Some(identity.into()), ..self }
    }

    /// The function on broadcast arrays.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let f = jnp::frompyfunc(|x: &[Array]| vec![&x[0] * 10 + &x[1]], 2, 1);
    /// let out = f.call(&[Array::from([[1], [2]]), Array::from([5, 6])]);
    /// assert_eq!(out[0].to_string(), "[[15 16]\n [25 26]]");
    /// ```
    ///
    /// # Panics
    /// If there are other than [`nin`](Ufunc::nin) arrays, or they do not broadcast.
    #[track_caller]
    pub fn call(&self, args: &[Array]) -> Vec<Array> {
        if args.len() != self.nin {
            refuse!("ufunc" => "{self:?} takes {} arrays, got {}", self.nin, args.len())
        }
        match &self.call {
            Call::Arrays(f) => {
                let _line = crate::trace::keep_line();
                f(args)
            }
            Call::Scalars(f) => vectorize(|x: &[Array]| f(x), None).call(args),
        }
    }

    #[track_caller]
    fn pair(&self, x: &Array, y: &Array) -> Array {
        self.call(&[x.clone(), y.clone()]).swap_remove(0)
    }

    /// Refuses what is not a function of two arrays that gives one.
    #[track_caller]
    fn binary(&self, method: &str) {
        if self.nin != 2 || self.nout != 1 {
            refuse!("ufunc" => "{method} is only there for functions of two arrays that give one, which {self:?} is not")
        }
    }

    /// The dtype of the function of two elements of that dtype.
    #[track_caller]
    fn dtype(&self, dtype: DType) -> DType {
        let scalar = Aval::scalar(dtype, false);
        let closed = stage(self.name, &[scalar.clone(), scalar], here(), |x| vec![self.pair(&x[0], &x[1])]);
        closed.jaxpr.out_avals().next().expect("one result").dtype
    }

    /// All elements along an axis (of the whole array for `()`) combined from the first on; `reduce(x, keepdims(0))` keeps the axis.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([[7, 2], [1, 1]]);
    /// assert_eq!(jnp::ufunc::subtract.reduce(&x, 1).to_vec::<i32>(), [5, 0]);
    /// assert_eq!(jnp::ufunc::add.reduce(&x, jnp::keepdims(0)).to_string(), "[[8 3]]");
    /// ```
    ///
    /// # Panics
    /// If the function is not of two arrays, or there is nothing along the axis and no identity.
    #[track_caller]
    pub fn reduce(&self, x: impl IntoArray, axis: impl Into<Axis>) -> Array {
        self.reduce_with(x, axis, ReduceOptions::default())
    }

    /// [`Ufunc::reduce`] with a dtype, a beginning or a mask.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// # use jnp::ufunc::ReduceOptions;
    /// let x = Array::from([[1, 2], [3, 4]]);
    /// let options = ReduceOptions { where_: Some(x.gt(1)), initial: Some(Array::from(100)), ..Default::default() };
    /// assert_eq!(jnp::ufunc::add.reduce_with(&x, 1, options).to_vec::<i32>(), [102, 107]);
    /// ```
    ///
    /// # Panics
    /// As [`Ufunc::reduce`]; or with a mask where there is neither a beginning nor an identity.
    #[track_caller]
    pub fn reduce_with(&self, x: impl IntoArray, axis: impl Into<Axis>, options: ReduceOptions) -> Array {
        let _line = crate::trace::keep_line();
        self.binary("reduce");
        let (x, axis, ReduceOptions { dtype, initial, where_: mask }) =
            (x.into_array(), axis.into(), options);
        if mask.is_some() && initial.is_none() && self.identity.is_none() {
            refuse!("ufunc" => "{self:?} has no identity, so that a reduction under a mask must be given `initial`")
        }
        let x = dtype.map_or_else(|| x.clone(), |dtype| super::astype(&x, dtype));
        let mask = mask.map(|mask| super::broadcast_to(mask, x.shape()));
        let axes = axis.resolve("reduce", x.ndim());
        let nothing = axes.iter().any(|&a| x.shape()[a] == 0);
        if let Some(reduce) = self.reduce
            && !(nothing && self.identity.is_none())
        {
            // What a mask leaves out counts as the identity, or as the beginning of an extremum.
            let neutral = || match (self.identity, &initial) {
                (Some(identity), _) => Array::scalar(identity, x.dtype(), true),
                (None, Some(initial)) => initial.clone(),
                (None, None) => unreachable!("a mask comes with one of them"),
            };
            let x = mask.map_or_else(|| x.clone(), |mask| where_(mask, &x, neutral()));
            let out = reduce(&x, axis);
            return initial.map_or_else(|| out.clone(), |initial| self.pair(&initial, &out));
        }
        let flat = axis.axes.is_none() || axes.len() == x.ndim();
        let to_front = |x: &Array| match axes[..] {
            _ if flat => lax::reshape(x, &[x.size()]),
            [axis] => lax::moveaxis(x, axis, 0),
            _ => refuse!("ufunc" => "{self:?} is reduced over one axis or all, got {}", show(&axes)),
        };
        let dtype = dtype.unwrap_or_else(|| self.dtype(x.dtype()));
        let begin = initial.or_else(|| self.identity.map(|v| Array::scalar(v, dtype, false)));
        let out = self.fold(&to_front(&x), mask.as_ref().map(to_front), begin, dtype);
        if axis.keepdims { lax::expand_dims(&out, &axes) } else { out }
    }

    /// The elements of the first dimension combined one after the other.
    #[track_caller]
    fn fold(&self, x: &Array, mask: Option<Array>, begin: Option<Array>, dtype: DType) -> Array {
        let x = lax::convert_element_type(x, dtype);
        let (begin, rest) = match begin {
            Some(begin) => {
                let begin = lax::convert_element_type(&begin, dtype);
                (super::broadcast_to(begin, &x.shape()[1..]), x)
            }
            None if x.shape()[0] == 0 => {
                refuse!("ufunc" => "{self:?} has no identity, so that nothing cannot be reduced, got shape {}", show(x.shape()))
            }
            None => (lax::index_in_dim(&x, 0, 0, false), lax::slice_in_dim(&x, 1, None, 1, 0)),
        };
        let step = |carry: Array, (x, mask): (Array, Option<Array>)| {
            let next = lax::convert_element_type(&self.pair(&carry, &x), dtype);
            (mask.map_or_else(|| next.clone(), |mask| where_(mask, &next, &carry)), ())
        };
        scan(step, begin, &(rest, mask)).0
    }

    /// Every element along an axis combined with all before it.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let digits = jnp::frompyfunc(|x: &[Array]| vec![&x[0] * 10 + &x[1]], 2, 1);
    /// assert_eq!(digits.accumulate(Array::from([1, 2, 3]), 0).to_vec::<i32>(), [1, 12, 123]);
    /// ```
    ///
    /// # Panics
    /// If the function is not of two arrays.
    #[track_caller]
    pub fn accumulate(&self, x: impl IntoArray, axis: i64) -> Array {
        let _line = crate::trace::keep_line();
        self.binary("accumulate");
        let x = x.into_array();
        let axis = canonical("accumulate", axis, x.ndim());
        if let Some(accumulate) = self.accumulate {
            return accumulate(&x, axis as i64);
        }
        let dtype = self.dtype(x.dtype());
        if x.size() == 0 {
            return lax::full(x.shape(), 0, dtype);
        }
        let x = lax::moveaxis(&lax::convert_element_type(&x, dtype), axis, 0);
        let first = lax::index_in_dim(&x, 0, 0, false);
        let step = |carry: Array, x: Array| {
            let next = lax::convert_element_type(&self.pair(&carry, &x), dtype);
            (next.clone(), next)
        };
        let (_, rest) = scan(step, first.clone(), &lax::slice_in_dim(&x, 1, None, 1, 0));
        lax::moveaxis(&lax::concatenate(&[lax::expand_dims(&first, &[0]), rest], 0), 0, axis)
    }

    /// The array with the function applied in these places: of the element, and for functions of two arrays of `values`, stretched to the
    /// places. Where an index repeats it is applied repeatedly; indices out of bounds are dropped.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = jnp::ufunc::add.at(Array::from([0, 0, 0]), [1, 1, 9], Some(&Array::from(5)));
    /// assert_eq!(x.to_vec::<i32>(), [0, 10, 0]);
    /// ```
    ///
    /// # Panics
    /// If the function is not of one or two arrays, or `values` are missing or too many.
    #[track_caller]
    pub fn at(&self, x: impl IntoArray, indices: impl IntoIndices, values: Option<&Array>) -> Array {
        let _line = crate::trace::keep_line();
        let x = x.into_array();
        if self.nin != 1 + values.is_some() as usize || self.nout != 1 {
            refuse!("ufunc" => "at is there for functions of one array, and of two with values, that give one; {self:?} takes {}", self.nin)
        }
        if let (Some(at), Some(values)) = (self.at, values) {
            return at(&x.at(indices), values);
        }
        // The places in the raveled array, in their order; those out of bounds are no place of it.
        let count = x.size();
        let all = lax::reshape(&lax::iota(DType::I32, count), x.shape());
        let places = all.at(indices).mode("fill").fill_value(count as f64).get();
        let flat = |x: &Array| lax::reshape(x, &[x.size()]);
        let values = values.map(|values| flat(&super::broadcast_to(values, places.shape())));
        let step = |carry: Array, (place, value): (Array, Option<Array>)| {
            let old = carry.get(&place);
            let args: Vec<Array> = [old].into_iter().chain(value).collect();
            let new = self.call(&args).swap_remove(0);
            (carry.at(&place).set(lax::convert_element_type(&new, carry.dtype())), ())
        };
        let args = 1 + values.is_some() as usize;
        let scalar = Aval::scalar(x.dtype(), false);
        let avals = vec![scalar; args];
        let closed = stage(self.name, &avals, here(), |x| self.call(&x));
        let dtype = closed.jaxpr.out_avals().next().expect("one result").dtype;
        let start = flat(&lax::convert_element_type(&x, dtype));
        let values = values.map(|values| lax::convert_element_type(&values, dtype));
        lax::reshape(&scan(step, start, &(flat(&places), values)).0, x.shape())
    }

    /// The elements along an axis reduced from each index to before the next, the last to the end: JAX's `reduceat`.
    ///
    /// Where an index is not below the next one, it is the element there.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let x = Array::from([1, 2, 3, 4, 5]);
    /// assert_eq!(jnp::ufunc::add.reduceat(&x, Array::from([0, 2, 4]), 0).to_vec::<i32>(), [3, 7, 5]);
    /// ```
    ///
    /// # Panics
    /// If the function is not of two arrays, or the indices are no vector of integers.
    #[track_caller]
    pub fn reduceat(&self, x: impl IntoArray, indices: impl IntoArray, axis: i64) -> Array {
        let _line = crate::trace::keep_line();
        self.binary("reduceat");
        let (x, indices) = (x.into_array(), indices.into_array());
        let axis = canonical("reduceat", axis, x.ndim());
        if indices.ndim() != 1 || !indices.dtype().is_integer() {
            refuse!("ufunc" => "the indices of reduceat must be a vector of integers, got {}", indices.aval())
        }
        let n = x.shape()[axis];
        let begin = super::take(&x, &indices, axis as i64);
        let column = |x: &Array| {
            let mut shape = vec![1; begin.ndim()];
            shape[axis] = x.size();
            lax::reshape(x, &shape)
        };
        let end = lax::full(&[1], n as i64, indices.dtype());
        let ends = lax::concatenate(&[lax::slice_in_dim(&indices, 1, None, 1, 0), end], 0);
        let (starts, ends) = (column(&indices), column(&ends));
        let body = |i: Array, out: Array| {
            let element = lax::expand_dims(&super::take(&x, &i, axis as i64), &[axis]);
            let inside = lax::and(&i.gt(&starts), &i.lt(&ends));
            let next = lax::convert_element_type(&self.pair(&out, &element), out.dtype());
            where_(inside, next, &out)
        };
        fori_loop(0, n as i64, body, begin.clone())
    }

    /// The function of every element of `x` with every element of `y`: `[x…, y…]`.
    ///
    /// ```
    /// # use jacinth_frontend::{Array, numpy as jnp};
    /// let table = jnp::ufunc::add.outer(Array::from([10, 20]), Array::from([1, 2, 3]));
    /// assert_eq!(table.to_string(), "[[11 12 13]\n [21 22 23]]");
    /// ```
    ///
    /// # Panics
    /// If the function is not of two arrays.
    #[track_caller]
    pub fn outer(&self, x: impl IntoArray, y: impl IntoArray) -> Array {
        self.binary("outer");
        let (x, y) = (x.into_array(), y.into_array());
        let column: Vec<usize> = x.shape().iter().copied().chain(vec![1; y.ndim()]).collect();
        self.pair(&lax::reshape(&x, &column), &y)
    }
}
