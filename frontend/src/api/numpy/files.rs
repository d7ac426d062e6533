//! Arrays from bytes, text and NumPy's files, and back: `frombuffer`, `fromstring`, `load`, `save`, `savez`.
//!
//! Files are NumPy's `.npy` (its format note, version 1 to 3; version 1 is written) and `.npz`, a zip archive of these. As in JAX `bfloat16` is
//! stored as two bytes without meaning (`V2`) and read back from there. Deliberately absent: compressed writing, pickled objects, and
//! `fromfile` and `fromiter`, which JAX has only to refuse them.

use crate::api::array_host::from_bytes;
use crate::error::{Error, Result};
use crate::ir::{Array, DType, numpy_name};
use jacinth_lowering::element;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

const MAGIC: &[u8] = b"\x93NUMPY";

/// An array of the elements of a dtype that stand in a buffer one after the other, in native order.
///
/// ```
/// # use jacinth_frontend::{DType, numpy as jnp};
/// let bytes = 258i32.to_ne_bytes();
/// assert_eq!(jnp::frombuffer(&bytes, DType::UI8)?.to_vec::<u8>(), [2, 1, 0, 0]);
/// # Ok::<(), jacinth_frontend::Error>(())
/// ```
///
/// # Errors
/// If the buffer is no whole number of elements, or the dtype has none of whole bytes.
pub fn frombuffer(buffer: &[u8], dtype: DType) -> Result<Array> {
    frombuffer_with(buffer, dtype, None, 0)
}

/// [`frombuffer`] of that many elements, from that byte on.
///
/// ```
/// # use jacinth_frontend::{DType, numpy as jnp};
/// let bytes = [0u8, 1, 2, 3, 4];
/// assert_eq!(jnp::frombuffer_with(&bytes, DType::I8, Some(2), 1)?.to_vec::<i8>(), [1, 2]);
/// # Ok::<(), jacinth_frontend::Error>(())
/// ```
///
/// # Errors
/// As [`frombuffer`], or if there are fewer elements.
pub fn frombuffer_with(buffer: &[u8], dtype: DType, count: Option<usize>, offset: usize) -> Result<Array> {
    let width = whole_bytes("frombuffer", dtype)?;
    let rest = buffer.get(offset..).ok_or_else(|| {
        Error::argument(format!(
            "frombuffer: the offset {offset} is beyond the buffer of {} bytes",
            buffer.len()
        ))
    })?;
    let count = match count {
        Some(count) => count,
        None if rest.len() % width == 0 => rest.len() / width,
        None => {
            let (n, name) = (rest.len(), numpy_name(dtype));
            return Err(Error::argument(format!(
                "frombuffer: {n} bytes are no whole number of {name} elements"
            )));
        }
    };
    match count.checked_mul(width).and_then(|n| rest.get(..n)) {
        Some(bytes) => from_bytes(dtype, &[count], bytes.to_vec()),
        None => {
            let n = rest.len();
            Err(Error::argument(format!(
                "frombuffer: {count} elements of {width} bytes were asked for, there are {n} bytes"
            )))
        }
    }
}

/// An array of the numbers in a text, separated by `sep`, in which any white space stands for as much as one likes: f64, or f32 without x64.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// assert_eq!(jnp::fromstring("1, 2.5, -3e2", ",")?.to_vec::<f32>(), [1.0, 2.5, -300.0]);
/// assert!(jnp::fromstring("1 two", " ").is_err());
/// # Ok::<(), jacinth_frontend::Error>(())
/// ```
///
/// # Errors
/// If something in the text is no number.
pub fn fromstring(string: &str, sep: &str) -> Result<Array> {
    fromstring_of(string, DType::F64, None, sep)
}

/// [`fromstring`] of a dtype, of the first `count` numbers.
///
/// ```
/// # use jacinth_frontend::{DType, numpy as jnp};
/// assert_eq!(jnp::fromstring_of("3 1 4 1 5", DType::I32, Some(3), " ")?.to_vec::<i32>(), [3, 1, 4]);
/// # Ok::<(), jacinth_frontend::Error>(())
/// ```
///
/// # Errors
/// As [`fromstring`], or if there are fewer numbers.
pub fn fromstring_of(string: &str, dtype: DType, count: Option<usize>, sep: &str) -> Result<Array> {
    let width = whole_bytes("fromstring", dtype)?;
    let words: Vec<&str> = match sep.trim() {
        "" => string.split_whitespace().collect(),
        sep => {
            let mut words: Vec<&str> = string.split(sep).map(str::trim).collect();
            // A separator may stand at the end.
            if words.last().is_some_and(|last| last.is_empty()) {
                words.pop();
            }
            words
        }
    };
    let count = count.unwrap_or(words.len());
    if words.len() < count {
        let n = words.len();
        return Err(Error::argument(format!("fromstring: {count} numbers were asked for, there are {n}")));
    }
    let mut bytes = Vec::with_capacity(count * width);
    for word in &words[..count] {
        let scalar = if dtype.is_integer() {
            word.parse::<i128>().ok().map(element::Scalar::Int)
        } else {
            word.parse::<f64>().ok().map(element::Scalar::Float)
        };
        let Some(scalar) = scalar else {
            let name = numpy_name(dtype);
            return Err(Error::argument(format!("fromstring: `{word}` is no number of dtype {name}")));
        };
        element::write(dtype, scalar, &mut bytes);
    }
    from_bytes(dtype, &[count], bytes)
}

/// Writes an array to a file in NumPy's format `.npy`; waits for its computation.
///
/// ```
/// # use jacinth_frontend::{Array, numpy as jnp};
/// let path = std::env::temp_dir().join("jacinth-doc-save.npy");
/// jnp::save(&path, &Array::from([[1.0f32, 2.0]]))?;
/// assert_eq!(jnp::load(&path)?.shape(), [1, 2]);
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), jacinth_frontend::Error>(())
/// ```
///
/// # Errors
/// If the array is traced, its computation failed, NumPy knows no such dtype, or the file cannot be written.
pub fn save(file: impl AsRef<Path>, array: &Array) -> Result<()> {
    let file = file.as_ref();
    std::fs::write(file, npy(array)?).map_err(|e| failed("save", file, e))
}

/// Writes arrays with names to an archive `.npz`, which NumPy opens with `load` and [`load_npz`] with names.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let path = std::env::temp_dir().join("jacinth-doc-savez.npz");
/// let (w, b) = (jnp::ones([2, 3]), jnp::zeros(3));
/// jnp::savez(&path, [("w", &w), ("b", &b)])?;
/// assert_eq!(jnp::load_npz(&path)?["w"].shape(), [2, 3]);
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), jacinth_frontend::Error>(())
/// ```
///
/// # Errors
/// As [`save`].
pub fn savez<'a>(
    file: impl AsRef<Path>,
    arrays: impl IntoIterator<Item = (&'a str, &'a Array)>,
) -> Result<()> {
    let file = file.as_ref();
    let mut archive = zip::ZipWriter::new(File::create(file).map_err(|e| failed("savez", file, e))?);
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, array) in arrays {
        let bytes = npy(array)?;
        archive.start_file(format!("{name}.npy"), stored).map_err(|e| failed("savez", file, e))?;
        archive.write_all(&bytes).map_err(|e| failed("savez", file, e))?;
    }
    archive.finish().map_err(|e| failed("savez", file, e))?;
    Ok(())
}

/// The array of a `.npy` file; 64-bit dtypes become 32-bit ones unless x64 is enabled.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let path = std::env::temp_dir().join("jacinth-doc-load.npy");
/// jnp::save(&path, &jnp::arange(3))?;
/// assert_eq!(jnp::load(&path)?.to_vec::<i32>(), [0, 1, 2]);
/// assert!(jnp::load("no-such-file.npy").is_err());
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), jacinth_frontend::Error>(())
/// ```
///
/// # Errors
/// If the file cannot be read, is no such file, or is of a dtype that is not here.
pub fn load(file: impl AsRef<Path>) -> Result<Array> {
    let file = file.as_ref();
    let bytes = std::fs::read(file).map_err(|e| failed("load", file, e))?;
    parse(&bytes).map_err(|what| failed("load", file, what))
}

/// The arrays of a `.npz` archive by their names.
///
/// ```
/// # use jacinth_frontend::numpy as jnp;
/// let path = std::env::temp_dir().join("jacinth-doc-load-npz.npz");
/// jnp::savez(&path, [("x", &jnp::arange(2)), ("y", &jnp::arange(3))])?;
/// let arrays = jnp::load_npz(&path)?;
/// assert_eq!(arrays.keys().collect::<Vec<_>>(), ["x", "y"]);
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), jacinth_frontend::Error>(())
/// ```
///
/// # Errors
/// As [`load`].
pub fn load_npz(file: impl AsRef<Path>) -> Result<BTreeMap<String, Array>> {
    let file = file.as_ref();
    let opened = File::open(file).map_err(|e| failed("load", file, e))?;
    let mut archive = zip::ZipArchive::new(opened).map_err(|e| failed("load", file, e))?;
    let mut arrays = BTreeMap::new();
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).map_err(|e| failed("load", file, e))?;
        let name = entry.name().map_err(|e| failed("load", file, e))?.trim_end_matches(".npy").to_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(|e| failed("load", file, e))?;
        let array = parse(&bytes).map_err(|what| failed("load", file, format!("{name}: {what}")))?;
        arrays.insert(name, array);
    }
    Ok(arrays)
}

fn failed(function: &str, file: &Path, what: impl std::fmt::Display) -> Error {
    Error::argument(format!("{function}: {}: {what}", file.display()))
}

fn whole_bytes(name: &str, dtype: DType) -> Result<usize> {
    if !dtype.bits().is_multiple_of(8) && !dtype.is_boolean() {
        let dtype = numpy_name(dtype);
        return Err(Error::argument(format!("{name}: elements of dtype {dtype} are no whole bytes")));
    }
    Ok(dtype.byte_width())
}

/// NumPy's codes of dtypes, without the order of bytes.
const CODES: &[(DType, &str)] = &[
    (DType::I1, "b1"),
    (DType::I8, "i1"),
    (DType::I16, "i2"),
    (DType::I32, "i4"),
    (DType::I64, "i8"),
    (DType::UI8, "u1"),
    (DType::UI16, "u2"),
    (DType::UI32, "u4"),
    (DType::UI64, "u8"),
    (DType::F16, "f2"),
    (DType::F32, "f4"),
    (DType::F64, "f8"),
    (DType::C64, "c8"),
    (DType::C128, "c16"),
    (DType::BF16, "V2"),
];

/// The array as a `.npy` file.
fn npy(array: &Array) -> Result<Vec<u8>> {
    let dtype = array.dtype();
    let Some((_, code)) = CODES.iter().find(|(d, _)| *d == dtype) else {
        return Err(Error::argument(format!("save: NumPy's format has no dtype {}", numpy_name(dtype))));
    };
    let data = array.host_bytes("the bytes of a file")?;
    let order = if dtype.byte_width() == 1 {
        '|'
    } else if cfg!(target_endian = "little") {
        '<'
    } else {
        '>'
    };
    let shape = crate::ir::python_tuple(array.shape());
    let header = format!("{{'descr': '{order}{code}', 'fortran_order': False, 'shape': {shape}, }}");
    // The data begin at a multiple of 64.
    let length = (MAGIC.len() + 4 + header.len() + 1).next_multiple_of(64) - MAGIC.len() - 4;
    let mut out = MAGIC.to_vec();
    out.extend([1, 0]);
    out.extend((length as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.resize(MAGIC.len() + 4 + length - 1, b' ');
    out.push(b'\n');
    out.extend(data);
    Ok(out)
}

/// The array of a `.npy` file, or what is wrong with it.
fn parse(file: &[u8]) -> Result<Array, String> {
    let wrong = || "this is no file of NumPy's format .npy".to_owned();
    let rest = file.strip_prefix(MAGIC).ok_or_else(wrong)?;
    let (&[version, _], rest) = rest.split_first_chunk::<2>().ok_or_else(wrong)?;
    let (length, rest) = match version {
        1 => rest.split_first_chunk::<2>().map(|(n, rest)| (u16::from_le_bytes(*n) as usize, rest)),
        2 | 3 => rest.split_first_chunk::<4>().map(|(n, rest)| (u32::from_le_bytes(*n) as usize, rest)),
        other => return Err(format!("version {other} of NumPy's format is not known")),
    }
    .ok_or_else(wrong)?;
    let (header, data) = rest.split_at_checked(length).ok_or_else(wrong)?;
    let header = std::str::from_utf8(header).map_err(|_| wrong())?;
    let value = |key: &str| {
        let at = header.find(&format!("'{key}'")).ok_or_else(|| format!("the header has no `{key}`"))?;
        let (_, value) = header[at..].split_once(':').ok_or_else(wrong)?;
        Ok::<&str, String>(value.trim_start())
    };
    let descr = value("descr")?;
    let descr = descr.strip_prefix('\'').and_then(|d| d.split_once('\'')).map(|(d, _)| d);
    let descr = descr.ok_or("structured elements are not supported")?;
    let code = descr.trim_start_matches(['<', '>', '|', '=']);
    let Some(&(dtype, _)) = CODES.iter().find(|(_, c)| *c == code) else {
        return Err(format!("elements of type `{descr}` are not supported"));
    };
    let sizes = value("shape")?.strip_prefix('(').and_then(|s| s.split_once(')')).ok_or_else(wrong)?.0;
    let sizes = sizes.split(',').map(str::trim).filter(|s| !s.is_empty());
    let mut shape: Vec<usize> = sizes.map(|s| s.parse().map_err(|_| wrong())).collect::<Result<_, _>>()?;
    let transposed = value("fortran_order")?.starts_with("True");
    let width = dtype.byte_width();
    let expected = shape.iter().try_fold(width, |n, &d| n.checked_mul(d));
    if expected != Some(data.len()) {
        let (n, shape) = (data.len(), crate::lax::rules::show(&shape));
        return Err(format!(
            "{n} bytes are not those of an array of {} and shape {shape}",
            numpy_name(dtype)
        ));
    }
    let mut data = data.to_vec();
    if descr.starts_with(if cfg!(target_endian = "little") { '>' } else { '<' }) {
        let part = if dtype.is_complex() { width / 2 } else { width };
        data.chunks_exact_mut(part).for_each(<[u8]>::reverse);
    }
    if transposed {
        shape.reverse();
    }
    let array = from_bytes(dtype, &shape, data).map_err(|e| e.to_string())?;
    let order: Vec<usize> = (0..shape.len()).rev().collect();
    Ok(if transposed { crate::lax::transpose(&array, &order) } else { array })
}
