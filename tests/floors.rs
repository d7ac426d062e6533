//! The floors hold: a lower floor never names a higher one, and `unsafe` stays in its rooms.

use std::fs;
use std::path::{Path, PathBuf};

/// Each package, and the packages of this workspace that it may depend on (outside of its own tests).
const FLOORS: &[(&str, &[&str])] = &[
    ("lowering", &[]),
    ("pjrt/sys", &[]),
    ("frontend/macros", &[]),
    ("pjrt", &["jacinth-pjrt-sys"]),
    ("plugins/cpu-fft", &[]),
    ("plugins/cpu", &["jacinth-cpu-fft", "jacinth-lowering", "jacinth-pjrt-sys"]),
    ("plugins/cpu-dylib", &["jacinth-cpu", "jacinth-pjrt-sys"]),
    ("plugins", &["jacinth-cpu", "jacinth-pjrt"]),
    ("frontend", &["jacinth-lowering", "jacinth-macros", "jacinth-pjrt", "jacinth-plugins"]),
    (".", &["jacinth-frontend"]),
];

/// The floors inside the frontend, lowest first.
const FRONTEND: &[&str] = &["ir", "lower", "runtime", "trace", "transform", "lax", "api"];

/// The only places where `unsafe` may stand.
const UNSAFE_ROOMS: &[&str] = &[
    "pjrt/",
    "plugins/cpu/src/abi/",
    "plugins/cpu/src/collectives.rs",
    "plugins/cpu/src/compile/",
    "plugins/cpu/src/kernels/",
    "plugins/cpu/src/simd/",
    "plugins/cpu/src/lib.rs",
    "plugins/cpu/src/memory.rs",
    "plugins/cpu/src/pool.rs",
    "plugins/cpu-dylib/",
    "tests/",
];

#[test]
fn packages_depend_only_on_lower_floors() {
    for (dir, allowed) in FLOORS {
        let manifest = fs::read_to_string(root().join(dir).join("Cargo.toml")).expect("a manifest");
        for dependency in dependencies(&manifest) {
            assert!(
                !dependency.starts_with("jacinth") || allowed.contains(&dependency.as_str()),
                "{dir} must not depend on {dependency}: allowed are {allowed:?}"
            );
        }
    }
}

#[test]
fn frontend_modules_name_only_lower_floors() {
    for (level, floor) in FRONTEND.iter().enumerate() {
        let higher = &FRONTEND[level + 1..];
        for file in rust_files(&root().join("frontend/src").join(floor)) {
            let text = fs::read_to_string(&file).expect("a source file");
            for (number, line) in code_lines(&text) {
                for name in higher {
                    assert!(
                        !line.contains(&format!("crate::{name}::")),
                        "{}:{number}: {floor} names the higher floor {name}: {line}",
                        file.display()
                    );
                }
            }
        }
    }
}

#[test]
fn lowering_knows_no_jaxpr_and_the_plugin_no_frontend() {
    for (dir, forbidden) in
        [("lowering/src", ["jaxpr", "pjrt", "Tracer"]), ("plugins/cpu/src", ["jaxpr", "frontend", "Tracer"])]
    {
        for file in rust_files(&root().join(dir)) {
            let text = fs::read_to_string(&file).expect("a source file");
            for (number, line) in code_lines(&text) {
                // Names of others, not of our rooms.
                let line = ["pjrt_sys", "PJRT", "frontend_attributes"]
                    .iter()
                    .fold(line.to_owned(), |line, name| line.replace(name, ""));
                for word in forbidden {
                    let legal = word == "pjrt" && dir.starts_with("plugins");
                    assert!(legal || !line.contains(word), "{}:{number}: names {word}", file.display());
                }
            }
        }
    }
}

#[test]
fn unsafe_stays_in_its_rooms() {
    for dir in ["src", "lowering", "frontend", "plugins", "pjrt", "xtask", "benches", "examples"] {
        for file in rust_files(&root().join(dir)) {
            let path =
                file.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/");
            if UNSAFE_ROOMS.iter().any(|room| path.starts_with(room)) {
                continue;
            }
            let text = fs::read_to_string(&file).expect("a source file");
            for (number, line) in code_lines(&text) {
                let opens = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"]
                    .iter()
                    .any(|w| line.contains(w));
                assert!(!opens, "{path}:{number}: `unsafe` outside its rooms: {line}");
            }
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Names under `[dependencies]` of a manifest, in either spelling of this workspace.
fn dependencies(manifest: &str) -> Vec<String> {
    let body = manifest.split("\n[dependencies]").nth(1).unwrap_or("");
    body.lines()
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', '=', ' ']).next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Numbered lines without comments, up to the file's test module.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .take_while(|line| *line != "#[cfg(test)]")
        .enumerate()
        .map(|(i, line)| (i + 1, line.split("//").next().unwrap_or("")))
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = fs::read_dir(dir) else { return files };
    for entry in entries.map(|e| e.expect("a folder entry").path()) {
        if entry.is_dir() && entry.file_name().is_some_and(|name| name != "target") {
            files.extend(rust_files(&entry));
        } else if entry.extension().is_some_and(|e| e == "rs") {
            files.push(entry);
        }
    }
    files
}
