//! Which labelled rows a run is scored or checked on.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::systems::expressions::exposure::Exposure;
use ferrotype_data::options::LabelMode;
use ferrotype_data::task::{Subset, Task, rows_of, rows_with_heads};
use ferrotype_data::{Split, labels};
use ferrotype_expressions::LoadedRun;
use ferrotype_run::RunFolder;
use ferrotype_vision::clips::write_source;

/// The choice of rows, as flags.
#[derive(Clone, Debug, Args)]
pub struct ScoredSet {
    /// Another prepared file than the run's: its test rows, or all its rows where it has no division. Of the system
    /// real_fake: another folder or file for the experiment's source.
    #[arg(long, value_name = "H5")]
    pub data: Option<PathBuf>,
    /// Which set: of the run's own data (by default test), or of the file's own division with --data.
    #[arg(long, value_name = "SET")]
    pub set_name: Option<SetName>,
    /// How labels become classes; by default as in the experiment.
    #[arg(long, value_name = "MODE")]
    pub labels: Option<String>,
    /// Score only rows of classes that model and data both have, where they differ.
    #[arg(long)]
    pub common_classes: bool,
}

/// A set of a division.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SetName {
    /// What is trained on.
    Train,
    /// What selects weights.
    Validation,
    /// What is scored in the end.
    Test,
}

impl From<SetName> for Split {
    fn from(name: SetName) -> Self {
        match name {
            SetName::Train => Self::Train,
            SetName::Validation => Self::Validation,
            SetName::Test => Self::Test,
        }
    }
}

/// The rows, and what to call them.
pub struct Chosen {
    /// The rows, with targets in the order of the run's classes.
    pub subset: Subset,
    /// File, set and labels.
    pub key: String,
    /// The same with the number of rows.
    pub title: String,
    /// What is to be known of the classes, and which rows were left out, a line each.
    pub notes: Vec<String>,
    /// Whether it has to be said what the run has seen of these rows: of a training or validation set that was asked for by
    /// that name it goes without saying.
    pub may_be_seen: bool,
}

impl Chosen {
    /// What the run has seen of the rows, where that has to be said.
    pub fn exposure(&self, run: &RunFolder) -> Option<Exposure> {
        self.may_be_seen.then(|| Exposure::of(run, &self.subset))
    }
}

impl ScoredSet {
    /// Whether nothing was asked for, and the run's own data are not there and cannot be made.
    pub fn is_missing(&self, loaded: &LoadedRun) -> bool {
        let plain = self.data.is_none() && self.set_name.is_none() && self.labels.is_none() && !self.common_classes;
        // A run that came without its history was trained elsewhere: the files of its source were there.
        let can_be_made = loaded.experiment.data.source.is_some() && loaded.run.history().is_file();
        plain && !loaded.experiment.data.path.is_file() && !can_be_made
    }

    /// Loads the rows.
    ///
    /// # Errors
    /// When the data cannot be had, or their classes are not the run's.
    pub fn load(&self, loaded: &LoadedRun) -> Result<Chosen> {
        let mut options = loaded.experiment.data.clone();
        if let Some(word) = &self.labels {
            options.labels = label_mode(word)?;
        }
        let (found, file, set) = match &self.data {
            Some(path) => {
                let part = self.set_name.map(Into::into);
                let heads = loaded.experiment.head_requests();
                let subset = match loaded.meta.heads.is_empty() {
                    true => rows_of(path, options.labels, part, &options)?,
                    false => rows_with_heads(path, &heads, options.labels, part, &options)?,
                };
                let has_test = subset.faces.splits[subset.rows()[0] as usize] == Split::Test;
                let whole = if has_test { "test set" } else { "all rows" };
                let set = self.set_name.map_or_else(|| whole.into(), |s| format!("{} set", Split::from(s).as_str()));
                (subset, path.display().to_string(), set)
            }
            None => {
                let path = &options.path;
                if loaded.run.is_imported() && !path.is_file() && options.source.is_none() {
                    bail!(
                        "{} was imported, and the data that it names ({}) are not there: name a prepared file with --data \
                         (see `ferrotype data prepare`)",
                        loaded.run.path().display(),
                        path.display()
                    );
                }
                let heads = loaded.experiment.head_requests();
                let task = Task::prepare_with_heads(&options, &heads, loaded.experiment.seed, write_source)
                    .context("cannot load the run's own data")?;
                let name = self.set_name.unwrap_or(SetName::Test);
                let file = options.path.display().to_string();
                let subset = match name {
                    SetName::Train => task.train,
                    SetName::Validation => task.validation,
                    SetName::Test => task.test,
                };
                (subset, file, format!("{} set", Split::from(name).as_str()))
            }
        };
        let classes = &loaded.meta.classes;
        let goes_without_saying = self.data.is_none() && !matches!(self.set_name, None | Some(SetName::Test));
        if !loaded.meta.heads.is_empty() {
            ensure!(
                found.labelled.heads == loaded.meta.heads,
                "{file} has other targets for the heads of {} than those that it was trained on: kinds, ranges, columns or \
                 classes differ",
                loaded.run.path().display()
            );
            let key = format!("{file}, {set}");
            let title = format!("{key}, {} images", found.len());
            return Ok(Chosen { subset: found, key, title, notes: Vec::new(), may_be_seen: !goes_without_saying });
        }
        let (subset, dropped) = found.with_classes(classes, self.common_classes)?;
        let mut notes = Vec::new();
        if found.labelled.classes != *classes {
            notes.push(format!(
                "classes of the data ({}) matched by name to the model's ({})",
                found.labelled.classes.join(", "),
                classes.join(", ")
            ));
        }
        if dropped > 0 {
            notes.push(format!("{dropped} rows left out: the model does not know their class"));
        }
        let key = format!("{file}, {set}, labels {}", labels::as_str(options.labels));
        let title = format!("{key}, {} images", subset.len());
        Ok(Chosen { subset, key, title, notes, may_be_seen: !goes_without_saying })
    }
}

/// A label mode by its name in the experiment file.
///
/// # Errors
/// When there is none of that name.
pub fn label_mode(word: &str) -> Result<LabelMode> {
    serde_json::from_value(word.into()).map_err(|_| {
        anyhow::anyhow!(
            "unknown label mode `{word}`: original, majority, probability, crossentropy, multi_target or argmax_eight"
        )
    })
}
