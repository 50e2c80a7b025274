//! `ferrotype report`

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;

use super::say;
use crate::publication::experiments;
use crate::publication::{publish, publish_group};
use crate::runner;
use crate::systems;
use crate::systems::loaded::any_experiment_of;
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
    /// Also write what may be published into this folder: configuration, scores, history, provenance and a page with
    /// the result; no photographs.
    #[arg(long, value_name = "FOLDER")]
    publish: Option<PathBuf>,
}

impl ReportCommand {
    /// The report of a run that is published, too.
    pub fn published(run: &Path, parent: &Path) -> Self {
        Self { run: run.to_path_buf(), publish: Some(parent.to_path_buf()) }
    }

    /// Builds it and prints the result's lines.
    ///
    /// # Errors
    /// When the folder holds no finished run.
    pub fn run(self) -> Result<()> {
        let folder = RunFolder::open(&self.run)?;
        let _lock = folder.lock()?;
        let experiment = any_experiment_of(&folder)?;
        if let Some(parent) = &self.publish {
            // Before the run's own report is built anew: what is refused leaves everything as it was.
            experiments::spare_others(parent)?;
        }
        let system = systems::of(&experiment);
        if let Some(group) = Group::open(&self.run)? {
            let lines = runner::report(&experiment, &folder, &group)?.text;
            say(&lines)?;
            let Some(parent) = &self.publish else { return Ok(()) };
            let target = publish_group(system.as_ref(), &folder, &group, parent, &lines)?;
            return say(format_args!("published      {}", target.display()));
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
        let lines = system.report_run(&folder)?;
        say(&lines)?;
        if let Some(parent) = &self.publish {
            let target = publish(system.as_ref(), &folder, parent, &lines)?;
            say(format_args!("published      {}", target.display()))?;
        }
        Ok(())
    }
}
