//! The systems: what is done with the experiments of each. A new one is a folder here, its experiment type in a crate of its
//! own, and one line in the [`registry`].

pub mod anomalies;
pub mod baselines;
pub mod common;
pub mod engine;
pub(crate) mod evaluations;
pub mod expressions;
pub mod loaded;
pub(crate) mod mixture;
pub(crate) mod pool;
pub mod real_fake;
pub mod registry;
pub mod search;

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::commands::eval::EvalCommand;
use crate::commands::predict::PredictCommand;
use engine::Job;
use ferrotype_base::problems::Problem;
use ferrotype_run::group::Group;
use ferrotype_run::{PublicFolder, RunFolder};
use ferrotype_sweep::curve::Objective;
use ferrotype_sweep::options::SweepOptions;
pub use registry::{AnyExperiment, of};
use search::Evaluations;

/// The last lines of a run, and its result as one JSON object.
pub struct Summary {
    /// For a terminal.
    pub text: String,
    /// For machines.
    pub json: serde_json::Value,
}

/// What follows training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RunScope {
    /// Scores of both sets, export, report.
    #[default]
    Whole,
    /// The selected weights' scores on the validation set alone: all that a sweep may know of a trial.
    ValidationOnly,
}

/// A system with one of its experiments. What a system does not have is refused with its name.
pub trait System {
    /// Its name in an experiment file.
    fn name(&self) -> &'static str;

    /// Trains in a folder, from its checkpoint if it has one.
    ///
    /// # Errors
    /// For bad input, a diverging loss, an interruption, or a file that cannot be written.
    fn train(&self, job: &Job<'_>) -> Result<Summary>;

    /// Builds the report of a finished run; gives its last lines.
    ///
    /// # Errors
    /// When a file of the run is missing or broken, or the report cannot be written.
    fn report_run(&self, run: &RunFolder) -> Result<String>;

    /// Builds the report of a group of runs.
    ///
    /// # Errors
    /// When no run of the group is finished, or a file is broken.
    fn report_group(&self, folder: &RunFolder, group: &Group) -> Result<Summary>;

    /// Gives the files of a finished run that others may see: no pictures of people. What is not to be copied as it is, is
    /// written to `target`.
    ///
    /// # Errors
    /// When a file of the run is missing or broken, or one cannot be written.
    fn publish_run(&self, run: &RunFolder, target: &PublicFolder) -> Result<Vec<PathBuf>>;

    /// The files of a group of runs that others may see, after [`report_group`](Self::report_group).
    ///
    /// # Errors
    /// Where the system publishes single runs alone.
    fn group_files(&self, folder: &RunFolder) -> Result<Vec<PathBuf>> {
        let _ = folder;
        bail!("--publish takes single runs of the system {}, no groups", self.name())
    }

    /// The files of a group's member that may be published.
    fn member_files(&self, run: &RunFolder) -> Vec<PathBuf> {
        vec![run.scores(), run.provenance(), run.facts()]
    }

    /// How many folds the experiment's split makes of its data.
    ///
    /// # Errors
    /// When the data cannot be read, or there are no folds.
    fn fold_count(&self) -> Result<usize> {
        bail!("an experiment of the system {} has no folds: --seeds repeats it", self.name())
    }

    /// Makes the experiment's prepared file where it is not there: several runs that are about to begin share it.
    ///
    /// # Errors
    /// When it cannot be made.
    fn prepare_data(&self) -> Result<()> {
        Ok(())
    }

    /// sha256 of the experiment's data as they are now, as `dataset.json` names it; none where they are still to be made, or
    /// where the system compares them in each run alone.
    ///
    /// # Errors
    /// When they cannot be read.
    fn data_sha256(&self) -> Result<Option<String>> {
        Ok(None)
    }

    /// Makes the experiment's prepared file anew.
    ///
    /// # Errors
    /// When it cannot be made, or the system has none.
    fn rebuild_data(&self) -> Result<()> {
        bail!("--rebuild is for experiments with a prepared file (data.path): the system {} has none", self.name())
    }

    /// What ranks the trials of a search over this experiment, and where a trial writes it.
    ///
    /// # Errors
    /// Why trials cannot be ranked, or pruned, as the search would have it.
    fn objective(&self, search: &SweepOptions) -> Result<(Objective, Evaluations), Problem> {
        let _ = search;
        let message = format!("experiments of the system {} cannot be searched", self.name());
        Err(Problem { path: "experiment".into(), message })
    }

    /// What is trained, in a list of runs.
    fn model(&self) -> String {
        self.name().to_owned()
    }

    /// `ferrotype eval`.
    ///
    /// # Errors
    /// Those of the command, and where the system has none.
    fn eval(&self, run: &RunFolder, command: &EvalCommand) -> Result<()> {
        let _ = command;
        bail!("{} holds a run of the system {}, which `eval` cannot score", run.path().display(), self.name())
    }

    /// `ferrotype predict`.
    ///
    /// # Errors
    /// Those of the command, and where the system has none.
    fn predict(&self, run: &RunFolder, command: &PredictCommand) -> Result<()> {
        let _ = command;
        bail!("{} holds a run of the system {}, which `predict` cannot use", run.path().display(), self.name())
    }
}
