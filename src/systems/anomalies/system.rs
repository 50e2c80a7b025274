//! The system's line in the registry.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{AnomalySession, publish, report_group, report_run};
use crate::config::AnomalyExperiment;
use crate::systems::engine::{self, Job};
use crate::systems::{Summary, System};
use ferrotype_run::RunFolder;
use ferrotype_run::group::Group;

/// Finds anomalies in a face's behaviour.
pub struct Anomalies<'a>(pub &'a AnomalyExperiment);

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

    fn publish_run(&self, run: &RunFolder, target: &Path) -> Result<Vec<PathBuf>> {
        publish(run, target)
    }
}
