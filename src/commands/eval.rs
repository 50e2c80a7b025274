//! `ferrotype eval`

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use super::loaded::LoadedRun;
use super::say;
use crate::data::options::LabelMode;
use crate::data::task::{Subset, Task, whole};
use crate::evaluation::{Scores, metrics, score};
use crate::report;
use crate::report::terminal::format_score;
use crate::run::files::write_atomic;
use crate::training::progress::Style;
use crate::training::scoring;

/// Score a run's selected weights again, on its own data or on another prepared file.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ferrotype eval --run runs/vgg13-20260101-120000
  ferrotype eval --run runs/vgg13-20260101-120000 --set-name validation
  ferrotype eval --run runs/vgg13-20260101-120000 --data datasets/other.h5 --json scores.json")]
pub struct EvalCommand {
    /// The run.
    #[arg(long, value_name = "RUN")]
    run: PathBuf,
    /// Another prepared file: its test rows, or all its rows where it has no division.
    #[arg(long, value_name = "H5", conflicts_with = "set_name")]
    data: Option<PathBuf>,
    /// Which set of the run's own data.
    #[arg(long, value_name = "SET", default_value = "test")]
    set_name: SetName,
    /// How labels become classes; by default as in the experiment.
    #[arg(long, value_name = "MODE")]
    labels: Option<String>,
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

/// A set of the run's own division.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum SetName {
    Train,
    Validation,
    Test,
}

impl EvalCommand {
    /// Scores and prints.
    ///
    /// # Errors
    /// When run or data cannot be read, or their classes differ.
    pub fn run(self) -> Result<()> {
        let loaded = LoadedRun::open(&self.run, self.device.as_deref())?;
        let subset = self.subset(&loaded)?;
        let classes = &subset.labelled.classes;
        if *classes != loaded.meta.classes {
            bail!(
                "the run's classes are {}, those of the data are {}: they cannot be compared (another --labels mode may fit)",
                loaded.meta.classes.join(", "),
                classes.join(", ")
            );
        }
        let mut progress = Style::Auto.start();
        let predictions = scoring::predict(&loaded.network, &subset, &loaded.experiment.evaluate, progress.as_mut())?;
        drop(progress);
        let scores = score(&predictions)?;
        let name = self.data.as_ref().map_or_else(|| loaded.facts.path.clone(), |p| p.display().to_string());
        if let Some(path) = &self.json {
            write_atomic(path, (serde_json::to_string_pretty(&scores)? + "\n").as_bytes())?;
        }
        if let Some(path) = &self.csv {
            report::predictions::write(path, &predictions)?;
        }
        say(text(&format!("{name}, {} images", subset.len()), &scores))
    }

    fn subset(&self, loaded: &LoadedRun) -> Result<Subset> {
        let mut options = loaded.experiment.data.clone();
        if let Some(word) = &self.labels {
            options.labels = label_mode(word)?;
        }
        if let Some(path) = &self.data {
            return whole(path, options.labels, &options);
        }
        let task = Task::prepare(&options, loaded.experiment.seed).context("cannot load the run's own data")?;
        Ok(match self.set_name {
            SetName::Train => task.train,
            SetName::Validation => task.validation,
            SetName::Test => task.test,
        })
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

/// A label mode by its name in the experiment file.
fn label_mode(word: &str) -> Result<LabelMode> {
    serde_json::from_value(word.into()).map_err(|_| {
        anyhow::anyhow!(
            "unknown label mode `{word}`: original, majority, probability, crossentropy, multi_target or argmax_eight"
        )
    })
}
