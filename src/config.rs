//! Experiment files of all systems, and of searches, whose keys are those of an experiment.

#[cfg(test)]
mod tests;

use std::path::Path;

pub use ferrotype_anomaly::experiment::{AnomalyExperiment, AnomalySystem};
pub use ferrotype_base::problems::Problem;
pub use ferrotype_baselines::{BaselineExperiment, BaselineSystem};
pub use ferrotype_config::sections::{Device, Expect, Export, KernelBackend, Kernels, KernelsIsa};
pub use ferrotype_config::{
    ConfigError, Root, digest, document, expand_words, key_table_of, schema_of, to_yaml, with_sets,
};
pub use ferrotype_expressions::Experiment;
pub use ferrotype_real_fake::experiment::{RealFakeExperiment, RealFakeSystem};
pub use ferrotype_training::options::{Evaluate, SelectOn};

pub use crate::systems::registry::{AnyExperiment, load_any, read_any};
pub use crate::systems::search::{LoadedSweep, freeze, frozen_from_yaml, frozen_to_yaml, load_sweep, trial_experiment};

/// An experiment with the files it was read from.
pub type Loaded<T = Experiment> = ferrotype_config::Loaded<T>;

/// The JSON Schema of an experiment of expressions.
pub fn schema() -> serde_json::Value {
    schema_of::<Experiment>()
}

/// All keys of an experiment of expressions as Markdown.
pub fn key_table() -> String {
    key_table_of::<Experiment>()
}

/// As [`load_any`], where only a classification of expressions will do.
///
/// # Errors
/// As [`load_any`], and where the file is one of another system.
pub fn load(path: &Path, sets: &[String]) -> Result<Loaded, ConfigError> {
    let loaded = load_any(path, sets)?;
    Ok(Loaded { experiment: loaded.experiment.expressions()?, sources: loaded.sources, warnings: loaded.warnings })
}

/// As [`read_any`], where only a classification of expressions will do.
///
/// # Errors
/// As [`load`].
pub fn from_yaml_str(name: &str, text: &str) -> Result<Experiment, ConfigError> {
    read_any(name, text)?.expressions()
}
