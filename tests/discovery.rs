//! Discovery: the order of the places, what a plugin that is none says, and what libtpu needs. Each test has an
//! environment and folders of its own.

use jacinth_plugins::{Environment, NotFound, Outcome, Plugin, Source, within};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name =
            format!("jacinth-discovery-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.0.join(relative)
    }

    fn text(&self, relative: &str) -> String {
        self.path(relative).to_str().expect("a temporary path is UTF-8").to_owned()
    }

    /// Writes a file, with the folders above it.
    fn write(&self, relative: &str, content: &str) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Compiles Rust code into a shared library, with the compiler that built this test.
    fn library(&self, relative: &str, code: &str) -> PathBuf {
        let source = self.write(&format!("{relative}.rs"), code);
        let library = self.path(relative);
        let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let status = Command::new(compiler)
            .args(["--edition=2024", "--crate-type=cdylib", "--crate-name=plugin", "-o"])
            .args([&library, &source])
            .status()
            .expect("the Rust compiler is there");
        assert!(status.success());
        library
    }

    fn environment(&self, variables: &[(&str, &str)]) -> Environment {
        Environment::given(variables.iter().copied(), self.path("root"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A plugin whose table has a version and no function.
fn empty_plugin(major: i32, minor: i32) -> String {
    format!(
        "#[repr(C)]
        pub struct Version {{ size: usize, extensions: usize, major: i32, minor: i32 }}
        #[repr(C)]
        pub struct Table {{ size: usize, extensions: usize, version: Version }}
        static TABLE: Table =
            Table {{ size: 40, extensions: 0, version: Version {{ size: 24, extensions: 0, major: {major}, minor: {minor} }} }};
        #[unsafe(no_mangle)]
        pub extern \"C\" fn GetPjrtApi() -> *const Table {{ &TABLE }}"
    )
}

fn rejection(error: &NotFound) -> &str {
    match &error.report.looks.last().expect("a look").outcome {
        Outcome::Rejected(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_path_that_is_missing_is_a_sentence() {
    let folder = Folder::new();
    let path = folder.text("missing.so");
    let error = within::resolve(&path, &folder.environment(&[])).unwrap_err();
    assert_eq!(
        rejection(&error),
        format!(
            "Plugin::load: the plugin {path} cannot be opened: No such file or directory (os error 2) (code 5, not found)"
        )
    );
    assert!(
        error.to_string().starts_with(&format!("no PJRT plugin for `{path}`\n  {path} (the given path)"))
    );
}

#[test]
fn a_file_that_is_no_library_is_a_sentence() {
    let folder = Folder::new();
    folder.write("text.so", "this is text");
    let path = folder.text("text.so");
    let error = within::resolve(&path, &folder.environment(&[])).unwrap_err();
    assert!(
        rejection(&error)
            .starts_with(&format!("Plugin::load: {path} is not a shared library that loads here: ")),
        "{error}"
    );
    let error = within::resolve(&folder.text("./"), &folder.environment(&[])).unwrap_err();
    assert!(rejection(&error).contains("it is not a file"), "{error}");
}

#[test]
fn a_library_without_the_entry_is_a_sentence() {
    let folder = Folder::new();
    let path = folder.library("other.so", r#"#[unsafe(no_mangle)] pub extern "C" fn answer() -> i32 { 42 }"#);
    let error = Plugin::load(&path).unwrap_err();
    assert_eq!(
        error.message,
        format!("{} is a shared library but exports no GetPjrtApi: it is not a PJRT plugin", path.display())
    );
}

#[test]
fn an_entry_that_gives_nothing_is_a_sentence() {
    let folder = Folder::new();
    let path = folder.library(
        "null.so",
        r#"#[unsafe(no_mangle)] pub extern "C" fn GetPjrtApi() -> *const u8 { std::ptr::null() }"#,
    );
    let error = Plugin::load(&path).unwrap_err();
    assert_eq!(error.message, format!("GetPjrtApi of {} gave no table", path.display()));
    let path = folder.library(
        "odd.so",
        r#"static TABLE: [usize; 8] = [12345677, 0, 0, 0, 0, 0, 0, 0];
        #[unsafe(no_mangle)] pub extern "C" fn GetPjrtApi() -> *const usize { TABLE.as_ptr() }"#,
    );
    let error = Plugin::load(&path).unwrap_err();
    assert!(error.message.contains("says it has 12345677 bytes"), "{error}");
}

#[test]
fn another_major_version_is_a_sentence() {
    let folder = Folder::new();
    let path = folder.library("future.so", &empty_plugin(1, 3));
    let error = Plugin::load(&path).unwrap_err();
    assert_eq!(
        error.message,
        format!(
            "{} speaks PJRT 1.3: its major version is 1, and this library speaks 0 (0.90)",
            path.display()
        )
    );
    let path = folder.library("past.so", &empty_plugin(0, 7));
    let error = Plugin::load(&path).unwrap_err();
    assert!(error.message.contains("the oldest version accepted is 0.54"), "{error}");
}

#[test]
fn a_plugin_without_functions_says_which_is_missing() {
    let folder = Folder::new();
    let path = folder.library("hollow.so", &empty_plugin(0, 80));
    let plugin = Plugin::load(&path).unwrap();
    assert_eq!((plugin.name(), plugin.num_functions()), ("hollow", 0));
    assert_eq!(Plugin::load(&path).unwrap(), plugin);
    let error = plugin.client(&Default::default()).unwrap_err();
    assert!(error.is_unimplemented());
    assert_eq!(
        error.to_string(),
        "PJRT_Client_Create: the plugin's table (PJRT 0.80) does not have this function (code 12, not supported)"
    );
}

#[test]
fn a_name_from_the_environment_comes_first_and_is_final() {
    let folder = Folder::new();
    let good = folder.library("good.so", &empty_plugin(0, 90));
    let names = format!("mine:{},cpu:{}", good.display(), folder.text("missing.so"));
    let environment = folder.environment(&[("PJRT_NAMES_AND_LIBRARY_PATHS", &names)]);
    assert_eq!(within::resolve("mine", &environment).unwrap().name(), "mine");
    // The user's `cpu` is missing: that is the error, and not a silent use of the embedded one.
    let error = within::resolve("cpu", &environment).unwrap_err();
    assert_eq!(error.report.looks.len(), 1);
    assert_eq!(error.report.looks[0].source, Source::Variable("PJRT_NAMES_AND_LIBRARY_PATHS"));
    // `embedded` always means the embedded one.
    assert_eq!(within::resolve("embedded", &environment).unwrap().name(), "embedded");
}

#[test]
fn the_places_are_looked_at_in_their_order() {
    let folder = Folder::new();
    let packages = "xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so";
    folder.write(&format!("venv/lib/python3.9/site-packages/{packages}"), "");
    folder.write(&format!("venv/lib/python3.12/site-packages/{packages}"), "");
    folder.write(&format!("plugins/xla-cpu/{packages}"), "");
    let environment = folder.environment(&[
        ("PJRT_NAMES_AND_LIBRARY_PATHS", "xla-cpu:/a.so"),
        ("JACINTH_XLA_CPU_PLUGIN", "/b.so"),
        ("VIRTUAL_ENV", &folder.text("venv")),
        ("JACINTH_PLUGINS_DIR", &folder.text("plugins")),
    ]);
    let report = within::discover(&environment);
    let looks: Vec<_> = report.looks.iter().filter(|look| look.name == "xla-cpu").collect();
    let paths: Vec<&Path> = looks.iter().filter_map(|look| look.path.as_deref()).collect();
    assert_eq!(
        paths,
        [
            Path::new("/a.so"),
            Path::new("/b.so"),
            &folder.path(&format!("venv/lib/python3.12/site-packages/{packages}")),
            &folder.path(&format!("venv/lib/python3.9/site-packages/{packages}")),
            &folder.path(&format!("plugins/xla-cpu/{packages}")),
            &folder.path("plugins/xla-cpu/xla_cpu_pjrt.so"),
        ]
    );
    assert_eq!(looks[0].outcome, Outcome::Absent);
    assert_eq!(looks[2].outcome, Outcome::Found);
    let last = report.looks.last().unwrap();
    assert_eq!((last.name.as_str(), &last.source), ("embedded", &Source::Embedded));
}

#[test]
fn the_given_python_replaces_the_active_one() {
    let folder = Folder::new();
    let package = "lib/python3.11/site-packages/jax_plugins/xla_cuda13/xla_cuda_plugin.so";
    folder.write(&format!("given/{package}"), "");
    folder.write(&format!("active/{package}"), "");
    folder.write("given/bin/python", "");
    for python in ["given", "given/bin/python"] {
        let environment = folder.environment(&[
            ("JACINTH_PYTHON", &folder.text(python)),
            ("VIRTUAL_ENV", &folder.text("active")),
        ]);
        let found: Vec<_> = within::discover(&environment)
            .found()
            .filter_map(|look| Some((look.name.clone(), look.path.clone()?)))
            .collect();
        assert_eq!(found, [("cuda".to_owned(), folder.path(&format!("given/{package}")))]);
    }
    // Without either, the first python3 of PATH.
    folder.write("given/bin/python3", "");
    let environment = folder.environment(&[("PATH", &folder.text("given/bin"))]);
    assert!(within::discover(&environment).found().any(|look| look.name == "cuda"));
}

#[test]
fn libtpu_is_not_loaded_blindly() {
    let folder = Folder::new();
    let library = folder.library("root/usr/lib/libtpu.so", &empty_plugin(0, 90));
    let plain = folder.environment(&[]);
    for spec in ["tpu", library.to_str().unwrap()] {
        let error = within::resolve(spec, &plain).unwrap_err();
        assert!(error.to_string().contains("no TPU was found on this machine"), "{error}");
        assert!(error.to_string().contains("set TPU_SKIP_MDS_QUERY=1"), "{error}");
    }
    // By default it is not even tried.
    assert_eq!(within::default_plugin(&plain).unwrap().name(), "embedded");
    let ahead_of_time = folder.environment(&[("TPU_SKIP_MDS_QUERY", "1")]);
    assert_eq!(within::resolve("tpu", &ahead_of_time).unwrap().name(), "tpu");
    // VFIO alone is not a TPU; with Google's PCI vendor it is, and so is the driver's device.
    folder.write("root/dev/vfio/0", "");
    assert!(within::resolve("tpu", &plain).is_err());
    folder.write("root/sys/bus/pci/devices/0000:00:05.0/vendor", "0x1ae0\n");
    assert_eq!(within::resolve("tpu", &plain).unwrap().name(), "tpu");
    assert_eq!(within::default_plugin(&plain).unwrap().name(), "tpu");
    // Its client cannot be made: the default client is the embedded one's.
    let client = within::default_client(&Default::default(), &plain).unwrap();
    assert_eq!(client.plugin().name(), "embedded");
}

#[test]
fn platforms_choose_in_order() {
    let folder = Folder::new();
    let good = folder.library("good.so", &empty_plugin(0, 90));
    let platforms = format!("rocm, {} ,embedded", good.display());
    let environment = folder.environment(&[("JACINTH_PLATFORMS", &platforms)]);
    assert_eq!(within::default_plugin(&environment).unwrap().name(), "good");
    assert_eq!(
        within::default_client(&Default::default(), &environment).unwrap().plugin().name(),
        "embedded"
    );
    let environment = folder.environment(&[("JACINTH_PLATFORMS", "xla-cpu,cuda")]);
    let error = within::default_plugin(&environment).unwrap_err();
    assert!(error.to_string().starts_with("no PJRT plugin for `xla-cpu,cuda`"), "{error}");
    let environment = folder.environment(&[("JACINTH_PLATFORMS", "rocm")]);
    assert_eq!(
        within::default_plugin(&environment).unwrap_err().to_string(),
        "no PJRT plugin for `rocm`\n  rocm (variable JACINTH_PLATFORMS): rejected: no plugin of that name is known here"
    );
}

#[test]
fn a_gpu_makes_cuda_the_first_to_be_tried() {
    let folder = Folder::new();
    folder.write("root/dev/nvidiactl", "");
    let good = folder.library("cuda.so", &empty_plugin(0, 90));
    let environment = folder.environment(&[("JACINTH_CUDA_PLUGIN", good.to_str().unwrap())]);
    assert_eq!(within::default_plugin(&environment).unwrap().name(), "cuda");
    // A GPU without its plugin is no obstacle.
    assert_eq!(within::default_plugin(&folder.environment(&[])).unwrap().name(), "embedded");
}

#[test]
fn an_unknown_name_names_the_known_ones() {
    let folder = Folder::new();
    let error = within::resolve("gpu", &folder.environment(&[])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no PJRT plugin for `gpu`\n  the names known here are embedded, cpu, cuda, tpu, xla-cpu; \
         PJRT_NAMES_AND_LIBRARY_PATHS adds names, and a path is taken as it is"
    );
}
