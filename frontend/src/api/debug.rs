//! `jax.debug`, `pure_callback` and `io_callback`: calling functions of this process from traced code.
//!
//! Everything here works outside of any trace, in jitted functions on plugins with XLA's FFI (the embedded one, XLA:CPU), in control
//! flow, and under transformations as in JAX. A function gets concrete arrays, which live on a client of the embedded plugin while it
//! runs inside of a program, so that it may compute with them. Programs with callbacks are waited for: their output
//! is there when the call returns, and an error of the function is an error of the call.

use crate::error::Error;
use crate::ir::{Array, Aval, Prim};
use crate::lax::debug::{HostCall, Kind};
use crate::trace::{bind, here};
use parking_lot::RwLock;

/// `jax.debug.print` with names: `debug::print!("x = {x}", x = x)`.
pub use crate::debug_print as print;
pub use crate::lax::debug::VmapMethod;

type Hook = Box<dyn Fn(&str) + Send + Sync>;

static HOOK: RwLock<Option<Hook>> = RwLock::new(None);

/// Sends what [`print()`] and [`debug_print!`](crate::debug_print) print to `hook` instead of standard output, a line at a time, from
/// now on and from every thread.
///
/// ```no_run
/// # use jacinth_frontend::{Array, debug, jit};
/// use std::sync::mpsc::channel;
/// let (send, lines) = channel();
/// let send = std::sync::Mutex::new(send);
/// debug::set_print_hook(move |line| send.lock().unwrap().send(line.to_owned()).unwrap());
/// jit(|x: &Array| debug::print("x = {}", &[x]))(&Array::from(1.5f32));
/// assert_eq!(lines.recv().unwrap(), "x = 1.5");
/// ```
pub fn set_print_hook(hook: impl Fn(&str) + Send + Sync + 'static) {
    *HOOK.write() = Some(Box::new(hook));
}

fn emit(line: &str) {
    match &*HOOK.read() {
        Some(hook) => hook(line),
        None => println!("{line}"),
    }
}

/// Prints arrays when the program runs: `jax.debug.print`. Each `{}` of the format is one of them, in order; `{{` and `}}` are braces.
///
/// Calls may happen in another order than in the program; [`print_ordered`] keeps it. The macro
/// [`debug_print!`](crate::debug_print) takes names as well.
///
/// ```
/// # use jacinth_frontend::{Array, debug, jit};
/// let f = jit(|x: &Array| {
///     debug::print("x = {}, twice: {}", &[x, &(x * 2.0)]);
///     x + 1.0
/// });
/// assert_eq!(f(&Array::from(1.0f32)).item::<f32>(), 2.0); // prints `x = 1.0, twice: 2.0`
/// ```
///
/// # Panics
/// If there are not as many `{}` as arrays.
#[track_caller]
pub fn print(format: &'static str, args: &[&Array]) {
    print_at(format, false, args);
}

/// As [`print()`], in the order of the program.
///
/// ```
/// # use jacinth_frontend::{Array, api::control::scan, debug};
/// let step = |sum: Array, x: Array| {
///     debug::print_ordered("{} so far", &[&sum]);
///     (sum + &x, x)
/// };
/// assert_eq!(scan(step, Array::from(0), &Array::from([1, 2])).0.item::<i32>(), 3); // prints 0, then 1
/// ```
///
/// # Panics
/// If there are not as many `{}` as arrays.
#[track_caller]
pub fn print_ordered(format: &'static str, args: &[&Array]) {
    print_at(format, true, args);
}

#[track_caller]
fn print_at(format: &'static str, ordered: bool, args: &[&Array]) {
    let places = pieces(format).len() - 1;
    if places != args.len() {
        let message = format!("debug::print: {format:?} has {places} places for {} arrays", args.len());
        Error::argument(message).at(here()).raise();
    }
    print_with(format, ordered, args, move |args| {
        let pieces = pieces(format);
        let filled = pieces.iter().zip(args).map(|(piece, arg)| format!("{piece}{arg}"));
        filled.collect::<String>() + &pieces[pieces.len() - 1]
    });
}

/// The text between the `{}`s.
fn pieces(format: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut rest = format;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        if rest.starts_with("{}") {
            pieces.push(String::new());
            length = 2;
        } else {
            pieces.last_mut().expect("one at least").push(c);
            if rest.starts_with("{{") || rest.starts_with("}}") {
                length = 2;
            }
        }
        rest = &rest[length..];
    }
    pieces
}

/// What [`debug_print!`](crate::debug_print) expands to.
#[doc(hidden)]
#[track_caller]
pub fn print_with(
    format: &'static str,
    ordered: bool,
    args: &[&Array],
    text: impl Fn(&[Array]) -> String + Send + Sync + 'static,
) {
    let show = move |args: &[Array]| {
        emit(&text(args));
        Vec::new()
    };
    run(HostCall::new(Kind::Print(format), ordered, "debug_print", Vec::new(), show), args);
}

/// Prints arrays when the program runs, as `jax.debug.print` does: `debug_print!("x = {x} {}", y, x = x)`.
///
/// The format is `format!`'s, and what it refers to is named after it; the values are arrays, traced or not. Calls may happen in
/// another order than in the program; with `ordered:` before the format they keep it.
///
/// ```
/// # use jacinth_frontend::{Array, debug_print, jit};
/// let f = jit(|x: &Array| {
///     debug_print!("x = {x}, {} is its exponential", x.exp(), x = x);
///     debug_print!(ordered: "first {}", x);
///     x.sum()
/// });
/// assert_eq!(f(&Array::from([1.0f32, 2.0])).item::<f32>(), 3.0);
/// ```
#[macro_export]
macro_rules! debug_print {
    (ordered: $format:literal $($rest:tt)*) => {
        $crate::debug_print!(@ true, $format, [], [] $($rest)*)
    };
    ($format:literal $($rest:tt)*) => {
        $crate::debug_print!(@ false, $format, [], [] $($rest)*)
    };
    (@ $ordered:literal, $format:literal, [$($value:expr,)*], [$($name:tt)*] , $key:ident = $next:expr $(, $($rest:tt)*)?) => {
        $crate::debug_print!(@ $ordered, $format, [$($value,)* $next,], [$($name)* ($key =)] $(, $($rest)*)?)
    };
    (@ $ordered:literal, $format:literal, [$($value:expr,)*], [$($name:tt)*] , $next:expr $(, $($rest:tt)*)?) => {
        $crate::debug_print!(@ $ordered, $format, [$($value,)* $next,], [$($name)* ()] $(, $($rest)*)?)
    };
    (@ $ordered:literal, $format:literal, [$($value:expr,)*], [$(($($name:tt)*))*] $(,)?) => {
        $crate::debug::print_with($format, $ordered, &[$(&$value),*], |args| {
            #[allow(unused_mut, unused_variables)]
            let mut args = args.iter();
            ::std::format!($format $(, $($name)* args.next().expect("one for each place"))*)
        })
    };
}

/// Calls `f` with the values when the program runs: `jax.debug.callback`.
///
/// Calls may happen in another order than in the program; [`callback_ordered`] keeps it. Under `vmap` it is called for each element, under
/// differentiation with the primal values.
///
/// ```
/// # use jacinth_frontend::{Array, debug, vmap};
/// use std::sync::atomic::{AtomicU32, Ordering};
/// static SEEN: AtomicU32 = AtomicU32::new(0);
/// let count = |args: &[Array]| drop(SEEN.fetch_add(args[0].item::<u32>(), Ordering::Relaxed));
/// vmap(move |x: &Array| {
///     debug::callback(count, &[x]); // once for each element
///     x.clone()
/// })(&Array::from([1u32, 20]));
/// assert_eq!(SEEN.load(Ordering::Relaxed), 21);
/// ```
#[track_caller]
pub fn callback<F: Fn(&[Array]) + Send + Sync + 'static>(f: F, args: &[&Array]) {
    callback_at(false, f, args);
}

/// As [`callback`], in the order of the program.
///
/// ```
/// # use jacinth_frontend::{Array, debug, jit};
/// use std::sync::Mutex;
/// static SEEN: Mutex<Vec<i32>> = Mutex::new(Vec::new());
/// jit(|x: &Array| {
///     debug::callback_ordered(|args| SEEN.lock().unwrap().push(args[0].item()), &[x]);
///     debug::callback_ordered(|args| SEEN.lock().unwrap().push(args[0].item()), &[&(x * 2)]);
/// })(&Array::from(3));
/// assert_eq!(*SEEN.lock().unwrap(), [3, 6]);
/// ```
#[track_caller]
pub fn callback_ordered<F: Fn(&[Array]) + Send + Sync + 'static>(f: F, args: &[&Array]) {
    callback_at(true, f, args);
}

#[track_caller]
fn callback_at<F: Fn(&[Array]) + Send + Sync + 'static>(ordered: bool, f: F, args: &[&Array]) {
    let name = std::any::type_name::<F>();
    let call = move |args: &[Array]| {
        f(args);
        Vec::new()
    };
    run(HostCall::new(Kind::Debug, ordered, name, Vec::new(), call), args);
}

/// Calls a pure function of this process and gives its results, which are of the types `result_avals`: `jax.pure_callback`.
///
/// Calls may be left out, repeated and moved. `vmap_method` says how it is mapped; without one `vmap` refuses it. It has no derivative:
/// wrap it in [`custom_jvp`](crate::custom_jvp).
///
/// ```
/// # use jacinth_frontend::{Array, jit, pure_callback};
/// // A function of the host, in a jitted one.
/// let words = |args: &[Array]| vec![Array::from(args[0].item::<i32>().to_string().len() as i32)];
/// let digits = jit(move |n: &Array| pure_callback(words, &[n.aval().clone()], &[n], None).remove(0));
/// assert_eq!(digits(&Array::from(1_000)).item::<i32>(), 4);
/// ```
///
/// # Panics
/// Outside of a trace if the results are of other types; in a program that is an error of the run.
#[track_caller]
pub fn pure_callback<F>(
    f: F,
    result_avals: &[Aval],
    args: &[&Array],
    vmap_method: Option<VmapMethod>,
) -> Vec<Array>
where
    F: Fn(&[Array]) -> Vec<Array> + Send + Sync + 'static,
{
    let name = std::any::type_name::<F>();
    run(HostCall::new(Kind::Pure(vmap_method), false, name, result_avals.to_vec(), f), args)
}

/// Calls a function of this process that does something, and gives its results, which are of the types `result_avals`:
/// `jax.experimental.io_callback`. With `ordered` calls happen in the order of the program.
///
/// ```
/// # use jacinth_frontend::{Array, DType, io_callback, ir::Aval, jit};
/// use std::sync::atomic::{AtomicI32, Ordering};
/// static NEXT: AtomicI32 = AtomicI32::new(0);
/// let ticket = |_: &[Array]| vec![Array::from(NEXT.fetch_add(1, Ordering::Relaxed))];
/// let draw = jit(move || io_callback(ticket, &[Aval::new([], DType::I32)], &[], true).remove(0));
/// assert_eq!((draw().item::<i32>(), draw().item::<i32>()), (0, 1));
/// ```
///
/// # Panics
/// As [`pure_callback`].
#[track_caller]
pub fn io_callback<F>(f: F, result_avals: &[Aval], args: &[&Array], ordered: bool) -> Vec<Array>
where
    F: Fn(&[Array]) -> Vec<Array> + Send + Sync + 'static,
{
    run(HostCall::new(Kind::Io, ordered, std::any::type_name::<F>(), result_avals.to_vec(), f), args)
}

#[track_caller]
fn run(call: HostCall, args: &[&Array]) -> Vec<Array> {
    let args: Vec<Array> = args.iter().map(|&arg| arg.clone()).collect();
    bind(Prim::new(call), &args).into_vec()
}

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn formats_fall_into_pieces() {
        assert_eq!(pieces("a"), ["a"]);
        assert_eq!(pieces("a {} b{}"), ["a ", " b", ""]);
        assert_eq!(pieces("{{}} {}é"), ["{} ", "é"]);
    }
}
