//! Arrays as text: `{}` prints as NumPy's `str`, [`Array::repr`] as JAX's `repr`.
//!
//! The rules are NumPy's: shortest digits that tell a float apart, one width for all elements, scientific notation where magnitudes are far
//! apart; how many digits, columns and elements is said by [`PrintOptions`].

use crate::ir::{Array, Aval, DType, NO_VALUE, Repr, numpy_name};
use jacinth_lowering::element::{self, Scalar};
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// How arrays are written: NumPy's print options, of which `floatmode`, `sign`, `formatter` and `legacy` are not here.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// use jnp::PrintOptions;
/// let options = PrintOptions { threshold: 4, edgeitems: 1, ..PrintOptions::default() };
/// assert_eq!(jnp::printoptions(options, || jnp::arange(9).to_string()), "[0 ... 8]");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrintOptions {
    /// Digits after the point at most: 8.
    pub precision: usize,
    /// How many elements are still all written: 1000.
    pub threshold: usize,
    /// How many elements stand at each end of a dimension where not all are written: 3.
    pub edgeitems: usize,
    /// Columns of a line: 75.
    pub linewidth: usize,
    /// Whether small numbers are written without an exponent, as zero if need be.
    pub suppress: bool,
    /// What is written for NaN.
    pub nanstr: String,
    /// What is written for infinity.
    pub infstr: String,
}

impl Default for PrintOptions {
    fn default() -> PrintOptions {
        let (nanstr, infstr) = ("nan".into(), "inf".into());
        PrintOptions {
            precision: 8,
            threshold: 1000,
            edgeitems: 3,
            linewidth: 75,
            suppress: false,
            nanstr,
            infstr,
        }
    }
}

thread_local! {
    static OPTIONS: RefCell<Arc<PrintOptions>> = RefCell::default();
}

/// How arrays are written from now on; on this thread, as NumPy has it.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// jnp::set_printoptions(jnp::PrintOptions { precision: 2, ..jnp::get_printoptions() });
/// assert_eq!(Array::from([0.12345f32]).to_string(), "[0.12]");
/// jnp::set_printoptions(jnp::PrintOptions::default());
/// ```
pub fn set_printoptions(options: PrintOptions) {
    OPTIONS.set(Arc::new(options));
}

/// How arrays are written on this thread.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::get_printoptions().linewidth, 75);
/// ```
pub fn get_printoptions() -> PrintOptions {
    (*options()).clone()
}

/// Runs `f` with arrays written in that way on this thread.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// # use jnp::PrintOptions;
/// let x = Array::from([0.123456f32, 1e-9]);
/// let short = PrintOptions { precision: 3, suppress: true, ..jnp::get_printoptions() };
/// assert_eq!(jnp::printoptions(short, || x.to_string()), "[0.123 0.   ]");
/// ```
pub fn printoptions<R>(options: PrintOptions, f: impl FnOnce() -> R) -> R {
    struct Restore(Arc<PrintOptions>);
    impl Drop for Restore {
        fn drop(&mut self) {
            OPTIONS.set(self.0.clone());
        }
    }
    let _restore = Restore(OPTIONS.replace(Arc::new(options)));
    f()
}

fn options() -> Arc<PrintOptions> {
    OPTIONS.with_borrow(Clone::clone)
}

/// The array as JAX's `repr` writes it; see [`Array::repr`].
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::array_repr(&Array::from([1, 2])), "Array([1, 2], dtype=int32)");
/// ```
pub fn array_repr(array: &Array) -> String {
    array.repr()
}

/// The array as `{}` writes it.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// assert_eq!(jnp::array_str(&Array::from([1.0f32, 2.5])), "[1.  2.5]");
/// ```
pub fn array_str(array: &Array) -> String {
    array.to_string()
}

impl fmt::Display for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_tracer() {
            return fmt::Debug::fmt(self, f);
        }
        let Ok(bytes) = self.host_bytes("text") else { return fmt::Debug::fmt(self, f) };
        f.write_str(&str_of(self.aval(), &bytes))
    }
}

/// A concrete array as [`Array::repr`], a traced one by its type.
impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Device(_) | Repr::Scalar(_) => match self.host_bytes("text") {
                Ok(bytes) => f.write_str(&repr_of(self.aval(), &bytes)),
                Err(_) => write!(f, "Array({})", self.aval()),
            },
            Repr::Var { trace: NO_VALUE, aval, .. } => {
                let (shape, dtype) = (crate::lax::rules::show(&aval.shape), numpy_name(aval.dtype));
                write!(f, "ShapeDtypeStruct(shape={shape}, dtype={dtype})")
            }
            Repr::Var { aval, var, .. } => write!(f, "Traced<{aval}>(v{})", var.0),
            Repr::Dual(d) => {
                write!(f, "Traced<{}>(primal {:?}, tangent {:?})", d.primal.aval(), d.primal, d.tangent)
            }
            Repr::Batched(b) => {
                write!(f, "Traced<{}>(batched over dimension {} of {:?})", b.aval, b.dim, b.value)
            }
        }
    }
}

impl Array {
    /// The array as JAX's `repr` writes it: `Array([1., 2.], dtype=float32)`.
    ///
    /// ```
    /// # use jacinth_frontend::Array;
    /// assert_eq!(Array::from([1.0f32, 2.0]).repr(), "Array([1., 2.], dtype=float32)");
    /// assert_eq!(Array::from(2.0).repr(), "Array(2., dtype=float32, weak_type=True)");
    /// ```
    pub fn repr(&self) -> String {
        format!("{self:?}")
    }
}

fn str_of(aval: &Aval, bytes: &[u8]) -> String {
    if aval.rank() == 0 {
        return scalar_text(number(aval.dtype, bytes, 0), aval.dtype);
    }
    Text::new(aval, bytes).layout(" ", 0, 0)
}

fn repr_of(aval: &Aval, bytes: &[u8]) -> String {
    let weak = if aval.weak_type { ", weak_type=True" } else { "" };
    let dtype = format!("dtype={}{weak})", numpy_name(aval.dtype));
    if aval.size() == 0 {
        let shape = crate::lax::rules::show(&aval.shape);
        let shape = if aval.rank() == 1 { String::new() } else { format!("shape={shape}, ") };
        return format!("Array([], {shape}{dtype}");
    }
    let body = Text::new(aval, bytes).layout(", ", "Array(".len(), 1);
    // As in JAX the dtype stays on the last line, set off where that becomes too long.
    let last = body.len() - body.rfind('\n').map_or(0, |at| at + 1) + 2;
    let separator = if last + dtype.len() + 1 > options().linewidth { ",      " } else { ", " };
    format!("Array({body}{separator}{dtype}")
}

fn number(dtype: DType, bytes: &[u8], index: usize) -> Scalar {
    let width = dtype.byte_width();
    element::read(dtype, &bytes[index * width..(index + 1) * width])
}

/// An array that is being written.
struct Text<'a> {
    shape: &'a [usize],
    bytes: &'a [u8],
    dtype: DType,
    summary: bool,
    format: Format,
    options: Arc<PrintOptions>,
}

/// How one element is written.
enum Format {
    Bool(usize),
    Int(usize),
    Float(FloatFormat),
    /// Floats that NumPy itself does not have.
    General,
    Complex(FloatFormat, FloatFormat),
}

impl<'a> Text<'a> {
    fn new(aval: &'a Aval, bytes: &'a [u8]) -> Text<'a> {
        let options = options();
        let summary = aval.size() > options.threshold;
        let (shape, dtype) = (&aval.shape[..], aval.dtype);
        let mut text = Text { shape, bytes, dtype, summary, format: Format::Int(0), options };
        let mut shown = Vec::new();
        text.collect(0, 0, &mut shown);
        text.format = Format::new(&shown, aval.dtype, &text.options);
        text
    }

    /// The indices of a dimension that are shown; `None` for the gap.
    fn indices(&self, axis: usize) -> Vec<Option<usize>> {
        let (n, edge) = (self.shape[axis], self.options.edgeitems);
        if self.summary && n > 2 * edge {
            (0..edge).map(Some).chain([None]).chain((n - edge..n).map(Some)).collect()
        } else {
            (0..n).map(Some).collect()
        }
    }

    fn collect(&self, axis: usize, offset: usize, out: &mut Vec<Scalar>) {
        if axis == self.shape.len() {
            out.push(number(self.dtype, self.bytes, offset));
            return;
        }
        for i in self.indices(axis).into_iter().flatten() {
            self.collect(axis + 1, offset * self.shape[axis] + i, out);
        }
    }

    /// The elements in brackets; lines after the first are indented by `prefix`, and `suffix` columns stay free.
    fn layout(&self, separator: &str, prefix: usize, suffix: usize) -> String {
        if self.shape.contains(&0) {
            return "[]".into();
        }
        let indent = " ".repeat(prefix);
        self.rows(0, 0, &indent, self.options.linewidth.saturating_sub(suffix), separator)
    }

    fn rows(&self, axis: usize, offset: usize, indent: &str, width: usize, separator: &str) -> String {
        let rank = self.shape.len();
        if axis == rank {
            return self.format.write(number(self.dtype, self.bytes, offset));
        }
        let deeper = format!("{indent} ");
        let indices = self.indices(axis);
        let last = indices.len() - 1;
        let mut out = String::new();
        if axis + 1 < rank {
            let line_end = format!("{}{}", separator.trim_end(), "\n".repeat(rank - axis - 1));
            for (k, i) in indices.into_iter().enumerate() {
                out.push_str(&deeper);
                match i {
                    Some(i) => out.push_str(&self.rows(
                        axis + 1,
                        offset * self.shape[axis] + i,
                        &deeper,
                        width.saturating_sub(1),
                        separator,
                    )),
                    None => out.push_str("..."),
                }
                if k < last {
                    out.push_str(&line_end);
                }
            }
        } else {
            let fits = width.saturating_sub(separator.trim_end().len().max(1));
            let mut line = deeper.clone();
            for (k, i) in indices.into_iter().enumerate() {
                let word = match i {
                    Some(i) => self.rows(
                        axis + 1,
                        offset * self.shape[axis] + i,
                        &deeper,
                        width.saturating_sub(1),
                        separator,
                    ),
                    None => "...".into(),
                };
                if line.len() + word.len() > fits && line.len() > deeper.len() {
                    out.push_str(line.trim_end());
                    out.push('\n');
                    line = deeper.clone();
                }
                line.push_str(&word);
                if k < last {
                    line.push_str(separator);
                }
            }
            out.push_str(&line);
        }
        format!("[{}]", &out[deeper.len()..])
    }
}

impl Format {
    fn new(shown: &[Scalar], dtype: DType, options: &Arc<PrintOptions>) -> Format {
        if dtype.is_boolean() {
            return Format::Bool(if shown.len() == 1 { 0 } else { 5 });
        }
        if dtype.is_complex() {
            let part = |f: fn(&Scalar) -> f64| FloatFormat::new(shown.iter().map(f), dtype.real(), options);
            return Format::Complex(part(|s| parts(*s).0), part(|s| parts(*s).1.abs()));
        }
        if general(dtype) {
            return Format::General;
        }
        if dtype.is_float() {
            return Format::Float(FloatFormat::new(shown.iter().map(|s| parts(*s).0), dtype, options));
        }
        Format::Int(shown.iter().map(|s| int_text(*s).len()).max().unwrap_or(0))
    }

    fn write(&self, value: Scalar) -> String {
        match self {
            Format::Bool(width) => {
                format!("{:>width$}", if value == Scalar::Int(0) { "False" } else { "True" })
            }
            Format::Int(width) => format!("{:>width$}", int_text(value)),
            Format::Float(format) => format.write(parts(value).0),
            Format::General => six_digits(parts(value).0),
            Format::Complex(re, im) => {
                let (a, b) = parts(value);
                let sign = if b.is_sign_negative() && !b.is_nan() { '-' } else { '+' };
                let tail = im.write(b.abs());
                // The sign stands before the first digit and the `j` behind the last; padding is around them.
                let digits = tail.trim();
                let padding = |count: usize| " ".repeat(count);
                let before = padding(tail.len() - tail.trim_start().len());
                let after = padding(tail.len() - tail.trim_end().len());
                format!("{}{before}{sign}{digits}j{after}", re.write(a))
            }
        }
    }
}

fn parts(value: Scalar) -> (f64, f64) {
    match value {
        Scalar::Int(i) => (i as f64, 0.0),
        Scalar::Float(x) => (x, 0.0),
        Scalar::Complex(z) => (z.re, z.im),
    }
}

fn int_text(value: Scalar) -> String {
    match value {
        Scalar::Int(i) => i.to_string(),
        other => parts(other).0.to_string(),
    }
}

/// One width and one notation for all floats of an array.
struct FloatFormat {
    dtype: DType,
    options: Arc<PrintOptions>,
    /// Digits after the point in scientific notation.
    scientific: Option<usize>,
    /// Columns before and after the point.
    left: usize,
    right: usize,
    exponent: usize,
}

impl FloatFormat {
    fn new(values: impl Iterator<Item = f64>, dtype: DType, options: &Arc<PrintOptions>) -> FloatFormat {
        let precision = options.precision;
        let values: Vec<f64> = values.collect();
        let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        let nonzero: Vec<f64> = finite.iter().map(|v| v.abs()).filter(|&v| v != 0.0).collect();
        let (max, min) = nonzero.iter().fold((0.0f64, f64::INFINITY), |(a, b), &v| (a.max(v), b.min(v)));
        let limit = if dtype == DType::F16 { 1e3 } else { 1e8 };
        let far_apart = !options.suppress && (min < 1e-4 || max / min > 1000.0);
        let scientific = !nonzero.is_empty() && (max >= limit || far_apart);
        let options = options.clone();
        let mut out = FloatFormat { dtype, options, scientific: None, left: 0, right: 0, exponent: 0 };
        if scientific {
            let texts: Vec<(String, String)> =
                finite.iter().map(|&v| scientific_parts(v, dtype, precision)).collect();
            let fraction = |m: &str| m.split_once('.').map_or(0, |(_, f)| f.len());
            let digits = texts.iter().map(|(m, _)| fraction(m)).max().unwrap_or(0);
            out.scientific = Some(digits);
            out.left = texts.iter().map(|(m, _)| m.split('.').next().map_or(0, str::len)).max().unwrap_or(1);
            out.exponent = texts.iter().map(|(_, e)| e.len()).max().unwrap_or(2);
            out.right = out.exponent + 2 + digits;
        } else {
            for text in finite.iter().map(|&v| positional(v, dtype, precision)) {
                let (int, fraction) = text.split_once('.').expect("a point is written");
                out.left = out.left.max(int.len());
                out.right = out.right.max(fraction.len());
            }
        }
        for v in values.iter().filter(|v| !v.is_finite()) {
            let infinite = out.options.infstr.len() + (*v < 0.0) as usize;
            let width = if v.is_nan() { out.options.nanstr.len() } else { infinite };
            out.left = out.left.max(width.saturating_sub(out.right + 1));
        }
        out
    }

    fn write(&self, value: f64) -> String {
        let total = self.left + self.right + 1;
        if value.is_nan() {
            return format!("{:>total$}", self.options.nanstr);
        }
        if value.is_infinite() {
            let sign = if value > 0.0 { "" } else { "-" };
            return format!("{:>total$}", format!("{sign}{}", self.options.infstr));
        }
        if let Some(digits) = self.scientific {
            let text = format!("{value:.digits$e}");
            let (mantissa, exponent) = text.split_once('e').expect("scientific notation has an exponent");
            let exponent: i32 = exponent.parse().expect("an exponent is a number");
            let point = if digits == 0 { "." } else { "" };
            let sign = if exponent < 0 { '-' } else { '+' };
            let width = self.exponent;
            let text = format!("{mantissa}{point}e{sign}{:0width$}", exponent.abs());
            return format!("{text:>total$}");
        }
        let text = positional(value, self.dtype, self.options.precision);
        let (int, fraction) = text.split_once('.').expect("a point is written");
        format!("{int:>left$}.{fraction:<right$}", left = self.left, right = self.right)
    }
}

/// The fewest digits that tell the value apart from its neighbours in its dtype.
fn shortest(value: f64, dtype: DType) -> String {
    match dtype {
        DType::F64 => format!("{value:e}"),
        DType::F32 => format!("{:e}", value as f32),
        // Narrower floats: the first precision that reads back as the same number.
        _ => (0..9)
            .map(|digits| format!("{value:.digits$e}"))
            .find(|text| {
                let back = text.parse::<f64>().expect("a float was written");
                element::decode(dtype, element::encode(dtype, back)) == value
            })
            .unwrap_or_else(|| format!("{value:e}")),
    }
}

/// Mantissa and exponent digits, at most so many after the point.
fn scientific_parts(value: f64, dtype: DType, precision: usize) -> (String, String) {
    let mut text = shortest(value, dtype);
    let fraction = |t: &str| t.split('e').next().and_then(|m| m.split_once('.')).map_or(0, |(_, f)| f.len());
    if fraction(&text) > precision {
        text = format!("{value:.precision$e}");
    }
    let (mantissa, exponent) = text.split_once('e').expect("scientific notation has an exponent");
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0') } else { mantissa };
    (mantissa.to_string(), format!("{:02}", exponent.parse::<i32>().expect("a number").abs()))
}

/// Decimal digits with a point, at most so many after it, without trailing zeros.
fn positional(value: f64, dtype: DType, precision: usize) -> String {
    let exact: f64 = shortest(value, dtype).parse().expect("a float was written");
    let mut text = format!("{exact}");
    if text.split_once('.').is_some_and(|(_, f)| f.len() > precision) {
        text = format!("{value:.precision$}");
        // Without digits after the point there are no zeros to drop, and the point is missing.
        if precision > 0 {
            text.truncate(text.trim_end_matches('0').len());
        }
    }
    if !text.contains('.') {
        text.push('.');
    }
    text
}

/// A number by itself, as Python writes it.
fn scalar_text(value: Scalar, dtype: DType) -> String {
    match value {
        Scalar::Int(i) if dtype.is_boolean() => if i == 0 { "False" } else { "True" }.into(),
        Scalar::Int(i) => i.to_string(),
        Scalar::Float(x) => float_text(x, dtype),
        Scalar::Complex(z) => {
            let (re, im) = (z.re, z.im);
            let strip = |x: f64| {
                let text = float_text(x, dtype.real());
                text.strip_suffix(".0").map(str::to_string).unwrap_or(text)
            };
            // A real part of zero is not written, one of minus zero is.
            if re == 0.0 && re.is_sign_positive() {
                return format!("{}j", strip(im));
            }
            let sign = if im.is_sign_negative() && !im.is_nan() { "" } else { "+" };
            format!("({}{sign}{}j)", strip(re), strip(im))
        }
    }
}

/// Whether it is one of the narrow floats that are no dtypes of NumPy's own: they are written one by one, in C's `%g`.
fn general(dtype: DType) -> bool {
    dtype.is_float() && !matches!(dtype, DType::F16 | DType::F32 | DType::F64)
}

/// Six digits without trailing zeros, as C's `%g` writes them.
fn six_digits(x: f64) -> String {
    if !x.is_finite() {
        return if x.is_nan() { "nan".into() } else { x.to_string() };
    }
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    let text = format!("{x:.5e}");
    let (mantissa, exponent) = text.split_once('e').expect("scientific notation has an exponent");
    let exponent: i32 = exponent.parse().expect("an exponent is a number");
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs());
    }
    trimmed(&format!("{x:.*}", (5 - exponent) as usize))
}

fn float_text(x: f64, dtype: DType) -> String {
    if general(dtype) {
        return six_digits(x);
    }
    if x.is_nan() {
        return "nan".into();
    }
    if x.is_infinite() {
        return if x > 0.0 { "inf" } else { "-inf" }.into();
    }
    let text = shortest(x, dtype);
    let (mantissa, exponent) = text.split_once('e').expect("scientific notation has an exponent");
    let exponent: i32 = exponent.parse().expect("a number");
    if x == 0.0 || (-4..16).contains(&exponent) {
        let exact: f64 = text.parse().expect("a float was written");
        let plain = format!("{exact}");
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jacinth_lowering::Native;
    use num_complex::Complex32;

    fn of<T: Native>(shape: &[usize], values: &[T]) -> (Aval, Vec<u8>) {
        let mut bytes = Vec::new();
        values.iter().for_each(|v| v.write(&mut bytes));
        (Aval::new(shape.iter().copied(), T::ELEMENT), bytes)
    }

    #[test]
    fn floats_that_numpy_lacks_print_as_in_jax() {
        let brain = |shape: &[usize], values: &[f32]| {
            let values: Vec<half::bf16> = values.iter().map(|&v| half::bf16::from_f32(v)).collect();
            of(shape, &values)
        };
        let cases = [
            (brain(&[3], &[1.0, 2.5, -3.0]), "[1 2.5 -3]", "Array([1, 2.5, -3], dtype=bfloat16)"),
            (
                brain(&[3], &[0.1, 100.0, 1e-3]),
                "[0.100098 100 0.000999451]",
                "Array([0.100098, 100, 0.000999451], dtype=bfloat16)",
            ),
            (brain(&[2], &[f32::NAN, f32::INFINITY]), "[nan inf]", "Array([nan, inf], dtype=bfloat16)"),
            (
                brain(&[2, 2], &[1.5, 2.0, 3.0, 4.0]),
                "[[1.5 2]\n [3 4]]",
                "Array([[1.5, 2],\n       [3, 4]], dtype=bfloat16)",
            ),
            (brain(&[2], &[1e30, -0.0]), "[1.00026e+30 -0]", "Array([1.00026e+30, -0], dtype=bfloat16)"),
            (brain(&[], &[3.0]), "3", "Array(3, dtype=bfloat16)"),
            (brain(&[], &[0.1]), "0.100098", "Array(0.100098, dtype=bfloat16)"),
        ];
        for ((aval, bytes), str, repr) in cases {
            assert_eq!(str_of(&aval, &bytes), str);
            assert_eq!(repr_of(&aval, &bytes), repr);
        }
    }

    #[test]
    fn arrays_print_as_in_numpy_and_jax() {
        let steps: Vec<f32> = (0..30).map(|i| (i as f64 / 29.0) as f32).collect();
        let complex = [Complex32::new(1.0, 2.0), Complex32::new(-0.0, -0.5)];
        let cases = [
            (
                of(&[3], &[1.0f32, 2.25, -3.0]),
                "[ 1.    2.25 -3.  ]",
                "Array([ 1.  ,  2.25, -3.  ], dtype=float32)",
            ),
            (
                of(&[2, 3], &[0, 1, 2, 3, 4, 5]),
                "[[0 1 2]\n [3 4 5]]",
                "Array([[0, 1, 2],\n       [3, 4, 5]], dtype=int32)",
            ),
            (of(&[2], &[1e-5f32, 1.5]), "[1.0e-05 1.5e+00]", "Array([1.0e-05, 1.5e+00], dtype=float32)"),
            (of(&[2], &[true, false]), "[ True False]", "Array([ True, False], dtype=bool)"),
            (
                of(&[3], &[1.0, f32::NAN, f32::NEG_INFINITY]),
                "[  1.  nan -inf]",
                "Array([  1.,  nan, -inf], dtype=float32)",
            ),
            (
                of(&[3], &[0.1f32, 0.2, 1.0 / 3.0]),
                "[0.1        0.2        0.33333334]",
                "Array([0.1       , 0.2       , 0.33333334], dtype=float32)",
            ),
            (
                of(&[2], &[123456.789f32, 0.5]),
                "[1.2345679e+05 5.0000000e-01]",
                "Array([1.2345679e+05, 5.0000000e-01], dtype=float32)",
            ),
            (of(&[2], &[1e10f32, 1.0]), "[1.e+10 1.e+00]", "Array([1.e+10, 1.e+00], dtype=float32)"),
            (of(&[2], &complex), "[ 1.+2.j  -0.-0.5j]", "Array([ 1.+2.j , -0.-0.5j], dtype=complex64)"),
            (
                of(&[2000], &(0..2000).collect::<Vec<i32>>()),
                "[   0    1    2 ... 1997 1998 1999]",
                "Array([   0,    1,    2, ..., 1997, 1998, 1999], dtype=int32)",
            ),
            (of::<f32>(&[0, 3], &[]), "[]", "Array([], shape=(0, 3), dtype=float32)"),
            (
                of(&[2, 2, 2], &[1.0f32; 8]),
                "[[[1. 1.]\n  [1. 1.]]\n\n [[1. 1.]\n  [1. 1.]]]",
                "Array([[[1., 1.],\n        [1., 1.]],\n\n       [[1., 1.],\n        [1., 1.]]], dtype=float32)",
            ),
            (
                (Aval::scalar(DType::F32, true), of(&[], &[1.5f32]).1),
                "1.5",
                "Array(1.5, dtype=float32, weak_type=True)",
            ),
            (of(&[], &[1e-5f32]), "1e-05", "Array(1.e-05, dtype=float32)"),
            (
                of(&[2], &[Complex32::new(1.0, 2.0), Complex32::new(5.0, -10.0)]),
                "[1. +2.j 5.-10.j]",
                "Array([1. +2.j, 5.-10.j], dtype=complex64)",
            ),
            (of(&[], &[Complex32::new(0.0, 9.0)]), "9j", "Array(0.+9.j, dtype=complex64)"),
            (of(&[], &[Complex32::new(-0.0, -9.0)]), "(-0-9j)", "Array(-0.-9.j, dtype=complex64)"),
            (
                of(&[40], &[1; 40]),
                "[1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n 1 1 1]",
                "Array([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,\n       1, 1, 1, 1, 1, 1, \
                     1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], dtype=int32)",
            ),
            (
                of(&[30], &steps),
                "[0.         0.03448276 0.06896552 0.10344828 0.13793103 0.1724138\n 0.20689656 0.2413793  \
                     0.27586207 0.31034482 0.3448276  0.37931034\n 0.41379312 0.44827586 0.4827586  0.51724136 \
                     0.55172414 0.5862069\n 0.62068963 0.6551724  0.6896552  0.7241379  0.7586207  0.79310346\n \
                     0.82758623 0.86206895 0.8965517  0.9310345  0.9655172  1.        ]",
                "Array([0.        , 0.03448276, 0.06896552, 0.10344828, 0.13793103,\n       0.1724138 , 0.20689656, \
                     0.2413793 , 0.27586207, 0.31034482,\n       0.3448276 , 0.37931034, 0.41379312, 0.44827586, \
                     0.4827586 ,\n       0.51724136, 0.55172414, 0.5862069 , 0.62068963, 0.6551724 ,\n       0.6896552 , \
                     0.7241379 , 0.7586207 , 0.79310346, 0.82758623,\n       0.86206895, 0.8965517 , 0.9310345 , \
                     0.9655172 , 1.        ],      dtype=float32)",
            ),
        ];
        for ((aval, bytes), text, repr) in cases {
            assert_eq!(str_of(&aval, &bytes), text);
            assert_eq!(repr_of(&aval, &bytes), repr);
        }
    }
}
