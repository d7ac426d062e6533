//! Values and traces.

/// An array (its home is being built; this holds its place).
#[derive(Clone, Debug)]
pub struct Array(pub(crate) std::sync::Arc<str>);

#[cfg(test)]
impl Array {
    pub(crate) fn name(&self) -> std::sync::Arc<str> {
        self.0.clone()
    }
    pub(crate) fn named(name: &str) -> Array {
        Array(name.into())
    }
}
