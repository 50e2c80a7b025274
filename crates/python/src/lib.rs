//! The native half of the Python package `ferrotype`: its classes by the library's types, and the command line. What Python's users see is
//! in `python/ferrotype`; here is nothing that could be written there.

mod attended;
mod data;
mod errors;
mod runs;

use pyo3::prelude::*;

/// As in the binary: fresh tensors from the system's allocator cost page faults.
#[global_allocator]
static ALLOCATOR: ferrotype::allocator::MiMalloc = ferrotype::allocator::MiMalloc;

/// The native half of the package; use `ferrotype`.
#[pymodule]
mod _native {
    use std::ffi::OsString;
    use std::io::Write;

    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::data::{Array, Dataset};
    #[pymodule_export]
    use crate::errors::{
        AnalysisError, DatasetError, Error, ExperimentError, ExportError, Interrupted, PictureError, PredictionError,
        RunError, TrainingError,
    };
    #[pymodule_export]
    use crate::runs::{Experiment, Predictor, Run, analyze};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        ferrotype::allocator::keep_freed_memory();
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }

    /// Does what the words of a command line say, the program's name first; gives the exit code.
    #[pyfunction]
    fn main(py: Python<'_>, words: Vec<OsString>) -> u8 {
        py.detach(|| {
            let code = ferrotype::commands::main(words);
            // Nobody else does it: Rust flushes at the end of its own programs.
            let _ = std::io::stdout().flush();
            code
        })
    }
}
