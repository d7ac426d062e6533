//! Trees as one flat array and back: `ravel_pytree`.

use super::dtypes::result_type;
use super::tree::{self, Pytree};
use crate::error::Error;
use crate::ir::{Array, dtype_name};
use crate::lax::{concatenate, convert_element_type, reshape, split};
use crate::trace::here;

/// All elements of a tree in one dimension, in the order of the leaves, and the function that makes a tree of such an array again.
///
/// Leaves of several dtypes meet in the one to which they promote, and are given back in their own. A tree without leaves is an empty
/// array of the default float.
///
/// ```
/// # use jacinth_frontend::{Array, flatten_util::ravel_pytree};
/// let params = (Array::from([[1.0f32, 2.0]]), vec![Array::from(3.0f32)]);
/// let (flat, unravel) = ravel_pytree(&params);
/// assert_eq!(flat.to_vec::<f32>(), [1.0, 2.0, 3.0]);
/// let (w, b) = unravel(&(flat * 10.0));
/// assert_eq!((w.shape(), b[0].item::<f32>()), (&[1, 2][..], 30.0));
/// ```
///
/// # Panics
/// If dtypes do not promote. The function panics if its argument has another shape or dtype.
#[track_caller]
pub fn ravel_pytree<T: Pytree>(tree: &T) -> (Array, impl Fn(&Array) -> T + Clone + Send + Sync + use<T>) {
    let at = here();
    let (leaves, def) = tree::flatten(tree);
    let dtype = match result_type(&leaves) {
        Ok((dtype, _)) => dtype,
        Err(error) => error.at(at).raise(),
    };
    let avals: Vec<_> = leaves.iter().map(|x| x.aval().clone()).collect();
    let flat: Vec<Array> = leaves
        .iter()
        .map(|x| {
            reshape(&if x.dtype() == dtype { x.clone() } else { convert_element_type(x, dtype) }, &[x.size()])
        })
        .collect();
    let raveled = match &flat[..] {
        [] => super::numpy::zeros([0]).astype(dtype),
        [only] => only.clone(),
        _ => concatenate(&flat, 0),
    };
    let size = raveled.size();
    let unravel = move |flat: &Array| -> T {
        if flat.shape() != [size] || flat.dtype() != dtype {
            let expected = format!("{}[{size}]", dtype_name(dtype));
            Error::operands("unravel", format!("the tree was raveled to {expected}, got {}", flat.aval()))
                .at(here())
                .raise()
        }
        let parts = match &avals[..] {
            [] => Vec::new(),
            [_] => vec![flat.clone()],
            _ => split(flat, &avals.iter().map(|a| a.size()).collect::<Vec<_>>(), 0),
        };
        let leaves = parts.iter().zip(&avals).map(|(part, aval)| {
            let part = reshape(part, &aval.shape);
            match aval.dtype {
                own if own == dtype => part,
                own if dtype.is_complex() && !own.is_complex() => {
                    convert_element_type(&crate::lax::real(&part), own)
                }
                own => convert_element_type(&part, own),
            }
        });
        tree::unflatten(&def, leaves.collect::<Vec<_>>())
    };
    (raveled, unravel)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::boundary;
    use crate::ir::DType;
    use crate::numpy as jnp;

    #[test]
    fn trees_go_flat_and_back() {
        let tree = (jnp::arange(3).astype(DType::F32), vec![jnp::ones([2, 2]), Array::from(5f32)]);
        let (flat, unravel) = ravel_pytree(&tree);
        assert_eq!(flat.to_vec::<f32>(), [0.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 5.0]);
        let again = unravel(&(&flat * 2.0));
        assert_eq!(again.1[0].to_vec::<f32>(), [2.0; 4]);
        assert_eq!((again.1[0].shape(), again.1[1].shape()), (&[2, 2][..], &[][..]));
        let error = boundary(|| unravel(&jnp::zeros([7]))).unwrap_err().to_string();
        assert!(error.starts_with("unravel: the tree was raveled to f32[8], got f32[7] at "), "{error}");
    }

    #[test]
    fn dtypes_meet_and_part_again() {
        let (flat, unravel) = ravel_pytree(&(jnp::arange(2), jnp::ones([2])));
        assert_eq!(flat.dtype(), DType::F32);
        let (integers, floats) = unravel(&flat);
        assert_eq!((integers.dtype(), floats.dtype()), (DType::I32, DType::F32));
        assert_eq!(ravel_pytree(&()).0.shape(), [0]);
        assert_eq!(ravel_pytree(&jnp::ones([2, 3])).0.shape(), [6]);
    }
}
