//! The plugins that discovery knows by name: a row each.

/// What is known of a plugin.
pub(crate) struct Known {
    pub(crate) name: &'static str,
    /// Variables that name its library.
    pub(crate) variables: &'static [&'static str],
    /// Its library, relative to a site-packages folder; newer first.
    pub(crate) packages: &'static [&'static str],
    /// Its library's file name in system folders; empty where it is never installed there.
    pub(crate) system: &'static [&'static str],
    /// How a user gets it.
    pub(crate) hint: &'static str,
}

pub(crate) const KNOWN: &[Known] = &[
    Known {
        name: "cuda",
        variables: &["JACINTH_CUDA_PLUGIN"],
        packages: &["jax_plugins/xla_cuda13/xla_cuda_plugin.so", "jax_plugins/xla_cuda12/xla_cuda_plugin.so"],
        system: &[],
        hint: "`cargo xtask plugins cuda` or `pip install \"jax[cuda13]\"` installs it",
    },
    Known {
        name: "tpu",
        variables: &["TPU_LIBRARY_PATH", "JACINTH_TPU_PLUGIN"],
        packages: &["libtpu/libtpu.so"],
        system: &["libtpu.so"],
        hint: "`cargo xtask plugins tpu` or `pip install libtpu` installs it",
    },
    Known {
        name: "xla-cpu",
        variables: &["JACINTH_XLA_CPU_PLUGIN"],
        packages: &["xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so"],
        system: &[],
        hint: "`cargo xtask plugins xla-cpu` installs it",
    },
];

/// The row of that name.
pub(crate) fn known(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

/// The name of the embedded plugin, and what `cpu` means unless the environment says otherwise.
pub(crate) const EMBEDDED: &str = "embedded";
