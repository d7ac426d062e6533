//! Compiled programs, and the process's cache of them by backend and module text.

use std::fmt;
use std::sync::{Arc, LazyLock, Weak};

use jacinth_lowering::Module;
use jacinth_lowering::options::CompileOptions;
use jacinth_pjrt::{Buffer, ExecuteOptions, LoadedExecutable};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::{Backend, callback};
use crate::error::Result;
use crate::ir::{Array, Aval, BackendId, DeviceArray, Repr};

/// What a program gives.
pub(crate) type Outputs = SmallVec<[Array; 2]>;

/// A module compiled for a backend, with the avals of its results.
pub(crate) struct Program {
    executable: Arc<LoadedExecutable>,
    out_avals: Box<[Aval]>,
    backend: Backend,
    /// Whether it calls functions of this process.
    calls_back: bool,
}

type Compiled = FxHashMap<(BackendId, String), Weak<LoadedExecutable>>;

/// Every module compiled by this process and still in use.
static COMPILED: LazyLock<Mutex<Compiled>> = LazyLock::new(Mutex::default);

/// Forgets all compiled modules.
pub(crate) fn clear_compiled() {
    COMPILED.lock().clear();
}

/// So many results are many.
const MANY: usize = 4;

impl Program {
    /// Compiles a module, or finds it compiled.
    pub(crate) fn compile(module: &Module, out_avals: Vec<Aval>, backend: &Backend) -> Result<Program> {
        // The same program from other lines is the same program.
        let key = (backend.id(), module.to_text());
        let calls_back = key.1.contains(callback::CALL);
        if calls_back {
            callback::prepare(backend)?;
        }
        let found = COMPILED.lock().get(&key).and_then(Weak::upgrade);
        let executable = match found {
            Some(executable) => executable,
            None => {
                let options = CompileOptions::default().encode();
                let text = module.to_text_with_locations();
                let program = jacinth_pjrt::Program::mlir(&text);
                let executable = Arc::new(backend.client().compile(&program, &options)?);
                let mut compiled = COMPILED.lock();
                compiled.retain(|_, executable| executable.strong_count() > 0);
                compiled.insert(key, Arc::downgrade(&executable));
                executable
            }
        };
        Ok(Program { executable, out_avals: out_avals.into(), backend: backend.clone(), calls_back })
    }

    /// Runs the program and does not wait, unless it calls back; arguments that `non_donatable` does not name and that the module donates are gone.
    pub(crate) fn run<'b>(
        &self,
        args: impl IntoIterator<Item = &'b Buffer>,
        non_donatable: &[i64],
    ) -> Result<Outputs> {
        let options = ExecuteOptions { non_donatable, ..ExecuteOptions::default() };
        // Of many results it is asked once whether they are there, instead of each when it is waited for.
        let (outs, ready) = if self.out_avals.len() < MANY && !self.calls_back {
            (self.executable.execute_single(args, &options)?, false)
        } else {
            let (outs, complete) = self.executable.execute_single_watched(args, &options)?;
            if self.calls_back {
                // What such a program does has been done when the call returns, and what went wrong is the call's error.
                complete.wait()?;
            }
            (outs, complete.is_ready()? && complete.wait().is_ok())
        };
        let id = self.backend.id();
        let arrays = outs.into_iter().zip(&self.out_avals);
        let array =
            |buffer, aval: &Aval| Array(Repr::Device(DeviceArray::known(aval.clone(), buffer, id, ready)));
        Ok(arrays.map(|(buffer, aval)| array(buffer, aval)).collect())
    }

    /// Where the program runs.
    pub(crate) fn backend(&self) -> &Backend {
        &self.backend
    }

    /// The plugin's executable.
    pub(crate) fn executable(&self) -> &Arc<LoadedExecutable> {
        &self.executable
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program").field("backend", &self.backend).finish_non_exhaustive()
    }
}
