//! The places where plugins lie, read from an environment: variables, folders, and signs of hardware.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

/// The variables and the file system root that discovery reads.
///
/// ```
/// # use jacinth_plugins::{Environment, within};
/// let here = within::discover(&Environment::process());
/// assert_eq!(here, jacinth_plugins::discover());
/// ```
#[derive(Debug, Clone)]
pub struct Environment {
    variables: Variables,
    root: PathBuf,
}

#[derive(Debug, Clone)]
enum Variables {
    Process,
    Given(HashMap<OsString, OsString>),
}

impl Environment {
    /// This process's environment.
    pub fn process() -> Environment {
        Environment { variables: Variables::Process, root: PathBuf::from("/") }
    }

    /// An environment of its own: variables, and a folder that stands for the root of system folders, devices and hardware.
    ///
    /// ```
    /// # use jacinth_plugins::{Environment, within};
    /// let tpu = Environment::given([("JACINTH_PLATFORMS", "tpu")], "/nowhere");
    /// assert!(within::default_plugin(&tpu).is_err());
    /// ```
    pub fn given<K: Into<OsString>, V: Into<OsString>>(
        variables: impl IntoIterator<Item = (K, V)>,
        root: impl Into<PathBuf>,
    ) -> Environment {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Environment { variables: Variables::Given(variables), root: root.into() }
    }

    /// A variable; an empty one counts as absent.
    pub(crate) fn variable(&self, name: &str) -> Option<OsString> {
        let value = match &self.variables {
            Variables::Process => std::env::var_os(name),
            Variables::Given(variables) => variables.get(OsStr::new(name)).cloned(),
        };
        value.filter(|value| !value.is_empty())
    }

    /// `PJRT_NAMES_AND_LIBRARY_PATHS` as pairs; entries without a name or a path are left out.
    pub(crate) fn names_and_paths(&self) -> Vec<(String, PathBuf)> {
        let Some(value) = self.variable(NAMES_AND_PATHS) else { return Vec::new() };
        value
            .to_string_lossy()
            .split(',')
            .filter_map(|entry| entry.trim().split_once(':'))
            .filter(|(name, path)| !name.is_empty() && !path.is_empty())
            .map(|(name, path)| (name.to_owned(), PathBuf::from(path)))
            .collect()
    }

    /// The site-packages folders of the given Python, or else of the active one.
    pub(crate) fn site_packages(&self) -> Vec<PathBuf> {
        let prefixes = match self.variable("JACINTH_PYTHON") {
            Some(python) => python_prefixes(Path::new(&python)),
            None => match self.variable("VIRTUAL_ENV").or_else(|| self.variable("CONDA_PREFIX")) {
                Some(prefix) => vec![PathBuf::from(prefix)],
                None => self.python_on_path().map(|python| python_prefixes(&python)).unwrap_or_default(),
            },
        };
        let mut folders = Vec::new();
        for prefix in prefixes {
            for folder in packages_below(&prefix) {
                if !folders.contains(&folder) {
                    folders.push(folder);
                }
            }
        }
        folders
    }

    fn python_on_path(&self) -> Option<PathBuf> {
        let path = self.variable("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join("python3")).find(|python| python.is_file())
    }

    /// Where `cargo xtask plugins` installs.
    pub(crate) fn user_folder(&self) -> Option<PathBuf> {
        match self.variable("JACINTH_PLUGINS_DIR") {
            Some(folder) => Some(PathBuf::from(folder)),
            None => Some(PathBuf::from(self.variable("HOME")?).join(".jacinth/plugins")),
        }
    }

    /// System library folders.
    pub(crate) fn system_folders(&self) -> Vec<PathBuf> {
        ["usr/local/lib", "usr/lib", "lib"].iter().map(|folder| self.root.join(folder)).collect()
    }

    /// Whether a TPU is on this machine: its driver's device files, or VFIO with a PCI device of its vendor.
    pub(crate) fn has_tpu(&self) -> bool {
        const GOOGLE: &str = "0x1ae0";
        let numbered = |folder: &str, prefix: &str| {
            entries(&self.root.join(folder)).iter().any(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                name.strip_prefix(prefix)
                    .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
            })
        };
        numbered("dev", "accel")
            || numbered("dev/vfio", "")
                && entries(&self.root.join("sys/bus/pci/devices")).iter().any(|device| {
                    fs::read_to_string(device.join("vendor")).is_ok_and(|vendor| vendor.trim() == GOOGLE)
                })
    }

    /// Whether an NVIDIA GPU is on this machine: its driver's control device, or WSL's.
    pub(crate) fn has_gpu(&self) -> bool {
        ["dev/nvidiactl", "dev/nvidia0", "dev/dxg"].iter().any(|path| self.root.join(path).exists())
    }

    /// Whether libtpu was told to compile ahead of time, without asking for a TPU's metadata.
    pub(crate) fn skips_tpu_metadata(&self) -> bool {
        self.variable("TPU_SKIP_MDS_QUERY").is_some_and(|value| value != "0" && value != "false")
    }
}

pub(crate) const NAMES_AND_PATHS: &str = "PJRT_NAMES_AND_LIBRARY_PATHS";

/// The prefixes that a Python, given as its interpreter or as its prefix, may have: its own, and where its link leads
/// unless it is a virtual environment.
fn python_prefixes(python: &Path) -> Vec<PathBuf> {
    if python.is_dir() {
        return vec![python.to_owned()];
    }
    let prefix_of = |python: &Path| python.parent().and_then(Path::parent).map(Path::to_owned);
    let mut prefixes: Vec<PathBuf> = prefix_of(python).into_iter().collect();
    let is_venv = prefixes.first().is_some_and(|prefix| prefix.join("pyvenv.cfg").is_file());
    if !is_venv && let Ok(real) = python.canonicalize() {
        prefixes.extend(prefix_of(&real).filter(|prefix| !prefixes.contains(prefix)));
    }
    prefixes
}

/// The site-packages and dist-packages folders below a Python's prefix, newer Pythons first.
fn packages_below(prefix: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for lib in ["lib", "lib64", "local/lib"] {
        let mut versions: Vec<PathBuf> = entries(&prefix.join(lib))
            .into_iter()
            .filter(|path| path.file_name().unwrap_or_default().to_string_lossy().starts_with("python3"))
            .collect();
        versions.sort_by_key(|path| std::cmp::Reverse(minor_version(path)));
        for version in versions {
            for packages in ["site-packages", "dist-packages"] {
                let folder = version.join(packages);
                if folder.is_dir() {
                    found.push(folder);
                }
            }
        }
    }
    found
}

/// `python3.12` → 12.
fn minor_version(path: &Path) -> u32 {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.strip_prefix("python3.").and_then(|minor| minor.trim_end_matches('t').parse().ok()).unwrap_or(0)
}

/// The entries of a folder, sorted; none if it cannot be read.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_are_pairs_and_nonsense_is_left_out() {
        let environment =
            Environment::given([(NAMES_AND_PATHS, "a:/x/a.so, b:/y:z.so,:/q,c:,nonsense")], "/");
        assert_eq!(
            environment.names_and_paths(),
            [("a".to_owned(), PathBuf::from("/x/a.so")), ("b".to_owned(), PathBuf::from("/y:z.so"))]
        );
    }

    #[test]
    fn newer_pythons_come_first() {
        assert!(minor_version(Path::new("/p/python3.13t")) > minor_version(Path::new("/p/python3.9")));
    }

    #[test]
    fn an_empty_variable_is_absent() {
        assert_eq!(Environment::given([("HOME", "")], "/").user_folder(), None);
    }
}
