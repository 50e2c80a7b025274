//! Experiments, runs, predictors, analyses.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use ferrotype::{AnalyzeOptions, ExportOptions, Interrupt, PredictorOptions, Progress, TrainOptions};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::attended::{attended, attention};
use crate::errors::raised;

/// Pictures that are predicted before Ctrl-C is looked for again.
const CHUNK: usize = 1024;

/// An experiment, its values checked.
#[pyclass(frozen, module = "ferrotype._native")]
pub struct Experiment {
    inner: ferrotype::Experiment,
}

/// The folder of a run.
#[pyclass(frozen, module = "ferrotype._native")]
pub struct Run {
    inner: ferrotype::Run,
}

/// A run's network.
#[pyclass(frozen, module = "ferrotype._native")]
pub struct Predictor {
    inner: Mutex<ferrotype::Predictor>,
}

/// A picture: its file, or bytes, height, width and channels.
#[derive(FromPyObject)]
pub enum Picture {
    /// Bytes `[height, width, channels]`.
    Pixels(PyBackedBytes, usize, usize, usize),
    /// A file.
    File(PathBuf),
}

impl Picture {
    fn open(self) -> ferrotype::Result<ferrotype::Picture> {
        match self {
            Self::File(path) => ferrotype::Picture::open(path),
            Self::Pixels(bytes, height, width, channels) => {
                ferrotype::Picture::from_pixels(bytes.to_vec(), height, width, channels)
            }
        }
    }
}

#[pymethods]
impl Experiment {
    #[staticmethod]
    fn load(path: PathBuf, changes: Vec<String>) -> PyResult<Self> {
        let changes: Vec<&str> = changes.iter().map(String::as_str).collect();
        Ok(Self { inner: ferrotype::Experiment::load_with(path, &changes).map_err(raised)? })
    }

    #[staticmethod]
    fn of_text(text: &str) -> PyResult<Self> {
        Ok(Self { inner: ferrotype::Experiment::from_yaml(text).map_err(raised)? })
    }

    fn name(&self) -> String {
        self.inner.name().to_owned()
    }

    fn warnings(&self) -> Vec<String> {
        self.inner.warnings().to_vec()
    }

    fn to_yaml(&self) -> String {
        self.inner.to_yaml()
    }

    /// Trains; gives the run.
    #[pyo3(signature = (out, quiet, seeds, folds, told))]
    fn train(
        &self,
        py: Python<'_>,
        out: PathBuf,
        quiet: bool,
        seeds: Option<String>,
        folds: bool,
        told: Option<Py<PyAny>>,
    ) -> PyResult<Run> {
        let experiment = &self.inner;
        let mut options = options(quiet);
        (options.out, options.seeds, options.folds) = (out, seeds, folds);
        trained(py, options, told, |options| experiment.train(options))
    }
}

#[pymethods]
impl Run {
    #[staticmethod]
    fn open(path: PathBuf) -> PyResult<Self> {
        Ok(Self { inner: ferrotype::Run::open(path).map_err(raised)? })
    }

    fn path(&self) -> PathBuf {
        self.inner.path().to_path_buf()
    }

    fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }

    fn experiment(&self) -> PyResult<Experiment> {
        Ok(Experiment { inner: self.inner.experiment().map_err(raised)? })
    }

    fn scores(&self) -> PyResult<BTreeMap<String, f64>> {
        self.inner.scores().map_err(raised)
    }

    /// Epochs as JSON.
    fn epochs(&self) -> PyResult<String> {
        let history = self.inner.history().map_err(raised)?;
        serde_json::to_string(&history.epochs).map_err(|e| PyRuntimeError::new_err(e.to_string()))
    }

    fn members(&self) -> PyResult<Vec<Self>> {
        let members = self.inner.members().map_err(raised)?;
        Ok(members.into_iter().map(|inner| Self { inner }).collect())
    }

    #[pyo3(signature = (quiet, told))]
    fn resume(&self, py: Python<'_>, quiet: bool, told: Option<Py<PyAny>>) -> PyResult<Self> {
        trained(py, options(quiet), told, |options| self.inner.resume(options))
    }

    #[pyo3(signature = (device, single_view))]
    fn predictor(&self, py: Python<'_>, device: Option<String>, single_view: bool) -> PyResult<Predictor> {
        let mut options = PredictorOptions::default();
        (options.device, options.single_view) = (device, single_view);
        let opened = py.detach(|| ferrotype::Predictor::open_with(self.inner.path(), &options));
        Ok(Predictor { inner: Mutex::new(opened.map_err(raised)?) })
    }

    /// Writes the ONNX file; gives the check as JSON.
    #[pyo3(signature = (out, data))]
    fn export(&self, py: Python<'_>, out: PathBuf, data: Option<PathBuf>) -> PyResult<String> {
        let mut options = ExportOptions::default();
        options.data = data;
        let interrupt = options.interrupt.clone();
        let check = attended(py, &interrupt, None, || self.inner.export(out, &options))?.map_err(raised)?;
        serde_json::to_string(&check).map_err(|e| PyRuntimeError::new_err(e.to_string()))
    }
}

#[pymethods]
impl Predictor {
    fn classes(&self) -> PyResult<Vec<String>> {
        Ok(self.lock()?.classes().to_vec())
    }

    /// Class and probabilities of each picture.
    fn predict(&self, py: Python<'_>, pictures: Vec<Picture>) -> PyResult<Vec<(usize, Vec<f64>)>> {
        let mut said = Vec::with_capacity(pictures.len());
        let mut pictures = pictures.into_iter();
        loop {
            let chunk: Vec<Picture> = pictures.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return Ok(said);
            }
            let predictions = py.detach(|| {
                let opened = chunk.into_iter().map(Picture::open).collect::<ferrotype::Result<Vec<_>>>();
                opened.map_err(raised).and_then(|pictures| self.lock()?.predict(&pictures).map_err(raised))
            })?;
            said.extend(predictions.into_iter().map(|p| (p.class, p.probabilities)));
            py.check_signals()?;
        }
    }
}

impl Predictor {
    fn lock(&self) -> PyResult<std::sync::MutexGuard<'_, ferrotype::Predictor>> {
        self.inner.lock().map_err(|_| PyRuntimeError::new_err("a prediction failed before: load the run again"))
    }
}

/// Describes the faces of videos; gives the folder of each.
#[pyfunction]
#[pyo3(signature = (videos, out, config, changes, told))]
pub fn analyze(
    py: Python<'_>,
    videos: Vec<PathBuf>,
    out: PathBuf,
    config: Option<PathBuf>,
    changes: Vec<String>,
    told: Option<Py<PyAny>>,
) -> PyResult<Vec<PathBuf>> {
    let mut options = AnalyzeOptions::default();
    (options.out, options.config, options.changes) = (out, config, changes);
    let interrupt: Interrupt = options.interrupt.clone();
    let (watcher, attention) = told.map(attention).unzip();
    options.watcher = watcher;
    // Moved in: with the watcher the last sender ends, which the calling thread waits for.
    attended(py, &interrupt, attention, move || ferrotype::analyze(&videos, &options))?.map_err(raised)
}

fn options(quiet: bool) -> TrainOptions {
    let mut options = TrainOptions::default();
    options.progress = if quiet { Progress::Quiet } else { Progress::Auto };
    options
}

/// Trains; a run that the user's function stopped is given as it is, to be resumed.
fn trained(
    py: Python<'_>,
    mut options: TrainOptions,
    told: Option<Py<PyAny>>,
    train: impl FnOnce(&TrainOptions) -> ferrotype::Result<ferrotype::Run> + Send,
) -> PyResult<Run> {
    let interrupt = options.interrupt.clone();
    let (watcher, attention) = told.map(attention).unzip();
    options.watcher = watcher;
    let inner = match attended(py, &interrupt, attention, move || train(&options))? {
        // Nobody else asks: Ctrl-C and exceptions were raised above.
        Err(ferrotype::Error::Interrupted { path, .. }) => ferrotype::Run::open(path).map_err(raised)?,
        other => other.map_err(raised)?,
    };
    Ok(Run { inner })
}
