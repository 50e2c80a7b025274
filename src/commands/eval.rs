//! `ferrotype eval`

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;
use serde::Serialize;

use super::inputs::{CSV, Inputs, JSON};
use super::say;
use super::scored_set::{Chosen, ScoredSet};
use crate::published;
use crate::systems::evaluations;
use crate::systems::expressions::exposure::Exposure;
use crate::systems::expressions::report_run;
use crate::systems::loaded::{self, any_experiment_of};
use crate::systems::{self, real_fake};
use ferrotype_evaluation::{Predictions, Scores, metrics, score, score_heads};
use ferrotype_report::terminal::format_score;
use ferrotype_report::{self as report, EvaluationView, SeenShare};
use ferrotype_run::RunFolder;
use ferrotype_run::files::write_json;
use ferrotype_training::progress::Style;
use ferrotype_training::{head_scoring, scoring};

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
    pub fn run(mut self) -> Result<()> {
        self.run = published::run_of(&self.run)?;
        let run = RunFolder::open(&self.run)?;
        let inputs = Inputs::new().run(&self.run).paths("--data", &self.set.data);
        inputs.spare(&[("--json", self.json.as_deref(), JSON), ("--csv", self.csv.as_deref(), CSV)])?;
        systems::of(&any_experiment_of(&run)?).eval(&run, &self)
    }

    /// Scores a run that classifies expressions.
    ///
    /// # Errors
    /// When run or data cannot be read, or their classes differ.
    pub fn expressions(&self) -> Result<()> {
        let loaded = loaded::open_with_heads(&self.run, self.device.as_deref())?;
        let chosen = self.set.load(&loaded)?;
        if !loaded.meta.heads.is_empty() {
            return self.heads(&loaded, &chosen);
        }
        let mut progress = Style::Auto.start();
        let predictions =
            scoring::predict(&loaded.network, &chosen.subset, &loaded.experiment.evaluate, progress.as_mut())?;
        drop(progress);
        let exposure = chosen.exposure(&loaded.run);
        // Of the run's own data the run says it.
        let sha256 = match self.set.data {
            Some(_) => chosen.subset.faces.images_sha256(),
            None => String::new(),
        };
        let view = EvaluationView { sha256, ..evaluation(&chosen, exposure.as_ref(), &predictions)? };
        if let Some(path) = &self.json {
            let content = Written { scores: &view.scores, seen: view.seen, unseen: view.unseen.as_ref() };
            write_json(path, &content)?;
        }
        if let Some(path) = &self.csv {
            report::predictions::write(path, &predictions)?;
        }
        chosen.notes.iter().try_for_each(say)?;
        say(text(&chosen.title, &view.scores))?;
        exposure.iter().flat_map(Exposure::warnings).try_for_each(say)?;
        if let Some(unseen) = &view.unseen {
            say(text(&format!("without the rows that were seen: {} images", unseen.n), unseen))?;
        } else if view.seen.is_some() {
            say("no row is left to be scored without them")?;
        }
        if !loaded.run.predictions().is_file() {
            return Ok(());
        }
        self.record(&loaded.run, &view, report_run)
    }

    /// Scores a run whose model has heads.
    fn heads(&self, loaded: &ferrotype_expressions::LoadedRun, chosen: &Chosen) -> Result<()> {
        ensure!(!self.set.common_classes, "--common-classes is for models of classes alone");
        let mut progress = Style::Auto.start();
        let evaluate = &loaded.experiment.evaluate;
        let predictions = head_scoring::predict(&loaded.network, &chosen.subset, evaluate, progress.as_mut())?;
        drop(progress);
        let scores = score_heads(&predictions)?;
        if let Some(path) = &self.json {
            write_json(path, &scores)?;
        }
        if let Some(path) = &self.csv {
            report::head_predictions::write(path, &predictions)?;
        }
        say(head_text(&chosen.title, &scores))?;
        chosen.exposure(&loaded.run).iter().flat_map(Exposure::warnings).try_for_each(say)
    }

    /// Keeps scores on other data with a finished run, whose report shows them from then on.
    fn record(&self, run: &RunFolder, view: &EvaluationView, report: fn(&RunFolder) -> Result<String>) -> Result<()> {
        let Some(data) = self.set.data.as_deref().filter(|_| run.is_finished()) else { return Ok(()) };
        let kept = run.lock().and_then(|_lock| {
            evaluations::save(run, data, view)?;
            report(run)
        });
        match kept {
            Ok(_) => say(format_args!("report  {}", run.report().display())),
            Err(e) => {
                // The scores are told all the same: a run's folder may be read-only, or its report not be made any more.
                eprintln!("warning: the report of {} does not show these scores: {e:#}", run.path().display());
                Ok(())
            }
        }
    }

    /// Scores a run of the system that tells genuine from posed expressions.
    ///
    /// # Errors
    /// As [`expressions`](Self::expressions), and for options that it does not have.
    pub fn real_fake(&self, run: &RunFolder) -> Result<()> {
        ensure!(
            self.set.labels.is_none() && !self.set.common_classes,
            "--labels and --common-classes are for runs that classify expressions; {} tells real from fake",
            self.run.display()
        );
        let request = real_fake::EvalRequest {
            data: self.set.data.as_deref(),
            set: self.set.set_name,
            device: self.device.as_deref(),
            json: self.json.as_deref(),
            csv: self.csv.as_deref(),
        };
        let (text, view) = real_fake::eval(run, &request)?;
        say(text)?;
        self.record(run, &view, real_fake::report_run)
    }
}

/// The content of `--json FILE`: the scores and, where the run has seen some of the rows, how many, and the scores of the
/// others.
#[derive(Serialize)]
struct Written<'a> {
    #[serde(flatten)]
    scores: &'a Scores,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<SeenShare>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unseen: Option<&'a Scores>,
}

/// All rows' scores, and those of the rows that the run has not seen.
fn evaluation(chosen: &Chosen, exposure: Option<&Exposure>, predictions: &Predictions) -> Result<EvaluationView> {
    Ok(EvaluationView {
        title: chosen.title.clone(),
        key: chosen.key.clone(),
        sha256: String::new(),
        notes: chosen.notes.clone(),
        scores: score(predictions)?,
        seen: exposure.and_then(Exposure::share),
        unseen: exposure.map(|e| e.unseen(predictions)).transpose()?.flatten(),
        doubt: exposure.and_then(Exposure::doubt),
    })
}

/// The scores of heads as lines: each metric's mean, and what it is for each label or value.
fn head_text(title: &str, scores: &Scores) -> String {
    let mut lines = vec![title.to_owned()];
    for head in &scores.heads {
        for about in metrics::of_kind(&head.kind) {
            let Some(score) = scores.metrics.get(&format!("{}.{}", head.name, about.name)) else { continue };
            lines.push(format!("  {:<28} {}", format!("{} {}", head.name, about.title), about.format(score.value)));
            for column in &head.columns {
                let value = column.metrics.get(about.name).map(|v| about.format(*v));
                let value = value.unwrap_or_else(|| format!("undefined: {}", column.undefined[about.name]));
                lines.push(format!("    {:<26} {value}", column.column));
            }
        }
    }
    lines.join("\n")
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
