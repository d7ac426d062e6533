//! Switches: for the process, from the environment or set while it runs, and for a scope on one thread.
//!
//! A switch is one row of the table. Invariant: whatever depends on one of them and is kept, is kept under `cache_key`: traces,
//! compiled programs, jaxprs derived from jaxprs. Stands below all floors and knows none of them.

use std::cell::Cell;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

macro_rules! switches {
    ($($(#[$doc:meta])* $bit:literal $variable:literal default $default:literal:
        $(#[$set_doc:meta])* set $set:ident,
        $(#[$get_doc:meta])* get $get:ident,
        $(#[$scope_doc:meta])* scope $scope:ident;)*) => {
        /// What the environment says of all switches.
        fn from_environment() -> u32 {
            let mut bits = 0;
            $(bits |= (variable($variable).unwrap_or($default) as u32) << $bit;)*
            bits
        }

        /// Sets a switch by its name: `update("jax_enable_x64", true)`; each switch has a function of its own too.
        ///
        /// ```no_run
        /// # use jacinth_frontend::config;
        /// config::update("jax_enable_x64", true);
        /// assert!(config::x64_enabled());
        /// ```
        ///
        /// # Panics
        /// If there is none of that name; the message lists them.
        #[track_caller]
        pub fn update(name: &str, on: bool) {
            let wanted = name.to_ascii_lowercase();
            let wanted = wanted.strip_prefix("jax_").or(wanted.strip_prefix("jacinth_")).unwrap_or(&wanted);
            let names = [$($variable),*].map(|name: &str| name.trim_start_matches("JACINTH_").to_ascii_lowercase());
            let setters: &[fn(bool)] = &[$($set),*];
            match names.iter().position(|known| known == wanted) {
                Some(i) => setters[i](on),
                None => panic!("config::update: there is no switch `{name}`; there are {}", names.join(", ")),
            }
        }

        /// The switches that differ between two states: the name of each, and whether it is on in the second.
        pub(crate) fn changed(before: u32, after: u32) -> impl Iterator<Item = (&'static str, bool)> {
            [$(($bit, $variable)),*]
                .into_iter()
                .filter(move |(bit, _)| (before ^ after) >> bit & 1 == 1)
                .map(move |(bit, name)| (name, after >> bit & 1 == 1))
        }

        $(
            $(#[$set_doc])*
            pub fn $set(on: bool) {
                let bit = 1 << $bit;
                if on { PROCESS.fetch_or(bit, Ordering::Relaxed) } else { PROCESS.fetch_and(!bit, Ordering::Relaxed) };
            }

            $(#[$get_doc])*
            #[inline]
            pub fn $get() -> bool {
                bits() >> $bit & 1 == 1
            }

            $(#[$scope_doc])*
            pub fn $scope<R>(on: bool, f: impl FnOnce() -> R) -> R {
                scoped(1 << $bit, (on as u32) << $bit, f)
            }
        )*
    };
}

// One row per switch: its bit, its environment variable, its default, and the names of its functions.
switches! {
    0 "JACINTH_ENABLE_X64" default false:
        /// Says whether 64-bit dtypes are kept (`true`) or become 32-bit ones, the default; as `JACINTH_ENABLE_X64` does.
        ///
        /// ```no_run
        /// # use jacinth_frontend::{Array, DType, config};
        /// config::enable_x64(true); // first thing in `main`
        /// assert_eq!(Array::from([1.0]).dtype(), DType::F64);
        /// ```
        set enable_x64,
        /// Whether 64-bit dtypes are kept.
        ///
        /// ```
        /// # use jacinth_frontend::config;
        /// assert!(config::with_x64(true, config::x64_enabled));
        /// ```
        get x64_enabled,
        /// Runs `f` with 64-bit dtypes kept, or not, on this thread.
        ///
        /// ```
        /// # use jacinth_frontend::{Array, config};
        /// let third = config::with_x64(true, || (Array::from(1.0) / 3.0).item::<f64>());
        /// assert_eq!(third, 1.0 / 3.0);
        /// ```
        scope with_x64;
    1 "JACINTH_DISABLE_JIT" default false:
        /// Says whether jitted functions and control flow run operation by operation, for debugging; as `JACINTH_DISABLE_JIT` does.
        ///
        /// ```no_run
        /// # use jacinth_frontend::{Array, config, jit};
        /// config::set_disable_jit(true);
        /// jit(|x: &Array| println!("{x}"))(&Array::from(1.5)); // there is a value to print
        /// ```
        set set_disable_jit,
        /// Whether jitted functions and control flow run operation by operation.
        ///
        /// ```
        /// # use jacinth_frontend::{config, disable_jit};
        /// assert!(disable_jit(config::jit_disabled));
        /// ```
        get jit_disabled,
        /// Runs `f` with jitted functions and control flow running operation by operation, or not, on this thread.
        ///
        /// ```
        /// # use jacinth_frontend::{Array, config, jit};
        /// let f = jit(|x: &Array| if x.item::<f32>() > 0.0 { x * 2.0 } else { x.clone() });
        /// assert_eq!(config::with_disable_jit(true, || f(&Array::from(1.5))).item::<f32>(), 3.0);
        /// ```
        scope with_disable_jit;
    2 "JACINTH_CHECK_INDEX" default false:
        /// Says whether concrete indices out of bounds are errors; as `JACINTH_CHECK_INDEX` does.
        ///
        /// By default reads are moved inside and updates dropped, as in JAX. Traced indices are checked by
        /// [`checkify`](crate::checkify), with this switch or without.
        ///
        /// ```no_run
        /// # use jacinth_frontend::{Array, config};
        /// config::check_index(true);
        /// Array::from([1, 2]).get(5); // panics
        /// ```
        set check_index,
        /// Whether concrete indices out of bounds are errors.
        ///
        /// ```
        /// # use jacinth_frontend::config;
        /// assert!(config::with_check_index(true, config::index_checked));
        /// ```
        get index_checked,
        /// [`check_index`] for this thread while `f` runs.
        ///
        /// ```
        /// # use jacinth_frontend::{Array, config};
        /// assert_eq!(Array::from([1, 2]).get(5).item::<i32>(), 2); // the nearest
        /// let checked = std::panic::catch_unwind(|| config::with_check_index(true, || Array::from([1, 2]).get(5)));
        /// assert!(checked.is_err());
        /// ```
        scope with_check_index;
    3 "JACINTH_EXPLAIN_CACHE_MISSES" default false:
        /// Says whether each call of a jitted function that must trace or compile says why, as a warning; as
        /// `JACINTH_EXPLAIN_CACHE_MISSES` does. `stats()` of the function says the same.
        ///
        /// ```no_run
        /// # use jacinth_frontend::config;
        /// config::explain_cache_misses(true); // warning: compiling `step`: argument 0: dimension 0 changed from 3 to 4 …
        /// ```
        set explain_cache_misses,
        /// Whether calls that must trace or compile say why.
        ///
        /// ```
        /// # use jacinth_frontend::config;
        /// assert!(config::with_explain_cache_misses(true, config::cache_misses_explained));
        /// ```
        get cache_misses_explained,
        /// [`explain_cache_misses`] for this thread while `f` runs.
        ///
        /// ```
        /// # use jacinth_frontend::{Array, config, jit};
        /// let f = jit(|x: &Array| x + 1.0);
        /// let y = config::with_explain_cache_misses(true, || f(&Array::from(1.0))); // warns: first call
        /// assert_eq!(y.item::<f32>(), 2.0);
        /// ```
        scope with_explain_cache_misses;
    4 "JACINTH_THREEFRY_PARTITIONABLE" default true:
        /// Says whether random bits are those of the partitionable threefry2x32 (`true`, the default), or the legacy ones of JAX before
        /// 0.5; as `JACINTH_THREEFRY_PARTITIONABLE` does.
        ///
        /// ```no_run
        /// # use jacinth_frontend::config;
        /// config::threefry_partitionable(false); // the numbers of programs that were written for older versions of JAX
        /// ```
        set threefry_partitionable,
        /// Whether random bits are the partitionable ones.
        ///
        /// ```
        /// # use jacinth_frontend::config;
        /// assert!(config::threefry_is_partitionable());
        /// ```
        get threefry_is_partitionable,
        /// [`threefry_partitionable`] for this thread while `f` runs.
        ///
        /// ```
        /// # use jacinth_frontend::{config, random};
        /// let bits = || random::bits(random::key(0), [3]).to_vec::<u32>();
        /// assert_ne!(config::with_threefry_partitionable(false, bits), config::with_threefry_partitionable(true, bits));
        /// ```
        scope with_threefry_partitionable;
    5 "JACINTH_DEBUG_NANS" default false:
        /// Says whether results are looked through for NaNs, and one is an error that names the operation; as `JACINTH_DEBUG_NANS` does.
        ///
        /// A jitted function that gives one is run again operation by operation, to find the operation; nothing is donated.
        ///
        /// ```no_run
        /// # use jacinth_frontend::{Array, config};
        /// config::debug_nans(true);
        /// Array::from(0.0).log().square() - f32::INFINITY; // panics: a NaN from `sub`
        /// ```
        set debug_nans,
        /// Whether results are looked through for NaNs.
        ///
        /// ```
        /// # use jacinth_frontend::config;
        /// assert!(config::with_debug_nans(true, config::nans_debugged));
        /// ```
        get nans_debugged,
        /// [`debug_nans`] for this thread while `f` runs.
        ///
        /// ```
        /// # use jacinth_frontend::{Array, config, jit};
        /// let f = jit(|x: &Array| x.sqrt() + 1.0);
        /// let error = config::with_debug_nans(true, || f.try_call((&Array::from(-1.0),))).unwrap_err();
        /// assert!(error.to_string().contains("invalid value (nan) encountered in sqrt"), "{error}");
        /// ```
        scope with_debug_nans;
    6 "JACINTH_DEBUG_INFS" default false:
        /// As [`debug_nans`], for infinities; as `JACINTH_DEBUG_INFS` does.
        ///
        /// ```no_run
        /// # use jacinth_frontend::{Array, config};
        /// config::debug_infs(true);
        /// Array::from(0.0).log(); // panics
        /// ```
        set debug_infs,
        /// Whether results are looked through for infinities.
        ///
        /// ```
        /// # use jacinth_frontend::config;
        /// assert!(config::with_debug_infs(true, config::infs_debugged));
        /// ```
        get infs_debugged,
        /// [`debug_infs`] for this thread while `f` runs.
        ///
        /// ```
        /// # use jacinth_frontend::{Array, config, jit};
        /// let f = jit(|x: &Array| 1.0 / x);
        /// assert!(config::with_debug_infs(true, || f.try_call((&Array::from(0.0),))).is_err());
        /// ```
        scope with_debug_infs;
    7 "JACINTH_LOG_COMPILES" default false:
        /// Says whether a warning tells of each jitted function that is compiled, for which types and in what time; as
        /// `JACINTH_LOG_COMPILES` does.
        ///
        /// ```no_run
        /// # use jacinth_frontend::config;
        /// config::log_compiles(true); // warning: compiled `step` for (f32[3]) in 1.2ms …
        /// ```
        set log_compiles,
        /// Whether compilations are told of.
        ///
        /// ```
        /// # use jacinth_frontend::config;
        /// assert!(config::with_log_compiles(true, config::compiles_logged));
        /// ```
        get compiles_logged,
        /// [`log_compiles`] for this thread while `f` runs.
        ///
        /// ```
        /// # use jacinth_frontend::{Array, config, jit};
        /// let f = jit(|x: &Array| x * 2.0).name("double");
        /// assert_eq!(config::with_log_compiles(true, || f(&Array::from(1.0))).item::<f32>(), 2.0); // and a warning
        /// ```
        scope with_log_compiles;
    8 "JACINTH_STRICT_DTYPE_PROMOTION" default false:
        /// Says whether arrays of different dtypes are an error in `numpy`'s functions instead of being promoted, JAX's
        /// `numpy_dtype_promotion = "strict"`; as `JACINTH_STRICT_DTYPE_PROMOTION` does.
        ///
        /// Rust numbers still take an array's dtype, where it is of their kind.
        ///
        /// ```no_run
        /// # use jacinth_frontend::{Array, config};
        /// config::strict_dtype_promotion(true);
        /// Array::from([1.0f32]) + Array::from([1]); // panics
        /// ```
        set strict_dtype_promotion,
        /// Whether arrays of different dtypes are an error.
        ///
        /// ```
        /// # use jacinth_frontend::config;
        /// assert!(config::with_strict_dtype_promotion(true, config::dtype_promotion_is_strict));
        /// ```
        get dtype_promotion_is_strict,
        /// [`strict_dtype_promotion`] for this thread while `f` runs.
        ///
        /// ```
        /// # use jacinth_frontend::{Array, config, jit};
        /// let add = jit(|x: &Array, n: &Array| x + n);
        /// let mixed = || add.try_call((&Array::from([1.0f32]), &Array::from([1])));
        /// assert!(mixed().is_ok() && config::with_strict_dtype_promotion(true, mixed).is_err());
        /// ```
        scope with_strict_dtype_promotion;
    9 "JACINTH_FORBID_RANK_PROMOTION" default false:
        /// Says whether arrays of different ranks are an error in `numpy`'s functions instead of being broadcast, JAX's
        /// `numpy_rank_promotion = "raise"`; as `JACINTH_FORBID_RANK_PROMOTION` does. Scalars meet every rank.
        ///
        /// ```no_run
        /// # use jacinth_frontend::{config, numpy as jnp};
        /// config::forbid_rank_promotion(true);
        /// jnp::ones([2, 3]) + jnp::ones([3]); // panics
        /// ```
        set forbid_rank_promotion,
        /// Whether arrays of different ranks are an error.
        ///
        /// ```
        /// # use jacinth_frontend::config;
        /// assert!(config::with_rank_promotion_forbidden(true, config::rank_promotion_is_forbidden));
        /// ```
        get rank_promotion_is_forbidden,
        /// [`forbid_rank_promotion`] for this thread while `f` runs.
        ///
        /// ```
        /// # use jacinth_frontend::{Array, config, jit, numpy as jnp};
        /// let add = jit(|x: &Array, y: &Array| x + y);
        /// let forbidden = |y: Array| config::with_rank_promotion_forbidden(true, || add.try_call((&jnp::ones([2, 3]), &y)));
        /// assert!(forbidden(jnp::ones([3])).is_err() && forbidden(jnp::ones(())).is_ok());
        /// ```
        scope with_rank_promotion_forbidden;
}

/// The switches on which nothing depends that is kept.
const UNKEYED: u32 = 1 << 3 | 1 << 7;

/// Where the precision of products stands that say none: 0 where none is set.
const PRECISION: u32 = 30;

/// Whether results are looked through for NaNs or infinities.
#[inline]
pub(crate) fn values_debugged() -> bool {
    bits() & (1 << 5 | 1 << 6) != 0
}

/// The precision of products that say none, as [`with_precision`] set it.
#[inline]
pub(crate) fn precision() -> u32 {
    bits() >> PRECISION
}

/// Runs `f` with a number from 0 to 3 as the precision of products that say none, on this thread.
pub(crate) fn with_precision<R>(precision: u32, f: impl FnOnce() -> R) -> R {
    scoped(0b11 << PRECISION, precision << PRECISION, f)
}

/// Runs `f` with jitted functions and control flow running operation by operation on this thread, so that values can be looked at.
///
/// Transformations other than `jit` work as ever; control flow whose course depends on a value that one of them traces is traced.
///
/// ```
/// # use jacinth_frontend::{Array, disable_jit, jit};
/// let f = jit(|x: &Array| {
///     println!("{x}"); // a number, where a traced value would print its type
///     x * 2.0
/// });
/// assert_eq!(disable_jit(|| f(&Array::from(1.5))).item::<f32>(), 3.0);
/// ```
pub fn disable_jit<R>(f: impl FnOnce() -> R) -> R {
    with_disable_jit(true, f)
}

/// The state of the switches under which whatever depends on them is kept.
#[inline]
pub(crate) fn cache_key() -> u32 {
    bits() & !UNKEYED
}

static PROCESS: LazyLock<AtomicU32> = LazyLock::new(|| AtomicU32::new(from_environment()));

thread_local! {
    /// Which switches this thread overrides, and with what.
    static SCOPE: Cell<(u32, u32)> = const { Cell::new((0, 0)) };
}

#[inline]
fn bits() -> u32 {
    let (mask, values) = SCOPE.get();
    (PROCESS.load(Ordering::Relaxed) & !mask) | values
}

/// Runs `f` with the bits of `mask` as in `values`.
fn scoped<R>(mask: u32, values: u32, f: impl FnOnce() -> R) -> R {
    struct Restore((u32, u32));
    impl Drop for Restore {
        fn drop(&mut self) {
            SCOPE.set(self.0);
        }
    }
    let before = SCOPE.get();
    let _restore = Restore(before);
    SCOPE.set((before.0 | mask, (before.1 & !mask) | values));
    f()
}

fn variable(name: &str) -> Option<bool> {
    match std::env::var(name).ok()?.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Some(true),
        "" | "0" | "false" | "no" | "off" => Some(false),
        other => panic!("{name} must be 0 or 1, true or false, yes or no, on or off; it is `{other}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_known_by_their_names() {
        assert!(!cache_misses_explained());
        update("jax_explain_cache_misses", true);
        assert!(cache_misses_explained());
        update("JACINTH_EXPLAIN_CACHE_MISSES", false);
        assert!(!cache_misses_explained());
        let unknown = std::panic::catch_unwind(|| update("jax_enable_x65", true)).unwrap_err();
        let text = unknown.downcast_ref::<String>().expect("a sentence");
        assert!(text.contains("no switch `jax_enable_x65`; there are enable_x64, disable_jit,"), "{text}");
    }

    #[test]
    fn scopes_nest_and_end() {
        assert!(!jit_disabled());
        let before = cache_key();
        with_x64(true, || {
            assert!(x64_enabled() && cache_key() != before);
            disable_jit(|| assert!(x64_enabled() && jit_disabled()));
            with_x64(false, || assert!(!x64_enabled()));
            assert!(x64_enabled() && !jit_disabled());
        });
        assert!(with_explain_cache_misses(true, || cache_misses_explained() && cache_key() == before));
        let unwound = std::panic::catch_unwind(|| with_x64(true, || panic!("out of here")));
        assert!(unwound.is_err() && cache_key() == before);
        std::thread::scope(|s| with_x64(true, || s.spawn(|| assert!(!x64_enabled())).join()).unwrap());
    }
}
