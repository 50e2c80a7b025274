//! `ferrotype eval`

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;

use super::loaded::{LoadedRun, any_experiment_of};
use super::real_fake;
use super::say;
use super::scored_set::ScoredSet;
use crate::config::AnyExperiment;
use crate::evaluation::{Scores, metrics, score};
use crate::report;
use crate::report::terminal::format_score;
use crate::run::RunFolder;
use crate::run::files::write_atomic;
use crate::training::progress::Style;
use crate::training::scoring;

/// Score a run's selected weights again, on its own data or on another prepared file.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ferrotype eval --run runs/vgg13-20260101-120000
  ferrotype eval --run runs/vgg13-20260101-120000 --set-name validation
  ferrotype eval --run runs/vgg13-20260101-120000 --data datasets/other.h5 --json scores.json
  ferrotype eval --run runs/imported/mini_xception --data datasets/fer2013.h5 --set-name validation
  ferrotype eval --run runs/imported/mini_xception --data datasets/ferplus.h5 --labels majority --common-classes
  ferrotype eval --run runs/smiles-logistic-20260101-120000 --data other_smiles/      (system real_fake: a folder)")]
pub struct EvalCommand {
    /// The run.
    #[arg(long, value_name = "RUN")]
    run: PathBuf,
    #[command(flatten)]
    set: ScoredSet,
    /// Compute on another device than the experiment's.
    #[arg(long)]
    device: Option<String>,
    /// Also write the scores to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also write every row's prediction to this file.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

impl EvalCommand {
    /// Scores and prints.
    ///
    /// # Errors
    /// When run or data cannot be read, or their classes differ.
    pub fn run(self) -> Result<()> {
        let run = RunFolder::open(&self.run)?;
        if matches!(any_experiment_of(&run)?, AnyExperiment::RealFake(_)) {
            return self.real_fake(&run);
        }
        let loaded = LoadedRun::open(&self.run, self.device.as_deref())?;
        let chosen = self.set.load(&loaded)?;
        let mut progress = Style::Auto.start();
        let predictions =
            scoring::predict(&loaded.network, &chosen.subset, &loaded.experiment.evaluate, progress.as_mut())?;
        drop(progress);
        let scores = score(&predictions)?;
        if let Some(path) = &self.json {
            write_atomic(path, (serde_json::to_string_pretty(&scores)? + "\n").as_bytes())?;
        }
        if let Some(path) = &self.csv {
            report::predictions::write(path, &predictions)?;
        }
        chosen.notes.iter().try_for_each(say)?;
        say(text(&chosen.title, &scores))
    }

    /// Scores a run of the system that tells felt from posed expressions.
    fn real_fake(&self, run: &RunFolder) -> Result<()> {
        ensure!(
            self.set.labels.is_none() && !self.set.common_classes,
            "--labels and --common-classes are for runs that classify expressions; {} tells real from fake",
            self.run.display()
        );
        let asked = real_fake::Asked {
            data: self.set.data.as_deref(),
            set: self.set.set_name,
            device: self.device.as_deref(),
            json: self.json.as_deref(),
            csv: self.csv.as_deref(),
        };
        say(real_fake::eval(run, &asked)?)
    }
}

/// Scores as lines, and each class's recall.
fn text(title: &str, scores: &Scores) -> String {
    let mut lines = vec![title.to_owned()];
    for metric in metrics::all() {
        if let Some(score) = scores.metrics.get(metric.name()) {
            lines.push(format!("  {:<28} {}", metric.title(), format_score(metric.name(), score)));
        }
    }
    for class in &scores.per_class {
        let (f1, recall) = (100.0 * class.f1, 100.0 * class.recall);
        lines.push(format!("  {:<28} recall {recall:6.2} %   F1 {f1:6.2} %   {} rows", class.class, class.support));
    }
    lines.join("\n")
}
