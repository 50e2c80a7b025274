//! Which labelled rows a run is scored or attacked on.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::loaded::LoadedRun;
use crate::data::labels;
use crate::data::options::LabelMode;
use crate::data::task::{Subset, Task, whole};

/// The choice of rows, as flags.
#[derive(Debug, Args)]
pub struct ScoredSet {
    /// Another prepared file: its test rows, or all its rows where it has no division.
    #[arg(long, value_name = "H5", conflicts_with = "set_name")]
    pub data: Option<PathBuf>,
    /// Which set of the run's own data.
    #[arg(long, value_name = "SET", default_value = "test")]
    pub set_name: SetName,
    /// How labels become classes; by default as in the experiment.
    #[arg(long, value_name = "MODE")]
    pub labels: Option<String>,
}

/// A set of the run's own division.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SetName {
    /// What is trained on.
    Train,
    /// What selects weights.
    Validation,
    /// What is scored in the end.
    Test,
}

/// The rows, and what to call them.
pub struct Chosen {
    /// The rows, with targets in the order of the run's classes.
    pub subset: Subset,
    /// File, set and labels.
    pub title: String,
}

impl ScoredSet {
    /// Loads the rows.
    ///
    /// # Errors
    /// When the data cannot be had, or their classes are not the run's.
    pub fn load(&self, loaded: &LoadedRun) -> Result<Chosen> {
        let mut options = loaded.experiment.data.clone();
        if let Some(word) = &self.labels {
            options.labels = label_mode(word)?;
        }
        let (subset, file, set) = match &self.data {
            Some(path) => (whole(path, options.labels, &options)?, path.display().to_string(), "test or all rows"),
            None => {
                let task = Task::prepare(&options, loaded.experiment.seed).context("cannot load the run's own data")?;
                let (subset, set) = match self.set_name {
                    SetName::Train => (task.train, "training set"),
                    SetName::Validation => (task.validation, "validation set"),
                    SetName::Test => (task.test, "test set"),
                };
                (subset, options.path.display().to_string(), set)
            }
        };
        let classes = &subset.labelled.classes;
        if *classes != loaded.meta.classes {
            bail!(
                "the run's classes are {}, those of the data are {}: they cannot be compared (another --labels mode may fit)",
                loaded.meta.classes.join(", "),
                classes.join(", ")
            );
        }
        let title = format!("{file}, {set}, labels {}, {} images", labels::word(options.labels), subset.len());
        Ok(Chosen { subset, title })
    }
}

/// A label mode by its name in the experiment file.
fn label_mode(word: &str) -> Result<LabelMode> {
    serde_json::from_value(word.into()).map_err(|_| {
        anyhow::anyhow!(
            "unknown label mode `{word}`: original, majority, probability, crossentropy, multi_target or argmax_eight"
        )
    })
}
