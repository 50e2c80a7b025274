//! `ferrotype export`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::loaded::LoadedRun;
use super::scored_set::ScoredSet;
use super::{onnx, say};
use crate::data::task::Facts;
use crate::evaluation::Scores;
use crate::report;
use crate::run::Provenance;

/// Export a run's selected weights as ONNX, preprocessing inside, checked against the model on labelled pictures (by default the
/// run's test set).
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ferrotype export --run runs/vgg13-20260101-120000 --out model.onnx\n  ferrotype export --run runs/imported/mini_xception --data datasets/fer2013.h5 --out model.onnx"
)]
pub struct ExportCommand {
    /// The run.
    #[arg(long, value_name = "RUN")]
    run: PathBuf,
    /// The file to write.
    #[arg(long, value_name = "ONNX")]
    out: PathBuf,
    #[command(flatten)]
    set: ScoredSet,
}

impl ExportCommand {
    /// Exports, checks, prints the check.
    ///
    /// # Errors
    /// When the run or its data cannot be read, or the check fails: then no file is left.
    pub fn run(self) -> Result<()> {
        let loaded = LoadedRun::open(&self.run, None)?;
        let sets =
            if loaded.run.is_finished() { report::read_metrics(loaded.run.scores())? } else { Default::default() };
        let chosen = self.set.load(&loaded)?;
        let mut facts = Facts { classes: loaded.meta.classes.clone(), ..loaded.facts.clone() };
        if loaded.run.is_imported() {
            let files: Vec<String> = Provenance::load(&loaded.run).weights.into_keys().collect();
            facts.source = format!("published weights: {}", files.join(", "));
        }
        let check = onnx::export(
            &loaded.network,
            &loaded.experiment,
            &facts,
            &chosen.subset,
            sets.get("test").unwrap_or(&Scores::default()),
            &loaded.run,
            &self.out,
        )?;
        chosen.notes.iter().try_for_each(say)?;
        say(format_args!("data     {}", chosen.title))?;
        say(onnx::text(&check))?;
        say(format_args!("written  {}", self.out.display()))
    }
}
