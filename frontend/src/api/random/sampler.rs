//! Samplers as jitted functions: traced once per configuration and types of arguments, one equation wherever they are called.

use std::fmt::Debug;
use std::panic::Location;
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use crate::api::dtypes::canonicalize_dtype;
use crate::config::{cache_key, jit_disabled};
use crate::ir::{Array, Aval, DType, Jaxpr, Prim, numpy_name};
use crate::lax::{self, rules::refuse};
use crate::trace::{bind_at_line, current_source, stage, with_trace};

#[derive(PartialEq, Eq, Hash)]
struct Traced {
    name: &'static str,
    statics: String,
    avals: Vec<Aval>,
    config: u32,
}

/// More traced samplers than this are all forgotten: a program that draws ever new shapes must not fill memory.
const MAX_TRACED: usize = 1024;

static TRACED: LazyLock<Mutex<FxHashMap<Traced, Arc<Jaxpr>>>> = LazyLock::new(Mutex::default);

/// Applies `f`, which is determined by its name, `statics` and the types of the arguments, as a jitted function.
///
/// `f` captures no arrays. Its equations carry the line of the user's first call.
#[track_caller]
pub(super) fn jitted(
    name: &'static str,
    args: &[&Array],
    statics: impl Debug,
    f: impl FnOnce(&[Array]) -> Array,
) -> Array {
    let owned: Vec<Array> = args.iter().map(|&x| x.clone()).collect();
    if jit_disabled() {
        return f(&owned);
    }
    let source = current_source(Location::caller());
    let key = Traced {
        name,
        statics: format!("{statics:?}"),
        avals: args.iter().map(|x| x.aval().clone()).collect(),
        config: cache_key(),
    };
    let found = TRACED.lock().get(&key).cloned();
    let jaxpr = found.unwrap_or_else(|| {
        let traced = |args: Vec<Array>| with_trace(crate::trace::current(), Some(source), || vec![f(&args)]);
        let closed = with_trace(None, None, || stage(name, &key.avals, source, traced));
        assert!(closed.consts.is_empty(), "{name} captures arrays");
        let mut all = TRACED.lock();
        if all.len() >= MAX_TRACED {
            all.clear();
        }
        all.entry(key).or_insert(closed.jaxpr).clone()
    });
    let prim = lax::Jit { name: name.into(), jaxpr, inline: false, keep_unused: false };
    bind_at_line(Prim::new(prim), &owned, source).pop().expect("a sampler gives one array")
}

/// The float dtype of a sample, in the width that is switched on.
#[track_caller]
pub(super) fn float_dtype(name: &'static str, dtype: DType) -> DType {
    let dtype = canonicalize_dtype(dtype);
    if !matches!(dtype, DType::F16 | DType::BF16 | DType::F32 | DType::F64) {
        refuse!(name => "dtype must be float16, bfloat16, float32 or float64, got {}", numpy_name(dtype))
    }
    dtype
}

/// The integer dtype of a sample, in the width that is switched on.
#[track_caller]
pub(super) fn int_dtype(name: &'static str, dtype: DType) -> DType {
    let dtype = canonicalize_dtype(dtype);
    if !dtype.is_integer() || !matches!(dtype.bits(), 8 | 16 | 32 | 64) {
        refuse!(name => "dtype must be an integer dtype of 8, 16, 32 or 64 bits, got {}", numpy_name(dtype))
    }
    dtype
}

/// Refuses a shape to which the parameters do not broadcast.
#[track_caller]
pub(super) fn check_shape(name: &'static str, shape: &[usize], params: &[&[usize]]) {
    let fits = |param: &&[usize]| {
        param.len() <= shape.len()
            && param.iter().rev().zip(shape.iter().rev()).all(|(&p, &s)| p == s || p == 1)
    };
    if let Some(param) = params.iter().find(|p| !fits(p)) {
        let show = lax::rules::show::<usize>;
        refuse!(name => "a parameter of shape {} does not broadcast to the shape {}", show(param), show(shape))
    }
}

/// What is known of a float dtype.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finfo {
    /// Its width.
    pub(super) bits: usize,
    /// Digits after the point.
    pub(super) nmant: i32,
    /// The smallest normal number.
    pub(super) tiny: f64,
}

impl Finfo {
    pub(super) fn of(dtype: DType) -> Finfo {
        let (bits, nmant, least) = match dtype {
            DType::F16 => (16, 10, -14),
            DType::BF16 => (16, 7, -126),
            DType::F32 => (32, 23, -126),
            _ => (64, 52, -1022),
        };
        Finfo { bits, nmant, tiny: 2f64.powi(least) }
    }

    /// From one to the next larger number.
    pub(super) fn eps(self) -> f64 {
        2f64.powi(-self.nmant)
    }

    /// From one to the next smaller number.
    pub(super) fn epsneg(self) -> f64 {
        2f64.powi(-self.nmant - 1)
    }
}

/// A host scalar of that dtype.
pub(super) fn number(value: impl Into<crate::ir::Scalar>, dtype: DType) -> Array {
    Array::scalar(value, dtype, false)
}

/// The elements from one index to before another along an axis.
pub(super) fn part(x: &Array, from: usize, to: usize, axis: usize) -> Array {
    lax::slice_in_dim(x, from as i64, Some(to as i64), 1, axis)
}
