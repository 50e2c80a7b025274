//! The system's line in the registry.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{RealFakeSession, files, group, publish, report_group, report_run};
use crate::commands::eval::EvalCommand;
use crate::commands::predict::PredictCommand;
use crate::config::RealFakeExperiment;
use crate::systems::engine::{self, Job};
use crate::systems::{Summary, System};
use ferrotype_real_fake::{data, split};
use ferrotype_run::RunFolder;
use ferrotype_run::group::Group;

/// Tells felt from posed expressions.
pub struct RealFake<'a>(pub &'a RealFakeExperiment);

impl System for RealFake<'_> {
    fn name(&self) -> &'static str {
        "real_fake"
    }

    fn train(&self, job: &Job<'_>) -> Result<Summary> {
        engine::train(&RealFakeSession { experiment: self.0, job }, job)
    }

    fn report_run(&self, run: &RunFolder) -> Result<String> {
        report_run(run)
    }

    fn report_group(&self, folder: &RunFolder, group: &Group) -> Result<Summary> {
        report_group(folder, group)
    }

    fn publish_run(&self, run: &RunFolder, target: &Path) -> Result<Vec<PathBuf>> {
        publish(run, target)
    }

    fn publish_group(&self, folder: &RunFolder, group: &Group, target: &Path) -> Result<()> {
        group::write(folder, group, target).map(drop)
    }

    fn member_files(&self, run: &RunFolder) -> Vec<PathBuf> {
        vec![run.scores(), run.provenance(), run.facts(), files::outcome(run)]
    }

    fn fold_count(&self) -> Result<usize> {
        split::fold_count(&data::obtain(&self.0.data)?, &self.0.data, self.0.seed)
    }

    fn model(&self) -> String {
        self.0.method.name().to_owned()
    }

    fn eval(&self, run: &RunFolder, command: &EvalCommand) -> Result<()> {
        command.real_fake(run)
    }

    fn predict(&self, run: &RunFolder, command: &PredictCommand) -> Result<()> {
        command.real_fake(run)
    }
}
