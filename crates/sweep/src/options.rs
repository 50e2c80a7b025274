//! A sweep file as types. Field documentation here is what its JSON Schema prints.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A search for good settings of one experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepOptions {
    /// Short name: the study's folder is `sweeps/<name>`. Letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// One or two sentences for the report: what is asked.
    #[serde(default)]
    pub description: String,
    /// The experiment file that every trial starts from, relative to this file.
    pub experiment: PathBuf,
    /// Keys of the experiment that every trial sets: `train.epochs: 6`.
    #[serde(default)]
    pub set: BTreeMap<String, Value>,
    /// What is searched: a key of the experiment file and its values.
    pub space: BTreeMap<String, Parameter>,
    /// How a trial's values are chosen.
    #[serde(default)]
    pub sampler: Sampler,
    /// Which trials are ended early.
    #[serde(default)]
    pub pruner: Pruner,
    /// The validation metric that ranks trials; by default the one that selects the experiment's weights.
    #[serde(default)]
    pub metric: Option<String>,
    /// How many trials; by default the whole grid with `sampler: grid`, 20 otherwise.
    #[serde(default)]
    pub trials: Option<usize>,
    /// The seeds of a trial: its value is the mean over them. None given: the experiment's own.
    #[serde(default)]
    pub seeds: Vec<u64>,
    /// Fixes the samplers' random choices.
    #[serde(default)]
    pub seed: u64,
    /// Trials at a time on this machine. They share its cores evenly.
    #[serde(default = "one")]
    pub jobs: usize,
    /// Seconds without a sign of life after which a worker on another machine is taken for dead.
    #[serde(default = "lease")]
    pub lease: f64,
    /// How workers are submitted with `--launcher slurm`.
    #[serde(default)]
    pub slurm: Slurm,
    /// How workers are submitted with `--launcher kubernetes`.
    #[serde(default)]
    pub kubernetes: Kubernetes,
    /// How workers are begun with `--launcher ssh`.
    #[serde(default)]
    pub ssh: Ssh,
    /// What a template of one's own is told as `options` (`--launcher-template`); `workers` says how many tasks there are.
    #[serde(default)]
    pub launcher: BTreeMap<String, Value>,
}

impl SweepOptions {
    /// Gives keys of the experiment other names, where `new` has one.
    pub fn rename_keys(&mut self, mut new: impl FnMut(&str) -> Option<String>) {
        let mut of_today = |key: String| new(&key).unwrap_or(key);
        self.set = std::mem::take(&mut self.set).into_iter().map(|(key, v)| (of_today(key), v)).collect();
        self.space = std::mem::take(&mut self.space).into_iter().map(|(key, v)| (of_today(key), v)).collect();
        for parameter in self.space.values_mut() {
            let when = std::mem::take(&mut parameter.when);
            parameter.when = when.into_iter().map(|(key, v)| (of_today(key), v)).collect();
        }
    }
}

fn one() -> usize {
    1
}

fn lease() -> f64 {
    90.0
}

/// The values of one key: exactly one of `choice`, `int`, `log_int`, `float` and `log`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Parameter {
    /// One of these values, of any kind that the key takes.
    pub choice: Option<Vec<Value>>,
    /// A whole number from the first to the second, both included.
    pub int: Option<[i64; 2]>,
    /// A whole number, evenly by its logarithm.
    pub log_int: Option<[i64; 2]>,
    /// A number from the first to the second.
    pub float: Option<[f64; 2]>,
    /// A number, evenly by its logarithm.
    pub log: Option<[f64; 2]>,
    /// Only the first number and those a multiple of this above it (`int` and `float`).
    pub step: Option<f64>,
    /// Searched only where other keys of the space have these values: `{train.optimizer: sgd}`. A list means any of
    /// its values.
    pub when: BTreeMap<String, Value>,
}

/// How a trial's values are chosen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sampler {
    /// Every combination.
    Grid(GridOptions),
    /// Independent draws.
    Random,
    /// A scrambled Halton sequence: draws that leave no large gaps.
    #[default]
    Halton,
    /// The tree-structured Parzen estimator (Bergstra et al. 2011): draws where earlier trials were good.
    Tpe(TpeOptions),
}

/// Options of the grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GridOptions {
    /// Values of a `float`, `log` or `log_int` without `step`, from end to end.
    pub points: usize,
}

impl Default for GridOptions {
    fn default() -> Self {
        Self { points: 5 }
    }
}

/// Options of TPE.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TpeOptions {
    /// Trials from the Halton sequence before the estimator is asked.
    pub startup: usize,
    /// The share of trials that count as good, at most 25 of them.
    pub gamma: f64,
    /// Draws from the good trials' density, of which the most promising is taken.
    pub candidates: usize,
}

impl Default for TpeOptions {
    fn default() -> Self {
        Self { startup: 10, gamma: 0.1, candidates: 24 }
    }
}

/// Which trials are ended early.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pruner {
    /// None.
    #[default]
    None,
    /// Those below the median of the others at the same epoch (Golovin et al. 2017).
    Median(MedianOptions),
    /// Asynchronous successive halving (Li et al. 2020, arXiv:1810.05934): at each rung only the best part goes on.
    Asha(AshaOptions),
}

/// Options of the median rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MedianOptions {
    /// No trial is ended before this epoch.
    pub warmup_epochs: u64,
    /// Other trials that must have come as far.
    pub min_trials: usize,
}

impl Default for MedianOptions {
    fn default() -> Self {
        Self { warmup_epochs: 1, min_trials: 4 }
    }
}

/// Options of ASHA.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AshaOptions {
    /// The epoch of the first rung; the others follow by factors of `eta`.
    pub min_epochs: u64,
    /// One trial in so many goes on at a rung.
    pub eta: u64,
}

impl Default for AshaOptions {
    fn default() -> Self {
        Self { min_epochs: 1, eta: 3 }
    }
}

mod launchers;

pub use launchers::{Kubernetes, Slurm, Ssh};
