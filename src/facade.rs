//! The library: an experiment is loaded or built, trained, and its run used.

mod analysis;
mod dataset;
mod error;
mod experiment;
#[cfg(test)]
mod listing;
mod picture;
mod predictor;
mod run;
#[cfg(test)]
mod tests;

pub use analysis::{AnalyzeOptions, analyze};
pub use dataset::Dataset;
pub use error::Error;
pub use experiment::{Experiment, ExperimentBuilder};
pub use picture::Picture;
pub use predictor::{Predictor, PredictorOptions};
pub use run::{ExportOptions, Run, TrainOptions};

/// The result of the library's functions.
///
/// # Examples
/// ```
/// fn name(file: &str) -> ferrotype::Result<String> {
///     Ok(ferrotype::Experiment::load(file)?.name().to_owned())
/// }
/// assert_eq!(name("configs/quickstart.yaml").unwrap(), "quickstart");
/// ```
pub type Result<T> = std::result::Result<T, Error>;
