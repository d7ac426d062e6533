//! Walking over the elements of a tensor, and making new ones: what every definition by index needs.

use smallvec::SmallVec;

use crate::{Error, Kind, Literal, Result, TensorType};

/// A multi-dimensional index, or row-major strides.
pub(crate) type Index = SmallVec<[i64; 6]>;

/// Row-major strides of a static shape, in elements.
pub(crate) fn strides(shape: &[i64]) -> Index {
    let mut strides: Index = SmallVec::from_elem(1, shape.len());
    for d in (1..shape.len()).rev() {
        strides[d - 1] = strides[d].saturating_mul(shape[d]);
    }
    strides
}

/// The position of an element in row-major order.
pub(crate) fn offset(index: &[i64], strides: &[i64]) -> usize {
    index.iter().zip(strides).map(|(&i, &s)| i * s).sum::<i64>() as usize
}

/// Whether an index lies in a shape.
pub(crate) fn in_bounds(index: &[i64], shape: &[i64]) -> bool {
    index.iter().zip(shape).all(|(&i, &d)| (0..d).contains(&i))
}

/// All indices of a static shape in lexicographic order.
#[derive(Debug)]
pub(crate) struct Indices {
    shape: Index,
    current: Index,
    begun: bool,
}

impl Indices {
    /// The indices of that shape; one, empty, for a scalar's.
    pub(crate) fn new(shape: &[i64]) -> Self {
        Indices { shape: shape.into(), current: SmallVec::from_elem(0, shape.len()), begun: false }
    }

    /// The next index.
    pub(crate) fn next(&mut self) -> Option<&[i64]> {
        if !self.begun {
            self.begun = true;
            return (!self.shape.contains(&0)).then_some(&self.current[..]);
        }
        for d in (0..self.shape.len()).rev() {
            self.current[d] += 1;
            if self.current[d] < self.shape[d] {
                return Some(&self.current);
            }
            self.current[d] = 0;
        }
        None
    }
}

/// A literal under construction, whose elements can be set in any order. They begin as zero bytes.
#[derive(Debug)]
pub(crate) struct Elements {
    ty: TensorType,
    width: usize,
    bytes: Vec<u8>,
}

impl Elements {
    /// All zeros. Errors if the type is dynamic or too large.
    pub(crate) fn zeros(ty: &TensorType) -> Result<Self> {
        match ty.byte_size() {
            Some(size) if size <= super::MAX_BYTES => {
                Ok(Elements { ty: ty.clone(), width: ty.element.byte_width(), bytes: vec![0; size] })
            }
            _ => Err(Error::eval(format!("a value of type {ty} cannot be made by the reference evaluation"))),
        }
    }

    /// The elements of a literal.
    pub(crate) fn of(literal: &Literal) -> Self {
        let ty = literal.ty().clone();
        Elements { width: ty.element.byte_width(), ty, bytes: literal.to_bytes().to_vec() }
    }

    /// Sets the element at that position from its bytes.
    pub(crate) fn set(&mut self, position: usize, element: &[u8]) {
        self.bytes[position * self.width..][..self.width].copy_from_slice(element);
    }

    /// The element at that position as a scalar.
    pub(crate) fn scalar(&self, position: usize) -> Literal {
        let bytes = &self.bytes[position * self.width..][..self.width];
        Literal::from_bytes(TensorType::scalar(self.ty.element), bytes).expect("one element's bytes")
    }

    /// The literal.
    pub(crate) fn finish(self) -> Literal {
        Literal::from_bytes(self.ty, self.bytes).expect("as many bytes as the type has")
    }
}

/// A literal each of whose elements is the element of `source` at the position that `position` gives for its index.
pub(crate) fn pick(
    ty: &TensorType,
    source: &Literal,
    mut position: impl FnMut(&[i64]) -> usize,
) -> Result<Literal> {
    let mut out = Elements::zeros(ty)?;
    let mut indices = Indices::new(&ty.shape);
    let mut i = 0;
    while let Some(index) = indices.next() {
        out.set(i, source.element(position(index)));
        i += 1;
    }
    Ok(out.finish())
}

/// As [`pick`], with zero bytes where there is no position.
pub(crate) fn pick_or_zero(
    ty: &TensorType,
    source: &Literal,
    mut position: impl FnMut(&[i64]) -> Option<usize>,
) -> Result<Literal> {
    let mut out = Elements::zeros(ty)?;
    let mut indices = Indices::new(&ty.shape);
    let mut i = 0;
    while let Some(index) = indices.next() {
        if let Some(position) = position(index) {
            out.set(i, source.element(position));
        }
        i += 1;
    }
    Ok(out.finish())
}

/// The element at that position as a scalar.
pub(crate) fn scalar_at(literal: &Literal, position: usize) -> Literal {
    Literal::from_bytes(TensorType::scalar(literal.ty().element), literal.element(position))
        .expect("one element's bytes")
}

/// The element at that position of a literal of any integer type; beyond `i64` it saturates.
pub(crate) fn int_at(literal: &Literal, position: usize) -> Result<i64> {
    let element = literal.ty().element;
    let bytes = literal.element(position);
    let mut wide = [0u8; 8];
    let width = bytes.len().min(8);
    match cfg!(target_endian = "little") {
        true => wide[..width].copy_from_slice(bytes),
        false => wide[8 - width..].copy_from_slice(bytes),
    }
    let raw = u64::from_ne_bytes(wide);
    let unused = 64 - 8 * width as u32;
    match element.kind() {
        Kind::Signed => Ok(((raw << unused) as i64) >> unused),
        Kind::Unsigned | Kind::Boolean => Ok(i64::try_from(raw).unwrap_or(i64::MAX)),
        _ => Err(Error::eval(format!("expected integers, got {}", literal.ty()))),
    }
}

/// All elements of a literal of any integer type.
pub(crate) fn ints(literal: &Literal) -> Result<Vec<i64>> {
    (0..literal.len()).map(|i| int_at(literal, i)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_lexicographic_and_total() {
        let all = |shape: &[i64]| {
            let mut indices = Indices::new(shape);
            std::iter::from_fn(move || indices.next().map(<[i64]>::to_vec)).collect::<Vec<_>>()
        };
        assert_eq!(all(&[]), [Vec::<i64>::new()]);
        assert_eq!(all(&[2, 0]), Vec::<Vec<i64>>::new());
        assert_eq!(all(&[2, 2]), [[0, 0], [0, 1], [1, 0], [1, 1]]);
    }

    #[test]
    fn integers_of_every_width_are_read() {
        assert_eq!(ints(&Literal::new([2], &[-3i8, 4]).unwrap()).unwrap(), [-3, 4]);
        assert_eq!(ints(&Literal::new([1], &[u64::MAX]).unwrap()).unwrap(), [i64::MAX]);
        assert_eq!(ints(&Literal::scalar(true)).unwrap(), [1]);
        assert!(ints(&Literal::scalar(1.0f32)).is_err());
    }
}
