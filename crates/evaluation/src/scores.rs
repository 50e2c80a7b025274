//! The content of `metrics.json`.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use serde::{Deserialize, Serialize};

use super::metrics::{self, calibration_bins};
use super::sample::{Confusion, Sample};
use super::{HeadScores, Predictions};

/// One metric's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The value; shares are 0 to 1.
    pub value: f64,
    /// 95 % interval, for metrics that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// Rows that the value rests on.
    pub n: u64,
}

/// One class's scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// The class's name.
    pub class: String,
    /// Share of the rows predicted as this class that are of it; 0 where none was predicted.
    pub precision: f64,
    /// Share of the rows of this class that were predicted as such; 0 where there are none.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// Rows of this class.
    pub support: u64,
    /// Rows predicted as this class.
    pub predicted: u64,
}

/// The predictions whose confidence lies above `lower` and not above `upper`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// Lower end, excluded.
    pub lower: f64,
    /// Upper end, included.
    pub upper: f64,
    /// Rows in the bin.
    pub count: u64,
    /// Their mean confidence; 0 in an empty bin.
    pub confidence: f64,
    /// The share of them that is right; 0 in an empty bin.
    pub accuracy: f64,
}

/// All scores of a set: the content of `metrics.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Number of rows.
    pub n: u64,
    /// Number of sets pooled: 1, or the number of folds.
    pub folds: usize,
    /// By the metric's name. A metric that is not defined for the set (KL without votes) is absent.
    pub metrics: BTreeMap<String, Score>,
    /// In the order of the classes.
    pub per_class: Vec<ClassScores>,
    /// `confusion[truth][predicted]`, in the order of `per_class`.
    pub confusion: Vec<Vec<u64>>,
    /// Equal-width bins of confidence.
    pub calibration: Vec<CalibrationBin>,
    /// Of a model with heads: each head by itself. `metrics` then has `HEAD.METRIC`, and what is of classes is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heads: Vec<HeadScores>,
}

impl Scores {
    /// The score of metric `name` ([`metrics::find`] accepts aliases too).
    ///
    /// # Errors
    /// When there is no such metric, or it is not defined for this set.
    pub fn get(&self, name: &str) -> Result<&Score> {
        let name = match self.heads.is_empty() {
            true => metrics::find(name)?.name().to_owned(),
            false => metrics::choose(name, self.heads.iter().map(|h| (h.name.as_str(), &h.kind)))?.0,
        };
        self.metrics
            .get(&name)
            .ok_or_else(|| anyhow!("{name} is not defined for this set of {} rows (it has {})", self.n, self.names()))
    }

    /// Class names.
    pub fn classes(&self) -> Vec<&str> {
        self.per_class.iter().map(|c| c.class.as_str()).collect()
    }

    fn names(&self) -> String {
        self.metrics.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// Scores one set.
///
/// # Errors
/// When the predictions do not pass [`Predictions::check`].
pub fn score(predictions: &Predictions) -> Result<Scores> {
    score_folds(std::slice::from_ref(predictions))
}

/// Scores several folds as one: counts are pooled first, then the metrics are computed once. (A mean of the folds'
/// own scores would give a fold that lacks a class the same say as a complete one.)
///
/// # Errors
/// As [`score`]; also when there is no fold or the class names differ.
pub fn score_folds(folds: &[Predictions]) -> Result<Scores> {
    let sample = Sample::pool(folds)?;
    let metrics = metrics::all()
        .iter()
        .filter_map(|m| m.score(&sample).filter(|s| s.value.is_finite()).map(|s| (m.name().to_string(), s)))
        .collect();
    Ok(Scores {
        n: sample.rows.len() as u64,
        folds: folds.len(),
        metrics,
        per_class: per_class(&sample.confusion, &folds[0].classes),
        calibration: calibration_bins(&sample),
        confusion: sample.confusion.counts,
        heads: Vec::new(),
    })
}

fn per_class(confusion: &Confusion, classes: &[String]) -> Vec<ClassScores> {
    classes
        .iter()
        .enumerate()
        .map(|(c, class)| ClassScores {
            class: class.clone(),
            precision: confusion.precision(c),
            recall: confusion.recall(c),
            f1: confusion.f1(c),
            support: confusion.support(c),
            predicted: confusion.predicted(c),
        })
        .collect()
}
