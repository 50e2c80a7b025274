//! The library's errors as Python's exceptions, with the paragraph that the command line prints.

use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

create_exception!(ferrotype, Error, PyException, "Why something could not be done: the base of all of them.");
create_exception!(
    ferrotype,
    ExperimentError,
    Error,
    "Keys or values of an experiment are wrong; each is named with its place."
);
create_exception!(ferrotype, RunError, Error, "A folder holds no run, or one that is unfinished or damaged.");
create_exception!(
    ferrotype,
    TrainingError,
    Error,
    "A run could not be trained: its data, a diverging loss, or a file."
);
create_exception!(
    ferrotype,
    Interrupted,
    Error,
    "Training was asked to stop; everything is saved, and Run.resume goes on."
);
create_exception!(ferrotype, PictureError, Error, "A picture cannot be read, or its values do not fit its shape.");
create_exception!(ferrotype, DatasetError, Error, "A prepared file of pictures cannot be read.");
create_exception!(ferrotype, PredictionError, Error, "The network could not compute.");
create_exception!(ferrotype, AnalysisError, Error, "A video or a part that looks at it cannot be used.");
create_exception!(
    ferrotype,
    ExportError,
    Error,
    "The ONNX file could not be written, or did not compute what the network does."
);

/// The exception of an error.
pub fn raised(error: ferrotype::Error) -> PyErr {
    use ferrotype::Error as E;
    let text = paragraph(&error);
    match error {
        E::Experiment { .. } => ExperimentError::new_err(text),
        E::Run { .. } => RunError::new_err(text),
        E::Interrupted { .. } => Interrupted::new_err(text),
        E::Training { .. } => TrainingError::new_err(text),
        E::Picture { .. } => PictureError::new_err(text),
        E::Dataset { .. } => DatasetError::new_err(text),
        E::Prediction { .. } => PredictionError::new_err(text),
        E::Analysis { .. } => AnalysisError::new_err(text),
        E::Export { .. } => ExportError::new_err(text),
        _ => Error::new_err(text),
    }
}

/// What the command line says after `error:`. The exception's name says which part failed, so the library's own first words, which
/// say the same, are left out.
fn paragraph(error: &ferrotype::Error) -> String {
    let mut next = std::error::Error::source(error);
    if next.is_none() {
        return error.to_string().replace("Run::resume", "ferrotype.Run.resume");
    }
    let mut parts = Vec::new();
    while let Some(cause) = next {
        parts.push(cause.to_string());
        next = cause.source();
    }
    let text = parts.join(": ");
    text.strip_prefix("error: ").map_or(text.clone(), str::to_owned)
}
