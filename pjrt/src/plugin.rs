//! A plugin: a shared library that exports `GetPjrtApi`, or a table linked into this process.
//!
//! Owns loading, the version check, the one initialisation, attributes and the extension chain. A plugin lives until the
//! process ends: XLA's libraries crash when unloaded.

use crate::api::text;
use crate::client::{Client, ClientOptions};
use crate::error::{Error, ErrorCode, Result};
use crate::topology::TopologyDescription;
use crate::value::NamedValues;
use pjrt_sys::{self as sys, AbiStruct};
use std::collections::HashMap;
use std::fmt;
use std::mem::offset_of;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::{Mutex, OnceLock, PoisonError};

/// The oldest minor version of PJRT 0.x that is accepted.
pub const MIN_API_MINOR: i32 = 54;

/// A loaded and initialised plugin; a small handle, valid until the process ends.
///
/// ```
/// # use jacinth_pjrt::{Origin, Plugin};
/// let plugin = Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?;
/// assert_eq!((plugin.name(), plugin.origin()), ("embedded", &Origin::Linked));
/// assert!(plugin.api_version().minor >= jacinth_pjrt::MIN_API_MINOR && plugin.num_functions() > 100);
/// # Ok::<(), jacinth_pjrt::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Plugin {
    inner: &'static Inner,
}

struct Inner {
    /// Our copy of the table: what the plugin's is too short for is absent here.
    table: sys::PJRT_Api,
    name: String,
    origin: Origin,
    attributes: OnceLock<Result<NamedValues>>,
}

/// Where a plugin came from.
///
/// ```
/// # use jacinth_pjrt::{Origin, Plugin};
/// let plugin = Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?;
/// assert!(!matches!(plugin.origin(), Origin::Library(_)));
/// # Ok::<(), jacinth_pjrt::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A shared library, by its canonical path.
    Library(PathBuf),
    /// A table linked into this process.
    Linked,
}

// SAFETY: the table is immutable, and the functions of a PJRT table may be called from any thread.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

/// Plugins of this process: by canonical path and by the address of a linked table. Held through loading, so that each is
/// initialised once.
static LOADED: Mutex<Option<Loaded>> = Mutex::new(None);

#[derive(Default)]
struct Loaded {
    libraries: HashMap<PathBuf, Plugin>,
    linked: HashMap<usize, Plugin>,
}

fn with_loaded<T>(f: impl FnOnce(&mut Loaded) -> T) -> T {
    f(LOADED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

impl Plugin {
    /// Loads the shared library at `path`, checks its PJRT version and initialises it; a path loaded before gives the
    /// same plugin again.
    ///
    /// The library's name becomes the plugin's name. The code of the library runs in this process: load only what you
    /// trust. Errors: the path does not exist, is not a shared library, does not export `GetPjrtApi`, has another major version,
    /// or refuses to initialise.
    ///
    /// ```
    /// # use jacinth_pjrt::Plugin;
    /// let error = Plugin::load("/nowhere/plugin.so").unwrap_err();
    /// assert!(error.message.starts_with("the plugin /nowhere/plugin.so cannot be opened"));
    /// ```
    pub fn load(path: impl AsRef<Path>) -> Result<Plugin> {
        Plugin::load_named(path, None)
    }

    /// [`load`](Plugin::load) with the name that the plugin goes by.
    ///
    /// ```no_run
    /// # use jacinth_pjrt::Plugin;
    /// let plugin = Plugin::load_named("/opt/xla/pjrt_c_api_cpu_plugin.so", Some("xla-cpu"))?;
    /// assert_eq!(plugin.name(), "xla-cpu");
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`load`](Plugin::load).
    pub fn load_named(path: impl AsRef<Path>, name: Option<&str>) -> Result<Plugin> {
        const F: &str = "Plugin::load";
        let path = path.as_ref();
        let shown = path.display();
        let canonical = path.canonicalize().map_err(|error| {
            Error::new(ErrorCode::NotFound, F, format!("the plugin {shown} cannot be opened: {error}"))
        })?;
        if !canonical.is_file() {
            return Err(Error::invalid(F, format!("the plugin {shown} is not a file")));
        }
        with_loaded(|loaded| {
            if let Some(plugin) = loaded.libraries.get(&canonical) {
                return Ok(*plugin);
            }
            // SAFETY: loading a library runs its initialisers; the caller asked for this library's code.
            let library = unsafe { libloading::Library::new(&canonical) }.map_err(|error| {
                Error::invalid(F, format!("{shown} is not a shared library that loads here: {error}"))
            })?;
            // Never unloaded, also when what follows fails: a library that started threads must stay.
            let library: &'static libloading::Library = Box::leak(Box::new(library));
            // SAFETY: a library that exports this name exports PJRT's entry, which takes nothing and gives a table.
            let entry = unsafe {
                library.get::<unsafe extern "C" fn() -> *const sys::PJRT_Api>(b"GetPjrtApi\0")
            }
            .map_err(|_| {
                Error::invalid(
                    F,
                    format!("{shown} is a shared library but exports no GetPjrtApi: it is not a PJRT plugin"),
                )
            })?;
            // SAFETY: as above.
            let api = unsafe { entry() };
            let name = match name {
                Some(name) => name.to_owned(),
                None => library_name(&canonical),
            };
            // SAFETY: a plugin's table is static, and the library stays loaded.
            let plugin = unsafe { Plugin::open(api, name, Origin::Library(canonical.clone())) }?;
            loaded.libraries.insert(canonical, plugin);
            Ok(plugin)
        })
    }

    /// A plugin whose table is linked into this process; the same table gives the same plugin again.
    ///
    /// ```
    /// # use jacinth_pjrt::Plugin;
    /// let plugin = Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?;
    /// assert_eq!(plugin, Plugin::linked(jacinth_cpu::pjrt_api(), "again")?); // the same table
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    ///
    /// # Errors
    /// The table is of a version that is not accepted, or the plugin refuses to initialise.
    pub fn linked(api: sys::StaticApi, name: &str) -> Result<Plugin> {
        let api: *const sys::PJRT_Api = api.get();
        // SAFETY: a `StaticApi` vouches for its table.
        unsafe { Plugin::from_api(api, name) }
    }

    /// A plugin from a bare table; the same table gives the same plugin again.
    ///
    /// # Safety
    /// `api` is null or points at a PJRT table that says its own size, stays valid until the process ends, and whose functions
    /// keep the contract of the PJRT header, from any thread.
    pub unsafe fn from_api(api: *const sys::PJRT_Api, name: &str) -> Result<Plugin> {
        with_loaded(|loaded| {
            if let Some(plugin) = loaded.linked.get(&api.addr()) {
                return Ok(*plugin);
            }
            // SAFETY: as the caller promises.
            let plugin = unsafe { Plugin::open(api, name.to_owned(), Origin::Linked) }?;
            loaded.linked.insert(api.addr(), plugin);
            Ok(plugin)
        })
    }

    /// Checks the table and initialises the plugin.
    ///
    /// # Safety
    /// As [`from_api`](Plugin::from_api).
    unsafe fn open(api: *const sys::PJRT_Api, name: String, origin: Origin) -> Result<Plugin> {
        const F: &str = "Plugin::load";
        let shown = match &origin {
            Origin::Library(path) => path.display().to_string(),
            Origin::Linked => format!("the linked plugin {name}"),
        };
        if api.is_null() {
            return Err(Error::new(ErrorCode::Internal, F, format!("GetPjrtApi of {shown} gave no table")));
        }
        // SAFETY: every table starts with its own size.
        let size = unsafe { (&raw const (*api).struct_size).read() };
        let head = offset_of!(sys::PJRT_Api, pjrt_api_version) + size_of::<sys::PJRT_Api_Version>();
        if size < head || size % size_of::<usize>() != 0 || size > 1 << 20 {
            return Err(Error::invalid(
                F,
                format!("the table of {shown} says it has {size} bytes, which no PJRT table has"),
            ));
        }
        let mut table = sys::PJRT_Api::new();
        // SAFETY: both tables are arrays of machine words after the head; `size` bytes of the plugin's are readable,
        // and no more is written than ours holds. What the plugin's does not have stays zero: absent.
        unsafe {
            let bytes = size.min(sys::PJRT_Api_STRUCT_SIZE);
            std::ptr::copy_nonoverlapping(api.cast::<u8>(), (&raw mut table).cast::<u8>(), bytes);
        }
        let ApiVersion { major, minor } = version_of(&table);
        if major != sys::PJRT_API_MAJOR as i32 {
            return Err(Error::new(
                ErrorCode::FailedPrecondition,
                F,
                format!(
                    "{shown} speaks PJRT {major}.{minor}: its major version is {major}, and this library speaks {} ({}.{})",
                    sys::PJRT_API_MAJOR,
                    sys::PJRT_API_MAJOR,
                    sys::PJRT_API_MINOR
                ),
            ));
        }
        if minor < MIN_API_MINOR {
            return Err(Error::new(
                ErrorCode::FailedPrecondition,
                F,
                format!(
                    "{shown} speaks PJRT {major}.{minor}, and the oldest version accepted is {major}.{MIN_API_MINOR}"
                ),
            ));
        }
        let plugin =
            Plugin { inner: Box::leak(Box::new(Inner { table, name, origin, attributes: OnceLock::new() })) };
        if table.PJRT_Plugin_Initialize.is_some() {
            call!(plugin.table(), PJRT_Plugin_Initialize {})?;
        }
        Ok(plugin)
    }

    /// The name the plugin goes by.
    pub fn name(&self) -> &'static str {
        &self.inner.name
    }

    /// Where it came from.
    pub fn origin(&self) -> &'static Origin {
        &self.inner.origin
    }

    /// The PJRT version that the plugin speaks.
    pub fn api_version(&self) -> ApiVersion {
        version_of(&self.inner.table)
    }

    /// How many functions the plugin's own table has; those beyond header 0.90 are not called.
    pub fn num_functions(&self) -> usize {
        let head = offset_of!(sys::PJRT_Api, PJRT_Error_Destroy);
        (self.inner.table.struct_size - head) / size_of::<usize>()
    }

    /// What the plugin says of itself: `stablehlo_current_version`, `stablehlo_minimum_version`, `xla_version`, …
    ///
    /// ```
    /// # use jacinth_pjrt::{Plugin, Value};
    /// let plugin = Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?;
    /// assert!(matches!(plugin.attributes()?.get("stablehlo_current_version"), Some(Value::Int64List(_))));
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn attributes(&self) -> Result<&'static NamedValues> {
        self.inner
            .attributes
            .get_or_init(|| {
                let args = call!(self.table(), PJRT_Plugin_Attributes {})?;
                // SAFETY: the plugin lends its attributes for good; they are copied.
                Ok(unsafe { NamedValues::from_abi(args.attributes, args.num_attributes) })
            })
            .as_ref()
            .map_err(Error::clone)
    }

    /// The extensions of the plugin, in the order of its chain, unknown ones included.
    ///
    /// ```
    /// # use jacinth_pjrt::Plugin;
    /// let plugin = Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?;
    /// assert!(plugin.extensions().iter().all(|extension| extension.struct_size > 0));
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn extensions(&self) -> Vec<Extension> {
        let mut found = Vec::new();
        let mut next = self.inner.table.extension_start;
        // The bound stops a chain that runs in a circle.
        while let Some(base) = NonNull::new(next).filter(|_| found.len() < 256) {
            // SAFETY: the chain is made of live extension headers, ended by null.
            let header = unsafe { base.read() };
            found.push(Extension {
                extension_type: ExtensionType(header.type_),
                struct_size: header.struct_size,
                base,
            });
            next = header.next;
        }
        found
    }

    /// The extension of that type, if the plugin has it.
    ///
    /// ```
    /// # use jacinth_pjrt::{ExtensionType, Plugin};
    /// let plugin = Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?;
    /// assert_eq!(plugin.extension(ExtensionType::FFI).is_some(), plugin.has_ffi());
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    pub fn extension(&self, extension_type: ExtensionType) -> Option<Extension> {
        self.extensions().into_iter().find(|extension| extension.extension_type == extension_type)
    }

    /// Makes a client: [`Client::new`].
    ///
    /// ```
    /// # use jacinth_pjrt::{ClientOptions, Plugin};
    /// let plugin = Plugin::linked(jacinth_cpu::pjrt_api(), "embedded")?;
    /// let client = plugin.client(&ClientOptions::new().with("cpu_device_count", 4))?;
    /// assert_eq!(client.devices().len(), 4);
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn client(&self, options: &ClientOptions) -> Result<Client> {
        Client::new(*self, options)
    }

    /// A description of hardware that need not be here, by the plugin's name for it (`v5e:2x2` for libtpu), to compile for.
    ///
    /// ```no_run
    /// # use jacinth_pjrt::{NamedValues, Plugin};
    /// let tpu = Plugin::load("/usr/lib/libtpu.so")?;
    /// assert_eq!(tpu.topology("v5e:2x2", &NamedValues::new())?.devices()?.len(), 4); // with no TPU here
    /// # Ok::<(), jacinth_pjrt::Error>(())
    /// ```
    ///
    /// # Errors
    /// The name is empty or unknown to the plugin, or the plugin compiles for what is here only.
    pub fn topology(&self, name: &str, options: &NamedValues) -> Result<TopologyDescription> {
        TopologyDescription::create(*self, name, options)
    }

    #[inline]
    pub(crate) fn table(&self) -> &'static sys::PJRT_Api {
        &self.inner.table
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("name", &self.inner.name)
            .field("origin", &self.inner.origin)
            .field("api_version", &self.api_version())
            .finish()
    }
}

impl PartialEq for Plugin {
    fn eq(&self, other: &Plugin) -> bool {
        std::ptr::eq(self.inner, other.inner)
    }
}

impl Eq for Plugin {}

/// A version of the PJRT C API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    pub major: i32,
    pub minor: i32,
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

fn version_of(table: &sys::PJRT_Api) -> ApiVersion {
    ApiVersion { major: table.pjrt_api_version.major_version, minor: table.pjrt_api_version.minor_version }
}

/// The kind of an extension (`PJRT_Extension_Type`): a number, since plugins have kinds that no header here names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExtensionType(pub u32);

impl ExtensionType {
    pub const PROFILER: ExtensionType = ExtensionType(sys::PJRT_Extension_Type_Profiler);
    pub const STREAM: ExtensionType = ExtensionType(sys::PJRT_Extension_Type_Stream);
    pub const LAYOUTS: ExtensionType = ExtensionType(sys::PJRT_Extension_Type_Layouts);
    pub const FFI: ExtensionType = ExtensionType(sys::PJRT_Extension_Type_FFI);
    pub const MEMORY_DESCRIPTIONS: ExtensionType = ExtensionType(sys::PJRT_Extension_Type_MemoryDescriptions);
    pub const PHASE_COMPILE: ExtensionType = ExtensionType(sys::PJRT_Extension_Type_PhaseCompile);
    pub const TPU_TOPOLOGY: ExtensionType = ExtensionType(sys::PJRT_Extension_Type_TpuTopology);

    /// The header's name of the kind, or `None` for a number that header 0.90 does not name.
    ///
    /// ```
    /// # use jacinth_pjrt::ExtensionType;
    /// assert_eq!((ExtensionType::FFI.name(), ExtensionType(9999).name()), (Some("FFI"), None));
    /// ```
    pub fn name(self) -> Option<&'static str> {
        const NAMES: [&str; 19] = [
            "Gpu_Custom_Call",
            "Profiler",
            "Custom_Partitioner",
            "Stream",
            "Layouts",
            "FFI",
            "MemoryDescriptions",
            "Triton",
            "RawBuffer",
            "PhaseCompile",
            "Example",
            "Unknown",
            "CrossHostTransfers",
            "ExecutableMetadata",
            "Callback",
            "HostAllocator",
            "TpuTopology",
            "TpuExecutable",
            "Megascale",
        ];
        NAMES.get(self.0 as usize).copied()
    }
}

/// A link of a plugin's extension chain.
#[derive(Debug, Clone, Copy)]
pub struct Extension {
    /// Its kind.
    pub extension_type: ExtensionType,
    /// Its size, as the plugin says it.
    pub struct_size: usize,
    pub(crate) base: NonNull<sys::PJRT_Extension_Base>,
}

impl Extension {
    /// The extension as its C struct, if the plugin's is at least as large as header 0.90's.
    ///
    /// # Safety
    /// `T` is the struct that belongs to [`extension_type`](Extension::extension_type), of the layout that the plugin has: extensions are
    /// not versioned by the table's version.
    pub unsafe fn as_struct<T: AbiStruct>(&self) -> Option<&'static T> {
        if self.struct_size < T::STRUCT_SIZE {
            return None;
        }
        // SAFETY: the chain is static, `T` is the extension's struct as the caller promises, and it is large enough.
        Some(unsafe { self.base.cast::<T>().as_ref() })
    }
}

/// `libfoo_pjrt.so` → `foo_pjrt`.
fn library_name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.strip_prefix("lib").unwrap_or(&stem).to_owned()
}

/// A string of the plugin that a query gives, copied.
///
/// # Safety
/// As [`text`].
pub(crate) unsafe fn owned_text(pointer: *const std::ffi::c_char, size: usize) -> String {
    // SAFETY: as the caller promises.
    unsafe { text(pointer, size) }.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_path_and_a_folder_are_sentences() {
        let error = Plugin::load("/nowhere/at/all.so").unwrap_err();
        assert_eq!(error.code, ErrorCode::NotFound);
        assert!(error.message.starts_with("the plugin /nowhere/at/all.so cannot be opened: "), "{error}");
        let error = Plugin::load("/").unwrap_err();
        assert_eq!(error.message, "the plugin / is not a file");
    }

    #[test]
    fn a_null_or_absurd_table_is_refused() {
        // SAFETY: null is allowed.
        let error = unsafe { Plugin::from_api(std::ptr::null(), "none") }.unwrap_err();
        assert_eq!(error.message, "GetPjrtApi of the linked plugin none gave no table");
        let mut table = sys::PJRT_Api::new();
        table.struct_size = 7;
        // SAFETY: the table says a size that is refused before anything else of it is read.
        let error = unsafe { Plugin::from_api(&raw const table, "odd") }.unwrap_err();
        assert!(error.message.contains("says it has 7 bytes"), "{error}");
    }

    #[test]
    fn other_versions_are_refused_and_short_tables_have_absent_functions() {
        let head = size_of::<usize>() * 2 + size_of::<sys::PJRT_Api_Version>();
        let mut table = Box::new(sys::PJRT_Api::new());
        table.struct_size = head;
        table.pjrt_api_version.major_version = 1;
        // SAFETY: a table without functions keeps every contract.
        let error = unsafe { Plugin::from_api(&raw const *table, "future") }.unwrap_err();
        assert!(error.message.contains("speaks PJRT 1.0: its major version is 1"), "{error}");
        table.pjrt_api_version.major_version = 0;
        // SAFETY: as above.
        let error = unsafe { Plugin::from_api(&raw const *table, "past") }.unwrap_err();
        assert!(error.message.contains("the oldest version accepted is 0.54"), "{error}");
        table.pjrt_api_version.minor_version = 60;
        // SAFETY: as above, and leaked.
        let plugin = unsafe { Plugin::from_api(Box::leak(table), "short") }.unwrap();
        assert_eq!(plugin.num_functions(), 0);
        let error = plugin.client(&ClientOptions::new()).unwrap_err();
        assert!(error.is_unimplemented());
        assert_eq!(error.message, "the plugin's table (PJRT 0.60) does not have this function");
    }

    #[test]
    fn a_library_names_its_plugin() {
        assert_eq!(library_name(Path::new("/a/libjacinth_cpu_pjrt.so")), "jacinth_cpu_pjrt");
        assert_eq!(library_name(Path::new("xla_cpu_pjrt.so")), "xla_cpu_pjrt");
    }
}
