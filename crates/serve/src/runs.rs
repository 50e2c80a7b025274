//! What the server asks of trained runs. It only reads.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;

/// A run as it is listed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RunEntry {
    /// Its name below the folder of runs; that of a member of a group has the group's before it (`x-seeds/seed-0`).
    pub name: String,
    /// The system: `expressions`, `anomalies`, ...
    pub system: String,
    /// Its network or method.
    pub model: String,
    /// In words: `finished`, `stopped after epoch 3`.
    pub state: String,
    /// Whether training is over.
    pub finished: bool,
    /// The main scores on the test set: shares between 0 and 1 unless the metric says otherwise.
    pub scores: BTreeMap<String, f64>,
    /// Whether it has a report.
    pub report: bool,
    /// The file of its report; requests never see it.
    #[serde(skip)]
    pub report_file: PathBuf,
    /// The file of its history (`metrics.jsonl`).
    #[serde(skip)]
    pub history: PathBuf,
    /// Its folder.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// A score, with the ends of its confidence interval where there is one.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Score {
    /// The value.
    pub value: f64,
    /// The lower end.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
}

/// What else is known of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RunDetail {
    /// All scores: by the set, by the metric.
    pub scores: BTreeMap<String, BTreeMap<String, Score>>,
    /// The resolved experiment file.
    pub config: String,
}

/// A sweep as it is listed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SweepEntry {
    /// Its name below the folder of sweeps.
    pub name: String,
    /// How its trials stand, in a line.
    pub summary: String,
    /// What is searched for.
    pub metric: String,
    /// The best value so far.
    pub best: Option<f64>,
    /// Whether it has a report.
    pub report: bool,
    /// The file of its report.
    #[serde(skip)]
    pub report_file: PathBuf,
    /// Its folder.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// A trial of a sweep.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SweepTrial {
    /// Its number, from 0.
    pub number: usize,
    /// `finished`, `pruned`, `failed`, `running` or `waiting`.
    pub state: String,
    /// Its place among the finished ones, from 1.
    pub rank: Option<usize>,
    /// What it reached.
    pub value: Option<f64>,
    /// Epochs trained.
    pub epochs: u64,
    /// Its values of the searched keys.
    pub settings: BTreeMap<String, Value>,
    /// Why it failed or was pruned.
    pub reason: Option<String>,
    /// `[epoch, value]` over its training.
    pub curve: Vec<[f64; 2]>,
}

/// The trials of a sweep.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SweepDetail {
    /// The searched keys.
    pub keys: Vec<String>,
    /// In the order of their numbers.
    pub trials: Vec<SweepTrial>,
}

/// The runs that a server shows. The names in requests are looked up in the lists by the server, and what is found there is
/// handed back: a path made of a request's text cannot come about.
pub trait Runs: Send + Sync {
    /// All runs, in order of name.
    ///
    /// # Errors
    /// When the folder cannot be read.
    fn list(&self) -> Result<Vec<RunEntry>>;

    /// The run of the list that has this name.
    ///
    /// # Errors
    /// As [`Runs::list`].
    fn find(&self, name: &str) -> Result<Option<RunEntry>> {
        Ok(self.list()?.into_iter().find(|run| run.name == name))
    }

    /// More of a run of the list.
    ///
    /// # Errors
    /// When its files cannot be read.
    fn detail(&self, run: &RunEntry) -> Result<RunDetail>;

    /// Whether training is over by now: asked now and then while a client watches.
    fn is_finished(&self, run: &RunEntry) -> bool;

    /// All sweeps, in order of name.
    ///
    /// # Errors
    /// When the folder cannot be read.
    fn sweeps(&self) -> Result<Vec<SweepEntry>>;

    /// The trials of a sweep of the list.
    ///
    /// # Errors
    /// When its files cannot be read.
    fn sweep(&self, sweep: &SweepEntry) -> Result<SweepDetail>;
}
