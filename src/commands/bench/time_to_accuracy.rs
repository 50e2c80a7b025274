//! `ferrotype bench time-to-accuracy`: how long training takes until the validation set says that the model is good enough.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use crate::commands::say;
use crate::config::AnyExperiment;
use crate::runner::{Planned, Runner};
use crate::systems::loaded::load;
use ferrotype_base::text::duration;
use ferrotype_evaluation::metrics;
use ferrotype_run::group::parse_values;
use ferrotype_run::history::History;
use ferrotype_run::{Provenance, RunFolder};
use ferrotype_training::interrupt::Interrupt;
use ferrotype_training::progress::Style;
use ferrotype_training::selection::Selection;

/// Train until the validation set says that the model is good enough, and say how long that took.
///
/// The test set is scored once, with the weights that reached the target. Time is that of training and of scoring the validation set, not
/// of reading the data or of the report.
#[derive(Clone, Debug, Args)]
pub struct TimeToAccuracyCommand {
    /// The experiment file; its `evaluate.select_by` is the metric.
    #[arg(long, value_name = "YAML")]
    config: PathBuf,
    /// The value that the metric must reach on the validation set, such as 0.8472.
    #[arg(long)]
    target: f64,
    /// Change a key of the experiment; may be given several times.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Seeds: 0..5, 0..=4 or 1,3,7.
    #[arg(long, default_value = "0..1")]
    seeds: String,
    /// The folder of the runs. What is finished in it is not trained again.
    #[arg(long, value_name = "FOLDER", default_value = "runs/time-to-accuracy")]
    out: PathBuf,
    /// Print one JSON object per seed.
    #[arg(long)]
    json: bool,
}

/// What one seed came to.
#[derive(Clone, Debug, Serialize)]
struct Outcome {
    seed: u64,
    metric: String,
    target: f64,
    reached: bool,
    /// The best value on the validation set.
    validation: f64,
    epochs: u64,
    epochs_allowed: u64,
    seconds: f64,
    /// The same metric on the test set.
    test: Option<f64>,
    run: PathBuf,
}

impl TimeToAccuracyCommand {
    /// Trains each seed that is not finished, and prints a line for each.
    ///
    /// # Errors
    /// For bad input, a failed run, or an interruption; the same command goes on.
    pub fn run(&self) -> Result<()> {
        let experiment = load(&self.config, &self.sets)?;
        ensure!(
            matches!(experiment, AnyExperiment::Expressions(_)),
            "{} does not train a network on labelled pictures or clips, whose accuracy could be timed",
            self.config.display()
        );
        let target = format!("train.stop_at={}", self.target);
        let experiment = load(&self.config, &[self.sets.clone(), vec![target]].concat())?;
        let runs: Vec<Planned> =
            parse_values(&self.seeds)?.into_iter().map(|seed| self.plan(&experiment, seed)).collect();
        let style = if self.json { Style::Quiet } else { Style::default() };
        Runner { names_runs: runs.len() > 1, ..Runner::new(Interrupt::listen()?, style) }
            .all(&runs, "the same command goes on")?;
        let outcomes = runs.iter().map(|run| self.outcome(run)).collect::<Result<Vec<_>>>()?;
        outcomes.iter().try_for_each(|outcome| self.say(outcome))
    }

    fn plan(&self, experiment: &AnyExperiment, seed: u64) -> Planned {
        let mut experiment = experiment.clone();
        *experiment.shared().seed = seed;
        let folder = self.out.join(format!("{}-{}-seed-{seed}", experiment.name(), &experiment.digest()[..8]));
        Planned { label: format!("{}, seed {seed}", experiment.name()), folder, experiment }
    }

    fn outcome(&self, run: &Planned) -> Result<Outcome> {
        let folder = RunFolder::open(&run.folder)?;
        let keys = run.experiment.to_json();
        let metric = keys["evaluate"]["select_by"].as_str().unwrap_or("accuracy").to_owned();
        let history = History::read(folder.history())?;
        let higher_is_better = metrics::find(&metric)?.higher_is_better();
        let mut selection = Selection::default();
        for epoch in &history.epochs {
            if let Some(&value) = epoch.validation.get(&metric) {
                selection.observe(value, epoch.epoch as usize, higher_is_better, 0.0);
            }
        }
        let validation = selection
            .best
            .with_context(|| format!("{} has no {metric} of a validation set", folder.path().display()))?;
        let scores: Value = folder.read_json(&folder.scores())?;
        Ok(Outcome {
            seed: keys["seed"].as_u64().unwrap_or_default(),
            reached: selection.has_reached(self.target, higher_is_better),
            test: scores["test"]["metrics"][&metric]["value"].as_f64(),
            metric,
            target: self.target,
            validation,
            epochs: history.epochs.last().map_or(0, |e| e.epoch),
            epochs_allowed: keys["train"]["epochs"].as_u64().unwrap_or_default(),
            seconds: Provenance::load(&folder).training_seconds,
            run: run.folder.clone(),
        })
    }

    fn say(&self, o: &Outcome) -> Result<()> {
        if self.json {
            return say(json!(o));
        }
        let verdict = if o.reached { "reached" } else { "not reached" };
        let test = o.test.map_or_else(String::new, |test| format!(", {test:.4} on the test set"));
        say(format_args!(
            "seed {}: {} {} {verdict} after {} of {} epochs, {}: {:.4} on the validation set{test}",
            o.seed,
            o.metric,
            o.target,
            o.epochs,
            o.epochs_allowed,
            duration(o.seconds),
            o.validation,
        ))
    }
}
