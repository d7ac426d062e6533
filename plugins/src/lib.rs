//! Discovery of PJRT plugins.
//!
//! A plugin is asked for by name (`embedded`, `cpu`, `xla-cpu`, `cuda`, `tpu`, or a name from `PJRT_NAMES_AND_LIBRARY_PATHS`) or by path.
//! Places are looked at in this order, and what was looked at and why it was rejected is kept and printed by the error:
//!
//! 1. an explicit path;
//! 2. `PJRT_NAMES_AND_LIBRARY_PATHS=name:path,…`;
//! 3. the plugin's own variables: `JACINTH_XLA_CPU_PLUGIN`, `JACINTH_CUDA_PLUGIN`, `TPU_LIBRARY_PATH` and `JACINTH_TPU_PLUGIN`;
//! 4. the site-packages of the given Python (`JACINTH_PYTHON`, an interpreter or a prefix), or else of the active one
//!    (`VIRTUAL_ENV`, `CONDA_PREFIX`, or the first `python3` of `PATH`), found by looking at folders: no Python runs;
//! 5. the user's folder, `JACINTH_PLUGINS_DIR` or `~/.jacinth/plugins`, where `cargo xtask plugins NAME` installs, one folder a plugin;
//! 6. system library folders;
//! 7. the embedded CPU plugin, last and always.
//!
//! A place that the user named (1 to 3) is final: if the plugin there does not load, that is the error. Of the others the
//! first that loads is taken.
//!
//! **The default** ([`default_plugin`], [`default_client`]): `JACINTH_PLATFORMS`, a comma-separated list of names and paths, of which the
//! first that works is taken; without it `cuda` and `tpu` where their hardware is present and their plugin found, and
//! otherwise `embedded`. `xla-cpu` is only taken when asked for.
//!
//! **libtpu is never loaded blindly**: off a TPU machine its initialisation waits ten minutes for a server that is not
//! there. It is loaded where a TPU is present, or with `TPU_SKIP_MDS_QUERY` set, which says that it is to compile ahead of time.
//!
//! Deliberately absent: running Python, asking the network, and any knowledge of what plugins do.

mod known;
mod places;
mod report;
mod resolve;

pub use jacinth_pjrt::Plugin;
pub use places::Environment;
pub use report::{Look, NotFound, Outcome, Report, Source};
pub use resolve::{default_client, default_plugin, discover, embedded, resolve, user_folder};

/// Discovery in a given environment instead of this process's, for tests and for tools.
pub mod within {
    pub use crate::resolve::{default_client_in as default_client, default_plugin_in as default_plugin};
    pub use crate::resolve::{discover_in as discover, resolve_in as resolve};
}
