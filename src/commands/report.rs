//! `ferrotype report`

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use super::anomalies;
use super::loaded::any_experiment_of;
use super::published::{publish, publish_group};
use super::say;
use super::session::{report_group, report_run};
use crate::config::AnyExperiment;
use crate::run::RunFolder;
use crate::run::group::Group;

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
        let is_anomalies = matches!(experiment, AnyExperiment::Anomalies(_));
        if let Some(group) = Group::open(&self.run)? {
            let made = if is_anomalies { anomalies::report_group } else { report_group };
            say(made(&folder, &group)?.1)?;
            return match &self.publish {
                Some(_) if is_anomalies => bail!("--publish takes single runs of the system anomalies, no groups"),
                Some(parent) => {
                    say(format_args!("published      {}", publish_group(&folder, &group, parent)?.display()))
                }
                None => Ok(()),
            };
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
        if !is_anomalies && !folder.predictions().is_file() {
            bail!(
                "{} is a sweep's trial, whose test set was not scored: train the best settings by themselves (`ferrotype sweep \
                 best STUDY --out best.yaml`)",
                self.run.display()
            );
        }
        say(if is_anomalies { anomalies::report_run(&folder)? } else { report_run(&folder)? })?;
        if let Some(parent) = &self.publish {
            let published = if is_anomalies { anomalies::publish } else { publish };
            let target = published(&folder, parent)?;
            say(format_args!("published      {}", target.display()))?;
        }
        Ok(())
    }
}
