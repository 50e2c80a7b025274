//! The system's line in the registry.

use std::path::PathBuf;

use anyhow::Result;

use super::{Session, report};
use crate::config::BaselineExperiment;
use crate::systems::common::{Common, Shared};
use crate::systems::engine::{self, Job};
use crate::systems::expressions::{data_sha256, fold_count, group_summary, parts, prepare_data};
use crate::systems::{Summary, System};
use ferrotype_data::task;
use ferrotype_run::group::Group;
use ferrotype_run::{PublicFolder, RunFolder};
use ferrotype_training::options::SelectOn;
use ferrotype_vision::clips::write_source;

/// Tells expressions apart by classical methods.
pub struct Baselines<'a>(pub &'a BaselineExperiment);

impl Common for BaselineExperiment {
    fn name(&self) -> &str {
        &self.name
    }

    fn threads(&self) -> usize {
        self.threads
    }

    fn shared(&mut self) -> Shared<'_> {
        Shared {
            name: &mut self.name,
            seed: &mut self.seed,
            threads: &mut self.threads,
            export: None,
            fold: Some(&mut self.data.fold),
            expect: Some(&mut self.expect),
        }
    }

    fn selected_on(&self) -> SelectOn {
        SelectOn::None
    }
}

impl System for Baselines<'_> {
    fn name(&self) -> &'static str {
        "baselines"
    }

    fn train(&self, job: &Job<'_>) -> Result<Summary> {
        engine::train(&Session { experiment: self.0, job }, job)
    }

    fn report_run(&self, run: &RunFolder) -> Result<String> {
        report::report_run(run)
    }

    fn report_group(&self, folder: &RunFolder, group: &Group) -> Result<Summary> {
        group_summary(report::described(self.0), &self.0.data, folder, group)
    }

    fn publish_run(&self, run: &RunFolder, _: &PublicFolder) -> Result<Vec<PathBuf>> {
        Ok(vec![run.scores()])
    }

    fn group_files(&self, folder: &RunFolder) -> Result<Vec<PathBuf>> {
        Ok(vec![folder.scores(), folder.path().join("aggregate.json"), parts::file(folder)])
    }

    fn member_files(&self, run: &RunFolder) -> Vec<PathBuf> {
        vec![run.scores(), run.provenance(), run.facts(), parts::file(run)]
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

    fn model(&self) -> String {
        self.0.method.name().to_owned()
    }
}
