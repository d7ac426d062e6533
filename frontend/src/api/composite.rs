//! composite: a function as one operation under a name that a plugin may know.

use std::panic::Location;
use std::sync::Arc;

use super::call_site;
use super::function::{FlatFn, Function, Signature, Transformed};
use super::tree::{Leaves, TreeDef};
use crate::error::{Error, OrRaise, Result};
use crate::ir::{Array, Aval, Prim, Source};
use crate::lax::Composite;
pub use crate::lax::CompositeAttribute;
use crate::trace::{bind_at_line, current_source, stage};
use crate::transform::consts_to_invars;

/// The function as one operation `name` (with a namespace, `my.norm`): a plugin that knows it may do it in its own way, any other does what
/// `decomposition` does.
///
/// It can be mapped, but has no derivative; give it one with [`custom_jvp`](crate::custom_jvp).
///
/// # Panics
/// If the name has no namespace.
///
/// ```
/// # use jacinth_frontend::{Array, api::composite::composite, jit};
/// let twice = composite(|x: &Array| x * 2.0, "my.twice", &[("exact", true.into())], 1);
/// assert_eq!(jit(&twice)(&Array::from(1.5)).item::<f32>(), 3.0);
/// ```
#[track_caller]
pub fn composite<'f, S: Signature, F: Function<S> + 'f>(
    decomposition: F,
    name: &str,
    attributes: &[(&str, CompositeAttribute)],
    version: i64,
) -> Transformed<'f, S> {
    let words =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$');
    if !name.contains('.') || !name.split('.').all(words) {
        let message = format!("the name must have a namespace, as in \"my.norm\", got {name:?}");
        Error::operands("composite", message).at(current_source(Location::caller())).raise();
    }
    let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Transformed::new(Arc::new(Named {
        flat: decomposition.into_flat(),
        name: name.into(),
        attributes,
        version,
        made_at: Location::caller(),
    }))
}

struct Named<'f> {
    flat: Arc<dyn FlatFn + 'f>,
    name: Arc<str>,
    attributes: Vec<(String, CompositeAttribute)>,
    version: i64,
    made_at: Source,
}

impl FlatFn for Named<'_> {
    fn call(&self, leaves: Leaves, def: &TreeDef) -> Result<(Vec<Array>, TreeDef)> {
        let at = call_site::line(self.made_at);
        let avals: Vec<Aval> = leaves.iter().map(|x| x.aval().clone()).collect();
        let mut out_def = None;
        let closed = stage(&self.name, &avals, at, |args| {
            let (outs, def) = self.flat.call(args.into_iter().collect(), def).or_raise();
            out_def = Some(def);
            outs
        });
        let prim = Composite {
            name: self.name.clone(),
            version: self.version,
            attributes: self.attributes.clone(),
            jaxpr: consts_to_invars(&closed.jaxpr),
        };
        let args: Vec<Array> = closed.consts.into_iter().chain(leaves).collect();
        let outs = bind_at_line(Prim::new(prim), &args, at).into_vec();
        Ok((outs, out_def.expect("the function was traced")))
    }

    fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::boundary;
    use crate::{grad, jit, vmap};

    #[test]
    fn composites_are_operations_with_their_names() {
        let scale = Array::from([2.0f32, 3.0]);
        let f = composite(move |x: &Array| x * &scale, "my.scale", &[("exact", true.into())], 2);
        let text = jit(&f).lower((&Array::from([1.0f32, 1.0]),)).unwrap().as_text();
        let call = "stablehlo.composite \"my.scale\"";
        assert!(
            text.contains(call) && text.contains("exact = true") && text.contains("version = 2 : i32"),
            "{text}"
        );
        assert_eq!(f(&Array::from([1.0f32, 2.0])).to_vec::<f32>(), [2.0, 6.0]);
        let many = vmap(&f)(&Array::from([[1.0f32, 2.0], [3.0, 4.0]]));
        assert_eq!(many.to_vec::<f32>(), [2.0, 6.0, 6.0, 12.0]);
        let error =
            boundary(|| grad(|x: &Array| f(x).sum())(&Array::from([1.0f32, 2.0]))).unwrap_err().to_string();
        assert!(error.contains("composite: `my.scale` has no derivative of its own"), "{error}");
        let error = boundary(|| composite(|x: &Array| x.clone(), "scale", &[], 1)).unwrap_err().to_string();
        assert!(error.contains("must have a namespace"), "{error}");
    }
}
