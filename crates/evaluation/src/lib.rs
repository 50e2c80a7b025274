//! Scores: from predictions to metrics. Knows nothing of tensors or models.
//!
//! [`score`] turns the predictions for one set into [`Scores`], the content of `metrics.json`; [`score_folds`] pools
//! several sets; [`aggregate`] sums up several seeds. The metrics themselves are in [`metrics`].
//!
//! Two rules hold for all of them. The predicted class is the *first* of the largest logits (as numpy's `argmax`). A
//! logit that is not finite is an error ([`Predictions::check`]): it has no largest class, and a score that counts
//! such rows as some class hides a broken model.

mod aggregate;
mod calibration;
pub mod compare;
mod decisions;
mod heads;
pub mod metrics;
pub mod parts;
mod sample;
mod scores;
pub mod statistics;

pub use aggregate::{Aggregate, Spread, aggregate};
pub use calibration::{TEMPERATURES, fit_temperature};
pub use compare::McNemar;
pub use decisions::Decisions;
pub use heads::{ColumnScores, HeadPredictions, HeadScores, score_heads, split_outputs};
pub use sample::{Confusion, Sample, Scored};
pub use scores::{CalibrationBin, ClassScores, Score, Scores, score, score_folds};

use anyhow::{Result, bail, ensure};
use ferrotype_base::statistics::first_largest;

/// What a model said of a labelled set, row by row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Predictions {
    /// Class names: the columns of `logits`.
    pub classes: Vec<String>,
    /// Row in the dataset per example.
    pub rows: Vec<u32>,
    /// True class per example (the most likely one of a soft target).
    pub truth: Vec<usize>,
    /// Target distribution per example, `[examples, classes]`.
    pub targets: Vec<f32>,
    /// Crowd distribution over `classes` per example, `[examples, classes]`, where the dataset has votes.
    pub votes: Option<Vec<f32>>,
    /// Model outputs before softmax, `[examples, classes]`.
    pub logits: Vec<f32>,
}

impl Predictions {
    /// Number of examples.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// These examples alone.
    ///
    /// # Panics
    /// When one of them is not below [`Predictions::len`].
    pub fn only(&self, examples: &[usize]) -> Self {
        let k = self.classes.len();
        let wide = |values: &[f32]| -> Vec<f32> {
            // Of predictions without targets there is nothing to take.
            let of = |&i: &usize| values.get(i * k..(i + 1) * k).unwrap_or_default();
            examples.iter().flat_map(of).copied().collect()
        };
        Self {
            classes: self.classes.clone(),
            rows: examples.iter().map(|&i| self.rows[i]).collect(),
            truth: examples.iter().map(|&i| self.truth[i]).collect(),
            targets: wide(&self.targets),
            votes: self.votes.as_deref().map(wide),
            logits: wide(&self.logits),
        }
    }

    /// The logits of example `i`.
    pub fn logits_of(&self, i: usize) -> &[f32] {
        let k = self.classes.len();
        &self.logits[i * k..(i + 1) * k]
    }

    /// Softmax of example `i`, in f64 from the f32 logits.
    pub fn probabilities(&self, i: usize) -> Vec<f64> {
        let z = self.logits_of(i);
        let max = z.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let e: Vec<f64> = z.iter().map(|&v| f64::from(v - max).exp()).collect();
        let sum: f64 = e.iter().sum();
        e.into_iter().map(|v| v / sum).collect()
    }

    /// The predicted class of example `i`: the first of the largest logits.
    pub fn predicted(&self, i: usize) -> usize {
        first_largest(self.logits_of(i))
    }

    /// Whether the parts fit each other and every number is usable.
    ///
    /// # Errors
    /// When there are no rows or classes, a length does not fit, a true class does not exist, votes are negative, or
    /// a logit is not finite; the message names the first such row.
    pub fn check(&self) -> Result<()> {
        let (n, k) = (self.len(), self.classes.len());
        ensure!(k > 0, "the predictions name no classes");
        ensure!(n > 0, "there are no predictions to score: the set is empty");
        for (what, length, expected) in [
            ("true classes", self.truth.len(), n),
            ("target values", self.targets.len(), n * k),
            ("logits", self.logits.len(), n * k),
            ("vote shares", self.votes.as_ref().map_or(n * k, Vec::len), n * k),
        ] {
            ensure!(
                length == expected,
                "{n} predictions over {k} classes need {expected} {what}, but there are {length}"
            );
        }
        if let Some(i) = self.truth.iter().position(|&t| t >= k) {
            bail!("row {} has class {}, but there are only {k} classes", self.rows[i], self.truth[i]);
        }
        let broken = |values: &[f32], usable: fn(f32) -> bool| {
            let bad: Vec<usize> = (0..n).filter(|&i| !values[i * k..(i + 1) * k].iter().all(|&v| usable(v))).collect();
            bad.first().map(|&i| (bad.len(), self.rows[i]))
        };
        if let Some((count, row)) = broken(&self.logits, f32::is_finite) {
            bail!(
                "the model's output is not a finite number for {count} of {n} rows (the first is row {row}): its weights \
                 or its input are broken; score an earlier checkpoint, or lower the learning rate"
            );
        }
        if let Some((count, row)) = self.votes.as_deref().and_then(|votes| broken(votes, |v| v.is_finite() && v >= 0.0))
        {
            bail!("the votes of {count} of {n} rows are negative or not finite (the first is row {row})");
        }
        Ok(())
    }
}

#[doc(hidden)]
pub mod mocks;
#[cfg(test)]
mod tests;
