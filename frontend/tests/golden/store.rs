//! The golden values of a family, read from its file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use half::{bf16, f16};
use jacinth_frontend::{Array, DType, Element};
use num_complex::{Complex32, Complex64};
use safetensors::{Dtype, SafeTensors};

/// What a file holds.
pub(crate) struct Family {
    /// The cases, sorted by id.
    pub(crate) entries: Vec<Arc<Entry>>,
}

/// One case: a function of JAX on one list of inputs of one dtype.
pub(crate) struct Entry {
    /// `jax.numpy.sin/variant:bf16`.
    pub(crate) id: String,
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) outs: Vec<Tensor>,
    /// Cotangents of results, each with its result's position.
    pub(crate) cts: Vec<(usize, Tensor)>,
    /// Cotangents of inputs, each with its input's position.
    pub(crate) grads: Vec<(usize, Tensor)>,
    /// Whether 64-bit dtypes must be on.
    pub(crate) x64: bool,
}

impl Entry {
    /// The id without the dtype.
    pub(crate) fn case(&self) -> &str {
        self.id.split(':').next().expect("a name")
    }
}

/// An array on the host.
pub(crate) struct Tensor {
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

impl Tensor {
    /// The array on the current backend.
    pub(crate) fn upload(&self) -> Array {
        match self.dtype {
            DType::I1 => self.typed(|b| b[0] != 0),
            DType::I8 => self.typed(|b| b[0] as i8),
            DType::I16 => self.typed(|b| i16::from_le_bytes(fixed(b))),
            DType::I32 => self.typed(|b| i32::from_le_bytes(fixed(b))),
            DType::I64 => self.typed(|b| i64::from_le_bytes(fixed(b))),
            DType::UI8 => self.typed(|b| b[0]),
            DType::UI16 => self.typed(|b| u16::from_le_bytes(fixed(b))),
            DType::UI32 => self.typed(|b| u32::from_le_bytes(fixed(b))),
            DType::UI64 => self.typed(|b| u64::from_le_bytes(fixed(b))),
            DType::F16 => self.typed(|b| f16::from_le_bytes(fixed(b))),
            DType::BF16 => self.typed(|b| bf16::from_le_bytes(fixed(b))),
            DType::F32 => self.typed(|b| f32::from_le_bytes(fixed(b))),
            DType::F64 => self.typed(|b| f64::from_le_bytes(fixed(b))),
            DType::C64 => self
                .typed(|b| Complex32::new(f32::from_le_bytes(fixed(b)), f32::from_le_bytes(fixed(&b[4..])))),
            DType::C128 => self
                .typed(|b| Complex64::new(f64::from_le_bytes(fixed(b)), f64::from_le_bytes(fixed(&b[8..])))),
            other => panic!("golden values of dtype {other}"),
        }
    }

    fn typed<T: Element>(&self, read: impl Fn(&[u8]) -> T) -> Array {
        let values: Vec<T> = self.bytes.chunks_exact(self.dtype.byte_width()).map(read).collect();
        Array::from_slice(&values, &self.shape[..])
    }
}

fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes[..N].try_into().expect("as many bytes as the width")
}

impl Family {
    /// Reads `data/<name>.safetensors`.
    pub(crate) fn read(name: &str) -> Family {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/data/{name}.safetensors"));
        let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let file = SafeTensors::deserialize(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut cases: BTreeMap<String, BTreeMap<(String, usize), Tensor>> = BTreeMap::new();
        for (name, view) in file.iter() {
            let (id, role) = name.rsplit_once('#').expect("a tensor is named `case#role`");
            let (role, complex) = match role.strip_suffix(".complex") {
                Some(role) => (role, true),
                None => (role, false),
            };
            let digits = role.find(|c: char| c.is_ascii_digit()).expect("a role ends in its position");
            let position = role[digits..].parse().expect("a position");
            let mut shape = view.shape().to_vec();
            let dtype = match (dtype(view.dtype()), complex) {
                (dtype, false) => dtype,
                (dtype, true) => {
                    shape.pop();
                    dtype.complex().expect("complex numbers are pairs of f32 or f64")
                }
            };
            let tensor = Tensor { dtype, shape, bytes: view.data().to_vec() };
            cases.entry(id.to_owned()).or_default().insert((role[..digits].to_owned(), position), tensor);
        }
        let entry = |(id, tensors): (String, BTreeMap<(String, usize), Tensor>)| {
            let wide = |t: &Tensor| matches!(t.dtype, DType::I64 | DType::UI64 | DType::F64 | DType::C128);
            let x64 = tensors.values().any(wide);
            let mut entry = Entry { id, inputs: vec![], outs: vec![], cts: vec![], grads: vec![], x64 };
            for ((role, position), tensor) in tensors {
                match role.as_str() {
                    "in" => entry.inputs.push(tensor),
                    "out" => entry.outs.push(tensor),
                    "ct" => entry.cts.push((position, tensor)),
                    "grad" => entry.grads.push((position, tensor)),
                    other => panic!("{}: a tensor has the role {other}", entry.id),
                }
            }
            Arc::new(entry)
        };
        Family { entries: cases.into_iter().map(entry).collect() }
    }
}

fn dtype(stored: Dtype) -> DType {
    match stored {
        Dtype::BOOL => DType::I1,
        Dtype::I8 => DType::I8,
        Dtype::I16 => DType::I16,
        Dtype::I32 => DType::I32,
        Dtype::I64 => DType::I64,
        Dtype::U8 => DType::UI8,
        Dtype::U16 => DType::UI16,
        Dtype::U32 => DType::UI32,
        Dtype::U64 => DType::UI64,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::F32 => DType::F32,
        Dtype::F64 => DType::F64,
        other => panic!("golden values stored as {other:?}"),
    }
}
