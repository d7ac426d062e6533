//! Views: which element of a dense array each element of a value is, where that is an affine map of the index.
//!
//! Broadcasts, transposes, slices, reversals and most reshapes are views; so is iota, of the numbers themselves. A fused
//! region reads through views instead of having them written out. Deliberately absent: anything that depends on values.

use jacinth_lowering::ops::shape::{BroadcastInDim, Reverse, Transpose};
use jacinth_lowering::ops::slice::Slice;
use smallvec::SmallVec;

/// Element `i` of the value is element `offset + Σ index[d]·stride[d]` of the base.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct View {
    pub(crate) offset: i64,
    /// Size and stride of each dimension of the value, outermost first.
    pub(crate) dims: SmallVec<[(i64, i64); 4]>,
}

impl View {
    /// A dense array of that shape as it is.
    pub(crate) fn dense(shape: &[i64]) -> View {
        let mut stride = 1;
        let mut dims: SmallVec<[(i64, i64); 4]> = shape
            .iter()
            .rev()
            .map(|&size| {
                let dim = (size, stride);
                stride *= size.max(1);
                dim
            })
            .collect();
        dims.reverse();
        View { offset: 0, dims }
    }

    /// The index along one dimension, as a view of the numbers 0, 1, 2, ….
    pub(crate) fn iota(shape: &[i64], dimension: usize) -> View {
        let dims = shape.iter().enumerate().map(|(d, &size)| (size, i64::from(d == dimension))).collect();
        View { offset: 0, dims }
    }

    pub(crate) fn broadcast(&self, op: &BroadcastInDim, shape: &[i64]) -> View {
        let mut dims: SmallVec<[(i64, i64); 4]> = shape.iter().map(|&size| (size, 0)).collect();
        for (&(size, stride), &to) in self.dims.iter().zip(&op.broadcast_dimensions) {
            if size != 1 {
                dims[to as usize].1 = stride;
            }
        }
        View { offset: self.offset, dims }
    }

    pub(crate) fn transpose(&self, op: &Transpose) -> View {
        View { offset: self.offset, dims: op.permutation.iter().map(|&d| self.dims[d as usize]).collect() }
    }

    pub(crate) fn slice(&self, op: &Slice, shape: &[i64]) -> View {
        let mut view = View { offset: self.offset, dims: SmallVec::new() };
        for (d, &(_, stride)) in self.dims.iter().enumerate() {
            view.offset += op.start_indices[d] * stride;
            view.dims.push((shape[d], stride * op.strides[d]));
        }
        view
    }

    pub(crate) fn reverse(&self, op: &Reverse) -> View {
        let mut view = self.clone();
        for &d in &op.dimensions {
            let (size, stride) = &mut view.dims[d as usize];
            view.offset += (*size - 1).max(0) * *stride;
            *stride = -*stride;
        }
        view
    }

    /// The view under another shape of the same number of elements; `None` where that is no affine map.
    pub(crate) fn reshape(&self, shape: &[i64]) -> Option<View> {
        let merged = self.coalesced();
        let mut dims: SmallVec<[(i64, i64); 4]> = SmallVec::new();
        if shape.contains(&0) {
            return Some(View { offset: 0, dims: shape.iter().map(|&s| (s, 0)).collect() });
        }
        // Each merged dimension must split into whole dimensions of the new shape, innermost first.
        let mut rest = merged.dims.iter().rev();
        let mut current: Option<(i64, i64)> = None;
        for &size in shape.iter().rev() {
            if size == 1 {
                dims.push((1, 0));
                continue;
            }
            let (left, stride) = match current.take() {
                Some(dim) => dim,
                None => *rest.next()?,
            };
            if left % size != 0 {
                return None;
            }
            dims.push((size, stride));
            if left > size {
                current = Some((left / size, stride * size));
            }
        }
        if current.is_some() || rest.next().is_some() {
            return None;
        }
        dims.reverse();
        Some(View { offset: self.offset, dims })
    }

    /// One element for `n` lanes, where the view has but one: `select` and `clamp` take scalars beside arrays.
    pub(crate) fn spread(&self, n: usize) -> View {
        if self.len() == 1 && n != 1 {
            return View { offset: self.offset, dims: SmallVec::from_slice(&[(n as i64, 0)]) };
        }
        self.clone()
    }

    /// Number of elements.
    pub(crate) fn len(&self) -> i64 {
        self.dims.iter().map(|d| d.0).product()
    }

    /// The same map of the flat index with as few dimensions as possible, none of size 1.
    pub(crate) fn coalesced(&self) -> View {
        let mut dims: SmallVec<[(i64, i64); 4]> = SmallVec::new();
        if self.len() == 0 {
            return View { offset: 0, dims: SmallVec::from_slice(&[(0, 1)]) };
        }
        for &(size, stride) in self.dims.iter().filter(|d| d.0 != 1) {
            match dims.last_mut() {
                Some(last) if last.1 == stride * size => *last = (last.0 * size, stride),
                _ => dims.push((size, stride)),
            }
        }
        View { offset: self.offset, dims }
    }

    /// Whether every element is the one at `offset`.
    pub(crate) fn is_scalar(&self) -> bool {
        self.dims.iter().all(|&(size, stride)| size == 1 || stride == 0)
    }

    /// Whether the elements follow each other from `offset` on.
    pub(crate) fn is_contiguous(&self) -> bool {
        let merged = self.coalesced();
        match merged.dims[..] {
            [] => true,
            [(_, stride)] => stride == 1,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(view: &View) -> Vec<i64> {
        let mut out = vec![view.offset];
        for &(size, stride) in &view.dims {
            out = out.iter().flat_map(|&o| (0..size).map(move |i| o + i * stride)).collect();
        }
        out
    }

    #[test]
    fn views_compose() {
        let dense = View::dense(&[2, 3, 4]);
        assert_eq!(elements(&dense), (0..24).collect::<Vec<_>>());
        let t = dense.transpose(&Transpose { permutation: [2, 0, 1].into_iter().collect() });
        assert_eq!(elements(&t)[..7], [0, 4, 8, 12, 16, 20, 1]);
        let joined = t.reshape(&[4, 6]).unwrap();
        assert_eq!(elements(&joined), elements(&t));
        assert_eq!(joined.coalesced().dims[..], [(4, 1), (6, 4)]);
        assert!(t.reshape(&[24]).is_none(), "not affine");
        assert!(dense.reshape(&[6, 2, 2]).unwrap().is_contiguous());
        let r = dense.reverse(&Reverse { dimensions: [2].into_iter().collect() });
        assert_eq!(elements(&r)[..5], [3, 2, 1, 0, 7]);
    }

    #[test]
    fn broadcasts_split_under_reshape() {
        let row = View::dense(&[4])
            .broadcast(&BroadcastInDim { broadcast_dimensions: [1].into_iter().collect() }, &[6, 4]);
        let split = row.reshape(&[2, 3, 2, 2]).unwrap();
        assert_eq!(elements(&split), elements(&row));
        let scalar = View::dense(&[])
            .broadcast(&BroadcastInDim { broadcast_dimensions: [].into_iter().collect() }, &[6, 4]);
        assert!(scalar.is_scalar() && scalar.reshape(&[24, 1]).unwrap().is_scalar());
        assert_eq!(View::dense(&[0, 3]).reshape(&[3, 0, 2]).unwrap().len(), 0);
    }
}
