//! What came of a run, or a group of runs, by its folder alone.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ferrotype_base::digest::sha256;
use serde_json::Value;

use super::mark::{Mark, RecipeComparison};
use crate::config::SelectOn;
use crate::config::{AnyExperiment, read_any};
use ferrotype_evaluation::{Score, Scores, aggregate};
use ferrotype_report::{read_metrics, read_test_scores};
use ferrotype_run::group::{Group, GroupAxis};
use ferrotype_run::history::History;
use ferrotype_run::{Provenance, RunFolder};

/// A run or a group of runs, finished or not.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The folder.
    pub folder: PathBuf,
    /// What it repeats, if it does.
    pub mark: Option<Mark>,
    /// How it stands to the full recipe: as the mark says, or anew by the registry (see [`Outcome::judge_by`]).
    pub comparison: RecipeComparison,
    /// What the runs of a group differ by.
    pub over: Option<GroupAxis>,
    /// The metric.
    pub metric: String,
    /// Each finished run's value.
    pub values: Vec<f64>,
    /// Of seeds the mean, of folds the pooled value.
    pub value: Option<f64>,
    /// Standard deviation over seeds.
    pub sd: Option<f64>,
    /// 95 %: over seeds Student's, of a single run or pooled folds over test rows.
    pub interval: Option<[f64; 2]>,
    /// Test rows.
    pub rows: u64,
    /// Runs that are not finished, with the epochs that they have come to.
    pub unfinished: Vec<u64>,
    /// Whether the weights were selected on the rows that were scored.
    pub selected_on: SelectOn,
    /// Whether the pictures are synthetic.
    pub synthetic: bool,
    /// Seconds of all finished runs together.
    pub wall_seconds: f64,
    /// Processor seconds of all finished runs together; none where one does not tell, or was resumed, of which only the
    /// last part is known.
    pub processor_seconds: Option<f64>,
    /// Joules of all finished runs together; none where one does not tell, or was resumed.
    pub energy_joules: Option<f64>,
    /// Where it was computed.
    pub device: String,
    /// sha256 of the data.
    pub data: String,
    /// sha256 of the resolved experiment file.
    pub config: String,
    /// The resolved experiment.
    pub experiment: AnyExperiment,
}

/// Reads a folder; by `metric` its test sets are judged. None where no test score of a classifier can be expected there.
///
/// # Errors
/// When a file is broken.
pub fn outcome(folder: &Path, metric: &str) -> Result<Option<Outcome>> {
    let run = RunFolder::open(folder)?;
    let text = run.read(&run.config())?;
    let experiment = read_any(&run.config().display().to_string(), &text)?;
    let has_heads = matches!(&experiment, AnyExperiment::Expressions(e) if !e.heads.is_empty());
    if run.is_imported() || has_heads || matches!(experiment, AnyExperiment::Anomalies(_)) {
        return Ok(None);
    }
    let group = Group::open(folder)?;
    let mark = Mark::open(folder)?;
    let mut found = Outcome {
        folder: folder.to_path_buf(),
        comparison: mark.as_ref().map(|m| m.comparison.clone()).unwrap_or_default(),
        mark,
        over: group.as_ref().map(|g| g.axis),
        metric: metric.to_owned(),
        values: Vec::new(),
        value: None,
        sd: None,
        interval: None,
        rows: 0,
        unfinished: Vec::new(),
        selected_on: experiment.selected_on(),
        synthetic: false,
        wall_seconds: 0.0,
        processor_seconds: Some(0.0),
        energy_joules: Some(0.0),
        device: String::new(),
        data: String::new(),
        config: sha256(text.as_bytes()),
        experiment,
    };
    let members = match &group {
        Some(group) => group.values.iter().map(|&v| group.member(folder, v)).collect(),
        None => vec![folder.to_path_buf()],
    };
    let mut scores = Vec::new();
    for path in members {
        scores.extend(found.add(&path)?);
    }
    found.sum_up(&run, &scores)?;
    Ok(Some(found))
}

impl Outcome {
    /// Takes the comparison to a full recipe from the resolved experiments, in place of what the mark says.
    pub fn judge_by(&mut self, recipe: &AnyExperiment) {
        self.comparison = super::comparison(recipe, &self.experiment);
    }

    /// Whether every run is finished.
    pub fn is_finished(&self) -> bool {
        self.unfinished.is_empty() && self.value.is_some()
    }

    /// Adds a run; gives its test scores if it is finished.
    fn add(&mut self, path: &Path) -> Result<Option<Scores>> {
        let scores = path.join("metrics.json");
        let test = if scores.is_file() { read_test_scores(&scores)? } else { None };
        let Some(test) = test else {
            let history = History::read(path.join("metrics.jsonl")).unwrap_or_default();
            self.unfinished.push(history.epochs.last().map_or(0, |e| e.epoch));
            return Ok(None);
        };
        let run = RunFolder::create_at(path)?;
        let p = Provenance::load(&run);
        // Of an interrupted run only training counts all parts.
        self.wall_seconds += p.training_seconds.max(if p.resumed == 0 { p.wall_seconds } else { 0.0 });
        let processor = p.processor_seconds.filter(|_| p.resumed == 0);
        self.processor_seconds = self.processor_seconds.zip(processor).map(|(a, b)| a + b);
        let energy = p.energy_joules.filter(|_| p.resumed == 0);
        self.energy_joules = self.energy_joules.zip(energy).map(|(a, b)| a + b);
        if self.device.is_empty() {
            self.device = format!("{}, {}, {} threads, {}", p.device, p.processor, p.threads, p.kernels);
        }
        let facts: Value = std::fs::read_to_string(run.facts()).ok().map_or(Ok(Value::Null), |t| {
            serde_json::from_str(&t).with_context(|| format!("{} is not what a run writes", run.facts().display()))
        })?;
        self.synthetic |= facts["synthetic"] == true;
        if self.data.is_empty() {
            let named = facts["sha256"].as_str().map(str::to_owned);
            self.data = named.or_else(|| p.data.into_values().next()).unwrap_or_default();
        }
        self.rows = test.n;
        Ok(Some(test))
    }

    fn sum_up(&mut self, run: &RunFolder, scores: &[Scores]) -> Result<()> {
        let of = |s: &Scores| s.metrics.get(&self.metric).cloned();
        self.values = scores.iter().filter_map(|s| of(s).map(|s| s.value)).collect();
        let one: Option<Score> = match (self.over, scores) {
            (Some(GroupAxis::Fold), _) if run.scores().is_file() => {
                let pooled = read_metrics(run.scores())?.remove("pooled");
                self.rows = pooled.as_ref().map_or(self.rows, |p| p.n);
                pooled.as_ref().and_then(of)
            }
            (Some(GroupAxis::Fold), _) => None,
            (_, [only]) => of(only),
            _ => None,
        };
        if let Some(score) = one {
            (self.value, self.interval) = (Some(score.value), score.interval);
        } else if self.over != Some(GroupAxis::Fold) && !scores.is_empty() {
            let spread = aggregate(scores)?.metrics.remove(&self.metric);
            (self.value, self.sd, self.interval) =
                spread.map_or((None, None, None), |s| (Some(s.mean), s.sd, s.interval));
        }
        Ok(())
    }
}
