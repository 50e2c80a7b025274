//! Predictions boiled down to what metrics need: counts, and a few numbers per row.

use anyhow::{Result, ensure};

use super::Predictions;

/// Counts of true against predicted classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confusion {
    /// `counts[truth][predicted]`.
    pub counts: Vec<Vec<u64>>,
}

impl Confusion {
    /// No counts yet for `classes` classes.
    pub fn new(classes: usize) -> Self {
        Self { counts: vec![vec![0; classes]; classes] }
    }

    /// The counts of several together.
    pub fn sum<'c>(classes: usize, all: impl Iterator<Item = &'c Self>) -> Self {
        let mut sum = Self::new(classes);
        for counts in all {
            let pairs = sum.counts.iter_mut().flatten().zip(counts.counts.iter().flatten());
            pairs.for_each(|(total, count)| *total += count);
        }
        sum
    }

    /// Counts a row.
    pub fn add(&mut self, truth: usize, predicted: usize) {
        self.counts[truth][predicted] += 1;
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.counts.len()
    }

    /// Number of rows.
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// Rows of class `c` that were predicted as such.
    pub fn hits(&self, c: usize) -> u64 {
        self.counts[c][c]
    }

    /// Rows of class `c`.
    pub fn support(&self, c: usize) -> u64 {
        self.counts[c].iter().sum()
    }

    /// Rows predicted as class `c`.
    pub fn predicted(&self, c: usize) -> u64 {
        self.counts.iter().map(|row| row[c]).sum()
    }

    /// Share of the rows predicted as `c` that are of class `c`; 0 where none was.
    pub fn precision(&self, c: usize) -> f64 {
        share(self.hits(c), self.predicted(c))
    }

    /// Share of the rows of class `c` that were predicted as such; 0 where there is none.
    pub fn recall(&self, c: usize) -> f64 {
        share(self.hits(c), self.support(c))
    }

    /// Harmonic mean of precision and recall; 0 where class `c` neither occurs nor is predicted.
    pub fn f1(&self, c: usize) -> f64 {
        share(2 * self.hits(c), self.support(c) + self.predicted(c))
    }

    /// Mean of `value` over the classes that `include` admits; `None` where it admits none.
    pub fn mean_over(&self, include: impl Fn(usize) -> bool, value: impl Fn(usize) -> f64) -> Option<f64> {
        let values: Vec<f64> = (0..self.classes()).filter(|&c| include(c)).map(value).collect();
        super::statistics::mean(&values)
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// What a metric needs to know of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// True class.
    pub truth: usize,
    /// Predicted class.
    pub predicted: usize,
    /// Probability of the predicted class.
    pub confidence: f64,
    /// Minus the logarithm of the true class's probability.
    pub loss: f64,
    /// How many classes stand before the true one; among equals the lower index stands first.
    pub rank: usize,
    /// KL(votes || softmax), where the row has votes.
    pub kl_votes: Option<f64>,
}

/// One or several sets of predictions, pooled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// Counts over all rows.
    pub confusion: Confusion,
    /// All rows.
    pub rows: Vec<Scored>,
}

impl Sample {
    /// Pools `parts`.
    ///
    /// # Errors
    /// When there is no part, a part does not pass [`Predictions::check`], or the class names differ.
    pub fn pool(parts: &[Predictions]) -> Result<Self> {
        ensure!(!parts.is_empty(), "there are no predictions to score");
        let classes = &parts[0].classes;
        let mut sample = Self { confusion: Confusion::new(classes.len()), rows: Vec::new() };
        for (i, part) in parts.iter().enumerate() {
            part.check().map_err(|e| if parts.len() > 1 { e.context(format!("fold {i}")) } else { e })?;
            ensure!(
                &part.classes == classes,
                "fold {i} has the classes {:?}, but the first fold has {classes:?}: they cannot be pooled",
                part.classes
            );
            sample.rows.extend((0..part.len()).map(|row| scored(part, row)));
        }
        for row in &sample.rows {
            sample.confusion.counts[row.truth][row.predicted] += 1;
        }
        Ok(sample)
    }

    /// Number of rows with `condition`.
    pub fn count(&self, condition: impl Fn(&Scored) -> bool) -> u64 {
        self.rows.iter().filter(|row| condition(row)).count() as u64
    }
}

fn scored(part: &Predictions, i: usize) -> Scored {
    let z: Vec<f64> = part.logits_of(i).iter().map(|&v| f64::from(v)).collect();
    let (truth, predicted) = (part.truth[i], part.predicted(i));
    let excess: f64 = z.iter().map(|v| (v - z[predicted]).exp()).sum();
    let log_sum = z[predicted] + excess.ln();
    let rank = z.iter().enumerate().filter(|&(j, &v)| v > z[truth] || (v == z[truth] && j < truth)).count();
    let votes = part.votes.as_ref().map(|votes| &votes[i * z.len()..(i + 1) * z.len()]);
    Scored {
        truth,
        predicted,
        confidence: 1.0 / excess,
        loss: log_sum - z[truth],
        rank,
        kl_votes: votes.and_then(|v| kl(v, &z, log_sum)),
    }
}

/// KL of the normalised votes from the softmax; `None` for a row without votes. Terms of share 0 count 0.
fn kl(votes: &[f32], z: &[f64], log_sum: f64) -> Option<f64> {
    let total: f64 = votes.iter().map(|&v| f64::from(v)).sum();
    (total > 0.0).then(|| {
        let shares = votes.iter().map(|&v| f64::from(v) / total);
        shares.zip(z).filter(|(q, _)| *q > 0.0).map(|(q, z)| q * (q.ln() - (z - log_sum))).sum()
    })
}
