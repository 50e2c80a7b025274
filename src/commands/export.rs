//! `ferrotype export`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::loaded::LoadedRun;
use super::{onnx, say};
use crate::data::task::Task;
use crate::evaluation::Scores;
use crate::report;

/// Export a run's selected weights as ONNX, preprocessing inside, checked against the model on the test set.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ferrotype export --run runs/vgg13-20260101-120000 --out model.onnx")]
pub struct ExportCommand {
    /// The run.
    #[arg(long, value_name = "RUN")]
    run: PathBuf,
    /// The file to write.
    #[arg(long, value_name = "ONNX")]
    out: PathBuf,
}

impl ExportCommand {
    /// Exports, checks, prints the check.
    ///
    /// # Errors
    /// When the run or its data cannot be read, or the check fails: then no file is left.
    pub fn run(self) -> Result<()> {
        let loaded = LoadedRun::open(&self.run, None)?;
        let task = Task::prepare(&loaded.experiment.data, loaded.experiment.seed)?;
        let sets =
            if loaded.run.is_finished() { report::read_metrics(loaded.run.scores())? } else { Default::default() };
        let check = onnx::export(
            &loaded.network,
            &loaded.experiment,
            &task.facts,
            &task.test,
            sets.get("test").unwrap_or(&Scores::default()),
            &loaded.run,
            &self.out,
        )?;
        say(onnx::text(&check))?;
        say(format_args!("written  {}", self.out.display()))
    }
}
