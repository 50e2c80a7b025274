//! `ferrotype report`

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;

use super::loaded::experiment_of;
use super::session::{report_group, report_run};
use super::view;
use crate::report;
use crate::run::RunFolder;
use crate::run::files::{explain, write_atomic};
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
        if let Some(group) = Group::open(&self.run)? {
            println!("{}", report_group(&folder, &group)?);
            return Ok(());
        }
        if !folder.is_finished() {
            bail!(
                "{} is not finished: go on with `ferrotype train --resume {}`",
                self.run.display(),
                self.run.display()
            );
        }
        println!("{}", report_run(&folder)?);
        if let Some(parent) = &self.publish {
            let target = publish(&folder, parent)?;
            println!("published      {}", target.display());
        }
        Ok(())
    }
}

/// Writes what may be published of a run to `<parent>/<experiment's name>`. Photographs of people stay behind.
fn publish(run: &RunFolder, parent: &Path) -> Result<PathBuf> {
    let target = parent.join(experiment_of(run)?.name);
    let mut view = view::of_run(run)?;
    if !view.dataset.synthetic {
        view.mistakes.iter_mut().for_each(|m| m.face = None);
    }
    report::write_run(&target, &view, None)?;
    // The report holds the plots; as files they would only swell the repository.
    let plots = target.join("plots");
    std::fs::remove_dir_all(&plots).map_err(|e| explain(&plots, &e))?;
    for path in [run.config(), run.history(), run.provenance(), run.facts(), run.onnx_check()] {
        if let (true, Some(name)) = (path.is_file(), path.file_name()) {
            write_atomic(target.join(name), run.read(&path)?.as_bytes())?;
        }
    }
    Ok(target)
}
