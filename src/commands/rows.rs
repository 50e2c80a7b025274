//! Which rows a command works on.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::loaded::LoadedRun;
use crate::data::options::LabelMode;
use crate::data::task::{Subset, Task, whole};

/// The options that say which rows.
#[derive(Debug, Args)]
pub struct RowArgs {
    /// Another prepared file: its test rows, or all its rows where it has no division.
    #[arg(long, value_name = "H5", conflicts_with = "set_name")]
    data: Option<PathBuf>,
    /// Which set of the run's own data.
    #[arg(long, value_name = "SET", default_value = "test")]
    set_name: SetName,
    /// How labels become classes; by default as in the experiment.
    #[arg(long, value_name = "MODE")]
    labels: Option<String>,
}

/// A set of the run's own division.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum SetName {
    Train,
    Validation,
    Test,
}

impl RowArgs {
    /// The rows, with the run's preprocessing.
    ///
    /// # Errors
    /// When the data cannot be read, or its classes are not the run's.
    pub fn subset(&self, loaded: &LoadedRun) -> Result<Subset> {
        let subset = self.any(loaded)?;
        let classes = &subset.labelled.classes;
        if *classes != loaded.meta.classes {
            bail!(
                "the run's classes are {}, those of the data are {}: they cannot be compared (another --labels mode may fit)",
                loaded.meta.classes.join(", "),
                classes.join(", ")
            );
        }
        Ok(subset)
    }

    fn any(&self, loaded: &LoadedRun) -> Result<Subset> {
        let mut options = loaded.experiment.data.clone();
        if let Some(word) = &self.labels {
            options.labels = label_mode(word)?;
        }
        if let Some(path) = &self.data {
            return whole(path, options.labels, &options);
        }
        let task = Task::prepare(&options, loaded.experiment.seed).context("cannot load the run's own data")?;
        Ok(match self.set_name {
            SetName::Train => task.train,
            SetName::Validation => task.validation,
            SetName::Test => task.test,
        })
    }

    /// The data's name for readers.
    pub fn name(&self, loaded: &LoadedRun) -> String {
        self.data.as_ref().map_or_else(|| loaded.facts.path.clone(), |p| p.display().to_string())
    }

    /// The set's name for readers.
    pub fn set(&self) -> &'static str {
        match (&self.data, self.set_name) {
            (Some(_), _) => "all or test rows",
            (None, SetName::Train) => "training set",
            (None, SetName::Validation) => "validation set",
            (None, SetName::Test) => "test set",
        }
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
