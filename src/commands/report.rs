//! `ferrotype report`

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;

use super::anomalies;
use super::experiments;
use super::loaded::any_experiment_of;
use super::published::{publish, publish_group};
use super::real_fake;
use super::say;
use super::session::{report_group, report_run};
use crate::config::AnyExperiment;
use ferrotype_run::RunFolder;
use ferrotype_run::group::Group;

/// Build the report of a run, or of a group of runs, again from its files.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ferrotype report --run runs/quickstart-20260101-120000\n  ferrotype report --run runs/fer2013-mini_xception-20260101-120000 --publish experiments"
)]
pub struct ReportCommand {
    /// The run or group.
    #[arg(long, value_name = "RUN")]
    run: PathBuf,
    /// Also write what may be published into this folder: configuration, scores, history, provenance and a report
    /// without photographs.
    #[arg(long, value_name = "FOLDER")]
    publish: Option<PathBuf>,
}

impl ReportCommand {
    /// Builds it and prints the result's lines.
    ///
    /// # Errors
    /// When the folder holds no finished run.
    pub fn run(self) -> Result<()> {
        let folder = RunFolder::open(&self.run)?;
        let _lock = folder.lock()?;
        let experiment = any_experiment_of(&folder)?;
        if let (Some(parent), AnyExperiment::Expressions(_)) = (&self.publish, &experiment) {
            // Before the run's own report is built anew: what is refused leaves everything as it was.
            experiments::spare_others(parent)?;
        }
        let rooms = Rooms::of(&experiment);
        if let Some(group) = Group::open(&self.run)? {
            say((rooms.report_group)(&folder, &group)?.1)?;
            let Some(parent) = &self.publish else { return Ok(()) };
            let Some(publish_group) = rooms.publish_group else {
                bail!("--publish takes single runs of the system {}, no groups", experiment.system());
            };
            return say(format_args!("published      {}", publish_group(&folder, &group, parent)?.display()));
        }
        if folder.is_imported() {
            bail!(
                "{0} was imported: it has no training to report; score it with `ferrotype eval --run {0} --data H5`",
                self.run.display()
            );
        }
        if !folder.is_finished() {
            bail!(
                "{} is not finished: go on with `ferrotype train --resume {}`",
                self.run.display(),
                self.run.display()
            );
        }
        if matches!(experiment, AnyExperiment::Expressions(_)) && !folder.predictions().is_file() {
            bail!(
                "{} is a sweep's trial, whose test set was not scored: train the best settings by themselves (`ferrotype sweep \
                 best STUDY --out best.yaml`)",
                self.run.display()
            );
        }
        say((rooms.report_run)(&folder)?)?;
        if let Some(parent) = &self.publish {
            let target = (rooms.publish)(&folder, parent)?;
            say(format_args!("published      {}", target.display()))?;
        }
        Ok(())
    }
}

/// What builds and publishes the reports of a system.
struct Rooms {
    report_run: fn(&RunFolder) -> Result<String>,
    report_group: fn(&RunFolder, &Group) -> Result<(serde_json::Value, String)>,
    publish: fn(&RunFolder, &Path) -> Result<PathBuf>,
    publish_group: Option<PublishGroup>,
}

/// Publishes a group into a folder, and says where.
type PublishGroup = fn(&RunFolder, &Group, &Path) -> Result<PathBuf>;

impl Rooms {
    fn of(experiment: &AnyExperiment) -> Self {
        match experiment {
            AnyExperiment::Expressions(_) => {
                Self { report_run, report_group, publish, publish_group: Some(publish_group) }
            }
            AnyExperiment::Anomalies(_) => Self {
                report_run: anomalies::report_run,
                report_group: anomalies::report_group,
                publish: anomalies::publish,
                publish_group: None,
            },
            AnyExperiment::RealFake(_) => Self {
                report_run: real_fake::report_run,
                report_group: real_fake::report_group,
                publish: real_fake::publish,
                publish_group: Some(real_fake::publish_group),
            },
        }
    }
}
