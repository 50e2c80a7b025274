//! Scores of a model with heads: each column of labels or values by itself, and their mean.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use ferrotype_base::statistics::first_largest;
use ferrotype_base::targets::{Head, TargetKind, width};
use serde::{Deserialize, Serialize};

use crate::metrics::{LabelCounts, Metric, Pairs, for_labels, for_values};
use crate::{Predictions, Score, Scores, score};

/// A label is predicted where its probability is at least this.
pub const THRESHOLD: f64 = 0.5;

/// What a head of a model said of a set, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadPredictions {
    /// The head.
    pub head: Head,
    /// Row in the dataset per example.
    pub rows: Vec<u32>,
    /// True values, `[examples, columns]`: shares of classes, 0 or 1 of labels, or numbers. Of no account where not known.
    pub truth: Vec<f32>,
    /// Which of them are known, `[examples, columns]`.
    pub known: Vec<bool>,
    /// The model's outputs, `[examples, columns]`, before softmax, sigmoid or limits.
    pub outputs: Vec<f32>,
}

impl HeadPredictions {
    /// What the outputs of example `i` mean: probabilities or values, one per column.
    pub fn values(&self, i: usize) -> Vec<f64> {
        self.head.kind.values(part(&self.outputs, i, self.head.columns.len()))
    }

    /// The known true values of example `i`, one per column.
    pub fn truth_of(&self, i: usize) -> Vec<Option<f32>> {
        let k = self.head.columns.len();
        let known = part(&self.known, i, k);
        part(&self.truth, i, k).iter().zip(known).map(|(&t, &known)| known.then_some(t)).collect()
    }

    /// The known pairs of a column of values.
    pub fn pairs(&self, column: usize) -> Pairs {
        let mut pairs = Pairs::default();
        self.each(column, |truth, value| pairs.push(truth, value));
        pairs
    }

    /// The counts of a column of labels.
    pub fn counts(&self, column: usize) -> LabelCounts {
        let mut counts = LabelCounts::default();
        self.each(column, |truth, probability| counts.add(truth >= 0.5, probability >= THRESHOLD));
        counts
    }

    /// As predictions of classes: the rows whose class is known.
    pub fn classes(&self) -> Predictions {
        let k = self.head.columns.len();
        let mut out = Predictions { classes: self.head.columns.clone(), ..Predictions::default() };
        for i in (0..self.rows.len()).filter(|&i| part(&self.known, i, k).iter().all(|&known| known)) {
            let truth = part(&self.truth, i, k);
            out.rows.push(self.rows[i]);
            out.truth.push(first_largest(truth));
            out.targets.extend(truth);
            out.logits.extend(part(&self.outputs, i, k));
        }
        if self.head.kind == TargetKind::Distribution {
            out.votes = Some(out.targets.clone());
        }
        out
    }

    fn each(&self, column: usize, mut take: impl FnMut(f64, f64)) {
        let k = self.head.columns.len();
        for i in (0..self.rows.len()).filter(|&i| self.known[i * k + column]) {
            let at = i * k + column;
            // Labels and values each follow from their own output.
            take(f64::from(self.truth[at]), self.head.kind.values(&self.outputs[at..=at])[0]);
        }
    }
}

fn part<T>(values: &[T], i: usize, k: usize) -> &[T] {
    &values[i * k..(i + 1) * k]
}

/// The predictions of each head out of those of the whole model: `targets`, `known` and `outputs` are `[rows, width]`, the
/// heads side by side; an empty `known` means that all targets are.
///
/// # Errors
/// When the lengths do not fit each other, or an output is not a finite number.
pub fn split_outputs(
    heads: &[Head],
    rows: &[u32],
    targets: &[f32],
    known: &[bool],
    outputs: &[f32],
) -> Result<Vec<HeadPredictions>> {
    let (n, w) = (rows.len(), width(heads));
    ensure!(n > 0, "there are no predictions to score: the set is empty");
    for (what, length) in [("targets", targets.len()), ("outputs", outputs.len())] {
        ensure!(length == n * w, "{n} rows of {w} outputs need {} {what}, but there are {length}", n * w);
    }
    ensure!([0, n * w].contains(&known.len()), "{n} rows of {w} outputs have a mask of {} values", known.len());
    if let Some(i) = (0..n).find(|&i| !part(outputs, i, w).iter().all(|v| v.is_finite())) {
        bail!(
            "the model's output is not a finite number for row {}: its weights or its input are broken; score an earlier \
             checkpoint, or lower the learning rate",
            rows[i]
        );
    }
    let of = |head: &Head| HeadPredictions {
        head: head.clone(),
        rows: rows.to_vec(),
        truth: (0..n).flat_map(|i| head.of(part(targets, i, w))).copied().collect(),
        known: match known.is_empty() {
            true => vec![true; n * head.columns.len()],
            false => (0..n).flat_map(|i| head.of(part(known, i, w))).copied().collect(),
        },
        outputs: (0..n).flat_map(|i| head.of(part(outputs, i, w))).copied().collect(),
    };
    Ok(heads.iter().map(of).collect())
}

/// The scores of one head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeadScores {
    /// The head's name.
    pub name: String,
    /// What its outputs mean.
    #[serde(flatten)]
    pub kind: TargetKind,
    /// Each label or value; empty of classes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnScores>,
    /// The scores of classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Box<Scores>>,
    /// Metrics that are not defined for any column, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub undefined: BTreeMap<String, String>,
}

/// The scores of one label or value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnScores {
    /// Its name.
    pub column: String,
    /// Rows where it is known.
    pub n: u64,
    /// Of a label: rows that have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positives: Option<u64>,
    /// By the metric's name.
    pub metrics: BTreeMap<String, f64>,
    /// Metrics that are not defined, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub undefined: BTreeMap<String, String>,
}

/// Scores a model with heads. A head's score is the plain mean over its columns for which the metric is defined.
///
/// # Errors
/// When there are no heads, or classes cannot be scored.
pub fn score_heads(heads: &[HeadPredictions]) -> Result<Scores> {
    let Some(first) = heads.first() else { bail!("there are no predictions to score") };
    let mut scores = Scores { n: first.rows.len() as u64, folds: 1, ..Scores::default() };
    for predictions in heads {
        let (head, metrics) = score_head(predictions)?;
        let name = |metric: String| format!("{}.{metric}", head.name);
        scores.metrics.extend(metrics.into_iter().map(|(metric, score)| (name(metric), score)));
        scores.heads.push(head);
    }
    Ok(scores)
}

fn score_head(predictions: &HeadPredictions) -> Result<(HeadScores, BTreeMap<String, Score>)> {
    let Head { name, kind, columns, .. } = &predictions.head;
    let mut head = HeadScores {
        name: name.clone(),
        kind: kind.clone(),
        columns: vec![],
        classes: None,
        undefined: BTreeMap::new(),
    };
    if kind.has_classes() {
        let classes = predictions.classes();
        if classes.is_empty() {
            head.undefined.insert("accuracy".into(), "the class of no row is known".into());
            return Ok((head, BTreeMap::new()));
        }
        let scores = score(&classes)?;
        let metrics = scores.metrics.clone();
        head.classes = Some(Box::new(scores));
        return Ok((head, metrics));
    }
    let is_labels = *kind == TargetKind::Labels;
    for (i, column) in columns.iter().enumerate() {
        let mut scored = if is_labels {
            let counts = predictions.counts(i);
            let scored = column_scores(for_labels(), &counts);
            ColumnScores { n: counts.total(), positives: Some(counts.positives()), ..scored }
        } else {
            let pairs = predictions.pairs(i);
            ColumnScores { n: pairs.len() as u64, ..column_scores(for_values(), &pairs) }
        };
        scored.column.clone_from(column);
        head.columns.push(scored);
    }
    let names = |kind| crate::metrics::of_kind(kind).into_iter().map(|about| about.name);
    let mut means = BTreeMap::new();
    for metric in names(kind) {
        let with = head.columns.iter().filter_map(|c| Some((c.metrics.get(metric)?, c.n)));
        let (values, counts): (Vec<f64>, Vec<u64>) = with.unzip();
        match crate::statistics::mean(&values) {
            Some(value) => {
                means.insert(metric.to_owned(), Score { value, interval: None, n: counts.iter().sum() });
            }
            None => {
                let why = head.columns.iter().find_map(|c| c.undefined.get(metric)).cloned().unwrap_or_default();
                head.undefined.insert(metric.into(), why);
            }
        }
    }
    Ok((head, means))
}

fn column_scores<S>(metrics: &[&dyn Metric<S>], sample: &S) -> ColumnScores {
    let mut scores = ColumnScores::default();
    for metric in metrics {
        match metric.score(sample).filter(|score| score.value.is_finite()) {
            Some(score) => drop(scores.metrics.insert(metric.name().into(), score.value)),
            None => drop(scores.undefined.insert(metric.name().into(), metric.undefined().into())),
        }
    }
    scores
}

#[cfg(test)]
mod tests;
