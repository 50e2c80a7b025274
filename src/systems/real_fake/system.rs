//! The system's line in the registry.

use std::path::PathBuf;

use anyhow::Result;

use super::{RealFakeSession, files, published, report_group, report_run};
use crate::commands::eval::EvalCommand;
use crate::commands::predict::PredictCommand;
use crate::config::RealFakeExperiment;
use crate::systems::common::common;
use crate::systems::engine::{self, Job};
use crate::systems::search::Evaluations;
use crate::systems::{Summary, System};
use ferrotype_base::problems::Problem;
use ferrotype_real_fake::{data, split};
use ferrotype_run::group::Group;
use ferrotype_run::{PublicFolder, RunFolder};
use ferrotype_sweep::curve::Objective;
use ferrotype_sweep::options::SweepOptions;

/// Tells genuine from posed expressions.
pub struct RealFake<'a>(pub &'a RealFakeExperiment);

common!(RealFakeExperiment, fold: data.fold, expect: expect);

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

    fn publish_run(&self, run: &RunFolder, _: &PublicFolder) -> Result<Vec<PathBuf>> {
        published(run)
    }

    fn group_files(&self, folder: &RunFolder) -> Result<Vec<PathBuf>> {
        Ok(vec![folder.scores(), folder.path().join("aggregate.json"), files::outcome(folder), files::clips(folder)])
    }

    fn member_files(&self, run: &RunFolder) -> Vec<PathBuf> {
        vec![run.scores(), run.provenance(), run.facts(), files::outcome(run)]
    }

    fn fold_count(&self) -> Result<usize> {
        split::fold_count(&data::obtain(&self.0.data)?, &self.0.data, self.0.seed)
    }

    fn data_sha256(&self) -> Result<Option<String>> {
        Ok(Some(data::digest(&data::obtain(&self.0.data)?)))
    }

    /// Its methods without networks keep no clips back, so trials could only be ranked by the tested ones.
    fn objective(&self, _: &SweepOptions) -> Result<(Objective, Evaluations), Problem> {
        let message = "experiments of the system real_fake cannot be searched: most of its methods keep no clips back, so that \
                       trials would be ranked by the tested clips; compare a few settings with `ferrotype compare`";
        Err(Problem { path: "experiment".into(), message: message.into() })
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
