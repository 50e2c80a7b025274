//! The system's line in the registry.

use std::path::PathBuf;

use anyhow::Result;

use super::{AnomalySession, report_group, report_run, search};
use crate::config::AnomalyExperiment;
use crate::systems::common::common;
use crate::systems::engine::{self, Job};
use crate::systems::search::Evaluations;
use crate::systems::{Summary, System};
use ferrotype_base::problems::Problem;
use ferrotype_run::group::Group;
use ferrotype_run::{PublicFolder, RunFolder};
use ferrotype_sweep::curve::Objective;
use ferrotype_sweep::options::SweepOptions;

/// Finds anomalies in a face's behaviour.
pub struct Anomalies<'a>(pub &'a AnomalyExperiment);

common!(AnomalyExperiment);

impl System for Anomalies<'_> {
    fn name(&self) -> &'static str {
        "anomalies"
    }

    fn train(&self, job: &Job<'_>) -> Result<Summary> {
        engine::train(&AnomalySession { experiment: self.0, job }, job)
    }

    fn report_run(&self, run: &RunFolder) -> Result<String> {
        report_run(run)
    }

    fn report_group(&self, folder: &RunFolder, group: &Group) -> Result<Summary> {
        report_group(folder, group)
    }

    /// Without the result table: what a person's face did, second by second, is theirs.
    fn publish_run(&self, run: &RunFolder, _: &PublicFolder) -> Result<Vec<PathBuf>> {
        Ok(vec![run.scores()])
    }

    fn objective(&self, search: &SweepOptions) -> Result<(Objective, Evaluations), Problem> {
        search::objective(search).map(|objective| (objective, Evaluations::Detectors))
    }
}
