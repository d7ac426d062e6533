//! `cargo xtask plugins NAME…`: fetches a plugin's pinned Python package with pip, checks its sha256 and unpacks it where
//! discovery looks (`JACINTH_PLUGINS_DIR` or `~/.jacinth/plugins`, a folder a plugin, laid out like site-packages).
//!
//! A package that is there already with the pinned sum is left alone. Python serves to run pip and to unzip; the plugins
//! do not need it.

use crate::Failure;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A plugin's package, pinned.
struct Package {
    /// Its name in discovery.
    name: &'static str,
    requirement: &'static str,
    /// What pip must be told to choose the pinned wheel on every Python.
    wheel: &'static [&'static str],
    sha256: &'static str,
    /// The library inside.
    library: &'static str,
}

const PACKAGES: &[Package] = &[
    Package {
        name: "xla-cpu",
        requirement: "xla-cpu-pjrt==0.0.1",
        wheel: &["--platform=manylinux_2_27_x86_64"],
        sha256: "55837b6b7b47daa717f2d9a5a03563ea0ceaa338d06a81a1e2d3f060d960decc",
        library: "xla_plugins/xla_cpu_pjrt/xla_cpu_pjrt.so",
    },
    Package {
        name: "tpu",
        requirement: "libtpu==0.0.52",
        wheel: &[
            "--platform=manylinux_2_31_x86_64",
            "--python-version=3.11",
            "--implementation=cp",
            "--abi=cp311",
        ],
        sha256: "f5e2e596eaea9357fbb5a6755a7a9007c6ab75bfde4a55191b03eff402971140",
        library: "libtpu/libtpu.so",
    },
    Package {
        name: "cuda",
        requirement: "jax-cuda13-pjrt==0.12.0.1",
        wheel: &["--platform=manylinux_2_27_x86_64", "--python-version=3.12"],
        sha256: "5899bb6177eda86ea532afb9a26794f2bdd04966f6a01f9028266b16c2b6cf90",
        library: "jax_plugins/xla_cuda13/xla_cuda_plugin.so",
    },
];

/// NVIDIA's own libraries, which the CUDA plugin looks for beside itself; versions as its package asks for them.
const CUDA_LIBRARIES: &[&str] = &[
    "nvidia-cublas>=13.0.0.19",
    "nvidia-cuda-cupti>=13.0.48",
    "nvidia-cuda-nvcc>=13.0.48",
    "nvidia-cuda-nvrtc>=13.0.48",
    "nvidia-cuda-runtime>=13.0.48",
    "nvidia-cudnn-cu13<10.0,>=9.12.0.46",
    "nvidia-cufft>=12.0.0.15",
    "nvidia-cusolver>=12.0.3.29",
    "nvidia-cusparse>=12.6.2.49",
    "nvidia-nccl-cu13>=2.27.7",
    "nvidia-nvjitlink>=13.0.39",
    "nvidia-nvshmem-cu13>=3.3.20",
    "nvidia-nvvm",
];

/// `args`: names of plugins; `--wheel FILE` takes the package from a file instead of the network, `--with-libraries` installs
/// NVIDIA's libraries for `cuda` too; without a name it lists what discovery finds.
pub(crate) fn run(args: &[String]) -> Result<(), Failure> {
    let mut names = Vec::new();
    let mut wheel = None;
    let mut with_libraries = false;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--wheel" => wheel = Some(PathBuf::from(args.next().ok_or("--wheel needs a file")?)),
            "--with-libraries" => with_libraries = true,
            name => names.push(package(name)?),
        }
    }
    if names.is_empty() {
        println!("{}", jacinth_plugins::discover());
        return Ok(());
    }
    if wheel.is_some() && names.len() != 1 {
        return Err("--wheel goes with one plugin".into());
    }
    let folder = jacinth_plugins::user_folder().ok_or("neither JACINTH_PLUGINS_DIR nor HOME is set")?;
    for package in names {
        install(package, wheel.as_deref(), &folder)?;
        if package.name == "cuda" && with_libraries {
            install_cuda_libraries(&folder.join(package.name))?;
        }
    }
    Ok(())
}

fn package(name: &str) -> Result<&'static Package, Failure> {
    PACKAGES.iter().find(|package| package.name == name).ok_or_else(|| {
        let known: Vec<&str> = PACKAGES.iter().map(|package| package.name).collect();
        format!("there is no package for the plugin `{name}`; known are {}", known.join(", ")).into()
    })
}

fn install(package: &Package, wheel: Option<&Path>, folder: &Path) -> Result<(), Failure> {
    let target = folder.join(package.name);
    let library = target.join(package.library);
    let stamp = target.join("wheel.sha256");
    if library.is_file() && fs::read_to_string(&stamp).is_ok_and(|sum| sum.trim() == package.sha256) {
        println!("{} is installed: {}", package.name, library.display());
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    // Beside the target, so that the last step is a rename.
    let scratch = Scratch::new(folder.join(format!(".{}-{}", package.name, std::process::id())))?;
    let wheel = match wheel {
        Some(wheel) => wheel.to_owned(),
        None => download(package, &scratch.0)?,
    };
    let sum = sha256(&wheel)?;
    if sum != package.sha256 {
        return Err(format!(
            "{} has sha256 {sum}, and {} is pinned to {}",
            wheel.display(),
            package.requirement,
            package.sha256
        )
        .into());
    }
    let fresh = scratch.0.join("unpacked");
    succeed(Command::new(python()).args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&fresh))?;
    if !fresh.join(package.library).is_file() {
        return Err(format!("{} does not hold {}", wheel.display(), package.library).into());
    }
    fs::write(fresh.join("wheel.sha256"), package.sha256)?;
    if target.exists() {
        fs::rename(&target, scratch.0.join("replaced"))?;
    }
    fs::rename(&fresh, &target)?;
    println!("{} installed: {}", package.requirement, library.display());
    Ok(())
}

fn download(package: &Package, folder: &Path) -> Result<PathBuf, Failure> {
    println!("fetching {}", package.requirement);
    succeed(
        Command::new(python())
            .args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"])
            .args(package.wheel)
            .arg("--dest")
            .arg(folder)
            .arg(package.requirement),
    )?;
    fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| format!("pip gave no wheel for {}", package.requirement).into())
}

fn install_cuda_libraries(target: &Path) -> Result<(), Failure> {
    println!("fetching NVIDIA's libraries");
    succeed(
        Command::new(python())
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--only-binary=:all:",
                "--upgrade",
                "--target",
            ])
            .arg(target)
            .args(CUDA_LIBRARIES),
    )
}

/// The Python that runs pip: `JACINTH_PYTHON`, or `python3`.
fn python() -> PathBuf {
    std::env::var_os("JACINTH_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from)
}

fn succeed(command: &mut Command) -> Result<(), Failure> {
    let shown = format!("{command:?}");
    let status = command.status().map_err(|error| format!("{shown} does not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{shown} failed: {status}").into()) }
}

fn sha256(path: &Path) -> Result<String, Failure> {
    let mut file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut digest = Sha256::new();
    let mut block = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut block)?;
        if read == 0 {
            break;
        }
        digest.update(&block[..read]);
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A folder that goes with its owner.
struct Scratch(PathBuf);

impl Scratch {
    fn new(path: PathBuf) -> Result<Scratch, Failure> {
        fs::create_dir_all(&path)?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wheel_with_another_sum_is_refused_and_leaves_nothing() {
        let folder = std::env::temp_dir().join(format!("jacinth-xtask-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let wheel = folder.join("wrong.whl");
        fs::write(&wheel, b"abc").unwrap();
        assert_eq!(
            sha256(&wheel).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let plugins = folder.join("plugins");
        let error = install(&PACKAGES[0], Some(&wheel), &plugins).unwrap_err().to_string();
        assert!(error.contains("has sha256 ba7816bf"), "{error}");
        assert_eq!(fs::read_dir(&plugins).unwrap().count(), 0);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn unknown_names_are_sentences() {
        let error = run(&["rocm".to_owned()]).unwrap_err().to_string();
        assert_eq!(error, "there is no package for the plugin `rocm`; known are xla-cpu, tpu, cuda");
    }
}
