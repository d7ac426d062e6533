//! The plugins on which tests run.

use jacinth_frontend::Backend;

/// The embedded plugin, and XLA's where it is installed (`cargo xtask plugins xla-cpu`); where it is not, that is said.
pub(crate) fn under_test() -> Vec<(&'static str, Backend)> {
    let embedded = Backend::new("embedded").expect("the embedded plugin is always there");
    let mut plugins = vec![("embedded", embedded)];
    match Backend::new("xla-cpu") {
        Ok(backend) => plugins.push(("xla-cpu", backend)),
        Err(error) => eprintln!("nothing runs on xla-cpu, which is not there: {error}"),
    }
    plugins
}
