//! The system's line in the registry.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::{Session, report_group, report_run, search};
use super::{parts, view};
use crate::commands::eval::EvalCommand;
use crate::commands::predict::PredictCommand;
use crate::config::Experiment;
use crate::systems::common::common;
use crate::systems::engine::{self, Job};
use crate::systems::loaded::experiment_of;
use crate::systems::search::Evaluations;
use crate::systems::{Summary, System};
use ferrotype_base::problems::Problem;
use ferrotype_data::options::DataOptions;
use ferrotype_data::split;
use ferrotype_data::task;
use ferrotype_report::{CardView, card};
use ferrotype_run::group::Group;
use ferrotype_run::{PublicFolder, RunFolder};
use ferrotype_sweep::curve::Objective;
use ferrotype_sweep::options::SweepOptions;
use ferrotype_vision::clips::write_source;

/// Classifies expressions.
pub struct Expressions<'a>(pub &'a Experiment);

common!(Experiment, fold: data.fold, expect: expect, selected_on: Experiment::selected_on);

impl System for Expressions<'_> {
    fn name(&self) -> &'static str {
        "expressions"
    }

    fn train(&self, job: &Job<'_>) -> Result<Summary> {
        engine::train(&Session { experiment: self.0, job }, job)
    }

    fn report_run(&self, run: &RunFolder) -> Result<String> {
        if !run.predictions().is_file() {
            bail!(
                "{} is a sweep's trial, whose test set was not scored: train the best settings by themselves (`ferrotype sweep \
                 best STUDY --out best.yaml`)",
                run.path().display()
            );
        }
        report_run(run)
    }

    fn report_group(&self, folder: &RunFolder, group: &Group) -> Result<Summary> {
        report_group(self.0, folder, group)
    }

    fn publish_run(&self, run: &RunFolder, target: &PublicFolder) -> Result<Vec<PathBuf>> {
        for folder in view::attack_folders(run) {
            let files = ["attack.json", "attack.csv"].map(|file| folder.join(file));
            target.inner(folder.file_name().unwrap_or_default())?.copy(&files, run)?;
        }
        if experiment_of(run)?.heads.is_empty() {
            // Of what it scored; its weights stay here.
            target.write("MODEL_CARD.md", &card(&view::of_run(run)?, &CardView::scores_alone(&run.title()))?)?;
        }
        Ok(vec![run.scores(), run.calibration(), run.history(), run.onnx_check()])
    }

    fn group_files(&self, folder: &RunFolder) -> Result<Vec<PathBuf>> {
        Ok(vec![folder.scores(), folder.path().join("aggregate.json"), parts::file(folder)])
    }

    fn member_files(&self, run: &RunFolder) -> Vec<PathBuf> {
        vec![run.scores(), run.calibration(), run.provenance(), run.facts(), run.onnx_check(), parts::file(run)]
    }

    fn fold_count(&self) -> Result<usize> {
        fold_count(&self.0.data)
    }

    fn prepare_data(&self) -> Result<()> {
        prepare_data(&self.0.data)
    }

    fn data_sha256(&self) -> Result<Option<String>> {
        data_sha256(&self.0.data)
    }

    fn rebuild_data(&self) -> Result<()> {
        task::make(&self.0.data, write_source)
    }

    fn objective(&self, search: &SweepOptions) -> Result<(Objective, Evaluations), Problem> {
        search::objective(self.0, search).map(|objective| (objective, Evaluations::History))
    }

    fn model(&self) -> String {
        self.0.model.name().to_owned()
    }

    fn eval(&self, _: &RunFolder, command: &EvalCommand) -> Result<()> {
        command.expressions()
    }

    fn predict(&self, _: &RunFolder, command: &PredictCommand) -> Result<()> {
        command.expressions()
    }
}

/// How many folds a division makes of its data.
///
/// # Errors
/// When the data cannot be read, or there are no folds.
pub(crate) fn fold_count(data: &DataOptions) -> Result<usize> {
    let faces = task::obtain(data, write_source)?;
    let count = split::folds(&faces, &data.dividing())?;
    if count < 2 {
        bail!("--folds needs a split that makes folds: k_fold, subject_k_fold or leave_one_subject_out");
    }
    Ok(count)
}

/// sha256 of the pictures in the prepared file; none where it is not there.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn data_sha256(data: &DataOptions) -> Result<Option<String>> {
    match data.path.is_file() {
        true => Ok(Some(task::load(&data.path, data)?.images_sha256())),
        false => Ok(None),
    }
}

/// Makes the prepared file where it is not there.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn prepare_data(data: &DataOptions) -> Result<()> {
    if !data.path.is_file() {
        task::obtain(data, write_source).context("the data of all runs")?;
    }
    Ok(())
}
