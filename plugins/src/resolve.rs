//! From a name to a plugin: the order of the places, what is loaded and what is not.

use crate::known::{EMBEDDED, KNOWN, Known, known};
use crate::places::{Environment, NAMES_AND_PATHS};
use crate::report::{Look, NotFound, Outcome, Report, Source};
use jacinth_pjrt::{Client, ClientOptions, Plugin};
use std::path::{Path, PathBuf};

/// Looks at every place for every plugin and loads none.
///
/// ```
/// let report = jacinth_plugins::discover();
/// assert_eq!(report.found().last().map(|look| look.name.as_str()), Some("embedded"));
/// ```
pub fn discover() -> Report {
    discover_in(&Environment::process())
}

/// The plugin of that name or at that path, loaded: `embedded`, `cpu`, `xla-cpu`, `cuda`, `tpu`, a name of
/// `PJRT_NAMES_AND_LIBRARY_PATHS`, or a path.
///
/// ```
/// let plugin = jacinth_plugins::resolve("embedded")?;
/// assert_eq!(plugin.name(), "embedded");
/// let error = jacinth_plugins::resolve("/nowhere/plugin.so").unwrap_err();
/// assert!(error.to_string().starts_with("no PJRT plugin for `/nowhere/plugin.so`"));
/// # Ok::<(), jacinth_plugins::NotFound>(())
/// ```
pub fn resolve(spec: &str) -> Result<Plugin, NotFound> {
    resolve_in(spec, &Environment::process())
}

/// The plugin that is used when nobody asks for one: see the crate's documentation.
///
/// ```
/// let plugin = jacinth_plugins::default_plugin()?;
/// assert!(!plugin.name().is_empty());
/// # Ok::<(), jacinth_plugins::NotFound>(())
/// ```
///
/// # Errors
/// None of `JACINTH_PLATFORMS` works.
pub fn default_plugin() -> Result<Plugin, NotFound> {
    default_plugin_in(&Environment::process())
}

/// A client of the default plugin; unlike [`default_plugin`] it goes on to the next plugin when hardware refuses the client.
///
/// ```
/// let client = jacinth_plugins::default_client(&Default::default())?;
/// assert!(!client.addressable_devices().is_empty());
/// # Ok::<(), jacinth_plugins::NotFound>(())
/// ```
///
/// # Errors
/// None of `JACINTH_PLATFORMS` works.
pub fn default_client(options: &ClientOptions) -> Result<Client, NotFound> {
    default_client_in(options, &Environment::process())
}

/// The folder where `cargo xtask plugins` installs, one folder a plugin: `JACINTH_PLUGINS_DIR`, or `~/.jacinth/plugins`.
///
/// ```
/// if let Some(folder) = jacinth_plugins::user_folder() {
///     assert!(!folder.as_os_str().is_empty());
/// }
/// ```
pub fn user_folder() -> Option<PathBuf> {
    Environment::process().user_folder()
}

/// The embedded CPU plugin.
///
/// ```
/// let client = jacinth_plugins::embedded()?.client(&Default::default()).unwrap();
/// assert_eq!(client.platform_name(), "jacinth");
/// # Ok::<(), jacinth_plugins::NotFound>(())
/// ```
///
/// # Errors
/// Never, as long as the process and the plugin are of one build.
pub fn embedded() -> Result<Plugin, NotFound> {
    let mut report = Report::default();
    load_embedded(EMBEDDED, &mut report).ok_or_else(|| not_found(EMBEDDED, report))
}

/// [`discover`] in a given environment.
///
/// ```
/// # use jacinth_plugins::{Environment, within};
/// let bare = Environment::given([("HOME", "/nowhere")], "/nowhere");
/// assert_eq!(within::discover(&bare).found().count(), 1); // the embedded one
/// ```
pub fn discover_in(environment: &Environment) -> Report {
    let mut report = Report::default();
    let mut names: Vec<String> = environment.names_and_paths().into_iter().map(|(name, _)| name).collect();
    names.extend(KNOWN.iter().map(|known| known.name.to_owned()));
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            for place in places(&name, environment) {
                report.looks.push(look_at(&place, environment));
            }
            seen.push(name);
        }
    }
    report.looks.push(Look {
        name: EMBEDDED.to_owned(),
        source: Source::Embedded,
        path: None,
        outcome: Outcome::Found,
    });
    report
}

/// [`resolve`] in a given environment.
///
/// ```
/// # use jacinth_plugins::{Environment, within};
/// let bare = Environment::given([("JACINTH_CUDA_PLUGIN", "/nowhere/cuda.so")], "/nowhere");
/// let error = within::resolve("cuda", &bare).unwrap_err();
/// assert!(error.to_string().contains("(variable JACINTH_CUDA_PLUGIN) /nowhere/cuda.so: rejected"));
/// ```
pub fn resolve_in(spec: &str, environment: &Environment) -> Result<Plugin, NotFound> {
    let mut report = Report::default();
    find(spec, environment, &mut report).ok_or_else(|| not_found(spec, report))
}

/// [`default_plugin`] in a given environment.
///
/// ```
/// # use jacinth_plugins::{Environment, within};
/// let chosen = Environment::given([("JACINTH_PLATFORMS", "embedded")], "/nowhere");
/// assert_eq!(within::default_plugin(&chosen)?.name(), "embedded");
/// # Ok::<(), jacinth_plugins::NotFound>(())
/// ```
pub fn default_plugin_in(environment: &Environment) -> Result<Plugin, NotFound> {
    first_that_works(environment, Ok)
}

/// [`default_client`] in a given environment.
///
/// ```
/// # use jacinth_plugins::{Environment, within};
/// let bare = Environment::given([("HOME", "/nowhere")], "/nowhere"); // no hardware, no plugins
/// assert_eq!(within::default_client(&Default::default(), &bare)?.plugin().name(), "embedded");
/// # Ok::<(), jacinth_plugins::NotFound>(())
/// ```
pub fn default_client_in(options: &ClientOptions, environment: &Environment) -> Result<Client, NotFound> {
    first_that_works(environment, |plugin| {
        let client = plugin.client(options).map_err(|error| error.to_string())?;
        // A plugin whose hardware is absent may give a client without devices.
        if client.addressable_devices().is_empty() {
            return Err("its client has no devices".to_owned());
        }
        Ok(client)
    })
}

/// Tries the platforms of the default in order.
fn first_that_works<T>(
    environment: &Environment,
    make: impl Fn(Plugin) -> Result<T, String>,
) -> Result<T, NotFound> {
    let mut report = Report::default();
    let specs = default_specs(environment, &mut report);
    for spec in &specs {
        let looks = report.looks.len();
        let Some(plugin) = find(spec, environment, &mut report) else {
            if report.looks.len() == looks {
                report.looks.push(nowhere(spec));
            }
            continue;
        };
        match make(plugin) {
            Ok(made) => return Ok(made),
            Err(why) => {
                if let Some(look) = report.looks.last_mut() {
                    look.outcome = Outcome::Rejected(why);
                }
            }
        }
    }
    Err(not_found(&specs.join(","), report))
}

/// The look of a name for which there was no place to look at.
fn nowhere(name: &str) -> Look {
    let (source, why) = match known(name) {
        Some(_) => (Source::UserFolder, "no Python, no folder and no variable says where it could be"),
        None => (Source::Variable(PLATFORMS), "no plugin of that name is known here"),
    };
    Look { name: name.to_owned(), source, path: None, outcome: Outcome::Rejected(why.to_owned()) }
}

const PLATFORMS: &str = "JACINTH_PLATFORMS";

/// The names that the default goes through.
fn default_specs(environment: &Environment, report: &mut Report) -> Vec<String> {
    if let Some(list) = environment.variable(PLATFORMS) {
        let specs: Vec<String> = list
            .to_string_lossy()
            .split(',')
            .map(|spec| spec.trim().to_owned())
            .filter(|spec| !spec.is_empty())
            .collect();
        if !specs.is_empty() {
            return specs;
        }
    }
    let mut specs = Vec::new();
    for (name, present, hardware) in
        [("cuda", environment.has_gpu(), "no NVIDIA GPU"), ("tpu", environment.has_tpu(), "no TPU")]
    {
        if present {
            specs.push(name.to_owned());
        } else {
            let why = format!("not tried: {hardware} was found on this machine");
            report.looks.push(Look {
                name: name.to_owned(),
                source: Source::System,
                path: None,
                outcome: Outcome::Rejected(why),
            });
        }
    }
    specs.push(EMBEDDED.to_owned());
    specs
}

/// A place where a plugin may lie.
struct Place {
    name: String,
    source: Source,
    path: PathBuf,
}

impl Place {
    /// Whether the user named the place, so that what is wrong with it is an error and no reason to look further.
    fn is_final(&self) -> bool {
        matches!(self.source, Source::Explicit | Source::Variable(_))
    }
}

/// The places of the plugin of that name, in order.
fn places(name: &str, environment: &Environment) -> Vec<Place> {
    let mut places = Vec::new();
    let mut push = |source: Source, path: PathBuf| places.push(Place { name: name.to_owned(), source, path });
    for (named, path) in environment.names_and_paths() {
        if named == name {
            push(Source::Variable(NAMES_AND_PATHS), path);
        }
    }
    let Some(known) = known(name) else { return places };
    for variable in known.variables {
        if let Some(path) = environment.variable(variable) {
            push(Source::Variable(variable), PathBuf::from(path));
        }
    }
    for folder in environment.site_packages() {
        known.packages.iter().for_each(|package| push(Source::SitePackages, folder.join(package)));
    }
    if let Some(folder) = environment.user_folder() {
        let folder = folder.join(name);
        for package in known.packages {
            push(Source::UserFolder, folder.join(package));
            push(Source::UserFolder, folder.join(file_name(package)));
        }
    }
    for folder in environment.system_folders() {
        known.system.iter().for_each(|file| push(Source::System, folder.join(file)));
    }
    places
}

fn file_name(package: &str) -> &str {
    package.rsplit('/').next().unwrap_or(package)
}

/// Finds and loads a plugin; every look goes into the report, and the last of a success is its own.
fn find(spec: &str, environment: &Environment, report: &mut Report) -> Option<Plugin> {
    if spec == EMBEDDED {
        return load_embedded(EMBEDDED, report);
    }
    if is_path(spec) {
        let place = Place { name: spec.to_owned(), source: Source::Explicit, path: PathBuf::from(spec) };
        return load(&place, None, environment, report);
    }
    for place in places(spec, environment) {
        if let Some(plugin) = load(&place, Some(spec), environment, report) {
            return Some(plugin);
        }
        if place.is_final() {
            return None;
        }
    }
    if spec == "cpu" { load_embedded(spec, report) } else { None }
}

/// Whether a spec is a path and not a name.
fn is_path(spec: &str) -> bool {
    spec.contains(['/', '\\']) || [".so", ".dylib", ".dll"].iter().any(|ending| spec.ends_with(ending))
}

/// What can be said of a place without loading what is there.
fn look_at(place: &Place, environment: &Environment) -> Look {
    let outcome = if !place.path.is_file() {
        if place.is_final() && place.path.exists() {
            Outcome::Rejected("it is not a file".to_owned())
        } else {
            Outcome::Absent
        }
    } else if is_libtpu(place) && !environment.has_tpu() && !environment.skips_tpu_metadata() {
        Outcome::Rejected(
            "no TPU was found on this machine (/dev/accel*, /dev/vfio), and off a TPU machine libtpu waits ten minutes \
             for a metadata server: set TPU_SKIP_MDS_QUERY=1 to load it for ahead-of-time compilation"
                .to_owned(),
        )
    } else {
        Outcome::Found
    };
    Look { name: place.name.clone(), source: place.source.clone(), path: Some(place.path.clone()), outcome }
}

fn is_libtpu(place: &Place) -> bool {
    let file = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().starts_with("libtpu");
    place.name == "tpu" || file(&place.path) || place.path.canonicalize().is_ok_and(|path| file(&path))
}

fn load(place: &Place, name: Option<&str>, environment: &Environment, report: &mut Report) -> Option<Plugin> {
    let mut look = look_at(place, environment);
    let mut plugin = None;
    // A place that the user named is handed to the loader even if nothing is there: its sentence says more.
    if look.outcome == Outcome::Found || look.outcome == Outcome::Absent && place.is_final() {
        look.outcome = match Plugin::load_named(&place.path, name) {
            Ok(loaded) => {
                plugin = Some(loaded);
                Outcome::Loaded
            }
            Err(error) => Outcome::Rejected(error.to_string()),
        };
    }
    report.looks.push(look);
    plugin
}

fn load_embedded(name: &str, report: &mut Report) -> Option<Plugin> {
    let loaded = Plugin::linked(jacinth_cpu::pjrt_api(), EMBEDDED);
    let outcome = match &loaded {
        Ok(_) => Outcome::Loaded,
        Err(error) => Outcome::Rejected(error.to_string()),
    };
    report.looks.push(Look { name: name.to_owned(), source: Source::Embedded, path: None, outcome });
    loaded.ok()
}

fn not_found(spec: &str, report: Report) -> NotFound {
    let hint = match known(spec) {
        Some(Known { hint, .. }) => Some((*hint).to_owned()),
        None if report.looks.is_empty() => {
            let names: Vec<&str> = KNOWN.iter().map(|known| known.name).collect();
            Some(format!(
                "the names known here are embedded, cpu, {}; {NAMES_AND_PATHS} adds names, and a path is taken as it is",
                names.join(", ")
            ))
        }
        None => None,
    };
    NotFound { spec: spec.to_owned(), report, hint }
}
